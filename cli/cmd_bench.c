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
    .notes = "One request at a time with short questions and with documents of 200 to 1000\n"
             "tokens, then the scoring workload: documents of 1000 tokens, three answers each.\n"
             "End tokens are ignored, so every run does the same work.\n"
             "Rows: question, 200, 400, 600, 800, 1000, scoring; only when asked for streams (16\n"
             "answers together), threads and batch.",
};

struct printer {
    const char *model;
    bool json;
    unsigned n_rows; /* taken */
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
    if (r->joules_per_1000 > 0)
        da_jw_kdouble(&p->w, "joules_per_1000_tokens", r->joules_per_1000);
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
    p->n_rows++;
    if (p->json) {
        add_json(p, r);
        return DA_OK;
    }
    printf("%-27s %6" PRIu32 " %9.1f %9.1f %8.3f %9.3f %8.1f %5.2f", r->prompt, r->prompt_tokens,
           r->itps, r->otps, r->ttft_s, r->runtime_s, (double)r->peak_rss_bytes / 1e6, r->cpu_use);
    if (r->documents_per_minute > 0)
        printf("  %.1f documents a minute", r->documents_per_minute);
    else
        printf("  +-%.0f %%", 50.0 * (r->itps_spread > r->otps_spread ? r->itps_spread
                                                                     : r->otps_spread));
    if (r->joules_per_1000 > 0)
        printf("  %.2f J/1000", r->joules_per_1000);
    putchar('\n');
    (void)fflush(stdout);
    return DA_OK;
}

/* "streams,1000" to its bits; 0 and the unknown name when there is one. */
static uint32_t parse_rows(const char *list, struct da_span *unknown)
{
    uint32_t rows = 0;
    while (*list) {
        size_t n = strcspn(list, ",");
        struct da_span name = {list, n};
        uint32_t bit = da_bench_row_named(name);
        *unknown = name;
        if (!bit)
            return 0;
        rows |= bit;
        list += n + (list[n] == ',');
    }
    return rows;
}

static void print_limits(const struct da_bench_limits *l)
{
    printf("threads              %u\n", l->threads);
    if (l->int8_gops > 0)
        printf("8-bit products       %.0f Gop/s (%s)\n", l->int8_gops, l->int8_how);
    printf("memory read          %.1f GB/s\n", l->ram_gbs);
    printf("third cache read     %.1f GB/s\n", l->l3_gbs);
    printf("matrix (%s, 512)     %.0f Gop/s", l->gemm_kind, l->gemm_gops);
    if (l->int8_gops > 0)
        printf(", %.0f %% of the limit", 100.0 * l->gemm_gops / l->int8_gops);
    printf("\nprompt of 1000       %.0f Gop/s", l->prefill_gops);
    if (l->int8_gops > 0)
        printf(", %.0f %%", 100.0 * l->prefill_gops / l->int8_gops);
    printf("\none stream           %.1f GB/s, %.0f %% of memory read\n", l->decode_gbs,
           100.0 * l->decode_gbs / l->ram_gbs);
}

static void limits_json(const struct da_bench_limits *l)
{
    struct da_buf out;
    struct da_jw w;
    da_buf_init(&out, 0);
    da_jw_init(&w, &out);
    da_jw_object(&w);
    da_jw_kint(&w, "threads", l->threads);
    if (l->int8_gops > 0) {
        da_jw_kdouble(&w, "int8_gops", l->int8_gops);
        da_jw_kcstr(&w, "int8_how", l->int8_how);
    }
    da_jw_kdouble(&w, "ram_gbs", l->ram_gbs);
    da_jw_kdouble(&w, "l3_gbs", l->l3_gbs);
    da_jw_kcstr(&w, "gemm_kind", l->gemm_kind);
    da_jw_kdouble(&w, "gemm_gops", l->gemm_gops);
    da_jw_kdouble(&w, "prefill_gops", l->prefill_gops);
    da_jw_kdouble(&w, "decode_gbs", l->decode_gbs);
    da_jw_end(&w);
    puts(out.p);
    da_buf_release(&out);
}

