/* Edges stand in one hash table under (node, byte); it grows while tokens come in. */

#include "engine/tokenizer/trie.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/tokenizer/vocab.h"

enum { MAX_NODES = 1 << 24 }; /* a node and a byte share 32 bits */

struct edge {
    uint32_t key;    /* node << 8 | byte */
    uint32_t target; /* 0: empty slot, for nothing leads to the root */
};

struct da_trie {
    struct edge *edges; /* at most half full */
    size_t mask;
    int32_t *tokens; /* [n_nodes] */
    size_t n_nodes, cap_nodes;
};

static size_t place(uint32_t key, size_t mask)
{
    uint64_t h = (uint64_t)key * 0x9e3779b97f4a7c15u;
    return (size_t)(h >> 32 ^ h >> 17) & mask;
}

static struct edge *find(const struct da_trie *t, uint32_t key)
{
    size_t i = place(key, t->mask);
    while (t->edges[i].target != 0 && t->edges[i].key != key)
        i = (i + 1) & t->mask;
    return &t->edges[i];
}

uint32_t da_trie_step(const struct da_trie *t, uint32_t node, unsigned char c)
{
    const struct edge *e = find(t, node << 8 | c);
    return e->target ? e->target : UINT32_MAX;
}

int32_t da_trie_token(const struct da_trie *t, uint32_t node)
{
    return t->tokens[node];
}

static bool resize(struct da_trie *t, size_t n)
{
    struct da_trie bigger = *t;
    bigger.edges = da_try_alloc(n, sizeof *bigger.edges);
    bigger.mask = n - 1;
    if (!bigger.edges)
        return false;
    for (size_t i = 0; t->edges && i <= t->mask; i++)
        if (t->edges[i].target != 0)
            *find(&bigger, t->edges[i].key) = t->edges[i];
    free(t->edges);
    *t = bigger;
    return true;
}

static enum da_rc add(struct da_trie *t, struct da_span text, int32_t id, struct da_err *err)
{
    uint32_t node = DA_TRIE_ROOT;
    for (size_t i = 0; i < text.len; i++) {
        struct edge *e = find(t, node << 8 | (unsigned char)text.p[i]);
        if (e->target == 0) {
            if (t->n_nodes == MAX_NODES)
                return da_fail(err, DA_ELIMIT, "the tokens have more than %d beginnings",
                               MAX_NODES);
            if (2 * t->n_nodes >= t->mask) {
                if (!resize(t, 2 * (t->mask + 1)))
                    return da_fail(err, DA_ENOMEM, "no memory for the tokens' beginnings");
                e = find(t, node << 8 | (unsigned char)text.p[i]);
            }
            DA_GROW(t->tokens, t->n_nodes, t->cap_nodes);
            t->tokens[t->n_nodes] = -1;
            *e = (struct edge){node << 8 | (unsigned char)text.p[i], (uint32_t)t->n_nodes++};
        }
        node = e->target;
    }
    if (t->tokens[node] < 0)
        t->tokens[node] = id;
    return DA_OK;
}

enum da_rc da_trie_new(struct da_trie **ret, const struct da_vocab *v, unsigned types,
                       struct da_err *err)
{
    struct da_trie *t = da_calloc(1, sizeof *t);
    enum da_rc rc = DA_OK;
    DA_GROW(t->tokens, t->n_nodes, t->cap_nodes);
    t->tokens[t->n_nodes++] = -1;
    if (!resize(t, 1024))
        rc = da_fail(err, DA_ENOMEM, "no memory for the tokens' beginnings");
    for (size_t i = 0; i < v->n && rc == DA_OK; i++)
        if ((types >> v->tokens[i].type & 1) && v->tokens[i].len > 0)
            rc = add(t, da_vocab_text(v, (int32_t)i), (int32_t)i, err);
    if (rc != DA_OK)
        da_trie_free(t);
    else
        *ret = t;
    return rc;
}

void da_trie_free(struct da_trie *t)
{
    if (!t)
        return;
    free(t->edges);
    free(t->tokens);
    free(t);
}
