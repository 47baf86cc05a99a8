#ifndef ENGINE_MODEL_FAMILY_H
#define ENGINE_MODEL_FAMILY_H

/*
 * What sets one decoder family apart from another (DESIGN.md 5.7): a row of a
 * table, read by the loader and the one forward pass. To add a family, add its
 * row here, its golden test, and its line in docs/models.md.
 */

#include <stdbool.h>

#include "common/err.h"

struct da_gguf;

enum da_norm { DA_NORM_RMS, DA_NORM_LAYER };

enum da_positions {
    DA_POS_LEARNED,   /* position_embd.weight is added to the embedding */
    DA_POS_ALIBI,     /* slopes on the scores */
    DA_POS_ROPE_PAIR, /* rotates (2i, 2i + 1) */
    DA_POS_ROPE_HALF  /* rotates (i, i + n/2) */
};

enum da_mlp {
    DA_MLP_SWIGLU,   /* down(silu(gate) * up) */
    DA_MLP_GEGLU,    /* down(gelu_tanh(gate) * up) */
    DA_MLP_GELU_ERF, /* down(gelu(up)), exact */
    DA_MLP_GELU_TANH
};

struct da_family {
    const char *name; /* "slimlm" */
    const char *arch; /* general.architecture */
    enum da_norm norm;
    enum da_positions positions;
    enum da_mlp mlp;
    bool fused_qkv;     /* attn_qkv instead of attn_q, attn_k, attn_v */
    bool fused_gate;    /* ffn_up holds the gate's rows, then its own */
    bool biases;        /* every matrix of a block may have one */
    bool biases_needed; /* and must, the norms too */
    bool qkv_biases;    /* only these three may */
    bool parallel;      /* attention and MLP read the same input and are added together */
    bool qk_norm;       /* RMS norm of each query and key head */
    bool post_norms;    /* norms after attention and MLP, before the residual */
    bool embd_norm;     /* norm after the embedding */
    bool embd_scale;    /* embedding times sqrt(dim) */
};

/* The row that fits the file's architecture and tensors; DA_EUNSUPPORTED names what there is. */
enum da_rc da_family_find(const struct da_family **ret, const struct da_gguf *g,
                          struct da_err *err);
/* The row called name, or NULL. */
const struct da_family *da_family_named(const char *name);

#endif
