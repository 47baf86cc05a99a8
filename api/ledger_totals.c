/* What a ledger holds, in sums: see api/ledger.h. */

#include "api/ledger_internal.h"

/* The first n columns of the only row; zeros when there is none. */
static enum da_rc query_row(struct da_ledger *l, enum da_ledger_statement s, int64_t *out, int n,
                            struct da_err *err)
{
    bool found = false;
    enum da_rc rc = da_ledger_step(l, s, &found, err);
    if (rc)
        return rc;
    for (int i = 0; i < n; i++)
        out[i] = found ? da_ledger_int(l, s, i) : 0;
    if (found)
        da_ledger_reset(l, s);
    return DA_OK;
}

enum da_rc da_ledger_totals(struct da_ledger *l, struct da_ledger_totals *t, struct da_err *err)
{
    int64_t r[4], y[15];
    enum da_rc rc = da_ledger_use(l, S_REQUEST_TOTALS, false, err);
    if (!rc)
        rc = query_row(l, S_REQUEST_TOTALS, r, 4, err);
    if (!rc)
        rc = da_ledger_use(l, S_TRY_TOTALS, false, err);
    if (!rc)
        rc = query_row(l, S_TRY_TOTALS, y, 15, err);
    if (rc)
        return rc;
    *t = (struct da_ledger_totals){.n_requests = (uint64_t)r[0],
                                   .n_done = (uint64_t)r[1],
                                   .n_failed = (uint64_t)r[2],
                                   .n_open = (uint64_t)r[3],
                                   .n_tries = (uint64_t)y[0],
                                   .n_replies = (uint64_t)y[1],
                                   .n_errors = (uint64_t)y[2],
                                   .n_lost = (uint64_t)y[3],
                                   .n_unsent = (uint64_t)y[4],
                                   .n_unknown = (uint64_t)y[5],
                                   .prompt_tokens = y[6],
                                   .cached_tokens = y[7],
                                   .completion_tokens = y[8],
                                   .n_usage = (uint64_t)y[9],
                                   .cost_pusd = y[10],
                                   .estimated_pusd = y[11],
                                   .first_ms = y[12],
                                   .last_ms = y[13],
                                   .n_recent = (uint64_t)y[14]};
    return DA_OK;
}

enum da_rc da_ledger_last_start(struct da_ledger *l, int64_t *unix_ms, struct da_err *err)
{
    enum da_rc rc = da_ledger_use(l, S_LAST_START, false, err);
    return rc ? rc : query_row(l, S_LAST_START, unix_ms, 1, err);
}

enum da_rc da_ledger_recent_means(struct da_ledger *l, const char *task, unsigned n,
                                  struct da_ledger_means *m, struct da_err *err)
{
    int64_t v[4];
    enum da_rc rc = da_ledger_use(l, S_RECENT_MEANS, false, err);
    if (rc)
        return rc;
    da_ledger_bind_int(l, S_RECENT_MEANS, 1, n);
    da_ledger_bind_str(l, S_RECENT_MEANS, 2, task);
    rc = query_row(l, S_RECENT_MEANS, v, 4, err);
    if (rc)
        return rc;
    double k = v[0] ? (double)v[0] : 1;
    *m = (struct da_ledger_means){(uint64_t)v[0], (double)v[1] / k, (double)v[2] / k,
                                  (double)v[3] / k};
    return DA_OK;
}

enum da_rc da_ledger_causes(struct da_ledger *l,
                            void (*fn)(void *ctx, const char *cause, uint64_t n), void *ctx,
                            struct da_err *err)
{
    bool found = false;
    enum da_rc rc = da_ledger_use(l, S_CAUSES, false, err);
    while (!rc) {
        rc = da_ledger_step(l, S_CAUSES, &found, err);
        if (rc || !found)
            break;
        fn(ctx, da_ledger_text(l, S_CAUSES, 0).p, (uint64_t)da_ledger_int(l, S_CAUSES, 1));
    }
    return rc;
}
