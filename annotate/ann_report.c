/* The report page: see the header. Everything is counted in one reading, then written. */

#include "annotate/ann_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/hash.h"
#include "common/io.h"
#include "common/jsonl.h"
#include "common/map.h"
#include "common/mem.h"
#include "schemas/annotation.h"
#include "text/words.h"

enum {
    N_BINS = 20,
    MAX_EXAMPLES = 3,  /* of each failure */
    MAX_FAILURES = 64, /* kinds of failure with examples */
    N_SHOWN = 3,       /* annotations shown whole */
    MAX_EXCERPT = 600  /* bytes of a text shown */
};

/* A measure and its distribution. */
struct measure {
    const char *title;
    const char *path; /* member of checks, "member/member", or "member/share" for found / n */
    double bin;       /* width of a bin of the histogram */
    uint64_t n, bins[N_BINS];
    double sum, sum_squares, min, max;
};

enum {
    M_DOC_TOKENS,
    M_PROMPT_TOKENS,
    M_COMPLETION_TOKENS,
    M_FIRST_CHECK, /* the rest come from checks */
    N_MEASURES = 15
};

struct failure {
    char *name; /* owned */
    uint64_t n;
    struct da_buf examples; /* HTML list items */
    unsigned n_examples;
};

struct shown {
    uint64_t hash;
    struct da_buf html;
};

struct report {
    struct measure m[N_MEASURES];
    struct failure failures[MAX_FAILURES];
    size_t n_failures;
    uint64_t n_annotated, n_check_failed, n_errors;
    struct da_map suggested, asked, models; /* first words of questions; models */
    struct shown shown[N_SHOWN];
    struct da_words words;
};

/* --- HTML ------------------------------------------------------------------------- */

static void add_text(struct da_buf *b, struct da_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        switch (s.p[i]) {
        case '&': da_buf_add_str(b, "&amp;"); break;
        case '<': da_buf_add_str(b, "&lt;"); break;
        case '>': da_buf_add_str(b, "&gt;"); break;
        case '"': da_buf_add_str(b, "&quot;"); break;
        default: da_buf_add_char(b, s.p[i]);
        }
    }
}

/* At most MAX_EXCERPT bytes of it, cut between characters. */
static void add_excerpt(struct da_buf *b, struct da_span s)
{
    size_t n = s.len;
    if (n > MAX_EXCERPT) {
        n = MAX_EXCERPT;
        while (n > 0 && ((unsigned char)s.p[n] & 0xC0) == 0x80)
            n--;
    }
    add_text(b, da_span(s.p, n));
    if (n < s.len)
        da_buf_add_str(b, " \xE2\x80\xA6");
}

static void add_number(struct da_buf *b, double x, int decimals)
{
    struct da_jw w;
    da_jw_init(&w, b);
    da_jw_fixed(&w, x, decimals);
}

/* --- counting --------------------------------------------------------------------- */

static void init_measures(struct report *r)
{
    static const struct measure all[N_MEASURES] = {
        {.title = "Tokens of the document", .bin = 50},
        {.title = "Tokens of the prompt", .bin = 200},
        {.title = "Tokens of the completion", .bin = 20},
        {.title = "Words of the summary", .path = "summary_words", .bin = 10},
        {.title = "Words of the answer", .path = "answer_words", .bin = 5},
        {.title = "Questions", .path = "questions", .bin = 1},
        {.title = "Overlap of the two most alike questions",
         .path = "question_overlap",
         .bin = 0.05},
        {.title = "Self-BLEU of the questions", .path = "question_self_bleu", .bin = 0.05},
        {.title = "Share of numbers found in the document", .path = "numbers/share", .bin = 0.05},
        {.title = "Share of names found in the document", .path = "names/share", .bin = 0.05},
        {.title = "Support of the summary", .path = "summary_support", .bin = 0.05},
        {.title = "Support of the answer", .path = "answer_support", .bin = 0.05},
        {.title = "Similarity of the answer's least supported sentence",
         .path = "answer_sts",
         .bin = 0.05},
        {.title = "Agreement of two answers to the question", .path = "round_trip/f1", .bin = 0.05},
        {.title = "Question marks", .path = "question_marks", .bin = 1},
    };
    memcpy(r->m, all, sizeof all);
}

