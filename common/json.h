#ifndef COMMON_JSON_H
#define COMMON_JSON_H

/*
 * JSON (RFC 8259). The only module that uses cJSON, and the only one that prints
 * or parses floating-point numbers.
 *
 * Reading is strict: valid UTF-8, no U+0000 and no lone surrogate in strings, no
 * duplicate keys, nesting up to DA_JSON_MAX_DEPTH, nothing after the value.
 * Integers beyond 2^53 keep their digits. Keys are compared exactly.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/span.h"

enum { DA_JSON_MAX_DEPTH = 64 };

struct da_json; /* a node of a parsed tree; nodes belong to their root */

enum da_json_type {
    DA_JSON_NULL,
    DA_JSON_BOOL,
    DA_JSON_NUMBER,
    DA_JSON_STRING,
    DA_JSON_ARRAY,
    DA_JSON_OBJECT
};

/* Parses one value; errors name the byte offset. Free the root with da_json_free. */
enum da_rc da_json_parse(const char *p, size_t len, struct da_json **ret, struct da_err *err);
void da_json_free(struct da_json *root);

enum da_json_type da_json_type(const struct da_json *j);
const char *da_json_type_name(enum da_json_type t);

/* Members and elements in the order of the text; NULL at the end or when absent. j may be NULL. */
const struct da_json *da_json_get(const struct da_json *j, const char *key);
const struct da_json *da_json_at(const struct da_json *j, size_t i); /* O(i) */
const struct da_json *da_json_first(const struct da_json *j);
const struct da_json *da_json_next(const struct da_json *j);
const char *da_json_key(const struct da_json *j); /* NULL for elements and roots */
size_t da_json_len(const struct da_json *j);      /* members or elements, else 0 */

/* Values; false when j is NULL or of another type (an integer outside its range, too). */
bool da_json_bool(const struct da_json *j, bool *out);
bool da_json_int(const struct da_json *j, int64_t *out); /* only numbers without a fraction */
bool da_json_double(const struct da_json *j, double *out);
bool da_json_str(const struct da_json *j, struct da_span *out); /* also NUL-terminated */

/* The string under key, or DA_EFORMAT "member 'key' is missing" / "is not a string". */
enum da_rc da_json_need_str(const struct da_json *j, const char *key, struct da_span *out,
                            struct da_err *err);

/*
 * Writing: a writer appends to a buffer and puts commas and colons where they
 * belong. Misuse (a key in an array, an unclosed object) is a programmer's error
 * and asserted. The text is compact, on one line.
 */
struct da_jw {
    struct da_buf *out;
    unsigned depth;
    bool need_comma;
    bool after_key;
    bool is_array[DA_JSON_MAX_DEPTH + 1];
};

void da_jw_init(struct da_jw *w, struct da_buf *out);
void da_jw_object(struct da_jw *w);
void da_jw_array(struct da_jw *w);
void da_jw_end(struct da_jw *w); /* closes the innermost object or array */
void da_jw_key(struct da_jw *w, const char *key);
void da_jw_null(struct da_jw *w);
void da_jw_bool(struct da_jw *w, bool v);
void da_jw_int(struct da_jw *w, int64_t v);
void da_jw_uint(struct da_jw *w, uint64_t v);
/* Shortest text that reads back to the same double; not finite becomes null. */
void da_jw_double(struct da_jw *w, double v);
/* The fewest digits that give the same float back; null when not finite. */
void da_jw_float(struct da_jw *w, float v);
/* As Python prints it with "%.*f"; for values whose digits are part of a format. */
void da_jw_fixed(struct da_jw *w, double v, int decimals);
void da_jw_str(struct da_jw *w, const char *p, size_t len); /* valid UTF-8 */
void da_jw_cstr(struct da_jw *w, const char *s);            /* NULL writes null */
void da_jw_span(struct da_jw *w, struct da_span s);
void da_jw_raw(struct da_jw *w, const char *p, size_t len); /* one JSON value, trusted */
void da_jw_value(struct da_jw *w, const struct da_json *j); /* NULL writes null */

/* key and value in one call */
void da_jw_kstr(struct da_jw *w, const char *key, struct da_span v);
void da_jw_kcstr(struct da_jw *w, const char *key, const char *v);
void da_jw_kint(struct da_jw *w, const char *key, int64_t v);
void da_jw_kdouble(struct da_jw *w, const char *key, double v);
void da_jw_kbool(struct da_jw *w, const char *key, bool v);
void da_jw_kvalue(struct da_jw *w, const char *key, const struct da_json *v);

/* Locale-free numbers. */
void da_buf_add_double(struct da_buf *b, double v); /* shortest form that reads back */
/* Whole text must be one finite JSON number. */
bool da_parse_double(const char *p, size_t len, double *out);
bool da_parse_int(const char *p, size_t len, int64_t *out);

#endif
