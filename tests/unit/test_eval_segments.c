/* BLEU, chrF, TER and ROUGE of single segments against sacrebleu 2.6.0 and rouge_score 0.1.2
 * (tests/golden/eval/README.md). */
#include "eval/bleu.h"

#include <string.h>

#include "eval/chrf.h"
#include "eval/rouge.h"
#include "eval/ter.h"
#include "tests/golden.h"

#define REL 1e-12

static struct da_work work;
static struct golden segs;

enum { MAX_REFS = 8 };

struct row {
    const struct da_json *expect;
    const char *id;
    struct da_span refs[MAX_REFS];
    struct da_segment seg;
};

static void row_of(size_t i, struct row *r)
{
    const struct da_json *j = segs.rows[i], *ref;

    r->expect = da_json_get(j, "expect");
    r->id = golden_str(j, "id").p;
    r->seg = (struct da_segment){.hyp = golden_str(j, "hyp"), .refs = r->refs};
    for (ref = da_json_first(da_json_get(j, "refs")); ref; ref = da_json_next(ref))
        r->refs[r->seg.n_refs++] = golden_str(ref, NULL);
}

static void bleu_of(const struct da_bleu_opts *o, const struct row *r, struct da_bleu_score *b)
{
    double stats[DA_BLEU_MAX_STATS];

    da_bleu_segment(o, &work, &r->seg, stats);
    da_bleu_score(o, stats, b);
}

static void check_counts(struct tally *t, const struct da_json *want, const double *got,
                         const char *id)
{
    const struct da_json *j = da_json_first(want);

    for (size_t i = 0; j; j = da_json_next(j), i++)
        tally_num(t, got[i], golden_num(j, NULL), 0, id);
}

static void test_bleu_tokenizers(void)
{
    for (int tok = 0; tok <= DA_BLEU_TOK_NONE; tok++) {
        struct da_bleu_opts o;
        struct tally score = {.name = da_bleu_tok_name(tok)}, counts = score;
        da_bleu_defaults(&o);
        o.tokenize = (enum da_bleu_tok)tok;
        o.effective_order = true;
        for (size_t i = 0; i < segs.n; i++) {
            struct row r;
            struct da_bleu_score b;
            row_of(i, &r);
            const struct da_json *want =
                da_json_get(da_json_get(r.expect, "bleu"), da_bleu_tok_name(o.tokenize));
            bleu_of(&o, &r, &b);
            tally_num(&score, b.score, golden_num(want, "score"), REL, r.id);
            tally_num(&score, b.bp, golden_num(want, "bp"), REL, r.id);
            tally_num(&counts, b.sys_len, golden_num(want, "sys_len"), 0, r.id);
            tally_num(&counts, b.ref_len, golden_num(want, "ref_len"), 0, r.id);
            check_counts(&counts, da_json_get(want, "counts"), b.counts, r.id);
            check_counts(&counts, da_json_get(want, "totals"), b.totals, r.id);
        }
        tally_done(&score, 2 * segs.n);
        tally_done(&counts, 10 * segs.n);
    }
}

static void test_bleu_options(void)
{
    static const struct {
        const char *key, *sub;
        struct da_bleu_opts o;
    } cases[] = {
        {"bleu_13a_smooth", "floor",
         {.smooth = DA_BLEU_SMOOTH_FLOOR, .max_order = 4, .effective_order = true}},
        {"bleu_13a_smooth", "add-k",
         {.smooth = DA_BLEU_SMOOTH_ADD_K, .max_order = 4, .effective_order = true}},
        {"bleu_13a_smooth", "none",
         {.smooth = DA_BLEU_SMOOTH_NONE, .max_order = 4, .effective_order = true}},
        {"bleu_13a_lc", NULL, {.max_order = 4, .effective_order = true, .lowercase = true}},
        {"bleu_13a_noeff", NULL, {.max_order = 4}},
    };

    for (size_t c = 0; c < DA_ARRAY_LEN(cases); c++) {
        struct tally t = {.name = cases[c].sub ? cases[c].sub : cases[c].key};
        for (size_t i = 0; i < segs.n; i++) {
            struct row r;
            struct da_bleu_score b;
            row_of(i, &r);
            const struct da_json *want = da_json_get(r.expect, cases[c].key);
            bleu_of(&cases[c].o, &r, &b);
            tally_num(&t, b.score, golden_num(want, cases[c].sub), REL, r.id);
        }
        tally_done(&t, segs.n);
    }
}

