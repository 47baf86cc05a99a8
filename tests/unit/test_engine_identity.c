/*
 * Bit identity (DESIGN.md 5.10): 200 requests give the same tokens and the same bytes of
 * log-probabilities however they are computed: kernels, threads, batch, answers at one time,
 * prefix cache, drafting, memory. The truth is plain C, one thread, one request at a time, every
 * prompt whole, no drafts. bench/engine/identity.sh does the same with a model of real size.
 * With DOCASSIST_SMALL in the environment (emulated processors) it is 24 requests, and says so.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/rng.h"
#include "engine/draft.h"
#include "engine/engine.h"
#include "engine/kernels/kernels.h"
#include "engine/model/random.h"
#include "tests/tap.h"

enum { N_REQUESTS = 200, N_SMALL = 24, PER_DOC = 3, MAX_IDS = 160, N_TOP = 3, VOCAB = 512 };

struct work {
    struct da_request reqs[N_REQUESTS];
    int32_t ids[N_REQUESTS][MAX_IDS];
    char names[N_REQUESTS][16];
    struct da_buf out[N_REQUESTS], want[N_REQUESTS];
    size_t n, given, got;
};

static struct work w;

static enum da_rc next(void *ctx, struct da_request *req, bool *end, struct da_err *err)
{
    (void)ctx;
    (void)err;
    if (w.given == w.n)
        *end = true;
    else
        *req = w.reqs[w.given++];
    return DA_OK;
}

static enum da_rc done(void *ctx, void *user, const struct da_result *res, struct da_err *err)
{
    struct da_buf *out = &w.out[w.got++];
    (void)ctx;
    (void)user;
    (void)err;
    da_buf_reset(out);
    da_buf_add(out, &res->finish, sizeof res->finish);
    da_buf_add(out, res->ids, res->n_ids * sizeof *res->ids);
    if (res->logprobs)
        da_buf_add(out, res->logprobs, res->n_ids * (1 + res->n_top) * sizeof *res->logprobs);
    return DA_OK;
}

/* Documents of 20 to 90 tokens that repeat themselves here and there, so that guesses succeed. */
static void make_requests(struct da_rng *rng)
{
    for (size_t i = 0; i < N_REQUESTS; i++) {
        size_t doc = i / PER_DOC, n = 20 + doc * 29 % 70, k = 0;
        if (i % PER_DOC) {
            memcpy(w.ids[i], w.ids[i - 1], n * sizeof w.ids[i][0]);
            k = n;
        }
        for (; k < n; k++)
            w.ids[i][k] = k >= 8 && da_rng_below(rng, 4) == 0
                              ? w.ids[i][k - 8]
                              : (int32_t)da_rng_below(rng, VOCAB - 2);
        for (size_t j = 0; j < 1 + i % 7; j++)
            w.ids[i][k++] = (int32_t)da_rng_below(rng, VOCAB - 2);
        snprintf(w.names[i], sizeof w.names[i], "%zu/%zu", doc, i % PER_DOC);
        w.reqs[i] = (struct da_request){
            .id = da_span_str(w.names[i]),
            .group = da_span(w.names[i], strlen(w.names[i]) - 2),
            .ids = w.ids[i],
            .n_ids = k,
            .max_new = 1 + (uint32_t)da_rng_below(rng, 14),
            .want_logprobs = i % 2 == 0,
            .n_logprobs = N_TOP,
        };
        if (i % 3 == 1)
            w.reqs[i].sampling = (struct da_sampling){0.7, 20, 0.9, 5};
    }
}

static bool run(const struct da_model *m, const struct da_engine_opts *o,
                struct da_engine_stats *stats)
{
    const struct da_engine_calls calls = {.next = next, .done = done};
    struct da_engine *e;
    struct da_err err;
    w.given = w.got = 0;
    if (da_engine_new(&e, m, o, &err))
        return false;
    enum da_rc rc = da_engine_run(e, &calls, &err);
    *stats = *da_engine_stats(e);
    da_engine_free(e);
    return rc == DA_OK && w.got == w.n;
}

static size_t different(void)
{
    size_t n = 0;
    for (size_t i = 0; i < w.n; i++)
        n += w.out[i].len != w.want[i].len || memcmp(w.out[i].p, w.want[i].p, w.want[i].len) != 0;
    return n;
}

