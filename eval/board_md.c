/* Markdown: tables that are aligned in a terminal too. */

#include <math.h>
#include <string.h>

#include "common/utf8.h"
#include "eval/board.h"

/* Text in which nothing is markup: names come from files. */
static void add_escaped(struct da_buf *out, const char *s)
{
    for (; *s; s++) {
        switch (*s) {
        case '<': da_buf_add_str(out, "&lt;"); break;
        case '>': da_buf_add_str(out, "&gt;"); break;
        case '&': da_buf_add_str(out, "&amp;"); break;
        case '\\':
        case '|':
        case '*':
        case '`':
        case '[':
        case ']':
            da_buf_add_char(out, '\\');
            da_buf_add_char(out, *s);
            break;
        default: da_buf_add_char(out, (unsigned char)*s < ' ' ? ' ' : *s);
        }
    }
}

static void cell_text(const struct da_board_col *col, const struct da_board_cell *cell,
                      struct da_buf *out)
{
    double show = col->show != 0 ? col->show : 1;
    if (cell->text) {
        add_escaped(out, cell->text);
        return;
    }
    if (!isfinite(cell->v)) {
        da_buf_add_str(out, "-");
        return;
    }
    if (cell->best) {
        da_buf_add_str(out, "**");
    }
    da_board_add_number(out, cell->v * show, col->decimals);
    if (cell->best) {
        da_buf_add_str(out, "**");
    }
    if (!isfinite(cell->lo) || !isfinite(cell->hi)) {
        return;
    }
    if (col->is_lopsided) {
        da_buf_add_str(out, " (");
        da_board_add_number(out, cell->lo * show, col->decimals);
        da_buf_add_str(out, " to ");
        da_board_add_number(out, cell->hi * show, col->decimals);
        da_buf_add_char(out, ')');
    } else {
        da_buf_add_str(out, " ±");
        da_board_add_number(out, (cell->hi - cell->lo) / 2 * show, col->decimals);
    }
}

static void heading_text(const struct da_board_col *col, struct da_buf *out)
{
    add_escaped(out, col->label);
    if (col->better == DA_BOARD_LOWER) {
        da_buf_add_str(out, " ↓");
    }
}

/* Text of column c of row r; r == n_rows is the heading. Columns: [rank], label, cells. */
static void text_at(const struct da_board_table *t, size_t r, size_t c, struct da_buf *out)
{
    const struct da_board_row *row = r < t->n_rows ? &t->rows[r] : NULL;
    da_buf_reset(out);
    if (t->ranked && c == 0) {
        if (!row) {
            da_buf_add_str(out, "#");
        } else if (row->rank) {
            da_buf_addf(out, "%d%s", row->rank, row->shared ? "=" : "");
        } else {
            da_buf_add_str(out, "-");
        }
        return;
    }
    c -= t->ranked;
    if (c > 0) {
        row ? cell_text(&t->cols[c - 1], &row->cells[c - 1], out)
            : heading_text(&t->cols[c - 1], out);
    } else if (!row) {
        da_buf_add_str(out, t->first);
    } else {
        add_escaped(out, row->label);
        if (row->note) {
            da_buf_add_str(out, " (");
            add_escaped(out, row->note);
            da_buf_add_char(out, ')');
        }
    }
}

static void add_padded(struct da_buf *out, const struct da_buf *text, size_t width, bool right)
{
    size_t n = da_utf8_count(text->p, text->len);
    for (size_t k = n; right && k < width; k++) {
        da_buf_add_char(out, ' ');
    }
    da_buf_add(out, text->p, text->len);
    for (size_t k = n; !right && k < width; k++) {
        da_buf_add_char(out, ' ');
    }
}

/* Column c of the printed table holds text: the label, a prompt. */
static bool is_left(const struct da_board_table *t, size_t c)
{
    size_t label = t->ranked;
    return c == label || (c > label && t->cols[c - label - 1].is_text);
}

static void add_line(const struct da_board_table *t, size_t r, const size_t *width, size_t n,
                     struct da_buf *scratch, struct da_buf *out)
{
    for (size_t c = 0; c < n; c++) {
        text_at(t, r, c, scratch);
        da_buf_add_str(out, c == 0 ? "| " : " | ");
        add_padded(out, scratch, width[c], !is_left(t, c));
    }
    da_buf_add_str(out, " |\n");
}

