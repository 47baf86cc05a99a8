/*
 * See helper.h. Two channels to the helper:
 *   control  a socket that lives as long as the helper: HELLO, REQUEST, END. Only the warm
 *            parent process of the helper, which never parses documents, holds its other end.
 *   reply    a socket per document whose other end only the child holds: META, TEXT, STATUS.
 * A child that writes rubbish or dies in the middle of a frame therefore spoils its own reply
 * and nothing after it.
 */

#include "ingest/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/io.h"
#include "common/json.h"
#include "common/mem.h"
#include "ingest/frame.h"

enum { HELLO_TIMEOUT_MS = 30000, READ_CHUNK = 65536 };
/* A child's own alarm rings at wall_s; when nothing has come this much later, it cannot hear it. */
enum { GRACE_S = 5 };
/* The kernel may end a helper when memory is short: the document is tried again. */
enum { MAX_ENDED = 2 };

struct da_helper {
    char *path;
    bool sandbox;
    bool reads_pdf;    /* the running one has become docassist-extract-pdf */
    pid_t pid;
    int control;       /* -1 when no helper runs */
    struct da_buf in;  /* bytes of the control socket not yet taken */
    struct da_buf out; /* scratch for a request */
    char features[256];
};

/* Ends it, and its child with it. SIGKILL, because a process that is stopped hears nothing else. */
static void stop(struct da_helper *h)
{
    if (h->control >= 0)
        (void)close(h->control);
    h->control = -1;
    if (h->pid > 0) {
        (void)kill(h->pid, SIGKILL);
        while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    h->pid = 0;
    h->reads_pdf = false;
    da_buf_reset(&h->in);
}

/* Runs the program with fd as its standard input and nothing of our environment. Symbols of
 * libraries are bound at its start, once, not by each of its children again. */
static enum da_rc spawn(const char *path, int fd, bool sandbox, pid_t *pid, struct da_err *err)
{
    char *argv[] = {(char *)path, (char *)(sandbox ? "--sandbox=on" : "--sandbox=off"), NULL};
    char *envp[] = {(char *)"PATH=/usr/bin:/bin", (char *)"LC_ALL=C.UTF-8",
                    (char *)"OMP_THREAD_LIMIT=1", (char *)"LD_BIND_NOW=1", NULL};
    posix_spawn_file_actions_t fa;
    (void)posix_spawn_file_actions_init(&fa);
    (void)posix_spawn_file_actions_adddup2(&fa, fd, STDIN_FILENO);
    int e = posix_spawn(pid, path, &fa, NULL, argv, envp);
    (void)posix_spawn_file_actions_destroy(&fa);
    return e == 0 ? DA_OK : da_fail_errno(err, DA_EIO, e, "cannot start '%s'", path);
}

static uint64_t deadline_after(int64_t ms)
{
    return da_now_ns(da_clock_system()) + (uint64_t)ms * 1000000u;
}

/* Milliseconds until the deadline, at most a second; 0: it has passed. */
static int wait_ms(uint64_t deadline)
{
    uint64_t now = da_now_ns(da_clock_system());
    if (now >= deadline)
        return 0;
    uint64_t ms = (deadline - now) / 1000000u + 1;
    return ms < 1000 ? (int)ms : 1000;
}

/* Waits until the control socket has a whole frame. *late: it had none at the deadline. */
static enum da_rc read_control(struct da_helper *h, struct da_frame *f, uint64_t deadline,
                               bool *late, struct da_err *err)
{
    *late = false;
    for (;;) {
        struct da_span rest = da_span(h->in.p, h->in.len);
        enum da_rc rc = da_frame_next(&rest, f, err);
        if (rc != DA_OK || f->type != DA_FRAME_NONE)
            return rc;
        struct pollfd p = {.fd = h->control, .events = POLLIN};
        int ms = wait_ms(deadline);
        *late = ms == 0;
        if (*late)
            return da_fail(err, DA_EIO, "helper '%s' does not answer", h->path);
        if (poll(&p, 1, ms) <= 0)
            continue;
        char *to = da_buf_reserve(&h->in, 4096);
        ssize_t got = to != NULL ? read(h->control, to, 4096) : -1;
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return da_fail(err, DA_EIO, "helper '%s' ended", h->path);
        h->in.len += (size_t)got;
        h->in.p[h->in.len] = 0;
    }
}

/* Drops the frame that read_control found. */
static void drop_control(struct da_helper *h, const struct da_frame *f)
{
    size_t used = DA_FRAME_HEAD_LEN + f->payload.len;
    memmove(h->in.p, h->in.p + used, h->in.len - used);
    da_buf_truncate(&h->in, h->in.len - used);
}

static enum da_rc read_hello(struct da_helper *h, struct da_err *err)
{
    struct da_frame f;
    bool late;
    enum da_rc rc = read_control(h, &f, deadline_after(HELLO_TIMEOUT_MS), &late, err);
    if (rc != DA_OK)
        return rc;
    if (f.type != DA_FRAME_HELLO)
        return da_fail(err, DA_EFORMAT, "helper '%s' does not say hello", h->path);
    struct da_span rest = f.payload, key, value;
    bool bad = false, has_sandbox = false;
    while (da_pair_next(&rest, &key, &value, &bad)) {
        if (da_span_is(key, "features"))
            (void)snprintf(h->features, sizeof h->features, "%s", value.p);
        if (da_span_is(key, "sandbox"))
            has_sandbox = da_span_is(value, "1");
    }
    drop_control(h, &f);
    if (h->sandbox && !has_sandbox)
        return da_fail(err, DA_EUNSUPPORTED,
                       "no sandbox for document parsers on this kernel or in this build "
                       "(seccomp); --sandbox=off reads documents without one");
    return DA_OK;
}

static enum da_rc start(struct da_helper *h, struct da_err *err)
{
    if (access(h->path, X_OK) != 0)
        return da_fail_errno(err, DA_ENOTFOUND, errno, "helper program '%s'", h->path);
    int sv[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) != 0)
        return da_fail_errno(err, DA_EIO, errno, "cannot make a socket for the helper");
    enum da_rc rc = spawn(h->path, sv[1], h->sandbox, &h->pid, err);
    (void)close(sv[1]);
    if (rc != DA_OK) {
        h->pid = 0;
        (void)close(sv[0]);
        return rc;
    }
    h->control = sv[0];
    rc = read_hello(h, err);
    if (rc != DA_OK)
        stop(h);
    return rc;
}

