/* The table is made by tools/build/embed.sh, sorted by name. */

#include "common/embed.h"

#include <stdlib.h>
#include <string.h>

extern const struct da_embedded da_embed_table[];
extern const size_t da_embed_count;

static int by_name(const void *key, const void *entry)
{
    return strcmp(key, ((const struct da_embedded *)entry)->name);
}

const struct da_embedded *da_embed_find(const char *name)
{
    return bsearch(name, da_embed_table, da_embed_count, sizeof *da_embed_table, by_name);
}

const struct da_embedded *da_embed_list(size_t *n)
{
    *n = da_embed_count;
    return da_embed_table;
}
