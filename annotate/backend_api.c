/*
 * Annotations from a chat-completions API. gather asks for every document whose request the
 * ledger does not know the end of; annotate answers from the ledger alone. Both build the
 * request from the document in the same way, so they agree on its key.
 */

#include "annotate/backend_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/reply.h"
#include "common/hash.h"
#include "common/mem.h"
#include "engine/tokenizer/tokenizer.h"
#include "prompts/ask.h"

#define TASK "annotate"
#define MAX_CACHE_KEYS 64u
#define REQUESTS_PER_CACHE_KEY 16u /* open at a time; a busier prefix spills to other machines */
#define BUDGET_FACTOR 2            /* a reply cut for length gets this much more, once */
#define TOKENIZER "o200k_base"
#define MESSAGE_OVERHEAD_TOKENS 80 /* role marks (4 a message) and the schema, from above */

/* How a try differs from a request's first one; kept in the ledger. */
enum variant { VARIANT_BUDGET = 1, VARIANT_REPAIR = 2 };

struct api_backend {
    struct da_backend base;
    struct da_backend_api_opts o;
    struct da_chat_params params;
    struct da_ask *ask;
    struct da_buf prefix; /* '[' and the system message as JSON */
    struct da_buf origin_params;
    struct da_buf identity;
    char *cache_keys[MAX_CACHE_KEYS];
    size_t n_cache_keys;
    int64_t fixed_tokens;
    struct da_client_stats stats;
    struct da_client *client; /* while gathering */
    struct da_arena scratch;
};

/* --- requests ------------------------------------------------------------------- */

/* Whether the record's own count is of the tokenizer that the prompt is counted with. */
static bool has_exact_count(const struct da_ann_doc *doc)
{
    struct da_span name;
    return doc->n_tokens >= 0 && da_json_str(da_json_get(doc->json, "tokenizer"), &name) &&
           da_span_is(name, TOKENIZER);
}

static enum da_rc count_fixed_tokens(struct api_backend *b, struct da_err *err)
{
    struct da_tokenizer *t = NULL;
    struct da_tok_scratch *scratch = NULL;
    size_t n = 0;
    enum da_rc rc = da_tokenizer_open(&t, TOKENIZER, err);
    if (!rc) {
        scratch = da_tok_scratch_new();
        rc = da_tokenizer_count(t, scratch, da_ask_system(b->ask), 0, &n, err);
    }
    da_tok_scratch_free(scratch);
    da_tokenizer_close(t);
    b->fixed_tokens = (int64_t)n + MESSAGE_OVERHEAD_TOKENS;
    return rc;
}

/* Tokens of ordinary text, from above: 3 bytes a token is more than any natural text of
 * o200k_base in Latin script needs, other scripts have 3 bytes a character. */
static int64_t estimate_tokens(size_t n_bytes)
{
    return (int64_t)(n_bytes / 3) + 1;
}

static void add_text_message(struct da_buf *out, const char *role, const struct da_buf *text)
{
    da_chat_add_message(out, role, da_span(text->p, text->len));
}

/* The call of a first try. */
static enum da_rc make_call(struct api_backend *b, const struct da_ann_doc *doc,
                            struct da_call **ret, struct da_err *err)
{
    struct da_ask_requests r;
    struct da_buf user;
    struct da_call *c = da_call_new();
    da_buf_init(&user, 0);
    da_ask_choose(b->ask, doc->id, &r);
    enum da_rc rc = da_ask_user(b->ask, doc->text, &r, &user, err);
    if (!rc) {
        c->task = TASK;
        c->item = da_strndup(doc->id.p, doc->id.len);
        c->params = &b->params;
        da_buf_add(&c->messages, b->prefix.p, b->prefix.len);
        add_text_message(&c->messages, "user", &user);
        da_buf_add_char(&c->messages, ']');
        rc = da_buf_check(&c->messages, "a request", err);
    }
    if (rc) {
        da_call_free(c);
    } else {
        int64_t text = has_exact_count(doc) ? doc->n_tokens : estimate_tokens(doc->text.len);
        c->prompt_tokens = b->fixed_tokens + text + estimate_tokens(user.len - doc->text.len);
        c->max_tokens = b->o.max_tokens;
        c->cache_key = b->cache_keys[da_hash64(doc->id.p, doc->id.len, 0) % b->n_cache_keys];
        da_call_set_key(c, 0);
        *ret = c;
    }
    da_buf_release(&user);
    return rc;
}

