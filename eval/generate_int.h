#ifndef EVAL_GENERATE_INT_H
#define EVAL_GENERATE_INT_H

/* Shared by the files of generate.h only. */

#include "common/buf.h"
#include "common/hash.h"
#include "common/json.h"
#include "engine/tokenizer/tokenizer.h"
#include "eval/generate.h"

struct da_chat_template;

struct da_generator {
    struct da_generate_opts opts;
    char *model_name;
    char model_sha256[DA_SHA256_HEX_LEN + 1];
    char prompt_sha256[DA_SHA256_HEX_LEN + 1]; /* of the template */
    struct da_model *model;
    struct da_engine *engine;
    struct da_tokenizer *tokenizer;
    struct da_tok_scratch *scratch;
    struct da_ids stop_ids; /* tokens that end an answer */
    struct da_chat_template *chat; /* the model's own; NULL: the SlimLM form */
    struct da_buf text;            /* scratch for rendered prompts */
};

/* Chooses the form of prompts: SlimLM's own, or the chat template that came with the model, which
 * then carries the same content. Sets g->prompt_sha256. */
enum da_rc da_prompt_open(struct da_generator *g, struct da_err *err);

/*
 * Token ids of the prompt for (document, request). When it leaves no room for
 * max_new tokens in the context, the document is cut at its end, never the
 * request or the template, and *truncated is set. DA_ELIMIT when even the empty
 * document does not fit.
 */
enum da_rc da_prompt_fit(struct da_generator *g, struct da_span document, struct da_span request,
                         struct da_ids *ids, bool *truncated, struct da_err *err);

/* The answer that grows while a request runs. */
struct da_answer {
    struct da_tok_stream stream;
    struct da_buf text;
};
void da_answer_init(struct da_answer *a);
void da_answer_release(struct da_answer *a);
/* Adds a token's text; true when the answer's closing tag has come. */
bool da_answer_add(struct da_answer *a, const struct da_generator *g, int32_t id);

/* [{"id","logprob","top":[[id,logprob],...]},...] of a result with logprobs. */
void da_logprobs_write(const struct da_result *res, struct da_jw *w);

#endif
