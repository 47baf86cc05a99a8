#include "eval/exact_sum.h"

#include <math.h>

/* Partial sums of different magnitude that together are the sum without error. A double spans
 * fewer than 2100 binary places, of which each partial covers 53: 64 are more than enough. */
void da_exact_add(struct da_exact *e, double x)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < e->n; i++) {
        double y = e->part[i];
        if (fabs(x) < fabs(y)) {
            double t = x;
            x = y;
            y = t;
        }
        double hi = x + y, lo = y - (hi - x);
        if (lo != 0)
            e->part[kept++] = lo;
        x = hi;
    }
    e->part[kept] = x;
    e->n = kept + 1;
}

/* Rounds to the nearest double; a tie is broken by what lies below. */
double da_exact_round(const struct da_exact *e)
{
    unsigned i = e->n;
    double hi = 0, lo = 0;

    if (i == 0)
        return 0;
    hi = e->part[--i];
    while (i > 0) {
        double x = hi, y = e->part[--i];
        hi = x + y;
        lo = y - (hi - x);
        if (lo != 0)
            break;
    }
    if (i > 0 && ((lo < 0 && e->part[i - 1] < 0) || (lo > 0 && e->part[i - 1] > 0))) {
        double y = lo * 2, x = hi + y;
        if (y == x - hi)
            hi = x;
    }
    return hi;
}

double da_exact_sum(const double *x, size_t n)
{
    struct da_exact e = {.n = 0};

    for (size_t i = 0; i < n; i++)
        da_exact_add(&e, x[i]);
    return da_exact_round(&e);
}

double da_exact_mean(const double *x, size_t n)
{
    struct da_exact e = {.n = 0};
    double count = (double)n;

    for (size_t i = 0; i < n; i++)
        da_exact_add(&e, x[i]);
    /* sum - mean * n exactly, then the mean corrected by what is left */
    double mean = da_exact_round(&e) / count;
    double product = mean * count, error = fma(mean, count, -product);
    da_exact_add(&e, -product);
    da_exact_add(&e, -error);
    return mean + da_exact_round(&e) / count;
}

static double pairwise(const double *x, size_t n)
{
    if (n < 8) {
        double s = 0;
        for (size_t i = 0; i < n; i++)
            s += x[i];
        return s;
    }
    if (n <= 128) {
        double r[8];
        size_t i;
        for (i = 0; i < 8; i++)
            r[i] = x[i];
        for (; i + 8 <= n; i += 8)
            for (size_t k = 0; k < 8; k++)
                r[k] += x[i + k];
        double s = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
        for (; i < n; i++)
            s += x[i];
        return s;
    }
    size_t half = n / 2;
    half -= half % 8;
    return pairwise(x, half) + pairwise(x + half, n - half);
}

double da_numpy_mean(const double *x, size_t n)
{
    return pairwise(x, n) / (double)n;
}
