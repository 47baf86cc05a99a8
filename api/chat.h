#ifndef API_CHAT_H
#define API_CHAT_H

/*
 * Requests and replies of POST /v1/chat/completions, as OpenAI describes them and as vLLM,
 * llama.cpp, Ollama and Azure answer them. Text in, text out: nothing here talks to a network.
 * Source: the OpenAPI description of the OpenAI API (openai/openai-openapi, openapi.yaml).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "common/span.h"

/* What a server was found not to accept. */
enum da_chat_lacks {
    DA_CHAT_LACKS_SCHEMA = 1 << 0,      /* response_format json_schema: json_object instead */
    DA_CHAT_LACKS_JSON_OBJECT = 1 << 1, /* response_format at all */
    DA_CHAT_LACKS_CACHE_KEY = 1 << 2,   /* prompt_cache_key */
    DA_CHAT_LACKS_TEMPERATURE = 1 << 3,
    DA_CHAT_LACKS_TOP_P = 1 << 4,
    DA_CHAT_LACKS_SEED = 1 << 5,
    DA_CHAT_LACKS_MAX_TOKENS = 1 << 6, /* max_completion_tokens instead */
    DA_CHAT_LACKS_LOGPROBS = 1 << 7
};

/* What is asked of the model, beside the messages and the budget. Strings are borrowed. */
struct da_chat_params {
    const char *model;
    double temperature;      /* < 0: not sent */
    double top_p;            /* < 0: not sent */
    int64_t seed;            /* < 0: not sent */
    int top_logprobs;        /* 0: not sent */
    const char *schema_name; /* NULL: plain text is wanted */
    const char *schema_json; /* the JSON Schema, one object */
};

/* The parameters as one JSON object in a fixed order, without model and budget: part of a
 * request's key and of a record's origin. */
void da_chat_params_json(const struct da_chat_params *p, struct da_buf *out);

/* Appends {"role":role,"content":text} (a comma before it if out does not end in '['). */
void da_chat_add_message(struct da_buf *out, const char *role, struct da_span text);

/* Appends the request body. messages: a JSON array; cache_key may be NULL; lacks: a set of
 * enum da_chat_lacks. */
void da_chat_body(const struct da_chat_params *p, struct da_span messages, int max_tokens,
                  const char *cache_key, unsigned lacks, struct da_buf *out);

struct da_chat_usage {
    bool known;
    int64_t prompt_tokens, cached_tokens, completion_tokens;
};

enum da_chat_outcome {
    DA_CHAT_ANSWER,   /* content holds the answer */
    DA_CHAT_CUT,      /* finish_reason length: content is cut off */
    DA_CHAT_FILTERED, /* finish_reason content_filter */
    DA_CHAT_REFUSED,  /* message.refusal is set */
    DA_CHAT_EMPTY,    /* no content */
    DA_CHAT_MALFORMED /* not a chat completion */
};

struct da_chat_reply {
    struct da_json *root; /* owner of the spans */
    enum da_chat_outcome outcome;
    struct da_span content, refusal, finish_reason, model, system_fingerprint;
    const struct da_json *logprobs; /* choices[0].logprobs.content, or NULL */
    struct da_chat_usage usage;
    char why[160]; /* with DA_CHAT_MALFORMED */
};

/* Never fails: a body that is no completion is DA_CHAT_MALFORMED. Release afterwards. */
void da_chat_parse(struct da_span body, struct da_chat_reply *r);
void da_chat_release(struct da_chat_reply *r);
const char *da_chat_outcome_name(enum da_chat_outcome o);

/* An error body, whatever its shape; missing parts are "". */
struct da_chat_error {
    char message[320]; /* one line, valid UTF-8 */
    char type[64], param[64], code[64];
};
/* secret (NULL or the key) is blotted out of the message: servers repeat what they were sent. */
void da_chat_parse_error(struct da_span body, const char *secret, struct da_chat_error *e);

/* The one thing a 400 or 422 complains about that can be left out or replaced next time:
 * a bit of enum da_chat_lacks not yet in lacks, or 0. */
unsigned da_chat_unsupported(const struct da_chat_error *e, unsigned lacks);

#endif
