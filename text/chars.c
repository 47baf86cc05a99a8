/* Classes of characters; categories come from common/utf8.h, ASCII is answered without it. */

#include "text/chars.h"

#include <stddef.h>

#include "common/attr.h"
#include "common/utf8.h"

struct range {
    uint32_t first, last;
};

/* Scripts without spaces between words (Unicode block boundaries). */
static const struct range solid[] = {
    {0x0E00, 0x0EFF},   /* Thai, Lao */
    {0x1000, 0x109F},   /* Myanmar */
    {0x1780, 0x17FF},   /* Khmer */
    {0x2E80, 0x2FDF},   /* CJK radicals */
    {0x3005, 0x3007},   /* iteration mark, closing mark, zero */
    {0x3031, 0x312F},   /* kana repeat marks, Hiragana, Katakana, Bopomofo */
    {0x3190, 0x31FF},   /* Kanbun, extensions of Bopomofo and Katakana */
    {0x3400, 0x4DBF},   /* ideographs A */
    {0x4E00, 0x9FFF},   /* ideographs */
    {0xA000, 0xA4CF},   /* Yi */
    {0xF900, 0xFAFF},   /* compatibility ideographs */
    {0xFF66, 0xFF9F},   /* half-width Katakana */
    {0x1B000, 0x1B16F}, /* kana supplements */
    {0x20000, 0x3FFFF}, /* supplementary ideographs */
};

/* East Asian wide and full-width blocks, coarsely. */
static const struct range wide[] = {
    {0x1100, 0x115F}, {0x2E80, 0x303E}, {0x3041, 0x33FF},   {0x3400, 0x4DBF},
    {0x4E00, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
    {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x20000, 0x3FFFF},
};

static bool in_ranges(uint32_t cp, const struct range *r, size_t n)
{
    for (size_t i = 0; i < n && r[i].first <= cp; i++) {
        if (cp <= r[i].last)
            return true;
    }
    return false;
}

enum {
    SP = DA_CH_SPACE,
    PU = DA_CH_PUNCT,
    SY = DA_CH_SYMBOL,
    DI = DA_CH_DIGIT,
    UP = DA_CH_LETTER | DA_CH_UPPER,
    LO = DA_CH_LETTER | DA_CH_LOWER
};

const uint16_t da_char_ascii[128] = {
    0,  0,  0,  0,  0,  0,  0,  0,  0,  SP, SP, SP, SP, SP, 0,  0,  0,  0,  0,  0,  0,  0,
    0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  SP, PU, PU, PU, SY, PU, PU, PU, PU, PU, PU, SY,
    PU, PU, PU, PU, DI, DI, DI, DI, DI, DI, DI, DI, DI, DI, PU, PU, SY, SY, SY, PU, PU, UP,
    UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP,
    UP, UP, UP, PU, PU, PU, SY, PU, SY, LO, LO, LO, LO, LO, LO, LO, LO, LO, LO, LO, LO, LO,
    LO, LO, LO, LO, LO, LO, LO, LO, LO, LO, LO, LO, LO, PU, SY, PU, SY, 0,
};

unsigned da_char_flags_wide(uint32_t cp)
{
    const char *cat = da_utf8_category(cp);
    switch (cat[0]) {
    case 'L': {
        unsigned f = DA_CH_LETTER;
        if (cat[1] == 'u' || cat[1] == 't')
            f |= DA_CH_UPPER;
        else if (cat[1] == 'l')
            f |= DA_CH_LOWER;
        if (cp >= 0x0E00 && in_ranges(cp, solid, DA_ARRAY_LEN(solid)))
            f |= DA_CH_SOLID;
        return f;
    }
    case 'N': return cat[1] == 'd' ? DA_CH_DIGIT : cat[1] == 'l' ? DA_CH_LETTER : DA_CH_SYMBOL;
    case 'M': return DA_CH_MARK;
    case 'Z': return DA_CH_SPACE;
    case 'P': return DA_CH_PUNCT;
    case 'S': return DA_CH_SYMBOL;
    default: return cp == 0x85 ? DA_CH_SPACE : 0;
    }
}

bool da_char_closes(uint32_t cp)
{
    switch (cp) {
    case '"':
    case '\'':
    case ')':
    case ']':
    case '}':
    case '*':
    case '_':
    case 0x00BB:
    case 0x2019:
    case 0x201D:
    case 0x203A:
    case 0x201C:
    case 0x00AB:
    case 0x3009:
    case 0x300B:
    case 0x300D:
    case 0x300F:
    case 0x3011:
    case 0x3015:
    case 0x3017:
    case 0x3019:
    case 0x301E:
    case 0x301F:
    case 0xFF02:
    case 0xFF07:
    case 0xFF09:
    case 0xFF3D:
    case 0xFF5D:
    case 0xFF63: return true;
    default: return false;
    }
}

bool da_char_opens(uint32_t cp)
{
    switch (cp) {
    case '"':
    case '\'':
    case '(':
    case '[':
    case '{':
    case '*':
    case '_':
    case '<':
    case 0x00AB:
    case 0x00BB:
    case 0x2018:
    case 0x201A:
    case 0x201C:
    case 0x201E:
    case 0x2039:
    case 0x3008:
    case 0x300A:
    case 0x300C:
    case 0x300E:
    case 0x3010:
    case 0x3014:
    case 0x3016:
    case 0x3018:
    case 0x301D:
    case 0xFF08:
    case 0xFF3B:
    case 0xFF5B:
    case 0xFF62:
    case 0x00A1:
    case 0x00BF: return true;
    default: return false;
    }
}

unsigned da_char_width(uint32_t cp)
{
    if (cp < 0x300)
        return 1;
    if (da_char_flags(cp) & DA_CH_MARK)
        return 0;
    return cp >= 0x1100 && in_ranges(cp, wide, DA_ARRAY_LEN(wide)) ? 2 : 1;
}
