/* Reading and repairing the annotator's reply: see the header. */

#include "annotate/reply.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"

const char da_reply_schema[] =
    "{\"type\":\"object\",\"properties\":{\"summary\":{\"type\":\"string\"},"
    "\"questions\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"question\":{\"type\":\"string\"},\"answer\":{\"type\":\"string\"}},"
    "\"required\":[\"summary\",\"questions\",\"question\",\"answer\"],"
    "\"additionalProperties\":false}";

/* --- local repair --------------------------------------------------------------- */

/* From the first '{' to the '}' that closes it, strings respected. False when there is no
 * such pair, or more than white space, a fence and prose without braces around it. */
static bool only_object(struct da_span s, struct da_span *object)
{
    size_t start = 0, i;
    int depth = 0;
    bool in_string = false;
    while (start < s.len && s.p[start] != '{')
        start++;
    for (i = start; i < s.len; i++) {
        char c = s.p[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{') {
            depth++;
        } else if (c == '}' && --depth == 0) {
            break;
        }
    }
    if (i >= s.len)
        return false;
    *object = da_span(s.p + start, i + 1 - start);
    for (i++; i < s.len; i++)
        if (s.p[i] == '{' || s.p[i] == '}') /* a second object: which one is meant? */
            return false;
    return true;
}

static bool closes_next(struct da_span s, size_t at)
{
    while (at < s.len && (s.p[at] == ' ' || s.p[at] == '\n' || s.p[at] == '\r' || s.p[at] == '\t'))
        at++;
    return at < s.len && (s.p[at] == '}' || s.p[at] == ']');
}

/* Escapes raw control characters in strings, drops commas before closing brackets. */
static void mend(struct da_span s, struct da_buf *out)
{
    bool in_string = false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (!in_string && c == ',' && closes_next(s, i + 1))
            continue;
        if (c == '"')
            in_string = !in_string;
        if (in_string && c == '\\' && i + 1 < s.len) {
            da_buf_add(out, s.p + i, 2);
            i++;
        } else if (in_string && c < 0x20) {
            da_buf_addf(out, "\\u%04x", c);
        } else {
            da_buf_add_char(out, (char)c);
        }
    }
}

static struct da_json *parse_leniently(struct da_span content, struct da_err *err)
{
    struct da_json *root = NULL;
    struct da_span object;
    struct da_buf mended;
    if (da_json_parse(content.p, content.len, &root, err) == DA_OK)
        return root;
    if (!only_object(content, &object))
        return NULL;
    da_buf_init(&mended, 0);
    mend(object, &mended);
    if (da_json_parse(mended.p, mended.len, &root, NULL))
        root = NULL;
    da_buf_release(&mended);
    return root;
}

/* --- validation ------------------------------------------------------------------ */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A copy on one line: runs of white space with a line break in them become one space. */
static struct da_span one_line(struct da_arena *arena, struct da_span s)
{
    s = da_span_trim(s);
    char *out = da_arena_strndup(arena, s.p, s.len);
    size_t n = 0;
    for (size_t i = 0; i < s.len;) {
        size_t end = i;
        bool breaks = false;
        for (; end < s.len && is_space(s.p[end]); end++)
            breaks = breaks || s.p[end] == '\n' || s.p[end] == '\r';
        if (breaks) {
            out[n++] = ' ';
            i = end;
        } else {
            out[n++] = s.p[i++];
        }
    }
    out[n] = 0;
    return da_span(out, n);
}

/* Without "1. ", "2) " or "- " in front. */
static struct da_span without_number(struct da_span s)
{
    size_t i = 0;
    s = da_span_trim(s);
    while (i < s.len && i < 2 && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    if (i > 0 && i < s.len && (s.p[i] == '.' || s.p[i] == ')') &&
        (i + 1 == s.len || s.p[i + 1] == ' '))
        return da_span_trim(da_span(s.p + i + 1, s.len - i - 1));
    if (da_span_starts(s, "- "))
        return da_span_trim(da_span(s.p + 2, s.len - 2));
    return s;
}

static bool get_text(const struct da_json *root, const char *key, struct da_arena *arena,
                     struct da_span *out, char *error)
{
    const struct da_json *v = da_json_get(root, key);
    struct da_span s;
    if (!v) {
        snprintf(error, DA_REPLY_ERROR_MAX, "the member \"%s\" is missing", key);
        return false;
    }
    if (!da_json_str(v, &s)) {
        snprintf(error, DA_REPLY_ERROR_MAX, "the member \"%s\" is not a string", key);
        return false;
    }
    *out = one_line(arena, s);
    if (out->len == 0)
        snprintf(error, DA_REPLY_ERROR_MAX, "the member \"%s\" is empty", key);
    return out->len > 0;
}

static bool get_questions(const struct da_json *root, struct da_arena *arena, struct da_answers *a,
                          char *error)
{
    const struct da_json *list = da_json_get(root, "questions");
    struct da_span s;
    a->n_qs = 0;
    if (!list || da_json_type(list) != DA_JSON_ARRAY) {
        snprintf(error, DA_REPLY_ERROR_MAX, "the member \"questions\" is not an array");
        return false;
    }
    const struct da_json *q = da_json_first(list);
    for (; q && a->n_qs < DA_REPLY_N_QUESTIONS; q = da_json_next(q)) {
        if (!da_json_str(q, &s) || without_number(s).len == 0)
            break;
        a->qs_response[a->n_qs++] = one_line(arena, without_number(s));
    }
    if (a->n_qs < DA_REPLY_N_QUESTIONS)
        snprintf(error, DA_REPLY_ERROR_MAX, "\"questions\" does not hold %d questions",
                 DA_REPLY_N_QUESTIONS);
    return a->n_qs == DA_REPLY_N_QUESTIONS;
}

bool da_reply_parse(struct da_span content, struct da_arena *arena, struct da_answers *answers,
                    char error[DA_REPLY_ERROR_MAX])
{
    struct da_err err = {DA_OK, ""};
    struct da_answers a = *answers;
    struct da_json *root = parse_leniently(content, &err);
    if (!root) {
        snprintf(error, DA_REPLY_ERROR_MAX, "it is not valid JSON (%.120s)", err.msg);
        return false;
    }
    bool ok = get_text(root, "summary", arena, &a.summ_response, error) &&
              get_questions(root, arena, &a, error) &&
              get_text(root, "question", arena, &a.qa_request, error) &&
              get_text(root, "answer", arena, &a.qa_response, error);
    if (ok)
        *answers = a;
    da_json_free(root);
    return ok;
}
