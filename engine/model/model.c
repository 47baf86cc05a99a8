/*
 * Loading: keys to hyperparameters, tensors to weights, every shape checked. The
 * list of expected tensors follows from the family's row; a tensor nobody asked
 * for is an error too, because leaving it out would give wrong numbers quietly.
 */
#include "engine/model/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/threads.h"
#include "engine/bigmem.h"
#include "engine/kernels/panels.h"
#include "engine/model/hparams.h"

enum { NAME_MAX_LEN = 128 };

/* A matrix waiting to become panels. */
struct pending {
    struct da_panels *p;
    const struct da_gguf_tensor *t;
    uint32_t first_src_row; /* of the tensor */
    size_t offset;          /* into the panel block */
};

struct loader {
    struct da_model *m;
    struct da_gguf *g;
    struct pending *list;
    size_t n, cap;
    size_t panel_bytes;
    bool *used; /* [n_tensors] */
    struct da_err *err;
};

/* --- tensors ------------------------------------------------------------------ */

static enum da_rc no_tensor(struct loader *ld, const char *name)
{
    return da_fail(ld->err, DA_EFORMAT, "%s: tensor '%s' is missing", da_gguf_name(ld->g), name);
}

static enum da_rc find(struct loader *ld, const char *name, uint64_t d0, uint64_t d1,
                       const struct da_gguf_tensor **ret)
{
    const struct da_gguf_tensor *t = da_gguf_tensor(ld->g, name);
    *ret = NULL;
    if (!t)
        return DA_OK;
    ld->used[t - da_gguf_tensor_at(ld->g, 0)] = true;
    if (t->dims[0] != d0 || t->dims[1] != d1 || t->dims[2] != 1 || t->dims[3] != 1)
        return da_fail(ld->err, DA_EFORMAT,
                       "%s: tensor '%s' has shape [%" PRIu64 ", %" PRIu64 "], not [%" PRIu64
                       ", %" PRIu64 "]",
                       da_gguf_name(ld->g), name, t->dims[0], t->dims[1], d0, d1);
    if (!da_qtype_info(t->type)->readable)
        return da_fail(ld->err, DA_EUNSUPPORTED, "%s: tensor '%s' has type %s, which is not read",
                       da_gguf_name(ld->g), name, da_qtype_name(t->type));
    *ret = t;
    return DA_OK;
}

static float *keep_floats(struct da_model *m, size_t n)
{
    float *block = da_try_alloc_aligned(64, (size_t)da_pad((uint32_t)n, DA_LANES) * sizeof *block);
    if (!block)
        return NULL;
    DA_GROW(m->floats, m->n_floats, m->cap_floats);
    m->floats[m->n_floats++] = block;
    return block;
}

static enum da_rc vector(struct loader *ld, const char *name, uint32_t n, bool needed, float **out)
{
    const struct da_gguf_tensor *t;
    enum da_rc rc = find(ld, name, n, 1, &t);
    *out = NULL;
    if (rc)
        return rc;
    if (!t)
        return needed ? no_tensor(ld, name) : DA_OK;
    if (!(*out = keep_floats(ld->m, n)))
        return da_fail(ld->err, DA_ENOMEM, "no memory for tensor '%s'", name);
    da_dequantize((enum da_qtype)t->type, t->data, *out, n);
    return DA_OK;
}

static const char *block_name(char buf[NAME_MAX_LEN], int layer, const char *base, const char *what)
{
    if (layer < 0)
        snprintf(buf, NAME_MAX_LEN, "%s.%s", base, what);
    else
        snprintf(buf, NAME_MAX_LEN, "blk.%d.%s.%s", layer, base, what);
    return buf;
}

static enum da_rc norm(struct loader *ld, int layer, const char *base, uint32_t n,
                       struct da_norm_weight *out)
{
    const struct da_family *f = ld->m->family;
    char name[NAME_MAX_LEN];
    if (f->norm_unit) {
        if (!(out->w = keep_floats(ld->m, n)))
            return da_fail(ld->err, DA_ENOMEM, "no memory for a norm of %" PRIu32, n);
        for (uint32_t i = 0; i < n; i++)
            out->w[i] = 1.0f;
        return DA_OK;
    }
    enum da_rc rc = vector(ld, block_name(name, layer, base, "weight"), n, true, &out->w);
    if (rc || f->norm == DA_NORM_RMS)
        return rc;
    return vector(ld, block_name(name, layer, base, "bias"), n, f->biases_needed, &out->b);
}