/* Ways of computing: threads 1, 2, 4, cache and drafts on and off. */
static struct da_engine_opts a_way(struct da_rng *rng, unsigned i, enum da_kv_type kv)
{
    static const unsigned THREADS[] = {1, 2, 1, 2, 2, 4};
    return (struct da_engine_opts){
        .kv = kv,
        .n_threads = THREADS[i % 6],
        .no_prefix_cache = i / 3 % 2 == 1,
        .draft = i / 6 % 2 ? DA_DRAFT_LOOKUP : DA_DRAFT_NONE,
        .n_parallel = i % 4 == 3 ? 1 + (uint32_t)da_rng_below(rng, 3)
                                 : 1 + (uint32_t)da_rng_below(rng, 14),
        .batch = 24 + (uint32_t)da_rng_below(rng, 400),
        .kv_max_bytes = i % 5 == 4 ? 6u << 20 : 0,
    };
}

static void test_model(const char *path, const char *what, enum da_kv_type kv, unsigned n_ways)
{
    const struct da_kernels *all[4];
    const unsigned n_all = da_kernels_list(all);
    const struct da_engine_opts plain = {.n_threads = 1,
                                         .kv = kv,
                                         .n_parallel = 1,
                                         .no_prefix_cache = true,
                                         .draft = DA_DRAFT_NONE};
    struct da_engine_stats stats;
    struct da_rng rng;
    uint64_t accepted = 0, shared = 0;
    da_rng_init(&rng, 7);
    for (unsigned v = 0; v < n_all; v++) {
        struct da_model *m;
        struct da_err err;
        unsigned bad_runs = 0, bad = 0;
        const struct da_model_opts mo = {.cpu = all[v]->name};
        if (!tap_rc(da_model_open(&m, path, &mo, &err), &err, "%s opens for %s", what, mo.cpu))
            return;
        if (v == 0) {
            tap_ok(run(m, &plain, &stats), "%s: the truth", what);
            for (size_t i = 0; i < w.n; i++) {
                da_buf_reset(&w.want[i]);
                da_buf_add(&w.want[i], w.out[i].p, w.out[i].len);
            }
        }
        const unsigned n = v ? n_ways : 1; /* plain C is slow, and the truth is its own */
        for (unsigned i = 0; i < n; i++) {
            struct da_engine_opts o = a_way(&rng, v ? i : 7, kv);
            bad_runs += !run(m, &o, &stats);
            bad += different() != 0;
            accepted += stats.n_accepted;
            shared += stats.n_prompt_tokens - stats.n_prompt_computed;
        }
        tap_ok(bad_runs == 0 && bad == 0, "%s, %s: %u ways give the bytes of the truth (%u, %u)",
               what, all[v]->name, n, bad_runs, bad);
        da_model_close(m);
    }
    tap_ok(accepted > w.n / 2, "%s: guesses were right (%llu)", what, (unsigned long long)accepted);
    tap_ok(shared > 5 * w.n, "%s: prefixes were shared (%llu tokens)", what,
           (unsigned long long)shared);
}

static void test_draft(void)
{
    static const int32_t prompt[] = {1, 2, 3, 4, 5, 9, 2, 3, 4}, out[] = {7, 2, 3};
    int32_t d[DA_DRAFT_MAX];
    tap_is_int(da_draft_lookup(prompt, 9, out, 3, 7, d), 4, "what followed, up to the end");
    tap_ok(d[0] == 4 && d[1] == 7 && d[2] == 2, "of the latest of equal places");
    tap_is_int(da_draft_lookup(prompt, 9, out, 3, 1, d), 1, "no more than asked for");
    tap_is_int(da_draft_lookup(prompt, 9, out, 2, 7, d), 0, "one token alone is no repetition");
    tap_is_int(da_draft_lookup(prompt, 1, out, 0, 7, d), 0, "a text of one token");
    tap_is_int(da_draft_lookup(prompt, 0, out, 0, 7, d), 0, "an empty text");
}

/* Bytes written over position at of a file, or cut off there when there are none. */
static void spoil(const char *path, long at, bool cut)
{
    FILE *f = fopen(path, "r+b");
    if (!f)
        return;
    bool ok = cut ? ftruncate(fileno(f), at) == 0
                  : fseek(f, at, SEEK_SET) == 0 && fputs("spoiled", f) >= 0;
    if (!ok)
        tap_diag("%s cannot be spoiled", path);
    (void)fclose(f);
}

