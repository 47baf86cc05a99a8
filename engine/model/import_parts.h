#ifndef ENGINE_MODEL_IMPORT_PARTS_H
#define ENGINE_MODEL_IMPORT_PARTS_H

/* What the files of import share: the tables of tensor names, and the state of one import. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/span.h"
#include "engine/model/build.h"
#include "engine/model/family.h"
#include "engine/model/import.h"

struct da_json;
struct da_safetensors;
struct da_st_tensor;

enum da_row_op {
    ROW_PLAIN,
    ROW_PERMUTE_Q, /* halves to pairs, per head: GGUF's order for llama's rope */
    ROW_PERMUTE_K,
    ROW_TRANSPOSE, /* GPT-2 stores [in][out] */
    ROW_PLUS_ONE,  /* Gemma's norms are stored minus one */
    ROW_QKV_HEADS, /* GPT-NeoX and BLOOM: q, k, v of a head lie together */
    ROW_ROPE,      /* computed: divisors of the rope frequencies */
    ROW_SKIP       /* buffers that are no weights */
};

struct da_name_map {
    const char *from; /* "%" stands for the layer's number */
    const char *to;
    enum da_row_op op;
};

/* Each ends with a row whose from is NULL. */
extern const struct da_name_map da_names_llama[];
extern const struct da_name_map da_names_gemma2[];
extern const struct da_name_map da_names_gemma[];
extern const struct da_name_map da_names_mpt[];
extern const struct da_name_map da_names_gpt2[];
extern const struct da_name_map da_names_bigcode[];
extern const struct da_name_map da_names_neox[];
extern const struct da_name_map da_names_bloom[];

struct da_import_source {
    const struct da_st_tensor *t;
    enum da_row_op op;
};

struct da_importer {
    const char *folder;
    const struct da_import_opts *opts;
    struct da_json *root;         /* owned */
    const struct da_json *config; /* root, or the part of it that holds the sizes */
    struct da_safetensors *st;
    struct da_build_shape shape;
    const struct da_family *family;
    const struct da_name_map *names, *more; /* more: looked at first; may be NULL */
    struct da_build_tensor *tensors;        /* src: struct da_import_source of the same index */
    struct da_import_source *sources;
    size_t n, cap;
    bool tied;
    bool no_permute; /* rope halves stay */
    struct da_span model_type;
    struct {
        double factor, low, high, old_ctx;
    } rope; /* Llama 3's; factor 0: none */
    struct da_err *err;
};

/* import_config.c: reads config.json (or MLC's) into family, shape, names and the rest of im. */
enum da_rc da_import_config(struct da_importer *im);

#endif