/* Rows first.. of a tensor become a weight of n_rows rows. */
static enum da_rc plan(struct loader *ld, const struct da_gguf_tensor *t, const char *name,
                       uint32_t first, uint32_t n_rows, struct da_weight *out)
{
    enum da_panel_kind kind = da_panel_kind_of((enum da_qtype)t->type);
    if (!da_panels_shape(&out->p, kind, n_rows, t->dims[0]))
        return da_fail(ld->err, DA_ELIMIT, "%s: tensor '%s' is too large", da_gguf_name(ld->g),
                       name);
    DA_GROW(ld->list, ld->n, ld->cap);
    ld->list[ld->n++] = (struct pending){&out->p, t, first, ld->panel_bytes};
    ld->panel_bytes += da_panels_bytes(&out->p);
    return DA_OK;
}

static enum da_rc matrix(struct loader *ld, int layer, const char *base, uint32_t n_cols,
                         uint32_t n_rows, bool bias_allowed, struct da_weight *out)
{
    char name[NAME_MAX_LEN];
    const struct da_gguf_tensor *t;
    enum da_rc rc = find(ld, block_name(name, layer, base, "weight"), n_cols, n_rows, &t);
    if (rc)
        return rc;
    if (!t)
        return no_tensor(ld, name);
    if ((rc = plan(ld, t, name, 0, n_rows, out)))
        return rc;
    if (bias_allowed)
        rc = vector(ld, block_name(name, layer, base, "bias"), n_rows,
                    ld->m->family->biases_needed && layer >= 0, &out->bias);
    return rc;
}

/* Where keys and values stand behind the queries: each matrix begins a panel of its own. */
static void place_heads(const struct da_hparams *hp, struct da_layer *y)
{
    uint32_t q = y->n_heads * hp->head_dim, kv = y->n_kv_heads * hp->head_dim;
    bool fused = y->n_qkv == 1;
    y->k_off = fused ? q : da_pad(q, DA_LANES);
    y->v_off = y->k_off + (fused ? kv : da_pad(kv, DA_LANES));
}

static enum da_rc attention_weights(struct loader *ld, int blk, struct da_layer *y)
{
    const struct da_family *f = ld->m->family;
    const struct da_hparams *hp = &ld->m->hp;
    const uint32_t q = y->n_heads * hp->head_dim, kv = y->n_kv_heads * hp->head_dim;
    const bool qkv_bias = f->biases || f->qkv_biases;
    char name[NAME_MAX_LEN];
    enum da_rc rc;
    bool fused = da_gguf_tensor(ld->g, block_name(name, blk, "attn_qkv", "weight")) != NULL;
    y->n_qkv = fused ? 1 : 3;
    if (fused) {
        if ((rc = matrix(ld, blk, "attn_qkv", hp->dim, q + 2 * kv, qkv_bias, &y->qkv[0])))
            return rc;
    } else if ((rc = matrix(ld, blk, "attn_q", hp->dim, q, qkv_bias, &y->qkv[0])) ||
               (rc = matrix(ld, blk, "attn_k", hp->dim, kv, qkv_bias, &y->qkv[1])) ||
               (rc = matrix(ld, blk, "attn_v", hp->dim, kv, qkv_bias, &y->qkv[2]))) {
        return rc;
    }
    place_heads(hp, y);
    uint32_t nq = f->qk_norm_row ? q : hp->head_dim, nk = f->qk_norm_row ? kv : hp->head_dim;
    if ((f->qk_norm || f->qk_norm_row) &&
        ((rc = norm(ld, blk, "attn_q_norm", nq, &y->q_norm)) ||
         (rc = norm(ld, blk, "attn_k_norm", nk, &y->k_norm))))
        return rc;
    return matrix(ld, blk, "attn_output", q, hp->dim, f->biases, &y->wo);
}

