/*
 * Reading JSON with cJSON, behind json_scan.c. A node is a cJSON item seen as an
 * opaque struct. Integers that a double cannot hold are given to cJSON as strings
 * and turned into raw nodes afterwards, found again by their ordinal.
 */

#include "common/json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_scan.h"
#include "common/map.h"

static const cJSON *in(const struct da_json *j)
{
    return (const cJSON *)(const void *)j;
}

static const struct da_json *out(const cJSON *c)
{
    return (const struct da_json *)(const void *)c;
}

static int kind(const cJSON *c)
{
    return c->type & 0xFF;
}

/* Copies text with quotes around each big integer. */
static void quote_big(const char *p, size_t len, const struct da_json_scan *scan,
                      struct da_buf *to)
{
    size_t i, at = 0;
    for (i = 0; i < scan->n_big; i++) {
        const struct da_json_big *b = &scan->big[i];
        da_buf_add(to, p + at, b->at - at);
        da_buf_add_char(to, '"');
        da_buf_add(to, p + b->at, b->len);
        da_buf_add_char(to, '"');
        at = b->at + b->len;
    }
    da_buf_add(to, p + at, len - at);
}

/* Second pass over the tree: raw nodes for big integers, no key twice. */
struct mend {
    const struct da_json_scan *scan;
    size_t next_big, n_scalars;
    struct da_err *err;
};

static enum da_rc twice(struct mend *m, const char *key)
{
    return da_fail(m->err, DA_EFORMAT, "member '%.100s' stands twice in an object", key);
}

static enum da_rc check_keys(struct mend *m, const cJSON *obj)
{
    enum { FEW = 24 };
    const cJSON *a, *b;
    struct da_map seen;
    size_t n = 0;
    enum da_rc rc = DA_OK;
    for (a = obj->child; a && n <= FEW; a = a->next, n++)
        for (b = obj->child; b != a; b = b->next)
            if (strcmp(a->string, b->string) == 0)
                return twice(m, a->string);
    if (!a)
        return DA_OK;
    da_map_init(&seen);
    for (a = obj->child; a && rc == DA_OK; a = a->next) {
        bool is_new;
        (void)da_map_add(&seen, a->string, strlen(a->string), &is_new);
        if (!is_new)
            rc = twice(m, a->string);
    }
    da_map_release(&seen);
    return rc;
}

static enum da_rc mend_tree(struct mend *m, cJSON *c)
{
    cJSON *child;
    if (kind(c) != cJSON_Object && kind(c) != cJSON_Array) {
        if (m->next_big < m->scan->n_big &&
            m->scan->big[m->next_big].ordinal == m->n_scalars) {
            c->type = (c->type & ~0xFF) | cJSON_Raw;
            m->next_big++;
        }
        m->n_scalars++;
        return DA_OK;
    }
    if (kind(c) == cJSON_Object) {
        enum da_rc rc = check_keys(m, c);
        if (rc != DA_OK)
            return rc;
    }
    for (child = c->child; child; child = child->next) {
        enum da_rc rc = mend_tree(m, child);
        if (rc != DA_OK)
            return rc;
    }
    return DA_OK;
}

enum da_rc da_json_parse(const char *p, size_t len, struct da_json **ret, struct da_err *err)
{
    struct da_json_scan scan;
    struct da_buf quoted;
    struct mend mend = {.scan = &scan, .err = err};
    cJSON *root;
    enum da_rc rc = da_json_scan(p, len, &scan, err);
    if (rc != DA_OK)
        return rc;
    da_buf_init(&quoted, 0);
    if (scan.n_big) {
        quote_big(p, len, &scan, &quoted);
        root = cJSON_ParseWithLength(quoted.p, quoted.len);
    } else {
        root = cJSON_ParseWithLength(p, len);
    }
    if (!root)
        rc = da_fail(err, DA_ENOMEM, "no memory for a JSON text of %zu bytes", len);
    else
        rc = mend_tree(&mend, root);
    if (rc == DA_OK)
        *ret = (struct da_json *)(void *)root;
    else
        cJSON_Delete(root);
    da_buf_release(&quoted);
    free(scan.big);
    return rc;
}

void da_json_free(struct da_json *root)
{
    cJSON_Delete((cJSON *)(void *)root);
}

