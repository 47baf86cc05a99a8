#ifndef EVAL_WORDNUM_H
#define EVAL_WORDNUM_H

/*
 * Words to small numbers, so that n-grams are tuples of integers. Numbers stay
 * the same until the vocabulary is reset; equal bytes get equal numbers and
 * different bytes different ones. One a worker; not thread-safe.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/span.h"

/* Past this many words the owner resets between segments, so memory stays flat. */
enum { DA_WORDNUM_MAX_WORDS = 1 << 15 };

struct da_wordnum_entry {
    const char *p; /* in the arena */
    uint32_t len;
    uint32_t alias; /* DA_WORDNUM_NONE, or what the owner attached: the number of the stem */
};

#define DA_WORDNUM_NONE UINT32_MAX /* nothing attached */

/* A word of up to eight bytes is its own key, so that finding it touches nothing else. */
struct da_wordnum_slot {
    uint64_t key; /* the bytes, or a hash of more than eight */
    uint32_t len;
    uint32_t number; /* plus 1; 0: empty */
};

struct da_wordnum {
    struct da_wordnum_entry *entries; /* [n] */
    uint32_t n, cap;
    struct da_wordnum_slot *slots;
    uint32_t n_slots; /* a power of two */
    struct da_arena bytes;
};

void da_wordnum_init(struct da_wordnum *v);
void da_wordnum_release(struct da_wordnum *v);
void da_wordnum_reset(struct da_wordnum *v);

/* The word's number, a new one when it was not there. limit: end of the readable bytes behind p. */
uint32_t da_wordnum_add(struct da_wordnum *v, const char *p, size_t len, const char *limit);

static inline struct da_span da_wordnum_word(const struct da_wordnum *v, uint32_t id)
{
    return da_span(v->entries[id].p, v->entries[id].len);
}

#endif
