#include "eval/segments.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/jsonl.h"
#include "common/mem.h"
#include "eval/lines.h"
#include "eval/sign.h"

struct da_segments {
    struct da_lines *hyp, *refs[DA_SEGMENTS_MAX_REFS];
    size_t n_refs;
    struct da_jsonl *jsonl;
    bool any;
    int seen_refs;
};

enum da_rc da_segments_open(struct da_segments **ret, const struct da_segment_files *files,
                            struct da_err *err)
{
    struct da_segments *s = da_calloc(1, sizeof *s);
    enum da_rc rc = DA_OK;

    if (files->jsonl) {
        rc = da_jsonl_open(&s->jsonl, files->jsonl, err);
    } else {
        rc = da_lines_open(&s->hyp, files->hyp, DA_EVAL_MAX_TEXT, err);
        for (size_t i = 0; i < files->n_refs && rc == DA_OK; i++) {
            rc = da_lines_open(&s->refs[i], files->refs[i], DA_EVAL_MAX_TEXT, err);
            s->n_refs += rc == DA_OK;
        }
    }
    if (rc == DA_OK)
        *ret = s;
    else
        da_segments_close(s);
    return rc;
}

void da_segments_close(struct da_segments *s)
{
    if (!s)
        return;
    da_lines_close(s->hyp);
    for (size_t i = 0; i < s->n_refs; i++)
        da_lines_close(s->refs[i]);
    da_jsonl_close(s->jsonl);
    free(s);
}

void da_block_init(struct da_block *b)
{
    memset(b, 0, sizeof *b);
    da_arena_init(&b->texts);
}

void da_block_release(struct da_block *b)
{
    da_arena_release(&b->texts);
    b->n = 0;
}

int da_segments_n_refs(const struct da_segments *s)
{
    return s->seen_refs;
}

const char *da_segments_name(const struct da_segments *s)
{
    return s->jsonl ? da_jsonl_name(s->jsonl) : da_lines_name(s->hyp);
}

static struct da_span keep(struct da_block *b, struct da_span t)
{
    return da_span(da_arena_strndup(&b->texts, t.p, t.len), t.len);
}

static void note_refs(struct da_segments *s, size_t n)
{
    if (s->any && s->seen_refs != (int)n)
        s->seen_refs = DA_NREFS_VARIABLE;
    else if (!s->any)
        s->seen_refs = (int)n;
    s->any = true;
}

/* One file ended before another: counts the rest of both, for the message. */
static enum da_rc unequal(struct da_lines *a, struct da_lines *b, struct da_err *err)
{
    struct da_span line;
    bool got = true;

    while (da_lines_next(a, &line, &got, NULL) == DA_OK && got)
        continue;
    for (got = true; da_lines_next(b, &line, &got, NULL) == DA_OK && got;)
        continue;
    return da_fail(err, DA_EMISMATCH, "%s has %" PRIu64 " lines, but %s has %" PRIu64,
                   da_lines_name(a), da_lines_number(a), da_lines_name(b), da_lines_number(b));
}

static enum da_rc next_lines(struct da_segments *s, struct da_block *b, bool *got,
                             struct da_err *err)
{
    struct da_segment *seg = &b->segs[b->n];
    struct da_span line;
    enum da_rc rc = da_lines_next(s->hyp, &line, got, err);

    if (rc != DA_OK)
        return rc;
    struct da_span *refs = da_arena_alloc(&b->texts, s->n_refs, sizeof *refs);
    *seg = (struct da_segment){.refs = refs, .n_refs = s->n_refs};
    if (*got)
        seg->hyp = keep(b, line);
    for (size_t i = 0; i < s->n_refs; i++) {
        bool ref_got;
        rc = da_lines_next(s->refs[i], &line, &ref_got, err);
        if (rc != DA_OK)
            return rc;
        if (ref_got != *got)
            return unequal(s->hyp, s->refs[i], err);
        if (ref_got)
            refs[i] = keep(b, line);
    }
    if (*got)
        note_refs(s, s->n_refs);
    return DA_OK;
}

static enum da_rc text_of(const struct da_json *j, const char *what, struct da_span *out,
                          struct da_err *err)
{
    if (!da_json_str(j, out))
        return da_fail(err, DA_EFORMAT, "'%s' is not a string", what);
    if (out->len > DA_EVAL_MAX_TEXT)
        return da_fail(err, DA_ELIMIT, "'%s' has more than %zu bytes", what, DA_EVAL_MAX_TEXT);
    return DA_OK;
}

static enum da_rc row_of(struct da_segments *s, const struct da_json *j, struct da_block *b,
                         struct da_err *err)
{
    struct da_segment *seg = &b->segs[b->n];
    const struct da_json *list = da_json_get(j, "refs"), *r;
    struct da_span text;
    enum da_rc rc = da_json_need_str(j, "hyp", &text, err);

    if (rc == DA_OK)
        rc = text_of(da_json_get(j, "hyp"), "hyp", &text, err);
    if (rc != DA_OK)
        return rc;
    if (!list || da_json_type(list) != DA_JSON_ARRAY)
        return da_fail(err, DA_EFORMAT, "member 'refs' is missing or is not an array");
    if (da_json_len(list) > DA_SEGMENTS_MAX_REFS)
        return da_fail(err, DA_ELIMIT, "more than %d references", DA_SEGMENTS_MAX_REFS);
    struct da_span *refs = da_arena_alloc(&b->texts, DA_SEGMENTS_MAX_REFS, sizeof *refs);
    *seg = (struct da_segment){.hyp = keep(b, text), .refs = refs};
    for (r = da_json_first(list); r; r = da_json_next(r)) {
        if (da_json_type(r) == DA_JSON_NULL)
            continue;
        if ((rc = text_of(r, "refs", &text, err)) != DA_OK)
            return rc;
        refs[seg->n_refs++] = keep(b, text);
    }
    if (seg->n_refs == 0)
        return da_fail(err, DA_EFORMAT, "there is no reference");
    note_refs(s, seg->n_refs);
    return DA_OK;
}

static enum da_rc next_row(struct da_segments *s, struct da_block *b, bool *got,
                           struct da_err *err)
{
    struct da_json *j = NULL;
    enum da_rc rc = da_jsonl_next(s->jsonl, &j, err);

    *got = j != NULL;
    if (rc != DA_OK || !j)
        return rc;
    rc = row_of(s, j, b, err);
    da_json_free(j);
    return rc == DA_OK ? rc : da_jsonl_fail(s->jsonl, err);
}

enum da_rc da_segments_next(struct da_segments *s, struct da_block *b, struct da_err *err)
{
    bool got = true;

    b->n = 0;
    da_arena_reset(&b->texts);
    while (b->n < DA_SEGMENTS_BLOCK) {
        enum da_rc rc = s->jsonl ? next_row(s, b, &got, err) : next_lines(s, b, &got, err);
        if (rc != DA_OK)
            return rc;
        if (!got)
            break;
        b->n++;
    }
    return DA_OK;
}
