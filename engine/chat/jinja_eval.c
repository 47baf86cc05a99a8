/*
 * Walking the tree. Names are looked up through scopes: a loop's body, a macro and
 * a few blocks have one of their own, "if" does not. Everything a render makes
 * lives in its arena.
 */

#include "engine/chat/jinja_eval.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"

struct variable {
    struct da_span name;
    struct da_jval value;
};

struct da_jscope {
    struct da_jscope *parent;
    struct variable *vars;
    size_t n, cap;
};

static bool eval(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret);
static bool run(struct da_jinterp *in, const struct da_jblock *b);

bool da_jfail(struct da_jinterp *in, enum da_rc code, const char *fmt, ...)
{
    char why[512];
    va_list ap;
    if (in->rc != DA_OK)
        return false;
    va_start(ap, fmt);
    (void)vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    in->rc = da_fail(in->err, code, "line %u: %s", (unsigned)in->line, why);
    return false;
}

bool da_jcharge(struct da_jinterp *in, uint64_t steps)
{
    in->steps += steps;
    if (in->steps > in->max_steps)
        return da_jfail(in, DA_ELIMIT, "the template takes too many steps");
    if (in->a.used_bytes > in->max_memory)
        return da_jfail(in, DA_ELIMIT, "the template takes too much memory");
    return in->rc == DA_OK;
}

struct da_jval *da_jitems(struct da_jinterp *in, size_t n)
{
    if (!da_jcharge(in, n))
        return NULL;
    if (n > in->max_memory / sizeof(struct da_jval)) {
        (void)da_jfail(in, DA_ELIMIT, "the template takes too much memory");
        return NULL;
    }
    return da_arena_alloc(&in->a, n + 1, sizeof(struct da_jval));
}

bool da_jtake(struct da_jinterp *in, struct da_buf *b, struct da_jval *ret)
{
    bool ok = !b->overflow && da_jcharge(in, b->len / 16);
    if (b->overflow)
        (void)da_jfail(in, DA_ELIMIT, "the template makes a text that is too long");
    if (ok)
        *ret = da_j_str(da_span(da_arena_strndup(&in->a, b->p, b->len), b->len));
    da_buf_release(b);
    return ok;
}

/* ---- names ----------------------------------------------------------------------------------- */

static struct da_jscope *push_scope(struct da_jinterp *in, struct da_jscope *parent)
{
    struct da_jscope *s = da_arena_alloc(&in->a, 1, sizeof *s);
    s->parent = parent;
    return s;
}

static void set_name(struct da_jinterp *in, struct da_span name, struct da_jval value)
{
    struct da_jscope *s = in->scope;
    for (size_t i = 0; i < s->n; i++) {
        if (da_span_eq(s->vars[i].name, name)) {
            s->vars[i].value = value;
            return;
        }
    }
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 8;
        struct variable *vars = da_arena_alloc(&in->a, cap, sizeof *vars);
        if (s->n > 0)
            memcpy(vars, s->vars, s->n * sizeof *vars);
        s->vars = vars;
        s->cap = cap;
    }
    s->vars[s->n++] = (struct variable){name, value};
}

static struct da_jval get_name(const struct da_jinterp *in, struct da_span name)
{
    static const char *const functions[] = {[DA_JF_RANGE] = "range",
                                            [DA_JF_DICT] = "dict",
                                            [DA_JF_NAMESPACE] = "namespace",
                                            [DA_JF_RAISE] = "raise_exception",
                                            [DA_JF_STRFTIME_NOW] = "strftime_now"};
    for (const struct da_jscope *s = in->scope; s; s = s->parent)
        for (size_t i = 0; i < s->n; i++)
            if (da_span_eq(s->vars[i].name, name))
                return s->vars[i].value;
    for (size_t i = 0; i < DA_ARRAY_LEN(functions); i++)
        if (da_span_is(name, functions[i]))
            return (struct da_jval){.type = DA_J_FUNCTION, .u.i = (int64_t)i};
    return da_j_undefined(name);
}

