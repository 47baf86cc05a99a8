/* GGUF files from shapes, vocabularies and rows. Key names: ggml docs/gguf.md. */
#include "engine/model/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/threads.h"
#include "engine/tokenizer/vocab.h"

enum { BUILD_CHUNK_FLOATS = 1 << 20 };

/* --- keys ----------------------------------------------------------------------- */

struct key_writer {
    struct da_gguf_writer *w;
    const char *arch;
    char key[96];
};

static const char *key(struct key_writer *k, const char *suffix)
{
    snprintf(k->key, sizeof k->key, "%s.%s", k->arch, suffix);
    return k->key;
}

static void key_float(struct key_writer *k, const char *suffix, double v)
{
    if (v != 0.0)
        da_gguf_put_f32(k->w, key(k, suffix), (float)v);
}

/* general.file_type's numbers: llama.cpp's enum of the same name. */
uint32_t da_build_file_type(enum da_qtype t)
{
    switch (t) {
    case DA_Q_F16: return 1;
    case DA_Q_Q4_0: return 2;
    case DA_Q_Q8_0: return 7;
    case DA_Q_Q4_K: return 15; /* Q4_K_M */
    case DA_Q_Q6_K: return 18;
    case DA_Q_BF16: return 32;
    default: return 0;
    }
}

static void key_uint(struct key_writer *k, const char *suffix, uint32_t v)
{
    if (v != 0)
        da_gguf_put_u32(k->w, key(k, suffix), v);
}

/* A number for all layers or an array. */
static void key_layers(struct key_writer *k, const char *suffix, uint32_t v, const uint32_t *all,
                       uint32_t n)
{
    if (!all) {
        da_gguf_put_u32(k->w, key(k, suffix), v);
        return;
    }
    int32_t *list = da_calloc(n, sizeof *list);
    for (uint32_t i = 0; i < n; i++)
        list[i] = (int32_t)all[i];
    da_gguf_put_i32s(k->w, key(k, suffix), list, n);
    free(list);
}

static void put_general(struct da_gguf_writer *w, const struct da_build_shape *s,
                        const struct da_family *f, enum da_qtype want)
{
    da_gguf_put_str(w, "general.architecture", da_span_str(f->arch));
    da_gguf_put_str(w, "general.name", da_span_str(s->name));
    da_gguf_put_u32(w, "general.file_type", da_build_file_type(want));
    da_gguf_put_u32(w, "general.quantization_version", 2);
    if (s->activation)
        da_gguf_put_str(w, DA_ARCH_OWN ".activation", da_span_str(s->activation));
}

static void put_rope(struct key_writer *k, const struct da_build_shape *s)
{
    if (!s->n_rot)
        return;
    key_uint(k, "rope.dimension_count", s->n_rot);
    key_float(k, "rope.freq_base", s->rope_base);
    key_float(k, "rope.freq_base_swa", s->rope_base_window);
    key_uint(k, "rope.levels", s->rope_levels);
    if (!s->rope_scaling)
        return;
    da_gguf_put_str(k->w, key(k, "rope.scaling.type"), da_span_str(s->rope_scaling));
    key_float(k, "rope.scaling.factor", s->rope_factor);
    key_float(k, "rope.scaling.attn_factor", s->rope_attn_factor);
    key_uint(k, "rope.scaling.original_context_length", s->rope_old_ctx);
    key_float(k, "rope.scaling.yarn_beta_fast", s->rope_beta_fast);
    key_float(k, "rope.scaling.yarn_beta_slow", s->rope_beta_slow);
}

static void put_attention(struct key_writer *k, const struct da_build_shape *s,
                          const struct da_family *f)
{
    key_layers(k, "attention.head_count", s->n_heads, s->layer_heads, s->n_layers);
    key_layers(k, "attention.head_count_kv", s->n_kv_heads, s->layer_kv_heads, s->n_layers);
    if (s->layer_heads || (s->n_heads && s->head_dim != s->dim / s->n_heads)) {
        da_gguf_put_u32(k->w, key(k, "attention.key_length"), s->head_dim);
        da_gguf_put_u32(k->w, key(k, "attention.value_length"), s->head_dim);
    }
    da_gguf_put_f32(k->w,
                    key(k, f->norm == DA_NORM_RMS ? "attention.layer_norm_rms_epsilon"
                                                  : "attention.layer_norm_epsilon"),
                    (float)s->norm_eps);
    key_uint(k, "attention.sliding_window", s->window);
    key_uint(k, "attention.sliding_window_pattern", s->window_every);
    key_float(k, "attention.max_alibi_bias", s->alibi_max);
    key_float(k, "attention.clamp_kqv", s->clamp_qkv);
    key_float(k, "attention.scale", s->attn_scale);
    key_uint(k, "attention.relative_buckets_count", s->rel_buckets);
    key_uint(k, "attention.relative_max_distance", s->rel_distance);
}

