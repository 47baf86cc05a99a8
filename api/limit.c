/*
 * Token buckets, sliding counts and AIMD: see the header. Why the counts hold: of all requests
 * that leave within one window, take the one that was taken last. When it was, each of the
 * others had left in that window or was still leaving, and both are counted.
 */

#include "api/limit.h"

#include <math.h>

#include "common/json.h"

#define NS_PER_MIN 60e9
#define NS_PER_MS 1e6
#define BURST_SHARE 0.1     /* of a second's worth: what a pause of 100 ms may catch up on */
#define SECOND_SHARE 0.1    /* above an even rate, in any second, */
#define SECOND_LEAST 2      /* or so many requests */
#define SHRINK 0.75         /* of the window, on a push-back */
#define COOL_NS 2000000000u /* one push-back counts for all requests then open */

/* The refill fills a window of the sliding count, not more. */
static void set_rate(struct da_limit_bucket *b, double limit, double unit)
{
    b->limit = limit;
    b->cap = limit / 60 * BURST_SHARE;
    if (b->cap < unit)
        b->cap = unit;
    b->per_ns = limit / (NS_PER_MIN + DA_RATE_SLACK_MS * NS_PER_MS);
    if (b->level > b->cap)
        b->level = b->cap;
}

static void bucket_init(struct da_limit_bucket *b, double limit)
{
    *b = (struct da_limit_bucket){.fixed = limit > 0};
    if (limit > 0)
        set_rate(b, limit, 1);
    b->level = b->cap < 1 ? b->cap : 1;
}

void da_limit_init(struct da_limit *l, double rpm, double tpm, unsigned max_open, uint64_t now_ns)
{
    *l = (struct da_limit){.filled_ns = now_ns, .window = 1, .slow_start = true};
    l->window_max = max_open;
    bucket_init(&l->requests, rpm);
    bucket_init(&l->tokens, tpm);
}

static void refill(struct da_limit *l, uint64_t now_ns)
{
    if (now_ns <= l->filled_ns)
        return;
    double dt = (double)(now_ns - l->filled_ns);
    struct da_limit_bucket *both[] = {&l->requests, &l->tokens};
    for (int i = 0; i < 2; i++) {
        both[i]->level += dt * both[i]->per_ns;
        if (both[i]->level > both[i]->cap)
            both[i]->level = both[i]->cap;
    }
    l->filled_ns = now_ns;
}

/* A request larger than the bucket waits for a full one and leaves it in debt. */
static uint64_t bucket_wait(const struct da_limit_bucket *b, double need)
{
    if (b->limit <= 0)
        return 0;
    double want = need < b->cap ? need : b->cap;
    if (b->level >= want - 1e-9)
        return 0;
    return (uint64_t)((want - b->level) / b->per_ns) + 1;
}

static uint64_t window_wait(struct da_limit *l, uint64_t now_ns)
{
    double limit = l->requests.limit, extra = limit / 60 * SECOND_SHARE;
    if (limit < 1) /* less than one a minute: the bucket alone spaces them */
        return 0;
    if (extra < SECOND_LEAST)
        extra = SECOND_LEAST;
    da_rate_window_move(&l->left, now_ns);
    uint64_t in_minute = l->left.in_minute + l->n_leaving;
    uint64_t in_second = l->left.in_second + l->n_leaving;
    if (in_minute >= (uint64_t)limit)
        return da_rate_window_wait_ns(&l->left, DA_RATE_MINUTE_SLOTS, now_ns);
    if (in_second >= (uint64_t)(limit / 60 + extra))
        return da_rate_window_wait_ns(&l->left, DA_RATE_SECOND_SLOTS, now_ns);
    return 0;
}

uint64_t da_limit_wait_ns(struct da_limit *l, int64_t n_tokens, uint64_t now_ns)
{
    refill(l, now_ns);
    if (now_ns < l->paused_ns)
        return l->paused_ns - now_ns;
    if (l->n_open >= (unsigned)l->window)
        return UINT64_MAX;
    uint64_t a = bucket_wait(&l->requests, 1), b = bucket_wait(&l->tokens, (double)n_tokens);
    uint64_t w = window_wait(l, now_ns);
    a = a > b ? a : b;
    return a > w ? a : w;
}

void da_limit_take(struct da_limit *l, int64_t n_tokens)
{
    l->n_open++;
    l->n_leaving++;
    if (l->requests.limit > 0)
        l->requests.level -= 1;
    if (l->tokens.limit > 0)
        l->tokens.level -= (double)n_tokens;
}

