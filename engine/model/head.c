/* See head.h. */
#include "engine/model/head.h"

#include "common/maths.h"
#include "engine/model/forward.h"

struct da_head_part da_head_reduce(const struct da_kernels *k, const float *x, uint32_t b,
                                   uint32_t n_vocab, bool want_sum)
{
    const uint32_t first = b * DA_HEAD_BLOCK;
    const uint32_t n = n_vocab - first < DA_HEAD_BLOCK ? n_vocab - first : DA_HEAD_BLOCK;
    const uint32_t at = k->argmax(x, n);
    return (struct da_head_part){.top = x[at],
                                 .at = first + at,
                                 .sum = want_sum ? k->sum_exp(x, n, x[at]) : 0.0};
}

static const struct da_head_part *best_of(const struct da_head_part *p, uint32_t n)
{
    const struct da_head_part *best = p;
    for (uint32_t b = 1; b < n; b++)
        if (!(best->top >= p[b].top) && p[b].top == p[b].top)
            best = &p[b];
    return best;
}

uint32_t da_head_top(const struct da_head_part *p, uint32_t n)
{
    return best_of(p, n)->at;
}

double da_head_lse(const struct da_head_part *p, uint32_t n)
{
    const double top = (double)best_of(p, n)->top;
    double sum = 0.0;
    for (uint32_t b = 0; b < n; b++)
        sum += p[b].sum * da_exp((double)p[b].top - top);
    return top + da_log(sum);
}

/* What a step wants of the head for some of its rows. */
struct head_job {
    const uint32_t *rows; /* [n], of the step */
    uint32_t n;
    bool scores; /* log-probabilities of the rows' targets; else logits */
    const float *in; /* what the matrix reads, [n][d_stride] */
};

/* The rows' last norm, and the form that the matrix reads. */
static void prepare(struct da_session *s, struct head_job *j)
{
    const struct da_model *m = s->model;
    const bool narrow = m->embd_out.p.n_rows != 0;
    const unsigned wants = da_wants(narrow ? &m->embd_out : &m->head);
    uint32_t item;
    while ((item = da_pool_next(s->pool)) * DA_TILE < j->n) {
        for (uint32_t i = item * DA_TILE; i < j->n && i < (item + 1) * DA_TILE; i++) {
            float *y = s->xn + (size_t)i * s->d_stride;
            da_apply_norm(s, &m->out_norm, s->x + (size_t)j->rows[i] * s->d_stride, y);
            da_prepare_row(s, wants, y, m->hp.dim, s->x_tiles + item * da_tile_bytes(m->hp.dim),
                           i % DA_TILE);
        }
    }
    da_pool_barrier(s->pool);
    j->in = s->xn;
    if (!narrow)
        return;
    const struct da_mm_job out = {&m->embd_out, s->tmp, s->d_stride};
    da_phase_matmul(s, &out, 1, s->xn, s->d_stride, s->x_tiles, j->n, false);
    da_phase_prepare(s, da_wants(&m->head), s->tmp, s->d_stride, m->hp.embd_dim, j->n, s->x_tiles);
    j->in = s->tmp;
}

/* Soft cap and scale. */
static void bend(const struct da_model *m, float *y, uint32_t n)
{
    if (m->hp.logit_softcap != 0.0f)
        m->kernels->softcap(y, m->hp.logit_softcap, n, y);
    for (uint32_t i = 0; m->hp.logit_scale != 1.0f && i < n; i++)
        y[i] /= m->hp.logit_scale;
}

/* Block b of the vocabulary for rows [t0, t0 + n). */
static void block(struct da_session *s, const struct head_job *j, uint32_t b, uint32_t t0,
                  uint32_t n, float *scratch)
{
    const struct da_model *m = s->model;
    const uint32_t panels = DA_HEAD_BLOCK / DA_LANES, first = b * panels, col = b * DA_HEAD_BLOCK;
    const uint32_t left = m->hp.n_vocab - col, width = left < DA_HEAD_BLOCK ? left : DA_HEAD_BLOCK;
    const uint32_t n_panels = m->head.p.n_panels - first;
    const uint32_t stride = j->scores ? (uint32_t)DA_HEAD_BLOCK : s->vocab_stride;
    float *out = j->scores ? scratch : s->logits + (size_t)t0 * stride + col;
    struct da_head_part *parts = j->scores ? s->score_parts : s->logit_parts;
    const struct da_mm_job job = {&m->head, out, stride};
    const size_t tile = da_tile_bytes(m->head.p.n_cols);
    da_run_panels(s, &job, j->in + (size_t)t0 * s->d_stride, s->d_stride,
                  s->x_tiles + t0 / DA_TILE * tile, n, first, n_panels < panels ? n_panels : panels,
                  false);
    for (uint32_t i = 0; i < n; i++) {
        float *y = out + (size_t)i * stride;
        bend(m, y, width);
        parts[(size_t)(t0 + i) * s->n_head_blocks + b] =
            da_head_reduce(m->kernels, y, b, m->hp.n_vocab, j->scores || s->wants_lse);
        if (j->scores) {
            const uint32_t target = (uint32_t)s->rows[j->rows[t0 + i]].target;
            if (target >= col && target - col < width)
                s->score_logits[t0 + i] = y[target - col];
        }
    }
}

/* Items are blocks of the vocabulary times blocks of rows; those of one block of the vocabulary
 * follow one another, so that its weights are read from memory once. */
static void run(struct da_session *s, const uint32_t *rows, uint32_t n, bool scores,
                unsigned worker)
{
    struct head_job j = {.rows = rows, .n = n, .scores = scores};
    const uint32_t n_blocks = (n + HIDDEN_TOKENS - 1) / HIDDEN_TOKENS;
    uint32_t item;
    if (n == 0)
        return;
    prepare(s, &j);
    while ((item = da_pool_next(s->pool)) < s->n_head_blocks * n_blocks) {
        const uint32_t t0 = item % n_blocks * HIDDEN_TOKENS;
        block(s, &j, item / n_blocks, t0, n - t0 < HIDDEN_TOKENS ? n - t0 : HIDDEN_TOKENS,
              s->scratch[worker].logits);
    }
    da_pool_barrier(s->pool);
}

void da_phase_head(struct da_session *s, unsigned worker)
{
    run(s, s->logit_rows, s->n_logits, false, worker);
    run(s, s->score_rows, s->n_scores, true, worker);
}
