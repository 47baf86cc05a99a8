/* A real trained model gives its published text, and the scheduler keeps its promises on it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/tap.h"

/* karpathy/llama2.c test_all.py: stories260K, temperature 0, 200 tokens from BOS. */
static const char STORY[] =
    "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. "
    "One day, she saw a big, red ball. She wanted to play with it, but it was too high.\n"
    "Lily's mom said, \"Lily, let's go to the park.\" Lily was sad and didn't know what to do. She "
    "said, \"I want to play with your ball, but I can't find it.\"\n"
    "Lily was sad and didn't know what to do. She said, \"I'm sorry, Lily. I didn't know what to "
    "do.\"\n"
    "Lily didn't want to help her mom, so she";

enum { MAX_REQUESTS = 64 };

struct run {
    const struct da_tokenizer *tok;
    struct da_request reqs[MAX_REQUESTS];
    size_t n, given, got;
    struct da_buf out[MAX_REQUESTS]; /* ids and log-probabilities, as bytes */
    enum da_finish finish[MAX_REQUESTS];
    size_t shared;
    bool ordered;
    char message[256];
};

static enum da_rc next(void *ctx, struct da_request *req, bool *end, struct da_err *err)
{
    struct run *r = ctx;
    (void)err;
    if (r->given == r->n)
        *end = true;
    else
        *req = r->reqs[r->given++];
    return DA_OK;
}

static enum da_rc done(void *ctx, void *user, const struct da_result *res, struct da_err *err)
{
    struct run *r = ctx;
    size_t i = (size_t)((struct da_request *)user - r->reqs);
    (void)err;
    r->ordered = r->ordered && i == r->got;
    r->got++;
    r->finish[i] = res->finish;
    r->shared += res->n_prompt_shared;
    da_buf_reset(&r->out[i]);
    da_buf_add(&r->out[i], res->ids, res->n_ids * sizeof *res->ids);
    if (res->logprobs)
        da_buf_add(&r->out[i], res->logprobs,
                   res->n_ids * (1 + res->n_top) * sizeof *res->logprobs);
    if (res->finish == DA_FINISH_ERROR)
        snprintf(r->message, sizeof r->message, "%s", res->message);
    return DA_OK;
}

static void run_with(const struct da_model *m, struct run *r, const struct da_engine_opts *o)
{
    struct da_engine *e;
    struct da_err err;
    struct da_engine_calls calls = {.ctx = r, .next = next, .done = done};
    r->given = r->got = r->shared = 0;
    r->ordered = true;
    for (size_t i = 0; i < r->n; i++)
        r->reqs[i].user = &r->reqs[i];
    if (!tap_rc(da_engine_new(&e, m, o, &err), &err, "engine"))
        return;
    tap_rc(da_engine_run(e, &calls, &err), &err, "%zu requests run", r->n);
    tap_ok(r->got == r->n && r->ordered, "all results come in order");
    da_engine_free(e);
}

static void test_story(const struct da_model *m, const struct da_tokenizer *tok)
{
    static const int32_t BOS = 1;
    struct run r = {.n = 1};
    struct da_buf text;
    r.reqs[0] = (struct da_request){.ids = &BOS, .n_ids = 1, .max_new = 200};
    da_buf_init(&r.out[0], 0);
    da_buf_init(&text, 0);
    run_with(m, &r, NULL);
    da_tokenizer_decode(tok, (const int32_t *)(const void *)r.out[0].p, r.out[0].len / 4, 0, &text);
    size_t lead = text.len && text.p[0] == ' '; /* the first word's own space */
    tap_is_str(text.p + lead, STORY, "the published story");
    tap_is_int(r.finish[0], DA_FINISH_LENGTH, "it ends at its length");
    da_buf_release(&text);
    da_buf_release(&r.out[0]);
}

