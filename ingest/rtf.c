/*
 * See rtf.h. A stack of groups; each knows its destination, font and how many characters to
 * pass over after \u. Bytes beyond ASCII are collected and decoded together, since characters
 * of East Asian code pages take two. Headers, footers, comments and
 * deleted text are left out.
 */

#include "ingest/rtf.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/attr.h"
#include "common/mem.h"
#include "common/span.h"
#include "common/utf8.h"
#include "ingest/mdtext.h"

enum { MAX_GROUPS = 256, MAX_FONTS = 1024, MAX_HEADINGS = 6 };

enum dest { DEST_BODY, DEST_SKIP, DEST_FONTS, DEST_TITLE, DEST_LISTTEXT };

struct group {
    enum dest dest;
    unsigned font;
    unsigned uc; /* characters to pass over after \u */
};

struct font {
    unsigned number;
    const char *charset;
};

struct rtf {
    const struct da_rtf_hooks *hooks;
    struct da_md md;
    struct group stack[MAX_GROUPS];
    unsigned depth, overflow;
    struct font *fonts; /* [n_fonts] */
    size_t n_fonts, fonts_cap;
    const char *ansi;     /* code page of the document */
    struct da_buf bytes;  /* collected, of bytes_charset */
    const char *bytes_charset;
    struct da_buf title, marker;
    unsigned skip;        /* characters still to pass over */
    uint32_t high;        /* first half of a surrogate pair */
    bool star;            /* \* seen: an unknown destination is passed over */
    bool in_table, para_open;
    int heading;          /* 1.., 0: none */
    bool item;
    unsigned level;
};

/* \fcharset numbers of the specification. */
static const char *charset_of(int n)
{
    static const struct {
        int n;
        const char *name;
    } map[] = {
        {0, "cp1252"},   {77, "macintosh"}, {128, "cp932"},  {129, "cp949"},  {134, "gb18030"},
        {136, "big5"},   {161, "cp1253"},   {162, "cp1254"}, {163, "cp1258"}, {177, "cp1255"},
        {178, "cp1256"}, {186, "cp1257"},   {204, "cp1251"}, {222, "cp874"},  {238, "cp1250"},
        {254, "cp437"},
    };
    for (size_t i = 0; i < DA_ARRAY_LEN(map); i++)
        if (map[i].n == n)
            return map[i].name;
    return NULL;
}

static const char *code_page(int n)
{
    static const struct {
        int n;
        const char *name;
    } map[] = {
        {437, "cp437"},   {850, "cp850"},   {852, "cp852"},   {866, "cp866"},   {874, "cp874"},
        {932, "cp932"},   {936, "gb18030"}, {949, "cp949"},   {950, "big5"},    {1250, "cp1250"},
        {1251, "cp1251"}, {1252, "cp1252"}, {1253, "cp1253"}, {1254, "cp1254"}, {1255, "cp1255"},
        {1256, "cp1256"}, {1257, "cp1257"}, {1258, "cp1258"}, {10000, "macintosh"},
        {65001, "utf-8"},
    };
    for (size_t i = 0; i < DA_ARRAY_LEN(map); i++)
        if (map[i].n == n)
            return map[i].name;
    return "cp1252";
}

static struct group *top(struct rtf *r)
{
    return &r->stack[r->depth];
}

static void open_para(struct rtf *r)
{
    if (r->para_open || r->md.in_row)
        return;
    r->para_open = true;
    if (r->heading > 0)
        da_md_block(&r->md, DA_MD_HEADING, (unsigned)r->heading, 0);
    else if (r->item)
        da_md_block(&r->md, DA_MD_ITEM, r->level, 0);
    else
        da_md_para(&r->md);
}

/* Text of the current destination, UTF-8. */
static void put(struct rtf *r, const char *p, size_t len)
{
    switch (top(r)->dest) {
    case DEST_BODY:
        if (len > 0 && !(len == 1 && p[0] == ' '))
            open_para(r);
        da_md_text(&r->md, p, len);
        break;
    case DEST_TITLE:
        da_buf_add(&r->title, p, len);
        break;
    case DEST_LISTTEXT:
        da_buf_add(&r->marker, p, len);
        break;
    case DEST_SKIP:
    case DEST_FONTS:
        break;
    }
}