void da_limit_sent(struct da_limit *l, uint64_t now_ns)
{
    l->n_leaving--;
    da_rate_window_add(&l->left, now_ns);
}

void da_limit_unsent(struct da_limit *l)
{
    l->n_leaving--;
}

void da_limit_follow(struct da_limit *l, uint64_t ms)
{
    struct da_limit_bucket *b = &l->requests;
    if (b->limit > 0 && (double)ms * NS_PER_MS * b->per_ns < b->level)
        b->level = (double)ms * NS_PER_MS * b->per_ns;
}

void da_limit_done(struct da_limit *l, int64_t unused_tokens)
{
    l->n_open--;
    if (l->tokens.limit > 0 && unused_tokens > 0) {
        l->tokens.level += (double)unused_tokens;
        if (l->tokens.level > l->tokens.cap)
            l->tokens.level = l->tokens.cap;
    }
}

void da_limit_succeeded(struct da_limit *l)
{
    l->window += l->slow_start ? 1 : 1 / l->window;
    if (l->window > l->window_max)
        l->window = l->window_max;
}

void da_limit_pushed_back(struct da_limit *l, uint64_t now_ns)
{
    if (now_ns < l->cooled_ns)
        return;
    l->slow_start = false;
    l->cooled_ns = now_ns + COOL_NS;
    l->window *= SHRINK;
    if (l->window < 1)
        l->window = 1;
}

void da_limit_pause(struct da_limit *l, uint64_t until_ns)
{
    if (until_ns > l->paused_ns)
        l->paused_ns = until_ns;
}

double da_parse_duration_ms(struct da_span s)
{
    double total = 0;
    if (s.len == 0)
        return -1;
    while (s.len) {
        size_t n = 0;
        double v;
        while (n < s.len && ((s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '.'))
            n++;
        if (!n || !da_parse_double(s.p, n, &v))
            return -1;
        s = da_span(s.p + n, s.len - n);
        double unit = 1000;
        size_t used = s.len ? 1 : 0;
        if (da_span_starts(s, "ms")) {
            unit = 1;
            used = 2;
        } else if (da_span_starts(s, "m")) {
            unit = 60e3;
        } else if (da_span_starts(s, "h")) {
            unit = 3600e3;
        } else if (da_span_starts(s, "d")) {
            unit = 86400e3;
        } else if (s.len && !da_span_starts(s, "s")) {
            return -1;
        }
        total += v * unit;
        s = da_span(s.p + used, s.len - used);
    }
    return total;
}

static double number_header(const struct da_http_reply *r, const char *name)
{
    double v;
    struct da_span s = da_http_header(r, name);
    return s.len && da_parse_double(s.p, s.len, &v) && v >= 0 ? v : -1;
}

/*
 * The refill is (limit - remaining) / reset: a limit stated per day has a reset of minutes for
 * one request. Where that is within a factor of two of limit / 60 s the round number holds.
 */
static void learn(struct da_limit_bucket *b, double limit, double remaining, double reset_ms)
{
    if (limit <= 0)
        return;
    double a_minute = limit;
    if (remaining >= 0 && remaining < limit && reset_ms > 0) {
        double seen = (limit - remaining) / reset_ms * 60e3;
        if (seen < limit / 2)
            a_minute = seen;
    }
    if (b->fixed && a_minute > b->limit)
        a_minute = b->limit;
    if (fabs(a_minute - b->limit) > 0.01 * a_minute && (!b->fixed || a_minute < b->limit / 2)) {
        bool first = b->limit <= 0;
        set_rate(b, a_minute, 1);
        if (first)
            b->level = b->cap;
    }
    if (remaining >= 0 && remaining < b->level)
        b->level = remaining;
}

void da_limit_learn(struct da_limit *l, const struct da_http_reply *r, uint64_t now_ns)
{
    refill(l, now_ns);
    learn(&l->requests, number_header(r, "x-ratelimit-limit-requests"),
          number_header(r, "x-ratelimit-remaining-requests"),
          da_parse_duration_ms(da_http_header(r, "x-ratelimit-reset-requests")));
    learn(&l->tokens, number_header(r, "x-ratelimit-limit-tokens"),
          number_header(r, "x-ratelimit-remaining-tokens"),
          da_parse_duration_ms(da_http_header(r, "x-ratelimit-reset-tokens")));
}
