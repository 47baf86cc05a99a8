/*
 * Per-sample logs of score records: found beside the score file, checked by
 * their hash, lined up by id so that systems of a pool can be compared sample by
 * sample.
 */

#include <string.h>

#include "common/hash.h"
#include "common/io.h"
#include "eval/board.h"
#include "eval/evaluate.h"

/* Only below the score file's folder: a record may come from anywhere. */
static bool is_inside(const char *path)
{
    struct da_span rest = da_span_str(path), part;
    if (path[0] == '/' || path[0] == 0) {
        return false;
    }
    while (da_span_split(&rest, '/', &part)) {
        if (da_span_is(part, "..")) {
            return false;
        }
    }
    return true;
}

static enum da_rc check_hash(const char *path, const char *want, struct da_err *err)
{
    struct da_mapped m = {NULL, 0};
    char hex[DA_SHA256_HEX_LEN + 1];
    enum da_rc rc = da_io_map(path, &m, err);
    if (rc != DA_OK) {
        return rc;
    }
    da_sha256_hex(m.p, m.len, hex);
    da_io_unmap(&m);
    if (!want || strcmp(hex, want) != 0) {
        return da_fail(err, DA_EMISMATCH,
                       "'%s' is not the per-sample file of its score record: "
                       "its SHA-256 is %.12s, the record says %.12s",
                       path, hex, want ? want : "nothing");
    }
    return DA_OK;
}

enum da_rc da_board_load_samples(struct da_board *b, struct da_board_system *s, struct da_err *err)
{
    struct da_buf path;
    if (!s->samples_path) {
        return DA_OK;
    }
    da_buf_init(&path, 0);
    const char *slash = strrchr(s->file, '/');
    da_buf_add(&path, s->file, slash ? (size_t)(slash - s->file) + 1 : 0);
    da_buf_add_str(&path, s->samples_path);
    enum da_rc rc = DA_OK;
    if (!is_inside(s->samples_path) || !da_io_exists(path.p)) {
        da_log_msg(b->opts.log, DA_LOG_WARN,
                   "no per-sample file '%s' for '%s': its differences are not tested, its samples "
                   "not shown",
                   path.p, s->label);
        goto out;
    }
    rc = check_hash(path.p, s->samples_sha256, err);
    if (rc == DA_OK) {
        s->samples = da_arena_alloc(&b->arena, 1, sizeof *s->samples);
        da_samples_init(s->samples);
        rc = da_samples_read(path.p, s->samples, err);
    }
    if (rc == DA_OK && !da_span_is(s->samples->dataset_sha256, s->data_sha256)) {
        rc = da_fail(err, DA_EMISMATCH, "'%s' was made on another data set than its score record",
                     path.p);
    }
out:
    da_buf_release(&path);
    return rc;
}

enum da_task da_board_record_task(unsigned task)
{
    enum da_task t = DA_TASK_SUMMARIZATION;
    (void)da_task_from_name(da_span_str(da_board_task_name((enum da_board_task)task)), &t);
    return t;
}

bool da_board_intent_right(const struct da_sample *x)
{
    return x->has_intent && x->predicted.p && da_intent_task(x->predicted) == x->task;
}

/* True when both logs have the same ids of a task, in the same order. */
static bool same_ids(const struct da_samples *a, const struct da_samples *b, enum da_task task)
{
    size_t i = 0, j = 0;
    for (;;) {
        while (i < a->n && a->items[i].task != task) {
            i++;
        }
        while (j < b->n && b->items[j].task != task) {
            j++;
        }
        if (i == a->n || j == b->n) {
            return i == a->n && j == b->n;
        }
        if (!da_span_eq(a->items[i++].id, b->items[j++].id)) {
            return false;
        }
    }
}

bool da_board_comparable(const struct da_board_system *a, const struct da_board_system *b,
                         unsigned task)
{
    return a->samples && b->samples && same_ids(a->samples, b->samples, da_board_record_task(task));
}
