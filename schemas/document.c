/* Reader and writer of the document record: see document.h. */

#include "schemas/document.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "schemas/record.h"

enum { MAX_CHUNKS = 1 << 20 };

static enum da_rc read_source(const struct da_json *j, struct da_document *d,
                              struct da_err *err)
{
    const struct da_json *s = NULL, *pages;
    enum da_rc rc = da_record_object(j, "source", &s, err);
    if (rc == DA_OK)
        rc = da_json_need_str(s, "path", &d->source.path, err);
    if (rc == DA_OK)
        rc = da_json_need_str(s, "sha256", &d->source.sha256, err);
    if (rc == DA_OK)
        rc = da_json_need_str(s, "media_type", &d->source.media_type, err);
    if (rc == DA_OK)
        rc = da_record_int(s, "bytes", &d->source.bytes, err);
    if (rc != DA_OK)
        return rc;
    (void)da_json_str(da_json_get(s, "charset"), &d->source.charset);
    d->source.pages = -1;
    pages = da_json_get(s, "pages");
    if (pages && da_json_type(pages) != DA_JSON_NULL)
        return da_record_int(s, "pages", &d->source.pages, err);
    return DA_OK;
}

static enum da_rc read_chunks(const struct da_json *j, struct da_document *d,
                              struct da_err *err)
{
    const struct da_json *list = da_json_get(j, "chunks"), *c;
    size_t n = da_json_len(list), i = 0;
    if (!list || da_json_type(list) != DA_JSON_ARRAY || n > MAX_CHUNKS)
        return da_fail(err, DA_EFORMAT, "member 'chunks' is not a list of chunks");
    d->chunks = da_calloc(n, sizeof *d->chunks);
    d->n_chunks = n;
    for (c = da_json_first(list); c; c = da_json_next(c), i++) {
        struct da_document_chunk *k = &d->chunks[i];
        if (!da_json_int(da_json_at(c, 0), &k->start) || !da_json_int(da_json_at(c, 1), &k->end) ||
            !da_json_int(da_json_at(c, 2), &k->n_tokens) || k->start < 0 || k->end < k->start ||
            (uint64_t)k->end > d->text.len)
            return da_fail(err, DA_EFORMAT, "chunk %zu does not lie within the text", i);
    }
    return DA_OK;
}

static enum da_rc read_text(const struct da_json *j, struct da_document *d, struct da_err *err)
{
    enum da_rc rc = da_json_need_str(j, "type", &d->type, err);
    if (rc == DA_OK)
        rc = da_json_need_str(j, "title", &d->title, err);
    if (rc == DA_OK)
        rc = da_json_need_str(j, "text", &d->text, err);
    if (rc == DA_OK)
        rc = da_record_int(j, "n_tokens", &d->n_tokens, err);
    if (rc == DA_OK)
        rc = da_record_int(j, "n_tokens_source", &d->n_tokens_source, err);
    if (rc == DA_OK)
        rc = da_record_bool(j, "n_tokens_source_exact", &d->n_tokens_source_exact, err);
    if (rc == DA_OK)
        rc = da_json_need_str(j, "tokenizer", &d->tokenizer, err);
    if (rc == DA_OK)
        rc = da_record_bool(j, "truncated", &d->truncated, err);
    return rc;
}

static void read_rest(const struct da_json *j, struct da_document *d)
{
    const struct da_json *language = da_json_get(j, "language");
    d->language_code = da_span("", 0);
    (void)da_json_str(da_json_get(language, "code"), &d->language_code);
    (void)da_json_double(da_json_get(language, "confidence"), &d->language_confidence);
    (void)da_json_bool(da_json_get(j, "ocr"), &d->ocr);
    (void)da_json_str(da_json_get(j, "cluster_id"), &d->cluster_id);
    d->quality = da_json_get(j, "quality");
    d->pii = da_json_get(j, "pii");
    d->meta = da_json_get(j, "meta");
}

