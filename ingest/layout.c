/* See layout.h. All sizes are relative to the font size, so that scaled pages behave alike. */

#include "ingest/layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"
#include "ingest/page_segs.h"

struct ctx {
    struct da_layout *l;
    const struct da_glyph *g;
    float *scratch; /* for medians: one for each glyph */
};

enum { MAX_DEPTH = 24, N_BINS = 600, MIN_SPACES = 4, MIN_GAPS = 3, STRIP_CHARS = 12 };

static const float GUTTER = 0.9f;        /* em: narrowest white strip between columns */
static const float ROW_SPREAD = 0.42f;   /* of a line's height: same row */
static const float USUAL_SPACE = 0.2f;   /* em: a line of such spaces has no narrower ones */
static const float LOOSE_KERN = 0.13f;   /* em: poppler takes 0.1 for a space */

bool da_cp_is_rtl(uint32_t cp)
{
    return (cp >= 0x590 && cp <= 0x8ff) || (cp >= 0xfb1d && cp <= 0xfdff) ||
           (cp >= 0xfe70 && cp <= 0xfefe) || (cp >= 0x10800 && cp <= 0x10fff);
}

bool da_cp_is_solid(uint32_t cp)
{
    return (cp >= 0x2e80 && cp <= 0xa4cf) || (cp >= 0xf900 && cp <= 0xfaff) ||
           (cp >= 0xfe30 && cp <= 0xfe4f) || (cp >= 0xff00 && cp <= 0xff9f) ||
           (cp >= 0x20000 && cp <= 0x3ffff);
}

void da_layout_init(struct da_layout *l)
{
    memset(l, 0, sizeof *l);
    da_buf_init(&l->text, 0);
}

void da_layout_release(struct da_layout *l)
{
    free(l->lines);
    da_buf_release(&l->text);
    memset(l, 0, sizeof *l);
}

/* --- writing lines --- */

static int by_value(const void *a, const void *b)
{
    float p = *(const float *)a, q = *(const float *)b;
    return p < q ? -1 : p > q;
}

/* Width below which a space is the loose kerning of a word: a good deal narrower than the middle
 * one of the line's spaces; 0: there are too few to tell. */
static float narrow_space(struct ctx *c, const struct da_page_seg *s)
{
    const struct da_glyph *g = c->g;
    size_t n = 0;
    if (s->rtl)
        return 0;
    for (size_t i = s->g0 + 1; i + 1 < s->g1; i++)
        if (g[i].cp == ' ' && g[i - 1].cp != ' ' && g[i + 1].cp != ' ')
            c->scratch[n++] = g[i + 1].x0 - g[i - 1].x1;
    if (n < MIN_SPACES)
        return 0;
    qsort(c->scratch, n, sizeof *c->scratch, by_value);
    float middle = c->scratch[n / 2];
    return middle > USUAL_SPACE * s->size ? fminf(0.5f * middle, LOOSE_KERN * s->size) : 0;
}

static bool is_small_letter(uint32_t cp)
{
    return cp >= 'a' && cp <= 'z';
}

/* Stands the space g[i] between small letters that are hardly apart? */
static bool is_inside_word(const struct da_glyph *g, size_t i, float narrow)
{
    bool letters = is_small_letter(g[i - 1].cp | 32) && is_small_letter(g[i + 1].cp);
    bool same_font = g[i - 1].size == g[i + 1].size && g[i - 1].flags == g[i + 1].flags;
    return letters && same_font && g[i + 1].x0 - g[i - 1].x1 < narrow;
}

/* Is g[i] the raised number of a note behind a word, not the power of a symbol? */
static bool is_note_mark(const struct da_glyph *g, size_t g0, size_t i)
{
    if (i < g0 + 3 || g[i].cp < '1' || g[i].cp > '9' || g[i].size > 0.8f * g[i - 1].size)
        return false;
    for (size_t k = i - 3; k < i; k++)
        if (!is_small_letter(g[k].cp))
            return false;
    return g[i].y1 < g[i - 1].y1 - 0.1f * g[i - 1].size;
}