static void measure_add(struct measure *m, double x)
{
    double at = x / m->bin;
    size_t bin = at < 0 ? 0 : at >= N_BINS ? N_BINS - 1 : (size_t)at;
    m->bins[bin]++;
    m->min = m->n == 0 || x < m->min ? x : m->min;
    m->max = m->n == 0 || x > m->max ? x : m->max;
    m->sum += x;
    m->sum_squares += x * x;
    m->n++;
}

static void measure_json(struct measure *m, const struct da_json *j)
{
    double x;
    if (da_json_double(j, &x) && x >= 0)
        measure_add(m, x);
}

/* "numbers/share" is checks.numbers.found / checks.numbers.n. */
static void measure_check(struct measure *m, const struct da_json *checks)
{
    const char *slash = strchr(m->path, '/');
    if (!slash) {
        measure_json(m, da_json_get(checks, m->path));
        return;
    }
    char name[32];
    size_t len = (size_t)(slash - m->path);
    double n, found;
    memcpy(name, m->path, len);
    name[len] = '\0';
    const struct da_json *j = da_json_get(checks, name);
    if (strcmp(slash, "/share") != 0)
        measure_json(m, da_json_get(j, slash + 1));
    else if (da_json_double(da_json_get(j, "n"), &n) && n > 0 &&
        da_json_double(da_json_get(j, "found"), &found))
        measure_add(m, found / n);
}

/* The kind of failure by its name, or NULL when there are too many kinds. */
static struct failure *failure_of(struct report *r, struct da_span name)
{
    for (size_t i = 0; i < r->n_failures; i++) {
        if (da_span_is(name, r->failures[i].name))
            return &r->failures[i];
    }
    if (r->n_failures == MAX_FAILURES)
        return NULL;
    struct failure *f = &r->failures[r->n_failures++];
    f->name = da_strndup(name.p, name.len);
    da_buf_init(&f->examples, 0);
    return f;
}

/* Starts an example of a failure; NULL when there are enough. */
static struct da_buf *begin_example(struct report *r, struct da_span name, struct da_span where)
{
    struct failure *f = failure_of(r, name);
    if (!f)
        return NULL;
    f->n++;
    if (f->n_examples == MAX_EXAMPLES)
        return NULL;
    f->n_examples++;
    da_buf_add_str(&f->examples, "<li><b>");
    add_excerpt(&f->examples, where);
    da_buf_add_str(&f->examples, "</b> ");
    return &f->examples;
}

static struct da_span path_of(const struct da_annotation *a)
{
    struct da_span s;
    return da_json_str(da_json_get(da_json_get(a->document, "source"), "path"), &s) ? s : a->id;
}

static void add_missing(struct da_buf *b, const struct da_json *checks, const char *what)
{
    const struct da_json *list = da_json_get(da_json_get(checks, what), "missing");
    for (const struct da_json *m = da_json_first(list); m; m = da_json_next(m)) {
        struct da_span s;
        if (!da_json_str(m, &s))
            continue;
        da_buf_add_str(b, m == da_json_first(list) ? " Not found: " : ", ");
        add_excerpt(b, s);
    }
}

/* An annotation that was kept although checks failed. */
static void count_failed_checks(struct report *r, const struct da_annotation *a)
{
    const struct da_json *failed = da_json_get(a->checks, "failed");
    r->n_check_failed += da_json_len(failed) > 0;
    for (const struct da_json *f = da_json_first(failed); f; f = da_json_next(f)) {
        struct da_span name;
        if (!da_json_str(f, &name))
            continue;
        struct da_buf *b = begin_example(r, name, path_of(a));
        if (!b)
            continue;
        if (da_span_starts(name, "question")) {
            for (size_t i = 0; i < a->n_suggestions; i++) {
                add_excerpt(b, a->qs_response[i]);
                da_buf_add_char(b, ' ');
            }
        } else {
            add_excerpt(b, a->summ_response);
            da_buf_add_str(b, " <i>");
            add_excerpt(b, a->qa_request);
            da_buf_add_str(b, "</i> ");
            add_excerpt(b, a->qa_response);
        }
        if (da_span_is(name, "numbers") || da_span_is(name, "names"))
            add_missing(b, a->checks, da_span_is(name, "names") ? "names" : "numbers");
        da_buf_add_str(b, "</li>\n");
    }
}

