/*
 * See ingest.h.
 *
 * The calling thread walks the files and writes; workers make records. Jobs stand in a ring in
 * the order of the files: the walker fills the tail, workers take the oldest untaken one, the
 * writer empties the head. Copies are dropped by the writer, so what is dropped depends on the
 * order of the files only. Memory: the ring, one document a worker, the copies' table.
 */

#include "ingest/ingest.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/resume.h"
#include "common/utf8.h"
#include "ingest/copies.h"
#include "ingest/doc.h"
#include "ingest/walk.h"

enum { RING_PER_WORKER = 8, MAX_NAMED = 20 };

enum job_state { JOB_FREE, JOB_READY, JOB_TAKEN, JOB_DONE };

struct job {
    enum job_state state;
    char *path, *rel; /* owned */
    struct da_doc_result result;
    enum da_rc rc;
    struct da_err err;
};

struct run {
    const struct da_ingest_opts *o;
    struct da_tally *tally;
    struct da_resume *resume;
    struct da_walk *walk;
    struct da_copies copies;
    struct job *ring;
    size_t n_ring, head, taken, tail; /* running numbers: head <= taken <= tail */
    bool no_more;                     /* workers may go home */
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    bool walked; /* the walk is at its end */
};

/* Everything that shapes the output, for the journal. */
static void options_hash(const struct da_ingest_opts *o, const char *features,
                         char hex[DA_SHA256_HEX_LEN + 1])
{
    struct da_buf b;
    da_buf_init(&b, 0);
    da_buf_addf(&b, "ingest %s|%s|%s|%zu|%zu|", DA_VERSION, features, o->tok_name,
                o->max_tokens, o->chunk_tokens);
    da_buf_addf(&b, "%d%d%d%d%d|%d%d%d|", o->hard_cut, o->segments, o->filter, o->mask_pii,
                o->count_source, o->req.keep_headers, o->req.html_full, o->req.sandbox);
    da_buf_addf(&b, "%" PRId64 "%s|%" PRIu64 "/%" PRIu64 "|", o->req.ocr, o->req.ocr_languages,
                o->shard, o->n_shards);
    da_buf_addf(&b, "%" PRId64 " %" PRId64 " %" PRId64 "|%zu|%s", o->req.max_file_bytes,
                o->req.max_mem_bytes, o->req.cpu_s, o->req.n_passwords,
                o->meta != NULL ? da_meta_hash(o->meta) : "");
    for (size_t i = 0; i < o->req.n_passwords; i++)
        da_buf_add(&b, o->req.passwords[i], strlen(o->req.passwords[i]) + 1);
    for (size_t i = 0; i < o->n_paths; i++)
        da_buf_add(&b, o->paths[i], strlen(o->paths[i]) + 1);
    da_sha256_hex(b.p, b.len, hex);
    da_buf_release(&b);
}

