/*
 * The client: submitting, choosing an endpoint, starting, pumping, committing. Calls and queues
 * are in client_calls.c, what a reply means in client_outcome.c. Invariants:
 *   - a call is in exactly one place: ready, backoff, in flight (the transport's tag), or unsafe;
 *   - n_open counts them all; keys holds them all, so no key is asked twice at a time;
 *   - reserved_pusd is the sum of the worst cases of the calls in flight.
 */

#include "api/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/client_internal.h"
#include "common/mem.h"

#define NS_PER_MS 1000000u
#define BODY_ROOM 2048u /* of a request's body beside the messages; it grows when that is short */

/* --- calls under way ------------------------------------------------------------ */

static struct da_call **key_slot(struct da_client *c, const struct da_ledger_key *key)
{
    uint32_t h;
    memcpy(&h, key->b, sizeof h);
    struct da_call **p = &c->keys[h % KEY_SLOTS];
    while (*p && memcmp((*p)->key.b, key->b, sizeof key->b) != 0)
        p = &(*p)->state->next_key;
    return p;
}

static void end_call(struct da_client *c, struct da_call *call)
{
    struct da_call **p = key_slot(c, &call->key);
    *p = call->state->next_key;
    c->n_open--;
    da_call_free(call);
}

/* --- the client --------------------------------------------------------------- */

void da_client_set_fatal(struct da_client *c, enum da_rc code, const char *fmt, ...)
{
    va_list ap;
    if (c->fatal.code)
        return;
    va_start(ap, fmt);
    vsnprintf(c->fatal.msg, sizeof c->fatal.msg, fmt, ap);
    va_end(ap);
    c->fatal.code = code;
}

void da_client_touch(struct da_client *c)
{
    if (c->dirty_ns == 0)
        c->dirty_ns = da_client_now(c);
}

static char *joined(const char *a, const char *b, const char *d)
{
    struct da_buf s;
    da_buf_init(&s, 0);
    da_buf_add_str(&s, a);
    da_buf_add_str(&s, b);
    da_buf_add_str(&s, d);
    return da_buf_take(&s, NULL);
}

static enum da_rc check_key(const char *key, struct da_err *err)
{
    for (const char *p = key; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
            return da_fail(err, DA_EUSAGE, "the key holds a character that no key has");
    return DA_OK;
}

static enum da_rc endpoint_init(struct endpoint *ep, const struct da_client_opts *o,
                                const struct da_endpoint_opts *eo, uint64_t now, struct da_err *err)
{
    bool has_key = eo->key && eo->key[0];
    enum da_rc rc = da_http_check_url(eo->base_url, has_key, err);
    if (!rc && has_key)
        rc = check_key(eo->key, err);
    if (rc)
        return rc;
    size_t len = strlen(eo->base_url);
    while (len > 0 && eo->base_url[len - 1] == '/')
        len--;
    ep->name = da_strndup(eo->base_url, len);
    ep->url = eo->api_version ? joined(ep->name, "/chat/completions?api-version=", eo->api_version)
                              : joined(ep->name, "/chat/completions", "");
    if (has_key) {
        ep->key = da_strdup(eo->key);
        ep->auth = joined(eo->api_version ? "api-key: " : "Authorization: Bearer ", eo->key, "");
    }
    da_limit_init(&ep->limit, o->rpm, o->tpm, o->concurrency, now);
    return DA_OK;
}

static void endpoint_release(struct endpoint *ep)
{
    free(ep->name);
    free(ep->url);
    if (ep->auth)
        memset(ep->auth, 0, strlen(ep->auth));
    free(ep->auth);
    free(ep->key);
}

/* What an earlier run sent just now counts against the limits, too; its last tries may not have
 * reached the disk. */
static enum da_rc follow_earlier_run(struct da_client *c, struct da_err *err)
{
    int64_t last_ms, ms;
    enum da_rc rc = da_ledger_last_start(c->o.ledger, &last_ms, err);
    if (rc)
        return rc;
    ms = c->o.clock->unix_ms(c->o.clock->ctx) - last_ms - COMMIT_MS;
    for (size_t i = 0; i < c->o.n_endpoints; i++)
        da_limit_follow(&c->ep[i].limit, ms > 0 ? (uint64_t)ms : 0);
    return DA_OK;
}

enum da_rc da_client_new(struct da_client **ret, const struct da_client_opts *opts,
                         da_client_result_fn on_result, void *ctx, struct da_err *err)
{
    struct da_client *c = da_calloc(1, sizeof *c);
    struct da_ledger_totals totals;
    uint64_t n;
    enum da_rc rc = DA_OK;
    c->o = *opts;
    c->on_result = on_result;
    c->ctx = ctx;
    for (size_t i = 0; !rc && i < opts->n_endpoints; i++) {
        rc = endpoint_init(&c->ep[i], opts, &opts->endpoints[i], da_client_now(c), err);
        c->n_live++;
    }
    if (!rc)
        rc = da_ledger_close_orphans(opts->ledger, &n, err);
    if (!rc)
        rc = follow_earlier_run(c, err);
    if (!rc && opts->max_pusd > 0)
        rc = da_ledger_totals(opts->ledger, &totals, err);
    if (rc) {
        da_client_free(c);
        return rc;
    }
    c->spent_pusd = opts->max_pusd > 0 ? totals.cost_pusd : 0;
    opts->http->on_done = da_client_on_reply;
    opts->http->on_sent = da_client_on_sent;
    opts->http->ctx = c;
    *ret = c;
    return DA_OK;
}

void da_client_free(struct da_client *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < KEY_SLOTS; i++)
        for (struct da_call *call = c->keys[i], *next; call; call = next) {
            next = call->state->next_key;
            da_call_free(call);
        }
    for (size_t i = 0; i < DA_CLIENT_MAX_ENDPOINTS; i++)
        endpoint_release(&c->ep[i]);
    free(c->backoff);
    free(c);
}

