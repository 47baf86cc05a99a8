/* Requests and replies. Shapes are those of openai/openai-openapi (openapi.yaml), of vLLM,
 * llama.cpp and Ollama as their documentation shows them. */

#include <string.h>

#include "api/chat.h"
#include "tests/tap.h"

static const struct da_chat_params params = {.model = "m",
                                             .temperature = 0,
                                             .top_p = -1,
                                             .seed = 7,
                                             .schema_name = "s",
                                             .schema_json = "{\"type\":\"object\"}"};

static const char *body(unsigned lacks, struct da_buf *b)
{
    da_buf_reset(b);
    da_chat_body(&params, da_span_str("[]"), 600, "k", lacks, b);
    return b->p;
}

static void test_bodies(void)
{
    struct da_buf b;
    da_buf_init(&b, 0);
    tap_is_str(body(0, &b),
               "{\"model\":\"m\",\"messages\":[],\"max_tokens\":600,\"temperature\":0,\"seed\":7,"
               "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"s\","
               "\"strict\":true,\"schema\":{\"type\":\"object\"}}},\"prompt_cache_key\":\"k\"}",
               "a full request");
    tap_is_str(body(DA_CHAT_LACKS_SCHEMA | DA_CHAT_LACKS_CACHE_KEY, &b),
               "{\"model\":\"m\",\"messages\":[],\"max_tokens\":600,\"temperature\":0,\"seed\":7,"
               "\"response_format\":{\"type\":\"json_object\"}}",
               "without schema and cache key");
    tap_is_str(body(DA_CHAT_LACKS_SCHEMA | DA_CHAT_LACKS_JSON_OBJECT | DA_CHAT_LACKS_CACHE_KEY |
                        DA_CHAT_LACKS_TEMPERATURE | DA_CHAT_LACKS_SEED | DA_CHAT_LACKS_MAX_TOKENS,
                    &b),
               "{\"model\":\"m\",\"messages\":[],\"max_completion_tokens\":600}",
               "with as little as can be");
    da_buf_reset(&b);
    da_buf_add_char(&b, '[');
    da_chat_add_message(&b, "system", da_span_str("a"));
    da_chat_add_message(&b, "user", da_span_str("b\"\n"));
    tap_is_str(
        b.p,
        "[{\"role\":\"system\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\\\"\\n\"}",
        "messages");
    da_buf_release(&b);
}

static void test_replies(void)
{
    static const struct {
        const char *text;
        enum da_chat_outcome outcome;
    } cases[] = {
        {"{\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}",
         DA_CHAT_ANSWER},
        {"{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}}]}",
         DA_CHAT_ANSWER},
        {"{\"choices\":[{\"message\":{\"content\":\"h\"},\"finish_reason\":\"length\"}]}",
         DA_CHAT_CUT},
        {"{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"content_filter\"}]}",
         DA_CHAT_FILTERED},
        {"{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"no\"},"
         "\"finish_reason\":\"stop\"}]}",
         DA_CHAT_REFUSED},
        {"{\"choices\":[{\"message\":{\"content\":\" \"},\"finish_reason\":\"stop\"}]}",
         DA_CHAT_EMPTY},
        {"{\"choices\":[{\"message\":{\"content\":null},\"finish_reason\":\"stop\"}]}",
         DA_CHAT_EMPTY},
        {"{\"choices\":[]}", DA_CHAT_MALFORMED},
        {"{\"error\":{\"message\":\"x\"}}", DA_CHAT_MALFORMED},
        {"<html>", DA_CHAT_MALFORMED},
        {"", DA_CHAT_MALFORMED},
        {"[]", DA_CHAT_MALFORMED},
        {"{\"choices\":{\"message\":1}}", DA_CHAT_MALFORMED},
    };
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        struct da_chat_reply r;
        da_chat_parse(da_span_str(cases[i].text), &r);
        tap_is_str(da_chat_outcome_name(r.outcome), da_chat_outcome_name(cases[i].outcome), "%.70s",
                   cases[i].text);
        da_chat_release(&r);
    }
}

