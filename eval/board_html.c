/*
 * The HTML page: one file, no network, works without JavaScript.
 *
 * Every text from a file passes da_page_text. Should that ever fail, the page's
 * Content-Security-Policy still allows one script only, by its hash, and no
 * request at all.
 */

#include <math.h>
#include <string.h>

#include "common/embed.h"
#include "common/hash.h"
#include "eval/board_page.h"
#include "schemas/record.h"

enum { MAX_ON_A_LINE = 18 /* letters of a heading */ };

void da_page_text(struct da_buf *out, const char *s)
{
    for (const char *run = s;; s++) {
        const char *to = NULL;
        switch (*s) {
        case '&': to = "&amp;"; break;
        case '<': to = "&lt;"; break;
        case '>': to = "&gt;"; break;
        case '"': to = "&quot;"; break;
        case '\'': to = "&#39;"; break;
        case '\0': break;
        default:
            if (((unsigned char)*s >= ' ' && *s != 0x7f) || *s == '\n' || *s == '\t') {
                continue;
            }
            to = "\xef\xbf\xbd"; /* HTML has no way to write control characters */
        }
        da_buf_add(out, run, (size_t)(s - run));
        if (!to) {
            return;
        }
        da_buf_add_str(out, to);
        run = s + 1;
    }
}

void da_page_slug(struct da_buf *out, const char *s)
{
    for (; *s; s++) {
        char c = *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s;
        bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        da_buf_add_char(out, ok ? c : '-');
    }
}

void da_page_number(struct da_buf *out, const struct da_board_col *col, double v)
{
    da_board_add_number(out, v * (col->show != 0 ? col->show : 1), col->decimals);
}

static void add_th(struct da_buf *out, const char *class, const char *first, const char *name,
                   const char *what)
{
    da_buf_addf(out, "<th scope=\"col\" class=\"%s\" data-first=\"%s\" data-name=\"", class, first);
    da_page_text(out, name);
    if (what[0]) {
        da_buf_add_str(out, "\" title=\"");
        da_page_text(out, what);
    }
    da_buf_add_str(out, "\">");
}

static void add_head(struct da_buf *out, const struct da_board_table *t)
{
    da_buf_add_str(out, "<thead><tr>");
    if (t->ranked) {
        add_th(out, "rank", "ascending", "rank", "Rank; = is shared");
        da_buf_add_str(out, "#</th>");
    }
    add_th(out, "name", "ascending", t->first, "");
    da_buf_addf(out, "%s</th>", t->first);
    for (size_t c = 0; c < t->n_cols; c++) {
        const struct da_board_col *col = &t->cols[c];
        bool down = col->better == DA_BOARD_HIGHER;
        const char *class = col->is_text                         ? "text"
                            : strlen(col->label) > MAX_ON_A_LINE ? "num wrap"
                                                                 : "num";
        add_th(out, class, down ? "descending" : "ascending", col->label, col->what);
        da_page_text(out, col->label);
        if (col->better == DA_BOARD_LOWER && t->task >= 0) {
            da_buf_add_str(out, "<span class=\"lower\">lower is better</span>");
        }
        da_buf_add_str(out, "</th>");
    }
    da_buf_add_str(out, "</tr></thead>\n");
}

static void add_value(struct da_buf *out, const struct da_board_col *col,
                      const struct da_board_cell *cell)
{
    if (cell->text) {
        da_page_text(out, cell->text);
    } else if (isfinite(cell->v)) {
        da_buf_add_str(out, "<span class=\"v\">");
        da_page_number(out, col, cell->v);
        da_buf_add_str(out, "</span>");
    } else {
        da_buf_add_str(out, "<span aria-label=\"not scored\">–</span>");
    }
    if (isfinite(cell->lo) && isfinite(cell->hi)) {
        da_buf_add_str(out, "<span class=\"ci\">");
        da_page_number(out, col, cell->lo);
        da_buf_add_str(out, "–");
        da_page_number(out, col, cell->hi);
        da_buf_add_str(out, "</span>");
    }
    if (cell->n > 0) {
        da_buf_addf(out, "<span class=\"ci\">n = %lld</span>", (long long)cell->n);
    }
}

