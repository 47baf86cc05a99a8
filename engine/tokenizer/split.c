/*
 * The scanners behind split.h.
 *
 * Every character has a set of class bits; ASCII from a table, the rest through
 * text/uclass.h. A scanner follows the alternatives of its expression in order
 * and computes where backtracking would have ended instead of trying it.
 */

#include "engine/tokenizer/split.h"

#include <string.h>

#include "common/attr.h"
#include "text/uclass.h"

enum {
    L = 1 << 0,    /* \p{L} */
    N = 1 << 1,    /* \p{N} */
    S = 1 << 2,    /* \s */
    R = 1 << 3,    /* [\r\n] */
    UP = 1 << 4,   /* U of split.h */
    LOW = 1 << 5,  /* W of split.h */
    M = 1 << 6,    /* \p{M} */
    P = 1 << 7,    /* \p{P} */
    SYM = 1 << 8,  /* \p{S} */
    /* shorthands of the ASCII table */
    UC = L | UP,
    LC = L | LOW,
    CR = S | R,
    OT = 0
};

static const uint16_t ascii_class[128] = {
    OT, OT, OT, OT, OT, OT, OT, OT, OT, S,  CR, S,  S,   CR,  OT,  OT,
    OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT,  OT,  OT,  OT,
    S,  P,  P,  P,  SYM, P, P,  P,  P,  P,  P,  SYM, P,  P,   P,   P,
    N,  N,  N,  N,  N,  N,  N,  N,  N,  N,  P,  P,  SYM, SYM, SYM, P,
    P,  UC, UC, UC, UC, UC, UC, UC, UC, UC, UC, UC, UC,  UC,  UC,  UC,
    UC, UC, UC, UC, UC, UC, UC, UC, UC, UC, UC, P,  P,   P,   SYM, P,
    SYM, LC, LC, LC, LC, LC, LC, LC, LC, LC, LC, LC, LC, LC,  LC,  LC,
    LC, LC, LC, LC, LC, LC, LC, LC, LC, LC, LC, P,  SYM, P,   SYM, OT,
};

/* ASCII that ends a run of small letters for good: all but small letters and the apostrophe. */
static const unsigned char ascii_ends_word[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1,
};

static const uint16_t category_class[DA_UCAT_COUNT] = {
    [DA_UCAT_LU] = L | UP,       [DA_UCAT_LL] = L | LOW,
    [DA_UCAT_LT] = L | UP,       [DA_UCAT_LM] = L | UP | LOW,
    [DA_UCAT_LO] = L | UP | LOW, [DA_UCAT_MN] = M | UP | LOW,
    [DA_UCAT_MC] = M | UP | LOW, [DA_UCAT_ME] = M | UP | LOW,
    [DA_UCAT_ND] = N,            [DA_UCAT_NL] = N,
    [DA_UCAT_NO] = N,            [DA_UCAT_PC] = P,
    [DA_UCAT_PD] = P,            [DA_UCAT_PS] = P,
    [DA_UCAT_PE] = P,            [DA_UCAT_PI] = P,
    [DA_UCAT_PF] = P,            [DA_UCAT_PO] = P,
    [DA_UCAT_SM] = SYM,          [DA_UCAT_SC] = SYM,
    [DA_UCAT_SK] = SYM,          [DA_UCAT_SO] = SYM,
};

/* Decodes strictly (RFC 3629); an invalid byte gives U+FFFD and length 1. */
static inline uint32_t decode(const unsigned char *p, size_t left, unsigned *len)
{
    uint32_t c = p[0];
    if (c >= 0xc2 && c <= 0xdf && left >= 2 && (p[1] & 0xc0) == 0x80) {
        *len = 2;
        return (c & 31) << 6 | (p[1] & 63u);
    }
    if ((c & 0xf0) == 0xe0 && left >= 3 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80) {
        uint32_t cp = (c & 15) << 12 | (p[1] & 63u) << 6 | (p[2] & 63u);
        if (cp >= 0x800 && (cp < 0xd800 || cp > 0xdfff)) {
            *len = 3;
            return cp;
        }
    }
    if (c >= 0xf0 && c <= 0xf4 && left >= 4 && (p[1] & 0xc0) == 0x80 &&
        (p[2] & 0xc0) == 0x80 && (p[3] & 0xc0) == 0x80) {
        uint32_t cp = (c & 7) << 18 | (p[1] & 63u) << 12 | (p[2] & 63u) << 6 | (p[3] & 63u);
        if (cp >= 0x10000 && cp <= 0x10ffff) {
            *len = 4;
            return cp;
        }
    }
    *len = 1;
    return c < 0x80 ? c : 0xfffd;
}

