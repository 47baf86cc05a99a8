/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See charset.h. Detection by uchardet, conversion by iconv. A guess is believed only if the
 * bytes convert without errors (or nearly so) and give no control characters.
 */

#include "ingest/extract/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "common/utf8.h"
#include "ingest/extract/cld.h"
#include "ingest/sniff.h"

#if DA_WITH_UCHARDET
#include <uchardet/uchardet.h>
#endif

enum { DETECT_WINDOW = 262144, CHUNK = 65536, SHORT_TEXT = 4096, FIT_BYTES = 8192 };

static const double FIT_MARGIN = 1.06; /* another reading must be better by so much */

static void set_name(char name[DA_CHARSET_NAME_MAX], const char *s)
{
    size_t i = 0;
    for (; s[i] != 0 && i + 1 < DA_CHARSET_NAME_MAX; i++)
        name[i] = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] + 32) : s[i];
    name[i] = 0;
}

/* Share of characters that no text holds: replacement, controls, unassigned. */
static double bad_share(const char *p, size_t len)
{
    size_t n = 0, bad = 0;
    for (const char *at = p, *end = p + len; at < end; n++) {
        uint32_t cp;
        at += da_utf8_decode(at, end, &cp);
        bad += cp == DA_UTF8_REPLACEMENT || (cp < 32 && (cp < 9 || cp > 13) && cp != 27) ||
               (cp >= 127 && cp < 160) || (cp >= 0xe000 && cp < 0xf900);
    }
    return n > 0 ? (double)bad / (double)n : 0;
}

/* Converts until about want bytes came out. False when iconv does not know the name. */
static bool convert(const char *from, const unsigned char *p, size_t len, size_t want,
                    struct da_buf *out, size_t *used)
{
    iconv_t cd = iconv_open("UTF-8", from);
    if (cd == (iconv_t)-1)
        return false;
    char *in = (char *)p;
    size_t left = len, start = out->len;
    while (left > 0 && (want == 0 || out->len - start < want)) {
        char *to = da_buf_reserve(out, CHUNK);
        if (to == NULL)
            break;
        char *at = to;
        size_t room = CHUNK;
        size_t n = iconv(cd, &in, &left, &at, &room);
        out->len += (size_t)(at - to);
        out->p[out->len] = 0;
        if (n == (size_t)-1 && errno == EILSEQ && left > 0) {
            da_buf_add_utf8(out, DA_UTF8_REPLACEMENT);
            in++;
            left--;
        } else if (n == (size_t)-1 && errno == EINVAL) {
            left = 0; /* the last character is cut */
        }
    }
    *used = len - left;
    (void)iconv_close(cd);
    return true;
}

static bool try_name(const char *from, double allowed, const unsigned char *p, size_t len,
                     size_t want, struct da_buf *out, char name[DA_CHARSET_NAME_MAX],
                     size_t *used)
{
    size_t start = out->len;
    if (convert(from, p, len, want, out, used) && !out->overflow &&
        bad_share(out->p + start, out->len - start) <= allowed) {
        set_name(name, from);
        return true;
    }
    da_buf_truncate(out, start);
    return false;
}

struct mark {
    const char *bytes;
    size_t len;
    const char *name;
};

static const struct mark marks[] = {
    {"\xff\xfe\0\0", 4, "UTF-32LE"}, {"\0\0\xfe\xff", 4, "UTF-32BE"},
    {"\xef\xbb\xbf", 3, "UTF-8"},    {"\xff\xfe", 2, "UTF-16LE"},
    {"\xfe\xff", 2, "UTF-16BE"},
};

static const char *guess_wide(const unsigned char *p, size_t len)
{
    static const char *const names[] = {NULL, "UTF-32LE", "UTF-32BE", "UTF-16LE", "UTF-16BE"};
    return names[da_sniff_wide(p, len)];
}

/* Seven-bit encodings of East Asia, by their switches between sets (ISO 2022, RFC 1468, 1557). */
static const char *guess_switched(const unsigned char *p, size_t len)
{
    size_t n = len < DETECT_WINDOW ? len : DETECT_WINDOW, n_japanese = 0;
    for (size_t i = 0; i + 3 < n; i++) {
        if (p[i] >= 0x80)
            return NULL;
        if (p[i] != 27 || p[i + 1] != '$')
            continue;
        if (p[i + 2] == ')' && p[i + 3] == 'C')
            return "ISO-2022-KR";
        n_japanese += p[i + 2] == 'B' || p[i + 2] == '@' || p[i + 2] == '(';
    }
    return n_japanese > 0 ? "ISO-2022-JP-2" : NULL;
}

/* KOI8-U, where KOI8-R has frames within words: uchardet does not tell them apart. */
static bool is_ukrainian(const unsigned char *p, size_t len)
{
    size_t n = len < DETECT_WINDOW ? len : DETECT_WINDOW;
    for (size_t i = 1; i + 1 < n; i++)
        if ((p[i - 1] >= 0xc0 || p[i + 1] >= 0xc0) &&
            memchr("\xa4\xa6\xa7\xad\xb4\xb6\xb7\xbd", p[i], 8) != NULL)
            return true;
    return false;
}

