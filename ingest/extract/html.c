/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTML by gumbo: the main content with headings, lists and tables, without boilerplate.
 *
 * Finding the main content follows the idea of arc90's Readability: paragraphs give points for
 * length and commas to their parents and half of them to their grandparents, links take points
 * away, the best element and its worthy siblings win. When that finds too little, everything
 * but marked boilerplate is taken: text is rather kept than lost. The tree is walked without
 * recursion, so depth costs nothing. The only file that names gumbo.
 */

#include "ingest/extract/html.h"

#include <string.h>

#include "common/span.h"

#if DA_WITH_GUMBO

#include <gumbo.h>
#include <stdlib.h>

#include "common/arena.h"
#include "common/map.h"
#include "common/mem.h"
#include "ingest/mdtext.h"

enum { MIN_MAIN_CHARS = 200, MIN_PARA_CHARS = 25, TEASER_CHARS = 700, MAX_LIST_DEPTH = 16 };

struct walk {
    struct da_md md;
    bool full;
    unsigned list_depth;
    unsigned list_number[MAX_LIST_DEPTH + 1]; /* 0: bullets */
    unsigned pre_depth, data_table;
    const GumboNode *only; /* the chosen element, or NULL */
};

static bool is_element(const GumboNode *n)
{
    return n->type == GUMBO_NODE_ELEMENT || n->type == GUMBO_NODE_TEMPLATE;
}

static GumboTag tag_of(const GumboNode *n)
{
    return is_element(n) ? n->v.element.tag : GUMBO_TAG_LAST;
}

static const GumboVector *children_of(const GumboNode *n)
{
    if (n->type == GUMBO_NODE_DOCUMENT)
        return &n->v.document.children;
    return is_element(n) ? &n->v.element.children : NULL;
}

static const char *attr(const GumboNode *n, const char *name)
{
    const GumboAttribute *a =
        is_element(n) ? gumbo_get_attribute(&n->v.element.attributes, name) : NULL;
    return a != NULL ? a->value : "";
}

/* Next node in document order below root; skip: not into n's children. */
static const GumboNode *next_node(const GumboNode *n, const GumboNode *root, bool skip)
{
    const GumboVector *kids = skip ? NULL : children_of(n);
    if (kids != NULL && kids->length > 0)
        return kids->data[0];
    while (n != root) {
        const GumboVector *siblings = children_of(n->parent);
        size_t i = n->index_within_parent + 1;
        if (i < siblings->length)
            return siblings->data[i];
        n = n->parent;
    }
    return NULL;
}

static bool contains_nocase(const char *hay, const char *needle)
{
    size_t n = strlen(needle);
    for (; *hay != 0; hay++) {
        size_t i = 0;
        while (i < n && (hay[i] >= 'A' && hay[i] <= 'Z' ? hay[i] + 32 : hay[i]) == needle[i])
            i++;
        if (i == n)
            return true;
    }
    return false;
}

/* The mark beside a heading by which one links to it: it says nothing. */
static bool is_permalink(const GumboNode *n)
{
    if (tag_of(n) != GUMBO_TAG_A || n->v.element.children.length != 1)
        return false;
    const GumboNode *t = n->v.element.children.data[0];
    return t->type == GUMBO_NODE_TEXT &&
           (strcmp(t->v.text.text, "#") == 0 || strcmp(t->v.text.text, "\xc2\xb6") == 0);
}

/* Links to the pages before, behind and above in a bar of few elements, or in a child of it. */
static size_t count_page_links(const GumboNode *n, int depth)
{
    static const char *const rels[] = {"next", "prev", "previous", "up"};
    size_t count = 0;
    if (!is_element(n) || n->v.element.children.length > 16)
        return 0;
    for (size_t i = 0; i < n->v.element.children.length; i++) {
        const GumboNode *c = n->v.element.children.data[i];
        for (size_t k = 0; tag_of(c) == GUMBO_TAG_A && k < DA_ARRAY_LEN(rels); k++)
            count += strcmp(attr(c, "rel"), rels[k]) == 0;
        if (depth > 0 && tag_of(c) == GUMBO_TAG_P)
            count += count_page_links(c, depth - 1);
    }
    return count;
}

