#ifndef COMMON_CSVROW_H
#define COMMON_CSVROW_H

/*
 * Comma-separated values (RFC 4180), as spreadsheets write them: a UTF-8 BOM,
 * LF or CRLF, and a semicolon or tab instead of the comma are understood.
 */

#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/span.h"

/* Appends one field, quoted where it must be; first: no comma before it. */
void da_csvrow_add(struct da_buf *out, struct da_span field, int first);
/* Ends a row with CRLF. */
void da_csvrow_end_row(struct da_buf *out);

struct da_csvrow {
    const char *p, *end; /* what is left of the text; not owned */
    char separator;
    unsigned long row;     /* number of the last row read, from 1 */
    struct da_buf fields;  /* unquoted texts of the last row, each with a NUL after it */
    struct da_span *items; /* [n] into fields; owned */
    size_t n, cap;
};

/* text (valid UTF-8) must outlive the reader. The separator is the one the first row has most of,
 * outside quotes. */
void da_csvrow_init(struct da_csvrow *c, const char *text, size_t len);
void da_csvrow_release(struct da_csvrow *c);

/* The next row in c->items; at the end DA_OK and c->n 0. DA_EFORMAT: a quote is not closed, or
 * text follows a closing one. Empty lines are skipped. */
enum da_rc da_csvrow_next(struct da_csvrow *c, struct da_err *err);

#endif
