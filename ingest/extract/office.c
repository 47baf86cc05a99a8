/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See office.h. ECMA-376 part 2 (Open Packaging Conventions). */

#include "ingest/extract/office.h"

#if DA_WITH_ZIP

#include <string.h>

bool da_office_open(struct da_office *o, const unsigned char *p, size_t len,
                    const struct da_request *req, struct da_extracted *x)
{
    struct da_err err = {DA_OK, ""};
    memset(o, 0, sizeof *o);
    o->req = req;
    o->x = x;
    da_buf_init(&o->part, 0);
    da_md_init(&o->md, &x->text);
    enum da_rc rc = da_archive_open(&o->archive, p, len, &err);
    if (rc == DA_OK)
        return true;
    o->failed = true;
    (void)da_extracted_end(x, rc == DA_ELIMIT ? DA_ST_TOO_LARGE : DA_ST_CORRUPT,
                           "damaged container: %s", err.msg);
    return false;
}

void da_office_release(struct da_office *o)
{
    da_archive_close(o->archive);
    da_buf_release(&o->part);
}

bool da_office_part(struct da_office *o, const char *name)
{
    struct da_err err = {DA_OK, ""};
    enum da_rc rc = da_archive_read(o->archive, name, &o->part, &err);
    if (rc == DA_OK)
        return o->part.len > 0;
    if (rc == DA_ENOTFOUND)
        return false;
    o->failed = true;
    enum da_status s = rc == DA_ELIMIT         ? DA_ST_TOO_LARGE
                       : rc == DA_EUNSUPPORTED ? DA_ST_PASSWORD_REQUIRED
                                               : DA_ST_CORRUPT;
    (void)da_extracted_end(o->x, s, "%s", err.msg);
    return false;
}

bool da_office_enough(const struct da_office *o)
{
    return o->failed || o->x->text.overflow ||
           (o->req->want_bytes > 0 && o->x->text.len >= (size_t)o->req->want_bytes);
}

void da_rels_init(struct da_rels *r)
{
    da_map_init(&r->ids);
    da_buf_init(&r->names, 0);
}

void da_rels_release(struct da_rels *r)
{
    da_map_release(&r->ids);
    da_buf_release(&r->names);
}

void da_rels_read(struct da_office *o, const char *part, struct da_rels *r)
{
    struct da_buf name;
    da_buf_init(&name, 0);
    const char *slash = strrchr(part, '/');
    size_t dir = slash != NULL ? (size_t)(slash - part) + 1 : 0;
    da_buf_add(&name, part, dir);
    da_buf_add_str(&name, "_rels/");
    da_buf_add_str(&name, part + dir);
    da_buf_add_str(&name, ".rels");
    da_map_reset(&r->ids);
    da_buf_reset(&r->names);
    struct da_xml *x = da_office_part(o, name.p) ? da_xml_open(o->part.p, o->part.len) : NULL;
    enum da_xml_event e;
    while (x != NULL && (e = da_xml_next(x)) != DA_XML_END) {
        if (e != DA_XML_OPEN || !da_xml_is(x, "Relationship"))
            continue;
        const char *mode = da_xml_attr(x, "TargetMode");
        if (mode != NULL && strcmp(mode, "External") == 0)
            continue;
        const char *id = da_xml_attr(x, "Id");
        if (id == NULL)
            continue;
        *da_map_add(&r->ids, id, strlen(id), NULL) = r->names.len;
        const char *v = da_xml_attr(x, "Target");
        da_archive_resolve(part, v != NULL ? v : "", &r->names);
        da_buf_add(&r->names, "", 1);
        v = da_xml_attr(x, "Type");
        da_buf_add_str(&r->names, v != NULL ? v : "");
        da_buf_add(&r->names, "", 1);
    }
    da_xml_close(x);
    da_buf_release(&name);
}

const char *da_rels_target(const struct da_rels *r, const char *id)
{
    const uint64_t *at = id != NULL ? da_map_get(&r->ids, id, strlen(id)) : NULL;
    return at != NULL ? r->names.p + *at : NULL;
}

const char *da_rels_by_type(const struct da_rels *r, const char *suffix, size_t *at)
{
    size_t n = strlen(suffix);
    while (*at < r->names.len) {
        const char *path = r->names.p + *at, *type = path + strlen(path) + 1;
        size_t len = strlen(type);
        *at += strlen(path) + 1 + len + 1;
        if (len >= n && strcmp(type + len - n, suffix) == 0)
            return path;
    }
    return NULL;
}

void da_office_title(struct da_office *o, const char *part)
{
    struct da_xml *x = da_office_part(o, part) ? da_xml_open(o->part.p, o->part.len) : NULL;
    enum da_xml_event e;
    bool in = false;
    while (x != NULL && (e = da_xml_next(x)) != DA_XML_END) {
        if (e != DA_XML_TEXT)
            in = e == DA_XML_OPEN && da_xml_is(x, "title");
        else if (in)
            da_extracted_set_str(o->x, DA_XS_TITLE, da_xml_text(x), strlen(da_xml_text(x)));
    }
    da_xml_close(x);
}

void da_office_finish(struct da_office *o, const char *type, int64_t pages)
{
    struct da_extracted *x = o->x;
    da_md_end(&o->md);
    da_extracted_set_str(x, DA_XS_TYPE, type, strlen(type));
    if (pages >= 0)
        x->num[DA_XN_PAGES] = pages;
    if (o->total > 0) {
        x->num[DA_XN_UNITS_DONE] = (int64_t)o->done;
        x->num[DA_XN_UNITS_TOTAL] = (int64_t)o->total;
    }
    x->num[DA_XN_TABLES] = (int64_t)o->md.n_rows;
    if (!o->failed)
        da_extracted_ok(x);
}

#endif
