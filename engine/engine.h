#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

/*
 * The engine's public door: open a model, look at its facts, run many requests.
 * (One level lower, session.h gives sequences and logits step by step.)
 *
 *     struct da_model *model;
 *     struct da_engine *engine;
 *     rc = da_model_open(&model, path, NULL, &err);
 *     rc = da_engine_new(&engine, model, &(struct da_engine_opts){.n_threads = 2}, &err);
 *     rc = da_engine_run(engine, &calls, &err);
 *
 * da_engine_run pulls requests from the caller, computes the prompt prefix that
 * the requests of one document share once, decodes many requests together and
 * hands results back in the order of the requests. What a request gets depends
 * on the model and the request alone: not on threads, batch, neighbours, order
 * or CPU (DESIGN.md 5.10). Memory does not grow with the number of requests.
 *
 * The engine knows token ids only; text, templates and stop strings are the
 * caller's (see the token callback). A tokenizer is made from da_model_gguf().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/span.h"

struct da_gguf;
struct da_model;
struct da_engine;

/* --- models ------------------------------------------------------------------ */

struct da_model_opts {
    const char *cpu;    /* "ref", "avx2", "avx512": force a kernel variant; NULL: the best */
    unsigned n_threads; /* for getting weights ready; 0: all processors */
    bool cache;         /* keep ready weights in a file and start from it */
    const char *cache_dir; /* where; NULL: beside the model */
    uint64_t cache_min;    /* bytes of weights from which on that pays; 0: 16 MiB */
};

/* Maps the file, checks every tensor's shape, gets the weights ready for the kernels.
 * opts may be NULL. A model is read-only: several engines may share one. */
enum da_rc da_model_open(struct da_model **ret, const char *path, const struct da_model_opts *opts,
                         struct da_err *err);
void da_model_close(struct da_model *m); /* NULL allowed */

struct da_model_facts {
    const char *arch;   /* general.architecture: "llama" */
    const char *family; /* row of the family table: "slimlm", "llama" */
    const char *name;   /* general.name, or "" */
    const char *quant;  /* type of most block weights: "q4_0" */
    const char *cpu;    /* kernel variant in use: "avx512" */
    uint32_t n_layers, dim, n_heads, n_kv_heads, head_dim, ff_dim, n_vocab;
    uint32_t n_ctx;    /* positions the model was made for */
    uint64_t n_params; /* elements of all tensors in the file */
    uint64_t file_bytes;
    uint64_t weight_bytes; /* ready for the kernels, in memory */
    bool tied;             /* the output head is the embedding */
    bool cached;           /* weights came ready from the cache file */
};
const struct da_model_facts *da_model_facts(const struct da_model *m);
const struct da_gguf *da_model_gguf(const struct da_model *m); /* lives as long as the model */

/* --- engines ----------------------------------------------------------------- */

enum da_kv_type { DA_KV_AUTO, DA_KV_F32, DA_KV_F16, DA_KV_Q8 };
const char *da_kv_type_name(enum da_kv_type t); /* "f32" */

/* Guessing tokens from the text so far while few answers are decoded; results are the same. */
enum da_draft { DA_DRAFT_LOOKUP, DA_DRAFT_NONE };

struct da_engine_opts {
    unsigned n_threads;    /* 0: all processors */
    enum da_kv_type kv;    /* AUTO: q8 for quantized weights, f32 for F32, f16 otherwise */
    uint32_t n_ctx;        /* longest prompt + answer; 0: the model's */
    uint32_t n_parallel;   /* answers decoded together; 0: DA_ENGINE_PARALLEL */
    uint32_t batch;        /* tokens a step takes at most; 0: DA_ENGINE_BATCH */
    uint64_t kv_max_bytes; /* 0: DA_ENGINE_KV_MAX; at least one request must fit */
    bool no_prefix_cache;  /* compute every prompt whole; results are the same */
    enum da_draft draft;
};

enum {
    DA_ENGINE_PARALLEL = 18, /* six documents with three requests each */
    DA_ENGINE_BATCH = 512,
    DA_ENGINE_MAX_PARALLEL = 256,
    DA_ENGINE_MAX_BATCH = 4096
};
/* 2 GiB: 18 answers at 2,000 positions fit many times. */
#define DA_ENGINE_KV_MAX ((uint64_t)2 << 30)

