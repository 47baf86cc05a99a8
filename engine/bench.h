#ifndef ENGINE_BENCH_H
#define ENGINE_BENCH_H

/*
 * How fast a model runs here: one request at a time at several prompt lengths
 * (the efficiency table of arXiv 2411.09944), 16 answers decoded together, the
 * scoring workload, where documents of 1,000 tokens get three answers each, and
 * sweeps over threads and batches. End tokens are ignored, so that every run does
 * the same work; medians are reported with their spread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/span.h"
#include "engine/energy.h"
#include "engine/engine.h"

enum da_bench_rows { /* which rows are wanted */
    DA_BENCH_QUESTION = 1 << 0,
    DA_BENCH_200 = 1 << 1, /* a summary of a document of 200 tokens, request included */
    DA_BENCH_400 = 1 << 2,
    DA_BENCH_600 = 1 << 3,
    DA_BENCH_800 = 1 << 4,
    DA_BENCH_1000 = 1 << 5,
    DA_BENCH_STREAMS = 1 << 6, /* 16 answers together, three behind each document */
    DA_BENCH_SCORING = 1 << 7,
    DA_BENCH_THREADS = 1 << 8, /* 1,000 tokens with 1, 2, 4, ... threads */
    DA_BENCH_BATCH = 1 << 9,   /* 1,000 tokens read in steps of 1, 8, 32, 128, 512 */
    DA_BENCH_DEFAULT = DA_BENCH_SCORING | ((1 << 6) - 1)
};
/* The bit of a name ("question", "200", "streams", ...), 0 when there is none. */
uint32_t da_bench_row_named(struct da_span name);

struct da_bench_opts {
    uint32_t rows;      /* of enum da_bench_rows; 0: DA_BENCH_DEFAULT */
    unsigned n_threads; /* 0: all processors */
    enum da_kv_type kv;
    uint32_t new_tokens;  /* of an answer, at least 2 */
    uint32_t n_reps;      /* runs a row, after one that does not count */
    uint32_t n_documents; /* of the scoring workload; 0 leaves it out */
    uint32_t n_parallel;  /* answers decoded together there; 0: the engine's */
    const struct da_clock *clock;
    struct da_energy *energy; /* NULL: not measured */
};

struct da_bench_row {
    char prompt[48]; /* "question", "document of 1000 tokens", "scoring ..." */
    uint32_t prompt_tokens, new_tokens, threads;
    double itps, otps;               /* prompt and answer tokens a second, medians */
    double itps_spread, otps_spread; /* (max - min) / median */
    double ttft_s, runtime_s;
    double cpu_use;              /* processor time over wall time */
    double documents_per_minute; /* scoring only, else 0 */
    double joules_per_1000;      /* tokens, read and written; 0: not measured */
    uint64_t peak_rss_bytes;
};

/* Calls row for each row as it is measured; an error from it ends the run. */
enum da_rc da_bench_run(const struct da_model *m, const struct da_bench_opts *opts,
                        enum da_rc (*row)(void *ctx, const struct da_bench_row *row,
                                          struct da_err *err),
                        void *ctx, struct da_err *err);

/* What this machine can do at most, and what the engine's own work reaches of it. */
struct da_bench_limits {
    unsigned threads;
    double int8_gops; /* products and sums of bytes, all threads; 0: no such instruction known */
    const char *int8_how;     /* "vpmaddubsw ymm" */
    double ram_gbs, l3_gbs;   /* read, all threads */
    double gemm_gops;         /* one matrix of the model against 512 tokens */
    const char *gemm_kind;    /* its panels: "q4" */
    double prefill_gops;      /* products of block weights in a prompt of 1,000 tokens */
    double decode_gbs;        /* weights, keys and values read by one stream behind 1,000 tokens */
};
enum da_rc da_bench_limits(const struct da_model *m, const struct da_bench_opts *opts,
                           struct da_bench_limits *ret, struct da_err *err);

#endif
