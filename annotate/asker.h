#ifndef ANNOTATE_ASKER_H
#define ANNOTATE_ASKER_H

/*
 * The requests for annotations: one per document, built from the prompt, and with the round
 * trip a second one that asks its question again; and the verdict on what a model replied. Shared
 * by asking online, asking in batches and estimating; private to annotate/.
 */

#include "annotate/annotate.h"
#include "api/client.h"
#include "prompts/ask.h"

enum { DA_ASKER_MAX_CACHE_KEYS = 64 };

#define DA_ASKER_TASK "annotate" /* of the ledger's requests */
#define DA_ASKER_AGAIN_TASK "round_trip"

struct da_asker_opts {
    const char *model;         /* borrowed, like all strings */
    const char *prompts_dir;   /* NULL: the built-in prompt */
    double temperature, top_p; /* < 0: not sent */
    int64_t seed;              /* < 0: not sent */
    int max_tokens;            /* completion budget of a first try */
    unsigned concurrency;      /* open requests, for the number of cache keys */
    bool round_trip;           /* every annotation's question is asked again */
};

struct da_asker {
    struct da_asker_opts o;
    struct da_chat_params params;
    struct da_ask *ask;
    struct da_buf prefix; /* '[' and the system message as JSON */
    struct da_key_base key_base;
    struct da_buf origin_params; /* for origin.params */
    struct da_buf identity;
    struct da_buf user; /* scratch: a user message */
    char *cache_keys[DA_ASKER_MAX_CACHE_KEYS];
    size_t n_cache_keys;
    int64_t system_tokens; /* of the system message's text */
    int64_t fixed_tokens;  /* the same and all overhead, from above */
    struct { /* the round trip's; unused without it */
        struct da_chat_params params;
        struct da_buf prefix;
        struct da_key_base key_base;
        int64_t system_tokens;
    } again;
    struct da_arena scratch;
};

enum da_rc da_asker_new(struct da_asker **ret, const struct da_asker_opts *opts,
                        struct da_err *err);
void da_asker_free(struct da_asker *a); /* NULL allowed */

/* Whether there is anything to ask about. */
bool da_asker_has_text(const struct da_ann_doc *doc);

/* Appends the user message of a document's request. */
enum da_rc da_asker_user_text(const struct da_asker *a, const struct da_ann_doc *doc,
                              struct da_buf *out, struct da_err *err);

/* The call of a document's first try, its key set; owned by the caller. */
enum da_rc da_asker_call(struct da_asker *a, const struct da_ann_doc *doc, struct da_call **ret,
                         struct da_err *err);

/* Appends the user message of the round trip's request. */
enum da_rc da_asker_again_text(const struct da_asker *a, const struct da_ann_doc *doc,
                               struct da_span question, struct da_buf *out, struct da_err *err);
/* Its call. */
enum da_rc da_asker_again_call(struct da_asker *a, const struct da_ann_doc *doc,
                               struct da_span question, struct da_call **ret, struct da_err *err);
/* The same for the question of the annotation that the ledger has for doc; *ret is NULL when it
 * has none. */
enum da_rc da_asker_again_stored(struct da_asker *a, struct da_ledger *ledger,
                                 const struct da_ann_doc *doc, struct da_call **ret,
                                 struct da_err *err);

/* A da_client_result_fn; ctx is the asker. */
enum da_verdict da_asker_judge(void *ctx, struct da_call *c, const struct da_call_result *r,
                               const char **cause);

#endif
