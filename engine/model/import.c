/*
 * Import: config.json chooses the family and its sizes, a table maps each
 * family's tensor names and says how rows change on the way, and every row
 * passes through da_build_write. A tensor the table does not know is an error.
 */
#include "engine/model/import.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io.h"
#include "common/json.h"
#include "common/mem.h"
#include "engine/model/build.h"
#include "engine/model/import_encoder.h"
#include "engine/model/model.h"
#include "engine/model/weights.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/vocab.h"

enum row_op {
    ROW_PLAIN,
    ROW_PERMUTE_Q, /* halves to pairs, per head: GGUF's order for llama's rope */
    ROW_PERMUTE_K,
    ROW_TRANSPOSE, /* GPT-2 stores [in][out] */
    ROW_PLUS_ONE,  /* Gemma's norms are stored minus one */
    ROW_QKV_HEADS, /* GPT-NeoX and BLOOM: q, k, v of a head lie together */
    ROW_ROPE,      /* computed: divisors of the rope frequencies */
    ROW_SKIP       /* buffers that are no weights */
};

struct name_map {
    const char *from; /* "%" stands for the layer's number */
    const char *to;
    enum row_op op;
};

static const struct name_map LLAMA_NAMES[] = {
    {"model.embed_tokens.weight", "token_embd.weight", ROW_PLAIN},
    {"model.norm.weight", "output_norm.weight", ROW_PLAIN},
    {"lm_head.weight", "output.weight", ROW_PLAIN},
    {"model.layers.%.input_layernorm.weight", "blk.%.attn_norm.weight", ROW_PLAIN},
    {"model.layers.%.self_attn.q_proj.weight", "blk.%.attn_q.weight", ROW_PERMUTE_Q},
    {"model.layers.%.self_attn.k_proj.weight", "blk.%.attn_k.weight", ROW_PERMUTE_K},
    {"model.layers.%.self_attn.v_proj.weight", "blk.%.attn_v.weight", ROW_PLAIN},
    {"model.layers.%.self_attn.o_proj.weight", "blk.%.attn_output.weight", ROW_PLAIN},
    {"model.layers.%.self_attn.q_proj.bias", "blk.%.attn_q.bias", ROW_PERMUTE_Q},
    {"model.layers.%.self_attn.k_proj.bias", "blk.%.attn_k.bias", ROW_PERMUTE_K},
    {"model.layers.%.self_attn.v_proj.bias", "blk.%.attn_v.bias", ROW_PLAIN},
    {"model.layers.%.self_attn.o_proj.bias", "blk.%.attn_output.bias", ROW_PLAIN},
    {"model.layers.%.self_attn.q_norm.weight", "blk.%.attn_q_norm.weight", ROW_PLAIN},
    {"model.layers.%.self_attn.k_norm.weight", "blk.%.attn_k_norm.weight", ROW_PLAIN},
    {"model.layers.%.self_attn.qkv_proj.weight", "blk.%.attn_qkv.weight", ROW_PLAIN},
    {"model.layers.%.self_attn.rotary_emb.inv_freq", "", ROW_SKIP},
    {"model.layers.%.post_attention_layernorm.weight", "blk.%.ffn_norm.weight", ROW_PLAIN},
    {"model.layers.%.mlp.gate_proj.weight", "blk.%.ffn_gate.weight", ROW_PLAIN},
    {"model.layers.%.mlp.up_proj.weight", "blk.%.ffn_up.weight", ROW_PLAIN},
    {"model.layers.%.mlp.down_proj.weight", "blk.%.ffn_down.weight", ROW_PLAIN},
    {"model.layers.%.mlp.gate_up_proj.weight", "blk.%.ffn_up.weight", ROW_PLAIN},
    {"model.layers.%.mlp.gate_proj.bias", "blk.%.ffn_gate.bias", ROW_PLAIN},
    {"model.layers.%.mlp.up_proj.bias", "blk.%.ffn_up.bias", ROW_PLAIN},
    {"model.layers.%.mlp.down_proj.bias", "blk.%.ffn_down.bias", ROW_PLAIN},
    {NULL, NULL, ROW_PLAIN},
};

