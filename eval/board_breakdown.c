/*
 * Tables about the scores: which differences are real, how scores change with
 * the length of the document, and with the intent being understood.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "eval/board.h"

enum { N_BUCKETS = 3, SCORE_DECIMALS = 3, MAX_MATRIX = 24 /* systems in a matrix */ };

static const char *const score_titles[DA_BOARD_N_SCORES] = {
    [DA_BOARD_SUMM] = "Summarization",           [DA_BOARD_QA] = "Question answering",
    [DA_BOARD_QS] = "Question suggestion",       [DA_BOARD_OVERALL] = "Average over tasks",
    [DA_BOARD_INTENT] = "Intent classification",
};

static const char *const pair_ids[DA_BOARD_N_SCORES] = {
    [DA_BOARD_SUMM] = "pairs-summarization",     [DA_BOARD_QA] = "pairs-question_answering",
    [DA_BOARD_QS] = "pairs-question_suggestion", [DA_BOARD_OVERALL] = "pairs-average",
    [DA_BOARD_INTENT] = "pairs-intent",
};

/* Rows and columns in the order of the ranking, systems without a rank left out. */
static void pair_table(struct da_board *b, struct da_board_section *s,
                       const struct da_board_pool *p, unsigned k)
{
    const struct da_board_ranking *r = &p->ranking[k];
    const size_t *order = da_board_sorted(b, p, r);
    size_t n = 0;
    while (n < p->n && n < MAX_MATRIX && r->rank[order[n]] > 0) {
        n++;
    }
    if (!r->pairs || n < 2) {
        return;
    }
    struct da_board_table *t =
        da_board_new_table(b, s, pair_ids[k], score_titles[k], k < DA_BOARD_N_TASKS ? (int)k : -1);
    t->is_pairs = t->is_detail = true;
    for (size_t c = 0; c < n; c++) {
        const char *label = p->systems[order[c]]->label;
        size_t col = da_board_add_col(t, da_board_strf(b, "minus:%s", label), label,
                                      "Difference of the row's score and this system's",
                                      DA_BOARD_NEUTRAL, SCORE_DECIMALS);
        if (k == DA_BOARD_INTENT) {
            t->cols[col].show = 100;
            t->cols[col].decimals = 1;
        }
    }
    t->rows = da_arena_alloc(&b->arena, n, sizeof *t->rows);
    for (size_t i = 0; i < n; i++) {
        const struct da_board_system *sys = p->systems[order[i]];
        struct da_board_row *row = da_board_add_row(b, t, sys->label);
        row->sys = sys;
        row->index = order[i];
        for (size_t j = 0; j < n; j++) {
            const struct da_board_pair *pair = &r->pairs[order[i] * p->n + order[j]];
            row->cells[j].v = pair->diff;
            row->cells[j].p = pair->p;
        }
    }
}

static int by_size(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

/* Words at which the documents of a task fall into three equal parts; false when too few. */
static bool cut_lengths(const struct da_samples *x, unsigned task, int64_t cuts[N_BUCKETS - 1])
{
    enum da_task rt = da_board_record_task(task);
    int64_t *words = da_calloc(x->n + 1, sizeof *words);
    size_t n = 0;
    for (size_t i = 0; i < x->n; i++) {
        if (x->items[i].task == rt) {
            words[n++] = x->items[i].doc_words;
        }
    }
    qsort(words, n, sizeof *words, by_size);
    bool ok = n >= 2 * N_BUCKETS;
    for (size_t k = 1; k < N_BUCKETS && ok; k++) {
        cuts[k - 1] = words[k * n / N_BUCKETS];
        ok = k == 1 || cuts[k - 1] > cuts[k - 2];
    }
    ok = ok && words[0] < cuts[0];
    free(words);
    return ok;
}

struct range {
    int64_t from, to; /* from <= words < to */
};

static bool in_range(const struct da_sample *x, const void *ctx)
{
    const struct range *r = ctx;
    return x->doc_words >= r->from && x->doc_words < r->to;
}

static double mean_words(const struct da_samples *x, unsigned task, bool of_answer)
{
    enum da_task rt = da_board_record_task(task);
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < x->n; i++) {
        if (x->items[i].task == rt) {
            sum += (double)(of_answer ? x->items[i].hyp_words : x->items[i].ref_words);
            n++;
        }
    }
    return n ? sum / (double)n : NAN;
}

static const struct da_samples *first_log(const struct da_board_pool *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->systems[i]->samples) {
            return p->systems[i]->samples;
        }
    }
    return NULL;
}

static const char *range_label(struct da_board *b, const struct range *r)
{
    if (r->from == 0) {
        return da_board_strf(b, "under %lld", (long long)r->to);
    }
    if (r->to == INT64_MAX) {
        return da_board_strf(b, "from %lld", (long long)r->from);
    }
    return da_board_strf(b, "%lld to %lld", (long long)r->from, (long long)r->to - 1);
}

