/* See copies.h. Open addressing, three quarters full at most. */

#include "ingest/copies.h"

#include <stdlib.h>

#include "common/mem.h"

enum { FIRST_SLOTS = 1024 };

void da_copies_init(struct da_copies *c)
{
    *c = (struct da_copies){NULL, 0, 0};
}

void da_copies_release(struct da_copies *c)
{
    free(c->slots);
    da_copies_init(c);
}

static struct da_copies_entry *find(const struct da_copies *c, uint64_t text)
{
    size_t i = (size_t)text & (c->n_slots - 1);
    while (c->slots[i].text != 0 && c->slots[i].text != text)
        i = (i + 1) & (c->n_slots - 1);
    return &c->slots[i];
}

static void grow(struct da_copies *c)
{
    struct da_copies old = *c;
    c->n_slots = old.n_slots == 0 ? FIRST_SLOTS : 2 * old.n_slots;
    c->slots = da_calloc(c->n_slots, sizeof *c->slots);
    for (size_t i = 0; i < old.n_slots; i++)
        if (old.slots[i].text != 0)
            *find(c, old.slots[i].text) = old.slots[i];
    free(old.slots);
}

bool da_copies_add(struct da_copies *c, uint64_t text, uint64_t doc, uint64_t *first)
{
    text += text == 0;
    if (c->n * 4 >= c->n_slots * 3)
        grow(c);
    struct da_copies_entry *e = find(c, text);
    if (e->text == text) {
        *first = e->doc;
        return false;
    }
    *e = (struct da_copies_entry){text, doc};
    c->n++;
    return true;
}
