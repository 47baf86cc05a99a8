/*
 * Lines of Markdown-like text. Page extractors and e-mail wrap paragraphs, so
 * whether a line runs on from the one before is decided from both: a lower-case
 * start or an open end joins, a line clearly shorter than its neighbours ends.
 */

#include "text/textlines.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"
#include "text/chars.h"

enum {
    WRAP_MIN_WIDTH = 40,  /* nobody wraps running text narrower than this (columns of a page) */
    WRAP_MAX_WIDTH = 200, /* nor wider: a longer line is a paragraph */
    WRAP_SHARE_NUM = 7,   /* a wrapped line fills at least 7/10 of the block's widest */
    WRAP_SHARE_DEN = 10,
    MAX_NUMBER_DIGITS = 3 /* "2019. " starts no list item */
};

void da_lines_init(struct da_lines *l)
{
    memset(l, 0, sizeof *l);
}

void da_lines_release(struct da_lines *l)
{
    if (!l)
        return;
    free(l->items);
    da_lines_init(l);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_bullet(uint32_t cp)
{
    switch (cp) {
    case '-':
    case '*':
    case '+':
    case 0x2022:
    case 0x2023:
    case 0x2043:
    case 0x204C:
    case 0x204D:
    case 0x2219:
    case 0x25A0:
    case 0x25A1:
    case 0x25AA:
    case 0x25AB:
    case 0x25B6:
    case 0x25B8:
    case 0x25BA:
    case 0x25C6:
    case 0x25CB:
    case 0x25CF:
    case 0x25D8:
    case 0x25E6:
    case 0x2605:
    case 0x2713:
    case 0x2714:
    case 0x2717:
    case 0x27A2:
    case 0x2794:
    case 0x2192:
    case 0x2013:
    case 0x2014:
    case 0x30FB:
    case 0xF0B7:
    case 0xF0A7: return true;
    default: return false;
    }
}

/* Length of "12. ", "3) ", "(4) ", "b) " at p, or 0. */
static size_t ordered_marker(const char *p, size_t len)
{
    size_t i = 0;
    bool open = len > 0 && p[0] == '(';
    i += open;
    size_t digits = i;
    while (i < len && p[i] >= '0' && p[i] <= '9')
        i++;
    bool letter = false;
    if (i - digits > MAX_NUMBER_DIGITS)
        return 0;
    if (i == digits) {
        letter = i < len && ((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z'));
        if (!letter)
            return 0;
        i++;
    }
    if (i >= len)
        return 0;
    /* "A. Smith" is a name: a letter takes a bracket, or is lower case. */
    bool upper = letter && p[digits] >= 'A' && p[digits] <= 'Z';
    if (p[i] == ')' || (p[i] == '.' && !open && !upper))
        i++;
    else
        return 0;
    if (i < len && !is_space(p[i]))
        return 0;
    while (i < len && is_space(p[i]))
        i++;
    return i;
}

static size_t bullet_marker(const char *p, size_t len)
{
    uint32_t cp;
    size_t i = da_char_next(p, p + len, &cp);
    if (!is_bullet(cp))
        return 0;
    bool tight = cp >= 0x2022 && cp != 0x2192; /* "•word" happens, "-word" is no item */
    if (cp == 0x2013 || cp == 0x2014)
        tight = false;
    if (!tight && (i >= len || !is_space(p[i])))
        return 0;
    while (i < len && is_space(p[i]))
        i++;
    return i;
}

static size_t heading_marker(const char *p, size_t len)
{
    size_t i = 0;
    while (i < len && p[i] == '#')
        i++;
    if (i == 0 || i > 6 || (i < len && !is_space(p[i])))
        return 0;
    while (i < len && is_space(p[i]))
        i++;
    return i;
}

static bool is_fence(const char *p, size_t len)
{
    return len >= 3 && (memcmp(p, "```", 3) == 0 || memcmp(p, "~~~", 3) == 0);
}

static void measure(const char *p, size_t len, unsigned *width, bool *has_word, bool *cells)
{
    const char *end = p + len;
    *width = 0;
    *has_word = false;
    *cells = len > 0 && p[0] == '|';
    for (const char *q = p; q < end;) {
        uint32_t cp;
        if (*q == '|' && q > p && q[-1] == ' ' && (q + 1 == end || q[1] == ' '))
            *cells = true;
        if (*q >= ' ' && *q <= '~') { /* most of most texts */
            *has_word = *has_word ||
                        (da_char_ascii[(unsigned char)*q] & (DA_CH_LETTER | DA_CH_DIGIT)) != 0;
            ++*width;
            q++;
            continue;
        }
        q += da_char_next(q, end, &cp);
        *width += da_char_width(cp);
        if (da_char_flags(cp) & (DA_CH_LETTER | DA_CH_DIGIT))
            *has_word = true;
    }
}

static void classify(struct da_line *ln, const char *text, bool *in_fence)
{
    size_t a = ln->start, b = ln->end;
    while (a < b && is_space(text[a]))
        a++;
    while (b > a && is_space(text[b - 1]))
        b--;
    ln->body = a;
    ln->body_end = b;
    if (a == b) {
        ln->kind = *in_fence ? DA_LINE_CODE : DA_LINE_BLANK;
        return;
    }
    if (is_fence(text + a, b - a)) {
        *in_fence = !*in_fence;
        ln->kind = DA_LINE_CODE;
        return;
    }
    if (*in_fence) {
        ln->kind = DA_LINE_CODE;
        return;
    }
    bool has_word, cells;
    measure(text + a, b - a, &ln->width, &has_word, &cells);
    size_t m;
    if (!has_word) {
        ln->kind = DA_LINE_RULE;
    } else if (cells) {
        ln->kind = DA_LINE_TABLE;
    } else if ((m = heading_marker(text + a, b - a)) > 0) {
        ln->kind = DA_LINE_HEADING;
        ln->body = a + m;
    } else if ((m = bullet_marker(text + a, b - a)) > 0 && a + m < b) {
        ln->kind = DA_LINE_LIST;
        ln->body = a + m;
    } else if ((m = ordered_marker(text + a, b - a)) > 0 && a + m < b) {
        ln->kind = DA_LINE_LIST;
        ln->ordered = true;
        ln->body = a + m;
    } else {
        ln->kind = DA_LINE_TEXT;
    }
}

static unsigned first_flags(const char *text, const struct da_line *ln)
{
    uint32_t cp;
    da_char_next(text + ln->body, text + ln->body_end, &cp);
    return da_char_flags(cp);
}

static bool ends_open(const char *text, const struct da_line *ln)
{
    char c = text[ln->body_end - 1];
    return c == ',' || c == ';' || c == '-' || c == '(' || c == '&' || c == '/';
}

static bool runs_on(const char *text, const struct da_line *prev, const struct da_line *ln,
                    unsigned widest)
{
    if (ln->kind != DA_LINE_TEXT || (prev->kind != DA_LINE_TEXT && prev->kind != DA_LINE_LIST))
        return false;
    if (first_flags(text, ln) & DA_CH_LOWER)
        return prev->width >= WRAP_MIN_WIDTH / 2 || ends_open(text, prev);
    if (prev->width < WRAP_MIN_WIDTH || prev->width > WRAP_MAX_WIDTH)
        return false;
    return prev->width >= widest / WRAP_SHARE_DEN * WRAP_SHARE_NUM;
}

/* Marks wrapped lines in the block [from, to) of lines without a blank between them. */
static void join_block(struct da_lines *l, const char *text, size_t from, size_t to)
{
    unsigned widest = 0;
    for (size_t i = from; i < to; i++) {
        if (l->items[i].width > widest && l->items[i].width <= WRAP_MAX_WIDTH)
            widest = l->items[i].width;
    }
    for (size_t i = from + 1; i < to; i++)
        l->items[i].continues = runs_on(text, &l->items[i - 1], &l->items[i], widest);
}

void da_lines_split(struct da_lines *l, const char *p, size_t len)
{
    bool in_fence = false;
    l->n = 0;
    for (size_t at = 0; at < len;) {
        const char *nl = memchr(p + at, '\n', len - at);
        DA_GROW(l->items, l->n, l->cap);
        struct da_line *ln = &l->items[l->n++];
        memset(ln, 0, sizeof *ln);
        ln->start = at;
        ln->end = nl ? (size_t)(nl - p) : len;
        ln->next = nl ? ln->end + 1 : len;
        classify(ln, p, &in_fence);
        at = ln->next;
    }
    for (size_t i = 0; i < l->n;) {
        size_t j = i + 1;
        if (l->items[i].kind != DA_LINE_BLANK) {
            while (j < l->n && l->items[j].kind != DA_LINE_BLANK)
                j++;
            join_block(l, p, i, j);
        }
        i = j;
    }
}
