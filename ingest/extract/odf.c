/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * OpenDocument text, presentations and spreadsheets (OASIS ODF 1.3 part 3). Tracked deletions
 * and comments are left out; repeated cells and rows are capped.
 */

#include "ingest/extract/office.h"

#if DA_WITH_ZIP

#include <stdio.h>
#include <string.h>

enum { MAX_REPEAT = 64, MAX_EMPTY = 32 };

struct odf {
    struct da_office o;
    bool sheet, slides;
    unsigned list_depth, table_depth;
    bool in_item, in_note, in_title;
    long repeat, n_empty; /* cells like this one; empty ones not written yet */
    bool cell_open;
    struct da_buf cell; /* text of the cell, for repeats */
    unsigned n_pages, n_notes;
    struct da_buf notes; /* texts of notes, written at the end */
};

static bool is_left_out(struct da_xml *x)
{
    static const char *const names[] = {"annotation", "tracked-changes", "deletion", "scripts",
                                        "automatic-styles", "font-face-decls", "forms",
                                        "date-time-decl", "footer-decl", "header-decl",
                                        "table-source", "shapes", "desc"};
    for (size_t i = 0; i < DA_ARRAY_LEN(names); i++)
        if (da_xml_is(x, names[i]))
            return true;
    return false;
}

static void open_para(struct odf *d, struct da_xml *x)
{
    if (da_xml_is(x, "h")) {
        long level = da_xml_attr_int(x, "outline-level", 1);
        da_md_block(&d->o.md, DA_MD_HEADING, (unsigned)(level < 1 ? 1 : level), 0);
    } else if (d->in_title) {
        da_md_block(&d->o.md, DA_MD_HEADING, 1, 0);
    } else if (d->list_depth > 0 && d->in_item) {
        da_md_block(&d->o.md, DA_MD_ITEM, d->list_depth - 1, 0);
        d->in_item = false;
    } else if (d->list_depth == 0 || d->o.md.kind != DA_MD_ITEM || d->o.md.open) {
        da_md_para(&d->o.md);
    }
}

static void begin_note(struct odf *d)
{
    char mark[32];
    (void)snprintf(mark, sizeof mark, "[%u]", ++d->n_notes);
    da_md_str(&d->o.md, mark);
    da_buf_addf(&d->notes, "%s[%u] ", d->notes.len > 0 ? "\n" : "", d->n_notes);
    d->in_note = true;
}

static void begin_cell(struct odf *d, struct da_xml *x)
{
    d->repeat = da_xml_attr_int(x, "number-columns-repeated", 1);
    d->cell_open = false;
    da_buf_reset(&d->cell);
}

/* The cell has text: it is written, and the empty ones before it. */
static void open_cell(struct odf *d)
{
    for (long i = 0; i < d->n_empty && i < MAX_EMPTY; i++)
        da_md_cell(&d->o.md);
    da_md_cell(&d->o.md);
    d->n_empty = 0;
    d->cell_open = true;
}

static void end_cell(struct odf *d)
{
    if (!d->cell_open) {
        d->n_empty += d->repeat > 0 && d->repeat < 100000 ? d->repeat : 1;
        return;
    }
    for (long i = 1; i < d->repeat && i < MAX_REPEAT; i++) {
        da_md_cell(&d->o.md);
        da_md_text(&d->o.md, d->cell.p, d->cell.len);
    }
    d->cell_open = false;
}

static void add_text(struct odf *d, const char *s)
{
    size_t n = strlen(s);
    if (d->in_note) {
        da_buf_add(&d->notes, s, n);
        return;
    }
    if (d->o.md.in_row && !d->cell_open && strspn(s, " \t\r\n") < n)
        open_cell(d);
    da_md_text(&d->o.md, s, n);
    if (d->o.md.in_row)
        da_buf_add(&d->cell, s, n);
}

static void begin_page(struct odf *d)
{
    if (d->n_pages++ > 0) {
        da_md_para(&d->o.md);
        da_md_str(&d->o.md, "---");
    }
    da_md_para(&d->o.md);
}

static void begin_table(struct odf *d, struct da_xml *x)
{
    if (d->table_depth++ > 0 || !d->sheet)
        return;
    const char *name = da_xml_attr(x, "name");
    da_md_block(&d->o.md, DA_MD_HEADING, 2, 0);
    da_md_str(&d->o.md, name != NULL ? name : "");
    d->n_pages++;
}

