/* safetensors reader. */
#include "engine/model/safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/io.h"
#include "common/json.h"
#include "common/map.h"
#include "common/mem.h"

struct da_safetensors {
    struct da_mapped *files; /* owned */
    size_t n_files, cap_files;
    struct da_st_tensor *tensors;
    size_t n, cap;
    struct da_map index; /* name -> position */
    void **blocks;       /* owned, as each of them */
    size_t n_blocks, cap_blocks;
};

struct da_safetensors *da_safetensors_new(void)
{
    struct da_safetensors *s = da_calloc(1, sizeof *s);
    da_map_init(&s->index);
    return s;
}

enum da_rc da_safetensors_map(struct da_safetensors *s, const char *path,
                              const struct da_mapped **ret, struct da_err *err)
{
    DA_GROW(s->files, s->n_files, s->cap_files);
    enum da_rc rc = da_io_map(path, &s->files[s->n_files], err);
    if (rc)
        return rc;
    *ret = &s->files[s->n_files++];
    return DA_OK;
}

void da_safetensors_own(struct da_safetensors *s, void *block)
{
    DA_GROW(s->blocks, s->n_blocks, s->cap_blocks);
    s->blocks[s->n_blocks++] = block;
}

enum da_rc da_safetensors_add(struct da_safetensors *s, const char *name,
                              const struct da_st_tensor *t, struct da_err *err)
{
    bool is_new;
    if (s->n == DA_ST_MAX_TENSORS)
        return da_fail(err, DA_ELIMIT, "more than %d tensors", DA_ST_MAX_TENSORS);
    *da_map_add(&s->index, name, strlen(name), &is_new) = s->n;
    if (!is_new)
        return da_fail(err, DA_EFORMAT, "tensor '%.64s' appears twice", name);
    DA_GROW(s->tensors, s->n, s->cap);
    s->tensors[s->n] = *t;
    s->tensors[s->n++].name = da_strdup(name);
    return DA_OK;
}

static enum da_rc tensor_type(struct da_span dtype, const char *name, struct da_st_tensor *t,
                              struct da_err *err)
{
    static const struct {
        const char *name;
        enum da_qtype type;
    } TYPES[] = {{"F32", DA_Q_F32}, {"F16", DA_Q_F16}, {"BF16", DA_Q_BF16}};
    for (size_t i = 0; i < DA_ARRAY_LEN(TYPES); i++) {
        if (da_span_is(dtype, TYPES[i].name)) {
            t->type = TYPES[i].type;
            return DA_OK;
        }
    }
    return da_fail(err, DA_EUNSUPPORTED, "tensor '%.64s' has dtype '%.*s'; F32, F16, BF16 are read",
                   name, (int)(dtype.len < 16 ? dtype.len : 16), dtype.p);
}

static enum da_rc tensor_shape(const struct da_json *shape, const char *name,
                               struct da_st_tensor *t, uint64_t *n_values, struct da_err *err)
{
    *n_values = 1;
    if (!shape || da_json_type(shape) != DA_JSON_ARRAY || da_json_len(shape) > DA_ST_MAX_DIMS)
        return da_fail(err, DA_EFORMAT, "tensor '%.64s' has no shape of up to %d dimensions", name,
                       DA_ST_MAX_DIMS);
    for (const struct da_json *d = da_json_first(shape); d; d = da_json_next(d)) {
        int64_t v;
        if (!da_json_int(d, &v) || v <= 0 || (uint64_t)v > (UINT64_MAX >> 4) / *n_values)
            return da_fail(err, DA_EFORMAT, "tensor '%.64s' has an impossible shape", name);
        t->dims[t->n_dims++] = (uint64_t)v;
        *n_values *= (uint64_t)v;
    }
    return DA_OK;
}

/* Buffers such as position numbers: never weights. */
static bool is_integer(struct da_span dtype)
{
    return da_span_is(dtype, "I64") || da_span_is(dtype, "I32") || da_span_is(dtype, "BOOL");
}

static enum da_rc add_tensor(struct da_safetensors *s, const struct da_json *j,
                             const unsigned char *data, uint64_t len, struct da_err *err)
{
    struct da_st_tensor t = {0};
    const char *name = da_json_key(j);
    struct da_span dtype;
    const struct da_json *offsets = da_json_get(j, "data_offsets");
    int64_t from, to;
    uint64_t n_values;
    enum da_rc rc = da_json_need_str(j, "dtype", &dtype, err);
    if (rc)
        return da_err_context(err, rc, "tensor '%.64s'", name);
    if (is_integer(dtype))
        return DA_OK;
    if ((rc = tensor_type(dtype, name, &t, err)) ||
        (rc = tensor_shape(da_json_get(j, "shape"), name, &t, &n_values, err)))
        return rc;
    if (da_json_len(offsets) != 2 || !da_json_int(da_json_at(offsets, 0), &from) ||
        !da_json_int(da_json_at(offsets, 1), &to) || from < 0 || to < from || (uint64_t)to > len)
        return da_fail(err, DA_EFORMAT, "tensor '%.64s' leaves the file", name);
    if ((uint64_t)(to - from) != n_values * da_qtype_info(t.type)->block_bytes)
        return da_fail(err, DA_EFORMAT,
                       "tensor '%.64s' has %" PRId64 " bytes, its shape needs %" PRIu64, name,
                       to - from, n_values * da_qtype_info(t.type)->block_bytes);
    t.data = data + from;
    return da_safetensors_add(s, name, &t, err);
}

