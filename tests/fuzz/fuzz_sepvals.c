/* Separated values: everything is read, nothing is made up. */

#include <stdint.h>
#include <stdlib.h>

#include "ingest/sepvals.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data;
    struct da_buf out;
    size_t used = 0;
    da_buf_init(&out, 0);
    (void)da_sepvals_write(p, size, da_sepvals_separator(p, size), 0, &out, &used);
    if (used != size || out.len > 4 * size + 16)
        abort();
    da_buf_release(&out);
    return 0;
}
