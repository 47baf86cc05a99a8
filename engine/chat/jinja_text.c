/* String work that filters and methods share, and the functions a template can call. */

#include <string.h>

#include "common/clock.h"
#include "common/utf8.h"
#include "engine/chat/jinja_eval.h"
#include "text/uclass.h"

/* Whether what stands at p; charged for each comparison. */
static bool stands_at(struct da_jinterp *in, const char *p, struct da_span what)
{
    return p[0] == what.p[0] && p[what.len - 1] == what.p[what.len - 1] &&
           da_jcharge(in, what.len / 16) && memcmp(p, what.p, what.len) == 0;
}

bool da_jfind(struct da_jinterp *in, struct da_span s, struct da_span what, bool last, size_t *at)
{
    enum { TURN = 4096 }; /* places looked at between two charges */
    *at = s.len;
    if (what.len == 0)
        *at = last ? s.len : 0;
    if (what.len == 0 || what.len > s.len)
        return true;
    const size_t n = s.len - what.len + 1; /* places */
    for (size_t k = 0, looks = 0; k < n && in->rc == DA_OK; k++) {
        if (!last) {
            const char *p = memchr(s.p + k, what.p[0], n - k);
            const size_t next = p ? (size_t)(p - s.p) : n;
            (void)da_jcharge(in, (next - k) / 64);
            k = next;
        }
        const size_t place = last ? n - 1 - k : k;
        if (k < n && stands_at(in, s.p + place, what)) {
            *at = place;
            break;
        }
        if (++looks % TURN == 0)
            (void)da_jcharge(in, TURN / 2);
    }
    return in->rc == DA_OK;
}

struct da_span da_jstrip(struct da_span s, const struct da_span *chars, bool left, bool right)
{
    const char *p = s.p, *end = s.p + s.len;
    uint32_t cp;
    while (left && p < end) {
        size_t len = da_utf8_decode(p, end, &cp);
        bool drop = chars ? da_span_find(*chars, da_span(p, len)) < chars->len
                          : da_uclass_is_space_python(cp);
        if (!drop)
            break;
        p += len;
    }
    while (right && end > p) {
        const char *last = end - 1;
        while (last > p && ((unsigned char)*last & 0xc0) == 0x80)
            last--;
        size_t len = da_utf8_decode(last, end, &cp);
        bool drop = chars ? da_span_find(*chars, da_span(last, len)) < chars->len
                          : da_uclass_is_space_python(cp);
        if (!drop)
            break;
        end = last;
    }
    return da_span(p, (size_t)(end - p));
}

/* The capital of cp by the lower-case table read backwards; itself when it has none. */
static uint32_t upper(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= 'a' && cp <= 'z' ? cp - 32 : cp;
    for (unsigned i = 0; i < da_ulower_n_runs; i++) {
        const struct da_ulower_run *r = &da_ulower_runs[i];
        int64_t from = (int64_t)cp - r->delta;
        if (from >= r->first && from <= r->last && (from - r->first) % r->step == 0)
            return (uint32_t)from;
    }
    return cp;
}

bool da_jupper(struct da_jinterp *in, struct da_buf *out, struct da_span s)
{
    if (!da_jcharge(in, s.len))
        return false;
    for (const char *p = s.p, *end = s.p + s.len; p < end;) {
        uint32_t cp;
        p += da_utf8_decode(p, end, &cp);
        if (cp == 0xdf) /* the one letter of common use whose capital is two */
            da_buf_add_str(out, "SS");
        else
            da_buf_add_utf8(out, upper(cp));
    }
    return true;
}

bool da_jlower(struct da_jinterp *in, struct da_buf *out, struct da_span s)
{
    if (!da_jcharge(in, s.len))
        return false;
    for (const char *p = s.p, *end = s.p + s.len; p < end;) {
        uint32_t cp;
        p += da_utf8_decode(p, end, &cp);
        if (cp == 0x130)
            da_buf_add_str(out, "i\xcc\x87");
        else
            da_buf_add_utf8(out, da_uclass_lower(cp));
    }
    return true;
}

bool da_jreplace(struct da_jinterp *in, struct da_span s, struct da_span from, struct da_span to,
                 int64_t count, struct da_jval *ret)
{
    struct da_buf out;
    da_buf_init(&out, in->max_memory);
    uint64_t left = count < 0 ? UINT64_MAX : (uint64_t)count;
    while (left > 0 && !out.overflow) {
        size_t at;
        if (!da_jcharge(in, 1) || !da_jfind(in, s, from, false, &at)) {
            da_buf_release(&out);
            return false;
        }
        if (from.len && at == s.len)
            break;
        left--;
        if (from.len) {
            da_buf_add(&out, s.p, at);
            da_buf_add(&out, to.p, to.len);
            s = da_span(s.p + at + from.len, s.len - at - from.len);
            continue;
        }
        da_buf_add(&out, to.p,
                   to.len); /* the empty string is before each character and at the end */
        if (s.len == 0)
            break;
        uint32_t cp;
        size_t len = da_utf8_decode(s.p, s.p + s.len, &cp);
        da_buf_add(&out, s.p, len);
        s = da_span(s.p + len, s.len - len);
    }
    da_buf_add(&out, s.p, s.len);
    return da_jtake(in, &out, ret);
}

