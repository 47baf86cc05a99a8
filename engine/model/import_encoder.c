/*
 * Import of encoders. config.json chooses the family, tables map tensor names,
 * sentence-transformers' files (modules.json, 1_Pooling/config.json,
 * sentence_bert_config.json) say what becomes of the token vectors. Keys and
 * tensor names are llama.cpp's (architecture "bert"); MPNet, which it lacks, has
 * the same under "docassist.mpnet".
 */
#include "engine/model/import_encoder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/threads.h"
#include "engine/model/build.h"
#include "engine/model/encoder.h"
#include "engine/model/weights.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/vocab.h"

enum { MAX_CONFIG = 1 << 24, MAX_CTX = 1 << 16 };

/* Names without ".weight" or ".bias"; "%" stands for the layer's number; to NULL: left out. */
struct name_map {
    const char *from, *to;
};

static const struct name_map BERT_NAMES[] = {
    {"embeddings.word_embeddings", "token_embd"},
    {"embeddings.position_embeddings", "position_embd"},
    {"embeddings.token_type_embeddings", "token_types"},
    {"embeddings.LayerNorm", "token_embd_norm"},
    {"encoder.layer.%.attention.self.query", "blk.%.attn_q"},
    {"encoder.layer.%.attention.self.key", "blk.%.attn_k"},
    {"encoder.layer.%.attention.self.value", "blk.%.attn_v"},
    {"encoder.layer.%.attention.output.dense", "blk.%.attn_output"},
    {"encoder.layer.%.attention.output.LayerNorm", "blk.%.attn_output_norm"},
    {"encoder.layer.%.intermediate.dense", "blk.%.ffn_up"},
    {"encoder.layer.%.output.dense", "blk.%.ffn_down"},
    {"encoder.layer.%.output.LayerNorm", "blk.%.layer_output_norm"},
    {NULL, NULL},
};

static const struct name_map MPNET_NAMES[] = {
    {"embeddings.word_embeddings", "token_embd"},
    {"embeddings.position_embeddings", "position_embd"},
    {"embeddings.LayerNorm", "token_embd_norm"},
    {"encoder.relative_attention_bias", "attn_rel_b"},
    {"encoder.layer.%.attention.attn.q", "blk.%.attn_q"},
    {"encoder.layer.%.attention.attn.k", "blk.%.attn_k"},
    {"encoder.layer.%.attention.attn.v", "blk.%.attn_v"},
    {"encoder.layer.%.attention.attn.o", "blk.%.attn_output"},
    {"encoder.layer.%.attention.LayerNorm", "blk.%.attn_output_norm"},
    {"encoder.layer.%.intermediate.dense", "blk.%.ffn_up"},
    {"encoder.layer.%.output.dense", "blk.%.ffn_down"},
    {"encoder.layer.%.output.LayerNorm", "blk.%.layer_output_norm"},
    {NULL, NULL},
};

static const struct name_map DISTIL_NAMES[] = {
    {"embeddings.word_embeddings", "token_embd"},
    {"embeddings.position_embeddings", "position_embd"},
    {"embeddings.LayerNorm", "token_embd_norm"},
    {"transformer.layer.%.attention.q_lin", "blk.%.attn_q"},
    {"transformer.layer.%.attention.k_lin", "blk.%.attn_k"},
    {"transformer.layer.%.attention.v_lin", "blk.%.attn_v"},
    {"transformer.layer.%.attention.out_lin", "blk.%.attn_output"},
    {"transformer.layer.%.sa_layer_norm", "blk.%.attn_output_norm"},
    {"transformer.layer.%.ffn.lin1", "blk.%.ffn_up"},
    {"transformer.layer.%.ffn.lin2", "blk.%.ffn_down"},
    {"transformer.layer.%.output_layer_norm", "blk.%.layer_output_norm"},
    {NULL, NULL},
};

/* Heads that no sentence embedding goes through, and buffers. */
static const char *const SKIPPED[] = {"pooler.",
                                      "cls.",
                                      "lm_head.",
                                      "vocab_",
                                      "classifier.",
                                      "embeddings.position_ids",
                                      "embeddings.token_type_ids"};

