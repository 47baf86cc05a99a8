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

/* A zeroed array of cap elements that begins with a copy of p's n; p stays as it is. */
void *da_arena_resized(struct da_arena *a, const void *p, size_t n, size_t cap, size_t size);
/* Makes room for one more element: DA_ARENA_GROW(a, v->items, v->n, v->cap). */
#define DA_ARENA_GROW(a, ptr, n, cap)                                                            \
    do {                                                                                         \
        if ((n) == (cap)) {                                                                      \
            (cap) = (cap) ? 2 * (cap) : 4;                                                       \
            (ptr) = da_arena_resized((a), (ptr), (n), (cap), sizeof *(ptr));                     \
        }                                                                                        \
    } while (0)

#endif
