#ifndef ENGINE_TOKENIZER_PAIRS_H
#define ENGINE_TOKENIZER_PAIRS_H

/* Hash table from a pair of neighbouring tokens to its merge: open addressing, fixed after
 * building, at most half full. A bit filter small enough for the second-level cache answers most
 * look-ups of pairs that never merge. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct da_vocab_merge;

struct da_pair {
    uint64_t key;    /* left << 32 | right; UINT64_MAX: empty */
    uint32_t rank;
    int32_t result;
};

struct da_pairs {
    struct da_pair *slots;
    uint64_t *filter;
    unsigned shift, filter_shift; /* 64 - log2 of the number of slots, of filter bits */
    size_t mask;
};

/* Ranks are indices. Of equal pairs the first counts. DA_ENOMEM. */
enum da_rc da_pairs_build(struct da_pairs *t, const struct da_vocab_merge *merges, size_t n,
                          struct da_err *err);
void da_pairs_release(struct da_pairs *t);

/* The merge of two tokens, or NULL. */
static inline const struct da_pair *da_pairs_find(const struct da_pairs *t, int32_t left,
                                                  int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    uint64_t h = key * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
    uint64_t bit = h >> t->filter_shift;
    if (!((t->filter[bit >> 6] >> (bit & 63)) & 1))
        return NULL;
    for (size_t i = (size_t)(h >> t->shift);; i = (i + 1) & t->mask) {
        const struct da_pair *p = &t->slots[i];
        if (p->key == key)
            return p;
        if (p->key == UINT64_MAX)
            return NULL;
    }
}

#endif
