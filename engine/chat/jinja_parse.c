/* Recursive descent over the tokens, with the precedence of jinja2 3.1 (parser.py). */

#include <stdbool.h>
#include <string.h>

#include "common/attr.h"
#include "engine/chat/chat_template.h"
#include "engine/chat/jinja_ast.h"
#include "engine/chat/jinja_lex.h"

struct parser {
    struct da_arena *a;
    const struct da_jtoken *t; /* the current one */
    unsigned depth;
    unsigned loops; /* open for blocks: break and continue belong to one */
    struct da_err *err;
    enum da_rc rc;
};

static struct da_jnode *expression(struct parser *p);
static void statements(struct parser *p, struct da_jblock *out, const char *const *ends);

/* Every function below returns at once, with NULL, after a failure. */
static struct da_jnode *fail(struct parser *p, enum da_rc code, const char *why)
{
    if (p->rc == DA_OK) {
        struct da_span s = p->t->text;
        p->rc =
            da_fail(p->err, code, "line %u: %s%s%.*s%s", (unsigned)p->t->line, why,
                    s.len ? " at '" : "", (int)(s.len > 40 ? 40 : s.len), s.p, s.len ? "'" : "");
    }
    return NULL;
}

static struct da_jnode *node(struct parser *p, enum da_jnode_kind kind)
{
    struct da_jnode *n = da_arena_alloc(p->a, 1, sizeof *n);
    n->kind = (uint8_t)kind;
    n->line = p->t->line;
    return n;
}

static void append(struct parser *p, struct da_jblock *b, struct da_jnode *n)
{
    if (b->n == b->cap) {
        size_t cap = b->cap ? 2 * b->cap : 4;
        struct da_jnode **nodes = da_arena_alloc(p->a, cap, sizeof *nodes);
        if (b->n > 0)
            memcpy(nodes, b->nodes, b->n * sizeof *nodes);
        b->nodes = nodes;
        b->cap = cap;
    }
    b->nodes[b->n++] = n;
}

static void append_kwarg(struct parser *p, struct da_jnode *n, struct da_span name,
                         struct da_jnode *value)
{
    if (n->n_kwargs == n->cap_kwargs) {
        size_t cap = n->cap_kwargs ? 2 * n->cap_kwargs : 4;
        struct da_jkwarg *kwargs = da_arena_alloc(p->a, cap, sizeof *kwargs);
        if (n->n_kwargs > 0)
            memcpy(kwargs, n->kwargs, n->n_kwargs * sizeof *kwargs);
        n->kwargs = kwargs;
        n->cap_kwargs = cap;
    }
    n->kwargs[n->n_kwargs++] = (struct da_jkwarg){name, value};
}

static bool is_op(const struct parser *p, const char *op)
{
    return p->t->kind == DA_JT_OP && da_span_is(p->t->text, op);
}

static bool is_name(const struct parser *p, const char *name)
{
    return p->t->kind == DA_JT_NAME && da_span_is(p->t->text, name);
}

static bool take_op(struct parser *p, const char *op)
{
    if (p->rc != DA_OK || !is_op(p, op))
        return false;
    p->t++;
    return true;
}

static bool take_name(struct parser *p, const char *name)
{
    if (p->rc != DA_OK || !is_name(p, name))
        return false;
    p->t++;
    return true;
}

static void expect_op(struct parser *p, const char *op)
{
    char why[32] = "expected '";
    if (take_op(p, op))
        return;
    memcpy(why + 10, op, strlen(op) + 1);
    memcpy(why + 10 + strlen(op), "'", 2);
    (void)fail(p, DA_EFORMAT, why);
}

static struct da_span expect_name(struct parser *p)
{
    struct da_span name = p->t->text;
    if (p->rc != DA_OK || p->t->kind != DA_JT_NAME) {
        (void)fail(p, DA_EFORMAT, "expected a name");
        return da_span("", 0);
    }
    p->t++;
    return name;
}

static bool enter(struct parser *p)
{
    if (p->rc == DA_OK && ++p->depth <= DA_CHAT_MAX_DEPTH)
        return true;
    (void)fail(p, DA_ELIMIT, "nested too deeply");
    return false;
}

/* ---- expressions ----------------------------------------------------------------------------- */

