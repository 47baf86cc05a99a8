/*
 * Boards (eval/leaderboard.h). The averages are checked against the figures the
 * SlimLM paper prints (arXiv 2411.09944, tables 5 and 14 to 16): its columns go
 * in as score records, its averages must come out.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io.h"
#include "eval/board.h"
#include "eval/board_page.h"
#include "tests/tap.h"

static const char columns[][8] = {"bleu", "rouge1", "rouge2", "rougeL", "sts", "geval"};

struct paper_row {
    const char *model;
    double summ[6], qa[6], qs[5];
    double average[4]; /* tables 14, 15, 16 and 5 */
};

static const struct paper_row paper[] = {
    {"SmolLM-135M-Instruct",
     {.09, .37, .14, .32, .69, .63},
     {.18, .45, .26, .42, .72, .56},
     {.04, .29, .11, .29, .49},
     {.3762, .4300, .2434, .3694}},
    {"SlimLM-125M",
     {.12, .40, .17, .35, .73, .66},
     {.22, .49, .30, .46, .75, .62},
     {.07, .33, .14, .32, .52},
     {.4061, .4731, .2754, .4052}},
    {"SlimLM-1B",
     {.23, .52, .28, .46, .82, .81},
     {.32, .60, .41, .57, .83, .81},
     {.15, .43, .24, .42, .62},
     {.5194, .5907, .3713, .5182}},
};

static void add_task(struct da_jw *w, const char *name, const double *v, size_t n, size_t skip)
{
    da_jw_key(w, name);
    da_jw_object(w);
    for (size_t i = 0; i < n; i++) {
        if (i == skip) {
            continue;
        }
        da_jw_key(w, columns[i]);
        da_jw_object(w);
        da_jw_kdouble(w, "value", v[i]);
        da_jw_key(w, "ci95");
        da_jw_null(w);
        da_jw_kint(w, "n", 10);
        da_jw_kcstr(w, "signature", columns[i]);
        da_jw_end(w);
    }
    da_jw_end(w);
}

static const char no_intent[] = "{\"accuracy\":null,\"ci95\":null,\"confusion\":{}}";

/* A score record of a row; without one column when skip < 6. */
static void add_record(struct da_buf *out, const struct paper_row *r, const char *sha, size_t skip)
{
    struct da_jw w;
    da_jw_init(&w, out);
    da_jw_object(&w);
    da_jw_kcstr(&w, "schema", "docassist.score/1");
    da_jw_kcstr(&w, "model", r->model);
    da_jw_key(&w, "dataset");
    da_jw_object(&w);
    da_jw_kcstr(&w, "sha256", sha);
    da_jw_kint(&w, "n", 30);
    da_jw_end(&w);
    da_jw_key(&w, "tasks");
    da_jw_object(&w);
    add_task(&w, "summarization", r->summ, 6, skip);
    add_task(&w, "question_answering", r->qa, 6, skip);
    add_task(&w, "question_suggestion", r->qs, 5, skip);
    da_jw_end(&w);
    da_jw_key(&w, "intent");
    da_jw_raw(&w, no_intent, sizeof no_intent - 1);
    da_jw_kint(&w, "n_scored", 30);
    da_jw_kint(&w, "n_total", 30);
    da_jw_key(&w, "per_sample");
    da_jw_null(&w);
    da_jw_key(&w, "origin");
    da_jw_object(&w);
    da_jw_end(&w);
    da_jw_end(&w);
    da_buf_add_char(out, '\n');
}

static struct da_board *board_of(const struct da_buf *records)
{
    struct da_board_opts opts = {.n_samples = 3};
    struct da_board *b = NULL;
    struct da_err err;
    char path[512];
    snprintf(path, sizeof path, "%s/score.json", tap_tmpdir());
    tap_rc(da_io_write_file(path, records->p, records->len, &err), &err, "records written");
    da_board_new(&b, &opts);
    tap_rc(da_board_add_scores(b, path, &err), &err, "records read");
    tap_rc(da_board_finish(b, &err), &err, "board finished");
    return b;
}

