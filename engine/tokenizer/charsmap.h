#ifndef ENGINE_TOKENIZER_CHARSMAP_H
#define ENGINE_TOKENIZER_CHARSMAP_H

/*
 * SentencePiece's precompiled normalization map (sentencepiece, normalizer.cc): a
 * double-array trie (darts-clone) from character sequences to offsets of
 * NUL-terminated replacements. Treated as hostile: nothing outside is read.
 */

#include "common/buf.h"
#include "common/err.h"
#include "common/span.h"

/* DA_EFORMAT when the sizes in the map do not fit it. */
enum da_rc da_charsmap_check(struct da_span map, struct da_err *err);

/* Appends text with the longest mapped sequence at each place replaced. map was checked. Bytes that
 * are not UTF-8 become U+FFFD. */
void da_charsmap_apply(struct da_span map, struct da_span text, struct da_buf *out);

#endif
