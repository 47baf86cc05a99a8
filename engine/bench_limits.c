/*
 * The machine's limits, by loops that do one thing: products of bytes in
 * registers, reading memory, reading what fits the third cache. Beside them what
 * the engine reaches: one matrix, a whole prompt, one stream.
 */
#include "engine/bench.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/threads.h"
#include "engine/bigmem.h"
#include "engine/kernels/panels.h"
#include "engine/model/forward.h"
#include "engine/model/model.h"
#include "engine/pool.h"

enum {
    ROUNDS = 5,                   /* the best counts: these are limits */
    PEAK_LOOPS = 20000000,        /* about 60 ms */
    PEAK_PRODUCTS = 8,            /* instructions a loop */
    RAM_BYTES = 256 << 20,        /* a thread's part: far more than any cache */
    L3_BYTES = 6 << 20,           /* more than a second cache, little enough for a third */
    GEMM_TOKENS = 512,
    GEMM_BLOCK = 64, /* as in a step */
    PROMPT = 1000,
    STREAM = 64
};

/* --- loops ---------------------------------------------------------------------- */

#if defined(__x86_64__)
/* Eight products without a chain between them; 8 kept from being one instruction apart. */
#define PEAK_LOOP(insn, a, b)                                                                      \
    "1:\n\t" insn " " b ", " b ", %%" a "2\n\t" insn " " b ", " b ", %%" a "3\n\t" insn " " b ", " \
    b ", %%" a "4\n\t" insn " " b ", " b ", %%" a "5\n\t" insn " " b ", " b ", %%" a "6\n\t" insn  \
    " " b ", " b ", %%" a "7\n\t" insn " " b ", " b ", %%" a "8\n\t" insn " " b ", " b ", %%" a    \
    "9\n\tdec %0\n\tjnz 1b\n\t"
#define PEAK_CLOBBERS "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "cc"

static void products_avx2(void)
{
    long n = PEAK_LOOPS;
    __asm__ volatile(PEAK_LOOP("vpmaddubsw", "ymm", "%%ymm1") "vzeroupper"
                     : "+r"(n)
                     :
                     : PEAK_CLOBBERS);
}

static void products_vnni(void)
{
    long n = PEAK_LOOPS;
    __asm__ volatile(PEAK_LOOP("vpdpbusd", "zmm", "%%zmm1") "vzeroupper"
                     : "+r"(n)
                     :
                     : PEAK_CLOBBERS);
}
#endif

/* Reads 8-byte words in eight chains; what it returns keeps the loop. */
static uint64_t read_all(const unsigned char *p, size_t n)
{
    uint64_t s[8] = {0}, total = 0;
    for (size_t i = 0; i + sizeof s <= n; i += sizeof s) {
        uint64_t v[8];
        memcpy(v, p + i, sizeof v);
        for (int j = 0; j < 8; j++)
            s[j] += v[j];
    }
    for (int j = 0; j < 8; j++)
        total += s[j];
    return total;
}

struct loops {
    void (*products)(void);
    unsigned char **part; /* [n_threads], RAM_BYTES each */
    size_t n_bytes;
    unsigned times;
    _Atomic uint64_t sink;
    struct da_matmul *mm; /* cut into blocks of tokens */
    const struct da_kernels *kernels;
    struct da_pool *pool;
};

static void run_products(void *ctx, unsigned worker)
{
    struct loops *l = ctx;
    (void)worker;
    l->products();
}

static void run_read(void *ctx, unsigned worker)
{
    struct loops *l = ctx;
    uint64_t s = 0;
    for (unsigned i = 0; i < l->times; i++)
        s += read_all(l->part[worker], l->n_bytes);
    atomic_fetch_add(&l->sink, s);
}

