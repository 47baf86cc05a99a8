/* Import: config.json of OpenELM, whose layers differ, and of what is no decoder of attention. */
#include <inttypes.h>
#include <math.h>

#include "common/json.h"
#include "engine/model/import_parts.h"

/* A number for each layer. */
static enum da_rc layer_list(struct da_importer *im, const char *name, uint32_t max,
                             uint32_t out[DA_MODEL_MAX_LAYERS])
{
    const struct da_json *list = da_json_get(im->config, name);
    uint32_t n = 0;
    for (const struct da_json *j = da_json_first(list); j && n < im->shape.n_layers;
         j = da_json_next(j)) {
        int64_t v;
        if (!da_json_int(j, &v) || v < 1 || v > (int64_t)max)
            break;
        out[n++] = (uint32_t)v;
    }
    if (n == im->shape.n_layers && da_json_len(list) == n)
        return DA_OK;
    return da_fail(im->err, DA_EFORMAT,
                   "config.json: '%s' is not a list of %" PRIu32 " numbers from 1 to %" PRIu32,
                   name, im->shape.n_layers, max);
}

/* Widths of the MLPs: multiples of a divisor near the multiplier times dim, not below 0.9 of it
 * (OpenELM's configuration code, make_divisible). */
static enum da_rc elm_widths(struct da_importer *im, uint32_t out[DA_MODEL_MAX_LAYERS])
{
    const struct da_json *list = da_json_get(im->config, "ffn_multipliers");
    uint32_t n = 0, divisor;
    enum da_rc rc = da_cfg_uint(im, "ffn_dim_divisor", NULL, 256, 1 << 16, &divisor);
    if (rc)
        return rc;
    for (const struct da_json *j = da_json_first(list); j && n < im->shape.n_layers;
         j = da_json_next(j)) {
        double v = 0.0;
        if (!da_json_double(j, &v) || !(v > 0.0 && v < 64.0))
            break;
        v *= im->shape.dim;
        uint32_t w = (uint32_t)(v + divisor / 2.0) / divisor * divisor;
        w = w < divisor ? divisor : w;
        out[n++] = w < 0.9 * v ? w + divisor : w;
    }
    if (n == im->shape.n_layers && da_json_len(list) == n)
        return DA_OK;
    return da_fail(im->err, DA_EFORMAT, "config.json: 'ffn_multipliers' is not one a layer");
}

enum da_rc da_config_openelm(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    enum da_rc rc;
    if ((rc = da_cfg_uint(im, "num_transformer_layers", NULL, 0, DA_MODEL_MAX_LAYERS,
                          &s->n_layers)) ||
        (rc = da_cfg_uint(im, "model_dim", NULL, 0, DA_MODEL_MAX_DIM, &s->dim)) ||
        (rc = da_cfg_uint(im, "head_dim", NULL, 0, DA_MODEL_MAX_HEAD_DIM, &s->head_dim)) ||
        (rc = da_cfg_uint(im, "max_context_length", NULL, 2048, DA_MODEL_MAX_CTX, &s->n_ctx)) ||
        (rc = layer_list(im, "num_query_heads", DA_MODEL_MAX_HEADS, im->per_layer[0])) ||
        (rc = layer_list(im, "num_kv_heads", DA_MODEL_MAX_HEADS, im->per_layer[1])) ||
        (rc = elm_widths(im, im->per_layer[2])) ||
        (rc = da_cfg_must_be(im, im->config, "activation_fn_name", "swish")) ||
        (rc = da_cfg_must_be(im, im->config, "normalization_layer_name", "rms_norm")))
        return rc;
    if (!da_cfg_bool(im->config, "ffn_with_glu", true) ||
        !da_cfg_bool(im->config, "normalize_qk_projections", true))
        return da_fail(im->err, DA_EUNSUPPORTED,
                       "config.json: an OpenELM without gates or norms of heads");
    im->tied = da_cfg_bool(im->config, "share_input_output_layers", true);
    s->layer_heads = im->per_layer[0];
    s->layer_kv_heads = im->per_layer[1];
    s->layer_ff = im->per_layer[2];
    s->norm_eps = 1e-6;
    s->rope_base = da_cfg_double(im, "rope_freq_constant", 10000.0);
    s->n_rot = s->head_dim;
    im->names = da_names_openelm;
    return DA_OK;
}

