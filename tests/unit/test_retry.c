/*
 * Waiting and giving up. The dates are the three examples of RFC 9110 section 5.6.7, all
 * 784111777 seconds after the epoch; the classes are those of the OpenAI documentation's
 * page of error codes.
 */

#include <stdio.h>
#include <string.h>

#include "api/retry.h"
#include "tests/tap.h"

static struct da_http_reply with_headers(const char *block)
{
    return (struct da_http_reply){.status = 429, .headers = da_span_str(block)};
}

static void test_dates(void)
{
    static const char *const same[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                       "Sunday, 06-Nov-94 08:49:37 GMT",
                                       "Sun Nov  6 08:49:37 1994"};
    for (size_t i = 0; i < DA_ARRAY_LEN(same); i++)
        tap_is_int(da_parse_http_date(da_span_str(same[i])), 784111777, "%s", same[i]);
    tap_is_int(da_parse_http_date(da_span_str("Thu, 29 Feb 2024 23:59:60 GMT")), 1709251200,
               "a leap day and a leap second");
    static const char *const none[] = {"", "soon", "Sun, 06 Nov", "Sun, 06 Foo 1994 08:49:37 GMT",
                                       "Sun, 99 Nov 1994 08:49:37 GMT"};
    for (size_t i = 0; i < DA_ARRAY_LEN(none); i++)
        tap_is_int(da_parse_http_date(da_span_str(none[i])), -1, "no date: '%s'", none[i]);
}

static void test_retry_after(void)
{
    static const struct {
        const char *headers;
        long long ms;
    } cases[] = {
        {"Retry-After: 7\r\n", 7000},
        {"Retry-After: 0.25\r\n", 250},
        {"retry-after-ms: 1500\r\nRetry-After: 9\r\n", 1500},
        {"Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 7000},
        {"Retry-After: Sun, 06 Nov 1994 08:00:00 GMT\r\n", 0},
        {"Retry-After: -3\r\n", -1},
        {"Retry-After: whenever\r\n", -1},
        {"Date: x\r\n", -1},
    };
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        struct da_http_reply r = with_headers(cases[i].headers);
        tap_is_int(da_retry_after_ms(&r, 784111770000), cases[i].ms, "%.*s",
                   (int)strcspn(cases[i].headers, "\r"), cases[i].headers);
    }
}

static void test_classes(void)
{
    static const struct {
        int status;
        const char *code;
        enum da_try_class class;
    } cases[] = {
        {200, "", DA_TRY_OK},
        {408, "", DA_TRY_TRANSIENT},
        {409, "", DA_TRY_TRANSIENT},
        {429, "", DA_TRY_PACED},
        {500, "", DA_TRY_TRANSIENT},
        {503, "", DA_TRY_TRANSIENT},
        {401, "", DA_TRY_DENIED},
        {403, "", DA_TRY_DENIED},
        {404, "", DA_TRY_DENIED},
        {400, "", DA_TRY_REJECTED},
        {422, "", DA_TRY_REJECTED},
        {413, "", DA_TRY_REJECTED},
        {301, "", DA_TRY_DENIED},
        {429, "insufficient_quota", DA_TRY_DENIED},
        {429, "rate_limit_exceeded", DA_TRY_PACED},
    };
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        struct da_http_reply r = {.status = cases[i].status};
        struct da_chat_error e = {.message = ""};
        (void)snprintf(e.code, sizeof e.code, "%s", cases[i].code);
        tap_is_str(da_try_class_name(da_try_classify(&r, &e, 0)), da_try_class_name(cases[i].class),
                   "%d %s", cases[i].status, cases[i].code);
    }
    struct da_chat_error none = {.message = ""};
    struct da_http_reply lost = {.failure = DA_HTTP_LOST};
    struct da_http_reply gone = {.failure = DA_HTTP_UNREACHABLE};
    struct da_http_reply cert = {.failure = DA_HTTP_UNTRUSTED};
    tap_is_int(da_try_classify(&lost, &none, 0), DA_TRY_TRANSIENT, "a lost connection");
    tap_is_int(da_try_classify(&gone, &none, 0), DA_TRY_UNREACHABLE, "no connection");
    tap_is_int(da_try_classify(&cert, &none, 0), DA_TRY_DENIED, "a bad certificate");
}

static void test_delay(void)
{
    bool within = true, differs = false;
    for (uint64_t key = 0; key < 1000; key++) {
        uint64_t d = da_retry_delay_ms(1, key, 3, 500, 30000);
        within = within && d <= 4000;
        differs = differs || d != da_retry_delay_ms(1, key + 1, 3, 500, 30000);
    }
    tap_ok(within, "the fourth delay is at most 500 * 2^3 ms");
    tap_ok(differs, "delays differ from request to request");
    tap_is_int((long long)da_retry_delay_ms(5, 9, 2, 500, 30000),
               (long long)da_retry_delay_ms(5, 9, 2, 500, 30000), "and can be repeated");
    uint64_t sum = 0;
    for (uint64_t key = 0; key < 1000; key++)
        sum += da_retry_delay_ms(1, key, 60, 500, 30000);
    tap_ok(sum / 1000 > 14000 && sum / 1000 < 16000, "the cap holds: the mean is half of it");
}

int main(void)
{
    test_dates();
    test_retry_after();
    test_classes();
    test_delay();
    return tap_done();
}