static bool undefined(struct da_jinterp *in, const struct da_jval *v)
{
    return da_jfail(in, DA_EFORMAT, "'%.*s' is undefined",
                    (int)(v->u.s.len > 100 ? 100 : v->u.s.len), v->u.s.p);
}

/* ---- arguments and calls --------------------------------------------------------------------- */

const struct da_jval *da_jarg(const struct da_jargs *args, size_t i, const char *name)
{
    if (i < args->n)
        return &args->v[i];
    for (size_t k = 0; k < args->n_named; k++)
        if (da_span_is(args->named[k].name, name))
            return &args->named_v[k];
    return NULL;
}

bool da_jarg_str(struct da_jinterp *in, const struct da_jargs *args, size_t i, const char *name,
                 struct da_span *out)
{
    const struct da_jval *v = da_jarg(args, i, name);
    if (v && v->type != DA_J_STR)
        return da_jfail(in, DA_EFORMAT, "argument '%s' must be a string, not %s", name,
                        da_j_type_name(v));
    if (v)
        *out = v->u.s;
    return true;
}

bool da_jarg_int(struct da_jinterp *in, const struct da_jargs *args, size_t i, const char *name,
                 int64_t *out)
{
    const struct da_jval *v = da_jarg(args, i, name);
    if (v && v->type != DA_J_INT && v->type != DA_J_BOOL)
        return da_jfail(in, DA_EFORMAT, "argument '%s' must be an integer, not %s", name,
                        da_j_type_name(v));
    if (v)
        *out = v->type == DA_J_BOOL ? v->u.b : v->u.i;
    return true;
}

static bool eval_args(struct da_jinterp *in, const struct da_jnode *n, struct da_jargs *args)
{
    struct da_jval *v = da_jitems(in, n->list.n + n->n_kwargs);
    if (!v)
        return false;
    for (size_t i = 0; i < n->list.n; i++)
        if (!eval(in, n->list.nodes[i], &v[i]))
            return false;
    for (size_t i = 0; i < n->n_kwargs; i++)
        if (!eval(in, n->kwargs[i].value, &v[n->list.n + i]))
            return false;
    *args = (struct da_jargs){v, n->list.n, n->kwargs, v + n->list.n, n->n_kwargs};
    return true;
}

/* Runs a body with its output caught in *ret. */
static bool catch_output(struct da_jinterp *in, const struct da_jblock *b, struct da_jval *ret)
{
    struct da_buf text, *old = in->out;
    da_buf_init(&text, in->max_memory);
    in->out = &text;
    bool ok = run(in, b);
    in->out = old;
    if (ok)
        return da_jtake(in, &text, ret);
    da_buf_release(&text);
    return false;
}

static bool call_macro(struct da_jinterp *in, const struct da_jmacro *m,
                       const struct da_jargs *args, const struct da_jval *caller,
                       struct da_jval *ret)
{
    struct da_jscope *old = in->scope;
    const struct da_jnode *n = m->node;
    if (args->n > n->n_kwargs)
        return da_jfail(in, DA_EFORMAT, "macro '%.*s' takes not more than %zu arguments",
                        (int)n->name.len, n->name.p, n->n_kwargs);
    in->scope = push_scope(in, m->scope);
    if (caller)
        set_name(in, da_span_str("caller"), *caller);
    for (size_t i = 0; i < args->n_named; i++) {
        bool known = caller && da_span_is(args->named[i].name, "caller");
        for (size_t k = 0; k < n->n_kwargs; k++)
            known = known || da_span_eq(n->kwargs[k].name, args->named[i].name);
        if (!known)
            (void)da_jfail(in, DA_EFORMAT, "macro '%.*s' takes no argument '%.*s'",
                           (int)n->name.len, n->name.p, (int)args->named[i].name.len,
                           args->named[i].name.p);
    }
    for (size_t i = 0; i < n->n_kwargs && in->rc == DA_OK; i++) {
        struct da_jval v = da_j_undefined(n->kwargs[i].name);
        const struct da_jval *given = i < args->n ? &args->v[i] : NULL;
        for (size_t k = 0; k < args->n_named && !given; k++)
            if (da_span_eq(n->kwargs[i].name, args->named[k].name))
                given = &args->named_v[k];
        if (given)
            v = *given;
        else if (n->kwargs[i].value)
            (void)eval(in, n->kwargs[i].value, &v);
        set_name(in, n->kwargs[i].name, v);
    }
    bool ok = in->rc == DA_OK && catch_output(in, &n->body, ret);
    in->scope = old;
    return ok;
}

