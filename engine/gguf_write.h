#ifndef ENGINE_GGUF_WRITE_H
#define ENGINE_GGUF_WRITE_H

/*
 * Writer of GGUF version 3, alignment 32. Keys first, then the tensor table, then
 * the data of the tensors in the order of the table, streamed. The file appears
 * under its name when da_gguf_writer_finish succeeds, and not before.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/span.h"
#include "engine/quant.h"

struct da_gguf_writer;

struct da_gguf_writer *da_gguf_writer_new(void);
void da_gguf_writer_free(struct da_gguf_writer *w); /* NULL allowed; removes an unfinished file */

/* Keys; each at most once (asserted by the reader, not here). */
void da_gguf_put_str(struct da_gguf_writer *w, const char *key, struct da_span v);
void da_gguf_put_u32(struct da_gguf_writer *w, const char *key, uint32_t v);
void da_gguf_put_f32(struct da_gguf_writer *w, const char *key, float v);
void da_gguf_put_bool(struct da_gguf_writer *w, const char *key, bool v);
/* Arrays: begin, then exactly n elements of that kind. */
void da_gguf_begin_strs(struct da_gguf_writer *w, const char *key, uint64_t n);
void da_gguf_add_str(struct da_gguf_writer *w, struct da_span v);
void da_gguf_put_i32s(struct da_gguf_writer *w, const char *key, const int32_t *v, uint64_t n);
void da_gguf_put_bytes(struct da_gguf_writer *w, const char *key, const void *p, uint64_t n);
void da_gguf_put_f32s(struct da_gguf_writer *w, const char *key, const float *v, uint64_t n);

/* A key as another file has it. */
struct da_gguf_kv;
void da_gguf_put_kv(struct da_gguf_writer *w, const struct da_gguf_kv *kv);

/* Adds a tensor of n_dims (1..4) dimensions, dims[0] the row length, whole blocks of its type. */
void da_gguf_add_tensor(struct da_gguf_writer *w, const char *name, enum da_qtype type,
                        unsigned n_dims, const uint64_t *dims);

/* Writes everything but the data. */
enum da_rc da_gguf_writer_begin(struct da_gguf_writer *w, const char *path, struct da_err *err);
/* Data of the tensors, one after another; alignment is added between them. */
enum da_rc da_gguf_writer_data(struct da_gguf_writer *w, const void *p, size_t len,
                               struct da_err *err);
/* Checks that all data came, syncs, renames. */
enum da_rc da_gguf_writer_finish(struct da_gguf_writer *w, struct da_err *err);

#endif
