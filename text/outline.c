/* Extraction: which sentences say most, and which one answers a question. */

#include "text/outline.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"
#include "text/chars.h"

enum {
    PROSE_MIN_WORDS = 5,     /* shorter ones say little on their own */
    SUMMARY_FULL_WORDS = 12, /* shorter ones weigh less in a summary */
    PROSE_MAX_WORDS = 60,    /* longer ones are lists or runaway extraction */
    LINE_MAX_WORDS = 80,
    SUMMARY_MAX = 4,    /* sentences */
    SUMMARY_WORDS = 110 /* no further sentence beyond (the paper's summaries are short) */
};

static const double dangling_share = 0.35; /* weight left to a sentence that leans on another */
static const double max_redundancy = 0.5;  /* shared words of a sentence with those chosen */

void da_outline_init(struct da_outline *o)
{
    memset(o, 0, sizeof *o);
    da_units_init(&o->units);
    da_words_init(&o->words);
}

void da_outline_release(struct da_outline *o)
{
    if (!o)
        return;
    free(o->prose);
    free(o->usable);
    free(o->score);
    free(o->range);
    da_words_release(&o->words);
    da_units_release(&o->units);
    da_outline_init(o);
}

size_t da_outline_length(const struct da_outline *o, size_t i)
{
    size_t solid = 0;
    for (size_t k = 0; k < o->range[i].n; k++)
        solid += (o->words.items[o->range[i].first + k].flags & DA_WORD_SOLID) != 0;
    return o->range[i].n - solid + (solid + 1) / 2;
}

static uint32_t first_char(const struct da_outline *o, const struct da_unit *u)
{
    uint32_t cp = 0;
    if (u->body < u->body_end)
        da_char_next(o->text + u->body, o->text + u->body_end, &cp);
    return cp;
}

/* Dot leaders, rules, image marks: at least two thirds of what is printed must be words. */
static bool is_usable(const struct da_outline *o, size_t i)
{
    const struct da_unit *u = &o->units.items[i];
    size_t n_word = 0, n_mark = 0;
    if (u->kind == DA_UNIT_OTHER || u->kind == DA_UNIT_CODE || o->range[i].n == 0)
        return false;
    for (const char *p = o->text + u->body, *end = o->text + u->body_end; p < end;) {
        uint32_t cp;
        p += da_char_next(p, end, &cp);
        unsigned f = da_char_flags(cp);
        if (f & (DA_CH_LETTER | DA_CH_DIGIT | DA_CH_MARK))
            n_word++;
        else if (!(f & DA_CH_SPACE) && cp != '|')
            n_mark++;
    }
    return n_word >= 2 * n_mark;
}

/* "Contents ... 3" broken off: a row of dots ends no sentence worth quoting. */
static bool ends_in_dots(const struct da_outline *o, const struct da_unit *u)
{
    return u->body_end - u->body >= 3 && memcmp(o->text + u->body_end - 3, "...", 3) == 0;
}

static bool ends_sentence(const struct da_outline *o, const struct da_unit *u)
{
    static const char *const stops[] = {".", "!", "…", "。", "！", "｡", "।",
                                        "॥", "۔", "։", "።",  "။",  "។"};
    size_t end = u->body_end;
    for (;;) { /* step back over closing quotes and brackets */
        size_t q = end;
        while (q > u->body && ((unsigned char)o->text[q - 1] & 0xC0) == 0x80)
            q--;
        if (q == u->body)
            return false;
        uint32_t cp;
        da_char_next(o->text + q - 1, o->text + end, &cp);
        if (!da_char_closes(cp) && !(cp >= '0' && cp <= '9' && end == u->body_end))
            break;
        if (cp >= '0' && cp <= '9' && (q < 2 || o->text[q - 2] != '.'))
            return false; /* only a note's number may follow: "here.2" */
        end = q - 1;
    }
    for (size_t k = 0; k < DA_ARRAY_LEN(stops); k++) {
        size_t n = strlen(stops[k]);
        if (end - u->body > n && memcmp(o->text + end - n, stops[k], n) == 0)
            return true;
    }
    return false;
}

/* A complete sentence: starts like one, ends like one, and is made of words. */
static bool is_prose(const struct da_outline *o, size_t i)
{
    const struct da_unit *u = &o->units.items[i];
    if (!o->usable[i] || (u->kind != DA_UNIT_SENTENCE && u->kind != DA_UNIT_LIST))
        return false;
    size_t n = da_outline_length(o, i), n_caps = 0, n_digits = 0;
    if (n < PROSE_MIN_WORDS || n > PROSE_MAX_WORDS || !ends_sentence(o, u) || ends_in_dots(o, u))
        return false;
    uint32_t first = first_char(o, u);
    unsigned f = da_char_flags(first);
    if ((f & DA_CH_LOWER) || !((f & (DA_CH_LETTER | DA_CH_DIGIT)) || da_char_opens(first)))
        return false;
    for (size_t k = 0; k < o->range[i].n; k++) {
        unsigned w = o->words.items[o->range[i].first + k].flags;
        n_caps += (w & DA_WORD_CAPS) != 0;
        n_digits += (w & DA_WORD_DIGITS) != 0;
    }
    return 2 * n_caps < o->range[i].n && 2 * n_digits < o->range[i].n;
}