/* The text of a segment: single spaces, none between characters of scripts without spaces. */
static void add_seg_text(struct ctx *c, const struct da_page_seg *s)
{
    const struct da_glyph *g = c->g;
    struct da_buf *out = &c->l->text;
    uint32_t last = 0;
    bool space = false;
    float narrow = narrow_space(c, s);
    size_t start = s->g0;
    if (da_glyph_is_bullet(&g[start]) && start + 1 < s->g1) {
        size_t k = da_glyph_skip_marker(g, start, s->g1);
        bool alone = k == s->g1 || g[k].cp == ' ' || g[k].x0 - g[k - 1].x1 > 0.2f * s->size;
        bool picture = (g[start].flags & DA_GLYPH_PICTURE) != 0;
        if (alone && (da_glyph_is_private(g[start].cp) || picture ||
                      k == start + 2)) {
            da_buf_add_utf8(out, 0x2022);
            last = 0x2022;
            space = true;
            start = k;
        }
    }
    for (size_t i = start; i < s->g1; i++) {
        if (g[i].cp == ' ') {
            space = last != 0 && !(i > s->g0 && i + 1 < s->g1 && narrow > 0 &&
                                   is_inside_word(g, i, narrow));
            continue;
        }
        space = space || is_note_mark(g, s->g0, i);
        if (space && !(da_cp_is_solid(last) && da_cp_is_solid(g[i].cp)))
            da_buf_add_char(out, ' ');
        da_buf_add_utf8(out, g[i].cp);
        last = g[i].cp;
        space = false;
    }
}

static float first_word_width(const struct ctx *c, const struct da_page_seg *s)
{
    size_t i = s->g0;
    while (i < s->g1 && c->g[i].cp != ' ')
        i++;
    if (s->rtl || i == s->g0)
        return (s->x1 - s->x0) * (float)(i - s->g0) / (float)(s->n_chars + 1);
    return c->g[i - 1].x1 - c->g[s->g0].x0;
}

static int by_x(const void *a, const void *b)
{
    const struct da_page_seg *p = a, *q = b;
    return p->x0 < q->x0 ? -1 : p->x0 > q->x0;
}

static int by_y(const void *a, const void *b)
{
    const struct da_page_seg *p = a, *q = b;
    float cp = p->y0 + p->y1, cq = q->y0 + q->y1;
    if (cp != cq)
        return cp < cq ? -1 : 1;
    return by_x(a, b);
}

/* One row of segments as one line. */
static void write_row(struct ctx *c, struct da_page_seg *s, size_t n, float col_x0, float col_x1,
                      bool table)
{
    qsort(s, n, sizeof *s, by_x);
    unsigned n_rtl = 0, n_all = 0, n_bold = 0, n_most = 0;
    struct da_line_box b = {.off = c->l->text.len, .x0 = s[0].x0, .y0 = s[0].y0, .x1 = s[0].x1,
                            .y1 = s[0].y1, .size = s[0].size, .col_x0 = col_x0,
                            .col_x1 = col_x1, .region = c->l->n_regions, .upright = true};
    for (size_t i = 0; i < n; i++) {
        b.x0 = fminf(b.x0, s[i].x0);
        b.y0 = fminf(b.y0, s[i].y0);
        b.x1 = fmaxf(b.x1, s[i].x1);
        b.y1 = fmaxf(b.y1, s[i].y1);
        b.size = s[i].n_chars > n_most ? s[i].size : b.size;
        n_most = s[i].n_chars > n_most ? s[i].n_chars : n_most;
        b.upright = b.upright && s[i].upright;
        n_rtl += s[i].rtl ? s[i].n_chars : 0;
        n_bold += s[i].bold ? s[i].n_chars : 0;
        n_all += s[i].n_chars;
    }
    b.bold = n_bold == n_all;
    b.row = table && n > 1;
    b.rtl = n_rtl * 2 > n_all;
    for (size_t i = 0; i < n; i++) {
        const struct da_page_seg *cell = &s[b.rtl ? n - 1 - i : i];
        if (i > 0)
            da_buf_add_str(&c->l->text, b.row ? " | " : " ");
        add_seg_text(c, cell);
    }
    b.first_word = first_word_width(c, &s[b.rtl ? n - 1 : 0]);
    b.len = c->l->text.len - b.off;
    DA_GROW(c->l->lines, c->l->n, c->l->cap);
    c->l->lines[c->l->n++] = b;
}

