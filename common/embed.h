#ifndef COMMON_EMBED_H
#define COMMON_EMBED_H

/*
 * Files built into the program (prompts, schemas, prices, page template,
 * vocabulary). The Makefile's EMBED list says which; names are paths in the tree.
 */

#include <stddef.h>

struct da_embedded {
    const char *name; /* "prompts/annotate/system.txt" */
    const unsigned char *p;
    size_t len; /* a NUL byte follows */
};

/* NULL when there is no such file. */
const struct da_embedded *da_embed_find(const char *name);
/* All of them, in order of name. */
const struct da_embedded *da_embed_list(size_t *n);

#endif
