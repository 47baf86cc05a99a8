/* Charts as inline SVG (board_page.h): colours and type come from the page's style sheet. */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/utf8.h"
#include "eval/board_page.h"

enum {
    FOREST_WIDTH = 920,
    FOREST_LABELS = 275, /* left of the plot */
    FOREST_VALUES = 70,  /* right of it */
    FOREST_ROW = 30,
    FOREST_MAX_ROWS = 40,
    SCATTER_WIDTH = 560,
    SCATTER_HEIGHT = 340,
    SCATTER_MAX = 64,     /* points */
    MAX_NAMES = 12,       /* systems whose names find room in a scatter plot */
    LABEL_MAX_BYTES = 32, /* of a name in a chart */
    LABEL_HEAD_BYTES = 10 /* of them, before what is left out */
};

void da_page_range(struct da_page_range *r, double lo, double hi, unsigned n_ticks)
{
    static const double steps[] = {1, 2, 2.5, 5, 10};
    if (!(hi > lo)) {
        double pad = fabs(lo) > 0 ? fabs(lo) * 0.1 : 0.5;
        lo -= pad;
        hi += pad;
    }
    double raw = (hi - lo) / n_ticks;
    double power = pow(10, floor(log10(raw)));
    r->step = 10 * power;
    for (size_t i = 0; i < DA_ARRAY_LEN(steps); i++) {
        if (steps[i] * power >= raw * (1 - 1e-9)) {
            r->step = steps[i] * power;
            break;
        }
    }
    r->lo = floor(lo / r->step + 1e-9) * r->step;
    r->hi = ceil(hi / r->step - 1e-9) * r->step;
}

static double place(const struct da_page_range *r, double v, double from, double to)
{
    return from + (v - r->lo) / (r->hi - r->lo) * (to - from);
}

/* Coordinates need no more than a tenth of a pixel. */
static void attr(struct da_buf *out, const char *name, double v)
{
    da_buf_addf(out, " %s=\"", name);
    da_board_add_number(out, v, 1);
    da_buf_add_char(out, '"');
}

static void line(struct da_buf *out, const char *class, double x1, double y1, double x2, double y2)
{
    da_buf_addf(out, "<line class=\"%s\"", class);
    attr(out, "x1", x1);
    attr(out, "y1", y1);
    attr(out, "x2", x2);
    attr(out, "y2", y2);
    da_buf_add_str(out, "/>");
}

static void text(struct da_buf *out, const char *class, const char *anchor, double x, double y,
                 const char *s)
{
    da_buf_addf(out, "<text class=\"%s\" text-anchor=\"%s\"", class, anchor);
    attr(out, "x", x);
    attr(out, "y", y);
    da_buf_add_char(out, '>');
    da_page_text(out, s);
    da_buf_add_str(out, "</text>");
}

static void tick_text(struct da_buf *out, double v, double step)
{
    int decimals = 0;
    while (decimals < 6 &&
           fabs(step * pow(10, decimals) - round(step * pow(10, decimals))) > 1e-6) {
        decimals++;
    }
    da_board_add_number(out, v, decimals);
}

static void dot(struct da_buf *out, const char *class, double x, double y, double radius)
{
    da_buf_addf(out, "<circle class=\"%s\"", class);
    attr(out, "cx", x);
    attr(out, "cy", y);
    attr(out, "r", radius);
    da_buf_add_str(out, "/>");
}

void da_page_interval(struct da_buf *out, const struct da_page_range *r,
                      const struct da_board_cell *cell)
{
    da_buf_add_str(out, "<svg viewBox=\"0 0 100 10\" aria-hidden=\"true\">");
    line(out, "track", 0, 5, 100, 5);
    line(out, "ci", place(r, cell->lo, 0, 100), 5, place(r, cell->hi, 0, 100), 5);
    dot(out, "dot", place(r, cell->v, 0, 100), 5, 2.8);
    da_buf_add_str(out, "</svg>");
}

static size_t score_col(const struct da_board_table *t)
{
    size_t c = 0;
    while (c < t->n_cols && !t->cols[c].is_score) {
        c++;
    }
    return c;
}

/* A label as far as a chart has room; the tables have all of it. Names often differ at their end
 * only: an owner's name goes first, then the middle. */
