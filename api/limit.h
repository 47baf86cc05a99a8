#ifndef API_LIMIT_H
#define API_LIMIT_H

/*
 * How fast one endpoint may be asked: a bucket of requests and one of tokens, both
 * continuous; a window of open requests that grows with success and shrinks when the server
 * pushes back (AIMD); and a pause the server asked for. Times are monotonic nanoseconds given
 * by the caller, so that tests own them.
 *
 * The buckets start nearly empty and hold little, so requests leave evenly. That a limit of N a
 * minute is kept does not depend on them: what left in the last 60 seconds, and what was taken
 * and has not left yet, is never more than N together, and in any second never more than
 * N/60 + max(2, 10 %). A request counts from the moment its last byte is on its way, so that
 * neither a pause of this program nor a slow connection can bunch what was spaced out here.
 */

#include <stdbool.h>
#include <stdint.h>

#include "api/http.h"
#include "api/rate_window.h"

struct da_limit_bucket {
    double limit;  /* units a minute; 0: none known */
    bool fixed;    /* set by the user: headers may only lower the level */
    double per_ns; /* refill */
    double cap;    /* most it holds */
    double level;  /* may be negative after a large take */
};

struct da_limit {
    struct da_limit_bucket requests, tokens;
    uint64_t filled_ns; /* when the levels were right */
    uint64_t paused_ns; /* nothing before this time */
    double window;      /* open requests allowed */
    double window_max;
    bool slow_start;    /* until the first push-back */
    uint64_t cooled_ns; /* push-backs before this time belong to the last one */
    unsigned n_open;
    unsigned n_leaving; /* of the open ones: taken, and not all of it sent */
    struct da_rate_window left;
};

/* rpm, tpm: 0 means unknown, learnt from headers. max_open >= 1. */
void da_limit_init(struct da_limit *l, double rpm, double tpm, unsigned max_open, uint64_t now_ns);

/* 0 when a request of n tokens may go now, else the nanoseconds until it is worth asking again;
 * UINT64_MAX when only the end of an open request can help. */
uint64_t da_limit_wait_ns(struct da_limit *l, int64_t n_tokens, uint64_t now_ns);
void da_limit_take(struct da_limit *l, int64_t n_tokens);
/* What was taken has left, all of it; or it never will. One of the two, once for each take. */
void da_limit_sent(struct da_limit *l, uint64_t now_ns);
void da_limit_unsent(struct da_limit *l);
/* The last request before this run left ms ago: the next one keeps its distance from that. */
void da_limit_follow(struct da_limit *l, uint64_t ms);

/* An open request ended; unused_tokens of what was taken go back. */
void da_limit_done(struct da_limit *l, int64_t unused_tokens);
void da_limit_succeeded(struct da_limit *l);
void da_limit_pushed_back(struct da_limit *l, uint64_t now_ns); /* 429, 503, time-outs */
void da_limit_pause(struct da_limit *l, uint64_t until_ns);

/* Reads x-ratelimit-{limit,remaining,reset}-{requests,tokens}. */
void da_limit_learn(struct da_limit *l, const struct da_http_reply *r, uint64_t now_ns);

/* "1s", "6m0s", "12ms", "1h2m3.5s" or plain seconds, in milliseconds; -1 when it is none. */
double da_parse_duration_ms(struct da_span s);

#endif
