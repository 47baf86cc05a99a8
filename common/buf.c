/* Growing byte buffer: see buf.h. */

#include "common/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* What `p` points to before the first allocation; never written because cap is 0. */
static char empty[1];

void da_buf_init(struct da_buf *b, size_t max)
{
    b->p = empty;
    b->len = 0;
    b->cap = 0;
    b->max = max ? max : DA_BUF_DEFAULT_MAX;
    b->overflow = false;
}

void da_buf_release(struct da_buf *b)
{
    if (b->cap)
        free(b->p);
    da_buf_init(b, b->max);
}

void da_buf_reset(struct da_buf *b)
{
    b->len = 0;
    b->overflow = false;
    if (b->cap)
        b->p[0] = 0;
}

char *da_buf_reserve(struct da_buf *b, size_t len)
{
    if (len > b->max - b->len) {
        b->overflow = true;
        return NULL;
    }
    if (b->cap - b->len < len + 1 || b->cap == 0) {
        size_t cap = da_grow_cap(b->cap, b->len + len + 1);
        char *p = b->cap ? b->p : NULL;
        if (cap < 64)
            cap = 64;
        b->p = da_realloc_array(p, cap, 1);
        b->cap = cap;
        b->p[b->len] = 0;
    }
    return b->p + b->len;
}

void da_buf_add(struct da_buf *b, const void *p, size_t len)
{
    char *to;
    if (len == 0)
        return;
    to = da_buf_reserve(b, len);
    if (!to)
        return;
    memcpy(to, p, len);
    b->len += len;
    b->p[b->len] = 0;
}

void da_buf_add_str(struct da_buf *b, const char *s)
{
    da_buf_add(b, s, strlen(s));
}

void da_buf_add_char(struct da_buf *b, char c)
{
    da_buf_add(b, &c, 1);
}

void da_buf_addf(struct da_buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;
    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(n >= 0);
    if (!da_buf_reserve(b, (size_t)n))
        return;
    va_start(ap, fmt);
    (void)vsnprintf(b->p + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

void da_buf_insert(struct da_buf *b, size_t at, const void *p, size_t len)
{
    assert(at <= b->len);
    if (len == 0 || !da_buf_reserve(b, len))
        return;
    memmove(b->p + at + len, b->p + at, b->len - at + 1);
    memcpy(b->p + at, p, len);
    b->len += len;
}

void da_buf_truncate(struct da_buf *b, size_t len)
{
    assert(len <= b->len);
    b->len = len;
    if (b->cap)
        b->p[len] = 0;
}

char *da_buf_take(struct da_buf *b, size_t *len)
{
    char *p = b->cap ? b->p : da_strdup("");
    if (len)
        *len = b->len;
    da_buf_init(b, b->max);
    return p;
}

enum da_rc da_buf_check(const struct da_buf *b, const char *what, struct da_err *err)
{
    if (!b->overflow)
        return DA_OK;
    return da_fail(err, DA_ELIMIT, "%s is larger than %zu bytes", what, b->max);
}
