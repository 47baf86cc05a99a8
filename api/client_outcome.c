/* What a reply means for its call, its endpoint and the purse. */

#include <stdio.h>
#include <string.h>

#include "api/client_internal.h"

#define NS_PER_MS 1000000u
#define BACKOFF_BASE_MS 500u
#define BACKOFF_CAP_MS 30000u
#define MAX_WAIT_MS 3600000    /* a server that asks for more is of no use to this run */
#define MAX_PACED 100u         /* 429s of one request without any success in between */
#define HOPELESS_REJECTIONS 5u /* of the first requests: the fault is not the documents' */

static uint64_t key_word(const struct da_call *call)
{
    uint64_t w;
    memcpy(&w, call->key.b, sizeof w);
    return w;
}

/* --- the try's row and its cost ------------------------------------------------ */

static enum da_try_outcome outcome_of(const struct da_http_reply *r, enum da_try_class class)
{
    if (class == DA_TRY_OK)
        return DA_OUTCOME_REPLY;
    if (r->failure == DA_HTTP_OK && !(r->status >= 200 && r->status < 300))
        return DA_OUTCOME_ERROR;
    return r->was_sent ? DA_OUTCOME_LOST : DA_OUTCOME_UNSENT;
}

static void end_try(struct da_client *c, struct da_call *call, const struct da_http_reply *r,
                    enum da_try_class class)
{
    struct da_call_state *st = call->state;
    struct da_ledger_try *t = &st->try_row;
    const struct da_chat_usage *u = &st->reply.usage;
    bool usage = st->has_reply && u->known;
    struct da_err err;

    t->outcome = outcome_of(r, class);
    t->http_status = r->status;
    t->note = st->note;
    t->prompt_tokens = usage ? u->prompt_tokens : -1;
    t->cached_tokens = usage ? u->cached_tokens : -1;
    t->completion_tokens = usage ? u->completion_tokens : -1;
    t->duration_ms = (int64_t)((da_client_now(c) - st->try_ns) / NS_PER_MS);
    t->cost_estimated = false;
    if (!c->o.price || t->outcome == DA_OUTCOME_ERROR || t->outcome == DA_OUTCOME_UNSENT)
        t->cost_pusd = 0;
    else if (usage)
        t->cost_pusd = da_price_of(c->o.price, u->prompt_tokens, u->cached_tokens,
                                   u->completion_tokens, false);
    else
        t->cost_estimated = true; /* the worst case stays charged */
    if (da_ledger_end_try(c->o.ledger, t,
                          r->body.len <= c->o.max_reply_bytes ? r->body : da_span("", 0), &err))
        da_client_set_fatal(c, err.code, "%s", err.msg);
    da_client_touch(c);

    c->reserved_pusd -= st->reserved_pusd;
    c->spent_pusd += t->cost_pusd;
    c->stats.cost_pusd += t->cost_pusd;
    if (usage) {
        c->stats.prompt_tokens += u->prompt_tokens;
        c->stats.cached_tokens += u->cached_tokens;
        c->stats.completion_tokens += u->completion_tokens;
    }
    int64_t used = usage ? u->prompt_tokens + u->completion_tokens : st->taken_tokens;
    da_limit_done(&st->endpoint->limit, st->taken_tokens - used);
}

/* --- what follows ---------------------------------------------------------------- */

static void to_caller(struct da_client *c, struct da_call *call, const char *failure)
{
    call->state->failure = failure;
    da_calls_push(&c->unsafe, call);
}

static void kill_endpoint(struct da_client *c, struct endpoint *ep, enum da_rc code,
                          const char *why)
{
    if (!ep->dead) {
        ep->dead = true;
        c->n_live--;
        ep->dead_code = code;
        snprintf(ep->why_dead, sizeof ep->why_dead, "%s", why);
        da_log_msg(c->o.log, c->n_live ? DA_LOG_WARN : DA_LOG_DEBUG,
                   "endpoint '%s' is used no more: %s", ep->name, why);
    }
    if (c->n_live == 0)
        da_client_set_fatal(c, code, "endpoint '%s': %s", ep->name, why);
}

