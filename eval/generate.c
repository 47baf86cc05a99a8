/* Opening a generator, answers that grow, raw prompts: see generate.h. */

#include "eval/generate.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "engine/chat/chat_template.h"
#include "eval/generate_int.h"

/* --- open and close --------------------------------------------------------------- */

/* The option, else what the file calls itself, else the file's name without folder and ".gguf". */
static char *choose_name(const struct da_generate_opts *opts, const struct da_model *model)
{
    const char *name = da_model_facts(model)->name;
    const char *slash = strrchr(opts->model_path, '/');
    const char *base = slash ? slash + 1 : opts->model_path;
    size_t len = strlen(base);
    if (opts->model_name)
        return da_strdup(opts->model_name);
    if (name && *name)
        return da_strdup(name);
    if (len > 5 && strcmp(base + len - 5, ".gguf") == 0)
        len -= 5;
    return da_strndup(base, len);
}

static void find_stop_ids(struct da_generator *g)
{
    int32_t id, n = (int32_t)da_tokenizer_size(g->tokenizer);
    for (id = 0; id < n; id++)
        if (da_tokenizer_is_end(g->tokenizer, id))
            da_ids_add(&g->stop_ids, id);
}

enum da_rc da_generator_open(struct da_generator **ret, const struct da_generate_opts *opts,
                             struct da_err *err)
{
    struct da_generator *g = da_calloc(1, sizeof *g);
    enum da_rc rc;
    g->opts = *opts;
    da_ids_init(&g->stop_ids);
    da_buf_init(&g->text, 0);
    rc = da_model_open(&g->model, opts->model_path, &opts->model, err);
    if (rc == DA_OK) {
        rc = da_tokenizer_open_gguf(&g->tokenizer, da_model_gguf(g->model), err);
        if (rc != DA_OK)
            (void)da_err_context(err, rc, "%s", opts->model_path);
    }
    if (rc == DA_OK)
        rc = da_engine_new(&g->engine, g->model, &opts->engine, err);
    if (rc == DA_OK)
        rc = da_prompt_open(g, err);
    if (rc != DA_OK) {
        da_generator_close(g);
        return rc;
    }
    g->scratch = da_tok_scratch_new();
    g->model_name = choose_name(opts, g->model);
    find_stop_ids(g);
    *ret = g;
    return DA_OK;
}

void da_generator_close(struct da_generator *g)
{
    if (!g)
        return;
    da_engine_free(g->engine);
    da_tokenizer_close(g->tokenizer);
    da_tok_scratch_free(g->scratch);
    da_chat_template_free(g->chat);
    da_model_close(g->model);
    da_ids_release(&g->stop_ids);
    da_buf_release(&g->text);
    free(g->model_name);
    free(g);
}

/* --- answers ------------------------------------------------------------------------ */

void da_answer_init(struct da_answer *a)
{
    da_tok_stream_init(&a->stream);
    da_buf_init(&a->text, 0);
}

void da_answer_release(struct da_answer *a)
{
    da_buf_release(&a->text);
}

bool da_answer_add(struct da_answer *a, const struct da_generator *g, int32_t id)
{
    static const char end[] = "</response>"; /* DESIGN.md 5.6 */
    const size_t n = sizeof end - 1;
    size_t from = a->text.len > n ? a->text.len - n : 0;
    da_tok_stream_add(&a->stream, g->tokenizer, id, 0, &a->text);
    return da_span_find(da_span(a->text.p + from, a->text.len - from), da_span(end, n)) <
           a->text.len - from;
}

void da_logprobs_write(const struct da_result *res, struct da_jw *w)
{
    size_t i, k;
    da_jw_array(w);
    for (i = 0; i < res->n_ids; i++) {
        const struct da_logprob *p = &res->logprobs[i * (1 + res->n_top)];
        da_jw_object(w);
        da_jw_kint(w, "id", p->id);
        da_jw_kdouble(w, "logprob", (double)p->logprob);
        da_jw_key(w, "top");
        da_jw_array(w);
        for (k = 1; k <= res->n_top; k++) {
            da_jw_array(w);
            da_jw_int(w, p[k].id);
            da_jw_double(w, (double)p[k].logprob);
            da_jw_end(w);
        }
        da_jw_end(w);
        da_jw_end(w);
    }
    da_jw_end(w);
}

