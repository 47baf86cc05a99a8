/* Corpus scores, signatures and printed lines, tokenizers, stems, the other BLEU, Self-BLEU and
 * resampling against the reference tools (tests/golden/eval/README.md). */
#include <string.h>

#include "common/map.h"
#include "common/rng.h"
#include "eval/bleu.h"
#include "eval/bleu_hf.h"
#include "eval/chrf.h"
#include "eval/diversity.h"
#include "eval/exact_sum.h"
#include "eval/porter.h"
#include "eval/resample.h"
#include "eval/rouge.h"
#include "eval/ter.h"
#include "tests/golden.h"
#include "text/ulower.h"

#define DIR "tests/golden/eval/"
#define REL 1e-12

enum { MAX_REFS = 8, MAX_STATS = 64, N_METRICS = 3 };

static struct da_work work;
static struct golden segs, corpora;
static struct da_map seg_of; /* id -> row of segs */

/* --- corpora ---------------------------------------------------------------- */

struct seg {
    struct da_span refs[MAX_REFS];
    struct da_segment s;
};

struct corpus {
    struct seg *segs; /* [n] */
    size_t n;
    int n_refs;
};

static void corpus_of(const struct da_json *row, struct corpus *c)
{
    const struct da_json *ids = da_json_get(row, "ids"), *id, *ref;
    struct da_span refs = golden_str(row, "refs");
    size_t most = da_span_is(refs, "first") ? 1 : da_span_is(refs, "first2") ? 2 : MAX_REFS;

    *c = (struct corpus){.segs = da_calloc(da_json_len(ids), sizeof *c->segs)};
    for (id = da_json_first(ids); id; id = da_json_next(id)) {
        struct da_span key = golden_str(id, NULL);
        const struct da_json *j = segs.rows[*da_map_get(&seg_of, key.p, key.len)];
        struct seg *s = &c->segs[c->n++];
        s->s = (struct da_segment){.hyp = golden_str(j, "hyp"), .refs = s->refs};
        for (ref = da_json_first(da_json_get(j, "refs")); ref && s->s.n_refs < most;
             ref = da_json_next(ref))
            s->refs[s->s.n_refs++] = golden_str(ref, NULL);
        if (c->n == 1)
            c->n_refs = (int)s->s.n_refs;
        else if (c->n_refs != (int)s->s.n_refs)
            c->n_refs = DA_NREFS_VARIABLE;
    }
}

struct texts {
    struct tally *t;
    const char *where;
    struct da_buf buf;
};

static void check_text(struct texts *x, const struct da_json *want, const char *key)
{
    if (da_json_get(want, key))
        tally_text(x->t, da_span(x->buf.p, x->buf.len), golden_str(want, key), x->where);
    da_buf_reset(&x->buf);
}

static bool parse_bleu_key(const char *key, struct da_bleu_opts *o)
{
    static const char *const smooth[] = {"exp", "floor", "add-k", "none"};
    char tok[16], how[16];

    da_bleu_defaults(o);
    if (strcmp(key, "bleu|lc") == 0)
        return o->lowercase = true;
    if (strcmp(key, "bleu|eff") == 0)
        return o->effective_order = true;
    if (strncmp(key, "bleu|order", 10) == 0) {
        o->max_order = (unsigned)(key[10] - '0');
        return true;
    }
    if (strcmp(key, "bleu|floor0.5") == 0 || strcmp(key, "bleu|addk0.25") == 0) {
        o->smooth = key[5] == 'f' ? DA_BLEU_SMOOTH_FLOOR : DA_BLEU_SMOOTH_ADD_K;
        o->has_smooth_value = true;
        o->smooth_value = key[5] == 'f' ? 0.5 : 0.25;
        return true;
    }
    const char *bar = strchr(key + 5, '|');
    if (!bar)
        return false;
    (void)snprintf(tok, sizeof tok, "%.*s", (int)(bar - key - 5), key + 5);
    (void)snprintf(how, sizeof how, "%s", bar + 1);
    for (int t = 0; t <= DA_BLEU_TOK_NONE; t++)
        if (strcmp(da_bleu_tok_name((enum da_bleu_tok)t), tok) == 0)
            o->tokenize = (enum da_bleu_tok)t;
    for (int s = 0; s <= DA_BLEU_SMOOTH_NONE; s++)
        if (strcmp(smooth[s], how) == 0)
            o->smooth = (enum da_bleu_smooth)s;
    return true;
}

