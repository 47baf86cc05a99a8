/*
 * Annotations from a chat-completions API. gather asks for every document whose request the
 * ledger does not know the end of, and with the round trip in a second pass for an answer to
 * the question of every annotation; annotate answers from the ledger alone. All build the
 * request from the document in the same way, so they agree on its key.
 */

#include "annotate/backend_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/asker.h"
#include "annotate/reply.h"
#include "common/mem.h"

struct api_backend {
    struct da_backend base;
    struct da_backend_api_opts o;
    struct da_asker *asker;
    struct da_client_stats stats;
    struct da_client *client; /* while gathering */
};

enum da_rc da_backend_api_show(struct da_backend *base, const struct da_ann_doc *doc,
                               struct da_buf *out, struct da_err *err)
{
    struct api_backend *b = (struct api_backend *)base;
    struct da_call *c = NULL;
    enum da_rc rc = da_asker_call(b->asker, doc, &c, err);
    if (rc)
        return rc;
    da_chat_body(&b->asker->params, da_span(c->messages.p, c->messages.len), c->max_tokens,
                 c->cache_key, 0, out);
    da_call_free(c);
    return DA_OK;
}

/* --- gathering ------------------------------------------------------------------ */

/* What is to be asked about a document in that pass; NULL: nothing. */
static enum da_rc next_call(struct api_backend *b, const struct da_ann_doc *doc, unsigned pass,
                            struct da_call **call, struct da_err *err)
{
    *call = NULL;
    if (!da_asker_has_text(doc))
        return DA_OK;
    if (pass == 0)
        return da_asker_call(b->asker, doc, call, err);
    return da_asker_again_stored(b->asker, b->o.client.ledger, doc, call, err);
}

/* Submits documents until the client is full or the source ends. */
static enum da_rc fill(struct api_backend *b, struct da_ann_source *s, unsigned pass, bool *at_end,
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
        rc = next_call(b, &doc, pass, &call, err);
        if (!rc && call)
            rc = da_client_submit(b->client, call, &state, err);
        if (rc)
            return rc;
    }
    return DA_OK;
}

static enum da_rc ask_all(struct api_backend *b, struct da_ann_source *s, unsigned pass,
                          struct da_err *err)
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
        enum da_rc rc = fill(b, s, pass, &at_end, &n_seen, err);
        if (rc)
            return rc;
        if (at_end && da_client_n_open(b->client) == 0)
            return pass + 1 < b->base.n_passes ? DA_OK : da_client_drain(b->client, err);
        rc = da_client_pump(b->client, STEP_MS, err);
        if (rc)
            return rc;
        da_progress_set(b->o.log, n_seen - da_client_n_open(b->client));
    }
}

/* One client for all passes: what it learnt about limits and servers goes on. */
static enum da_rc api_gather(struct da_backend *base, struct da_ann_source *s, unsigned pass,
                             struct da_err *err)
{
    struct api_backend *b = (struct api_backend *)base;
    enum da_rc rc = DA_OK;
    if (pass == 0)
        rc = da_client_new(&b->client, &b->o.client, da_asker_judge, b->asker, err);
    if (rc)
        return rc;
    da_progress_start(b->o.log, pass ? "asking again" : "asking", 0);
    rc = ask_all(b, s, pass, err);
    da_progress_end(b->o.log);
    da_client_stats(b->client, &b->stats);
    if (rc || pass + 1 == base->n_passes) {
        da_client_free(b->client);
        b->client = NULL;
    }
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
        res->origin.model = da_span_str(b->o.asker.model);
        res->origin.snapshot = keep(arena, reply.model);
        res->origin.system_fingerprint = keep(arena, reply.system_fingerprint);
        res->origin.prompt_sha256 = da_span_str(da_ask_sha256(b->asker->ask));
        res->origin.params = da_span(b->asker->origin_params.p, b->asker->origin_params.len);
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
    bool waits = false;
    if (!rc && req->state == DA_REQUEST_OPEN)
        rc = da_ledger_in_batch(ledger, req->id, &waits, err);
    if (waits) {
        status = "in_batch";
        da_buf_add_str(&text, "waits in a batch; see --batch fetch");
    } else if (!rc && req->id) {
        rc = da_ledger_last_note(ledger, req->id, &text, err);
    }
    if (!rc)
        fail_with(res, arena, status, da_span(text.p, text.len));
out:
    da_buf_release(&text);
    return rc;
}

/* The answer that the question brought when it was asked again, if one came. */
static enum da_rc find_again(struct api_backend *b, const struct da_ann_doc *doc,
                             struct da_arena *arena, struct da_answers *answers, struct da_err *err)
{
    struct da_ledger *ledger = b->o.client.ledger;
    struct da_ledger_request req;
    struct da_ledger_try try;
    struct da_chat_reply reply;
    struct da_call *call = NULL;
    struct da_buf body;
    answers->asked_again = true;
    answers->qa_again = da_span("", 0);
    enum da_rc rc = da_asker_again_call(b->asker, doc, answers->qa_request, &call, err);
    if (!rc)
        rc = da_ledger_find(ledger, &call->key, &req, err);
    da_call_free(call);
    if (rc || req.state != DA_REQUEST_DONE)
        return rc;
    da_buf_init(&body, 0);
    rc = da_ledger_get_reply(ledger, req.id, req.accepted_try, &try, &body, err);
    if (!rc) {
        da_chat_parse(da_span(body.p, body.len), &reply);
        if (reply.outcome == DA_CHAT_ANSWER)
            answers->qa_again = keep(arena, da_span_trim(reply.content));
        da_chat_release(&reply);
    }
    da_buf_release(&body);
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
    if (!da_asker_has_text(doc)) {
        fail_with(res, arena, "empty", da_span_str("the document has no text"));
        return DA_OK;
    }
    enum da_rc rc = da_asker_call(b->asker, doc, &call, err);
    if (rc)
        return rc;
    da_buf_init(&body, 0);
    da_ask_choose(b->asker->ask, doc->id, &asked);
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
    if (!rc && !res->failure && b->o.asker.round_trip)
        rc = find_again(b, doc, arena, &res->answers, err);
    da_buf_release(&body);
    da_call_free(call);
    return rc;
}

/* --- making one -------------------------------------------------------------------- */

static void api_free(struct da_backend *base)
{
    struct api_backend *b = (struct api_backend *)base;
    da_client_free(b->client);
    da_asker_free(b->asker);
    free(b);
}

enum da_rc da_backend_api_new(struct da_backend **ret, const struct da_backend_api_opts *opts,
                              struct da_err *err)
{
    struct api_backend *b = da_calloc(1, sizeof *b);
    b->o = *opts;
    b->base = (struct da_backend){.name = "api",
                                  .identity = "",
                                  .gather = opts->answer_only ? NULL : api_gather,
                                  .n_passes = opts->asker.round_trip ? 2 : 1,
                                  .annotate = api_annotate,
                                  .free = api_free};
    enum da_rc rc = da_asker_new(&b->asker, &opts->asker, err);
    if (rc) {
        free(b);
        return rc;
    }
    b->base.identity = b->asker->identity.p;
    *ret = &b->base;
    return DA_OK;
}
