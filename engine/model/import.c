/*
 * Import: config.json chooses the family and its sizes (import_config.c), a table
 * maps each family's tensor names and says how rows change on the way
 * (import_names.c), and every row passes through da_build_write. A tensor the
 * table does not know is an error.
 */
#include "engine/model/import.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
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

static enum da_rc add_tensor(struct da_importer *im, const struct da_st_tensor *t,
                             const struct da_name_map *m, uint32_t layer)
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
    DA_GROW(im->tensors, im->n, im->cap);
    im->tensors[im->n++] = out;
    if (strcmp(out.name, "token_embd.weight") == 0)
        im->shape.n_vocab = out.n_rows;
    return DA_OK;
}

static enum da_rc map_tensors(struct da_importer *im, struct da_import_stats *stats)
{
    size_t total = da_safetensors_n(im->st);
    im->sources = da_calloc(total + 1, sizeof *im->sources);
    for (size_t i = 0; i < total; i++) {
        const struct da_st_tensor *t = da_safetensors_at(im->st, i);
        uint32_t layer;
        const struct da_name_map *m = find_name(im, t->name, &layer);
        if (!m)
            return da_fail(im->err, DA_EUNSUPPORTED, "%s: tensor '%.64s' is not part of %s",
                           im->folder, t->name, im->shape.family);
        if (m->op == ROW_SKIP || (im->tied && strcmp(m->to, "output.weight") == 0))
            continue;
        im->sources[im->n] = (struct da_import_source){t, m->op};
        enum da_rc rc = add_tensor(im, t, m, layer);
        if (rc)
            return rc;
        const struct da_build_tensor *b = &im->tensors[im->n - 1];
        stats->n_params += (uint64_t)b->n_cols * b->n_rows;
    }
    if (im->rope.factor > 0) {
        struct da_build_tensor t = {.name = "rope_freqs.weight",
                                    .type = DA_Q_F32,
                                    .n_cols = im->shape.n_rot / 2,
                                    .n_rows = 1,
                                    .vector = true};
        im->sources[im->n] = (struct da_import_source){NULL, ROW_ROPE};
        DA_GROW(im->tensors, im->n, im->cap);
        im->tensors[im->n++] = t;
    }
    da_build_types(im->tensors, im->n, im->opts->type, im->family->arch, &stats->fallbacks);
    for (size_t i = 0; i < im->n; i++) {
        const struct da_import_source *src = &im->sources[i];
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

static uint32_t source_row(const struct da_importer *im, enum da_row_op op, uint32_t r)
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
static void rope_divisors(const struct da_importer *im, uint32_t n, float *out)
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
    const struct da_importer *im = ctx;
    const struct da_import_source *src = t->src;
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
static enum da_rc check_orders(struct da_importer *im)
{
    const struct da_build_shape *s = &im->shape;
    for (size_t i = 0; i < im->n; i++) {
        uint32_t rows = im->tensors[i].vector ? im->tensors[i].n_cols : im->tensors[i].n_rows;
        uint32_t q = s->n_heads * s->head_dim, kv = s->n_kv_heads * s->head_dim;
        enum da_row_op op = im->sources[i].op;
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
    if ((rc = da_import_config(&im)) || (rc = open_weights(&im)) ||
        (rc = map_tensors(&im, stats)) || (rc = check_orders(&im)))
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
