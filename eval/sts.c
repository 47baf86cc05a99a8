#include "eval/sts.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/map.h"
#include "common/mem.h"
#include "engine/embedder.h"
#include "eval/filehash.h"

enum {
    BATCH = 64, /* samples embedded together */
    SHORT_HASH = 12,
    KEEP_REFS = 1 << 16 /* references whose embeddings are kept for the next system */
};

struct da_sts {
    struct da_embedder *e;
    struct da_buf signature;
    struct da_map refs; /* text: row of kept */
    float *kept;        /* [n_kept][dim] */
    size_t n_kept, cap_kept;
    float *out; /* [2 * BATCH][dim] */
};

/* A name that cannot be mistaken for the signature's own marks. */
static void add_name(struct da_buf *out, const char *name)
{
    for (; *name; name++)
        da_buf_add_char(out,
                        *name == '|' || *name == ':' || (unsigned char)*name < ' ' ? '_' : *name);
}

static void make_signature(struct da_sts *s, const char *hash)
{
    const struct da_embedder_facts *f = da_embedder_facts(s->e);

    da_buf_add_str(&s->signature, "sts|model:");
    add_name(&s->signature, f->name[0] ? f->name : f->family);
    da_buf_addf(&s->signature, "|type:%s|sha256:%.*s|len:%u|pool:%s|norm:%s|sim:cos", f->quant,
                SHORT_HASH, hash, (unsigned)f->max_tokens, f->pooling, f->normalize ? "yes" : "no");
}

enum da_rc da_sts_open(struct da_sts **ret, const char *model_path, const struct da_sts_opts *opts,
                       struct da_err *err)
{
    const struct da_embedder_opts eo = {.n_threads = opts->n_threads,
                                        .max_tokens = opts->max_tokens};
    struct da_sts *s = da_calloc(1, sizeof *s);
    char hash[DA_SHA256_HEX_LEN + 1];

    da_buf_init(&s->signature, 0);
    da_map_init(&s->refs);
    enum da_rc rc = da_embedder_open(&s->e, model_path, &eo, err);
    if (rc == DA_OK)
        rc = da_gguf_sha256(da_embedder_gguf(s->e), hash, err);
    if (rc != DA_OK) {
        da_sts_close(s);
        return rc;
    }
    s->out = da_calloc((size_t)2 * BATCH * da_embedder_dim(s->e), sizeof *s->out);
    make_signature(s, hash);
    *ret = s;
    return DA_OK;
}

void da_sts_close(struct da_sts *s)
{
    if (!s)
        return;
    da_embedder_close(s->e);
    da_buf_release(&s->signature);
    da_map_release(&s->refs);
    free(s->kept);
    free(s->out);
    free(s);
}

const char *da_sts_signature(const struct da_sts *s)
{
    return s->signature.p;
}

/* Keeps the embedding of a reference, unless enough are kept. */
static void keep_ref(struct da_sts *s, struct da_span text, const float *v)
{
    const uint32_t dim = da_embedder_dim(s->e);
    bool is_new;

    if (s->n_kept == KEEP_REFS)
        return;
    uint64_t *row = da_map_add(&s->refs, text.p, text.len, &is_new);
    if (!is_new)
        return;
    *row = s->n_kept;
    DA_GROW_BY(s->kept, s->n_kept * dim, dim, s->cap_kept);
    memcpy(s->kept + s->n_kept * dim, v, dim * sizeof *v);
    s->n_kept++;
}

/* The cosines of n samples: answers and the references that are not known yet in one batch. */
static enum da_rc run_batch(struct da_sts *s, struct da_sample *const *x, size_t n, double *cosine,
                            struct da_err *err)
{
    const uint32_t dim = da_embedder_dim(s->e);
    struct da_span texts[2 * BATCH];
    size_t ref_at[BATCH], n_texts = n; /* 0: kept from before */

    for (size_t i = 0; i < n; i++) {
        texts[i] = x[i]->hyp;
        ref_at[i] = 0;
        if (da_map_get(&s->refs, x[i]->ref.p, x[i]->ref.len))
            continue;
        ref_at[i] = n_texts;
        texts[n_texts++] = x[i]->ref;
    }
    enum da_rc rc = da_embed(s->e, texts, n_texts, s->out, err);
    if (rc != DA_OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        const float *ref = s->out + ref_at[i] * dim;
        if (!ref_at[i])
            ref = s->kept + *da_map_get(&s->refs, x[i]->ref.p, x[i]->ref.len) * dim;
        cosine[i] = da_cosine(s->out + i * dim, ref, dim);
        if (ref_at[i])
            keep_ref(s, x[i]->ref, ref);
    }
    return DA_OK;
}

static void store(const struct da_samples *s, struct da_sample *x, double cosine)
{
    const struct da_samples_metric *m = da_samples_metric(s, x->task, "sts");
    size_t i = (size_t)(m - s->metrics[x->task]);

    x->stats[m->from] = cosine;
    x->stats[m->from + 1] = 1;
    x->scores[i] = cosine;
}

enum da_rc da_sts_run(struct da_sts *s, struct da_samples *samples, struct da_sts_stats *stats,
                      struct da_err *err)
{
    const uint64_t n_cut = da_embedder_n_cut(s->e);
    struct da_sample *batch[BATCH];
    double cosine[BATCH];
    size_t n = 0;

    *stats = (struct da_sts_stats){0};
    for (size_t i = 0; i <= samples->n; i++) {
        if (n == BATCH || (n && i == samples->n)) {
            enum da_rc rc = run_batch(s, batch, n, cosine, err);
            if (rc != DA_OK)
                return rc;
            for (size_t k = 0; k < n; k++)
                store(samples, batch[k], cosine[k]);
            n = 0;
        }
        if (i == samples->n || !da_samples_metric(samples, samples->items[i].task, "sts"))
            continue;
        stats->n_samples++;
        stats->n_empty += da_span_trim(samples->items[i].hyp).len == 0;
        batch[n++] = &samples->items[i];
    }
    stats->n_cut = da_embedder_n_cut(s->e) - n_cut;
    return DA_OK;
}