static enum da_rc run_limits(const struct da_model *m, const struct da_bench_opts *o, bool json,
                             struct da_err *err)
{
    struct da_bench_limits l;
    enum da_rc rc = da_bench_limits(m, o, &l, err);
    if (!rc && json)
        limits_json(&l);
    else if (!rc)
        print_limits(&l);
    return rc;
}

static enum da_rc run_rows(struct da_model *m, const struct da_bench_opts *o, struct printer *p,
                           struct da_err *err)
{
    da_buf_init(&p->out, 0);
    da_jw_init(&p->w, &p->out);
    if (p->json)
        da_jw_array(&p->w);
    else
        printf("%-27s %6s %9s %9s %8s %9s %8s %5s\n", "prompt", "tokens", "ITPS", "OTPS", "TTFT s",
               "runtime s", "peak MB", "cpu");
    enum da_rc rc = da_bench_run(m, o, take_row, p, err);
    if (!rc && !p->n_rows)
        rc = da_fail(err, DA_EUSAGE, "%s: none of these rows fits its context of %" PRIu32
                     " tokens", p->model, da_model_facts(m)->n_ctx);
    if (p->json && !rc) {
        da_jw_end(&p->w);
        puts(p->out.p);
    }
    da_buf_release(&p->out);
    return rc;
}

int da_cmd_bench(int argc, char **argv)
{
    const char *path = NULL, *name = NULL;
    int kv = 0;
    int64_t threads = 0, new_tokens = 120, reps = 5, documents = 12, parallel = 0;
    bool json = false, limits = false;
    const char *row_list = NULL, *energy_path = NULL, *cache_dir = NULL;
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
        DA_OPT_STR_OF(0, "rows", &row_list, "LIST", "only these rows, separated by commas"),
        DA_OPT_STR_OF(0, "cache-dir", &cache_dir, "DIR",
                      "keep ready weights in DIR (beside the model; none: nowhere)"),
        DA_OPT_FLAG_OF(0, "limits", &limits,
                       "instead, measure the machine and what share of it is used"),
        DA_OPT_STR_OF(0, "energy-file", &energy_path, "FILE",
                      "microjoules so far, or microwatts in power... (RAPL)"),
        DA_OPT_FLAG_OF(0, "json", &json, "print a JSON array of rows"),
        DA_OPT_END,
    };
    struct da_args args;
    struct da_model *m = NULL;
    struct da_energy *energy;
    struct printer p = {.json = false};
    struct da_err err;
    int rc = da_opt_parse(&help, table, argc, argv, &args);
    if (rc >= 0)
        return rc;
    if (args.n != 0)
        return da_opt_usage(&help, "unexpected argument '%s'", args.argv[0]);
    if (!path)
        return da_opt_usage(&help, "name a model with -m FILE");
    uint32_t rows = 0;
    struct da_span unknown = {"", 0};
    if (row_list && !(rows = parse_rows(row_list, &unknown)))
        return da_opt_usage(&help, "--rows: there is no row '%.*s'", (int)unknown.len, unknown.p);
    const struct da_model_opts mo = {.cpu = da_cli_env("DOCASSIST_CPU"),
                                     .n_threads = (unsigned)threads,
                                     .cache = !cache_dir || strcmp(cache_dir, "none") != 0,
                                     .cache_dir = cache_dir};
    if (da_energy_open(&energy, energy_path, "/sys", da_clock_system(), &err))
        return da_cli_fail(&err);
    enum da_rc bad = da_model_open(&m, path, &mo, &err);
    const struct da_bench_opts o = {.rows = rows,
                                    .energy = energy,
                                    .n_threads = (unsigned)threads,
                                    .kv = (enum da_kv_type)kv,
                                    .new_tokens = (uint32_t)new_tokens,
                                    .n_reps = (uint32_t)reps,
                                    .n_documents = (uint32_t)documents,
                                    .n_parallel = (uint32_t)parallel,
                                    .clock = da_clock_system()};
    if (!bad && limits) {
        bad = run_limits(m, &o, json, &err);
    } else if (!bad) {
        p.model = name ? name : da_model_facts(m)->name;
        p.json = json;
        bad = run_rows(m, &o, &p, &err);
    }
    da_model_close(m);
    da_energy_close(energy);
    return bad ? da_cli_fail(&err) : DA_EXIT_OK;
}
