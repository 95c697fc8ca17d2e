/*
 * A pressure that tests set, in place of the machine's.
 */
#ifndef SPR_TESTS_SUPPORT_PRESSURE_H
#define SPR_TESTS_SUPPORT_PRESSURE_H

#include <stdint.h>

/* From here to pressure_stop the files below /proc/pressure say this. */
void pressure_start(void);
void pressure_set(uint64_t io_us, uint64_t cpu_us);
void pressure_set_text(const char *text); /* of both files; NULL: there are none */
void pressure_stop(void);

#endif
