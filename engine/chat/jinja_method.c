/* Methods of Python's str, dict and list that templates call. */

#include <string.h>

#include "common/utf8.h"
#include "engine/chat/jinja_eval.h"
#include "text/uclass.h"

typedef bool (*method_fn)(struct da_jinterp *in, const struct da_jval *of,
                          const struct da_jargs *args, struct da_jval *ret);

static bool strip_sides(struct da_jinterp *in, const struct da_jval *of,
                        const struct da_jargs *args, bool left, bool right, struct da_jval *ret)
{
    struct da_span chars = da_span("", 0);
    const struct da_jval *given = da_jarg(args, 0, "chars");
    bool some = given && given->type != DA_J_NONE;
    if (some && !da_jarg_str(in, args, 0, "chars", &chars))
        return false;
    if (!da_jcharge(in, of->u.s.len / 16 * (chars.len / 16 + 1)))
        return false;
    *ret = da_j_str(da_jstrip(of->u.s, some ? &chars : NULL, left, right));
    return true;
}

static bool s_strip(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    return strip_sides(in, of, args, true, true, ret);
}

static bool s_lstrip(struct da_jinterp *in, const struct da_jval *of,
                     const struct da_jargs *args, struct da_jval *ret)
{
    return strip_sides(in, of, args, true, false, ret);
}

static bool s_rstrip(struct da_jinterp *in, const struct da_jval *of,
                     const struct da_jargs *args, struct da_jval *ret)
{
    return strip_sides(in, of, args, false, true, ret);
}

/* White space separates when there is no separator; no part is empty then. */
static bool split_white(struct da_jinterp *in, struct da_span s, int64_t max, struct da_jval *ret)
{
    struct da_jval *items = da_jitems(in, s.len / 2 + 2);
    size_t n = 0;
    if (!items)
        return false;
    for (s = da_jstrip(s, NULL, true, false); s.len > 0;) {
        size_t at = 0;
        uint32_t cp;
        if (max >= 0 && (int64_t)n == max) {
            items[n++] = da_j_str(s);
            break;
        }
        while (at < s.len) {
            size_t len = da_utf8_decode(s.p + at, s.p + s.len, &cp);
            if (da_uclass_is_space_python(cp))
                break;
            at += len;
        }
        items[n++] = da_j_str(da_span(s.p, at));
        s = da_jstrip(da_span(s.p + at, s.len - at), NULL, true, false);
    }
    *ret = da_j_list(items, n);
    return true;
}

/* How often what stands in s, places apart. */
static bool count_text(struct da_jinterp *in, struct da_span s, struct da_span what, size_t *n)
{
    size_t at;
    for (*n = 0; da_jcharge(in, 1) && da_jfind(in, s, what, false, &at) && at < s.len; ++*n)
        s = da_span(s.p + at + what.len, s.len - at - what.len);
    return in->rc == DA_OK;
}

static bool split_text(struct da_jinterp *in, struct da_span s, struct da_span by, int64_t max,
                       bool from_right, struct da_jval *ret)
{
    size_t parts, at;
    if (!count_text(in, s, by, &parts))
        return false;
    struct da_jval *items = da_jitems(in, ++parts);
    if (!items)
        return false;
    /* From the right only the last max separators count; without overlaps they are the same. */
    size_t skip = from_right && max >= 0 && parts - 1 > (size_t)max ? parts - 1 - (size_t)max : 0;
    size_t n = 0, from = 0;
    for (size_t i = 0; i < s.len;) {
        struct da_span rest = da_span(s.p + i, s.len - i);
        if (!da_jfind(in, rest, by, false, &at))
            return false;
        if (at == rest.len)
            break;
        i += at + by.len;
        if (skip > 0) {
            skip--;
            continue;
        }
        if (!from_right && max >= 0 && (int64_t)n == max)
            break;
        items[n++] = da_j_str(da_span(s.p + from, i - by.len - from));
        from = i;
    }
    items[n++] = da_j_str(da_span(s.p + from, s.len - from));
    *ret = da_j_list(items, n);
    return true;
}