static const char sha_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char sha_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static void test_averages(void)
{
    static const unsigned scores[] = {DA_BOARD_SUMM, DA_BOARD_QA, DA_BOARD_QS, DA_BOARD_OVERALL};
    struct da_buf records;
    da_buf_init(&records, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(paper); i++) {
        add_record(&records, &paper[i], sha_a, SIZE_MAX);
    }
    struct da_board *b = board_of(&records);
    tap_is_int((long long)b->n_pools, 1, "one data set, one pool");
    for (size_t k = 0; k < DA_ARRAY_LEN(scores); k++) {
        const struct da_board_ranking *r = &b->pools[0].ranking[scores[k]];
        tap_ok(r->full, "score %zu has the paper's columns", k);
        for (size_t i = 0; i < DA_ARRAY_LEN(paper); i++) {
            /* The paper's columns have two digits, its averages four. */
            tap_ok(fabs(r->score[i] - paper[i].average[k]) < 0.005,
                   "%s: average %zu is %.4f, printed %.4f", paper[i].model, k, r->score[i],
                   paper[i].average[k]);
        }
        tap_is_int(r->rank[2], 1, "the largest is first");
        tap_is_int(r->rank[0], 3, "the smallest is last");
    }
    da_board_free(b);
    da_buf_release(&records);
}

static void test_missing_column(void)
{
    struct da_buf records;
    da_buf_init(&records, 0);
    add_record(&records, &paper[0], sha_a, SIZE_MAX);
    add_record(&records, &paper[1], sha_a, 5);
    struct da_board *b = board_of(&records);
    const struct da_board_ranking *r = &b->pools[0].ranking[DA_BOARD_SUMM];
    tap_ok(!r->full, "a column that one system lacks: no Average");
    tap_is_int((long long)r->n_metrics, 5, "... but a mean of the other five");
    tap_is_double(r->score[0], (.09 + .37 + .14 + .32 + .69) / 5, 1e-12, "... for both");
    tap_ok(b->pools[0].ranking[DA_BOARD_QS].full, "question suggestion has no GEval to lack");
    tap_ok(!b->pools[0].ranking[DA_BOARD_OVERALL].full, "the overall mean is no Average either");
    const struct da_board_table *t = &b->sections[0].tables[1];
    tap_is_str(t->cols[6].label, "Average", "the one that has all columns keeps its Average");
    for (size_t i = 0; i < t->n_rows; i++) {
        bool whole = strcmp(t->rows[i].label, paper[0].model) == 0;
        tap_ok(whole ? fabs(t->rows[i].cells[6].v - paper[0].average[0]) < 0.005
                     : isnan(t->rows[i].cells[6].v),
               "... the other has none");
    }
    tap_is_str(t->cols[7].label, "Mean of 5", "both are ranked by what they share");
    da_board_free(b);
    da_buf_release(&records);
}

static void test_pools(void)
{
    struct da_buf records;
    da_buf_init(&records, 0);
    add_record(&records, &paper[0], sha_a, SIZE_MAX);
    add_record(&records, &paper[1], sha_b, SIZE_MAX);
    add_record(&records, &paper[2], sha_a, SIZE_MAX);
    struct da_board *b = board_of(&records);
    tap_is_int((long long)b->n_pools, 2, "two data sets, two pools");
    tap_is_int((long long)b->pools[0].n, 2, "the first has two systems");
    tap_is_str(b->pools[1].systems[0]->label, "SlimLM-125M", "the second has the other");
    da_board_free(b);
    da_buf_release(&records);
}

/* Rank = 1 + systems significantly better, though "cannot be told apart" is not transitive. */
static void test_ranks(void)
{
    double score[4] = {.9, .8, .7, NAN};
    bool partial[4] = {false}, shared[4] = {false};
    int rank[4] = {0};
    struct da_board_pair pairs[16];
    for (size_t i = 0; i < 16; i++) {
        pairs[i] = (struct da_board_pair){.diff = score[i / 4] - score[i % 4], .p = 0.5};
    }
    pairs[0 * 4 + 2].p = pairs[2 * 4 + 0].p = 0.01; /* only the first and the third differ */
    struct da_board_pool pool = {.n = 4};
    pool.ranking[DA_BOARD_SUMM] = (struct da_board_ranking){.exists = true,
                                                            .score = score,
                                                            .partial = partial,
                                                            .rank = rank,
                                                            .shared = shared,
                                                            .pairs = pairs,
                                                            .tested = true};
    da_board_rank(&pool);
    tap_is_int(rank[0], 1, "first");
    tap_is_int(rank[1], 1, "not told apart from the first: shares its rank");
    tap_is_int(rank[2], 2, "one system is better for sure");
    tap_is_int(rank[3], 0, "no score, no rank");
    tap_ok(shared[0] && shared[1] && !shared[2], "shared ranks are marked");
}

