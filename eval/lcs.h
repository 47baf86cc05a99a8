#ifndef EVAL_LCS_H
#define EVAL_LCS_H

/*
 * Longest common subsequence of numbered tokens, 64 cells of a column at a time
 * (Crochemore et al., 2001; Hyyro, 2004). `ref` is set once and compared with
 * any number of texts. Tokens are numbers 0..n_tokens-1.
 */

#include <stddef.h>
#include <stdint.h>

struct da_lcs;

struct da_lcs *da_lcs_new(void);
void da_lcs_free(struct da_lcs *l);

/* ref stays the caller's and must outlive the comparisons. */
void da_lcs_set_ref(struct da_lcs *l, const uint32_t *ref, size_t n, uint32_t n_tokens);

size_t da_lcs_length(struct da_lcs *l, const uint32_t *can, size_t n);

/*
 * Sets hit[i] for the positions of ref on the common subsequence that
 * rouge_score's backtracking finds: from the ends, a match is taken, else the
 * last token of can is dropped where that alone keeps the length, else ref's.
 */
void da_lcs_mark(struct da_lcs *l, const uint32_t *can, size_t n, unsigned char *hit);

#endif
