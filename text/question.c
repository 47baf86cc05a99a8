/*
 * Questions from structure (labels, rows, lists, headings, names), and choosing
 * among all that were found. The rules for English sentences are in question_en.c.
 */

#include "text/question.h"

#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "text/chars.h"
#include "text/ngram.h"
#include "text/question_lang.h"
#include "text/question_rules.h"

enum {
    QUESTION_MIN_WORDS = 3,
    QUESTION_MAX_WORDS = 26,
    QUESTION_MAX_BYTES = 400,
    HEADING_MAX_WORDS = 9,
    NAME_MAX_WORDS = 5,
    LIST_MAX_ITEMS = 12,
    TOPIC_MAX_BYTES = 90,
    TOPIC_MIN_LETTERS = 5,
    SENTENCE_MIN_WORDS = 5,
    SENTENCE_MAX_WORDS = 45
};

static const double alike_share = 0.8; /* of word pairs; more is the same question again */
static const double weak_weight =
    0.32; /* below it another good question of the same kind is better */

void da_questions_init(struct da_questions *q)
{
    memset(q, 0, sizeof *q);
}

void da_questions_release(struct da_questions *q)
{
    if (!q)
        return;
    free(q->items);
    da_questions_init(q);
}

/* Quotes and brackets of the question close in order. */
static bool balanced(const char *p, size_t len)
{
    int depth = 0;
    unsigned quotes = 0;
    for (size_t i = 0; i < len; i++) {
        if (p[i] == '(' || p[i] == '[')
            depth++;
        else if ((p[i] == ')' || p[i] == ']') && --depth < 0)
            return false;
        else if (p[i] == '"')
            quotes++;
        else if (p[i] == '\n' || p[i] == '|' || p[i] == '{' || p[i] == '}' || p[i] == '<')
            return false;
    }
    return depth == 0 && quotes % 2 == 0;
}

void da_question_add(struct da_question_maker *m, enum da_question_kind kind, size_t unit,
                     double weight)
{
    const struct da_words *w = &m->words;
    da_words_split(&m->words, m->text.p, m->text.len);
    bool fit = w->n >= QUESTION_MIN_WORDS && m->text.len <= QUESTION_MAX_BYTES &&
               w->n <= (w->items[w->n - 1].flags & DA_WORD_SOLID ? 2 : 1) * QUESTION_MAX_WORDS &&
               balanced(m->text.p, m->text.len);
    if (!fit)
        return;
    struct da_questions *q = m->out;
    for (size_t i = 0; i < q->n; i++) {
        if (da_span_eq(q->items[i].question, da_span(m->text.p, m->text.len)))
            return;
    }
    double central = m->top_score > 0 ? m->o->score[unit] / m->top_score : 0;
    DA_GROW(q->items, q->n, q->cap);
    q->items[q->n++] = (struct da_question){
        .kind = kind,
        .question = da_span(da_arena_strndup(m->arena, m->text.p, m->text.len), m->text.len),
        .unit = unit,
        .weight = weight * (0.5 + 0.5 * central),
    };
}

/* --- headings and lists -------------------------------------------------------- */

/* The first unit after heading i that can answer for it; units.n when there is none. */
static size_t below(const struct da_outline *o, size_t i)
{
    for (size_t k = i + 1; k < o->units.n; k++) {
        enum da_unit_kind kind = o->units.items[k].kind;
        if (kind == DA_UNIT_HEADING)
            break;
        if (o->usable[k])
            return k;
    }
    return o->units.n;
}

static bool starts_question(struct da_span s)
{
    static const char *const words[] = {"What ", "Who ",   "When ",   "Where ", "Why ",
                                        "How ",  "Which ", "Is ",     "Are ",   "Can ",
                                        "Do ",   "Does ",  "Should ", "Will "};
    for (size_t i = 0; i < DA_ARRAY_LEN(words); i++) {
        if (da_span_starts(s, words[i]))
            return true;
    }
    return false;
}

/* Removes "3.1 ", "Chapter 2. ", quotes and a final colon around a heading. */
static struct da_span bare_heading(struct da_span h)
{
    size_t i = 0;
    while (i < h.len && ((h.p[i] >= '0' && h.p[i] <= '9') || h.p[i] == '.'))
        i++;
    if (i > 0 && i < h.len && h.p[i] == ' ')
        h = da_span(h.p + i, h.len - i);
    h = da_span_trim(h);
    while (h.len > 0 && (h.p[h.len - 1] == ':' || h.p[h.len - 1] == '"' || h.p[h.len - 1] == '*'))
        h.len--;
    while (h.len > 0 && (h.p[0] == '"' || h.p[0] == '*')) {
        h.p++;
        h.len--;
    }
    return h;
}

