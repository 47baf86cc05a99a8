/*
 * See pii.h. At each place where a word can begin, each kind tries to read one of its own; the
 * first that succeeds takes it. Everything is ASCII, so bytes are enough.
 */

#include "ingest/pii.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/attr.h"
#include "common/span.h"

static const char *const names[DA_PII_COUNT] = {"email", "phone", "ip", "card", "key"};
static const char *const marks[DA_PII_COUNT] = {"[EMAIL]", "[PHONE]", "[IP]", "[CARD]", "[KEY]"};

enum { MAX_LOCAL = 64, MAX_DOMAIN = 253, MAX_KEY_BLOCK = 16384, WORD_MAX = 16 };

const char *da_pii_name(enum da_pii_kind kind)
{
    return names[kind];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static int hex(char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The word before a number says what it is: "Tel. 0123", "version 10.1.2.30". */
struct context {
    char word[WORD_MAX]; /* lower case; "": none within a few bytes */
    bool capital;
};

static void look_before(const char *p, size_t i, struct context *c)
{
    size_t end = i, n = 0;
    c->word[0] = 0;
    c->capital = false;
    while (end > 0 && i - end < 4 && strchr(" .:=(\t", p[end - 1]) != NULL && p[end - 1] != 0)
        end--;
    while (n < end && n + 1 < WORD_MAX && is_alnum(p[end - 1 - n]))
        n++;
    for (size_t k = 0; k < n; k++) {
        char ch = p[end - n + k];
        c->word[k] = ch >= 'A' && ch <= 'Z' ? (char)(ch + 32) : ch;
    }
    c->word[n] = 0;
    c->capital = n > 0 && p[end - n] >= 'A' && p[end - n] <= 'Z';
}

static bool is_one_of(const char *word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(word, list[i]) == 0)
            return true;
    return false;
}

/* Each reader: bytes taken from s, 0 for none. */

static size_t read_email(struct da_span s)
{
    size_t i = 0;
    while (i < s.len && i <= MAX_LOCAL && (is_alnum(s.p[i]) || strchr("._%+-", s.p[i]) != NULL) &&
           s.p[i] != 0)
        i++;
    if (i == 0 || i > MAX_LOCAL || i == s.len || s.p[i] != '@' || s.p[0] == '.' ||
        s.p[i - 1] == '.')
        return 0;
    size_t start = ++i, dot = 0, end = 0;
    while (i < s.len && i - start < MAX_DOMAIN &&
           (is_alnum(s.p[i]) || s.p[i] == '-' || s.p[i] == '.')) {
        if (s.p[i] == '.')
            dot = i;
        else if (dot > start && i - dot >= 2 && !is_digit(s.p[i]))
            end = i + 1;
        i++;
    }
    return end;
}

/* Is a.b.c.d rather a version, a section, the number of a figure? */
static bool is_version(const unsigned part[4], const struct context *c)
{
    static const char *const nets[] = {"ip",   "ips",     "ipv4",   "address", "addresses", "host",
                                       "dns",  "server",  "from",   "ping",    "gateway",   "client",
                                       "peer", "resolver", "hosts", "servers", "connect"};
    static const char *const numbers[] = {"version", "versions", "v",     "ver",      "release",
                                          "section", "sections", "sect",  "chapter",  "figure",
                                          "table",   "clause",   "build", "firmware", "kernel",
                                          "rev",     "revision", "level", "appendix", "item"};
    if (is_one_of(c->word, nets, DA_ARRAY_LEN(nets)))
        return false;
    if (is_one_of(c->word, numbers, DA_ARRAY_LEN(numbers)))
        return true;
    bool small = true, medium = part[0] < 20, same = true;
    for (int k = 0; k < 4; k++) {
        small = small && part[k] < 20;
        medium = medium && part[k] < 100;
        same = same && part[k] == part[0];
    }
    return !same && (small || (medium && c->capital));
}

/* Four numbers up to 255 that are routed on the public net (RFC 6890). */
static size_t read_ipv4(struct da_span s, const struct context *c)
{
    unsigned part[4] = {0, 0, 0, 0};
    size_t i = 0;
    for (int k = 0; k < 4; k++) {
        size_t n = 0;
        if (k > 0 && (i >= s.len || s.p[i++] != '.'))
            return 0;
        while (i < s.len && n < 4 && is_digit(s.p[i])) {
            part[k] = part[k] * 10 + (unsigned)(s.p[i++] - '0');
            n++;
        }
        if (n == 0 || n > 3 || part[k] > 255 || (n > 1 && s.p[i - n] == '0'))
            return 0;
    }
    if (i < s.len && (is_alnum(s.p[i]) || (s.p[i] == '.' && i + 1 < s.len && is_digit(s.p[i + 1]))))
        return 0;
    bool private_net = part[0] == 0 || part[0] == 10 || part[0] == 127 || part[0] >= 224 ||
                       (part[0] == 172 && part[1] >= 16 && part[1] < 32) ||
                       (part[0] == 192 && part[1] == 168) || (part[0] == 169 && part[1] == 254) ||
                       (part[0] == 100 && part[1] >= 64 && part[1] < 128);
    return private_net || is_version(part, c) ? 0 : i;
}

/* Groups of hex digits with colons, "::" once; global unicast (2000::/3) only. */
static size_t read_ipv6(struct da_span s)
{
    size_t i = 0, groups = 0;
    bool gap = false;
    unsigned first = 0;
    while (i < s.len && groups < 8) {
        size_t n = 0;
        unsigned v = 0;
        while (i + n < s.len && n < 5 && hex(s.p[i + n]) >= 0) {
            v = v * 16 + (unsigned)hex(s.p[i + n]);
            n++;
        }
        if (n == 0 || n > 4)
            break;
        first = groups == 0 ? v : first;
        groups++;
        i += n;
        if (i + 1 < s.len && s.p[i] == ':' && s.p[i + 1] == ':' && !gap) {
            gap = true;
            i += 2;
        } else if (groups < 8 && i + 1 < s.len && s.p[i] == ':' && hex(s.p[i + 1]) >= 0) {
            i++;
        } else {
            break;
        }
    }
    bool whole = groups == 8 || (gap && groups >= 3);
    if (!whole || (first & 0xe000) != 0x2000 || (i < s.len && is_alnum(s.p[i])))
        return 0;
    return i;
}

static bool luhn(const char *digits, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)(digits[n - 1 - i] - '0');
        if (i % 2 == 1)
            d = d * 2 > 9 ? d * 2 - 9 : d * 2;
        sum += d;
    }
    return sum % 10 == 0;
}

