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
#include "engine/model/model.h"

struct da_json;
struct da_safetensors;
struct da_st_tensor;

enum da_row_op {
    ROW_PLAIN,
    ROW_PERMUTE_Q, /* halves to pairs, per head: GGUF's order for llama's rope */
    ROW_PERMUTE_K,
    ROW_TRANSPOSE, /* GPT-2 stores [in][out] */
    ROW_PLUS_ONE,  /* Gemma's norms are stored minus one */
    ROW_QKV_HEADS, /* GPT-NeoX, BLOOM, Falcon: q, k, v of a key head lie together */
    ROW_GATE_UP,   /* OpenELM: the gate's rows, then those of up; two tensors here */
    ROW_POSITIONS, /* OPT: the first two rows are not used */
    ROW_MINUS_EXP, /* Mamba: the logarithm of minus A is stored */
    ROW_ROPE,      /* computed: divisors of the rope frequencies, from im->divisors */
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
extern const struct da_name_map da_names_gemma3[];
extern const struct da_name_map da_names_olmo2[];
extern const struct da_name_map da_names_phi[];
extern const struct da_name_map da_names_starcoder2[];
extern const struct da_name_map da_names_falcon[];
extern const struct da_name_map da_names_falcon_new[];
extern const struct da_name_map da_names_falcon_rw[];
extern const struct da_name_map da_names_gptneo[];
extern const struct da_name_map da_names_opt[];
extern const struct da_name_map da_names_openelm[];
extern const struct da_name_map da_names_mamba[];
extern const struct da_name_map da_names_t5[];

struct da_import_source {
    const struct da_st_tensor *t;
    enum da_row_op op;
    uint32_t first_row;
    const double *divisors; /* of ROW_ROPE */
};

enum { DA_IMPORT_MAX_ROT = DA_MODEL_MAX_HEAD_DIM };

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
    size_t n, cap, cap_sources;
    bool tied;
    bool no_permute; /* rope halves stay */
    struct da_span model_type;
    /* divisors of rope frequencies; n 0: none. Llama 3's, or long rope's short and long ones */
    struct {
        uint32_t n;
        double v[DA_IMPORT_MAX_ROT / 2];
    } rope_freqs, rope_short, rope_long;
    uint32_t per_layer[3][DA_MODEL_MAX_LAYERS]; /* what the shape's arrays point to */
    struct da_err *err;
};

/* import_config.c: reads config.json (or MLC's) into family, shape, names and the rest of im. */
enum da_rc da_import_config(struct da_importer *im);

/* Its parts, one for each kind of config.json. */
enum da_rc da_config_llama(struct da_importer *im); /* import_llama.c */
/* Once the weights are open: a Llama whose layers have one MLP is a MobiLlama; T5's head. */
void da_config_weights(struct da_importer *im);
enum da_rc da_config_mpt(struct da_importer *im); /* import_gpt.c */
enum da_rc da_config_gpt2(struct da_importer *im);
enum da_rc da_config_bigcode(struct da_importer *im);
enum da_rc da_config_neox(struct da_importer *im);
enum da_rc da_config_bloom(struct da_importer *im);
enum da_rc da_config_falcon(struct da_importer *im);
enum da_rc da_config_gptneo(struct da_importer *im);
enum da_rc da_config_opt(struct da_importer *im);
enum da_rc da_config_openelm(struct da_importer *im); /* import_other.c */
enum da_rc da_config_mamba(struct da_importer *im);
enum da_rc da_config_t5(struct da_importer *im);

/* Members of config.json; other: a second name, or NULL. */
enum da_rc da_cfg_uint(struct da_importer *im, const char *name, const char *other, uint32_t def,
                       uint32_t max, uint32_t *out);
double da_cfg_double(const struct da_importer *im, const char *name, double def);
bool da_cfg_bool(const struct da_json *obj, const char *name, bool def);
/* A member that would change the numbers must have the one value we compute. */
enum da_rc da_cfg_must_be(struct da_importer *im, const struct da_json *obj, const char *name,
                          const char *want);
/* The activation's name, as the family has it or as docassist.activation says it. */
enum da_rc da_cfg_activation(struct da_importer *im, const char *name, const char *def);
/* Rope base and scaling: linear, Llama 3's, YaRN, LongRoPE; the part of a head that is rotated. */
enum da_rc da_cfg_rope(struct da_importer *im);

#endif
