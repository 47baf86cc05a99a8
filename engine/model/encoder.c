/*
 * Loading an encoder: keys to sizes, tensors to weights, every shape checked. As
 * in model.c a tensor nobody asked for is an error.
 */
#include "engine/model/encoder.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/maths.h"
#include "common/mem.h"
#include "common/threads.h"
#include "engine/kernels/panels.h"
#include "engine/model/load.h"

enum {
    NAME_MAX_LEN = 128,
    MAX_BUCKETS = 1 << 10,
    MAX_TOKEN_TYPES = 1 << 10,
    MAX_DISTANCE = 128 /* transformers, modeling_mpnet.py: beyond it all distances are one bucket */
};

static const struct da_encoder_family FAMILIES[] = {
    {.name = "bert", .arch = "bert", .token_types = true},
    {.name = "mpnet", .arch = "docassist.mpnet", .relative = true},
};

const struct da_encoder_family *da_encoder_family_named(const char *name)
{
    for (size_t i = 0; i < DA_ARRAY_LEN(FAMILIES); i++)
        if (strcmp(FAMILIES[i].name, name) == 0)
            return &FAMILIES[i];
    return NULL;
}

static const struct da_encoder_family *family_of(const struct da_gguf *g)
{
    struct da_span arch;
    if (da_gguf_get_str(g, "general.architecture", &arch, NULL))
        return NULL;
    for (size_t i = 0; i < DA_ARRAY_LEN(FAMILIES); i++)
        if (da_span_is(arch, FAMILIES[i].arch))
            return &FAMILIES[i];
    return NULL;
}

bool da_gguf_is_encoder(const struct da_gguf *g)
{
    return family_of(g) != NULL;
}

struct pending {
    struct da_panels *p;
    const struct da_gguf_tensor *t;
    unsigned char *data;
};

struct loader {
    struct da_encoder *e;
    const struct da_gguf *g;
    bool *used;           /* [n_tensors] */
    struct pending *list; /* matrices waiting to become panels */
    size_t n, cap;
    float **scratch; /* [workers] one row */
    struct da_err *err;
};

/* --- keys ------------------------------------------------------------------------ */

static const char *key_name(const struct loader *ld, const char *suffix, char buf[NAME_MAX_LEN])
{
    snprintf(buf, NAME_MAX_LEN, "%s.%s", ld->e->family->arch, suffix);
    return buf;
}

static enum da_rc key_uint(struct loader *ld, const char *key, bool needed, uint64_t def,
                           uint64_t min, uint64_t max, uint32_t *out)
{
    uint64_t v;
    enum da_rc rc = needed ? da_gguf_get_uint(ld->g, key, &v, ld->err)
                           : da_gguf_opt_uint(ld->g, key, def, &v, ld->err);
    if (rc)
        return rc;
    if (v < min || v > max)
        return da_fail(ld->err, DA_ELIMIT,
                       "%s: key '%s' is %" PRIu64 ", outside %" PRIu64 "..%" PRIu64,
                       da_gguf_name(ld->g), key, v, min, max);
    *out = (uint32_t)v;
    return DA_OK;
}

static enum da_rc size_key(struct loader *ld, const char *suffix, uint64_t max, uint32_t *out)
{
    char key[NAME_MAX_LEN];
    return key_uint(ld, key_name(ld, suffix, key), true, 0, 1, max, out);
}