#if DA_WITH_CLD2
static double fit_of(const char *from, const unsigned char *p, size_t len)
{
    struct da_buf text;
    size_t used;
    da_buf_init(&text, 0);
    double fit = -1;
    if (convert(from, p, len < FIT_BYTES ? len : FIT_BYTES, 0, &text, &used) &&
        bad_share(text.p, text.len) <= 0)
        fit = da_language_fit(text.p, text.len);
    da_buf_release(&text);
    return fit;
}
#endif

/* Latin code pages differ in a few letters, which statistics of bytes mistake for one another:
 * of the readings, that which fits its language best; guess (or NULL) where none is better. */
static const char *refine_latin(const char *guess, const unsigned char *p, size_t len)
{
#if DA_WITH_CLD2
    static const char *const latin[] = {"windows-1252", "windows-1250", "windows-1257",
                                        "windows-1254", "CP850", "iso-8859-2"};
    double best = guess != NULL ? FIT_MARGIN * fit_of(guess, p, len) : 0;
    for (size_t i = 0; i < sizeof latin / sizeof latin[0]; i++) {
        double fit = fit_of(latin[i], p, len);
        if (fit > best) {
            best = FIT_MARGIN * fit;
            guess = latin[i];
        }
    }
#else
    (void)p;
    (void)len;
#endif
    return guess;
}

static bool is_latin(const char *name)
{
    static const char *const names[] = {"windows-1252", "windows-1250", "windows-1257", "viscii",
                                        "windows-1254", "windows-1258", "iso-8859-1", "iso-8859-2",
                                        "iso-8859-3",   "iso-8859-4",   "iso-8859-9", "iso-8859-10",
                                        "iso-8859-13",  "iso-8859-15"};
    char low[DA_CHARSET_NAME_MAX];
    set_name(low, name);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(low, names[i]) == 0)
            return true;
    return false;
}

/* Valid as UTF-8, a character cut by the end of the window allowed. */
static bool is_utf8(const unsigned char *p, size_t len, double allowed)
{
    size_t ok = da_utf8_valid_len((const char *)p, len), bad = 0;
    while (ok + 4 < len && bad <= len / 100) {
        bad++;
        size_t skip = ok + 1;
        ok = skip + da_utf8_valid_len((const char *)p + skip, len - skip);
    }
    return (double)bad <= allowed * (double)len;
}

#if DA_WITH_UCHARDET
static bool guess_by_statistics(const unsigned char *p, size_t len,
                                char name[DA_CHARSET_NAME_MAX])
{
    uchardet_t u = uchardet_new();
    size_t n = len < DETECT_WINDOW ? len : DETECT_WINDOW;
    bool ok = uchardet_handle_data(u, (const char *)p, n) == 0;
    uchardet_data_end(u);
    set_name(name, ok ? uchardet_get_charset(u) : "");
    uchardet_delete(u);
    return name[0] != 0;
}
#else
static bool guess_by_statistics(const unsigned char *p, size_t len,
                                char name[DA_CHARSET_NAME_MAX])
{
    (void)p;
    (void)len;
    (void)name;
    return false;
}
#endif

/*
 * Texts too short for statistics: the East Asian encodings that the bytes allow, by how many of
 * the characters are everyday ones. Those stand in the first part of each national set, ordered
 * by use: rows 16-47 of JIS X 0208, 16-55 of GB 2312, A440-C67E of Big5, Hangul of KS X 1001.
 */
struct asian {
    const char *name, *set;
    unsigned char lo, hi; /* lead bytes of everyday characters in the set */
};

static const struct asian asians[] = {
    {"cp932", "EUC-JP", 0xb0, 0xcf},   {"EUC-JP", "EUC-JP", 0xb0, 0xcf},
    {"gb18030", "GB2312", 0xb0, 0xd7}, {"BIG5", "BIG5", 0xa4, 0xc6},
    {"cp949", "EUC-KR", 0xb0, 0xc8},
};

/* Share of everyday characters among those beyond ASCII. */
static double everyday_share(const struct asian *a, const char *p, size_t len)
{
    iconv_t cd = iconv_open(a->set, "UTF-8");
    size_t n = 0, good = 0;
    if (cd == (iconv_t)-1)
        return 0;
    for (const char *at = p, *end = p + len; at < end;) {
        uint32_t cp;
        size_t k = da_utf8_decode(at, end, &cp);
        char in[4], to[8] = {0};
        memcpy(in, at, k);
        at += k;
        if (cp < 0x80)
            continue;
        n++;
        char *ip = in, *op = to;
        size_t left = k, room = sizeof to;
        bool ok = iconv(cd, &ip, &left, &op, &room) != (size_t)-1;
        unsigned char lead = (unsigned char)to[0];
        bool kana = cp >= 0x3000 && cp < 0x3100 && a->set[4] == 'J';
        good += ok && ((lead >= a->lo && lead <= a->hi) || kana);
        (void)iconv(cd, NULL, NULL, NULL, NULL);
    }
    (void)iconv_close(cd);
    return n > 0 ? (double)good / (double)n : 0;
}