/* Never text: scripts, controls, what is not shown. */
static bool is_invisible(const GumboNode *n)
{
    switch (tag_of(n)) {
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_HEAD:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_SVG:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_OBJECT:
    case GUMBO_TAG_SELECT:
    case GUMBO_TAG_BUTTON:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_NOSCRIPT:
    case GUMBO_TAG_AUDIO:
    case GUMBO_TAG_VIDEO:
    case GUMBO_TAG_CANVAS:
        return true;
    default:
        break;
    }
    if (!is_element(n))
        return false;
    const char *style = attr(n, "style");
    return gumbo_get_attribute(&n->v.element.attributes, "hidden") != NULL ||
           contains_nocase(style, "display:none") || contains_nocase(style, "display: none") ||
           contains_nocase(style, "visibility:hidden");
}

/* Navigation, advertisements and the like, by element, role, class and id. */
static bool is_boilerplate(const GumboNode *n)
{
    static const char *const bad[] = {
        "comment",   "sidebar",  "footer",     "-nav",       "nav-",      "navbar",  "navigation",
        "menu",      "share",    "social",     "related",    "promo",     "advert",  "sponsor",
        "breadcrumb", "cookie",  "popup",      "modal",      "subscribe", "newsletter", "masthead",
        "pagination", "toolbar", "banner",     "skip-link",  "mw-jump",   "editsection", "noprint",
        "navbox",    "catlinks", "navheader", "toc-",       "login",      "signup",    "widget",
    };
    static const char *const good[] = {"article", "main", "content", "body", "column", "post-text"};
    switch (tag_of(n)) {
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_FOOTER:
        return true;
    case GUMBO_TAG_HTML:
    case GUMBO_TAG_BODY:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_P:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
        return false;
    default:
        break;
    }
    if (!is_element(n))
        return false;
    if (is_permalink(n) || (tag_of(n) == GUMBO_TAG_DIV && count_page_links(n, 1) >= 2))
        return true;
    const char *role = attr(n, "role");
    if (strcmp(role, "navigation") == 0 || strcmp(role, "banner") == 0 ||
        strcmp(role, "contentinfo") == 0 || strcmp(role, "complementary") == 0 ||
        strcmp(role, "search") == 0)
        return true;
    const char *names[2] = {attr(n, "class"), attr(n, "id")};
    bool is_bad = false;
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < DA_ARRAY_LEN(good); i++)
            if (contains_nocase(names[k], good[i]))
                return false;
        for (size_t i = 0; i < DA_ARRAY_LEN(bad); i++)
            is_bad = is_bad || contains_nocase(names[k], bad[i]);
    }
    return is_bad;
}

struct weight {
    size_t chars, link_chars, commas; /* visible characters, those of them in links */
};

/* The weight of every element that is neither invisible nor boilerplate. Its number stands where
 * gumbo keeps the element's place in the source, which nothing here asks for. */
struct weights {
    struct weight *items; /* [n] */
    size_t n, cap;
};

#define NOT_WEIGHED 0xffffffffu

static bool is_weighed(const GumboNode *n)
{
    return is_element(n) && n->v.element.start_pos.offset != NOT_WEIGHED;
}

static struct weight *weight_of(const struct weights *ws, const GumboNode *n)
{
    return &ws->items[n->v.element.start_pos.offset];
}

static void begin_weight(struct weights *ws, GumboNode *n, bool skip)
{
    n->v.element.start_pos.offset = skip ? NOT_WEIGHED : (unsigned)ws->n;
    if (skip)
        return;
    DA_GROW(ws->items, ws->n, ws->cap);
    ws->items[ws->n++] = (struct weight){0, 0, 0};
}

static void add_text_weight(struct weight *w, const char *s)
{
    for (; *s != 0; s++) {
        w->chars += (unsigned char)*s > ' ';
        w->commas += *s == ',';
    }
}

/* An element has its weight: it is part of its parent's. */
static void end_weight(const struct weights *ws, const GumboNode *n)
{
    const struct weight *w = weight_of(ws, n);
    struct weight *up = weight_of(ws, n->parent);
    up->chars += w->chars;
    up->link_chars += tag_of(n) == GUMBO_TAG_A ? w->chars : w->link_chars;
    up->commas += w->commas;
}

