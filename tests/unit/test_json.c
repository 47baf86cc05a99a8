/* JSON: RFC 8259 and the traps of cJSON that json.h promises to have closed. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "tests/tap.h"

/* Parses text and writes it again; the result must be want (NULL: text itself). */
static void round_trip(const char *text, const char *want)
{
    struct da_json *j = NULL;
    struct da_err err;
    struct da_buf b;
    struct da_jw w;
    da_buf_init(&b, 0);
    da_jw_init(&w, &b);
    if (tap_rc(da_json_parse(text, strlen(text), &j, &err), &err, "parses %.40s", text)) {
        da_jw_value(&w, j);
        tap_is_str(b.p, want ? want : text, "%.40s comes back", text);
    }
    da_json_free(j);
    da_buf_release(&b);
}

static void refused_n(const char *text, size_t len, const char *why)
{
    struct da_json *j = NULL;
    struct da_err err = {DA_OK, ""};
    enum da_rc rc = da_json_parse(text, len, &j, &err);
    tap_ok(rc == DA_EFORMAT && j == NULL, "refused: %.40s", text);
    tap_is_str(err.msg, why, "... and it says why");
    if (rc == DA_OK)
        da_json_free(j);
}

static void refused(const char *text, const char *why)
{
    refused_n(text, strlen(text), why);
}

static void test_values(void)
{
    round_trip("{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\"}}", NULL);
    round_trip(" [ 1.5 , -0.25e2 ] ", "[1.5,-25]");
    round_trip("\"\\u00e9\\ud83d\\ude00\\n\\\"\\\\\\/\\u0001\"",
               "\"\u00e9\U0001F600\\n\\\"\\\\/\\u0001\"");
    round_trip("[]", NULL);
    round_trip("{}", NULL);
    round_trip("[0.1,1e-7,1.7976931348623157e+308,5e-324]",
               "[0.1,1e-07,1.7976931348623157e+308,4.94065645841247e-324]");
}

static void test_big_integers(void)
{
    struct da_json *j = NULL;
    struct da_err err;
    int64_t v = 0;
    round_trip("[9007199254740993,\"9007199254740993\",-123456789012345678901234567890]", NULL);
    round_trip("{\"a\":\"x\",\"id\":18446744073709551615,\"b\":[9007199254740992]}", NULL);
    tap_rc(da_json_parse("9223372036854775807", 19, &j, &err), &err, "2^63-1");
    tap_ok(da_json_int(j, &v) && v == INT64_MAX && da_json_type(j) == DA_JSON_NUMBER,
           "is a number and its exact value can be read");
    da_json_free(j);
}

static void test_refusals(void)
{
    char deep[200];
    refused("", "invalid JSON at byte 0: the text ends where a value was expected");
    refused("{\"a\":1", "invalid JSON at byte 6, after member 'a': the text ends inside an object");
    refused("[1,]", "invalid JSON at byte 3: a value was expected");
    refused("{\"a\" 1}", "invalid JSON at byte 5, after member 'a': ':' was expected");
    refused("{a:1}", "invalid JSON at byte 1: a member name in quotes was expected");
    refused("01", "invalid JSON at byte 1: something stands after the value");
    refused("+1", "invalid JSON at byte 0: a value was expected");
    refused("1.", "invalid JSON at byte 2: digits were expected after '.'");
    refused("1e999", "invalid JSON at byte 0: number out of range");
    refused("NaN", "invalid JSON at byte 0: a value was expected");
    refused("\"a\tb\"", "invalid JSON at byte 2: control character in a string");
    refused("\"\\u0000\"", "invalid JSON at byte 3: U+0000 is not allowed in a string");
    refused("\"\\ud800\"", "invalid JSON at byte 3: lone surrogate in a string");
    refused("\"\\udc00x\"", "invalid JSON at byte 3: lone surrogate in a string");
    refused("\"\\q\"", "invalid JSON at byte 2: unknown escape in a string");
    refused("\"a\xFFz\"", "invalid JSON at byte 2: invalid UTF-8");
    refused("\"abc", "invalid JSON at byte 4: the text ends inside a string");
    refused("{} {}", "invalid JSON at byte 3: something stands after the value");
    refused_n("[1]\0", 4, "invalid JSON at byte 3: something stands after the value");
    refused("{\"a\":1,\"b\":2,\"a\":3}", "member 'a' stands twice in an object");
    memset(deep, '[', 100);
    deep[100] = 0;
    refused(deep, "invalid JSON at byte 64: nested too deeply");
}

