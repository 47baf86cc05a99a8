/* Types of text and cleaning: valid UTF-8 without controls, and the same when cleaned again. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "ingest/clean.h"
#include "ingest/quality.h"
#include "ingest/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct da_buf a, b;
    struct da_clean_facts facts;
    struct da_quality quality;
    da_buf_init(&a, 0);
    da_buf_init(&b, 0);
    (void)da_sniff(data, size);
    da_clean((const char *)data, size, &a, &facts);
    (void)da_sniff_text(a.p, a.len);
    da_quality_measure(a.p, a.len, &quality);
    da_clean(a.p, a.len, &b, &facts);
    if (!da_utf8_valid(a.p, a.len) || a.len != b.len || memcmp(a.p, b.p, a.len) != 0)
        abort();
    for (size_t i = 0; i < a.len; i++)
        if ((unsigned char)a.p[i] < 32 && a.p[i] != '\n')
            abort();
    da_buf_release(&a);
    da_buf_release(&b);
    return 0;
}