/* Weighs all elements in one walk, so that depth costs nothing here either. */
static void weigh_all(struct weights *ws, GumboNode *root)
{
    GumboNode *n = root;
    do {
        bool skip = is_invisible(n) || (n != root && is_boilerplate(n));
        if (is_element(n))
            begin_weight(ws, n, skip);
        else if (n->type == GUMBO_NODE_TEXT)
            add_text_weight(weight_of(ws, n->parent), n->v.text.text);
        const GumboVector *kids = skip ? NULL : children_of(n);
        if (kids != NULL && kids->length > 0) {
            n = kids->data[0];
            continue;
        }
        while (n != root) {
            if (is_weighed(n))
                end_weight(ws, n);
            const GumboVector *siblings = children_of(n->parent);
            size_t i = n->index_within_parent + 1;
            n = i < siblings->length ? siblings->data[i] : n->parent;
            if (i < siblings->length)
                break;
        }
    } while (n != root);
}

static void add_score(struct da_map *scores, const GumboNode *n, uint64_t points)
{
    if (n != NULL && is_element(n) && tag_of(n) != GUMBO_TAG_HTML)
        *da_map_add(scores, &n, sizeof n, NULL) += points;
}

/* Points in tenths for the parents of every paragraph. */
static void score_paragraphs(const GumboNode *root, const struct weights *ws,
                             struct da_map *scores)
{
    bool skip = false;
    for (const GumboNode *n = root; n != NULL; n = next_node(n, root, skip)) {
        skip = !is_weighed(n);
        if (skip)
            continue;
        GumboTag t = tag_of(n);
        if (t != GUMBO_TAG_P && t != GUMBO_TAG_PRE && t != GUMBO_TAG_TD &&
            t != GUMBO_TAG_BLOCKQUOTE && t != GUMBO_TAG_LI && t != GUMBO_TAG_DD)
            continue;
        struct weight w = *weight_of(ws, n);
        if (w.chars < MIN_PARA_CHARS || w.link_chars * 2 > w.chars)
            continue;
        uint64_t extra = w.chars / 100 > 3 ? 3 : w.chars / 100;
        uint64_t points = 10 * (1 + w.commas + extra);
        add_score(scores, n->parent, points);
        if (n->parent != NULL)
            add_score(scores, n->parent->parent, points / 2);
    }
}

/* The element with the best score, or NULL. */
static const GumboNode *find_best(const GumboNode *root, const struct weights *ws)
{
    struct da_map scores;
    da_map_init(&scores);
    score_paragraphs(root, ws, &scores);
    const GumboNode *best = NULL;
    double best_score = 0;
    for (size_t i = 0; i < scores.n; i++) {
        const GumboNode *n;
        memcpy(&n, scores.entries[i].key.p, sizeof n);
        struct weight w = *weight_of(ws, n);
        double share = w.chars > 0 ? (double)w.link_chars / (double)w.chars : 1;
        double s = (double)scores.entries[i].value * (1 - share);
        if (s > best_score) {
            best_score = s;
            best = n;
        }
    }
    da_map_release(&scores);
    return best;
}

/* Climbs while the parent has clearly more text that is not links: sections of one article. */
static const GumboNode *climb(const GumboNode *best, const struct weights *ws)
{
    struct weight here = *weight_of(ws, best);
    for (const GumboNode *up = best->parent; up != NULL && is_element(up); up = up->parent) {
        struct weight w = *weight_of(ws, up);
        size_t more = w.chars - here.chars, links = w.link_chars - here.link_chars;
        GumboTag t = tag_of(best);
        bool part = t == GUMBO_TAG_SECTION || t == GUMBO_TAG_UL || t == GUMBO_TAG_OL ||
                    t == GUMBO_TAG_TR || t == GUMBO_TAG_TBODY || t == GUMBO_TAG_TABLE ||
                    t == GUMBO_TAG_BLOCKQUOTE || t == GUMBO_TAG_LI || t == GUMBO_TAG_DL;
        if (!part && !(more * 3 > here.chars && links * 4 < more))
            break;
        best = up;
        here = w;
    }
    return best;
}

/* The element whose content is the page's main content, or NULL: take everything. */
static const GumboNode *find_main(GumboNode *root)
{
    struct weights ws = {NULL, 0, 0};
    weigh_all(&ws, root);
    const GumboNode *best = find_best(root, &ws);
    if (best != NULL) {
        best = climb(best, &ws);
        size_t all = weight_of(&ws, root)->chars, here = weight_of(&ws, best)->chars;
        /* A short find on a page that says much more is rather a teaser than the content. */
        if (here < MIN_MAIN_CHARS || here * 8 < all || (here < TEASER_CHARS && here * 2 < all))
            best = NULL;
    }
    free(ws.items);
    return best;
}

