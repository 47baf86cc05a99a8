#ifndef EVAL_STS_H
#define EVAL_STS_H

/*
 * STS: the cosine of the sentence embeddings of answer and reference, as
 * sentence-transformers computes it, by an encoder of the engine. Which one, the
 * longest text, pooling and normalization are in the signature.
 */

#include <stdint.h>

#include "common/err.h"
#include "eval/samples.h"

struct da_sts;

struct da_sts_opts {
    uint32_t max_tokens; /* of a text; 0: as the model says */
    unsigned n_threads;  /* 0: all processors */
};

enum da_rc da_sts_open(struct da_sts **ret, const char *model_path, const struct da_sts_opts *opts,
                       struct da_err *err);
void da_sts_close(struct da_sts *s); /* NULL allowed */

/* "sts|model:NAME|type:f16|sha256:...|len:256|pool:mean|norm:yes|sim:cos". */
const char *da_sts_signature(const struct da_sts *s);

struct da_sts_stats {
    size_t n_samples;
    size_t n_empty; /* answers without any text: they have a similarity like any other */
    uint64_t n_cut; /* texts longer than the model's limit, of answers and references */
};

/* Fills the "sts" columns of samples that da_evaluate made with the signature. References that were
 * embedded for an earlier call are not embedded again. */
enum da_rc da_sts_run(struct da_sts *s, struct da_samples *samples, struct da_sts_stats *stats,
                      struct da_err *err);

#endif
