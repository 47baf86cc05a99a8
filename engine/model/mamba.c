/*
 * The recurrence runs over the rows of a step in their order, for blocks of
 * channels: channels do not see each other, so a block is an item, and what it
 * computes depends on the sequence's tokens alone.
 */
#include "engine/model/mamba.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/maths.h"
#include "common/mem.h"
#include "engine/model/forward.h"
#include "engine/model/hparams.h"
#include "engine/model/load.h"
#include "engine/quant.h"

enum { CHANNELS = 64, MAX_INNER = 1 << 17 }; /* of an item */

/* --- loading ------------------------------------------------------------------------- */

static enum da_rc read_keys(struct da_loader *ld, struct da_mamba *b)
{
    struct da_model *m = ld->m;
    struct da_hparams *hp = &m->hp;
    struct da_err *err = ld->err;
    uint32_t norms;
    double eps;
    enum da_rc rc;
    if ((rc = da_hparams_uint(m, "block_count", true, 0, 1, DA_MODEL_MAX_LAYERS, &hp->n_layers,
                              err)) ||
        (rc =
             da_hparams_uint(m, "embedding_length", true, 0, 1, DA_MODEL_MAX_DIM, &hp->dim, err)) ||
        (rc =
             da_hparams_uint(m, "context_length", true, 0, 1, DA_MODEL_MAX_CTX, &hp->n_ctx, err)) ||
        (rc = da_hparams_uint(m, "ssm.conv_kernel", true, 0, 2, DA_MAMBA_MAX_CONV, &b->n_conv,
                              err)) ||
        (rc = da_hparams_uint(m, "ssm.inner_size", true, 0, 1, MAX_INNER, &b->inner, err)) ||
        (rc = da_hparams_uint(m, "ssm.state_size", true, 0, 1, DA_MAMBA_MAX_STATE, &b->state,
                              err)) ||
        (rc = da_hparams_uint(m, "ssm.time_step_rank", true, 0, 1, MAX_INNER, &b->rank, err)) ||
        (rc = da_gguf_opt_float(ld->g, "mamba.attention.layer_norm_rms_epsilon", 1e-5, &eps, err)))
        return rc;
    const struct da_gguf_kv *kv = da_gguf_find(ld->g, "mamba.ssm.dt_b_c_rms");
    norms = kv && !kv->is_array && kv->len && kv->p[0] != 0;
    if (norms)
        return da_fail(err, DA_EUNSUPPORTED, "%s: a Mamba with norms of dt, B and C",
                       da_gguf_name(ld->g));
    hp->norm_eps = (float)eps;
    hp->embd_dim = hp->dim;
    hp->n_blocks = hp->n_layers;
    hp->n_heads = hp->n_kv_heads = 1; /* of no width: pages only count positions */
    hp->embd_scale = hp->residual_scale = hp->logit_scale = 1.0f;
    b->inner16 = da_pad(b->inner, DA_LANES);
    b->state16 = da_pad(b->state, DA_LANES);
    return DA_OK;
}

/* A tensor's values as [n_rows][stride] floats, or turned: [n_cols][stride]. */
static enum da_rc table(struct da_loader *ld, const char *name, uint32_t n_cols, uint32_t n_rows,
                        uint32_t stride, bool turned, float **out)
{
    const struct da_gguf_tensor *t;
    enum da_rc rc = da_load_find(ld, name, n_cols, n_rows, &t);
    if (rc || !t)
        return rc ? rc : da_load_missing(ld, name);
    float *row = da_try_alloc(n_cols, sizeof *row);
    *out = da_load_floats(ld->m, (size_t)stride * (turned ? n_cols : n_rows));
    if (!row || !*out) {
        free(row);
        return da_fail(ld->err, DA_ENOMEM, "no memory for tensor '%s'", name);
    }
    const size_t bytes = (size_t)(t->n_bytes / n_rows);
    for (uint32_t r = 0; r < n_rows; r++) {
        da_dequantize((enum da_qtype)t->type, t->data + r * bytes, row, n_cols);
        for (uint32_t c = 0; c < n_cols; c++)
            (*out)[turned ? (size_t)c * stride + r : (size_t)r * stride + c] = row[c];
    }
    free(row);
    return DA_OK;
}

