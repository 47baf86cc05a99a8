/* JSON: the tables with whole values, and what they were made with. */

#include <math.h>

#include "eval/board.h"

static const char *const kinds[] = {
    [DA_BOARD_SCORES] = "scores",
    [DA_BOARD_EFFICIENCY] = "efficiency",
    [DA_BOARD_PUBLISHED] = "published",
};

static const char *const betters[] = {
    [DA_BOARD_NEUTRAL] = "neither",
    [DA_BOARD_HIGHER] = "higher",
    [DA_BOARD_LOWER] = "lower",
};

static void add_cell(struct da_jw *w, const struct da_board_col *col,
                     const struct da_board_cell *cell)
{
    if (!isfinite(cell->v) && !cell->text) {
        return;
    }
    da_jw_key(w, col->key);
    da_jw_object(w);
    if (isfinite(cell->v)) {
        da_jw_kdouble(w, "value", cell->v);
    }
    if (isfinite(cell->lo) && isfinite(cell->hi)) {
        da_jw_key(w, "ci95");
        da_jw_array(w);
        da_jw_double(w, cell->lo);
        da_jw_double(w, cell->hi);
        da_jw_end(w);
    }
    if (isfinite(cell->p)) {
        da_jw_kdouble(w, "p", cell->p);
    }
    if (cell->n > 0) {
        da_jw_kint(w, "n", cell->n);
    }
    if (cell->text) {
        da_jw_kcstr(w, "text", cell->text);
    }
    da_jw_end(w);
}

static void add_row(struct da_jw *w, const struct da_board_table *t, const struct da_board_row *r)
{
    da_jw_object(w);
    da_jw_kcstr(w, "model", r->label);
    if (r->note) {
        da_jw_kcstr(w, "note", r->note);
    }
    if (t->ranked) {
        da_jw_key(w, "rank");
        r->rank ? da_jw_int(w, r->rank) : da_jw_null(w);
        da_jw_kbool(w, "shared", r->shared);
    }
    da_jw_key(w, "values");
    da_jw_object(w);
    for (size_t c = 0; c < t->n_cols; c++) {
        add_cell(w, &t->cols[c], &r->cells[c]);
    }
    da_jw_end(w);
    da_jw_end(w);
}

static void add_table(struct da_jw *w, const struct da_board_table *t)
{
    da_jw_object(w);
    da_jw_kcstr(w, "id", t->id);
    da_jw_kcstr(w, "title", t->caption);
    if (t->task >= 0) {
        da_jw_kcstr(w, "task", da_board_task_name((enum da_board_task)t->task));
    }
    da_jw_key(w, "columns");
    da_jw_array(w);
    for (size_t c = 0; c < t->n_cols; c++) {
        da_jw_object(w);
        da_jw_kcstr(w, "key", t->cols[c].key);
        da_jw_kcstr(w, "label", t->cols[c].label);
        da_jw_kcstr(w, "what", t->cols[c].what);
        da_jw_kcstr(w, "better", betters[t->cols[c].better]);
        da_jw_end(w);
    }
    da_jw_end(w);
    da_jw_key(w, "rows");
    da_jw_array(w);
    for (size_t r = 0; r < t->n_rows; r++) {
        add_row(w, t, &t->rows[r]);
    }
    da_jw_end(w);
    da_jw_key(w, "notes");
    da_jw_array(w);
    for (size_t k = 0; k < t->n_notes; k++) {
        da_jw_cstr(w, t->notes[k]);
    }
    da_jw_end(w);
    da_jw_end(w);
}

static void add_pool(struct da_jw *w, const struct da_board *b, const struct da_board_pool *p)
{
    da_jw_key(w, "dataset");
    da_jw_object(w);
    da_jw_kcstr(w, "sha256", p->systems[0]->data_sha256);
    da_jw_kint(w, "n", p->systems[0]->data_n);
    da_jw_end(w);
    da_jw_key(w, "signatures");
    da_jw_object(w);
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        if (!(p->tasks & (1u << t))) {
            continue;
        }
        da_jw_key(w, da_board_task_name((enum da_board_task)t));
        da_jw_object(w);
        for (size_t m = 0; m < b->n_metrics; m++) {
            if (p->signatures[t][m]) {
                da_jw_kcstr(w, b->metrics[m].key, p->signatures[t][m]);
            }
        }
        da_jw_end(w);
    }
    da_jw_end(w);
    da_jw_key(w, "systems");
    da_jw_array(w);
    for (size_t i = 0; i < p->n; i++) {
        const struct da_board_system *s = p->systems[i];
        da_jw_object(w);
        da_jw_kcstr(w, "model", s->label);
        da_jw_kint(w, "n_scored", s->n_scored);
        da_jw_kint(w, "n_total", s->n_total);
        da_jw_key(w, "origin");
        da_jw_object(w);
        for (size_t k = 0; k < s->n_origin; k++) {
            da_jw_kcstr(w, s->origin[k].key, s->origin[k].value);
        }
        da_jw_end(w);
        da_jw_end(w);
    }
    da_jw_end(w);
}

enum da_rc da_board_json(const struct da_board *b, struct da_buf *out, struct da_err *err)
{
    struct da_jw w;
    (void)err;
    da_jw_init(&w, out);
    da_jw_object(&w);
    da_jw_kcstr(&w, "schema", "docassist.board/1");
    da_jw_kcstr(&w, "title", b->opts.title);
    da_jw_key(&w, "sections");
    da_jw_array(&w);
    for (size_t i = 0; i < b->n_sections; i++) {
        const struct da_board_section *s = &b->sections[i];
        da_jw_object(&w);
        da_jw_kcstr(&w, "id", s->id);
        da_jw_kcstr(&w, "kind", kinds[s->kind]);
        da_jw_kcstr(&w, "title", s->title);
        da_jw_kcstr(&w, "about", s->intro);
        if (s->method) {
            da_jw_kcstr(&w, "method", s->method);
        }
        if (s->pool) {
            add_pool(&w, b, s->pool);
        }
        da_jw_key(&w, "tables");
        da_jw_array(&w);
        for (size_t k = 0; k < s->n_tables; k++) {
            add_table(&w, &s->tables[k]);
        }
        da_jw_end(&w);
        da_jw_end(&w);
    }
    da_jw_end(&w);
    da_jw_end(&w);
    da_buf_add_char(out, '\n');
    return DA_OK;
}
