/*
 * Sentence splitting by rules, in the spirit of UAX 29 sentence boundaries with
 * the tailoring it asks for: abbreviations, initials, numbers, quotations, and
 * the lines of a laid-out document. No model, no locale, one pass.
 *
 * Invariant: units are emitted in order of their start; ends are filled in last,
 * from the start of the next, so that they tile whatever the rules decide.
 */

#include "text/sentence.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"
#include "text/abbrev.h"
#include "text/chars.h"
#include "text/textlines.h"

enum {
    HEADING_MAX_WIDTH = 90, /* columns; a longer line of its own is text */
    PROSE_MIN_WIDTH = 60,   /* a line this wide under a short one makes that a heading */
    WORD_MAX_BYTES = 40     /* longest word looked up as an abbreviation */
};

/* What a character does to a sentence. */
enum stop {
    STOP_NONE,
    STOP_DOT,   /* '.': may belong to an abbreviation or a number */
    STOP_SPACE, /* ends when white space follows: ! ? and the Arabic marks */
    STOP_ALWAYS /* ends whatever follows: CJK full stops, danda */
};

void da_units_init(struct da_units *u)
{
    memset(u, 0, sizeof *u);
}

void da_units_release(struct da_units *u)
{
    if (!u)
        return;
    free(u->items);
    da_units_init(u);
}

static enum stop stop_of(uint32_t cp)
{
    switch (cp) {
    case '.': return STOP_DOT;
    case '!':
    case '?':
    case 0x2026:
    case 0x203C:
    case 0x203D:
    case 0x2047:
    case 0x2048:
    case 0x2049:
    case 0x061F:
    case 0x06D4:
    case 0x0589:
    case 0x05C3:
    case 0x1362:
    case 0x1367: return STOP_SPACE;
    case 0x3002:
    case 0xFF01:
    case 0xFF1F:
    case 0xFF61:
    case 0xFF0E:
    case 0x0964:
    case 0x0965:
    case 0x104B:
    case 0x17D4:
    case 0x17D5:
    case 0x0700: return STOP_ALWAYS;
    default: return STOP_NONE;
    }
}

/* --- one paragraph ------------------------------------------------------------ */

struct para {
    const char *text;
    size_t start, end; /* its bytes */
};

static uint32_t char_at(const struct para *pa, size_t at, size_t *len)
{
    uint32_t cp = 0;
    size_t n = at < pa->end ? da_char_next(pa->text + at, pa->text + pa->end, &cp) : 0;
    if (len)
        *len = n;
    return cp;
}

static size_t skip_space(const struct para *pa, size_t at)
{
    size_t n;
    for (uint32_t cp; (cp = char_at(pa, at, &n)), n > 0 && (da_char_flags(cp) & DA_CH_SPACE);)
        at += n;
    return at;
}

static size_t skip_openers(const struct para *pa, size_t at)
{
    size_t n;
    for (uint32_t cp; (cp = char_at(pa, at, &n)), n > 0 && da_char_opens(cp);)
        at += n;
    return at;
}

/* Past closing quotes, brackets and reference marks like [12] that belong to the sentence. */
static size_t skip_closers(const struct para *pa, size_t at)
{
    for (;;) {
        size_t n;
        uint32_t cp = char_at(pa, at, &n);
        if (n == 0)
            return at;
        if (cp == '[') {
            size_t q = at + 1;
            while (q < pa->end && pa->text[q] >= '0' && pa->text[q] <= '9')
                q++;
            if (q == at + 1 || q >= pa->end || pa->text[q] != ']')
                return at;
            at = q + 1;
        } else if (da_char_closes(cp)) {
            at += n;
        } else {
            return at;
        }
    }
}

/* The word at [from, to) in lower case, in out. */
static struct da_span lower_word(const struct para *pa, size_t from, size_t to,
                                 char out[WORD_MAX_BYTES + DA_UTF8_MAX_LEN])
{
    size_t n = 0;
    while (from < to && n < WORD_MAX_BYTES) {
        uint32_t cp;
        from += da_char_next(pa->text + from, pa->text + to, &cp);
        n += da_utf8_encode(da_utf8_tolower(cp), out + n);
    }
    return da_span(out, from < to ? 0 : n);
}

static bool in_word(unsigned f)
{
    return (f & (DA_CH_LETTER | DA_CH_MARK | DA_CH_DIGIT)) != 0;
}

