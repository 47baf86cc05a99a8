/* Messages and the progress line: see log.h. */

#include "common/log.h"

#include <stdarg.h>
#include <string.h>

#include "common/clock.h"

void da_log_init(struct da_log *log, FILE *out, enum da_log_level level)
{
    memset(log, 0, sizeof *log);
    log->out = out;
    log->level = level;
}

static void wipe(struct da_log *log)
{
    if (log->drawn)
        (void)fputs("\r\033[K", log->out);
    log->drawn = false;
}

void da_log_msg(struct da_log *log, enum da_log_level level, const char *fmt, ...)
{
    static const char *const prefix[] = {"", "warning: ", "", "debug: "};
    va_list ap;
    if (!log || !log->out || level > log->level)
        return;
    wipe(log);
    if (log->colour && level <= DA_LOG_WARN)
        (void)fprintf(log->out, "\033[1mdocassist:\033[0m %s%s\033[0m",
                      level == DA_LOG_ERROR ? "\033[31m" : "\033[33m", prefix[level]);
    else
        (void)fprintf(log->out, "docassist: %s", prefix[level]);
    va_start(ap, fmt);
    (void)vfprintf(log->out, fmt, ap);
    va_end(ap);
    (void)fputc('\n', log->out);
}

void da_progress_start(struct da_log *log, const char *title, uint64_t total)
{
    if (!log || !log->progress)
        return;
    (void)snprintf(log->title, sizeof log->title, "%s", title);
    log->total = total;
    log->done = 0;
    log->start_ns = da_now_ns(da_clock_system());
    log->drawn_ns = 0;
}

static void draw(struct da_log *log, uint64_t now_ns)
{
    double seconds = (double)(now_ns - log->start_ns) / 1e9;
    double rate = seconds > 0 ? (double)log->done / seconds : 0;
    wipe(log);
    (void)fprintf(log->out, "%s  %llu", log->title, (unsigned long long)log->done);
    if (log->total)
        (void)fprintf(log->out, "/%llu  %.0f %%", (unsigned long long)log->total,
                      100.0 * (double)log->done / (double)log->total);
    (void)fprintf(log->out, "  %.3g/s", rate);
    if (log->total > log->done && rate > 0) {
        unsigned long left = (unsigned long)((double)(log->total - log->done) / rate);
        (void)fprintf(log->out, "  %02lu:%02lu left", left / 60, left % 60);
    }
    (void)fflush(log->out);
    log->drawn = true;
    log->drawn_ns = now_ns;
}

void da_progress_set(struct da_log *log, uint64_t done)
{
    const uint64_t redraw_ns = 100000000;
    uint64_t now;
    if (!log || !log->progress)
        return;
    log->done = done;
    now = da_now_ns(da_clock_system());
    if (now - log->drawn_ns >= redraw_ns)
        draw(log, now);
}

void da_progress_end(struct da_log *log)
{
    if (!log || !log->progress)
        return;
    wipe(log);
    (void)fflush(log->out);
}
