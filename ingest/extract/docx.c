/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Word documents (ECMA-376 part 1, WordprocessingML): headers once, the body with headings,
 * lists and tables, notes and footers at the end. Deleted and moved-away text, field codes and
 * comments are left out; of alternative contents the first is taken, so text boxes come once.
 */

#include "ingest/extract/office.h"

#if DA_WITH_ZIP

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum { MAX_LEVELS = 9, MAX_STYLES = 4096, MAX_NUMS = 4096 };

/* What styles.xml and numbering.xml say, as far as text shows it. */
struct style {
    int heading; /* 1..9, 0: none */
    bool list;
};

struct docx {
    struct da_office o;
    struct da_map styles;      /* style id -> heading level, plus 16 for a list */
    struct da_map abstract;    /* abstractNumId -> bits: 1 << level for bullets */
    struct da_map nums;        /* numId -> abstractNumId + 1 */
    unsigned counters[MAX_LEVELS];
    long last_num;
    struct da_rels rels;
    /* the paragraph being read */
    bool para_open; /* its block is begun */
    int heading;
    bool list;
    long num_id, level;
    unsigned table_depth, flat_depth; /* tables open; those with one column, which are no tables */
    struct da_map seen; /* paragraphs of headers and footers */
};

static void read_styles(struct docx *d)
{
    struct da_xml *x = da_office_part(&d->o, "word/styles.xml")
                           ? da_xml_open(d->o.part.p, d->o.part.len) : NULL;
    enum da_xml_event e;
    uint64_t *style = NULL;
    while (x != NULL && (e = da_xml_next(x)) != DA_XML_END && d->styles.n < MAX_STYLES) {
        if (e != DA_XML_OPEN)
            continue;
        if (da_xml_is(x, "style")) {
            const char *id = da_xml_attr(x, "styleId");
            style = id != NULL ? da_map_add(&d->styles, id, strlen(id), NULL) : NULL;
        } else if (style != NULL && da_xml_is(x, "name")) {
            const char *v = da_xml_attr(x, "val");
            if (v != NULL && (strncmp(v, "heading ", 8) == 0 || strncmp(v, "Heading ", 8) == 0) &&
                v[8] >= '1' && v[8] <= '9')
                *style = (*style & 16) | (uint64_t)(v[8] - '0');
            else if (v != NULL && (strcmp(v, "Title") == 0 || strcmp(v, "title") == 0))
                *style = 1;
        } else if (style != NULL && da_xml_is(x, "outlineLvl")) {
            long level = da_xml_attr_int(x, "val", 9);
            if ((*style & 15) == 0 && level >= 0 && level < MAX_LEVELS)
                *style |= (uint64_t)level + 1;
        } else if (style != NULL && da_xml_is(x, "numPr")) {
            *style |= 16;
        }
    }
    da_xml_close(x);
}

static void read_numbering(struct docx *d)
{
    struct da_xml *x = da_office_part(&d->o, "word/numbering.xml")
                           ? da_xml_open(d->o.part.p, d->o.part.len) : NULL;
    enum da_xml_event e;
    uint64_t *abstract = NULL, *num = NULL;
    long level = 0;
    while (x != NULL && (e = da_xml_next(x)) != DA_XML_END && d->nums.n < MAX_NUMS) {
        if (e != DA_XML_OPEN)
            continue;
        const char *id;
        if (da_xml_is(x, "abstractNum") && (id = da_xml_attr(x, "abstractNumId")) != NULL) {
            abstract = da_map_add(&d->abstract, id, strlen(id), NULL);
        } else if (da_xml_is(x, "lvl")) {
            level = da_xml_attr_int(x, "ilvl", 0);
        } else if (da_xml_is(x, "numFmt") && abstract != NULL && level >= 0 &&
                   level < MAX_LEVELS) {
            const char *v = da_xml_attr(x, "val");
            if (v == NULL || strcmp(v, "bullet") == 0 || strcmp(v, "none") == 0)
                *abstract |= (uint64_t)1 << level;
        } else if (da_xml_is(x, "num") && (id = da_xml_attr(x, "numId")) != NULL) {
            num = da_map_add(&d->nums, id, strlen(id), NULL);
            abstract = NULL;
        } else if (da_xml_is(x, "abstractNumId") && num != NULL &&
                   (id = da_xml_attr(x, "val")) != NULL) {
            const uint64_t *a = da_map_get(&d->abstract, id, strlen(id));
            *num = a != NULL ? *a + 1 : 0;
        }
    }
    da_xml_close(x);
}

