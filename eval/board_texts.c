/* Worst and best answers beside their references, from the per-sample logs. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"
#include "eval/board_page.h"

enum {
    MAX_TEXT_BYTES = 4000, /* of a text shown; the log has all of it */
    MAX_OTHERS = 12        /* systems named beside a sample */
};

struct scored {
    const struct da_sample *sample;
    double score;
};

/* Mean of the sample's own values of the columns that its task averages. */
static double sample_score(const struct da_board *b, const struct da_board_ranking *r,
                           const struct da_samples *log, const struct da_sample *x)
{
    double sum = 0;
    size_t n = 0;
    for (size_t k = 0; k < r->n_metrics; k++) {
        const struct da_samples_metric *m =
            da_samples_metric(log, x->task, b->metrics[r->metrics[k]].key);
        double v = m ? x->scores[m - log->metrics[x->task]] : NAN;
        if (!isnan(v)) {
            sum += v;
            n++;
        }
    }
    return n ? sum / (double)n : NAN;
}

/* Best first; equal scores in the order of ids. */
static int by_score(const void *x, const void *y)
{
    const struct scored *a = x, *b = y;
    if (a->score != b->score) {
        return a->score < b->score ? 1 : -1;
    }
    size_t n = a->sample->id.len < b->sample->id.len ? a->sample->id.len : b->sample->id.len;
    int c = memcmp(a->sample->id.p, b->sample->id.p, n);
    return c ? c
             : (a->sample->id.len > b->sample->id.len) - (a->sample->id.len < b->sample->id.len);
}

static struct scored *rank_samples(const struct da_board *b, const struct da_board_pool *p,
                                   const struct da_board_system *s, unsigned task, size_t *n)
{
    const struct da_samples *log = s->samples;
    struct scored *list = da_calloc(log->n + 1, sizeof *list);
    *n = 0;
    for (size_t i = 0; i < log->n; i++) {
        if (log->items[i].task != da_board_record_task(task)) {
            continue;
        }
        double score = sample_score(b, &p->ranking[task], log, &log->items[i]);
        if (!isnan(score)) {
            list[(*n)++] = (struct scored){&log->items[i], score};
        }
    }
    qsort(list, *n, sizeof *list, by_score);
    return list;
}

static void add_text(struct da_buf *out, const char *class, struct da_span s)
{
    struct da_buf copy;
    size_t keep =
        s.len > MAX_TEXT_BYTES ? da_utf8_grapheme_floor(s.p, s.len, MAX_TEXT_BYTES) : s.len;
    da_buf_init(&copy, 0);
    da_buf_add(&copy, s.p, keep);
    da_buf_addf(out, "<p dir=\"auto\" class=\"%s\">", class);
    da_page_text(out, copy.p);
    da_buf_add_str(out, keep < s.len ? " … <small>(cut here)</small></p>" : "</p>");
    da_buf_release(&copy);
}

static void add_side(struct da_buf *out, const char *class, const char *title, struct da_span text,
                     int64_t words)
{
    da_buf_addf(out, "<div class=\"side %s\"><h5>%s, %lld word%s</h5>", class, title,
                (long long)words, words == 1 ? "" : "s");
    if (da_span_trim(text).len == 0) {
        da_buf_add_str(out, "<p class=\"empty\">(empty)</p>");
    } else {
        add_text(out, "", text);
    }
    da_buf_add_str(out, "</div>\n");
}

/* The sample of that id in another log, by bisection: logs are sorted by id. */
static const struct da_sample *find_sample(const struct da_samples *log, struct da_span id)
{
    size_t lo = 0, hi = log->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct da_span at = log->items[mid].id;
        int c = memcmp(at.p, id.p, at.len < id.len ? at.len : id.len);
        c = c ? c : (at.len > id.len) - (at.len < id.len);
        if (c == 0) {
            return &log->items[mid];
        }
        if (c < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return NULL;
}

/* What the other systems got on the same sample. */
static void add_others(struct da_buf *out, const struct da_board *b, const struct da_board_pool *p,
                       const struct da_board_system *self, const struct da_sample *s, unsigned task)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n && n < MAX_OTHERS; i++) {
        const struct da_board_system *sys = p->systems[i];
        const struct da_sample *x =
            sys != self && sys->samples ? find_sample(sys->samples, s->id) : NULL;
        double score = x ? sample_score(b, &p->ranking[task], sys->samples, x) : NAN;
        if (isnan(score)) {
            continue;
        }
        da_buf_add_str(out, n++ ? " · " : "<p class=\"others\">Here also: ");
        da_page_text(out, sys->label);
        da_buf_add_char(out, ' ');
        da_board_add_number(out, score, 3);
    }
    da_buf_add_str(out, n ? "</p>\n" : "");
}