static const struct kind {
    const char *model_type, *family, *wrapper; /* "bert.", before names of models with a head */
    const struct name_map *names;
    bool offset; /* positions begin behind the padding token's number */
} KINDS[] = {
    {"bert", "bert", "bert.", BERT_NAMES, false},
    {"roberta", "bert", "roberta.", BERT_NAMES, true},
    {"xlm-roberta", "bert", "roberta.", BERT_NAMES, true},
    {"camembert", "bert", "roberta.", BERT_NAMES, true},
    {"distilbert", "bert", "distilbert.", DISTIL_NAMES, false},
    {"mpnet", "mpnet", "mpnet.", MPNET_NAMES, true},
};

struct source {
    const struct da_st_tensor *t;
    uint32_t first_row; /* positions before it are never used */
};

struct importer {
    const char *folder; /* of sentence-transformers' files */
    struct da_buf model_folder;
    const struct da_import_opts *opts;
    const struct kind *kind;
    const struct da_encoder_family *family;
    struct da_json *config;
    struct da_safetensors *st;
    uint32_t n_layers, dim, n_heads, ff_dim, n_ctx, n_types, n_buckets, n_vocab;
    uint32_t offset, max_tokens;
    double norm_eps;
    enum da_pooling pooling;
    bool normalize;
    struct da_build_tensor *tensors; /* src: struct source of the same index */
    struct source *sources;
    size_t n, cap;
    struct da_err *err;
};

/* --- JSON files ---------------------------------------------------------------------- */

/* folder/sub/name; *ret stays NULL when there is no such file. */
static enum da_rc read_json(const char *folder, struct da_span sub, const char *name,
                            struct da_json **ret, struct da_err *err)
{
    struct da_buf path, text;
    enum da_rc rc = DA_OK;
    da_buf_init(&path, 0);
    da_buf_init(&text, MAX_CONFIG);
    da_buf_add_str(&path, folder);
    if (sub.len) {
        da_buf_add_char(&path, '/');
        da_buf_add(&path, sub.p, sub.len);
    }
    da_buf_add_char(&path, '/');
    da_buf_add_str(&path, name);
    *ret = NULL;
    if (da_io_exists(path.p) && !(rc = da_io_read_file(path.p, MAX_CONFIG, &text, err)) &&
        (rc = da_json_parse(text.p, text.len, ret, err)))
        rc = da_err_context(err, rc, "%s", path.p);
    da_buf_release(&path);
    da_buf_release(&text);
    return rc;
}

static bool flag(const struct da_json *obj, const char *name)
{
    bool v = false;
    (void)da_json_bool(da_json_get(obj, name), &v);
    return v;
}

static struct da_span str(const struct da_json *obj, const char *name)
{
    struct da_span v = {"", 0};
    (void)da_json_str(da_json_get(obj, name), &v);
    return v;
}

static bool ends_with(struct da_span s, const char *end)
{
    size_t n = strlen(end);
    return s.len >= n && memcmp(s.p + s.len - n, end, n) == 0;
}

static enum da_rc cfg_uint(struct importer *im, const char *name, const char *other, uint32_t max,
                           uint32_t *out)
{
    const struct da_json *j = da_json_get(im->config, name);
    int64_t v = 0;
    if (!j && other)
        j = da_json_get(im->config, other);
    if (!da_json_int(j, &v) || v < 1 || v > (int64_t)max)
        return da_fail(im->err, DA_EFORMAT,
                       "config.json: '%s' is missing, no integer, or outside 1..%" PRIu32, name,
                       max);
    *out = (uint32_t)v;
    return DA_OK;
}

/* --- config.json ------------------------------------------------------------------------- */

static const struct kind *kind_of(const struct da_json *config)
{
    struct da_span type = str(config, "model_type");
    for (size_t i = 0; i < DA_ARRAY_LEN(KINDS); i++)
        if (da_span_is(type, KINDS[i].model_type))
            return &KINDS[i];
    return NULL;
}

bool da_import_is_encoder(const char *folder)
{
    struct da_json *j = NULL;
    bool yes = false;
    if (!read_json(folder, da_span("", 0), "modules.json", &j, NULL) && j)
        yes = true;
    da_json_free(j);
    if (!yes && !read_json(folder, da_span("", 0), "config.json", &j, NULL)) {
        yes = kind_of(j) != NULL;
        da_json_free(j);
    }
    return yes;
}

static enum da_rc must_be(struct importer *im, const char *name, const char *other,
                          const char *want)
{
    struct da_span v = str(im->config, name);
    if (v.len == 0 && other)
        v = str(im->config, other);
    if (v.len == 0 || da_span_is(v, want))
        return DA_OK;
    return da_fail(im->err, DA_EUNSUPPORTED, "config.json: '%s' is '%.*s'; only '%s' is supported",
                   name, (int)(v.len < 32 ? v.len : 32), v.p, want);
}

