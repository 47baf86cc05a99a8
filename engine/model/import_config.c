/* Import: config.json chooses the family and its sizes; what would change the numbers and is not
 * computed is refused by name. */
#include <inttypes.h>
#include <string.h>

#include "common/buf.h"
#include "common/io.h"
#include "common/json.h"
#include "common/mem.h"
#include "engine/model/import_parts.h"
#include "engine/model/model.h"

static enum da_rc cfg_uint(struct da_importer *im, const char *name, const char *other,
                           uint32_t def, uint32_t max, uint32_t *out)
{
    const struct da_json *j = da_json_get(im->config, name);
    int64_t v = def;
    if (!j && other)
        j = da_json_get(im->config, other);
    if (j && da_json_type(j) != DA_JSON_NULL && !da_json_int(j, &v))
        return da_fail(im->err, DA_EFORMAT, "config.json: '%s' is not an integer", name);
    if (v < 1 || v > (int64_t)max)
        return da_fail(im->err, DA_ELIMIT, "config.json: '%s' is missing or outside 1..%" PRIu32,
                       name, max);
    *out = (uint32_t)v;
    return DA_OK;
}

static double cfg_double(const struct da_importer *im, const char *name, double def)
{
    double v = def;
    (void)da_json_double(da_json_get(im->config, name), &v);
    return v;
}

static bool cfg_bool(const struct da_json *obj, const char *name, bool def)
{
    bool v = def;
    (void)da_json_bool(da_json_get(obj, name), &v);
    return v;
}

/* A member that would change the numbers must have the one value we compute. */
static enum da_rc cfg_must_be(struct da_importer *im, const struct da_json *obj, const char *name,
                              const char *want)
{
    struct da_span v;
    if (!da_json_str(da_json_get(obj, name), &v) || da_span_is(v, want))
        return DA_OK;
    return da_fail(im->err, DA_EUNSUPPORTED, "config.json: '%s' is '%.*s'; only '%s' is supported",
                   name, (int)(v.len < 32 ? v.len : 32), v.p, want);
}

/* Rope base and scaling: none, or Llama 3's. */
static enum da_rc read_rope(struct da_importer *im, bool llama3_allowed)
{
    const struct da_json *r = da_json_get(im->config, "rope_scaling");
    struct da_span type;
    double v;
    if (!r || da_json_type(r) != DA_JSON_OBJECT)
        r = da_json_get(im->config, "rope_parameters");
    if (da_json_double(da_json_get(r, "rope_theta"), &v))
        im->shape.rope_base = v;
    if (!da_json_str(da_json_get(r, "rope_type"), &type) &&
        !da_json_str(da_json_get(r, "type"), &type))
        return DA_OK;
    if (da_span_is(type, "default"))
        return DA_OK;
    if (llama3_allowed && da_span_is(type, "llama3") &&
        da_json_double(da_json_get(r, "factor"), &im->rope.factor) &&
        da_json_double(da_json_get(r, "low_freq_factor"), &im->rope.low) &&
        da_json_double(da_json_get(r, "high_freq_factor"), &im->rope.high) &&
        da_json_double(da_json_get(r, "original_max_position_embeddings"), &im->rope.old_ctx) &&
        im->rope.factor > 0 && im->rope.high > im->rope.low && im->rope.old_ctx > 0)
        return DA_OK;
    return da_fail(im->err, DA_EUNSUPPORTED, "config.json: rope scaling '%.*s' is not supported",
                   (int)(type.len < 32 ? type.len : 32), type.p);
}

/* Windows that hold for all layers; others are refused. */
static enum da_rc read_window(struct da_importer *im, struct da_span type)
{
    const struct da_json *j = da_json_get(im->config, "sliding_window");
    int64_t v;
    if (!da_json_int(j, &v) || v <= 0 || v > UINT32_MAX)
        return DA_OK;
    if (da_span_is(type, "mistral") || da_span_is(type, "phi3"))
        im->shape.window = (uint32_t)v;
    else if (cfg_bool(im->config, "use_sliding_window", false))
        return da_fail(im->err, DA_EUNSUPPORTED,
                       "config.json: sliding windows of single layers are not supported");
    return DA_OK;
}