static bool is_gated(enum da_mlp mlp)
{
    return mlp == DA_MLP_SWIGLU || mlp == DA_MLP_GEGLU || mlp == DA_MLP_REGLU;
}

static enum da_rc mlp_weights(struct loader *ld, int blk, struct da_layer *y)
{
    const struct da_family *f = ld->m->family;
    const struct da_hparams *hp = &ld->m->hp;
    const uint32_t ff = y->ff_dim;
    enum da_rc rc;
    if (f->fused_gate) {
        char name[NAME_MAX_LEN];
        const struct da_gguf_tensor *t;
        rc = find(ld, block_name(name, blk, "ffn_up", "weight"), hp->dim, 2 * ff, &t);
        if (rc || !t)
            return rc ? rc : no_tensor(ld, name);
        if ((rc = plan(ld, t, name, 0, ff, &y->gate)) || (rc = plan(ld, t, name, ff, ff, &y->up)))
            return rc;
    } else {
        if (is_gated(hp->mlp) &&
            (rc = matrix(ld, blk, "ffn_gate", hp->dim, ff, f->biases, &y->gate)))
            return rc;
        if ((rc = matrix(ld, blk, "ffn_up", hp->dim, ff, f->biases, &y->up)))
            return rc;
    }
    return matrix(ld, blk, "ffn_down", ff, hp->dim, f->biases, &y->down);
}

static enum da_rc norm_weights(struct loader *ld, int blk, struct da_layer *y)
{
    const uint32_t dim = ld->m->hp.dim;
    char name[NAME_MAX_LEN];
    enum da_rc rc = DA_OK;
    switch (ld->m->family->norms) {
    case DA_NORMS_BEFORE:
        if (!(rc = norm(ld, blk, "attn_norm", dim, &y->norm1)))
            rc = norm(ld, blk, "ffn_norm", dim, &y->norm2);
        return rc;
    case DA_NORMS_ONE: /* the second one is the attention's, and the first the MLP's */
        if (!da_gguf_tensor(ld->g, block_name(name, blk, "attn_norm_2", "weight")))
            return norm(ld, blk, "attn_norm", dim, &y->norm1);
        if (!(rc = norm(ld, blk, "attn_norm_2", dim, &y->norm1)))
            rc = norm(ld, blk, "attn_norm", dim, &y->norm2);
        return rc;
    case DA_NORMS_SANDWICH:
        if ((rc = norm(ld, blk, "attn_norm", dim, &y->norm1)) ||
            (rc = norm(ld, blk, "ffn_norm", dim, &y->norm2)))
            return rc;
        break;
    case DA_NORMS_AFTER: break;
    case DA_NORMS_ON_RESIDUAL:
        if (!(rc = norm(ld, blk, "attn_norm", dim, &y->after1)))
            rc = norm(ld, blk, "ffn_norm", dim, &y->after2);
        return rc;
    }
    if ((rc = norm(ld, blk, "post_attention_norm", dim, &y->post1)))
        return rc;
    return norm(ld, blk, "post_ffw_norm", dim, &y->post2);
}

/* A layer that is computed with an earlier one's weights has its own keys and values only. */
static void share_block(const struct da_layer *from, struct da_layer *to)
{
    uint32_t window = to->window;
    unsigned rope = to->rope;
    *to = *from;
    to->window = window;
    to->rope = rope;
}

static enum da_rc layer_weights(struct loader *ld, uint32_t l)
{
    const struct da_hparams *hp = &ld->m->hp;
    const uint32_t repeat = hp->n_layers / hp->n_blocks;
    const int blk = (int)(l / repeat);
    struct da_layer *y = &ld->m->layers[l];
    enum da_rc rc;
    if (l % repeat)
        return DA_OK; /* once the block's panels stand */
    if ((rc = norm_weights(ld, blk, y)) || (rc = attention_weights(ld, blk, y)))
        return rc;
    return l && hp->shared_mlp ? DA_OK : mlp_weights(ld, blk, y);
}

