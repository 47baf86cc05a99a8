#ifndef EVAL_EVALUATE_H
#define EVAL_EVALUATE_H

/*
 * From examples and predictions to score records (eval/README.md).
 *
 *     da_dataset_open(&d, "test.jsonl", &err);
 *     da_evaluate(d, "pred.jsonl", &opts, &samples, &err);
 *     da_samples_record(&samples, &record_opts, &out, &err);
 *
 * A record follows from the samples alone, so merged shards give the same bytes
 * as one run.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/log.h"
#include "eval/diversity.h"
#include "eval/rouge.h"
#include "eval/samples.h"

enum da_eval_bleu { DA_EVAL_BLEU_SACRE, DA_EVAL_BLEU_HF };

struct da_eval_opts {
    enum da_eval_bleu bleu;
    bool stem;
    enum da_rouge_tok rouge_tok;
    enum da_self_bleu diversity;
    bool partial;       /* examples without a prediction are counted, not an error */
    const char *geval_signature; /* NULL: no judge; else a column "geval" is left for it */
    unsigned geval_tasks;        /* 1 << task, ... */
    const char *sts_signature;   /* NULL: none; else a column "sts" is left for da_sts_run */
    const char *model;  /* NULL: what the predictions say, else the file's name */
    const char *note;   /* about the system, for the board; NULL: none */
    unsigned n_threads; /* 0: all */
    struct da_log *log; /* warnings; may be NULL */
};

/* Examples by id. */
struct da_dataset;

/* Duplicate ids are an error that names them. The hash does not depend on the order. */
enum da_rc da_dataset_open(struct da_dataset **ret, const char *path, struct da_err *err);
void da_dataset_close(struct da_dataset *d); /* NULL allowed */

/*
 * Scores a file of predictions. Ids without an example, duplicate ids and (unless opts->partial)
 * examples without a prediction are DA_EMISMATCH and name the first few. samples is initialised
 * by the caller.
 */
enum da_rc da_evaluate(const struct da_dataset *d, const char *path,
                       const struct da_eval_opts *opts, struct da_samples *samples,
                       struct da_err *err);

struct da_record_opts {
    size_t n_bootstrap; /* resamples for the intervals; 0: none */
    uint64_t seed;
    unsigned n_threads;
    struct da_span log_path, log_sha256; /* p NULL: no per-sample log was kept */
};

/* Appends the score record of the samples: one line with its end. */
void da_samples_record(const struct da_samples *s, const struct da_record_opts *opts,
                       struct da_buf *out);

/* The task an intent names (trimmed, any case), or DA_N_TASKS. */
enum da_task da_intent_task(struct da_span intent);

#endif
