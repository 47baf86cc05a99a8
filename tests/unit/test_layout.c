/* Pages drawn with boxes: what order comes out, and what becomes of it as running text. */

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/rng.h"
#include "common/utf8.h"
#include "ingest/flow.h"
#include "ingest/layout.h"
#include "ingest/rtl.h"
#include "tests/tap.h"

struct page {
    struct da_glyph *g;
    size_t n, cap;
};

/* A line of text at (x, y), each character half a size wide. */
static void put(struct page *p, float x, float y, float size, unsigned flags, const char *text)
{
    const char *end = text + strlen(text);
    for (const char *s = text; s < end;) {
        struct da_glyph g = {.x0 = x, .y0 = y, .x1 = x + size / 2, .y1 = y + size, .size = size,
                             .flags = flags};
        s += da_utf8_decode(s, end, &g.cp);
        x += size / 2;
        DA_GROW(p->g, p->n, p->cap);
        p->g[p->n++] = g;
    }
    DA_GROW(p->g, p->n, p->cap);
    p->g[p->n++] = (struct da_glyph){.cp = '\n'};
}

static void lines_are(struct page *p, const char *want, const char *name)
{
    struct da_layout l;
    struct da_buf b;
    da_layout_init(&l);
    da_buf_init(&b, 0);
    da_layout_page(&l, p->g, p->n);
    for (size_t i = 0; i < l.n; i++) {
        da_buf_add(&b, l.text.p + l.lines[i].off, l.lines[i].len);
        da_buf_add_char(&b, '\n');
    }
    tap_is_str(b.p, want, "%s", name);
    da_buf_release(&b);
    da_layout_release(&l);
    p->n = 0;
}

static void test_columns(void)
{
    struct page p = {NULL, 0, 0};
    put(&p, 150, 40, 20, 0, "A title over both columns");
    for (int i = 0; i < 6; i++) {
        char left[] = "left column line number 0 is long";
        char right[] = "right column line no 0 is long";
        left[24] = right[21] = (char)('1' + i);
        put(&p, 50, 100 + 12 * (float)i, 10, 0, left);
        put(&p, 300, 100 + 12 * (float)i, 10, 0, right);
    }
    put(&p, 60, 200, 10, 0,
        "a line that runs over both of the columns, as a wide caption would do it");
    lines_are(&p,
              "A title over both columns\n"
              "left column line number 1 is long\nleft column line number 2 is long\n"
              "left column line number 3 is long\nleft column line number 4 is long\n"
              "left column line number 5 is long\nleft column line number 6 is long\n"
              "right column line no 1 is long\nright column line no 2 is long\n"
              "right column line no 3 is long\nright column line no 4 is long\n"
              "right column line no 5 is long\nright column line no 6 is long\n"
              "a line that runs over both of the columns, as a wide caption would do it\n",
              "two columns under a title, over a caption");
    free(p.g);
}

static void test_table(void)
{
    static const char *const cells[4][3] = {
        {"Item", "Price", "Qty"}, {"Apple", "1.20", "3"}, {"Pear", "0.95", "12"},
        {"Plum", "2.10", "7"}};
    struct page p = {NULL, 0, 0};
    put(&p, 50, 60, 10, 0, "The prices of this week are given in the table below, in euros.");
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 3; c++)
            put(&p, 60 + 120 * (float)c, 100 + 14 * (float)r, 10, 0, cells[r][c]);
    lines_are(&p,
              "The prices of this week are given in the table below, in euros.\n"
              "Item | Price | Qty\nApple | 1.20 | 3\nPear | 0.95 | 12\nPlum | 2.10 | 7\n",
              "a table row by row");
    free(p.g);
}

static void test_text_of_lines(void)
{
    struct page p = {NULL, 0, 0};
    put(&p, 50, 50, 10, 0, "two  spaces   become one");
    put(&p, 50, 70, 10, 0, "\xe6\x97\xa5 \xe6\x9c\xac \xe8\xaa\x9e");
    lines_are(&p, "two spaces become one\n\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\n",
              "spaces in a line, none between Han");
    lines_are(&p, "", "an empty page");
    free(p.g);
}

