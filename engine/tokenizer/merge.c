/*
 * A doubly linked list of symbols and a binary heap of (rank, position). Heap
 * entries are never removed early: one is stale when its node's rank has changed
 * since. A merge pops one entry and pushes at most two, so 2n entries suffice.
 */

#include "engine/tokenizer/merge.h"

#include <stdlib.h>

#include "common/mem.h"

void da_merge_release(struct da_merge_list *m)
{
    free(m->nodes);
    free(m->heap);
    m->nodes = NULL;
    m->heap = NULL;
    m->cap = 0;
}

enum da_rc da_merge_reserve(struct da_merge_list *m, size_t n, struct da_err *err)
{
    if (n <= m->cap)
        return DA_OK;
    da_merge_release(m);
    size_t cap = n < 256 ? 256 : n;
    m->nodes = da_try_alloc(cap + 1, sizeof *m->nodes);
    m->heap = da_try_alloc(cap, 2 * sizeof *m->heap);
    if (!m->nodes || !m->heap) {
        da_merge_release(m);
        return da_fail(err, DA_ENOMEM, "no memory to tokenize a piece of %zu symbols", n);
    }
    m->cap = cap;
    return DA_OK;
}

static void sift_down(uint64_t *heap, size_t n, size_t i)
{
    uint64_t v = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= v)
            break;
        heap[i] = heap[child];
    }
    heap[i] = v;
}

static void push(uint64_t *heap, size_t *n, uint64_t v)
{
    size_t i = (*n)++;
    while (i > 0 && heap[(i - 1) / 2] > v) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = v;
}

static uint64_t entry(uint32_t rank, size_t at)
{
    return (uint64_t)rank << 32 | (uint32_t)at;
}

void da_merge_run(struct da_merge_list *m, size_t n, da_merge_rank_fn rank, const void *ctx)
{
    struct da_merge_node *node = m->nodes;
    uint64_t *heap = m->heap;
    size_t n_heap = 0;
    for (size_t i = 0; i < n; i++) {
        node[i].prev = (uint32_t)i - 1; /* of the first: never followed */
        node[i].next = (uint32_t)i + 1;
        node[i].rank = DA_MERGE_NONE;
        if (i + 1 < n)
            rank(ctx, &node[i], &node[i + 1], node[i + 2].start);
        if (node[i].rank != DA_MERGE_NONE)
            heap[n_heap++] = entry(node[i].rank, i);
    }
    for (size_t i = n_heap / 2; i-- > 0;)
        sift_down(heap, n_heap, i);

    while (n_heap > 0) {
        uint64_t top = heap[0];
        uint32_t at = (uint32_t)top;
        heap[0] = heap[--n_heap];
        if (n_heap > 0)
            sift_down(heap, n_heap, 0);
        if (node[at].rank != (uint32_t)(top >> 32))
            continue;
        struct da_merge_node *a = &node[at], *b = &node[a->next];
        a->id = a->result;
        a->next = b->next;
        b->rank = DA_MERGE_NONE;
        a->rank = DA_MERGE_NONE;
        if (a->next < n) {
            node[a->next].prev = at;
            rank(ctx, a, &node[a->next], node[node[a->next].next].start);
            if (a->rank != DA_MERGE_NONE)
                push(heap, &n_heap, entry(a->rank, at));
        }
        if (at > 0) {
            struct da_merge_node *before = &node[a->prev];
            before->rank = DA_MERGE_NONE;
            rank(ctx, before, a, node[a->next].start);
            if (before->rank != DA_MERGE_NONE)
                push(heap, &n_heap, entry(before->rank, a->prev));
        }
    }
}
