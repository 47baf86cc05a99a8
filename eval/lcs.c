/*
 * See the header. With t[i][j] the length for the first i tokens of ref and j of
 * can, bit i-1 of column j is 0 where t[i][j] = t[i-1][j] + 1. That one bit is
 * all the backtracking asks: where the tokens differ, t[i][j-1] > t[i-1][j]
 * holds exactly when t[i][j] > t[i-1][j].
 */
#include "eval/lcs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* Columns kept at once when marking; for longer texts every so-many-th one is kept and the
 * columns between are computed again, so memory stays bounded. */
enum { MAX_COLUMNS = 4096 };

struct da_lcs {
    const uint32_t *ref;
    size_t n_ref, n_words;
    uint32_t n_tokens;
    uint32_t *first; /* [n_tokens + 1]: where a token's places begin */
    size_t first_cap;
    uint32_t *place; /* [n_ref]: places in ref, by token */
    size_t place_cap;
    uint64_t *match; /* [n_words], zero between uses */
    size_t match_cap;
    uint64_t *kept, *block; /* columns */
    size_t kept_cap, block_cap;
};

struct da_lcs *da_lcs_new(void)
{
    return da_calloc(1, sizeof(struct da_lcs));
}

void da_lcs_free(struct da_lcs *l)
{
    if (!l)
        return;
    free(l->first);
    free(l->place);
    free(l->match);
    free(l->kept);
    free(l->block);
    free(l);
}

void da_lcs_set_ref(struct da_lcs *l, const uint32_t *ref, size_t n, uint32_t n_tokens)
{
    l->ref = ref;
    l->n_ref = n;
    l->n_words = (n + 63) / 64;
    l->n_tokens = n_tokens;
    DA_GROW_BY(l->first, 0, (size_t)n_tokens + 2, l->first_cap);
    DA_GROW_BY(l->place, 0, n, l->place_cap);
    if (l->n_words > l->match_cap) {
        free(l->match);
        l->match_cap = da_grow_cap(l->match_cap, l->n_words);
        l->match = da_calloc(l->match_cap, sizeof *l->match);
    }
    /* counting sort; first[] is one ahead until all places are written */
    memset(l->first, 0, ((size_t)n_tokens + 2) * sizeof *l->first);
    for (size_t i = 0; i < n; i++)
        l->first[ref[i] + 2]++;
    for (uint32_t t = 2; t < n_tokens + 2; t++)
        l->first[t] += l->first[t - 1];
    for (size_t i = 0; i < n; i++)
        l->place[l->first[ref[i] + 1]++] = (uint32_t)i;
}

/* Column j from column j - 1; `in` and `out` may be the same. */
static void step(struct da_lcs *l, uint32_t token, const uint64_t *in, uint64_t *out)
{
    uint32_t from = token < l->n_tokens ? l->first[token] : 0;
    uint32_t to = token < l->n_tokens ? l->first[token + 1] : 0;
    uint64_t carry = 0;

    if (from == to) {
        if (in != out)
            memcpy(out, in, l->n_words * sizeof *out);
        return;
    }
    for (uint32_t k = from; k < to; k++)
        l->match[l->place[k] / 64] |= (uint64_t)1 << (l->place[k] % 64);
    for (size_t w = 0; w < l->n_words; w++) {
        uint64_t v = in[w], u = v & l->match[w];
        uint64_t sum = v + u, carried = sum + carry;
        carry = (sum < v) | (carried < sum);
        out[w] = carried | (v & ~u);
    }
    for (uint32_t k = from; k < to; k++)
        l->match[l->place[k] / 64] = 0;
}

static uint64_t *columns(uint64_t **p, size_t *cap, size_t n)
{
    DA_GROW_BY(*p, 0, n, *cap);
    return *p;
}

size_t da_lcs_length(struct da_lcs *l, const uint32_t *can, size_t n)
{
    size_t length = 0;

    if (l->n_ref == 0 || n == 0)
        return 0;
    uint64_t *v = columns(&l->block, &l->block_cap, l->n_words);
    memset(v, 0xff, l->n_words * sizeof *v);
    for (size_t j = 0; j < n; j++)
        step(l, can[j], v, v);
    for (size_t i = 0; i < l->n_ref; i++)
        length += !(v[i / 64] >> (i % 64) & 1);
    return length;
}

/* Columns first..last (of 1..n) into l->block, from the column before. */
static void compute_block(struct da_lcs *l, const uint32_t *can, const uint64_t *before,
                          size_t first, size_t last)
{
    for (size_t j = first; j <= last; j++) {
        uint64_t *out = l->block + (j - first) * l->n_words;
        step(l, can[j - 1], j == first ? before : out - l->n_words, out);
    }
}

void da_lcs_mark(struct da_lcs *l, const uint32_t *can, size_t n, unsigned char *hit)
{
    size_t per_block = 1, i = l->n_ref, j = n;

    if (l->n_ref == 0 || n == 0)
        return;
    while (per_block * per_block < n)
        per_block *= 2;
    if (n <= MAX_COLUMNS)
        per_block = n;
    size_t n_blocks = (n + per_block - 1) / per_block, w = l->n_words;
    (void)columns(&l->kept, &l->kept_cap, n_blocks * w);
    (void)columns(&l->block, &l->block_cap, per_block * w);
    memset(l->kept, 0xff, w * sizeof *l->kept);
    for (size_t b = 1; b < n_blocks; b++) {
        compute_block(l, can, l->kept + (b - 1) * w, (b - 1) * per_block + 1, b * per_block);
        memcpy(l->kept + b * w, l->block + (per_block - 1) * w, w * sizeof *l->kept);
    }
    for (size_t b = n_blocks; b-- > 0;) {
        size_t first = b * per_block + 1, last = first + per_block - 1;
        last = last < n ? last : n;
        compute_block(l, can, l->kept + b * w, first, last);
        while (i > 0 && j >= first) {
            const uint64_t *v = l->block + (j - first) * w;
            if (l->ref[i - 1] == can[j - 1]) {
                hit[i - 1] = 1;
                i--;
                j--;
            } else if (!(v[(i - 1) / 64] >> ((i - 1) % 64) & 1)) {
                j--;
            } else {
                i--;
            }
        }
    }
}
