#ifndef ENGINE_MODEL_MODEL_H
#define ENGINE_MODEL_MODEL_H

/* A loaded decoder: hyperparameters, checked tensors, weights as panels. engine.h is its door. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "engine/engine.h"
#include "engine/gguf.h"
#include "engine/kernels/kernels.h"
#include "engine/model/family.h"

enum {
    DA_MODEL_MAX_LAYERS = 512,
    DA_MODEL_MAX_DIM = 1 << 16,
    DA_MODEL_MAX_HEADS = 1024,
    DA_MODEL_MAX_HEAD_DIM = 1024,
    DA_MODEL_MAX_VOCAB = 1 << 21,
    DA_MODEL_MAX_CTX = 1 << 22
};

struct da_hparams {
    uint32_t n_layers, dim, n_heads, n_kv_heads, head_dim, ff_dim, n_vocab, n_ctx;
    uint32_t n_rot;        /* rotated values of a head; 0 without rope */
    uint32_t window;       /* keys a position sees in windowed layers; 0: all */
    uint32_t window_every; /* layer l is windowed unless (l + 1) % window_every == 0; 0: all are */
    float norm_eps;
    float rope_base, rope_scale; /* position / rope_scale */
    float attn_scale;            /* of scores, usually 1 / sqrt(head_dim) */
    float attn_softcap, logit_softcap;
    float alibi_max; /* 0: no ALiBi */
    float embd_scale;
    float clamp_qkv; /* 0: none */
};

/* Matrix [n_rows][n_cols] with an optional bias, padded with zeros to whole panels. */
struct da_weight {
    struct da_panels p;
    float *bias; /* NULL: none; in the model's float block */
};

struct da_norm_weight {
    float *w, *b; /* padded with zeros; b may be NULL; w NULL: this norm is absent */
};

struct da_layer {
    struct da_norm_weight norm1, norm2, post1, post2, q_norm, k_norm;
    struct da_weight qkv[3]; /* q, k, v; or one fused in [0] */
    uint32_t n_qkv;
    struct da_weight wo, gate, up, down; /* gate.p.n_rows 0: none */
};

struct da_model {
    struct da_gguf *gguf; /* owned */
    const struct da_family *family;
    const struct da_kernels *kernels;
    struct da_hparams hp;
    struct da_layer *layers; /* [n_layers] */
    struct da_norm_weight embd_norm, out_norm;
    struct da_weight head;
    const struct da_gguf_tensor *embd, *pos_embd; /* rows are decoded when needed */
    float *rope_factors;                          /* [n_rot / 2] divisors of frequencies, or NULL */
    float *alibi_slopes;                          /* [n_heads], or NULL */
    bool quantized;                               /* most block weights have 8 bits or fewer */
    unsigned char *panel_block;                   /* owned: all panels */
    float **floats;                               /* owned: norms and biases */
    size_t n_floats, cap_floats;
    struct da_model_facts facts;
    char *name; /* owned: general.name */
};

#endif
