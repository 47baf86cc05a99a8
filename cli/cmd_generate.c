/* docassist generate: predictions by a local model or by a baseline; one raw prompt. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/opt.h"
#include "cli/run_log.h"
#include "common/json.h"
#include "engine/tokenizer/tokenizer.h"
#include "eval/baseline.h"
#include "eval/generate.h"

static const struct da_cmd_help help = {
    "generate", "[options] [--] EXAMPLES.jsonl",
    "Answers the requests of examples with a local model (-m) or a baseline\n"
    "(--baseline) and writes prediction records. With --prompt or --ids: one raw\n"
    "prompt, whose answer is printed.",
    "The output continues where it stopped when the same command is run again."};

struct params {
    const char *cache_dir, *model, *output, *errors, *name, *prompt, *ids;
    int64_t max_new, top_k, seed, threads, parallel, batch, context, kv_mem, logprobs, limit;
    double temperature, top_p;
    int kv, draft, baseline;
    bool baseline_seen, logprobs_seen, no_prefix_cache, restart;
};

/* "1,2,3" to ids; false for anything else. */
static bool parse_ids(const char *text, struct da_ids *ids)
{
    struct da_span rest = da_span_str(text), piece;
    while (da_span_split(&rest, ',', &piece)) {
        int64_t id;
        piece = da_span_trim(piece);
        if (!da_parse_int(piece.p, piece.len, &id) || id < 0 || id > INT32_MAX)
            return false;
        da_ids_add(ids, (int32_t)id);
    }
    return ids->n > 0;
}

static void fill_opts(const struct params *p, struct da_generate_opts *o)
{
    static const enum da_kv_type kinds[] = {DA_KV_AUTO, DA_KV_F32, DA_KV_F16, DA_KV_Q8};
    memset(o, 0, sizeof *o);
    o->model_path = p->model;
    o->model_name = p->name;
    o->model.cpu = da_cli_env("DOCASSIST_CPU");
    o->model.n_threads = (unsigned)p->threads;
    o->model.cache = !p->cache_dir || strcmp(p->cache_dir, "none") != 0;
    o->model.cache_dir = p->cache_dir;
    o->engine.n_threads = (unsigned)p->threads;
    o->engine.kv = kinds[p->kv];
    o->engine.n_ctx = (uint32_t)p->context;
    o->engine.n_parallel = (uint32_t)p->parallel;
    o->engine.batch = (uint32_t)p->batch;
    o->engine.kv_max_bytes = (uint64_t)p->kv_mem << 20;
    o->engine.no_prefix_cache = p->no_prefix_cache;
    o->engine.draft = (enum da_draft)p->draft;
    o->sampling.temperature = p->temperature;
    o->sampling.top_k = (uint32_t)p->top_k;
    o->sampling.top_p = p->top_p;
    o->sampling.seed = (uint64_t)p->seed;
    o->max_new = (uint32_t)p->max_new;
    o->want_logprobs = p->logprobs_seen;
    o->n_logprobs = (uint32_t)p->logprobs;
}

static int run_raw(const struct params *p)
{
    struct da_generate_opts opts;
    struct da_generator *g = NULL;
    struct da_err err = {DA_OK, ""};
    struct da_ids ids;
    struct da_buf out;
    enum da_rc rc;
    da_ids_init(&ids);
    da_buf_init(&out, 0);
    if (p->ids && !parse_ids(p->ids, &ids)) {
        da_ids_release(&ids);
        return da_opt_usage(&help, "--ids '%s': must be token ids, as in 1,2,3", p->ids);
    }
    fill_opts(p, &opts);
    rc = da_generator_open(&g, &opts, &err);
    if (rc == DA_OK)
        rc = da_generate_raw(g, p->prompt ? da_span_str(p->prompt) : da_span("", 0),
                             p->ids ? ids.p : NULL, ids.n, &out, &err);
    if (rc == DA_OK) {
        (void)fwrite(out.p, 1, out.len, stdout);
        (void)putchar('\n');
    }
    da_generator_close(g);
    da_buf_release(&out);
    da_ids_release(&ids);
    return rc == DA_OK ? DA_EXIT_OK : da_cli_fail(&err);
}

