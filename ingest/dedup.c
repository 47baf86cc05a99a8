/*
 * Three passes. Read: a signature per document into the index. Join: band by
 * band, documents of equal key are compared and united. Write: the input again,
 * each record with the id that names its cluster.
 *
 * Every pair that meets in a band counts, so components do not depend on order.
 * Pairs need not all be compared: once two documents are in one component, a
 * further comparison of them changes nothing, and of several documents with one
 * signature one is enough.
 */

#include "ingest/dedup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/io.h"
#include "common/json.h"
#include "common/jsonl.h"
#include "common/mem.h"
#include "common/resume.h"
#include "common/threads.h"
#include "ingest/dedup_group.h"
#include "ingest/dedup_index.h"
#include "text/minhash.h"

enum {
    BATCH_LINES = 512,
    COMMIT_EVERY = 1024 /* records; what is not committed is held in memory */
};
#define BATCH_BYTES ((size_t)16 << 20)
#define DEFAULT_MEMORY ((size_t)64 << 20)
#define MAX_DOCUMENTS UINT32_MAX /* documents are numbered in 32 bits */

/* One record on its way through a worker. */
struct item {
    struct da_buf line;
    struct da_buf id, path; /* path: of its source, may be empty */
    struct da_minhash sig;
    bool has_sig;
    uint64_t line_number;
    struct da_err err; /* code DA_OK: none */
};

struct scratch {
    struct da_words words;
    struct da_ngrams grams;
};

struct dedup {
    const struct da_dedup_opts *o;
    struct da_dedup_stats *stats;
    struct da_dedup_index *index;
    uint32_t *parent; /* [n] union-find forest; a root is its own parent */
    uint32_t *first;  /* [n] of a root: the document with the smallest id */
    size_t n;
    char *spool;        /* copy of stdin, NULL: none */
    struct item *items; /* [BATCH_LINES] */
    size_t n_items;
    struct scratch *scratch; /* [n_threads] */
    unsigned n_threads;
};

/* --- reading ------------------------------------------------------------------- */

static void sign(void *ctx, size_t i, unsigned worker)
{
    struct dedup *d = ctx;
    struct item *it = &d->items[i];
    struct scratch *s = &d->scratch[worker];
    struct da_json *j = NULL;
    struct da_span id, text, path = {NULL, 0};
    it->err.code = DA_OK;
    it->has_sig = false;
    if (da_json_parse(it->line.p, it->line.len, &j, &it->err) ||
        da_json_need_str(j, "id", &id, &it->err) || da_json_need_str(j, "text", &text, &it->err))
        goto out;
    da_buf_reset(&it->id);
    da_buf_add(&it->id, id.p, id.len);
    (void)da_json_str(da_json_get(da_json_get(j, "source"), "path"), &path);
    da_buf_reset(&it->path);
    da_buf_add(&it->path, path.p, path.len);
    da_words_split(&s->words, text.p, text.len);
    da_ngrams_make(&s->grams, &s->words, DA_MINHASH_ORDER, true);
    it->has_sig = s->grams.n > 0;
    if (it->has_sig)
        da_minhash_make(&it->sig, &s->grams);
out:
    da_json_free(j);
}

static enum da_rc store_batch(struct dedup *d, const char *name, struct da_err *err)
{
    da_parallel_for(d->n_threads, d->n_items, sign, d);
    for (size_t i = 0; i < d->n_items; i++) {
        struct item *it = &d->items[i];
        if (it->err.code) {
            if (err)
                *err = it->err;
            return da_err_context(err, it->err.code, "%s:%llu", name,
                                  (unsigned long long)it->line_number);
        }
        enum da_rc rc = da_dedup_index_add(d->index, da_span(it->id.p, it->id.len),
                                           da_span(it->path.p, it->path.len),
                                           it->has_sig ? &it->sig : NULL, err);
        if (rc)
            return rc;
    }
    d->n_items = 0;
    return DA_OK;
}

