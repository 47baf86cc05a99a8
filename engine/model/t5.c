/* Loading of encoder-decoders. Names and keys are llama.cpp's. */
#include "engine/model/t5.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "engine/model/hparams.h"
#include "engine/model/load.h"

enum { MAX_BUCKETS = 1 << 12, FF_MAX = 1 << 20 };

static enum da_rc read_keys(struct da_loader *ld, struct da_t5 *t)
{
    struct da_model *m = ld->m;
    struct da_hparams *hp = &m->hp;
    struct da_err *err = ld->err;
    uint32_t start;
    double eps, scale;
    enum da_rc rc;
    if ((rc = da_hparams_uint(m, "block_count", true, 0, 1, DA_MODEL_MAX_LAYERS, &t->n_enc, err)) ||
        (rc = da_hparams_uint(m, "decoder_block_count", false, t->n_enc, 1, DA_MODEL_MAX_LAYERS,
                              &hp->n_layers, err)) ||
        (rc =
             da_hparams_uint(m, "embedding_length", true, 0, 1, DA_MODEL_MAX_DIM, &hp->dim, err)) ||
        (rc =
             da_hparams_uint(m, "context_length", true, 0, 1, DA_MODEL_MAX_CTX, &hp->n_ctx, err)) ||
        (rc = da_hparams_uint(m, "feed_forward_length", true, 0, 1, FF_MAX, &hp->ff_dim, err)) ||
        (rc = da_hparams_uint(m, "attention.head_count", true, 0, 1, DA_MODEL_MAX_HEADS,
                              &hp->n_heads, err)) ||
        (rc = da_hparams_uint(m, "attention.key_length", false, hp->dim / hp->n_heads, 1,
                              DA_MODEL_MAX_HEAD_DIM, &hp->head_dim, err)) ||
        (rc = da_hparams_uint(m, "attention.relative_buckets_count", true, 0, 4, MAX_BUCKETS,
                              &t->n_buckets, err)) ||
        (rc = da_hparams_uint(m, "attention.relative_max_distance", false, 128, t->n_buckets / 2,
                              1 << 20, &t->max_distance, err)) ||
        (rc = da_hparams_uint(m, "decoder_start_token_id", false, 0, 0, DA_MODEL_MAX_VOCAB - 1,
                              &start, err)) ||
        (rc = da_gguf_opt_float(ld->g, "t5.attention.layer_norm_rms_epsilon", 1e-6, &eps, err)))
        return rc;
    /* the first T5, whose head is the embedding, scales what comes out */
    bool tied = da_gguf_tensor(ld->g, "output.weight") == NULL;
    double usual = tied ? sqrt((double)hp->dim) : 1.0;
    if ((rc = da_gguf_opt_float(ld->g, "t5.logit_scale", usual, &scale, err)))
        return rc;
    if (!(scale > 0.0))
        return da_fail(err, DA_EFORMAT, "%s: key 't5.logit_scale' is not positive",
                       da_gguf_name(ld->g));
    t->start_token = (int32_t)start;
    hp->logit_scale = (float)scale;
    hp->norm_eps = (float)eps;
    hp->n_kv_heads = hp->n_heads;
    hp->embd_dim = hp->dim;
    hp->n_blocks = hp->n_layers;
    hp->embd_scale = hp->residual_scale = hp->attn_scale = 1.0f;
    return DA_OK;
}

/* A matrix or norm of "enc.blk.3." or "dec.blk.3.". */
struct side {
    struct da_loader *ld;
    const char *side;
    uint32_t layer;
};

static const char *base_of(const struct side *sd, const char *what, char buf[DA_LOAD_NAME_MAX / 2])
{
    snprintf(buf, DA_LOAD_NAME_MAX / 2, "%s.blk.%u.%s", sd->side, (unsigned)sd->layer, what);
    return buf;
}

static enum da_rc side_matrix(const struct side *sd, const char *what, uint32_t n_cols,
                              uint32_t n_rows, struct da_weight *out)
{
    char base[DA_LOAD_NAME_MAX / 2];
    return da_load_matrix(sd->ld, -1, base_of(sd, what, base), n_cols, n_rows, false, out);
}

static enum da_rc side_norm(const struct side *sd, const char *what, struct da_norm_weight *out)
{
    char base[DA_LOAD_NAME_MAX / 2];
    return da_load_norm(sd->ld, -1, base_of(sd, what, base), sd->ld->m->hp.dim, out);
}

static bool is_gated(const struct da_loader *ld)
{
    return da_gguf_tensor(ld->g, "enc.blk.0.ffn_gate.weight") != NULL;
}

