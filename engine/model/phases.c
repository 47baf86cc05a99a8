/*
 * The phases that all passes are made of: matrices, norms, rows into the form that
 * the next matrix reads, embedding. forward.c says how phases work.
 */
#include "engine/model/forward.h"

#include <string.h>

#include "engine/kernels/panels.h"

enum { MM_ITEMS_PER_THREAD = 6 };   /* enough to even out, few enough to stay cheap */

static bool wants_tiles(const struct da_weight *w)
{
    return da_panels_take_tiles(&w->p);
}

unsigned da_wants(const struct da_weight *w)
{
    if (!w->p.n_rows)
        return 0;
    if (w->p.kind == DA_PANEL_F16)
        return DA_WANTS_HALVES;
    return !wants_tiles(w) ? DA_WANTS_FLOATS
                           : DA_WANTS_TILES | (da_panels_super(&w->p) ? DA_WANTS_SUPERS : 0);
}

unsigned da_wants_all(const struct da_weight *w, uint32_t n)
{
    unsigned wants = 0;
    for (uint32_t i = 0; i < n; i++)
        wants |= da_wants(&w[i]);
    return wants;
}

void da_prepare_row(const struct da_session *s, unsigned wants, float *x, uint32_t n,
                    unsigned char *tile, unsigned slot)
{
    const struct da_kernels *k = s->model->kernels;
    if (wants & DA_WANTS_SUPERS)
        k->quantize_super(x, n, tile, slot);
    else if (wants & DA_WANTS_TILES)
        k->quantize_row(x, n, tile, slot);
    if ((wants & (DA_WANTS_HALVES | DA_WANTS_FLOATS)) == DA_WANTS_HALVES)
        k->round_half(x, n);
}

static const void *input_of(const struct da_weight *w, const float *x, const unsigned char *tiles)
{
    return wants_tiles(w) ? (const void *)tiles : (const void *)x;
}

/* --- matrices ------------------------------------------------------------------- */

void da_run_panels(const struct da_session *s, const struct da_mm_job *j, const float *x,
                   uint32_t x_stride, const unsigned char *tiles, uint32_t n_tok, uint32_t first,
                   uint32_t n, bool add)
{
    struct da_matmul mm = {
        .w = &j->w->p,
        .first_panel = first,
        .n_panels = n,
        .x = input_of(j->w, x, tiles),
        .x_stride = x_stride,
        .n_tok = n_tok,
        .out = j->out,
        .out_stride = j->stride,
        .bias = j->w->bias,
        .add = add,
    };
    da_matmul_run(s->model->kernels, &mm);
}

struct da_mm_cut da_cut_items(const struct da_session *s, uint32_t n_tok, uint32_t n_panels,
                              uint32_t least)
{
    const uint32_t items = da_pool_n_threads(s->pool) * MM_ITEMS_PER_THREAD;
    struct da_mm_cut c = {.n_blocks = (n_tok + HIDDEN_TOKENS - 1) / HIDDEN_TOKENS};
    uint32_t rows = (items + c.n_blocks - 1) / c.n_blocks;
    uint32_t step = (n_panels + rows - 1) / rows;
    c.step = da_pad(step < least ? least : step, least);
    c.n_rows = (n_panels + c.step - 1) / c.step;
    return c;
}

/* Panels [at, end) of all jobs in a row, for tokens [t0, t0 + n_tok). */
static void run_jobs(const struct da_session *s, const struct da_mm_job *jobs, uint32_t n_jobs,
                     const float *x, uint32_t x_stride, const unsigned char *tiles, uint32_t t0,
                     uint32_t n_tok, uint32_t at, uint32_t end, bool add)
{
    uint32_t base = 0;
    for (uint32_t i = 0; i < n_jobs; base += jobs[i].w->p.n_panels, i++) {
        uint32_t lo = at > base ? at - base : 0, n = jobs[i].w->p.n_panels;
        uint32_t hi = end > base ? end - base : 0;
        hi = hi < n ? hi : n;
        if (lo >= hi)
            continue;
        struct da_mm_job part = jobs[i];
        const size_t tile = wants_tiles(part.w) ? da_tile_bytes(part.w->p.n_cols) : 0;
        part.out += (size_t)t0 * part.stride + (size_t)lo * DA_LANES;
        da_run_panels(s, &part, x + (size_t)t0 * x_stride, x_stride, tiles + t0 / DA_TILE * tile,
                      n_tok, lo, hi - lo, add);
    }
}

/* All jobs read the same input. An item is a block of tokens, whose input stays in the second
 * cache, and a row of panels, which stream past it. */
void da_phase_matmul(struct da_session *s, const struct da_mm_job *jobs, uint32_t n_jobs,
                     const float *x, uint32_t x_stride, const unsigned char *tiles, uint32_t n_tok,
                     bool add)
{
    uint32_t total = 0, item;
    for (uint32_t i = 0; i < n_jobs; i++)
        total += jobs[i].w->p.n_panels;
    const struct da_mm_cut cut = da_cut_items(s, n_tok, total, 1);
    while ((item = da_pool_next(s->pool)) < cut.n_blocks * cut.n_rows) {
        uint32_t t0 = item / cut.n_rows * HIDDEN_TOKENS, at = item % cut.n_rows * cut.step;
        uint32_t n = n_tok - t0 < HIDDEN_TOKENS ? n_tok - t0 : HIDDEN_TOKENS;
        uint32_t end = at + cut.step < total ? at + cut.step : total;
        run_jobs(s, jobs, n_jobs, x, x_stride, tiles, t0, n, at, end, add);
    }
    da_pool_barrier(s->pool);
}

