/*
 * The forward pass of an encoder. Texts of different lengths lie one after
 * another without padding; only attention looks at where one ends. Workers walk
 * the same list of phases as in forward.c and take items from the pool's counter;
 * what an item computes does not depend on who takes it, so results are the same
 * for any number of threads and any company.
 *
 * Per layer: q k v -> attention -> output, added -> norm -> up, GELU -> down,
 * added -> norm. Attention sees all keys, so a head's keys and values become
 * panels (kernels.h) and scores and sums are float matrix products. Activations stay
 * floats throughout: a similarity shows the rounding of 8-bit ones (docs/models.md).
 */
#include "engine/model/encoder.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/kernels/panels.h"

enum {
    ITEMS_PER_THREAD = 6,
    QUERY_ROWS = 24 /* of an attention tile: scores stay in the cache next to the processor */
};

struct worker_memory {
    unsigned char *keys, *values; /* panels of one head */
    float *q;                     /* [QUERY_ROWS][head_dim] scaled */
    float *scores;                /* [QUERY_ROWS][longest padded] */
    float *out;                   /* [QUERY_ROWS][head_dim padded] */
};

struct da_encode {
    const struct da_encoder *e;
    struct da_pool *pool;
    uint32_t d_stride, ff_stride;     /* floats from row to row */
    float *x, *q, *k, *v, *attn, *ff; /* [n_rows][stride] */
    struct worker_memory *own;        /* [n_threads] */
    void **blocks;                    /* owned */
    size_t n_blocks, cap_blocks;
    /* the pass at hand */
    const int32_t *ids;
    const struct da_encode_text *texts;
    uint32_t n_rows, n_texts;
};

/* --- matrices ----------------------------------------------------------------------- */

struct product {
    const struct da_weight *w;
    const float *x;
    uint32_t x_stride;
    float *out;
    uint32_t out_stride;
    bool add, gelu;
};

static void run_panels(const struct da_encode *w, const struct product *p, uint32_t first,
                       uint32_t n)
{
    float *out = p->out + (size_t)first * DA_LANES;
    struct da_matmul mm = {
        .w = &p->w->p,
        .first_panel = first,
        .n_panels = n,
        .x = p->x,
        .x_stride = p->x_stride,
        .n_tok = w->n_rows,
        .out = out,
        .out_stride = p->out_stride,
        .bias = p->w->bias,
        .add = p->add,
    };
    da_matmul_run(w->e->kernels, &mm);
    for (uint32_t t = 0; p->gelu && t < w->n_rows; t++)
        w->e->kernels->gelu_erf(out + (size_t)t * p->out_stride, n * DA_LANES,
                                out + (size_t)t * p->out_stride);
}

/* The products' panels are one row of items. */
static void matmul_phase(struct da_encode *w, const struct product *list, uint32_t n_list)
{
    uint32_t total = 0, item;
    for (uint32_t i = 0; i < n_list; i++)
        total += list[i].w->p.n_panels;
    const uint32_t items = da_pool_n_threads(w->pool) * ITEMS_PER_THREAD;
    const uint32_t step = (total + items - 1) / items;
    while ((item = da_pool_next(w->pool)) * step < total) {
        uint32_t at = item * step, end = at + step < total ? at + step : total, base = 0;
        for (uint32_t i = 0; i < n_list; base += list[i].w->p.n_panels, i++) {
            uint32_t n = list[i].w->p.n_panels, lo = at > base ? at - base : 0;
            uint32_t hi = end > base ? end - base : 0;
            hi = hi < n ? hi : n;
            if (lo < hi)
                run_panels(w, &list[i], lo, hi - lo);
        }
    }
    da_pool_barrier(w->pool);
}

/* --- the stream ------------------------------------------------------------------------ */

static void decode_row(const struct da_gguf_tensor *t, uint32_t row, float *out)
{
    const size_t bytes = (size_t)(t->n_bytes / t->dims[1]);
    da_dequantize((enum da_qtype)t->type, t->data + row * bytes, out, (size_t)t->dims[0]);
}