/* "However, it ...": cannot open a summary without what came before. */
static bool dangles(const struct da_outline *o, size_t i)
{
    static const char *const words[] = {
        "it",           "he",      "she",       "they",      "this",     "these",       "those",
        "that",         "however", "therefore", "thus",      "moreover", "furthermore", "also",
        "additionally", "but",     "and",       "so",        "then",     "such",        "his",
        "her",          "their",   "its",       "as",        "for",      "in",          "or",
        "yet",          "instead", "otherwise", "similarly", "here",     "there",       "second",
        "third",        "finally", "both",
    };
    if (o->range[i].n < 2)
        return false;
    struct da_span key = da_words_key(&o->words, o->range[i].first);
    for (size_t k = 0; k < DA_ARRAY_LEN(words); k++) {
        if (!da_span_is(key, words[k]))
            continue;
        struct da_span next = da_words_key(&o->words, o->range[i].first + 1);
        if (da_span_is(key, "in") || da_span_is(key, "for"))
            return da_span_is(next, "this") || da_span_is(next, "these") ||
                   da_span_is(next, "addition") || da_span_is(next, "example") ||
                   da_span_is(next, "instance") || da_span_is(next, "contrast");
        if (da_span_is(key, "as"))
            return da_span_is(next, "a") || da_span_is(next, "such");
        if (da_span_is(key, "this") || da_span_is(key, "these"))
            return !da_span_is(next, "document") && !da_span_is(next, "paper") &&
                   !da_span_is(next, "report") && !da_span_is(next, "manual") &&
                   !da_span_is(next, "guide") && !da_span_is(next, "agreement") &&
                   !da_span_is(next, "policy");
        return true;
    }
    return false;
}

static void rank_units(struct da_outline *o, enum da_outline_bias bias)
{
    struct da_word_range *sent = da_calloc(DA_TEXTRANK_MAX, sizeof *sent);
    double *score = da_calloc(DA_TEXTRANK_MAX, sizeof *score);
    double *prior = da_calloc(DA_TEXTRANK_MAX, sizeof *prior);
    size_t *unit = da_calloc(DA_TEXTRANK_MAX, sizeof *unit);
    size_t n = 0;
    for (size_t i = 0; i < o->units.n && n < DA_TEXTRANK_MAX; i++) {
        if (!o->usable[i])
            continue;
        sent[n] = o->range[i];
        prior[n] = bias == DA_OUTLINE_LEAD ? 1 / (1 + (double)n / 4) : 1;
        unit[n++] = i;
    }
    da_textrank(&o->words, sent, n, prior, score);
    for (size_t k = 0; k < n; k++)
        o->score[unit[k]] = score[k];
    free(unit);
    free(prior);
    free(score);
    free(sent);
}

void da_outline_make(struct da_outline *o, const char *text, size_t len, enum da_outline_bias bias)
{
    free(o->prose);
    free(o->usable);
    free(o->score);
    free(o->range);
    o->text = text;
    o->len = len;
    da_units_split(&o->units, text, len);
    da_words_split(&o->words, text, len);
    size_t n = o->units.n ? o->units.n : 1;
    o->range = da_calloc(n, sizeof *o->range);
    o->score = da_calloc(n, sizeof *o->score);
    o->usable = da_calloc(n, sizeof *o->usable);
    o->prose = da_calloc(n, sizeof *o->prose);
    o->n_prose = 0;
    for (size_t i = 0; i < o->units.n; i++) {
        size_t first = da_words_at(&o->words, o->units.items[i].body);
        size_t end = da_words_at(&o->words, o->units.items[i].body_end);
        o->range[i] = (struct da_word_range){first, end - first};
        o->usable[i] = is_usable(o, i);
        o->prose[i] = is_prose(o, i);
        o->n_prose += o->prose[i];
    }
    rank_units(o, bias);
}

static void add_row(struct da_span row, struct da_buf *out)
{
    struct da_span cell;
    unsigned n = 0;
    while (da_span_split(&row, '|', &cell)) {
        cell = da_span_trim(cell);
        if (cell.len == 0)
            continue;
        if (n > 0)
            da_buf_add_str(out, n == 1 ? ": " : ", ");
        da_buf_add(out, cell.p, cell.len);
        n++;
    }
}

