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
 */
#include "engine/gguf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/io.h"
#include "common/map.h"
#include "common/mem.h"

enum { GGUF_DEFAULT_ALIGNMENT = 32, GGUF_SHOWN_KEY = 64 };

struct da_gguf {
    char *name;
    struct da_mapped map; /* owned; zero when opened from memory */
    const unsigned char *p;
    size_t len;
    size_t data_start; /* offset of the tensor data */
    uint32_t version;
    uint32_t alignment;
    struct da_gguf_kv *kvs; /* [n_kvs] */
    size_t n_kvs, cap_kvs;
    struct da_gguf_tensor *tensors; /* [n_tensors] */
    size_t n_tensors, cap_tensors;
    struct da_map kv_index, tensor_index; /* name -> position */
};

struct cursor {
    const unsigned char *p;
    size_t len, pos;
};

static bool take(struct cursor *c, void *out, size_t n)
{
    if (n > c->len - c->pos)
        return false;
    memcpy(out, c->p + c->pos, n);
    c->pos += n;
    return true;
}

static bool take_u32(struct cursor *c, uint32_t *out)
{
    unsigned char b[4];
    if (!take(c, b, sizeof b))
        return false;
    *out = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    return true;
}

static bool take_u64(struct cursor *c, uint64_t *out)
{
    uint32_t lo, hi;
    if (c->len - c->pos < 8 || !take_u32(c, &lo) || !take_u32(c, &hi))
        return false;
    *out = (uint64_t)hi << 32 | lo;
    return true;
}

static bool take_str(struct cursor *c, struct da_span *out)
{
    uint64_t n;
    if (!take_u64(c, &n) || n > c->len - c->pos)
        return false;
    *out = da_span((const char *)c->p + c->pos, (size_t)n);
    c->pos += (size_t)n;
    return true;
}

static enum da_rc truncated(const struct cursor *c, struct da_err *err, const char *what)
{
    return da_fail(err, DA_EFORMAT, "the file ends inside %s (at byte %zu of %zu)", what, c->pos,
                   c->len);
}

