#ifndef TEXT_WORDLANG_H
#define TEXT_WORDLANG_H

/*
 * Which of a few languages a text seems to be in, from its letters and its
 * commonest words. Rough on purpose: enough to ask in the document's language
 * and to notice an answer in another one. A language it does not know gives the
 * one of the same script or nothing; it is no detector for records.
 */

#include <stdbool.h>
#include <stdint.h>

#include "text/words.h"

/* ISO 639-1 code, static; "en" when nothing tells. *sure (NULL allowed): the evidence is plenty. */
const char *da_wordlang_guess(const struct da_words *w, bool *sure);

/* The same for who asks often: a table of the common words, made once. */
enum { DA_WORDLANG_SLOTS = 512 };
struct da_wordlang {
    uint64_t keys[DA_WORDLANG_SLOTS]; /* hashes of the words, open addressing */
    uint16_t hint[DA_WORDLANG_SLOTS]; /* 1 + index of the word; 0: empty */
};
void da_wordlang_init(struct da_wordlang *t);
const char *da_wordlang_guess_with(const struct da_wordlang *t, const struct da_words *w,
                                   bool *sure);

#endif
