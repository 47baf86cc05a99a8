/* Building, comparing and printing values. The text of numbers and strings is Python's. */

#include "engine/chat/jinja_value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"
#include "text/uclass.h"

struct da_jval da_j_undefined(struct da_span name)
{
    return (struct da_jval){.type = DA_J_UNDEFINED, .u.s = name};
}

struct da_jval da_j_none(void)
{
    return (struct da_jval){.type = DA_J_NONE};
}

struct da_jval da_j_bool(bool b)
{
    return (struct da_jval){.type = DA_J_BOOL, .u.b = b};
}

struct da_jval da_j_int(int64_t i)
{
    return (struct da_jval){.type = DA_J_INT, .u.i = i};
}

struct da_jval da_j_float(double d)
{
    return (struct da_jval){.type = DA_J_FLOAT, .u.d = d};
}

struct da_jval da_j_str(struct da_span s)
{
    enum { BYTES = 64 }; /* compared or copied as fast as a value is looked at */
    return (struct da_jval){
        .type = DA_J_STR, .weight = (uint32_t)(s.len / BYTES + 1), .u.s = s};
}

static uint32_t add_weight(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static struct da_jval sequence(enum da_jtype type, const struct da_jval *items, size_t n)
{
    uint16_t depth = 0;
    uint32_t weight = 1;
    for (size_t i = 0; i < n; i++) {
        depth = items[i].depth > depth ? items[i].depth : depth;
        weight = add_weight(weight, add_weight(items[i].weight, 1));
    }
    return (struct da_jval){.type = (uint16_t)type,
                            .depth = (uint16_t)(depth + 1),
                            .n = (uint32_t)n,
                            .weight = weight,
                            .u.items = items};
}

struct da_jval da_j_list(const struct da_jval *items, size_t n)
{
    return sequence(DA_J_LIST, items, n);
}

struct da_jval da_j_tuple(const struct da_jval *items, size_t n)
{
    return sequence(DA_J_TUPLE, items, n);
}

struct da_jval da_j_dict(struct da_jdict *dict)
{
    return (struct da_jval){.type = DA_J_DICT,
                            .depth = (uint16_t)(dict->depth + 1),
                            .weight = add_weight(dict->weight, 1),
                            .u.dict = dict};
}

struct da_jval da_j_from_json(struct da_arena *a, const struct da_json *j)
{
    bool b = false;
    int64_t i = 0;
    double d = 0;
    struct da_span s = {0};
    switch (da_json_type(j)) {
    case DA_JSON_NULL: return da_j_none();
    case DA_JSON_BOOL: (void)da_json_bool(j, &b); return da_j_bool(b);
    case DA_JSON_NUMBER:
        if (da_json_int(j, &i))
            return da_j_int(i);
        (void)da_json_double(j, &d);
        return da_j_float(d);
    case DA_JSON_STRING: (void)da_json_str(j, &s); return da_j_str(s);
    case DA_JSON_ARRAY: {
        struct da_jval *items = da_arena_alloc(a, da_json_len(j) + 1, sizeof *items);
        size_t n = 0;
        for (const struct da_json *e = da_json_first(j); e; e = da_json_next(e))
            items[n++] = da_j_from_json(a, e);
        return da_j_list(items, n);
    }
    case DA_JSON_OBJECT: {
        struct da_jdict *dict = da_jdict_new(a);
        for (const struct da_json *e = da_json_first(j); e; e = da_json_next(e))
            da_jdict_put(a, dict, da_j_str(da_span_str(da_json_key(e))), da_j_from_json(a, e));
        return da_j_dict(dict);
    }
    }
    return da_j_none();
}

struct da_jdict *da_jdict_new(struct da_arena *a)
{
    return da_arena_alloc(a, 1, sizeof(struct da_jdict));
}

struct da_jval *da_jdict_find(const struct da_jdict *d, const struct da_jval *key)
{
    for (size_t i = 0; i < d->n; i++)
        if (da_j_equal(&d->pairs[i].key, key))
            return &d->pairs[i].value;
    return NULL;
}

void da_jdict_put(struct da_arena *a, struct da_jdict *d, struct da_jval key, struct da_jval value)
{
    struct da_jval *old = da_jdict_find(d, &key);
    uint16_t depth = value.depth > key.depth ? value.depth : key.depth;
    d->depth = depth > d->depth ? depth : d->depth;
    d->weight = add_weight(d->weight, add_weight(add_weight(key.weight, value.weight), 2));
    if (old) {
        *old = value;
        return;
    }
    DA_ARENA_GROW(a, d->pairs, d->n, d->cap);
    d->pairs[d->n++] = (struct da_jpair){key, value};
}

bool da_j_truth(const struct da_jval *v)
{
    switch (v->type) {
    case DA_J_UNDEFINED:
    case DA_J_NONE: return false;
    case DA_J_BOOL: return v->u.b;
    case DA_J_INT: return v->u.i != 0;
    case DA_J_FLOAT: return v->u.d != 0;
    case DA_J_STR: return v->u.s.len > 0;
    case DA_J_LIST:
    case DA_J_TUPLE: return v->n > 0;
    case DA_J_DICT: return v->u.dict->n > 0;
    default: return true;
    }
}

bool da_j_is_number(const struct da_jval *v)
{
    return v->type == DA_J_BOOL || v->type == DA_J_INT || v->type == DA_J_FLOAT;
}

static int64_t integer(const struct da_jval *v)
{
    return v->type == DA_J_BOOL ? v->u.b : v->u.i;
}

double da_j_number(const struct da_jval *v)
{
    return v->type == DA_J_FLOAT ? v->u.d : (double)integer(v);
}

static bool equal_dicts(const struct da_jdict *a, const struct da_jdict *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        const struct da_jval *other = da_jdict_find(b, &a->pairs[i].key);
        if (!other || !da_j_equal(&a->pairs[i].value, other))
            return false;
    }
    return true;
}

