/* Text made valid: units tile it, words lie in it, questions are what they promise; CSV. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/csvrow.h"
#include "common/utf8.h"
#include "text/wordlang.h"
#include "text/outline.h"
#include "text/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tiling(const struct da_outline *o)
{
    size_t at = 0;
    for (size_t i = 0; i < o->units.n; i++) {
        const struct da_unit *u = &o->units.items[i];
        if (u->start != at || u->end <= at || u->body < at || u->body_end > u->end ||
            u->body > u->body_end)
            abort();
        at = u->end;
    }
    if (at != o->len)
        abort();
    for (size_t i = 0; i < o->words.n; i++) {
        const struct da_word *w = &o->words.items[i];
        if (w->start >= w->end || w->end > o->len ||
            (i > 0 && w->start < o->words.items[i - 1].end))
            abort();
    }
}

static void check_questions(const struct da_outline *o)
{
    struct da_questions q;
    struct da_arena arena;
    struct da_buf answer;
    da_questions_init(&q);
    da_arena_init(&arena);
    da_buf_init(&answer, 0);
    da_questions_make(&q, o, da_span("", 0), &arena);
    size_t n = da_questions_pick(&q, 4);
    for (size_t i = 0; i < n; i++) {
        da_buf_reset(&answer);
        da_question_add_answer(o, &q.items[i], &answer);
        if (answer.len == 0 || !da_utf8_valid(answer.p, answer.len) ||
            !da_utf8_valid(q.items[i].question.p, q.items[i].question.len))
            abort();
    }
    da_buf_release(&answer);
    da_arena_release(&arena);
    da_questions_release(&q);
}

static void check_csv(const char *p, size_t len)
{
    struct da_csvrow c;
    struct da_err err;
    da_csvrow_init(&c, p, len);
    while (da_csvrow_next(&c, &err) == DA_OK && c.n > 0)
        ;
    da_csvrow_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct da_buf text, summary;
    struct da_outline o;
    da_buf_init(&text, 0);
    da_buf_init(&summary, 0);
    da_outline_init(&o);
    (void)da_utf8_sanitize((const char *)data, size, &text);
    da_outline_make(&o, text.p, text.len, DA_OUTLINE_LEAD);
    check_tiling(&o);
    if (da_outline_summary(&o, 0, &summary) &&
        (summary.len == 0 || !da_utf8_valid(summary.p, summary.len)))
        abort();
    if (summary.len > 0)
        check_questions(&o);
    (void)da_outline_answer(&o, da_span(text.p, text.len < 100 ? text.len : 0));
    (void)da_wordlang_guess(&o.words, NULL);
    check_csv(text.p, text.len);
    da_outline_release(&o);
    da_buf_release(&summary);
    da_buf_release(&text);
    return 0;
}
