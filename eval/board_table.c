/*
 * Makes the description of every table that all formats print: the paper's
 * layout (arXiv 2411.09944, tables 1, 5, 6 and 14 to 16), one section per pool.
 */

#include <math.h>
#include <string.h>

#include "eval/board.h"

enum { MAX_NOTES = 8, MAX_TABLES = 4 * DA_BOARD_N_TASKS + 6, SCORE_DECIMALS = 3 };

struct da_board_table *da_board_new_table(struct da_board *b, struct da_board_section *s,
                                          const char *id, const char *title, int task)
{
    struct da_board_table *t = &s->tables[s->n_tables++];
    *t = (struct da_board_table){
        .id = id, .title = title, .task = task, .first = "Model", .caption = title};
    t->cols = da_arena_alloc(&b->arena, DA_BOARD_MAX_COLS, sizeof *t->cols);
    t->notes = da_arena_alloc(&b->arena, MAX_NOTES, sizeof *t->notes);
    return t;
}

struct da_board_section *da_board_new_section(struct da_board *b, enum da_board_section_kind kind,
                                              const char *id, const char *title)
{
    struct da_board_section *s = &b->sections[b->n_sections++];
    s->kind = kind;
    s->id = id;
    s->title = title;
    s->tables = da_arena_alloc(&b->arena, MAX_TABLES, sizeof *s->tables);
    return s;
}

size_t da_board_add_col(struct da_board_table *t, const char *key, const char *label,
                        const char *what, enum da_board_better better, int decimals)
{
    t->cols[t->n_cols] = (struct da_board_col){
        .key = key, .label = label, .what = what, .better = better, .decimals = decimals};
    return t->n_cols++;
}

size_t da_board_add_metric_col(const struct da_board *b, struct da_board_table *t, size_t m,
                               int decimals)
{
    const struct da_board_metric *x = &b->metrics[m];
    size_t c = da_board_add_col(t, x->key, x->label, x->what, x->better, decimals);
    t->cols[c].no_best = x->averaged == 0; /* the least diverse is not the worst, nor the reverse */
    return c;
}

void da_board_note(struct da_board_table *t, const char *text)
{
    if (t->n_notes < MAX_NOTES) {
        t->notes[t->n_notes++] = text;
    }
}

struct da_board_row *da_board_add_row(struct da_board *b, struct da_board_table *t,
                                      const char *label)
{
    struct da_board_row *r = &t->rows[t->n_rows++];
    r->label = label;
    r->cells = da_arena_alloc(&b->arena, t->n_cols, sizeof *r->cells);
    for (size_t c = 0; c < t->n_cols; c++) {
        r->cells[c].v = r->cells[c].lo = r->cells[c].hi = r->cells[c].p = NAN;
    }
    return r;
}

void da_board_set_cell(struct da_board_cell *c, const struct da_board_value *v)
{
    if (v->set) {
        c->v = v->v;
        c->lo = v->lo;
        c->hi = v->hi;
    }
}

/* Bold: the best of a column as printed, among rows that are ranked. */
static void mark_best(struct da_board_table *t)
{
    for (size_t c = 0; c < t->n_cols; c++) {
        const struct da_board_col *col = &t->cols[c];
        double sign = col->better == DA_BOARD_LOWER ? -1 : 1;
        double unit = pow(10, col->decimals) * (col->show != 0 ? col->show : 1);
        double best = -INFINITY;
        size_t n = 0;
        for (size_t r = 0; r < t->n_rows && col->better != DA_BOARD_NEUTRAL && !col->no_best; r++) {
            double v = t->rows[r].cells[c].v;
            if (isfinite(v) && t->rows[r].rank > 0) {
                best = fmax(best, sign * v);
                n++;
            }
        }
        for (size_t r = 0; r < t->n_rows && n > 1; r++) {
            double v = t->rows[r].cells[c].v;
            t->rows[r].cells[c].best =
                isfinite(v) && t->rows[r].rank > 0 && round(sign * v * unit) >= round(best * unit);
        }
    }
}

