/*
 * Spinning workers. The machines this runs on are shared: after SPIN_ROUNDS looks a
 * waiting thread sleeps, because the one it waits for may need the processor, and
 * because the system gives a woken thread its turn sooner than one that kept asking.
 */
#include "engine/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/threads.h"

enum { CROWDED_ROUNDS = 20 }; /* with more threads than processors somebody waits for a turn */
enum { SPIN_ROUNDS = 4000, CACHE_LINE = 64 };

struct worker {
    struct da_pool *pool;
    pthread_t thread;
    unsigned index;
};

struct da_pool {
    unsigned n_threads;
    unsigned n_started; /* threads besides the caller's */
    unsigned spin_rounds;
    struct worker *workers;
    void (*fn)(void *ctx, unsigned worker);
    void *ctx;
    pthread_mutex_t lock;
    pthread_cond_t wake;   /* a run begins, or the pool ends */
    pthread_cond_t passed; /* the barrier opened */
    bool quit;             /* under lock */
    char pad0[CACHE_LINE];
    _Atomic uint32_t run; /* number of the current run */
    char pad1[CACHE_LINE];
    _Atomic uint32_t next;
    char pad2[CACHE_LINE];
    _Atomic uint32_t arrived;
    char pad3[CACHE_LINE];
    _Atomic uint32_t phase;    /* barriers passed */
    _Atomic uint32_t sleepers; /* threads in or before a wait for passed */
};

static void relax(void)
{
#if defined(__x86_64__)
    __asm__ volatile("pause");
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void open_barrier(struct da_pool *p, uint32_t phase)
{
    atomic_store_explicit(&p->arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&p->next, 0, memory_order_relaxed);
    /* Either this thread sees the sleeper, or the sleeper sees the new phase. An exchange, because
     * emulators of ARM let a load pass a plain store, also where C11 and ARM forbid it. */
    (void)atomic_exchange(&p->phase, phase + 1);
    if (p->n_threads == 1 || atomic_load(&p->sleepers) == 0)
        return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->passed);
    pthread_mutex_unlock(&p->lock);
}

static void sleep_for_phase(struct da_pool *p, uint32_t last)
{
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleepers, 1);
    while (atomic_load(&p->phase) == last)
        pthread_cond_wait(&p->passed, &p->lock);
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->lock);
}

void da_pool_barrier(struct da_pool *p)
{
    uint32_t phase = atomic_load_explicit(&p->phase, memory_order_relaxed);
    if (p->n_threads == 1 ||
        atomic_fetch_add_explicit(&p->arrived, 1, memory_order_acq_rel) + 1 == p->n_threads) {
        open_barrier(p, phase);
        return;
    }
    for (unsigned round = 0; round < p->spin_rounds; round++, relax())
        if (atomic_load_explicit(&p->phase, memory_order_acquire) != phase)
            return;
    sleep_for_phase(p, phase);
}

uint32_t da_pool_next(struct da_pool *p)
{
    return atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed);
}

/* Waits for a run other than last; false when the pool ends. */
static bool wait_for_run(struct da_pool *p, uint32_t last)
{
    for (unsigned round = 0; round < p->spin_rounds; round++, relax())
        if (atomic_load_explicit(&p->run, memory_order_acquire) != last)
            return true;
    pthread_mutex_lock(&p->lock);
    while (atomic_load_explicit(&p->run, memory_order_acquire) == last && !p->quit)
        pthread_cond_wait(&p->wake, &p->lock);
    bool go = atomic_load_explicit(&p->run, memory_order_acquire) != last;
    pthread_mutex_unlock(&p->lock);
    return go;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct da_pool *p = w->pool;
    uint32_t last = 0;
    while (wait_for_run(p, last)) {
        last++;
        p->fn(p->ctx, w->index);
        da_pool_barrier(p);
    }
    return NULL;
}

struct da_pool *da_pool_new(unsigned n_threads)
{
    struct da_pool *p = da_calloc(1, sizeof *p);
    assert(n_threads >= 1);
    p->n_threads = n_threads;
    p->spin_rounds = n_threads > da_threads_available() ? CROWDED_ROUNDS : SPIN_ROUNDS;
    p->workers = da_calloc(n_threads, sizeof *p->workers);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->passed, NULL);
    for (unsigned i = 1; i < n_threads; i++) {
        p->workers[i].pool = p;
        p->workers[i].index = i;
        if (pthread_create(&p->workers[i].thread, NULL, worker_main, &p->workers[i]) != 0)
            break; /* fewer threads give the same results */
        p->n_started++;
    }
    /* Threads that did start wait for the first run, so the number may still change. */
    p->n_threads = p->n_started + 1;
    return p;
}

void da_pool_free(struct da_pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->quit = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 1; i <= p->n_started; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->passed);
    pthread_mutex_destroy(&p->lock);
    free(p->workers);
    free(p);
}

unsigned da_pool_n_threads(const struct da_pool *p)
{
    return p->n_threads;
}

void da_pool_run(struct da_pool *p, void (*fn)(void *ctx, unsigned worker), void *ctx)
{
    p->fn = fn;
    p->ctx = ctx;
    if (p->n_threads > 1) {
        pthread_mutex_lock(&p->lock);
        atomic_fetch_add_explicit(&p->run, 1, memory_order_acq_rel);
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
    }
    fn(ctx, 0);
    da_pool_barrier(p); /* nobody leaves before all are done, and the counter is 0 again */
}