/* --- small pieces ----------------------------------------------------------------- */

/* Whole rows, where whoever made them could not do it. */
void da_phase_prepare(struct da_session *s, unsigned wants, float *x, uint32_t stride, uint32_t n,
                      uint32_t n_rows, unsigned char *tiles)
{
    uint32_t item;
    if (!(wants & ~(unsigned)DA_WANTS_FLOATS))
        return;
    while ((item = da_pool_next(s->pool)) * DA_TILE < n_rows)
        for (uint32_t t = item * DA_TILE; t < n_rows && t < (item + 1) * DA_TILE; t++)
            da_prepare_row(s, wants, x + (size_t)t * stride, n, tiles + item * da_tile_bytes(n),
                           t % DA_TILE);
    da_pool_barrier(s->pool);
}

void da_apply_norm(const struct da_session *s, const struct da_norm_weight *w, const float *x,
                   float *y)
{
    const struct da_model *m = s->model;
    if (!w->w)
        memcpy(y, x, m->hp.dim * sizeof *y);
    else if (m->family->norm == DA_NORM_RMS)
        m->kernels->rmsnorm(x, w->w, m->hp.norm_eps, m->hp.dim, y);
    else
        m->kernels->layernorm(x, w->w, w->b, m->hp.norm_eps, m->hp.dim, y);
}

/* With a tied head its panels hold the embedding too, and the file's own copy stays untouched. */
static void embed_token(const struct da_model *m, uint32_t id, float *x)
{
    const size_t row = (size_t)(m->embd->n_bytes / m->embd->dims[1]);
    if (m->facts.tied)
        da_panels_row(&m->head.p, id, x);
    else
        da_dequantize((enum da_qtype)m->embd->type, m->embd->data + id * row, x, m->hp.embd_dim);
}

/* Position and norm of a row's embedding. */
static void place_row(struct da_session *s, uint32_t t)
{
    const struct da_model *m = s->model;
    float *x = s->x + (size_t)t * s->d_stride, *y = s->xn + (size_t)t * s->d_stride;
    if (m->pos_embd) {
        size_t row = (size_t)(m->pos_embd->n_bytes / m->pos_embd->dims[1]);
        da_dequantize((enum da_qtype)m->pos_embd->type, m->pos_embd->data + s->row_pos[t] * row, y,
                      m->hp.dim);
        for (uint32_t i = 0; i < m->hp.dim; i++)
            x[i] += y[i];
    }
    if (m->embd_norm.w)
        da_apply_norm(s, &m->embd_norm, x, x);
}

void da_phase_embed(struct da_session *s)
{
    const struct da_model *m = s->model;
    const uint32_t dim = m->hp.embd_dim;
    const bool narrow = m->embd_in.p.n_rows != 0;
    uint32_t t;
    while ((t = da_pool_next(s->pool)) < s->n_rows) {
        float *x = (narrow ? s->tmp : s->x) + (size_t)t * s->d_stride;
        embed_token(m, s->rows[t].id, x);
        if (m->hp.embd_scale != 1.0f)
            for (uint32_t i = 0; i < dim; i++)
                x[i] *= m->hp.embd_scale;
        if (!narrow)
            place_row(s, t);
    }
    da_pool_barrier(s->pool);
    if (!narrow)
        return;
    const struct da_mm_job in = {&m->embd_in, s->x, s->d_stride};
    da_phase_prepare(s, da_wants(&m->embd_in), s->tmp, s->d_stride, dim, s->n_rows, s->x_tiles);
    da_phase_matmul(s, &in, 1, s->tmp, s->d_stride, s->x_tiles, s->n_rows, false);
    while ((t = da_pool_next(s->pool)) < s->n_rows)
        place_row(s, t);
    da_pool_barrier(s->pool);
}

/* Items are tiles of 8 rows, because a tile's bytes interleave its rows. */
void da_phase_norm(struct da_session *s, const struct da_norm_weight *w, unsigned wants, float *out,
                   unsigned char *tiles)
{
    uint32_t item;
    while ((item = da_pool_next(s->pool)) * DA_TILE < s->n_rows) {
        unsigned char *tile = tiles + item * da_tile_bytes(s->model->hp.dim);
        for (uint32_t t = item * DA_TILE; t < s->n_rows && t < (item + 1) * DA_TILE; t++) {
            float *y = out + (size_t)t * s->d_stride;
            da_apply_norm(s, w, s->x + (size_t)t * s->d_stride, y);
            da_prepare_row(s, wants, y, s->model->hp.dim, tile, t % DA_TILE);
        }
    }
    da_pool_barrier(s->pool);
}
