/*
 * Tokenization for BLEU. 13a, zh and intl are chains of regular expressions
 * that insert spaces around punctuation. Every rule looks at one neighbour, so
 * a chain is one pass over a run of characters between separators:
 *
 *   separators   white space, and characters always set apart (a token each)
 *   digits       [0-9], or \p{N} for intl
 *   points       [.,], or \p{P} for intl
 *
 *   rule 2  a point after a non-digit is set apart; both are used up, so the
 *           second point of ".." is not seen by this rule
 *   rule 3  of the points left, one before a non-digit is set apart
 *   rule 4  a hyphen after a digit is set apart (13a and zh)
 *
 * The edge of a text is no character: rule 2 needs one before, rule 3 one
 * behind. 13a pads the text with spaces, the others do not.
 * Source of the rules: mteval-v13a.pl, mteval-v14.pl and sacrebleu 2.6.0.
 */
#include "eval/bleu_tok.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"
#include "text/ulower.h"

enum sym { OTHER, DIGIT, POINT, HYPHEN, APART, SPACE, WIDE }; /* from APART on: separators */

#define CLASS_SPACES                                                                              \
    ['\t'] = SPACE, ['\n'] = SPACE, ['\v'] = SPACE, ['\f'] = SPACE, ['\r'] = SPACE,               \
    [0x1c] = SPACE, [0x1d] = SPACE, [0x1e] = SPACE, [0x1f] = SPACE, [' '] = SPACE
#define CLASS_DIGITS                                                                              \
    ['0'] = DIGIT, ['1'] = DIGIT, ['2'] = DIGIT, ['3'] = DIGIT, ['4'] = DIGIT, ['5'] = DIGIT,     \
    ['6'] = DIGIT, ['7'] = DIGIT, ['8'] = DIGIT, ['9'] = DIGIT
#define CLASS_WESTERN                                                                             \
    CLASS_SPACES, CLASS_DIGITS, ['!'] = APART, ['"'] = APART, ['#'] = APART, ['$'] = APART,       \
    ['%'] = APART, ['&'] = APART, ['('] = APART, [')'] = APART, ['*'] = APART, ['+'] = APART,     \
    ['/'] = APART, [':'] = APART, [';'] = APART, ['<'] = APART, ['='] = APART, ['>'] = APART,     \
    ['?'] = APART, ['@'] = APART, ['['] = APART, ['\\'] = APART, [']'] = APART, ['^'] = APART,    \
    ['_'] = APART, ['`'] = APART, ['{'] = APART, ['|'] = APART, ['}'] = APART, ['~'] = APART,     \
    [','] = POINT, ['.'] = POINT, ['-'] = HYPHEN
#define WIDE8(c)                                                                                  \
    [c] = WIDE, [(c) + 1] = WIDE, [(c) + 2] = WIDE, [(c) + 3] = WIDE, [(c) + 4] = WIDE,           \
    [(c) + 5] = WIDE, [(c) + 6] = WIDE, [(c) + 7] = WIDE
#define CLASS_WIDE                                                                                \
    WIDE8(0xc0), WIDE8(0xc8), WIDE8(0xd0), WIDE8(0xd8), WIDE8(0xe0), WIDE8(0xe8), WIDE8(0xf0)

/* One class a byte; WIDE needs a look at the whole character. For 13a only characters that may
 * be white space do. */
static const unsigned char CLASS_13A[256] = {CLASS_WESTERN, [0xc2] = WIDE, [0xe1] = WIDE,
                                             [0xe2] = WIDE, [0xe3] = WIDE};
static const unsigned char CLASS_ZH[256] = {CLASS_WESTERN, CLASS_WIDE};
static const unsigned char CLASS_INTL[256] = {
    CLASS_SPACES, CLASS_DIGITS, CLASS_WIDE, ['!'] = POINT, ['"'] = POINT, ['#'] = POINT,
    ['%'] = POINT, ['&'] = POINT, ['\''] = POINT, ['('] = POINT, [')'] = POINT, ['*'] = POINT,
    [','] = POINT, ['-'] = POINT, ['.'] = POINT, ['/'] = POINT, [':'] = POINT, [';'] = POINT,
    ['?'] = POINT, ['@'] = POINT, ['['] = POINT, ['\\'] = POINT, [']'] = POINT, ['_'] = POINT,
    ['{'] = POINT, ['}'] = POINT, ['$'] = APART, ['+'] = APART, ['<'] = APART, ['='] = APART,
    ['>'] = APART, ['^'] = APART, ['`'] = APART, ['|'] = APART, ['~'] = APART};

