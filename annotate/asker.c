/* Requests for annotations and what becomes of their replies: see the header. */

#include "annotate/asker.h"

#include <stdlib.h>
#include <string.h>

#include "annotate/reply.h"
#include "common/mem.h"
#include "engine/tokenizer/tokenizer.h"

#define TASK DA_ASKER_TASK
#define REQUESTS_PER_CACHE_KEY 16u /* open at a time; a busier prefix spills to other machines */
#define BUDGET_FACTOR 2            /* a reply cut for length gets this much more, once */
#define TOKENIZER "o200k_base"
#define MESSAGE_OVERHEAD_TOKENS 80 /* role marks (4 a message) and the schema, from above */

/* How a try differs from a request's first one; kept in the ledger. */
enum variant { VARIANT_BUDGET = 1, VARIANT_REPAIR = 2 };

/* --- requests ------------------------------------------------------------------- */

/* Whether the record's own count is of the tokenizer that the prompt is counted with. */
static bool has_exact_count(const struct da_ann_doc *doc)
{
    struct da_span name;
    return doc->n_tokens >= 0 && da_json_str(da_json_get(doc->json, "tokenizer"), &name) &&
           da_span_is(name, TOKENIZER);
}

static enum da_rc count_fixed_tokens(struct da_asker *a, struct da_err *err)
{
    struct da_tokenizer *t = NULL;
    struct da_tok_scratch *scratch = NULL;
    size_t n = 0, n_again = 0;
    enum da_rc rc = da_tokenizer_open(&t, TOKENIZER, err);
    if (!rc) {
        scratch = da_tok_scratch_new();
        rc = da_tokenizer_count(t, scratch, da_ask_system(a->ask), 0, &n, err);
    }
    if (!rc && a->o.round_trip)
        rc = da_tokenizer_count(t, scratch, da_ask_again_system(a->ask), 0, &n_again, err);
    da_tok_scratch_free(scratch);
    da_tokenizer_close(t);
    a->again.system_tokens = (int64_t)n_again;
    a->system_tokens = (int64_t)n;
    a->fixed_tokens = a->system_tokens + MESSAGE_OVERHEAD_TOKENS;
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

bool da_asker_has_text(const struct da_ann_doc *doc)
{
    return da_span_trim(doc->text).len > 0;
}

enum da_rc da_asker_user_text(const struct da_asker *a, const struct da_ann_doc *doc,
                              struct da_buf *out, struct da_err *err)
{
    struct da_ask_requests r;
    da_ask_choose(a->ask, doc->id, &r);
    return da_ask_user(a->ask, doc->text, &r, out, err);
}

/* What differs between the two kinds of calls. */
struct kind {
    const char *task;
    const struct da_chat_params *params;
    const struct da_buf *prefix;
    const struct da_key_base *key_base;
    int64_t fixed_tokens;
    bool with_cache_key;
};

/* The call whose user message is user; it holds doc's text. */
static enum da_rc make_call(struct da_asker *a, const struct da_ann_doc *doc, const struct kind *k,
                            const struct da_buf *user, struct da_call **ret, struct da_err *err)
{
    struct da_call *c = da_call_new();
    c->task = k->task;
    c->item = da_strndup(doc->id.p, doc->id.len);
    c->params = k->params;
    (void)da_buf_reserve(&c->messages, k->prefix->len + user->len + user->len / 8 + 64);
    da_buf_add(&c->messages, k->prefix->p, k->prefix->len);
    add_text_message(&c->messages, "user", user);
    da_buf_add_char(&c->messages, ']');
    enum da_rc rc = da_buf_check(&c->messages, "a request", err);
    if (rc) {
        da_call_free(c);
        return rc;
    }
    int64_t text = has_exact_count(doc) ? doc->n_tokens : estimate_tokens(doc->text.len);
    c->prompt_tokens = k->fixed_tokens + text + estimate_tokens(user->len - doc->text.len);
    c->max_tokens = a->o.max_tokens;
    if (k->with_cache_key)
        c->cache_key = a->cache_keys[da_hash64(doc->id.p, doc->id.len, 0) % a->n_cache_keys];
    da_call_set_key_from(c, k->key_base);
    *ret = c;
    return DA_OK;
}

enum da_rc da_asker_call(struct da_asker *a, const struct da_ann_doc *doc, struct da_call **ret,
                         struct da_err *err)
{
    const struct kind k = {TASK, &a->params, &a->prefix, &a->key_base, a->fixed_tokens, true};
    da_buf_reset(&a->user);
    enum da_rc rc = da_asker_user_text(a, doc, &a->user, err);
    return rc ? rc : make_call(a, doc, &k, &a->user, ret, err);
}

/* --- the round trip ---------------------------------------------------------------- */

enum da_rc da_asker_again_text(const struct da_asker *a, const struct da_ann_doc *doc,
                               struct da_span question, struct da_buf *out, struct da_err *err)
{
    return da_ask_again_user(a->ask, doc->text, question, out, err);
}

enum da_rc da_asker_again_call(struct da_asker *a, const struct da_ann_doc *doc,
                               struct da_span question, struct da_call **ret, struct da_err *err)
{
    const struct kind k = {DA_ASKER_AGAIN_TASK,
                           &a->again.params,
                           &a->again.prefix,
                           &a->again.key_base,
                           a->again.system_tokens + MESSAGE_OVERHEAD_TOKENS,
                           false}; /* its prefix is too short to be cached */
    da_buf_reset(&a->user);
    enum da_rc rc = da_asker_again_text(a, doc, question, &a->user, err);
    return rc ? rc : make_call(a, doc, &k, &a->user, ret, err);
}

enum da_rc da_asker_again_stored(struct da_asker *a, struct da_ledger *ledger,
                                 const struct da_ann_doc *doc, struct da_call **ret,
                                 struct da_err *err)
{
    struct da_ledger_request req;
    struct da_ledger_try t;
    struct da_call *call = NULL;
    struct da_chat_reply reply;
    struct da_answers answers = {.n_qs = 0};
    char error[DA_REPLY_ERROR_MAX];
    struct da_buf body;
    *ret = NULL;
    enum da_rc rc = da_asker_call(a, doc, &call, err);
    if (!rc)
        rc = da_ledger_find(ledger, &call->key, &req, err);
    da_call_free(call);
    if (rc || req.state != DA_REQUEST_DONE)
        return rc;
    da_buf_init(&body, 0);
    rc = da_ledger_get_reply(ledger, req.id, req.accepted_try, &t, &body, err);
    if (!rc) {
        da_chat_parse(da_span(body.p, body.len), &reply);
        da_arena_reset(&a->scratch);
        if (reply.outcome == DA_CHAT_ANSWER &&
            da_reply_parse(reply.content, &a->scratch, &answers, error))
            rc = da_asker_again_call(a, doc, answers.qa_request, ret, err);
        da_chat_release(&reply);
    }
    da_buf_release(&body);
    return rc;
}

/* Adds the useless reply and what is wrong with it to the conversation. */
static bool extend_with_repair(struct da_asker *a, struct da_call *c, struct da_span content,
                               const char *error)
{
    struct da_buf text;
    da_buf_init(&text, 0);
    bool ok = da_ask_repair(a->ask, da_span_str(error), &text, NULL) == DA_OK;
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

static enum da_verdict judge_content(struct da_asker *a, struct da_call *c,
                                     const struct da_chat_reply *reply, int variant,
                                     const char **cause)
{
    struct da_answers answers = {.n_qs = 0};
    char error[DA_REPLY_ERROR_MAX] = "it is empty";
    da_arena_reset(&a->scratch);
    if (reply->outcome == DA_CHAT_ANSWER &&
        da_reply_parse(reply->content, &a->scratch, &answers, error))
        return DA_VERDICT_ACCEPT;
    *cause = "bad_reply";
    if ((variant & VARIANT_REPAIR) || !extend_with_repair(a, c, reply->content, error))
        return DA_VERDICT_FAIL;
    c->variant |= VARIANT_REPAIR;
    return DA_VERDICT_AGAIN;
}

enum da_verdict da_asker_judge(void *ctx, struct da_call *c, const struct da_call_result *r,
                               const char **cause)
{
    struct da_asker *a = ctx;
    if (!r->reply)
        return DA_VERDICT_FAIL;
    c->variant = r->variant; /* the try that was answered may be an earlier run's */
    c->max_tokens = r->max_tokens;
    switch (r->reply->outcome) {
    case DA_CHAT_CUT: return cut_reply(c, r->variant, cause);
    case DA_CHAT_FILTERED: *cause = "content_filter"; return DA_VERDICT_FAIL;
    case DA_CHAT_REFUSED: *cause = "refused"; return DA_VERDICT_FAIL;
    case DA_CHAT_ANSWER:
    case DA_CHAT_EMPTY:
        if (c->params == &a->again.params) { /* any text is an answer */
            *cause = "empty";
            return r->reply->outcome == DA_CHAT_ANSWER ? DA_VERDICT_ACCEPT : DA_VERDICT_FAIL;
        }
        return judge_content(a, c, r->reply, r->variant, cause);
    case DA_CHAT_MALFORMED: break;
    }
    *cause = "bad_reply";
    return DA_VERDICT_FAIL;
}

/* --- making one -------------------------------------------------------------------- */

static void write_origin_params(struct da_asker *a)
{
    struct da_jw w;
    da_jw_init(&w, &a->origin_params);
    da_jw_object(&w);
    if (a->o.temperature >= 0)
        da_jw_kdouble(&w, "temperature", a->o.temperature);
    if (a->o.top_p >= 0)
        da_jw_kdouble(&w, "top_p", a->o.top_p);
    if (a->o.seed >= 0)
        da_jw_kint(&w, "seed", a->o.seed);
    da_jw_kint(&w, "max_tokens", a->o.max_tokens);
    da_jw_kcstr(&w, "response_format", "json_schema");
    da_jw_end(&w);
}

static void make_cache_keys(struct da_asker *a)
{
    size_t n = a->o.concurrency / REQUESTS_PER_CACHE_KEY;
    a->n_cache_keys = n < 1 ? 1 : n > DA_ASKER_MAX_CACHE_KEYS ? DA_ASKER_MAX_CACHE_KEYS : n;
    for (size_t i = 0; i < a->n_cache_keys; i++) {
        struct da_buf s;
        da_buf_init(&s, 0);
        da_buf_addf(&s, "docassist-%.16s-%zu", da_ask_sha256(a->ask), i);
        a->cache_keys[i] = da_buf_take(&s, NULL);
    }
}

void da_asker_free(struct da_asker *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n_cache_keys; i++)
        free(a->cache_keys[i]);
    da_ask_close(a->ask);
    da_buf_release(&a->prefix);
    da_buf_release(&a->user);
    da_buf_release(&a->again.prefix);
    da_buf_release(&a->origin_params);
    da_buf_release(&a->identity);
    da_arena_release(&a->scratch);
    free(a);
}

static enum da_rc open_again(struct da_asker *a, struct da_err *err)
{
    struct da_buf *prefix = &a->again.prefix;
    enum da_rc rc = da_ask_open_again(a->ask, a->o.prompts_dir, err);
    if (rc)
        return rc;
    a->again.params = a->params;
    a->again.params.schema_name = a->again.params.schema_json = NULL;
    da_buf_add_char(prefix, '[');
    da_chat_add_message(prefix, "system", da_ask_again_system(a->ask));
    da_key_base_init(&a->again.key_base, DA_ASKER_AGAIN_TASK, &a->again.params, 0,
                     da_span(prefix->p, prefix->len));
    return DA_OK;
}

enum da_rc da_asker_new(struct da_asker **ret, const struct da_asker_opts *opts, struct da_err *err)
{
    struct da_asker *a = da_calloc(1, sizeof *a);
    a->o = *opts;
    a->params = (struct da_chat_params){.model = opts->model,
                                        .temperature = opts->temperature,
                                        .top_p = opts->top_p,
                                        .seed = opts->seed,
                                        .schema_name = DA_REPLY_SCHEMA_NAME,
                                        .schema_json = da_reply_schema};
    da_buf_init(&a->prefix, 0);
    da_buf_init(&a->user, 0);
    da_buf_init(&a->again.prefix, 0);
    da_buf_init(&a->origin_params, 0);
    da_buf_init(&a->identity, 0);
    da_arena_init(&a->scratch);
    enum da_rc rc = da_ask_open(&a->ask, opts->prompts_dir, err);
    if (!rc && opts->round_trip)
        rc = open_again(a, err);
    if (!rc)
        rc = count_fixed_tokens(a, err);
    if (rc) {
        da_asker_free(a);
        return rc;
    }
    da_buf_add_char(&a->prefix, '[');
    da_chat_add_message(&a->prefix, "system", da_ask_system(a->ask));
    da_key_base_init(&a->key_base, TASK, &a->params, 0, da_span(a->prefix.p, a->prefix.len));
    write_origin_params(a);
    make_cache_keys(a);
    da_buf_addf(&a->identity, "%s %s %s", opts->model, da_ask_sha256(a->ask), a->origin_params.p);
    if (opts->round_trip)
        da_buf_addf(&a->identity, " %s", da_ask_again_sha256(a->ask));
    *ret = a;
    return DA_OK;
}