static enum da_rc read_config(struct importer *im)
{
    struct da_span type;
    int64_t pad = 1;
    enum da_rc rc =
        read_json(im->model_folder.p, da_span("", 0), "config.json", &im->config, im->err);
    if (rc)
        return rc;
    if (!im->config)
        return da_fail(im->err, DA_ENOTFOUND, "'%s' holds no config.json", im->model_folder.p);
    type = str(im->config, "model_type");
    if (!(im->kind = kind_of(im->config)))
        return da_fail(im->err, DA_EUNSUPPORTED,
                       "config.json: model_type '%.*s' is no encoder that is supported",
                       (int)(type.len < 32 ? type.len : 32), type.p);
    im->family = da_encoder_family_named(im->kind->family);
    im->norm_eps = 1e-12;
    (void)da_json_double(da_json_get(im->config, "layer_norm_eps"), &im->norm_eps);
    if ((rc = cfg_uint(im, "num_hidden_layers", "n_layers", DA_MODEL_MAX_LAYERS, &im->n_layers)) ||
        (rc = cfg_uint(im, "hidden_size", "dim", DA_MODEL_MAX_DIM, &im->dim)) ||
        (rc = cfg_uint(im, "num_attention_heads", "n_heads", DA_MODEL_MAX_HEADS, &im->n_heads)) ||
        (rc = cfg_uint(im, "intermediate_size", "hidden_dim", 1 << 20, &im->ff_dim)) ||
        (rc = cfg_uint(im, "max_position_embeddings", NULL, MAX_CTX, &im->n_ctx)) ||
        (rc = must_be(im, "hidden_act", "activation", "gelu")) ||
        (rc = must_be(im, "position_embedding_type", NULL, "absolute")))
        return rc;
    if (im->family->relative &&
        (rc = cfg_uint(im, "relative_attention_num_buckets", NULL, 1 << 10, &im->n_buckets)))
        return rc;
    if (flag(im->config, "is_decoder") || flag(im->config, "sinusoidal_pos_embds"))
        return da_fail(im->err, DA_EUNSUPPORTED, "config.json: a decoder, or sinusoidal positions");
    (void)da_json_int(da_json_get(im->config, "pad_token_id"), &pad);
    if (im->kind->offset) {
        if (pad < 0 || pad + 1 >= (int64_t)im->n_ctx)
            return da_fail(im->err, DA_EFORMAT, "config.json: 'pad_token_id' is %" PRId64, pad);
        im->offset = (uint32_t)pad + 1;
        im->n_ctx -= im->offset;
    }
    return DA_OK;
}

/* --- sentence-transformers ------------------------------------------------------------------ */

static enum da_rc read_pooling(struct importer *im, struct da_span path)
{
    struct da_json *j;
    enum da_rc rc = read_json(im->folder, path, "config.json", &j, im->err);
    if (rc)
        return rc;
    struct da_span mode = str(j, "pooling_mode"); /* newer files name it */
    bool cls = flag(j, "pooling_mode_cls_token") || da_span_is(mode, "cls");
    bool mean = flag(j, "pooling_mode_mean_tokens") || da_span_is(mode, "mean");
    bool other = mode.len > 0 && !da_span_is(mode, "cls") && !da_span_is(mode, "mean");
    for (const struct da_json *m = da_json_first(j); m; m = da_json_next(m)) {
        const char *key = da_json_key(m);
        other = other || (key && strncmp(key, "pooling_mode_", 13) == 0 && flag(j, key) &&
                          strcmp(key, "pooling_mode_cls_token") != 0 &&
                          strcmp(key, "pooling_mode_mean_tokens") != 0);
    }
    if (!j || other || cls == mean)
        rc = da_fail(im->err, DA_EUNSUPPORTED,
                     "'%s/%.*s/config.json': pooling other than the mean or the first token",
                     im->folder, (int)path.len, path.p);
    im->pooling = cls ? DA_POOL_CLS : DA_POOL_MEAN;
    da_json_free(j);
    return rc;
}

