/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PowerPoint presentations (ECMA-376 part 1, PresentationML and DrawingML): slides in the order
 * of the presentation, each with its title first, then its shapes, then its notes. Numbers,
 * dates and feet of slides are left out and counted; comments are left out.
 */

#include "ingest/extract/office.h"

#if DA_WITH_ZIP

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum { MAX_SLIDES = 20000, MAX_LEVELS = 9 };

enum place { PLACE_OTHER, PLACE_TITLE, PLACE_BODY, PLACE_MARGIN, PLACE_IMAGE };

struct pptx {
    struct da_office o;
    struct da_rels rels, slide_rels;
    bool keep_margin;  /* footers, dates and numbers stay in what is read now */
    bool count_margin; /* what is left out is counted */
    size_t n_margin;   /* shapes left out */
};

static enum place place_of(struct da_xml *x)
{
    const char *type = da_xml_attr(x, "type");
    if (type == NULL || strcmp(type, "body") == 0 || strcmp(type, "obj") == 0)
        return PLACE_BODY;
    if (strcmp(type, "title") == 0 || strcmp(type, "ctrTitle") == 0)
        return PLACE_TITLE;
    if (strcmp(type, "sldNum") == 0 || strcmp(type, "dt") == 0 || strcmp(type, "ftr") == 0 ||
        strcmp(type, "hdr") == 0)
        return PLACE_MARGIN;
    return strcmp(type, "sldImg") == 0 ? PLACE_IMAGE : PLACE_OTHER;
}

struct shape {
    enum place place;
    bool in_table, in_text, bullet, no_bullet, numbered, para_open;
    long level;
    unsigned numbers[MAX_LEVELS]; /* of the last items, 0: none */
};

static void begin_block(struct pptx *p, struct shape *s)
{
    if (s->para_open)
        return;
    s->para_open = true;
    bool item = (s->place == PLACE_BODY && !s->no_bullet) || s->bullet;
    if (s->place == PLACE_TITLE)
        da_md_block(&p->o.md, DA_MD_HEADING, 1, 0);
    else if (item)
        da_md_block(&p->o.md, DA_MD_ITEM, (unsigned)s->level,
                    s->numbered ? ++s->numbers[s->level] : 0);
    else
        da_md_para(&p->o.md);
}

static void on_open(struct pptx *p, struct da_xml *x, struct shape *s)
{
    if (da_xml_is(x, "sp") || da_xml_is(x, "graphicFrame")) {
        s->place = PLACE_OTHER;
        memset(s->numbers, 0, sizeof s->numbers);
    } else if (da_xml_is(x, "ph")) {
        s->place = place_of(x);
        if (s->place == PLACE_MARGIN && p->keep_margin)
            s->place = PLACE_OTHER;
        p->n_margin += p->count_margin && s->place == PLACE_MARGIN;
    } else if (da_xml_is(x, "Fallback")) {
        da_xml_skip(x);
    } else if (da_xml_is(x, "tbl")) {
        s->in_table = true;
    } else if (da_xml_is(x, "tr") && s->in_table) {
        da_md_row_begin(&p->o.md);
    } else if (da_xml_is(x, "tc") && s->in_table) {
        da_md_cell(&p->o.md);
    } else if (da_xml_is(x, "p")) {
        s->para_open = s->bullet = s->no_bullet = s->numbered = false;
        s->level = 0;
    } else if (da_xml_is(x, "pPr")) {
        s->level = da_xml_attr_int(x, "lvl", 0);
        s->level = s->level < 0 || s->level >= MAX_LEVELS ? 0 : s->level;
    } else if (da_xml_is(x, "buNone")) {
        s->no_bullet = true;
    } else if (da_xml_is(x, "buChar") || da_xml_is(x, "buAutoNum")) {
        s->bullet = true;
        s->numbered = da_xml_is(x, "buAutoNum");
    } else if (da_xml_is(x, "br")) {
        da_md_br(&p->o.md);
    }
    s->in_text = da_xml_is(x, "t");
}