/* After the panels have their places. */
static void share_weights(struct da_model *m)
{
    const uint32_t repeat = m->hp.n_layers / m->hp.n_blocks;
    for (uint32_t l = 1; l < m->hp.n_layers; l++) {
        struct da_layer *y = &m->layers[l], *first = &m->layers[0];
        if (l % repeat)
            share_block(&m->layers[l - l % repeat], y);
        if (m->hp.shared_mlp) {
            y->gate = first->gate;
            y->up = first->up;
            y->down = first->down;
        }
    }
}

static enum da_rc outer_weights(struct loader *ld)
{
    struct da_model *m = ld->m;
    struct da_hparams *hp = &m->hp;
    const struct da_gguf_tensor *t = da_gguf_tensor(ld->g, "token_embd.weight");
    enum da_rc rc;
    if (!t)
        return no_tensor(ld, "token_embd.weight");
    if (t->dims[1] > DA_MODEL_MAX_VOCAB)
        return da_fail(ld->err, DA_ELIMIT, "%s: a vocabulary of %" PRIu64 " is too large",
                       da_gguf_name(ld->g), t->dims[1]);
    hp->n_vocab = (uint32_t)t->dims[1];
    if ((rc = find(ld, "token_embd.weight", hp->embd_dim, hp->n_vocab, &m->embd)))
        return rc;
    if (hp->embd_dim != hp->dim &&
        ((rc = matrix(ld, -1, "token_embd_in", hp->embd_dim, hp->dim, false, &m->embd_in)) ||
         (rc = matrix(ld, -1, "token_embd_out", hp->dim, hp->embd_dim, false, &m->embd_out))))
        return rc;
    if (m->family->positions == DA_POS_LEARNED) {
        t = da_gguf_tensor(ld->g, "position_embd.weight");
        if (!t)
            return no_tensor(ld, "position_embd.weight");
        if (t->dims[1] < hp->n_ctx)
            hp->n_ctx = (uint32_t)t->dims[1];
        if ((rc = find(ld, "position_embd.weight", hp->dim, t->dims[1], &m->pos_embd)))
            return rc;
    }
    if (m->family->embd_norm && (rc = norm(ld, -1, "token_embd_norm", hp->dim, &m->embd_norm)))
        return rc;
    if (m->family->norms != DA_NORMS_ON_RESIDUAL &&
        (rc = norm(ld, -1, "output_norm", hp->dim, &m->out_norm)))
        return rc;
    m->facts.tied = da_gguf_tensor(ld->g, "output.weight") == NULL;
    if (m->facts.tied)
        return plan(ld, m->embd, "token_embd.weight", 0, hp->n_vocab, &m->head);
    return matrix(ld, -1, "output", hp->embd_dim, hp->n_vocab, true, &m->head);
}

static enum da_rc divisors(struct loader *ld, const char *name, const float **out)
{
    const uint32_t n = ld->m->hp.n_rot / 2;
    float *v;
    enum da_rc rc = vector(ld, name, n, false, &v);
    for (uint32_t i = 0; !rc && v && i < n; i++)
        if (!(v[i] > 0.0f))
            rc = da_fail(ld->err, DA_EFORMAT, "%s: tensor '%s' is not positive",
                         da_gguf_name(ld->g), name);
    if (!rc && v)
        *out = v;
    return rc;
}

static enum da_rc rope_divisors(struct loader *ld)
{
    struct da_rope *rope = &ld->m->rope[0];
    enum da_rc rc;
    if (!ld->m->hp.n_rot)
        return DA_OK;
    if ((rc = divisors(ld, "rope_freqs.weight", &rope->divisors)) ||
        (rc = divisors(ld, "rope_factors_short.weight", &rope->divisors)) ||
        (rc = divisors(ld, "rope_factors_long.weight", &rope->long_ones)))
        return rc;
    return DA_OK;
}

/* Slopes as in the ALiBi paper (arXiv 2108.12409, section 3); a count that is no power of two takes
 * every other slope of the next one for the rest. */
