/* Quality-check options: see the header. */

#include "cli/check_opts.h"

#include <string.h>

enum { MAX_WORDS = 100000 };

void da_check_cli_init(struct da_check_cli *c)
{
    struct da_checks_opts o;
    da_checks_opts_init(&o);
    *c = (struct da_check_cli){.min_summary_words = o.min_summary_words,
                               .max_summary_words = o.max_summary_words,
                               .min_answer_words = o.min_answer_words,
                               .max_answer_words = o.max_answer_words,
                               .max_question_overlap = o.max_question_overlap,
                               .min_numbers = o.min_numbers,
                               .min_names = o.min_names,
                               .min_support = o.min_support};
}

size_t da_check_cli_options(struct da_check_cli *c, struct da_opt rows[DA_CHECK_CLI_N_OPTS])
{
    const struct da_opt all[] = {
        DA_OPT_GROUP_OF("Quality checks (what fails is left out, or see --keep-failed)"),
        DA_OPT_INT_OF(0, "min-summary-words", &c->min_summary_words, 0, MAX_WORDS, "N",
                      "a summary's least words (3)"),
        DA_OPT_INT_OF(0, "max-summary-words", &c->max_summary_words, 0, MAX_WORDS, "N",
                      "and its most (250)"),
        DA_OPT_INT_OF(0, "min-answer-words", &c->min_answer_words, 0, MAX_WORDS, "N",
                      "an answer's least words (1)"),
        DA_OPT_INT_OF(0, "max-answer-words", &c->max_answer_words, 0, MAX_WORDS, "N",
                      "and its most (150)"),
        DA_OPT_DOUBLE_OF(0, "max-question-overlap", &c->max_question_overlap, 0, 1, "X",
                         "word pairs two questions may share (0.85)"),
        DA_OPT_DOUBLE_OF(0, "min-numbers", &c->min_numbers, 0, 1, "X",
                         "share of numbers that the document has (1)"),
        DA_OPT_DOUBLE_OF(0, "min-names", &c->min_names, 0, 1, "X",
                         "share of names that the document has (0.6)"),
        DA_OPT_DOUBLE_OF(0, "min-support", &c->min_support, 0, 1, "X",
                         "share of an answer's words found in one place (0.3)"),
    };
    _Static_assert(DA_ARRAY_LEN(all) == DA_CHECK_CLI_N_OPTS, "the header states their number");
    memcpy(rows, all, sizeof all);
    return DA_ARRAY_LEN(all);
}

struct da_checks *da_check_cli_open(const struct da_check_cli *c, struct da_span examples)
{
    struct da_checks_opts o;
    da_checks_opts_init(&o);
    o.min_summary_words = (unsigned)c->min_summary_words;
    o.max_summary_words = (unsigned)c->max_summary_words;
    o.min_answer_words = (unsigned)c->min_answer_words;
    o.max_answer_words = (unsigned)c->max_answer_words;
    o.max_question_overlap = c->max_question_overlap;
    o.min_numbers = c->min_numbers;
    o.min_names = c->min_names;
    o.min_support = c->min_support;
    o.examples = examples;
    return da_checks_new(&o);
}
