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
    DA_POS_NONE,      /* the pass has its own */
    DA_POS_LEARNED,   /* position_embd.weight is added to the embedding */
    DA_POS_ALIBI,     /* slopes on the scores */
    DA_POS_ROPE_PAIR, /* rotates (2i, 2i + 1) */
    DA_POS_ROPE_HALF  /* rotates (i, i + n/2) */
};

enum da_mlp {
    DA_MLP_SWIGLU,   /* down(silu(gate) * up) */
    DA_MLP_GEGLU,    /* down(gelu_tanh(gate) * up) */
    DA_MLP_REGLU,    /* down(max(gate, 0) * up) */
    DA_MLP_GELU_ERF, /* down(gelu(up)), exact */
    DA_MLP_GELU_TANH,
    DA_MLP_RELU /* down(max(up, 0)) */
};

/* Which forward pass reads the row. */
enum da_pass { DA_PASS_DECODER, DA_PASS_MAMBA, DA_PASS_T5 };

/* Norms of a block: where they stand and which file has them. */
enum da_norm_place {
    DA_NORMS_BEFORE,     /* attention and MLP each read a norm of the stream */
    DA_NORMS_ONE,        /* one norm (two in large Falcons) for both, which are parallel */
    DA_NORMS_SANDWICH,   /* before, and after, before the residual is added */
    DA_NORMS_AFTER,      /* after only, before the residual is added */
    DA_NORMS_ON_RESIDUAL /* after the residual was added: the stream itself is normed */
};

/* Architectures that GGUF lacks are called docassist.NAME, and their keys begin so. */
#define DA_ARCH_OWN "docassist"

struct da_family {
    const char *name; /* "slimlm" */
    const char *arch; /* general.architecture */
    enum da_pass pass;
    enum da_norm norm;
    enum da_norm_place norms;
    enum da_positions positions;
    enum da_mlp mlp;       /* unless the file says otherwise (docassist.activation) */
    unsigned window_every; /* of so many layers the last sees all; 0: all have the window */
    bool window_second;    /* the first of them instead */
    bool window_rope;      /* layers with the window have a rope base of their own */
    bool fused_qkv;        /* written as attn_qkv; either form is read */
    bool fused_gate;       /* ffn_up holds the gate's rows, then its own */
    bool biases;           /* every matrix of a block may have one */
    bool biases_needed;    /* and must, the norms too */
    bool qkv_biases;       /* only these three may */
    bool parallel;         /* attention and MLP read the same input and are added together */
    bool qk_norm;          /* RMS norm of each query and key head */
    bool qk_norm_row;      /* or of all heads as one row */
    bool norm_unit;        /* norms have no weights: they are ones */
    bool embd_norm;        /* norm after the embedding */
    bool embd_scale;       /* embedding times sqrt(dim) */
    bool scores_plain;     /* scores are not divided by sqrt(head_dim) */
    bool alibi_divided;    /* ... and the ALiBi of a score is divided with it */
};

/* The row that fits the file's architecture and tensors; DA_EUNSUPPORTED names what there is. */
enum da_rc da_family_find(const struct da_family **ret, const struct da_gguf *g,
                          struct da_err *err);
/* The row called name, or NULL. */
const struct da_family *da_family_named(const char *name);

#endif