/* --- one raw prompt ------------------------------------------------------------------ */

struct raw {
    struct da_generator *g;
    struct da_ids ids;
    struct da_answer answer;
    struct da_buf *out;
    bool given;
};

static enum da_rc raw_next(void *ctx, struct da_request *req, bool *end, struct da_err *err)
{
    struct raw *r = ctx;
    const struct da_generate_opts *o = &r->g->opts;
    (void)err;
    *end = r->given;
    r->given = true;
    memset(req, 0, sizeof *req);
    req->id = da_span_str("raw");
    req->ids = r->ids.p;
    req->n_ids = r->ids.n;
    req->max_new = o->max_new;
    req->stop_ids = r->g->stop_ids.p;
    req->n_stop_ids = r->g->stop_ids.n;
    req->sampling = o->sampling;
    req->want_logprobs = o->want_logprobs;
    req->n_logprobs = o->n_logprobs;
    return DA_OK;
}

static void write_raw_json(const struct raw *r, const struct da_result *res)
{
    struct da_jw w;
    size_t i;
    da_jw_init(&w, r->out);
    da_jw_object(&w);
    da_jw_kstr(&w, "text", da_span(r->answer.text.p, r->answer.text.len));
    da_jw_key(&w, "ids");
    da_jw_array(&w);
    for (i = 0; i < res->n_ids; i++)
        da_jw_int(&w, res->ids[i]);
    da_jw_end(&w);
    da_jw_kcstr(&w, "finish_reason", da_finish_name(res->finish));
    da_jw_key(&w, "usage");
    da_jw_object(&w);
    da_jw_kint(&w, "prompt_tokens", (int64_t)res->n_prompt);
    da_jw_kint(&w, "completion_tokens", (int64_t)res->n_ids);
    da_jw_end(&w);
    da_jw_key(&w, "logprobs");
    da_logprobs_write(res, &w);
    da_jw_end(&w);
}

static enum da_rc raw_done(void *ctx, void *user, const struct da_result *res,
                           struct da_err *err)
{
    struct raw *r = ctx;
    size_t i;
    (void)user;
    if (res->finish == DA_FINISH_ERROR)
        return da_fail(err, res->rc, "%s", res->message);
    for (i = 0; i < res->n_ids; i++)
        da_tok_stream_add(&r->answer.stream, r->g->tokenizer, res->ids[i], 0, &r->answer.text);
    da_tok_stream_end(&r->answer.stream, &r->answer.text);
    if (r->g->opts.want_logprobs)
        write_raw_json(r, res);
    else
        da_buf_add(r->out, r->answer.text.p, r->answer.text.len);
    return DA_OK;
}

enum da_rc da_generate_raw(struct da_generator *g, struct da_span text, const int32_t *ids,
                           size_t n_ids, struct da_buf *out, struct da_err *err)
{
    struct raw r = {.g = g, .out = out};
    struct da_engine_calls calls = {.ctx = &r, .next = raw_next, .done = raw_done};
    enum da_rc rc = DA_OK;
    size_t i;
    da_ids_init(&r.ids);
    da_answer_init(&r.answer);
    if (ids)
        for (i = 0; i < n_ids; i++)
            da_ids_add(&r.ids, ids[i]);
    else
        rc = da_tokenizer_encode(g->tokenizer, g->scratch, text, DA_TOK_ADD_SPECIAL, &r.ids, err);
    if (rc == DA_OK && r.ids.n == 0)
        rc = da_fail(err, DA_EUSAGE, "the prompt has no tokens");
    if (rc == DA_OK)
        rc = da_engine_run(g->engine, &calls, err);
    da_answer_release(&r.answer);
    da_ids_release(&r.ids);
    return rc;
}
