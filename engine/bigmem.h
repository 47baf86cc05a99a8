#ifndef ENGINE_BIGMEM_H
#define ENGINE_BIGMEM_H

/* Large blocks: weights, keys and values. Zeroed, given by the system when first written, on large
 * pages where it offers them, because streaming through 4 KiB pages costs a third of the speed. */

#include <stddef.h>

enum { DA_BIG_ALIGN = 1 << 21 };

void *da_big_alloc(size_t size);        /* NULL when memory is out; aligned to DA_BIG_ALIGN */
void da_big_free(void *p, size_t size); /* NULL allowed; size as given to da_big_alloc */

/* Whole pages within [p, p + size) of a mapped file need not stay in memory: they come back from
 * the file when they are read again. */
void da_big_forget(const void *p, size_t size);

#endif
