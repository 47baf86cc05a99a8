#ifndef INGEST_FLOW_H
#define INGEST_FLOW_H

/*
 * From the lines of many pages to running text: running heads, feet and page
 * numbers taken out, lines joined to paragraphs (across columns and pages),
 * words joined over line ends where the document gives reason, headings marked.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "ingest/layout.h"

struct da_flow;

struct da_flow_facts {
    size_t headers_removed; /* lines */
    size_t hyphens_joined;  /* words */
    size_t table_rows;
    char title[512]; /* the largest heading of the first page, or "" */
};

struct da_flow *da_flow_new(bool keep_headers);
void da_flow_free(struct da_flow *f); /* NULL allowed */

/* Copies the page's lines; height of the page in points. */
void da_flow_add_page(struct da_flow *f, const struct da_layout *l, float height);
/* A page whose text came without boxes: lines, paragraphs divided by empty lines. */
void da_flow_add_text(struct da_flow *f, const char *p, size_t len);
/* Bytes of text added so far. */
size_t da_flow_len(const struct da_flow *f);

/* Appends the Markdown-like text of all pages. Call once. */
void da_flow_write(struct da_flow *f, struct da_buf *out, struct da_flow_facts *facts);

#endif