void da_outline_add_text(const struct da_outline *o, size_t i, struct da_buf *out)
{
    struct da_unit u = o->units.items[i];
    bool cut = da_outline_length(o, i) > LINE_MAX_WORDS;
    if (cut)
        u.body_end = o->words.items[o->range[i].first + LINE_MAX_WORDS - 1].end;
    if (u.kind == DA_UNIT_TABLE)
        add_row(da_span(o->text + u.body, u.body_end - u.body), out);
    else
        da_unit_add_text(o->text, &u, out);
    if (cut)
        da_buf_add_str(out, " ...");
}

/* --- summaries ---------------------------------------------------------------- */

static size_t distinct_shared(const struct da_outline *o, size_t a, size_t b)
{
    const struct da_word *w = o->words.items;
    size_t shared = 0;
    for (size_t i = 0; i < o->range[a].n; i++) {
        const struct da_word *x = &w[o->range[a].first + i];
        if (x->flags & DA_WORD_STOP)
            continue;
        for (size_t j = 0; j < o->range[b].n; j++) {
            if (w[o->range[b].first + j].hash == x->hash) {
                shared++;
                break;
            }
        }
    }
    return shared;
}

static size_t n_content(const struct da_outline *o, size_t i)
{
    size_t n = 0;
    for (size_t k = 0; k < o->range[i].n; k++)
        n += !(o->words.items[o->range[i].first + k].flags & DA_WORD_STOP);
    return n;
}

static bool redundant(const struct da_outline *o, size_t i, const size_t *chosen, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        size_t a = n_content(o, i), b = n_content(o, chosen[k]);
        size_t least = a < b ? a : b;
        if ((double)distinct_shared(o, i, chosen[k]) > max_redundancy * (double)least + 1)
            return true;
    }
    return false;
}

static bool is_chosen(const size_t *chosen, size_t n, size_t i)
{
    for (size_t k = 0; k < n; k++) {
        if (chosen[k] == i)
            return true;
    }
    return false;
}

/* Sentences: central ones; a dangling one counts fully only after its predecessor was chosen. */
static double summary_weight(const struct da_outline *o, size_t i, const size_t *chosen, size_t n)
{
    size_t len = da_outline_length(o, i);
    double x = o->score[i];
    if (len < SUMMARY_FULL_WORDS)
        x *= (double)len / SUMMARY_FULL_WORDS;
    if (dangles(o, i) && !(i > 0 && is_chosen(chosen, n, i - 1)))
        x *= dangling_share;
    return x;
}

static void add_joined(const struct da_outline *o, const size_t *unit, size_t n, const char *sep,
                       struct da_buf *out)
{
    for (size_t k = 0; k < n; k++) {
        const struct da_unit *u = &o->units.items[unit[k]];
        const struct da_word_range *r = &o->range[unit[k]];
        bool solid = r->n > 0 && (o->words.items[r->first].flags & DA_WORD_SOLID) && *sep == ' ';
        if (k > 0 && !solid)
            da_buf_add_str(out, sep);
        da_outline_add_text(o, unit[k], out);
        char last = o->text[u->body_end - 1];
        if (*sep == ' ' && (da_char_flags((unsigned char)last) & (DA_CH_LETTER | DA_CH_DIGIT)) &&
            !(last & 0x80))
            da_buf_add_char(out, '.');
    }
}

