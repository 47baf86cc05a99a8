#ifndef ENGINE_MODEL_WEIGHTS_H
#define ENGINE_MODEL_WEIGHTS_H

/* The weights of a model folder, whatever format they are in. */

#include "common/err.h"
#include "engine/model/safetensors.h"

enum da_weights_kind { DA_WEIGHTS_SAFETENSORS, DA_WEIGHTS_MLC, DA_WEIGHTS_TORCH };

/* safetensors (one file or shards) before an MLC manifest before pytorch_model.bin. */
enum da_rc da_weights_open(struct da_safetensors **ret, const char *folder,
                           enum da_weights_kind *kind, struct da_err *err);

#endif