static unsigned wide_class(const unsigned char *p, size_t left, unsigned *len)
{
    unsigned u = da_uclass(decode(p, left, len));
    return category_class[u & DA_UCLASS_CATEGORY] | (u & DA_UCLASS_WHITE_SPACE ? S : 0);
}

/* Class bits of the character at at < end, and its length in bytes. */
static inline unsigned class_at(const unsigned char *p, size_t at, size_t end, unsigned *len)
{
    if (DA_LIKELY(p[at] < 0x80)) {
        *len = 1;
        return ascii_class[p[at]];
    }
    return wide_class(p + at, end - at, len);
}

/* Index of the first byte in memory whose high bit is set in word; word is not 0. */
static inline size_t first_byte(uint64_t word)
{
    const uint64_t one = 1;
    unsigned char low;
    memcpy(&low, &one, 1);
    if (low)
        return DA_CTZ64(word) >> 3;
    size_t i = 0;
    while (!(word >> (56 - 8 * i) & 0x80))
        i++;
    return i;
}

/*
 * First offset from at that is no ASCII letter (fold), or no lower-case one; it
 * may stop early within the last eight bytes. Eight bytes at a time: the high bit
 * of (b | 80) - 61 says whether b's low seven bits reach 'a', of (b | 80) - 7b
 * whether they pass 'z'; nothing is borrowed between bytes.
 */
static inline size_t ascii_run(const unsigned char *p, size_t at, size_t end, bool fold)
{
    const uint64_t high = 0x8080808080808080u;
    for (; end - at >= 8; at += 8) {
        uint64_t x;
        memcpy(&x, p + at, 8);
        uint64_t y = (fold ? x | 0x2020202020202020u : x) | high;
        uint64_t letter = (y - 0x6161616161616161u) & ~(y - 0x7b7b7b7b7b7b7b7bu) & ~x & high;
        if (letter != high)
            return at + first_byte(~letter & high);
    }
    return at;
}

/* First offset from at whose character has none of the bits. */
static inline size_t run_of(const unsigned char *p, size_t at, size_t end, unsigned bits)
{
    if (bits & L)
        at = ascii_run(p, at, end, true);
    else if (bits & LOW)
        at = ascii_run(p, at, end, false);
    while (at < end) {
        unsigned len, c = class_at(p, at, end, &len);
        if (!(c & bits))
            break;
        at += len;
    }
    return at;
}

/* First offset from at whose character has one of the bits. */
static inline size_t run_without(const unsigned char *p, size_t at, size_t end, unsigned bits)
{
    while (at < end) {
        unsigned len, c = class_at(p, at, end, &len);
        if (c & bits)
            break;
        at += len;
    }
    return at;
}

/* At most max characters that have one of the bits. */
static inline size_t few_of(const unsigned char *p, size_t at, size_t end, unsigned bits,
                            unsigned max)
{
    while (at < end && max-- > 0) {
        unsigned len, c = class_at(p, at, end, &len);
        if (!(c & bits))
            break;
        at += len;
    }
    return at;
}

static inline bool is_lower(unsigned char c, char want)
{
    return (c | 32) == want;
}

/* Length of a contraction at at, or 0: 's 't 're 've 'm 'll 'd. Simple case folding takes U+017F
 * (long s) to s. */
static size_t contraction(const unsigned char *p, size_t at, size_t end, bool fold)
{
    size_t left = end - at;
    if (left < 2 || p[at] != '\'')
        return 0;
    unsigned char a = p[at + 1], b = left > 2 ? p[at + 2] : 0;
    if (!fold) {
        if (a == 's' || a == 't' || a == 'm' || a == 'd')
            return 2;
        return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
    }
    if (is_lower(a, 's') || is_lower(a, 't') || is_lower(a, 'm') || is_lower(a, 'd'))
        return 2;
    if (a == 0xc5 && b == 0xbf)
        return 3;
    return (is_lower(a, 'r') && is_lower(b, 'e')) || (is_lower(a, 'v') && is_lower(b, 'e')) ||
                   (is_lower(a, 'l') && is_lower(b, 'l'))
               ? 3
               : 0;
}

enum white { WHITE_PLAIN, WHITE_LINES, WHITE_CL100K };

/*
 * White space from at on. PLAIN: \s+(?!\S)|\s+. LINES: \s*[\r\n]+ before these,
 * which greedily ends after the run's last line break. CL100K: \s+$ before all.
 */