/* Gemma-2 names four norms; the two of the post kind come after their block. */
static const struct name_map GEMMA2_NAMES[] = {
    {"model.norm.weight", "output_norm.weight", ROW_PLUS_ONE},
    {"model.layers.%.input_layernorm.weight", "blk.%.attn_norm.weight", ROW_PLUS_ONE},
    {"model.layers.%.post_attention_layernorm.weight", "blk.%.post_attention_norm.weight",
     ROW_PLUS_ONE},
    {"model.layers.%.pre_feedforward_layernorm.weight", "blk.%.ffn_norm.weight", ROW_PLUS_ONE},
    {"model.layers.%.post_feedforward_layernorm.weight", "blk.%.post_ffw_norm.weight",
     ROW_PLUS_ONE},
    {NULL, NULL, ROW_PLAIN},
};

static const struct name_map GEMMA_NAMES[] = {
    {"model.norm.weight", "output_norm.weight", ROW_PLUS_ONE},
    {"model.layers.%.input_layernorm.weight", "blk.%.attn_norm.weight", ROW_PLUS_ONE},
    {"model.layers.%.post_attention_layernorm.weight", "blk.%.ffn_norm.weight", ROW_PLUS_ONE},
    {NULL, NULL, ROW_PLAIN},
};

/* llm-foundry's names, and the GPT-2-like ones of MLC's SlimLM. */
static const struct name_map MPT_NAMES[] = {
    {"transformer.wte.weight", "token_embd.weight", ROW_PLAIN},
    {"transformer.wpe.weight", "position_embd.weight", ROW_PLAIN},
    {"transformer.norm_f.weight", "output_norm.weight", ROW_PLAIN},
    {"transformer.norm_f.bias", "output_norm.bias", ROW_PLAIN},
    {"transformer.blocks.%.norm_1.weight", "blk.%.attn_norm.weight", ROW_PLAIN},
    {"transformer.blocks.%.norm_1.bias", "blk.%.attn_norm.bias", ROW_PLAIN},
    {"transformer.blocks.%.norm_2.weight", "blk.%.ffn_norm.weight", ROW_PLAIN},
    {"transformer.blocks.%.norm_2.bias", "blk.%.ffn_norm.bias", ROW_PLAIN},
    {"transformer.blocks.%.attn.Wqkv.weight", "blk.%.attn_qkv.weight", ROW_PLAIN},
    {"transformer.blocks.%.attn.Wqkv.bias", "blk.%.attn_qkv.bias", ROW_PLAIN},
    {"transformer.blocks.%.attn.out_proj.weight", "blk.%.attn_output.weight", ROW_PLAIN},
    {"transformer.blocks.%.attn.out_proj.bias", "blk.%.attn_output.bias", ROW_PLAIN},
    {"transformer.blocks.%.ffn.up_proj.weight", "blk.%.ffn_up.weight", ROW_PLAIN},
    {"transformer.blocks.%.ffn.up_proj.bias", "blk.%.ffn_up.bias", ROW_PLAIN},
    {"transformer.blocks.%.ffn.down_proj.weight", "blk.%.ffn_down.weight", ROW_PLAIN},
    {"transformer.blocks.%.ffn.down_proj.bias", "blk.%.ffn_down.bias", ROW_PLAIN},
    {"transformer.ln_f.weight", "output_norm.weight", ROW_PLAIN},
    {"transformer.ln_f.bias", "output_norm.bias", ROW_PLAIN},
    {"transformer.h.%.ln_1.weight", "blk.%.attn_norm.weight", ROW_PLAIN},
    {"transformer.h.%.ln_1.bias", "blk.%.attn_norm.bias", ROW_PLAIN},
    {"transformer.h.%.ln_2.weight", "blk.%.ffn_norm.weight", ROW_PLAIN},
    {"transformer.h.%.ln_2.bias", "blk.%.ffn_norm.bias", ROW_PLAIN},
    {"transformer.h.%.attn.c_attn.weight", "blk.%.attn_qkv.weight", ROW_PLAIN},
    {"transformer.h.%.attn.c_attn.bias", "blk.%.attn_qkv.bias", ROW_PLAIN},
    {"transformer.h.%.attn.c_proj.weight", "blk.%.attn_output.weight", ROW_PLAIN},
    {"transformer.h.%.attn.c_proj.bias", "blk.%.attn_output.bias", ROW_PLAIN},
    {"transformer.h.%.ffn.c_fc.weight", "blk.%.ffn_up.weight", ROW_PLAIN},
    {"transformer.h.%.ffn.c_fc.bias", "blk.%.ffn_up.bias", ROW_PLAIN},
    {"transformer.h.%.ffn.c_proj.weight", "blk.%.ffn_down.weight", ROW_PLAIN},
    {"transformer.h.%.ffn.c_proj.bias", "blk.%.ffn_down.bias", ROW_PLAIN},
    {NULL, NULL, ROW_PLAIN},
};

