/* annotate --batch submit|poll|fetch|cancel: see the header. */

#include "cli/annotate_batch.h"

#include <stdio.h>

#include "annotate/ann_source.h"
#include "annotate/batching.h"
#include "cli/command.h"

typedef unsigned long long ull; /* what printf takes */

struct step {
    const struct da_annotate_batch *o;
    struct da_api_cli *api;
    struct da_asker *asker;
    struct da_batches *batches;
    int *exit_code;
};

static enum da_rc go_through(struct step *s, struct da_batches *batches,
                             struct da_batching_counts *n, struct da_err *err)
{
    struct da_ann_source *src = NULL;
    enum da_rc rc = da_ann_source_open(&src, s->o->input, err);
    if (!rc)
        rc = da_batching_pass(s->asker, s->api->client.ledger, batches, src, n, err);
    da_ann_source_close(src);
    return rc;
}

/* Parts of an interrupted run first: their documents then count as waiting. */
static enum da_rc submit(struct step *s, struct da_err *err)
{
    struct da_batching_counts n;
    enum da_rc rc = da_batches_push(s->batches, err);
    if (!rc)
        rc = go_through(s, s->batches, &n, err);
    if (!rc)
        rc = da_batches_push(s->batches, err);
    if (rc)
        return rc;
    da_log_msg(da_cli_log(), DA_LOG_INFO,
               "submitted %llu requests; %llu were waiting already, %llu are settled, %llu do not "
               "fit yet",
               (ull)n.n_added, (ull)n.n_waiting, (ull)n.n_settled, (ull)(n.n_open - n.n_added));
    return DA_OK;
}

static void print_batch(void *ctx, const struct da_ledger_batch *b, int64_t n_completed,
                        int64_t n_failed)
{
    static const char *const states[] = {"", "not sent", "uploaded", "", "ended", "fetched", ""};
    (void)ctx;
    printf("%lld  %-32s %lld requests", (long long)b->id, b->remote_id, (long long)b->n_requests);
    if (n_completed >= 0)
        printf("  %s  %lld answered, %lld failed\n", b->status, (long long)n_completed,
               (long long)n_failed);
    else
        printf("  %s%s%s\n", states[b->state], b->status[0] ? ": " : "", b->status);
}

static enum da_rc poll(struct step *s, struct da_err *err)
{
    uint64_t n_waiting;
    enum da_rc rc = da_batches_poll(s->batches, print_batch, NULL, &n_waiting, err);
    if (!rc && n_waiting)
        *s->exit_code = DA_EXIT_UNAVAILABLE;
    return rc;
}

static enum da_rc fetch(struct step *s, bool *complete, struct da_err *err)
{
    struct da_batching_counts n;
    uint64_t n_waiting, n_replies;
    enum da_rc rc = da_batches_poll(s->batches, NULL, NULL, &n_waiting, err);
    if (!rc)
        rc = da_batches_fetch(s->batches, &n_replies, err);
    if (!rc)
        rc = go_through(s, NULL, &n, err);
    if (rc)
        return rc;
    da_log_msg(da_cli_log(), DA_LOG_INFO, "fetched %llu replies", (ull)n_replies);
    *complete = n.n_waiting + n.n_open == 0;
    if (*complete)
        return DA_OK;
    *s->exit_code = DA_EXIT_UNAVAILABLE;
    da_log_msg(da_cli_log(), DA_LOG_INFO,
               "%llu documents are settled, %llu wait in batches, %llu are to be asked about: %s",
               (ull)n.n_settled, (ull)n.n_waiting, (ull)n.n_open,
               n.n_open ? "run --batch submit again" : "try again later");
    return DA_OK;
}

static enum da_rc cancel(struct step *s, struct da_err *err)
{
    uint64_t n;
    enum da_rc rc = da_batches_cancel(s->batches, &n, err);
    if (!rc)
        da_log_msg(da_cli_log(), DA_LOG_INFO,
                   "cancelled %llu batches; what they answered can be fetched", (ull)n);
    return rc;
}

enum da_rc da_annotate_batch(const struct da_annotate_batch *o, struct da_api_cli *api,
                             int *exit_code, bool *complete, struct da_err *err)
{
    struct step s = {.o = o, .api = api, .exit_code = exit_code};
    const struct da_client_opts *c = &api->client;
    struct da_batch_opts bo = {.endpoint = c->endpoints[0],
                               .ledger_path = api->ledger_path,
                               .ledger = c->ledger,
                               .http = c->http,
                               .clock = c->clock,
                               .log = c->log,
                               .price = c->price,
                               .max_pusd = c->max_pusd,
                               .max_tokens = o->max_tokens,
                               .max_requests = o->max_requests,
                               .max_tries = c->max_tries,
                               .timeout_ms = c->timeout_ms};
    *exit_code = DA_EXIT_OK;
    *complete = false;
    if (c->n_endpoints > 1)
        return da_fail(err, DA_EUSAGE, "batches go to one endpoint only");
    enum da_rc rc = da_asker_new(&s.asker, &o->asker, err);
    if (!rc)
        rc = da_batches_open(&s.batches, &bo, err);
    if (!rc) {
        switch (o->action) {
        case DA_BATCH_SUBMIT: rc = submit(&s, err); break;
        case DA_BATCH_POLL: rc = poll(&s, err); break;
        case DA_BATCH_FETCH: rc = fetch(&s, complete, err); break;
        case DA_BATCH_CANCEL: rc = cancel(&s, err); break;
        }
    }
    da_batches_close(s.batches);
    da_asker_free(s.asker);
    return rc;
}