static bool is_bullet(const struct docx *d)
{
    char id[24];
    int n = snprintf(id, sizeof id, "%ld", d->num_id);
    const uint64_t *bits = da_map_get(&d->nums, id, (size_t)n);
    return bits == NULL || *bits == 0 || ((*bits - 1) >> d->level & 1) != 0;
}

/* Begins the block of the paragraph when its first text comes. */
static void open_para(struct docx *d)
{
    struct da_md *md = &d->o.md;
    if (d->para_open)
        return;
    d->para_open = true;
    if (d->heading > 0) {
        da_md_block(md, DA_MD_HEADING, (unsigned)d->heading, 0);
    } else if (d->list) {
        if (d->num_id != d->last_num)
            memset(d->counters, 0, sizeof d->counters);
        d->last_num = d->num_id;
        for (long i = d->level + 1; i < MAX_LEVELS; i++)
            d->counters[i] = 0;
        unsigned number = is_bullet(d) ? 0 : ++d->counters[d->level];
        da_md_block(md, DA_MD_ITEM, (unsigned)d->level, number);
    } else {
        da_md_para(md);
    }
}

static void begin_para(struct docx *d)
{
    d->para_open = false;
    d->heading = 0;
    d->list = false;
    d->num_id = 0;
    d->level = 0;
}

static void end_para(struct docx *d)
{
    if (d->para_open)
        da_md_para(&d->o.md);
    begin_para(d);
}

static void note_style(struct docx *d, struct da_xml *x)
{
    const char *id = da_xml_attr(x, "val");
    const uint64_t *s = id != NULL ? da_map_get(&d->styles, id, strlen(id)) : NULL;
    if (s == NULL)
        return;
    d->heading = (int)(*s & 15) > 6 ? 6 : (int)(*s & 15);
    d->list = (*s & 16) != 0 && d->heading == 0;
}

static void note_outline(struct docx *d, struct da_xml *x)
{
    long level = da_xml_attr_int(x, "val", 9);
    d->heading = level >= 0 && level < 6 ? (int)level + 1 : 0;
}

static void add_text(struct docx *d, const char *s)
{
    if (*s == 0)
        return;
    open_para(d);
    da_md_str(&d->o.md, s);
}

static void add_note_mark(struct docx *d, struct da_xml *x)
{
    char mark[32];
    (void)snprintf(mark, sizeof mark, "[%ld]", da_xml_attr_int(x, "id", 0));
    add_text(d, mark);
}

/* A table with one column places things; its cells are paragraphs. */
static void begin_table(struct docx *d, struct da_xml *x)
{
    size_t n_cols = 0;
    enum da_xml_event e;
    bool grid = false;
    d->table_depth++;
    while ((e = da_xml_next(x)) != DA_XML_END) {
        if (e == DA_XML_OPEN && da_xml_is(x, "tblGrid"))
            grid = true;
        n_cols += e == DA_XML_OPEN && da_xml_is(x, "gridCol");
        if (e == DA_XML_CLOSE && da_xml_is(x, "tblGrid"))
            break;
        if (e == DA_XML_OPEN && da_xml_is(x, "tblPr"))
            da_xml_skip(x);
        if (e == DA_XML_OPEN && da_xml_is(x, "tr"))
            break; /* no grid: a damaged file; its first row's tag is lost, its cells are not */
    }
    if (d->flat_depth > 0 || (grid && n_cols == 1))
        d->flat_depth++;
}

static void end_table(struct docx *d)
{
    if (d->flat_depth > 0)
        d->flat_depth--;
    if (d->table_depth > 0)
        d->table_depth--;
    if (d->table_depth == 0)
        da_md_row_end(&d->o.md);
}

