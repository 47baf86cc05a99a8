/*
 * Two readings of the input: the first learns ids and clusters, since a split can
 * depend on the whole of a cluster; the second writes. Memory holds ids, not texts.
 */

#include "annotate/export.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "annotate/contamination.h"
#include "annotate/review.h"
#include "common/buf.h"
#include "common/io.h"
#include "common/json.h"
#include "common/jsonl.h"
#include "common/mem.h"
#include "common/resume.h"
#include "prompts/slimlm.h"
#include "schemas/annotation.h"
#include "schemas/example.h"

enum { COMMIT_EVERY = 256 }; /* annotations; what is not committed is held in memory */

struct exporter {
    const struct da_export_opts *o;
    struct da_export_stats *stats;
    struct da_splits *splits;
    struct da_card card;
    struct da_map clusters;                 /* name -> number of documents */
    struct da_contamination *contamination; /* NULL: not compared */
    struct da_review *review;               /* NULL: no sample */
    struct da_resume *out;
    char *paths[DA_N_SPLITS];
    char *spool;        /* copy of stdin, or NULL */
    uint64_t n_written; /* annotations */
    struct da_buf line, messages, response, id, text;
};

static char *path_in(const struct exporter *x, const char *name)
{
    struct da_buf b;
    da_buf_init(&b, 0);
    da_io_join(&b, x->o->dir, name);
    return da_buf_take(&b, NULL);
}

static enum da_rc copy_stdin(struct exporter *x, struct da_err *err)
{
    enum { PIECE = 1 << 16 };
    char *piece = da_malloc(PIECE);
    enum da_rc rc = DA_OK;
    x->spool = path_in(x, ".input.partial");
    int fd = open(x->spool, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0)
        rc = da_fail(err, DA_EIO, "cannot create '%s'", x->spool);
    for (ssize_t n; !rc && (n = read(STDIN_FILENO, piece, PIECE)) != 0;) {
        if (n < 0)
            rc = da_fail(err, DA_EIO, "cannot read standard input");
        else
            rc = da_io_write_all(fd, piece, (size_t)n, x->spool, err);
    }
    if (fd >= 0 && close(fd) != 0 && !rc)
        rc = da_fail(err, DA_EIO, "cannot write '%s'", x->spool);
    free(piece);
    return rc;
}

/* --- the two readings ------------------------------------------------------------- */

typedef enum da_rc (*visit_fn)(struct exporter *x, const struct da_annotation *a,
                               struct da_err *err);

static enum da_rc visit_all(struct exporter *x, visit_fn visit, const char *title,
                            struct da_err *err)
{
    struct da_jsonl *in = NULL;
    uint64_t n = 0;
    enum da_rc rc = da_jsonl_open(&in, x->spool ? x->spool : x->o->input, err);
    da_progress_start(x->o->log, title, x->stats->n_annotations);
    while (!rc) {
        struct da_json *j = NULL;
        struct da_annotation a;
        rc = da_jsonl_next(in, &j, err);
        if (rc || !j)
            break;
        if (da_annotation_read(j, &a, err) || visit(x, &a, err))
            rc = da_jsonl_fail(in, err);
        da_json_free(j);
        da_progress_set(x->o->log, ++n);
        if (!rc && x->o->stop && *x->o->stop)
            rc = da_fail(err, DA_EINTR, "interrupted");
    }
    da_progress_end(x->o->log);
    da_jsonl_close(in);
    return rc;
}

static struct da_span cluster_of(const struct da_annotation *a)
{
    struct da_span s;
    return da_json_str(da_json_get(a->document, "cluster_id"), &s) ? s : da_span("", 0);
}

static enum da_rc learn(struct exporter *x, const struct da_annotation *a, struct da_err *err)
{
    struct da_span cluster = cluster_of(a);
    x->stats->n_annotations++;
    if (cluster.len > 0)
        (*da_map_add(&x->clusters, cluster.p, cluster.len, NULL))++;
    return da_splits_add(x->splits, a->id, cluster, err);
}