static enum da_rc stopped(const struct dedup *d, struct da_err *err)
{
    return d->o->stop && *d->o->stop ? da_fail(err, DA_EINTR, "interrupted") : DA_OK;
}

static enum da_rc read_input(struct dedup *d, const char *path, struct da_err *err)
{
    struct da_jsonl *in = NULL;
    size_t bytes = 0;
    enum da_rc rc = da_jsonl_open(&in, path, err);
    while (!rc) {
        struct da_span line;
        rc = da_jsonl_next_line(in, &line, err);
        if (rc || line.len == 0)
            break;
        struct item *it = &d->items[d->n_items++];
        da_buf_reset(&it->line);
        da_buf_add(&it->line, line.p, line.len);
        it->line_number = da_jsonl_line_number(in);
        bytes += line.len;
        if (d->n_items == BATCH_LINES || bytes > BATCH_BYTES) {
            rc = store_batch(d, da_jsonl_name(in), err);
            bytes = 0;
            da_progress_set(d->o->log, da_dedup_index_n(d->index));
            if (!rc)
                rc = stopped(d, err);
        }
    }
    if (!rc)
        rc = store_batch(d, da_jsonl_name(in), err);
    da_jsonl_close(in);
    return rc;
}

/* Copies stdin to the spool file, which is then read like any input. */
static enum da_rc copy_stdin(struct dedup *d, struct da_err *err)
{
    enum { PIECE = 1 << 16 };
    char *piece = da_malloc(PIECE);
    enum da_rc rc = DA_OK;
    struct da_buf path;
    da_buf_init(&path, 0);
    da_buf_addf(&path, "%s.input", d->o->work_path);
    d->spool = da_buf_take(&path, NULL);
    int fd = open(d->spool, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0) {
        free(piece);
        return da_fail(err, DA_EIO, "cannot create '%s'", d->spool);
    }
    for (ssize_t n; !rc && (n = read(STDIN_FILENO, piece, PIECE)) != 0;) {
        if (n < 0)
            rc = da_fail(err, DA_EIO, "cannot read standard input");
        else
            rc = da_io_write_all(fd, piece, (size_t)n, d->spool, err);
    }
    if (close(fd) != 0 && !rc)
        rc = da_fail(err, DA_EIO, "cannot write '%s'", d->spool);
    free(piece);
    return rc;
}

static const char *input_path(const struct dedup *d, size_t i)
{
    return strcmp(d->o->inputs[i], "-") == 0 ? d->spool : d->o->inputs[i];
}

static enum da_rc read_all(struct dedup *d, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    da_progress_start(d->o->log, "reading", 0);
    for (size_t i = 0; i < d->o->n_inputs && !rc; i++) {
        if (strcmp(d->o->inputs[i], "-") == 0 && !d->spool)
            rc = copy_stdin(d, err);
        if (!rc)
            rc = read_input(d, input_path(d, i), err);
    }
    if (!rc)
        rc = da_dedup_index_finish(d->index, err);
    if (!rc && da_dedup_index_n(d->index) > MAX_DOCUMENTS)
        rc = da_fail(err, DA_ELIMIT, "more than %lu documents", (unsigned long)MAX_DOCUMENTS);
    da_progress_end(d->o->log);
    return rc;
}

/* --- joining ------------------------------------------------------------------- */

struct entry {
    uint64_t key;
    uint32_t doc;
};

static int by_key(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->doc > y->doc) - (x->doc < y->doc);
}

