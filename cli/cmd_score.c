/* docassist score: metrics of plain text files, as sacrebleu and rouge_score give them. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/opt.h"
#include "common/io.h"
#include "common/mem.h"
#include "common/threads.h"
#include "eval/diversity.h"
#include "eval/exact_sum.h"
#include "eval/resample.h"
#include "eval/system.h"

enum { FLUSH_BYTES = 1 << 16 };

static const struct da_cmd_help help = {
    "score", "[options] --hyp FILE --ref FILE [--ref FILE]...",
    "Scores plain text files, one segment a line: BLEU, chrF and TER as sacrebleu 2.6.0 computes\n"
    "them, ROUGE as rouge_score 0.1.2, exact match and token F1 as SQuAD, and more.",
    "With --paired-bs or --paired-ar the first --hyp is the baseline and the others are tested\n"
    "against it."};

struct options {
    struct da_opt_list hyps, refs, jsonls;
    const char *metrics;
    struct da_suite_opts suite;
    int tokenize, smooth, rouge_tok;
    int64_t max_order, chrf_char, chrf_word, chrf_beta;
    bool sentence_level, confidence, paired_bs, paired_ar, json, short_signature, hf_smooth;
    int64_t n_confidence, n_paired, seed, n_threads, width;
};

struct run {
    const struct options *o;
    struct da_suite suite;
    struct da_system *systems; /* [n] */
    size_t n;
    double **resampled; /* [metrics][n]: scores for the paired bootstrap */
    struct da_buf out;
    enum da_rc rc; /* of writing rows */
    struct da_err err;
};

static enum da_rc flush(struct da_buf *out, struct da_err *err)
{
    enum da_rc rc = da_io_write_all(1, out->p, out->len, "<stdout>", err);

    da_buf_reset(out);
    return rc;
}

/* --- one row a segment ------------------------------------------------------ */

static void print_row(void *ctx, const struct da_segment *seg, const double *row)
{
    struct run *r = ctx;
    const struct da_suite_extra x = {.sign = {.n_refs = (int)seg->n_refs},
                                     .short_signature = r->o->short_signature,
                                     .width = (unsigned)r->o->width};
    struct da_jw w;

    if (r->o->json) {
        da_jw_init(&w, &r->out);
        da_jw_object(&w);
        for (size_t i = 0; i < r->suite.n; i++)
            da_suite_json(&r->suite, i, row + r->suite.from[i], &x, &w);
        da_jw_end(&w);
        da_buf_add_char(&r->out, '\n');
    } else {
        for (size_t i = 0; i < r->suite.n; i++) {
            da_suite_line(&r->suite, i, row + r->suite.from[i], &x, &r->out);
            da_buf_add_char(&r->out, '\n');
        }
    }
    if (r->out.len > FLUSH_BYTES && r->rc == DA_OK)
        r->rc = flush(&r->out, &r->err);
}

/* --- resampling ------------------------------------------------------------- */

struct scoring {
    const struct da_suite *suite;
    size_t metric;
    bool single;
};

static double score_sum(const void *ctx, const double *sum)
{
    const struct scoring *s = ctx;
    return da_suite_score(s->suite, s->metric, sum, s->single);
}

static double *bootstrap(const struct run *r, const struct da_system *s, size_t metric, size_t n)
{
    const struct scoring ctx = {&r->suite, metric, true};
    const struct da_rows rows = da_system_rows(s, &r->suite, metric);
    double *scores = da_calloc(n, sizeof *scores);

    da_bootstrap(&rows, score_sum, &ctx, n, (uint64_t)r->o->seed, (unsigned)r->o->n_threads,
                 scores);
    return scores;
}

static void add_interval(const struct run *r, const struct da_system *s, size_t metric,
                         struct da_suite_extra *x)
{
    struct da_interval ci;
    double *scores = bootstrap(r, s, metric, (size_t)r->o->n_confidence);

    da_interval_of(scores, (size_t)r->o->n_confidence, &ci);
    x->has_ci = true;
    x->mean = ci.mean;
    x->half = ci.half;
    free(scores);
}

static double score_of(const struct run *r, const struct da_system *s, size_t metric)
{
    return da_suite_score(&r->suite, metric, s->sum + r->suite.from[metric], false);
}

