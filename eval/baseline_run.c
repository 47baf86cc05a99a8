/* Examples in, a baseline's predictions out. */

#include <string.h>

#include "common/hash.h"
#include "common/jsonl.h"
#include "common/resume.h"
#include "eval/baseline.h"
#include "schemas/prediction.h"

enum { OUT, ERRORS };

struct run {
    enum da_baseline_kind kind;
    struct da_baseline *baseline;
    const struct da_generate_run *o;
    struct da_generate_stats *stats;
    struct da_resume *out;
    struct da_buf origin, response, record;
};

static void make_origin(struct run *r)
{
    struct da_jw w;
    da_jw_init(&w, &r->origin);
    da_jw_object(&w);
    da_jw_kcstr(&w, "baseline", da_baseline_name(r->kind));
    da_jw_kcstr(&w, "version", da_version());
    da_jw_end(&w);
}

static enum da_rc open_output(struct run *r, struct da_err *err)
{
    char hash[DA_SHA256_HEX_LEN + 1];
    struct da_buf b;
    da_buf_init(&b, 0);
    da_buf_addf(&b, "baseline %s %llu", r->origin.p, (unsigned long long)r->o->limit);
    da_sha256_hex(b.p, b.len, hash);
    da_buf_release(&b);
    struct da_resume_opts o = {
        .paths = {r->o->output, r->o->errors}, .options_hash = hash, .restart = r->o->restart};
    return da_resume_open(&r->out, &o, err);
}

static enum da_rc write_failure(struct run *r, const struct da_example *e, struct da_err *err)
{
    struct da_jw w;
    da_buf_reset(&r->record);
    da_jw_init(&w, &r->record);
    da_jw_object(&w);
    da_jw_kstr(&w, "id", e->id);
    da_jw_kcstr(&w, "status", "failed");
    da_jw_kcstr(&w, "detail", "the document has no usable text");
    da_jw_end(&w);
    da_buf_add_char(&r->record, '\n');
    r->stats->n_failed++;
    if (!r->o->errors)
        da_log_msg(r->o->log, DA_LOG_WARN, "%.*s: the document has no usable text", (int)e->id.len,
                   e->id.p);
    enum da_rc rc = da_resume_write(r->out, ERRORS, r->record.p, r->record.len, err);
    return rc ? rc : da_resume_commit(r->out, e->id, "failed", err);
}

static enum da_rc predict(struct run *r, const struct da_example *e, struct da_err *err)
{
    struct da_prediction p;
    struct da_jw w;
    da_buf_reset(&r->response);
    da_baseline_respond(r->baseline, e, &r->response);
    if (r->response.len == 0)
        return write_failure(r, e, err);
    da_prediction_init(&p);
    p.id = e->id;
    p.has_task = true;
    p.task = e->task;
    p.model = da_span_str(da_baseline_name(r->kind));
    p.response = da_span(r->response.p, r->response.len);
    da_buf_reset(&r->record);
    da_jw_init(&w, &r->record);
    da_prediction_write(&p, da_span(r->origin.p, r->origin.len), da_span(NULL, 0), &w);
    da_buf_add_char(&r->record, '\n');
    r->stats->n_done++;
    enum da_rc rc = da_resume_write(r->out, OUT, r->record.p, r->record.len, err);
    return rc ? rc : da_resume_commit(r->out, e->id, "ok", err);
}

static enum da_rc one_example(struct run *r, const struct da_json *j, const struct da_jsonl *in,
                              struct da_err *err)
{
    struct da_example e;
    char note[DA_RESUME_MAX_NOTE];
    bool done = false;
    if (da_example_read(j, &e, err) || da_resume_next(r->out, e.id, &done, note, err))
        return da_jsonl_fail(in, err);
    r->stats->n_examples++;
    if (!done)
        return predict(r, &e, err);
    if (strcmp(note, "failed") == 0)
        r->stats->n_failed++;
    else
        r->stats->n_done++;
    return DA_OK;
}

static enum da_rc all_examples(struct run *r, struct da_err *err)
{
    struct da_jsonl *in = NULL;
    enum da_rc rc = da_jsonl_open(&in, r->o->input, err);
    da_progress_start(r->o->log, da_baseline_name(r->kind), 0);
    while (!rc && !(r->o->limit && r->stats->n_examples == r->o->limit)) {
        struct da_json *j = NULL;
        if (r->o->stop && *r->o->stop) {
            rc = da_fail(err, DA_EINTR, "interrupted: run the same command to continue");
            break;
        }
        rc = da_jsonl_next(in, &j, err);
        if (rc || !j)
            break;
        rc = one_example(r, j, in, err);
        da_json_free(j);
        da_progress_set(r->o->log, r->stats->n_examples);
    }
    da_progress_end(r->o->log);
    da_jsonl_close(in);
    return rc;
}

enum da_rc da_baseline_examples(enum da_baseline_kind kind, const struct da_generate_run *run,
                                struct da_generate_stats *stats, struct da_err *err)
{
    struct run r = {.kind = kind, .o = run, .stats = stats};
    memset(stats, 0, sizeof *stats);
    da_buf_init(&r.origin, 0);
    da_buf_init(&r.response, 0);
    da_buf_init(&r.record, 0);
    make_origin(&r);
    enum da_rc rc = open_output(&r, err);
    if (!rc) {
        r.baseline = da_baseline_new(kind);
        rc = all_examples(&r, err);
        da_baseline_free(r.baseline);
        if (!rc)
            rc = da_resume_finish(r.out, err);
        else
            da_resume_close(r.out);
    }
    da_buf_release(&r.record);
    da_buf_release(&r.response);
    da_buf_release(&r.origin);
    return rc;
}
