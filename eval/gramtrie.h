#ifndef EVAL_GRAMTRIE_H
#define EVAL_GRAMTRIE_H

/*
 * Counts of n-grams of numbered tokens, all orders 1..max_order at once, kept as
 * a trie: an n-gram is its (n-1)-gram and one more token, so nothing collides and
 * nothing is copied. One a worker, reset for each segment without clearing.
 */

#include <stddef.h>
#include <stdint.h>

enum { DA_GRAM_MAX_ORDER = 16 };

#define DA_GRAM_ABSENT UINT32_MAX /* no such n-gram */

struct da_gram_node {
    uint32_t count;  /* what da_gramtrie_add counted: the maximum over references */
    uint32_t recent; /* count within the text being added or matched */
    uint32_t stamp;  /* which text `recent` belongs to */
    uint32_t order;
};

struct da_gram_slot {
    uint64_t key; /* parent node << 32 | token */
    uint32_t node;
    uint32_t stamp; /* the slot is empty when this is not the table's */
};

struct da_gramtrie {
    struct da_gram_node *nodes; /* [n], node 0 is the empty n-gram */
    uint32_t n, cap;
    struct da_gram_slot *slots;
    uint32_t n_slots; /* a power of two */
    uint32_t stamp, text_stamp;
};

void da_gramtrie_init(struct da_gramtrie *g);
void da_gramtrie_release(struct da_gramtrie *g);
void da_gramtrie_reset(struct da_gramtrie *g);

/* Adds a text: the count of an n-gram becomes its greatest count in one text added. */
void da_gramtrie_add(struct da_gramtrie *g, const uint32_t *ids, size_t n, unsigned max_order);

/* Clipped matches of a text for each order: matches[0..max_order-1]. The table is unchanged. */
void da_gramtrie_match(struct da_gramtrie *g, const uint32_t *ids, size_t n, unsigned max_order,
                     uint64_t *matches);

/* Number of different n-grams of each order among those added. */
void da_gramtrie_distinct(const struct da_gramtrie *g, unsigned max_order, uint64_t *distinct);

/* Counting by hand: starts a text; counts a node once more in it and returns its count there. */
void da_gramtrie_next_text(struct da_gramtrie *g);
static inline uint32_t da_gram_bump(struct da_gramtrie *g, uint32_t node)
{
    struct da_gram_node *d = &g->nodes[node];

    if (d->stamp != g->text_stamp) {
        d->stamp = g->text_stamp;
        d->recent = 0;
    }
    return ++d->recent;
}

/* Node of the n-gram (parent, token), added when new or DA_GRAM_ABSENT. Root is 0. */
uint32_t da_gram_child(struct da_gramtrie *g, uint32_t parent, uint32_t token);
uint32_t da_gram_find(const struct da_gramtrie *g, uint32_t parent, uint32_t token);

#endif
