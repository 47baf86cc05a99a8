#ifndef ENGINE_TOKENIZER_TEXTMAP_H
#define ENGINE_TOKENIZER_TEXTMAP_H

/*
 * Hash table from token text to id. The hash is a polynomial over the bytes, so
 * that the hash of any part of a text follows from two prefix hashes:
 * h(a..b) = H[b] - H[a] * DA_TEXTMAP_BASE^(b - a) (mod 2^64).
 */

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/span.h"

#define DA_TEXTMAP_BASE 0xbf58476d1ce4e5b9u

struct da_vocab;

struct da_textmap {
    uint64_t *slots; /* high half: of the mixed hash; low half: id + 1, 0 empty */
    size_t mask;
    unsigned shift;
    size_t max_len; /* of a text in the map, bytes */
};

/* types: bit set of enum da_token_type to take in (1u << DA_TOKEN_NORMAL | ...). Of equal texts
 * the first counts; empty ones are left out. DA_ENOMEM. */
enum da_rc da_textmap_build(struct da_textmap *m, const struct da_vocab *v, unsigned types,
                            struct da_err *err);
void da_textmap_release(struct da_textmap *m);

static inline uint64_t da_textmap_step(uint64_t h, char c)
{
    return h * DA_TEXTMAP_BASE + (unsigned char)c + 1;
}

static inline uint64_t da_textmap_hash(struct da_span text)
{
    uint64_t h = 0;
    for (size_t i = 0; i < text.len; i++)
        h = da_textmap_step(h, text.p[i]);
    return h;
}

/* The id of text, whose hash is h, or -1. */
int32_t da_textmap_find_hashed(const struct da_textmap *m, const struct da_vocab *v,
                               struct da_span text, uint64_t h);
int32_t da_textmap_find(const struct da_textmap *m, const struct da_vocab *v,
                        struct da_span text);

#endif
