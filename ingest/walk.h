#ifndef INGEST_WALK_H
#define INGEST_WALK_H

/*
 * The files below some paths, in an order that depends on their names only:
 * arguments as given, folders entry by entry in byte order of the names. Memory
 * holds the names of the open folders, not of all files.
 *
 * Taken: regular files, and links to them. In folders, names that begin with a
 * dot and links to folders are passed over.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"

struct da_walk;

struct da_walk_item {
    const char *path; /* to open */
    const char *rel;  /* below the argument it was found under; its name for a file argument */
};

/* paths: not copied, must outlive the walk. DA_ENOTFOUND names the first that does not exist. */
enum da_rc da_walk_open(struct da_walk **ret, const char *const *paths, size_t n,
                        struct da_err *err);
void da_walk_close(struct da_walk *w); /* NULL allowed */

/* The next file, also one that cannot be opened; false at the end. Valid until the next call. */
bool da_walk_next(struct da_walk *w, struct da_walk_item *item);

#endif
