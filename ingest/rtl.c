/* See rtl.h. */

#include "ingest/rtl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

static const float WORD_GAP = 0.09f; /* em: a space of Arabic text is about 0.25 */

enum { MAX_ARTICLES = 64, MIN_ARTICLES = 2 };

struct box {
    float x0, x1, y0, y1, size;
};

static struct box box_of(const struct da_glyph *g, size_t n)
{
    struct box b = {g[0].x0, g[0].x1, g[0].y0, g[0].y1, g[0].size};
    for (size_t i = 1; i < n; i++) {
        b.x0 = fminf(b.x0, g[i].x0);
        b.x1 = fmaxf(b.x1, g[i].x1);
        b.y0 = fminf(b.y0, g[i].y0);
        b.y1 = fmaxf(b.y1, g[i].y1);
        b.size = fmaxf(b.size, g[i].size);
    }
    return b;
}

static bool has_gap(struct box a, struct box b)
{
    float em = fmaxf(fmaxf(a.size, b.size), 1);
    bool same_row = a.y0 < b.y1 && b.y0 < a.y1;
    float gap = fmaxf(a.x0 - b.x1, b.x0 - a.x1);
    return !same_row || gap > WORD_GAP * em;
}

static bool is_alef(uint32_t cp)
{
    return cp == 0x622 || cp == 0x623 || cp == 0x625 || cp == 0x627 || cp == 0x671;
}

/* Points and vowel signs of Hebrew and Arabic, which follow their letter. */
static bool is_sign(uint32_t cp)
{
    return (cp >= 0x591 && cp <= 0x5c7 && cp != 0x5be && cp != 0x5c0 && cp != 0x5c3) ||
           (cp >= 0x64b && cp <= 0x65f) || cp == 0x670;
}

static void swap_letters(struct da_glyph *g)
{
    uint32_t t = g[0].cp;
    g[0].cp = g[1].cp;
    g[1].cp = t;
}

/* A ligature's letters come out backwards. What no word can have shows it: two alefs before a
 * lam, the word "al" alone (for "la", no), a sign before any letter. */
static void fix_ligatures(struct da_glyph *g, size_t n)
{
    for (size_t i = 0; i + 2 < n; i++)
        if (g[i].cp == 0x627 && is_alef(g[i + 1].cp) && g[i + 2].cp == 0x644)
            swap_letters(g + i + 1);
    if (n == 2 && g[0].cp == 0x627 && g[1].cp == 0x644)
        swap_letters(g);
    if (n >= 2 && is_sign(g[0].cp) && da_cp_is_rtl(g[1].cp) && !is_sign(g[1].cp))
        swap_letters(g);
}

static float width_of(const struct da_glyph *g)
{
    return (g->x1 - g->x0) / fmaxf(g->size, 1);
}

static bool alike(float a, float b)
{
    return fabsf(a - b) <= 0.06f * fmaxf(a, b);
}

/* The lam behind an alef is as wide as in the article at the beginning of words; the two halves
 * of a ligature are as wide as each other. Boxes run from left to right, letters do not. */
static void fix_halves(struct da_glyph *g, size_t n, float lam)
{
    for (size_t i = 0; i + 1 < n; i++) {
        if (!is_alef(g[i].cp) || g[i + 1].cp != 0x644)
            continue;
        float wa = width_of(&g[n - 1 - i]), wl = width_of(&g[n - 2 - i]);
        bool last = i + 2 == n;
        if (wl > 0 && alike(wa, wl) && (last || (lam > 0 && !alike(wl, lam)))) {
            swap_letters(g + i);
            i++;
        }
    }
}

static int by_width(const void *a, const void *b)
{
    float p = *(const float *)a, q = *(const float *)b;
    return p < q ? -1 : p > q;
}

static bool is_blank(uint32_t cp)
{
    return cp == ' ' || cp == '\n';
}

/* End of the word, or of the space, that begins at g[i]. */
static size_t word_end(const struct da_glyph *g, size_t i, size_t n)
{
    size_t k = i + 1;
    while (k < n && !is_blank(g[i].cp) && !is_blank(g[k].cp) && (g[k].flags & DA_GLYPH_WORD) == 0)
        k++;
    return k;
}