enum da_rc da_helper_open(struct da_helper **ret, const char *path, bool sandbox,
                          struct da_err *err)
{
    struct da_helper *h = da_calloc(1, sizeof *h);
    h->path = da_strdup(path);
    h->sandbox = sandbox;
    h->control = -1;
    da_buf_init(&h->in, 2 * DA_FRAME_MAX_PAYLOAD);
    da_buf_init(&h->out, 2 * DA_FRAME_MAX_PAYLOAD);
    enum da_rc rc = start(h, err);
    if (rc != DA_OK) {
        da_helper_close(h);
        return rc;
    }
    *ret = h;
    return DA_OK;
}

void da_helper_close(struct da_helper *h)
{
    if (h == NULL)
        return;
    stop(h);
    da_buf_release(&h->in);
    da_buf_release(&h->out);
    free(h->path);
    free(h);
}

const char *da_helper_features(const struct da_helper *h)
{
    return h->features;
}

/* Sends the request with the document and the reply socket. */
static enum da_rc send_request(struct da_helper *h, int doc, int reply,
                               const struct da_request *req, struct da_err *err)
{
    struct da_buf pairs;
    da_buf_init(&pairs, DA_FRAME_MAX_PAYLOAD);
    da_request_write(req, &pairs);
    da_buf_reset(&h->out);
    da_frame_add(&h->out, DA_FRAME_REQUEST, pairs.p, pairs.len);
    da_buf_release(&pairs);

    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } ctl;
    memset(&ctl, 0, sizeof ctl);
    struct iovec iov = {.iov_base = h->out.p, .iov_len = h->out.len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl.bytes,
                         .msg_controllen = sizeof ctl.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(2 * sizeof(int));
    int fds[2] = {doc, reply};
    memcpy(CMSG_DATA(c), fds, sizeof fds);
    ssize_t n;
    do
        n = sendmsg(h->control, &msg, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    for (size_t at = n > 0 ? (size_t)n : 0; n > 0 && at < h->out.len; at += (size_t)n) {
        n = send(h->control, h->out.p + at, h->out.len - at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            n = 0;
    }
    if (n <= 0)
        return da_fail_errno(err, DA_EIO, errno, "cannot write to helper '%s'", h->path);
    return DA_OK;
}

/* Reads the child's frames until it closes its end. *late: it had not at the deadline. A child that
 * breaks the rules leaves *bad_frame true; reading goes on, so that it can end. */
static void read_reply(int fd, uint64_t deadline, struct da_extracted *x, bool *bad_frame,
                       bool *late)
{
    struct da_buf in;
    da_buf_init(&in, 2 * DA_FRAME_MAX_PAYLOAD);
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ms = wait_ms(deadline);
        *late = ms == 0;
        if (*late)
            break;
        if (poll(&p, 1, ms) <= 0)
            continue;
        char *to = da_buf_reserve(&in, READ_CHUNK);
        ssize_t got = to != NULL ? read(fd, to, READ_CHUNK) : -1;
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        if (*bad_frame)
            continue;
        in.len += (size_t)got;
        in.p[in.len] = 0;
        struct da_span rest = da_span(in.p, in.len);
        struct da_frame f = {DA_FRAME_NONE, {NULL, 0}};
        enum da_rc rc = DA_OK;
        do {
            rc = da_frame_next(&rest, &f, NULL);
            if (rc == DA_OK && f.type != DA_FRAME_NONE)
                rc = da_extracted_read(x, &f, NULL);
        } while (rc == DA_OK && f.type != DA_FRAME_NONE);
        *bad_frame = rc != DA_OK;
        memmove(in.p, rest.p, rest.len);
        da_buf_truncate(&in, *bad_frame ? 0 : rest.len);
    }
    *bad_frame = *bad_frame || in.len > 0;
    da_buf_release(&in);
}

struct child_end {
    int64_t code;   /* exit code, -1 when a signal ended it */
    int64_t signal; /* 0: none */
    int64_t cpu_ms;
    int64_t oom; /* 1: its last words were about memory */
};

static void read_end(struct da_span payload, struct child_end *e)
{
    *e = (struct child_end){-1, 0, 0, 0};
    struct da_span key, value;
    bool bad = false;
    while (da_pair_next(&payload, &key, &value, &bad)) {
        int64_t v;
        if (!da_parse_int(value.p, value.len, &v))
            continue;
        if (da_span_is(key, "code"))
            e->code = v;
        else if (da_span_is(key, "signal"))
            e->signal = v;
        else if (da_span_is(key, "cpu_ms"))
            e->cpu_ms = v;
        else if (da_span_is(key, "oom"))
            e->oom = v;
    }
}

/* The status of a child that did not say one, or said it badly. */
static void judge(const struct child_end *e, const struct da_request *req, bool bad_frame,
                  struct da_extracted *x)
{
    if (e->signal == 0 && e->code == 0 && x->has_status && !bad_frame)
        return;
    da_extracted_reset(x);
    if (e->signal == SIGXCPU || (e->signal == SIGKILL && e->cpu_ms >= req->cpu_s * 1000))
        (void)da_extracted_end(x, DA_ST_TIMEOUT, "more than %" PRId64 " s of CPU time",
                               req->cpu_s);
    else if (e->signal == SIGALRM)
        (void)da_extracted_end(x, DA_ST_TIMEOUT, "more than %" PRId64 " s", req->wall_s);
    else if (e->oom || e->signal == SIGKILL)
        (void)da_extracted_end(x, DA_ST_OUT_OF_MEMORY, "more than %" PRId64 " MiB of memory",
                               req->max_mem_bytes >> 20);
    else if (e->signal != 0)
        (void)da_extracted_end(x, DA_ST_CRASHED, "the parser was ended by signal %" PRId64,
                               e->signal);
    else if (e->code != 0)
        (void)da_extracted_end(x, DA_ST_CRASHED, "the parser ended with code %" PRId64, e->code);
    else
        (void)da_extracted_end(x, DA_ST_CRASHED, "the parser's answer makes no sense");
}

/* Hands the document over and collects what comes back. *late: nothing did, not in time. */
static enum da_rc ask(struct da_helper *h, int fd, const struct da_request *req,
                      struct da_extracted *out, struct child_end *e, bool *bad_frame, bool *late,
                      struct da_err *err)
{
    int sv[2];
    uint64_t deadline = deadline_after((req->wall_s + GRACE_S) * 1000);
    da_extracted_reset(out);
    *bad_frame = *late = false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) != 0)
        return da_fail_errno(err, DA_EIO, errno, "cannot make a socket for a document");
    enum da_rc rc = send_request(h, fd, sv[1], req, err);
    (void)close(sv[1]);
    if (rc == DA_OK)
        read_reply(sv[0], deadline, out, bad_frame, late);
    (void)close(sv[0]);
    struct da_frame f = {DA_FRAME_NONE, {NULL, 0}};
    if (rc == DA_OK && !*late)
        rc = read_control(h, &f, deadline, late, err);
    if (*late)
        return DA_OK;
    if (rc == DA_OK && f.type != DA_FRAME_END)
        rc = da_fail(err, DA_EFORMAT, "helper '%s' answers out of turn", h->path);
    if (rc != DA_OK)
        return rc;
    read_end(f.payload, e);
    drop_control(h, &f);
    return DA_OK;
}