static void add_table(const struct da_board_table *t, struct da_buf *out)
{
    size_t width[DA_BOARD_MAX_METRICS + 8] = {0};
    size_t n = t->n_cols + 1 + t->ranked;
    struct da_buf scratch;
    da_buf_init(&scratch, 0);
    for (size_t c = 0; c < n; c++) {
        width[c] = 3;
        for (size_t r = 0; r <= t->n_rows; r++) {
            text_at(t, r, c, &scratch);
            size_t w = da_utf8_count(scratch.p, scratch.len);
            width[c] = w > width[c] ? w : width[c];
        }
    }
    da_buf_addf(out, "### %s\n\n", t->caption);
    add_line(t, t->n_rows, width, n, &scratch, out);
    for (size_t c = 0; c < n; c++) {
        bool left = is_left(t, c);
        da_buf_add_str(out, left ? "| :" : "| ");
        for (size_t k = 1; k < width[c]; k++) {
            da_buf_add_char(out, '-');
        }
        da_buf_add_str(out, left ? " " : ": ");
    }
    da_buf_add_str(out, "|\n");
    for (size_t r = 0; r < t->n_rows; r++) {
        add_line(t, r, width, n, &scratch, out);
    }
    da_buf_add_char(out, '\n');
    for (size_t k = 0; k < t->n_notes; k++) {
        add_escaped(out, t->notes[k]);
        da_buf_add_str(out, k + 1 < t->n_notes ? "\n" : "\n\n");
    }
    da_buf_release(&scratch);
}

static bool is_sig(const struct da_board_pool *p, unsigned task, size_t m, const char *sig)
{
    return p->signatures[task][m] && strcmp(p->signatures[task][m], sig) == 0;
}

/* "- BLEU (Summarization, Question answering): `...`"; tasks only where signatures differ. */
static void add_signature(const struct da_board *b, const struct da_board_pool *p, size_t m,
                          const char *sig, struct da_buf *out)
{
    bool all = true, first = true;
    da_buf_addf(out, "- %s", b->metrics[m].label);
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        all = all && (!p->signatures[t][m] || is_sig(p, t, m, sig));
    }
    for (unsigned t = 0; t < DA_BOARD_N_TASKS && !all; t++) {
        if (is_sig(p, t, m, sig)) {
            da_buf_addf(out, "%s%s", first ? " (" : ", ", da_board_task_titles[t]);
            first = false;
        }
    }
    da_buf_add_str(out, all ? ": `" : "): `");
    for (const char *c = sig; *c; c++) {
        da_buf_add_char(out, *c == '`' || (unsigned char)*c < ' ' ? '\'' : *c);
    }
    da_buf_add_str(out, "`\n");
}

/* What scores were made with. */
static void add_signatures(const struct da_board *b, const struct da_board_section *s,
                           struct da_buf *out)
{
    const struct da_board_pool *p = s->pool;
    da_buf_addf(out, "Data set SHA-256 `%s`. Signatures:\n\n", p->systems[0]->data_sha256);
    for (size_t m = 0; m < b->n_metrics; m++) {
        for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
            const char *sig = p->signatures[t][m];
            bool said = !sig;
            for (unsigned k = 0; k < t && !said; k++) {
                said = is_sig(p, k, m, sig);
            }
            if (!said) {
                add_signature(b, p, m, sig, out);
            }
        }
    }
    da_buf_add_char(out, '\n');
}

enum da_rc da_board_md(const struct da_board *b, struct da_buf *out, struct da_err *err)
{
    (void)err;
    da_buf_add_str(out, "# ");
    add_escaped(out, b->opts.title);
    da_buf_add_str(out, "\n\n");
    for (size_t i = 0; i < b->n_sections; i++) {
        const struct da_board_section *s = &b->sections[i];
        da_buf_add_str(out, "## ");
        add_escaped(out, s->title);
        da_buf_add_str(out, "\n\n");
        add_escaped(out, s->intro);
        da_buf_add_str(out,
                       s->pool ? " Scores 0 to 1 with 95 % intervals (half their width).\n" : "\n");
        if (s->method) {
            add_escaped(out, s->method);
            da_buf_add_char(out, '\n');
        }
        da_buf_add_char(out, '\n');
        for (size_t k = 0; k < s->n_tables; k++) {
            if (!s->tables[k].is_detail) {
                add_table(&s->tables[k], out);
            }
        }
        if (s->pool) {
            add_signatures(b, s, out);
        }
    }
    /* One newline at the end of the file. */
    while (out->len > 1 && out->p[out->len - 1] == '\n' && out->p[out->len - 2] == '\n') {
        da_buf_truncate(out, out->len - 1);
    }
    return DA_OK;
}