static void add_cell(struct da_buf *out, const struct da_board_col *col,
                     const struct da_board_cell *cell, const struct da_page_range *range)
{
    const char *kind = col->is_text        ? "text"
                       : cell->best        ? "best"
                       : isfinite(cell->v) ? ""
                                           : "none";
    da_buf_addf(out, "<td class=\"%s%s\" data-v=\"", kind,
                col->is_score ? (kind[0] ? " score" : "score") : "");
    if (isfinite(cell->v)) {
        da_buf_add_double(out, cell->v);
    }
    bool strip = col->is_score && range && isfinite(cell->lo);
    da_buf_add_str(out, strip ? "\"><div class=\"strip\">" : "\">");
    if (strip) {
        da_page_interval(out, range, cell);
    }
    da_buf_add_str(out, strip ? "<div>" : "");
    add_value(out, col, cell);
    da_buf_add_str(out, strip ? "</div></div></td>" : "</td>");
}

static void add_row(struct da_buf *out, const struct da_board_table *t,
                    const struct da_board_row *r, const struct da_page_range *range)
{
    da_buf_add_str(out,
                   r->starts_group ? "<tr class=\"group\" data-model=\"" : "<tr data-model=\"");
    da_page_text(out, r->label);
    da_buf_add_str(out, "\">");
    if (t->ranked && r->rank) {
        da_buf_addf(out, "<td class=\"rank\" data-v=\"%d\"><b>%d</b>%s</td>", r->rank, r->rank,
                    r->shared ? "<span aria-label=\" shared\">=</span>" : "");
    } else if (t->ranked) {
        da_buf_add_str(out,
                       "<td class=\"rank\" data-v=\"\"><span aria-label=\"no rank\">–</span></td>");
    }
    da_buf_add_str(out, "<th scope=\"row\">");
    da_page_text(out, r->label);
    if (r->note) {
        da_buf_add_str(out, "<span class=\"tag\">");
        da_page_text(out, r->note);
        da_buf_add_str(out, "</span>");
    }
    da_buf_add_str(out, "</th>");
    for (size_t c = 0; c < t->n_cols; c++) {
        add_cell(out, &t->cols[c], &r->cells[c], range);
    }
    da_buf_add_str(out, "</tr>\n");
}

/* The range that holds every interval of the score column; false when there are none. */
static bool score_range(const struct da_board_table *t, struct da_page_range *range)
{
    double lo = INFINITY, hi = -INFINITY;
    for (size_t r = 0; r < t->n_rows; r++) {
        for (size_t c = 0; c < t->n_cols; c++) {
            const struct da_board_cell *cell = &t->rows[r].cells[c];
            if (t->cols[c].is_score && isfinite(cell->lo) && isfinite(cell->hi)) {
                lo = fmin(lo, cell->lo);
                hi = fmax(hi, cell->hi);
            }
        }
    }
    if (!(lo < hi)) {
        return false;
    }
    da_page_range(range, lo, hi, 4);
    return true;
}

static void add_caption(struct da_buf *out, const struct da_board_table *t)
{
    const char *sub =
        strncmp(t->caption, t->title, strlen(t->title)) == 0 ? t->caption + strlen(t->title) : "";
    da_buf_add_str(out, "<caption>");
    da_page_text(out, t->title);
    if (sub[0]) {
        da_buf_add_str(out, "<span class=\"sub\">");
        da_page_text(out, sub);
        da_buf_add_str(out, "</span>");
    }
    da_buf_add_str(out, "</caption>\n");
}