/* Systems of a ranking in order: ranked ones by rank, then the others; then by score, label. */
static bool comes_before(const struct da_board_pool *p, const struct da_board_ranking *r, size_t i,
                         size_t j)
{
    int a = r->rank[i] ? r->rank[i] : INT32_MAX, c = r->rank[j] ? r->rank[j] : INT32_MAX;
    double x = isnan(r->score[i]) ? -INFINITY : r->score[i];
    double y = isnan(r->score[j]) ? -INFINITY : r->score[j];
    if (a != c) {
        return a < c;
    }
    if (x != y) {
        return x > y;
    }
    return strcmp(p->systems[i]->label, p->systems[j]->label) < 0;
}

size_t *da_board_sorted(struct da_board *b, const struct da_board_pool *p,
                        const struct da_board_ranking *r)
{
    size_t *order = da_arena_alloc(&b->arena, p->n, sizeof *order);
    for (size_t i = 0; i < p->n; i++) {
        size_t k = i;
        for (; k > 0 && comes_before(p, r, i, order[k - 1]); k--) {
            order[k] = order[k - 1];
        }
        order[k] = i;
    }
    return order;
}

/* "BLEU, ROUGE-1 and ROUGE-2" */
static const char *list_metrics(struct da_board *b, const size_t *m, size_t n)
{
    const char *text = "";
    for (size_t k = 0; k < n; k++) {
        const char *sep = k == 0 ? "" : k + 1 == n ? " and " : ", ";
        text = da_board_strf(b, "%s%s%s", text, sep, b->metrics[m[k]].label);
    }
    return text;
}

static const char *list_missing(struct da_board *b, const struct da_board_ranking *r, int task)
{
    size_t missing[DA_BOARD_MAX_METRICS], n = 0;
    for (size_t m = 0; m < b->n_metrics; m++) {
        unsigned mask = task >= 0 ? 1u << task : ~0u;
        bool in = !(b->metrics[m].averaged & mask);
        for (size_t k = 0; k < r->n_metrics; k++) {
            in = in || r->metrics[k] == m;
        }
        if (!in) {
            missing[n++] = m;
        }
    }
    return n ? list_metrics(b, missing, n) : NULL;
}

/* The column systems are ranked by, and what it is made of. */
static size_t add_score_col(struct da_board *b, struct da_board_table *t,
                            const struct da_board_ranking *r)
{
    const char *parts = list_metrics(b, r->metrics, r->n_metrics);
    const char *label = "Average", *key = "average";
    if (!r->full) {
        label = r->n_metrics == 1 ? b->metrics[r->metrics[0]].label
                                  : da_board_strf(b, "Mean of %zu", r->n_metrics);
        key = da_board_strf(b, "mean_of_%zu", r->n_metrics);
        const char *missing = list_missing(b, r, t->task);
        da_board_note(t, da_board_strf(b, "%s: %s%s%s%s.", label, parts,
                                       missing ? "; without " : "", missing ? missing : "",
                                       missing ? " it is not the paper's Average" : ""));
    }
    size_t c = da_board_add_col(t, key, label, da_board_strf(b, "Mean of %s", parts),
                                DA_BOARD_HIGHER, SCORE_DECIMALS);
    t->cols[c].is_score = true;
    return c;
}

/* What is unusual about the ranks of a table; the usual is said once, by add_method. */
static void rank_notes(struct da_board_table *t, const struct da_board_pool *p,
                       const struct da_board_ranking *r)
{
    size_t n_ranked = 0;
    bool partial = false;
    for (size_t i = 0; i < p->n; i++) {
        n_ranked += r->rank[i] > 0;
        partial = partial || r->partial[i];
    }
    if (!r->tested && n_ranked > 1) {
        da_board_note(t, "Ranks go by value alone: the differences were not tested.");
    }
    if (partial) {
        da_board_note(t, "A system scored on fewer samples than the others has no rank.");
    }
}

