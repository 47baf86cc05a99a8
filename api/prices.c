/* Price table: see the header. */

#include "api/prices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/embed.h"
#include "common/io.h"
#include "common/json.h"
#include "common/mem.h"

#define BUILT_IN "prompts/prices.json"
#define MAX_TABLE_BYTES ((size_t)1 << 20)
#define MAX_USD_PER_MILLION 1e6 /* a table in other units is caught here */

struct da_prices {
    struct da_json *root;
    char *date, *source;
};

static char *dup_member(const struct da_json *root, const char *key)
{
    struct da_span s = {"", 0};
    (void)da_json_str(da_json_get(root, key), &s);
    return da_strndup(s.p, s.len);
}

/* USD per million tokens is microdollars per token: times 1e6 gives picodollars. */
static bool get_price(const struct da_json *row, const char *key, int64_t *out)
{
    double v;
    if (!da_json_double(da_json_get(row, key), &v) || !(v >= 0 && v <= MAX_USD_PER_MILLION))
        return false;
    *out = (int64_t)llround(v * 1e6);
    return true;
}

static bool get_row(const struct da_json *row, struct da_price *p)
{
    p->batch = 1;
    if (!get_price(row, "input", &p->input) || !get_price(row, "output", &p->output))
        return false;
    if (!get_price(row, "cached_input", &p->cached_input))
        p->cached_input = p->input;
    double f;
    if (da_json_double(da_json_get(row, "batch"), &f) && f >= 0 && f <= 1)
        p->batch = f;
    return true;
}

static enum da_rc check_table(const struct da_json *root, const char *name, struct da_err *err)
{
    struct da_span schema, unit;
    struct da_price p;
    if (da_json_need_str(root, "schema", &schema, err) ||
        da_json_need_str(root, "unit", &unit, err))
        return da_err_context(err, DA_EFORMAT, "prices '%s'", name);
    if (!da_span_is(schema, "docassist.prices/1") || !da_span_is(unit, "USD per 1,000,000 tokens"))
        return da_fail(err, DA_EFORMAT,
                       "prices '%s': not a table of docassist.prices/1 in "
                       "'USD per 1,000,000 tokens'",
                       name);
    const struct da_json *row = da_json_first(da_json_get(root, "models"));
    for (; row; row = da_json_next(row))
        if (!get_row(row, &p))
            return da_fail(err, DA_EFORMAT,
                           "prices '%s': model '%s' needs the numbers input and "
                           "output",
                           name, da_json_key(row));
    return DA_OK;
}

enum da_rc da_prices_open(struct da_prices **ret, const char *path, struct da_err *err)
{
    struct da_prices *p = da_calloc(1, sizeof *p);
    struct da_buf text;
    enum da_rc rc = DA_OK;
    da_buf_init(&text, 0);
    if (path) {
        rc = da_io_read_file(path, MAX_TABLE_BYTES, &text, err);
    } else {
        const struct da_embedded *f = da_embed_find(BUILT_IN);
        da_buf_add(&text, f->p, f->len);
    }
    if (!rc) {
        rc = da_json_parse(text.p, text.len, &p->root, err);
        if (rc)
            rc = da_err_context(err, rc, "prices '%s'", path ? path : BUILT_IN);
    }
    if (!rc)
        rc = check_table(p->root, path ? path : BUILT_IN, err);
    da_buf_release(&text);
    if (rc) {
        da_prices_close(p);
        return rc;
    }
    p->date = dup_member(p->root, "date");
    p->source = dup_member(p->root, "source");
    *ret = p;
    return DA_OK;
}

void da_prices_close(struct da_prices *p)
{
    if (!p)
        return;
    da_json_free(p->root);
    free(p->date);
    free(p->source);
    free(p);
}

/* Length of model without a trailing "-YYYY-MM-DD". */
static size_t without_date(const char *model)
{
    static const char shape[] = "-dddd-dd-dd";
    size_t n = strlen(model), k = sizeof shape - 1;
    if (n <= k)
        return n;
    for (size_t i = 0; i < k; i++) {
        char c = model[n - k + i];
        if (shape[i] == 'd' ? c < '0' || c > '9' : c != '-')
            return n;
    }
    return n - k;
}

bool da_prices_find(const struct da_prices *p, const char *model, struct da_price *ret)
{
    const struct da_json *models = da_json_get(p->root, "models");
    const struct da_json *row = da_json_get(models, model);
    if (!row) {
        char *name = da_strndup(model, without_date(model));
        row = da_json_get(models, name);
        free(name);
    }
    return row && get_row(row, ret);
}

const char *da_prices_date(const struct da_prices *p)
{
    return p->date;
}

const char *da_prices_source(const struct da_prices *p)
{
    return p->source;
}

int64_t da_price_of(const struct da_price *p, int64_t prompt_tokens, int64_t cached_tokens,
                    int64_t completion_tokens, bool batch)
{
    int64_t sum = (prompt_tokens - cached_tokens) * p->input + cached_tokens * p->cached_input +
                  completion_tokens * p->output;
    return batch ? (int64_t)llround((double)sum * p->batch) : sum;
}

double da_usd(int64_t picodollars)
{
    return (double)picodollars / 1e12;
}
