#ifndef EVAL_BLEU_TOK_H
#define EVAL_BLEU_TOK_H

/*
 * The word tokenizers of sacrebleu 2.6.0 that need no model. Tokens are views
 * into the text (after the rewriting that 13a prescribes), found in one pass:
 * the tool's regular expressions only ever insert spaces, and where they do
 * depends on the neighbours of a character alone (bleu_tok.c).
 */

#include <stddef.h>

#include "common/buf.h"
#include "common/span.h"

enum da_bleu_tok {
    DA_BLEU_TOK_13A,
    DA_BLEU_TOK_INTL,
    DA_BLEU_TOK_ZH,
    DA_BLEU_TOK_CHAR,
    DA_BLEU_TOK_NONE
};

/* "13a", ...: the names in signatures. */
const char *da_bleu_tok_name(enum da_bleu_tok t);

struct da_tokens {
    struct da_span *t; /* [n] */
    size_t n, cap;
    const char *limit; /* end of the readable bytes behind the tokens */
    struct da_buf text, swap; /* where the text had to be rewritten */
};

void da_tokens_init(struct da_tokens *t);
void da_tokens_release(struct da_tokens *t);

/*
 * Tokens of valid UTF-8 as the metric sees it: white space at the end is cut
 * off first. They point into text or into t->text and live until the next
 * call. lowercase: str.lower() before anything else.
 */
void da_bleu_tokenize(enum da_bleu_tok kind, bool lowercase, struct da_span text,
                      struct da_tokens *t);

/* str.split(): at runs of Python white space, appended to t. */
void da_split_space(struct da_span text, struct da_tokens *t);

#endif