static const struct name_map GPT2_NAMES[] = {
    {"transformer.wte.weight", "token_embd.weight", ROW_PLAIN},
    {"transformer.wpe.weight", "position_embd.weight", ROW_PLAIN},
    {"transformer.ln_f.weight", "output_norm.weight", ROW_PLAIN},
    {"transformer.ln_f.bias", "output_norm.bias", ROW_PLAIN},
    {"lm_head.weight", "output.weight", ROW_PLAIN},
    {"transformer.h.%.ln_1.weight", "blk.%.attn_norm.weight", ROW_PLAIN},
    {"transformer.h.%.ln_1.bias", "blk.%.attn_norm.bias", ROW_PLAIN},
    {"transformer.h.%.ln_2.weight", "blk.%.ffn_norm.weight", ROW_PLAIN},
    {"transformer.h.%.ln_2.bias", "blk.%.ffn_norm.bias", ROW_PLAIN},
    {"transformer.h.%.attn.c_attn.weight", "blk.%.attn_qkv.weight", ROW_TRANSPOSE},
    {"transformer.h.%.attn.c_attn.bias", "blk.%.attn_qkv.bias", ROW_PLAIN},
    {"transformer.h.%.attn.c_proj.weight", "blk.%.attn_output.weight", ROW_TRANSPOSE},
    {"transformer.h.%.attn.c_proj.bias", "blk.%.attn_output.bias", ROW_PLAIN},
    {"transformer.h.%.attn.bias", "", ROW_SKIP},
    {"transformer.h.%.attn.masked_bias", "", ROW_SKIP},
    {"transformer.h.%.mlp.c_fc.weight", "blk.%.ffn_up.weight", ROW_TRANSPOSE},
    {"transformer.h.%.mlp.c_fc.bias", "blk.%.ffn_up.bias", ROW_PLAIN},
    {"transformer.h.%.mlp.c_proj.weight", "blk.%.ffn_down.weight", ROW_TRANSPOSE},
    {"transformer.h.%.mlp.c_proj.bias", "blk.%.ffn_down.bias", ROW_PLAIN},
    {NULL, NULL, ROW_PLAIN},
};

/* GPT-BigCode is GPT-2 with plain linear layers and one key head: looked at before GPT2_NAMES. */
static const struct name_map BIGCODE_NAMES[] = {
    {"transformer.h.%.attn.c_attn.weight", "blk.%.attn_qkv.weight", ROW_PLAIN},
    {"transformer.h.%.attn.c_proj.weight", "blk.%.attn_output.weight", ROW_PLAIN},
    {"transformer.h.%.mlp.c_fc.weight", "blk.%.ffn_up.weight", ROW_PLAIN},
    {"transformer.h.%.mlp.c_proj.weight", "blk.%.ffn_down.weight", ROW_PLAIN},
    {NULL, NULL, ROW_PLAIN},
};