static void add_method(struct da_board *b, struct da_board_section *s,
                       const struct da_board_pool *p)
{
    bool scores = false, intents = p->ranking[DA_BOARD_INTENT].tested;
    for (unsigned k = 0; k <= DA_BOARD_OVERALL; k++) {
        scores = scores || p->ranking[k].tested;
    }
    if (!scores && !intents) {
        return;
    }
    const char *how = "McNemar's exact test";
    if (scores) {
        how = da_board_strf(b, "paired approximate randomization, %u trials, seed %llu%s",
                            b->opts.n_trials, (unsigned long long)b->opts.seed,
                            intents ? "; for intents McNemar's exact test" : "");
    }
    s->method = da_board_strf(b,
                              "Systems share a rank (=) where a two-sided paired test, "
                              "Holm-corrected over all pairs of the table, cannot tell them apart "
                              "at the level of 0.05 (%s).",
                              how);
}

static void fill_rank(struct da_board_row *row, const struct da_board_pool *p,
                      const struct da_board_ranking *r, size_t i)
{
    row->sys = p->systems[i];
    row->index = i;
    row->note = p->systems[i]->note;
    row->rank = r->rank[i];
    row->shared = r->shared[i];
}

static bool any_set(const struct da_board_pool *p, unsigned task, size_t m)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->systems[i]->values[task][m].set) {
            return true;
        }
    }
    return false;
}

static bool in_task(const struct da_board *b, const struct da_board_system *s, unsigned task)
{
    for (size_t m = 0; m < b->n_metrics; m++) {
        if (s->values[task][m].set) {
            return true;
        }
    }
    return false;
}

/* Samples behind a row: the fewest of its ranked columns, of the most any system has. */
static void count_cell(struct da_board *b, const struct da_board_pool *p, unsigned task, size_t i,
                       struct da_board_cell *c)
{
    int64_t n = -1, most = -1;
    for (size_t m = 0; m < b->n_metrics; m++) {
        for (size_t k = 0; k < p->n; k++) {
            const struct da_board_value *v = &p->systems[k]->values[task][m];
            if (!v->set || v->n < 0 || !(b->metrics[m].averaged & (1u << task))) {
                continue;
            }
            most = v->n > most ? v->n : most;
            if (k == i) {
                n = n < 0 || v->n < n ? v->n : n;
            }
        }
    }
    if (n >= 0) {
        c->v = (double)n;
        c->text = n < most ? da_board_strf(b, "%lld of %lld", (long long)n, (long long)most) : NULL;
    }
}

/* The paper's Average of one system, where a ranking by fewer columns stands beside it: NaN unless
 * the system has all its columns. task: DA_BOARD_OVERALL for the mean over all three. */
static double paper_average(const struct da_board *b, const struct da_board_pool *p,
                            const struct da_board_system *s, unsigned task)
{
    unsigned all = (1u << DA_BOARD_N_TASKS) - 1;
    double sum = 0;
    size_t n = 0;
    if (task == DA_BOARD_OVERALL && p->tasks != all) {
        return NAN;
    }
    for (size_t m = 0; m < b->n_metrics; m++) {
        if (!(b->metrics[m].averaged & (task == DA_BOARD_OVERALL ? all : 1u << task))) {
            continue;
        }
        const struct da_board_value *v = &s->values[task % DA_BOARD_N_TASKS][m];
        sum += task == DA_BOARD_OVERALL ? da_board_overall(b, p, s, m) : v->set ? v->v : NAN;
        n++;
    }
    return sum / (double)n;
}

/* Adds the column of paper_average when some system has one; SIZE_MAX when none has. */
static size_t add_average_col(const struct da_board *b, struct da_board_table *t,
                              const struct da_board_pool *p, unsigned task)
{
    for (size_t i = 0; i < p->n && !p->ranking[task].full; i++) {
        if (!isnan(paper_average(b, p, p->systems[i], task))) {
            size_t c = da_board_add_col(t, "average", "Average", "The paper's average",
                                        DA_BOARD_HIGHER, SCORE_DECIMALS);
            t->cols[c].no_best = true;
            da_board_note(t, "Average is there where a system has all of its columns; it does not "
                             "rank.");
            return c;
        }
    }
    return SIZE_MAX;
}

