#ifndef COMMON_MAP_H
#define COMMON_MAP_H

/*
 * Hash map from byte strings to 64-bit values; keys are copied. Iteration is in
 * order of first insertion, so output made from a map is deterministic.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/span.h"

struct da_map_entry {
    struct da_span key; /* in the map's arena */
    uint64_t hash;
    uint64_t value;
};

struct da_map {
    struct da_map_entry *entries; /* [n], in order of insertion */
    size_t n, cap;
    uint32_t *slots; /* [n_slots] index + 1 into entries, 0 empty */
    size_t n_slots;  /* power of two or 0 */
    struct da_arena keys;
};

void da_map_init(struct da_map *m);
void da_map_release(struct da_map *m);
void da_map_reset(struct da_map *m);

/* The entry's value, or NULL when key is absent. Valid until the next insertion. */
uint64_t *da_map_get(const struct da_map *m, const void *key, size_t len);
/* The entry's value, a new one starting at 0. *is_new may be NULL. */
uint64_t *da_map_add(struct da_map *m, const void *key, size_t len, bool *is_new);
/* The same for who has da_hash64(key, len, 0) at hand. */
uint64_t *da_map_add_hashed(struct da_map *m, const void *key, size_t len, uint64_t hash,
                            bool *is_new);

#endif
