#ifndef ENGINE_MODEL_SAFETENSORS_H
#define ENGINE_MODEL_SAFETENSORS_H

/*
 * Reader of safetensors files (github.com/huggingface/safetensors, "Format"):
 * u64 header length, a JSON object {name: {dtype, shape, data_offsets}}, data.
 * Hostile input: every size is checked against the file before use.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/io.h"
#include "engine/quant.h"

enum { DA_ST_MAX_DIMS = 4, DA_ST_MAX_TENSORS = 1 << 16, DA_ST_MAX_SHARDS = 1024 };
#define DA_ST_MAX_HEADER ((uint64_t)100 << 20) /* the reference implementation's limit */

struct da_st_tensor {
    char *name;         /* owned */
    enum da_qtype type; /* F32, F16 or BF16 */
    uint32_t n_dims;
    uint64_t dims[DA_ST_MAX_DIMS]; /* as the file says: the last one is the row length */
    const unsigned char *data;
};

struct da_safetensors;

/* Opens folder/model.safetensors, or the shards that folder/model.safetensors.index.json names. */
enum da_rc da_safetensors_open(struct da_safetensors **ret, const char *folder, struct da_err *err);
/* One file in memory, for tests; p must outlive the reader. */
enum da_rc da_safetensors_open_memory(struct da_safetensors **ret, const void *p, size_t len,
                                      const char *name, struct da_err *err);
void da_safetensors_close(struct da_safetensors *s); /* NULL allowed */

/* For readers of other formats, which give their tensors the same way: an empty reader, files and
 * blocks that live as long as it does, tensors (t->name is set here to a copy of name). Types of
 * whole blocks may be added; *ret is good until the next call. */
struct da_safetensors *da_safetensors_new(void);
enum da_rc da_safetensors_map(struct da_safetensors *s, const char *path,
                              const struct da_mapped **ret, struct da_err *err);
void da_safetensors_own(struct da_safetensors *s, void *block); /* free()d with the reader */
enum da_rc da_safetensors_add(struct da_safetensors *s, const char *name,
                              const struct da_st_tensor *t, struct da_err *err);
/* Calls open for each file, once, that the weight_map of folder/index names; all lie in folder. */
enum da_rc da_safetensors_shards(struct da_safetensors *s, const char *folder, const char *index,
                                 enum da_rc (*open)(struct da_safetensors *s, const char *path,
                                                    struct da_err *err),
                                 struct da_err *err);

size_t da_safetensors_n(const struct da_safetensors *s);
const struct da_st_tensor *da_safetensors_at(const struct da_safetensors *s, size_t i);
const struct da_st_tensor *da_safetensors_find(const struct da_safetensors *s, const char *name);

#endif
