/*
 * Reading is a copy into large pages rather than a mapping: the copy takes some
 * milliseconds (several threads, from the system's cache), and decoding through the
 * 4 KiB pages of a mapped file would be slower for as long as the program runs.
 */
#include "engine/model/panel_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/hash.h"
#include "common/mem.h"
#include "common/threads.h"
#include "engine/model/load.h"

enum { CHUNK = 4 << 20 };

static void put_u64(struct da_buf *out, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        da_buf_add_char(out, (char)(v >> 8 * i & 0xff));
}

enum da_rc da_panel_cache_header(const struct da_loader *ld, struct da_buf *out, struct da_err *err)
{
    const struct da_span table = da_gguf_header_bytes(ld->g);
    unsigned char sum[DA_SHA256_LEN];
    char hex[DA_SHA256_HEX_LEN + 1];
    da_buf_reset(out);
    da_buf_add(out, "DAPANELS", 8);
    put_u64(out, DA_PANEL_CACHE_VERSION);
    put_u64(out, da_gguf_n_files(ld->g));
    for (size_t i = 0; i < da_gguf_n_files(ld->g); i++) {
        struct stat st;
        if (stat(da_gguf_file_path(ld->g, i), &st) != 0)
            return da_fail(err, DA_EIO, "%s: %s", da_gguf_file_path(ld->g, i), strerror(errno));
        put_u64(out, (uint64_t)st.st_size);
        put_u64(out, (uint64_t)st.st_mtim.tv_sec);
        put_u64(out, (uint64_t)st.st_mtim.tv_nsec);
    }
    da_sha256_hex(table.p, table.len, hex);
    da_buf_add(out, hex, DA_SHA256_HEX_LEN);
    put_u64(out, ld->n);
    for (size_t i = 0; i < ld->n; i++) {
        const struct da_panels *p = ld->list[i].p;
        put_u64(out, p->kind);
        put_u64(out, p->n_rows);
        put_u64(out, p->n_cols);
        put_u64(out, p->panel_bytes);
        put_u64(out, ld->list[i].offset);
    }
    put_u64(out, ld->panel_bytes);
    struct da_sha256 h;
    da_sha256_init(&h);
    da_sha256_add(&h, out->p, out->len);
    da_sha256_end(&h, sum);
    da_buf_add(out, sum, sizeof sum);
    while (out->len % DA_PANEL_CACHE_ALIGN)
        da_buf_add_char(out, 0);
    return DA_OK;
}

bool da_panel_cache_matches(struct da_span header, uint64_t n_bytes, struct da_span file)
{
    return file.len >= header.len && file.len - header.len == n_bytes &&
           memcmp(file.p, header.p, header.len) == 0;
}

void da_panel_cache_path(struct da_buf *out, const char *model_path, const char *dir)
{
    char name[64];
    da_buf_reset(out);
    if (!dir) {
        da_buf_add(out, model_path, strlen(model_path));
        da_buf_add(out, ".panels", 7);
        return;
    }
    snprintf(name, sizeof name, "%016llx.panels",
             (unsigned long long)da_hash64(model_path, strlen(model_path), 0));
    da_io_join(out, dir, name);
}

struct copying {
    int fd;
    uint64_t at, n; /* of the file */
    unsigned char *dst;
    bool *bad; /* [workers] */
};

static void copy_chunk(void *ctx, size_t item, unsigned worker)
{
    struct copying *c = ctx;
    uint64_t from = (uint64_t)item * CHUNK, left = c->n - from < CHUNK ? c->n - from : CHUNK;
    while (left) {
        ssize_t k = pread(c->fd, c->dst + from, (size_t)left, (off_t)(c->at + from));
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            c->bad[worker] = true;
            return;
        }
        from += (uint64_t)k;
        left -= (uint64_t)k;
    }
}

/* Whether the file open as fd begins with header and has the right length. */
static bool right_file(int fd, struct da_span header, uint64_t n_bytes)
{
    struct stat st;
    bool yes = false;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < 0 ||
        (uint64_t)st.st_size < header.len || (uint64_t)st.st_size - header.len != n_bytes)
        return false;
    char *got = da_malloc(header.len);
    size_t n = 0;
    while (n < header.len) {
        ssize_t k = pread(fd, got + n, header.len - n, (off_t)n);
        if (k <= 0)
            break;
        n += (size_t)k;
    }
    /* the length is right already */
    yes = n == header.len && da_panel_cache_matches(header, 0, da_span(got, n));
    free(got);
    return yes;
}

bool da_panel_cache_read(const char *path, struct da_span header, unsigned char *dst,
                         uint64_t n_bytes, unsigned n_threads)
{
    struct copying c = {open(path, O_RDONLY | O_CLOEXEC), header.len, n_bytes, dst, NULL};
    bool ok = false;
    if (c.fd < 0)
        return false;
    if (right_file(c.fd, header, n_bytes)) {
        c.bad = da_calloc(n_threads, sizeof *c.bad);
        da_parallel_for(n_threads, (size_t)((n_bytes + CHUNK - 1) / CHUNK), copy_chunk, &c);
        ok = true;
        for (unsigned i = 0; i < n_threads; i++)
            ok = ok && !c.bad[i];
        free(c.bad);
    }
    (void)close(c.fd);
    return ok;
}

void da_panel_cache_write(const char *path, struct da_span header, const unsigned char *panels,
                          uint64_t n_bytes)
{
    struct da_buf tmp;
    struct da_err err;
    da_buf_init(&tmp, 0);
    da_buf_add(&tmp, path, strlen(path));
    da_buf_add(&tmp, ".XXXXXX", 7);
    int fd = mkstemp(tmp.p);
    if (fd >= 0) {
        bool ok = !da_io_write_all(fd, header.p, header.len, tmp.p, &err) &&
                  !da_io_write_all(fd, panels, (size_t)n_bytes, tmp.p, &err) && fsync(fd) == 0;
        ok = close(fd) == 0 && ok;
        if (!ok || rename(tmp.p, path) != 0)
            (void)unlink(tmp.p);
    }
    da_buf_release(&tmp);
}