static void add_sample(struct da_buf *out, const struct scored *x, bool best)
{
    const struct da_sample *s = x->sample;
    struct da_buf id;
    da_buf_init(&id, 0);
    da_buf_add(&id, s->id.p, s->id.len);
    da_buf_addf(out, "<article class=\"sample\"><header><span class=\"mark %s\">%s ",
                best ? "best" : "worst", best ? "Best" : "Worst");
    da_board_add_number(out, x->score, 3);
    da_buf_add_str(out, "</span><span class=\"id\">");
    da_page_text(out, id.p);
    da_buf_add_str(out, "</span>");
    if (s->has_intent && !da_board_intent_right(s)) {
        da_buf_add_str(out, "<span class=\"tag\">intent not understood</span>");
    }
    da_buf_addf(out, "<span>document of %lld words</span></header>\n", (long long)s->doc_words);
    add_text(out, "request", s->request);
    da_buf_add_str(out, "<div class=\"sides\">");
    add_side(out, "ref", "Reference", s->ref, s->ref_words);
    add_side(out, "out", "Answer", s->hyp, s->hyp_words);
    da_buf_add_str(out, "</div>\n");
    da_buf_release(&id);
}

static void add_system(struct da_buf *out, const struct da_board *b, const struct da_board_pool *p,
                       const struct da_board_system *s, unsigned task)
{
    size_t n, most = b->opts.n_samples;
    struct scored *list = rank_samples(b, p, s, task, &n);
    size_t n_best = n < most ? n : most, n_worst = n - n_best < most ? n - n_best : most;
    if (n > 0) {
        da_buf_add_str(out, "<details class=\"card\" data-model=\"");
        da_page_text(out, s->label);
        da_buf_add_str(out, "\"><summary>");
        da_page_text(out, s->label);
        da_buf_addf(out, "<span class=\"sub\">%zu best and %zu worst of %zu</span></summary>\n",
                    n_best, n_worst, n);
        for (size_t i = 0; i < n_best; i++) {
            add_sample(out, &list[i], true);
            add_others(out, b, p, s, list[i].sample, task);
            da_buf_add_str(out, "</article>\n");
        }
        for (size_t i = n - n_worst; i < n; i++) {
            add_sample(out, &list[i], false);
            add_others(out, b, p, s, list[i].sample, task);
            da_buf_add_str(out, "</article>\n");
        }
        da_buf_add_str(out, "</details>\n");
    }
    free(list);
}

static void add_task(struct da_buf *out, const struct da_board *b, const struct da_board_section *s,
                     const struct da_board_table *t)
{
    da_buf_addf(out, "<div class=\"answers\" data-task=\"%s\"><h4>%s</h4>\n",
                da_board_task_name((enum da_board_task)t->task), t->title);
    for (size_t r = 0; r < t->n_rows; r++) {
        if (t->rows[r].sys->samples) {
            add_system(out, b, s->pool, t->rows[r].sys, (unsigned)t->task);
        }
    }
    da_buf_add_str(out, "</div>\n");
}

/* Tasks and systems in the order of the tables. */
void da_page_samples(struct da_buf *out, const struct da_board *b, const struct da_board_section *s)
{
    bool any = false;
    for (size_t k = 0; k < s->n_tables && b->opts.n_samples > 0; k++) {
        const struct da_board_table *t = &s->tables[k];
        bool has_log = false;
        for (size_t r = 0; r < t->n_rows && t->task >= 0 && t->ranked; r++) {
            has_log = has_log || t->rows[r].sys->samples;
        }
        if (!has_log) {
            continue;
        }
        if (!any) {
            da_buf_addf(out,
                        "<h3 id=\"%s-samples\">Best and worst answers</h3>\n<p class=\"about\">"
                        "By the mean of a sample's own scores, beside the reference.</p>\n",
                        s->id);
        }
        any = true;
        add_task(out, b, s, t);
    }
}
