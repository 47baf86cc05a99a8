#ifndef EVAL_TERCOM_H
#define EVAL_TERCOM_H

/* The tokenizer of TER (tercom's, as sacrebleu 2.6.0 restates it). */

#include <stdbool.h>

#include "eval/bleu_tok.h"

struct da_tercom_opts {
    bool normalized;
    bool no_punct;
    bool asian_support; /* matters with normalized or no_punct */
    bool case_sensitive;
};

/* Tokens of valid UTF-8, in text or t->text; they live until the next call. */
void da_tercom_tokenize(const struct da_tercom_opts *o, struct da_span text, struct da_tokens *t);

#endif
