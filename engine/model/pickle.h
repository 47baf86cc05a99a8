#ifndef ENGINE_MODEL_PICKLE_H
#define ENGINE_MODEL_PICKLE_H

/*
 * Reader of the pickles in which torch.save keeps a state_dict (protocol 2 and
 * what later ones spell shorter; opcodes: Python's pickletools.py). It builds
 * plain values and executes nothing: the only globals it knows are OrderedDict,
 * torch's two tensor builders and the storage types, each done here. Everything
 * else is refused by name.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/span.h"

enum { DA_PICKLE_MAX_DIMS = 4, DA_PICKLE_MAX_TENSORS = 1 << 16, DA_PICKLE_MAX_BYTES = 1 << 24 };

enum da_pickle_dtype { DA_PICKLE_F32, DA_PICKLE_F16, DA_PICKLE_BF16, DA_PICKLE_OTHER };

struct da_pickle_tensor {
    struct da_span name, storage; /* in the pickle's bytes */
    enum da_pickle_dtype dtype;
    uint32_t width;  /* bytes of a value */
    uint64_t offset; /* values before the first */
    uint32_t n_dims;
    uint64_t dims[DA_PICKLE_MAX_DIMS], n_values; /* rows one after another, without gaps */
};

/* The tensors of the dict that the pickle holds, in its order; *out is the caller's (free()). */
enum da_rc da_pickle_state_dict(const void *p, size_t len, struct da_pickle_tensor **out, size_t *n,
                                struct da_err *err);

#endif
