/*
 * Loading: keys to hyperparameters, tensors to weights, every shape checked. The
 * list of expected tensors follows from the family's row; a tensor nobody asked
 * for is an error too, because leaving it out would give wrong numbers quietly.
 */
#include "engine/model/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/maths.h"
#include "common/mem.h"
#include "common/threads.h"
#include "engine/bigmem.h"
#include "engine/model/hparams.h"
#include "engine/model/load.h"
#include "engine/model/mamba.h"
#include "engine/model/t5.h"

/* Where keys and values stand behind the queries: each matrix begins a panel of its own. */
static void place_heads(const struct da_hparams *hp, struct da_layer *y)
{
    uint32_t q = y->n_heads * hp->head_dim, kv = y->n_kv_heads * hp->head_dim;
    bool fused = y->n_qkv == 1;
    y->k_off = fused ? q : da_pad(q, DA_LANES);
    y->v_off = y->k_off + (fused ? kv : da_pad(kv, DA_LANES));
}

static enum da_rc attention_weights(struct da_loader *ld, int blk, struct da_layer *y)
{
    const struct da_family *f = ld->m->family;
    const struct da_hparams *hp = &ld->m->hp;
    const uint32_t q = y->n_heads * hp->head_dim, kv = y->n_kv_heads * hp->head_dim;
    const bool qkv_bias = f->biases || f->qkv_biases;
    char name[DA_LOAD_NAME_MAX];
    enum da_rc rc;
    bool fused = da_gguf_tensor(ld->g, da_load_name(name, blk, "attn_qkv", "weight")) != NULL;
    y->n_qkv = fused ? 1 : 3;
    if (fused) {
        if ((rc = da_load_matrix(ld, blk, "attn_qkv", hp->dim, q + 2 * kv, qkv_bias, &y->qkv[0])))
            return rc;
    } else if ((rc = da_load_matrix(ld, blk, "attn_q", hp->dim, q, qkv_bias, &y->qkv[0])) ||
               (rc = da_load_matrix(ld, blk, "attn_k", hp->dim, kv, qkv_bias, &y->qkv[1])) ||
               (rc = da_load_matrix(ld, blk, "attn_v", hp->dim, kv, qkv_bias, &y->qkv[2]))) {
        return rc;
    }
    place_heads(hp, y);
    uint32_t nq = f->qk_norm_row ? q : hp->head_dim, nk = f->qk_norm_row ? kv : hp->head_dim;
    if ((f->qk_norm || f->qk_norm_row) &&
        ((rc = da_load_norm(ld, blk, "attn_q_norm", nq, &y->q_norm)) ||
         (rc = da_load_norm(ld, blk, "attn_k_norm", nk, &y->k_norm))))
        return rc;
    return da_load_matrix(ld, blk, "attn_output", q, hp->dim, f->biases, &y->wo);
}

static bool is_gated(enum da_mlp mlp)
{
    return mlp == DA_MLP_SWIGLU || mlp == DA_MLP_GEGLU || mlp == DA_MLP_REGLU;
}

static enum da_rc mlp_weights(struct da_loader *ld, int blk, struct da_layer *y)
{
    const struct da_family *f = ld->m->family;
    const struct da_hparams *hp = &ld->m->hp;
    const uint32_t ff = y->ff_dim;
    enum da_rc rc;
    if (f->fused_gate) {
        char name[DA_LOAD_NAME_MAX];
        const struct da_gguf_tensor *t;
        rc = da_load_find(ld, da_load_name(name, blk, "ffn_up", "weight"), hp->dim, 2 * ff, &t);
        if (rc || !t)
            return rc ? rc : da_load_missing(ld, name);
        if ((rc = da_load_plan(ld, t, name, 0, ff, &y->gate)) ||
            (rc = da_load_plan(ld, t, name, ff, ff, &y->up)))
            return rc;
    } else {
        if (is_gated(hp->mlp) &&
            (rc = da_load_matrix(ld, blk, "ffn_gate", hp->dim, ff, f->biases, &y->gate)))
            return rc;
        if ((rc = da_load_matrix(ld, blk, "ffn_up", hp->dim, ff, f->biases, &y->up)))
            return rc;
    }
    return da_load_matrix(ld, blk, "ffn_down", ff, hp->dim, f->biases, &y->down);
}

