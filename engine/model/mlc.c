/* MLC weight folders. The layout: mlc-llm's quantization/group_quantization.py. */
#include "engine/model/mlc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io.h"
#include "common/json.h"
#include "common/map.h"
#include "common/md5.h"
#include "common/mem.h"

enum { MLC_WORD = 4, MLC_WORDS_A_GROUP = 4 };

struct record {
    const char *name; /* in the parsed manifest */
    struct da_span dtype;
    uint32_t n_dims;
    uint64_t dims[DA_ST_MAX_DIMS], n_values;
    const unsigned char *data;
    uint64_t n_bytes;
};

struct manifest {
    struct da_safetensors *s; /* being filled */
    const char *folder;
    struct record *records; /* owned */
    size_t n, cap;
    struct da_map index; /* name -> position */
    struct da_err *err;
};

static enum da_rc need_size(const struct manifest *m, const struct da_json *j, const char *member,
                            const char *of, uint64_t *out)
{
    int64_t v;
    if (!da_json_int(da_json_get(j, member), &v) || v < 0)
        return da_fail(m->err, DA_EFORMAT, "'%.64s' has no '%s'", of, member);
    *out = (uint64_t)v;
    return DA_OK;
}

static enum da_rc add_record(struct manifest *m, const struct da_json *j,
                             const struct da_mapped *shard)
{
    struct record r = {.n_values = 1};
    const struct da_json *shape = da_json_get(j, "shape");
    struct da_span name;
    uint64_t from = 0;
    bool is_new;
    enum da_rc rc;
    if ((rc = da_json_need_str(j, "name", &name, m->err)) ||
        (rc = da_json_need_str(j, "dtype", &r.dtype, m->err)))
        return rc;
    r.name = name.p;
    if (da_json_type(j) != DA_JSON_OBJECT || !shape || da_json_type(shape) != DA_JSON_ARRAY ||
        da_json_len(shape) < 1 || da_json_len(shape) > DA_ST_MAX_DIMS)
        return da_fail(m->err, DA_EFORMAT, "'%.64s' has no shape of 1 to %d dimensions", r.name,
                       DA_ST_MAX_DIMS);
    for (const struct da_json *d = da_json_first(shape); d; d = da_json_next(d)) {
        int64_t v;
        if (!da_json_int(d, &v) || v <= 0 || (uint64_t)v > (UINT64_MAX >> 4) / r.n_values)
            return da_fail(m->err, DA_EFORMAT, "'%.64s' has an impossible shape", r.name);
        r.dims[r.n_dims++] = (uint64_t)v;
        r.n_values *= (uint64_t)v;
    }
    if ((rc = need_size(m, j, "nbytes", r.name, &r.n_bytes)) ||
        (rc = need_size(m, j, "byteOffset", r.name, &from)))
        return rc;
    if (from > shard->len || r.n_bytes > shard->len - from)
        return da_fail(m->err, DA_EFORMAT, "'%.64s' leaves its shard", r.name);
    if (m->n == DA_ST_MAX_TENSORS)
        return da_fail(m->err, DA_ELIMIT, "more than %d tensors", DA_ST_MAX_TENSORS);
    *da_map_add(&m->index, name.p, name.len, &is_new) = m->n;
    if (!is_new || strlen(r.name) != name.len)
        return da_fail(m->err, DA_EFORMAT, "'%.64s' appears twice or is no name", r.name);
    r.data = shard->p + from;
    DA_GROW(m->records, m->n, m->cap);
    m->records[m->n++] = r;
    return DA_OK;
}

