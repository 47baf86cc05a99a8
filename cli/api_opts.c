/* API options: see the header. Keys come from a file or the environment and stay in memory. */

#include "cli/api_opts.h"

#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "common/io.h"
#include "common/mem.h"

#define DEFAULT_URL "https://api.openai.com/v1"
#define DEFAULT_MODEL "gpt-4o-mini"
#define MAX_KEY_FILE_BYTES ((size_t)8192)
#define MAX_REPLY_BYTES ((size_t)4 << 20) /* a completion of 100,000 tokens is below 1 MiB */

enum { DEFAULT_KEY = DA_CLIENT_MAX_ENDPOINTS };

void da_api_cli_init(struct da_api_cli *a)
{
    *a = (struct da_api_cli){.model = DEFAULT_MODEL,
                             .temperature = 0,
                             .top_p = -1,
                             .seed = -1,
                             .concurrency = 64,
                             .max_tokens = 600, /* the paper's largest reply is 312 */
                             .timeout_s = 300,
                             .retries = 6};
}

size_t da_api_cli_options(struct da_api_cli *a, struct da_opt rows[DA_API_CLI_N_OPTS])
{
    const struct da_opt all[] = {
        DA_OPT_GROUP_OF("Server"),
        DA_OPT_STR_OF(0, "model", &a->model, "NAME", "model to ask (gpt-4o-mini)"),
        DA_OPT_STR_OF(0, "base-url", &a->base_url, "URL",
                      "where /chat/completions is (OPENAI_BASE_URL, else OpenAI)"),
        DA_OPT_LIST_OF(0, "endpoint", &a->endpoints, "URL[,key-file=FILE]",
                       "several servers or keys as a pool; repeat it"),
        DA_OPT_STR_OF(0, "api-key-file", &a->key_file, "FILE",
                      "file with the key (default: OPENAI_API_KEY)"),
        DA_OPT_STR_OF(0, "api-version", &a->api_version, "V",
                      "Azure OpenAI: its api-version; --base-url is the deployment's"),
        DA_OPT_STR_OF(0, "ca-file", &a->ca_file, "FILE", "trust these certificates instead"),
        DA_OPT_DOUBLE_OF(0, "rpm", &a->rpm, 0, 1e9, "N",
                         "requests a minute, per endpoint (learnt from headers)"),
        DA_OPT_DOUBLE_OF(0, "tpm", &a->tpm, 0, 1e12, "N",
                         "tokens a minute, per endpoint (learnt from headers)"),
        DA_OPT_INT_OF(0, "concurrency", &a->concurrency, 1, DA_CLIENT_MAX_CONCURRENCY, "N",
                      "most requests open at a time, per endpoint (64)"),
        DA_OPT_INT_OF(0, "timeout", &a->timeout_s, 1, 86400, "S", "seconds a reply may take (300)"),
        DA_OPT_INT_OF(0, "retries", &a->retries, 0, 100, "N",
                      "after a lost connection, a time-out or a server error (6)"),
        DA_OPT_DOUBLE_OF(0, "temperature", &a->temperature, 0, 2, "T", "of sampling (0)"),
        DA_OPT_DOUBLE_OF(0, "top-p", &a->top_p, 0, 1, "P", "of sampling (the server's)"),
        DA_OPT_INT_OF(0, "seed", &a->seed, 0, INT64_MAX, "N", "sent to the server (none)"),
        DA_OPT_INT_OF(0, "max-tokens", &a->max_tokens, 16, 1000000, "N",
                      "tokens a reply may have; doubled once if that cuts it (600)"),
        DA_OPT_STR_OF(0, "ledger", &a->ledger_path, "FILE",
                      "keeps every reply and its cost (OUTPUT.ledger)"),
        DA_OPT_DOUBLE_OF(0, "max-usd", &a->max_usd, 0, 1e6, "X",
                         "stop before the ledger's costs pass X"),
        DA_OPT_STR_OF(0, "prices", &a->prices_path, "FILE", "price table (built in)"),
        DA_OPT_FLAG_OF(0, "no-price", &a->no_price, "the model costs nothing or is not known"),
    };
    _Static_assert(DA_ARRAY_LEN(all) == DA_API_CLI_N_OPTS, "the header states their number");
    memcpy(rows, all, sizeof all);
    return DA_ARRAY_LEN(all);
}

bool da_api_cli_is_wanted(const struct da_api_cli *a)
{
    return a->base_url || a->endpoints.n || a->key_file || da_cli_env("OPENAI_API_KEY") ||
           da_cli_env("OPENAI_BASE_URL");
}

static enum da_rc read_key(const char *path, char **key, struct da_err *err)
{
    struct da_buf b;
    da_buf_init(&b, 0);
    enum da_rc rc = da_io_read_file(path, MAX_KEY_FILE_BYTES, &b, err);
    struct da_span s = da_span_trim(da_span(b.p, b.len));
    if (!rc && s.len == 0)
        rc = da_fail(err, DA_EUSAGE, "key file '%s' is empty", path);
    if (!rc)
        *key = da_strndup(s.p, s.len);
    memset(b.p, 0, b.len);
    da_buf_release(&b);
    return rc;
}

