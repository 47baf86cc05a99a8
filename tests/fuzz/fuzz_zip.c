/* Our own reader of zip files (models in packages and in PyTorch's archives). */

#include <stdint.h>
#include <stdlib.h>

#include "common/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BYTES = 1 << 20 };

struct taken {
    const struct da_zip_member *m;
    uint64_t n;
};

static enum da_rc take(void *ctx, const unsigned char *p, size_t n, struct da_err *err)
{
    struct taken *t = ctx;
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += p[i];
    t->n += n + (sum & 0); /* reads every byte */
    return t->n > MAX_BYTES ? da_fail(err, DA_ELIMIT, "enough") : DA_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct da_zip z;
    struct da_zip_member m;
    struct da_err err;
    if (da_zip_open(&z, data, size, &err) != DA_OK)
        return 0;
    while (da_zip_next(&z, &m, &err) == DA_OK) {
        const unsigned char *name = (const unsigned char *)m.name.p;
        if (name < data || name + m.name.len > data + size || m.data < data ||
            m.packed > (uint64_t)(data + size - m.data))
            abort();
        struct taken t = {&m, 0};
        if (da_zip_read(&m, take, &t, &err) == DA_OK && t.n != m.size)
            abort();
    }
    return 0;
}