static void embed_row(struct da_encode *w, uint32_t t, uint32_t pos)
{
    const struct da_encoder *e = w->e;
    float *x = w->x + (size_t)t * w->d_stride, *y = w->attn + (size_t)t * w->d_stride;
    decode_row(e->embd, (uint32_t)w->ids[t], x);
    decode_row(e->pos_embd, pos, y);
    for (uint32_t i = 0; i < e->dim; i++) {
        float word = e->type_row ? x[i] + e->type_row[i] : x[i];
        x[i] = word + y[i];
    }
    e->kernels->layernorm(x, e->embd_norm.w, e->embd_norm.b, e->norm_eps, e->dim, x);
}

static void embed_phase(struct da_encode *w)
{
    uint32_t i;
    while ((i = da_pool_next(w->pool)) < w->n_texts)
        for (uint32_t pos = 0; pos < w->texts[i].n; pos++)
            embed_row(w, w->texts[i].first + pos, pos);
    da_pool_barrier(w->pool);
}

static void norm_phase(struct da_encode *w, const struct da_norm_weight *n)
{
    const struct da_encoder *e = w->e;
    uint32_t item;
    while ((item = da_pool_next(w->pool)) * DA_TILE < w->n_rows)
        for (uint32_t t = item * DA_TILE; t < w->n_rows && t < (item + 1) * DA_TILE; t++) {
            float *x = w->x + (size_t)t * w->d_stride;
            e->kernels->layernorm(x, n->w, n->b, e->norm_eps, e->dim, x);
        }
    da_pool_barrier(w->pool);
}

/* --- attention ----------------------------------------------------------------------------- */

/* A head's keys as panels of 16 keys, its values as panels of 16 columns; padding stays zero. */
static void pack_head(const struct da_encode *w, const struct da_encode_text *text, uint32_t head,
                      const struct worker_memory *own, struct da_panels *keys,
                      struct da_panels *values)
{
    const uint32_t hd = w->e->head_dim, n = text->n;
    float *k = (float *)(void *)own->keys, *v = (float *)(void *)own->values;
    (void)da_panels_shape(keys, DA_PANEL_F32, n, hd);
    (void)da_panels_shape(values, DA_PANEL_F32, hd, n);
    keys->data = own->keys;
    values->data = own->values;
    memset(k, 0, da_panels_bytes(keys));
    memset(v, 0, da_panels_bytes(values));
    for (uint32_t j = 0; j < n; j++) {
        const size_t at = (size_t)(text->first + j) * w->d_stride + (size_t)head * hd;
        float *panel = k + (size_t)(j / DA_LANES) * hd * DA_LANES + j % DA_LANES;
        for (uint32_t d = 0; d < hd; d++)
            panel[(size_t)d * DA_LANES] = w->k[at + d];
        for (uint32_t d = 0; d < hd; d += DA_LANES) {
            uint32_t m = hd - d < DA_LANES ? hd - d : DA_LANES;
            memcpy(v + (size_t)(d / DA_LANES) * n * DA_LANES + (size_t)j * DA_LANES, w->v + at + d,
                   m * sizeof *v);
        }
    }
}

static void weights_of(const struct da_encode *w, const struct da_encode_text *text, uint32_t head,
                       uint32_t query, float *scores)
{
    const struct da_encoder *e = w->e;
    if (e->distance_bias) {
        const float *bias =
            e->distance_bias + (size_t)head * (2 * e->n_ctx - 1) + e->n_ctx - 1 - query;
        for (uint32_t j = 0; j < text->n; j++)
            scores[j] += bias[j];
    }
    e->kernels->softmax(scores, text->n);
}

