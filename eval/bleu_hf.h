#ifndef EVAL_BLEU_HF_H
#define EVAL_BLEU_HF_H

/*
 * The other BLEU: Hugging Face evaluate's `bleu`, which is tensorflow/nmt's
 * compute_bleu over 13a tokens. 0..1, the shortest reference counts, no
 * smoothing (or one added at every order). Statistics as in eval/bleu.h.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "eval/work.h"

struct da_bleu_hf_opts {
    unsigned max_order; /* 4 */
    bool smooth;
};

struct da_bleu_hf_score {
    double score; /* 0..1; NaN where the tool divides by zero: no token on one side */
    double bp, ratio;
    double precisions[DA_GRAM_MAX_ORDER]; /* 0..1 */
    double hyp_len, ref_len;
};

void da_bleu_hf_segment(const struct da_bleu_hf_opts *o, struct da_work *w,
                        const struct da_segment *s, double *stats);
void da_bleu_hf_score(const struct da_bleu_hf_opts *o, const double *sum,
                      struct da_bleu_hf_score *ret);
/* "nrefs:1|smooth:no|order:4|tok:13a|tool:evaluate_bleu|version:a7dd338" */
void da_bleu_hf_signature(const struct da_bleu_hf_opts *o, int n_refs, struct da_buf *out);

#endif
