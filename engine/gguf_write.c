/* GGUF writer; format in gguf.c. */
#include "engine/gguf_write.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/io.h"
#include "common/mem.h"
#include "engine/gguf.h"

enum { WRITE_ALIGN = 32, WRITE_BUFFER = 1 << 20 };

struct da_gguf_writer {
    struct da_buf keys, table, pending;
    uint64_t n_keys, n_tensors;
    uint64_t *sizes; /* [n_tensors] bytes of data */
    size_t cap_sizes;
    uint64_t offset;  /* of the next tensor in the data */
    uint64_t current; /* tensor being written */
    uint64_t written; /* bytes of it */
    char *path, *tmp;
    int fd;
};

struct da_gguf_writer *da_gguf_writer_new(void)
{
    struct da_gguf_writer *w = da_calloc(1, sizeof *w);
    da_buf_init(&w->keys, 0);
    da_buf_init(&w->table, 0);
    da_buf_init(&w->pending, 0);
    w->fd = -1;
    return w;
}

void da_gguf_writer_free(struct da_gguf_writer *w)
{
    if (!w)
        return;
    if (w->fd >= 0) {
        (void)close(w->fd);
        (void)unlink(w->tmp);
    }
    da_buf_release(&w->keys);
    da_buf_release(&w->table);
    da_buf_release(&w->pending);
    free(w->sizes);
    free(w->path);
    free(w->tmp);
    free(w);
}

static void put_u32(struct da_buf *b, uint32_t v)
{
    unsigned char p[4] = {(unsigned char)v, (unsigned char)(v >> 8), (unsigned char)(v >> 16),
                          (unsigned char)(v >> 24)};
    da_buf_add(b, p, sizeof p);
}

static void put_u64(struct da_buf *b, uint64_t v)
{
    put_u32(b, (uint32_t)v);
    put_u32(b, (uint32_t)(v >> 32));
}

static void put_f32(struct da_buf *b, float v)
{
    uint32_t u;
    memcpy(&u, &v, sizeof u);
    put_u32(b, u);
}

static void put_text(struct da_buf *b, struct da_span s)
{
    put_u64(b, s.len);
    da_buf_add(b, s.p, s.len);
}

static void begin_key(struct da_gguf_writer *w, const char *key, enum da_gguf_vtype type)
{
    put_text(&w->keys, da_span_str(key));
    put_u32(&w->keys, type);
    w->n_keys++;
}

static void begin_array(struct da_gguf_writer *w, const char *key, enum da_gguf_vtype type,
                        uint64_t n)
{
    begin_key(w, key, DA_GGUF_ARR);
    put_u32(&w->keys, type);
    put_u64(&w->keys, n);
}

void da_gguf_put_str(struct da_gguf_writer *w, const char *key, struct da_span v)
{
    begin_key(w, key, DA_GGUF_STR);
    put_text(&w->keys, v);
}

void da_gguf_put_u32(struct da_gguf_writer *w, const char *key, uint32_t v)
{
    begin_key(w, key, DA_GGUF_U32);
    put_u32(&w->keys, v);
}

void da_gguf_put_f32(struct da_gguf_writer *w, const char *key, float v)
{
    begin_key(w, key, DA_GGUF_F32);
    put_f32(&w->keys, v);
}

void da_gguf_put_bool(struct da_gguf_writer *w, const char *key, bool v)
{
    begin_key(w, key, DA_GGUF_BOOL);
    da_buf_add_char(&w->keys, v ? 1 : 0);
}

void da_gguf_begin_strs(struct da_gguf_writer *w, const char *key, uint64_t n)
{
    begin_array(w, key, DA_GGUF_STR, n);
}

void da_gguf_add_str(struct da_gguf_writer *w, struct da_span v)
{
    put_text(&w->keys, v);
}

void da_gguf_put_i32s(struct da_gguf_writer *w, const char *key, const int32_t *v, uint64_t n)
{
    begin_array(w, key, DA_GGUF_I32, n);
    for (uint64_t i = 0; i < n; i++)
        put_u32(&w->keys, (uint32_t)v[i]);
}

void da_gguf_put_bytes(struct da_gguf_writer *w, const char *key, const void *p, uint64_t n)
{
    begin_array(w, key, DA_GGUF_U8, n);
    da_buf_add(&w->keys, p, (size_t)n);
}

void da_gguf_put_f32s(struct da_gguf_writer *w, const char *key, const float *v, uint64_t n)
{
    begin_array(w, key, DA_GGUF_F32, n);
    for (uint64_t i = 0; i < n; i++)
        put_f32(&w->keys, v[i]);
}

