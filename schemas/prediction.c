/* Reader and writer of the prediction record: see prediction.h. */

#include "schemas/prediction.h"

#include <string.h>

void da_prediction_init(struct da_prediction *p)
{
    memset(p, 0, sizeof *p);
    p->prompt_tokens = p->completion_tokens = -1;
}

/* A member that may be absent or null, but must be a string otherwise. */
static enum da_rc optional_str(const struct da_json *j, const char *key, struct da_span *out,
                               struct da_err *err)
{
    const struct da_json *m = da_json_get(j, key);
    if (!m || da_json_type(m) == DA_JSON_NULL)
        return DA_OK;
    return da_json_need_str(j, key, out, err);
}

enum da_rc da_prediction_read(const struct da_json *j, struct da_prediction *ret,
                              struct da_err *err)
{
    struct da_prediction p;
    const struct da_json *usage;
    struct da_span task = {NULL, 0};
    enum da_rc rc = da_record_check_kind(j, "prediction", true, err);
    da_prediction_init(&p);
    p.json = j;
    if (rc == DA_OK)
        rc = da_json_need_str(j, "id", &p.id, err);
    if (rc == DA_OK)
        rc = optional_str(j, "response", &p.response, err);
    if (rc == DA_OK)
        rc = optional_str(j, "raw", &p.raw, err);
    if (rc == DA_OK && !p.response.p && !p.raw.p)
        rc = da_fail(err, DA_EFORMAT, "a prediction needs 'response' or 'raw'");
    if (rc == DA_OK)
        rc = optional_str(j, "model", &p.model, err);
    if (rc == DA_OK)
        rc = optional_str(j, "intent", &p.intent, err);
    if (rc == DA_OK)
        rc = optional_str(j, "task", &task, err);
    if (rc == DA_OK)
        rc = optional_str(j, "finish_reason", &p.finish_reason, err);
    if (rc != DA_OK)
        return rc;
    p.has_task = task.p && da_task_from_name(task, &p.task);
    usage = da_json_get(j, "usage");
    (void)da_json_int(da_json_get(usage, "prompt_tokens"), &p.prompt_tokens);
    (void)da_json_int(da_json_get(usage, "completion_tokens"), &p.completion_tokens);
    (void)da_json_bool(da_json_get(j, "prompt_truncated"), &p.prompt_truncated);
    p.origin = da_json_get(j, "origin");
    *ret = p;
    return DA_OK;
}

static void write_str(struct da_jw *w, const char *key, struct da_span s)
{
    if (s.p)
        da_jw_kstr(w, key, s);
}

static void write_raw(struct da_jw *w, const char *key, struct da_span text,
                      const struct da_json *old)
{
    if (!text.p && !old)
        return;
    da_jw_key(w, key);
    if (text.p)
        da_jw_raw(w, text.p, text.len);
    else
        da_jw_value(w, old);
}

void da_prediction_write(const struct da_prediction *p, struct da_span origin,
                         struct da_span logprobs, struct da_jw *w)
{
    static const char *const known[] = {"schema", "id",       "task",          "model",
                                        "intent", "response", "raw",           "usage",
                                        "origin", "logprobs", "finish_reason", "prompt_truncated"};
    da_jw_object(w);
    da_jw_kcstr(w, "schema", "docassist.prediction/1");
    da_jw_kstr(w, "id", p->id);
    if (p->has_task)
        da_jw_kcstr(w, "task", da_task_name(p->task));
    write_str(w, "model", p->model);
    da_jw_key(w, "intent");
    if (p->intent.p)
        da_jw_span(w, p->intent);
    else
        da_jw_null(w);
    write_str(w, "response", p->response);
    write_str(w, "raw", p->raw);
    if (p->prompt_tokens >= 0 && p->completion_tokens >= 0) {
        da_jw_key(w, "usage");
        da_jw_object(w);
        da_jw_kint(w, "prompt_tokens", p->prompt_tokens);
        da_jw_kint(w, "completion_tokens", p->completion_tokens);
        da_jw_end(w);
    }
    write_str(w, "finish_reason", p->finish_reason);
    da_jw_kbool(w, "prompt_truncated", p->prompt_truncated);
    write_raw(w, "logprobs", logprobs, da_json_get(p->json, "logprobs"));
    write_raw(w, "origin", origin, p->origin);
    da_record_write_unknown(w, p->json, known, DA_ARRAY_LEN(known));
    da_jw_end(w);
}