static enum da_rc norm_weights(struct da_loader *ld, int blk, struct da_layer *y)
{
    const uint32_t dim = ld->m->hp.dim;
    char name[DA_LOAD_NAME_MAX];
    enum da_rc rc = DA_OK;
    switch (ld->m->family->norms) {
    case DA_NORMS_BEFORE:
        if (!(rc = da_load_norm(ld, blk, "attn_norm", dim, &y->norm1)))
            rc = da_load_norm(ld, blk, "ffn_norm", dim, &y->norm2);
        return rc;
    case DA_NORMS_ONE: /* the second one is the attention's, and the first the MLP's */
        if (!da_gguf_tensor(ld->g, da_load_name(name, blk, "attn_norm_2", "weight")))
            return da_load_norm(ld, blk, "attn_norm", dim, &y->norm1);
        if (!(rc = da_load_norm(ld, blk, "attn_norm_2", dim, &y->norm1)))
            rc = da_load_norm(ld, blk, "attn_norm", dim, &y->norm2);
        return rc;
    case DA_NORMS_SANDWICH:
        if ((rc = da_load_norm(ld, blk, "attn_norm", dim, &y->norm1)) ||
            (rc = da_load_norm(ld, blk, "ffn_norm", dim, &y->norm2)))
            return rc;
        break;
    case DA_NORMS_AFTER: break;
    case DA_NORMS_ON_RESIDUAL:
        if (!(rc = da_load_norm(ld, blk, "attn_norm", dim, &y->after1)))
            rc = da_load_norm(ld, blk, "ffn_norm", dim, &y->after2);
        return rc;
    }
    if ((rc = da_load_norm(ld, blk, "post_attention_norm", dim, &y->post1)))
        return rc;
    return da_load_norm(ld, blk, "post_ffw_norm", dim, &y->post2);
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

static enum da_rc layer_weights(struct da_loader *ld, uint32_t l)
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

enum da_rc da_load_embedding(struct da_loader *ld)
{
    struct da_model *m = ld->m;
    struct da_hparams *hp = &m->hp;
    const struct da_gguf_tensor *t = da_gguf_tensor(ld->g, "token_embd.weight");
    if (!t)
        return da_load_missing(ld, "token_embd.weight");
    if (t->dims[1] > DA_MODEL_MAX_VOCAB)
        return da_fail(ld->err, DA_ELIMIT, "%s: a vocabulary of %" PRIu64 " is too large",
                       da_gguf_name(ld->g), t->dims[1]);
    hp->n_vocab = (uint32_t)t->dims[1];
    return da_load_find(ld, "token_embd.weight", hp->embd_dim, hp->n_vocab, &m->embd);
}

enum da_rc da_load_head(struct da_loader *ld)
{
    struct da_model *m = ld->m;
    struct da_hparams *hp = &m->hp;
    m->facts.tied = da_gguf_tensor(ld->g, "output.weight") == NULL;
    if (m->facts.tied)
        return da_load_plan(ld, m->embd, "token_embd.weight", 0, hp->n_vocab, &m->head);
    return da_load_matrix(ld, -1, "output", hp->embd_dim, hp->n_vocab, true, &m->head);
}

static enum da_rc outer_weights(struct da_loader *ld)
{
    struct da_model *m = ld->m;
    struct da_hparams *hp = &m->hp;
    const struct da_gguf_tensor *t;
    enum da_rc rc = da_load_embedding(ld);
    if (rc)
        return rc;
    if (hp->embd_dim != hp->dim && ((rc = da_load_matrix(ld, -1, "token_embd_in", hp->embd_dim,
                                                         hp->dim, false, &m->embd_in)) ||
                                    (rc = da_load_matrix(ld, -1, "token_embd_out", hp->dim,
                                                         hp->embd_dim, false, &m->embd_out))))
        return rc;
    if (m->family->positions == DA_POS_LEARNED) {
        t = da_gguf_tensor(ld->g, "position_embd.weight");
        if (!t)
            return da_load_missing(ld, "position_embd.weight");
        if (t->dims[1] < hp->n_ctx)
            hp->n_ctx = (uint32_t)t->dims[1];
        if ((rc = da_load_find(ld, "position_embd.weight", hp->dim, t->dims[1], &m->pos_embd)))
            return rc;
    }
    if (m->family->embd_norm &&
        (rc = da_load_norm(ld, -1, "token_embd_norm", hp->dim, &m->embd_norm)))
        return rc;
    if (m->family->norms != DA_NORMS_ON_RESIDUAL &&
        (rc = da_load_norm(ld, -1, "output_norm", hp->dim, &m->out_norm)))
        return rc;
    return da_load_head(ld);
}

static enum da_rc divisors(struct da_loader *ld, const char *name, const float **out)
{
    const uint32_t n = ld->m->hp.n_rot / 2;
    float *v;
    enum da_rc rc = da_load_vector(ld, name, n, false, &v);
    for (uint32_t i = 0; !rc && v && i < n; i++)
        if (!(v[i] > 0.0f))
            rc = da_fail(ld->err, DA_EFORMAT, "%s: tensor '%s' is not positive",
                         da_gguf_name(ld->g), name);
    if (!rc && v)
        *out = v;
    return rc;
}

static enum da_rc rope_divisors(struct da_loader *ld)
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
static enum da_rc alibi_slopes(struct da_loader *ld)
{
    struct da_model *m = ld->m;
    uint32_t n = m->hp.n_heads, two = 1;
    if (m->hp.alibi_max == 0.0f)
        return DA_OK;
    if (!(m->alibi_slopes = da_load_floats(m, n)))
        return da_fail(ld->err, DA_ENOMEM, "no memory for %" PRIu32 " heads", n);
    while (two * 2 <= n)
        two *= 2;
    for (uint32_t h = 0; h < n; h++) {
        double step = h < two ? (double)(h + 1) / two : (2.0 * (h - two) + 1.0) / (2.0 * two);
        m->alibi_slopes[h] = (float)(da_pow(2.0, -(double)m->hp.alibi_max * step) *
                                     (m->family->alibi_divided ? (double)m->hp.attn_scale : 1.0));
    }
    return DA_OK;
}

static enum da_rc check_all_used(struct da_loader *ld)
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

/* --- facts ---------------------------------------------------------------------- */

/* Encoder-decoders have "enc.blk." and "dec.blk.". */
static bool is_block(struct da_span name)
{
    return da_span_starts(name, "blk.") || da_span_starts(name, "enc.blk.") ||
           da_span_starts(name, "dec.blk.");
}

static void set_facts(struct da_loader *ld)
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
        if (t->n_dims > 1 && is_block(t->name) && t->type < 64)
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
    f->n_heads = m->mamba ? 0 : m->hp.n_heads;
    f->n_kv_heads = m->mamba ? 0 : m->hp.n_kv_heads;
    f->head_dim = m->hp.head_dim;
    f->ff_dim = m->hp.ff_dim;
    f->n_vocab = m->hp.n_vocab;
    f->n_ctx = m->hp.n_ctx;
    f->file_bytes = da_gguf_n_bytes(ld->g);
}

