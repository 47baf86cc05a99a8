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
    uint32_t n_layers, dim, n_vocab, n_ctx, head_dim;
    uint32_t n_heads, n_kv_heads, ff_dim; /* the most of any layer */
    uint32_t embd_dim;                    /* of the embedding; dim unless it is projected */
    uint32_t n_blocks;                    /* of the file; a block may be computed several times */
    bool shared_mlp;                      /* all layers have the MLP of block 0 */
    bool parallel;
    enum da_mlp mlp;
    uint32_t n_rot; /* rotated values of a head; 0 without rope */
    float norm_eps;
    float attn_scale; /* of scores, usually 1 / sqrt(head_dim) */
    float attn_softcap, logit_softcap;
    float alibi_max; /* 0: no ALiBi */
    float embd_scale, residual_scale;
    float logit_scale; /* logits are divided by it */
    float clamp_qkv;   /* 0: none */
};

/* How positions become angles: a table of cosines and sines follows from it (rope.h). */
enum da_rope_scaling { DA_ROPE_PLAIN, DA_ROPE_YARN, DA_ROPE_LONG };

struct da_rope {
    float base, factor;     /* position / factor */
    const float *divisors;  /* [n_rot / 2] of frequencies, or NULL */
    const float *long_ones; /* likewise beyond old_ctx (long rope), or NULL */
    enum da_rope_scaling scaling;
    uint32_t old_ctx;  /* context before scaling */
    float attn_factor; /* of cosines and sines */
    float beta_fast, beta_slow;
    uint32_t levels; /* values are rounded to multiples of 1 / levels; 0: not */
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
    uint32_t n_heads, n_kv_heads, ff_dim;
    uint32_t k_off, v_off; /* of keys and values in a row of q, k, v */
    uint32_t window;       /* keys a position sees; 0: all */
    unsigned rope;         /* which of the model's */
    /* before attention and MLP; before the residual is added; of the stream after that */
    struct da_norm_weight norm1, norm2, post1, post2, after1, after2;
    struct da_norm_weight q_norm, k_norm;
    struct da_weight qkv[3]; /* q, k, v; or one fused in [0] */
    uint32_t n_qkv;
    struct da_weight wo, gate, up, down; /* gate.p.n_rows 0: none */
};

struct da_mamba;
struct da_t5;

struct da_model {
    struct da_gguf *gguf; /* owned */
    const struct da_family *family;
    const struct da_kernels *kernels;
    struct da_hparams hp;
    struct da_layer *layers; /* [n_layers] */
    struct da_norm_weight embd_norm, out_norm;
    struct da_weight head;
    struct da_weight embd_in, embd_out;           /* from embd_dim to dim and back, or no rows */
    const struct da_gguf_tensor *embd, *pos_embd; /* rows are decoded when needed */
    struct da_rope rope[2];                       /* of layers without and with a window */
    float *alibi_slopes;                          /* [n_heads], or NULL */
    struct da_mamba *mamba;                       /* owned: of that pass, or NULL */
    struct da_t5 *t5;                             /* likewise */
    bool quantized;                               /* most block weights have 8 bits or fewer */
    unsigned char *panel_block;                   /* owned: all panels */
    float **floats;                               /* owned: norms and biases */
    size_t n_floats, cap_floats;
    struct da_model_facts facts;
    char *name; /* owned: general.name */
};

#endif