/* Resampled scores of every system for one metric, from the same draws. */
static void resample_all(struct run *r, size_t metric)
{
    const struct scoring ctx = {&r->suite, metric, true};
    struct da_rows *rows = da_calloc(r->n, sizeof *rows);

    for (size_t k = 0; k < r->n; k++) {
        rows[k] = da_system_rows(&r->systems[k], &r->suite, metric);
        r->resampled[metric * r->n + k] = da_calloc((size_t)r->o->n_paired, sizeof(double));
    }
    da_bootstrap_many(rows, r->n, score_sum, &ctx, (size_t)r->o->n_paired, (uint64_t)r->o->seed,
                      (unsigned)r->o->n_threads, r->resampled + metric * r->n);
    free(rows);
}

/* The tool's paired test of system k against the first. */
static void add_test(const struct run *r, size_t k, size_t metric, struct da_suite_extra *x)
{
    const struct da_system *a = &r->systems[0], *b = &r->systems[k];
    size_t n = (size_t)r->o->n_paired;
    double diff = score_of(r, a, metric) - score_of(r, b, metric);
    struct da_interval ci;

    if (r->o->paired_bs) {
        const double *base = r->resampled[metric * r->n], *own = r->resampled[metric * r->n + k];
        double *sorted = da_memdup(own, n * sizeof *own);
        x->has_p = k > 0;
        x->p = da_paired_bs_p(base, own, n, diff);
        da_interval_of(sorted, n, &ci);
        x->has_ci = true;
        x->mean = da_numpy_mean(sorted, n);
        x->half = ci.half;
        free(sorted);
    } else if (k > 0) {
        const struct scoring ctx = {&r->suite, metric, false};
        const struct da_rows ra = da_system_rows(a, &r->suite, metric);
        const struct da_rows rb = da_system_rows(b, &r->suite, metric);
        double *one = da_calloc(n, sizeof *one), *two = da_calloc(n, sizeof *two);
        da_randomize(&ra, &rb, score_sum, &ctx, n, (uint64_t)r->o->seed,
                     (unsigned)r->o->n_threads, one, two);
        x->has_p = true;
        x->p = da_paired_ar_p(one, two, n, diff);
        free(one);
        free(two);
    }
}

static bool is_paired(const struct options *o)
{
    return o->paired_bs || o->paired_ar;
}

static void extras(const struct run *r, size_t k, size_t metric, struct da_suite_extra *x)
{
    const struct options *o = r->o;
    const struct da_system *s = &r->systems[k];

    *x = (struct da_suite_extra){.sign = {.n_refs = s->n_refs},
                                 .short_signature = o->short_signature,
                                 .width = (unsigned)o->width};
    if (is_paired(o)) {
        x->sign.n_bootstrap = o->paired_bs ? (unsigned)o->n_paired : 0;
        x->sign.n_ar = o->paired_ar ? (unsigned)o->n_paired : 0;
        x->sign.seed = (uint64_t)o->seed;
        x->sign.has_seed = true;
        add_test(r, k, metric, x);
    } else if (o->confidence) {
        x->sign.n_bootstrap = (unsigned)o->n_confidence;
        x->sign.seed = (uint64_t)o->seed;
        x->sign.has_seed = true;
        add_interval(r, s, metric, x);
    }
}

/* --- the result ------------------------------------------------------------- */

static const char *system_name(const struct options *o, size_t k)
{
    return o->hyps.n ? o->hyps.items[k] : o->jsonls.items[k];
}

static void print_system(struct run *r, size_t k, struct da_jw *w)
{
    const struct da_system *s = &r->systems[k];
    struct da_suite_extra x;
    struct da_work work;

    da_work_init(&work);
    for (size_t i = 0; i < r->suite.n; i++) {
        enum da_suite_kind kind = r->suite.kinds[i];
        const double *sum = s->sum + r->suite.from[i];
        if (da_suite_is_whole(kind)) {
            if (r->o->json)
                da_suite_whole_json(kind, &work, s->texts, s->n, w);
            else
                da_suite_whole_line(kind, &work, s->texts, s->n, (unsigned)r->o->width, &r->out);
        } else {
            extras(r, k, i, &x);
            if (r->o->json)
                da_suite_json(&r->suite, i, sum, &x, w);
            else
                da_suite_line(&r->suite, i, sum, &x, &r->out);
        }
        if (!r->o->json)
            da_buf_add_char(&r->out, '\n');
    }
    da_work_release(&work);
}