static struct da_jnode *name_node(struct parser *p)
{
    static const struct {
        const char *name;
        enum da_jtype type;
        bool b;
    } constants[] = {{"true", DA_J_BOOL, true},   {"True", DA_J_BOOL, true},
                     {"false", DA_J_BOOL, false}, {"False", DA_J_BOOL, false},
                     {"none", DA_J_NONE, false},  {"None", DA_J_NONE, false}};
    struct da_jnode *n = node(p, DA_JN_NAME);
    n->name = p->t->text;
    for (size_t i = 0; i < DA_ARRAY_LEN(constants); i++) {
        if (da_span_is(n->name, constants[i].name)) {
            n->kind = DA_JN_CONST;
            n->value = constants[i].type == DA_J_NONE ? da_j_none() : da_j_bool(constants[i].b);
        }
    }
    p->t++;
    return n;
}

static struct da_jnode *string_node(struct parser *p)
{
    struct da_jnode *n = node(p, DA_JN_CONST);
    struct da_span text = p->t->text;
    p->t++;
    while (p->t->kind == DA_JT_STR) { /* neighbours are one string */
        char *joined = da_arena_alloc(p->a, text.len + p->t->text.len + 1, 1);
        memcpy(joined, text.p, text.len);
        memcpy(joined + text.len, p->t->text.p, p->t->text.len);
        text = da_span(joined, text.len + p->t->text.len);
        p->t++;
    }
    n->value = da_j_str(text);
    return n;
}

static bool at_tuple_end(const struct parser *p)
{
    return p->t->kind == DA_JT_VAR_END || p->t->kind == DA_JT_BLOCK_END || is_op(p, ")");
}

/* One expression, or several with commas: a tuple. */
static struct da_jnode *tuple(struct parser *p, bool parentheses)
{
    struct da_jnode *t = node(p, DA_JN_TUPLE);
    bool comma = false;
    while (p->rc == DA_OK && !at_tuple_end(p)) {
        append(p, &t->list, expression(p));
        if (!take_op(p, ","))
            break;
        comma = true;
    }
    if (!comma && t->list.n == 1)
        return t->list.nodes[0];
    if (!comma && !parentheses)
        return fail(p, DA_EFORMAT, "expected an expression");
    return t;
}

static struct da_jnode *list_node(struct parser *p, const char *close, bool dict)
{
    struct da_jnode *n = node(p, dict ? DA_JN_DICT : DA_JN_LIST);
    p->t++;
    while (p->rc == DA_OK && !is_op(p, close)) {
        if (n->list.n > 0)
            expect_op(p, ",");
        if (p->rc != DA_OK || is_op(p, close))
            break;
        append(p, &n->list, expression(p));
        if (dict) {
            expect_op(p, ":");
            append(p, &n->list, expression(p));
        }
    }
    expect_op(p, close);
    return n;
}

static struct da_jnode *primary(struct parser *p)
{
    struct da_jnode *n;
    if (p->rc != DA_OK)
        return NULL;
    switch (p->t->kind) {
    case DA_JT_NAME: return name_node(p);
    case DA_JT_STR: return string_node(p);
    case DA_JT_INT:
    case DA_JT_FLOAT:
        n = node(p, DA_JN_CONST);
        n->value = p->t->kind == DA_JT_INT ? da_j_int(p->t->i) : da_j_float(p->t->d);
        p->t++;
        return n;
    default: break;
    }
    if (take_op(p, "(")) {
        n = tuple(p, true);
        expect_op(p, ")");
        return n;
    }
    if (is_op(p, "["))
        return list_node(p, "]", false);
    if (is_op(p, "{"))
        return list_node(p, "}", true);
    return fail(p, DA_EFORMAT, "unexpected end or sign");
}

static void call_args(struct parser *p, struct da_jnode *call)
{
    expect_op(p, "(");
    for (bool first = true; p->rc == DA_OK && !is_op(p, ")"); first = false) {
        if (!first)
            expect_op(p, ",");
        if (p->rc != DA_OK || is_op(p, ")"))
            break;
        if (is_op(p, "*") || is_op(p, "**")) {
            (void)fail(p, DA_EUNSUPPORTED, "unpacked arguments are not supported");
        } else if (p->t->kind == DA_JT_NAME && p->t[1].kind == DA_JT_OP &&
                   da_span_is(p->t[1].text, "=")) {
            struct da_span name = p->t->text;
            p->t += 2;
            append_kwarg(p, call, name, expression(p));
        } else if (call->n_kwargs > 0) {
            (void)fail(p, DA_EFORMAT, "a positional argument after a named one");
        } else {
            append(p, &call->list, expression(p));
        }
    }
    expect_op(p, ")");
}

