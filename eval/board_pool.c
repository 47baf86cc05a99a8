/*
 * Which systems may be compared, and on what score (leaderboard.h).
 *
 * A pool is a set of systems with the same data set and, for every metric that
 * two of them share, the same signature (a judge's name is part of one). The
 * ranking score of a task is the mean of the columns that all its systems have:
 * the paper's Average when those are all of the paper's columns, and named as a
 * smaller mean when they are not.
 */

#include <math.h>
#include <string.h>

#include "eval/board.h"

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool fits(const struct da_board_pool *p, const struct da_board_system *s)
{
    const struct da_board_system *first = p->systems[0];
    if (!same_text(first->data_sha256, s->data_sha256) || first->data_n != s->data_n) {
        return false;
    }
    for (size_t i = 0; i < p->n; i++) {
        for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
            for (size_t m = 0; m < DA_BOARD_MAX_METRICS; m++) {
                const struct da_board_value *a = &p->systems[i]->values[t][m];
                const struct da_board_value *b = &s->values[t][m];
                if (a->set && b->set && !same_text(a->signature, b->signature)) {
                    return false;
                }
            }
        }
    }
    return true;
}

static void join(struct da_board_pool *p, struct da_board_system *s)
{
    p->systems[p->n++] = s;
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        for (size_t m = 0; m < DA_BOARD_MAX_METRICS; m++) {
            if (s->values[t][m].set) {
                p->tasks |= 1u << t;
                p->signatures[t][m] = s->values[t][m].signature;
            }
        }
    }
}

static bool has_any(const struct da_board *b, const struct da_board_system *s, unsigned task)
{
    for (size_t m = 0; m < b->n_metrics; m++) {
        if (s->values[task][m].set && (b->metrics[m].averaged & (1u << task))) {
            return true;
        }
    }
    return false;
}

/* Columns of a task's ranking score: those every system has; when they have none in common,
 * those any has. */
static void pick_columns(const struct da_board *b, const struct da_board_pool *p, unsigned task,
                         struct da_board_ranking *r)
{
    size_t n_paper = 0, n_any = 0;
    size_t any[DA_ARRAY_LEN(r->metrics)];
    for (size_t m = 0; m < b->n_metrics; m++) {
        if (!(b->metrics[m].averaged & (1u << task))) {
            continue;
        }
        bool all = true, some = false;
        for (size_t i = 0; i < p->n; i++) {
            if (has_any(b, p->systems[i], task)) {
                all = all && p->systems[i]->values[task][m].set;
                some = some || p->systems[i]->values[task][m].set;
            }
        }
        n_paper++;
        if (some) {
            any[n_any++] = m;
        }
        if (some && all) {
            r->metrics[r->n_metrics++] = m;
        }
    }
    if (r->n_metrics == 0) {
        memcpy(r->metrics, any, n_any * sizeof *any);
        r->n_metrics = n_any;
    }
    r->exists = r->n_metrics > 0;
    r->full = r->n_metrics == n_paper;
}

static void alloc_ranking(struct da_board *b, struct da_board_ranking *r, size_t n)
{
    r->score = da_arena_alloc(&b->arena, n, sizeof *r->score);
    r->lo = da_arena_alloc(&b->arena, n, sizeof *r->lo);
    r->hi = da_arena_alloc(&b->arena, n, sizeof *r->hi);
    r->partial = da_arena_alloc(&b->arena, n, sizeof *r->partial);
    r->rank = da_arena_alloc(&b->arena, n, sizeof *r->rank);
    r->shared = da_arena_alloc(&b->arena, n, sizeof *r->shared);
    for (size_t i = 0; i < n; i++) {
        r->score[i] = r->lo[i] = r->hi[i] = NAN;
    }
}

static double task_score(const struct da_board_system *s, unsigned task,
                         const struct da_board_ranking *r)
{
    double sum = 0;
    for (size_t k = 0; k < r->n_metrics; k++) {
        const struct da_board_value *v = &s->values[task][r->metrics[k]];
        if (!v->set) {
            return NAN;
        }
        sum += v->v;
    }
    return sum / (double)r->n_metrics;
}

/* A system scored on fewer samples than another is shown, but not ranked. */
static void mark_partial(const struct da_board_pool *p, unsigned task, struct da_board_ranking *r)
{
    for (size_t k = 0; k < r->n_metrics; k++) {
        int64_t most = -1;
        for (size_t i = 0; i < p->n; i++) {
            const struct da_board_value *v = &p->systems[i]->values[task][r->metrics[k]];
            most = v->set && v->n > most ? v->n : most;
        }
        for (size_t i = 0; i < p->n; i++) {
            const struct da_board_value *v = &p->systems[i]->values[task][r->metrics[k]];
            r->partial[i] = r->partial[i] || (v->set && v->n < most);
        }
    }
}

