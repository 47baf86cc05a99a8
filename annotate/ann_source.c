/* Document records from JSON Lines, read for what annotating needs. */

#include "annotate/ann_source.h"

#include <stdlib.h>

#include "common/jsonl.h"
#include "common/mem.h"
#include "schemas/record.h"

struct da_ann_source {
    struct da_jsonl *in;
    struct da_json *record; /* of the last document */
};

enum da_rc da_ann_source_open(struct da_ann_source **ret, const char *path, struct da_err *err)
{
    struct da_ann_source *s = da_calloc(1, sizeof *s);
    enum da_rc rc = da_jsonl_open(&s->in, path, err);
    if (rc) {
        free(s);
        return rc;
    }
    *ret = s;
    return DA_OK;
}

void da_ann_source_close(struct da_ann_source *s)
{
    if (!s)
        return;
    da_json_free(s->record);
    da_jsonl_close(s->in);
    free(s);
}

static enum da_rc read_members(const struct da_json *j, struct da_ann_doc *d, struct da_err *err)
{
    enum da_rc rc = da_record_check_kind(j, "document", true, err);
    if (!rc)
        rc = da_json_need_str(j, "id", &d->id, err);
    if (!rc && d->id.len == 0)
        rc = da_fail(err, DA_EFORMAT, "member 'id' is empty");
    if (!rc)
        rc = da_json_need_str(j, "text", &d->text, err);
    if (rc)
        return rc;
    (void)da_json_str(da_json_get(j, "title"), &d->title);
    (void)da_json_str(da_json_get(da_json_get(j, "source"), "path"), &d->path);
    (void)da_json_str(da_json_get(da_json_get(j, "language"), "code"), &d->language);
    if (!da_json_int(da_json_get(j, "n_tokens"), &d->n_tokens) || d->n_tokens < 0)
        d->n_tokens = -1;
    return DA_OK;
}

enum da_rc da_ann_source_next(struct da_ann_source *s, struct da_ann_doc *doc, struct da_err *err)
{
    struct da_span none = {"", 0};
    struct da_ann_doc d = {.id = none,
                           .text = none,
                           .title = none,
                           .path = none,
                           .language = none,
                           .line = none,
                           .n_tokens = -1};
    da_json_free(s->record);
    s->record = NULL;
    enum da_rc rc = da_jsonl_next_line(s->in, &d.line, err);
    if (rc)
        return rc;
    if (d.line.len == 0) {
        *doc = d;
        return DA_OK;
    }
    rc = da_json_parse(d.line.p, d.line.len, &s->record, err);
    if (!rc)
        rc = read_members(s->record, &d, err);
    if (rc)
        return da_jsonl_fail(s->in, err);
    d.json = s->record;
    d.line_number = da_jsonl_line_number(s->in);
    *doc = d;
    return DA_OK;
}
