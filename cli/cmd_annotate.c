/* docassist annotate: documents in, summaries, questions and answers out. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/ann_report.h"
#include "annotate/annotate.h"
#include "annotate/backend_api.h"
#include "annotate/backend_extractive.h"
#include "annotate/backend_written.h"
#include "annotate/checks.h"
#include "annotate/estimate.h"
#include "annotate/ann_source.h"
#include "api/batch.h"
#include "api/ledger.h"
#include "cli/annotate_batch.h"
#include "cli/api_opts.h"
#include "cli/command.h"
#include "cli/cost.h"
#include "cli/run_log.h"
#include "common/io.h"
#include "common/mem.h"
#include "engine/embedder.h"
#include "prompts/ask.h"

typedef unsigned long long ull; /* what printf takes */

struct options {
    const char *output, *errors, *report, *prompts, *status, *written, *written_name, *assume;
    int backend; /* enum backend */
    bool seen_backend, keep_failed, restart, show_prompt, retry_failed, reparse, dry_run;
    bool seen_batch, batch_complete, round_trip;
    int batch_action;
    int64_t batch_tokens, batch_requests;
    struct da_api_cli api;
    struct {
        int64_t min_summary_words, max_summary_words, min_answer_words, max_answer_words;
        struct da_checks_opts o;
        const char *sts;
    } checks;
};

enum { MAX_OWN = 40, MAX_OPTS = MAX_OWN + DA_API_CLI_N_OPTS + 1 };

enum backend { BACKEND_API, BACKEND_EXTRACTIVE, BACKEND_WRITTEN };

static const struct da_cmd_help help = {
    "annotate", "[options] [--] DOCS.jsonl",
    "Writes a summary, three suggested questions and one question with its answer for every\n"
    "document; '-' reads standard input.",
    "An interrupted run goes on where it stopped when the same command is given again:\n"
    "replies are on disk before they are used and are never paid for twice."};

static void init_options(struct options *o)
{
    struct da_checks_opts *c = &o->checks.o;
    memset(o, 0, sizeof *o);
    o->batch_tokens = DA_BATCH_DEFAULT_TOKENS;
    o->batch_requests = DA_BATCH_MAX_REQUESTS;
    da_api_cli_init(&o->api);
    da_checks_opts_init(c);
    o->checks.min_summary_words = c->min_summary_words;
    o->checks.max_summary_words = c->max_summary_words;
    o->checks.min_answer_words = c->min_answer_words;
    o->checks.max_answer_words = c->max_answer_words;
}

