#ifndef API_CLIENT_H
#define API_CLIENT_H

/*
 * Many chat completions, from a pool of endpoints, in one thread, each paid for once.
 *
 *     caller --submit--> [ready] -> [in flight] -> [unsafe] --commit--> on_result
 *                          ^            |                                  |
 *                          +-- [backoff] +                    accept / fail / again
 *
 * A reply waits in `unsafe` until the ledger has it on disk (at most COMMIT_MS); only then
 * does the caller see it. What the caller decides about it is written to the ledger, too.
 * After a crash, submitting the same call again finds the answer, or delivers the stored
 * reply as if it had just come, or asks.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/chat.h"
#include "api/http.h"
#include "api/ledger.h"
#include "api/prices.h"
#include "common/clock.h"
#include "common/log.h"

enum { DA_CLIENT_MAX_ENDPOINTS = 32, DA_CLIENT_MAX_CONCURRENCY = 10000 };

struct da_endpoint_opts {    /* strings are copied */
    const char *base_url;    /* ".../v1"; checked with da_http_check_url by the client */
    const char *key;         /* NULL or "": none is sent */
    const char *api_version; /* not NULL: Azure's api-key header and ?api-version= */
};

struct da_client_opts {
    struct da_endpoint_opts endpoints[DA_CLIENT_MAX_ENDPOINTS];
    size_t n_endpoints;
    double rpm, tpm;      /* per endpoint; 0: learnt from headers */
    unsigned concurrency; /* open requests per endpoint */
    unsigned max_tries;   /* of a request that meets transient failures */
    uint32_t timeout_ms;  /* of one exchange */
    size_t max_reply_bytes;
    const struct da_price *price; /* NULL: nothing is charged */
    int64_t max_pusd;             /* stop before this is passed; 0: no limit */
    uint64_t seed;                /* of the jitter */
    struct da_http *http;         /* borrowed */
    struct da_ledger *ledger;     /* borrowed */
    const struct da_clock *clock; /* borrowed */
    struct da_log *log;           /* borrowed; may be NULL */
};

/* One thing to be asked. Made with da_call_new, given to submit, freed by the client. */
struct da_call {
    void *tag; /* the caller's */
    struct da_ledger_key key;
    const char *task;                    /* static */
    char *item;                          /* record id; owned */
    const struct da_chat_params *params; /* borrowed; outlives the client */
    struct da_buf messages;              /* JSON array */
    const char *cache_key;               /* prompt_cache_key; borrowed; may be NULL */
    int64_t prompt_tokens;               /* an estimate from above */
    int max_tokens;
    int variant;                 /* the caller's mark of a changed try, kept in the ledger */
    struct da_call_state *state; /* the client's */
};

struct da_call *da_call_new(void);
void da_call_free(struct da_call *c); /* NULL allowed */

/* Key of a request: hash of version, task, model, parameters, sample index, messages. */
void da_call_set_key(struct da_call *c, int sample);

/* The same key for many requests whose messages begin alike: that part is hashed once. */
struct da_key_base {
    struct da_sha256 hash;
    size_t n_prefix;
};
void da_key_base_init(struct da_key_base *b, const char *task, const struct da_chat_params *p,
                      int sample, struct da_span prefix);
/* c->messages begins with the prefix. */
void da_call_set_key_from(struct da_call *c, const struct da_key_base *b);

struct da_call_result {
    const struct da_chat_reply *reply; /* NULL when no completion came */
    int variant, max_tokens;           /* of the try that brought the reply */
    const char *failure;               /* with reply NULL: "unavailable", "rejected", ... */
    const char *detail;
};

enum da_verdict {
    DA_VERDICT_ACCEPT, /* the answer */
    DA_VERDICT_FAIL,   /* no answer will come of it: *cause says why (static, < 32 bytes) */
    DA_VERDICT_AGAIN   /* ask once more: the caller has changed messages, budget or variant */
};

/* With a failure the verdict is ignored. */
typedef enum da_verdict (*da_client_result_fn)(void *ctx, struct da_call *call,
                                               const struct da_call_result *r, const char **cause);

struct da_client;

enum da_rc da_client_new(struct da_client **ret, const struct da_client_opts *opts,
                         da_client_result_fn on_result, void *ctx, struct da_err *err);
void da_client_free(struct da_client *c); /* open calls are dropped; NULL allowed */

/* Whether another call should be submitted before pumping. */
bool da_client_has_room(const struct da_client *c);

/* Takes the call. *state: DA_REQUEST_DONE or _FAILED when the ledger knows the end of it
 * (the call is freed, on_result is not called), else DA_REQUEST_OPEN. A key that is under
 * way already, here or in a batch, is not asked twice: DA_REQUEST_OPEN, freed. */
enum da_rc da_client_submit(struct da_client *c, struct da_call *call, enum da_request_state *state,
                            struct da_err *err);

/* Starts what may start, waits for something to happen (timeout_ms at most), delivers what is
 * safe. An error ends the run: no endpoint is left (DA_EAUTH, DA_ESERVICE, ...), the budget is
 * used up (DA_ELIMIT). Replies still open then have been waited for and are kept. */
enum da_rc da_client_pump(struct da_client *c, unsigned timeout_ms, struct da_err *err);

/* Calls submitted and not yet ended. */
size_t da_client_n_open(const struct da_client *c);

/* Starts nothing more, waits for what is in flight and keeps it; then the client can only be
 * freed. stop_now may end the wait. */
enum da_rc da_client_drain(struct da_client *c, struct da_err *err);

struct da_client_stats {
    uint64_t n_sent, n_replies, n_retries, n_paced, n_from_ledger;
    int64_t prompt_tokens, cached_tokens, completion_tokens;
    int64_t cost_pusd; /* of this run */
};
void da_client_stats(const struct da_client *c, struct da_client_stats *s);

#endif