static size_t word_end(const struct para *pa, size_t at)
{
    size_t n;
    for (uint32_t cp; (cp = char_at(pa, at, &n)), n > 0 && in_word(da_char_flags(cp));)
        at += n;
    return at;
}

/* Start of the token that ends before at: letters, digits and inner stops. */
static size_t token_start(const struct para *pa, size_t at)
{
    size_t s = at;
    while (s > pa->start) {
        size_t q = s - 1;
        while (q > pa->start && ((unsigned char)pa->text[q] & 0xC0) == 0x80)
            q--;
        uint32_t cp;
        da_char_next(pa->text + q, pa->text + s, &cp);
        if (!in_word(da_char_flags(cp)) && cp != '.' && cp != 0x2116)
            break;
        s = q;
        if (at - s > WORD_MAX_BYTES)
            break;
    }
    return s;
}

/* "U.S", "a.m", "z.B": single letters between stops. */
static bool is_acronym(struct da_span w)
{
    const char *end = w.p + w.len;
    unsigned run = 0;
    bool dot = false;
    for (const char *q = w.p; q < end;) {
        uint32_t cp;
        q += da_char_next(q, end, &cp);
        if (cp == '.') {
            dot = true;
            run = 0;
        } else if (!(da_char_flags(cp) & DA_CH_LETTER) || ++run > 1) {
            return false;
        }
    }
    return dot;
}

static bool all_digits(struct da_span w)
{
    for (size_t i = 0; i < w.len; i++) {
        if (w.p[i] < '0' || w.p[i] > '9')
            return false;
    }
    return w.len > 0;
}

/* Whether the letter before `at` (white space skipped) is lower case. */
static bool lower_before(const struct para *pa, size_t at)
{
    while (at > pa->start && (pa->text[at - 1] == ' ' || pa->text[at - 1] == '\n'))
        at--;
    if (at == pa->start)
        return false;
    size_t q = at - 1;
    while (q > pa->start && ((unsigned char)pa->text[q] & 0xC0) == 0x80)
        q--;
    uint32_t cp;
    da_char_next(pa->text + q, pa->text + at, &cp);
    return (da_char_flags(cp) & DA_CH_LOWER) != 0;
}

/* Decides a full stop at `dot`; the next word starts at `next`. */
static bool dot_ends(const struct para *pa, size_t dot, size_t next)
{
    char a[WORD_MAX_BYTES + DA_UTF8_MAX_LEN], b[WORD_MAX_BYTES + DA_UTF8_MAX_LEN];
    size_t from = token_start(pa, dot);
    struct da_span word = lower_word(pa, from, dot, a);
    if (word.len == 0)
        return true;
    struct da_span follow = lower_word(pa, next, word_end(pa, next), b);
    unsigned nf = da_char_flags(char_at(pa, next, NULL));
    bool opener = da_abbrev_is_opener(follow);
    if (all_digits(word)) {
        bool label = from == pa->start;
        return !label && !(word.len <= 2 && da_abbrev_is_month(follow));
    }
    unsigned wf = da_char_flags(char_at(pa, from, NULL));
    size_t first_len;
    char_at(pa, from, &first_len);
    if (from + first_len == dot && (wf & DA_CH_UPPER))
        return opener && lower_before(pa, from);
    switch (da_abbrev_find(word)) {
    case DA_ABBREV_NEVER_ENDS: return false;
    case DA_ABBREV_NUMBERED: return !(nf & DA_CH_DIGIT);
    case DA_ABBREV_MAYBE: return opener;
    case DA_ABBREV_NONE: break;
    }
    if (is_acronym(word))
        return opener;
    return true;
}

/* Japanese goes on after a quotation: 「はい。」と言った. */
static bool quote_goes_on(uint32_t cp)
{
    switch (cp) {
    case 0x3001:
    case 0xFF0C:
    case 0x3068:
    case 0x306E:
    case 0x306F:
    case 0x304C:
    case 0x3092:
    case 0x306B:
    case 0x3082:
    case 0x3067: return true;
    default: return false;
    }
}

