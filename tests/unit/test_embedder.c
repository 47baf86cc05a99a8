/*
 * Encoders against sentence-transformers: tests/golden/embed/NAME holds a tiny
 * model, and for some texts their ids and embeddings
 * (tools/models/make_embed_goldens.py names the versions). Then the invariants of
 * DESIGN.md 5.10 on the same models, and the cosine against tests/golden/eval.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/embedder.h"
#include "engine/gguf.h"
#include "engine/model/import.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/golden.h"

static const char *const MODELS[] = {"bert", "cls", "mpnet", "roberta", "distil"};

struct texts {
    struct da_span *p;
    size_t n;
};

/* The larger of the two; what is no number is larger than all. */
static double worse(double worst, double d)
{
    return d <= worst ? worst : isnan(d) ? INFINITY : d;
}

static struct texts texts_of(const struct golden *g)
{
    struct texts t = {da_calloc(g->n, sizeof *t.p), g->n};
    for (size_t i = 0; i < g->n; i++)
        t.p[i] = golden_str(g->rows[i], "text");
    return t;
}

/* Whether the ids of every text, before cutting, begin as the golden's do. */
static void test_ids(const char *name, const struct da_gguf *gguf, const struct golden *g)
{
    struct da_tokenizer *tok;
    struct da_err err;
    struct da_ids ids;
    if (!tap_rc(da_tokenizer_open_gguf(&tok, gguf, &err), &err, "%s: tokenizer", name))
        return;
    struct da_tok_scratch *scratch = da_tok_scratch_new();
    size_t bad = 0;
    da_ids_init(&ids);
    for (size_t i = 0; i < g->n; i++) {
        const struct da_json *want = da_json_get(g->rows[i], "ids");
        size_t n = da_json_len(want), k = 0;
        da_ids_reset(&ids);
        (void)da_tokenizer_encode(tok, scratch, golden_str(g->rows[i], "text"),
                                  DA_TOK_ADD_SPECIAL | DA_TOK_PARSE_SPECIAL, &ids, &err);
        bool ok = ids.n >= n;
        for (const struct da_json *j = da_json_first(want); j && ok; j = da_json_next(j), k++)
            ok = k + 1 == n || ids.p[k] == (int32_t)golden_num(j, NULL); /* the last one closes */
        bad += !ok;
    }
    tap_ok(bad == 0, "%s: ids of %zu texts", name, g->n);
    da_ids_release(&ids);
    da_tok_scratch_free(scratch);
    da_tokenizer_close(tok);
}

static bool embed(const char *path, const struct da_embedder_opts *o, struct texts t, float *out)
{
    struct da_embedder *e;
    struct da_err err;
    if (da_embedder_open(&e, path, o, &err) || da_embed(e, t.p, t.n, out, &err)) {
        tap_diag("%s", err.msg);
        return false;
    }
    da_embedder_close(e);
    return true;
}

/* Any threads, batch, company and processor give the same bytes. */
static void test_invariants(const char *name, const char *type, const char *path, struct texts t,
                            uint32_t dim)
{
    static const struct da_embedder_opts VARIANTS[] = {{.n_threads = 1},
                                                       {.n_threads = 3, .batch = 300},
                                                       {.cpu = "ref", .n_threads = 2},
                                                       {.cpu = "avx2", .n_threads = 1},
                                                       {.cpu = "avx512", .n_threads = 2}};
    const size_t bytes = t.n * dim * sizeof(float);
    float *want = da_malloc(bytes), *got = da_malloc(bytes);
    bool base = embed(path, &(struct da_embedder_opts){.n_threads = 2}, t, want);
    for (size_t i = 0; base && i < DA_ARRAY_LEN(VARIANTS); i++) {
        const struct da_embedder_opts *o = &VARIANTS[i];
        struct da_embedder *e;
        if (o->cpu && da_embedder_open(&e, path, o, NULL)) {
            tap_skip("this processor does not run it", "%s %s: %s", name, type, o->cpu);
            continue;
        }
        if (o->cpu)
            da_embedder_close(e);
        memset(got, 0, bytes);
        tap_ok(embed(path, o, t, got) && memcmp(want, got, bytes) == 0,
               "%s %s: cpu %s, %u threads, batch %u give the same bytes", name, type,
               o->cpu ? o->cpu : "best", o->n_threads, (unsigned)o->batch);
    }
    bool ok = base;
    for (size_t i = 0; ok && i < t.n; i++)
        ok = embed(path, NULL, (struct texts){t.p + i, 1}, got + i * dim);
    tap_ok(ok && memcmp(want, got, bytes) == 0, "%s %s: one text at a time", name, type);
    free(want);
    free(got);
}

static void test_values(const char *name, struct da_embedder *e, const struct golden *g,
                        struct texts t)
{
    const uint32_t dim = da_embedder_dim(e);
    float *got = da_malloc(t.n * dim * sizeof *got);
    struct da_err err;
    double worst = 0.0;
    if (!tap_rc(da_embed(e, t.p, t.n, got, &err), &err, "%s: embeds %zu texts", name, t.n))
        return;
    for (size_t i = 0; i < t.n; i++) {
        uint32_t k = 0;
        for (const struct da_json *j = da_json_first(da_json_get(g->rows[i], "embedding")); j;
             j = da_json_next(j), k++)
            worst = worse(worst, k < dim ? fabs((double)got[i * dim + k] - golden_num(j, NULL))
                                         : INFINITY);
        worst = k == dim ? worst : INFINITY;
    }
    tap_ok(worst <= 2e-5, "%s: embeddings within 2e-5 (worst %.1e)", name, worst);
    worst = 0.0;
    for (size_t i = 0; i < t.n; i++) {
        double cos = da_cosine(got + i * dim, got + (i + 1) % t.n * dim, dim);
        worst = worse(worst, fabs(cos - golden_num(g->rows[i], "cos_next")));
    }
    tap_ok(worst <= 2e-6, "%s: cosines as cos_sim within 2e-6 (worst %.1e)", name, worst);
    free(got);
}

