/*
 * The encoder of a step, and the decoder's attention to its result. Queries go past
 * the blocks of keys in the same way as in forward.c, with the same kernels.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/maths.h"
#include "common/mem.h"
#include "engine/model/forward.h"

/* --- biases ------------------------------------------------------------------------ */

/* Bucket of a distance key - query (arXiv 1910.10683, section 2.1; the float steps are those of
 * the reference implementation). */
static uint32_t bucket(const struct da_t5 *t, int64_t rel, bool both_ways)
{
    uint32_t n = both_ways ? t->n_buckets / 2 : t->n_buckets, first = 0;
    if (both_ways && rel > 0)
        first = n;
    else if (!both_ways && rel > 0)
        rel = 0;
    uint64_t far = (uint64_t)(rel < 0 ? -rel : rel);
    uint32_t exact = n / 2;
    if (far < exact)
        return first + (uint32_t)far;
    float v = (float)da_log((double)((float)far / (float)exact));
    v = v / (float)log((double)t->max_distance / exact) * (float)(n - exact);
    uint32_t at = v >= (float)(n - exact) ? n - 1 : exact + (uint32_t)v;
    return first + (at < n ? at : n - 1);
}

static void fill_bias(const struct da_session *s, const float *table, bool both_ways, float *out,
                      uint32_t stride)
{
    const struct da_t5 *t = s->model->t5;
    const uint32_t n_heads = s->model->hp.n_heads, last = s->opts.n_ctx - 1;
    for (uint32_t i = 0; i < stride; i++) {
        uint32_t b = bucket(t, (int64_t)i - last, both_ways);
        for (uint32_t h = 0; h < n_heads; h++)
            out[(size_t)h * stride + i] = table[(size_t)b * n_heads + h];
    }
}

enum da_rc da_t5_start(struct da_session *s, struct da_err *err)
{
    struct da_t5_state *t = &s->t5;
    struct da_hparams one = s->model->hp; /* pages of one layer, the encoder's at hand */
    const uint32_t n_ctx = s->opts.n_ctx;
    one.n_layers = 1;
    enum da_rc rc = da_kv_init(&t->enc_kv, s->opts.kv, &one, s->max_pages, err);
    if (rc)
        return rc;
    t->dec_stride = n_ctx + DA_KBLOCK;
    t->enc_stride = 2 * n_ctx + DA_KBLOCK;
    t->dec_bias = da_try_alloc((size_t)t->dec_stride * one.n_heads, sizeof(float));
    t->enc_bias = da_try_alloc((size_t)t->enc_stride * one.n_heads, sizeof(float));
    t->rows = da_try_alloc(s->opts.batch > n_ctx ? s->opts.batch : n_ctx, sizeof *t->rows);
    if (!t->dec_bias || !t->enc_bias || !t->rows)
        return da_fail(err, DA_ENOMEM, "no memory for the biases of %u positions", (unsigned)n_ctx);
    fill_bias(s, s->model->t5->rel_dec, false, t->dec_bias, t->dec_stride);
    fill_bias(s, s->model->t5->rel_enc, true, t->enc_bias, t->enc_stride);
    return DA_OK;
}

void da_t5_stop(struct da_session *s)
{
    da_kv_release(&s->t5.enc_kv);
    free(s->t5.dec_bias);
    free(s->t5.enc_bias);
    free(s->t5.rows);
    memset(&s->t5, 0, sizeof s->t5);
}

/* --- attention to all of some keys ----------------------------------------------------- */

struct keys {
    const struct da_kv *kv;
    const uint32_t *pages; /* NULL: page i is block i */
    uint32_t layer, n;
    const float *bias; /* of the encoder, or NULL */
};

static unsigned char *slice_of(const struct keys *ks, uint32_t block, uint32_t head)
{
    return da_kv_slice(ks->kv, ks->pages ? ks->pages[block] : block, ks->layer, head);
}