static void fill_options(struct options *o, struct da_opt rows[MAX_OPTS])
{
    enum { MOST_WORDS = 100000 };
    struct da_checks_opts *c = &o->checks.o;
    const struct da_opt own[] = {
        DA_OPT_GROUP_OF("Output"),
        DA_OPT_STR_OF('o', "output", &o->output, "FILE", "write annotations to FILE ('-': stdout)"),
        DA_OPT_STR_OF(0, "errors", &o->errors, "FILE", "one object for each document that failed"),
        DA_OPT_STR_OF(0, "report", &o->report, "FILE",
                      "an HTML page about the annotations and what failed"),
        DA_OPT_FLAG_OF(0, "keep-failed", &o->keep_failed,
                       "keep annotations whose quality checks fail"),
        DA_OPT_FLAG_OF(0, "restart", &o->restart, "throw away an unfinished output"),
        DA_OPT_GROUP_OF("What is asked, and of whom"),
        {.kind = DA_OPT_CHOICE,
         .long_name = "backend",
         .dest = &o->backend,
         .arg = "api|extractive|written",
         .seen = &o->seen_backend,
         .help = "a model; rules that need none; or people\n(api with a key or a server, else "
                 "extractive)"},
        DA_OPT_STR_OF(0, "written", &o->written, "FILE",
                      "annotations written by people, joined by source.path"),
        DA_OPT_STR_OF(0, "written-name", &o->written_name, "NAME",
                      "origin.model of what people wrote (written)"),
        DA_OPT_STR_OF(0, "prompts", &o->prompts, "DIR",
                      "prompts of one's own (see docassist-prompts)"),
        DA_OPT_FLAG_OF(0, "show-prompt", &o->show_prompt,
                       "print the request of the first document and stop"),
        DA_OPT_FLAG_OF(0, "dry-run", &o->dry_run,
                       "print what asking would cost, from exact counts, and stop"),
        DA_OPT_STR_OF(0, "assume", &o->assume, "docs=N,prompt=P,cached=C,completion=K",
                      "print what such requests would cost and stop"),
        DA_OPT_FLAG_OF(0, "retry-failed", &o->retry_failed,
                       "ask again what an earlier run failed at"),
        DA_OPT_FLAG_OF(0, "reparse", &o->reparse,
                       "read the stored replies of failed documents again"),
        DA_OPT_STR_OF(0, "status", &o->status, "LEDGER",
                      "print what a ledger holds and stop; also while a run uses it"),
        DA_OPT_GROUP_OF("Batches: at half the price, within a day"),
        {.kind = DA_OPT_CHOICE,
         .long_name = "batch",
         .dest = &o->batch_action,
         .arg = DA_BATCH_ACTIONS,
         .seen = &o->seen_batch,
         .help = "send what is to be asked; look how it is;\ntake what came back; stop"},
        DA_OPT_INT_OF(0, "batch-tokens", &o->batch_tokens, 1, INT64_MAX, "N",
                      "tokens the account may have enqueued (2000000)"),
        DA_OPT_INT_OF(0, "batch-requests", &o->batch_requests, 1, DA_BATCH_MAX_REQUESTS, "N",
                      "requests in a batch (50000)"),
        DA_OPT_GROUP_OF("Quality checks"),
        DA_OPT_INT_OF(0, "min-summary-words", &o->checks.min_summary_words, 0, MOST_WORDS, "N",
                      "shortest summary (3)"),
        DA_OPT_INT_OF(0, "max-summary-words", &o->checks.max_summary_words, 1, MOST_WORDS, "N",
                      "longest summary (250)"),
        DA_OPT_INT_OF(0, "min-answer-words", &o->checks.min_answer_words, 0, MOST_WORDS, "N",
                      "shortest answer (1)"),
        DA_OPT_INT_OF(0, "max-answer-words", &o->checks.max_answer_words, 1, MOST_WORDS, "N",
                      "longest answer (150)"),
        DA_OPT_DOUBLE_OF(0, "max-question-overlap", &c->max_question_overlap, 0, 1, "X",
                         "of the two most alike questions (0.85)"),
        DA_OPT_DOUBLE_OF(0, "min-numbers", &c->min_numbers, 0, 1, "X",
                         "share of the numbers that stand in the document (1)"),
        DA_OPT_DOUBLE_OF(0, "min-names", &c->min_names, 0, 1, "X",
                         "share of the names that stand in the document (0.6)"),
        DA_OPT_DOUBLE_OF(0, "min-support", &c->min_support, 0, 1, "X",
                         "share of the answer's words that one place supports (0.3)"),
        DA_OPT_STR_OF(0, "sts", &o->checks.sts, "MODEL",
                      "compare answer and document by this model of sentence\nembeddings (GGUF)"),
        DA_OPT_DOUBLE_OF(0, "min-sts", &c->min_sts, 0, 1, "X",
                         "similarity of the answer's sentences to the document's (0.35)"),
        DA_OPT_FLAG_OF(0, "round-trip", &o->round_trip,
                       "ask every question again and compare the answers"),
        DA_OPT_DOUBLE_OF(0, "min-round-trip", &c->min_round_trip, 0, 1, "X",
                         "how far they must agree (token F1; 0.4)"),
    };
    _Static_assert(DA_ARRAY_LEN(own) <= MAX_OWN, "MAX_OWN is too small");
    memcpy(rows, own, sizeof own);
    const size_t n = DA_ARRAY_LEN(own) + da_api_cli_options(&o->api, rows + DA_ARRAY_LEN(own));
    rows[n] = (struct da_opt)DA_OPT_END;
}

/* --- --status ----------------------------------------------------------------------- */

static void print_cause(void *ctx, const char *cause, uint64_t n)
{
    (void)ctx;
    printf("  %-22s %llu\n", cause, (ull)n);
}

