/* Import: config.json chooses the family and its sizes; what would change the numbers and is not
 * computed is refused by name. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/buf.h"
#include "common/io.h"
#include "common/json.h"
#include "common/maths.h"
#include "common/mem.h"
#include "engine/model/import_parts.h"

enum da_rc da_cfg_uint(struct da_importer *im, const char *name, const char *other, uint32_t def,
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

double da_cfg_double(const struct da_importer *im, const char *name, double def)
{
    double v = def;
    (void)da_json_double(da_json_get(im->config, name), &v);
    return v;
}

bool da_cfg_bool(const struct da_json *obj, const char *name, bool def)
{
    bool v = def;
    (void)da_json_bool(da_json_get(obj, name), &v);
    return v;
}

/* A member that would change the numbers must have the one value we compute. */
enum da_rc da_cfg_must_be(struct da_importer *im, const struct da_json *obj, const char *name,
                          const char *want)
{
    struct da_span v;
    if (!da_json_str(da_json_get(obj, name), &v) || da_span_is(v, want))
        return DA_OK;
    return da_fail(im->err, DA_EUNSUPPORTED, "config.json: '%s' is '%.*s'; only '%s' is supported",
                   name, (int)(v.len < 32 ? v.len : 32), v.p, want);
}

enum da_rc da_cfg_activation(struct da_importer *im, const char *name, const char *def)
{
    static const struct {
        const char *name;
        enum da_mlp plain, gated;
        const char *plain_text, *gated_text; /* of docassist.activation; NULL: not computed */
    } KINDS[] = {
        {"gelu", DA_MLP_GELU_ERF, DA_MLP_GELU_ERF, "gelu", NULL},
        {"gelu_new", DA_MLP_GELU_TANH, DA_MLP_GEGLU, "gelu_tanh", "gelu_gated"},
        {"gelu_fast", DA_MLP_GELU_TANH, DA_MLP_GEGLU, "gelu_tanh", "gelu_gated"},
        {"gelu_pytorch_tanh", DA_MLP_GELU_TANH, DA_MLP_GEGLU, "gelu_tanh", "gelu_gated"},
        {"relu", DA_MLP_RELU, DA_MLP_REGLU, "relu", "relu_gated"},
        {"silu", DA_MLP_SWIGLU, DA_MLP_SWIGLU, NULL, "silu_gated"},
    };
    const enum da_mlp own = im->family->mlp;
    const bool gated = own == DA_MLP_SWIGLU || own == DA_MLP_GEGLU || own == DA_MLP_REGLU;
    struct da_span v = da_span_str(def);
    (void)da_json_str(da_json_get(im->config, name), &v);
    for (size_t i = 0; i < DA_ARRAY_LEN(KINDS); i++) {
        const char *text = gated ? KINDS[i].gated_text : KINDS[i].plain_text;
        if (!da_span_is(v, KINDS[i].name) || !text)
            continue;
        if ((gated ? KINDS[i].gated : KINDS[i].plain) != own)
            im->shape.activation = text;
        return DA_OK;
    }
    return da_fail(im->err, DA_EUNSUPPORTED, "config.json: '%s' is '%.*s', which is not supported",
                   name, (int)(v.len < 32 ? v.len : 32), v.p);
}

/* --- rope ---------------------------------------------------------------------------- */

static enum da_rc need_double(struct da_importer *im, const struct da_json *r, const char *name,
                              double *out)
{
    if (da_json_double(da_json_get(r, name), out) && *out > 0.0)
        return DA_OK;
    return da_fail(im->err, DA_EFORMAT, "config.json: rope scaling without '%s'", name);
}

/* Llama 3.1's rule: long waves are slowed by the factor, short ones stay, between them it blends.
 * Source: transformers, modeling_rope_utils.py, rope type "llama3". */
