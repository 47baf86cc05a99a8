/*
 * A chat-completions server that misbehaves on cue, on 127.0.0.1, for tests.
 *
 *     fake_api -p PORTFILE [-s SCRIPT | -D SCRIPT | -c SEED] [-d MS] [-l RPM] [-k KEY]
 *     fake_api -q PORTFILE       prints the counts of a running server as one JSON object
 *
 * The kernel chooses the port; PORTFILE gets it once the server listens.
 *   -s  SCRIPT is a list of actions, "500*2,429/1,ok": the n-th request gets the n-th, the last
 *       one repeats
 *   -D  the same, but the n-th document gets the n-th, however often it is asked
 *   -c  actions follow from the document and the number of times it was asked (chaos)
 *   -d  delays every reply
 *   -l  answers 429 beyond RPM requests a minute, and says so in x-ratelimit headers
 *   -k  refuses other keys
 *   -T  counts tokens as OpenAI does (o200k_base)
 *
 * Actions: unknown ok fenced prose broken empty length refusal filter 400 401 403 404 408 409 422 429
 * 429/S 429ms/MS 500 503/S quota reset half slow late hang html huge noformat noschema.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/net.h> /* SO_TIMESTAMPNS, which POSIX alone hides */
#endif

#include "common/buf.h"
#include "common/clock.h"
#include "common/hash.h"
#include "common/io.h"
#include "common/json.h"
#include "common/map.h"
#include "common/mem.h"
#include "engine/tokenizer/tokenizer.h"

enum { MAX_CONNECTIONS = 4096, LATE_MS = 300, SLOW_STEP_MS = 1, HUGE_BYTES = 6 << 20 };

struct connection {
    int fd;
    struct da_buf in, out;
    size_t sent;
    uint64_t due_ms;  /* nothing is sent before */
    bool slow;        /* one byte at a time */
    bool close_after; /* once `out` is sent, or at once when it is empty */
    bool reset;       /* with RST */
    char limits[160]; /* x-ratelimit header lines, or "" */
    uint64_t came_ms; /* when the newest input reached this machine, by the kernel */
};

struct counts {
    uint64_t requests, completions, after_success, paced, documents;
    int64_t prompt_tokens, cached_tokens, completion_tokens;
};

struct server {
    int fd;
    struct connection *conn[MAX_CONNECTIONS];
    size_t n_conn;
    const char *script, *key;
    bool chaos, by_document;
    uint64_t seed, delay_ms;
    double rpm, level;
    uint64_t level_ms;
    struct counts n;
    /* Of every request: when its last byte reached this machine, and when it was read here, which
     * is later when this process had to wait for a processor. */
    uint64_t *times_ms, *read_ms; /* [n_times] */
    size_t n_times, cap_times, cap_read;
    struct da_map asked, answered;  /* document -> times */
    struct da_tokenizer *tokenizer; /* NULL: four bytes are a token */
    struct da_tok_scratch *scratch;
    struct da_map ranks; /* document -> its place among all, from 1 */
};

static uint64_t now_ms(void)
{
    return da_now_ns(da_clock_system()) / 1000000u;
}

