/* torch.save archives: zip files of a pickle and a member for each storage. */
#include "engine/model/torch.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/zip.h"
#include "engine/model/pickle.h"

struct archive {
    char prefix[256]; /* folder of all members, with its slash */
    struct da_zip_member *members;
    bool *checked; /* [n] whose sums were right */
    size_t n, cap;
    struct da_map index; /* name -> position in members */
    struct da_err *err;
};

static enum da_rc read_members(struct archive *z, const unsigned char *p, size_t len)
{
    static const char PICKLE[] = "data.pkl";
    const size_t n = strlen(PICKLE);
    struct da_zip_member m;
    struct da_zip zip;
    enum da_rc rc = da_zip_open(&zip, p, len, z->err);
    if (rc)
        return da_err_context(z->err, rc, "not an archive of torch.save");
    while (!(rc = da_zip_next(&zip, &m, z->err))) {
        *da_map_add(&z->index, m.name.p, m.name.len, NULL) = z->n;
        DA_GROW(z->members, z->n, z->cap);
        z->members[z->n++] = m;
        size_t at = m.name.len - n; /* looked at only where the name is longer */
        if (m.name.len > n && m.name.len < sizeof z->prefix &&
            memcmp(m.name.p + at, PICKLE, n) == 0 &&
            memchr(m.name.p, '/', m.name.len) == m.name.p + at - 1)
            snprintf(z->prefix, sizeof z->prefix, "%.*s", (int)at, m.name.p);
    }
    if (rc != DA_ENOTFOUND)
        return rc;
    z->checked = da_calloc(z->n + 1, sizeof *z->checked);
    return z->prefix[0] ? DA_OK : da_fail(z->err, DA_EFORMAT, "the archive has no data.pkl");
}

static enum da_rc ignore(void *ctx, const unsigned char *p, size_t n, struct da_err *err)
{
    (void)ctx, (void)p, (void)n, (void)err;
    return DA_OK;
}

/* The bytes of prefix + name, whose sum is right (where zlib is there to tell); p NULL when there
 * is no such member. A sum of 0 is none: torch.save leaves it out when it is told to. */
static enum da_rc entry(struct archive *z, struct da_span name, struct da_mapped *out)
{
    char whole[512];
    int n = snprintf(whole, sizeof whole, "%s%.*s", z->prefix,
                     (int)(name.len < 256 ? name.len : 256), name.p);
    const uint64_t *at = da_map_get(&z->index, whole, (size_t)n);
    *out = (struct da_mapped){NULL, 0};
    if (!at)
        return DA_OK;
    const struct da_zip_member *m = &z->members[*at];
    if (m->method != 0 || m->packed != m->size)
        return da_fail(z->err, DA_EUNSUPPORTED, "'%s' is packed; torch.save stores", whole);
    if (m->crc != 0 && !z->checked[*at]) {
        enum da_rc rc = da_zip_read(m, ignore, NULL, z->err);
        if (rc && rc != DA_EUNSUPPORTED)
            return rc;
        z->checked[*at] = true;
    }
    *out = (struct da_mapped){m->data, (size_t)m->size};
    return DA_OK;
}

static enum da_rc add(struct da_safetensors *s, struct archive *z,
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
    struct archive z = {.err = err};
    struct da_pickle_tensor *list = NULL;
    struct da_mapped pickle, order;
    size_t n = 0;
    enum da_rc rc;
    da_map_init(&z.index);
    if ((rc = read_members(&z, p, len)) || (rc = entry(&z, da_span_str("data.pkl"), &pickle)) ||
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
    da_map_release(&z.index);
    free(z.members);
    free(z.checked);
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
