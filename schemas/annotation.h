#ifndef SCHEMAS_ANNOTATION_H
#define SCHEMAS_ANNOTATION_H

/* The annotation record (annotation.schema.json): made by annotate, read by export. */

#include "schemas/document.h"

enum { DA_MAX_SUGGESTIONS = 16 };

struct da_annotation {
    struct da_span id; /* the document's */
    struct da_span summ_request, summ_response;
    struct da_span qs_request;
    struct da_span qs_response[DA_MAX_SUGGESTIONS];
    size_t n_suggestions;
    struct da_span qa_request, qa_response;
    const struct da_json *checks;   /* NULL is written as {} */
    const struct da_json *origin;   /* as read; a new record gives its own when written */
    const struct da_json *document; /* the whole document record */
    const struct da_json *json;     /* what was read; NULL for a new record */
};

/* origin of a new annotation. */
struct da_annotation_origin {
    struct da_span model;              /* "gpt-4o-mini", "extractive-1", "written" */
    struct da_span snapshot;           /* p NULL: none */
    struct da_span system_fingerprint; /* p NULL: none */
    struct da_span prompt_sha256;      /* p NULL: no prompt was used */
    struct da_span params;             /* a JSON object; p NULL writes {} */
    int64_t prompt_tokens, completion_tokens; /* -1: not known */
};

enum da_rc da_annotation_read(const struct da_json *j, struct da_annotation *ret,
                              struct da_err *err);
/* One JSON object. origin (NULL: a->origin) and checks (a JSON object's text, p NULL: a->checks)
 * are those of a new record. */
void da_annotation_write(const struct da_annotation *a, const struct da_annotation_origin *origin,
                         struct da_span checks, struct da_jw *w);

#endif
