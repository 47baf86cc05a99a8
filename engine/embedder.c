/* Texts to token ids, ids to batches without padding, batches through model/encode.c. */
#include "engine/embedder.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/threads.h"
#include "engine/model/encoder.h"
#include "engine/tokenizer/tokenizer.h"

struct da_embedder {
    struct da_encoder *model;
    struct da_tokenizer *tok;
    struct da_tok_scratch *scratch;
    struct da_pool *pool;
    struct da_encode *work;
    struct da_embedder_facts facts;
    uint32_t max_tokens, batch;
    uint32_t n_after;             /* special tokens that close a text */
    struct da_ids ids;            /* of the batch */
    struct da_ids text_ids;       /* of one text */
    struct da_encode_text *texts; /* [batch] */
    uint64_t n_cut, n_tokens;
};

static const char *const POOLING[] = {[DA_POOL_MEAN] = "mean", [DA_POOL_CLS] = "cls"};

static void set_facts(struct da_embedder *e)
{
    const struct da_encoder *m = e->model;
    e->facts = (struct da_embedder_facts){
        .arch = m->family->arch,
        .family = m->family->name,
        .name = m->name,
        .quant = m->quant,
        .cpu = m->kernels->name,
        .pooling = POOLING[m->pooling],
        .normalize = m->normalize,
        .n_layers = m->n_layers,
        .dim = m->dim,
        .n_heads = m->n_heads,
        .head_dim = m->head_dim,
        .ff_dim = m->ff_dim,
        .n_vocab = m->n_vocab,
        .n_ctx = m->n_ctx,
        .max_tokens = e->max_tokens,
        .n_params = m->n_params,
        .file_bytes = da_gguf_n_bytes(m->gguf),
        .weight_bytes = m->weight_bytes,
    };
}

/* The tokens around a text, found by encoding an empty one. */
static enum da_rc count_specials(struct da_embedder *e, struct da_err *err)
{
    enum da_rc rc = da_tokenizer_encode(e->tok, e->scratch, da_span("", 0), DA_TOK_ADD_SPECIAL,
                                        &e->text_ids, err);
    if (rc)
        return rc;
    const size_t n = e->text_ids.n;
    bool before = n > 1 || (n == 1 && da_tokenizer_adds_bos(e->tok));
    e->n_after = (uint32_t)(n - before);
    if (n == 0 || n >= e->max_tokens)
        return da_fail(
            err, DA_EUNSUPPORTED,
            "%s: its tokenizer puts %zu special tokens around a text of at most %" PRIu32,
            da_gguf_name(e->model->gguf), n, e->max_tokens);
    return DA_OK;
}

static enum da_rc open_tokenizer(struct da_embedder *e, struct da_err *err)
{
    const struct da_gguf *g = e->model->gguf;
    enum da_rc rc = da_tokenizer_open_gguf(&e->tok, g, err);
    if (rc)
        return rc;
    if (da_tokenizer_size(e->tok) > e->model->n_vocab)
        return da_fail(err, DA_EMISMATCH, "%s: the tokenizer has %zu tokens, the model %" PRIu32,
                       da_gguf_name(g), da_tokenizer_size(e->tok), e->model->n_vocab);
    e->scratch = da_tok_scratch_new();
    return count_specials(e, err);
}

enum da_rc da_embedder_open(struct da_embedder **ret, const char *path,
                            const struct da_embedder_opts *opts, struct da_err *err)
{
    static const struct da_embedder_opts NONE = {0};
    const struct da_embedder_opts *o = opts ? opts : &NONE;
    struct da_embedder *e = da_calloc(1, sizeof *e);
    unsigned n_threads = o->n_threads ? o->n_threads : da_threads_available();
    enum da_rc rc;
    n_threads = n_threads < DA_THREADS_MAX ? n_threads : DA_THREADS_MAX;
    da_ids_init(&e->ids);
    da_ids_init(&e->text_ids);
    if ((rc = da_encoder_open(&e->model, path, o->cpu, n_threads, err)))
        goto out;
    e->max_tokens = e->model->max_tokens;
    if (o->max_tokens && o->max_tokens < e->model->n_ctx)
        e->max_tokens = o->max_tokens;
    else if (o->max_tokens)
        e->max_tokens = e->model->n_ctx;
    e->batch = o->batch ? o->batch : DA_EMBED_BATCH;
    e->batch = e->batch < DA_EMBED_MAX_BATCH ? e->batch : DA_EMBED_MAX_BATCH;
    e->batch = e->batch < e->max_tokens ? e->max_tokens : e->batch;
    if ((rc = open_tokenizer(e, err)))
        goto out;
    e->pool = da_pool_new(n_threads);
    e->texts = da_calloc(e->batch, sizeof *e->texts);
    if ((rc = da_encode_new(&e->work, e->model, e->pool, e->batch, e->max_tokens, err)))
        goto out;
    set_facts(e);
out:
    if (rc)
        da_embedder_close(e);
    else
        *ret = e;
    return rc;
}