static enum da_rc alibi_slopes(struct loader *ld)
{
    struct da_model *m = ld->m;
    uint32_t n = m->hp.n_heads, two = 1;
    if (m->hp.alibi_max == 0.0f)
        return DA_OK;
    if (!(m->alibi_slopes = keep_floats(m, n)))
        return da_fail(ld->err, DA_ENOMEM, "no memory for %" PRIu32 " heads", n);
    while (two * 2 <= n)
        two *= 2;
    for (uint32_t h = 0; h < n; h++) {
        double step = h < two ? (double)(h + 1) / two : (2.0 * (h - two) + 1.0) / (2.0 * two);
        m->alibi_slopes[h] = (float)pow(2.0, -(double)m->hp.alibi_max * step);
    }
    return DA_OK;
}

static enum da_rc check_all_used(struct loader *ld)
{
    for (size_t i = 0; i < da_gguf_n_tensors(ld->g); i++) {
        const struct da_gguf_tensor *t = da_gguf_tensor_at(ld->g, i);
        if (!ld->used[i])
            return da_fail(ld->err, DA_EUNSUPPORTED,
                           "%s: tensor '%.*s' is not part of the %s family", da_gguf_name(ld->g),
                           (int)t->name.len, t->name.p, ld->m->family->name);
    }
    return DA_OK;
}

/* --- panels -------------------------------------------------------------------- */

enum { BUILD_PANELS = 8 }; /* panels of one work item */

struct build {
    struct loader *ld;
    size_t *first_item; /* [n + 1] items before each pending matrix */
    float **scratch;    /* [workers] */
};

static void build_item(void *ctx, size_t item, unsigned worker)
{
    struct build *b = ctx;
    size_t lo = 0, hi = b->ld->n;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (b->first_item[mid] <= item)
            lo = mid;
        else
            hi = mid;
    }
    const struct pending *w = &b->ld->list[lo];
    uint32_t first = (uint32_t)(item - b->first_item[lo]) * BUILD_PANELS;
    uint32_t n = w->p->n_panels - first < BUILD_PANELS ? w->p->n_panels - first : BUILD_PANELS;
    const size_t row = (size_t)(w->t->n_bytes / w->t->dims[1]);
    const unsigned char *src = w->t->data + w->first_src_row * row;
    const size_t top = (size_t)first * DA_LANES, end = top + (size_t)n * DA_LANES;
    da_panels_build(w->p, b->ld->m->panel_block + w->offset, first, n, (enum da_qtype)w->t->type,
                    src, w->p->n_rows, b->scratch[worker]);
    if (da_gguf_is_mapped(b->ld->g))
        da_big_forget(src + top * row, ((end < w->p->n_rows ? end : w->p->n_rows) - top) * row);
}

static enum da_rc build_panels(struct loader *ld, unsigned n_threads)
{
    struct da_model *m = ld->m;
    struct build b = {.ld = ld};
    size_t items = 0;
    uint32_t widest = m->hp.dim > m->hp.ff_dim ? m->hp.dim : m->hp.ff_dim;
    uint32_t q = m->hp.n_heads * m->hp.head_dim;
    enum da_rc rc = DA_OK;
    widest = q > widest ? q : widest;
    widest = m->hp.embd_dim > widest ? m->hp.embd_dim : widest;
    m->facts.weight_bytes = ld->panel_bytes;
    if (!(m->panel_block = da_big_alloc(ld->panel_bytes)))
        return da_fail(ld->err, DA_ENOMEM, "%s: no memory for %zu bytes of weights",
                       da_gguf_name(ld->g), ld->panel_bytes);
    b.first_item = da_calloc(ld->n + 1, sizeof *b.first_item);
    b.scratch = da_calloc(n_threads, sizeof *b.scratch);
    for (size_t i = 0; i < ld->n; i++) {
        b.first_item[i] = items;
        items += (ld->list[i].p->n_panels + BUILD_PANELS - 1) / BUILD_PANELS;
        ld->list[i].p->data = m->panel_block + ld->list[i].offset;
    }
    b.first_item[ld->n] = items;
    for (unsigned i = 0; i < n_threads; i++)
        if (!(b.scratch[i] = da_try_alloc(widest, sizeof(float))))
            rc = da_fail(ld->err, DA_ENOMEM, "no memory for a row of %" PRIu32, widest);
    if (!rc)
        da_parallel_for(n_threads, items, build_item, &b);
    for (unsigned i = 0; i < n_threads; i++)
        free(b.scratch[i]);
    free(b.scratch);
    free(b.first_item);
    return rc;
}

