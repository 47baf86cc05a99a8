/*
 * Examples through the engine. The engine pulls requests (next), tells of tokens
 * (token) and gives results back in order (done); each request's state travels as
 * its user pointer. Records are committed as they come, so a killed run goes on
 * where it stopped.
 */

#include <stdlib.h>
#include <string.h>

#include "common/jsonl.h"
#include "common/mem.h"
#include "common/resume.h"
#include "eval/filehash.h"
#include "eval/generate.h"
#include "eval/generate_int.h"
#include "prompts/slimlm.h"
#include "schemas/example.h"
#include "schemas/prediction.h"

enum { OUT, ERRORS };

/* One example on its way; id and doc_id are copies, the line is gone when the answer comes. */
struct item {
    char *id, *doc_id;
    enum da_task task;
    struct da_ids ids;
    bool truncated;
    char *failure; /* why there is no answer; NULL: none */
    struct da_answer answer;
};

struct run {
    struct da_generator *g;
    const struct da_generate_run *opts;
    struct da_generate_stats *stats;
    struct da_jsonl *in;
    struct da_resume *out;
    struct da_buf origin; /* the same in every record */
    struct da_buf record;
    uint64_t n_taken;
    bool interrupted;
};

static void item_free(struct item *it)
{
    if (!it)
        return;
    da_ids_release(&it->ids);
    da_answer_release(&it->answer);
    free(it->id);
    free(it->doc_id);
    free(it->failure);
    free(it);
}

/* --- what shapes the output --------------------------------------------------------- */

static void write_decoding(const struct da_generate_opts *o, struct da_jw *w)
{
    da_jw_key(w, "decoding");
    da_jw_object(w);
    da_jw_kint(w, "max_new_tokens", o->max_new);
    da_jw_kdouble(w, "temperature", o->sampling.temperature);
    if (o->sampling.temperature > 0) {
        da_jw_kint(w, "top_k", o->sampling.top_k);
        da_jw_kdouble(w, "top_p", o->sampling.top_p);
        da_jw_key(w, "seed");
        da_jw_uint(w, o->sampling.seed);
    }
    da_jw_end(w);
}

static void make_origin(struct run *r)
{
    const struct da_generator *g = r->g;
    struct da_jw w;
    da_jw_init(&w, &r->origin);
    da_jw_object(&w);
    da_jw_kcstr(&w, "model_sha256", g->model_sha256);
    da_jw_kcstr(&w, "quant", da_model_facts(g->model)->quant);
    da_jw_kcstr(&w, "kv", da_kv_type_name(da_engine_opts(g->engine)->kv));
    da_jw_kcstr(&w, "prompt_sha256", g->prompt_sha256);
    write_decoding(&g->opts, &w);
    da_jw_kcstr(&w, "version", da_version());
    da_jw_end(&w);
}

static void hash_options(const struct run *r, char hex[DA_SHA256_HEX_LEN + 1])
{
    const struct da_generate_opts *o = &r->g->opts;
    struct da_buf b;
    da_buf_init(&b, 0);
    da_buf_addf(&b, "generate %s %s %u %d %u %llu", r->origin.p, r->g->model_name,
                da_engine_opts(r->g->engine)->n_ctx, o->want_logprobs, o->n_logprobs,
                (unsigned long long)r->opts->limit);
    da_sha256_hex(b.p, b.len, hex);
    da_buf_release(&b);
}

/* --- the engine's questions ----------------------------------------------------------- */

static struct item *make_item(struct run *r, const struct da_example *e)
{
    struct item *it = da_calloc(1, sizeof *it);
    struct da_err err;
    it->id = da_strndup(e->id.p, e->id.len);
    it->doc_id = da_strndup(e->doc_id.p, e->doc_id.len);
    it->task = e->task;
    da_ids_init(&it->ids);
    da_answer_init(&it->answer);
    if (da_prompt_fit(r->g, e->document, e->request, &it->ids, &it->truncated, &err) != DA_OK)
        it->failure = da_strdup(err.msg);
    return it;
}

