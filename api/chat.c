/* Chat completions: see the header. */

#include "api/chat.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/utf8.h"

/* --- requests ---------------------------------------------------------------- */

static void sampling_members(struct da_jw *w, const struct da_chat_params *p, unsigned lacks)
{
    if (p->temperature >= 0 && !(lacks & DA_CHAT_LACKS_TEMPERATURE))
        da_jw_kdouble(w, "temperature", p->temperature);
    if (p->top_p >= 0 && !(lacks & DA_CHAT_LACKS_TOP_P))
        da_jw_kdouble(w, "top_p", p->top_p);
    if (p->seed >= 0 && !(lacks & DA_CHAT_LACKS_SEED))
        da_jw_kint(w, "seed", p->seed);
    if (p->top_logprobs > 0 && !(lacks & DA_CHAT_LACKS_LOGPROBS)) {
        da_jw_kbool(w, "logprobs", true);
        da_jw_kint(w, "top_logprobs", p->top_logprobs);
    }
}

static void format_members(struct da_jw *w, const struct da_chat_params *p, unsigned lacks)
{
    if (!p->schema_name || (lacks & DA_CHAT_LACKS_JSON_OBJECT))
        return;
    da_jw_key(w, "response_format");
    da_jw_object(w);
    if (lacks & DA_CHAT_LACKS_SCHEMA) {
        da_jw_kcstr(w, "type", "json_object");
    } else {
        da_jw_kcstr(w, "type", "json_schema");
        da_jw_key(w, "json_schema");
        da_jw_object(w);
        da_jw_kcstr(w, "name", p->schema_name);
        da_jw_kbool(w, "strict", true);
        da_jw_key(w, "schema");
        da_jw_raw(w, p->schema_json, strlen(p->schema_json));
        da_jw_end(w);
    }
    da_jw_end(w);
}

void da_chat_params_json(const struct da_chat_params *p, struct da_buf *out)
{
    struct da_jw w;
    da_jw_init(&w, out);
    da_jw_object(&w);
    sampling_members(&w, p, 0);
    format_members(&w, p, 0);
    da_jw_end(&w);
}

void da_chat_add_message(struct da_buf *out, const char *role, struct da_span text)
{
    struct da_jw w;
    if (out->len && out->p[out->len - 1] != '[')
        da_buf_add_char(out, ',');
    da_jw_init(&w, out);
    da_jw_object(&w);
    da_jw_kcstr(&w, "role", role);
    da_jw_kstr(&w, "content", text);
    da_jw_end(&w);
}

void da_chat_body(const struct da_chat_params *p, struct da_span messages, int max_tokens,
                  const char *cache_key, unsigned lacks, struct da_buf *out)
{
    struct da_jw w;
    da_jw_init(&w, out);
    da_jw_object(&w);
    da_jw_kcstr(&w, "model", p->model);
    da_jw_key(&w, "messages");
    da_jw_raw(&w, messages.p, messages.len);
    da_jw_kint(&w, (lacks & DA_CHAT_LACKS_MAX_TOKENS) ? "max_completion_tokens" : "max_tokens",
               max_tokens);
    sampling_members(&w, p, lacks);
    format_members(&w, p, lacks);
    if (cache_key && !(lacks & DA_CHAT_LACKS_CACHE_KEY))
        da_jw_kcstr(&w, "prompt_cache_key", cache_key);
    da_jw_end(&w);
}

/* --- replies ----------------------------------------------------------------- */

static int64_t count_of(const struct da_json *o, const char *key)
{
    int64_t v = 0;
    return da_json_int(da_json_get(o, key), &v) && v >= 0 ? v : 0;
}

static void parse_usage(const struct da_json *u, struct da_chat_usage *usage)
{
    int64_t v;
    usage->known = da_json_int(da_json_get(u, "prompt_tokens"), &v) && v >= 0 &&
                   da_json_int(da_json_get(u, "completion_tokens"), &v) && v >= 0;
    if (!usage->known)
        return;
    usage->prompt_tokens = count_of(u, "prompt_tokens");
    usage->completion_tokens = count_of(u, "completion_tokens");
    usage->cached_tokens = count_of(da_json_get(u, "prompt_tokens_details"), "cached_tokens");
    if (usage->cached_tokens > usage->prompt_tokens)
        usage->cached_tokens = usage->prompt_tokens;
}

/* content is a string, or by some servers an array of {"type":"text","text":...} with one part. */
static bool get_content(const struct da_json *message, struct da_span *out)
{
    const struct da_json *c = da_json_get(message, "content");
    if (da_json_str(c, out))
        return true;
    return da_json_len(c) == 1 && da_json_str(da_json_get(da_json_first(c), "text"), out);
}

static enum da_chat_outcome judge_choice(const struct da_json *message, struct da_chat_reply *r)
{
    bool has_content = get_content(message, &r->content);
    if (da_json_str(da_json_get(message, "refusal"), &r->refusal) && r->refusal.len)
        return DA_CHAT_REFUSED;
    if (da_span_is(r->finish_reason, "content_filter"))
        return DA_CHAT_FILTERED;
    if (da_span_is(r->finish_reason, "length"))
        return DA_CHAT_CUT;
    return has_content && da_span_trim(r->content).len ? DA_CHAT_ANSWER : DA_CHAT_EMPTY;
}

