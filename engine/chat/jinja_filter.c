/* Filters (jinja2/filters.py). */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/utf8.h"
#include "engine/chat/jinja_eval.h"
#include "text/uclass.h"

typedef bool (*filter_fn)(struct da_jinterp *in, const struct da_jval *of,
                          const struct da_jargs *args, struct da_jval *ret);

/* soft_str: what a filter for strings sees of any value. */
bool da_jtext_of(struct da_jinterp *in, const struct da_jval *v, struct da_span *ret)
{
    struct da_jval s;
    if (v->type == DA_J_STR) {
        *ret = v->u.s;
        return true;
    }
    struct da_buf out;
    if (!da_jcharge(in, v->weight))
        return false;
    da_buf_init(&out, in->max_memory);
    da_j_print(&out, v);
    if (!da_jtake(in, &out, &s))
        return false;
    *ret = s.u.s;
    return true;
}

static bool flag(const struct da_jargs *args, size_t i, const char *name, bool def)
{
    const struct da_jval *v = da_jarg(args, i, name);
    return v ? da_j_truth(v) : def;
}

/* ---- strings --------------------------------------------------------------------------------- */

static bool f_trim(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                   struct da_jval *ret)
{
    struct da_span s, chars = da_span("", 0);
    const struct da_jval *given = da_jarg(args, 0, "chars");
    bool some = given && given->type != DA_J_NONE;
    if (!da_jtext_of(in, of, &s) || (some && !da_jarg_str(in, args, 0, "chars", &chars)) ||
        !da_jcharge(in, s.len / 16 * (chars.len / 16 + 1)))
        return false;
    *ret = da_j_str(da_jstrip(s, some ? &chars : NULL, true, true));
    return true;
}

static bool f_upper(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    struct da_span s;
    struct da_buf out;
    (void)args;
    if (!da_jtext_of(in, of, &s))
        return false;
    da_buf_init(&out, in->max_memory);
    (void)da_jupper(in, &out, s);
    return da_jtake(in, &out, ret);
}

static bool f_lower(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    struct da_span s;
    struct da_buf out;
    (void)args;
    if (!da_jtext_of(in, of, &s))
        return false;
    da_buf_init(&out, in->max_memory);
    (void)da_jlower(in, &out, s);
    return da_jtake(in, &out, ret);
}

/* A capital after each character of breaks (white space too when words), small letters else. */
static bool capitals(struct da_jinterp *in, const struct da_jval *of, bool words,
                     struct da_jval *ret)
{
    struct da_span s;
    struct da_buf out;
    bool first = true;
    if (!da_jtext_of(in, of, &s))
        return false;
    da_buf_init(&out, in->max_memory);
    for (const char *p = s.p, *end = p + s.len; p < end;) {
        uint32_t cp;
        size_t len = da_utf8_decode(p, end, &cp);
        bool breaks = words && (da_uclass_is_space_python(cp) ||
                                (cp < 0x80 && cp && strchr("-({[<", (int)cp)));
        if (first)
            (void)da_jupper(in, &out, da_span(p, len));
        else
            (void)da_jlower(in, &out, da_span(p, len));
        first = breaks;
        p += len;
    }
    return da_jtake(in, &out, ret);
}

static bool f_capitalize(struct da_jinterp *in, const struct da_jval *of,
                         const struct da_jargs *args, struct da_jval *ret)
{
    (void)args;
    return capitals(in, of, false, ret);
}

static bool f_title(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    (void)args;
    return capitals(in, of, true, ret);
}

static bool f_replace(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                      struct da_jval *ret)
{
    struct da_span s, from = da_span("", 0), to = from;
    int64_t count = -1;
    const struct da_jval *c = da_jarg(args, 2, "count");
    if (!da_jarg(args, 0, "old") || !da_jarg(args, 1, "new"))
        return da_jfail(in, DA_EFORMAT, "replace takes two strings");
    return da_jtext_of(in, of, &s) && da_jarg_str(in, args, 0, "old", &from) &&
           da_jarg_str(in, args, 1, "new", &to) &&
           (!c || c->type == DA_J_NONE || da_jarg_int(in, args, 2, "count", &count)) &&
           da_jreplace(in, s, from, to, count, ret);
}

