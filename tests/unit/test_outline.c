/* Outlines: what counts as prose, summaries, answers; questions by rule. */

#include "text/outline.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/io.h"
#include "tests/tap.h"
#include "text/question.h"

static void outline(struct da_outline *o, const char *text)
{
    da_outline_make(o, text, strlen(text), DA_OUTLINE_LEAD);
}

/* All questions on text, best first, as lines. */
static void ask(const char *text, const char *language, struct da_buf *out)
{
    struct da_outline o;
    struct da_questions q;
    struct da_arena arena;
    da_outline_init(&o);
    da_questions_init(&q);
    da_arena_init(&arena);
    outline(&o, text);
    da_questions_make(&q, &o, da_span_str(language), &arena);
    da_buf_reset(out);
    for (size_t i = 0; i < q.n; i++) {
        da_buf_add(out, q.items[i].question.p, q.items[i].question.len);
        da_buf_add_char(out, '\n');
    }
    da_questions_release(&q);
    da_outline_release(&o);
    da_arena_release(&arena);
}

static void test_rules(void)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"The compost heap is a pile of leaves in the yard.", "What is the compost heap?"},
        {"Ada Byron was an English writer of great talent.", "Who was Ada Byron?"},
        {"The bridge was opened in May 1931 by the mayor.", "When was the bridge opened?"},
        {"The archive is located in Lisbon near the river.", "Where is the archive located?"},
        {"The old mill was bought by Jane Doe last year.", "By whom was the old mill bought?"},
        {"The road was closed because the river had flooded.", "Why was the road closed?"},
        {"Visitors must show their ticket at the gate.", "What must visitors do?"},
        {"The survey counted 512 oak trees in the park.",
         "How many oak trees does the document mention?"},
        {"In 1998 the library moved to a new building and was enlarged.", "What happened in 1998?"},
        {"Mary Shaw founded the first night school in Leeds.",
         "Who founded the first night school in Leeds?"},
        {"A day ticket costs 12 dollars at the desk.", "How much does a day ticket cost?"},
        {"The pump delivers forty litres of clean water.", "What does the pump deliver?"},
        {"Invoice date: 3 March 2021\nTotal: 40", "What is the invoice date?"},
        {"Cashier: Emily Stone\nRegister: 7", "Who is the cashier?"},
        {"| Claim # | SF-1008 |\n| Phone | 555 |", "What is the claim number?"},
        {"# Opening hours\n\nWe are open on all days but Monday.",
         "What does the document say about \"Opening hours\"?"},
        {"# Parts\n\n- wheel\n- axle\n", "What is listed under \"Parts\"?"},
        /* the longest word that its sentence alone has; never what several sentences speak of */
        {"We painted the harbour wall in blue. The harbour wall was then covered by tarpaulins.",
         "What does the document say about \"tarpaulins\"?"},
        {"# How do I reset it?\n\nPress the red button for ten seconds.", "How do I reset it?"},
    };
    struct da_buf got;
    da_buf_init(&got, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        ask(cases[i].text, "en", &got);
        if (!tap_ok(strstr(got.p, cases[i].want) != NULL, "'%s'", cases[i].want))
            tap_diag("got %s", got.p);
    }
    da_buf_release(&got);
}

/* Sentences that look like a rule's, and are not. */
static void test_refusals(void)
{
    static const struct {
        const char *text, *never;
    } cases[] = {
        {"It is a pile of leaves in the yard.", "What is it?"},
        {"However, the plan is a mess in every way.", "What is however"},
        {"The man who came is a doctor from Rome.", "What is the man who came?"},
        {"It took 30 years and 200 dollars to build.", "How many"},
        {"See figure 12 houses for more of the same kind.", "How many"},
        {"Note: the pump is off on Sundays.", "What is the note?"},
        {"Hours: 9 to 5", "What is the hours?"},
        {"We painted the harbour wall in blue. The harbour wall was then covered by tarpaulins.",
         "about \"harbour\""},
        {"They met at Castle Rock in May. Many who saw Castle Rock in May came back.",
         "about \"Castle Rock\""},
        {"Sales increased by 5 percent in the last quarter.", "What did sales"},
    };
    struct da_buf got;
    da_buf_init(&got, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        ask(cases[i].text, "en", &got);
        tap_ok(strstr(got.p, cases[i].never) == NULL, "never '%s'", cases[i].never);
    }
    da_buf_release(&got);
}