static enum da_rc llama_config(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    enum da_rc rc;
    s->norm_eps = cfg_double(im, "rms_norm_eps", 1e-6);
    s->rope_base = cfg_double(im, "rope_theta", 10000.0);
    if ((rc = cfg_uint(im, "num_hidden_layers", NULL, 0, DA_MODEL_MAX_LAYERS, &s->n_layers)) ||
        (rc = cfg_uint(im, "hidden_size", NULL, 0, DA_MODEL_MAX_DIM, &s->dim)) ||
        (rc = cfg_uint(im, "num_attention_heads", NULL, 0, DA_MODEL_MAX_HEADS, &s->n_heads)) ||
        (rc = cfg_uint(im, "num_key_value_heads", NULL, s->n_heads, DA_MODEL_MAX_HEADS,
                       &s->n_kv_heads)) ||
        (rc = cfg_uint(im, "head_dim", NULL, s->dim / s->n_heads, DA_MODEL_MAX_HEAD_DIM,
                       &s->head_dim)) ||
        (rc = cfg_uint(im, "intermediate_size", NULL, 0, 1 << 20, &s->ff_dim)) ||
        (rc = cfg_uint(im, "max_position_embeddings", NULL, 2048, DA_MODEL_MAX_CTX, &s->n_ctx)) ||
        (rc = read_rope(im, im->family->positions == DA_POS_ROPE_PAIR)) ||
        (rc = read_window(im, im->model_type)))
        return rc;
    s->n_rot = s->head_dim;
    im->names = da_names_llama;
    im->no_permute = im->family->positions != DA_POS_ROPE_PAIR;
    if (strcmp(s->family, "llama") == 0 || im->family->qkv_biases || im->family->qk_norm)
        return cfg_must_be(im, im->config, "hidden_act", "silu");
    if (im->family->embd_scale) {
        im->more = im->family->post_norms ? da_names_gemma2 : da_names_gemma;
        s->attn_softcap = cfg_double(im, "attn_logit_softcapping", 0.0);
        s->logit_softcap = cfg_double(im, "final_logit_softcapping", 0.0);
        if (im->family->post_norms)
            rc = cfg_uint(im, "sliding_window", NULL, 4096, UINT32_MAX, &s->window);
    }
    return rc;
}

static enum da_rc mpt_config(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    const struct da_json *attn = da_json_get(im->config, "attn_config");
    uint32_t expansion;
    enum da_rc rc;
    if ((rc = cfg_uint(im, "n_layers", NULL, 0, DA_MODEL_MAX_LAYERS, &s->n_layers)) ||
        (rc = cfg_uint(im, "d_model", NULL, 0, 1 << 14, &s->dim)) ||
        (rc = cfg_uint(im, "n_heads", NULL, 0, DA_MODEL_MAX_HEADS, &s->n_heads)) ||
        (rc = cfg_uint(im, "expansion_ratio", NULL, 4, 64, &expansion)) ||
        (rc =
             cfg_uint(im, "max_seq_len", "context_window_size", 2048, DA_MODEL_MAX_CTX, &s->n_ctx)))
        return rc;
    if (cfg_bool(attn, "rope", false) || cfg_bool(attn, "qk_ln", false))
        return da_fail(im->err, DA_EUNSUPPORTED, "config.json: rope or qk_ln in an MPT model");
    if ((rc = cfg_must_be(im, attn, "attn_type", "multihead_attention")))
        return rc;
    s->ff_dim = s->dim * expansion;
    s->n_kv_heads = s->n_heads;
    s->head_dim = s->dim / s->n_heads;
    s->norm_eps = cfg_double(im, "norm_eps", 1e-5);
    (void)da_json_double(da_json_get(attn, "clip_qkv"), &s->clamp_qkv);
    if (cfg_bool(im->config, "learned_pos_emb", true) && !cfg_bool(attn, "alibi", false)) {
        s->family = "slimlm";
    } else if (cfg_bool(attn, "alibi", false)) {
        s->alibi_max = 8.0;
        (void)da_json_double(da_json_get(attn, "alibi_bias_max"), &s->alibi_max);
    } else {
        return da_fail(im->err, DA_EUNSUPPORTED, "config.json: MPT without positions");
    }
    im->family = da_family_named(s->family);
    im->names = da_names_mpt;
    im->tied = true;
    return DA_OK;
}