/* Allocates everything the runs need; the model must outlive the engine. Errors: a limit too small
 * for one request, no memory. */
enum da_rc da_engine_new(struct da_engine **ret, const struct da_model *m,
                         const struct da_engine_opts *opts, struct da_err *err);
void da_engine_free(struct da_engine *e); /* NULL allowed */
/* The choices made where opts said 0 or AUTO. */
const struct da_engine_opts *da_engine_opts(const struct da_engine *e);

/* --- requests ---------------------------------------------------------------- */

struct da_sampling {
    double temperature; /* 0: greedy, the lowest id among equals */
    uint32_t top_k;     /* 0: all */
    double top_p;       /* 0 or 1: all */
    uint64_t seed;      /* a draw depends on (seed, request id, position) only */
};

struct da_request {
    struct da_span id;    /* key of the sampling draws: the record's id */
    struct da_span group; /* requests in a row with equal non-empty groups share what their
                             * prompts have in common at the start: the document's id */
    const int32_t *ids;   /* the prompt; at least one token */
    size_t n_ids;
    uint32_t max_new;        /* 0: only logprobs of the prompt's end would make sense; refused */
    const int32_t *stop_ids; /* generation ends before one of these is given out */
    size_t n_stop_ids;
    struct da_sampling sampling;
    uint32_t n_logprobs; /* alternatives to report a position; only read with want_logprobs */
    bool want_logprobs;
    void *user; /* the caller's */
};

enum da_finish {
    DA_FINISH_STOP,    /* a stop id */
    DA_FINISH_CALLER,  /* the token callback asked for it */
    DA_FINISH_LENGTH,  /* max_new reached */
    DA_FINISH_CONTEXT, /* n_ctx reached */
    DA_FINISH_ERROR    /* see rc and message */
};
const char *da_finish_name(enum da_finish f); /* "stop", "stop", "length", "context", "error" */

struct da_logprob {
    int32_t id;
    float logprob; /* natural logarithm, of the raw logits (before temperature) */
};

struct da_result {
    enum da_finish finish;
    const int32_t *ids; /* [n_ids] what was generated, without the stop id */
    size_t n_ids;
    /* With want_logprobs: for each generated token its own entry followed by its n_top best
     * alternatives, [n_ids][1 + n_top], best first. NULL otherwise. */
    const struct da_logprob *logprobs;
    uint32_t n_top;
    size_t n_prompt;        /* prompt tokens */
    size_t n_prompt_shared; /* of these, taken from an earlier request of the group */
    enum da_rc rc;          /* of DA_FINISH_ERROR: prompt too long, token out of range, ... */
    const char *message;    /* likewise; "" otherwise */
};

/* The caller's side. Callbacks run in the thread that called da_engine_run. Everything a request
 * points to is copied before next returns to the engine's loop; everything in a result is valid
 * during the call only. An error from a callback ends the run and is returned. */
struct da_engine_calls {
    void *ctx;
    /* Fills *req, or sets *end. After *end it is not called again: requests already taken are
     * finished and delivered (so an interrupted caller says *end). */
    enum da_rc (*next)(void *ctx, struct da_request *req, bool *end, struct da_err *err);
    /* May be NULL. Sees every generated token of a request as it comes (before any result, in any
     * order among requests) and may end it by setting *stop; that token still counts. */
    enum da_rc (*token)(void *ctx, void *user, int32_t id, bool *stop, struct da_err *err);
    /* Results, in the order in which next gave the requests. */
    enum da_rc (*done)(void *ctx, void *user, const struct da_result *res, struct da_err *err);
};

struct da_engine_stats { /* of all runs so far */
    uint64_t n_requests;
    uint64_t n_prompt_tokens;   /* asked for */
    uint64_t n_prompt_computed; /* without what was shared */
    uint64_t n_new_tokens;
    uint64_t n_drafted, n_accepted; /* tokens guessed, guessed right */
    uint64_t n_steps;
    uint64_t kv_bytes; /* allocated for keys and values */
};

enum da_rc da_engine_run(struct da_engine *e, const struct da_engine_calls *calls,
                         struct da_err *err);
const struct da_engine_stats *da_engine_stats(const struct da_engine *e);

#endif
