/* Reader and writer of the score record: see score.h. */

#include "schemas/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

static enum da_rc read_value(const struct da_json *j, const char *value_key,
                             struct da_score_value *v, struct da_err *err)
{
    const struct da_json *value = da_json_get(j, value_key), *ci = da_json_get(j, "ci95");
    if (!value)
        return da_fail(err, DA_EFORMAT, "member '%s' is missing", value_key);
    v->value = NAN;
    if (da_json_type(value) != DA_JSON_NULL && !da_json_double(value, &v->value))
        return da_fail(err, DA_EFORMAT, "member '%s' is not a number", value_key);
    v->has_ci = da_json_double(da_json_at(ci, 0), &v->ci_low) &&
                da_json_double(da_json_at(ci, 1), &v->ci_high);
    v->signature = da_span("", 0);
    (void)da_json_str(da_json_get(j, "signature"), &v->signature);
    (void)da_json_int(da_json_get(j, "n"), &v->n);
    return DA_OK;
}

static enum da_rc read_task(const struct da_json *tasks, enum da_task task, struct da_score *s,
                            struct da_err *err)
{
    const struct da_json *t = da_json_get(tasks, da_task_name(task)), *m;
    size_t i = 0;
    s->n_metrics[task] = da_json_len(t);
    s->metrics[task] = da_calloc(s->n_metrics[task], sizeof *s->metrics[task]);
    for (m = da_json_first(t); m; m = da_json_next(m), i++) {
        struct da_score_value *v = &s->metrics[task][i];
        enum da_rc rc = read_value(m, "value", v, err);
        if (rc != DA_OK)
            return da_err_context(err, rc, "%s: %s", da_task_name(task), da_json_key(m));
        v->name = da_span_str(da_json_key(m));
    }
    return DA_OK;
}

static enum da_rc read_parts(const struct da_json *j, struct da_score *s, struct da_err *err)
{
    const struct da_json *part = NULL;
    enum da_rc rc = da_json_need_str(j, "model", &s->model, err);
    int t;
    if (rc == DA_OK)
        rc = da_record_object(j, "dataset", &part, err);
    if (rc == DA_OK)
        rc = da_json_need_str(part, "sha256", &s->dataset_sha256, err);
    if (rc == DA_OK)
        rc = da_record_int(part, "n", &s->dataset_n, err);
    if (rc == DA_OK)
        rc = da_record_object(j, "tasks", &part, err);
    for (t = 0; t < DA_N_TASKS && rc == DA_OK; t++)
        rc = read_task(part, (enum da_task)t, s, err);
    if (rc == DA_OK)
        rc = da_record_object(j, "intent", &part, err);
    if (rc == DA_OK)
        rc = read_value(part, "accuracy", &s->intent, err);
    if (rc == DA_OK)
        rc = da_record_int(j, "n_scored", &s->n_scored, err);
    if (rc == DA_OK)
        rc = da_record_int(j, "n_total", &s->n_total, err);
    return rc;
}

enum da_rc da_score_read(const struct da_json *j, struct da_score *ret, struct da_err *err)
{
    struct da_score s;
    const struct da_json *log;
    enum da_rc rc = da_record_check_kind(j, "score", false, err);
    memset(&s, 0, sizeof s);
    s.json = j;
    if (rc == DA_OK)
        rc = read_parts(j, &s, err);
    if (rc != DA_OK) {
        da_score_release(&s);
        return rc;
    }
    log = da_json_get(j, "per_sample");
    (void)da_json_str(da_json_get(log, "path"), &s.per_sample_path);
    (void)da_json_str(da_json_get(log, "sha256"), &s.per_sample_sha256);
    s.confusion = da_json_get(da_json_get(j, "intent"), "confusion");
    s.origin = da_json_get(j, "origin");
    *ret = s;
    return DA_OK;
}