enum da_rc da_config_mamba(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    enum da_rc rc;
    if ((rc = da_cfg_uint(im, "num_hidden_layers", "n_layer", 0, DA_MODEL_MAX_LAYERS,
                          &s->n_layers)) ||
        (rc = da_cfg_uint(im, "hidden_size", "d_model", 0, DA_MODEL_MAX_DIM, &s->dim)) ||
        (rc =
             da_cfg_uint(im, "intermediate_size", "d_inner", 2 * s->dim, 1 << 17, &s->ssm_inner)) ||
        (rc = da_cfg_uint(im, "conv_kernel", "d_conv", 4, 16, &s->ssm_conv)) ||
        (rc = da_cfg_uint(im, "state_size", "d_state", 16, 256, &s->ssm_state)) ||
        (rc = da_cfg_uint(im, "time_step_rank", "dt_rank", (s->dim + 15) / 16, 1 << 16,
                          &s->ssm_rank)) ||
        (rc = da_cfg_must_be(im, im->config, "hidden_act", "silu")))
        return rc;
    if (!da_cfg_bool(im->config, "use_conv_bias", true))
        return da_fail(im->err, DA_EUNSUPPORTED, "config.json: a Mamba without 'use_conv_bias'");
    s->norm_eps = da_cfg_double(im, "layer_norm_epsilon", 1e-5);
    s->n_ctx = 1 << 20; /* as llama.cpp's files: the state has no length */
    im->names = da_names_mamba;
    return DA_OK;
}

enum da_rc da_config_t5(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    struct da_span act = da_span_str("relu");
    int64_t start = 0;
    enum da_rc rc;
    if ((rc = da_cfg_uint(im, "num_layers", NULL, 0, DA_MODEL_MAX_LAYERS, &s->n_layers)) ||
        (rc = da_cfg_uint(im, "num_decoder_layers", NULL, s->n_layers, DA_MODEL_MAX_LAYERS,
                          &s->n_dec_layers)) ||
        (rc = da_cfg_uint(im, "d_model", NULL, 0, DA_MODEL_MAX_DIM, &s->dim)) ||
        (rc = da_cfg_uint(im, "num_heads", NULL, 0, DA_MODEL_MAX_HEADS, &s->n_heads)) ||
        (rc = da_cfg_uint(im, "d_kv", NULL, s->dim / s->n_heads, DA_MODEL_MAX_HEAD_DIM,
                          &s->head_dim)) ||
        (rc = da_cfg_uint(im, "d_ff", NULL, 0, 1 << 20, &s->ff_dim)) ||
        (rc = da_cfg_uint(im, "n_positions", NULL, 512, DA_MODEL_MAX_CTX, &s->n_ctx)) ||
        (rc = da_cfg_uint(im, "relative_attention_num_buckets", NULL, 32, 1 << 12,
                          &s->rel_buckets)) ||
        (rc = da_cfg_uint(im, "relative_attention_max_distance", NULL, 128, 1 << 20,
                          &s->rel_distance)))
        return rc;
    (void)da_json_str(da_json_get(im->config, "feed_forward_proj"), &act);
    if (!da_span_is(act, "relu") && !da_span_is(act, "gated-gelu"))
        return da_fail(im->err, DA_EUNSUPPORTED,
                       "config.json: 'feed_forward_proj' is '%.*s'; 'relu' and 'gated-gelu' are "
                       "supported",
                       (int)(act.len < 32 ? act.len : 32), act.p);
    (void)da_json_int(da_json_get(im->config, "decoder_start_token_id"), &start);
    if (start < 0 || start >= DA_MODEL_MAX_VOCAB)
        return da_fail(im->err, DA_EFORMAT, "config.json: 'decoder_start_token_id' is impossible");
    s->start_token = (uint32_t)start;
    s->n_kv_heads = s->n_heads;
    s->norm_eps = da_cfg_double(im, "layer_norm_epsilon", 1e-6);
    /* the first T5 scales what comes out; files say so by this name, or older ones by the other */
    bool scaled = da_cfg_bool(im->config, "scale_decoder_outputs",
                              da_cfg_bool(im->config, "tie_word_embeddings", true));
    s->logit_scale = da_span_is(im->model_type, "t5") && scaled ? sqrt((double)s->dim) : 1.0;
    im->names = da_names_t5;
    return DA_OK;
}
