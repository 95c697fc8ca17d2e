/*
 * Workers for the calls of one phase. Rules: team.h.
 *
 * Shared by the workers of a round: the next item, counted up with relaxed order because nothing
 * hangs on it but who takes which; and the flag of a failure, relaxed because it only has to be
 * seen soon. Starting and joining the threads order all else.
 */
#include "core/batch/team.h"

#include "io/workers.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#define MEASURED_MIN  1024 /* items of a round that tells something */
#define TRIAL_SECONDS 0.05 /* tell as much where calls sleep, and 16 may do 10 times the work */
#define GAIN          1.15 /* of a count that is kept over a smaller one */
#define ROUNDS_KEPT   64   /* then it is measured anew */

static const uint32_t TRIALS[] = { 1, 2, 4, 16 };
#define TRIAL_COUNT (sizeof(TRIALS) / sizeof(TRIALS[0]))

struct round {
    spr_team_fn act;
    void *user;
    uint32_t count;
    double until; /* seconds_now() when no more items are dealt; 0: never */
    _Atomic uint32_t next;
    atomic_bool is_failed;
};

static double seconds_now(void)
{
    struct timespec now = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* a known clock: cannot fail */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run_worker(uint32_t number, void *user)
{
    struct round *round = user;
    (void)number;
    while (round->until <= 0 || seconds_now() < round->until) {
        const uint32_t from =
            atomic_fetch_add_explicit(&round->next, SPR_TEAM_DEAL, memory_order_relaxed);
        if (from >= round->count) {
            return 0;
        }
        const uint32_t left = round->count - from;
        const uint32_t to = from + (left < SPR_TEAM_DEAL ? left : SPR_TEAM_DEAL);
        for (uint32_t item = from; item < to; item++) {
            if (atomic_load_explicit(&round->is_failed, memory_order_relaxed)) {
                return 0; /* (T2) */
            }
            const int r = round->act(item, round->user);
            if (r < 0) {
                atomic_store_explicit(&round->is_failed, true, memory_order_relaxed);
                return r;
            }
        }
    }
    return 0;
}

int spr_team_alone(uint32_t count, spr_team_fn act, void *user)
{
    for (uint32_t item = 0; item < count; item++) {
        const int r = act(item, user);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int run_with(uint32_t workers, struct round *round)
{
    struct spr_workers *pool = NULL;
    if (workers > 1 && spr_workers_start(workers, false, run_worker, round, &pool) == 0) {
        return spr_workers_join(pool); /* (T1) */
    }
    return run_worker(0, round); /* also where no thread is to be had */
}

static void begin_trials(struct spr_team *team)
{
    team->trial = 0;
    team->best = 0;
    team->rounds_kept = 0;
}

/* What this many workers did in so many seconds. */
static void learn(struct spr_team *team, uint32_t workers, uint32_t count, double seconds)
{
    if (team->trial == TRIAL_COUNT) {
        team->rounds_kept++;
        if (team->rounds_kept == ROUNDS_KEPT) {
            begin_trials(team);
        }
        return;
    }
    const double rate = seconds > 0 ? count / seconds : 0;
    if (workers == 1 || rate > team->best * GAIN) {
        team->kept = workers;
        team->best = rate;
    }
    do {
        team->trial++;
    } while (team->trial < TRIAL_COUNT && TRIALS[team->trial] > team->most);
}

static uint32_t choose(const struct spr_team *team, uint32_t count)
{
    if (team->fixed > 0) {
        return team->fixed < SPR_WORKERS_MAX ? team->fixed : SPR_WORKERS_MAX;
    }
    if (count < MEASURED_MIN) {
        return 1; /* (T3) */
    }
    return team->trial < TRIAL_COUNT ? TRIALS[team->trial] : team->kept;
}

uint32_t spr_team_size(const struct spr_team *team, uint32_t count)
{
    const bool is_on_trial = team->fixed == 0 && count >= MEASURED_MIN && team->trial < TRIAL_COUNT;
    return is_on_trial && team->most > 1 ? team->most : choose(team, count);
}

/* One count's share of a round of so many items from first on: how many were done, or what failed.
 * A count on trial has them all only if they are done in its time. */
static int run_part(struct spr_team *team, uint32_t count, uint32_t first, spr_team_fn act,
                    void *user)
{
    const uint32_t workers = choose(team, count);
    const bool is_measured = team->fixed == 0 && count >= MEASURED_MIN;
    const double start = seconds_now();
    struct round round = { .act = act, .user = user, .count = count, .next = first };
    if (is_measured && team->trial < TRIAL_COUNT) {
        round.until = start + TRIAL_SECONDS;
    }
    const int r = run_with(workers, &round);
    if (r < 0) {
        return r;
    }
    const uint32_t next = atomic_load_explicit(&round.next, memory_order_relaxed);
    const uint32_t done = (next < count ? next : count) - first;
    const double seconds = seconds_now() - start;
    if (is_measured && (done >= MEASURED_MIN || seconds >= TRIAL_SECONDS)) {
        learn(team, workers, done, seconds);
    }
    return (int)done;
}

int spr_team_round(struct spr_team *team, uint32_t count, spr_team_fn act, void *user)
{
    for (uint32_t first = 0; first < count;) {
        const int r = run_part(team, count, first, act, user);
        if (r < 0) {
            return r;
        }
        first += (uint32_t)r;
    }
    return 0;
}
