/* Filling in, the annotation prompt, and the released model's own prompt, which is compared
 * with the released configuration itself where that is at hand. */

#include <stdio.h>
#include <string.h>

#include "common/io.h"
#include "common/json.h"
#include "common/map.h"
#include "engine/tokenizer/tokenizer.h"
#include "prompts/ask.h"
#include "prompts/slimlm.h"
#include "tests/tap.h"
#include "text/question.h"

static void test_render(void)
{
    const struct da_prompt_var vars[] = {{"a", da_span_str("{{b}}")}, {"b_c", da_span_str("x")}};
    struct da_buf out;
    struct da_err err;
    da_buf_init(&out, 0);
    tap_rc(da_prompt_render(da_span_str("1{{a}}2{{b_c}}{{a}}{{ a }}{{}}{{A}}{{a}"), vars, 2, &out,
                            &err),
           &err, "filling in");
    tap_is_str(out.p, "1{{b}}2x{{b}}{{ a }}{{}}{{A}}{{a}", "values are not expanded again");
    tap_is_int(da_prompt_render(da_span_str("{{c}}"), vars, 2, &out, &err), DA_EFORMAT,
               "an unknown name: %s", err.msg);
    tap_ok(da_prompt_uses(da_span_str("a {{b}}"), "b") && !da_prompt_uses(da_span_str("b"), "b"),
           "uses");
    da_buf_release(&out);
}

/* How many different texts pick() gives over n ids. */
static size_t n_different(const struct da_ask *a, int which, int n)
{
    struct da_map seen;
    da_map_init(&seen);
    for (int i = 0; i < n; i++) {
        char id[17];
        struct da_ask_requests r;
        (void)snprintf(id, sizeof id, "%016x", i * 2654435761u);
        da_ask_choose(a, da_span_str(id), &r);
        struct da_span s = which == 0 ? r.summ : which == 1 ? r.suggestion : r.qa;
        (void)da_map_add(&seen, s.p, s.len, NULL);
    }
    size_t k = seen.n;
    da_map_release(&seen);
    return k;
}

/* A request that is also a question about any document would belong to two tasks. */
static void test_tasks_apart(void)
{
    struct da_ask *a = NULL;
    struct da_questions q;
    struct da_outline o;
    struct da_arena arena;
    struct da_err err;
    size_t both = 0;
    if (!tap_rc(da_ask_open(&a, NULL, &err), &err, "the built-in requests"))
        return;
    da_arena_init(&arena);
    da_outline_init(&o);
    da_questions_init(&q);
    da_outline_make(&o, "word", 4, DA_OUTLINE_LEAD);
    da_questions_make(&q, &o, da_span_str("en"), &arena);
    tap_ok(q.n >= 3, "questions that fit every document");
    for (int i = 0; i < 4000; i++) {
        char id[17];
        struct da_ask_requests r;
        (void)snprintf(id, sizeof id, "%016x", i * 2654435761u);
        da_ask_choose(a, da_span_str(id), &r);
        for (size_t k = 0; k < q.n; k++)
            both += da_span_eq(q.items[k].question, r.summ) ||
                    da_span_eq(q.items[k].question, r.suggestion);
    }
    tap_is_int((long long)both, 0, "... are no requests of other tasks");
    da_questions_release(&q);
    da_outline_release(&o);
    da_arena_release(&arena);
    da_ask_close(a);
}

static void test_ask(void)
{
    struct da_ask *a = NULL, *b = NULL;
    struct da_ask_requests r, again;
    struct da_buf user;
    struct da_err err;
    da_buf_init(&user, 0);
    if (!tap_rc(da_ask_open(&a, NULL, &err), &err, "the built-in annotation prompt"))
        return;
    tap_ok(n_different(a, 0, 4000) >= 30, "at least 30 phrasings of the summary request");
    tap_ok(n_different(a, 1, 4000) >= 30, "at least 30 phrasings of the suggestion request");
    tap_ok(n_different(a, 2, 4000) >= 12, "at least 12 kinds of fact questions");
    da_ask_choose(a, da_span_str("0123456789abcdef"), &r);
    da_ask_choose(a, da_span_str("0123456789abcdef"), &again);
    tap_ok(r.summ.p == again.summ.p && r.qa.p == again.qa.p, "the same id, the same requests");
    tap_rc(da_ask_user(a, da_span_str("see {{qa_req}} and {{x}}"), &r, &user, &err), &err, "asked");
    tap_ok(strstr(user.p, "<document>\nsee {{qa_req}} and {{x}}\n</document>") != NULL,
           "a document's own braces stay");
    tap_ok(strstr(user.p, r.summ.p) != NULL || da_span_find(da_span_str(user.p), r.summ) < user.len,
           "its request is in the message");
    struct da_span system = da_ask_system(a);
    tap_ok(da_span_find(system, da_ask_examples(a)) < system.len,
           "examples are in the system text");
    tap_ok(da_span_find(system, da_span_str("{{")) == system.len, "nothing is left to fill in");
    tap_is_int((long long)strlen(da_ask_sha256(a)), 64, "a hash");

    char dir[600], path[700];
    size_t n = 0;
    (void)snprintf(dir, sizeof dir, "%s/p", tap_tmpdir());
    tap_rc(da_prompts_export(dir, &n, &err), &err, "exported");
    tap_rc(da_ask_open(&b, dir, &err), &err, "and opened from there");
    tap_is_str(da_ask_sha256(b), da_ask_sha256(a), "the same prompt");
    da_ask_close(b);
    (void)snprintf(path, sizeof path, "%s/annotate/user.txt", dir);
    (void)da_io_write_file(path, "{{document}}\n", 13, NULL);
    tap_is_int(da_ask_open(&b, dir, &err), DA_EFORMAT, "refused: %s", err.msg);
    (void)da_io_write_file(path, "{{document}}{{summ_req}}{{suggestion_req}}{{qa_req}}{{z}}", 57,
                           NULL);
    tap_is_int(da_ask_open(&b, dir, &err), DA_EFORMAT, "refused: %s", err.msg);
    (void)remove(path);
    tap_ok(da_ask_open(&b, dir, &err) != DA_OK, "refused: %s", err.msg);
    tap_is_int(da_prompts_export(dir, &n, &err), DA_EUSAGE, "an export overwrites nothing");
    da_ask_close(a);
    da_buf_release(&user);
}

