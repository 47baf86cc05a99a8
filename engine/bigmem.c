#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, madvise: not in POSIX, but on every system we know */
#include "engine/bigmem.h"

#include <stdint.h>
#include <sys/mman.h>

static size_t rounded(size_t size)
{
    return (size + DA_BIG_ALIGN - 1) / DA_BIG_ALIGN * DA_BIG_ALIGN;
}

void *da_big_alloc(size_t size)
{
    if (size == 0 || size > SIZE_MAX / 2)
        return NULL;
    const size_t len = rounded(size), more = len + DA_BIG_ALIGN;
    unsigned char *p = mmap(NULL, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    size_t head = (DA_BIG_ALIGN - (uintptr_t)p % DA_BIG_ALIGN) % DA_BIG_ALIGN;
    if (head)
        (void)munmap(p, head);
    if (more - head > len)
        (void)munmap(p + head + len, more - head - len);
#ifdef MADV_HUGEPAGE
    (void)madvise(p + head, len, MADV_HUGEPAGE); /* a wish */
#endif
    return p + head;
}

void da_big_free(void *p, size_t size)
{
    if (p)
        (void)munmap(p, rounded(size));
}

void da_big_forget(const void *p, size_t size)
{
#ifdef MADV_DONTNEED
    const uintptr_t page = 4096; /* a larger page makes the call fail, which is harmless */
    uintptr_t from = ((uintptr_t)p + page - 1) / page * page,
              to = ((uintptr_t)p + size) / page * page;
    if (to > from)
        (void)madvise((void *)from, to - from, MADV_DONTNEED);
#else
    (void)p;
    (void)size;
#endif
}