/* sacrebleu's table of Chinese characters, with what its rows "\u20000" and "\u2f800" (five
 * digits behind \u) make of it under version:2.6.0: U+2001..2A6D, and nothing beyond the BMP. */
static const struct {
    uint32_t first, last;
} CHINESE[] = {
    {0x2001, 0x2a6d}, {0x2e80, 0x2fdf}, {0x2ff0, 0x303f}, {0x3100, 0x312f}, {0x31a0, 0x31bf},
    {0x31c0, 0x31ef}, {0x3200, 0x4db5}, {0x4e00, 0x9fbb}, {0xf900, 0xfa2d}, {0xfa30, 0xfa6a},
    {0xfa70, 0xfad9}, {0xfe10, 0xfe1f}, {0xfe30, 0xfe4f}, {0xff00, 0xffef},
};

const char *da_bleu_tok_name(enum da_bleu_tok t)
{
    static const char *const names[] = {"13a", "intl", "zh", "char", "none"};
    return names[t];
}

void da_tokens_init(struct da_tokens *t)
{
    memset(t, 0, sizeof *t);
    da_buf_init(&t->text, 0);
    da_buf_init(&t->swap, 0);
}

void da_tokens_release(struct da_tokens *t)
{
    free(t->t);
    da_buf_release(&t->text);
    da_buf_release(&t->swap);
    da_tokens_init(t);
}

/* Room for every byte to be a token, so that emit need not look. */
static void make_room(struct da_tokens *t, size_t len)
{
    DA_GROW_BY(t->t, t->n, len + 1, t->cap);
}

static inline void emit(struct da_tokens *t, const char *from, const char *to)
{
    if (to == from)
        return;
    t->t[t->n++] = da_span(from, (size_t)(to - from));
}

static enum sym class_of_wide(enum da_bleu_tok kind, const char *p, const char *end, size_t *len)
{
    uint32_t cp;

    *len = da_utf8_decode(p, end, &cp);
    unsigned bits = da_upy(cp);
    if (kind == DA_BLEU_TOK_ZH) {
        for (size_t i = 0; i < DA_ARRAY_LEN(CHINESE) && cp >= CHINESE[i].first; i++)
            if (cp <= CHINESE[i].last)
                return bits & DA_UPY_SPACE ? SPACE : APART;
    }
    if (bits & DA_UPY_SPACE)
        return SPACE;
    if (kind != DA_BLEU_TOK_INTL)
        return OTHER;
    if (bits & DA_UPY_PUNCT)
        return POINT;
    if (bits & DA_UPY_SYMBOL)
        return APART;
    return bits & DA_UPY_NUMBER ? DIGIT : OTHER;
}

static const unsigned char *classes_of(enum da_bleu_tok kind)
{
    return kind == DA_BLEU_TOK_13A ? CLASS_13A : kind == DA_BLEU_TOK_ZH ? CLASS_ZH : CLASS_INTL;
}

/* Class of the character at p and its bytes. */
static inline enum sym class_at(enum da_bleu_tok kind, const unsigned char *classes, const char *p,
                                const char *end, size_t *len)
{
    enum sym s = (enum sym)classes[(unsigned char)*p];

    *len = 1;
    return s == WIDE ? class_of_wide(kind, p, end, len) : s;
}

static bool is_digit(enum da_bleu_tok kind, const char *p, const char *end)
{
    size_t len;
    return class_at(kind, classes_of(kind), p, end, &len) == DIGIT;
}

/*
 * Tokens of a run [p, end) with points or hyphens in it. before: a character
 * stands before the run (then it is a separator, hence no digit); behind likewise.
 * Of two points in a row that rule 2 looks at it always takes the second, so
 * the one rule 3 finds is followed by a space or by no point at all.
 */
static void split_run(enum da_bleu_tok kind, const char *p, const char *end, bool before,
                      bool behind, struct da_tokens *t)
{
    bool free_before = before; /* the character before can still serve rule 2 */
    bool digit_before = false, used;
    const unsigned char *classes = classes_of(kind);
    const char *from = p;
    size_t len;

    for (; p < end; p += len, free_before = !used) {
        enum sym s = class_at(kind, classes, p, end, &len);
        used = s == POINT && free_before && !digit_before; /* rule 2 */
        bool apart = used;
        if (s == POINT && !used) /* rule 3 */
            apart = p + len < end ? !is_digit(kind, p + len, end) : behind;
        if (s == HYPHEN) /* rule 4 */
            apart = digit_before;
        if (apart) {
            emit(t, from, p);
            emit(t, p, p + len);
            from = p + len;
        }
        digit_before = s == DIGIT;
    }
    emit(t, from, end);
}

