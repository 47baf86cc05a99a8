/*
 * Rate limits on a clock of our own. The bar: at most N requests in any 60 s and at most
 * N/60 + max(2, 10 %) in any second. Header values are of the shapes the OpenAI guide on rate
 * limits shows.
 */

#include "api/limit.h"

#include <stdlib.h>

#include "common/rng.h"
#include "tests/tap.h"

#define MS 1000000u

/* Sends as fast as allowed for `minutes`; fills times (ms), returns how many. */
static size_t flood(struct da_limit *l, int64_t tokens, unsigned minutes, uint64_t *times,
                    size_t most)
{
    size_t n = 0;
    for (uint64_t t = 0; t < (uint64_t)minutes * 60000; t++)
        while (n < most && da_limit_wait_ns(l, tokens, t * MS) == 0) {
            da_limit_take(l, tokens);
            da_limit_sent(l, t * MS);
            da_limit_done(l, 0);
            times[n++] = t;
        }
    return n;
}

static size_t busiest(const uint64_t *times, size_t n, uint64_t window_ms)
{
    size_t first = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        while (times[i] - times[first] >= window_ms)
            first++;
        most = i - first + 1 > most ? i - first + 1 : most;
    }
    return most;
}

static void test_rpm(double rpm, double least_share)
{
    static uint64_t times[200000];
    struct da_limit l;
    da_limit_init(&l, rpm, 0, 1000, 0);
    l.window = 1000;
    size_t n = flood(&l, 10, 3, times, 200000);
    double most_1s = rpm / 60 + (rpm / 600 > 2 ? rpm / 600 : 2);
    tap_ok((double)busiest(times, n, 60000) <= rpm, "%g a minute: any minute", rpm);
    tap_ok((double)busiest(times, n, 1000) <= most_1s, "%g a minute: any second", rpm);
    tap_ok((double)n >= 3 * rpm * least_share, "%g a minute: %zu of %g used", rpm, n, 3 * rpm);
}