/* Transformer, Pooling and perhaps Normalize; anything else would change the embeddings. */
static enum da_rc read_modules(struct importer *im)
{
    struct da_json *j;
    bool pooled = false;
    enum da_rc rc = read_json(im->folder, da_span("", 0), "modules.json", &j, im->err);
    if (rc)
        return rc;
    for (const struct da_json *m = da_json_first(j); m && !rc; m = da_json_next(m)) {
        struct da_span type = str(m, "type"), path = str(m, "path");
        if (ends_with(type, ".Transformer")) {
            if (path.len) {
                da_buf_add_char(&im->model_folder, '/');
                da_buf_add(&im->model_folder, path.p, path.len);
            }
        } else if (ends_with(type, ".Pooling")) {
            rc = read_pooling(im, path);
            pooled = true;
        } else if (ends_with(type, ".Normalize")) {
            im->normalize = true;
        } else {
            rc = da_fail(im->err, DA_EUNSUPPORTED, "'%s/modules.json': module '%.*s'", im->folder,
                         (int)(type.len < 64 ? type.len : 64), type.p);
        }
    }
    if (!rc && j && !pooled)
        rc = da_fail(im->err, DA_EUNSUPPORTED, "'%s/modules.json': no pooling", im->folder);
    da_json_free(j);
    if (rc || (rc = read_json(im->folder, da_span("", 0), "config_sentence_transformers.json", &j,
                              im->err)))
        return rc;
    struct da_span prompt = str(j, "default_prompt_name");
    if (prompt.len)
        rc = da_fail(im->err, DA_EUNSUPPORTED,
                     "'%s/config_sentence_transformers.json': a default prompt, '%.*s'", im->folder,
                     (int)(prompt.len < 64 ? prompt.len : 64), prompt.p);
    da_json_free(j);
    return rc;
}

/* The longest text in tokens: max_seq_length, else what the tokenizer and the positions allow. */
static enum da_rc read_length(struct importer *im)
{
    static const char *const FILES[] = {"sentence_bert_config.json", "tokenizer_config.json"};
    static const char *const NAMES[] = {"max_seq_length", "model_max_length"};
    int64_t v = 0;
    for (size_t i = 0; i < DA_ARRAY_LEN(FILES) && v < 1; i++) {
        struct da_json *j;
        enum da_rc rc = read_json(im->model_folder.p, da_span("", 0), FILES[i], &j, im->err);
        if (rc)
            return rc;
        if (!da_json_int(da_json_get(j, NAMES[i]), &v))
            v = 0;
        da_json_free(j);
    }
    im->max_tokens = v >= 3 && v < (int64_t)im->n_ctx ? (uint32_t)v : im->n_ctx;
    return DA_OK;
}

/* --- tensors --------------------------------------------------------------------------------- */

/* Matches name against a pattern; *layer is the number in place of '%'; returns what follows. */
static const char *match(const char *pattern, const char *name, uint32_t *layer)
{
    const char *star = strchr(pattern, '%');
    size_t n = star ? (size_t)(star - pattern) : strlen(pattern), digits = 0;
    *layer = 0;
    if (strncmp(pattern, name, n) != 0)
        return NULL;
    if (!star)
        return name + n;
    while (name[n + digits] >= '0' && name[n + digits] <= '9' && digits < 5)
        *layer = *layer * 10 + (uint32_t)(name[n + digits++] - '0');
    size_t tail = strlen(star + 1);
    return digits && strncmp(star + 1, name + n + digits, tail) == 0 ? name + n + digits + tail
                                                                     : NULL;
}

/* "weight" or "bias"; the oldest checkpoints name those of norms gamma and beta. */
static const char *ending(const char *s)
{
    if (!s)
        return NULL;
    if (strcmp(s, ".weight") == 0 || strcmp(s, ".gamma") == 0)
        return "weight";
    return strcmp(s, ".bias") == 0 || strcmp(s, ".beta") == 0 ? "bias" : NULL;
}

static bool is_skipped(const char *name)
{
    for (size_t i = 0; i < DA_ARRAY_LEN(SKIPPED); i++)
        if (strncmp(name, SKIPPED[i], strlen(SKIPPED[i])) == 0)
            return true;
    return false;
}

