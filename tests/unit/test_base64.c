/* Vectors of RFC 4648, section 10. */

#include "common/base64.h"
#include "tests/tap.h"

int main(void)
{
    static const struct {
        const char *text, *want;
    } good[] = {{"", ""},         {"Zg==", "f"},        {"Zm8=", "fo"},         {"Zm9v", "foo"},
                {"Zm9vYg==", "foob"}, {"Zm9vYmE=", "fooba"}, {"Zm9vYmFy", "foobar"}};
    static const char *const bad[] = {"Z",        "Zg=",    "Zg",   "Z===",
                                      "Zg==Zg==", "Zm9\n", "Zm9_", "===="};
    struct da_buf out;
    da_buf_init(&out, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(good); i++) {
        da_buf_reset(&out);
        tap_ok(da_base64_decode(da_span_str(good[i].text), &out), "'%s' is base64", good[i].text);
        tap_is_str(out.p, good[i].want, "... of '%s'", good[i].want);
    }
    da_buf_reset(&out);
    for (size_t i = 0; i < DA_ARRAY_LEN(bad); i++)
        tap_ok(!da_base64_decode(da_span_str(bad[i]), &out) && out.len == 0, "'%s' is not", bad[i]);
    da_buf_release(&out);
    return tap_done();
}
