#ifndef EVAL_TER_H
#define EVAL_TER_H

/*
 * Translation edit rate (Snover et al., 2006) as sacrebleu 2.6.0 computes it:
 * greedy shifts, then a beam edit distance. A row of statistics holds the
 * fewest edits over the references and the mean reference length.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "eval/sign.h"
#include "eval/tercom.h"
#include "eval/work.h"

enum { DA_TER_N_STATS = 2 };

/* At least one reference. */
void da_ter_segment(const struct da_tercom_opts *o, struct da_work *w, const struct da_segment *s,
                    double *stats);
/* In per cent, can exceed 100. single: the ratio rounded to float, as the tool's resampling
 * does. */
double da_ter_score(const double *sum, bool single);
void da_ter_signature(const struct da_tercom_opts *o, const struct da_sign *s, bool short_form,
                      struct da_buf *out);

/* Edits between numbered words: shifts plus insertions, deletions and substitutions. */
unsigned da_ter_edits(struct da_work *w, const uint32_t *hyp, size_t n_hyp, const uint32_t *ref,
                      size_t n_ref);

struct da_ter_scratch;
void da_ter_scratch_free(struct da_ter_scratch *s);

#endif