size_t da_client_n_open(const struct da_client *c)
{
    return c->n_open;
}

bool da_client_has_room(const struct da_client *c)
{
    size_t at_work = c->ready.n + c->n_backoff + c->n_in_flight;
    return !c->fatal.code && !c->draining && c->unsafe.n < COMMIT_REPLIES &&
           at_work < (size_t)c->o.concurrency * c->n_live + 16;
}

void da_client_stats(const struct da_client *c, struct da_client_stats *s)
{
    *s = c->stats;
}

/* A reply an earlier run stored but did not decide about is delivered again. */
static enum da_rc replay(struct da_client *c, struct da_call *call, bool *found, struct da_err *err)
{
    struct da_call_state *st = call->state;
    struct da_buf body;
    da_buf_init(&body, 0);
    enum da_rc rc = da_ledger_get_reply(c->o.ledger, st->request_id, 0, &st->try_row, &body, err);
    *found = !rc && st->try_row.id > st->void_try;
    if (*found) {
        da_chat_parse(da_span(body.p, body.len), &st->reply);
        st->has_reply = true;
        c->stats.n_from_ledger++;
    }
    da_buf_release(&body);
    return rc;
}

enum da_rc da_client_submit(struct da_client *c, struct da_call *call, enum da_request_state *state,
                            struct da_err *err)
{
    struct da_ledger_request req;
    bool stored = false, waits = false;
    *state = DA_REQUEST_OPEN;
    struct da_call **slot = key_slot(c, &call->key);
    if (*slot) {
        da_call_free(call);
        return DA_OK;
    }
    enum da_rc rc = da_ledger_find(c->o.ledger, &call->key, &req, err);
    if (rc || req.state == DA_REQUEST_DONE || req.state == DA_REQUEST_FAILED) {
        if (!rc)
            *state = req.state;
        c->stats.n_from_ledger += !rc;
        da_call_free(call);
        return rc;
    }
    if (req.state == DA_REQUEST_OPEN) {
        rc = da_ledger_in_batch(c->o.ledger, req.id, &waits, err);
        if (rc || waits) { /* it is being paid for already */
            da_call_free(call);
            return rc;
        }
    }
    call->state = da_calloc(1, sizeof *call->state);
    da_buf_init(&call->state->body, 0);
    call->state->request_id = req.id;
    call->state->void_try = req.accepted_try;
    if (req.state == DA_REQUEST_NEW) {
        rc = da_ledger_add_request(c->o.ledger, &call->key, call->task, da_span_str(call->item),
                                   call->params->model, &call->state->request_id, err);
        da_client_touch(c);
    } else {
        rc = replay(c, call, &stored, err);
    }
    if (rc) {
        da_call_free(call);
        return rc;
    }
    *slot = call;
    c->n_open++;
    da_calls_push(stored ? &c->unsafe : &c->ready, call);
    return DA_OK;
}

/* --- starting ----------------------------------------------------------------- */

/* The live endpoint that may take n tokens now and has the most room; else NULL and the
 * time until one may (UINT64_MAX: when something in flight ends). */