static bool f_string(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                     struct da_jval *ret)
{
    struct da_span s;
    (void)args;
    if (!da_jtext_of(in, of, &s))
        return false;
    *ret = da_j_str(s);
    return true;
}

static bool f_escape(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                     struct da_jval *ret)
{
    struct da_span s;
    struct da_buf out;
    (void)args;
    if (!da_jtext_of(in, of, &s))
        return false;
    if (!da_jcharge(in, s.len / 4))
        return false;
    da_buf_init(&out, in->max_memory);
    for (size_t i = 0; i < s.len; i++) {
        switch (s.p[i]) {
        case '&': da_buf_add_str(&out, "&amp;"); break;
        case '<': da_buf_add_str(&out, "&lt;"); break;
        case '>': da_buf_add_str(&out, "&gt;"); break;
        case '\'': da_buf_add_str(&out, "&#39;"); break;
        case '"': da_buf_add_str(&out, "&#34;"); break;
        default: da_buf_add_char(&out, s.p[i]); break;
        }
    }
    return da_jtake(in, &out, ret);
}

static bool f_safe(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                   struct da_jval *ret)
{
    return f_string(in, of, args, ret);
}

static bool f_indent(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                     struct da_jval *ret)
{
    static const struct da_jargs none = {0};
    struct da_span s, with = da_span("", 0);
    struct da_jval all, lines;
    struct da_buf out;
    int64_t width = 4;
    bool found;
    const struct da_jval *w = da_jarg(args, 0, "width");
    bool first = flag(args, 1, "first", false), blank = flag(args, 2, "blank", false);
    bool text = w && w->type == DA_J_STR;
    if (!da_jtext_of(in, of, &s) || (text ? !da_jarg_str(in, args, 0, "width", &with)
                                          : !da_jarg_int(in, args, 0, "width", &width)))
        return false;
    if (width < 0 || width > 1000)
        return da_jfail(in, DA_ELIMIT, "indent: a width of %lld", (long long)width);
    /* A line break more, so that the last one counts as a line (jinja2 does the same). */
    da_buf_init(&out, in->max_memory);
    da_buf_add(&out, s.p, s.len);
    da_buf_add_char(&out, '\n');
    if (!da_jtake(in, &out, &all) ||
        !da_jmethod(in, &all, da_span_str("splitlines"), &none, &found, &lines))
        return false;
    da_buf_init(&out, in->max_memory);
    for (uint32_t i = 0; i < lines.n; i++) {
        struct da_span line = lines.u.items[i].u.s;
        bool indents = i == 0 ? first : blank || line.len > 0;
        if (i > 0)
            da_buf_add_char(&out, '\n');
        if (indents && text)
            da_buf_add(&out, with.p, with.len);
        for (int64_t k = 0; indents && !text && k < width; k++)
            da_buf_add_char(&out, ' ');
        da_buf_add(&out, line.p, line.len);
    }
    return da_jtake(in, &out, ret);
}

static bool f_wordcount(struct da_jinterp *in, const struct da_jval *of,
                        const struct da_jargs *args, struct da_jval *ret)
{
    struct da_span s;
    int64_t n = 0;
    bool inside = false;
    (void)args;
    if (!da_jtext_of(in, of, &s) || !da_jcharge(in, s.len / 4))
        return false;
    for (const char *p = s.p, *end = p + s.len; p < end;) {
        uint32_t cp;
        p += da_utf8_decode(p, end, &cp);
        bool word = cp == '_' || da_uclass_in(cp, DA_UMASK_L | DA_UMASK_N | DA_UMASK_M);
        n += word && !inside;
        inside = word;
    }
    *ret = da_j_int(n);
    return true;
}

