/*
 * Well-formedness after Unicode 15 table 3-7, replacement after section 3.9 (its
 * own examples), NFC after UAX 15, grapheme clusters after UAX 29.
 */

#include <string.h>

#include "common/utf8.h"
#include "tests/tap.h"
#include "text/unorm.h"

static void valid_len_is(const char *text, size_t len, size_t want, const char *what)
{
    tap_is_int((long long)da_utf8_valid_len(text, len), (long long)want, "%s", what);
}

static void test_validity(void)
{
    valid_len_is("plain ascii text", 16, 16, "ASCII");
    valid_len_is("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9, 9, "two, three and four bytes");
    valid_len_is("ab\xC0\xAF", 4, 2, "overlong");
    valid_len_is("\xE0\x9F\xBF", 3, 0, "overlong in three bytes");
    valid_len_is("\xED\xA0\x80", 3, 0, "surrogate");
    valid_len_is("\xF4\x90\x80\x80", 4, 0, "beyond U+10FFFF");
    valid_len_is("x\xE2\x82", 3, 1, "cut off");
    valid_len_is("\xFF", 1, 0, "never a byte of UTF-8");
    valid_len_is("12345678901234567890\x80", 21, 20, "lone continuation after a run");
}

static void sanitized_is(const char *in, size_t len, const char *want, size_t n_bad)
{
    struct da_buf b;
    size_t n;
    da_buf_init(&b, 0);
    n = da_utf8_sanitize(in, len, &b);
    tap_ok(n == n_bad && strcmp(b.p, want) == 0, "%zu ill-formed parts replaced, got %zu", n_bad,
           n);
    da_buf_release(&b);
}

static void test_sanitize(void)
{
    /* Unicode 15, tables 3-8 to 3-11 */
    sanitized_is("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", 9,
                 "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA", 8);
    sanitized_is("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", 9,
                 "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA", 8);
    sanitized_is("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", 9,
                 "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA\uFFFD\uFFFDB", 7);
    sanitized_is("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", 9, "\uFFFD\uFFFD\uFFFD\uFFFDA", 4);
    sanitized_is("fine \xC3\xA9", 7, "fine \u00e9", 0);
}

static void test_round_trip(void)
{
    uint32_t cp;
    bool ok = true;
    for (cp = 0; cp <= 0x10FFFF; cp++) {
        char c[DA_UTF8_MAX_LEN];
        uint32_t back;
        size_t n;
        if (cp >= 0xD800 && cp <= 0xDFFF)
            continue;
        n = da_utf8_encode(cp, c);
        ok &= da_utf8_valid(c, n) && da_utf8_decode(c, c + n, &back) == n && back == cp;
    }
    tap_ok(ok, "every scalar value survives encoding and decoding");
    tap_is_int((long long)da_utf8_count("a\u00e9\u20ac", 6), 3, "code points are counted");
}

static void nfc_is(const char *in, const char *want, const char *what)
{
    struct da_buf b;
    struct da_err err;
    da_buf_init(&b, 0);
    tap_rc(da_utf8_nfc(in, strlen(in), &b, &err), &err, "%s: normalized", what);
    tap_is_str(b.p, want, "%s", what);
    da_buf_release(&b);
}

static void test_nfc(void)
{
    nfc_is("plain", "plain", "ASCII stays");
    nfc_is("Cafe\xCC\x81 x", "Caf\u00e9 x", "a letter and its accent");
    nfc_is("\u00e9 \u20ac", "\u00e9 \u20ac", "composed stays");
    nfc_is("\xE1\x84\x80\xE1\x85\xA1", "\uac00", "Hangul");
    nfc_is("\xE2\x84\xAB", "\u00c5", "Angstrom sign is a letter");
    nfc_is("q\xCC\x87\xCC\xA3", "q\xCC\xA3\xCC\x87", "marks in canonical order");
}

static unsigned unorm_flags(uint32_t cp)
{
    return da_unorm_records[da_unorm_block[da_unorm_index[cp >> 8]][cp & 255]].flags;
}

/* Every character between a letter and an accent, against the tables of text/unorm.h, whose truth
 * is Python's unicodedata; characters that all versions of Unicode in use know: up to 9.0. */
static void test_nfc_all(void)
{
    unsigned bad = 0;
    struct da_buf in, got, want;
    da_buf_init(&in, 0);
    da_buf_init(&got, 0);
    da_buf_init(&want, 0);
    for (uint32_t cp = 1; cp < 0x30000; cp++) {
        if (cp == '\n' || (cp >= 0xd800 && cp < 0xe000) ||
            (unorm_flags(cp) & DA_UNORM_AFTER_9))
            continue;
        da_buf_reset(&in);
        da_buf_reset(&got);
        da_buf_reset(&want);
        for (unsigned i = 0; i < 2; i++) { /* alone on its line, and among marks */
            da_buf_add_utf8(&in, cp);
            da_buf_add_str(&in, i == 0 ? "\na" : "\xCC\x81");
        }
        (void)da_utf8_nfc(in.p, in.len, &got, NULL);
        da_unorm(DA_UNORM_NFC, DA_UNORM_16, da_span(in.p, in.len), &want);
        bad += got.len != want.len || memcmp(got.p, want.p, got.len) != 0;
    }
    tap_is_int(bad, 0, "every character comes out as the tables say");
    da_buf_release(&in);
    da_buf_release(&got);
    da_buf_release(&want);
}

static void test_graphemes(void)
{
    static const char family[] = "a\U0001F468\u200D\U0001F469\u200D\U0001F467z";
    static const char accent[] = "e\xCC\x81x";
    tap_is_int((long long)da_utf8_grapheme_floor(family, sizeof family - 1, 8), 1,
               "inside a family of emoji");
    tap_is_int((long long)da_utf8_grapheme_floor(family, sizeof family - 1, 19), 19,
               "after it");
    tap_is_int((long long)da_utf8_grapheme_floor(accent, 4, 1), 0, "before a combining mark");
    tap_is_int((long long)da_utf8_grapheme_floor(accent, 4, 3), 3, "after it");
    tap_is_int((long long)da_utf8_grapheme_floor("a\r\nb", 4, 2), 1, "CR LF is one");
    tap_is_int((long long)da_utf8_grapheme_floor("abc", 3, 3), 3, "the end is a boundary");
}

/* Expected values: UnicodeData.txt, fields 5 of U+FB03, U+FEFB and U+0041. */
static void test_compat(void)
{
    uint32_t out[DA_UTF8_COMPAT_MAX];
    tap_is_int((long long)da_utf8_compat(0xFB03, out), 3, "ffi is three letters");
    tap_ok(out[0] == 'f' && out[1] == 'f' && out[2] == 'i', "... f f i");
    tap_is_int((long long)da_utf8_compat(0xFEFB, out), 2, "lam-alef is two");
    tap_ok(out[0] == 0x644 && out[1] == 0x627, "... lam alef");
    tap_is_int((long long)da_utf8_compat(0x41, out), 0, "A has no decomposition");
    tap_is_int((long long)da_utf8_compat(0x110000, out), 0, "nothing beyond Unicode");
    tap_is_int((long long)da_utf8_compat(0xFDFA, out), 18, "the longest one fits");
}

int main(void)
{
    test_validity();
    test_sanitize();
    test_round_trip();
    test_nfc();
    test_nfc_all();
    test_graphemes();
    test_compat();
    return tap_done();
}