/* All separators, and runs between them. padded: as if spaces stood at both ends. */
static void split_marks(enum da_bleu_tok kind, bool padded, struct da_span text,
                        struct da_tokens *t)
{
    const unsigned char *classes = classes_of(kind);
    const char *p = text.p, *end = text.p + text.len;

    while (p < end) {
        const char *run = p;
        bool plain = true;
        enum sym s = OTHER;
        size_t len = 0;
        for (; p < end; p += len) {
            s = class_at(kind, classes, p, end, &len);
            if (s >= APART)
                break;
            plain = plain && s <= DIGIT;
        }
        if (plain)
            emit(t, run, p);
        else
            split_run(kind, run, p, padded || run > text.p, padded || p < end, t);
        if (p == end)
            break;
        if (s == APART)
            emit(t, p, p + len);
        p += len;
    }
}

void da_split_space(struct da_span text, struct da_tokens *t)
{
    const char *p = text.p, *end = text.p + text.len, *from = p;

    make_room(t, text.len);
    while (p < end) {
        size_t n = da_upy_space_len(p, end);
        if (n == 0) {
            p++;
            continue;
        }
        emit(t, from, p);
        p += n;
        from = p;
    }
    emit(t, from, end);
}

static void split_chars(struct da_span text, struct da_tokens *t)
{
    const char *p = text.p, *end = text.p + text.len;

    while (p < end) {
        uint32_t cp;
        size_t n = da_utf8_decode(p, end, &cp);
        if (!(da_upy(cp) & DA_UPY_SPACE))
            emit(t, p, p + n);
        p += n;
    }
}

/* Replaces every find in *text, rewriting into t->swap, which then becomes t->text. */
static void replace_all(struct da_tokens *t, struct da_span *text, const char *find,
                        const char *with)
{
    struct da_span needle = da_span_str(find);
    size_t at = da_span_find(*text, needle);

    if (at == text->len)
        return;
    da_buf_reset(&t->swap);
    struct da_span rest = *text;
    while ((at = da_span_find(rest, needle)) < rest.len) {
        da_buf_add(&t->swap, rest.p, at);
        da_buf_add_str(&t->swap, with);
        rest.p += at + needle.len;
        rest.len -= at + needle.len;
    }
    da_buf_add(&t->swap, rest.p, rest.len);
    struct da_buf b = t->text;
    t->text = t->swap;
    t->swap = b;
    *text = da_span(t->text.p, t->text.len);
}

/* What 13a takes out before it looks at punctuation. Line ends become spaces, which the scan
 * cannot tell apart, so only what is joined or replaced by something else needs work. */
static void unescape_13a(struct da_tokens *t, struct da_span *text)
{
    if (memchr(text->p, '<', text->len))
        replace_all(t, text, "<skipped>", "");
    if (memchr(text->p, '\n', text->len))
        replace_all(t, text, "-\n", "");
    if (memchr(text->p, '&', text->len)) {
        replace_all(t, text, "&quot;", "\"");
        replace_all(t, text, "&amp;", "&");
        replace_all(t, text, "&lt;", "<");
        replace_all(t, text, "&gt;", ">");
    }
}

void da_bleu_tokenize(enum da_bleu_tok kind, bool lowercase, struct da_span text,
                      struct da_tokens *t)
{
    t->n = 0;
    if (lowercase) {
        da_buf_reset(&t->text);
        da_upy_lower(text.p, text.len, &t->text);
        text = da_span(t->text.p, t->text.len);
    }
    text = da_upy_rstrip(text);
    if (kind == DA_BLEU_TOK_ZH)
        text = da_upy_strip(text);
    if (kind == DA_BLEU_TOK_13A)
        unescape_13a(t, &text);
    t->limit = text.p + text.len;
    make_room(t, text.len);
    switch (kind) {
    case DA_BLEU_TOK_13A: split_marks(kind, true, text, t); break;
    case DA_BLEU_TOK_INTL:
    case DA_BLEU_TOK_ZH: split_marks(kind, false, text, t); break;
    case DA_BLEU_TOK_CHAR: split_chars(text, t); break;
    case DA_BLEU_TOK_NONE: da_split_space(text, t); break;
    }
}
