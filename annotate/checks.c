/* Quality checks: see the header. */

#include "annotate/checks.h"

#include <stdlib.h>
#include <string.h>

#include "annotate/check_meaning.h"
#include "common/hash.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "eval/diversity.h"
#include "eval/work.h"
#include "text/wordlang.h"
#include "text/ngram.h"
#include "text/sentence.h"
#include "text/words.h"

enum {
    COPY_ORDER = 8,    /* words in a row that nobody writes twice by chance */
    OVERLAP_ORDER = 2, /* word pairs tell questions apart better than words */
    STEM_CHARS = 5,    /* "reported" supports "report" */
    MAX_MISSING = 8,   /* listed in the record */
    LANGUAGE_MIN_WORDS = 15,
    MAX_FAILED = 12
};

struct da_checks {
    struct da_checks_opts o;
    struct da_buf identity;
    struct da_ngrams example_grams;
    /* scratch */
    struct da_words doc, part;
    struct da_span part_of; /* the text that part holds the words of; p NULL: none */
    struct da_units units, part_units;
    struct da_map keys; /* of the document: words as they are, numbers as digits only */
    uint64_t *stems;    /* [stems_cap] of the document's words; 0 for function words */
    size_t stems_cap;
    struct da_ngrams a, b;
    struct da_buf digits, all;
    struct da_work work;
    struct da_wordlang languages;
};

/* What was found of a summary's and an answer's numbers or names. */
struct found {
    size_t n, n_found;
    char *missing[MAX_MISSING]; /* owned */
    size_t n_missing;
};

void da_checks_opts_init(struct da_checks_opts *o)
{
    *o = (struct da_checks_opts){
        .min_summary_words = 3,
        .max_summary_words = 250,
        .min_answer_words = 1,
        .max_answer_words = 150,
        .n_questions = 3, /* arXiv 2411.09944 */
        .max_question_overlap = 0.85,
        .min_numbers = 1.0,
        .min_names = 0.6,
        .min_support = 0.3,
        .min_sts = 0.35,
        .min_round_trip = 0.4,
    };
}

static void write_identity(struct da_checks *c)
{
    const struct da_checks_opts *o = &c->o;
    struct da_jw w;
    da_jw_init(&w, &c->identity);
    da_jw_array(&w);
    da_jw_int(&w, o->min_summary_words);
    da_jw_int(&w, o->max_summary_words);
    da_jw_int(&w, o->min_answer_words);
    da_jw_int(&w, o->max_answer_words);
    da_jw_int(&w, o->n_questions);
    da_jw_double(&w, o->max_question_overlap);
    da_jw_double(&w, o->min_numbers);
    da_jw_double(&w, o->min_names);
    da_jw_double(&w, o->min_support);
    da_jw_double(&w, o->min_sts);
    da_jw_double(&w, o->min_round_trip);
    da_jw_cstr(&w, o->embedder ? o->embedder->identity : "");
    da_jw_uint(&w, da_hash64(o->examples.p, o->examples.len, 0));
    da_jw_end(&w);
}

struct da_checks *da_checks_new(const struct da_checks_opts *o)
{
    struct da_checks *c = da_calloc(1, sizeof *c);
    c->o = *o;
    if (!c->o.examples.p)
        c->o.examples = da_span("", 0);
    da_buf_init(&c->identity, 0);
    da_buf_init(&c->digits, 0);
    da_buf_init(&c->all, 0);
    da_work_init(&c->work);
    da_wordlang_init(&c->languages);
    da_words_init(&c->doc);
    da_words_init(&c->part);
    da_units_init(&c->units);
    da_units_init(&c->part_units);
    da_map_init(&c->keys);
    da_ngrams_init(&c->a);
    da_ngrams_init(&c->b);
    da_ngrams_init(&c->example_grams);
    write_identity(c);
    da_words_split(&c->part, c->o.examples.p, c->o.examples.len);
    da_ngrams_make(&c->example_grams, &c->part, COPY_ORDER, false);
    c->o.examples = da_span("", 0);
    return c;
}

void da_checks_free(struct da_checks *c)
{
    if (!c)
        return;
    da_ngrams_release(&c->example_grams);
    da_ngrams_release(&c->b);
    da_ngrams_release(&c->a);
    free(c->stems);
    da_map_release(&c->keys);
    da_units_release(&c->part_units);
    da_units_release(&c->units);
    da_words_release(&c->part);
    da_words_release(&c->doc);
    da_work_release(&c->work);
    da_buf_release(&c->all);
    da_buf_release(&c->digits);
    da_buf_release(&c->identity);
    free(c);
}