/* --- facts ---------------------------------------------------------------------- */

static void set_facts(struct loader *ld)
{
    struct da_model *m = ld->m;
    struct da_model_facts *f = &m->facts;
    uint64_t by_type[64] = {0}, best = 0;
    struct da_span name;
    if (da_gguf_opt_str(ld->g, "general.name", da_span_str(""), &name, NULL))
        name = da_span_str("");
    m->name = da_strndup(name.p, name.len);
    for (size_t i = 0; i < da_gguf_n_tensors(ld->g); i++) {
        const struct da_gguf_tensor *t = da_gguf_tensor_at(ld->g, i);
        f->n_params += t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3];
        if (t->n_dims > 1 && da_span_starts(t->name, "blk.") && t->type < 64)
            by_type[t->type] += t->n_bytes;
    }
    f->quant = "f32";
    for (uint32_t t = 0; t < 64; t++) {
        if (by_type[t] > best) {
            best = by_type[t];
            f->quant = da_qtype_name(t);
            m->quantized = da_qtype_info(t)->block_len > 1;
        }
    }
    f->arch = m->family->arch;
    f->family = m->family->name;
    f->name = m->name;
    f->cpu = m->kernels->name;
    f->n_layers = m->hp.n_layers;
    f->dim = m->hp.dim;
    f->n_heads = m->hp.n_heads;
    f->n_kv_heads = m->hp.n_kv_heads;
    f->head_dim = m->hp.head_dim;
    f->ff_dim = m->hp.ff_dim;
    f->n_vocab = m->hp.n_vocab;
    f->n_ctx = m->hp.n_ctx;
    f->file_bytes = da_gguf_n_bytes(ld->g);
}

static enum da_rc load(struct loader *ld, unsigned n_threads)
{
    struct da_model *m = ld->m;
    enum da_rc rc;
    if ((rc = da_family_find(&m->family, ld->g, ld->err)) ||
        (rc = da_hparams_read(m, ld->err)))
        return rc;
    if ((rc = outer_weights(ld)) || (rc = rope_divisors(ld)) || (rc = alibi_slopes(ld)))
        return rc;
    for (uint32_t l = 0; l < m->hp.n_layers; l++)
        if ((rc = layer_weights(ld, l)))
            return rc;
    if ((rc = check_all_used(ld)) || (rc = build_panels(ld, n_threads)))
        return rc;
    share_weights(m);
    set_facts(ld);
    return DA_OK;
}

enum da_rc da_model_open(struct da_model **ret, const char *path, const struct da_model_opts *opts,
                         struct da_err *err)
{
    static const struct da_model_opts NONE = {0};
    const struct da_model_opts *o = opts ? opts : &NONE;
    struct da_model *m = da_calloc(1, sizeof *m);
    struct loader ld = {.m = m, .err = err};
    enum da_rc rc;
    m->kernels = da_kernels_find(o->cpu);
    if (!m->kernels) {
        rc =
            da_fail(err, DA_EUSAGE, "cpu variant '%s' does not exist or does not run here", o->cpu);
        goto out;
    }
    if ((rc = da_gguf_open(&m->gguf, path, err)))
        goto out;
    ld.g = m->gguf;
    ld.used = da_calloc(da_gguf_n_tensors(ld.g) + 1, sizeof *ld.used);
    rc = load(&ld, o->n_threads ? o->n_threads : da_threads_available());
out:
    free(ld.used);
    free(ld.list);
    if (rc)
        da_model_close(m);
    else
        *ret = m;
    return rc;
}

void da_model_close(struct da_model *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n_floats; i++)
        free(m->floats[i]);
    free(m->floats);
    da_big_free(m->panel_block, m->facts.weight_bytes);
    free(m->layers);
    free(m->name);
    da_gguf_close(m->gguf);
    free(m);
}

const struct da_model_facts *da_model_facts(const struct da_model *m)
{
    return &m->facts;
}

const struct da_gguf *da_model_gguf(const struct da_model *m)
{
    return m->gguf;
}