static struct endpoint *choose_endpoint(struct da_client *c, const struct da_call *call,
                                        uint64_t now, uint64_t *wait_ns)
{
    struct endpoint *best = NULL;
    double best_load = 0;
    int64_t need = call->prompt_tokens + call->max_tokens;
    *wait_ns = UINT64_MAX;
    for (size_t i = 0; i < c->o.n_endpoints; i++) {
        struct endpoint *ep = &c->ep[i];
        if (ep->dead)
            continue;
        uint64_t w = da_limit_wait_ns(&ep->limit, need, now);
        if (w < *wait_ns)
            *wait_ns = w;
        double load = ep->limit.n_open / ep->limit.window;
        if (ep == call->state->endpoint && call->state->n_tries)
            load += 1; /* it just failed there */
        if (w == 0 && (!best || load < best_load)) {
            best = ep;
            best_load = load;
        }
    }
    return best;
}

static int64_t worst_case(const struct da_client *c, const struct da_call *call)
{
    return c->o.price ? da_price_of(c->o.price, call->prompt_tokens, 0, call->max_tokens, false)
                      : 0;
}

static enum da_rc start_call(struct da_client *c, struct da_call *call, struct endpoint *ep,
                             uint64_t now, struct da_err *err)
{
    struct da_call_state *st = call->state;
    struct da_http_request req = {
        .method = "POST",
        .url = ep->url,
        .headers = {"Content-Type: application/json", "Accept: application/json", ep->auth},
        .timeout_ms = c->o.timeout_ms,
        .max_reply_bytes = c->o.max_reply_bytes};
    st->endpoint = ep;
    da_buf_reset(&st->body);
    (void)da_buf_reserve(&st->body, call->messages.len + BODY_ROOM);
    da_chat_body(call->params, da_span(call->messages.p, call->messages.len), call->max_tokens,
                 call->cache_key, ep->lacks, &st->body);
    req.body = st->body.p;
    req.body_len = st->body.len;
    st->reserved_pusd = worst_case(c, call);
    st->try_row = (struct da_ledger_try){.request_id = st->request_id,
                                         .started_ms = c->o.clock->unix_ms(c->o.clock->ctx),
                                         .endpoint = ep->name,
                                         .variant = call->variant,
                                         .max_tokens = call->max_tokens,
                                         .cost_pusd = st->reserved_pusd};
    enum da_rc rc = da_ledger_start_try(c->o.ledger, &st->try_row, err);
    da_client_touch(c);
    if (!rc)
        rc = c->o.http->start(c->o.http, &req, call, err);
    if (rc)
        return rc;
    st->try_ns = now;
    if (!st->first_try_ns)
        st->first_try_ns = now;
    st->taken_tokens = call->prompt_tokens + call->max_tokens;
    st->has_left = false;
    da_limit_take(&ep->limit, st->taken_tokens);
    c->reserved_pusd += st->reserved_pusd;
    c->n_in_flight++;
    c->stats.n_sent++;
    return DA_OK;
}

/* False when the worst case of one more request would pass the budget. */
static bool within_budget(struct da_client *c, const struct da_call *call)
{
    if (c->o.max_pusd <= 0)
        return true;
    int64_t sum = c->spent_pusd + c->reserved_pusd + worst_case(c, call);
    if (sum <= c->o.max_pusd)
        return true;
    if (c->n_in_flight == 0)
        da_client_set_fatal(c, DA_ELIMIT,
                            "budget of $%.4f: $%.4f is spent and the next request could "
                            "cost $%.6f; raise --max-usd and run again",
                            da_usd(c->o.max_pusd), da_usd(c->spent_pusd),
                            da_usd(worst_case(c, call)));
    return false;
}

/* Starts all that may start; *wait_ns: until another may. */
static enum da_rc start_ready(struct da_client *c, uint64_t *wait_ns, struct da_err *err)
{
    uint64_t now = da_client_now(c);
    *wait_ns = UINT64_MAX;
    while (c->n_backoff && c->backoff[0]->state->due_ns <= now)
        da_calls_push_front(&c->ready, da_client_backoff_pop(c));
    while (c->ready.head && !c->draining && !c->fatal.code) {
        struct da_call *call = c->ready.head;
        struct endpoint *ep = choose_endpoint(c, call, now, wait_ns);
        if (!ep || !within_budget(c, call))
            break;
        (void)da_calls_pop(&c->ready);
        enum da_rc rc = start_call(c, call, ep, now, err);
        if (rc) {
            da_calls_push_front(&c->ready, call);
            return rc;
        }
    }
    if (c->n_backoff && c->backoff[0]->state->due_ns - now < *wait_ns)
        *wait_ns = c->backoff[0]->state->due_ns - now;
    return DA_OK;
}

/* --- committing and delivering -------------------------------------------------- */