static bool split(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                  bool from_right, struct da_jval *ret)
{
    struct da_span by = da_span("", 0);
    int64_t max = -1;
    const struct da_jval *sep = da_jarg(args, 0, "sep");
    if (!da_jarg_int(in, args, 1, "maxsplit", &max))
        return false;
    if (!sep || sep->type == DA_J_NONE) {
        if (from_right && max >= 0)
            return da_jfail(in, DA_EUNSUPPORTED, "rsplit with maxsplit needs a separator");
        return split_white(in, of->u.s, max, ret);
    }
    if (!da_jarg_str(in, args, 0, "sep", &by))
        return false;
    if (by.len == 0)
        return da_jfail(in, DA_EFORMAT, "empty separator");
    return split_text(in, of->u.s, by, max, from_right, ret);
}

static bool s_split(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    return split(in, of, args, false, ret);
}

static bool s_rsplit(struct da_jinterp *in, const struct da_jval *of,
                     const struct da_jargs *args, struct da_jval *ret)
{
    return split(in, of, args, true, ret);
}

static bool s_splitlines(struct da_jinterp *in, const struct da_jval *of,
                         const struct da_jargs *args, struct da_jval *ret)
{
    struct da_span s = of->u.s;
    int64_t keep = 0;
    struct da_jval *items = da_jitems(in, s.len + 1);
    size_t n = 0, from = 0;
    if (!items || !da_jarg_int(in, args, 0, "keepends", &keep))
        return false;
    for (size_t i = 0; i < s.len;) {
        uint32_t cp;
        size_t len = da_utf8_decode(s.p + i, s.p + s.len, &cp), end = i;
        bool breaks = (cp >= 0x0a && cp <= 0x0d) || (cp >= 0x1c && cp <= 0x1e) || cp == 0x85 ||
                      cp == 0x2028 || cp == 0x2029;
        i += len;
        if (!breaks)
            continue;
        if (cp == '\r' && i < s.len && s.p[i] == '\n')
            i++;
        items[n++] = da_j_str(da_span(s.p + from, (keep ? i : end) - from));
        from = i;
    }
    if (from < s.len)
        items[n++] = da_j_str(da_span(s.p + from, s.len - from));
    *ret = da_j_list(items, n);
    return true;
}

/* One string, or a tuple of which one must fit. */
static bool affix(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                  bool at_end, struct da_jval *ret)
{
    const struct da_jval *what = da_jarg(args, 0, "prefix");
    bool fits = false;
    uint32_t n = what && what->type == DA_J_TUPLE ? what->n : 1;
    for (uint32_t i = 0; i < n; i++) {
        const struct da_jval *one = what && what->type == DA_J_TUPLE ? &what->u.items[i] : what;
        if (!one || one->type != DA_J_STR)
            return da_jfail(in, DA_EFORMAT, "startswith and endswith take a string");
        size_t len = one->u.s.len;
        if (!da_jcharge(in, 1 + len / 64))
            return false;
        fits = fits || (len <= of->u.s.len &&
                        memcmp(of->u.s.p + (at_end ? of->u.s.len - len : 0), one->u.s.p, len) == 0);
    }
    *ret = da_j_bool(fits);
    return true;
}

static bool s_startswith(struct da_jinterp *in, const struct da_jval *of,
                         const struct da_jargs *args, struct da_jval *ret)
{
    return affix(in, of, args, false, ret);
}

static bool s_endswith(struct da_jinterp *in, const struct da_jval *of,
                       const struct da_jargs *args, struct da_jval *ret)
{
    return affix(in, of, args, true, ret);
}

static bool remove_affix(struct da_jinterp *in, const struct da_jval *of,
                         const struct da_jargs *args, bool at_end, struct da_jval *ret)
{
    struct da_jval fits;
    struct da_span what = da_span("", 0), s = of->u.s;
    if (!affix(in, of, args, at_end, &fits) || !da_jarg_str(in, args, 0, "prefix", &what))
        return false;
    if (fits.u.b)
        s = da_span(s.p + (at_end ? 0 : what.len), s.len - what.len);
    *ret = da_j_str(s);
    return true;
}