static void die(const char *what)
{
    fprintf(stderr, "fake_api: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* --- replies -------------------------------------------------------------------- */

static void reply_with(struct connection *c, int status, const char *type, const char *extra,
                       struct da_span body)
{
    da_buf_addf(&c->out, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s%s\r\n",
                status, type, body.len, c->limits, extra);
    da_buf_add(&c->out, body.p, body.len);
}

static void reply_error(struct connection *c, int status, const char *code, const char *param,
                        const char *message, const char *extra)
{
    struct da_buf b;
    struct da_jw w;
    da_buf_init(&b, 0);
    da_jw_init(&w, &b);
    da_jw_object(&w);
    da_jw_key(&w, "error");
    da_jw_object(&w);
    da_jw_kcstr(&w, "message", message);
    da_jw_kcstr(&w, "type", status == 401 ? "authentication_error" : "invalid_request_error");
    da_jw_kcstr(&w, "param", param);
    da_jw_kcstr(&w, "code", code);
    da_jw_end(&w);
    da_jw_end(&w);
    reply_with(c, status, "application/json", extra, da_span(b.p, b.len));
    da_buf_release(&b);
}

/* What stands between the document's marks of the last request, and its first words. */
static struct da_span document_of(struct da_span user)
{
    static const char open[] = "<document>\n", close[] = "\n</document>";
    size_t at = da_span_find(user, da_span_str(open));
    if (at == user.len)
        return user;
    struct da_span rest = da_span(user.p + at + sizeof open - 1, user.len - at - sizeof open + 1);
    return da_span(rest.p, da_span_find(rest, da_span_str(close)));
}

/* The first sentence or so, on one line, cut between words. */
static void add_words(struct da_buf *out, struct da_span text, size_t most)
{
    size_t n = text.len < most ? text.len : most;
    while (n < text.len && n > 0 && text.p[n] != ' ' && text.p[n] != '\n')
        n--;
    for (size_t i = 0; i < n; i++)
        da_buf_add_char(out, (unsigned char)text.p[i] < ' ' ? ' ' : text.p[i]);
}

static void add_annotation(struct da_buf *out, struct da_span document, uint64_t h)
{
    struct da_buf words;
    struct da_jw w;
    char q[160];
    da_buf_init(&words, 0);
    add_words(&words, document, 200);
    da_jw_init(&w, out);
    da_jw_object(&w);
    da_jw_kstr(&w, "summary", da_span(words.p, words.len));
    da_jw_key(&w, "questions");
    da_jw_array(&w);
    for (int i = 0; i < 3; i++) {
        snprintf(q, sizeof q,
                 i == 0   ? "What does item %llx describe in its first part?"
                 : i == 1 ? "Why was %llx written at all?"
                          : "Who should read about %llx and when?",
                 (unsigned long long)h);
        da_jw_cstr(&w, q);
    }
    da_jw_end(&w);
    snprintf(q, sizeof q, "How does document %llx begin?", (unsigned long long)h);
    da_jw_kcstr(&w, "question", q);
    da_jw_kstr(&w, "answer", da_span(words.p, words.len));
    da_jw_end(&w);
    da_buf_release(&words);
}

struct completion {
    const char *content, *refusal, *finish;
    int64_t prompt_tokens, cached_tokens, completion_tokens;
};

static void write_completion(const struct completion *a, const char *model, struct da_buf *out)
{
    struct da_jw w;
    da_jw_init(&w, out);
    da_jw_object(&w);
    da_jw_kcstr(&w, "id", "chatcmpl-1");
    da_jw_kcstr(&w, "object", "chat.completion");
    da_jw_kcstr(&w, "model", model);
    da_jw_kcstr(&w, "system_fingerprint", "fp_fake");
    da_jw_key(&w, "choices");
    da_jw_array(&w);
    da_jw_object(&w);
    da_jw_kint(&w, "index", 0);
    da_jw_key(&w, "message");
    da_jw_object(&w);
    da_jw_kcstr(&w, "role", "assistant");
    da_jw_kcstr(&w, "content", a->content);
    da_jw_kcstr(&w, "refusal", a->refusal);
    da_jw_end(&w);
    da_jw_kcstr(&w, "finish_reason", a->finish);
    da_jw_end(&w);
    da_jw_end(&w);
    da_jw_key(&w, "usage");
    da_jw_object(&w);
    da_jw_kint(&w, "prompt_tokens", a->prompt_tokens);
    da_jw_kint(&w, "completion_tokens", a->completion_tokens);
    da_jw_key(&w, "prompt_tokens_details");
    da_jw_object(&w);
    da_jw_kint(&w, "cached_tokens", a->cached_tokens);
    da_jw_end(&w);
    da_jw_end(&w);
    da_jw_end(&w);
}

/* --- one request ------------------------------------------------------------------ */

struct ask {
    struct da_json *root;
    struct da_span model, user; /* the first user message */
    uint64_t document;          /* its hash */
    uint64_t times;             /* it was asked, this time included */
    uint64_t rank;
    size_t body_len;
    bool has_schema, has_format, is_question;
};

static bool read_ask(struct server *s, struct da_span body, struct ask *a)
{
    struct da_span role;
    memset(a, 0, sizeof *a);
    a->body_len = body.len;
    if (da_json_parse(body.p, body.len, &a->root, NULL))
        return false;
    const struct da_json *format = da_json_get(a->root, "response_format"), *m;
    a->has_format = format != NULL;
    a->has_schema = da_json_get(format, "json_schema") != NULL;
    if (!da_json_str(da_json_get(a->root, "model"), &a->model))
        a->model = da_span("none", 4);
    for (m = da_json_first(da_json_get(a->root, "messages")); m; m = da_json_next(m))
        if (!a->user.p && da_json_str(da_json_get(m, "role"), &role) && da_span_is(role, "user"))
            (void)da_json_str(da_json_get(m, "content"), &a->user);
    if (!a->user.p)
        a->user = da_span("", 0);
    a->is_question = da_span_find(a->user, da_span_str("\nQuestion: ")) < a->user.len;
    a->document = da_hash64(a->user.p, a->user.len, 7);
    a->times = ++*da_map_add(&s->asked, &a->document, sizeof a->document, NULL);
    s->n.documents = s->asked.n;
    uint64_t *rank = da_map_add(&s->ranks, &a->document, sizeof a->document, NULL);
    if (*rank == 0)
        *rank = s->ranks.n;
    a->rank = *rank;
    return true;
}

/* What the n-th request (from 1) gets: "500,ok*3,429" is five items, the last one goes on. */
static void scripted(const struct server *s, uint64_t n, char *action, size_t size)
{
    struct da_span rest = da_span_str(s->script), item = da_span("ok", 2);
    while (n > 0 && da_span_split(&rest, ',', &item)) {
        int64_t times = 1;
        const char *star = memchr(item.p, '*', item.len);
        if (star) {
            (void)da_parse_int(star + 1, item.len - (size_t)(star + 1 - item.p), &times);
            item.len = (size_t)(star - item.p);
        }
        n -= (uint64_t)times < n ? (uint64_t)times : n;
    }
    snprintf(action, size, "%.*s", (int)item.len, item.p);
}

/* Three documents in ten have a story of their own; every story ends within five tries. */
static void chaotic(const struct server *s, const struct ask *a, char *action, size_t size)
{
    static const char *const passing[] = {"500",  "503/0", "429/0", "429ms/20", "reset", "half",
                                          "html", "408",   "409",   "late",     "slow",  "502"};
    static const char *const lasting[] = {"refusal", "filter", "length", "broken",
                                          "huge",    "400",    "empty"};
    uint64_t h = da_mix64(a->document ^ s->seed);
    uint64_t kind = h % 100, pick = h / 100, failures = 1 + pick % 3;
    const char *x = "ok";
    if (kind < 24 && a->times <= failures)
        x = passing[(pick / 3 + a->times) % DA_ARRAY_LEN(passing)];
    else if (kind == 24 && a->times == 1)
        x = "broken";
    else if (kind == 25 && a->times == 1)
        x = "length";
    else if (kind == 26)
        x = "fenced";
    else if (kind == 27)
        x = "prose";
    else if (kind == 28 || kind == 29)
        x = lasting[pick % DA_ARRAY_LEN(lasting)];
    snprintf(action, size, "%s", x);
}

static void note_success(struct server *s, const struct ask *a)
{
    ++*da_map_add(&s->answered, &a->document, sizeof a->document, NULL);
}

static int64_t n_tokens(struct server *s, struct da_span text)
{
    size_t n = 0;
    if (!s->tokenizer)
        return (int64_t)(text.len / 4);
    (void)da_tokenizer_count(s->tokenizer, s->scratch, text, 0, &n, NULL);
    return (int64_t)n;
}

/* With exact counts: the texts, 4 a message for its marks, 3 for the reply's start, and what
 * a schema costs. */
static int64_t prompt_tokens(struct server *s, const struct ask *a)
{
    enum { A_MESSAGE = 4, REPLY = 3, SCHEMA = 47 };
    struct da_span text;
    int64_t n = REPLY + (a->has_schema ? SCHEMA : 0);
    if (!s->tokenizer)
        return (int64_t)(a->body_len / 4);
    const struct da_json *m = da_json_first(da_json_get(a->root, "messages"));
    for (; m; m = da_json_next(m))
        if (da_json_str(da_json_get(m, "content"), &text))
            n += A_MESSAGE + n_tokens(s, text);
    return n;
}

/* Actions that are completions, good or bad. */
static void complete(struct server *s, struct connection *c, const struct ask *a,
                     const char *action)
{
    struct da_buf text, body;
    char *model = da_strndup(a->model.p, a->model.len);
    struct completion r = {.finish = "stop"};
    da_buf_init(&text, 0);
    da_buf_init(&body, 0);
    if (strcmp(action, "fenced") == 0)
        da_buf_add_str(&text, "```json\n");
    if (strcmp(action, "prose") == 0)
        da_buf_add_str(&text, "Here is the annotation:\n");
    if (strcmp(action, "unknown") == 0)
        da_buf_add_str(&text, "NOT IN THE DOCUMENT");
    else if (a->is_question)
        add_words(&text, document_of(a->user), 200);
    else
        add_annotation(&text, document_of(a->user), a->document);
    if (strcmp(action, "fenced") == 0)
        da_buf_add_str(&text, "\n```");
    if (strcmp(action, "broken") == 0 || strcmp(action, "length") == 0)
        da_buf_truncate(&text, text.len / 2);
    if (strcmp(action, "broken") == 0)
        da_buf_add_str(&text, "?");
    if (strcmp(action, "length") == 0)
        r.finish = "length";
    else if (strcmp(action, "filter") == 0)
        r.finish = "content_filter";
    else if (strcmp(action, "refusal") == 0)
        r.refusal = "I cannot help with that.";
    r.content = r.refusal ? NULL : strcmp(action, "empty") == 0 ? "" : text.p;
    r.prompt_tokens = prompt_tokens(s, a);
    r.cached_tokens = s->n.completions ? r.prompt_tokens / 2 / 128 * 128 : 0;
    r.completion_tokens = n_tokens(s, da_span(text.p, text.len)) + 1;
    write_completion(&r, model, &body);
    s->n.completions++;
    s->n.prompt_tokens += r.prompt_tokens;
    s->n.cached_tokens += r.cached_tokens;
    s->n.completion_tokens += r.completion_tokens;
    reply_with(c, 200, "application/json", "", da_span(body.p, body.len));
    da_buf_release(&text);
    da_buf_release(&body);
    free(model);
}

static void reply_huge(struct connection *c)
{
    char *p = da_calloc(1, HUGE_BYTES);
    memset(p, ' ', HUGE_BYTES);
    reply_with(c, 200, "application/json", "", da_span(p, HUGE_BYTES));
    free(p);
}

/* "NAME/ARGUMENT": the argument, or -1. */
static int64_t argument(const char *action)
{
    const char *slash = strchr(action, '/');
    int64_t v;
    return slash && da_parse_int(slash + 1, strlen(slash + 1), &v) ? v : -1;
}

static bool status_action(struct connection *c, const char *action)
{
    char extra[64] = "";
    int64_t arg = argument(action), status;
    if (strcmp(action, "quota") == 0) {
        reply_error(c, 429, "insufficient_quota", NULL, "You exceeded your current quota.", "");
        return true;
    }
    if (strncmp(action, "429ms/", 6) == 0) {
        snprintf(extra, sizeof extra, "retry-after-ms: %lld\r\n", (long long)arg);
        reply_error(c, 429, "rate_limit_exceeded", NULL, "Slow down.", extra);
        return true;
    }
    if (!da_parse_int(action, strcspn(action, "/"), &status) || status < 100 || status > 599)
        return false;
    if (arg >= 0)
        snprintf(extra, sizeof extra, "Retry-After: %lld\r\n", (long long)arg);
    reply_error(c, (int)status,
                status == 429   ? "rate_limit_exceeded"
                : status == 401 ? "invalid_api_key"
                : status == 404 ? "model_not_found"
                                : NULL,
                NULL,
                status == 401   ? "Incorrect API key provided."
                : status == 404 ? "The model does not exist."
                : status == 429 ? "Slow down."
                                : "Scripted failure.",
                extra);
    return true;
}

static void act(struct server *s, struct connection *c, const struct ask *a, const char *action)
{
    if (status_action(c, action))
        return;
    if (strcmp(action, "hang") == 0)
        return;
    if (strcmp(action, "reset") == 0) {
        c->reset = c->close_after = true;
    } else if (strcmp(action, "html") == 0) {
        reply_with(c, 200, "text/html", "", da_span_str("<html>proxy says hello</html>"));
    } else if (strcmp(action, "huge") == 0) {
        reply_huge(c);
    } else if (strcmp(action, "noformat") == 0 && a->has_format) {
        reply_error(c, 400, NULL, "response_format", "response_format is not supported.", "");
    } else if (strcmp(action, "noschema") == 0 && a->has_schema) {
        reply_error(c, 400, NULL, "response_format", "json_schema is not supported.", "");
    } else {
        complete(s, c, a, action);
        if (strcmp(action, "half") == 0) {
            da_buf_truncate(&c->out, c->out.len - c->out.len / 3);
            c->close_after = true;
            return;
        }
        c->slow = strcmp(action, "slow") == 0;
        if (strcmp(action, "late") == 0)
            c->due_ms = now_ms() + LATE_MS;
        bool good = strcmp(action, "broken") != 0 && strcmp(action, "length") != 0 &&
                    strcmp(action, "empty") != 0;
        if (good)
            note_success(s, a);
    }
}

/* The server's own limit: a bucket of one second's worth. */
static bool too_fast(struct server *s)
{
    uint64_t t = now_ms();
    double cap = s->rpm / 60 > 1 ? s->rpm / 60 : 1;
    s->level += (double)(t - s->level_ms) * s->rpm / 60e3;
    s->level = s->level > cap ? cap : s->level;
    s->level_ms = t;
    if (s->level < 1)
        return true;
    s->level -= 1;
    return false;
}

static void tell_limits(const struct server *s, struct connection *c)
{
    double cap = s->rpm / 60 > 1 ? s->rpm / 60 : 1;
    snprintf(c->limits, sizeof c->limits,
             "x-ratelimit-limit-requests: %.0f\r\nx-ratelimit-remaining-requests: %.0f\r\n"
             "x-ratelimit-reset-requests: %.0fms\r\n",
             s->rpm, s->rpm - cap + s->level, (cap - s->level) / s->rpm * 60e3);
}

static void completions(struct server *s, struct connection *c, struct da_span body)
{
    struct ask a;
    char action[64];
    if (!read_ask(s, body, &a)) {
        reply_error(c, 400, NULL, NULL, "The body is not JSON.", "");
        return;
    }
    if (da_map_get(&s->answered, &a.document, sizeof a.document))
        s->n.after_success++;
    bool fast = s->rpm > 0 && too_fast(s);
    if (s->rpm > 0)
        tell_limits(s, c);
    if (fast) {
        s->n.paced++;
        reply_error(c, 429, "rate_limit_exceeded", NULL, "Too fast.", "");
    } else {
        if (s->chaos)
            chaotic(s, &a, action, sizeof action);
        else
            scripted(s, s->by_document ? a.rank : s->n.requests, action, sizeof action);
        act(s, c, &a, action);
    }
    if (s->delay_ms && !c->due_ms)
        c->due_ms = now_ms() + s->delay_ms;
    da_json_free(a.root);
}

static int by_time(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Most requests in any window of that length; sorts the times. */
static uint64_t busiest(uint64_t *times_ms, size_t n, uint64_t window_ms)
{
    size_t first = 0;
    uint64_t most = 0;
    if (n)
        qsort(times_ms, n, sizeof *times_ms, by_time);
    for (size_t i = 0; i < n; i++) {
        while (times_ms[i] - times_ms[first] >= window_ms)
            first++;
        if (i - first + 1 > most)
            most = i - first + 1;
    }
    return most;
}

static void stats(struct server *s, struct connection *c)
{
    struct da_buf b;
    struct da_jw w;
    da_buf_init(&b, 0);
    da_jw_init(&w, &b);
    da_jw_object(&w);
    da_jw_kint(&w, "requests", (int64_t)s->n.requests);
    da_jw_kint(&w, "documents", (int64_t)s->n.documents);
    da_jw_kint(&w, "completions", (int64_t)s->n.completions);
    da_jw_kint(&w, "after_success", (int64_t)s->n.after_success);
    da_jw_kint(&w, "paced", (int64_t)s->n.paced);
    da_jw_kint(&w, "most_in_1s", (int64_t)busiest(s->times_ms, s->n_times, 1000));
    da_jw_kint(&w, "most_in_60s", (int64_t)busiest(s->times_ms, s->n_times, 60000));
    da_jw_kint(&w, "most_read_in_1s", (int64_t)busiest(s->read_ms, s->n_times, 1000));
    da_jw_kint(&w, "most_read_in_60s", (int64_t)busiest(s->read_ms, s->n_times, 60000));
    da_jw_kint(&w, "prompt_tokens", s->n.prompt_tokens);
    da_jw_kint(&w, "cached_tokens", s->n.cached_tokens);
    da_jw_kint(&w, "completion_tokens", s->n.completion_tokens);
    da_jw_end(&w);
    reply_with(c, 200, "application/json", "", da_span(b.p, b.len));
    da_buf_release(&b);
}

static bool has_key(const struct server *s, struct da_span head)
{
    struct da_buf want;
    da_buf_init(&want, 0);
    da_buf_addf(&want, "Authorization: Bearer %s\r\n", s->key);
    bool ok = da_span_find(head, da_span(want.p, want.len)) < head.len;
    da_buf_release(&want);
    return ok;
}

static void route(struct server *s, struct connection *c, struct da_span head, struct da_span body)
{
    if (da_span_starts(head, "GET /stats ")) {
        stats(s, c);
        return;
    }
    s->n.requests++;
    DA_GROW(s->times_ms, s->n_times, s->cap_times);
    DA_GROW(s->read_ms, s->n_times, s->cap_read);
    s->read_ms[s->n_times] = now_ms();
    s->times_ms[s->n_times++] = c->came_ms;
    if (!da_span_starts(head, "POST /v1/chat/completions"))
        reply_error(c, 404, NULL, NULL, "No such address.", "");
    else if (s->key && !has_key(s, head))
        reply_error(c, 401, "invalid_api_key", NULL, "Incorrect API key provided.", "");
    else
        completions(s, c, body);
}

/* --- connections ------------------------------------------------------------------ */

static size_t content_length(struct da_span head)
{
    struct da_span line;
    int64_t v = 0;
    while (da_span_split(&head, '\n', &line))
        if (da_span_starts(line, "Content-Length:")) {
            struct da_span t = da_span_trim(da_span(line.p + 15, line.len - 15));
            (void)da_parse_int(t.p, t.len, &v);
        }
    return v > 0 ? (size_t)v : 0;
}

/* Answers one whole request if there is one and the last answer is out. */
static void serve_input(struct server *s, struct connection *c)
{
    struct da_span all = da_span(c->in.p, c->in.len);
    size_t end = da_span_find(all, da_span_str("\r\n\r\n"));
    if (end == all.len || c->out.len || c->close_after)
        return;
    struct da_span head = da_span(all.p, end + 2);
    size_t total = end + 4 + content_length(head);
    if (all.len < total)
        return;
    c->due_ms = 0;
    c->slow = false;
    route(s, c, head, da_span(all.p + end + 4, total - end - 4));
    memmove(c->in.p, c->in.p + total, c->in.len - total);
    da_buf_truncate(&c->in, c->in.len - total);
}

static void drop(struct server *s, size_t i)
{
    struct connection *c = s->conn[i];
    if (c->reset) {
        struct linger l = {1, 0};
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    }
    close(c->fd);
    da_buf_release(&c->in);
    da_buf_release(&c->out);
    free(c);
    s->conn[i] = s->conn[--s->n_conn];
}

static bool send_output(struct connection *c)
{
    size_t left = c->out.len - c->sent;
    ssize_t n = send(c->fd, c->out.p + c->sent, c->slow && left ? 1 : left, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    c->sent += (size_t)n;
    if (c->slow)
        c->due_ms = now_ms() + SLOW_STEP_MS;
    if (c->sent == c->out.len) {
        da_buf_reset(&c->out);
        c->sent = 0;
    }
    return true;
}

/* The kernel's own time of arrival (wall clock), or now where it tells none. */
static uint64_t arrival_ms(struct msghdr *m)
{
#ifdef SCM_TIMESTAMPNS
    struct timespec t;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            memcpy(&t, CMSG_DATA(c), sizeof t);
            return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
        }
#endif
    (void)m;
    return (uint64_t)da_clock_system()->unix_ms(da_clock_system()->ctx);
}

static bool receive(struct connection *c)
{
    char control[256];
    struct iovec v = {da_buf_reserve(&c->in, 1 << 16), 1 << 16};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(c->fd, &m, 0);
    if (n > 0)
        c->came_ms = arrival_ms(&m);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        return false;
    c->in.len += n > 0 ? (size_t)n : 0;
    c->in.p[c->in.len] = 0;
    return true;
}

static void accept_all(struct server *s)
{
    int fd, one = 1;
    while (s->n_conn < MAX_CONNECTIONS && (fd = accept(s->fd, NULL, NULL)) >= 0) {
        struct connection *c = da_calloc(1, sizeof *c);
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
#ifdef SO_TIMESTAMPNS
        (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
#endif
        c->fd = fd;
        da_buf_init(&c->in, 0);
        da_buf_init(&c->out, 0);
        s->conn[s->n_conn++] = c;
    }
}

/* Events of a connection after poll; false when it is to be dropped. */
static bool move(struct server *s, struct connection *c, short revents)
{
    bool alive = true;
    if (revents & (POLLIN | POLLHUP | POLLERR))
        alive = receive(c);
    if (alive)
        serve_input(s, c);
    if (alive && c->out.len && now_ms() >= c->due_ms)
        alive = send_output(c);
    if (alive && !c->out.len && !c->close_after)
        serve_input(s, c);
    return alive && !(c->close_after && !c->out.len);
}

static void serve(struct server *s)
{
    static struct pollfd fds[MAX_CONNECTIONS + 1];
    for (;;) {
        uint64_t t = now_ms();
        int timeout = 1000;
        fds[0] = (struct pollfd){s->fd, POLLIN, 0};
        for (size_t i = 0; i < s->n_conn; i++) {
            struct connection *c = s->conn[i];
            bool ready = c->out.len && t >= c->due_ms;
            fds[i + 1] = (struct pollfd){c->fd, (short)(POLLIN | (ready ? POLLOUT : 0)), 0};
            if (c->out.len && !ready && (int)(c->due_ms - t) < timeout)
                timeout = (int)(c->due_ms - t);
        }
        size_t n = s->n_conn;
        if (poll(fds, (nfds_t)n + 1, timeout) < 0 && errno != EINTR)
            die("poll");
        for (size_t i = n; i-- > 0;) /* backwards: drop moves the last one here */
            if (!move(s, s->conn[i], fds[i + 1].revents))
                drop(s, i);
        if (fds[0].revents)
            accept_all(s);
    }
}

/* --- start --------------------------------------------------------------------------- */

static int loopback(uint16_t port, bool server)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        die("socket");
    if (server ? bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 1024)
               : connect(fd, (struct sockaddr *)&a, sizeof a))
        die(server ? "listen" : "connect");
    return fd;
}

static void write_port(int fd, const char *path)
{
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    char text[16];
    if (getsockname(fd, (struct sockaddr *)&a, &len))
        die("getsockname");
    int n = snprintf(text, sizeof text, "%d\n", ntohs(a.sin_port));
    struct da_err err;
    if (da_io_write_file(path, text, (size_t)n, &err)) {
        fprintf(stderr, "fake_api: %s\n", err.msg);
        exit(1);
    }
}

static int query(const char *port_file)
{
    static const char get[] = "GET /stats HTTP/1.1\r\nHost: x\r\n\r\n";
    struct da_buf b;
    int64_t port = 0;
    da_buf_init(&b, 0);
    if (da_io_read_file(port_file, 64, &b, NULL) ||
        !da_parse_int(b.p, da_span_trim(da_span(b.p, b.len)).len, &port))
        die(port_file);
    int fd = loopback((uint16_t)port, false);
    if (write(fd, get, sizeof get - 1) < 0)
        die("write");
    da_buf_reset(&b);
    for (;;) {
        char *room = da_buf_reserve(&b, 4096);
        ssize_t n = read(fd, room, 4096);
        if (n <= 0)
            break;
        b.len += (size_t)n;
        b.p[b.len] = 0;
        const char *body = strstr(b.p, "\r\n\r\n");
        if (body && strchr(body, '}')) {
            printf("%s\n", body + 4);
            break;
        }
    }
    close(fd);
    da_buf_release(&b);
    return 0;
}

int main(int argc, char **argv)
{
    static struct server s = {.script = "ok"};
    const char *port_file = NULL;
    int opt;
    while ((opt = getopt(argc, argv, "p:q:s:D:c:d:l:k:T")) != -1) {
        switch (opt) {
        case 'p': port_file = optarg; break;
        case 'q': return query(optarg);
        case 's': s.script = optarg; break;
        case 'D':
            s.by_document = true;
            s.script = optarg;
            break;
        case 'c':
            s.chaos = true;
            s.seed = strtoull(optarg, NULL, 10);
            break;
        case 'd': s.delay_ms = strtoull(optarg, NULL, 10); break;
        case 'l': s.rpm = strtod(optarg, NULL); break;
        case 'k': s.key = optarg; break;
        case 'T':
            if (da_tokenizer_open(&s.tokenizer, "o200k_base", NULL))
                return 1;
            s.scratch = da_tok_scratch_new();
            break;
        default: return 2;
        }
    }
    if (!port_file) {
        fprintf(stderr, "fake_api: -p PORTFILE is needed\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    s.fd = loopback(0, true);
    s.level_ms = now_ms();
    (void)fcntl(s.fd, F_SETFL, O_NONBLOCK);
    write_port(s.fd, port_file);
    serve(&s);
    return 0;
}