static size_t read_card(struct da_span s)
{
    char digits[20];
    size_t n = 0, i = 0, end = 0;
    if (s.len == 0 || s.p[0] < '3' || s.p[0] > '6')
        return 0;
    while (i < s.len && n < sizeof digits) {
        if (is_digit(s.p[i])) {
            digits[n++] = s.p[i++];
            end = i;
        } else if ((s.p[i] == ' ' || s.p[i] == '-') && n >= 4 && i + 1 < s.len &&
                   is_digit(s.p[i + 1])) {
            i++;
        } else {
            break;
        }
    }
    bool ends = end == s.len || !is_alnum(s.p[end]);
    return n >= 13 && n <= 19 && ends && luhn(digits, n) ? end : 0;
}

/* Groups of digits that are a telephone number without a plus sign: America's, one with 00 or 0
 * before it, any after a word that says so. */
static bool is_national(const char *p, const size_t sizes[8], size_t groups, size_t n,
                        const struct context *c)
{
    static const char *const words[] = {"tel",  "telephone", "phone", "fax",     "mobile", "cell",
                                        "call", "whatsapp",  "mob",   "telefon", "telefax"};
    if (sizes[0] == 3 && sizes[1] == 3 && sizes[2] == 4 && groups == 2)
        return true;
    if (n >= 7 && n <= 15 && is_one_of(c->word, words, DA_ARRAY_LEN(words)))
        return true;
    if (p[0] != '0' || groups < 2 || groups > 5)
        return false;
    if (p[1] == '0' && sizes[0] <= 4)
        return n >= 11 && n <= 16 && (sizes[0] == 2 || sizes[0] >= 3);
    return sizes[0] >= 3 && sizes[0] <= 5 && (p[sizes[0]] == ' ' || p[sizes[0]] == '/') &&
           (n == 10 || n == 11);
}

/* "+49 30 1234567", "(212) 555-0100", "212-555-0100", "020 7946 0958". */
static size_t read_phone(struct da_span s, const struct context *c)
{
    size_t i = 0, n = 0, end = 0, groups = 0;
    bool plus = s.len > 0 && s.p[0] == '+', paren = s.len > 0 && s.p[0] == '(';
    size_t sizes[8] = {0};
    if (!plus && !paren && (s.len == 0 || !is_digit(s.p[0])))
        return 0;
    i = plus;
    while (i < s.len && n < 16) {
        if (is_digit(s.p[i])) {
            if (groups < 8)
                sizes[groups]++;
            n++;
            end = ++i;
        } else if (strchr(" -.()/", s.p[i]) != NULL && s.p[i] != 0 && i + 1 < s.len &&
                   (is_digit(s.p[i + 1]) || strchr(" -(", s.p[i + 1]) != NULL)) {
            groups += i > 0 && is_digit(s.p[i - 1]);
            i++;
        } else {
            break;
        }
    }
    if (end < s.len && is_alnum(s.p[end]))
        return 0;
    if (plus)
        return n >= 8 && n <= 15 ? end : 0;
    return is_national(s.p, sizes, groups, n, c) ? end : 0;
}

