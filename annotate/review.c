/* Review sheets and agreement: see the header. */

#include "annotate/review.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/csvrow.h"
#include "common/hash.h"
#include "common/io.h"
#include "common/json.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/utf8.h"

#define MAX_SHEET ((size_t)1 << 30)

enum column {
    COL_ID,
    COL_SPLIT,
    COL_TASK,
    COL_DOCUMENT,
    COL_REQUEST,
    COL_RESPONSE,
    COL_FAITHFUL,
    COL_HELPFUL,
    COL_COMMENT,
    N_COLUMNS
};

static const char *const column_names[N_COLUMNS] = {
    "id", "split", "task", "document", "request", "response", "faithful", "helpful", "comment",
};

/* --- the sample ------------------------------------------------------------------ */

struct row {
    uint64_t hash;
    char *line; /* owned; the CSV row */
    size_t len;
};

struct da_review {
    struct row *rows; /* [n], a heap with the largest hash on top */
    size_t n, max;
    uint64_t seed;
};

struct da_review *da_review_new(size_t n, uint64_t seed)
{
    struct da_review *r = da_calloc(1, sizeof *r);
    r->max = n;
    r->seed = seed;
    r->rows = da_calloc(n ? n : 1, sizeof *r->rows);
    return r;
}

void da_review_free(struct da_review *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++)
        free(r->rows[i].line);
    free(r->rows);
    free(r);
}

static void swap(struct row *a, struct row *b)
{
    struct row t = *a;
    *a = *b;
    *b = t;
}

static void sift_up(struct row *h, size_t i)
{
    for (; i > 0 && h[(i - 1) / 2].hash < h[i].hash; i = (i - 1) / 2)
        swap(&h[i], &h[(i - 1) / 2]);
}

static void sift_down(struct row *h, size_t n)
{
    for (size_t i = 0, k; (k = 2 * i + 1) < n; i = k) {
        if (k + 1 < n && h[k + 1].hash > h[k].hash)
            k++;
        if (h[i].hash >= h[k].hash)
            break;
        swap(&h[i], &h[k]);
    }
}

static void make_line(const struct da_example *e, struct row *row)
{
    struct da_buf b;
    da_buf_init(&b, 0);
    da_csvrow_add(&b, e->id, 1);
    da_csvrow_add(&b, e->split, 0);
    da_csvrow_add(&b, da_span_str(da_task_name(e->task)), 0);
    da_csvrow_add(&b, e->document, 0);
    da_csvrow_add(&b, e->request, 0);
    da_csvrow_add(&b, e->response, 0);
    da_buf_add_str(&b, ",,,");
    da_csvrow_end_row(&b);
    row->line = da_buf_take(&b, &row->len);
}

void da_review_offer(struct da_review *r, const struct da_example *e)
{
    struct row row = {.hash = da_hash64(e->id.p, e->id.len, r->seed)};
    if (r->max == 0 || (r->n == r->max && row.hash >= r->rows[0].hash))
        return;
    make_line(e, &row);
    if (r->n < r->max) {
        r->rows[r->n++] = row;
        sift_up(r->rows, r->n - 1);
    } else {
        free(r->rows[0].line);
        r->rows[0] = row;
        sift_down(r->rows, r->n);
    }
}

static int by_hash(const void *a, const void *b)
{
    const struct row *const *x = a, *const *y = b;
    return ((*x)->hash > (*y)->hash) - ((*x)->hash < (*y)->hash);
}

void da_review_write(const struct da_review *r, struct da_buf *out)
{
    const struct row **sorted = da_calloc(r->n ? r->n : 1, sizeof *sorted);
    for (size_t i = 0; i < r->n; i++)
        sorted[i] = &r->rows[i];
    if (r->n > 0)
        qsort(sorted, r->n, sizeof *sorted, by_hash);
    da_buf_add_str(out, "\xEF\xBB\xBF"); /* spreadsheets take the file as UTF-8 only with it */
    for (int k = 0; k < N_COLUMNS; k++)
        da_csvrow_add(out, da_span_str(column_names[k]), k == 0);
    da_csvrow_end_row(out);
    for (size_t i = 0; i < r->n; i++)
        da_buf_add(out, sorted[i]->line, sorted[i]->len);
    free(sorted);
}

/* --- agreement ------------------------------------------------------------------- */

/* What the values of one unit contribute: their disagreement, over pairs in both orders. */
static double disagreement(const double *v, size_t n, int interval)
{
    double d = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++)
            d += interval ? (v[i] - v[k]) * (v[i] - v[k]) : v[i] != v[k];
    }
    return d;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The same over all n values at once, without looking at every pair. */