static void test_model(const char *name)
{
    static const struct {
        const char *name;
        enum da_qtype type;
    } TYPES[] = {{"f32", DA_Q_F32},
                 {"f16", DA_Q_F16},
                 {"bf16", DA_Q_BF16},
                 {"q8_0", DA_Q_Q8_0},
                 {"q4_0", DA_Q_Q4_0}};
    char folder[256], path[512];
    struct da_err err;
    struct golden g;
    struct da_embedder *e = NULL;
    snprintf(folder, sizeof folder, "tests/golden/embed/%s", name);
    snprintf(path, sizeof path, "%s/golden.jsonl", folder);
    if (!golden_load(&g, path))
        return;
    struct texts t = texts_of(&g);
    snprintf(path, sizeof path, "%s/%s.gguf", tap_tmpdir(), name);
    for (size_t i = 0; i < DA_ARRAY_LEN(TYPES); i++) {
        struct da_import_opts opts = {.type = TYPES[i].type, .n_threads = 1};
        if (!tap_rc(da_import(folder, path, &opts, NULL, &err), &err, "%s: import %s", name,
                    TYPES[i].name) ||
            !tap_rc(da_embedder_open(&e, path, NULL, &err), &err, "%s: open", name))
            continue;
        if (i == 0) {
            const struct da_embedder_facts *f = da_embedder_facts(e);
            bool cls = strcmp(name, "cls") == 0 || strcmp(name, "roberta") == 0;
            tap_is_str(f->pooling, cls ? "cls" : "mean", "%s: pooling", name);
            test_ids(name, da_embedder_gguf(e), &g);
            test_values(name, e, &g, t);
            tap_ok(da_embedder_n_cut(e) > 0, "%s: long texts were cut", name);
        }
        test_invariants(name, TYPES[i].name, path, t, da_embedder_dim(e));
        da_embedder_close(e);
    }
    free(t.p);
    golden_free(&g);
}

/* What is no encoder, or not whole, is refused by name. */
static void test_refusals(void)
{
    struct da_embedder *e;
    struct da_err err;
    char path[512];
    struct da_import_opts opts = {.type = DA_Q_F32, .no_tokenizer = true, .n_threads = 1};
    snprintf(path, sizeof path, "%s/no.gguf", tap_tmpdir());
    if (tap_rc(da_import("tests/golden/engine/llama", path, &opts, NULL, &err), &err,
               "a decoder")) {
        tap_is_int(da_embedder_open(&e, path, NULL, &err), DA_EUNSUPPORTED, "is no encoder");
        tap_ok(strstr(err.msg, "architecture 'llama' is no encoder") != NULL, "... and says so");
    }
    if (tap_rc(da_import("tests/golden/embed/bert", path, &opts, NULL, &err), &err,
               "without tokens"))
        tap_ok(da_embedder_open(&e, path, NULL, &err) != DA_OK &&
                   strstr(err.msg, "tokenizer.ggml.model") != NULL,
               "a file without a tokenizer is refused");
}

/* sts.jsonl: token vectors and masks, their means, and the cosine, by numpy in double. */
static void test_cosine(void)
{
    enum { MAX_DIM = 64 };
    struct golden g;
    double worst = 0.0;
    if (!golden_load(&g, "tests/golden/eval/sts.jsonl"))
        return;
    for (size_t i = 0; i < g.n; i++) {
        float v[2][MAX_DIM] = {{0}};
        uint32_t dim = 0;
        for (int side = 0; side < 2; side++) {
            const struct da_json *rows = da_json_get(g.rows[i], side ? "tok_b" : "tok_a");
            const struct da_json *mask = da_json_get(g.rows[i], side ? "mask_b" : "mask_a");
            for (size_t r = 0; r < da_json_len(rows); r++) {
                uint32_t k = 0;
                for (const struct da_json *x = da_json_first(da_json_at(rows, r)); x && k < MAX_DIM;
                     x = da_json_next(x), k++)
                    v[side][k] +=
                        (float)(golden_num(x, NULL) * golden_num(da_json_at(mask, r), NULL));
                dim = k;
            }
        }
        double got = da_cosine(v[0], v[1], dim); /* lengths do not matter: the sum is the mean */
        worst = worse(worst, fabs(got - golden_num(g.rows[i], "cos")));
    }
    tap_ok(g.n == 12 && worst < 1e-6, "cosine of %zu pairs within 1e-6 (worst %.1e)", g.n, worst);
    float zero[2] = {0}, bad[2] = {NAN, 1.0f}, one[2] = {1.0f, 0.0f};
    tap_is_double(da_cosine(zero, one, 2), 0.0, 0.0, "of nothing");
    tap_is_double(da_cosine(bad, one, 2), 0.0, 0.0, "of what is no number");
    golden_free(&g);
}

int main(void)
{
    for (size_t i = 0; i < DA_ARRAY_LEN(MODELS); i++)
        test_model(MODELS[i]);
    test_refusals();
    test_cosine();
    return tap_done();
}
