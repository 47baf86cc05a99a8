/* Writing JSON and locale-free numbers: see json.h. */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/json_scan.h"

void da_jw_init(struct da_jw *w, struct da_buf *out)
{
    memset(w, 0, sizeof *w);
    w->out = out;
}

/* Before a value: the comma that may be due. */
static void before_value(struct da_jw *w)
{
    assert(w->depth == 0 || w->is_array[w->depth] || w->after_key);
    if (w->need_comma && !w->after_key)
        da_buf_add_char(w->out, ',');
    w->after_key = false;
    w->need_comma = true;
}

static void open_container(struct da_jw *w, bool is_array)
{
    before_value(w);
    assert(w->depth < DA_JSON_MAX_DEPTH);
    w->is_array[++w->depth] = is_array;
    w->need_comma = false;
    da_buf_add_char(w->out, is_array ? '[' : '{');
}

void da_jw_object(struct da_jw *w)
{
    open_container(w, false);
}

void da_jw_array(struct da_jw *w)
{
    open_container(w, true);
}

void da_jw_end(struct da_jw *w)
{
    assert(w->depth > 0 && !w->after_key);
    da_buf_add_char(w->out, w->is_array[w->depth] ? ']' : '}');
    w->depth--;
    w->need_comma = true;
}

static void add_escape(struct da_buf *b, unsigned char c)
{
    switch (c) {
    case '"': da_buf_add(b, "\\\"", 2); break;
    case '\\': da_buf_add(b, "\\\\", 2); break;
    case '\b': da_buf_add(b, "\\b", 2); break;
    case '\t': da_buf_add(b, "\\t", 2); break;
    case '\n': da_buf_add(b, "\\n", 2); break;
    case '\f': da_buf_add(b, "\\f", 2); break;
    case '\r': da_buf_add(b, "\\r", 2); break;
    default: da_buf_addf(b, "\\u%04x", c); break;
    }
}

static void add_string(struct da_buf *b, const char *p, size_t len)
{
    da_buf_add_char(b, '"');
    while (len) {
        size_t plain = da_json_plain_len(p, len);
        da_buf_add(b, p, plain);
        if (plain < len)
            add_escape(b, (unsigned char)p[plain++]);
        p += plain;
        len -= plain;
    }
    da_buf_add_char(b, '"');
}

void da_jw_key(struct da_jw *w, const char *key)
{
    assert(w->depth > 0 && !w->is_array[w->depth] && !w->after_key);
    if (w->need_comma)
        da_buf_add_char(w->out, ',');
    add_string(w->out, key, strlen(key));
    da_buf_add_char(w->out, ':');
    w->after_key = true;
}

void da_jw_null(struct da_jw *w)
{
    da_jw_raw(w, "null", 4);
}

void da_jw_bool(struct da_jw *w, bool v)
{
    da_jw_raw(w, v ? "true" : "false", v ? 4 : 5);
}

void da_jw_int(struct da_jw *w, int64_t v)
{
    before_value(w);
    da_buf_addf(w->out, "%" PRId64, v);
}

void da_jw_uint(struct da_jw *w, uint64_t v)
{
    before_value(w);
    da_buf_addf(w->out, "%" PRIu64, v);
}

void da_jw_double(struct da_jw *w, double v)
{
    before_value(w);
    if (isfinite(v))
        da_buf_add_double(w->out, v);
    else
        da_buf_add(w->out, "null", 4);
}

void da_jw_float(struct da_jw *w, float v)
{
    char text[32];
    int digits = 5, n;
    before_value(w);
    if (!isfinite(v)) {
        da_buf_add(w->out, "null", 4);
        return;
    }
    do
        n = snprintf(text, sizeof text, "%.*g", ++digits, (double)v);
    while (digits < 9 && strtof(text, NULL) != v); /* 9 always do: C11 5.2.4.2.2, FLT_DECIMAL_DIG */
    da_buf_add(w->out, text, (size_t)n);
}

void da_jw_fixed(struct da_jw *w, double v, int decimals)
{
    before_value(w);
    if (isfinite(v))
        da_buf_addf(w->out, "%.*f", decimals, v);
    else
        da_buf_add(w->out, "null", 4);
}

void da_jw_str(struct da_jw *w, const char *p, size_t len)
{
    before_value(w);
    add_string(w->out, p, len);
}

void da_jw_cstr(struct da_jw *w, const char *s)
{
    if (s)
        da_jw_str(w, s, strlen(s));
    else
        da_jw_null(w);
}

void da_jw_span(struct da_jw *w, struct da_span s)
{
    da_jw_str(w, s.p, s.len);
}

void da_jw_raw(struct da_jw *w, const char *p, size_t len)
{
    before_value(w);
    da_buf_add(w->out, p, len);
}

void da_jw_kstr(struct da_jw *w, const char *key, struct da_span v)
{
    da_jw_key(w, key);
    da_jw_span(w, v);
}

void da_jw_kcstr(struct da_jw *w, const char *key, const char *v)
{
    da_jw_key(w, key);
    da_jw_cstr(w, v);
}

void da_jw_kint(struct da_jw *w, const char *key, int64_t v)
{
    da_jw_key(w, key);
    da_jw_int(w, v);
}

void da_jw_kdouble(struct da_jw *w, const char *key, double v)
{
    da_jw_key(w, key);
    da_jw_double(w, v);
}

void da_jw_kbool(struct da_jw *w, const char *key, bool v)
{
    da_jw_key(w, key);
    da_jw_bool(w, v);
}

void da_jw_kvalue(struct da_jw *w, const char *key, const struct da_json *v)
{
    da_jw_key(w, key);
    da_jw_value(w, v);
}

/* --- numbers ------------------------------------------------------------------
 * The C library's functions are used under the "C" locale only: nothing in the
 * program calls setlocale for numbers. */

void da_buf_add_double(struct da_buf *b, double v)
{
    char text[40];
    int digits;
    if (v == floor(v) && fabs(v) < 1e15 && !(v == 0 && signbit(v))) {
        da_buf_addf(b, "%.0f", v);
        return;
    }
    for (digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    da_buf_add_str(b, text);
}

enum { MAX_NUMBER_LEN = 400 };

bool da_parse_double(const char *p, size_t len, double *v)
{
    char text[MAX_NUMBER_LEN + 1];
    char *end;
    double d;
    size_t i;
    if (len == 0 || len > MAX_NUMBER_LEN)
        return false;
    for (i = 0; i < len; i++)
        if (!(p[i] >= '0' && p[i] <= '9') && (p[i] == 0 || !strchr("+-.eE", p[i])))
            return false; /* no hexadecimal, no "inf", no white space */
    memcpy(text, p, len);
    text[len] = 0;
    d = strtod(text, &end);
    if (*end || !isfinite(d))
        return false;
    *v = d;
    return true;
}

bool da_parse_int(const char *p, size_t len, int64_t *v)
{
    char text[32];
    char *end;
    long long n;
    if (len == 0 || len >= sizeof text || !(*p == '-' || (*p >= '0' && *p <= '9')))
        return false;
    memcpy(text, p, len);
    text[len] = 0;
    errno = 0;
    n = strtoll(text, &end, 10);
    if (*end || errno || end == text)
        return false;
    *v = n;
    return true;
}
