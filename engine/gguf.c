/*
 * GGUF reader. Format: ggml docs/gguf.md.
 *
 *     "GGUF" u32 version, u64 n_tensors, u64 n_keys,
 *     n_keys x {str key, u32 type, value},
 *     n_tensors x {str name, u32 n_dims, u64 dims[], u32 type, u64 offset},
 *     padding to the alignment, tensor data
 *
 * Invariants once open succeeds:
 *   1. every kv's [p, p + len) lies in the file and holds exactly n whole elements;
 *   2. every tensor's [data, data + n_bytes) lies in the file, n_bytes is what
 *      its type and dims need, and the element count fits 63 bits;
 *   3. keys are unique, tensor names are unique.
 * A message names the key or tensor; where its name cannot be read, its number and the one before.
 */
#include "engine/gguf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io.h"
#include "common/map.h"
#include "common/mem.h"
#include "engine/bigmem.h"
#include "engine/gguf_impl.h"

enum { GGUF_DEFAULT_ALIGNMENT = 32 };

static bool take(struct da_gguf_cursor *c, void *out, size_t n)
{
    if (n > c->len - c->pos)
        return false;
    memcpy(out, c->p + c->pos, n);
    c->pos += n;
    return true;
}

static bool take_u32(struct da_gguf_cursor *c, uint32_t *out)
{
    unsigned char b[4];
    if (!take(c, b, sizeof b))
        return false;
    *out = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    return true;
}

static bool take_u64(struct da_gguf_cursor *c, uint64_t *out)
{
    uint32_t lo, hi;
    if (c->len - c->pos < 8 || !take_u32(c, &lo) || !take_u32(c, &hi))
        return false;
    *out = (uint64_t)hi << 32 | lo;
    return true;
}

bool da_gguf_take_str(struct da_gguf_cursor *c, struct da_span *out)
{
    uint64_t n;
    if (!take_u64(c, &n) || n > c->len - c->pos)
        return false;
    *out = da_span((const char *)c->p + c->pos, (size_t)n);
    c->pos += (size_t)n;
    return true;
}

static enum da_rc truncated(const struct da_gguf_cursor *c, struct da_err *err, const char *what,
                            const char *name)
{
    return da_fail(err, DA_EFORMAT, "the file ends inside %s%s%s (at byte %zu of %zu)", what, name,
                   *name ? "'" : "", c->pos, c->len);
}

const char *da_gguf_shown(struct da_span s, char out[DA_GGUF_SHOWN])
{
    size_t n = s.len < DA_GGUF_SHOWN_KEY ? s.len : DA_GGUF_SHOWN_KEY;
    for (size_t i = 0; i < n; i++)
        out[i] = s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '?';
    memcpy(out + n, n < s.len ? "..." : "", n < s.len ? 4 : 1);
    return out;
}

/* " after 'NAME'", the last entry that was whole; "" before the first. For messages. */
static const char *after(struct da_span last, char out[DA_GGUF_SHOWN + 16])
{
    char name[DA_GGUF_SHOWN];
    out[0] = 0;
    if (last.len)
        (void)snprintf(out, DA_GGUF_SHOWN + 16, " after '%s'", da_gguf_shown(last, name));
    return out;
}

static const struct {
    const char *name;
    unsigned size; /* bytes of one element, 0 for strings and arrays */
} VTYPES[] = {
    [DA_GGUF_U8] = {"u8", 1},   [DA_GGUF_I8] = {"i8", 1},     [DA_GGUF_U16] = {"u16", 2},
    [DA_GGUF_I16] = {"i16", 2}, [DA_GGUF_U32] = {"u32", 4},   [DA_GGUF_I32] = {"i32", 4},
    [DA_GGUF_F32] = {"f32", 4}, [DA_GGUF_BOOL] = {"bool", 1}, [DA_GGUF_STR] = {"str", 0},
    [DA_GGUF_ARR] = {"arr", 0}, [DA_GGUF_U64] = {"u64", 8},   [DA_GGUF_I64] = {"i64", 8},
    [DA_GGUF_F64] = {"f64", 8},
};

