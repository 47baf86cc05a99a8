#ifndef EVAL_SAMPLES_H
#define EVAL_SAMPLES_H

/*
 * The per-sample log that eval writes and leaderboard, paired tests and merging
 * read (eval/README.md). Everything is kept in one arena.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/span.h"
#include "schemas/record.h"

enum da_stat_form { DA_FORM_MEAN, DA_FORM_BLEU, DA_FORM_BLEU_HF };

enum { DA_SAMPLES_MAX_METRICS = 32, DA_SAMPLES_MAX_STATS = 256 };

struct da_samples_metric {
    struct da_span name;
    enum da_stat_form form;
    size_t from, n; /* its columns in a row */
    double scale;   /* value times scale is the record's figure */
    struct da_span signature;
};

struct da_sample {
    struct da_span id;
    enum da_task task;
    struct da_span sha256; /* of the example (evaluate.h), hex */
    struct da_span request, ref, hyp;
    bool has_intent;          /* the prediction says something about its intent */
    struct da_span predicted; /* p NULL: no intent found in it */
    bool strict;              /* the reply had exactly the trained form */
    int64_t doc_words, hyp_words, ref_words;
    double *stats;  /* [n_stats[task]] */
    double *scores; /* [n_metrics[task]] on the record's scale; NaN: undefined */
};

struct da_samples {
    struct da_arena arena;
    struct da_span model, dataset_sha256;
    int64_t dataset_n;     /* examples, scored or not */
    struct da_span origin; /* a JSON object: what the record says of how it was made */
    struct da_samples_metric metrics[DA_N_TASKS][DA_SAMPLES_MAX_METRICS];
    size_t n_metrics[DA_N_TASKS], n_stats[DA_N_TASKS];
    struct da_sample *items; /* [n], ascending ids */
    size_t n, cap;
};

void da_samples_init(struct da_samples *s);
void da_samples_release(struct da_samples *s);

/* Errors name file and line. A header of another schema, rows that do not fit it, duplicate or
 * unsorted ids are DA_EFORMAT. */
enum da_rc da_samples_read(const char *path, struct da_samples *ret, struct da_err *err);

/* Header and samples as JSON Lines. */
struct da_buf;
void da_samples_write(const struct da_samples *s, struct da_buf *out);

/*
 * Joins shards of one system's evaluation: the same model, origin and metrics, no id twice. They
 * are either whole evaluations of parts of a data set, or partial ones of the same data set. names
 * are for messages. Texts stay the shards', which must outlive ret.
 */
enum da_rc da_samples_merge(const struct da_samples *shards, size_t n, const char *const *names,
                            struct da_samples *ret, struct da_err *err);

/* SHA-256 in hex over the samples' hashes in order: the data set's when all were scored. */
void da_samples_dataset_sha256(const struct da_samples *s, char hex[65]);

/* The record's figure of summed statistics: sum points at the task's whole row; NaN: undefined. */
double da_samples_score(const struct da_samples_metric *m, const double *sum);

/* The metric of that name, or NULL. */
const struct da_samples_metric *da_samples_metric(const struct da_samples *s, enum da_task task,
                                                  const char *name);

#endif