bool da_j_equal(const struct da_jval *a, const struct da_jval *b)
{
    if (da_j_is_number(a) && da_j_is_number(b)) {
        if (a->type != DA_J_FLOAT && b->type != DA_J_FLOAT)
            return integer(a) == integer(b);
        return da_j_number(a) == da_j_number(b);
    }
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case DA_J_STR: return da_span_eq(a->u.s, b->u.s);
    case DA_J_LIST:
    case DA_J_TUPLE:
        if (a->n != b->n)
            return false;
        for (uint32_t i = 0; i < a->n; i++)
            if (!da_j_equal(&a->u.items[i], &b->u.items[i]))
                return false;
        return true;
    case DA_J_DICT: return equal_dicts(a->u.dict, b->u.dict);
    case DA_J_NAMESPACE: return a->u.dict == b->u.dict;
    case DA_J_MACRO: return a->u.macro == b->u.macro;
    case DA_J_FUNCTION: return a->u.i == b->u.i;
    case DA_J_LOOP: return a->u.loop == b->u.loop;
    default: return true; /* none, undefined */
    }
}

bool da_j_compare(const struct da_jval *a, const struct da_jval *b, int *order)
{
    if (da_j_is_number(a) && da_j_is_number(b)) {
        if (a->type != DA_J_FLOAT && b->type != DA_J_FLOAT) {
            *order = (integer(a) > integer(b)) - (integer(a) < integer(b));
            return true;
        }
        double x = da_j_number(a), y = da_j_number(b);
        *order = (x > y) - (x < y);
        return true;
    }
    if (a->type != b->type)
        return false;
    if (a->type == DA_J_STR) { /* bytes of UTF-8 order as code points do */
        struct da_span x = a->u.s, y = b->u.s;
        int c = memcmp(x.p, y.p, x.len < y.len ? x.len : y.len);
        *order = c ? c : (x.len > y.len) - (x.len < y.len);
        return true;
    }
    if (a->type != DA_J_LIST && a->type != DA_J_TUPLE)
        return false;
    for (uint32_t i = 0; i < a->n && i < b->n; i++)
        if (!da_j_equal(&a->u.items[i], &b->u.items[i]))
            return da_j_compare(&a->u.items[i], &b->u.items[i], order);
    *order = (a->n > b->n) - (a->n < b->n);
    return true;
}

const char *da_j_type_name(const struct da_jval *v)
{
    static const char *const names[] = {"Undefined", "NoneType", "bool",       "int",  "float",
                                        "str",       "list",     "tuple",      "dict", "Namespace",
                                        "Macro",     "function", "LoopContext"};
    return names[v->type];
}

