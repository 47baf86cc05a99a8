/* The per-sample log: see samples.h and README.md. */
#include "eval/samples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/attr.h"
#include "common/buf.h"
#include "common/jsonl.h"
#include "common/mem.h"
#include "eval/bleu.h"
#include "eval/bleu_hf.h"

#define SCHEMA "docassist.samples/1"

enum { BLEU_ORDER = 4 };

static const char *const FORMS[] = {"mean", "bleu", "bleu_hf"};

void da_samples_init(struct da_samples *s)
{
    memset(s, 0, sizeof *s);
    da_arena_init(&s->arena);
}

void da_samples_release(struct da_samples *s)
{
    if (!s)
        return;
    free(s->items);
    da_arena_release(&s->arena);
    da_samples_init(s);
}

double da_samples_score(const struct da_samples_metric *m, const double *sum)
{
    const double *v = sum + m->from;
    struct da_bleu_score b;
    struct da_bleu_hf_score h;
    struct da_bleu_opts o;

    switch (m->form) {
    case DA_FORM_BLEU:
        da_bleu_defaults(&o);
        da_bleu_score(&o, v, &b);
        return b.score * m->scale;
    case DA_FORM_BLEU_HF:
        da_bleu_hf_score(&(struct da_bleu_hf_opts){.max_order = BLEU_ORDER}, v, &h);
        return h.score * m->scale;
    case DA_FORM_MEAN:
        break;
    }
    return v[1] > 0 ? v[0] / v[1] * m->scale : NAN;
}

const struct da_samples_metric *da_samples_metric(const struct da_samples *s, enum da_task task,
                                                  const char *name)
{
    for (size_t i = 0; i < s->n_metrics[task]; i++)
        if (da_span_is(s->metrics[task][i].name, name))
            return &s->metrics[task][i];
    return NULL;
}

/* --- writing ---------------------------------------------------------------- */

static void write_header(const struct da_samples *s, struct da_jw *w)
{
    da_jw_object(w);
    da_jw_kcstr(w, "schema", SCHEMA);
    da_jw_kstr(w, "model", s->model);
    da_jw_key(w, "dataset");
    da_jw_object(w);
    da_jw_kstr(w, "sha256", s->dataset_sha256);
    da_jw_kint(w, "n", s->dataset_n);
    da_jw_end(w);
    da_jw_key(w, "origin");
    da_jw_raw(w, s->origin.p, s->origin.len);
    da_jw_key(w, "tasks");
    da_jw_object(w);
    for (unsigned t = 0; t < DA_N_TASKS; t++) {
        if (s->n_metrics[t] == 0)
            continue;
        da_jw_key(w, da_task_name((enum da_task)t));
        da_jw_array(w);
        for (size_t i = 0; i < s->n_metrics[t]; i++) {
            const struct da_samples_metric *m = &s->metrics[t][i];
            da_jw_object(w);
            da_jw_kstr(w, "name", m->name);
            da_jw_kint(w, "from", (int64_t)m->from);
            da_jw_kint(w, "n", (int64_t)m->n);
            da_jw_kcstr(w, "form", FORMS[m->form]);
            da_jw_kdouble(w, "scale", m->scale);
            da_jw_kstr(w, "signature", m->signature);
            da_jw_end(w);
        }
        da_jw_end(w);
    }
    da_jw_end(w);
    da_jw_end(w);
}

static void write_intent(const struct da_sample *x, struct da_jw *w)
{
    da_jw_key(w, "intent");
    if (!x->has_intent) {
        da_jw_null(w);
        return;
    }
    da_jw_object(w);
    da_jw_kcstr(w, "expected", da_task_name(x->task));
    da_jw_key(w, "predicted");
    if (x->predicted.p)
        da_jw_span(w, x->predicted);
    else
        da_jw_null(w);
    da_jw_kbool(w, "strict", x->strict);
    da_jw_end(w);
}

static void write_sample(const struct da_samples *s, const struct da_sample *x, struct da_jw *w)
{
    char name[64];

    da_jw_object(w);
    da_jw_kstr(w, "id", x->id);
    da_jw_kcstr(w, "task", da_task_name(x->task));
    da_jw_kstr(w, "sha256", x->sha256);
    da_jw_kstr(w, "request", x->request);
    da_jw_kstr(w, "ref", x->ref);
    da_jw_kstr(w, "hyp", x->hyp);
    write_intent(x, w);
    da_jw_kint(w, "doc_words", x->doc_words);
    da_jw_kint(w, "hyp_words", x->hyp_words);
    da_jw_kint(w, "ref_words", x->ref_words);
    da_jw_key(w, "stats");
    da_jw_array(w);
    for (size_t i = 0; i < s->n_stats[x->task]; i++)
        da_jw_double(w, x->stats[i]);
    da_jw_end(w);
    da_jw_key(w, "scores");
    da_jw_object(w);
    for (size_t i = 0; i < s->n_metrics[x->task]; i++) {
        struct da_span n = s->metrics[x->task][i].name;
        (void)snprintf(name, sizeof name, "%.*s", (int)n.len, n.p);
        da_jw_kdouble(w, name, x->scores[i]);
    }
    da_jw_end(w);
    da_jw_end(w);
}

