/* What stands behind the scores, on the page: confusion tables, and what they were made with. */

#include <math.h>
#include <string.h>

#include "eval/board_page.h"

enum { MAX_OPEN = 6 /* confusion tables shown without being asked for */ };

/* "question_answering" reads better with a space. */
static void label(struct da_buf *out, const char *s)
{
    struct da_buf t;
    da_buf_init(&t, 0);
    for (; *s; s++) {
        da_buf_add_char(&t, *s == '_' ? ' ' : *s);
    }
    da_page_text(out, t.p);
    da_buf_release(&t);
}

/* Share of a row (or of a column) that lies on the diagonal, in percent. */
static void share(struct da_buf *out, int64_t hit, int64_t total)
{
    da_buf_add_str(out, "<td>");
    if (total > 0) {
        da_board_add_number(out, 100.0 * (double)hit / (double)total, 1);
    } else {
        da_buf_add_str(out, "<span aria-label=\"not defined\">–</span>");
    }
    da_buf_add_str(out, "</td>");
}

static int64_t hits(const struct da_board_confusion *c, size_t row, size_t col)
{
    return strcmp(c->rows[row], c->cols[col]) == 0 ? c->count[row * c->n_cols + col] : 0;
}

static void confusion_row(struct da_buf *out, const struct da_board_confusion *c, size_t r)
{
    int64_t total = 0, hit = 0;
    for (size_t k = 0; k < c->n_cols; k++) {
        total += c->count[r * c->n_cols + k];
        hit += hits(c, r, k);
    }
    da_buf_add_str(out, "<tr><th scope=\"row\">");
    label(out, c->rows[r]);
    da_buf_add_str(out, "</th>");
    for (size_t k = 0; k < c->n_cols; k++) {
        int64_t n = c->count[r * c->n_cols + k];
        da_buf_add_str(out, "<td class=\"heat\" style=\"--w:");
        da_board_add_number(out, total ? (double)n / (double)total : 0, 3);
        da_buf_addf(out, "\">%lld</td>", (long long)n);
    }
    share(out, hit, total);
    da_buf_add_str(out, "</tr>\n");
}

static void precision_row(struct da_buf *out, const struct da_board_confusion *c)
{
    da_buf_add_str(out, "<tr class=\"foot\"><th scope=\"row\">Precision, %</th>");
    for (size_t k = 0; k < c->n_cols; k++) {
        int64_t total = 0, hit = 0;
        bool is_class = false;
        for (size_t r = 0; r < c->n_rows; r++) {
            total += c->count[r * c->n_cols + k];
            hit += hits(c, r, k);
            is_class = is_class || strcmp(c->rows[r], c->cols[k]) == 0;
        }
        share(out, hit, is_class ? total : 0);
    }
    da_buf_add_str(out, "<td></td></tr>\n");
}

static void confusion(struct da_buf *out, const struct da_board_system *s)
{
    const struct da_board_confusion *c = &s->confusion;
    da_buf_add_str(out, "<figure class=\"card\" data-model=\"");
    da_page_text(out, s->label);
    da_buf_add_str(
        out, "\"><div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Intents of ");
    da_page_text(out, s->label);
    da_buf_add_str(out, "\"><table class=\"matrix\"><caption>");
    da_page_text(out, s->label);
    da_buf_add_str(out, "</caption>\n<thead><tr><td></td>");
    for (size_t k = 0; k < c->n_cols; k++) {
        da_buf_add_str(out, "<th scope=\"col\">");
        label(out, c->cols[k]);
        da_buf_add_str(out, "</th>");
    }
    da_buf_add_str(out, "<th scope=\"col\">Recall, %</th></tr></thead><tbody>\n");
    for (size_t r = 0; r < c->n_rows; r++) {
        confusion_row(out, c, r);
    }
    precision_row(out, c);
    da_buf_add_str(out, "</tbody></table></div></figure>\n");
}

static bool is_perfect(const struct da_board_confusion *c)
{
    for (size_t r = 0; r < c->n_rows; r++) {
        for (size_t k = 0; k < c->n_cols; k++) {
            if (c->count[r * c->n_cols + k] != hits(c, r, k)) {
                return false;
            }
        }
    }
    return true;
}

/* Systems that made no mistake need no table: they are named. */
void da_page_confusions(struct da_buf *out, const struct da_board_section *s)
{
    const struct da_board_pool *p = s->pool;
    size_t n = 0, n_perfect = 0;
    for (size_t i = 0; i < p->n; i++) {
        n += p->systems[i]->confusion.n_cols > 0;
    }
    if (n == 0) {
        return;
    }
    da_buf_addf(out,
                "<h3 id=\"%s-intents\">Intents, asked for and understood</h3>\n"
                "<p class=\"about\">Rows: what the request asks for. Columns: what the system "
                "said it does.",
                s->id);
    for (size_t i = 0; i < p->n; i++) {
        const struct da_board_confusion *c = &p->systems[i]->confusion;
        if (c->n_cols > 0 && is_perfect(c)) {
            da_buf_add_str(out, n_perfect++ ? ", " : " Without a mistake: ");
            da_page_text(out, p->systems[i]->label);
        }
    }
    da_buf_add_str(out, n_perfect ? ".</p>\n" : "</p>\n");
    bool fold = n - n_perfect > MAX_OPEN;
    if (fold) {
        da_buf_addf(out, "<details class=\"card\"><summary>%zu systems</summary>\n", n - n_perfect);
    }
    da_buf_add_str(out, n_perfect < n ? "<div class=\"confusion-grid\">\n" : "");
    for (size_t i = 0; i < p->n; i++) {
        const struct da_board_confusion *c = &p->systems[i]->confusion;
        if (c->n_cols > 0 && !is_perfect(c)) {
            confusion(out, p->systems[i]);
        }
    }
    da_buf_add_str(out, n_perfect < n ? "</div>\n" : "");
    da_buf_add_str(out, fold ? "</details>\n" : "");
}