/* Number of segments of the row that starts at s[0]; s is in order of y. */
static size_t row_length(const struct da_page_seg *s, size_t n)
{
    float cy = (s[0].y0 + s[0].y1) / 2, h = s[0].y1 - s[0].y0;
    size_t k = 1;
    while (k < n && (s[k].y0 + s[k].y1) / 2 - cy <=
                        ROW_SPREAD * fmaxf(1, fmaxf(h, s[k].y1 - s[k].y0)))
        k++;
    return k;
}

static void extent(const struct da_page_seg *s, size_t n, float *x0, float *x1)
{
    *x0 = s[0].x0;
    *x1 = s[0].x1;
    for (size_t i = 1; i < n; i++) {
        *x0 = fminf(*x0, s[i].x0);
        *x1 = fmaxf(*x1, s[i].x1);
    }
}

static void write_rows(struct ctx *c, struct da_page_seg *s, size_t n, bool table)
{
    float x0, x1;
    extent(s, n, &x0, &x1);
    qsort(s, n, sizeof *s, by_y);
    for (size_t i = 0; i < n;) {
        size_t k = row_length(s + i, n - i);
        write_row(c, s + i, k, x0, x1, table);
        i += k;
    }
    c->l->n_regions++;
}

/* --- regions --- */

static float median_size(struct ctx *c, const struct da_page_seg *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        c->scratch[i] = s[i].size;
    qsort(c->scratch, n, sizeof *c->scratch, by_value);
    return fmaxf(c->scratch[n / 2], 1);
}

struct gutter {
    float x;
    float score;
};

/* Looks for the white strip that divides most text with least crossing it. */
static bool find_gutter(const struct da_page_seg *s, size_t n, float em, struct gutter *best)
{
    float x0, x1;
    extent(s, n, &x0, &x1);
    float width = x1 - x0;
    if (width < 8 * em)
        return false;
    static const float max_share = 0.25f; /* of the smaller side that may cross */
    float cover[N_BINS + 1] = {0}, ends[N_BINS + 1] = {0}, starts[N_BINS + 1] = {0};
    float total = 0, scale = N_BINS / width;
    for (size_t i = 0; i < n; i++) {
        float h = fminf(s[i].y1 - s[i].y0, 1.6f * s[i].size);
        int a = (int)floorf((s[i].x0 - x0) * scale), b = (int)ceilf((s[i].x1 - x0) * scale);
        b = b > N_BINS ? N_BINS : b;
        for (int k = a; k < b; k++)
            cover[k] += h;
        starts[a < N_BINS ? a : N_BINS] += h;
        ends[b] += h;
        total += h;
    }
    best->score = 0;
    float left = 0, right = total;
    for (int k = 0; k < N_BINS; k++) {
        left += ends[k];     /* text that ends at or before this bin */
        right -= k > 0 ? starts[k - 1] : 0; /* text that begins at or after it */
        float side = fminf(left, right), cross = cover[k];
        if (side < 2.5f * em || cross > max_share * side)
            continue;
        int end = k;
        while (end < N_BINS && cover[end] <= cross)
            end++;
        float strip = (float)(end - k) / scale;
        float need = cross > 0 ? 1.2f * GUTTER * em : GUTTER * em;
        float score = (side - 3 * cross) * (1 + fminf(strip / em, 4) / 8);
        if (strip >= need && score > best->score) {
            best->score = score;
            best->x = x0 + ((float)k + (float)end) / 2 / scale;
        }
    }
    return best->score > 0;
}

