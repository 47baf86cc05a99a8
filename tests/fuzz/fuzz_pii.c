/* Masking personal data: text stays text, and a placeholder that was there is never undone. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "ingest/pii.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct da_buf text, out, again;
    da_buf_init(&text, 0);
    da_buf_init(&out, 0);
    da_buf_init(&again, 0);
    (void)da_utf8_sanitize((const char *)data, size, &text);
    da_pii_mask(text.p, text.len, &out);
    da_pii_mask(out.p, out.len, &again);
    if (!da_utf8_valid(out.p, out.len) || out.len > 8 * text.len + 8)
        abort();
    for (int k = 0; k < DA_PII_COUNT; k++)
        if (da_pii_count(out.p, out.len, (enum da_pii_kind)k) >
            da_pii_count(again.p, again.len, (enum da_pii_kind)k))
            abort();
    da_buf_release(&text);
    da_buf_release(&out);
    da_buf_release(&again);
    return 0;
}
