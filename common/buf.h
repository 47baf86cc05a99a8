#ifndef COMMON_BUF_H
#define COMMON_BUF_H

/*
 * A growing byte buffer with a stated maximum.
 *
 * `p` is never NULL and always followed by a NUL byte that `len` does not
 * count. An addition that would pass `max` adds nothing and sets `overflow`,
 * which stays set until reset: code may add freely and check once at the end
 * with da_buf_check. Contents may hold any byte.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/attr.h"
#include "common/err.h"

#define DA_BUF_DEFAULT_MAX ((size_t)1 << 30) /* 1 GiB: larger than any record we accept */

struct da_buf {
    char *p;
    size_t len;
    size_t cap;
    size_t max;
    bool overflow;
};

void da_buf_init(struct da_buf *b, size_t max); /* max 0: DA_BUF_DEFAULT_MAX; allocates nothing */
void da_buf_release(struct da_buf *b);          /* back to the state after init */
void da_buf_reset(struct da_buf *b);            /* empty, memory kept */

void da_buf_add(struct da_buf *b, const void *p, size_t len);
void da_buf_add_str(struct da_buf *b, const char *s);
void da_buf_add_char(struct da_buf *b, char c);
void da_buf_addf(struct da_buf *b, const char *fmt, ...) DA_PRINTF(2, 3);
/* Puts len bytes before offset at (<= b->len); p must not point into b. */
void da_buf_insert(struct da_buf *b, size_t at, const void *p, size_t len);
void da_buf_truncate(struct da_buf *b, size_t len); /* len <= b->len */

/* Room for len more bytes at b->p + b->len, or NULL (and overflow set) when max forbids it.
 * After writing k of them the caller adds k to b->len and sets b->p[b->len] = 0. */
char *da_buf_reserve(struct da_buf *b, size_t len);

/* Ownership of the NUL-terminated bytes moves to the caller (free()); b is as after init. */
char *da_buf_take(struct da_buf *b, size_t *len);

/* DA_ELIMIT "<what> is larger than <max> bytes" if an addition was refused. */
enum da_rc da_buf_check(const struct da_buf *b, const char *what, struct da_err *err);

#endif
