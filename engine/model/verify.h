#ifndef ENGINE_MODEL_VERIFY_H
#define ENGINE_MODEL_VERIFY_H

/* Full check of a GGUF model file. */

#include <stddef.h>

#include "common/err.h"

struct da_verify_calls {
    void *ctx;
    void (*problem)(void *ctx, const char *line); /* one line, beginning with the path */
};

struct da_verify_stats {
    size_t n_tensors, n_problems;
};

/*
 * Header and every tensor's place (no two share bytes), values (no NaN, no
 * infinity, also not in the scales of blocks), shapes as the family wants them,
 * the tokenizer and its size, the chat template. A file whose header cannot be
 * read has that one problem. What is only missing, such as a tokenizer, is none.
 */
void da_verify(const char *path, unsigned n_threads, const struct da_verify_calls *calls,
               struct da_verify_stats *stats);

#endif
