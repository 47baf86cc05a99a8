#ifndef TESTS_TOOLS_FAKE_SERVER_H
#define TESTS_TOOLS_FAKE_SERVER_H

/* What the scripted servers share: a port on 127.0.0.1 that the kernel chooses, told in a file, and
 * asking a running one for its counts. Failures end the program. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/io.h"
#include "common/json.h"

static inline void fake_fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static inline int fake_socket(uint16_t port, int server)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        fake_fail("socket");
    if (server ? bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 1024)
               : connect(fd, (struct sockaddr *)&a, sizeof a))
        fake_fail(server ? "listen" : "connect");
    return fd;
}

/* A listening socket; port_file gets its port. */
static inline int fake_listen(const char *port_file)
{
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    char text[16];
    int fd = fake_socket(0, 1);
    if (getsockname(fd, (struct sockaddr *)&a, &len))
        fake_fail("getsockname");
    int n = snprintf(text, sizeof text, "%d\n", ntohs(a.sin_port));
    if (da_io_write_file(port_file, text, (size_t)n, NULL))
        fake_fail(port_file);
    return fd;
}

/* Prints what a running server answers to GET /stats, which ends with the first '}'. */
static inline int fake_query(const char *port_file)
{
    static const char get[] = "GET /stats HTTP/1.1\r\nHost: x\r\n\r\n";
    struct da_buf b;
    int64_t port = 0;
    ssize_t n;
    const char *body = NULL;
    da_buf_init(&b, 0);
    if (da_io_read_file(port_file, 64, &b, NULL) ||
        !da_parse_int(b.p, da_span_trim(da_span(b.p, b.len)).len, &port))
        fake_fail(port_file);
    int fd = fake_socket((uint16_t)port, 0);
    if (write(fd, get, sizeof get - 1) < 0)
        fake_fail("write");
    da_buf_reset(&b);
    while (!(body && strchr(body, '}')) && (n = read(fd, da_buf_reserve(&b, 4096), 4096)) > 0) {
        b.len += (size_t)n;
        b.p[b.len] = 0;
        body = strstr(b.p, "\r\n\r\n");
    }
    printf("%s\n", body ? body + 4 : "{}");
    (void)close(fd);
    da_buf_release(&b);
    return 0;
}

#endif
