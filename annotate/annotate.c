/*
 * The loop: see the header. The output of a backend that gathers is made anew from its ledger
 * each time: the ledger is what resumes, and a document that failed in an earlier run may
 * have been answered since. Other backends resume where the output stops (DESIGN.md 5.4).
 */

#include "annotate/annotate.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "annotate/ann_source.h"
#include "common/hash.h"
#include "common/io.h"
#include "common/mem.h"
#include "common/resume.h"
#include "schemas/annotation.h"

#define LOOP_VERSION "annotate/1"
#define SPOOL_TEMPLATE "/tmp/docassist-spool.XXXXXX"

enum { OUT_RECORDS, OUT_ERRORS };

struct loop {
    struct da_backend *backend;
    const struct da_annotate_opts *o;
    struct da_annotate_stats *stats;
    struct da_resume *out;
    struct da_arena arena;
    struct da_buf record, checks;
};

void da_backend_free(struct da_backend *b)
{
    if (b)
        b->free(b);
}

static bool stopped(const struct da_annotate_opts *o)
{
    return o->stop && *o->stop;
}

/* --- one document ------------------------------------------------------------------ */

static void write_failure(struct loop *l, const struct da_ann_doc *doc, const char *status,
                          struct da_span detail)
{
    struct da_jw w;
    da_jw_init(&w, &l->record);
    da_jw_object(&w);
    da_jw_kstr(&w, "id", doc->id);
    if (doc->path.len)
        da_jw_kstr(&w, "path", doc->path);
    da_jw_kcstr(&w, "status", status);
    da_jw_kstr(&w, "detail", detail);
    da_jw_end(&w);
    da_buf_add_char(&l->record, '\n');
}

static struct da_span null_if_empty(struct da_span s)
{
    return s.len ? s : da_span(NULL, 0);
}

static void write_annotation(struct loop *l, const struct da_ann_doc *doc,
                             const struct da_ann_result *r)
{
    const struct da_answers *a = &r->answers;
    struct da_annotation rec = {.id = doc->id,
                                .summ_request = a->summ_request,
                                .summ_response = a->summ_response,
                                .qs_request = a->qs_request,
                                .n_suggestions = a->n_qs,
                                .qa_request = a->qa_request,
                                .qa_response = a->qa_response,
                                .document = doc->json};
    struct da_annotation_origin origin = {.model = r->origin.model,
                                          .snapshot = null_if_empty(r->origin.snapshot),
                                          .system_fingerprint =
                                              null_if_empty(r->origin.system_fingerprint),
                                          .prompt_sha256 = null_if_empty(r->origin.prompt_sha256),
                                          .params = null_if_empty(r->origin.params),
                                          .prompt_tokens = r->origin.prompt_tokens,
                                          .completion_tokens = r->origin.completion_tokens};
    struct da_jw w;
    for (size_t i = 0; i < a->n_qs; i++)
        rec.qs_response[i] = a->qs_response[i];
    da_jw_init(&w, &l->record);
    da_annotation_write(&rec, &origin, da_span(l->checks.p, l->checks.len), &w);
    da_buf_add_char(&l->record, '\n');
}

/* Fills l->checks; *failed as a check function gives it. */
static enum da_rc run_checks(struct loop *l, const struct da_ann_doc *doc,
                             const struct da_answers *a, const char **failed, struct da_err *err)
{
    struct da_jw w;
    *failed = NULL;
    da_buf_reset(&l->checks);
    if (!l->o->check) {
        da_buf_add_str(&l->checks, "{}");
        return DA_OK;
    }
    da_jw_init(&w, &l->checks);
    return l->o->check(l->o->check_ctx, doc, a, &w, failed, err);
}

static enum da_rc one_document(struct loop *l, const struct da_ann_doc *doc, struct da_err *err)
{
    struct da_ann_result r = {.origin = {.prompt_tokens = -1, .completion_tokens = -1}};
    const char *failed = NULL;
    enum da_rc rc;
    da_arena_reset(&l->arena);
    da_buf_reset(&l->record);
    rc = l->backend->annotate(l->backend, doc, &l->arena, &r, err);
    if (!rc && !r.failure)
        rc = run_checks(l, doc, &r.answers, &failed, err);
    if (rc)
        return rc;
    bool kept = !r.failure && (!failed || l->o->keep_failed);
    if (kept)
        write_annotation(l, doc, &r);
    else if (r.failure)
        write_failure(l, doc, r.failure, r.detail.p ? r.detail : da_span("", 0));
    else
        write_failure(l, doc, "check", da_span_str(failed));
    rc = da_buf_check(&l->record, "a record", err);
    if (!rc)
        rc = da_resume_write(l->out, kept ? OUT_RECORDS : OUT_ERRORS, l->record.p, l->record.len,
                             err);
    if (!rc)
        rc = da_resume_commit(l->out, doc->id, kept ? "ok" : "failed", err);
    l->stats->n_annotated += !rc && kept;
    l->stats->n_failed += !rc && !kept;
    return rc;
}

