/* UTF-8 and the properties that utf8proc knows: see utf8.h. */

#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* Bytes of the character at p if it is well-formed (Unicode 15, table 3-7), else 0. */
static size_t char_len(const unsigned char *p, size_t len)
{
    unsigned char c = p[0], lo = 0x80, hi = 0xBF;
    size_t n, i;
    if (c < 0x80)
        return 1;
    if (c < 0xC2 || c > 0xF4)
        return 0;
    n = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    if (len < n)
        return 0;
    if (c == 0xE0)
        lo = 0xA0;
    else if (c == 0xED)
        hi = 0x9F;
    else if (c == 0xF0)
        lo = 0x90;
    else if (c == 0xF4)
        hi = 0x8F;
    if (p[1] < lo || p[1] > hi)
        return 0;
    for (i = 2; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

/* Number of leading ASCII bytes, eight at a time. */
static size_t ascii_len(const char *p, size_t len)
{
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, 8);
        if (w & 0x8080808080808080u)
            break;
    }
    while (i < len && (unsigned char)p[i] < 0x80)
        i++;
    return i;
}

size_t da_utf8_valid_len(const char *p, size_t len)
{
    size_t i = 0;
    for (;;) {
        size_t n;
        i += ascii_len(p + i, len - i);
        if (i == len)
            return len;
        n = char_len((const unsigned char *)p + i, len - i);
        if (n == 0)
            return i;
        i += n;
    }
}

bool da_utf8_valid(const char *p, size_t len)
{
    return da_utf8_valid_len(p, len) == len;
}

size_t da_utf8_decode(const char *p, const char *end, uint32_t *cp)
{
    const unsigned char *s = (const unsigned char *)p;
    size_t n = char_len(s, (size_t)(end - p));
    switch (n) {
    case 1: *cp = s[0]; return 1;
    case 2: *cp = (s[0] & 0x1Fu) << 6 | (s[1] & 0x3Fu); return 2;
    case 3: *cp = (s[0] & 0x0Fu) << 12 | (s[1] & 0x3Fu) << 6 | (s[2] & 0x3Fu); return 3;
    case 4:
        *cp = (s[0] & 0x07u) << 18 | (s[1] & 0x3Fu) << 12 | (s[2] & 0x3Fu) << 6 | (s[3] & 0x3Fu);
        return 4;
    default: *cp = DA_UTF8_REPLACEMENT; return 1;
    }
}

