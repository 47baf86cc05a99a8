#ifndef COMMON_MEM_H
#define COMMON_MEM_H

/*
 * Allocation. Sizes are checked for overflow everywhere.
 *
 * da_malloc and its kin are for small sizes fixed by the program: when memory
 * is out they print one line and abort, as git does. A size that comes from
 * input is checked against a named limit by the caller and then allocated with
 * da_try_alloc, which returns NULL.
 */

#include <stddef.h>

void *da_malloc(size_t size);                              /* not zeroed */
void *da_calloc(size_t n, size_t size);                    /* zeroed */
void *da_realloc_array(void *p, size_t n, size_t size);    /* p NULL allowed */
void *da_memdup(const void *p, size_t len);                /* len 0 gives a valid block */
char *da_strdup(const char *s);                            /* s not NULL */
char *da_strndup(const char *p, size_t len);               /* len bytes and a NUL */

/* n * size zeroed bytes, or NULL when that overflows or memory is out. */
void *da_try_alloc(size_t n, size_t size);

/* Zeroed block whose address is a multiple of align (a power of two); free with free().
 * NULL when memory is out. */
void *da_try_alloc_aligned(size_t align, size_t size);

/* Next capacity for an array of cap elements that must hold need of them. */
size_t da_grow_cap(size_t cap, size_t need);

/* Makes room for one more element: DA_GROW(a->items, a->n, a->cap). */
#define DA_GROW(ptr, n, cap) DA_GROW_BY(ptr, n, 1, cap)
#define DA_GROW_BY(ptr, n, more, cap)                                                            \
    do {                                                                                         \
        if ((n) + (more) > (cap)) {                                                              \
            (cap) = da_grow_cap((cap), (n) + (more));                                            \
            (ptr) = da_realloc_array((ptr), (cap), sizeof *(ptr));                               \
        }                                                                                        \
    } while (0)

#endif
