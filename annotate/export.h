#ifndef ANNOTATE_EXPORT_H
#define ANNOTATE_EXPORT_H

/*
 * Annotations into training and test data: one example per task, in the released
 * model's format (prompts/slimlm.h), in train.jsonl, validation.jsonl and
 * test.jsonl with splits.tsv and a dataset card, README.md, beside them, and
 * on request review.csv, a sample for people to judge (annotate/review.h). A split
 * without examples has no file.
 */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "annotate/card.h"
#include "common/err.h"
#include "common/log.h"

struct da_export_opts {
    const char *input; /* annotation records; "-" is stdin */
    const char *dir;   /* made when missing */
    enum da_export_format format;
    double percent[DA_N_SPLITS];
    uint64_t seed;
    const char *splits_from; /* an earlier splits.tsv, or NULL */
    bool decontaminate;      /* leave out test documents that training documents give away */
    uint64_t sample;         /* examples for people to judge, in review.csv; 0: none */
    struct da_log *log;
    const volatile sig_atomic_t *stop; /* may be NULL */
};

struct da_export_stats {
    uint64_t n_annotations;
    uint64_t n_left_out;     /* they bridge two splits */
    uint64_t n_contaminated; /* of validation and test, left out or not */
    uint64_t n_documents[DA_N_SPLITS], n_examples[DA_N_SPLITS];
};

enum da_rc da_export(const struct da_export_opts *opts, struct da_export_stats *stats,
                     struct da_err *err);

#endif
