/* JSON Schema, the part our schemas use: see validate.h. */

#include "schemas/validate.h"

#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/embed.h"
#include "common/mem.h"
#include "common/utf8.h"

enum { MAX_PATTERNS = 32, MAX_PATH = 256 };

struct da_schema {
    struct da_json *root;
    struct {
        const struct da_json *at; /* the "pattern" node */
        regex_t re;
    } patterns[MAX_PATTERNS];
    size_t n_patterns;
};

struct check {
    const struct da_schema *schema;
    char path[MAX_PATH];
    size_t path_len;
    struct da_err *err;
};

/* --- loading -------------------------------------------------------------------- */

static bool is_keyword(const char *key)
{
    static const char *const known[] = {
        "$schema",     "$id",       "title",      "description", "type",
        "enum",        "const",     "properties", "required",    "additionalProperties",
        "items",       "minItems",  "maxItems",   "minLength",   "minimum",
        "maximum",     "pattern",   "anyOf"};
    size_t i;
    for (i = 0; i < DA_ARRAY_LEN(known); i++)
        if (strcmp(known[i], key) == 0)
            return true;
    return false;
}

static enum da_rc load_pattern(struct da_schema *s, const struct da_json *node,
                               struct da_err *err)
{
    struct da_span text = {"", 0};
    if (s->n_patterns == MAX_PATTERNS)
        return da_fail(err, DA_ELIMIT, "a schema may have %d patterns", MAX_PATTERNS);
    if (!da_json_str(node, &text) || regcomp(&s->patterns[s->n_patterns].re, text.p,
                                             REG_EXTENDED | REG_NOSUB) != 0)
        return da_fail(err, DA_EFORMAT, "schema pattern '%.80s' is not a regular expression",
                       text.p);
    s->patterns[s->n_patterns++].at = node;
    return DA_OK;
}

/* Checks the keywords of a schema node and all below it; compiles patterns. */
static enum da_rc load(struct da_schema *s, const struct da_json *node, struct da_err *err)
{
    const struct da_json *m, *sub;
    enum da_rc rc = DA_OK;
    if (da_json_type(node) == DA_JSON_BOOL)
        return DA_OK;
    if (da_json_type(node) != DA_JSON_OBJECT)
        return da_fail(err, DA_EFORMAT, "a schema must be an object");
    for (m = da_json_first(node); m && rc == DA_OK; m = da_json_next(m)) {
        const char *key = da_json_key(m);
        if (!is_keyword(key))
            return da_fail(err, DA_EUNSUPPORTED, "schema keyword '%.60s' is not understood", key);
        if (strcmp(key, "pattern") == 0)
            rc = load_pattern(s, m, err);
        else if (strcmp(key, "items") == 0 || strcmp(key, "additionalProperties") == 0)
            rc = load(s, m, err);
        else if (strcmp(key, "properties") == 0 || strcmp(key, "anyOf") == 0)
            for (sub = da_json_first(m); sub && rc == DA_OK; sub = da_json_next(sub))
                rc = load(s, sub, err);
    }
    return rc;
}

enum da_rc da_schema_parse(struct da_schema **ret, struct da_span text, struct da_err *err)
{
    struct da_schema *s = da_calloc(1, sizeof *s);
    enum da_rc rc = da_json_parse(text.p, text.len, &s->root, err);
    if (rc == DA_OK)
        rc = load(s, s->root, err);
    if (rc == DA_OK)
        *ret = s;
    else
        da_schema_close(s);
    return rc;
}

enum da_rc da_schema_open(struct da_schema **ret, const char *kind, struct da_err *err)
{
    char name[128];
    const struct da_embedded *e;
    (void)snprintf(name, sizeof name, "schemas/%.60s.schema.json", kind);
    e = da_embed_find(name);
    if (!e)
        return da_fail(err, DA_ENOTFOUND, "there is no record of kind '%.60s'", kind);
    return da_schema_parse(ret, da_span((const char *)e->p, e->len), err);
}

void da_schema_close(struct da_schema *s)
{
    if (!s)
        return;
    while (s->n_patterns)
        regfree(&s->patterns[--s->n_patterns].re);
    da_json_free(s->root);
    free(s);
}

