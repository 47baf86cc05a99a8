#ifndef INGEST_CLEAN_H
#define INGEST_CLEAN_H

/* The last step before cutting: whatever an extractor gave becomes text fit for a record. */

#include <stddef.h>

#include "common/buf.h"

/* What was found on the way, in characters of the input. */
struct da_clean_facts {
    size_t n_chars;       /* of the result */
    size_t n_replaced;    /* invalid bytes and U+FFFD */
    size_t n_dropped;     /* controls, private use, noncharacters */
    size_t n_folded;      /* ligatures and presentation forms */
};

/*
 * Appends p (any bytes) to out as valid UTF-8 in NFC: line breaks are LF, at most one blank line
 * in a row, no white space at line ends; spaces of every width become one space (up to 16 are
 * kept at the start of a line); ligatures and Arabic and Hebrew presentation forms are folded;
 * soft hyphens, zero-width and direction marks (joiners between letters that need them stay),
 * control characters, noncharacters and private use are removed; dot leaders become "...".
 */
void da_clean(const char *p, size_t len, struct da_buf *out, struct da_clean_facts *facts);

#endif
