/*
 * Whether differences within a pool can be told from chance, and how far the
 * means that systems are ranked by could be off.
 *
 * Both resample additive statistics of samples (eval/README.md) and work on the
 * very score of the table: a mean of columns, some of them corpus metrics, over
 * one task or over all.
 *
 * Test: paired approximate randomization (Noreen, 1989; Riezler and Maxwell,
 * 2005), two-sided, with Holm's step-down correction (1979) over all pairs of a
 * table; exact McNemar for intents, which are right or wrong.
 * Interval: percentile bootstrap over samples.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "eval/board.h"
#include "eval/resample.h"

enum { MAX_PARTS = 24, N_RESAMPLES = 1000 };

/* One metric of one task, as part of a column of a ranking score. */
struct part {
    unsigned task;
    size_t column;                   /* index into ranking.metrics */
    struct da_samples_metric metric; /* `from`: in the rows built here */
    size_t source;                   /* its first column in the log's rows */
};

struct layout {
    struct part parts[MAX_PARTS];
    size_t n_parts, n_columns, width;
};

static bool is_part(const struct da_board *b, const struct da_board_pool *p, unsigned k, size_t m,
                    unsigned t)
{
    return k == DA_BOARD_OVERALL ? (p->ranking[k].tasks & b->metrics[m].averaged & (1u << t)) != 0
                                 : t == k;
}

/* What the ranking score k of a system is made of; false when the log lacks a part of it or has
 * it in another signature. */
static bool lay_out(const struct da_board *b, const struct da_board_pool *p, unsigned k,
                    const struct da_board_system *s, struct layout *l)
{
    const struct da_board_ranking *r = &p->ranking[k];
    *l = (struct layout){.n_columns = r->n_metrics};
    for (size_t c = 0; c < r->n_metrics; c++) {
        for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
            size_t m = r->metrics[c];
            if (!is_part(b, p, k, m, t)) {
                continue;
            }
            const struct da_samples_metric *x =
                da_samples_metric(s->samples, da_board_record_task(t), b->metrics[m].key);
            if (!x || l->n_parts == MAX_PARTS || l->width + x->n > DA_ROWS_MAX_COLUMNS) {
                return false;
            }
            struct part *part = &l->parts[l->n_parts++];
            *part = (struct part){.task = t, .column = c, .metric = *x, .source = x->from};
            part->metric.from = l->width;
            l->width += x->n;
        }
    }
    return true;
}

static double score_of(const void *ctx, const double *sum)
{
    const struct layout *l = ctx;
    double total = 0;
    for (size_t c = 0; c < l->n_columns; c++) {
        double column = 0;
        unsigned n = 0;
        for (size_t i = 0; i < l->n_parts; i++) {
            if (l->parts[i].column == c) {
                column += da_samples_score(&l->parts[i].metric, sum);
                n++;
            }
        }
        total += column / n;
    }
    return total / (double)l->n_columns;
}

static bool has_task(const struct layout *l, enum da_task task)
{
    for (size_t i = 0; i < l->n_parts; i++) {
        if (da_board_record_task(l->parts[i].task) == task) {
            return true;
        }
    }
    return false;
}

/* Rows in the order of ids; columns of other tasks than the sample's stay 0. v is the caller's. */
static struct da_rows build_rows(const struct da_samples *x, const struct layout *l, double **v)
{
    struct da_rows rows = {.k = l->width, .stride = l->width};
    double *to = *v = da_calloc(x->n * l->width + 1, sizeof **v);
    for (size_t i = 0; i < x->n; i++) {
        const struct da_sample *s = &x->items[i];
        if (!has_task(l, s->task)) {
            continue;
        }
        for (size_t k = 0; k < l->n_parts; k++) {
            const struct part *part = &l->parts[k];
            if (da_board_record_task(part->task) == s->task) {
                memcpy(to + part->metric.from, s->stats + part->source,
                       part->metric.n * sizeof *to);
            }
        }
        to += l->width;
        rows.n++;
    }
    rows.v = *v;
    return rows;
}

/* The systems of one ranking, ready to be resampled. */
struct entrant {
    bool ready;
    struct layout layout;
    double *values;
    struct da_rows rows;
};

