/*
 * Files of a folder over HTTP on 127.0.0.1, with the bad days of a model hub, for tests.
 *
 *     fake_hub -p PORTFILE -r ROOT [-l LOG] [-c BYTES]
 *
 * The kernel chooses the port; PORTFILE gets it once the server listens. GET /a/b?c gives ROOT/a/b;
 * ranges work. Beside a file may stand
 *   NAME.redirect   302 to the address it holds
 *   NAME.status     this status and an empty body, once: it is removed then
 *   NAME.token      401 unless the request has "Authorization: Bearer " and this
 * -c  closes the connection after BYTES of a body
 * -l  writes a line for each request: path, "auth" or "-", the range or "-"
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/io.h"

enum { MAX_REQUEST = 1 << 16, MAX_SMALL = 4096 };

struct server {
    const char *root;
    FILE *log;
    size_t cut;
};

static bool read_small(const char *path, const char *end, struct da_buf *out)
{
    char name[2048];
    da_buf_reset(out);
    (void)snprintf(name, sizeof name, "%s%s", path, end);
    if (!da_io_exists(name) || da_io_read_file(name, MAX_SMALL, out, NULL))
        return false;
    while (out->len && (out->p[out->len - 1] == '\n' || out->p[out->len - 1] == ' '))
        da_buf_truncate(out, out->len - 1);
    return true;
}

/* The value of a header line in the request, or "". */
static const char *header(const char *request, const char *name, char out[1024])
{
    size_t n = strlen(name);
    out[0] = 0;
    for (const char *p = strstr(request, "\r\n"); p; p = strstr(p + 2, "\r\n"))
        if (strncasecmp(p + 2, name, n) == 0 && p[2 + n] == ':') {
            const char *v = p + 3 + n + strspn(p + 3 + n, " ");
            (void)snprintf(out, 1024, "%.*s", (int)strcspn(v, "\r\n"), v);
        }
    return out;
}

static void send_all(int fd, const void *p, size_t n)
{
    (void)da_io_write_all(fd, p, n, "socket", NULL);
}

static void say(int fd, int status, const char *more)
{
    char text[2048];
    int n =
        snprintf(text, sizeof text,
                 "HTTP/1.1 %d x\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n", status, more);
    send_all(fd, text, (size_t)n);
}

static void send_file(const struct server *s, int fd, const char *path, const char *range)
{
    struct da_mapped m;
    char head[256];
    size_t from = 0;
    if (da_io_is_dir(path) || da_io_map(path, &m, NULL)) {
        say(fd, 404, "");
        return;
    }
    if (strncmp(range, "bytes=", 6) == 0)
        from = (size_t)strtoull(range + 6, NULL, 10);
    if (from > 0 && from >= m.len) {
        say(fd, 416, "");
        da_io_unmap(&m);
        return;
    }
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d x\r\nContent-Length: %zu\r\n",
                     from ? 206 : 200, m.len - from);
    if (from)
        n += snprintf(head + n, sizeof head - (size_t)n, "Content-Range: bytes %zu-%zu/%zu\r\n",
                      from, m.len - 1, m.len);
    n += snprintf(head + n, sizeof head - (size_t)n, "Connection: close\r\n\r\n");
    send_all(fd, head, (size_t)n);
    size_t left = m.len - from;
    send_all(fd, m.p + from, s->cut && s->cut < left ? s->cut : left);
    da_io_unmap(&m);
}

static void answer(const struct server *s, int fd, const char *request)
{
    char path[1800], auth[1024], range[1024];
    const char *target = strchr(request, ' ');
    struct da_buf small;
    if (!target || strstr(target, "..")) {
        say(fd, 400, "");
        return;
    }
    int n = (int)strcspn(++target, " ?\r\n");
    (void)snprintf(path, sizeof path, "%s%.*s", s->root, n < 1024 ? n : 1024, target);
    header(request, "Authorization", auth);
    header(request, "Range", range);
    if (s->log) {
        (void)fprintf(s->log, "%.*s %s %s\n", n, target, auth[0] ? "auth" : "-",
                      range[0] ? range : "-");
        (void)fflush(s->log);
    }
    da_buf_init(&small, 0);
    if (read_small(path, ".token", &small) &&
        (strncmp(auth, "Bearer ", 7) != 0 || strcmp(auth + 7, small.p) != 0)) {
        say(fd, 401, "");
    } else if (read_small(path, ".status", &small)) {
        char gone[2048];
        (void)snprintf(gone, sizeof gone, "%s.status", path);
        (void)unlink(gone);
        say(fd, (int)strtol(small.p, NULL, 10), "Retry-After: 0\r\n");
    } else if (read_small(path, ".redirect", &small)) {
        char to[1600];
        (void)snprintf(to, sizeof to, "Location: %s\r\n", small.p);
        say(fd, 302, to);
    } else {
        size_t len = strlen(path);
        if (len && path[len - 1] == '/')
            (void)snprintf(path + len, sizeof path - len, "index.html");
        send_file(s, fd, path, range);
    }
    da_buf_release(&small);
}

static void serve(const struct server *s, int fd)
{
    static char request[MAX_REQUEST + 1];
    size_t n = 0;
    while (n < MAX_REQUEST) {
        ssize_t got = read(fd, request + n, MAX_REQUEST - n);
        if (got <= 0 && errno != EINTR)
            break;
        n += got > 0 ? (size_t)got : 0;
        request[n] = 0;
        if (strstr(request, "\r\n\r\n")) {
            answer(s, fd, request);
            break;
        }
    }
    (void)close(fd);
}

int main(int argc, char **argv)
{
    struct server s = {0};
    const char *port_file = NULL;
    int opt;
    while ((opt = getopt(argc, argv, "p:r:l:c:")) != -1)
        switch (opt) {
        case 'p': port_file = optarg; break;
        case 'r': s.root = optarg; break;
        case 'l': s.log = fopen(optarg, "a"); break;
        case 'c': s.cut = (size_t)strtoull(optarg, NULL, 10); break;
        default: return 2;
        }
    if (!port_file || !s.root)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        return 1;
    char port[16];
    int n = snprintf(port, sizeof port, "%d", ntohs(a.sin_port));
    if (da_io_write_file(port_file, port, (size_t)n, NULL))
        return 1;
    for (;;) {
        int c = accept(fd, NULL, NULL);
        if (c >= 0)
            serve(&s, c);
    }
}
