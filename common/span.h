#ifndef COMMON_SPAN_H
#define COMMON_SPAN_H

/* A view of bytes owned by somebody else. May hold NUL bytes. */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct da_span {
    const char *p;
    size_t len;
};

static inline struct da_span da_span(const char *p, size_t len)
{
    struct da_span s = {p, len};
    return s;
}

static inline struct da_span da_span_str(const char *s)
{
    return da_span(s, strlen(s));
}

static inline bool da_span_eq(struct da_span a, struct da_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool da_span_is(struct da_span a, const char *s)
{
    return da_span_eq(a, da_span_str(s));
}

static inline bool da_span_starts(struct da_span a, const char *s)
{
    size_t n = strlen(s);
    return a.len >= n && memcmp(a.p, s, n) == 0;
}

/* Without ASCII white space (space, \t \n \v \f \r) at both ends. */
struct da_span da_span_trim(struct da_span s);

/* Takes the text up to sep (not included) off *rest; false when *rest is used up.
 * The last piece may be empty only if *rest was not empty. */
bool da_span_split(struct da_span *rest, char sep, struct da_span *piece);

/* Offset of needle in s, or s.len when it is not there. */
size_t da_span_find(struct da_span s, struct da_span needle);

#endif
