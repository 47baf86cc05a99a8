/* Values at work: attributes, items, iteration and arithmetic. */

#include "engine/chat/jinja_eval.h"

#include <math.h>
#include <string.h>

#include "common/utf8.h"

/* ---- attributes, items, slices --------------------------------------------------------------- */

static struct da_jval loop_attr(const struct da_jloop *l, struct da_span name)
{
    if (da_span_is(name, "index"))
        return da_j_int((int64_t)l->i + 1);
    if (da_span_is(name, "index0"))
        return da_j_int((int64_t)l->i);
    if (da_span_is(name, "revindex"))
        return da_j_int((int64_t)(l->n - l->i));
    if (da_span_is(name, "revindex0"))
        return da_j_int((int64_t)(l->n - l->i) - 1);
    if (da_span_is(name, "first"))
        return da_j_bool(l->i == 0);
    if (da_span_is(name, "last"))
        return da_j_bool(l->i + 1 == l->n);
    if (da_span_is(name, "length"))
        return da_j_int((int64_t)l->n);
    if (da_span_is(name, "depth"))
        return da_j_int(l->depth);
    if (da_span_is(name, "depth0"))
        return da_j_int((int64_t)l->depth - 1);
    if (da_span_is(name, "previtem") && l->i > 0)
        return l->items[l->i - 1];
    if (da_span_is(name, "nextitem") && l->i + 1 < l->n)
        return l->items[l->i + 1];
    return da_j_undefined(name);
}

bool da_jattr(struct da_jinterp *in, const struct da_jval *of, struct da_span name,
              struct da_jval *ret)
{
    struct da_jval key = da_j_str(name), *v = NULL;
    if (of->type == DA_J_UNDEFINED)
        return da_jundefined(in, of);
    if (of->type == DA_J_LOOP) {
        *ret = loop_attr(of->u.loop, name);
        return true;
    }
    if (of->type == DA_J_DICT || of->type == DA_J_NAMESPACE)
        v = da_jdict_find(of->u.dict, &key);
    *ret = v ? *v : da_j_undefined(name);
    return true;
}

/* Offset of character number i of s, s.len at its end. */
static size_t char_offset(struct da_span s, size_t i)
{
    const char *p = s.p, *end = s.p + s.len;
    for (uint32_t cp; i > 0 && p < end; i--)
        p += da_utf8_decode(p, end, &cp);
    return (size_t)(p - s.p);
}

bool da_jitem(struct da_jinterp *in, const struct da_jval *of, const struct da_jval *key,
              struct da_jval *ret)
{
    if (of->type == DA_J_UNDEFINED)
        return da_jundefined(in, of);
    if (key->type == DA_J_STR && of->type != DA_J_STR)
        return da_jattr(in, of, key->u.s, ret);
    *ret = da_j_undefined(key->type == DA_J_STR ? key->u.s : da_span_str("an item"));
    if (of->type == DA_J_DICT) {
        const struct da_jval *v = da_jdict_find(of->u.dict, key);
        if (v)
            *ret = *v;
        return true;
    }
    if (key->type != DA_J_INT && key->type != DA_J_BOOL)
        return true;
    int64_t i = key->type == DA_J_INT ? key->u.i : key->u.b, n = of->n;
    if (of->type == DA_J_STR)
        n = (int64_t)da_utf8_count(of->u.s.p, of->u.s.len);
    i += i < 0 ? n : 0;
    if (i < 0 || i >= n)
        return true;
    if (of->type == DA_J_LIST || of->type == DA_J_TUPLE) {
        *ret = of->u.items[i];
    } else if (of->type == DA_J_STR) {
        size_t from = char_offset(of->u.s, (size_t)i);
        struct da_span rest = da_span(of->u.s.p + from, of->u.s.len - from);
        *ret = da_j_str(da_span(rest.p, char_offset(rest, 1)));
        return da_jcharge(in, (uint64_t)n / 16);
    }
    return true;
}

