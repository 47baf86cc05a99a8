/* The system's clocks: see clock.h. */

#include "common/clock.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

static uint64_t system_now_ns(void *ctx)
{
    struct timespec t;
    (void)ctx;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int64_t system_unix_ms(void *ctx)
{
    struct timespec t;
    (void)ctx;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void system_sleep_ns(void *ctx, uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    (void)ctx;
    (void)nanosleep(&t, NULL); /* a signal may end it early: callers look at the time */
}

const struct da_clock *da_clock_system(void)
{
    static const struct da_clock clock = {system_now_ns, system_unix_ms, system_sleep_ns, NULL};
    return &clock;
}

uint64_t da_cpu_time_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t da_peak_rss_bytes(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0)
        return 0;
#ifdef __APPLE__
    return (uint64_t)u.ru_maxrss;
#else
    return (uint64_t)u.ru_maxrss * 1024;
#endif
}

void da_format_utc(int64_t unix_s, char out[21])
{
    struct tm tm;
    time_t t = (time_t)unix_s;
    if (!gmtime_r(&t, &tm) || strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        (void)snprintf(out, 21, "1970-01-01T00:00:00Z");
}