static enum da_rc parse_file(struct da_safetensors *s, const unsigned char *p, size_t len,
                             struct da_err *err)
{
    uint64_t n = 0;
    struct da_json *root = NULL;
    if (len < 8)
        return da_fail(err, DA_EFORMAT, "not a safetensors file");
    for (int i = 0; i < 8; i++)
        n |= (uint64_t)p[i] << (8 * i);
    if (n > DA_ST_MAX_HEADER)
        return da_fail(err, DA_EFORMAT, "not a safetensors file: a header of %" PRIu64 " bytes", n);
    const bool cut = n > len - 8;
    enum da_rc rc = da_json_parse((const char *)p + 8, cut ? len - 8 : (size_t)n, &root, err);
    if (!rc && cut)
        rc = da_fail(err, DA_EFORMAT, "nothing follows its %zu bytes", len - 8);
    if (rc) {
        da_json_free(root);
        return da_err_context(err, rc, cut ? "the file ends inside its header" : "header");
    }
    if (da_json_type(root) != DA_JSON_OBJECT)
        rc = da_fail(err, DA_EFORMAT, "the header is not an object");
    for (const struct da_json *j = da_json_first(root); j && !rc; j = da_json_next(j))
        if (strcmp(da_json_key(j), "__metadata__") != 0)
            rc = add_tensor(s, j, p + 8 + n, len - 8 - n, err);
    da_json_free(root);
    return rc;
}

static enum da_rc open_file(struct da_safetensors *s, const char *path, struct da_err *err)
{
    const struct da_mapped *file;
    enum da_rc rc = da_safetensors_map(s, path, &file, err);
    if (rc)
        return rc;
    rc = parse_file(s, file->p, file->len, err);
    return rc ? da_err_context(err, rc, "%s", path) : DA_OK;
}

/* Each file the index names, once. A name is a plain file name of this folder. */
enum da_rc da_safetensors_shards(struct da_safetensors *s, const char *folder, const char *index,
                                 enum da_rc (*open)(struct da_safetensors *s, const char *path,
                                                    struct da_err *err),
                                 struct da_err *err)
{
    struct da_json *root = NULL;
    struct da_map seen;
    struct da_buf path, text;
    enum da_rc rc;
    da_map_init(&seen);
    da_buf_init(&path, 0);
    da_buf_init(&text, 0);
    da_io_join(&path, folder, index);
    if ((rc = da_io_read_file(path.p, DA_ST_MAX_HEADER, &text, err)) == DA_OK &&
        (rc = da_json_parse(text.p, text.len, &root, err)) != DA_OK)
        rc = da_err_context(err, rc, "%s", path.p);
    if (rc)
        goto out;
    const struct da_json *map = da_json_get(root, "weight_map");
    if (da_json_len(map) == 0)
        rc = da_fail(err, DA_EFORMAT, "%s has no weight_map", path.p);
    for (const struct da_json *j = da_json_first(map); j && !rc; j = da_json_next(j)) {
        struct da_span file;
        bool is_new;
        if (!da_json_str(j, &file) || file.len == 0 || memchr(file.p, '/', file.len) ||
            file.p[0] == '.') {
            rc = da_fail(err, DA_EFORMAT, "%s/%s: member '%.64s' names no file of this folder",
                         folder, index, da_json_key(j));
            break;
        }
        (void)da_map_add(&seen, file.p, file.len, &is_new);
        if (!is_new)
            continue;
        if (seen.n > DA_ST_MAX_SHARDS) {
            rc = da_fail(err, DA_ELIMIT, "more than %d shards", DA_ST_MAX_SHARDS);
            break;
        }
        da_buf_reset(&path);
        da_io_join(&path, folder, file.p);
        rc = open(s, path.p, err);
    }
out:
    da_buf_release(&path);
    da_buf_release(&text);
    da_map_release(&seen);
    da_json_free(root);
    return rc;
}

enum da_rc da_safetensors_open(struct da_safetensors **ret, const char *folder, struct da_err *err)
{
    struct da_safetensors *s = da_safetensors_new();
    struct da_buf path;
    enum da_rc rc;
    da_buf_init(&path, 0);
    da_io_join(&path, folder, "model.safetensors.index.json");
    if (da_io_exists(path.p)) {
        rc = da_safetensors_shards(s, folder, "model.safetensors.index.json", open_file, err);
    } else {
        da_buf_reset(&path);
        da_io_join(&path, folder, "model.safetensors");
        rc = da_io_exists(path.p)
                 ? open_file(s, path.p, err)
                 : da_fail(err, DA_ENOTFOUND, "%s has no model.safetensors", folder);
    }
    da_buf_release(&path);
    if (rc)
        da_safetensors_close(s);
    else
        *ret = s;
    return rc;
}

enum da_rc da_safetensors_open_memory(struct da_safetensors **ret, const void *p, size_t len,
                                      const char *name, struct da_err *err)
{
    struct da_safetensors *s = da_safetensors_new();
    enum da_rc rc = parse_file(s, p, len, err);
    if (rc) {
        rc = da_err_context(err, rc, "%s", name);
        da_safetensors_close(s);
        return rc;
    }
    *ret = s;
    return DA_OK;
}

void da_safetensors_close(struct da_safetensors *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        free(s->tensors[i].name);
    for (size_t i = 0; i < s->n_files; i++)
        da_io_unmap(&s->files[i]);
    for (size_t i = 0; i < s->n_blocks; i++)
        free(s->blocks[i]);
    free(s->blocks);
    free(s->tensors);
    free(s->files);
    da_map_release(&s->index);
    free(s);
}

size_t da_safetensors_n(const struct da_safetensors *s)
{
    return s->n;
}

const struct da_st_tensor *da_safetensors_at(const struct da_safetensors *s, size_t i)
{
    return &s->tensors[i];
}

const struct da_st_tensor *da_safetensors_find(const struct da_safetensors *s, const char *name)
{
    const uint64_t *at = da_map_get(&s->index, name, strlen(name));
    return at ? &s->tensors[*at] : NULL;
}