static enum da_rc add_tensor(struct importer *im, const struct da_st_tensor *t, const char *to,
                             uint32_t layer, const char *what)
{
    struct da_build_tensor out = {.vector = t->n_dims == 1};
    struct source src = {.t = t};
    const char *star = strchr(to, '%');
    if (t->type == DA_Q_I32)
        return da_fail(im->err, DA_EUNSUPPORTED, "tensor '%.64s' is not F32, F16 or BF16", t->name);
    if (t->n_dims < 1 || t->n_dims > 2 || t->dims[0] > UINT32_MAX / 4 ||
        (t->n_dims == 2 && t->dims[1] > DA_MODEL_MAX_DIM * 16))
        return da_fail(im->err, DA_EFORMAT, "tensor '%.64s' has an unexpected shape", t->name);
    if (star)
        snprintf(out.name, sizeof out.name, "%.*s%" PRIu32 "%s.%s", (int)(star - to), to, layer,
                 star + 1, what);
    else
        snprintf(out.name, sizeof out.name, "%s.%s", to, what);
    out.n_cols = (uint32_t)t->dims[out.vector ? 0 : 1];
    out.n_rows = out.vector ? 1 : (uint32_t)t->dims[0];
    if (strcmp(to, "position_embd") == 0) {
        if (out.n_rows != im->n_ctx + im->offset)
            return da_fail(im->err, DA_EFORMAT,
                           "tensor '%.64s' has %" PRIu32 " rows; config.json "
                           "makes it %" PRIu32,
                           t->name, out.n_rows, im->n_ctx + im->offset);
        src.first_row = im->offset;
        out.n_rows = im->n_ctx;
    } else if (strcmp(to, "token_types") == 0) {
        im->n_types = out.n_rows;
    } else if (strcmp(to, "token_embd") == 0) {
        im->n_vocab = out.n_rows;
    }
    im->sources[im->n] = src;
    DA_GROW(im->tensors, im->n, im->cap);
    im->tensors[im->n++] = out;
    return DA_OK;
}

static enum da_rc map_tensor(struct importer *im, const struct da_st_tensor *t)
{
    const char *name = t->name;
    size_t n = strlen(im->kind->wrapper);
    if (strncmp(name, im->kind->wrapper, n) == 0)
        name += n;
    if (is_skipped(name))
        return DA_OK;
    for (const struct name_map *m = im->kind->names; m->from; m++) {
        uint32_t layer;
        const char *what = ending(match(m->from, name, &layer));
        if (what)
            return add_tensor(im, t, m->to, layer, what);
    }
    return da_fail(im->err, DA_EUNSUPPORTED, "%s: tensor '%.64s' is not part of %s",
                   im->model_folder.p, t->name, im->kind->model_type);
}

static enum da_rc map_tensors(struct importer *im, struct da_import_stats *stats)
{
    size_t total = da_safetensors_n(im->st);
    im->sources = da_calloc(total + 1, sizeof *im->sources);
    for (size_t i = 0; i < total; i++) {
        enum da_rc rc = map_tensor(im, da_safetensors_at(im->st, i));
        if (rc)
            return rc;
    }
    for (size_t i = 0; i < im->n; i++) {
        const struct da_build_tensor *b = &im->tensors[i];
        im->tensors[i].src = &im->sources[i];
        stats->n_params += (uint64_t)b->n_cols * b->n_rows;
    }
    da_build_types(im->tensors, im->n, im->opts->type, im->family->arch, &stats->fallbacks);
    stats->n_tensors = (uint32_t)im->n;
    stats->family = im->family->name;
    return im->n_vocab ? DA_OK
                       : da_fail(im->err, DA_EFORMAT, "%s: the embedding is missing", im->folder);
}

static void import_row(void *ctx, const struct da_build_tensor *t, uint32_t row, float *out)
{
    const struct source *src = t->src;
    uint64_t bytes = 0;
    (void)ctx;
    (void)da_qtype_row_bytes(src->t->type, t->n_cols, &bytes); /* floats: any length is whole */
    da_dequantize(src->t->type, src->t->data + (size_t)(src->first_row + row) * bytes, out,
                  t->n_cols);
}

/* --- the file ------------------------------------------------------------------------------- */

static void put_u32(struct da_gguf_writer *w, const struct importer *im, const char *suffix,
                    uint32_t v)
{
    char key[96];
    snprintf(key, sizeof key, "%s.%s", im->family->arch, suffix);
    da_gguf_put_u32(w, key, v);
}

