/*
 * Published rows: results printed in a paper, built in as eval/page/published.json.
 * They were measured on other data by other tools, so they stand apart: no rank,
 * no test, the digits as printed.
 */

#include <math.h>
#include <string.h>

#include "common/embed.h"
#include "eval/board.h"

enum {
    PRINTED_DECIMALS = 2,        /* of the paper's columns */
    PRINTED_AVERAGE_DECIMALS = 4 /* and of its averages */
};

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
        *x = (struct da_board_bench){
            .prompt_tokens = -1, .new_tokens = -1, .threads = -1, .peak_rss_bytes = NAN};
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
    for (const struct da_json *t = da_json_first(da_json_get(j, "tables")); t;
         t = da_json_next(t)) {
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

static void published_scores(struct da_board *b, struct da_board_section *s,
                             const struct da_board_set *set, unsigned score)
{
    bool overall = score == DA_BOARD_OVERALL;
    struct da_board_table *t =
        overall ? da_board_new_table(b, s, "average", "Average of the three tasks", -1)
                : da_board_new_table(b, s, da_board_task_name((enum da_board_task)score),
                                     da_board_task_titles[score], (int)score);
    t->caption = da_board_strf(b, "%s (%s)", t->title, set->table_source[score]);
    size_t metric_of[DA_BOARD_MAX_COLS];
    for (size_t m = 0; m < b->n_metrics; m++) {
        if (overall ? b->metrics[m].averaged != 0 : (b->metrics[m].paper >> score) & 1) {
            metric_of[da_board_add_metric_col(b, t, m, PRINTED_DECIMALS)] = m;
        }
    }
    size_t n_values = t->n_cols;
    size_t avg = da_board_add_col(t, "average", "Average", "The paper's average", DA_BOARD_HIGHER,
                                  PRINTED_AVERAGE_DECIMALS);
    t->rows = da_arena_alloc(&b->arena, set->n_systems, sizeof *t->rows);
    for (size_t i = 0; i < set->n_systems; i++) {
        struct da_board_system *sys = set->systems[i];
        if (!sys->average[score].set) {
            continue;
        }
        struct da_board_row *row = da_board_add_row(b, t, sys->label);
        row->sys = sys;
        for (size_t c = 0; c < n_values; c++) {
            da_board_set_cell(&row->cells[c], overall ? &sys->overall[metric_of[c]]
                                                      : &sys->values[score][metric_of[c]]);
        }
        da_board_set_cell(&row->cells[avg], &sys->average[score]);
    }
}

static void published_intents(struct da_board *b, struct da_board_section *s,
                              const struct da_board_set *set)
{
    struct da_board_table *t = da_board_new_table(b, s, "intent", "Intent classification", -1);
    size_t c =
        da_board_add_col(t, "accuracy", "Accuracy, %",
                         "Requests whose kind the system named correctly", DA_BOARD_HIGHER, 2);
    t->cols[c].show = 100;
    t->caption = da_board_strf(b, "%s (%s)", t->title, set->table_source[DA_BOARD_INTENT]);
    t->rows = da_arena_alloc(&b->arena, set->n_systems, sizeof *t->rows);
    for (size_t i = 0; i < set->n_systems; i++) {
        if (set->systems[i]->intent.set) {
            struct da_board_row *row = da_board_add_row(b, t, set->systems[i]->label);
            row->sys = set->systems[i];
            da_board_set_cell(&row->cells[c], &set->systems[i]->intent);
        }
    }
}

void da_board_published_section(struct da_board *b)
{
    const struct da_board_set *set = b->published;
    struct da_board_section *s = da_board_new_section(
        b, DA_BOARD_PUBLISHED, "published", da_board_strf(b, "Published: %s", set->source));
    s->intro = da_board_strf(b,
                             "Printed in \"%s\" (%s), digits as printed. Other data, other tools: "
                             "these rows are not ranked, not tested and not comparable with the "
                             "scores above. The text of %s is the reference there.",
                             set->title, set->source, set->reference);
    published_scores(b, s, set, DA_BOARD_OVERALL);
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        if (b->opts.tasks & (1u << t)) {
            published_scores(b, s, set, t);
        }
    }
    published_intents(b, s, set);
    da_board_bench_table(b, s, set->bench, set->n_bench, true);
    s->tables[s->n_tables - 1].caption =
        da_board_strf(b, "Efficiency (%s): %s", set->table_source[DA_BOARD_N_SCORES], set->device);
}