/* Some query rows of one head. */
static void attend_rows(const struct da_encode *w, const struct da_encode_text *text, uint32_t head,
                        uint32_t first, uint32_t n, const struct worker_memory *own,
                        const struct da_panels *keys, const struct da_panels *values)
{
    const struct da_encoder *e = w->e;
    const uint32_t hd = e->head_dim, hd16 = da_pad(hd, DA_LANES), n16 = da_pad(text->n, DA_LANES);
    struct da_matmul mm = {.w = keys,
                           .n_panels = keys->n_panels,
                           .x = own->q,
                           .x_stride = hd,
                           .n_tok = n,
                           .out = own->scores,
                           .out_stride = n16};
    for (uint32_t r = 0; r < n; r++) {
        const float *q = w->q + (size_t)(text->first + first + r) * w->d_stride + (size_t)head * hd;
        for (uint32_t d = 0; d < hd; d++)
            own->q[(size_t)r * hd + d] = q[d] * e->attn_scale;
    }
    e->kernels->matmul_f32(&mm);
    for (uint32_t r = 0; r < n; r++)
        weights_of(w, text, head, first + r, own->scores + (size_t)r * n16);
    mm = (struct da_matmul){.w = values,
                            .n_panels = values->n_panels,
                            .x = own->scores,
                            .x_stride = n16,
                            .n_tok = n,
                            .out = own->out,
                            .out_stride = hd16};
    e->kernels->matmul_f32(&mm);
    for (uint32_t r = 0; r < n; r++)
        memcpy(w->attn + (size_t)(text->first + first + r) * w->d_stride + (size_t)head * hd,
               own->out + (size_t)r * hd16, hd * sizeof(float));
}

static void attention_phase(struct da_encode *w, unsigned worker)
{
    const uint32_t n_heads = w->e->n_heads;
    const struct worker_memory *own = &w->own[worker];
    uint32_t item;
    while ((item = da_pool_next(w->pool)) < w->n_texts * n_heads) {
        const struct da_encode_text *text = &w->texts[item / n_heads];
        const uint32_t head = item % n_heads;
        struct da_panels keys, values;
        pack_head(w, text, head, own, &keys, &values);
        for (uint32_t at = 0; at < text->n; at += QUERY_ROWS)
            attend_rows(w, text, head, at, text->n - at < QUERY_ROWS ? text->n - at : QUERY_ROWS,
                        own, &keys, &values);
    }
    da_pool_barrier(w->pool);
}

/* --- the whole ------------------------------------------------------------------------------- */

static void attention_block(struct da_encode *w, const struct da_encoder_layer *y, unsigned worker)
{
    float *const out[3] = {w->q, w->k, w->v};
    struct product list[3];
    for (int i = 0; i < 3; i++)
        list[i] = (struct product){.w = &y->qkv[i],
                                   .x = w->x,
                                   .x_stride = w->d_stride,
                                   .out = out[i],
                                   .out_stride = w->d_stride};
    matmul_phase(w, list, 3);
    attention_phase(w, worker);
    const struct product wo = {.w = &y->wo,
                               .x = w->attn,
                               .x_stride = w->d_stride,
                               .out = w->x,
                               .out_stride = w->d_stride,
                               .add = true};
    matmul_phase(w, &wo, 1);
    norm_phase(w, &y->norm1);
}

static void mlp_block(struct da_encode *w, const struct da_encoder_layer *y)
{
    const struct product up = {.w = &y->up,
                               .x = w->x,
                               .x_stride = w->d_stride,
                               .out = w->ff,
                               .out_stride = w->ff_stride,
                               .gelu = true};
    const struct product down = {.w = &y->down,
                                 .x = w->ff,
                                 .x_stride = w->ff_stride,
                                 .out = w->x,
                                 .out_stride = w->d_stride,
                                 .add = true};
    matmul_phase(w, &up, 1);
    matmul_phase(w, &down, 1);
    norm_phase(w, &y->norm2);
}

static void pool_text(const struct da_encode *w, const struct da_encode_text *text)
{
    const struct da_encoder *e = w->e;
    const float *x = w->x + (size_t)text->first * w->d_stride;
    double len = 0.0;
    for (uint32_t i = 0; i < e->dim; i++) {
        double sum = 0.0;
        for (uint32_t t = 0; e->pooling == DA_POOL_MEAN && t < text->n; t++)
            sum += (double)x[(size_t)t * w->d_stride + i];
        text->out[i] = e->pooling == DA_POOL_MEAN ? (float)(sum / text->n) : x[i];
        len += (double)text->out[i] * (double)text->out[i];
    }
    if (!e->normalize)
        return;
    len = sqrt(len) > 1e-12 ? sqrt(len) : 1e-12; /* as torch.nn.functional.normalize */
    for (uint32_t i = 0; i < e->dim; i++)
        text->out[i] = (float)((double)text->out[i] / len);
}

