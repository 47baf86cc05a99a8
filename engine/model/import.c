/*
 * Import: config.json chooses the family and its sizes (import_config.c), a table
 * maps each family's tensor names and says how rows change on the way
 * (import_names.c), and every row passes through da_build_write. A tensor the
 * table does not know is an error.
 */
#include "engine/model/import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/maths.h"
#include "common/mem.h"
#include "engine/model/import_encoder.h"
#include "engine/model/import_parts.h"
#include "engine/model/weights.h"
#include "engine/tokenizer/tokenizer.h"

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

static const struct da_name_map *find_name(const struct da_importer *im, const char *name,
                                           uint32_t *layer)
{
    char longer[160];
    const struct da_name_map *lists[2] = {im->more, im->names};
    /* checkpoints of the bare model leave the wrapper's name out */
    snprintf(longer, sizeof longer, "transformer.%s", name);
    for (int k = 0; k < 2; k++)
        for (const struct da_name_map *m = lists[k]; m && m->from; m++)
            if (match(m->from, name, layer) || match(m->from, longer, layer))
                return m;
    return NULL;
}

/* Sizes of t as rows of a matrix; Mamba's convolutions have a dimension of 1 between. */
static bool rows_of(const struct da_st_tensor *t, uint64_t *n_rows, uint64_t *n_cols)
{
    uint64_t last = t->n_dims ? t->dims[t->n_dims - 1] : 0;
    *n_rows = t->n_dims > 1 ? t->dims[0] : 1;
    *n_cols = last;
    if (t->n_dims < 1 || t->n_dims > 3 || (t->n_dims == 3 && t->dims[1] != 1))
        return false;
    return *n_rows > 0 && *n_cols > 0 && *n_rows <= UINT32_MAX / 4 && *n_cols <= UINT32_MAX / 64;
}

static void put_tensor(struct da_importer *im, const struct da_build_tensor *t,
                       const struct da_import_source *src)
{
    DA_GROW(im->sources, im->n, im->cap_sources);
    im->sources[im->n] = *src;
    DA_GROW(im->tensors, im->n, im->cap);
    im->tensors[im->n++] = *t;
}

static void layer_name(char *out, size_t size, const char *pattern, uint32_t layer)
{
    const char *star = strchr(pattern, '%');
    if (star)
        snprintf(out, size, "%.*s%" PRIu32 "%s", (int)(star - pattern), pattern, layer, star + 1);
    else
        snprintf(out, size, "%s", pattern);
}

static enum da_rc add_tensor(struct da_importer *im, const struct da_st_tensor *t,
                             const struct da_name_map *m, uint32_t layer)
{
    struct da_build_tensor out = {.vector = t->n_dims == 1};
    struct da_import_source src = {.t = t, .op = m->op};
    const bool turn = m->op == ROW_TRANSPOSE;
    uint64_t rows, cols;
    if (t->type == DA_Q_I32)
        return da_fail(im->err, DA_EUNSUPPORTED, "tensor '%.64s' is not F32, F16 or BF16", t->name);
    if (!rows_of(t, &rows, &cols) || (turn && t->n_dims != 2) ||
        (m->op == ROW_POSITIONS && rows < 3) || (m->op == ROW_GATE_UP && rows % 2))
        return da_fail(im->err, DA_EFORMAT, "tensor '%.64s' has an unexpected shape", t->name);
    layer_name(out.name, sizeof out.name, m->to, layer);
    out.n_cols = (uint32_t)(turn ? rows : cols);
    out.n_rows = (uint32_t)(turn ? cols : rows);
    if (m->op == ROW_POSITIONS) {
        src.first_row = 2;
        out.n_rows -= 2;
    } else if (m->op == ROW_GATE_UP) {
        struct da_build_tensor gate = out;
        layer_name(gate.name, sizeof gate.name, "blk.%.ffn_gate.weight", layer);
        src.first_row = out.n_rows /= 2;
        gate.n_rows /= 2;
        put_tensor(im, &gate, &(struct da_import_source){.t = t, .op = m->op});
    }
    put_tensor(im, &out, &src);
    if (strcmp(out.name, "token_embd.weight") == 0)
        im->shape.n_vocab = out.n_rows;
    return DA_OK;
}

static void add_divisors(struct da_importer *im, const char *name, const double *v, uint32_t n)
{
    struct da_build_tensor t = {.type = DA_Q_F32, .n_cols = n, .n_rows = 1, .vector = true};
    struct da_import_source src = {.op = ROW_ROPE, .divisors = v};
    if (n == 0)
        return;
    snprintf(t.name, sizeof t.name, "%s", name);
    put_tensor(im, &t, &src);
}

static bool is_mlp(const struct da_name_map *m)
{
    return strncmp(m->to, "blk.%.ffn_", 10) == 0 && strncmp(m->to, "blk.%.ffn_norm", 14) != 0;
}

