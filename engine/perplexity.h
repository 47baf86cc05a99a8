#ifndef ENGINE_PERPLEXITY_H
#define ENGINE_PERPLEXITY_H

/*
 * How well a model predicts a text, and how far it is from another model.
 *
 * The tokens are cut into windows that do not overlap, none of which has tokens
 * of two texts. Every token of a window but its first is scored given those
 * before it in the window; with bos set, a window begins with that token and the
 * text's tokens in it are all scored.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "engine/engine.h"

struct da_ppl_opts {
    unsigned n_threads; /* 0: all processors */
    enum da_kv_type kv; /* of the model; the base has its own default */
    uint32_t window; /* tokens, with bos; at least 2; 0: the model's context */
    int32_t bos;     /* -1: none */
    const size_t *ends; /* where each text but the last ends, ascending; NULL: one text */
    size_t n_ends;
};

struct da_ppl {
    uint64_t n_scored, n_texts; /* tokens; texts that have tokens */
    uint32_t window;
    double nll;        /* mean, natural logarithm: perplexity is exp of it */
    double nll_stderr; /* of that mean, tokens taken as independent */
    /* With a base model: */
    double base_nll;
    double kl;       /* mean KL(base || model) over the vocabulary, in nats */
    double kl_max;   /* of one position */
    double same_top; /* share of positions where both have the same best token */
};

/* base may be NULL; else it has the same vocabulary. DA_EFORMAT when nothing can be scored. */
enum da_rc da_perplexity(const struct da_model *m, const struct da_model *base, const int32_t *ids,
                         size_t n, const struct da_ppl_opts *opts, struct da_ppl *ret,
                         struct da_err *err);

#endif
