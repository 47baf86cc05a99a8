/*
 * See flow.h.
 *
 * Running lines: the first and last lines of each page, digits masked, that come back at the
 * same height on several pages. Nothing else is taken out, and never by position alone.
 */

#include "ingest/flow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/span.h"
#include "ingest/hyphens.h"


/* Of text that came without boxes: every line fills its column. */
enum { TEXT_SIZE = 10, TEXT_WIDTH = 500 };

enum { ZONE_LINES = 4, KEY_MAX = 200, HEADING_MAX = 160, BOLD_HEADING_MAX = 90 };

struct line {
    struct da_line_box box; /* off points into flow's text */
    unsigned page;
    float y; /* middle, of the page's height */
    bool running;
};

struct da_flow {
    bool keep_headers;
    struct line *lines;
    size_t n, cap;
    struct da_buf text;
    unsigned n_pages;
    struct da_hyphens hyphens;
    float body_size;
    size_t n_joined;
};

struct da_flow *da_flow_new(bool keep_headers)
{
    struct da_flow *f = da_calloc(1, sizeof *f);
    f->keep_headers = keep_headers;
    da_buf_init(&f->text, 0);
    da_hyphens_init(&f->hyphens);
    return f;
}

void da_flow_free(struct da_flow *f)
{
    if (f == NULL)
        return;
    free(f->lines);
    da_buf_release(&f->text);
    da_hyphens_release(&f->hyphens);
    free(f);
}

size_t da_flow_len(const struct da_flow *f)
{
    return f->text.len;
}

void da_flow_add_page(struct da_flow *f, const struct da_layout *l, float height)
{
    for (size_t i = 0; i < l->n; i++) {
        struct line n = {.box = l->lines[i], .page = f->n_pages};
        n.y = height > 0 ? (n.box.y0 + n.box.y1) / 2 / height : 0.5f;
        n.box.off = f->text.len;
        da_buf_add(&f->text, l->text.p + l->lines[i].off, l->lines[i].len);
        if (f->text.overflow)
            break;
        DA_GROW(f->lines, f->n, f->cap);
        f->lines[f->n++] = n;
    }
    f->n_pages++;
}

void da_flow_add_text(struct da_flow *f, const char *p, size_t len)
{
    struct da_span rest = da_span(p, len), line;
    unsigned region = 0;
    float y = 0;
    while (da_span_split(&rest, '\n', &line) && !f->text.overflow) {
        line = da_span_trim(line);
        y += TEXT_SIZE;
        if (line.len == 0) {
            region++;
            continue;
        }
        struct line n = {.page = f->n_pages, .y = 0.5f};
        n.box = (struct da_line_box){.off = f->text.len, .len = line.len, .y0 = y,
                                     .y1 = y + TEXT_SIZE, .size = TEXT_SIZE, .region = region,
                                     .x1 = TEXT_WIDTH, .col_x1 = TEXT_WIDTH, .upright = true};
        da_buf_add(&f->text, line.p, line.len);
        DA_GROW(f->lines, f->n, f->cap);
        f->lines[f->n++] = n;
    }
    f->n_pages++;
}

static struct da_span text_of(const struct da_flow *f, const struct line *l)
{
    return da_span(f->text.p + l->box.off, l->box.len);
}

/* --- running heads and feet --- */

/* Length of the Roman page number (up to "lxxxviii") that s begins with or, from the end, ends
 * with; 0: none. It stands between white space. */
static size_t roman_at(struct da_span s, bool from_end)
{
    size_t n = 0;
    while (n < s.len && strchr("ivxlcIVXLC", s.p[from_end ? s.len - 1 - n : n]) != NULL)
        n++;
    bool apart = n == s.len || s.p[from_end ? s.len - 1 - n : n] == ' ';
    return apart && n <= 8 ? n : 0;
}