static enum da_rc gpt2_config(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    enum da_rc rc;
    struct da_span act;
    s->norm_eps = cfg_double(im, "layer_norm_epsilon", 1e-5);
    if ((rc = cfg_uint(im, "n_layer", NULL, 0, DA_MODEL_MAX_LAYERS, &s->n_layers)) ||
        (rc = cfg_uint(im, "n_embd", NULL, 0, 1 << 14, &s->dim)) ||
        (rc = cfg_uint(im, "n_head", NULL, 0, DA_MODEL_MAX_HEADS, &s->n_heads)) ||
        (rc = cfg_uint(im, "n_inner", NULL, s->dim * 4, 1 << 20, &s->ff_dim)) ||
        (rc = cfg_uint(im, "n_positions", "n_ctx", 1024, DA_MODEL_MAX_CTX, &s->n_ctx)))
        return rc;
    if (da_json_str(da_json_get(im->config, "activation_function"), &act) &&
        !da_span_is(act, "gelu_new") && !da_span_is(act, "gelu_pytorch_tanh"))
        return cfg_must_be(im, im->config, "activation_function", "gelu_new");
    s->n_kv_heads = s->n_heads;
    s->head_dim = s->dim / s->n_heads;
    im->names = da_names_gpt2;
    return DA_OK;
}

static enum da_rc bigcode_config(struct da_importer *im)
{
    enum da_rc rc = gpt2_config(im);
    if (rc)
        return rc;
    if (!cfg_bool(im->config, "multi_query", true))
        return da_fail(im->err, DA_EUNSUPPORTED, "config.json: GPT-BigCode without multi_query");
    im->shape.n_kv_heads = 1;
    im->more = da_names_bigcode;
    return DA_OK;
}

static enum da_rc neox_config(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    enum da_rc rc;
    s->norm_eps = cfg_double(im, "layer_norm_eps", 1e-5);
    s->rope_base = cfg_double(im, "rotary_emb_base", 10000.0);
    if ((rc = cfg_uint(im, "num_hidden_layers", NULL, 0, DA_MODEL_MAX_LAYERS, &s->n_layers)) ||
        (rc = cfg_uint(im, "hidden_size", NULL, 0, DA_MODEL_MAX_DIM, &s->dim)) ||
        (rc = cfg_uint(im, "num_attention_heads", NULL, 0, DA_MODEL_MAX_HEADS, &s->n_heads)) ||
        (rc = cfg_uint(im, "intermediate_size", NULL, 0, 1 << 20, &s->ff_dim)) ||
        (rc = cfg_uint(im, "max_position_embeddings", NULL, 2048, DA_MODEL_MAX_CTX, &s->n_ctx)) ||
        (rc = cfg_must_be(im, im->config, "hidden_act", "gelu")) || (rc = read_rope(im, false)))
        return rc;
    if (!cfg_bool(im->config, "use_parallel_residual", true))
        return da_fail(im->err, DA_EUNSUPPORTED, "config.json: GPT-NeoX without parallel residual");
    s->n_kv_heads = s->n_heads;
    s->head_dim = s->dim / s->n_heads;
    double share = cfg_double(im, "rotary_pct", 0.25);
    (void)da_json_double(
        da_json_get(da_json_get(im->config, "rope_parameters"), "partial_rotary_factor"), &share);
    s->n_rot = (uint32_t)(s->head_dim * share) / 2 * 2;
    im->names = da_names_neox;
    return DA_OK;
}