/* For messages: hostile names may be long or hold anything. */
static const char *shown(struct da_span s, char out[GGUF_SHOWN_KEY + 4])
{
    size_t n = s.len < GGUF_SHOWN_KEY ? s.len : GGUF_SHOWN_KEY;
    for (size_t i = 0; i < n; i++)
        out[i] = s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '?';
    memcpy(out + n, n < s.len ? "..." : "", n < s.len ? 4 : 1);
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

const char *da_gguf_vtype_name(enum da_gguf_vtype t)
{
    return (size_t)t < DA_ARRAY_LEN(VTYPES) ? VTYPES[t].name : "unknown";
}

/* --- opening ----------------------------------------------------------------- */

static enum da_rc parse_value(struct cursor *c, struct da_gguf_kv *kv, struct da_err *err)
{
    char key[GGUF_SHOWN_KEY + 4];
    uint32_t type;
    shown(kv->key, key);
    if (!take_u32(c, &type))
        return truncated(c, err, "a key's type");
    kv->n = 1;
    if (type == DA_GGUF_ARR) {
        kv->is_array = true;
        if (!take_u32(c, &type) || !take_u64(c, &kv->n))
            return truncated(c, err, "an array's header");
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
        if (!take_str(c, &s))
            return da_fail(err, DA_EFORMAT, "key '%s': string %" PRIu64 " leaves the file", key, i);
    }
    kv->len = (uint64_t)(c->p + c->pos - kv->p);
    return DA_OK;
}

static enum da_rc parse_keys(struct da_gguf *g, struct cursor *c, uint64_t n, struct da_err *err)
{
    for (uint64_t i = 0; i < n; i++) {
        struct da_gguf_kv kv = {0};
        char key[GGUF_SHOWN_KEY + 4];
        bool is_new;
        if (!take_str(c, &kv.key))
            return da_fail(err, DA_EFORMAT, "key %" PRIu64 " of %" PRIu64 " leaves the file", i, n);
        if (kv.key.len == 0 || kv.key.len > DA_GGUF_MAX_KEY_LEN)
            return da_fail(err, DA_ELIMIT, "key %" PRIu64 " has a name of %zu bytes", i,
                           kv.key.len);
        enum da_rc rc = parse_value(c, &kv, err);
        if (rc)
            return rc;
        *da_map_add(&g->kv_index, kv.key.p, kv.key.len, &is_new) = g->n_kvs;
        if (!is_new)
            return da_fail(err, DA_EFORMAT, "key '%s' appears twice", shown(kv.key, key));
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
static enum da_rc parse_tensor(struct cursor *c, struct da_gguf_tensor *t, uint64_t *offset,
                               struct da_err *err)
{
    char name[GGUF_SHOWN_KEY + 4];
    if (!take_str(c, &t->name))
        return truncated(c, err, "a tensor's name");
    shown(t->name, name);
    if (t->name.len == 0 || t->name.len > DA_GGUF_MAX_NAME_LEN)
        return da_fail(err, DA_ELIMIT, "tensor name '%s' has %zu bytes", name, t->name.len);
    if (!take_u32(c, &t->n_dims))
        return truncated(c, err, "the tensor table");
    if (t->n_dims == 0 || t->n_dims > DA_GGUF_MAX_DIMS)
        return da_fail(err, DA_EFORMAT, "tensor '%s' has %" PRIu32 " dimensions", name, t->n_dims);
    for (unsigned d = 0; d < DA_GGUF_MAX_DIMS; d++) {
        t->dims[d] = 1;
        if (d < t->n_dims && !take_u64(c, &t->dims[d]))
            return truncated(c, err, "the tensor table");
    }
    if (!take_u32(c, &t->type) || !take_u64(c, offset))
        return truncated(c, err, "the tensor table");
    return tensor_size(t, name, err);
}

static enum da_rc place_tensors(struct da_gguf *g, const uint64_t *offsets, size_t table_end,
                                struct da_err *err)
{
    char name[GGUF_SHOWN_KEY + 4];
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
                           shown(t->name, name), offsets[i], g->alignment);
        if (offsets[i] > room || t->n_bytes > room - offsets[i])
            return da_fail(err, DA_EFORMAT,
                           "tensor '%s': its %" PRIu64 " bytes at %" PRIu64
                           " leave the file, which has %" PRIu64 " bytes of data",
                           shown(t->name, name), t->n_bytes, offsets[i], room);
        t->data = g->p + g->data_start + offsets[i];
    }
    return DA_OK;
}

static enum da_rc parse_tensors(struct da_gguf *g, struct cursor *c, uint64_t n, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    uint64_t *offsets = NULL;
    size_t n_offsets = 0, cap_offsets = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct da_gguf_tensor t = {0};
        char name[GGUF_SHOWN_KEY + 4];
        uint64_t offset = 0;
        bool is_new;
        if ((rc = parse_tensor(c, &t, &offset, err)))
            goto out;
        *da_map_add(&g->tensor_index, t.name.p, t.name.len, &is_new) = g->n_tensors;
        if (!is_new) {
            rc = da_fail(err, DA_EFORMAT, "tensor '%s' appears twice", shown(t.name, name));
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
    struct cursor c = {g->p, g->len, 0};
    unsigned char magic[4];
    uint64_t n_tensors, n_keys;
    enum da_rc rc;
    if (!take(&c, magic, sizeof magic) || memcmp(magic, "GGUF", 4) != 0)
        return da_fail(err, DA_EFORMAT, "not a GGUF file");
    if (!take_u32(&c, &g->version))
        return truncated(&c, err, "the header");
    if (g->version != 2 && g->version != 3)
        return da_fail(err, DA_EUNSUPPORTED, "GGUF version %" PRIu32 " is not read%s", g->version,
                       (g->version & 0xffff) == 0 ? " (the file is big-endian)" : "");
    if (!take_u64(&c, &n_tensors) || !take_u64(&c, &n_keys))
        return truncated(&c, err, "the header");
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

enum da_rc da_gguf_open(struct da_gguf **ret, const char *path, struct da_err *err)
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

void da_gguf_close(struct da_gguf *g)
{
    if (!g)
        return;
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

struct da_span da_gguf_bytes(const struct da_gguf *g)
{
    return da_span((const char *)g->p, g->len);
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

static enum da_rc wrong_type(const struct da_gguf *g, const struct da_gguf_kv *kv, const char *want,
                             struct da_err *err)
{
    char key[GGUF_SHOWN_KEY + 4];
    return da_fail(err, DA_EFORMAT, "%s: key '%s' is %s%s, not %s", g->name, shown(kv->key, key),
                   kv->is_array ? "an array of " : "", da_gguf_vtype_name(kv->type), want);
}

static enum da_rc need(const struct da_gguf *g, const char *key, const struct da_gguf_kv **kv,
                       struct da_err *err)
{
    *kv = da_gguf_find(g, key);
    return *kv ? DA_OK : da_fail(err, DA_ENOTFOUND, "%s: key '%s' is missing", g->name, key);
}

/* Element i as an integer; false for floats and strings. Unsigned 64-bit beyond INT64_MAX is
 * reported as too_big. */
static bool element_int(const struct da_gguf_kv *kv, uint64_t i, int64_t *out, bool *too_big)
{
    unsigned size = VTYPES[kv->type].size;
    uint64_t v = 0;
    *too_big = false;
    for (unsigned b = 0; b < size; b++)
        v |= (uint64_t)kv->p[i * size + b] << (8 * b);
    switch (kv->type) {
    case DA_GGUF_BOOL:
        *out = v != 0;
        return kv->is_array; /* flags of layers; a lone one is no number */
    case DA_GGUF_U8:
    case DA_GGUF_U16:
    case DA_GGUF_U32: *out = (int64_t)v; return true;
    case DA_GGUF_U64:
        *too_big = v > INT64_MAX;
        *out = *too_big ? INT64_MAX : (int64_t)v;
        return true;
    case DA_GGUF_I8: *out = (int64_t)v - (v > INT8_MAX ? 1 << 8 : 0); return true;
    case DA_GGUF_I16: *out = (int64_t)v - (v > INT16_MAX ? 1 << 16 : 0); return true;
    case DA_GGUF_I32: *out = (int64_t)v - (v > INT32_MAX ? (int64_t)1 << 32 : 0); return true;
    case DA_GGUF_I64: memcpy(out, &v, sizeof *out); return true;
    default: return false;
    }
}

static bool element_float(const struct da_gguf_kv *kv, uint64_t i, double *out)
{
    float f;
    int64_t v = 0;
    bool big;
    if (kv->type == DA_GGUF_F32) {
        memcpy(&f, kv->p + i * 4, 4);
        *out = (double)f;
        return true;
    }
    if (kv->type == DA_GGUF_F64) {
        memcpy(out, kv->p + i * 8, 8);
        return true;
    }
    if (!element_int(kv, i, &v, &big))
        return false;
    *out = (double)v;
    return true;
}

enum da_rc da_gguf_get_int(const struct da_gguf *g, const char *key, int64_t *out,
                           struct da_err *err)
{
    const struct da_gguf_kv *kv;
    int64_t v = 0;
    bool big;
    enum da_rc rc = need(g, key, &kv, err);
    if (rc)
        return rc;
    if (kv->is_array || !element_int(kv, 0, &v, &big))
        return wrong_type(g, kv, "an integer", err);
    if (big)
        return da_fail(err, DA_EFORMAT, "%s: key '%s' is too large", g->name, key);
    *out = v;
    return DA_OK;
}

enum da_rc da_gguf_get_uint(const struct da_gguf *g, const char *key, uint64_t *out,
                            struct da_err *err)
{
    int64_t v = 0;
    enum da_rc rc = da_gguf_get_int(g, key, &v, err);
    if (rc)
        return rc;
    if (v < 0)
        return da_fail(err, DA_EFORMAT, "%s: key '%s' is negative", g->name, key);
    *out = (uint64_t)v;
    return DA_OK;
}

enum da_rc da_gguf_get_float(const struct da_gguf *g, const char *key, double *out,
                             struct da_err *err)
{
    const struct da_gguf_kv *kv;
    double v;
    enum da_rc rc = need(g, key, &kv, err);
    if (rc)
        return rc;
    if (kv->is_array || !element_float(kv, 0, &v))
        return wrong_type(g, kv, "a number", err);
    *out = v;
    return DA_OK;
}

enum da_rc da_gguf_get_bool(const struct da_gguf *g, const char *key, bool *out, struct da_err *err)
{
    const struct da_gguf_kv *kv;
    enum da_rc rc = need(g, key, &kv, err);
    if (rc)
        return rc;
    if (kv->is_array || kv->type != DA_GGUF_BOOL)
        return wrong_type(g, kv, "a boolean", err);
    *out = kv->p[0] != 0;
    return DA_OK;
}

enum da_rc da_gguf_get_str(const struct da_gguf *g, const char *key, struct da_span *out,
                           struct da_err *err)
{
    const struct da_gguf_kv *kv;
    enum da_rc rc = need(g, key, &kv, err);
    if (rc)
        return rc;
    if (kv->is_array || kv->type != DA_GGUF_STR)
        return wrong_type(g, kv, "a string", err);
    struct cursor c = {kv->p, (size_t)kv->len, 0};
    (void)take_str(&c, out); /* checked when the file was opened */
    return DA_OK;
}

enum da_rc da_gguf_opt_uint(const struct da_gguf *g, const char *key, uint64_t def, uint64_t *out,
                            struct da_err *err)
{
    *out = def;
    return da_gguf_find(g, key) ? da_gguf_get_uint(g, key, out, err) : DA_OK;
}

enum da_rc da_gguf_opt_float(const struct da_gguf *g, const char *key, double def, double *out,
                             struct da_err *err)
{
    *out = def;
    return da_gguf_find(g, key) ? da_gguf_get_float(g, key, out, err) : DA_OK;
}

enum da_rc da_gguf_opt_bool(const struct da_gguf *g, const char *key, bool def, bool *out,
                            struct da_err *err)
{
    *out = def;
    return da_gguf_find(g, key) ? da_gguf_get_bool(g, key, out, err) : DA_OK;
}

enum da_rc da_gguf_opt_str(const struct da_gguf *g, const char *key, struct da_span def,
                           struct da_span *out, struct da_err *err)
{
    *out = def;
    return da_gguf_find(g, key) ? da_gguf_get_str(g, key, out, err) : DA_OK;
}

static enum da_rc need_array(const struct da_gguf *g, const char *key, size_t elem_size,
                             const struct da_gguf_kv **kv, void **block, struct da_err *err)
{
    enum da_rc rc = need(g, key, kv, err);
    if (rc)
        return rc;
    if (!(*kv)->is_array)
        return wrong_type(g, *kv, "an array", err);
    *block = da_try_alloc((*kv)->n ? (size_t)(*kv)->n : 1, elem_size);
    return *block ? DA_OK
                  : da_fail(err, DA_ENOMEM, "%s: key '%s': no memory for %" PRIu64 " elements",
                            g->name, key, (*kv)->n);
}

enum da_rc da_gguf_get_strs(const struct da_gguf *g, const char *key, struct da_span **out,
                            size_t *n, struct da_err *err)
{
    const struct da_gguf_kv *kv;
    void *block;
    enum da_rc rc = need_array(g, key, sizeof(struct da_span), &kv, &block, err);
    if (rc)
        return rc;
    struct da_span *strs = block;
    if (kv->type != DA_GGUF_STR) {
        free(block);
        return wrong_type(g, kv, "an array of strings", err);
    }
    struct cursor c = {kv->p, (size_t)kv->len, 0};
    for (size_t i = 0; i < kv->n; i++)
        (void)take_str(&c, &strs[i]);
    *out = strs;
    *n = (size_t)kv->n;
    return DA_OK;
}

enum da_rc da_gguf_get_floats(const struct da_gguf *g, const char *key, float **out, size_t *n,
                              struct da_err *err)
{
    const struct da_gguf_kv *kv;
    void *block;
    enum da_rc rc = need_array(g, key, sizeof(float), &kv, &block, err);
    if (rc)
        return rc;
    float *v = block;
    for (size_t i = 0; i < kv->n; i++) {
        double d;
        if (!element_float(kv, i, &d)) {
            free(block);
            return wrong_type(g, kv, "an array of numbers", err);
        }
        v[i] = (float)d;
    }
    *out = v;
    *n = (size_t)kv->n;
    return DA_OK;
}

enum da_rc da_gguf_get_ints(const struct da_gguf *g, const char *key, int32_t **out, size_t *n,
                            struct da_err *err)
{
    const struct da_gguf_kv *kv;
    void *block;
    enum da_rc rc = need_array(g, key, sizeof(int32_t), &kv, &block, err);
    if (rc)
        return rc;
    int32_t *v = block;
    for (size_t i = 0; i < kv->n; i++) {
        int64_t x;
        bool big;
        if (!element_int(kv, i, &x, &big)) {
            free(block);
            return wrong_type(g, kv, "an array of integers", err);
        }
        if (x < INT32_MIN || x > INT32_MAX) {
            free(block);
            return da_fail(err, DA_EFORMAT, "%s: key '%s': element %zu does not fit 32 bits",
                           g->name, key, i);
        }
        v[i] = (int32_t)x;
    }
    *out = v;
    *n = (size_t)kv->n;
    return DA_OK;
}