static struct da_jnode *call(struct parser *p, struct da_jnode *callee)
{
    struct da_jnode *n = node(p, DA_JN_CALL);
    n->a = callee;
    call_args(p, n);
    return n;
}

static struct da_jnode *subscript(struct parser *p, struct da_jnode *of)
{
    struct da_jnode *n = node(p, DA_JN_GETITEM);
    n->a = of;
    if (take_op(p, ".")) {
        if (p->t->kind == DA_JT_INT) {
            n->b = node(p, DA_JN_CONST);
            n->b->value = da_j_int(p->t->i);
            p->t++;
            return n;
        }
        n->kind = DA_JN_GETATTR;
        n->name = expect_name(p);
        return n;
    }
    expect_op(p, "[");
    struct da_jnode *part[3] = {NULL, NULL, NULL};
    unsigned i = 0;
    bool slice = false;
    while (p->rc == DA_OK && !is_op(p, "]")) {
        if (take_op(p, ":")) {
            slice = true;
            if (++i > 2)
                return fail(p, DA_EFORMAT, "a slice has at most three parts");
            continue;
        }
        if (part[i])
            return fail(p, DA_EFORMAT, "expected ']'");
        part[i] = expression(p);
    }
    expect_op(p, "]");
    if (slice) {
        n->kind = DA_JN_SLICE;
        for (i = 0; i < 3; i++)
            append(p, &n->list, part[i]);
    } else if (!part[0]) {
        return fail(p, DA_EFORMAT, "expected a subscript");
    }
    n->b = part[0];
    return n;
}

static struct da_jnode *postfix(struct parser *p, struct da_jnode *n)
{
    while (p->rc == DA_OK) {
        if (is_op(p, ".") || is_op(p, "["))
            n = subscript(p, n);
        else if (is_op(p, "("))
            n = call(p, n);
        else
            break;
    }
    return n;
}

static struct da_jnode *filter(struct parser *p, struct da_jnode *of)
{
    struct da_jnode *n = node(p, DA_JN_FILTER);
    n->a = of;
    n->name = expect_name(p);
    if (is_op(p, "("))
        call_args(p, n);
    return n;
}

static struct da_jnode *test(struct parser *p, struct da_jnode *of)
{
    struct da_jnode *n = node(p, DA_JN_TEST), *result = n;
    if (is_name(p, "not")) {
        result = node(p, DA_JN_NOT);
        result->a = n;
        p->t++;
    }
    n->a = of;
    n->name = expect_name(p);
    if (p->rc != DA_OK)
        return NULL;
    bool starts =
        (p->t->kind >= DA_JT_NAME && p->t->kind <= DA_JT_STR) || is_op(p, "[") || is_op(p, "{");
    bool word = is_name(p, "else") || is_name(p, "or") || is_name(p, "and");
    if (is_op(p, "("))
        call_args(p, n);
    else if (starts && is_name(p, "is"))
        return fail(p, DA_EFORMAT, "tests cannot be chained");
    else if (starts && !word && !is_name(p, "if"))
        append(p, &n->list, postfix(p, primary(p)));
    return result;
}

static struct da_jnode *filters(struct parser *p, struct da_jnode *n)
{
    while (p->rc == DA_OK) {
        if (take_op(p, "|"))
            n = filter(p, n);
        else if (take_name(p, "is"))
            n = test(p, n);
        else if (is_op(p, "("))
            n = call(p, n);
        else
            break;
    }
    return n;
}

static struct da_jnode *unary(struct parser *p, bool with_filter)
{
    struct da_jnode *n = NULL;
    if (!enter(p))
        return NULL;
    if (is_op(p, "-") || is_op(p, "+")) {
        n = node(p, is_op(p, "-") ? DA_JN_NEG : DA_JN_POS);
        p->t++;
        n->a = unary(p, false);
    } else {
        n = primary(p);
    }
    n = postfix(p, n);
    if (with_filter)
        n = filters(p, n);
    p->depth--;
    return n;
}

