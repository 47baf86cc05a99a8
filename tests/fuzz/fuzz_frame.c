/* What a parser's process may send: read as the program reads it, from any bytes. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/extracted.h"
#include "ingest/frame.h"
#include "ingest/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct da_span rest = da_span((const char *)data, size);
    struct da_extracted x;
    struct da_request req;
    struct da_frame f;
    da_extracted_init(&x);
    while (da_frame_next(&rest, &f, NULL) == DA_OK && f.type != DA_FRAME_NONE &&
           da_extracted_read(&x, &f, NULL) == DA_OK)
        continue;
    if (x.status >= DA_ST_COUNT || strlen(x.detail) >= DA_EXTRACT_DETAIL_MAX)
        abort();
    da_extracted_release(&x);
    (void)da_request_read(&req, da_span((const char *)data, size), NULL);
    return 0;
}
