/*
 * Published rows: results printed in a paper, built in as eval/page/published.json.
 * They were measured on other data by other tools, so they stand apart: no rank,
 * no test, the digits as printed.
 */

#include <math.h>
#include <string.h>

#include "common/embed.h"
#include "eval/board.h"

static const char published_file[] = "eval/page/published.json";

static const char *text_of(struct da_board *b, const struct da_json *j, const char *key)
{
    struct da_span s;
    return da_json_str(da_json_get(j, key), &s) ? da_board_str(b, s) : NULL;
}

static struct da_board_system *system_of(struct da_board *b, struct da_board_set *set,
                                         const struct da_json *name)
{
    struct da_span s = {"", 0};
    (void)da_json_str(name, &s);
    for (size_t i = 0; i < set->n_systems; i++) {
        if (da_span_is(s, set->systems[i]->label)) {
            return set->systems[i];
        }
    }
    struct da_board_system *sys = da_board_new_system(b);
    sys->label = da_board_str(b, s);
    sys->published = true;
    set->systems[set->n_systems++] = sys;
    return sys;
}

static struct da_board_value value_of(const struct da_json *j, double scale)
{
    struct da_board_value v = {.lo = NAN, .hi = NAN, .n = -1};
    v.set = da_json_double(j, &v.v);
    v.v *= scale;
    return v;
}

static void read_scores(struct da_board *b, struct da_board_set *set, const struct da_json *tables,
                        const char *key, unsigned score)
{
    const struct da_json *t = da_json_get(tables, key);
    const struct da_json *cols = da_json_get(t, "columns");
    set->table_source[score] = text_of(b, t, "source");
    for (const struct da_json *r = da_json_first(da_json_get(t, "rows")); r; r = da_json_next(r)) {
        struct da_board_system *s = system_of(b, set, da_json_first(r));
        const struct da_json *cell = da_json_next(da_json_first(r));
        const struct da_json *c = da_json_first(cols);
        for (; c && cell; c = da_json_next(c), cell = da_json_next(cell)) {
            struct da_span name = {"", 0};
            (void)da_json_str(c, &name);
            struct da_board_value v = value_of(cell, 1);
            if (da_span_is(name, "average")) {
                s->average[score] = v;
                continue;
            }
            size_t m = da_board_metric_of(b, name.p, name.len);
            struct da_board_value *to = score < DA_BOARD_N_TASKS ? s->values[score] : s->overall;
            if (m < DA_BOARD_MAX_METRICS) {
                to[m] = v;
            }
        }
    }
}

static void read_intent(struct da_board *b, struct da_board_set *set, const struct da_json *t)
{
    set->table_source[DA_BOARD_INTENT] = text_of(b, t, "source");
    for (const struct da_json *r = da_json_first(da_json_get(t, "rows")); r; r = da_json_next(r)) {
        struct da_board_system *s = system_of(b, set, da_json_first(r));
        s->intent = value_of(da_json_at(r, 1), 0.01); /* printed in percent */
    }
}

static void read_bench(struct da_board *b, struct da_board_set *set, const struct da_json *t)
{
    const struct da_json *rows = da_json_get(t, "rows");
    set->table_source[DA_BOARD_N_SCORES] = text_of(b, t, "source");
    set->device = text_of(b, t, "device");
    set->bench = da_arena_alloc(&b->arena, da_json_len(rows), sizeof *set->bench);
    for (const struct da_json *r = da_json_first(rows); r; r = da_json_next(r)) {
        struct da_board_bench *x = &set->bench[set->n_bench++];
        struct da_span s = {"", 0};
        *x = (struct da_board_bench){.prompt_tokens = -1, .new_tokens = -1, .threads = -1,
                                     .peak_rss_bytes = NAN};
        (void)da_json_str(da_json_at(r, 0), &s);
        x->prompt = da_board_str(b, s);
        (void)da_json_str(da_json_at(r, 1), &s);
        x->label = da_board_str(b, s);
        x->itps = value_of(da_json_at(r, 2), 1).v;
        x->otps = value_of(da_json_at(r, 3), 1).v;
        x->ttft_s = value_of(da_json_at(r, 4), 1).v;
        x->runtime_s = value_of(da_json_at(r, 5), 1).v;
    }
}

/* Systems of a set: at most one for each row of its tables. */
static size_t count_rows(const struct da_json *j)
{
    size_t n = da_json_len(da_json_get(da_json_get(j, "intent"), "rows"));
    for (const struct da_json *t = da_json_first(da_json_get(j, "tables")); t; t = da_json_next(t)) {
        n += da_json_len(da_json_get(t, "rows"));
    }
    return n;
}

enum da_rc da_board_add_published(struct da_board *b, const char *name, struct da_err *err)
{
    const struct da_embedded *file = da_embed_find(published_file);
    struct da_json *j = NULL;
    if (!file) {
        return da_fail(err, DA_ENOTFOUND, "this build has no published rows");
    }
    enum da_rc rc = da_json_parse((const char *)file->p, file->len, &j, err);
    if (rc != DA_OK) {
        return da_err_context(err, rc, "%s", published_file);
    }
    struct da_board_set *set = da_arena_alloc(&b->arena, 1, sizeof *set);
    set->name = text_of(b, j, "name");
    if (!set->name || strcmp(set->name, name) != 0) {
        rc = da_fail(err, DA_ENOTFOUND, "no published rows named '%s'; there is '%s'", name,
                     set->name ? set->name : "");
        goto out;
    }
    set->title = text_of(b, j, "title");
    set->source = text_of(b, j, "source");
    set->url = text_of(b, j, "url");
    set->reference = text_of(b, j, "reference");
    set->systems = da_arena_alloc(&b->arena, count_rows(j), sizeof(struct da_board_system *));
    const struct da_json *tables = da_json_get(j, "tables");
    read_scores(b, set, tables, "average", DA_BOARD_OVERALL);
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        read_scores(b, set, tables, da_board_task_name((enum da_board_task)t), t);
    }
    read_intent(b, set, da_json_get(j, "intent"));
    read_bench(b, set, da_json_get(j, "efficiency"));
    b->published = set;
out:
    da_json_free(j);
    return rc;
}
