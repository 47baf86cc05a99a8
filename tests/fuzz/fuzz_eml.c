/* Mail: any bytes give text; parts and depth are limited. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "ingest/eml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(void *ctx, const char *charset, const char *p, size_t len, struct da_buf *out)
{
    (void)ctx;
    if (strlen(charset) > 256)
        abort();
    (void)da_utf8_sanitize(p, len, out);
}

static void html(void *ctx, const char *p, size_t len, struct da_buf *out)
{
    (void)ctx;
    da_buf_add(out, p, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct da_eml_hooks hooks = {NULL, decode, html};
    struct da_eml_facts facts;
    struct da_buf out;
    da_buf_init(&out, 0);
    da_eml_write((const char *)data, size, &hooks, &out, &facts);
    da_buf_release(&out);
    return 0;
}
