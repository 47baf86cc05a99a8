#ifndef ENGINE_BENCH_H
#define ENGINE_BENCH_H

/*
 * How fast a model runs here: one request at a time at several prompt lengths
 * (the efficiency table of arXiv 2411.09944), and the scoring workload, where
 * documents of 1,000 tokens get three answers each. End tokens are ignored, so
 * that every run does the same work; medians are reported with their spread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/err.h"
#include "engine/engine.h"

struct da_bench_opts {
    unsigned n_threads; /* 0: all processors */
    enum da_kv_type kv;
    uint32_t new_tokens;  /* of an answer, at least 2 */
    uint32_t n_reps;      /* runs a row, after one that does not count */
    uint32_t n_documents; /* of the scoring workload; 0 leaves it out */
    uint32_t n_parallel;  /* answers decoded together there; 0: the engine's */
    const struct da_clock *clock;
};

struct da_bench_row {
    char prompt[48]; /* "question", "document of 1000 tokens", "scoring ..." */
    uint32_t prompt_tokens, new_tokens, threads;
    double itps, otps;               /* prompt and answer tokens a second, medians */
    double itps_spread, otps_spread; /* (max - min) / median */
    double ttft_s, runtime_s;
    double cpu_use;              /* processor time over wall time */
    double documents_per_minute; /* scoring only, else 0 */
    uint64_t peak_rss_bytes;
};

/* Calls row for each row as it is measured; an error from it ends the run. */
enum da_rc da_bench_run(const struct da_model *m, const struct da_bench_opts *opts,
                        enum da_rc (*row)(void *ctx, const struct da_bench_row *row,
                                          struct da_err *err),
                        void *ctx, struct da_err *err);

#endif
