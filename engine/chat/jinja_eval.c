/* Walking the tree: expressions. */

#include "engine/chat/jinja_eval.h"

#include <string.h>

#include "common/utf8.h"

/* ---- calls ----------------------------------------------------------------------------------- */

static bool eval_args(struct da_jinterp *in, const struct da_jnode *n, struct da_jargs *args)
{
    struct da_jval *v = da_jitems(in, n->list.n + n->n_kwargs);
    if (!v)
        return false;
    for (size_t i = 0; i < n->list.n; i++)
        if (!da_jeval(in, n->list.nodes[i], &v[i]))
            return false;
    for (size_t i = 0; i < n->n_kwargs; i++)
        if (!da_jeval(in, n->kwargs[i].value, &v[n->list.n + i]))
            return false;
    *args = (struct da_jargs){v, n->list.n, n->kwargs, v + n->list.n, n->n_kwargs};
    return true;
}

/* Runs a body with its output caught in *ret. */
bool da_jcatch_output(struct da_jinterp *in, const struct da_jblock *b, struct da_jval *ret)
{
    struct da_buf text, *old = in->out;
    da_buf_init(&text, in->max_memory);
    in->out = &text;
    bool ok = da_jrun(in, b);
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
    if (!da_jcharge(in, (uint64_t)(args->n_named + 1) * (n->n_kwargs / 4 + 1)))
        return false;
    in->scope = da_jpush_scope(in, m->scope);
    if (caller)
        da_jset_name(in, da_span_str("caller"), *caller);
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
            (void)da_jeval(in, n->kwargs[i].value, &v);
        da_jset_name(in, n->kwargs[i].name, v);
    }
    bool ok = in->rc == DA_OK && da_jcatch_output(in, &n->body, ret);
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
        if (!da_jcharge_pair(in, &now, &l->changed))
            return false;
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
        return da_jundefined(in, f);
    return da_jfail(in, DA_EFORMAT, "a value of type %s cannot be called", da_j_type_name(f));
}

bool da_jeval_call(struct da_jinterp *in, const struct da_jnode *n, const struct da_jval *caller,
                   struct da_jval *ret)
{
    struct da_jval f, of;
    struct da_jargs args;
    if (n->a->kind != DA_JN_GETATTR)
        return da_jeval(in, n->a, &f) && eval_args(in, n, &args) &&
               call_value(in, &f, &args, caller, ret);
    bool found = false;
    if (!da_jeval(in, n->a->a, &of) || !eval_args(in, n, &args))
        return false;
    if (of.type == DA_J_UNDEFINED)
        return da_jundefined(in, &of);
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
        return da_jundefined(in, of);
    if (of->type == DA_J_LOOP) {
        *ret = loop_attr(of->u.loop, name);
        return true;
    }
    if (of->type == DA_J_DICT || of->type == DA_J_NAMESPACE) {
        if (!da_jcharge_find(in, of->u.dict, &key))
            return false;
        v = da_jdict_find(of->u.dict, &key);
    }
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
        if (!da_jcharge_find(in, of->u.dict, key))
            return false;
        const struct da_jval *v = da_jdict_find(of->u.dict, key);
        if (v)
            *ret = *v;
        return true;
    }
    if (key->type != DA_J_INT && key->type != DA_J_BOOL)
        return true;
    int64_t i = key->type == DA_J_INT ? key->u.i : key->u.b, n = of->n;
    if (of->type == DA_J_STR) {
        if (!da_jcharge(in, of->u.s.len / 8))
            return false;
        n = (int64_t)da_utf8_count(of->u.s.p, of->u.s.len);
    }
    i += i < 0 ? n : 0;
    if (i < 0 || i >= n)
        return true;
    if (of->type == DA_J_LIST || of->type == DA_J_TUPLE) {
        *ret = of->u.items[i];
    } else if (of->type == DA_J_STR) {
        size_t from = char_offset(of->u.s, (size_t)i);
        struct da_span rest = da_span(of->u.s.p + from, of->u.s.len - from);
        *ret = da_j_str(da_span(rest.p, char_offset(rest, 1)));
    }
    return true;
}

