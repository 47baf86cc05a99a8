/* See extracted.h. Keys stand in tables, so that both directions cannot drift apart. */

#include "ingest/extracted.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/utf8.h"

static const char *const status_names[DA_ST_COUNT] = {
    [DA_ST_OK] = "ok",
    [DA_ST_EMPTY] = "empty",
    [DA_ST_NEEDS_OCR] = "needs_ocr",
    [DA_ST_PASSWORD_REQUIRED] = "password_required",
    [DA_ST_CORRUPT] = "corrupt",
    [DA_ST_TOO_LARGE] = "too_large",
    [DA_ST_TIMEOUT] = "timeout",
    [DA_ST_CRASHED] = "crashed",
    [DA_ST_OUT_OF_MEMORY] = "out_of_memory",
    [DA_ST_UNREADABLE] = "unreadable",
    [DA_ST_UNSUPPORTED] = "unsupported",
    [DA_ST_DUPLICATE] = "duplicate",
    [DA_ST_FILTERED] = "filtered",
};

static const char *const num_names[DA_XN_COUNT] = {
    [DA_XN_PAGES] = "pages",
    [DA_XN_UNITS_DONE] = "units_done",
    [DA_XN_UNITS_TOTAL] = "units_total",
    [DA_XN_HEADERS_REMOVED] = "headers_removed",
    [DA_XN_HYPHENS_JOINED] = "hyphens_joined",
    [DA_XN_GLYPHS] = "glyphs",
    [DA_XN_UNMAPPED] = "unmapped",
    [DA_XN_IMAGE_PAGES] = "image_pages",
    [DA_XN_OCR_PAGES] = "ocr_pages",
    [DA_XN_COPY_FORBIDDEN] = "copy_forbidden",
    [DA_XN_TABLES] = "tables",
    [DA_XN_ATTACHMENTS] = "attachments",
    [DA_XN_LANG_PERMILLE] = "lang_permille",
};

static const char *const str_names[DA_XS_COUNT] = {
    [DA_XS_MEDIA_TYPE] = "media_type",
    [DA_XS_CHARSET] = "charset",
    [DA_XS_TYPE] = "type",
    [DA_XS_TITLE] = "title",
    [DA_XS_LANGUAGE] = "language",
};

const char *da_status_name(enum da_status s)
{
    return s < DA_ST_COUNT ? status_names[s] : "?";
}

static size_t find_name(const char *const *names, size_t n, struct da_span key)
{
    size_t i = 0;
    while (i < n && !da_span_is(key, names[i]))
        i++;
    return i;
}

enum da_status da_status_find(struct da_span name)
{
    return (enum da_status)find_name(status_names, DA_ST_COUNT, name);
}

void da_extracted_init(struct da_extracted *x)
{
    memset(x, 0, sizeof *x);
    da_buf_init(&x->text, DA_EXTRACT_MAX_TEXT);
    da_extracted_reset(x);
}

void da_extracted_release(struct da_extracted *x)
{
    da_buf_release(&x->text);
}

void da_extracted_reset(struct da_extracted *x)
{
    x->status = DA_ST_CRASHED;
    x->has_status = false;
    x->detail[0] = 0;
    for (size_t i = 0; i < DA_XN_COUNT; i++)
        x->num[i] = -1;
    for (size_t i = 0; i < DA_XS_COUNT; i++)
        x->str[i][0] = 0;
    da_buf_reset(&x->text);
}

/* Copies what is valid UTF-8 without control characters, cut at a character. */
static void copy_line(char *out, size_t size, const char *p, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        size_t k = da_utf8_decode(p + i, p + len, &cp);
        i += k;
        if (cp == '\t' || cp == '\n' || cp == '\r')
            cp = ' ';
        if (cp < 32 || (cp >= 127 && cp < 160) || (cp == ' ' && (n == 0 || out[n - 1] == ' ')))
            continue;
        char c[DA_UTF8_MAX_LEN];
        k = da_utf8_encode(cp, c);
        if (n + k >= size)
            break;
        memcpy(out + n, c, k);
        n += k;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = 0;
}