/* Headings every document has say nothing to ask about. */
static bool names_section(struct da_span h)
{
    static const char *const common[] = {
        "introduction",
        "contents",
        "table of contents",
        "abstract",
        "summary",
        "overview",
        "conclusion",
        "conclusions",
        "references",
        "bibliography",
        "index",
        "notes",
        "appendix",
        "preface",
        "foreword",
        "acknowledgements",
        "acknowledgments",
        "background",
        "details",
        "general",
        "miscellaneous",
        "agenda",
        "none",
        "other",
        "total",
        "page",
        "continued",
        "please specify",
        "synopsis",
        "description",
        "options",
        "see also",
        "authors",
        "name",
    };
    struct da_words w;
    da_words_init(&w);
    da_words_split(&w, h.p, h.len);
    size_t n_words = w.n, n_numbers = 0, n_capital = 0;
    for (size_t i = 0; i < w.n; i++)
        n_numbers += (w.items[i].flags & DA_WORD_DIGITS) != 0;
    for (size_t i = 0; i < w.n; i++)
        n_capital += (w.items[i].flags & (DA_WORD_CAPITAL | DA_WORD_SOLID)) != 0;
    da_words_release(&w);
    if (n_numbers > 2 || (n_words > HEADING_MAX_WORDS && n_numbers > 1))
        return false; /* a torn table row */
    if (n_words > HEADING_MAX_WORDS && 2 * n_capital < n_words)
        return false; /* a line of running text */
    uint32_t first = 0;
    if (h.len > 0)
        da_char_next(h.p, h.p + h.len, &first);
    if (!da_question_starts_with_word(h) || h.p[h.len - 1] == '?' ||
        !da_question_has_letters(h, da_char_flags(first) & DA_CH_SOLID ? 2 : 4))
        return false;
    for (size_t i = 0; i < DA_ARRAY_LEN(common); i++) {
        size_t n = strlen(common[i]), k = 0;
        while (k < n && k < h.len && (h.p[k] == common[i][k] || (h.p[k] | 0x20) == common[i][k]))
            k++;
        if (k == n && h.len == n)
            return false;
    }
    return true;
}

static void fill_topic(const struct da_question_language *lang, struct da_span topic,
                       struct da_buf *out)
{
    const char *slot = strstr(lang->topic, "%s");
    da_buf_add(out, lang->topic, (size_t)(slot - lang->topic));
    da_buf_add(out, topic.p, topic.len);
    da_buf_add_str(out, slot + 2);
}

static void ask_topic(struct da_question_maker *m, const struct da_question_language *lang,
                      struct da_span topic, size_t unit, enum da_question_kind kind, double weight)
{
    if (memchr(topic.p, '"', topic.len))
        return;
    da_buf_reset(&m->text);
    fill_topic(lang, topic, &m->text);
    da_question_add(m, kind, unit, weight);
}

static void ask_heading(struct da_question_maker *m, const struct da_question_language *lang,
                        size_t unit)
{
    struct da_buf line;
    size_t answer = below(m->o, unit);
    if (answer == m->o->units.n)
        return;
    da_buf_init(&line, 0);
    da_outline_add_text(m->o, unit, &line);
    struct da_span h = bare_heading(da_span(line.p, line.len));
    bool english = strcmp(lang->code, "en") == 0;
    enum da_unit_kind kind = m->o->units.items[answer].kind;
    if (english && h.len > 0 && h.p[h.len - 1] == '?' && starts_question(h)) {
        da_buf_reset(&m->text);
        da_buf_add(&m->text, h.p, h.len);
        da_question_add(m, DA_Q_SECTION, answer, 1.2);
    } else if (h.len > 0 && h.len <= TOPIC_MAX_BYTES && names_section(h)) {
        if (english && kind == DA_UNIT_LIST && !memchr(h.p, '"', h.len)) {
            da_buf_reset(&m->text);
            da_buf_addf(&m->text, "What is listed under \"%.*s\"?", (int)h.len, h.p);
            da_question_add(m, DA_Q_LIST, answer, 0.65);
        } else {
            ask_topic(m, lang, h, answer, DA_Q_SECTION, m->o->prose[answer] ? 0.7 : 0.5);
        }
    }
    da_buf_release(&line);
}

