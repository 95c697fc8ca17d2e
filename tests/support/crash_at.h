/*
 * Killing an operation at a named point of the batch protocol.
 */
#ifndef SPR_TESTS_SUPPORT_CRASH_AT_H
#define SPR_TESTS_SUPPORT_CRASH_AT_H

#include "tests/support/watch_calls.h"

enum crash_part { CRASH_ANY, CRASH_PIVOTS, CRASH_SUPPORTS, CRASH_SLOTS };

/* Before the nth such call. */
struct crash_point {
    enum watch_kind kind;
    int frame;         /* FRAMES; 0: any */
    const char *begin; /* LINE; NULL: any */
    enum crash_part part;
    unsigned nth;
    enum watch_answer answer;
};
#define CRASH_FRAMES(type, how)                                                                    \
    ((struct crash_point){ .kind = WATCH_FRAMES, .frame = (type), .nth = 1, .answer = (how) })
#define CRASH_LINE(text)                                                                           \
    ((struct crash_point){ .kind = WATCH_LINE, .begin = (text), .nth = 1, .answer = WATCH_KILL })
#define CRASH_PIVOT(number)                                                                        \
    ((struct crash_point){                                                                         \
        .kind = WATCH_MOVE, .part = CRASH_PIVOTS, .nth = (number), .answer = WATCH_KILL })
#define CRASH_SUPPORT(number)                                                                      \
    ((struct crash_point){                                                                         \
        .kind = WATCH_MOVE, .part = CRASH_SUPPORTS, .nth = (number), .answer = WATCH_KILL })
#define CRASH_SLOT_UNLINK(number)                                                                  \
    ((struct crash_point){                                                                         \
        .kind = WATCH_UNLINK, .part = CRASH_SLOTS, .nth = (number), .answer = WATCH_KILL })

/* Runs it in a child. True when it was killed there, false when it came to its end and answered
 * 0; anything else fails the test. */
bool crash_at(int (*operation)(void), struct crash_point point);

#endif
