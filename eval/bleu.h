#ifndef EVAL_BLEU_H
#define EVAL_BLEU_H

/*
 * BLEU (Papineni et al., 2002) as sacrebleu 2.6.0 computes it, on sufficient
 * statistics: a row of 2 + 2 * max_order numbers a segment
 * [hyp_len, ref_len, correct 1.., total 1..], whose sum scores a corpus.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "eval/sign.h"
#include "eval/work.h"

enum da_bleu_smooth {
    DA_BLEU_SMOOTH_EXP,
    DA_BLEU_SMOOTH_FLOOR,
    DA_BLEU_SMOOTH_ADD_K,
    DA_BLEU_SMOOTH_NONE
};

enum { DA_BLEU_MAX_ORDER = DA_GRAM_MAX_ORDER, DA_BLEU_MAX_STATS = 2 + 2 * DA_BLEU_MAX_ORDER };

struct da_bleu_opts {
    enum da_bleu_tok tokenize;
    enum da_bleu_smooth smooth;
    bool has_smooth_value;
    double smooth_value; /* floor 0.1 and add-k 1 when not given */
    unsigned max_order;  /* 1..DA_BLEU_MAX_ORDER */
    bool effective_order;
    bool lowercase;
};

struct da_bleu_score {
    double score; /* 0..100 */
    double bp;
    double precisions[DA_BLEU_MAX_ORDER]; /* 0..100 */
    double counts[DA_BLEU_MAX_ORDER];     /* add-k: with k above order 1 */
    double totals[DA_BLEU_MAX_ORDER];
    double sys_len, ref_len;
};

void da_bleu_defaults(struct da_bleu_opts *o);
size_t da_bleu_n_stats(const struct da_bleu_opts *o);

/* Statistics of one segment; at least one reference. */
void da_bleu_segment(const struct da_bleu_opts *o, struct da_work *w, const struct da_segment *s,
                     double *stats);
/* The score of summed statistics. */
void da_bleu_score(const struct da_bleu_opts *o, const double *sum, struct da_bleu_score *ret);

void da_bleu_signature(const struct da_bleu_opts *o, const struct da_sign *s, bool short_form,
                       struct da_buf *out);
/* "68.1/58.3/49.8/42.4 (BP = 1.000 ratio = 1.024 hyp_len = 2107 ref_len = 2058)" */
void da_bleu_verbose(const struct da_bleu_opts *o, const struct da_bleu_score *b,
                     struct da_buf *out);

#endif