static bool guess_asian(const unsigned char *p, size_t len, size_t want, struct da_buf *out,
                        char name[DA_CHARSET_NAME_MAX], size_t *used)
{
    const struct asian *best = NULL;
    double best_share = 0.8;
    size_t n = len < SHORT_TEXT ? len : SHORT_TEXT;
    for (size_t i = 0; i < sizeof asians / sizeof asians[0]; i++) {
        struct da_buf text;
        size_t k;
        da_buf_init(&text, 0);
        if (convert(asians[i].name, p, n, 0, &text, &k) && bad_share(text.p, text.len) <= 0) {
            double share = everyday_share(&asians[i], text.p, text.len);
            if (share > best_share) {
                best_share = share;
                best = &asians[i];
            }
        }
        da_buf_release(&text);
    }
    return best != NULL && try_name(best->name, 0.005, p, len, want, out, name, used);
}

/* Western text has some letters with accents among many without, and few of them in a row. */
static bool looks_western(const unsigned char *p, size_t len)
{
    size_t n = len < DETECT_WINDOW ? len : DETECT_WINDOW, high = 0, pairs = 0, letters = 0;
    for (size_t i = 0; i < n; i++) {
        high += p[i] >= 0x80;
        pairs += i > 0 && p[i] >= 0xc0 && p[i - 1] >= 0xc0;
        letters += (p[i] | 32) >= 'a' && (p[i] | 32) <= 'z';
    }
    return high * 4 <= letters && pairs * 4 <= high;
}

/* Labels that mean something else on the web than in iconv (WHATWG Encoding Standard, 4.2). */
static const char *web_label(const char *hint)
{
    static const struct {
        const char *label, *name;
    } map[] = {
        {"iso-8859-1", "windows-1252"}, {"latin1", "windows-1252"},
        {"us-ascii", "windows-1252"},   {"ascii", "windows-1252"},
        {"iso-8859-9", "windows-1254"}, {"shift_jis", "cp932"},
        {"x-sjis", "cp932"},            {"shift-jis", "cp932"},
        {"gb2312", "gb18030"},          {"gbk", "gb18030"},
        {"ks_c_5601-1987", "cp949"},    {"euc-kr", "cp949"},
        {"utf-16", "utf-8"},            {"unicode", "utf-8"},
        {"x-gbk", "gb18030"},           {"utf8", "utf-8"},
        {"uhc", "cp949"},
    };
    char low[DA_CHARSET_NAME_MAX];
    set_name(low, hint);
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (strcmp(low, map[i].label) == 0)
            return map[i].name;
    return hint;
}

bool da_charset_decode(const unsigned char *p, size_t len, const char *hint, size_t want,
                       struct da_buf *out, char name[DA_CHARSET_NAME_MAX], size_t *used)
{
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        size_t n = marks[i].len;
        if (len >= n && memcmp(p, marks[i].bytes, n) == 0) {
            bool ok = try_name(marks[i].name, 0.05, p + n, len - n, want, out, name, used);
            *used += n;
            return ok;
        }
    }
    const char *wide = guess_wide(p, len);
    if (wide != NULL && try_name(wide, 0.02, p, len, want, out, name, used))
        return true;
    if (hint != NULL && hint[0] != 0 &&
        try_name(web_label(hint), 0.01, p, len, want, out, name, used))
        return true;
    const char *switched = guess_switched(p, len);
    if (switched != NULL && try_name(switched, 0.005, p, len, want, out, name, used)) {
        set_name(name, strcmp(switched, "ISO-2022-JP-2") == 0 ? "ISO-2022-JP" : switched);
        return true;
    }
    if (is_utf8(p, len < DETECT_WINDOW ? len : DETECT_WINDOW, 0) ||
        is_utf8(p, len < DETECT_WINDOW ? len : DETECT_WINDOW, 0.001))
        return try_name("UTF-8", 0.02, p, len, want, out, name, used);
    char guess[DA_CHARSET_NAME_MAX];
    if (guess_by_statistics(p, len, guess)) {
        const char *from = web_label(guess);
        if (is_latin(from))
            from = refine_latin(from, p, len);
        if (strcmp(from, "koi8-r") == 0 && is_ukrainian(p, len))
            from = "KOI8-U";
        if (try_name(from, 0.005, p, len, want, out, name, used))
            return true;
    }
    if (guess_asian(p, len, want, out, name, used))
        return true;
    const char *latin = refine_latin(looks_western(p, len) ? "windows-1252" : NULL, p, len);
    return latin != NULL && try_name(latin, 0, p, len, want, out, name, used);
}