static void fact(struct da_buf *out, const char *key, const char *value, bool mono)
{
    da_buf_add_str(out, "<dt>");
    da_page_text(out, key);
    da_buf_add_str(out, mono ? "</dt><dd class=\"mono\">" : "</dt><dd>");
    da_page_text(out, value);
    da_buf_add_str(out, "</dd>\n");
}

static void signatures(struct da_buf *out, const struct da_board *b, const struct da_board_pool *p,
                       const char *title)
{
    da_buf_add_str(out,
                   "<figure class=\"card\"><div class=\"scroll\" tabindex=\"0\" role=\"group\" "
                   "aria-label=\"Signatures\"><table class=\"sortable\"><caption>Signatures"
                   "<span class=\"sub\">");
    da_page_text(out, title);
    da_buf_add_str(out, ", data set ");
    da_page_text(out, p->systems[0]->data_sha256);
    da_buf_add_str(out, "</span></caption>\n<thead><tr><th scope=\"col\" class=\"name\" "
                        "data-name=\"task\">Task</th><th scope=\"col\" class=\"text\" "
                        "data-name=\"metric\">Metric</th><th scope=\"col\" class=\"text\" "
                        "data-name=\"signature\">Signature</th></tr></thead><tbody>\n");
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        for (size_t m = 0; m < b->n_metrics; m++) {
            if (p->signatures[t][m]) {
                da_buf_addf(out,
                            "<tr data-task=\"%s\"><th scope=\"row\">%s</th><td class=\"text\">",
                            da_board_task_name((enum da_board_task)t), da_board_task_titles[t]);
                da_page_text(out, b->metrics[m].label);
                da_buf_add_str(out, "</td><td class=\"text\"><code>");
                da_page_text(out, p->signatures[t][m]);
                da_buf_add_str(out, "</code></td></tr>\n");
            }
        }
    }
    da_buf_add_str(out, "</tbody></table></div></figure>\n");
}

static void origin(struct da_buf *out, const struct da_board_system *s)
{
    struct da_buf n;
    da_buf_init(&n, 0);
    da_buf_add_str(out, "<details class=\"card\" data-model=\"");
    da_page_text(out, s->label);
    da_buf_add_str(out, "\"><summary>");
    da_page_text(out, s->label);
    if (s->n_scored >= 0 && s->n_total >= 0) {
        da_buf_addf(&n, "%lld of %lld examples scored", (long long)s->n_scored,
                    (long long)s->n_total);
        da_buf_add_str(out, "<span class=\"sub\">");
        da_page_text(out, n.p);
        da_buf_add_str(out, "</span>");
    }
    da_buf_add_str(out, "</summary>\n<dl class=\"facts\">\n");
    if (s->note) {
        fact(out, "note", s->note, false);
    }
    for (size_t k = 0; k < s->n_origin; k++) {
        fact(out, s->origin[k].key, s->origin[k].value, true);
    }
    fact(out, "data set SHA-256", s->data_sha256, true);
    if (s->samples_sha256) {
        fact(out, "per-sample file SHA-256", s->samples_sha256, true);
    }
    da_buf_add_str(out, "</dl></details>\n");
    da_buf_release(&n);
}

static void glossary(struct da_buf *out, const struct da_board *b)
{
    da_buf_add_str(out, "<h3>What the columns say</h3>\n<dl class=\"glossary\">\n");
    for (size_t m = 0; m < b->n_metrics; m++) {
        bool used = b->metrics[m].paper != 0 && b->published;
        for (size_t i = 0; i < b->n_pools; i++) {
            for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
                used = used || b->pools[i].signatures[t][m];
            }
        }
        if (used && b->metrics[m].what[0]) {
            da_buf_addf(out, "<div><dt>%s</dt><dd>%s.</dd></div>\n", b->metrics[m].label,
                        b->metrics[m].what);
        }
    }
    if (b->n_bench > 0 || b->published) {
        da_buf_add_str(
            out, "<div><dt>ITPS, OTPS</dt><dd>Input and output tokens per second.</dd></div>\n"
                 "<div><dt>TTFT</dt><dd>Time to the first token of the answer.</dd></div>\n");
    }
    da_buf_add_str(out, "</dl>\n");
}

void da_page_provenance(struct da_buf *out, const struct da_board *b)
{
    da_buf_add_str(out, "<section id=\"made-with\" aria-labelledby=\"h-made-with\">"
                        "<div class=\"wide\">\n<h2 id=\"h-made-with\">Made with</h2>\n"
                        "<p class=\"about\">Scores can be compared only where the data set and the "
                        "signatures below are the same.</p>\n");
    for (size_t i = 0; i < b->n_pools; i++) {
        signatures(out, b, &b->pools[i], b->sections[i].title);
    }
    for (size_t i = 0; i < b->n_systems; i++) {
        origin(out, b->systems[i]);
    }
    if (b->published && b->published->url) {
        da_buf_add_str(out, "<p class=\"small\">Published rows: ");
        da_page_text(out, b->published->title);
        da_buf_add_str(out, ", <a rel=\"noreferrer\" href=\"");
        da_page_text(out, b->published->url);
        da_buf_add_str(out, "\">");
        da_page_text(out, b->published->source);
        da_buf_add_str(out, "</a>.</p>\n");
    }
    glossary(out, b);
    da_buf_add_str(out, "</div></section>\n");
}
