#ifndef ENGINE_MODEL_BUILD_H
#define ENGINE_MODEL_BUILD_H

/* What import and random models share: a list of tensors whose rows somebody provides as floats,
 * and the GGUF file written from it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "engine/gguf_write.h"
#include "engine/model/family.h"
#include "engine/quant.h"

struct da_vocab;

/* Hyperparameters as files spell them; 0 or NULL leaves an optional key out. */
struct da_build_shape {
    const char *family; /* row of the family table */
    const char *name;   /* general.name */
    uint32_t n_layers, dim, n_heads, n_kv_heads, head_dim, ff_dim, n_vocab, n_ctx;
    /* [n_layers], in place of the three numbers; NULL: all layers are alike */
    const uint32_t *layer_heads, *layer_kv_heads, *layer_ff;
    uint32_t embd_dim;     /* of an embedding that is projected to dim */
    uint32_t block_repeat; /* times each block is computed */
    bool shared_mlp, no_parallel;
    const char *activation; /* docassist.activation */
    uint32_t n_rot;
    uint32_t window, window_every;
    double norm_eps, rope_base, rope_base_window;
    const char *rope_scaling; /* "linear", "yarn", "longrope" */
    double rope_factor, rope_attn_factor, rope_beta_fast, rope_beta_slow;
    uint32_t rope_old_ctx, rope_levels;
    double alibi_max, clamp_qkv;
    double attn_scale, embd_scale, residual_scale, logit_scale;
    double attn_softcap, logit_softcap;
    uint32_t ssm_conv, ssm_inner, ssm_state, ssm_rank;             /* Mamba */
    uint32_t n_dec_layers, rel_buckets, rel_distance, start_token; /* T5 */
};

struct da_build_tensor {
    char name[96]; /* in the GGUF file */
    enum da_qtype type;
    uint32_t n_cols, n_rows;
    bool vector;              /* one dimension */
    const void *src;          /* the provider's */
    const unsigned char *raw; /* all rows, of type already; NULL: da_build_row_fn gives them */
};

/* Writes the n_cols floats of a row; called from several threads. */
typedef void (*da_build_row_fn)(void *ctx, const struct da_build_tensor *t, uint32_t row,
                                float *out);

/*
 * What a file's matrices become. want: F32, F16, BF16, Q8_0, Q4_0: all of them; Q4_K: the mixture
 * that llama.cpp calls Q4_K_M; Q6_K: all, and the output Q8_0 where it must.
 */
struct da_build_fallback {
    enum da_qtype want, got; /* got's blocks fit the rows, want's do not */
    uint32_t n;
};
enum { DA_BUILD_MAX_FALLBACKS = 8 };
struct da_build_fallbacks {
    struct da_build_fallback p[DA_BUILD_MAX_FALLBACKS];
    unsigned n;
};

/* Vectors, norms, positions and what else is small and matters. */
bool da_build_stays_f32(const struct da_build_tensor *t);
/* Sets the types of a file's whole list of tensors; what stays F32 becomes that. arch:
 * general.architecture; fallbacks may be NULL. */
void da_build_types(struct da_build_tensor *tensors, size_t n, enum da_qtype want, const char *arch,
                    struct da_build_fallbacks *fallbacks);

/* Writes the file. v (tokenizer) may be NULL. */
enum da_rc da_build_write(const char *path, const struct da_build_shape *shape,
                          const struct da_vocab *v, enum da_qtype want,
                          const struct da_build_tensor *tensors, size_t n, da_build_row_fn row,
                          void *ctx, unsigned n_threads, struct da_err *err);

/* The parts of it, for files made in another way: one tensor's data, general.file_type's number. */
enum da_rc da_build_data(struct da_gguf_writer *w, const struct da_build_tensor *t,
                         da_build_row_fn row, void *ctx, unsigned n_threads, struct da_err *err);
uint32_t da_build_file_type(enum da_qtype t);

/* tokenizer.ggml.* keys of a vocabulary; n_vocab >= its size pads with unused tokens. */
enum da_rc da_build_vocab(struct da_gguf_writer *w, const struct da_vocab *v, uint32_t n_vocab,
                          struct da_err *err);

#endif