bool da_jpath(struct da_jinterp *in, const struct da_jval *of, struct da_span path,
              struct da_jval *ret)
{
    struct da_span piece;
    *ret = *of;
    if (!da_jcharge(in, path.len / 16))
        return false;
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
        if (n->list.nodes[i] && !da_jeval(in, n->list.nodes[i], &part[i]))
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
    if (!da_jeval(in, n->a, &of))
        return false;
    if (of.type == DA_J_UNDEFINED)
        return da_jundefined(in, &of);
    bool text = of.type == DA_J_STR;
    if (!text && of.type != DA_J_LIST && of.type != DA_J_TUPLE) {
        *ret = da_j_undefined(da_span_str("a slice"));
        return true;
    }
    list = of;
    if ((text && !da_jiterate(in, &of, &list)) || !slice_bounds(in, n, list.n, &from, &to, &step))
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
    case DA_J_TUPLE: *ret = *v; return da_jcharge(in, v->n);
    case DA_J_UNDEFINED: *ret = da_j_list(NULL, 0); return true;
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
    default: return da_jfail(in, DA_EFORMAT, "'%s' object is not iterable", da_j_type_name(v));
    }
}

/* ---- operators ------------------------------------------------------------------------------- */

static bool eval_binary(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret)
{
    struct da_jval a, b;
    char name[3] = {n->op == 'F' ? '/' : n->op == 'P' ? '*' : n->op, 0, 0};
    name[1] = n->op == 'F' ? '/' : n->op == 'P' ? '*' : 0;
    if (!da_jeval(in, n->a, &a) || !da_jeval(in, n->b, &b))
        return false;
    in->line = n->line;
    if (da_j_is_number(&a) && da_j_is_number(&b))
        return da_jarithmetic(in, n->op, &a, &b, ret);
    bool sequence = a.type == DA_J_STR || a.type == DA_J_LIST || a.type == DA_J_TUPLE;
    if (n->op == '+' && sequence && a.type == b.type)
        return da_jadd(in, &a, &b, ret);
    if (n->op == '*' && sequence && b.type == DA_J_INT)
        return da_jrepeat(in, &a, b.u.i, ret);
    if (n->op == '*' && a.type == DA_J_INT && (b.type == DA_J_STR || b.type == DA_J_LIST))
        return da_jrepeat(in, &b, a.u.i, ret);
    if (n->op == '%' && a.type == DA_J_STR) {
        struct da_jargs args = {.v = b.type == DA_J_TUPLE ? b.u.items : &b,
                                .n = b.type == DA_J_TUPLE ? b.n : 1};
        return da_jfilter(in, da_span_str("format"), &a, &args, ret);
    }
    return da_jwrong_types(in, name, &a, &b);
}

static bool eval_compare(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret)
{
    struct da_jval a, b;
    bool holds = true;
    if (!da_jeval(in, n->a, &a))
        return false;
    for (size_t i = 0; i < n->list.n && holds; i++, a = b) {
        const struct da_jnode *part = n->list.nodes[i];
        int order = 0;
        if (!da_jeval(in, part->b, &b))
            return false;
        in->line = part->line;
        if (!da_jcharge_pair(in, &a, &b))
            return false;
        if (part->op == '=' || part->op == '!') {
            holds = da_j_equal(&a, &b) == (part->op == '=');
        } else if (part->op == 'i' || part->op == 'n') {
            if (!da_jcontains(in, &b, &a, &holds))
                return false;
            holds = holds == (part->op == 'i');
        } else if (!da_j_compare(&a, &b, &order)) {
            return da_jwrong_types(in, "comparison", &a, &b);
        } else {
            holds = part->op == '<'   ? order < 0
                    : part->op == '>' ? order > 0
                    : part->op == 'l' ? order <= 0
                                      : order >= 0;
        }
    }
    *ret = da_j_bool(holds);
    return true;
}

