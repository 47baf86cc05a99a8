#ifndef ENGINE_MODEL_HEAD_H
#define ENGINE_MODEL_HEAD_H

/*
 * The output head. The vocabulary is cut into blocks of DA_HEAD_BLOCK tokens; whoever computes a
 * block's logits for some rows also reduces them while they are in the first cache: largest value,
 * its index and, where wanted, the sum of exponentials. Rows that only want the log-probability of
 * one token never have their logits written anywhere.
 *
 * Blocks are absolute and their parts are joined in order, so what comes out does not depend on
 * threads or on what else is in the step. Private to the engine.
 */

#include <stdbool.h>
#include <stdint.h>

#include "engine/kernels/kernels.h"

struct da_session;

enum { DA_HEAD_BLOCK = 512 };

/* Of one row's logits in one block. */
struct da_head_part {
    double sum; /* of exp(x - top); only where log-probabilities are wanted */
    float top;
    uint32_t at; /* index of top in the vocabulary, the first of equals */
};

static inline uint32_t da_head_blocks(uint32_t n_vocab)
{
    return (n_vocab + DA_HEAD_BLOCK - 1) / DA_HEAD_BLOCK;
}

/* Of block b of a row's logits: x is the block's first. */
struct da_head_part da_head_reduce(const struct da_kernels *k, const float *x, uint32_t b,
                                   uint32_t n_vocab, bool want_sum);
/* Index of the largest (NaN never wins), and log(sum(exp(x))), of n parts in order. */
uint32_t da_head_top(const struct da_head_part *p, uint32_t n);
double da_head_lse(const struct da_head_part *p, uint32_t n);

/* Phases: logits of the rows in logit_rows, log-probabilities of those in score_rows. */
void da_phase_head(struct da_session *s, unsigned worker);

#endif
