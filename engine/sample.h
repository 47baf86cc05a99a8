#ifndef ENGINE_SAMPLE_H
#define ENGINE_SAMPLE_H

/* From logits to a token, and to log-probabilities. */

#include <stdint.h>

#include "engine/engine.h"

/* Room for one choice among n logits; owned by the caller. */
struct da_sampler {
    struct da_logprob *order; /* [n] */
    uint32_t n;
};
void da_sampler_init(struct da_sampler *s, uint32_t n_vocab);
void da_sampler_release(struct da_sampler *s);

/* The key of a request's draws. */
uint64_t da_sample_key(uint64_t seed, struct da_span id);

/*
 * For temperatures above 0 (at 0 the best is taken: da_session_top). One draw from
 * softmax(logits / temperature), cut to the top_k most likely and then to the smallest set that
 * holds top_p; equal logits order by id. The draw is a function of key and position alone.
 */
int32_t da_sample(struct da_sampler *s, const float *logits, const struct da_sampling *p,
                  uint64_t key, uint64_t position);

/* Writes the token's own log-probability to out[0] and the n_top best to out[1..]; lse is
 * log(sum(exp)) of the logits. */
void da_sample_logprobs(struct da_sampler *s, const float *logits, double lse, int32_t id,
                        uint32_t n_top, struct da_logprob *out);

#endif
