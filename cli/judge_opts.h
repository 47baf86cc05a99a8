#ifndef CLI_JUDGE_OPTS_H
#define CLI_JUDGE_OPTS_H

/* The --judge options of eval: those of the API under another name, and the judge's own. */

#include "cli/api_opts.h"
#include "eval/judge.h"

enum { DA_JUDGE_CLI_N_OWN = 6, DA_JUDGE_CLI_N_OPTS = DA_JUDGE_CLI_N_OWN + DA_API_CLI_N_OPTS };

struct da_judge_cli {
    bool wanted; /* --judge was given */
    int mode;    /* enum da_judge_mode */
    int64_t n_samples;
    bool suggestion, retry_failed;
    const char *prompts_dir;
    struct da_api_cli api;
    char names[DA_API_CLI_N_OPTS][32]; /* "judge-model" */
    char *ledger_name;                 /* owned */
    struct da_judge *judge;
};

void da_judge_cli_init(struct da_judge_cli *j);
/* Writes the option rows (without DA_OPT_END) and returns their number. j stays where it is. */
size_t da_judge_cli_options(struct da_judge_cli *j, struct da_opt rows[DA_JUDGE_CLI_N_OPTS]);

/* Opens the ledger (OUTPUT.judge.ledger unless one was named) and the judge. DA_EUSAGE when output
 * is stdout and no ledger was named. */
enum da_rc da_judge_cli_open(struct da_judge_cli *j, const char *output, struct da_err *err);
void da_judge_cli_close(struct da_judge_cli *j);

#endif