enum da_status da_extracted_end(struct da_extracted *x, enum da_status status, const char *fmt,
                                ...)
{
    char msg[2 * DA_EXTRACT_DETAIL_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    copy_line(x->detail, sizeof x->detail, msg, strlen(msg));
    x->status = status;
    x->has_status = true;
    return status;
}

void da_extracted_ok(struct da_extracted *x)
{
    (void)da_extracted_end(x, DA_ST_OK, "%s", "");
}

void da_extracted_set_str(struct da_extracted *x, enum da_xstr which, const char *p, size_t len)
{
    copy_line(x->str[which], DA_EXTRACT_MAX_STR, p, len);
}

void da_extracted_write(const struct da_extracted *x, struct da_buf *out)
{
    struct da_buf b;
    da_buf_init(&b, DA_FRAME_MAX_PAYLOAD);
    for (size_t i = 0; i < DA_XN_COUNT; i++)
        if (x->num[i] >= 0)
            da_pair_add_int(&b, num_names[i], x->num[i]);
    for (size_t i = 0; i < DA_XS_COUNT; i++)
        if (x->str[i][0] != 0)
            da_pair_add(&b, str_names[i], x->str[i], strlen(x->str[i]));
    da_frame_add(out, DA_FRAME_META, b.p, b.len);
    for (size_t at = 0; at < x->text.len;) {
        size_t n = x->text.len - at;
        if (n > DA_FRAME_MAX_PAYLOAD)
            n = DA_FRAME_MAX_PAYLOAD;
        da_frame_add(out, DA_FRAME_TEXT, x->text.p + at, n);
        at += n;
    }
    da_buf_reset(&b);
    da_pair_add(&b, "status", da_status_name(x->status), strlen(da_status_name(x->status)));
    da_pair_add(&b, "detail", x->detail, strlen(x->detail));
    da_frame_add(out, DA_FRAME_STATUS, b.p, b.len);
    da_buf_release(&b);
}

static enum da_rc read_meta(struct da_extracted *x, struct da_span key, struct da_span value,
                            struct da_err *err)
{
    size_t i = find_name(num_names, DA_XN_COUNT, key);
    if (i < DA_XN_COUNT) {
        int64_t v;
        if (!da_parse_int(value.p, value.len, &v) || v < 0 || v > (int64_t)1 << 53)
            return da_fail(err, DA_EFORMAT, "fact '%s' is not a number", num_names[i]);
        x->num[i] = v;
        return DA_OK;
    }
    i = find_name(str_names, DA_XS_COUNT, key);
    if (i == DA_XS_COUNT)
        return da_fail(err, DA_EFORMAT, "unknown fact in a frame");
    da_extracted_set_str(x, (enum da_xstr)i, value.p, value.len);
    return DA_OK;
}

static enum da_rc read_status(struct da_extracted *x, struct da_span key, struct da_span value,
                              struct da_err *err)
{
    if (da_span_is(key, "detail")) {
        copy_line(x->detail, sizeof x->detail, value.p, value.len);
        return DA_OK;
    }
    enum da_status s = da_status_find(value);
    if (!da_span_is(key, "status") || s >= DA_ST_DUPLICATE)
        return da_fail(err, DA_EFORMAT, "unknown status in a frame");
    x->status = s;
    x->has_status = true;
    return DA_OK;
}

enum da_rc da_extracted_read(struct da_extracted *x, const struct da_frame *f,
                             struct da_err *err)
{
    if (x->has_status)
        return da_fail(err, DA_EFORMAT, "a frame after the status");
    if (f->type == DA_FRAME_TEXT) {
        da_buf_add(&x->text, f->payload.p, f->payload.len);
        return da_buf_check(&x->text, "the text", err);
    }
    if (f->type != DA_FRAME_META && f->type != DA_FRAME_STATUS)
        return da_fail(err, DA_EFORMAT, "a frame of type %d from a document", (int)f->type);
    struct da_span rest = f->payload, key, value;
    bool bad = false;
    enum da_rc rc = DA_OK;
    while (rc == DA_OK && da_pair_next(&rest, &key, &value, &bad))
        rc = f->type == DA_FRAME_META ? read_meta(x, key, value, err)
                                      : read_status(x, key, value, err);
    if (rc == DA_OK && (bad || (f->type == DA_FRAME_STATUS && !x->has_status)))
        rc = da_fail(err, DA_EFORMAT, "a frame with a broken pair");
    return rc;
}
