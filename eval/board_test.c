/*
 * Whether differences within a pool can be told from chance, and how far the
 * means that systems are ranked by could be off.
 *
 * Both resample additive statistics of samples (eval/README.md) and work on the
 * very score of the table: a mean of columns, some of them corpus metrics.
 *
 * Test: paired approximate randomization (Noreen, 1989; Riezler and Maxwell,
 * 2005), two-sided, with Holm's step-down correction (1979) over all pairs of a
 * table; exact McNemar for intents, which are right or wrong.
 * Interval: percentile bootstrap over samples.
 *
 * Each task is resampled once, from a seed of its own. The mean over tasks is a
 * weighted sum of their columns, so a trial of it is the sum of one trial of each
 * task: what a task adds (its share) is computed beside its own score.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "eval/board.h"
#include "eval/resample.h"

enum { MAX_PARTS = 8, N_RESAMPLES = 1000 };

/*
 * A weighted sum of a task's columns as a function of summed rows. A column that
 * is a plain mean over all samples is linear in them: all such columns are folded
 * into one before any resampling, which halves the work.
 */
struct layout {
    struct da_samples_metric parts[MAX_PARTS]; /* `from`: in the rows built here */
    size_t sources[MAX_PARTS];                 /* their first column in the log's rows */
    double weights[MAX_PARTS];
    size_t n_parts;
    size_t folded[MAX_PARTS]; /* columns of the log's rows */
    double folded_weights[MAX_PARTS];
    size_t n_folded;
    size_t width; /* of a row: the parts' columns, then the folded one if any */
    size_t n;     /* rows */
};

/* Weight of a metric in the score k of a task: its own (k = task) or its share of the overall
 * one. 0: it has no part in it. */
static double weight(const struct da_board *b, const struct da_board_pool *p, unsigned k,
                     unsigned task, size_t metric)
{
    const struct da_board_ranking *r = &p->ranking[k];
    unsigned mask = k == DA_BOARD_OVERALL ? r->tasks & b->metrics[metric].averaged : 1u << task;
    unsigned n_tasks = 0;
    bool in = false;
    for (size_t c = 0; c < r->n_metrics; c++) {
        in = in || r->metrics[c] == metric;
    }
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        n_tasks += (mask >> t) & 1;
    }
    return in && (mask & (1u << task)) ? 1.0 / ((double)r->n_metrics * n_tasks) : 0;
}

static bool counts_every_sample(const struct da_samples *x, enum da_task task,
                                const struct da_samples_metric *m)
{
    if (m->form != DA_FORM_MEAN) {
        return false;
    }
    for (size_t i = 0; i < x->n; i++) {
        if (x->items[i].task == task && x->items[i].stats[m->from + 1] != 1) {
            return false;
        }
    }
    return true;
}

/* True when the metric can be folded in every log of the pool: layouts must agree. */
static bool folds(const struct da_board *b, const struct da_board_pool *p, unsigned task, size_t m)
{
    enum da_task rt = da_board_record_task(task);
    for (size_t i = 0; i < p->n; i++) {
        const struct da_samples *x = p->systems[i]->samples;
        const struct da_samples_metric *sm = x ? da_samples_metric(x, rt, b->metrics[m].key) : NULL;
        if (sm && !counts_every_sample(x, rt, sm)) {
            return false;
        }
    }
    return true;
}

/* False when the log lacks a metric of the score. */
static bool lay_out(const struct da_board *b, const struct da_board_pool *p, unsigned k,
                    unsigned task, const struct da_samples *x, struct layout *l)
{
    enum da_task rt = da_board_record_task(task);
    *l = (struct layout){.width = 0};
    for (size_t m = 0; m < b->n_metrics; m++) {
        double w = weight(b, p, k, task, m);
        const struct da_samples_metric *sm = da_samples_metric(x, rt, b->metrics[m].key);
        if (w == 0) {
            continue;
        }
        if (!sm || l->n_parts == MAX_PARTS || l->n_folded == MAX_PARTS ||
            l->width + sm->n >= DA_ROWS_MAX_COLUMNS) {
            return false;
        }
        if (folds(b, p, task, m)) {
            l->folded[l->n_folded] = sm->from;
            l->folded_weights[l->n_folded++] = w * sm->scale;
            continue;
        }
        l->parts[l->n_parts] = *sm;
        l->parts[l->n_parts].from = l->width;
        l->sources[l->n_parts] = sm->from;
        l->weights[l->n_parts++] = w;
        l->width += sm->n;
    }
    l->width += l->n_folded > 0;
    return l->width > 0;
}