static void add_table(struct da_buf *out, const struct da_board_section *s,
                      const struct da_board_table *t)
{
    struct da_page_range range;
    bool has_range = score_range(t, &range);
    da_buf_addf(out, "<figure class=\"card%s\" id=\"%s-%s\"", t->n_cols <= 3 ? " narrow" : "",
                s->id, t->id);
    if (t->task >= 0) {
        da_buf_addf(out, " data-task=\"%s\"", da_board_task_name((enum da_board_task)t->task));
    }
    da_buf_add_str(out, ">\n<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"");
    da_page_text(out, t->caption);
    da_buf_add_str(out, "\"><table class=\"sortable\">");
    add_caption(out, t);
    add_head(out, t);
    da_buf_add_str(out, "<tbody>\n");
    for (size_t r = 0; r < t->n_rows; r++) {
        add_row(out, t, &t->rows[r], has_range ? &range : NULL);
    }
    da_buf_add_str(out, "</tbody></table></div>\n");
    if (t->n_notes) {
        da_buf_add_str(out, "<div class=\"notes\">");
        for (size_t k = 0; k < t->n_notes; k++) {
            da_buf_add_str(out, "<p>");
            da_page_text(out, t->notes[k]);
            da_buf_add_str(out, "</p>");
        }
        da_buf_add_str(out, "</div>\n");
    }
    da_buf_add_str(out, "</figure>\n");
}

/* A matrix cell: the difference, coloured where it is real, and its p. */
static void add_pair_cell(struct da_buf *out, const struct da_board_col *col,
                          const struct da_board_cell *cell)
{
    if (!isfinite(cell->v)) {
        da_buf_add_str(out, "<td class=\"self\">·</td>");
        return;
    }
    struct da_buf number;
    da_buf_init(&number, 0);
    da_page_number(&number, col, cell->v);
    bool negative = number.p[0] == '-', zero = strspn(number.p, "-0.") == number.len;
    da_buf_addf(out, "<td class=\"%s\">%s%s",
                !(cell->p < DA_BOARD_ALPHA) ? "tie"
                : cell->v > 0               ? "win"
                                            : "loss",
                negative ? "−"
                : zero   ? ""
                         : "+",
                number.p + negative);
    da_buf_release(&number);
    if (isnan(cell->p)) {
        da_buf_add_str(out, "<small>untested</small></td>");
        return;
    }
    da_buf_add_str(out, cell->p < 0.001 ? "<small>&lt; 0.001" : "<small>");
    if (cell->p >= 0.001) {
        da_board_add_number(out, cell->p, 3);
    }
    da_buf_add_str(out, "</small></td>");
}

/* Columns bear letters, which rows explain: names would not fit. At most 24 (board_breakdown.c). */
static char pair_letter(size_t i)
{
    return (char)('A' + i);
}

static void add_pairs(struct da_buf *out, const struct da_board_section *s,
                      const struct da_board_table *t)
{
    da_buf_addf(out, "<figure class=\"card\" id=\"%s-%s\"", s->id, t->id);
    if (t->task >= 0) {
        da_buf_addf(out, " data-task=\"%s\"", da_board_task_name((enum da_board_task)t->task));
    }
    da_buf_addf(out,
                "><div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Differences: "
                "%s\"><table class=\"matrix pairs\"><caption>%s</caption>\n<thead><tr>"
                "<td></td>",
                t->title, t->title);
    for (size_t c = 0; c < t->n_cols; c++) {
        da_buf_add_str(out, "<th scope=\"col\" title=\"");
        da_page_text(out, t->cols[c].label);
        da_buf_addf(out, "\">%c<span class=\"sr\"> ", pair_letter(c));
        da_page_text(out, t->cols[c].label);
        da_buf_add_str(out, "</span></th>");
    }
    da_buf_add_str(out, "</tr></thead><tbody>\n");
    for (size_t r = 0; r < t->n_rows; r++) {
        da_buf_add_str(out, "<tr data-model=\"");
        da_page_text(out, t->rows[r].label);
        da_buf_addf(out, "\"><th scope=\"row\"><b>%c</b> ", pair_letter(r));
        da_page_text(out, t->rows[r].label);
        da_buf_add_str(out, "</th>");
        for (size_t c = 0; c < t->n_cols; c++) {
            add_pair_cell(out, &t->cols[c], &t->rows[r].cells[c]);
        }
        da_buf_add_str(out, "</tr>\n");
    }
    da_buf_add_str(out, "</tbody></table></div></figure>\n");
}

static void add_all_pairs(struct da_buf *out, const struct da_board_section *s)
{
    bool any = false;
    for (size_t k = 0; k < s->n_tables; k++) {
        if (!s->tables[k].is_pairs) {
            continue;
        }
        if (!any) {
            da_buf_addf(out,
                        "<h3 id=\"%s-pairs\">Which differences are real</h3>\n<p class=\"about\">"
                        "Row minus column. <span class=\"key win\">Green</span>: the row is "
                        "better, <span class=\"key loss\">red</span>: it is worse, both at "
                        "p&nbsp;&lt;&nbsp;0.05; grey: the test cannot tell. The small figure is "
                        "p, two-sided and Holm-corrected over the pairs of its table.</p>\n"
                        "<div class=\"pair-grid\">\n",
                        s->id);
        }
        any = true;
        add_pairs(out, s, &s->tables[k]);
    }
    da_buf_add_str(out, any ? "</div>\n" : "");
}

/* The tables whose id begins with prefix, under a heading. */
static void add_details(struct da_buf *out, const struct da_board_section *s, const char *prefix,
                        const char *title, const char *about)
{
    bool any = false;
    for (size_t k = 0; k < s->n_tables; k++) {
        if (strncmp(s->tables[k].id, prefix, strlen(prefix)) != 0) {
            continue;
        }
        if (!any) {
            da_buf_addf(out, "<h3 id=\"%s-all-%s\">%s</h3>\n<p class=\"about\">%s</p>\n", s->id,
                        prefix, title, about);
        }
        any = true;
        add_table(out, s, &s->tables[k]);
    }
}

static void add_scores(struct da_buf *out, const struct da_board *b,
                       const struct da_board_section *s)
{
    for (size_t k = 0; k < s->n_tables; k++) {
        if (s->tables[k].is_detail || strncmp(s->tables[k].id, "further", 7) == 0) {
            continue;
        }
        add_table(out, s, &s->tables[k]);
        if (k == 0) {
            da_page_forest(out, &s->tables[k], s->id);
        }
    }
    da_page_scatter(out, b, s);
    add_all_pairs(out, s);
    add_details(out, s, "further", "Further measures", "Outside the averages and the ranking.");
    add_details(out, s, "length", "Long documents and short ones",
                "The ranking score on thirds of the data set by words of the document, and the "
                "length of answers beside that of the references.");
    add_details(
        out, s, "by-intent", "Where the intent was understood",
        "The ranking score of the samples whose intent the system named, and of those where "
        "it did not.");
    da_page_confusions(out, s);
    da_page_samples(out, b, s);
}

static void add_section(struct da_buf *out, const struct da_board *b,
                        const struct da_board_section *s)
{
    da_buf_addf(out, "<section id=\"%s\" aria-labelledby=\"h-%s\"><div class=\"wide\">\n", s->id,
                s->id);
    da_buf_addf(out, "<h2 id=\"h-%s\">", s->id);
    da_page_text(out, s->title);
    da_buf_add_str(out, "</h2>\n");
    if (s->kind == DA_BOARD_PUBLISHED) {
        da_buf_add_str(out, "<p class=\"stamp\">Published elsewhere: unranked, untested</p>\n");
    }
    da_buf_add_str(out, "<p class=\"about\">");
    da_page_text(out, s->intro);
    da_buf_add_str(out, "</p>\n");
    if (s->method) {
        da_buf_add_str(out, "<p class=\"about small\">");
        da_page_text(out, s->method);
        da_buf_add_str(out, "</p>\n");
    }
    if (s->kind == DA_BOARD_SCORES) {
        add_scores(out, b, s);
    } else {
        for (size_t k = 0; k < s->n_tables; k++) {
            add_table(out, s, &s->tables[k]);
        }
    }
    da_buf_add_str(out, "</div></section>\n");
}

static void add_header(struct da_buf *out, const struct da_board *b)
{
    size_t n_tasks = 0;
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        bool any = false;
        for (size_t i = 0; i < b->n_pools; i++) {
            any = any || (b->pools[i].tasks & (1u << t));
        }
        n_tasks += any;
    }
    da_buf_add_str(out, "<a class=\"skip\" href=\"#main\">Skip to the tables</a>\n"
                        "<header class=\"top wide\">\n<p class=\"kicker\">Document assistance, "
                        "scored offline</p>\n<h1>");
    da_page_text(out, b->opts.title);
    da_buf_add_str(out, "</h1>\n<p class=\"lead\">");
    if (b->n_systems) {
        da_buf_addf(out, "<strong>%zu</strong> system%s on <strong>%zu</strong> task%s",
                    b->n_systems, b->n_systems == 1 ? "" : "s", n_tasks, n_tasks == 1 ? "" : "s");
        if (b->n_pools == 1) {
            da_buf_addf(out,
                        ", <strong>%lld</strong> examples. Small grey figures are 95&nbsp;%% "
                        "intervals.",
                        (long long)b->pools[0].systems[0]->data_n);
        } else {
            da_buf_addf(out,
                        ", in <strong>%zu</strong> groups: scores from different data or with "
                        "different metric signatures never share a table.",
                        b->n_pools);
        }
    } else {
        da_buf_add_str(out, "No score records.");
    }
    da_buf_add_str(out, "</p>\n</header>\n");
}

