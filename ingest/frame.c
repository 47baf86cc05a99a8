/* See frame.h. The head is written byte by byte, so that both ends agree on any machine. */

#include "ingest/frame.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void da_frame_add(struct da_buf *out, enum da_frame_type type, const void *p, size_t len)
{
    assert(len <= DA_FRAME_MAX_PAYLOAD);
    unsigned char head[DA_FRAME_HEAD_LEN] = {
        DA_FRAME_VERSION,
        (unsigned char)type,
        0,
        0,
        (unsigned char)(len & 255),
        (unsigned char)(len >> 8 & 255),
        (unsigned char)(len >> 16 & 255),
        (unsigned char)(len >> 24 & 255),
    };
    da_buf_add(out, head, sizeof head);
    da_buf_add(out, p, len);
}

enum da_rc da_frame_next(struct da_span *rest, struct da_frame *ret, struct da_err *err)
{
    if (rest->len < DA_FRAME_HEAD_LEN) {
        *ret = (struct da_frame){DA_FRAME_NONE, {NULL, 0}};
        return DA_OK;
    }
    unsigned char h[DA_FRAME_HEAD_LEN];
    memcpy(h, rest->p, sizeof h);
    if (h[0] != DA_FRAME_VERSION)
        return da_fail(err, DA_EFORMAT, "frame of version %u, expected %d", h[0],
                       DA_FRAME_VERSION);
    if (h[1] < DA_FRAME_HELLO || h[1] > DA_FRAME_END || h[2] != 0 || h[3] != 0)
        return da_fail(err, DA_EFORMAT, "frame of unknown type %u", h[1]);
    size_t len = (size_t)h[4] | (size_t)h[5] << 8 | (size_t)h[6] << 16 | (size_t)h[7] << 24;
    if (len > DA_FRAME_MAX_PAYLOAD)
        return da_fail(err, DA_EFORMAT, "frame of %zu bytes is longer than allowed", len);
    if (len > rest->len - DA_FRAME_HEAD_LEN) {
        *ret = (struct da_frame){DA_FRAME_NONE, {NULL, 0}};
        return DA_OK;
    }
    ret->type = (enum da_frame_type)h[1];
    ret->payload = da_span(rest->p + DA_FRAME_HEAD_LEN, len);
    rest->p += DA_FRAME_HEAD_LEN + len;
    rest->len -= DA_FRAME_HEAD_LEN + len;
    return DA_OK;
}

void da_pair_add(struct da_buf *out, const char *key, const char *value, size_t len)
{
    const char *nul = len > 0 ? memchr(value, 0, len) : NULL;
    da_buf_add(out, key, strlen(key) + 1);
    da_buf_add(out, value, nul != NULL ? (size_t)(nul - value) : len);
    da_buf_add(out, "", 1);
}

void da_pair_add_int(struct da_buf *out, const char *key, int64_t value)
{
    char s[24];
    int n = snprintf(s, sizeof s, "%" PRId64, value);
    da_pair_add(out, key, s, (size_t)n);
}

/* Takes the bytes up to the next NUL off *rest. */
static bool take_cstr(struct da_span *rest, struct da_span *s)
{
    const char *nul = rest->len > 0 ? memchr(rest->p, 0, rest->len) : NULL;
    if (nul == NULL)
        return false;
    *s = da_span(rest->p, (size_t)(nul - rest->p));
    rest->p += s->len + 1;
    rest->len -= s->len + 1;
    return true;
}

bool da_pair_next(struct da_span *rest, struct da_span *key, struct da_span *value, bool *bad)
{
    if (rest->len == 0)
        return false;
    if (take_cstr(rest, key) && take_cstr(rest, value))
        return true;
    *bad = true;
    return false;
}
