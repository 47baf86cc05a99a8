/* Parts of evaluation with truths worked out by hand, by brute force or in R and scipy. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/rng.h"
#include "eval/copying.h"
#include "eval/diversity.h"
#include "eval/exact_sum.h"
#include "eval/lcs.h"
#include "eval/resample.h"
#include "eval/squad.h"
#include "tests/tap.h"
#include "text/ulower.h"

static struct da_work work;

/* --- tests and intervals ---------------------------------------------------- */

static void test_mcnemar(void)
{
    /* scipy 1.11: binomtest(min(b, c), b + c, 0.5).pvalue */
    (void)tap_is_double(da_mcnemar_p(0, 0), 1, 0, "no disagreement");
    (void)tap_is_double(da_mcnemar_p(5, 5), 1, 0, "even disagreement");
    (void)tap_is_double(da_mcnemar_p(1, 9), 0.021484375, 1e-12, "1 against 9: 22/1024");
    (void)tap_is_double(da_mcnemar_p(9, 1), 0.021484375, 1e-12, "... either way round");
    (void)tap_is_double(da_mcnemar_p(0, 3), 0.25, 1e-12, "0 against 3: 2/8");
}

static void test_holm(void)
{
    /* R 4.2: p.adjust(c(.01, .04, .03, .005), "holm") = .03 .06 .06 .02 */
    double p[] = {0.01, 0.04, NAN, 0.03, 0.005}, one[] = {0.6}, big[] = {0.9, 0.8};

    da_holm(p, 5);
    (void)tap_is_double(p[0], 0.03, 1e-12, "Holm: second of four");
    (void)tap_is_double(p[1], 0.06, 1e-12, "Holm: never below a smaller p's");
    (void)tap_ok(isnan(p[2]), "Holm: what is no test stays none and does not count");
    (void)tap_is_double(p[3], 0.06, 1e-12, "Holm: third");
    (void)tap_is_double(p[4], 0.02, 1e-12, "Holm: first");
    da_holm(one, 1);
    (void)tap_is_double(one[0], 0.6, 0, "Holm: one test is not corrected");
    da_holm(big, 2);
    (void)tap_is_double(big[0], 1, 0, "Holm: at most 1");
    da_holm(NULL, 0);
}

static void test_wilson(void)
{
    double lo, hi;

    /* Wilson (1927), evaluated in Python */
    da_wilson(8, 10, &lo, &hi);
    (void)tap_is_double(lo, 0.490162471536642, 1e-9, "Wilson: 8 of 10, low");
    (void)tap_is_double(hi, 0.943317848545625, 1e-9, "Wilson: 8 of 10, high");
    da_wilson(0, 20, &lo, &hi);
    (void)tap_is_double(lo, 0, 0, "Wilson: 0 of 20, low");
    (void)tap_is_double(hi, 0.161125158052819, 1e-9, "Wilson: 0 of 20, high");
    da_wilson(20, 20, &lo, &hi);
    (void)tap_is_double(hi, 1, 0, "Wilson: 20 of 20, high");
}

static double mean_of(const void *ctx, const double *sum)
{
    (void)ctx;
    return sum[0] / sum[1];
}

static void test_two_sided(void)
{
    enum { N = 40, TRIALS = 500 };
    double a[2 * N], b[2 * N], sa[TRIALS], sb[TRIALS], s1[TRIALS], s8[TRIALS];
    const struct da_rows ra = {a, N, 2, 2}, rb = {b, N, 2, 2};

    for (size_t i = 0; i < N; i++) {
        a[2 * i] = 0.1 * (double)(i % 7);
        b[2 * i] = a[2 * i] + (i % 2 ? 0.4 : 0.2);
        a[2 * i + 1] = b[2 * i + 1] = 1;
    }
    da_randomize(&ra, &ra, mean_of, NULL, TRIALS, 1, 1, sa, sb);
    (void)tap_is_double(da_two_sided_p(sa, sb, TRIALS, 0), 1, 0, "equal outputs have p = 1");
    da_randomize(&ra, &rb, mean_of, NULL, TRIALS, 1, 1, sa, sb);
    (void)tap_is_double(da_two_sided_p(sa, sb, TRIALS, 0.3), 1.0 / (TRIALS + 1), 0,
                        "a difference in every sample has the least p there is");
    da_bootstrap(&ra, mean_of, NULL, TRIALS, 9, 1, s1);
    da_bootstrap(&ra, mean_of, NULL, TRIALS, 9, 8, s8);
    (void)tap_is_mem(s8, sizeof s8, s1, sizeof s1, "threads change no resample");
    da_randomize(&ra, &rb, mean_of, NULL, TRIALS, 9, 8, s8, sb);
    da_randomize(&ra, &rb, mean_of, NULL, TRIALS, 9, 1, s1, sa);
    (void)tap_is_mem(s8, sizeof s8, s1, sizeof s1, "... and no trial");
}

