#ifndef INGEST_CUT_H
#define INGEST_CUT_H

/*
 * Cutting by tokens. A text is cut at the last sentence or paragraph end that
 * leaves at least 90 % of the budget, else at a word, never inside a grapheme.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "engine/tokenizer/tokenizer.h"
#include "text/sentence.h"

struct da_cutter {
    const struct da_tokenizer *tok; /* not owned */
    struct da_tok_scratch *scratch;
    struct da_ids ids;
    struct da_units units;
};

struct da_cut_chunk {
    size_t start, end, n_tokens;
};

struct da_cut_chunks {
    struct da_cut_chunk *items; /* [n], owned */
    size_t n, cap;
};

void da_cutter_init(struct da_cutter *c, const struct da_tokenizer *tok);
void da_cutter_release(struct da_cutter *c);

enum da_rc da_cutter_count(struct da_cutter *c, const char *p, size_t len, size_t *n,
                           struct da_err *err);

/*
 * Length of the longest good prefix of p (valid UTF-8) with at most max_tokens tokens, and its
 * exact number of tokens. All of p when it fits. White space at the cut is not part of it.
 * hard: as much as fits, in the middle of a word if need be.
 */
enum da_rc da_cutter_cut(struct da_cutter *c, const char *p, size_t len, size_t max_tokens,
                         bool hard, size_t *cut, size_t *n_tokens, struct da_err *err);

/* Tiles p by chunks of at most max_tokens tokens, ending at sentences where that leaves more
 * than half of the budget. Replaces what is in out. */
enum da_rc da_cutter_chunks(struct da_cutter *c, const char *p, size_t len, size_t max_tokens,
                            struct da_cut_chunks *out, struct da_err *err);
void da_cut_chunks_release(struct da_cut_chunks *chunks);

#endif