static const struct name_map NEOX_NAMES[] = {
    {"gpt_neox.embed_in.weight", "token_embd.weight", ROW_PLAIN},
    {"embed_out.weight", "output.weight", ROW_PLAIN},
    {"lm_head.weight", "output.weight", ROW_PLAIN},
    {"gpt_neox.final_layer_norm.weight", "output_norm.weight", ROW_PLAIN},
    {"gpt_neox.final_layer_norm.bias", "output_norm.bias", ROW_PLAIN},
    {"gpt_neox.layers.%.input_layernorm.weight", "blk.%.attn_norm.weight", ROW_PLAIN},
    {"gpt_neox.layers.%.input_layernorm.bias", "blk.%.attn_norm.bias", ROW_PLAIN},
    {"gpt_neox.layers.%.post_attention_layernorm.weight", "blk.%.ffn_norm.weight", ROW_PLAIN},
    {"gpt_neox.layers.%.post_attention_layernorm.bias", "blk.%.ffn_norm.bias", ROW_PLAIN},
    {"gpt_neox.layers.%.attention.query_key_value.weight", "blk.%.attn_qkv.weight", ROW_QKV_HEADS},
    {"gpt_neox.layers.%.attention.query_key_value.bias", "blk.%.attn_qkv.bias", ROW_QKV_HEADS},
    {"gpt_neox.layers.%.attention.dense.weight", "blk.%.attn_output.weight", ROW_PLAIN},
    {"gpt_neox.layers.%.attention.dense.bias", "blk.%.attn_output.bias", ROW_PLAIN},
    {"gpt_neox.layers.%.attention.bias", "", ROW_SKIP},
    {"gpt_neox.layers.%.attention.masked_bias", "", ROW_SKIP},
    {"gpt_neox.layers.%.attention.rotary_emb.inv_freq", "", ROW_SKIP},
    {"gpt_neox.layers.%.mlp.dense_h_to_4h.weight", "blk.%.ffn_up.weight", ROW_PLAIN},
    {"gpt_neox.layers.%.mlp.dense_h_to_4h.bias", "blk.%.ffn_up.bias", ROW_PLAIN},
    {"gpt_neox.layers.%.mlp.dense_4h_to_h.weight", "blk.%.ffn_down.weight", ROW_PLAIN},
    {"gpt_neox.layers.%.mlp.dense_4h_to_h.bias", "blk.%.ffn_down.bias", ROW_PLAIN},
    {NULL, NULL, ROW_PLAIN},
};

static const struct name_map BLOOM_NAMES[] = {
    {"transformer.word_embeddings.weight", "token_embd.weight", ROW_PLAIN},
    {"transformer.word_embeddings_layernorm.weight", "token_embd_norm.weight", ROW_PLAIN},
    {"transformer.word_embeddings_layernorm.bias", "token_embd_norm.bias", ROW_PLAIN},
    {"transformer.ln_f.weight", "output_norm.weight", ROW_PLAIN},
    {"transformer.ln_f.bias", "output_norm.bias", ROW_PLAIN},
    {"lm_head.weight", "output.weight", ROW_PLAIN},
    {"transformer.h.%.input_layernorm.weight", "blk.%.attn_norm.weight", ROW_PLAIN},
    {"transformer.h.%.input_layernorm.bias", "blk.%.attn_norm.bias", ROW_PLAIN},
    {"transformer.h.%.post_attention_layernorm.weight", "blk.%.ffn_norm.weight", ROW_PLAIN},
    {"transformer.h.%.post_attention_layernorm.bias", "blk.%.ffn_norm.bias", ROW_PLAIN},
    {"transformer.h.%.self_attention.query_key_value.weight", "blk.%.attn_qkv.weight",
     ROW_QKV_HEADS},
    {"transformer.h.%.self_attention.query_key_value.bias", "blk.%.attn_qkv.bias", ROW_QKV_HEADS},
    {"transformer.h.%.self_attention.dense.weight", "blk.%.attn_output.weight", ROW_PLAIN},
    {"transformer.h.%.self_attention.dense.bias", "blk.%.attn_output.bias", ROW_PLAIN},
    {"transformer.h.%.mlp.dense_h_to_4h.weight", "blk.%.ffn_up.weight", ROW_PLAIN},
    {"transformer.h.%.mlp.dense_h_to_4h.bias", "blk.%.ffn_up.bias", ROW_PLAIN},
    {"transformer.h.%.mlp.dense_4h_to_h.weight", "blk.%.ffn_down.weight", ROW_PLAIN},
    {"transformer.h.%.mlp.dense_4h_to_h.bias", "blk.%.ffn_down.bias", ROW_PLAIN},
    {NULL, NULL, ROW_PLAIN},
};

