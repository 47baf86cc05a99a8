/* Reader and writer of the annotation record: see annotation.h. */

#include "schemas/annotation.h"

#include <string.h>

#include "schemas/record.h"

static enum da_rc read_pair(const struct da_json *j, const char *key, struct da_span *request,
                            struct da_span *response, struct da_err *err)
{
    const struct da_json *pair = NULL;
    enum da_rc rc = da_record_object(j, key, &pair, err);
    if (rc != DA_OK)
        return rc;
    rc = da_json_need_str(pair, "request", request, err);
    if (rc == DA_OK && response)
        rc = da_json_need_str(pair, "response", response, err);
    return rc == DA_OK ? rc : da_err_context(err, rc, "%s", key);
}

static enum da_rc read_suggestions(const struct da_json *j, struct da_annotation *a,
                                   struct da_err *err)
{
    const struct da_json *list = da_json_get(da_json_get(j, "question_suggestion"), "response");
    const struct da_json *q;
    if (!list || da_json_type(list) != DA_JSON_ARRAY)
        return da_fail(err, DA_EFORMAT, "question_suggestion: 'response' is not a list");
    for (q = da_json_first(list); q; q = da_json_next(q)) {
        if (a->n_suggestions == DA_MAX_SUGGESTIONS)
            return da_fail(err, DA_ELIMIT, "question_suggestion: more than %d questions",
                           DA_MAX_SUGGESTIONS);
        if (!da_json_str(q, &a->qs_response[a->n_suggestions++]))
            return da_fail(err, DA_EFORMAT, "question_suggestion: question %zu is not a string",
                           a->n_suggestions);
    }
    return DA_OK;
}

enum da_rc da_annotation_read(const struct da_json *j, struct da_annotation *ret,
                              struct da_err *err)
{
    struct da_annotation a;
    enum da_rc rc = da_record_check_kind(j, "annotation", false, err);
    memset(&a, 0, sizeof a);
    a.json = j;
    if (rc == DA_OK)
        rc = da_json_need_str(j, "id", &a.id, err);
    if (rc == DA_OK)
        rc = read_pair(j, "summarization", &a.summ_request, &a.summ_response, err);
    if (rc == DA_OK)
        rc = read_pair(j, "question_suggestion", &a.qs_request, NULL, err);
    if (rc == DA_OK)
        rc = read_suggestions(j, &a, err);
    if (rc == DA_OK)
        rc = read_pair(j, "question_answering", &a.qa_request, &a.qa_response, err);
    if (rc == DA_OK)
        rc = da_record_object(j, "document", &a.document, err);
    if (rc != DA_OK)
        return rc;
    a.checks = da_json_get(j, "checks");
    a.origin = da_json_get(j, "origin");
    *ret = a;
    return DA_OK;
}

static void write_pair(struct da_jw *w, enum da_task task, struct da_span request,
                       struct da_span response)
{
    da_jw_key(w, da_task_name(task));
    da_jw_object(w);
    da_jw_kstr(w, "request", request);
    da_jw_kstr(w, "response", response);
    da_jw_end(w);
}

static void write_suggestions(struct da_jw *w, const struct da_annotation *a)
{
    size_t i;
    da_jw_key(w, da_task_name(DA_TASK_SUGGESTION));
    da_jw_object(w);
    da_jw_kstr(w, "request", a->qs_request);
    da_jw_key(w, "response");
    da_jw_array(w);
    for (i = 0; i < a->n_suggestions; i++)
        da_jw_span(w, a->qs_response[i]);
    da_jw_end(w);
    da_jw_end(w);
}

static void write_optional(struct da_jw *w, const char *key, struct da_span s)
{
    da_jw_key(w, key);
    if (s.p)
        da_jw_span(w, s);
    else
        da_jw_null(w);
}

static void write_origin(struct da_jw *w, const struct da_annotation_origin *o)
{
    da_jw_key(w, "origin");
    da_jw_object(w);
    da_jw_kstr(w, "model", o->model);
    write_optional(w, "snapshot", o->snapshot);
    write_optional(w, "system_fingerprint", o->system_fingerprint);
    write_optional(w, "prompt_sha256", o->prompt_sha256);
    da_jw_key(w, "params");
    da_jw_raw(w, o->params.p ? o->params.p : "{}", o->params.p ? o->params.len : 2);
    da_jw_key(w, "usage");
    if (o->prompt_tokens < 0 || o->completion_tokens < 0) {
        da_jw_null(w);
    } else {
        da_jw_object(w);
        da_jw_kint(w, "prompt_tokens", o->prompt_tokens);
        da_jw_kint(w, "completion_tokens", o->completion_tokens);
        da_jw_end(w);
    }
    da_jw_kcstr(w, "version", da_version());
    da_jw_end(w);
}

void da_annotation_write(const struct da_annotation *a, const struct da_annotation_origin *origin,
                         struct da_span checks, struct da_jw *w)
{
    static const char *const known[] = {"schema",   "id",
                                        "checks",   "summarization",
                                        "origin",   "question_suggestion",
                                        "document", "question_answering"};
    da_jw_object(w);
    da_jw_kcstr(w, "schema", "docassist.annotation/1");
    da_jw_kstr(w, "id", a->id);
    write_pair(w, DA_TASK_SUMMARIZATION, a->summ_request, a->summ_response);
    write_suggestions(w, a);
    write_pair(w, DA_TASK_ANSWERING, a->qa_request, a->qa_response);
    da_jw_key(w, "checks");
    if (checks.p)
        da_jw_raw(w, checks.p, checks.len);
    else if (a->checks)
        da_jw_value(w, a->checks);
    else
        da_jw_raw(w, "{}", 2);
    if (origin)
        write_origin(w, origin);
    else
        da_jw_kvalue(w, "origin", a->origin);
    da_jw_kvalue(w, "document", a->document);
    da_record_write_unknown(w, a->json, known, DA_ARRAY_LEN(known));
    da_jw_end(w);
}
