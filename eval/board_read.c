/*
 * Reads score records and bench rows into systems (leaderboard.h).
 *
 * Files come from anywhere: every member is checked, and what is wrong is named
 * with file and line. Members that this version does not know are ignored.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/io.h"
#include "common/jsonl.h"
#include "common/mem.h"
#include "eval/board.h"
#include "schemas/score.h"

enum {
    BENCH_MAX_BYTES = 64 << 20,
    MAX_ORIGIN = 64,     /* lines of origin kept per system */
    MAX_LABELS = 32,     /* intents in a confusion table */
    MAX_TEXT_BYTES = 512 /* of a label, note, signature or origin value shown */
};

#define MAX_COUNT ((int64_t)1 << 40) /* of a cell of a confusion table: sums cannot overflow */

static const char *copy_text(struct da_board *b, struct da_span s)
{
    return da_board_str(b, da_span(s.p, s.len < MAX_TEXT_BYTES ? s.len : MAX_TEXT_BYTES));
}

static const char *opt_text(struct da_board *b, const struct da_json *j, const char *key)
{
    struct da_span s;
    return da_json_str(da_json_get(j, key), &s) ? copy_text(b, s) : NULL;
}

static int64_t opt_int(const struct da_json *j, const char *key)
{
    int64_t v = -1;
    return da_json_int(da_json_get(j, key), &v) && v >= 0 ? v : -1;
}

/* A number, absent (NaN) when missing or null; anything else is an error. */
static enum da_rc opt_number(const struct da_json *j, const char *key, double *out,
                             struct da_err *err)
{
    const struct da_json *m = da_json_get(j, key);
    *out = NAN;
    if (!m || da_json_type(m) == DA_JSON_NULL || da_json_double(m, out)) {
        return DA_OK;
    }
    return da_fail(err, DA_EFORMAT, "'%s' is not a number", key);
}

static enum da_rc take_value(struct da_board *b, const struct da_score_value *from,
                             struct da_board_value *v, struct da_err *err)
{
    *v = (struct da_board_value){
        .set = isfinite(from->value), .v = from->value, .lo = NAN, .hi = NAN, .n = from->n};
    v->signature = copy_text(b, from->signature);
    if (from->has_ci && v->set) {
        v->lo = from->ci_low;
        v->hi = from->ci_high;
        if (!(v->lo <= v->hi)) {
            return da_fail(err, DA_EFORMAT, "'ci95' is not [low, high]");
        }
    }
    return DA_OK;
}

static enum da_rc take_task(struct da_board *b, struct da_board_system *s, enum da_task task,
                            const struct da_score *score, struct da_err *err)
{
    const char *name = da_task_name(task);
    unsigned t = da_board_task_of(name, strlen(name));
    for (size_t k = 0; k < score->n_metrics[task] && (b->opts.tasks & (1u << t)); k++) {
        const struct da_score_value *from = &score->metrics[task][k];
        size_t m = da_board_metric_of(b, from->name.p, from->name.len);
        if (m == SIZE_MAX) {
            return da_fail(err, DA_ELIMIT, "more than %d metrics", DA_BOARD_MAX_METRICS);
        }
        enum da_rc rc = take_value(b, from, &s->values[t][m], err);
        if (rc != DA_OK) {
            return da_err_context(err, rc, "%s: %s", name, b->metrics[m].key);
        }
    }
    return DA_OK;
}

static size_t label_index(struct da_board *b, const char **labels, size_t *n, const char *key)
{
    for (size_t i = 0; i < *n; i++) {
        if (strcmp(labels[i], key) == 0) {
            return i;
        }
    }
    if (*n == MAX_LABELS) {
        return SIZE_MAX;
    }
    labels[*n] = copy_text(b, da_span_str(key));
    return (*n)++;
}

/* {"expected":{"predicted":count}} */
static enum da_rc read_confusion(struct da_board *b, struct da_board_confusion *c,
                                 const struct da_json *j, struct da_err *err)
{
    if (!j || da_json_type(j) == DA_JSON_NULL) {
        return DA_OK;
    }
    c->rows = da_arena_alloc(&b->arena, MAX_LABELS, sizeof(char *));
    c->cols = da_arena_alloc(&b->arena, MAX_LABELS, sizeof(char *));
    int64_t count[MAX_LABELS][MAX_LABELS] = {{0}};
    /* Tasks first, in the tables' order, then what else was said. */
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        const char *name = da_board_task_name((enum da_board_task)t);
        if (da_json_get(j, name)) {
            (void)label_index(b, c->rows, &c->n_rows, name);
            (void)label_index(b, c->cols, &c->n_cols, name);
        }
    }
    for (const struct da_json *r = da_json_first(j); r; r = da_json_next(r)) {
        size_t row =
            da_json_key(r) ? label_index(b, c->rows, &c->n_rows, da_json_key(r)) : SIZE_MAX;
        if (row == SIZE_MAX || da_json_type(r) != DA_JSON_OBJECT) {
            return da_fail(err, DA_EFORMAT,
                           "'confusion' is not {expected:{predicted:count}} of "
                           "at most %d intents",
                           MAX_LABELS);
        }
        for (const struct da_json *x = da_json_first(r); x; x = da_json_next(x)) {
            size_t col = label_index(b, c->cols, &c->n_cols, da_json_key(x));
            if (col == SIZE_MAX || !da_json_int(x, &count[row][col]) || count[row][col] < 0 ||
                count[row][col] > MAX_COUNT) {
                return da_fail(err, DA_EFORMAT, "'confusion': bad count of '%s'", da_json_key(x));
            }
        }
    }
    c->count = da_arena_alloc(&b->arena, c->n_rows * c->n_cols + 1, sizeof *c->count);
    for (size_t i = 0; i < c->n_rows; i++) {
        memcpy(c->count + i * c->n_cols, count[i], c->n_cols * sizeof **count);
    }
    return DA_OK;
}