bool da_jpath(struct da_jinterp *in, const struct da_jval *of, struct da_span path,
              struct da_jval *ret)
{
    struct da_span piece;
    *ret = *of;
    while (da_span_split(&path, '.', &piece)) {
        struct da_jval part = *ret, key = da_j_str(piece);
        int64_t i;
        if (da_parse_int(piece.p, piece.len, &i))
            key = da_j_int(i);
        if (!da_jitem(in, &part, &key, ret))
            return false;
    }
    return true;
}

bool da_jiterate(struct da_jinterp *in, const struct da_jval *v, struct da_jval *ret)
{
    struct da_jval *items;
    size_t n = 0;
    switch (v->type) {
    case DA_J_LIST:
    case DA_J_TUPLE:
        *ret = *v;
        return da_jcharge(in, v->n);
    case DA_J_UNDEFINED:
        *ret = da_j_list(NULL, 0);
        return true;
    case DA_J_DICT:
        items = da_jitems(in, v->u.dict->n);
        if (!items)
            return false;
        for (; n < v->u.dict->n; n++)
            items[n] = v->u.dict->pairs[n].key;
        *ret = da_j_list(items, n);
        return true;
    case DA_J_STR:
        items = da_jitems(in, da_utf8_count(v->u.s.p, v->u.s.len));
        if (!items)
            return false;
        for (const char *p = v->u.s.p, *end = p + v->u.s.len; p < end;) {
            uint32_t cp;
            size_t len = da_utf8_decode(p, end, &cp);
            items[n++] = da_j_str(da_span(p, len));
            p += len;
        }
        *ret = da_j_list(items, n);
        return true;
    default:
        return da_jfail(in, DA_EFORMAT, "'%s' object is not iterable", da_j_type_name(v));
    }
}

/* ---- operators ------------------------------------------------------------------------------- */

bool da_jwrong_types(struct da_jinterp *in, const char *op, const struct da_jval *a,
                        const struct da_jval *b)
{
    if (a->type == DA_J_UNDEFINED || b->type == DA_J_UNDEFINED)
        return da_jundefined(in, a->type == DA_J_UNDEFINED ? a : b);
    return da_jfail(in, DA_EFORMAT, "unsupported operand types for %s: '%s' and '%s'", op,
                    da_j_type_name(a), da_j_type_name(b));
}

bool da_jadd(struct da_jinterp *in, const struct da_jval *a, const struct da_jval *b,
                       struct da_jval *ret)
{
    if (a->type == DA_J_STR) {
        size_t n = a->u.s.len + b->u.s.len;
        if (n > in->max_memory || !da_jcharge(in, n / 16))
            return da_jfail(in, DA_ELIMIT, "the template takes too much memory");
        char *p = da_arena_alloc(&in->a, n + 1, 1);
        memcpy(p, a->u.s.p, a->u.s.len);
        memcpy(p + a->u.s.len, b->u.s.p, b->u.s.len);
        *ret = da_j_str(da_span(p, n));
        return true;
    }
    struct da_jval *items = da_jitems(in, (size_t)a->n + b->n);
    if (!items)
        return false;
    for (size_t i = 0; i < a->n; i++)
        items[i] = a->u.items[i];
    for (size_t i = 0; i < b->n; i++)
        items[a->n + i] = b->u.items[i];
    *ret = a->type == DA_J_LIST ? da_j_list(items, (size_t)a->n + b->n)
                                : da_j_tuple(items, (size_t)a->n + b->n);
    return true;
}

