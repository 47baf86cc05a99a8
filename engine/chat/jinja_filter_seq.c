/* Filters of sequences (jinja2/filters.py). */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/attr.h"
#include "common/utf8.h"
#include "engine/chat/jinja_filter.h"

static bool f_length(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                     struct da_jval *ret)
{
    (void)args;
    if (of->type == DA_J_STR) {
        *ret = da_j_int((int64_t)da_utf8_count(of->u.s.p, of->u.s.len));
        return da_jcharge(in, of->u.s.len / 16);
    }
    struct da_jval list;
    if (!da_jiterate(in, of, &list))
        return false;
    *ret = da_j_int(list.n);
    return true;
}

static bool end_item(struct da_jinterp *in, const struct da_jval *of, bool last,
                     struct da_jval *ret)
{
    struct da_jval list;
    if (!da_jiterate(in, of, &list))
        return false;
    *ret = list.n ? list.u.items[last ? list.n - 1 : 0]
                  : da_j_undefined(da_span_str(last ? "the last item" : "the first item"));
    return true;
}

static bool f_first(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    (void)args;
    return end_item(in, of, false, ret);
}

static bool f_last(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                   struct da_jval *ret)
{
    (void)args;
    return end_item(in, of, true, ret);
}

static bool f_list(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                   struct da_jval *ret)
{
    (void)args;
    if (!da_jiterate(in, of, ret))
        return false;
    ret->type = DA_J_LIST;
    return true;
}

static bool f_reverse(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                      struct da_jval *ret)
{
    struct da_jval list;
    (void)args;
    if (!da_jiterate(in, of, &list))
        return false;
    struct da_jval *items = da_jitems(in, list.n);
    for (uint32_t i = 0; items && i < list.n; i++)
        items[i] = list.u.items[list.n - 1 - i];
    if (!items)
        return false;
    list = da_j_list(items, list.n);
    *ret = list;
    return of->type != DA_J_STR || da_jjoin(in, da_span("", 0), &list, true, ret);
}

/* The attribute argument ("a.b") of each element, or the elements themselves. */
static bool attributes(struct da_jinterp *in, const struct da_jval *list,
                       const struct da_jval *attribute, struct da_jval *ret)
{
    *ret = *list;
    if (!attribute || attribute->type == DA_J_NONE)
        return true;
    struct da_jval *items = da_jitems(in, list->n);
    struct da_span path;
    if (!items || !da_jtext_of(in, attribute, &path))
        return false;
    for (uint32_t i = 0; i < list->n; i++)
        if (!da_jpath(in, &list->u.items[i], path, &items[i]))
            return false;
    *ret = da_j_list(items, list->n);
    return true;
}

static bool f_join(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                   struct da_jval *ret)
{
    struct da_jval list, parts;
    struct da_span between = da_span("", 0);
    const struct da_jval *d = da_jarg(args, 0, "d");
    return da_jiterate(in, of, &list) && (!d || da_jtext_of(in, d, &between)) &&
           attributes(in, &list, da_jarg(args, 1, "attribute"), &parts) &&
           da_jjoin(in, between, &parts, true, ret);
}

static bool f_items(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    (void)args;
    if (of->type == DA_J_UNDEFINED) {
        *ret = da_j_list(NULL, 0);
        return true;
    }
    if (of->type != DA_J_DICT)
        return da_jfail(in, DA_EFORMAT, "items of a %s", da_j_type_name(of));
    struct da_jval *items = da_jitems(in, of->u.dict->n);
    for (size_t i = 0; items && i < of->u.dict->n; i++) {
        struct da_jval *pair = da_jitems(in, 2);
        if (!pair)
            return false;
        pair[0] = of->u.dict->pairs[i].key;
        pair[1] = of->u.dict->pairs[i].value;
        items[i] = da_j_tuple(pair, 2);
    }
    if (items)
        *ret = da_j_list(items, of->u.dict->n);
    return items != NULL;
}

/* A stable order by key, small letters and capitals alike unless case_sensitive. */
struct keyed {
    struct da_jval key, value;
    uint32_t at;
    bool reverse;
};

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = 0;
    (void)da_j_compare(&x->key, &y->key, &order);
    if (order != 0)
        return x->reverse ? -order : order;
    return (x->at > y->at) - (x->at < y->at);
}

static bool fold(struct da_jinterp *in, struct da_jval *v)
{
    struct da_buf out;
    if (v->type != DA_J_STR)
        return true;
    da_buf_init(&out, in->max_memory);
    (void)da_jlower(in, &out, v->u.s);
    return da_jtake(in, &out, v);
}