static void test_chrf(void)
{
    static const struct {
        const char *key;
        struct da_chrf_opts o;
    } cases[] = {
        {"chrf", {.char_order = 6, .beta = 2}},
        {"chrfpp", {.char_order = 6, .word_order = 2, .beta = 2}},
        {"chrf_lc_ws", {.char_order = 6, .beta = 2, .lowercase = true, .whitespace = true}},
        {"chrfpp_eps", {.char_order = 6, .word_order = 2, .beta = 2, .eps_smoothing = true}},
    };

    for (size_t c = 0; c < DA_ARRAY_LEN(cases); c++) {
        struct tally t = {.name = cases[c].key};
        for (size_t i = 0; i < segs.n; i++) {
            struct row r;
            double stats[DA_CHRF_MAX_STATS];
            row_of(i, &r);
            da_chrf_segment(&cases[c].o, &work, &r.seg, stats);
            tally_num(&t, da_chrf_score(&cases[c].o, stats, false),
                      golden_num(r.expect, cases[c].key), REL, r.id);
        }
        tally_done(&t, segs.n);
    }
}

static void test_ter(void)
{
    static const struct {
        const char *key;
        struct da_tercom_opts o;
    } cases[] = {
        {"ter", {0}},
        {"ter_cs", {.case_sensitive = true}},
        {"ter_norm", {.normalized = true}},
        {"ter_asian", {.normalized = true, .asian_support = true, .no_punct = true}},
    };

    for (size_t c = 0; c < DA_ARRAY_LEN(cases); c++) {
        struct tally t = {.name = cases[c].key};
        for (size_t i = 0; i < segs.n; i++) {
            struct row r;
            double stats[DA_TER_N_STATS];
            row_of(i, &r);
            const struct da_json *want = da_json_get(r.expect, cases[c].key);
            da_ter_segment(&cases[c].o, &work, &r.seg, stats);
            tally_num(&t, da_ter_score(stats, false), golden_num(da_json_at(want, 0), NULL), REL,
                      r.id);
            tally_num(&t, stats[0], golden_num(da_json_at(want, 1), NULL), 0, r.id);
            tally_num(&t, stats[1], golden_num(da_json_at(want, 2), NULL), REL, r.id);
        }
        tally_done(&t, 3 * segs.n);
    }
}

static void test_rouge(bool stem)
{
    struct da_rouge_opts o = {.stem = stem, .types = 15};
    struct tally t = {.name = stem ? "rouge_stem" : "rouge"};

    for (size_t i = 0; i < segs.n; i++) {
        struct row r;
        struct da_rouge_score got[DA_ROUGE_N_TYPES];
        row_of(i, &r);
        (void)da_rouge_segment(&o, &work, &r.seg, got);
        for (int type = 0; type < DA_ROUGE_N_TYPES; type++) {
            const struct da_json *want =
                da_json_get(da_json_get(r.expect, t.name), da_rouge_name((enum da_rouge_type)type));
            tally_num(&t, got[type].precision, golden_num(da_json_at(want, 0), NULL), 0, r.id);
            tally_num(&t, got[type].recall, golden_num(da_json_at(want, 1), NULL), 0, r.id);
            tally_num(&t, got[type].fmeasure, golden_num(da_json_at(want, 2), NULL), 0, r.id);
        }
    }
    tally_done(&t, 12 * segs.n);
}

int main(void)
{
    da_work_init(&work);
    if (golden_load(&segs, "tests/golden/eval/segments.jsonl")) {
        test_bleu_tokenizers();
        test_bleu_options();
        test_chrf();
        test_ter();
        test_rouge(false);
        test_rouge(true);
    }
    golden_free(&segs);
    da_work_release(&work);
    return tap_done();
}
