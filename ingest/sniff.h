#ifndef INGEST_SNIFF_H
#define INGEST_SNIFF_H

/* What a file is, from its bytes; names and extensions are not looked at. */

#include <stdbool.h>
#include <stddef.h>

enum da_format {
    DA_FMT_EMPTY,
    DA_FMT_PDF,
    DA_FMT_HTML,
    DA_FMT_XHTML,
    DA_FMT_TEXT, /* text of some kind: see da_sniff_text once it is decoded */
    DA_FMT_MARKDOWN,
    DA_FMT_CSV,
    DA_FMT_TSV,
    DA_FMT_EML,
    DA_FMT_RTF,
    DA_FMT_DOCX,
    DA_FMT_PPTX,
    DA_FMT_XLSX,
    DA_FMT_ODT,
    DA_FMT_ODP,
    DA_FMT_ODS,
    DA_FMT_EPUB,
    DA_FMT_ZIP, /* a container of something else */
    DA_FMT_OLE_DOC,
    DA_FMT_OLE_XLS,
    DA_FMT_OLE_PPT,
    DA_FMT_OLE_ENCRYPTED, /* a docx, pptx or xlsx behind a password */
    DA_FMT_OLE,
    DA_FMT_PNG,
    DA_FMT_JPEG,
    DA_FMT_TIFF,
    DA_FMT_GIF,
    DA_FMT_BMP,
    DA_FMT_WEBP,
    DA_FMT_XML,
    DA_FMT_BINARY,
    DA_FMT_COUNT
};

struct da_format_info {
    const char *name;       /* "Word document (docx)" */
    const char *media_type; /* "application/pdf" */
    bool image;
};

const struct da_format_info *da_format_info(enum da_format f);

/* From the whole file's bytes. Text in any encoding comes back as DA_FMT_TEXT unless its first
 * bytes already show HTML, RTF or XML. */
enum da_format da_sniff(const unsigned char *p, size_t len);

/* What kind of text decoded, valid UTF-8 is: TEXT, MARKDOWN, CSV, TSV, EML, HTML, XHTML, XML. */
enum da_format da_sniff_text(const char *p, size_t len);

/* UTF-16 and UTF-32, with or without a mark. */
enum da_wide { DA_WIDE_NO, DA_WIDE_32LE, DA_WIDE_32BE, DA_WIDE_16LE, DA_WIDE_16BE };

/* By the mark, or without one by what characters come out. */
enum da_wide da_sniff_wide(const unsigned char *p, size_t len);

#endif
