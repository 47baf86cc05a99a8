#include "eval/resample.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/attr.h"
#include "common/mem.h"
#include "common/rng.h"
#include "common/threads.h"
#include "eval/exact_sum.h"

enum {
    BLOCK_DRAWS = 1 << 20, /* draws kept at once */
    MAX_BLOCK = 256,       /* resamples among them */
    WORD_BITS = 32
};

/* Rows ready for summing. Whole numbers whose sums stay below 2^32 are kept two to a word, which
 * adds them exactly and fast; others stay doubles and are added in the order drawn. */
struct packed {
    size_t n, k, width; /* width: words or doubles of a row */
    uint64_t *whole;    /* column 2c in the low half of word c; NULL: */
    double *real;
};

enum { GROUP = 6 }; /* words summed in one go: 12 columns, all of BLEU */

static bool all_whole(const struct da_rows *r)
{
    for (size_t c = 0; c < r->k; c++) {
        double greatest = 0;
        for (size_t i = 0; i < r->n; i++) {
            double x = r->v[i * r->stride + c];
            if (!(x >= 0) || x != floor(x))
                return false;
            greatest = x > greatest ? x : greatest;
        }
        if (greatest * (double)r->n >= (double)UINT32_MAX)
            return false;
    }
    return true;
}

static void pack(const struct da_rows *r, bool whole, struct packed *p)
{
    size_t words = ((r->k + 1) / 2 + GROUP - 1) / GROUP * GROUP;

    *p = (struct packed){.n = r->n, .k = r->k, .width = whole ? words : r->k};
    if (whole)
        p->whole = da_calloc(p->n * p->width, sizeof *p->whole);
    else
        p->real = da_calloc(p->n * p->width, sizeof *p->real);
    for (size_t i = 0; i < r->n; i++) {
        for (size_t c = 0; c < r->k; c++) {
            double x = r->v[i * r->stride + c];
            if (whole)
                p->whole[i * p->width + c / 2] += (uint64_t)x << (c % 2 ? 32 : 0);
            else
                p->real[i * p->width + c] = x;
        }
    }
}

static void packed_release(struct packed *p)
{
    free(p->whole);
    free(p->real);
}

static void unpack(const uint64_t *words, size_t k, double *sum)
{
    for (size_t c = 0; c < k; c++)
        sum[c] = (double)(uint32_t)(words[c / 2] >> (c % 2 ? 32 : 0));
}

static void sum_whole(const struct packed *p, const uint32_t *idx, double *sum)
{
    uint64_t words[DA_ROWS_MAX_COLUMNS / 2 + GROUP];

    for (size_t w = 0; w < p->width; w += GROUP) {
        uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;
        for (size_t i = 0; i < p->n; i++) {
            const uint64_t *row = p->whole + (size_t)idx[i] * p->width + w;
            a += row[0];
            b += row[1];
            c += row[2];
            d += row[3];
            e += row[4];
            f += row[5];
        }
        words[w] = a;
        words[w + 1] = b;
        words[w + 2] = c;
        words[w + 3] = d;
        words[w + 4] = e;
        words[w + 5] = f;
    }
    unpack(words, p->k, sum);
}

static void sum_real(const struct packed *p, const uint32_t *idx, double *sum)
{
    memset(sum, 0, p->k * sizeof *sum);
    for (size_t i = 0; i < p->n; i++)
        for (size_t c = 0; c < p->k; c++)
            sum[c] += p->real[(size_t)idx[i] * p->width + c];
}

struct bootstrap {
    const struct packed *rows; /* [n_systems] */
    size_t n_systems;
    const uint32_t *idx; /* [resamples of the block][n] */
    da_row_score score;
    const void *ctx;
    double *const *scores;
    size_t first; /* resample of the block's first */
};

static void bootstrap_one(void *ctx, size_t item, unsigned worker)
{
    const struct bootstrap *b = ctx;
    const uint32_t *idx = b->idx + item * b->rows->n;
    double sum[DA_ROWS_MAX_COLUMNS];

    (void)worker;
    for (size_t s = 0; s < b->n_systems; s++) {
        if (b->rows[s].whole)
            sum_whole(&b->rows[s], idx, sum);
        else
            sum_real(&b->rows[s], idx, sum);
        b->scores[s][b->first + item] = b->score(b->ctx, sum);
    }
}

static size_t block_size(size_t per_item, size_t n_items)
{
    size_t block = per_item ? BLOCK_DRAWS / per_item : MAX_BLOCK;

    block = block < 8 ? 8 : block > MAX_BLOCK ? MAX_BLOCK : block;
    return block < n_items ? block : n_items;
}

