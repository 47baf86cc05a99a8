/* Import: config.json of the families whose members are named as GPT-2 and its kin name them. */
#include <inttypes.h>
#include <string.h>

#include "common/json.h"
#include "engine/model/import_parts.h"

enum da_rc da_config_mpt(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    const struct da_json *attn = da_json_get(im->config, "attn_config");
    uint32_t expansion;
    enum da_rc rc;
    if ((rc = da_cfg_uint(im, "n_layers", NULL, 0, DA_MODEL_MAX_LAYERS, &s->n_layers)) ||
        (rc = da_cfg_uint(im, "d_model", NULL, 0, 1 << 14, &s->dim)) ||
        (rc = da_cfg_uint(im, "n_heads", NULL, 0, DA_MODEL_MAX_HEADS, &s->n_heads)) ||
        (rc = da_cfg_uint(im, "expansion_ratio", NULL, 4, 64, &expansion)) ||
        (rc = da_cfg_uint(im, "max_seq_len", "context_window_size", 2048, DA_MODEL_MAX_CTX,
                          &s->n_ctx)))
        return rc;
    if (da_cfg_bool(attn, "rope", false) || da_cfg_bool(attn, "qk_ln", false))
        return da_fail(im->err, DA_EUNSUPPORTED, "config.json: rope or qk_ln in an MPT model");
    if ((rc = da_cfg_must_be(im, attn, "attn_type", "multihead_attention")))
        return rc;
    s->ff_dim = s->dim * expansion;
    s->n_kv_heads = s->n_heads;
    s->head_dim = s->dim / s->n_heads;
    s->norm_eps = da_cfg_double(im, "norm_eps", 1e-5);
    (void)da_json_double(da_json_get(attn, "clip_qkv"), &s->clamp_qkv);
    if (da_cfg_bool(im->config, "learned_pos_emb", true) && !da_cfg_bool(attn, "alibi", false)) {
        s->family = "slimlm";
    } else if (da_cfg_bool(attn, "alibi", false)) {
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

enum da_rc da_config_gpt2(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    enum da_rc rc;
    s->norm_eps = da_cfg_double(im, "layer_norm_epsilon", 1e-5);
    if ((rc = da_cfg_uint(im, "n_layer", NULL, 0, DA_MODEL_MAX_LAYERS, &s->n_layers)) ||
        (rc = da_cfg_uint(im, "n_embd", NULL, 0, 1 << 14, &s->dim)) ||
        (rc = da_cfg_uint(im, "n_head", NULL, 0, DA_MODEL_MAX_HEADS, &s->n_heads)) ||
        (rc = da_cfg_uint(im, "n_inner", NULL, s->dim * 4, 1 << 20, &s->ff_dim)) ||
        (rc = da_cfg_uint(im, "n_positions", "n_ctx", 1024, DA_MODEL_MAX_CTX, &s->n_ctx)))
        return rc;
    s->n_kv_heads = s->n_heads;
    s->head_dim = s->dim / s->n_heads;
    im->names = da_names_gpt2;
    return da_cfg_activation(im, "activation_function", "gelu_new");
}

enum da_rc da_config_bigcode(struct da_importer *im)
{
    enum da_rc rc = da_config_gpt2(im);
    if (rc)
        return rc;
    if (!da_cfg_bool(im->config, "multi_query", true))
        return da_fail(im->err, DA_EUNSUPPORTED, "config.json: GPT-BigCode without multi_query");
    im->shape.n_kv_heads = 1;
    im->more = da_names_bigcode;
    return DA_OK;
}

enum da_rc da_config_neox(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    enum da_rc rc;
    s->norm_eps = da_cfg_double(im, "layer_norm_eps", 1e-5);
    s->rope_base = da_cfg_double(im, "rotary_emb_base", 10000.0);
    if ((rc = da_cfg_uint(im, "num_hidden_layers", NULL, 0, DA_MODEL_MAX_LAYERS, &s->n_layers)) ||
        (rc = da_cfg_uint(im, "hidden_size", NULL, 0, DA_MODEL_MAX_DIM, &s->dim)) ||
        (rc = da_cfg_uint(im, "num_attention_heads", NULL, 0, DA_MODEL_MAX_HEADS, &s->n_heads)) ||
        (rc = da_cfg_uint(im, "intermediate_size", NULL, 0, 1 << 20, &s->ff_dim)) ||
        (rc =
             da_cfg_uint(im, "max_position_embeddings", NULL, 2048, DA_MODEL_MAX_CTX, &s->n_ctx)) ||
        (rc = da_cfg_activation(im, "hidden_act", "gelu")))
        return rc;
    s->no_parallel = !da_cfg_bool(im->config, "use_parallel_residual", true);
    s->n_kv_heads = s->n_heads;
    s->head_dim = s->dim / s->n_heads;
    s->n_rot = (uint32_t)(s->head_dim * da_cfg_double(im, "rotary_pct", 0.25)) / 2 * 2;
    im->names = da_names_neox;
    return da_cfg_rope(im);
}

enum da_rc da_config_bloom(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    enum da_rc rc;
    s->norm_eps = da_cfg_double(im, "layer_norm_epsilon", 1e-5);
    if ((rc = da_cfg_uint(im, "n_layer", "num_hidden_layers", 0, DA_MODEL_MAX_LAYERS,
                          &s->n_layers)) ||
        (rc = da_cfg_uint(im, "hidden_size", "n_embed", 0, 1 << 14, &s->dim)) ||
        (rc = da_cfg_uint(im, "n_head", "num_attention_heads", 0, DA_MODEL_MAX_HEADS,
                          &s->n_heads)) ||
        (rc = da_cfg_uint(im, "seq_length", NULL, 2048, DA_MODEL_MAX_CTX, &s->n_ctx)))
        return rc;
    if (da_cfg_bool(im->config, "apply_residual_connection_post_layernorm", false))
        return da_fail(im->err, DA_EUNSUPPORTED, "config.json: residual after the norm");
    s->ff_dim = 4 * s->dim;
    s->n_kv_heads = s->n_heads;
    s->head_dim = s->dim / s->n_heads;
    s->alibi_max = 8.0;
    im->names = da_names_bloom;
    return DA_OK;
}

enum da_rc da_config_falcon(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    const bool new_decoder = da_cfg_bool(im->config, "new_decoder_architecture", false);
    const bool multi_query = da_cfg_bool(im->config, "multi_query", true);
    uint32_t n_norms;
    enum da_rc rc;
    s->norm_eps = da_cfg_double(im, "layer_norm_epsilon", 1e-5);
    s->rope_base = da_cfg_double(im, "rope_theta", 10000.0);
    if ((rc = da_cfg_uint(im, "num_hidden_layers", "n_layer", 0, DA_MODEL_MAX_LAYERS,
                          &s->n_layers)) ||
        (rc = da_cfg_uint(im, "hidden_size", NULL, 0, 1 << 14, &s->dim)) ||
        (rc = da_cfg_uint(im, "num_attention_heads", "n_head", 0, DA_MODEL_MAX_HEADS,
                          &s->n_heads)) ||
        (rc = da_cfg_uint(im, "num_kv_heads", "n_head_kv", s->n_heads, s->n_heads,
                          &s->n_kv_heads)) ||
        (rc = da_cfg_uint(im, "ffn_hidden_size", NULL, s->dim * 4, 1 << 20, &s->ff_dim)) ||
        (rc = da_cfg_uint(im, "num_ln_in_parallel_attn", NULL, new_decoder ? 2 : 1, 2, &n_norms)) ||
        (rc = da_cfg_uint(im, "max_position_embeddings", NULL, 2048, DA_MODEL_MAX_CTX, &s->n_ctx)))
        return rc;
    const bool alibi = da_cfg_bool(im->config, "alibi", false);
    const bool parallel = new_decoder || da_cfg_bool(im->config, "parallel_attn", true);
    if (alibi == parallel) /* Falcon-RW has ALiBi and blocks one after the other, the others neither */
        return da_fail(im->err, DA_EUNSUPPORTED,
                       "config.json: a Falcon %s ALiBi and %s 'parallel_attn'",
                       alibi ? "with" : "without", parallel ? "with" : "without");
    if (!new_decoder)
        s->n_kv_heads = multi_query ? 1 : s->n_heads;
    s->head_dim = s->dim / s->n_heads;
    im->names = da_names_falcon;
    im->more = new_decoder && n_norms == 2 ? da_names_falcon_new : NULL;
    if (alibi) {
        s->family = "falcon-rw";
        s->alibi_max = 8.0;
        im->family = da_family_named(s->family);
        im->more = da_names_falcon_rw;
        return da_cfg_activation(im, "activation", "gelu");
    }
    s->n_rot = s->head_dim;
    if ((rc = da_cfg_activation(im, "activation", "gelu")))
        return rc;
    return da_cfg_rope(im);
}

/* One layer sees all, the next a window. attention_types: [[["global", "local"], n]]. */
static enum da_rc neo_windows(struct da_importer *im)
{
    static const char *const TURNS[] = {"global", "local"};
    const struct da_json *list = da_json_get(im->config, "attention_types");
    uint32_t n = 0;
    for (const struct da_json *j = da_json_first(list); j; j = da_json_next(j)) {
        const struct da_json *kinds = da_json_first(j), *times = da_json_next(kinds);
        int64_t k = 0;
        (void)da_json_int(times, &k);
        for (int64_t i = 0; i < k && n < im->shape.n_layers; i++)
            for (const struct da_json *t = da_json_first(kinds); t; t = da_json_next(t), n++) {
                struct da_span kind;
                if (!da_json_str(t, &kind) || !da_span_is(kind, TURNS[n % 2]))
                    return da_fail(im->err, DA_EUNSUPPORTED,
                                   "config.json: 'attention_types' are not global and local in "
                                   "turns");
            }
    }
    if (n && n != im->shape.n_layers)
        return da_fail(im->err, DA_EFORMAT, "config.json: 'attention_types' are not one a layer");
    return da_cfg_uint(im, "window_size", NULL, 256, UINT32_MAX, &im->shape.window);
}

enum da_rc da_config_gptneo(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    enum da_rc rc;
    s->norm_eps = da_cfg_double(im, "layer_norm_epsilon", 1e-5);
    if ((rc = da_cfg_uint(im, "num_layers", NULL, 0, DA_MODEL_MAX_LAYERS, &s->n_layers)) ||
        (rc = da_cfg_uint(im, "hidden_size", NULL, 0, 1 << 14, &s->dim)) ||
        (rc = da_cfg_uint(im, "num_heads", NULL, 0, DA_MODEL_MAX_HEADS, &s->n_heads)) ||
        (rc = da_cfg_uint(im, "intermediate_size", NULL, s->dim * 4, 1 << 20, &s->ff_dim)) ||
        (rc =
             da_cfg_uint(im, "max_position_embeddings", NULL, 2048, DA_MODEL_MAX_CTX, &s->n_ctx)) ||
        (rc = neo_windows(im)))
        return rc;
    s->n_kv_heads = s->n_heads;
    s->head_dim = s->dim / s->n_heads;
    im->names = da_names_gptneo;
    return da_cfg_activation(im, "activation_function", "gelu_new");
}

enum da_rc da_config_opt(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    uint32_t embd;
    enum da_rc rc;
    s->norm_eps = 1e-5;
    if ((rc = da_cfg_uint(im, "num_hidden_layers", NULL, 0, DA_MODEL_MAX_LAYERS, &s->n_layers)) ||
        (rc = da_cfg_uint(im, "hidden_size", NULL, 0, 1 << 14, &s->dim)) ||
        (rc = da_cfg_uint(im, "num_attention_heads", NULL, 0, DA_MODEL_MAX_HEADS, &s->n_heads)) ||
        (rc = da_cfg_uint(im, "ffn_dim", NULL, s->dim * 4, 1 << 20, &s->ff_dim)) ||
        (rc = da_cfg_uint(im, "word_embed_proj_dim", NULL, s->dim, 1 << 14, &embd)) ||
        (rc = da_cfg_uint(im, "max_position_embeddings", NULL, 2048, DA_MODEL_MAX_CTX, &s->n_ctx)))
        return rc;
    if (!da_cfg_bool(im->config, "do_layer_norm_before", true))
        s->family = "opt-post";
    else if (da_cfg_bool(im->config, "_remove_final_layer_norm", false))
        return da_fail(im->err, DA_EUNSUPPORTED, "config.json: an OPT without its last norm");
    im->family = da_family_named(s->family);
    s->embd_dim = embd == s->dim ? 0 : embd;
    s->n_kv_heads = s->n_heads;
    s->head_dim = s->dim / s->n_heads;
    im->names = da_names_opt;
    return da_cfg_activation(im, "activation_function", "relu");
}
