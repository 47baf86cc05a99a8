#ifndef ENGINE_DRAFT_H
#define ENGINE_DRAFT_H

/*
 * Prompt-lookup drafting: an answer that repeats the document is guessed from it.
 * The end of the text so far is looked for earlier in the text, and what followed
 * there is proposed. Proposals are verified in one step and cannot change what is
 * generated, only how many steps it takes.
 */

#include <stddef.h>
#include <stdint.h>

enum { DA_DRAFT_MAX = 7 }; /* with the token itself a tile of 8 */

/* The text is prompt followed by out. Writes at most max tokens; returns their number, 0 when the
 * last two tokens have not been seen together before. */
uint32_t da_draft_lookup(const int32_t *prompt, size_t n_prompt, const int32_t *out, size_t n_out,
                         uint32_t max, int32_t *draft);

#endif
