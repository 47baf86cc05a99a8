/* docassist eval: predictions against examples, score records and per-sample logs. */

#include <string.h>

#include "cli/command.h"
#include "cli/judge_opts.h"
#include "cli/opt.h"
#include "cli/score_out.h"
#include "cli/run_log.h"
#include "common/threads.h"
#include "eval/resample.h"
#include "eval/sts.h"

struct options {
    const char *output;
    struct da_eval_opts eval;
    int64_t n_bootstrap, seed, n_threads;
    const char *sts_model;
    int64_t sts_max_tokens;
    struct da_sts *sts;
    int bleu, rouge_tok, diversity;
    struct da_judge_cli judge;
};

enum { N_OWN = 16 };

static const struct da_cmd_help help = {
    "eval", "[options] [--] EXAMPLES PREDICTIONS...",
    "Scores predictions against the examples they answer: BLEU, ROUGE, diversity, exact match,\n"
    "token F1, intent accuracy, each with a 95 % interval. Predictions made by any program\n"
    "will do: JSON Lines with \"id\" and \"response\" (or \"raw\", the model's whole output).",
    "Writes one score record a line, one for each file of predictions, and beside them a\n"
    "log of every sample (FILE.samples.jsonl), from which leaderboard makes its tests."};

static void fill_options(struct options *o, struct da_opt rows[N_OWN + DA_JUDGE_CLI_N_OPTS + 1])
{
    const struct da_opt own[N_OWN] = {
        DA_OPT_GROUP_OF("Output"),
        DA_OPT_STR_OF('o', "output", &o->output, "FILE",
                      "write score records to FILE (default: standard output, no log)"),
        DA_OPT_STR_OF(0, "model", &o->eval.model, "NAME",
                      "name of the system (default: what the predictions say)"),
        DA_OPT_STR_OF(0, "note", &o->eval.note, "TEXT", "a remark that leaderboards show with it"),
        DA_OPT_GROUP_OF("Metrics"),
        DA_OPT_CHOICE_OF(0, "bleu", &o->bleu, "sacre|hf",
                         "which BLEU: sacrebleu's or Hugging Face evaluate's"),
        DA_OPT_FLAG_OF(0, "stem", &o->eval.stem, "stem the words of ROUGE (Porter)"),
        DA_OPT_CHOICE_OF(0, "rouge-tok", &o->rouge_tok, "ascii|unicode",
                         "words of ROUGE: rouge_score's (a-z, 0-9) or those of any script"),
        DA_OPT_CHOICE_OF(0, "diversity", &o->diversity, "sacre|nltk",
                         "which Self-BLEU: sacrebleu's or NLTK's (Texygen)"),
        DA_OPT_STR_OF(0, "sts", &o->sts_model, "MODEL",
                      "similarity of sentence embeddings, by this encoder (GGUF)"),
        DA_OPT_INT_OF(0, "sts-max-tokens", &o->sts_max_tokens, 3, 1 << 16, "N",
                      "cut texts for it at N tokens (as the model says)"),
        DA_OPT_FLAG_OF(0, "partial", &o->eval.partial,
                       "accept examples without a prediction; they are counted"),
        DA_OPT_GROUP_OF("Intervals"),
        DA_OPT_INT_OF(0, "bootstrap", &o->n_bootstrap, 0, 1000000, "N",
                      "resamples (default 1000; 0: no intervals)"),
        DA_OPT_INT_OF(0, "seed", &o->seed, 0, INT64_MAX, "N", "of the resampling (default 12345)"),
        DA_OPT_INT_OF(0, "threads", &o->n_threads, 0, DA_THREADS_MAX, "N",
                      "worker threads (default: all processors)"),
    };

    memcpy(rows, own, sizeof own);
    size_t n = N_OWN + da_judge_cli_options(&o->judge, rows + N_OWN);
    rows[n] = (struct da_opt)DA_OPT_END;
}

/* What the judge could not score is said, and is no 0. Returns whether all was scored. */
static bool report_judge(const char *path, const struct da_judge_stats *st)
{
    struct da_log *log = da_cli_log();

    if (st->client.n_sent)
        da_log_msg(log, DA_LOG_INFO, "%s: the judge was asked %llu times, $%.4f", path,
                   (unsigned long long)st->client.n_sent, da_usd(st->client.cost_pusd));
    if (st->n_unusable)
        da_log_msg(log, DA_LOG_WARN,
                   "%s: %llu of %llu replies of the judge hold no score; %zu of %zu samples have one",
                   path, (unsigned long long)st->n_unusable, (unsigned long long)st->n_replies,
                   st->n_scored, st->n_samples);
    return st->n_scored == st->n_samples;
}

static enum da_rc add_sts(const struct options *o, const char *path, struct da_samples *s,
                          struct da_err *err)
{
    struct da_log *log = da_cli_log();
    struct da_sts_stats st;

