#include "engine/chat/jinja_lex.h"

#include <stdbool.h>
#include <string.h>

#include "common/attr.h"
#include "common/buf.h"
#include "common/json.h"
#include "common/utf8.h"
#include "text/uclass.h"

enum { MAX_BRACKETS = 200 };

struct lexer {
    struct da_arena *a;
    struct da_span s;
    size_t pos;
    uint32_t line;
    bool line_starting; /* the last match ended a line */
    struct da_jtoken *tokens;
    size_t n, cap;
    char closing[MAX_BRACKETS]; /* brackets that are open in the tag */
    size_t n_closing;
    struct da_err *err;
};

static enum da_rc fail(struct lexer *x, const char *why)
{
    return da_fail(x->err, DA_EFORMAT, "line %u: %s", (unsigned)x->line, why);
}

static struct da_jtoken *add(struct lexer *x, enum da_jtoken_kind kind, struct da_span text)
{
    DA_ARENA_GROW(x->a, x->tokens, x->n, x->cap);
    x->tokens[x->n] = (struct da_jtoken){.kind = kind, .line = x->line, .text = text};
    return &x->tokens[x->n++];
}

static void advance(struct lexer *x, size_t to)
{
    for (; x->pos < to; x->pos++)
        x->line += x->s.p[x->pos] == '\n';
    x->line_starting = to > 0 && x->s.p[to - 1] == '\n';
}

static bool at(const struct lexer *x, size_t pos, const char *text)
{
    size_t n = strlen(text);
    return pos <= x->s.len && x->s.len - pos >= n && memcmp(x->s.p + pos, text, n) == 0;
}

static size_t space_len(const struct lexer *x, size_t pos)
{
    uint32_t cp;
    if (pos >= x->s.len)
        return 0;
    size_t len = da_utf8_decode(x->s.p + pos, x->s.p + x->s.len, &cp);
    return da_uclass_is_space_python(cp) ? len : 0;
}

static size_t skip_space(const struct lexer *x, size_t pos)
{
    for (size_t len; (len = space_len(x, pos)) > 0;)
        pos += len;
    return pos;
}

/* Where text[from, to) ends without the white space at its end. */
static size_t rstrip(const struct lexer *x, size_t from, size_t to)
{
    while (to > from) {
        size_t s = to - 1;
        while (s > from && ((unsigned char)x->s.p[s] & 0xc0) == 0x80)
            s--;
        if (space_len(x, s) != to - s)
            break;
        to = s;
    }
    return to;
}

/* The data before a tag that begins at tag, whose mark is sign; variables keep their indent. */
static void add_data(struct lexer *x, size_t tag, char sign, bool variable)
{
    size_t end = tag;
    if (sign == '-') {
        end = rstrip(x, x->pos, tag);
    } else if (sign != '+' && !variable) {
        size_t line = tag;
        while (line > x->pos && x->s.p[line - 1] != '\n')
            line--;
        if ((line > x->pos || x->line_starting) && line < tag && skip_space(x, line) >= tag)
            end = line;
    }
    if (end > x->pos)
        add(x, DA_JT_DATA, da_span(x->s.p + x->pos, end - x->pos));
    advance(x, tag);
}

static char sign_at(const struct lexer *x, size_t pos)
{
    return pos < x->s.len && (x->s.p[pos] == '-' || x->s.p[pos] == '+') ? x->s.p[pos] : 0;
}

/* Past an end mark ("%}", "#}") at pos, whose sign stands before it. */
static size_t past_end(const struct lexer *x, size_t pos, char sign)
{
    pos += 2;
    if (sign == '-')
        return skip_space(x, pos);
    return sign != '+' && pos < x->s.len && x->s.p[pos] == '\n' ? pos + 1 : pos;
}

static enum da_rc lex_comment(struct lexer *x, size_t tag)
{
    char sign = sign_at(x, tag + 2);
    add_data(x, tag, sign, false);
    size_t from = tag + 2 + (sign != 0), end = from;
    while (end < x->s.len && !at(x, end, "#}"))
        end++;
    if (end >= x->s.len)
        return fail(x, "a comment is not closed");
    char last = end > from ? x->s.p[end - 1] : 0;
    advance(x, past_end(x, end, last));
    return DA_OK;
}