static double score_of(const void *ctx, const double *sum)
{
    const struct layout *l = ctx;
    double total = l->n_folded ? sum[l->width - 1] / (double)l->n : 0;
    for (size_t i = 0; i < l->n_parts; i++) {
        total += l->weights[i] * da_samples_score(&l->parts[i], sum);
    }
    return total;
}

/* The task's rows in the order of ids; v is the caller's. */
static struct da_rows build_rows(const struct da_samples *x, enum da_task task, struct layout *l,
                                 double **v)
{
    double *to = *v = da_calloc(x->n * l->width + 1, sizeof **v);
    for (size_t i = 0; i < x->n; i++) {
        const struct da_sample *s = &x->items[i];
        if (s->task != task) {
            continue;
        }
        for (size_t k = 0; k < l->n_parts; k++) {
            memcpy(to + l->parts[k].from, s->stats + l->sources[k], l->parts[k].n * sizeof *to);
        }
        for (size_t k = 0; k < l->n_folded; k++) {
            to[l->width - 1] += l->folded_weights[k] * s->stats[l->folded[k]];
        }
        to += l->width;
        l->n++;
    }
    return (struct da_rows){.v = *v, .n = l->n, .k = l->width, .stride = l->width};
}

/* A weighted sum of columns of one task and one system, ready to be resampled. */
struct scored {
    bool ready;
    struct layout layout;
    double *values;
    struct da_rows rows;
};

/* One system: each task's own score, and its share of the overall one. */
struct entrant {
    struct scored own[DA_BOARD_N_TASKS], share[DA_BOARD_N_TASKS];
    /* The share is this times the own score: nothing to resample. 0: it is not. */
    double ratio[DA_BOARD_N_TASKS];
};

static void prepare(const struct da_board *b, const struct da_board_pool *p, unsigned k,
                    unsigned task, const struct da_board_system *s, struct scored *x)
{
    if (s->samples && p->ranking[k].exists && lay_out(b, p, k, task, s->samples, &x->layout)) {
        x->rows = build_rows(s->samples, da_board_record_task(task), &x->layout, &x->values);
        x->ready = x->rows.n > 0;
    }
}

/* Overall weight by own weight when that is one number for all metrics, else 0. */
static double ratio_of(const struct da_board *b, const struct da_board_pool *p, unsigned task)
{
    double ratio = 0;
    for (size_t m = 0; m < b->n_metrics; m++) {
        double own = weight(b, p, task, task, m), all = weight(b, p, DA_BOARD_OVERALL, task, m);
        if ((own == 0) != (all == 0) || (own > 0 && ratio > 0 && all / own != ratio)) {
            return 0;
        }
        ratio = own > 0 ? all / own : ratio;
    }
    return ratio;
}

static void enter(const struct da_board *b, const struct da_board_pool *p, size_t i,
                  struct entrant *e)
{
    const struct da_board_system *s = p->systems[i];
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        if (!p->ranking[t].exists || isnan(p->ranking[t].score[i])) {
            continue;
        }
        prepare(b, p, t, t, s, &e->own[t]);
        e->ratio[t] = p->ranking[DA_BOARD_OVERALL].exists ? ratio_of(b, p, t) : 0;
        if (e->ratio[t] == 0) {
            prepare(b, p, DA_BOARD_OVERALL, t, s, &e->share[t]);
        }
    }
}

static void add_scaled(double *to, const double *from, double factor, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[i] += factor * from[i];
    }
}

static uint64_t task_seed(const struct da_board *b, unsigned task)
{
    return b->opts.seed + task;
}

static void set_interval(struct da_board_ranking *r, size_t i, double *scores)
{
    struct da_interval ci;
    da_interval_of(scores, N_RESAMPLES, &ci);
    r->lo[i] = ci.low;
    r->hi[i] = ci.high;
}