static struct da_jnode *binary(struct parser *p, char op, struct da_jnode *a, struct da_jnode *b)
{
    struct da_jnode *n = node(p, DA_JN_BINARY);
    n->op = op;
    n->a = a;
    n->b = b;
    return n;
}

static struct da_jnode *power(struct parser *p)
{
    struct da_jnode *n = unary(p, true);
    while (take_op(p, "**"))
        n = binary(p, 'P', n, unary(p, true));
    return n;
}

static struct da_jnode *product(struct parser *p)
{
    struct da_jnode *n = power(p);
    while (p->rc == DA_OK) {
        if (take_op(p, "*"))
            n = binary(p, '*', n, power(p));
        else if (take_op(p, "/"))
            n = binary(p, '/', n, power(p));
        else if (take_op(p, "//"))
            n = binary(p, 'F', n, power(p));
        else if (take_op(p, "%"))
            n = binary(p, '%', n, power(p));
        else
            break;
    }
    return n;
}

static struct da_jnode *concat(struct parser *p)
{
    struct da_jnode *first = product(p), *n = NULL;
    while (take_op(p, "~")) {
        if (!n) {
            n = node(p, DA_JN_CONCAT);
            append(p, &n->list, first);
        }
        append(p, &n->list, product(p));
    }
    return n ? n : first;
}

static struct da_jnode *sum(struct parser *p)
{
    struct da_jnode *n = concat(p);
    while (p->rc == DA_OK) {
        if (take_op(p, "+"))
            n = binary(p, '+', n, concat(p));
        else if (take_op(p, "-"))
            n = binary(p, '-', n, concat(p));
        else
            break;
    }
    return n;
}

/* The comparison at the current token, or 0. */
static char comparison(struct parser *p)
{
    static const struct {
        const char *text;
        char op;
    } ops[] = {{"==", '='}, {"!=", '!'}, {"<", '<'}, {">", '>'}, {"<=", 'l'}, {">=", 'g'}};
    for (size_t i = 0; i < DA_ARRAY_LEN(ops); i++)
        if (take_op(p, ops[i].text))
            return ops[i].op;
    if (take_name(p, "in"))
        return 'i';
    if (is_name(p, "not") && p->t[1].kind == DA_JT_NAME && da_span_is(p->t[1].text, "in")) {
        p->t += 2;
        return 'n';
    }
    return 0;
}

static struct da_jnode *compare(struct parser *p)
{
    struct da_jnode *first = sum(p), *n = NULL;
    for (char op; p->rc == DA_OK && (op = comparison(p)) != 0;) {
        if (!n) {
            n = node(p, DA_JN_COMPARE);
            n->a = first;
        }
        append(p, &n->list, binary(p, op, NULL, sum(p)));
    }
    return n ? n : first;
}

static struct da_jnode *negation(struct parser *p)
{
    if (!is_name(p, "not"))
        return compare(p);
    struct da_jnode *n = node(p, DA_JN_NOT);
    if (!enter(p))
        return NULL;
    p->t++;
    n->a = negation(p);
    p->depth--;
    return n;
}

static struct da_jnode *logic(struct parser *p, enum da_jnode_kind kind)
{
    struct da_jnode *left = kind == DA_JN_OR ? logic(p, DA_JN_AND) : negation(p);
    while (take_name(p, kind == DA_JN_OR ? "or" : "and")) {
        struct da_jnode *n = node(p, kind);
        n->a = left;
        n->b = kind == DA_JN_OR ? logic(p, DA_JN_AND) : negation(p);
        left = n;
    }
    return left;
}

static struct da_jnode *expression(struct parser *p)
{
    if (!enter(p))
        return NULL;
    struct da_jnode *value = logic(p, DA_JN_OR);
    while (take_name(p, "if")) {
        struct da_jnode *n = node(p, DA_JN_COND);
        n->b = value;
        n->a = logic(p, DA_JN_OR);
        if (take_name(p, "else"))
            n->c = expression(p);
        value = n;
    }
    p->depth--;
    return value;
}

/* ---- statements ------------------------------------------------------------------------------ */

static void block_end(struct parser *p)
{
    if (p->rc == DA_OK && p->t->kind == DA_JT_BLOCK_END)
        p->t++;
    else
        (void)fail(p, DA_EFORMAT, "expected the end of the block's tag");
}

