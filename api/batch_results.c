/*
 * What becomes of batches: see batch.h. Invariant: results and the state `fetched` are one
 * transaction.
 */

#include <stdio.h>
#include <string.h>

#include "api/batch_internal.h"
#include "common/mem.h"

/* --- polling --------------------------------------------------------------------------- */

static void copy_text(const struct da_json *o, const char *key, char out[DA_LEDGER_ID_MAX])
{
    struct da_span s;
    if (da_json_str(da_json_get(o, key), &s))
        (void)snprintf(out, DA_LEDGER_ID_MAX, "%.120s", s.p);
}

static bool has_ended(const char *status)
{
    static const char *const ends[] = {"completed", "failed", "expired", "cancelled"};
    for (size_t i = 0; i < DA_ARRAY_LEN(ends); i++)
        if (strcmp(status, ends[i]) == 0)
            return true;
    return false;
}

struct poll {
    da_batches_fn fn;
    void *ctx;
    uint64_t n_waiting;
};

static enum da_rc poll_one(struct da_batches *b, struct da_ledger_batch *row, void *ctx,
                           struct da_err *err)
{
    struct poll *p = ctx;
    struct da_json *root = NULL;
    char path[DA_LEDGER_ID_MAX + 16];
    int64_t completed = 0, failed = 0;
    if (row->state != DA_BATCH_CREATED) {
        if (p->fn && row->state != DA_BATCH_VOID)
            p->fn(p->ctx, row, -1, -1);
        return DA_OK;
    }
    (void)snprintf(path, sizeof path, "/batches/%s", row->remote_id);
    enum da_rc rc = da_remote_get(&b->remote, path, &root, err);
    if (rc)
        return rc;
    const struct da_json *counts = da_json_get(root, "request_counts");
    (void)da_json_int(da_json_get(counts, "completed"), &completed);
    (void)da_json_int(da_json_get(counts, "failed"), &failed);
    copy_text(root, "status", row->status);
    (void)da_remote_copy_id(root, "output_file_id", row->output_id);
    (void)da_remote_copy_id(root, "error_file_id", row->error_id);
    if (has_ended(row->status)) {
        const struct da_json *e = da_json_first(da_json_get(da_json_get(root, "errors"), "data"));
        char code[DA_LEDGER_ID_MAX] = "";
        copy_text(e, "code", code);
        if (code[0])
            (void)snprintf(row->status, sizeof row->status, "failed: %.100s", code);
        row->state = DA_BATCH_ENDED;
        rc = da_batches_save(b, row, err);
    } else {
        p->n_waiting++;
    }
    if (!rc && p->fn)
        p->fn(p->ctx, row, completed, failed);
    da_json_free(root);
    return rc;
}

enum da_rc da_batches_poll(struct da_batches *b, da_batches_fn fn, void *ctx, uint64_t *n_waiting,
                           struct da_err *err)
{
    struct poll p = {fn, ctx, 0};
    enum da_rc rc = da_batches_each(b, poll_one, &p, err);
    *n_waiting = p.n_waiting;
    return rc;
}

/* --- fetching ---------------------------------------------------------------------------- */

static enum da_rc end_with_reply(struct da_batches *b, struct da_ledger_try *t,
                                 const struct da_json *body, bool *is_reply, struct da_err *err)
{
    struct da_buf text;
    struct da_jw w;
    struct da_chat_reply reply;
    da_buf_init(&text, 0);
    da_jw_init(&w, &text);
    da_jw_value(&w, body);
    da_chat_parse(da_span(text.p, text.len), &reply);
    *is_reply = reply.outcome != DA_CHAT_MALFORMED;
    t->outcome = *is_reply ? DA_OUTCOME_REPLY : DA_OUTCOME_ERROR;
    t->note = da_chat_outcome_name(reply.outcome);
    t->prompt_tokens = t->cached_tokens = t->completion_tokens = -1;
    t->cost_estimated = !reply.usage.known && b->o.price;
    if (reply.usage.known) {
        t->prompt_tokens = reply.usage.prompt_tokens;
        t->cached_tokens = reply.usage.cached_tokens;
        t->completion_tokens = reply.usage.completion_tokens;
        t->cost_pusd = b->o.price ? da_price_of(b->o.price, t->prompt_tokens, t->cached_tokens,
                                                t->completion_tokens, true)
                                  : 0;
    }
    enum da_rc rc = da_ledger_end_try(b->o.ledger, t, da_span(text.p, text.len), err);
    da_chat_release(&reply);
    da_buf_release(&text);
    return rc;
}

/* A request the server could not or would not answer: open again unless it said 4xx to it. */
static enum da_rc end_with_error(struct da_batches *b, struct da_ledger_try *t,
                                 const struct da_json *line, struct da_err *err)
{
    struct da_buf text;
    struct da_jw w;
    struct da_chat_error e;
    char note[512];
    int64_t status = 0;
    const struct da_json *response = da_json_get(line, "response");
    const struct da_json *body = da_json_get(response, "body");
    const struct da_json *own = da_json_get(line, "error");
    (void)da_json_int(da_json_get(response, "status_code"), &status);
    da_buf_init(&text, 0);
    da_jw_init(&w, &text);
    da_jw_value(&w, body && da_json_type(body) == DA_JSON_OBJECT ? body : own);
    da_chat_parse_error(da_span(text.p, text.len), b->remote.key, &e);
    (void)snprintf(note, sizeof note, "%d%s%s%s%s", (int)status, e.code[0] ? " " : "", e.code,
                   e.message[0] ? ": " : "", e.message);
    t->outcome = DA_OUTCOME_ERROR;
    t->http_status = (int)status;
    t->note = note;
    t->prompt_tokens = t->cached_tokens = t->completion_tokens = -1;
    t->cost_pusd = 0;
    enum da_rc rc = da_ledger_end_try(b->o.ledger, t, da_span("", 0), err);
    bool final = status == 400 || status == 413 || status == 422;
    if (!rc && final)
        rc = da_ledger_settle(b->o.ledger, t->request_id, DA_REQUEST_FAILED, "rejected", 0, err);
    da_buf_release(&text);
    return rc;
}

