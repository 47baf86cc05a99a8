#ifndef ENGINE_MODEL_IMPORT_ENCODER_H
#define ENGINE_MODEL_IMPORT_ENCODER_H

/* Hugging Face and sentence-transformers folders of encoders to GGUF. */

#include <stdbool.h>

#include "common/err.h"
#include "engine/model/import.h"

/* Whether the folder holds an encoder: modules.json, or config.json with the model_type of one. */
bool da_import_is_encoder(const char *folder);

/* As da_import. Pooling, normalization and the longest text come from sentence-transformers' files
 * beside the weights; without them the mean is taken, as sentence-transformers does. */
enum da_rc da_import_encoder(const char *folder, const char *out, const struct da_import_opts *opts,
                             struct da_import_stats *stats, struct da_err *err);

#endif