static void add_intervals(const struct da_board *b, struct da_board_pool *p, size_t i,
                          const struct entrant *e)
{
    double own[N_RESAMPLES], share[N_RESAMPLES], all[N_RESAMPLES] = {0};
    struct da_board_ranking *overall = &p->ranking[DA_BOARD_OVERALL];
    bool whole = overall->exists && !isnan(overall->score[i]);
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        bool needed = overall->exists && (overall->tasks & (1u << t));
        if (!e->own[t].ready) {
            whole = whole && !needed;
            continue;
        }
        da_bootstrap(&e->own[t].rows, score_of, &e->own[t].layout, N_RESAMPLES, task_seed(b, t), 0,
                     own);
        if (needed && e->ratio[t] > 0) {
            add_scaled(all, own, e->ratio[t], N_RESAMPLES);
        } else if (needed && e->share[t].ready) {
            da_bootstrap(&e->share[t].rows, score_of, &e->share[t].layout, N_RESAMPLES,
                         task_seed(b, t), 0, share);
            add_scaled(all, share, 1, N_RESAMPLES);
        }
        set_interval(&p->ranking[t], i, own);
    }
    if (whole) {
        set_interval(overall, i, all);
    }
}

/* Room for the trials of a pair. */
struct trials {
    double *a, *b, *all_a, *all_b; /* [n_trials] */
};

static void randomize(const struct da_board *b, const struct scored *x, const struct scored *y,
                      unsigned task, struct trials *tr)
{
    da_randomize(&x->rows, &y->rows, score_of, &x->layout, b->opts.n_trials, task_seed(b, task), 0,
                 tr->a, tr->b);
}

static bool is_ranked(const struct da_board_ranking *r, size_t i)
{
    return r->exists && !isnan(r->score[i]) && !r->partial[i];
}

/* ps[k]: the p value of score k, NaN where it cannot be tested. */
static void test_pair(const struct da_board *b, const struct da_board_pool *p, size_t i, size_t j,
                      const struct entrant *x, const struct entrant *y, struct trials *tr,
                      double ps[DA_BOARD_OVERALL + 1])
{
    size_t n = b->opts.n_trials;
    const struct da_board_ranking *overall = &p->ranking[DA_BOARD_OVERALL];
    bool whole = is_ranked(overall, i) && is_ranked(overall, j);
    memset(tr->all_a, 0, n * sizeof *tr->all_a);
    memset(tr->all_b, 0, n * sizeof *tr->all_b);
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        const struct da_board_ranking *r = &p->ranking[t];
        bool needed = overall->exists && (overall->tasks & (1u << t));
        ps[t] = NAN;
        if (!x->own[t].ready || !y->own[t].ready || !is_ranked(r, i) || !is_ranked(r, j) ||
            !da_board_comparable(p->systems[i], p->systems[j], t)) {
            whole = whole && !needed;
            continue;
        }
        randomize(b, &x->own[t], &y->own[t], t, tr);
        ps[t] = da_two_sided_p(tr->a, tr->b, n, r->score[i] - r->score[j]);
        if (!needed || !whole) {
            continue;
        }
        double ratio = x->ratio[t];
        if (ratio == 0 && x->share[t].ready && y->share[t].ready) {
            randomize(b, &x->share[t], &y->share[t], t, tr);
            ratio = 1;
        }
        add_scaled(tr->all_a, tr->a, ratio, n);
        add_scaled(tr->all_b, tr->b, ratio, n);
    }
    ps[DA_BOARD_OVERALL] =
        whole ? da_two_sided_p(tr->all_a, tr->all_b, n, overall->score[i] - overall->score[j])
              : NAN;
}

/* Corrects the p values of all pairs and keeps them both ways round. */
static void store(struct da_board *b, struct da_board_ranking *r, size_t n, double *p)
{
    bool any = false, all = true;
    for (size_t i = 0, k = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++, k++) {
            bool ranked =
                !isnan(r->score[i]) && !isnan(r->score[j]) && !r->partial[i] && !r->partial[j];
            any = any || !isnan(p[k]);
            all = all && (!ranked || !isnan(p[k]));
        }
    }
    if (!any) {
        return;
    }
    da_holm(p, n * (n - 1) / 2);
    r->tested = all;
    r->pairs = da_arena_alloc(&b->arena, n * n, sizeof *r->pairs);
    for (size_t i = 0, k = 0; i < n; i++) {
        r->pairs[i * n + i] = (struct da_board_pair){.diff = NAN, .p = NAN};
        for (size_t j = i + 1; j < n; j++, k++) {
            r->pairs[i * n + j] =
                (struct da_board_pair){.diff = r->score[i] - r->score[j], .p = p[k]};
            r->pairs[j * n + i] =
                (struct da_board_pair){.diff = r->score[j] - r->score[i], .p = p[k]};
        }
    }
}