static void run_gemm(void *ctx, unsigned worker)
{
    struct loops *l = ctx;
    const bool tiles = da_panels_take_tiles(l->mm->w);
    uint32_t item;
    (void)worker;
    for (unsigned i = 0; i < l->times; i++) {
        while ((item = da_pool_next(l->pool)) < GEMM_TOKENS / GEMM_BLOCK) {
            const uint32_t t0 = item * GEMM_BLOCK;
            struct da_matmul mm = *l->mm;
            mm.n_panels = mm.w->n_panels;
            mm.n_tok = GEMM_BLOCK;
            mm.x = tiles ? (const void *)((const unsigned char *)mm.x +
                                          t0 / DA_TILE * da_tile_bytes(mm.w->n_cols))
                         : (const void *)((const float *)mm.x + t0 * mm.x_stride);
            mm.out += t0 * mm.out_stride;
            da_matmul_run(l->kernels, &mm);
        }
        da_pool_barrier(l->pool);
    }
}

static double best_seconds(const struct da_bench_opts *o, struct loops *l,
                           void (*fn)(void *, unsigned))
{
    double best = 1e30;
    for (int r = 0; r < ROUNDS; r++) {
        uint64_t t0 = da_now_ns(o->clock);
        da_pool_run(l->pool, fn, l);
        double t = (double)(da_now_ns(o->clock) - t0) * 1e-9;
        best = t < best ? t : best;
    }
    return best;
}

/* --- what is measured --------------------------------------------------------------- */

static void measure_products(const struct da_model *m, const struct da_bench_opts *o,
                             struct loops *l, struct da_bench_limits *ret)
{
    double bytes = 0; /* products of an instruction */
#if defined(__x86_64__)
    if (strcmp(m->kernels->name, "avx2") == 0) {
        l->products = products_avx2;
        bytes = 32;
        ret->int8_how = "vpmaddubsw ymm";
    } else if (strcmp(m->kernels->name, "avx512") == 0) {
        l->products = products_vnni;
        bytes = 64;
        ret->int8_how = "vpdpbusd zmm";
    }
#else
    (void)m;
#endif
    if (bytes > 0)
        ret->int8_gops = 2.0 * bytes * PEAK_PRODUCTS * PEAK_LOOPS * ret->threads /
                         best_seconds(o, l, run_products) * 1e-9;
}

static enum da_rc measure_reading(const struct da_bench_opts *o, struct loops *l,
                                  struct da_bench_limits *ret, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    l->part = da_calloc(ret->threads, sizeof *l->part);
    for (unsigned i = 0; i < ret->threads && !rc; i++) {
        if (!(l->part[i] = da_big_alloc(RAM_BYTES)))
            rc = da_fail(err, DA_ENOMEM, "no memory for %d bytes", (int)RAM_BYTES);
        else
            memset(l->part[i], 1, RAM_BYTES);
    }
    if (!rc) {
        l->n_bytes = RAM_BYTES;
        l->times = 1;
        ret->ram_gbs = (double)RAM_BYTES * ret->threads / best_seconds(o, l, run_read) * 1e-9;
        l->n_bytes = L3_BYTES;
        l->times = RAM_BYTES / L3_BYTES;
        ret->l3_gbs =
            (double)L3_BYTES * l->times * ret->threads / best_seconds(o, l, run_read) * 1e-9;
    }
    for (unsigned i = 0; i < ret->threads; i++)
        da_big_free(l->part[i], RAM_BYTES);
    free(l->part);
    return rc;
}

