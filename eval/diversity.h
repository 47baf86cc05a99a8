#ifndef EVAL_DIVERSITY_H
#define EVAL_DIVERSITY_H

/*
 * How alike the texts of a set are: Self-BLEU (Zhu et al., 2018) by two
 * definitions, and distinct-n (Li et al., 2016). Time grows with the text, not
 * with the number of pairs.
 */

#include <stddef.h>

#include "eval/work.h"

enum da_self_bleu {
    DA_SELF_BLEU_SACRE, /* sacrebleu sentence BLEU (13a, exp, effective order), 0..100 */
    DA_SELF_BLEU_NLTK   /* NLTK sentence_bleu, uniform weights, method1 (Texygen), 0..1 */
};

enum { DA_SELF_BLEU_NLTK_ORDER = 3 }; /* Texygen's default */

/*
 * Mean over the set of BLEU of each text with all others as references. NaN for fewer than two
 * texts: a single one has no Self-BLEU. each (NULL allowed) gets the n values. order: for NLTK;
 * the other definition always uses 4.
 */
double da_self_bleu(enum da_self_bleu kind, unsigned order, struct da_work *w,
                    const struct da_span *texts, size_t n, double *each);

/* Different n-grams over all n-grams of 13a tokens, for orders 1..max_order; NaN without any. */
void da_distinct(struct da_work *w, const struct da_span *texts, size_t n, unsigned max_order,
                 double *ret);

#endif