/* Lets the helper become the program that reads PDF as well. */
static enum da_rc await_pdf(struct da_helper *h, struct da_err *err)
{
    h->reads_pdf = true;
    enum da_rc rc = read_hello(h, err);
    return rc == DA_OK ? rc : da_err_context(err, rc, "'%s" DA_HELPER_PDF_SUFFIX "'", h->path);
}

enum da_rc da_helper_extract(struct da_helper *h, int fd, const struct da_request *req,
                             struct da_extracted *out, struct da_err *err)
{
    struct child_end e = {-1, 0, 0, 0};
    struct da_err why = {DA_OK, ""};
    bool bad_frame = false, late = false;
    int n_ended = 0;
    for (bool done = false; !done;) {
        enum da_rc rc = h->control >= 0 ? DA_OK : start(h, err);
        if (rc != DA_OK)
            return rc;
        if (ask(h, fd, req, out, &e, &bad_frame, &late, &why) != DA_OK) {
            stop(h);
            done = ++n_ended == MAX_ENDED;
        } else if (!late && e.code == DA_CHILD_NEEDS_PDF && !h->reads_pdf) {
            rc = await_pdf(h, err); /* then it is asked again */
            if (rc != DA_OK) {
                stop(h);
                return rc;
            }
        } else {
            done = true;
        }
    }
    if (n_ended == MAX_ENDED || late) {
        stop(h); /* its child dies with it; the next document starts a new one */
        da_extracted_reset(out);
        if (late)
            (void)da_extracted_end(out, DA_ST_TIMEOUT, "more than %" PRId64 " s", req->wall_s);
        else
            (void)da_extracted_end(out, DA_ST_CRASHED, "%s", why.msg);
        return DA_OK;
    }
    if (e.code == DA_CHILD_NO_SANDBOX)
        return da_fail(err, DA_EUNSUPPORTED, "helper '%s' could not enter its sandbox", h->path);
    judge(&e, req, bad_frame, out);
    return DA_OK;
}
