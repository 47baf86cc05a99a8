#ifndef ENGINE_MODEL_HPARAMS_H
#define ENGINE_MODEL_HPARAMS_H

/* The keys of a GGUF file as hyperparameters. */

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct da_model;

/* m->gguf and m->family are set. Fills m->hp, m->rope and makes m->layers with each layer's sizes,
 * window and rope. */
enum da_rc da_hparams_read(struct da_model *m, struct da_err *err);

/* One key "ARCH.suffix" within limits; for the passes that have keys of their own. */
enum da_rc da_hparams_uint(struct da_model *m, const char *suffix, bool needed, uint32_t def,
                           uint32_t min, uint32_t max, uint32_t *out, struct da_err *err);

#endif