static size_t white_space(const unsigned char *p, size_t at, size_t end, enum white mode)
{
    size_t e = at, last = at, after_break = at;
    while (e < end) {
        unsigned len, c = class_at(p, e, end, &len);
        if (!(c & S))
            break;
        last = e;
        e += len;
        if (c & R)
            after_break = e;
    }
    if (mode == WHITE_CL100K && e == end)
        return e;
    if (mode != WHITE_PLAIN && after_break > at)
        return after_break;
    return e == end || last == at ? e : last;
}

static size_t gpt2_next(const unsigned char *p, size_t at, size_t end)
{
    size_t n = contraction(p, at, end, false);
    if (n > 0)
        return at + n;
    unsigned len, c = class_at(p, at, end, &len);
    size_t from = at + len;
    if (p[at] == ' ' && from < end) {
        c = class_at(p, from, end, &len);
        from += len;
    }
    if (c & L)
        return run_of(p, from, end, L);
    if (c & N)
        return run_of(p, from, end, N);
    if (!(c & S))
        return run_without(p, from, end, S | L | N);
    return white_space(p, at, end, WHITE_PLAIN);
}

/* The family of cl100k: letter is the class that words are made of. */
static inline size_t cl100k_next(const unsigned char *p, size_t at, size_t end, unsigned digits,
                                 unsigned letter, enum white mode)
{
    size_t n = contraction(p, at, end, true);
    if (n > 0)
        return at + n;
    unsigned len, c = class_at(p, at, end, &len);
    size_t from = at + len;
    if (!(c & (L | N | R)) && from < end) {
        unsigned len2, c2 = class_at(p, from, end, &len2);
        if (c2 & letter)
            return run_of(p, from + len2, end, letter);
        if (p[at] == ' ' && !(c2 & (S | L | N | letter)))
            return run_of(p, run_without(p, from + len2, end, S | L | N | letter), end, R);
    }
    if (c & letter)
        return run_of(p, from, end, letter);
    if (c & N)
        return few_of(p, at, end, N, digits);
    if (c & S)
        return white_space(p, at, end, mode);
    return run_of(p, run_without(p, from, end, S | L | N | letter), end, R);
}

/*
 * A word of o200k from at on (without its prefix character), or at when there is
 * none. U*W+ takes the longest run of U; when no W follows, it gives back
 * characters until the last one that is W too. Without any, U+W* takes the run
 * and *upper_only says so.
 */
static size_t cased_word(const unsigned char *p, size_t at, size_t end, bool *upper_only)
{
    size_t e = at, after_both = at;
    *upper_only = false;
    while (e < end) {
        unsigned len, c = class_at(p, e, end, &len);
        if (!(c & UP)) {
            if (c & LOW)
                return run_of(p, e + len, end, LOW);
            break;
        }
        e += len;
        if (c & LOW)
            after_both = e;
    }
    *upper_only = after_both == at;
    return *upper_only ? e : after_both;
}

static inline size_t o200k_next(const unsigned char *p, size_t at, size_t end, unsigned digits,
                                bool contractions)
{
    /* The usual word: perhaps a space, perhaps one capital, small letters, and neither another
     * letter nor an apostrophe behind them. */
    size_t word = at + (p[at] == ' ');
    word += word < end && p[word] >= 'A' && p[word] <= 'Z';
    size_t after = ascii_run(p, word, end, false);
    if (DA_LIKELY(after > word && after < end && ascii_ends_word[p[after]]))
        return after;

    unsigned len, c = class_at(p, at, end, &len);
    size_t from = at + len, e = at;
    bool upper_only;
    if (c & L) {
        e = cased_word(p, at, end, &upper_only);
    } else if (!(c & (N | R))) {
        e = cased_word(p, from, end, &upper_only);
        /* A mark is prefix, U and W at once: with no W behind it U*W+ gives back all but the
         * mark itself before U+W* gets its turn. */
        if (upper_only && (c & M))
            e = from;
        else if (e == from)
            e = at;
    }
    if (e > at)
        return contractions ? e + contraction(p, e, end, true) : e;
    if (c & N)
        return few_of(p, at, end, N, digits);
    if (p[at] == ' ' && from < end) {
        unsigned len2, c2 = class_at(p, from, end, &len2);
        if (!(c2 & (S | L | N))) {
            c = c2;
            from += len2;
        }
    }
    if (c & S)
        return white_space(p, at, end, WHITE_LINES);
    e = run_without(p, from, end, S | L | N);
    while (e < end && (p[e] == '\r' || p[e] == '\n' || p[e] == '/'))
        e++;
    return e;
}

