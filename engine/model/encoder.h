#ifndef ENGINE_MODEL_ENCODER_H
#define ENGINE_MODEL_ENCODER_H

/* A loaded encoder and its forward pass. Private to the engine; embedder.h is its door. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "engine/embedder.h"
#include "engine/gguf.h"
#include "engine/kernels/kernels.h"
#include "engine/model/model.h"
#include "engine/pool.h"

/* Keys beside llama.cpp's: what sentence-transformers' folders say and GGUF has no name for. */
#define DA_KEY_EMBED_MAX_TOKENS "docassist.embedding.max_tokens"
#define DA_KEY_EMBED_NORMALIZE "docassist.embedding.normalize"
/* llama.cpp's numbers of ARCH.pooling_type. */
enum { DA_GGUF_POOL_MEAN = 1, DA_GGUF_POOL_CLS = 2 };

/* What sets one family of encoders apart. Both norm after the residual, use the exact GELU, learned
 * positions and biases everywhere. */
struct da_encoder_family {
    const char *name;
    const char *arch; /* general.architecture */
    bool token_types; /* row 0 of token_types.weight, if there, is added to every embedding */
    bool relative;    /* attn_rel_b.weight is added to scores, by distance */
};
const struct da_encoder_family *da_encoder_family_named(const char *name); /* or NULL */

struct da_encoder_layer {
    struct da_weight qkv[3], wo, up, down;
    struct da_norm_weight norm1, norm2; /* after attention, after the MLP */
};

struct da_encoder {
    struct da_gguf *gguf; /* owned */
    const struct da_encoder_family *family;
    const struct da_kernels *kernels;
    uint32_t n_layers, dim, n_heads, head_dim, ff_dim, n_vocab, n_ctx;
    float norm_eps, attn_scale;
    enum da_pooling pooling;
    bool normalize;
    uint32_t max_tokens;
    struct da_encoder_layer *layers; /* [n_layers] */
    struct da_norm_weight embd_norm;
    const struct da_gguf_tensor *embd, *pos_embd; /* rows are decoded when needed */
    float *type_row;                              /* [dim] or NULL */
    float *distance_bias; /* [n_heads][2 * n_ctx - 1], key minus query + n_ctx - 1; or NULL */
    void **blocks;        /* owned: all of the above that is memory */
    size_t n_blocks, cap_blocks;
    uint64_t weight_bytes, n_params;
    const char *quant;
    char *name; /* owned: general.name */
};

enum da_rc da_encoder_open(struct da_encoder **ret, const char *path, const char *cpu,
                           unsigned n_threads, struct da_err *err);
void da_encoder_close(struct da_encoder *e); /* NULL allowed */

/* Some texts as rows of ids, one text after another, and the memory to compute them in. */
struct da_encode;
/* n_rows: rows of one pass at most, at least the longest text's. */
enum da_rc da_encode_new(struct da_encode **ret, const struct da_encoder *e, struct da_pool *pool,
                         uint32_t n_rows, uint32_t longest, struct da_err *err);
void da_encode_free(struct da_encode *w); /* NULL allowed */

struct da_encode_text {
    uint32_t first, n; /* rows; n at least 1 */
    float *out;        /* [dim]: the pooled embedding */
};
/* ids: [n_rows], inside the vocabulary. texts cover them in order. */
void da_encode_run(struct da_encode *w, const int32_t *ids, uint32_t n_rows,
                   const struct da_encode_text *texts, uint32_t n_texts);

#endif