/* Documents of one id are one document, whatever became of its text. */
static enum da_rc join_ids(struct dedup *d, const struct entry *e, size_t n, struct da_err *err)
{
    struct da_buf id, other;
    da_buf_init(&id, 0);
    da_buf_init(&other, 0);
    enum da_rc rc = n > 1 ? da_dedup_index_id(d->index, e[0].doc, &id, NULL, err) : DA_OK;
    for (size_t i = 1; i < n && !rc; i++) {
        rc = da_dedup_index_id(d->index, e[i].doc, &other, NULL, err);
        if (!rc && da_span_eq(da_span(id.p, id.len), da_span(other.p, other.len)))
            da_dedup_unite(d->parent, e[0].doc, e[i].doc);
    }
    da_buf_release(&other);
    da_buf_release(&id);
    return rc;
}

/* Joins one share of a band: the keys whose remainder by n_shares is `share`. */
static enum da_rc join_share(struct dedup *d, unsigned band, uint64_t share, uint64_t n_shares,
                             struct da_dedup_group *g, struct da_err *err)
{
    uint64_t keys[DA_DEDUP_CHUNK];
    struct entry *e = NULL;
    size_t n = 0, cap = 0, got = 0;
    enum da_rc rc = DA_OK;
    for (uint64_t at = 0; at < d->n && !rc; at += DA_DEDUP_CHUNK) {
        rc = da_dedup_index_keys(d->index, band, at / DA_DEDUP_CHUNK, keys, &got, err);
        for (size_t i = 0; !rc && i < got; i++) {
            if (keys[i] == 0 || keys[i] % n_shares != share)
                continue;
            DA_GROW(e, n, cap);
            e[n++] = (struct entry){keys[i], (uint32_t)(at + i)};
        }
    }
    if (!rc && n > 1)
        qsort(e, n, sizeof *e, by_key);
    for (size_t i = 0, j; i < n && !rc; i = j) {
        for (j = i + 1; j < n && e[j].key == e[i].key; j++)
            ;
        da_dedup_group_reset(g);
        if (band == DA_DEDUP_IDS)
            rc = join_ids(d, e + i, j - i, err);
        for (size_t k = i; band != DA_DEDUP_IDS && k < j && j - i > 1 && !rc; k++)
            rc = da_dedup_group_add(g, e[k].doc, err);
    }
    free(e);
    return rc;
}

static enum da_rc join_all(struct dedup *d, struct da_err *err)
{
    size_t memory = d->o->memory_bytes ? d->o->memory_bytes : DEFAULT_MEMORY;
    /* Growing an array by half again needs old and new at once. */
    uint64_t n_shares = d->n * sizeof(struct entry) * 3 / memory + 1;
    struct da_dedup_group *g = da_dedup_group_new(d->index, d->parent, d->o->threshold);
    enum da_rc rc = DA_OK;
    da_progress_start(d->o->log, "comparing", DA_DEDUP_BANDS * n_shares);
    for (unsigned b = 0; b < DA_DEDUP_BANDS && !rc; b++) {
        for (uint64_t s = 0; s < n_shares && !rc; s++) {
            rc = join_share(d, b, s, n_shares, g, err);
            da_progress_set(d->o->log, b * n_shares + s + 1);
            if (!rc)
                rc = stopped(d, err);
        }
    }
    da_progress_end(d->o->log);
    d->stats->n_compared = da_dedup_group_compared(g);
    da_dedup_group_free(g);
    return rc;
}

static int compare(const struct da_buf *a, const struct da_buf *b)
{
    size_t n = a->len < b->len ? a->len : b->len;
    int c = n ? memcmp(a->p, b->p, n) : 0;
    return c ? c : (a->len > b->len) - (a->len < b->len);
}

/* Finds the smallest id of each cluster, of documents with one id the smallest path, and
 * counts. */
