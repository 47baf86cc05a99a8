/* What servers and models send: completions, errors, headers, dates, annotations. Whatever they
 * say, what is taken from it is valid UTF-8 and written as JSON again. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/reply.h"
#include "api/chat.h"
#include "api/limit.h"
#include "api/retry.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "prompts/slimlm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
    if (!ok)
        abort();
}

static void valid(struct da_span s)
{
    need(da_utf8_valid(s.p, s.len));
}

static void read_annotation(struct da_span text)
{
    struct da_arena arena;
    struct da_answers a = {.n_qs = 0};
    char error[DA_REPLY_ERROR_MAX] = "";
    da_arena_init(&arena);
    if (da_reply_parse(text, &arena, &a, error)) {
        need(a.n_qs == DA_REPLY_N_QUESTIONS && a.summ_response.len && a.qa_response.len);
        valid(a.summ_response);
        valid(a.qa_request);
        valid(a.qa_response);
        for (size_t i = 0; i < a.n_qs; i++)
            valid(a.qs_response[i]);
    } else {
        need(error[0] && strlen(error) < sizeof error);
    }
    da_arena_release(&arena);
}

static void read_http(struct da_span text)
{
    struct da_http_reply r = {.status = 429, .headers = text};
    struct da_limit l;
    need(da_retry_after_ms(&r, 0) >= -1);
    da_limit_init(&l, 0, 0, 16, 0);
    da_limit_learn(&l, &r, 1000);
    (void)da_limit_wait_ns(&l, 1000, 2000);
    (void)da_parse_http_date(text);
    (void)da_http_check_url("http://127.0.0.1/", true, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = da_strndup((const char *)data, size); /* a read behind its end is seen */
    struct da_span text = da_span(copy, size);
    struct da_chat_reply reply;
    struct da_chat_error e;
    struct da_slimlm_reply answer;
    da_chat_parse(text, &reply);
    if (reply.outcome == DA_CHAT_ANSWER) {
        valid(reply.content);
        read_annotation(reply.content);
    }
    da_chat_release(&reply);
    da_chat_parse_error(text, "secret", &e);
    valid(da_span_str(e.message));
    need(!strstr(e.message, "secret"));
    read_annotation(text);
    read_http(text);
    da_slimlm_parse(text, &answer);
    need(answer.response.len <= size && answer.intent.len <= size);
    free(copy);
    return 0;
}