/* --- checking ------------------------------------------------------------------- */

static enum da_rc at(struct check *c, const char *why)
{
    return da_fail(c->err, DA_EFORMAT, "at %s: %s", c->path_len ? c->path : "/", why);
}

static enum da_rc check_node(struct check *c, const struct da_json *schema,
                             const struct da_json *v);

/* Checks v under "<path>/<name>". */
static enum da_rc check_below(struct check *c, const char *name, const struct da_json *schema,
                              const struct da_json *v)
{
    size_t old = c->path_len;
    enum da_rc rc;
    int n = snprintf(c->path + old, sizeof c->path - old, "/%s", name);
    c->path_len = n < 0 || old + (size_t)n >= sizeof c->path ? sizeof c->path - 1 : old + (size_t)n;
    rc = check_node(c, schema, v);
    c->path_len = old;
    c->path[old] = 0;
    return rc;
}

static bool type_is(const struct da_json *v, struct da_span type)
{
    static const char *const names[] = {"null", "boolean", "number", "string", "array", "object"};
    double d;
    if (da_span_is(type, "integer"))
        return da_json_double(v, &d) && d == floor(d);
    return da_span_is(type, names[da_json_type(v)]);
}

static enum da_rc check_type(struct check *c, const struct da_json *type,
                             const struct da_json *v)
{
    const struct da_json *t;
    struct da_span s;
    char why[128];
    if (da_json_str(type, &s)) {
        if (type_is(v, s))
            return DA_OK;
        (void)snprintf(why, sizeof why, "must be of type %s, is %s", s.p,
                       da_json_type_name(da_json_type(v)));
        return at(c, why);
    }
    for (t = da_json_first(type); t; t = da_json_next(t))
        if (da_json_str(t, &s) && type_is(v, s))
            return DA_OK;
    (void)snprintf(why, sizeof why, "is %s, which is not among the allowed types",
                   da_json_type_name(da_json_type(v)));
    return at(c, why);
}

static bool same_scalar(const struct da_json *a, const struct da_json *b)
{
    struct da_span sa, sb;
    double da, db;
    if (da_json_str(a, &sa) && da_json_str(b, &sb))
        return da_span_eq(sa, sb);
    return da_json_double(a, &da) && da_json_double(b, &db) && da == db;
}

static enum da_rc check_const(struct check *c, const struct da_json *want,
                              const struct da_json *v)
{
    struct da_span s = {"", 0};
    char why[160];
    if (same_scalar(want, v))
        return DA_OK;
    (void)da_json_str(want, &s);
    (void)snprintf(why, sizeof why, "must be \"%.100s\"", s.p);
    return at(c, why);
}

static enum da_rc check_enum(struct check *c, const struct da_json *list,
                             const struct da_json *v)
{
    const struct da_json *e;
    for (e = da_json_first(list); e; e = da_json_next(e))
        if (same_scalar(e, v))
            return DA_OK;
    return at(c, "is not one of the allowed values");
}

static enum da_rc check_string(struct check *c, const char *key, const struct da_json *limit,
                               struct da_span s)
{
    int64_t n;
    size_t i;
    if (strcmp(key, "minLength") == 0) {
        if (da_json_int(limit, &n) && da_utf8_count(s.p, s.len) < (size_t)n)
            return at(c, n == 1 ? "must not be empty" : "is too short");
        return DA_OK;
    }
    for (i = 0; i < c->schema->n_patterns; i++)
        if (c->schema->patterns[i].at == limit &&
            regexec(&c->schema->patterns[i].re, s.p, 0, NULL, 0) != 0)
            return at(c, "does not have the required form");
    return DA_OK;
}

static enum da_rc check_number(struct check *c, const char *key, const struct da_json *limit,
                               double d)
{
    char why[80];
    double l;
    if (!da_json_double(limit, &l))
        return DA_OK;
    if (strcmp(key, "minimum") == 0 ? d >= l : d <= l)
        return DA_OK;
    (void)snprintf(why, sizeof why, "must be at %s %g", key[1] == 'i' ? "least" : "most", l);
    return at(c, why);
}

