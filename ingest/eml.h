#ifndef INGEST_EML_H
#define INGEST_EML_H

/*
 * E-mail messages (RFC 5322, MIME: RFC 2045-2047, 2231): the headers people read, the text
 * parts, the names of attachments. Of alternatives the plain text is taken, else HTML.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

struct da_eml_hooks {
    void *ctx;
    /* Appends p in the named character set ("" unknown) as UTF-8. */
    void (*decode)(void *ctx, const char *charset, const char *p, size_t len, struct da_buf *out);
    /* Appends HTML in UTF-8 as text. */
    void (*html)(void *ctx, const char *p, size_t len, struct da_buf *out);
};

struct da_eml_facts {
    char subject[512];
    size_t n_attachments;
};

/* p: the whole message, any bytes. */
void da_eml_write(const char *p, size_t len, const struct da_eml_hooks *hooks,
                  struct da_buf *out, struct da_eml_facts *facts);

#endif