static void check_array(struct tally *t, const struct da_json *want, const double *got,
                        double rel, const char *where)
{
    size_t i = 0;
    for (const struct da_json *j = da_json_first(want); j; j = da_json_next(j), i++)
        tally_num(t, got[i], golden_num(j, NULL), rel, where);
}

static void check_bleu(const struct corpus *c, const char *key, const struct da_json *want,
                       struct tally *num, struct texts *x)
{
    const struct da_sign sign = {.n_refs = c->n_refs};
    double sum[MAX_STATS] = {0}, row[MAX_STATS];
    struct da_bleu_opts o;
    struct da_bleu_score b;

    if (!parse_bleu_key(key, &o)) {
        (void)tap_ok(false, "%s is understood", key);
        return;
    }
    for (size_t i = 0; i < c->n; i++) {
        da_bleu_segment(&o, &work, &c->segs[i].s, row);
        for (size_t k = 0; k < da_bleu_n_stats(&o); k++)
            sum[k] += row[k];
    }
    da_bleu_score(&o, sum, &b);
    tally_num(num, b.score, golden_num(want, "score"), REL, key);
    tally_num(num, b.bp, golden_num(want, "bp"), REL, key);
    tally_num(num, b.sys_len, golden_num(want, "sys_len"), 0, key);
    tally_num(num, b.ref_len, golden_num(want, "ref_len"), 0, key);
    check_array(num, da_json_get(want, "counts"), b.counts, 0, key);
    check_array(num, da_json_get(want, "totals"), b.totals, 0, key);
    check_array(num, da_json_get(want, "precisions"), b.precisions, REL, key);
    x->where = key;
    da_bleu_signature(&o, &sign, false, &x->buf);
    check_text(x, want, "sig");
    da_bleu_signature(&o, &sign, true, &x->buf);
    check_text(x, want, "short");
    da_buf_add_str(&x->buf, "BLEU|");
    da_bleu_signature(&o, &sign, false, &x->buf);
    da_buf_addf(&x->buf, " = %.2f ", b.score);
    da_bleu_verbose(&o, &b, &x->buf);
    check_text(x, want, "text");
}

static void check_chrf(const struct corpus *c, const char *key, const struct da_json *want,
                       struct tally *num, struct texts *x)
{
    const struct da_sign sign = {.n_refs = c->n_refs};
    double sum[MAX_STATS] = {0}, row[MAX_STATS];
    struct da_chrf_opts o;

    da_chrf_defaults(&o);
    o.word_order = strcmp(key, "chrfpp") == 0 ? 2 : strcmp(key, "chrfp_b1") == 0 ? 1 : 0;
    o.beta = strcmp(key, "chrfp_b1") == 0 ? 1 : 2;
    o.eps_smoothing = strcmp(key, "chrf_eps") == 0;
    for (size_t i = 0; i < c->n; i++) {
        da_chrf_segment(&o, &work, &c->segs[i].s, row);
        for (size_t k = 0; k < da_chrf_n_stats(&o); k++)
            sum[k] += row[k];
    }
    double score = da_chrf_score(&o, sum, false);
    tally_num(num, score, golden_num(want, "score"), REL, key);
    x->where = key;
    da_chrf_name(&o, &x->buf);
    check_text(x, want, "name");
    da_chrf_signature(&o, &sign, false, &x->buf);
    check_text(x, want, "sig");
    da_chrf_signature(&o, &sign, true, &x->buf);
    check_text(x, want, "short");
    da_chrf_name(&o, &x->buf);
    da_buf_add_char(&x->buf, '|');
    da_chrf_signature(&o, &sign, false, &x->buf);
    da_buf_addf(&x->buf, " = %.2f", score);
    check_text(x, want, "text");
}

static void check_ter(const struct corpus *c, const char *key, const struct da_json *want,
                      struct tally *num, struct texts *x)
{
    const struct da_sign sign = {.n_refs = c->n_refs};
    bool asian = strcmp(key, "ter_asian") == 0;
    struct da_tercom_opts o = {.normalized = asian || strcmp(key, "ter_norm") == 0,
                               .asian_support = asian, .no_punct = asian, .case_sensitive = asian};
    double sum[DA_TER_N_STATS] = {0}, row[DA_TER_N_STATS];

