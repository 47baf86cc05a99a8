#include "eval/gramtrie.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum { FIRST_SLOTS = 1 << 11 };

void da_gramtrie_init(struct da_gramtrie *g)
{
    memset(g, 0, sizeof *g);
    g->stamp = g->text_stamp = 1;
}

void da_gramtrie_release(struct da_gramtrie *g)
{
    free(g->nodes);
    free(g->slots);
    da_gramtrie_init(g);
}

void da_gramtrie_reset(struct da_gramtrie *g)
{
    g->n = 0;
    if (++g->stamp == 0) { /* stamps have come round: now old slots could look new */
        if (g->slots)
            memset(g->slots, 0, g->n_slots * sizeof *g->slots);
        g->stamp = 1;
    }
}

static inline uint32_t slot_of(uint64_t key, uint32_t n_slots)
{
    /* Fibonacci hashing: the upper bits of the product mix all of the key */
    return (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 32) & (n_slots - 1);
}

static void rehash(struct da_gramtrie *g)
{
    uint32_t n_slots = g->n_slots ? g->n_slots * 2 : FIRST_SLOTS;
    struct da_gram_slot *slots = da_calloc(n_slots, sizeof *slots);

    for (uint32_t i = 0; i < g->n_slots; i++) {
        if (g->slots[i].stamp != g->stamp)
            continue;
        uint32_t s = slot_of(g->slots[i].key, n_slots);
        while (slots[s].stamp == g->stamp)
            s = (s + 1) & (n_slots - 1);
        slots[s] = g->slots[i];
    }
    free(g->slots);
    g->slots = slots;
    g->n_slots = n_slots;
}

static void add_node(struct da_gramtrie *g, uint32_t order)
{
    DA_GROW(g->nodes, g->n, g->cap);
    g->nodes[g->n++] = (struct da_gram_node){.order = order};
}

uint32_t da_gram_find(const struct da_gramtrie *g, uint32_t parent, uint32_t token)
{
    uint64_t key = (uint64_t)parent << 32 | token;

    if (g->n == 0)
        return DA_GRAM_ABSENT;
    for (uint32_t s = slot_of(key, g->n_slots); g->slots[s].stamp == g->stamp;
         s = (s + 1) & (g->n_slots - 1))
        if (g->slots[s].key == key)
            return g->slots[s].node;
    return DA_GRAM_ABSENT;
}

uint32_t da_gram_child(struct da_gramtrie *g, uint32_t parent, uint32_t token)
{
    uint64_t key = (uint64_t)parent << 32 | token;

    if (g->n == 0)
        add_node(g, 0);
    if ((size_t)g->n * 2 >= g->n_slots)
        rehash(g);
    uint32_t s = slot_of(key, g->n_slots);
    for (; g->slots[s].stamp == g->stamp; s = (s + 1) & (g->n_slots - 1))
        if (g->slots[s].key == key)
            return g->slots[s].node;
    g->slots[s] = (struct da_gram_slot){.key = key, .node = g->n, .stamp = g->stamp};
    add_node(g, g->nodes[parent].order + 1);
    return g->n - 1;
}

void da_gramtrie_next_text(struct da_gramtrie *g)
{
    if (++g->text_stamp != 0)
        return;
    for (uint32_t i = 0; i < g->n; i++)
        g->nodes[i].stamp = 0;
    g->text_stamp = 1;
}

void da_gramtrie_add(struct da_gramtrie *g, const uint32_t *ids, size_t n, unsigned max_order)
{
    da_gramtrie_next_text(g);
    for (size_t i = 0; i < n; i++) {
        uint32_t node = 0;
        for (unsigned o = 0; o < max_order && i + o < n; o++) {
            node = da_gram_child(g, node, ids[i + o]);
            uint32_t k = da_gram_bump(g, node);
            if (k > g->nodes[node].count)
                g->nodes[node].count = k;
        }
    }
}

void da_gramtrie_match(struct da_gramtrie *g, const uint32_t *ids, size_t n, unsigned max_order,
                     uint64_t *matches)
{
    da_gramtrie_next_text(g);
    for (unsigned o = 0; o < max_order; o++)
        matches[o] = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t node = 0;
        for (unsigned o = 0; o < max_order && i + o < n; o++) {
            node = da_gram_find(g, node, ids[i + o]);
            if (node == DA_GRAM_ABSENT)
                break;
            if (da_gram_bump(g, node) <= g->nodes[node].count)
                matches[o]++;
        }
    }
}

void da_gramtrie_distinct(const struct da_gramtrie *g, unsigned max_order, uint64_t *distinct)
{
    for (unsigned o = 0; o < max_order; o++)
        distinct[o] = 0;
    for (uint32_t i = 1; i < g->n; i++)
        if (g->nodes[i].order <= max_order)
            distinct[g->nodes[i].order - 1]++;
}