enum da_rc da_backend_api_show(struct da_backend *base, const struct da_ann_doc *doc,
                               struct da_buf *out, struct da_err *err)
{
    struct api_backend *b = (struct api_backend *)base;
    struct da_call *c = NULL;
    enum da_rc rc = make_call(b, doc, &c, err);
    if (rc)
        return rc;
    da_chat_body(&b->params, da_span(c->messages.p, c->messages.len), c->max_tokens, c->cache_key,
                 0, out);
    da_call_free(c);
    return DA_OK;
}

/* Adds the useless reply and what is wrong with it to the conversation. */
static bool extend_with_repair(struct api_backend *b, struct da_call *c, struct da_span content,
                               const char *error)
{
    struct da_buf text;
    da_buf_init(&text, 0);
    bool ok = da_ask_repair(b->ask, da_span_str(error), &text, NULL) == DA_OK;
    if (ok) {
        da_buf_truncate(&c->messages, c->messages.len - 1); /* the ']' */
        if (content.len)
            da_chat_add_message(&c->messages, "assistant", content);
        add_text_message(&c->messages, "user", &text);
        da_buf_add_char(&c->messages, ']');
        c->prompt_tokens += estimate_tokens(content.len) + estimate_tokens(text.len);
    }
    da_buf_release(&text);
    return ok;
}

/* --- verdicts ------------------------------------------------------------------- */

static enum da_verdict cut_reply(struct da_call *c, int variant, const char **cause)
{
    *cause = "length";
    if (variant & VARIANT_BUDGET)
        return DA_VERDICT_FAIL;
    c->variant |= VARIANT_BUDGET;
    c->max_tokens *= BUDGET_FACTOR;
    return DA_VERDICT_AGAIN;
}

static enum da_verdict judge_content(struct api_backend *b, struct da_call *c,
                                     const struct da_chat_reply *reply, int variant,
                                     const char **cause)
{
    struct da_answers answers = {.n_qs = 0};
    char error[DA_REPLY_ERROR_MAX] = "it is empty";
    da_arena_reset(&b->scratch);
    if (reply->outcome == DA_CHAT_ANSWER &&
        da_reply_parse(reply->content, &b->scratch, &answers, error))
        return DA_VERDICT_ACCEPT;
    *cause = "bad_reply";
    if ((variant & VARIANT_REPAIR) || !extend_with_repair(b, c, reply->content, error))
        return DA_VERDICT_FAIL;
    c->variant |= VARIANT_REPAIR;
    return DA_VERDICT_AGAIN;
}

static enum da_verdict on_result(void *ctx, struct da_call *c, const struct da_call_result *r,
                                 const char **cause)
{
    struct api_backend *b = ctx;
    if (!r->reply)
        return DA_VERDICT_FAIL;
    c->variant = r->variant; /* the try that was answered may be an earlier run's */
    c->max_tokens = r->max_tokens;
    switch (r->reply->outcome) {
    case DA_CHAT_CUT: return cut_reply(c, r->variant, cause);
    case DA_CHAT_FILTERED: *cause = "content_filter"; return DA_VERDICT_FAIL;
    case DA_CHAT_REFUSED: *cause = "refused"; return DA_VERDICT_FAIL;
    case DA_CHAT_ANSWER:
    case DA_CHAT_EMPTY: return judge_content(b, c, r->reply, r->variant, cause);
    case DA_CHAT_MALFORMED: break;
    }
    *cause = "bad_reply";
    return DA_VERDICT_FAIL;
}

/* --- gathering ------------------------------------------------------------------ */

static bool is_blank(struct da_span text)
{
    return da_span_trim(text).len == 0;
}

/* Submits documents until the client is full or the source ends. */
static enum da_rc fill(struct api_backend *b, struct da_ann_source *s, bool *at_end,
                       uint64_t *n_seen, struct da_err *err)
{
    while (!*at_end && da_client_has_room(b->client)) {
        struct da_ann_doc doc;
        struct da_call *call = NULL;
        enum da_request_state state;
        enum da_rc rc = da_ann_source_next(s, &doc, err);
        if (rc)
            return rc;
        *at_end = doc.line.len == 0;
        if (*at_end)
            break;
        ++*n_seen;
        if (is_blank(doc.text))
            continue;
        rc = make_call(b, &doc, &call, err);
        if (!rc)
            rc = da_client_submit(b->client, call, &state, err);
        if (rc)
            return rc;
    }
    return DA_OK;
}

