#ifndef ENGINE_CHAT_JINJA_CURSOR_H
#define ENGINE_CHAT_JINJA_CURSOR_H

/*
 * What the parser's two halves share: statements (jinja_parse.c) and expressions (jinja_expr.c).
 * Every function returns at once, with NULL, false or an empty name, after a failure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "engine/chat/jinja_ast.h"
#include "engine/chat/jinja_lex.h"

struct da_jparser {
    struct da_arena *a;
    const struct da_jtoken *t; /* the current one */
    unsigned depth;
    unsigned loops; /* open for blocks: break and continue belong to one */
    struct da_err *err;
    enum da_rc rc;
};

/* Records the first failure, with the current token's line and text; returns NULL. */
struct da_jnode *da_jp_fail(struct da_jparser *p, enum da_rc code, const char *why);
/* A node of the current line. */
struct da_jnode *da_jp_node(struct da_jparser *p, enum da_jnode_kind kind);
void da_jp_append(struct da_jparser *p, struct da_jblock *b, struct da_jnode *n);
void da_jp_append_kwarg(struct da_jparser *p, struct da_jnode *n, struct da_span name,
                        struct da_jnode *value);

/* Whether the current token is this one; take: and step over it; expect: fails when it is not. */
bool da_jp_is_op(const struct da_jparser *p, const char *op);
bool da_jp_is_name(const struct da_jparser *p, const char *name);
bool da_jp_take_op(struct da_jparser *p, const char *op);
bool da_jp_take_name(struct da_jparser *p, const char *name);
void da_jp_expect_op(struct da_jparser *p, const char *op);
struct da_span da_jp_expect_name(struct da_jparser *p);

/* One level deeper, within DA_CHAT_MAX_DEPTH; the caller counts depth down again. */
bool da_jp_enter(struct da_jparser *p);

struct da_jnode *da_jp_expression(struct da_jparser *p);
/* kind: DA_JN_OR, an expression without a condition ("a if b else c"), or DA_JN_AND. */
struct da_jnode *da_jp_logic(struct da_jparser *p, enum da_jnode_kind kind);
/* One expression, or several with commas: a tuple. */
struct da_jnode *da_jp_tuple(struct da_jparser *p, bool parentheses);
/* A filter's name and arguments; of is NULL in front of a filter block. */
struct da_jnode *da_jp_filter(struct da_jparser *p, struct da_jnode *of);

#endif
