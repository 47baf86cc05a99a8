/* What all records share: see record.h. */

#include "schemas/record.h"

#include <stdio.h>
#include <string.h>

static const char *const task_names[DA_N_TASKS] = {"summarization", "question_suggestion",
                                                   "question_answering"};
static const char *const task_suffixes[DA_N_TASKS] = {"summ", "qs", "qa"};

const char *da_task_name(enum da_task task)
{
    return task_names[task];
}

const char *da_task_suffix(enum da_task task)
{
    return task_suffixes[task];
}

bool da_task_from_name(struct da_span name, enum da_task *ret)
{
    int i;
    for (i = 0; i < DA_N_TASKS; i++) {
        if (da_span_is(name, task_names[i])) {
            *ret = (enum da_task)i;
            return true;
        }
    }
    return false;
}

enum da_rc da_record_check_kind(const struct da_json *j, const char *kind, bool optional,
                                struct da_err *err)
{
    char want[64];
    struct da_span got;
    enum da_rc rc;
    if (da_json_type(j) != DA_JSON_OBJECT)
        return da_fail(err, DA_EFORMAT, "a record must be an object, not %s",
                       da_json_type_name(da_json_type(j)));
    if (optional && !da_json_get(j, "schema"))
        return DA_OK;
    rc = da_json_need_str(j, "schema", &got, err);
    if (rc != DA_OK)
        return rc;
    (void)snprintf(want, sizeof want, "docassist.%s/1", kind);
    if (!da_span_is(got, want))
        return da_fail(err, DA_EFORMAT, "schema is '%.60s' where '%s' is needed", got.p, want);
    return DA_OK;
}

void da_record_write_unknown(struct da_jw *w, const struct da_json *j, const char *const *known,
                             size_t n)
{
    const struct da_json *m;
    for (m = da_json_first(j); m; m = da_json_next(m)) {
        size_t i = 0;
        while (i < n && strcmp(known[i], da_json_key(m)) != 0)
            i++;
        if (i == n)
            da_jw_kvalue(w, da_json_key(m), m);
    }
}

static enum da_rc wrong(const struct da_json *m, const char *key, const char *want,
                        struct da_err *err)
{
    if (!m)
        return da_fail(err, DA_EFORMAT, "member '%s' is missing", key);
    return da_fail(err, DA_EFORMAT, "member '%s' is %s, not %s", key,
                   da_json_type_name(da_json_type(m)), want);
}

enum da_rc da_record_int(const struct da_json *j, const char *key, int64_t *out,
                         struct da_err *err)
{
    const struct da_json *m = da_json_get(j, key);
    return da_json_int(m, out) ? DA_OK : wrong(m, key, "a whole number", err);
}

enum da_rc da_record_bool(const struct da_json *j, const char *key, bool *out,
                          struct da_err *err)
{
    const struct da_json *m = da_json_get(j, key);
    return da_json_bool(m, out) ? DA_OK : wrong(m, key, "a boolean", err);
}

enum da_rc da_record_object(const struct da_json *j, const char *key,
                            const struct da_json **out, struct da_err *err)
{
    const struct da_json *m = da_json_get(j, key);
    if (!m || da_json_type(m) != DA_JSON_OBJECT)
        return wrong(m, key, "an object", err);
    *out = m;
    return DA_OK;
}

const char *da_version(void)
{
    return "docassist " DA_VERSION;
}
