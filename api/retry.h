#ifndef API_RETRY_H
#define API_RETRY_H

/* What a failed try means, and how long to wait before the next. */

#include <stdint.h>

#include "api/chat.h"
#include "api/http.h"

enum da_try_class {
    DA_TRY_OK,
    DA_TRY_PACED,       /* 429: too fast; the endpoint waits */
    DA_TRY_TRANSIENT,   /* 408, 409, 5xx, a lost connection, a time-out: try again */
    DA_TRY_UNREACHABLE, /* nothing was sent: try again */
    DA_TRY_DENIED,      /* 401, 403, 404, no money left: this endpoint is of no use */
    DA_TRY_UNSUPPORTED, /* 400, 422 about a parameter that can be left out */
    DA_TRY_REJECTED     /* 400 and its kin: this request is of no use */
};

/* e: the parsed error body (ignored when a failure left no status). */
enum da_try_class da_try_classify(const struct da_http_reply *r, const struct da_chat_error *e,
                                  unsigned lacks);
const char *da_try_class_name(enum da_try_class c);

/* What the server asks to wait, from retry-after-ms or Retry-After (seconds or an HTTP date,
 * RFC 9110 section 5.6.7); -1 when it does not say. unix_ms: now. */
int64_t da_retry_after_ms(const struct da_http_reply *r, int64_t unix_ms);

/* Seconds since 1970 of an HTTP date in any of its three forms; -1 when it is none. */
int64_t da_parse_http_date(struct da_span s);

/*
 * Full jitter (M. Brooker, "Exponential Backoff And Jitter", 2015): uniform in
 * [0, min(cap, base * 2^n)], drawn from (seed, key, n) so that a run can be repeated.
 */
uint64_t da_retry_delay_ms(uint64_t seed, uint64_t key, unsigned n, uint64_t base_ms,
                           uint64_t cap_ms);

#endif