unsigned da_gguf_vtype_size(enum da_gguf_vtype t)
{
    return VTYPES[t].size;
}

const char *da_gguf_vtype_name(enum da_gguf_vtype t)
{
    return (size_t)t < DA_ARRAY_LEN(VTYPES) ? VTYPES[t].name : "unknown";
}

/* --- opening ----------------------------------------------------------------- */

static enum da_rc parse_value(struct da_gguf_cursor *c, struct da_gguf_kv *kv, struct da_err *err)
{
    char key[DA_GGUF_SHOWN];
    uint32_t type;
    da_gguf_shown(kv->key, key);
    if (!take_u32(c, &type))
        return truncated(c, err, "key '", key);
    kv->n = 1;
    if (type == DA_GGUF_ARR) {
        kv->is_array = true;
        if (!take_u32(c, &type) || !take_u64(c, &kv->n))
            return truncated(c, err, "key '", key);
        if (type == DA_GGUF_ARR)
            return da_fail(err, DA_EUNSUPPORTED, "key '%s': arrays of arrays are not read", key);
    }
    if (type >= DA_ARRAY_LEN(VTYPES))
        return da_fail(err, DA_EFORMAT, "key '%s' has unknown type %" PRIu32, key, type);
    kv->type = (enum da_gguf_vtype)type;
    kv->p = c->p + c->pos;
    size_t left = c->len - c->pos;
    if (type != DA_GGUF_STR) {
        if (kv->n > left / VTYPES[type].size)
            return da_fail(err, DA_EFORMAT,
                           "key '%s': %" PRIu64 " elements do not fit the %zu bytes left", key,
                           kv->n, left);
        kv->len = kv->n * VTYPES[type].size;
        c->pos += (size_t)kv->len;
        return DA_OK;
    }
    if (kv->n > left / 8) /* each string has a length of 8 bytes */
        return da_fail(err, DA_EFORMAT,
                       "key '%s': %" PRIu64 " strings do not fit the %zu bytes left", key, kv->n,
                       left);
    for (uint64_t i = 0; i < kv->n; i++) {
        struct da_span s;
        if (!da_gguf_take_str(c, &s))
            return da_fail(err, DA_EFORMAT, "key '%s': string %" PRIu64 " leaves the file", key, i);
    }
    kv->len = (uint64_t)(c->p + c->pos - kv->p);
    return DA_OK;
}

static enum da_rc parse_keys(struct da_gguf *g, struct da_gguf_cursor *c, uint64_t n,
                             struct da_err *err)
{
    for (uint64_t i = 0; i < n; i++) {
        struct da_gguf_kv kv = {0};
        const struct da_span last = g->n_kvs ? g->kvs[g->n_kvs - 1].key : da_span("", 0);
        char key[DA_GGUF_SHOWN], place[DA_GGUF_SHOWN + 16];
        bool is_new;
        if (!da_gguf_take_str(c, &kv.key))
            return da_fail(err, DA_EFORMAT, "key %" PRIu64 " of %" PRIu64 "%s leaves the file", i,
                           n, after(last, place));
        if (kv.key.len == 0 || kv.key.len > DA_GGUF_MAX_KEY_LEN)
            return da_fail(err, DA_ELIMIT, "key %" PRIu64 "%s has a name of %zu bytes", i,
                           after(last, place), kv.key.len);
        enum da_rc rc = parse_value(c, &kv, err);
        if (rc)
            return rc;
        *da_map_add(&g->kv_index, kv.key.p, kv.key.len, &is_new) = g->n_kvs;
        if (!is_new)
            return da_fail(err, DA_EFORMAT, "key '%s' appears twice", da_gguf_shown(kv.key, key));
        DA_GROW(g->kvs, g->n_kvs, g->cap_kvs);
        g->kvs[g->n_kvs++] = kv;
    }
    return DA_OK;
}