/* Links to the headings inside a section of scores, as far as they are there. */
static void add_inner_links(struct da_buf *out, const struct da_board *b,
                            const struct da_board_section *s)
{
    bool pairs = false, length = false, samples = false;
    for (size_t k = 0; k < s->n_tables; k++) {
        pairs = pairs || s->tables[k].is_pairs;
        length = length || strncmp(s->tables[k].id, "length", 6) == 0;
    }
    for (size_t i = 0; i < s->pool->n && b->opts.n_samples > 0; i++) {
        samples = samples || s->pool->systems[i]->samples;
    }
    if (pairs) {
        da_buf_addf(out, "<a href=\"#%s-pairs\">Differences</a>", s->id);
    }
    if (length) {
        da_buf_addf(out, "<a href=\"#%s-all-length\">Lengths</a>", s->id);
    }
    if (samples) {
        da_buf_addf(out, "<a href=\"#%s-samples\">Answers</a>", s->id);
    }
}

static void add_bar(struct da_buf *out, const struct da_board *b)
{
    unsigned tasks = 0;
    for (size_t i = 0; i < b->n_pools; i++) {
        tasks |= b->pools[i].tasks;
    }
    da_buf_add_str(out, "<div class=\"bar\"><div class=\"wide\"><nav aria-label=\"Sections\">");
    for (size_t i = 0; i < b->n_sections; i++) {
        da_buf_addf(out, "<a href=\"#%s\">", b->sections[i].id);
        da_page_text(out, b->sections[i].kind == DA_BOARD_PUBLISHED ? "Published"
                                                                    : b->sections[i].title);
        da_buf_add_str(out, "</a>");
        if (b->sections[i].pool && b->n_pools == 1) {
            add_inner_links(out, b, &b->sections[i]);
        }
    }
    da_buf_add_str(out, "<a href=\"#made-with\">Made with</a></nav>\n"
                        "<div class=\"controls\" id=\"controls\" hidden>");
    if (tasks) {
        da_buf_add_str(out, "<fieldset><legend class=\"sr\">Tasks shown</legend>");
        for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
            if (tasks & (1u << t)) {
                da_buf_addf(out,
                            "<label class=\"chip\"><input type=\"checkbox\" value=\"%s\" checked>"
                            "<span>%s</span></label>",
                            da_board_task_name((enum da_board_task)t), da_board_task_titles[t]);
            }
        }
        da_buf_add_str(out, "</fieldset>");
    }
    da_buf_add_str(
        out, "<label><span class=\"sr\">Find a model</span><input type=\"search\" id=\"find\" "
             "placeholder=\"Find a model\" autocomplete=\"off\"></label>"
             "<button type=\"button\" class=\"theme\" id=\"theme\">Dark</button></div>"
             "</div></div>\n<p id=\"live\" class=\"sr\" role=\"status\"></p>\n");
}

