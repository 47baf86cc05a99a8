/*
 * Rows are only ever appended, in order, and looked up by number: both cheap in a
 * B-tree. Band keys are stored in blobs of 4,096, so that one band of a million
 * documents is 245 rows; hashes of the ids are one more band. Nothing here must
 * survive a crash: no journal, no sync.
 */

#include "ingest/dedup_index.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/hash.h"
#include "common/mem.h"

struct da_dedup_index {
    sqlite3 *db;
    sqlite3_stmt *add_doc, *add_keys, *get_doc, *get_keys;
    char *path;
    uint64_t n;
    uint64_t (*keys)[DA_DEDUP_CHUNK]; /* [bands], of the chunk being filled */
};

static enum da_rc fail(const struct da_dedup_index *x, struct da_err *err)
{
    return da_fail(err, DA_EIO, "index '%s': %s", x->path,
                   x->db ? sqlite3_errmsg(x->db) : "out of memory");
}

static enum da_rc run(struct da_dedup_index *x, const char *sql, struct da_err *err)
{
    return sqlite3_exec(x->db, sql, NULL, NULL, NULL) == SQLITE_OK ? DA_OK : fail(x, err);
}

static enum da_rc prepare(struct da_dedup_index *x, const char *sql, sqlite3_stmt **st,
                          struct da_err *err)
{
    return sqlite3_prepare_v2(x->db, sql, -1, st, NULL) == SQLITE_OK ? DA_OK : fail(x, err);
}

enum da_rc da_dedup_index_create(struct da_dedup_index **ret, const char *path, struct da_err *err)
{
    struct da_dedup_index *x = da_calloc(1, sizeof *x);
    enum da_rc rc;
    x->path = da_strdup(path);
    x->keys = da_calloc(DA_DEDUP_BANDS, sizeof *x->keys);
    (void)unlink(path);
    if (sqlite3_open(path, &x->db) != SQLITE_OK) {
        rc = fail(x, err);
        goto out;
    }
    rc = run(x,
             "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;"
             "PRAGMA page_size=16384; PRAGMA cache_size=-16384;"
             "CREATE TABLE doc(n INTEGER PRIMARY KEY, id TEXT NOT NULL, sig BLOB, path TEXT NOT NULL);"
             "CREATE TABLE key(slot INTEGER PRIMARY KEY, keys BLOB NOT NULL); BEGIN;",
             err);
    if (!rc)
        rc = prepare(x, "INSERT INTO doc VALUES(?,?,?,?)", &x->add_doc, err);
    if (!rc)
        rc = prepare(x, "INSERT INTO key VALUES(?,?)", &x->add_keys, err);
    if (!rc)
        rc = prepare(x, "SELECT id, sig, path FROM doc WHERE n=?", &x->get_doc, err);
    if (!rc)
        rc = prepare(x, "SELECT keys FROM key WHERE slot=?", &x->get_keys, err);
out:
    if (rc)
        da_dedup_index_close(x);
    else
        *ret = x;
    return rc;
}

void da_dedup_index_close(struct da_dedup_index *x)
{
    if (!x)
        return;
    sqlite3_finalize(x->add_doc);
    sqlite3_finalize(x->add_keys);
    sqlite3_finalize(x->get_doc);
    sqlite3_finalize(x->get_keys);
    sqlite3_close(x->db);
    (void)unlink(x->path);
    free(x->keys);
    free(x->path);
    free(x);
}

/* Chunks of all bands stand side by side; a band is read with a stride. */
static sqlite3_int64 slot(unsigned band, uint64_t chunk)
{
    return (sqlite3_int64)(chunk * DA_DEDUP_BANDS + band);
}

static enum da_rc step(struct da_dedup_index *x, sqlite3_stmt *st, struct da_err *err)
{
    int r = sqlite3_step(st);
    enum da_rc rc = r == SQLITE_DONE ? DA_OK : fail(x, err);
    sqlite3_reset(st);
    return rc;
}

static enum da_rc flush(struct da_dedup_index *x, uint64_t chunk, size_t n, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    for (unsigned b = 0; b < DA_DEDUP_BANDS && !rc; b++) {
        sqlite3_bind_int64(x->add_keys, 1, slot(b, chunk));
        sqlite3_bind_blob(x->add_keys, 2, x->keys[b], (int)(n * sizeof x->keys[b][0]),
                          SQLITE_STATIC);
        rc = step(x, x->add_keys, err);
    }
    return rc;
}

