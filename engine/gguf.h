#ifndef ENGINE_GGUF_H
#define ENGINE_GGUF_H

/*
 * Reader of GGUF versions 2 and 3 (ggml docs/gguf.md), little-endian.
 *
 * The file is mapped and treated as hostile: da_gguf_open walks the whole header
 * and checks every size, count, type and offset against the bytes that are
 * there, so later access cannot leave the file. Views (spans, tensor data) point
 * into the mapping and live as long as the reader. Read-only after opening, so
 * any number of threads may use one reader.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/span.h"
#include "engine/quant.h"

enum {
    DA_GGUF_MAX_KEYS = 1 << 16,
    DA_GGUF_MAX_TENSORS = 1 << 16,
    DA_GGUF_MAX_KEY_LEN = 1 << 16, /* the format's own limit */
    DA_GGUF_MAX_NAME_LEN = 255,
    DA_GGUF_MAX_DIMS = 4,
    DA_GGUF_MAX_FILES = 1 << 12, /* of a split model */
    DA_GGUF_MAX_ALIGNMENT = 1 << 16
};

enum da_gguf_vtype {
    DA_GGUF_U8 = 0,
    DA_GGUF_I8 = 1,
    DA_GGUF_U16 = 2,
    DA_GGUF_I16 = 3,
    DA_GGUF_U32 = 4,
    DA_GGUF_I32 = 5,
    DA_GGUF_F32 = 6,
    DA_GGUF_BOOL = 7,
    DA_GGUF_STR = 8,
    DA_GGUF_ARR = 9,
    DA_GGUF_U64 = 10,
    DA_GGUF_I64 = 11,
    DA_GGUF_F64 = 12
};

struct da_gguf_kv {
    struct da_span key;
    enum da_gguf_vtype type; /* of the value, or of its elements when is_array */
    bool is_array;
    uint64_t n;             /* elements; 1 for a plain value */
    const unsigned char *p; /* first byte of the value or of the first element */
    uint64_t len;           /* bytes from p */
};

struct da_gguf_tensor {
    struct da_span name;
    uint32_t type; /* enum da_qtype, or a number that da_qtype_info knows */
    uint32_t n_dims;
    uint64_t dims[DA_GGUF_MAX_DIMS]; /* dims[0] is the row length; unused ones are 1 */
    const unsigned char *data;       /* inside the file; aligned to the file's alignment */
    uint64_t n_bytes;
};

struct da_gguf;

/* Of a model split into several files any part will do; the others are opened, too, and the reader
 * has the keys of the first and the tensors of all. */
enum da_rc da_gguf_open(struct da_gguf **ret, const char *path, struct da_err *err);
/* Reads from memory that must outlive the reader; name is used in errors. */
enum da_rc da_gguf_open_memory(struct da_gguf **ret, const void *p, size_t len, const char *name,
                               struct da_err *err);
void da_gguf_close(struct da_gguf *g); /* NULL allowed */

const char *da_gguf_name(const struct da_gguf *g); /* path, for messages */
uint32_t da_gguf_version(const struct da_gguf *g);
uint32_t da_gguf_alignment(const struct da_gguf *g);
bool da_gguf_is_mapped(const struct da_gguf *g); /* opened from a file, not from memory */
/* The pages read so far stop counting as this process's memory; they come back when touched. */
void da_gguf_forget(const struct da_gguf *g);
/* The files behind the reader, more than one of a split model, in the order of the parts. */
size_t da_gguf_n_files(const struct da_gguf *g);
const char *da_gguf_file_path(const struct da_gguf *g, size_t i);
uint64_t da_gguf_n_bytes(const struct da_gguf *g); /* of all files */
/* Header, keys and tensor table: everything before the tensor data, of the first file. */
struct da_span da_gguf_header_bytes(const struct da_gguf *g);

/* Keys in the order of the file. */
size_t da_gguf_n_keys(const struct da_gguf *g);
const struct da_gguf_kv *da_gguf_key_at(const struct da_gguf *g, size_t i);
const struct da_gguf_kv *da_gguf_find(const struct da_gguf *g, const char *key); /* or NULL */

/*
 * Typed access. DA_ENOTFOUND "key 'k' is missing" when absent, DA_EFORMAT when
 * the value has another type or does not fit. Any integer type serves for
 * integers, integers and both float types for floats.
 */
enum da_rc da_gguf_get_uint(const struct da_gguf *g, const char *key, uint64_t *out,
                            struct da_err *err);
enum da_rc da_gguf_get_int(const struct da_gguf *g, const char *key, int64_t *out,
                           struct da_err *err);
enum da_rc da_gguf_get_float(const struct da_gguf *g, const char *key, double *out,
                             struct da_err *err);
enum da_rc da_gguf_get_bool(const struct da_gguf *g, const char *key, bool *out,
                            struct da_err *err);
enum da_rc da_gguf_get_str(const struct da_gguf *g, const char *key, struct da_span *out,
                           struct da_err *err);

/* The same for keys that may be absent: *out becomes def then. A wrong type stays an error. */
enum da_rc da_gguf_opt_uint(const struct da_gguf *g, const char *key, uint64_t def, uint64_t *out,
                            struct da_err *err);
enum da_rc da_gguf_opt_float(const struct da_gguf *g, const char *key, double def, double *out,
                             struct da_err *err);
enum da_rc da_gguf_opt_bool(const struct da_gguf *g, const char *key, bool def, bool *out,
                            struct da_err *err);
enum da_rc da_gguf_opt_str(const struct da_gguf *g, const char *key, struct da_span def,
                           struct da_span *out, struct da_err *err);

/* Arrays; *out is the caller's (free()), its strings point into the file. An array takes at least
 * its elements' bytes in the file, so the allocation is bounded by the file's size. */
enum da_rc da_gguf_get_strs(const struct da_gguf *g, const char *key, struct da_span **out,
                            size_t *n, struct da_err *err);
enum da_rc da_gguf_get_floats(const struct da_gguf *g, const char *key, float **out, size_t *n,
                              struct da_err *err);
enum da_rc da_gguf_get_ints(const struct da_gguf *g, const char *key, int32_t **out, size_t *n,
                            struct da_err *err);

/* Tensors in the order of the file. */
size_t da_gguf_n_tensors(const struct da_gguf *g);
const struct da_gguf_tensor *da_gguf_tensor_at(const struct da_gguf *g, size_t i);
const struct da_gguf_tensor *da_gguf_tensor(const struct da_gguf *g,
                                            const char *name); /* or NULL */

/* "u32", "str", ... */
const char *da_gguf_vtype_name(enum da_gguf_vtype t);

#endif
