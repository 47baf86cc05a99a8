#ifndef PROMPTS_ASK_H
#define PROMPTS_ASK_H

/*
 * The annotation prompt (prompts/annotate/): one system message, the same bytes for every
 * document, and one user message with the document and its three requests. Which phrasing of
 * the summary and suggestion request and which kind of question a document gets depends on
 * its id alone.
 */

#include "prompts/prompts.h"

struct da_ask;

struct da_ask_requests {
    struct da_span summ, suggestion; /* as a person would say them; written into the record */
    struct da_span qa;               /* the kind of question the model is to write */
};

/* dir NULL: the built-in prompt. */
enum da_rc da_ask_open(struct da_ask **ret, const char *dir, struct da_err *err);
void da_ask_close(struct da_ask *a); /* NULL allowed */

const char *da_ask_sha256(const struct da_ask *a);
struct da_span da_ask_system(const struct da_ask *a);
/* The in-context examples alone: a reply must not repeat them. */
struct da_span da_ask_examples(const struct da_ask *a);

void da_ask_choose(const struct da_ask *a, struct da_span id, struct da_ask_requests *r);
/* Appends the user message. */
enum da_rc da_ask_user(const struct da_ask *a, struct da_span document,
                       const struct da_ask_requests *r, struct da_buf *out, struct da_err *err);
/* Appends the message that asks once more after a reply that could not be used. */
enum da_rc da_ask_repair(const struct da_ask *a, struct da_span error, struct da_buf *out,
                         struct da_err *err);

/*
 * The round trip: the prompt that asks an annotation's question again, to somebody who does not
 * know its answer (prompts/round_trip/). To be opened before the others are called.
 */
enum da_rc da_ask_open_again(struct da_ask *a, const char *dir, struct da_err *err);
const char *da_ask_again_sha256(const struct da_ask *a);
struct da_span da_ask_again_system(const struct da_ask *a);
enum da_rc da_ask_again_user(const struct da_ask *a, struct da_span document,
                             struct da_span question, struct da_buf *out, struct da_err *err);

#endif
