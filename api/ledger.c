/*
 * The ledger: see the header. The only file that names sqlite3 in api/.
 *
 * Invariants:
 *   1. a transaction is open exactly while `dirty`; commit ends it;
 *   2. one writer at a time holds a lock on PATH-lock for as long as it is open: SQLite's own
 *      lock covers a transaction only, and two runs would ask everything twice;
 *   3. a try row is begun before its request is sent and ended when it is heard of, so a row
 *      without an outcome is money that may have been spent.
 */

#include "api/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"

#define APPLICATION_ID 0x44414c31 /* "DAL1": tells our files from other SQLite files */
#define VERSION 1
#define BUSY_MS 10000

enum statement {
    S_BEGIN,
    S_COMMIT,
    S_FIND,
    S_ADD_REQUEST,
    S_SETTLE,
    S_START_TRY,
    S_END_TRY,
    S_GET_REPLY,
    S_LAST_REPLY,
    S_LAST_NOTE,
    S_SET_FACT,
    S_GET_FACT,
    S_ADD_BATCH,
    S_SET_BATCH,
    S_NEXT_BATCH,
    S_IN_BATCH,
    S_GET_TRY,
    S_VOID_TRIES,
    N_STATEMENTS
};

static const char *const sql_of[N_STATEMENTS] = {
    [S_BEGIN] = "BEGIN IMMEDIATE",
    [S_COMMIT] = "COMMIT",
    [S_FIND] = "SELECT id, state, cause, accepted_try FROM request WHERE key = ?1",
    [S_ADD_REQUEST] = "INSERT INTO request(key, task, item, model, state) VALUES(?1,?2,?3,?4,1)",
    [S_SETTLE] = "UPDATE request SET state = ?2, cause = ?3, accepted_try = ?4 WHERE id = ?1",
    [S_START_TRY] = "INSERT INTO try(request, started_ms, endpoint, batch, variant, max_tokens,"
                    " outcome, cost_pusd) VALUES(?1,?2,?3,?4,?5,?6,0,?7)",
    [S_END_TRY] = "UPDATE try SET outcome=?2, http_status=?3, note=?4, prompt_tokens=?5,"
                  " cached_tokens=?6, completion_tokens=?7, cost_pusd=?8, estimated=?9,"
                  " duration_ms=?10, reply=?11 WHERE id=?1",
    [S_GET_REPLY] = "SELECT id, variant, max_tokens, http_status, prompt_tokens, cached_tokens,"
                    " completion_tokens, cost_pusd, reply, batch FROM try WHERE id = ?1",
    [S_LAST_REPLY] = "SELECT id, variant, max_tokens, http_status, prompt_tokens, cached_tokens,"
                     " completion_tokens, cost_pusd, reply, batch FROM try"
                     " WHERE request = ?1 AND outcome = 1 ORDER BY id DESC LIMIT 1",
    [S_LAST_NOTE] = "SELECT note FROM try WHERE request = ?1 ORDER BY id DESC LIMIT 1",
    [S_SET_FACT] = "INSERT OR REPLACE INTO fact(name, value) VALUES(?1, ?2)",
    [S_GET_FACT] = "SELECT value FROM fact WHERE name = ?1",
    [S_ADD_BATCH] = "INSERT INTO batch(state, n_requests, n_tokens) VALUES(?1, ?2, ?3)",
    [S_SET_BATCH] = "UPDATE batch SET state=?2, n_requests=?3, n_tokens=?4, file_id=?5,"
                    " remote_id=?6, output_id=?7, error_id=?8, status=?9 WHERE id=?1",
    [S_NEXT_BATCH] = "SELECT id, state, n_requests, n_tokens, file_id, remote_id, output_id,"
                     " error_id, status FROM batch WHERE id > ?1 ORDER BY id LIMIT 1",
    [S_IN_BATCH] = "SELECT 1 FROM try WHERE request = ?1 AND batch > 0 AND outcome = 0",
    [S_GET_TRY] = "SELECT id, request, batch, variant, max_tokens, outcome, cost_pusd FROM try"
                  " WHERE id = ?1",
    [S_VOID_TRIES] = "UPDATE try SET outcome = 4, note = ?2, cost_pusd = 0, estimated = 0"
                     " WHERE batch = ?1 AND outcome = 0",
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS request("
    " id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, task TEXT NOT NULL, item TEXT NOT NULL,"
    " model TEXT NOT NULL, state INTEGER NOT NULL, cause TEXT, accepted_try INTEGER);"
    "CREATE TABLE IF NOT EXISTS try("
    " id INTEGER PRIMARY KEY, request INTEGER NOT NULL REFERENCES request(id),"
    " started_ms INTEGER NOT NULL, endpoint TEXT NOT NULL, batch INTEGER NOT NULL,"
    " variant INTEGER NOT NULL, max_tokens INTEGER NOT NULL, outcome INTEGER NOT NULL,"
    " http_status INTEGER, note TEXT, prompt_tokens INTEGER, cached_tokens INTEGER,"
    " completion_tokens INTEGER, cost_pusd INTEGER NOT NULL, estimated INTEGER NOT NULL DEFAULT 1,"
    " duration_ms INTEGER, reply BLOB);"
    "CREATE INDEX IF NOT EXISTS try_request ON try(request);"
    "CREATE INDEX IF NOT EXISTS try_batch ON try(batch) WHERE batch > 0;"
    "CREATE TABLE IF NOT EXISTS batch("
    " id INTEGER PRIMARY KEY, state INTEGER NOT NULL, n_requests INTEGER NOT NULL,"
    " n_tokens INTEGER NOT NULL, file_id TEXT, remote_id TEXT, output_id TEXT, error_id TEXT,"
    " status TEXT);"
    "CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value BLOB NOT NULL);";

struct da_ledger {
    sqlite3 *db;
    sqlite3_stmt *st[N_STATEMENTS];
    char *path;
    int lock_fd; /* -1: readonly */
    bool dirty;
};

static enum da_rc sql_fail(struct da_ledger *l, struct da_err *err)
{
    return da_fail(err, DA_EIO, "ledger '%s': %s", l->path, sqlite3_errmsg(l->db));
}

static enum da_rc exec(struct da_ledger *l, const char *sql, struct da_err *err)
{
    return sqlite3_exec(l->db, sql, NULL, NULL, NULL) == SQLITE_OK ? DA_OK : sql_fail(l, err);
}

static enum da_rc prepare(struct da_ledger *l, enum statement s, struct da_err *err)
{
    if (l->st[s])
        return DA_OK;
    int rc = sqlite3_prepare_v3(l->db, sql_of[s], -1, SQLITE_PREPARE_PERSISTENT, &l->st[s], NULL);
    return rc == SQLITE_OK ? DA_OK : sql_fail(l, err);
}

/* Runs a prepared statement that returns no rows. */
static enum da_rc run(struct da_ledger *l, enum statement s, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    if (sqlite3_step(l->st[s]) != SQLITE_DONE)
        rc = sql_fail(l, err);
    sqlite3_reset(l->st[s]);
    return rc;
}

/* Opens the transaction if none is open, and prepares s. */
static enum da_rc begin(struct da_ledger *l, enum statement s, struct da_err *err)
{
    enum da_rc rc = prepare(l, s, err);
    if (rc || l->dirty)
        return rc;
    rc = prepare(l, S_BEGIN, err);
    if (!rc)
        rc = run(l, S_BEGIN, err);
    if (!rc)
        l->dirty = true;
    return rc;
}

static void bind_text(sqlite3_stmt *st, int i, const char *s)
{
    sqlite3_bind_text(st, i, s ? s : "", -1, SQLITE_STATIC);
}

static void bind_count(sqlite3_stmt *st, int i, int64_t v)
{
    if (v < 0)
        sqlite3_bind_null(st, i);
    else
        sqlite3_bind_int64(st, i, v);
}

static int64_t column_count(sqlite3_stmt *st, int i)
{
    return sqlite3_column_type(st, i) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, i);
}

/* --- opening ------------------------------------------------------------------ */

static enum da_rc take_lock(struct da_ledger *l, struct da_err *err)
{
    struct da_buf name;
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    enum da_rc rc = DA_OK;
    da_buf_init(&name, 0);
    da_buf_addf(&name, "%s-lock", l->path);
    l->lock_fd = open(name.p, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (l->lock_fd < 0)
        rc = da_fail_errno(err, DA_EIO, errno, "ledger '%s'", l->path);
    else if (fcntl(l->lock_fd, F_SETLK, &fl) != 0)
        rc = da_fail(err, DA_EIO, "ledger '%s': another run is using it", l->path);
    da_buf_release(&name);
    return rc;
}

static enum da_rc read_pragma(struct da_ledger *l, const char *sql, int64_t *v, struct da_err *err)
{
    sqlite3_stmt *st = NULL;
    enum da_rc rc = DA_OK;
    if (sqlite3_prepare_v2(l->db, sql, -1, &st, NULL) != SQLITE_OK ||
        sqlite3_step(st) != SQLITE_ROW)
        rc = sql_fail(l, err);
    else
        *v = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return rc;
}

static enum da_rc check_identity(struct da_ledger *l, bool *is_new, struct da_err *err)
{
    int64_t id = 0, version = 0, tables = 0;
    enum da_rc rc = read_pragma(l, "PRAGMA application_id", &id, err);
    if (!rc)
        rc = read_pragma(l, "PRAGMA user_version", &version, err);
    if (!rc)
        rc = read_pragma(l, "SELECT count(*) FROM sqlite_master", &tables, err);
    if (rc)
        return rc;
    *is_new = tables == 0;
    if (tables && id != APPLICATION_ID)
        return da_fail(err, DA_EFORMAT, "ledger '%s': a database of another program", l->path);
    if (tables && version > VERSION)
        return da_fail(err, DA_EFORMAT, "ledger '%s': made by a newer docassist", l->path);
    return DA_OK;
}

static enum da_rc set_up(struct da_ledger *l, struct da_err *err)
{
    char sql[128];
    bool is_new = false;
    enum da_rc rc = check_identity(l, &is_new, err);
    if (!rc)
        rc = exec(l,
                  "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                  " PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384;",
                  err);
    if (!rc && is_new) {
        snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d",
                 APPLICATION_ID, VERSION);
        rc = exec(l, sql, err);
    }
    if (!rc)
        rc = exec(l, schema, err);
    return rc;
}

static enum da_rc open_with(struct da_ledger **ret, const char *path, int flags, struct da_err *err)
{
    struct da_ledger *l = da_calloc(1, sizeof *l);
    enum da_rc rc = DA_OK;
    bool readonly = (flags & SQLITE_OPEN_READONLY) != 0, is_new;
    l->path = da_strdup(path);
    l->lock_fd = -1;
    if (!readonly)
        rc = take_lock(l, err);
    if (!rc && sqlite3_open_v2(path, &l->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        rc = sql_fail(l, err);
    if (!rc) {
        sqlite3_busy_timeout(l->db, BUSY_MS);
        rc = readonly ? check_identity(l, &is_new, err) : set_up(l, err);
    }
    if (rc) {
        da_ledger_close(l);
        return rc;
    }
    *ret = l;
    return DA_OK;
}

enum da_rc da_ledger_open(struct da_ledger **ret, const char *path, struct da_err *err)
{
    return open_with(ret, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
}

enum da_rc da_ledger_open_readonly(struct da_ledger **ret, const char *path, struct da_err *err)
{
    if (access(path, F_OK) != 0)
        return da_fail(err, DA_ENOTFOUND, "ledger '%s': no such file", path);
    return open_with(ret, path, SQLITE_OPEN_READONLY, err);
}

void da_ledger_close(struct da_ledger *l)
{
    if (!l)
        return;
    for (int i = 0; i < N_STATEMENTS; i++)
        sqlite3_finalize(l->st[i]);
    if (l->dirty)
        (void)sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(l->db);
    if (l->lock_fd >= 0)
        close(l->lock_fd);
    free(l->path);
    free(l);
}

/* --- requests and tries ------------------------------------------------------- */

enum da_rc da_ledger_find(struct da_ledger *l, const struct da_ledger_key *key,
                          struct da_ledger_request *r, struct da_err *err)
{
    enum da_rc rc = prepare(l, S_FIND, err);
    if (rc)
        return rc;
    sqlite3_stmt *st = l->st[S_FIND];
    memset(r, 0, sizeof *r);
    sqlite3_bind_blob(st, 1, key->b, sizeof key->b, SQLITE_STATIC);
    int step = sqlite3_step(st);
    if (step == SQLITE_ROW) {
        const unsigned char *cause = sqlite3_column_text(st, 2);
        r->id = sqlite3_column_int64(st, 0);
        r->state = (enum da_request_state)sqlite3_column_int(st, 1);
        snprintf(r->cause, sizeof r->cause, "%s", cause ? (const char *)cause : "");
        r->accepted_try = sqlite3_column_int64(st, 3);
    } else if (step != SQLITE_DONE) {
        rc = sql_fail(l, err);
    }
    sqlite3_reset(st);
    return rc;
}

enum da_rc da_ledger_add_request(struct da_ledger *l, const struct da_ledger_key *key,
                                 const char *task, struct da_span item, const char *model,
                                 int64_t *id, struct da_err *err)
{
    enum da_rc rc = begin(l, S_ADD_REQUEST, err);
    if (rc)
        return rc;
    sqlite3_stmt *st = l->st[S_ADD_REQUEST];
    sqlite3_bind_blob(st, 1, key->b, sizeof key->b, SQLITE_STATIC);
    bind_text(st, 2, task);
    sqlite3_bind_text(st, 3, item.p, (int)item.len, SQLITE_STATIC);
    bind_text(st, 4, model);
    rc = run(l, S_ADD_REQUEST, err);
    if (!rc)
        *id = sqlite3_last_insert_rowid(l->db);
    return rc;
}

enum da_rc da_ledger_settle(struct da_ledger *l, int64_t request_id, enum da_request_state state,
                            const char *cause, int64_t accepted_try, struct da_err *err)
{
    enum da_rc rc = begin(l, S_SETTLE, err);
    if (rc)
        return rc;
    sqlite3_stmt *st = l->st[S_SETTLE];
    sqlite3_bind_int64(st, 1, request_id);
    sqlite3_bind_int(st, 2, (int)state);
    bind_text(st, 3, cause);
    sqlite3_bind_int64(st, 4, accepted_try);
    return run(l, S_SETTLE, err);
}

enum da_rc da_ledger_start_try(struct da_ledger *l, struct da_ledger_try *t, struct da_err *err)
{
    enum da_rc rc = begin(l, S_START_TRY, err);
    if (rc)
        return rc;
    sqlite3_stmt *st = l->st[S_START_TRY];
    sqlite3_bind_int64(st, 1, t->request_id);
    sqlite3_bind_int64(st, 2, t->started_ms);
    bind_text(st, 3, t->endpoint);
    sqlite3_bind_int64(st, 4, t->batch);
    sqlite3_bind_int(st, 5, t->variant);
    sqlite3_bind_int(st, 6, t->max_tokens);
    sqlite3_bind_int64(st, 7, t->cost_pusd); /* the worst case, until it is known */
    rc = run(l, S_START_TRY, err);
    if (!rc)
        t->id = sqlite3_last_insert_rowid(l->db);
    return rc;
}

enum da_rc da_ledger_end_try(struct da_ledger *l, const struct da_ledger_try *t,
                             struct da_span reply, struct da_err *err)
{
    enum da_rc rc = begin(l, S_END_TRY, err);
    if (rc)
        return rc;
    sqlite3_stmt *st = l->st[S_END_TRY];
    sqlite3_bind_int64(st, 1, t->id);
    sqlite3_bind_int(st, 2, (int)t->outcome);
    sqlite3_bind_int(st, 3, t->http_status);
    bind_text(st, 4, t->note);
    bind_count(st, 5, t->prompt_tokens);
    bind_count(st, 6, t->cached_tokens);
    bind_count(st, 7, t->completion_tokens);
    sqlite3_bind_int64(st, 8, t->cost_pusd);
    sqlite3_bind_int(st, 9, t->cost_estimated);
    sqlite3_bind_int64(st, 10, t->duration_ms);
    if (reply.len)
        sqlite3_bind_blob64(st, 11, reply.p, reply.len, SQLITE_STATIC);
    else
        sqlite3_bind_null(st, 11);
    return run(l, S_END_TRY, err);
}

enum da_rc da_ledger_get_reply(struct da_ledger *l, int64_t request_id, int64_t try_id,
                               struct da_ledger_try *t, struct da_buf *body, struct da_err *err)
{
    enum statement s = try_id ? S_GET_REPLY : S_LAST_REPLY;
    enum da_rc rc = prepare(l, s, err);
    if (rc)
        return rc;
    sqlite3_stmt *st = l->st[s];
    memset(t, 0, sizeof *t);
    sqlite3_bind_int64(st, 1, try_id ? try_id : request_id);
    int step = sqlite3_step(st);
    if (step == SQLITE_ROW) {
        t->id = sqlite3_column_int64(st, 0);
        t->request_id = request_id;
        t->variant = sqlite3_column_int(st, 1);
        t->max_tokens = sqlite3_column_int(st, 2);
        t->outcome = DA_OUTCOME_REPLY;
        t->http_status = sqlite3_column_int(st, 3);
        t->prompt_tokens = column_count(st, 4);
        t->cached_tokens = column_count(st, 5);
        t->completion_tokens = column_count(st, 6);
        t->cost_pusd = sqlite3_column_int64(st, 7);
        const void *p = sqlite3_column_blob(st, 8);
        if (p)
            da_buf_add(body, p, (size_t)sqlite3_column_bytes(st, 8));
        t->batch = sqlite3_column_int64(st, 9);
    } else if (step != SQLITE_DONE) {
        rc = sql_fail(l, err);
    }
    sqlite3_reset(st);
    return rc;
}

enum da_rc da_ledger_last_note(struct da_ledger *l, int64_t request_id, struct da_buf *note,
                               struct da_err *err)
{
    enum da_rc rc = prepare(l, S_LAST_NOTE, err);
    if (rc)
        return rc;
    sqlite3_stmt *st = l->st[S_LAST_NOTE];
    sqlite3_bind_int64(st, 1, request_id);
    int step = sqlite3_step(st);
    if (step == SQLITE_ROW && sqlite3_column_text(st, 0))
        da_buf_add_str(note, (const char *)sqlite3_column_text(st, 0));
    else if (step != SQLITE_ROW && step != SQLITE_DONE)
        rc = sql_fail(l, err);
    sqlite3_reset(st);
    return rc;
}

enum da_rc da_ledger_commit(struct da_ledger *l, struct da_err *err)
{
    if (!l->dirty)
        return DA_OK;
    enum da_rc rc = prepare(l, S_COMMIT, err);
    if (!rc)
        rc = run(l, S_COMMIT, err);
    if (!rc)
        l->dirty = false;
    return rc;
}

bool da_ledger_is_dirty(const struct da_ledger *l)
{
    return l->dirty;
}

/* Runs an UPDATE in a transaction of its own and says how many rows it changed. */
static enum da_rc update_all(struct da_ledger *l, const char *sql, uint64_t *n, struct da_err *err)
{
    enum da_rc rc = exec(l, sql, err);
    if (!rc)
        *n = (uint64_t)sqlite3_changes(l->db);
    return rc;
}

enum da_rc da_ledger_close_orphans(struct da_ledger *l, uint64_t *n, struct da_err *err)
{
    return update_all(l,
                      "UPDATE try SET outcome = 3, note = 'killed' WHERE outcome = 0"
                      " AND batch = 0",
                      n, err);
}

enum da_rc da_ledger_reopen_failed(struct da_ledger *l, uint64_t *n, struct da_err *err)
{
    return update_all(l,
                      "UPDATE request SET state = 1, cause = 'reopened', accepted_try ="
                      " (SELECT max(id) FROM try WHERE try.request = request.id)"
                      " WHERE state = 3",
                      n, err);
}

/* --- looking ------------------------------------------------------------------ */

static enum da_rc query_row(struct da_ledger *l, const char *sql, int64_t *out, int n,
                            struct da_err *err)
{
    sqlite3_stmt *st = NULL;
    enum da_rc rc = DA_OK;
    if (sqlite3_prepare_v2(l->db, sql, -1, &st, NULL) != SQLITE_OK ||
        sqlite3_step(st) != SQLITE_ROW)
        rc = sql_fail(l, err);
    for (int i = 0; !rc && i < n; i++)
        out[i] = sqlite3_column_int64(st, i);
    sqlite3_finalize(st);
    return rc;
}

enum da_rc da_ledger_last_start(struct da_ledger *l, int64_t *unix_ms, struct da_err *err)
{
    return query_row(l,
                     "SELECT coalesce((SELECT started_ms FROM try ORDER BY id DESC LIMIT 1), 0)",
                     unix_ms, 1, err);
}

enum da_rc da_ledger_totals(struct da_ledger *l, struct da_ledger_totals *t, struct da_err *err)
{
    int64_t r[4], y[15];
    enum da_rc rc = query_row(l,
                              "SELECT count(*), total(state=2), total(state=3), total(state=1)"
                              " FROM request",
                              r, 4, err);
    if (!rc)
        rc = query_row(l,
                       "SELECT count(*), total(outcome=1), total(outcome=2), total(outcome=3),"
                       " total(outcome=4), total(outcome=0), coalesce(sum(prompt_tokens),0),"
                       " coalesce(sum(cached_tokens),0), coalesce(sum(completion_tokens),0),"
                       " count(prompt_tokens), coalesce(sum(cost_pusd),0),"
                       " coalesce(sum(cost_pusd*estimated),0), coalesce(min(started_ms),0),"
                       " coalesce(max(started_ms),0), coalesce((SELECT count(*) FROM try WHERE"
                       " outcome=1 AND started_ms > (SELECT max(started_ms) FROM try)-60000),0)"
                       " FROM try",
                       y, 15, err);
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

enum da_rc da_ledger_recent_means(struct da_ledger *l, unsigned n, struct da_ledger_means *m,
                                  struct da_err *err)
{
    char sql[320];
    int64_t v[4];
    snprintf(sql, sizeof sql,
             "SELECT count(*), coalesce(sum(prompt_tokens),0), coalesce(sum(cached_tokens),0),"
             " coalesce(sum(completion_tokens),0) FROM (SELECT * FROM try WHERE outcome = 1 AND"
             " prompt_tokens IS NOT NULL ORDER BY id DESC LIMIT %u)",
             n);
    enum da_rc rc = query_row(l, sql, v, 4, err);
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
    static const char sql[] = "SELECT coalesce(cause,''), count(*) FROM request WHERE state = 3"
                              " GROUP BY cause ORDER BY count(*) DESC, cause";
    sqlite3_stmt *st = NULL;
    int step = SQLITE_DONE;
    enum da_rc rc = DA_OK;
    if (sqlite3_prepare_v2(l->db, sql, -1, &st, NULL) != SQLITE_OK)
        rc = sql_fail(l, err);
    while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW)
        fn(ctx, (const char *)sqlite3_column_text(st, 0), (uint64_t)sqlite3_column_int64(st, 1));
    if (!rc && step != SQLITE_DONE)
        rc = sql_fail(l, err);
    sqlite3_finalize(st);
    return rc;
}

enum da_rc da_ledger_set_fact(struct da_ledger *l, const char *name, struct da_span value,
                              struct da_err *err)
{
    enum da_rc rc = begin(l, S_SET_FACT, err);
    if (rc)
        return rc;
    bind_text(l->st[S_SET_FACT], 1, name);
    sqlite3_bind_blob64(l->st[S_SET_FACT], 2, value.p, value.len, SQLITE_STATIC);
    return run(l, S_SET_FACT, err);
}

enum da_rc da_ledger_get_fact(struct da_ledger *l, const char *name, struct da_buf *value,
                              struct da_err *err)
{
    enum da_rc rc = prepare(l, S_GET_FACT, err);
    if (rc)
        return rc;
    sqlite3_stmt *st = l->st[S_GET_FACT];
    bind_text(st, 1, name);
    int step = sqlite3_step(st);
    if (step == SQLITE_ROW)
        da_buf_add(value, sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0));
    else if (step != SQLITE_DONE)
        rc = sql_fail(l, err);
    sqlite3_reset(st);
    return rc;
}

/* --- batches ------------------------------------------------------------------ */

static void copy_column(sqlite3_stmt *st, int i, char out[DA_LEDGER_ID_MAX])
{
    const unsigned char *s = sqlite3_column_text(st, i);
    snprintf(out, DA_LEDGER_ID_MAX, "%s", s ? (const char *)s : "");
}

enum da_rc da_ledger_add_batch(struct da_ledger *l, struct da_ledger_batch *b, struct da_err *err)
{
    enum da_rc rc = begin(l, S_ADD_BATCH, err);
    if (rc)
        return rc;
    sqlite3_bind_int(l->st[S_ADD_BATCH], 1, (int)b->state);
    sqlite3_bind_int64(l->st[S_ADD_BATCH], 2, b->n_requests);
    sqlite3_bind_int64(l->st[S_ADD_BATCH], 3, b->n_tokens);
    rc = run(l, S_ADD_BATCH, err);
    if (!rc)
        b->id = sqlite3_last_insert_rowid(l->db);
    return rc;
}

enum da_rc da_ledger_set_batch(struct da_ledger *l, const struct da_ledger_batch *b,
                               struct da_err *err)
{
    enum da_rc rc = begin(l, S_SET_BATCH, err);
    if (rc)
        return rc;
    sqlite3_stmt *st = l->st[S_SET_BATCH];
    sqlite3_bind_int64(st, 1, b->id);
    sqlite3_bind_int(st, 2, (int)b->state);
    sqlite3_bind_int64(st, 3, b->n_requests);
    sqlite3_bind_int64(st, 4, b->n_tokens);
    bind_text(st, 5, b->file_id);
    bind_text(st, 6, b->remote_id);
    bind_text(st, 7, b->output_id);
    bind_text(st, 8, b->error_id);
    bind_text(st, 9, b->status);
    return run(l, S_SET_BATCH, err);
}

enum da_rc da_ledger_next_batch(struct da_ledger *l, int64_t after, struct da_ledger_batch *b,
                                struct da_err *err)
{
    enum da_rc rc = prepare(l, S_NEXT_BATCH, err);
    if (rc)
        return rc;
    sqlite3_stmt *st = l->st[S_NEXT_BATCH];
    memset(b, 0, sizeof *b);
    sqlite3_bind_int64(st, 1, after);
    int step = sqlite3_step(st);
    if (step == SQLITE_ROW) {
        b->id = sqlite3_column_int64(st, 0);
        b->state = (enum da_batch_state)sqlite3_column_int(st, 1);
        b->n_requests = sqlite3_column_int64(st, 2);
        b->n_tokens = sqlite3_column_int64(st, 3);
        copy_column(st, 4, b->file_id);
        copy_column(st, 5, b->remote_id);
        copy_column(st, 6, b->output_id);
        copy_column(st, 7, b->error_id);
        copy_column(st, 8, b->status);
    } else if (step != SQLITE_DONE) {
        rc = sql_fail(l, err);
    }
    sqlite3_reset(st);
    return rc;
}

enum da_rc da_ledger_in_batch(struct da_ledger *l, int64_t request_id, bool *waits,
                              struct da_err *err)
{
    enum da_rc rc = prepare(l, S_IN_BATCH, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(l->st[S_IN_BATCH], 1, request_id);
    int step = sqlite3_step(l->st[S_IN_BATCH]);
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        rc = sql_fail(l, err);
    else
        *waits = step == SQLITE_ROW;
    sqlite3_reset(l->st[S_IN_BATCH]);
    return rc;
}

enum da_rc da_ledger_get_try(struct da_ledger *l, int64_t try_id, struct da_ledger_try *t,
                             struct da_err *err)
{
    enum da_rc rc = prepare(l, S_GET_TRY, err);
    if (rc)
        return rc;
    sqlite3_stmt *st = l->st[S_GET_TRY];
    memset(t, 0, sizeof *t);
    sqlite3_bind_int64(st, 1, try_id);
    int step = sqlite3_step(st);
    if (step == SQLITE_ROW) {
        t->id = sqlite3_column_int64(st, 0);
        t->request_id = sqlite3_column_int64(st, 1);
        t->batch = sqlite3_column_int64(st, 2);
        t->variant = sqlite3_column_int(st, 3);
        t->max_tokens = sqlite3_column_int(st, 4);
        t->outcome = (enum da_try_outcome)sqlite3_column_int(st, 5);
        t->cost_pusd = sqlite3_column_int64(st, 6);
    } else if (step != SQLITE_DONE) {
        rc = sql_fail(l, err);
    }
    sqlite3_reset(st);
    return rc;
}

enum da_rc da_ledger_void_tries(struct da_ledger *l, int64_t batch, const char *note, uint64_t *n,
                                struct da_err *err)
{
    enum da_rc rc = begin(l, S_VOID_TRIES, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(l->st[S_VOID_TRIES], 1, batch);
    bind_text(l->st[S_VOID_TRIES], 2, note);
    rc = run(l, S_VOID_TRIES, err);
    if (!rc)
        *n = (uint64_t)sqlite3_changes(l->db);
    return rc;
}