static void count_kind(struct report *r, struct da_map *m, struct da_span question)
{
    da_words_split(&r->words, question.p, question.len);
    if (r->words.n == 0)
        return;
    struct da_span k = da_words_key(&r->words, 0);
    if (r->words.items[0].flags & DA_WORD_SOLID)
        k = da_span_str("(other script)");
    (*da_map_add(m, k.p, k.len, NULL))++;
}

/* Shows the annotations whose ids hash lowest: a sample that the order does not change. */
static void show(struct report *r, const struct da_annotation *a)
{
    uint64_t hash = da_hash64(a->id.p, a->id.len, 0);
    struct shown *s = &r->shown[0];
    for (size_t i = 1; i < N_SHOWN; i++) {
        if (r->shown[i].hash > s->hash)
            s = &r->shown[i];
    }
    if (hash >= s->hash)
        return;
    s->hash = hash;
    da_buf_reset(&s->html);
    da_buf_add_str(&s->html, "<h3>");
    add_excerpt(&s->html, path_of(a));
    da_buf_add_str(&s->html, "</h3>\n<dl><dt>");
    add_excerpt(&s->html, a->summ_request);
    da_buf_add_str(&s->html, "</dt><dd>");
    add_excerpt(&s->html, a->summ_response);
    da_buf_add_str(&s->html, "</dd>\n<dt>");
    add_excerpt(&s->html, a->qs_request);
    da_buf_add_str(&s->html, "</dt><dd><ol>");
    for (size_t i = 0; i < a->n_suggestions; i++) {
        da_buf_add_str(&s->html, "<li>");
        add_excerpt(&s->html, a->qs_response[i]);
        da_buf_add_str(&s->html, "</li>");
    }
    da_buf_add_str(&s->html, "</ol></dd>\n<dt>");
    add_excerpt(&s->html, a->qa_request);
    da_buf_add_str(&s->html, "</dt><dd>");
    add_excerpt(&s->html, a->qa_response);
    da_buf_add_str(&s->html, "</dd></dl>\n");
}

static void count_annotation(struct report *r, const struct da_annotation *a)
{
    const struct da_json *usage = da_json_get(a->origin, "usage");
    struct da_span model;
    r->n_annotated++;
    measure_json(&r->m[M_DOC_TOKENS], da_json_get(a->document, "n_tokens"));
    measure_json(&r->m[M_PROMPT_TOKENS], da_json_get(usage, "prompt_tokens"));
    measure_json(&r->m[M_COMPLETION_TOKENS], da_json_get(usage, "completion_tokens"));
    for (size_t i = M_FIRST_CHECK; i < N_MEASURES; i++)
        measure_check(&r->m[i], a->checks);
    for (size_t i = 0; i < a->n_suggestions; i++)
        count_kind(r, &r->suggested, a->qs_response[i]);
    count_kind(r, &r->asked, a->qa_request);
    if (da_json_str(da_json_get(a->origin, "model"), &model))
        (*da_map_add(&r->models, model.p, model.len, NULL))++;
    count_failed_checks(r, a);
    show(r, a);
}

static enum da_rc read_annotations(struct report *r, const char *path, struct da_err *err)
{
    struct da_jsonl *in = NULL;
    enum da_rc rc = da_jsonl_open(&in, path, err);
    while (!rc) {
        struct da_json *j = NULL;
        struct da_annotation a;
        rc = da_jsonl_next(in, &j, err);
        if (rc || !j)
            break;
        rc = da_annotation_read(j, &a, err);
        if (!rc)
            count_annotation(r, &a);
        else
            rc = da_jsonl_fail(in, err);
        da_json_free(j);
    }
    da_jsonl_close(in);
    return rc;
}