    for (size_t i = 0; i < c->n; i++) {
        da_ter_segment(&o, &work, &c->segs[i].s, row);
        sum[0] += row[0];
        sum[1] += row[1];
    }
    double score = da_ter_score(sum, false);
    tally_num(num, score, golden_num(want, "score"), REL, key);
    x->where = key;
    da_ter_signature(&o, &sign, false, &x->buf);
    check_text(x, want, "sig");
    da_ter_signature(&o, &sign, true, &x->buf);
    check_text(x, want, "short");
    da_buf_add_str(&x->buf, "TER|");
    da_ter_signature(&o, &sign, false, &x->buf);
    da_buf_addf(&x->buf, " = %.2f", score);
    check_text(x, want, "text");
}

static void check_rouge_mean(const struct corpus *c, bool stem, const struct da_json *want,
                             struct tally *num)
{
    struct da_rouge_opts o = {.stem = stem, .types = 15};
    double *v = da_calloc(c->n * 12, sizeof *v);

    for (size_t i = 0; i < c->n; i++) {
        struct da_rouge_score s[DA_ROUGE_N_TYPES];
        (void)da_rouge_segment(&o, &work, &c->segs[i].s, s);
        for (size_t t = 0; t < DA_ROUGE_N_TYPES; t++) {
            v[(3 * t + 0) * c->n + i] = s[t].precision;
            v[(3 * t + 1) * c->n + i] = s[t].recall;
            v[(3 * t + 2) * c->n + i] = s[t].fmeasure;
        }
    }
    for (size_t t = 0; t < DA_ROUGE_N_TYPES; t++) {
        const char *name = da_rouge_name((enum da_rouge_type)t);
        double mean[3];
        for (size_t k = 0; k < 3; k++)
            mean[k] = da_exact_sum(v + (3 * t + k) * c->n, c->n) / (double)c->n;
        check_array(num, da_json_get(want, name), mean, REL, name);
    }
    free(v);
}

static void test_corpora(void)
{
    struct tally bleu = {.name = "bleu"}, chrf = {.name = "chrf"}, ter = {.name = "ter"};
    struct tally rouge = {.name = "rouge"}, text = {.name = "signatures and lines"};
    struct texts x = {.t = &text};

    da_buf_init(&x.buf, 0);
    for (size_t i = 0; i < corpora.n; i++) {
        struct corpus c;
        const struct da_json *e = da_json_first(da_json_get(corpora.rows[i], "expect"));
        corpus_of(corpora.rows[i], &c);
        for (; e; e = da_json_next(e)) {
            const char *key = da_json_key(e);
            if (strncmp(key, "bleu", 4) == 0)
                check_bleu(&c, key, e, &bleu, &x);
            else if (strncmp(key, "chrf", 4) == 0)
                check_chrf(&c, key, e, &chrf, &x);
            else if (strncmp(key, "ter", 3) == 0)
                check_ter(&c, key, e, &ter, &x);
            else
                check_rouge_mean(&c, strcmp(key, "rouge_mean_stem") == 0, e, &rouge);
        }
        free(c.segs);
    }
    da_buf_release(&x.buf);
    tally_done(&bleu, 3000);
    tally_done(&chrf, 4 * 13);
    tally_done(&ter, 3 * 13);
    tally_done(&rouge, 240);
    tally_done(&text, 13 * 30);
}

/* --- tokens, lower case, stems ---------------------------------------------- */

static void check_tokens(struct tally *t, const struct da_json *want, const struct da_span *got,
                         size_t n, const char *where)
{
    tally_num(t, (double)n, (double)da_json_len(want), 0, where);
    const struct da_json *j = da_json_first(want);
    for (size_t i = 0; i < n && j; i++, j = da_json_next(j))
        tally_text(t, got[i], golden_str(j, NULL), where);
}

static void rouge_tokens(struct tally *t, const struct da_json *row, const char *key)
{
    struct da_rouge_opts o = {.stem = strcmp(key, "rouge_stem") == 0};
    const struct da_json *j = da_json_first(da_json_get(row, key));

    da_rouge_tokenize(&o, &work, golden_str(row, "text"), &work.hyp, &work.hyp_ends);
    tally_num(t, (double)work.hyp.n, (double)da_json_len(da_json_get(row, key)), 0, key);
    for (size_t i = 0; i < work.hyp.n && j; i++, j = da_json_next(j))
        tally_text(t, da_wordnum_word(&work.stems, work.hyp.id[i]), golden_str(j, NULL), key);
}