static enum da_rc check_array(struct check *c, const struct da_json *schema,
                              const struct da_json *v)
{
    const struct da_json *items = da_json_get(schema, "items"), *e;
    int64_t limit;
    size_t i = 0, n = da_json_len(v);
    if (da_json_int(da_json_get(schema, "minItems"), &limit) && n < (size_t)limit)
        return at(c, "has too few elements");
    if (da_json_int(da_json_get(schema, "maxItems"), &limit) && n > (size_t)limit)
        return at(c, "has too many elements");
    for (e = da_json_first(v); e && items; e = da_json_next(e), i++) {
        char index[24];
        enum da_rc rc;
        (void)snprintf(index, sizeof index, "%zu", i);
        rc = check_below(c, index, items, e);
        if (rc != DA_OK)
            return rc;
    }
    return DA_OK;
}

static enum da_rc check_object(struct check *c, const struct da_json *schema,
                               const struct da_json *v)
{
    const struct da_json *props = da_json_get(schema, "properties"), *m;
    const struct da_json *extra = da_json_get(schema, "additionalProperties");
    for (m = da_json_first(da_json_get(schema, "required")); m; m = da_json_next(m)) {
        struct da_span name;
        char why[128];
        if (!da_json_str(m, &name) || da_json_get(v, name.p))
            continue;
        (void)snprintf(why, sizeof why, "member '%.60s' is missing", name.p);
        return at(c, why);
    }
    for (m = da_json_first(v); m; m = da_json_next(m)) {
        const struct da_json *sub = da_json_get(props, da_json_key(m));
        bool allowed = true;
        enum da_rc rc = DA_OK;
        if (!sub)
            sub = extra;
        if (!sub)
            continue;
        if (da_json_bool(sub, &allowed) && !allowed) {
            char why[128];
            (void)snprintf(why, sizeof why, "member '%.60s' is not known", da_json_key(m));
            return at(c, why);
        }
        if (da_json_type(sub) == DA_JSON_OBJECT)
            rc = check_below(c, da_json_key(m), sub, m);
        if (rc != DA_OK)
            return rc;
    }
    return DA_OK;
}

static enum da_rc check_any_of(struct check *c, const struct da_json *list,
                               const struct da_json *v)
{
    const struct da_json *s;
    enum da_rc rc = DA_OK;
    for (s = da_json_first(list); s; s = da_json_next(s)) {
        rc = check_node(c, s, v);
        if (rc == DA_OK)
            return DA_OK;
    }
    return rc; /* the message of the last alternative */
}

static enum da_rc check_keyword(struct check *c, const struct da_json *keyword,
                                const struct da_json *v)
{
    const char *key = da_json_key(keyword);
    struct da_span s;
    double d;
    if (strcmp(key, "const") == 0)
        return check_const(c, keyword, v);
    if (strcmp(key, "enum") == 0)
        return check_enum(c, keyword, v);
    if (strcmp(key, "anyOf") == 0)
        return check_any_of(c, keyword, v);
    if ((strcmp(key, "minLength") == 0 || strcmp(key, "pattern") == 0) && da_json_str(v, &s))
        return check_string(c, key, keyword, s);
    if ((strcmp(key, "minimum") == 0 || strcmp(key, "maximum") == 0) && da_json_double(v, &d))
        return check_number(c, key, keyword, d);
    return DA_OK;
}

static enum da_rc check_node(struct check *c, const struct da_json *schema,
                             const struct da_json *v)
{
    const struct da_json *type = da_json_get(schema, "type"), *k;
    enum da_rc rc = type ? check_type(c, type, v) : DA_OK;
    for (k = da_json_first(schema); k && rc == DA_OK; k = da_json_next(k))
        rc = check_keyword(c, k, v);
    if (rc == DA_OK && da_json_type(v) == DA_JSON_ARRAY)
        rc = check_array(c, schema, v);
    if (rc == DA_OK && da_json_type(v) == DA_JSON_OBJECT)
        rc = check_object(c, schema, v);
    return rc;
}

enum da_rc da_schema_check(const struct da_schema *s, const struct da_json *value,
                           struct da_err *err)
{
    struct check c;
    memset(&c, 0, sizeof c);
    c.schema = s;
    c.err = err;
    return check_node(&c, s->root, value);
}
