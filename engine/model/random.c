/* Random models. Every value is a hash of (seed, tensor, row, column), so order does not matter. */
#include "engine/model/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"
#include "engine/tokenizer/textmap.h"
#include "engine/tokenizer/vocab.h"

#define SHAPE_LLAMA(n, L, D, H, KV, F, V, C)                                                       \
    {                                                                                              \
        .family = "llama", .name = (n), .n_layers = (L), .dim = (D), .n_heads = (H),               \
        .n_kv_heads = (KV), .head_dim = (D) / (H), .ff_dim = (F), .n_vocab = (V), .n_ctx = (C),    \
        .n_rot = (D) / (H), .norm_eps = 1e-5, .rope_base = 10000.0                                 \
    }
#define SHAPE_SLIMLM(n, L, D, H, F, V, C)                                                          \
    {                                                                                              \
        .family = "slimlm", .name = (n), .n_layers = (L), .dim = (D), .n_heads = (H),              \
        .n_kv_heads = (H), .head_dim = (D) / (H), .ff_dim = (F), .n_vocab = (V), .n_ctx = (C),     \
        .norm_eps = 1e-5                                                                           \
    }

static const struct {
    const char *name;
    struct da_build_shape shape;
} SHAPES[] = {
    {"tiny", SHAPE_SLIMLM("SlimLM tiny (random weights)", 2, 64, 2, 128, 512, 2048)},
    {"tiny-llama", SHAPE_LLAMA("Llama tiny (random weights)", 2, 96, 3, 1, 192, 512, 2048)},
    {"slimlm-125m", SHAPE_SLIMLM("SlimLM-125M (random weights)", 12, 768, 12, 3072, 50368, 2048)},
    {"smollm-135m", SHAPE_LLAMA("SmolLM-135M (random weights)", 30, 576, 9, 3, 1536, 49152, 2048)},
    {"qwen2-0.5b",
     {.family = "qwen2",
      .name = "Qwen2-0.5B (random weights)",
      .n_layers = 24,
      .dim = 896,
      .n_heads = 14,
      .n_kv_heads = 2,
      .head_dim = 64,
      .ff_dim = 4864,
      .n_vocab = 151936,
      .n_ctx = 32768,
      .n_rot = 64,
      .norm_eps = 1e-6,
      .rope_base = 1e6}},
};

const struct da_build_shape *da_random_shape(const char *name)
{
    for (size_t i = 0; i < DA_ARRAY_LEN(SHAPES); i++)
        if (strcmp(SHAPES[i].name, name) == 0)
            return &SHAPES[i].shape;
    return NULL;
}

const struct da_build_shape *da_random_shape_at(unsigned i)
{
    return i < DA_ARRAY_LEN(SHAPES) ? &SHAPES[i].shape : NULL;
}

const char *da_random_shape_name(unsigned i)
{
    return i < DA_ARRAY_LEN(SHAPES) ? SHAPES[i].name : NULL;
}

/* --- vocabulary -------------------------------------------------------------------- */

/* The first tokens of o200k_base are a vocabulary of their own, since a token's merge comes before
 * it: as large as the shape has room for, so that texts have the length they would really have. */
static enum da_rc own_vocab(struct da_vocab **ret, uint32_t n_vocab, struct da_err *err)
{
    enum { N_BYTES = 256, N_RANKS = 199998, N_CONTROL = 2 };
    static const char *const control[N_CONTROL] = {"<|endoftext|>", "<|padding|>"};
    struct da_vocab *v;
    enum da_rc rc;
    if (n_vocab < N_BYTES + N_CONTROL)
        return da_fail(err, DA_ELIMIT, "a vocabulary of %u has no room for the bytes",
                       (unsigned)n_vocab);
    if ((rc = da_vocab_builtin(&v, "o200k_base", err)))
        return rc;
    v->name[0] = 0;
    v->n = n_vocab - N_CONTROL < N_RANKS ? n_vocab - N_CONTROL : N_RANKS;
    v->n_merges = v->n - N_BYTES;
    v->special[DA_TOK_EOS] = v->special[DA_TOK_BOS] = (int32_t)v->n;
    v->special[DA_TOK_PAD] = (int32_t)v->n + 1;
    for (int i = 0; i < N_CONTROL && !rc; i++)
        rc = da_vocab_add(v, da_span_str(control[i]), 0.0f, DA_TOKEN_CONTROL, 0, err);
    if (rc)
        da_vocab_free(v);
    else
        *ret = v;
    return rc;
}

/* --- weights ------------------------------------------------------------------------- */

struct random_ctx {
    uint64_t seed;
    float std;
};