static void test_usage(void)
{
    struct da_chat_reply r;
    da_chat_parse(da_span_str("{\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"message\":"
                              "{\"content\":\"x\"}}],\"usage\":{\"prompt_tokens\":2006,"
                              "\"completion_tokens\":300,\"prompt_tokens_details\":"
                              "{\"cached_tokens\":1920}}}"),
                  &r);
    tap_ok(r.usage.known, "usage is known");
    tap_is_int(r.usage.prompt_tokens, 2006, "prompt tokens");
    tap_is_int(r.usage.cached_tokens, 1920, "cached tokens");
    tap_is_int(r.usage.completion_tokens, 300, "completion tokens");
    tap_is_mem(r.model.p, r.model.len, "gpt-4o-mini-2024-07-18", 22, "snapshot");
    da_chat_release(&r);
    da_chat_parse(da_span_str("{\"choices\":[{\"message\":{\"content\":\"x\"}}],\"usage\":null}"),
                  &r);
    tap_ok(!r.usage.known, "no usage");
    da_chat_release(&r);
}

static void test_errors(void)
{
    struct da_chat_error e;
    da_chat_parse_error(da_span_str("{\"error\":{\"message\":\"Incorrect API key provided: "
                                    "sk-abc.\",\"type\":\"invalid_request_error\",\"param\":null,"
                                    "\"code\":\"invalid_api_key\"}}"),
                        "sk-abc", &e);
    tap_is_str(e.message, "Incorrect API key provided: ******.", "the key is blotted out");
    tap_is_str(e.code, "invalid_api_key", "code");
    tap_is_str(e.param, "", "param null");
    da_chat_parse_error(da_span_str("{\"error\":\"model 'x' not found\"}"), NULL, &e);
    tap_is_str(e.message, "model 'x' not found", "Ollama's shape");
    da_chat_parse_error(
        da_span_str("{\"object\":\"error\",\"message\":\"too\\nlong\",\"code\":400}"), NULL, &e);
    tap_is_str(e.message, "too long", "vLLM's shape, on one line");
    tap_is_str(e.code, "400", "a numeric code");
    da_chat_parse_error(da_span_str("<html><body>Bad gateway"), NULL, &e);
    tap_is_str(e.message, "", "a page says nothing");
    da_chat_parse_error(da_span_str("upstream timed out"), NULL, &e);
    tap_is_str(e.message, "upstream timed out", "plain text");
}

static void test_unsupported(void)
{
    struct da_chat_error e = {.param = "response_format"};
    tap_is_int(da_chat_unsupported(&e, 0), DA_CHAT_LACKS_SCHEMA, "first the schema goes");
    tap_is_int(da_chat_unsupported(&e, DA_CHAT_LACKS_SCHEMA), DA_CHAT_LACKS_JSON_OBJECT,
               "then the format");
    tap_is_int(da_chat_unsupported(&e, DA_CHAT_LACKS_SCHEMA | DA_CHAT_LACKS_JSON_OBJECT), 0,
               "then nothing is left");
    struct da_chat_error t = {.message = "Unsupported parameter: 'max_tokens' is not supported "
                                         "with this model. Use 'max_completion_tokens' instead."};
    tap_is_int(da_chat_unsupported(&t, 0), DA_CHAT_LACKS_MAX_TOKENS, "max_tokens");
    struct da_chat_error l = {.message = "This model's maximum context length is 2048 tokens, "
                                         "reduce max_tokens"};
    tap_is_int(da_chat_unsupported(&l, 0), 0, "a long prompt is no unsupported parameter");
    struct da_chat_error p = {.param = "prompt_cache_key", .message = "Unknown parameter"};
    tap_is_int(da_chat_unsupported(&p, 0), DA_CHAT_LACKS_CACHE_KEY, "prompt_cache_key");
}

int main(void)
{
    test_bodies();
    test_replies();
    test_usage();
    test_errors();
    test_unsupported();
    return tap_done();
}
