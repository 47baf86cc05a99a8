/* Header look-up and the rule where a key may go (RFC 9110 section 5.1; DESIGN.md 5.15). */

#include <string.h>

#include "api/http.h"
#include "tests/tap.h"

static void test_headers(void)
{
    static const char block[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                "x-ratelimit-limit-requests:  500 \r\nX-A: 1\r\nx-a: 2\r\n\r\n";
    struct da_http_reply r = {.headers = {block, sizeof block - 1}};
    struct da_span v = da_http_header(&r, "X-RateLimit-Limit-Requests");
    tap_is_mem(v.p, v.len, "500", 3, "names are compared without case, values trimmed");
    v = da_http_header(&r, "x-a");
    tap_is_mem(v.p, v.len, "2", 1, "the last of two wins");
    tap_is_int((long long)da_http_header(&r, "x").len, 0, "a prefix is not the name");
    tap_is_int((long long)da_http_header(&r, "Retry-After").len, 0, "absent is empty");
}

static void test_urls(void)
{
    static const struct {
        const char *url;
        bool key;
        enum da_rc rc;
    } cases[] = {
        {"https://api.openai.com/v1", true, DA_OK},
        {"http://127.0.0.1:8080/v1", true, DA_OK},
        {"http://127.9.9.9/v1", true, DA_OK},
        {"http://localhost:11434/v1", true, DA_OK},
        {"http://[::1]:8080/v1", true, DA_OK},
        {"http://10.0.0.7:8000/v1", false, DA_OK},
        {"http://10.0.0.7:8000/v1", true, DA_EUSAGE},
        {"http://127.0.0.1.example.com/v1", true, DA_EUSAGE},
        {"http://localhost.example.com/v1", true, DA_EUSAGE},
        {"http://example.com#@127.0.0.1/", true, DA_EUSAGE},
        {"https://me:secret@example.com/v1", true, DA_EUSAGE},
        {"ftp://example.com/v1", false, DA_EUSAGE},
        {"file:///etc/passwd", false, DA_EUSAGE},
        {"example.com/v1", false, DA_EUSAGE},
        {"https:///v1", false, DA_EUSAGE},
    };
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++)
        tap_is_int(da_http_check_url(cases[i].url, cases[i].key, NULL), cases[i].rc, "%s %s key",
                   cases[i].url, cases[i].key ? "with" : "without");
    struct da_err err;
    (void)da_http_check_url("https://me:secret@example.com/v1", true, &err);
    tap_ok(!strstr(err.msg, "secret"), "a password in an address is not repeated");
}

int main(void)
{
    test_headers();
    test_urls();
    return tap_done();
}
