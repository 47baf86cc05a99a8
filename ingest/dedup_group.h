#ifndef INGEST_DEDUP_GROUP_H
#define INGEST_DEDUP_GROUP_H

/*
 * The documents that have one band key in common: which of them are near duplicates. What is found
 * goes into a union-find forest over all documents.
 */

#include <stdint.h>

#include "common/err.h"
#include "ingest/dedup_index.h"

/* parent: [n] the forest; a root is its own parent. The root of i: */
uint32_t da_dedup_find(uint32_t *parent, uint32_t i);
void da_dedup_unite(uint32_t *parent, uint32_t a, uint32_t b);

struct da_dedup_group;

/* index and parent stay the caller's; threshold: resemblance from which two are near. */
struct da_dedup_group *da_dedup_group_new(struct da_dedup_index *index, uint32_t *parent,
                                          double threshold);
void da_dedup_group_free(struct da_dedup_group *g); /* NULL allowed */
/* Signatures compared so far. */
uint64_t da_dedup_group_compared(const struct da_dedup_group *g);
/* Forgets the documents: what follows has another key. */
void da_dedup_group_reset(struct da_dedup_group *g);
/* Compares the document with those before it, and unites it with what is near. */
enum da_rc da_dedup_group_add(struct da_dedup_group *g, uint32_t doc, struct da_err *err);

#endif