void da_samples_write(const struct da_samples *s, struct da_buf *out)
{
    struct da_jw w;

    da_jw_init(&w, out);
    write_header(s, &w);
    da_buf_add_char(out, '\n');
    for (size_t i = 0; i < s->n; i++) {
        da_jw_init(&w, out);
        write_sample(s, &s->items[i], &w);
        da_buf_add_char(out, '\n');
    }
}

/* --- reading ---------------------------------------------------------------- */

static struct da_span keep(struct da_samples *s, struct da_span text)
{
    return da_span(da_arena_strndup(&s->arena, text.p, text.len), text.len);
}

static enum da_rc need_kept(struct da_samples *s, const struct da_json *j, const char *key,
                            struct da_span *out, struct da_err *err)
{
    enum da_rc rc = da_json_need_str(j, key, out, err);
    if (rc == DA_OK)
        *out = keep(s, *out);
    return rc;
}

static enum da_rc read_metric(struct da_samples *s, enum da_task task, const struct da_json *j,
                              struct da_err *err)
{
    struct da_samples_metric *m = &s->metrics[task][s->n_metrics[task]];
    struct da_span form;
    int64_t from = 0, n = 0;
    enum da_rc rc;

    if (s->n_metrics[task] == DA_SAMPLES_MAX_METRICS)
        return da_fail(err, DA_ELIMIT, "more than %d metrics", DA_SAMPLES_MAX_METRICS);
    if ((rc = need_kept(s, j, "name", &m->name, err)) != DA_OK ||
        (rc = da_json_need_str(j, "form", &form, err)) != DA_OK ||
        (rc = need_kept(s, j, "signature", &m->signature, err)) != DA_OK ||
        (rc = da_record_int(j, "from", &from, err)) != DA_OK ||
        (rc = da_record_int(j, "n", &n, err)) != DA_OK)
        return rc;
    size_t f = 0;
    while (f < DA_ARRAY_LEN(FORMS) && !da_span_is(form, FORMS[f]))
        f++;
    if (f == DA_ARRAY_LEN(FORMS))
        return da_fail(err, DA_EFORMAT, "metric '%s': no form '%s'", m->name.p, form.p);
    m->form = (enum da_stat_form)f;
    int64_t columns = m->form == DA_FORM_MEAN ? 2 : 2 + 2 * BLEU_ORDER;
    if (from < 0 || n != columns || from > DA_SAMPLES_MAX_STATS - n)
        return da_fail(err, DA_EFORMAT, "metric '%s': bad columns", m->name.p);
    if (!da_json_double(da_json_get(j, "scale"), &m->scale))
        return da_fail(err, DA_EFORMAT, "metric '%s': 'scale' is not a number", m->name.p);
    m->from = (size_t)from;
    m->n = (size_t)n;
    if (m->from + m->n > s->n_stats[task])
        s->n_stats[task] = m->from + m->n;
    s->n_metrics[task]++;
    return DA_OK;
}

static void keep_json(struct da_samples *s, const struct da_json *j, struct da_span *out)
{
    struct da_buf text;
    struct da_jw w;

    da_buf_init(&text, 0);
    da_jw_init(&w, &text);
    da_jw_value(&w, j);
    *out = keep(s, da_span(text.p, text.len));
    da_buf_release(&text);
}

static enum da_rc read_header(struct da_samples *s, const struct da_json *j, struct da_err *err)
{
    const struct da_json *part, *task, *m;
    enum da_rc rc = da_record_check_kind(j, "samples", false, err);

    if (rc != DA_OK || (rc = need_kept(s, j, "model", &s->model, err)) != DA_OK ||
        (rc = da_record_object(j, "dataset", &part, err)) != DA_OK ||
        (rc = need_kept(s, part, "sha256", &s->dataset_sha256, err)) != DA_OK ||
        (rc = da_record_int(part, "n", &s->dataset_n, err)) != DA_OK ||
        (rc = da_record_object(j, "origin", &task, err)) != DA_OK ||
        (rc = da_record_object(j, "tasks", &part, err)) != DA_OK)
        return rc;
    keep_json(s, task, &s->origin);
    for (task = da_json_first(part); task; task = da_json_next(task)) {
        enum da_task t;
        if (!da_task_from_name(da_span_str(da_json_key(task)), &t))
            return da_fail(err, DA_EFORMAT, "there is no task '%s'", da_json_key(task));
        for (m = da_json_first(task); m; m = da_json_next(m))
            if ((rc = read_metric(s, t, m, err)) != DA_OK)
                return rc;
    }
    return DA_OK;
}

