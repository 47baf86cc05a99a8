/* docassist merge score LOG...: the score of a whole from the per-sample logs of its shards. */

#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/opt.h"
#include "cli/score_out.h"
#include "common/mem.h"
#include "common/threads.h"
#include "eval/resample.h"

static int run(const struct da_args *args, const char *output, const struct da_record_opts *opts)
{
    size_t n = (size_t)args->n - 1, n_read = 0;
    struct da_samples *shards = da_calloc(n, sizeof *shards), whole;
    struct da_err err = {DA_OK, ""};
    enum da_rc rc = DA_OK;
    struct da_buf out;

    da_buf_init(&out, 0);
    da_samples_init(&whole);
    for (; n_read < n && rc == DA_OK; n_read++) {
        da_samples_init(&shards[n_read]);
        rc = da_samples_read(args->argv[n_read + 1], &shards[n_read], &err);
    }
    if (rc == DA_OK)
        rc = da_samples_merge(shards, n, (const char *const *)args->argv + 1, &whole, &err);
    if (rc == DA_OK)
        rc = da_cli_add_score(&whole, opts, output, 0, &out, &err);
    if (rc == DA_OK)
        rc = da_cli_write_scores(output, &out, &err);
    for (size_t i = 0; i < n_read; i++)
        da_samples_release(&shards[i]);
    free(shards);
    da_samples_release(&whole);
    da_buf_release(&out);
    return rc == DA_OK ? DA_EXIT_OK : da_cli_fail(&err);
}

int da_cmd_merge(int argc, char **argv)
{
    static const struct da_cmd_help help = {
        "merge", "[options] [--] score LOG...",
        "Merges the per-sample logs of one system's shards into its score record, the same bytes\n"
        "as one run over all examples gives. LOG is a FILE.samples.jsonl that eval wrote.",
        NULL};
    const char *output = "-";
    int64_t n_bootstrap = 1000, seed = DA_RESAMPLE_SEED, n_threads = 0;
    const struct da_opt opts[] = {
        DA_OPT_STR_OF('o', "output", &output, "FILE",
                      "write the score record to FILE and the merged log beside it\n"
                      "(default: standard output, no log)"),
        DA_OPT_INT_OF(0, "bootstrap", &n_bootstrap, 0, 1000000, "N",
                      "resamples (default 1000; 0: no intervals)"),
        DA_OPT_INT_OF(0, "seed", &seed, 0, INT64_MAX, "N", "of the resampling (default 12345)"),
        DA_OPT_INT_OF(0, "threads", &n_threads, 0, DA_THREADS_MAX, "N",
                      "worker threads (default: all processors)"),
        DA_OPT_END,
    };
    struct da_args args;
    int rc = da_opt_parse(&help, opts, argc, argv, &args);

    if (rc >= 0)
        return rc;
    if (args.n < 2 || strcmp(args.argv[0], "score") != 0)
        return da_opt_usage(&help, "'score' and at least one log are needed");
    const struct da_record_opts r = {.n_bootstrap = (size_t)n_bootstrap, .seed = (uint64_t)seed,
                                     .n_threads = (unsigned)n_threads};
    return run(&args, output, &r);
}