    if (!o->sts)
        return DA_OK;
    enum da_rc rc = da_sts_run(o->sts, s, &st, err);
    if (rc != DA_OK)
        return rc;
    if (st.n_cut)
        da_log_msg(log, DA_LOG_INFO, "%s: %llu texts were cut for STS", path,
                   (unsigned long long)st.n_cut);
    if (st.n_empty)
        da_log_msg(log, DA_LOG_WARN,
                   "%s: %zu of %zu answers are empty; STS compares what the encoder makes of nothing",
                   path, st.n_empty, st.n_samples);
    return DA_OK;
}

static enum da_rc score_file(const struct options *o, const struct da_dataset *d, const char *path,
                             int k, int n, struct da_buf *out, bool *complete, struct da_err *err)
{
    const struct da_record_opts r = {.n_bootstrap = (size_t)o->n_bootstrap,
                                     .seed = (uint64_t)o->seed,
                                     .n_threads = (unsigned)o->n_threads};
    struct da_judge_stats st;
    struct da_samples s;

    da_samples_init(&s);
    enum da_rc rc = da_evaluate(d, path, &o->eval, &s, err);
    if (rc == DA_OK)
        rc = add_sts(o, path, &s, err);
    if (rc == DA_OK && o->judge.judge) {
        rc = da_judge_run(o->judge.judge, d, &s, &st, err);
        if (rc == DA_OK && !report_judge(path, &st))
            *complete = false;
    }
    if (rc == DA_OK)
        rc = da_cli_add_score(&s, &r, o->output, n > 1 ? k + 1 : 0, out, err);
    if (rc == DA_OK && s.n < (size_t)s.dataset_n)
        da_log_msg(o->eval.log, DA_LOG_WARN, "%s: %zu of %lld examples have a prediction", path,
                   s.n, (long long)s.dataset_n);
    da_samples_release(&s);
    return rc;
}

static enum da_rc open_judge(struct options *o, struct da_err *err)
{
    if (!o->judge.wanted)
        return DA_OK;
    enum da_rc rc = da_judge_cli_open(&o->judge, o->output, err);
    if (rc != DA_OK)
        return rc;
    o->eval.geval_signature = da_judge_signature(o->judge.judge);
    for (unsigned t = 0; t < DA_N_TASKS; t++)
        if (da_judge_judges(o->judge.judge, (enum da_task)t))
            o->eval.geval_tasks |= 1u << t;
    return DA_OK;
}

static enum da_rc open_sts(struct options *o, struct da_err *err)
{
    const struct da_sts_opts so = {.max_tokens = (uint32_t)o->sts_max_tokens,
                                   .n_threads = (unsigned)o->n_threads};
    if (!o->sts_model)
        return DA_OK;
    enum da_rc rc = da_sts_open(&o->sts, o->sts_model, &so, err);
    if (rc == DA_OK)
        o->eval.sts_signature = da_sts_signature(o->sts);
    return rc;
}

static int run(struct options *o, const struct da_args *args)
{
    struct da_dataset *d = NULL;
    struct da_err err = {DA_OK, ""};
    struct da_buf out;
    bool complete = true;
    int n = args->n - 1;

    da_buf_init(&out, 0);
    enum da_rc rc = da_dataset_open(&d, args->argv[0], &err);
    if (rc == DA_OK)
        rc = open_sts(o, &err);
    if (rc == DA_OK)
        rc = open_judge(o, &err);
    for (int i = 0; i < n && rc == DA_OK; i++)
        rc = score_file(o, d, args->argv[i + 1], i, n, &out, &complete, &err);
    if (rc == DA_OK)
        rc = da_cli_write_scores(o->output, &out, &err);
    da_judge_cli_close(&o->judge);
    da_sts_close(o->sts);
    da_dataset_close(d);
    da_buf_release(&out);
    if (rc != DA_OK)
        return da_cli_fail(&err);
    return complete ? DA_EXIT_OK : DA_EXIT_PARTIAL;
}

int da_cmd_eval(int argc, char **argv)
{
    struct options o = {.output = "-", .n_bootstrap = 1000, .seed = DA_RESAMPLE_SEED};
    struct da_opt rows[N_OWN + DA_JUDGE_CLI_N_OPTS + 1];
    struct da_args args;

    da_judge_cli_init(&o.judge);
    fill_options(&o, rows);
    int rc = da_opt_parse(&help, rows, argc, argv, &args);
    if (rc >= 0)
        return rc;
    if (args.n < 2)
        return da_opt_usage(&help, "a file of examples and at least one of predictions are needed");
    o.eval.bleu = (enum da_eval_bleu)o.bleu;
    o.eval.rouge_tok = (enum da_rouge_tok)o.rouge_tok;
    o.eval.diversity = (enum da_self_bleu)o.diversity;
    o.eval.n_threads = (unsigned)o.n_threads;
    o.eval.log = da_cli_log();
    da_run_log_begin("eval", o.output);
    return run(&o, &args);
}
