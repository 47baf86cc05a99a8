#ifndef ENGINE_GGUF_IMPL_H
#define ENGINE_GGUF_IMPL_H

/* What gguf.c, gguf_get.c and gguf_split.c share. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/io.h"
#include "common/map.h"
#include "engine/gguf.h"

enum { DA_GGUF_SHOWN_KEY = 64, DA_GGUF_SHOWN = DA_GGUF_SHOWN_KEY + 4 };

struct da_gguf {
    char *name;
    struct da_mapped map; /* owned; zero when opened from memory */
    const unsigned char *p;
    size_t len;
    size_t data_start; /* offset of the tensor data */
    uint32_t version;
    uint32_t alignment;
    struct da_gguf_kv *kvs; /* [n_kvs] */
    size_t n_kvs, cap_kvs;
    struct da_gguf_tensor *tensors; /* [n_tensors] */
    size_t n_tensors, cap_tensors;
    struct da_map kv_index, tensor_index; /* name -> position */
    struct da_gguf **more;                /* [n_more] the other files of a split model; owned */
    size_t n_more;
};

struct da_gguf_cursor {
    const unsigned char *p;
    size_t len, pos;
};

bool da_gguf_take_str(struct da_gguf_cursor *c, struct da_span *out);
/* For messages: hostile names may be long or hold anything. */
const char *da_gguf_shown(struct da_span s, char out[DA_GGUF_SHOWN]);
unsigned da_gguf_vtype_size(enum da_gguf_vtype t); /* 0 for strings and arrays */

/* A file alone. */
enum da_rc da_gguf_open_one(struct da_gguf **ret, const char *path, struct da_err *err);
/* gguf_split.c: when *g is a part, opens the others; *g becomes the first one with the tensors of
 * all. On failure *g stays to be closed. */
enum da_rc da_gguf_join(struct da_gguf **g, struct da_err *err);

#endif
