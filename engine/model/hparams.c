/*
 * Keys to hyperparameters. Names: ggml docs/gguf.md; what GGUF has no name for is
 * under docassist.* (docs/models.md lists them).
 */
#include "engine/model/hparams.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/maths.h"
#include "common/mem.h"
#include "engine/model/model.h"

enum { KEY_MAX_LEN = 128, FF_MAX = 1 << 20 };

struct reader {
    struct da_model *m;
    const struct da_gguf *g;
    struct da_err *err;
};

static void key_name(const struct reader *r, const char *suffix, char key[KEY_MAX_LEN])
{
    snprintf(key, KEY_MAX_LEN, "%s.%s", r->m->family->arch, suffix);
}

static enum da_rc outside(const struct reader *r, const char *key, uint64_t v, uint64_t min,
                          uint64_t max)
{
    return da_fail(r->err, DA_ELIMIT, "%s: key '%s' is %" PRIu64 ", outside %" PRIu64 "..%" PRIu64,
                   da_gguf_name(r->g), key, v, min, max);
}

static enum da_rc key_uint(const struct reader *r, const char *suffix, bool needed, uint64_t def,
                           uint64_t min, uint64_t max, uint32_t *out)
{
    char key[KEY_MAX_LEN];
    uint64_t v = def;
    key_name(r, suffix, key);
    enum da_rc rc = needed ? da_gguf_get_uint(r->g, key, &v, r->err)
                           : da_gguf_opt_uint(r->g, key, def, &v, r->err);
    if (rc)
        return rc;
    if (v < min || v > max)
        return outside(r, key, v, min, max);
    *out = (uint32_t)v;
    return DA_OK;
}

static enum da_rc key_float(const struct reader *r, const char *suffix, double def, double min,
                            double max, float *out)
{
    char key[KEY_MAX_LEN];
    double v;
    key_name(r, suffix, key);
    enum da_rc rc = da_gguf_opt_float(r->g, key, def, &v, r->err);
    if (rc)
        return rc;
    if (!(v >= min && v <= max))
        return da_fail(r->err, DA_EFORMAT, "%s: key '%s' is outside %g..%g", da_gguf_name(r->g),
                       key, min, max);
    *out = (float)v;
    return DA_OK;
}

/* One number for all layers, or an array of one for each block. field: offset in struct da_layer;
 * *most gets the largest. */
static enum da_rc key_per_layer(const struct reader *r, const char *suffix, bool needed,
                                uint64_t def, uint64_t max, size_t field, uint32_t *most)
{
    struct da_model *m = r->m;
    const uint32_t repeat = m->hp.n_layers / m->hp.n_blocks;
    char key[KEY_MAX_LEN];
    uint32_t one = 0;
    int32_t *all = NULL;
    size_t n = 0;
    enum da_rc rc;
    key_name(r, suffix, key);
    const struct da_gguf_kv *kv = da_gguf_find(r->g, key);
    if (kv && kv->is_array) {
        if ((rc = da_gguf_get_ints(r->g, key, &all, &n, r->err)))
            return rc;
        if (n < m->hp.n_blocks)
            rc = da_fail(r->err, DA_EFORMAT, "%s: key '%s' has %zu values for %" PRIu32 " blocks",
                         da_gguf_name(r->g), key, n, m->hp.n_blocks);
    } else {
        rc = key_uint(r, suffix, needed, def, 1, max, &one);
    }
    *most = 0;
    for (uint32_t l = 0; !rc && l < m->hp.n_layers; l++) {
        int64_t v = all ? all[l / repeat] : (int64_t)one;
        if (v < 1 || v > (int64_t)max)
            rc = outside(r, key, v < 0 ? 0 : (uint64_t)v, 1, max);
        else
            *(uint32_t *)(void *)((char *)&m->layers[l] + field) = (uint32_t)v;
        *most = v > *most ? (uint32_t)v : *most;
    }
    free(all);
    return rc;
}

static enum da_rc read_blocks(const struct reader *r)
{
    struct da_hparams *hp = &r->m->hp;
    uint32_t repeat, shared;
    enum da_rc rc;
    if ((rc = key_uint(r, "block_count", true, 0, 1, DA_MODEL_MAX_LAYERS, &hp->n_blocks)) ||
        (rc = key_uint(r, "block_repeat", false, 1, 1, DA_MODEL_MAX_LAYERS / hp->n_blocks,
                       &repeat)) ||
        (rc = key_uint(r, "feed_forward_shared", false, 0, 0, 1, &shared)))
        return rc;
    hp->n_layers = hp->n_blocks * repeat;
    hp->shared_mlp = shared != 0;
    r->m->layers = da_calloc(hp->n_layers, sizeof *r->m->layers);
    return DA_OK;
}

