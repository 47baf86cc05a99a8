/* Going through the documents for the Batch API: see the header. */

#include "annotate/batching.h"

struct pass {
    struct da_asker *asker;
    struct da_ledger *ledger;
    struct da_batches *batches;
    struct da_batching_counts *n;
    bool full;
};

enum place { SETTLED, WAITING, OPEN };

/* The request's newest reply that counts, if any: judged as an online one would be. call is
 * then as it is to be asked again. */
static enum da_rc judge_stored(struct pass *p, struct da_call *call,
                               const struct da_ledger_request *req, enum place *place,
                               struct da_err *err)
{
    struct da_ledger_try t;
    struct da_chat_reply reply;
    struct da_buf body;
    const char *cause = "failed";
    *place = OPEN;
    da_buf_init(&body, 0);
    enum da_rc rc = da_ledger_get_reply(p->ledger, req->id, 0, &t, &body, err);
    if (!rc && t.id > req->accepted_try) {
        da_chat_parse(da_span(body.p, body.len), &reply);
        struct da_call_result r = {
            .reply = &reply, .variant = t.variant, .max_tokens = t.max_tokens};
        enum da_verdict v = da_asker_judge(p->asker, call, &r, &cause);
        if (v == DA_VERDICT_ACCEPT)
            rc = da_ledger_settle(p->ledger, req->id, DA_REQUEST_DONE, "", t.id, err);
        else if (v == DA_VERDICT_FAIL)
            rc = da_ledger_settle(p->ledger, req->id, DA_REQUEST_FAILED, cause, 0, err);
        *place = v == DA_VERDICT_AGAIN ? OPEN : SETTLED;
        da_chat_release(&reply);
    }
    da_buf_release(&body);
    return rc;
}

static enum da_rc find_place(struct pass *p, struct da_call *call, enum place *place,
                             struct da_err *err)
{
    struct da_ledger_request req;
    bool waits = false;
    enum da_rc rc = da_ledger_find(p->ledger, &call->key, &req, err);
    *place = req.state == DA_REQUEST_DONE || req.state == DA_REQUEST_FAILED ? SETTLED : OPEN;
    if (rc || req.state != DA_REQUEST_OPEN)
        return rc;
    rc = da_ledger_in_batch(p->ledger, req.id, &waits, err);
    if (!rc && waits)
        *place = WAITING;
    else if (!rc)
        rc = judge_stored(p, call, &req, place, err);
    return rc;
}

/* Frees call. */
static enum da_rc one_call(struct pass *p, struct da_call *call, enum place *place,
                           struct da_err *err)
{
    enum da_rc rc = find_place(p, call, place, err);
    if (!rc && *place == OPEN && p->batches && !p->full) {
        rc = da_batches_add(p->batches, call, &p->full, err);
        p->n->n_added += !rc && !p->full;
    }
    da_call_free(call);
    return rc;
}

/* The annotation, and when it is there the question asked again. */
static enum da_rc one_document(struct pass *p, const struct da_ann_doc *doc, struct da_err *err)
{
    struct da_call *call = NULL;
    enum place place = SETTLED;
    enum da_rc rc = DA_OK;
    if (da_asker_has_text(doc)) {
        rc = da_asker_call(p->asker, doc, &call, err);
        if (!rc)
            rc = one_call(p, call, &place, err);
        call = NULL;
        if (!rc && place == SETTLED && p->asker->o.round_trip)
            rc = da_asker_again_stored(p->asker, p->ledger, doc, &call, err);
        if (!rc && call)
            rc = one_call(p, call, &place, err);
    }
    p->n->n_settled += place == SETTLED;
    p->n->n_waiting += place == WAITING;
    p->n->n_open += place == OPEN;
    return rc;
}

enum da_rc da_batching_pass(struct da_asker *a, struct da_ledger *ledger,
                            struct da_batches *batches, struct da_ann_source *s,
                            struct da_batching_counts *n, struct da_err *err)
{
    struct pass p = {a, ledger, batches, n, false};
    enum da_rc rc = DA_OK;
    *n = (struct da_batching_counts){0};
    while (!rc) {
        struct da_ann_doc doc;
        rc = da_ann_source_next(s, &doc, err);
        if (rc || doc.line.len == 0)
            break;
        rc = one_document(&p, &doc, err);
    }
    if (!rc && !batches) /* a part being written is committed with its file */
        rc = da_ledger_commit(ledger, err);
    return rc;
}