/* Maps a shard and compares its size and sum with the manifest's. */
static enum da_rc open_shard(struct manifest *m, const struct da_json *j,
                             const struct da_mapped **shard)
{
    struct da_span file, md5;
    uint64_t n_bytes = 0;
    char sum[DA_MD5_HEX + 1];
    struct da_buf path;
    enum da_rc rc = da_json_need_str(j, "dataPath", &file, m->err);
    if (rc || (rc = need_size(m, j, "nbytes", "a shard", &n_bytes)))
        return rc;
    if (file.len == 0 || strlen(file.p) != file.len || memchr(file.p, '/', file.len) ||
        file.p[0] == '.')
        return da_fail(m->err, DA_EFORMAT, "names a file outside the folder");
    da_buf_init(&path, 0);
    da_io_join(&path, m->folder, file.p);
    rc = da_safetensors_map(m->s, path.p, shard, m->err);
    da_buf_release(&path);
    if (rc)
        return rc;
    if ((*shard)->len != n_bytes)
        return da_fail(m->err, DA_EFORMAT, "'%.64s' has %zu bytes, not %" PRIu64, file.p,
                       (*shard)->len, n_bytes);
    if (!da_json_str(da_json_get(j, "md5sum"), &md5))
        return DA_OK;
    da_md5_hex((*shard)->p, (*shard)->len, sum);
    if (!da_span_is(md5, sum))
        return da_fail(m->err, DA_EFORMAT, "'%.64s' is damaged: its MD5 sum is %s", file.p, sum);
    return DA_OK;
}

static enum da_rc read_shards(struct manifest *m, const struct da_json *root)
{
    const struct da_json *shards = da_json_get(root, "records");
    unsigned n = 0;
    enum da_rc rc = DA_OK;
    if (!shards || da_json_type(shards) != DA_JSON_ARRAY || da_json_len(shards) == 0)
        return da_fail(m->err, DA_EFORMAT, "has no records");
    for (const struct da_json *j = da_json_first(shards); j && !rc; j = da_json_next(j)) {
        const struct da_json *list = da_json_get(j, "records");
        const struct da_mapped *shard;
        if (++n > DA_ST_MAX_SHARDS)
            return da_fail(m->err, DA_ELIMIT, "more than %d shards", DA_ST_MAX_SHARDS);
        if (da_json_type(j) != DA_JSON_OBJECT || !list || da_json_type(list) != DA_JSON_ARRAY)
            return da_fail(m->err, DA_EFORMAT, "a shard has no records");
        if ((rc = open_shard(m, j, &shard)))
            return rc;
        const struct da_mapped bytes = *shard; /* the list it stands in may move */
        for (const struct da_json *t = da_json_first(list); t && !rc; t = da_json_next(t))
            rc = add_record(m, t, &bytes);
    }
    return rc;
}

/* --- tensors ------------------------------------------------------------------------ */

static enum da_rc add_plain(struct manifest *m, const struct record *r)
{
    struct da_st_tensor t = {.n_dims = r->n_dims, .data = r->data};
    if (da_span_is(r->dtype, "float16"))
        t.type = DA_Q_F16;
    else if (da_span_is(r->dtype, "bfloat16"))
        t.type = DA_Q_BF16;
    else if (da_span_is(r->dtype, "float32")) /* format f32-to-bf16 halves such a tensor */
        t.type = r->n_bytes == 2 * r->n_values ? DA_Q_BF16 : DA_Q_F32;
    else
        return da_fail(m->err, DA_EUNSUPPORTED,
                       "'%.64s' has dtype '%.*s'; float32, float16, bfloat16 and q4f16_1 are read",
                       r->name, (int)(r->dtype.len < 16 ? r->dtype.len : 16), r->dtype.p);
    if (r->n_bytes != r->n_values * da_qtype_info(t.type)->block_bytes)
        return da_fail(m->err, DA_EFORMAT,
                       "'%.64s' has %" PRIu64 " bytes, its shape needs %" PRIu64, r->name,
                       r->n_bytes, r->n_values * da_qtype_info(t.type)->block_bytes);
    memcpy(t.dims, r->dims, sizeof t.dims);
    return da_safetensors_add(m->s, r->name, &t, m->err);
}

void da_mlc_block(const unsigned char packed[16], uint16_t scale, struct da_block_q4_0 *out)
{
    unsigned q[DA_QGROUP];
    bool top = false; /* 15 is one more than q + 1 can hold; with -scale it is 0 */
    for (unsigned i = 0; i < DA_QGROUP; i++) {
        q[i] = packed[i / 2] >> (4 * (i % 2)) & 15u;
        top = top || q[i] == 15;
    }
    out->d = (uint16_t)(top ? scale ^ 0x8000u : scale);
    for (unsigned i = 0; i < DA_QGROUP; i++)
        q[i] = top ? 15 - q[i] : q[i] + 1;
    for (unsigned i = 0; i < DA_QGROUP / 2; i++)
        out->qs[i] = (uint8_t)(q[i] | q[i + DA_QGROUP / 2] << 4);
}