static enum da_rc map_tensors(struct da_importer *im, struct da_import_stats *stats)
{
    size_t total = da_safetensors_n(im->st);
    for (size_t i = 0; i < total; i++) {
        const struct da_st_tensor *t = da_safetensors_at(im->st, i);
        uint32_t layer;
        const struct da_name_map *m = find_name(im, t->name, &layer);
        if (!m)
            return da_fail(im->err, DA_EUNSUPPORTED, "%s: tensor '%.64s' is not part of %s",
                           im->folder, t->name, im->shape.family);
        if (m->op == ROW_SKIP || (im->tied && strcmp(m->to, "output.weight") == 0))
            continue;
        if (im->shape.shared_mlp && layer > 0 && is_mlp(m))
            continue;
        enum da_rc rc = add_tensor(im, t, m, layer);
        if (rc)
            return rc;
    }
    add_divisors(im, "rope_freqs.weight", im->rope_freqs.v, im->rope_freqs.n);
    add_divisors(im, "rope_factors_short.weight", im->rope_short.v, im->rope_short.n);
    add_divisors(im, "rope_factors_long.weight", im->rope_long.v, im->rope_long.n);
    da_build_types(im->tensors, im->n, im->opts->type, im->family->arch, &stats->fallbacks);
    for (size_t i = 0; i < im->n; i++) {
        const struct da_import_source *src = &im->sources[i];
        const struct da_build_tensor *b = &im->tensors[i];
        im->tensors[i].src = src;
        stats->n_params += (uint64_t)b->n_cols * b->n_rows;
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

static uint32_t source_row(const struct da_importer *im, enum da_row_op op, uint32_t r)
{
    const struct da_build_shape *s = &im->shape;
    if ((op == ROW_PERMUTE_Q || op == ROW_PERMUTE_K) && !im->no_permute)
        return pair_row(r, s->head_dim);
    if (op == ROW_QKV_HEADS) { /* a key head's queries, its key, its value */
        uint32_t group = s->n_heads / s->n_kv_heads, h = r / s->head_dim;
        uint32_t part = h < s->n_heads ? h % group : group + (h - s->n_heads) / s->n_kv_heads;
        uint32_t kv = h < s->n_heads ? h / group : (h - s->n_heads) % s->n_kv_heads;
        return (kv * (group + 2) + part) * s->head_dim + r % s->head_dim;
    }
    return r;
}

static void import_row(void *ctx, const struct da_build_tensor *t, uint32_t row, float *out)
{
    const struct da_importer *im = ctx;
    const struct da_import_source *src = t->src;
    if (src->op == ROW_ROPE) {
        for (uint32_t i = 0; i < t->n_cols; i++)
            out[i] = (float)src->divisors[i];
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
        uint64_t at = src->first_row + source_row(im, src->op, row);
        da_dequantize(src->t->type, src->t->data + at * bytes, out, t->n_cols);
    }
    for (uint32_t i = 0; src->op == ROW_PLUS_ONE && i < t->n_cols; i++)
        out[i] += 1.0f;
    for (uint32_t i = 0; src->op == ROW_MINUS_EXP && i < t->n_cols; i++)
        out[i] = (float)-da_exp((double)out[i]);
}

/* Rows that are reordered must be as many as the order speaks of. */
static enum da_rc check_orders(struct da_importer *im)
{
    const struct da_build_shape *s = &im->shape;
    for (size_t i = 0; i < im->n; i++) {
        uint32_t rows = im->tensors[i].vector ? im->tensors[i].n_cols : im->tensors[i].n_rows;
        uint32_t q = s->n_heads * s->head_dim, kv = s->n_kv_heads * s->head_dim;
        enum da_row_op op = im->sources[i].op;
        uint32_t want = op == ROW_PERMUTE_Q   ? q
                        : op == ROW_PERMUTE_K ? kv
                        : op == ROW_QKV_HEADS ? q + 2 * kv
                                              : rows;
        if (rows != want)
            return da_fail(im->err, DA_EFORMAT,
                           "tensor '%.64s' has %" PRIu32 " rows; config.json makes it %" PRIu32,
                           im->sources[i].t->name, rows, want);
    }
    return DA_OK;
}

/* MLC keeps other families' matrices fused or turned; its MPT is as the table says. */
static enum da_rc open_weights(struct da_importer *im)
{
    enum da_weights_kind kind;
    enum da_rc rc = da_weights_open(&im->st, im->folder, &kind, im->err);
    if (!rc && kind == DA_WEIGHTS_MLC && im->names != da_names_mpt)
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
    struct da_importer im = {.folder = folder, .opts = opts, .err = err};
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
    if ((rc = da_import_config(&im)) || (rc = open_weights(&im)))
        goto out;
    da_config_weights(&im);
    if ((rc = map_tensors(&im, stats)) || (rc = check_orders(&im)))
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
