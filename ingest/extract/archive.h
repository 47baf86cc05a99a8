/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INGEST_EXTRACT_ARCHIVE_H
#define INGEST_EXTRACT_ARCHIVE_H

/* Zip containers in memory, with limits against bombs. */

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"

struct da_archive;

/* p stays in use until close. DA_EFORMAT for a damaged directory. */
enum da_rc da_archive_open(struct da_archive **ret, const void *p, size_t len,
                           struct da_err *err);
void da_archive_close(struct da_archive *a); /* NULL allowed */

/*
 * Replaces out by the entry's content. DA_ENOTFOUND when there is none; DA_ELIMIT for an entry
 * that is too large, unpacks to more than 200 times its size, or passes what all entries
 * together may unpack to; DA_EUNSUPPORTED for an encrypted one; DA_EFORMAT for a damaged one.
 */
enum da_rc da_archive_read(struct da_archive *a, const char *name, struct da_buf *out,
                           struct da_err *err);
bool da_archive_has(struct da_archive *a, const char *name);

/* Name of the i-th entry, NULL beyond the last. */
const char *da_archive_name(struct da_archive *a, size_t i);

/* Appends the path that href means when it stands in the entry `from`: relative to its folder,
 * with "..", %XX and a leading slash resolved, without a fragment. */
void da_archive_resolve(const char *from, const char *href, struct da_buf *out);

#endif