/* Rows {"id", "path", "status", "detail"}; a failed check is named by its detail. */
static enum da_rc read_errors(struct report *r, const char *path, struct da_err *err)
{
    struct da_jsonl *in = NULL;
    enum da_rc rc = da_jsonl_open(&in, path, err);
    while (!rc) {
        struct da_json *j = NULL;
        struct da_span id = {"", 0}, status = {"failed", 6}, detail = {"", 0};
        rc = da_jsonl_next(in, &j, err);
        if (rc || !j)
            break;
        r->n_errors++;
        (void)da_json_str(da_json_get(j, "id"), &id);
        (void)da_json_str(da_json_get(j, "path"), &id);
        (void)da_json_str(da_json_get(j, "status"), &status);
        (void)da_json_str(da_json_get(j, "detail"), &detail);
        bool check = da_span_is(status, "check") && detail.len > 0;
        struct da_buf *b = begin_example(r, check ? detail : status, id);
        if (b) {
            add_excerpt(b, check ? da_span_str("left out") : detail);
            da_buf_add_str(b, "</li>\n");
        }
        da_json_free(j);
    }
    da_jsonl_close(in);
    return rc;
}

/* --- the page ---------------------------------------------------------------------- */

static const char style[] =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;"
    "color:#222;background:#fff}h1,h2,h3{line-height:1.2}table{border-collapse:collapse}"
    "td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}"
    "td:first-child,th:first-child{text-align:left}.h{display:inline-flex;align-items:flex-end;"
    "height:4em;gap:1px}.h i{display:block;width:9px;background:#4a7ab0;min-height:1px}"
    "dt{font-weight:600;margin-top:.6em}.n{color:#666}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}td,th{border-color:#444}"
    ".n{color:#999}}";

static void add_histogram(struct da_buf *b, const struct measure *m)
{
    uint64_t most = 1;
    for (size_t i = 0; i < N_BINS; i++)
        most = m->bins[i] > most ? m->bins[i] : most;
    da_buf_add_str(b, "<span class=h>");
    for (size_t i = 0; i < N_BINS; i++) {
        da_buf_add_str(b, "<i style=\"height:");
        add_number(b, 100 * (double)m->bins[i] / (double)most, 0);
        da_buf_add_str(b, "%\" title=\"");
        da_buf_add_double(b, (double)i * m->bin);
        da_buf_add_str(b, i + 1 < N_BINS ? " to " : " and more");
        if (i + 1 < N_BINS)
            da_buf_add_double(b, (double)(i + 1) * m->bin);
        da_buf_addf(b, ": %llu\"></i>", (unsigned long long)m->bins[i]);
    }
    da_buf_add_str(b, "</span>");
}

static void add_measure(struct da_buf *b, const struct measure *m)
{
    if (m->n == 0)
        return;
    int decimals = m->bin < 1 ? 3 : 2;
    double mean = m->sum / (double)m->n, var = m->sum_squares / (double)m->n - mean * mean;
    da_buf_addf(b, "<tr><td>%s</td><td>%llu</td><td>", m->title, (unsigned long long)m->n);
    add_number(b, mean, decimals);
    da_buf_add_str(b, "</td><td>");
    add_number(b, var > 0 ? sqrt(var) : 0, decimals);
    da_buf_add_str(b, "</td><td>");
    add_number(b, m->min, m->bin < 1 ? 3 : 0);
    da_buf_add_str(b, "</td><td>");
    add_number(b, m->max, m->bin < 1 ? 3 : 0);
    da_buf_add_str(b, "</td><td>");
    add_histogram(b, m);
    da_buf_add_str(b, "</td></tr>\n");
}

static int by_count(const void *a, const void *b)
{
    const struct da_map_entry *x = *(const struct da_map_entry *const *)a;
    const struct da_map_entry *y = *(const struct da_map_entry *const *)b;
    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
    int c = memcmp(x->key.p, y->key.p, n);
    return c ? c : (x->key.len > y->key.len) - (x->key.len < y->key.len);
}

static void add_counts(struct da_buf *b, const char *title, const struct da_map *m)
{
    enum { MOST = 12 };
    const struct da_map_entry **e = da_calloc(m->n ? m->n : 1, sizeof *e);
    uint64_t rest = 0;
    for (size_t i = 0; i < m->n; i++)
        e[i] = &m->entries[i];
    if (m->n > 0)
        qsort(e, m->n, sizeof *e, by_count);
    da_buf_addf(b, "<p><b>%s:</b> ", title);
    for (size_t i = 0; i < m->n; i++) {
        if (i >= MOST) {
            rest += e[i]->value;
            continue;
        }
        add_text(b, e[i]->key);
        da_buf_addf(b, " %llu%s", (unsigned long long)e[i]->value, i + 1 < m->n ? ", " : "");
    }
    if (rest > 0)
        da_buf_addf(b, "others %llu", (unsigned long long)rest);
    da_buf_add_str(b, "</p>\n");
    free(e);
}

