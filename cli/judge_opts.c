#include "cli/judge_opts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/ledger.h"
#include "cli/command.h"
#include "common/buf.h"

enum { SAMPLES_OF_PAPER = 20 };

void da_judge_cli_init(struct da_judge_cli *j)
{
    *j = (struct da_judge_cli){.n_samples = SAMPLES_OF_PAPER};
    da_api_cli_init(&j->api);
}

/* Options of the API that the mode decides. */
static bool is_fixed(const char *name)
{
    return strcmp(name, "temperature") == 0 || strcmp(name, "top-p") == 0 ||
           strcmp(name, "max-tokens") == 0;
}

size_t da_judge_cli_options(struct da_judge_cli *j, struct da_opt rows[DA_JUDGE_CLI_N_OPTS])
{
    const struct da_opt own[DA_JUDGE_CLI_N_OWN] = {
        DA_OPT_GROUP_OF("Judge (G-Eval)"),
        {.kind = DA_OPT_CHOICE, .long_name = "judge", .dest = &j->mode,
         .arg = "logprobs|samples", .seen = &j->wanted,
         .help = "let a model judge summaries and answers: one reply's probabilities of\n"
                 "1 to 5, or the mean of several replies"},
        DA_OPT_INT_OF(0, "judge-samples", &j->n_samples, 1, 1000, "N",
                      "replies a sample with --judge samples (20)"),
        DA_OPT_FLAG_OF(0, "judge-suggestions", &j->suggestion, "judge lists of questions, too"),
        DA_OPT_STR_OF(0, "judge-prompts", &j->prompts_dir, "DIR",
                      "prompts of one's own (see docassist-prompts)"),
        DA_OPT_FLAG_OF(0, "judge-retry-failed", &j->retry_failed,
                       "ask again where an earlier run got no usable reply"),
    };
    struct da_opt api[DA_API_CLI_N_OPTS];
    size_t n = 0, n_api = da_api_cli_options(&j->api, api);

    for (size_t i = 0; i < DA_JUDGE_CLI_N_OWN; i++)
        rows[n++] = own[i];
    for (size_t i = 0; i < n_api; i++) {
        if (api[i].kind == DA_OPT_GROUP || is_fixed(api[i].long_name))
            continue;
        (void)snprintf(j->names[i], sizeof j->names[i], "judge-%s", api[i].long_name);
        api[i].long_name = j->names[i];
        rows[n++] = api[i];
    }
    return n;
}

static enum da_rc name_ledger(struct da_judge_cli *j, const char *output, struct da_err *err)
{
    struct da_buf s;

    if (j->api.ledger_path)
        return DA_OK;
    if (strcmp(output, "-") == 0)
        return da_fail(err, DA_EUSAGE, "writing to stdout needs --judge-ledger FILE");
    da_buf_init(&s, 0);
    da_buf_addf(&s, "%s.judge.ledger", output);
    j->ledger_name = da_buf_take(&s, NULL);
    j->api.ledger_path = j->ledger_name;
    return DA_OK;
}

enum da_rc da_judge_cli_open(struct da_judge_cli *j, const char *output, struct da_err *err)
{
    uint64_t n;
    enum da_rc rc = name_ledger(j, output, err);

    if (rc == DA_OK)
        rc = da_api_cli_resolve(&j->api, err);
    if (rc == DA_OK)
        rc = da_api_cli_open(&j->api, err);
    if (rc == DA_OK && j->retry_failed)
        rc = da_ledger_reopen_failed(j->api.client.ledger, &n, err);
    if (rc != DA_OK)
        return rc;
    const struct da_judge_opts o = {.client = j->api.client, .model = j->api.model,
                                    .mode = (enum da_judge_mode)j->mode,
                                    .n_samples = (unsigned)j->n_samples, .seed = j->api.seed,
                                    .suggestion = j->suggestion, .prompts_dir = j->prompts_dir,
                                    .stop = da_cli_catch_interrupt(), .log = da_cli_log()};
    return da_judge_open(&j->judge, &o, err);
}

void da_judge_cli_close(struct da_judge_cli *j)
{
    da_judge_close(j->judge);
    da_api_cli_close(&j->api);
    free(j->ledger_name);
}