static bool sort_by(struct da_jinterp *in, const struct da_jval *list, const struct da_jval *keys,
                    bool case_sensitive, bool reverse, struct da_jval *ret)
{
    struct da_jval *items = da_jitems(in, list->n);
    if (!items || !da_jcharge(in, (uint64_t)keys->weight * 20))
        return false;
    struct keyed *k = da_arena_alloc(&in->a, list->n + 1, sizeof *k);
    for (uint32_t i = 0; i < list->n; i++) {
        int order;
        k[i] = (struct keyed){keys->u.items[i], list->u.items[i], i, reverse};
        if (!case_sensitive && !fold(in, &k[i].key))
            return false;
        if (i > 0 && !da_j_compare(&k[0].key, &k[i].key, &order))
            return da_jfail(in, DA_EFORMAT, "sort: '%s' and '%s' have no order",
                            da_j_type_name(&k[0].key), da_j_type_name(&k[i].key));
    }
    qsort(k, list->n, sizeof *k, by_key);
    for (uint32_t i = 0; i < list->n; i++)
        items[i] = k[i].value;
    *ret = da_j_list(items, list->n);
    return true;
}

static bool f_sort(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                   struct da_jval *ret)
{
    struct da_jval list, keys;
    return da_jiterate(in, of, &list) &&
           attributes(in, &list, da_jarg(args, 2, "attribute"), &keys) &&
           sort_by(in, &list, &keys, da_jarg_flag(args, 1, "case_sensitive", false),
                   da_jarg_flag(args, 0, "reverse", false), ret);
}

static bool f_dictsort(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                       struct da_jval *ret)
{
    struct da_jval list, keys;
    struct da_span by = da_span_str("key");
    if (!f_items(in, of, NULL, &list) || !da_jarg_str(in, args, 1, "by", &by))
        return false;
    struct da_jval number = da_j_int(da_span_is(by, "value"));
    return attributes(in, &list, &number, &keys) &&
           sort_by(in, &list, &keys, da_jarg_flag(args, 0, "case_sensitive", false),
                   da_jarg_flag(args, 2, "reverse", false), ret);
}

static bool f_unique(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                     struct da_jval *ret)
{
    struct da_jval list, keys;
    size_t n = 0;
    if (!da_jiterate(in, of, &list) || !attributes(in, &list, da_jarg(args, 1, "attribute"), &keys))
        return false;
    struct da_jval *items = da_jitems(in, list.n), *seen = da_jitems(in, list.n);
    for (uint32_t i = 0; items && seen && i < list.n; i++) {
        bool known = false;
        seen[n] = keys.u.items[i];
        if ((!da_jarg_flag(args, 0, "case_sensitive", false) && !fold(in, &seen[n])) ||
            !da_jcharge(in, n * (1 + (uint64_t)seen[n].weight)))
            return false;
        for (size_t k = 0; k < n && !known; k++)
            known = da_j_equal(&seen[k], &seen[n]);
        if (!known)
            items[n++] = list.u.items[i];
    }
    *ret = da_j_list(items, n);
    return in->rc == DA_OK;
}

static bool extreme(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    bool max, struct da_jval *ret)
{
    struct da_jval list, keys, best, key;
    if (!da_jiterate(in, of, &list) || !attributes(in, &list, da_jarg(args, 1, "attribute"), &keys))
        return false;
    *ret = da_j_undefined(da_span_str("the extreme of nothing"));
    for (uint32_t i = 0; i < list.n; i++) {
        int order = 0;
        key = keys.u.items[i];
        if (!da_jarg_flag(args, 0, "case_sensitive", false) && !fold(in, &key))
            return false;
        if (i > 0 && !da_jcharge_pair(in, &key, &best))
            return false;
        if (i > 0 && !da_j_compare(&key, &best, &order))
            return da_jfail(in, DA_EFORMAT, "min or max: elements have no order");
        if (i == 0 || (max ? order > 0 : order < 0)) {
            best = key;
            *ret = list.u.items[i];
        }
    }
    return true;
}

static bool f_min(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                  struct da_jval *ret)
{
    return extreme(in, of, args, false, ret);
}

static bool f_max(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                  struct da_jval *ret)
{
    return extreme(in, of, args, true, ret);
}

static bool f_sum(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                  struct da_jval *ret)
{
    struct da_jval list, keys;
    const struct da_jval *start = da_jarg(args, 1, "start");
    if (!da_jiterate(in, of, &list) || !attributes(in, &list, da_jarg(args, 0, "attribute"), &keys))
        return false;
    *ret = start ? *start : da_j_int(0);
    for (uint32_t i = 0; i < keys.n; i++) {
        const struct da_jval *v = &keys.u.items[i];
        if (!da_j_is_number(v) || !da_j_is_number(ret))
            return da_jfail(in, DA_EFORMAT, "sum: '%s' is no number", da_j_type_name(v));
        double d = da_j_number(ret) + da_j_number(v);
        if (ret->type == DA_J_FLOAT || v->type == DA_J_FLOAT)
            *ret = da_j_float(d);
        else if (fabs(d) > 9.2e18)
            return da_jfail(in, DA_ELIMIT, "an integer needs more than 64 bits");
        else
            *ret = da_j_int((ret->type == DA_J_BOOL ? ret->u.b : ret->u.i) +
                            (v->type == DA_J_BOOL ? v->u.b : v->u.i));
    }
    return true;
}

