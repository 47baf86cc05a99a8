/* Rows of batches and their tries: see api/ledger.h and api/batch.h. */

#include <stdio.h>
#include <string.h>

#include "api/ledger_internal.h"

static void copy_column(struct da_ledger *l, enum da_ledger_statement s, int i,
                        char out[DA_LEDGER_ID_MAX])
{
    struct da_span v = da_ledger_text(l, s, i);
    snprintf(out, DA_LEDGER_ID_MAX, "%.*s", (int)v.len, v.p);
}

enum da_rc da_ledger_add_batch(struct da_ledger *l, struct da_ledger_batch *b, struct da_err *err)
{
    enum da_rc rc = da_ledger_use(l, S_ADD_BATCH, true, err);
    if (rc)
        return rc;
    da_ledger_bind_int(l, S_ADD_BATCH, 1, (int64_t)b->state);
    da_ledger_bind_int(l, S_ADD_BATCH, 2, b->n_requests);
    da_ledger_bind_int(l, S_ADD_BATCH, 3, b->n_tokens);
    rc = da_ledger_run(l, S_ADD_BATCH, NULL, err);
    if (!rc)
        b->id = da_ledger_new_id(l);
    return rc;
}

enum da_rc da_ledger_set_batch(struct da_ledger *l, const struct da_ledger_batch *b,
                               struct da_err *err)
{
    enum da_rc rc = da_ledger_use(l, S_SET_BATCH, true, err);
    if (rc)
        return rc;
    da_ledger_bind_int(l, S_SET_BATCH, 1, b->id);
    da_ledger_bind_int(l, S_SET_BATCH, 2, (int64_t)b->state);
    da_ledger_bind_int(l, S_SET_BATCH, 3, b->n_requests);
    da_ledger_bind_int(l, S_SET_BATCH, 4, b->n_tokens);
    da_ledger_bind_str(l, S_SET_BATCH, 5, b->file_id);
    da_ledger_bind_str(l, S_SET_BATCH, 6, b->remote_id);
    da_ledger_bind_str(l, S_SET_BATCH, 7, b->output_id);
    da_ledger_bind_str(l, S_SET_BATCH, 8, b->error_id);
    da_ledger_bind_str(l, S_SET_BATCH, 9, b->status);
    return da_ledger_run(l, S_SET_BATCH, NULL, err);
}

enum da_rc da_ledger_next_batch(struct da_ledger *l, int64_t after, struct da_ledger_batch *b,
                                struct da_err *err)
{
    bool found = false;
    enum da_rc rc = da_ledger_use(l, S_NEXT_BATCH, false, err);
    if (rc)
        return rc;
    memset(b, 0, sizeof *b);
    da_ledger_bind_int(l, S_NEXT_BATCH, 1, after);
    rc = da_ledger_step(l, S_NEXT_BATCH, &found, err);
    if (rc || !found)
        return rc;
    b->id = da_ledger_int(l, S_NEXT_BATCH, 0);
    b->state = (enum da_batch_state)da_ledger_int(l, S_NEXT_BATCH, 1);
    b->n_requests = da_ledger_int(l, S_NEXT_BATCH, 2);
    b->n_tokens = da_ledger_int(l, S_NEXT_BATCH, 3);
    copy_column(l, S_NEXT_BATCH, 4, b->file_id);
    copy_column(l, S_NEXT_BATCH, 5, b->remote_id);
    copy_column(l, S_NEXT_BATCH, 6, b->output_id);
    copy_column(l, S_NEXT_BATCH, 7, b->error_id);
    copy_column(l, S_NEXT_BATCH, 8, b->status);
    da_ledger_reset(l, S_NEXT_BATCH);
    return DA_OK;
}

enum da_rc da_ledger_in_batch(struct da_ledger *l, int64_t request_id, bool *waits,
                              struct da_err *err)
{
    enum da_rc rc = da_ledger_use(l, S_IN_BATCH, false, err);
    if (rc)
        return rc;
    da_ledger_bind_int(l, S_IN_BATCH, 1, request_id);
    rc = da_ledger_step(l, S_IN_BATCH, waits, err);
    if (!rc && *waits)
        da_ledger_reset(l, S_IN_BATCH);
    return rc;
}

enum da_rc da_ledger_void_tries(struct da_ledger *l, int64_t batch, const char *note, uint64_t *n,
                                struct da_err *err)
{
    enum da_rc rc = da_ledger_use(l, S_VOID_TRIES, true, err);
    if (rc)
        return rc;
    da_ledger_bind_int(l, S_VOID_TRIES, 1, batch);
    da_ledger_bind_str(l, S_VOID_TRIES, 2, note);
    return da_ledger_run(l, S_VOID_TRIES, n, err);
}
