/*
 * How a scan gives way to other work on the machine.
 */
#include "core/scan/manners.h"

#include "io/dirents.h"
#include "io/locks.h"

#include <unistd.h>

#define MS            1000000u /* nanoseconds */
#define SLICE_NS      (100 * MS)
#define SLICE_ALONE   (50 * MS)
#define LOOK_NS       (5 * MS)   /* long enough for waits of a disk to show */
#define LOOK_AGAIN    (20 * MS)  /* under pressure */
#define PAUSE_MAX     (300 * MS) /* with SLICE_ALONE: one worker, a seventh of the time at worst */
#define PRESSURE_HIGH 10         /* percent of the time in which some task waited */

bool spr_manners_is_live(const struct spr_format *format, int root_fd)
{
    const char *file = format->lock.run_file;
    const char *name;
    if (file == NULL) {
        return false;
    }
    const int dir_fd = spr_dir_open_of(root_fd, file, &name);
    if (dir_fd < 0) {
        return false;
    }
    struct spr_io_meta meta;
    int holder;
    const bool is_live = spr_meta_at(dir_fd, name, &meta) == 0 &&
                         spr_lock_holder(meta.device, meta.inode, &holder) == 1;
    (void)close(dir_fd); /* a folder: nothing can be lost */
    return is_live;
}

bool spr_manners_is_due(struct spr_manners *manners, uint64_t now_ns)
{
    if (!manners->is_on) {
        return false;
    }
    if (manners->slice_ns == 0) {
        manners->slice_ns = now_ns;
    }
    return now_ns - manners->slice_ns >= (manners->is_alone ? SLICE_ALONE : SLICE_NS);
}

void spr_manners_begin(struct spr_manners *manners, uint64_t now_ns)
{
    manners->pause_ns = now_ns;
    manners->look_ns = now_ns;
    manners->is_told = spr_pressure_read(&manners->seen) == 0;
}

static uint32_t milliseconds(uint64_t ns)
{
    return (uint32_t)((ns + MS - 1) / MS);
}

/* Since the last look; a second look begins. */
static bool is_high(struct spr_manners *manners, uint64_t now_ns)
{
    struct spr_pressure now;
    if (spr_pressure_read(&now) < 0) {
        return false; /* told a moment ago: nothing to go by */
    }
    const uint64_t io_us = now.io_us - manners->seen.io_us;
    const uint64_t cpu_us = now.cpu_us - manners->seen.cpu_us;
    const uint64_t us = (now_ns - manners->look_ns) / 1000;
    manners->seen = now;
    manners->look_ns = now_ns;
    return (io_us > cpu_us ? io_us : cpu_us) * 100 > us * PRESSURE_HIGH;
}

static uint32_t end_pause(struct spr_manners *manners, uint64_t now_ns, bool is_alone)
{
    manners->is_alone = is_alone;
    manners->slice_ns = now_ns;
    return 0;
}

uint32_t spr_manners_wait(struct spr_manners *manners, uint64_t now_ns)
{
    const uint64_t paused_ns = now_ns - manners->pause_ns;
    if (!manners->is_told) {
        return paused_ns < SLICE_NS ? milliseconds(SLICE_NS - paused_ns)
                                    : end_pause(manners, now_ns, manners->is_alone);
    }
    if (now_ns - manners->look_ns < LOOK_NS) {
        return milliseconds(LOOK_NS - (now_ns - manners->look_ns));
    }
    if (!is_high(manners, now_ns)) {
        return end_pause(manners, now_ns, false);
    }
    return paused_ns >= PAUSE_MAX ? end_pause(manners, now_ns, true) : milliseconds(LOOK_AGAIN);
}
