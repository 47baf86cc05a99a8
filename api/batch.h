#ifndef API_BATCH_H
#define API_BATCH_H

/*
 * The Batch API of OpenAI (/v1/files, /v1/batches): requests in files, answered within a day
 * at a discount. Every step can be repeated after a crash at any moment and pays once:
 *
 *   intent    the file is on disk beside the ledger, its tries are in the ledger
 *   uploaded  the server has the file        (a file of that name there is adopted)
 *   created   the server works on it         (a batch with our mark there is adopted)
 *   ended     the server is done, in whole or in part, or gave up
 *   fetched   results are in the ledger; what is missing is open again
 *
 * Source: the OpenAPI description of the OpenAI API and its guide on batches.
 */

#include "api/client.h"
#include "api/ledger.h"

#define DA_BATCH_MAX_REQUESTS 50000            /* of a file: OpenAI's limit */
#define DA_BATCH_MAX_BYTES ((size_t)200000000) /* of a file: OpenAI's limit */
#define DA_BATCH_DEFAULT_TOKENS 2000000        /* enqueued at a time: a small account's limit */

struct da_batch_opts {
    struct da_endpoint_opts endpoint;
    const char *ledger_path; /* files of parts stand beside it; borrowed, like all here */
    struct da_ledger *ledger;
    struct da_http *http;
    const struct da_clock *clock;
    struct da_log *log;
    const struct da_price *price; /* NULL: nothing is charged */
    int64_t max_pusd;             /* 0: no limit */
    int64_t max_tokens;           /* enqueued at a time */
    int64_t max_requests;         /* of a file */
    unsigned max_tries;
    uint32_t timeout_ms;
};

struct da_batches;

enum da_rc da_batches_open(struct da_batches **ret, const struct da_batch_opts *opts,
                           struct da_err *err);
void da_batches_close(struct da_batches *b); /* NULL allowed */

/* Adds a call to the part being written; a new request or an open one of the ledger. Sets
 * *full, and adds nothing, when no more tokens may be enqueued now (or the budget is reached). */
enum da_rc da_batches_add(struct da_batches *b, const struct da_call *call, bool *full,
                          struct da_err *err);
/* Ends the part being written and brings every part as far as `created`. */
enum da_rc da_batches_push(struct da_batches *b, struct da_err *err);

/* Asks how the created ones are; fn may be NULL. *n_waiting: still in progress. */
typedef void (*da_batches_fn)(void *ctx, const struct da_ledger_batch *b, int64_t n_completed,
                              int64_t n_failed);
enum da_rc da_batches_poll(struct da_batches *b, da_batches_fn fn, void *ctx, uint64_t *n_waiting,
                           struct da_err *err);
/* Takes the results of those that ended into the ledger. *n_replies: new ones. */
enum da_rc da_batches_fetch(struct da_batches *b, uint64_t *n_replies, struct da_err *err);
/* Asks the server to stop; what was answered can still be fetched. */
enum da_rc da_batches_cancel(struct da_batches *b, uint64_t *n, struct da_err *err);

#endif
