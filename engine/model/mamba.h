#ifndef ENGINE_MODEL_MAMBA_H
#define ENGINE_MODEL_MAMBA_H

/*
 * Mamba (arXiv 2312.00752): no attention; a sequence's past is a state of fixed
 * size. Per layer: norm -> in (x and gate z) -> causal convolution, SiLU -> step
 * width, B, C from x -> recurrence -> gate -> out (added to the stream).
 *
 * A state is that of the newest position alone: a fork or a cut at an earlier one
 * computes the sequence anew from its tokens (session.c).
 */

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "engine/model/model.h"

struct da_loader;
struct da_session;

enum { DA_MAMBA_MAX_STATE = 256, DA_MAMBA_MAX_CONV = 16 };

struct da_mamba_layer {
    struct da_norm_weight norm;
    struct da_weight in, x, dt, out;
    float *conv_w; /* [n_conv][inner], the newest position last */
    float *conv_b; /* [inner] */
    float *a;      /* [inner][state padded] */
    float *d;      /* [inner] */
};

struct da_mamba {
    uint32_t inner, n_conv, state, rank;
    uint32_t inner16, state16; /* padded to whole vectors */
    struct da_mamba_layer *layers;
};

enum da_rc da_mamba_load(struct da_loader *ld);
void da_mamba_free(struct da_mamba *m); /* NULL allowed */

/* Floats of a sequence's state; zeros are that of an empty sequence. */
size_t da_mamba_state_floats(const struct da_model *m);
/* A layer of the step at hand; called by every worker. */
void da_mamba_layer_step(struct da_session *s, uint32_t layer);

#endif