static void worker_main(void *ctx, unsigned worker)
{
    struct da_encode *w = ctx;
    uint32_t i;
    embed_phase(w);
    for (uint32_t l = 0; l < w->e->n_layers; l++) {
        attention_block(w, &w->e->layers[l], worker);
        mlp_block(w, &w->e->layers[l]);
    }
    while ((i = da_pool_next(w->pool)) < w->n_texts)
        pool_text(w, &w->texts[i]);
    da_pool_barrier(w->pool);
}

void da_encode_run(struct da_encode *w, const int32_t *ids, uint32_t n_rows,
                   const struct da_encode_text *texts, uint32_t n_texts)
{
    w->ids = ids;
    w->n_rows = n_rows;
    w->texts = texts;
    w->n_texts = n_texts;
    da_pool_run(w->pool, worker_main, w);
}

/* --- memory --------------------------------------------------------------------------------- */

static void *block(struct da_encode *w, size_t n, size_t size, bool *fail)
{
    void *p = n && size > (SIZE_MAX - 128) / n
                  ? NULL
                  : da_try_alloc_aligned(64, (n * size + 127) & ~(size_t)63);
    *fail = *fail || !p;
    if (p) {
        DA_GROW(w->blocks, w->n_blocks, w->cap_blocks);
        w->blocks[w->n_blocks++] = p;
    }
    return p;
}

/* An odd number of cache lines: see session.c. */
static uint32_t stride_of(uint32_t n)
{
    uint32_t lines = da_pad(n, DA_GROUP) / DA_LANES;
    return (lines + (lines % 2 == 0)) * DA_LANES;
}

enum da_rc da_encode_new(struct da_encode **ret, const struct da_encoder *e, struct da_pool *pool,
                         uint32_t n_rows, uint32_t longest, struct da_err *err)
{
    struct da_encode *w = da_calloc(1, sizeof *w);
    const size_t rows = da_pad(n_rows, DA_TILE);
    const uint32_t hd = e->head_dim, hd16 = da_pad(hd, DA_LANES), n16 = da_pad(longest, DA_LANES);
    const unsigned n_threads = da_pool_n_threads(pool);
    float **const streams[] = {&w->x, &w->q, &w->k, &w->v, &w->attn};
    bool bad = false;
    w->e = e;
    w->pool = pool;
    w->d_stride = stride_of(e->dim);
    w->ff_stride = stride_of(e->ff_dim);
    for (size_t i = 0; i < DA_ARRAY_LEN(streams); i++)
        *streams[i] = block(w, rows * w->d_stride, sizeof(float), &bad);
    w->ff = block(w, rows * w->ff_stride, sizeof(float), &bad);
    w->own = block(w, n_threads, sizeof *w->own, &bad);
    for (unsigned i = 0; !bad && i < n_threads; i++) {
        struct worker_memory *own = &w->own[i];
        own->keys = block(w, (size_t)n16 * hd, sizeof(float), &bad);
        own->values = block(w, (size_t)n16 * hd16, sizeof(float), &bad);
        own->q = block(w, (size_t)QUERY_ROWS * hd, sizeof(float), &bad);
        own->scores = block(w, (size_t)QUERY_ROWS * n16, sizeof(float), &bad);
        own->out = block(w, (size_t)QUERY_ROWS * hd16, sizeof(float), &bad);
    }
    if (bad) {
        da_encode_free(w);
        return da_fail(err, DA_ENOMEM, "no memory for a batch of %" PRIu32 " tokens", n_rows);
    }
    *ret = w;
    return DA_OK;
}

void da_encode_free(struct da_encode *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n_blocks; i++)
        free(w->blocks[i]);
    free(w->blocks);
    free(w);
}