/* OpenAI caches identical prefixes from 1,024 tokens in steps of 128; 1,152 is the first step
 * above (guide on prompt caching). */
static void test_fixed_part(void)
{
    struct da_ask *a = NULL;
    struct da_tokenizer *t = NULL;
    struct da_err err;
    size_t n = 0;
    if (!tap_rc(da_ask_open(&a, NULL, &err), &err, "the built-in prompt") ||
        !tap_rc(da_tokenizer_open(&t, "o200k_base", &err), &err, "o200k_base"))
        return;
    struct da_tok_scratch *scratch = da_tok_scratch_new();
    (void)da_tokenizer_count(t, scratch, da_ask_system(a), 0, &n, &err);
    tap_ok(n >= 1152, "the part that is the same for all documents has %zu tokens", n);
    da_tok_scratch_free(scratch);
    da_tokenizer_close(t);
    da_ask_close(a);
}

static void test_slimlm_released(void)
{
    const char *path = tap_shared("slimlm-125m/mlc-chat-config.json");
    if (!path) {
        tap_skip("no shared material", "the released configuration");
        return;
    }
    struct da_buf text;
    struct da_json *j = NULL;
    struct da_span want = {"", 0};
    struct da_err err;
    da_buf_init(&text, 0);
    (void)da_io_read_file(path, 1 << 20, &text, &err);
    tap_rc(da_json_parse(text.p, text.len, &j, &err), &err, "the released configuration");
    (void)da_json_str(da_json_get(da_json_get(j, "conv_template"), "system_message"), &want);
    struct da_span got = da_slimlm_system();
    tap_is_mem(got.p, got.len, want.p, want.len, "the system text, byte for byte");
    da_json_free(j);
    da_buf_release(&text);
}

static void test_slimlm(void)
{
    struct da_buf b;
    da_buf_init(&b, 0);
    da_slimlm_prompt(da_span_str("D\n"), da_span_str("R"), &b);
    struct da_span system = da_slimlm_system();
    tap_ok(da_span_starts(da_span(b.p, b.len), "You are an AI assistant"),
           "begins with the system");
    tap_is_str(b.p + system.len, "\n\n <document>\nD\n\n</document>\n\n<request>\nR\n</request>",
               "then document and request (DESIGN 5.6)");
    da_buf_reset(&b);
    da_slimlm_answer("summarization", da_span_str("S"), &b);
    tap_is_str(b.p, "<intent>: summarization\n<response>\nS\n</response>", "the answer");
    da_buf_release(&b);
}

static void test_slimlm_parse(void)
{
    static const struct {
        const char *text, *intent, *response;
        bool strict, closed;
    } cases[] = {
        {"<intent>: summarization\n<response>\nA b.\n</response>", "summarization", "A b.", true,
         true},
        {"<intent>: summarization\n<response>\nA b.\n</response>\n\n", "summarization", "A b.",
         true, true},
        {"<intent>: question_suggestion\n<response>\n1. A?\n2. B?\n", "question_suggestion",
         "1. A?\n2. B?", true, false},
        {"<intent>: x\n<response>\nA\n</response> more", "x", "A", false, true},
        {" <intent>: x\n<response>\nA\n</response>", "x", "A", false, true},
        {"<intent>:x\n<response>A</response>", "x", "A", false, true},
        {"<intent>: x <response> A </response>", "x", "A", false, true},
        {"Sure.\n<intent>: x\nA b.", "x", "A b.", false, false},
        {"<response>\nA\n</response>", "", "A", false, true},
        {"Just text.", "", "Just text.", false, false},
        {"", "", "", false, false},
        {"<intent>:", "", "", false, false},
        {"<intent>: x", "x", "", false, false},
        {"<intent>: \n<response>\nA\n</response>", "", "A", false, true},
    };
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        struct da_slimlm_reply r;
        da_slimlm_parse(da_span_str(cases[i].text), &r);
        tap_ok(da_span_is(r.intent, cases[i].intent) && da_span_is(r.response, cases[i].response) &&
                   r.strict == cases[i].strict && r.closed == cases[i].closed,
               "answer %zu: intent '%.*s', strict %d, closed %d", i, (int)r.intent.len, r.intent.p,
               r.strict, r.closed);
    }
}

int main(void)
{
    test_render();
    test_ask();
    test_tasks_apart();
    test_fixed_part();
    test_slimlm();
    test_slimlm_released();
    test_slimlm_parse();
    return tap_done();
}