/* --- names and frequent words --------------------------------------------------- */

/* The run of capitalized words that starts with word i, without a possessive ending; *end is the
 * word after it. Empty when there is none, or when it ends in an abbreviation ("FTC Dkt. No"). */
static struct da_span name_at(const struct da_outline *o, size_t i, size_t last, size_t *end)
{
    const struct da_word *w = o->words.items;
    size_t j = i;
    while (j < last && (w[j].flags & DA_WORD_CAPITAL) &&
           !((w[j].flags & DA_WORD_STOP) && !(w[j].flags & DA_WORD_CAPS)) &&
           (j == i || (w[j].start - w[j - 1].end == 1 && o->text[w[j - 1].end] == ' ')))
        j++;
    *end = j > i ? j : i + 1;
    if (j == i || (j < last && o->text[w[j - 1].end] == '.'))
        return da_span("", 0);
    struct da_span s = da_span(o->text + w[i].start, w[j - 1].end - w[i].start);
    if (s.len > 2 && memcmp(s.p + s.len - 2, "'s", 2) == 0)
        s.len -= 2;
    else if (s.len > 4 && memcmp(s.p + s.len - 4, "’s", 4) == 0)
        s.len -= 4;
    return s;
}

/* Whether word i of the document stands in no unit but this one. */
static bool is_only_in(const struct da_question_maker *m, size_t i, size_t unit)
{
    struct da_span k = da_words_key(&m->o->words, i);
    const uint64_t *only = da_map_get(&m->only, k.p, k.len);
    return only && *only == unit + 1;
}

/* Fills m->only. */
static void note_units(struct da_question_maker *m)
{
    const struct da_outline *o = m->o;
    for (size_t u = 0; u < o->units.n; u++) {
        for (size_t i = o->range[u].first; i < o->range[u].first + o->range[u].n; i++) {
            struct da_span k = da_words_key(&o->words, i);
            bool is_new;
            uint64_t *only = da_map_add(&m->only, k.p, k.len, &is_new);
            *only = is_new || *only == u + 1 ? u + 1 : 0;
        }
    }
}

/* Names of two words or more inside a sentence, not at its start, one of whose words no other unit
 * has: a question about the others would have several answers. */
static void ask_names(struct da_question_maker *m, const struct da_question_language *lang,
                      size_t unit)
{
    const struct da_outline *o = m->o;
    size_t first = o->range[unit].first, last = first + o->range[unit].n;
    for (size_t i = first + 1, end; i < last; i = end) {
        struct da_span name = name_at(o, i, last, &end);
        bool distinct = false;
        for (size_t k = i; k < end; k++)
            distinct |= is_only_in(m, k, unit);
        if (end - i >= 2 && end - i <= NAME_MAX_WORDS && name.len > 0 &&
            name.len <= TOPIC_MAX_BYTES && distinct)
            ask_topic(m, lang, name, unit, DA_Q_TOPIC, 0.45);
    }
}

bool da_question_about(const struct da_outline *o, size_t i, struct da_span language,
                       struct da_buf *out)
{
    size_t first = o->range[i].first, last = first + o->range[i].n;
    struct da_span best = {"", 0};
    for (size_t k = first + 1, end; k < last; k = end) {
        struct da_span name = name_at(o, k, last, &end);
        if (end - k <= NAME_MAX_WORDS && name.len > best.len && name.len <= TOPIC_MAX_BYTES)
            best = name;
    }
    bool named = best.len > 0;
    for (size_t k = first; !named && k < last; k++) {
        const struct da_word *w = &o->words.items[k];
        if (!(w->flags & (DA_WORD_STOP | DA_WORD_NUMBER)) && w->end - w->start > best.len &&
            w->end - w->start <= TOPIC_MAX_BYTES)
            best = da_span(o->text + w->start, w->end - w->start);
    }
    if (best.len == 0)
        return false;
    fill_topic(da_question_language(language, o), best, out);
    return true;
}

void da_question_generic(const struct da_outline *o, size_t k, struct da_span language,
                         struct da_buf *out)
{
    da_buf_add_str(out, da_question_language(language, o)->generic[k]);
}

