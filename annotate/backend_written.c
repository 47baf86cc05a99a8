/* Annotations from a file: see the header. */

#include "annotate/backend_written.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/hash.h"
#include "common/jsonl.h"
#include "common/map.h"
#include "common/mem.h"
#include "schemas/record.h"

struct written {
    struct da_backend base;
    struct da_buf identity;
    char *name;
    struct da_map rows; /* path -> index into answers */
    struct da_answers *answers;
    size_t n, cap;
    struct da_arena arena; /* holds the texts */
};

static struct da_span keep(struct written *x, struct da_span s)
{
    return da_span(da_arena_strndup(&x->arena, s.p, s.len), s.len);
}

/* row[task].member, a non-empty string. */
static enum da_rc read_text(struct written *x, const struct da_json *row, enum da_task task,
                            const char *member, struct da_span *ret, struct da_err *err)
{
    const struct da_json *j = da_json_get(row, da_task_name(task));
    struct da_span s;
    if (!j)
        return da_fail(err, DA_EFORMAT, "member '%s' is missing", da_task_name(task));
    enum da_rc rc = da_json_need_str(j, member, &s, err);
    if (rc)
        return da_err_context(err, rc, "%s", da_task_name(task));
    s = da_span_trim(s);
    if (s.len == 0)
        return da_fail(err, DA_EFORMAT, "%s: '%s' is empty", da_task_name(task), member);
    *ret = keep(x, s);
    return DA_OK;
}

static enum da_rc read_questions(struct written *x, const struct da_json *row, struct da_answers *a,
                                 struct da_err *err)
{
    const char *task = da_task_name(DA_TASK_SUGGESTION);
    const struct da_json *list = da_json_get(da_json_get(row, task), "response");
    if (!list || da_json_type(list) != DA_JSON_ARRAY || da_json_len(list) == 0 ||
        da_json_len(list) > DA_ANSWERS_MAX_QUESTIONS)
        return da_fail(err, DA_EFORMAT, "%s: 'response' must be an array of 1 to %d questions",
                       task, DA_ANSWERS_MAX_QUESTIONS);
    for (const struct da_json *q = da_json_first(list); q; q = da_json_next(q)) {
        struct da_span s;
        if (!da_json_str(q, &s) || da_span_trim(s).len == 0)
            return da_fail(err, DA_EFORMAT, "%s: a question is no text", task);
        a->qs_response[a->n_qs++] = keep(x, da_span_trim(s));
    }
    return DA_OK;
}

static enum da_rc read_row(struct written *x, const struct da_json *row, struct da_err *err)
{
    struct da_answers a = {0};
    struct da_span path;
    bool is_new;
    enum da_rc rc = da_json_need_str(row, "path", &path, err);
    if (!rc)
        rc = read_text(x, row, DA_TASK_SUMMARIZATION, "request", &a.summ_request, err);
    if (!rc)
        rc = read_text(x, row, DA_TASK_SUMMARIZATION, "response", &a.summ_response, err);
    if (!rc)
        rc = read_text(x, row, DA_TASK_SUGGESTION, "request", &a.qs_request, err);
    if (!rc)
        rc = read_questions(x, row, &a, err);
    if (!rc)
        rc = read_text(x, row, DA_TASK_ANSWERING, "request", &a.qa_request, err);
    if (!rc)
        rc = read_text(x, row, DA_TASK_ANSWERING, "response", &a.qa_response, err);
    if (rc)
        return rc;
    uint64_t *slot = da_map_add(&x->rows, path.p, path.len, &is_new);
    if (!is_new)
        return da_fail(err, DA_EFORMAT, "path '%.200s' has a row already", path.p);
    *slot = x->n;
    DA_GROW(x->answers, x->n, x->cap);
    x->answers[x->n++] = a;
    return DA_OK;
}

static enum da_rc read_rows(struct written *x, const char *path, struct da_sha256 *hash,
                            struct da_err *err)
{
    struct da_jsonl *in = NULL;
    enum da_rc rc = da_jsonl_open(&in, path, err);
    while (!rc) {
        struct da_span line;
        struct da_json *row = NULL;
        rc = da_jsonl_next_line(in, &line, err);
        if (rc || line.len == 0)
            break;
        da_sha256_add(hash, line.p, line.len);
        da_sha256_add(hash, "\n", 1);
        if (da_json_parse(line.p, line.len, &row, err) || read_row(x, row, err))
            rc = da_jsonl_fail(in, err);
        da_json_free(row);
    }
    da_jsonl_close(in);
    return rc;
}

static enum da_rc annotate(struct da_backend *b, const struct da_ann_doc *doc,
                           struct da_arena *arena, struct da_ann_result *res, struct da_err *err)
{
    struct written *x = (struct written *)b;
    const uint64_t *row = da_map_get(&x->rows, doc->path.p ? doc->path.p : "", doc->path.len);
    (void)arena;
    (void)err;
    if (!row) {
        res->failure = "not_written";
        res->detail = da_span_str("the file of written annotations has no row for this path");
        return DA_OK;
    }
    res->answers = x->answers[*row];
    res->origin.model = da_span_str(x->name);
    return DA_OK;
}

static void release(struct da_backend *b)
{
    struct written *x = (struct written *)b;
    da_arena_release(&x->arena);
    free(x->answers);
    da_map_release(&x->rows);
    free(x->name);
    da_buf_release(&x->identity);
    free(x);
}

enum da_rc da_backend_written_new(struct da_backend **ret, const char *path, const char *name,
                                  struct da_err *err)
{
    struct written *x = da_calloc(1, sizeof *x);
    struct da_sha256 hash;
    unsigned char digest[DA_SHA256_LEN];
    char hex[DA_SHA256_HEX_LEN + 1];
    da_buf_init(&x->identity, 0);
    da_map_init(&x->rows);
    da_arena_init(&x->arena);
    x->name = da_strdup(name ? name : "written");
    da_sha256_init(&hash);
    enum da_rc rc = read_rows(x, path, &hash, err);
    if (rc) {
        release(&x->base);
        return rc;
    }
    da_sha256_end(&hash, digest);
    da_hex(digest, sizeof digest, hex);
    da_buf_addf(&x->identity, "written:%s:%s", x->name, hex);
    x->base = (struct da_backend){
        .name = "written", .identity = x->identity.p, .annotate = annotate, .free = release};
    *ret = &x->base;
    return DA_OK;
}
