#include "eval/work.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "eval/chrf.h"
#include "eval/lcs.h"
#include "eval/ter.h"

void da_work_init(struct da_work *w)
{
    memset(w, 0, sizeof *w);
    da_wordnum_init(&w->words);
    da_wordnum_init(&w->stems);
    da_gramtrie_init(&w->ngrams);
    da_gramtrie_init(&w->local);
    da_tokens_init(&w->tokens);
    da_buf_init(&w->text, 0);
    da_buf_init(&w->text2, 0);
}

void da_work_release(struct da_work *w)
{
    da_wordnum_release(&w->words);
    da_wordnum_release(&w->stems);
    da_gramtrie_release(&w->ngrams);
    da_tokens_release(&w->tokens);
    da_buf_release(&w->text);
    da_buf_release(&w->text2);
    free(w->hyp.id);
    free(w->ref.id);
    free(w->hyp_ends.id);
    free(w->ref_ends.id);
    free(w->counts.id);
    da_gramtrie_release(&w->local);
    da_lcs_free(w->lcs);
    da_ter_scratch_free(w->ter);
    da_chrf_scratch_free(w->chrf);
    memset(w, 0, sizeof *w);
}

void da_work_next(struct da_work *w)
{
    if (w->words.n > DA_WORDNUM_MAX_WORDS)
        da_wordnum_reset(&w->words);
    if (w->stems.n > DA_WORDNUM_MAX_WORDS)
        da_wordnum_reset(&w->stems);
}

void da_numbers_add(struct da_numbers *ids, uint32_t id)
{
    DA_GROW(ids->id, ids->n, ids->cap);
    ids->id[ids->n++] = id;
}

void da_work_number(struct da_work *w, struct da_numbers *ids)
{
    ids->n = 0;
    for (size_t i = 0; i < w->tokens.n; i++)
        da_numbers_add(ids, da_wordnum_add(&w->words, w->tokens.t[i].p, w->tokens.t[i].len,
                                     w->tokens.limit));
}