static struct da_span text_of(const struct da_annotation *a)
{
    struct da_span s;
    return da_json_str(da_json_get(a->document, "text"), &s) ? s : da_span("", 0);
}

static enum da_rc note_runs(struct exporter *x, const struct da_annotation *a, struct da_err *err)
{
    enum da_split s = da_splits_of(x->splits, a->id);
    (void)err;
    if (s == DA_SPLIT_VALIDATION || s == DA_SPLIT_TEST)
        da_contamination_note(x->contamination, a, text_of(a));
    return DA_OK;
}

static enum da_rc mark_runs(struct exporter *x, const struct da_annotation *a, struct da_err *err)
{
    enum da_split s = da_splits_of(x->splits, a->id);
    (void)err;
    if (s != DA_SPLIT_NONE)
        da_contamination_mark(x->contamination, a, text_of(a), s);
    return DA_OK;
}

/* Two more readings, unless all documents go to one split. */
static enum da_rc compare_splits(struct exporter *x, struct da_err *err)
{
    const double *p = x->o->percent;
    bool one_split = p[0] == 100 || p[1] == 100 || p[2] == 100;
    if (one_split && !x->o->splits_from)
        return DA_OK;
    x->contamination = da_contamination_new();
    x->card.compared = true;
    x->card.decontaminated = x->o->decontaminate;
    enum da_rc rc = visit_all(x, note_runs, "comparing", err);
    return rc ? rc : visit_all(x, mark_runs, "comparing", err);
}

/* Whether the annotation must be left out for what earlier splits share with it. */
static bool is_given_away(struct exporter *x, const struct da_annotation *a, struct da_span text,
                          enum da_split s)
{
    if (!x->contamination || s == DA_SPLIT_TRAIN)
        return false;
    struct da_contamination_found f = da_contamination_of(x->contamination, a, text, s);
    x->card.split[s].n_touched += f.response || f.text_share > 0;
    x->card.split[s].n_contaminated += f.contaminated;
    x->stats->n_contaminated += f.contaminated;
    if (!f.contaminated || !x->o->decontaminate)
        return false;
    da_splits_leave_out(x->splits, a->id);
    da_log_msg(x->o->log, DA_LOG_INFO, "'%.*s' is left out: earlier splits give it away",
               (int)a->id.len, a->id.p);
    return true;
}

static void write_message(struct da_jw *w, const char *role, struct da_span content)
{
    da_jw_object(w);
    da_jw_kcstr(w, "role", role);
    da_jw_kstr(w, "content", content);
    da_jw_end(w);
}

/* The chat of an example, as a JSON array in x->messages. */
static void render_messages(struct exporter *x, const struct da_example *e)
{
    struct da_jw w;
    da_buf_reset(&x->messages);
    da_jw_init(&w, &x->messages);
    da_jw_array(&w);
    write_message(&w, "system", da_slimlm_system());
    da_buf_reset(&x->text);
    da_slimlm_user(e->document, e->request, &x->text);
    write_message(&w, "user", da_span(x->text.p, x->text.len));
    da_buf_reset(&x->text);
    da_slimlm_answer(da_task_name(e->task), e->response, &x->text);
    write_message(&w, "assistant", da_span(x->text.p, x->text.len));
    da_jw_end(&w);
}

/* An example whose prompt and completion are raw text instead of a chat. */
static void write_prompt_completion(struct exporter *x, const struct da_example *e, struct da_jw *w)
{
    da_jw_object(w);
    da_jw_kcstr(w, "schema", "docassist.example/1");
    da_jw_kstr(w, "id", e->id);
    da_jw_kstr(w, "doc_id", e->doc_id);
    da_jw_kcstr(w, "task", da_task_name(e->task));
    da_jw_kstr(w, "document", e->document);
    da_jw_kstr(w, "request", e->request);
    da_jw_kstr(w, "response", e->response);
    da_buf_reset(&x->text);
    da_slimlm_prompt(e->document, e->request, &x->text);
    da_jw_kstr(w, "prompt", da_span(x->text.p, x->text.len));
    da_buf_reset(&x->text);
    da_slimlm_answer(da_task_name(e->task), e->response, &x->text);
    da_jw_kstr(w, "completion", da_span(x->text.p, x->text.len));
    da_jw_kstr(w, "split", e->split);
    da_jw_end(w);
}

