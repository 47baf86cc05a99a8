#ifndef INGEST_REQUEST_H
#define INGEST_REQUEST_H

/* What the program asks of the helper about one document, and its wire form (pairs). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/span.h"

enum { DA_REQ_MAX_PASSWORDS = 64, DA_REQ_MAX_PASSWORD_LEN = 512, DA_REQ_MAX_LANGUAGES = 64 };

/* Pictures of text: read those without text, none, or every page as a picture. */
enum { DA_OCR_AUTO, DA_OCR_OFF, DA_OCR_FORCE };

/* Exit codes with which a child of the helper says that it could not even begin. */
enum { DA_CHILD_NEEDS_PDF = 96, DA_CHILD_NO_SANDBOX = 97, DA_CHILD_BAD_REQUEST = 98 };
/* What the name of the helper program that reads PDF and pictures has more. */
#define DA_HELPER_PDF_SUFFIX "-pdf"

struct da_request {
    int64_t want_bytes;     /* stop after about this much text; 0: read everything */
    int64_t max_file_bytes; /* larger files are too_large */
    int64_t max_mem_bytes;  /* address space for this document, beyond its file and the libraries */
    int64_t cpu_s;          /* CPU seconds */
    int64_t ocr;            /* DA_OCR_* */
    char ocr_languages[DA_REQ_MAX_LANGUAGES]; /* "eng+deu"; "": English */
    int64_t wall_s;         /* generous backstop for a child that sleeps */
    bool keep_headers;      /* running heads and page numbers stay */
    bool html_full;         /* no boilerplate removal */
    bool sandbox;           /* seccomp (and Landlock where there is one) */
    const char *passwords[DA_REQ_MAX_PASSWORDS]; /* not owned; tried in order after the empty one */
    size_t n_passwords;
};

void da_request_defaults(struct da_request *r);

/* Appends the payload of a REQUEST frame. */
void da_request_write(const struct da_request *r, struct da_buf *out);
/* Reads it back; passwords point into payload. */
enum da_rc da_request_read(struct da_request *r, struct da_span payload, struct da_err *err);

#endif
