/*
 * Ctrl-C, counted.
 *
 * The one piece of mutable state of the command line: a signal handler can reach nothing else. It
 * is lock-free; relaxed order is enough, since no other memory depends on it.
 */
#include "tools/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static atomic_int signals_seen;
static atomic_bool changes_running;

static void write_text(const char *text)
{
    const ssize_t n = write(STDERR_FILENO, text, strlen(text));
    (void)n; /* nothing to do about it in a handler */
}

static void on_signal(int number)
{
    const int before = atomic_fetch_add_explicit(&signals_seen, 1, memory_order_relaxed);
    const bool changes = atomic_load_explicit(&changes_running, memory_order_relaxed);
    if (before == 0) {
        write_text(changes ? "\nspoolray: stopping when this batch is whole...\n"
                           : "\nspoolray: stopping...\n");
    } else if (before == 1) {
        write_text(changes ? "spoolray: finishing the batch so that no message is left half moved; "
                             "afterwards 'spoolray jobs' shows it and 'spoolray resume JOB' goes "
                             "on; once more to quit at once ('spoolray resume' then settles it)\n"
                           : "spoolray: closing the index; the next scan goes on from there; once "
                             "more to quit at once\n");
    } else {
        (void)signal(number, SIG_DFL);
        (void)raise(number);
    }
}

void spr_signals_catch(bool changes)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    (void)sigemptyset(&action.sa_mask);
    atomic_store_explicit(&changes_running, changes, memory_order_relaxed);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    if (changes) {
        (void)signal(SIGPIPE, SIG_IGN);
    }
}

bool spr_signals_stopped(void)
{
    return atomic_load_explicit(&signals_seen, memory_order_relaxed) > 0;
}
