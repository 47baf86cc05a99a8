/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See archive.h. The only file that names libzip. */

#include "ingest/extract/archive.h"

#if DA_WITH_ZIP

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "common/mem.h"
#include "common/span.h"

enum { MAX_RATIO = 200, RATIO_FROM = 4 << 20, MAX_ENTRIES = 1 << 20, CHUNK = 65536 };
#define MAX_ENTRY ((size_t)256 << 20)
#define MAX_TOTAL ((size_t)512 << 20)

struct da_archive {
    zip_t *zip;
    size_t total; /* unpacked so far */
};

enum da_rc da_archive_open(struct da_archive **ret, const void *p, size_t len,
                           struct da_err *err)
{
    zip_error_t e;
    zip_error_init(&e);
    zip_source_t *src = zip_source_buffer_create(p, len, 0, &e);
    zip_t *zip = src != NULL ? zip_open_from_source(src, ZIP_RDONLY, &e) : NULL;
    if (zip == NULL) {
        enum da_rc rc = da_fail(err, DA_EFORMAT, "%s", zip_error_strerror(&e));
        if (src != NULL)
            zip_source_free(src);
        zip_error_fini(&e);
        return rc;
    }
    zip_error_fini(&e);
    if (zip_get_num_entries(zip, 0) > MAX_ENTRIES) {
        zip_discard(zip);
        return da_fail(err, DA_ELIMIT, "more than %d entries", MAX_ENTRIES);
    }
    struct da_archive *a = da_calloc(1, sizeof *a);
    a->zip = zip;
    *ret = a;
    return DA_OK;
}

void da_archive_close(struct da_archive *a)
{
    if (a == NULL)
        return;
    zip_discard(a->zip);
    free(a);
}

static enum da_rc unpack(struct da_archive *a, zip_file_t *f, const zip_stat_t *st,
                         struct da_buf *out, struct da_err *err)
{
    for (;;) {
        char *to = da_buf_reserve(out, CHUNK);
        if (to == NULL)
            return da_fail(err, DA_ELIMIT, "'%s' is larger than %zu MiB", st->name,
                           out->max >> 20);
        zip_int64_t n = zip_fread(f, to, CHUNK);
        if (n < 0)
            return da_fail(err, DA_EFORMAT, "'%s': %s", st->name, zip_file_strerror(f));
        if (n == 0)
            return DA_OK;
        out->len += (size_t)n;
        out->p[out->len] = 0;
        a->total += (size_t)n;
        /* the directory may lie about sizes: what comes out is what counts */
        if (out->len > RATIO_FROM && out->len / MAX_RATIO > st->comp_size)
            return da_fail(err, DA_ELIMIT, "'%s' unpacks to more than %d times its size",
                           st->name, MAX_RATIO);
        if (a->total > MAX_TOTAL)
            return da_fail(err, DA_ELIMIT, "unpacks to more than %zu MiB", MAX_TOTAL >> 20);
    }
}

enum da_rc da_archive_read(struct da_archive *a, const char *name, struct da_buf *out,
                           struct da_err *err)
{
    zip_stat_t st;
    zip_stat_init(&st);
    da_buf_reset(out);
    if (out->max > MAX_ENTRY)
        out->max = MAX_ENTRY;
    zip_int64_t i = zip_name_locate(a->zip, name, ZIP_FL_NOCASE);
    if (i < 0 || zip_stat_index(a->zip, (zip_uint64_t)i, 0, &st) != 0)
        return da_fail(err, DA_ENOTFOUND, "no '%s' in it", name);
    if ((st.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && st.encryption_method != ZIP_EM_NONE)
        return da_fail(err, DA_EUNSUPPORTED, "'%s' is encrypted", name);
    zip_file_t *f = zip_fopen_index(a->zip, (zip_uint64_t)i, 0);
    if (f == NULL)
        return da_fail(err, DA_EFORMAT, "'%s': %s", name, zip_strerror(a->zip));
    enum da_rc rc = unpack(a, f, &st, out, err);
    (void)zip_fclose(f);
    return rc;
}

bool da_archive_has(struct da_archive *a, const char *name)
{
    return zip_name_locate(a->zip, name, ZIP_FL_NOCASE) >= 0;
}

const char *da_archive_name(struct da_archive *a, size_t i)
{
    return i < (size_t)zip_get_num_entries(a->zip, 0) ? zip_get_name(a->zip, i, 0) : NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void add_part(struct da_buf *out, size_t start, struct da_span part)
{
    if (part.len == 0 || da_span_is(part, "."))
        return;
    if (da_span_is(part, "..")) {
        while (out->len > start && out->p[out->len - 1] != '/')
            da_buf_truncate(out, out->len - 1);
        if (out->len > start)
            da_buf_truncate(out, out->len - 1);
        return;
    }
    if (out->len > start)
        da_buf_add_char(out, '/');
    for (size_t i = 0; i < part.len; i++) {
        int hi = i + 2 < part.len ? hex_digit(part.p[i + 1]) : -1;
        int lo = i + 2 < part.len ? hex_digit(part.p[i + 2]) : -1;
        if (part.p[i] == '%' && hi >= 0 && lo >= 0 && hi + lo > 0) {
            da_buf_add_char(out, (char)(hi * 16 + lo));
            i += 2;
        } else {
            da_buf_add_char(out, part.p[i]);
        }
    }
}

void da_archive_resolve(const char *from, const char *href, struct da_buf *out)
{
    size_t start = out->len;
    struct da_span rest = da_span_str(from), part;
    if (href[0] != '/') {
        const char *slash = strrchr(from, '/');
        rest.len = slash != NULL ? (size_t)(slash - from) : 0;
        while (da_span_split(&rest, '/', &part))
            add_part(out, start, part);
    }
    rest = da_span(href, strcspn(href, "#?"));
    while (da_span_split(&rest, '/', &part))
        add_part(out, start, part);
}

#endif
