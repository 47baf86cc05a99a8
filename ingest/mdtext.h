#ifndef INGEST_MDTEXT_H
#define INGEST_MDTEXT_H

/*
 * Writer of Markdown-like plain text: what every structured format (HTML, office
 * documents, mail) is turned into. White space is collapsed as a browser does it;
 * blocks are separated by a blank line, list items and table rows by a line break.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

enum da_md_kind { DA_MD_PARA, DA_MD_HEADING, DA_MD_ITEM, DA_MD_ROW, DA_MD_PRE };

enum { DA_MD_MAX_DEPTH = 16 };

struct da_md {
    struct da_buf *out; /* not owned */
    enum da_md_kind kind, last;
    char prefix[64];    /* written before the first word of the block */
    bool open;          /* the block has text */
    bool space;         /* white space seen since the last word */
    bool any;           /* something was written before */
    bool in_row;
    unsigned cells;     /* cells begun in this row */
    size_t row_start, row_text; /* where the row began, bytes of real text in it */
    size_t n_rows;
};

void da_md_init(struct da_md *md, struct da_buf *out);

/* Ends the block before and begins another. level: 1..6 of a heading, depth from 0 of an item;
 * number: of an ordered item, 0 for a bullet. Inside a row it only separates words. */
void da_md_block(struct da_md *md, enum da_md_kind kind, unsigned level, unsigned number);
void da_md_para(struct da_md *md); /* da_md_block(md, DA_MD_PARA, 0, 0) */

/* Inline text: runs of white space become one space. In DA_MD_PRE it is kept as it is. */
void da_md_text(struct da_md *md, const char *p, size_t len);
void da_md_str(struct da_md *md, const char *s);
/* A line break inside the block. */
void da_md_br(struct da_md *md);

/* Table rows: cells in order; rows without any text are left out. */
void da_md_row_begin(struct da_md *md);
void da_md_cell(struct da_md *md);
void da_md_row_end(struct da_md *md);

/* Ends the last block; the text then ends with one line break (or is empty). */
void da_md_end(struct da_md *md);

#endif