static enum da_rc read_sizes(const struct reader *r)
{
    struct da_hparams *hp = &r->m->hp;
    uint32_t v_len;
    enum da_rc rc = read_blocks(r);
    if (rc || (rc = key_uint(r, "embedding_length", true, 0, 1, DA_MODEL_MAX_DIM, &hp->dim)) ||
        (rc = key_uint(r, "input_embedding_length", false, hp->dim, 1, DA_MODEL_MAX_DIM,
                       &hp->embd_dim)) ||
        (rc = key_uint(r, "context_length", true, 0, 1, DA_MODEL_MAX_CTX, &hp->n_ctx)) ||
        (rc = key_per_layer(r, "feed_forward_length", true, 0, FF_MAX,
                            offsetof(struct da_layer, ff_dim), &hp->ff_dim)) ||
        (rc = key_per_layer(r, "attention.head_count", true, 0, DA_MODEL_MAX_HEADS,
                            offsetof(struct da_layer, n_heads), &hp->n_heads)) ||
        (rc = key_per_layer(r, "attention.head_count_kv", false, hp->n_heads, DA_MODEL_MAX_HEADS,
                            offsetof(struct da_layer, n_kv_heads), &hp->n_kv_heads)) ||
        (rc = key_uint(r, "attention.key_length", false, hp->dim / hp->n_heads, 1,
                       DA_MODEL_MAX_HEAD_DIM, &hp->head_dim)) ||
        (rc = key_uint(r, "attention.value_length", false, hp->head_dim, hp->head_dim, hp->head_dim,
                       &v_len)))
        return rc;
    for (uint32_t l = 0; l < hp->n_layers; l++) {
        const struct da_layer *y = &r->m->layers[l];
        if (y->n_heads % y->n_kv_heads)
            return da_fail(r->err, DA_EFORMAT,
                           "%s: %" PRIu32 " heads do not share %" PRIu32 " key heads evenly",
                           da_gguf_name(r->g), y->n_heads, y->n_kv_heads);
    }
    return DA_OK;
}

static enum da_rc read_scaling(const struct reader *r, struct da_rope *rope)
{
    char key[KEY_MAX_LEN];
    struct da_span type;
    float stretch, own;
    enum da_rc rc;
    key_name(r, "rope.scaling.type", key);
    if ((rc = da_gguf_opt_str(r->g, key, da_span_str("none"), &type, r->err)) ||
        (rc = key_float(r, "rope.scaling.attn_factor", 0.0, 0.0, 1e3, &own)) ||
        (rc = key_uint(r, "rope.scaling.original_context_length", false, r->m->hp.n_ctx, 1,
                       DA_MODEL_MAX_CTX, &rope->old_ctx)) ||
        (rc = key_float(r, "rope.scaling.factor", 1.0, 1e-3, 1e6, &stretch)))
        return rc;
    rope->attn_factor = own > 0.0f ? own : 1.0f;
    if (da_span_is(type, "none") || da_span_is(type, "longrope"))
        return DA_OK; /* long rope is known by its tensors */
    rope->factor = stretch;
    if (da_span_is(type, "linear"))
        return DA_OK;
    if (!da_span_is(type, "yarn"))
        return da_fail(r->err, DA_EUNSUPPORTED, "%s: rope scaling '%.*s' is not supported",
                       da_gguf_name(r->g), (int)(type.len < 32 ? type.len : 32), type.p);
    rope->scaling = DA_ROPE_YARN;
    if (stretch > 1.0f) /* the paper's section 3.4; as in llama.cpp the key comes on top of it */
        rope->attn_factor *= (float)(1.0 + 0.1 * da_log((double)stretch));
    if ((rc = key_float(r, "rope.scaling.yarn_beta_fast", 32.0, 1e-3, 1e6, &rope->beta_fast)))
        return rc;
    return key_float(r, "rope.scaling.yarn_beta_slow", 1.0, 1e-3, 1e6, &rope->beta_slow);
}

static enum da_rc read_rope(const struct reader *r)
{
    struct da_hparams *hp = &r->m->hp;
    struct da_rope *rope = r->m->rope;
    enum da_rc rc;
    rope[0] = (struct da_rope){.factor = 1.0f, .attn_factor = 1.0f};
    if ((rc = key_uint(r, "rope.dimension_count", false, hp->head_dim, 2, hp->head_dim,
                       &hp->n_rot)) ||
        (rc = key_float(r, "rope.freq_base", 10000.0, 1.0, 1e12, &rope->base)) ||
        (rc = key_uint(r, "rope.levels", false, 0, 0, 1 << 20, &rope->levels)) ||
        (rc = read_scaling(r, rope)))
        return rc;
    if (hp->n_rot % 2)
        return da_fail(r->err, DA_EFORMAT, "%s: %" PRIu32 " rotated dimensions are not pairs",
                       da_gguf_name(r->g), hp->n_rot);
    rope[1] = rope[0];
    if (r->m->family->window_rope) {
        rope[1] = (struct da_rope){.factor = 1.0f, .attn_factor = 1.0f, .old_ctx = hp->n_ctx};
        return key_float(r, "rope.freq_base_swa", 10000.0, 1.0, 1e12, &rope[1].base);
    }
    return DA_OK;
}

