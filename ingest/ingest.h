#ifndef INGEST_INGEST_H
#define INGEST_INGEST_H

/*
 * The ingest run: files in, document records and error records out, in the order
 * of the files, the same bytes for any number of workers, resumable.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/log.h"
#include "engine/tokenizer/tokenizer.h"
#include "ingest/extracted.h"
#include "ingest/meta.h"
#include "ingest/request.h"
#include "ingest/tally.h"

struct da_ingest_opts {
    const char *const *paths; /* files and folders */
    size_t n_paths;
    const char *out;    /* "-": stdout */
    const char *errors; /* NULL: failures are only messages */
    const char *helper; /* path of docassist-extract */
    const struct da_tokenizer *tok;
    const char *tok_name;
    struct da_meta *meta; /* NULL: none */
    struct da_request req;
    size_t max_tokens, chunk_tokens;
    bool hard_cut;
    bool segments;     /* a long document makes several records, "ID#1", "ID#2", ... */
    bool filter;       /* texts outside Gopher's limits are `filtered` */
    bool mask_pii;
    bool count_source; /* read everything, so that n_tokens_source is exact */
    bool restart;
    unsigned jobs;
    uint64_t shard, n_shards; /* of the files, by hash of the relative path */
    struct da_log *log;
    const volatile sig_atomic_t *stop; /* set: finish what is begun and end with DA_EINTR */
};

/* Runs. tally holds what happened, also when the run is ended by an error. */
enum da_rc da_ingest_run(const struct da_ingest_opts *opts, struct da_tally *tally,
                         struct da_err *err);

#endif
