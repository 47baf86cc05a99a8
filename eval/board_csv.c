/*
 * CSV (RFC 4180, LF): one value a line, so that it reads well into any tool.
 * Values are whole: no rounding, no percent.
 */

#include <math.h>
#include <string.h>

#include "eval/board.h"

static void add_field(struct da_buf *out, const char *s)
{
    if (strpbrk(s, ",\"\r\n")) {
        da_buf_add_char(out, '"');
        for (; *s; s++) {
            if (*s == '"') {
                da_buf_add_char(out, '"');
            }
            da_buf_add_char(out, *s);
        }
        da_buf_add_char(out, '"');
    } else {
        da_buf_add_str(out, s);
    }
}

static void add_number_field(struct da_buf *out, double v)
{
    da_buf_add_char(out, ',');
    if (isfinite(v)) {
        da_buf_add_double(out, v);
    }
}

static const char *prompt_of(const struct da_board_table *t, const struct da_board_row *r)
{
    for (size_t c = 0; c < t->n_cols; c++) {
        if (t->cols[c].is_text && r->cells[c].text) {
            return r->cells[c].text;
        }
    }
    return "";
}

static void add_row(const struct da_board_section *s, const struct da_board_table *t,
                    const struct da_board_row *r, struct da_buf *out)
{
    for (size_t c = 0; c < t->n_cols; c++) {
        const struct da_board_cell *cell = &r->cells[c];
        if (!isfinite(cell->v) || t->cols[c].is_text) {
            continue;
        }
        const char *fields[] = {s->id, t->id, r->label, r->note ? r->note : "", prompt_of(t, r)};
        for (size_t k = 0; k < DA_ARRAY_LEN(fields); k++) {
            add_field(out, fields[k]);
            da_buf_add_char(out, ',');
        }
        if (r->rank) {
            da_buf_addf(out, "%d", r->rank);
        }
        da_buf_add_char(out, ',');
        add_field(out, t->cols[c].key);
        add_number_field(out, cell->v);
        add_number_field(out, cell->lo);
        add_number_field(out, cell->hi);
        add_number_field(out, cell->p);
        da_buf_add_char(out, ',');
        if (cell->n > 0) {
            da_buf_addf(out, "%lld", (long long)cell->n);
        }
        da_buf_add_char(out, '\n');
    }
}

enum da_rc da_board_csv(const struct da_board *b, struct da_buf *out, struct da_err *err)
{
    (void)err;
    da_buf_add_str(out,
                   "section,table,model,note,prompt,rank,column,value,ci95_low,ci95_high,p,n\n");
    for (size_t i = 0; i < b->n_sections; i++) {
        const struct da_board_section *s = &b->sections[i];
        for (size_t k = 0; k < s->n_tables; k++) {
            for (size_t r = 0; r < s->tables[k].n_rows; r++) {
                add_row(s, &s->tables[k], &s->tables[k].rows[r], out);
            }
        }
    }
    return DA_OK;
}