static void read_intent(struct da_samples *s, const struct da_json *j, struct da_sample *x)
{
    struct da_span predicted;

    x->has_intent = j && da_json_type(j) == DA_JSON_OBJECT;
    if (!x->has_intent)
        return;
    if (da_json_str(da_json_get(j, "predicted"), &predicted))
        x->predicted = keep(s, predicted);
    (void)da_json_bool(da_json_get(j, "strict"), &x->strict);
}

static enum da_rc read_numbers(struct da_samples *s, const struct da_json *j, struct da_sample *x,
                               struct da_err *err)
{
    const struct da_json *stats = da_json_get(j, "stats"), *scores = da_json_get(j, "scores"), *v;
    size_t n = s->n_stats[x->task], i = 0;

    if (da_json_len(stats) != n)
        return da_fail(err, DA_EFORMAT, "'stats' has %zu numbers, the header says %zu",
                       da_json_len(stats), n);
    x->stats = da_arena_alloc(&s->arena, n ? n : 1, sizeof *x->stats);
    for (v = da_json_first(stats); v; v = da_json_next(v), i++)
        if (!da_json_double(v, &x->stats[i]))
            return da_fail(err, DA_EFORMAT, "'stats' holds something that is not a number");
    x->scores = da_arena_alloc(&s->arena, s->n_metrics[x->task] + 1, sizeof *x->scores);
    for (i = 0; i < s->n_metrics[x->task]; i++)
        if (!da_json_double(da_json_get(scores, s->metrics[x->task][i].name.p), &x->scores[i]))
            x->scores[i] = NAN;
    return DA_OK;
}

static enum da_rc read_sample(struct da_samples *s, const struct da_json *j, struct da_err *err)
{
    struct da_sample x = {.doc_words = 0};
    struct da_span task;
    enum da_rc rc;

    if ((rc = need_kept(s, j, "id", &x.id, err)) != DA_OK ||
        (rc = da_json_need_str(j, "task", &task, err)) != DA_OK ||
        (rc = need_kept(s, j, "sha256", &x.sha256, err)) != DA_OK ||
        (rc = need_kept(s, j, "request", &x.request, err)) != DA_OK ||
        (rc = need_kept(s, j, "ref", &x.ref, err)) != DA_OK ||
        (rc = need_kept(s, j, "hyp", &x.hyp, err)) != DA_OK ||
        (rc = da_record_int(j, "doc_words", &x.doc_words, err)) != DA_OK ||
        (rc = da_record_int(j, "hyp_words", &x.hyp_words, err)) != DA_OK ||
        (rc = da_record_int(j, "ref_words", &x.ref_words, err)) != DA_OK)
        return rc;
    if (!da_task_from_name(task, &x.task))
        return da_fail(err, DA_EFORMAT, "there is no task '%s'", task.p);
    if (s->n > 0 && strcmp(s->items[s->n - 1].id.p, x.id.p) >= 0)
        return da_fail(err, DA_EFORMAT, "id '%s' stands after '%s'", x.id.p,
                       s->items[s->n - 1].id.p);
    read_intent(s, da_json_get(j, "intent"), &x);
    if ((rc = read_numbers(s, j, &x, err)) != DA_OK)
        return rc;
    DA_GROW(s->items, s->n, s->cap);
    s->items[s->n++] = x;
    return DA_OK;
}

enum da_rc da_samples_read(const char *path, struct da_samples *ret, struct da_err *err)
{
    struct da_jsonl *in = NULL;
    struct da_json *j = NULL;
    struct da_samples s;
    enum da_rc rc = da_jsonl_open(&in, path, err);
    bool head = true;

    da_samples_init(&s);
    while (rc == DA_OK && (rc = da_jsonl_next(in, &j, err)) == DA_OK && j) {
        rc = head ? read_header(&s, j, err) : read_sample(&s, j, err);
        head = false;
        da_json_free(j);
        if (rc != DA_OK)
            rc = da_jsonl_fail(in, err);
    }
    if (rc == DA_OK && head)
        rc = da_fail(err, DA_EFORMAT, "%s: empty, there is no header", path);
    da_jsonl_close(in);
    if (rc == DA_OK)
        *ret = s;
    else
        da_samples_release(&s);
    return rc;
}