/* The line in lower case without spaces; numbers, and Roman ones at its ends, are masked. */
static size_t mask(struct da_span s, char out[KEY_MAX])
{
    size_t n = 0, head = roman_at(s, false), tail = head < s.len ? roman_at(s, true) : 0;
    if (head > 0)
        out[n++] = '#';
    for (size_t i = head; i < s.len - tail && n + 1 < KEY_MAX; i++) {
        char c = s.p[i];
        if (c >= '0' && c <= '9') {
            if (n == 0 || out[n - 1] != '#')
                out[n++] = '#';
        } else if (c != ' ') {
            out[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        }
    }
    if (tail > 0)
        out[n++] = '#';
    return n;
}

static bool in_zone(const struct line *l)
{
    return l->y < 0.15f || l->y > 0.85f;
}

/* Calls for each line that may be a running one: the outermost of each page by height. */
static size_t zone_lines(const struct da_flow *f, size_t from, size_t to, size_t *ids)
{
    size_t n = 0;
    for (int end = 0; end < 2; end++) {
        size_t n_end = 0, picked[ZONE_LINES];
        for (size_t i = from; i < to; i++) {
            const struct line *l = &f->lines[i];
            if (!in_zone(l) || (l->y < 0.5f) != (end == 0))
                continue;
            float rank = end == 0 ? l->y : -l->y;
            size_t k = n_end < ZONE_LINES ? n_end : ZONE_LINES;
            while (k > 0 && rank < (end == 0 ? f->lines[picked[k - 1]].y
                                             : -f->lines[picked[k - 1]].y)) {
                if (k < ZONE_LINES)
                    picked[k] = picked[k - 1];
                k--;
            }
            if (k < ZONE_LINES)
                picked[k] = i;
            n_end += n_end < ZONE_LINES;
        }
        for (size_t k = 0; k < n_end; k++)
            ids[n++] = picked[k];
    }
    return n;
}

static size_t page_end(const struct da_flow *f, size_t from)
{
    size_t to = from;
    while (to < f->n && f->lines[to].page == f->lines[from].page)
        to++;
    return to;
}

/* Key of a line in the table of running lines: its masked text and its height in steps. */
static size_t running_key(const struct da_flow *f, const struct line *l, int shift,
                          char key[KEY_MAX + 8])
{
    size_t n = mask(text_of(f, l), key);
    int step = (int)floorf(l->y * 200.0f) + shift;
    key[n++] = 1;
    key[n++] = (char)(step & 127);
    key[n++] = (char)(step >> 7 & 127);
    return n;
}

static size_t mark_running(struct da_flow *f)
{
    struct da_map seen;
    da_map_init(&seen);
    size_t ids[2 * ZONE_LINES], n_marked = 0;
    char key[KEY_MAX + 8];
    for (size_t i = 0; i < f->n;) {
        size_t to = page_end(f, i), n = zone_lines(f, i, to, ids);
        for (size_t k = 0; k < n; k++) {
            size_t len = running_key(f, &f->lines[ids[k]], 0, key);
            *da_map_add(&seen, key, len, NULL) += 1;
        }
        i = to;
    }
    for (size_t i = 0; i < f->n && f->n_pages >= 3;) {
        size_t to = page_end(f, i), n = zone_lines(f, i, to, ids);
        for (size_t k = 0; k < n; k++) {
            uint64_t times = 0;
            for (int shift = -1; shift <= 1; shift++) {
                size_t len = running_key(f, &f->lines[ids[k]], shift, key);
                const uint64_t *v = da_map_get(&seen, key, len);
                times += v != NULL ? *v : 0;
            }
            bool often = times >= 3 || (times >= 2 && f->n_pages <= 4);
            f->lines[ids[k]].running = often;
            n_marked += often;
        }
        i = to;
    }
    da_map_release(&seen);
    if (n_marked < f->n)
        return n_marked;
    for (size_t i = 0; i < f->n; i++)
        f->lines[i].running = false; /* forms and labels that say nothing else */
    return 0;
}

/* --- words --- */

/* Words of each line, but not the one that touches a hyphen at its end nor the rest of it. */
static void collect_words(struct da_flow *f)
{
    bool after_hyphen = false;
    for (size_t i = 0; i < f->n; i++)
        after_hyphen = da_hyphens_note(&f->hyphens, text_of(f, &f->lines[i]), after_hyphen);
}

/* --- paragraphs --- */

static int by_size(const void *a, const void *b)
{
    const struct line *const *p = a, *const *q = b;
    return (*p)->box.size < (*q)->box.size ? -1 : (*p)->box.size > (*q)->box.size;
}

/* The size most of the text is set in: the median over characters. */
static float find_body_size(const struct da_flow *f)
{
    const struct line **order = da_malloc((f->n + 1) * sizeof(const struct line *));
    size_t total = 0, sum = 0;
    for (size_t i = 0; i < f->n; i++) {
        order[i] = &f->lines[i];
        total += f->lines[i].box.len;
    }
    qsort(order, f->n, sizeof *order, by_size);
    float size = f->n > 0 ? order[f->n - 1]->box.size : 10;
    for (size_t i = 0; i < f->n; i++) {
        sum += order[i]->box.len;
        if (sum * 2 >= total) {
            size = order[i]->box.size;
            break;
        }
    }
    free(order);
    return size > 0 ? size : 10;
}

/* Length of a bullet or number with its space at the start of a line, or 0. */
static size_t list_marker(struct da_span s, bool *number)
{
    static const char *const bullets[] = {
        "\xe2\x80\xa2", "\xe2\x97\x8f", "\xe2\x96\xaa", "\xe2\x96\xa0", "\xe2\x97\xa6",
        "\xef\x82\xb7", "\xef\x82\xa7", "\xe2\x80\xa3", "\xe2\x9e\xa2", "\xe2\x97\x8b",
        "\xef\x83\x98", "\xef\x80\xad", "\xe2\x96\xba", "\xc2\xb7", "\xe2\x96\xa1"};
    *number = false;
    for (size_t i = 0; i < DA_ARRAY_LEN(bullets); i++)
        if (da_span_starts(s, bullets[i])) {
            size_t n = strlen(bullets[i]);
            while (n < s.len && s.p[n] == ' ')
                n++;
            return n;
        }
    if (s.len > 2 && (s.p[0] == '-' || s.p[0] == '*') && s.p[1] == ' ')
        return 2;
    if (s.len > 3 && s.p[0] == '\xe2' && s.p[1] == '\x80' && s.p[2] == '\x93' && s.p[3] == ' ')
        return 4;
    size_t i = s.len > 0 && s.p[0] == '(', d = i;
    while (i < s.len && i < d + 3 && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    if (i == d && i < s.len && ((s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'z'))
        i++;
    if (i > d && i + 1 < s.len && (s.p[i] == ')' || (s.p[i] == '.' && d == 0)) &&
        s.p[i + 1] == ' ') {
        *number = true;
        return i + 2;
    }
    return 0;
}

static bool has_letter(struct da_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (da_is_word_byte(s.p[i]))
            return true;
    return false;
}

/* 0: no heading. */
static int heading_level(const struct da_flow *f, const struct line *l)
{
    struct da_span s = text_of(f, l);
    if (l->box.row || s.len < 2 || s.len > HEADING_MAX || !has_letter(s) || !l->box.upright)
        return 0;
    float r = l->box.size / f->body_size;
    if (r >= 1.75f)
        return 1;
    if (r >= 1.35f)
        return 2;
    if (r >= 1.12f)
        return 3;
    char last = s.p[s.len - 1];
    if (l->box.bold && r > 0.95f && s.len <= BOLD_HEADING_MAX && last != '.' && last != ',' &&
        last != ';' && last != '-')
        return 4;
    return 0;
}

static bool ends_sentence(struct da_span s)
{
    while (s.len > 0 && (s.p[s.len - 1] == '"' || s.p[s.len - 1] == ')'))
        s.len--;
    if (s.len == 0)
        return true;
    char c = s.p[s.len - 1];
    return c == '.' || c == '!' || c == '?' || c == ':' || c == ';' ||
           (s.len >= 3 && (memcmp(s.p + s.len - 3, "\xe3\x80\x82", 3) == 0 ||
                           memcmp(s.p + s.len - 3, "\xe2\x80\x9d", 3) == 0));
}

static bool starts_lower(struct da_span s)
{
    return s.len > 0 && s.p[0] >= 'a' && s.p[0] <= 'z';
}

/* A line of a table of contents: leaders (".....", ". . . .") and a page number at its end. */
static bool is_contents_line(struct da_span s)
{
    size_t n = s.len, dots = 0;
    while (n > 0 && s.len - n < 6 && s.p[n - 1] != '.' && s.p[n - 1] != ' ')
        n--;
    if (n == s.len || n == 0)
        return false;
    for (; n > 0 && (s.p[n - 1] == '.' || s.p[n - 1] == ' '); n--)
        dots += s.p[n - 1] == '.';
    return dots >= 4 && n > 0;
}

/* Distance of lines within a region: the median of what is found there. */
static float leading_of(const struct da_flow *f, size_t from, size_t to)
{
    float d[64];
    size_t n = 0;
    for (size_t i = from + 1; i < to && n < 64; i++) {
        float v = f->lines[i].box.y0 - f->lines[i - 1].box.y0;
        if (v > 0.3f * f->lines[i].box.size) {
            size_t k = n++;
            while (k > 0 && d[k - 1] > v) {
                d[k] = d[k - 1];
                k--;
            }
            d[k] = v;
        }
    }
    return n > 0 ? d[(n - 1) / 2] : 0;
}

/* White space of the column before the line's beginning, and behind its end. */
static float indent_of(const struct da_line_box *b)
{
    return b->rtl ? b->col_x1 - b->x1 : b->x0 - b->col_x0;
}

static float rest_of(const struct da_line_box *b)
{
    return b->rtl ? b->x0 - b->col_x0 : b->col_x1 - b->x1;
}

/* Does line b begin a new paragraph after a, both of one region? */
static bool breaks(const struct da_flow *f, const struct line *a, const struct line *b,
                   float leading, bool in_list)
{
    bool number;
    float em = b->box.size;
    if (a->box.row || b->box.row || !a->box.upright)
        return true;
    if (fabsf(a->box.size - b->box.size) > 0.12f * fmaxf(a->box.size, b->box.size))
        return true;
    float step = b->box.y0 - a->box.y0;
    if (leading > 0 && step > 1.3f * leading + 0.5f)
        return true;
    if (list_marker(text_of(f, b), &number) > 0 || is_contents_line(text_of(f, a)) ||
        is_contents_line(text_of(f, b)))
        return true;
    int ha = heading_level(f, a), hb = heading_level(f, b);
    if (ha > 0 || hb > 0)
        return ha != hb || ha == 4;
    if (a->box.bold != b->box.bold && ends_sentence(text_of(f, a)))
        return true;
    if (!in_list && indent_of(&b->box) > 0.8f * em && indent_of(&a->box) < 0.5f * em &&
        !starts_lower(text_of(f, b)))
        return true;
    float rest = rest_of(&a->box);
    return rest > b->box.first_word + 0.8f * em && !starts_lower(text_of(f, b)) &&
           rest > 0.08f * (a->box.col_x1 - a->box.col_x0);
}

/* Does the first line of another region or page go on with the paragraph of a? */
static bool continues(const struct da_flow *f, const struct line *a, const struct line *b)
{
    struct da_span ta = text_of(f, a), tb = text_of(f, b);
    bool number;
    if (a->box.row || b->box.row || !a->box.upright || !b->box.upright)
        return false;
    if (fabsf(a->box.size - b->box.size) > 0.06f * a->box.size || heading_level(f, a) != 0 ||
        heading_level(f, b) != 0 || list_marker(tb, &number) > 0)
        return false;
    float width = a->box.col_x1 - a->box.col_x0;
    bool full = rest_of(&a->box) < 0.1f * width && width > 10 * a->box.size;
    bool hyphen = ta.len > 2 && ta.p[ta.len - 1] == '-';
    return (full || hyphen) && starts_lower(tb) && !ends_sentence(ta);
}

static void append_line(struct da_flow *f, struct da_buf *out, size_t para, struct da_span s)
{
    switch (da_hyphens_join(&f->hyphens, da_span(out->p + para, out->len - para), s)) {
    case DA_JOIN_DROP_HYPHEN:
        da_buf_truncate(out, out->len - (out->p[out->len - 1] == '-' ? 1 : 3));
        f->n_joined++;
        break;
    case DA_JOIN_SPACE:
        da_buf_add_char(out, ' ');
        break;
    case DA_JOIN_NOTHING:
        break;
    }
    da_buf_add(out, s.p, s.len);
}

/* Do block (or its last line prev) and l stand on lines of their own without one between? */
static bool is_dense(const struct da_flow *f, const struct line *block, const struct line *prev,
                     const struct line *l)
{
    bool number, was_number;
    if (prev->box.row && l->box.row && prev->box.region == l->box.region && prev->page == l->page)
        return true;
    if (is_contents_line(text_of(f, prev)) && is_contents_line(text_of(f, l)))
        return true;
    return list_marker(text_of(f, l), &number) > 0 &&
           list_marker(text_of(f, block), &was_number) > 0 && number == was_number;
}

/* block, prev: first and last line of the block before, or NULL. */
static void begin_block(const struct da_flow *f, const struct line *block,
                        const struct line *prev, const struct line *l, struct da_buf *out)
{
    static const char *const marks[] = {"", "# ", "## ", "### ", "#### "};
    struct da_span s = text_of(f, l);
    bool number;
    size_t marker = list_marker(s, &number);
    if (block != NULL)
        da_buf_add_str(out, is_dense(f, block, prev, l) ? "\n" : "\n\n");
    int level = heading_level(f, l);
    if (level > 0 && marker == 0)
        da_buf_add_str(out, marks[level]);
    else if (level > 0 && number)
        da_buf_add_str(out, marks[level]);
    if (marker > 0 && !number) {
        da_buf_add_str(out, "- ");
        s.p += marker;
        s.len -= marker;
    }
    da_buf_add(out, s.p, s.len);
}

static void pick_title(const struct da_flow *f, struct da_flow_facts *facts)
{
    const struct line *best = NULL;
    for (size_t i = 0; i < f->n && f->lines[i].page == f->lines[0].page; i++) {
        const struct line *l = &f->lines[i];
        if (!l->running && heading_level(f, l) > 0 && l->box.size >= 1.12f * f->body_size &&
            l->box.len >= 4 && (best == NULL || l->box.size > best->box.size * 1.02f))
            best = l;
    }
    facts->title[0] = 0;
    if (best != NULL)
        (void)snprintf(facts->title, sizeof facts->title, "%.*s", (int)best->box.len,
                       f->text.p + best->box.off);
}

void da_flow_write(struct da_flow *f, struct da_buf *out, struct da_flow_facts *facts)
{
    facts->headers_removed = f->keep_headers ? 0 : mark_running(f);
    facts->table_rows = 0;
    f->body_size = find_body_size(f);
    collect_words(f);
    pick_title(f, facts);
    const struct line *prev = NULL, *block = NULL;
    size_t para = out->len;
    float leading = 0;
    unsigned page = ~0u, region = ~0u;
    for (size_t i = 0; i < f->n; i++) {
        const struct line *l = &f->lines[i];
        if (l->running && !f->keep_headers)
            continue;
        if (l->page != page || l->box.region != region) {
            size_t to = i;
            while (to < f->n && f->lines[to].page == l->page &&
                   f->lines[to].box.region == l->box.region)
                to++;
            leading = leading_of(f, i, to);
        }
        bool number;
        bool same = prev != NULL && prev->page == l->page && prev->box.region == l->box.region;
        bool in_list = block != NULL && list_marker(text_of(f, block), &number) > 0;
        bool fresh = prev == NULL || (same ? breaks(f, prev, l, leading, in_list)
                                           : !continues(f, prev, l));
        if (fresh) {
            begin_block(f, block, prev, l, out);
            para = out->len - (l->box.len < out->len ? l->box.len : out->len);
            block = l;
        } else {
            append_line(f, out, para, text_of(f, l));
        }
        facts->table_rows += l->box.row;
        prev = l;
        page = l->page;
        region = l->box.region;
    }
    if (out->len > 0)
        da_buf_add_char(out, '\n');
    facts->hyphens_joined = f->n_joined;
}
