#ifndef INGEST_QUALITY_H
#define INGEST_QUALITY_H

/*
 * Measures of a text, as in the Gopher paper (Rae et al. 2021, table A1), which
 * NeMo Curator and datatrove use too. A word is a run of characters between white
 * space, the separators of table cells left out; for scripts without spaces each
 * character counts as one.
 */

#include <stdbool.h>
#include <stddef.h>

struct da_quality {
    size_t n_words;
    double mean_word;      /* characters a word */
    double solid;          /* share of characters of scripts without spaces */
    double alpha_words;    /* share of words with a letter */
    double symbol_words;   /* '#' and ellipses for each word */
    double bullet_lines;   /* share of lines that begin with a bullet */
    double ellipsis_lines; /* share of lines that end with an ellipsis */
    double dup_lines;      /* share of characters in lines that were there before */
    unsigned stop_words;   /* of: the be to of and that have with */
};

void da_quality_measure(const char *p, size_t len, struct da_quality *q);

/* NULL when the text passes Gopher's limits, else what it failed ("mean_word_length 12.1");
 * written to out. The word limits are 50 and 100,000; stop words are asked of English only. */
const char *da_quality_filter(const struct da_quality *q, bool english, char *out, size_t size);

#endif
