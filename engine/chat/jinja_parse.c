/* Statements: recursive descent over the tokens (jinja2 3.1, parser.py). */

#include <stdbool.h>

#include "engine/chat/jinja_cursor.h"

static void statements(struct da_jparser *p, struct da_jblock *out, const char *const *ends);

static void block_end(struct da_jparser *p)
{
    if (p->rc == DA_OK && p->t->kind == DA_JT_BLOCK_END)
        p->t++;
    else
        (void)da_jp_fail(p, DA_EFORMAT, "expected the end of the block's tag");
}

/* Reads a body up to one of the words in ends, which stays the current token. */
static void body(struct da_jparser *p, struct da_jblock *out, const char *const *ends)
{
    block_end(p);
    statements(p, out, ends);
}

/* "for" and "set" targets: names, or namespace attributes where allowed. */
static void targets(struct da_jparser *p, struct da_jnode *of, bool attributes)
{
    bool parentheses = da_jp_take_op(p, "(");
    do {
        struct da_jnode *t = da_jp_node(p, DA_JN_NAME);
        t->name = da_jp_expect_name(p);
        if (attributes && da_jp_take_op(p, ".")) {
            t->kind = DA_JN_GETATTR;
            t->a = da_jp_node(p, DA_JN_NAME);
            t->a->name = t->name;
            t->name = da_jp_expect_name(p);
        }
        da_jp_append(p, &of->list, t);
    } while (da_jp_take_op(p, ",") && p->t->kind == DA_JT_NAME);
    if (parentheses)
        da_jp_expect_op(p, ")");
}

static struct da_jnode *for_statement(struct da_jparser *p)
{
    static const char *const ends[] = {"endfor", "else", NULL}, *const last[] = {"endfor", NULL};
    struct da_jnode *n = da_jp_node(p, DA_JN_FOR);
    targets(p, n, false);
    if (!da_jp_take_name(p, "in"))
        return da_jp_fail(p, DA_EFORMAT, "expected 'in'");
    /* Not a whole expression: "if" behind it filters the loop. */
    n->a = da_jp_logic(p, DA_JN_OR);
    if (da_jp_is_op(p, ",")) {
        struct da_jnode *t = da_jp_node(p, DA_JN_TUPLE);
        da_jp_append(p, &t->list, n->a);
        while (da_jp_take_op(p, ",") && p->rc == DA_OK && p->t->kind != DA_JT_BLOCK_END)
            da_jp_append(p, &t->list, da_jp_logic(p, DA_JN_OR));
        n->a = t;
    }
    if (da_jp_take_name(p, "if"))
        n->b = da_jp_expression(p);
    if (da_jp_take_name(p, "recursive"))
        return da_jp_fail(p, DA_EUNSUPPORTED, "recursive loops are not supported");
    p->loops++;
    body(p, &n->body, ends);
    p->loops--;
    if (da_jp_take_name(p, "else"))
        body(p, &n->other, last);
    (void)da_jp_take_name(p, "endfor");
    return n;
}

static struct da_jnode *if_statement(struct da_jparser *p)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    static const char *const last[] = {"endif", NULL};
    struct da_jnode *first = da_jp_node(p, DA_JN_IF), *n = first;
    for (;;) {
        n->a = da_jp_tuple(p, false);
        body(p, &n->body, ends);
        if (!da_jp_take_name(p, "elif"))
            break;
        struct da_jnode *next = da_jp_node(p, DA_JN_IF);
        da_jp_append(p, &n->other, next);
        n = next;
    }
    if (da_jp_take_name(p, "else"))
        body(p, &n->other, last);
    (void)da_jp_take_name(p, "endif");
    return first;
}

static struct da_jnode *set_statement(struct da_jparser *p)
{
    static const char *const ends[] = {"endset", NULL};
    struct da_jnode *n = da_jp_node(p, DA_JN_SET);
    targets(p, n, true);
    if (da_jp_take_op(p, "=")) {
        n->a = da_jp_tuple(p, false);
        return n;
    }
    n->kind = DA_JN_SET_BLOCK;
    while (da_jp_take_op(p, "|"))
        n->a = da_jp_filter(p, n->a);
    body(p, &n->body, ends);
    (void)da_jp_take_name(p, "endset");
    return n;
}

static void parameters(struct da_jparser *p, struct da_jnode *n)
{
    da_jp_expect_op(p, "(");
    while (p->rc == DA_OK && !da_jp_is_op(p, ")")) {
        if (n->n_kwargs > 0)
            da_jp_expect_op(p, ",");
        if (p->rc != DA_OK || da_jp_is_op(p, ")"))
            break;
        struct da_span name = da_jp_expect_name(p);
        da_jp_append_kwarg(p, n, name, da_jp_take_op(p, "=") ? da_jp_expression(p) : NULL);
    }
    da_jp_expect_op(p, ")");
}

static struct da_jnode *macro_statement(struct da_jparser *p)
{
    static const char *const ends[] = {"endmacro", NULL};
    struct da_jnode *n = da_jp_node(p, DA_JN_MACRO);
    unsigned loops = p->loops;
    n->name = da_jp_expect_name(p);
    parameters(p, n);
    p->loops = 0;
    body(p, &n->body, ends);
    p->loops = loops;
    (void)da_jp_take_name(p, "endmacro");
    return n;
}