/* Shapes of the part in o->part: titles only, or everything else. */
static void read_shapes(struct pptx *p, bool titles)
{
    struct da_xml *x = da_xml_open(p->o.part.p, p->o.part.len);
    struct shape s = {.place = PLACE_OTHER};
    enum da_xml_event e;
    while (x != NULL && (e = da_xml_next(x)) != DA_XML_END) {
        bool wanted = (s.place == PLACE_TITLE) == titles && s.place < PLACE_MARGIN;
        if (e == DA_XML_OPEN) {
            on_open(p, x, &s);
        } else if (e == DA_XML_TEXT && s.in_text && wanted) {
            if (!s.in_table)
                begin_block(p, &s);
            da_md_str(&p->o.md, da_xml_text(x));
        } else if (e == DA_XML_CLOSE) {
            s.in_text = false;
            if (da_xml_is(x, "tr"))
                da_md_row_end(&p->o.md);
            else if (da_xml_is(x, "tbl"))
                s.in_table = false;
            else if (da_xml_is(x, "p"))
                da_md_para(&p->o.md);
            else if (da_xml_is(x, "sp"))
                s.place = PLACE_OTHER;
        }
    }
    da_xml_close(x);
    da_md_row_end(&p->o.md);
    da_md_para(&p->o.md);
}

static void read_notes(struct pptx *p)
{
    size_t at = 0;
    const char *part = da_rels_by_type(&p->slide_rels, "/notesSlide", &at);
    if (part == NULL || !da_office_part(&p->o, part))
        return;
    struct da_buf text;
    da_buf_init(&text, 0);
    struct da_md md = p->o.md;
    da_md_init(&p->o.md, &text);
    read_shapes(p, false);
    da_md_end(&p->o.md);
    p->o.md = md;
    struct da_span rest = da_span(text.p, text.len), line;
    bool first = true;
    while (da_span_split(&rest, '\n', &line)) {
        struct da_span t = da_span_trim(line);
        if (da_span_starts(t, "- "))
            t = da_span(t.p + 2, t.len - 2);
        if (t.len == 0)
            continue;
        da_md_para(&p->o.md);
        if (first)
            da_md_str(&p->o.md, "Notes: ");
        da_md_text(&p->o.md, t.p, t.len);
        first = false;
    }
    da_buf_release(&text);
}

static void read_slide(struct pptx *p, const char *part, bool first, bool keep_headers)
{
    if (!da_office_part(&p->o, part))
        return;
    if (!first && p->o.x->text.len > 0) {
        da_md_block(&p->o.md, DA_MD_PARA, 0, 0);
        da_md_str(&p->o.md, "---");
    }
    p->keep_margin = keep_headers;
    p->count_margin = true;
    read_shapes(p, true);
    p->count_margin = false; /* it is read twice */
    read_shapes(p, false);
    p->keep_margin = false; /* a page of notes repeats the number */
    da_rels_read(&p->o, part, &p->slide_rels);
    read_notes(p);
}

/* Slide ids in order, as offsets into names. */
static size_t list_slides(struct pptx *p, struct da_buf *ids)
{
    size_t n = 0;
    struct da_xml *x = da_office_part(&p->o, "ppt/presentation.xml")
                           ? da_xml_open(p->o.part.p, p->o.part.len) : NULL;
    enum da_xml_event e;
    while (x != NULL && (e = da_xml_next(x)) != DA_XML_END && n < MAX_SLIDES) {
        if (e != DA_XML_OPEN || !da_xml_is(x, "sldId"))
            continue;
        const char *id = da_xml_attr(x, "r:id");
        if (id == NULL)
            continue;
        da_buf_add(ids, id, strlen(id) + 1);
        n++;
    }
    da_xml_close(x);
    return n;
}

void da_extract_pptx(const unsigned char *data, size_t len, const struct da_request *req,
                     struct da_extracted *x)
{
    struct pptx p;
    struct da_buf ids;
    memset(&p, 0, sizeof p);
    da_buf_init(&ids, 0);
    da_rels_init(&p.rels);
    da_rels_init(&p.slide_rels);
    if (da_office_open(&p.o, data, len, req, x)) {
        size_t n = list_slides(&p, &ids), i = 0;
        da_rels_read(&p.o, "ppt/presentation.xml", &p.rels);
        const char *id = ids.p;
        for (; i < n && !da_office_enough(&p.o); i++, id += strlen(id) + 1) {
            const char *part = da_rels_target(&p.rels, id);
            if (part != NULL)
                read_slide(&p, part, i == 0, req->keep_headers);
        }
        p.o.done = i;
        p.o.total = n;
        da_office_title(&p.o, "docProps/core.xml");
        x->num[DA_XN_HEADERS_REMOVED] = (int64_t)p.n_margin;
        da_office_finish(&p.o, "presentation", (int64_t)n);
    }
    da_office_release(&p.o);
    da_rels_release(&p.rels);
    da_rels_release(&p.slide_rels);
    da_buf_release(&ids);
}

#endif
