/* See the header. Gathering asks for what the ledger does not know the end of; reading takes all
 * scores from the ledger. Both make the request from the sample in the same way. */
#include "eval/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "eval/dataset.h"
#include "eval/geval.h"
#include "prompts/prompts.h"

#define TASK "geval"

enum {
    MAX_TOKENS = 8,    /* of a reply: a digit, and room for what ignores the instruction */
    TOP_LOGPROBS = 20, /* the API's most */
    STEP_MS = 200,
    BYTES_PER_TOKEN = 3, /* from above */
    SHORT_HASH = 12
};

struct da_judge {
    struct da_judge_opts o;
    struct da_chat_params params;
    struct da_prompt_set *prompts;
    struct da_buf prefix; /* '[' and the system message */
    struct da_buf signature;
    unsigned n_each; /* replies asked for a sample */
    uint64_t n_without_logprobs;
    struct da_client *client; /* while gathering */
};

static void make_signature(struct da_judge *j)
{
    da_buf_addf(&j->signature, "geval|judge:%s|mode:%s", j->o.model,
                j->o.mode == DA_JUDGE_LOGPROBS ? "logprobs" : "samples");
    if (j->o.mode == DA_JUDGE_SAMPLES)
        da_buf_addf(&j->signature, "|n:%u|temp:1", j->o.n_samples);
    da_buf_addf(&j->signature, "|prompt:%.*s|scale:(s-1)/4", SHORT_HASH,
                da_prompt_set_sha256(j->prompts));
}

enum da_rc da_judge_open(struct da_judge **ret, const struct da_judge_opts *opts,
                         struct da_err *err)
{
    struct da_judge *j = da_calloc(1, sizeof *j);
    struct da_span system;
    bool samples = opts->mode == DA_JUDGE_SAMPLES;

    j->o = *opts;
    j->n_each = samples ? opts->n_samples : 1;
    j->params = (struct da_chat_params){.model = opts->model, .temperature = samples ? 1 : 0,
                                        .top_p = -1, .seed = opts->seed,
                                        .top_logprobs = samples ? 0 : TOP_LOGPROBS};
    da_buf_init(&j->prefix, 0);
    da_buf_init(&j->signature, 0);
    enum da_rc rc = da_prompt_set_open(&j->prompts, "eval", opts->prompts_dir, err);
    if (rc == DA_OK)
        rc = da_prompt_set_get(j->prompts, "system", &system, err);
    if (rc != DA_OK) {
        da_judge_close(j);
        return rc;
    }
    da_buf_add_char(&j->prefix, '[');
    da_chat_add_message(&j->prefix, "system", system);
    make_signature(j);
    *ret = j;
    return DA_OK;
}

void da_judge_close(struct da_judge *j)
{
    if (!j)
        return;
    da_prompt_set_close(j->prompts);
    da_buf_release(&j->prefix);
    da_buf_release(&j->signature);
    free(j);
}

const char *da_judge_signature(const struct da_judge *j)
{
    return j->signature.p;
}

bool da_judge_judges(const struct da_judge *j, enum da_task task)
{
    return task != DA_TASK_SUGGESTION || j->o.suggestion;
}

/* The n-th request about a sample. */
static enum da_rc make_call(const struct da_judge *j, const struct da_dataset *d,
                            const struct da_sample *x, unsigned n, struct da_call **ret,
                            struct da_err *err)
{
    const struct da_eval_example *e = &d->items[*da_map_get(&d->by_id, x->id.p, x->id.len)];
    const struct da_prompt_var vars[] = {
        {"document", e->document}, {"request", x->request}, {"response", x->hyp}};
    struct da_call *c = da_call_new();
    struct da_span text;
    struct da_buf user;

