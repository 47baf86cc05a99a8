/* torch.save archives. The zip format: PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12, 4.3.16. */
#include "engine/model/torch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io.h"
#include "common/map.h"
#include "common/mem.h"
#include "engine/model/pickle.h"

enum { ZIP_END = 22, ZIP_ENTRY = 46, ZIP_LOCAL = 30, ZIP_MAX_COMMENT = 65535 };

struct zip {
    const unsigned char *p;
    size_t len;
    size_t dir, dir_end; /* the central directory */
    unsigned n;
    char prefix[256];      /* folder of all entries, with its slash */
    struct da_map entries; /* name -> place in the central directory */
    struct da_err *err;
};

static uint32_t u16(const unsigned char *p)
{
    return (uint32_t)(p[0] | p[1] << 8);
}

static uint32_t u32(const unsigned char *p)
{
    return u16(p) | u16(p + 2) << 16;
}

static enum da_rc find_directory(struct zip *z)
{
    for (size_t back = ZIP_END; back <= z->len && back <= ZIP_END + ZIP_MAX_COMMENT; back++) {
        const unsigned char *e = z->p + z->len - back;
        if (u32(e) != 0x06054b50 || u16(e + 20) != back - ZIP_END)
            continue;
        uint64_t size = u32(e + 12), from = u32(e + 16);
        z->n = u16(e + 10);
        if (z->n == 0xffff || size == UINT32_MAX || from == UINT32_MAX)
            return da_fail(z->err, DA_EUNSUPPORTED, "zip64 archives are not read");
        if (from + size > z->len - back)
            return da_fail(z->err, DA_EFORMAT, "the archive's directory leaves the file");
        z->dir = (size_t)from;
        z->dir_end = (size_t)(from + size);
        return DA_OK;
    }
    return da_fail(z->err, DA_EFORMAT, "not an archive of torch.save (a zip file)");
}

static enum da_rc read_directory(struct zip *z)
{
    static const char PICKLE[] = "data.pkl";
    size_t at = z->dir;
    for (unsigned i = 0; i < z->n; i++) {
        if (z->dir_end - at < ZIP_ENTRY || u32(z->p + at) != 0x02014b50)
            return da_fail(z->err, DA_EFORMAT, "the archive's directory is damaged");
        size_t name = u16(z->p + at + 28);
        size_t all = ZIP_ENTRY + name + u16(z->p + at + 30) + u16(z->p + at + 32);
        if (all > z->dir_end - at)
            return da_fail(z->err, DA_EFORMAT, "the archive's directory is damaged");
        const char *s = (const char *)z->p + at + ZIP_ENTRY;
        const size_t n = strlen(PICKLE);
        *da_map_add(&z->entries, s, name, NULL) = at;
        if (name > n && name < sizeof z->prefix && memcmp(s + name - n, PICKLE, n) == 0 &&
            memchr(s, '/', name) == s + name - n - 1)
            snprintf(z->prefix, sizeof z->prefix, "%.*s", (int)(name - n), s);
        at += all;
    }
    return z->prefix[0] ? DA_OK : da_fail(z->err, DA_EFORMAT, "the archive has no data.pkl");
}

/* The bytes of prefix + name; p NULL when there is no such entry. */
static enum da_rc entry(const struct zip *z, struct da_span name, struct da_mapped *out)
{
    char whole[512];
    int n = snprintf(whole, sizeof whole, "%s%.*s", z->prefix,
                     (int)(name.len < 256 ? name.len : 256), name.p);
    const uint64_t *at = da_map_get(&z->entries, whole, (size_t)n);
    *out = (struct da_mapped){NULL, 0};
    if (!at)
        return DA_OK;
    const unsigned char *e = z->p + *at;
    const uint64_t size = u32(e + 24), local = u32(e + 42);
    if (u16(e + 10) != 0 || u32(e + 20) != size || u16(e + 8) & 1)
        return da_fail(z->err, DA_EUNSUPPORTED, "'%s' is packed; torch.save stores", whole);
    if (size == UINT32_MAX || local == UINT32_MAX)
        return da_fail(z->err, DA_EUNSUPPORTED, "zip64 archives are not read");
    if (local + ZIP_LOCAL > z->len || u32(z->p + local) != 0x04034b50)
        return da_fail(z->err, DA_EFORMAT, "'%s' leaves the file", whole);
    uint64_t data = local + ZIP_LOCAL + u16(z->p + local + 26) + u16(z->p + local + 28);
    if (data + size > z->len)
        return da_fail(z->err, DA_EFORMAT, "'%s' leaves the file", whole);
    *out = (struct da_mapped){z->p + data, (size_t)size};
    return DA_OK;
}

