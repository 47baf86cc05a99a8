/*
 * Similarities go through an inverted index (a list of sentences per word), so
 * the cost follows the words sentences share. Power iteration stops at a fixed
 * count or when no score moves by more than a fixed amount.
 */

#include "text/textrank.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"

static const double damping = 0.85; /* Mihalcea and Tarau 2004 */
static const double tolerance = 1e-10;
enum { MAX_ROUNDS = 200 };

struct term {
    size_t sent, id;
    double weight; /* count, then count * rarity / norm of the sentence */
};

/* Natural logarithm of x > 0 from exact operations only: libm's differ in the last bit. */
static double ln(double x)
{
    int e;
    double m = frexp(x, &e); /* [0.5, 1) */
    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    double t = (m - 1) / (m + 1), t2 = t * t, sum = 0;
    for (int k = 21; k >= 1; k -= 2)
        sum = sum * t2 + 1.0 / k;
    return 2 * t * sum + e * 0.69314718055994531;
}

static int by_sentence_and_id(const void *a, const void *b)
{
    const struct term *x = a, *y = b;
    if (x->sent != y->sent)
        return x->sent < y->sent ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* The sentences' terms with counts, by sentence and id; returns their number. */
static size_t collect(const struct da_words *w, const struct da_word_range *sent, size_t n,
                      struct term **ret, size_t *n_ids)
{
    struct da_map ids;
    struct term *t = NULL;
    size_t len = 0, cap = 0;
    da_map_init(&ids);
    for (size_t s = 0; s < n; s++) {
        for (size_t i = sent[s].first; i < sent[s].first + sent[s].n; i++) {
            if (w->items[i].flags & DA_WORD_STOP)
                continue;
            struct da_span key = da_words_key(w, i);
            bool is_new;
            uint64_t *id = da_map_add(&ids, key.p, key.len, &is_new);
            if (is_new)
                *id = ids.n - 1;
            DA_GROW(t, len, cap);
            t[len++] = (struct term){.sent = s, .id = (size_t)*id, .weight = 1};
        }
    }
    *n_ids = ids.n;
    da_map_release(&ids);
    if (len > 0)
        qsort(t, len, sizeof *t, by_sentence_and_id);
    size_t k = 0;
    for (size_t i = 0; i < len; i++) {
        if (k > 0 && t[k - 1].sent == t[i].sent && t[k - 1].id == t[i].id)
            t[k - 1].weight += 1;
        else
            t[k++] = t[i];
    }
    *ret = t;
    return k;
}

/* Turns counts into unit vectors per sentence, weighted by rarity. */
static void weigh(struct term *t, size_t len, size_t n, size_t n_ids)
{
    size_t *df = da_calloc(n_ids ? n_ids : 1, sizeof *df);
    double *norm = da_calloc(n ? n : 1, sizeof *norm);
    for (size_t i = 0; i < len; i++)
        df[t[i].id]++;
    for (size_t i = 0; i < len; i++) {
        t[i].weight *= ln(((double)n + 1) / ((double)df[t[i].id] + 0.5));
        norm[t[i].sent] += t[i].weight * t[i].weight;
    }
    for (size_t i = 0; i < len; i++) {
        if (norm[t[i].sent] > 0)
            t[i].weight /= sqrt(norm[t[i].sent]);
    }
    free(norm);
    free(df);
}

static int by_id_and_sentence(const void *a, const void *b)
{
    const struct term *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->sent > y->sent) - (x->sent < y->sent);
}

/* sim: [n][n], symmetric, zero diagonal. */
static void similarities(struct term *t, size_t len, size_t n, double *sim)
{
    if (len > 0)
        qsort(t, len, sizeof *t, by_id_and_sentence);
    for (size_t i = 0; i < len; i++) {
        for (size_t j = i + 1; j < len && t[j].id == t[i].id; j++) {
            double x = t[i].weight * t[j].weight;
            sim[t[i].sent * n + t[j].sent] += x;
            sim[t[j].sent * n + t[i].sent] += x;
        }
    }
}

static void rank(const double *sim, size_t n, const double *restart, double *score)
{
    double *out = da_calloc(n, sizeof *out); /* sum of a sentence's edges */
    double *next = da_calloc(n, sizeof *next);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            out[i] += sim[i * n + j];
        score[i] = restart[i];
    }
    for (int round = 0; round < MAX_ROUNDS; round++) {
        double loose = 0, moved = 0; /* mass of sentences without edges restarts */
        for (size_t i = 0; i < n; i++) {
            if (out[i] <= 0)
                loose += score[i];
        }
        for (size_t i = 0; i < n; i++)
            next[i] = (1 - damping + damping * loose) * restart[i];
        for (size_t j = 0; j < n; j++) {
            if (out[j] <= 0)
                continue;
            double share = damping * score[j] / out[j];
            for (size_t i = 0; i < n; i++)
                next[i] += share * sim[j * n + i];
        }
        for (size_t i = 0; i < n; i++) {
            double d = fabs(next[i] - score[i]);
            moved = d > moved ? d : moved;
            score[i] = next[i];
        }
        if (moved < tolerance)
            break;
    }
    free(next);
    free(out);
}

void da_textrank(const struct da_words *w, const struct da_word_range *sent, size_t n,
                 const double *prior, double *score)
{
    assert(n <= DA_TEXTRANK_MAX);
    if (n == 0)
        return;
    struct term *t = NULL;
    size_t n_ids, len = collect(w, sent, n, &t, &n_ids);
    double *sim = da_calloc(n * n, sizeof *sim);
    double *restart = da_calloc(n, sizeof *restart);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += prior ? prior[i] : 1;
    assert(sum > 0);
    for (size_t i = 0; i < n; i++)
        restart[i] = (prior ? prior[i] : 1) / sum;
    weigh(t, len, n, n_ids);
    similarities(t, len, n, sim);
    rank(sim, n, restart, score);
    free(restart);
    free(sim);
    free(t);
}