static bool is_ascii(const struct da_buf *b)
{
    for (size_t i = 0; i < b->len; i++)
        if ((unsigned char)b->p[i] >= 0x80)
            return false;
    return true;
}

static void flush(struct rtf *r)
{
    if (r->bytes.len == 0)
        return;
    if (is_ascii(&r->bytes)) { /* the same in every code page of RTF */
        put(r, r->bytes.p, r->bytes.len);
        da_buf_reset(&r->bytes);
        return;
    }
    struct da_buf text;
    da_buf_init(&text, 0);
    r->hooks->decode(r->hooks->ctx, r->bytes_charset, r->bytes.p, r->bytes.len, &text);
    put(r, text.p, text.len);
    da_buf_release(&text);
    da_buf_reset(&r->bytes);
}

static const char *current_charset(const struct rtf *r)
{
    for (size_t i = 0; i < r->n_fonts; i++)
        if (r->fonts[i].number == r->stack[r->depth].font && r->fonts[i].charset != NULL)
            return r->fonts[i].charset;
    return r->ansi;
}

static void put_byte(struct rtf *r, char c)
{
    if (r->skip > 0) {
        r->skip--;
        return;
    }
    if (top(r)->dest == DEST_SKIP || top(r)->dest == DEST_FONTS)
        return;
    const char *charset = current_charset(r);
    if (charset != r->bytes_charset)
        flush(r);
    r->bytes_charset = charset;
    da_buf_add_char(&r->bytes, c);
}

static void put_unicode(struct rtf *r, int n)
{
    uint32_t cp = (uint32_t)(n < 0 ? n + 65536 : n);
    char out[DA_UTF8_MAX_LEN];
    flush(r);
    r->skip = top(r)->uc;
    if (cp >= 0xd800 && cp < 0xdc00) {
        r->high = cp;
        return;
    }
    if (cp >= 0xdc00 && cp < 0xe000 && r->high != 0)
        cp = 0x10000 + ((r->high - 0xd800) << 10) + (cp - 0xdc00);
    r->high = 0;
    put(r, out, da_utf8_encode(cp, out));
}

static void end_para(struct rtf *r)
{
    flush(r);
    if (top(r)->dest != DEST_BODY)
        return;
    if (r->md.in_row)
        da_md_str(&r->md, " ");
    else
        da_md_para(&r->md);
    r->para_open = false;
}

static void end_cell(struct rtf *r)
{
    flush(r);
    if (top(r)->dest != DEST_BODY || !r->md.in_row)
        return;
    da_md_cell(&r->md);
    r->in_table = true;
}

static void end_row(struct rtf *r)
{
    flush(r);
    da_md_row_end(&r->md); /* drops the cell that the last \cell began */
    r->in_table = false;
    r->para_open = false;
}

static void begin_row_cell(struct rtf *r)
{
    if (top(r)->dest != DEST_BODY || r->md.in_row)
        return;
    flush(r);
    da_md_row_begin(&r->md);
    da_md_cell(&r->md);
}

enum word {
    W_PAR, W_LINE, W_TAB, W_CELL, W_ROW, W_INTBL, W_PARD, W_OUTLINE, W_LS, W_ILVL, W_FONT,
    W_CHARSET, W_CPG, W_UC, W_U, W_SKIP, W_FONTS, W_TITLE, W_LISTTEXT, W_CHAR, W_MAC, W_PC
};

