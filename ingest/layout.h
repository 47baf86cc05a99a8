#ifndef INGEST_LAYOUT_H
#define INGEST_LAYOUT_H

/*
 * From the characters of a page, each with its box, to lines in reading order.
 *
 * Method: lines of the page description are cut into segments at wide gaps;
 * regions are divided at gutters (vertical white strips that few segments cross;
 * what crosses one divides the columns into bands) and at wide horizontal gaps
 * (recursive X-Y cut: Nagy, Seth and Viswanathan, 1992, and Ha, Haralick and
 * Phillips, 1995). A divided band whose segments are short and stand in rows is a
 * table and is read row by row, everything else column by column.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

/* PICTURE: of a font of pictures (Wingdings, Dingbats). Value 4 is rtl.h's. */
enum { DA_GLYPH_BOLD = 1, DA_GLYPH_MONO = 2, DA_GLYPH_PICTURE = 8 };

/* One character; y grows downwards, units are points. '\n' ends a line of the page description;
 * its box and that of ' ' are not looked at. */
struct da_glyph {
    uint32_t cp;
    float x0, y0, x1, y1;
    float size; /* font size */
    unsigned flags;
};

/* A line of the page in reading order. */
struct da_line_box {
    size_t off, len; /* text in the layout's buffer, UTF-8 */
    float x0, y0, x1, y1, size;
    float col_x0, col_x1; /* its column */
    float first_word;     /* width of its first word */
    unsigned region;      /* lines of one region belong together */
    bool bold;
    bool row;     /* a table row: cells separated by " | " */
    bool upright; /* not turned text */
    bool rtl;     /* most of it is written from right to left */
};

struct da_layout {
    struct da_line_box *lines; /* [n], owned */
    size_t n, cap;
    struct da_buf text;
    unsigned n_regions;
};

enum { DA_LAYOUT_MAX_GLYPHS = 2000000 }; /* of one page: a page of print has 5,000 */

void da_layout_init(struct da_layout *l);
void da_layout_release(struct da_layout *l);

/* Replaces l's contents by the lines of a page. n <= DA_LAYOUT_MAX_GLYPHS. */
void da_layout_page(struct da_layout *l, const struct da_glyph *g, size_t n);

/* Written right to left (Hebrew, Arabic and their kin). */
bool da_cp_is_rtl(uint32_t cp);
/* Written without spaces between words (Han, kana, full-width punctuation). */
bool da_cp_is_solid(uint32_t cp);

#endif