/* A word to ask about: five letters or more and no function word. */
static bool is_topic(const struct da_words *words, size_t i)
{
    struct da_span k = da_words_key(words, i);
    return !(words->items[i].flags & (DA_WORD_STOP | DA_WORD_SOLID | DA_WORD_DIGITS)) &&
           da_utf8_count(k.p, k.len) >= TOPIC_MIN_LETTERS;
}

static bool ask_word(struct da_question_maker *m, const struct da_question_language *lang, size_t i,
                     size_t unit, double weight)
{
    const struct da_word *w = &m->o->words.items[i];
    const size_t before = m->out->n;
    ask_topic(m, lang, da_span(m->o->text + w->start, w->end - w->start), unit, DA_Q_TOPIC, weight);
    return m->out->n > before;
}

/* Of each sentence that reads well the longest word that no other unit has: what the document says
 * about it is then that sentence and no other. Returns how many there were. */
static size_t ask_distinct(struct da_question_maker *m, const struct da_question_language *lang)
{
    const struct da_outline *o = m->o;
    size_t n = 0;
    for (size_t u = 0; u < o->units.n; u++) {
        const size_t first = o->range[u].first, last = first + o->range[u].n;
        size_t best = last;
        if (!o->prose[u] || last - first < SENTENCE_MIN_WORDS || last - first > SENTENCE_MAX_WORDS)
            continue;
        for (size_t i = first; i < last; i++) {
            if (is_topic(&o->words, i) && is_only_in(m, i, u) &&
                (best == last ||
                 da_words_key(&o->words, i).len > da_words_key(&o->words, best).len))
                best = i;
        }
        n += best < last && ask_word(m, lang, best, u, 0.3);
    }
    return n;
}

/* The most frequent words, of a document in which no sentence has words of its own. */
static void ask_frequent(struct da_question_maker *m, const struct da_question_language *lang)
{
    const struct da_outline *o = m->o;
    struct da_map count;
    da_map_init(&count);
    for (size_t i = 0; i < o->words.n; i++) {
        struct da_span k = da_words_key(&o->words, i);
        if (is_topic(&o->words, i))
            (*da_map_add(&count, k.p, k.len, NULL))++;
    }
    for (int round = 0; round < 3 && count.n > 0; round++) {
        size_t best = 0;
        for (size_t i = 1; i < count.n; i++) {
            if (count.entries[i].value > count.entries[best].value)
                best = i;
        }
        if (count.entries[best].value == 0)
            break;
        struct da_span key = count.entries[best].key;
        count.entries[best].value = 0;
        size_t unit = da_outline_answer(o, key);
        for (size_t i = 0; unit < o->units.n && i < o->words.n; i++) {
            if (da_span_eq(da_words_key(&o->words, i), key)) {
                (void)ask_word(m, lang, i, unit, 0.3);
                break;
            }
        }
    }
    da_map_release(&count);
}

static void ask_generic(struct da_question_maker *m, const struct da_question_language *lang)
{
    const struct da_outline *o = m->o;
    size_t best = o->units.n;
    for (size_t i = 0; i < o->units.n; i++) {
        if (!o->usable[i])
            continue;
        if (best == o->units.n || o->prose[i] > o->prose[best] ||
            (o->prose[i] == o->prose[best] && o->score[i] > o->score[best]))
            best = i;
    }
    for (size_t i = 0; i < DA_ARRAY_LEN(lang->generic) && best < o->units.n; i++) {
        da_buf_reset(&m->text);
        da_buf_add_str(&m->text, lang->generic[i]);
        da_question_add(m, DA_Q_GENERIC, best, 0.05 - 0.01 * (double)i);
    }
}

/* --- all of them ---------------------------------------------------------------- */

static int by_weight(const void *a, const void *b)
{
    const struct da_question *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    if (x->unit != y->unit)
        return x->unit < y->unit ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    size_t n = x->question.len < y->question.len ? x->question.len : y->question.len;
    int c = memcmp(x->question.p, y->question.p, n);
    return c ? c : (x->question.len > y->question.len) - (x->question.len < y->question.len);
}

static void ask_unit(struct da_question_maker *m, const struct da_question_language *lang, size_t i)
{
    bool english = strcmp(lang->code, "en") == 0;
    size_t words = m->o->range[i].n;
    if (!m->o->usable[i])
        return;
    switch (m->o->units.items[i].kind) {
    case DA_UNIT_HEADING: ask_heading(m, lang, i); break;
    case DA_UNIT_LINE:
    case DA_UNIT_TABLE:
        if (english)
            da_question_label(m, i);
        break;
    case DA_UNIT_SENTENCE:
    case DA_UNIT_LIST:
        if (english && words < 12)
            da_question_label(m, i);
        if (english && words >= SENTENCE_MIN_WORDS && words <= SENTENCE_MAX_WORDS && m->o->prose[i])
            da_question_english(m, i);
        if (m->o->prose[i])
            ask_names(m, lang, i);
        break;
    case DA_UNIT_CODE:
    case DA_UNIT_OTHER: break;
    }
}