static void task_table(struct da_board *b, struct da_board_section *s,
                       const struct da_board_pool *p, unsigned task)
{
    const struct da_board_ranking *r = &p->ranking[task];
    struct da_board_table *t = da_board_new_table(
        b, s, da_board_task_name((enum da_board_task)task), da_board_task_titles[task], (int)task);
    size_t metric_of[DA_BOARD_MAX_COLS], score_col = SIZE_MAX;
    for (size_t m = 0; m < b->n_metrics; m++) {
        if ((b->metrics[m].paper & (1u << task)) && any_set(p, task, m)) {
            metric_of[da_board_add_metric_col(b, t, m, b->metrics[m].decimals)] = m;
        }
    }
    size_t n_values = t->n_cols, average_col = add_average_col(b, t, p, task);
    if (r->exists) {
        score_col = add_score_col(b, t, r);
    }
    size_t n_col = da_board_add_col(t, "n", "n", "Samples scored", DA_BOARD_NEUTRAL, 0);
    t->ranked = r->exists;
    t->rows = da_arena_alloc(&b->arena, p->n, sizeof *t->rows);
    const size_t *order = da_board_sorted(b, p, r);
    for (size_t k = 0; k < p->n; k++) {
        size_t i = order[k];
        if (!in_task(b, p->systems[i], task)) {
            continue;
        }
        struct da_board_row *row = da_board_add_row(b, t, p->systems[i]->label);
        fill_rank(row, p, r, i);
        for (size_t c = 0; c < n_values; c++) {
            da_board_set_cell(&row->cells[c], &p->systems[i]->values[task][metric_of[c]]);
        }
        if (average_col != SIZE_MAX) {
            row->cells[average_col].v = paper_average(b, p, p->systems[i], task);
        }
        if (score_col != SIZE_MAX) {
            row->cells[score_col] =
                (struct da_board_cell){.v = r->score[i], .lo = r->lo[i], .hi = r->hi[i], .p = NAN};
        }
        count_cell(b, p, task, i, &row->cells[n_col]);
    }
    mark_best(t);
    rank_notes(t, p, r);
}

static void overall_table(struct da_board *b, struct da_board_section *s,
                          const struct da_board_pool *p)
{
    const struct da_board_ranking *r = &p->ranking[DA_BOARD_OVERALL];
    unsigned n_tasks = 0;
    for (unsigned k = 0; k < DA_BOARD_N_TASKS; k++) {
        n_tasks += (r->tasks >> k) & 1;
    }
    const char *title = n_tasks < DA_BOARD_N_TASKS ? "Mean over two tasks"
                        : r->full                  ? "Average of the three tasks"
                                                   : "Mean over the three tasks";
    struct da_board_table *t = da_board_new_table(b, s, "average", title, -1);
    size_t metric_of[DA_BOARD_MAX_COLS];
    for (size_t m = 0; m < b->n_metrics; m++) {
        bool any = false;
        for (size_t i = 0; i < p->n && b->metrics[m].averaged; i++) {
            any = any || isfinite(da_board_overall(b, p, p->systems[i], m));
        }
        if (any) {
            metric_of[da_board_add_metric_col(b, t, m, b->metrics[m].decimals)] = m;
        }
    }
    size_t n_values = t->n_cols;
    size_t average_col = add_average_col(b, t, p, DA_BOARD_OVERALL);
    size_t score_col = add_score_col(b, t, r);
    t->ranked = true;
    t->rows = da_arena_alloc(&b->arena, p->n, sizeof *t->rows);
    const size_t *order = da_board_sorted(b, p, r);
    for (size_t k = 0; k < p->n; k++) {
        size_t i = order[k];
        struct da_board_row *row = da_board_add_row(b, t, p->systems[i]->label);
        fill_rank(row, p, r, i);
        for (size_t c = 0; c < n_values; c++) {
            row->cells[c].v = da_board_overall(b, p, p->systems[i], metric_of[c]);
        }
        if (average_col != SIZE_MAX) {
            row->cells[average_col].v = paper_average(b, p, p->systems[i], DA_BOARD_OVERALL);
        }
        row->cells[score_col] =
            (struct da_board_cell){.v = r->score[i], .lo = r->lo[i], .hi = r->hi[i], .p = NAN};
    }
    mark_best(t);
    da_board_note(t, "Each column is the mean over the tasks that have it.");
    rank_notes(t, p, r);
}

