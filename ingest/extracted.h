#ifndef INGEST_EXTRACTED_H
#define INGEST_EXTRACTED_H

/*
 * What came out of one file: its status, its text and facts about it. The child
 * of the helper fills one and sends it as frames; the program rebuilds it from
 * frames it does not trust.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "ingest/frame.h"

/* Every file ends in exactly one (DESIGN.md 5.1). */
enum da_status {
    DA_ST_OK,
    DA_ST_EMPTY,
    DA_ST_NEEDS_OCR,
    DA_ST_PASSWORD_REQUIRED,
    DA_ST_CORRUPT,
    DA_ST_TOO_LARGE,
    DA_ST_TIMEOUT,
    DA_ST_CRASHED,
    DA_ST_OUT_OF_MEMORY,
    DA_ST_UNREADABLE,
    DA_ST_UNSUPPORTED,
    DA_ST_DUPLICATE,
    DA_ST_FILTERED,
    DA_ST_COUNT
};

const char *da_status_name(enum da_status s); /* "needs_ocr" */
/* DA_ST_COUNT when there is no such name. */
enum da_status da_status_find(struct da_span name);

/* Whole-number facts; -1 where the extractor said nothing. */
enum da_xnum {
    DA_XN_PAGES,            /* pages, slides or sheets of the file */
    DA_XN_UNITS_DONE,       /* how much was read ... */
    DA_XN_UNITS_TOTAL,      /* ... of how much (pages or bytes); equal when all of it */
    DA_XN_HEADERS_REMOVED,  /* running heads, feet and page numbers taken out, lines */
    DA_XN_HYPHENS_JOINED,   /* words joined over a line end */
    DA_XN_GLYPHS,           /* characters seen on pages */
    DA_XN_UNMAPPED,         /* of these, with no known meaning */
    DA_XN_IMAGE_PAGES,      /* pages of pictures without text */
    DA_XN_OCR_PAGES,        /* pages read by OCR */
    DA_XN_COPY_FORBIDDEN,   /* 1: the author's permissions forbid copying */
    DA_XN_TABLES,           /* table rows written */
    DA_XN_ATTACHMENTS,      /* files named, not read */
    DA_XN_LANG_PERMILLE,    /* confidence of DA_XS_LANGUAGE, of 1000 */
    DA_XN_COUNT
};

enum da_xstr {
    DA_XS_MEDIA_TYPE, /* "application/pdf" */
    DA_XS_CHARSET,    /* of text formats: "utf-8", "shift_jis" */
    DA_XS_TYPE,       /* what kind of document: see the document schema */
    DA_XS_TITLE,      /* from the file's own properties or its first heading */
    DA_XS_LANGUAGE,   /* ISO 639 code */
    DA_XS_COUNT
};

#define DA_EXTRACT_MAX_TEXT ((size_t)64 << 20) /* 64 MiB: 1.7 M tokens are about 8 */
enum { DA_EXTRACT_MAX_STR = 1024, DA_EXTRACT_DETAIL_MAX = 256 };

struct da_extracted {
    enum da_status status;
    bool has_status;
    char detail[DA_EXTRACT_DETAIL_MAX]; /* one line; "" for DA_ST_OK */
    int64_t num[DA_XN_COUNT];
    char str[DA_XS_COUNT][DA_EXTRACT_MAX_STR]; /* "" where nothing is known */
    struct da_buf text;                        /* owned; valid UTF-8 once it has passed clean.c */
};

void da_extracted_init(struct da_extracted *x);
void da_extracted_release(struct da_extracted *x);
void da_extracted_reset(struct da_extracted *x);

/* Sets status and detail. A later call wins. Returns status. */
enum da_status da_extracted_end(struct da_extracted *x, enum da_status status, const char *fmt,
                                ...) DA_PRINTF(3, 4);
void da_extracted_ok(struct da_extracted *x); /* DA_ST_OK, no detail */
void da_extracted_set_str(struct da_extracted *x, enum da_xstr which, const char *p, size_t len);

/* The frames that carry x: META, TEXT..., STATUS. */
void da_extracted_write(const struct da_extracted *x, struct da_buf *out);

/* Takes one frame from the child into x. DA_EFORMAT for anything unexpected: frames after the
 * status, unknown keys, numbers out of range, too much text, control characters. */
enum da_rc da_extracted_read(struct da_extracted *x, const struct da_frame *f,
                             struct da_err *err);

#endif
