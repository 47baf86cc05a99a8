#ifndef ENGINE_TOKENIZER_PAIRS_H
#define ENGINE_TOKENIZER_PAIRS_H

/*
 * Hash table from a pair of neighbouring tokens to the rank of its merge: open
 * addressing, fixed after building. Tokens have 22 bits (DA_VOCAB_MAX_TOKENS) and
 * ranks 23 (DA_VOCAB_MAX_MERGES), so a slot is one word: the low 41 bits of the
 * mixed pair and the rank. Mixing is reversible and the missing three bits follow
 * from where the slot stands, as long as no run of full slots is an eighth of the
 * table long, which building checks. A filter (Bloom's, two bits of one word) small
 * enough for the second-level cache answers nearly all look-ups of pairs that never
 * merge.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct da_vocab_merge;

enum { DA_PAIR_KEY_BITS = 44, DA_PAIR_TAG_BITS = 41 };
#define DA_PAIR_NONE UINT32_MAX

struct da_pairs {
    uint64_t *slots; /* tag << 23 | rank; UINT64_MAX: empty */
    uint64_t *filter;
    unsigned shift, filter_shift; /* key bits less log2 of the number of slots, of filter bits */
    size_t mask;
};

/* Ranks are indices. Of equal pairs the first counts. DA_ENOMEM. */
enum da_rc da_pairs_build(struct da_pairs *t, const struct da_vocab_merge *merges, size_t n,
                          struct da_err *err);
void da_pairs_release(struct da_pairs *t);

/* A permutation of the 44-bit words. */
static inline uint64_t da_pair_mix(int32_t left, int32_t right)
{
    const uint64_t mask = ((uint64_t)1 << DA_PAIR_KEY_BITS) - 1;
    uint64_t h = (uint64_t)(uint32_t)left << 22 | (uint32_t)right;
    h = h * 0x9e3779b97f4a7c15u & mask;
    h ^= h >> 22;
    return h * 0xd6e8feb86659fd93u & mask;
}

static inline uint64_t da_pairs_bits(const struct da_pairs *t, uint64_t h)
{
    return (uint64_t)1 << (h >> t->filter_shift & 63) | (uint64_t)1 << (h >> 4 & 63);
}

/* False when the pair that mixes to h certainly does not merge. */
static inline bool da_pairs_maybe(const struct da_pairs *t, uint64_t h)
{
    return !(da_pairs_bits(t, h) & ~t->filter[h >> t->filter_shift >> 6]);
}

/* The rank of the merge of the pair that mixes to h, or DA_PAIR_NONE. */
static inline uint32_t da_pairs_look(const struct da_pairs *t, uint64_t h)
{
    uint64_t tag = h << (64 - DA_PAIR_TAG_BITS) >> (64 - DA_PAIR_TAG_BITS);
    for (size_t i = (size_t)(h >> t->shift);; i = (i + 1) & t->mask) {
        uint64_t slot = t->slots[i];
        if (slot >> 23 == tag && slot != UINT64_MAX)
            return (uint32_t)slot & 0x7fffff;
        if (slot == UINT64_MAX)
            return DA_PAIR_NONE;
    }
}

/* The rank of the merge of two tokens, or DA_PAIR_NONE. */
static inline uint32_t da_pairs_find(const struct da_pairs *t, int32_t left, int32_t right)
{
    uint64_t h = da_pair_mix(left, right);
    return da_pairs_maybe(t, h) ? da_pairs_look(t, h) : DA_PAIR_NONE;
}

#endif