struct importer {
    const char *folder;
    const struct da_import_opts *opts;
    struct da_json *root;         /* owned */
    const struct da_json *config; /* root, or the part of it that holds the sizes */
    struct da_safetensors *st;
    struct da_build_shape shape;
    const struct da_family *family;
    const struct name_map *names, *more; /* more: looked at first; may be NULL */
    struct da_build_tensor *tensors;     /* src: struct source of the same index */
    struct source *sources;
    size_t n, cap;
    bool tied;
    bool no_permute; /* rope halves stay */
    struct da_span model_type;
    struct {
        double factor, low, high, old_ctx;
    } rope; /* Llama 3's; factor 0: none */
    struct da_err *err;
};

struct source {
    const struct da_st_tensor *t;
    enum row_op op;
};

/* --- config.json ------------------------------------------------------------------- */

static enum da_rc cfg_uint(struct importer *im, const char *name, const char *other, uint32_t def,
                           uint32_t max, uint32_t *out)
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

static double cfg_double(const struct importer *im, const char *name, double def)
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
static enum da_rc cfg_must_be(struct importer *im, const struct da_json *obj, const char *name,
                              const char *want)
{
    struct da_span v;
    if (!da_json_str(da_json_get(obj, name), &v) || da_span_is(v, want))
        return DA_OK;
    return da_fail(im->err, DA_EUNSUPPORTED, "config.json: '%s' is '%.*s'; only '%s' is supported",
                   name, (int)(v.len < 32 ? v.len : 32), v.p, want);
}

/* Rope base and scaling: none, or Llama 3's. */
static enum da_rc read_rope(struct importer *im, bool llama3_allowed)
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
static enum da_rc read_window(struct importer *im, struct da_span type)
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

static enum da_rc llama_config(struct importer *im)
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
    im->names = LLAMA_NAMES;
    im->no_permute = im->family->positions != DA_POS_ROPE_PAIR;
    if (strcmp(s->family, "llama") == 0 || im->family->qkv_biases || im->family->qk_norm)
        return cfg_must_be(im, im->config, "hidden_act", "silu");
    if (im->family->embd_scale) {
        im->more = im->family->post_norms ? GEMMA2_NAMES : GEMMA_NAMES;
        s->attn_softcap = cfg_double(im, "attn_logit_softcapping", 0.0);
        s->logit_softcap = cfg_double(im, "final_logit_softcapping", 0.0);
        if (im->family->post_norms)
            rc = cfg_uint(im, "sliding_window", NULL, 4096, UINT32_MAX, &s->window);
    }
    return rc;
}

static enum da_rc mpt_config(struct importer *im)
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
    im->names = MPT_NAMES;
    im->tied = true;
    return DA_OK;
}

static enum da_rc gpt2_config(struct importer *im)
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
    im->names = GPT2_NAMES;
    return DA_OK;
}

static enum da_rc bigcode_config(struct importer *im)
{
    enum da_rc rc = gpt2_config(im);
    if (rc)
        return rc;
    if (!cfg_bool(im->config, "multi_query", true))
        return da_fail(im->err, DA_EUNSUPPORTED, "config.json: GPT-BigCode without multi_query");
    im->shape.n_kv_heads = 1;
    im->more = BIGCODE_NAMES;
    return DA_OK;
}

static enum da_rc neox_config(struct importer *im)
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
    im->names = NEOX_NAMES;
    return DA_OK;
}

static enum da_rc bloom_config(struct importer *im)
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
    im->names = BLOOM_NAMES;
    return DA_OK;
}

