/* Building the pair table: at most two thirds full, eight filter bits a pair or more. */

#include "engine/tokenizer/pairs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/tokenizer/vocab.h"

static_assert(DA_VOCAB_MAX_TOKENS <= 1 << 22 && DA_VOCAB_MAX_MERGES < 1 << 23,
              "a pair has 44 bits, a slot 64; the rank of all ones is for empty slots");

static unsigned log2_above(size_t n)
{
    unsigned bits = 6;
    while (((size_t)1 << bits) < n)
        bits++;
    return bits;
}

static void insert(struct da_pairs *t, uint64_t h, uint64_t rank, size_t *longest)
{
    uint64_t tag = h << (64 - DA_PAIR_TAG_BITS) >> (64 - DA_PAIR_TAG_BITS);
    size_t at = (size_t)(h >> t->shift), n = 0;
    for (; t->slots[at] != UINT64_MAX; at = (at + 1) & t->mask, n++)
        if (t->slots[at] >> 23 == tag)
            return;
    t->slots[at] = tag << 23 | rank;
    *longest = n > *longest ? n : *longest;
}

enum da_rc da_pairs_build(struct da_pairs *t, const struct da_vocab_merge *merges, size_t n,
                          struct da_err *err)
{
    unsigned bits = log2_above(n + n / 2), filter_bits = log2_above(8 * n);
    size_t longest = 0;
    t->slots = da_try_alloc((size_t)1 << bits, sizeof *t->slots);
    t->filter = da_try_alloc((size_t)1 << (filter_bits - 6), sizeof *t->filter);
    if (!t->slots || !t->filter) {
        da_pairs_release(t);
        return da_fail(err, DA_ENOMEM, "no memory for %zu merges", n);
    }
    memset(t->slots, 0xff, ((size_t)1 << bits) * sizeof *t->slots);
    t->shift = DA_PAIR_KEY_BITS - bits;
    t->filter_shift = DA_PAIR_KEY_BITS - filter_bits;
    t->mask = ((size_t)1 << bits) - 1;
    for (size_t i = 0; i < n; i++) {
        uint64_t h = da_pair_mix(merges[i].left, merges[i].right);
        t->filter[h >> t->filter_shift >> 6] |= da_pairs_bits(t, h);
        insert(t, h, i, &longest);
    }
    if (longest > 4 && longest >= (t->mask + 1) / 8) {
        da_pairs_release(t);
        return da_fail(err, DA_EUNSUPPORTED, "the merges do not spread over a table");
    }
    return DA_OK;
}

void da_pairs_release(struct da_pairs *t)
{
    free(t->slots);
    free(t->filter);
    t->slots = NULL;
    t->filter = NULL;
}