bool da_jjoin(struct da_jinterp *in, struct da_span between, const struct da_jval *items,
              bool any_type, struct da_jval *ret)
{
    struct da_buf out;
    if (!da_jcharge(in, items->weight + (uint64_t)items->n * (between.len / 16)))
        return false;
    da_buf_init(&out, in->max_memory);
    for (uint32_t i = 0; i < items->n && !out.overflow; i++) {
        if (i)
            da_buf_add(&out, between.p, between.len);
        if (!any_type && items->u.items[i].type != DA_J_STR) {
            da_buf_release(&out);
            return da_jfail(in, DA_EFORMAT, "join: element %u is no string but %s", (unsigned)i,
                            da_j_type_name(&items->u.items[i]));
        }
        da_j_print(&out, &items->u.items[i]);
    }
    return da_jtake(in, &out, ret);
}

/* ---- functions ------------------------------------------------------------------------------- */

static bool make_range(struct da_jinterp *in, const struct da_jargs *args, struct da_jval *ret)
{
    int64_t from = 0, to = 0, step = 1;
    if (args->n == 0 || args->n > 3)
        return da_jfail(in, DA_EFORMAT, "range takes one to three arguments");
    if (!da_jarg_int(in, args, 0, "stop", &to))
        return false;
    if (args->n > 1) {
        from = to;
        if (!da_jarg_int(in, args, 1, "stop", &to) || !da_jarg_int(in, args, 2, "step", &step))
            return false;
    }
    if (step == 0)
        return da_jfail(in, DA_EFORMAT, "range: the step cannot be zero");
    if (from < -INT32_MAX || from > INT32_MAX || to < -INT32_MAX || to > INT32_MAX ||
        step < -INT32_MAX || step > INT32_MAX)
        return da_jfail(in, DA_ELIMIT, "range: an argument is too large");
    int64_t n = step > 0 ? (to - from + step - 1) / step : (from - to - step - 1) / -step;
    n = n < 0 ? 0 : n;
    if (n > DA_J_MAX_RANGE)
        return da_jfail(in, DA_ELIMIT, "range: more than %d elements", DA_J_MAX_RANGE);
    struct da_jval *items = da_jitems(in, (size_t)n);
    if (!items)
        return false;
    for (int64_t i = 0; i < n; i++)
        items[i] = da_j_int(from + i * step);
    *ret = da_j_list(items, (size_t)n);
    return true;
}

static bool make_dict(struct da_jinterp *in, enum da_jfunction f, const struct da_jargs *args,
                      struct da_jval *ret)
{
    struct da_jdict *d = da_jdict_new(&in->a);
    for (size_t i = 0; i < args->n; i++) {
        if (args->v[i].type != DA_J_DICT)
            return da_jfail(in, DA_EUNSUPPORTED, "a dict can only be made of another dict");
        for (size_t k = 0; k < args->v[i].u.dict->n; k++) {
            const struct da_jpair *p = &args->v[i].u.dict->pairs[k];
            if (!da_jcharge_find(in, d, &p->key))
                return false;
            da_jdict_put(&in->a, d, p->key, p->value);
        }
    }
    for (size_t i = 0; i < args->n_named; i++) {
        const struct da_jval key = da_j_str(args->named[i].name);
        if (!da_jcharge_find(in, d, &key))
            return false;
        da_jdict_put(&in->a, d, key, args->named_v[i]);
    }
    *ret = da_j_dict(d);
    if (f == DA_JF_NAMESPACE)
        *ret = (struct da_jval){.type = DA_J_NAMESPACE, .u.dict = d};
    return true;
}

/* Calendar date of a day number since 1970-01-01 (proleptic Gregorian). */
static void civil_date(int64_t days, int64_t *year, int *month, int *day, int *day_of_year)
{
    static const int before[2][13] = {{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365},
                                      {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366}};
    int64_t y = 1970 + days / 366;
    int leap;
    for (;; y++) { /* days / 366 is at most a few years short */
        int64_t y1 = y - 1, start = 365 * (y - 1970) + (y1 / 4 - y1 / 100 + y1 / 400) - 477;
        leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        if (days - start < 365 + leap) {
            *day_of_year = (int)(days - start);
            break;
        }
    }
    for (*month = 1; before[leap][*month] <= *day_of_year; (*month)++)
        ;
    *day = *day_of_year - before[leap][*month - 1] + 1;
    *year = y;
}

/* value in at least width digits, filled with fill; width 0: as it is. */
static void add_number(struct da_buf *out, int value, int width, char fill)
{
    int digits = 1;
    for (int v = value; v >= 10; v /= 10)
        digits++;
    for (; digits < width; digits++)
        da_buf_add_char(out, fill);
    da_buf_addf(out, "%d", value);
}