const char *da_checks_identity(const struct da_checks *c)
{
    return c->identity.p;
}

/* --- numbers and names ---------------------------------------------------------- */

/* The digits of a number without separators and zeros that end a fraction: 1,840.00 is 1840. */
static struct da_span digits_of(struct da_checks *c, struct da_span key)
{
    size_t end = key.len, mark = key.len;
    while (mark > 0 && key.p[mark - 1] != '.' && key.p[mark - 1] != ',')
        mark--;
    if (mark > 0 && key.len - mark <= 2) {
        while (end > mark && key.p[end - 1] == '0')
            end--;
    }
    da_buf_reset(&c->digits);
    for (size_t i = 0; i < end; i++) {
        if (key.p[i] >= '0' && key.p[i] <= '9')
            da_buf_add_char(&c->digits, key.p[i]);
    }
    return da_span(c->digits.p, c->digits.len);
}

static void add_key(struct da_map *m, struct da_span key)
{
    (*da_map_add(m, key.p, key.len, NULL))++;
}

static const char *const number_words[] = {
    "zero",     "one",     "two",     "three",     "four",     "five",     "six",
    "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",   "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
};

/* Words of one of the record's texts into part, unless they are there already. */
static void split_part(struct da_checks *c, struct da_span text)
{
    if (c->part_of.p != text.p || c->part_of.len != text.len)
        da_words_split(&c->part, text.p, text.len);
    c->part_of = text;
}

static uint64_t stem(const struct da_words *w, size_t i)
{
    struct da_span key = da_words_key(w, i);
    const char *end = key.p + key.len, *p = key.p;
    for (int n = 0; n < STEM_CHARS && p < end; n++) {
        uint32_t cp;
        p += da_utf8_decode(p, end, &cp);
    }
    return p == end ? w->items[i].hash : da_hash64(key.p, (size_t)(p - key.p), 0);
}

static void index_document(struct da_checks *c, struct da_span text)
{
    da_words_split(&c->doc, text.p, text.len);
    da_units_split(&c->units, text.p, text.len);
    da_map_reset(&c->keys);
    if (c->doc.n > c->stems_cap) {
        c->stems_cap = da_grow_cap(c->stems_cap, c->doc.n);
        c->stems = da_realloc_array(c->stems, c->stems_cap, sizeof *c->stems);
    }
    for (size_t i = 0; i < c->doc.n; i++) {
        struct da_span key = da_words_key(&c->doc, i);
        (*da_map_add_hashed(&c->keys, key.p, key.len, c->doc.items[i].hash, NULL))++;
        c->stems[i] = c->doc.items[i].flags & DA_WORD_STOP ? 0 : stem(&c->doc, i);
        if (c->doc.items[i].flags & DA_WORD_DIGITS) {
            struct da_span d = digits_of(c, key);
            if (d.len > 0)
                add_key(&c->keys, d);
        }
    }
    for (unsigned n = 0; n < DA_ARRAY_LEN(number_words); n++) {
        if (da_map_get(&c->keys, number_words[n], strlen(number_words[n]))) {
            char d[4];
            size_t len = 0;
            if (n >= 10)
                d[len++] = (char)('0' + n / 10);
            d[len++] = (char)('0' + n % 10);
            add_key(&c->keys, da_span(d, len));
        }
    }
}

static bool in_document(const struct da_checks *c, struct da_span key)
{
    return da_map_get(&c->keys, key.p, key.len) != NULL;
}

static void note(struct found *f, bool ok, const char *p, size_t len)
{
    f->n++;
    f->n_found += ok;
    if (ok || f->n_missing == MAX_MISSING)
        return;
    for (size_t i = 0; i < f->n_missing; i++) {
        if (strlen(f->missing[i]) == len && memcmp(f->missing[i], p, len) == 0)
            return;
    }
    f->missing[f->n_missing++] = da_strndup(p, len);
}

static bool name_found(const struct da_checks *c, struct da_span key)
{
    if (in_document(c, key))
        return true;
    if (key.len > 2 && memcmp(key.p + key.len - 2, "'s", 2) == 0)
        return in_document(c, da_span(key.p, key.len - 2));
    return key.len > 3 && key.p[key.len - 1] == 's' && in_document(c, da_span(key.p, key.len - 1));
}

