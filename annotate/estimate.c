/* Estimating: see the header. */

#include "annotate/estimate.h"

#include <math.h>

#include "engine/tokenizer/tokenizer.h"

#define TOKENIZER "o200k_base"
#define MEAN_OF_REPLIES 1000u
/* Without any reply at hand: 3 tokens and a role for each of two messages, 3 for the reply's
 * start (OpenAI cookbook, "How to count tokens"); completions as in arXiv 2411.09944 table 4. */
#define ASSUMED_OVERHEAD 11.0
#define ASSUMED_COMPLETION 169.07
/* Of the round trip: a question of 20 words and an answer of 40 at most, as the prompts ask. */
#define ASSUMED_QUESTION 20.0
#define ASSUMED_ANSWER 40.0
#define CACHE_LEAST 1024.0 /* OpenAI guide on prompt caching: from here, */
#define CACHE_STEP 128.0   /* in steps of this */

struct counting {
    struct da_asker *asker;
    struct da_ledger *ledger;
    struct da_tokenizer *tokenizer;
    struct da_tok_scratch *scratch;
    struct da_buf user;
    double text_tokens;  /* of the documents to ask */
    double again_tokens; /* of the questions to ask again, with their documents */
    uint64_t n_again;
    double overhead_sum; /* over n_calibration */
    struct da_estimate *e;
};

/* Tokens of both messages' texts. */
static enum da_rc count_texts(struct counting *c, const struct da_ann_doc *doc, double *n,
                              struct da_err *err)
{
    size_t k = 0;
    da_buf_reset(&c->user);
    enum da_rc rc = da_asker_user_text(c->asker, doc, &c->user, err);
    if (!rc)
        rc = da_tokenizer_count(c->tokenizer, c->scratch, da_span(c->user.p, c->user.len), 0, &k,
                                err);
    *n = (double)c->asker->system_tokens + (double)k;
    return rc;
}

/* What the ledger knows about the document; calibrates on an answered one. */
static enum da_rc look_up(struct counting *c, const struct da_ann_doc *doc, double texts,
                          bool *settled, struct da_err *err)
{
    struct da_ledger_request req;
    struct da_ledger_try try;
    struct da_call *call = NULL;
    struct da_buf body;
    *settled = false;
    if (!c->ledger)
        return DA_OK;
    enum da_rc rc = da_asker_call(c->asker, doc, &call, err);
    if (!rc)
        rc = da_ledger_find(c->ledger, &call->key, &req, err);
    da_call_free(call);
    if (rc)
        return rc;
    *settled = req.state == DA_REQUEST_DONE || req.state == DA_REQUEST_FAILED;
    if (req.state != DA_REQUEST_DONE)
        return DA_OK;
    da_buf_init(&body, 0);
    rc = da_ledger_get_reply(c->ledger, req.id, req.accepted_try, &try, &body, err);
    da_buf_release(&body);
    if (!rc && try.prompt_tokens > 0 && try.variant == 0) {
        c->overhead_sum += (double)try.prompt_tokens - texts;
        c->e->n_calibration++;
    }
    return rc;
}

/* The round trip of a document: of the question that the ledger has, or of one to come. */
static enum da_rc count_again(struct counting *c, const struct da_ann_doc *doc, bool settled,
                              struct da_err *err)
{
    struct da_call *call = NULL;
    struct da_ledger_request req = {.state = DA_REQUEST_NEW};
    size_t k = 0;
    enum da_rc rc = DA_OK;
    if (!c->asker->o.round_trip)
        return DA_OK;
    if (settled && c->ledger) {
        rc = da_asker_again_stored(c->asker, c->ledger, doc, &call, err);
        if (!rc && !call) /* it failed: there is no question */
            return DA_OK;
        if (!rc)
            rc = da_ledger_find(c->ledger, &call->key, &req, err);
        da_call_free(call);
        if (rc || req.state == DA_REQUEST_DONE || req.state == DA_REQUEST_FAILED)
            return rc;
    }
    da_buf_reset(&c->user);
    rc = da_asker_again_text(c->asker, doc, da_span("", 0), &c->user, err);
    if (!rc)
        rc = da_tokenizer_count(c->tokenizer, c->scratch, da_span(c->user.p, c->user.len), 0, &k,
                                err);
    c->again_tokens += (double)c->asker->again.system_tokens + (double)k + ASSUMED_QUESTION;
    c->n_again++;
    return rc;
}

static enum da_rc count_document(struct counting *c, const struct da_ann_doc *doc,
                                 struct da_err *err)
{
    double texts;
    bool settled = !da_asker_has_text(doc);
    c->e->n_documents++;
    if (settled) {
        c->e->n_settled++;
        return DA_OK;
    }
    enum da_rc rc = count_texts(c, doc, &texts, err);
    if (!rc)
        rc = look_up(c, doc, texts, &settled, err);
    if (rc)
        return rc;
    if (settled) {
        c->e->n_settled++;
    } else {
        c->e->n_to_ask++;
        c->text_tokens += texts;
    }
    return count_again(c, doc, settled, err);
}

static enum da_rc sum_up(struct counting *c, struct da_err *err)
{
    struct da_estimate *e = c->e;
    struct da_ledger_means m = {0}, again = {0};
    enum da_rc rc = DA_OK;
    double n = (double)e->n_to_ask, n_again = (double)c->n_again;
    if (c->ledger)
        rc = da_ledger_recent_means(c->ledger, DA_ASKER_TASK, MEAN_OF_REPLIES, &m, err);
    if (!rc && c->ledger)
        rc = da_ledger_recent_means(c->ledger, DA_ASKER_AGAIN_TASK, MEAN_OF_REPLIES, &again, err);
    if (rc)
        return rc;
    e->n_replies = m.n_used;
    e->overhead = e->n_calibration ? c->overhead_sum / (double)e->n_calibration : ASSUMED_OVERHEAD;
    e->n_requests = e->n_to_ask + c->n_again;
    e->prompt_tokens = c->text_tokens + n * e->overhead + c->again_tokens +
                       n_again * ASSUMED_OVERHEAD; /* no schema goes with it */
    e->completion_tokens = n * (m.n_used ? m.completion_tokens : ASSUMED_COMPLETION) +
                           n_again * (again.n_used ? again.completion_tokens : ASSUMED_ANSWER);
    double prefix = floor((double)c->asker->system_tokens / CACHE_STEP) * CACHE_STEP;
    e->cached_tokens = n * (m.n_used ? m.cached_tokens : prefix >= CACHE_LEAST ? prefix : 0) +
                       n_again * again.cached_tokens;
    return DA_OK;
}

enum da_rc da_estimate_run(struct da_asker *a, struct da_ledger *ledger, struct da_ann_source *s,
                           struct da_estimate *e, struct da_err *err)
{
    struct counting c = {.asker = a, .ledger = ledger, .e = e};
    *e = (struct da_estimate){0};
    da_buf_init(&c.user, 0);
    enum da_rc rc = da_tokenizer_open(&c.tokenizer, TOKENIZER, err);
    if (!rc)
        c.scratch = da_tok_scratch_new();
    while (!rc) {
        struct da_ann_doc doc;
        rc = da_ann_source_next(s, &doc, err);
        if (rc || doc.line.len == 0)
            break;
        rc = count_document(&c, &doc, err);
    }
    if (!rc)
        rc = sum_up(&c, err);
    da_tok_scratch_free(c.scratch);
    da_tokenizer_close(c.tokenizer);
    da_buf_release(&c.user);
    return rc;
}
