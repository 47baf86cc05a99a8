#ifndef API_LEDGER_INTERNAL_H
#define API_LEDGER_INTERNAL_H

/*
 * Prepared statements of the ledger, without SQLite's types: ledger.c runs them, ledger_tries.c,
 * ledger_totals.c and ledger_batches.c say what goes in and comes out. A statement is used as
 *
 *     da_ledger_use, bind ..., then da_ledger_run, or da_ledger_step and columns ... until it is
 *     reset
 */

#include "api/ledger.h"

enum da_ledger_statement {
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
    S_REQUEST_TOTALS,
    S_TRY_TOTALS,
    S_RECENT_MEANS,
    S_CAUSES,
    S_LAST_START,
    S_CLOSE_ORPHANS,
    S_REOPEN_FAILED,
    N_STATEMENTS
};


/* Prepares s; with writes it runs inside a transaction, which is opened if none is. */
enum da_rc da_ledger_use(struct da_ledger *l, enum da_ledger_statement s, bool writes,
                         struct da_err *err);

/* Parameters count from 1. Texts and blobs are borrowed until the statement has run. */
void da_ledger_bind_int(struct da_ledger *l, enum da_ledger_statement s, int i, int64_t v);
void da_ledger_bind_count(struct da_ledger *l, enum da_ledger_statement s, int i,
                          int64_t v /* -1: NULL */);
void da_ledger_bind_text(struct da_ledger *l, enum da_ledger_statement s, int i, struct da_span v);
void da_ledger_bind_str(struct da_ledger *l, enum da_ledger_statement s, int i,
                        const char *v /* NULL: "" */);
void da_ledger_bind_blob(struct da_ledger *l, enum da_ledger_statement s, int i,
                         struct da_span v /* empty: NULL */);

/* Runs a statement that returns no rows. *n_changed (may be NULL): rows it changed. */
enum da_rc da_ledger_run(struct da_ledger *l, enum da_ledger_statement s, uint64_t *n_changed,
                         struct da_err *err);

/* The next row, if any. */
enum da_rc da_ledger_step(struct da_ledger *l, enum da_ledger_statement s, bool *found,
                          struct da_err *err);
void da_ledger_reset(struct da_ledger *l, enum da_ledger_statement s);

/* Columns count from 0; spans live until the next step or reset. */
int64_t da_ledger_int(struct da_ledger *l, enum da_ledger_statement s, int i);
int64_t da_ledger_count(struct da_ledger *l, enum da_ledger_statement s, int i); /* NULL: -1 */
struct da_span da_ledger_text(struct da_ledger *l, enum da_ledger_statement s, int i);
struct da_span da_ledger_blob(struct da_ledger *l, enum da_ledger_statement s, int i);

/* The last inserted row. */
int64_t da_ledger_new_id(struct da_ledger *l);

#endif
