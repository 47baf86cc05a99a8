/*
 * Nothing is allocated once a session stands: opening, forking, stepping, cutting and closing
 * sequences is counted by functions of malloc's names in front of the C library's, which glibc has
 * under other names too. Elsewhere, and under sanitizers that bring their own, nothing is counted.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/model/random.h"
#include "engine/session.h"
#include "tests/tap.h"

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTED 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#undef COUNTED
#endif
#endif

#ifdef COUNTED
static atomic_ulong n_calls;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);

void *malloc(size_t size)
{
    atomic_fetch_add(&n_calls, 1);
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    atomic_fetch_add(&n_calls, 1);
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
    atomic_fetch_add(&n_calls, 1);
    return __libc_realloc(p, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    atomic_fetch_add(&n_calls, 1);
    return __libc_memalign(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    atomic_fetch_add(&n_calls, 1);
    *out = __libc_memalign(align, size);
    return *out ? 0 : ENOMEM;
}

enum { PROMPT = 200, FORKS = 3, ANSWER = 150, N_SEQS = FORKS + 1 };

static int32_t token(uint32_t i)
{
    return (int32_t)(i * 37 % 500);
}

/* A prompt in pieces, three answers at once from copies of it, one cut back now and then. */
static enum da_rc work(struct da_session *s, struct da_err *err)
{
    struct da_row rows[PROMPT];
    uint32_t prefix, seq[FORKS];
    enum da_rc rc = da_seq_open(s, &prefix, err);
    for (uint32_t i = 0; i < PROMPT; i++)
        rows[i] = (struct da_row){.seq = prefix, .id = token(i)};
    if (rc || (rc = da_session_step(s, rows, 77, err)) ||
        (rc = da_session_step(s, rows + 77, PROMPT - 77, err)))
        return rc;
    for (uint32_t i = 0; i < FORKS; i++)
        if ((rc = da_seq_fork(s, prefix, PROMPT - 1, &seq[i], err)))
            return rc;
    da_seq_close(s, prefix);
    for (uint32_t t = 0; t < ANSWER; t++) {
        for (uint32_t i = 0; i < FORKS; i++)
            rows[i] = (struct da_row){.seq = seq[i], .id = token(t + i), .want_logits = true};
        if ((rc = da_session_step(s, rows, FORKS, err)))
            return rc;
        if (t % 40 == 39 && (rc = da_seq_truncate(s, seq[t / 40 % FORKS], PROMPT + t / 2, err)))
            return rc;
    }
    for (uint32_t i = 0; i < FORKS; i++)
        da_seq_close(s, seq[i]);
    return DA_OK;
}

static void test_model(const char *path, const char *shape, enum da_qtype type, enum da_kv_type kv)
{
    const struct da_session_opts so = {
        .n_threads = 2, .kv = kv, .n_ctx = 512, .n_seqs = N_SEQS, .batch = 256, .n_logits = N_SEQS};
    struct da_model *m = NULL;
    struct da_session *s = NULL;
    struct da_err err;
    if (!tap_rc(da_random_write(path, da_random_shape(shape), NULL, 3, type, 2, &err), &err, "%s",
                shape) ||
        !tap_rc(da_model_open(&m, path, NULL, &err), &err, "%s opens", shape) ||
        !tap_rc(da_session_new(&s, m, &so, &err), &err, "%s: a session", shape))
        goto out;
    const unsigned long before = atomic_load(&n_calls);
    const enum da_rc rc = work(s, &err);
    const unsigned long n = atomic_load(&n_calls) - before;
    tap_rc(rc, &err, "%s works", shape);
    tap_ok(before > 0, "%s: %lu allocations until then are counted", shape, before);
    tap_ok(n == 0, "%s, %s: none after that (%lu)", shape, da_qtype_name(type), n);
out:
    da_session_free(s);
    da_model_close(m);
}

int main(void)
{
    char path[512];
    snprintf(path, sizeof path, "%s/m.gguf", tap_tmpdir());
    test_model(path, "tiny-llama", DA_Q_Q4_0, DA_KV_Q8);
    test_model(path, "tiny", DA_Q_Q8_0, DA_KV_F16);
    test_model(path, "tiny-llama", DA_Q_F32, DA_KV_F32);
    return tap_done();
}
#else
int main(void)
{
    tap_skip("no other names for malloc here", "nothing is allocated after a session is made");
    return tap_done();
}
#endif
