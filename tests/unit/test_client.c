/*
 * The client against a transport of our own on a clock of our own: what is asked, how often,
 * when, and what it costs. Nothing here opens a socket.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/client.h"
#include "common/mem.h"
#include "tests/tap.h"

/* --- a scripted world ------------------------------------------------------------- */

enum { MAX_PENDING = 256, MAX_SENT = 4096 };

struct canned {
    int status; /* 0: failure */
    enum da_http_failure failure;
    const char *headers, *body;
};

struct world {
    struct da_http http;
    struct da_clock clock;
    uint64_t now_ns;
    const struct canned *script; /* the n-th exchange gets the n-th, then the last */
    size_t n_script, n_started;
    struct {
        void *tag;
        size_t n;
    } pending[MAX_PENDING];
    size_t n_pending;
    uint64_t sent_ns[MAX_SENT];
    char url[MAX_SENT][64];
    char last_body[4096];
    char last_auth[128];
    size_t most_open;
};

static const char good_body[] =
    "{\"choices\":[{\"message\":{\"content\":\"yes\"},\"finish_reason\":\"stop\"}],"
    "\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":10}}";
static const struct canned good = {200, DA_HTTP_OK, "", good_body};

static uint64_t world_now(void *ctx)
{
    return ((struct world *)ctx)->now_ns;
}

static int64_t world_unix(void *ctx)
{
    return (int64_t)(((struct world *)ctx)->now_ns / 1000000u);
}

static void world_sleep(void *ctx, uint64_t ns)
{
    ((struct world *)ctx)->now_ns += ns;
}

static enum da_rc world_start(struct da_http *h, const struct da_http_request *req, void *tag,
                              struct da_err *err)
{
    struct world *w = (struct world *)h;
    (void)err;
    w->pending[w->n_pending].tag = tag;
    w->pending[w->n_pending++].n = w->n_started;
    w->sent_ns[w->n_started] = w->now_ns;
    (void)snprintf(w->url[w->n_started], sizeof w->url[0], "%s", req->url);
    (void)snprintf(w->last_body, sizeof w->last_body, "%.*s", (int)req->body_len, req->body);
    w->last_auth[0] = 0;
    for (size_t i = 0; i < DA_HTTP_MAX_HEADERS && req->headers[i]; i++)
        if (strstr(req->headers[i], "sk-"))
            (void)snprintf(w->last_auth, sizeof w->last_auth, "%s", req->headers[i]);
    w->n_started++;
    if (w->n_pending > w->most_open)
        w->most_open = w->n_pending;
    return DA_OK;
}

/* Everything open is answered at once; otherwise time passes. */
static enum da_rc world_wait(struct da_http *h, unsigned timeout_ms, struct da_err *err)
{
    struct world *w = (struct world *)h;
    (void)err;
    if (w->n_pending == 0) {
        w->now_ns += (uint64_t)(timeout_ms ? timeout_ms : 1) * 1000000u;
        return DA_OK;
    }
    w->now_ns += 1000000u;
    size_t n = w->n_pending;
    w->n_pending = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = w->pending[i].n < w->n_script ? w->pending[i].n : w->n_script - 1;
        const struct canned *c = &w->script[k];
        struct da_http_reply r = {.failure = c->failure, .status = c->status, .was_sent = true};
        r.headers = da_span_str(c->headers ? c->headers : "");
        r.body = da_span_str(c->body ? c->body : "");
        if (c->failure == DA_HTTP_UNREACHABLE)
            r.was_sent = false;
        if (c->failure)
            (void)snprintf(r.detail, sizeof r.detail, "scripted failure");
        h->on_done(h->ctx, w->pending[i].tag, &r);
    }
    return DA_OK;
}

static void world_init(struct world *w, const struct canned *script, size_t n)
{
    memset(w, 0, sizeof *w);
    w->http.start = world_start;
    w->http.wait = world_wait;
    w->clock = (struct da_clock){world_now, world_unix, world_sleep, w};
    w->now_ns = 1000000000u;
    w->script = script;
    w->n_script = n;
}

/* --- a run ---------------------------------------------------------------------------- */

struct run {
    struct world *w;
    struct da_ledger *ledger;
    struct da_client_opts o;
    unsigned n_accepted, n_failed, n_again;
    char last_failure[32];
    enum da_rc rc;
    struct da_err err;
    struct da_client_stats stats;
};

static const struct da_chat_params params = {.model = "m",
                                             .temperature = 0,
                                             .top_p = -1,
                                             .seed = -1};