void da_embedder_close(struct da_embedder *e)
{
    if (!e)
        return;
    da_encode_free(e->work);
    da_pool_free(e->pool);
    da_tok_scratch_free(e->scratch);
    da_tokenizer_close(e->tok);
    da_encoder_close(e->model);
    da_ids_release(&e->ids);
    da_ids_release(&e->text_ids);
    free(e->texts);
    free(e);
}

uint32_t da_embedder_dim(const struct da_embedder *e)
{
    return e->model->dim;
}

const struct da_embedder_facts *da_embedder_facts(const struct da_embedder *e)
{
    return &e->facts;
}

const struct da_gguf *da_embedder_gguf(const struct da_embedder *e)
{
    return e->model->gguf;
}

uint64_t da_embedder_n_cut(const struct da_embedder *e)
{
    return e->n_cut;
}

uint64_t da_embedder_n_tokens(const struct da_embedder *e)
{
    return e->n_tokens;
}

/* text_ids: the text's ids, cut. */
static enum da_rc encode_text(struct da_embedder *e, struct da_span text, struct da_err *err)
{
    struct da_ids *ids = &e->text_ids;
    da_ids_reset(ids);
    /* "[SEP]" in a text is that token, as with sentence-transformers. */
    enum da_rc rc = da_tokenizer_encode(e->tok, e->scratch, text,
                                        DA_TOK_ADD_SPECIAL | DA_TOK_PARSE_SPECIAL, ids, err);
    for (size_t i = 0; !rc && i < ids->n; i++)
        if (ids->p[i] < 0 || (uint32_t)ids->p[i] >= e->model->n_vocab)
            rc = da_fail(err, DA_EMISMATCH, "%s: token %" PRId32 " is outside the vocabulary",
                         da_gguf_name(e->model->gguf), ids->p[i]);
    if (rc || ids->n <= e->max_tokens)
        return rc;
    memmove(ids->p + e->max_tokens - e->n_after, ids->p + ids->n - e->n_after,
            e->n_after * sizeof *ids->p);
    ids->n = e->max_tokens;
    e->n_cut++;
    return DA_OK;
}

static void run_batch(struct da_embedder *e, uint32_t n_texts)
{
    if (n_texts)
        da_encode_run(e->work, e->ids.p, (uint32_t)e->ids.n, e->texts, n_texts);
    e->n_tokens += e->ids.n;
    da_ids_reset(&e->ids);
}

enum da_rc da_embed(struct da_embedder *e, const struct da_span *texts, size_t n, float *out,
                    struct da_err *err)
{
    uint32_t in_batch = 0;
    da_ids_reset(&e->ids);
    for (size_t i = 0; i < n; i++) {
        enum da_rc rc = encode_text(e, texts[i], err);
        if (rc)
            return rc;
        if (e->ids.n + e->text_ids.n > e->batch) {
            run_batch(e, in_batch);
            in_batch = 0;
        }
        e->texts[in_batch++] = (struct da_encode_text){(uint32_t)e->ids.n, (uint32_t)e->text_ids.n,
                                                       out + i * e->model->dim};
        for (size_t j = 0; j < e->text_ids.n; j++)
            da_ids_add(&e->ids, e->text_ids.p[j]);
    }
    run_batch(e, in_batch);
    return DA_OK;
}

double da_cosine(const float *a, const float *b, uint32_t n)
{
    double dot = 0.0, aa = 0.0, bb = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        dot += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    double la = sqrt(aa) > 1e-12 ? sqrt(aa) : 1e-12, lb = sqrt(bb) > 1e-12 ? sqrt(bb) : 1e-12;
    double c = dot / (la * lb);
    return isfinite(c) ? c : 0.0;
}