static void store_phase(struct da_session *s, const struct keys *ks, uint32_t k_off, uint32_t v_off)
{
    const struct da_hparams *hp = &s->model->hp;
    uint32_t item;
    while ((item = da_pool_next(s->pool)) < s->n_rows * hp->n_heads) {
        uint32_t t = item / hp->n_heads, h = item % hp->n_heads;
        const float *row = s->qkv + (size_t)t * s->qkv_stride + (size_t)h * hp->head_dim;
        da_kv_store(ks->kv, s->model->kernels, slice_of(ks, t / DA_KBLOCK, h), t % DA_KBLOCK,
                    row + k_off, row + v_off);
    }
    da_pool_barrier(s->pool);
}

static void start_row(struct da_session *s, const struct keys *ks, uint32_t t, uint32_t h,
                      struct da_attn_row *row, float *o)
{
    const struct da_hparams *hp = &s->model->hp;
    const size_t at = (size_t)t * hp->n_heads + h;
    const float *q = s->qkv + (size_t)t * s->qkv_stride + (size_t)h * hp->head_dim;
    *row = (struct da_attn_row){.q = q, .pos = ks->n - 1, .m = -INFINITY, .o = o};
    if (ks->bias)
        row->bias = ks->bias + (size_t)h * s->t5.enc_stride + (s->opts.n_ctx - 1 - t);
    memset(o, 0, da_pad(hp->head_dim, DA_LANES) * sizeof *o);
    if (ks->kv->type != DA_KV_Q8)
        return;
    s->model->kernels->quantize_head(q, hp->head_dim, s->q8 + at * s->q8_stride, &row->q8_scale,
                                     &row->q8_sum);
    row->q8 = s->q8 + at * s->q8_stride;
}

/* Some rows of one head against all keys. */
static void attend(struct da_session *s, const struct keys *ks, const uint32_t *rows, uint32_t n,
                   uint32_t h)
{
    const struct da_kernels *k = s->model->kernels;
    const uint32_t hd = s->model->hp.head_dim;
    struct da_attn_row r[DA_TILE];
    _Alignas(64) float o[DA_TILE][DA_MODEL_MAX_HEAD_DIM];
    for (uint32_t i = 0; i < n; i++)
        start_row(s, ks, rows[i], h, &r[i], o[i]);
    for (uint32_t b = 0; b * DA_KBLOCK < ks->n; b++) {
        struct da_attn_block block = {.head_dim = hd, .first_pos = b * DA_KBLOCK};
        da_kv_block(ks->kv, slice_of(ks, b, h), &block);
        if (ks->kv->type == DA_KV_Q8)
            k->attn_q8(&block, r, n);
        else if (ks->kv->type == DA_KV_F16)
            k->attn_f16(&block, r, n);
        else
            k->attn_f32(&block, r, n);
    }
    for (uint32_t i = 0; i < n; i++) {
        float *out = s->attn + (size_t)rows[i] * s->attn_stride + (size_t)h * hd;
        for (uint32_t d = 0; d < hd; d++)
            out[d] = o[i][d] * (1.0f / r[i].l);
    }
}

static void quantize_result(struct da_session *s, const struct da_weight *wo)
{
    da_phase_prepare(s, da_wants(wo), s->attn, s->attn_stride, wo->p.n_cols, s->n_rows,
                     s->attn_tiles);
}

/* --- the encoder ------------------------------------------------------------------------- */

