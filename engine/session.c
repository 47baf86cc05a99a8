/* Sequences, pages, and setting up a step. The arithmetic is in model/forward.c. */
#include "engine/session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/threads.h"
#include "engine/bigmem.h"
#include "engine/model/forward.h"
#include "engine/model/rope.h"

enum { JOB_QUERIES = 48, MAX_SEQS = 1 << 16 }; /* query rows of an attention job, about */

/* A zeroed part of the session's arena. The first time round there is no arena yet: the parts only
 * add up to its size, and are NULL. */
static void *part(struct da_session *s, size_t n, size_t size)
{
    const size_t at = s->arena_bytes;
    size_t bytes = SIZE_MAX / 2;
    if (size <= (SIZE_MAX / 4 - 64) / (n ? n : 1))
        bytes = (n * size + 63) / 64 * 64;
    s->arena_bytes = at > SIZE_MAX / 2 - bytes ? SIZE_MAX / 2 : at + bytes;
    return s->arena ? s->arena + at : NULL;
}

/* Floats from row to row: an odd number of cache lines, so that a column of many rows does not
 * fall into few sets of the cache. */
static uint32_t stride_of(uint32_t n)
{
    uint32_t lines = da_pad(n, DA_GROUP) / DA_LANES;
    return (lines + (lines % 2 == 0)) * DA_LANES;
}

static void set_strides(struct da_session *s)
{
    const struct da_hparams *hp = &s->model->hp;
    uint32_t group = 1, qkv = 1;
    for (uint32_t l = 0; l < hp->n_layers; l++) {
        const struct da_layer *y = &s->model->layers[l];
        uint32_t end = y->v_off + y->n_kv_heads * hp->head_dim, g = y->n_heads / y->n_kv_heads;
        qkv = end > qkv ? end : qkv;
        group = g > group ? g : group;
    }
    s->d_stride = stride_of(hp->dim > hp->embd_dim ? hp->dim : hp->embd_dim);
    s->attn_stride = stride_of(hp->n_heads * hp->head_dim);
    s->ff_stride = stride_of(hp->ff_dim);
    s->vocab_stride = da_pad(hp->n_vocab, DA_LANES);
    s->n_head_blocks = da_head_blocks(hp->n_vocab);
    s->q8_stride = da_pad(hp->head_dim, 64);
    s->qkv_stride = stride_of(qkv);
    if (s->model->mamba) { /* x and z, x again, and the widths of steps stand in these rows */
        const struct da_mamba *b = s->model->mamba;
        s->qkv_stride = stride_of(2 * b->inner);
        s->attn_stride = stride_of(b->inner);
        s->ff_stride =
            stride_of(b->inner > b->rank + 2 * b->state ? b->inner : b->rank + 2 * b->state);
    }
    s->job_rows = group < JOB_QUERIES ? JOB_QUERIES / group : 1;
    s->max_attn_rows = s->job_rows * group;
}

/* Whether some block's output is not simply added to the stream. */
static bool needs_tmp(const struct da_model *m)
{
    return m->family->norms >= DA_NORMS_SANDWICH || m->hp.residual_scale != 1.0f ||
           m->embd_in.p.n_rows;
}

static unsigned n_ropes(const struct da_model *m)
{
    return m->family->window_rope ? 2 : 1;
}

/* What the second matrices of all MLPs want. */
static unsigned hidden_wants(const struct da_model *m)
{
    unsigned wants = m->mamba ? DA_WANTS_FLOATS : 0;
    for (uint32_t l = 0; l < m->hp.n_layers; l++)
        wants |= da_wants(&m->layers[l].down);
    for (uint32_t l = 0; m->t5 && l < m->t5->n_enc; l++)
        wants |= da_wants(&m->t5->enc[l].down);
    return wants;
}

