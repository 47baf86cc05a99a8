/*
 * Every family against `transformers`: tests/golden/engine/NAME holds a tiny
 * model and its logits (tools/models/make_goldens.py names the versions). Then
 * the invariants of DESIGN.md 5.10 on the same models: chunks, single steps,
 * batches, forks, threads and processors give the same bytes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/io.h"
#include "common/mem.h"
#include "engine/engine.h"
#include "engine/model/import.h"
#include "engine/session.h"
#include "tests/tap.h"

/* The first N_WHOLE also go through every form of keys and values and every processor. */
enum { N_WHOLE = 15 };
static const char *const FAMILIES[] = {
    "llama",          "llama-tied",  "slimlm",     "qwen2",      "qwen3",        "gpt2",
    "gptneox",        "bloom",       "mpt",        "phi3",       "llama3",       "mistral",
    "starcoder",      "gemma",       "gemma2",     "gemma3",     "granite",      "olmo",
    "olmo2",          "openelm",     "stablelm",   "phi2",       "falcon",       "falcon-new",
    "bloomz",         "qwen2-mscale", "starcoder2", "gptneo",    "opt",         "opt-post",
    "mobillama",      "mobilellm",   "phonelm",    "phi35-short", "phi35-long",  "qwen2-yarn",
    "llama-linear",   "cerebras",    "gptneox-serial", "mamba",  "t5",          "flan-t5",
    "mt0",            "falcon-rw",
};

/* An encoder-decoder has logits from the end of what its encoder reads. */
struct golden {
    struct da_buf bytes;
    int32_t n_tokens, n_vocab;
    int32_t ids[64];
    uint32_t first; /* token from which on there are logits */
    size_t n_values;
    float *logits; /* [n_tokens - first][n_vocab], inside bytes */
};

static bool read_golden(const char *family, struct golden *g)
{
    char path[512];
    struct da_err err;
    da_buf_init(&g->bytes, 0);
    snprintf(path, sizeof path, "tests/golden/engine/%s/golden.bin", family);
    if (!tap_rc(da_io_read_file(path, 1 << 20, &g->bytes, &err), &err, "%s: golden", family))
        return false;
    memcpy(&g->n_tokens, g->bytes.p, 4);
    memcpy(&g->n_vocab, g->bytes.p + 4, 4);
    memcpy(g->ids, g->bytes.p + 8, 64 * 4);
    g->n_values = (g->bytes.len - 8 - 64 * 4) / 4;
    g->first = (uint32_t)g->n_tokens - (uint32_t)(g->n_values / (size_t)g->n_vocab);
    g->logits = da_malloc(g->n_values * 4);
    memcpy(g->logits, g->bytes.p + 8 + 64 * 4, g->n_values * 4);
    return true;
}

/* Every variant of the kernels that was compiled. */
#if defined(__x86_64__)
static const char *const CPUS[] = {"ref", "avx2", "avx512"};
#elif defined(__aarch64__)
static const char *const CPUS[] = {"ref", "neon", "neon_dot", "neon_i8mm"};
#else
static const char *const CPUS[] = {"ref"};
#endif

/* Adds tokens [from, to) to rows. */
static uint32_t put_rows(struct da_row *rows, uint32_t k, uint32_t seq, const struct golden *g,
                         uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        rows[k++] = (struct da_row){.seq = seq, .id = g->ids[i], .want_logits = i >= g->first};
    return k;
}

/* Logits of the tokens [from, to), which are the last step's from number nth on, to their place. */
static void take_logits(const struct da_session *s, const struct golden *g, uint32_t from,
                        uint32_t to, uint32_t nth, float *out)
{
    for (uint32_t i = from < g->first ? g->first : from; i < to; i++)
        memcpy(out + (size_t)(i - g->first) * (size_t)g->n_vocab, da_session_logits(s, nth++),
               (size_t)g->n_vocab * 4);
}

struct setup {
    const char *cpu;
    unsigned n_threads;
    enum da_kv_type kv;
    uint32_t chunk; /* tokens a step */
};