enum da_json_type da_json_type(const struct da_json *j)
{
    switch (kind(in(j))) {
    case cJSON_False:
    case cJSON_True: return DA_JSON_BOOL;
    case cJSON_Number:
    case cJSON_Raw: return DA_JSON_NUMBER;
    case cJSON_String: return DA_JSON_STRING;
    case cJSON_Array: return DA_JSON_ARRAY;
    case cJSON_Object: return DA_JSON_OBJECT;
    default: return DA_JSON_NULL;
    }
}

const char *da_json_type_name(enum da_json_type t)
{
    static const char *const names[] = {"null", "a boolean", "a number",
                                        "a string", "an array", "an object"};
    return names[t];
}

const struct da_json *da_json_get(const struct da_json *j, const char *key)
{
    const cJSON *c;
    if (!j || kind(in(j)) != cJSON_Object)
        return NULL;
    for (c = in(j)->child; c; c = c->next)
        if (strcmp(c->string, key) == 0)
            return out(c);
    return NULL;
}

const struct da_json *da_json_first(const struct da_json *j)
{
    return j ? out(in(j)->child) : NULL;
}

const struct da_json *da_json_next(const struct da_json *j)
{
    return j ? out(in(j)->next) : NULL;
}

const struct da_json *da_json_at(const struct da_json *j, size_t i)
{
    const struct da_json *c = da_json_first(j);
    while (c && i--)
        c = da_json_next(c);
    return c;
}

const char *da_json_key(const struct da_json *j)
{
    return in(j)->string;
}

size_t da_json_len(const struct da_json *j)
{
    size_t n = 0;
    const struct da_json *c;
    for (c = da_json_first(j); c; c = da_json_next(c))
        n++;
    return n;
}

bool da_json_bool(const struct da_json *j, bool *v)
{
    if (!j || (kind(in(j)) != cJSON_True && kind(in(j)) != cJSON_False))
        return false;
    *v = kind(in(j)) == cJSON_True;
    return true;
}

bool da_json_int(const struct da_json *j, int64_t *v)
{
    double d;
    if (!j)
        return false;
    if (kind(in(j)) == cJSON_Raw)
        return da_parse_int(in(j)->valuestring, strlen(in(j)->valuestring), v);
    if (kind(in(j)) != cJSON_Number)
        return false;
    d = in(j)->valuedouble;
    if (d != floor(d) || fabs(d) > 9007199254740992.0)
        return false;
    *v = (int64_t)d;
    return true;
}

bool da_json_double(const struct da_json *j, double *v)
{
    if (!j)
        return false;
    if (kind(in(j)) == cJSON_Raw)
        return da_parse_double(in(j)->valuestring, strlen(in(j)->valuestring), v);
    if (kind(in(j)) != cJSON_Number)
        return false;
    *v = in(j)->valuedouble;
    return true;
}

bool da_json_str(const struct da_json *j, struct da_span *v)
{
    if (!j || kind(in(j)) != cJSON_String)
        return false;
    *v = da_span_str(in(j)->valuestring);
    return true;
}

enum da_rc da_json_need_str(const struct da_json *j, const char *key, struct da_span *v,
                            struct da_err *err)
{
    const struct da_json *m = da_json_get(j, key);
    if (!m)
        return da_fail(err, DA_EFORMAT, "member '%s' is missing", key);
    if (!da_json_str(m, v))
        return da_fail(err, DA_EFORMAT, "member '%s' is %s, not a string", key,
                       da_json_type_name(da_json_type(m)));
    return DA_OK;
}

/* Digits of a number node that keeps them, or NULL. */
static const char *raw_digits(const struct da_json *j)
{
    return kind(in(j)) == cJSON_Raw ? in(j)->valuestring : NULL;
}

void da_jw_value(struct da_jw *w, const struct da_json *j)
{
    const struct da_json *c;
    struct da_span s;
    double d;
    bool b;
    if (!j || da_json_type(j) == DA_JSON_NULL) {
        da_jw_null(w);
    } else if (da_json_bool(j, &b)) {
        da_jw_bool(w, b);
    } else if (raw_digits(j)) {
        da_jw_raw(w, raw_digits(j), strlen(raw_digits(j)));
    } else if (da_json_double(j, &d)) {
        da_jw_double(w, d);
    } else if (da_json_str(j, &s)) {
        da_jw_span(w, s);
    } else {
        bool object = da_json_type(j) == DA_JSON_OBJECT;
        if (object)
            da_jw_object(w);
        else
            da_jw_array(w);
        for (c = da_json_first(j); c; c = da_json_next(c)) {
            if (object)
                da_jw_key(w, da_json_key(c));
            da_jw_value(w, c);
        }
        da_jw_end(w);
    }
}
