#ifndef INGEST_DEDUP_INDEX_H
#define INGEST_DEDUP_INDEX_H

/*
 * Dedup's temporary index: ids, signatures and band keys of documents, numbered
 * 0, 1, ... in the order they are added. The only user of sqlite3 in ingest/.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/span.h"
#include "text/minhash.h"

enum {
    DA_DEDUP_CHUNK = 4096, /* documents whose keys of one band are read at a time */
    DA_DEDUP_IDS = DA_MINHASH_BANDS, /* the band whose keys are hashes of ids */
    DA_DEDUP_BANDS
};

struct da_dedup_index;

/* Makes a new file at path (one that is there is replaced); close removes it. */
enum da_rc da_dedup_index_create(struct da_dedup_index **ret, const char *path, struct da_err *err);
void da_dedup_index_close(struct da_dedup_index *x); /* NULL allowed */

/* sig NULL: a document without words, which has no near duplicates. path: of its source, may be
 * empty. */
enum da_rc da_dedup_index_add(struct da_dedup_index *x, struct da_span id, struct da_span path,
                              const struct da_minhash *sig, struct da_err *err);
/* Call once after the last add. */
enum da_rc da_dedup_index_finish(struct da_dedup_index *x, struct da_err *err);

uint64_t da_dedup_index_n(const struct da_dedup_index *x);

/* Keys of documents chunk * DA_DEDUP_CHUNK onwards in a band; 0 where there is no signature. */
enum da_rc da_dedup_index_keys(struct da_dedup_index *x, unsigned band, uint64_t chunk,
                               uint64_t keys[DA_DEDUP_CHUNK], size_t *n, struct da_err *err);
enum da_rc da_dedup_index_signature(struct da_dedup_index *x, uint64_t doc, struct da_minhash *sig,
                                    struct da_err *err);
/* Replaces the contents of id and path (NULL: not wanted). */
enum da_rc da_dedup_index_id(struct da_dedup_index *x, uint64_t doc, struct da_buf *id,
                             struct da_buf *path, struct da_err *err);

#endif
