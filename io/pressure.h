/*
 * How long tasks of this machine have waited for others: the kernel's pressure-stall information.
 */
#ifndef SPR_IO_PRESSURE_H
#define SPR_IO_PRESSURE_H

#include <stdint.h>

/* Microseconds since boot in which some task waited. */
struct spr_pressure {
    uint64_t io_us, cpu_us;
};
/* 0; a negative errno where the kernel does not tell (-ENOENT, -EOPNOTSUPP), -EBADMSG where it
 * tells something else. */
int spr_pressure_read(struct spr_pressure *ret_pressure);

#endif