static void put_shape(struct da_gguf_writer *w, const struct da_build_shape *s,
                      const struct da_family *f, enum da_qtype want)
{
    struct key_writer k = {.w = w, .arch = f->arch};
    put_general(w, s, f, want);
    da_gguf_put_u32(w, key(&k, "block_count"), s->n_layers);
    da_gguf_put_u32(w, key(&k, "context_length"), s->n_ctx);
    da_gguf_put_u32(w, key(&k, "embedding_length"), s->dim);
    key_layers(&k, "feed_forward_length", s->ff_dim, s->layer_ff, s->n_layers);
    key_uint(&k, "input_embedding_length", s->embd_dim);
    key_uint(&k, "block_repeat", s->block_repeat);
    key_uint(&k, "feed_forward_shared", s->shared_mlp);
    key_uint(&k, "ssm.conv_kernel", s->ssm_conv);
    key_uint(&k, "ssm.inner_size", s->ssm_inner);
    key_uint(&k, "ssm.state_size", s->ssm_state);
    key_uint(&k, "ssm.time_step_rank", s->ssm_rank);
    key_uint(&k, "decoder_block_count", s->n_dec_layers);
    if (s->n_dec_layers)
        da_gguf_put_u32(w, key(&k, "decoder_start_token_id"), s->start_token);
    if (f->norms == DA_NORMS_BEFORE && f->parallel)
        da_gguf_put_bool(w, key(&k, "use_parallel_residual"), !s->no_parallel);
    put_attention(&k, s, f);
    da_gguf_put_u32(w, key(&k, "vocab_size"), s->n_vocab);
    put_rope(&k, s);
    key_float(&k, "embedding_scale", s->embd_scale);
    key_float(&k, "residual_scale", s->residual_scale);
    key_float(&k, "logit_scale", s->logit_scale);
    key_float(&k, "attn_logit_softcapping", s->attn_softcap);
    key_float(&k, "final_logit_softcapping", s->logit_softcap);
}

/* --- vocabulary ------------------------------------------------------------------- */

enum da_rc da_build_vocab(struct da_gguf_writer *w, const struct da_vocab *v, uint32_t n_vocab,
                          struct da_err *err)
{
    return da_vocab_write_gguf(w, v, n_vocab, err);
}

/* --- data ------------------------------------------------------------------------- */

struct chunk {
    const struct da_build_tensor *t;
    uint32_t first_row;
    da_build_row_fn row;
    void *ctx;
    float **scratch; /* [threads][n_cols] */
    unsigned char *out;
    size_t row_bytes;
};

static void chunk_row(void *ctx, size_t item, unsigned worker)
{
    struct chunk *c = ctx;
    float *x = c->scratch[worker];
    c->row(c->ctx, c->t, c->first_row + (uint32_t)item, x);
    da_quantize(c->t->type, x, c->out + item * c->row_bytes, c->t->n_cols);
}

enum da_rc da_build_data(struct da_gguf_writer *w, const struct da_build_tensor *t,
                         da_build_row_fn row, void *ctx, unsigned n_threads, struct da_err *err)
{
    uint64_t row_bytes = 0;
    uint32_t rows = BUILD_CHUNK_FLOATS / t->n_cols + 1;
    enum da_rc rc = DA_OK;
    (void)da_qtype_row_bytes(t->type, t->n_cols, &row_bytes); /* whole blocks: da_build_types */
    if (t->raw)
        return da_gguf_writer_data(w, t->raw, (size_t)row_bytes * t->n_rows, err);
    struct chunk c = {.t = t, .row = row, .ctx = ctx, .row_bytes = (size_t)row_bytes};
    c.scratch = da_calloc(n_threads, sizeof *c.scratch);
    c.out = da_try_alloc(rows, c.row_bytes);
    bool ok = c.out != NULL;
    for (unsigned i = 0; i < n_threads; i++)
        ok = (c.scratch[i] = da_try_alloc(t->n_cols, sizeof(float))) != NULL && ok;
    if (!ok)
        rc = da_fail(err, DA_ENOMEM, "no memory for tensor '%s'", t->name);
    for (c.first_row = 0; !rc && c.first_row < t->n_rows; c.first_row += rows) {
        uint32_t n = t->n_rows - c.first_row < rows ? t->n_rows - c.first_row : rows;
        da_parallel_for(n_threads, n, chunk_row, &c);
        rc = da_gguf_writer_data(w, c.out, n * c.row_bytes, err);
    }
    for (unsigned i = 0; i < n_threads; i++)
        free(c.scratch[i]);
    free(c.scratch);
    free(c.out);
    return rc;
}

enum da_rc da_build_write(const char *path, const struct da_build_shape *shape,
                          const struct da_vocab *v, enum da_qtype want,
                          const struct da_build_tensor *tensors, size_t n, da_build_row_fn row,
                          void *ctx, unsigned n_threads, struct da_err *err)
{
    const struct da_family *f = da_family_named(shape->family);
    struct da_gguf_writer *w = da_gguf_writer_new();
    enum da_rc rc = DA_OK;
    if (!n_threads)
        n_threads = da_threads_available();
    put_shape(w, shape, f, want);
    if (v && (rc = da_build_vocab(w, v, shape->n_vocab, err)))
        goto out;
    for (size_t i = 0; i < n; i++) {
        uint64_t dims[2] = {tensors[i].n_cols, tensors[i].n_rows};
        da_gguf_add_tensor(w, tensors[i].name, tensors[i].type, tensors[i].vector ? 1 : 2, dims);
    }
    if ((rc = da_gguf_writer_begin(w, path, err)))
        goto out;
    for (size_t i = 0; i < n && !rc; i++)
        rc = da_build_data(w, &tensors[i], row, ctx, n_threads, err);
    if (!rc)
        rc = da_gguf_writer_finish(w, err);
out:
    da_gguf_writer_free(w);
    return rc;
}
