/* Cleaning: each rule of clean.h by an example; the invariants on random bytes. */

#include <string.h>

#include "common/rng.h"
#include "common/utf8.h"
#include "ingest/clean.h"
#include "tests/tap.h"

static void is(const char *in, const char *want, const char *name)
{
    struct da_buf b;
    struct da_clean_facts f;
    da_buf_init(&b, 0);
    da_clean(in, strlen(in), &b, &f);
    tap_is_str(b.p, want, "%s", name);
    da_buf_release(&b);
}

static void test_rules(void)
{
    is("", "", "nothing");
    is("  \n\t\n ", "", "white space alone");
    is("a\r\nb\rc", "a\nb\nc\n", "line ends");
    is("a  b \t c  \n", "a b c\n", "runs of spaces, and at the line end");
    is("a\n\n\n\nb", "a\n\nb\n", "one blank line at most");
    is("- x\n    - y\n\tz", "- x\n    - y\n    z\n", "indentation stays");
    is("a\xc2\xa0" "b\xe3\x80\x80" "c\xe2\x80\x89" "d", "a b c d\n", "spaces of all widths");
    is("a\xe2\x80\xa8" "b\xc2\x85" "c\x0c" "d", "a\nb\nc\nd\n", "line separators");
    is("co\xc2\xadop\xe2\x80\x8b\xef\xbb\xbf" "era\xe2\x81\xa0tion", "cooperation\n",
       "soft hyphens and zero widths");
    is("e\xef\xac\x83" "cient \xef\xac\x81sh", "efficient fish\n", "ligatures");
    is("\xef\xb9\xb4x", "\xd9\x8dx\n", "a mark on a space, first of all");
    is("a \xef\xb9\xb4", "a \xd9\x8d\n", "a mark on a space, behind one");
    is("\xef\xbb\xbb", "\xd9\x84\xd8\xa7\n", "Arabic presentation forms");
    is("Cafe\xcc\x81", "Caf\xc3\xa9\n", "NFC");
    is("a\x01\x7f\x1b[0m\xc2\x9f" "b", "a[0mb\n", "control characters");
    is("Chapter 1 ......... 12", "Chapter 1 ... 12\n", "dot leaders");
    is("Chapter 1 . . . . . . 12", "Chapter 1 ... 12\n", "spaced dot leaders");
    is("wait... what", "wait... what\n", "an ellipsis stays");
    is("v1.2.3. End.", "v1.2.3. End.\n", "dots elsewhere stay");
    is("\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae", "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae\n",
       "a joiner that Persian needs");
    is("a\xe2\x80\x8c" "b", "ab\n", "a joiner that Latin does not");
    is("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
       "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7\n",
       "joined emoji");
    is("\xef\x80\xa0x\xee\x80\x80\xef\xbf\xbe", "x\n", "private use, noncharacters");
    is("a\xff\xfe" "b", "a\xef\xbf\xbd\xef\xbf\xbd" "b\n", "invalid bytes");
}

static void test_facts(void)
{
    struct da_buf b;
    struct da_clean_facts f;
    static const char in[] = "\xef\xac\x81x\xff\x01\xc3\xa4";
    da_buf_init(&b, 0);
    da_clean(in, sizeof in - 1, &b, &f);
    tap_is_int((long long)f.n_folded, 1, "one ligature");
    tap_is_int((long long)f.n_replaced, 1, "one invalid byte");
    tap_is_int((long long)f.n_dropped, 1, "one control");
    tap_is_int((long long)f.n_chars, 6, "characters of the result");
    da_buf_release(&b);
}

/* Valid, no controls, no spaces at line ends, idempotent: on anything. */
static void test_random(void)
{
    struct da_rng r;
    size_t n_bad = 0;
    da_rng_init(&r, 11);
    for (int round = 0; round < 3000; round++) {
        struct da_buf in, a, b;
        struct da_clean_facts f;
        da_buf_init(&in, 0);
        da_buf_init(&a, 0);
        da_buf_init(&b, 0);
        size_t len = (size_t)da_rng_below(&r, 60);
        for (size_t i = 0; i < len; i++) {
            static const char common[] = " \n\t.-aZ\xcc\x81\xe2\x80\x8d";
            if (da_rng_below(&r, 3) > 0)
                da_buf_add_char(&in, common[da_rng_below(&r, sizeof common - 1)]);
            else if (da_rng_below(&r, 2) > 0)
                da_buf_add_utf8(&in, (uint32_t)da_rng_below(&r, 0x3100));
            else
                da_buf_add_utf8(&in, (uint32_t)da_rng_below(&r, 0x110000));
        }
        da_clean(in.p, in.len, &a, &f);
        da_clean(a.p, a.len, &b, &f);
        bool ok = da_utf8_valid(a.p, a.len) && a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
        for (size_t i = 0; i < a.len; i++)
            ok = ok && ((unsigned char)a.p[i] >= 32 || a.p[i] == '\n') &&
                 !(a.p[i] == '\n' && i > 0 && a.p[i - 1] == ' ');
        ok = ok && strstr(a.p, "\n\n\n") == NULL;
        n_bad += !ok;
        da_buf_release(&in);
        da_buf_release(&a);
        da_buf_release(&b);
    }
    tap_is_int((long long)n_bad, 0, "3000 random texts come out clean, and stay so");
}

int main(void)
{
    test_rules();
    test_facts();
    test_random();
    return tap_done();
}
