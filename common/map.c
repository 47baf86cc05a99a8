/* Open addressing with linear probing over an array of entries kept in order of insertion. */

#include "common/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"

void da_map_init(struct da_map *m)
{
    memset(m, 0, sizeof *m);
    da_arena_init(&m->keys);
}

void da_map_release(struct da_map *m)
{
    free(m->entries);
    free(m->slots);
    da_arena_release(&m->keys);
    da_map_init(m);
}

void da_map_reset(struct da_map *m)
{
    m->n = 0;
    if (m->slots)
        memset(m->slots, 0, m->n_slots * sizeof *m->slots);
    da_arena_reset(&m->keys);
}

/* Slot that holds key, or the empty one where it would go. */
static size_t find_slot(const struct da_map *m, struct da_span key, uint64_t hash)
{
    size_t i = (size_t)hash & (m->n_slots - 1);
    while (m->slots[i]) {
        const struct da_map_entry *e = &m->entries[m->slots[i] - 1];
        if (e->hash == hash && da_span_eq(e->key, key))
            break;
        i = (i + 1) & (m->n_slots - 1);
    }
    return i;
}

static void rehash(struct da_map *m)
{
    size_t n_slots = m->n_slots ? m->n_slots * 2 : 16;
    size_t i;
    free(m->slots);
    m->slots = da_calloc(n_slots, sizeof *m->slots);
    m->n_slots = n_slots;
    for (i = 0; i < m->n; i++) {
        size_t s = (size_t)m->entries[i].hash & (n_slots - 1);
        while (m->slots[s])
            s = (s + 1) & (n_slots - 1);
        m->slots[s] = (uint32_t)(i + 1);
    }
}

uint64_t *da_map_get(const struct da_map *m, const void *key, size_t len)
{
    size_t s;
    if (m->n == 0)
        return NULL;
    s = find_slot(m, da_span(key, len), da_hash64(key, len, 0));
    return m->slots[s] ? &m->entries[m->slots[s] - 1].value : NULL;
}

uint64_t *da_map_add(struct da_map *m, const void *key, size_t len, bool *is_new)
{
    return da_map_add_hashed(m, key, len, da_hash64(key, len, 0), is_new);
}

uint64_t *da_map_add_hashed(struct da_map *m, const void *key, size_t len, uint64_t hash,
                            bool *is_new)
{
    struct da_map_entry *e;
    size_t s;
    if (m->n * 4 >= m->n_slots * 3)
        rehash(m);
    s = find_slot(m, da_span(key, len), hash);
    if (is_new)
        *is_new = m->slots[s] == 0;
    if (m->slots[s])
        return &m->entries[m->slots[s] - 1].value;
    assert(m->n < UINT32_MAX - 1);
    DA_GROW(m->entries, m->n, m->cap);
    e = &m->entries[m->n++];
    e->key = da_span(da_arena_strndup(&m->keys, key, len), len);
    e->hash = hash;
    e->value = 0;
    m->slots[s] = (uint32_t)m->n;
    return &e->value;
}
