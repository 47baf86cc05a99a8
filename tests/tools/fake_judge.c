/*
 * A judge for tests: a chat-completions server on 127.0.0.1 whose reply depends on what the
 * request holds.
 *
 *     fake_judge PORTFILE COUNTFILE NEEDLE=REPLY...
 *
 * The first NEEDLE found in the body decides. REPLY is the text, or "top:4:-0.7;2:-1.4" for a
 * reply of the first token with these candidates' log-probabilities. COUNTFILE gets the number of
 * requests. One connection at a time, closed after its reply.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/io.h"
#include "common/json.h"

enum { CHUNK = 1 << 16, BACKLOG = 256 };

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int listen_anywhere(const char *port_file)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    char text[16];
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, BACKLOG) ||
        getsockname(fd, (struct sockaddr *)&a, &len))
        die("fake_judge");
    int n = snprintf(text, sizeof text, "%d\n", ntohs(a.sin_port));
    if (da_io_write_file(port_file, text, (size_t)n, NULL) != DA_OK)
        die(port_file);
    return fd;
}

/* Reads head and body; returns where the body begins, or NULL when the connection ends before. */
static const char *read_request(int fd, struct da_buf *in)
{
    for (;;) {
        char *to = da_buf_reserve(in, CHUNK);
        ssize_t n = read(fd, to, CHUNK);
        if (n <= 0)
            return NULL;
        in->len += (size_t)n;
        in->p[in->len] = 0;
        const char *end = strstr(in->p, "\r\n\r\n"), *length = strstr(in->p, "Content-Length: ");
        if (end && length && in->len >= (size_t)(end + 4 - in->p) + strtoul(length + 16, NULL, 10))
            return end + 4;
        if (strstr(in->p, "Expect: 100-continue") && end && !end[4])
            (void)!write(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
}

static void write_logprobs(struct da_jw *w, const char *top)
{
    struct da_span rest = da_span_str(top), item;

    da_jw_key(w, "logprobs");
    da_jw_object(w);
    da_jw_key(w, "content");
    da_jw_array(w);
    da_jw_object(w);
    da_jw_kcstr(w, "token", "x");
    da_jw_key(w, "top_logprobs");
    da_jw_array(w);
    while (da_span_split(&rest, ';', &item)) {
        size_t at = da_span_find(item, da_span_str(":"));
        da_jw_object(w);
        da_jw_kstr(w, "token", da_span(item.p, at));
        da_jw_key(w, "logprob");
        da_jw_raw(w, item.p + at + 1, item.len - at - 1);
        da_jw_end(w);
    }
    da_jw_end(w);
    da_jw_end(w);
    da_jw_end(w);
    da_jw_end(w);
}

static void write_reply(struct da_buf *out, const char *reply)
{
    bool top = strncmp(reply, "top:", 4) == 0;
    struct da_jw w;

    da_jw_init(&w, out);
    da_jw_object(&w);
    da_jw_kcstr(&w, "model", "judge-1");
    da_jw_key(&w, "choices");
    da_jw_array(&w);
    da_jw_object(&w);
    da_jw_key(&w, "message");
    da_jw_object(&w);
    da_jw_kcstr(&w, "role", "assistant");
    da_jw_kstr(&w, "content", top ? da_span(reply + 4, 1) : da_span_str(reply));
    da_jw_end(&w);
    if (top)
        write_logprobs(&w, reply + 4);
    da_jw_kcstr(&w, "finish_reason", "stop");
    da_jw_end(&w);
    da_jw_end(&w);
    da_jw_key(&w, "usage");
    da_jw_object(&w);
    da_jw_kint(&w, "prompt_tokens", 100);
    da_jw_kint(&w, "completion_tokens", 1);
    da_jw_end(&w);
    da_jw_end(&w);
}

static void answer(int fd, const char *body, char **rules, int n_rules)
{
    struct da_buf json, out;
    const char *reply = "no rule fits";

    for (int i = n_rules - 1; i >= 0; i--) {
        char needle[256];
        const char *eq = strchr(rules[i], '=');
        (void)snprintf(needle, sizeof needle, "%.*s", (int)(eq - rules[i]), rules[i]);
        if (strstr(body, needle))
            reply = eq + 1;
    }
    da_buf_init(&json, 0);
    da_buf_init(&out, 0);
    write_reply(&json, reply);
    da_buf_addf(&out,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                "Connection: close\r\n\r\n",
                json.len);
    da_buf_add(&out, json.p, json.len);
    (void)da_io_write_all(fd, out.p, out.len, "connection", NULL);
    da_buf_release(&json);
    da_buf_release(&out);
}

int main(int argc, char **argv)
{
    unsigned n = 0;
    char text[16];

    if (argc < 4)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    int fd = listen_anywhere(argv[1]);
    for (;;) {
        struct da_buf in;
        int c = accept(fd, NULL, NULL);
        if (c < 0)
            die("accept");
        da_buf_init(&in, 0);
        const char *body = read_request(c, &in);
        if (body) {
            int len = snprintf(text, sizeof text, "%u\n", ++n);
            (void)da_io_write_file(argv[2], text, (size_t)len, NULL);
            answer(c, body, argv + 3, argc - 3);
        }
        da_buf_release(&in);
        (void)close(c);
    }
}