/* Short pieces that stand in rows over both sides: a table, not columns of prose. */
static bool is_table(struct da_page_seg *s, size_t n, float gutter_x)
{
    qsort(s, n, sizeof *s, by_y);
    size_t n_rows = 0, n_multi = 0, n_chars = 0, n_full = 0, most = 0;
    float lx0 = 1e9f, lx1 = -1e9f, rx0 = 1e9f, rx1 = -1e9f;
    for (size_t i = 0; i < n; i++) {
        bool left = s[i].x1 <= gutter_x;
        n_chars += s[i].n_chars;
        float *a = left ? &lx0 : &rx0, *b = left ? &lx1 : &rx1;
        *a = fminf(*a, s[i].x0);
        *b = fmaxf(*b, s[i].x1);
    }
    for (size_t i = 0; i < n; i++) {
        float w = s[i].x1 <= gutter_x ? lx1 - lx0 : rx1 - rx0;
        n_full += s[i].x1 - s[i].x0 >= 0.8f * w;
    }
    for (size_t i = 0; i < n;) {
        size_t k = row_length(s + i, n - i);
        bool both = false;
        for (size_t j = i; j < i + k; j++)
            both = both || (s[j].x1 <= gutter_x) != (s[i].x1 <= gutter_x);
        n_rows++;
        n_multi += both;
        most = k > most ? k : most;
        i += k;
    }
    if (n_multi * 2 < n_rows || n_multi < 2)
        return false;
    float mean = (float)n_chars / (float)n, full = (float)n_full / (float)n;
    if (mean < 14 && full < 0.7f)
        return true;
    if (most >= 3 && mean < 25)
        return true;
    return full < 0.4f && mean < 34;
}

static int by_top(const void *a, const void *b)
{
    const struct da_page_seg *p = a, *q = b;
    return p->y0 < q->y0 ? -1 : p->y0 > q->y0;
}

static void read_region(struct ctx *c, struct da_page_seg *s, size_t n, unsigned depth);

/* Moves the segments for which side is -1 before those with 1; returns how many. */
static size_t partition(struct da_page_seg *s, size_t n, float x)
{
    struct da_page_seg *right = da_malloc((n + 1) * sizeof *right);
    size_t k = 0, r = 0;
    for (size_t i = 0; i < n; i++) {
        if ((s[i].x0 + s[i].x1) / 2 <= x)
            s[k++] = s[i];
        else
            right[r++] = s[i];
    }
    memcpy(s + k, right, r * sizeof *right);
    free(right);
    return k;
}

/* What stands on one side of x: its height from y0 to y1, and how long its pieces are. */
struct side {
    size_t n, n_chars;
    float y0, y1;
};

static struct side look_at_side(const struct da_page_seg *s, size_t n, float x, bool left)
{
    struct side a = {0, 0, 0, 0};
    for (size_t i = 0; i < n; i++) {
        if (((s[i].x0 + s[i].x1) / 2 <= x) != left)
            continue;
        a.y0 = a.n == 0 ? s[i].y0 : fminf(a.y0, s[i].y0);
        a.y1 = a.n == 0 ? s[i].y1 : fmaxf(a.y1, s[i].y1);
        a.n++;
        a.n_chars += s[i].n_chars;
    }
    return a;
}

/* A strip of short pieces beside a part of much text is the last column of a table there, not a
 * column of the page: the part above it, the part beside it and the part below are read apart.
 * False: it is nothing of the kind. */
static bool read_beside_strip(struct ctx *c, struct da_page_seg *s, size_t n, float x,
                              unsigned depth)
{
    struct side left = look_at_side(s, n, x, true), right = look_at_side(s, n, x, false);
    const struct side *strip = left.n < right.n ? &left : &right;
    const struct side *rest = strip == &left ? &right : &left;
    if (depth >= MAX_DEPTH || strip->n < 2 || strip->n_chars > STRIP_CHARS * strip->n ||
        (strip->y1 - strip->y0) * 2 > rest->y1 - rest->y0)
        return false;
    float y0 = strip->y0, y1 = strip->y1;
    qsort(s, n, sizeof *s, by_top);
    size_t above = 0, end;
    while (above < n && (s[above].y0 + s[above].y1) / 2 < y0)
        above++;
    for (end = above; end < n && (s[end].y0 + s[end].y1) / 2 <= y1;)
        end++;
    size_t beside = end - above;
    if (beside < 2 * strip->n || beside == n)
        return false;
    read_region(c, s, above, depth + 1);
    read_region(c, s + above, beside, depth + 1);
    read_region(c, s + end, n - end, depth + 1);
    return true;
}