bool da_jrepeat(struct da_jinterp *in, const struct da_jval *what, int64_t times,
                   struct da_jval *ret)
{
    struct da_buf text;
    size_t n = times < 0 ? 0 : (size_t)times;
    if (what->type == DA_J_STR) {
        da_buf_init(&text, in->max_memory);
        for (size_t i = 0; i < n && !text.overflow && what->u.s.len > 0; i++)
            da_buf_add(&text, what->u.s.p, what->u.s.len);
        return da_jtake(in, &text, ret);
    }
    if (what->n > 0 && n > in->max_memory / sizeof *what / what->n)
        return da_jfail(in, DA_ELIMIT, "the template takes too much memory");
    struct da_jval *items = da_jitems(in, n * what->n);
    if (!items)
        return false;
    for (size_t i = 0; i < n * what->n; i++)
        items[i] = what->u.items[i % what->n];
    *ret = what->type == DA_J_LIST ? da_j_list(items, n * what->n)
                                   : da_j_tuple(items, n * what->n);
    return true;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* Python's integers have no bounds; ours fail at 64 bits. */
static bool int_arithmetic(struct da_jinterp *in, char op, int64_t a, int64_t b,
                           struct da_jval *ret)
{
    double exact = op == '+' ? (double)a + (double)b : op == '-' ? (double)a - (double)b
                 : op == '*' ? (double)a * (double)b : op == 'P' ? pow((double)a, (double)b) : 0;
    if ((op == 'F' || op == '%') && b == 0)
        return da_jfail(in, DA_EFORMAT, "division by zero");
    if (fabs(exact) > 9.2e18 || (b == -1 && a == INT64_MIN))
        return da_jfail(in, DA_ELIMIT, "an integer needs more than 64 bits");
    int64_t v = 0;
    switch (op) {
    case '+':
        v = a + b;
        break;
    case '-':
        v = a - b;
        break;
    case '*':
        v = a * b;
        break;
    case 'F':
        v = floor_div(a, b);
        break;
    case '%':
        v = a - floor_div(a, b) * b;
        break;
    default: /* 'P' with b >= 0, by squaring; an unused last square may wrap */
        v = 1;
        for (uint64_t base = (uint64_t)a; b > 0; b /= 2, base *= base)
            v = b % 2 ? (int64_t)((uint64_t)v * base) : v;
        break;
    }
    *ret = da_j_int(v);
    return true;
}

bool da_jarithmetic(struct da_jinterp *in, char op, const struct da_jval *a,
                       const struct da_jval *b, struct da_jval *ret)
{
    bool floats = a->type == DA_J_FLOAT || b->type == DA_J_FLOAT || op == '/';
    double x = da_j_number(a), y = da_j_number(b);
    if (op == 'P' && !floats && y < 0)
        floats = true;
    if (!floats)
        return int_arithmetic(in, op, a->type == DA_J_BOOL ? a->u.b : a->u.i,
                              b->type == DA_J_BOOL ? b->u.b : b->u.i, ret);
    if (y == 0 && (op == '/' || op == 'F' || op == '%'))
        return da_jfail(in, DA_EFORMAT, "division by zero");
    double r = op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : op == '/' ? x / y
             : op == 'F' ? floor(x / y) : op == '%' ? x - floor(x / y) * y : pow(x, y);
    *ret = da_j_float(r);
    return true;
}

bool da_jcontains(struct da_jinterp *in, const struct da_jval *in_what,
                  const struct da_jval *what, bool *ret)
{
    *ret = false;
    switch (in_what->type) {
    case DA_J_STR:
        if (what->type != DA_J_STR)
            return da_jfail(in, DA_EFORMAT, "'in <string>' requires a string, not %s",
                            da_j_type_name(what));
        *ret = what->u.s.len == 0 || da_span_find(in_what->u.s, what->u.s) < in_what->u.s.len;
        return da_jcharge(in, in_what->u.s.len / 16);
    case DA_J_LIST:
    case DA_J_TUPLE:
        for (uint32_t i = 0; i < in_what->n && !*ret; i++)
            *ret = da_j_equal(&in_what->u.items[i], what);
        return da_jcharge(in, in_what->n);
    case DA_J_DICT:
        *ret = da_jdict_find(in_what->u.dict, what) != NULL;
        return da_jcharge(in, in_what->u.dict->n);
    case DA_J_UNDEFINED:
        return true;
    default:
        return da_jfail(in, DA_EFORMAT, "'%s' object is not a container",
                        da_j_type_name(in_what));
    }
}
