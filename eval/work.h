#ifndef EVAL_WORK_H
#define EVAL_WORK_H

/* Scratch memory of one worker, shared by all metrics, and the segment they look at. */

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/span.h"
#include "eval/bleu_tok.h"
#include "eval/gramtrie.h"
#include "eval/wordnum.h"

/* Longer texts are refused: what a model writes is far below, and alignment is quadratic. */
#define DA_EVAL_MAX_TEXT ((size_t)1 << 20)

/* All texts are valid UTF-8. A missing reference is left out; an empty one is a reference. */
struct da_segment {
    struct da_span hyp;
    const struct da_span *refs;
    size_t n_refs;
    struct da_span document; /* what the text was made from, for copy rates; may be empty */
};

/* Numbers of the tokens of one text. */
struct da_numbers {
    uint32_t *id; /* [n] */
    size_t n, cap;
};

struct da_lcs;
struct da_ter_scratch;
struct da_chrf_scratch;

struct da_work {
    struct da_wordnum words;   /* surface forms */
    struct da_wordnum stems;   /* ROUGE tokens, with stems as aliases */
    struct da_gramtrie ngrams;
    struct da_tokens tokens;
    struct da_numbers hyp, ref;
    struct da_buf text, text2;
    struct da_gramtrie local; /* tokens of one segment as 1, 2, ... */
    struct da_lcs *lcs;     /* made on first use; owned */
    struct da_numbers hyp_ends, ref_ends, counts; /* ROUGE: sentences, token counts */
    struct da_ter_scratch *ter;   /* likewise */
    struct da_chrf_scratch *chrf; /* likewise */
};

void da_work_init(struct da_work *w);
void da_work_release(struct da_work *w);
/* Between segments: keeps the vocabularies within bounds. */
void da_work_next(struct da_work *w);

void da_numbers_add(struct da_numbers *ids, uint32_t id);
/* Numbers of the tokens in w->tokens, in w->words. */
void da_work_number(struct da_work *w, struct da_numbers *ids);

#endif
