#ifndef TEXT_UCLASS_H
#define TEXT_UCLASS_H

/*
 * Unicode properties of code points, from tables generated into the tree
 * (tools/unicode/gen_uclass.mjs), so that they never change with a library:
 * Unicode 16.0.0, the version of tiktoken 0.14 and tokenizers 0.23.
 * Code points beyond U+10FFFF count as unassigned.
 */

#include <stdbool.h>
#include <stdint.h>

/* General category, in the order of UAX 44's table; the value is stable within the tree only. */
enum da_ucat {
    DA_UCAT_CN, /* unassigned */
    DA_UCAT_LU,
    DA_UCAT_LL,
    DA_UCAT_LT,
    DA_UCAT_LM,
    DA_UCAT_LO,
    DA_UCAT_MN,
    DA_UCAT_MC,
    DA_UCAT_ME,
    DA_UCAT_ND,
    DA_UCAT_NL,
    DA_UCAT_NO,
    DA_UCAT_PC,
    DA_UCAT_PD,
    DA_UCAT_PS,
    DA_UCAT_PE,
    DA_UCAT_PI,
    DA_UCAT_PF,
    DA_UCAT_PO,
    DA_UCAT_SM,
    DA_UCAT_SC,
    DA_UCAT_SK,
    DA_UCAT_SO,
    DA_UCAT_ZS,
    DA_UCAT_ZL,
    DA_UCAT_ZP,
    DA_UCAT_CC,
    DA_UCAT_CF,
    DA_UCAT_CS,
    DA_UCAT_CO,
    DA_UCAT_COUNT
};

enum { DA_UCLASS_CATEGORY = 31, DA_UCLASS_WHITE_SPACE = 32 };

struct da_ulower_run {
    uint32_t first, last; /* every step-th code point from first to last */
    int32_t step, delta;
};

extern const char da_uclass_version[]; /* "16.0.0" */

/* The tables themselves; use the functions below. */
extern const unsigned char da_uclass_index[4352];
extern const unsigned char da_uclass_block[][256];
extern const struct da_ulower_run da_ulower_runs[];
extern const unsigned da_ulower_n_runs;

/* Category in the low five bits (DA_UCLASS_CATEGORY), plus DA_UCLASS_WHITE_SPACE. */
static inline unsigned da_uclass(uint32_t cp)
{
    return cp < 0x110000 ? da_uclass_block[da_uclass_index[cp >> 8]][cp & 255] : 0;
}

static inline enum da_ucat da_uclass_category(uint32_t cp)
{
    return (enum da_ucat)(da_uclass(cp) & DA_UCLASS_CATEGORY);
}

/* One bit a category: da_uclass_in(cp, DA_UMASK_L | DA_UMASK_N). */
#define DA_UMASK(cat) (1u << (cat))
#define DA_UMASK_RANGE(lo, hi) ((2u << (hi)) - (1u << (lo)))
#define DA_UMASK_L DA_UMASK_RANGE(DA_UCAT_LU, DA_UCAT_LO)
#define DA_UMASK_M DA_UMASK_RANGE(DA_UCAT_MN, DA_UCAT_ME)
#define DA_UMASK_N DA_UMASK_RANGE(DA_UCAT_ND, DA_UCAT_NO)
#define DA_UMASK_P DA_UMASK_RANGE(DA_UCAT_PC, DA_UCAT_PO)
#define DA_UMASK_S DA_UMASK_RANGE(DA_UCAT_SM, DA_UCAT_SO)
#define DA_UMASK_Z DA_UMASK_RANGE(DA_UCAT_ZS, DA_UCAT_ZP)
#define DA_UMASK_C (DA_UMASK_RANGE(DA_UCAT_CC, DA_UCAT_CO) | DA_UMASK(DA_UCAT_CN))

static inline bool da_uclass_in(uint32_t cp, unsigned mask)
{
    return (mask >> (da_uclass(cp) & DA_UCLASS_CATEGORY)) & 1;
}

static inline bool da_uclass_is_letter(uint32_t cp) /* \p{L} */
{
    return da_uclass_in(cp, DA_UMASK_L);
}
static inline bool da_uclass_is_number(uint32_t cp) /* \p{N} */
{
    return da_uclass_in(cp, DA_UMASK_N);
}
static inline bool da_uclass_is_mark(uint32_t cp) /* \p{M} */
{
    return da_uclass_in(cp, DA_UMASK_M);
}
static inline bool da_uclass_is_punct(uint32_t cp) /* \p{P} */
{
    return da_uclass_in(cp, DA_UMASK_P);
}
static inline bool da_uclass_is_symbol(uint32_t cp) /* \p{S} */
{
    return da_uclass_in(cp, DA_UMASK_S);
}
/* White_Space: the 25 code points that \s matches in Rust's regex and in Oniguruma. */
static inline bool da_uclass_is_space(uint32_t cp)
{
    return (da_uclass(cp) & DA_UCLASS_WHITE_SPACE) != 0;
}
/* The 29 code points of Python's str.isspace(): White_Space and U+001C..U+001F. */
static inline bool da_uclass_is_space_python(uint32_t cp)
{
    return (cp >= 0x1c && cp <= 0x1f) || da_uclass_is_space(cp);
}

/* "Lu", "Nd", "Cn": static, for any cp. */
const char *da_uclass_category_name(uint32_t cp);

/* Simple lower-case mapping; cp itself when it has none. */
uint32_t da_uclass_lower(uint32_t cp);

#endif