static void add_failures(struct da_buf *b, const struct report *r)
{
    if (r->n_failures == 0) {
        da_buf_add_str(b, "<p>None.</p>\n");
        return;
    }
    for (size_t i = 0; i < r->n_failures; i++) {
        const struct failure *f = &r->failures[i];
        da_buf_add_str(b, "<h3>");
        add_text(b, da_span_str(f->name));
        da_buf_addf(b, " <span class=n>%llu</span></h3>\n<ul>\n", (unsigned long long)f->n);
        da_buf_add(b, f->examples.p, f->examples.len);
        da_buf_add_str(b, "</ul>\n");
    }
}

static void add_table(struct da_buf *b, const struct measure *m, size_t n)
{
    da_buf_add_str(b,
                   "<table><tr><th></th><th>documents</th><th>mean</th><th>standard deviation</th>"
                   "<th>least</th><th>most</th><th></th></tr>\n");
    for (size_t i = 0; i < n; i++)
        add_measure(b, &m[i]);
    da_buf_add_str(b, "</table>\n");
}

static void write_page(const struct report *r, struct da_buf *b)
{
    da_buf_addf(b,
                "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><title>Annotations"
                "</title>\n<meta name=viewport content=\"width=device-width\">"
                "<style>%s</style></head>\n<body>\n<h1>Annotations</h1>\n",
                style);
    da_buf_addf(b,
                "<p>%llu documents annotated, %llu of them although a check failed; %llu failed."
                "</p>\n",
                (unsigned long long)r->n_annotated, (unsigned long long)r->n_check_failed,
                (unsigned long long)r->n_errors);
    add_counts(b, "Annotators", &r->models);
    da_buf_add_str(b, "<h2>Tokens</h2>\n");
    add_table(b, r->m, M_FIRST_CHECK);
    da_buf_add_str(b, "<h2>Quality checks</h2>\n");
    add_table(b, r->m + M_FIRST_CHECK, N_MEASURES - M_FIRST_CHECK);
    da_buf_add_str(b, "<h2>Questions by first word</h2>\n");
    add_counts(b, "Suggested", &r->suggested);
    add_counts(b, "Asked", &r->asked);
    da_buf_add_str(b, "<h2>Failures</h2>\n");
    add_failures(b, r);
    da_buf_add_str(b, "<h2>Some annotations</h2>\n");
    for (size_t i = 0; i < N_SHOWN; i++)
        da_buf_add(b, r->shown[i].html.p, r->shown[i].html.len);
    da_buf_add_str(b, "</body></html>\n");
}

static int shown_by_hash(const void *a, const void *b)
{
    const struct shown *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

enum da_rc da_ann_report(const char *annotations, const char *errors, const char *page,
                         struct da_err *err)
{
    struct report r;
    struct da_buf b;
    memset(&r, 0, sizeof r);
    init_measures(&r);
    da_map_init(&r.suggested);
    da_map_init(&r.asked);
    da_map_init(&r.models);
    da_words_init(&r.words);
    da_buf_init(&b, 0);
    for (size_t i = 0; i < N_SHOWN; i++) {
        r.shown[i].hash = UINT64_MAX;
        da_buf_init(&r.shown[i].html, 0);
    }
    enum da_rc rc = read_annotations(&r, annotations, err);
    if (!rc && errors)
        rc = read_errors(&r, errors, err);
    if (!rc) {
        qsort(r.shown, N_SHOWN, sizeof r.shown[0], shown_by_hash);
        write_page(&r, &b);
        rc = da_buf_check(&b, "the report", err);
    }
    if (!rc)
        rc = da_io_write_file(page, b.p, b.len, err);
    for (size_t i = 0; i < N_SHOWN; i++)
        da_buf_release(&r.shown[i].html);
    for (size_t i = 0; i < r.n_failures; i++) {
        da_buf_release(&r.failures[i].examples);
        free(r.failures[i].name);
    }
    da_buf_release(&b);
    da_words_release(&r.words);
    da_map_release(&r.models);
    da_map_release(&r.asked);
    da_map_release(&r.suggested);
    return rc;
}