static void test_many_keys(void)
{
    struct da_json *j = NULL;
    struct da_err err;
    struct da_buf b;
    int i;
    da_buf_init(&b, 0);
    da_buf_add_char(&b, '{');
    for (i = 0; i < 5000; i++)
        da_buf_addf(&b, "\"k%d\":%d,", i, i);
    da_buf_add_str(&b, "\"k77\":0}");
    tap_is_int(da_json_parse(b.p, b.len, &j, &err), DA_EFORMAT, "a double among 5,000 keys");
    tap_is_str(err.msg, "member 'k77' stands twice in an object", "is named");
    da_buf_release(&b);
}

static void test_access(void)
{
    static const char text[] =
        "{\"Name\":\"upper\",\"name\":\"lower\",\"n\":3,\"x\":2.5,\"a\":[1,2]}";
    struct da_json *j = NULL;
    struct da_err err;
    struct da_span s;
    int64_t n;
    double d;
    tap_rc(da_json_parse(text, sizeof text - 1, &j, &err), &err, "an object");
    tap_ok(da_json_str(da_json_get(j, "name"), &s) && da_span_is(s, "lower"),
           "keys are compared exactly");
    tap_ok(da_json_get(j, "NAME") == NULL, "another case is another key");
    tap_ok(da_json_int(da_json_get(j, "n"), &n) && n == 3, "an integer");
    tap_ok(!da_json_int(da_json_get(j, "x"), &n) && da_json_double(da_json_get(j, "x"), &d) &&
               d == 2.5,
           "a fraction is no integer");
    tap_is_int((long long)da_json_len(da_json_get(j, "a")), 2, "length of an array");
    tap_ok(!da_json_str(NULL, &s) && !da_json_get(NULL, "x"), "NULL is no value");
    tap_is_int(da_json_need_str(j, "zz", &s, &err), DA_EFORMAT, "a missing member");
    tap_is_str(err.msg, "member 'zz' is missing", "is named");
    tap_is_int(da_json_need_str(j, "n", &s, &err), DA_EFORMAT, "a member of another type");
    tap_is_str(err.msg, "member 'n' is a number, not a string", "is named with both types");
    da_json_free(j);
}

static void test_writer(void)
{
    struct da_buf b;
    struct da_jw w;
    da_buf_init(&b, 0);
    da_jw_init(&w, &b);
    da_jw_object(&w);
    da_jw_kcstr(&w, "s", "tab\there");
    da_jw_kcstr(&w, "none", NULL);
    da_jw_key(&w, "list");
    da_jw_array(&w);
    da_jw_int(&w, -5);
    da_jw_uint(&w, UINT64_MAX);
    da_jw_double(&w, 0.1 + 0.2);
    da_jw_double(&w, NAN);
    da_jw_fixed(&w, 2.5, 2);
    da_jw_object(&w);
    da_jw_end(&w);
    da_jw_end(&w);
    da_jw_kbool(&w, "b", true);
    da_jw_end(&w);
    tap_is_str(b.p,
               "{\"s\":\"tab\\there\",\"none\":null,\"list\":[-5,18446744073709551615,"
               "0.30000000000000004,null,2.50,{}],\"b\":true}",
               "a record");
    da_buf_release(&b);
}

static void test_numbers(void)
{
    double d = 0;
    int64_t i = 0;
    tap_ok(da_parse_double("-1.5e3", 6, &d) && d == -1500, "a double");
    tap_ok(!da_parse_double("0x10", 4, &d) && !da_parse_double("inf", 3, &d) &&
               !da_parse_double("1 ", 2, &d) && !da_parse_double("", 0, &d),
           "no hexadecimal, no infinity, no spaces");
    tap_ok(da_parse_int("-9223372036854775808", 20, &i) && i == INT64_MIN, "the least integer");
    tap_ok(!da_parse_int("9223372036854775808", 19, &i) && !da_parse_int("1.0", 3, &i) &&
               !da_parse_int("+1", 2, &i),
           "out of range and fractions are refused");
}

int main(void)
{
    test_values();
    test_big_integers();
    test_refusals();
    test_many_keys();
    test_access();
    test_writer();
    test_numbers();
    return tap_done();
}
