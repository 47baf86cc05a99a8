/*
 * Row i hashes an n-gram's 64-bit hash x to the upper half of a_i x + b_i
 * (multiply-shift, Dietzfelbinger et al. 1997): one multiplication a row, and the
 * compiler can do several rows at once.
 */

#include "text/minhash.h"

#include "common/hash.h"

static const uint64_t row_seed = 0x646f6361; /* any constant; changing it changes every signature */

void da_minhash_make(struct da_minhash *m, const struct da_ngrams *set)
{
    uint64_t a[DA_MINHASH_LEN], b[DA_MINHASH_LEN];
    for (unsigned i = 0; i < DA_MINHASH_LEN; i++) {
        a[i] = da_mix64(row_seed + 2 * i) | 1;
        b[i] = da_mix64(row_seed + 2 * i + 1);
        m->v[i] = UINT32_MAX;
    }
    for (size_t k = 0; k < set->n; k++) {
        uint64_t x = set->items[k];
        for (unsigned i = 0; i < DA_MINHASH_LEN; i++) {
            uint32_t h = (uint32_t)((a[i] * x + b[i]) >> 32);
            m->v[i] = h < m->v[i] ? h : m->v[i];
        }
    }
}

uint64_t da_minhash_band(const struct da_minhash *m, unsigned band)
{
    uint64_t h = band;
    for (unsigned i = 0; i < DA_MINHASH_ROWS; i++)
        h = da_mix64(h ^ m->v[band * DA_MINHASH_ROWS + i]);
    return h;
}

double da_minhash_resemblance(const struct da_minhash *a, const struct da_minhash *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < DA_MINHASH_LEN; i++)
        n += a->v[i] == b->v[i];
    return (double)n / DA_MINHASH_LEN;
}