static bool call_loop(struct da_jinterp *in, struct da_jloop *l, struct da_span name,
                      const struct da_jargs *args, struct da_jval *ret)
{
    if (da_span_is(name, "cycle") && args->n > 0) {
        *ret = args->v[l->i % args->n];
        return true;
    }
    if (da_span_is(name, "changed")) {
        struct da_jval now = da_j_tuple(args->v, args->n);
        *ret = da_j_bool(l->changed.type != DA_J_TUPLE || !da_j_equal(&now, &l->changed));
        l->changed = now;
        return true;
    }
    return da_jfail(in, DA_EUNSUPPORTED, "loop.%.*s is not supported", (int)name.len, name.p);
}

static bool call_value(struct da_jinterp *in, const struct da_jval *f, const struct da_jargs *args,
                       const struct da_jval *caller, struct da_jval *ret)
{
    if (f->type == DA_J_MACRO)
        return call_macro(in, f->u.macro, args, caller, ret);
    if (f->type == DA_J_FUNCTION)
        return da_jcall_function(in, (enum da_jfunction)f->u.i, args, ret);
    if (f->type == DA_J_UNDEFINED)
        return undefined(in, f);
    return da_jfail(in, DA_EFORMAT, "a value of type %s cannot be called", da_j_type_name(f));
}

static bool eval_call(struct da_jinterp *in, const struct da_jnode *n,
                      const struct da_jval *caller, struct da_jval *ret)
{
    struct da_jval f, of;
    struct da_jargs args;
    if (n->a->kind != DA_JN_GETATTR)
        return eval(in, n->a, &f) && eval_args(in, n, &args) &&
               call_value(in, &f, &args, caller, ret);
    bool found = false;
    if (!eval(in, n->a->a, &of) || !eval_args(in, n, &args))
        return false;
    if (of.type == DA_J_UNDEFINED)
        return undefined(in, &of);
    if (of.type == DA_J_LOOP)
        return call_loop(in, of.u.loop, n->a->name, &args, ret);
    in->line = n->line;
    if (!da_jmethod(in, &of, n->a->name, &args, &found, ret) || found)
        return in->rc == DA_OK;
    if (!da_jattr(in, &of, n->a->name, &f))
        return false;
    if (f.type == DA_J_UNDEFINED)
        return da_jfail(in, DA_EFORMAT, "'%s object' has no method '%.*s'", da_j_type_name(&of),
                        (int)n->a->name.len, n->a->name.p);
    return call_value(in, &f, &args, caller, ret);
}

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
        return undefined(in, of);
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
        return undefined(in, of);
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

/* Python's slice.indices: *from, *to and *step over n elements. */
static bool slice_bounds(struct da_jinterp *in, const struct da_jnode *n, int64_t len,
                         int64_t *from, int64_t *to, int64_t *step)
{
    struct da_jval part[3];
    int64_t v[3] = {0, 0, 1};
    bool given[3];
    for (int i = 0; i < 3; i++) {
        part[i] = da_j_none();
        if (n->list.nodes[i] && !eval(in, n->list.nodes[i], &part[i]))
            return false;
        given[i] = part[i].type == DA_J_INT || part[i].type == DA_J_BOOL;
        if (!given[i] && part[i].type != DA_J_NONE)
            return da_jfail(in, DA_EFORMAT, "slice indices must be integers, not %s",
                            da_j_type_name(&part[i]));
        if (given[i])
            v[i] = part[i].type == DA_J_INT ? part[i].u.i : part[i].u.b;
    }
    if (v[2] == 0)
        return da_jfail(in, DA_EFORMAT, "a slice's step cannot be zero");
    int64_t low = v[2] < 0 ? -1 : 0, high = v[2] < 0 ? len - 1 : len;
    for (int i = 0; i < 2; i++) {
        if (!given[i]) {
            v[i] = (i == 0) == (v[2] > 0) ? low : high;
            continue;
        }
        if (v[i] < 0)
            v[i] = v[i] < -len ? low : v[i] + len;
        v[i] = v[i] < low ? low : v[i] > high ? high : v[i];
    }
    *from = v[0];
    *to = v[1];
    *step = v[2] > len + 1 ? len + 1 : v[2] < -len - 1 ? -len - 1 : v[2];
    return true;
}

