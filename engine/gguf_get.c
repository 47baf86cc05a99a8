/* Typed access to the keys of a GGUF file: gguf.c has checked that every value lies in it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/gguf.h"
#include "engine/gguf_impl.h"

static enum da_rc wrong_type(const struct da_gguf *g, const struct da_gguf_kv *kv, const char *want,
                             struct da_err *err)
{
    char key[DA_GGUF_SHOWN];
    return da_fail(err, DA_EFORMAT, "%s: key '%s' is %s%s, not %s", g->name,
                   da_gguf_shown(kv->key, key), kv->is_array ? "an array of " : "",
                   da_gguf_vtype_name(kv->type), want);
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
    unsigned size = da_gguf_vtype_size(kv->type);
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
    struct da_gguf_cursor c = {kv->p, (size_t)kv->len, 0};
    (void)da_gguf_take_str(&c, out); /* checked when the file was opened */
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
    struct da_gguf_cursor c = {kv->p, (size_t)kv->len, 0};
    for (size_t i = 0; i < kv->n; i++)
        (void)da_gguf_take_str(&c, &strs[i]);
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
