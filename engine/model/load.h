#ifndef ENGINE_MODEL_LOAD_H
#define ENGINE_MODEL_LOAD_H

/* What the passes' loaders have in common. Private to engine/model. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "engine/gguf.h"
#include "engine/model/model.h"

enum { DA_LOAD_NAME_MAX = 128 };

/* A matrix waiting to become panels. */
struct da_load_pending {
    struct da_panels *p;
    const struct da_gguf_tensor *t;
    uint32_t first_src_row; /* of the tensor */
    size_t offset;          /* into the panel block */
};

struct da_loader {
    struct da_model *m;
    struct da_gguf *g;
    struct da_load_pending *list;
    size_t n, cap;
    size_t panel_bytes;
    bool *used; /* [n_tensors] */
    const struct da_model_opts *opts;
    struct da_err *err;
};

/* The tensor, of exactly this shape and a type that is read; it is marked in used. *ret NULL when there
 * is none and none is needed. */
enum da_rc da_load_tensor(const struct da_gguf *g, bool *used, const char *name, uint64_t d0,
                          uint64_t d1, bool needed, const struct da_gguf_tensor **ret,
                          struct da_err *err);
/* "BASE.WHAT" or "blk.LAYER.BASE.WHAT" in buf. */
const char *da_load_name(char buf[DA_LOAD_NAME_MAX], int layer, const char *base, const char *what);
enum da_rc da_load_missing(struct da_loader *ld, const char *name);
/* The same of the loader's file, not needed. */
enum da_rc da_load_find(struct da_loader *ld, const char *name, uint64_t d0, uint64_t d1,
                        const struct da_gguf_tensor **ret);
/* n floats that the model owns, padded with zeros to whole vectors; NULL without memory. */
float *da_load_floats(struct da_model *m, size_t n);
enum da_rc da_load_vector(struct da_loader *ld, const char *name, uint32_t n, bool needed,
                          float **out);
enum da_rc da_load_norm(struct da_loader *ld, int layer, const char *base, uint32_t n,
                        struct da_norm_weight *out);
/* Rows first.. of a tensor become a weight of n_rows rows. */
enum da_rc da_load_plan(struct da_loader *ld, const struct da_gguf_tensor *t, const char *name,
                        uint32_t first, uint32_t n_rows, struct da_weight *out);
enum da_rc da_load_matrix(struct da_loader *ld, int layer, const char *base, uint32_t n_cols,
                          uint32_t n_rows, bool bias_allowed, struct da_weight *out);
/* token_embd.weight and the vocabulary's size from it; output.weight, or the embedding again. */
enum da_rc da_load_embedding(struct da_loader *ld);
enum da_rc da_load_head(struct da_loader *ld);
/* Gives every planned weight its panels. */
enum da_rc da_load_panels(struct da_loader *ld, unsigned n_threads);

#endif
