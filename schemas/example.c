/* Reader and writer of the example record: see example.h. */

#include "schemas/example.h"

#include <string.h>

enum da_rc da_example_read(const struct da_json *j, struct da_example *ret, struct da_err *err)
{
    struct da_example e;
    struct da_span task;
    enum da_rc rc = da_record_check_kind(j, "example", false, err);
    memset(&e, 0, sizeof e);
    e.json = j;
    if (rc == DA_OK)
        rc = da_json_need_str(j, "id", &e.id, err);
    if (rc == DA_OK)
        rc = da_json_need_str(j, "doc_id", &e.doc_id, err);
    if (rc == DA_OK)
        rc = da_json_need_str(j, "task", &task, err);
    if (rc == DA_OK && !da_task_from_name(task, &e.task))
        rc = da_fail(err, DA_EFORMAT, "task '%.60s' is not one of the three", task.p);
    if (rc == DA_OK)
        rc = da_json_need_str(j, "document", &e.document, err);
    if (rc == DA_OK)
        rc = da_json_need_str(j, "request", &e.request, err);
    if (rc == DA_OK)
        rc = da_json_need_str(j, "response", &e.response, err);
    if (rc == DA_OK)
        rc = da_json_need_str(j, "split", &e.split, err);
    if (rc != DA_OK)
        return rc;
    e.messages = da_json_get(j, "messages");
    *ret = e;
    return DA_OK;
}

void da_example_write(const struct da_example *e, struct da_span messages, struct da_jw *w)
{
    static const char *const known[] = {"schema",  "id",       "doc_id",   "task", "document",
                                        "request", "response", "messages", "split"};
    da_jw_object(w);
    da_jw_kcstr(w, "schema", "docassist.example/1");
    da_jw_kstr(w, "id", e->id);
    da_jw_kstr(w, "doc_id", e->doc_id);
    da_jw_kcstr(w, "task", da_task_name(e->task));
    da_jw_kstr(w, "document", e->document);
    da_jw_kstr(w, "request", e->request);
    da_jw_kstr(w, "response", e->response);
    da_jw_key(w, "messages");
    if (messages.p)
        da_jw_raw(w, messages.p, messages.len);
    else
        da_jw_value(w, e->messages);
    da_jw_kstr(w, "split", e->split);
    da_record_write_unknown(w, e->json, known, DA_ARRAY_LEN(known));
    da_jw_end(w);
}

void da_questions_format(struct da_buf *out, const struct da_span *questions, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        da_buf_addf(out, "%s%zu. %.*s", i ? "\n" : "", i + 1, (int)questions[i].len,
                    questions[i].p);
}

/* A line without its bullet or number. */
static struct da_span strip_marker(struct da_span line)
{
    size_t i = 0;
    line = da_span_trim(line);
    while (i < line.len && line.p[i] >= '0' && line.p[i] <= '9')
        i++;
    if (i && i < line.len && (line.p[i] == '.' || line.p[i] == ')'))
        i++;
    else if (line.len && (line.p[0] == '-' || line.p[0] == '*'))
        i = 1;
    else
        i = 0;
    return da_span_trim(da_span(line.p + i, line.len - i));
}

size_t da_questions_parse(struct da_span text, struct da_span *questions, size_t max)
{
    struct da_span line;
    size_t n = 0;
    while (n < max && da_span_split(&text, '\n', &line)) {
        line = strip_marker(line);
        if (line.len)
            questions[n++] = line;
    }
    return n;
}
