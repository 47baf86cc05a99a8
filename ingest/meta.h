#ifndef INGEST_META_H
#define INGEST_META_H

/*
 * Facts about documents from outside (licence, URL, ...), joined by path. The file is
 * JSON Lines; each row has "path" (relative, as in the records; "./" before it does not count)
 * and any other members, which go into the record's meta.
 */

#include <stddef.h>

#include "common/err.h"
#include "common/json.h"
#include "common/span.h"

struct da_meta;

enum da_rc da_meta_open(struct da_meta **ret, const char *path, struct da_err *err);
void da_meta_close(struct da_meta *m); /* NULL allowed */

/* The row for a path as parsed JSON, owned by the caller; NULL when there is none. */
struct da_json *da_meta_find(const struct da_meta *m, struct da_span path);

/* Says that there is a file of this path; not thread-safe against itself. */
void da_meta_mark(struct da_meta *m, struct da_span path);
/* Rows whose path was never marked, of all n_rows; *first (NULL: none): the path of the first. */
size_t da_meta_unmarked(const struct da_meta *m, size_t *n_rows, const char **first);

/* SHA-256 in hex of the file's rows: they shape the output. */
const char *da_meta_hash(const struct da_meta *m);

#endif
