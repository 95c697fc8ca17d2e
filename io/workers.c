/*
 * A pool of threads for one phase.
 */
#include "io/workers.h"

#include <sched.h>

uint32_t spr_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) < 0) {
        return 1;
    }
    int count = CPU_COUNT(&set);
    return count > 0 ? (uint32_t)count : 1;
}