static bool f_tojson(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                     struct da_jval *ret)
{
    struct da_buf out;
    int64_t indent = -1;
    /* transformers' tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False) */
    const struct da_jval *i = da_jarg(args, 1, "indent"),
                         *separators = da_jarg(args, 2, "separators");
    if (flag(args, 0, "ensure_ascii", false) || (separators && separators->type != DA_J_NONE))
        return da_jfail(in, DA_EUNSUPPORTED,
                        "tojson with ensure_ascii or separators is not supported");
    if (i && i->type != DA_J_NONE && !da_jarg_int(in, args, 1, "indent", &indent))
        return false;
    if (of->type == DA_J_UNDEFINED)
        return da_jfail(in, DA_EFORMAT, "'%.*s' is undefined", (int)of->u.s.len, of->u.s.p);
    if (indent > 100)
        return da_jfail(in, DA_ELIMIT, "tojson: an indent of %lld", (long long)indent);
    if (!da_jcharge(in, of->weight))
        return false;
    da_buf_init(&out, in->max_memory);
    if (da_j_dump_json(&out, of, (int)(i && indent < 0 ? 0 : indent),
                       flag(args, 3, "sort_keys", false)))
        return da_jtake(in, &out, ret);
    da_buf_release(&out);
    return da_jfail(in, DA_EFORMAT, "a value has no JSON");
}

/* ---- numbers --------------------------------------------------------------------------------- */

static bool f_abs(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                  struct da_jval *ret)
{
    (void)args;
    if (!da_j_is_number(of))
        return da_jfail(in, DA_EFORMAT, "abs of a %s", da_j_type_name(of));
    int64_t i = of->type == DA_J_BOOL ? of->u.b : of->u.i;
    *ret = of->type == DA_J_FLOAT ? da_j_float(fabs(of->u.d)) : da_j_int(i < 0 ? -i : i);
    return true;
}

static bool f_int(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                  struct da_jval *ret)
{
    const struct da_jval *def = da_jarg(args, 0, "default");
    int64_t i;
    double d;
    *ret = def ? *def : da_j_int(0);
    if (of->type == DA_J_INT || of->type == DA_J_BOOL) {
        *ret = da_j_int(of->type == DA_J_INT ? of->u.i : of->u.b);
    } else if (of->type == DA_J_FLOAT) {
        if (fabs(of->u.d) < 9.2e18)
            *ret = da_j_int((int64_t)of->u.d);
    } else if (of->type == DA_J_STR) {
        if (!da_jcharge(in, of->u.s.len / 16))
            return false;
        struct da_span s = da_jstrip(of->u.s, NULL, true, true);
        if (s.len > 1 && s.p[0] == '+')
            s = da_span(s.p + 1, s.len - 1);
        if (da_parse_int(s.p, s.len, &i))
            *ret = da_j_int(i);
        else if (da_parse_double(s.p, s.len, &d) && fabs(d) < 9.2e18)
            *ret = da_j_int((int64_t)d);
    }
    return true;
}

static bool f_float(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    const struct da_jval *def = da_jarg(args, 0, "default");
    double d;
    *ret = def ? *def : da_j_float(0);
    if (da_j_is_number(of)) {
        *ret = da_j_float(da_j_number(of));
    } else if (of->type == DA_J_STR) {
        if (!da_jcharge(in, of->u.s.len / 16))
            return false;
        struct da_span s = da_jstrip(of->u.s, NULL, true, true);
        if (da_parse_double(s.p, s.len, &d))
            *ret = da_j_float(d);
    }
    return true;
}

static bool f_round(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    int64_t precision = 0;
    struct da_span method = da_span_str("common");
    if (!da_j_is_number(of))
        return da_jfail(in, DA_EFORMAT, "round of a %s", da_j_type_name(of));
    if (!da_jarg_int(in, args, 0, "precision", &precision) ||
        !da_jarg_str(in, args, 1, "method", &method))
        return false;
    if (precision < 0 || precision > 15)
        return da_jfail(in, DA_EUNSUPPORTED, "round to %lld digits", (long long)precision);
    double scale = pow(10, (double)precision), x = da_j_number(of) * scale;
    /* Python rounds halves of the exact value to even; nearbyint does for what is scaled. */
    double r = da_span_is(method, "ceil")    ? ceil(x)
               : da_span_is(method, "floor") ? floor(x)
                                             : nearbyint(x);
    *ret = da_j_float(r / scale);
    return true;
}

