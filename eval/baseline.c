/* Baselines: see the header. The outline is kept between requests on the same document. */

#include "eval/baseline.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/mem.h"
#include "text/outline.h"
#include "text/question.h"

enum { N_SENTENCES = 3, N_QUESTIONS = 3 };

struct da_baseline {
    enum da_baseline_kind kind;
    struct da_outline outline;
    struct da_questions questions;
    struct da_arena arena;
    struct da_buf document; /* a copy of the last one: the outline points into it */
    bool has_document;
    struct da_words words;
    struct da_buf list[N_QUESTIONS];
};

const char *da_baseline_name(enum da_baseline_kind kind)
{
    static const char *const names[] = {"lead3", "textrank", "extractive-1"};
    return names[kind];
}

struct da_baseline *da_baseline_new(enum da_baseline_kind kind)
{
    struct da_baseline *b = da_calloc(1, sizeof *b);
    b->kind = kind;
    da_outline_init(&b->outline);
    da_questions_init(&b->questions);
    da_arena_init(&b->arena);
    da_buf_init(&b->document, 0);
    da_words_init(&b->words);
    for (int i = 0; i < N_QUESTIONS; i++)
        da_buf_init(&b->list[i], 0);
    return b;
}

void da_baseline_free(struct da_baseline *b)
{
    if (!b)
        return;
    for (int i = 0; i < N_QUESTIONS; i++)
        da_buf_release(&b->list[i]);
    da_words_release(&b->words);
    da_buf_release(&b->document);
    da_arena_release(&b->arena);
    da_questions_release(&b->questions);
    da_outline_release(&b->outline);
    free(b);
}

static void open_document(struct da_baseline *b, struct da_span text)
{
    if (b->has_document && da_span_eq(text, da_span(b->document.p, b->document.len)))
        return;
    da_buf_reset(&b->document);
    da_buf_add(&b->document, text.p, text.len);
    da_outline_make(&b->outline, b->document.p, b->document.len,
                    b->kind == DA_BASELINE_EXTRACTIVE ? DA_OUTLINE_LEAD : DA_OUTLINE_FLAT);
    b->has_document = true;
}

/* --- summaries and answers -------------------------------------------------------- */

static void summarize(struct da_baseline *b, struct da_buf *out)
{
    if (b->kind == DA_BASELINE_LEAD3)
        (void)da_outline_lead(&b->outline, N_SENTENCES, out);
    else
        (void)da_outline_summary(&b->outline, b->kind == DA_BASELINE_TEXTRANK ? N_SENTENCES : 0,
                                 out);
}

static bool unit_has(const struct da_outline *o, size_t unit, uint64_t hash)
{
    for (size_t k = 0; k < o->range[unit].n; k++) {
        if (o->words.items[o->range[unit].first + k].hash == hash)
            return true;
    }
    return false;
}

/* The usable unit with most of the question's words. */
static size_t most_words(struct da_baseline *b, struct da_span question)
{
    const struct da_outline *o = &b->outline;
    size_t best = o->units.n, most = 0;
    da_words_split(&b->words, question.p, question.len);
    for (size_t i = 0; i < o->units.n; i++) {
        size_t n = 1;
        for (size_t k = 0; k < b->words.n; k++)
            n += unit_has(o, i, b->words.items[k].hash);
        if (o->usable[i] && n > most) {
            most = n;
            best = i;
        }
    }
    return best;
}

static void answer(struct da_baseline *b, struct da_span question, struct da_buf *out)
{
    size_t unit = b->kind == DA_BASELINE_LEAD3 ? most_words(b, question)
                                               : da_outline_answer(&b->outline, question);
    if (unit < b->outline.units.n)
        da_outline_add_text(&b->outline, unit, out);
}

/* --- questions --------------------------------------------------------------------- */

/* The next unit to ask about: in order for lead3, by score for textrank; units.n at the end. */
static size_t next_unit(const struct da_baseline *b, const bool *done)
{
    const struct da_outline *o = &b->outline;
    size_t best = o->units.n;
    for (size_t i = 0; i < o->units.n; i++) {
        if (done[i] || !o->usable[i] || (o->n_prose > 0 && !o->prose[i]))
            continue;
        if (best == o->units.n || (b->kind == DA_BASELINE_TEXTRANK && o->score[i] > o->score[best]))
            best = i;
    }
    return best;
}

static bool repeats(const struct da_baseline *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(b->list[i].p, b->list[n].p) == 0)
            return true;
    }
    return false;
}

static size_t simple_questions(struct da_baseline *b, struct da_span questions[N_QUESTIONS])
{
    const struct da_outline *o = &b->outline;
    struct da_span language = {"", 0};
    bool *done = da_calloc(o->units.n ? o->units.n : 1, sizeof *done);
    size_t n = 0, generic = 0;
    while (n < N_QUESTIONS) {
        size_t unit = next_unit(b, done);
        da_buf_reset(&b->list[n]);
        if (unit < o->units.n) {
            done[unit] = true;
            if (!da_question_about(o, unit, language, &b->list[n]) || repeats(b, n))
                continue;
        } else {
            if (o->words.n == 0)
                break;
            da_question_generic(o, generic++, language, &b->list[n]);
        }
        questions[n] = da_span(b->list[n].p, b->list[n].len);
        n++;
    }
    free(done);
    return n;
}

static size_t ruled_questions(struct da_baseline *b, struct da_span questions[N_QUESTIONS])
{
    da_arena_reset(&b->arena);
    da_questions_make(&b->questions, &b->outline, da_span("", 0), &b->arena);
    size_t n = da_questions_pick(&b->questions, N_QUESTIONS);
    for (size_t i = 0; i < n; i++)
        questions[i] = b->questions.items[i].question;
    return n;
}

static void suggest(struct da_baseline *b, struct da_buf *out)
{
    struct da_span questions[N_QUESTIONS];
    size_t n = b->kind == DA_BASELINE_EXTRACTIVE ? ruled_questions(b, questions)
                                                 : simple_questions(b, questions);
    da_questions_format(out, questions, n);
}

void da_baseline_respond(struct da_baseline *b, const struct da_example *e, struct da_buf *out)
{
    open_document(b, e->document);
    switch (e->task) {
    case DA_TASK_SUMMARIZATION: summarize(b, out); break;
    case DA_TASK_SUGGESTION: suggest(b, out); break;
    default: answer(b, e->request, out); break;
    }
}
