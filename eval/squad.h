#ifndef EVAL_SQUAD_H
#define EVAL_SQUAD_H

/*
 * Exact match and token F1 of answers by the rules of SQuAD (Rajpurkar et al.,
 * 2018, evaluation script 2.0): lower case, ASCII punctuation and the articles
 * a, an, the removed, white space collapsed; the best value over the references.
 * By the same rules, whether an answer contains a reference: its words, one after
 * the other.
 */

#include "eval/work.h"

struct da_squad_score {
    double exact, f1, contains; /* exact and contains are 0 or 1; contains >= exact */
};

/* At least one reference. Two empty answers match; an empty and another one do not. */
void da_squad_segment(struct da_work *w, const struct da_segment *s, struct da_squad_score *ret);

/* Appends the normalized text, words separated by one space. */
void da_squad_normalize(struct da_span text, struct da_buf *lowered, struct da_buf *out);

#endif
