#ifndef API_BATCH_INTERNAL_H
#define API_BATCH_INTERNAL_H

/* Shared by batch.c (writing parts and sending them) and batch_results.c (what becomes of them). */

#include <stdio.h>

#include "api/batch.h"
#include "api/batch_remote.h"

struct da_batches {
    struct da_batch_opts o;
    struct da_remote remote;
    struct da_buf run_id;
    FILE *part;      /* being written, or NULL */
    char *part_path; /* its name */
    struct da_ledger_batch cur;
    size_t part_bytes;
    struct da_buf line;
    int64_t live_tokens; /* enqueued, the part being written included */
    int64_t spent_pusd;
};

/* Calls fn for every batch of the ledger until it fails. */
typedef enum da_rc (*da_batches_row_fn)(struct da_batches *b, struct da_ledger_batch *row,
                                        void *ctx, struct da_err *err);
enum da_rc da_batches_each(struct da_batches *b, da_batches_row_fn fn, void *ctx,
                           struct da_err *err);

/* The row's new state, on disk. */
enum da_rc da_batches_save(struct da_batches *b, const struct da_ledger_batch *row,
                           struct da_err *err);
/* The row's requests are open again; nothing was asked. */
enum da_rc da_batches_void(struct da_batches *b, struct da_ledger_batch *row, const char *why,
                           struct da_err *err);

#endif