void da_bootstrap_many(const struct da_rows *rows, size_t n_systems, da_row_score score,
                       const void *ctx, size_t n_resamples, uint64_t seed, unsigned n_threads,
                       double *const *scores)
{
    size_t n = rows->n, block = block_size(n, n_resamples);
    struct packed *p = da_calloc(n_systems, sizeof *p);
    struct da_rng rng;

    assert(n > 0 && n <= UINT32_MAX);
    uint32_t *idx = da_calloc(block * n, sizeof *idx);
    for (size_t s = 0; s < n_systems; s++) {
        assert(rows[s].n == n && rows[s].k <= DA_ROWS_MAX_COLUMNS);
        pack(&rows[s], all_whole(&rows[s]), &p[s]);
    }
    da_rng_init(&rng, seed);
    for (size_t at = 0; at < n_resamples; at += block) {
        size_t now = n_resamples - at < block ? n_resamples - at : block;
        struct bootstrap b = {p, n_systems, idx, score, ctx, scores, at};
        da_rng_fill_below32(&rng, (uint32_t)n, idx, now * n);
        da_parallel_for(n_threads, now, bootstrap_one, &b);
    }
    for (size_t s = 0; s < n_systems; s++)
        packed_release(&p[s]);
    free(p);
    free(idx);
}

void da_bootstrap(const struct da_rows *rows, da_row_score score, const void *ctx,
                  size_t n_resamples, uint64_t seed, unsigned n_threads, double *scores)
{
    da_bootstrap_many(rows, 1, score, ctx, n_resamples, seed, n_threads, &scores);
}

struct randomize {
    const struct packed *a, *b;
    const uint32_t *coins; /* bits, low first; a trial's begin at bit trial * n + first_bit */
    size_t first_bit;
    da_row_score score;
    const void *ctx;
    double *scores_a, *scores_b;
};

static void randomize_whole(const struct randomize *r, size_t bit, double *a, double *b)
{
    uint64_t wa[DA_ROWS_MAX_COLUMNS / 2 + GROUP] = {0}, wb[DA_ROWS_MAX_COLUMNS / 2 + GROUP] = {0};
    size_t width = r->a->width;

    for (size_t i = 0; i < r->a->n; i++, bit++) {
        /* all ones keeps the rows where they are, zeros swaps them */
        uint64_t keep = 0 - (uint64_t)(r->coins[bit / WORD_BITS] >> (bit % WORD_BITS) & 1);
        const uint64_t *x = r->a->whole + i * width, *y = r->b->whole + i * width;
        for (size_t c = 0; c < width; c++) {
            uint64_t swap = (x[c] ^ y[c]) & ~keep;
            wa[c] += x[c] ^ swap;
            wb[c] += y[c] ^ swap;
        }
    }
    unpack(wa, r->a->k, a);
    unpack(wb, r->a->k, b);
}

static void randomize_real(const struct randomize *r, size_t bit, double *a, double *b)
{
    memset(a, 0, r->a->k * sizeof *a);
    memset(b, 0, r->a->k * sizeof *b);
    for (size_t i = 0; i < r->a->n; i++, bit++) {
        bool keep = r->coins[bit / WORD_BITS] >> (bit % WORD_BITS) & 1;
        const double *x = r->a->real + i * r->a->width, *y = r->b->real + i * r->b->width;
        for (size_t c = 0; c < r->a->k; c++) {
            (keep ? a : b)[c] += x[c];
            (keep ? b : a)[c] += y[c];
        }
    }
}

static void randomize_one(void *ctx, size_t item, unsigned worker)
{
    const struct randomize *r = ctx;
    double a[DA_ROWS_MAX_COLUMNS], b[DA_ROWS_MAX_COLUMNS];
    size_t bit = r->first_bit + item * r->a->n;

    (void)worker;
    if (r->a->whole)
        randomize_whole(r, bit, a, b);
    else
        randomize_real(r, bit, a, b);
    r->scores_a[item] = r->score(r->ctx, a);
    r->scores_b[item] = r->score(r->ctx, b);
}

