/*
 * A pressure that tests set: the table of system calls opens a file of ours instead.
 */
#include "tests/support/pressure.h"

#include "io/calls.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct spr_calls calls;
static char texts[2][128]; /* io, cpu */
static bool is_absent;

static int open_pressure(int dir_fd, const char *path, int flags, uint32_t mode)
{
    if (strncmp(path, "/proc/pressure/", strlen("/proc/pressure/")) != 0) {
        return spr_calls_plain()->openat(dir_fd, path, flags, mode);
    }
    if (is_absent) {
        return -ENOENT;
    }
    const char *text = texts[strstr(path, "cpu") != NULL];
    const int fd = memfd_create("pressure", MFD_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        return -EIO;
    }
    return fd;
}

void pressure_start(void)
{
    calls = *spr_calls_plain();
    calls.openat = open_pressure;
    spr_calls_set(&calls);
    pressure_set(0, 0);
}

void pressure_set(uint64_t io_us, uint64_t cpu_us)
{
    const uint64_t totals[2] = { io_us, cpu_us };
    is_absent = false;
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]),
                       "some avg10=0.00 avg60=0.00 avg300=0.00 total=%llu\n"
                       "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
                       (unsigned long long)totals[i]);
    }
}

void pressure_set_text(const char *text)
{
    is_absent = text == NULL;
    for (unsigned i = 0; i < 2 && text != NULL; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "%s", text);
    }
}

void pressure_stop(void)
{
    spr_calls_set(NULL);
}
