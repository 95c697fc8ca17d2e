/*
 * The floor of a quick refresh: list every name, and do nothing else.
 *
 * usage: list FOLDER [THREADS]
 */
#include "bench/micro/sweep.h"

#include <stddef.h>

int main(int argc, char **argv)
{
    return spr_sweep_main(argc, argv, "list", NULL);
}
