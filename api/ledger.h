#ifndef API_LEDGER_H
#define API_LEDGER_H

/*
 * What was asked, what it answered and what it cost (DESIGN.md 5.3): one SQLite file, WAL,
 * synchronous=FULL, one writer. Nothing added is promised to survive until da_ledger_commit
 * returns; the caller uses no reply before that.
 *
 * A request is what is asked (its key says so); a try is one attempt to get it answered.
 * Keys, headers and addresses' credentials never reach this file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/hash.h"
#include "common/span.h"

struct da_ledger;

struct da_ledger_key {
    unsigned char b[DA_SHA256_LEN];
};

enum da_request_state {
    DA_REQUEST_NEW = 0, /* not in the ledger */
    DA_REQUEST_OPEN,    /* asked, without a final answer */
    DA_REQUEST_DONE,    /* the reply of `accepted` is the answer */
    DA_REQUEST_FAILED   /* `cause` says why; asked again only on demand */
};

/* Tells what happened to a try. Numbers are stored: only add at the end. */
enum da_try_outcome {
    DA_OUTCOME_UNKNOWN = 0, /* started, and nothing heard: in flight, or the run was killed */
    DA_OUTCOME_REPLY = 1,   /* a completion; `reply` holds the body */
    DA_OUTCOME_ERROR = 2,   /* the server said no */
    DA_OUTCOME_LOST = 3,    /* connection lost or timed out after sending */
    DA_OUTCOME_UNSENT = 4   /* no connection: nothing was sent, nothing can have been charged */
};

struct da_ledger_request {
    int64_t id;
    enum da_request_state state;
    char cause[32];
    int64_t accepted_try; /* DONE: whose reply counts; OPEN: replies up to it are void; 0: none */
};

struct da_ledger_try {
    int64_t id, request_id;
    int64_t started_ms;   /* wall clock, Unix milliseconds */
    const char *endpoint; /* borrowed; written only */
    int64_t batch;        /* id of the batch it is part of; 0: online */
    int variant;          /* caller's number: how this try differs from the first */
    int max_tokens;
    /* filled when it ended */
    enum da_try_outcome outcome;
    int http_status;
    const char *note; /* finish reason or the server's complaint; borrowed; written only */
    int64_t prompt_tokens, cached_tokens, completion_tokens; /* -1 unknown */
    int64_t cost_pusd;   /* picodollars; at the start the worst case */
    bool cost_estimated; /* the worst case, because usage is unknown */
    int64_t duration_ms;
};

/* Creates the file if needed. DA_EIO when another run has it open; DA_EFORMAT when it is
 * something else. */
enum da_rc da_ledger_open(struct da_ledger **ret, const char *path, struct da_err *err);
/* For looking only; also while a run writes. DA_ENOTFOUND when there is none. */
enum da_rc da_ledger_open_readonly(struct da_ledger **ret, const char *path, struct da_err *err);
void da_ledger_close(struct da_ledger *l); /* uncommitted additions are dropped; NULL allowed */

/* r->state is DA_REQUEST_NEW when the key is not there. */
enum da_rc da_ledger_find(struct da_ledger *l, const struct da_ledger_key *key,
                          struct da_ledger_request *r, struct da_err *err);
enum da_rc da_ledger_add_request(struct da_ledger *l, const struct da_ledger_key *key,
                                 const char *task, struct da_span item, const char *model,
                                 int64_t *id, struct da_err *err);
enum da_rc da_ledger_settle(struct da_ledger *l, int64_t request_id, enum da_request_state state,
                            const char *cause, int64_t accepted_try, struct da_err *err);

/* t->id is set. */
enum da_rc da_ledger_start_try(struct da_ledger *l, struct da_ledger_try *t, struct da_err *err);
enum da_rc da_ledger_end_try(struct da_ledger *l, const struct da_ledger_try *t,
                             struct da_span reply, struct da_err *err);

/* The newest try of a request that has a reply (try_id 0) or the named one: its reply is
 * appended to body, t filled (endpoint and note NULL). t->id is 0 when there is none. */
enum da_rc da_ledger_get_reply(struct da_ledger *l, int64_t request_id, int64_t try_id,
                               struct da_ledger_try *t, struct da_buf *body, struct da_err *err);

/* When the newest try began (Unix milliseconds); 0 when there is none. */
enum da_rc da_ledger_last_start(struct da_ledger *l, int64_t *unix_ms, struct da_err *err);

/* Appends what is noted about the request's newest try. */
enum da_rc da_ledger_last_note(struct da_ledger *l, int64_t request_id, struct da_buf *note,
                               struct da_err *err);

