/* Krippendorff's alpha against the published examples, and the sample. */

#include "annotate/review.h"

#include <math.h>
#include <string.h>

#include "tests/tap.h"

#define X NAN

/* K. Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, sections A to D: units in
 * rows, observers in columns; the values of alpha are those printed there. */
static void test_published(void)
{
    static const double meg_owen[10][2] = {{0, 1}, {1, 1}, {0, 1}, {0, 0}, {0, 0},
                                           {0, 1}, {0, 0}, {0, 0}, {1, 0}, {0, 0}};
    static const double four[12][4] = {{1, 1, X, 1}, {2, 2, 3, 2}, {3, 3, 3, 3}, {3, 3, 3, 3},
                                       {2, 2, 2, 2}, {1, 2, 3, 4}, {4, 4, 4, 4}, {1, 1, 2, 1},
                                       {2, 2, 2, 2}, {X, 5, 5, 5}, {X, X, 1, 1}, {X, 3, X, X}};
    tap_ok(fabs(da_krippendorff(&meg_owen[0][0], 10, 2, 0) - 0.095) < 0.0005,
           "two observers, two values: 0.095");
    tap_ok(fabs(da_krippendorff(&four[0][0], 12, 4, 0) - 0.743) < 0.0005,
           "four observers, values missing, nominal: 0.743");
    tap_ok(fabs(da_krippendorff(&four[0][0], 12, 4, 1) - 0.849) < 0.0005,
           "four observers, values missing, interval: 0.849");
    static const double same[2][2] = {{1, 1}, {1, 1}};
    tap_ok(isnan(da_krippendorff(&same[0][0], 2, 2, 0)), "no alpha without variation");
    tap_ok(isnan(da_krippendorff(&same[0][0], 0, 2, 0)), "no alpha without units");
}

static void sample(const int *order, struct da_buf *out)
{
    struct da_review *r = da_review_new(3, 5);
    for (int i = 0; i < 20; i++) {
        char id[16] = {'d', (char)('a' + order[i]), 0};
        struct da_example e = {.id = da_span_str(id),
                               .split = da_span_str("test"),
                               .document = da_span_str("D, \"q\""),
                               .request = da_span_str("R"),
                               .response = da_span_str("S")};
        da_review_offer(r, &e);
    }
    da_buf_reset(out);
    da_review_write(r, out);
    da_review_free(r);
}

static void test_sample(void)
{
    int up[20], down[20];
    struct da_buf a, b;
    da_buf_init(&a, 0);
    da_buf_init(&b, 0);
    for (int i = 0; i < 20; i++) {
        up[i] = i;
        down[i] = 19 - i;
    }
    sample(up, &a);
    sample(down, &b);
    tap_is_mem(a.p, a.len, b.p, b.len, "the order of the examples changes no sample");
    size_t rows = 0;
    for (size_t i = 0; i < a.len; i++)
        rows += a.p[i] == '\n';
    tap_is_int((long long)rows, 4, "a header and three rows");
    tap_ok(strstr(a.p, ",\"D, \"\"q\"\"\",R,S,,,\r\n") != NULL, "with fields to fill in");
    da_buf_release(&b);
    da_buf_release(&a);
}

int main(void)
{
    test_published();
    test_sample();
    return tap_done();
}
