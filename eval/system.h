#ifndef EVAL_SYSTEM_H
#define EVAL_SYSTEM_H

/* One system's segments, read and measured block by block. */

#include "eval/segments.h"
#include "eval/suite.h"

struct da_system {
    size_t n;      /* segments */
    double *sum;   /* [n_stats], correctly rounded, so no order matters */
    double *rows;  /* [n][n_stats] when kept, else NULL */
    size_t rows_cap;
    struct da_buf text;         /* hypotheses, when kept; */
    struct da_span *texts;      /* [n] into it */
    size_t texts_cap;
    int n_refs;                 /* of every segment, or DA_NREFS_VARIABLE */
    uint64_t n_lost;            /* segments with text in which ROUGE finds no token */
    uint64_t n_empty;           /* empty hypotheses */
};

struct da_system_opts {
    bool keep_rows, keep_texts;
    unsigned n_threads; /* 0: all */
    /* in the order of the segments; may be NULL */
    void (*on_row)(void *ctx, const struct da_segment *seg, const double *row);
    void *ctx;
};

/* No segment at all is DA_EFORMAT. */
enum da_rc da_system_read(struct da_system *s, const struct da_suite *suite,
                          const struct da_segment_files *files,
                          const struct da_system_opts *opts, struct da_err *err);
void da_system_release(struct da_system *s);

/* Rows of metric i, for resampling. */
struct da_rows da_system_rows(const struct da_system *s, const struct da_suite *suite, size_t i);

#endif