static void intent_table(struct da_board *b, struct da_board_section *s,
                         const struct da_board_pool *p)
{
    const struct da_board_ranking *r = &p->ranking[DA_BOARD_INTENT];
    struct da_board_table *t = da_board_new_table(b, s, "intent", "Intent classification", -1);
    size_t c =
        da_board_add_col(t, "accuracy", "Accuracy, %",
                         "Requests whose kind the system named correctly", DA_BOARD_HIGHER, 2);
    size_t n = da_board_add_col(t, "n", "n", "Requests", DA_BOARD_NEUTRAL, 0);
    t->cols[c].show = 100;
    t->cols[c].is_lopsided = true;
    t->cols[c].is_score = true;
    t->ranked = true;
    t->rows = da_arena_alloc(&b->arena, p->n, sizeof *t->rows);
    const size_t *order = da_board_sorted(b, p, r);
    for (size_t k = 0; k < p->n; k++) {
        const struct da_board_system *sys = p->systems[order[k]];
        if (!sys->intent.set) {
            continue;
        }
        struct da_board_row *row = da_board_add_row(b, t, sys->label);
        fill_rank(row, p, r, order[k]);
        da_board_set_cell(&row->cells[c], &sys->intent);
        row->cells[n].v = sys->intent.n >= 0 ? (double)sys->intent.n : NAN;
    }
    mark_best(t);
    da_board_note(t, "Intervals are Wilson's.");
    rank_notes(t, p, r);
}

static void further_table(struct da_board *b, struct da_board_section *s,
                          const struct da_board_pool *p, unsigned task)
{
    size_t metric_of[DA_BOARD_MAX_COLS], n = 0;
    for (size_t m = 0; m < b->n_metrics; m++) {
        if (!(b->metrics[m].paper & (1u << task)) && any_set(p, task, m)) {
            metric_of[n++] = m;
        }
    }
    if (n == 0) {
        return;
    }
    struct da_board_table *t = da_board_new_table(
        b, s, da_board_strf(b, "further-%s", da_board_task_name((enum da_board_task)task)),
        da_board_strf(b, "%s: further measures", da_board_task_titles[task]), (int)task);
    for (size_t c = 0; c < n; c++) {
        (void)da_board_add_metric_col(b, t, metric_of[c], b->metrics[metric_of[c]].decimals);
    }
    t->rows = da_arena_alloc(&b->arena, p->n, sizeof *t->rows);
    const size_t *order = da_board_sorted(b, p, &p->ranking[task]);
    for (size_t k = 0; k < p->n; k++) {
        const struct da_board_system *sys = p->systems[order[k]];
        if (!in_task(b, sys, task)) {
            continue;
        }
        struct da_board_row *row = da_board_add_row(b, t, sys->label);
        row->sys = sys;
        row->index = order[k];
        row->note = sys->note;
        for (size_t c = 0; c < n; c++) {
            da_board_set_cell(&row->cells[c], &sys->values[task][metric_of[c]]);
        }
    }
}

static void pool_section(struct da_board *b, const struct da_board_pool *p, size_t index)
{
    const char *sha = p->systems[0]->data_sha256;
    struct da_board_section *s = da_board_new_section(
        b, DA_BOARD_SCORES, index ? da_board_strf(b, "scores-%zu", index + 1) : "scores",
        b->n_pools > 1 ? da_board_strf(b, "Scores, group %zu of %zu", index + 1, b->n_pools)
                       : "Scores");
    s->pool = p;
    s->intro = da_board_strf(b, "Data set %.12s%s%s%s: %lld examples; %zu system%s.", sha,
                             p->systems[0]->data_name ? " (" : "",
                             p->systems[0]->data_name ? p->systems[0]->data_name : "",
                             p->systems[0]->data_name ? ")" : "", (long long)p->systems[0]->data_n,
                             p->n, p->n == 1 ? "" : "s");
    add_method(b, s, p);
    if (p->ranking[DA_BOARD_OVERALL].exists) {
        overall_table(b, s, p);
    }
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        if (p->tasks & (1u << t)) {
            task_table(b, s, p, t);
        }
    }
    if (p->ranking[DA_BOARD_INTENT].exists) {
        intent_table(b, s, p);
    }
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        if (p->tasks & (1u << t)) {
            further_table(b, s, p, t);
        }
    }
    da_board_add_breakdowns(b, s, p);
}