static enum da_rc write_example(struct exporter *x, const struct da_example *e, enum da_split s,
                                struct da_err *err)
{
    struct da_jw w;
    da_buf_reset(&x->line);
    da_jw_init(&w, &x->line);
    if (x->o->format == DA_EXPORT_MESSAGES) {
        render_messages(x, e);
        da_example_write(e, da_span(x->messages.p, x->messages.len), &w);
    } else {
        write_prompt_completion(x, e, &w);
    }
    da_buf_add_char(&x->line, '\n');
    enum da_rc rc = da_buf_check(&x->line, "an example", err);
    if (!rc)
        rc = da_resume_write(x->out, (unsigned)s, x->line.p, x->line.len, err);
    if (!rc && x->review)
        da_review_offer(x->review, e);
    if (!rc) {
        x->card.split[s].n_examples++;
        x->card.split[s].n_bytes += x->line.len;
    }
    return rc;
}

static enum da_rc write_task(struct exporter *x, const struct da_annotation *a, enum da_task task,
                             enum da_split s, struct da_span document, struct da_err *err)
{
    struct da_example e = {.doc_id = a->id,
                           .task = task,
                           .document = document,
                           .split = da_span_str(da_splits_name(s))};
    da_buf_reset(&x->id);
    da_buf_add(&x->id, a->id.p, a->id.len);
    da_buf_addf(&x->id, "/%s", da_task_suffix(task));
    e.id = da_span(x->id.p, x->id.len);
    switch (task) {
    case DA_TASK_SUMMARIZATION:
        e.request = a->summ_request;
        e.response = a->summ_response;
        break;
    case DA_TASK_SUGGESTION:
        da_buf_reset(&x->response);
        da_questions_format(&x->response, a->qs_response, a->n_suggestions);
        e.request = a->qs_request;
        e.response = da_span(x->response.p, x->response.len);
        break;
    default:
        e.request = a->qa_request;
        e.response = a->qa_response;
        break;
    }
    return write_example(x, &e, s, err);
}

static enum da_rc write_annotation(struct exporter *x, const struct da_annotation *a,
                                   struct da_err *err)
{
    enum da_split s = da_splits_of(x->splits, a->id);
    struct da_span document, cluster = cluster_of(a);
    enum da_rc rc = da_json_need_str(a->document, "text", &document, err);
    if (rc)
        return da_err_context(err, rc, "document");
    if (s == DA_SPLIT_NONE) {
        x->card.n_left_out++;
        da_log_msg(x->o->log, DA_LOG_WARN,
                   "'%.*s' is left out: near duplicates of it stand in two splits", (int)a->id.len,
                   a->id.p);
        return DA_OK;
    }
    if (is_given_away(x, a, document, s))
        return DA_OK;
    for (enum da_task t = DA_TASK_SUMMARIZATION; t < DA_N_TASKS && !rc; t++)
        rc = write_task(x, a, t, s, document, err);
    if (rc)
        return rc;
    da_card_add(&x->card, a, s);
    if (++x->n_written % COMMIT_EVERY == 0)
        rc = da_resume_commit(x->out, da_span_str("records"), "", err);
    if (cluster.len > 0 && *da_map_get(&x->clusters, cluster.p, cluster.len) > 1)
        x->card.n_clusters_shared++;
    return rc;
}

/* --- files beside the examples ------------------------------------------------------ */

static enum da_rc write_beside(struct exporter *x, const char *name, const struct da_buf *b,
                               struct da_err *err)
{
    char *path = path_in(x, name);
    enum da_rc rc = da_buf_check(b, name, err);
    if (!rc)
        rc = da_io_write_file(path, b->p, b->len, err);
    free(path);
    return rc;
}