/* Which layers have the window: an array says it for each, or every n-th sees all. */
static enum da_rc read_windows(const struct reader *r)
{
    const struct da_family *f = r->m->family;
    const struct da_hparams *hp = &r->m->hp;
    uint32_t window, every;
    char key[KEY_MAX_LEN];
    int32_t *all = NULL;
    size_t n = 0;
    enum da_rc rc = key_uint(r, "attention.sliding_window", false, 0, 0, UINT32_MAX, &window);
    key_name(r, "attention.sliding_window_pattern", key);
    const struct da_gguf_kv *kv = da_gguf_find(r->g, key);
    bool array = kv && kv->is_array;
    every = f->window_every;
    if (!rc && array)
        rc = da_gguf_get_ints(r->g, key, &all, &n, r->err);
    else if (!rc)
        rc = key_uint(r, "attention.sliding_window_pattern", false, f->window_every, 0,
                      DA_MODEL_MAX_LAYERS, &every);
    for (uint32_t l = 0; !rc && l < hp->n_layers; l++) {
        bool sees_all = every > 0 && (l % every) == (f->window_second ? 0 : every - 1);
        bool has = all ? l < n && all[l] != 0 : !sees_all;
        r->m->layers[l].window = has && window < hp->n_ctx ? window : 0;
        r->m->layers[l].rope = has && f->window_rope;
    }
    free(all);
    return rc;
}

static enum da_rc read_activation(const struct reader *r)
{
    static const struct {
        const char *name;
        enum da_mlp mlp;
    } NAMES[] = {{"gelu", DA_MLP_GELU_ERF},    {"gelu_tanh", DA_MLP_GELU_TANH},
                 {"relu", DA_MLP_RELU},        {"silu_gated", DA_MLP_SWIGLU},
                 {"gelu_gated", DA_MLP_GEGLU}, {"relu_gated", DA_MLP_REGLU}};
    struct da_span v;
    enum da_rc rc = da_gguf_opt_str(r->g, DA_ARCH_OWN ".activation", da_span_str(""), &v, r->err);
    r->m->hp.mlp = r->m->family->mlp;
    if (rc || v.len == 0)
        return rc;
    for (size_t i = 0; i < DA_ARRAY_LEN(NAMES); i++) {
        if (da_span_is(v, NAMES[i].name)) {
            r->m->hp.mlp = NAMES[i].mlp;
            return DA_OK;
        }
    }
    return da_fail(r->err, DA_EUNSUPPORTED, "%s: activation '%.*s' is not supported",
                   da_gguf_name(r->g), (int)(v.len < 32 ? v.len : 32), v.p);
}

enum da_rc da_hparams_read(struct da_model *m, struct da_err *err)
{
    const struct reader r = {.m = m, .g = m->gguf, .err = err};
    struct da_hparams *hp = &m->hp;
    const struct da_family *f = m->family;
    bool rope = f->positions == DA_POS_ROPE_HALF || f->positions == DA_POS_ROPE_PAIR, parallel;
    double alibi = f->positions == DA_POS_ALIBI ? 8.0 : 0.0;
    enum da_rc rc = read_sizes(&r);
    if (rc || (rope && (rc = read_rope(&r))) || (rc = read_windows(&r)) ||
        (rc = read_activation(&r)))
        return rc;
    char key[KEY_MAX_LEN];
    double scale = f->scores_plain ? 1.0 : 1.0 / sqrt((double)hp->head_dim);
    double embd = f->embd_scale ? (double)sqrtf((float)hp->dim) : 1.0;
    const char *eps = f->norm == DA_NORM_RMS ? "attention.layer_norm_rms_epsilon"
                                             : "attention.layer_norm_epsilon";
    key_name(&r, "use_parallel_residual", key);
    if ((rc = key_float(&r, eps, 1e-5, 0.0, 1.0, &hp->norm_eps)) ||
        (rc = key_float(&r, "attention.scale", scale, 1e-6, 1e3, &hp->attn_scale)) ||
        (rc = key_float(&r, "attn_logit_softcapping", 0.0, 0.0, 1e6, &hp->attn_softcap)) ||
        (rc = key_float(&r, "final_logit_softcapping", 0.0, 0.0, 1e6, &hp->logit_softcap)) ||
        (rc = key_float(&r, "attention.clamp_kqv", 0.0, 0.0, 1e6, &hp->clamp_qkv)) ||
        (rc = key_float(&r, "attention.max_alibi_bias", alibi, 0.0, 1e3, &hp->alibi_max)) ||
        (rc = key_float(&r, "embedding_scale", embd, 1e-6, 1e6, &hp->embd_scale)) ||
        (rc = key_float(&r, "residual_scale", 1.0, 1e-6, 1e6, &hp->residual_scale)) ||
        (rc = key_float(&r, "logit_scale", 1.0, 1e-6, 1e6, &hp->logit_scale)) ||
        (rc = da_gguf_opt_bool(r.g, key, f->parallel, &parallel, err)))
        return rc;
    hp->parallel = parallel;
    return DA_OK;
}

enum da_rc da_hparams_uint(struct da_model *m, const char *suffix, bool needed, uint32_t def,
                           uint32_t min, uint32_t max, uint32_t *out, struct da_err *err)
{
    const struct reader r = {.m = m, .g = m->gguf, .err = err};
    return key_uint(&r, suffix, needed, def, min, max, out);
}