/* What each thread and each sequence has for itself. */
static void lay_out_own(struct da_session *s)
{
    const unsigned n_threads = da_pool_n_threads(s->pool);
    const bool supers = hidden_wants(s->model) & DA_WANTS_SUPERS;
    const size_t hidden = (size_t)HIDDEN_TOKENS * (supers ? DA_SUPER : DA_GROUP),
                 rows = da_pad(s->max_attn_rows, DA_LANES),
                 o = rows * da_pad(s->model->hp.head_dim, DA_LANES), n_seqs = s->opts.n_seqs;
    float *gate = part(s, n_threads * hidden, sizeof *gate),
          *up = part(s, n_threads * hidden, sizeof *up), *out = part(s, n_threads * o, sizeof *out);
    const size_t head = s->opts.n_scores ? (size_t)HIDDEN_TOKENS * DA_HEAD_BLOCK : 0;
    float *logits = part(s, n_threads * head, sizeof *logits);
    struct da_attn_row *attn_rows = part(s, n_threads * rows, sizeof *attn_rows);
    uint32_t *pages = part(s, n_seqs * s->max_pages, sizeof *pages),
             *src_pages = part(s, s->model->t5 ? n_seqs * s->max_pages : 0, sizeof *src_pages);
    s->seqs = part(s, n_seqs, sizeof *s->seqs);
    s->scratch = part(s, n_threads, sizeof *s->scratch);
    if (!s->arena)
        return;
    for (unsigned i = 0; i < n_threads; i++) {
        s->scratch[i].gate = gate + i * hidden;
        s->scratch[i].up = up + i * hidden;
        s->scratch[i].rows = attn_rows + i * rows;
        s->scratch[i].o = out + i * o;
        s->scratch[i].logits = logits + i * head;
    }
    for (uint32_t i = 0; i < n_seqs; i++) {
        s->seqs[i].pages = pages + (size_t)i * s->max_pages;
        s->seqs[i].src_pages = s->model->t5 ? src_pages + (size_t)i * s->max_pages : NULL;
    }
}

static void lay_out(struct da_session *s)
{
    const struct da_hparams *hp = &s->model->hp;
    const bool whole = s->model->t5 && s->opts.n_ctx > s->opts.batch; /* encoders take all rows */
    const size_t n = da_pad(whole ? s->opts.n_ctx : s->opts.batch, DA_TILE), tiles = n / DA_TILE;
    const size_t rope = hp->n_rot ? (size_t)s->opts.n_ctx * (hp->n_rot / 2) : 0;
    const uint32_t d = hp->dim > hp->embd_dim ? hp->dim : hp->embd_dim;
    const struct da_mamba *mamba = s->model->mamba;
    const uint32_t attn = mamba ? mamba->inner : hp->n_heads * hp->head_dim;
    const uint32_t ff = mamba ? mamba->rank : hp->ff_dim;
    const bool float_mlp = hidden_wants(s->model) & (DA_WANTS_FLOATS | DA_WANTS_HALVES);
    s->x = part(s, n * s->d_stride, sizeof(float));
    s->xn = part(s, n * s->d_stride, sizeof(float));
    s->xn2 = part(s, hp->parallel ? n * s->d_stride : 1, sizeof(float));
    s->tmp = part(s, needs_tmp(s->model) ? n * s->d_stride : 1, sizeof(float));
    s->qkv = part(s, n * s->qkv_stride, sizeof(float));
    s->attn = part(s, n * s->attn_stride, sizeof(float));
    s->gate = part(s, float_mlp ? n * s->ff_stride : 1, sizeof(float));
    s->up = part(s, float_mlp ? n * s->ff_stride : 1, sizeof(float));
    s->x_tiles = part(s, tiles, da_tile_bytes(da_pad(d, DA_GROUP)));
    s->x2_tiles = part(s, hp->parallel ? tiles : 1, da_tile_bytes(da_pad(d, DA_GROUP)));
    s->attn_tiles = part(s, tiles, da_tile_bytes(da_pad(attn, DA_GROUP)));
    s->ff_tiles = part(s, tiles, da_tile_bytes(da_pad(ff, DA_GROUP)));
    s->q8 = part(s, n * hp->n_heads, s->q8_stride);
    s->q8_scale = part(s, n * hp->n_heads, sizeof(float));
    s->q8_sum = part(s, n * hp->n_heads, sizeof(int32_t));
    s->logits = part(s, (size_t)s->opts.n_logits * s->vocab_stride, sizeof(float));
    s->logit_parts = part(s, (size_t)s->opts.n_logits * s->n_head_blocks, sizeof *s->logit_parts);
    s->score_parts = part(s, (size_t)s->opts.n_scores * s->n_head_blocks, sizeof *s->score_parts);
    s->score_logits = part(s, s->opts.n_scores, sizeof(float));
    for (unsigned i = 0; i < n_ropes(s->model); i++) {
        s->rope_cos[i] = part(s, rope, sizeof(float));
        s->rope_sin[i] = part(s, rope, sizeof(float));
    }
    s->row_pos = part(s, n, sizeof *s->row_pos);
    s->logit_rows = part(s, s->opts.n_logits, sizeof *s->logit_rows);
    s->score_rows = part(s, s->opts.n_scores, sizeof *s->score_rows);
    s->jobs = part(s, n, sizeof *s->jobs);
    lay_out_own(s);
}

