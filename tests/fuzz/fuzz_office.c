/*
 * Office documents: containers of hostile parts, read as DOCX, PPTX, XLSX, OpenDocument or EPUB.
 * The first byte says which; with its high bit the rest is the container itself, otherwise parts,
 * each a byte 1, a name, a byte 2 and its content, put into a container of stored members here:
 * no mutation of a compressed file gets past its check sums.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/span.h"
#include "ingest/extract/office.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#if DA_WITH_ZIP

enum { PART = 1, CONTENT = 2, MAX_PARTS = 32, WANT_BYTES = 5000 };

static uint32_t crc32_of(const char *p, size_t len)
{
    uint32_t c = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        c ^= (unsigned char)p[i];
        for (int k = 0; k < 8; k++)
            c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
    }
    return ~c;
}

static void add_le(struct da_buf *out, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        da_buf_add_char(out, (char)(v >> 8 * i & 255));
}

/* The fields that a member's local head and its place in the directory share (APPNOTE 4.3.7). */
static void add_facts(struct da_buf *out, struct da_span name, struct da_span content)
{
    add_le(out, 20, 2); /* version needed */
    add_le(out, 0, 2);  /* flags */
    add_le(out, 0, 2);  /* stored */
    add_le(out, 0x21 << 16, 4);
    add_le(out, crc32_of(content.p, content.len), 4);
    add_le(out, (uint32_t)content.len, 4);
    add_le(out, (uint32_t)content.len, 4);
    add_le(out, (uint32_t)name.len, 2);
    add_le(out, 0, 2); /* extra */
}

static void make_container(struct da_span rest, struct da_buf *out)
{
    struct da_buf directory;
    struct da_span part, name;
    uint32_t n = 0;
    da_buf_init(&directory, 0);
    (void)da_span_split(&rest, PART, &part); /* what stands before the first part */
    while (n < MAX_PARTS && da_span_split(&rest, PART, &part)) {
        if (!da_span_split(&part, CONTENT, &name) || name.len > UINT16_MAX)
            continue;
        uint32_t at = (uint32_t)out->len;
        da_buf_add(out, "PK\3\4", 4);
        add_facts(out, name, part);
        da_buf_add(out, name.p, name.len);
        da_buf_add(out, part.p, part.len);
        da_buf_add(&directory, "PK\1\2", 4);
        add_le(&directory, 20, 2); /* made by */
        add_facts(&directory, name, part);
        add_le(&directory, 0, 2); /* comment */
        add_le(&directory, 0, 4); /* disk, attributes */
        add_le(&directory, 0, 4);
        add_le(&directory, at, 4);
        da_buf_add(&directory, name.p, name.len);
        n++;
    }
    uint32_t at = (uint32_t)out->len;
    da_buf_add(out, directory.p, directory.len);
    da_buf_add(out, "PK\5\6", 4);
    add_le(out, 0, 4);
    add_le(out, n | n << 16, 4);
    add_le(out, (uint32_t)directory.len, 4);
    add_le(out, at, 4);
    add_le(out, 0, 2);
    da_buf_release(&directory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    typedef void (*extract_fn)(const unsigned char *, size_t, const struct da_request *,
                               struct da_extracted *);
    static const extract_fn formats[] = {da_extract_docx, da_extract_pptx, da_extract_xlsx,
                                         da_extract_odf, da_extract_epub};
    if (size == 0)
        return 0;
    struct da_request req;
    struct da_extracted x;
    struct da_buf zip;
    da_request_defaults(&req);
    req.want_bytes = data[0] & 64 ? WANT_BYTES : 0;
    da_extracted_init(&x);
    da_buf_init(&zip, 0);
    struct da_span rest = da_span((const char *)data + 1, size - 1);
    if (data[0] & 128)
        da_buf_add(&zip, rest.p, rest.len);
    else
        make_container(rest, &zip);
    da_buf_add(&zip, "", 1);
    formats[data[0] % 5]((const unsigned char *)zip.p, zip.len - 1, &req, &x);
    if (x.has_status && (x.status >= DA_ST_COUNT || strlen(x.detail) >= DA_EXTRACT_DETAIL_MAX))
        abort();
    da_extracted_release(&x);
    da_buf_release(&zip);
    return 0;
}

#else

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    return 0;
}

#endif
