/* The file is mapped: nothing is copied or cleared, and processes that use one model share it. */
#include "engine/model/panel_cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/hash.h"
#include "common/mem.h"
#include "engine/model/load.h"

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

bool da_panel_cache_map(const char *path, struct da_span header, uint64_t n_bytes,
                        struct da_mapped *ret)
{
    struct da_err ignored;
    struct da_mapped m;
    if (!da_io_exists(path) || da_io_map(path, &m, &ignored))
        return false;
    if (!da_panel_cache_matches(header, n_bytes, da_span((const char *)m.p, m.len))) {
        da_io_unmap(&m);
        return false;
    }
    *ret = m;
    return true;
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
