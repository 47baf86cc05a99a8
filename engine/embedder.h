#ifndef ENGINE_EMBEDDER_H
#define ENGINE_EMBEDDER_H

/*
 * Sentence embeddings: BERT-family encoders (BERT and MiniLM, BGE, GTE, RoBERTa,
 * MPNet) from a GGUF file that `model import` or llama.cpp made.
 *
 *     struct da_embedder *e;
 *     rc = da_embedder_open(&e, path, NULL, &err);
 *     float *out = da_malloc(n * da_embedder_dim(e) * sizeof *out);
 *     rc = da_embed(e, texts, n, out, &err);
 *     double c = da_cosine(out, out + da_embedder_dim(e), da_embedder_dim(e));
 *
 * What a text gets depends on the model and the text alone: not on threads,
 * neighbours, batch or CPU (DESIGN.md 5.10). A text longer than the model's limit
 * is cut as sentence-transformers cuts it: the first tokens stay, the closing
 * token too.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/span.h"

struct da_embedder;
struct da_gguf;

struct da_embedder_opts {
    const char *cpu;     /* "ref", "avx2", ...: force a kernel variant; NULL: the best */
    unsigned n_threads;  /* 0: all processors */
    uint32_t max_tokens; /* of a text, special ones included; 0: as the model says */
    uint32_t batch;      /* tokens computed together, about; 0: DA_EMBED_BATCH */
};

enum { DA_EMBED_BATCH = 1024, DA_EMBED_MAX_BATCH = 1 << 16 };

enum da_pooling { DA_POOL_MEAN, DA_POOL_CLS };

struct da_embedder_facts {
    const char *arch;    /* general.architecture: "bert" */
    const char *family;  /* "bert", "mpnet" */
    const char *name;    /* general.name, or "" */
    const char *quant;   /* type of most block weights: "f16" */
    const char *cpu;     /* kernel variant in use */
    const char *pooling; /* "mean", "cls" */
    bool normalize;      /* embeddings have length 1 */
    uint32_t n_layers, dim, n_heads, head_dim, ff_dim, n_vocab;
    uint32_t n_ctx;      /* positions the model has */
    uint32_t max_tokens; /* a text is cut to; special tokens included */
    uint64_t n_params, file_bytes, weight_bytes;
};

/* opts may be NULL. DA_EUNSUPPORTED for a model that is no encoder. */
enum da_rc da_embedder_open(struct da_embedder **ret, const char *path,
                            const struct da_embedder_opts *opts, struct da_err *err);
void da_embedder_close(struct da_embedder *e); /* NULL allowed */

uint32_t da_embedder_dim(const struct da_embedder *e);
const struct da_embedder_facts *da_embedder_facts(const struct da_embedder *e);
const struct da_gguf *da_embedder_gguf(const struct da_embedder *e); /* lives as long as e */
/* Whether the file holds an encoder, by its architecture. */
bool da_gguf_is_encoder(const struct da_gguf *g);

/* out: [n][dim] f32. Texts are valid UTF-8; an empty one is a text of special tokens only. One call
 * at a time for an embedder. On failure the content of out is undefined. */
enum da_rc da_embed(struct da_embedder *e, const struct da_span *texts, size_t n, float *out,
                    struct da_err *err);
/* Texts so far that were longer than max_tokens, and all tokens so far, after cutting. */
uint64_t da_embedder_n_cut(const struct da_embedder *e);
uint64_t da_embedder_n_tokens(const struct da_embedder *e);

/* Cosine of two vectors, as sentence-transformers' cos_sim: a length below 1e-12 counts as 1e-12.
 * 0 when either has a value that is not finite. */
double da_cosine(const float *a, const float *b, uint32_t n);

#endif