static bool eval_slice(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret)
{
    struct da_jval of, list;
    int64_t from = 0, to = 0, step = 1;
    if (!eval(in, n->a, &of))
        return false;
    if (of.type == DA_J_UNDEFINED)
        return undefined(in, &of);
    bool text = of.type == DA_J_STR;
    if (!text && of.type != DA_J_LIST && of.type != DA_J_TUPLE) {
        *ret = da_j_undefined(da_span_str("a slice"));
        return true;
    }
    list = of;
    if ((text && !da_jiterate(in, &of, &list)) ||
        !slice_bounds(in, n, list.n, &from, &to, &step))
        return false;
    struct da_jval *items = da_jitems(in, list.n);
    size_t count = 0;
    if (!items)
        return false;
    for (int64_t i = from; step > 0 ? i < to : i > to; i += step)
        items[count++] = list.u.items[i];
    *ret = of.type == DA_J_TUPLE ? da_j_tuple(items, count) : da_j_list(items, count);
    if (!text)
        return true;
    list = *ret;
    return da_jjoin(in, da_span("", 0), &list, true, ret);
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

static bool wrong_types(struct da_jinterp *in, const char *op, const struct da_jval *a,
                        const struct da_jval *b)
{
    if (a->type == DA_J_UNDEFINED || b->type == DA_J_UNDEFINED)
        return undefined(in, a->type == DA_J_UNDEFINED ? a : b);
    return da_jfail(in, DA_EFORMAT, "unsupported operand types for %s: '%s' and '%s'", op,
                    da_j_type_name(a), da_j_type_name(b));
}

static bool add_values(struct da_jinterp *in, const struct da_jval *a, const struct da_jval *b,
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

static bool repeat(struct da_jinterp *in, const struct da_jval *what, int64_t times,
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

static bool arithmetic(struct da_jinterp *in, char op, const struct da_jval *a,
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

static bool eval_binary(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret)
{
    struct da_jval a, b;
    char name[3] = {n->op == 'F' ? '/' : n->op == 'P' ? '*' : n->op, 0, 0};
    name[1] = n->op == 'F' ? '/' : n->op == 'P' ? '*' : 0;
    if (!eval(in, n->a, &a) || !eval(in, n->b, &b))
        return false;
    in->line = n->line;
    if (da_j_is_number(&a) && da_j_is_number(&b))
        return arithmetic(in, n->op, &a, &b, ret);
    bool sequence = a.type == DA_J_STR || a.type == DA_J_LIST || a.type == DA_J_TUPLE;
    if (n->op == '+' && sequence && a.type == b.type)
        return add_values(in, &a, &b, ret);
    if (n->op == '*' && sequence && b.type == DA_J_INT)
        return repeat(in, &a, b.u.i, ret);
    if (n->op == '*' && a.type == DA_J_INT && (b.type == DA_J_STR || b.type == DA_J_LIST))
        return repeat(in, &b, a.u.i, ret);
    if (n->op == '%' && a.type == DA_J_STR) {
        struct da_jargs args = {.v = b.type == DA_J_TUPLE ? b.u.items : &b,
                                .n = b.type == DA_J_TUPLE ? b.n : 1};
        return da_jfilter(in, da_span_str("format"), &a, &args, ret);
    }
    return wrong_types(in, name, &a, &b);
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

static bool eval_compare(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret)
{
    struct da_jval a, b;
    bool holds = true;
    if (!eval(in, n->a, &a))
        return false;
    for (size_t i = 0; i < n->list.n && holds; i++, a = b) {
        const struct da_jnode *part = n->list.nodes[i];
        int order = 0;
        if (!eval(in, part->b, &b))
            return false;
        in->line = part->line;
        if (part->op == '=' || part->op == '!') {
            holds = da_j_equal(&a, &b) == (part->op == '=');
        } else if (part->op == 'i' || part->op == 'n') {
            if (!da_jcontains(in, &b, &a, &holds))
                return false;
            holds = holds == (part->op == 'i');
        } else if (!da_j_compare(&a, &b, &order)) {
            return wrong_types(in, "comparison", &a, &b);
        } else {
            holds = part->op == '<' ? order < 0 : part->op == '>' ? order > 0
                  : part->op == 'l' ? order <= 0 : order >= 0;
        }
    }
    *ret = da_j_bool(holds);
    return true;
}

static bool eval_list(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret)
{
    struct da_jval *items = da_jitems(in, n->list.n);
    for (size_t i = 0; i < n->list.n; i++)
        if (!items || !eval(in, n->list.nodes[i], &items[i]))
            return false;
    if (!items)
        return false;
    if (n->kind == DA_JN_CONCAT) {
        struct da_jval list = da_j_list(items, n->list.n);
        return da_jjoin(in, da_span("", 0), &list, true, ret);
    }
    if (n->kind == DA_JN_DICT) {
        struct da_jdict *d = da_jdict_new(&in->a);
        for (size_t i = 0; i + 1 < n->list.n; i += 2)
            da_jdict_put(&in->a, d, items[i], items[i + 1]);
        *ret = da_j_dict(d);
    } else {
        *ret = n->kind == DA_JN_LIST ? da_j_list(items, n->list.n)
                                     : da_j_tuple(items, n->list.n);
    }
    if (ret->depth > DA_J_MAX_NESTING)
        return da_jfail(in, DA_ELIMIT, "values are nested too deeply");
    return true;
}

static bool eval_filter(struct da_jinterp *in, const struct da_jnode *n,
                        const struct da_jval *block, struct da_jval *ret)
{
    struct da_jval of;
    struct da_jargs args;
    if (n->a && n->a->kind == DA_JN_FILTER && block) {
        if (!eval_filter(in, n->a, block, &of))
            return false;
    } else if (n->a) {
        if (!eval(in, n->a, &of))
            return false;
    } else {
        of = *block;
    }
    if (!eval_args(in, n, &args))
        return false;
    in->line = n->line;
    return da_jfilter(in, n->name, &of, &args, ret);
}

static bool eval_test(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret)
{
    struct da_jval of;
    struct da_jargs args;
    bool holds = false;
    if (!eval(in, n->a, &of) || !eval_args(in, n, &args))
        return false;
    in->line = n->line;
    if (!da_jtest(in, n->name, &of, &args, &holds))
        return false;
    *ret = da_j_bool(holds);
    return true;
}

static bool eval_sign(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret)
{
    struct da_jval v, zero = da_j_int(0);
    if (!eval(in, n->a, &v))
        return false;
    if (n->kind == DA_JN_NOT) {
        *ret = da_j_bool(!da_j_truth(&v));
        return true;
    }
    if (!da_j_is_number(&v))
        return wrong_types(in, "a sign", &v, &v);
    if (v.type == DA_J_FLOAT) {
        *ret = da_j_float(n->kind == DA_JN_NEG ? -v.u.d : v.u.d);
        return true;
    }
    return arithmetic(in, n->kind == DA_JN_NEG ? '-' : '+', &zero, &v, ret);
}

static bool eval_kind(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret)
{
    struct da_jval a, b;
    switch ((enum da_jnode_kind)n->kind) {
    case DA_JN_CONST:
        *ret = n->value;
        return true;
    case DA_JN_NAME:
        *ret = get_name(in, n->name);
        return true;
    case DA_JN_LIST:
    case DA_JN_TUPLE:
    case DA_JN_DICT:
    case DA_JN_CONCAT:
        return eval_list(in, n, ret);
    case DA_JN_GETATTR:
        return eval(in, n->a, &a) && da_jattr(in, &a, n->name, ret);
    case DA_JN_GETITEM:
        return eval(in, n->a, &a) && eval(in, n->b, &b) && da_jitem(in, &a, &b, ret);
    case DA_JN_SLICE:
        return eval_slice(in, n, ret);
    case DA_JN_CALL:
        return eval_call(in, n, NULL, ret);
    case DA_JN_FILTER:
        return eval_filter(in, n, NULL, ret);
    case DA_JN_TEST:
        return eval_test(in, n, ret);
    case DA_JN_NOT:
    case DA_JN_NEG:
    case DA_JN_POS:
        return eval_sign(in, n, ret);
    case DA_JN_BINARY:
        return eval_binary(in, n, ret);
    case DA_JN_AND:
    case DA_JN_OR:
        if (!eval(in, n->a, ret))
            return false;
        return da_j_truth(ret) == (n->kind == DA_JN_OR) || eval(in, n->b, ret);
    case DA_JN_COMPARE:
        return eval_compare(in, n, ret);
    case DA_JN_COND:
        if (!eval(in, n->a, &a))
            return false;
        if (da_j_truth(&a))
            return eval(in, n->b, ret);
        *ret = da_j_undefined(da_span_str("the inline if-expression"));
        return !n->c || eval(in, n->c, ret);
    default:
        return da_jfail(in, DA_EFORMAT, "this is no expression");
    }
}

static bool eval(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret)
{
    in->line = n->line;
    if (!da_jcharge(in, 1))
        return false;
    if (++in->depth > DA_J_MAX_CALLS)
        return da_jfail(in, DA_ELIMIT, "expressions or calls are nested too deeply");
    bool ok = eval_kind(in, n, ret) && in->rc == DA_OK;
    in->depth--;
    return ok;
}

/* ---- statements ------------------------------------------------------------------------------ */

static bool assign(struct da_jinterp *in, const struct da_jnode *target, struct da_jval value)
{
    if (target->kind == DA_JN_NAME) {
        set_name(in, target->name, value);
        return true;
    }
    struct da_jval ns = get_name(in, target->a->name);
    if (ns.type != DA_J_NAMESPACE)
        return da_jfail(in, DA_EFORMAT, "cannot assign attribute on non-namespace object");
    da_jdict_put(&in->a, ns.u.dict, da_j_str(target->name), value);
    return da_jcharge(in, ns.u.dict->n);
}

static bool assign_all(struct da_jinterp *in, const struct da_jblock *targets,
                       const struct da_jval *value)
{
    struct da_jval list;
    if (targets->n == 1)
        return assign(in, targets->nodes[0], *value);
    if (!da_jiterate(in, value, &list))
        return false;
    if (list.n != targets->n)
        return da_jfail(in, DA_EFORMAT, "%u values for %zu names", (unsigned)list.n, targets->n);
    for (size_t i = 0; i < targets->n; i++)
        if (!assign(in, targets->nodes[i], list.u.items[i]))
            return false;
    return true;
}

/* Leaves out the elements for which the loop's condition does not hold. */
static bool filter_loop(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *list)
{
    struct da_jval *items = da_jitems(in, list->n), holds;
    struct da_jscope *old = in->scope;
    size_t count = 0;
    if (!items)
        return false;
    for (uint32_t i = 0; i < list->n; i++) {
        in->scope = push_scope(in, old);
        bool ok = assign_all(in, &n->list, &list->u.items[i]) && eval(in, n->b, &holds);
        in->scope = old;
        if (!ok)
            return false;
        if (da_j_truth(&holds))
            items[count++] = list->u.items[i];
    }
    *list = da_j_list(items, count);
    return true;
}

static bool run_for(struct da_jinterp *in, const struct da_jnode *n)
{
    struct da_jval over, list;
    struct da_jscope *old = in->scope;
    if (!eval(in, n->a, &over) || !da_jiterate(in, &over, &list) ||
        (n->b && !filter_loop(in, n, &list)))
        return false;
    if (list.n == 0)
        return run(in, &n->other);
    struct da_jloop *l = da_arena_alloc(&in->a, 1, sizeof *l);
    l->items = list.u.items;
    l->n = list.n;
    l->depth = 1; /* counts recursive loops only */
    bool ok = true;
    for (l->i = 0; l->i < l->n && ok; l->i++) {
        in->scope = push_scope(in, old);
        set_name(in, da_span_str("loop"), (struct da_jval){.type = DA_J_LOOP, .u.loop = l});
        ok = da_jcharge(in, 1) && assign_all(in, &n->list, &l->items[l->i]) &&
             run(in, &n->body);
        in->scope = old;
        enum da_jflow flow = in->flow;
        in->flow = DA_J_GO_ON;
        if (flow == DA_J_BREAK)
            break;
    }
    return ok;
}

static bool run_if(struct da_jinterp *in, const struct da_jnode *n)
{
    for (;;) {
        struct da_jval holds;
        if (!eval(in, n->a, &holds))
            return false;
        if (da_j_truth(&holds))
            return run(in, &n->body);
        if (n->other.n != 1 || n->other.nodes[0]->kind != DA_JN_IF)
            return run(in, &n->other);
        n = n->other.nodes[0]; /* elif */
    }
}

static bool define_macro(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret)
{
    struct da_jmacro *m = da_arena_alloc(&in->a, 1, sizeof *m);
    m->node = n;
    m->scope = in->scope;
    *ret = (struct da_jval){.type = DA_J_MACRO, .u.macro = m};
    return true;
}

static bool print(struct da_jinterp *in, const struct da_jval *v)
{
    da_j_print(in->out, v);
    return da_jcharge(in, v->type == DA_J_STR ? v->u.s.len / 16 : 1);
}

/* A body in a scope of its own, after the assignments in n->list. */
static bool run_scoped(struct da_jinterp *in, const struct da_jnode *n)
{
    struct da_jscope *old = in->scope, *own = push_scope(in, old);
    bool ok = true;
    for (size_t i = 0; i < n->list.n && ok; i++) {
        struct da_jval v;
        ok = eval(in, n->list.nodes[i]->a, &v); /* in the outer scope */
        in->scope = own;
        ok = ok && assign_all(in, &n->list.nodes[i]->list, &v);
        in->scope = old;
    }
    in->scope = own;
    ok = ok && run(in, &n->body);
    in->scope = old;
    return ok;
}

static bool run_captured(struct da_jinterp *in, const struct da_jnode *n)
{
    struct da_jscope *old = in->scope;
    struct da_jval text;
    in->scope = push_scope(in, old);
    bool ok = catch_output(in, &n->body, &text);
    in->scope = old;
    if (ok && n->a) {
        struct da_jval of = text;
        ok = eval_filter(in, n->a, &of, &text);
    }
    if (!ok)
        return false;
    return n->kind == DA_JN_SET_BLOCK ? assign_all(in, &n->list, &text) : print(in, &text);
}

static bool run_node(struct da_jinterp *in, const struct da_jnode *n)
{
    struct da_jval v, caller;
    switch ((enum da_jnode_kind)n->kind) {
    case DA_JN_DATA:
        da_buf_add(in->out, n->name.p, n->name.len);
        return da_jcharge(in, n->name.len / 16);
    case DA_JN_PRINT:
        return eval(in, n->a, &v) && print(in, &v);
    case DA_JN_FOR:
        return run_for(in, n);
    case DA_JN_IF:
        return run_if(in, n);
    case DA_JN_SET:
        return eval(in, n->a, &v) && assign_all(in, &n->list, &v);
    case DA_JN_SET_BLOCK:
    case DA_JN_FILTER_BLOCK:
        return run_captured(in, n);
    case DA_JN_MACRO:
        (void)define_macro(in, n, &v);
        set_name(in, n->name, v);
        return true;
    case DA_JN_CALL_BLOCK:
        return define_macro(in, n, &caller) && eval_call(in, n->a, &caller, &v) && print(in, &v);
    case DA_JN_WITH:
    case DA_JN_GENERATION:
        return run_scoped(in, n);
    case DA_JN_BREAK:
    case DA_JN_CONTINUE:
        in->flow = n->kind == DA_JN_BREAK ? DA_J_BREAK : DA_J_CONTINUE;
        return true;
    default:
        return da_jfail(in, DA_EFORMAT, "this is no statement");
    }
}

static bool run(struct da_jinterp *in, const struct da_jblock *b)
{
    for (size_t i = 0; i < b->n && in->flow == DA_J_GO_ON; i++) {
        in->line = b->nodes[i]->line;
        if (++in->depth > DA_J_MAX_CALLS)
            return da_jfail(in, DA_ELIMIT, "blocks or calls are nested too deeply");
        if (!da_jcharge(in, 1) || !run_node(in, b->nodes[i]))
            return false;
        in->depth--;
        if (in->out->overflow)
            return da_jfail(in, DA_ELIMIT, "the output is longer than %zu bytes", in->out->max);
    }
    return in->rc == DA_OK;
}

/* ---- the door -------------------------------------------------------------------------------- */

struct da_chat_template {
    struct da_arena a;
    struct da_jblock root;
};

enum da_rc da_chat_template_parse(struct da_chat_template **ret, struct da_span source, struct da_err *err)
{
    if (source.len > DA_CHAT_MAX_SOURCE)
        return da_fail(err, DA_ELIMIT, "chat template: longer than %d bytes",
                       DA_CHAT_MAX_SOURCE);
    if (!da_utf8_valid(source.p, source.len))
        return da_fail(err, DA_EFORMAT, "chat template: not UTF-8");
    struct da_chat_template *t = da_calloc(1, sizeof *t);
    da_arena_init(&t->a);
    enum da_rc rc = da_jinja_parse(&t->a, source, &t->root, err);
    if (rc != DA_OK) {
        (void)da_err_context(err, rc, "chat template");
        da_chat_template_free(t);
    } else {
        *ret = t;
    }
    return rc;
}

void da_chat_template_free(struct da_chat_template *t)
{
    if (!t)
        return;
    da_arena_release(&t->a);
    free(t);
}

enum da_rc da_chat_template_render(const struct da_chat_template *t, const struct da_json *vars,
                          int64_t now_unix_s, const struct da_chat_template_limits *limits,
                          struct da_buf *out, struct da_err *err)
{
    struct da_chat_template_limits l = limits ? *limits : (struct da_chat_template_limits){0};
    struct da_jinterp in = {
        .max_steps = l.max_steps ? l.max_steps : DA_CHAT_MAX_STEPS,
        .max_memory = l.max_memory ? l.max_memory : DA_CHAT_MAX_MEMORY,
        .now = now_unix_s,
        .err = err,
    };
    struct da_buf text;
    da_buf_init(&text, l.max_output ? l.max_output : DA_CHAT_MAX_OUTPUT);
    da_arena_init(&in.a);
    in.out = &text;
    in.scope = push_scope(&in, NULL);
    for (const struct da_json *v = da_json_first(vars); v; v = da_json_next(v))
        set_name(&in, da_span_str(da_json_key(v)), da_j_from_json(&in.a, v));
    in.scope = push_scope(&in, in.scope);
    if (run(&in, &t->root))
        da_buf_add(out, text.p, text.len);
    else
        (void)da_err_context(err, in.rc, "chat template");
    da_arena_release(&in.a);
    da_buf_release(&text);
    return in.rc == DA_OK ? da_buf_check(out, "the prompt", err) : in.rc;
}