static enum da_rc add_groups(struct manifest *m, const struct record *w, const struct record *scale,
                             const char *name)
{
    struct da_st_tensor t = {.type = DA_Q_Q4_0, .n_dims = 2};
    if (!da_span_is(w->dtype, "uint32") || !da_span_is(scale->dtype, "float16") || w->n_dims != 2 ||
        scale->n_dims != 2 || w->dims[0] != scale->dims[0] ||
        w->dims[1] != MLC_WORDS_A_GROUP * scale->dims[1] || w->n_bytes != w->n_values * MLC_WORD ||
        scale->n_bytes != scale->n_values * 2)
        return da_fail(m->err, DA_EUNSUPPORTED, "'%.64s' is not packed as q4f16_1", w->name);
    const size_t n = (size_t)scale->n_values;
    struct da_block_q4_0 *blocks = da_try_alloc(n, sizeof *blocks);
    if (!blocks)
        return da_fail(m->err, DA_ENOMEM, "no memory for '%.64s'", w->name);
    for (size_t i = 0; i < n; i++)
        da_mlc_block(w->data + i * DA_QGROUP / 2,
                     (uint16_t)(scale->data[2 * i] | scale->data[2 * i + 1] << 8), &blocks[i]);
    da_safetensors_own(m->s, blocks);
    t.dims[0] = w->dims[0];
    t.dims[1] = scale->dims[1] * DA_QGROUP;
    t.data = (const unsigned char *)blocks;
    return da_safetensors_add(m->s, name, &t, m->err);
}

/* The record called as this one is, with another ending; NULL when there is none. */
static const struct record *sibling(const struct manifest *m, const char *name, size_t stem,
                                    const char *ending)
{
    char other[256];
    int n = snprintf(other, sizeof other, "%.*s%s", (int)stem, name, ending);
    const uint64_t *at =
        n > 0 && (size_t)n < sizeof other ? da_map_get(&m->index, other, (size_t)n) : NULL;
    return at ? &m->records[*at] : NULL;
}

static bool ends(struct da_span s, const char *with)
{
    size_t n = strlen(with);
    return s.len > n && memcmp(s.p + s.len - n, with, n) == 0;
}

static enum da_rc add_all(struct manifest *m)
{
    static const char W[] = ".q_weight", S[] = ".q_scale";
    enum da_rc rc = DA_OK;
    for (size_t i = 0; i < m->n && !rc; i++) {
        const struct record *r = &m->records[i];
        const struct da_span name = da_span_str(r->name);
        size_t len = name.len;
        if (len > 200)
            return da_fail(m->err, DA_ELIMIT, "'%.64s...' is too long a name", r->name);
        if (ends(name, W)) {
            char whole[256];
            const struct record *scale = sibling(m, r->name, len - strlen(W), S);
            if (!scale)
                return da_fail(m->err, DA_EFORMAT, "'%.64s' has no scales", r->name);
            snprintf(whole, sizeof whole, "%.*s.weight", (int)(len - strlen(W)), r->name);
            rc = add_groups(m, r, scale, whole);
        } else if (!ends(name, S) || !sibling(m, r->name, len - strlen(S), W)) {
            rc = add_plain(m, r);
        }
    }
    return rc;
}

enum da_rc da_mlc_open(struct da_safetensors **ret, const char *folder, struct da_err *err)
{
    struct manifest m = {.s = da_safetensors_new(), .folder = folder, .err = err};
    struct da_json *root = NULL;
    struct da_buf path, text;
    enum da_rc rc;
    da_buf_init(&path, 0);
    da_buf_init(&text, 0);
    da_map_init(&m.index);
    da_io_join(&path, folder, DA_MLC_MANIFEST);
    if (!(rc = da_io_read_file(path.p, DA_ST_MAX_HEADER, &text, err))) {
        if ((rc = da_json_parse(text.p, text.len, &root, err)) || (rc = read_shards(&m, root)) ||
            (rc = add_all(&m)))
            rc = da_err_context(err, rc, "%s", path.p);
    }
    da_json_free(root);
    da_map_release(&m.index);
    free(m.records);
    da_buf_release(&path);
    da_buf_release(&text);
    if (rc)
        da_safetensors_close(m.s);
    else
        *ret = m.s;
    return rc;
}
