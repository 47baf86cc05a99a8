/* Building the pair table. The filter has at least eight bits a pair. */

#include "engine/tokenizer/pairs.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/tokenizer/vocab.h"

static unsigned log2_above(size_t n)
{
    unsigned bits = 6;
    while (((size_t)1 << bits) < n)
        bits++;
    return bits;
}

enum da_rc da_pairs_build(struct da_pairs *t, const struct da_vocab_merge *merges, size_t n,
                          struct da_err *err)
{
    unsigned bits = log2_above(2 * n), filter_bits = log2_above(8 * n);
    t->slots = da_try_alloc((size_t)1 << bits, sizeof *t->slots);
    t->filter = da_try_alloc((size_t)1 << (filter_bits - 6), sizeof *t->filter);
    if (!t->slots || !t->filter) {
        da_pairs_release(t);
        return da_fail(err, DA_ENOMEM, "no memory for %zu merges", n);
    }
    memset(t->slots, 0xff, ((size_t)1 << bits) * sizeof *t->slots);
    t->shift = 64 - bits;
    t->filter_shift = 64 - filter_bits;
    t->mask = ((size_t)1 << bits) - 1;
    for (size_t i = 0; i < n; i++) {
        uint64_t key = (uint64_t)(uint32_t)merges[i].left << 32 | (uint32_t)merges[i].right;
        uint64_t h = key * 0x9e3779b97f4a7c15u;
        h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
        uint64_t bit = h >> t->filter_shift;
        t->filter[bit >> 6] |= (uint64_t)1 << (bit & 63);
        size_t at = (size_t)(h >> t->shift);
        while (t->slots[at].key != UINT64_MAX && t->slots[at].key != key)
            at = (at + 1) & t->mask;
        if (t->slots[at].key == key)
            continue;
        t->slots[at] = (struct da_pair){key, (uint32_t)i, merges[i].result};
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