/* The sentence that starts at `at` ends at the returned offset (its white space excluded). */
static size_t sentence_end(const struct para *pa, size_t at)
{
    while (at < pa->end) {
        unsigned char c = (unsigned char)pa->text[at];
        if (c < 0x80 && c != '.' && c != '!' && c != '?') { /* most of most texts */
            at++;
            continue;
        }
        size_t n, first = at;
        enum stop stop = stop_of(char_at(pa, at, &n));
        at += n;
        if (stop == STOP_NONE)
            continue;
        bool single = true;
        for (enum stop more; (more = stop_of(char_at(pa, at, &n))) != STOP_NONE; at += n) {
            single = false;
            if (more > stop)
                stop = more;
        }
        size_t after = skip_closers(pa, at);
        if (after >= pa->end)
            return pa->end;
        bool quoted = after > at;
        uint32_t nc = char_at(pa, after, NULL);
        if (stop == STOP_ALWAYS) {
            if ((quoted && quote_goes_on(nc)) || (da_char_flags(nc) & DA_CH_DIGIT))
                continue;
            return after;
        }
        size_t space = skip_space(pa, after);
        if (space == after && !((da_char_flags(nc) & DA_CH_SOLID) && stop == STOP_SPACE))
            continue;
        if (space >= pa->end)
            return pa->end;
        size_t next = skip_openers(pa, space);
        if (da_char_flags(char_at(pa, next, NULL)) & DA_CH_LOWER)
            continue;
        if (stop == STOP_DOT && single && !dot_ends(pa, first, next))
            continue;
        return after;
    }
    return pa->end;
}

/* --- blocks ------------------------------------------------------------------- */

static struct da_unit *emit(struct da_units *u, size_t start, size_t body, size_t body_end,
                            enum da_unit_kind kind)
{
    DA_GROW(u->items, u->n, u->cap);
    struct da_unit *x = &u->items[u->n++];
    *x = (struct da_unit){.start = start, .body = body, .body_end = body_end, .kind = kind};
    return x;
}

static void split_sentences(struct da_units *u, const char *text, size_t start, size_t body,
                            size_t end, enum da_unit_kind kind)
{
    struct para pa = {text, body, end};
    for (size_t at = body; at < end;) {
        size_t stop = sentence_end(&pa, at);
        emit(u, start, at, stop, kind);
        at = start = skip_space(&pa, stop);
        pa.start = at;
    }
}

/* The last character before closing quotes and brackets; 0 when there is none. */
static uint32_t last_char(const char *text, const struct da_line *ln)
{
    size_t q = ln->body_end;
    uint32_t cp = 0;
    do {
        if (q == ln->body)
            return 0;
        size_t to = q--;
        while (q > ln->body && ((unsigned char)text[q] & 0xC0) == 0x80)
            q--;
        da_char_next(text + q, text + to, &cp);
    } while (da_char_closes(cp));
    return cp;
}

static bool ends_like_sentence(const char *text, const struct da_line *ln)
{
    return stop_of(last_char(text, ln)) != STOP_NONE;
}

/* "The parts are:" leads over to what follows. */
static bool ends_open(const char *text, const struct da_line *ln)
{
    uint32_t cp = last_char(text, ln);
    return cp == ':' || cp == ';' || cp == ',' || cp == 0xFF1A || cp == 0x3001 || cp == 0xFF0C;
}

static bool has_letter(const char *text, size_t a, size_t b)
{
    while (a < b) {
        uint32_t cp;
        a += da_char_next(text + a, text + b, &cp);
        if (da_char_flags(cp) & DA_CH_LETTER)
            return true;
    }
    return false;
}

/* "Phone: 425 000", "Date : May": a label and its value. */
static bool has_label(const char *text, const struct da_line *ln)
{
    const char *colon = memchr(text + ln->body, ':', ln->body_end - ln->body);
    return colon && colon + 1 < text + ln->body_end && colon[1] == ' ';
}

/* Whether the single line i is a heading of what follows. */
static bool is_heading(const char *text, const struct da_lines *l, size_t i)
{
    const struct da_line *ln = &l->items[i];
    if (ln->width > HEADING_MAX_WIDTH || ends_like_sentence(text, ln) || ends_open(text, ln) ||
        !has_letter(text, ln->body, ln->body_end) || has_label(text, ln))
        return false;
    uint32_t first;
    da_char_next(text + ln->body, text + ln->body_end, &first);
    if (da_char_flags(first) & DA_CH_LOWER)
        return false;
    bool blank_before = i == 0 || l->items[i - 1].kind == DA_LINE_BLANK;
    size_t j = i + 1;
    bool blank_after = j < l->n && l->items[j].kind == DA_LINE_BLANK;
    while (j < l->n && l->items[j].kind == DA_LINE_BLANK)
        j++;
    if (j == l->n || !blank_before)
        return false;
    const struct da_line *nx = &l->items[j];
    if (ln->kind == DA_LINE_LIST)
        return blank_after && nx->kind != DA_LINE_LIST;
    return blank_after || nx->kind == DA_LINE_LIST || nx->kind == DA_LINE_TABLE ||
           nx->width >= PROSE_MIN_WIDTH;
}