static bool is_ascii_letter(unsigned char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

/* End of the match of DeepSeek V3's third expression at at, or at when there is none. */
static size_t deepseek3_match(const unsigned char *p, size_t at, size_t end)
{
    unsigned len, c = class_at(p, at, end, &len), c2 = 0, len2 = 0;
    size_t from = at + len;
    if (from < end)
        c2 = class_at(p, from, end, &len2);
    if (p[at] < 0x80 && (c & (P | SYM)) && from < end && is_ascii_letter(p[from])) {
        while (from < end && is_ascii_letter(p[from]))
            from++;
        return from;
    }
    if (c & (L | M))
        return run_of(p, from, end, L | M);
    if (!(c & (R | P | SYM)) && (c2 & (L | M)))
        return run_of(p, from + len2, end, L | M);
    if (p[at] == ' ' && (c2 & (P | SYM)))
        return run_of(p, run_of(p, from + len2, end, P | SYM), end, R);
    if (c & (P | SYM))
        return run_of(p, run_of(p, from, end, P | SYM), end, R);
    return c & S ? white_space(p, at, end, WHITE_LINES) : at;
}

static size_t deepseek3_next(const unsigned char *p, size_t at, size_t end)
{
    size_t e = deepseek3_match(p, at, end);
    if (e > at)
        return e;
    /* Nothing matches here: the gap up to the next match is a piece. */
    do {
        unsigned len;
        (void)class_at(p, e, end, &len);
        e += len;
    } while (e < end && deepseek3_match(p, e, end) == e);
    return e;
}

static bool is_ascii_punct(unsigned char c)
{
    return c < 0x80 && (ascii_class[c] & (P | SYM));
}

static bool is_bloom_stop(uint32_t cp)
{
    switch (cp) {
    case '(': case ')': case '|': case '.': case ',': case '!': case '?':
    case 0x2026: case 0x3002: case 0xff0c: case 0x3001: case 0x964: case 0x6d4: case 0x60c:
        return true;
    default:
        return false;
    }
}

/* Whether the character that stands for a byte in byte-level vocabularies is a \p{N}: bytes that are
 * printable in Latin-1 stand for themselves, the others are letters beyond it. */
static bool is_byte_digit(unsigned char b)
{
    return (b >= '0' && b <= '9') || b == 0xb2 || b == 0xb3 || b == 0xb9 ||
           (b >= 0xbc && b <= 0xbe);
}

/* Whether the character at at belongs to the class whose runs the step isolates. */
static bool in_run_class(enum da_split_step step, const unsigned char *p, size_t at, size_t end,
                         unsigned *len)
{
    unsigned c = class_at(p, at, end, len);
    uint32_t cp;
    switch (step) {
    case DA_SPLIT_DIGITS:
    case DA_SPLIT_DIGIT_RUNS:
    case DA_SPLIT_DIGITS_1TO3:
        return c & N;
    case DA_SPLIT_PUNCT:
    case DA_SPLIT_PUNCT_RUNS:
        return (c & P) || is_ascii_punct(p[at]);
    case DA_SPLIT_BYTE_DIGIT:
    case DA_SPLIT_BYTE_DIGITS:
        *len = 1;
        return is_byte_digit(p[at]);
    case DA_SPLIT_PUNCT_DEFAULT:
        return (c & P) || (is_ascii_punct(p[at]) && p[at] != '`');
    case DA_SPLIT_NEWLINES:
        return c & R;
    case DA_SPLIT_LINES:
        return p[at] == '\n';
    case DA_SPLIT_CJK_RUNS:
        cp = decode(p + at, end - at, len);
        return (cp >= 0x4e00 && cp <= 0x9fa5) || (cp >= 0x3040 && cp <= 0x30ff);
    case DA_SPLIT_CODER_CJK:
        cp = decode(p + at, end - at, len);
        return (cp >= 0x800 && cp <= 0x9fa5) || (cp >= 0xac00 && cp <= 0xd7ff);
    case DA_SPLIT_BLOOM:
        return !(c & S) && !is_bloom_stop(decode(p + at, end - at, len));
    case DA_SPLIT_SPACE_P:
        return c & P;
    default: /* DA_SPLIT_SPACE_L */
        return c & L;
    }
}

/* Isolates runs of a class: at most max characters of it, else the gap up to the next one. With
 * prefix S or ' ' one such character before a run belongs to it. */
static size_t run_next(enum da_split_step step, const unsigned char *p, size_t at, size_t end,
                       unsigned max, unsigned prefix)
{
    unsigned len;
    size_t e = at;
    bool in = in_run_class(step, p, at, end, &len);
    if (!in && prefix && (prefix == S ? class_at(p, at, end, &len) & S : p[at] == ' ') &&
        at + len < end) {
        unsigned len2;
        in = in_run_class(step, p, at + len, end, &len2);
        e = in ? at + len : at;
    }
    if (in) {
        while (e < end && max-- > 0 && in_run_class(step, p, e, end, &len))
            e += len;
        return e;
    }
    size_t before = at;
    while (e < end && !in_run_class(step, p, e, end, &len)) {
        before = e;
        e += len;
    }
    /* The gap ends before the prefix of the run. */
    if (e < end && before > at &&
        (prefix == S ? class_at(p, before, end, &len) & S : prefix && p[before] == ' '))
        return before;
    return e;
}

static size_t ascii3_next(const unsigned char *p, size_t at, size_t end)
{
    size_t run = 0;
    for (size_t e = at; e < end; e++) {
        run = p[e] >= '0' && p[e] <= '9' ? run + 1 : 0;
        if (run == 3)
            return e + 1 - at > 3 ? e - 2 : e + 1;
    }
    return end;
}

static size_t metaspace_next(const unsigned char *p, size_t at, size_t end)
{
    for (at++; at < end; at++)
        if (p[at] == 0xe2 && end - at >= 3 && p[at + 1] == 0x96 && p[at + 2] == 0x81)
            break;
    return at;
}

static inline size_t next_end(enum da_split_step step, const unsigned char *p, size_t at,
                              size_t end)
{
    switch (step) {
    case DA_SPLIT_GPT2:
        return gpt2_next(p, at, end);
    case DA_SPLIT_CL100K:
        return cl100k_next(p, at, end, 3, L, WHITE_CL100K);
    case DA_SPLIT_LLAMA3:
        return cl100k_next(p, at, end, 3, L, WHITE_LINES);
    case DA_SPLIT_QWEN2:
        return cl100k_next(p, at, end, 1, L, WHITE_LINES);
    case DA_SPLIT_QWEN35:
        return cl100k_next(p, at, end, 1, L | M, WHITE_LINES);
    case DA_SPLIT_O200K:
        return o200k_next(p, at, end, 3, true);
    case DA_SPLIT_TEKKEN:
        return o200k_next(p, at, end, 1, false);
    case DA_SPLIT_DEEPSEEK3:
        return deepseek3_next(p, at, end);
    case DA_SPLIT_ASCII_3:
        return ascii3_next(p, at, end);
    case DA_SPLIT_DIGITS:
    case DA_SPLIT_BYTE_DIGIT:
    case DA_SPLIT_PUNCT:
    case DA_SPLIT_NEWLINES:
        return run_next(step, p, at, end, 1, 0);
    case DA_SPLIT_DIGITS_1TO3:
        return run_next(step, p, at, end, 3, 0);
    case DA_SPLIT_DIGIT_RUNS:
    case DA_SPLIT_BYTE_DIGITS:
    case DA_SPLIT_PUNCT_RUNS:
    case DA_SPLIT_PUNCT_DEFAULT:
    case DA_SPLIT_LINES:
    case DA_SPLIT_CJK_RUNS:
    case DA_SPLIT_CODER_CJK:
        return run_next(step, p, at, end, UINT32_MAX, 0);
    case DA_SPLIT_SPACE_L:
    case DA_SPLIT_SPACE_P:
        return run_next(step, p, at, end, UINT32_MAX, S);
    case DA_SPLIT_BLOOM:
        return run_next(step, p, at, end, UINT32_MAX, ' ');
    case DA_SPLIT_METASPACE:
        return metaspace_next(p, at, end);
    default:
        return end;
    }
}

size_t da_split_next(enum da_split_step step, const char *p, size_t at, size_t end)
{
    return next_end(step, (const unsigned char *)p, at, end);
}

size_t da_split_many(enum da_split_step step, const char *text, size_t at, size_t end,
                     uint32_t *ends, size_t max)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = 0;
    /* The commonest steps have a loop of their own. */
    if (step == DA_SPLIT_O200K)
        for (; at < end && n < max; ends[n++] = (uint32_t)at)
            at = o200k_next(p, at, end, 3, true);
    else if (step == DA_SPLIT_GPT2)
        for (; at < end && n < max; ends[n++] = (uint32_t)at)
            at = gpt2_next(p, at, end);
    else
        for (; at < end && n < max; ends[n++] = (uint32_t)at)
            at = next_end(step, p, at, end);
    return n;
}