static void test_sums(void)
{
    double x[] = {1e100, 1, -1e100, 1e-30}, tenth[10], y[] = {0.1, 0.2, 0.3, -0.6};

    for (size_t i = 0; i < 10; i++)
        tenth[i] = 0.1;
    (void)tap_is_double(da_exact_sum(x, 4), 1, 0, "fsum([1e100, 1, -1e100, 1e-30]) = 1.0");
    (void)tap_is_double(da_exact_sum(tenth, 10), 1, 0, "fsum([.1] * 10) = 1.0");
    (void)tap_is_double(da_exact_sum(y, 4), 2.7755575615628914e-17, 0, "fsum([.1, .2, .3, -.6])");
    (void)tap_is_double(da_exact_mean(tenth, 10), 0.1, 0, "statistics.mean([.1] * 10) = 0.1");
    (void)tap_is_double(da_exact_sum(NULL, 0), 0, 0, "an empty sum is 0");
}

/* --- longest common subsequence --------------------------------------------- */

enum { MAX_LEN = 200 };

static unsigned table[MAX_LEN + 1][MAX_LEN + 1];

/* rouge_score's way: the whole table, then back from its end. */
static void slow_mark(const uint32_t *ref, size_t m, const uint32_t *can, size_t n,
                      unsigned char *hit)
{
    for (size_t i = 1; i <= m; i++)
        for (size_t j = 1; j <= n; j++)
            table[i][j] = ref[i - 1] == can[j - 1] ? table[i - 1][j - 1] + 1
                          : table[i - 1][j] > table[i][j - 1] ? table[i - 1][j]
                                                              : table[i][j - 1];
    for (size_t i = m, j = n; i > 0 && j > 0;) {
        if (ref[i - 1] == can[j - 1]) {
            hit[--i] = 1;
            j--;
        } else if (table[i][j - 1] > table[i - 1][j]) {
            j--;
        } else {
            i--;
        }
    }
}

static void test_lcs(void)
{
    struct da_lcs *l = da_lcs_new();
    struct da_rng r;
    unsigned bad_length = 0, bad_mark = 0;

    da_rng_init(&r, 4);
    for (unsigned round = 0; round < 2000; round++) {
        uint32_t ref[MAX_LEN], can[MAX_LEN], n_tokens = 2 + (uint32_t)da_rng_below(&r, 20);
        unsigned char fast[MAX_LEN] = {0}, slow[MAX_LEN] = {0};
        size_t m = da_rng_below(&r, MAX_LEN + 1), n = da_rng_below(&r, MAX_LEN + 1);
        for (size_t i = 0; i < m; i++)
            ref[i] = (uint32_t)da_rng_below(&r, n_tokens);
        for (size_t i = 0; i < n; i++)
            can[i] = (uint32_t)da_rng_below(&r, n_tokens);
        slow_mark(ref, m, can, n, slow);
        da_lcs_set_ref(l, ref, m, n_tokens);
        bad_length += da_lcs_length(l, can, n) != (m && n ? table[m][n] : 0);
        da_lcs_mark(l, can, n, fast);
        bad_mark += memcmp(fast, slow, sizeof fast) != 0;
    }
    (void)tap_is_int(bad_length, 0, "2000 lengths equal those of the table");
    (void)tap_is_int(bad_mark, 0, "2000 subsequences equal those found in the table");
    da_lcs_free(l);
}

/* Longer than the columns kept at once: blocks are computed twice, results are the same. */
static void test_lcs_long(void)
{
    enum { LONG = 9001 };
    struct da_lcs *l = da_lcs_new();
    uint32_t *ref = da_calloc(LONG, sizeof *ref), *can = da_calloc(LONG, sizeof *can);
    unsigned char *hit = da_calloc(LONG, 1);
    struct da_rng r;
    size_t marked = 0, at = 0, order = 0;

    da_rng_init(&r, 5);
    for (size_t i = 0; i < LONG; i++) {
        ref[i] = (uint32_t)da_rng_below(&r, 50);
        can[i] = da_rng_below(&r, 3) ? ref[i] : (uint32_t)da_rng_below(&r, 50);
    }
    da_lcs_set_ref(l, ref, LONG, 50);
    da_lcs_mark(l, can, LONG, hit);
    for (size_t i = 0; i < LONG; i++) {
        if (!hit[i])
            continue;
        marked++;
        while (at < LONG && can[at] != ref[i])
            at++;
        order += at++ < LONG;
    }
    (void)tap_is_int((long long)marked, (long long)da_lcs_length(l, can, LONG),
                     "9001 tokens: as many marked as the length says");
    (void)tap_is_int((long long)order, (long long)marked, "... and in the order of both texts");
    free(ref);
    free(can);
    free(hit);
    da_lcs_free(l);
}

/* --- answers, copies, diversity --------------------------------------------- */