static void put_keys(struct da_gguf_writer *w, const struct importer *im, const char *name)
{
    char key[96];
    da_gguf_put_str(w, "general.architecture", da_span_str(im->family->arch));
    da_gguf_put_str(w, "general.name", da_span_str(name));
    da_gguf_put_u32(w, "general.file_type", da_build_file_type(im->opts->type));
    da_gguf_put_u32(w, "general.quantization_version", 2);
    put_u32(w, im, "block_count", im->n_layers);
    put_u32(w, im, "context_length", im->n_ctx);
    put_u32(w, im, "embedding_length", im->dim);
    put_u32(w, im, "feed_forward_length", im->ff_dim);
    put_u32(w, im, "attention.head_count", im->n_heads);
    put_u32(w, im, "vocab_size", im->n_vocab);
    put_u32(w, im, "pooling_type",
            im->pooling == DA_POOL_CLS ? DA_GGUF_POOL_CLS : DA_GGUF_POOL_MEAN);
    if (im->n_buckets)
        put_u32(w, im, "attention.relative_buckets_count", im->n_buckets);
    snprintf(key, sizeof key, "%s.attention.layer_norm_epsilon", im->family->arch);
    da_gguf_put_f32(w, key, (float)im->norm_eps);
    snprintf(key, sizeof key, "%s.attention.causal", im->family->arch);
    da_gguf_put_bool(w, key, false);
    if (im->family->token_types) /* llama.cpp wants a count, of DistilBERT, too */
        da_gguf_put_u32(w, "tokenizer.ggml.token_type_count", im->n_types ? im->n_types : 1);
    da_gguf_put_u32(w, DA_KEY_EMBED_MAX_TOKENS, im->max_tokens);
    da_gguf_put_bool(w, DA_KEY_EMBED_NORMALIZE, im->normalize);
}

static enum da_rc write_file(struct importer *im, const char *out, const struct da_vocab *v)
{
    struct da_gguf_writer *w = da_gguf_writer_new();
    unsigned n_threads = im->opts->n_threads ? im->opts->n_threads : da_threads_available();
    struct da_span folder = da_span_str(im->folder);
    enum da_rc rc = DA_OK;
    while (folder.len > 1 && folder.p[folder.len - 1] == '/')
        folder.len--;
    for (const char *slash; (slash = memchr(folder.p, '/', folder.len)) != NULL && folder.len > 1;)
        folder = da_span(slash + 1, folder.len - (size_t)(slash + 1 - folder.p));
    char *name = da_strndup(folder.p, folder.len);
    put_keys(w, im, im->opts->name ? im->opts->name : name);
    if (v && (rc = da_build_vocab(w, v, im->n_vocab, im->err)))
        goto out;
    for (size_t i = 0; i < im->n; i++) {
        uint64_t dims[2] = {im->tensors[i].n_cols, im->tensors[i].n_rows};
        da_gguf_add_tensor(w, im->tensors[i].name, im->tensors[i].type,
                           im->tensors[i].vector ? 1 : 2, dims);
    }
    rc = da_gguf_writer_begin(w, out, im->err);
    for (size_t i = 0; i < im->n && !rc; i++)
        rc = da_build_data(w, &im->tensors[i], import_row, im, n_threads, im->err);
    if (!rc)
        rc = da_gguf_writer_finish(w, im->err);
out:
    da_gguf_writer_free(w);
    free(name);
    return rc;
}

enum da_rc da_import_encoder(const char *folder, const char *out, const struct da_import_opts *opts,
                             struct da_import_stats *stats, struct da_err *err)
{
    struct importer im = {.folder = folder, .opts = opts, .err = err};
    struct da_tokenizer *tok = NULL;
    struct da_import_stats none;
    enum da_weights_kind kind;
    enum da_rc rc;
    stats = stats ? stats : &none;
    memset(stats, 0, sizeof *stats);
    da_buf_init(&im.model_folder, 0);
    da_buf_add_str(&im.model_folder, folder);
    if ((rc = read_modules(&im)) || (rc = read_config(&im)) || (rc = read_length(&im)) ||
        (rc = da_weights_open(&im.st, im.model_folder.p, &kind, err)) ||
        (rc = map_tensors(&im, stats)))
        goto out;
    if (!opts->no_tokenizer && (rc = da_tokenizer_open(&tok, im.model_folder.p, err)))
        goto out;
    rc = write_file(&im, out, tok ? da_tokenizer_vocab(tok) : NULL);
out:
    da_tokenizer_close(tok);
    da_safetensors_close(im.st);
    da_json_free(im.config);
    da_buf_release(&im.model_folder);
    free(im.tensors);
    free(im.sources);
    return rc;
}
