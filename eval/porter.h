#ifndef EVAL_PORTER_H
#define EVAL_PORTER_H

/*
 * The Porter stemmer (Porter, 1980) with NLTK 3.8's extensions, which is what
 * rouge_score uses: irregular forms, -ies/-ied of four letters, -y after a
 * consonant only, -alli first, -bli, -fulli and -logi, and two-letter stems in
 * condition *o.
 */

#include <stddef.h>

/*
 * Stems word (lower-case ASCII letters and digits, digits count as consonants)
 * in place and returns the new length, never a greater one. Words of one or
 * two letters stay.
 */
size_t da_porter_stem(char *word, size_t len);

#endif