static enum da_rc ask_all(struct api_backend *b, struct da_ann_source *s, struct da_err *err)
{
    enum { STEP_MS = 200 };
    bool at_end = false;
    uint64_t n_seen = 0;
    for (;;) {
        if (b->o.stop && *b->o.stop) {
            enum da_rc rc = da_client_drain(b->client, err);
            return rc ? rc
                      : da_fail(err, DA_EINTR,
                                "interrupted; what was answered is kept: run "
                                "the same command to resume");
        }
        enum da_rc rc = fill(b, s, &at_end, &n_seen, err);
        if (rc)
            return rc;
        if (at_end && da_client_n_open(b->client) == 0)
            return da_client_drain(b->client, err);
        rc = da_client_pump(b->client, STEP_MS, err);
        if (rc)
            return rc;
        da_progress_set(b->o.log, n_seen - da_client_n_open(b->client));
    }
}

static enum da_rc api_gather(struct da_backend *base, struct da_ann_source *s, struct da_err *err)
{
    struct api_backend *b = (struct api_backend *)base;
    enum da_rc rc = da_client_new(&b->client, &b->o.client, on_result, b, err);
    if (rc)
        return rc;
    da_progress_start(b->o.log, "asking", 0);
    rc = ask_all(b, s, err);
    da_progress_end(b->o.log);
    da_client_stats(b->client, &b->stats);
    da_client_free(b->client);
    b->client = NULL;
    return rc;
}

void da_backend_api_stats(const struct da_backend *base, struct da_client_stats *s)
{
    *s = ((const struct api_backend *)base)->stats;
}

/* --- answering from the ledger ---------------------------------------------------- */

static struct da_span keep(struct da_arena *arena, struct da_span s)
{
    return da_span(da_arena_strndup(arena, s.p, s.len), s.len);
}

static void fail_with(struct da_ann_result *res, struct da_arena *arena, const char *status,
                      struct da_span detail)
{
    res->failure = keep(arena, da_span_str(status)).p;
    res->detail = keep(arena, detail);
}

/* Reads a stored completion. False, with res->failure set, when it is no annotation. */
static bool read_reply(struct api_backend *b, struct da_span body, struct da_arena *arena,
                       struct da_ann_result *res)
{
    struct da_chat_reply reply;
    char error[DA_REPLY_ERROR_MAX] = "it is empty";
    da_chat_parse(body, &reply);
    bool ok = reply.outcome == DA_CHAT_ANSWER &&
              da_reply_parse(reply.content, arena, &res->answers, error);
    if (ok) {
        res->origin.model = da_span_str(b->o.model);
        res->origin.snapshot = keep(arena, reply.model);
        res->origin.system_fingerprint = keep(arena, reply.system_fingerprint);
        res->origin.prompt_sha256 = da_span_str(da_ask_sha256(b->ask));
        res->origin.params = da_span(b->origin_params.p, b->origin_params.len);
        res->origin.prompt_tokens = reply.usage.known ? reply.usage.prompt_tokens : -1;
        res->origin.completion_tokens = reply.usage.known ? reply.usage.completion_tokens : -1;
    } else if (reply.outcome == DA_CHAT_REFUSED) {
        fail_with(res, arena, "refused", reply.refusal);
    } else if (reply.outcome != DA_CHAT_ANSWER && reply.outcome != DA_CHAT_EMPTY) {
        fail_with(res, arena, da_chat_outcome_name(reply.outcome), da_span("", 0));
    } else {
        fail_with(res, arena, "bad_reply", da_span_str(error));
    }
    da_chat_release(&reply);
    return ok;
}

/* The failed request: by its last reply if there is one, else by what the server said. */
static enum da_rc explain_failure(struct api_backend *b, const struct da_ledger_request *req,
                                  struct da_arena *arena, struct da_ann_result *res,
                                  struct da_err *err)
{
    struct da_ledger *ledger = b->o.client.ledger;
    struct da_ledger_try try;
    struct da_buf text;
    da_buf_init(&text, 0);
    const char *status = req->cause[0] ? req->cause : "unanswered";
    enum da_rc rc = DA_OK;
    if (req->state == DA_REQUEST_FAILED) {
        rc = da_ledger_get_reply(ledger, req->id, 0, &try, &text, err);
        if (!rc && try.id &&
            (!read_reply(b, da_span(text.p, text.len), arena, res) || b->o.reparse))
            goto out; /* its own words; or a better reader made an annotation of it */
    }
    da_buf_reset(&text);
    if (!rc && req->id)
        rc = da_ledger_last_note(ledger, req->id, &text, err);
    if (!rc)
        fail_with(res, arena, status, da_span(text.p, text.len));
out:
    da_buf_release(&text);
    return rc;
}

