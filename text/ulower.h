#ifndef TEXT_ULOWER_H
#define TEXT_ULOWER_H

/*
 * Text as CPython 3.11 and its regex module see it: str.lower, str.isspace,
 * str.rstrip, \w (Unicode 14) and \p{P}, \p{S}, \p{N} (regex 2022.10.31,
 * Unicode 15). The reference metrics are defined by these versions, so the
 * tables never move; text/uclass.h has the current Unicode classes.
 * Tables: tools/unicode/gen_ulower.py.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/span.h"

enum {
    DA_UPY_PUNCT = 1 << 0,
    DA_UPY_SYMBOL = 1 << 1,
    DA_UPY_NUMBER = 1 << 2,
    DA_UPY_CASED = 1 << 3,     /* decides whether a capital sigma is final ... */
    DA_UPY_IGNORABLE = 1 << 4, /* ... looking past these */
    DA_UPY_SPACE = 1 << 5,     /* str.isspace: 29 code points */
    DA_UPY_WORD = 1 << 6,      /* \w */
    DA_UPY_HAS_LOWER = 1 << 7
};

struct da_upy_run {
    uint32_t first, last; /* every step-th code point from first to last */
    int32_t step, delta;
};

/* The tables; use the functions below. */
extern const unsigned char da_upy_index[4352];
extern const unsigned char da_upy_block[][256];
extern const struct da_upy_run da_upy_lower_runs[];
extern const unsigned da_upy_n_lower_runs;

/* Bits of one code point; 0 beyond U+10FFFF. */
static inline unsigned da_upy(uint32_t cp)
{
    return cp < 0x110000 ? da_upy_block[da_upy_index[cp >> 8]][cp & 255] : 0;
}

/* Bytes of the white space character at p (p < end), 0 when there is none. Valid UTF-8. */
static inline size_t da_upy_space_len(const char *p, const char *end)
{
    unsigned char c = (unsigned char)p[0];

    if (c < 0x80)
        return c == 0x20 || (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x1f);
    if (c == 0xc2)
        return end - p > 1 && ((unsigned char)p[1] == 0x85 || (unsigned char)p[1] == 0xa0) ? 2 : 0;
    if (c != 0xe1 && c != 0xe2 && c != 0xe3)
        return 0;
    if (end - p < 3)
        return 0;
    uint32_t cp = ((uint32_t)(c & 15) << 12) | ((uint32_t)((unsigned char)p[1] & 63) << 6) |
                  ((unsigned char)p[2] & 63);
    return da_upy(cp) & DA_UPY_SPACE ? 3 : 0;
}

/* Without white space at the end; at both ends. */
struct da_span da_upy_rstrip(struct da_span s);
struct da_span da_upy_strip(struct da_span s);

/* Appends str.lower() of valid UTF-8: full mapping of U+0130, final sigma in its context. */
void da_upy_lower(const char *p, size_t len, struct da_buf *out);

#endif