static enum da_rc add(struct da_safetensors *s, const struct zip *z,
                      const struct da_pickle_tensor *t)
{
    static const enum da_qtype TYPES[] = {DA_Q_F32, DA_Q_F16, DA_Q_BF16, DA_Q_I32};
    struct da_st_tensor out = {.type = TYPES[t->dtype], .n_dims = t->n_dims};
    struct da_mapped data;
    char path[256], name[256];
    snprintf(path, sizeof path, "data/%.*s", (int)(t->storage.len < 128 ? t->storage.len : 128),
             t->storage.p);
    if (t->name.len >= sizeof name || memchr(t->name.p, '\0', t->name.len))
        return da_fail(z->err, DA_EFORMAT, "a tensor without a proper name");
    snprintf(name, sizeof name, "%.*s", (int)t->name.len, t->name.p);
    enum da_rc rc = entry(z, da_span_str(path), &data);
    if (rc)
        return rc;
    const uint64_t values = data.len / t->width;
    if (!data.p || t->offset > values || t->n_values > values - t->offset)
        return da_fail(z->err, DA_EFORMAT, "tensor '%.64s' leaves its storage", name);
    out.data = data.p + t->offset * t->width;
    for (uint32_t d = 0; d < t->n_dims; d++)
        out.dims[d] = t->dims[d];
    return da_safetensors_add(s, name, &out, z->err);
}

static enum da_rc parse(struct da_safetensors *s, const unsigned char *p, size_t len,
                        struct da_err *err)
{
    struct zip z = {.p = p, .len = len, .err = err};
    struct da_pickle_tensor *list = NULL;
    struct da_mapped pickle, order;
    size_t n = 0;
    enum da_rc rc;
    da_map_init(&z.entries);
    if ((rc = find_directory(&z)) || (rc = read_directory(&z)) ||
        (rc = entry(&z, da_span_str("data.pkl"), &pickle)) ||
        (rc = entry(&z, da_span_str("byteorder"), &order)))
        goto out;
    if (order.p && (order.len != 6 || memcmp(order.p, "little", 6) != 0))
        rc = da_fail(err, DA_EUNSUPPORTED, "the data is not little-endian");
    else
        rc = da_pickle_state_dict(pickle.p, pickle.len, &list, &n, err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = add(s, &z, &list[i]);
out:
    free(list);
    da_map_release(&z.entries);
    return rc;
}

static enum da_rc open_file(struct da_safetensors *s, const char *path, struct da_err *err)
{
    const struct da_mapped *file;
    enum da_rc rc = da_safetensors_map(s, path, &file, err);
    if (rc)
        return rc;
    rc = parse(s, file->p, file->len, err);
    return rc ? da_err_context(err, rc, "%s", path) : DA_OK;
}

enum da_rc da_torch_open(struct da_safetensors **ret, const char *folder, struct da_err *err)
{
    struct da_safetensors *s = da_safetensors_new();
    struct da_buf path;
    enum da_rc rc;
    da_buf_init(&path, 0);
    da_io_join(&path, folder, "pytorch_model.bin.index.json");
    if (da_io_exists(path.p)) {
        rc = da_safetensors_shards(s, folder, "pytorch_model.bin.index.json", open_file, err);
    } else {
        da_buf_reset(&path);
        da_io_join(&path, folder, "pytorch_model.bin");
        rc = open_file(s, path.p, err);
    }
    da_buf_release(&path);
    if (rc)
        da_safetensors_close(s);
    else
        *ret = s;
    return rc;
}

enum da_rc da_torch_open_memory(struct da_safetensors **ret, const void *p, size_t len,
                                struct da_err *err)
{
    struct da_safetensors *s = da_safetensors_new();
    enum da_rc rc = parse(s, p, len, err);
    if (rc)
        da_safetensors_close(s);
    else
        *ret = s;
    return rc;
}
