/* See the header. Each rule of the original is one pass here, in its order. */
#include "eval/tercom.h"

#include <string.h>

#include "common/utf8.h"
#include "text/ulower.h"

struct range {
    uint32_t first, last;
};

static const struct range CJK[] = {
    {0x2e80, 0x2eff}, {0x31c0, 0x31ef}, {0x3200, 0x4dbf}, {0x4e00, 0x9fff},
    {0xf900, 0xfaff}, {0xfe30, 0xfe4f},
};
static const struct range ASIAN_PUNCT[] = {
    {0x3001, 0x3002}, {0x3008, 0x3011}, {0x3014, 0x301f}, {0x30fb, 0x30fb}, {0xff01, 0xff02},
    {0xff08, 0xff09}, {0xff0c, 0xff0c}, {0xff0e, 0xff0e}, {0xff1a, 0xff1b}, {0xff1f, 0xff1f},
    {0xff61, 0xff65},
};

static bool in_ranges(uint32_t cp, const struct range *r, size_t n)
{
    for (size_t i = 0; i < n && cp >= r[i].first; i++)
        if (cp <= r[i].last)
            return true;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_point(char c)
{
    return c == '.' || c == ',';
}

/* Makes what was written to t->swap the present text. */
static void swap_text(struct da_tokens *t)
{
    struct da_buf b = t->text;
    t->text = t->swap;
    t->swap = b;
    da_buf_reset(&t->swap);
}

static void replace(struct da_tokens *t, const char *find, const char *with)
{
    struct da_span rest = da_span(t->text.p, t->text.len), needle = da_span_str(find);

    for (;;) {
        size_t at = da_span_find(rest, needle);
        da_buf_add(&t->swap, rest.p, at);
        if (at == rest.len)
            break;
        da_buf_add_str(&t->swap, with);
        rest.p += at + needle.len;
        rest.len -= at + needle.len;
    }
    swap_text(t);
}

static void add_apart(struct da_buf *out, const char *p, size_t len)
{
    da_buf_add_char(out, ' ');
    da_buf_add(out, p, len);
    da_buf_add_char(out, ' ');
}

/* The punctuation that is always set apart; the space belongs to it. */
static void space_punct(struct da_tokens *t)
{
    for (size_t i = 0; i < t->text.len; i++) {
        const char *p = t->text.p + i;
        if (*p && strchr(" !\"#$%&()*+/:;<=>?@[\\]^_`{|}~", *p))
            add_apart(&t->swap, p, 1);
        else
            da_buf_add_char(&t->swap, *p);
    }
    swap_text(t);
}

/* A point or comma after a non-digit. */
static void points_after(struct da_tokens *t)
{
    const char *p = t->text.p, *end = p + t->text.len;

    while (p < end) {
        da_buf_add_char(&t->swap, *p);
        if (!is_digit(*p) && p + 1 < end && is_point(p[1]))
            add_apart(&t->swap, ++p, 1);
        p++;
    }
    swap_text(t);
}

/* A point or comma before a non-digit. */
static void points_before(struct da_tokens *t)
{
    const char *p = t->text.p, *end = p + t->text.len;

    while (p < end) {
        if (is_point(*p) && p + 1 < end && !is_digit(p[1])) {
            add_apart(&t->swap, p, 1);
            p++;
        }
        da_buf_add_char(&t->swap, *p);
        p++;
    }
    swap_text(t);
}

static void hyphens(struct da_tokens *t)
{
    const char *p = t->text.p, *end = p + t->text.len;

    while (p < end) {
        da_buf_add_char(&t->swap, *p);
        if (is_digit(*p) && p + 1 < end && p[1] == '-')
            add_apart(&t->swap, ++p, 1);
        p++;
    }
    swap_text(t);
}

static void normalize_western(struct da_tokens *t)
{
    replace(t, "\n-", "");
    replace(t, "\n", " ");
    replace(t, "&quot;", "\"");
    replace(t, "&amp;", "&");
    replace(t, "&lt;", "<");
    replace(t, "&gt;", ">");
    add_apart(&t->swap, t->text.p, t->text.len);
    swap_text(t);
    space_punct(t);
    replace(t, "'s ", " 's ");
    points_after(t);
    points_before(t);
    hyphens(t);
}

/* The original's rules for kana are anchored to the start of a text that begins with a space,
 * so they never apply. */
static void normalize_asian(struct da_tokens *t)
{
    const char *p = t->text.p, *end = p + t->text.len;

    while (p < end) {
        uint32_t cp;
        size_t n = da_utf8_decode(p, end, &cp);
        if (in_ranges(cp, CJK, DA_ARRAY_LEN(CJK)) ||
            in_ranges(cp, ASIAN_PUNCT, DA_ARRAY_LEN(ASIAN_PUNCT)))
            add_apart(&t->swap, p, n);
        else
            da_buf_add(&t->swap, p, n);
        p += n;
    }
    swap_text(t);
}

static void remove_punct(const struct da_tercom_opts *o, struct da_tokens *t)
{
    const char *p = t->text.p, *end = p + t->text.len;

    while (p < end) {
        uint32_t cp;
        size_t n = da_utf8_decode(p, end, &cp);
        bool gone = cp != 0 && cp < 0x80 && strchr(".,?:;!\"()", (int)cp) != NULL;
        if (o->asian_support)
            gone = gone || in_ranges(cp, ASIAN_PUNCT, DA_ARRAY_LEN(ASIAN_PUNCT));
        if (!gone)
            da_buf_add(&t->swap, p, n);
        p += n;
    }
    swap_text(t);
}

void da_tercom_tokenize(const struct da_tercom_opts *o, struct da_span text, struct da_tokens *t)
{
    text = da_upy_rstrip(text);
    t->n = 0;
    da_buf_reset(&t->text);
    da_buf_reset(&t->swap);
    if (o->case_sensitive)
        da_buf_add(&t->text, text.p, text.len);
    else
        da_upy_lower(text.p, text.len, &t->text);
    if (o->normalized && text.len > 0) {
        normalize_western(t);
        if (o->asian_support)
            normalize_asian(t);
    }
    if (o->no_punct)
        remove_punct(o, t);
    t->limit = t->text.p + t->text.len;
    da_split_space(da_span(t->text.p, t->text.len), t);
}
