#ifndef CLI_CHECK_OPTS_H
#define CLI_CHECK_OPTS_H

/* The thresholds of the quality checks as options. */

#include "annotate/checks.h"
#include "cli/opt.h"

struct da_check_cli {
    int64_t min_summary_words, max_summary_words, min_answer_words, max_answer_words;
    double max_question_overlap, min_numbers, min_names, min_support;
};

void da_check_cli_init(struct da_check_cli *c); /* the defaults */

enum { DA_CHECK_CLI_N_OPTS = 9 };
/* Writes the option rows (without DA_OPT_END) and returns their number. */
size_t da_check_cli_options(struct da_check_cli *c, struct da_opt rows[DA_CHECK_CLI_N_OPTS]);

/* examples of the prompt: an annotation must not repeat them; may be empty. */
struct da_checks *da_check_cli_open(const struct da_check_cli *c, struct da_span examples);

#endif