static void add_short(struct da_buf *out, const char *label)
{
    const char *slash = strrchr(label, '/');
    if (strlen(label) > LABEL_MAX_BYTES && slash && slash[1]) {
        label = slash + 1;
    }
    size_t n = strlen(label);
    if (n <= LABEL_MAX_BYTES) {
        da_buf_add_str(out, label);
        return;
    }
    size_t tail = da_utf8_grapheme_floor(label, n, n - (LABEL_MAX_BYTES - LABEL_HEAD_BYTES));
    da_buf_add(out, label, da_utf8_grapheme_floor(label, n, LABEL_HEAD_BYTES));
    da_buf_add_str(out, "…");
    da_buf_add_str(out, label + tail);
}

static void forest_row(struct da_buf *out, const struct da_board_row *row,
                       const struct da_board_cell *cell, const struct da_board_col *col,
                       const struct da_page_range *range, double y)
{
    double x0 = FOREST_LABELS, x1 = FOREST_WIDTH - FOREST_VALUES;
    struct da_buf label;
    da_buf_init(&label, 0);
    da_buf_add_str(out, "<g data-model=\"");
    da_page_text(out, row->label);
    da_buf_add_str(out, "\">");
    if (row->rank) {
        da_buf_addf(&label, "%d%s", row->rank, row->shared ? "=" : "");
    } else {
        da_buf_add_str(&label, "–");
    }
    text(out, "tick", "end", 28, y + 4, label.p);
    da_buf_reset(&label);
    add_short(&label, row->label);
    text(out, "label", "start", 40, y + 4, label.p);
    if (isfinite(cell->lo) && isfinite(cell->hi)) {
        line(out, "ci", place(range, cell->lo, x0, x1), y, place(range, cell->hi, x0, x1), y);
    }
    dot(out, row->rank ? "dot" : "off", place(range, cell->v, x0, x1), y, 5);
    da_buf_reset(&label);
    da_page_number(&label, col, cell->v);
    text(out, "value", "end", FOREST_WIDTH - 4, y + 4, label.p);
    da_buf_add_str(out, "</g>\n");
    da_buf_release(&label);
}

void da_page_forest(struct da_buf *out, const struct da_board_table *t, const char *id)
{
    size_t c = score_col(t), n = 0;
    double lo = INFINITY, hi = -INFINITY;
    for (size_t r = 0; r < t->n_rows && c < t->n_cols; r++) {
        const struct da_board_cell *cell = &t->rows[r].cells[c];
        if (isfinite(cell->v)) {
            lo = fmin(lo, isfinite(cell->lo) ? cell->lo : cell->v);
            hi = fmax(hi, isfinite(cell->hi) ? cell->hi : cell->v);
            n++;
        }
    }
    if (n < 2 || n > FOREST_MAX_ROWS) {
        return;
    }
    struct da_page_range range;
    struct da_buf label;
    da_buf_init(&label, 0);
    da_page_range(&range, lo, hi, 6);
    double height = (double)n * FOREST_ROW + 40, bottom = height - 26;
    double x0 = FOREST_LABELS, x1 = FOREST_WIDTH - FOREST_VALUES;
    da_buf_addf(out, "<figure class=\"card chart\"><figcaption>%s at a glance<span>", t->title);
    da_page_text(out, t->cols[c].what);
    da_buf_addf(out, "%s.</span></figcaption>\n<svg viewBox=\"0 0 %d ",
                range.lo > 0 ? "; the scale does not begin at 0" : "", FOREST_WIDTH);
    da_board_add_number(out, height, 0);
    da_buf_addf(out, "\" role=\"img\" aria-labelledby=\"forest-%s\"><title id=\"forest-%s\">", id,
                id);
    da_page_text(out, t->title);
    da_buf_add_str(out, ": scores and intervals of all systems, as in the table above</title>\n");
    for (double v = range.lo; v < range.hi + range.step / 2; v += range.step) {
        double x = place(&range, v, x0, x1);
        line(out, "grid", x, 8, x, bottom);
        da_buf_reset(&label);
        tick_text(&label, v, range.step);
        text(out, "tick", "middle", x, height - 8, label.p);
    }
    double y = 8 + FOREST_ROW / 2.0;
    for (size_t r = 0; r < t->n_rows; r++) {
        if (isfinite(t->rows[r].cells[c].v)) {
            forest_row(out, &t->rows[r], &t->rows[r].cells[c], &t->cols[c], &range, y);
            y += FOREST_ROW;
        }
    }
    da_buf_add_str(out, "</svg></figure>\n");
    da_buf_release(&label);
}