static double percent(int64_t part, int64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_totals(const struct da_ledger_totals *t)
{
    double span_s = (double)(t->last_ms - t->first_ms) / 1000;
    printf("requests  %llu: %llu done, %llu failed, %llu open\n", (ull)t->n_requests,
           (ull)t->n_done, (ull)t->n_failed, (ull)t->n_open);
    printf("tries     %llu: %llu replies, %llu errors, %llu lost, %llu not sent,"
           " %llu in flight\n",
           (ull)t->n_tries, (ull)t->n_replies, (ull)t->n_errors, (ull)t->n_lost, (ull)t->n_unsent,
           (ull)t->n_unknown);
    printf("tokens    %lld prompt (%.1f %% cached), %lld completion\n", (long long)t->prompt_tokens,
           percent(t->cached_tokens, t->prompt_tokens), (long long)t->completion_tokens);
    printf("cost      $%.4f", da_usd(t->cost_pusd));
    if (t->estimated_pusd)
        printf(", of it $%.4f estimated (replies that were lost)", da_usd(t->estimated_pusd));
    printf("\nrate      %llu replies in the last minute of the run", (ull)t->n_recent);
    if (span_s > 0)
        printf(", %.2f a second over all", (double)t->n_replies / span_s);
    printf("\n");
    if (t->n_recent && t->n_open)
        printf("left      about %.0f s for the %llu open requests\n",
               (double)t->n_open * 60 / (double)t->n_recent, (ull)t->n_open);
}

static int show_status(const char *path)
{
    struct da_ledger *l = NULL;
    struct da_ledger_totals t;
    struct da_err err;
    enum da_rc rc = da_ledger_open_readonly(&l, path, &err);
    if (!rc)
        rc = da_ledger_totals(l, &t, &err);
    if (!rc) {
        print_totals(&t);
        if (t.n_failed)
            printf("failed by cause\n");
        rc = da_ledger_causes(l, print_cause, NULL, &err);
    }
    da_ledger_close(l);
    return rc ? da_cli_fail(&err) : DA_EXIT_OK;
}

/* --- --show-prompt ------------------------------------------------------------------- */

static enum da_rc show_prompt(struct da_backend *b, const char *input, struct da_err *err)
{
    struct da_ann_source *s = NULL;
    struct da_ann_doc doc;
    struct da_buf body;
    da_buf_init(&body, 0);
    enum da_rc rc = da_ann_source_open(&s, input, err);
    if (!rc)
        rc = da_ann_source_next(s, &doc, err);
    if (!rc && doc.line.len == 0)
        rc = da_fail(err, DA_EFORMAT, "'%s' holds no documents", input);
    if (!rc)
        rc = da_backend_api_show(b, &doc, &body, err);
    if (!rc)
        printf("%s\n", body.p);
    da_buf_release(&body);
    da_ann_source_close(s);
    return rc;
}

static struct da_asker_opts asker_options(const struct options *o)
{
    return (struct da_asker_opts){.model = o->api.model,
                                  .prompts_dir = o->prompts,
                                  .temperature = o->api.temperature,
                                  .top_p = o->api.top_p,
                                  .seed = o->api.seed,
                                  .max_tokens = (int)o->api.max_tokens,
                                  .concurrency = (unsigned)o->api.concurrency,
                                  .round_trip = o->round_trip};
}

/* --- --dry-run, --assume -------------------------------------------------------------- */

static enum da_rc show_assumed(struct options *o, struct da_err *err)
{
    struct da_cost_case c;
    enum da_rc rc = da_cost_parse(o->assume, &c, err);
    if (!rc)
        rc = da_api_cli_resolve(&o->api, err);
    if (!rc)
        da_cost_print(&c, &o->api);
    return rc;
}

static void print_estimate(const struct da_estimate *e, const struct da_api_cli *api)
{
    double n = e->n_requests ? (double)e->n_requests : 1;
    struct da_cost_case c = {(double)e->n_requests, e->prompt_tokens / n, e->cached_tokens / n,
                             e->completion_tokens / n};
    printf("documents        %llu, %llu of them settled\n", (ull)e->n_documents, (ull)e->n_settled);
    da_cost_print(&c, api);
    printf("overhead         %.1f tokens a request, ", e->overhead);
    if (e->n_calibration)
        printf("measured on %llu answered documents\n", (ull)e->n_calibration);
    else
        printf("assumed\n");
    if (e->n_replies)
        printf("replies          as the newest %llu of the ledger\n", (ull)e->n_replies);
    else
        printf("replies          as in the SlimLM paper; annotate a few documents first for a "
               "closer look\n");
}

static enum da_rc dry_run(struct options *o, const char *input, struct da_err *err)
{
    struct da_asker *asker = NULL;
    struct da_ledger *ledger = NULL;
    struct da_ann_source *s = NULL;
    struct da_estimate e;
    struct da_asker_opts ao = asker_options(o);
    enum da_rc rc = da_api_cli_resolve(&o->api, err);
    if (!rc)
        rc = da_asker_new(&asker, &ao, err);
    if (!rc && o->api.ledger_path && da_io_exists(o->api.ledger_path))
        rc = da_ledger_open_readonly(&ledger, o->api.ledger_path, err);
    if (!rc)
        rc = da_ann_source_open(&s, input, err);
    if (!rc)
        rc = da_estimate_run(asker, ledger, s, &e, err);
    if (!rc)
        print_estimate(&e, &o->api);
    da_ann_source_close(s);
    da_ledger_close(ledger);
    da_asker_free(asker);
    return rc;
}

/* --- the run --------------------------------------------------------------------------- */

/* What records never hold: cached tokens and cost. */
static void log_stats(const struct da_annotate_stats *st, const struct da_client_stats *c)
{
    da_run_log_int("documents", (int64_t)st->n_documents);
    da_run_log_int("annotated", (int64_t)st->n_annotated);
    da_run_log_int("failed", (int64_t)st->n_failed);
    if (!c->n_sent)
        return;
    da_run_log_int("requests", (int64_t)c->n_sent);
    da_run_log_int("prompt_tokens", c->prompt_tokens);
    da_run_log_int("cached_tokens", c->cached_tokens);
    da_run_log_int("completion_tokens", c->completion_tokens);
    da_run_log_double("cost_usd", da_usd(c->cost_pusd));
}

static void report(const struct options *o, const struct da_backend *b,
                   const struct da_annotate_stats *st)
{
    struct da_client_stats c;
    struct da_log *log = da_cli_log();
    bool point = st->n_failed && o->errors;
    da_log_msg(log, DA_LOG_INFO, "annotated %llu of %llu documents, %llu failed%s%s%s",
               (ull)st->n_annotated, (ull)st->n_documents, (ull)st->n_failed,
               point ? " (see '" : "", point ? o->errors : "", point ? "')" : "");
    if (o->backend != BACKEND_API)
        return;
    da_backend_api_stats(b, &c);
    log_stats(st, &c);
    if (c.n_sent)
        da_log_msg(log, DA_LOG_INFO,
                   "asked %llu times: %lld prompt tokens (%.0f %% cached), %lld completion tokens, "
                   "$%.4f",
                   (ull)c.n_sent, (long long)c.prompt_tokens,
                   percent(c.cached_tokens, c.prompt_tokens), (long long)c.completion_tokens,
                   da_usd(c.cost_pusd));
}

static enum da_rc open_api(struct options *o, struct da_err *err)
{
    uint64_t n;
    enum da_rc rc = da_api_cli_open(&o->api, err);
    if (!rc && o->retry_failed)
        rc = da_ledger_reopen_failed(o->api.client.ledger, &n, err);
    return rc;
}

static enum da_rc make_api_backend(struct options *o, struct da_backend **b, struct da_err *err)
{
    enum da_rc rc = o->seen_batch ? DA_OK : da_api_cli_resolve(&o->api, err);
    if (!rc && !o->show_prompt && !o->seen_batch)
        rc = open_api(o, err);
    if (rc)
        return rc;
    struct da_backend_api_opts bo = {.client = o->api.client,
                                     .asker = asker_options(o),
                                     .answer_only = o->batch_complete,
                                     .reparse = o->reparse,
                                     .log = da_cli_log(),
                                     .stop = da_cli_catch_interrupt()};
    return da_backend_api_new(b, &bo, err);
}

static enum da_rc make_backend(struct options *o, struct da_backend **b, struct da_err *err)
{
    switch (o->backend) {
    case BACKEND_EXTRACTIVE: return da_backend_extractive_new(b, o->prompts, err);
    case BACKEND_WRITTEN: return da_backend_written_new(b, o->written, o->written_name, err);
    default: return make_api_backend(o, b, err);
    }
}

/* A model of sentence embeddings for --sts. */
struct sts {
    struct da_embedder *e;
    struct da_buf identity;
    struct da_checks_embedder for_checks;
};

static enum da_rc embed(void *ctx, const struct da_span *texts, size_t n, float *out,
                        struct da_err *err)
{
    return da_embed(ctx, texts, n, out, err);
}

static enum da_rc sts_open(struct sts *s, struct da_checks_opts *c, const char *path,
                           struct da_err *err)
{
    if (!path)
        return DA_OK;
    enum da_rc rc = da_embedder_open(&s->e, path, NULL, err);
    if (rc)
        return rc;
    const struct da_embedder_facts *f = da_embedder_facts(s->e);
    da_buf_addf(&s->identity, "%s %s %s %llu %u", f->name, f->arch, f->quant, (ull)f->file_bytes,
                (unsigned)f->max_tokens);
    s->for_checks = (struct da_checks_embedder){embed, s->e, da_embedder_dim(s->e), s->identity.p};
    c->embedder = &s->for_checks;
    return DA_OK;
}

static void sts_close(struct sts *s)
{
    da_embedder_close(s->e);
    da_buf_release(&s->identity);
}

/* In-context examples are the prompt's: no reply may repeat them. */
static enum da_rc make_checks(struct options *o, struct da_checks **ret, struct da_err *err)
{
    struct da_checks_opts *c = &o->checks.o;
    struct da_ask *ask = NULL;
    enum da_rc rc = da_ask_open(&ask, o->prompts, err);
    if (rc)
        return rc;
    c->min_summary_words = (unsigned)o->checks.min_summary_words;
    c->max_summary_words = (unsigned)o->checks.max_summary_words;
    c->min_answer_words = (unsigned)o->checks.min_answer_words;
    c->max_answer_words = (unsigned)o->checks.max_answer_words;
    if (o->backend == BACKEND_API)
        c->examples = da_ask_examples(ask);
    *ret = da_checks_new(c);
    da_ask_close(ask);
    return DA_OK;
}

static enum da_rc annotate_all(struct options *o, struct da_backend *b, const char *input,
                               struct da_annotate_stats *st, struct da_err *err)
{
    struct da_checks *checks = NULL;
    struct sts sts = {.e = NULL};
    da_buf_init(&sts.identity, 0);
    enum da_rc rc = sts_open(&sts, &o->checks.o, o->checks.sts, err);
    if (!rc)
        rc = make_checks(o, &checks, err);
    if (rc) {
        sts_close(&sts);
        return rc;
    }
    struct da_annotate_opts ao = {.input = input,
                                  .output = o->output,
                                  .errors = o->errors,
                                  .restart = o->restart,
                                  /* what people wrote is the truth: checked, but kept */
                                  .keep_failed = o->keep_failed || o->backend == BACKEND_WRITTEN,
                                  .check = da_checks_run,
                                  .check_ctx = checks,
                                  .check_identity = da_checks_identity(checks),
                                  .log = da_cli_log(),
                                  .stop = da_cli_catch_interrupt()};
    rc = da_annotate(b, &ao, st, err);
    if (!rc && o->report)
        rc = da_ann_report(o->output, o->errors, o->report, err);
    if (!rc)
        report(o, b, st);
    da_checks_free(checks);
    sts_close(&sts);
    return rc;
}

static enum da_rc run(struct options *o, const char *input, struct da_annotate_stats *st,
                      struct da_err *err)
{
    struct da_backend *b = NULL;
    enum da_rc rc = make_backend(o, &b, err);
    if (!rc && o->show_prompt) {
        rc = show_prompt(b, input, err);
    } else if (!rc) {
        rc = annotate_all(o, b, input, st, err);
    }
    da_backend_free(b);
    return rc;
}

static int choose_backend(struct options *o, const char *input)
{
    bool api = o->dry_run || o->assume || o->seen_batch || da_api_cli_is_wanted(&o->api);
    if (!o->seen_backend)
        o->backend = o->written ? BACKEND_WRITTEN : api ? BACKEND_API : BACKEND_EXTRACTIVE;
    if ((o->backend == BACKEND_WRITTEN) != (o->written != NULL))
        return da_opt_usage(&help, "--backend written and --written FILE go together");
    if (o->report && o->output && strcmp(o->output, "-") == 0)
        return da_opt_usage(&help, "--report needs annotations in a file, not on stdout");
    if (o->written_name && !o->written)
        return da_opt_usage(&help, "--written-name goes with --written FILE");
    if ((o->show_prompt || o->dry_run || o->assume || o->seen_batch) && o->backend != BACKEND_API)
        return da_opt_usage(&help, "only --backend api has a prompt, a price and batches");
    if (o->round_trip && o->backend != BACKEND_API)
        return da_opt_usage(&help, "--round-trip asks a model: it needs --backend api");
    if (o->seen_batch && strcmp(input, "-") == 0)
        return da_opt_usage(&help, "--batch needs a file that can be read again");
    return -1;
}

/* One step of the Batch API; when it was the last one, the output. */
static enum da_rc run_batch(struct options *o, const char *input, struct da_annotate_stats *st,
                            int *exit_code, struct da_err *err)
{
    struct da_annotate_batch bo = {.action = (enum da_batch_action)o->batch_action,
                                   .max_tokens = o->batch_tokens,
                                   .max_requests = o->batch_requests,
                                   .input = input,
                                   .asker = asker_options(o)};
    enum da_rc rc = da_api_cli_resolve(&o->api, err);
    if (!rc)
        rc = open_api(o, err);
    if (!rc)
        rc = da_annotate_batch(&bo, &o->api, exit_code, &o->batch_complete, err);
    if (!rc && o->batch_complete)
        rc = run(o, input, st, err);
    return rc;
}

/* OUTPUT.ledger, unless one was named. */
static int name_ledger(struct options *o, char **owned)
{
    struct da_buf s;
    bool asks = !o->show_prompt && !o->assume && o->backend == BACKEND_API;
    if (o->api.ledger_path || !asks || (o->dry_run && !o->output))
        return -1;
    if (strcmp(o->output, "-") == 0)
        return da_opt_usage(&help, "writing to stdout needs --ledger FILE");
    da_buf_init(&s, 0);
    da_buf_addf(&s, "%s.ledger", o->output);
    *owned = da_buf_take(&s, NULL);
    o->api.ledger_path = *owned;
    return -1;
}

int da_cmd_annotate(int argc, char **argv)
{
    struct options o;
    struct da_opt rows[MAX_OPTS];
    struct da_annotate_stats stats = {0};
    struct da_args args;
    struct da_err err = {DA_OK, ""};
    char *ledger_name = NULL;
    init_options(&o);
    fill_options(&o, rows);
    int code = da_opt_parse(&help, rows, argc, argv, &args);
    if (code >= 0)
        return code;
    if (o.status)
        return show_status(o.status);
    if (args.n != (o.assume ? 0 : 1))
        return da_opt_usage(&help, o.assume ? "--assume takes no file"
                                            : "one file of documents is needed");
    if (!o.output && !o.show_prompt && !o.dry_run && !o.assume)
        return da_opt_usage(&help, "--output FILE is needed");
    o.api.offline = o.dry_run || o.assume || o.show_prompt;
    code = choose_backend(&o, args.n ? args.argv[0] : "");
    if (code >= 0)
        return code;
    code = name_ledger(&o, &ledger_name);
    if (code >= 0)
        return code;
    code = DA_EXIT_OK;
    da_run_log_begin("annotate", o.output);
    enum da_rc rc = o.assume       ? show_assumed(&o, &err)
                    : o.dry_run    ? dry_run(&o, args.argv[0], &err)
                    : o.seen_batch ? run_batch(&o, args.argv[0], &stats, &code, &err)
                                   : run(&o, args.argv[0], &stats, &err);
    da_api_cli_close(&o.api);
    free(ledger_name);
    if (rc)
        return da_cli_fail(&err);
    return stats.n_failed ? DA_EXIT_PARTIAL : code;
}