/* Adds a page of one column to the flow. */
static void add_page(struct da_flow *f, struct page *p)
{
    struct da_layout l;
    da_layout_init(&l);
    da_layout_page(&l, p->g, p->n);
    da_flow_add_page(f, &l, 800);
    da_layout_release(&l);
    p->n = 0;
}

static void flow_is(struct da_flow *f, const char *want, struct da_flow_facts *facts,
                    const char *name)
{
    struct da_buf b;
    da_buf_init(&b, 0);
    da_flow_write(f, &b, facts);
    tap_is_str(b.p, want, "%s", name);
    da_buf_release(&b);
    da_flow_free(f);
}

static void test_paragraphs(void)
{
    struct page p = {NULL, 0, 0};
    struct da_flow_facts facts;
    struct da_flow *f = da_flow_new(false);
    put(&p, 50, 100, 18, 0, "Annual report");
    put(&p, 50, 140, 10, 0, "The committee met on three occasions and exam-");
    put(&p, 50, 152, 10, 0, "ined the accounts of the well-known society in");
    put(&p, 50, 164, 10, 0, "detail. It found them to be in order, with the");
    put(&p, 50, 176, 10, 0, "cost-benefit ratio of the last report.");
    put(&p, 50, 188, 10, 0, "A second paragraph begins after a short line and");
    put(&p, 50, 200, 10, 0, "the cost-");
    put(&p, 50, 212, 10, 0, "benefit ratio is named again in it.");
    put(&p, 50, 240, 10, 0, "\xe2\x80\xa2 first point of the list");
    put(&p, 50, 252, 10, 0, "\xe2\x80\xa2 second point");
    add_page(f, &p);
    flow_is(f,
            "# Annual report\n\n"
            "The committee met on three occasions and examined the accounts of the well-known "
            "society in detail. It found them to be in order, with the cost-benefit ratio of the "
            "last report.\n\n"
            "A second paragraph begins after a short line and the cost-benefit ratio is named "
            "again in it.\n\n"
            "- first point of the list\n- second point\n",
            &facts, "headings, paragraphs, hyphens, lists");
    tap_is_str(facts.title, "Annual report", "the title");
    tap_is_int((long long)facts.hyphens_joined, 1, "one word joined");
    free(p.g);
}

static void pages_with_heads(struct da_flow *f)
{
    struct page p = {NULL, 0, 0};
    for (int i = 0; i < 4; i++) {
        static const char *const first[] = {
            "Apples grow on trees in the garden.", "Pears do it, too.",
            "Plums are blue when ripe.", "Cherries come first."};
        char foot[] = "Page 0 of 4";
        foot[5] = (char)('1' + i);
        put(&p, 50, 30, 9, 0, "Journal of Testing, vol. 3");
        put(&p, 50, 100, 10, 0, first[i]);
        put(&p, 270, 770, 9, 0, foot);
        add_page(f, &p);
    }
    free(p.g);
}

static void test_running_heads(void)
{
    struct da_flow_facts facts;
    struct da_flow *f = da_flow_new(false);
    pages_with_heads(f);
    flow_is(f,
            "Apples grow on trees in the garden.\n\nPears do it, too.\n\n"
            "Plums are blue when ripe.\n\nCherries come first.\n",
            &facts, "running heads and page numbers go");
    tap_is_int((long long)facts.headers_removed, 8, "... and are counted");
    f = da_flow_new(true);
    pages_with_heads(f);
    struct da_buf b;
    da_buf_init(&b, 0);
    da_flow_write(f, &b, &facts);
    tap_ok(strstr(b.p, "Journal of Testing") != NULL && strstr(b.p, "Page 3 of 4") != NULL,
           "unless they are kept");
    tap_is_int((long long)facts.headers_removed, 0, "... and then not counted");
    da_buf_release(&b);
    da_flow_free(f);
}