enum da_rc da_dedup_index_add(struct da_dedup_index *x, struct da_span id, struct da_span path,
                              const struct da_minhash *sig, struct da_err *err)
{
    size_t at = (size_t)(x->n % DA_DEDUP_CHUNK);
    for (unsigned b = 0; b < DA_MINHASH_BANDS; b++) {
        uint64_t key = sig ? da_minhash_band(sig, b) : 0;
        x->keys[b][at] = sig && key == 0 ? 1 : key;
    }
    uint64_t id_key = da_hash64(id.p, id.len, 0);
    x->keys[DA_DEDUP_IDS][at] = id_key ? id_key : 1;
    sqlite3_bind_int64(x->add_doc, 1, (sqlite3_int64)x->n);
    sqlite3_bind_text(x->add_doc, 2, id.p, (int)id.len, SQLITE_STATIC);
    if (sig)
        sqlite3_bind_blob(x->add_doc, 3, sig->v, sizeof sig->v, SQLITE_STATIC);
    else
        sqlite3_bind_null(x->add_doc, 3);
    sqlite3_bind_text(x->add_doc, 4, path.len ? path.p : "", (int)path.len, SQLITE_STATIC);
    enum da_rc rc = step(x, x->add_doc, err);
    if (rc)
        return rc;
    x->n++;
    return at + 1 == DA_DEDUP_CHUNK ? flush(x, (x->n - 1) / DA_DEDUP_CHUNK, at + 1, err) : DA_OK;
}

enum da_rc da_dedup_index_finish(struct da_dedup_index *x, struct da_err *err)
{
    size_t rest = (size_t)(x->n % DA_DEDUP_CHUNK);
    enum da_rc rc = rest ? flush(x, x->n / DA_DEDUP_CHUNK, rest, err) : DA_OK;
    return rc ? rc : run(x, "COMMIT", err);
}

uint64_t da_dedup_index_n(const struct da_dedup_index *x)
{
    return x->n;
}

enum da_rc da_dedup_index_keys(struct da_dedup_index *x, unsigned band, uint64_t chunk,
                               uint64_t keys[DA_DEDUP_CHUNK], size_t *n, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    sqlite3_bind_int64(x->get_keys, 1, slot(band, chunk));
    if (sqlite3_step(x->get_keys) == SQLITE_ROW) {
        size_t len = (size_t)sqlite3_column_bytes(x->get_keys, 0);
        *n = len / sizeof *keys;
        if (*n > DA_DEDUP_CHUNK)
            rc = da_fail(err, DA_EFORMAT, "index '%s': a row is too long", x->path);
        else
            memcpy(keys, sqlite3_column_blob(x->get_keys, 0), *n * sizeof *keys);
    } else {
        rc = fail(x, err);
    }
    sqlite3_reset(x->get_keys);
    return rc;
}

enum da_rc da_dedup_index_signature(struct da_dedup_index *x, uint64_t doc, struct da_minhash *sig,
                                    struct da_err *err)
{
    enum da_rc rc = DA_OK;
    sqlite3_bind_int64(x->get_doc, 1, (sqlite3_int64)doc);
    if (sqlite3_step(x->get_doc) == SQLITE_ROW &&
        sqlite3_column_bytes(x->get_doc, 1) == (int)sizeof sig->v)
        memcpy(sig->v, sqlite3_column_blob(x->get_doc, 1), sizeof sig->v);
    else
        rc = fail(x, err);
    sqlite3_reset(x->get_doc);
    return rc;
}

static void copy_text(sqlite3_stmt *st, int column, struct da_buf *to)
{
    const unsigned char *text = sqlite3_column_text(st, column);
    da_buf_reset(to);
    da_buf_add(to, text, (size_t)sqlite3_column_bytes(st, column));
}

enum da_rc da_dedup_index_id(struct da_dedup_index *x, uint64_t doc, struct da_buf *id,
                             struct da_buf *path, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    sqlite3_bind_int64(x->get_doc, 1, (sqlite3_int64)doc);
    if (sqlite3_step(x->get_doc) == SQLITE_ROW) {
        copy_text(x->get_doc, 0, id);
        if (path)
            copy_text(x->get_doc, 2, path);
    } else {
        rc = fail(x, err);
    }
    sqlite3_reset(x->get_doc);
    return rc;
}
