/* Choosing tokens. Probabilities are in double, sums in order of rank. */
#include "engine/sample.h"

#include <stdlib.h>

#include "common/hash.h"
#include "common/maths.h"
#include "common/mem.h"

void da_sampler_init(struct da_sampler *s, uint32_t n_vocab)
{
    s->n = n_vocab;
    s->order = da_calloc(n_vocab, sizeof *s->order);
}

void da_sampler_release(struct da_sampler *s)
{
    free(s->order);
    s->order = NULL;
}

uint64_t da_sample_key(uint64_t seed, struct da_span id)
{
    return da_mix64(da_mix64(seed) ^ da_hash64(id.p, id.len, 0));
}

/* Higher value first, then lower id. */
static int by_rank(const void *a, const void *b)
{
    const struct da_logprob *x = a, *y = b;
    if (x->logprob != y->logprob)
        return x->logprob > y->logprob ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static bool ranks_below(const struct da_logprob *a, const struct da_logprob *b)
{
    return by_rank(a, b) > 0;
}

/* Restores the heap whose root is the lowest rank. */
static void sift_down(struct da_logprob *h, uint32_t n, uint32_t i)
{
    for (;;) {
        uint32_t c = 2 * i + 1;
        if (c >= n)
            return;
        if (c + 1 < n && ranks_below(&h[c + 1], &h[c]))
            c++;
        if (!ranks_below(&h[c], &h[i]))
            return;
        struct da_logprob t = h[i];
        h[i] = h[c];
        h[c] = t;
        i = c;
    }
}

/* The k best of n logits, in order of rank, into s->order. */
static void best(struct da_sampler *s, const float *logits, uint32_t n, uint32_t k)
{
    struct da_logprob *h = s->order;
    for (uint32_t i = 0; i < k; i++)
        h[i] = (struct da_logprob){(int32_t)i, logits[i]};
    if (k < n) {
        for (uint32_t i = k / 2; i-- > 0;)
            sift_down(h, k, i);
        for (uint32_t i = k; i < n; i++) {
            struct da_logprob c = {(int32_t)i, logits[i]};
            if (ranks_below(&h[0], &c)) {
                h[0] = c;
                sift_down(h, k, 0);
            }
        }
    }
    qsort(h, k, sizeof *h, by_rank);
}

/* Uniform in [0, 1). */
static double draw(uint64_t key, uint64_t position)
{
    return (double)(da_mix64(key ^ da_mix64(position)) >> 11) * 0x1p-53;
}

int32_t da_sample(struct da_sampler *s, const float *logits, const struct da_sampling *p,
                  uint64_t key, uint64_t position)
{
    const uint32_t n = s->n;
    uint32_t k = p->top_k && p->top_k < n ? p->top_k : n;
    best(s, logits, n, k);
    const double top = (double)s->order[0].logprob;
    double total = 0.0, kept = 0.0, at = 0.0;
    for (uint32_t i = 0; i < k; i++)
        total += da_exp(((double)s->order[i].logprob - top) / p->temperature);
    if (p->top_p > 0.0 && p->top_p < 1.0) {
        uint32_t i = 0;
        while (i < k && kept < p->top_p * total)
            kept += da_exp(((double)s->order[i++].logprob - top) / p->temperature);
        k = i;
        total = kept;
    }
    const double want = draw(key, position) * total;
    for (uint32_t i = 0; i < k; i++) {
        at += da_exp(((double)s->order[i].logprob - top) / p->temperature);
        if (want < at)
            return s->order[i].id;
    }
    return s->order[k - 1].id;
}

void da_sample_logprobs(struct da_sampler *s, const float *logits, double lse, int32_t id,
                        uint32_t n_top, struct da_logprob *out)
{
    const uint32_t k = n_top < s->n ? n_top : s->n;
    out[0] = (struct da_logprob){id, (float)((double)logits[id] - lse)};
    if (k)
        best(s, logits, s->n, k);
    for (uint32_t i = 0; i < k; i++)
        out[1 + i] =
            (struct da_logprob){s->order[i].id, (float)((double)s->order[i].logprob - lse)};
}