static void print_json(struct run *r)
{
    struct da_jw w;

    da_jw_init(&w, &r->out);
    da_jw_object(&w);
    if (r->n == 1) {
        print_system(r, 0, &w);
    } else {
        da_jw_key(&w, "systems");
        da_jw_array(&w);
        for (size_t k = 0; k < r->n; k++) {
            da_jw_object(&w);
            da_jw_kcstr(&w, "system", system_name(r->o, k));
            print_system(r, k, &w);
            da_jw_end(&w);
        }
        da_jw_end(&w);
    }
    da_jw_end(&w);
    da_buf_add_char(&r->out, '\n');
}

static void print_lines(struct run *r)
{
    for (size_t k = 0; k < r->n; k++) {
        if (r->n > 1)
            da_buf_addf(&r->out, "%s%s\n", system_name(r->o, k), k ? "" : " (baseline)");
        print_system(r, k, NULL);
    }
}

static void warn(const struct run *r, size_t k)
{
    const struct da_system *s = &r->systems[k];
    const char *name = system_name(r->o, k);
    const struct da_bleu_opts *b = &r->suite.opts.bleu;

    if (s->n_empty)
        da_log_msg(da_cli_log(), DA_LOG_WARN, "%s: %llu of %zu hypotheses are empty", name,
                   (unsigned long long)s->n_empty, s->n);
    if (s->n_lost)
        da_log_msg(da_cli_log(), DA_LOG_WARN,
                   "%s: %llu of %zu segments hold text in which ROUGE finds no token%s", name,
                   (unsigned long long)s->n_lost, s->n,
                   r->o->rouge_tok ? "" : " (--rouge-tok unicode knows all scripts)");
    for (size_t i = 0; i < r->suite.n; i++)
        if (r->suite.kinds[i] == DA_SUITE_BLEU && !b->effective_order &&
            s->sum[r->suite.from[i] + 2 + 2 * b->max_order - 1] == 0)
            da_log_msg(da_cli_log(), DA_LOG_WARN,
                       "%s: no hypothesis has %u tokens, so BLEU is 0 (--effective-order)", name,
                       b->max_order);
}

static enum da_rc read_systems(struct run *r, struct da_err *err)
{
    const struct options *o = r->o;
    struct da_system_opts so = {.keep_rows = o->confidence || is_paired(o),
                                .n_threads = (unsigned)o->n_threads};

    if (o->sentence_level) {
        so.on_row = print_row;
        so.ctx = r;
    }
    for (size_t i = 0; i < r->suite.n; i++)
        so.keep_texts = so.keep_texts || da_suite_is_whole(r->suite.kinds[i]);
    size_t n = o->hyps.n ? o->hyps.n : o->jsonls.n;
    r->systems = da_calloc(n, sizeof *r->systems);
    for (size_t k = 0; k < n; k++) {
        const struct da_segment_files f = {
            o->hyps.n ? o->hyps.items[k] : NULL, o->refs.items, o->refs.n,
            o->hyps.n ? NULL : o->jsonls.items[k]};
        enum da_rc rc = da_system_read(&r->systems[k], &r->suite, &f, &so, err);
        if (rc != DA_OK)
            return rc;
        r->n = k + 1;
        if (r->systems[k].n != r->systems[0].n)
            return da_fail(err, DA_EMISMATCH, "%s has %zu segments, but %s has %zu",
                           system_name(o, 0), r->systems[0].n, system_name(o, k),
                           r->systems[k].n);
        if (!o->sentence_level)
            warn(r, k);
    }
    return DA_OK;
}

static int run(const struct options *o)
{
    struct run r = {.o = o};
    struct da_err err = {DA_OK, ""};

    da_buf_init(&r.out, 0);
    enum da_rc rc = da_suite_init(&r.suite, o->metrics, &o->suite, &err);
    for (size_t i = 0; i < r.suite.n && rc == DA_OK; i++)
        if (da_suite_is_whole(r.suite.kinds[i]) && o->sentence_level)
            rc = da_fail(&err, DA_EUSAGE, "%s is a property of a whole file: it has no "
                         "--sentence-level", da_suite_name(r.suite.kinds[i]));
    if (rc == DA_OK)
        rc = read_systems(&r, &err);
    if (rc == DA_OK && o->paired_bs) {
        r.resampled = da_calloc(r.suite.n * r.n, sizeof *r.resampled);
        for (size_t i = 0; i < r.suite.n; i++)
            if (!da_suite_is_whole(r.suite.kinds[i]))
                resample_all(&r, i);
    }
    if (rc == DA_OK && !o->sentence_level) {
        if (o->json)
            print_json(&r);
        else
            print_lines(&r);
    }
    if (rc == DA_OK && r.rc != DA_OK) {
        rc = r.rc;
        err = r.err;
    }
    if (rc == DA_OK)
        rc = flush(&r.out, &err);
    for (size_t i = 0; r.resampled && i < r.suite.n * r.n; i++)
        free(r.resampled[i]);
    free(r.resampled);
    for (size_t k = 0; k < r.n; k++)
        da_system_release(&r.systems[k]);
    free(r.systems);
    da_buf_release(&r.out);
    return rc == DA_OK ? DA_EXIT_OK : da_cli_fail(&err);
}

