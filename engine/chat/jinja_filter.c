/* Filters of strings, numbers and single values (jinja2/filters.py), and the choice by name. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/utf8.h"
#include "engine/chat/jinja_filter.h"
#include "text/uclass.h"

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
    bool first = da_jarg_flag(args, 1, "first", false),
         blank = da_jarg_flag(args, 2, "blank", false);
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
    if (da_jarg_flag(args, 0, "ensure_ascii", false) ||
        (separators && separators->type != DA_J_NONE))
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
                       da_jarg_flag(args, 3, "sort_keys", false)))
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

/* ---- any value ------------------------------------------------------------------------------- */

static bool f_default(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                      struct da_jval *ret)
{
    const struct da_jval *def = da_jarg(args, 0, "default_value");
    (void)in;
    bool missing =
        of->type == DA_J_UNDEFINED || (da_jarg_flag(args, 1, "boolean", false) && !da_j_truth(of));
    *ret = !missing ? *of : def ? *def : da_j_str(da_span("", 0));
    return true;
}

static bool f_attr(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                   struct da_jval *ret)
{
    struct da_span name = da_span("", 0);
    return da_jarg_str(in, args, 0, "name", &name) && da_jattr(in, of, name, ret);
}

static const struct da_jfilter filters[] = {
    {"abs", f_abs},
    {"attr", f_attr},
    {"capitalize", f_capitalize},
    {"d", f_default},
    {"default", f_default},
    {"e", f_escape},
    {"escape", f_escape},
    {"float", f_float},
    {"format", da_jformat},
    {"indent", f_indent},
    {"int", f_int},
    {"lower", f_lower},
    {"replace", f_replace},
    {"round", f_round},
    {"safe", f_safe},
    {"string", f_string},
    {"title", f_title},
    {"tojson", f_tojson},
    {"trim", f_trim},
    {"upper", f_upper},
    {"urlencode", da_jurlencode},
    {"wordcount", f_wordcount},
};

static const struct da_jfilter *find(const struct da_jfilter *all, size_t n, struct da_span name)
{
    for (size_t i = 0; i < n; i++)
        if (da_span_is(name, all[i].name))
            return &all[i];
    return NULL;
}

bool da_jfilter(struct da_jinterp *in, struct da_span name, const struct da_jval *of,
                const struct da_jargs *args, struct da_jval *ret)
{
    static const struct da_jargs none = {0};
    enum { LOOKING = 8 }; /* steps: the names below, and what a filter does before it charges */
    if (!da_jcharge(in, LOOKING))
        return false;
    const struct da_jfilter *f = find(filters, DA_ARRAY_LEN(filters), name);
    if (!f)
        f = find(da_jseq_filters, da_jseq_n_filters, name);
    if (!f)
        return da_jfail(in, DA_EUNSUPPORTED, "filter '%.*s' is not supported", (int)name.len,
                        name.p);
    return f->run(in, of, args ? args : &none, ret);
}