static void prepare(const struct da_board *b, const struct da_board_pool *p, unsigned k, size_t i,
                    struct entrant *e)
{
    const struct da_board_system *s = p->systems[i];
    const struct da_board_ranking *r = &p->ranking[k];
    if (!s->samples || isnan(r->score[i]) || r->partial[i] || !lay_out(b, p, k, s, &e->layout)) {
        return;
    }
    e->rows = build_rows(s->samples, &e->layout, &e->values);
    e->ready = e->rows.n > 0;
}

static void add_interval(struct da_board_ranking *r, size_t i, const struct entrant *e,
                         uint64_t seed)
{
    double scores[N_RESAMPLES];
    struct da_interval ci;
    if (!e->ready) {
        return;
    }
    da_bootstrap(&e->rows, score_of, &e->layout, N_RESAMPLES, seed, 0, scores);
    da_interval_of(scores, N_RESAMPLES, &ci);
    r->lo[i] = ci.low;
    r->hi[i] = ci.high;
}

/* True when two logs hold the same samples of the tasks a ranking needs. */
static bool line_up(const struct da_board_pool *p, unsigned k, size_t i, size_t j)
{
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        bool needed = k == DA_BOARD_OVERALL ? (p->ranking[k].tasks & (1u << t)) != 0 : t == k;
        if (needed && !da_board_comparable(p->systems[i], p->systems[j], t)) {
            return false;
        }
    }
    return true;
}

static double test_pair(const struct da_board *b, const struct da_board_ranking *r,
                        const struct entrant *x, const struct entrant *y, size_t i, size_t j)
{
    size_t n = b->opts.n_trials;
    double *sx = da_calloc(n, sizeof *sx), *sy = da_calloc(n, sizeof *sy);
    da_randomize(&x->rows, &y->rows, score_of, &x->layout, n, b->opts.seed, 0, sx, sy);
    double p = da_two_sided_p(sx, sy, n, r->score[i] - r->score[j]);
    free(sx);
    free(sy);
    return p;
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

static void test_ranking(struct da_board *b, struct da_board_pool *p, unsigned k)
{
    struct da_board_ranking *r = &p->ranking[k];
    struct entrant *e = da_calloc(p->n, sizeof *e);
    double *values = da_calloc(p->n * (p->n - 1) / 2 + 1, sizeof *values);
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        prepare(b, p, k, i, &e[i]);
        add_interval(r, i, &e[i], b->opts.seed);
    }
    for (size_t i = 0; i < p->n; i++) {
        for (size_t j = i + 1; j < p->n; j++) {
            bool can = e[i].ready && e[j].ready && e[i].layout.width == e[j].layout.width &&
                       line_up(p, k, i, j);
            values[n++] = can ? test_pair(b, r, &e[i], &e[j], i, j) : NAN;
        }
    }
    store(b, r, p->n, values);
    for (size_t i = 0; i < p->n; i++) {
        free(e[i].values);
    }
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
    struct layout l;
    double sum[DA_ROWS_MAX_COLUMNS] = {0};
    *n = 0;
    if (!s->samples || !p->ranking[task].exists || !lay_out(b, p, task, s, &l)) {
        return NAN;
    }
    for (size_t i = 0; i < s->samples->n; i++) {
        const struct da_sample *x = &s->samples->items[i];
        if (x->task != da_board_record_task(task) || !in(x, ctx)) {
            continue;
        }
        for (size_t k = 0; k < l.n_parts; k++) {
            for (size_t c = 0; c < l.parts[k].metric.n; c++) {
                sum[l.parts[k].metric.from + c] += x->stats[l.parts[k].source + c];
            }
        }
        (*n)++;
    }
    return *n ? score_of(&l, sum) : NAN;
}

void da_board_run_tests(struct da_board *b, struct da_board_pool *p)
{
    if (b->opts.n_trials == 0) {
        return;
    }
    for (unsigned k = 0; k < DA_BOARD_N_SCORES; k++) {
        if (p->ranking[k].exists) {
            k == DA_BOARD_INTENT ? test_intents(b, p) : test_ranking(b, p, k);
        }
    }
}
