/* Prices of requests not yet sent. */

#include "cli/cost.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/span.h"

enum da_rc da_cost_parse(const char *text, struct da_cost_case *c, struct da_err *err)
{
    struct da_cost_case r = {-1, -1, 0, -1};
    struct {
        const char *name;
        double *value;
    } const parts[] = {{"docs=", &r.n},
                       {"prompt=", &r.prompt},
                       {"cached=", &r.cached},
                       {"completion=", &r.completion}};
    struct da_span rest = da_span_str(text), part;
    while (da_span_split(&rest, ',', &part)) {
        size_t i = 0;
        while (i < DA_ARRAY_LEN(parts) && !da_span_starts(part, parts[i].name))
            i++;
        size_t skip = i < DA_ARRAY_LEN(parts) ? strlen(parts[i].name) : 0;
        if (!skip || !da_parse_double(part.p + skip, part.len - skip, parts[i].value) ||
            *parts[i].value < 0)
            return da_fail(err, DA_EUSAGE,
                           "--assume: '%.*s' is not one of docs=, prompt=, cached= "
                           "and completion= with a number",
                           (int)part.len, part.p);
    }
    if (r.n < 0 || r.prompt < 0 || r.completion < 0 || r.cached > r.prompt)
        return da_fail(err, DA_EUSAGE,
                       "--assume needs docs=, prompt= and completion=, and cached= "
                       "not above prompt=");
    *c = r;
    return DA_OK;
}

static double usd(const struct da_cost_case *c, const struct da_price *p, double cached)
{
    return c->n *
           ((c->prompt - cached) * (double)p->input + cached * (double)p->cached_input +
            c->completion * (double)p->output) /
           1e12;
}

static void print_time(const char *limit, double minutes)
{
    if (minutes < 120)
        printf("time             %.1f min at %s\n", minutes, limit);
    else
        printf("time             %.1f h at %s\n", minutes / 60, limit);
}

void da_cost_print(const struct da_cost_case *c, const struct da_api_cli *api)
{
    char limit[64];
    double n_endpoints = (double)(api->client.n_endpoints ? api->client.n_endpoints : 1);
    printf("requests         %.0f\n", c->n);
    printf("prompt tokens    %.0f (%.1f a request, %.1f of them cached)\n", c->n * c->prompt,
           c->prompt, c->cached);
    printf("completion       %.0f (%.1f a request)\n", c->n * c->completion, c->completion);
    if (api->client.price) {
        printf("online           $%.2f\n", usd(c, &api->price, 0));
        printf("online, cached   $%.2f\n", usd(c, &api->price, c->cached));
        printf("batch            $%.2f\n", usd(c, &api->price, 0) * api->price.batch);
        printf("prices           %s, %s, %s\n", api->model, da_prices_date(api->prices),
               da_prices_source(api->prices));
    }
    if (api->rpm > 0) {
        (void)snprintf(limit, sizeof limit, "%.0f requests a minute", api->rpm * n_endpoints);
        print_time(limit, c->n / (api->rpm * n_endpoints));
    }
    if (api->tpm > 0) {
        (void)snprintf(limit, sizeof limit, "%.0f tokens a minute", api->tpm * n_endpoints);
        print_time(limit, c->n * (c->prompt + c->completion) / (api->tpm * n_endpoints));
    }
}
