/* Frames, pairs, requests and what an extractor reports, also as hostile bytes. */

#include <string.h>

#include "common/rng.h"
#include "ingest/extracted.h"
#include "ingest/frame.h"
#include "ingest/request.h"
#include "tests/tap.h"

static void test_round_trip(void)
{
    struct da_buf b;
    struct da_frame f;
    struct da_err err;
    da_buf_init(&b, 0);
    da_frame_add(&b, DA_FRAME_TEXT, "hello", 5);
    da_frame_add(&b, DA_FRAME_META, "", 0);
    tap_is_mem(b.p, 8, "\1\4\0\0\5\0\0\0", 8, "the head as documented");
    for (size_t cut = 0; cut < 13; cut++) {
        struct da_span part = da_span(b.p, cut);
        if (da_frame_next(&part, &f, &err) != DA_OK || f.type != DA_FRAME_NONE ||
            part.len != cut)
            tap_ok(false, "a frame cut at %zu is not whole yet", cut);
    }
    struct da_span rest = da_span(b.p, b.len);
    tap_rc(da_frame_next(&rest, &f, &err), &err, "first");
    tap_ok(f.type == DA_FRAME_TEXT && da_span_is(f.payload, "hello"), "... text");
    tap_rc(da_frame_next(&rest, &f, &err), &err, "second");
    tap_ok(f.type == DA_FRAME_META && f.payload.len == 0 && rest.len == 0, "... empty");
    da_buf_release(&b);
}

static void bad(const char *bytes, size_t len, const char *name)
{
    struct da_span rest = da_span(bytes, len);
    struct da_frame f;
    struct da_err err;
    tap_is_int(da_frame_next(&rest, &f, &err), DA_EFORMAT, "%s", name);
}

static void test_hostile(void)
{
    bad("\2\4\0\0\0\0\0\0", 8, "another version");
    bad("\1\0\0\0\0\0\0\0", 8, "type 0");
    bad("\1\7\0\0\0\0\0\0", 8, "type 7");
    bad("\1\4\1\0\0\0\0\0", 8, "reserved byte");
    bad("\1\4\0\0\xff\xff\xff\xff", 8, "four gigabytes");
    struct da_rng r;
    da_rng_init(&r, 7);
    for (int i = 0; i < 20000; i++) {
        char bytes[64];
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (char)(da_rng_below(&r, 4) == 0 ? da_rng_u32(&r) : da_rng_below(&r, 6));
        struct da_span rest = da_span(bytes, sizeof bytes);
        struct da_extracted x;
        struct da_frame f;
        da_extracted_init(&x);
        while (da_frame_next(&rest, &f, NULL) == DA_OK && f.type != DA_FRAME_NONE &&
               da_extracted_read(&x, &f, NULL) == DA_OK)
            continue;
        da_extracted_release(&x);
    }
    tap_ok(true, "random bytes are survived");
}

static void test_pairs(void)
{
    struct da_buf b;
    struct da_span key, value;
    bool broken = false;
    da_buf_init(&b, 0);
    da_pair_add(&b, "a", "1", 1);
    da_pair_add(&b, "b", "x\0y", 3);
    da_pair_add_int(&b, "c", -5);
    struct da_span rest = da_span(b.p, b.len);
    tap_ok(da_pair_next(&rest, &key, &value, &broken) && da_span_is(key, "a") &&
               da_span_is(value, "1"), "first pair");
    tap_ok(da_pair_next(&rest, &key, &value, &broken) && da_span_is(value, "x"),
           "a value ends at its first NUL");
    tap_ok(da_pair_next(&rest, &key, &value, &broken) && da_span_is(value, "-5"), "a number");
    tap_ok(!da_pair_next(&rest, &key, &value, &broken) && !broken, "the end");
    rest = da_span("key", 3);
    tap_ok(!da_pair_next(&rest, &key, &value, &broken) && broken, "a pair without its end");
    da_buf_release(&b);
}

static void test_extracted(void)
{
    struct da_extracted x, y;
    struct da_buf b;
    struct da_frame f;
    struct da_err err;
    da_extracted_init(&x);
    da_extracted_init(&y);
    da_buf_init(&b, 0);
    x.num[DA_XN_PAGES] = 12;
    da_extracted_set_str(&x, DA_XS_TITLE, " A\n title\x01 ", 11);
    tap_is_str(x.str[DA_XS_TITLE], "A title", "a title is one clean line");
    for (size_t i = 0; i < 300000; i++)
        da_buf_add_str(&x.text, "0123456789");
    (void)da_extracted_end(&x, DA_ST_CORRUPT, "page %d", 3);
    da_extracted_write(&x, &b);
    struct da_span rest = da_span(b.p, b.len);
    while (rest.len > 0)
        if (da_frame_next(&rest, &f, &err) != DA_OK || f.type == DA_FRAME_NONE ||
            da_extracted_read(&y, &f, &err) != DA_OK)
            break;
    tap_ok(rest.len == 0, "all frames are read");
    tap_is_int(y.num[DA_XN_PAGES], 12, "a number");
    tap_is_int(y.num[DA_XN_GLYPHS], -1, "one that was not sent");
    tap_is_str(y.str[DA_XS_TITLE], "A title", "a string");
    tap_is_int((long long)y.text.len, 3000000, "text over several frames");
    tap_is_str(y.detail, "page 3", "detail");
    tap_is_int(y.status, DA_ST_CORRUPT, "status");
    struct da_frame own = {DA_FRAME_STATUS, da_span("status\0duplicate\0", 17)};
    da_extracted_reset(&y);
    tap_is_int(da_extracted_read(&y, &own, &err), DA_EFORMAT,
               "a child cannot say what only the program knows");
    tap_is_int(da_status_find(da_span_str("needs_ocr")), DA_ST_NEEDS_OCR, "status by name");
    tap_is_int(da_status_find(da_span_str("fine")), DA_ST_COUNT, "no such status");
    da_buf_release(&b);
    da_extracted_release(&x);
    da_extracted_release(&y);
}

static void test_request(void)
{
    struct da_request r, s;
    struct da_buf b;
    struct da_err err;
    da_buf_init(&b, 0);
    da_request_defaults(&r);
    r.want_bytes = 123456789012;
    r.keep_headers = true;
    r.passwords[r.n_passwords++] = "s p a c e";
    r.passwords[r.n_passwords++] = "p\xc3\xa4ss";
    da_request_write(&r, &b);
    tap_rc(da_request_read(&s, da_span(b.p, b.len), &err), &err, "a request comes back");
    tap_ok(s.want_bytes == r.want_bytes && s.keep_headers && !s.html_full && s.sandbox &&
               s.cpu_s == r.cpu_s, "... with its members");
    tap_is_int((long long)s.n_passwords, 2, "... and passwords");
    tap_is_str(s.passwords[1], "p\xc3\xa4ss", "... as they were");
    tap_is_int(da_request_read(&s, da_span("cpu_s\0-1\0", 9), &err), DA_EFORMAT, "negative");
    tap_is_int(da_request_read(&s, da_span("what\0 1\0", 8), &err), DA_EFORMAT, "unknown");
    da_buf_release(&b);
}

int main(void)
{
    test_round_trip();
    test_hostile();
    test_pairs();
    test_extracted();
    test_request();
    return tap_done();
}
