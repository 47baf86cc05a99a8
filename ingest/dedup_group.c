/* See dedup_group.h. */

#include "ingest/dedup_group.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "text/minhash.h"

/* Of the documents that share a key, so many signatures are held; the others stay in the index. */
#define MAX_HELD ((size_t)16384)

uint32_t da_dedup_find(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

/* The smaller number becomes the root: which one does not matter, but must be fixed. */
void da_dedup_unite(uint32_t *parent, uint32_t a, uint32_t b)
{
    a = da_dedup_find(parent, a);
    b = da_dedup_find(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

/*
 * The documents of one key, as lists of entries that are in one component each. A document is
 * compared with a list until one entry is near: then it is in that component, and the rest of
 * the list could change nothing.
 */
struct member {
    uint32_t doc;
    uint32_t next; /* index + 1; 0: the last */
};

struct list {
    uint32_t first, last; /* index + 1 of members */
};

struct da_dedup_group {
    struct da_dedup_index *index; /* not owned */
    uint32_t *parent;             /* not owned */
    double threshold;
    uint64_t n_compared;
    struct member *members; /* [n] */
    size_t n, cap;
    struct list *lists; /* [n_lists] */
    size_t n_lists, lists_cap;
    struct da_minhash *held; /* [n_held] signatures of the first members */
    size_t n_held, held_cap;
    struct da_minhash other; /* the last one read from the index */
};

struct da_dedup_group *da_dedup_group_new(struct da_dedup_index *index, uint32_t *parent,
                                          double threshold)
{
    struct da_dedup_group *g = da_calloc(1, sizeof *g);
    g->index = index;
    g->parent = parent;
    g->threshold = threshold;
    return g;
}

void da_dedup_group_free(struct da_dedup_group *g)
{
    if (g == NULL)
        return;
    free(g->held);
    free(g->lists);
    free(g->members);
    free(g);
}

uint64_t da_dedup_group_compared(const struct da_dedup_group *g)
{
    return g->n_compared;
}

void da_dedup_group_reset(struct da_dedup_group *g)
{
    g->n = g->n_lists = g->n_held = 0;
}

/* The signature of member k (from 1), valid until the next call. */
static enum da_rc member_signature(struct da_dedup_group *g, uint32_t k,
                                   const struct da_minhash **sig, struct da_err *err)
{
    bool held = k <= g->n_held;
    *sig = held ? &g->held[k - 1] : &g->other;
    return held ? DA_OK : da_dedup_index_signature(g->index, g->members[k - 1].doc, &g->other, err);
}

/* *found: the document is in the component of list l, or near one of its entries. *known: an
 * entry has the same signature, so the list needs no further one. */
static enum da_rc belongs(struct da_dedup_group *g, const struct list *l, uint32_t doc,
                          const struct da_minhash *sig, bool *found, bool *known,
                          struct da_err *err)
{
    const struct da_minhash *other;
    uint32_t root = da_dedup_find(g->parent, g->members[l->first - 1].doc);
    *found = root == da_dedup_find(g->parent, doc);
    if (*found) {
        enum da_rc rc = member_signature(g, l->first, &other, err);
        *known = !rc && memcmp(sig, other, sizeof *sig) == 0;
        return rc;
    }
    for (uint32_t k = l->first; k && !*found; k = g->members[k - 1].next) {
        enum da_rc rc = member_signature(g, k, &other, err);
        if (rc)
            return rc;
        g->n_compared++;
        double x = da_minhash_resemblance(sig, other);
        *known = x == 1.0;
        *found = x >= g->threshold;
        if (*found)
            da_dedup_unite(g->parent, g->members[k - 1].doc, doc);
    }
    return DA_OK;
}

static void append(struct da_dedup_group *g, struct list *l, uint32_t first, uint32_t last)
{
    if (l->last)
        g->members[l->last - 1].next = first;
    else
        l->first = first;
    l->last = last;
}

/* The document becomes the last member of list l. */
static void add_member(struct da_dedup_group *g, struct list *l, uint32_t doc,
                       const struct da_minhash *sig)
{
    DA_GROW(g->members, g->n, g->cap);
    g->members[g->n++] = (struct member){doc, 0};
    append(g, l, (uint32_t)g->n, (uint32_t)g->n);
    if (g->n_held + 1 == g->n && g->n_held < MAX_HELD) {
        DA_GROW(g->held, g->n_held, g->held_cap);
        g->held[g->n_held++] = *sig;
    }
}

enum da_rc da_dedup_group_add(struct da_dedup_group *g, uint32_t doc, struct da_err *err)
{
    struct da_minhash sig;
    bool known = false, found, same = false;
    enum da_rc rc = da_dedup_index_signature(g->index, doc, &sig, err);
    if (rc)
        return rc;
    size_t home = g->n_lists;
    for (size_t i = 0; i < g->n_lists;) {
        rc = belongs(g, &g->lists[i], doc, &sig, &found, &same, err);
        if (rc)
            return rc;
        if (!found) {
            i++;
            continue;
        }
        known |= same;
        if (home == g->n_lists) {
            home = i++;
        } else { /* it bridges two components: they are one now */
            append(g, &g->lists[home], g->lists[i].first, g->lists[i].last);
            g->lists[i] = g->lists[--g->n_lists];
        }
    }
    if (known)
        return DA_OK;
    if (home == g->n_lists) {
        DA_GROW(g->lists, g->n_lists, g->lists_cap);
        g->lists[g->n_lists++] = (struct list){0, 0};
    }
    add_member(g, &g->lists[home], doc, &sig);
    return DA_OK;
}