static enum da_rc make_buffers(struct da_session *s, struct da_err *err)
{
    lay_out(s);
    if (s->arena_bytes >= SIZE_MAX / 2 || !(s->arena = da_big_alloc(s->arena_bytes)))
        return da_fail(err, DA_ENOMEM, "no memory for the buffers of a batch of %" PRIu32,
                       s->opts.batch);
    s->arena_bytes = 0;
    lay_out(s);
    for (unsigned i = 0; s->model->hp.n_rot && i < n_ropes(s->model); i++)
        da_rope_table(&s->model->rope[i], s->model->hp.n_rot, s->opts.n_ctx, s->rope_cos[i],
                      s->rope_sin[i]);
    return DA_OK;
}

/* Of a model without keys and values. */
static enum da_rc make_states(struct da_session *s, struct da_err *err)
{
    const size_t one = da_mamba_state_floats(s->model);
    if (one > SIZE_MAX / 8 / s->opts.n_seqs)
        return da_fail(err, DA_ELIMIT, "states of %" PRIu32 " sequences overflow", s->opts.n_seqs);
    s->states_bytes = one * s->opts.n_seqs * sizeof *s->states;
    if (!(s->states = da_big_alloc(s->states_bytes)))
        return da_fail(err, DA_ENOMEM, "no memory for the states of %" PRIu32 " sequences",
                       s->opts.n_seqs);
    for (uint32_t i = 0; i < s->opts.n_seqs; i++)
        s->seqs[i].state = s->states + one * i;
    return DA_OK;
}

static void choose(struct da_session *s, const struct da_session_opts *o)
{
    const struct da_model *m = s->model;
    s->opts = *o;
    if (!s->opts.n_threads)
        s->opts.n_threads = da_threads_available();
    if (s->opts.n_threads > DA_THREADS_MAX)
        s->opts.n_threads = DA_THREADS_MAX;
    if (m->mamba)
        s->opts.kv = DA_KV_F32; /* there are none */
    if (s->opts.kv == DA_KV_AUTO)
        s->opts.kv = m->quantized                         ? DA_KV_Q8
                     : strcmp(m->facts.quant, "f32") == 0 ? DA_KV_F32
                                                          : DA_KV_F16;
    /* long rope: nobody asked for more than what its short divisors are for */
    if (!s->opts.n_ctx && m->rope[0].long_ones && m->rope[0].old_ctx < m->hp.n_ctx)
        s->opts.n_ctx = m->rope[0].old_ctx;
    /* relative positions have no end of their own */
    if (!s->opts.n_ctx || (s->opts.n_ctx > m->hp.n_ctx && !m->t5))
        s->opts.n_ctx = m->hp.n_ctx;
    if (s->opts.n_ctx > DA_MODEL_MAX_CTX)
        s->opts.n_ctx = DA_MODEL_MAX_CTX;
    s->opts.n_seqs = !o->n_seqs ? 1 : o->n_seqs > MAX_SEQS ? MAX_SEQS : o->n_seqs;
    if (!s->opts.batch)
        s->opts.batch = DA_ENGINE_BATCH;
    if (s->opts.batch > DA_ENGINE_MAX_BATCH)
        s->opts.batch = DA_ENGINE_MAX_BATCH;
    if (!s->opts.n_logits)
        s->opts.n_logits = s->opts.n_seqs;
    if (s->opts.n_logits > s->opts.batch)
        s->opts.n_logits = s->opts.batch;
    if (s->opts.n_scores > s->opts.batch || m->t5)
        s->opts.n_scores = m->t5 ? 0 : s->opts.batch; /* scores of an encoder-decoder: refused */
    if (!s->opts.kv_max_bytes)
        s->opts.kv_max_bytes = DA_ENGINE_KV_MAX;
}

