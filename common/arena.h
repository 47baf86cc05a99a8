#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

/*
 * Bump allocator for things that die together (a document, a request).
 * Blocks are 16-byte aligned. Not thread-safe.
 */

#include <stddef.h>

struct da_arena_block;

struct da_arena {
    struct da_arena_block *head; /* newest block; owned */
    size_t used_bytes;           /* sum handed out since the last reset */
};

void da_arena_init(struct da_arena *a);
void da_arena_release(struct da_arena *a);
/* Everything handed out becomes invalid; the largest block is kept for reuse. */
void da_arena_reset(struct da_arena *a);

void *da_arena_alloc(struct da_arena *a, size_t n, size_t size); /* zeroed; aborts when out */
char *da_arena_strndup(struct da_arena *a, const char *p, size_t len);

#endif
