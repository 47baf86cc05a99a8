/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Everything that is text once decoded: plain text, Markdown, HTML, XML. Decodes, looks at what
 * kind it is, and hands it on.
 */

#include <string.h>

#include "common/span.h"
#include "common/utf8.h"
#include "ingest/sepvals.h"
#include "ingest/eml.h"
#include "ingest/extract/charset.h"
#include "ingest/extract/html.h"
#include "ingest/extract/job.h"
#include "ingest/rtf.h"
#include "ingest/sniff.h"

/* Plain text needs no more than what is asked for; markup must be read to its end. */
enum { SNIFF_BYTES = 262144 };

void da_html_charset(const unsigned char *p, size_t len, char *name, size_t size)
{
    static const char *const keys[] = {"charset=", "encoding="};
    size_t n = len < 4096 ? len : 4096;
    name[0] = 0;
    for (size_t i = 0; i + 12 < n && name[0] == 0; i++)
        for (size_t k = 0; k < 2; k++) {
            size_t m = strlen(keys[k]), j = 0;
            while (j < m && (p[i + j] | 32) == (keys[k][j] | 32))
                j++;
            if (j < m)
                continue;
            j += i;
            while (j < n && (p[j] == '"' || p[j] == '\'' || p[j] == ' '))
                j++;
            size_t o = 0;
            while (j < n && o + 1 < size && (p[j] == '-' || p[j] == '_' || p[j] == ':' ||
                                             (p[j] >= '0' && p[j] <= '9') ||
                                             ((p[j] | 32) >= 'a' && (p[j] | 32) <= 'z')))
                name[o++] = (char)p[j++];
            name[o] = 0;
        }
}

static bool looks_like_markup(const unsigned char *p, size_t len)
{
    size_t n = len < 512 ? len : 512, i = 0;
    if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        i = 3;
    while (i < n && (p[i] <= ' '))
        i++;
    return i < n && p[i] == '<';
}

static void write_html(const char *p, size_t len, const struct da_request *req,
                       struct da_extracted *x)
{
#if DA_WITH_GUMBO
    struct da_html_facts facts = {.table_rows = 0};
    da_buf_init(&facts.title, 0);
    da_html_write(p, len, req->html_full, &x->text, &facts);
    da_extracted_set_str(x, DA_XS_TITLE, facts.title.p, facts.title.len);
    da_extracted_set_str(x, DA_XS_TYPE, "web_page", strlen("web_page"));
    x->num[DA_XN_TABLES] = (int64_t)facts.table_rows;
    da_buf_release(&facts.title);
#else
    (void)p;
    (void)len;
    (void)req;
    (void)da_extracted_end(x, DA_ST_UNSUPPORTED, "HTML: built without gumbo");
#endif
}

/* Bytes of a named character set to UTF-8; unknown sets are guessed, the rest replaced. */
static void decode(void *ctx, const char *charset, const char *p, size_t len, struct da_buf *out)
{
    char name[DA_CHARSET_NAME_MAX];
    size_t used;
    (void)ctx;
    if (len > 0 && !da_charset_decode((const unsigned char *)p, len, charset, 0, out, name, &used))
        (void)da_utf8_sanitize(p, len, out);
}

static void mail_html(void *ctx, const char *p, size_t len, struct da_buf *out)
{
    (void)ctx;
#if DA_WITH_GUMBO
    struct da_html_facts facts = {.table_rows = 0};
    da_buf_init(&facts.title, 0);
    da_html_write(p, len, true, out, &facts);
    da_buf_release(&facts.title);
#else
    (void)p;
    (void)len;
    (void)out;
#endif
}

static void write_mail(const char *p, size_t len, struct da_extracted *x)
{
    const struct da_eml_hooks hooks = {NULL, decode, mail_html};
    struct da_eml_facts facts;
    da_eml_write(p, len, &hooks, &x->text, &facts);
    da_extracted_set_str(x, DA_XS_TITLE, facts.subject, strlen(facts.subject));
    da_extracted_set_str(x, DA_XS_TYPE, "mail", strlen("mail"));
    x->num[DA_XN_ATTACHMENTS] = (int64_t)facts.n_attachments;
}