static enum da_rc llama3_scaling(struct da_importer *im, const struct da_json *r)
{
    const uint32_t n = im->shape.n_rot / 2;
    double factor = 0, low = 0, high = 0, old = 0;
    enum da_rc rc;
    if ((rc = need_double(im, r, "factor", &factor)) ||
        (rc = need_double(im, r, "low_freq_factor", &low)) ||
        (rc = need_double(im, r, "high_freq_factor", &high)) ||
        (rc = need_double(im, r, "original_max_position_embeddings", &old)))
        return rc;
    if (high <= low)
        return da_fail(im->err, DA_EFORMAT, "config.json: rope's high_freq_factor is too low");
    im->rope_freqs.n = n;
    for (uint32_t i = 0; i < n; i++) {
        double wave = 2.0 * DA_PI * da_pow(im->shape.rope_base, (double)i / n);
        double blend = (old / wave - low) / (high - low);
        double between = 1.0 / ((1.0 - blend) / factor + blend);
        im->rope_freqs.v[i] = wave < old / high ? 1.0 : wave > old / low ? factor : between;
    }
    return DA_OK;
}

static enum da_rc factor_list(struct da_importer *im, const struct da_json *list, const char *name,
                              uint32_t *n, double *v)
{
    *n = 0;
    for (const struct da_json *j = da_json_first(list); j; j = da_json_next(j))
        if (*n == im->shape.n_rot / 2 || !da_json_double(j, &v[(*n)++]))
            break;
    if (*n == im->shape.n_rot / 2 && da_json_len(list) == *n)
        return DA_OK;
    return da_fail(im->err, DA_EFORMAT, "config.json: '%s' is not a list of %" PRIu32 " numbers",
                   name, im->shape.n_rot / 2);
}

/* LongRoPE: two lists of divisors, for sequences within the old context and beyond it. */
static enum da_rc long_scaling(struct da_importer *im, const struct da_json *r)
{
    struct da_build_shape *s = &im->shape;
    double old = da_cfg_double(im, "original_max_position_embeddings", 0.0);
    enum da_rc rc;
    (void)da_json_double(da_json_get(r, "original_max_position_embeddings"), &old);
    if (old < 1.0 || old > DA_MODEL_MAX_CTX)
        return da_fail(im->err, DA_EFORMAT,
                       "config.json: long rope without 'original_max_position_embeddings'");
    if ((rc = factor_list(im, da_json_get(r, "short_factor"), "short_factor", &im->rope_short.n,
                          im->rope_short.v)) ||
        (rc = factor_list(im, da_json_get(r, "long_factor"), "long_factor", &im->rope_long.n,
                          im->rope_long.v)))
        return rc;
    s->rope_scaling = "longrope";
    s->rope_old_ctx = (uint32_t)old;
    double more = s->n_ctx / old;
    s->rope_attn_factor = more <= 1.0 ? 1.0 : sqrt(1.0 + da_log(more) / da_log(old));
    (void)da_json_double(da_json_get(r, "attention_factor"), &s->rope_attn_factor);
    return DA_OK;
}

/* Of cosines and sines (arXiv 2309.00071, section 3.4, with DeepSeek's weight). */
static double yarn_scale(double factor, double weight)
{
    return factor <= 1.0 ? 1.0 : 1.0 + 0.1 * weight * da_log(factor);
}

static enum da_rc yarn_scaling(struct da_importer *im, const struct da_json *r)
{
    struct da_build_shape *s = &im->shape;
    double old = s->n_ctx, mscale = 0.0, all_dims = 0.0, total = 0.0;
    enum da_rc rc = need_double(im, r, "factor", &s->rope_factor);
    if (rc)
        return rc;
    if (!da_cfg_bool(r, "truncate", true))
        return da_fail(im->err, DA_EUNSUPPORTED, "config.json: YaRN without 'truncate'");
    (void)da_json_double(da_json_get(r, "original_max_position_embeddings"), &old);
    (void)da_json_double(da_json_get(r, "mscale"), &mscale);
    (void)da_json_double(da_json_get(r, "mscale_all_dim"), &all_dims);
    if (!da_json_double(da_json_get(r, "attention_factor"), &total) && mscale != 0.0 &&
        all_dims != 0.0)
        total = yarn_scale(s->rope_factor, mscale) / yarn_scale(s->rope_factor, all_dims);
    if (total != 0.0) /* the key's number comes on top of the usual one */
        s->rope_attn_factor = total / yarn_scale(s->rope_factor, 1.0);
    (void)da_json_double(da_json_get(r, "beta_fast"), &s->rope_beta_fast);
    (void)da_json_double(da_json_get(r, "beta_slow"), &s->rope_beta_slow);
    if (!(old >= 1.0 && old <= DA_MODEL_MAX_CTX))
        return da_fail(im->err, DA_EFORMAT, "config.json: rope's old context is impossible");
    s->rope_scaling = "yarn";
    s->rope_old_ctx = (uint32_t)old;
    return DA_OK;
}

