/*
 * The ledger's file, transactions and statements: see the header. The only file that names
 * sqlite3 in api/.
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

#include "api/ledger_internal.h"
#include "common/mem.h"

#define APPLICATION_ID 0x44414c31 /* "DAL1": tells our files from other SQLite files */
#define VERSION 1
#define BUSY_MS 10000

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
    [S_REQUEST_TOTALS] = "SELECT count(*), total(state=2), total(state=3), total(state=1)"
                         " FROM request",
    [S_TRY_TOTALS] = "SELECT count(*), total(outcome=1), total(outcome=2), total(outcome=3),"
                     " total(outcome=4), total(outcome=0), coalesce(sum(prompt_tokens),0),"
                     " coalesce(sum(cached_tokens),0), coalesce(sum(completion_tokens),0),"
                     " count(prompt_tokens), coalesce(sum(cost_pusd),0),"
                     " coalesce(sum(cost_pusd*estimated),0), coalesce(min(started_ms),0),"
                     " coalesce(max(started_ms),0), coalesce((SELECT count(*) FROM try WHERE"
                     " outcome=1 AND started_ms > (SELECT max(started_ms) FROM try)-60000),0)"
                     " FROM try",
    [S_RECENT_MEANS] = "SELECT count(*), coalesce(sum(prompt_tokens),0),"
                       " coalesce(sum(cached_tokens),0), coalesce(sum(completion_tokens),0)"
                       " FROM (SELECT try.* FROM try JOIN request ON request.id = try.request"
                       " WHERE outcome = 1 AND prompt_tokens IS NOT NULL AND task = ?2"
                       " ORDER BY try.id DESC LIMIT ?1)",
    [S_CAUSES] = "SELECT coalesce(cause,''), count(*) FROM request WHERE state = 3"
                 " GROUP BY cause ORDER BY count(*) DESC, cause",
    [S_LAST_START] = "SELECT started_ms FROM try ORDER BY id DESC LIMIT 1",
    [S_CLOSE_ORPHANS] = "UPDATE try SET outcome = 3, note = 'killed' WHERE outcome = 0"
                        " AND batch = 0",
    [S_REOPEN_FAILED] = "UPDATE request SET state = 1, cause = 'reopened', accepted_try ="
                        " (SELECT max(id) FROM try WHERE try.request = request.id)"
                        " WHERE state = 3",
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

/* --- statements ---------------------------------------------------------------- */

static enum da_rc prepare(struct da_ledger *l, enum da_ledger_statement s, struct da_err *err)
{
    if (l->st[s])
        return DA_OK;
    int rc = sqlite3_prepare_v3(l->db, sql_of[s], -1, SQLITE_PREPARE_PERSISTENT, &l->st[s], NULL);
    return rc == SQLITE_OK ? DA_OK : sql_fail(l, err);
}

enum da_rc da_ledger_use(struct da_ledger *l, enum da_ledger_statement s, bool writes,
                         struct da_err *err)
{
    enum da_rc rc = prepare(l, s, err);
    if (rc || !writes || l->dirty)
        return rc;
    rc = prepare(l, S_BEGIN, err);
    if (!rc)
        rc = da_ledger_run(l, S_BEGIN, NULL, err);
    if (!rc)
        l->dirty = true;
    return rc;
}

void da_ledger_bind_int(struct da_ledger *l, enum da_ledger_statement s, int i, int64_t v)
{
    sqlite3_bind_int64(l->st[s], i, v);
}

void da_ledger_bind_count(struct da_ledger *l, enum da_ledger_statement s, int i, int64_t v)
{
    if (v < 0)
        sqlite3_bind_null(l->st[s], i);
    else
        sqlite3_bind_int64(l->st[s], i, v);
}

void da_ledger_bind_text(struct da_ledger *l, enum da_ledger_statement s, int i, struct da_span v)
{
    sqlite3_bind_text64(l->st[s], i, v.p, v.len, SQLITE_STATIC, SQLITE_UTF8);
}

void da_ledger_bind_str(struct da_ledger *l, enum da_ledger_statement s, int i, const char *v)
{
    sqlite3_bind_text(l->st[s], i, v ? v : "", -1, SQLITE_STATIC);
}

void da_ledger_bind_blob(struct da_ledger *l, enum da_ledger_statement s, int i, struct da_span v)
{
    if (v.len)
        sqlite3_bind_blob64(l->st[s], i, v.p, v.len, SQLITE_STATIC);
    else
        sqlite3_bind_null(l->st[s], i);
}

enum da_rc da_ledger_run(struct da_ledger *l, enum da_ledger_statement s, uint64_t *n_changed,
                         struct da_err *err)
{
    enum da_rc rc = DA_OK;
    if (sqlite3_step(l->st[s]) != SQLITE_DONE)
        rc = sql_fail(l, err);
    else if (n_changed)
        *n_changed = (uint64_t)sqlite3_changes(l->db);
    sqlite3_reset(l->st[s]);
    return rc;
}

enum da_rc da_ledger_step(struct da_ledger *l, enum da_ledger_statement s, bool *found,
                          struct da_err *err)
{
    int step = sqlite3_step(l->st[s]);
    *found = step == SQLITE_ROW;
    if (step == SQLITE_ROW)
        return DA_OK;
    enum da_rc rc = step == SQLITE_DONE ? DA_OK : sql_fail(l, err);
    sqlite3_reset(l->st[s]);
    return rc;
}

void da_ledger_reset(struct da_ledger *l, enum da_ledger_statement s)
{
    sqlite3_reset(l->st[s]);
}

int64_t da_ledger_int(struct da_ledger *l, enum da_ledger_statement s, int i)
{
    return sqlite3_column_int64(l->st[s], i);
}

int64_t da_ledger_count(struct da_ledger *l, enum da_ledger_statement s, int i)
{
    return sqlite3_column_type(l->st[s], i) == SQLITE_NULL ? -1 : da_ledger_int(l, s, i);
}

struct da_span da_ledger_text(struct da_ledger *l, enum da_ledger_statement s, int i)
{
    const unsigned char *p = sqlite3_column_text(l->st[s], i);
    return p ? da_span((const char *)p, (size_t)sqlite3_column_bytes(l->st[s], i)) : da_span("", 0);
}

struct da_span da_ledger_blob(struct da_ledger *l, enum da_ledger_statement s, int i)
{
    const void *p = sqlite3_column_blob(l->st[s], i);
    return p ? da_span(p, (size_t)sqlite3_column_bytes(l->st[s], i)) : da_span("", 0);
}

int64_t da_ledger_new_id(struct da_ledger *l)
{
    return sqlite3_last_insert_rowid(l->db);
}

enum da_rc da_ledger_commit(struct da_ledger *l, struct da_err *err)
{
    if (!l->dirty)
        return DA_OK;
    enum da_rc rc = prepare(l, S_COMMIT, err);
    if (!rc)
        rc = da_ledger_run(l, S_COMMIT, NULL, err);
    if (!rc)
        l->dirty = false;
    return rc;
}

bool da_ledger_is_dirty(const struct da_ledger *l)
{
    return l->dirty;
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
