#ifndef EVAL_GENERATE_H
#define EVAL_GENERATE_H

/*
 * Predictions by a local model: example records in, prediction records out, in
 * input order, through the engine's scheduler. Requests of one document share
 * its prefix; results depend on the model, the example and the decoding options
 * alone. Memory does not grow with the number of examples.
 */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/log.h"
#include "common/span.h"
#include "engine/engine.h"

enum {
    DA_GENERATE_MAX_NEW = 256, /* the released demo's max_new_tokens */
    DA_GENERATE_MAX_LOGPROBS = 1 << 20
};

struct da_generate_opts {
    const char *model_path;
    const char *model_name; /* NULL: the file's general.name, else its base name */
    struct da_model_opts model;
    struct da_engine_opts engine;
    struct da_sampling sampling;
    uint32_t max_new;
    bool want_logprobs;
    uint32_t n_logprobs;
};

struct da_generate_run {
    const char *input;  /* examples; path or "-" */
    const char *output; /* predictions; path or "-" */
    const char *errors; /* path, or NULL: failures are only counted and logged */
    uint64_t limit;     /* examples to take; 0: all */
    bool restart;
    struct da_log *log;
    const volatile sig_atomic_t *stop; /* may be NULL */
};

struct da_generate_stats {
    uint64_t n_examples, n_done, n_failed; /* n_done and n_failed include an earlier run's */
    struct da_engine_stats engine;         /* of this run */
};

struct da_generator;

/* Opens model and tokenizer; errors name the file. */
enum da_rc da_generator_open(struct da_generator **ret, const struct da_generate_opts *opts,
                             struct da_err *err);
void da_generator_close(struct da_generator *g); /* NULL allowed */

/* stats is filled even on error. DA_EINTR after *stop: what was begun is finished and kept. */
enum da_rc da_generate_examples(struct da_generator *g, const struct da_generate_run *run,
                                struct da_generate_stats *stats, struct da_err *err);

/*
 * One raw prompt, no task and no template: text (BOS as the model says) when ids is NULL.
 * The answer is appended to out: its text, or with opts.want_logprobs one JSON object
 * {"text","ids","finish_reason","usage","logprobs"}. The prompt is not repeated.
 */
enum da_rc da_generate_raw(struct da_generator *g, struct da_span text, const int32_t *ids,
                           size_t n_ids, struct da_buf *out, struct da_err *err);

#endif