static enum da_rc read_pooling(struct loader *ld)
{
    struct da_encoder *e = ld->e;
    char key[NAME_MAX_LEN];
    uint32_t pool = 0;
    enum da_rc rc =
        key_uint(ld, key_name(ld, "pooling_type", key), false, DA_GGUF_POOL_MEAN, 0, 99, &pool);
    if (rc || (rc = da_gguf_opt_bool(ld->g, DA_KEY_EMBED_NORMALIZE, true, &e->normalize, ld->err)))
        return rc;
    if (pool != DA_GGUF_POOL_MEAN && pool != DA_GGUF_POOL_CLS)
        return da_fail(ld->err, DA_EUNSUPPORTED,
                       "%s: key '%s' is %" PRIu32 "; mean (1) and cls (2) are supported",
                       da_gguf_name(ld->g), key, pool);
    e->pooling = pool == DA_GGUF_POOL_MEAN ? DA_POOL_MEAN : DA_POOL_CLS;
    return key_uint(ld, DA_KEY_EMBED_MAX_TOKENS, false, e->n_ctx, 3, e->n_ctx, &e->max_tokens);
}

static enum da_rc read_keys(struct loader *ld)
{
    struct da_encoder *e = ld->e;
    char key[NAME_MAX_LEN];
    double eps;
    bool causal;
    enum da_rc rc;
    if ((rc = size_key(ld, "block_count", DA_MODEL_MAX_LAYERS, &e->n_layers)) ||
        (rc = size_key(ld, "embedding_length", DA_MODEL_MAX_DIM, &e->dim)) ||
        (rc = size_key(ld, "feed_forward_length", 1 << 20, &e->ff_dim)) ||
        (rc = size_key(ld, "context_length", 1 << 16, &e->n_ctx)) ||
        (rc = size_key(ld, "attention.head_count", DA_MODEL_MAX_HEADS, &e->n_heads)) ||
        (rc = da_gguf_opt_float(ld->g, key_name(ld, "attention.layer_norm_epsilon", key), 1e-12,
                                &eps, ld->err)) ||
        (rc = da_gguf_opt_bool(ld->g, key_name(ld, "attention.causal", key), false, &causal,
                               ld->err)))
        return rc;
    if (e->dim % e->n_heads || e->dim / e->n_heads > DA_MODEL_MAX_HEAD_DIM || !(eps >= 0.0) ||
        eps > 1.0 || causal)
        return da_fail(ld->err, DA_EFORMAT,
                       "%s: %" PRIu32 " values in %" PRIu32 " heads, norm epsilon %g%s",
                       da_gguf_name(ld->g), e->dim, e->n_heads, eps, causal ? ", causal" : "");
    e->head_dim = e->dim / e->n_heads;
    e->attn_scale = (float)(1.0 / sqrt((double)e->head_dim));
    e->norm_eps = (float)eps;
    return DA_OK;
}

/* --- tensors ---------------------------------------------------------------------- */

/* A zeroed block that the encoder owns, or NULL. */
static void *block(struct da_encoder *e, size_t n, size_t size)
{
    void *p = n && size > (SIZE_MAX - 128) / n
                  ? NULL
                  : da_try_alloc_aligned(64, (n * size + 127) & ~(size_t)63);
    if (!p)
        return NULL;
    DA_GROW(e->blocks, e->n_blocks, e->cap_blocks);
    e->blocks[e->n_blocks++] = p;
    return p;
}

static enum da_rc find(struct loader *ld, const char *name, uint64_t d0, uint64_t d1,
                       const struct da_gguf_tensor **ret)
{
    return da_load_tensor(ld->g, ld->used, name, d0, d1, true, ret, ld->err);
}

/* Rows 0..n_rows-1 of a tensor as floats. */
static enum da_rc floats(struct loader *ld, const char *name, uint32_t n_cols, uint32_t n_rows,
                         float **out)
{
    const struct da_gguf_tensor *t = NULL;
    enum da_rc rc = find(ld, name, n_cols, n_rows, &t);
    if (rc)
        return rc;
    if (!(*out = block(ld->e, (size_t)n_rows * n_cols + DA_LANES, sizeof(float))))
        return da_fail(ld->err, DA_ENOMEM, "no memory for tensor '%s'", name);
    da_dequantize((enum da_qtype)t->type, t->data, *out, (size_t)n_rows * n_cols);
    return DA_OK;
}