enum da_rc da_cfg_rope(struct da_importer *im)
{
    struct da_build_shape *s = &im->shape;
    const struct da_json *r = da_json_get(im->config, "rope_scaling"), *all;
    struct da_span type;
    double v;
    if (!r || da_json_type(r) != DA_JSON_OBJECT)
        r = da_json_get(im->config, "rope_parameters");
    if ((all = da_json_get(r, "full_attention"))) { /* Gemma-3: one for each kind of layer */
        (void)da_json_double(da_json_get(da_json_get(r, "sliding_attention"), "rope_theta"),
                             &s->rope_base_window);
        r = all;
    }
    if (da_json_double(da_json_get(r, "rope_theta"), &v))
        s->rope_base = v;
    if (da_json_double(da_json_get(r, "partial_rotary_factor"), &v) && v > 0.0 && v <= 1.0)
        s->n_rot = (uint32_t)(s->head_dim * v) / 2 * 2;
    if (!da_json_str(da_json_get(r, "rope_type"), &type) &&
        !da_json_str(da_json_get(r, "type"), &type))
        return DA_OK;
    if (da_span_is(type, "default"))
        return DA_OK;
    if (da_span_is(type, "llama3"))
        return llama3_scaling(im, r);
    if (da_span_is(type, "longrope") || da_span_is(type, "su"))
        return long_scaling(im, r);
    if (da_span_is(type, "yarn"))
        return yarn_scaling(im, r);
    if (da_span_is(type, "linear")) {
        s->rope_scaling = "linear";
        return need_double(im, r, "factor", &s->rope_factor);
    }
    return da_fail(im->err, DA_EUNSUPPORTED, "config.json: rope scaling '%.*s' is not supported",
                   (int)(type.len < 32 ? type.len : 32), type.p);
}

/* --- families ------------------------------------------------------------------------- */

static const struct {
    const char *model_type, *family;
    enum da_rc (*config)(struct da_importer *im);
    bool tied; /* when config.json does not say */
} TYPES[] = {
    {"llama", "llama", da_config_llama, false},
    {"mistral", "llama", da_config_llama, false},
    {"qwen2", "qwen2", da_config_llama, false},
    {"qwen3", "qwen3", da_config_llama, false},
    {"phi3", "phi3", da_config_llama, false},
    {"gemma", "gemma", da_config_llama, true},
    {"gemma2", "gemma2", da_config_llama, true},
    {"gemma3_text", "gemma3", da_config_llama, true},
    {"granite", "granite", da_config_llama, false},
    {"olmo", "olmo", da_config_llama, false},
    {"olmo2", "olmo2", da_config_llama, false},
    {"stablelm", "stablelm", da_config_llama, false},
    {"phi", "phi2", da_config_llama, false},
    {"starcoder2", "starcoder2", da_config_llama, true},
    {"phonelm", "phonelm", da_config_llama, false},
    {"mobilellm", "mobilellm", da_config_llama, false},
    {"openelm", "openelm", da_config_openelm, true},
    {"mpt", "mpt", da_config_mpt, true},
    {"gpt2", "gpt2", da_config_gpt2, true},
    {"gpt_neox", "gptneox", da_config_neox, false},
    {"gpt_neo", "gptneo", da_config_gptneo, true},
    {"bloom", "bloom", da_config_bloom, true},
    {"gpt_bigcode", "starcoder", da_config_bigcode, true},
    {"falcon", "falcon", da_config_falcon, true},
    {"RefinedWebModel", "falcon", da_config_falcon, true},
    {"RefinedWeb", "falcon", da_config_falcon, true},
    {"opt", "opt", da_config_opt, true},
    {"mamba", "mamba", da_config_mamba, true},
    {"t5", "t5", da_config_t5, true},
    {"mt5", "t5", da_config_t5, false},
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
        im->tied = da_cfg_bool(im->config, "tie_word_embeddings", TYPES[i].tied);
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