void da_randomize(const struct da_rows *a, const struct da_rows *b, da_row_score score,
                  const void *ctx, size_t n_trials, uint64_t seed, unsigned n_threads,
                  double *scores_a, double *scores_b)
{
    size_t block = block_size(a->n / WORD_BITS, n_trials), n_words = block * a->n / WORD_BITS + 2;
    struct packed pa, pb;
    struct da_rng rng;
    size_t left_over = 0; /* bits of the last word drawn that are still unused */

    assert(a->n == b->n && a->k == b->k && a->k <= DA_ROWS_MAX_COLUMNS);
    uint32_t *coins = da_calloc(n_words, sizeof *coins);
    pack(a, all_whole(a) && all_whole(b), &pa);
    pack(b, pa.whole != NULL, &pb);
    da_rng_init(&rng, seed);
    for (size_t at = 0; at < n_trials; at += block) {
        size_t n = n_trials - at < block ? n_trials - at : block, bits = n * a->n, w = 0;
        size_t first = left_over ? WORD_BITS - left_over : 0;
        if (left_over)
            w = 1; /* coins[0] is the word that has bits left */
        for (; w * WORD_BITS < first + bits; w++)
            coins[w] = da_rng_u32(&rng);
        struct randomize r = {&pa, &pb, coins, first, score, ctx, scores_a + at, scores_b + at};
        da_parallel_for(n_threads, n, randomize_one, &r);
        left_over = (WORD_BITS - (first + bits) % WORD_BITS) % WORD_BITS;
        if (left_over)
            coins[0] = coins[(first + bits) / WORD_BITS];
    }
    packed_release(&pa);
    packed_release(&pb);
    free(coins);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void da_interval_of(double *scores, size_t n, struct da_interval *ret)
{
    size_t k = n / 40; /* 2.5 % at each end */

    *ret = (struct da_interval){NAN, NAN, NAN, NAN};
    for (size_t i = 0; i < n; i++)
        if (isnan(scores[i]))
            return;
    qsort(scores, n, sizeof *scores, ascending);
    ret->low = scores[k];
    ret->high = scores[n - k - 1];
    ret->half = 0.5 * (ret->high - ret->low);
    ret->mean = da_exact_mean(scores, n);
}

double da_paired_bs_p(const double *a, const double *b, size_t n, double diff)
{
    size_t count = 0;
    double *d = da_calloc(n, sizeof *d);

    for (size_t i = 0; i < n; i++)
        d[i] = fabs(b[i] - a[i]);
    double mean = da_numpy_mean(d, n);
    for (size_t i = 0; i < n; i++)
        count += d[i] - mean > fabs(diff);
    free(d);
    return (double)(count + 1) / (double)(n + 1);
}

double da_paired_ar_p(const double *a, const double *b, size_t n, double diff)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += fabs(a[i] - b[i]) > fabs(diff);
    return (double)(count + 1) / (double)(n + 1);
}

double da_two_sided_p(const double *a, const double *b, size_t n, double diff)
{
    /* sums in another order may differ in the last place and must still count as equal */
    double slack = 1e-12 * fmax(1, fabs(diff));
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += fabs(a[i] - b[i]) >= fabs(diff) - slack;
    return (double)(count + 1) / (double)(n + 1);
}

double da_mcnemar_p(uint64_t only_a, uint64_t only_b)
{
    uint64_t n = only_a + only_b, few = only_a < only_b ? only_a : only_b;
    double p = 0;

    for (uint64_t i = 0; i <= few && n > 0; i++)
        p += exp(lgamma((double)n + 1) - lgamma((double)i + 1) - lgamma((double)(n - i) + 1) -
                 (double)n * log(2));
    return n == 0 || 2 * p > 1 ? 1 : 2 * p;
}

void da_holm(double *p, size_t n)
{
    size_t n_tests = 0, done = 0;
    double floor_p = 0;
    unsigned char *used = da_calloc(n ? n : 1, 1);

    for (size_t i = 0; i < n; i++)
        n_tests += !isnan(p[i]);
    for (; done < n_tests; done++) {
        size_t least = n;
        for (size_t i = 0; i < n; i++)
            if (!used[i] && !isnan(p[i]) && (least == n || p[i] < p[least]))
                least = i;
        used[least] = 1;
        double corrected = fmin(1, p[least] * (double)(n_tests - done));
        floor_p = fmax(floor_p, corrected);
        p[least] = floor_p;
    }
    free(used);
}

void da_wilson(uint64_t k, uint64_t n, double *low, double *high)
{
    static const double Z = 1.959963984540054; /* 97.5 % point of the normal distribution */
    double m = (double)n, p = (double)k / m, z2 = Z * Z;
    double centre = (p + z2 / (2 * m)) / (1 + z2 / m);
    double half = Z / (1 + z2 / m) * sqrt(p * (1 - p) / m + z2 / (4 * m * m));

    *low = fmax(0, centre - half);
    *high = fmin(1, centre + half);
}