static bool s_removeprefix(struct da_jinterp *in, const struct da_jval *of,
                           const struct da_jargs *args, struct da_jval *ret)
{
    return remove_affix(in, of, args, false, ret);
}

static bool s_removesuffix(struct da_jinterp *in, const struct da_jval *of,
                           const struct da_jargs *args, struct da_jval *ret)
{
    return remove_affix(in, of, args, true, ret);
}

static bool s_upper(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    struct da_buf out;
    (void)args;
    da_buf_init(&out, in->max_memory);
    (void)da_jupper(in, &out, of->u.s);
    return da_jtake(in, &out, ret);
}

static bool s_lower(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    struct da_buf out;
    (void)args;
    da_buf_init(&out, in->max_memory);
    (void)da_jlower(in, &out, of->u.s);
    return da_jtake(in, &out, ret);
}

static bool s_capitalize(struct da_jinterp *in, const struct da_jval *of,
                         const struct da_jargs *args, struct da_jval *ret)
{
    return da_jfilter(in, da_span_str("capitalize"), of, args, ret);
}

/* str.title: every run of letters begins with a capital. */
static bool s_title(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    struct da_buf out;
    bool inside = false;
    (void)args;
    da_buf_init(&out, in->max_memory);
    for (const char *p = of->u.s.p, *end = p + of->u.s.len; p < end;) {
        uint32_t cp;
        size_t len = da_utf8_decode(p, end, &cp);
        if (inside)
            (void)da_jlower(in, &out, da_span(p, len));
        else
            (void)da_jupper(in, &out, da_span(p, len));
        inside = da_uclass_is_letter(cp);
        p += len;
    }
    return da_jtake(in, &out, ret);
}

static bool s_replace(struct da_jinterp *in, const struct da_jval *of,
                      const struct da_jargs *args, struct da_jval *ret)
{
    struct da_span from = da_span("", 0), to = from;
    int64_t count = -1;
    if (args->n < 2)
        return da_jfail(in, DA_EFORMAT, "replace takes two strings");
    return da_jarg_str(in, args, 0, "old", &from) && da_jarg_str(in, args, 1, "new", &to) &&
           da_jarg_int(in, args, 2, "count", &count) &&
           da_jreplace(in, of->u.s, from, to, count, ret);
}

static bool s_join(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                   struct da_jval *ret)
{
    struct da_jval list;
    if (args->n != 1)
        return da_jfail(in, DA_EFORMAT, "join takes one argument");
    return da_jiterate(in, &args->v[0], &list) && da_jjoin(in, of->u.s, &list, false, ret);
}

static bool find(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                 bool last, struct da_jval *ret)
{
    struct da_span what = da_span("", 0), s = of->u.s;
    if (args->n != 1)
        return da_jfail(in, DA_EUNSUPPORTED, "find with a start is not supported");
    size_t at;
    if (!da_jarg_str(in, args, 0, "sub", &what) || !da_jfind(in, s, what, last, &at))
        return false;
    *ret = da_j_int(at == s.len && what.len ? -1 : (int64_t)da_utf8_count(s.p, at));
    return da_jcharge(in, at / 16);
}

static bool s_find(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                   struct da_jval *ret)
{
    return find(in, of, args, false, ret);
}

static bool s_rfind(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    return find(in, of, args, true, ret);
}

static bool s_count(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    struct da_span what = da_span("", 0), s = of->u.s;
    size_t n = 0;
    if (!da_jarg_str(in, args, 0, "sub", &what) || !da_jcharge(in, s.len / 16))
        return false;
    if (what.len == 0)
        n = da_utf8_count(s.p, s.len) + 1;
    else if (!count_text(in, s, what, &n))
        return false;
    *ret = da_j_int((int64_t)n);
    return true;
}

/* Whether the string is not empty and all its characters are of the categories. */
static bool all_in(struct da_span s, unsigned mask)
{
    for (const char *p = s.p, *end = p + s.len; p < end;) {
        uint32_t cp;
        p += da_utf8_decode(p, end, &cp);
        if (!da_uclass_in(cp, mask))
            return false;
    }
    return s.len > 0;
}

