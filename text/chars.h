#ifndef TEXT_CHARS_H
#define TEXT_CHARS_H

/* What a code point is, as far as splitting text into words and sentences cares. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/utf8.h"

enum da_char_flag {
    DA_CH_LETTER = 1 << 0, /* general category L*, and Nl */
    DA_CH_UPPER = 1 << 1,  /* Lu, Lt */
    DA_CH_LOWER = 1 << 2,  /* Ll */
    DA_CH_DIGIT = 1 << 3,  /* Nd */
    DA_CH_MARK = 1 << 4,   /* M*: belongs to the letter before it */
    DA_CH_SPACE = 1 << 5,  /* Z*, and the ASCII white space controls */
    DA_CH_PUNCT = 1 << 6,  /* P* */
    DA_CH_SYMBOL = 1 << 7, /* S* */
    DA_CH_SOLID = 1 << 8   /* a letter of a script written without spaces between words */
};

/* Flags of the ASCII characters. */
extern const uint16_t da_char_ascii[128];
unsigned da_char_flags_wide(uint32_t cp); /* of the others */

static inline unsigned da_char_flags(uint32_t cp)
{
    return cp < 0x80 ? da_char_ascii[cp] : da_char_flags_wide(cp);
}

/* da_utf8_decode, quick for ASCII. */
static inline size_t da_char_next(const char *p, const char *end, uint32_t *cp)
{
    unsigned char c = (unsigned char)*p;
    if (c < 0x80) {
        *cp = c;
        return 1;
    }
    return da_utf8_decode(p, end, cp);
}

/* Quotation marks and brackets that may stand after, or before, the end of a sentence. */
bool da_char_closes(uint32_t cp);
bool da_char_opens(uint32_t cp);

/* Columns on a terminal, roughly: 2 for East Asian wide characters, 0 for marks, else 1. */
unsigned da_char_width(uint32_t cp);

#endif
