/* SPDX-License-Identifier: GPL-3.0-or-later */
/* EPUB 2 and 3 (OCF, package document): the chapters of the spine in order, each as HTML. */

#include "ingest/extract/html.h"
#include "ingest/extract/office.h"

#if DA_WITH_ZIP && DA_WITH_GUMBO

#include <string.h>

enum { MAX_CHAPTERS = 20000 };

struct epub {
    struct da_office o;
    struct da_buf opf;     /* path of the package document */
    struct da_map items;   /* manifest id -> offset into paths */
    struct da_buf paths;
    struct da_buf spine;   /* paths of the chapters, NUL-terminated */
    size_t n_chapters;
};

static void find_package(struct epub *b)
{
    struct da_xml *x = da_office_part(&b->o, "META-INF/container.xml")
                           ? da_xml_open(b->o.part.p, b->o.part.len) : NULL;
    enum da_xml_event e;
    while (x != NULL && b->opf.len == 0 && (e = da_xml_next(x)) != DA_XML_END) {
        const char *v = e == DA_XML_OPEN && da_xml_is(x, "rootfile")
                            ? da_xml_attr(x, "full-path") : NULL;
        if (v != NULL)
            da_buf_add_str(&b->opf, v);
    }
    da_xml_close(x);
}

static void add_item(struct epub *b, struct da_xml *x)
{
    const char *type = da_xml_attr(x, "media-type");
    if (type == NULL || strstr(type, "html") == NULL)
        return;
    const char *props = da_xml_attr(x, "properties");
    if (props != NULL && strstr(props, "nav") != NULL)
        return; /* the table of contents for programs */
    const char *id = da_xml_attr(x, "id");
    if (id == NULL)
        return;
    *da_map_add(&b->items, id, strlen(id), NULL) = b->paths.len;
    const char *href = da_xml_attr(x, "href");
    da_archive_resolve(b->opf.p, href != NULL ? href : "", &b->paths);
    da_buf_add(&b->paths, "", 1);
}

static void read_package(struct epub *b)
{
    struct da_xml *x = da_office_part(&b->o, b->opf.p) ? da_xml_open(b->o.part.p, b->o.part.len)
                                                       : NULL;
    enum da_xml_event e;
    bool in_title = false;
    while (x != NULL && (e = da_xml_next(x)) != DA_XML_END && b->n_chapters < MAX_CHAPTERS) {
        if (e == DA_XML_TEXT && in_title && b->o.x->str[DA_XS_TITLE][0] == 0)
            da_extracted_set_str(b->o.x, DA_XS_TITLE, da_xml_text(x), strlen(da_xml_text(x)));
        in_title = e == DA_XML_OPEN && da_xml_is(x, "title");
        if (e == DA_XML_OPEN && da_xml_is(x, "item")) {
            add_item(b, x);
        } else if (e == DA_XML_OPEN && da_xml_is(x, "itemref")) {
            const char *id = da_xml_attr(x, "idref");
            const uint64_t *at = id != NULL ? da_map_get(&b->items, id, strlen(id)) : NULL;
            if (at == NULL)
                continue;
            const char *path = b->paths.p + *at;
            da_buf_add(&b->spine, path, strlen(path) + 1);
            b->n_chapters++;
        }
    }
    da_xml_close(x);
}

static void read_chapters(struct epub *b)
{
    struct da_html_facts facts = {.table_rows = 0};
    da_buf_init(&facts.title, 0);
    const char *path = b->spine.p;
    size_t i = 0;
    for (; i < b->n_chapters && !da_office_enough(&b->o); i++, path += strlen(path) + 1) {
        if (!da_office_part(&b->o, path))
            continue;
        if (b->o.x->text.len > 0)
            da_buf_add_char(&b->o.x->text, '\n');
        da_html_write(b->o.part.p, b->o.part.len, true, &b->o.x->text, &facts);
        b->o.md.n_rows += facts.table_rows;
    }
    b->o.done = i;
    b->o.total = b->n_chapters;
    da_buf_release(&facts.title);
}

void da_extract_epub(const unsigned char *p, size_t len, const struct da_request *req,
                     struct da_extracted *x)
{
    struct epub b;
    memset(&b, 0, sizeof b);
    da_buf_init(&b.opf, 0);
    da_buf_init(&b.paths, 0);
    da_buf_init(&b.spine, 0);
    da_map_init(&b.items);
    if (da_office_open(&b.o, p, len, req, x)) {
        find_package(&b);
        if (b.opf.len > 0)
            read_package(&b);
        read_chapters(&b);
        if (b.n_chapters == 0 && !b.o.failed) {
            b.o.failed = true;
            (void)da_extracted_end(x, DA_ST_CORRUPT, "EPUB without chapters");
        } else if (x->text.len == 0 && !b.o.failed &&
                   da_archive_has(b.o.archive, "META-INF/rights.xml")) {
            b.o.failed = true;
            (void)da_extracted_end(x, DA_ST_PASSWORD_REQUIRED, "EPUB under rights management");
        }
        da_office_finish(&b.o, "book", -1);
    }
    da_office_release(&b.o);
    da_buf_release(&b.opf);
    da_buf_release(&b.paths);
    da_buf_release(&b.spine);
    da_map_release(&b.items);
}

#endif
