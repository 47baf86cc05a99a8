/*
 * One decoder for all families. Workers walk the same list of phases; inside a
 * phase they take items from the pool's counter, between phases they meet. An
 * item writes what no other item of the phase touches, and what it computes does
 * not depend on who takes it, so the result is the same for any number of
 * threads.
 *
 * Per layer: norm -> q k v -> rope and store -> attention -> output (added to the
 * stream) -> norm -> gate, up and their product -> down (added). Activations that
 * meet 4- or 8-bit weights are quantized by whoever made them.
 */
#include "engine/model/forward.h"

#include <math.h>
#include <string.h>

#include "engine/kernels/panels.h"

/* Whether a block's output is added in a phase of its own. */
static bool adds_apart(const struct da_session *s, const struct da_norm_weight *post,
                       const struct da_norm_weight *after)
{
    return post->w || after->w || s->model->hp.residual_scale != 1.0f;
}

/* tmp goes through its own norm and scale before it is added to the stream, which may then go
 * through one too. */
static void add_phase(struct da_session *s, const struct da_norm_weight *post,
                      const struct da_norm_weight *after)
{
    const float scale = s->model->hp.residual_scale;
    uint32_t t;
    while ((t = da_pool_next(s->pool)) < s->n_rows) {
        float *y = s->tmp + (size_t)t * s->d_stride, *x = s->x + (size_t)t * s->d_stride;
        if (post->w)
            da_apply_norm(s, post, y, y);
        for (uint32_t i = 0; i < s->model->hp.dim; i++)
            x[i] += y[i] * scale;
        if (after->w)
            da_apply_norm(s, after, x, x);
    }
    da_pool_barrier(s->pool);
}

/* --- positions and storing ----------------------------------------------------------- */

static void rotate(const struct da_session *s, unsigned rope, float *head, uint32_t pos)
{
    const uint32_t half = s->model->hp.n_rot / 2;
    const bool pairs = s->model->family->positions == DA_POS_ROPE_PAIR;
    const float *c = s->rope_cos[rope] + (size_t)pos * half;
    const float *sn = s->rope_sin[rope] + (size_t)pos * half;
    for (uint32_t i = 0; i < half; i++) {
        float *a = head + (pairs ? 2 * i : i), *b = pairs ? a + 1 : a + half;
        float x = *a, y = *b;
        *a = x * c[i] - y * sn[i];
        *b = y * c[i] + x * sn[i];
    }
}

static void clamp(float *x, uint32_t n, float limit)
{
    for (uint32_t i = 0; i < n; i++)
        x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i];
}

/* A kernel's row is whole vectors; a head may end earlier, and the next one begins there. */
static void head_norm(const struct da_model *m, const struct da_norm_weight *w, float *head)
{
    float row[DA_MODEL_MAX_HEAD_DIM];
    const uint32_t hd = m->hp.head_dim;
    if (hd % DA_LANES == 0) {
        m->kernels->rmsnorm(head, w->w, m->hp.norm_eps, hd, head);
        return;
    }
    memset(row, 0, da_pad(hd, DA_LANES) * sizeof *row);
    memcpy(row, head, hd * sizeof *row);
    m->kernels->rmsnorm(row, w->w, m->hp.norm_eps, hd, row);
    memcpy(head, row, hd * sizeof *row);
}

static void finish_head(const struct da_session *s, const struct da_layer *y, float *head,
                        uint32_t pos, const struct da_norm_weight *w)
{
    const struct da_model *m = s->model;
    if (m->hp.clamp_qkv > 0.0f)
        clamp(head, m->hp.head_dim, m->hp.clamp_qkv);
    if (w->w && m->family->qk_norm)
        head_norm(m, w, head);
    if (m->hp.n_rot)
        rotate(s, y->rope, head, pos);
}

static void finish_query(struct da_session *s, const struct da_layer *y, uint32_t t, uint32_t h)
{
    const struct da_hparams *hp = &s->model->hp;
    float *q = s->qkv + (size_t)t * s->qkv_stride + (size_t)h * hp->head_dim;
    finish_head(s, y, q, s->row_pos[t], &y->q_norm);
    if (s->kv.type == DA_KV_Q8) {
        size_t at = (size_t)t * hp->n_heads + h;
        float d;
        s->model->kernels->quantize_head(q, hp->head_dim, s->q8 + at * s->q8_stride, &d,
                                         &s->q8_sum[at]);
        s->q8_scale[at] = d * hp->attn_scale;
        return;
    }
    for (uint32_t i = 0; i < hp->head_dim; i++)
        q[i] *= hp->attn_scale;
}