static void read_band(struct ctx *c, struct da_page_seg *s, size_t n, float x, unsigned depth)
{
    if (n == 0 || read_beside_strip(c, s, n, x, depth))
        return;
    if (is_table(s, n, x)) {
        write_rows(c, s, n, true);
        return;
    }
    unsigned n_rtl = 0;
    for (size_t i = 0; i < n; i++)
        n_rtl += s[i].rtl;
    size_t k = partition(s, n, x);
    if (k == 0 || k == n) {
        read_region(c, s, n, depth + 1);
    } else if (n_rtl * 2 > n) {
        read_region(c, s + k, n - k, depth + 1);
        read_region(c, s, k, depth + 1);
    } else {
        read_region(c, s, k, depth + 1);
        read_region(c, s + k, n - k, depth + 1);
    }
}

/* Segments that cross the gutter divide the columns into bands, read one after the other. */
static void read_columns(struct ctx *c, struct da_page_seg *s, size_t n, float x, unsigned depth)
{
    qsort(s, n, sizeof *s, by_y);
    for (size_t i = 0; i < n;) {
        size_t k = i;
        bool spans = s[i].x0 < x && s[i].x1 > x;
        while (k < n && (s[k].x0 < x && s[k].x1 > x) == spans)
            k++;
        if (spans && k - i < n)
            read_region(c, s + i, k - i, depth + 1);
        else if (spans)
            write_rows(c, s + i, k - i, false);
        else
            read_band(c, s + i, k - i, x, depth);
        i = k;
    }
}

/* Index of the first segment below the widest white gap (s in order of their tops), or 0: none is
 * wide, or all are alike, as in text of double spacing. */
static size_t find_break(struct ctx *c, const struct da_page_seg *s, size_t n, float em)
{
    float bottom = s[0].y1, widest = 0.9f * em;
    size_t at = 0, n_gaps = 0;
    for (size_t i = 1; i < n; i++) {
        float gap = s[i].y0 - bottom;
        if (gap > widest) {
            widest = gap;
            at = i;
        }
        if (gap > 0)
            c->scratch[n_gaps++] = gap;
        bottom = fmaxf(bottom, s[i].y1);
    }
    if (at == 0 || n_gaps < MIN_GAPS)
        return at;
    qsort(c->scratch, n_gaps, sizeof *c->scratch, by_value);
    return widest > 1.35f * c->scratch[n_gaps / 2] ? at : 0;
}

static void read_region(struct ctx *c, struct da_page_seg *s, size_t n, unsigned depth)
{
    if (n == 0)
        return;
    float em = median_size(c, s, n);
    struct gutter gut;
    if (depth < MAX_DEPTH && n >= 4) {
        if (find_gutter(s, n, em, &gut)) {
            read_columns(c, s, n, gut.x, depth);
            return;
        }
        qsort(s, n, sizeof *s, by_top);
        size_t at = find_break(c, s, n, em);
        if (at > 0) {
            read_region(c, s, at, depth + 1);
            read_region(c, s + at, n - at, depth + 1);
            return;
        }
    }
    write_rows(c, s, n, false);
}

void da_layout_page(struct da_layout *l, const struct da_glyph *g, size_t n)
{
    l->n = 0;
    l->n_regions = 0;
    da_buf_reset(&l->text);
    struct ctx c = {.l = l, .g = g};
    struct da_page_segs segs = {NULL, 0, 0};
    da_page_segs_cut(&segs, g, n);
    c.scratch = da_malloc((n + 1) * sizeof *c.scratch);
    /* Turned text (stamps at the margin) comes last, as it was found. */
    size_t n_up = 0;
    struct da_page_seg *turned = da_malloc((segs.n + 1) * sizeof *turned);
    size_t n_turned = 0;
    for (size_t i = 0; i < segs.n; i++) {
        if (segs.items[i].upright)
            segs.items[n_up++] = segs.items[i];
        else
            turned[n_turned++] = segs.items[i];
    }
    read_region(&c, segs.items, n_up, 0);
    for (size_t i = 0; i < n_turned; i++) {
        write_row(&c, &turned[i], 1, turned[i].x0, turned[i].x1, false);
        l->n_regions++;
    }
    free(turned);
    free(c.scratch);
    free(segs.items);
}
