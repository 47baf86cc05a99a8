#ifndef API_CLIENT_INTERNAL_H
#define API_CLIENT_INTERNAL_H

/* Shared by client.c (starting, pumping), client_calls.c (calls and the places they wait in) and
 * client_outcome.c (what a reply means). */

#include "api/client.h"
#include "api/limit.h"
#include "api/retry.h"

enum {
    COMMIT_MS = 50,       /* a reply waits at most this long for the disk */
    COMMIT_REPLIES = 512, /* or until so many wait */
    KEY_SLOTS = 4096,
    NOTE_MAX = 512
};

struct endpoint {
    char *name; /* the base URL, for people */
    char *url;  /* of chat/completions */
    char *auth; /* header line with the key, or NULL */
    char *key;  /* for blotting out, or NULL */
    unsigned lacks;
    struct da_limit limit;
    bool dead;
    enum da_rc dead_code;
    char why_dead[NOTE_MAX];
    unsigned n_unreachable; /* in a row */
    unsigned n_paced;       /* in a row */
};

struct call_queue {
    struct da_call *head, *tail;
    size_t n;
};

/* The client's part of a call. */
struct da_call_state {
    int64_t request_id;
    int64_t void_try; /* replies of tries up to this one do not count */
    unsigned n_tries; /* that ended in transient failures */
    unsigned n_paced;
    uint64_t first_try_ns;
    uint64_t due_ns;           /* in backoff */
    struct endpoint *endpoint; /* of the try in flight, or the last */
    struct da_ledger_try try_row;
    uint64_t try_ns; /* start of the try in flight */
    int64_t taken_tokens, reserved_pusd;
    bool has_left; /* the try in flight was all sent */
    struct da_buf body;
    struct da_chat_reply reply;
    bool has_reply;
    const char *failure; /* static; the call's end without a reply */
    char note[NOTE_MAX];
    struct da_call *next;     /* in a queue */
    struct da_call *next_key; /* in a slot of keys */
};

struct da_client {
    struct da_client_opts o;
    da_client_result_fn on_result;
    void *ctx;
    struct endpoint ep[DA_CLIENT_MAX_ENDPOINTS];
    size_t n_live;
    struct call_queue ready, unsafe;
    struct da_call **backoff; /* [n_backoff] heap, earliest first */
    size_t n_backoff, cap_backoff;
    size_t n_in_flight, n_open;
    struct da_call *keys[KEY_SLOTS];
    uint64_t dirty_ns;                 /* when the ledger became dirty; 0: clean */
    uint64_t last_success_ns;          /* an endpoint worked on a request; 0: never */
    unsigned n_rejected;               /* before the first success */
    int64_t spent_pusd, reserved_pusd; /* spent: by all runs of this ledger */
    bool draining;
    struct da_err fatal; /* code DA_OK: none */
    struct da_client_stats stats;
};

static inline uint64_t da_client_now(const struct da_client *c)
{
    return da_now_ns(c->o.clock);
}

void da_calls_push(struct call_queue *q, struct da_call *call);
void da_calls_push_front(struct call_queue *q, struct da_call *call);
struct da_call *da_calls_pop(struct call_queue *q);

void da_client_back_off(struct da_client *c, struct da_call *call, uint64_t due_ns);
struct da_call *da_client_backoff_pop(struct da_client *c); /* the earliest; there is one */
void da_client_set_fatal(struct da_client *c, enum da_rc code, const char *fmt, ...)
    DA_PRINTF(3, 4);
void da_client_touch(struct da_client *c); /* the ledger became dirty */

/* The transport's on_sent and on_done. */
void da_client_on_sent(void *ctx, void *tag);
void da_client_on_reply(void *ctx, void *tag, const struct da_http_reply *r);

#endif
