/* Encodings: any bytes, with any hint, become valid UTF-8 or nothing. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "ingest/extract/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WANT = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The hint ends with the first zero byte among the first few. */
    char hint[DA_CHARSET_NAME_MAX] = "", name[DA_CHARSET_NAME_MAX];
    size_t n = 0;
    while (n < size && n + 1 < sizeof hint && data[n] != 0)
        n++;
    if (n < size && data[n] == 0) {
        memcpy(hint, data, n);
        data += n + 1;
        size -= n + 1;
    }
    for (size_t want = 0; want <= WANT; want += WANT) {
        struct da_buf out;
        size_t used = 0;
        da_buf_init(&out, 0);
        bool ok = da_charset_decode(data, size, hint, want, &out, name, &used);
        if (ok && (used > size || !da_utf8_valid(out.p, out.len) ||
                   memchr(name, 0, sizeof name) == NULL))
            abort();
        if (!ok && out.len != 0)
            abort();
        da_buf_release(&out);
    }
    return 0;
}