static enum da_rc layer_weights(struct da_loader *ld, const struct da_mamba *b, int l,
                                struct da_mamba_layer *y)
{
    const uint32_t dim = ld->m->hp.dim;
    char name[DA_LOAD_NAME_MAX];
    enum da_rc rc;
    if ((rc = da_load_norm(ld, l, "attn_norm", dim, &y->norm)) ||
        (rc = da_load_matrix(ld, l, "ssm_in", dim, 2 * b->inner, true, &y->in)) ||
        (rc = da_load_matrix(ld, l, "ssm_x", b->inner, b->rank + 2 * b->state, false, &y->x)) ||
        (rc = da_load_matrix(ld, l, "ssm_dt", b->rank, b->inner, true, &y->dt)) ||
        (rc = da_load_matrix(ld, l, "ssm_out", b->inner, dim, true, &y->out)) ||
        (rc = table(ld, da_load_name(name, l, "ssm_conv1d", "weight"), b->n_conv, b->inner,
                    b->inner16, true, &y->conv_w)) ||
        (rc = da_load_vector(ld, da_load_name(name, l, "ssm_conv1d", "bias"), b->inner, true,
                             &y->conv_b)))
        return rc;
    snprintf(name, sizeof name, "blk.%d.ssm_a", l);
    if ((rc = table(ld, name, b->state, b->inner, b->state16, false, &y->a)))
        return rc;
    snprintf(name, sizeof name, "blk.%d.ssm_d", l);
    return da_load_vector(ld, name, b->inner, true, &y->d);
}

enum da_rc da_mamba_load(struct da_loader *ld)
{
    struct da_model *m = ld->m;
    struct da_mamba *b = m->mamba = da_calloc(1, sizeof *b);
    enum da_rc rc = read_keys(ld, b);
    if (rc)
        return rc;
    m->layers = da_calloc(m->hp.n_layers, sizeof *m->layers);
    for (uint32_t l = 0; l < m->hp.n_layers; l++)
        m->layers[l].n_heads = m->layers[l].n_kv_heads = 1;
    b->layers = da_calloc(m->hp.n_layers, sizeof *b->layers);
    if ((rc = da_load_embedding(ld)) || (rc = da_load_head(ld)) ||
        (rc = da_load_norm(ld, -1, "output_norm", m->hp.dim, &m->out_norm)))
        return rc;
    for (uint32_t l = 0; l < m->hp.n_layers; l++)
        if ((rc = layer_weights(ld, b, (int)l, &b->layers[l])))
            return rc;
    return DA_OK;
}

void da_mamba_free(struct da_mamba *m)
{
    if (m)
        free(m->layers);
    free(m);
}

/* --- a step ---------------------------------------------------------------------------- */

/* Of a layer: past inputs of the convolution [n_conv - 1][inner], then h [inner][state]. */
static size_t layer_floats(const struct da_mamba *b)
{
    return (size_t)b->inner16 * (b->n_conv - 1 + b->state16);
}

size_t da_mamba_state_floats(const struct da_model *m)
{
    return layer_floats(m->mamba) * m->hp.n_layers;
}

static float *state_of(const struct da_session *s, uint32_t t, uint32_t layer)
{
    return s->seqs[s->rows[t].seq].state + layer_floats(s->model->mamba) * layer;
}

/* Channels [from, from + n) of every row, n at most CHANNELS. */
static void convolve(struct da_session *s, const struct da_mamba_layer *y, uint32_t layer,
                     uint32_t from, uint32_t n)
{
    const struct da_mamba *b = s->model->mamba;
    float sum[CHANNELS], ones[CHANNELS];
    for (uint32_t c = 0; c < CHANNELS; c++)
        ones[c] = 1.0f;
    for (uint32_t t = 0; t < s->n_rows; t++) {
        const float *in = s->qkv + (size_t)t * s->qkv_stride + from;
        float *past = state_of(s, t, layer) + from;
        memcpy(sum, y->conv_b + from, n * sizeof *sum);
        for (uint32_t k = 0; k + 1 < b->n_conv; k++) {
            const float *w = y->conv_w + (size_t)k * b->inner16 + from;
            float *at = past + (size_t)k * b->inner16;
            for (uint32_t c = 0; c < n; c++)
                sum[c] += w[c] * at[c];
            memcpy(at, k + 2 < b->n_conv ? at + b->inner16 : in, n * sizeof *at);
        }
        const float *w = y->conv_w + (size_t)(b->n_conv - 1) * b->inner16 + from;
        for (uint32_t c = 0; c < n; c++)
            sum[c] += w[c] * in[c];
        for (uint32_t c = n; c < CHANNELS; c++)
            sum[c] = 0.0f;
        s->model->kernels->silu_mul(sum, ones, da_pad(n, DA_LANES),
                                    s->attn + (size_t)t * s->attn_stride + from);
    }
}

