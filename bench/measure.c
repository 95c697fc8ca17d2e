/* The clock and the rows of the measuring programs. */
#include "bench/measure.h"

#include "core/spoolray.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double spr_measure_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void spr_measure_row(const char *what, const char *variant, double seconds, uint64_t items)
{
    printf("%s,%s,%.6f,%llu\n", what, variant, seconds, (unsigned long long)items);
}

void spr_measure_fail(const char *what, int code, const struct spr_fault *fault)
{
    fprintf(stderr, "%s: %s", what, spr_strerror(code));
    if (fault != NULL && fault->detail[0] != '\0') {
        fprintf(stderr, ": %s: %s", fault->subject, fault->detail);
    }
    fputc('\n', stderr);
    exit(1);
}