static void rank_task(struct da_board *b, struct da_board_pool *p, unsigned task)
{
    struct da_board_ranking *r = &p->ranking[task];
    pick_columns(b, p, task, r);
    alloc_ranking(b, r, p->n);
    for (size_t i = 0; r->exists && i < p->n; i++) {
        r->score[i] = task_score(p->systems[i], task, r);
    }
    if (r->exists) {
        mark_partial(p, task, r);
    }
}

double da_board_overall(const struct da_board *b, const struct da_board_pool *p,
                        const struct da_board_system *s, size_t metric)
{
    double sum = 0;
    unsigned n = 0;
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        if (!(p->tasks & (1u << t)) || !(b->metrics[metric].averaged & (1u << t))) {
            continue;
        }
        if (!s->values[t][metric].set) {
            return NAN;
        }
        sum += s->values[t][metric].v;
        n++;
    }
    return n ? sum / n : NAN;
}

/* Table 5 of the paper: each column is the mean over the tasks that have it, the score the mean
 * of the columns. It needs at least two tasks. */
static void rank_overall(struct da_board *b, struct da_board_pool *p)
{
    struct da_board_ranking *r = &p->ranking[DA_BOARD_OVERALL];
    size_t n_paper = 0;
    unsigned n_tasks = 0;
    alloc_ranking(b, r, p->n);
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        if (p->ranking[t].exists) {
            r->tasks |= 1u << t;
            n_tasks++;
        }
    }
    for (size_t m = 0; m < b->n_metrics; m++) {
        bool all = true, some = false;
        for (size_t i = 0; i < p->n; i++) {
            bool in_all_tasks = true;
            for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
                in_all_tasks =
                    in_all_tasks && (!(r->tasks & (1u << t)) || has_any(b, p->systems[i], t));
            }
            bool set = isfinite(da_board_overall(b, p, p->systems[i], m));
            all = all && (set || !in_all_tasks);
            some = some || (set && in_all_tasks);
        }
        n_paper += b->metrics[m].averaged != 0;
        if (b->metrics[m].averaged && all && some) {
            r->metrics[r->n_metrics++] = m;
        }
    }
    r->exists = n_tasks > 1 && r->n_metrics > 0;
    r->full = n_tasks == DA_BOARD_N_TASKS && r->n_metrics == n_paper;
    for (size_t i = 0; r->exists && i < p->n; i++) {
        double sum = 0;
        for (size_t k = 0; k < r->n_metrics; k++) {
            sum += da_board_overall(b, p, p->systems[i], r->metrics[k]);
        }
        r->score[i] = sum / (double)r->n_metrics;
        for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
            bool needed = (r->tasks & (1u << t)) != 0;
            r->partial[i] = r->partial[i] || (needed && p->ranking[t].partial[i]);
            r->score[i] = needed && isnan(p->ranking[t].score[i]) ? NAN : r->score[i];
        }
    }
}

static void rank_intents(struct da_board *b, struct da_board_pool *p)
{
    struct da_board_ranking *r = &p->ranking[DA_BOARD_INTENT];
    int64_t most = -1;
    alloc_ranking(b, r, p->n);
    for (size_t i = 0; i < p->n; i++) {
        const struct da_board_value *v = &p->systems[i]->intent;
        r->exists = r->exists || v->set;
        r->score[i] = v->set ? v->v : NAN;
        r->lo[i] = v->lo;
        r->hi[i] = v->hi;
        most = v->set && v->n > most ? v->n : most;
    }
    for (size_t i = 0; i < p->n; i++) {
        r->partial[i] = p->systems[i]->intent.set && p->systems[i]->intent.n < most;
    }
}

void da_board_make_pools(struct da_board *b)
{
    b->pools = da_arena_alloc(&b->arena, b->n_systems + 1, sizeof *b->pools);
    for (size_t i = 0; i < b->n_systems; i++) {
        size_t k = 0;
        while (k < b->n_pools && !fits(&b->pools[k], b->systems[i])) {
            k++;
        }
        if (k == b->n_pools) {
            b->n_pools++;
            b->pools[k].systems =
                da_arena_alloc(&b->arena, b->n_systems, sizeof *b->pools[k].systems);
        }
        join(&b->pools[k], b->systems[i]);
    }
    for (size_t k = 0; k < b->n_pools; k++) {
        for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
            rank_task(b, &b->pools[k], t);
        }
        rank_overall(b, &b->pools[k]);
        rank_intents(b, &b->pools[k]);
    }
}
