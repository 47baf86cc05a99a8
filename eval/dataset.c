#include "eval/dataset.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/jsonl.h"
#include "common/mem.h"
#include "eval/work.h"
#include "schemas/example.h"
#include "schemas/prediction.h"

enum { NAMED = 5 }; /* ids that an error lists */

static struct da_span keep(struct da_arena *a, struct da_span s)
{
    return da_span(da_arena_strndup(a, s.p, s.len), s.len);
}

/* A list of ids for an error: at most NAMED of them and how many there are. */
struct id_list {
    char text[512];
    size_t len, n;
};

static void list_add(struct id_list *l, struct da_span id)
{
    if (l->n++ < NAMED && l->len < sizeof l->text - 1) {
        int k = snprintf(l->text + l->len, sizeof l->text - l->len, "%s'%.*s'",
                         l->len ? ", " : "", id.len > 80 ? 80 : (int)id.len, id.p);
        l->len += k > 0 ? (size_t)k : 0;
        if (l->len > sizeof l->text - 1)
            l->len = sizeof l->text - 1;
    }
}

static const char *list_more(const struct id_list *l)
{
    return l->n > NAMED ? ", ..." : "";
}

/* The document's text in d, one copy however many examples are about it. */
static struct da_span keep_document(struct da_dataset *d, struct da_span text)
{
    uint64_t *value = da_map_add(&d->documents, text.p, text.len, NULL);
    const char *entry = (const char *)value - offsetof(struct da_map_entry, value);

    return ((const struct da_map_entry *)(const void *)entry)->key;
}

static void hash_part(struct da_sha256 *h, struct da_span s)
{
    char len[32];
    int n = snprintf(len, sizeof len, "%zu:", s.len);

    da_sha256_add(h, len, (size_t)n);
    da_sha256_add(h, s.p, s.len);
}

static void hash_example(struct da_eval_example *x)
{
    struct da_sha256 h;
    unsigned char sum[DA_SHA256_LEN];

    da_sha256_init(&h);
    hash_part(&h, x->id);
    hash_part(&h, da_span_str(da_task_name(x->task)));
    hash_part(&h, x->document);
    hash_part(&h, x->request);
    hash_part(&h, x->response);
    da_sha256_end(&h, sum);
    da_hex(sum, sizeof sum, x->sha256);
}

static enum da_rc check_length(struct da_span text, const char *what, struct da_err *err)
{
    if (text.len > DA_EVAL_MAX_TEXT)
        return da_fail(err, DA_ELIMIT, "'%s' has %zu bytes, more than %zu", what, text.len,
                       DA_EVAL_MAX_TEXT);
    return DA_OK;
}

static enum da_rc add_example(struct da_dataset *d, const struct da_json *j, uint64_t line,
                              struct da_map *lines, struct da_err *err)
{
    struct da_example e;
    bool is_new;
    enum da_rc rc = da_example_read(j, &e, err);

    if (rc == DA_OK)
        rc = check_length(e.response, "response", err);
    if (rc != DA_OK)
        return rc;
    uint64_t *first = da_map_add(lines, e.id.p, e.id.len, &is_new);
    if (!is_new)
        return da_fail(err, DA_EMISMATCH, "id '%.200s' stands on line %" PRIu64 " already", e.id.p,
                       *first);
    *first = line;
    DA_GROW(d->items, d->n, d->cap);
    struct da_eval_example *x = &d->items[d->n++];
    *x = (struct da_eval_example){
        .id = keep(&d->arena, e.id), .task = e.task, .document = keep_document(d, e.document),
        .request = keep(&d->arena, e.request), .response = keep(&d->arena, e.response)};
    hash_example(x);
    return DA_OK;
}

static int by_id(const void *a, const void *b)
{
    const struct da_eval_example *x = a, *y = b;
    return strcmp(x->id.p, y->id.p);
}

static void index_examples(struct da_dataset *d)
{
    struct da_sha256 h;
    unsigned char sum[DA_SHA256_LEN];

    qsort(d->items, d->n, sizeof *d->items, by_id);
    da_sha256_init(&h);
    for (size_t i = 0; i < d->n; i++) {
        *da_map_add(&d->by_id, d->items[i].id.p, d->items[i].id.len, NULL) = i;
        da_sha256_add(&h, d->items[i].sha256, DA_SHA256_HEX_LEN);
    }
    da_sha256_end(&h, sum);
    da_hex(sum, sizeof sum, d->sha256);
}

enum da_rc da_dataset_open(struct da_dataset **ret, const char *path, struct da_err *err)
{
    struct da_dataset *d = da_calloc(1, sizeof *d);
    struct da_jsonl *in = NULL;
    struct da_json *j = NULL;
    struct da_map lines;
    enum da_rc rc = da_jsonl_open(&in, path, err);

    da_arena_init(&d->arena);
    da_map_init(&d->by_id);
    da_map_init(&d->documents);
    da_map_init(&lines);
    while (rc == DA_OK && (rc = da_jsonl_next(in, &j, err)) == DA_OK && j) {
        rc = add_example(d, j, da_jsonl_line_number(in), &lines, err);
        da_json_free(j);
        if (rc != DA_OK)
            rc = da_jsonl_fail(in, err);
    }
    if (rc == DA_OK && d->n == 0)
        rc = da_fail(err, DA_EFORMAT, "%s: no examples in it", path);
    da_map_release(&lines);
    da_jsonl_close(in);
    if (rc != DA_OK) {
        da_dataset_close(d);
        return rc;
    }
    index_examples(d);
    *ret = d;
    return DA_OK;
}