void da_score_release(struct da_score *s)
{
    int t;
    if (!s)
        return;
    for (t = 0; t < DA_N_TASKS; t++) {
        free(s->metrics[t]);
        s->metrics[t] = NULL;
        s->n_metrics[t] = 0;
    }
}

static void write_ci(struct da_jw *w, const struct da_score_value *v)
{
    da_jw_key(w, "ci95");
    if (!v->has_ci) {
        da_jw_null(w);
        return;
    }
    da_jw_array(w);
    da_jw_double(w, v->ci_low);
    da_jw_double(w, v->ci_high);
    da_jw_end(w);
}

static void write_task(struct da_jw *w, const struct da_score *s, enum da_task task)
{
    size_t i;
    if (s->n_metrics[task] == 0)
        return;
    da_jw_key(w, da_task_name(task));
    da_jw_object(w);
    for (i = 0; i < s->n_metrics[task]; i++) {
        const struct da_score_value *v = &s->metrics[task][i];
        char name[64];
        size_t len = v->name.len < sizeof name - 1 ? v->name.len : sizeof name - 1;
        memcpy(name, v->name.p, len);
        name[len] = 0;
        da_jw_key(w, name);
        da_jw_object(w);
        da_jw_kdouble(w, "value", v->value);
        write_ci(w, v);
        da_jw_kint(w, "n", v->n);
        da_jw_kstr(w, "signature", v->signature);
        da_jw_end(w);
    }
    da_jw_end(w);
}

static void write_text_or(struct da_jw *w, const char *key, struct da_span text,
                          const struct da_json *old)
{
    da_jw_key(w, key);
    if (text.p)
        da_jw_raw(w, text.p, text.len);
    else if (old)
        da_jw_value(w, old);
    else
        da_jw_raw(w, "{}", 2);
}

void da_score_write(const struct da_score *s, struct da_span confusion, struct da_span origin,
                    struct da_jw *w)
{
    static const char *const known[] = {"schema",   "model",   "dataset",    "tasks", "intent",
                                        "n_scored", "n_total", "per_sample", "origin"};
    const struct da_json *detail = da_json_get(da_json_get(s->json, "intent"), "detail");
    int t;
    da_jw_object(w);
    da_jw_kcstr(w, "schema", "docassist.score/1");
    da_jw_kstr(w, "model", s->model);
    da_jw_key(w, "dataset");
    da_jw_object(w);
    da_jw_kstr(w, "sha256", s->dataset_sha256);
    da_jw_kint(w, "n", s->dataset_n);
    da_jw_end(w);
    da_jw_key(w, "tasks");
    da_jw_object(w);
    for (t = 0; t < DA_N_TASKS; t++)
        write_task(w, s, (enum da_task)t);
    da_jw_end(w);
    da_jw_key(w, "intent");
    da_jw_object(w);
    da_jw_kdouble(w, "accuracy", s->intent.value);
    write_ci(w, &s->intent);
    write_text_or(w, "confusion", confusion, s->confusion);
    if (s->intent_detail.p || detail)
        write_text_or(w, "detail", s->intent_detail, detail);
    da_jw_end(w);
    da_jw_kint(w, "n_scored", s->n_scored);
    da_jw_kint(w, "n_total", s->n_total);
    da_jw_key(w, "per_sample");
    if (s->per_sample_path.p) {
        da_jw_object(w);
        da_jw_kstr(w, "path", s->per_sample_path);
        da_jw_kstr(w, "sha256", s->per_sample_sha256);
        da_jw_end(w);
    } else {
        da_jw_null(w);
    }
    write_text_or(w, "origin", origin, s->origin);
    da_record_write_unknown(w, s->json, known, DA_ARRAY_LEN(known));
    da_jw_end(w);
}

const struct da_score_value *da_score_find(const struct da_score *s, enum da_task task,
                                           const char *name)
{
    size_t i;
    for (i = 0; i < s->n_metrics[task]; i++)
        if (da_span_is(s->metrics[task][i].name, name))
            return &s->metrics[task][i];
    return NULL;
}