static enum da_rc tensor_size(struct da_gguf_tensor *t, const char *name, struct da_err *err)
{
    const struct da_qtype_info *qi = da_qtype_info(t->type);
    uint64_t row, n_rows = 1;
    if (!qi)
        return da_fail(err, DA_EUNSUPPORTED, "tensor '%s' has unknown type %" PRIu32, name,
                       t->type);
    for (unsigned d = 0; d < DA_GGUF_MAX_DIMS; d++)
        if (t->dims[d] == 0 || t->dims[d] > INT64_MAX / 8)
            return da_fail(err, DA_EFORMAT, "tensor '%s': dimension %u is %" PRIu64, name, d,
                           t->dims[d]);
    for (unsigned d = 1; d < DA_GGUF_MAX_DIMS; d++) {
        if (n_rows > (INT64_MAX / 8) / t->dims[d])
            return da_fail(err, DA_EFORMAT, "tensor '%s': its dimensions overflow", name);
        n_rows *= t->dims[d];
    }
    if (t->dims[0] % qi->block_len)
        return da_fail(err, DA_EFORMAT,
                       "tensor '%s': rows of %" PRIu64 " are not whole blocks of %s", name,
                       t->dims[0], qi->name);
    if (!da_qtype_row_bytes(t->type, t->dims[0], &row) || row > (INT64_MAX / 8) / n_rows)
        return da_fail(err, DA_EFORMAT, "tensor '%s': its size overflows", name);
    t->n_bytes = row * n_rows;
    return DA_OK;
}

/* Leaves the offset in n_bytes' place: data pointers are set once the data's start is known. */
static enum da_rc parse_tensor(const struct da_gguf *g, struct da_gguf_cursor *c,
                               struct da_gguf_tensor *t, uint64_t *offset, struct da_err *err)
{
    const size_t index = g->n_tensors;
    const struct da_span last = index      ? g->tensors[index - 1].name
                                : g->n_kvs ? g->kvs[g->n_kvs - 1].key
                                           : da_span("", 0);
    char name[DA_GGUF_SHOWN], place[DA_GGUF_SHOWN + 16];
    if (!da_gguf_take_str(c, &t->name))
        return da_fail(err, DA_EFORMAT, "the name of tensor %zu%s leaves the file", index,
                       after(last, place));
    da_gguf_shown(t->name, name);
    if (t->name.len == 0 || t->name.len > DA_GGUF_MAX_NAME_LEN)
        return da_fail(err, DA_ELIMIT, "the name of tensor %zu%s has %zu bytes", index,
                       after(last, place), t->name.len);
    if (!take_u32(c, &t->n_dims))
        return truncated(c, err, "the entry of tensor '", name);
    if (t->n_dims == 0 || t->n_dims > DA_GGUF_MAX_DIMS)
        return da_fail(err, DA_EFORMAT, "tensor '%s' has %" PRIu32 " dimensions", name, t->n_dims);
    for (unsigned d = 0; d < DA_GGUF_MAX_DIMS; d++) {
        t->dims[d] = 1;
        if (d < t->n_dims && !take_u64(c, &t->dims[d]))
            return truncated(c, err, "the entry of tensor '", name);
    }
    if (!take_u32(c, &t->type) || !take_u64(c, offset))
        return truncated(c, err, "the entry of tensor '", name);
    return tensor_size(t, name, err);
}

static enum da_rc place_tensors(struct da_gguf *g, const uint64_t *offsets, size_t table_end,
                                struct da_err *err)
{
    char name[DA_GGUF_SHOWN];
    size_t pad = (g->alignment - table_end % g->alignment) % g->alignment;
    if (pad > g->len - table_end) /* legal only when there is no data at all */
        pad = g->len - table_end;
    g->data_start = table_end + pad;
    uint64_t room = g->len - g->data_start;
    for (size_t i = 0; i < g->n_tensors; i++) {
        struct da_gguf_tensor *t = &g->tensors[i];
        if (offsets[i] % g->alignment)
            return da_fail(err, DA_EFORMAT,
                           "tensor '%s': offset %" PRIu64 " is not a multiple of %" PRIu32,
                           da_gguf_shown(t->name, name), offsets[i], g->alignment);
        if (offsets[i] > room || t->n_bytes > room - offsets[i])
            return da_fail(err, DA_EFORMAT,
                           "tensor '%s': its %" PRIu64 " bytes at %" PRIu64
                           " leave the file, which has %" PRIu64 " bytes of data",
                           da_gguf_shown(t->name, name), t->n_bytes, offsets[i], room);
        t->data = g->p + g->data_start + offsets[i];
    }
    return DA_OK;
}