static void strftime_utc(struct da_buf *out, struct da_span format, int64_t now)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
    int month, day, day_of_year;
    int64_t year;
    now = now < 0 ? 0 : now;
    civil_date(now / 86400, &year, &month, &day, &day_of_year);
    int second = (int)(now % 86400), hour = second / 3600, weekday = (int)((now / 86400 + 4) % 7);
    for (size_t i = 0; i < format.len; i++) {
        if (format.p[i] != '%' || i + 1 == format.len) {
            da_buf_add_char(out, format.p[i]);
            continue;
        }
        bool bare = format.p[i + 1] == '-' && i + 2 < format.len; /* glibc: no leading zero */
        i += bare ? 2 : 1;
        int two = bare ? 0 : 2;
        switch (format.p[i]) {
        case 'd': add_number(out, day, two, '0'); break;
        case 'e': add_number(out, day, two, ' '); break;
        case 'm': add_number(out, month, two, '0'); break;
        case 'H': add_number(out, hour, two, '0'); break;
        case 'I': add_number(out, (hour + 11) % 12 + 1, two, '0'); break;
        case 'M': add_number(out, second / 60 % 60, two, '0'); break;
        case 'S': add_number(out, second % 60, two, '0'); break;
        case 'y': add_number(out, (int)(year % 100), two, '0'); break;
        case 'j': add_number(out, day_of_year + 1, bare ? 0 : 3, '0'); break;
        case 'Y': da_buf_addf(out, "%lld", (long long)year); break;
        case 'B': da_buf_add_str(out, months[month - 1]); break;
        case 'b':
        case 'h': da_buf_add(out, months[month - 1], 3); break;
        case 'A': da_buf_add_str(out, days[weekday]); break;
        case 'a': da_buf_add(out, days[weekday], 3); break;
        case 'w': da_buf_addf(out, "%d", weekday); break;
        case 'u': da_buf_addf(out, "%d", (weekday + 6) % 7 + 1); break;
        case 'p': da_buf_add_str(out, hour < 12 ? "AM" : "PM"); break;
        case 'F': strftime_utc(out, da_span_str("%Y-%m-%d"), now); break;
        case 'T': strftime_utc(out, da_span_str("%H:%M:%S"), now); break;
        case 'Z':
        case 'z': break; /* a naive datetime has no zone */
        case '%': da_buf_add_char(out, '%'); break;
        default:
            da_buf_add_char(out, '%');
            da_buf_add_char(out, format.p[i]);
            break;
        }
    }
}

bool da_jcall_function(struct da_jinterp *in, enum da_jfunction f, const struct da_jargs *args,
                       struct da_jval *ret)
{
    struct da_span s = da_span("", 0);
    struct da_buf out;
    switch (f) {
    case DA_JF_RANGE: return make_range(in, args, ret);
    case DA_JF_DICT:
    case DA_JF_NAMESPACE: return make_dict(in, f, args, ret);
    case DA_JF_RAISE:
        if (!da_jarg_str(in, args, 0, "message", &s))
            return false;
        return da_jfail(in, DA_EFORMAT, "%.*s", (int)(s.len > 400 ? 400 : s.len), s.p);
    case DA_JF_STRFTIME_NOW:
        if (!da_jarg_str(in, args, 0, "format", &s))
            return false;
        da_buf_init(&out, in->max_memory);
        strftime_utc(&out, s, in->now);
        return da_jtake(in, &out, ret);
    }
    return false;
}

/* Python's % for the conversions s, r, d and %. */
bool da_jformat(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                struct da_jval *ret)
{
    struct da_span s;
    struct da_buf out;
    size_t next = 0;
    bool ok = da_jtext_of(in, of, &s) && da_jcharge(in, s.len / 4);
    if (!ok)
        return false;
    da_buf_init(&out, in->max_memory);
    for (size_t i = 0; i < s.len && ok && !out.overflow; i++) {
        if (s.p[i] != '%') {
            da_buf_add_char(&out, s.p[i]);
            continue;
        }
        char c = ++i < s.len ? s.p[i] : 0;
        const struct da_jval *v = c != '%' && next < args->n ? &args->v[next++] : NULL;
        ok = c == '%' || (v && (c == 's' || c == 'r' || (c == 'd' && v->type == DA_J_INT)) &&
                          da_jcharge(in, v->weight));
        if (ok && c == '%')
            da_buf_add_char(&out, '%');
        else if (ok && c == 'r')
            da_j_repr(&out, v);
        else if (ok)
            da_j_print(&out, v);
    }
    if (ok && (next == args->n || out.overflow))
        return da_jtake(in, &out, ret);
    da_buf_release(&out);
    return da_jfail(in, DA_EUNSUPPORTED, "this format is not supported, or its arguments differ");
}

bool da_jurlencode(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                   struct da_jval *ret)
{
    struct da_span s;
    struct da_buf out;
    (void)args;
    if (!da_jtext_of(in, of, &s) || !da_jcharge(in, s.len / 4))
        return false;
    da_buf_init(&out, in->max_memory);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
                     (c && strchr("_.-~/", c));
        if (plain)
            da_buf_add_char(&out, (char)c);
        else
            da_buf_addf(&out, "%%%02X", c);
    }
    return da_jtake(in, &out, ret);
}