static enum da_rc layer_weights(struct da_loader *ld, const char *name, uint32_t l,
                                struct da_layer *y)
{
    const struct side sd = {ld, name, l};
    const struct da_hparams *hp = &ld->m->hp;
    const uint32_t inner = hp->n_heads * hp->head_dim, dim = hp->dim, ff = hp->ff_dim;
    enum da_rc rc;
    y->n_heads = y->n_kv_heads = hp->n_heads;
    y->ff_dim = ff;
    y->n_qkv = 3;
    y->k_off = da_pad(inner, DA_LANES);
    y->v_off = 2 * y->k_off;
    if ((rc = side_norm(&sd, "attn_norm", &y->norm1)) ||
        (rc = side_matrix(&sd, "attn_q", dim, inner, &y->qkv[0])) ||
        (rc = side_matrix(&sd, "attn_k", dim, inner, &y->qkv[1])) ||
        (rc = side_matrix(&sd, "attn_v", dim, inner, &y->qkv[2])) ||
        (rc = side_matrix(&sd, "attn_o", inner, dim, &y->wo)) ||
        (rc = side_norm(&sd, "ffn_norm", &y->norm2)))
        return rc;
    if (is_gated(ld) && (rc = side_matrix(&sd, "ffn_gate", dim, ff, &y->gate)))
        return rc;
    if ((rc = side_matrix(&sd, "ffn_up", dim, ff, &y->up)))
        return rc;
    return side_matrix(&sd, "ffn_down", ff, dim, &y->down);
}

static enum da_rc cross_weights(struct da_loader *ld, uint32_t l, struct da_t5_cross *x)
{
    const struct side sd = {ld, "dec", l};
    const struct da_hparams *hp = &ld->m->hp;
    const uint32_t inner = hp->n_heads * hp->head_dim, dim = hp->dim;
    enum da_rc rc;
    if ((rc = side_norm(&sd, "cross_attn_norm", &x->norm)) ||
        (rc = side_matrix(&sd, "cross_attn_q", dim, inner, &x->q)) ||
        (rc = side_matrix(&sd, "cross_attn_k", dim, inner, &x->kv[0])) ||
        (rc = side_matrix(&sd, "cross_attn_v", dim, inner, &x->kv[1])))
        return rc;
    return side_matrix(&sd, "cross_attn_o", inner, dim, &x->wo);
}

/* Biases of the first layer, which all share. */
static enum da_rc bias_table(struct da_loader *ld, const char *name, float **out)
{
    const uint32_t n_heads = ld->m->hp.n_heads, n = ld->m->t5->n_buckets;
    const struct da_gguf_tensor *t;
    enum da_rc rc = da_load_find(ld, name, n_heads, n, &t);
    if (rc || !t)
        return rc ? rc : da_load_missing(ld, name);
    if (da_qtype_info(t->type)->block_len > 1)
        return da_fail(ld->err, DA_EUNSUPPORTED, "%s: tensor '%s' is quantized",
                       da_gguf_name(ld->g), name);
    if (!(*out = da_load_floats(ld->m, (size_t)n_heads * n)))
        return da_fail(ld->err, DA_ENOMEM, "no memory for tensor '%s'", name);
    da_dequantize((enum da_qtype)t->type, t->data, *out, (size_t)n_heads * n);
    return DA_OK;
}

enum da_rc da_t5_load(struct da_loader *ld)
{
    struct da_model *m = ld->m;
    struct da_t5 *t = m->t5 = da_calloc(1, sizeof *t);
    enum da_rc rc = read_keys(ld, t);
    if (rc)
        return rc;
    m->hp.mlp = is_gated(ld) ? DA_MLP_GEGLU : DA_MLP_RELU;
    m->layers = da_calloc(m->hp.n_layers, sizeof *m->layers);
    t->enc = da_calloc(t->n_enc, sizeof *t->enc);
    t->cross = da_calloc(m->hp.n_layers, sizeof *t->cross);
    if ((rc = da_load_embedding(ld)) || (rc = da_load_head(ld)) ||
        (rc = da_load_norm(ld, -1, "enc.output_norm", m->hp.dim, &t->enc_norm)) ||
        (rc = da_load_norm(ld, -1, "dec.output_norm", m->hp.dim, &m->out_norm)) ||
        (rc = bias_table(ld, "enc.blk.0.attn_rel_b.weight", &t->rel_enc)) ||
        (rc = bias_table(ld, "dec.blk.0.attn_rel_b.weight", &t->rel_dec)))
        return rc;
    if (t->start_token >= (int32_t)m->hp.n_vocab)
        return da_fail(ld->err, DA_EFORMAT, "%s: the start token is outside the vocabulary",
                       da_gguf_name(ld->g));
    for (uint32_t l = 0; l < t->n_enc && !rc; l++)
        rc = layer_weights(ld, "enc", l, &t->enc[l]);
    for (uint32_t l = 0; l < m->hp.n_layers && !rc; l++)
        if (!(rc = layer_weights(ld, "dec", l, &m->layers[l])))
            rc = cross_weights(ld, l, &t->cross[l]);
    return rc;
}

void da_t5_free(struct da_t5 *t)
{
    if (!t)
        return;
    free(t->enc);
    free(t->cross);
    free(t);
}