struct point {
    const char *label; /* the system's name */
    const char *shown; /* its name, or in a crowd the number of its row in the table */
    char number[24];
    double x, y, lo, hi;
    double px, py, label_y;
    bool left;
};

/* Space a label takes, by the count of its letters: an estimate that is enough to part them. */
static double label_width(const struct point *p)
{
    size_t n = da_utf8_count(p->shown, strlen(p->shown));
    return 7.0 * (double)(n < LABEL_MAX_BYTES ? n : LABEL_MAX_BYTES) + 12;
}

/* True when label i would lie on an earlier label or on another system's dot. */
static bool is_covered(const struct point *p, size_t n, size_t i)
{
    double w = label_width(&p[i]), a = p[i].left ? p[i].px - w : p[i].px;
    for (size_t j = 0; j < n; j++) {
        double v = label_width(&p[j]), c = p[j].left ? p[j].px - v : p[j].px;
        if (j < i && fabs(p[i].label_y - p[j].label_y) < 13 && a < c + v && c < a + w) {
            return true;
        }
        if (j != i && fabs(p[i].label_y - 4 - p[j].py) < 10 && p[j].px > a + 4 &&
            p[j].px < a + w - 4) {
            return true;
        }
    }
    return false;
}

/* Labels go right of their dots, or left, or lower and lower until they are free. */
static void place_labels(struct point *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool free = false;
        for (size_t step = 0; step < 2 * n + 4 && !free; step++) {
            p[i].left = step & 1;
            p[i].label_y = p[i].py + 4 + 13.0 * (double)(step / 2);
            double w = label_width(&p[i]);
            bool inside = p[i].left ? p[i].px - w > 40 : p[i].px + w < SCATTER_WIDTH;
            free = inside && !is_covered(p, n, i);
        }
    }
}

static void scatter_points(struct da_buf *out, struct point *p, size_t n)
{
    struct da_buf label;
    da_buf_init(&label, 0);
    place_labels(p, n);
    for (size_t i = 0; i < n; i++) {
        da_buf_add_str(out, "<g data-model=\"");
        da_page_text(out, p[i].label);
        da_buf_add_str(out, "\"><title>");
        da_page_text(out, p[i].label);
        da_buf_add_str(out, "</title>");
        if (isfinite(p[i].lo) && isfinite(p[i].hi)) {
            line(out, "ci", p[i].px, p[i].lo, p[i].px, p[i].hi);
        }
        double x = p[i].left ? p[i].px - 10 : p[i].px + 10;
        if (p[i].label_y > p[i].py + 8) {
            line(out, "lead-line", p[i].px, p[i].py, x, p[i].label_y - 4);
        }
        dot(out, "dot halo", p[i].px, p[i].py, 6);
        da_buf_reset(&label);
        add_short(&label, p[i].shown);
        text(out, "label", p[i].left ? "end" : "start", x, p[i].label_y, label.p);
        da_buf_add_str(out, "</g>\n");
    }
    da_buf_release(&label);
}

static void axes(struct da_buf *out, const struct da_page_range *xr, const struct da_page_range *yr,
                 const char *x_title, const char *y_title)
{
    double x0 = 52, x1 = SCATTER_WIDTH - 14, y0 = SCATTER_HEIGHT - 46, y1 = 26;
    struct da_buf label;
    da_buf_init(&label, 0);
    for (double v = yr->lo; v < yr->hi + yr->step / 2; v += yr->step) {
        double y = place(yr, v, y0, y1);
        line(out, "grid", x0, y, x1, y);
        da_buf_reset(&label);
        tick_text(&label, v, yr->step);
        text(out, "tick", "end", x0 - 7, y + 4, label.p);
    }
    for (double v = xr->lo; v < xr->hi + xr->step / 2; v += xr->step) {
        double x = place(xr, v, x0, x1);
        line(out, "axis", x, y0, x, y0 + 4);
        da_buf_reset(&label);
        tick_text(&label, v, xr->step);
        text(out, "tick", "middle", x, y0 + 18, label.p);
    }
    line(out, "axis", x0, y0, x1, y0);
    text(out, "tick", "middle", (x0 + x1) / 2, SCATTER_HEIGHT - 8, x_title);
    text(out, "tick", "start", 2, 13, y_title);
    da_buf_release(&label);
}

