#include "eval/wordnum.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"

enum { FIRST_SLOTS = 1 << 12 };

void da_wordnum_init(struct da_wordnum *v)
{
    memset(v, 0, sizeof *v);
    da_arena_init(&v->bytes);
}

void da_wordnum_release(struct da_wordnum *v)
{
    free(v->entries);
    free(v->slots);
    da_arena_release(&v->bytes);
    da_wordnum_init(v);
}

void da_wordnum_reset(struct da_wordnum *v)
{
    v->n = 0;
    if (v->slots)
        memset(v->slots, 0, v->n_slots * sizeof *v->slots);
    da_arena_reset(&v->bytes);
}

/* Of a word of up to eight bytes the bytes themselves, zeros behind; else a hash. */
static inline uint64_t key_of(const char *p, size_t len, const char *limit)
{
    /* all ones for the first len bytes in memory, whatever the byte order */
    static const unsigned char keep[16] = {255, 255, 255, 255, 255, 255, 255, 255};
    uint64_t key = 0, mask;

    if (len > 8)
        return da_hash64(p, len, 0);
    if (limit - p < 8) {
        memcpy(&key, p, len);
        return key;
    }
    memcpy(&key, p, 8);
    memcpy(&mask, keep + 8 - len, 8);
    return key & mask;
}

static inline uint32_t slot_of(uint64_t key, uint32_t len, uint32_t n_slots)
{
    return (uint32_t)(((key ^ len) * 0x9e3779b97f4a7c15u) >> 32) & (n_slots - 1);
}

static void grow(struct da_wordnum *v)
{
    uint32_t n_slots = v->n_slots ? v->n_slots * 2 : FIRST_SLOTS;
    struct da_wordnum_slot *slots = da_calloc(n_slots, sizeof *slots);

    for (uint32_t i = 0; i < v->n_slots; i++) {
        const struct da_wordnum_slot *old = &v->slots[i];
        if (!old->number)
            continue;
        uint32_t s = slot_of(old->key, old->len, n_slots);
        while (slots[s].number)
            s = (s + 1) & (n_slots - 1);
        slots[s] = *old;
    }
    free(v->slots);
    v->slots = slots;
    v->n_slots = n_slots;
}

uint32_t da_wordnum_add(struct da_wordnum *v, const char *p, size_t len, const char *limit)
{
    uint64_t key = key_of(p, len, limit);

    if (v->n * 2 >= v->n_slots)
        grow(v);
    uint32_t s = slot_of(key, (uint32_t)len, v->n_slots);
    for (; v->slots[s].number; s = (s + 1) & (v->n_slots - 1)) {
        const struct da_wordnum_slot *x = &v->slots[s];
        if (x->key == key && x->len == len &&
            (len <= 8 || memcmp(v->entries[x->number - 1].p, p, len) == 0))
            return x->number - 1;
    }
    DA_GROW(v->entries, v->n, v->cap);
    v->entries[v->n] = (struct da_wordnum_entry){
        .p = da_arena_strndup(&v->bytes, p, len), .len = (uint32_t)len, .alias = DA_WORDNUM_NONE};
    v->slots[s] = (struct da_wordnum_slot){key, (uint32_t)len, ++v->n};
    return v->n - 1;
}
