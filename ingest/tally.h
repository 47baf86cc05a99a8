#ifndef INGEST_TALLY_H
#define INGEST_TALLY_H

/*
 * Counts of an ingest run: statuses, and the paper's table 2 (mean, standard
 * deviation and range of tokens before and after cutting), types, a histogram.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "ingest/extracted.h"

enum { DA_TALLY_BINS = 24, DA_TALLY_TYPES = 16, DA_TALLY_TYPE_LEN = 24 };

struct da_tally_range {
    uint64_t n;
    double mean, m2; /* Welford */
    uint64_t min, max;
};

struct da_tally_type {
    char name[DA_TALLY_TYPE_LEN];
    uint64_t n;
};

struct da_tally {
    uint64_t n_status[DA_ST_COUNT];
    uint64_t n_files, n_truncated, n_estimated;
    bool reread; /* the tokens of some records are not here: da_tally_reread has them */
    struct da_tally_range before, after;
    uint64_t bins_before[DA_TALLY_BINS]; /* bin k: 2^k <= tokens < 2^(k+1) */
    struct da_tally_type types[DA_TALLY_TYPES];
    size_t n_types;
};

/* One document that was written. */
struct da_tally_doc {
    const size_t *n_tokens; /* [n_records] of each record it gave */
    size_t n_records;
    uint64_t n_tokens_source;
    bool source_exact, truncated;
    const char *type;
};

void da_tally_init(struct da_tally *t);
void da_tally_status(struct da_tally *t, enum da_status s);
void da_tally_doc(struct da_tally *t, const struct da_tally_doc *doc);

/* Counts the tokens of records again from the output of a run that was continued. */
enum da_rc da_tally_reread(struct da_tally *t, const char *path, struct da_err *err);

/* The table, the types and the histogram for people (lines) or as one JSON object. */
void da_tally_print(const struct da_tally *t, bool json, struct da_buf *out);
/* "needs_ocr 2, corrupt 1", without ok. */
void da_tally_failures(const struct da_tally *t, struct da_buf *out);

#endif