static enum da_rc api_annotate(struct da_backend *base, const struct da_ann_doc *doc,
                               struct da_arena *arena, struct da_ann_result *res,
                               struct da_err *err)
{
    struct api_backend *b = (struct api_backend *)base;
    struct da_ledger_request req;
    struct da_ask_requests asked;
    struct da_call *call = NULL;
    struct da_buf body;
    struct da_ledger_try try;
    if (is_blank(doc->text)) {
        fail_with(res, arena, "empty", da_span_str("the document has no text"));
        return DA_OK;
    }
    enum da_rc rc = make_call(b, doc, &call, err);
    if (rc)
        return rc;
    da_buf_init(&body, 0);
    da_ask_choose(b->ask, doc->id, &asked);
    res->answers.summ_request = asked.summ;
    res->answers.qs_request = asked.suggestion;
    rc = da_ledger_find(b->o.client.ledger, &call->key, &req, err);
    if (!rc && req.state == DA_REQUEST_DONE) {
        rc = da_ledger_get_reply(b->o.client.ledger, req.id, req.accepted_try, &try, &body, err);
        if (!rc)
            (void)read_reply(b, da_span(body.p, body.len), arena, res);
    } else if (!rc) {
        rc = explain_failure(b, &req, arena, res, err);
    }
    da_buf_release(&body);
    da_call_free(call);
    return rc;
}

/* --- making one -------------------------------------------------------------------- */

static void write_origin_params(struct api_backend *b)
{
    struct da_jw w;
    da_jw_init(&w, &b->origin_params);
    da_jw_object(&w);
    if (b->o.temperature >= 0)
        da_jw_kdouble(&w, "temperature", b->o.temperature);
    if (b->o.top_p >= 0)
        da_jw_kdouble(&w, "top_p", b->o.top_p);
    if (b->o.seed >= 0)
        da_jw_kint(&w, "seed", b->o.seed);
    da_jw_kint(&w, "max_tokens", b->o.max_tokens);
    da_jw_kcstr(&w, "response_format", "json_schema");
    da_jw_end(&w);
}

static void make_cache_keys(struct api_backend *b)
{
    size_t n = b->o.client.concurrency / REQUESTS_PER_CACHE_KEY;
    b->n_cache_keys = n < 1 ? 1 : n > MAX_CACHE_KEYS ? MAX_CACHE_KEYS : n;
    for (size_t i = 0; i < b->n_cache_keys; i++) {
        struct da_buf s;
        da_buf_init(&s, 0);
        da_buf_addf(&s, "docassist-%.16s-%zu", da_ask_sha256(b->ask), i);
        b->cache_keys[i] = da_buf_take(&s, NULL);
    }
}

static void api_free(struct da_backend *base)
{
    struct api_backend *b = (struct api_backend *)base;
    for (size_t i = 0; i < b->n_cache_keys; i++)
        free(b->cache_keys[i]);
    da_client_free(b->client);
    da_ask_close(b->ask);
    da_buf_release(&b->prefix);
    da_buf_release(&b->origin_params);
    da_buf_release(&b->identity);
    da_arena_release(&b->scratch);
    free(b);
}

enum da_rc da_backend_api_new(struct da_backend **ret, const struct da_backend_api_opts *opts,
                              struct da_err *err)
{
    struct api_backend *b = da_calloc(1, sizeof *b);
    b->o = *opts;
    b->base = (struct da_backend){"api", "", api_gather, api_annotate, api_free};
    b->params = (struct da_chat_params){.model = opts->model,
                                        .temperature = opts->temperature,
                                        .top_p = opts->top_p,
                                        .seed = opts->seed,
                                        .schema_name = DA_REPLY_SCHEMA_NAME,
                                        .schema_json = da_reply_schema};
    da_buf_init(&b->prefix, 0);
    da_buf_init(&b->origin_params, 0);
    da_buf_init(&b->identity, 0);
    da_arena_init(&b->scratch);
    enum da_rc rc = da_ask_open(&b->ask, opts->prompts_dir, err);
    if (!rc)
        rc = count_fixed_tokens(b, err);
    if (rc) {
        api_free(&b->base);
        return rc;
    }
    struct da_span system = da_ask_system(b->ask);
    da_buf_add_char(&b->prefix, '[');
    da_chat_add_message(&b->prefix, "system", system);
    write_origin_params(b);
    make_cache_keys(b);
    da_buf_addf(&b->identity, "%s %s %s", opts->model, da_ask_sha256(b->ask), b->origin_params.p);
    b->base.identity = b->identity.p;
    *ret = &b->base;
    return DA_OK;
}
