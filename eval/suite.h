#ifndef EVAL_SUITE_H
#define EVAL_SUITE_H

/*
 * A list of metrics over plain segments: one row of statistics a segment for
 * all of them, scores from summed rows, and the two ways to show a result (the
 * reference tool's line, a JSON object).
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/json.h"
#include "eval/bleu.h"
#include "eval/bleu_hf.h"
#include "eval/chrf.h"
#include "eval/resample.h"
#include "eval/rouge.h"
#include "eval/tercom.h"

enum da_suite_kind {
    DA_SUITE_BLEU,
    DA_SUITE_BLEU_HF,
    DA_SUITE_CHRF,
    DA_SUITE_CHRFPP,
    DA_SUITE_TER,
    DA_SUITE_ROUGE1,
    DA_SUITE_ROUGE2,
    DA_SUITE_ROUGEL,
    DA_SUITE_ROUGELSUM,
    DA_SUITE_EM,
    DA_SUITE_F1,
    DA_SUITE_CONTAINS,
    DA_SUITE_SELFBLEU, /* these two are of a whole file, not of a segment */
    DA_SUITE_DISTINCT,
    DA_SUITE_N_KINDS
};

struct da_suite_opts {
    struct da_bleu_opts bleu;
    struct da_bleu_hf_opts bleu_hf;
    struct da_chrf_opts chrf; /* chrf++: the same with word_order 2 */
    struct da_tercom_opts ter;
    bool stem;
    enum da_rouge_tok rouge_tok;
};

enum { DA_SUITE_MAX_STATS = 256, DA_SUITE_DISTINCT_ORDER = 2 };

struct da_suite {
    struct da_suite_opts opts;
    enum da_suite_kind kinds[DA_SUITE_N_KINDS]; /* [n], in the order asked for */
    size_t n;
    size_t from[DA_SUITE_N_KINDS], len[DA_SUITE_N_KINDS]; /* columns of the i-th metric */
    size_t n_stats;
};

/* list: "bleu,rouge1"; an unknown or repeated name is DA_EUSAGE. */
enum da_rc da_suite_init(struct da_suite *s, const char *list, const struct da_suite_opts *opts,
                         struct da_err *err);
const char *da_suite_name(enum da_suite_kind kind);
/* True for metrics that need all texts at once. */
bool da_suite_is_whole(enum da_suite_kind kind);

/* Fills row[n_stats]. Returns the number of texts that hold something but no ROUGE token. */
unsigned da_suite_segment(const struct da_suite *s, struct da_work *w,
                          const struct da_segment *seg, double *row);

/* The score of metric i from summed columns [len[i]] (its own, not the row's); single: with the
 * tool's rounding while resampling. */
double da_suite_score(const struct da_suite *s, size_t i, const double *sum, bool single);

/* What goes beside a score. */
struct da_suite_extra {
    struct da_sign sign;
    bool has_ci;
    double mean, half;
    bool short_signature;
    unsigned width; /* decimals of percentages; two more for 0..1 */
    bool has_p;     /* against the baseline */
    double p;
};

/* "BLEU|nrefs:1|... = 49.69 (mu = ...) 68.1/..." without a line end. */
void da_suite_line(const struct da_suite *s, size_t i, const double *sum,
                   const struct da_suite_extra *x, struct da_buf *out);
/* "name": {...} into an open object. */
void da_suite_json(const struct da_suite *s, size_t i, const double *sum,
                   const struct da_suite_extra *x, struct da_jw *w);

/* Self-BLEU and distinct-n over all hypotheses. */
void da_suite_whole_line(enum da_suite_kind kind, struct da_work *w, const struct da_span *texts,
                         size_t n, unsigned width, struct da_buf *out);
void da_suite_whole_json(enum da_suite_kind kind, struct da_work *w, const struct da_span *texts,
                         size_t n, struct da_jw *jw);

#endif
