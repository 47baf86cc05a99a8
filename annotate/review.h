#ifndef ANNOTATE_REVIEW_H
#define ANNOTATE_REVIEW_H

/*
 * A sheet for people to judge a sample of examples, and how far they agree.
 *
 * The sheet is CSV with the columns id, split, task, document, request, response
 * and, to be filled in, faithful (yes or no: nothing but what the document says),
 * helpful (1 to 5) and comment. Each reviewer fills a copy; rows may be left
 * empty. Agreement is Krippendorff's alpha (K. Krippendorff, "Computing
 * Krippendorff's Alpha-Reliability", 2011), nominal for faithful and interval for
 * helpful: 1 is perfect, 0 what chance gives.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "schemas/example.h"

enum { DA_REVIEW_MAX_SAMPLE = 100000, DA_REVIEW_MAX_REVIEWERS = 64 };

struct da_review;

/* Keeps the n examples whose ids hash lowest under the seed, whatever the order of the input. */
struct da_review *da_review_new(size_t n, uint64_t seed);
void da_review_free(struct da_review *r); /* NULL allowed */
void da_review_offer(struct da_review *r, const struct da_example *e);
/* Appends the sheet, by hash. */
void da_review_write(const struct da_review *r, struct da_buf *out);

enum da_review_question { DA_REVIEW_FAITHFUL, DA_REVIEW_HELPFUL, DA_REVIEW_N_QUESTIONS };

struct da_review_figures {
    size_t n_rated;   /* examples with a rating */
    size_t n_shared;  /* examples with two ratings or more */
    double mean;      /* of all ratings; faithful: share of yes. NaN without any */
    double agreement; /* share of equal pairs of ratings of one example; NaN without any */
    double alpha;     /* NaN when the ratings do not vary, or no example has two */
};

struct da_review_report {
    size_t n_reviewers;
    /* by task, then all of them */
    struct da_review_figures figures[DA_N_TASKS + 1][DA_REVIEW_N_QUESTIONS];
};

/* Reads filled sheets, one a reviewer; errors name file, row and column. */
enum da_rc da_review_read(const char *const *paths, size_t n, struct da_review_report *ret,
                          struct da_err *err);

/* values: [n_units][n_raters], NaN where missing. interval: squared distance, else equality. */
double da_krippendorff(const double *values, size_t n_units, size_t n_raters, int interval);

#endif
