#ifndef INGEST_RTL_H
#define INGEST_RTL_H

/*
 * Right-to-left lines as poppler describes them: words in logical order, each with its box, but
 * with the white space of the wrong neighbour, and lam-alef ligatures taken apart backwards.
 */

#include <stddef.h>

#include "ingest/layout.h"

/* Set on a glyph that begins a word though no space stands before it. */
enum { DA_GLYPH_WORD = 4 };

/*
 * Rewrites the lines of g (ended by '\n') that hold right-to-left letters: spaces stand where
 * boxes of neighbouring words leave a gap, and ligatures that came out backwards are turned where
 * the result of that cannot be a word. g has room for twice n glyphs. Returns the new n.
 */
size_t da_rtl_fix(struct da_glyph *g, size_t n);

#endif
