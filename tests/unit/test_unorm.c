/* Normalization forms. Figures: tools/unicode/unorm_golden.py (unicodedata2 16.0.0, checked there
 * against NormalizationTest.txt); the Unicode 9.0 case: tokenizers 0.23.3. */

#include <string.h>

#include "common/clock.h"
#include "common/hash.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "tests/tap.h"
#include "text/unorm.h"

static void add(struct da_buf *b, const char *before, uint32_t cp, const char *after)
{
    da_buf_reset(b);
    da_buf_add_str(b, before);
    da_buf_add_utf8(b, cp);
    da_buf_add_str(b, after);
}

static void test_form(enum da_unorm_form form, const char *name, const char *want)
{
    static const char *const around[][2] = {
        {"", ""},
        {"a", "\xcc\x81\xcc\xb4"},
        {"", "\xe1\x85\xa1\xe1\x86\xa8"},
        {"e\xcc\xa7", "\xcc\x82"},
    };
    struct da_sha256 h;
    struct da_buf in, out;
    unsigned char sum[DA_SHA256_LEN];
    char hex[DA_SHA256_HEX_LEN + 1];
    da_sha256_init(&h);
    da_buf_init(&in, 0);
    da_buf_init(&out, 0);
    for (uint32_t cp = 0; cp < 0x40000; cp++) {
        if (cp >= 0xd800 && cp < 0xe000)
            continue;
        da_buf_reset(&out);
        for (size_t i = 0; i < DA_ARRAY_LEN(around); i++) {
            add(&in, around[i][0], cp, around[i][1]);
            da_unorm(form, DA_UNORM_16, da_span(in.p, in.len), &out);
            da_buf_add_char(&out, '\n');
        }
        da_sha256_add(&h, out.p, out.len);
    }
    da_sha256_end(&h, sum);
    da_hex(sum, sizeof sum, hex);
    tap_is_str(hex, want, "%s of every code point in four places", name);
    da_buf_release(&in);
    da_buf_release(&out);
}

static void test_one(enum da_unorm_version version, const char *text, const char *want,
                     const char *what)
{
    struct da_buf out;
    da_buf_init(&out, 0);
    da_unorm(DA_UNORM_NFC, version, da_span_str(text), &out);
    tap_is_str(out.p, want, "%s", what);
    da_buf_release(&out);
}

static void test_long_run(void)
{
    enum { N = 1000000 };
    struct da_buf in, out;
    da_buf_init(&in, 0);
    da_buf_init(&out, 0);
    da_buf_add_char(&in, 'a');
    for (int i = 0; i < N; i++)
        da_buf_add_str(&in, i % 2 ? "\xcc\x81" : "\xcc\xa7");
    uint64_t start = da_cpu_time_ns();
    da_unorm(DA_UNORM_NFC, DA_UNORM_16, da_span(in.p, in.len), &out);
    double seconds = (double)(da_cpu_time_ns() - start) / 1e9;
    tap_ok(seconds < 5, "a million marks after one letter");
    tap_diag("%.3f s", seconds);
    da_buf_release(&in);
    da_buf_release(&out);
}

int main(void)
{
    test_form(DA_UNORM_NFC, "NFC",
              "09ce7c163a6a2e3cb00c90df79b69dd3bb8b783b196e90c866f54e3824a5f70a");
    test_form(DA_UNORM_NFD, "NFD",
              "9310a71bee8e7321c114232c71a2ef2b8ff69e802a9ad80c8b0aba8dbc06f067");
    test_form(DA_UNORM_NFKC, "NFKC",
              "e8fabc81291bde17a514d1f81c8ba95a6b6a447cf7a4c693418a0357a0b2a20d");
    test_form(DA_UNORM_NFKD, "NFKD",
              "de2d7ed2f30b2a6a6951f4c56f8ec360574559eb9c6cce3cd4e7c58aaf50175d");
    test_one(DA_UNORM_16, "x\xff" "e\xcc\x81\xfe", "x\xff\xc3\xa9\xfe",
             "bytes that are not UTF-8 stay");
    /* U+10F4D is newer than Unicode 9.0; in 16.0 the vowel sign of class 107 goes before it. */
    test_one(DA_UNORM_16, "\xf0\x90\xbd\x8d\xe0\xb9\x89", "\xe0\xb9\x89\xf0\x90\xbd\x8d",
             "newer marks are put in order");
    test_one(DA_UNORM_9, "\xf0\x90\xbd\x8d\xe0\xb9\x89", "\xf0\x90\xbd\x8d\xe0\xb9\x89",
             "but not by the rules of Unicode 9.0");
    test_long_run();
    return tap_done();
}
