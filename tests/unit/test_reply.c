/* The annotator's reply: what is taken, what is mended, what is refused. */

#include <string.h>

#include "annotate/reply.h"
#include "tests/tap.h"

#define GOOD                                                                                       \
    "{\"summary\":\"S.\",\"questions\":[\"A?\",\"B?\",\"C?\"],\"question\":\"Q?\",\"answer\":\"R.\"}"

static bool parse(const char *text, struct da_answers *a, struct da_arena *arena, char *error)
{
    memset(a, 0, sizeof *a);
    return da_reply_parse(da_span_str(text), arena, a, error);
}

static void test_taken(void)
{
    static const char *const same[] = {
        GOOD,
        "  " GOOD "\n",
        "```json\n" GOOD "\n```",
        "Sure! Here it is:\n" GOOD "\nAnything else?",
        "{\"summary\":\"S.\",\"questions\":[\"A?\",\"B?\",\"C?\",],\"question\":\"Q?\","
        "\"answer\":\"R.\",}",
        "{\"summary\":\" S.\\n\",\"questions\":[\"1. A?\",\"2) B?\",\"- C?\"],"
        "\"question\":\"Q?\",\"answer\":\"R.\"}",
        "{\"summary\":\"S.\",\"questions\":[\"A?\",\"B?\",\"C?\",\"D?\"],\"question\":\"Q?\","
        "\"answer\":\"R.\",\"note\":\"{more}\"}"};
    for (size_t i = 0; i < DA_ARRAY_LEN(same); i++) {
        struct da_arena arena;
        struct da_answers a;
        char error[DA_REPLY_ERROR_MAX] = "";
        da_arena_init(&arena);
        bool ok = parse(same[i], &a, &arena, error);
        tap_ok(ok && da_span_is(a.summ_response, "S.") && a.n_qs == 3 &&
                   da_span_is(a.qs_response[0], "A?") && da_span_is(a.qs_response[1], "B?") &&
                   da_span_is(a.qs_response[2], "C?") && da_span_is(a.qa_request, "Q?") &&
                   da_span_is(a.qa_response, "R."),
               "taken: form %zu %s", i, error);
        da_arena_release(&arena);
    }
}

static void test_lines(void)
{
    struct da_arena arena;
    struct da_answers a;
    char error[DA_REPLY_ERROR_MAX];
    da_arena_init(&arena);
    tap_ok(parse("{\"summary\":\"one\ntwo \\n three\tfour\",\"questions\":[\"A?\",\"B?\",\"C?\"],"
                 "\"question\":\"Q?\",\"answer\":\"R.\"}",
                 &a, &arena, error),
           "raw line breaks are mended");
    tap_is_str(a.summ_response.p, "one two three\tfour", "and lines joined");
    da_arena_release(&arena);
}

static void test_refused(void)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "it is not valid JSON"},
        {"no", "it is not valid JSON"},
        {"[1]", "the member \"summary\" is missing"},
        {"{\"summary\":\"S.\",\"questions\":[\"A?\",\"B?\",\"C", "it is not valid JSON"},
        {GOOD GOOD, "it is not valid JSON"},
        {"{}", "the member \"summary\" is missing"},
        {"{\"summary\":7}", "the member \"summary\" is not a string"},
        {"{\"summary\":\" \"}", "the member \"summary\" is empty"},
        {"{\"summary\":\"S\",\"questions\":\"A?\"}", "the member \"questions\" is not an array"},
        {"{\"summary\":\"S\",\"questions\":[\"A?\",\"B?\"]}",
         "\"questions\" does not hold 3 questions"},
        {"{\"summary\":\"S\",\"questions\":[\"A?\",\"2. \",\"C?\"]}",
         "\"questions\" does not hold 3 questions"},
        {"{\"summary\":\"S\",\"questions\":[\"A?\",\"B?\",\"C?\"],\"question\":\"Q\"}",
         "the member \"answer\" is missing"},
    };
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        struct da_arena arena;
        struct da_answers a;
        char error[DA_REPLY_ERROR_MAX] = "";
        da_arena_init(&arena);
        bool ok = parse(cases[i].text, &a, &arena, error);
        tap_ok(!ok && strncmp(error, cases[i].why, strlen(cases[i].why)) == 0, "refused: %.50s: %s",
               cases[i].text, error);
        tap_ok(a.n_qs == 0 && a.summ_response.len == 0, "... and nothing is touched");
        da_arena_release(&arena);
    }
}

int main(void)
{
    struct da_json *schema = NULL;
    struct da_err err;
    tap_rc(da_json_parse(da_reply_schema, strlen(da_reply_schema), &schema, &err), &err,
           "the schema is JSON");
    da_json_free(schema);
    test_taken();
    test_lines();
    test_refused();
    return tap_done();
}