enum da_rc da_session_new(struct da_session **ret, const struct da_model *m,
                          const struct da_session_opts *opts, struct da_err *err)
{
    struct da_session *s = da_calloc(1, sizeof *s);
    enum da_rc rc;
    s->model = m;
    choose(s, opts);
    s->max_pages = (s->opts.n_ctx + DA_KBLOCK - 1) / DA_KBLOCK;
    s->pool = da_pool_new(s->opts.n_threads);
    set_strides(s);
    size_t page = da_kv_page_bytes(s->opts.kv, &m->hp);
    /* an encoder's and a decoder's part may each begin a page */
    const uint32_t one = s->max_pages + (m->t5 ? 1 : 0);
    uint64_t most = (uint64_t)one * s->opts.n_seqs;
    uint64_t n_pages = page ? s->opts.kv_max_bytes / page : most;
    n_pages = n_pages < most ? n_pages : most;
    if (n_pages < one) {
        rc = da_fail(err, DA_ELIMIT,
                     "keys and values of one sequence of %" PRIu32 " tokens need %" PRIu64
                     " bytes, the limit is %" PRIu64,
                     s->opts.n_ctx, (uint64_t)s->max_pages * page, s->opts.kv_max_bytes);
        goto out;
    }
    if ((rc = da_kv_init(&s->kv, s->opts.kv, &m->hp, (uint32_t)n_pages, err)))
        goto out;
    if ((rc = make_buffers(s, err)))
        goto out;
    if (m->t5)
        rc = da_t5_start(s, err);
    if (m->mamba)
        rc = make_states(s, err);
out:
    if (rc)
        da_session_free(s);
    else
        *ret = s;
    return rc;
}

void da_session_free(struct da_session *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; s->seqs && i < s->opts.n_seqs; i++)
        free(s->seqs[i].ids);
    da_big_free(s->arena, s->arena_bytes);
    da_big_free(s->states, s->states_bytes);
    da_t5_stop(s);
    da_kv_release(&s->kv);
    da_pool_free(s->pool);
    free(s);
}

const struct da_session_opts *da_session_opts(const struct da_session *s)
{
    return &s->opts;
}

const struct da_model *da_session_model(const struct da_session *s)
{
    return s->model;
}

/* --- sequences ---------------------------------------------------------------- */

enum da_rc da_seq_open(struct da_session *s, uint32_t *seq, struct da_err *err)
{
    for (uint32_t i = 0; i < s->opts.n_seqs; i++) {
        struct da_seq *q = &s->seqs[i];
        if (q->open)
            continue;
        q->open = true;
        q->n_pos = q->n_pages = q->n_src_pages = 0;
        q->n_ids = 0;
        q->encoded = false;
        if (q->state)
            memset(q->state, 0, da_mamba_state_floats(s->model) * sizeof *q->state);
        *seq = i;
        return DA_OK;
    }
    return da_fail(err, DA_ELIMIT, "all %" PRIu32 " sequences are in use", s->opts.n_seqs);
}

/* Tokens before n_pos that are an encoder's, and positions of keys and values that stand for the
 * rest: the decoder's start token is one more. */
static void split_length(const struct da_seq *q, const struct da_model *m, uint32_t n_pos,
                         size_t *n_ids, uint32_t *n_kv)
{
    bool whole = !m->t5 || (q->encoded && n_pos >= q->n_ids);
    *n_ids = m->mamba || !whole ? n_pos : q->n_ids;
    *n_kv = !m->t5 ? n_pos : whole ? n_pos - (uint32_t)q->n_ids + 1 : 0;
}

/* Mamba: the state after the sequence's first n tokens, computed anew. */
static enum da_rc replay(struct da_session *s, uint32_t seq, uint32_t n, struct da_err *err)
{
    enum { ROWS = 64 };
    struct da_seq *q = &s->seqs[seq];
    int32_t *ids = da_memdup(q->ids, n * sizeof *ids);
    enum da_rc rc = DA_OK;
    while (q->n_pages)
        da_kv_unref(&s->kv, q->pages[--q->n_pages]);
    q->n_pos = 0;
    q->n_ids = 0;
    memset(q->state, 0, da_mamba_state_floats(s->model) * sizeof *q->state);
    const uint32_t most = s->opts.batch < ROWS ? s->opts.batch : ROWS;
    for (uint32_t at = 0; at < n && !rc;) {
        struct da_row rows[ROWS];
        uint32_t k = 0;
        for (; k < most && at < n; k++, at++)
            rows[k] = (struct da_row){.seq = seq, .id = ids[at]};
        rc = da_session_step(s, rows, k, err);
    }
    free(ids);
    return rc;
}

