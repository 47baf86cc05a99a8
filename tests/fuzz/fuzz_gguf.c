/* GGUF: whatever opens can be walked, read and loaded as a model without leaving the bytes. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gguf.h"
#include "engine/model/family.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_keys(const struct da_gguf *g)
{
    for (size_t i = 0; i < da_gguf_n_keys(g); i++) {
        const struct da_gguf_kv *kv = da_gguf_key_at(g, i);
        char key[256];
        struct da_span *strs;
        float *floats;
        int32_t *ints;
        size_t n;
        if (kv->key.len >= sizeof key)
            continue;
        memcpy(key, kv->key.p, kv->key.len);
        key[kv->key.len] = 0;
        if (!da_gguf_get_strs(g, key, &strs, &n, NULL))
            free(strs);
        if (!da_gguf_get_floats(g, key, &floats, &n, NULL))
            free(floats);
        if (!da_gguf_get_ints(g, key, &ints, &n, NULL))
            free(ints);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct da_gguf *g;
    const struct da_family *f;
    float row[1024];
    if (da_gguf_open_memory(&g, data, size, "fuzz", NULL))
        return 0;
    read_keys(g);
    (void)da_family_find(&f, g, NULL);
    for (size_t i = 0; i < da_gguf_n_tensors(g); i++) {
        const struct da_gguf_tensor *t = da_gguf_tensor_at(g, i);
        if (da_qtype_info(t->type)->readable && t->dims[0] <= 1024)
            da_dequantize((enum da_qtype)t->type, t->data, row, (size_t)t->dims[0]);
    }
    da_gguf_close(g);
    return 0;
}
