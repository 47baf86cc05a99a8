/* CSV: round trips, and what spreadsheets write. */

#include "common/csvrow.h"

#include <string.h>

#include "tests/tap.h"

/* All fields as "[a][b]/[c]...". */
static void read_all(const char *text, struct da_buf *out)
{
    struct da_csvrow c;
    struct da_err err;
    da_csvrow_init(&c, text, strlen(text));
    da_buf_reset(out);
    for (;;) {
        if (da_csvrow_next(&c, &err)) {
            da_buf_addf(out, "!%s", err.msg);
            break;
        }
        if (c.n == 0)
            break;
        if (out->len > 0)
            da_buf_add_char(out, '/');
        for (size_t i = 0; i < c.n; i++)
            da_buf_addf(out, "[%s]", c.items[i].p);
    }
    da_csvrow_release(&c);
}

static void test_reading(void)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"a,b\nc,d\n", "[a][b]/[c][d]"},
        {"a,b\r\nc,", "[a][b]/[c][]"},
        {"\xEF\xBB\xBF"
         "a;b\n1,5;2\n",
         "[a][b]/[1,5][2]"},
        {"a\tb\n\n\nc\td", "[a][b]/[c][d]"},
        {"\"x \"\"y\"\"\",\"two\nlines\"\n", "[x \"y\"][two\nlines]"},
        {"\"a;;;;b\",c\n", "[a;;;;b][c]"},
        {"a,\"b", "!row 1: a quote is not closed"},
        {"a,b\n\"c\"d,e\n", "[a][b]!row 2: text follows a closing quote"},
        {"a b\" c,d\n", "[a b\" c][d]"},
    };
    struct da_buf got;
    da_buf_init(&got, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        read_all(cases[i].text, &got);
        tap_is_str(got.p, cases[i].want, "case %zu", i);
    }
    da_buf_release(&got);
}

static void test_round_trip(void)
{
    static const char *const fields[] = {"plain", "", "a,b", "say \"hi\"", "two\r\nlines", " x "};
    struct da_buf out;
    struct da_csvrow c;
    struct da_err err;
    da_buf_init(&out, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(fields); i++)
        da_csvrow_add(&out, da_span_str(fields[i]), i == 0);
    da_csvrow_end_row(&out);
    da_csvrow_init(&c, out.p, out.len);
    tap_rc(da_csvrow_next(&c, &err), &err, "reads what was written");
    tap_is_int((long long)c.n, DA_ARRAY_LEN(fields), "all fields");
    for (size_t i = 0; i < c.n; i++)
        tap_is_str(c.items[i].p, fields[i], "field %zu", i);
    da_csvrow_release(&c);
    da_buf_release(&out);
}

int main(void)
{
    test_reading();
    test_round_trip();
    return tap_done();
}