static const struct {
    const char *model_type, *family;
    enum da_rc (*config)(struct importer *im);
    bool tied; /* when config.json does not say */
} TYPES[] = {
    {"llama", "llama", llama_config, false},  {"mistral", "llama", llama_config, false},
    {"qwen2", "qwen2", llama_config, false},  {"qwen3", "qwen3", llama_config, false},
    {"phi3", "phi3", llama_config, false},    {"gemma", "gemma", llama_config, true},
    {"gemma2", "gemma2", llama_config, true}, {"mpt", "mpt", mpt_config, true},
    {"gpt2", "gpt2", gpt2_config, true},      {"gpt_neox", "gptneox", neox_config, false},
    {"bloom", "bloom", bloom_config, true},   {"gpt_bigcode", "starcoder", bigcode_config, true},
};

static enum da_rc read_config(struct importer *im)
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

/* --- tensors -------------------------------------------------------------------------- */

/* Matches name against a pattern; *layer is the number in place of '%'. */
static bool match(const char *pattern, const char *name, uint32_t *layer)
{
    const char *star = strchr(pattern, '%');
    *layer = 0;
    if (!star)
        return strcmp(pattern, name) == 0;
    size_t n = (size_t)(star - pattern), digits = 0;
    if (strncmp(pattern, name, n) != 0)
        return false;
    while (name[n + digits] >= '0' && name[n + digits] <= '9' && digits < 5)
        *layer = *layer * 10 + (uint32_t)(name[n + digits++] - '0');
    return digits > 0 && strcmp(star + 1, name + n + digits) == 0;
}

static const struct name_map *find_name(const struct importer *im, const char *name,
                                        uint32_t *layer)
{
    char longer[160];
    const struct name_map *lists[2] = {im->more, im->names};
    /* checkpoints of the bare model leave the wrapper's name out */
    snprintf(longer, sizeof longer, "transformer.%s", name);
    for (int k = 0; k < 2; k++)
        for (const struct name_map *m = lists[k]; m && m->from; m++)
            if (match(m->from, name, layer) || match(m->from, longer, layer))
                return m;
    return NULL;
}

static enum da_rc add_tensor(struct importer *im, const struct da_st_tensor *t,
                             const struct name_map *m, uint32_t layer)
{
    struct da_build_tensor out = {.vector = t->n_dims == 1};
    const char *star = strchr(m->to, '%');
    bool turn = m->op == ROW_TRANSPOSE;
    if (t->type == DA_Q_I32)
        return da_fail(im->err, DA_EUNSUPPORTED, "tensor '%.64s' is not F32, F16 or BF16", t->name);
    if (t->n_dims < 1 || t->n_dims > 2 || t->dims[0] > UINT32_MAX / 4 ||
        (t->n_dims == 2 && t->dims[1] > UINT32_MAX / 64) || (turn && t->n_dims != 2))
        return da_fail(im->err, DA_EFORMAT, "tensor '%.64s' has an unexpected shape", t->name);
    if (star)
        snprintf(out.name, sizeof out.name, "%.*s%" PRIu32 "%s", (int)(star - m->to), m->to, layer,
                 star + 1);
    else
        snprintf(out.name, sizeof out.name, "%s", m->to);
    out.n_cols = (uint32_t)t->dims[out.vector || turn ? 0 : 1];
    out.n_rows = out.vector ? 1 : (uint32_t)t->dims[turn ? 1 : 0];
    out.type = da_build_type(im->opts->type, out.name, out.n_cols, out.vector);
    DA_GROW(im->tensors, im->n, im->cap);
    im->tensors[im->n++] = out;
    if (strcmp(out.name, "token_embd.weight") == 0)
        im->shape.n_vocab = out.n_rows;
    return DA_OK;
}