static enum da_rc finish(struct exporter *x, struct da_err *err)
{
    struct da_buf b;
    enum da_rc rc = da_resume_finish(x->out, err);
    x->out = NULL;
    da_buf_init(&b, 0);
    for (int s = 0; s < DA_N_SPLITS && !rc; s++) {
        x->stats->n_documents[s] = x->card.split[s].n_documents;
        x->stats->n_examples[s] = x->card.split[s].n_examples;
        if (x->card.split[s].n_examples == 0) /* loaders refuse an empty file */
            (void)unlink(x->paths[s]);
    }
    x->stats->n_left_out = x->card.n_left_out;
    if (!rc) {
        da_splits_write(x->splits, &b);
        rc = write_beside(x, "splits.tsv", &b, err);
    }
    if (!rc) {
        da_buf_reset(&b);
        da_card_write(&x->card, &b);
        rc = write_beside(x, "README.md", &b, err);
    }
    if (!rc && x->review) {
        da_buf_reset(&b);
        da_review_write(x->review, &b);
        rc = write_beside(x, "review.csv", &b, err);
    }
    da_buf_release(&b);
    return rc;
}

static enum da_rc open_outputs(struct exporter *x, struct da_err *err)
{
    static const char *const names[] = {"train.jsonl", "validation.jsonl", "test.jsonl"};
    struct da_resume_opts ro = {.options_hash = "export", .restart = true};
    for (int s = 0; s < DA_N_SPLITS; s++)
        ro.paths[s] = x->paths[s] = path_in(x, names[s]);
    return da_resume_open(&x->out, &ro, err);
}

static void init(struct exporter *x)
{
    struct da_splits_opts so = {.seed = x->o->seed};
    memcpy(so.percent, x->o->percent, sizeof so.percent);
    x->splits = da_splits_new(&so);
    da_map_init(&x->clusters);
    da_card_init(&x->card);
    if (x->o->sample > 0)
        x->review = da_review_new((size_t)x->o->sample, x->o->seed);
    x->card.format = x->o->format;
    x->card.seed = x->o->seed;
    memcpy(x->card.percent, x->o->percent, sizeof x->card.percent);
    da_buf_init(&x->line, 0);
    da_buf_init(&x->messages, 0);
    da_buf_init(&x->response, 0);
    da_buf_init(&x->id, 0);
    da_buf_init(&x->text, 0);
}

static void release(struct exporter *x)
{
    da_resume_close(x->out);
    if (x->spool)
        (void)unlink(x->spool);
    free(x->spool);
    for (int s = 0; s < DA_N_SPLITS; s++)
        free(x->paths[s]);
    da_buf_release(&x->text);
    da_buf_release(&x->id);
    da_buf_release(&x->response);
    da_buf_release(&x->messages);
    da_buf_release(&x->line);
    da_review_free(x->review);
    da_contamination_free(x->contamination);
    da_card_release(&x->card);
    da_map_release(&x->clusters);
    da_splits_free(x->splits);
}

enum da_rc da_export(const struct da_export_opts *opts, struct da_export_stats *stats,
                     struct da_err *err)
{
    struct exporter x = {.o = opts, .stats = stats};
    memset(stats, 0, sizeof *stats);
    init(&x);
    enum da_rc rc = opts->splits_from ? da_splits_load(x.splits, opts->splits_from, err) : DA_OK;
    if (!rc)
        rc = da_io_make_dirs(opts->dir, err);
    if (!rc && strcmp(opts->input, "-") == 0)
        rc = copy_stdin(&x, err);
    if (!rc)
        rc = visit_all(&x, learn, "reading", err);
    if (!rc)
        rc = compare_splits(&x, err);
    if (!rc)
        rc = open_outputs(&x, err);
    if (!rc)
        rc = visit_all(&x, write_annotation, "writing", err);
    if (!rc)
        rc = finish(&x, err);
    release(&x);
    return rc;
}