static enum da_rc parse_tensors(struct da_gguf *g, struct da_gguf_cursor *c, uint64_t n,
                                struct da_err *err)
{
    enum da_rc rc = DA_OK;
    uint64_t *offsets = NULL;
    size_t n_offsets = 0, cap_offsets = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct da_gguf_tensor t = {0};
        char name[DA_GGUF_SHOWN];
        uint64_t offset = 0;
        bool is_new;
        if ((rc = parse_tensor(g, c, &t, &offset, err)))
            goto out;
        *da_map_add(&g->tensor_index, t.name.p, t.name.len, &is_new) = g->n_tensors;
        if (!is_new) {
            rc = da_fail(err, DA_EFORMAT, "tensor '%s' appears twice", da_gguf_shown(t.name, name));
            goto out;
        }
        DA_GROW(g->tensors, g->n_tensors, g->cap_tensors);
        g->tensors[g->n_tensors++] = t;
        DA_GROW(offsets, n_offsets, cap_offsets);
        offsets[n_offsets++] = offset;
    }
    rc = place_tensors(g, offsets, c->pos, err);
out:
    free(offsets);
    return rc;
}

static enum da_rc parse_alignment(struct da_gguf *g, struct da_err *err)
{
    uint64_t a;
    enum da_rc rc = da_gguf_opt_uint(g, "general.alignment", GGUF_DEFAULT_ALIGNMENT, &a, err);
    if (rc)
        return rc;
    if (a < 8 || a > DA_GGUF_MAX_ALIGNMENT || (a & (a - 1)))
        return da_fail(err, DA_EFORMAT, "key 'general.alignment': %" PRIu64 " is no alignment", a);
    g->alignment = (uint32_t)a;
    return DA_OK;
}

static enum da_rc parse(struct da_gguf *g, struct da_err *err)
{
    struct da_gguf_cursor c = {g->p, g->len, 0};
    unsigned char magic[4];
    uint64_t n_tensors, n_keys;
    enum da_rc rc;
    if (!take(&c, magic, sizeof magic) || memcmp(magic, "GGUF", 4) != 0)
        return da_fail(err, DA_EFORMAT, "not a GGUF file");
    if (!take_u32(&c, &g->version))
        return truncated(&c, err, "the header", "");
    if (g->version != 2 && g->version != 3)
        return da_fail(err, DA_EUNSUPPORTED, "GGUF version %" PRIu32 " is not read%s", g->version,
                       (g->version & 0xffff) == 0 ? " (the file is big-endian)" : "");
    if (!take_u64(&c, &n_tensors) || !take_u64(&c, &n_keys))
        return truncated(&c, err, "the header", "");
    if (n_tensors > DA_GGUF_MAX_TENSORS || n_keys > DA_GGUF_MAX_KEYS)
        return da_fail(err, DA_ELIMIT,
                       "%" PRIu64 " tensors and %" PRIu64 " keys; at most %d of each are read",
                       n_tensors, n_keys, DA_GGUF_MAX_TENSORS);
    if ((rc = parse_keys(g, &c, n_keys, err)))
        return rc;
    if ((rc = parse_alignment(g, err)))
        return rc;
    return parse_tensors(g, &c, n_tensors, err);
}

