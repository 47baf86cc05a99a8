/* torch.save's pickles and archives: what is listed can be read to its last byte. */

#include <stdint.h>
#include <stdlib.h>

#include "engine/model/pickle.h"
#include "engine/model/torch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct da_pickle_tensor *list = NULL;
    struct da_safetensors *s;
    volatile unsigned char sink = 0;
    size_t n;
    if (!da_pickle_state_dict(data, size, &list, &n, NULL))
        free(list);
    if (da_torch_open_memory(&s, data, size, NULL))
        return 0;
    for (size_t i = 0; i < da_safetensors_n(s); i++) {
        const struct da_st_tensor *t = da_safetensors_at(s, i);
        uint64_t bytes = t->type == DA_Q_I32 ? 1 : da_qtype_info(t->type)->block_bytes;
        for (uint32_t d = 0; d < t->n_dims; d++)
            bytes *= t->dims[d];
        sink = (unsigned char)(sink ^ t->data[0] ^ t->data[bytes - 1]);
    }
    da_safetensors_close(s);
    return 0;
}