/* Norms over all heads of a row, before a head is looked at alone. */
static void row_norm_phase(struct da_session *s, const struct da_layer *y)
{
    const struct da_model *m = s->model;
    uint32_t t;
    while ((t = da_pool_next(s->pool)) < s->n_rows) {
        float *q = s->qkv + (size_t)t * s->qkv_stride, *k = q + y->k_off;
        m->kernels->rmsnorm(q, y->q_norm.w, m->hp.norm_eps, y->n_heads * m->hp.head_dim, q);
        m->kernels->rmsnorm(k, y->k_norm.w, m->hp.norm_eps, y->n_kv_heads * m->hp.head_dim, k);
    }
    da_pool_barrier(s->pool);
}

/* Items are (row, key head): the head's key and value and the queries that use it. */
static void store_phase(struct da_session *s, uint32_t layer)
{
    const struct da_hparams *hp = &s->model->hp;
    const struct da_layer *y = &s->model->layers[layer];
    const uint32_t group = y->n_heads / y->n_kv_heads;
    uint32_t item;
    while ((item = da_pool_next(s->pool)) < s->n_rows * y->n_kv_heads) {
        uint32_t t = item / y->n_kv_heads, h = item % y->n_kv_heads, pos = s->row_pos[t];
        const struct da_seq *seq = &s->seqs[s->rows[t].seq];
        float *row = s->qkv + (size_t)t * s->qkv_stride;
        float *k = row + y->k_off + (size_t)h * hp->head_dim;
        float *v = row + y->v_off + (size_t)h * hp->head_dim;
        finish_head(s, y, k, pos, &y->k_norm);
        if (hp->clamp_qkv > 0.0f)
            clamp(v, hp->head_dim, hp->clamp_qkv);
        da_kv_store(&s->kv, s->model->kernels,
                    da_kv_slice(&s->kv, seq->pages[pos / DA_KBLOCK], layer, h), pos % DA_KBLOCK, k,
                    v);
        for (uint32_t i = 0; i < group; i++)
            finish_query(s, y, t, h * group + i);
    }
    da_pool_barrier(s->pool);
}

/* --- attention -------------------------------------------------------------------------- */

/*
 * Some key heads of a job, which lie side by side in a page, each with n_heads of its query heads.
 * The worker's rows are [n_kv_heads][job's rows][n_heads]. A page's heads are taken in turn before
 * the next page, so that memory is read in long stretches.
 */
struct attn_item {
    const struct da_attn_job *job;
    uint32_t layer, kv_head, n_kv_heads, first_head, n_heads;
    uint32_t window; /* 0: none */
};

static uint32_t rows_per_kv_head(const struct attn_item *it)
{
    return it->job->n_rows * it->n_heads;
}

/* The step's row and the query head of the worker's row n. */
static uint32_t query_of(const struct attn_item *it, uint32_t n, uint32_t *head)
{
    const uint32_t per = rows_per_kv_head(it);
    *head = it->first_head + n / per * it->n_heads + n % it->n_heads;
    return it->job->first_row + n % per / it->n_heads;
}

static void start_rows(const struct da_session *s, const struct attn_item *it,
                       struct da_attn_scratch *sc)
{
    const struct da_hparams *hp = &s->model->hp;
    const uint32_t d16 = da_pad(hp->head_dim, DA_LANES);
    const uint32_t n_rows = it->n_kv_heads * rows_per_kv_head(it);
    for (uint32_t n = 0; n < n_rows; n++) {
        uint32_t h, t = query_of(it, n, &h), pos = s->row_pos[t];
        size_t at = (size_t)t * hp->n_heads + h;
        struct da_attn_row *row = &sc->rows[n];
        *row = (struct da_attn_row){
            .q = s->qkv + (size_t)t * s->qkv_stride + (size_t)h * hp->head_dim,
            .pos = pos,
            .first = it->window && pos >= it->window ? pos - it->window + 1 : 0,
            .slope = s->model->alibi_slopes ? s->model->alibi_slopes[h] : 0.0f,
            .bias = s->t5.dec_bias ? da_t5_bias(s, h, pos) : NULL,
            .m = -INFINITY,
            .o = sc->o + (size_t)n * d16,
        };
        if (s->kv.type == DA_KV_Q8) {
            row->q8 = s->q8 + at * s->q8_stride;
            row->q8_scale = s->q8_scale[at];
            row->q8_sum = s->q8_sum[at];
        }
    }
    memset(sc->o, 0, (size_t)n_rows * d16 * sizeof *sc->o);
}

