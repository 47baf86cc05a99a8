/* Tests (jinja2/tests.py): what stands behind "is". */


#include "common/utf8.h"
#include "engine/chat/jinja_eval.h"
#include "text/uclass.h"

static bool is_sequence(const struct da_jval *v)
{
    return v->type == DA_J_STR || v->type == DA_J_LIST || v->type == DA_J_TUPLE ||
           v->type == DA_J_DICT || v->type == DA_J_UNDEFINED;
}

/* Tests that look at the value only; -1: no such test. */
static int simple_test(struct da_span name, const struct da_jval *v)
{
    if (da_span_is(name, "defined"))
        return v->type != DA_J_UNDEFINED;
    if (da_span_is(name, "undefined"))
        return v->type == DA_J_UNDEFINED;
    if (da_span_is(name, "none"))
        return v->type == DA_J_NONE;
    if (da_span_is(name, "boolean"))
        return v->type == DA_J_BOOL;
    if (da_span_is(name, "true"))
        return v->type == DA_J_BOOL && v->u.b;
    if (da_span_is(name, "false"))
        return v->type == DA_J_BOOL && !v->u.b;
    if (da_span_is(name, "integer"))
        return v->type == DA_J_INT;
    if (da_span_is(name, "float"))
        return v->type == DA_J_FLOAT;
    if (da_span_is(name, "number"))
        return da_j_is_number(v);
    if (da_span_is(name, "string"))
        return v->type == DA_J_STR;
    if (da_span_is(name, "mapping"))
        return v->type == DA_J_DICT;
    if (da_span_is(name, "sequence"))
        return is_sequence(v);
    if (da_span_is(name, "iterable"))
        return is_sequence(v) || v->type == DA_J_LOOP;
    if (da_span_is(name, "callable"))
        return v->type == DA_J_MACRO || v->type == DA_J_FUNCTION;
    return -1;
}

static bool letters_are(struct da_span s, bool upper)
{
    bool any = false;
    for (const char *p = s.p, *end = p + s.len; p < end;) {
        uint32_t cp;
        p += da_utf8_decode(p, end, &cp);
        enum da_ucat cat = da_uclass_category(cp);
        if (cat == (upper ? DA_UCAT_LL : DA_UCAT_LU) || cat == DA_UCAT_LT)
            return false;
        any = any || cat == (upper ? DA_UCAT_LU : DA_UCAT_LL);
    }
    return any;
}

static bool number_test(struct da_jinterp *in, struct da_span name, const struct da_jval *of,
                        const struct da_jargs *args, bool *ret)
{
    int64_t by = 2;
    if (da_span_is(name, "divisibleby") && !da_jarg_int(in, args, 0, "num", &by))
        return false;
    if (of->type != DA_J_INT || by == 0)
        return da_jfail(in, DA_EFORMAT, "test '%.*s' needs integers", (int)name.len, name.p);
    bool divides = by == -1 || of->u.i % by == 0;
    *ret = da_span_is(name, "odd") ? !divides : divides;
    return true;
}

/* The comparison behind a test's name, or 0. */
static char comparison(struct da_span name)
{
    static const struct {
        const char *name;
        char op;
    } ops[] = {{"eq", '='},          {"==", '='}, {"equalto", '='},  {"ne", '!'}, {"!=", '!'},
               {"lt", '<'},          {"<", '<'},  {"lessthan", '<'}, {"gt", '>'}, {">", '>'},
               {"greaterthan", '>'}, {"le", 'l'}, {"<=", 'l'},       {"ge", 'g'}, {">=", 'g'},
               {"sameas", 's'},      {"in", 'i'}};
    for (size_t i = 0; i < DA_ARRAY_LEN(ops); i++)
        if (da_span_is(name, ops[i].name))
            return ops[i].op;
    return 0;
}

bool da_jtest(struct da_jinterp *in, struct da_span name, const struct da_jval *of,
              const struct da_jargs *args, bool *ret)
{
    int simple = simple_test(name, of), order = 0;
    if (!da_jcharge(in, 1))
        return false;
    if (simple >= 0) {
        *ret = simple;
        return true;
    }
    if (da_span_is(name, "odd") || da_span_is(name, "even") || da_span_is(name, "divisibleby"))
        return number_test(in, name, of, args, ret);
    if (da_span_is(name, "lower") || da_span_is(name, "upper")) {
        struct da_span s;
        if (!da_jtext_of(in, of, &s) || !da_jcharge(in, s.len / 4))
            return false;
        *ret = letters_are(s, da_span_is(name, "upper"));
        return true;
    }
    char op = comparison(name);
    if (!op || args->n != 1)
        return da_jfail(in, op ? DA_EFORMAT : DA_EUNSUPPORTED, "test '%.*s' %s", (int)name.len,
                        name.p, op ? "takes one argument" : "is not supported");
    const struct da_jval *other = &args->v[0];
    if (op == 'i')
        return da_jcontains(in, other, of, ret);
    if (!da_jcharge_pair(in, of, other))
        return false;
    if (op == '=' || op == '!' || op == 's') {
        *ret = (da_j_equal(of, other) && (op != 's' || of->type == other->type)) == (op != '!');
        return true;
    }
    if (!da_j_compare(of, other, &order))
        return da_jfail(in, DA_EFORMAT, "'%s' and '%s' have no order", da_j_type_name(of),
                        da_j_type_name(other));
    *ret = op == '<' ? order < 0 : op == '>' ? order > 0 : op == 'l' ? order <= 0 : order >= 0;
    return true;
}
