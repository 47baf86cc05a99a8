#include "eval/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/utf8.h"

enum { CHUNK = 1 << 18 };

struct da_lines {
    char *name;
    int fd;
    size_t max;
    uint64_t number;
    char *buf; /* [cap]: unread bytes are [from, to) */
    size_t from, to, cap;
    bool eof;
};

enum da_rc da_lines_open(struct da_lines **ret, const char *path, size_t max_line_bytes,
                         struct da_err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? 0 : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return da_fail_errno(err, DA_EIO, errno, "cannot open '%s'", path);
    struct da_lines *l = da_calloc(1, sizeof *l);
    l->name = da_strdup(is_stdin ? "<stdin>" : path);
    l->fd = fd;
    l->max = max_line_bytes;
    l->cap = CHUNK;
    l->buf = da_malloc(l->cap);
    *ret = l;
    return DA_OK;
}

void da_lines_close(struct da_lines *l)
{
    if (!l)
        return;
    if (l->fd > 0)
        (void)close(l->fd);
    free(l->name);
    free(l->buf);
    free(l);
}

uint64_t da_lines_number(const struct da_lines *l)
{
    return l->number;
}

const char *da_lines_name(const struct da_lines *l)
{
    return l->name;
}

/* Reads more behind what is unread, which moves to the front. */
static enum da_rc fill(struct da_lines *l, struct da_err *err)
{
    if (l->from > 0) {
        memmove(l->buf, l->buf + l->from, l->to - l->from);
        l->to -= l->from;
        l->from = 0;
    }
    if (l->to == l->cap) {
        l->cap *= 2;
        l->buf = da_realloc_array(l->buf, l->cap, 1);
    }
    ssize_t n;
    do
        n = read(l->fd, l->buf + l->to, l->cap - l->to);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return da_fail_errno(err, DA_EIO, errno, "cannot read '%s'", l->name);
    l->eof = n == 0;
    l->to += (size_t)n;
    return DA_OK;
}

/* True when all bytes are below 0x80: most lines, told eight bytes at a time. */
static bool is_ascii(const char *p, size_t n)
{
    uint64_t any = 0, x;

    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&x, p, 8);
        any |= x;
    }
    for (; n > 0; p++, n--)
        any |= (uint64_t)(unsigned char)*p << 56 | (unsigned char)*p;
    return (any & 0x8080808080808080u) == 0;
}

static enum da_rc check(const struct da_lines *l, struct da_span line, struct da_err *err)
{
    if (line.len > l->max)
        return da_fail(err, DA_ELIMIT, "%s:%" PRIu64 ": the line is longer than %zu bytes",
                       l->name, l->number, l->max);
    if (is_ascii(line.p, line.len))
        return DA_OK;
    size_t ok = da_utf8_valid_len(line.p, line.len);
    if (ok < line.len)
        return da_fail(err, DA_EFORMAT, "%s:%" PRIu64 ": invalid UTF-8 at byte %zu", l->name,
                       l->number, ok + 1);
    return DA_OK;
}

enum da_rc da_lines_next(struct da_lines *l, struct da_span *line, bool *got, struct da_err *err)
{
    size_t seen = 0;
    const char *end = NULL;

    for (;;) {
        end = memchr(l->buf + l->from + seen, '\n', l->to - l->from - seen);
        if (end || l->eof)
            break;
        seen = l->to - l->from;
        if (seen > l->max + 1) {
            l->number++;
            return check(l, da_span(l->buf + l->from, seen), err);
        }
        enum da_rc rc = fill(l, err);
        if (rc != DA_OK)
            return rc;
    }
    *got = end || l->from < l->to;
    if (!*got)
        return DA_OK;
    *line = da_span(l->buf + l->from, end ? (size_t)(end - l->buf) - l->from : l->to - l->from);
    l->from = end ? (size_t)(end - l->buf) + 1 : l->to;
    l->number++;
    if (end && line->len > 0 && line->p[line->len - 1] == '\r')
        line->len--;
    return check(l, *line, err);
}
