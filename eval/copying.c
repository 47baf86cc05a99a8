#include "eval/copying.h"

void da_copying_segment(struct da_work *w, const struct da_segment *s, unsigned order,
                        struct da_copying *ret)
{
    size_t found = 0;

    da_bleu_tokenize(DA_BLEU_TOK_13A, true, s->document, &w->tokens);
    da_work_number(w, &w->ref);
    da_gramtrie_reset(&w->ngrams);
    da_gramtrie_add(&w->ngrams, w->ref.id, w->ref.n, order);
    da_bleu_tokenize(DA_BLEU_TOK_13A, true, s->hyp, &w->tokens);
    da_work_number(w, &w->hyp);
    for (size_t i = 0; i + order <= w->hyp.n; i++) {
        uint32_t node = 0;
        for (unsigned o = 0; o < order && node != DA_GRAM_ABSENT; o++)
            node = da_gram_find(&w->ngrams, node, w->hyp.id[i + o]);
        found += node != DA_GRAM_ABSENT;
    }
    ret->copied = (double)found;
    ret->total = w->hyp.n >= order ? (double)(w->hyp.n - order + 1) : 0;
    ret->n_words = (double)w->hyp.n;
}
