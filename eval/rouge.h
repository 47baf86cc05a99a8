#ifndef EVAL_ROUGE_H
#define EVAL_ROUGE_H

/*
 * ROUGE (Lin, 2004) as rouge_score 0.1.2 computes it. A corpus figure is the
 * plain mean of the samples' precision, recall and F; with several references
 * each type takes the one with the greatest F, the first on ties.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "eval/work.h"

enum da_rouge_type { DA_ROUGE_1, DA_ROUGE_2, DA_ROUGE_L, DA_ROUGE_LSUM, DA_ROUGE_N_TYPES };

enum da_rouge_tok {
    DA_ROUGE_TOK_ASCII,  /* rouge_score's: [a-z0-9]+ of the lowered text */
    DA_ROUGE_TOK_UNICODE /* ours: words of any script; ideographs and kana one by one */
};

struct da_rouge_opts {
    bool stem;
    enum da_rouge_tok tok;
    unsigned types; /* 1 << type, ... */
};

struct da_rouge_score {
    double precision, recall, fmeasure; /* 0..1 */
};

/* "rouge1", "rouge2", "rougeL", "rougeLsum" */
const char *da_rouge_name(enum da_rouge_type t);

/* Fills the types asked for; at least one reference. Returns how many of the segment's texts
 * hold something but no token (all of a script that the tokenizer does not know). */
unsigned da_rouge_segment(const struct da_rouge_opts *o, struct da_work *w,
                          const struct da_segment *s,
                          struct da_rouge_score ret[DA_ROUGE_N_TYPES]);

/* Tokens as numbers in w->stems; ends[k]: number of tokens up to the k-th line's end. */
void da_rouge_tokenize(const struct da_rouge_opts *o, struct da_work *w, struct da_span text,
                       struct da_numbers *ids, struct da_numbers *ends);

/* "type:rougeL|stem:yes|tok:rouge_score|agg:mean|version:0.1.2" */
void da_rouge_signature(const struct da_rouge_opts *o, enum da_rouge_type t, int n_refs,
                        struct da_buf *out);

#endif