static float softplus(float x)
{
    return x > 20.0f ? x : (float)da_log1p(da_exp((double)x));
}

static void recur(struct da_session *s, const struct da_mamba_layer *y, uint32_t layer,
                  uint32_t from, uint32_t n)
{
    const struct da_mamba *b = s->model->mamba;
    const struct da_kernels *kn = s->model->kernels;
    float bs[DA_MAMBA_MAX_STATE] = {0}, cs[DA_MAMBA_MAX_STATE] = {0};
    for (uint32_t t = 0; t < s->n_rows; t++) {
        const float *x = s->attn + (size_t)t * s->attn_stride + from;
        const float *small = s->gate + (size_t)t * s->ff_stride + b->rank;
        const float *dt = s->up + (size_t)t * s->ff_stride + from;
        const float *z = s->qkv + (size_t)t * s->qkv_stride + b->inner + from;
        float *h = state_of(s, t, layer) + (size_t)b->inner16 * (b->n_conv - 1);
        float gate[CHANNELS] = {0}, out[CHANNELS] = {0};
        memcpy(bs, small, b->state * sizeof *bs);
        memcpy(cs, small + b->state, b->state * sizeof *cs);
        memcpy(gate, z, n * sizeof *gate);
        for (uint32_t c = 0; c < n; c++) {
            size_t at = (size_t)(from + c) * b->state16;
            float sum = kn->ssm_step(h + at, y->a + at, bs, cs, softplus(dt[c]), x[c], b->state16);
            out[c] = sum + y->d[from + c] * x[c];
        }
        kn->silu_mul(gate, out, da_pad(n, DA_LANES), s->attn + (size_t)t * s->attn_stride + from);
    }
}

static void channels_phase(struct da_session *s, const struct da_mamba_layer *y, uint32_t layer,
                           void (*work)(struct da_session *s, const struct da_mamba_layer *y,
                                        uint32_t layer, uint32_t from, uint32_t n))
{
    const uint32_t inner = s->model->mamba->inner;
    uint32_t item;
    while ((item = da_pool_next(s->pool)) * CHANNELS < inner) {
        uint32_t from = item * CHANNELS, left = inner - from;
        work(s, y, layer, from, left < CHANNELS ? left : CHANNELS);
    }
    da_pool_barrier(s->pool);
}

/* attn holds x after the convolution and later the recurrence's result; gate: width, B, C of a
 * row; up: the widths of all channels. */
void da_mamba_layer_step(struct da_session *s, uint32_t layer)
{
    const struct da_mamba *b = s->model->mamba;
    const struct da_mamba_layer *y = &b->layers[layer];
    const struct da_mm_job in = {&y->in, s->qkv, s->qkv_stride};
    const struct da_mm_job x = {&y->x, s->gate, s->ff_stride};
    const struct da_mm_job dt = {&y->dt, s->up, s->ff_stride};
    const struct da_mm_job out = {&y->out, s->x, s->d_stride};
    da_phase_norm(s, &y->norm, da_wants(&y->in), s->xn, s->x_tiles);
    da_phase_matmul(s, &in, 1, s->xn, s->d_stride, s->x_tiles, s->n_rows, false);
    channels_phase(s, y, layer, convolve);
    da_phase_prepare(s, da_wants(&y->x), s->attn, s->attn_stride, b->inner, s->n_rows,
                     s->attn_tiles);
    da_phase_matmul(s, &x, 1, s->attn, s->attn_stride, s->attn_tiles, s->n_rows, false);
    da_phase_prepare(s, da_wants(&y->dt), s->gate, s->ff_stride, b->rank, s->n_rows,
                     s->ff_tiles);
    da_phase_matmul(s, &dt, 1, s->gate, s->ff_stride, s->ff_tiles, s->n_rows, false);
    channels_phase(s, y, layer, recur);
    da_phase_prepare(s, da_wants(&y->out), s->attn, s->attn_stride, b->inner, s->n_rows,
                     s->attn_tiles);
    da_phase_matmul(s, &out, 1, s->attn, s->attn_stride, s->attn_tiles, s->n_rows, true);
}