/* Width of the lam of the article on this page, in light and bold letters; 0: seldom seen. */
static void measure_lam(const struct da_glyph *g, size_t n, float lam[2])
{
    float w[2][MAX_ARTICLES];
    size_t count[2] = {0, 0};
    for (size_t i = 0, k; i < n; i = k) {
        k = word_end(g, i, n);
        int bold = (g[i].flags & DA_GLYPH_BOLD) != 0;
        if (k - i >= 4 && g[i].cp == 0x627 && g[i + 1].cp == 0x644 && !is_alef(g[i + 2].cp) &&
            count[bold] < MAX_ARTICLES)
            w[bold][count[bold]++] = width_of(&g[k - 2]);
    }
    for (int bold = 0; bold < 2; bold++) {
        qsort(w[bold], count[bold], sizeof w[bold][0], by_width);
        lam[bold] = count[bold] >= MIN_ARTICLES ? w[bold][count[bold] / 2] : 0;
    }
}

/* A sign that stands as a word of its own before the letter it is drawn on. */
static void place_sign(struct da_glyph *g, size_t n)
{
    if (n < 2 || !is_sign(g[0].cp) || !da_cp_is_rtl(g[1].cp) || is_sign(g[1].cp) ||
        (g[1].flags & DA_GLYPH_WORD) == 0 || g[0].x0 < g[1].x0 || g[0].x0 > g[1].x1)
        return;
    struct da_glyph sign = g[0];
    g[0] = g[1];
    g[1] = sign;
    g[1].flags &= ~(unsigned)DA_GLYPH_WORD;
}

/* A Latin word ends where a letter from right to left stands next; a short word before one (and,
 * in, the) may be written with it. */
static bool is_turn(uint32_t before, uint32_t after)
{
    bool latin = (before >= '0' && before <= '9') || ((before | 32) >= 'a' && (before | 32) <= 'z');
    return latin && da_cp_is_rtl(after);
}

/* Copies one line without its line end to out with spaces of its own; returns glyphs written. */
static size_t fix_line(struct da_glyph *g, size_t n, const float lam[2], struct da_glyph *out)
{
    size_t o = 0, i = 0;
    struct box last = {0, 0, 0, 0, 0};
    bool any = false;
    for (size_t a = 0, b; a < n; a = b) {
        b = word_end(g, a, n);
        fix_halves(g + a, b - a, lam[(g[a].flags & DA_GLYPH_BOLD) != 0]);
    }
    while (i < n) {
        if (g[i].cp == ' ') {
            i++;
            continue;
        }
        place_sign(g + i, n - i);
        size_t k = word_end(g, i, n);
        struct box b = box_of(g + i, k - i);
        if (any && !is_sign(g[i].cp) &&
            (has_gap(last, b) || is_turn(out[o - 1].cp, g[i].cp))) {
            out[o] = g[i];
            out[o].cp = ' ';
            out[o++].flags &= ~(unsigned)DA_GLYPH_WORD;
        }
        fix_ligatures(g + i, k - i);
        memcpy(out + o, g + i, (k - i) * sizeof *out);
        o += k - i;
        last = b;
        any = true;
        i = k;
    }
    return o;
}

size_t da_rtl_fix(struct da_glyph *g, size_t n)
{
    struct da_glyph *out = da_malloc((2 * n + 1) * sizeof *out);
    float lam[2];
    size_t o = 0;
    measure_lam(g, n, lam);
    for (size_t i = 0; i < n;) {
        size_t k = i;
        bool rtl = false;
        for (; k < n && g[k].cp != '\n'; k++)
            rtl = rtl || da_cp_is_rtl(g[k].cp);
        if (rtl) {
            o += fix_line(g + i, k - i, lam, out + o);
        } else {
            memcpy(out + o, g + i, (k - i) * sizeof *out);
            o += k - i;
        }
        if (k < n)
            out[o++] = g[k++];
        i = k;
    }
    memcpy(g, out, o * sizeof *g);
    free(out);
    return o;
}