static enum da_rc run_model(const struct params *p, const struct da_generate_run *run,
                            struct da_generate_stats *stats, struct da_err *err)
{
    struct da_generate_opts opts;
    struct da_generator *g = NULL;
    enum da_rc rc;
    fill_opts(p, &opts);
    rc = da_generator_open(&g, &opts, err);
    if (rc == DA_OK)
        rc = da_generate_examples(g, run, stats, err);
    da_generator_close(g);
    return rc;
}

/* Speed is the run's, never a record's. */
static void log_stats(const struct da_generate_stats *st)
{
    da_run_log_int("examples", (int64_t)st->n_examples);
    da_run_log_int("failed", (int64_t)st->n_failed);
    if (!st->engine.n_prompt_tokens)
        return;
    da_run_log_int("prompt_tokens", (int64_t)st->engine.n_prompt_tokens);
    da_run_log_int("prompt_tokens_computed", (int64_t)st->engine.n_prompt_computed);
    da_run_log_int("new_tokens", (int64_t)st->engine.n_new_tokens);
    da_run_log_int("kv_bytes", (int64_t)st->engine.kv_bytes);
}

static int run_examples(const struct params *p, const char *input)
{
    struct da_generate_stats stats = {0};
    struct da_log *log = da_cli_log();
    struct da_err err = {DA_OK, ""};
    struct da_generate_run run = {.input = input,
                                  .output = p->output,
                                  .errors = p->errors,
                                  .limit = (uint64_t)p->limit,
                                  .restart = p->restart,
                                  .log = log,
                                  .stop = da_cli_catch_interrupt()};
    enum da_rc rc = p->baseline_seen
                        ? da_baseline_examples((enum da_baseline_kind)p->baseline, &run, &stats,
                                               &err)
                        : run_model(p, &run, &stats, &err);
    log_stats(&stats);
    if (rc != DA_OK)
        return da_cli_fail(&err);
    if (stats.engine.n_prompt_tokens)
        da_log_msg(log, DA_LOG_DEBUG, "%llu prompt tokens, %llu computed, %llu new tokens",
                   (unsigned long long)stats.engine.n_prompt_tokens,
                   (unsigned long long)stats.engine.n_prompt_computed,
                   (unsigned long long)stats.engine.n_new_tokens);
    da_log_msg(log, DA_LOG_INFO, "%llu predictions, %llu failed",
               (unsigned long long)stats.n_done, (unsigned long long)stats.n_failed);
    return stats.n_failed ? DA_EXIT_PARTIAL : DA_EXIT_OK;
}

static int check_params(const struct params *p, const struct da_args *args)
{
    bool raw = p->prompt || p->ids;
    if (p->prompt && p->ids)
        return da_opt_usage(&help, "--prompt and --ids exclude each other");
    if ((p->model != NULL) == p->baseline_seen)
        return da_opt_usage(&help, "one of -m MODEL and --baseline NAME is needed");
    if (raw && (p->baseline_seen || args->n || p->output))
        return da_opt_usage(&help, "--%s takes -m MODEL and no examples or -o",
                            p->prompt ? "prompt" : "ids");
    if (!raw && args->n != 1)
        return da_opt_usage(&help, "one file of examples is needed ('-' for standard input)");
    if (!raw && !p->output)
        return da_opt_usage(&help, "-o FILE is needed ('-' for standard output)");
    return -1;
}