static enum da_rc apply(struct da_client *c, struct da_call *call, enum da_verdict v,
                        const char *cause, struct da_err *err)
{
    struct da_call_state *st = call->state;
    enum da_rc rc;
    da_client_touch(c);
    if (st->failure) { /* only a rejected request is never asked again */
        bool final = strcmp(st->failure, "unavailable") != 0;
        rc = da_ledger_settle(c->o.ledger, st->request_id,
                              final ? DA_REQUEST_FAILED : DA_REQUEST_OPEN, st->failure,
                              final ? 0 : st->void_try, err);
    } else if (v == DA_VERDICT_AGAIN) {
        da_chat_release(&st->reply);
        st->has_reply = false;
        da_calls_push_front(&c->ready, call);
        return DA_OK;
    } else {
        bool ok = v == DA_VERDICT_ACCEPT;
        rc = da_ledger_settle(c->o.ledger, st->request_id, ok ? DA_REQUEST_DONE : DA_REQUEST_FAILED,
                              ok ? "" : cause, ok ? st->try_row.id : 0, err);
    }
    end_call(c, call);
    return rc;
}

static enum da_rc deliver(struct da_client *c, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    for (size_t n = c->unsafe.n; n > 0 && !rc; n--) {
        struct da_call *call = da_calls_pop(&c->unsafe);
        struct da_call_state *st = call->state;
        struct da_call_result r = {.reply = st->has_reply ? &st->reply : NULL,
                                   .variant = st->try_row.variant,
                                   .max_tokens = st->try_row.max_tokens,
                                   .failure = st->failure,
                                   .detail = st->note};
        const char *cause = "failed";
        enum da_verdict v = c->on_result(c->ctx, call, &r, &cause);
        rc = apply(c, call, v, cause, err);
    }
    return rc;
}

static bool commit_is_due(const struct da_client *c, uint64_t now)
{
    if (!c->unsafe.n && !c->dirty_ns)
        return false;
    bool idle = c->n_in_flight == 0 && !c->ready.n;
    return idle || c->unsafe.n >= COMMIT_REPLIES || now - c->dirty_ns >= COMMIT_MS * NS_PER_MS;
}

static enum da_rc commit_and_deliver(struct da_client *c, struct da_err *err)
{
    enum da_rc rc = da_ledger_commit(c->o.ledger, err);
    c->dirty_ns = 0;
    return rc ? rc : deliver(c, err);
}

static unsigned wait_ms(const struct da_client *c, unsigned timeout_ms, uint64_t wait_ns)
{
    uint64_t ns = (uint64_t)timeout_ms * NS_PER_MS;
    if (wait_ns < ns)
        ns = wait_ns;
    if (c->dirty_ns || c->unsafe.n) {
        uint64_t age = da_client_now(c) - c->dirty_ns;
        uint64_t left = age < COMMIT_MS * NS_PER_MS ? COMMIT_MS * NS_PER_MS - age : 0;
        if (left < ns)
            ns = left;
    }
    return (unsigned)((ns + NS_PER_MS - 1) / NS_PER_MS);
}

/* The error of the run once nothing is in flight. */
static enum da_rc report_fatal(struct da_client *c, struct da_err *err)
{
    enum da_rc rc = commit_and_deliver(c, err);
    if (!rc)
        rc = da_ledger_commit(c->o.ledger, err);
    return rc ? rc : da_fail(err, c->fatal.code, "%s", c->fatal.msg);
}

enum da_rc da_client_pump(struct da_client *c, unsigned timeout_ms, struct da_err *err)
{
    uint64_t until_start;
    enum da_rc rc = DA_OK;
    if (commit_is_due(c, da_client_now(c)))
        rc = commit_and_deliver(c, err);
    if (!rc)
        rc = start_ready(c, &until_start, err);
    if (!rc && c->fatal.code && c->n_in_flight == 0)
        return report_fatal(c, err);
    if (!rc && c->n_open)
        rc = c->o.http->wait(c->o.http, wait_ms(c, timeout_ms, until_start), err);
    if (!rc && commit_is_due(c, da_client_now(c)))
        rc = commit_and_deliver(c, err);
    /* also when the last open call was the one that found out */
    if (!rc && c->fatal.code && c->n_in_flight == 0)
        return report_fatal(c, err);
    return rc;
}

enum da_rc da_client_drain(struct da_client *c, struct da_err *err)
{
    enum { STEP_MS = 200 };
    enum da_rc rc = DA_OK;
    c->draining = true;
    while (!rc && c->n_in_flight)
        rc = c->o.http->wait(c->o.http, STEP_MS, err);
    if (!rc)
        rc = commit_and_deliver(c, err);
    return rc ? rc : da_ledger_commit(c->o.ledger, err);
}
