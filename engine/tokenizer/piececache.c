/* The tables behind da_piece_cache: small ones from the heap, then large ones on large pages. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/bigmem.h"
#include "engine/tokenizer/tokenizer_impl.h"

enum { SMALL_BITS = 12, SMALL_LONG_BITS = 9, LARGE_BITS = 16, LARGE_LONG_BITS = 14, LINE = 64 };
static_assert(sizeof(struct da_piece_set) == LINE && sizeof(struct da_long_entry) == 2 * LINE,
              "whole cache lines");

static size_t sets_bytes(const struct da_piece_cache *c)
{
    return sizeof *c->sets << c->bits;
}

static size_t longs_bytes(const struct da_piece_cache *c)
{
    return sizeof *c->longs << c->long_bits;
}

static void lay_out(struct da_piece_cache *c, void *p)
{
    c->sets = p;
    c->longs = (struct da_long_entry *)(void *)(c->sets + ((size_t)1 << c->bits));
}

void da_piece_cache_init(struct da_piece_cache *c)
{
    *c = (struct da_piece_cache){.bits = SMALL_BITS, .long_bits = SMALL_LONG_BITS};
    c->block = da_calloc(1, sets_bytes(c) + longs_bytes(c) + LINE);
    lay_out(c, (char *)c->block + (LINE - (uintptr_t)c->block % LINE) % LINE);
}

void da_piece_cache_release(struct da_piece_cache *c)
{
    if (!c->block)
        da_big_free(c->sets, sets_bytes(c) + longs_bytes(c));
    free(c->block);
}

void da_piece_cache_clear(struct da_piece_cache *c)
{
    memset(c->sets, 0, sets_bytes(c) + longs_bytes(c));
}

void da_piece_cache_grow(struct da_piece_cache *c)
{
    const struct da_piece_cache old = *c;
    c->bits = LARGE_BITS;
    c->long_bits = LARGE_LONG_BITS;
    void *p = da_big_alloc(sets_bytes(c) + longs_bytes(c));
    assert(p); /* fixed and small: fails as da_malloc does */
    lay_out(c, p);
    c->block = NULL;
    for (size_t i = 0; i < (size_t)1 << old.bits; i++)
        for (int way = 1; way >= 0; way--) { /* the newer one last */
            const struct da_piece_entry *e = &old.sets[i].way[way];
            struct da_piece_key k = {{e->key.w[0], e->key.w[1] & DA_PIECE_KEY_MASK}};
            if (k.w[1])
                da_piece_put(&c->sets[da_piece_hash(k) >> (64 - c->bits)], k, e->ids,
                             e->key.w[1] >> 60);
        }
    free(old.block);
}
