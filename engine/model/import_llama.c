/* Import: config.json of the families whose members are named as Llama's are. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "engine/model/import_parts.h"
#include "engine/model/safetensors.h"

/* Windows of all layers, or of all but every n-th; others are refused. */
static enum da_rc read_window(struct da_importer *im)
{
    const struct da_json *types = da_json_get(im->config, "layer_types");
    const struct da_family *f = im->family;
    struct da_build_shape *s = &im->shape;
    uint32_t every = f->window_every, l = 0;
    int64_t v;
    enum da_rc rc;
    if (!da_json_int(da_json_get(im->config, "sliding_window"), &v) || v <= 0 || v > UINT32_MAX)
        return DA_OK;
    bool uniform = da_span_is(im->model_type, "mistral") || da_span_is(im->model_type, "phi3") ||
                   da_span_is(im->model_type, "starcoder2");
    if (!uniform && !f->window_every)
        return da_cfg_bool(im->config, "use_sliding_window", false)
                   ? da_fail(im->err, DA_EUNSUPPORTED,
                             "config.json: sliding windows of single layers are not supported")
                   : DA_OK;
    s->window = (uint32_t)v;
    if (uniform)
        return DA_OK;
    if ((rc = da_cfg_uint(im, "sliding_window_pattern", "_sliding_window_pattern", every,
                          DA_MODEL_MAX_LAYERS, &every)))
        return rc;
    for (const struct da_json *j = da_json_first(types); j; j = da_json_next(j), l++) {
        struct da_span kind;
        if (da_json_str(j, &kind) && da_span_is(kind, "full_attention"))
            break;
    }
    every = types ? l + 1 : every;
    s->window_every = every == f->window_every ? 0 : every;
    l = 0;
    for (const struct da_json *j = da_json_first(types); j; j = da_json_next(j), l++) {
        struct da_span kind;
        if (!da_json_str(j, &kind) || da_span_is(kind, "full_attention") != ((l + 1) % every == 0))
            return da_fail(im->err, DA_EUNSUPPORTED,
                           "config.json: 'layer_types' is not every %" PRIu32 "th layer whole",
                           every);
    }
    return DA_OK;
}

static enum da_rc read_sizes(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    uint32_t n_ctx;
    enum da_rc rc;
    if ((rc = da_cfg_uint(im, "num_hidden_layers", NULL, 0, DA_MODEL_MAX_LAYERS, &s->n_layers)) ||
        (rc = da_cfg_uint(im, "hidden_size", NULL, 0, DA_MODEL_MAX_DIM, &s->dim)) ||
        (rc = da_cfg_uint(im, "num_attention_heads", NULL, 0, DA_MODEL_MAX_HEADS, &s->n_heads)) ||
        (rc = da_cfg_uint(im, "num_key_value_heads", NULL, s->n_heads, DA_MODEL_MAX_HEADS,
                          &s->n_kv_heads)) ||
        (rc = da_cfg_uint(im, "head_dim", NULL, s->dim / s->n_heads, DA_MODEL_MAX_HEAD_DIM,
                          &s->head_dim)) ||
        (rc = da_cfg_uint(im, "intermediate_size", NULL, 0, 1 << 20, &s->ff_dim)) ||
        (rc = da_cfg_uint(im, "max_position_embeddings", NULL, 2048, DA_MODEL_MAX_CTX, &n_ctx)))
        return rc;
    s->n_ctx = n_ctx;
    if (s->head_dim == 0)
        return da_fail(im->err, DA_EFORMAT, "config.json: more heads than 'hidden_size'");
    s->n_rot = s->head_dim;
    double share = da_cfg_double(im, "partial_rotary_factor", da_cfg_double(im, "rope_pct", 1.0));
    if (!(share > 0.0 && share <= 1.0))
        return da_fail(im->err, DA_EFORMAT, "config.json: 'partial_rotary_factor' is not a share");
    s->n_rot = (uint32_t)(s->head_dim * share) / 2 * 2;
    return DA_OK;
}