static void encoder_layer(struct da_session *s, uint32_t l, unsigned worker)
{
    const struct da_layer *y = &s->model->t5->enc[l];
    const struct keys ks = {&s->t5.enc_kv, NULL, 0, s->n_rows, s->t5.enc_bias};
    const uint32_t n_heads = s->model->hp.n_heads;
    const struct da_mm_job jobs[3] = {{&y->qkv[0], s->qkv, s->qkv_stride},
                                      {&y->qkv[1], s->qkv + y->k_off, s->qkv_stride},
                                      {&y->qkv[2], s->qkv + y->v_off, s->qkv_stride}};
    const struct da_mm_job out = {&y->wo, s->x, s->d_stride};
    uint32_t item;
    da_phase_norm(s, &y->norm1, da_wants_all(y->qkv, 3), s->xn, s->x_tiles);
    da_phase_matmul(s, jobs, 3, s->xn, s->d_stride, s->x_tiles, s->n_rows, false);
    store_phase(s, &ks, y->k_off, y->v_off);
    while ((item = da_pool_next(s->pool)) < (s->n_rows + DA_TILE - 1) / DA_TILE * n_heads) {
        uint32_t rows[DA_TILE], first = item / n_heads * DA_TILE, n = 0;
        while (n < DA_TILE && first + n < s->n_rows) {
            rows[n] = first + n;
            n++;
        }
        attend(s, &ks, rows, n, item % n_heads);
    }
    da_pool_barrier(s->pool);
    quantize_result(s, &y->wo);
    da_phase_matmul(s, &out, 1, s->attn, s->attn_stride, s->attn_tiles, s->n_rows, true);
    da_phase_mlp(s, y, worker);
}

/* Keys and values of the encoder's result for one decoder layer. */
static void cross_keys(struct da_session *s, uint32_t l)
{
    const struct da_t5_cross *x = &s->model->t5->cross[l];
    const struct da_layer *y = &s->model->layers[l];
    const struct keys ks = {&s->kv, s->t5.seq->src_pages, l, s->n_rows, NULL};
    const struct da_mm_job jobs[2] = {{&x->kv[0], s->qkv + y->k_off, s->qkv_stride},
                                      {&x->kv[1], s->qkv + y->v_off, s->qkv_stride}};
    da_phase_matmul(s, jobs, 2, s->xn, s->d_stride, s->x_tiles, s->n_rows, false);
    store_phase(s, &ks, y->k_off, y->v_off);
}

static void encode_main(void *ctx, unsigned worker)
{
    struct da_session *s = ctx;
    const struct da_t5 *t = s->model->t5;
    unsigned wants = 0;
    da_phase_embed(s);
    for (uint32_t l = 0; l < t->n_enc; l++)
        encoder_layer(s, l, worker);
    for (uint32_t l = 0; l < s->model->hp.n_layers; l++)
        wants |= da_wants_all(t->cross[l].kv, 2);
    da_phase_norm(s, &t->enc_norm, wants, s->xn, s->x_tiles);
    for (uint32_t l = 0; l < s->model->hp.n_layers; l++)
        cross_keys(s, l);
}

static void encode(struct da_session *s, uint32_t seq)
{
    struct da_seq *q = &s->seqs[seq];
    struct da_row *rows = s->t5.rows;
    for (uint32_t i = 0; i < q->n_ids; i++)
        rows[i] = (struct da_row){.seq = seq, .id = q->ids[i]};
    s->rows = rows;
    s->n_rows = (uint32_t)q->n_ids;
    s->n_logits = 0;
    s->t5.seq = q;
    da_pool_run(s->pool, encode_main, s);
    q->encoded = true;
}

/* --- the decoder's attention to it ------------------------------------------------------- */

void da_t5_cross_block(struct da_session *s, uint32_t layer)
{
    const struct da_t5_cross *x = &s->model->t5->cross[layer];
    const uint32_t n_heads = s->model->hp.n_heads;
    const struct da_mm_job q = {&x->q, s->qkv, s->qkv_stride}, out = {&x->wo, s->x, s->d_stride};
    uint32_t item;
    da_phase_norm(s, &x->norm, da_wants(&x->q), s->xn, s->x_tiles);
    da_phase_matmul(s, &q, 1, s->xn, s->d_stride, s->x_tiles, s->n_rows, false);
    while ((item = da_pool_next(s->pool)) < s->n_rows * n_heads) {
        uint32_t t = item / n_heads;
        const struct da_seq *seq = &s->seqs[s->rows[t].seq];
        const struct keys ks = {&s->kv, seq->src_pages, layer, (uint32_t)seq->n_ids, NULL};
        attend(s, &ks, &t, 1, item % n_heads);
    }
    da_pool_barrier(s->pool);
    quantize_result(s, &x->wo);
    da_phase_matmul(s, &out, 1, s->attn, s->attn_stride, s->attn_tiles, s->n_rows, true);
}