static enum da_verdict on_result(void *ctx, struct da_call *c, const struct da_call_result *r,
                                 const char **cause)
{
    struct run *run = ctx;
    if (!r->reply) {
        run->n_failed++;
        (void)snprintf(run->last_failure, sizeof run->last_failure, "%s", r->failure);
        return DA_VERDICT_FAIL;
    }
    if (r->reply->outcome == DA_CHAT_CUT && r->variant == 0) {
        c->variant = 1;
        c->max_tokens *= 2;
        run->n_again++;
        return DA_VERDICT_AGAIN;
    }
    if (r->reply->outcome != DA_CHAT_ANSWER) {
        run->n_failed++;
        *cause = da_chat_outcome_name(r->reply->outcome);
        return DA_VERDICT_FAIL;
    }
    run->n_accepted++;
    return DA_VERDICT_ACCEPT;
}

static struct da_call *call_for(int i)
{
    char text[32];
    struct da_call *c = da_call_new();
    (void)snprintf(text, sizeof text, "document %d", i);
    c->task = "test";
    c->item = da_strdup(text);
    c->params = &params;
    da_buf_add_char(&c->messages, '[');
    da_chat_add_message(&c->messages, "user", da_span_str(text));
    da_buf_add_char(&c->messages, ']');
    c->prompt_tokens = 100;
    c->max_tokens = 50;
    da_call_set_key(c, 0);
    return c;
}

/* Asks for documents first .. first + n - 1 and waits for all. */
static void run_calls(struct run *r, int first, int n)
{
    struct da_client *c = NULL;
    enum da_request_state state;
    int next = first;
    r->rc = da_client_new(&c, &r->o, on_result, r, &r->err);
    while (!r->rc && (next < first + n || da_client_n_open(c))) {
        while (!r->rc && next < first + n && da_client_has_room(c))
            r->rc = da_client_submit(c, call_for(next++), &state, &r->err);
        if (!r->rc)
            r->rc = da_client_pump(c, 1000, &r->err);
    }
    if (!r->rc)
        r->rc = da_client_drain(c, &r->err);
    if (c)
        da_client_stats(c, &r->stats);
    da_client_free(c);
}

static struct run *new_run(struct world *w, const char *name)
{
    static char path[512];
    struct run *r = da_calloc(1, sizeof *r);
    (void)snprintf(path, sizeof path, "%s/%s", tap_tmpdir(), name);
    r->w = w;
    (void)da_ledger_open(&r->ledger, path, &r->err);
    r->o = (struct da_client_opts){.endpoints = {{"http://a/v1", NULL, NULL}},
                                   .n_endpoints = 1,
                                   .concurrency = 16,
                                   .max_tries = 4,
                                   .timeout_ms = 1000,
                                   .max_reply_bytes = 1 << 20,
                                   .seed = 1,
                                   .http = &w->http,
                                   .ledger = r->ledger,
                                   .clock = &w->clock};
    return r;
}

static void end_run(struct run *r)
{
    da_ledger_close(r->ledger);
    free(r);
}

/* --- tests ----------------------------------------------------------------------------- */

static void test_plain(void)
{
    static struct world w;
    world_init(&w, &good, 1);
    struct run *r = new_run(&w, "plain");
    run_calls(r, 0, 100);
    tap_rc(r->rc, &r->err, "a hundred requests");
    tap_is_int(r->n_accepted, 100, "are answered");
    tap_is_int((long long)w.n_started, 100, "each asked once");
    tap_ok(w.most_open == 16, "the window opens to its limit");
    r->n_accepted = 0;
    run_calls(r, 0, 100);
    tap_is_int((long long)w.n_started, 100, "a second run asks nothing");
    tap_is_int((long long)r->stats.n_from_ledger, 100, "and takes all from the ledger");
    end_run(r);
}

static void test_same_key_twice(void)
{
    static struct world w;
    world_init(&w, &good, 1);
    struct run *r = new_run(&w, "twice");
    struct da_client *c = NULL;
    enum da_request_state state;
    (void)da_client_new(&c, &r->o, on_result, r, &r->err);
    for (int i = 0; i < 3; i++)
        (void)da_client_submit(c, call_for(1), &state, &r->err);
    tap_is_int((long long)da_client_n_open(c), 1, "one call for one key");
    while (da_client_n_open(c))
        (void)da_client_pump(c, 1000, &r->err);
    tap_is_int((long long)w.n_started, 1, "asked once");
    da_client_free(c);
    end_run(r);
}