void da_gguf_put_kv(struct da_gguf_writer *w, const struct da_gguf_kv *kv)
{
    put_text(&w->keys, kv->key);
    if (kv->is_array)
        put_u32(&w->keys, DA_GGUF_ARR);
    put_u32(&w->keys, kv->type);
    if (kv->is_array)
        put_u64(&w->keys, kv->n);
    da_buf_add(&w->keys, kv->p, (size_t)kv->len);
    w->n_keys++;
}

static uint64_t aligned(uint64_t n)
{
    return (n + WRITE_ALIGN - 1) / WRITE_ALIGN * WRITE_ALIGN;
}

void da_gguf_add_tensor(struct da_gguf_writer *w, const char *name, enum da_qtype type,
                        unsigned n_dims, const uint64_t *dims)
{
    uint64_t size = 0;
    bool ok = da_qtype_row_bytes(type, dims[0], &size);
    assert(ok && w->fd < 0);
    (void)ok;
    put_text(&w->table, da_span_str(name));
    put_u32(&w->table, n_dims);
    for (unsigned i = 0; i < n_dims; i++) {
        put_u64(&w->table, dims[i]);
        size *= i ? dims[i] : 1;
    }
    put_u32(&w->table, type);
    put_u64(&w->table, w->offset);
    w->offset = aligned(w->offset + size);
    DA_GROW(w->sizes, w->n_tensors, w->cap_sizes);
    w->sizes[w->n_tensors++] = size;
}

static enum da_rc flush(struct da_gguf_writer *w, struct da_err *err)
{
    enum da_rc rc = da_io_write_all(w->fd, w->pending.p, w->pending.len, w->tmp, err);
    da_buf_reset(&w->pending);
    return rc;
}

static void pad_to(struct da_buf *b, uint64_t len)
{
    static const char ZEROS[WRITE_ALIGN] = {0};
    da_buf_add(b, ZEROS, (size_t)(aligned(len) - len));
}

enum da_rc da_gguf_writer_begin(struct da_gguf_writer *w, const char *path, struct da_err *err)
{
    struct da_buf head, name;
    da_buf_init(&head, 0);
    da_buf_init(&name, 0);
    enum da_rc rc = da_buf_check(&w->keys, "GGUF metadata", err);
    if (rc || (rc = da_buf_check(&w->table, "GGUF tensor table", err)))
        goto out;
    da_buf_addf(&name, "%s.tmp.%ld", path, (long)getpid());
    w->path = da_strdup(path);
    w->tmp = da_buf_take(&name, NULL);
    w->fd = open(w->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (w->fd < 0) {
        rc = da_fail_errno(err, DA_EIO, errno, "cannot create '%s'", path);
        goto out;
    }
    da_buf_add(&head, "GGUF", 4);
    put_u32(&head, 3);
    put_u64(&head, w->n_tensors);
    put_u64(&head, w->n_keys);
    da_buf_add(&head, w->keys.p, w->keys.len);
    da_buf_add(&head, w->table.p, w->table.len);
    pad_to(&head, head.len);
    rc = da_buf_check(&head, "GGUF header", err);
    if (!rc)
        rc = da_io_write_all(w->fd, head.p, head.len, w->tmp, err);
out:
    da_buf_release(&head);
    da_buf_release(&name);
    return rc;
}

enum da_rc da_gguf_writer_data(struct da_gguf_writer *w, const void *p, size_t len,
                               struct da_err *err)
{
    const char *at = p;
    while (len) {
        assert(w->current < w->n_tensors);
        uint64_t left = w->sizes[w->current] - w->written;
        size_t n = len < left ? len : (size_t)left;
        da_buf_add(&w->pending, at, n);
        at += n;
        len -= n;
        w->written += n;
        if (w->written == w->sizes[w->current]) {
            pad_to(&w->pending, w->written);
            w->written = 0;
            w->current++;
        }
        if (w->pending.len >= WRITE_BUFFER) {
            enum da_rc rc = flush(w, err);
            if (rc)
                return rc;
        }
    }
    return DA_OK;
}

enum da_rc da_gguf_writer_finish(struct da_gguf_writer *w, struct da_err *err)
{
    assert(w->current == w->n_tensors);
    enum da_rc rc = flush(w, err);
    if (rc)
        return rc;
    if (fsync(w->fd) != 0)
        return da_fail_errno(err, DA_EIO, errno, "cannot write '%s'", w->tmp);
    int fd = w->fd;
    w->fd = -1;
    if (close(fd) != 0 || rename(w->tmp, w->path) != 0) {
        rc = da_fail_errno(err, DA_EIO, errno, "cannot write '%s'", w->path);
        (void)unlink(w->tmp);
        return rc;
    }
    return da_io_sync_dir_of(w->path, err);
}
