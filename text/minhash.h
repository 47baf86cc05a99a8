#ifndef TEXT_MINHASH_H
#define TEXT_MINHASH_H

/*
 * MinHash signatures of n-gram sets, cut into bands for finding near duplicates
 * (A. Broder, "On the resemblance and containment of documents", 1997; banding:
 * Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", chapter 3). 14 bands
 * of 8: two sets share a band with probability 1 - (1 - s^8)^14 at resemblance s,
 * one half at s = 0.69. The same set gives the same signature on every machine.
 */

#include <stddef.h>
#include <stdint.h>

#include "text/ngram.h"

enum {
    DA_MINHASH_ORDER = 5, /* words in an n-gram */
    DA_MINHASH_BANDS = 14,
    DA_MINHASH_ROWS = 8,
    DA_MINHASH_LEN = DA_MINHASH_BANDS * DA_MINHASH_ROWS
};

struct da_minhash {
    uint32_t v[DA_MINHASH_LEN];
};

/* An empty set gives UINT32_MAX everywhere; such signatures must not be compared. */
void da_minhash_make(struct da_minhash *m, const struct da_ngrams *set);

/* Equal for sets that agree in all rows of the band (and, by chance, one in 2^64 others). */
uint64_t da_minhash_band(const struct da_minhash *m, unsigned band);

/* Estimated resemblance: share of equal rows. Standard error at most 0.048. */
double da_minhash_resemblance(const struct da_minhash *a, const struct da_minhash *b);

#endif