struct key_shape {
    const char *prefix;
    size_t min, max; /* characters after it */
};

static const struct key_shape keys[] = {
    {"AKIA", 16, 16}, {"ASIA", 16, 16}, {"ghp_", 36, 36},     {"gho_", 36, 36},
    {"ghs_", 36, 36}, {"sk-", 20, 200}, {"xoxb-", 20, 200},   {"xoxp-", 20, 200},
    {"AIza", 35, 35}, {"hf_", 30, 40},  {"glpat-", 20, 20},   {"github_pat_", 60, 100},
};

static size_t read_key(struct da_span s)
{
    static const char begin[] = "-----BEGIN ", end_mark[] = "PRIVATE KEY-----";
    if (da_span_starts(s, begin)) {
        struct da_span block = da_span(s.p, s.len < MAX_KEY_BLOCK ? s.len : MAX_KEY_BLOCK);
        size_t head = da_span_find(block, da_span_str(end_mark));
        if (head >= 64 || head == block.len)
            return 0;
        struct da_span rest = da_span(s.p + head + 1, block.len - head - 1);
        size_t tail = da_span_find(rest, da_span_str(end_mark));
        return tail < rest.len ? head + 1 + tail + sizeof end_mark - 1 : 0;
    }
    for (size_t k = 0; k < DA_ARRAY_LEN(keys); k++) {
        if (!da_span_starts(s, keys[k].prefix))
            continue;
        size_t start = strlen(keys[k].prefix), i = start, digits = 0;
        while (i < s.len && (is_alnum(s.p[i]) || s.p[i] == '_' || s.p[i] == '-')) {
            digits += is_digit(s.p[i]);
            i++;
        }
        if (i - start >= keys[k].min && i - start <= keys[k].max && digits > 0)
            return i;
    }
    if (da_span_starts(s, "eyJ")) {
        size_t i = 0, dots = 0;
        while (i < s.len && (is_alnum(s.p[i]) || s.p[i] == '_' || s.p[i] == '-' ||
                             (s.p[i] == '.' && dots < 2))) {
            dots += s.p[i] == '.';
            i++;
        }
        return dots == 2 && i > 40 ? i : 0;
    }
    return 0;
}

/* Could a piece of data begin at p[i]: not in the middle of a word or number? */
static bool may_begin(const char *p, size_t i)
{
    if (i == 0)
        return true;
    char before = p[i - 1];
    if (is_alnum(before) || before == '_' || (unsigned char)before >= 128)
        return false;
    if (is_digit(p[i]) && (before == '.' || before == '-' || before == ',' || before == '/') &&
        i > 1 && is_digit(p[i - 2]))
        return false;
    return true;
}

static size_t read_any(struct da_span s, const struct context *c, enum da_pii_kind *kind)
{
    size_t n;
    if ((n = read_key(s)) > 0) {
        *kind = DA_PII_KEY;
        return n;
    }
    if (is_alnum(s.p[0]) && (n = read_email(s)) > 0) {
        *kind = DA_PII_EMAIL;
        return n;
    }
    if (hex(s.p[0]) >= 0 && ((n = read_ipv4(s, c)) > 0 || (n = read_ipv6(s)) > 0)) {
        *kind = DA_PII_IP;
        return n;
    }
    if ((n = read_card(s)) > 0) {
        *kind = DA_PII_CARD;
        return n;
    }
    if ((n = read_phone(s, c)) > 0) {
        *kind = DA_PII_PHONE;
        return n;
    }
    return 0;
}

void da_pii_mask(const char *p, size_t len, struct da_buf *out)
{
    size_t from = 0;
    for (size_t i = 0; i < len;) {
        enum da_pii_kind kind;
        char c = p[i];
        bool candidate = is_alnum(c) || c == '+' || c == '(' || c == '-';
        size_t n = 0;
        if (candidate && may_begin(p, i)) {
            struct context before;
            look_before(p, i, &before);
            n = read_any(da_span(p + i, len - i), &before, &kind);
        }
        if (n == 0) {
            i++;
            continue;
        }
        da_buf_add(out, p + from, i - from);
        da_buf_add_str(out, marks[kind]);
        i += n;
        from = i;
    }
    da_buf_add(out, p + from, len - from);
}

size_t da_pii_count(const char *p, size_t len, enum da_pii_kind kind)
{
    struct da_span mark = da_span_str(marks[kind]), rest = da_span(p, len);
    size_t n = 0, at;
    while ((at = da_span_find(rest, mark)) < rest.len) {
        n++;
        rest.p += at + mark.len;
        rest.len -= at + mark.len;
    }
    return n;
}
