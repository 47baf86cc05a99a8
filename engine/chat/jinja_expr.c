/* Expressions: recursive descent with the precedence of jinja2 3.1 (parser.py). */

#include "common/attr.h"
#include "engine/chat/jinja_cursor.h"

static struct da_jnode *name_node(struct da_jparser *p)
{
    static const struct {
        const char *name;
        enum da_jtype type;
        bool b;
    } constants[] = {{"true", DA_J_BOOL, true},   {"True", DA_J_BOOL, true},
                     {"false", DA_J_BOOL, false}, {"False", DA_J_BOOL, false},
                     {"none", DA_J_NONE, false},  {"None", DA_J_NONE, false}};
    struct da_jnode *n = da_jp_node(p, DA_JN_NAME);
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

static struct da_jnode *string_node(struct da_jparser *p)
{
    struct da_jnode *n = da_jp_node(p, DA_JN_CONST);
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

static bool at_tuple_end(const struct da_jparser *p)
{
    return p->t->kind == DA_JT_VAR_END || p->t->kind == DA_JT_BLOCK_END || da_jp_is_op(p, ")");
}

/* One expression, or several with commas: a tuple. */
struct da_jnode *da_jp_tuple(struct da_jparser *p, bool parentheses)
{
    struct da_jnode *t = da_jp_node(p, DA_JN_TUPLE);
    bool comma = false;
    while (p->rc == DA_OK && !at_tuple_end(p)) {
        da_jp_append(p, &t->list, da_jp_expression(p));
        if (!da_jp_take_op(p, ","))
            break;
        comma = true;
    }
    if (!comma && t->list.n == 1)
        return t->list.nodes[0];
    if (!comma && !parentheses)
        return da_jp_fail(p, DA_EFORMAT, "expected an expression");
    return t;
}

static struct da_jnode *list_node(struct da_jparser *p, const char *close, bool dict)
{
    struct da_jnode *n = da_jp_node(p, dict ? DA_JN_DICT : DA_JN_LIST);
    p->t++;
    while (p->rc == DA_OK && !da_jp_is_op(p, close)) {
        if (n->list.n > 0)
            da_jp_expect_op(p, ",");
        if (p->rc != DA_OK || da_jp_is_op(p, close))
            break;
        da_jp_append(p, &n->list, da_jp_expression(p));
        if (dict) {
            da_jp_expect_op(p, ":");
            da_jp_append(p, &n->list, da_jp_expression(p));
        }
    }
    da_jp_expect_op(p, close);
    return n;
}

static struct da_jnode *primary(struct da_jparser *p)
{
    struct da_jnode *n;
    if (p->rc != DA_OK)
        return NULL;
    switch (p->t->kind) {
    case DA_JT_NAME: return name_node(p);
    case DA_JT_STR: return string_node(p);
    case DA_JT_INT:
    case DA_JT_FLOAT:
        n = da_jp_node(p, DA_JN_CONST);
        n->value = p->t->kind == DA_JT_INT ? da_j_int(p->t->i) : da_j_float(p->t->d);
        p->t++;
        return n;
    default: break;
    }
    if (da_jp_take_op(p, "(")) {
        n = da_jp_tuple(p, true);
        da_jp_expect_op(p, ")");
        return n;
    }
    if (da_jp_is_op(p, "["))
        return list_node(p, "]", false);
    if (da_jp_is_op(p, "{"))
        return list_node(p, "}", true);
    return da_jp_fail(p, DA_EFORMAT, "unexpected end or sign");
}

static void call_args(struct da_jparser *p, struct da_jnode *call)
{
    da_jp_expect_op(p, "(");
    for (bool first = true; p->rc == DA_OK && !da_jp_is_op(p, ")"); first = false) {
        if (!first)
            da_jp_expect_op(p, ",");
        if (p->rc != DA_OK || da_jp_is_op(p, ")"))
            break;
        if (da_jp_is_op(p, "*") || da_jp_is_op(p, "**")) {
            (void)da_jp_fail(p, DA_EUNSUPPORTED, "unpacked arguments are not supported");
        } else if (p->t->kind == DA_JT_NAME && p->t[1].kind == DA_JT_OP &&
                   da_span_is(p->t[1].text, "=")) {
            struct da_span name = p->t->text;
            p->t += 2;
            da_jp_append_kwarg(p, call, name, da_jp_expression(p));
        } else if (call->n_kwargs > 0) {
            (void)da_jp_fail(p, DA_EFORMAT, "a positional argument after a named one");
        } else {
            da_jp_append(p, &call->list, da_jp_expression(p));
        }
    }
    da_jp_expect_op(p, ")");
}

static struct da_jnode *call(struct da_jparser *p, struct da_jnode *callee)
{
    struct da_jnode *n = da_jp_node(p, DA_JN_CALL);
    n->a = callee;
    call_args(p, n);
    return n;
}

static struct da_jnode *subscript(struct da_jparser *p, struct da_jnode *of)
{
    struct da_jnode *n = da_jp_node(p, DA_JN_GETITEM);
    n->a = of;
    if (da_jp_take_op(p, ".")) {
        if (p->t->kind == DA_JT_INT) {
            n->b = da_jp_node(p, DA_JN_CONST);
            n->b->value = da_j_int(p->t->i);
            p->t++;
            return n;
        }
        n->kind = DA_JN_GETATTR;
        n->name = da_jp_expect_name(p);
        return n;
    }
    da_jp_expect_op(p, "[");
    struct da_jnode *part[3] = {NULL, NULL, NULL};
    unsigned i = 0;
    bool slice = false;
    while (p->rc == DA_OK && !da_jp_is_op(p, "]")) {
        if (da_jp_take_op(p, ":")) {
            slice = true;
            if (++i > 2)
                return da_jp_fail(p, DA_EFORMAT, "a slice has at most three parts");
            continue;
        }
        if (part[i])
            return da_jp_fail(p, DA_EFORMAT, "expected ']'");
        part[i] = da_jp_expression(p);
    }
    da_jp_expect_op(p, "]");
    if (slice) {
        n->kind = DA_JN_SLICE;
        for (i = 0; i < 3; i++)
            da_jp_append(p, &n->list, part[i]);
    } else if (!part[0]) {
        return da_jp_fail(p, DA_EFORMAT, "expected a subscript");
    }
    n->b = part[0];
    return n;
}

static struct da_jnode *postfix(struct da_jparser *p, struct da_jnode *n)
{
    while (p->rc == DA_OK) {
        if (da_jp_is_op(p, ".") || da_jp_is_op(p, "["))
            n = subscript(p, n);
        else if (da_jp_is_op(p, "("))
            n = call(p, n);
        else
            break;
    }
    return n;
}

struct da_jnode *da_jp_filter(struct da_jparser *p, struct da_jnode *of)
{
    struct da_jnode *n = da_jp_node(p, DA_JN_FILTER);
    n->a = of;
    n->name = da_jp_expect_name(p);
    if (da_jp_is_op(p, "("))
        call_args(p, n);
    return n;
}

static struct da_jnode *test(struct da_jparser *p, struct da_jnode *of)
{
    struct da_jnode *n = da_jp_node(p, DA_JN_TEST), *result = n;
    if (da_jp_is_name(p, "not")) {
        result = da_jp_node(p, DA_JN_NOT);
        result->a = n;
        p->t++;
    }
    n->a = of;
    n->name = da_jp_expect_name(p);
    if (p->rc != DA_OK)
        return NULL;
    bool starts = (p->t->kind >= DA_JT_NAME && p->t->kind <= DA_JT_STR) || da_jp_is_op(p, "[") ||
                  da_jp_is_op(p, "{");
    bool word = da_jp_is_name(p, "else") || da_jp_is_name(p, "or") || da_jp_is_name(p, "and");
    if (da_jp_is_op(p, "("))
        call_args(p, n);
    else if (starts && da_jp_is_name(p, "is"))
        return da_jp_fail(p, DA_EFORMAT, "tests cannot be chained");
    else if (starts && !word && !da_jp_is_name(p, "if"))
        da_jp_append(p, &n->list, postfix(p, primary(p)));
    return result;
}

static struct da_jnode *filters(struct da_jparser *p, struct da_jnode *n)
{
    while (p->rc == DA_OK) {
        if (da_jp_take_op(p, "|"))
            n = da_jp_filter(p, n);
        else if (da_jp_take_name(p, "is"))
            n = test(p, n);
        else if (da_jp_is_op(p, "("))
            n = call(p, n);
        else
            break;
    }
    return n;
}

static struct da_jnode *unary(struct da_jparser *p, bool with_filter)
{
    struct da_jnode *n = NULL;
    if (!da_jp_enter(p))
        return NULL;
    if (da_jp_is_op(p, "-") || da_jp_is_op(p, "+")) {
        n = da_jp_node(p, da_jp_is_op(p, "-") ? DA_JN_NEG : DA_JN_POS);
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

static struct da_jnode *binary(struct da_jparser *p, char op, struct da_jnode *a,
                               struct da_jnode *b)
{
    struct da_jnode *n = da_jp_node(p, DA_JN_BINARY);
    n->op = op;
    n->a = a;
    n->b = b;
    return n;
}

static struct da_jnode *power(struct da_jparser *p)
{
    struct da_jnode *n = unary(p, true);
    while (da_jp_take_op(p, "**"))
        n = binary(p, 'P', n, unary(p, true));
    return n;
}

struct infix {
    const char *text;
    char op; /* of the node; 0 ends a list */
};

/* Takes one of the operators; 0 when none is next. */
static char take_one(struct da_jparser *p, const struct infix *ops)
{
    for (; ops->op; ops++)
        if (da_jp_take_op(p, ops->text))
            return ops->op;
    return 0;
}

/* Operands with operators of one precedence between them, from the left. */
static struct da_jnode *chain(struct da_jparser *p, const struct infix *ops,
                              struct da_jnode *(*operand)(struct da_jparser *p))
{
    struct da_jnode *n = operand(p);
    for (char op; (op = take_one(p, ops)) != 0;)
        n = binary(p, op, n, operand(p));
    return n;
}

static struct da_jnode *product(struct da_jparser *p)
{
    static const struct infix ops[] = {{"*", '*'}, {"/", '/'}, {"//", 'F'}, {"%", '%'}, {0}};
    return chain(p, ops, power);
}

static struct da_jnode *concat(struct da_jparser *p)
{
    struct da_jnode *first = product(p), *n = NULL;
    while (da_jp_take_op(p, "~")) {
        if (!n) {
            n = da_jp_node(p, DA_JN_CONCAT);
            da_jp_append(p, &n->list, first);
        }
        da_jp_append(p, &n->list, product(p));
    }
    return n ? n : first;
}

static struct da_jnode *sum(struct da_jparser *p)
{
    static const struct infix ops[] = {{"+", '+'}, {"-", '-'}, {0}};
    return chain(p, ops, concat);
}

/* The comparison at the current token, or 0. */
static char comparison(struct da_jparser *p)
{
    static const struct infix ops[] = {{"==", '='}, {"!=", '!'}, {"<", '<'}, {">", '>'},
                                       {"<=", 'l'}, {">=", 'g'}, {0}};
    char op = take_one(p, ops);
    if (op)
        return op;
    if (da_jp_take_name(p, "in"))
        return 'i';
    if (da_jp_is_name(p, "not") && p->t[1].kind == DA_JT_NAME && da_span_is(p->t[1].text, "in")) {
        p->t += 2;
        return 'n';
    }
    return 0;
}

static struct da_jnode *compare(struct da_jparser *p)
{
    struct da_jnode *first = sum(p), *n = NULL;
    for (char op; p->rc == DA_OK && (op = comparison(p)) != 0;) {
        if (!n) {
            n = da_jp_node(p, DA_JN_COMPARE);
            n->a = first;
        }
        da_jp_append(p, &n->list, binary(p, op, NULL, sum(p)));
    }
    return n ? n : first;
}

static struct da_jnode *negation(struct da_jparser *p)
{
    if (!da_jp_is_name(p, "not"))
        return compare(p);
    struct da_jnode *n = da_jp_node(p, DA_JN_NOT);
    if (!da_jp_enter(p))
        return NULL;
    p->t++;
    n->a = negation(p);
    p->depth--;
    return n;
}

struct da_jnode *da_jp_logic(struct da_jparser *p, enum da_jnode_kind kind)
{
    struct da_jnode *left = kind == DA_JN_OR ? da_jp_logic(p, DA_JN_AND) : negation(p);
    while (da_jp_take_name(p, kind == DA_JN_OR ? "or" : "and")) {
        struct da_jnode *n = da_jp_node(p, kind);
        n->a = left;
        n->b = kind == DA_JN_OR ? da_jp_logic(p, DA_JN_AND) : negation(p);
        left = n;
    }
    return left;
}

struct da_jnode *da_jp_expression(struct da_jparser *p)
{
    if (!da_jp_enter(p))
        return NULL;
    struct da_jnode *value = da_jp_logic(p, DA_JN_OR);
    while (da_jp_take_name(p, "if")) {
        struct da_jnode *n = da_jp_node(p, DA_JN_COND);
        n->b = value;
        n->a = da_jp_logic(p, DA_JN_OR);
        if (da_jp_take_name(p, "else"))
            n->c = da_jp_expression(p);
        value = n;
    }
    p->depth--;
    return value;
}