/* Place of a row among those of its model: rows of one prompt stand together though tokenizers
 * count it differently. */
static size_t bench_ordinal(const struct da_board_bench *x, size_t i)
{
    size_t k = 0;
    for (size_t j = 0; j < i; j++) {
        k += strcmp(x[j].label, x[i].label) == 0;
    }
    return k;
}

void da_board_bench_table(struct da_board *b, struct da_board_section *s,
                          const struct da_board_bench *x, size_t n, bool published)
{
    struct da_board_table *t = da_board_new_table(b, s, "efficiency", "Efficiency", -1);
    size_t prompt =
        da_board_add_col(t, "prompt", "Prompt", "Length of the prompt", DA_BOARD_NEUTRAL, 0);
    t->cols[prompt].is_text = true;
    int d = published ? 2 : 1;
    size_t c = da_board_add_col(t, "itps", "ITPS", "Input tokens per second", DA_BOARD_HIGHER, d);
    (void)da_board_add_col(t, "otps", "OTPS", "Output tokens per second", DA_BOARD_HIGHER, d);
    (void)da_board_add_col(t, "ttft_s", "TTFT, s", "Time to the first token", DA_BOARD_LOWER, 2);
    (void)da_board_add_col(t, "runtime_s", "Runtime, s", "Time of the whole answer", DA_BOARD_LOWER,
                           2);
    if (!published) {
        size_t m = da_board_add_col(t, "peak_rss_bytes", "Memory, MiB", "Peak resident memory",
                                    DA_BOARD_LOWER, 0);
        t->cols[m].show = 1.0 / (1 << 20);
        (void)da_board_add_col(t, "new_tokens", "Out", "Tokens generated", DA_BOARD_NEUTRAL, 0);
        (void)da_board_add_col(t, "threads", "Threads", "Threads used", DA_BOARD_NEUTRAL, 0);
    }
    t->rows = da_arena_alloc(&b->arena, n, sizeof *t->rows);
    for (size_t k = 0, done = 0; done < n; k++) {
        bool first = true;
        for (size_t i = 0; i < n; i++) {
            if (bench_ordinal(x, i) != k) {
                continue;
            }
            struct da_board_row *row = da_board_add_row(b, t, x[i].label);
            row->starts_group = first && k > 0;
            first = false;
            const double values[] = {x[i].itps,
                                     x[i].otps,
                                     x[i].ttft_s,
                                     x[i].runtime_s,
                                     x[i].peak_rss_bytes,
                                     x[i].new_tokens < 0 ? NAN : (double)x[i].new_tokens,
                                     x[i].threads < 0 ? NAN : (double)x[i].threads};
            row->cells[prompt].text =
                x[i].prompt ? x[i].prompt
                            : da_board_strf(b, "%lld tokens", (long long)x[i].prompt_tokens);
            row->cells[prompt].v = x[i].prompt_tokens < 0 ? NAN : (double)x[i].prompt_tokens;
            for (size_t v = 0; c + v < t->n_cols; v++) {
                row->cells[c + v].v = values[v];
            }
            done++;
        }
    }
}

void da_board_make_sections(struct da_board *b)
{
    b->sections = da_arena_alloc(&b->arena, b->n_pools + 2, sizeof *b->sections);
    for (size_t i = 0; i < b->n_pools; i++) {
        pool_section(b, &b->pools[i], i);
    }
    if (b->n_bench > 0) {
        struct da_board_section *s =
            da_board_new_section(b, DA_BOARD_EFFICIENCY, "efficiency", "Efficiency");
        s->intro = "Measured by docassist bench on one machine; speeds of different machines, "
                   "thread counts or prompts cannot be compared.";
        da_board_bench_table(b, s, b->bench, b->n_bench, false);
        s->tables[0].caption = "Efficiency by length of the prompt";
    }
    if (b->published) {
        da_board_published_section(b);
    }
}