static enum da_rc take_line(struct da_batches *b, const struct da_ledger_batch *row,
                            const struct da_json *line, uint64_t *n_replies, struct da_err *err)
{
    struct da_span id;
    struct da_ledger_try t;
    int64_t try_id, status = 0;
    bool is_reply = false;
    if (!da_json_str(da_json_get(line, "custom_id"), &id) || !da_span_starts(id, "try-") ||
        !da_parse_int(id.p + 4, id.len - 4, &try_id))
        return DA_OK; /* not ours */
    enum da_rc rc = da_ledger_get_try(b->o.ledger, try_id, &t, err);
    if (rc || t.id == 0 || t.batch != row->id || t.outcome != DA_OUTCOME_UNKNOWN)
        return rc; /* a second line for one request changes nothing */
    const struct da_json *response = da_json_get(line, "response");
    (void)da_json_int(da_json_get(response, "status_code"), &status);
    if (status != 200)
        return end_with_error(b, &t, line, err);
    t.http_status = 200;
    rc = end_with_reply(b, &t, da_json_get(response, "body"), &is_reply, err);
    *n_replies += !rc && is_reply;
    return rc;
}

/* A line that is no JSON costs its request another try, not the batch. */
static enum da_rc take_file(struct da_batches *b, const struct da_ledger_batch *row,
                            const char *file_id, uint64_t *n_replies, struct da_err *err)
{
    struct da_buf text;
    struct da_span rest, line;
    if (!file_id[0])
        return DA_OK;
    da_buf_init(&text, 0);
    enum da_rc rc = da_remote_download(&b->remote, file_id, &text, err);
    if (rc == DA_ENOTFOUND) {
        da_log_msg(b->o.log, DA_LOG_WARN, "batch %lld: file %s is gone", (long long)row->id,
                   file_id);
        rc = DA_OK;
        da_buf_reset(&text);
    }
    rest = da_span(text.p, text.len);
    while (!rc && da_span_split(&rest, '\n', &line)) {
        struct da_json *j = NULL;
        if (da_span_trim(line).len == 0 || da_json_parse(line.p, line.len, &j, NULL))
            continue;
        rc = take_line(b, row, j, n_replies, err);
        da_json_free(j);
    }
    da_buf_release(&text);
    return rc;
}

static enum da_rc clean_up(struct da_batches *b, struct da_ledger_batch *row, struct da_err *err)
{
    char *const ids[] = {row->file_id, row->output_id, row->error_id};
    for (size_t i = 0; i < DA_ARRAY_LEN(ids); i++) {
        if (!ids[i][0])
            continue;
        struct da_err why;
        if (da_remote_delete_file(&b->remote, ids[i], &why))
            da_log_msg(b->o.log, DA_LOG_WARN, "%s", why.msg);
        ids[i][0] = 0;
    }
    return da_batches_save(b, row, err);
}

static enum da_rc fetch_one(struct da_batches *b, struct da_ledger_batch *row, void *ctx,
                            struct da_err *err)
{
    uint64_t *n_replies = ctx, n_missing = 0;
    enum da_rc rc = DA_OK;
    if (row->state == DA_BATCH_ENDED) {
        rc = take_file(b, row, row->output_id, n_replies, err);
        if (!rc)
            rc = take_file(b, row, row->error_id, n_replies, err);
        if (!rc)
            rc = da_ledger_void_tries(b->o.ledger, row->id, row->status, &n_missing, err);
        row->state = DA_BATCH_FETCHED;
        if (!rc)
            rc = da_batches_save(b, row, err);
        if (!rc && n_missing)
            da_log_msg(b->o.log, DA_LOG_INFO,
                       "batch %lld (%s): %llu of %lld requests are not answered%s",
                       (long long)row->id, row->status, (unsigned long long)n_missing,
                       (long long)row->n_requests,
                       strstr(row->status, "token_limit") ? "; lower --batch-tokens" : "");
    }
    if (!rc && row->state == DA_BATCH_FETCHED &&
        (row->file_id[0] || row->output_id[0] || row->error_id[0]))
        rc = clean_up(b, row, err);
    return rc;
}

enum da_rc da_batches_fetch(struct da_batches *b, uint64_t *n_replies, struct da_err *err)
{
    *n_replies = 0;
    return da_batches_each(b, fetch_one, n_replies, err);
}

static enum da_rc cancel_one(struct da_batches *b, struct da_ledger_batch *row, void *ctx,
                             struct da_err *err)
{
    uint64_t *n = ctx;
    enum da_rc rc = DA_OK;
    if (row->state == DA_BATCH_CREATED)
        rc = da_remote_cancel(&b->remote, row->remote_id, err);
    else if (row->state < DA_BATCH_CREATED)
        rc = da_batches_void(b, row, "cancelled before it was created", err);
    else
        return DA_OK;
    *n += !rc;
    return rc;
}

enum da_rc da_batches_cancel(struct da_batches *b, uint64_t *n, struct da_err *err)
{
    *n = 0;
    return da_batches_each(b, cancel_one, n, err);
}