static void test_scores(struct da_board *b, struct da_board_pool *p)
{
    struct entrant *e = da_calloc(p->n, sizeof *e);
    size_t n_pairs = p->n * (p->n - 1) / 2, n = 0;
    double *values = da_calloc(n_pairs * (DA_BOARD_OVERALL + 1) + 1, sizeof *values);
    double *room = da_calloc((size_t)b->opts.n_trials * 4, sizeof *room);
    struct trials tr = {room, room + b->opts.n_trials, room + 2 * (size_t)b->opts.n_trials,
                        room + 3 * (size_t)b->opts.n_trials};
    da_progress_start(b->opts.log, "paired tests", n_pairs);
    for (size_t i = 0; i < p->n; i++) {
        enter(b, p, i, &e[i]);
        add_intervals(b, p, i, &e[i]);
    }
    for (size_t i = 0; i < p->n; i++) {
        for (size_t j = i + 1; j < p->n; j++, n++) {
            double ps[DA_BOARD_OVERALL + 1];
            da_progress_set(b->opts.log, n);
            test_pair(b, p, i, j, &e[i], &e[j], &tr, ps);
            for (unsigned k = 0; k <= DA_BOARD_OVERALL; k++) {
                values[k * n_pairs + n] = ps[k];
            }
        }
    }
    da_progress_end(b->opts.log);
    for (unsigned k = 0; k <= DA_BOARD_OVERALL; k++) {
        if (p->ranking[k].exists) {
            store(b, &p->ranking[k], p->n, values + k * n_pairs);
        }
    }
    for (size_t i = 0; i < p->n; i++) {
        for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
            free(e[i].own[t].values);
            free(e[i].share[t].values);
        }
    }
    free(room);
    free(values);
    free(e);
}

/* McNemar's p for two systems' intents; NaN when their samples do not line up. */
static double intent_pair(const struct da_board_pool *p, size_t i, size_t j)
{
    const struct da_samples *x = p->systems[i]->samples, *y = p->systems[j]->samples;
    uint64_t only_x = 0, only_y = 0;
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        if ((p->tasks & (1u << t)) && !da_board_comparable(p->systems[i], p->systems[j], t)) {
            return NAN;
        }
    }
    for (size_t k = 0; k < x->n && k < y->n; k++) {
        if (!x->items[k].has_intent || !y->items[k].has_intent) {
            return NAN;
        }
        only_x += da_board_intent_right(&x->items[k]) && !da_board_intent_right(&y->items[k]);
        only_y += da_board_intent_right(&y->items[k]) && !da_board_intent_right(&x->items[k]);
    }
    return da_mcnemar_p(only_x, only_y);
}

static void test_intents(struct da_board *b, struct da_board_pool *p)
{
    struct da_board_ranking *r = &p->ranking[DA_BOARD_INTENT];
    double *values = da_calloc(p->n * (p->n - 1) / 2 + 1, sizeof *values);
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        for (size_t j = i + 1; j < p->n; j++) {
            bool can = !isnan(r->score[i]) && !isnan(r->score[j]) && p->systems[i]->samples &&
                       p->systems[j]->samples;
            values[n++] = can ? intent_pair(p, i, j) : NAN;
        }
    }
    store(b, r, p->n, values);
    free(values);
}

double da_board_score_subset(const struct da_board *b, const struct da_board_pool *p,
                             const struct da_board_system *s, unsigned task,
                             bool (*in)(const struct da_sample *x, const void *ctx),
                             const void *ctx, int64_t *n)
{
    const struct da_board_ranking *r = &p->ranking[task];
    enum da_task rt = da_board_record_task(task);
    double sum[DA_SAMPLES_MAX_STATS] = {0}, total = 0;
    *n = 0;
    for (size_t i = 0; s->samples && i < s->samples->n; i++) {
        const struct da_sample *x = &s->samples->items[i];
        if (x->task != rt || !in(x, ctx)) {
            continue;
        }
        for (size_t c = 0; c < s->samples->n_stats[rt]; c++) {
            sum[c] += x->stats[c];
        }
        (*n)++;
    }
    for (size_t c = 0; c<r->n_metrics && * n> 0; c++) {
        const struct da_samples_metric *m =
            da_samples_metric(s->samples, rt, b->metrics[r->metrics[c]].key);
        total += m ? da_samples_score(m, sum) : NAN;
    }
    return *n > 0 ? total / (double)r->n_metrics : NAN;
}

void da_board_run_tests(struct da_board *b, struct da_board_pool *p)
{
    if (b->opts.n_trials > 0) {
        test_scores(b, p);
        if (p->ranking[DA_BOARD_INTENT].exists) {
            test_intents(b, p);
        }
    }
}
