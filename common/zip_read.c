/*
 * The bytes of a zip member, by zlib: raw DEFLATE (RFC 1951), and the CRC-32 of the
 * directory. No more comes out than the directory says.
 */
#include "common/zip.h"

#include "common/attr.h"

enum { SHOWN_NAME = 64 };

#if DA_WITH_ZLIB
#include <zlib.h>

enum { OUT_BYTES = 1 << 16, IN_BYTES_MAX = 1 << 30 /* zlib counts in unsigned int */ };

struct reading {
    da_zip_sink sink;
    void *ctx;
    uint64_t left; /* bytes that may still come out */
    uLong crc;
};

static enum da_rc pass(struct reading *s, const unsigned char *p, size_t n, struct da_err *err)
{
    if (n > s->left)
        return da_fail(err, DA_ELIMIT, "longer than it says");
    s->left -= n;
    s->crc = crc32_z(s->crc, p, n);
    return n ? s->sink(s->ctx, p, n, err) : DA_OK;
}

static enum da_rc run(z_stream *z, size_t len, struct reading *s, struct da_err *err)
{
    unsigned char out[OUT_BYTES];
    for (int status = Z_OK; status != Z_STREAM_END;) {
        if (z->avail_in == 0) {
            z->avail_in = len < IN_BYTES_MAX ? (uInt)len : IN_BYTES_MAX;
            len -= z->avail_in;
        }
        z->next_out = out;
        z->avail_out = OUT_BYTES;
        status = inflate(z, Z_NO_FLUSH);
        if (status == Z_BUF_ERROR)
            return da_fail(err, DA_EFORMAT, "its compressed data are cut off");
        if (status != Z_OK && status != Z_STREAM_END)
            return da_fail(err, DA_EFORMAT, "its compressed data are damaged");
        enum da_rc rc = pass(s, out, OUT_BYTES - z->avail_out, err);
        if (rc)
            return rc;
    }
    return DA_OK;
}

static enum da_rc inflate_member(const struct da_zip_member *m, struct reading *s,
                                 struct da_err *err)
{
    z_stream z = {.next_in = (z_const Bytef *)m->data};
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK) /* negative: no header of zlib's own */
        return da_fail(err, DA_ENOMEM, "no memory to decompress it");
    enum da_rc rc = run(&z, (size_t)m->packed, s, err);
    (void)inflateEnd(&z);
    return rc;
}

static enum da_rc read_member(const struct da_zip_member *m, da_zip_sink sink, void *ctx,
                              struct da_err *err)
{
    struct reading s = {sink, ctx, m->size, crc32_z(0, NULL, 0)};
    enum da_rc rc;
    if (m->method == 8)
        rc = inflate_member(m, &s, err);
    else if (m->method == 0)
        rc = pass(&s, m->data, (size_t)m->packed, err);
    else
        rc = da_fail(err, DA_EUNSUPPORTED, "packed by method %u", m->method);
    if (!rc && (s.left != 0 || s.crc != m->crc))
        rc = da_fail(err, DA_EFORMAT, "the checksum does not fit");
    return rc;
}
#else
static enum da_rc read_member(const struct da_zip_member *m, da_zip_sink sink, void *ctx,
                              struct da_err *err)
{
    (void)m, (void)sink, (void)ctx;
    return da_fail(err, DA_EUNSUPPORTED, "this program was made without zlib");
}
#endif

enum da_rc da_zip_read(const struct da_zip_member *m, da_zip_sink sink, void *ctx,
                       struct da_err *err)
{
    const int shown = (int)(m->name.len < SHOWN_NAME ? m->name.len : SHOWN_NAME);
    enum da_rc rc = read_member(m, sink, ctx, err);
    return rc ? da_err_context(err, rc, "'%.*s'", shown, m->name.p) : DA_OK;
}