static void look_up(struct da_checks *c, struct da_span text, struct found *numbers,
                    struct found *names)
{
    split_part(c, text);
    da_units_split(&c->part_units, text.p, text.len);
    size_t unit = 0;
    for (size_t i = 0; i < c->part.n; i++) {
        const struct da_word *w = &c->part.items[i];
        struct da_span key = da_words_key(&c->part, i);
        while (unit + 1 < c->part_units.n && c->part_units.items[unit].end <= w->start)
            unit++;
        bool opens = i == 0 || c->part.items[i - 1].start < c->part_units.items[unit].start;
        if (w->flags & DA_WORD_NUMBER) {
            struct da_span d = digits_of(c, key);
            note(numbers, in_document(c, key) || in_document(c, d), text.p + w->start,
                 w->end - w->start);
        } else if ((w->flags & DA_WORD_CAPITAL) && !(w->flags & DA_WORD_STOP) && !opens) {
            note(names, name_found(c, key), text.p + w->start, w->end - w->start);
        }
    }
}

/* --- questions ------------------------------------------------------------------ */

static bool ends_with_question_mark(struct da_span s)
{
    static const char *const marks[] = {"?", "？", "؟", ";", "՞", "፧"};
    for (size_t i = 0; i < DA_ARRAY_LEN(marks); i++) {
        size_t n = strlen(marks[i]);
        if (s.len > n && memcmp(s.p + s.len - n, marks[i], n) == 0)
            return true;
    }
    return false;
}

static void pairs_of(struct da_checks *c, struct da_span s, struct da_ngrams *g)
{
    split_part(c, s);
    da_ngrams_make(g, &c->part, OVERLAP_ORDER, true);
}

static double question_overlap(struct da_checks *c, const struct da_answers *a)
{
    double most = 0;
    for (size_t i = 0; i < a->n_qs; i++) {
        pairs_of(c, a->qs_response[i], &c->a);
        for (size_t j = i + 1; j < a->n_qs; j++) {
            pairs_of(c, a->qs_response[j], &c->b);
            double x = da_ngrams_jaccard(&c->a, &c->b);
            if (da_span_eq(a->qs_response[i], a->qs_response[j]))
                x = 1;
            most = x > most ? x : most;
        }
    }
    return most;
}

/* 0..1; as null for a single question. */
static double self_bleu(struct da_checks *c, const struct da_answers *a)
{
    da_work_next(&c->work);
    return da_self_bleu(DA_SELF_BLEU_SACRE, 0, &c->work, a->qs_response, a->n_qs, NULL) / 100;
}

/* --- language -------------------------------------------------------------------- */

/* Whether the responses are, beyond doubt, in another language than the document. */
static bool other_language(struct da_checks *c, const struct da_answers *a)
{
    bool sure_doc = false, sure_answers;
    da_buf_reset(&c->all);
    da_buf_add(&c->all, a->summ_response.p, a->summ_response.len);
    da_buf_add_char(&c->all, '\n');
    da_buf_add(&c->all, a->qa_response.p, a->qa_response.len);
    split_part(c, da_span(c->all.p, c->all.len));
    if (c->part.n < LANGUAGE_MIN_WORDS)
        return false;
    const char *ours = da_wordlang_guess_with(&c->languages, &c->part, &sure_answers);
    const char *theirs =
        sure_answers ? da_wordlang_guess_with(&c->languages, &c->doc, &sure_doc) : ours;
    return sure_answers && sure_doc && strcmp(ours, theirs) != 0;
}

/* --- support -------------------------------------------------------------------- */

/* A sentence's stems, each once, found by their last bits. */
struct stem_set {
    struct {
        uint64_t stem;
        size_t weight; /* how often it stands in the sentence */
        size_t last;   /* 1 + the last unit of the document that had it */
        int next;      /* of the same slot; -1 */
    } *items;          /* [n] */
    size_t n;
    int slots[64];
};

static int stem_find(const struct stem_set *s, uint64_t stem)
{
    int i = s->slots[stem % 64];
    while (i >= 0 && s->items[i].stem != stem)
        i = s->items[i].next;
    return i;
}