static bool eval_list(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret)
{
    struct da_jval *items = da_jitems(in, n->list.n);
    for (size_t i = 0; i < n->list.n; i++)
        if (!items || !da_jeval(in, n->list.nodes[i], &items[i]))
            return false;
    if (!items)
        return false;
    if (n->kind == DA_JN_CONCAT) {
        struct da_jval list = da_j_list(items, n->list.n);
        return da_jjoin(in, da_span("", 0), &list, true, ret);
    }
    if (n->kind == DA_JN_DICT) {
        struct da_jdict *d = da_jdict_new(&in->a);
        for (size_t i = 0; i + 1 < n->list.n; i += 2) {
            if (!da_jcharge_find(in, d, &items[i]))
                return false;
            da_jdict_put(&in->a, d, items[i], items[i + 1]);
        }
        *ret = da_j_dict(d);
    } else {
        *ret = n->kind == DA_JN_LIST ? da_j_list(items, n->list.n) : da_j_tuple(items, n->list.n);
    }
    if (ret->depth > DA_J_MAX_NESTING)
        return da_jfail(in, DA_ELIMIT, "values are nested too deeply");
    return true;
}

bool da_jeval_filter(struct da_jinterp *in, const struct da_jnode *n, const struct da_jval *block,
                     struct da_jval *ret)
{
    struct da_jval of;
    struct da_jargs args;
    if (n->a && n->a->kind == DA_JN_FILTER && block) {
        if (!da_jeval_filter(in, n->a, block, &of))
            return false;
    } else if (n->a) {
        if (!da_jeval(in, n->a, &of))
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
    if (!da_jeval(in, n->a, &of) || !eval_args(in, n, &args))
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
    if (!da_jeval(in, n->a, &v))
        return false;
    if (n->kind == DA_JN_NOT) {
        *ret = da_j_bool(!da_j_truth(&v));
        return true;
    }
    if (!da_j_is_number(&v))
        return da_jwrong_types(in, "a sign", &v, &v);
    if (v.type == DA_J_FLOAT) {
        *ret = da_j_float(n->kind == DA_JN_NEG ? -v.u.d : v.u.d);
        return true;
    }
    return da_jarithmetic(in, n->kind == DA_JN_NEG ? '-' : '+', &zero, &v, ret);
}

static bool eval_kind(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret)
{
    struct da_jval a, b;
    switch ((enum da_jnode_kind)n->kind) {
    case DA_JN_CONST: *ret = n->value; return true;
    case DA_JN_NAME: *ret = da_jget_name(in, n->name); return true;
    case DA_JN_LIST:
    case DA_JN_TUPLE:
    case DA_JN_DICT:
    case DA_JN_CONCAT: return eval_list(in, n, ret);
    case DA_JN_GETATTR: return da_jeval(in, n->a, &a) && da_jattr(in, &a, n->name, ret);
    case DA_JN_GETITEM:
        return da_jeval(in, n->a, &a) && da_jeval(in, n->b, &b) && da_jitem(in, &a, &b, ret);
    case DA_JN_SLICE: return eval_slice(in, n, ret);
    case DA_JN_CALL: return da_jeval_call(in, n, NULL, ret);
    case DA_JN_FILTER: return da_jeval_filter(in, n, NULL, ret);
    case DA_JN_TEST: return eval_test(in, n, ret);
    case DA_JN_NOT:
    case DA_JN_NEG:
    case DA_JN_POS: return eval_sign(in, n, ret);
    case DA_JN_BINARY: return eval_binary(in, n, ret);
    case DA_JN_AND:
    case DA_JN_OR:
        if (!da_jeval(in, n->a, ret))
            return false;
        return da_j_truth(ret) == (n->kind == DA_JN_OR) || da_jeval(in, n->b, ret);
    case DA_JN_COMPARE: return eval_compare(in, n, ret);
    case DA_JN_COND:
        if (!da_jeval(in, n->a, &a))
            return false;
        if (da_j_truth(&a))
            return da_jeval(in, n->b, ret);
        *ret = da_j_undefined(da_span_str("the inline if-expression"));
        return !n->c || da_jeval(in, n->c, ret);
    default: return da_jfail(in, DA_EFORMAT, "this is no expression");
    }
}

bool da_jeval(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret)
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