/* What cannot be told from single options. Returns -1 when all is well. */
static int check_usage(struct options *o)
{
    bool files = o->hyps.n > 0 || o->refs.n > 0;
    size_t n_systems = o->hyps.n ? o->hyps.n : o->jsonls.n;

    if (files && o->jsonls.n)
        return da_opt_usage(&help, "--jsonl goes without --hyp and --ref");
    if (n_systems == 0 || (o->hyps.n && o->refs.n == 0))
        return da_opt_usage(&help, "--hyp and --ref, or --jsonl, are needed");
    if (o->refs.n > DA_SEGMENTS_MAX_REFS)
        return da_opt_usage(&help, "more than %d references", DA_SEGMENTS_MAX_REFS);
    if (o->paired_bs && o->paired_ar)
        return da_opt_usage(&help, "--paired-bs and --paired-ar exclude each other");
    if (is_paired(o) != (n_systems > 1))
        return da_opt_usage(&help, is_paired(o) ? "a paired test needs two or more systems"
                                                : "several systems need --paired-bs or "
                                                  "--paired-ar");
    if (o->sentence_level && (o->confidence || is_paired(o)))
        return da_opt_usage(&help, "single segments have no intervals and no tests");
    if (o->n_paired == 0)
        o->n_paired = o->paired_ar ? 10000 : 1000; /* the tool's defaults */
    return -1;
}

static void take_options(struct options *o)
{
    o->suite.bleu.tokenize = (enum da_bleu_tok)o->tokenize;
    o->suite.bleu.smooth = (enum da_bleu_smooth)o->smooth;
    o->suite.bleu.max_order = (unsigned)o->max_order;
    o->suite.bleu_hf = (struct da_bleu_hf_opts){(unsigned)o->max_order, o->hf_smooth};
    o->suite.bleu.effective_order = o->suite.bleu.effective_order || o->sentence_level;
    o->suite.chrf.char_order = (unsigned)o->chrf_char;
    o->suite.chrf.word_order = (unsigned)o->chrf_word;
    o->suite.chrf.beta = (unsigned)o->chrf_beta;
    o->suite.rouge_tok = (enum da_rouge_tok)o->rouge_tok;
}