static void test_tokenize(void)
{
    static const struct {
        const char *key;
        struct da_tercom_opts o;
    } tercom[] = {
        {"tercom", {0}},
        {"tercom_norm", {.normalized = true}},
        {"tercom_asian", {.normalized = true, .asian_support = true, .no_punct = true,
                          .case_sensitive = true}},
    };
    struct tally t = {.name = "tokens"}, lower = {.name = "lower"};
    struct golden g;
    struct da_buf low;

    da_buf_init(&low, 0);
    if (!golden_load(&g, DIR "tokenize.jsonl"))
        return;
    for (size_t i = 0; i < g.n; i++) {
        struct da_span text = golden_str(g.rows[i], "text");
        for (int k = 0; k <= DA_BLEU_TOK_NONE; k++) {
            const char *name = da_bleu_tok_name((enum da_bleu_tok)k);
            da_bleu_tokenize((enum da_bleu_tok)k, false, text, &work.tokens);
            check_tokens(&t, da_json_get(g.rows[i], name), work.tokens.t, work.tokens.n, name);
        }
        for (size_t k = 0; k < DA_ARRAY_LEN(tercom); k++) {
            da_tercom_tokenize(&tercom[k].o, text, &work.tokens);
            check_tokens(&t, da_json_get(g.rows[i], tercom[k].key), work.tokens.t, work.tokens.n,
                         tercom[k].key);
        }
        rouge_tokens(&t, g.rows[i], "rouge");
        rouge_tokens(&t, g.rows[i], "rouge_stem");
        da_buf_reset(&low);
        da_upy_lower(text.p, text.len, &low);
        tally_text(&lower, da_span(low.p, low.len), golden_str(g.rows[i], "lower"), "lower");
    }
    tally_done(&t, 10000);
    tally_done(&lower, 242);
    da_buf_release(&low);
    golden_free(&g);
}

static void test_stems(void)
{
    struct tally t = {.name = "stems"};
    char line[256], word[256];
    FILE *f = fopen(DIR "stems.tsv", "r");

    if (!tap_ok(f != NULL, "stems.tsv can be read"))
        return;
    while (fgets(line, sizeof line, f)) {
        char *tab = strchr(line, '\t'), *end = strchr(line, '\n');
        if (!tab || !end)
            continue;
        size_t len = (size_t)(tab - line);
        memcpy(word, line, len);
        len = len > 3 ? da_porter_stem(word, len) : len;
        *tab = 0;
        tally_text(&t, da_span(word, len), da_span(tab + 1, (size_t)(end - tab - 1)), line);
    }
    (void)fclose(f);
    tally_done(&t, 3831);
}

/* --- the other BLEU, Self-BLEU ---------------------------------------------- */

static const struct da_json *corpus_row(struct da_span name)
{
    for (size_t i = 0; i < corpora.n; i++)
        if (da_span_eq(golden_str(corpora.rows[i], "name"), name))
            return corpora.rows[i];
    return NULL;
}

static void one_segment(struct da_span id, struct corpus *c)
{
    const struct da_json *j = segs.rows[*da_map_get(&seg_of, id.p, id.len)], *ref;
    struct seg *s = da_calloc(1, sizeof *s);

    s->s = (struct da_segment){.hyp = golden_str(j, "hyp"), .refs = s->refs};
    for (ref = da_json_first(da_json_get(j, "refs")); ref; ref = da_json_next(ref))
        s->refs[s->s.n_refs++] = golden_str(ref, NULL);
    *c = (struct corpus){s, 1, (int)s->s.n_refs};
}

