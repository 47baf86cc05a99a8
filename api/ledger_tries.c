/* Requests, their tries and replies, and facts: see api/ledger.h. */

#include <stdio.h>
#include <string.h>

#include "api/ledger_internal.h"

enum da_rc da_ledger_find(struct da_ledger *l, const struct da_ledger_key *key,
                          struct da_ledger_request *r, struct da_err *err)
{
    bool found = false;
    enum da_rc rc = da_ledger_use(l, S_FIND, false, err);
    if (rc)
        return rc;
    memset(r, 0, sizeof *r);
    da_ledger_bind_blob(l, S_FIND, 1, da_span((const char *)key->b, sizeof key->b));
    rc = da_ledger_step(l, S_FIND, &found, err);
    if (rc || !found)
        return rc;
    struct da_span cause = da_ledger_text(l, S_FIND, 2);
    r->id = da_ledger_int(l, S_FIND, 0);
    r->state = (enum da_request_state)da_ledger_int(l, S_FIND, 1);
    snprintf(r->cause, sizeof r->cause, "%.*s", (int)cause.len, cause.p);
    r->accepted_try = da_ledger_int(l, S_FIND, 3);
    da_ledger_reset(l, S_FIND);
    return DA_OK;
}

enum da_rc da_ledger_add_request(struct da_ledger *l, const struct da_ledger_key *key,
                                 const char *task, struct da_span item, const char *model,
                                 int64_t *id, struct da_err *err)
{
    enum da_rc rc = da_ledger_use(l, S_ADD_REQUEST, true, err);
    if (rc)
        return rc;
    da_ledger_bind_blob(l, S_ADD_REQUEST, 1, da_span((const char *)key->b, sizeof key->b));
    da_ledger_bind_str(l, S_ADD_REQUEST, 2, task);
    da_ledger_bind_text(l, S_ADD_REQUEST, 3, item);
    da_ledger_bind_str(l, S_ADD_REQUEST, 4, model);
    rc = da_ledger_run(l, S_ADD_REQUEST, NULL, err);
    if (!rc)
        *id = da_ledger_new_id(l);
    return rc;
}

enum da_rc da_ledger_settle(struct da_ledger *l, int64_t request_id, enum da_request_state state,
                            const char *cause, int64_t accepted_try, struct da_err *err)
{
    enum da_rc rc = da_ledger_use(l, S_SETTLE, true, err);
    if (rc)
        return rc;
    da_ledger_bind_int(l, S_SETTLE, 1, request_id);
    da_ledger_bind_int(l, S_SETTLE, 2, (int64_t)state);
    da_ledger_bind_str(l, S_SETTLE, 3, cause);
    da_ledger_bind_int(l, S_SETTLE, 4, accepted_try);
    return da_ledger_run(l, S_SETTLE, NULL, err);
}

enum da_rc da_ledger_start_try(struct da_ledger *l, struct da_ledger_try *t, struct da_err *err)
{
    enum da_rc rc = da_ledger_use(l, S_START_TRY, true, err);
    if (rc)
        return rc;
    da_ledger_bind_int(l, S_START_TRY, 1, t->request_id);
    da_ledger_bind_int(l, S_START_TRY, 2, t->started_ms);
    da_ledger_bind_str(l, S_START_TRY, 3, t->endpoint);
    da_ledger_bind_int(l, S_START_TRY, 4, t->batch);
    da_ledger_bind_int(l, S_START_TRY, 5, t->variant);
    da_ledger_bind_int(l, S_START_TRY, 6, t->max_tokens);
    da_ledger_bind_int(l, S_START_TRY, 7, t->cost_pusd); /* the worst case, until it is known */
    rc = da_ledger_run(l, S_START_TRY, NULL, err);
    if (!rc)
        t->id = da_ledger_new_id(l);
    return rc;
}

enum da_rc da_ledger_end_try(struct da_ledger *l, const struct da_ledger_try *t,
                             struct da_span reply, struct da_err *err)
{
    enum da_rc rc = da_ledger_use(l, S_END_TRY, true, err);
    if (rc)
        return rc;
    da_ledger_bind_int(l, S_END_TRY, 1, t->id);
    da_ledger_bind_int(l, S_END_TRY, 2, (int64_t)t->outcome);
    da_ledger_bind_int(l, S_END_TRY, 3, t->http_status);
    da_ledger_bind_str(l, S_END_TRY, 4, t->note);
    da_ledger_bind_count(l, S_END_TRY, 5, t->prompt_tokens);
    da_ledger_bind_count(l, S_END_TRY, 6, t->cached_tokens);
    da_ledger_bind_count(l, S_END_TRY, 7, t->completion_tokens);
    da_ledger_bind_int(l, S_END_TRY, 8, t->cost_pusd);
    da_ledger_bind_int(l, S_END_TRY, 9, t->cost_estimated);
    da_ledger_bind_int(l, S_END_TRY, 10, t->duration_ms);
    da_ledger_bind_blob(l, S_END_TRY, 11, reply);
    return da_ledger_run(l, S_END_TRY, NULL, err);
}