static enum da_rc name_clusters(struct dedup *d, struct da_err *err)
{
    struct da_buf best, best_path, id, path;
    enum da_rc rc = DA_OK;
    da_buf_init(&best, 0);
    da_buf_init(&best_path, 0);
    da_buf_init(&id, 0);
    da_buf_init(&path, 0);
    for (size_t i = 0; i < d->n; i++)
        d->first[i] = (uint32_t)i;
    for (size_t i = 0; i < d->n && !rc; i++) {
        uint32_t root = da_dedup_find(d->parent, (uint32_t)i);
        if (root == i)
            continue; /* roots come first: they are the smallest number of their cluster */
        d->stats->n_duplicates++;
        rc = da_dedup_index_id(d->index, d->first[root], &best, &best_path, err);
        if (!rc)
            rc = da_dedup_index_id(d->index, i, &id, &path, err);
        int c = rc ? 0 : compare(&id, &best);
        if (c < 0 || (c == 0 && !rc && compare(&path, &best_path) < 0))
            d->first[root] = (uint32_t)i;
    }
    /* A root with a member is a cluster of two or more: count each once. */
    for (size_t i = 0; i < d->n; i++) {
        uint32_t root = d->parent[i] == i ? (uint32_t)i : da_dedup_find(d->parent, (uint32_t)i);
        d->parent[i] = root;
    }
    bool *counted = da_calloc(d->n ? d->n : 1, sizeof *counted);
    for (size_t i = 0; i < d->n; i++) {
        if (d->parent[i] != i && !counted[d->parent[i]]) {
            counted[d->parent[i]] = true;
            d->stats->n_clusters++;
        }
    }
    free(counted);
    da_buf_release(&path);
    da_buf_release(&id);
    da_buf_release(&best_path);
    da_buf_release(&best);
    return rc;
}

/* --- writing ------------------------------------------------------------------- */

static void write_record(const struct da_json *j, struct da_span cluster, struct da_buf *out)
{
    struct da_jw w;
    da_buf_reset(out);
    da_jw_init(&w, out);
    da_jw_object(&w);
    for (const struct da_json *m = da_json_first(j); m; m = da_json_next(m)) {
        if (strcmp(da_json_key(m), "cluster_id") != 0)
            da_jw_kvalue(&w, da_json_key(m), m);
    }
    da_jw_kstr(&w, "cluster_id", cluster);
    da_jw_end(&w);
    da_buf_add_char(out, '\n');
}

/* One record of the second reading; doc is its number in the first. */
static enum da_rc write_document(struct dedup *d, struct da_resume *out, const struct da_json *j,
                                 uint64_t doc, struct da_buf *name, struct da_buf *line,
                                 struct da_err *err)
{
    struct da_span id;
    enum da_rc rc = da_json_need_str(j, "id", &id, err);
    if (rc)
        return rc;
    if (doc >= d->n)
        return da_fail(err, DA_EMISMATCH, "the input grew while it was read");
    uint32_t first = d->first[d->parent[doc]];
    if (d->o->drop && first != doc)
        return DA_OK;
    rc = da_dedup_index_id(d->index, first, name, NULL, err);
    if (rc)
        return rc;
    if (first == doc && !da_span_eq(id, da_span(name->p, name->len)))
        return da_fail(err, DA_EMISMATCH, "the input changed while it was read");
    write_record(j, da_span(name->p, name->len), line);
    rc = da_buf_check(line, "a record", err);
    return rc ? rc : da_resume_write(out, 0, line->p, line->len, err);
}

static enum da_rc write_input(struct dedup *d, struct da_resume *out, const char *path,
                              uint64_t *doc, struct da_err *err)
{
    struct da_jsonl *in = NULL;
    struct da_buf name, line;
    enum da_rc rc = da_jsonl_open(&in, path, err);
    da_buf_init(&name, 0);
    da_buf_init(&line, 0);
    while (!rc) {
        struct da_json *j = NULL;
        rc = da_jsonl_next(in, &j, err);
        if (rc || !j)
            break;
        if (write_document(d, out, j, (*doc)++, &name, &line, err))
            rc = da_jsonl_fail(in, err);
        da_json_free(j);
        da_progress_set(d->o->log, *doc);
        if (!rc && *doc % COMMIT_EVERY == 0)
            rc = da_resume_commit(out, da_span_str("records"), "", err);
        if (!rc)
            rc = stopped(d, err);
    }
    da_buf_release(&line);
    da_buf_release(&name);
    da_jsonl_close(in);
    return rc;
}