/* --- rows --------------------------------------------------------------------------------- */

static uint32_t pages_of(size_t n)
{
    return (uint32_t)((n + DA_KBLOCK - 1) / DA_KBLOCK);
}

/* Whether context and pages suffice for the rows. */
static enum da_rc check_room(struct da_session *s, const struct da_row *rows, uint32_t n_rows,
                             struct da_err *err)
{
    uint64_t need = 0;
    for (uint32_t t = 0; t < n_rows; t++) {
        struct da_seq *q = &s->seqs[rows[t].seq];
        q->plan_ids = (uint32_t)q->n_ids;
        q->plan_pos = q->n_pos;
        q->plan_encoded = q->encoded;
    }
    for (uint32_t t = 0; t < n_rows; t++) {
        struct da_seq *q = &s->seqs[rows[t].seq];
        if (!q->plan_encoded) {
            q->plan_ids++;
            q->plan_encoded = rows[t].want_logits;
            need += q->plan_encoded ? pages_of(q->plan_ids) : 0;
        }
        if (q->plan_encoded)
            need += q->plan_pos++ % DA_KBLOCK == 0;
        if (q->plan_ids + (uint64_t)q->plan_pos > (uint64_t)s->opts.n_ctx + 1)
            return da_fail(err, DA_ELIMIT, "a sequence passes the context of %u tokens",
                           (unsigned)s->opts.n_ctx);
    }
    if (need > s->kv.n_free)
        return da_fail(err, DA_ELIMIT, "no page of keys and values is free");
    return DA_OK;
}

enum da_rc da_t5_take_rows(struct da_session *s, const struct da_row *rows, uint32_t n_rows,
                           struct da_err *err)
{
    enum da_rc rc = check_room(s, rows, n_rows, err);
    uint32_t n = 0;
    if (rc)
        return rc;
    for (uint32_t t = 0; t < n_rows; t++) { /* encoders first: they use the same buffers */
        struct da_seq *q = &s->seqs[rows[t].seq];
        if (q->encoded)
            continue;
        DA_GROW(q->ids, q->n_ids, q->cap_ids);
        q->ids[q->n_ids++] = rows[t].id;
        if (!rows[t].want_logits)
            continue;
        while (q->n_src_pages < pages_of(q->n_ids) &&
               da_kv_take(&s->kv, &q->src_pages[q->n_src_pages]))
            q->n_src_pages++;
        encode(s, rows[t].seq);
        q->first_row = t;
    }
    s->n_logits = 0;
    for (uint32_t t = 0; t < n_rows; t++) {
        struct da_seq *q = &s->seqs[rows[t].seq];
        bool start = q->encoded && q->first_row == t && q->n_pos == 0;
        if (!q->encoded || (q->n_pos == 0 && !start))
            continue;
        if (q->n_pos % DA_KBLOCK == 0 && da_kv_take(&s->kv, &q->pages[q->n_pages]))
            q->n_pages++;
        if (rows[t].want_logits)
            s->logit_rows[s->n_logits++] = n;
        s->row_pos[n] = q->n_pos++;
        s->t5.rows[n] = rows[t];
        s->t5.rows[n++].id = start ? s->model->t5->start_token : rows[t].id;
    }
    s->rows = s->t5.rows;
    s->n_rows = n;
    return DA_OK;
}