static const char *block_name(char buf[NAME_MAX_LEN], int layer, const char *base, const char *what)
{
    if (layer < 0)
        snprintf(buf, NAME_MAX_LEN, "%s.%s", base, what);
    else
        snprintf(buf, NAME_MAX_LEN, "blk.%d.%s.%s", layer, base, what);
    return buf;
}

static enum da_rc norm(struct loader *ld, int layer, const char *base, struct da_norm_weight *out)
{
    char name[NAME_MAX_LEN];
    enum da_rc rc = floats(ld, block_name(name, layer, base, "weight"), ld->e->dim, 1, &out->w);
    return rc ? rc : floats(ld, block_name(name, layer, base, "bias"), ld->e->dim, 1, &out->b);
}

static enum da_rc matrix(struct loader *ld, int layer, const char *base, uint32_t n_cols,
                         uint32_t n_rows, struct da_weight *out)
{
    char name[NAME_MAX_LEN];
    const struct da_gguf_tensor *t = NULL;
    enum da_rc rc = find(ld, block_name(name, layer, base, "weight"), n_cols, n_rows, &t);
    if (rc)
        return rc;
    enum da_panel_kind kind = da_panel_kind_of((enum da_qtype)t->type);
    if (kind >= DA_PANEL_Q8)
        kind = DA_PANEL_F32; /* those kinds take 8-bit activations */
    if (!da_panels_shape(&out->p, kind, n_rows, n_cols))
        return da_fail(ld->err, DA_ELIMIT, "%s: tensor '%s' is too large", da_gguf_name(ld->g),
                       name);
    unsigned char *data = block(ld->e, out->p.n_panels, out->p.panel_bytes);
    if (!data)
        return da_fail(ld->err, DA_ENOMEM, "no memory for tensor '%s'", name);
    out->p.data = data;
    DA_GROW(ld->list, ld->n, ld->cap);
    ld->list[ld->n++] = (struct pending){&out->p, t, data};
    ld->e->weight_bytes += da_panels_bytes(&out->p);
    return floats(ld, block_name(name, layer, base, "bias"), n_rows, 1, &out->bias);
}

static enum da_rc layer_weights(struct loader *ld, int l)
{
    struct da_encoder_layer *y = &ld->e->layers[l];
    const uint32_t dim = ld->e->dim, ff = ld->e->ff_dim;
    enum da_rc rc;
    if ((rc = matrix(ld, l, "attn_q", dim, dim, &y->qkv[0])) ||
        (rc = matrix(ld, l, "attn_k", dim, dim, &y->qkv[1])) ||
        (rc = matrix(ld, l, "attn_v", dim, dim, &y->qkv[2])) ||
        (rc = matrix(ld, l, "attn_output", dim, dim, &y->wo)) ||
        (rc = norm(ld, l, "attn_output_norm", &y->norm1)) ||
        (rc = matrix(ld, l, "ffn_up", dim, ff, &y->up)) ||
        (rc = matrix(ld, l, "ffn_down", ff, dim, &y->down)))
        return rc;
    return norm(ld, l, "layer_output_norm", &y->norm2);
}

/*
 * Bucket of a distance (key minus query), as T5 and MPNet have it: one half of the buckets for each
 * direction, small distances one by one, larger ones by their logarithm. Source: transformers,
 * modeling_mpnet.py. The logarithm of a power of two must not fall below itself.
 */
static uint32_t bucket_of(int32_t distance, uint32_t n_buckets)
{
    const uint32_t half = n_buckets / 2, exact = half / 2;
    const uint32_t base = distance > 0 ? half : 0;
    uint32_t n = (uint32_t)(distance < 0 ? -distance : distance);
    if (n < exact)
        return base + n;
    double at = da_log((double)n / exact) / da_log((double)MAX_DISTANCE / exact) * (half - exact);
    uint32_t k = exact + (uint32_t)(at + 1e-9);
    return base + (k < half ? k : half - 1);
}