static void add_body(struct da_buf *out, const struct da_board *b)
{
    add_header(out, b);
    add_bar(out, b);
    da_buf_add_str(out, "<main id=\"main\">\n");
    for (size_t i = 0; i < b->n_sections; i++) {
        add_section(out, b, &b->sections[i]);
    }
    da_page_provenance(out, b);
    da_buf_add_str(out, "</main>\n<footer class=\"end\"><div class=\"wide\">Made by ");
    da_page_text(out, da_version());
    da_buf_add_str(out,
                   ". This page is one file and asks the network for nothing.</div></footer>\n");
}

/* base64 (RFC 4648) of the script's SHA-256, as a policy names it. */
static void add_script_hash(struct da_buf *out, const struct da_embedded *script)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char d[DA_SHA256_LEN + 1] = {0};
    struct da_sha256 h;
    da_sha256_init(&h);
    da_sha256_add(&h, script->p, script->len);
    da_sha256_end(&h, d);
    for (size_t i = 0; i < DA_SHA256_LEN; i += 3) {
        unsigned v =
            (unsigned)d[i] << 16 | (unsigned)d[i + 1] << 8 | (i + 2 < DA_SHA256_LEN ? d[i + 2] : 0);
        da_buf_add_char(out, digits[v >> 18]);
        da_buf_add_char(out, digits[v >> 12 & 63]);
        da_buf_add_char(out, digits[v >> 6 & 63]);
        da_buf_add_char(out, i + 2 < DA_SHA256_LEN ? digits[v & 63] : '=');
    }
}

