#ifndef INGEST_COPIES_H
#define INGEST_COPIES_H

/* The texts seen so far, as 64 bits of their SHA-256 each, with the id of the document that had
 * it first: 16 bytes an entry, so a million documents take 32 MiB at most. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct da_copies_entry {
    uint64_t text; /* never 0 in a used entry */
    uint64_t doc;
};

enum { DA_COPIES_TABLES = 256 };
struct da_copies_table {
    struct da_copies_entry *slots; /* [n_slots], owned */
    size_t n, n_slots;
};
struct da_copies {
    struct da_copies_table tables[DA_COPIES_TABLES];
};

void da_copies_init(struct da_copies *c);
void da_copies_release(struct da_copies *c);

/* True when the text is new (and is noted); else *first is the document that had it. */
bool da_copies_add(struct da_copies *c, uint64_t text, uint64_t doc, uint64_t *first);

#endif
