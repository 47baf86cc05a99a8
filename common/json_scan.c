/* Recursive descent over the text; recursion is bounded by DA_JSON_MAX_DEPTH. */

#include "common/json_scan.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/utf8.h"

struct scan {
    const char *start, *p, *end;
    struct da_json_scan *out;
    size_t n_scalars;
    struct da_span key; /* of the latest member, as it stands in the text */
    struct da_err *err;
};

static enum da_rc bad(struct scan *s, const char *at, const char *why)
{
    enum { SHOWN = 40 }; /* bytes of the name */
    const size_t offset = (size_t)(at - s->start);
    if (s->key.len == 0)
        return da_fail(s->err, DA_EFORMAT, "invalid JSON at byte %zu: %s", offset, why);
    const size_t n = da_utf8_valid_len(s->key.p, s->key.len < SHOWN ? s->key.len : SHOWN);
    return da_fail(s->err, DA_EFORMAT, "invalid JSON at byte %zu, after member '%.*s': %s", offset,
                   (int)n, s->key.p, why);
}

static void skip_space(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
        s->p++;
}

static int hex4(const char *p)
{
    int v = 0, i;
    for (i = 0; i < 4; i++) {
        char c = p[i];
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

/* After "\u": four digits, and the second half of a surrogate pair. */
static enum da_rc scan_unicode_escape(struct scan *s)
{
    int hi = s->end - s->p >= 4 ? hex4(s->p) : -1;
    int lo;
    if (hi < 0)
        return bad(s, s->p, "\\u needs four hexadecimal digits");
    if (hi == 0)
        return bad(s, s->p, "U+0000 is not allowed in a string");
    if (hi >= 0xDC00 && hi <= 0xDFFF)
        return bad(s, s->p, "lone surrogate in a string");
    if (hi < 0xD800 || hi > 0xDBFF) {
        s->p += 4;
        return DA_OK;
    }
    lo = s->end - s->p >= 10 && s->p[4] == '\\' && s->p[5] == 'u' ? hex4(s->p + 6) : -1;
    if (lo < 0xDC00 || lo > 0xDFFF)
        return bad(s, s->p, "lone surrogate in a string");
    s->p += 10;
    return DA_OK;
}

static enum da_rc scan_escape(struct scan *s)
{
    char c;
    s->p++;
    if (s->p == s->end)
        return bad(s, s->p, "the text ends inside a string");
    c = *s->p++;
    if (c == 'u')
        return scan_unicode_escape(s);
    if (!strchr("\"\\/bfnrt", c) || c == 0)
        return bad(s, s->p - 1, "unknown escape in a string");
    return DA_OK;
}

/* Eight bytes at a time: the high bit of a byte of each term is set where a byte is below 0x20,
 * a quote or a backslash (or, harmlessly, above such a byte). */
size_t da_json_plain_len(const char *p, size_t len)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    size_t i = 0;
    for (; len - i >= 8; i += 8) {
        uint64_t x, quote, slash;
        memcpy(&x, p + i, sizeof x);
        quote = x ^ (ones * '"');
        slash = x ^ (ones * '\\');
        if ((((x - ones * 0x20) & ~x) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) &
            high)
            break;
    }
    while (i < len && (unsigned char)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

static enum da_rc scan_string(struct scan *s)
{
    const char *run = ++s->p;
    for (;;) {
        s->p += da_json_plain_len(s->p, (size_t)(s->end - s->p));
        if (s->p == s->end)
            return bad(s, s->p, "the text ends inside a string");
        if ((unsigned char)*s->p < 0x20)
            return bad(s, s->p, "control character in a string");
        if (*s->p == '"' || *s->p == '\\') {
            size_t len = (size_t)(s->p - run);
            size_t ok = da_utf8_valid_len(run, len);
            enum da_rc rc;
            if (ok != len)
                return bad(s, run + ok, "invalid UTF-8");
            if (*s->p == '"') {
                s->p++;
                return DA_OK;
            }
            rc = scan_escape(s);
            if (rc != DA_OK)
                return rc;
            run = s->p;
        }
    }
}

static size_t skip_digits(struct scan *s)
{
    const char *from = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return (size_t)(s->p - from);
}

/* Whether the digits of an integer stand for more than 2^53. */
static bool is_big(const char *p, size_t len)
{
    static const char limit[] = "9007199254740992";
    if (len && *p == '-') {
        p++;
        len--;
    }
    if (len != sizeof limit - 1)
        return len > sizeof limit - 1;
    return memcmp(p, limit, len) > 0;
}

static enum da_rc scan_number(struct scan *s)
{
    const char *from = s->p;
    bool integer = true;
    double v;
    if (*s->p == '-')
        s->p++;
    if (s->p < s->end && *s->p == '0')
        s->p++;
    else if (skip_digits(s) == 0)
        return bad(s, from, "a value was expected");
    if (s->p < s->end && *s->p == '.') {
        integer = false;
        s->p++;
        if (skip_digits(s) == 0)
            return bad(s, s->p, "digits were expected after '.'");
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        integer = false;
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        if (skip_digits(s) == 0)
            return bad(s, s->p, "digits were expected in the exponent");
    }
    if (!integer && (!da_parse_double(from, (size_t)(s->p - from), &v)))
        return bad(s, from, "number out of range");
    if (integer && is_big(from, (size_t)(s->p - from))) {
        struct da_json_scan *o = s->out;
        DA_GROW(o->big, o->n_big, o->cap_big);
        o->big[o->n_big++] = (struct da_json_big){(size_t)(from - s->start),
                                                  (size_t)(s->p - from), s->n_scalars};
    }
    return DA_OK;
}

static enum da_rc scan_word(struct scan *s)
{
    static const char *const words[] = {"true", "false", "null"};
    size_t i;
    for (i = 0; i < DA_ARRAY_LEN(words); i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(s->end - s->p) >= n && memcmp(s->p, words[i], n) == 0) {
            s->p += n;
            return DA_OK;
        }
    }
    return bad(s, s->p, s->p == s->end ? "the text ends where a value was expected"
                                       : "a value was expected");
}

static enum da_rc scan_value(struct scan *s, unsigned depth);

static enum da_rc scan_member_key(struct scan *s)
{
    enum da_rc rc;
    skip_space(s);
    if (s->p == s->end || *s->p != '"')
        return bad(s, s->p, "a member name in quotes was expected");
    const char *from = s->p + 1;
    rc = scan_string(s);
    if (rc != DA_OK)
        return rc;
    s->key = da_span(from, (size_t)(s->p - from) - 1);
    skip_space(s);
    if (s->p == s->end || *s->p != ':')
        return bad(s, s->p, "':' was expected");
    s->p++;
    return DA_OK;
}

static enum da_rc scan_container(struct scan *s, unsigned depth)
{
    char close = *s->p == '{' ? '}' : ']';
    if (depth >= DA_JSON_MAX_DEPTH)
        return bad(s, s->p, "nested too deeply");
    s->p++;
    skip_space(s);
    if (s->p < s->end && *s->p == close) {
        s->p++;
        return DA_OK;
    }
    for (;;) {
        enum da_rc rc = close == '}' ? scan_member_key(s) : DA_OK;
        if (rc == DA_OK)
            rc = scan_value(s, depth + 1);
        if (rc != DA_OK)
            return rc;
        skip_space(s);
        if (s->p == s->end)
            return bad(s, s->p, close == '}' ? "the text ends inside an object"
                                             : "the text ends inside an array");
        if (*s->p == close) {
            s->p++;
            return DA_OK;
        }
        if (*s->p != ',')
            return bad(s, s->p,
                       close == '}' ? "',' or '}' was expected" : "',' or ']' was expected");
        s->p++;
    }
}

static enum da_rc scan_value(struct scan *s, unsigned depth)
{
    enum da_rc rc;
    skip_space(s);
    if (s->p < s->end && (*s->p == '{' || *s->p == '['))
        return scan_container(s, depth);
    if (s->p < s->end && *s->p == '"')
        rc = scan_string(s);
    else if (s->p < s->end && (*s->p == '-' || (*s->p >= '0' && *s->p <= '9')))
        rc = scan_number(s);
    else
        rc = scan_word(s);
    s->n_scalars++;
    return rc;
}

enum da_rc da_json_scan(const char *p, size_t len, struct da_json_scan *ret,
                        struct da_err *err)
{
    struct scan s = {.start = p, .p = p, .end = p + len, .out = ret, .err = err};
    enum da_rc rc;
    memset(ret, 0, sizeof *ret);
    rc = scan_value(&s, 0);
    if (rc == DA_OK) {
        skip_space(&s);
        if (s.p != s.end)
            rc = bad(&s, s.p, "something stands after the value");
    }
    if (rc != DA_OK) {
        free(ret->big);
        memset(ret, 0, sizeof *ret);
    }
    return rc;
}
