/*
 * What the measuring programs share: a clock, and rows of the results file.
 *
 * A row is: what, variant, seconds, items. One run of a program prints one row for each thing it
 * measures; rounds and the state of the page cache are bench/run.sh's business, medians those of
 * bench/report.sh.
 */
#ifndef SPR_BENCH_MEASURE_H
#define SPR_BENCH_MEASURE_H

#include <stdint.h>

struct spr_fault;

double spr_measure_now(void); /* seconds of a clock that only runs forward */
void spr_measure_row(const char *what, const char *variant, double seconds, uint64_t items);
/* Says what failed on standard error and ends the program. */
_Noreturn void spr_measure_fail(const char *what, int code, const struct spr_fault *fault);

#endif