/* One key head's block for those of rows [lo, hi) that see some of it; next: the slice that will
 * be read after it, or NULL. */
static void attend_block(const struct da_session *s, const unsigned char *slice,
                         const unsigned char *next, uint32_t block, struct da_attn_row *rows,
                         uint32_t lo, uint32_t hi)
{
    const struct da_kernels *k = s->model->kernels;
    struct da_attn_block b = {
        .head_dim = s->model->hp.head_dim,
        .first_pos = block * DA_KBLOCK,
        .softcap = s->model->hp.attn_softcap,
    };
    while (lo < hi && rows[lo].pos < b.first_pos)
        lo++;
    while (lo < hi && rows[hi - 1].first >= b.first_pos + DA_KBLOCK)
        hi--;
    if (lo == hi)
        return;
    if (next) {
        da_kv_block(&s->kv, next, &b);
        b.next_k = b.k;
        b.next_v = b.v;
    }
    da_kv_block(&s->kv, slice, &b);
    if (s->kv.type == DA_KV_Q8)
        k->attn_q8(&b, rows + lo, hi - lo);
    else if (s->kv.type == DA_KV_F16)
        k->attn_f16(&b, rows + lo, hi - lo);
    else
        k->attn_f32(&b, rows + lo, hi - lo);
}

/* Blocks [first, end) of a sequence for the job's rows [lo, hi). */
static void attend_blocks(const struct da_session *s, const struct attn_item *it,
                          const struct da_seq *seq, uint32_t first, uint32_t end,
                          struct da_attn_row *rows, uint32_t lo, uint32_t hi)
{
    const uint32_t per = rows_per_kv_head(it);
    for (uint32_t b = first; b < end; b++) {
        for (uint32_t i = 0; i < it->n_kv_heads; i++) {
            const unsigned char *slice =
                da_kv_slice(&s->kv, seq->pages[b], it->layer, it->kv_head + i);
            const unsigned char *next = NULL;
            if (i + 1 < it->n_kv_heads)
                next = slice + s->kv.slice_bytes;
            else if (b + 1 < end)
                next = da_kv_slice(&s->kv, seq->pages[b + 1], it->layer, it->kv_head);
            attend_block(s, slice, next, b, rows, i * per + lo * it->n_heads,
                         i * per + hi * it->n_heads);
        }
    }
}

/* wants: what is done here, head by head. */
static void finish_rows(struct da_session *s, const struct attn_item *it,
                        struct da_attn_scratch *sc, unsigned wants)
{
    const struct da_hparams *hp = &s->model->hp;
    const uint32_t hd = hp->head_dim;
    const size_t tile_bytes = da_tile_bytes(s->model->layers[it->layer].n_heads * hd);
    for (uint32_t n = 0; n < it->n_kv_heads * rows_per_kv_head(it); n++) {
        uint32_t h, t = query_of(it, n, &h);
        float *out = s->attn + (size_t)t * s->attn_stride + (size_t)h * hd;
        float inv = 1.0f / sc->rows[n].l;
        for (uint32_t i = 0; i < hd; i++)
            out[i] = sc->rows[n].o[i] * inv;
        if (wants)
            da_prepare_row(s, wants, out, hd,
                           s->attn_tiles + t / DA_TILE * tile_bytes + da_tile_bytes(h * hd),
                           t % DA_TILE);
    }
}