/* The call has had all its tries. If nothing else succeeded meanwhile the service is gone. */
static void give_up(struct da_client *c, struct da_call *call)
{
    struct da_call_state *st = call->state;
    if (c->last_success_ns < st->first_try_ns)
        da_client_set_fatal(c, DA_ESERVICE,
                            "endpoint '%s': %s; gave up after %u tries. What was "
                            "answered is kept: run the same command again",
                            st->endpoint->name, st->note, st->n_tries + st->n_paced);
    to_caller(c, call, "unavailable");
}

static void on_transient(struct da_client *c, struct da_call *call, int64_t asked_ms, uint64_t now)
{
    struct da_call_state *st = call->state;
    struct endpoint *ep = st->endpoint;
    uint64_t ms =
        da_retry_delay_ms(c->o.seed, key_word(call), st->n_tries, BACKOFF_BASE_MS, BACKOFF_CAP_MS);
    st->n_tries++;
    if (asked_ms > MAX_WAIT_MS || st->n_tries >= c->o.max_tries || c->draining) {
        give_up(c, call);
        return;
    }
    if (asked_ms >= 0) {
        ms = (uint64_t)asked_ms;
        da_limit_pause(&ep->limit, now + ms * NS_PER_MS);
    }
    c->stats.n_retries++;
    da_client_back_off(c, call, now + ms * NS_PER_MS);
}

/* Nothing can be reached: all calls would fail alike, so the endpoint waits, not the call. */
static void on_unreachable(struct da_client *c, struct da_call *call, uint64_t now)
{
    struct endpoint *ep = call->state->endpoint;
    uint64_t ms = da_retry_delay_ms(c->o.seed, (uint64_t)(ep - c->ep), ep->n_unreachable,
                                    BACKOFF_BASE_MS, BACKOFF_CAP_MS);
    ep->n_unreachable++;
    da_limit_pause(&ep->limit, now + ms * NS_PER_MS);
    if (++call->state->n_tries >= c->o.max_tries || c->draining) {
        give_up(c, call);
        return;
    }
    c->stats.n_retries++;
    da_calls_push_front(&c->ready, call);
}

static void on_paced(struct da_client *c, struct da_call *call, int64_t asked_ms, uint64_t now)
{
    struct da_call_state *st = call->state;
    struct endpoint *ep = st->endpoint;
    uint64_t ms = da_retry_delay_ms(c->o.seed, (uint64_t)(ep - c->ep), ep->n_paced, BACKOFF_BASE_MS,
                                    BACKOFF_CAP_MS);
    char why[NOTE_MAX + 64];
    c->stats.n_paced++;
    ep->n_paced++;
    st->n_paced++;
    da_limit_pushed_back(&ep->limit, now);
    if (asked_ms > MAX_WAIT_MS) {
        snprintf(why, sizeof why, "asks to wait %.1f hours (%.200s)", (double)asked_ms / 3.6e6,
                 st->note);
        kill_endpoint(c, ep, DA_ESERVICE, why);
    } else if (asked_ms >= 0) { /* spread what waits by up to a tenth */
        ms = (uint64_t)asked_ms + ms % ((uint64_t)asked_ms / 10 + 1);
    }
    da_limit_pause(&ep->limit, now + ms * NS_PER_MS);
    if (st->n_paced >= MAX_PACED && c->last_success_ns < st->first_try_ns)
        give_up(c, call);
    else
        da_calls_push_front(&c->ready, call);
}

static void on_rejected(struct da_client *c, struct da_call *call, const struct da_http_reply *r)
{
    if (!c->last_success_ns && r->failure == DA_HTTP_OK && ++c->n_rejected >= HOPELESS_REJECTIONS)
        da_client_set_fatal(c, DA_EFORMAT, "endpoint '%s': refuses every request: %s",
                            call->state->endpoint->name, call->state->note);
    to_caller(c, call, r->failure == DA_HTTP_TOO_LARGE ? "reply_too_large" : "rejected");
}

