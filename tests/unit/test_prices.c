/* What tokens cost. The corpus of arXiv 2411.09944 (tables 2 and 4): 82,850 documents of
 * 2,126.04 prompt and 169.07 completion tokens, at the list price of gpt-4o-mini. */

#include "api/prices.h"
#include "common/io.h"
#include "tests/tap.h"

#include <stdio.h>

static void test_built_in(void)
{
    struct da_prices *p = NULL;
    struct da_price mini, dated;
    struct da_err err;
    if (!tap_rc(da_prices_open(&p, NULL, &err), &err, "the built-in table"))
        return;
    tap_ok(da_prices_find(p, "gpt-4o-mini", &mini), "knows gpt-4o-mini");
    tap_is_int(mini.input, 150000, "$0.15 a million is 150,000 picodollars a token");
    tap_ok(da_prices_find(p, "gpt-4o-mini-2024-07-18", &dated) && dated.output == mini.output,
           "and its snapshots");
    tap_ok(!da_prices_find(p, "gpt-4o-mini-new", &dated), "but no other model");
    tap_ok(!da_prices_find(p, "", &dated), "nor an empty name");
    int64_t prompt = (int64_t)(82850 * 2126.04), completion = (int64_t)(82850 * 169.07);
    tap_is_double(da_usd(da_price_of(&mini, prompt, 0, completion, false)), 34.8, 0.01,
                  "the paper's corpus online");
    tap_is_double(da_usd(da_price_of(&mini, prompt, 82850 * 1152, completion, false)), 27.7, 0.01,
                  "with every prefix cached");
    tap_is_double(da_usd(da_price_of(&mini, prompt, 0, completion, true)), 17.4, 0.01,
                  "in batches");
    da_prices_close(p);
}

static void test_files(void)
{
    static const char *const bad[] = {
        "{}", "[1]", "{\"schema\":\"docassist.prices/1\",\"unit\":\"EUR\",\"models\":{}}",
        ("{\"schema\":\"docassist.prices/1\",\"unit\":\"USD per 1,000,000 tokens\","
         "\"models\":{\"m\":{\"input\":-1,\"output\":2}}}")};
    char path[512];
    struct da_prices *p = NULL;
    struct da_err err;
    (void)snprintf(path, sizeof path, "%s/prices.json", tap_tmpdir());
    for (size_t i = 0; i < DA_ARRAY_LEN(bad); i++) {
        (void)da_io_write_file(path, bad[i], strlen(bad[i]), NULL);
        tap_is_int(da_prices_open(&p, path, &err), DA_EFORMAT, "refused: %.40s", bad[i]);
    }
    static const char good[] = "{\"schema\":\"docassist.prices/1\",\"unit\":\"USD per 1,000,000 "
                               "tokens\",\"models\":{\"m\":{\"input\":1,\"output\":2}}}";
    struct da_price m;
    (void)da_io_write_file(path, good, sizeof good - 1, NULL);
    tap_rc(da_prices_open(&p, path, &err), &err, "a table of one's own");
    tap_ok(da_prices_find(p, "m", &m) && m.cached_input == m.input && m.batch == 1,
           "no discount is assumed");
    da_prices_close(p);
}

int main(void)
{
    test_built_in();
    test_files();
    return tap_done();
}