void da_dataset_close(struct da_dataset *d)
{
    if (!d)
        return;
    free(d->items);
    da_map_release(&d->by_id);
    da_map_release(&d->documents);
    da_arena_release(&d->arena);
    free(d);
}

/* --- predictions ------------------------------------------------------------ */

static struct da_span keep_if(struct da_arena *a, struct da_span s)
{
    return s.p ? keep(a, s) : s;
}

static void keep_origin(struct da_predictions *p, const struct da_json *origin)
{
    struct da_buf text;
    struct da_jw w;

    da_buf_init(&text, 0);
    da_jw_init(&w, &text);
    da_jw_value(&w, origin);
    p->origin = keep(&p->arena, da_span(text.p, text.len));
    da_buf_release(&text);
}

static enum da_rc set_model(struct da_predictions *p, const struct da_prediction *r,
                            struct da_err *err)
{
    if (!r->model.p || (p->model.p && da_span_eq(p->model, r->model)))
        return DA_OK;
    if (p->model.p)
        return da_fail(err, DA_EMISMATCH, "model '%.100s', but an earlier line says '%.100s'",
                       r->model.p, p->model.p);
    p->model = keep(&p->arena, r->model);
    return DA_OK;
}

static enum da_rc add_prediction(const struct da_dataset *d, struct da_predictions *p,
                                 const struct da_json *j, uint64_t line, size_t *origin_of,
                                 struct id_list *unknown, struct da_err *err)
{
    struct da_prediction r;
    enum da_rc rc = da_prediction_read(j, &r, err);

    if (rc == DA_OK && r.response.p)
        rc = check_length(r.response, "response", err);
    if (rc == DA_OK && r.raw.p)
        rc = check_length(r.raw, "raw", err);
    if (rc == DA_OK)
        rc = set_model(p, &r, err);
    if (rc != DA_OK)
        return rc;
    uint64_t *at = da_map_get(&d->by_id, r.id.p, r.id.len);
    if (!at) {
        list_add(unknown, r.id);
        return DA_OK;
    }
    struct da_eval_prediction *x = &p->items[*at];
    if (x->line)
        return da_fail(err, DA_EMISMATCH, "id '%.200s' stands on line %zu already", r.id.p,
                       x->line);
    if (r.has_task && r.task != d->items[*at].task)
        return da_fail(err, DA_EMISMATCH, "id '%.200s': task %s, but the example's is %s", r.id.p,
                       da_task_name(r.task), da_task_name(d->items[*at].task));
    x->line = (size_t)line;
    x->response = keep_if(&p->arena, r.response);
    x->raw = keep_if(&p->arena, r.raw);
    x->intent = keep_if(&p->arena, r.intent);
    p->n_found++;
    if (r.origin && *at < *origin_of) {
        keep_origin(p, r.origin);
        *origin_of = *at;
    }
    return DA_OK;
}

static enum da_rc check_complete(const struct da_dataset *d, const struct da_predictions *p,
                                 const char *path, bool partial, const struct id_list *unknown,
                                 struct da_err *err)
{
    struct id_list missing = {.n = 0};

    if (unknown->n)
        return da_fail(err, DA_EMISMATCH, "%s: %zu predictions have no example: %s%s", path,
                       unknown->n, unknown->text, list_more(unknown));
    for (size_t i = 0; i < d->n; i++)
        if (!p->items[i].line)
            list_add(&missing, d->items[i].id);
    if (missing.n == d->n)
        return da_fail(err, DA_EFORMAT, "%s: no predictions in it", path);
    if (missing.n && !partial)
        return da_fail(err, DA_EMISMATCH, "%s: %zu examples have no prediction: %s%s", path,
                       missing.n, missing.text, list_more(&missing));
    return DA_OK;
}

enum da_rc da_predictions_read(const struct da_dataset *d, const char *path, bool partial,
                               struct da_predictions *ret, struct da_err *err)
{
    struct da_predictions p = {.n_found = 0};
    struct id_list unknown = {.n = 0};
    struct da_jsonl *in = NULL;
    struct da_json *j = NULL;
    size_t origin_of = SIZE_MAX;
    enum da_rc rc = da_jsonl_open(&in, path, err);

    da_arena_init(&p.arena);
    p.items = da_calloc(d->n, sizeof *p.items);
    while (rc == DA_OK && (rc = da_jsonl_next(in, &j, err)) == DA_OK && j) {
        rc = add_prediction(d, &p, j, da_jsonl_line_number(in), &origin_of, &unknown, err);
        da_json_free(j);
        if (rc != DA_OK)
            rc = da_jsonl_fail(in, err);
    }
    da_jsonl_close(in);
    if (rc == DA_OK)
        rc = check_complete(d, &p, path, partial, &unknown, err);
    if (rc == DA_OK)
        *ret = p;
    else
        da_predictions_release(&p);
    return rc;
}

void da_predictions_release(struct da_predictions *p)
{
    free(p->items);
    da_arena_release(&p->arena);
    p->items = NULL;
}
