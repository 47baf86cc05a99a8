/* The parser's place in the tokens, and nodes made there. */

#include <string.h>

#include "engine/chat/chat_template.h"
#include "engine/chat/jinja_cursor.h"

struct da_jnode *da_jp_fail(struct da_jparser *p, enum da_rc code, const char *why)
{
    if (p->rc == DA_OK) {
        struct da_span s = p->t->text;
        p->rc =
            da_fail(p->err, code, "line %u: %s%s%.*s%s", (unsigned)p->t->line, why,
                    s.len ? " at '" : "", (int)(s.len > 40 ? 40 : s.len), s.p, s.len ? "'" : "");
    }
    return NULL;
}

struct da_jnode *da_jp_node(struct da_jparser *p, enum da_jnode_kind kind)
{
    struct da_jnode *n = da_arena_alloc(p->a, 1, sizeof *n);
    n->kind = (uint8_t)kind;
    n->line = p->t->line;
    return n;
}

void da_jp_append(struct da_jparser *p, struct da_jblock *b, struct da_jnode *n)
{
    DA_ARENA_GROW(p->a, b->nodes, b->n, b->cap);
    b->nodes[b->n++] = n;
}

void da_jp_append_kwarg(struct da_jparser *p, struct da_jnode *n, struct da_span name,
                        struct da_jnode *value)
{
    DA_ARENA_GROW(p->a, n->kwargs, n->n_kwargs, n->cap_kwargs);
    n->kwargs[n->n_kwargs++] = (struct da_jkwarg){name, value};
}

bool da_jp_is_op(const struct da_jparser *p, const char *op)
{
    return p->t->kind == DA_JT_OP && da_span_is(p->t->text, op);
}

bool da_jp_is_name(const struct da_jparser *p, const char *name)
{
    return p->t->kind == DA_JT_NAME && da_span_is(p->t->text, name);
}

bool da_jp_take_op(struct da_jparser *p, const char *op)
{
    if (p->rc != DA_OK || !da_jp_is_op(p, op))
        return false;
    p->t++;
    return true;
}

bool da_jp_take_name(struct da_jparser *p, const char *name)
{
    if (p->rc != DA_OK || !da_jp_is_name(p, name))
        return false;
    p->t++;
    return true;
}

void da_jp_expect_op(struct da_jparser *p, const char *op)
{
    char why[32] = "expected '";
    if (da_jp_take_op(p, op))
        return;
    memcpy(why + 10, op, strlen(op) + 1);
    memcpy(why + 10 + strlen(op), "'", 2);
    (void)da_jp_fail(p, DA_EFORMAT, why);
}

struct da_span da_jp_expect_name(struct da_jparser *p)
{
    struct da_span name = p->t->text;
    if (p->rc != DA_OK || p->t->kind != DA_JT_NAME) {
        (void)da_jp_fail(p, DA_EFORMAT, "expected a name");
        return da_span("", 0);
    }
    p->t++;
    return name;
}

bool da_jp_enter(struct da_jparser *p)
{
    if (p->rc == DA_OK && ++p->depth <= DA_CHAT_MAX_DEPTH)
        return true;
    (void)da_jp_fail(p, DA_ELIMIT, "nested too deeply");
    return false;
}
