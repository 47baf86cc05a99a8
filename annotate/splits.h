#ifndef ANNOTATE_SPLITS_H
#define ANNOTATE_SPLITS_H

/*
 * Which split a document belongs to. Near duplicates go together: the split is
 * drawn by hash of the cluster's name, so it depends on nothing else in the
 * corpus. Earlier assignments are kept: a new document goes with the oldest
 * member of its cluster; one whose cluster's earlier members stand in different
 * splits belongs to none.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/span.h"

enum da_split { DA_SPLIT_TRAIN, DA_SPLIT_VALIDATION, DA_SPLIT_TEST, DA_N_SPLITS, DA_SPLIT_NONE };

const char *da_splits_name(enum da_split s); /* "train", "validation", "test" */

struct da_splits;

struct da_splits_opts {
    double percent[DA_N_SPLITS]; /* sum to 100 */
    uint64_t seed;
};

/* "95/2.5/2.5": three numbers from 0 to 100 that sum to 100. */
enum da_rc da_splits_parse(const char *text, double percent[DA_N_SPLITS], struct da_err *err);

struct da_splits *da_splits_new(const struct da_splits_opts *o);
void da_splits_free(struct da_splits *s); /* NULL allowed */

/* Takes over the assignments of an earlier splits.tsv. Before the first add. */
enum da_rc da_splits_load(struct da_splits *s, const char *path, struct da_err *err);

/* Makes a document known. cluster empty: it is a cluster of its own. An id may be added once. */
enum da_rc da_splits_add(struct da_splits *s, struct da_span id, struct da_span cluster,
                         struct da_err *err);
/* After the last add: the split of a document that was added; DA_SPLIT_NONE when it bridges two. */
enum da_split da_splits_of(const struct da_splits *s, struct da_span id);

/* Takes a document out of the table (it is exported nowhere). */
void da_splits_leave_out(struct da_splits *s, struct da_span id);

/* Appends splits.tsv: a header line, earlier rows in their order, then new ones in theirs. */
void da_splits_write(const struct da_splits *s, struct da_buf *out);

#endif