static const struct {
    const char *name;
    enum word word;
    uint32_t cp; /* of W_CHAR */
} words[] = {
    {"par", W_PAR, 0},           {"sect", W_PAR, 0},        {"page", W_PAR, 0},
    {"line", W_LINE, 0},         {"tab", W_TAB, 0},         {"cell", W_CELL, 0},
    {"nestcell", W_TAB, 0},      {"nestrow", W_TAB, 0},     {"row", W_ROW, 0},
    {"intbl", W_INTBL, 0},       {"pard", W_PARD, 0},       {"outlinelevel", W_OUTLINE, 0},
    {"ls", W_LS, 0},             {"ilvl", W_ILVL, 0},       {"f", W_FONT, 0},
    {"fcharset", W_CHARSET, 0},  {"ansicpg", W_CPG, 0},     {"uc", W_UC, 0},
    {"u", W_U, 0},               {"fonttbl", W_FONTS, 0},   {"title", W_TITLE, 0},
    {"listtext", W_LISTTEXT, 0}, {"pntext", W_LISTTEXT, 0}, {"mac", W_MAC, 0},
    {"pc", W_PC, 0},             {"colortbl", W_SKIP, 0},   {"stylesheet", W_SKIP, 0},
    {"pict", W_SKIP, 0},         {"object", W_SKIP, 0},     {"objdata", W_SKIP, 0},
    {"header", W_SKIP, 0},       {"headerl", W_SKIP, 0},    {"headerr", W_SKIP, 0},
    {"headerf", W_SKIP, 0},      {"footer", W_SKIP, 0},     {"footerl", W_SKIP, 0},
    {"footerr", W_SKIP, 0},      {"footerf", W_SKIP, 0},    {"annotation", W_SKIP, 0},
    {"fldinst", W_SKIP, 0},      {"xe", W_SKIP, 0},         {"tc", W_SKIP, 0},
    {"listtable", W_SKIP, 0},    {"listoverridetable", W_SKIP, 0}, {"rsidtbl", W_SKIP, 0},
    {"themedata", W_SKIP, 0},    {"datastore", W_SKIP, 0},  {"latentstyles", W_SKIP, 0},
    {"author", W_SKIP, 0},       {"operator", W_SKIP, 0},   {"company", W_SKIP, 0},
    {"subject", W_SKIP, 0},      {"keywords", W_SKIP, 0},   {"comment", W_SKIP, 0},
    {"doccomm", W_SKIP, 0},      {"creatim", W_SKIP, 0},    {"revtim", W_SKIP, 0},
    {"printim", W_SKIP, 0},      {"deleted", W_SKIP, 0},    {"nonesttables", W_SKIP, 0},
    {"emdash", W_CHAR, 0x2014},  {"endash", W_CHAR, 0x2013}, {"bullet", W_CHAR, 0x2022},
    {"lquote", W_CHAR, 0x2018},  {"rquote", W_CHAR, 0x2019}, {"ldblquote", W_CHAR, 0x201c},
    {"rdblquote", W_CHAR, 0x201d}, {"emspace", W_CHAR, ' '}, {"enspace", W_CHAR, ' '},
};

static void set_font_charset(struct rtf *r, int n)
{
    if (top(r)->dest != DEST_FONTS || r->n_fonts >= MAX_FONTS)
        return;
    DA_GROW(r->fonts, r->n_fonts, r->fonts_cap);
    r->fonts[r->n_fonts++] = (struct font){top(r)->font, charset_of(n)};
}

static void reset_para(struct rtf *r)
{
    r->heading = 0;
    r->item = false;
    r->level = 0;
}

/* Words about paragraphs and characters. */
static void do_format(struct rtf *r, enum word w, int n, bool has_n)
{
    switch (w) {
    case W_PARD:
        reset_para(r);
        break;
    case W_OUTLINE:
        r->heading = n >= 0 && n < MAX_HEADINGS ? n + 1 : 0;
        break;
    case W_LS:
        r->item = n > 0;
        break;
    case W_ILVL:
        r->level = n >= 0 && n < 9 ? (unsigned)n : 0;
        break;
    case W_FONT:
        flush(r);
        top(r)->font = n >= 0 ? (unsigned)n : 0;
        break;
    case W_CHARSET:
        set_font_charset(r, n);
        break;
    case W_CPG:
        r->ansi = code_page(n);
        break;
    case W_MAC:
        r->ansi = "macintosh";
        break;
    case W_PC:
        r->ansi = "cp437";
        break;
    case W_UC:
        top(r)->uc = has_n && n >= 0 && n < 16 ? (unsigned)n : 1;
        break;
    default:
        break;
    }
}

static void set_dest(struct rtf *r, enum dest dest)
{
    flush(r);
    if (top(r)->dest == DEST_BODY || dest == DEST_TITLE)
        top(r)->dest = dest;
}

