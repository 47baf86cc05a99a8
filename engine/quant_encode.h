#ifndef ENGINE_QUANT_ENCODE_H
#define ENGINE_QUANT_ENCODE_H

/* What the encoders of quant_encode.c and quant_k.c share; private to engine. */

#include "engine/quant.h"

/* Scales are stored as halves: d clamped to their range and rounded. */
float da_quant_round_scale(float d);

/*
 * x ~ scale * q - min with q in 0..q_max: the best found, over a grid of scales each
 * refitted to its codes by least squares. n: at most DA_QGROUP. any_min: min may be
 * negative, too.
 */
struct da_quant_affine {
    float scale, min;
};
struct da_quant_affine da_quant_fit_affine(const float *x, int n, int q_max, bool any_min);

/* Codes 0..q_max nearest to (x + min) / scale, and the squared error that they leave. */
float da_quant_codes_affine(const float *x, int n, int q_max, float scale, float min, uint8_t *q);

/* A super-block of DA_QSUPER finite values into a block of the type. */
void da_quant_q4_k(const float *x, unsigned char *dst);
void da_quant_q5_k(const float *x, unsigned char *dst);
void da_quant_q6_k(const float *x, unsigned char *dst);

#endif