/* Documents of some tokens, three requests each, in different ways of computing them. */
static void test_scheduler(const struct da_model *m, const struct da_tokenizer *tok)
{
    static const struct da_engine_opts WAYS[] = {
        {.n_threads = 1, .n_parallel = 1, .no_prefix_cache = true},
        {.n_threads = 2, .n_parallel = 7},
        {.n_threads = 4, .n_parallel = 18, .batch = 31},
        {.n_threads = 2, .n_parallel = 5, .kv_max_bytes = 3u << 20},
    };
    static struct run r;
    struct da_ids ids[MAX_REQUESTS];
    struct da_tok_scratch *scratch = da_tok_scratch_new();
    struct da_buf first[MAX_REQUESTS], group;
    struct da_err err;
    const size_t n = 42;
    char names[MAX_REQUESTS][16];
    da_buf_init(&group, 0);
    memset(&r, 0, sizeof r);
    r.n = n;
    for (size_t i = 0; i < n; i++) {
        char text[1024];
        size_t doc = i / 3;
        snprintf(text, sizeof text, "Story %zu. %.*s What did %s do%.*s", doc,
                 (int)(20 + doc * 17 % 400), STORY + doc, i % 3 ? "Lily" : "the dog", (int)(i % 3),
                 "??");
        da_ids_init(&ids[i]);
        (void)da_tokenizer_encode(tok, scratch, da_span_str(text), DA_TOK_ADD_SPECIAL, &ids[i],
                                  &err);
        snprintf(names[i], sizeof names[i], "d%zu/%zu", doc, i % 3);
        r.reqs[i] = (struct da_request){.id = da_span_str(names[i]),
                                        .group = da_span(names[i], strlen(names[i]) - 2),
                                        .ids = ids[i].p,
                                        .n_ids = ids[i].n,
                                        .max_new = 5 + (uint32_t)(i * 7 % 40),
                                        .want_logprobs = true,
                                        .n_logprobs = i % 4 ? 3 : 0};
        if (i % 2)
            r.reqs[i].sampling = (struct da_sampling){1.0, 40, 0.95, 11};
        da_buf_init(&r.out[i], 0);
        da_buf_init(&first[i], 0);
    }
    for (size_t w = 0; w < DA_ARRAY_LEN(WAYS); w++) {
        size_t different = 0;
        run_with(m, &r, &WAYS[w]);
        for (size_t i = 0; i < n; i++) {
            if (w == 0)
                da_buf_add(&first[i], r.out[i].p, r.out[i].len);
            different +=
                first[i].len != r.out[i].len || memcmp(first[i].p, r.out[i].p, first[i].len) != 0;
        }
        tap_is_int((long long)different, 0,
                   "way %zu: tokens and log-probabilities are the same bytes", w);
        tap_ok((w == 0) == (r.shared == 0), "way %zu: %zu prompt tokens were shared", w, r.shared);
    }
    for (size_t i = 0; i < n; i++) {
        da_ids_release(&ids[i]);
        da_buf_release(&r.out[i]);
        da_buf_release(&first[i]);
    }
    da_tok_scratch_free(scratch);
}

static void test_refusals(const struct da_model *m)
{
    static int32_t many[600];
    static const int32_t BAD = 512, BOS = 1;
    struct run r = {.n = 4};
    for (size_t i = 0; i < 4; i++)
        da_buf_init(&r.out[i], 0);
    r.reqs[0] = (struct da_request){.ids = many, .n_ids = 600, .max_new = 4};
    r.reqs[1] = (struct da_request){.ids = &BAD, .n_ids = 1, .max_new = 4};
    r.reqs[2] = (struct da_request){.ids = &BOS, .n_ids = 1, .max_new = 1000};
    r.reqs[3] = (struct da_request){
        .ids = &BOS, .n_ids = 1, .max_new = 9, .stop_ids = (const int32_t[]){261}, .n_stop_ids = 1};
    run_with(m, &r, NULL);
    tap_is_int(r.finish[0], DA_FINISH_ERROR, "a prompt beyond the context is refused");
    tap_is_int(r.finish[1], DA_FINISH_ERROR, "a token beyond the vocabulary is refused");
    tap_is_str(r.message, "token 512 is outside the vocabulary of 512", "... and named");
    tap_is_int(r.finish[2], DA_FINISH_CONTEXT, "an answer ends with the context");
    tap_is_int((long long)r.out[2].len, 511 * 4, "... after 511 tokens");
    tap_is_int(r.finish[3], DA_FINISH_STOP, "a stop id ends an answer");
    tap_is_int((long long)r.out[3].len, 2 * 4, "... and is not given out");
    for (size_t i = 0; i < 4; i++)
        da_buf_release(&r.out[i]);
}

int main(void)
{
    const char *path = tap_shared("models/stories260K/stories260K-f32.gguf");
    struct da_model *m;
    struct da_tokenizer *tok;
    struct da_err err;
    if (!path) {
        tap_skip("no shared test material", "stories260K");
        return tap_done();
    }
    if (!tap_rc(da_model_open(&m, path, NULL, &err), &err, "model") ||
        !tap_rc(da_tokenizer_open_gguf(&tok, da_model_gguf(m), &err), &err, "tokenizer"))
        return tap_done();
    test_story(m, tok);
    test_scheduler(m, tok);
    test_refusals(m);
    da_tokenizer_close(tok);
    da_model_close(m);
    return tap_done();
}
