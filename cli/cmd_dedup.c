/* docassist dedup: near-duplicate clusters over a whole corpus. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/opt.h"
#include "cli/run_log.h"
#include "common/buf.h"
#include "ingest/dedup.h"

/* Beside the output, where there is room for it; for stdout below TMPDIR. */
static void work_path(const char *output, struct da_buf *path)
{
    const char *tmp = da_cli_env("TMPDIR");
    if (strcmp(output, "-") != 0)
        da_buf_addf(path, "%s.dedup", output);
    else
        da_buf_addf(path, "%s/docassist-dedup.%ld", tmp ? tmp : "/tmp", (long)getpid());
}

static void report(const struct da_dedup_stats *s, bool drop)
{
    da_log_msg(da_cli_log(), DA_LOG_INFO,
               "%llu documents, %llu clusters of near duplicates, %llu documents %s",
               (unsigned long long)s->n_documents, (unsigned long long)s->n_clusters,
               (unsigned long long)s->n_duplicates,
               drop ? "dropped" : "beyond the first of their cluster");
}

int da_cmd_dedup(int argc, char **argv)
{
    const char *output = "-";
    double threshold = 0.7;
    bool drop = false;
    int64_t threads = 0;
    struct da_opt opts[] = {
        DA_OPT_STR_OF('o', "output", &output, "FILE", "write records to FILE (default: stdout)"),
        DA_OPT_FLAG_OF(0, "drop", &drop,
                       "keep only the document with the smallest id of each cluster"),
        DA_OPT_DOUBLE_OF(0, "threshold", &threshold, 0.0, 1.0, "X",
                         "share of equal signature rows that makes two documents near\n"
                         "duplicates (default: 0.7)"),
        DA_OPT_INT_OF(0, "threads", &threads, 0, 256, "N", "threads (default: one per processor)"),
        DA_OPT_END,
    };
    const struct da_cmd_help help = {
        .name = "dedup",
        .synopsis = "[options] [--] FILE...",
        .summary = "Finds near-duplicate documents and gives each record its cluster_id.",
    };
    struct da_args args;
    int rc = da_opt_parse(&help, opts, argc, argv, &args);
    if (rc >= 0)
        return rc;
    if (args.n == 0)
        return da_opt_usage(&help, "no file given");
    struct da_buf work;
    da_buf_init(&work, 0);
    work_path(output, &work);
    struct da_dedup_opts o = {
        .inputs = (const char *const *)args.argv,
        .n_inputs = (size_t)args.n,
        .output = output,
        .work_path = work.p,
        .threshold = threshold,
        .drop = drop,
        .n_threads = (unsigned)threads,
        .log = da_cli_log(),
        .stop = da_cli_catch_interrupt(),
    };
    struct da_dedup_stats stats;
    struct da_err err;
    da_run_log_begin("dedup", output);
    enum da_rc result = da_dedup(&o, &stats, &err);
    if (!result)
        report(&stats, drop);
    da_buf_release(&work);
    return result ? da_cli_fail(&err) : DA_EXIT_OK;
}
