#ifndef TEXT_WORDLANG_H
#define TEXT_WORDLANG_H

/*
 * Which of a few languages a text seems to be in, from its letters and its
 * commonest words. Rough on purpose: enough to ask in the document's language
 * and to notice an answer in another one. A language it does not know gives the
 * one of the same script or nothing; it is no detector for records.
 */

#include <stdbool.h>

#include "text/words.h"

/* ISO 639-1 code, static; "en" when nothing tells. *sure (NULL allowed): the evidence is plenty. */
const char *da_wordlang_guess(const struct da_words *w, bool *sure);

#endif
