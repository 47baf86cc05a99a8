/* n-gram sets as sorted arrays: small, and intersected in one pass. */

#include "text/ngram.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"

void da_ngrams_init(struct da_ngrams *g)
{
    memset(g, 0, sizeof *g);
}

void da_ngrams_release(struct da_ngrams *g)
{
    if (!g)
        return;
    free(g->items);
    da_ngrams_init(g);
}

uint64_t da_ngram_hash(const struct da_words *w, size_t first, size_t order)
{
    uint64_t h = order;
    for (size_t i = 0; i < order; i++)
        h = da_mix64(h ^ w->items[first + i].hash);
    return h;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void da_ngrams_make(struct da_ngrams *g, const struct da_words *w, size_t order, bool shorter)
{
    g->n = 0;
    if (w->n < order) {
        if (!shorter || w->n == 0)
            return;
        order = w->n;
    }
    DA_GROW_BY(g->items, g->n, w->n - order + 1, g->cap);
    for (size_t i = 0; i + order <= w->n; i++)
        g->items[g->n++] = da_ngram_hash(w, i, order);
    qsort(g->items, g->n, sizeof *g->items, compare);
    size_t k = 0;
    for (size_t i = 0; i < g->n; i++) {
        if (k == 0 || g->items[i] != g->items[k - 1])
            g->items[k++] = g->items[i];
    }
    g->n = k;
}

size_t da_ngrams_common(const struct da_ngrams *a, const struct da_ngrams *b)
{
    size_t i = 0, j = 0, n = 0;
    while (i < a->n && j < b->n) {
        uint64_t x = a->items[i], y = b->items[j];
        n += x == y;
        i += x <= y;
        j += y <= x;
    }
    return n;
}

double da_ngrams_jaccard(const struct da_ngrams *a, const struct da_ngrams *b)
{
    size_t both = da_ngrams_common(a, b);
    size_t any = a->n + b->n - both;
    return any ? (double)both / (double)any : 0;
}

double da_ngrams_containment(const struct da_ngrams *a, const struct da_ngrams *b)
{
    return a->n ? (double)da_ngrams_common(a, b) / (double)a->n : 0;
}