/* "{% raw %}" at tag: *past is behind it. */
static bool is_raw(const struct lexer *x, size_t tag, const char *word, size_t *past, char *sign,
                   bool trims)
{
    *sign = sign_at(x, tag + 2);
    size_t p = skip_space(x, tag + 2 + (*sign != 0));
    if (!at(x, p, word))
        return false;
    p = skip_space(x, p + strlen(word));
    if (at(x, p, "-%}"))
        *past = skip_space(x, p + 3);
    else if (trims && at(x, p, "+%}"))
        *past = p + 3;
    else if (at(x, p, "%}"))
        *past = trims ? past_end(x, p, 0) : p + 2;
    else
        return false;
    return true;
}

static enum da_rc lex_raw(struct lexer *x, size_t tag, size_t past, char sign)
{
    add_data(x, tag, sign, false);
    advance(x, past);
    for (size_t p = past; p < x->s.len; p++) {
        if (!at(x, p, "{%") || !is_raw(x, p, "endraw", &past, &sign, true))
            continue;
        add_data(x, p, sign, false);
        advance(x, past);
        return DA_OK;
    }
    return fail(x, "a raw block is not closed");
}

/* ---- inside a tag ---------------------------------------------------------------------------- */

static bool is_name_char(const struct lexer *x, size_t pos, size_t *len)
{
    uint32_t cp;
    if (pos >= x->s.len)
        return false;
    *len = da_utf8_decode(x->s.p + pos, x->s.p + x->s.len, &cp);
    return cp == '_' || da_uclass_in(cp, DA_UMASK_L | DA_UMASK_N | DA_UMASK_M);
}

