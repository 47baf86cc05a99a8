/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INGEST_EXTRACT_HTML_H
#define INGEST_EXTRACT_HTML_H

/* HTML and XHTML in UTF-8 to Markdown-like text. */

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

struct da_html_facts {
    size_t table_rows;
    struct da_buf title; /* initialized by the caller, who releases it */
};

/* Appends the main content (full: everything visible) to out. */
void da_html_write(const char *p, size_t len, bool full, struct da_buf *out,
                   struct da_html_facts *facts);

/* Label of the encoding that the first bytes name (<meta charset>, XML declaration), or "". */
void da_html_charset(const unsigned char *p, size_t len, char *name, size_t size);

#endif
