#ifndef TEXT_NGRAM_H
#define TEXT_NGRAM_H

/* Sets of word n-grams, as 64-bit hashes: overlap of texts, near duplicates, contamination. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/words.h"

struct da_ngrams {
    uint64_t *items; /* [n], owned; ascending, no duplicates */
    size_t n, cap;
};

void da_ngrams_init(struct da_ngrams *g);
void da_ngrams_release(struct da_ngrams *g);

/* Hash of words first..first+order-1. */
uint64_t da_ngram_hash(const struct da_words *w, size_t first, size_t order);

/* Replaces g by the set of n-grams of w. A text of fewer words, but at least one, gives one
 * n-gram of all of them when `shorter`, else none. */
void da_ngrams_make(struct da_ngrams *g, const struct da_words *w, size_t order, bool shorter);

size_t da_ngrams_common(const struct da_ngrams *a, const struct da_ngrams *b);
/* |a and b| / |a or b|; 0 when both are empty. */
double da_ngrams_jaccard(const struct da_ngrams *a, const struct da_ngrams *b);
/* |a and b| / |a|; 0 when a is empty. */
double da_ngrams_containment(const struct da_ngrams *a, const struct da_ngrams *b);

#endif