    da_buf_init(&user, 0);
    enum da_rc rc = da_prompt_set_get(j->prompts, da_task_name(x->task), &text, err);
    if (rc == DA_OK)
        rc = da_prompt_render(text, vars, DA_ARRAY_LEN(vars), &user, err);
    if (rc == DA_OK) {
        c->task = TASK;
        c->item = da_strndup(x->id.p, x->id.len);
        c->params = &j->params;
        da_buf_add(&c->messages, j->prefix.p, j->prefix.len);
        da_chat_add_message(&c->messages, "user", da_span(user.p, user.len));
        da_buf_add_char(&c->messages, ']');
        c->prompt_tokens = (int64_t)(c->messages.len / BYTES_PER_TOKEN) + 1;
        c->max_tokens = MAX_TOKENS;
        rc = da_buf_check(&c->messages, "a request", err);
    }
    da_buf_release(&user);
    if (rc != DA_OK) {
        da_call_free(c);
        return rc;
    }
    da_call_set_key(c, (int)n);
    *ret = c;
    return DA_OK;
}

/* The score in a reply, or NaN and why there is none. */
static double score_of(const struct da_judge *j, const struct da_chat_reply *r, const char **cause)
{
    double score, mass;

    *cause = "unparsed";
    if (r->outcome != DA_CHAT_ANSWER && r->outcome != DA_CHAT_CUT) {
        *cause = da_chat_outcome_name(r->outcome);
        return NAN;
    }
    if (j->o.mode == DA_JUDGE_SAMPLES) {
        if (!da_geval_parse(r->content, &score) || score < DA_GEVAL_LOWEST ||
            score > DA_GEVAL_HIGHEST)
            return NAN;
        return score;
    }
    if (!r->logprobs) {
        *cause = "no_logprobs";
        return NAN;
    }
    score = da_geval_expected_json(r->logprobs, &mass);
    if (isnan(score) || mass >= DA_JUDGE_LEAST_MASS)
        return score;
    *cause = "low_mass";
    return NAN;
}

static enum da_verdict on_result(void *ctx, struct da_call *c, const struct da_call_result *r,
                                 const char **cause)
{
    struct da_judge *j = ctx;

    (void)c;
    if (!r->reply || isnan(score_of(j, r->reply, cause)))
        return DA_VERDICT_FAIL;
    return DA_VERDICT_ACCEPT;
}

/* --- asking ----------------------------------------------------------------- */

struct cursor {
    const struct da_dataset *d;
    const struct da_samples *s;
    size_t sample;
    unsigned n; /* next reply of the sample */
};

static bool advance(const struct da_judge *j, struct cursor *at)
{
    while (at->sample < at->s->n &&
           (at->n >= j->n_each || !da_judge_judges(j, at->s->items[at->sample].task))) {
        at->sample++;
        at->n = 0;
    }
    return at->sample < at->s->n;
}

static enum da_rc fill(struct da_judge *j, struct cursor *at, struct da_err *err)
{
    while (advance(j, at) && da_client_has_room(j->client)) {
        struct da_call *call;
        enum da_request_state state;
        enum da_rc rc = make_call(j, at->d, &at->s->items[at->sample], at->n++, &call, err);
        if (rc == DA_OK)
            rc = da_client_submit(j->client, call, &state, err);
        if (rc != DA_OK)
            return rc;
    }
    return DA_OK;
}

static enum da_rc ask_all(struct da_judge *j, struct cursor *at, struct da_err *err)
{
    for (;;) {
        if (j->o.stop && *j->o.stop) {
            enum da_rc rc = da_client_drain(j->client, err);
            return rc != DA_OK ? rc
                               : da_fail(err, DA_EINTR, "interrupted; what was answered is kept: "
                                                        "run the same command to resume");
        }
        enum da_rc rc = fill(j, at, err);
        if (rc != DA_OK)
            return rc;
        if (!advance(j, at) && da_client_n_open(j->client) == 0)
            return da_client_drain(j->client, err);
        rc = da_client_pump(j->client, STEP_MS, err);
        if (rc != DA_OK)
            return rc;
        da_progress_set(j->o.log, at->sample);
    }
}

