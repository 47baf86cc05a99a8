#ifndef TEXT_TEXTLINES_H
#define TEXT_TEXTLINES_H

/* Private to text/: the lines of a text, what each one is, and which belong together. */

#include <stdbool.h>
#include <stddef.h>

enum da_line_kind {
    DA_LINE_BLANK,
    DA_LINE_TEXT,
    DA_LINE_HEADING, /* # ... */
    DA_LINE_LIST,    /* starts with a bullet or a number */
    DA_LINE_TABLE,   /* cells between | */
    DA_LINE_CODE,    /* in a fenced block */
    DA_LINE_RULE     /* no letter and no digit */
};

struct da_line {
    size_t start, end, next; /* end: before the line break; next: start of the next line */
    size_t body, body_end;   /* without white space and marker */
    enum da_line_kind kind;
    unsigned width; /* columns of the body */
    bool ordered;   /* DA_LINE_LIST with a number or letter */
    bool continues; /* runs on from the line before (a wrapped line) */
};

struct da_lines {
    struct da_line *items; /* [n], owned */
    size_t n, cap;
};

void da_lines_init(struct da_lines *l);
void da_lines_release(struct da_lines *l);
void da_lines_split(struct da_lines *l, const char *p, size_t len);

#endif
