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

/* Words are short: the first eight bytes and the length are most of the identity. */
static uint64_t word_hash(const char *p, size_t len, const char *limit)
{
    uint64_t head = 0;

    if (len > 8)
        return da_hash64(p, len, 0);
    if (limit - p >= 8) {
        memcpy(&head, p, 8);
        /* little and big endian differ in the value, not in which words are equal */
        unsigned char keep[8] = {0};
        memset(keep, 0xff, len);
        uint64_t mask;
        memcpy(&mask, keep, 8);
        head &= mask;
    } else {
        memcpy(&head, p, len);
    }
    return da_mix64(head + (uint64_t)len * 0x9e3779b97f4a7c15u);
}

static void grow(struct da_wordnum *v)
{
    uint32_t n_slots = v->n_slots ? v->n_slots * 2 : FIRST_SLOTS;

    free(v->slots);
    v->slots = da_calloc(n_slots, sizeof *v->slots);
    v->n_slots = n_slots;
    for (uint32_t i = 0; i < v->n; i++) {
        uint32_t s = (uint32_t)v->entries[i].hash & (n_slots - 1);
        while (v->slots[s])
            s = (s + 1) & (n_slots - 1);
        v->slots[s] = i + 1;
    }
}

uint32_t da_wordnum_add(struct da_wordnum *v, const char *p, size_t len, const char *limit)
{
    uint64_t hash = word_hash(p, len, limit);

    if (v->n * 2 >= v->n_slots)
        grow(v);
    uint32_t s = (uint32_t)hash & (v->n_slots - 1);
    for (; v->slots[s]; s = (s + 1) & (v->n_slots - 1)) {
        const struct da_wordnum_entry *e = &v->entries[v->slots[s] - 1];
        if (e->hash == hash && e->len == len && memcmp(e->p, p, len) == 0)
            return v->slots[s] - 1;
    }
    DA_GROW(v->entries, v->n, v->cap);
    v->entries[v->n] = (struct da_wordnum_entry){
        .hash = hash, .p = da_arena_strndup(&v->bytes, p, len), .len = (uint32_t)len,
        .alias = DA_WORDNUM_NONE};
    v->slots[s] = v->n + 1;
    return v->n++;
}