static void test_bleu_hf(void)
{
    struct tally t = {.name = "bleu_hf"};
    struct golden g;

    if (!golden_load(&g, DIR "hf_bleu.jsonl"))
        return;
    for (size_t i = 0; i < g.n; i++) {
        const struct da_json *row = g.rows[i], *want = da_json_get(row, "expect");
        struct da_bleu_hf_opts o = {.max_order = 4};
        struct da_bleu_hf_score b;
        double sum[MAX_STATS] = {0}, stats[MAX_STATS];
        struct corpus c;
        (void)da_json_bool(da_json_get(row, "smooth"), &o.smooth);
        if (da_json_get(row, "corpus"))
            corpus_of(corpus_row(golden_str(row, "corpus")), &c);
        else
            one_segment(golden_str(row, "id"), &c);
        for (size_t k = 0; k < c.n; k++) {
            da_bleu_hf_segment(&o, &work, &c.segs[k].s, stats);
            for (size_t m = 0; m < 10; m++)
                sum[m] += stats[m];
        }
        da_bleu_hf_score(&o, sum, &b);
        free(c.segs);
        if (!want || da_json_type(want) == DA_JSON_NULL) {
            tally_num(&t, isnan(b.score), 1, 0, "undefined");
            continue;
        }
        tally_num(&t, b.score, golden_num(want, "bleu"), REL, "bleu");
        tally_num(&t, b.bp, golden_num(want, "bp"), REL, "bp");
        if (da_json_get(want, "ratio"))
            tally_num(&t, b.ratio, golden_num(want, "ratio"), REL, "ratio");
        tally_num(&t, b.hyp_len, golden_num(want, "hyp_len"), 0, "hyp_len");
        tally_num(&t, b.ref_len, golden_num(want, "ref_len"), 0, "ref_len");
        check_array(&t, da_json_get(want, "precisions"), b.precisions, REL, "precisions");
    }
    tally_done(&t, 800);
    golden_free(&g);
}

static void test_self_bleu(void)
{
    struct tally t = {.name = "self_bleu"};
    struct golden g;

    if (!golden_load(&g, DIR "self_bleu.jsonl"))
        return;
    for (size_t i = 0; i < g.n; i++) {
        const struct da_json *row = g.rows[i], *q = da_json_first(da_json_get(row, "questions"));
        struct da_span texts[64];
        double each[64];
        char key[32];
        size_t n = 0;
        for (; q; q = da_json_next(q))
            texts[n++] = golden_str(q, NULL);
        double mean = da_self_bleu(DA_SELF_BLEU_SACRE, 4, &work, texts, n, each);
        check_array(&t, da_json_get(row, "sacre_each"), each, REL, "sacre_each");
        tally_num(&t, mean, golden_num(row, "sacre_self_bleu"), REL, "sacre_self_bleu");
        for (unsigned order = 2; order <= 5; order++) {
            mean = da_self_bleu(DA_SELF_BLEU_NLTK, order, &work, texts, n, each);
            (void)snprintf(key, sizeof key, "nltk_m1_each_%u", order);
            check_array(&t, da_json_get(row, key), each, REL, key);
            (void)snprintf(key, sizeof key, "nltk_m1_self_bleu_%u", order);
            tally_num(&t, mean, golden_num(row, key), REL, key);
        }
    }
    tally_done(&t, 200);
    struct da_span one = da_span_str("Who wrote it?");
    (void)tap_ok(isnan(da_self_bleu(DA_SELF_BLEU_SACRE, 4, &work, &one, 1, NULL)),
                 "one question has no Self-BLEU");
    golden_free(&g);
}

/* --- resampling ------------------------------------------------------------- */

enum { BLEU, CHRF, CHRFPP, TER, N_TESTED, MAX_SYSTEMS = 7 };

struct metric {
    int kind;
    struct da_bleu_opts bleu;
    struct da_chrf_opts chrf;
    size_t n_stats;
    bool single;
};

static double metric_score(const void *ctx, const double *sum)
{
    const struct metric *m = ctx;
    struct da_bleu_score b;

    if (m->kind == TER)
        return da_ter_score(sum, m->single);
    if (m->kind != BLEU)
        return da_chrf_score(&m->chrf, sum, m->single);
    da_bleu_score(&m->bleu, sum, &b);
    return b.score;
}

static struct metric metrics[N_TESTED];
static double *rows[N_TESTED][MAX_SYSTEMS]; /* [n][MAX_STATS]; system 0 is the baseline */
static size_t n_rows;

