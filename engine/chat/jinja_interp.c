/*
 * What all of the interpreter stands on: failures, the limits, names and arguments. Names are
 * looked up through scopes: a loop's body, a macro and a few blocks have one of their own, "if"
 * does not. Everything a render makes lives in its arena.
 */

#include <stdarg.h>
#include <stdio.h>

#include "engine/chat/jinja_eval.h"

struct variable {
    struct da_span name;
    struct da_jval value;
};

struct da_jscope {
    struct da_jscope *parent;
    struct variable *vars;
    size_t n, cap;
};

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

bool da_jcharge_find(struct da_jinterp *in, const struct da_jdict *d, const struct da_jval *key)
{
    return da_jcharge(in, 1 + (uint64_t)d->n / 4 * (1 + (uint64_t)key->weight));
}

bool da_jcharge_pair(struct da_jinterp *in, const struct da_jval *a, const struct da_jval *b)
{
    return da_jcharge(in, a->weight < b->weight ? a->weight : b->weight);
}

struct da_jval *da_jitems(struct da_jinterp *in, size_t n)
{
    if (!da_jcharge(in, n))
        return NULL;
    if (n > (in->max_memory - in->a.used_bytes) / sizeof(struct da_jval)) {
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

struct da_jscope *da_jpush_scope(struct da_jinterp *in, struct da_jscope *parent)
{
    struct da_jscope *s = da_arena_alloc(&in->a, 1, sizeof *s);
    s->parent = parent;
    return s;
}

void da_jset_name(struct da_jinterp *in, struct da_span name, struct da_jval value)
{
    struct da_jscope *s = in->scope;
    (void)da_jcharge(in, s->n / 4);
    for (size_t i = 0; i < s->n; i++) {
        if (da_span_eq(s->vars[i].name, name)) {
            s->vars[i].value = value;
            return;
        }
    }
    DA_ARENA_GROW(&in->a, s->vars, s->n, s->cap);
    s->vars[s->n++] = (struct variable){name, value};
}

struct da_jval da_jget_name(struct da_jinterp *in, struct da_span name)
{
    static const char *const functions[] = {[DA_JF_RANGE] = "range",
                                            [DA_JF_DICT] = "dict",
                                            [DA_JF_NAMESPACE] = "namespace",
                                            [DA_JF_RAISE] = "raise_exception",
                                            [DA_JF_STRFTIME_NOW] = "strftime_now"};
    for (const struct da_jscope *s = in->scope; s; s = s->parent) {
        (void)da_jcharge(in, s->n / 4);
        for (size_t i = 0; i < s->n; i++)
            if (da_span_eq(s->vars[i].name, name))
                return s->vars[i].value;
    }
    for (size_t i = 0; i < DA_ARRAY_LEN(functions); i++)
        if (da_span_is(name, functions[i]))
            return (struct da_jval){.type = DA_J_FUNCTION, .u.i = (int64_t)i};
    return da_j_undefined(name);
}

bool da_jundefined(struct da_jinterp *in, const struct da_jval *v)
{
    return da_jfail(in, DA_EFORMAT, "'%.*s' is undefined",
                    (int)(v->u.s.len > 100 ? 100 : v->u.s.len), v->u.s.p);
}

/* ---- arguments ------------------------------------------------------------------------------- */

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

bool da_jarg_flag(const struct da_jargs *args, size_t i, const char *name, bool def)
{
    const struct da_jval *v = da_jarg(args, i, name);
    return v ? da_j_truth(v) : def;
}