static float unit(uint64_t h)
{
    /* sum of four 16-bit uniforms: near enough to normal, same bits everywhere */
    uint32_t s = (uint32_t)(h & 0xffff) + (uint32_t)(h >> 16 & 0xffff) +
                 (uint32_t)(h >> 32 & 0xffff) + (uint32_t)(h >> 48);
    return ((float)s - 131070.0f) * (1.0f / 37837.0f); /* variance 1 */
}

static void random_row(void *ctx, const struct da_build_tensor *t, uint32_t row, float *out)
{
    const struct random_ctx *c = ctx;
    const uint64_t key = da_mix64(c->seed ^ da_hash64(t->name, strlen(t->name), 0)) + row;
    const size_t len = strlen(t->name);
    const bool norm = strstr(t->name, "norm") != NULL;
    const bool bias = len > 5 && strcmp(t->name + len - 5, ".bias") == 0;
    uint64_t h = da_mix64(key);
    for (uint32_t i = 0; i < t->n_cols; i++) {
        float v = unit(h = da_mix64(h));
        out[i] = norm && !bias ? 1.0f + 0.02f * v : c->std * v;
    }
}

struct list {
    struct da_build_tensor *p;
    size_t n, cap;
};

static void add(struct list *l, int layer, const char *name, uint32_t n_cols, uint32_t n_rows)
{
    struct da_build_tensor t = {.n_cols = n_cols, .n_rows = n_rows ? n_rows : 1};
    if (layer < 0)
        snprintf(t.name, sizeof t.name, "%s", name);
    else
        snprintf(t.name, sizeof t.name, "blk.%d.%s", layer, name);
    t.vector = n_rows == 0;
    DA_GROW(l->p, l->n, l->cap);
    l->p[l->n++] = t;
}

static void add_layer(struct list *l, int i, const struct da_build_shape *s,
                      const struct da_family *f)
{
    const uint32_t q = s->n_heads * s->head_dim, kv = s->n_kv_heads * s->head_dim;
    const bool slimlm = f->norm == DA_NORM_LAYER;
    add(l, i, "attn_norm.weight", s->dim, 0);
    if (f->fused_qkv) {
        add(l, i, "attn_qkv.weight", s->dim, q + 2 * kv);
    } else {
        add(l, i, "attn_q.weight", s->dim, q);
        add(l, i, "attn_k.weight", s->dim, kv);
        add(l, i, "attn_v.weight", s->dim, kv);
    }
    add(l, i, "attn_output.weight", q, s->dim);
    add(l, i, "ffn_norm.weight", s->dim, 0);
    if (!slimlm)
        add(l, i, "ffn_gate.weight", s->dim, s->ff_dim);
    add(l, i, "ffn_up.weight", s->dim, s->ff_dim);
    add(l, i, "ffn_down.weight", s->ff_dim, s->dim);
    if (f->qkv_biases) {
        add(l, i, "attn_q.bias", q, 0);
        add(l, i, "attn_k.bias", kv, 0);
        add(l, i, "attn_v.bias", kv, 0);
    }
    if (slimlm) {
        add(l, i, "attn_norm.bias", s->dim, 0);
        add(l, i, "attn_qkv.bias", q + 2 * kv, 0);
        add(l, i, "attn_output.bias", s->dim, 0);
        add(l, i, "ffn_norm.bias", s->dim, 0);
        add(l, i, "ffn_up.bias", s->ff_dim, 0);
        add(l, i, "ffn_down.bias", s->dim, 0);
    }
}

enum da_rc da_random_write(const char *path, const struct da_build_shape *shape,
                           const struct da_vocab *v, uint64_t seed, enum da_qtype type,
                           unsigned n_threads, struct da_err *err)
{
    const struct da_family *f = da_family_named(shape->family);
    struct random_ctx ctx = {seed, 0.02f * sqrtf(768.0f / (float)shape->dim)};
    struct list l = {0};
    struct da_vocab *own = NULL;
    enum da_rc rc = v ? DA_OK : own_vocab(&own, shape->n_vocab, err);
    if (rc)
        return rc;
    add(&l, -1, "token_embd.weight", shape->dim, shape->n_vocab);
    if (f->positions == DA_POS_LEARNED)
        add(&l, -1, "position_embd.weight", shape->dim, shape->n_ctx);
    for (uint32_t i = 0; i < shape->n_layers; i++)
        add_layer(&l, (int)i, shape, f);
    add(&l, -1, "output_norm.weight", shape->dim, 0);
    if (f->norm == DA_NORM_LAYER)
        add(&l, -1, "output_norm.bias", shape->dim, 0);
    da_build_types(l.p, l.n, type, f->arch, NULL);
    rc = da_build_write(path, shape, v ? v : own, type, l.p, l.n, random_row, &ctx, n_threads, err);
    free(l.p);
    da_vocab_free(own);
    return rc;
}