static void copy_ids(struct da_seq *to, const struct da_seq *from, size_t n)
{
    to->n_ids = 0;
    DA_GROW_BY(to->ids, to->n_ids, n, to->cap_ids);
    if (n)
        memcpy(to->ids, from->ids, n * sizeof *to->ids);
    to->n_ids = n;
}

/* What a sequence has beside pages of its own, up to n_pos. */
static enum da_rc fork_rest(struct da_session *s, uint32_t src, uint32_t n_pos, size_t n_ids,
                            uint32_t id, struct da_err *err)
{
    const struct da_seq *from = &s->seqs[src];
    struct da_seq *to = &s->seqs[id];
    const size_t n_state = from->state ? da_mamba_state_floats(s->model) : 0;
    if (!s->model->mamba && !s->model->t5)
        return DA_OK;
    copy_ids(to, from, n_ids);
    if (s->model->mamba && n_pos < from->n_pos)
        return replay(s, id, n_pos, err);
    if (n_state)
        memcpy(to->state, from->state, n_state * sizeof *to->state);
    if (to->n_pos && from->encoded) {
        to->encoded = true;
        to->n_src_pages = from->n_src_pages;
        for (uint32_t i = 0; i < to->n_src_pages; i++) {
            to->src_pages[i] = from->src_pages[i];
            da_kv_ref(&s->kv, to->src_pages[i]);
        }
    }
    return DA_OK;
}

enum da_rc da_seq_fork(struct da_session *s, uint32_t src, uint32_t n_pos, uint32_t *seq,
                       struct da_err *err)
{
    const struct da_seq *from = &s->seqs[src];
    uint32_t page, id = 0, n_kv;
    size_t n_ids;
    enum da_rc rc = da_seq_open(s, &id, err);
    if (rc)
        return rc;
    struct da_seq *to = &s->seqs[id];
    split_length(from, s->model, n_pos, &n_ids, &n_kv);
    const uint32_t whole = n_kv / DA_KBLOCK;
    if (n_kv % DA_KBLOCK) {
        if (!da_kv_take(&s->kv, &page)) {
            to->open = false;
            return da_fail(err, DA_ELIMIT, "no page of keys and values is free");
        }
        da_kv_copy(&s->kv, page, from->pages[whole]);
        to->pages[whole] = page;
    }
    for (uint32_t i = 0; i < whole; i++) {
        to->pages[i] = from->pages[i];
        da_kv_ref(&s->kv, to->pages[i]);
    }
    to->n_pos = n_kv;
    to->n_pages = whole + (n_kv % DA_KBLOCK != 0);
    if ((rc = fork_rest(s, src, n_pos, n_ids, id, err))) {
        da_seq_close(s, id);
        return rc;
    }
    *seq = id;
    return DA_OK;
}

void da_seq_close(struct da_session *s, uint32_t seq)
{
    struct da_seq *q = &s->seqs[seq];
    for (uint32_t i = 0; i < q->n_pages; i++)
        da_kv_unref(&s->kv, q->pages[i]);
    for (uint32_t i = 0; i < q->n_src_pages; i++)
        da_kv_unref(&s->kv, q->src_pages[i]);
    q->n_pages = q->n_src_pages = q->n_pos = 0;
    q->n_ids = 0;
    q->open = q->encoded = false;
}

uint32_t da_seq_len(const struct da_session *s, uint32_t seq)
{
    const struct da_seq *q = &s->seqs[seq];
    if (!s->model->t5)
        return q->n_pos;
    return (uint32_t)q->n_ids + (q->encoded ? q->n_pos - 1 : 0);
}

