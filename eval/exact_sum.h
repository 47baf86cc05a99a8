#ifndef EVAL_EXACT_SUM_H
#define EVAL_EXACT_SUM_H

/*
 * Sums of doubles whose result does not depend on the order, and the two other
 * ways of averaging that the reference tools use.
 */

#include <stddef.h>

/* A running sum without error. Zero it to begin. */
struct da_exact {
    double part[64]; /* [n], ascending magnitude */
    unsigned n;
};

void da_exact_add(struct da_exact *e, double x);
double da_exact_round(const struct da_exact *e); /* to the nearest double */

/* The correctly rounded sum (Shewchuk, 1997; Python's math.fsum). Finite values. */
double da_exact_sum(const double *x, size_t n);

/* The correctly rounded sum divided by n (n >= 1); Python's statistics.mean. */
double da_exact_mean(const double *x, size_t n);

/* numpy's mean of a contiguous array: pairwise summation in blocks of 128. n >= 1. */
double da_numpy_mean(const double *x, size_t n);

#endif