/* "URL,key-file=FILE" */
static enum da_rc read_endpoint(struct da_api_cli *a, size_t i, const char *text,
                                struct da_err *err)
{
    static const char mark[] = ",key-file=";
    struct da_endpoint_opts *e = &a->client.endpoints[i];
    const char *at = strstr(text, mark);
    a->urls[i] = da_strndup(text, at ? (size_t)(at - text) : strlen(text));
    e->base_url = a->urls[i];
    e->api_version = a->api_version;
    e->key = a->keys[DEFAULT_KEY];
    if (!at)
        return DA_OK;
    enum da_rc rc = read_key(at + sizeof mark - 1, &a->keys[i], err);
    e->key = a->keys[i];
    return rc;
}

static enum da_rc find_price(struct da_api_cli *a, struct da_err *err)
{
    if (a->no_price) {
        if (a->max_usd > 0)
            return da_fail(err, DA_EUSAGE, "--max-usd needs a price, and --no-price has none");
        return DA_OK;
    }
    enum da_rc rc = da_prices_open(&a->prices, a->prices_path, err);
    if (rc)
        return rc;
    if (!da_prices_find(a->prices, a->model, &a->price))
        return da_fail(err, DA_EUSAGE,
                       "model '%s' has no price in %s%s%s; give --prices FILE, or "
                       "--no-price if it costs nothing",
                       a->model, a->prices_path ? "'" : "the built-in table",
                       a->prices_path ? a->prices_path : "", a->prices_path ? "'" : "");
    a->client.price = &a->price;
    a->client.max_pusd = (int64_t)(a->max_usd * 1e12 + 0.5);
    return DA_OK;
}

enum da_rc da_api_cli_resolve(struct da_api_cli *a, struct da_err *err)
{
    struct da_client_opts *c = &a->client;
    const char *env_key = da_cli_env("OPENAI_API_KEY");
    const char *url = a->base_url ? a->base_url : da_cli_env("OPENAI_BASE_URL");
    enum da_rc rc = DA_OK;
    if (a->endpoints.n > DA_CLIENT_MAX_ENDPOINTS)
        return da_fail(err, DA_EUSAGE, "more than %d endpoints", DA_CLIENT_MAX_ENDPOINTS);
    if (a->endpoints.n && a->base_url)
        return da_fail(err, DA_EUSAGE, "--base-url and --endpoint do not go together");
    if (a->key_file)
        rc = read_key(a->key_file, &a->keys[DEFAULT_KEY], err);
    else if (env_key)
        a->keys[DEFAULT_KEY] = da_strdup(env_key);
    c->n_endpoints = a->endpoints.n ? a->endpoints.n : 1;
    for (size_t i = 0; i < c->n_endpoints && !rc; i++)
        rc = read_endpoint(a, i,
                           a->endpoints.n ? a->endpoints.items[i]
                           : url          ? url
                                          : DEFAULT_URL,
                           err);
    for (size_t i = 0; i < c->n_endpoints && !rc; i++)
        rc = da_http_check_url(c->endpoints[i].base_url, c->endpoints[i].key != NULL, err);
    if (!rc && !a->offline && !url && !a->endpoints.n && !a->keys[DEFAULT_KEY])
        rc = da_fail(err, DA_EUSAGE, "no key for %s: set OPENAI_API_KEY or give --api-key-file",
                     DEFAULT_URL);
    if (!rc)
        rc = find_price(a, err);
    c->rpm = a->rpm;
    c->tpm = a->tpm;
    c->concurrency = (unsigned)a->concurrency;
    c->max_tries = (unsigned)a->retries + 1;
    c->timeout_ms = (uint32_t)a->timeout_s * 1000u;
    c->max_reply_bytes = MAX_REPLY_BYTES;
    c->clock = da_clock_system();
    c->log = da_cli_log();
    return rc;
}

enum da_rc da_api_cli_open(struct da_api_cli *a, struct da_err *err)
{
    struct da_http_opts ho = {.max_connections = a->client.concurrency, .ca_file = a->ca_file};
    enum da_rc rc = da_http_curl_new(&a->client.http, &ho, err);
    return rc ? rc : da_ledger_open(&a->client.ledger, a->ledger_path, err);
}

void da_api_cli_close(struct da_api_cli *a)
{
    da_ledger_close(a->client.ledger);
    da_http_free(a->client.http);
    da_prices_close(a->prices);
    for (size_t i = 0; i < DA_ARRAY_LEN(a->keys); i++) {
        if (a->keys[i])
            memset(a->keys[i], 0, strlen(a->keys[i]));
        free(a->keys[i]);
    }
    for (size_t i = 0; i < DA_ARRAY_LEN(a->urls); i++)
        free(a->urls[i]);
}
