/* See page_segs.h. All sizes are relative to the font size. */

#include "ingest/page_segs.h"

#include <math.h>

#include "common/mem.h"

static const float WIDE_GAP = 1.0f;      /* em: ends a segment */
static const float MARKER_GAP = 4.0f;    /* em: so far from its text may a bullet stand */

/* The size that most characters have (Boyer and Moore's vote), so that a large bullet or initial
 * does not make a line of text a heading. */
static float most_common_size(const struct da_glyph *g, size_t g0, size_t g1)
{
    float size = 0;
    size_t votes = 0;
    for (size_t i = g0; i < g1; i++) {
        if (g[i].cp == ' ')
            continue;
        if (votes == 0)
            size = g[i].size;
        if (fabsf(g[i].size - size) < 0.05f * size + 0.01f)
            votes++;
        else
            votes--;
    }
    return size;
}

bool da_glyph_is_private(uint32_t cp)
{
    return (cp >= 0xe000 && cp <= 0xf8ff) || cp >= 0xf0000;
}

bool da_glyph_is_bullet(const struct da_glyph *g)
{
    return (g->flags & DA_GLYPH_PICTURE) != 0 || da_glyph_is_private(g->cp) || g->cp == 0x2022 ||
           (g->cp >= 0x25a0 && g->cp <= 0x25ff) || g->cp == 0xb7;
}

size_t da_glyph_skip_marker(const struct da_glyph *g, size_t i, size_t end)
{
    if (i < end && (da_glyph_is_bullet(&g[i]) || g[i].cp == 0x2013 || g[i].cp == '-'))
        return i + 1 < end && g[i + 1].cp == g[i].cp && g[i].cp != '-' ? i + 2 : i + 1;
    size_t k = i;
    while (k < end && k < i + 2 && g[k].cp >= '0' && g[k].cp <= '9')
        k++;
    return k > i && k < end && (g[k].cp == '.' || g[k].cp == ')') ? k + 1 : i;
}

static void add_seg(struct da_page_segs *ret, const struct da_glyph *g, size_t g0, size_t g1)
{
    while (g0 < g1 && g[g0].cp == ' ')
        g0++;
    while (g1 > g0 && g[g1 - 1].cp == ' ')
        g1--;
    if (g0 == g1)
        return;
    struct da_page_seg s = {.g0 = g0, .g1 = g1, .x0 = g[g0].x0, .y0 = g[g0].y0, .x1 = g[g0].x1,
                    .y1 = g[g0].y1, .size = g[g0].size};
    unsigned n_rtl = 0, n_bold = 0, n_tall = 0;
    for (size_t i = g0; i < g1; i++) {
        if (g[i].cp == ' ')
            continue;
        s.x0 = fminf(s.x0, g[i].x0);
        s.y0 = fminf(s.y0, g[i].y0);
        s.x1 = fmaxf(s.x1, g[i].x1);
        s.y1 = fmaxf(s.y1, g[i].y1);
        s.n_chars++;
        n_rtl += da_cp_is_rtl(g[i].cp);
        n_bold += (g[i].flags & DA_GLYPH_BOLD) != 0;
        n_tall += g[i].y1 - g[i].y0 < g[i].x1 - g[i].x0;
    }
    s.size = most_common_size(g, g0, g1);
    s.rtl = n_rtl * 2 > s.n_chars;
    s.bold = n_bold * 10 >= s.n_chars * 9;
    /* A line of several characters that is higher than wide is turned text. */
    s.upright = s.n_chars < 4 || s.x1 - s.x0 >= s.y1 - s.y0 || n_tall * 2 < s.n_chars;
    if (s.n_chars >= 4 && s.y1 - s.y0 > 3.0f * fmaxf(s.size, 1) && s.x1 - s.x0 < s.y1 - s.y0)
        s.upright = false;
    if (!(s.size > 0.1f))
        s.size = fmaxf(s.y1 - s.y0, 1);
    DA_GROW(ret->items, ret->n, ret->cap);
    ret->items[ret->n++] = s;
}

static bool line_has_rtl(const struct da_glyph *g, size_t g0, size_t g1)
{
    for (size_t i = g0; i < g1; i++)
        if (da_cp_is_rtl(g[i].cp))
            return true;
    return false;
}

/* Index of what stands behind a list marker at i, or g1. */
static size_t text_after_marker(const struct da_glyph *g, size_t i, size_t g1)
{
    while (i < g1 && g[i].cp == ' ')
        i++;
    size_t k = da_glyph_skip_marker(g, i, g1);
    if (k == i)
        return g1;
    while (k < g1 && g[k].cp == ' ')
        k++;
    return k;
}

/* Cuts one line at its wide gaps, but not behind the marker of a list. Boxes of right-to-left text
 * follow the eye, not the text, so such a line stays whole. */
static void cut_line(struct da_page_segs *ret, const struct da_glyph *g, size_t g0, size_t g1)
{
    if (line_has_rtl(g, g0, g1)) {
        add_seg(ret, g, g0, g1);
        return;
    }
    size_t start = g0, prev = g1, text = text_after_marker(g, g0, g1);
    for (size_t i = g0; i < g1; i++) {
        if (g[i].cp == ' ')
            continue;
        if (prev != g1) {
            float em = fmaxf(fmaxf(g[i].size, g[prev].size), 1);
            bool same_line = g[i].y0 < g[prev].y1 && g[i].y1 > g[prev].y0;
            /* Poppler puts no line feed between blocks that stand beside each other. */
            bool jump = !same_line && fabsf(g[i].x0 - g[prev].x0) > 2 * em;
            float wide = i == text ? MARKER_GAP : WIDE_GAP;
            if (jump || (same_line && g[i].x0 - g[prev].x1 > wide * em)) {
                add_seg(ret, g, start, i);
                start = i;
                text = text_after_marker(g, i, g1);
            }
        }
        prev = i;
    }
    add_seg(ret, g, start, g1);
}

void da_page_segs_cut(struct da_page_segs *ret, const struct da_glyph *g, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t k = i;
        while (k < n && g[k].cp != '\n')
            k++;
        cut_line(ret, g, i, k);
        i = k + 1;
    }
}