static size_t digits(const struct lexer *x, size_t pos)
{
    while (pos < x->s.len && ((x->s.p[pos] >= '0' && x->s.p[pos] <= '9') ||
                              (x->s.p[pos] == '_' && pos + 1 < x->s.len &&
                               x->s.p[pos + 1] >= '0' && x->s.p[pos + 1] <= '9')))
        pos++;
    return pos;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* "0x1f", "0o17", "0b11" at the current place: past their end, or there when it is none. */
static size_t lex_radix(struct lexer *x, int64_t *value)
{
    static const char letters[] = "xob";
    static const int bases[] = {16, 8, 2};
    size_t p = x->pos + 2;
    const char *letter = x->s.p[x->pos] == '0' && p < x->s.len && x->s.p[p - 1]
                             ? strchr(letters, x->s.p[p - 1] | 32)
                             : NULL;
    int base = letter && *letter ? bases[letter - letters] : 0;
    *value = 0;
    for (; base && p < x->s.len && *value < INT64_MAX >> 5; p++) {
        int v = hex_value(x->s.p[p]);
        if (x->s.p[p] == '_')
            continue;
        if (v < 0 || v >= base)
            break;
        *value = *value * base + v;
    }
    return base && p > x->pos + 2 ? p : x->pos;
}

static enum da_rc lex_number(struct lexer *x)
{
    size_t from = x->pos, end = digits(x, from), e = end;
    bool is_float = false, after_dot = from > 0 && x->s.p[from - 1] == '.';
    int64_t value;
    size_t past = lex_radix(x, &value);
    if (past > from) {
        add(x, DA_JT_INT, da_span(x->s.p + from, past - from))->i = value;
        advance(x, past);
        return DA_OK;
    }
    if (!after_dot && e + 1 < x->s.len && x->s.p[e] == '.' && digits(x, e + 1) > e + 1) {
        e = digits(x, e + 1);
        is_float = true;
    }
    if (!after_dot && e < x->s.len && (x->s.p[e] == 'e' || x->s.p[e] == 'E')) {
        size_t sign = e + 1 + (e + 1 < x->s.len && (x->s.p[e + 1] == '+' || x->s.p[e + 1] == '-'));
        if (digits(x, sign) > sign) {
            e = digits(x, sign);
            is_float = true;
        }
    }
    end = is_float ? e : end;
    char *text = da_arena_alloc(x->a, end - from + 1, 1);
    size_t n = 0;
    for (size_t i = from; i < end; i++)
        if (x->s.p[i] != '_')
            text[n++] = x->s.p[i];
    size_t zeros = 0; /* JSON has no leading zeros; Jinja only knows them in 0 and floats */
    while (zeros + 1 < n && text[zeros] == '0' && text[zeros + 1] >= '0' && text[zeros + 1] <= '9')
        zeros++;
    struct da_jtoken *t = add(x, is_float ? DA_JT_FLOAT : DA_JT_INT, da_span(text, n));
    if (is_float ? !da_parse_double(text + zeros, n - zeros, &t->d)
                 : !da_parse_int(text + zeros, n - zeros, &t->i))
        return fail(x, "a number is out of range");
    advance(x, end);
    return DA_OK;
}

/* Appends the escape at p (after the backslash); returns its length, 0 when it is wrong. */
static size_t unescape(const char *p, const char *end, struct da_buf *out)
{
    static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
    const char *simple = *p ? strchr(from, *p) : NULL;
    if (simple) {
        da_buf_add_char(out, to[simple - from]);
        return 1;
    }
    if (*p == '\n')
        return 1;
    if (*p >= '0' && *p <= '7') {
        uint32_t v = 0;
        size_t n = 0;
        for (; n < 3 && p + n < end && p[n] >= '0' && p[n] <= '7'; n++)
            v = v * 8 + (uint32_t)(p[n] - '0');
        da_buf_add_utf8(out, v);
        return n;
    }
    size_t want = *p == 'x' ? 2 : *p == 'u' ? 4 : *p == 'U' ? 8 : 0;
    if (want) {
        uint32_t v = 0;
        for (size_t i = 1; i <= want; i++) {
            if (p + i >= end || hex_value(p[i]) < 0)
                return 0;
            v = v << 4 | (uint32_t)hex_value(p[i]);
        }
        da_buf_add_utf8(out, v);
        return want + 1;
    }
    if (*p == 'N')
        return 0;
    da_buf_add_char(out, '\\'); /* unknown ones stay */
    da_buf_add_char(out, *p);
    return 1;
}

static enum da_rc lex_string(struct lexer *x)
{
    char quote = x->s.p[x->pos];
    size_t end = x->pos + 1;
    while (end < x->s.len && x->s.p[end] != quote)
        end += x->s.p[end] == '\\' && end + 1 < x->s.len ? 2 : 1;
    if (end >= x->s.len)
        return fail(x, "a string is not closed");
    struct da_buf text;
    da_buf_init(&text, 0);
    const char *p = x->s.p + x->pos + 1, *stop = x->s.p + end;
    size_t n = 1;
    for (; p < stop && n > 0; p += n) {
        n = 1;
        if (*p != '\\') {
            da_buf_add_char(&text, *p);
        } else {
            n = unescape(p + 1, stop, &text);
            p += n > 0;
        }
    }
    char *copy = da_arena_strndup(x->a, text.p, text.len);
    add(x, DA_JT_STR, da_span(copy, text.len));
    da_buf_release(&text);
    if (n == 0)
        return fail(x, "a string holds an escape that is not supported");
    advance(x, end + 1);
    return DA_OK;
}

static enum da_rc lex_operator(struct lexer *x)
{
    static const char *const two[] = {"//", "**", "==", "!=", ">=", "<="};
    static const char open[] = "([{", close[] = ")]}";
    size_t n = 1;
    for (size_t i = 0; i < DA_ARRAY_LEN(two); i++)
        if (at(x, x->pos, two[i]))
            n = 2;
    char c = x->s.p[x->pos];
    const char *o = c ? strchr(open, c) : NULL, *e = c ? strchr(close, c) : NULL;
    if (n == 1 && (!c || !strchr("+-/*%~[](){}><=.:|,;", c)))
        return fail(x, "a tag holds a character that means nothing there");
    if (o && x->n_closing == MAX_BRACKETS)
        return fail(x, "brackets are nested too deeply");
    if (o)
        x->closing[x->n_closing++] = close[o - open];
    if (e && (x->n_closing == 0 || x->closing[--x->n_closing] != c))
        return fail(x, "a bracket is closed that is not open");
    add(x, DA_JT_OP, da_span(x->s.p + x->pos, n));
    advance(x, x->pos + n);
    return DA_OK;
}

static enum da_rc lex_tag(struct lexer *x, bool variable)
{
    const char *mark = variable ? "}}" : "%}";
    x->n_closing = 0;
    for (;;) {
        size_t len;
        char sign = sign_at(x, x->pos);
        size_t end = x->pos + (sign == '-' || (sign == '+' && !variable));
        if (x->n_closing == 0 && at(x, end, mark)) {
            sign = end > x->pos ? sign : 0;
            size_t past = variable ? (sign ? skip_space(x, end + 2) : end + 2)
                                   : past_end(x, end, sign);
            add(x, variable ? DA_JT_VAR_END : DA_JT_BLOCK_END, da_span("", 0));
            advance(x, past);
            return DA_OK;
        }
        if (x->pos >= x->s.len)
            return fail(x, "a tag is not closed");
        enum da_rc rc = DA_OK;
        char c = x->s.p[x->pos];
        if ((len = space_len(x, x->pos)) > 0) {
            advance(x, x->pos + len);
        } else if (c >= '0' && c <= '9') {
            rc = lex_number(x);
        } else if (is_name_char(x, x->pos, &len)) {
            size_t e = x->pos;
            while (is_name_char(x, e, &len))
                e += len;
            add(x, DA_JT_NAME, da_span(x->s.p + x->pos, e - x->pos));
            advance(x, e);
        } else if (c == '\'' || c == '"') {
            rc = lex_string(x);
        } else {
            rc = lex_operator(x);
        }
        if (rc != DA_OK)
            return rc;
    }
}

/* CR LF and CR are line breaks, too; one at the end of the template is dropped. */
static struct da_span normalize(struct da_arena *a, struct da_span source)
{
    char *out = da_arena_alloc(a, source.len + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < source.len; i++) {
        out[n++] = source.p[i] == '\r' ? '\n' : source.p[i];
        if (source.p[i] == '\r' && i + 1 < source.len && source.p[i + 1] == '\n')
            i++;
    }
    if (n > 0 && out[n - 1] == '\n')
        n--;
    return da_span(out, n);
}

enum da_rc da_jinja_lex(struct da_arena *a, struct da_span source, struct da_jtoken **tokens,
                        size_t *n, struct da_err *err)
{
    struct lexer x = {.a = a, .line = 1, .line_starting = true, .err = err};
    x.s = normalize(a, source);
    enum da_rc rc = DA_OK;
    while (rc == DA_OK && x.pos < x.s.len) {
        size_t tag = x.pos, past;
        char sign;
        while (tag + 1 < x.s.len && !(x.s.p[tag] == '{' && (x.s.p[tag + 1] == '{' ||
                                                            x.s.p[tag + 1] == '%' ||
                                                            x.s.p[tag + 1] == '#')))
            tag++;
        if (tag + 1 >= x.s.len) {
            add(&x, DA_JT_DATA, da_span(x.s.p + x.pos, x.s.len - x.pos));
            break;
        }
        bool variable = x.s.p[tag + 1] == '{';
        if (x.s.p[tag + 1] == '#') {
            rc = lex_comment(&x, tag);
        } else if (!variable && is_raw(&x, tag, "raw", &past, &sign, false)) {
            rc = lex_raw(&x, tag, past, sign);
        } else {
            sign = sign_at(&x, tag + 2);
            add_data(&x, tag, sign, variable);
            add(&x, variable ? DA_JT_VAR_BEGIN : DA_JT_BLOCK_BEGIN, da_span("", 0));
            advance(&x, tag + 2 + (sign != 0));
            rc = lex_tag(&x, variable);
        }
    }
    if (rc != DA_OK)
        return rc;
    add(&x, DA_JT_END, da_span("", 0));
    *tokens = x.tokens;
    *n = x.n;
    return DA_OK;
}