static double expected_disagreement(double *v, size_t n, int interval)
{
    double sum = 0, squares = 0, equal = 0;
    if (n > 0)
        qsort(v, n, sizeof *v, by_value);
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && v[j] == v[i]; j++)
            ;
        double m = (double)(j - i);
        sum += m * v[i];
        squares += m * v[i] * v[i];
        equal += m * m;
    }
    double all = (double)n;
    return interval ? 2 * (all * squares - sum * sum) : all * all - equal;
}

double da_krippendorff(const double *values, size_t n_units, size_t n_raters, int interval)
{
    double *pairable = da_calloc(n_units * n_raters + 1, sizeof *pairable);
    double observed = 0;
    size_t n = 0;
    for (size_t u = 0; u < n_units; u++) {
        size_t m = 0; /* values of this unit; kept only when there are two */
        for (size_t i = 0; i < n_raters; i++) {
            double v = values[u * n_raters + i];
            if (!isnan(v))
                pairable[n + m++] = v;
        }
        if (m < 2)
            continue;
        observed += disagreement(pairable + n, m, interval) / (double)(m - 1);
        n += m;
    }
    double expected = expected_disagreement(pairable, n, interval);
    free(pairable);
    return expected > 0 ? 1 - ((double)n - 1) * observed / expected : NAN;
}

/* Ratings of all reviewers. */
struct ratings {
    struct da_map ids;                     /* id -> unit */
    enum da_task *tasks;                   /* [ids.n] */
    double *values[DA_REVIEW_N_QUESTIONS]; /* [ids.n][n_raters] */
    size_t cap, n_raters;
};

static size_t unit_of(struct ratings *r, struct da_span id, enum da_task task)
{
    bool is_new;
    uint64_t *at = da_map_add(&r->ids, id.p, id.len, &is_new);
    if (!is_new)
        return (size_t)*at;
    size_t unit = r->ids.n - 1;
    *at = unit;
    if (unit == r->cap) {
        r->cap = da_grow_cap(r->cap, unit + 1);
        r->tasks = da_realloc_array(r->tasks, r->cap, sizeof *r->tasks);
        for (int q = 0; q < DA_REVIEW_N_QUESTIONS; q++)
            r->values[q] =
                da_realloc_array(r->values[q], r->cap * r->n_raters, sizeof *r->values[q]);
    }
    r->tasks[unit] = task;
    for (int q = 0; q < DA_REVIEW_N_QUESTIONS; q++) {
        for (size_t k = 0; k < r->n_raters; k++)
            r->values[q][unit * r->n_raters + k] = NAN;
    }
    return unit;
}

static bool same_word(struct da_span s, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i < s.len && i < n; i++) {
        if ((s.p[i] | 0x20) != (word[i] | 0x20))
            return false;
    }
    return s.len == n;
}

static bool read_faithful(struct da_span s, double *ret)
{
    static const char *const yes[] = {"yes", "y", "1", "true"};
    static const char *const no[] = {"no", "n", "0", "false"};
    for (size_t i = 0; i < DA_ARRAY_LEN(yes); i++) {
        if (same_word(s, yes[i]) || same_word(s, no[i])) {
            *ret = same_word(s, yes[i]);
            return true;
        }
    }
    return false;
}

static bool read_helpful(struct da_span s, double *ret)
{
    if (s.len != 1 || s.p[0] < '1' || s.p[0] > '5')
        return false;
    *ret = s.p[0] - '0';
    return true;
}

static enum da_rc read_rating(struct ratings *r, const struct da_csvrow *c, const int at[N_COLUMNS],
                              size_t rater, struct da_err *err)
{
    struct da_span f[N_COLUMNS];
    enum da_task task;
    double v;
    for (int k = 0; k < N_COLUMNS; k++)
        f[k] = at[k] >= 0 && (size_t)at[k] < c->n ? da_span_trim(c->items[at[k]]) : da_span("", 0);
    if (f[COL_ID].len == 0)
        return da_fail(err, DA_EFORMAT, "row %lu: 'id' is empty", c->row);
    if (!da_task_from_name(f[COL_TASK], &task))
        return da_fail(err, DA_EFORMAT, "row %lu: there is no task '%.40s'", c->row, f[COL_TASK].p);
    size_t at_unit = unit_of(r, f[COL_ID], task) * r->n_raters + rater;
    if (f[COL_FAITHFUL].len > 0) {
        if (!read_faithful(f[COL_FAITHFUL], &v))
            return da_fail(err, DA_EFORMAT, "row %lu: faithful '%.40s' is neither yes nor no",
                           c->row, f[COL_FAITHFUL].p);
        r->values[DA_REVIEW_FAITHFUL][at_unit] = v;
    }
    if (f[COL_HELPFUL].len > 0) {
        if (!read_helpful(f[COL_HELPFUL], &v))
            return da_fail(err, DA_EFORMAT, "row %lu: helpful '%.40s' is not a number from 1 to 5",
                           c->row, f[COL_HELPFUL].p);
        r->values[DA_REVIEW_HELPFUL][at_unit] = v;
    }
    return DA_OK;
}