/* text: the decoded part of the file, which took `used` of len bytes. */
static void write_rows(const struct da_buf *text, size_t used, size_t len,
                       const struct da_request *req, struct da_extracted *x)
{
    size_t done, rows;
    rows = da_sepvals_write(text->p, text->len, da_sepvals_separator(text->p, text->len),
                        (size_t)req->want_bytes, &x->text, &done);
    x->num[DA_XN_TABLES] = (int64_t)rows;
    x->num[DA_XN_UNITS_DONE] = (int64_t)((double)used * (double)done / (double)text->len);
    x->num[DA_XN_UNITS_TOTAL] = done == text->len && used == len ? x->num[DA_XN_UNITS_DONE]
                                                                 : (int64_t)len;
    da_extracted_set_str(x, DA_XS_TYPE, "spreadsheet", strlen("spreadsheet"));
}

void da_extract_rtf(const unsigned char *p, size_t len, const struct da_request *req,
                    struct da_extracted *x)
{
    const struct da_rtf_hooks hooks = {NULL, decode};
    struct da_rtf_facts facts;
    da_rtf_write((const char *)p, len, (size_t)req->want_bytes, &hooks, &x->text, &facts);
    da_extracted_set_str(x, DA_XS_TITLE, facts.title, strlen(facts.title));
    da_extracted_set_str(x, DA_XS_TYPE, "article", strlen("article"));
    x->num[DA_XN_TABLES] = (int64_t)facts.table_rows;
    x->num[DA_XN_UNITS_DONE] = (int64_t)facts.used;
    x->num[DA_XN_UNITS_TOTAL] = (int64_t)len;
    da_extracted_ok(x);
}

void da_extract_text(const unsigned char *p, size_t len, const struct da_request *req,
                     struct da_extracted *x)
{
    char label[64] = "", name[DA_CHARSET_NAME_MAX];
    size_t used = 0, want = 0;
    bool markup = looks_like_markup(p, len);
    if (markup)
        da_html_charset(p, len, label, sizeof label);
    else if (req->want_bytes > 0)
        want = (size_t)req->want_bytes > SNIFF_BYTES ? (size_t)req->want_bytes : SNIFF_BYTES;
    struct da_buf text;
    da_buf_init(&text, DA_EXTRACT_MAX_TEXT);
    if (!da_charset_decode(p, len, label, want, &text, name, &used)) {
        if (text.overflow || len > DA_EXTRACT_MAX_TEXT)
            (void)da_extracted_end(x, DA_ST_TOO_LARGE, "more than %zu MiB of text",
                                   DA_EXTRACT_MAX_TEXT >> 20);
        else
            (void)da_extracted_end(x, DA_ST_UNSUPPORTED,
                                   "text in an encoding that is not recognized");
        da_buf_release(&text);
        return;
    }
    enum da_format f = da_sniff_text(text.p, text.len);
    const struct da_format_info *info = da_format_info(f);
    da_extracted_set_str(x, DA_XS_MEDIA_TYPE, info->media_type, strlen(info->media_type));
    da_extracted_set_str(x, DA_XS_CHARSET, name, strlen(name));
    da_extracted_ok(x);
    if (f == DA_FMT_HTML || f == DA_FMT_XHTML) {
        write_html(text.p, text.len, req, x);
    } else if (f == DA_FMT_EML) {
        write_mail((const char *)p, len, x);
    } else if (f == DA_FMT_CSV || f == DA_FMT_TSV) {
        write_rows(&text, used, len, req, x);
    } else if (f == DA_FMT_XML) {
        (void)da_extracted_end(x, DA_ST_UNSUPPORTED, "%s is not read", info->name);
    } else {
        da_buf_release(&x->text);
        x->text = text;
        da_buf_init(&text, 0);
        x->num[DA_XN_UNITS_DONE] = (int64_t)used;
        x->num[DA_XN_UNITS_TOTAL] = (int64_t)len;
    }
    da_buf_release(&text);
}