/* The first layer's way up, which is as wide as any. */
static void measure_gemm(const struct da_model *m, const struct da_bench_opts *o, struct loops *l,
                         struct da_bench_limits *ret)
{
    const struct da_panels *w = &m->layers[0].up.p;
    const uint32_t stride = da_pad(w->n_cols, DA_LANES), out_stride = (w->n_panels | 1) * DA_LANES;
    float *x = da_calloc((size_t)GEMM_TOKENS * stride, sizeof *x);
    float *out = da_calloc((size_t)GEMM_TOKENS * out_stride + DA_LANES, sizeof *out);
    const bool tiles = da_panels_take_tiles(w);
    unsigned char *q =
        da_calloc(GEMM_TOKENS / DA_TILE, da_tile_bytes(da_pad(w->n_cols, DA_GROUP)));
    for (size_t i = 0; i < (size_t)GEMM_TOKENS * stride; i++)
        x[i] = (float)(i * 2654435761u % 2048) / 1024.0f - 1.0f;
    for (uint32_t t = 0; tiles && t < GEMM_TOKENS; t++)
        da_panels_input(m->kernels, w, x + (size_t)t * stride,
                        q + t / DA_TILE * da_tile_bytes(w->n_cols), t % DA_TILE);
    struct da_matmul mm = {.w = w,
                           .x = tiles ? (const void *)q : (const void *)x,
                           .x_stride = stride,
                           .n_tok = GEMM_TOKENS,
                           .out = out,
                           .out_stride = out_stride};
    l->mm = &mm;
    l->times = 8;
    ret->gemm_kind = da_panel_kind_name(w->kind);
    ret->gemm_gops = 2.0 * w->n_rows * w->n_cols * GEMM_TOKENS * l->times /
                     best_seconds(o, l, run_gemm) * 1e-9;
    free(q);
    free(out);
    free(x);
}

struct speeds {
    double itps, otps;
};

static enum da_rc take_speeds(void *ctx, const struct da_bench_row *row, struct da_err *err)
{
    struct speeds *s = ctx;
    (void)err;
    s->itps = row->itps;
    s->otps = row->otps;
    return DA_OK;
}

/* Products of one token with the block weights; the head is left out, as in a prompt. */
static double block_products(const struct da_model *m)
{
    double n = 0;
    for (uint32_t i = 0; i < m->hp.n_layers; i++) {
        const struct da_layer *y = &m->layers[i];
        const struct da_weight *w[] = {&y->qkv[0], &y->qkv[1], &y->qkv[2], &y->wo,
                                       &y->gate,   &y->up,     &y->down};
        for (size_t k = 0; k < DA_ARRAY_LEN(w); k++)
            n += (double)w[k]->p.n_rows * w[k]->p.n_cols;
    }
    return n;
}

enum da_rc da_bench_limits(const struct da_model *m, const struct da_bench_opts *opts,
                           struct da_bench_limits *ret, struct da_err *err)
{
    struct da_bench_opts o = *opts;
    struct da_bench_limits lim = {.int8_how = ""};
    struct speeds s = {0, 0};
    struct loops l = {.kernels = m->kernels};
    const uint32_t n_ctx = m->hp.n_ctx;
    o.n_threads = o.n_threads ? o.n_threads : da_threads_available();
    l.pool = da_pool_new(o.n_threads);
    lim.threads = da_pool_n_threads(l.pool);
    measure_products(m, &o, &l, &lim);
    enum da_rc rc = measure_reading(&o, &l, &lim, err);
    if (!rc)
        measure_gemm(m, &o, &l, &lim);
    da_pool_free(l.pool);
    if (rc)
        return rc;
    o.rows = DA_BENCH_1000;
    o.new_tokens = STREAM;
    if (n_ctx >= PROMPT + STREAM && (rc = da_bench_run(m, &o, take_speeds, &s, err)))
        return rc;
    lim.prefill_gops = 2.0 * block_products(m) * s.itps * 1e-9;
    const enum da_kv_type kv = o.kv != DA_KV_AUTO ? o.kv : m->quantized ? DA_KV_Q8 : DA_KV_F16;
    const double kv_bytes = (double)da_kv_page_bytes(kv, &m->hp) * PROMPT / DA_KBLOCK;
    lim.decode_gbs = ((double)m->facts.weight_bytes + kv_bytes) * s.otps * 1e-9;
    *ret = lim;
    return DA_OK;
}
