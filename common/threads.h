#ifndef COMMON_THREADS_H
#define COMMON_THREADS_H

/* Threads for work that falls into independent items. The engine has its own pool. */

#include <stddef.h>

enum { DA_THREADS_MAX = 256 };

/* Processors this process may run on, at least 1. */
unsigned da_threads_available(void);

/* Called once per item; worker is 0..n_threads-1, for per-thread scratch. */
typedef void (*da_parallel_fn)(void *ctx, size_t item, unsigned worker);

/* Runs fn for items 0..n-1, each once, in any order; returns when all are done.
 * n_threads 0 means da_threads_available(); 1 runs in the calling thread. */
void da_parallel_for(unsigned n_threads, size_t n, da_parallel_fn fn, void *ctx);

#endif