static struct da_jnode *call_statement(struct da_jparser *p)
{
    static const char *const ends[] = {"endcall", NULL};
    struct da_jnode *n = da_jp_node(p, DA_JN_CALL_BLOCK);
    unsigned loops = p->loops;
    if (da_jp_is_op(p, "("))
        parameters(p, n);
    n->a = da_jp_expression(p);
    if (p->rc == DA_OK && n->a->kind != DA_JN_CALL)
        return da_jp_fail(p, DA_EFORMAT, "expected a call");
    p->loops = 0;
    body(p, &n->body, ends);
    p->loops = loops;
    (void)da_jp_take_name(p, "endcall");
    return n;
}

static struct da_jnode *with_statement(struct da_jparser *p)
{
    static const char *const ends[] = {"endwith", NULL};
    struct da_jnode *n = da_jp_node(p, DA_JN_WITH);
    while (p->rc == DA_OK && p->t->kind != DA_JT_BLOCK_END) {
        if (n->list.n > 0)
            da_jp_expect_op(p, ",");
        struct da_jnode *set = da_jp_node(p, DA_JN_SET);
        targets(p, set, false);
        da_jp_expect_op(p, "=");
        set->a = da_jp_expression(p);
        da_jp_append(p, &n->list, set);
    }
    body(p, &n->body, ends);
    (void)da_jp_take_name(p, "endwith");
    return n;
}

static struct da_jnode *filter_statement(struct da_jparser *p)
{
    static const char *const ends[] = {"endfilter", NULL};
    struct da_jnode *n = da_jp_node(p, DA_JN_FILTER_BLOCK);
    n->a = da_jp_filter(p, NULL);
    while (da_jp_take_op(p, "|"))
        n->a = da_jp_filter(p, n->a);
    body(p, &n->body, ends);
    (void)da_jp_take_name(p, "endfilter");
    return n;
}

static struct da_jnode *generation_statement(struct da_jparser *p)
{
    static const char *const ends[] = {"endgeneration", NULL};
    struct da_jnode *n = da_jp_node(p, DA_JN_GENERATION);
    unsigned loops = p->loops;
    p->loops = 0;
    body(p, &n->body, ends);
    p->loops = loops;
    (void)da_jp_take_name(p, "endgeneration");
    return n;
}

static struct da_jnode *jump_statement(struct da_jparser *p)
{
    struct da_jnode *n =
        da_jp_node(p, da_span_is(p->t[-1].text, "break") ? DA_JN_BREAK : DA_JN_CONTINUE);
    return p->loops ? n : da_jp_fail(p, DA_EFORMAT, "break or continue outside a loop");
}

static struct da_jnode *statement(struct da_jparser *p)
{
    static const struct {
        const char *word;
        struct da_jnode *(*parse)(struct da_jparser *p);
    } words[] = {{"for", for_statement},    {"if", if_statement},
                 {"set", set_statement},    {"macro", macro_statement},
                 {"call", call_statement},  {"filter", filter_statement},
                 {"with", with_statement},  {"generation", generation_statement},
                 {"break", jump_statement}, {"continue", jump_statement}};
    for (size_t i = 0; i < DA_ARRAY_LEN(words); i++)
        if (da_jp_take_name(p, words[i].word))
            return words[i].parse(p);
    return da_jp_fail(p, DA_EUNSUPPORTED, "this kind of block is not supported,");
}

static bool is_end(const struct da_jparser *p, const char *const *ends)
{
    for (; ends && *ends; ends++)
        if (da_jp_is_name(p, *ends))
            return true;
    return false;
}

static void statements(struct da_jparser *p, struct da_jblock *out, const char *const *ends)
{
    if (!da_jp_enter(p))
        return;
    while (p->rc == DA_OK) {
        struct da_jnode *n = NULL;
        if (p->t->kind == DA_JT_END) {
            if (ends)
                (void)da_jp_fail(p, DA_EFORMAT, "the template ends inside a block");
            break;
        }
        if (p->t->kind == DA_JT_DATA) {
            n = da_jp_node(p, DA_JN_DATA);
            n->name = p->t->text;
            p->t++;
        } else if (p->t->kind == DA_JT_VAR_BEGIN) {
            n = da_jp_node(p, DA_JN_PRINT);
            p->t++;
            n->a = da_jp_tuple(p, false);
            if (p->rc == DA_OK && p->t->kind != DA_JT_VAR_END)
                (void)da_jp_fail(p, DA_EFORMAT, "expected '}}'");
            p->t += p->rc == DA_OK;
        } else {
            p->t++; /* DA_JT_BLOCK_BEGIN */
            if (is_end(p, ends))
                break;
            n = statement(p);
            block_end(p);
        }
        da_jp_append(p, out, n);
    }
    p->depth--;
}

enum da_rc da_jinja_parse(struct da_arena *a, struct da_span source, struct da_jblock *ret,
                          struct da_err *err)
{
    struct da_jtoken *tokens;
    size_t n;
    struct da_jblock root = {0};
    enum da_rc rc = da_jinja_lex(a, source, &tokens, &n, err);
    if (rc != DA_OK)
        return rc;
    struct da_jparser p = {.a = a, .t = tokens, .err = err};
    statements(&p, &root, NULL);
    if (p.rc == DA_OK)
        *ret = root;
    return p.rc;
}