static enum da_rc decoder_weights(struct da_loader *ld)
{
    struct da_model *m = ld->m;
    enum da_rc rc = da_hparams_read(m, ld->err);
    if (rc || (rc = outer_weights(ld)) || (rc = rope_divisors(ld)) || (rc = alibi_slopes(ld)))
        return rc;
    for (uint32_t l = 0; l < m->hp.n_layers; l++)
        if ((rc = layer_weights(ld, l)))
            return rc;
    return DA_OK;
}

static enum da_rc load(struct da_loader *ld, unsigned n_threads)
{
    struct da_model *m = ld->m;
    enum da_rc rc;
    if ((rc = da_family_find(&m->family, ld->g, ld->err)))
        return rc;
    switch (m->family->pass) {
    case DA_PASS_DECODER: rc = decoder_weights(ld); break;
    case DA_PASS_MAMBA: rc = da_mamba_load(ld); break;
    case DA_PASS_T5: rc = da_t5_load(ld); break;
    }
    if (rc || (rc = check_all_used(ld)) || (rc = da_load_panels(ld, n_threads)))
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
    struct da_loader ld = {.m = m, .opts = o, .err = err};
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
    da_gguf_forget(m->gguf); /* the matrices stand in panels, the vectors in floats */
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
    da_io_unmap(&m->panel_map);
    free(m->layers);
    da_mamba_free(m->mamba);
    da_t5_free(m->t5);
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