static void test_squad(void)
{
    static const struct {
        const char *hyp, *ref;
        double exact, f1, contains;
        const char *why;
    } cases[] = {
        {"The Cat.", "cat", 1, 1, 1, "case, article and full stop do not count"},
        {"a", "the", 1, 1, 1, "two answers of articles alone are both empty"},
        {"", "cat", 0, 0, 0, "an empty answer"},
        {"cat cat dog", "cat dog dog", 0, 2.0 / 3, 0, "tokens are clipped: 2 of 3 and 2 of 3"},
        {"theatre", "atre", 0, 0, 0, "the article is a word"},
        {"1,000", "1000", 1, 1, 1, "punctuation joins"},
        {"\xc3\x80 LA", "\xc3\xa0 la", 1, 1, 1, "lower case beyond ASCII"},
        {"an\xc3\xa9", "\xc3\xa9", 0, 0, 0, "a letter beyond ASCII belongs to the word"},
        {"Yes: the cat sat.", "A cat sat", 0, 0.8, 1, "an answer around the reference"},
        {"concat cat sat", "cat sat", 0, 0.8, 1, "the second place is one of whole words"},
        {"concat sat", "cat sat", 0, 0.5, 0, "a part of a word is none"},
        {"cat the sat", "cat sat", 1, 1, 1, "articles do not part words"},
        {"cat", "cat sat", 0, 2.0 / 3, 0, "a part of the reference does not hold it"},
        {"cat", "the", 0, 0, 0, "a reference without words is in nothing"},
    };
    struct da_squad_score s;

    /* normalize_answer and compute_f1 of SQuAD's evaluation script 2.0; contains:
     * " ref " in " hyp " of what normalize_answer gives. */
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        struct da_span ref = da_span_str(cases[i].ref);
        const struct da_segment seg = {.hyp = da_span_str(cases[i].hyp), .refs = &ref, .n_refs = 1};
        da_squad_segment(&work, &seg, &s);
        (void)tap_is_double(s.exact, cases[i].exact, 0, "SQuAD: %s", cases[i].why);
        (void)tap_is_double(s.f1, cases[i].f1, 1e-15, "... F1");
        (void)tap_is_double(s.contains, cases[i].contains, 0, "... contains");
    }
}

static void test_copying(void)
{
    struct da_span ref = {"", 0};
    struct da_segment seg = {.hyp = da_span_str("The cat sat on the mat yesterday."),
                             .refs = &ref, .n_refs = 1,
                             .document = da_span_str("A dog ran. the cat sat on the mat, alone.")};
    struct da_copying c;

    da_copying_segment(&work, &seg, 4, &c);
    (void)tap_is_double(c.total, 5, 0, "8 tokens have 5 4-grams");
    (void)tap_is_double(c.copied, 3, 0, "3 of them stand in the document, whatever the case");
    seg.hyp = da_span_str("Yes.");
    da_copying_segment(&work, &seg, 4, &c);
    (void)tap_is_double(c.total, 0, 0, "a short answer has none");
}

static void test_distinct(void)
{
    const struct da_span texts[] = {da_span_str("a b a b"), da_span_str("a b c")};
    double d[2];

    da_distinct(&work, texts, 2, 2, d);
    (void)tap_is_double(d[0], 3.0 / 7, 1e-15, "distinct-1: 3 words of 7");
    (void)tap_is_double(d[1], 3.0 / 5, 1e-15, "distinct-2: ab, ba, bc of 5");
}

static void test_lower(void)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        /* CPython 3.11 */
        {"ABC xyz 1", "abc xyz 1"},
        {"\xce\x9f\xce\x94\xce\x9f\xce\xa3", "\xce\xbf\xce\xb4\xce\xbf\xcf\x82"}, /* final sigma */
        {"\xce\xa3\xce\x91", "\xcf\x83\xce\xb1"},
        {"\xce\xa3", "\xcf\x83"},         /* alone */
        {"A\xce\xa3.B", "a\xcf\x83.b"},   /* the full stop is skipped, B is cased */
        {"A.\xce\xa3", "a.\xcf\x82"},
        {"\xc4\xb0", "i\xcc\x87"},        /* the only one that grows */
        {"\xe1\xba\x9e", "\xc3\x9f"},
        {"\xe2\x84\xaa", "k"},
    };
    struct da_buf out;

    da_buf_init(&out, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        da_buf_reset(&out);
        da_upy_lower(cases[i].text, strlen(cases[i].text), &out);
        (void)tap_is_str(out.p, cases[i].want, "lower of '%s'", cases[i].text);
    }
    da_buf_release(&out);
    unsigned n = 0;
    for (uint32_t cp = 0; cp < 0x110000; cp++)
        n += (da_upy(cp) & DA_UPY_SPACE) != 0;
    (void)tap_is_int(n, 29, "Python knows 29 kinds of white space");
    struct da_span s = da_upy_strip(da_span_str("\xe3\x80\x80 x\xe2\x80\xa8\t\x1c"));
    (void)tap_ok(da_span_is(s, "x"), "strip takes all of them");
}

int main(void)
{
    da_work_init(&work);
    test_mcnemar();
    test_holm();
    test_wilson();
    test_two_sided();
    test_sums();
    test_lcs();
    test_lcs_long();
    test_squad();
    test_copying();
    test_distinct();
    test_lower();
    da_work_release(&work);
    return tap_done();
}