static void attend(struct da_session *s, const struct attn_item *it, struct da_attn_scratch *sc,
                   unsigned wants)
{
    const struct da_attn_job *job = it->job;
    const uint32_t end = s->row_pos[job->first_row + job->n_rows - 1] / DA_KBLOCK + 1;
    /* A window ends at each sequence's own place: such blocks are not shared then. */
    const bool one_seq = job->n_shared == s->max_pages;
    const uint32_t most = it->window && !one_seq ? 0 : job->n_shared;
    const uint32_t shared = most < end ? most : end;
    start_rows(s, it, sc);
    attend_blocks(s, it, &s->seqs[s->rows[job->first_row].seq], 0, shared, sc->rows, 0,
                  job->n_rows);
    for (uint32_t r = 0; !one_seq && r < job->n_rows; r++) {
        uint32_t t = job->first_row + r;
        attend_blocks(s, it, &s->seqs[s->rows[t].seq], shared, s->row_pos[t] / DA_KBLOCK + 1,
                      sc->rows, r, r + 1);
    }
    finish_rows(s, it, sc, wants);
}

/* How many items a job's key heads make: as few as memory and a share for every thread allow. */
static uint32_t parts_of(const struct da_session *s, const struct da_attn_job *job,
                         uint32_t n_kv_heads, uint32_t group)
{
    const uint32_t room = s->max_attn_rows / (job->n_rows * group); /* key heads of an item */
    const uint32_t wanted = 4 * da_pool_n_threads(s->pool) / s->n_jobs + 1;
    const uint32_t least = (n_kv_heads + room - 1) / room;
    const uint32_t n = wanted > least ? wanted : least;
    return n < n_kv_heads ? n : n_kv_heads;
}

static void attention_phase(struct da_session *s, uint32_t layer, unsigned worker)
{
    const struct da_hparams *hp = &s->model->hp;
    const struct da_layer *y = &s->model->layers[layer];
    const uint32_t group = y->n_heads / y->n_kv_heads;
    const unsigned wants = da_wants(&y->wo);
    const bool here =
        hp->head_dim % (wants & DA_WANTS_SUPERS ? DA_SUPER : DA_GROUP) == 0; /* whole groups */
    /* few items: one query head each, so that all threads have work */
    const bool split = s->n_jobs * y->n_kv_heads < 4 * da_pool_n_threads(s->pool);
    uint32_t item = da_pool_next(s->pool), before = 0; /* items of the jobs taken so far */
    /* last jobs first: in a prompt they have the most keys */
    for (uint32_t j = s->n_jobs; j-- > 0;) {
        const struct da_attn_job *job = &s->jobs[j];
        const uint32_t n = split ? y->n_heads : parts_of(s, job, y->n_kv_heads, group);
        for (; item < before + n; item = da_pool_next(s->pool)) {
            const uint32_t i = item - before;
            const uint32_t kv = split ? i / group : i * y->n_kv_heads / n;
            const uint32_t next = split ? kv + 1 : (i + 1) * y->n_kv_heads / n;
            struct attn_item it = {
                .job = job,
                .layer = layer,
                .kv_head = kv,
                .n_kv_heads = next - kv,
                .first_head = split ? i : kv * group,
                .n_heads = split ? 1 : group,
                .window = y->window,
            };
            attend(s, &it, &s->scratch[worker], here ? wants : 0);
        }
        before += n;
    }
    da_pool_barrier(s->pool);
    if (!here)
        da_phase_prepare(s, wants, s->attn, s->attn_stride, y->n_heads * hp->head_dim, s->n_rows,
                         s->attn_tiles);
}

/* --- MLP -------------------------------------------------------------------------------- */

static void activate(const struct da_session *s, const float *gate, float *up, uint32_t n)
{
    const struct da_kernels *k = s->model->kernels;
    switch (s->model->hp.mlp) {
    case DA_MLP_SWIGLU: k->silu_mul(gate, up, n, up); return;
    case DA_MLP_GEGLU: k->gelu_mul(gate, up, n, up); return;
    case DA_MLP_GELU_ERF: k->gelu_erf(up, n, up); return;
    case DA_MLP_GELU_TANH: k->gelu_tanh(up, n, up); return;
    case DA_MLP_REGLU:
        for (uint32_t i = 0; i < n; i++)
            up[i] *= gate[i] > 0.0f ? gate[i] : 0.0f;
        return;
    case DA_MLP_RELU:
        for (uint32_t i = 0; i < n; i++)
            up[i] = up[i] > 0.0f ? up[i] : 0.0f;
        return;
    }
}