void da_questions_make(struct da_questions *q, const struct da_outline *o, struct da_span language,
                       struct da_arena *arena)
{
    const struct da_question_language *lang = da_question_language(language, o);
    struct da_question_maker m = {.out = q, .o = o, .arena = arena};
    q->n = 0;
    da_buf_init(&m.text, 0);
    da_words_init(&m.words);
    da_words_init(&m.sentence);
    da_map_init(&m.only);
    note_units(&m);
    for (size_t i = 0; i < o->units.n; i++)
        m.top_score = o->score[i] > m.top_score ? o->score[i] : m.top_score;
    for (size_t i = 0; i < o->units.n; i++) {
        if (o->score[i] > 0) /* ranked: of a book, the first DA_TEXTRANK_MAX units */
            ask_unit(&m, lang, i);
    }
    if (ask_distinct(&m, lang) == 0)
        ask_frequent(&m, lang);
    ask_generic(&m, lang);
    if (q->n > 0)
        qsort(q->items, q->n, sizeof *q->items, by_weight);
    da_map_release(&m.only);
    da_words_release(&m.sentence);
    da_words_release(&m.words);
    da_buf_release(&m.text);
}

/* Whether two questions share most of their pairs of words. */
static bool alike(struct da_words *w, const struct da_question *a, const struct da_question *b)
{
    struct da_ngrams x, y;
    da_ngrams_init(&x);
    da_ngrams_init(&y);
    da_words_split(w, a->question.p, a->question.len);
    da_ngrams_make(&x, w, 2, true);
    da_words_split(w, b->question.p, b->question.len);
    da_ngrams_make(&y, w, 2, true);
    bool same = da_ngrams_jaccard(&x, &y) > alike_share;
    da_ngrams_release(&y);
    da_ngrams_release(&x);
    return same;
}

enum strictness { ANY, OTHER_UNIT, OTHER_KIND };

/* Whether question i may join the first k. */
static bool may_join(const struct da_questions *q, size_t k, size_t i, enum strictness strict,
                     struct da_words *w)
{
    const struct da_question *x = &q->items[i];
    if (strict >= OTHER_UNIT && x->kind == DA_Q_GENERIC)
        return false;
    if (strict == OTHER_KIND && x->weight < weak_weight)
        return false;
    for (size_t j = 0; j < k; j++) {
        if (strict == OTHER_KIND && q->items[j].kind == x->kind)
            return false;
        if (strict >= OTHER_UNIT && q->items[j].unit == x->unit)
            return false;
    }
    for (size_t j = 0; j < k; j++) {
        if (alike(w, &q->items[j], x))
            return false;
    }
    return true;
}

size_t da_questions_pick(struct da_questions *q, size_t n)
{
    struct da_words w;
    size_t k = 0;
    da_words_init(&w);
    for (int strict = OTHER_KIND; strict >= ANY && k < n; strict--) {
        for (size_t i = k; i < q->n && k < n; i++) {
            if (!may_join(q, k, i, (enum strictness)strict, &w))
                continue;
            struct da_question x = q->items[i];
            memmove(&q->items[k + 1], &q->items[k], (i - k) * sizeof x);
            q->items[k++] = x;
        }
    }
    da_words_release(&w);
    if (k < n) /* alike is better than too few */
        k = n < q->n ? n : q->n;
    return k;
}

void da_question_add_answer(const struct da_outline *o, const struct da_question *q,
                            struct da_buf *out)
{
    da_outline_add_text(o, q->unit, out);
    if (q->kind != DA_Q_LIST)
        return;
    for (size_t i = q->unit + 1, n = 1; i < o->units.n && n < LIST_MAX_ITEMS; i++) {
        if (o->units.items[i].kind != DA_UNIT_LIST)
            break;
        if (!o->usable[i])
            continue;
        da_buf_add_str(out, o->units.items[i - 1].ends_paragraph ? "; " : " ");
        da_outline_add_text(o, i, out);
        n++;
    }
}
