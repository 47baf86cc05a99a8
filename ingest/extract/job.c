/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See job.h. */

#include "ingest/extract/job.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/utf8.h"
#include "ingest/extract/cld.h"
#include "ingest/extract/ocr.h"
#include "ingest/extract/office.h"
#include "ingest/sniff.h"

enum { LANGUAGE_BYTES = 65536 };

const char *da_job_features(void)
{
    return ""
#if DA_WITH_POPPLER
           "pdf "
#endif
#if DA_WITH_GUMBO
           "html "
#endif
#if DA_WITH_UCHARDET
           "charset "
#endif
#if DA_WITH_ZIP
           "office "
#endif
#if DA_WITH_CLD2
           "language "
#endif
#if DA_WITH_TESSERACT
           "ocr "
#endif
#if DA_WITH_SECCOMP
           "seccomp";
#else
           "";
#endif
}

void da_job_warm(void)
{
    da_extract_pdf_warm();
}

/* The whole file: mapped, or (where it cannot be) not at all. */
static const unsigned char *map_file(int fd, const struct da_request *req, size_t *len,
                                     struct da_extracted *x)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)da_extracted_end(x, DA_ST_UNREADABLE, "not a regular file");
        return NULL;
    }
    if (st.st_size > req->max_file_bytes) {
        (void)da_extracted_end(x, DA_ST_TOO_LARGE,
                               "%" PRId64 " bytes, more than %" PRId64 " MiB",
                               (int64_t)st.st_size, req->max_file_bytes >> 20);
        return NULL;
    }
    if (st.st_size == 0) {
        (void)da_extracted_end(x, DA_ST_EMPTY, "the file is empty");
        return NULL;
    }
    *len = (size_t)st.st_size;
    void *p = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        (void)da_extracted_end(x, DA_ST_UNREADABLE, "cannot be mapped");
        return NULL;
    }
    return p;
}

static const char *advice(enum da_format f)
{
    switch (f) {
    case DA_FMT_OLE_DOC:
    case DA_FMT_OLE_XLS:
    case DA_FMT_OLE_PPT:
        return "; `soffice --headless --convert-to pdf FILE` makes one that is";
    default:
        return "";
    }
}

static void guess_language(struct da_extracted *x)
{
#if DA_WITH_CLD2
    char code[DA_LANGUAGE_CODE_MAX];
    struct da_buf text; /* what a parser gives need not be valid yet */
    da_buf_init(&text, 0);
    size_t n = x->text.len < LANGUAGE_BYTES ? x->text.len : LANGUAGE_BYTES;
    (void)da_utf8_sanitize(x->text.p, n, &text);
    int permille = da_language_guess(text.p, text.len, code);
    da_extracted_set_str(x, DA_XS_LANGUAGE, code, strlen(code));
    x->num[DA_XN_LANG_PERMILLE] = permille;
    da_buf_release(&text);
#else
    (void)x;
#endif
}

static void extract(const unsigned char *p, size_t len, const struct da_request *req,
                    struct da_extracted *x)
{
    enum da_format f = da_sniff(p, len);
    const struct da_format_info *info = da_format_info(f);
    da_extracted_set_str(x, DA_XS_MEDIA_TYPE, info->media_type, strlen(info->media_type));
    switch (f) {
    case DA_FMT_PDF:
        da_extract_pdf(p, len, req, x);
        break;
    case DA_FMT_RTF:
        da_extract_rtf(p, len, req, x);
        break;
    case DA_FMT_TEXT:
        da_extract_text(p, len, req, x);
        break;
    case DA_FMT_OLE_ENCRYPTED:
        (void)da_extracted_end(x, DA_ST_PASSWORD_REQUIRED, "Office document behind a password");
        break;
#if DA_WITH_ZIP
    case DA_FMT_DOCX:
        da_extract_docx(p, len, req, x);
        break;
    case DA_FMT_PPTX:
        da_extract_pptx(p, len, req, x);
        break;
    case DA_FMT_XLSX:
        da_extract_xlsx(p, len, req, x);
        break;
    case DA_FMT_ODT:
    case DA_FMT_ODP:
    case DA_FMT_ODS:
        da_extract_odf(p, len, req, x);
        break;
#if DA_WITH_GUMBO
    case DA_FMT_EPUB:
        da_extract_epub(p, len, req, x);
        break;
#endif
#endif
    default:
        if (info->image)
            da_extract_image(p, len, info->name, req, x);
        else
            (void)da_extracted_end(x, DA_ST_UNSUPPORTED, "%s is not read%s", info->name,
                                   advice(f));
        break;
    }
    if (x->status == DA_ST_OK)
        guess_language(x);
    if (x->status == DA_ST_OK && x->text.overflow)
        (void)da_extracted_end(x, DA_ST_TOO_LARGE, "more than %zu MiB of text",
                               DA_EXTRACT_MAX_TEXT >> 20);
}

int da_job_run(int doc_fd, int reply_fd, const struct da_request *req)
{
    struct da_extracted x;
    da_extracted_init(&x);
    size_t len = 0;
    const unsigned char *p = map_file(doc_fd, req, &len, &x);
    if (p != NULL)
        extract(p, len, req, &x);
    if (x.status != DA_ST_OK)
        da_buf_reset(&x.text);
    struct da_buf out;
    da_buf_init(&out, DA_EXTRACT_MAX_TEXT + ((size_t)4 << 20));
    da_extracted_write(&x, &out);
    return da_io_write_all(reply_fd, out.p, out.len, "reply", NULL) == DA_OK ? 0 : 1;
}