static void scatter(struct da_buf *out, struct point *p, size_t n, const char *id,
                    const char *title, const char *x_title, const char *y_title)
{
    double x_hi = 0, y_lo = INFINITY, y_hi = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        x_hi = fmax(x_hi, p[i].x);
        y_lo = fmin(y_lo, isfinite(p[i].lo) ? p[i].lo : p[i].y);
        y_hi = fmax(y_hi, isfinite(p[i].hi) ? p[i].hi : p[i].y);
    }
    if (n < 2 || !(x_hi > 0)) {
        return;
    }
    struct da_page_range xr, yr;
    da_page_range(&xr, 0, x_hi * 1.04, 6);
    da_page_range(&yr, y_lo, y_hi, 5);
    double x0 = 52, x1 = SCATTER_WIDTH - 14, y0 = SCATTER_HEIGHT - 46, y1 = 26;
    for (size_t i = 0; i < n; i++) {
        p[i].px = place(&xr, p[i].x, x0, x1);
        p[i].py = place(&yr, p[i].y, y0, y1);
        p[i].lo = place(&yr, p[i].lo, y0, y1);
        p[i].hi = place(&yr, p[i].hi, y0, y1);
    }
    da_buf_addf(out,
                "<figure class=\"card chart\"><figcaption>%s%s</figcaption>\n"
                "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%s\">"
                "<title id=\"%s\">%s: %zu systems; the figures stand in the tables</title>\n",
                title, n > MAX_NAMES ? "<span>Numbers: rows of the first table.</span>" : "",
                SCATTER_WIDTH, SCATTER_HEIGHT, id, id, title, n);
    axes(out, &xr, &yr, x_title, y_title);
    scatter_points(out, p, n);
    da_buf_add_str(out, "</svg></figure>\n");
}

/* The row of a model with the longest prompt: what scoring a document costs. */
static const struct da_board_bench *longest(const struct da_board *b, const char *label)
{
    const struct da_board_bench *best = NULL;
    for (size_t i = 0; i < b->n_bench; i++) {
        const struct da_board_bench *x = &b->bench[i];
        if (strcmp(x->label, label) == 0 && (!best || x->prompt_tokens > best->prompt_tokens)) {
            best = x;
        }
    }
    return best;
}

static size_t collect(const struct da_board *b, const struct da_board_table *t, bool memory,
                      struct point *p)
{
    size_t c = score_col(t), n = 0;
    for (size_t r = 0; r < t->n_rows && c < t->n_cols && n < SCATTER_MAX; r++) {
        const struct da_board_cell *cell = &t->rows[r].cells[c];
        const struct da_board_bench *x = longest(b, t->rows[r].label);
        double v = !x ? NAN : memory ? x->peak_rss_bytes / (1 << 20) : x->otps;
        if (isfinite(cell->v) && isfinite(v)) {
            p[n] = (struct point){
                .label = t->rows[r].label, .x = v, .y = cell->v, .lo = cell->lo, .hi = cell->hi};
            snprintf(p[n++].number, sizeof p->number, "%zu", r + 1);
        }
    }
    for (size_t i = 0; i < n; i++) {
        p[i].shown = n > MAX_NAMES ? p[i].number : p[i].label;
    }
    return n;
}

void da_page_scatter(struct da_buf *out, const struct da_board *b, const struct da_board_section *s)
{
    if (s->n_tables == 0 || b->n_bench == 0) {
        return;
    }
    const struct da_board_table *t = &s->tables[0];
    struct point p[SCATTER_MAX];
    struct da_buf id;
    da_buf_init(&id, 0);
    const char *y_title = score_col(t) < t->n_cols ? t->cols[score_col(t)].label : "";
    da_buf_add_str(out, "<div class=\"charts\">");
    da_buf_addf(&id, "%s-speed", s->id);
    scatter(out, p, collect(b, t, false, p), id.p, "Quality against speed",
            "output tokens per second, longest prompt measured", y_title);
    da_buf_reset(&id);
    da_buf_addf(&id, "%s-memory", s->id);
    scatter(out, p, collect(b, t, true, p), id.p, "Quality against memory",
            "peak memory, MiB, longest prompt measured", y_title);
    da_buf_add_str(out, "</div>\n");
    da_buf_release(&id);
}
