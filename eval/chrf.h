#ifndef EVAL_CHRF_H
#define EVAL_CHRF_H

/*
 * chrF, chrF+ and chrF++ (Popovic, 2015 and 2017) as sacrebleu 2.6.0 computes
 * them. A row of statistics holds [hyp, ref, match] for each order, characters
 * first, words behind.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "eval/sign.h"
#include "eval/work.h"

enum {
    DA_CHRF_MAX_CHAR_ORDER = DA_GRAM_MAX_ORDER,
    DA_CHRF_MAX_WORD_ORDER = 4,
    DA_CHRF_MAX_STATS = 3 * (DA_CHRF_MAX_CHAR_ORDER + DA_CHRF_MAX_WORD_ORDER)
};

struct da_chrf_opts {
    unsigned char_order; /* 6 */
    unsigned word_order; /* 0; 2 is chrF++ */
    unsigned beta;       /* 2 */
    bool lowercase;
    bool whitespace; /* keep white space in character n-grams */
    bool eps_smoothing;
};

void da_chrf_defaults(struct da_chrf_opts *o);
size_t da_chrf_n_stats(const struct da_chrf_opts *o);

/* Statistics against the reference with the best F; at least one reference. */
void da_chrf_segment(const struct da_chrf_opts *o, struct da_work *w, const struct da_segment *s,
                     double *stats);
/* 0..100. single: ratios rounded to float, as the tool's resampling does. */
double da_chrf_score(const struct da_chrf_opts *o, const double *sum, bool single);

/* "chrF2++" */
void da_chrf_name(const struct da_chrf_opts *o, struct da_buf *out);
void da_chrf_signature(const struct da_chrf_opts *o, const struct da_sign *s, bool short_form,
                       struct da_buf *out);

struct da_chrf_scratch;
void da_chrf_scratch_free(struct da_chrf_scratch *s);

#endif