static int64_t count_requests(const struct da_board_confusion *c)
{
    int64_t n = 0;
    for (size_t i = 0; i < c->n_rows * c->n_cols; i++) {
        n += c->count[i];
    }
    return n > 0 ? n : -1;
}

/* Flattens scalars of the origin into lines "decoding.temperature: 0". */
static void read_origin(struct da_board *b, struct da_board_system *s, const char *prefix,
                        const struct da_json *j)
{
    for (const struct da_json *m = da_json_first(j); m; m = da_json_next(m)) {
        const char *key = da_json_key(m) ? da_json_key(m) : "";
        const char *name = da_board_strf(b, "%.64s%s%.64s", prefix, prefix[0] ? "." : "", key);
        if (da_json_type(m) == DA_JSON_OBJECT && strlen(prefix) < 64) {
            read_origin(b, s, name, m);
            continue;
        }
        if (s->n_origin == MAX_ORIGIN || da_json_type(m) == DA_JSON_NULL) {
            continue;
        }
        struct da_span text;
        struct da_buf buf;
        da_buf_init(&buf, 0);
        if (!da_json_str(m, &text)) {
            struct da_jw w;
            da_jw_init(&w, &buf);
            da_jw_value(&w, m);
            text = da_span(buf.p, buf.len);
        }
        s->origin[s->n_origin++] = (struct da_board_kv){name, copy_text(b, text)};
        da_buf_release(&buf);
    }
}

static void take_head(struct da_board *b, struct da_board_system *s, const struct da_score *score)
{
    s->label = copy_text(b, score->model);
    s->data_sha256 = copy_text(b, score->dataset_sha256);
    s->data_name = opt_text(b, da_json_get(score->json, "dataset"), "name");
    s->data_n = score->dataset_n;
    s->n_scored = score->n_scored;
    s->n_total = score->n_total;
    s->note = opt_text(b, score->origin, "note");
    s->origin = da_arena_alloc(&b->arena, MAX_ORIGIN, sizeof *s->origin);
    read_origin(b, s, "", score->origin);
    if (score->per_sample_path.p) {
        s->samples_path = da_board_str(b, score->per_sample_path);
        s->samples_sha256 = copy_text(b, score->per_sample_sha256);
    }
}

static enum da_rc read_record(struct da_board *b, struct da_board_system *s,
                              const struct da_json *j, struct da_err *err)
{
    struct da_score score;
    enum da_rc rc = da_score_read(j, &score, err);
    if (rc != DA_OK) {
        return rc;
    }
    take_head(b, s, &score);
    for (int t = 0; t < DA_N_TASKS && rc == DA_OK; t++) {
        rc = take_task(b, s, (enum da_task)t, &score, err);
    }
    if (rc == DA_OK) {
        rc = take_value(b, &score.intent, &s->intent, err);
    }
    if (rc == DA_OK) {
        rc = read_confusion(b, &s->confusion, score.confusion, err);
    }
    if (rc == DA_OK) {
        s->intent.n = count_requests(&s->confusion);
    }
    da_score_release(&score);
    return rc;
}

/* Two records of one label are told apart by a number; the same record twice is a slip. */
static enum da_rc add_system(struct da_board *b, struct da_board_system *s, struct da_err *err)
{
    const char *label = s->label;
    for (unsigned copy = 1, i = 0; i < b->n_systems; i++) {
        if (b->systems[i]->record_hash == s->record_hash) {
            return da_fail(err, DA_EMISMATCH, "the record of '%s' was given already (%s)", s->label,
                           b->systems[i]->file);
        }
        if (strcmp(b->systems[i]->label, s->label) == 0) {
            s->label = da_board_strf(b, "%s (%u)", label, ++copy);
            i = (unsigned)-1;
        }
    }
    if (b->n_systems == DA_BOARD_MAX_SYSTEMS) {
        return da_fail(err, DA_ELIMIT, "more than %d score records", DA_BOARD_MAX_SYSTEMS);
    }
    b->systems[b->n_systems++] = s;
    return DA_OK;
}

