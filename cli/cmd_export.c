/* docassist export: annotations into training and test data. */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "annotate/export.h"
#include "annotate/review.h"
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

/* A figure of the agreement table; "-" for none. */
static void add_figure(struct da_buf *b, double x, int width)
{
    struct da_buf f;
    struct da_jw w;
    da_buf_init(&f, 0);
    da_jw_init(&w, &f);
    if (isnan(x))
        da_buf_add_char(&f, '-');
    else
        da_jw_fixed(&w, x, 3);
    da_buf_addf(b, "  %*s", width, f.p);
    da_buf_release(&f);
}

/* What reviewers filled into copies of a sheet: how they judge, and how far they agree. */
static int agree(const struct da_args *args)
{
    static const char *const questions[] = {"faithful", "helpful"};
    struct da_review_report r;
    struct da_err err;
    struct da_buf b;
    if (da_review_read((const char *const *)args->argv, (size_t)args->n, &r, &err))
        return da_cli_fail(&err);
    da_buf_init(&b, 0);
    da_buf_addf(&b, "%zu reviewers\n%-8s  %-19s  %5s  %6s  %6s  %9s  %6s\n", r.n_reviewers,
                "question", "task", "rated", "shared", "mean", "agreement", "alpha");
    for (int q = 0; q < DA_REVIEW_N_QUESTIONS; q++) {
        for (int t = 0; t <= DA_N_TASKS; t++) {
            const struct da_review_figures *f = &r.figures[t][q];
            const char *task = t < DA_N_TASKS ? da_task_name((enum da_task)t) : "all";
            da_buf_addf(&b, "%-8s  %-19s  %5zu  %6zu", questions[q], task, f->n_rated, f->n_shared);
            add_figure(&b, f->mean, 6);
            add_figure(&b, f->agreement, 9);
            add_figure(&b, f->alpha, 6);
            da_buf_add_char(&b, '\n');
        }
    }
    (void)fwrite(b.p, 1, b.len, stdout);
    da_buf_release(&b);
    return DA_EXIT_OK;
}

int da_cmd_export(int argc, char **argv)
{
    bool decontaminate = false, agreement = false;
    const char *dir = NULL, *split = DEFAULT_SPLIT, *splits_from = NULL;
    int format = DA_EXPORT_MESSAGES;
    int64_t seed = 0, sample = 0;
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
        DA_OPT_GROUP_OF("Review by people"),
        DA_OPT_INT_OF(0, "sample", &sample, 0, DA_REVIEW_MAX_SAMPLE, "N",
                      "write N examples to DIR/review.csv, to be filled in"),
        DA_OPT_FLAG_OF(0, "agreement", &agreement,
                       "read filled copies of review.csv, one a reviewer, and print\n"
                       "how far they agree"),
        DA_OPT_END,
    };
    const struct da_cmd_help help = {
        .name = "export",
        .synopsis = "[options] [--] FILE -o DIR, or --agreement SHEET.csv...",
        .summary = "Writes annotations as examples for training and testing, with a dataset card.",
    };
    struct da_export_opts o = {.log = da_cli_log()};
    struct da_export_stats stats;
    struct da_args args;
    struct da_err err;
    int rc = da_opt_parse(&help, opts, argc, argv, &args);
    if (rc >= 0)
        return rc;
    if (agreement && (dir || args.n == 0))
        return da_opt_usage(&help, "--agreement takes filled sheets and no --output");
    if (agreement)
        return agree(&args);
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
    o.sample = (uint64_t)sample;
    o.stop = da_cli_catch_interrupt();
    if (da_export(&o, &stats, &err))
        return da_cli_fail(&err);
    report(&stats, dir, decontaminate);
    return DA_EXIT_OK;
}
