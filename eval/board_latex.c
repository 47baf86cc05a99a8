/* LaTeX: one table environment each, for booktabs; a table wider than the line is shrunk to it. */

#include <math.h>
#include <string.h>

#include "eval/board.h"

static void add_escaped(struct da_buf *out, const char *s)
{
    static const struct {
        const char *from, *to;
    } map[] = {{"\\", "\\textbackslash{}"},
               {"&", "\\&"},
               {"%", "\\%"},
               {"$", "\\$"},
               {"#", "\\#"},
               {"_", "\\_"},
               {"{", "\\{"},
               {"}", "\\}"},
               {"~", "\\textasciitilde{}"},
               {"^", "\\textasciicircum{}"},
               {"<", "\\textless{}"},
               {">", "\\textgreater{}"},
               {"|", "\\textbar{}"},
               {"\"", "\\textquotedbl{}"}};
    for (; *s; s++) {
        size_t k = 0;
        while (k < DA_ARRAY_LEN(map) && *s != map[k].from[0]) {
            k++;
        }
        if (k < DA_ARRAY_LEN(map)) {
            da_buf_add_str(out, map[k].to);
        } else {
            da_buf_add_char(out, (unsigned char)*s < ' ' ? ' ' : *s);
        }
    }
}

static void add_cell(struct da_buf *out, const struct da_board_col *col,
                     const struct da_board_cell *cell)
{
    double show = col->show != 0 ? col->show : 1;
    if (cell->text) {
        add_escaped(out, cell->text);
        return;
    }
    if (!isfinite(cell->v)) {
        da_buf_add_str(out, "--");
        return;
    }
    da_buf_add_str(out, cell->best ? "\\textbf{" : "");
    da_board_add_number(out, cell->v * show, col->decimals);
    da_buf_add_str(out, cell->best ? "}" : "");
    if (!isfinite(cell->lo) || !isfinite(cell->hi)) {
        return;
    }
    if (col->is_lopsided) {
        da_buf_add_str(out, " {\\scriptsize(");
        da_board_add_number(out, cell->lo * show, col->decimals);
        da_buf_add_str(out, "--");
        da_board_add_number(out, cell->hi * show, col->decimals);
        da_buf_add_str(out, ")}");
    } else {
        da_buf_add_str(out, " {\\scriptsize$\\pm$");
        da_board_add_number(out, (cell->hi - cell->lo) / 2 * show, col->decimals);
        da_buf_add_char(out, '}');
    }
}

/* Before the tables. */
#define FIT                                                                                        \
    "% Needs \\usepackage{booktabs} and \\usepackage{graphicx}.\n\n"                               \
    "% As wide as it is, or as the line.\n"                                                        \
    "\\providecommand{\\docassistfit}[1]{\\sbox0{#1}%\n"                                           \
    "  \\ifdim\\wd0>\\linewidth\\resizebox{\\linewidth}{!}{\\usebox0}\\else\\usebox0\\fi}\n\n"

static void add_head(struct da_buf *out, const struct da_board_table *t)
{
    da_buf_add_str(out, t->ranked ? "\\docassistfit{\\begin{tabular}{rl"
                                  : "\\docassistfit{\\begin{tabular}{l");
    for (size_t c = 0; c < t->n_cols; c++) {
        da_buf_add_char(out, t->cols[c].is_text ? 'l' : 'r');
    }
    da_buf_addf(out, "}\n\\toprule\n%s%s", t->ranked ? "\\# & " : "", t->first);
    for (size_t c = 0; c < t->n_cols; c++) {
        da_buf_add_str(out, " & ");
        add_escaped(out, t->cols[c].label);
        da_buf_add_str(out, t->cols[c].better == DA_BOARD_LOWER ? " $\\downarrow$" : "");
    }
    da_buf_add_str(out, " \\\\\n\\midrule\n");
}

static bool has_intervals(const struct da_board_table *t)
{
    for (size_t r = 0; r < t->n_rows; r++) {
        for (size_t c = 0; c < t->n_cols; c++) {
            if (isfinite(t->rows[r].cells[c].lo) && !t->cols[c].is_lopsided) {
                return true;
            }
        }
    }
    return false;
}

static void add_table(struct da_buf *out, const struct da_board_section *s,
                      const struct da_board_table *t)
{
    da_buf_add_str(out, "\\begin{table}[t]\n\\centering\\small\n\\caption{");
    add_escaped(out, t->caption);
    da_buf_addf(out, "}\n\\label{tab:%s-%s}\n\\smallskip\n", s->id, t->id);
    add_head(out, t);
    for (size_t r = 0; r < t->n_rows; r++) {
        const struct da_board_row *row = &t->rows[r];
        if (t->ranked) {
            row->rank ? da_buf_addf(out, "%d%s & ", row->rank, row->shared ? "=" : "")
                      : da_buf_add_str(out, "-- & ");
        }
        add_escaped(out, row->label);
        if (row->note) {
            da_buf_add_str(out, " (");
            add_escaped(out, row->note);
            da_buf_add_char(out, ')');
        }
        for (size_t c = 0; c < t->n_cols; c++) {
            da_buf_add_str(out, " & ");
            add_cell(out, &t->cols[c], &row->cells[c]);
        }
        da_buf_add_str(out, " \\\\\n");
    }
    da_buf_add_str(out, "\\bottomrule\n\\end{tabular}}\n");
    bool ci = has_intervals(t);
    if (t->n_notes || ci) {
        da_buf_add_str(out, "\n\\smallskip\n\\begin{minipage}{\\linewidth}\\footnotesize\n");
        for (size_t k = 0; k < t->n_notes; k++) {
            add_escaped(out, t->notes[k]);
            da_buf_add_char(out, '\n');
        }
        da_buf_add_str(out, ci ? "$\\pm$: half the width of the 95\\,\\% interval.\n" : "");
        da_buf_add_str(out, "\\end{minipage}\n");
    }
    da_buf_add_str(out, "\\end{table}\n\n");
}

static void add_comment(struct da_buf *out, const char *s)
{
    da_buf_add_str(out, "% ");
    for (; *s; s++) {
        da_buf_add_char(out, (unsigned char)*s < ' ' ? ' ' : *s); /* one line */
    }
    da_buf_add_char(out, '\n');
}

enum da_rc da_board_latex(const struct da_board *b, struct da_buf *out, struct da_err *err)
{
    (void)err;
    add_comment(out, b->opts.title);
    da_buf_add_str(out, FIT);
    for (size_t i = 0; i < b->n_sections; i++) {
        const struct da_board_section *s = &b->sections[i];
        add_comment(out, s->intro);
        if (s->method) {
            add_comment(out, s->method);
        }
        da_buf_add_char(out, '\n');
        for (size_t k = 0; k < s->n_tables; k++) {
            if (!s->tables[k].is_detail) {
                add_table(out, s, &s->tables[k]);
            }
        }
    }
    da_buf_truncate(out, out->len - 1); /* one line feed at the end */
    return DA_OK;
}
