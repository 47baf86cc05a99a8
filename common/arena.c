/*
 * Arena: a list of blocks, newest first; allocation bumps within the newest.
 * Under ASan each piece keeps a poisoned gap behind it.
 */

#include "common/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
enum { GAP = 16 };
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
enum { GAP = 0 };
#endif

enum { ALIGN = 16, FIRST_BLOCK = 4096 };

struct da_arena_block {
    struct da_arena_block *next;
    size_t cap, used;
    size_t pad_; /* keeps data 16-byte aligned */
    unsigned char data[];
};

void da_arena_init(struct da_arena *a)
{
    a->head = NULL;
    a->used_bytes = 0;
}

static void free_list(struct da_arena_block *b)
{
    while (b) {
        struct da_arena_block *next = b->next;
        UNPOISON(b->data, b->cap);
        free(b);
        b = next;
    }
}

void da_arena_release(struct da_arena *a)
{
    free_list(a->head);
    da_arena_init(a);
}

void da_arena_reset(struct da_arena *a)
{
    if (!a->head)
        return;
    /* Blocks double, so the newest is the largest unless one huge piece came between. */
    free_list(a->head->next);
    a->head->next = NULL;
    a->head->used = 0;
    POISON(a->head->data, a->head->cap);
    a->used_bytes = 0;
}

static void add_block(struct da_arena *a, size_t need)
{
    size_t cap = a->head ? a->head->cap * 2 : FIRST_BLOCK;
    struct da_arena_block *b;
    if (cap < need)
        cap = need;
    b = da_malloc(sizeof *b + cap);
    b->next = a->head;
    b->cap = cap;
    b->used = 0;
    POISON(b->data, cap);
    a->head = b;
}

void *da_arena_alloc(struct da_arena *a, size_t n, size_t size)
{
    size_t want, total;
    unsigned char *p;
    assert(size == 0 || n <= (SIZE_MAX / 2) / size);
    want = n * size;
    total = (want + ALIGN - 1) / ALIGN * ALIGN + GAP;
    if (!a->head || a->head->cap - a->head->used < total)
        add_block(a, total);
    p = a->head->data + a->head->used;
    a->head->used += total;
    a->used_bytes += want;
    UNPOISON(p, want);
    memset(p, 0, want);
    return p;
}

char *da_arena_strndup(struct da_arena *a, const char *p, size_t len)
{
    char *q = da_arena_alloc(a, len + 1, 1);
    if (len)
        memcpy(q, p, len);
    return q;
}

void *da_arena_resized(struct da_arena *a, const void *p, size_t n, size_t cap, size_t size)
{
    void *q = da_arena_alloc(a, cap, size);
    assert(n <= cap);
    if (n)
        memcpy(q, p, n * size);
    return q;
}