enum da_rc da_seq_truncate(struct da_session *s, uint32_t seq, uint32_t n_pos, struct da_err *err)
{
    struct da_seq *q = &s->seqs[seq];
    uint32_t page, n_kv;
    size_t n_ids;
    split_length(q, s->model, n_pos, &n_ids, &n_kv);
    if (s->model->mamba)
        return n_pos < q->n_pos ? replay(s, seq, n_pos, err) : DA_OK;
    const uint32_t keep = (n_kv + DA_KBLOCK - 1) / DA_KBLOCK;
    if (n_kv % DA_KBLOCK && s->kv.refs[q->pages[keep - 1]] > 1) {
        if (!da_kv_take(&s->kv, &page))
            return da_fail(err, DA_ELIMIT, "no page of keys and values is free");
        da_kv_copy(&s->kv, page, q->pages[keep - 1]);
        da_kv_unref(&s->kv, q->pages[keep - 1]);
        q->pages[keep - 1] = page;
    }
    while (q->n_pages > keep)
        da_kv_unref(&s->kv, q->pages[--q->n_pages]);
    q->n_pos = n_kv;
    q->n_ids = n_ids;
    if (s->model->t5 && n_kv == 0) {
        while (q->n_src_pages)
            da_kv_unref(&s->kv, q->src_pages[--q->n_src_pages]);
        q->encoded = false;
    }
    return DA_OK;
}

uint32_t da_session_pages_for(const struct da_session *s, uint64_t n_prompt, uint64_t n_new)
{
    const uint64_t most = s->opts.n_ctx;
    uint64_t all = n_prompt + n_new < most ? n_prompt + n_new : most;
    if (!s->model->t5)
        return (uint32_t)((all + DA_KBLOCK - 1) / DA_KBLOCK);
    uint64_t enc = n_prompt < most ? n_prompt : most, dec = all - enc + 1;
    return (uint32_t)((enc + DA_KBLOCK - 1) / DA_KBLOCK + (dec + DA_KBLOCK - 1) / DA_KBLOCK);
}

uint32_t da_session_pages_free(const struct da_session *s)
{
    return s->kv.n_free;
}

uint32_t da_session_pages(const struct da_session *s)
{
    return s->kv.n_pages;
}

uint64_t da_session_kv_bytes(const struct da_session *s)
{
    return (uint64_t)s->kv.n_pages * s->kv.page_bytes;
}

/* --- steps -------------------------------------------------------------------- */

static enum da_rc check_rows(const struct da_session *s, const struct da_row *rows, uint32_t n_rows,
                             struct da_err *err)
{
    uint32_t logits = 0, scores = 0;
    if (n_rows == 0 || n_rows > s->opts.batch)
        return da_fail(err, DA_EUSAGE, "a step of %" PRIu32 " tokens; the batch is %" PRIu32,
                       n_rows, s->opts.batch);
    for (uint32_t t = 0; t < n_rows; t++) {
        if (rows[t].seq >= s->opts.n_seqs || !s->seqs[rows[t].seq].open)
            return da_fail(err, DA_EUSAGE, "sequence %" PRIu32 " is not open", rows[t].seq);
        if (rows[t].id < 0 || (uint32_t)rows[t].id >= s->model->hp.n_vocab)
            return da_fail(err, DA_EUSAGE,
                           "token %" PRId32 " is outside the vocabulary of %" PRIu32, rows[t].id,
                           s->model->hp.n_vocab);
        logits += rows[t].want_logits;
        scores += rows[t].want_score;
        if (rows[t].want_score &&
            (rows[t].target < 0 || (uint32_t)rows[t].target >= s->model->hp.n_vocab))
            return da_fail(err, DA_EUSAGE, "target %" PRId32 " is outside the vocabulary",
                           rows[t].target);
    }
    if (scores > s->opts.n_scores)
        return da_fail(err, DA_EUSAGE, "%" PRIu32 " rows to score; room is for %" PRIu32, scores,
                       s->opts.n_scores);
    if (logits > s->opts.n_logits)
        return da_fail(err, DA_EUSAGE, "%" PRIu32 " rows of logits; room is for %" PRIu32, logits,
                       s->opts.n_logits);
    return DA_OK;
}

