/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What stands in docassist-extract for the parsers of PDF and pictures. Their libraries, and what
 * those load in turn, take longer to start and to fork than most documents take to read, so they
 * are linked to docassist-extract-pdf only: warm.c becomes that program when a document asks for
 * it.
 */

#include <unistd.h>

#include "ingest/extract/job.h"
#include "ingest/extract/ocr.h"

bool da_job_reads_pdf(void)
{
    return false;
}

void da_extract_pdf_warm(void)
{
}

void da_extract_pdf(const unsigned char *p, size_t len, const struct da_request *req,
                    struct da_extracted *x)
{
    (void)p;
    (void)len;
    (void)req;
    (void)x;
    _exit(DA_CHILD_NEEDS_PDF);
}

void da_extract_image(const unsigned char *p, size_t len, const char *format,
                      const struct da_request *req, struct da_extracted *x)
{
    (void)p;
    (void)len;
    (void)format;
    (void)req;
    (void)x;
    _exit(DA_CHILD_NEEDS_PDF);
}