void da_chat_parse(struct da_span body, struct da_chat_reply *r)
{
    struct da_err err;
    memset(r, 0, sizeof *r);
    r->outcome = DA_CHAT_MALFORMED;
    r->content = r->refusal = r->finish_reason = r->model = r->system_fingerprint = da_span("", 0);
    if (da_json_parse(body.p, body.len, &r->root, &err)) {
        r->root = NULL;
        snprintf(r->why, sizeof r->why, "%.150s", err.msg);
        return;
    }
    parse_usage(da_json_get(r->root, "usage"), &r->usage);
    (void)da_json_str(da_json_get(r->root, "model"), &r->model);
    (void)da_json_str(da_json_get(r->root, "system_fingerprint"), &r->system_fingerprint);
    const struct da_json *choice = da_json_first(da_json_get(r->root, "choices"));
    const struct da_json *message = da_json_get(choice, "message");
    if (!message) {
        snprintf(r->why, sizeof r->why, "no choices[0].message");
        return;
    }
    (void)da_json_str(da_json_get(choice, "finish_reason"), &r->finish_reason);
    r->logprobs = da_json_get(da_json_get(choice, "logprobs"), "content");
    r->outcome = judge_choice(message, r);
}

void da_chat_release(struct da_chat_reply *r)
{
    da_json_free(r->root);
    r->root = NULL;
}

const char *da_chat_outcome_name(enum da_chat_outcome o)
{
    static const char *const names[] = {"answer",  "length", "content_filter",
                                        "refused", "empty",  "malformed"};
    return names[o];
}

/* --- errors ------------------------------------------------------------------ */

/* One line of valid UTF-8 that fits, cut between characters. */
static void copy_line(char *out, size_t size, struct da_span s)
{
    struct da_buf clean;
    da_buf_init(&clean, 0);
    s = da_span_trim(s);
    (void)da_utf8_sanitize(s.p, s.len < 4 * size ? s.len : 4 * size, &clean);
    size_t len = clean.len < size - 1 ? clean.len : size - 1;
    len = da_utf8_valid_len(clean.p, len);
    for (size_t i = 0; i < len; i++)
        out[i] = (unsigned char)clean.p[i] < 0x20 || clean.p[i] == 0x7f ? ' ' : clean.p[i];
    out[len] = 0;
    da_buf_release(&clean);
}

static void copy_member(char *out, size_t size, const struct da_json *o, const char *key)
{
    struct da_span s;
    int64_t n;
    if (da_json_str(da_json_get(o, key), &s))
        copy_line(out, size, s);
    else if (da_json_int(da_json_get(o, key), &n))
        snprintf(out, size, "%lld", (long long)n);
}

static void blot_out(char *text, const char *secret)
{
    size_t n = secret ? strlen(secret) : 0;
    if (n == 0)
        return;
    for (char *at = text; (at = strstr(at, secret));) {
        memset(at, '*', n);
        at += n;
    }
}

void da_chat_parse_error(struct da_span body, const char *secret, struct da_chat_error *e)
{
    static const char *const texts[] = {"message", "detail", "error"};
    struct da_json *root = NULL;
    struct da_span s;
    memset(e, 0, sizeof *e);
    if (da_json_parse(body.p, body.len, &root, NULL)) {
        if (!memchr(body.p, '<', body.len)) /* a page of HTML tells nobody anything */
            copy_line(e->message, sizeof e->message, body);
        blot_out(e->message, secret);
        return;
    }
    const struct da_json *o = da_json_get(root, "error");
    if (!o || da_json_type(o) != DA_JSON_OBJECT)
        o = root;
    for (size_t i = 0; i < DA_ARRAY_LEN(texts) && !e->message[0]; i++)
        if (da_json_str(da_json_get(o, texts[i]), &s))
            copy_line(e->message, sizeof e->message, s);
    copy_member(e->type, sizeof e->type, o, "type");
    copy_member(e->param, sizeof e->param, o, "param");
    copy_member(e->code, sizeof e->code, o, "code");
    da_json_free(root);
    blot_out(e->message, secret);
}

static bool names(const struct da_chat_error *e, const char *what)
{
    return strncmp(e->param, what, strlen(what)) == 0 || strstr(e->message, what);
}

unsigned da_chat_unsupported(const struct da_chat_error *e, unsigned lacks)
{
    static const struct {
        const char *name;
        unsigned bit;
    } parts[] = {{"prompt_cache_key", DA_CHAT_LACKS_CACHE_KEY},
                 {"top_logprobs", DA_CHAT_LACKS_LOGPROBS},
                 {"logprobs", DA_CHAT_LACKS_LOGPROBS},
                 {"temperature", DA_CHAT_LACKS_TEMPERATURE},
                 {"top_p", DA_CHAT_LACKS_TOP_P},
                 {"seed", DA_CHAT_LACKS_SEED},
                 {"max_completion_tokens", 0},
                 {"max_tokens", DA_CHAT_LACKS_MAX_TOKENS}};
    if (names(e, "response_format") || names(e, "json_schema") || names(e, "guided_json")) {
        if (!(lacks & DA_CHAT_LACKS_SCHEMA))
            return DA_CHAT_LACKS_SCHEMA;
        return lacks & DA_CHAT_LACKS_JSON_OBJECT ? 0 : DA_CHAT_LACKS_JSON_OBJECT;
    }
    /* max_tokens is named by complaints about a too long prompt, too: those say so. */
    bool about_length = strstr(e->message, "context") || strstr(e->code, "context");
    for (size_t i = 0; i < DA_ARRAY_LEN(parts); i++)
        if (parts[i].bit && !(lacks & parts[i].bit) && names(e, parts[i].name) &&
            !(about_length && parts[i].bit == DA_CHAT_LACKS_MAX_TOKENS))
            return parts[i].bit;
    return 0;
}