static enum da_rc bloom_config(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    enum da_rc rc;
    s->norm_eps = cfg_double(im, "layer_norm_epsilon", 1e-5);
    if ((rc = cfg_uint(im, "n_layer", "num_hidden_layers", 0, DA_MODEL_MAX_LAYERS, &s->n_layers)) ||
        (rc = cfg_uint(im, "hidden_size", "n_embed", 0, 1 << 14, &s->dim)) ||
        (rc = cfg_uint(im, "n_head", "num_attention_heads", 0, DA_MODEL_MAX_HEADS, &s->n_heads)) ||
        (rc = cfg_uint(im, "seq_length", NULL, 2048, DA_MODEL_MAX_CTX, &s->n_ctx)))
        return rc;
    if (cfg_bool(im->config, "apply_residual_connection_post_layernorm", false))
        return da_fail(im->err, DA_EUNSUPPORTED, "config.json: residual after the norm");
    s->ff_dim = 4 * s->dim;
    s->n_kv_heads = s->n_heads;
    s->head_dim = s->dim / s->n_heads;
    s->alibi_max = 8.0;
    im->names = da_names_bloom;
    return DA_OK;
}

static const struct {
    const char *model_type, *family;
    enum da_rc (*config)(struct da_importer *im);
    bool tied; /* when config.json does not say */
} TYPES[] = {
    {"llama", "llama", llama_config, false},  {"mistral", "llama", llama_config, false},
    {"qwen2", "qwen2", llama_config, false},  {"qwen3", "qwen3", llama_config, false},
    {"phi3", "phi3", llama_config, false},    {"gemma", "gemma", llama_config, true},
    {"gemma2", "gemma2", llama_config, true}, {"mpt", "mpt", mpt_config, true},
    {"gpt2", "gpt2", gpt2_config, true},      {"gpt_neox", "gptneox", neox_config, false},
    {"bloom", "bloom", bloom_config, true},   {"gpt_bigcode", "starcoder", bigcode_config, true},
};

enum da_rc da_import_config(struct da_importer *im)
{
    struct da_buf path, text;
    struct da_span type;
    enum da_rc rc;
    da_buf_init(&path, 0);
    da_buf_init(&text, 0);
    da_io_join(&path, im->folder, "mlc-chat-config.json");
    bool mlc = da_io_exists(path.p);
    da_buf_reset(&path);
    da_io_join(&path, im->folder, "config.json");
    if (mlc && !da_io_exists(path.p)) { /* MLC keeps the sizes one level deeper */
        da_buf_reset(&path);
        da_io_join(&path, im->folder, "mlc-chat-config.json");
    } else {
        mlc = false;
    }
    if ((rc = da_io_read_file(path.p, 1 << 24, &text, im->err)) ||
        (rc = da_json_parse(text.p, text.len, &im->root, im->err)) ||
        (rc = da_json_need_str(im->root, "model_type", &type, im->err)))
        goto out;
    im->config = mlc ? da_json_get(im->root, "model_config") : im->root;
    for (size_t i = 0; i < DA_ARRAY_LEN(TYPES); i++) {
        if (!da_span_is(type, TYPES[i].model_type))
            continue;
        im->model_type = type;
        im->shape.family = TYPES[i].family;
        im->family = da_family_named(TYPES[i].family);
        im->tied = cfg_bool(im->config, "tie_word_embeddings", TYPES[i].tied);
        rc = TYPES[i].config(im);
        goto out;
    }
    rc = da_fail(im->err, DA_EUNSUPPORTED, "model_type '%.*s' is not supported",
                 (int)(type.len < 32 ? type.len : 32), type.p);
out:
    if (rc)
        rc = da_err_context(im->err, rc, "%s", path.p);
    da_buf_release(&path);
    da_buf_release(&text);
    return rc;
}