static enum da_rc gather(struct da_judge *j, const struct da_dataset *d,
                         const struct da_samples *s, struct da_judge_stats *stats,
                         struct da_err *err)
{
    struct cursor at = {d, s, 0, 0};
    enum da_rc rc = da_client_new(&j->client, &j->o.client, on_result, j, err);

    if (rc != DA_OK)
        return rc;
    da_progress_start(j->o.log, "judging", s->n);
    rc = ask_all(j, &at, err);
    da_progress_end(j->o.log);
    da_client_stats(j->client, &stats->client);
    da_client_free(j->client);
    j->client = NULL;
    return rc;
}

/* --- reading ---------------------------------------------------------------- */

/* The score of one reply, NaN when there is none to use. */
static enum da_rc stored_score(struct da_judge *j, const struct da_call *c, double *score,
                               struct da_err *err)
{
    struct da_ledger *ledger = j->o.client.ledger;
    struct da_ledger_request req;
    struct da_ledger_try try;
    struct da_chat_reply reply;
    const char *cause;
    struct da_buf body;

    *score = NAN;
    enum da_rc rc = da_ledger_find(ledger, &c->key, &req, err);
    if (rc != DA_OK || req.state != DA_REQUEST_DONE) {
        j->n_without_logprobs += rc == DA_OK && strcmp(req.cause, "no_logprobs") == 0;
        return rc;
    }
    da_buf_init(&body, 0);
    rc = da_ledger_get_reply(ledger, req.id, req.accepted_try, &try, &body, err);
    if (rc == DA_OK && try.id) {
        da_chat_parse(da_span(body.p, body.len), &reply);
        *score = score_of(j, &reply, &cause);
        da_chat_release(&reply);
    }
    da_buf_release(&body);
    return rc;
}

static enum da_rc score_sample(struct da_judge *j, const struct da_dataset *d,
                               const struct da_sample *x, double *mean,
                               struct da_judge_stats *stats, struct da_err *err)
{
    double sum = 0;
    unsigned n = 0;

    for (unsigned i = 0; i < j->n_each; i++) {
        struct da_call *c;
        double score;
        enum da_rc rc = make_call(j, d, x, i, &c, err);
        if (rc == DA_OK)
            rc = stored_score(j, c, &score, err);
        if (rc != DA_OK)
            return rc;
        da_call_free(c);
        stats->n_replies++;
        if (isnan(score)) {
            stats->n_unusable++;
            continue;
        }
        sum += score;
        n++;
    }
    *mean = n ? sum / n : NAN;
    return DA_OK;
}

static size_t metric_index(const struct da_samples *s, enum da_task task)
{
    size_t i = 0;

    while (i < s->n_metrics[task] && !da_span_is(s->metrics[task][i].name, "geval"))
        i++;
    return i;
}

enum da_rc da_judge_run(struct da_judge *j, const struct da_dataset *d, struct da_samples *s,
                        struct da_judge_stats *stats, struct da_err *err)
{
    memset(stats, 0, sizeof *stats);
    j->n_without_logprobs = 0;
    enum da_rc rc = gather(j, d, s, stats, err);
    for (size_t i = 0; i < s->n && rc == DA_OK; i++) {
        struct da_sample *x = &s->items[i];
        size_t m = metric_index(s, x->task);
        double mean;
        if (!da_judge_judges(j, x->task) || m == s->n_metrics[x->task])
            continue;
        rc = score_sample(j, d, x, &mean, stats, err);
        stats->n_samples++;
        if (rc != DA_OK || isnan(mean))
            continue;
        double *at = x->stats + s->metrics[x->task][m].from;
        at[0] = (mean - DA_GEVAL_LOWEST) / (DA_GEVAL_HIGHEST - DA_GEVAL_LOWEST);
        at[1] = 1;
        x->scores[m] = at[0];
        stats->n_scored++;
    }
    if (rc == DA_OK && stats->n_samples && j->n_without_logprobs == stats->n_replies)
        return da_fail(err, DA_EUNSUPPORTED,
                       "judge '%s' gives no log-probabilities: --judge samples works without",
                       j->o.model);
    return rc;
}
