#ifndef INGEST_DOC_H
#define INGEST_DOC_H

/* One file to its record: open, hash, extract, clean, cut, write. What one worker does. */

#include "common/buf.h"
#include "ingest/clean.h"
#include "ingest/cut.h"
#include "ingest/helper.h"
#include "ingest/ingest.h"
#include "ingest/pii.h"

struct da_doc_worker {
    const struct da_ingest_opts *opts; /* not owned */
    struct da_helper *helper;          /* not owned */
    struct da_cutter cutter;
    struct da_cut_chunks chunks;
    struct da_extracted x;
    struct da_buf clean, scratch;
};

struct da_doc_result {
    enum da_status status;
    char detail[DA_EXTRACT_DETAIL_MAX];
    struct da_buf record; /* JSON lines with their line breaks; empty unless ok */
    struct da_buf drops;  /* a NUL-terminated detail for each segment that was filtered */
    uint64_t text_hash, doc_hash;
    size_t *tokens; /* [n_records] of each record, owned */
    size_t n_records, records_cap;
    uint64_t n_tokens_source;
    bool source_exact, truncated;
    char type[DA_TALLY_TYPE_LEN];
};

void da_doc_worker_init(struct da_doc_worker *w, const struct da_ingest_opts *opts,
                        struct da_helper *helper);
void da_doc_worker_release(struct da_doc_worker *w);

void da_doc_result_init(struct da_doc_result *r);
void da_doc_result_release(struct da_doc_result *r);

/* path: to open; rel: for the record (any bytes). An error means the run cannot go on. */
enum da_rc da_doc_make(struct da_doc_worker *w, const char *path, const char *rel,
                       struct da_doc_result *out, struct da_err *err);

#endif
