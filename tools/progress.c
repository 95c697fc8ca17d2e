/*
 * Progress on stderr, and Ctrl-C on its way to the library.
 */
#include "tools/progress.h"

#include "tools/print_json.h"
#include "tools/print_text.h"
#include "tools/signals.h"

#include <string.h>
#include <time.h>

#define QUIET_MS 500  /* shorter operations show nothing */
#define EVERY_MS 1000 /* between two JSON lines */

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void spr_meter_init(struct spr_meter *meter, const struct spr_cli *cli, const char *what)
{
    const char *wish = spr_args_text(cli->args, SPR_OPT_PROGRESS);
    *meter = (struct spr_meter){ .what = what, .started_ms = now_ms() };
    if (wish != NULL && strcmp(wish, "json") == 0) {
        meter->kind = SPR_METER_JSON;
    } else if (cli->err_is_terminal && !cli->quiet && (wish == NULL || strcmp(wish, "none") != 0)) {
        meter->kind = SPR_METER_TERMINAL;
    }
}

uint64_t spr_meter_passed_ms(const struct spr_meter *meter)
{
    const int64_t now = now_ms();
    return now > meter->started_ms ? (uint64_t)(now - meter->started_ms) : 1;
}

static void show_line(struct spr_meter *meter, const struct spr_progress *progress,
                      int64_t passed_ms)
{
    char done[SPR_SHORT_MAX];
    char total[SPR_SHORT_MAX];
    char rate[SPR_SHORT_MAX];
    char left[SPR_SHORT_MAX];
    const bool is_job = progress->steps_total > 0;
    const uint64_t count = is_job ? progress->steps_done : progress->messages_done;
    const uint64_t per_second = count * 1000 / (uint64_t)passed_ms;
    (void)fprintf(stderr, "\r\033[K%s: %s", meter->what, spr_text_count(count, done));
    if (is_job) {
        (void)fprintf(stderr, " of %s", spr_text_count(progress->steps_total, total));
    }
    (void)fprintf(stderr, " messages, %s/s", spr_text_count(per_second, rate));
    if (is_job && per_second > 0 && progress->steps_total > count) {
        const uint64_t seconds = (progress->steps_total - count) / per_second;
        (void)fprintf(stderr, ", %s left", spr_text_span(seconds, left));
    }
    if (progress->messages_rejected > 0) {
        (void)fprintf(stderr, ", %s not readable",
                      spr_text_count(progress->messages_rejected, left));
    }
    (void)fflush(stderr);
}

static void write_json(const struct spr_meter *meter, const struct spr_progress *progress,
                       int64_t passed_ms)
{
    struct spr_out out;
    struct spr_json json;
    spr_out_begin(&out, stderr);
    spr_json_begin(&json, &out, "spoolray.progress/1");
    spr_json_string(&json, "what", meter->what);
    spr_json_number(&json, "milliseconds", (uint64_t)passed_ms);
    spr_json_number(&json, "files_seen", progress->files_seen);
    spr_json_number(&json, "messages_done", progress->messages_done);
    spr_json_number(&json, "messages_rejected", progress->messages_rejected);
    spr_json_number(&json, "bytes_read", progress->bytes_read);
    spr_json_number(&json, "steps_done", progress->steps_done);
    spr_json_number(&json, "steps_total", progress->steps_total);
    spr_json_end(&json);
    spr_out_end(&out); /* progress is worth no failure */
}

int spr_meter_tick(const struct spr_progress *progress, void *user)
{
    struct spr_meter *meter = user;
    const int64_t now = now_ms();
    const int64_t passed_ms = now > meter->started_ms ? now - meter->started_ms : 1;
    if (meter->kind == SPR_METER_TERMINAL && passed_ms > QUIET_MS) {
        show_line(meter, progress, passed_ms);
        meter->shown = true;
    } else if (meter->kind == SPR_METER_JSON &&
               (meter->shown_ms == 0 || now - meter->shown_ms >= EVERY_MS)) {
        write_json(meter, progress, passed_ms);
        meter->shown_ms = now;
    }
    return spr_signals_stopped() ? 1 : 0;
}

void spr_meter_end(struct spr_meter *meter)
{
    if (meter->kind == SPR_METER_TERMINAL && meter->shown) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
    }
    meter->shown = false;
}
