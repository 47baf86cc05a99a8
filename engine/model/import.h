#ifndef ENGINE_MODEL_IMPORT_H
#define ENGINE_MODEL_IMPORT_H

/* A Hugging Face folder (config.json, safetensors, tokenizer.json) to GGUF. */

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "engine/quant.h"

struct da_import_stats {
    const char *family;
    uint32_t n_tensors;
    uint64_t n_params;
    uint32_t n_fallback; /* matrices that stayed f16 because their rows are not whole blocks */
};

struct da_import_opts {
    enum da_qtype type; /* F32, F16, BF16, Q8_0 or Q4_0 */
    const char *name;   /* general.name; NULL: the folder's last part */
    bool no_tokenizer;  /* weights only */
    unsigned n_threads;
};

enum da_rc da_import(const char *folder, const char *out, const struct da_import_opts *opts,
                     struct da_import_stats *stats, struct da_err *err);

#endif
