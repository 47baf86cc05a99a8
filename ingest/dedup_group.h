#ifndef INGEST_DEDUP_GROUP_H
#define INGEST_DEDUP_GROUP_H

/*
 * The documents that have one band key in common: which of them are near duplicates. What is found
 * goes into a union-find forest over all documents.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "ingest/dedup_index.h"
#include "text/minhash.h"

/* parent: [n] the forest; a root is its own parent. The root of i: */
uint32_t da_dedup_find(uint32_t *parent, uint32_t i);
void da_dedup_unite(uint32_t *parent, uint32_t a, uint32_t b);

struct da_dedup_member;
struct da_dedup_list;

/* Set index, parent and threshold, the rest to zero. */
struct da_dedup_group {
    struct da_dedup_index *index; /* not owned */
    uint32_t *parent;             /* not owned */
    double threshold;
    uint64_t n_compared; /* signatures compared so far */

    struct da_dedup_member *members; /* [n] */
    size_t n, cap;
    struct da_dedup_list *lists; /* [n_lists] */
    size_t n_lists, lists_cap;
    struct da_minhash *held; /* [n_held] signatures of the first members */
    size_t n_held, held_cap;
    struct da_minhash other; /* the last one read from the index */
};

void da_dedup_group_release(struct da_dedup_group *g);
/* Forgets the documents: what follows has another key. */
void da_dedup_group_reset(struct da_dedup_group *g);
/* Compares the document with those before it, and unites it with what is near. */
enum da_rc da_dedup_group_add(struct da_dedup_group *g, uint32_t doc, struct da_err *err);

#endif