static void *work(void *arg)
{
    struct da_doc_worker *w = ((void **)arg)[0];
    struct run *r = ((void **)arg)[1];
    (void)pthread_mutex_lock(&r->lock);
    for (;;) {
        while (r->taken == r->tail && !r->no_more)
            (void)pthread_cond_wait(&r->work, &r->lock);
        if (r->taken == r->tail)
            break;
        struct job *j = &r->ring[r->taken++ % r->n_ring];
        j->state = JOB_TAKEN;
        (void)pthread_mutex_unlock(&r->lock);
        j->rc = da_doc_make(w, j->path, j->rel, &j->result, &j->err);
        (void)pthread_mutex_lock(&r->lock);
        j->state = JOB_DONE;
        (void)pthread_cond_broadcast(&r->done);
    }
    (void)pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* Keys of the journal are lines: a control character in a name becomes '%'. */
static struct da_span journal_key(const char *rel, struct da_buf *b)
{
    da_buf_reset(b);
    for (const char *s = rel; *s != 0 && b->len < DA_RESUME_MAX_KEY; s++)
        da_buf_add_char(b, (unsigned char)*s < 32 ? '%' : *s);
    return da_span(b->p, b->len);
}

/* Notes of the journal: what the tally and the copies need of a finished file.
 * "ok TEXT DOC TOKENS SOURCE FLAGS TYPE" or the status alone. */
static void write_note(const struct da_doc_result *d, enum da_status status,
                       char note[DA_RESUME_MAX_NOTE])
{
    if (status != DA_ST_OK) {
        (void)snprintf(note, DA_RESUME_MAX_NOTE, "%s", da_status_name(status));
        return;
    }
    uint64_t n_tokens = d->n_records > 0 ? d->tokens[0] : 0;
    (void)snprintf(note, DA_RESUME_MAX_NOTE, "%" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64
                   " %d %.7s", d->text_hash, d->doc_hash, n_tokens, d->n_tokens_source,
                   d->source_exact + 2 * d->truncated, d->type);
}

static void read_note(struct run *r, const char *note)
{
    enum da_status s = da_status_find(da_span_str(note));
    if (s != DA_ST_COUNT) {
        da_tally_status(r->tally, s);
        return;
    }
    static const char *const types[] = {"article", "book", "presentation", "spreadsheet", "form",
                                        "illustration", "mail", "web_page", "text"};
    uint64_t v[5] = {0};
    const char *p = note;
    for (size_t i = 0; i < 5; i++) {
        char *end;
        v[i] = strtoull(p, &end, 16);
        p = *end == ' ' ? end + 1 : end;
    }
    const char *type = p;
    for (size_t i = 0; i < DA_ARRAY_LEN(types); i++)
        if (*p != 0 && strncmp(types[i], p, strlen(p)) == 0)
            type = types[i];
    uint64_t first;
    (void)da_copies_add(&r->copies, v[0], v[1], &first);
    size_t n_tokens = (size_t)v[2];
    struct da_tally_doc doc = {&n_tokens, 1, v[3], (v[4] & 1) != 0, (v[4] & 2) != 0, type};
    da_tally_status(r->tally, DA_ST_OK);
    da_tally_doc(r->tally, &doc);
    r->tally->reread = r->tally->reread || r->o->segments;
}

static enum da_rc write_error(struct run *r, const char *rel, enum da_status status,
                              const char *detail, struct da_err *err)
{
    struct da_buf b, path;
    da_buf_init(&b, 0);
    da_buf_init(&path, 0);
    (void)da_utf8_sanitize(rel, strlen(rel), &path);
    struct da_jw w;
    da_jw_init(&w, &b);
    da_jw_object(&w);
    da_jw_kstr(&w, "path", da_span(path.p, path.len));
    da_jw_kcstr(&w, "status", da_status_name(status));
    da_jw_key(&w, "detail");
    da_buf_reset(&path);
    (void)da_utf8_sanitize(detail, strlen(detail), &path);
    da_jw_str(&w, path.p, path.len);
    da_jw_end(&w);
    da_buf_add_char(&b, '\n');
    enum da_rc rc = DA_OK;
    if (r->o->errors != NULL)
        rc = da_resume_write(r->resume, 1, b.p, b.len, err);
    else if (status != DA_ST_DUPLICATE && status != DA_ST_FILTERED)
        da_log_msg(r->o->log, DA_LOG_WARN, "'%s': %s%s%s", rel, da_status_name(status),
                   detail[0] != 0 ? ": " : "", detail);
    da_buf_release(&b);
    da_buf_release(&path);
    return rc;
}

/* A line for each segment that was left out of a document. */
static enum da_rc write_drops(struct run *r, const char *rel, const struct da_buf *drops,
                              struct da_err *err)
{
    enum da_rc rc = DA_OK;
    for (size_t at = 0; at < drops->len && rc == DA_OK; at += strlen(drops->p + at) + 1)
        rc = write_error(r, rel, DA_ST_FILTERED, drops->p + at, err);
    return rc;
}

/* The head of the ring is done: write it. */
static enum da_rc write_job(struct run *r, struct job *j, struct da_err *err)
{
    struct da_doc_result *d = &j->result;
    enum da_status status = d->status;
    char detail[DA_EXTRACT_DETAIL_MAX], note[DA_RESUME_MAX_NOTE];
    (void)snprintf(detail, sizeof detail, "%s", d->detail);
    if (j->rc != DA_OK) {
        if (err != NULL)
            *err = j->err;
        return da_err_context(err, j->rc, "'%s'", j->rel);
    }
    uint64_t first;
    if (status == DA_ST_OK && !da_copies_add(&r->copies, d->text_hash, d->doc_hash, &first)) {
        char hex[17];
        da_hex((const unsigned char *)&first, sizeof first, hex);
        (void)snprintf(detail, sizeof detail, "the same text as document %s", hex);
        status = DA_ST_DUPLICATE;
    }
    bool in_parts = d->drops.len > 0 && (status == DA_ST_OK || status == DA_ST_FILTERED);
    enum da_rc rc = in_parts ? write_drops(r, j->rel, &d->drops, err) : DA_OK;
    if (rc == DA_OK && status == DA_ST_OK)
        rc = da_resume_write(r->resume, 0, d->record.p, d->record.len, err);
    else if (rc == DA_OK && !in_parts)
        rc = write_error(r, j->rel, status, detail, err);
    write_note(d, status, note);
    struct da_buf key;
    da_buf_init(&key, 0);
    if (rc == DA_OK)
        rc = da_resume_commit(r->resume, journal_key(j->rel, &key), note, err);
    da_buf_release(&key);
    da_tally_status(r->tally, status);
    if (status == DA_ST_OK) {
        struct da_tally_doc doc = {d->tokens, d->n_records, d->n_tokens_source,
                                   d->source_exact, d->truncated, d->type};
        da_tally_doc(r->tally, &doc);
    }
    return rc;
}

/* Rows of --meta are counted as used for every file there is, whichever shard reads it. */
static void mark_meta(const struct run *r, const char *rel, struct da_buf *scratch)
{
    if (r->o->meta == NULL)
        return;
    da_buf_reset(scratch);
    (void)da_utf8_sanitize(rel, strlen(rel), scratch);
    da_meta_mark(r->o->meta, da_span(scratch->p, scratch->len));
}

/* Metadata under a wrong path would be lost without a word. */
static void report_meta(const struct da_ingest_opts *o)
{
    size_t n_rows = 0;
    const char *first = NULL;
    size_t n = o->meta != NULL ? da_meta_unmarked(o->meta, &n_rows, &first) : 0;
    if (n > 0)
        da_log_msg(o->log, DA_LOG_WARN, "%zu of %zu rows of metadata name no file, first '%s'", n,
                   n_rows, first);
}

static bool in_shard(const struct da_ingest_opts *o, const char *rel)
{
    return o->n_shards <= 1 || da_hash64(rel, strlen(rel), 0) % o->n_shards == o->shard;
}

static bool stopped(const struct run *r)
{
    return r->o->stop != NULL && *r->o->stop;
}

/* Puts the next unfinished file into the ring; false when there is none. */
static enum da_rc feed(struct run *r, bool *fed, struct da_err *err)
{
    struct da_walk_item item;
    struct da_buf key;
    enum da_rc rc = DA_OK;
    da_buf_init(&key, 0);
    *fed = false;
    while (rc == DA_OK && !*fed && !r->walked) {
        if (!da_walk_next(r->walk, &item)) {
            r->walked = true;
            break;
        }
        mark_meta(r, item.rel, &key);
        if (!in_shard(r->o, item.rel))
            continue;
        bool done;
        char note[DA_RESUME_MAX_NOTE];
        rc = da_resume_next(r->resume, journal_key(item.rel, &key), &done, note, err);
        if (rc != DA_OK)
            break;
        if (done) {
            read_note(r, note);
            continue;
        }
        struct job *j = &r->ring[r->tail % r->n_ring];
        j->path = da_strdup(item.path);
        j->rel = da_strdup(item.rel);
        j->state = JOB_READY;
        *fed = true;
        (void)pthread_mutex_lock(&r->lock);
        r->tail++;
        (void)pthread_cond_signal(&r->work);
        (void)pthread_mutex_unlock(&r->lock);
    }
    da_buf_release(&key);
    return rc;
}

/* Waits for the head and writes it. */
static enum da_rc drain_one(struct run *r, struct da_err *err)
{
    struct job *j = &r->ring[r->head % r->n_ring];
    (void)pthread_mutex_lock(&r->lock);
    while (j->state != JOB_DONE)
        (void)pthread_cond_wait(&r->done, &r->lock);
    (void)pthread_mutex_unlock(&r->lock);
    enum da_rc rc = write_job(r, j, err);
    free(j->path);
    free(j->rel);
    j->path = j->rel = NULL;
    j->state = JOB_FREE;
    r->head++;
    da_progress_set(r->o->log, r->tally->n_files);
    return rc;
}

static enum da_rc run_ring(struct run *r, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    bool fed = true;
    while (rc == DA_OK && (fed || r->head < r->tail)) {
        fed = false;
        if (r->tail - r->head < r->n_ring && !stopped(r))
            rc = feed(r, &fed, err);
        if (rc == DA_OK && (!fed || r->tail - r->head == r->n_ring) && r->head < r->tail)
            rc = drain_one(r, err);
        fed = fed || (!r->walked && !stopped(r));
    }
    if (rc == DA_OK && stopped(r) && !r->walked)
        rc = da_fail(err, DA_EINTR, "interrupted; the same command continues");
    return rc;
}

/* Starts helpers, one a worker. */
static enum da_rc start_workers(const struct da_ingest_opts *o, struct da_doc_worker *workers,
                                struct da_helper **helpers, struct da_err *err)
{
    for (unsigned i = 0; i < o->jobs; i++) {
        enum da_rc rc = da_helper_open(&helpers[i], o->helper, o->req.sandbox, err);
        if (rc != DA_OK)
            return rc;
        da_doc_worker_init(&workers[i], o, helpers[i]);
    }
    return DA_OK;
}

static enum da_rc open_outputs(struct run *r, const char *features, struct da_err *err)
{
    char hash[DA_SHA256_HEX_LEN + 1];
    options_hash(r->o, features, hash);
    struct da_resume_opts ro = {.paths = {r->o->out, r->o->errors}, .options_hash = hash,
                                .restart = r->o->restart};
    return da_resume_open(&r->resume, &ro, err);
}

static enum da_rc run_threads(struct run *r, struct da_doc_worker *workers, struct da_err *err)
{
    unsigned n = r->o->jobs, n_started = 0;
    pthread_t *threads = da_calloc(n, sizeof *threads);
    void *(*args)[2] = da_calloc(n, sizeof *args);
    enum da_rc rc = DA_OK;
    for (; n_started < n; n_started++) {
        args[n_started][0] = &workers[n_started];
        args[n_started][1] = r;
        int e = pthread_create(&threads[n_started], NULL, work, args[n_started]);
        if (e != 0 && n_started == 0)
            rc = da_fail_errno(err, DA_EIO, e, "cannot start a thread");
        if (e != 0)
            break;
    }
    da_progress_start(r->o->log, "ingest", 0);
    if (rc == DA_OK)
        rc = run_ring(r, err);
    da_progress_end(r->o->log);
    (void)pthread_mutex_lock(&r->lock);
    r->no_more = true;
    r->taken = r->tail; /* what nobody took stays undone */
    (void)pthread_cond_broadcast(&r->work);
    (void)pthread_mutex_unlock(&r->lock);
    for (unsigned i = 0; i < n_started; i++)
        (void)pthread_join(threads[i], NULL);
    free(threads);
    free(args);
    return rc;
}

/* Nothing is begun, no output made, when there is no file at all. */
static enum da_rc check_any(const struct da_ingest_opts *o, struct da_err *err)
{
    struct da_walk *w = NULL;
    struct da_walk_item item;
    enum da_rc rc = da_walk_open(&w, o->paths, o->n_paths, err);
    if (rc == DA_OK && !da_walk_next(w, &item))
        rc = da_fail(err, DA_ENOTFOUND, "no files in '%s'%s", o->paths[0],
                     o->n_paths > 1 ? " and the others" : "");
    da_walk_close(w);
    return rc;
}

enum da_rc da_ingest_run(const struct da_ingest_opts *opts, struct da_tally *tally,
                         struct da_err *err)
{
    struct run r = {.o = opts, .tally = tally};
    struct da_doc_worker *workers = da_calloc(opts->jobs, sizeof *workers);
    struct da_helper **helpers = da_calloc(opts->jobs, sizeof(struct da_helper *));
    r.n_ring = (size_t)opts->jobs * RING_PER_WORKER;
    r.ring = da_calloc(r.n_ring, sizeof *r.ring);
    for (size_t i = 0; i < r.n_ring; i++)
        da_doc_result_init(&r.ring[i].result);
    da_copies_init(&r.copies);
    (void)pthread_mutex_init(&r.lock, NULL);
    (void)pthread_cond_init(&r.work, NULL);
    (void)pthread_cond_init(&r.done, NULL);
    enum da_rc rc = check_any(opts, err);
    if (rc == DA_OK)
        rc = da_walk_open(&r.walk, opts->paths, opts->n_paths, err);
    if (rc == DA_OK)
        rc = start_workers(opts, workers, helpers, err);
    if (rc == DA_OK)
        rc = open_outputs(&r, da_helper_features(helpers[0]), err);
    if (rc == DA_OK)
        rc = run_threads(&r, workers, err);
    if (rc == DA_OK) {
        report_meta(opts);
        rc = da_resume_finish(r.resume, err);
        r.resume = NULL;
    }
    if (rc == DA_OK && tally->n_files > 0 &&
        tally->n_status[DA_ST_UNREADABLE] == tally->n_files)
        rc = da_fail(err, DA_EIO, "none of %" PRIu64 " files in '%s'%s can be read",
                     tally->n_files, opts->paths[0], opts->n_paths > 1 ? " and the others" : "");
    da_resume_close(r.resume);
    da_walk_close(r.walk);
    for (size_t i = 0; i < r.n_ring; i++) {
        da_doc_result_release(&r.ring[i].result);
        free(r.ring[i].path);
        free(r.ring[i].rel);
    }
    for (unsigned i = 0; i < opts->jobs; i++) {
        if (helpers[i] != NULL)
            da_doc_worker_release(&workers[i]);
        da_helper_close(helpers[i]);
    }
    da_copies_release(&r.copies);
    (void)pthread_mutex_destroy(&r.lock);
    (void)pthread_cond_destroy(&r.work);
    (void)pthread_cond_destroy(&r.done);
    free(r.ring);
    free(helpers);
    free(workers);
    return rc;
}