/* n panels of hidden values (a group or a super of the next matrix's input) of k tokens from t0 on,
 * through the worker's own small buffers to 8-bit form. */
static void hidden_tiles(struct da_session *s, const struct da_layer *y, const float *x,
                         const unsigned char *tiles, uint32_t t0, uint32_t k, uint32_t p,
                         uint32_t n, struct da_attn_scratch *sc)
{
    const uint32_t width = n * DA_LANES;
    const struct da_mm_job gate = {&y->gate, sc->gate, width};
    const struct da_mm_job up = {&y->up, sc->up, width};
    const size_t in_bytes = da_tile_bytes(s->model->hp.dim);
    const size_t out_bytes = da_tile_bytes(y->down.p.n_cols);
    unsigned char *out = s->ff_tiles + da_tile_bytes(p * DA_LANES);
    const unsigned char *in = tiles + t0 / DA_TILE * in_bytes;
    if (y->gate.p.n_rows)
        da_run_panels(s, &gate, x + (size_t)t0 * s->d_stride, s->d_stride, in, k, p, n, false);
    da_run_panels(s, &up, x + (size_t)t0 * s->d_stride, s->d_stride, in, k, p, n, false);
    for (uint32_t t = t0; t < t0 + k; t++) {
        float *h = sc->up + (size_t)(t - t0) * width;
        activate(s, sc->gate + (size_t)(t - t0) * width, h, width);
        da_prepare_row(s, da_wants(&y->down), h, width, out + t / DA_TILE * out_bytes, t % DA_TILE);
    }
}

static void hidden_floats(struct da_session *s, const struct da_layer *y, const float *x,
                          const unsigned char *tiles, uint32_t t0, uint32_t k, uint32_t p,
                          uint32_t n)
{
    const uint32_t col = p * DA_LANES;
    const size_t at = (size_t)t0 * s->ff_stride + col, in = (size_t)t0 * s->d_stride;
    const struct da_mm_job gate = {&y->gate, s->gate + at, s->ff_stride};
    const struct da_mm_job up = {&y->up, s->up + at, s->ff_stride};
    tiles += t0 / DA_TILE * da_tile_bytes(s->model->hp.dim);
    if (y->gate.p.n_rows)
        da_run_panels(s, &gate, x + in, s->d_stride, tiles, k, p, n, false);
    da_run_panels(s, &up, x + in, s->d_stride, tiles, k, p, n, false);
    for (uint32_t t = 0; t < k; t++) {
        float *h = s->up + at + (size_t)t * s->ff_stride;
        activate(s, s->gate + at + (size_t)t * s->ff_stride, h, n * DA_LANES);
        da_prepare_row(s, da_wants(&y->down), h, n * DA_LANES, NULL, 0);
    }
}

/* Items are blocks of tokens and panels that make whole groups or supers. */
static void hidden_phase(struct da_session *s, const struct da_layer *y, const float *x,
                         const unsigned char *tiles, unsigned worker)
{
    const uint32_t total = y->up.p.n_panels;
    const unsigned wants = da_wants(&y->down);
    const uint32_t least = (wants & DA_WANTS_SUPERS ? DA_SUPER : DA_GROUP) / DA_LANES;
    const struct da_mm_cut cut = da_cut_items(s, s->n_rows, total, least);
    uint32_t item;
    while ((item = da_pool_next(s->pool)) < cut.n_blocks * cut.n_rows) {
        uint32_t t0 = item / cut.n_rows * HIDDEN_TOKENS, at = item % cut.n_rows * cut.step;
        uint32_t k = s->n_rows - t0 < HIDDEN_TOKENS ? s->n_rows - t0 : HIDDEN_TOKENS;
        uint32_t end = at + cut.step < total ? at + cut.step : total;
        for (uint32_t p = at; p < end; p += least) {
            uint32_t n = end - p < least ? end - p : least;
            if (wants & DA_WANTS_TILES)
                hidden_tiles(s, y, x, tiles, t0, k, p, n, &s->scratch[worker]);
            else
                hidden_floats(s, y, x, tiles, t0, k, p, n);
        }
    }
    da_pool_barrier(s->pool);
}