/* Rest of the members that single families have. */
static enum da_rc read_own(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    const char *name = s->family;
    uint32_t repeat;
    enum da_rc rc = DA_OK;
    if (strncmp(name, "gemma", 5) == 0) {
        double q = da_cfg_double(im, "query_pre_attn_scalar", s->head_dim);
        s->attn_scale = q > 0.0 && q != s->head_dim ? 1.0 / sqrt(q) : 0.0;
        s->attn_softcap = da_cfg_double(im, "attn_logit_softcapping", 0.0);
        s->logit_softcap = da_cfg_double(im, "final_logit_softcapping", 0.0);
        im->more = strcmp(name, "gemma3") == 0   ? da_names_gemma3
                   : strcmp(name, "gemma2") == 0 ? da_names_gemma2
                                                 : da_names_gemma;
        if (im->family->window_rope)
            s->rope_base_window = da_cfg_double(im, "rope_local_base_freq", 10000.0);
    } else if (strcmp(name, "granite") == 0) {
        s->attn_scale = da_cfg_double(im, "attention_multiplier", 1.0);
        s->embd_scale = da_cfg_double(im, "embedding_multiplier", 1.0);
        s->residual_scale = da_cfg_double(im, "residual_multiplier", 1.0);
        s->logit_scale = da_cfg_double(im, "logits_scaling", 1.0);
    } else if (strcmp(name, "olmo") == 0) {
        s->norm_eps = 1e-5;
        s->clamp_qkv = da_cfg_double(im, "clip_qkv", 0.0);
    } else if (strcmp(name, "stablelm") == 0) {
        if (da_cfg_bool(im->config, "qk_layernorm", false) ||
            da_cfg_bool(im->config, "use_parallel_residual", false))
            return da_fail(im->err, DA_EUNSUPPORTED,
                           "config.json: a StableLM with parallel residual or norms of heads");
    } else if (strcmp(name, "phi2") == 0) {
        if (da_cfg_bool(im->config, "qk_layernorm", false))
            return da_fail(im->err, DA_EUNSUPPORTED, "config.json: a Phi with norms of heads");
    } else if (strcmp(name, "phonelm") == 0) {
        s->rope_levels = 127; /* its cosines and sines are kept in 8 bits */
    } else if (strcmp(name, "mobilellm") == 0) {
        rc = da_cfg_uint(im, "layer_sharing_repeats", NULL, 2, 16, &repeat);
        s->block_repeat = !rc && da_cfg_bool(im->config, "layer_sharing", false) ? repeat : 0;
        im->tied = da_cfg_bool(im->config, "share_embedding", im->tied);
    }
    return rc;
}

enum da_rc da_config_llama(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    const struct da_family *f = im->family;
    enum da_rc rc;
    s->norm_eps = da_cfg_double(im, "rms_norm_eps", f->norm == DA_NORM_RMS ? 1e-6 : 1e-5);
    s->norm_eps =
        da_cfg_double(im, "layer_norm_eps", da_cfg_double(im, "norm_epsilon", s->norm_eps));
    s->rope_base = da_cfg_double(im, "rope_theta", 10000.0);
    im->names = da_names_llama;
    im->no_permute = f->positions != DA_POS_ROPE_PAIR;
    im->more = strcmp(s->family, "olmo2") == 0        ? da_names_olmo2
               : strcmp(s->family, "phi2") == 0       ? da_names_phi
               : strcmp(s->family, "starcoder2") == 0 ? da_names_starcoder2
                                                      : NULL;
    if ((rc = read_sizes(im)) || (rc = read_own(im)) || (rc = da_cfg_rope(im)) ||
        (rc = read_window(im)))
        return rc;
    /* Gemma's early files name another activation than the one it was trained with */
    if (f->embd_scale)
        return DA_OK;
    const char *act = f->mlp == DA_MLP_SWIGLU  ? "silu"
                      : f->mlp == DA_MLP_REGLU ? "relu"
                                               : "gelu_new";
    return da_cfg_activation(im, "hidden_act", act);
}

/* --- what only the weights tell -------------------------------------------------------- */

static bool same_tensor(const struct da_st_tensor *a, const struct da_st_tensor *b)
{
    uint64_t bytes = 0;
    if (a->type != b->type || a->n_dims != 2 || b->n_dims != 2 || a->dims[0] != b->dims[0] ||
        a->dims[1] != b->dims[1] || !da_qtype_row_bytes(a->type, a->dims[1], &bytes))
        return false;
    return memcmp(a->data, b->data, bytes * a->dims[0]) == 0;
}

/* Whether a matrix of the MLP is missing or the same in every layer after the first. */
static bool is_shared(const struct da_importer *im, const char *what)
{
    char name[96];
    snprintf(name, sizeof name, "model.layers.0.mlp.%s_proj.weight", what);
    const struct da_st_tensor *first = da_safetensors_find(im->st, name), *t;
    for (uint32_t l = 1; first && l < im->shape.n_layers; l++) {
        snprintf(name, sizeof name, "model.layers.%" PRIu32 ".mlp.%s_proj.weight", l, what);
        if ((t = da_safetensors_find(im->st, name)) && !same_tensor(first, t))
            return false;
    }
    return first != NULL && im->shape.n_layers > 1;
}

void da_config_weights(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    if (im->family->pass == DA_PASS_T5) { /* what config.json says of the head depends on its age */
        const struct da_st_tensor *head = da_safetensors_find(im->st, "lm_head.weight");
        const struct da_st_tensor *embd = da_safetensors_find(im->st, "shared.weight");
        im->tied = !head || (embd && same_tensor(embd, head));
        return;
    }
    if (!da_span_is(im->model_type, "llama") || !is_shared(im, "down") || !is_shared(im, "gate") ||
        !is_shared(im, "up"))
        return;
    s->family = "mobillama";
    s->shared_mlp = true;
    im->family = da_family_named(s->family);
    /* its configuration speaks of fewer key heads than its code makes */
    const struct da_st_tensor *k =
        da_safetensors_find(im->st, "model.layers.0.self_attn.k_proj.weight");
    if (k && k->dims[0] == (uint64_t)s->n_heads * s->head_dim)
        s->n_kv_heads = s->n_heads;
}
