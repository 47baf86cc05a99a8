/* G-Eval's rules and the pooling of sentence embeddings (tests/golden/eval/README.md). */
#include "eval/geval.h"

#include <math.h>

#include "tests/golden.h"

enum { MAX_TOP = 64 };

static void check_samples(const struct da_json *row, struct tally *t)
{
    const struct da_json *r = da_json_first(da_json_get(row, "responses"));
    const struct da_json *want = da_json_first(da_json_get(row, "parsed"));

    for (; r; r = da_json_next(r), want = da_json_next(want)) {
        double v;
        if (!da_geval_parse(golden_str(r, NULL), &v))
            v = 0; /* the original's script counts it so */
        tally_num(t, v, golden_num(want, NULL), 0, golden_str(r, NULL).p);
    }
}

static void check_rule(struct tally *t, double got, const struct da_json *want, const char *name)
{
    if (!want || da_json_type(want) == DA_JSON_NULL)
        tally_num(t, isnan(got), 1, 0, name);
    else
        tally_num(t, got, golden_num(want, NULL), 1e-12, name);
}

static void check_logprobs(const struct da_json *row, struct tally *t)
{
    struct da_geval_token top[MAX_TOP];
    const struct da_json *x = da_json_first(da_json_get(row, "top"));
    double mass;
    size_t n = 0;

    for (; x; x = da_json_next(x))
        top[n++] = (struct da_geval_token){golden_str(da_json_at(x, 0), NULL),
                                           golden_num(da_json_at(x, 1), NULL)};
    check_rule(t, da_geval_expected(top, n, &mass), da_json_get(row, "expected_1to5"), "1 to 5");
    check_rule(t, da_geval_deepeval(top, n), da_json_get(row, "deepeval_rule"), "deepeval");
}

static void test_geval(void)
{
    struct tally samples = {.name = "samples"}, logprobs = {.name = "logprobs"};
    struct golden g;

    if (!golden_load(&g, "tests/golden/eval/geval.jsonl"))
        return;
    for (size_t i = 0; i < g.n; i++) {
        if (da_span_is(golden_str(g.rows[i], "what"), "logprobs"))
            check_logprobs(g.rows[i], &logprobs);
        else
            check_samples(g.rows[i], &samples);
    }
    tally_done(&samples, 100);
    tally_done(&logprobs, 20);
    golden_free(&g);
}

static void test_json(void)
{
    static const char text[] =
        "[{\"token\":\"Score\",\"top_logprobs\":[{\"token\":\"Score\",\"logprob\":-0.1}]},"
        "{\"token\":\"4\",\"top_logprobs\":[{\"token\":\"4\",\"logprob\":-0.6931471805599453},"
        "{\"token\":\"2\",\"logprob\":-1.3862943611198906},{\"token\":\"7\",\"logprob\":-3}]}]";
    struct da_json *j = NULL;
    struct da_err err;
    double mass;

    (void)tap_rc(da_json_parse(text, sizeof text - 1, &j, &err), &err, "a reply's logprobs");
    (void)tap_is_double(da_geval_expected_json(j, &mass), (0.5 * 4 + 0.25 * 2) / 0.75, 1e-12,
                        "the first token that has a score among its candidates counts");
    (void)tap_is_double(mass, 0.75, 1e-12, "... and their mass is told");
    da_json_free(j);
}

int main(void)
{
    test_geval();
    test_json();
    return tap_done();
}