static void length_table(struct da_board *b, struct da_board_section *s,
                         const struct da_board_pool *p, unsigned task)
{
    const struct da_samples *log = first_log(p);
    struct range ranges[N_BUCKETS];
    int64_t cuts[N_BUCKETS - 1];
    bool cut = log && p->ranking[task].exists && cut_lengths(log, task, cuts);
    if (!log || !p->ranking[task].exists) {
        return;
    }
    struct da_board_table *t = da_board_new_table(
        b, s, da_board_strf(b, "length-%s", da_board_task_name((enum da_board_task)task)),
        da_board_task_titles[task], (int)task);
    t->is_detail = true;
    t->caption = da_board_strf(b, "%s by words of the document", t->title);
    for (size_t k = 0; k < N_BUCKETS && cut; k++) {
        ranges[k] = (struct range){k ? cuts[k - 1] : 0, k + 1 < N_BUCKETS ? cuts[k] : INT64_MAX};
        (void)da_board_add_col(t, da_board_strf(b, "from_%lld", (long long)ranges[k].from),
                               range_label(b, &ranges[k]), "Score on documents of this many words",
                               DA_BOARD_HIGHER, SCORE_DECIMALS);
    }
    size_t answer = da_board_add_col(t, "answer_words", "Answer, words", "Mean words of an answer",
                                     DA_BOARD_NEUTRAL, 1);
    size_t ref = da_board_add_col(t, "reference_words", "Reference, words",
                                  "Mean words of a reference", DA_BOARD_NEUTRAL, 1);
    t->rows = da_arena_alloc(&b->arena, p->n, sizeof *t->rows);
    const size_t *order = da_board_sorted(b, p, &p->ranking[task]);
    for (size_t i = 0; i < p->n; i++) {
        const struct da_board_system *sys = p->systems[order[i]];
        if (!sys->samples) {
            continue;
        }
        struct da_board_row *row = da_board_add_row(b, t, sys->label);
        row->sys = sys;
        row->note = sys->note;
        for (size_t k = 0; k < N_BUCKETS && cut; k++) {
            row->cells[k].v =
                da_board_score_subset(b, p, sys, task, in_range, &ranges[k], &row->cells[k].n);
        }
        row->cells[answer].v = mean_words(sys->samples, task, true);
        row->cells[ref].v = mean_words(sys->samples, task, false);
    }
}

static bool intent_is(const struct da_sample *x, const void *ctx)
{
    return x->has_intent && da_board_intent_right(x) == *(const bool *)ctx;
}

/* The score where the system named the intent, and where it did not. */
static void by_intent_table(struct da_board *b, struct da_board_section *s,
                            const struct da_board_pool *p)
{
    static const bool sides[] = {true, false};
    if (!first_log(p) || !p->ranking[DA_BOARD_INTENT].exists) {
        return;
    }
    struct da_board_table *t =
        da_board_new_table(b, s, "by-intent", "Scores by intent, understood or not", -1);
    t->is_detail = true;
    for (unsigned k = 0; k < DA_BOARD_N_TASKS; k++) {
        for (size_t side = 0; side < 2 && p->ranking[k].exists; side++) {
            (void)da_board_add_col(
                t,
                da_board_strf(b, "%s_%s", da_board_task_name((enum da_board_task)k),
                              side == 0 ? "named" : "missed"),
                da_board_strf(b, "%s: %s", da_board_task_titles[k], side == 0 ? "named" : "missed"),
                "Score of the samples whose intent the system named, or did not", DA_BOARD_HIGHER,
                SCORE_DECIMALS);
        }
    }
    t->rows = da_arena_alloc(&b->arena, p->n, sizeof *t->rows);
    const size_t *order = da_board_sorted(b, p, &p->ranking[DA_BOARD_INTENT]);
    for (size_t i = 0; i < p->n; i++) {
        const struct da_board_system *sys = p->systems[order[i]];
        if (!sys->samples || !sys->intent.set) {
            continue;
        }
        struct da_board_row *row = da_board_add_row(b, t, sys->label);
        row->sys = sys;
        row->note = sys->note;
        size_t c = 0;
        for (unsigned k = 0; k < DA_BOARD_N_TASKS; k++) {
            for (size_t side = 0; side < 2 && p->ranking[k].exists; side++, c++) {
                row->cells[c].v =
                    da_board_score_subset(b, p, sys, k, intent_is, &sides[side], &row->cells[c].n);
            }
        }
    }
    if (t->n_rows == 0) {
        s->n_tables--; /* no log says anything about intents */
    }
}

void da_board_add_breakdowns(struct da_board *b, struct da_board_section *s,
                             const struct da_board_pool *p)
{
    static const unsigned order[DA_BOARD_N_SCORES] = {DA_BOARD_OVERALL, DA_BOARD_SUMM, DA_BOARD_QA,
                                                      DA_BOARD_QS, DA_BOARD_INTENT};
    for (size_t k = 0; k < DA_BOARD_N_SCORES; k++) {
        if (p->ranking[order[k]].exists) {
            pair_table(b, s, p, order[k]);
        }
    }
    for (unsigned k = 0; k < DA_BOARD_N_TASKS; k++) {
        length_table(b, s, p, k);
    }
    by_intent_table(b, s, p);
}