/* repr(float): the shortest digits that read back, with an exponent outside 1e-4 .. 1e16. */
static void print_float(struct da_buf *out, double d)
{
    if (isnan(d) || isinf(d)) {
        da_buf_add_str(out, isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
        return;
    }
    struct da_buf text;
    char digits[32];
    int n = 0, exponent = -1;
    bool point = false;
    da_buf_init(&text, 0);
    da_buf_add_double(&text, d);
    const char *p = text.p;
    if (*p == '-') {
        da_buf_add_char(out, '-');
        p++;
    }
    for (; *p && *p != 'e' && *p != 'E'; p++) {
        point = point || *p == '.';
        if (*p == '.')
            continue;
        if (n == 0 && *p == '0') {
            exponent -= point; /* a zero before the first digit that counts */
            continue;
        }
        exponent += !point;
        if (n < (int)sizeof digits)
            digits[n++] = *p;
    }
    int64_t shift = 0;
    if (*p)
        (void)da_parse_int(p[1] == '+' ? p + 2 : p + 1, strlen(p[1] == '+' ? p + 2 : p + 1),
                           &shift);
    exponent = n ? exponent + (int)shift : 0;
    if (n == 0)
        digits[n++] = '0';
    da_buf_release(&text);
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (exponent < -4 || exponent >= 16) {
        da_buf_add(out, digits, 1);
        if (n > 1) {
            da_buf_add_char(out, '.');
            da_buf_add(out, digits + 1, (size_t)n - 1);
        }
        da_buf_addf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
        return;
    }
    if (exponent < 0)
        da_buf_add_str(out, "0.");
    for (int i = exponent; i < -1; i++)
        da_buf_add_char(out, '0');
    for (int i = 0; i < n || i <= exponent; i++) {
        if (i == exponent + 1 && exponent >= 0)
            da_buf_add_char(out, '.');
        da_buf_add_char(out, i < n ? digits[i] : '0');
    }
    if (exponent >= 0 && n <= exponent + 1)
        da_buf_add_str(out, ".0");
}

static bool is_printable(uint32_t cp)
{
    return cp == ' ' || !da_uclass_in(cp, DA_UMASK_C | DA_UMASK_Z);
}

static void repr_str(struct da_buf *out, struct da_span s)
{
    bool single = memchr(s.p, '\'', s.len) && !memchr(s.p, '"', s.len);
    char quote = single ? '"' : '\'';
    da_buf_add_char(out, quote);
    for (const char *p = s.p, *end = s.p + s.len; p < end;) {
        uint32_t cp;
        size_t len = da_utf8_decode(p, end, &cp);
        if (cp == (unsigned char)quote || cp == '\\')
            da_buf_addf(out, "\\%c", (int)cp);
        else if (cp == '\n' || cp == '\r' || cp == '\t')
            da_buf_addf(out, "\\%c", cp == '\n' ? 'n' : cp == '\r' ? 'r' : 't');
        else if (is_printable(cp))
            da_buf_add(out, p, len);
        else
            da_buf_addf(out,
                        cp < 0x100     ? "\\x%02x"
                        : cp < 0x10000 ? "\\u%04x"
                                       : "\\U%08x",
                        (unsigned)cp);
        p += len;
    }
    da_buf_add_char(out, quote);
}

void da_j_print(struct da_buf *out, const struct da_jval *v)
{
    if (v->type == DA_J_STR)
        da_buf_add(out, v->u.s.p, v->u.s.len);
    else if (v->type != DA_J_UNDEFINED)
        da_j_repr(out, v);
}

static void repr_items(struct da_buf *out, const struct da_jval *v)
{
    bool tuple = v->type == DA_J_TUPLE;
    da_buf_add_char(out, tuple ? '(' : '[');
    for (uint32_t i = 0; i < v->n; i++) {
        if (i)
            da_buf_add_str(out, ", ");
        da_j_repr(out, &v->u.items[i]);
    }
    da_buf_add_str(out, tuple ? (v->n == 1 ? ",)" : ")") : "]");
}

void da_j_repr(struct da_buf *out, const struct da_jval *v)
{
    if (out->overflow)
        return;
    switch (v->type) {
    case DA_J_UNDEFINED: da_buf_add_str(out, "Undefined"); break;
    case DA_J_NONE: da_buf_add_str(out, "None"); break;
    case DA_J_BOOL: da_buf_add_str(out, v->u.b ? "True" : "False"); break;
    case DA_J_INT: da_buf_addf(out, "%lld", (long long)v->u.i); break;
    case DA_J_FLOAT: print_float(out, v->u.d); break;
    case DA_J_STR: repr_str(out, v->u.s); break;
    case DA_J_LIST:
    case DA_J_TUPLE: repr_items(out, v); break;
    case DA_J_DICT:
        da_buf_add_char(out, '{');
        for (size_t i = 0; i < v->u.dict->n; i++) {
            if (i)
                da_buf_add_str(out, ", ");
            da_j_repr(out, &v->u.dict->pairs[i].key);
            da_buf_add_str(out, ": ");
            da_j_repr(out, &v->u.dict->pairs[i].value);
        }
        da_buf_add_char(out, '}');
        break;
    default: da_buf_addf(out, "<%s>", da_j_type_name(v)); break;
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void dump_str(struct da_buf *out, struct da_span s)
{
    da_buf_add_char(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        static const char *const named[] = {
            ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"};
        if (c == '"' || c == '\\')
            da_buf_addf(out, "\\%c", c);
        else if (c < sizeof named / sizeof *named && named[c])
            da_buf_add_str(out, named[c]);
        else if (c < 0x20)
            da_buf_addf(out, "\\u%04x", c);
        else
            da_buf_add_char(out, (char)c);
    }
    da_buf_add_char(out, '"');
}

struct dump {
    struct da_buf *out;
    int indent; /* -1: on one line */
    int depth;
    bool sort_keys;
};

static void new_line(struct dump *d)
{
    da_buf_add_char(d->out, '\n');
    for (int i = 0; i < d->indent * d->depth && !d->out->overflow; i++)
        da_buf_add_char(d->out, ' ');
}

static bool dump(struct dump *d, const struct da_jval *v);

static bool dump_key(struct dump *d, const struct da_jval *key)
{
    if (key->type == DA_J_STR) {
        dump_str(d->out, key->u.s);
        return true;
    }
    if (!da_j_is_number(key) && key->type != DA_J_NONE)
        return false;
    da_buf_add_char(d->out, '"');
    bool ok = dump(d, key);
    da_buf_add_char(d->out, '"');
    return ok;
}

static int by_key(const void *a, const void *b)
{
    int order = 0;
    (void)da_j_compare(&((const struct da_jpair *)a)->key, &((const struct da_jpair *)b)->key,
                       &order);
    return order;
}

static bool dump_dict(struct dump *d, const struct da_jdict *dict)
{
    struct da_jpair *pairs = da_malloc((dict->n + 1) * sizeof *pairs);
    bool ok = true;
    if (dict->n > 0)
        memcpy(pairs, dict->pairs, dict->n * sizeof *pairs);
    if (d->sort_keys)
        qsort(pairs, dict->n, sizeof *pairs, by_key);
    da_buf_add_char(d->out, '{');
    d->depth++;
    for (size_t i = 0; i < dict->n && ok; i++) {
        if (i)
            da_buf_add_str(d->out, d->indent < 0 ? ", " : ",");
        if (d->indent >= 0)
            new_line(d);
        ok = dump_key(d, &pairs[i].key);
        da_buf_add_str(d->out, ": ");
        ok = ok && dump(d, &pairs[i].value);
    }
    d->depth--;
    if (d->indent >= 0 && dict->n > 0)
        new_line(d);
    da_buf_add_char(d->out, '}');
    free(pairs);
    return ok;
}

static bool dump_list(struct dump *d, const struct da_jval *v)
{
    bool ok = true;
    da_buf_add_char(d->out, '[');
    d->depth++;
    for (uint32_t i = 0; i < v->n && ok; i++) {
        if (i)
            da_buf_add_str(d->out, d->indent < 0 ? ", " : ",");
        if (d->indent >= 0)
            new_line(d);
        ok = dump(d, &v->u.items[i]);
    }
    d->depth--;
    if (d->indent >= 0 && v->n > 0)
        new_line(d);
    da_buf_add_char(d->out, ']');
    return ok;
}

static bool dump(struct dump *d, const struct da_jval *v)
{
    if (d->out->overflow)
        return true;
    switch (v->type) {
    case DA_J_NONE: da_buf_add_str(d->out, "null"); return true;
    case DA_J_BOOL: da_buf_add_str(d->out, v->u.b ? "true" : "false"); return true;
    case DA_J_INT: da_buf_addf(d->out, "%lld", (long long)v->u.i); return true;
    case DA_J_FLOAT:
        if (isnan(v->u.d) || isinf(v->u.d))
            da_buf_add_str(d->out, isnan(v->u.d) ? "NaN" : v->u.d < 0 ? "-Infinity" : "Infinity");
        else
            print_float(d->out, v->u.d);
        return true;
    case DA_J_STR: dump_str(d->out, v->u.s); return true;
    case DA_J_LIST:
    case DA_J_TUPLE: return dump_list(d, v);
    case DA_J_DICT: return dump_dict(d, v->u.dict);
    default: return false;
    }
}

bool da_j_dump_json(struct da_buf *out, const struct da_jval *v, int indent, bool sort_keys)
{
    struct dump d = {out, indent, 0, sort_keys};
    return dump(&d, v);
}