static bool s_isdigit(struct da_jinterp *in, const struct da_jval *of,
                      const struct da_jargs *args, struct da_jval *ret)
{
    (void)args;
    *ret = da_j_bool(all_in(of->u.s, DA_UMASK(DA_UCAT_ND)));
    return da_jcharge(in, of->u.s.len / 16);
}

static bool s_isalpha(struct da_jinterp *in, const struct da_jval *of,
                      const struct da_jargs *args, struct da_jval *ret)
{
    (void)args;
    *ret = da_j_bool(all_in(of->u.s, DA_UMASK_L));
    return da_jcharge(in, of->u.s.len / 16);
}

static bool s_isalnum(struct da_jinterp *in, const struct da_jval *of,
                      const struct da_jargs *args, struct da_jval *ret)
{
    (void)args;
    *ret = da_j_bool(all_in(of->u.s, DA_UMASK_L | DA_UMASK_N));
    return da_jcharge(in, of->u.s.len / 16);
}

static bool s_isspace(struct da_jinterp *in, const struct da_jval *of,
                      const struct da_jargs *args, struct da_jval *ret)
{
    (void)args;
    *ret = da_j_bool(of->u.s.len > 0 && da_jstrip(of->u.s, NULL, true, false).len == 0);
    return da_jcharge(in, of->u.s.len / 16);
}

static bool s_format(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                     struct da_jval *ret)
{
    struct da_buf out;
    struct da_span s = of->u.s;
    size_t next = 0;
    bool ok = true;
    if (!da_jcharge(in, s.len / 4))
        return false;
    da_buf_init(&out, in->max_memory);
    for (size_t i = 0; i < s.len && ok && !out.overflow; i++) {
        bool twice = i + 1 < s.len && s.p[i + 1] == s.p[i];
        if ((s.p[i] != '{' && s.p[i] != '}') || twice) {
            i += twice && (s.p[i] == '{' || s.p[i] == '}');
            da_buf_add_char(&out, s.p[i]);
            continue;
        }
        size_t end = i;
        while (end < s.len && s.p[end] != '}')
            end++;
        struct da_span name = da_span(s.p + i + 1, end > i ? end - i - 1 : 0);
        const struct da_jval *v = NULL;
        int64_t number;
        if (name.len == 0)
            v = next < args->n ? &args->v[next++] : NULL;
        else if (da_parse_int(name.p, name.len, &number))
            v = number >= 0 && (size_t)number < args->n ? &args->v[number] : NULL;
        for (size_t k = 0; k < args->n_named && !v; k++)
            v = da_span_eq(args->named[k].name, name) ? &args->named_v[k] : NULL;
        ok = v && s.p[i] == '{' && end < s.len && da_jcharge(in, v->weight);
        if (ok)
            da_j_print(&out, v);
        i = end;
    }
    if (ok)
        return da_jtake(in, &out, ret);
    da_buf_release(&out);
    return da_jfail(in, DA_EUNSUPPORTED, "this format string is not supported");
}

/* ---- dict and list --------------------------------------------------------------------------- */

static bool d_items(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    return da_jfilter(in, da_span_str("items"), of, args, ret);
}

static bool d_keys(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                   struct da_jval *ret)
{
    (void)args;
    return da_jiterate(in, of, ret);
}

static bool d_values(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                     struct da_jval *ret)
{
    struct da_jval *items = da_jitems(in, of->u.dict->n);
    (void)args;
    for (size_t i = 0; items && i < of->u.dict->n; i++)
        items[i] = of->u.dict->pairs[i].value;
    if (items)
        *ret = da_j_list(items, of->u.dict->n);
    return items != NULL;
}

static bool d_get(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                  struct da_jval *ret)
{
    if (args->n == 0)
        return da_jfail(in, DA_EFORMAT, "get takes a key");
    if (!da_jcharge_find(in, of->u.dict, &args->v[0]))
        return false;
    const struct da_jval *v = da_jdict_find(of->u.dict, &args->v[0]);
    const struct da_jval *def = da_jarg(args, 1, "default");
    *ret = v ? *v : def ? *def : da_j_none();
    return true;
}

