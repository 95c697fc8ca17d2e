/*
 * Pressure-stall information: "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345", then a line
 * "full". The total is up to date at every read; the averages only every two seconds.
 */
#include "io/pressure.h"

#include "io/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { LINE_MAX = 256, DIGITS_MAX = 18 };

static int read_total(const char *path, uint64_t *ret_us)
{
    const int fd = spr_calls()->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0) {
        return fd;
    }
    char line[LINE_MAX];
    const int64_t got = spr_calls()->read(fd, line, sizeof(line) - 1);
    (void)spr_calls()->close(fd); /* read only: nothing can be lost */
    if (got < 0) {
        return (int)got;
    }
    line[got] = '\0';
    const char *digits = strstr(line, "total=");
    if (strncmp(line, "some ", 5) != 0 || digits == NULL) {
        return -EBADMSG;
    }
    digits += strlen("total=");
    uint64_t total = 0;
    for (unsigned i = 0; i < DIGITS_MAX && digits[i] >= '0' && digits[i] <= '9'; i++) {
        total = total * 10 + (uint64_t)(digits[i] - '0');
    }
    *ret_us = total;
    return 0;
}

int spr_pressure_read(struct spr_pressure *ret_pressure)
{
    struct spr_pressure pressure;
    int r = read_total("/proc/pressure/io", &pressure.io_us);
    if (r == 0) {
        r = read_total("/proc/pressure/cpu", &pressure.cpu_us);
    }
    if (r == 0) {
        *ret_pressure = pressure;
    }
    return r;
}
