/* Statements: loops, conditions, assignments, macros and blocks. */

#include "engine/chat/jinja_eval.h"

#include <string.h>


static bool assign(struct da_jinterp *in, const struct da_jnode *target, struct da_jval value)
{
    if (target->kind == DA_JN_NAME) {
        da_jset_name(in, target->name, value);
        return true;
    }
    struct da_jval ns = da_jget_name(in, target->a->name);
    if (ns.type != DA_J_NAMESPACE)
        return da_jfail(in, DA_EFORMAT, "cannot assign attribute on non-namespace object");
    const struct da_jval key = da_j_str(target->name);
    if (!da_jcharge_find(in, ns.u.dict, &key))
        return false;
    da_jdict_put(&in->a, ns.u.dict, key, value);
    return true;
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
        in->scope = da_jpush_scope(in, old);
        bool ok = assign_all(in, &n->list, &list->u.items[i]) && da_jeval(in, n->b, &holds);
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
    if (!da_jeval(in, n->a, &over) || !da_jiterate(in, &over, &list) ||
        (n->b && !filter_loop(in, n, &list)))
        return false;
    if (list.n == 0)
        return da_jrun(in, &n->other);
    struct da_jloop *l = da_arena_alloc(&in->a, 1, sizeof *l);
    l->items = list.u.items;
    l->n = list.n;
    l->depth = 1; /* counts recursive loops only */
    bool ok = true;
    for (l->i = 0; l->i < l->n && ok; l->i++) {
        in->scope = da_jpush_scope(in, old);
        da_jset_name(in, da_span_str("loop"), (struct da_jval){.type = DA_J_LOOP, .u.loop = l});
        ok =
            da_jcharge(in, 1) && assign_all(in, &n->list, &l->items[l->i]) && da_jrun(in, &n->body);
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
        if (!da_jeval(in, n->a, &holds))
            return false;
        if (da_j_truth(&holds))
            return da_jrun(in, &n->body);
        if (n->other.n != 1 || n->other.nodes[0]->kind != DA_JN_IF)
            return da_jrun(in, &n->other);
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
    if (!da_jcharge(in, v->type == DA_J_STR ? v->u.s.len / 16 : v->weight + UINT64_C(1)))
        return false;
    da_j_print(in->out, v);
    return true;
}

/* A body in a scope of its own, after the assignments in n->list. */
static bool run_scoped(struct da_jinterp *in, const struct da_jnode *n)
{
    struct da_jscope *old = in->scope, *own = da_jpush_scope(in, old);
    bool ok = true;
    for (size_t i = 0; i < n->list.n && ok; i++) {
        struct da_jval v;
        ok = da_jeval(in, n->list.nodes[i]->a, &v); /* in the outer scope */
        in->scope = own;
        ok = ok && assign_all(in, &n->list.nodes[i]->list, &v);
        in->scope = old;
    }
    in->scope = own;
    ok = ok && da_jrun(in, &n->body);
    in->scope = old;
    return ok;
}

static bool run_captured(struct da_jinterp *in, const struct da_jnode *n)
{
    struct da_jscope *old = in->scope;
    struct da_jval text;
    in->scope = da_jpush_scope(in, old);
    bool ok = da_jcatch_output(in, &n->body, &text);
    in->scope = old;
    if (ok && n->a) {
        struct da_jval of = text;
        ok = da_jeval_filter(in, n->a, &of, &text);
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
    case DA_JN_PRINT: return da_jeval(in, n->a, &v) && print(in, &v);
    case DA_JN_FOR: return run_for(in, n);
    case DA_JN_IF: return run_if(in, n);
    case DA_JN_SET: return da_jeval(in, n->a, &v) && assign_all(in, &n->list, &v);
    case DA_JN_SET_BLOCK:
    case DA_JN_FILTER_BLOCK: return run_captured(in, n);
    case DA_JN_MACRO:
        (void)define_macro(in, n, &v);
        da_jset_name(in, n->name, v);
        return true;
    case DA_JN_CALL_BLOCK:
        return define_macro(in, n, &caller) && da_jeval_call(in, n->a, &caller, &v) &&
               print(in, &v);
    case DA_JN_WITH:
    case DA_JN_GENERATION: return run_scoped(in, n);
    case DA_JN_BREAK:
    case DA_JN_CONTINUE:
        in->flow = n->kind == DA_JN_BREAK ? DA_J_BREAK : DA_J_CONTINUE;
        return true;
    default: return da_jfail(in, DA_EFORMAT, "this is no statement");
    }
}

bool da_jrun(struct da_jinterp *in, const struct da_jblock *b)
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