static void on_open(struct odf *d, struct da_xml *x)
{
    if (is_left_out(x)) {
        da_xml_skip(x);
    } else if (da_xml_is(x, "p") || da_xml_is(x, "h")) {
        if (!d->in_note)
            open_para(d, x);
    } else if (da_xml_is(x, "list")) {
        d->list_depth++;
    } else if (da_xml_is(x, "list-item") || da_xml_is(x, "list-header")) {
        d->in_item = true;
    } else if (da_xml_is(x, "s") || da_xml_is(x, "tab")) {
        add_text(d, " ");
    } else if (da_xml_is(x, "line-break")) {
        da_md_br(&d->o.md);
    } else if (da_xml_is(x, "note")) {
        begin_note(d);
    } else if (da_xml_is(x, "note-citation")) {
        da_xml_skip(x);
    } else if (da_xml_is(x, "page")) {
        begin_page(d);
    } else if (da_xml_is(x, "frame") && d->slides) {
        const char *class = da_xml_attr(x, "class");
        d->in_title = class != NULL && strcmp(class, "title") == 0;
    } else if (da_xml_is(x, "table")) {
        begin_table(d, x);
    } else if (da_xml_is(x, "table-row") && d->table_depth == 1) {
        da_md_row_begin(&d->o.md);
        d->n_empty = 0;
        d->cell_open = false;
    } else if ((da_xml_is(x, "table-cell") || da_xml_is(x, "covered-table-cell")) &&
               d->table_depth == 1) {
        begin_cell(d, x);
    }
}

static void on_close(struct odf *d, struct da_xml *x)
{
    if (da_xml_is(x, "list") && d->list_depth > 0) {
        d->list_depth--;
        if (d->list_depth == 0)
            da_md_para(&d->o.md);
    } else if (da_xml_is(x, "frame")) {
        d->in_title = false;
    } else if (da_xml_is(x, "note")) {
        d->in_note = false;
    } else if ((da_xml_is(x, "table-cell") || da_xml_is(x, "covered-table-cell")) &&
               d->table_depth == 1) {
        end_cell(d);
    } else if (da_xml_is(x, "table-row") && d->table_depth == 1) {
        da_md_row_end(&d->o.md);
    } else if (da_xml_is(x, "table") && d->table_depth > 0) {
        d->table_depth--;
    } else if (da_xml_is(x, "h")) {
        da_md_para(&d->o.md);
    }
}

static void read_content(struct odf *d)
{
    struct da_xml *x = da_xml_open(d->o.part.p, d->o.part.len);
    enum da_xml_event e = DA_XML_END;
    unsigned text_depth = 0; /* inside text:p, text:h: white space counts */
    while (x != NULL && (e = da_xml_next(x)) != DA_XML_END) {
        if (e == DA_XML_TEXT && text_depth > 0)
            add_text(d, da_xml_text(x));
        if (e == DA_XML_OPEN) {
            bool para = da_xml_is(x, "p") || da_xml_is(x, "h");
            on_open(d, x);
            text_depth += para;
        } else if (e == DA_XML_CLOSE) {
            bool para = da_xml_is(x, "p") || da_xml_is(x, "h");
            on_close(d, x);
            text_depth -= para && text_depth > 0;
            if (text_depth == 0 && !d->o.md.in_row && da_office_enough(&d->o))
                break;
        }
    }
    d->o.total = d->o.part.len;
    d->o.done = e == DA_XML_END ? d->o.part.len : da_xml_offset(x);
    if (x == NULL || (da_xml_damaged(x) && d->o.x->text.len == 0)) {
        d->o.failed = true;
        (void)da_extracted_end(d->o.x, DA_ST_CORRUPT, "damaged OpenDocument file");
    }
    da_xml_close(x);
    da_md_row_end(&d->o.md);
    if (d->notes.len > 0) {
        struct da_span rest = da_span(d->notes.p, d->notes.len), line;
        while (da_span_split(&rest, '\n', &line)) {
            da_md_para(&d->o.md);
            da_md_text(&d->o.md, line.p, line.len);
        }
    }
}

static bool is_encrypted(struct da_office *o)
{
    return da_office_part(o, "META-INF/manifest.xml") &&
           da_span_find(da_span(o->part.p, o->part.len), da_span_str("encryption-data")) <
               o->part.len;
}

void da_extract_odf(const unsigned char *p, size_t len, const struct da_request *req,
                    struct da_extracted *x)
{
    struct odf d;
    memset(&d, 0, sizeof d);
    da_buf_init(&d.cell, 0);
    da_buf_init(&d.notes, 0);
    d.sheet = strstr(x->str[DA_XS_MEDIA_TYPE], "spreadsheet") != NULL;
    d.slides = strstr(x->str[DA_XS_MEDIA_TYPE], "presentation") != NULL;
    if (da_office_open(&d.o, p, len, req, x)) {
        if (is_encrypted(&d.o)) {
            d.o.failed = true;
            (void)da_extracted_end(x, DA_ST_PASSWORD_REQUIRED, "OpenDocument behind a password");
        } else if (da_office_part(&d.o, "content.xml")) {
            read_content(&d);
        } else if (!d.o.failed) {
            d.o.failed = true;
            (void)da_extracted_end(x, DA_ST_CORRUPT, "OpenDocument file without content");
        }
        if (!d.o.failed)
            da_office_title(&d.o, "meta.xml");
        da_office_finish(&d.o, d.sheet ? "spreadsheet" : d.slides ? "presentation" : "article",
                         d.sheet || d.slides ? (int64_t)d.n_pages : -1);
    }
    da_office_release(&d.o);
    da_buf_release(&d.cell);
    da_buf_release(&d.notes);
}

#endif