static void is_text(const char *in, const char *want)
{
    struct da_buf out;
    da_buf_init(&out, 0);
    da_page_text(&out, in);
    tap_is_str(out.p, want, "HTML text");
    da_buf_release(&out);
}

static void is_number(double v, int decimals, const char *want)
{
    struct da_buf out;
    da_buf_init(&out, 0);
    da_board_add_number(&out, v, decimals);
    tap_is_str(out.p, want, "number");
    da_buf_release(&out);
}

static void is_range(double lo, double hi, unsigned n, double want_lo, double want_hi, double step)
{
    struct da_page_range r;
    da_page_range(&r, lo, hi, n);
    tap_ok(fabs(r.lo - want_lo) < 1e-9 && fabs(r.hi - want_hi) < 1e-9 && fabs(r.step - step) < 1e-9,
           "range of %g to %g: %g to %g by %g", lo, hi, r.lo, r.hi, r.step);
}

static void test_text(void)
{
    is_text("a & b", "a &amp; b");
    is_text("</title><script>\"'", "&lt;/title&gt;&lt;script&gt;&quot;&#39;");
    is_text("\x01\x1f\x7f\t\n", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\t\n");
    is_text("", "");
    is_text("\xc3\xa9\xe6\xb0\xb4", "\xc3\xa9\xe6\xb0\xb4");
    is_number(0.41234, 3, "0.412");
    is_number(-0.00001, 3, "0.000");
    is_number(-0.5, 1, "-0.5");
    is_number(NAN, 3, "");
    is_range(0, 1, 5, 0, 1, 0.2);
    is_range(0.37, 0.52, 5, 0.35, 0.55, 0.05);
    is_range(0, 150, 6, 0, 150, 25);
    is_range(0, 152, 6, 0, 200, 50);
    is_range(0.5, 0.5, 4, 0.45, 0.55, 0.025);
}

/* A label that closes everything it can must not leave its place, in any format. */
static void test_formats_escape(void)
{
    static const char evil[] = "x</td><img src=q onerror=alert(1)>|*`[a](b)\",=1+1\\end{tabular}";
    static const enum da_board_format all[] = {DA_BOARD_HTML, DA_BOARD_MD, DA_BOARD_CSV,
                                               DA_BOARD_JSON, DA_BOARD_LATEX};
    struct paper_row row = paper[0];
    struct da_buf records, out;
    struct da_err err;
    da_buf_init(&records, 0);
    da_buf_init(&out, 0);
    row.model = evil;
    add_record(&records, &row, sha_a, SIZE_MAX);
    struct da_board *b = board_of(&records);
    for (size_t i = 0; i < DA_ARRAY_LEN(all); i++) {
        da_buf_reset(&out);
        tap_rc(da_board_render(b, all[i], &out, &err), &err, "format %zu", i);
        bool raw = strstr(out.p, "<img src") != NULL;
        tap_ok(raw == (all[i] == DA_BOARD_CSV || all[i] == DA_BOARD_JSON),
               "only data formats keep markup as it is");
        if (all[i] == DA_BOARD_LATEX) {
            tap_ok(!strstr(out.p, "+1\\end{tabular}"), "a LaTeX command becomes text");
        }
        if (all[i] == DA_BOARD_CSV) {
            tap_ok(strstr(out.p, "(b)\"\",=1+1") != NULL, "CSV doubles quotes");
        }
    }
    da_board_free(b);
    da_buf_release(&records);
    da_buf_release(&out);
}

int main(void)
{
    test_averages();
    test_missing_column();
    test_pools();
    test_ranks();
    test_text();
    test_formats_escape();
    return tap_done();
}
