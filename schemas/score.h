#ifndef SCHEMAS_SCORE_H
#define SCHEMAS_SCORE_H

/* The score record (score.schema.json): made by eval, read by leaderboard. */

#include <stdint.h>

#include "schemas/record.h"

struct da_score_value {
    struct da_span name; /* "bleu", "rouge1", "rouge2", "rougeL", "diversity", ... */
    double value;        /* NaN: not defined, written as null */
    bool has_ci;
    double ci_low, ci_high; /* 95 % */
    int64_t n;              /* samples it was computed over */
    struct da_span signature;
};

struct da_score {
    struct da_span model;
    struct da_span dataset_sha256;
    int64_t dataset_n;
    struct da_score_value *metrics[DA_N_TASKS]; /* [n_metrics[task]], owned by a read score */
    size_t n_metrics[DA_N_TASKS];               /* 0: the task was not scored */
    struct da_score_value intent;               /* name unused; value NaN: not scored */
    struct da_span intent_detail;               /* a new record's: JSON object; p NULL: none */
    int64_t n_scored, n_total;
    struct da_span per_sample_path, per_sample_sha256; /* p NULL: no log was kept */
    const struct da_json *confusion;                   /* as read */
    const struct da_json *origin;                      /* as read */
    const struct da_json *json;                        /* what was read; NULL for a new record */
};

enum da_rc da_score_read(const struct da_json *j, struct da_score *ret, struct da_err *err);
void da_score_release(struct da_score *s); /* the arrays of a read score */
/* confusion, origin: JSON objects' texts for a new record; p NULL writes what was read or {}. */
void da_score_write(const struct da_score *s, struct da_span confusion, struct da_span origin,
                    struct da_jw *w);
/* The metric of that name, or NULL. */
const struct da_score_value *da_score_find(const struct da_score *s, enum da_task task,
                                           const char *name);

#endif
