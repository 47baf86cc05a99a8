/* docassist bench: how fast a model runs here. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/opt.h"
#include "common/buf.h"
#include "common/json.h"
#include "engine/bench.h"

enum { MAX_TOKENS = 4096, MAX_DOCUMENTS = 100000, MAX_BENCH_REPS = 101 };

static const struct da_cmd_help help = {
    .name = "bench",
    .synopsis = "[options] -m MODEL",
    .summary = "Measure how fast a model reads and writes on this machine.",
    .notes = "One request at a time with prompts of a question and of documents of 200 to 1000\n"
             "tokens, then the scoring workload: documents of 1000 tokens, three answers each.\n"
             "End tokens are ignored, so every run does the same work.",
};

struct printer {
    const char *model;
    bool json;
    struct da_buf out;
    struct da_jw w;
};

static void add_json(struct printer *p, const struct da_bench_row *r)
{
    da_jw_object(&p->w);
    da_jw_kcstr(&p->w, "model", p->model);
    da_jw_kcstr(&p->w, "prompt", r->prompt);
    da_jw_kint(&p->w, "prompt_tokens", r->prompt_tokens);
    da_jw_kint(&p->w, "new_tokens", r->new_tokens);
    da_jw_kdouble(&p->w, "itps", r->itps);
    da_jw_kdouble(&p->w, "otps", r->otps);
    da_jw_kdouble(&p->w, "ttft_s", r->ttft_s);
    da_jw_kdouble(&p->w, "runtime_s", r->runtime_s);
    da_jw_kint(&p->w, "peak_rss_bytes", (int64_t)r->peak_rss_bytes);
    da_jw_kint(&p->w, "threads", r->threads);
    da_jw_kdouble(&p->w, "cpu_use", r->cpu_use);
    if (r->documents_per_minute > 0) {
        da_jw_kdouble(&p->w, "documents_per_minute", r->documents_per_minute);
    } else {
        da_jw_kdouble(&p->w, "itps_spread", r->itps_spread);
        da_jw_kdouble(&p->w, "otps_spread", r->otps_spread);
    }
    da_jw_end(&p->w);
}

static enum da_rc take_row(void *ctx, const struct da_bench_row *r, struct da_err *err)
{
    struct printer *p = ctx;
    (void)err;
    if (p->json) {
        add_json(p, r);
        return DA_OK;
    }
    printf("%-27s %6" PRIu32 " %9.1f %9.1f %8.3f %9.3f %8.1f %5.2f", r->prompt, r->prompt_tokens,
           r->itps, r->otps, r->ttft_s, r->runtime_s, (double)r->peak_rss_bytes / 1e6, r->cpu_use);
    if (r->documents_per_minute > 0)
        printf("  %.1f documents a minute", r->documents_per_minute);
    putchar('\n');
    (void)fflush(stdout);
    return DA_OK;
}

int da_cmd_bench(int argc, char **argv)
{
    const char *path = NULL, *name = NULL;
    int kv = 0;
    int64_t threads = 0, new_tokens = 120, reps = 5, documents = 12, parallel = 0;
    bool json = false;
    const struct da_opt table[] = {
        DA_OPT_STR_OF('m', "model", &path, "FILE", "the model to measure (GGUF)"),
        DA_OPT_STR_OF(0, "name", &name, "NAME", "its name in the rows (the file's own)"),
        DA_OPT_INT_OF(0, "threads", &threads, 1, 256, "N", "threads to use (all processors)"),
        DA_OPT_CHOICE_OF(0, "kv", &kv, "auto|f32|f16|q8", "type of keys and values (auto)"),
        DA_OPT_INT_OF(0, "new-tokens", &new_tokens, 2, MAX_TOKENS, "N",
                      "length of an answer (120)"),
        DA_OPT_INT_OF(0, "reps", &reps, 1, MAX_BENCH_REPS, "N", "runs a row (5)"),
        DA_OPT_INT_OF(0, "documents", &documents, 0, MAX_DOCUMENTS, "N",
                      "documents of the scoring workload, 0 for none (12)"),
        DA_OPT_INT_OF(0, "parallel", &parallel, 1, DA_ENGINE_MAX_PARALLEL, "N",
                      "answers decoded together there (18)"),
        DA_OPT_FLAG_OF(0, "json", &json, "print a JSON array of rows"),
        DA_OPT_END,
    };
    struct da_args args;
    struct da_model *m = NULL;
    struct printer p = {.json = false};
    struct da_err err;
    int rc = da_opt_parse(&help, table, argc, argv, &args);
    if (rc >= 0)
        return rc;
    if (args.n != 0)
        return da_opt_usage(&help, "unexpected argument '%s'", args.argv[0]);
    if (!path)
        return da_opt_usage(&help, "name a model with -m FILE");
    const struct da_model_opts mo = {.cpu = da_cli_env("DOCASSIST_CPU"),
                                     .n_threads = (unsigned)threads};
    if (da_model_open(&m, path, &mo, &err))
        return da_cli_fail(&err);
    const struct da_bench_opts o = {.n_threads = (unsigned)threads,
                                    .kv = (enum da_kv_type)kv,
                                    .new_tokens = (uint32_t)new_tokens,
                                    .n_reps = (uint32_t)reps,
                                    .n_documents = (uint32_t)documents,
                                    .n_parallel = (uint32_t)parallel,
                                    .clock = da_clock_system()};
    p.model = name ? name : da_model_facts(m)->name;
    p.json = json;
    da_buf_init(&p.out, 0);
    da_jw_init(&p.w, &p.out);
    if (json)
        da_jw_array(&p.w);
    else
        printf("%-27s %6s %9s %9s %8s %9s %8s %5s\n", "prompt", "tokens", "ITPS", "OTPS", "TTFT s",
               "runtime s", "peak MB", "cpu");
    enum da_rc bad = da_bench_run(m, &o, take_row, &p, &err);
    if (json && !bad) {
        da_jw_end(&p.w);
        puts(p.out.p);
    }
    da_buf_release(&p.out);
    da_model_close(m);
    return bad ? da_cli_fail(&err) : DA_EXIT_OK;
}