static void fill_request(const struct run *r, struct item *it, struct da_request *req)
{
    const struct da_generate_opts *o = &r->g->opts;
    memset(req, 0, sizeof *req);
    req->id = da_span_str(it->id);
    req->group = da_span_str(it->doc_id);
    req->ids = it->ids.p;
    req->n_ids = it->ids.n;
    req->max_new = o->max_new;
    req->stop_ids = r->g->stop_ids.p;
    req->n_stop_ids = r->g->stop_ids.n;
    req->sampling = o->sampling;
    req->want_logprobs = o->want_logprobs;
    req->n_logprobs = o->n_logprobs;
    req->user = it;
}

static enum da_rc write_failure(struct run *r, const struct item *it, const char *why,
                                struct da_err *err)
{
    struct da_jw w;
    enum da_rc rc;
    da_buf_reset(&r->record);
    da_jw_init(&w, &r->record);
    da_jw_object(&w);
    da_jw_kcstr(&w, "id", it->id);
    da_jw_kcstr(&w, "status", "failed");
    da_jw_kcstr(&w, "detail", why);
    da_jw_end(&w);
    da_buf_add_char(&r->record, '\n');
    r->stats->n_failed++;
    if (!r->opts->errors)
        da_log_msg(r->opts->log, DA_LOG_WARN, "%s: %s", it->id, why);
    rc = da_resume_write(r->out, ERRORS, r->record.p, r->record.len, err);
    return rc == DA_OK ? da_resume_commit(r->out, da_span_str(it->id), "failed", err) : rc;
}

/* Reads on to the next example that an earlier run did not finish. *j is NULL at the end. */
static enum da_rc next_example(struct run *r, struct da_json **j, struct da_example *e,
                               struct da_err *err)
{
    for (;;) {
        char note[DA_RESUME_MAX_NOTE];
        bool done = false;
        enum da_rc rc;
        *j = NULL;
        if (r->opts->limit && r->n_taken == r->opts->limit)
            return DA_OK;
        rc = da_jsonl_next(r->in, j, err);
        if (rc != DA_OK || !*j)
            return rc;
        rc = da_example_read(*j, e, err);
        if (rc != DA_OK)
            rc = da_jsonl_fail(r->in, err);
        else
            rc = da_resume_next(r->out, e->id, &done, note, err);
        if (rc == DA_OK) {
            r->n_taken++;
            r->stats->n_examples++;
        }
        if (rc == DA_OK && !done)
            return DA_OK;
        if (done && strcmp(note, "failed") == 0)
            r->stats->n_failed++;
        else if (done)
            r->stats->n_done++;
        da_json_free(*j);
        *j = NULL;
        if (rc != DA_OK)
            return rc;
    }
}

static enum da_rc run_next(void *ctx, struct da_request *req, bool *end, struct da_err *err)
{
    struct run *r = ctx;
    struct da_json *j = NULL;
    struct da_example e;
    struct item *it;
    enum da_rc rc;
    if (r->opts->stop && *r->opts->stop) {
        r->interrupted = true;
        *end = true;
        return DA_OK;
    }
    rc = next_example(r, &j, &e, err);
    *end = rc == DA_OK && !j;
    if (rc != DA_OK || !j)
        return rc;
    it = make_item(r, &e);
    fill_request(r, it, req);
    if (it->failure)
        req->n_ids = 0; /* the engine answers at once, in order; done reports our reason */
    da_json_free(j);
    return DA_OK;
}

static enum da_rc run_token(void *ctx, void *user, int32_t id, bool *stop, struct da_err *err)
{
    const struct run *r = ctx;
    struct item *it = user;
    (void)err;
    *stop = da_answer_add(&it->answer, r->g, id);
    return DA_OK;
}