/* --- the whole --------------------------------------------------------------------------- */

static void attention_block(struct da_session *s, uint32_t l, unsigned worker)
{
    const struct da_layer *y = &s->model->layers[l];
    struct da_mm_job jobs[3];
    for (uint32_t i = 0; i < y->n_qkv; i++)
        jobs[i] = (struct da_mm_job){&y->qkv[i],
                                     s->qkv + (i == 0   ? 0
                                               : i == 1 ? y->k_off
                                                        : y->v_off),
                                     s->qkv_stride};
    da_phase_matmul(s, jobs, y->n_qkv, s->xn, s->d_stride, s->x_tiles, s->n_rows, false);
    if (s->model->family->qk_norm_row)
        row_norm_phase(s, y);
    store_phase(s, l);
    attention_phase(s, l, worker);
    const bool apart = adds_apart(s, &y->post1, &y->after1);
    const struct da_mm_job out = {&y->wo, apart ? s->tmp : s->x, s->d_stride};
    da_phase_matmul(s, &out, 1, s->attn, s->attn_stride, s->attn_tiles, s->n_rows, !apart);
    if (apart)
        add_phase(s, &y->post1, &y->after1);
}

static void layer(struct da_session *s, uint32_t l, unsigned worker)
{
    const struct da_layer *y = &s->model->layers[l];
    const bool parallel = s->model->hp.parallel;
    const bool one = parallel && !y->norm2.w; /* the MLP reads what the attention reads */
    const unsigned mlp = da_wants(&y->up) | da_wants(&y->gate);
    const bool apart = adds_apart(s, &y->post2, &y->after2);
    float *xn2 = parallel && !one ? s->xn2 : s->xn;
    unsigned char *tiles2 = parallel && !one ? s->x2_tiles : s->x_tiles;
    da_phase_norm(s, &y->norm1, da_wants_all(y->qkv, y->n_qkv) | (one ? mlp : 0), s->xn,
                  s->x_tiles);
    if (parallel && !one)
        da_phase_norm(s, &y->norm2, mlp, xn2, tiles2);
    attention_block(s, l, worker);
    if (!parallel)
        da_phase_norm(s, &y->norm2, mlp, xn2, tiles2);
    hidden_phase(s, y, xn2, tiles2, worker);
    const struct da_mm_job down = {&y->down, apart ? s->tmp : s->x, s->d_stride};
    da_phase_matmul(s, &down, 1, s->up, s->ff_stride, s->ff_tiles, s->n_rows, !apart);
    if (apart)
        add_phase(s, &y->post2, &y->after2);
}

void da_phase_mlp(struct da_session *s, const struct da_layer *y, unsigned worker)
{
    const struct da_mm_job down = {&y->down, s->x, s->d_stride};
    da_phase_norm(s, &y->norm2, da_wants(&y->up) | da_wants(&y->gate), s->xn, s->x_tiles);
    hidden_phase(s, y, s->xn, s->x_tiles, worker);
    da_phase_matmul(s, &down, 1, s->up, s->ff_stride, s->ff_tiles, s->n_rows, true);
}

/* The decoder of an encoder-decoder. */
static void t5_layer(struct da_session *s, uint32_t l, unsigned worker)
{
    const struct da_layer *y = &s->model->layers[l];
    da_phase_norm(s, &y->norm1, da_wants_all(y->qkv, y->n_qkv), s->xn, s->x_tiles);
    attention_block(s, l, worker);
    da_t5_cross_block(s, l);
    da_phase_mlp(s, y, worker);
}

static void worker_main(void *ctx, unsigned worker)
{
    struct da_session *s = ctx;
    da_phase_embed(s);
    for (uint32_t l = 0; l < s->model->hp.n_layers; l++) {
        switch (s->model->family->pass) {
        case DA_PASS_DECODER: layer(s, l, worker); break;
        case DA_PASS_MAMBA: da_mamba_layer_step(s, l); break;
        case DA_PASS_T5: t5_layer(s, l, worker); break;
        }
    }
    da_phase_head(s, worker);
}

void da_forward(struct da_session *s)
{
    da_pool_run(s->pool, worker_main, s);
}