enum da_rc da_ledger_get_reply(struct da_ledger *l, int64_t request_id, int64_t try_id,
                               struct da_ledger_try *t, struct da_buf *body, struct da_err *err)
{
    enum da_ledger_statement s = try_id ? S_GET_REPLY : S_LAST_REPLY;
    bool found = false;
    enum da_rc rc = da_ledger_use(l, s, false, err);
    if (rc)
        return rc;
    memset(t, 0, sizeof *t);
    da_ledger_bind_int(l, s, 1, try_id ? try_id : request_id);
    rc = da_ledger_step(l, s, &found, err);
    if (rc || !found)
        return rc;
    t->id = da_ledger_int(l, s, 0);
    t->request_id = request_id;
    t->variant = (int)da_ledger_int(l, s, 1);
    t->max_tokens = (int)da_ledger_int(l, s, 2);
    t->outcome = DA_OUTCOME_REPLY;
    t->http_status = (int)da_ledger_int(l, s, 3);
    t->prompt_tokens = da_ledger_count(l, s, 4);
    t->cached_tokens = da_ledger_count(l, s, 5);
    t->completion_tokens = da_ledger_count(l, s, 6);
    t->cost_pusd = da_ledger_int(l, s, 7);
    struct da_span reply = da_ledger_blob(l, s, 8);
    da_buf_add(body, reply.p, reply.len);
    t->batch = da_ledger_int(l, s, 9);
    da_ledger_reset(l, s);
    return DA_OK;
}

enum da_rc da_ledger_get_try(struct da_ledger *l, int64_t try_id, struct da_ledger_try *t,
                             struct da_err *err)
{
    bool found = false;
    enum da_rc rc = da_ledger_use(l, S_GET_TRY, false, err);
    if (rc)
        return rc;
    memset(t, 0, sizeof *t);
    da_ledger_bind_int(l, S_GET_TRY, 1, try_id);
    rc = da_ledger_step(l, S_GET_TRY, &found, err);
    if (rc || !found)
        return rc;
    t->id = da_ledger_int(l, S_GET_TRY, 0);
    t->request_id = da_ledger_int(l, S_GET_TRY, 1);
    t->batch = da_ledger_int(l, S_GET_TRY, 2);
    t->variant = (int)da_ledger_int(l, S_GET_TRY, 3);
    t->max_tokens = (int)da_ledger_int(l, S_GET_TRY, 4);
    t->outcome = (enum da_try_outcome)da_ledger_int(l, S_GET_TRY, 5);
    t->cost_pusd = da_ledger_int(l, S_GET_TRY, 6);
    da_ledger_reset(l, S_GET_TRY);
    return DA_OK;
}

enum da_rc da_ledger_last_note(struct da_ledger *l, int64_t request_id, struct da_buf *note,
                               struct da_err *err)
{
    bool found = false;
    enum da_rc rc = da_ledger_use(l, S_LAST_NOTE, false, err);
    if (rc)
        return rc;
    da_ledger_bind_int(l, S_LAST_NOTE, 1, request_id);
    rc = da_ledger_step(l, S_LAST_NOTE, &found, err);
    if (rc || !found)
        return rc;
    struct da_span s = da_ledger_text(l, S_LAST_NOTE, 0);
    da_buf_add(note, s.p, s.len);
    da_ledger_reset(l, S_LAST_NOTE);
    return DA_OK;
}

/* --- all at once ----------------------------------------------------------------- */

/* A transaction of its own. */
static enum da_rc update_all(struct da_ledger *l, enum da_ledger_statement s, uint64_t *n,
                             struct da_err *err)
{
    enum da_rc rc = da_ledger_use(l, s, false, err);
    return rc ? rc : da_ledger_run(l, s, n, err);
}

enum da_rc da_ledger_close_orphans(struct da_ledger *l, uint64_t *n, struct da_err *err)
{
    return update_all(l, S_CLOSE_ORPHANS, n, err);
}

enum da_rc da_ledger_reopen_failed(struct da_ledger *l, uint64_t *n, struct da_err *err)
{
    return update_all(l, S_REOPEN_FAILED, n, err);
}

/* --- facts ------------------------------------------------------------------------ */

enum da_rc da_ledger_set_fact(struct da_ledger *l, const char *name, struct da_span value,
                              struct da_err *err)
{
    enum da_rc rc = da_ledger_use(l, S_SET_FACT, true, err);
    if (rc)
        return rc;
    da_ledger_bind_str(l, S_SET_FACT, 1, name);
    da_ledger_bind_blob(l, S_SET_FACT, 2, value);
    return da_ledger_run(l, S_SET_FACT, NULL, err);
}

enum da_rc da_ledger_get_fact(struct da_ledger *l, const char *name, struct da_buf *value,
                              struct da_err *err)
{
    bool found = false;
    enum da_rc rc = da_ledger_use(l, S_GET_FACT, false, err);
    if (rc)
        return rc;
    da_ledger_bind_str(l, S_GET_FACT, 1, name);
    rc = da_ledger_step(l, S_GET_FACT, &found, err);
    if (rc || !found)
        return rc;
    struct da_span v = da_ledger_blob(l, S_GET_FACT, 0);
    da_buf_add(value, v.p, v.len);
    da_ledger_reset(l, S_GET_FACT);
    return DA_OK;
}
