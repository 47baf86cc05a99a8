/* Views of bytes: see span.h. */

#include "common/span.h"

static bool is_ascii_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct da_span da_span_trim(struct da_span s)
{
    while (s.len && is_ascii_space(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len && is_ascii_space(s.p[s.len - 1]))
        s.len--;
    return s;
}

bool da_span_split(struct da_span *rest, char sep, struct da_span *piece)
{
    const char *at;
    if (rest->len == 0)
        return false;
    at = memchr(rest->p, sep, rest->len);
    if (!at) {
        *piece = *rest;
        rest->p += rest->len;
        rest->len = 0;
        return true;
    }
    *piece = da_span(rest->p, (size_t)(at - rest->p));
    rest->p = at + 1;
    rest->len -= piece->len + 1;
    return true;
}

size_t da_span_find(struct da_span s, struct da_span needle)
{
    size_t i;
    if (needle.len == 0)
        return 0;
    if (needle.len > s.len)
        return s.len;
    for (i = 0; i <= s.len - needle.len; i++) {
        const char *at = memchr(s.p + i, needle.p[0], s.len - needle.len - i + 1);
        if (!at)
            return s.len;
        i = (size_t)(at - s.p);
        if (memcmp(at, needle.p, needle.len) == 0)
            return i;
    }
    return s.len;
}