size_t da_utf8_encode(uint32_t cp, char out[DA_UTF8_MAX_LEN])
{
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
        cp = DA_UTF8_REPLACEMENT;
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

void da_buf_add_utf8(struct da_buf *b, uint32_t cp)
{
    char c[DA_UTF8_MAX_LEN];
    if (cp < 0x80)
        da_buf_add_char(b, (char)cp);
    else
        da_buf_add(b, c, da_utf8_encode(cp, c));
}

size_t da_utf8_count(const char *p, size_t len)
{
    size_t i, n = 0;
    for (i = 0; i < len; i++)
        n += ((unsigned char)p[i] & 0xC0) != 0x80;
    return n;
}

/* Length of the ill-formed part at p: the longest prefix of a well-formed
 * sequence, at least one byte (Unicode 15, section 3.9, U+FFFD substitution). */
static size_t bad_len(const unsigned char *p, size_t len)
{
    static const unsigned char tail[3] = {0x80, 0x80, 0x80};
    size_t n;
    for (n = len < 3 ? len : 3; n > 1; n--) {
        unsigned char seq[6];
        memcpy(seq, p, n);
        memcpy(seq + n, tail, 3);
        if (char_len(seq, n) == 0 && char_len(seq, n + 3) > n)
            return n;
    }
    return 1;
}

size_t da_utf8_sanitize(const char *p, size_t len, struct da_buf *out)
{
    size_t n_bad = 0;
    while (len) {
        size_t ok = da_utf8_valid_len(p, len);
        size_t bad;
        da_buf_add(out, p, ok);
        p += ok;
        len -= ok;
        if (!len)
            break;
        bad = bad_len((const unsigned char *)p, len);
        da_buf_add_utf8(out, DA_UTF8_REPLACEMENT);
        n_bad++;
        p += bad;
        len -= bad;
    }
    return n_bad;
}

/* Characters that are their own NFC whatever stands before them, in blocks where that is true of
 * all: starters that neither decompose nor join what precedes (NFC_QC=Yes, ccc=0). */
static bool is_surely_nfc(uint32_t cp)
{
    if (cp < 0x300)
        return true;
    if (cp < 0x2000)
        return (cp >= 0x388 && cp < 0x483) || (cp >= 0x48a && cp < 0x530);
    if (cp < 0x2100)
        return cp >= 0x2010 && cp < 0x20c0;
    return (cp >= 0x3041 && cp < 0x3097) || (cp >= 0x30a0 && cp < 0x3100) ||
           (cp >= 0x4e00 && cp < 0xa000) || (cp >= 0xac00 && cp < 0xd7a4);
}

static bool is_line_surely_nfc(const char *p, const char *end)
{
    while (p < end) {
        uint32_t cp = (unsigned char)*p;
        if (cp < 0xcc) { /* ASCII and what follows a lead byte below U+0300, one byte at a time */
            p++;
            continue;
        }
        p += da_utf8_decode(p, end, &cp);
        if (!is_surely_nfc(cp))
            return false;
    }
    return true;
}

/* Line by line, because nothing joins over a line feed, and most lines need nothing. */
enum da_rc da_utf8_nfc(const char *p, size_t len, struct da_buf *out, struct da_err *err)
{
    const char *end = p + len;
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl != NULL ? nl + 1 : end;
        if (is_line_surely_nfc(p, stop)) {
            da_buf_add(out, p, (size_t)(stop - p));
        } else {
            utf8proc_uint8_t *nfc = NULL;
            utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)p,
                                              (utf8proc_ssize_t)(stop - p), &nfc,
                                              UTF8PROC_STABLE | UTF8PROC_COMPOSE);
            if (n < 0)
                return da_fail(err, n == UTF8PROC_ERROR_NOMEM ? DA_ENOMEM : DA_EFORMAT,
                               "Unicode normalization: %s", utf8proc_errmsg(n));
            da_buf_add(out, nfc, (size_t)n);
            free(nfc);
        }
        p = stop;
    }
    return da_buf_check(out, "normalized text", err);
}

size_t da_utf8_compat(uint32_t cp, uint32_t out[DA_UTF8_COMPAT_MAX])
{
    utf8proc_int32_t to[DA_UTF8_COMPAT_MAX];
    int state = 0;
    utf8proc_ssize_t n;
    if (cp >= 0x110000 || utf8proc_get_property((utf8proc_int32_t)cp)->decomp_type == 0)
        return 0;
    n = utf8proc_decompose_char((utf8proc_int32_t)cp, to, DA_UTF8_COMPAT_MAX,
                                UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &state);
    if (n <= 0 || n > DA_UTF8_COMPAT_MAX)
        return 0;
    for (utf8proc_ssize_t i = 0; i < n; i++)
        out[i] = (uint32_t)to[i];
    return (size_t)n;
}

size_t da_utf8_grapheme_floor(const char *p, size_t len, size_t at)
{
    /* Clusters do not cross a line feed, so scanning starts after the last one. */
    size_t i = at < len ? at : len, start;
    utf8proc_int32_t state = 0;
    uint32_t prev = 0;
    if (at >= len)
        return len;
    while (i > 0 && p[i - 1] != '\n')
        i--;
    start = i;
    for (;;) {
        uint32_t cp;
        size_t n = da_utf8_decode(p + i, p + len, &cp);
        if (i > start && utf8proc_grapheme_break_stateful((utf8proc_int32_t)prev,
                                                          (utf8proc_int32_t)cp, &state))
            start = i;
        if (i + n > at)
            return start;
        prev = cp;
        i += n;
    }
}

const char *da_utf8_category(uint32_t cp)
{
    return utf8proc_category_string((utf8proc_int32_t)cp);
}

uint32_t da_utf8_tolower(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= 'A' && cp <= 'Z' ? cp + ('a' - 'A') : cp;
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp);
}