static enum da_rc all_documents(struct loop *l, struct da_ann_source *s, struct da_err *err)
{
    for (;;) {
        struct da_ann_doc doc;
        char note[DA_RESUME_MAX_NOTE];
        bool done = false;
        if (stopped(l->o))
            return da_fail(err, DA_EINTR, "interrupted; run the same command to resume");
        enum da_rc rc = da_ann_source_next(s, &doc, err);
        if (rc || doc.line.len == 0)
            return rc;
        rc = da_resume_next(l->out, doc.id, &done, note, err);
        l->stats->n_documents++;
        if (!rc && done) {
            l->stats->n_annotated += strcmp(note, "ok") == 0;
            l->stats->n_failed += strcmp(note, "ok") != 0;
        } else if (!rc) {
            rc = one_document(l, &doc, err);
        }
        if (rc)
            return rc;
        da_progress_set(l->o->log, l->stats->n_documents);
    }
}

/* --- the run ------------------------------------------------------------------------ */

static void options_hash(const struct da_backend *b, const struct da_annotate_opts *o,
                         char hex[DA_SHA256_HEX_LEN + 1])
{
    struct da_buf s;
    da_buf_init(&s, 0);
    da_buf_addf(&s, "%s\n%s\n%s\n%d\n%s", LOOP_VERSION, b->name, b->identity, o->keep_failed,
                o->check_identity ? o->check_identity : "");
    da_sha256_hex(s.p, s.len, hex);
    da_buf_release(&s);
}

/* stdin can be read once only: a copy that has no name once it is open. */
static enum da_rc spool_stdin(char *path, struct da_err *err)
{
    char block[1 << 16];
    ssize_t n = 0;
    enum da_rc rc = DA_OK;
    int fd = mkstemp(path);
    if (fd < 0)
        return da_fail_errno(err, DA_EIO, errno, "'%s'", path);
    while (!rc && (n = read(STDIN_FILENO, block, sizeof block)) != 0) {
        if (n > 0)
            rc = da_io_write_all(fd, block, (size_t)n, path, err);
        else if (errno != EINTR)
            rc = da_fail_errno(err, DA_EIO, errno, "reading standard input");
    }
    close(fd);
    return rc;
}

enum { MAX_PASSES = 3 }; /* for gathering, and one for the loop */

/* Opens the input once for each pass of gathering and once for the loop: sources[n_passes]. */
static enum da_rc open_input(const char *input, unsigned n_passes,
                             struct da_ann_source *sources[MAX_PASSES], struct da_err *err)
{
    char spool[] = SPOOL_TEMPLATE;
    bool spooled = n_passes > 0 && strcmp(input, "-") == 0;
    enum da_rc rc = DA_OK;
    if (spooled) {
        rc = spool_stdin(spool, err);
        input = spool;
    }
    for (unsigned i = 0; i <= n_passes && !rc; i++)
        rc = da_ann_source_open(&sources[i], input, err);
    if (spooled)
        (void)unlink(spool);
    return rc;
}

enum da_rc da_annotate(struct da_backend *b, const struct da_annotate_opts *opts,
                       struct da_annotate_stats *stats, struct da_err *err)
{
    char hash[DA_SHA256_HEX_LEN + 1];
    struct loop l = {.backend = b, .o = opts, .stats = stats};
    struct da_ann_source *sources[MAX_PASSES] = {NULL};
    unsigned n_passes = b->gather ? b->n_passes : 0;
    *stats = (struct da_annotate_stats){0};
    da_arena_init(&l.arena);
    da_buf_init(&l.record, 0);
    da_buf_init(&l.checks, 0);
    options_hash(b, opts, hash);

    assert(n_passes < MAX_PASSES);
    enum da_rc rc = open_input(opts->input, n_passes, sources, err);
    for (unsigned i = 0; i < n_passes && !rc; i++)
        rc = b->gather(b, sources[i], i, err);
    if (!rc) {
        struct da_resume_opts ro = {.paths = {opts->output, opts->errors},
                                    .options_hash = hash,
                                    .restart = opts->restart || b->gather};
        rc = da_resume_open(&l.out, &ro, err);
    }
    if (!rc) {
        da_progress_start(opts->log, n_passes ? "writing" : "annotating", 0);
        rc = all_documents(&l, sources[n_passes], err);
        da_progress_end(opts->log);
    }
    if (!rc) {
        rc = da_resume_finish(l.out, err);
        l.out = NULL;
    }
    da_resume_close(l.out);
    for (unsigned i = 0; i < MAX_PASSES; i++)
        da_ann_source_close(sources[i]);
    da_buf_release(&l.checks);
    da_buf_release(&l.record);
    da_arena_release(&l.arena);
    return rc;
}