static bool f_batch(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    struct da_jval list;
    int64_t size = 0;
    const struct da_jval *fill = da_jarg(args, 1, "fill_with");
    if (!da_jiterate(in, of, &list) || !da_jarg_int(in, args, 0, "linecount", &size))
        return false;
    if (size < 1 || size > 1000000)
        return da_jfail(in, DA_EFORMAT, "batch: a size of %lld", (long long)size);
    size_t rows = (list.n + (size_t)size - 1) / (size_t)size;
    struct da_jval *items = da_jitems(in, rows);
    for (size_t r = 0; items && r < rows; r++) {
        size_t from = r * (size_t)size,
               n = list.n - from < (size_t)size ? list.n - from : (size_t)size;
        struct da_jval *row = da_jitems(in, (size_t)size);
        if (!row)
            return false;
        memcpy(row, list.u.items + from, n * sizeof *row);
        while (fill && fill->type != DA_J_NONE && n < (size_t)size)
            row[n++] = *fill;
        items[r] = da_j_list(row, n);
    }
    if (items)
        *ret = da_j_list(items, rows);
    return items != NULL;
}

/* ---- choosing --------------------------------------------------------------------------------*/

static bool f_map(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                  struct da_jval *ret)
{
    struct da_jval list;
    const struct da_jval *attribute = NULL, *def = NULL;
    for (size_t i = 0; i < args->n_named; i++) {
        if (da_span_is(args->named[i].name, "attribute"))
            attribute = &args->named_v[i];
        if (da_span_is(args->named[i].name, "default"))
            def = &args->named_v[i];
    }
    if (!da_jiterate(in, of, &list))
        return false;
    if (!attribute && (args->n == 0 || args->v[0].type != DA_J_STR))
        return da_jfail(in, DA_EFORMAT, "map takes a filter's name or an attribute");
    struct da_jval *items = da_jitems(in, list.n);
    struct da_jargs rest = {.v = args->v + 1,
                            .n = args->n ? args->n - 1 : 0,
                            .named = args->named,
                            .named_v = args->named_v,
                            .n_named = args->n_named};
    struct da_span path;
    if (!items || (attribute && !da_jtext_of(in, attribute, &path)))
        return false;
    for (uint32_t i = 0; i < list.n; i++) {
        const struct da_jval *v = &list.u.items[i];
        if (!(attribute ? da_jpath(in, v, path, &items[i])
                        : da_jfilter(in, args->v[0].u.s, v, &rest, &items[i])))
            return false;
        if (attribute && def && items[i].type == DA_J_UNDEFINED)
            items[i] = *def;
    }
    *ret = da_j_list(items, list.n);
    return true;
}

/* The elements (or attributes of them) for which a test holds, or truth without one. */
static bool choose(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                   bool by_attribute, bool keep, struct da_jval *ret)
{
    struct da_jval list, v;
    size_t n = 0, first = by_attribute;
    if (!da_jiterate(in, of, &list))
        return false;
    if ((by_attribute && args->n == 0) || (args->n > first && args->v[first].type != DA_J_STR))
        return da_jfail(in, DA_EFORMAT, "select and reject take an attribute or a test's name");
    struct da_jval *items = da_jitems(in, list.n);
    struct da_jargs rest = {.n = args->n > first + 1 ? args->n - first - 1 : 0};
    struct da_span path;
    if (!items || (by_attribute && !da_jtext_of(in, &args->v[0], &path)))
        return false;
    rest.v = args->v + first + 1;
    for (uint32_t i = 0; i < list.n; i++) {
        v = list.u.items[i];
        if (by_attribute && !da_jpath(in, &list.u.items[i], path, &v))
            return false;
        bool holds = da_j_truth(&v);
        if (args->n > first && !da_jtest(in, args->v[first].u.s, &v, &rest, &holds))
            return false;
        if (holds == keep)
            items[n++] = list.u.items[i];
    }
    *ret = da_j_list(items, n);
    return true;
}

static bool f_select(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                     struct da_jval *ret)
{
    return choose(in, of, args, false, true, ret);
}

static bool f_reject(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                     struct da_jval *ret)
{
    return choose(in, of, args, false, false, ret);
}

static bool f_selectattr(struct da_jinterp *in, const struct da_jval *of,
                         const struct da_jargs *args, struct da_jval *ret)
{
    return choose(in, of, args, true, true, ret);
}

static bool f_rejectattr(struct da_jinterp *in, const struct da_jval *of,
                         const struct da_jargs *args, struct da_jval *ret)
{
    return choose(in, of, args, true, false, ret);
}

const struct da_jfilter da_jseq_filters[] = {
    {"batch", f_batch},
    {"count", f_length},
    {"dictsort", f_dictsort},
    {"first", f_first},
    {"items", f_items},
    {"join", f_join},
    {"last", f_last},
    {"length", f_length},
    {"list", f_list},
    {"map", f_map},
    {"max", f_max},
    {"min", f_min},
    {"reject", f_reject},
    {"rejectattr", f_rejectattr},
    {"reverse", f_reverse},
    {"select", f_select},
    {"selectattr", f_selectattr},
    {"sort", f_sort},
    {"sum", f_sum},
    {"unique", f_unique},
};
const size_t da_jseq_n_filters = DA_ARRAY_LEN(da_jseq_filters);