static void stem_set_fill(struct stem_set *s, const uint64_t *stems, size_t n)
{
    s->n = 0;
    for (size_t i = 0; i < DA_ARRAY_LEN(s->slots); i++)
        s->slots[i] = -1;
    for (size_t k = 0; k < n; k++) {
        int i = stem_find(s, stems[k]);
        if (i < 0) {
            i = (int)s->n++;
            s->items[i].stem = stems[k];
            s->items[i].weight = s->items[i].last = 0;
            s->items[i].next = s->slots[stems[k] % 64];
            s->slots[stems[k] % 64] = i;
        }
        s->items[i].weight++;
    }
}

/* The largest share of the words (stems) that stand in one unit of the document and the next. */
static double best_support(const struct da_checks *c, const uint64_t *stems, size_t n)
{
    struct stem_set set;
    size_t best = 0;
    set.items = da_calloc(n ? n : 1, sizeof *set.items);
    stem_set_fill(&set, stems, n);
    for (size_t u = 0, at = 0; u < c->units.n; u++) {
        for (; at < c->doc.n && c->doc.items[at].start < c->units.items[u].end; at++) {
            int i = c->stems[at] ? stem_find(&set, c->stems[at]) : -1;
            if (i >= 0)
                set.items[i].last = u + 1;
        }
        size_t count = 0;
        for (size_t k = 0; k < set.n; k++)
            if (set.items[k].last > 0 && set.items[k].last >= u)
                count += set.items[k].weight;
        best = count > best ? count : best;
    }
    free(set.items);
    return n ? (double)best / (double)n : 1;
}

/* Mean over the sentences of the text; sentences of function words only do not count. */
static double support(struct da_checks *c, struct da_span text)
{
    double sum = 0;
    size_t n_sentences = 0, i = 0;
    uint64_t *stems;
    split_part(c, text);
    da_units_split(&c->part_units, text.p, text.len);
    stems = da_calloc(c->part.n ? c->part.n : 1, sizeof *stems);
    for (size_t u = 0; u < c->part_units.n; u++) {
        size_t n = 0;
        for (; i < c->part.n && c->part.items[i].start < c->part_units.items[u].end; i++) {
            if (!(c->part.items[i].flags & DA_WORD_STOP))
                stems[n++] = stem(&c->part, i);
        }
        if (n == 0)
            continue;
        sum += best_support(c, stems, n);
        n_sentences++;
    }
    free(stems);
    return n_sentences ? sum / (double)n_sentences : 1;
}

/* Whether text has eight words in a row from the prompt's examples that the document lacks. */
static bool copies_example(struct da_checks *c, struct da_span text)
{
    if (c->example_grams.n == 0)
        return false;
    split_part(c, text);
    da_ngrams_make(&c->a, &c->part, COPY_ORDER, false);
    size_t both = da_ngrams_common(&c->a, &c->example_grams);
    if (both == 0)
        return false;
    da_ngrams_make(&c->b, &c->doc, COPY_ORDER, false);
    return da_ngrams_common(&c->a, &c->b) < both;
}

/* --- the record ----------------------------------------------------------------- */

static size_t n_words(struct da_checks *c, struct da_span s)
{
    size_t solid = 0;
    split_part(c, s);
    for (size_t i = 0; i < c->part.n; i++)
        solid += (c->part.items[i].flags & DA_WORD_SOLID) != 0;
    return c->part.n - solid + (solid + 1) / 2;
}

static double share(const struct found *f)
{
    return f->n ? (double)f->n_found / (double)f->n : 1;
}

static void write_found(struct da_jw *w, const char *name, struct found *f)
{
    da_jw_key(w, name);
    da_jw_object(w);
    da_jw_kint(w, "n", (int64_t)f->n);
    da_jw_kint(w, "found", (int64_t)f->n_found);
    da_jw_key(w, "missing");
    da_jw_array(w);
    for (size_t i = 0; i < f->n_missing; i++) {
        da_jw_cstr(w, f->missing[i]);
        free(f->missing[i]);
    }
    da_jw_end(w);
    da_jw_end(w);
}

/* What only some runs measure. */
struct meaning {
    bool has_sts, has_again;
    double sts, again; /* again: F1 of the answer that came when the question was asked again */
};

static enum da_rc measure_meaning(struct da_checks *c, const struct da_ann_doc *doc,
                                  const struct da_answers *a, struct meaning *m, struct da_err *err)
{
    *m = (struct meaning){.has_again = a->asked_again};
    if (a->asked_again && a->qa_again.len)
        m->again = da_check_round_trip(&c->work, a->qa_response, a->qa_again);
    if (!c->o.embedder)
        return DA_OK;
    da_units_split(&c->part_units, a->qa_response.p, a->qa_response.len);
    return da_check_sts(c->o.embedder, doc->text, &c->units, a->qa_response, &c->part_units,
                        &m->sts, &m->has_sts, err);
}

