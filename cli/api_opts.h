#ifndef CLI_API_OPTS_H
#define CLI_API_OPTS_H

/* The options of every command that talks to a chat-completions API, and what they open. */

#include "api/client.h"
#include "cli/opt.h"

struct da_api_cli {
    /* options */
    const char *model, *base_url, *key_file, *api_version, *ca_file, *ledger_path, *prices_path;
    struct da_opt_list endpoints;
    double rpm, tpm, max_usd, temperature, top_p;
    int64_t concurrency, max_tokens, seed, timeout_s, retries;
    bool no_price;
    bool offline; /* set by the command: nothing will be contacted, so no key is needed */
    /* opened */
    struct da_client_opts client;
    struct da_prices *prices;
    struct da_price price;
    char *keys[DA_CLIENT_MAX_ENDPOINTS + 1]; /* owned; the last one is the default key */
    char *urls[DA_CLIENT_MAX_ENDPOINTS];     /* owned */
};

void da_api_cli_init(struct da_api_cli *a); /* the defaults */

enum { DA_API_CLI_N_OPTS = 20 };
/* Writes the option rows (without DA_OPT_END) and returns their number. */
size_t da_api_cli_options(struct da_api_cli *a, struct da_opt rows[DA_API_CLI_N_OPTS]);

/* Whether the user named a server or has a key: the API is wanted. */
bool da_api_cli_is_wanted(const struct da_api_cli *a);

/* Endpoints with their keys, and the price. Nothing is contacted. */
enum da_rc da_api_cli_resolve(struct da_api_cli *a, struct da_err *err);
/* Transport and ledger (ledger_path must be set). */
enum da_rc da_api_cli_open(struct da_api_cli *a, struct da_err *err);
void da_api_cli_close(struct da_api_cli *a);

#endif
