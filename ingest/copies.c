/*
 * See copies.h. A number of small tables, open addressing, each between seven tenths and seven
 * eighths full: they grow one at a time and by a quarter, so that a million documents take some
 * 20 MB and never the old table and the new one of all of them at once.
 */

#include "ingest/copies.h"

#include <stdlib.h>

#include "common/mem.h"

enum { FIRST_SLOTS = 16 };

void da_copies_init(struct da_copies *c)
{
    *c = (struct da_copies){{{NULL, 0, 0}}};
}

void da_copies_release(struct da_copies *c)
{
    for (size_t i = 0; i < DA_COPIES_TABLES; i++)
        free(c->tables[i].slots);
    da_copies_init(c);
}

/* The low bits of the hash choose the table; all of them, mixed, the place in it. */
static struct da_copies_entry *find(const struct da_copies_table *t, uint64_t text)
{
    size_t i = (size_t)((text * 0x9e3779b97f4a7c15u >> 32) * t->n_slots >> 32);
    while (t->slots[i].text != 0 && t->slots[i].text != text)
        i = i + 1 < t->n_slots ? i + 1 : 0;
    return &t->slots[i];
}

static void grow(struct da_copies_table *t)
{
    struct da_copies_table old = *t;
    t->n_slots = old.n_slots == 0 ? FIRST_SLOTS : old.n_slots + old.n_slots / 4;
    t->slots = da_calloc(t->n_slots, sizeof *t->slots);
    for (size_t i = 0; i < old.n_slots; i++)
        if (old.slots[i].text != 0)
            *find(t, old.slots[i].text) = old.slots[i];
    free(old.slots);
}

bool da_copies_add(struct da_copies *c, uint64_t text, uint64_t doc, uint64_t *first)
{
    text += text == 0;
    struct da_copies_table *t = &c->tables[text % DA_COPIES_TABLES];
    if (t->n * 8 >= t->n_slots * 7)
        grow(t);
    struct da_copies_entry *e = find(t, text);
    if (e->text == text) {
        *first = e->doc;
        return false;
    }
    *e = (struct da_copies_entry){text, doc};
    t->n++;
    return true;
}