static enum da_rc map_tensors(struct importer *im, struct da_import_stats *stats)
{
    size_t total = da_safetensors_n(im->st);
    im->sources = da_calloc(total + 1, sizeof *im->sources);
    for (size_t i = 0; i < total; i++) {
        const struct da_st_tensor *t = da_safetensors_at(im->st, i);
        uint32_t layer;
        const struct name_map *m = find_name(im, t->name, &layer);
        if (!m)
            return da_fail(im->err, DA_EUNSUPPORTED, "%s: tensor '%.64s' is not part of %s",
                           im->folder, t->name, im->shape.family);
        if (m->op == ROW_SKIP || (im->tied && strcmp(m->to, "output.weight") == 0))
            continue;
        im->sources[im->n] = (struct source){t, m->op};
        enum da_rc rc = add_tensor(im, t, m, layer);
        if (rc)
            return rc;
        const struct da_build_tensor *b = &im->tensors[im->n - 1];
        stats->n_params += (uint64_t)b->n_cols * b->n_rows;
        stats->n_fallback += b->type == DA_Q_F16 && im->opts->type != DA_Q_F16;
    }
    if (im->rope.factor > 0) {
        struct da_build_tensor t = {.name = "rope_freqs.weight",
                                    .type = DA_Q_F32,
                                    .n_cols = im->shape.n_rot / 2,
                                    .n_rows = 1,
                                    .vector = true};
        im->sources[im->n] = (struct source){NULL, ROW_ROPE};
        DA_GROW(im->tensors, im->n, im->cap);
        im->tensors[im->n++] = t;
    }
    for (size_t i = 0; i < im->n; i++) {
        const struct source *src = &im->sources[i];
        im->tensors[i].src = src;
        if (src->t && src->op == ROW_PLAIN && src->t->type == DA_Q_Q4_0 &&
            im->tensors[i].type == DA_Q_Q4_0)
            im->tensors[i].raw = src->t->data; /* rounding again would not give the same blocks */
    }
    stats->n_tensors = (uint32_t)im->n;
    stats->family = im->shape.family;
    return im->shape.n_vocab
               ? DA_OK
               : da_fail(im->err, DA_EFORMAT, "%s: the embedding is missing", im->folder);
}

/* Row of the source that becomes row r: heads' halves interleaved. */
static uint32_t pair_row(uint32_t r, uint32_t head_dim)
{
    uint32_t h = r / head_dim, i = r % head_dim;
    return h * head_dim + i % 2 * (head_dim / 2) + i / 2;
}

static uint32_t source_row(const struct importer *im, enum row_op op, uint32_t r)
{
    const struct da_build_shape *s = &im->shape;
    if ((op == ROW_PERMUTE_Q || op == ROW_PERMUTE_K) && !im->no_permute)
        return pair_row(r, s->head_dim);
    if (op == ROW_QKV_HEADS) { /* row r of q, k or v of a head */
        uint32_t all = s->n_heads * s->head_dim, part = r / all, h = r % all / s->head_dim;
        return (h * 3 + part) * s->head_dim + r % s->head_dim;
    }
    return r;
}

/* Llama 3.1's rule: long waves are slowed by the factor, short ones stay, between them it blends.
 * Source: transformers, modeling_rope_utils.py, rope type "llama3". */
static void rope_divisors(const struct importer *im, uint32_t n, float *out)
{
    const double low_wave = im->rope.old_ctx / im->rope.low;
    const double high_wave = im->rope.old_ctx / im->rope.high;
    for (uint32_t i = 0; i < n; i++) {
        double wave = 2.0 * acos(-1.0) * pow(im->shape.rope_base, (double)i / n);
        double blend = (im->rope.old_ctx / wave - im->rope.low) / (im->rope.high - im->rope.low);
        double between = 1.0 / ((1.0 - blend) / im->rope.factor + blend);
        out[i] = (float)(wave < high_wave ? 1.0 : wave > low_wave ? im->rope.factor : between);
    }
}

