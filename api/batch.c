/*
 * Writing batches and sending them: see the header. Invariants:
 *   - a part's file is synced before the ledger commits its row and tries, so an intent
 *     always has its file (or was pushed already);
 *   - a row moves to its next state only after the server's answer, and every step looks for
 *     what an interrupted one may have left there (batch_remote.c).
 */

#include "api/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/batch_internal.h"
#include "common/io.h"
#include "common/mem.h"

#define RUN_ID_FACT "batch_run_id"
#define MULTIPART_ROOM 1024 /* of head and tail */

/* --- opening ---------------------------------------------------------------------- */

/* A name for this ledger's batches that no other ledger has. */
static enum da_rc load_run_id(struct da_batches *b, struct da_err *err)
{
    char hex[DA_SHA256_HEX_LEN + 1];
    struct da_buf seed;
    enum da_rc rc = da_ledger_get_fact(b->o.ledger, RUN_ID_FACT, &b->run_id, err);
    if (rc || b->run_id.len)
        return rc;
    da_buf_init(&seed, 0);
    da_buf_addf(&seed, "%s %lld %ld", b->o.ledger_path,
                (long long)b->o.clock->unix_ms(b->o.clock->ctx), (long)getpid());
    da_sha256_hex(seed.p, seed.len, hex);
    da_buf_release(&seed);
    da_buf_add(&b->run_id, hex, 16);
    rc = da_ledger_set_fact(b->o.ledger, RUN_ID_FACT, da_span(b->run_id.p, b->run_id.len), err);
    return rc ? rc : da_ledger_commit(b->o.ledger, err);
}

enum da_rc da_batches_each(struct da_batches *b, da_batches_row_fn fn, void *ctx,
                           struct da_err *err)
{
    struct da_ledger_batch row = {.id = 0};
    for (;;) {
        enum da_rc rc = da_ledger_next_batch(b->o.ledger, row.id, &row, err);
        if (rc || row.id == 0)
            return rc;
        rc = fn(b, &row, ctx, err);
        if (rc)
            return rc;
    }
}

static enum da_rc add_live(struct da_batches *b, struct da_ledger_batch *row, void *ctx,
                           struct da_err *err)
{
    (void)ctx;
    (void)err;
    if (row->state <= DA_BATCH_CREATED)
        b->live_tokens += row->n_tokens;
    return DA_OK;
}

enum da_rc da_batches_open(struct da_batches **ret, const struct da_batch_opts *opts,
                           struct da_err *err)
{
    struct da_batches *b = da_calloc(1, sizeof *b);
    struct da_ledger_totals totals;
    b->o = *opts;
    b->remote = (struct da_remote){.http = opts->http,
                                   .clock = opts->clock,
                                   .log = opts->log,
                                   .max_tries = opts->max_tries,
                                   .timeout_ms = opts->timeout_ms};
    da_buf_init(&b->run_id, 0);
    da_buf_init(&b->line, 0);
    enum da_rc rc = da_remote_init(&b->remote, &opts->endpoint, err);
    if (!rc)
        rc = load_run_id(b, err);
    if (!rc)
        rc = da_ledger_totals(opts->ledger, &totals, err);
    if (!rc)
        rc = da_batches_each(b, add_live, NULL, err);
    if (rc) {
        da_batches_close(b);
        return rc;
    }
    b->spent_pusd = totals.cost_pusd;
    *ret = b;
    return DA_OK;
}

void da_batches_close(struct da_batches *b)
{
    if (!b)
        return;
    if (b->part) {
        (void)fclose(b->part);
        (void)unlink(b->part_path);
    }
    free(b->part_path);
    da_buf_release(&b->run_id);
    da_buf_release(&b->line);
    da_remote_release(&b->remote);
    free(b);
}

/* --- writing a part ---------------------------------------------------------------- */

static char *path_of(const struct da_batches *b, int64_t id)
{
    struct da_buf s;
    da_buf_init(&s, 0);
    da_buf_addf(&s, "%s.batch-%lld", b->o.ledger_path, (long long)id);
    return da_buf_take(&s, NULL);
}

/* "RUN-ID": the mark of a batch, and what names its file and its boundary are made of. */
static void mark_of(const struct da_batches *b, int64_t id, char mark[64])
{
    (void)snprintf(mark, 64, "%s-%lld", b->run_id.p, (long long)id);
}