/* "=====" or "-----" under a line of text makes it a heading. */
static bool is_underline(const char *text, const struct da_line *ln)
{
    char c = text[ln->body];
    if (ln->kind != DA_LINE_RULE || (c != '=' && c != '-') || ln->body_end - ln->body < 3)
        return false;
    for (size_t i = ln->body; i < ln->body_end; i++) {
        if (text[i] != c)
            return false;
    }
    return true;
}

/* Emits the block of lines [i, to), of which the first gives the kind; returns the next line. */
static size_t emit_block(struct da_units *u, const char *text, const struct da_lines *l, size_t i,
                         size_t to)
{
    const struct da_line *ln = &l->items[i];
    size_t end = l->items[to - 1].body_end;
    static const enum da_unit_kind plain[] = {
        [DA_LINE_BLANK] = DA_UNIT_OTHER,     [DA_LINE_TEXT] = DA_UNIT_SENTENCE,
        [DA_LINE_HEADING] = DA_UNIT_HEADING, [DA_LINE_LIST] = DA_UNIT_LIST,
        [DA_LINE_TABLE] = DA_UNIT_TABLE,     [DA_LINE_CODE] = DA_UNIT_CODE,
        [DA_LINE_RULE] = DA_UNIT_OTHER,
    };
    struct para pa = {text, ln->body, end};
    enum da_unit_kind kind = plain[ln->kind];
    if (ln->kind == DA_LINE_TEXT && to - i == 1) {
        if (to < l->n && is_underline(text, &l->items[to])) {
            kind = DA_UNIT_HEADING;
            to++;
        } else if (is_heading(text, l, i)) {
            kind = DA_UNIT_HEADING;
        } else if (ln->width <= HEADING_MAX_WIDTH && !ends_like_sentence(text, ln) &&
                   sentence_end(&pa, ln->body) == end) {
            kind = DA_UNIT_LINE;
        }
    } else if (ln->kind == DA_LINE_LIST && to - i == 1 && ln->ordered && is_heading(text, l, i) &&
               (u->n == 0 || u->items[u->n - 1].kind != DA_UNIT_LIST)) {
        kind = DA_UNIT_HEADING;
    }
    if (kind == DA_UNIT_SENTENCE || kind == DA_UNIT_LIST)
        split_sentences(u, text, ln->start, ln->body, end, kind);
    else
        emit(u, ln->start, ln->body, end, kind);
    u->items[u->n - 1].ends_paragraph = true;
    return to;
}

void da_units_split(struct da_units *u, const char *p, size_t len)
{
    struct da_lines lines;
    da_lines_init(&lines);
    da_lines_split(&lines, p, len);
    u->n = 0;
    for (size_t i = 0; i < lines.n;) {
        if (lines.items[i].kind == DA_LINE_BLANK) {
            i++;
            continue;
        }
        size_t to = i + 1;
        while (to < lines.n && lines.items[to].continues)
            to++;
        i = emit_block(u, p, &lines, i, to);
    }
    if (u->n == 0 && len > 0)
        emit(u, 0, len, len, DA_UNIT_OTHER)->ends_paragraph = true;
    for (size_t i = 0; i < u->n; i++)
        u->items[i].end = i + 1 < u->n ? u->items[i + 1].start : len;
    if (u->n > 0)
        u->items[0].start = 0;
    da_lines_release(&lines);
}

/* Written without spaces around it, so that a line break beside it means nothing. */
static bool is_solid(uint32_t cp, unsigned flags)
{
    return (flags & DA_CH_SOLID) || (cp >= 0x3000 && (flags & DA_CH_PUNCT));
}

void da_unit_add_text(const char *text, const struct da_unit *unit, struct da_buf *out)
{
    const char *p = text + unit->body, *end = text + unit->body_end;
    bool gap = false, broke = false, any = false, solid_before = false;
    while (p < end) {
        uint32_t cp;
        size_t n = da_char_next(p, end, &cp);
        unsigned f = da_char_flags(cp);
        if (f & DA_CH_SPACE) {
            gap = true;
            broke |= cp == '\n';
        } else {
            bool solid = is_solid(cp, f);
            if (gap && any && !(broke && solid && solid_before))
                da_buf_add_char(out, ' ');
            da_buf_add(out, p, n);
            gap = broke = false;
            any = true;
            solid_before = solid;
        }
        p += n;
    }
}
