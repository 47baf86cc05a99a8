/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INGEST_EXTRACT_OFFICE_H
#define INGEST_EXTRACT_OFFICE_H

/* What the office formats share: parts of a container, relations, properties, early stops. */

#include "common/buf.h"
#include "common/map.h"
#include "ingest/extract/archive.h"
#include "ingest/extract/xml.h"
#include "ingest/extracted.h"
#include "ingest/mdtext.h"
#include "ingest/request.h"

struct da_office {
    struct da_archive *archive;
    const struct da_request *req;
    struct da_extracted *x;
    struct da_md md;    /* writes x->text */
    struct da_buf part; /* the part being read */
    bool failed;        /* x->status says why */
    size_t done, total; /* units for the estimate of the whole */
};

/* Opens the container; false with a status in x. Release in any case. */
bool da_office_open(struct da_office *o, const unsigned char *p, size_t len,
                    const struct da_request *req, struct da_extracted *x);
void da_office_release(struct da_office *o);

/* Reads a part into o->part. A missing one gives false; anything worse also sets the status. */
bool da_office_part(struct da_office *o, const char *name);

/* There is text enough: stop reading. */
bool da_office_enough(const struct da_office *o);

/* Relations of a part ("word/document.xml"): id -> offset into names, and by type. */
struct da_rels {
    struct da_map ids;   /* id -> offset of the target's path in names */
    struct da_buf names; /* "path NUL type NUL" ... */
};
void da_rels_init(struct da_rels *r);
void da_rels_release(struct da_rels *r);
void da_rels_read(struct da_office *o, const char *part, struct da_rels *r);
const char *da_rels_target(const struct da_rels *r, const char *id); /* NULL: none */
/* The next target whose type ends with suffix; *at starts at 0. NULL at the end. */
const char *da_rels_by_type(const struct da_rels *r, const char *suffix, size_t *at);

/* dc:title of docProps/core.xml or meta.xml. */
void da_office_title(struct da_office *o, const char *part);

/* Sets done/total, type, table rows, pages; status ok unless it failed. */
void da_office_finish(struct da_office *o, const char *type, int64_t pages);

/* The formats. */
void da_extract_docx(const unsigned char *p, size_t len, const struct da_request *req,
                     struct da_extracted *x);
void da_extract_pptx(const unsigned char *p, size_t len, const struct da_request *req,
                     struct da_extracted *x);
void da_extract_xlsx(const unsigned char *p, size_t len, const struct da_request *req,
                     struct da_extracted *x);
void da_extract_odf(const unsigned char *p, size_t len, const struct da_request *req,
                    struct da_extracted *x);
void da_extract_epub(const unsigned char *p, size_t len, const struct da_request *req,
                     struct da_extracted *x);

#endif