static void test_transient(void)
{
    static const struct canned script[] = {{500, DA_HTTP_OK, "", "{}"},
                                           {0, DA_HTTP_LOST, "", ""},
                                           {200, DA_HTTP_OK, "", "<html>"},
                                           {200, DA_HTTP_OK, "", good_body}};
    static struct world w;
    world_init(&w, script, 4);
    struct run *r = new_run(&w, "transient");
    run_calls(r, 0, 1);
    tap_is_int(r->n_accepted, 1, "500, a lost connection, a page, an answer");
    tap_is_int((long long)w.n_started, 4, "four tries");
    struct da_ledger_totals t;
    (void)da_ledger_totals(r->ledger, &t, &r->err);
    tap_is_int((long long)t.n_tries, 4, "all of them in the ledger");
    tap_is_int((long long)t.n_lost, 2, "two with unknown usage");
    end_run(r);
}

static void test_retry_after(void)
{
    static const struct canned script[] = {{429, DA_HTTP_OK, "Retry-After: 7\r\n", "{}"},
                                           {200, DA_HTTP_OK, "", good_body}};
    static struct world w;
    world_init(&w, script, 2);
    struct run *r = new_run(&w, "after");
    run_calls(r, 0, 1);
    uint64_t waited_ms = (w.sent_ns[1] - w.sent_ns[0]) / 1000000u;
    tap_ok(waited_ms >= 7000 && waited_ms <= 7800, "Retry-After: 7 is waited for (%llu ms)",
           (unsigned long long)waited_ms);
    tap_is_int((long long)r->stats.n_paced, 1, "and counted");
    end_run(r);
}

static void test_hopeless(void)
{
    static const struct canned dead = {0, DA_HTTP_UNREACHABLE, "", ""};
    static const struct canned denied = {401, DA_HTTP_OK, "",
                                         "{\"error\":{\"message\":\"bad key sk-1\"}}"};
    static const struct canned broke = {429, DA_HTTP_OK, "",
                                        "{\"error\":{\"code\":\"insufficient_quota\"}}"};
    static const struct canned refuses = {400, DA_HTTP_OK, "",
                                          "{\"error\":{\"message\":\"no such role\"}}"};
    static const struct canned patient = {429, DA_HTTP_OK, "Retry-After: 86400\r\n", "{}"};
    static const struct {
        const char *name;
        const struct canned *reply;
        enum da_rc rc;
        size_t most_sent;
        const char *says;
    } cases[] = {
        {"dead", &dead, DA_ESERVICE, 4, "gave up after 4 tries"},
        {"denied", &denied, DA_EAUTH, 1, "the key was rejected (401: bad key ****)"},
        {"broke", &broke, DA_EAUTH, 1, "no money left"},
        {"refuses", &refuses, DA_EFORMAT, 5, "refuses every request: 400: no such role"},
        {"patient", &patient, DA_ESERVICE, 1, "asks to wait 24.0 hours"},
    };
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        static struct world w;
        world_init(&w, cases[i].reply, 1);
        struct run *r = new_run(&w, cases[i].name);
        r->o.endpoints[0].base_url = "http://127.0.0.1/v1";
        r->o.endpoints[0].key = "sk-1";
        run_calls(r, 0, 50);
        tap_is_int(r->rc, cases[i].rc, "%s: the run ends", cases[i].name);
        tap_ok(w.n_started <= cases[i].most_sent, "%s: after %zu requests", cases[i].name,
               w.n_started);
        tap_ok(strstr(r->err.msg, cases[i].says) != NULL, "%s: %s", cases[i].name, r->err.msg);
        end_run(r);
    }
}

static void test_one_bad_document(void)
{
    static const struct canned script[] = {{200, DA_HTTP_OK, "", good_body},
                                           {400, DA_HTTP_OK, "", "{}"},
                                           {200, DA_HTTP_OK, "", good_body}};
    static struct world w;
    world_init(&w, script, 3);
    struct run *r = new_run(&w, "bad");
    run_calls(r, 0, 10);
    tap_rc(r->rc, &r->err, "a 400 after a success");
    tap_is_int(r->n_accepted, 9, "fails its request only");
    tap_is_str(r->last_failure, "rejected", "by name");
    run_calls(r, 0, 10);
    tap_is_int((long long)w.n_started, 10, "and is not asked again");
    end_run(r);
}

static void test_unsupported(void)
{
    static const struct canned script[] = {
        {400, DA_HTTP_OK, "", "{\"error\":{\"param\":\"temperature\",\"message\":\"no\"}}"},
        {200, DA_HTTP_OK, "", good_body}};
    static struct world w;
    world_init(&w, script, 2);
    struct run *r = new_run(&w, "unsupported");
    run_calls(r, 0, 3);
    tap_is_int(r->n_accepted, 3, "a parameter the server names is left out");
    tap_is_int((long long)w.n_started, 4, "from then on for all");
    tap_ok(!strstr(w.last_body, "temperature"), "it is gone from the body");
    end_run(r);
}

