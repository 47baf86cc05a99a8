/* Fetching: redirects by hand, because libcurl's would not know where a token may go. */
#include "api/download.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/retry.h"
#include "common/clock.h"
#include "common/hash.h"
#include "common/io.h"
#include "common/mem.h"
#include "common/sha1.h"

enum {
    MAX_REDIRECTS = 8,
    MAX_TRIES = 5, /* without a byte of progress */
    STALL_MS = 60000,
    TEXT_TIMEOUT_MS = 120000,
    MAX_ERROR_BODY = 1 << 16,
    FIRST_PAUSE_MS = 1000,
    MAX_PAUSE_MS = 30000
};

static bool stopped(const struct da_fetch *f)
{
    return f->stop && *f->stop;
}

/* One exchange and those it is redirected to. reply's spans point into head and body. */
static enum da_rc follow(const struct da_fetch *f, const char *first, struct da_http_request *req,
                         struct da_buf *head, struct da_buf *body, struct da_http_reply *reply,
                         struct da_err *err)
{
    const size_t slot = req->headers[0] ? req->headers[1] ? 2 : 1 : 0;
    struct da_buf url, next, auth;
    enum da_rc rc = DA_OK;
    da_buf_init(&url, 0);
    da_buf_init(&next, 0);
    da_buf_init(&auth, 0);
    da_buf_add_str(&url, first);
    if (f->token && *f->token)
        da_buf_addf(&auth, "Authorization: Bearer %s", f->token);
    for (unsigned hop = 0;; hop++) {
        bool with_token = auth.len && da_http_same_origin(url.p, f->home);
        if ((rc = da_http_check_url(url.p, with_token, err)))
            break;
        req->url = url.p;
        req->headers[slot] = with_token ? auth.p : NULL;
        da_buf_reset(head);
        da_buf_reset(body);
        if ((rc = da_http_do(f->http, req, head, body, reply, err)))
            break;
        struct da_span to = da_http_header(reply, "Location");
        if (reply->failure || reply->status < 300 || reply->status > 399 || !to.len)
            break;
        if (hop == MAX_REDIRECTS) {
            rc = da_fail(err, DA_ESERVICE, "'%s': more than %d redirects", first, MAX_REDIRECTS);
            break;
        }
        char *ref = da_strndup(to.p, to.len);
        da_buf_reset(&next);
        rc = da_http_join(url.p, ref, &next, err);
        free(ref);
        if (!rc && strncasecmp(url.p, "https:", 6) == 0 && strncasecmp(next.p, "https:", 6) != 0)
            rc =
                da_fail(err, DA_ESERVICE, "'%s': redirected from https to '%.200s'", first, next.p);
        if (rc)
            break;
        da_buf_reset(&url);
        da_buf_add(&url, next.p, next.len);
    }
    da_buf_release(&url);
    da_buf_release(&next);
    memset(auth.p, 0, auth.len);
    da_buf_release(&auth);
    return rc;
}

/* Whether another try may help. */
static bool is_passing(const struct da_http_reply *r)
{
    if (r->failure)
        return r->failure != DA_HTTP_UNTRUSTED && r->failure != DA_HTTP_BAD_URL &&
               r->failure != DA_HTTP_TOO_LARGE;
    return r->status == 408 || r->status == 429 || r->status >= 500;
}

static enum da_rc failure(const char *url, const struct da_http_reply *r, struct da_err *err)
{
    if (r->failure)
        return da_fail(err, DA_ESERVICE, "'%s': %s", url, r->detail);
    switch (r->status) {
    case 401:
    case 403:
        return da_fail(err, DA_EAUTH,
                       "'%s': access refused (status %d); accept the model's terms on its page and "
                       "set HF_TOKEN",
                       url, r->status);
    case 404: return da_fail(err, DA_ENOTFOUND, "'%s': there is no such thing (status 404)", url);
    default: return da_fail(err, DA_ESERVICE, "'%s': status %d", url, r->status);
    }
}

static void pause_before(const struct da_fetch *f, const struct da_http_reply *r, unsigned tries)
{
    int64_t ms =
        r->failure ? -1 : da_retry_after_ms(r, da_clock_system()->unix_ms(da_clock_system()->ctx));
    if (ms < 0)
        ms = (int64_t)(f->retry_ms ? f->retry_ms : FIRST_PAUSE_MS) << (tries < 5 ? tries : 5);
    ms = ms > MAX_PAUSE_MS ? MAX_PAUSE_MS : ms;
    for (; ms > 0 && !stopped(f); ms -= 100)
        da_clock_system()->sleep_ns(da_clock_system()->ctx,
                                    (uint64_t)(ms < 100 ? ms : 100) * 1000000u);
}