static void metric_rows(int m, const struct da_json *ids, const struct da_json *outputs,
                        double **ret)
{
    const struct da_json *id = da_json_first(ids), *out = da_json_first(outputs);
    double *v = da_calloc(da_json_len(ids) * MAX_STATS, sizeof *v);

    for (size_t i = 0; id; id = da_json_next(id), i++) {
        struct da_span key = golden_str(id, NULL), ref;
        const struct da_json *j = segs.rows[*da_map_get(&seg_of, key.p, key.len)];
        ref = golden_str(da_json_at(da_json_get(j, "refs"), 0), NULL);
        struct da_segment s = {.hyp = out ? golden_str(out, NULL) : golden_str(j, "hyp"),
                               .refs = &ref, .n_refs = 1};
        double *row = v + i * MAX_STATS;
        if (m == BLEU)
            da_bleu_segment(&metrics[m].bleu, &work, &s, row);
        else if (m == TER)
            da_ter_segment(&(struct da_tercom_opts){0}, &work, &s, row);
        else
            da_chrf_segment(&metrics[m].chrf, &work, &s, row);
        if (out)
            out = da_json_next(out);
        n_rows = i + 1;
    }
    *ret = v;
}

static double score_all(int m, size_t system)
{
    double sum[MAX_STATS] = {0};

    for (size_t i = 0; i < n_rows; i++)
        for (size_t k = 0; k < metrics[m].n_stats; k++)
            sum[k] += rows[m][system][i * MAX_STATS + k];
    struct metric whole = metrics[m];
    whole.single = false;
    return metric_score(&whole, sum);
}

static void load_systems(const struct da_json *row)
{
    char key[8];

    for (int m = 0; m < N_TESTED; m++) {
        if (!rows[m][0])
            metric_rows(m, da_json_get(row, "ids"), NULL, &rows[m][0]);
        for (size_t s = 2; s < MAX_SYSTEMS; s++) {
            (void)snprintf(key, sizeof key, "sys%zu", s);
            if (da_json_len(da_json_get(row, key)) > 0)
                metric_rows(m, da_json_get(row, "ids"), da_json_get(row, key), &rows[m][s]);
        }
    }
}

static void resampled(int m, size_t system, size_t n, uint64_t seed, double *scores)
{
    const struct da_rows r = {rows[m][system], n_rows, metrics[m].n_stats, MAX_STATS};
    da_bootstrap(&r, metric_score, &metrics[m], n, seed, 2, scores);
}

/* TER statistics go through float32 means in the tool. */
static double tolerance(int m)
{
    return m == TER ? 1e-5 : 0;
}

static void check_ci(const struct da_json *row, struct tally *t)
{
    static const char *const names[] = {"bleu", "chrf", "chrfpp", "ter"};
    int m = 0;
    size_t n = (size_t)golden_num(row, "n_bootstrap");
    double *scores = da_calloc(n, sizeof *scores);
    struct da_interval ci;

    while (!da_span_is(golden_str(row, "metric"), names[m]))
        m++;
    resampled(m, 0, n, (uint64_t)golden_num(row, "seed"), scores);
    da_interval_of(scores, n, &ci);
    tally_num(t, score_all(m, 0), golden_num(row, "score"), REL, names[m]);
    tally_num(t, ci.mean, golden_num(row, "mean"), tolerance(m), names[m]);
    tally_num(t, ci.half, golden_num(row, "ci"), tolerance(m), names[m]);
    free(scores);
}

static void check_pair(const struct da_json *row, int m, size_t system, const struct da_json *want,
                       struct tally *t)
{
    size_t n = (size_t)golden_num(row, "n");
    uint64_t seed = (uint64_t)golden_num(row, "seed");
    double *a = da_calloc(n, sizeof *a), *b = da_calloc(n, sizeof *b);
    double diff = score_all(m, 0) - score_all(m, system), p;
    struct metric exact = metrics[m];
    struct da_interval ci;