static enum da_rc add_part(struct da_buf *out, const struct da_board *b, struct da_span name,
                           struct da_err *err)
{
    const struct da_embedded *css = da_embed_find("eval/page/board.css");
    const struct da_embedded *js = da_embed_find("eval/page/board.js");
    if (!css || !js) {
        return da_fail(err, DA_ENOTFOUND, "this build has no page template");
    }
    if (da_span_is(name, "title")) {
        da_page_text(out, b->opts.title);
    } else if (da_span_is(name, "generator")) {
        da_page_text(out, da_version());
    } else if (da_span_is(name, "style")) {
        da_buf_add(out, css->p, css->len);
    } else if (da_span_is(name, "script")) {
        da_buf_add(out, js->p, js->len);
    } else if (da_span_is(name, "script-hash")) {
        add_script_hash(out, js);
    } else if (da_span_is(name, "body")) {
        add_body(out, b);
    } else {
        return da_fail(err, DA_EFORMAT, "page template: unknown part '%.*s'", (int)name.len,
                       name.p);
    }
    return DA_OK;
}

/* The template with {{parts}} put in; only the template's own braces count. */
enum da_rc da_board_html(const struct da_board *b, struct da_buf *out, struct da_err *err)
{
    const struct da_embedded *page = da_embed_find("eval/page/page.html");
    if (!page) {
        return da_fail(err, DA_ENOTFOUND, "this build has no page template");
    }
    struct da_span rest = da_span((const char *)page->p, page->len);
    for (;;) {
        size_t open = da_span_find(rest, da_span_str("{{"));
        da_buf_add(out, rest.p, open);
        if (open == rest.len) {
            return DA_OK;
        }
        rest = da_span(rest.p + open + 2, rest.len - open - 2);
        size_t close = da_span_find(rest, da_span_str("}}"));
        enum da_rc rc = add_part(out, b, da_span(rest.p, close), err);
        if (rc != DA_OK) {
            return rc;
        }
        size_t used = close + 2 < rest.len ? close + 2 : rest.len;
        rest = da_span(rest.p + used, rest.len - used);
    }
}
