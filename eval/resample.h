#ifndef EVAL_RESAMPLE_H
#define EVAL_RESAMPLE_H

/*
 * Intervals and tests by resampling rows of statistics, never texts.
 *
 * A system is a matrix of rows, one a sample; a score is a function of the sum
 * of rows. Draws are those of sacrebleu 2.6.0 (numpy's default_rng), each
 * system from a fresh generator, so that the same samples are drawn for all.
 * Memory is a few megabytes whatever the number of resamples, and results do
 * not depend on the number of threads.
 */

#include <stddef.h>
#include <stdint.h>

struct da_rows {
    const double *v; /* [n][stride]; a row begins with the k columns that count */
    size_t n, k, stride;
};

enum { DA_ROWS_MAX_COLUMNS = 64 };

/* The score of summed columns [k]; NaN when undefined. Called from several threads. */
typedef double (*da_row_score)(const void *ctx, const double *sum);

/* sacrebleu's default seed. */
enum { DA_RESAMPLE_SEED = 12345 };

/* scores[b] for b < n_resamples: each over n rows drawn with replacement. */
void da_bootstrap(const struct da_rows *rows, da_row_score score, const void *ctx,
                  size_t n_resamples, uint64_t seed, unsigned n_threads, double *scores);

/* The same for several systems at once, drawn once: scores[s][b]. Rows of one sample have the
 * same number in all systems. */
void da_bootstrap_many(const struct da_rows *rows, size_t n_systems, da_row_score score,
                       const void *ctx, size_t n_resamples, uint64_t seed, unsigned n_threads,
                       double *const *scores);

/* Approximate randomization: scores of the two halves of each trial, rows of a and b swapped
 * by a coin. a and b have the same shape; row i of both belongs to one sample. */
void da_randomize(const struct da_rows *a, const struct da_rows *b, da_row_score score,
                  const void *ctx, size_t n_trials, uint64_t seed, unsigned n_threads,
                  double *scores_a, double *scores_b);

struct da_interval {
    double low, high; /* the 95 % of resampled scores in the middle */
    double half;      /* half of their distance: the tool's "ci" */
    double mean;      /* of the resampled scores, correctly rounded */
};

/* Sorts scores. All NaN when a score is. n >= 1. */
void da_interval_of(double *scores, size_t n, struct da_interval *ret);

/*
 * The tool's p values, under its rules: strictly greater differences count, so
 * a system against itself gets 1 / (n + 1), and the bootstrap test centres the
 * absolute differences. diff: the observed difference, any sign.
 */
double da_paired_bs_p(const double *a, const double *b, size_t n, double diff);
double da_paired_ar_p(const double *a, const double *b, size_t n, double diff);

/* Two-sided, differences at least as great as the observed one count: 1 for equal outputs. */
double da_two_sided_p(const double *a, const double *b, size_t n, double diff);

/* Exact McNemar test: only_a and only_b samples that one of the systems alone got right. */
double da_mcnemar_p(uint64_t only_a, uint64_t only_b);

/* Holm's correction in place; NaN entries are no tests and stay. */
void da_holm(double *p, size_t n);

/* Wilson's 95 % interval of k successes in n trials; n >= 1. */
void da_wilson(uint64_t k, uint64_t n, double *low, double *high);

#endif
