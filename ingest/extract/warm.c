/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * docassist-extract: the helper program that alone parses documents (DESIGN.md 5.1).
 *
 * This file is its warm parent process. Two programs are made of it: docassist-extract, which every
 * run begins with, and docassist-extract-pdf, which can read PDF and pictures as well and which the
 * first turns into (exec, the same process and control socket) when a child says that it needs it.
 *
 * The parent holds the control socket as stdin, loads what every document needs once, and forks a
 * child for each request. It never looks at a document. The child closes the control socket,
 * enters its limits, parses, writes frames to its reply socket and ends with _exit. The parent
 * then reports how it ended.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/io.h"
#include "ingest/extract/job.h"
#include "ingest/extract/sandbox.h"
#include "ingest/frame.h"
#include "ingest/request.h"

enum { CONTROL_FD = STDIN_FILENO, LAST_WORDS = 4096, PATH_BYTES = 4096 };

static bool say_hello(void)
{
    char features[128];
    (void)snprintf(features, sizeof features, "%s%s", da_job_features(),
                   da_sandbox_landlock_abi() > 0 ? " landlock" : "");
    struct da_buf pairs, out;
    da_buf_init(&pairs, 0);
    da_buf_init(&out, 0);
    da_pair_add_int(&pairs, "sandbox", da_sandbox_available());
    da_pair_add(&pairs, "features", features, strlen(features));
    da_frame_add(&out, DA_FRAME_HELLO, pairs.p, pairs.len);
    bool ok = da_io_write_all(CONTROL_FD, out.p, out.len, "control socket", NULL) == DA_OK;
    da_buf_release(&pairs);
    da_buf_release(&out);
    return ok;
}

/* One request frame with its two descriptors; false at the end of the conversation. */
static bool receive(struct da_buf *in, struct da_frame *f, int fds[2])
{
    fds[0] = fds[1] = -1;
    da_buf_reset(in);
    for (;;) {
        struct da_span rest = da_span(in->p, in->len);
        if (da_frame_next(&rest, f, NULL) != DA_OK)
            return false;
        if (f->type != DA_FRAME_NONE)
            return f->type == DA_FRAME_REQUEST && fds[1] >= 0;
        char *to = da_buf_reserve(in, 4096);
        union {
            struct cmsghdr align;
            char bytes[CMSG_SPACE(2 * sizeof(int))];
        } ctl;
        struct iovec iov = {.iov_base = to, .iov_len = 4096};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl.bytes,
                             .msg_controllen = sizeof ctl.bytes};
        ssize_t n = to != NULL ? recvmsg(CONTROL_FD, &msg, 0) : -1;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        in->len += (size_t)n;
        in->p[in->len] = 0;
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        if (c != NULL && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(2 * sizeof(int)))
            memcpy(fds, CMSG_DATA(c), 2 * sizeof(int));
    }
}

/* The child: never returns. */
static void child(const struct da_frame *f, const int fds[2], int words_fd, pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    (void)dup2(words_fd, STDERR_FILENO);
    int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
        (void)dup2(null, CONTROL_FD); /* the control socket is gone for this process */
        (void)dup2(null, STDOUT_FILENO);
        (void)close(null);
    }
    struct da_request req;
    if (da_request_read(&req, f->payload, NULL) != DA_OK)
        _exit(DA_CHILD_BAD_REQUEST);
    struct stat st;
    uint64_t size = fstat(fds[0], &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
    if (da_sandbox_enter(&req, size, NULL) != DA_OK)
        _exit(DA_CHILD_NO_SANDBOX);
    _exit(da_job_run(fds[0], fds[1], &req));
}

/* What libraries print when memory is out: C++ new, glib, poppler's gmalloc, our own da_malloc. */
static bool speaks_of_memory(int fd)
{
    static const char *const signs[] = {"bad_alloc", "failed to allocate", "ut of memory",
                                        "cannot allocate", "length_error"};
    char words[LAST_WORDS + 1];
    size_t n = 0;
    ssize_t got;
    while (n < LAST_WORDS && (got = read(fd, words + n, LAST_WORDS - n)) > 0)
        n += (size_t)got;
    for (size_t i = 0; i < n; i++)
        if (words[i] == 0)
            words[i] = ' ';
    words[n] = 0;
    for (size_t i = 0; i < DA_ARRAY_LEN(signs); i++)
        if (strstr(words, signs[i]) != NULL)
            return true;
    return false;
}