static unsigned heading_of(GumboTag t)
{
    switch (t) {
    case GUMBO_TAG_H1: return 1;
    case GUMBO_TAG_H2: return 2;
    case GUMBO_TAG_H3: return 3;
    case GUMBO_TAG_H4: return 4;
    case GUMBO_TAG_H5: return 5;
    case GUMBO_TAG_H6: return 6;
    default: return 0;
    }
}

static bool is_block(GumboTag t)
{
    switch (t) {
    case GUMBO_TAG_P: case GUMBO_TAG_DIV: case GUMBO_TAG_SECTION: case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_MAIN: case GUMBO_TAG_HEADER: case GUMBO_TAG_FOOTER: case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_NAV: case GUMBO_TAG_BLOCKQUOTE: case GUMBO_TAG_DL: case GUMBO_TAG_DT:
    case GUMBO_TAG_DD: case GUMBO_TAG_FIGURE: case GUMBO_TAG_FIGCAPTION: case GUMBO_TAG_ADDRESS:
    case GUMBO_TAG_FORM: case GUMBO_TAG_FIELDSET: case GUMBO_TAG_HR: case GUMBO_TAG_TABLE:
    case GUMBO_TAG_CAPTION: case GUMBO_TAG_CENTER: case GUMBO_TAG_UL: case GUMBO_TAG_OL:
    case GUMBO_TAG_DETAILS: case GUMBO_TAG_SUMMARY: case GUMBO_TAG_BODY: case GUMBO_TAG_LEGEND:
        return true;
    default:
        return false;
    }
}

/* A table that only places things: it holds another table, or one cell a row. */
static bool is_data_table(const GumboNode *table)
{
    size_t n_rows = 0, n_cells = 0, n_heads = 0, n_blocks = 0;
    for (const GumboNode *n = next_node(table, table, false); n != NULL;
         n = next_node(n, table, false)) {
        GumboTag t = tag_of(n);
        if (t == GUMBO_TAG_TABLE)
            return false;
        n_rows += t == GUMBO_TAG_TR;
        n_cells += t == GUMBO_TAG_TD || t == GUMBO_TAG_TH;
        n_heads += t == GUMBO_TAG_TH;
        n_blocks += t == GUMBO_TAG_P || heading_of(t) > 0 || t == GUMBO_TAG_UL;
    }
    if (strcmp(attr(table, "role"), "presentation") == 0)
        return false;
    return n_cells > n_rows && (n_heads > 0 || n_blocks <= 2 * n_cells);
}

static void enter(struct walk *w, const GumboNode *n)
{
    if (n->type == GUMBO_NODE_TEXT || n->type == GUMBO_NODE_WHITESPACE ||
        n->type == GUMBO_NODE_CDATA) {
        da_md_text(&w->md, n->v.text.text, strlen(n->v.text.text));
        return;
    }
    GumboTag t = tag_of(n);
    unsigned level = heading_of(t);
    if (level > 0) {
        da_md_block(&w->md, DA_MD_HEADING, level, 0);
    } else if (t == GUMBO_TAG_BR) {
        da_md_br(&w->md);
    } else if (t == GUMBO_TAG_LI) {
        unsigned d = w->list_depth > MAX_LIST_DEPTH ? MAX_LIST_DEPTH : w->list_depth;
        unsigned number = w->list_number[d];
        w->list_number[d] += number > 0;
        da_md_block(&w->md, DA_MD_ITEM, d > 0 ? d - 1 : 0, number);
    } else if (t == GUMBO_TAG_PRE) {
        da_md_block(&w->md, DA_MD_PRE, 0, 0);
    } else if (t == GUMBO_TAG_TR && w->data_table) {
        da_md_row_begin(&w->md);
    } else if (t == GUMBO_TAG_TD || t == GUMBO_TAG_TH) {
        if (w->data_table)
            da_md_cell(&w->md);
        else
            da_md_para(&w->md);
    } else if (is_block(t)) {
        if (w->md.kind != DA_MD_ITEM || w->md.open)
            da_md_para(&w->md);
        if (t == GUMBO_TAG_UL || t == GUMBO_TAG_OL) {
            w->list_depth++;
            if (w->list_depth <= MAX_LIST_DEPTH)
                w->list_number[w->list_depth] = t == GUMBO_TAG_OL;
        }
        if (t == GUMBO_TAG_TABLE)
            w->data_table = is_data_table(n);
    }
}

