#ifndef ENGINE_CHAT_JINJA_LEX_H
#define ENGINE_CHAT_JINJA_LEX_H

/* Template text to tokens (jinja2 3.1, lexer.py, with trim_blocks and lstrip_blocks). */

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/span.h"

enum da_jtoken_kind {
    DA_JT_END, /* of the template */
    DA_JT_DATA,
    DA_JT_VAR_BEGIN,
    DA_JT_VAR_END,
    DA_JT_BLOCK_BEGIN,
    DA_JT_BLOCK_END,
    DA_JT_NAME,
    DA_JT_INT,
    DA_JT_FLOAT,
    DA_JT_STR,
    DA_JT_OP /* text: the operator */
};

struct da_jtoken {
    enum da_jtoken_kind kind;
    uint32_t line;
    struct da_span text; /* of strings: with escapes resolved */
    int64_t i;
    double d;
};

/* *tokens, and all texts, live in a; the last token is DA_JT_END. source stays in use. */
enum da_rc da_jinja_lex(struct da_arena *a, struct da_span source, struct da_jtoken **tokens,
                        size_t *n, struct da_err *err);

#endif
