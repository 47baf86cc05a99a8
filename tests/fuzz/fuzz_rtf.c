/* RTF: any bytes give text, within limits. */

#include <stdint.h>
#include <stdlib.h>

#include "common/utf8.h"
#include "ingest/rtf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(void *ctx, const char *charset, const char *p, size_t len, struct da_buf *out)
{
    (void)ctx;
    if (charset == NULL || charset[0] == 0)
        abort();
    (void)da_utf8_sanitize(p, len, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct da_rtf_hooks hooks = {NULL, decode};
    struct da_rtf_facts facts;
    struct da_buf out;
    da_buf_init(&out, 0);
    da_rtf_write((const char *)data, size, 0, &hooks, &out, &facts);
    if (facts.used > size || out.len > 16 * size + 1024)
        abort();
    da_buf_release(&out);
    return 0;
}