static enum da_rc distance_bias(struct loader *ld)
{
    struct da_encoder *e = ld->e;
    const uint32_t width = 2 * e->n_ctx - 1;
    uint32_t n = 0;
    char key[NAME_MAX_LEN];
    float *table = NULL;
    enum da_rc rc = key_uint(ld, key_name(ld, "attention.relative_buckets_count", key), true, 0, 4,
                             MAX_BUCKETS, &n);
    if (rc || (rc = floats(ld, "attn_rel_b.weight", e->n_heads, n, &table)))
        return rc;
    if (n % 4)
        return da_fail(ld->err, DA_EFORMAT, "%s: key '%s' is no multiple of 4", da_gguf_name(ld->g),
                       key);
    if (!(e->distance_bias = block(e, (size_t)e->n_heads * width, sizeof(float))))
        return da_fail(ld->err, DA_ENOMEM, "no memory for the biases of %" PRIu32 " positions",
                       e->n_ctx);
    for (uint32_t i = 0; i < width; i++) {
        uint32_t b = bucket_of((int32_t)i - (int32_t)e->n_ctx + 1, n);
        for (uint32_t h = 0; h < e->n_heads; h++)
            e->distance_bias[(size_t)h * width + i] = table[(size_t)b * e->n_heads + h];
    }
    return DA_OK;
}

static enum da_rc outer_weights(struct loader *ld)
{
    struct da_encoder *e = ld->e;
    const struct da_gguf_tensor *t = da_gguf_tensor(ld->g, "token_embd.weight");
    enum da_rc rc;
    if (t && t->dims[1] > DA_MODEL_MAX_VOCAB)
        return da_fail(ld->err, DA_ELIMIT, "%s: a vocabulary of %" PRIu64 " is too large",
                       da_gguf_name(ld->g), t->dims[1]);
    e->n_vocab = t ? (uint32_t)t->dims[1] : 0;
    if ((rc = find(ld, "token_embd.weight", e->dim, e->n_vocab, &e->embd)))
        return rc;
    t = da_gguf_tensor(ld->g, "position_embd.weight");
    if (t && t->dims[1] < e->n_ctx)
        e->n_ctx = (uint32_t)t->dims[1];
    if ((rc = find(ld, "position_embd.weight", e->dim, t ? t->dims[1] : 0, &e->pos_embd)) ||
        (rc = norm(ld, -1, "token_embd_norm", &e->embd_norm)))
        return rc;
    t = da_gguf_tensor(ld->g, "token_types.weight"); /* DistilBERT has none */
    if (t && e->family->token_types &&
        (rc = floats(ld, "token_types.weight", e->dim,
                     t->dims[1] <= MAX_TOKEN_TYPES ? (uint32_t)t->dims[1] : 1, &e->type_row)))
        return rc;
    return e->family->relative ? distance_bias(ld) : DA_OK;
}

static enum da_rc check_all_used(struct loader *ld)
{
    for (size_t i = 0; i < da_gguf_n_tensors(ld->g); i++) {
        const struct da_gguf_tensor *t = da_gguf_tensor_at(ld->g, i);
        if (!ld->used[i])
            return da_fail(ld->err, DA_EUNSUPPORTED,
                           "%s: tensor '%.*s' is not part of the %s family", da_gguf_name(ld->g),
                           (int)t->name.len, t->name.p, ld->e->family->name);
    }
    return DA_OK;
}

/* --- the whole --------------------------------------------------------------------- */

static void build_item(void *ctx, size_t item, unsigned worker)
{
    struct loader *ld = ctx;
    const struct pending *w = &ld->list[item];
    da_panels_build(w->p, w->data, 0, w->p->n_panels, (enum da_qtype)w->t->type, w->t->data,
                    w->p->n_rows, ld->scratch[worker]);
}