static void write_prediction(struct run *r, const struct item *it, const struct da_result *res)
{
    struct da_prediction p;
    struct da_slimlm_reply reply;
    struct da_span logprobs = {NULL, 0};
    struct da_buf extra;
    struct da_jw w;
    da_buf_init(&extra, 0);
    da_prediction_init(&p);
    p.id = da_span_str(it->id);
    p.has_task = true;
    p.task = it->task;
    p.model = da_span_str(r->g->model_name);
    p.raw = da_span(it->answer.text.p, it->answer.text.len);
    da_slimlm_parse(p.raw, &reply);
    if (reply.intent.len)
        p.intent = reply.intent;
    p.response = reply.response;
    p.prompt_tokens = (int64_t)res->n_prompt;
    p.completion_tokens = (int64_t)res->n_ids;
    p.finish_reason = da_span_str(da_finish_name(res->finish));
    p.prompt_truncated = it->truncated;
    if (r->g->opts.want_logprobs) {
        da_jw_init(&w, &extra);
        da_logprobs_write(res, &w);
        logprobs = da_span(extra.p, extra.len);
    }
    da_buf_reset(&r->record);
    da_jw_init(&w, &r->record);
    da_prediction_write(&p, da_span(r->origin.p, r->origin.len), logprobs, &w);
    da_buf_add_char(&r->record, '\n');
    da_buf_release(&extra);
}

static enum da_rc run_done(void *ctx, void *user, const struct da_result *res,
                           struct da_err *err)
{
    struct run *r = ctx;
    struct item *it = user;
    enum da_rc rc;
    if (it->failure || res->finish == DA_FINISH_ERROR) {
        rc = write_failure(r, it, it->failure ? it->failure : res->message, err);
    } else {
        da_tok_stream_end(&it->answer.stream, &it->answer.text);
        write_prediction(r, it, res);
        rc = da_resume_write(r->out, OUT, r->record.p, r->record.len, err);
        if (rc == DA_OK)
            rc = da_resume_commit(r->out, da_span_str(it->id), "ok", err);
        r->stats->n_done++;
    }
    item_free(it);
    da_progress_set(r->opts->log, r->stats->n_done + r->stats->n_failed);
    return rc;
}

/* --- the run --------------------------------------------------------------------------- */

static enum da_rc open_files(struct run *r, struct da_err *err)
{
    char hash[DA_SHA256_HEX_LEN + 1];
    struct da_resume_opts o = {.paths = {r->opts->output, r->opts->errors},
                               .options_hash = hash,
                               .restart = r->opts->restart};
    enum da_rc rc = da_jsonl_open(&r->in, r->opts->input, err);
    make_origin(r);
    hash_options(r, hash);
    return rc == DA_OK ? da_resume_open(&r->out, &o, err) : rc;
}

enum da_rc da_generate_examples(struct da_generator *g, const struct da_generate_run *opts,
                                struct da_generate_stats *stats, struct da_err *err)
{
    struct run r = {.g = g, .opts = opts, .stats = stats};
    struct da_engine_calls calls = {
        .ctx = &r, .next = run_next, .token = run_token, .done = run_done};
    enum da_rc rc;
    memset(stats, 0, sizeof *stats);
    da_buf_init(&r.origin, 0);
    da_buf_init(&r.record, 0);
    /* only records name the file's hash, and it takes longer than everything before */
    rc = da_gguf_sha256(da_model_gguf(g->model), g->model_sha256, err);
    if (rc == DA_OK)
        rc = open_files(&r, err);
    da_progress_start(opts->log, "generate", 0);
    if (rc == DA_OK)
        rc = da_engine_run(g->engine, &calls, err);
    da_progress_end(opts->log);
    stats->engine = *da_engine_stats(g->engine);
    if (rc == DA_OK && r.interrupted)
        rc = da_fail(err, DA_EINTR, "interrupted: run the same command to continue");
    if (rc == DA_OK)
        rc = da_resume_finish(r.out, err);
    else
        da_resume_close(r.out);
    da_jsonl_close(r.in);
    da_buf_release(&r.origin);
    da_buf_release(&r.record);
    return rc;
}
