#ifndef EVAL_STS_H
#define EVAL_STS_H

/* Sentence similarity from token vectors, the way of sentence-transformers. */

#include <stddef.h>

/* out[dim] = mean of the vectors whose mask is set: tokens [n][dim] row-major, mask [n] of 0/1. */
void da_sts_mean_pool(const double *tokens, const double *mask, size_t n, size_t dim, double *out);
/* Cosine of two vectors, each divided by its length (at least 1e-12). */
double da_sts_cosine(const double *a, const double *b, size_t dim);

#endif
