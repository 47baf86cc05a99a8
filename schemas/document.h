#ifndef SCHEMAS_DOCUMENT_H
#define SCHEMAS_DOCUMENT_H

/* The document record (document.schema.json): made by ingest, read by everything after it. */

#include <stdbool.h>
#include <stdint.h>

#include "common/json.h"

struct da_document_chunk {
    int64_t start, end; /* byte offsets into text */
    int64_t n_tokens;
};

struct da_document {
    struct da_span id;
    struct {
        struct da_span path; /* relative to the argument it was found under */
        struct da_span sha256;
        struct da_span media_type;
        struct da_span charset; /* p NULL: not text */
        int64_t bytes;
        int64_t pages; /* -1: the format has none */
    } source;
    struct da_span type;
    struct da_span title; /* may be empty */
    struct da_span text;  /* valid UTF-8, NFC */
    int64_t n_tokens;
    int64_t n_tokens_source;
    bool n_tokens_source_exact;
    struct da_span tokenizer;
    bool truncated;
    struct da_document_chunk *chunks; /* [n_chunks], owned */
    size_t n_chunks;
    struct da_span language_code; /* "" unknown */
    double language_confidence;
    bool ocr;
    struct da_span cluster_id;                   /* p NULL before dedup */
    const struct da_json *quality, *pii, *meta; /* objects; NULL is written as {} */
    const struct da_json *json;                  /* what was read; NULL for a new record */
};

/* Spans and nodes point into j. Release the struct before freeing j. */
enum da_rc da_document_read(const struct da_json *j, struct da_document *ret,
                            struct da_err *err);
void da_document_release(struct da_document *d);
/* One JSON object, unknown members of d->json included. */
void da_document_write(const struct da_document *d, struct da_jw *w);

#endif