int da_cmd_score(int argc, char **argv)
{
    struct options o = {.metrics = "bleu", .max_order = 4, .chrf_char = 6, .chrf_beta = 2,
                        .n_confidence = 1000, .seed = DA_RESAMPLE_SEED, .width = 2};
    struct da_bleu_opts *b = &o.suite.bleu;
    struct da_chrf_opts *c = &o.suite.chrf;
    struct da_tercom_opts *t = &o.suite.ter;
    const struct da_opt opts[] = {
        DA_OPT_GROUP_OF("Input"),
        DA_OPT_LIST_OF(0, "hyp", &o.hyps, "FILE", "hypotheses, one a line ('-': standard input)"),
        DA_OPT_LIST_OF(0, "ref", &o.refs, "FILE", "references, one a line; repeat for several"),
        DA_OPT_LIST_OF(0, "jsonl", &o.jsonls, "FILE",
                       "rows {\"hyp\":..,\"refs\":[..]} instead; null is a missing reference"),
        DA_OPT_GROUP_OF("Metrics"),
        DA_OPT_STR_OF('m', "metrics", &o.metrics, "LIST",
                      "of bleu,bleu_hf,chrf,chrf++,ter,rouge1,rouge2,rougeL,rougeLsum,\n"
                      "selfbleu,distinct,em,f1,contains (default: bleu)"),
        DA_OPT_CHOICE_OF(0, "tokenize", &o.tokenize, "13a|intl|zh|char|none", "words of BLEU"),
        DA_OPT_CHOICE_OF(0, "smooth", &o.smooth, "exp|floor|add-k|none", "smoothing of BLEU"),
        {.kind = DA_OPT_DOUBLE, .long_name = "smooth-value", .dest = &b->smooth_value,
         .arg = "X", .help = "for floor (0.1) and add-k (1)", .dmin = 0, .dmax = 1e6,
         .seen = &b->has_smooth_value},
        DA_OPT_INT_OF(0, "max-order", &o.max_order, 1, DA_BLEU_MAX_ORDER, "N",
                      "longest n-grams of BLEU (default 4)"),
        DA_OPT_FLAG_OF(0, "effective-order", &b->effective_order,
                       "count only orders that the hypotheses are long enough for"),
        DA_OPT_FLAG_OF(0, "lowercase", &b->lowercase, "ignore case in BLEU"),
        DA_OPT_FLAG_OF(0, "bleu-hf-smooth", &o.hf_smooth, "add one at every order of bleu_hf"),
        DA_OPT_FLAG_OF(0, "stem", &o.suite.stem, "stem the words of ROUGE (Porter)"),
        DA_OPT_CHOICE_OF(0, "rouge-tok", &o.rouge_tok, "ascii|unicode",
                         "words of ROUGE: rouge_score's (a-z, 0-9) or those of any script"),
        DA_OPT_INT_OF(0, "chrf-char-order", &o.chrf_char, 1, DA_CHRF_MAX_CHAR_ORDER, "N",
                      "longest character n-grams (default 6)"),
        DA_OPT_INT_OF(0, "chrf-word-order", &o.chrf_word, 0, DA_CHRF_MAX_WORD_ORDER, "N",
                      "longest word n-grams of chrf (default 0; chrf++ has 2)"),
        DA_OPT_INT_OF(0, "chrf-beta", &o.chrf_beta, 0, 1000, "N",
                      "weight of recall (default 2)"),
        DA_OPT_FLAG_OF(0, "chrf-lowercase", &c->lowercase, "ignore case in chrF"),
        DA_OPT_FLAG_OF(0, "chrf-whitespace", &c->whitespace, "keep white space in chrF"),
        DA_OPT_FLAG_OF(0, "chrf-eps-smoothing", &c->eps_smoothing, "epsilon smoothing of chrF"),
        DA_OPT_FLAG_OF(0, "ter-case-sensitive", &t->case_sensitive, "respect case in TER"),
        DA_OPT_FLAG_OF(0, "ter-normalized", &t->normalized, "normalize punctuation in TER"),
        DA_OPT_FLAG_OF(0, "ter-no-punct", &t->no_punct, "remove punctuation in TER"),
        DA_OPT_FLAG_OF(0, "ter-asian-support", &t->asian_support,
                       "split Asian characters in TER"),
        DA_OPT_GROUP_OF("Statistics"),
        DA_OPT_FLAG_OF(0, "sentence-level", &o.sentence_level,
                       "one result a segment (BLEU with effective order)"),
        DA_OPT_FLAG_OF(0, "confidence", &o.confidence, "95 % intervals by bootstrap"),
        DA_OPT_INT_OF(0, "confidence-n", &o.n_confidence, 1, 1000000, "N",
                      "resamples (default 1000)"),
        DA_OPT_FLAG_OF(0, "paired-bs", &o.paired_bs, "paired bootstrap test"),
        DA_OPT_FLAG_OF(0, "paired-ar", &o.paired_ar, "paired approximate randomization test"),
        DA_OPT_INT_OF(0, "paired-n", &o.n_paired, 1, 1000000, "N",
                      "resamples (default 1000) or trials (10000)"),
        DA_OPT_INT_OF(0, "seed", &o.seed, 0, INT64_MAX, "N", "default 12345, as sacrebleu"),
        DA_OPT_INT_OF(0, "threads", &o.n_threads, 0, DA_THREADS_MAX, "N",
                      "worker threads (default: all processors)"),
        DA_OPT_GROUP_OF("Output"),
        DA_OPT_FLAG_OF(0, "json", &o.json, "one JSON object"),
        DA_OPT_FLAG_OF(0, "short", &o.short_signature, "short signatures"),
        DA_OPT_INT_OF('w', "width", &o.width, 0, 12, "N",
                      "decimals shown (default 2; ratios have two more)"),
        DA_OPT_END,
    };
    struct da_args args;

    da_bleu_defaults(b);
    int rc = da_opt_parse(&help, opts, argc, argv, &args);
    if (rc >= 0)
        return rc;
    if (args.n > 0)
        return da_opt_usage(&help, "'%s': files are given with --hyp and --ref", args.argv[0]);
    rc = check_usage(&o);
    if (rc >= 0)
        return rc;
    take_options(&o);
    return run(&o);
}
