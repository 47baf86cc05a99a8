/* The score record of a set of samples: see evaluate.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "eval/evaluate.h"
#include "eval/exact_sum.h"
#include "eval/resample.h"
#include "schemas/score.h"

enum { OTHER = DA_N_TASKS, MALFORMED, N_LABELS };

/* The task's rows one after the other. Returns their number. */
static size_t rows_of(const struct da_samples *s, enum da_task task, double **rows)
{
    size_t n = 0, k = s->n_stats[task];

    *rows = da_calloc(s->n * (k ? k : 1) + 1, sizeof **rows);
    for (size_t i = 0; i < s->n; i++)
        if (s->items[i].task == task)
            memcpy(*rows + n++ * k, s->items[i].stats, k * sizeof **rows);
    return n;
}

struct scoring {
    struct da_samples_metric m; /* with its columns first */
};

static double score_sum(const void *ctx, const double *sum)
{
    const struct scoring *s = ctx;
    return da_samples_score(&s->m, sum);
}

static void exact_columns(const double *rows, size_t n, size_t stride, size_t from, size_t k,
                          double *sum)
{
    double *column = da_calloc(n ? n : 1, sizeof *column);

    for (size_t c = 0; c < k; c++) {
        for (size_t i = 0; i < n; i++)
            column[i] = rows[i * stride + from + c];
        sum[c] = da_exact_sum(column, n);
    }
    free(column);
}

static int64_t n_defined(const struct da_samples_metric *m, const double *rows, size_t n,
                         size_t stride)
{
    int64_t k = 0;

    if (m->form != DA_FORM_MEAN)
        return (int64_t)n;
    for (size_t i = 0; i < n; i++)
        k += rows[i * stride + m->from + 1] > 0;
    return k;
}

static void value_of(const struct da_samples_metric *m, const double *rows, size_t n,
                     size_t stride, const struct da_record_opts *o, struct da_score_value *v)
{
    double sum[DA_ROWS_MAX_COLUMNS];
    struct scoring scoring = {*m};

    scoring.m.from = 0;
    exact_columns(rows, n, stride, m->from, m->n, sum);
    *v = (struct da_score_value){.name = m->name, .signature = m->signature};
    v->value = score_sum(&scoring, sum);
    v->n = n_defined(m, rows, n, stride);
    if (o->n_bootstrap == 0 || v->n < 2 || isnan(v->value))
        return;
    const struct da_rows r = {rows + m->from, n, m->n, stride};
    struct da_interval ci;
    double *scores = da_calloc(o->n_bootstrap, sizeof *scores);
    da_bootstrap(&r, score_sum, &scoring, o->n_bootstrap, o->seed, o->n_threads, scores);
    da_interval_of(scores, o->n_bootstrap, &ci);
    v->has_ci = !isnan(ci.low);
    v->ci_low = ci.low;
    v->ci_high = ci.high;
    free(scores);
}

/* --- intent ----------------------------------------------------------------- */

struct intents {
    uint64_t count[DA_N_TASKS][N_LABELS];
    uint64_t n, n_right, n_strict;
};

static const char *label_name(unsigned label)
{
    if (label < DA_N_TASKS)
        return da_task_name((enum da_task)label);
    return label == OTHER ? "other" : "malformed";
}

static void count_intents(const struct da_samples *s, struct intents *t)
{
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < s->n; i++) {
        const struct da_sample *x = &s->items[i];
        if (!x->has_intent)
            continue;
        unsigned label = x->predicted.p ? (unsigned)da_intent_task(x->predicted) : MALFORMED;
        t->count[x->task][label]++;
        t->n++;
        t->n_right += label == (unsigned)x->task;
        t->n_strict += label == (unsigned)x->task && x->strict;
    }
}

static void write_confusion(const struct intents *t, struct da_buf *out)
{
    struct da_jw w;

    da_jw_init(&w, out);
    da_jw_object(&w);
    for (unsigned e = 0; e < DA_N_TASKS; e++) {
        uint64_t n = 0;
        for (unsigned p = 0; p < N_LABELS; p++)
            n += t->count[e][p];
        if (n == 0)
            continue;
        da_jw_key(&w, label_name(e));
        da_jw_object(&w);
        for (unsigned p = 0; p < N_LABELS; p++) {
            if (p >= DA_N_TASKS && t->count[e][p] == 0)
                continue;
            da_jw_key(&w, label_name(p));
            da_jw_uint(&w, t->count[e][p]);
        }
        da_jw_end(&w);
    }
    da_jw_end(&w);
}