static void test_rtl(void)
{
    /* "al-insan" with its lam-alef taken apart backwards, then "la" alone, boxes right to left */
    static const uint32_t word[] = {0x627, 0x625, 0x644, 0x646};
    static const uint32_t fixed[] = {0x627, 0x644, 0x625, 0x646, ' ', 0x644, 0x627};
    struct da_glyph g[32];
    size_t n = 0;
    for (size_t i = 0; i < 4; i++)
        g[n++] = (struct da_glyph){word[i], 200 - 5 * (float)i, 50, 205 - 5 * (float)i, 60, 10, 0};
    g[n++] = (struct da_glyph){0x627, 172, 50, 175, 60, 10, DA_GLYPH_WORD};
    g[n++] = (struct da_glyph){0x644, 168, 50, 172, 60, 10, 0};
    g[n++] = (struct da_glyph){.cp = '\n'};
    n = da_rtl_fix(g, n);
    bool ok = n == 8;
    for (size_t i = 0; ok && i < 7; i++)
        ok = g[i].cp == fixed[i];
    tap_ok(ok, "spaces from boxes, ligatures turned");
}

/* Anything may stand on a page. */
/* Poppler goes from one block to the next beside it without a line feed: boxes by pdftotext -bbox
 * of mkit_REPAIR-2022-INV-001_multipage.pdf ("com" at y 388.97, then "Vehicle" at 315.41). */
static void test_blocks(void)
{
    struct page p = {NULL, 0, 0};
    put(&p, 79, 374, 11, 0, "Phone number");
    put(&p, 79, 389, 11, 0, "batman@wayne.com");
    p.n--;
    put(&p, 376, 315, 11, 0, "Vehicle facts");
    put(&p, 376, 331, 11, 0, "Year 2025");
    lines_are(&p, "Vehicle facts\nYear 2025\nPhone number\nbatman@wayne.com\n",
              "a jump to another block ends a word");
    free(p.g);
}

/* Glyph by glyph: cp, from x0 to x1. */
static void put_glyph(struct page *p, uint32_t cp, float x0, float x1, float y, float size,
                      unsigned flags)
{
    DA_GROW(p->g, p->n, p->cap);
    p->g[p->n++] = (struct da_glyph){.cp = cp, .x0 = x0, .x1 = x1, .y0 = y, .y1 = y + size,
                                     .size = size, .flags = flags};
}

static void text_is(struct page *p, const char *want, const char *name)
{
    struct da_flow_facts facts = {0};
    struct da_flow *f = da_flow_new(false);
    add_page(f, p);
    flow_is(f, want, &facts, name);
}

static void test_bullets(void)
{
    struct page p = {NULL, 0, 0};
    put_glyph(&p, 0xf06f, 50, 60, 98, 14, 0); /* a large bullet of a private code point */
    put(&p, 80, 100, 10, 0, "one thing");
    put_glyph(&p, 'y', 50, 54, 112, 10, DA_GLYPH_PICTURE);
    put_glyph(&p, 'y', 54, 56, 112, 10, 0); /* the space behind it says the same */
    put(&p, 80, 112, 10, 0, "another");
    lines_are(&p, "\xe2\x80\xa2 one thing\n\xe2\x80\xa2 another\n", "bullets of picture fonts");
    put_glyph(&p, 0x2022, 50, 60, 98, 18, 0);
    put(&p, 64, 100, 10, 0, "a long item of a list that takes its");
    put(&p, 64, 112, 10, 0, "place on two lines, and no heading");
    text_is(&p, "- a long item of a list that takes its place on two lines, and no heading\n",
            "a large bullet makes no heading");
    free(p.g);
}

static void test_kerning(void)
{
    struct page p = {NULL, 0, 0};
    float x = 50;
    static const char text[] = "the co ncurring part of it is in";
    for (const char *s = text; *s != 0; s++) {
        bool loose = s - text == 6;
        float w = *s == ' ' ? (loose ? 1.1f : 2.8f) : 5;
        put_glyph(&p, (uint32_t)*s, x, x + w, 100, 10, 0);
        x += w;
    }
    put_glyph(&p, '\n', 0, 0, 0, 0, 0);
    lines_are(&p, "the concurring part of it is in\n", "a space of loose kerning");
    put(&p, 50, 100, 10, 0, "as decision");
    p.n--;
    put_glyph(&p, '2', 105, 108, 98, 6, 0);
    put_glyph(&p, '\n', 0, 0, 0, 0, 0);
    lines_are(&p, "as decision 2\n", "the mark of a note stands apart");
    free(p.g);
}

