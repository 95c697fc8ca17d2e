/*
 * Warm or cold.
 *
 * Shared by all workers are two atomic words, both relaxed: they are advice, no memory hangs on
 * them, and a worker that sees an old value runs one window at the old pace. A lost update of the
 * row of warm windows delays the way back to warm by one window.
 */
#include "io/pace.h"

#include "io/workers.h"

enum {
    WARM_WINDOW = 64,     /* PERF 2: depth 32-64 stays in L1 and L2 */
    COLD_WINDOW = 1024,   /* PERF 9.4: 8 workers x 1024 x 4 KiB are the whole memory for buffers */
    COLD_WORKERS = 8,     /* PERF 3b: more gain nothing */
    WARM_ROW = 2,         /* warm windows before cold ends: one may be luck */
    MISS_SHARE = 16,      /* a miss costs a warm worker some 100 us, and a cold window 10 */
    MIXED_MIN = 2,        /* cached ones of a sample of 16: an eighth is worth the page cache */
    SLOW_READ_NS = 30000, /* a cached read takes 0.4 us (PERF 1), a disk 14 us at best, mostly 80 */
    NEIGHBOUR_PAIRS = 1000, /* PERF 9.4: sample size for inode order */
    STRAY_SHARE = 8, /* fewer pairs apart than this: asking where each file lies costs more */
    OTHER_DESCRIPTORS = 64, /* for folders, index and standard streams */
};

static const uint32_t STATE_COLD = 1;
static const uint32_t STATE_ROW = 2; /* one warm window */

static uint32_t smaller(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

void spr_pace_init(struct spr_pace *pace, uint32_t workers_max, uint64_t descriptors)
{
    pace->cores = spr_cores();
    pace->workers_max = workers_max;
    pace->workers_cold = smaller(workers_max, COLD_WORKERS);
    const uint64_t free_descriptors =
        descriptors > 2 * OTHER_DESCRIPTORS ? descriptors - OTHER_DESCRIPTORS : OTHER_DESCRIPTORS;
    const uint64_t each = free_descriptors / pace->workers_cold;
    pace->window_max = 0;
    spr_pace_limit(pace, smaller(COLD_WINDOW, each));
    atomic_store_explicit(&pace->state, 0, memory_order_relaxed);
    atomic_store_explicit(&pace->neighbours, 0, memory_order_relaxed);
}

void spr_pace_limit(struct spr_pace *pace, uint64_t window_max)
{
    const uint32_t before = pace->window_max > 0 ? pace->window_max : (uint32_t)COLD_WINDOW;
    const uint32_t window = smaller(before, window_max);
    pace->window_max = window > 0 ? window : 1;
}

bool spr_pace_is_slow(uint64_t read_ns)
{
    return read_ns > SLOW_READ_NS;
}

bool spr_pace_is_cold(const struct spr_pace_sample *sample)
{
    return sample->missed >= 2 && sample->missed * MISS_SHARE >= sample->cached;
}

bool spr_pace_is_mixed(const struct spr_pace_sample *sample)
{
    return sample->cached >= MIXED_MIN;
}

void spr_pace_note(struct spr_pace *pace, bool was_cold)
{
    uint32_t state = atomic_load_explicit(&pace->state, memory_order_relaxed);
    if (was_cold) {
        state = STATE_COLD;
    } else if ((state & STATE_COLD) != 0) {
        state += STATE_ROW;
        if (state / STATE_ROW >= WARM_ROW) {
            state = 0;
        }
    } else {
        return; /* warm stays warm: no write to a shared cache line */
    }
    atomic_store_explicit(&pace->state, state, memory_order_relaxed);
}

struct neighbours {
    uint64_t pairs, adjacent;
};

static struct neighbours load_neighbours(const struct spr_pace *pace)
{
    const uint64_t seen = atomic_load_explicit(&pace->neighbours, memory_order_relaxed);
    return (struct neighbours){ seen >> 32, seen & UINT32_MAX };
}

void spr_pace_note_neighbours(struct spr_pace *pace, uint32_t pairs, uint32_t adjacent)
{
    if (load_neighbours(pace).pairs <
        NEIGHBOUR_PAIRS) { /* decided once: later windows may be cut otherwise */
        atomic_fetch_add_explicit(&pace->neighbours, (uint64_t)pairs << 32 | adjacent,
                                  memory_order_relaxed);
    }
}

bool spr_pace_knows_order(const struct spr_pace *pace)
{
    const struct neighbours seen = load_neighbours(pace);
    return seen.pairs >= NEIGHBOUR_PAIRS &&
           (seen.pairs - seen.adjacent) * STRAY_SHARE <= seen.pairs;
}

bool spr_pace_was_cold(const struct spr_pace *pace)
{
    return (atomic_load_explicit(&pace->state, memory_order_relaxed) & STATE_COLD) != 0;
}

struct spr_io_pace spr_pace_now(const struct spr_pace *pace)
{
    const struct neighbours seen = load_neighbours(pace);
    const bool cold = spr_pace_was_cold(pace);
    return (struct spr_io_pace){
        .window = cold ? pace->window_max : smaller(WARM_WINDOW, pace->window_max),
        .workers = cold ? pace->workers_cold : smaller(pace->cores, pace->workers_max),
        .inode_order = seen.pairs < NEIGHBOUR_PAIRS || seen.adjacent * 2 >= seen.pairs,
    };
}