/* A cell's properties; leaves out what the cell holds when the one above it covers it. */
static void read_cell_properties(struct da_xml *x)
{
    enum da_xml_event e;
    bool covered = false;
    while ((e = da_xml_next(x)) != DA_XML_END && !(e == DA_XML_CLOSE && da_xml_is(x, "tcPr")))
        if (e == DA_XML_OPEN && da_xml_is(x, "vMerge")) {
            const char *val = da_xml_attr(x, "val");
            covered = val == NULL || strcmp(val, "restart") != 0;
        }
    for (int depth = 1; covered && depth > 0 && (e = da_xml_next(x)) != DA_XML_END;)
        if (da_xml_is(x, "tc"))
            depth += e == DA_XML_OPEN ? 1 : e == DA_XML_CLOSE ? -1 : 0;
}

static bool in_real_table(const struct docx *d)
{
    return d->table_depth == 1 && d->flat_depth == 0;
}

static void on_open(struct docx *d, struct da_xml *x)
{
    static const char *const left_out[] = {"del", "moveFrom", "Fallback", "instrText", "delText",
                                           "rPr", "sectPr", "tblPr", "trPr"};
    for (size_t i = 0; i < DA_ARRAY_LEN(left_out); i++)
        if (da_xml_is(x, left_out[i])) {
            da_xml_skip(x);
            return;
        }
    if (da_xml_is(x, "p"))
        begin_para(d);
    else if (da_xml_is(x, "tcPr"))
        read_cell_properties(x);
    else if (da_xml_is(x, "pStyle"))
        note_style(d, x);
    else if (da_xml_is(x, "outlineLvl") && d->heading == 0)
        note_outline(d, x);
    else if (da_xml_is(x, "numId"))
        d->list = (d->num_id = da_xml_attr_int(x, "val", 0)) != 0 && d->heading == 0;
    else if (da_xml_is(x, "ilvl"))
        d->level = da_xml_attr_int(x, "val", 0);
    else if (da_xml_is(x, "tab") || da_xml_is(x, "ptab"))
        da_md_str(&d->o.md, " ");
    else if (da_xml_is(x, "br") || da_xml_is(x, "cr"))
        da_md_br(&d->o.md);
    else if (da_xml_is(x, "noBreakHyphen"))
        add_text(d, "-");
    else if (da_xml_is(x, "footnoteReference") || da_xml_is(x, "endnoteReference"))
        add_note_mark(d, x);
    else if (da_xml_is(x, "tbl"))
        begin_table(d, x);
    else if (da_xml_is(x, "tr") && in_real_table(d))
        da_md_row_begin(&d->o.md);
    else if (da_xml_is(x, "tc") && in_real_table(d)) {
        da_md_row_begin(&d->o.md);
        da_md_cell(&d->o.md);
    } else if (da_xml_is(x, "txbxContent")) {
        end_para(d);
    }
    if (d->level < 0 || d->level >= MAX_LEVELS)
        d->level = 0;
}

static void on_close(struct docx *d, struct da_xml *x)
{
    if (da_xml_is(x, "p") || da_xml_is(x, "txbxContent"))
        end_para(d);
    else if (da_xml_is(x, "tr") && in_real_table(d))
        da_md_row_end(&d->o.md);
    else if (da_xml_is(x, "tbl"))
        end_table(d);
}

/* Body text of the part in o->part. */
static void read_body(struct docx *d, bool count)
{
    struct da_xml *x = da_xml_open(d->o.part.p, d->o.part.len);
    enum da_xml_event e = DA_XML_END;
    bool in_text = false;
    d->table_depth = d->flat_depth = 0;
    begin_para(d);
    while (x != NULL && (e = da_xml_next(x)) != DA_XML_END) {
        if (e == DA_XML_TEXT && in_text) {
            add_text(d, da_xml_text(x));
        } else if (e == DA_XML_OPEN) {
            in_text = da_xml_is(x, "t");
            on_open(d, x);
        } else if (e == DA_XML_CLOSE) {
            in_text = false;
            on_close(d, x);
            if (da_xml_is(x, "p") && d->table_depth == 0 && da_office_enough(&d->o))
                break;
        }
    }
    if (count) {
        d->o.done = e == DA_XML_END ? d->o.part.len : da_xml_offset(x);
        d->o.total = d->o.part.len;
    }
    if (x != NULL && da_xml_damaged(x) && count && d->o.x->text.len == 0) {
        d->o.failed = true;
        (void)da_extracted_end(d->o.x, DA_ST_CORRUPT, "damaged Word document");
    }
    da_xml_close(x);
    da_md_row_end(&d->o.md);
    end_para(d);
}