static void test_contents(void)
{
    struct page p = {NULL, 0, 0};
    put(&p, 50, 100, 10, 0, "1 Introduction .......................... 7");
    put(&p, 50, 112, 10, 0, "2 Methods ............................... 9");
    text_is(&p, "1 Introduction .......................... 7\n"
                "2 Methods ............................... 9\n",
            "lines of contents stay lines");
    free(p.g);
}

/* "al" begins words; a ligature's halves are as wide as each other. Boxes run from the left. */
static void test_halves(void)
{
    static const uint32_t words[3][5] = {{0x627, 0x644, 0x628, 0x646, 0x62a},
                                         {0x627, 0x644, 0x643, 0x644, 0x628},
                                         {0x62e, 0x627, 0x644, 0x644, 0}};
    static const float widths[3][5] = {
        {6, 5, 4, 2.5f, 2.4f}, {6, 5, 4, 2.5f, 2.4f}, {6, 3.6f, 3.6f, 7, 0}};
    struct da_glyph g[40];
    size_t n = 0;
    float right = 400;
    for (int w = 0; w < 3; w++) {
        size_t len = words[w][4] != 0 ? 5 : 4;
        float total = 0, x;
        for (size_t i = 0; i < len; i++)
            total += widths[w][i];
        x = right - total;
        if (w > 0)
            g[n++] = (struct da_glyph){.cp = ' ', .size = 12};
        for (size_t i = 0; i < len; i++) {
            g[n++] = (struct da_glyph){.cp = words[w][i], .x0 = x, .x1 = x + widths[w][i],
                                       .y0 = 100, .y1 = 112, .size = 12};
            x += widths[w][i];
        }
        right -= total + 4;
    }
    g[n++] = (struct da_glyph){.cp = '\n'};
    n = da_rtl_fix(g, n);
    uint32_t last[4] = {0};
    for (size_t i = 0; i < 4; i++)
        last[i] = g[n - 5 + i].cp;
    tap_ok(last[0] == 0x62e && last[1] == 0x644 && last[2] == 0x627 && last[3] == 0x644,
           "a ligature told by its halves is turned");
    tap_ok(g[0].cp == 0x627 && g[1].cp == 0x644, "the article is not");
}

static void test_random(void)
{
    struct da_rng r;
    struct page p = {NULL, 0, 0};
    size_t n_lost = 0;
    da_rng_init(&r, 5);
    for (int round = 0; round < 300; round++) {
        size_t n = (size_t)da_rng_below(&r, 80), ink = 0, out = 0;
        p.n = 0;
        for (size_t i = 0; i < n; i++) {
            char word[] = "xxxxxxxxx";
            word[1 + da_rng_below(&r, 8)] = 0;
            ink += strlen(word);
            put(&p, (float)da_rng_below(&r, 600), (float)da_rng_below(&r, 800),
                (float)(1 + da_rng_below(&r, 40)), 0, word);
        }
        struct da_layout l;
        da_layout_init(&l);
        da_layout_page(&l, p.g, p.n);
        for (size_t i = 0; i < l.text.len; i++)
            out += l.text.p[i] == 'x';
        n_lost += out != ink;
        da_layout_release(&l);
    }
    tap_is_int((long long)n_lost, 0, "300 random pages lose and double nothing");
    free(p.g);
}

int main(void)
{
    test_columns();
    test_table();
    test_text_of_lines();
    test_paragraphs();
    test_running_heads();
    test_rtl();
    test_blocks();
    test_bullets();
    test_kerning();
    test_contents();
    test_halves();
    test_random();
    return tap_done();
}
