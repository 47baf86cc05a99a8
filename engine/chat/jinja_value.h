#ifndef ENGINE_CHAT_JINJA_VALUE_H
#define ENGINE_CHAT_JINJA_VALUE_H

/* Values of a template: Python's, as far as templates can tell. All memory is the arena's. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/json.h"
#include "common/span.h"

enum da_jtype {
    DA_J_UNDEFINED, /* s: the name that is undefined, for messages */
    DA_J_NONE,
    DA_J_BOOL,
    DA_J_INT,
    DA_J_FLOAT,
    DA_J_STR,
    DA_J_LIST,
    DA_J_TUPLE,
    DA_J_DICT,
    DA_J_NAMESPACE, /* dict: its members, which may change */
    DA_J_MACRO,
    DA_J_FUNCTION, /* i: enum da_jfunction */
    DA_J_LOOP
};

enum { DA_J_MAX_NESTING = 200 };

struct da_jval {
    uint16_t type;  /* enum da_jtype */
    uint16_t depth; /* of lists, tuples and dicts inside each other; others 0 */
    uint32_t n;     /* elements of a list or tuple */
    /* What comparing or printing it costs at most, in values of a few bytes: its parts count as often
     * as they stand in it, also when they are the same in memory. Stops at UINT32_MAX. */
    uint32_t weight;
    union {
        bool b;
        int64_t i;
        double d;
        struct da_span s;
        const struct da_jval *items;
        struct da_jdict *dict;
        const struct da_jmacro *macro;
        struct da_jloop *loop;
    } u;
};

struct da_jpair {
    struct da_jval key, value;
};

struct da_jdict {
    struct da_jpair *pairs; /* in order of insertion */
    size_t n, cap;
    uint16_t depth;  /* of the deepest value */
    uint32_t weight; /* of all keys and values that were put */
};

struct da_jval da_j_undefined(struct da_span name);
struct da_jval da_j_none(void);
struct da_jval da_j_bool(bool b);
struct da_jval da_j_int(int64_t i);
struct da_jval da_j_float(double d);
struct da_jval da_j_str(struct da_span s);
struct da_jval da_j_list(const struct da_jval *items, size_t n);
struct da_jval da_j_tuple(const struct da_jval *items, size_t n);
struct da_jval da_j_dict(struct da_jdict *dict);

/* A deep copy of a JSON value; strings stay in the JSON tree. A whole number is an integer, also
 * when it is written 1.0. */
struct da_jval da_j_from_json(struct da_arena *a, const struct da_json *j);

struct da_jdict *da_jdict_new(struct da_arena *a);
/* The value under key, or NULL. */
struct da_jval *da_jdict_find(const struct da_jdict *d, const struct da_jval *key);
void da_jdict_put(struct da_arena *a, struct da_jdict *d, struct da_jval key,
                  struct da_jval value);

bool da_j_truth(const struct da_jval *v);
bool da_j_equal(const struct da_jval *a, const struct da_jval *b);
bool da_j_is_number(const struct da_jval *v); /* bool counts, as in Python */
double da_j_number(const struct da_jval *v);
/* Sets *order to <0, 0, >0; false when the two cannot be ordered. */
bool da_j_compare(const struct da_jval *a, const struct da_jval *b, int *order);
/* "str", "int", "NoneType", ... */
const char *da_j_type_name(const struct da_jval *v);

/* Appends str(v), repr(v); stops where the buffer overflows. */
void da_j_print(struct da_buf *out, const struct da_jval *v);
void da_j_repr(struct da_buf *out, const struct da_jval *v);
/* Appends json.dumps(v, ensure_ascii=False, indent, sort_keys); indent < 0: on one line. False when
 * a value has no JSON. */
bool da_j_dump_json(struct da_buf *out, const struct da_jval *v, int indent, bool sort_keys);

#endif