static void test_cut(void)
{
    static const struct canned script[] = {
        {200, DA_HTTP_OK, "",
         "{\"choices\":[{\"message\":{\"content\":\"y\"},\"finish_reason\":\"length\"}]}"},
        {200, DA_HTTP_OK, "", good_body}};
    static struct world w;
    world_init(&w, script, 2);
    struct run *r = new_run(&w, "cut");
    run_calls(r, 0, 1);
    tap_is_int(r->n_accepted, 1, "asked again when cut");
    tap_ok(strstr(w.last_body, "\"max_tokens\":100") != NULL, "with the budget the caller set");
    end_run(r);
}

static void test_pool(void)
{
    static const struct canned script[] = {{401, DA_HTTP_OK, "", "{}"},
                                           {200, DA_HTTP_OK, "", good_body}};
    static struct world w;
    world_init(&w, script, 2);
    struct run *r = new_run(&w, "pool");
    r->o.n_endpoints = 2;
    r->o.endpoints[1].base_url = "http://b/v1";
    run_calls(r, 0, 20);
    tap_rc(r->rc, &r->err, "one of two endpoints refuses the key");
    tap_is_int(r->n_accepted, 20, "the other one does the work");
    size_t n_dead = 0;
    for (size_t i = 0; i < w.n_started; i++)
        n_dead += strcmp(w.url[i], w.url[0]) == 0;
    tap_is_int((long long)n_dead, 1, "the refusing one is asked once");
    end_run(r);
}

/* Azure OpenAI: deployment URL, api-version, a header of its own (its REST reference). */
static void test_azure(void)
{
    static struct world w;
    world_init(&w, &good, 1);
    struct run *r = new_run(&w, "azure");
    r->o.endpoints[0] = (struct da_endpoint_opts){
        "https://x.openai.azure.com/openai/deployments/d/", "sk-2", "2024-10-21"};
    run_calls(r, 0, 1);
    tap_is_int(r->n_accepted, 1, "an Azure deployment");
    tap_is_str(w.last_auth, "api-key: sk-2", "gets its key in its own header");
    tap_ok(strncmp(w.url[0], "https://x.openai.azure.com/openai/deployments/d/chat/compl", 58) == 0,
           "at its own address");
    r->o.endpoints[0].api_version = NULL;
    run_calls(r, 1, 1);
    tap_is_str(w.last_auth, "Authorization: Bearer sk-2", "others get a bearer token");
    r->o.endpoints[0].key = "sk-2\r\nX-Evil: 1";
    run_calls(r, 2, 1);
    tap_is_int(r->rc, DA_EUSAGE, "a key with a line break is refused");
    end_run(r);
}

static void test_budget(void)
{
    static struct world w;
    static const struct da_price price = {10, 5, 20, 0.5};
    world_init(&w, &good, 1);
    struct run *r = new_run(&w, "budget");
    r->o.price = &price; /* worst case 100*10 + 50*20 = 2000, real cost 100*10 + 10*20 = 1200 */
    r->o.max_pusd = 10000;
    run_calls(r, 0, 50);
    struct da_ledger_totals t;
    (void)da_ledger_totals(r->ledger, &t, &r->err);
    tap_is_int(r->rc, DA_ELIMIT, "the budget ends the run");
    tap_is_int(t.cost_pusd, 8400, "seven replies of 1,200; an eighth could have passed 10,000");
    tap_is_int(t.estimated_pusd, 0, "nothing of it is a guess");
    run_calls(r, 0, 50);
    tap_is_int((long long)w.n_started, 7, "a second run with the same budget asks nothing");
    r->o.max_pusd = 0;
    run_calls(r, 0, 50);
    tap_is_int((long long)w.n_started, 50, "without one it goes on where it was");
    end_run(r);
}

static void test_rpm(void)
{
    static struct world w;
    world_init(&w, &good, 1);
    struct run *r = new_run(&w, "rpm");
    r->o.rpm = 600;
    run_calls(r, 0, 300);
    double s = (double)(w.sent_ns[299] - w.sent_ns[0]) / 1e9;
    tap_ok(s > 29.9 && s < 33, "300 requests at 600 a minute take 30 s (%.1f)", s);
    end_run(r);
}

int main(void)
{
    test_plain();
    test_same_key_twice();
    test_transient();
    test_retry_after();
    test_hopeless();
    test_one_bad_document();
    test_unsupported();
    test_cut();
    test_pool();
    test_azure();
    test_budget();
    test_rpm();
    return tap_done();
}
