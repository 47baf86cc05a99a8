#ifndef INGEST_PAGE_SEGS_H
#define INGEST_PAGE_SEGS_H

/* Lines of a page description, cut where they run across columns or cells. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/layout.h"

/* A piece of a line without wide gaps in it. */
struct da_page_seg {
    size_t g0, g1; /* glyphs */
    float x0, y0, x1, y1, size;
    unsigned n_chars;
    bool rtl, bold, upright;
};

struct da_page_segs {
    struct da_page_seg *items; /* [n], owned by the caller */
    size_t n, cap;
};

bool da_glyph_is_private(uint32_t cp); /* a code point that Unicode gives no meaning */
bool da_glyph_is_bullet(const struct da_glyph *g);
/* Index behind the bullet or number of a list that a line begins with, or i. Twice the same
 * bullet: the second is the space behind it, which some programs give the same meaning. */
size_t da_glyph_skip_marker(const struct da_glyph *g, size_t i, size_t end);

/* Appends the segments of a page, in the order of its description. */
void da_page_segs_cut(struct da_page_segs *ret, const struct da_glyph *g, size_t n);

#endif