enum da_rc da_fetch_text(const struct da_fetch *f, const char *url, const char *accept,
                         size_t max_bytes, struct da_buf *out, struct da_err *err)
{
    struct da_buf head, body, line;
    enum da_rc rc;
    da_buf_init(&head, 0);
    da_buf_init(&body, max_bytes);
    da_buf_init(&line, 0);
    da_buf_addf(&line, "Accept: %s", accept ? accept : "*/*");
    for (unsigned tries = 0;; tries++) {
        struct da_http_request req = {.method = "GET",
                                      .headers = {line.p},
                                      .timeout_ms = TEXT_TIMEOUT_MS,
                                      .max_reply_bytes = max_bytes};
        struct da_http_reply reply;
        if ((rc = follow(f, url, &req, &head, &body, &reply, err)))
            break;
        if (!reply.failure && reply.status == 200) {
            da_buf_add(out, reply.body.p, reply.body.len);
            break;
        }
        rc = stopped(f) ? da_fail(err, DA_EINTR, "interrupted") : failure(url, &reply, err);
        if (rc == DA_EINTR || !is_passing(&reply) || tries + 1 == MAX_TRIES)
            break;
        pause_before(f, &reply, tries);
    }
    da_buf_release(&head);
    da_buf_release(&body);
    da_buf_release(&line);
    return rc;
}

/* --- files ------------------------------------------------------------------------- */

struct part {
    const struct da_fetch *f;
    const struct da_fetch_file *file;
    char *path; /* PATH.part */
    int fd;
    uint64_t have, limit;
    bool begun; /* this exchange's first bytes were placed */
    struct da_err err;
    enum da_rc rc; /* an error that another try does not mend */
};

/* Where the server says that its bytes begin; 206 without the header begins where asked. */
static uint64_t range_start(struct da_span headers, uint64_t asked)
{
    const struct da_http_reply r = {.headers = headers};
    struct da_span v = da_http_header(&r, "Content-Range");
    uint64_t n = 0;
    size_t i = 6;
    if (!da_span_starts(v, "bytes "))
        return asked;
    for (; i < v.len && v.p[i] >= '0' && v.p[i] <= '9'; i++)
        n = n * 10 + (uint64_t)(v.p[i] - '0');
    return n;
}

static bool take_bytes(void *ctx, int status, struct da_span headers, const char *p, size_t n)
{
    struct part *t = ctx;
    if (stopped(t->f)) {
        t->rc = da_fail(&t->err, DA_EINTR, "interrupted; the same command continues");
        return false;
    }
    if (!t->begun) {
        uint64_t start = status == 206 ? range_start(headers, t->have) : 0;
        if (start > t->have || ftruncate(t->fd, (off_t)start) != 0) {
            t->rc = da_fail(&t->err, DA_EIO, "'%s': the server sent other bytes than asked",
                            t->file->url);
            return false;
        }
        t->have = start;
        t->begun = true;
    }
    if (n > t->limit - t->have) {
        t->rc = da_fail(&t->err, DA_EMISMATCH, "'%s': more than %" PRIu64 " bytes came",
                        t->file->url, t->limit);
        return false;
    }
    if ((t->rc = da_io_write_all(t->fd, p, n, t->path, &t->err)))
        return false;
    t->have += n;
    if (t->f->progress)
        t->f->progress(t->f->ctx, t->have, t->file->size);
    return true;
}

static enum da_rc fetch_once(struct part *t, struct da_http_reply *reply, struct da_err *err)
{
    struct da_buf head, body;
    char range[64];
    struct da_http_request req = {.method = "GET",
                                  .headers = {"Accept-Encoding: identity"},
                                  .stall_ms = STALL_MS,
                                  .max_reply_bytes = MAX_ERROR_BODY,
                                  .sink = take_bytes,
                                  .sink_ctx = t};
    if (t->have) {
        (void)snprintf(range, sizeof range, "Range: bytes=%" PRIu64 "-", t->have);
        req.headers[1] = range;
    }
    t->begun = false;
    da_buf_init(&head, 0);
    da_buf_init(&body, 0);
    enum da_rc rc = follow(t->f, t->file->url, &req, &head, &body, reply, err);
    reply->headers = reply->body = da_span("", 0); /* they die with the buffers */
    da_buf_release(&head);
    da_buf_release(&body);
    return rc;
}