enum da_rc da_board_add_scores(struct da_board *b, const char *path, struct da_err *err)
{
    struct da_jsonl *r = NULL;
    struct da_json *j = NULL;
    size_t before = b->n_systems;
    enum da_rc rc = da_jsonl_open(&r, path, err);
    while (rc == DA_OK) {
        struct da_span line;
        rc = da_jsonl_next_line(r, &line, err);
        if (rc != DA_OK || line.len == 0) {
            break;
        }
        struct da_board_system *s = da_board_new_system(b);
        s->file = da_board_str(b, da_span_str(path));
        s->record_hash = da_hash64(line.p, line.len, 0);
        rc = da_json_parse(line.p, line.len, &j, err);
        if (rc == DA_OK) {
            rc = read_record(b, s, j, err);
        }
        if (rc == DA_OK) {
            rc = add_system(b, s, err);
        }
        if (rc != DA_OK) {
            rc = da_jsonl_fail(r, err);
        }
        da_json_free(j);
        j = NULL;
    }
    if (rc == DA_OK && b->n_systems == before) {
        rc = da_fail(err, DA_EFORMAT, "%s: no score record in it", path);
    }
    da_jsonl_close(r);
    return rc;
}

static enum da_rc read_bench_row(struct da_board *b, struct da_board_bench *x, const char *label,
                                 const char *fallback, const struct da_json *j, struct da_err *err)
{
    if (da_json_type(j) != DA_JSON_OBJECT) {
        return da_fail(err, DA_EFORMAT, "is not an object");
    }
    const char *model = opt_text(b, j, "model");
    *x = (struct da_board_bench){.label = label ? da_board_str(b, da_span_str(label))
                                                : (model ? model : fallback),
                                 .prompt = opt_text(b, j, "prompt"),
                                 .prompt_tokens = opt_int(j, "prompt_tokens"),
                                 .new_tokens = opt_int(j, "new_tokens"),
                                 .threads = opt_int(j, "threads")};
    const struct {
        const char *key;
        double *to;
    } fields[] = {{"itps", &x->itps},
                  {"otps", &x->otps},
                  {"ttft_s", &x->ttft_s},
                  {"runtime_s", &x->runtime_s},
                  {"peak_rss_bytes", &x->peak_rss_bytes}};
    for (size_t i = 0; i < DA_ARRAY_LEN(fields); i++) {
        enum da_rc rc = opt_number(j, fields[i].key, fields[i].to, err);
        if (rc != DA_OK) {
            return rc;
        }
    }
    return x->prompt_tokens >= 0 ? DA_OK : da_fail(err, DA_EFORMAT, "'prompt_tokens' is missing");
}

static const char *stem(struct da_board *b, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return da_board_str(b, da_span(name, dot && dot > name ? (size_t)(dot - name) : strlen(name)));
}

/* An array, or one object a line. */
enum da_rc da_board_add_bench(struct da_board *b, const char *label, const char *path,
                              struct da_err *err)
{
    struct da_json *root = NULL;
    struct da_buf text;
    da_buf_init(&text, 0);
    const char *fallback = stem(b, path);
    size_t n = 0;
    enum da_rc rc = da_io_read_file(path, BENCH_MAX_BYTES, &text, err);
    if (rc != DA_OK) {
        goto out;
    }
    struct da_span rest = da_span_trim(da_span(text.p, text.len));
    bool is_array = rest.len > 0 && rest.p[0] == '[';
    while (rc == DA_OK && rest.len > 0) {
        struct da_span piece = rest;
        if (is_array) {
            rest.len = 0;
        } else if (!da_span_split(&rest, '\n', &piece) || da_span_trim(piece).len == 0) {
            continue;
        }
        rc = da_json_parse(piece.p, piece.len, &root, err);
        const struct da_json *row = is_array ? da_json_first(root) : root;
        for (; rc == DA_OK && row; row = is_array ? da_json_next(row) : NULL) {
            if (b->n_bench == DA_BOARD_MAX_BENCH) {
                rc = da_fail(err, DA_ELIMIT, "more than %d rows", DA_BOARD_MAX_BENCH);
                break;
            }
            DA_GROW(b->bench, b->n_bench, b->cap_bench);
            rc = read_bench_row(b, &b->bench[b->n_bench], label, fallback, row, err);
            n++;
            b->n_bench += rc == DA_OK;
        }
        da_json_free(root);
        root = NULL;
    }
    if (rc != DA_OK) {
        rc = da_err_context(err, rc, "%s: row %zu", path, n ? n : 1);
    } else if (n == 0) {
        rc = da_fail(err, DA_EFORMAT, "%s: no bench rows in it", path);
    }
out:
    da_buf_release(&text);
    return rc;
}
