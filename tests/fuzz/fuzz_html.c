/*
 * HTML: the main content and all of it, from any bytes; and everything that is text once decoded,
 * as the helper reads it: encodings, HTML, mail, tables, RTF.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "ingest/extract/html.h"
#include "ingest/extract/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[64];
    if (size == 0)
        return 0;
    const uint8_t *p = data + 1;
    size_t len = size - 1;
    da_html_charset(p, len, name, sizeof name);
    if (strlen(name) >= sizeof name)
        abort();
    if (data[0] & 2) {
        struct da_request req;
        struct da_extracted x;
        da_request_defaults(&req);
        req.want_bytes = data[0] & 4 ? 1000 : 0;
        req.html_full = data[0] & 1;
        da_extracted_init(&x);
        (data[0] & 8 ? da_extract_rtf : da_extract_text)(p, len, &req, &x);
        if (x.has_status && x.status >= DA_ST_COUNT)
            abort();
        da_extracted_release(&x);
        return 0;
    }
#if DA_WITH_GUMBO
    struct da_html_facts facts = {.table_rows = 0};
    struct da_buf out;
    da_buf_init(&out, 0);
    da_buf_init(&facts.title, 0);
    da_html_write((const char *)p, len, data[0] & 1, &out, &facts);
    da_buf_release(&facts.title);
    da_buf_release(&out);
#endif
    return 0;
}
