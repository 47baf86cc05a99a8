#ifndef TEXT_TEXTRANK_H
#define TEXT_TEXTRANK_H

/*
 * Ranks sentences by centrality in the graph of their similarities (R. Mihalcea,
 * P. Tarau, "TextRank", 2004; edges as in G. Erkan, D. Radev, "LexRank", 2004:
 * cosine of word vectors weighted by rarity in the document). Only IEEE-exact
 * operations in a fixed order: every machine gives the same bits.
 */

#include <stddef.h>

#include "text/words.h"

enum { DA_TEXTRANK_MAX = 1024 }; /* sentences; a document is cut to 1,000 tokens */

struct da_word_range {
    size_t first, n; /* indexes of words */
};

/*
 * score: [n], sums to 1. n <= DA_TEXTRANK_MAX. prior: [n] non-negative weights that the random
 * surfer restarts by (their sum positive), or NULL for equal ones. A sentence without a word
 * that counts gets the restart weight only.
 */
void da_textrank(const struct da_words *w, const struct da_word_range *sent, size_t n,
                 const double *prior, double *score);

#endif