static enum da_rc write_part(struct da_batches *b, const char *p, size_t len, struct da_err *err)
{
    b->part_bytes += len;
    if (fwrite(p, 1, len, b->part) != len)
        return da_fail_errno(err, DA_EIO, errno, "cannot write '%s'", b->part_path);
    return DA_OK;
}

/* The file is the body that will be sent: requests between the marks of a form. */
static enum da_rc begin_part(struct da_batches *b, struct da_err *err)
{
    char mark[64];
    b->cur = (struct da_ledger_batch){.state = DA_BATCH_INTENT};
    enum da_rc rc = da_ledger_add_batch(b->o.ledger, &b->cur, err);
    if (rc)
        return rc;
    free(b->part_path);
    b->part_path = path_of(b, b->cur.id);
    b->part = fopen(b->part_path, "wb");
    if (!b->part)
        return da_fail_errno(err, DA_EIO, errno, "cannot write '%s'", b->part_path);
    b->part_bytes = 0;
    mark_of(b, b->cur.id, mark);
    da_buf_reset(&b->line);
    da_buf_addf(&b->line,
                "--docassist%s\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
                "--docassist%s\r\nContent-Disposition: form-data; name=\"file\"; "
                "filename=\"docassist-%s.jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n",
                mark, mark, mark);
    return write_part(b, b->line.p, b->line.len, err);
}

static enum da_rc finish_part(struct da_batches *b, struct da_err *err)
{
    char mark[64];
    if (!b->part)
        return DA_OK;
    mark_of(b, b->cur.id, mark);
    da_buf_reset(&b->line);
    da_buf_addf(&b->line, "\r\n--docassist%s--\r\n", mark);
    enum da_rc rc = write_part(b, b->line.p, b->line.len, err);
    if (!rc && (fflush(b->part) != 0 || fsync(fileno(b->part)) != 0))
        rc = da_fail_errno(err, DA_EIO, errno, "cannot write '%s'", b->part_path);
    if (!rc)
        rc = da_io_sync_dir_of(b->part_path, err);
    if (!rc)
        rc = da_ledger_set_batch(b->o.ledger, &b->cur, err);
    if (!rc)
        rc = da_ledger_commit(b->o.ledger, err);
    if (!rc) {
        (void)fclose(b->part);
        b->part = NULL;
    }
    return rc;
}

static void write_line(struct da_batches *b, const struct da_call *call, int64_t try_id)
{
    struct da_buf body;
    struct da_jw w;
    char id[40];
    (void)snprintf(id, sizeof id, "try-%lld", (long long)try_id);
    da_buf_init(&body, 0);
    da_chat_body(call->params, da_span(call->messages.p, call->messages.len), call->max_tokens,
                 NULL, 0, &body);
    da_buf_reset(&b->line);
    da_jw_init(&w, &b->line);
    da_jw_object(&w);
    da_jw_kcstr(&w, "custom_id", id);
    da_jw_kcstr(&w, "method", "POST");
    da_jw_kcstr(&w, "url", "/v1/chat/completions");
    da_jw_key(&w, "body");
    da_jw_raw(&w, body.p, body.len);
    da_jw_end(&w);
    da_buf_add_char(&b->line, '\n');
    da_buf_release(&body);
}

static enum da_rc add_try(struct da_batches *b, const struct da_call *call, int64_t worst,
                          struct da_ledger_try *t, struct da_err *err)
{
    struct da_ledger_request req;
    enum da_rc rc = da_ledger_find(b->o.ledger, &call->key, &req, err);
    if (!rc && req.state == DA_REQUEST_NEW)
        rc = da_ledger_add_request(b->o.ledger, &call->key, call->task, da_span_str(call->item),
                                   call->params->model, &req.id, err);
    *t = (struct da_ledger_try){.request_id = req.id,
                                .started_ms = b->o.clock->unix_ms(b->o.clock->ctx),
                                .endpoint = b->remote.base,
                                .batch = b->cur.id,
                                .variant = call->variant,
                                .max_tokens = call->max_tokens,
                                .cost_pusd = worst};
    return rc ? rc : da_ledger_start_try(b->o.ledger, t, err);
}