static int by_position(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static size_t summary_size(const struct da_outline *o)
{
    if (o->words.n < 80)
        return 2;
    return o->words.n < 500 ? 3 : SUMMARY_MAX;
}

/* Picks up to max units for which allowed(o, i), best first, none redundant; sorted at the end. */
static size_t choose(const struct da_outline *o, bool (*allowed)(const struct da_outline *, size_t),
                     size_t max, size_t max_words, size_t *chosen)
{
    size_t n = 0, words = 0;
    bool *refused = da_calloc(o->units.n ? o->units.n : 1, sizeof *refused);
    while (n < max) {
        size_t best = o->units.n;
        double top = -1;
        for (size_t i = 0; i < o->units.n; i++) {
            if (refused[i] || !allowed(o, i) || is_chosen(chosen, n, i))
                continue;
            double x = summary_weight(o, i, chosen, n);
            if (x > top) {
                top = x;
                best = i;
            }
        }
        if (best == o->units.n)
            break;
        size_t len = da_outline_length(o, best);
        if ((n > 0 && words + len > max_words) || redundant(o, best, chosen, n)) {
            refused[best] = true;
            continue;
        }
        chosen[n++] = best;
        words += len;
    }
    free(refused);
    qsort(chosen, n, sizeof *chosen, by_position);
    return n;
}

/* Only what was ranked (score above 0): the first DA_TEXTRANK_MAX units of a document. */
static bool allow_prose(const struct da_outline *o, size_t i)
{
    return o->prose[i] && o->score[i] > 0;
}

static bool allow_line(const struct da_outline *o, size_t i)
{
    return o->usable[i] && o->score[i] > 0;
}

static void end_with_stop(struct da_buf *out)
{
    char last = out->p[out->len - 1];
    if (last == ':' || last == ';' || last == ',') {
        da_buf_truncate(out, out->len - 1);
        last = out->p[out->len - 1];
    }
    if (!(last & 0x80) && last != '.' && last != '!' && last != '?')
        da_buf_add_char(out, '.');
}

bool da_outline_summary(const struct da_outline *o, size_t max_sentences, struct da_buf *out)
{
    size_t chosen[SUMMARY_MAX];
    size_t max = max_sentences ? max_sentences : summary_size(o);
    size_t n = choose(o, allow_prose, max < SUMMARY_MAX ? max : SUMMARY_MAX, SUMMARY_WORDS, chosen);
    if (n > 0) {
        add_joined(o, chosen, n, " ", out);
        return true;
    }
    n = choose(o, allow_line, SUMMARY_MAX, SUMMARY_WORDS, chosen);
    if (n == 0)
        return false;
    add_joined(o, chosen, n, "; ", out);
    end_with_stop(out);
    return true;
}

bool da_outline_lead(const struct da_outline *o, size_t n, struct da_buf *out)
{
    size_t chosen[16], k = 0;
    bool prose = o->n_prose > 0;
    for (size_t i = 0; i < o->units.n && k < n && k < DA_ARRAY_LEN(chosen); i++) {
        if (prose ? o->prose[i] : o->usable[i])
            chosen[k++] = i;
    }
    if (k == 0)
        return false;
    add_joined(o, chosen, k, prose ? " " : "; ", out);
    if (!prose)
        end_with_stop(out);
    return true;
}

/* --- answers ------------------------------------------------------------------ */

/* In how many units each word of the question occurs decides its weight. */
static double word_weight(const struct da_outline *o, uint64_t hash)
{
    size_t df = 0;
    for (size_t i = 0; i < o->units.n; i++) {
        for (size_t k = 0; k < o->range[i].n; k++) {
            if (o->words.items[o->range[i].first + k].hash == hash) {
                df++;
                break;
            }
        }
    }
    return df ? 1.0 / (1.0 + (double)df) + 0.1 : 0;
}

static bool unit_has(const struct da_outline *o, size_t i, uint64_t hash)
{
    for (size_t k = 0; k < o->range[i].n; k++) {
        if (o->words.items[o->range[i].first + k].hash == hash)
            return true;
    }
    return false;
}

static bool unit_has_flag(const struct da_outline *o, size_t i, unsigned flag, size_t from)
{
    for (size_t k = from; k < o->range[i].n; k++) {
        if (o->words.items[o->range[i].first + k].flags & flag)
            return true;
    }
    return false;
}

/* What kind of word the answer should hold; 0 when the question does not say. */
static unsigned wanted_flag(const struct da_words *q)
{
    for (size_t i = 0; i < q->n && i < 4; i++) {
        struct da_span k = da_words_key(q, i);
        if (da_span_is(k, "who") || da_span_is(k, "whom") || da_span_is(k, "where"))
            return DA_WORD_CAPITAL;
        if (da_span_is(k, "when"))
            return DA_WORD_DIGITS;
        if (da_span_is(k, "how") && i + 1 < q->n) {
            struct da_span next = da_words_key(q, i + 1);
            if (da_span_is(next, "many") || da_span_is(next, "much"))
                return DA_WORD_DIGITS;
        }
    }
    return 0;
}

size_t da_outline_answer(const struct da_outline *o, struct da_span question)
{
    struct da_words q;
    double *weight;
    size_t best = o->units.n;
    double top = -1;
    da_words_init(&q);
    da_words_split(&q, question.p, question.len);
    weight = da_calloc(q.n ? q.n : 1, sizeof *weight);
    for (size_t k = 0; k < q.n; k++) {
        if (!(q.items[k].flags & DA_WORD_STOP))
            weight[k] = word_weight(o, q.items[k].hash);
    }
    unsigned wanted = wanted_flag(&q);
    for (size_t i = 0; i < o->units.n; i++) {
        if (!o->usable[i])
            continue;
        double x = 0.01 * o->score[i];
        for (size_t k = 0; k < q.n; k++) {
            if (weight[k] > 0 && unit_has(o, i, q.items[k].hash))
                x += weight[k];
        }
        if (wanted && unit_has_flag(o, i, wanted, wanted == DA_WORD_CAPITAL ? 1 : 0))
            x *= 1.3;
        if (o->units.items[i].kind == DA_UNIT_HEADING)
            x *= 0.5; /* a heading names the matter, the answer stands below it */
        if (x > top) {
            top = x;
            best = i;
        }
    }
    free(weight);
    da_words_release(&q);
    return best;
}