static enum da_rc write_all(struct dedup *d, struct da_err *err)
{
    struct da_resume_opts ro = {.paths = {d->o->output}, .options_hash = "dedup", .restart = true};
    struct da_resume *out = NULL;
    uint64_t doc = 0;
    enum da_rc rc = da_resume_open(&out, &ro, err);
    if (rc)
        return rc;
    da_progress_start(d->o->log, "writing", d->n);
    for (size_t i = 0; i < d->o->n_inputs && !rc; i++)
        rc = write_input(d, out, input_path(d, i), &doc, err);
    if (!rc && doc != d->n)
        rc = da_fail(err, DA_EMISMATCH, "the input changed while it was read");
    da_progress_end(d->o->log);
    if (rc) {
        da_resume_close(out);
        return rc;
    }
    return da_resume_finish(out, err);
}

/* --- all of it ----------------------------------------------------------------- */

static void open_scratch(struct dedup *d)
{
    d->n_threads = d->o->n_threads ? d->o->n_threads : da_threads_available();
    if (d->n_threads > DA_THREADS_MAX)
        d->n_threads = DA_THREADS_MAX;
    d->scratch = da_calloc(d->n_threads, sizeof *d->scratch);
    for (unsigned i = 0; i < d->n_threads; i++) {
        da_words_init(&d->scratch[i].words);
        da_ngrams_init(&d->scratch[i].grams);
    }
    d->items = da_calloc(BATCH_LINES, sizeof *d->items);
    for (size_t i = 0; i < BATCH_LINES; i++) {
        da_buf_init(&d->items[i].line, 0);
        da_buf_init(&d->items[i].id, 0);
        da_buf_init(&d->items[i].path, 0);
    }
}

static void close_scratch(struct dedup *d)
{
    for (size_t i = 0; i < BATCH_LINES; i++) {
        da_buf_release(&d->items[i].line);
        da_buf_release(&d->items[i].id);
        da_buf_release(&d->items[i].path);
    }
    for (unsigned i = 0; i < d->n_threads; i++) {
        da_words_release(&d->scratch[i].words);
        da_ngrams_release(&d->scratch[i].grams);
    }
    free(d->items);
    free(d->scratch);
}

enum da_rc da_dedup(const struct da_dedup_opts *opts, struct da_dedup_stats *stats,
                    struct da_err *err)
{
    struct dedup d = {.o = opts, .stats = stats};
    struct da_buf path;
    memset(stats, 0, sizeof *stats);
    da_buf_init(&path, 0);
    da_buf_addf(&path, "%s.index", opts->work_path);
    open_scratch(&d);
    enum da_rc rc = da_dedup_index_create(&d.index, path.p, err);
    if (!rc)
        rc = read_all(&d, err);
    close_scratch(&d);
    if (rc)
        goto out;
    d.n = (size_t)da_dedup_index_n(d.index);
    stats->n_documents = d.n;
    d.parent = da_try_alloc(d.n ? d.n : 1, sizeof *d.parent);
    d.first = da_try_alloc(d.n ? d.n : 1, sizeof *d.first);
    if (!d.parent || !d.first) {
        rc = da_fail(err, DA_ENOMEM, "no memory for %zu documents", d.n);
        goto out;
    }
    for (size_t i = 0; i < d.n; i++)
        d.parent[i] = (uint32_t)i;
    rc = join_all(&d, err);
    if (!rc)
        rc = name_clusters(&d, err);
    if (!rc)
        rc = write_all(&d, err);
out:
    free(d.first);
    free(d.parent);
    da_dedup_index_close(d.index);
    if (d.spool)
        (void)unlink(d.spool);
    free(d.spool);
    da_buf_release(&path);
    return rc;
}
