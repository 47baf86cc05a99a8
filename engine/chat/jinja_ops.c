/* Operators on values: arithmetic, repetition and membership as Python has them. */

#include "engine/chat/jinja_eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>


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
        if (what->u.s.len > 0 && n > in->max_memory / what->u.s.len)
            return da_jfail(in, DA_ELIMIT, "the template makes a text that is too long");
        if (!da_jcharge(in, n * what->u.s.len / 16))
            return false;
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
    *ret = what->type == DA_J_LIST ? da_j_list(items, n * what->n) : da_j_tuple(items, n * what->n);
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
    double exact = op == '+'   ? (double)a + (double)b
                   : op == '-' ? (double)a - (double)b
                   : op == '*' ? (double)a * (double)b
                   : op == 'P' ? pow((double)a, (double)b)
                               : 0;
    if ((op == 'F' || op == '%') && b == 0)
        return da_jfail(in, DA_EFORMAT, "division by zero");
    if (fabs(exact) > 9.2e18 || (b == -1 && a == INT64_MIN))
        return da_jfail(in, DA_ELIMIT, "an integer needs more than 64 bits");
    int64_t v = 0;
    switch (op) {
    case '+': v = a + b; break;
    case '-': v = a - b; break;
    case '*': v = a * b; break;
    case 'F': v = floor_div(a, b); break;
    case '%': v = a - floor_div(a, b) * b; break;
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
    double r = op == '+'   ? x + y
               : op == '-' ? x - y
               : op == '*' ? x * y
               : op == '/' ? x / y
               : op == 'F' ? floor(x / y)
               : op == '%' ? x - floor(x / y) * y
                           : pow(x, y);
    *ret = da_j_float(r);
    return true;
}

bool da_jcontains(struct da_jinterp *in, const struct da_jval *in_what, const struct da_jval *what,
                  bool *ret)
{
    size_t at;
    *ret = false;
    switch (in_what->type) {
    case DA_J_STR:
        if (what->type != DA_J_STR)
            return da_jfail(in, DA_EFORMAT, "'in <string>' requires a string, not %s",
                            da_j_type_name(what));
        if (!da_jfind(in, in_what->u.s, what->u.s, false, &at))
            return false;
        *ret = what->u.s.len == 0 || at < in_what->u.s.len;
        return true;
    case DA_J_LIST:
    case DA_J_TUPLE:
        if (!da_jcharge(in, in_what->weight))
            return false;
        for (uint32_t i = 0; i < in_what->n && !*ret; i++)
            *ret = da_j_equal(&in_what->u.items[i], what);
        return true;
    case DA_J_DICT:
        if (!da_jcharge_find(in, in_what->u.dict, what))
            return false;
        *ret = da_jdict_find(in_what->u.dict, what) != NULL;
        return true;
    case DA_J_UNDEFINED: return true;
    default:
        return da_jfail(in, DA_EFORMAT, "'%s' object is not a container", da_j_type_name(in_what));
    }
}
