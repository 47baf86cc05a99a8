#ifndef TEXT_SENTENCE_H
#define TEXT_SENTENCE_H

/*
 * Splits plain, Markdown-like text of any language into units: sentences,
 * headings, list items, table rows. Lines wrapped by a page are joined; lines
 * that stand for themselves are not.
 *
 * The units tile the text: the first starts at 0, each starts where the one
 * before ends, the last ends at the text's length; a unit carries the white
 * space after it. Cutting after any unit is therefore a sentence end.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/span.h"

enum da_unit_kind {
    DA_UNIT_SENTENCE, /* running text */
    DA_UNIT_HEADING,  /* marked with #, underlined, or a short line of its own */
    DA_UNIT_LIST,     /* a sentence of a list item; the first carries the marker */
    DA_UNIT_TABLE,    /* a table row: cells between | */
    DA_UNIT_LINE,     /* a line that stands for itself: an address, a label and its value */
    DA_UNIT_CODE,     /* a line of a fenced block, the fences included */
    DA_UNIT_OTHER     /* no word in it: rules, table separators, blank text */
};

struct da_unit {
    size_t start, end;     /* bytes of the text; tile it */
    size_t body, body_end; /* without white space around it and without heading or list marker */
    enum da_unit_kind kind;
    bool ends_paragraph; /* a blank line, another block or the end follows */
};

struct da_units {
    struct da_unit *items; /* [n], owned */
    size_t n, cap;
};

void da_units_init(struct da_units *u);
void da_units_release(struct da_units *u);

/* Replaces u's units by those of the text (valid UTF-8; len 0 gives none). */
void da_units_split(struct da_units *u, const char *p, size_t len);

/* Appends the unit's body as one line: runs of white space become one space, or nothing where
 * a line break stands between characters written without spaces. */
void da_unit_add_text(const char *text, const struct da_unit *unit, struct da_buf *out);

#endif
