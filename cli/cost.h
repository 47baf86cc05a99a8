#ifndef CLI_COST_H
#define CLI_COST_H

/* What a number of requests costs, for people: annotate --dry-run and --assume. */

#include "common/err.h"
#include "cli/api_opts.h"

struct da_cost_case {
    double n, prompt, cached, completion; /* requests; tokens a request */
};

/* "docs=N,prompt=P,cached=C,completion=K"; cached may be left out. DA_EUSAGE says what is wrong. */
enum da_rc da_cost_parse(const char *text, struct da_cost_case *c, struct da_err *err);

/* Prints price online, cached and in batches, and the time at --rpm and --tpm. */
void da_cost_print(const struct da_cost_case *c, const struct da_api_cli *api);

#endif