enum da_rc da_batches_add(struct da_batches *b, const struct da_call *call, bool *full,
                          struct da_err *err)
{
    struct da_ledger_try t;
    int64_t tokens = call->prompt_tokens + call->max_tokens;
    int64_t worst =
        b->o.price ? da_price_of(b->o.price, call->prompt_tokens, 0, call->max_tokens, true) : 0;
    size_t bytes = call->messages.len + 2048; /* the rest of a line is far below that */
    enum da_rc rc = DA_OK;
    *full = b->live_tokens > 0 && b->live_tokens + tokens > b->o.max_tokens;
    if (b->o.max_pusd > 0 && b->spent_pusd + worst > b->o.max_pusd) {
        da_log_msg(b->o.log, DA_LOG_WARN, "the budget is reached; raise --max-usd to submit more");
        *full = true;
    }
    if (*full)
        return DA_OK;
    if (b->part && (b->cur.n_requests >= b->o.max_requests ||
                    b->part_bytes + bytes + MULTIPART_ROOM > DA_BATCH_MAX_BYTES))
        rc = finish_part(b, err);
    if (!rc && !b->part)
        rc = begin_part(b, err);
    if (!rc)
        rc = add_try(b, call, worst, &t, err);
    if (rc)
        return rc;
    write_line(b, call, t.id);
    b->cur.n_requests++;
    b->cur.n_tokens += tokens;
    b->live_tokens += tokens;
    b->spent_pusd += worst;
    return write_part(b, b->line.p, b->line.len, err);
}

/* --- pushing ------------------------------------------------------------------------- */

enum da_rc da_batches_save(struct da_batches *b, const struct da_ledger_batch *row,
                           struct da_err *err)
{
    enum da_rc rc = da_ledger_set_batch(b->o.ledger, row, err);
    return rc ? rc : da_ledger_commit(b->o.ledger, err);
}

enum da_rc da_batches_void(struct da_batches *b, struct da_ledger_batch *row, const char *why,
                           struct da_err *err)
{
    uint64_t n;
    char *path = path_of(b, row->id);
    if (row->file_id[0])
        (void)da_remote_delete_file(&b->remote, row->file_id, NULL);
    row->state = DA_BATCH_VOID;
    row->file_id[0] = 0;
    (void)snprintf(row->status, sizeof row->status, "%.120s", why);
    enum da_rc rc = da_ledger_void_tries(b->o.ledger, row->id, why, &n, err);
    if (!rc)
        rc = da_batches_save(b, row, err);
    b->live_tokens -= row->n_tokens;
    (void)unlink(path);
    free(path);
    return rc;
}

static enum da_rc upload(struct da_batches *b, struct da_ledger_batch *row, struct da_err *err)
{
    struct da_mapped file;
    char mark[64], name[96], boundary[80];
    char *path = path_of(b, row->id);
    if (!da_io_exists(path)) {
        free(path);
        return da_batches_void(b, row, "its file is gone", err);
    }
    mark_of(b, row->id, mark);
    (void)snprintf(name, sizeof name, "docassist-%s.jsonl", mark);
    (void)snprintf(boundary, sizeof boundary, "docassist%s", mark);
    enum da_rc rc = da_io_map(path, &file, err);
    if (!rc) {
        rc = da_remote_upload(&b->remote, name, boundary, da_span((const char *)file.p, file.len),
                              row->file_id, err);
        da_io_unmap(&file);
    }
    free(path);
    if (rc)
        return rc;
    row->state = DA_BATCH_UPLOADED;
    return da_batches_save(b, row, err);
}

static enum da_rc create(struct da_batches *b, struct da_ledger_batch *row, struct da_err *err)
{
    char mark[64];
    char *path;
    mark_of(b, row->id, mark);
    enum da_rc rc = da_remote_create(&b->remote, row->file_id, mark, row->remote_id, err);
    if (rc == DA_EFORMAT) { /* refused for good: say so, and leave the requests to another part */
        struct da_err ignored;
        (void)da_batches_void(b, row, err->msg, &ignored);
        return rc;
    }
    if (rc)
        return rc;
    row->state = DA_BATCH_CREATED;
    (void)snprintf(row->status, sizeof row->status, "created");
    rc = da_batches_save(b, row, err);
    path = path_of(b, row->id);
    if (!rc)
        (void)unlink(path);
    free(path);
    return rc;
}

static enum da_rc push_one(struct da_batches *b, struct da_ledger_batch *row, void *ctx,
                           struct da_err *err)
{
    enum da_rc rc = DA_OK;
    (void)ctx;
    if (row->state == DA_BATCH_INTENT)
        rc = upload(b, row, err);
    if (!rc && row->state == DA_BATCH_UPLOADED)
        rc = create(b, row, err);
    return rc;
}

enum da_rc da_batches_push(struct da_batches *b, struct da_err *err)
{
    enum da_rc rc = finish_part(b, err);
    return rc ? rc : da_batches_each(b, push_one, NULL, err);
}
