#ifndef EVAL_GEVAL_H
#define EVAL_GEVAL_H

/*
 * The arithmetic of G-Eval (Liu et al., 2023): a judge's replies and token
 * probabilities into scores 1..5. No network here; see judge.h.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/json.h"
#include "common/span.h"

enum { DA_GEVAL_LOWEST = 1, DA_GEVAL_HIGHEST = 5 };

/* The number at the beginning of a reply, at most one space before it (the rule of the original's
 * script): digits and full stops that together are a number. False when there is none. */
bool da_geval_parse(struct da_span reply, double *score);

struct da_geval_token {
    struct da_span token;
    double logprob;
};

/*
 * Expected score: the tokens that are a whole number 1..5 and nothing else, their probabilities
 * made to sum to 1. mass: what they summed to. NaN when there is none.
 */
double da_geval_expected(const struct da_geval_token *top, size_t n, double *mass);

/* The same from choices[0].logprobs.content of a reply: of its first token that has such a
 * number among its candidates. */
double da_geval_expected_json(const struct da_json *content, double *mass);

/* deepeval's rule, for comparison: candidates below 1 % dropped, any decimal number counts. */
double da_geval_deepeval(const struct da_geval_token *top, size_t n);

#endif