/* Reads a body up to one of the words in ends, which stays the current token. */
static void body(struct parser *p, struct da_jblock *out, const char *const *ends)
{
    block_end(p);
    statements(p, out, ends);
}

/* "for" and "set" targets: names, or namespace attributes where allowed. */
static void targets(struct parser *p, struct da_jnode *of, bool attributes)
{
    bool parentheses = take_op(p, "(");
    do {
        struct da_jnode *t = node(p, DA_JN_NAME);
        t->name = expect_name(p);
        if (attributes && take_op(p, ".")) {
            t->kind = DA_JN_GETATTR;
            t->a = node(p, DA_JN_NAME);
            t->a->name = t->name;
            t->name = expect_name(p);
        }
        append(p, &of->list, t);
    } while (take_op(p, ",") && p->t->kind == DA_JT_NAME);
    if (parentheses)
        expect_op(p, ")");
}

static struct da_jnode *for_statement(struct parser *p)
{
    static const char *const ends[] = {"endfor", "else", NULL}, *const last[] = {"endfor", NULL};
    struct da_jnode *n = node(p, DA_JN_FOR);
    targets(p, n, false);
    if (!take_name(p, "in"))
        return fail(p, DA_EFORMAT, "expected 'in'");
    /* Not a whole expression: "if" behind it filters the loop. */
    n->a = logic(p, DA_JN_OR);
    if (is_op(p, ",")) {
        struct da_jnode *t = node(p, DA_JN_TUPLE);
        append(p, &t->list, n->a);
        while (take_op(p, ",") && p->rc == DA_OK && p->t->kind != DA_JT_BLOCK_END)
            append(p, &t->list, logic(p, DA_JN_OR));
        n->a = t;
    }
    if (take_name(p, "if"))
        n->b = expression(p);
    if (take_name(p, "recursive"))
        return fail(p, DA_EUNSUPPORTED, "recursive loops are not supported");
    p->loops++;
    body(p, &n->body, ends);
    p->loops--;
    if (take_name(p, "else"))
        body(p, &n->other, last);
    (void)take_name(p, "endfor");
    return n;
}

static struct da_jnode *if_statement(struct parser *p)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    static const char *const last[] = {"endif", NULL};
    struct da_jnode *first = node(p, DA_JN_IF), *n = first;
    for (;;) {
        n->a = tuple(p, false);
        body(p, &n->body, ends);
        if (!take_name(p, "elif"))
            break;
        struct da_jnode *next = node(p, DA_JN_IF);
        append(p, &n->other, next);
        n = next;
    }
    if (take_name(p, "else"))
        body(p, &n->other, last);
    (void)take_name(p, "endif");
    return first;
}

static struct da_jnode *set_statement(struct parser *p)
{
    static const char *const ends[] = {"endset", NULL};
    struct da_jnode *n = node(p, DA_JN_SET);
    targets(p, n, true);
    if (take_op(p, "=")) {
        n->a = tuple(p, false);
        return n;
    }
    n->kind = DA_JN_SET_BLOCK;
    while (take_op(p, "|"))
        n->a = filter(p, n->a);
    body(p, &n->body, ends);
    (void)take_name(p, "endset");
    return n;
}

static void parameters(struct parser *p, struct da_jnode *n)
{
    expect_op(p, "(");
    while (p->rc == DA_OK && !is_op(p, ")")) {
        if (n->n_kwargs > 0)
            expect_op(p, ",");
        if (p->rc != DA_OK || is_op(p, ")"))
            break;
        struct da_span name = expect_name(p);
        append_kwarg(p, n, name, take_op(p, "=") ? expression(p) : NULL);
    }
    expect_op(p, ")");
}

static struct da_jnode *macro_statement(struct parser *p)
{
    static const char *const ends[] = {"endmacro", NULL};
    struct da_jnode *n = node(p, DA_JN_MACRO);
    unsigned loops = p->loops;
    n->name = expect_name(p);
    parameters(p, n);
    p->loops = 0;
    body(p, &n->body, ends);
    p->loops = loops;
    (void)take_name(p, "endmacro");
    return n;
}

