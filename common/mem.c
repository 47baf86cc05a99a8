/* Allocation: see mem.h. */

#include "common/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/attr.h"

/* The one place a library prints: there is no memory left to report it otherwise. */
static DA_NORETURN void out_of_memory(size_t size)
{
    (void)fprintf(stderr, "docassist: out of memory (%zu bytes)\n", size);
    abort();
}

static bool mul_overflows(size_t n, size_t size)
{
    return size != 0 && n > SIZE_MAX / size;
}

void *da_malloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        out_of_memory(size);
    return p;
}

void *da_calloc(size_t n, size_t size)
{
    void *p;
    if (mul_overflows(n, size))
        out_of_memory(SIZE_MAX);
    p = calloc(n ? n : 1, size ? size : 1);
    if (!p)
        out_of_memory(n * size);
    return p;
}

void *da_realloc_array(void *p, size_t n, size_t size)
{
    void *q;
    if (mul_overflows(n, size))
        out_of_memory(SIZE_MAX);
    q = realloc(p, n && size ? n * size : 1);
    if (!q)
        out_of_memory(n * size);
    return q;
}

void *da_memdup(const void *p, size_t len)
{
    void *q = da_malloc(len);
    if (len)
        memcpy(q, p, len);
    return q;
}

char *da_strdup(const char *s)
{
    return da_strndup(s, strlen(s));
}

char *da_strndup(const char *p, size_t len)
{
    char *q;
    if (len == SIZE_MAX)
        out_of_memory(len);
    q = da_malloc(len + 1);
    if (len)
        memcpy(q, p, len);
    q[len] = 0;
    return q;
}

void *da_try_alloc(size_t n, size_t size)
{
    if (mul_overflows(n, size))
        return NULL;
    return calloc(n ? n : 1, size ? size : 1);
}

void *da_try_alloc_aligned(size_t align, size_t size)
{
    void *p = NULL;
    if (align < sizeof(void *))
        align = sizeof(void *);
    if (posix_memalign(&p, align, size ? size : 1) != 0)
        return NULL;
    memset(p, 0, size);
    return p;
}

size_t da_grow_cap(size_t cap, size_t need)
{
    size_t next = cap < 8 ? 8 : cap + cap / 2;
    if (next < cap || next < need)
        next = need;
    return next;
}