static bool l_index(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    if (!da_jcharge(in, of->weight))
        return false;
    for (uint32_t i = 0; args->n == 1 && i < of->n; i++) {
        if (da_j_equal(&of->u.items[i], &args->v[0])) {
            *ret = da_j_int(i);
            return true;
        }
    }
    return da_jfail(in, DA_EFORMAT, "index: no such element");
}

static bool l_count(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                    struct da_jval *ret)
{
    int64_t n = 0;
    if (!da_jcharge(in, of->weight))
        return false;
    for (uint32_t i = 0; args->n == 1 && i < of->n; i++)
        n += da_j_equal(&of->u.items[i], &args->v[0]);
    *ret = da_j_int(n);
    return true;
}

static bool any_copy(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                     struct da_jval *ret)
{
    (void)args;
    *ret = *of; /* nothing a template can do changes a list or dict */
    return da_jcharge(in, 1);
}

static const struct {
    enum da_jtype type;
    const char *name;
    method_fn run;
} methods[] = {
    {DA_J_STR, "strip", s_strip},
    {DA_J_STR, "lstrip", s_lstrip},
    {DA_J_STR, "rstrip", s_rstrip},
    {DA_J_STR, "split", s_split},
    {DA_J_STR, "rsplit", s_rsplit},
    {DA_J_STR, "splitlines", s_splitlines},
    {DA_J_STR, "startswith", s_startswith},
    {DA_J_STR, "endswith", s_endswith},
    {DA_J_STR, "removeprefix", s_removeprefix},
    {DA_J_STR, "removesuffix", s_removesuffix},
    {DA_J_STR, "upper", s_upper},
    {DA_J_STR, "lower", s_lower},
    {DA_J_STR, "capitalize", s_capitalize},
    {DA_J_STR, "title", s_title},
    {DA_J_STR, "replace", s_replace},
    {DA_J_STR, "join", s_join},
    {DA_J_STR, "find", s_find},
    {DA_J_STR, "rfind", s_rfind},
    {DA_J_STR, "count", s_count},
    {DA_J_STR, "isdigit", s_isdigit},
    {DA_J_STR, "isdecimal", s_isdigit},
    {DA_J_STR, "isalpha", s_isalpha},
    {DA_J_STR, "isalnum", s_isalnum},
    {DA_J_STR, "isspace", s_isspace},
    {DA_J_STR, "format", s_format},
    {DA_J_DICT, "items", d_items},
    {DA_J_DICT, "keys", d_keys},
    {DA_J_DICT, "values", d_values},
    {DA_J_DICT, "get", d_get},
    {DA_J_DICT, "copy", any_copy},
    {DA_J_LIST, "index", l_index},
    {DA_J_LIST, "count", l_count},
    {DA_J_LIST, "copy", any_copy},
    {DA_J_TUPLE, "index", l_index},
    {DA_J_TUPLE, "count", l_count},
};

bool da_jmethod(struct da_jinterp *in, const struct da_jval *of, struct da_span name,
                const struct da_jargs *args, bool *found, struct da_jval *ret)
{
    static const char *const changing[] = {"append", "pop", "insert", "extend", "remove", "clear",
                                           "update", "setdefault", "popitem", "sort", "reverse"};
    *found = false;
    for (size_t i = 0; i < DA_ARRAY_LEN(methods); i++) {
        if (methods[i].type == of->type && da_span_is(name, methods[i].name)) {
            *found = true;
            return methods[i].run(in, of, args, ret);
        }
    }
    bool mutable_type = of->type == DA_J_LIST || of->type == DA_J_DICT;
    for (size_t i = 0; i < DA_ARRAY_LEN(changing) && mutable_type; i++)
        if (da_span_is(name, changing[i]))
            return da_jfail(in, DA_EFORMAT, "'%s' would change a %s: the sandbox forbids it",
                            changing[i], da_j_type_name(of));
    return true;
}
