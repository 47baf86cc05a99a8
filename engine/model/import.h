#ifndef ENGINE_MODEL_IMPORT_H
#define ENGINE_MODEL_IMPORT_H

/* A Hugging Face folder (config.json, safetensors, tokenizer.json) to GGUF. */

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "engine/model/build.h"
#include "engine/quant.h"

struct da_import_stats {
    const char *family;
    uint32_t n_tensors;
    uint64_t n_params;
    struct da_build_fallbacks fallbacks; /* matrices whose rows are not whole blocks */
};

struct da_import_opts {
    enum da_qtype type; /* as da_build_types wants it */
    const char *name;   /* general.name; NULL: the folder's last part */
    bool no_tokenizer;  /* weights only */
    unsigned n_threads;
};

enum da_rc da_import(const char *folder, const char *out, const struct da_import_opts *opts,
                     struct da_import_stats *stats, struct da_err *err);

#endif