int da_cmd_generate(int argc, char **argv)
{
    struct params p = {.max_new = DA_GENERATE_MAX_NEW, .top_p = 1};
    const struct da_opt opts[] = {
        DA_OPT_STR_OF('m', "model", &p.model, "FILE", "GGUF model"),
        {.kind = DA_OPT_CHOICE, .long_name = "baseline", .dest = &p.baseline,
         .arg = DA_BASELINE_CHOICES, .help = "a rule instead of a model", .seen = &p.baseline_seen},
        DA_OPT_STR_OF('o', "output", &p.output, "FILE", "write predictions to FILE"),
        DA_OPT_STR_OF(0, "errors", &p.errors, "FILE", "one JSON line for each failure"),
        DA_OPT_STR_OF(0, "name", &p.name, "NAME", "name of the system in the records"),
        DA_OPT_INT_OF(0, "limit", &p.limit, 0, INT64_MAX, "N", "only the first N examples"),
        DA_OPT_FLAG_OF(0, "restart", &p.restart, "throw away what an earlier run left"),
        DA_OPT_GROUP_OF("Decoding"),
        DA_OPT_INT_OF(0, "max-new-tokens", &p.max_new, 1, 1 << 20, "N",
                      "at most N tokens an answer (256)"),
        DA_OPT_DOUBLE_OF(0, "temperature", &p.temperature, 0, 100, "T",
                         "0, the default, is greedy"),
        DA_OPT_INT_OF(0, "top-k", &p.top_k, 0, 1 << 30, "K", "draw from the K best (0: all)"),
        DA_OPT_DOUBLE_OF(0, "top-p", &p.top_p, 0, 1, "P",
                         "draw from the best that hold P together (1: all)"),
        DA_OPT_INT_OF(0, "seed", &p.seed, 0, INT64_MAX, "N", "of the draws (0)"),
        {.kind = DA_OPT_INT, .long_name = "logprobs", .dest = &p.logprobs, .arg = "K",
         .help = "add log-probabilities of each token and its K best rivals", .min = 0,
         .max = DA_GENERATE_MAX_LOGPROBS, .seen = &p.logprobs_seen},
        DA_OPT_GROUP_OF("Engine (none of these changes the answers, except --kv)"),
        DA_OPT_INT_OF(0, "threads", &p.threads, 0, 256, "N", "0: all processors"),
        DA_OPT_INT_OF(0, "parallel", &p.parallel, 0, DA_ENGINE_MAX_PARALLEL, "N",
                      "answers decoded together (18)"),
        DA_OPT_INT_OF(0, "batch", &p.batch, 0, DA_ENGINE_MAX_BATCH, "N",
                      "tokens a step takes at most (512)"),
        DA_OPT_INT_OF(0, "context", &p.context, 0, 1 << 24, "N",
                      "longest prompt and answer (0: the model's)"),
        DA_OPT_CHOICE_OF(0, "kv", &p.kv, "auto|f32|f16|q8",
                         "keys and values (auto: q8 for quantized weights)"),
        DA_OPT_INT_OF(0, "kv-mem", &p.kv_mem, 0, 1 << 20, "MIB",
                      "memory for keys and values (2048)"),
        DA_OPT_FLAG_OF(0, "no-prefix-cache", &p.no_prefix_cache,
                       "compute every prompt whole"),
        DA_OPT_CHOICE_OF(0, "draft", &p.draft, "lookup|none",
                         "guess from the text while few answers are decoded (lookup)"),
        DA_OPT_STR_OF(0, "cache-dir", &p.cache_dir, "DIR",
                      "keep ready weights in DIR (beside the model; none: nowhere)"),
        DA_OPT_GROUP_OF("One raw prompt"),
        DA_OPT_STR_OF(0, "prompt", &p.prompt, "TEXT", "answer TEXT, without task or template"),
        DA_OPT_STR_OF(0, "ids", &p.ids, "LIST", "the same from token ids (1,2,3)"),
        DA_OPT_END,
    };
    struct da_args args;
    int rc = da_opt_parse(&help, opts, argc, argv, &args);
    if (rc < 0)
        rc = check_params(&p, &args);
    if (rc >= 0)
        return rc;
    if (p.prompt || p.ids)
        return run_raw(&p);
    da_run_log_begin("generate", p.output);
    return run_examples(&p, args.argv[0]);
}
