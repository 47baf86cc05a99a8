#ifndef ENGINE_MODEL_RANDOM_H
#define ENGINE_MODEL_RANDOM_H

/* Models with seeded random weights in real shapes: for demo, tests and bench. The same arguments
 * give the same file on every machine. */

#include <stdint.h>

#include "common/err.h"
#include "engine/model/build.h"

/* Shapes by name ("slimlm-125m"); NULL when unknown. The i-th, for lists; NULL at the end. */
const struct da_build_shape *da_random_shape(const char *name);
const struct da_build_shape *da_random_shape_at(unsigned i);
const char *da_random_shape_name(unsigned i);

/* v: the tokenizer to store, at most the shape's vocabulary; NULL for as many tokens of o200k_base
 * as the shape has room for. */
enum da_rc da_random_write(const char *path, const struct da_build_shape *shape,
                           const struct da_vocab *v, uint64_t seed, enum da_qtype type,
                           unsigned n_threads, struct da_err *err);

#endif
