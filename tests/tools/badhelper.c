/*
 * A stand-in for docassist-extract that misbehaves. The document's first word says how:
 *   ok       a good answer           crash    END with signal 11
 *   junk     bytes that are no frame half     a frame cut in the middle
 *   late     frames after the status text     more text than a status allows: none, code 0
 *   oom      END that speaks of memory        cpu      END with SIGXCPU
 *   code     END with exit code 7             quit     the helper itself ends
 *   fact     an unknown fact                  flood    a length beyond the limit
 *   pdf      again and again that it needs the program for PDF
 *   hang     no answer, ever                  silent   an answer, but never an END
 *   stopped  the helper itself is stopped, as by SIGSTOP
 *   once     the helper itself ends, the first time it is asked; a good answer the second time
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/io.h"
#include "ingest/extracted.h"
#include "ingest/frame.h"
#include "ingest/request.h"

static void send_frame(int fd, enum da_frame_type type, const struct da_buf *payload)
{
    struct da_buf out;
    da_buf_init(&out, 0);
    da_frame_add(&out, type, payload->p, payload->len);
    (void)da_io_write_all(fd, out.p, out.len, "frame", NULL);
    da_buf_release(&out);
}

static void say_hello(void)
{
    struct da_buf b;
    da_buf_init(&b, 0);
    da_pair_add_int(&b, "sandbox", 1);
    da_pair_add(&b, "features", "bad", 3);
    send_frame(0, DA_FRAME_HELLO, &b);
    da_buf_release(&b);
}

static void say_end(const char *how)
{
    bool pdf = strcmp(how, "pdf") == 0;
    struct da_buf b;
    da_buf_init(&b, 0);
    if (strcmp(how, "crash") == 0)
        da_pair_add_int(&b, "signal", SIGSEGV);
    else if (strcmp(how, "cpu") == 0)
        da_pair_add_int(&b, "signal", SIGXCPU);
    else if (strcmp(how, "oom") == 0)
        da_pair_add_int(&b, "signal", SIGABRT);
    else
        da_pair_add_int(&b, "code",
                        pdf ? DA_CHILD_NEEDS_PDF : strcmp(how, "code") == 0 ? 7 : 0);
    da_pair_add_int(&b, "oom", strcmp(how, "oom") == 0);
    send_frame(0, DA_FRAME_END, &b);
    da_buf_release(&b);
}

static void good_answer(struct da_buf *out)
{
    struct da_extracted x;
    da_extracted_init(&x);
    da_buf_add_str(&x.text, "All is well.");
    da_extracted_set_str(&x, DA_XS_MEDIA_TYPE, "text/plain", 10);
    da_extracted_ok(&x);
    da_extracted_write(&x, out);
    da_extracted_release(&x);
}

static void answer(int fd, const char *how)
{
    struct da_buf out;
    da_buf_init(&out, 0);
    good_answer(&out);
    if (strcmp(how, "junk") == 0) {
        da_buf_reset(&out);
        da_buf_add_str(&out, "this is no frame at all");
    } else if (strcmp(how, "half") == 0) {
        da_buf_truncate(&out, out.len - 5);
    } else if (strcmp(how, "late") == 0) {
        da_frame_add(&out, DA_FRAME_TEXT, "more", 4);
    } else if (strcmp(how, "fact") == 0) {
        da_buf_reset(&out);
        da_frame_add(&out, DA_FRAME_META, "colour\0red\0", 11);
    } else if (strcmp(how, "flood") == 0) {
        da_buf_reset(&out);
        da_buf_add(&out, "\1\4\0\0\xff\xff\xff\xff", 8);
    } else if (strcmp(how, "text") == 0) {
        da_buf_reset(&out);
        da_frame_add(&out, DA_FRAME_TEXT, "no status", 9);
    }
    (void)da_io_write_all(fd, out.p, out.len, "reply", NULL);
    da_buf_release(&out);
}

/* One request: false at the end. */
static bool serve(bool *became_pdf)
{
    char bytes[65536], how[64] = "";
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } ctl;
    struct iovec iov = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl.bytes,
                         .msg_controllen = sizeof ctl.bytes};
    int fds[2];
    if (recvmsg(0, &msg, 0) <= 0 || CMSG_FIRSTHDR(&msg) == NULL)
        return false;
    memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof fds);
    ssize_t n = pread(fds[0], how, sizeof how - 1, 0);
    how[n > 0 ? n : 0] = 0;
    how[strcspn(how, " \n")] = 0;
    if (strcmp(how, "quit") == 0)
        return false;
    /* The document's offset, which nobody else uses, remembers that we were here. */
    if (strcmp(how, "once") == 0 && lseek(fds[0], 0, SEEK_CUR) == 0)
        return lseek(fds[0], 1, SEEK_SET) < 0;
    if (strcmp(how, "stopped") == 0)
        (void)raise(SIGSTOP);
    while (strcmp(how, "hang") == 0)
        (void)pause();
    answer(fds[1], how);
    (void)close(fds[0]);
    (void)close(fds[1]);
    while (strcmp(how, "silent") == 0)
        (void)pause();
    say_end(how);
    if (strcmp(how, "pdf") == 0 && !*became_pdf)
        say_hello();
    *became_pdf = *became_pdf || strcmp(how, "pdf") == 0;
    return true;
}

int main(void)
{
    bool became_pdf = false;
    say_hello();
    while (serve(&became_pdf))
        continue;
    return 0;
}
