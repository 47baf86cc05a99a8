/* safetensors: the first and last byte of every tensor that is listed can be read. */

#include <stdint.h>

#include "engine/model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct da_safetensors *s;
    volatile unsigned char sink = 0;
    if (da_safetensors_open_memory(&s, data, size, "fuzz", NULL))
        return 0;
    for (size_t i = 0; i < da_safetensors_n(s); i++) {
        const struct da_st_tensor *t = da_safetensors_at(s, i);
        uint64_t n = da_qtype_info(t->type)->block_bytes;
        for (uint32_t d = 0; d < t->n_dims; d++)
            n *= t->dims[d];
        sink = (unsigned char)(sink ^ t->data[0] ^ t->data[n - 1]);
    }
    da_safetensors_close(s);
    return 0;
}