static void test_languages(void)
{
    struct da_buf got;
    da_buf_init(&got, 0);
    ask("# Preise\n\nDer Eintritt ist frei.", "de", &got);
    tap_ok(strstr(got.p, "Was sagt das Dokument über „Preise“?\n") != NULL, "German, told");
    ask("# Prix\n\nLes enfants et les parents qui entrent dans la salle ne sont pas des clients.",
        "", &got);
    tap_ok(strstr(got.p, "Que dit le document à propos de «\u00a0Prix\u00a0» ?\n") != NULL,
           "French, judged from its words");
    ask("# 価格\n\nこの本は安いです。", "", &got);
    tap_ok(strstr(got.p, "文書では「価格」について何が述べられていますか？\n") != NULL,
           "Japanese, judged from its letters");
    ask("word", "xx", &got);
    tap_ok(strstr(got.p, "What is this document about?\n") != NULL, "English when unknown");
    da_buf_release(&got);
}

static void test_summary(void)
{
    struct da_outline o;
    struct da_buf got;
    da_outline_init(&o);
    da_buf_init(&got, 0);
    outline(&o, "");
    tap_ok(!da_outline_summary(&o, 0, &got) && got.len == 0, "nothing of an empty text");
    outline(&o, "....\n\n-----\n| - | - |\n```\nint x;\n```\n");
    tap_ok(!da_outline_summary(&o, 0, &got), "nothing of marks and code");
    outline(&o, "| Name | Price |\n| - | - |\n| Apples | 3 |\n");
    tap_ok(da_outline_summary(&o, 0, &got), "a table");
    tap_is_str(got.p, "Name: Price; Apples: 3.", "is summed up by its rows");
    da_buf_reset(&got);
    outline(&o, "The gate is open from nine to five every day. It is green.\n\n"
                "The gate opens every day at nine and closes at five.\n\n"
                "Children under six years enter free of charge with a parent.");
    da_outline_summary(&o, 0, &got);
    tap_ok(!strstr(got.p, "is open from nine") != !strstr(got.p, "opens every day at nine"),
           "no sentence twice in other words");
    tap_ok(strstr(got.p, ". Children under six") != NULL, "in document order");
    da_buf_reset(&got);
    da_outline_lead(&o, 2, &got);
    tap_is_str(got.p,
               "The gate is open from nine to five every day. "
               "The gate opens every day at nine and closes at five.",
               "the first sentences that stand on their own");
    da_buf_reset(&got);
    struct da_buf words;
    da_buf_init(&words, 0);
    for (int i = 0; i < 100; i++)
        da_buf_add_str(&words, "word ");
    outline(&o, words.p);
    da_outline_summary(&o, 0, &got);
    tap_is_int((long long)got.len, 80 * 5 - 1 + 4, "a line that runs away is cut");
    da_buf_release(&words);
    da_buf_release(&got);
    da_outline_release(&o);
}

static void test_answer(void)
{
    static const char text[] = "The hall opens at nine. Tickets cost five dollars each. "
                               "The guide is Paula Reyes. She speaks Spanish.";
    struct da_outline o;
    struct da_buf got;
    da_outline_init(&o);
    da_buf_init(&got, 0);
    outline(&o, text);
    da_outline_add_text(&o, da_outline_answer(&o, da_span_str("How much do tickets cost?")), &got);
    tap_is_str(got.p, "Tickets cost five dollars each.", "the sentence with the question's words");
    da_buf_reset(&got);
    da_outline_add_text(&o, da_outline_answer(&o, da_span_str("Who is the guide?")), &got);
    tap_is_str(got.p, "The guide is Paula Reyes.", "who");
    da_buf_release(&got);
    da_outline_release(&o);
}

/* Every document gives three questions, and the same ones every time. */
static void test_documents(void)
{
    static const char *const names[] = {
        "docs/expected/mkit_test.pdf.txt",
        "docs/expected/mkit_REPAIR-2022-INV-001_multipage.pdf.txt",
        "docs/expected/chard_EUC-JP_ude_1.txt.txt",
        "docs/expected/docl_right_to_left_01.pdf.txt",
        "docs/expected/pbox_openoffice-test-document.pdf.txt",
    };
    struct da_outline o;
    struct da_questions q;
    struct da_arena arena;
    da_outline_init(&o);
    da_questions_init(&q);
    da_arena_init(&arena);
    for (size_t i = 0; i < DA_ARRAY_LEN(names); i++) {
        const char *path = tap_shared(names[i]);
        struct da_buf b;
        struct da_err err;
        if (!path) {
            tap_skip("no shared material", "%s", names[i]);
            continue;
        }
        da_buf_init(&b, 0);
        if (tap_rc(da_io_read_file(path, 1 << 24, &b, &err), &err, "%s", names[i])) {
            da_outline_make(&o, b.p, b.len, DA_OUTLINE_LEAD);
            da_questions_make(&q, &o, da_span("", 0), &arena);
            tap_is_int((long long)da_questions_pick(&q, 3), 3, "three questions");
        }
        da_buf_release(&b);
    }
    da_arena_release(&arena);
    da_questions_release(&q);
    da_outline_release(&o);
}

int main(void)
{
    test_rules();
    test_refusals();
    test_languages();
    test_summary();
    test_answer();
    test_documents();
    return tap_done();
}