    exact.single = false;
    tally_num(t, score_all(m, system), golden_num(want, "score"), REL, "score");
    if (da_span_is(golden_str(row, "test"), "bs")) {
        resampled(m, 0, n, seed, a);
        resampled(m, system, n, seed, b);
        p = da_paired_bs_p(a, b, n, diff);
        double *sorted = system ? b : a;
        da_interval_of(sorted, n, &ci);
        tally_num(t, da_numpy_mean(sorted, n), golden_num(want, "mean"), tolerance(m), "mean");
        tally_num(t, ci.half, golden_num(want, "ci"), tolerance(m), "ci");
    } else {
        const struct da_rows ra = {rows[m][0], n_rows, metrics[m].n_stats, MAX_STATS};
        const struct da_rows rb = {rows[m][system], n_rows, metrics[m].n_stats, MAX_STATS};
        da_randomize(&ra, &rb, metric_score, &exact, n, seed, 2, a, b);
        p = da_paired_ar_p(a, b, n, diff);
    }
    if (system)
        tally_num(t, p, golden_num(want, "p"), 0, "p");
    free(a);
    free(b);
}

static void check_paired(const struct da_json *row, struct tally *t)
{
    static const char *const names[] = {"BLEU", "chrF2", "chrF2++", "TER"};
    const struct da_json *results = da_json_get(row, "results");
    const struct da_json *systems = da_json_get(results, "System");

    for (int m = 0; m < N_TESTED; m++) {
        const struct da_json *want = da_json_get(results, names[m]);
        for (size_t i = 0; i < da_json_len(want); i++) {
            struct da_span name = golden_str(da_json_at(systems, i), NULL);
            check_pair(row, m, i ? (size_t)(name.p[3] - '0') : 0, da_json_at(want, i), t);
        }
    }
}

static void check_draws(const struct da_json *row, struct tally *t)
{
    const struct da_json *want = da_json_first(da_json_get(row, "idx"));
    uint32_t idx[24];
    struct da_rng r;

    da_rng_init(&r, (uint64_t)golden_num(row, "seed"));
    da_rng_fill_below32(&r, (uint32_t)golden_num(row, "n"), idx, 24);
    for (size_t i = 0; want; i++, want = da_json_next(want))
        tally_num(t, idx[i], golden_num(want, NULL), 0, "choice");
}

static void init_metrics(void)
{
    for (int m = 0; m < N_TESTED; m++) {
        metrics[m].kind = m;
        metrics[m].single = true;
        da_bleu_defaults(&metrics[m].bleu);
        da_chrf_defaults(&metrics[m].chrf);
    }
    metrics[CHRFPP].chrf.word_order = 2;
    metrics[BLEU].n_stats = da_bleu_n_stats(&metrics[BLEU].bleu);
    metrics[CHRF].n_stats = da_chrf_n_stats(&metrics[CHRF].chrf);
    metrics[CHRFPP].n_stats = da_chrf_n_stats(&metrics[CHRFPP].chrf);
    metrics[TER].n_stats = DA_TER_N_STATS;
}

static void test_significance(void)
{
    struct tally ci = {.name = "confidence"}, paired = {.name = "paired"};
    struct tally draws = {.name = "draws"};
    struct golden g;

    init_metrics();
    if (!golden_load(&g, DIR "significance.jsonl"))
        return;
    for (size_t i = 0; i < g.n; i++) {
        struct da_span what = golden_str(g.rows[i], "what");
        if (da_span_is(what, "systems"))
            load_systems(g.rows[i]);
        else if (da_span_is(what, "ci"))
            check_ci(g.rows[i], &ci);
        else if (da_span_is(what, "paired"))
            check_paired(g.rows[i], &paired);
        else if (da_span_is(what, "choice"))
            check_draws(g.rows[i], &draws);
    }
    tally_done(&ci, 18);
    tally_done(&paired, 60);
    tally_done(&draws, 22 * 24);
    for (int m = 0; m < N_TESTED; m++)
        for (int s = 0; s < MAX_SYSTEMS; s++)
            free(rows[m][s]);
    golden_free(&g);
}

int main(void)
{
    da_work_init(&work);
    da_map_init(&seg_of);
    if (golden_load(&segs, DIR "segments.jsonl") && golden_load(&corpora, DIR "corpora.jsonl")) {
        for (size_t i = 0; i < segs.n; i++) {
            struct da_span id = golden_str(segs.rows[i], "id");
            *da_map_add(&seg_of, id.p, id.len, NULL) = i;
        }
        test_corpora();
        test_tokenize();
        test_stems();
        test_bleu_hf();
        test_self_bleu();
        test_significance();
    }
    golden_free(&segs);
    golden_free(&corpora);
    da_map_release(&seg_of);
    da_work_release(&work);
    return tap_done();
}
