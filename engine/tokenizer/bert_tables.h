#ifndef ENGINE_TOKENIZER_BERT_TABLES_H
#define ENGINE_TOKENIZER_BERT_TABLES_H

/*
 * What BERT's tokenizers take for accents (removed), controls (removed) and
 * punctuation (pieces of their own), and what the normalizer StripAccents removes
 * (combinings): ranges of code points, first and last.
 * They are those of Hugging Face's tokenizers, whose categories are Unicode 8's:
 * the models were trained with it, and newer characters are plain ones there.
 */

#include <stdbool.h>
#include <stdint.h>

extern const uint32_t da_bert_marks[][2], da_bert_combinings[][2], da_bert_controls[][2],
    da_bert_puncts[][2];
extern const unsigned da_bert_n_marks, da_bert_n_combinings, da_bert_n_controls, da_bert_n_puncts;

static inline bool da_bert_in(const uint32_t (*ranges)[2], unsigned n, uint32_t cp)
{
    unsigned lo = 0, hi = n;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (cp > ranges[mid][1])
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && cp >= ranges[lo][0];
}

#endif