static void on_denied(struct da_client *c, struct da_call *call, const struct da_http_reply *r,
                      const struct da_chat_error *e)
{
    char why[NOTE_MAX];
    enum da_rc code = DA_EAUTH;
    const char *note = call->state->note;
    bool broke =
        strcmp(e->code, "insufficient_quota") == 0 || strcmp(e->type, "insufficient_quota") == 0;
    if (broke) {
        snprintf(why, sizeof why, "the account has no money left (%.400s)", note);
    } else if (r->status == 401 || r->status == 403) {
        snprintf(why, sizeof why, "the key was rejected (%.400s)", note);
    } else if (r->status == 404) {
        code = DA_ENOTFOUND;
        snprintf(why, sizeof why, "no such address or model (%.400s)", note);
    } else {
        code = r->failure == DA_HTTP_BAD_URL ? DA_EUSAGE : DA_EIO;
        snprintf(why, sizeof why, "%.400s", note);
    }
    kill_endpoint(c, call->state->endpoint, code, why);
    da_calls_push_front(&c->ready, call);
}

static void follow_up(struct da_client *c, struct da_call *call, const struct da_http_reply *r,
                      enum da_try_class class, const struct da_chat_error *e)
{
    struct endpoint *ep = call->state->endpoint;
    uint64_t now = da_client_now(c);
    int64_t asked_ms = da_retry_after_ms(r, c->o.clock->unix_ms(c->o.clock->ctx));
    if (class != DA_TRY_UNREACHABLE)
        ep->n_unreachable = 0;
    switch (class) {
    case DA_TRY_OK:
        ep->n_paced = 0;
        c->last_success_ns = now;
        c->stats.n_replies++;
        da_limit_succeeded(&ep->limit);
        to_caller(c, call, NULL);
        return;
    case DA_TRY_PACED: on_paced(c, call, asked_ms, now); return;
    case DA_TRY_TRANSIENT:
        if (r->status == 503 || r->failure == DA_HTTP_TIMEOUT)
            da_limit_pushed_back(&ep->limit, now);
        on_transient(c, call, asked_ms, now);
        return;
    case DA_TRY_UNREACHABLE: on_unreachable(c, call, now); return;
    case DA_TRY_UNSUPPORTED:
        ep->lacks |= da_chat_unsupported(e, ep->lacks);
        da_calls_push_front(&c->ready, call);
        return;
    case DA_TRY_DENIED: on_denied(c, call, r, e); return;
    case DA_TRY_REJECTED: break;
    }
    on_rejected(c, call, r);
}

static void note_failure(char *note, const struct da_http_reply *r, const struct da_chat_error *e)
{
    if (r->failure)
        snprintf(note, NOTE_MAX, "%s", r->detail);
    else
        snprintf(note, NOTE_MAX, "%d%s%s%s%s", r->status, e->code[0] ? " " : "", e->code,
                 e->message[0] ? ": " : "", e->message);
}

void da_client_on_sent(void *ctx, void *tag)
{
    struct da_client *c = ctx;
    struct da_call *call = tag;
    call->state->has_left = true;
    da_limit_sent(&call->state->endpoint->limit, da_client_now(c));
}

void da_client_on_reply(void *ctx, void *tag, const struct da_http_reply *r)
{
    struct da_client *c = ctx;
    struct da_call *call = tag;
    struct da_call_state *st = call->state;
    struct da_chat_error e = {.message = ""};
    enum da_try_class class;

    c->n_in_flight--;
    if (!st->has_left && r->was_sent)
        da_client_on_sent(c, call);
    else if (!st->has_left)
        da_limit_unsent(&st->endpoint->limit);
    if (st->has_reply)
        da_chat_release(&st->reply);
    st->has_reply = false;
    da_limit_learn(&st->endpoint->limit, r, da_client_now(c));
    if (r->failure == DA_HTTP_OK && r->status >= 200 && r->status < 300) {
        da_chat_parse(r->body, &st->reply);
        st->has_reply = st->reply.outcome != DA_CHAT_MALFORMED;
        class = st->has_reply ? DA_TRY_OK : DA_TRY_TRANSIENT;
        if (st->has_reply)
            snprintf(st->note, NOTE_MAX, "%s", da_chat_outcome_name(st->reply.outcome));
        else
            snprintf(st->note, NOTE_MAX, "not a chat completion: %s", st->reply.why);
        if (!st->has_reply)
            da_chat_release(&st->reply);
    } else {
        da_chat_parse_error(r->body, st->endpoint->key, &e);
        class = da_try_classify(r, &e, st->endpoint->lacks);
        note_failure(st->note, r, &e);
    }
    end_try(c, call, r, class);
    follow_up(c, call, r, class, &e);
}