static void import_row(void *ctx, const struct da_build_tensor *t, uint32_t row, float *out)
{
    const struct importer *im = ctx;
    const struct source *src = t->src;
    if (src->op == ROW_ROPE) {
        rope_divisors(im, t->n_cols, out);
        return;
    }
    const size_t width = da_qtype_info(src->t->type)->block_bytes;
    if (t->vector || src->op == ROW_TRANSPOSE) { /* element by element */
        size_t stride = src->op == ROW_TRANSPOSE ? t->n_rows : 1;
        for (uint32_t i = 0; i < t->n_cols; i++) {
            size_t at = src->op == ROW_TRANSPOSE ? i * stride + row : source_row(im, src->op, i);
            da_dequantize(src->t->type, src->t->data + at * width, &out[i], 1);
        }
    } else {
        uint64_t bytes = 0;
        (void)da_qtype_row_bytes(src->t->type, t->n_cols, &bytes); /* readers give whole blocks */
        da_dequantize(src->t->type, src->t->data + source_row(im, src->op, row) * bytes, out,
                      t->n_cols);
    }
    for (uint32_t i = 0; src->op == ROW_PLUS_ONE && i < t->n_cols; i++)
        out[i] += 1.0f;
}

/* Rows that are reordered must be as many as the order speaks of. */
static enum da_rc check_orders(struct importer *im)
{
    const struct da_build_shape *s = &im->shape;
    for (size_t i = 0; i < im->n; i++) {
        uint32_t rows = im->tensors[i].vector ? im->tensors[i].n_cols : im->tensors[i].n_rows;
        uint32_t q = s->n_heads * s->head_dim, kv = s->n_kv_heads * s->head_dim;
        enum row_op op = im->sources[i].op;
        uint32_t want = op == ROW_PERMUTE_Q   ? q
                        : op == ROW_PERMUTE_K ? kv
                        : op == ROW_QKV_HEADS ? 3 * q
                                              : rows;
        if (rows != want)
            return da_fail(im->err, DA_EFORMAT,
                           "tensor '%.64s' has %" PRIu32 " rows; config.json makes it %" PRIu32,
                           im->sources[i].t->name, rows, want);
    }
    return DA_OK;
}

/* MLC keeps other families' matrices fused or turned; its MPT is as the table says. */
static enum da_rc open_weights(struct importer *im)
{
    enum da_weights_kind kind;
    enum da_rc rc = da_weights_open(&im->st, im->folder, &kind, im->err);
    if (!rc && kind == DA_WEIGHTS_MLC && im->names != MPT_NAMES)
        rc = da_fail(im->err, DA_EUNSUPPORTED,
                     "%s: MLC weights of model_type '%.*s' are not supported; only 'mpt' is",
                     im->folder, (int)(im->model_type.len < 32 ? im->model_type.len : 32),
                     im->model_type.p);
    return rc;
}

/* The last part of the folder's path. */
static char *folder_name(const char *folder)
{
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/')
        len--;
    size_t from = len;
    while (from > 0 && folder[from - 1] != '/')
        from--;
    return da_strndup(folder + from, len - from);
}

enum da_rc da_import(const char *folder, const char *out, const struct da_import_opts *opts,
                     struct da_import_stats *stats, struct da_err *err)
{
    struct importer im = {.folder = folder, .opts = opts, .err = err};
    struct da_tokenizer *tok = NULL;
    struct da_import_stats none;
    char *name;
    enum da_rc rc;
    if (da_import_is_encoder(folder))
        return da_import_encoder(folder, out, opts, stats, err);
    name = folder_name(folder);
    stats = stats ? stats : &none;
    memset(stats, 0, sizeof *stats);
    im.shape.name = opts->name ? opts->name : name;
    if ((rc = read_config(&im)) || (rc = open_weights(&im)) || (rc = map_tensors(&im, stats)) ||
        (rc = check_orders(&im)))
        goto out;
    if (!opts->no_tokenizer && (rc = da_tokenizer_open(&tok, folder, err)))
        goto out;
    rc = da_build_write(out, &im.shape, tok ? da_tokenizer_vocab(tok) : NULL, opts->type,
                        im.tensors, im.n, import_row, &im, opts->n_threads, err);
out:
    da_tokenizer_close(tok);
    da_safetensors_close(im.st);
    da_json_free(im.root);
    free(im.tensors);
    free(im.sources);
    free(name);
    return rc;
}