static enum da_rc fetch_all(struct part *t, struct da_err *err)
{
    unsigned tries = 0;
    while (!t->file->size || t->have < t->file->size) {
        struct da_http_reply reply;
        const uint64_t before = t->have;
        enum da_rc rc = fetch_once(t, &reply, err);
        if (rc)
            return rc;
        if (t->rc) {
            if (err)
                *err = t->err;
            return t->rc;
        }
        if (!reply.failure && (reply.status == 200 || reply.status == 206))
            if (!t->file->size || t->have == t->file->size)
                return DA_OK;
        if (stopped(t->f))
            return da_fail(err, DA_EINTR, "interrupted; the same command continues");
        if (!reply.failure && reply.status == 416 && t->have) { /* what is there fits nothing */
            t->have = 0;
            if (ftruncate(t->fd, 0) != 0)
                return da_fail_errno(err, DA_EIO, errno, "cannot write '%s'", t->path);
        } else if (!is_passing(&reply) && reply.status != 200 && reply.status != 206) {
            return failure(t->file->url, &reply, err);
        }
        tries = t->have > before ? 0 : tries + 1;
        if (tries == MAX_TRIES) {
            if (reply.failure || (reply.status != 200 && reply.status != 206))
                return failure(t->file->url, &reply, err);
            return da_fail(err, DA_ESERVICE, "'%s': it ends after %" PRIu64 " of %" PRIu64 " bytes",
                           t->file->url, t->have, t->file->size);
        }
        pause_before(t->f, &reply, tries);
    }
    return DA_OK;
}

static enum da_rc check(const struct part *t, struct da_err *err)
{
    const struct da_fetch_file *file = t->file;
    char hex[DA_SHA256_HEX_LEN + 1], head[48];
    struct da_mapped m;
    enum da_rc rc;
    if (!file->sha256 && !file->git)
        return DA_OK;
    if ((rc = da_io_map(t->path, &m, err)))
        return rc;
    if (file->sha256) {
        da_sha256_hex(m.p, m.len, hex);
    } else {
        int n = snprintf(head, sizeof head, "blob %zu", m.len);
        da_sha1_hex(head, (size_t)n + 1, m.p, m.len, hex);
    }
    da_io_unmap(&m);
    const char *want = file->sha256 ? file->sha256 : file->git;
    if (strcasecmp(hex, want) == 0)
        return DA_OK;
    (void)unlink(t->path);
    return da_fail(err, DA_EMISMATCH,
                   "'%s': what came has the checksum %s, not %s; it was thrown away", file->url,
                   hex, want);
}

enum da_rc da_fetch_file(const struct da_fetch *f, const struct da_fetch_file *file,
                         struct da_err *err)
{
    struct part t = {.f = f, .file = file, .fd = -1};
    struct da_buf path;
    struct stat st;
    enum da_rc rc;
    if (stat(file->path, &st) == 0 && (!file->size || (uint64_t)st.st_size == file->size))
        return DA_OK;
    da_buf_init(&path, 0);
    da_buf_addf(&path, "%s.part", file->path);
    t.path = path.p;
    t.limit = file->size ? file->size : file->max_bytes;
    t.fd = open(t.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (t.fd < 0 || fstat(t.fd, &st) != 0) {
        rc = da_fail_errno(err, DA_EIO, errno, "cannot write '%s'", t.path);
        goto out;
    }
    t.have = (uint64_t)st.st_size;
    if (t.have > t.limit) {
        t.have = 0;
        if (ftruncate(t.fd, 0) != 0) {
            rc = da_fail_errno(err, DA_EIO, errno, "cannot write '%s'", t.path);
            goto out;
        }
    }
    if ((rc = fetch_all(&t, err)) || (rc = check(&t, err)))
        goto out;
    if (fsync(t.fd) != 0 || rename(t.path, file->path) != 0)
        rc = da_fail_errno(err, DA_EIO, errno, "cannot write '%s'", file->path);
    else
        rc = da_io_sync_dir_of(file->path, err);
out:
    if (t.fd >= 0)
        (void)close(t.fd);
    da_buf_release(&path);
    return rc;
}