static bool say_end(int wait_status, const struct rusage *ru, bool oom)
{
    struct da_buf pairs, out;
    da_buf_init(&pairs, 0);
    da_buf_init(&out, 0);
    if (WIFEXITED(wait_status))
        da_pair_add_int(&pairs, "code", WEXITSTATUS(wait_status));
    if (WIFSIGNALED(wait_status))
        da_pair_add_int(&pairs, "signal", WTERMSIG(wait_status));
    int64_t cpu_ms = ((int64_t)ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1000 +
                     (ru->ru_utime.tv_usec + ru->ru_stime.tv_usec) / 1000;
    da_pair_add_int(&pairs, "cpu_ms", cpu_ms);
    da_pair_add_int(&pairs, "oom", oom);
    da_frame_add(&out, DA_FRAME_END, pairs.p, pairs.len);
    bool ok = da_io_write_all(CONTROL_FD, out.p, out.len, "control socket", NULL) == DA_OK;
    da_buf_release(&pairs);
    da_buf_release(&out);
    return ok;
}

/* Forks, waits, reports. False when the conversation is over. *needs_pdf: this program cannot read
 * the document. */
static bool serve(const struct da_frame *f, int fds[2], bool *needs_pdf)
{
    int words[2];
    if (pipe(words) != 0)
        return false;
    (void)fcntl(words[0], F_SETFL, O_NONBLOCK);
    (void)fcntl(words[1], F_SETFL, O_NONBLOCK); /* a chatty library must not block the child */
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        child(f, fds, words[1], parent);
    (void)close(fds[0]);
    (void)close(fds[1]);
    (void)close(words[1]);
    int wait_status = 0;
    struct rusage before, after;
    (void)getrusage(RUSAGE_CHILDREN, &before);
    if (pid < 0)
        wait_status = 1 << 8; /* as if it had exited with 1 */
    while (pid > 0 && waitpid(pid, &wait_status, 0) < 0 && errno == EINTR)
        continue;
    (void)getrusage(RUSAGE_CHILDREN, &after);
    after.ru_utime.tv_sec -= before.ru_utime.tv_sec;
    after.ru_utime.tv_usec -= before.ru_utime.tv_usec;
    after.ru_stime.tv_sec -= before.ru_stime.tv_sec;
    after.ru_stime.tv_usec -= before.ru_stime.tv_usec;
    bool clean = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
    *needs_pdf = !da_job_reads_pdf() && WIFEXITED(wait_status) &&
                 WEXITSTATUS(wait_status) == DA_CHILD_NEEDS_PDF;
    bool ok = say_end(wait_status, &after, !clean && speaks_of_memory(words[0]));
    (void)close(words[0]);
    return ok;
}

/* Becomes the program that reads PDF; it says hello again. Returns only when it cannot. */
static void become_pdf(const char *self)
{
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s" DA_HELPER_PDF_SUFFIX, self);
    if (n > 0 && (size_t)n < sizeof path)
        (void)execl(path, path, (char *)NULL);
}

int main(int argc, char **argv)
{
    struct stat st;
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        (void)printf("docassist-extract %s (%s); GPL-3.0-or-later\n", DA_VERSION,
                     da_job_features());
        return 0;
    }
    if (fstat(CONTROL_FD, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        (void)fprintf(stderr, "docassist-extract: helper of docassist ingest, not to be run by "
                              "hand\n");
        return 2;
    }
    (void)signal(SIGINT, SIG_IGN); /* Ctrl-C is for the program, which lets us finish */
    (void)signal(SIGPIPE, SIG_IGN);
    da_job_warm();
    if (!say_hello())
        return 1;
    struct da_buf in;
    da_buf_init(&in, 2 * DA_FRAME_MAX_PAYLOAD);
    struct da_frame f;
    int fds[2];
    bool needs_pdf = false;
    while (!needs_pdf && receive(&in, &f, fds) && serve(&f, fds, &needs_pdf))
        continue;
    if (needs_pdf)
        become_pdf(argv[0]);
    da_buf_release(&in);
    return 0;
}