/* Makes everything added so far durable. */
enum da_rc da_ledger_commit(struct da_ledger *l, struct da_err *err);
bool da_ledger_is_dirty(const struct da_ledger *l);

/* Tries a killed run left without an outcome count as lost: the worst case they were begun
 * with stays charged, marked estimated. *n: how many. Not inside a transaction. */
enum da_rc da_ledger_close_orphans(struct da_ledger *l, uint64_t *n, struct da_err *err);
/* Every DA_REQUEST_FAILED becomes DA_REQUEST_OPEN, its replies so far void. Not inside a
 * transaction. */
enum da_rc da_ledger_reopen_failed(struct da_ledger *l, uint64_t *n, struct da_err *err);

struct da_ledger_totals {
    uint64_t n_requests, n_done, n_failed, n_open;
    uint64_t n_tries, n_replies, n_errors, n_lost, n_unsent, n_unknown;
    int64_t prompt_tokens, cached_tokens, completion_tokens;
    uint64_t n_usage;                  /* replies with known usage */
    int64_t cost_pusd, estimated_pusd; /* the second is part of the first */
    int64_t first_ms, last_ms;         /* of the tries; 0 when there are none */
    uint64_t n_recent;                 /* replies in the last minute before last_ms */
};
enum da_rc da_ledger_totals(struct da_ledger *l, struct da_ledger_totals *t, struct da_err *err);

/* Means over the newest n replies to a task with usage; n_used 0 when there are none. */
struct da_ledger_means {
    uint64_t n_used;
    double prompt_tokens, cached_tokens, completion_tokens;
};
enum da_rc da_ledger_recent_means(struct da_ledger *l, const char *task, unsigned n,
                                  struct da_ledger_means *m, struct da_err *err);

/* Calls fn for each (cause, count) of the failed requests, most frequent first. */
enum da_rc da_ledger_causes(struct da_ledger *l,
                            void (*fn)(void *ctx, const char *cause, uint64_t n), void *ctx,
                            struct da_err *err);

/*
 * Batches (api/batch.h): parts of the work that are asked for in one file. The row is written,
 * with its tries, before anything is sent.
 */
enum da_batch_state {                        /* stored: only add at the end */
                      DA_BATCH_INTENT = 1,   /* its file is on disk here, nothing was sent */
                      DA_BATCH_UPLOADED = 2, /* file_id is known */
                      DA_BATCH_CREATED = 3,  /* remote_id is known; the server works on it */
                      DA_BATCH_ENDED = 4,    /* it does so no more; results may wait there */
                      DA_BATCH_FETCHED = 5,  /* nothing is left to do */
                      DA_BATCH_VOID = 6      /* given up before it was created */
};

enum { DA_LEDGER_ID_MAX = 128 };

struct da_ledger_batch {
    int64_t id; /* from 1 */
    enum da_batch_state state;
    int64_t n_requests, n_tokens; /* tokens: prompt estimates and budgets, as they are enqueued */
    char file_id[DA_LEDGER_ID_MAX], remote_id[DA_LEDGER_ID_MAX];
    char output_id[DA_LEDGER_ID_MAX], error_id[DA_LEDGER_ID_MAX]; /* files; "" none */
    char status[DA_LEDGER_ID_MAX]; /* the server's word, or why it failed */
};

enum da_rc da_ledger_add_batch(struct da_ledger *l, struct da_ledger_batch *b /* sets id */,
                               struct da_err *err);
enum da_rc da_ledger_set_batch(struct da_ledger *l, const struct da_ledger_batch *b,
                               struct da_err *err);
/* The batch with the lowest id above after; b->id is 0 when there is none. */
enum da_rc da_ledger_next_batch(struct da_ledger *l, int64_t after, struct da_ledger_batch *b,
                                struct da_err *err);
/* Whether a try of the request waits in a batch. */
enum da_rc da_ledger_in_batch(struct da_ledger *l, int64_t request_id, bool *waits,
                              struct da_err *err);
/* The named try, without its reply (t->id 0: none). */
enum da_rc da_ledger_get_try(struct da_ledger *l, int64_t try_id, struct da_ledger_try *t,
                             struct da_err *err);
/* The batch's tries that nothing was heard of count as not sent. *n: how many. */
enum da_rc da_ledger_void_tries(struct da_ledger *l, int64_t batch, const char *note, uint64_t *n,
                                struct da_err *err);

/* Small facts that belong to the whole file ("batch_run_id"); a value is not empty. get appends
 * nothing when absent. */
enum da_rc da_ledger_set_fact(struct da_ledger *l, const char *name, struct da_span value,
                              struct da_err *err);
enum da_rc da_ledger_get_fact(struct da_ledger *l, const char *name, struct da_buf *value,
                              struct da_err *err);

#endif