static double ratio(uint64_t a, uint64_t b)
{
    return b ? (double)a / (double)b : NAN;
}

/* Strict: the reply had exactly the trained form. Per class: precision and recall. */
static void write_detail(const struct intents *t, struct da_buf *out)
{
    struct da_jw w;
    uint64_t malformed = 0;

    for (unsigned e = 0; e < DA_N_TASKS; e++)
        malformed += t->count[e][MALFORMED];
    da_jw_init(&w, out);
    da_jw_object(&w);
    da_jw_key(&w, "n");
    da_jw_uint(&w, t->n);
    da_jw_kdouble(&w, "strict_accuracy", ratio(t->n_strict, t->n));
    da_jw_key(&w, "malformed");
    da_jw_uint(&w, malformed);
    da_jw_key(&w, "classes");
    da_jw_object(&w);
    for (unsigned c = 0; c < DA_N_TASKS; c++) {
        uint64_t said = 0, is = 0;
        for (unsigned e = 0; e < DA_N_TASKS; e++)
            said += t->count[e][c];
        for (unsigned p = 0; p < N_LABELS; p++)
            is += t->count[c][p];
        if (said == 0 && is == 0)
            continue;
        da_jw_key(&w, label_name(c));
        da_jw_object(&w);
        da_jw_kdouble(&w, "precision", ratio(t->count[c][c], said));
        da_jw_kdouble(&w, "recall", ratio(t->count[c][c], is));
        da_jw_end(&w);
    }
    da_jw_end(&w);
    da_jw_end(&w);
}

static void intent_value(const struct intents *t, struct da_score_value *v)
{
    v->value = ratio(t->n_right, t->n);
    v->n = (int64_t)t->n;
    v->has_ci = t->n > 0;
    if (t->n)
        da_wilson(t->n_right, t->n, &v->ci_low, &v->ci_high);
}

/* The samples' origin with how the intervals were made. */
static void write_origin(const struct da_samples *s, const struct da_record_opts *o,
                         struct da_buf *out)
{
    da_buf_add(out, s->origin.p, s->origin.len - 1); /* without its closing brace */
    da_buf_addf(out, "%s\"bootstrap\":{\"n\":%zu,\"seed\":%llu}}", s->origin.len > 2 ? "," : "",
                o->n_bootstrap, (unsigned long long)o->seed);
}

void da_samples_record(const struct da_samples *s, const struct da_record_opts *opts,
                       struct da_buf *out)
{
    struct da_score r = {.model = s->model, .dataset_sha256 = s->dataset_sha256,
                         .dataset_n = s->dataset_n, .n_scored = (int64_t)s->n,
                         .n_total = s->dataset_n, .per_sample_path = opts->log_path,
                         .per_sample_sha256 = opts->log_sha256};
    struct intents intents;
    struct da_buf confusion, detail, origin;
    struct da_jw w;

    da_buf_init(&confusion, 0);
    da_buf_init(&detail, 0);
    da_buf_init(&origin, 0);
    for (unsigned t = 0; t < DA_N_TASKS; t++) {
        double *rows;
        size_t n = rows_of(s, (enum da_task)t, &rows);
        r.n_metrics[t] = s->n_metrics[t];
        r.metrics[t] = da_calloc(r.n_metrics[t] + 1, sizeof *r.metrics[t]);
        for (size_t i = 0; i < r.n_metrics[t]; i++)
            value_of(&s->metrics[t][i], rows, n, s->n_stats[t], opts, &r.metrics[t][i]);
        free(rows);
    }
    count_intents(s, &intents);
    intent_value(&intents, &r.intent);
    write_confusion(&intents, &confusion);
    write_detail(&intents, &detail);
    write_origin(s, opts, &origin);
    r.intent_detail = da_span(detail.p, detail.len);
    da_jw_init(&w, out);
    da_score_write(&r, da_span(confusion.p, confusion.len), da_span(origin.p, origin.len), &w);
    da_buf_add_char(out, '\n');
    da_score_release(&r);
    da_buf_release(&confusion);
    da_buf_release(&detail);
    da_buf_release(&origin);
}