static enum da_rc read_header(struct da_csvrow *c, int at[N_COLUMNS], struct da_err *err)
{
    static const enum column needed[] = {COL_ID, COL_TASK, COL_FAITHFUL, COL_HELPFUL};
    enum da_rc rc = da_csvrow_next(c, err);
    for (int k = 0; k < N_COLUMNS; k++) {
        at[k] = -1;
        for (size_t i = 0; i < c->n; i++) {
            if (same_word(da_span_trim(c->items[i]), column_names[k]))
                at[k] = (int)i;
        }
    }
    for (size_t i = 0; i < DA_ARRAY_LEN(needed) && !rc; i++) {
        if (at[needed[i]] < 0)
            rc = da_fail(err, DA_EFORMAT, "there is no column '%s'", column_names[needed[i]]);
    }
    return rc;
}

static enum da_rc read_sheet(struct ratings *r, const char *path, size_t rater, struct da_err *err)
{
    struct da_buf file;
    struct da_csvrow c;
    int at[N_COLUMNS];
    da_buf_init(&file, 0);
    enum da_rc rc = da_io_read_file(path, MAX_SHEET, &file, err);
    if (rc) {
        da_buf_release(&file);
        return rc;
    }
    da_csvrow_init(&c, file.p, file.len);
    if (!da_utf8_valid(file.p, file.len))
        rc = da_fail(err, DA_EFORMAT, "the text is not UTF-8; save the sheet as 'CSV UTF-8'");
    if (!rc)
        rc = read_header(&c, at, err);
    while (!rc && !(rc = da_csvrow_next(&c, err)) && c.n > 0)
        rc = read_rating(r, &c, at, rater, err);
    if (rc)
        da_err_context(err, rc, "%s", path);
    da_csvrow_release(&c);
    da_buf_release(&file);
    return rc;
}

/* Figures of one question over the units of a task (DA_N_TASKS: all). */
static void figure(const struct ratings *r, int task, int q, struct da_review_figures *f)
{
    double *part = da_calloc(r->ids.n * r->n_raters + 1, sizeof *part);
    double sum = 0, n = 0, equal = 0, pairs = 0;
    size_t units = 0;
    memset(f, 0, sizeof *f);
    for (size_t u = 0; u < r->ids.n; u++) {
        if (task != DA_N_TASKS && r->tasks[u] != (enum da_task)task)
            continue;
        const double *v = r->values[q] + u * r->n_raters;
        size_t m = 0;
        for (size_t i = 0; i < r->n_raters; i++) {
            part[units * r->n_raters + i] = v[i];
            if (isnan(v[i]))
                continue;
            m++;
            sum += v[i];
            for (size_t k = 0; k < i; k++) {
                pairs += !isnan(v[k]);
                equal += v[k] == v[i];
            }
        }
        n += (double)m;
        f->n_rated += m > 0;
        f->n_shared += m > 1;
        units++;
    }
    f->mean = n > 0 ? sum / n : NAN;
    f->agreement = pairs > 0 ? equal / pairs : NAN;
    f->alpha = da_krippendorff(part, units, r->n_raters, q == DA_REVIEW_HELPFUL);
    free(part);
}

enum da_rc da_review_read(const char *const *paths, size_t n, struct da_review_report *ret,
                          struct da_err *err)
{
    struct ratings r = {.n_raters = n};
    enum da_rc rc = DA_OK;
    if (n > DA_REVIEW_MAX_REVIEWERS)
        return da_fail(err, DA_EUSAGE, "more than %d reviewers", DA_REVIEW_MAX_REVIEWERS);
    da_map_init(&r.ids);
    for (size_t i = 0; i < n && !rc; i++)
        rc = read_sheet(&r, paths[i], i, err);
    if (!rc && r.ids.n > DA_REVIEW_MAX_SAMPLE)
        rc = da_fail(err, DA_ELIMIT, "more than %d examples", DA_REVIEW_MAX_SAMPLE);
    if (!rc) {
        ret->n_reviewers = n;
        for (int t = 0; t <= DA_N_TASKS; t++) {
            for (int q = 0; q < DA_REVIEW_N_QUESTIONS; q++)
                figure(&r, t, q, &ret->figures[t][q]);
        }
    }
    for (int q = 0; q < DA_REVIEW_N_QUESTIONS; q++)
        free(r.values[q]);
    free(r.tasks);
    da_map_release(&r.ids);
    return rc;
}