static void leave(struct walk *w, const GumboNode *n)
{
    GumboTag t = tag_of(n);
    if (t == GUMBO_TAG_TR && w->data_table)
        da_md_row_end(&w->md);
    else if (heading_of(t) > 0 || t == GUMBO_TAG_PRE || t == GUMBO_TAG_LI || is_block(t))
        da_md_para(&w->md);
    if ((t == GUMBO_TAG_UL || t == GUMBO_TAG_OL) && w->list_depth > 0)
        w->list_depth--;
    if (t == GUMBO_TAG_TABLE)
        w->data_table = 0;
}

/* Enter and leave every visible node below root in order. */
static void render(struct walk *w, const GumboNode *root)
{
    const GumboNode *n = root;
    for (;;) {
        bool skip = is_invisible(n) || (!w->full && n != root && is_boilerplate(n));
        if (!skip)
            enter(w, n);
        const GumboVector *kids = skip ? NULL : children_of(n);
        if (kids != NULL && kids->length > 0) {
            n = kids->data[0];
            continue;
        }
        if (!skip)
            leave(w, n);
        for (;;) {
            if (n == root)
                return;
            const GumboVector *siblings = children_of(n->parent);
            size_t i = n->index_within_parent + 1;
            if (i < siblings->length) {
                n = siblings->data[i];
                break;
            }
            n = n->parent;
            leave(w, n);
        }
    }
}

static void add_text_below(const GumboNode *root, struct da_buf *out)
{
    for (const GumboNode *n = root; n != NULL; n = next_node(n, root, false))
        if (n->type == GUMBO_NODE_TEXT || n->type == GUMBO_NODE_WHITESPACE)
            da_buf_add_str(out, n->v.text.text);
}

static const GumboNode *find_tag(const GumboNode *root, GumboTag t)
{
    const GumboNode *n = root;
    while (n != NULL && tag_of(n) != t)
        n = next_node(n, root, false);
    return n;
}

static bool is_below(const GumboNode *n, const GumboNode *up)
{
    while (n != NULL && n != up)
        n = n->parent;
    return n != NULL;
}

/* A page's h1 often stands before what was found: it belongs to the text. */
static void write_heading(struct walk *w, const GumboNode *h1, const GumboNode *main_node)
{
    if (h1 == NULL || main_node == NULL || is_below(h1, main_node) || is_boilerplate(h1->parent))
        return;
    struct da_buf b;
    da_buf_init(&b, 0);
    add_text_below(h1, &b);
    da_md_block(&w->md, DA_MD_HEADING, 1, 0);
    da_md_text(&w->md, b.p, b.len);
    da_buf_release(&b);
}

static void *take(void *arena, size_t size)
{
    return da_arena_alloc(arena, size, 1);
}

static void keep(void *arena, void *p)
{
    (void)arena;
    (void)p;
}

void da_html_write(const char *p, size_t len, bool full, struct da_buf *out,
                   struct da_html_facts *facts)
{
    /* The tree dies all at once: gumbo's own way to free it is recursive, and slow. */
    struct da_arena arena;
    da_arena_init(&arena);
    GumboOptions opts = kGumboDefaultOptions;
    opts.max_errors = 0;
    opts.allocator = take;
    opts.deallocator = keep;
    opts.userdata = &arena;
    const GumboOutput *doc = gumbo_parse_with_options(&opts, p, len);
    struct walk w;
    memset(&w, 0, sizeof w);
    da_md_init(&w.md, out);
    w.full = full;
    GumboNode *root = doc->root;
    const GumboNode *title = find_tag(root, GUMBO_TAG_TITLE), *h1 = find_tag(root, GUMBO_TAG_H1);
    const GumboNode *main_node = full ? NULL : find_main(root);
    write_heading(&w, h1, main_node);
    render(&w, main_node != NULL ? main_node : root);
    da_md_end(&w.md);
    facts->table_rows = w.md.n_rows;
    da_buf_reset(&facts->title);
    if (title != NULL && !is_below(title, find_tag(root, GUMBO_TAG_BODY)))
        add_text_below(title, &facts->title);
    else if (h1 != NULL)
        add_text_below(h1, &facts->title);
    da_arena_release(&arena);
}

#endif