static struct da_jnode *call_statement(struct parser *p)
{
    static const char *const ends[] = {"endcall", NULL};
    struct da_jnode *n = node(p, DA_JN_CALL_BLOCK);
    unsigned loops = p->loops;
    if (is_op(p, "("))
        parameters(p, n);
    n->a = expression(p);
    if (p->rc == DA_OK && n->a->kind != DA_JN_CALL)
        return fail(p, DA_EFORMAT, "expected a call");
    p->loops = 0;
    body(p, &n->body, ends);
    p->loops = loops;
    (void)take_name(p, "endcall");
    return n;
}

static struct da_jnode *with_statement(struct parser *p)
{
    static const char *const ends[] = {"endwith", NULL};
    struct da_jnode *n = node(p, DA_JN_WITH);
    while (p->rc == DA_OK && p->t->kind != DA_JT_BLOCK_END) {
        if (n->list.n > 0)
            expect_op(p, ",");
        struct da_jnode *set = node(p, DA_JN_SET);
        targets(p, set, false);
        expect_op(p, "=");
        set->a = expression(p);
        append(p, &n->list, set);
    }
    body(p, &n->body, ends);
    (void)take_name(p, "endwith");
    return n;
}

static struct da_jnode *filter_statement(struct parser *p)
{
    static const char *const ends[] = {"endfilter", NULL};
    struct da_jnode *n = node(p, DA_JN_FILTER_BLOCK);
    n->a = filter(p, NULL);
    while (take_op(p, "|"))
        n->a = filter(p, n->a);
    body(p, &n->body, ends);
    (void)take_name(p, "endfilter");
    return n;
}

static struct da_jnode *generation_statement(struct parser *p)
{
    static const char *const ends[] = {"endgeneration", NULL};
    struct da_jnode *n = node(p, DA_JN_GENERATION);
    unsigned loops = p->loops;
    p->loops = 0;
    body(p, &n->body, ends);
    p->loops = loops;
    (void)take_name(p, "endgeneration");
    return n;
}

static struct da_jnode *jump_statement(struct parser *p)
{
    struct da_jnode *n = node(p, da_span_is(p->t[-1].text, "break") ? DA_JN_BREAK : DA_JN_CONTINUE);
    return p->loops ? n : fail(p, DA_EFORMAT, "break or continue outside a loop");
}

static struct da_jnode *statement(struct parser *p)
{
    static const struct {
        const char *word;
        struct da_jnode *(*parse)(struct parser *p);
    } words[] = {{"for", for_statement},    {"if", if_statement},
                 {"set", set_statement},    {"macro", macro_statement},
                 {"call", call_statement},  {"filter", filter_statement},
                 {"with", with_statement},  {"generation", generation_statement},
                 {"break", jump_statement}, {"continue", jump_statement}};
    for (size_t i = 0; i < DA_ARRAY_LEN(words); i++)
        if (take_name(p, words[i].word))
            return words[i].parse(p);
    return fail(p, DA_EUNSUPPORTED, "this kind of block is not supported,");
}

static bool is_end(const struct parser *p, const char *const *ends)
{
    for (; ends && *ends; ends++)
        if (is_name(p, *ends))
            return true;
    return false;
}

static void statements(struct parser *p, struct da_jblock *out, const char *const *ends)
{
    if (!enter(p))
        return;
    while (p->rc == DA_OK) {
        struct da_jnode *n = NULL;
        if (p->t->kind == DA_JT_END) {
            if (ends)
                (void)fail(p, DA_EFORMAT, "the template ends inside a block");
            break;
        }
        if (p->t->kind == DA_JT_DATA) {
            n = node(p, DA_JN_DATA);
            n->name = p->t->text;
            p->t++;
        } else if (p->t->kind == DA_JT_VAR_BEGIN) {
            n = node(p, DA_JN_PRINT);
            p->t++;
            n->a = tuple(p, false);
            if (p->rc == DA_OK && p->t->kind != DA_JT_VAR_END)
                (void)fail(p, DA_EFORMAT, "expected '}}'");
            p->t += p->rc == DA_OK;
        } else {
            p->t++; /* DA_JT_BLOCK_BEGIN */
            if (is_end(p, ends))
                break;
            n = statement(p);
            block_end(p);
        }
        append(p, out, n);
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
    struct parser p = {.a = a, .t = tokens, .err = err};
    statements(&p, &root, NULL);
    if (p.rc == DA_OK)
        *ret = root;
    return p.rc;
}