/* Logits of all positions, fed in chunks. */
static bool run(const char *path, const struct setup *st, const struct golden *g, float *out)
{
    struct da_model *m = NULL;
    struct da_session *s = NULL;
    struct da_err err;
    uint32_t seq, n = (uint32_t)g->n_tokens;
    struct da_session_opts so = {
        .n_threads = st->n_threads, .kv = st->kv, .n_logits = 64, .batch = 64, .n_ctx = 128};
    struct da_row rows[64];
    bool ok = false;
    if (da_model_open(&m, path, &(struct da_model_opts){.cpu = st->cpu}, &err) ||
        da_session_new(&s, m, &so, &err) || da_seq_open(s, &seq, &err))
        goto out;
    for (uint32_t at = 0; at < n; at += st->chunk) {
        uint32_t k = n - at < st->chunk ? n - at : st->chunk;
        put_rows(rows, 0, seq, g, at, at + k);
        if (da_session_step(s, rows, k, &err))
            goto out;
        take_logits(s, g, at, at + k, 0, out);
    }
    ok = true;
out:
    if (!ok)
        tap_diag("%s", err.msg);
    da_session_free(s);
    da_model_close(m);
    return ok;
}

/* Two sequences in one batch, the second a fork of the first at an odd place. */
static bool run_forked(const char *path, enum da_kv_type kv, const struct golden *g, uint32_t at,
                       float *out)
{
    struct da_model *m = NULL;
    struct da_session *s = NULL;
    struct da_err err = {0};
    uint32_t a, b, n = (uint32_t)g->n_tokens, k = 0;
    size_t again;
    struct da_session_opts so = {
        .n_threads = 2, .kv = kv, .n_seqs = 3, .n_logits = 64, .batch = 128, .n_ctx = 128};
    struct da_row rows[128];
    bool ok = false;
    if (da_model_open(&m, path, NULL, &err) || da_session_new(&s, m, &so, &err) ||
        da_seq_open(s, &a, &err))
        goto out;
    if (da_session_step(s, rows, put_rows(rows, 0, a, g, 0, at), &err) ||
        da_seq_fork(s, a, at, &b, &err))
        goto out;
    for (uint32_t i = 0; i < 5; i++) /* the first goes elsewhere */
        rows[k++] = (struct da_row){.seq = a, .id = g->ids[63 - i]};
    if (da_session_step(s, rows, put_rows(rows, k, b, g, at, n), &err))
        goto out;
    take_logits(s, g, at, n, 0, out);
    /* back again: what was computed after the fork's place is forgotten */
    if (da_seq_truncate(s, b, at + 3, &err) ||
        da_session_step(s, rows, put_rows(rows, 0, b, g, at + 3, n), &err))
        goto out;
    again = g->n_values - (size_t)(at + 3 < g->first ? 0 : at + 3 - g->first) * (size_t)g->n_vocab;
    if (da_seq_len(s, b) != n ||
        memcmp(da_session_logits(s, 0), out + g->n_values - again, (size_t)g->n_vocab * 4) != 0)
        goto out;
    ok = true;
out:
    if (!ok)
        tap_diag("%s", err.msg);
    da_session_free(s);
    da_model_close(m);
    return ok;
}

