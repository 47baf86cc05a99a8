/*
 * Self-BLEU in one pass: a text's clip for an n-gram is the greatest count in
 * any other text, which is the greatest or the second greatest count over the
 * whole set. Both are kept with every n-gram.
 */
#include "eval/diversity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "eval/bleu.h"
#include "eval/exact_sum.h"

enum { SACRE_ORDER = 4 };

struct top {
    uint32_t best, second; /* counts */
    uint32_t owner;        /* text with the best count */
};

struct set {
    struct da_work *w;
    unsigned order;
    struct da_numbers ids;  /* all texts' tokens, one after the other */
    size_t *start;      /* [n + 1] into ids */
    struct top *top;    /* [n_top], by n-gram node */
    size_t n_top, top_cap;
    size_t *lengths;    /* [n], ascending */
    size_t n;
};

/* Counts an n-gram's occurrences in text i into its two greatest counts. */
static void note_count(struct set *s, uint32_t node, uint32_t count, uint32_t i)
{
    if (node >= s->n_top) {
        DA_GROW_BY(s->top, 0, (size_t)node + 1, s->top_cap);
        memset(s->top + s->n_top, 0, (node + 1 - s->n_top) * sizeof *s->top);
        s->n_top = (size_t)node + 1;
    }
    struct top *t = &s->top[node];
    if (t->best > 0 && t->owner == i) {
        t->best = count > t->best ? count : t->best;
    } else if (count > t->best) {
        t->second = t->best;
        t->best = count;
        t->owner = i;
    } else if (count > t->second) {
        t->second = count;
    }
}

static int by_length(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static void build(struct set *s, const struct da_span *texts)
{
    struct da_gramtrie *g = &s->w->ngrams;

    da_gramtrie_reset(g);
    DA_GROW_BY(s->ids.id, 0, 1, s->ids.cap); /* texts without tokens point into it, too */
    for (size_t i = 0; i < s->n; i++) {
        s->start[i] = s->ids.n;
        da_bleu_tokenize(DA_BLEU_TOK_13A, false, texts[i], &s->w->tokens);
        da_work_number(s->w, &s->w->hyp);
        for (size_t k = 0; k < s->w->hyp.n; k++)
            da_numbers_add(&s->ids, s->w->hyp.id[k]);
        s->lengths[i] = s->w->hyp.n;
    }
    s->start[s->n] = s->ids.n;
    qsort(s->lengths, s->n, sizeof *s->lengths, by_length);
    for (size_t i = 0; i < s->n; i++) {
        const uint32_t *id = s->ids.id + s->start[i];
        size_t len = s->start[i + 1] - s->start[i];
        da_gramtrie_next_text(g);
        for (size_t k = 0; k < len; k++) {
            uint32_t node = 0;
            for (unsigned o = 0; o < s->order && k + o < len; o++) {
                node = da_gram_child(g, node, id[k + o]);
                note_count(s, node, da_gram_bump(g, node), (uint32_t)i);
            }
        }
    }
}

/* The length among the others that is closest to len, the shorter on ties. */
static size_t closest(const struct set *s, size_t len)
{
    size_t lo = 0, hi = s->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->lengths[mid] < len)
            lo = mid + 1;
        else
            hi = mid;
    }
    /* lengths[lo] is this text's own length; another one of that length stands next to it */
    if (lo + 1 < s->n && s->lengths[lo + 1] == len)
        return len;
    if (lo == 0)
        return s->lengths[1];
    if (lo + 1 == s->n || len - s->lengths[lo - 1] <= s->lengths[lo + 1] - len)
        return s->lengths[lo - 1];
    return s->lengths[lo + 1];
}

/* Row of BLEU statistics of text i against the others. */
static void row_of(struct set *s, size_t i, double *stats)
{
    struct da_gramtrie *g = &s->w->ngrams;
    const uint32_t *id = s->ids.id + s->start[i];
    size_t len = s->start[i + 1] - s->start[i];

    stats[0] = (double)len;
    stats[1] = (double)closest(s, len);
    for (unsigned o = 0; o < s->order; o++) {
        stats[2 + o] = 0;
        stats[2 + s->order + o] = len > o ? (double)(len - o) : 0;
    }
    da_gramtrie_next_text(g);
    for (size_t k = 0; k < len; k++) {
        uint32_t node = 0;
        for (unsigned o = 0; o < s->order && k + o < len; o++) {
            node = da_gram_child(g, node, id[k + o]);
            const struct top *t = &s->top[node];
            stats[2 + o] += da_gram_bump(g, node) <= (t->owner == i ? t->second : t->best);
        }
    }
}

static double nltk_score(unsigned order, const double *stats)
{
    static const double EPSILON = 0.1;
    double logs[DA_BLEU_MAX_ORDER], hyp = stats[0], ref = stats[1], bp = 1;

    if (stats[2] == 0)
        return 0;
    if (hyp <= ref)
        bp = hyp == 0 ? 0 : exp(1 - ref / hyp);
    for (unsigned o = 0; o < order; o++) {
        double den = fmax(stats[2 + order + o], 1), num = stats[2 + o];
        logs[o] = 1.0 / order * log((num == 0 ? EPSILON : num) / den);
    }
    return bp * exp(da_exact_sum(logs, order));
}

double da_self_bleu(enum da_self_bleu kind, unsigned order, struct da_work *w,
                    const struct da_span *texts, size_t n, double *each)
{
    struct set s = {.w = w, .order = kind == DA_SELF_BLEU_SACRE ? SACRE_ORDER : order, .n = n};
    struct da_bleu_opts o;

    if (n < 2)
        return NAN;
    da_bleu_defaults(&o);
    o.effective_order = true;
    s.start = da_calloc(n + 1, sizeof *s.start);
    s.lengths = da_calloc(n, sizeof *s.lengths);
    double *values = da_calloc(n, sizeof *values), stats[DA_BLEU_MAX_STATS];
    build(&s, texts);
    for (size_t i = 0; i < n; i++) {
        struct da_bleu_score b;
        row_of(&s, i, stats);
        if (kind == DA_SELF_BLEU_SACRE) {
            da_bleu_score(&o, stats, &b);
            values[i] = b.score;
        } else {
            values[i] = nltk_score(order, stats);
        }
    }
    if (each)
        memcpy(each, values, n * sizeof *values);
    double mean = da_exact_sum(values, n) / (double)n;
    free(values);
    free(s.ids.id);
    free(s.start);
    free(s.top);
    free(s.lengths);
    return mean;
}

void da_distinct(struct da_work *w, const struct da_span *texts, size_t n, unsigned max_order,
                 double *ret)
{
    uint64_t distinct[DA_GRAM_MAX_ORDER], all[DA_GRAM_MAX_ORDER] = {0};

    da_gramtrie_reset(&w->ngrams);
    for (size_t i = 0; i < n; i++) {
        da_bleu_tokenize(DA_BLEU_TOK_13A, false, texts[i], &w->tokens);
        da_work_number(w, &w->hyp);
        da_gramtrie_add(&w->ngrams, w->hyp.id, w->hyp.n, max_order);
        for (unsigned o = 0; o < max_order; o++)
            all[o] += w->hyp.n > o ? w->hyp.n - o : 0;
    }
    da_gramtrie_distinct(&w->ngrams, max_order, distinct);
    for (unsigned o = 0; o < max_order; o++)
        ret[o] = all[o] ? (double)distinct[o] / (double)all[o] : NAN;
}