static int by_time(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/*
 * The same with all that bunches requests: the program stands still for up to 300 ms at
 * any point, one in five waits up to half a second for a connection after it was taken, one in
 * fifty never leaves, and the way to the server takes up to 95 ms.
 */
static void test_rough_way(double rpm)
{
    enum { MOST = 200000, MOST_LEAVING = 4096 };
    static uint64_t times[MOST], leaving[MOST_LEAVING];
    struct da_limit l;
    struct da_rng rng;
    size_t n = 0, n_leaving = 0;
    da_rng_init(&rng, 5);
    da_limit_init(&l, rpm, 0, 100000, 0);
    l.window = 100000;
    for (uint64_t t = 0; t < 4 * 60000; t++) {
        if (da_rng_below(&rng, 1000) == 0)
            t += da_rng_below(&rng, 300);
        for (size_t i = n_leaving; i-- > 0;)
            if (leaving[i] <= t) {
                leaving[i] = leaving[--n_leaving];
                if (da_rng_below(&rng, 50) == 0) {
                    da_limit_unsent(&l);
                } else {
                    da_limit_sent(&l, t * MS);
                    times[n++] = t + da_rng_below(&rng, 96);
                }
                da_limit_done(&l, 0);
            }
        while (n_leaving < MOST_LEAVING && da_limit_wait_ns(&l, 10, t * MS) == 0) {
            da_limit_take(&l, 10);
            leaving[n_leaving++] = t + (da_rng_below(&rng, 5) ? 0 : da_rng_below(&rng, 500));
        }
    }
    qsort(times, n, sizeof *times, by_time);
    double most_1s = rpm / 60 + (rpm / 600 > 2 ? rpm / 600 : 2);
    tap_ok((double)busiest(times, n, 60000) <= rpm, "%g a minute, rough: %zu in any minute", rpm,
           busiest(times, n, 60000));
    tap_ok((double)busiest(times, n, 1000) <= most_1s, "%g a minute, rough: %zu in any second", rpm,
           busiest(times, n, 1000));
    tap_ok((double)n > 4 * rpm * 0.7, "%g a minute, rough: %zu left", rpm, n);
}

static void test_tpm(void)
{
    static uint64_t times[10000];
    struct da_limit l;
    da_limit_init(&l, 0, 200000, 1000, 0);
    l.window = 1000;
    size_t n = flood(&l, 2700, 3, times, 10000);
    tap_ok(n * 2700 <= 3 * 200000 + 2700 && n * 2700 >= 3 * 190000,
           "200,000 tokens a minute: %zu requests of 2,700 in three", n);
    da_limit_init(&l, 0, 6000, 10, 0);
    l.window = 10;
    (void)da_limit_wait_ns(&l, 600, 1000 * MS);
    da_limit_take(&l, 600);
    uint64_t before = da_limit_wait_ns(&l, 600, 1000 * MS);
    da_limit_done(&l, 500);
    uint64_t after = da_limit_wait_ns(&l, 600, 1000 * MS);
    tap_ok(after < before / 5, "unused tokens go back");
}

static void test_window(void)
{
    struct da_limit l;
    da_limit_init(&l, 0, 0, 64, 0);
    da_limit_take(&l, 1);
    tap_ok(da_limit_wait_ns(&l, 1, 0) == UINT64_MAX, "one request opens the run");
    da_limit_done(&l, 0);
    for (int i = 0; i < 100; i++)
        da_limit_succeeded(&l);
    tap_is_double(l.window, 64, 0, "successes open the window to its maximum");
    da_limit_pushed_back(&l, 10000 * (uint64_t)MS);
    tap_is_double(l.window, 48, 0, "a push-back takes a quarter");
    da_limit_pushed_back(&l, 11000 * (uint64_t)MS);
    tap_is_double(l.window, 48, 0, "the others of the same moment do not");
    da_limit_succeeded(&l);
    tap_ok(l.window > 48 && l.window < 48.1, "then it grows by one a round");
    da_limit_pause(&l, 20000 * (uint64_t)MS);
    tap_is_int((long long)(da_limit_wait_ns(&l, 1, 15000 * (uint64_t)MS) / MS), 5000,
               "a pause is waited for");
    tap_is_int((long long)da_limit_wait_ns(&l, 1, 20000 * (uint64_t)MS), 0, "and ends");
}

static void learn(struct da_limit *l, const char *headers)
{
    struct da_http_reply r = {.status = 200, .headers = da_span_str(headers)};
    da_limit_learn(l, &r, 0);
}

static void test_learning(void)
{
    struct da_limit l;
    da_limit_init(&l, 0, 0, 64, 0);
    learn(&l, "x-ratelimit-limit-requests: 10000\r\nx-ratelimit-remaining-requests: 9999\r\n"
              "x-ratelimit-reset-requests: 6ms\r\nx-ratelimit-limit-tokens: 200000\r\n"
              "x-ratelimit-remaining-tokens: 197400\r\nx-ratelimit-reset-tokens: 780ms\r\n");
    tap_is_double(l.requests.limit, 10000, 0, "requests a minute are learnt");
    tap_is_double(l.tokens.limit, 200000, 0, "tokens a minute are learnt");
    da_limit_init(&l, 0, 0, 64, 0);
    learn(&l, "x-ratelimit-limit-requests: 200\r\nx-ratelimit-remaining-requests: 199\r\n"
              "x-ratelimit-reset-requests: 7m12s\r\n");
    tap_is_double(l.requests.limit, 200.0 / 1440, 1e-9, "200 a day, told by the reset");
    da_limit_init(&l, 60, 0, 64, 0);
    learn(&l, "x-ratelimit-limit-requests: 10000\r\n");
    tap_is_double(l.requests.limit, 60, 0, "a header does not raise what the user set");
}

static void test_durations(void)
{
    static const struct {
        const char *text;
        double ms;
    } cases[] = {{"1s", 1000},      {"6m0s", 360000}, {"12ms", 12}, {"1h2m3.5s", 3723500},
                 {"20", 20000},     {"0s", 0},        {"", -1},     {"soon", -1},
                 {"5 minutes", -1}, {"1d", 86400000}, {"-1s", -1}};
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++)
        tap_is_double(da_parse_duration_ms(da_span_str(cases[i].text)), cases[i].ms, 0,
                      "duration '%s'", cases[i].text);
}

int main(void)
{
    test_rpm(60, 0.9);
    test_rpm(500, 0.9);
    test_rpm(10000, 0.9);
    test_rpm(3, 0.9);
    test_rough_way(60);
    test_rough_way(6000);
    test_rough_way(30000);
    test_tpm();
    test_window();
    test_learning();
    test_durations();
    return tap_done();
}