static void test_invariants(const char *name, const char *path, enum da_kv_type kv,
                            const struct golden *g, bool whole)
{
    /* threads and chunks; the first three with the best variant, then one for each of CPUS */
    static const struct setup SETUPS[] = {{NULL, 1, DA_KV_AUTO, 1},  {NULL, 2, DA_KV_AUTO, 7},
                                          {NULL, 4, DA_KV_AUTO, 64}, {NULL, 2, DA_KV_AUTO, 5},
                                          {NULL, 1, DA_KV_AUTO, 64}, {NULL, 3, DA_KV_AUTO, 13},
                                          {NULL, 2, DA_KV_AUTO, 64}};
    enum { N_BEST = 3, N_ALL = N_BEST + DA_ARRAY_LEN(CPUS) };
    static const uint32_t PLACES[] = {37, 50};
    size_t n = g->n_values;
    float *want = da_malloc(n * 4), *got = da_malloc(n * 4);
    struct setup base = {NULL, 1, kv, 64};
    bool ok = run(path, &base, g, want);
    for (size_t i = 0; ok && i < (whole ? N_ALL : N_BEST + 1); i++) {
        struct setup v = SETUPS[i];
        struct da_model *m;
        v.cpu = i < N_BEST ? NULL : CPUS[i - N_BEST];
        v.kv = kv;
        if (v.cpu && da_model_open(&m, path, &(struct da_model_opts){.cpu = v.cpu}, NULL)) {
            tap_skip("this processor does not run it", "%s: %s", name, v.cpu);
            continue;
        }
        if (v.cpu)
            da_model_close(m);
        tap_ok(run(path, &v, g, got) && memcmp(want, got, n * 4) == 0,
               "%s kv %s: cpu %s, %u threads, chunks of %u give the same bytes", name,
               da_kv_type_name(kv), v.cpu ? v.cpu : "best", v.n_threads, v.chunk);
    }
    for (size_t i = 0; i < DA_ARRAY_LEN(PLACES); i++) {
        size_t at = PLACES[i] < g->first ? 0 : PLACES[i] - g->first;
        at *= (size_t)g->n_vocab;
        tap_ok(ok && run_forked(path, kv, g, PLACES[i], got) &&
                   memcmp(want + at, got + at, (n - at) * 4) == 0,
               "%s kv %s: a fork at %u in a batch, and a cut, give the same bytes", name,
               da_kv_type_name(kv), PLACES[i]);
    }
    free(want);
    free(got);
}

static void test_family(const char *name, bool whole)
{
    char folder[256], path[512];
    struct golden g;
    struct da_err err;
    struct da_import_opts opts = {.type = DA_Q_F32, .no_tokenizer = true, .n_threads = 1};
    struct setup base = {NULL, 2, DA_KV_F32, 64};
    double worst = 0.0;
    snprintf(folder, sizeof folder, "tests/golden/engine/%s", name);
    snprintf(path, sizeof path, "%s/%s.gguf", tap_tmpdir(), name);
    if (!read_golden(name, &g) ||
        !tap_rc(da_import(folder, path, &opts, NULL, &err), &err, "%s: import", name))
        return;
    size_t n = g.n_values;
    float *got = da_malloc(n * 4);
    bool ok = run(path, &base, &g, got);
    for (size_t i = 0; ok && i < n; i++)
        worst = fmax(worst, fabs((double)got[i] - (double)g.logits[i]));
    tap_ok(ok && worst <= 1e-4, "%s: logits of 64 tokens within 1e-4 (worst %.2e)", name, worst);
    free(got);
    test_invariants(name, path, DA_KV_F32, &g, whole);
    if (whole) {
        test_invariants(name, path, DA_KV_Q8, &g, whole);
        test_invariants(name, path, DA_KV_F16, &g, whole);
    }
    opts.type = DA_Q_Q4_0;
    if (tap_rc(da_import(folder, path, &opts, NULL, &err), &err, "%s: import q4_0", name))
        test_invariants(name, path, DA_KV_Q8, &g, whole);
    opts.type = DA_Q_Q8_0;
    if (tap_rc(da_import(folder, path, &opts, NULL, &err), &err, "%s: import q8_0", name))
        test_invariants(name, path, DA_KV_Q8, &g, whole);
    free(g.logits);
    da_buf_release(&g.bytes);
}

/* Names on the command line run those alone. */
int main(int argc, char **argv)
{
    for (size_t i = 0; i < DA_ARRAY_LEN(FAMILIES); i++) {
        bool wanted = argc < 2;
        for (int k = 1; k < argc; k++)
            wanted = wanted || strcmp(argv[k], FAMILIES[i]) == 0;
        if (wanted)
            test_family(FAMILIES[i], i < N_WHOLE);
    }
    return tap_done();
}
