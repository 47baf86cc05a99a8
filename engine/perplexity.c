/* Perplexity and KL divergence by teacher forcing. */
#include "engine/perplexity.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/maths.h"
#include "engine/model/model.h"
#include "engine/session.h"

/* Tokens a step. Beside a base the logits of both are kept, which bounds it. */
enum { SCORE_BATCH = 256, BASE_BATCH = 64 };

struct ppl {
    const struct da_model *m, *base;
    struct da_session *s, *sb; /* sb NULL without base */
    struct da_ppl *ret;
    double sum, sum_sq, base_sum, kl_sum;
    uint64_t n_same;
    struct da_err *err;
};

/* sum of p * (log p - log q) for the base's p; both as logits. */
static double divergence(const struct da_model *m, const float *p, double p_lse, const float *q,
                         double q_lse)
{
    double kl = 0.0;
    for (uint32_t i = 0; i < da_model_facts(m)->n_vocab; i++) {
        double lp = (double)p[i] - p_lse, lq = (double)q[i] - q_lse;
        kl += da_exp(lp) * (lp - lq);
    }
    return kl > 0.0 ? kl : 0.0;
}

static void add(struct ppl *x, double nll)
{
    x->ret->n_scored++;
    x->sum += nll;
    x->sum_sq += nll * nll;
}

static void compare(struct ppl *x, uint32_t row, int32_t id)
{
    const float *q = da_session_logits(x->s, row), *p = da_session_logits(x->sb, row);
    const double lse = da_session_lse(x->s, row), base_lse = da_session_lse(x->sb, row);
    const double kl = divergence(x->base, p, base_lse, q, lse);
    x->base_sum += base_lse - (double)p[id];
    x->kl_sum += kl;
    x->ret->kl_max = kl > x->ret->kl_max ? kl : x->ret->kl_max;
    x->n_same += da_session_top(x->s, row) == da_session_top(x->sb, row);
    add(x, lse - (double)q[id]);
}

/* One window: ids[0] is fed and not scored. */
static enum da_rc run_window(struct ppl *x, int32_t bos, const int32_t *ids, uint32_t n)
{
    uint32_t seq, seq_base = 0, skip = bos >= 0 ? 0 : 1; /* tokens that are not scored */
    enum da_rc rc = da_seq_open(x->s, &seq, x->err);
    if (rc || (x->sb && (rc = da_seq_open(x->sb, &seq_base, x->err))))
        return rc;
    /* row i is fed to predict ids[skip + i] */
    const uint32_t rows_all = n - skip, batch = x->sb ? BASE_BATCH : SCORE_BATCH;
    for (uint32_t at = 0; at < rows_all && !rc; at += batch) {
        struct da_row rows[SCORE_BATCH];
        uint32_t k = rows_all - at < batch ? rows_all - at : batch;
        for (uint32_t i = 0; i < k; i++) {
            bool first = skip == 0 && at + i == 0;
            int32_t id = first ? bos : ids[at + i - (skip ? 0 : 1)];
            rows[i] = (struct da_row){.seq = seq,
                                      .id = id,
                                      .want_logits = x->sb,
                                      .want_lse = x->sb,
                                      .want_score = !x->sb,
                                      .target = ids[at + i + skip]};
        }
        if ((rc = da_session_step(x->s, rows, k, x->err)))
            break;
        for (uint32_t i = 0; i < k; i++)
            rows[i].seq = seq_base;
        if (x->sb && (rc = da_session_step(x->sb, rows, k, x->err)))
            break;
        for (uint32_t i = 0; i < k; i++) {
            if (x->sb)
                compare(x, i, ids[at + i + skip]);
            else
                add(x, -da_session_score(x->s, i));
        }
    }
    da_seq_close(x->s, seq);
    if (x->sb)
        da_seq_close(x->sb, seq_base);
    return rc;
}

static void finish(struct ppl *x)
{
    const double n = (double)x->ret->n_scored;
    double var = x->sum_sq / n - x->sum / n * (x->sum / n);
    x->ret->nll = x->sum / n;
    x->ret->nll_stderr = n > 1 && var > 0 ? sqrt(var / (n - 1)) : 0.0;
    x->ret->base_nll = x->base_sum / n;
    x->ret->kl = x->kl_sum / n;
    x->ret->same_top = (double)x->n_same / n;
}

static enum da_rc check(const struct ppl *x, const int32_t *ids, size_t n, uint32_t window)
{
    const uint32_t n_vocab = da_model_facts(x->m)->n_vocab;
    if (x->m->t5 || (x->base && x->base->t5))
        return da_fail(x->err, DA_EUNSUPPORTED,
                       "an encoder-decoder does not continue its prompt: no perplexity of a text");
    if (x->base && da_model_facts(x->base)->n_vocab != n_vocab)
        return da_fail(x->err, DA_EMISMATCH,
                       "the models have vocabularies of %" PRIu32 " and %" PRIu32, n_vocab,
                       da_model_facts(x->base)->n_vocab);
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (uint32_t)ids[i] >= n_vocab)
            return da_fail(x->err, DA_EUSAGE, "token %" PRId32 " is outside the vocabulary",
                           ids[i]);
    if (window < 2 || window > da_model_facts(x->m)->n_ctx ||
        (x->base && window > da_model_facts(x->base)->n_ctx))
        return da_fail(x->err, DA_EUSAGE, "a window of %" PRIu32 " tokens is not possible", window);
    return DA_OK;
}

enum da_rc da_perplexity(const struct da_model *m, const struct da_model *base, const int32_t *ids,
                         size_t n, const struct da_ppl_opts *opts, struct da_ppl *ret,
                         struct da_err *err)
{
    struct ppl x = {.m = m, .base = base, .ret = ret, .err = err};
    const uint32_t window = opts->window ? opts->window : da_model_facts(m)->n_ctx;
    const uint32_t text = opts->bos >= 0 ? window - 1 : window; /* of the text's tokens */
    struct da_session_opts so = {.n_threads = opts->n_threads,
                                 .kv = opts->kv,
                                 .n_ctx = window,
                                 .batch = base ? BASE_BATCH : SCORE_BATCH,
                                 .n_logits = base ? BASE_BATCH : 1,
                                 .n_scores = base ? 0 : SCORE_BATCH};
    struct da_session_opts base_so = so;
    uint32_t k = 0;
    enum da_rc rc = check(&x, ids, n, window);
    base_so.kv = DA_KV_AUTO;
    memset(ret, 0, sizeof *ret);
    ret->window = window;
    if (rc || (rc = da_session_new(&x.s, m, &so, err)) ||
        (base && (rc = da_session_new(&x.sb, base, &base_so, err))))
        goto out;
    for (size_t i = 0, at = 0; i <= opts->n_ends && !rc; i++) {
        const size_t end = i < opts->n_ends ? opts->ends[i] : n;
        ret->n_texts += at < end;
        for (; at < end && !rc; at += k) {
            k = end - at < text ? (uint32_t)(end - at) : text;
            if (k > 1 || opts->bos >= 0)
                rc = run_window(&x, opts->bos, ids + at, k);
        }
    }
    if (!rc && ret->n_scored == 0)
        rc = da_fail(err, DA_EFORMAT, "the text has too few tokens to score");
    if (!rc)
        finish(&x);
out:
    da_session_free(x.sb);
    da_session_free(x.s);
    return rc;
}
