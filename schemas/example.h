#ifndef SCHEMAS_EXAMPLE_H
#define SCHEMAS_EXAMPLE_H

/* The example record (example.schema.json): made by export, read by generate, eval and trainers. */

#include "schemas/record.h"

struct da_example {
    struct da_span id; /* "<doc_id>/summ", "/qs" or "/qa" */
    struct da_span doc_id;
    enum da_task task;
    struct da_span document; /* the document's text */
    struct da_span request;
    struct da_span response;        /* question lists as "1. ...\n2. ...\n3. ..." */
    const struct da_json *messages; /* as read */
    struct da_span split;           /* "train", "validation", "test" */
    const struct da_json *json;     /* what was read; NULL for a new record */
};

enum da_rc da_example_read(const struct da_json *j, struct da_example *ret, struct da_err *err);
/* messages: a JSON array's text for a new record; p NULL writes e->messages. */
void da_example_write(const struct da_example *e, struct da_span messages, struct da_jw *w);

/* Question lists: "1. ...\n2. ...". The parser takes "1.", "1)", "-", "*" and bare lines. */
void da_questions_format(struct da_buf *out, const struct da_span *questions, size_t n);
/* Spans into text; at most max of them; returns their number. */
size_t da_questions_parse(struct da_span text, struct da_span *questions, size_t max);

#endif