/* Paragraphs of headers or footers, each text once; page numbers alone are none. */
static void read_margins(struct docx *d, const char *type)
{
    struct da_buf text;
    da_buf_init(&text, 0);
    size_t at = 0;
    const char *part;
    while ((part = da_rels_by_type(&d->rels, type, &at)) != NULL) {
        if (!da_office_part(&d->o, part))
            continue;
        struct da_md md = d->o.md;
        da_buf_reset(&text);
        da_md_init(&d->o.md, &text);
        read_body(d, false);
        da_md_end(&d->o.md);
        d->o.md = md;
        struct da_span rest = da_span(text.p, text.len), line;
        while (da_span_split(&rest, '\n', &line)) {
            bool is_new, letters = false;
            for (size_t i = 0; i < line.len; i++)
                letters = letters || ((line.p[i] | 32) >= 'a' && (line.p[i] | 32) <= 'z') ||
                          (unsigned char)line.p[i] >= 128;
            (void)da_map_add(&d->seen, line.p, line.len, &is_new);
            if (!letters || !is_new)
                continue;
            da_md_para(&d->o.md);
            da_md_text(&d->o.md, line.p, line.len);
        }
    }
    da_buf_release(&text);
}

/* Notes: "[2] text". The first two are separators. */
static void read_notes(struct docx *d, const char *part, const char *element)
{
    struct da_xml *x = da_office_part(&d->o, part) ? da_xml_open(d->o.part.p, d->o.part.len)
                                                   : NULL;
    enum da_xml_event e;
    bool in_text = false, in_note = false;
    while (x != NULL && !da_office_enough(&d->o) && (e = da_xml_next(x)) != DA_XML_END) {
        if (e == DA_XML_OPEN && da_xml_is(x, element)) {
            in_note = da_xml_attr(x, "type") == NULL;
            if (in_note) {
                begin_para(d);
                add_note_mark(d, x);
                da_md_str(&d->o.md, " ");
            }
        } else if (e == DA_XML_TEXT && in_text && in_note) {
            add_text(d, da_xml_text(x));
        } else if (e == DA_XML_OPEN && da_xml_is(x, "del")) {
            da_xml_skip(x);
        }
        in_text = e == DA_XML_OPEN && da_xml_is(x, "t");
    }
    da_xml_close(x);
    end_para(d);
}

void da_extract_docx(const unsigned char *p, size_t len, const struct da_request *req,
                     struct da_extracted *x)
{
    struct docx d;
    memset(&d, 0, sizeof d);
    da_map_init(&d.styles);
    da_map_init(&d.abstract);
    da_map_init(&d.nums);
    da_map_init(&d.seen);
    da_rels_init(&d.rels);
    if (da_office_open(&d.o, p, len, req, x)) {
        da_rels_read(&d.o, "word/document.xml", &d.rels);
        read_styles(&d);
        read_numbering(&d);
        read_margins(&d, "/header");
        if (da_office_part(&d.o, "word/document.xml"))
            read_body(&d, true);
        else if (!d.o.failed)
            (void)da_extracted_end(x, DA_ST_CORRUPT, "Word document without a body");
        d.o.failed = d.o.failed || d.o.total == 0;
        if (!da_office_enough(&d.o)) {
            read_notes(&d, "word/footnotes.xml", "footnote");
            read_notes(&d, "word/endnotes.xml", "endnote");
            read_margins(&d, "/footer");
        }
        da_office_title(&d.o, "docProps/core.xml");
        da_office_finish(&d.o, "article", -1);
    }
    da_office_release(&d.o);
    da_map_release(&d.styles);
    da_map_release(&d.abstract);
    da_map_release(&d.nums);
    da_map_release(&d.seen);
    da_rels_release(&d.rels);
}

#endif