/* ---- sequences ------------------------------------------------------------------------------- */

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

static bool f_first(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    struct da_jval list;
    (void)args;
    if (!da_jiterate(in, of, &list))
        return false;
    *ret = list.n ? list.u.items[0] : da_j_undefined(da_span_str("the first item"));
    return true;
}

static bool f_last(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                   struct da_jval *ret)
{
    struct da_jval list;
    (void)args;
    if (!da_jiterate(in, of, &list))
        return false;
    *ret = list.n ? list.u.items[list.n - 1] : da_j_undefined(da_span_str("the last item"));
    return true;
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
    struct da_jval s = *v;
    return v->type != DA_J_STR || f_lower(in, &s, NULL, v);
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
           sort_by(in, &list, &keys, flag(args, 1, "case_sensitive", false),
                   flag(args, 0, "reverse", false), ret);
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
           sort_by(in, &list, &keys, flag(args, 0, "case_sensitive", false),
                   flag(args, 2, "reverse", false), ret);
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
        if ((!flag(args, 0, "case_sensitive", false) && !fold(in, &seen[n])) ||
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
        if (!flag(args, 0, "case_sensitive", false) && !fold(in, &key))
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

/* ---- choosing -------------------------------------------------------------------------------- */

static bool f_default(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                      struct da_jval *ret)
{
    const struct da_jval *def = da_jarg(args, 0, "default_value");
    (void)in;
    bool missing =
        of->type == DA_J_UNDEFINED || (flag(args, 1, "boolean", false) && !da_j_truth(of));
    *ret = !missing ? *of : def ? *def : da_j_str(da_span("", 0));
    return true;
}

static bool f_attr(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                   struct da_jval *ret)
{
    struct da_span name = da_span("", 0);
    return da_jarg_str(in, args, 0, "name", &name) && da_jattr(in, of, name, ret);
}

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

static const struct {
    const char *name;
    filter_fn run;
} filters[] = {
    {"abs", f_abs},
    {"attr", f_attr},
    {"batch", f_batch},
    {"capitalize", f_capitalize},
    {"count", f_length},
    {"d", f_default},
    {"default", f_default},
    {"dictsort", f_dictsort},
    {"e", f_escape},
    {"escape", f_escape},
    {"first", f_first},
    {"float", f_float},
    {"format", da_jformat},
    {"indent", f_indent},
    {"int", f_int},
    {"items", f_items},
    {"join", f_join},
    {"last", f_last},
    {"length", f_length},
    {"list", f_list},
    {"lower", f_lower},
    {"map", f_map},
    {"max", f_max},
    {"min", f_min},
    {"reject", f_reject},
    {"rejectattr", f_rejectattr},
    {"replace", f_replace},
    {"reverse", f_reverse},
    {"round", f_round},
    {"safe", f_safe},
    {"select", f_select},
    {"selectattr", f_selectattr},
    {"sort", f_sort},
    {"string", f_string},
    {"sum", f_sum},
    {"title", f_title},
    {"tojson", f_tojson},
    {"trim", f_trim},
    {"unique", f_unique},
    {"upper", f_upper},
    {"urlencode", da_jurlencode},
    {"wordcount", f_wordcount},
};

bool da_jfilter(struct da_jinterp *in, struct da_span name, const struct da_jval *of,
                const struct da_jargs *args, struct da_jval *ret)
{
    static const struct da_jargs none = {0};
    enum { LOOKING = 8 }; /* steps: the names below, and what a filter does before it charges */
    if (!da_jcharge(in, LOOKING))
        return false;
    for (size_t i = 0; i < DA_ARRAY_LEN(filters); i++)
        if (da_span_is(name, filters[i].name))
            return filters[i].run(in, of, args ? args : &none, ret);
    return da_jfail(in, DA_EUNSUPPORTED, "filter '%.*s' is not supported", (int)name.len, name.p);
}