static void do_word(struct rtf *r, struct da_span name, int n, bool has_n)
{
    size_t i = 0;
    char out[DA_UTF8_MAX_LEN];
    while (i < DA_ARRAY_LEN(words) && !da_span_is(name, words[i].name))
        i++;
    if (i == DA_ARRAY_LEN(words)) {
        if (r->star)
            set_dest(r, DEST_SKIP);
        r->star = false;
        return;
    }
    r->star = false;
    switch (words[i].word) {
    case W_PAR: end_para(r); break;
    case W_LINE: flush(r); da_md_br(&r->md); break;
    case W_TAB: flush(r); put(r, " ", 1); break;
    case W_CELL: end_cell(r); break;
    case W_ROW: end_row(r); break;
    case W_INTBL: begin_row_cell(r); break;
    case W_U: put_unicode(r, n); break;
    case W_SKIP: set_dest(r, DEST_SKIP); break;
    case W_FONTS: set_dest(r, DEST_FONTS); break;
    case W_TITLE: set_dest(r, DEST_TITLE); break;
    case W_LISTTEXT: set_dest(r, DEST_LISTTEXT); r->item = true; break;
    case W_CHAR:
        flush(r);
        put(r, out, da_utf8_encode(words[i].cp, out));
        break;
    default: do_format(r, words[i].word, n, has_n); break;
    }
}

/* A backslash at p[0]; returns the bytes it takes. */
static size_t do_control(struct rtf *r, const char *p, size_t len)
{
    size_t i = 1;
    if (len < 2)
        return len;
    if ((p[1] | 32) >= 'a' && (p[1] | 32) <= 'z') {
        while (i < len && i < 40 && (p[i] | 32) >= 'a' && (p[i] | 32) <= 'z')
            i++;
        struct da_span name = da_span(p + 1, i - 1);
        bool minus = i < len && p[i] == '-', has_n = false;
        int n = 0;
        size_t d = i + minus;
        while (d < len && p[d] >= '0' && p[d] <= '9' && d < i + 10) {
            n = n < 100000000 ? n * 10 + (p[d] - '0') : n;
            has_n = true;
            d++;
        }
        i = has_n ? d : i;
        i += i < len && p[i] == ' ';
        if (da_span_is(name, "bin") && has_n) /* raw bytes follow */
            return n >= 0 && (size_t)n <= len - i ? i + (size_t)n : len;
        do_word(r, name, minus ? -n : has_n ? n : 1, has_n);
        return i;
    }
    if (p[1] == '\'' && len >= 4) {
        char hex[3] = {p[2], p[3], 0};
        put_byte(r, (char)strtol(hex, NULL, 16));
        return 4;
    }
    if (p[1] == '*') {
        r->star = true;
    } else if (p[1] == '~' || p[1] == '_') {
        flush(r);
        put(r, p[1] == '~' ? " " : "-", 1);
    } else if (p[1] == '\n' || p[1] == '\r') {
        end_para(r);
    } else if (p[1] == '\\' || p[1] == '{' || p[1] == '}') {
        put_byte(r, p[1]);
    }
    return 2;
}

static void push(struct rtf *r)
{
    flush(r);
    if (r->depth + 1 < MAX_GROUPS) {
        r->stack[r->depth + 1] = r->stack[r->depth];
        r->depth++;
    } else {
        r->overflow++;
    }
}

static void pop(struct rtf *r)
{
    flush(r);
    r->skip = 0;
    r->star = false;
    if (r->overflow > 0)
        r->overflow--;
    else if (r->depth > 0)
        r->depth--;
}

void da_rtf_write(const char *p, size_t len, size_t want, const struct da_rtf_hooks *hooks,
                  struct da_buf *out, struct da_rtf_facts *facts)
{
    struct rtf *r = da_calloc(1, sizeof *r);
    size_t i = 0, start = out->len;
    r->hooks = hooks;
    r->ansi = "cp1252";
    r->stack[0].uc = 1;
    da_md_init(&r->md, out);
    da_buf_init(&r->bytes, 0);
    da_buf_init(&r->title, 0);
    da_buf_init(&r->marker, 0);
    while (i < len && (want == 0 || out->len - start < want || r->md.in_row)) {
        if (p[i] == '\\') {
            i += do_control(r, p + i, len - i);
            continue;
        }
        if (p[i] == '{')
            push(r);
        else if (p[i] == '}')
            pop(r);
        else if (p[i] != '\n' && p[i] != '\r' && p[i] != 0)
            put_byte(r, p[i]);
        i++;
    }
    flush(r);
    end_row(r);
    da_md_end(&r->md);
    facts->used = i;
    facts->table_rows = r->md.n_rows;
    (void)snprintf(facts->title, sizeof facts->title, "%s", r->title.p);
    da_buf_release(&r->bytes);
    da_buf_release(&r->title);
    da_buf_release(&r->marker);
    free(r->fonts);
    free(r);
}
