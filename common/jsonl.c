/* JSON Lines reader: a window over the file that grows to hold one whole line. */

#include "common/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"

enum { READ_CHUNK = 1 << 16 };

struct da_jsonl {
    char *name;
    int fd;
    struct da_buf buf; /* bytes read and not yet thrown away */
    size_t pos;        /* start of the unread part of buf */
    uint64_t line;
    bool eof;
};

enum da_rc da_jsonl_open(struct da_jsonl **ret, const char *path, struct da_err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct da_jsonl *r;
    if (fd < 0)
        return da_fail_errno(err, errno == ENOENT ? DA_ENOTFOUND : DA_EIO, errno,
                             "cannot open '%s'", path);
    r = da_calloc(1, sizeof *r);
    r->name = da_strdup(is_stdin ? "<stdin>" : path);
    r->fd = fd;
    da_buf_init(&r->buf, DA_JSONL_MAX_LINE + 2 * READ_CHUNK);
    *ret = r;
    return DA_OK;
}

void da_jsonl_close(struct da_jsonl *r)
{
    if (!r)
        return;
    if (r->fd != STDIN_FILENO)
        (void)close(r->fd);
    da_buf_release(&r->buf);
    free(r->name);
    free(r);
}

/* Reads more behind what is there; sets eof at the end. */
static enum da_rc fill(struct da_jsonl *r, struct da_err *err)
{
    if (r->pos) {
        size_t left = r->buf.len - r->pos;
        memmove(r->buf.p, r->buf.p + r->pos, left);
        da_buf_truncate(&r->buf, left);
        r->pos = 0;
    }
    for (;;) {
        char *to = da_buf_reserve(&r->buf, READ_CHUNK);
        ssize_t n;
        if (!to)
            return da_fail(err, DA_ELIMIT, "%s:%llu: line is longer than %zu bytes", r->name,
                           (unsigned long long)r->line + 1, DA_JSONL_MAX_LINE);
        n = read(r->fd, to, READ_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return da_fail_errno(err, DA_EIO, errno, "cannot read '%s'", r->name);
        r->buf.len += (size_t)n;
        r->buf.p[r->buf.len] = 0;
        r->eof = n == 0;
        return DA_OK;
    }
}

/* The next line without its end, empty ones included; false in *have at the end. */
static enum da_rc take_line(struct da_jsonl *r, struct da_span *line, bool *have,
                            struct da_err *err)
{
    size_t scanned = 0;
    for (;;) {
        const char *start = r->buf.p + r->pos;
        size_t len = r->buf.len - r->pos;
        const char *nl = memchr(start + scanned, '\n', len - scanned);
        enum da_rc rc;
        if (nl || r->eof) {
            *have = nl || len;
            *line = da_span(start, nl ? (size_t)(nl - start) : len);
            r->pos += line->len + (nl != NULL);
            if (*have)
                r->line++;
            if (line->len > DA_JSONL_MAX_LINE)
                return da_fail(err, DA_ELIMIT, "%s:%llu: line is longer than %zu bytes", r->name,
                               (unsigned long long)r->line, DA_JSONL_MAX_LINE);
            return DA_OK;
        }
        scanned = len;
        rc = fill(r, err);
        if (rc != DA_OK)
            return rc;
    }
}

enum da_rc da_jsonl_next_line(struct da_jsonl *r, struct da_span *line, struct da_err *err)
{
    for (;;) {
        bool have;
        enum da_rc rc = take_line(r, line, &have, err);
        if (rc != DA_OK)
            return rc;
        if (!have) {
            *line = da_span("", 0);
            return DA_OK;
        }
        if (r->line == 1 && da_span_starts(*line, "\xEF\xBB\xBF"))
            *line = da_span(line->p + 3, line->len - 3);
        if (da_span_trim(*line).len) {
            *line = da_span_trim(*line);
            return DA_OK;
        }
    }
}

enum da_rc da_jsonl_next(struct da_jsonl *r, struct da_json **ret, struct da_err *err)
{
    struct da_span line;
    enum da_rc rc = da_jsonl_next_line(r, &line, err);
    if (rc != DA_OK)
        return rc;
    if (line.len == 0) {
        *ret = NULL;
        return DA_OK;
    }
    rc = da_json_parse(line.p, line.len, ret, err);
    return rc == DA_OK ? rc : da_err_context(err, rc, "%s:%llu", r->name,
                                             (unsigned long long)r->line);
}

uint64_t da_jsonl_line_number(const struct da_jsonl *r)
{
    return r->line;
}

const char *da_jsonl_name(const struct da_jsonl *r)
{
    return r->name;
}

enum da_rc da_jsonl_fail(const struct da_jsonl *r, struct da_err *err)
{
    return da_err_context(err, err ? err->code : DA_EFORMAT, "%s:%llu", r->name,
                          (unsigned long long)r->line);
}
