#ifndef ENGINE_TOKENIZER_TRIE_H
#define ENGINE_TOKENIZER_TRIE_H

/* Trie over token texts: which tokens begin at a place in a text. */

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/span.h"

struct da_vocab;
struct da_trie;

/* Takes in the tokens of the types set in the bit set; of equal texts the first counts.
 * DA_ELIMIT when the texts have too many different beginnings, DA_ENOMEM. */
enum da_rc da_trie_new(struct da_trie **ret, const struct da_vocab *v, unsigned types,
                       struct da_err *err);
void da_trie_free(struct da_trie *t); /* NULL allowed */

enum { DA_TRIE_ROOT = 0 };
/* The node behind node over byte c, or UINT32_MAX. */
uint32_t da_trie_step(const struct da_trie *t, uint32_t node, unsigned char c);
/* The token that ends at node, or -1. */
int32_t da_trie_token(const struct da_trie *t, uint32_t node);

#endif