enum da_rc da_gguf_open_memory(struct da_gguf **ret, const void *p, size_t len, const char *name,
                               struct da_err *err)
{
    struct da_gguf *g = da_calloc(1, sizeof *g);
    g->name = da_strdup(name);
    g->p = p;
    g->len = len;
    da_map_init(&g->kv_index);
    da_map_init(&g->tensor_index);
    enum da_rc rc = parse(g, err);
    if (rc) {
        rc = da_err_context(err, rc, "%s", name);
        da_gguf_close(g);
        return rc;
    }
    *ret = g;
    return DA_OK;
}

enum da_rc da_gguf_open_one(struct da_gguf **ret, const char *path, struct da_err *err)
{
    struct da_mapped map;
    enum da_rc rc = da_io_map(path, &map, err);
    if (rc)
        return rc;
    rc = da_gguf_open_memory(ret, map.p, map.len, path, err);
    if (rc) {
        da_io_unmap(&map);
        return rc;
    }
    (*ret)->map = map;
    return DA_OK;
}

enum da_rc da_gguf_open(struct da_gguf **ret, const char *path, struct da_err *err)
{
    struct da_gguf *g;
    enum da_rc rc = da_gguf_open_one(&g, path, err);
    if (rc)
        return rc;
    if ((rc = da_gguf_join(&g, err)))
        da_gguf_close(g);
    else
        *ret = g;
    return rc;
}

void da_gguf_close(struct da_gguf *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->n_more; i++)
        da_gguf_close(g->more[i]);
    free(g->more);
    da_map_release(&g->kv_index);
    da_map_release(&g->tensor_index);
    free(g->kvs);
    free(g->tensors);
    da_io_unmap(&g->map);
    free(g->name);
    free(g);
}

/* --- looking ----------------------------------------------------------------- */

const char *da_gguf_name(const struct da_gguf *g)
{
    return g->name;
}

uint32_t da_gguf_version(const struct da_gguf *g)
{
    return g->version;
}

uint32_t da_gguf_alignment(const struct da_gguf *g)
{
    return g->alignment;
}

bool da_gguf_is_mapped(const struct da_gguf *g)
{
    return g->map.p != NULL;
}

void da_gguf_forget(const struct da_gguf *g)
{
    if (da_gguf_is_mapped(g))
        da_big_forget(g->map.p, g->map.len);
    for (size_t i = 0; i < g->n_more; i++)
        da_gguf_forget(g->more[i]);
}

size_t da_gguf_n_files(const struct da_gguf *g)
{
    return 1 + g->n_more;
}

const char *da_gguf_file_path(const struct da_gguf *g, size_t i)
{
    return i ? g->more[i - 1]->name : g->name;
}

uint64_t da_gguf_n_bytes(const struct da_gguf *g)
{
    uint64_t n = g->len;
    for (size_t i = 0; i < g->n_more; i++)
        n += g->more[i]->len;
    return n;
}

struct da_span da_gguf_header_bytes(const struct da_gguf *g)
{
    return da_span((const char *)g->p, g->data_start);
}

size_t da_gguf_n_keys(const struct da_gguf *g)
{
    return g->n_kvs;
}

const struct da_gguf_kv *da_gguf_key_at(const struct da_gguf *g, size_t i)
{
    return i < g->n_kvs ? &g->kvs[i] : NULL;
}

const struct da_gguf_kv *da_gguf_find(const struct da_gguf *g, const char *key)
{
    const uint64_t *at = da_map_get(&g->kv_index, key, strlen(key));
    return at ? &g->kvs[*at] : NULL;
}

size_t da_gguf_n_tensors(const struct da_gguf *g)
{
    return g->n_tensors;
}

const struct da_gguf_tensor *da_gguf_tensor_at(const struct da_gguf *g, size_t i)
{
    return i < g->n_tensors ? &g->tensors[i] : NULL;
}

const struct da_gguf_tensor *da_gguf_tensor(const struct da_gguf *g, const char *name)
{
    const uint64_t *at = da_map_get(&g->tensor_index, name, strlen(name));
    return at ? &g->tensors[*at] : NULL;
}