static bool opens(const char *path, const char *dir, bool cached, const char *what)
{
    const struct da_model_opts mo = {.cache = true, .cache_dir = dir, .cache_min = 1};
    const struct da_engine_opts way = {.n_threads = 2};
    struct da_engine_stats stats;
    struct da_model *m;
    struct da_err err;
    if (!tap_rc(da_model_open(&m, path, &mo, &err), &err, "%s: opens", what))
        return false;
    bool ok = tap_ok(da_model_facts(m)->cached == cached, "%s: %s", what,
                     cached ? "from the file" : "made anew");
    ok = tap_ok(run(m, &way, &stats) && different() == 0, "%s: the same bytes", what) && ok;
    da_model_close(m);
    return ok;
}

/* The file of ready weights: used when it is this model's, and only then. want holds the truth. */
static void test_cache(const char *path)
{
    char file[600];
    struct stat st;
    snprintf(file, sizeof file, "%s.panels", path);
    opens(path, NULL, false, "no cache yet");
    opens(path, NULL, true, "cached");
    tap_ok(stat(file, &st) == 0, "beside the model");
    spoil(file, 40, false);
    opens(path, NULL, false, "another header");
    opens(path, NULL, true, "written again");
    spoil(file, (long)st.st_size - 1, true);
    opens(path, NULL, false, "a byte short");
    spoil(file, 0, true);
    opens(path, NULL, false, "empty");
    spoil(file, 100, true);
    opens(path, NULL, false, "shorter than a header");
    const struct timespec times[2] = {{1, 0}, {1, 0}};
    (void)utimensat(AT_FDCWD, path, times, 0);
    opens(path, NULL, false, "the model has another time");
    opens(path, tap_tmpdir(), false, "another folder");
    opens(path, tap_tmpdir(), true, "another folder, cached");
    opens(path, "/nowhere/at/all", false, "a place that cannot be written");
    (void)unlink(file);
}

/* Rows of whole blocks of 256, some in each of the k-quants that are written. */
static bool write_wide(const char *path)
{
    struct da_build_shape shape = *da_random_shape("tiny-llama");
    struct da_err err;
    shape.dim = 256;
    shape.n_heads = 4;
    shape.n_kv_heads = 2;
    shape.head_dim = 64;
    shape.n_rot = 64;
    shape.ff_dim = 512;
    return tap_rc(da_random_write(path, &shape, NULL, 3, DA_Q_Q4_K, 2, &err), &err, "wide");
}

static bool write_model(const char *path, const char *shape, enum da_qtype type)
{
    struct da_err err;
    return tap_rc(da_random_write(path, da_random_shape(shape), NULL, 3, type, 2, &err), &err,
                  "%s", shape);
}

int main(void)
{
    char path[512];
    struct da_rng rng;
    w.n = getenv("DOCASSIST_SMALL") ? N_SMALL : N_REQUESTS;
    if (w.n < N_REQUESTS)
        tap_diag("%zu of %d requests: DOCASSIST_SMALL is set", w.n, N_REQUESTS);
    test_draft();
    snprintf(path, sizeof path, "%s/m.gguf", tap_tmpdir());
    da_rng_init(&rng, 1);
    make_requests(&rng);
    for (size_t i = 0; i < N_REQUESTS; i++) {
        da_buf_init(&w.out[i], 0);
        da_buf_init(&w.want[i], 0);
    }
    if (write_model(path, "tiny-llama", DA_Q_Q4_0))
        test_model(path, "llama q4_0", DA_KV_AUTO, 12);
    test_cache(path);
    if (write_model(path, "tiny", DA_Q_Q8_0))
        test_model(path, "slimlm q8_0", DA_KV_Q8, 6);
    if (write_model(path, "tiny-llama", DA_Q_F16))
        test_model(path, "llama f16", DA_KV_F32, 4);
    if (write_wide(path))
        test_model(path, "llama q4_k_m", DA_KV_Q8, 4);
    for (size_t i = 0; i < N_REQUESTS; i++) {
        da_buf_release(&w.out[i]);
        da_buf_release(&w.want[i]);
    }
    return tap_done();
}
