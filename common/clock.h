#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

/* Time behind a struct, so that tests own it. No record ever holds a clock value. */

#include <stdint.h>

struct da_clock {
    uint64_t (*now_ns)(void *ctx);                /* monotonic, never goes back */
    int64_t (*unix_ms)(void *ctx);                /* wall clock, for logs and HTTP dates */
    void (*sleep_ns)(void *ctx, uint64_t ns);
    void *ctx;
};

const struct da_clock *da_clock_system(void);

static inline uint64_t da_now_ns(const struct da_clock *c)
{
    return c->now_ns(c->ctx);
}

/* CPU time of this process, user and system, in nanoseconds. */
uint64_t da_cpu_time_ns(void);
/* Largest resident set of this process so far, in bytes. */
uint64_t da_peak_rss_bytes(void);

/* ISO 8601 in UTC ("2025-01-31T12:00:00Z"); out holds 21 bytes. */
void da_format_utc(int64_t unix_s, char out[21]);

#endif