enum da_rc da_document_read(const struct da_json *j, struct da_document *ret,
                            struct da_err *err)
{
    struct da_document d;
    enum da_rc rc = da_record_check_kind(j, "document", false, err);
    memset(&d, 0, sizeof d);
    d.json = j;
    if (rc == DA_OK)
        rc = da_json_need_str(j, "id", &d.id, err);
    if (rc == DA_OK)
        rc = read_source(j, &d, err);
    if (rc == DA_OK)
        rc = read_text(j, &d, err);
    if (rc == DA_OK)
        rc = read_chunks(j, &d, err);
    if (rc != DA_OK) {
        da_document_release(&d);
        return rc;
    }
    read_rest(j, &d);
    *ret = d;
    return DA_OK;
}

void da_document_release(struct da_document *d)
{
    if (!d)
        return;
    free(d->chunks);
    d->chunks = NULL;
    d->n_chunks = 0;
}

static void write_source(const struct da_document *d, struct da_jw *w)
{
    static const char *const known[] = {"path",    "sha256", "media_type",
                                        "charset", "bytes",  "pages"};
    da_jw_key(w, "source");
    da_jw_object(w);
    da_jw_kstr(w, "path", d->source.path);
    da_jw_kstr(w, "sha256", d->source.sha256);
    da_jw_kstr(w, "media_type", d->source.media_type);
    da_jw_key(w, "charset");
    if (d->source.charset.p)
        da_jw_span(w, d->source.charset);
    else
        da_jw_null(w);
    da_jw_kint(w, "bytes", d->source.bytes);
    da_jw_key(w, "pages");
    if (d->source.pages >= 0)
        da_jw_int(w, d->source.pages);
    else
        da_jw_null(w);
    da_record_write_unknown(w, da_json_get(d->json, "source"), known, DA_ARRAY_LEN(known));
    da_jw_end(w);
}

static void write_object(struct da_jw *w, const char *key, const struct da_json *j)
{
    da_jw_key(w, key);
    if (j)
        da_jw_value(w, j);
    else
        da_jw_raw(w, "{}", 2);
}

static void write_chunks(const struct da_document *d, struct da_jw *w)
{
    size_t i;
    da_jw_key(w, "chunks");
    da_jw_array(w);
    for (i = 0; i < d->n_chunks; i++) {
        da_jw_array(w);
        da_jw_int(w, d->chunks[i].start);
        da_jw_int(w, d->chunks[i].end);
        da_jw_int(w, d->chunks[i].n_tokens);
        da_jw_end(w);
    }
    da_jw_end(w);
}

void da_document_write(const struct da_document *d, struct da_jw *w)
{
    static const char *const known[] = {
        "schema",    "id",        "source",          "type",
        "title",     "text",      "n_tokens",        "n_tokens_source",
        "tokenizer", "truncated", "chunks",          "n_tokens_source_exact",
        "language",  "quality",   "ocr",             "pii",
        "meta",      "cluster_id"};
    da_jw_object(w);
    da_jw_kcstr(w, "schema", "docassist.document/1");
    da_jw_kstr(w, "id", d->id);
    write_source(d, w);
    da_jw_kstr(w, "type", d->type);
    da_jw_kstr(w, "title", d->title);
    da_jw_kstr(w, "text", d->text);
    da_jw_kint(w, "n_tokens", d->n_tokens);
    da_jw_kint(w, "n_tokens_source", d->n_tokens_source);
    da_jw_kbool(w, "n_tokens_source_exact", d->n_tokens_source_exact);
    da_jw_kstr(w, "tokenizer", d->tokenizer);
    da_jw_kbool(w, "truncated", d->truncated);
    write_chunks(d, w);
    da_jw_key(w, "language");
    da_jw_object(w);
    da_jw_kstr(w, "code", d->language_code);
    da_jw_kdouble(w, "confidence", d->language_confidence);
    da_jw_end(w);
    write_object(w, "quality", d->quality);
    da_jw_kbool(w, "ocr", d->ocr);
    write_object(w, "pii", d->pii);
    write_object(w, "meta", d->meta);
    if (d->cluster_id.p)
        da_jw_kstr(w, "cluster_id", d->cluster_id);
    da_record_write_unknown(w, d->json, known, DA_ARRAY_LEN(known));
    da_jw_end(w);
}
