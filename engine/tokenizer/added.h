#ifndef ENGINE_TOKENIZER_ADDED_H
#define ENGINE_TOKENIZER_ADDED_H

/*
 * Added tokens: control and user tokens that are found in the text before it is
 * tokenized. The leftmost match wins, then the longest, as in Hugging Face's
 * tokenizers. A match looks at no more than DA_VOCAB_MAX_ADDED_LEN bytes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/span.h"

struct da_vocab;

struct da_added {
    int32_t *ids; /* [n], sorted by text; owned */
    size_t n;
    uint32_t first[257];     /* ids[first[b] .. first[b + 1]] begin with byte b */
    bool user_starts[256];   /* a user token begins with this byte */
    bool any_starts[256];
    bool has_user;
};

/* Takes the tokens whose DA_TOKEN_NORMALIZED flag is as asked. */
enum da_rc da_added_build(struct da_added *a, const struct da_vocab *v, bool normalized,
                          struct da_err *err);
void da_added_release(struct da_added *a);

struct da_added_match {
    size_t start, end; /* what the token takes, its stripped white space included */
    int32_t id;
};

/* The next match in text from offset at on; control tokens only when asked. False: none. */
bool da_added_next(const struct da_added *a, const struct da_vocab *v, struct da_span text,
                   size_t at, bool control, struct da_added_match *m);

/* Where the next control token's text begins, at or after at, whatever stands around it; text.len:
 * nowhere. */
size_t da_added_control(const struct da_added *a, const struct da_vocab *v, struct da_span text,
                        size_t at);

/* The id whose text this is, or -1. */
int32_t da_added_find(const struct da_added *a, const struct da_vocab *v, struct da_span text);

#endif
