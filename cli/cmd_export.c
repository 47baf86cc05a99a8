/* docassist export: annotations into training and test data. */

#include <string.h>

#include "annotate/export.h"
#include "cli/command.h"
#include "cli/opt.h"

#define DEFAULT_SPLIT "95/2.5/2.5" /* 2.5 % of 82,850 is the size of the paper's test set */

static void report(const struct da_export_stats *s, const char *dir, bool decontaminate)
{
    if (s->n_contaminated > 0)
        da_log_msg(da_cli_log(), decontaminate ? DA_LOG_INFO : DA_LOG_WARN,
                   "%llu documents of validation and test share much with earlier splits%s",
                   (unsigned long long)s->n_contaminated,
                   decontaminate ? " and are left out" : "; --decontaminate leaves them out");
    da_log_msg(da_cli_log(), DA_LOG_INFO,
               "%llu annotations into '%s': %llu train, %llu validation, %llu test examples",
               (unsigned long long)s->n_annotations, dir,
               (unsigned long long)s->n_examples[DA_SPLIT_TRAIN],
               (unsigned long long)s->n_examples[DA_SPLIT_VALIDATION],
               (unsigned long long)s->n_examples[DA_SPLIT_TEST]);
}

int da_cmd_export(int argc, char **argv)
{
    bool decontaminate = false;
    const char *dir = NULL, *split = DEFAULT_SPLIT, *splits_from = NULL;
    int format = DA_EXPORT_MESSAGES;
    int64_t seed = 0;
    struct da_opt opts[] = {
        DA_OPT_STR_OF('o', "output", &dir, "DIR", "write the data set to folder DIR"),
        DA_OPT_CHOICE_OF(0, "format", &format, "messages|prompt-completion",
                         "a chat, or raw prompt and completion (default: messages)"),
        DA_OPT_STR_OF(0, "split", &split, "A/B/C",
                      "percent of documents for training, validation and test\n"
                      "(default: " DEFAULT_SPLIT ")"),
        DA_OPT_STR_OF(0, "splits-from", &splits_from, "FILE",
                      "keep the assignments of an earlier splits.tsv"),
        DA_OPT_FLAG_OF(0, "decontaminate", &decontaminate,
                       "leave out validation and test documents that share much\n"
                       "with earlier splits"),
        DA_OPT_INT_OF(0, "seed", &seed, 0, INT64_MAX, "N", "another draw of splits (default: 0)"),
        DA_OPT_END,
    };
    const struct da_cmd_help help = {
        .name = "export",
        .synopsis = "[options] [--] FILE -o DIR",
        .summary = "Writes annotations as examples for training and testing, with a dataset card.",
    };
    struct da_export_opts o = {.log = da_cli_log()};
    struct da_export_stats stats;
    struct da_args args;
    struct da_err err;
    int rc = da_opt_parse(&help, opts, argc, argv, &args);
    if (rc >= 0)
        return rc;
    if (args.n != 1)
        return da_opt_usage(&help, args.n == 0 ? "no file given" : "more than one file given");
    if (!dir)
        return da_opt_usage(&help, "--output is missing");
    if (da_splits_parse(split, o.percent, &err))
        return da_opt_usage(&help, "%s", err.msg);
    o.input = args.argv[0];
    o.dir = dir;
    o.format = (enum da_export_format)format;
    o.seed = (uint64_t)seed;
    o.splits_from = splits_from;
    o.decontaminate = decontaminate;
    o.stop = da_cli_catch_interrupt();
    if (da_export(&o, &stats, &err))
        return da_cli_fail(&err);
    report(&stats, dir, decontaminate);
    return DA_EXIT_OK;
}
