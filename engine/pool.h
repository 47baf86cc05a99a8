#ifndef ENGINE_POOL_H
#define ENGINE_POOL_H

/*
 * The engine's threads. A run starts the same function on every worker; inside,
 * workers take items from one shared counter and meet at barriers. Waiting
 * spins for a while, then sleeps.
 */

#include <stdint.h>

struct da_pool;

/* n_threads >= 1, the calling thread included. */
struct da_pool *da_pool_new(unsigned n_threads);
void da_pool_free(struct da_pool *p); /* NULL allowed */
unsigned da_pool_n_threads(const struct da_pool *p);

/* Calls fn(ctx, worker) once on each worker 0..n-1 and returns when all have returned. */
void da_pool_run(struct da_pool *p, void (*fn)(void *ctx, unsigned worker), void *ctx);

/* Inside a run: the next number from 0 since the last barrier, each given to one worker. */
uint32_t da_pool_next(struct da_pool *p);
/* Inside a run: returns when all workers have called it; da_pool_next starts at 0 again. */
void da_pool_barrier(struct da_pool *p);

#endif
