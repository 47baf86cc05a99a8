/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INGEST_EXTRACT_JOB_H
#define INGEST_EXTRACT_JOB_H

/* One document in the child: find out what it is, give it to its parser, answer. */

#include "ingest/extracted.h"
#include "ingest/request.h"

/* "pdf html seccomp": the optional parts of this build. */
const char *da_job_features(void);

/* Whether this is the program with the parsers of PDF and pictures. */
bool da_job_reads_pdf(void);

/* Before any document: load fonts and tables that children then share. */
void da_job_warm(void);

/* Reads the document at doc_fd and writes its frames to reply_fd. Returns an exit code. */
int da_job_run(int doc_fd, int reply_fd, const struct da_request *req);

/*
 * A parser fills x->text, the facts it knows, and ends with da_extracted_end. Bytes p[0..len)
 * are the whole file. Named after their formats; each in its own file.
 */
void da_extract_pdf(const unsigned char *p, size_t len, const struct da_request *req,
                    struct da_extracted *x);
void da_extract_pdf_warm(void);
void da_extract_html(const unsigned char *p, size_t len, const struct da_request *req,
                     struct da_extracted *x);
void da_extract_rtf(const unsigned char *p, size_t len, const struct da_request *req,
                    struct da_extracted *x);
void da_extract_text(const unsigned char *p, size_t len, const struct da_request *req,
                     struct da_extracted *x);

#endif
