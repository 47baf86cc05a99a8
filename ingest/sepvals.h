#ifndef INGEST_SEPVALS_H
#define INGEST_SEPVALS_H

/* Comma- and tab-separated values (RFC 4180 and its relatives) as table rows. */

#include <stddef.h>

#include "common/buf.h"

/* The separator that divides the first lines best: ',', ';', '\t' or '|'. */
char da_sepvals_separator(const char *p, size_t len);

/* Appends the rows with cells separated by " | ". Stops after about want bytes of output when
 * want is not 0; *used is how much of p that took. Returns the number of rows. */
size_t da_sepvals_write(const char *p, size_t len, char sep, size_t want, struct da_buf *out,
                    size_t *used);

#endif