static void write_meaning(struct da_jw *w, const struct meaning *m, const struct da_answers *a)
{
    if (m->has_sts)
        da_jw_kdouble(w, "answer_sts", m->sts);
    if (!m->has_again)
        return;
    da_jw_key(w, "round_trip");
    da_jw_object(w);
    da_jw_key(w, "answer");
    if (a->qa_again.len)
        da_jw_str(w, a->qa_again.p, a->qa_again.len);
    else
        da_jw_null(w);
    da_jw_kdouble(w, "f1", m->again);
    da_jw_end(w);
}

struct verdict {
    const char *failed[MAX_FAILED];
    size_t n;
};

static void judge(struct verdict *v, bool ok, const char *name)
{
    if (!ok)
        v->failed[v->n++] = name;
}

enum da_rc da_checks_run(void *ctx, const struct da_ann_doc *doc, const struct da_answers *a,
                         struct da_jw *w, const char **failed, struct da_err *err)
{
    struct da_checks *c = ctx;
    const struct da_checks_opts *o = &c->o;
    struct found numbers = {0}, names = {0};
    struct verdict v = {.n = 0};
    struct meaning m;
    size_t marks = 0;
    c->part_of.p = NULL;
    index_document(c, doc->text);
    enum da_rc rc = measure_meaning(c, doc, a, &m, err);
    if (rc)
        return rc;
    /* One text after the other: its words are split once. */
    bool copied = copies_example(c, a->summ_response);
    look_up(c, a->summ_response, &numbers, &names);
    size_t summary_words = n_words(c, a->summ_response);
    double summary_support = support(c, a->summ_response);
    copied = copies_example(c, a->qa_response) || copied;
    look_up(c, a->qa_response, &numbers, &names);
    size_t answer_words = n_words(c, a->qa_response);
    double answer = support(c, a->qa_response);
    for (size_t i = 0; i < a->n_qs; i++) {
        marks += ends_with_question_mark(a->qs_response[i]);
        copied = copied || copies_example(c, a->qs_response[i]);
    }
    double overlap = question_overlap(c, a);
    size_t least = o->min_summary_words < c->doc.n ? o->min_summary_words : c->doc.n;
    judge(&v, summary_words >= least && summary_words <= o->max_summary_words, "summary_length");
    judge(&v, answer_words >= o->min_answer_words && answer_words <= o->max_answer_words,
          "answer_length");
    judge(&v, a->n_qs == o->n_questions, "question_count");
    judge(&v, marks == a->n_qs, "question_form");
    judge(&v, overlap <= o->max_question_overlap, "question_overlap");
    judge(&v, share(&numbers) >= o->min_numbers, "numbers");
    judge(&v, share(&names) >= o->min_names, "names");
    judge(&v, answer >= o->min_support, "support");
    judge(&v, !m.has_sts || m.sts >= o->min_sts, "sts");
    judge(&v, !m.has_again || m.again >= o->min_round_trip, "round_trip");
    judge(&v, !copied, "example_copied");
    judge(&v, !other_language(c, a), "language");
    da_jw_object(w);
    da_jw_key(w, "failed");
    da_jw_array(w);
    for (size_t i = 0; i < v.n; i++)
        da_jw_cstr(w, v.failed[i]);
    da_jw_end(w);
    da_jw_kint(w, "summary_words", (int64_t)summary_words);
    da_jw_kint(w, "answer_words", (int64_t)answer_words);
    da_jw_kint(w, "questions", (int64_t)a->n_qs);
    da_jw_kint(w, "question_marks", (int64_t)marks);
    da_jw_kdouble(w, "question_overlap", overlap);
    da_jw_kdouble(w, "question_self_bleu", self_bleu(c, a));
    write_found(w, "numbers", &numbers);
    write_found(w, "names", &names);
    da_jw_kdouble(w, "summary_support", summary_support);
    da_jw_kdouble(w, "answer_support", answer);
    write_meaning(w, &m, a);
    da_jw_kbool(w, "example_copied", copied);
    da_jw_end(w);
    *failed = v.n > 0 ? v.failed[0] : NULL;
    return DA_OK;
}