/* Gives every row its position and page, or undoes what it gave. */
static enum da_rc place_rows(struct da_session *s, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    uint32_t t;
    s->n_logits = s->n_scores = 0;
    for (t = 0; t < s->n_rows; t++) {
        struct da_seq *q = &s->seqs[s->rows[t].seq];
        if (q->n_pos == s->opts.n_ctx) {
            rc = da_fail(err, DA_ELIMIT, "a sequence passes the context of %" PRIu32 " tokens",
                         s->opts.n_ctx);
            break;
        }
        if (q->n_pos == q->n_pages * DA_KBLOCK) {
            if (!da_kv_take(&s->kv, &q->pages[q->n_pages])) {
                rc = da_fail(err, DA_ELIMIT, "no page of keys and values is free");
                break;
            }
            q->n_pages++;
        }
        s->row_pos[t] = q->n_pos++;
        if (s->rows[t].want_logits)
            s->logit_rows[s->n_logits++] = t;
        if (s->rows[t].want_score)
            s->score_rows[s->n_scores++] = t;
    }
    for (uint32_t i = 0; !rc && s->model->mamba && i < s->n_rows; i++) {
        struct da_seq *q = &s->seqs[s->rows[i].seq];
        DA_GROW(q->ids, q->n_ids, q->cap_ids);
        q->ids[q->n_ids++] = s->rows[i].id;
    }
    while (rc && t-- > 0) {
        struct da_seq *q = &s->seqs[s->rows[t].seq];
        q->n_pos--;
        if (q->n_pos % DA_KBLOCK == 0)
            da_kv_unref(&s->kv, q->pages[--q->n_pages]);
    }
    return rc;
}

static uint32_t shared_blocks(const struct da_seq *a, const struct da_seq *b, uint32_t most)
{
    uint32_t n = 0;
    while (n < most && n < a->n_pages && n < b->n_pages && a->pages[n] == b->pages[n])
        n++;
    return n;
}

/* Neighbouring rows of one sequence, or of sequences with common pages, make a job. */
static void make_jobs(struct da_session *s)
{
    uint32_t t = 0;
    s->n_jobs = 0;
    while (t < s->n_rows) {
        struct da_attn_job *job = &s->jobs[s->n_jobs++];
        const struct da_seq *first = &s->seqs[s->rows[t].seq];
        *job = (struct da_attn_job){t, 1, s->max_pages};
        t++;
        while (t < s->n_rows && job->n_rows < s->job_rows) {
            const struct da_seq *q = &s->seqs[s->rows[t].seq];
            bool one = job->n_shared == s->max_pages; /* all rows so far are of one sequence */
            if (q == first ? !one : (job->n_rows > 1 && one) || q->pages[0] != first->pages[0])
                break;
            if (q != first)
                job->n_shared = shared_blocks(first, q, job->n_shared);
            job->n_rows++;
            t++;
        }
    }
}

enum da_rc da_session_step(struct da_session *s, const struct da_row *rows, uint32_t n_rows,
                           struct da_err *err)
{
    enum da_rc rc = check_rows(s, rows, n_rows, err);
    if (rc)
        return rc;
    s->wants_lse = false;
    for (uint32_t t = 0; t < n_rows; t++)
        s->wants_lse |= rows[t].want_lse;
    if (s->model->t5) {
        if ((rc = da_t5_take_rows(s, rows, n_rows, err)) || s->n_rows == 0)
            return rc;
    } else {
        s->rows = rows;
        s->n_rows = n_rows;
        if ((rc = place_rows(s, err)))
            return rc;
    }
    make_jobs(s);
    da_forward(s);
    return DA_OK;
}

const float *da_session_logits(const struct da_session *s, uint32_t i)
{
    return s->logits + (size_t)i * s->vocab_stride;
}

int32_t da_session_top(const struct da_session *s, uint32_t i)
{
    return (int32_t)da_head_top(s->logit_parts + (size_t)i * s->n_head_blocks, s->n_head_blocks);
}

double da_session_lse(const struct da_session *s, uint32_t i)
{
    struct da_head_part *parts = s->logit_parts + (size_t)i * s->n_head_blocks;
    const float *x = da_session_logits(s, i);
    for (uint32_t b = 0; !s->wants_lse && b < s->n_head_blocks; b++)
        parts[b] = da_head_reduce(s->model->kernels, x + (size_t)b * DA_HEAD_BLOCK, b,
                                  s->model->hp.n_vocab, true);
    return da_head_lse(parts, s->n_head_blocks);
}

double da_session_score(const struct da_session *s, uint32_t i)
{
    return (double)s->score_logits[i] -
           da_head_lse(s->score_parts + (size_t)i * s->n_head_blocks, s->n_head_blocks);
}