static enum da_rc build(struct loader *ld, unsigned n_threads)
{
    const struct da_encoder *e = ld->e;
    const uint32_t widest = e->dim > e->ff_dim ? e->dim : e->ff_dim;
    enum da_rc rc = DA_OK;
    ld->scratch = da_calloc(n_threads, sizeof *ld->scratch);
    for (unsigned i = 0; i < n_threads; i++)
        if (!(ld->scratch[i] = da_try_alloc(widest, sizeof(float))))
            rc = da_fail(ld->err, DA_ENOMEM, "no memory for a row of %" PRIu32, widest);
    if (!rc)
        da_parallel_for(n_threads, ld->n, build_item, ld);
    for (unsigned i = 0; i < n_threads; i++)
        free(ld->scratch[i]);
    free(ld->scratch);
    return rc;
}

static void set_facts(struct loader *ld)
{
    struct da_encoder *e = ld->e;
    uint64_t by_type[64] = {0}, best = 0;
    struct da_span name;
    if (da_gguf_opt_str(ld->g, "general.name", da_span_str(""), &name, NULL))
        name = da_span_str("");
    e->name = da_strndup(name.p, name.len);
    e->quant = "f32";
    for (size_t i = 0; i < da_gguf_n_tensors(ld->g); i++) {
        const struct da_gguf_tensor *t = da_gguf_tensor_at(ld->g, i);
        e->n_params += t->dims[0] * t->dims[1];
        if (t->n_dims > 1 && da_span_starts(t->name, "blk.") && t->type < 64)
            by_type[t->type] += t->n_bytes;
    }
    for (uint32_t t = 0; t < 64; t++) {
        if (by_type[t] > best) {
            best = by_type[t];
            e->quant = da_qtype_name(t);
        }
    }
}

static enum da_rc load(struct loader *ld, unsigned n_threads)
{
    struct da_encoder *e = ld->e;
    enum da_rc rc;
    if ((rc = read_keys(ld)) || (rc = outer_weights(ld)) || (rc = read_pooling(ld)))
        return rc;
    e->layers = da_calloc(e->n_layers, sizeof *e->layers);
    for (uint32_t l = 0; l < e->n_layers; l++)
        if ((rc = layer_weights(ld, (int)l)))
            return rc;
    if ((rc = check_all_used(ld)) || (rc = build(ld, n_threads)))
        return rc;
    set_facts(ld);
    return DA_OK;
}

enum da_rc da_encoder_open(struct da_encoder **ret, const char *path, const char *cpu,
                           unsigned n_threads, struct da_err *err)
{
    struct da_encoder *e = da_calloc(1, sizeof *e);
    struct loader ld = {.e = e, .err = err};
    enum da_rc rc;
    if (!(e->kernels = da_kernels_find(cpu))) {
        rc = da_fail(err, DA_EUSAGE, "cpu variant '%s' does not exist or does not run here", cpu);
        goto out;
    }
    if ((rc = da_gguf_open(&e->gguf, path, err)))
        goto out;
    ld.g = e->gguf;
    if (!(e->family = family_of(ld.g))) {
        struct da_span arch = da_span_str("");
        (void)da_gguf_get_str(ld.g, "general.architecture", &arch, NULL);
        rc = da_fail(err, DA_EUNSUPPORTED,
                     "%s: architecture '%.*s' is no encoder for embeddings (bert, mpnet)", path,
                     (int)(arch.len < 64 ? arch.len : 64), arch.p);
        goto out;
    }
    ld.used = da_calloc(da_gguf_n_tensors(ld.g) + 1, sizeof *ld.used);
    rc = load(&ld, n_threads);
out:
    free(ld.used);
    free(ld.list);
    if (rc)
        da_encoder_close(e);
    else
        *ret = e;
    return rc;
}

void da_encoder_close(struct da_encoder *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < e->n_blocks; i++)
        free(e->blocks[i]);
    free(e->blocks);
    free(e->layers);
    free(e->name);
    da_gguf_close(e->gguf);
    free(e);
}
