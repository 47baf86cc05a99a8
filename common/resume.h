#ifndef COMMON_RESUME_H
#define COMMON_RESUME_H

/*
 * Outputs of long work that survive kill -9 (DESIGN.md 5.4).
 *
 * While the work runs each output NAME grows as NAME.partial, and the first one
 * has a journal NAME.journal: a header line with the hash of all options that
 * shape the result, then one line per finished input: its key, a note, and how
 * long each output was after it. Invariants:
 *   1. bytes reach the outputs before the journal line that counts them;
 *   2. after a crash, journal lines whose lengths exceed the files are ignored,
 *      and the files are cut to the last line that remains;
 *   3. inputs come in the same order every time, so the journal is read in step
 *      with them and memory stays flat.
 * Finishing syncs, renames every output into place and removes the journal.
 * An output named "-" is stdout: written straight through, never resumed.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/span.h"

enum { DA_RESUME_MAX_OUTPUTS = 3, DA_RESUME_MAX_KEY = 4096, DA_RESUME_MAX_NOTE = 64 };

struct da_resume;

struct da_resume_opts {
    const char *paths[DA_RESUME_MAX_OUTPUTS]; /* NULL: this output is off (not the first) */
    const char *options_hash;                 /* hex, of everything that shapes the outputs */
    bool restart;                             /* throw away what an earlier run left */
    unsigned sync_every_ms;                   /* 0: 1000 */
};

/* DA_EMISMATCH when an earlier run left partial outputs made with other options. */
enum da_rc da_resume_open(struct da_resume **ret, const struct da_resume_opts *opts,
                          struct da_err *err);

/*
 * Tells whether the next input was finished by an earlier run. Call once per
 * input, in order. When *done, its bytes are in the outputs already and note
 * (size DA_RESUME_MAX_NOTE) is what da_resume_commit was given. DA_EMISMATCH
 * when the journal names another input here: the inputs changed.
 */
enum da_rc da_resume_next(struct da_resume *r, struct da_span key, bool *done,
                          char note[DA_RESUME_MAX_NOTE], struct da_err *err);

/* Adds bytes to output i; nothing happens when that output is off. */
enum da_rc da_resume_write(struct da_resume *r, unsigned i, const void *p, size_t len,
                           struct da_err *err);
/* Everything written since the last commit belongs to this input, which is finished. */
enum da_rc da_resume_commit(struct da_resume *r, struct da_span key, const char *note,
                            struct da_err *err);

/* Syncs and renames into place; r is closed. */
enum da_rc da_resume_finish(struct da_resume *r, struct da_err *err);
/* Leaves the partial outputs for a later run; r is closed. NULL allowed. */
void da_resume_close(struct da_resume *r);

#endif
