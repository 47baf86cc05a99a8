#ifndef INGEST_RTF_H
#define INGEST_RTF_H

/* Rich Text Format (Microsoft, version 1.9.1) as Markdown-like text. */

#include <stddef.h>

#include "common/buf.h"

struct da_rtf_hooks {
    void *ctx;
    /* Appends bytes of a code page ("cp1252", "cp932", ...) as UTF-8. */
    void (*decode)(void *ctx, const char *charset, const char *p, size_t len, struct da_buf *out);
};

struct da_rtf_facts {
    char title[512];
    size_t table_rows;
    size_t used; /* bytes read */
};

/* Appends the text. Stops after about want bytes of output when want is not 0. */
void da_rtf_write(const char *p, size_t len, size_t want, const struct da_rtf_hooks *hooks,
                  struct da_buf *out, struct da_rtf_facts *facts);

#endif
