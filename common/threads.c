/* Items are taken from a shared counter; the calling thread is worker 0. */

#include "common/threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

struct job {
    da_parallel_fn fn;
    void *ctx;
    size_t n;
    atomic_size_t next;
};

struct worker {
    struct job *job;
    unsigned index;
    pthread_t thread;
};

unsigned da_threads_available(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    if (n < 1)
        return 1;
    return n > DA_THREADS_MAX ? DA_THREADS_MAX : (unsigned)n;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct job *job = w->job;
    for (;;) {
        size_t i = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
        if (i >= job->n)
            return NULL;
        job->fn(job->ctx, i, w->index);
    }
}

void da_parallel_for(unsigned n_threads, size_t n, da_parallel_fn fn, void *ctx)
{
    struct worker workers[DA_THREADS_MAX];
    struct job job = {.fn = fn, .ctx = ctx, .n = n};
    unsigned i, started = 1;
    if (n_threads == 0)
        n_threads = da_threads_available();
    if (n_threads > DA_THREADS_MAX)
        n_threads = DA_THREADS_MAX;
    if (n_threads > n)
        n_threads = n ? (unsigned)n : 1;
    atomic_init(&job.next, 0);
    workers[0] = (struct worker){.job = &job, .index = 0};
    for (i = 1; i < n_threads; i++) {
        workers[i] = (struct worker){.job = &job, .index = i};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            break; /* fewer threads do the same work */
        started++;
    }
    (void)work(&workers[0]);
    for (i = 1; i < started; i++)
        (void)pthread_join(workers[i].thread, NULL);
}
