#ifndef ENGINE_TOKENIZER_MERGE_H
#define ENGINE_TOKENIZER_MERGE_H

/*
 * Merging neighbours, best pair first, leftmost among equals: what byte-pair
 * encoding and SentencePiece's BPE have in common. n symbols take O(n log n).
 */

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define DA_MERGE_NONE UINT32_MAX /* rank of a pair that does not merge */

struct da_merge_node {
    uint32_t prev, next; /* neighbours, by index; the last one's next is n */
    uint32_t start;      /* of the symbol, in bytes */
    uint32_t rank;       /* of the pair with next; lower merges first */
    int32_t id;          /* token, or whatever the caller put in */
    int32_t result;      /* token of the merged pair */
};

struct da_merge_list {
    struct da_merge_node *nodes; /* [cap + 1], the last is a sentinel with the end in start */
    uint64_t *heap;              /* [2 * cap] */
    size_t cap;
};

void da_merge_release(struct da_merge_list *m);
/* Room for n symbols; DA_ENOMEM. */
enum da_rc da_merge_reserve(struct da_merge_list *m, size_t n, struct da_err *err);

/* Sets the rank and result of the pair that stands at nodes a and b (b follows a); the pair's text
 * ends at end. */
typedef void (*da_merge_rank_fn)(const void *ctx, struct da_merge_node *a,
                                 const struct da_merge_node *b, uint32_t end);

/* The caller fills id and start of nodes 0..n-1 and start of node n. Afterwards the symbols are
 * those reached from node 0 by next. */
void da_merge_run(struct da_merge_list *m, size_t n, da_merge_rank_fn rank, const void *ctx);

#endif
