#ifndef API_HTTP_H
#define API_HTTP_H

/*
 * The transport: many HTTP exchanges open at once in one thread. The client
 * (api/client.h) speaks to this interface only; tests bring their own.
 *
 * A transport sends nothing twice: a request whose connection breaks is
 * reported as lost, and whoever asked decides. Redirects are not followed, so a
 * key never travels to another host.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/span.h"

enum {
    DA_HTTP_MAX_HEADERS = 12,
    DA_HTTP_DETAIL_MAX = 192,
    DA_HTTP_MAX_HEADER_BYTES = 64 << 10 /* of a reply, all headers together */
};

/* Why there is no status. */
enum da_http_failure {
    DA_HTTP_OK = 0,      /* status and the whole body are there */
    DA_HTTP_UNREACHABLE, /* no connection: nothing was sent */
    DA_HTTP_LOST,        /* the connection broke: the server may have worked on it */
    DA_HTTP_TIMEOUT,     /* the same, by the clock */
    DA_HTTP_TOO_LARGE,   /* the reply passed max_reply_bytes */
    DA_HTTP_UNTRUSTED,   /* the certificate was not accepted: nothing was sent */
    DA_HTTP_BAD_URL      /* not http or https, or no URL at all */
};

struct da_http_request {
    const char *method; /* "GET", "POST", "DELETE" */
    const char *url;
    const char *headers[DA_HTTP_MAX_HEADERS]; /* "Name: value"; NULL ends the list; copied */
    const char *body;                         /* borrowed until the reply; NULL with GET */
    size_t body_len;
    uint32_t timeout_ms; /* for the whole exchange; 0: none */
    uint32_t stall_ms;   /* ends when nothing moved for so long (in steps of a second); 0: never */
    size_t max_reply_bytes;
    /* Bodies of status 200 and 206 go here piece by piece instead of into the reply; false ends the
     * exchange as DA_HTTP_LOST. headers: raw header block. NULL: into the reply. */
    bool (*sink)(void *ctx, int status, struct da_span headers, const char *p, size_t n);
    void *sink_ctx;
};

struct da_http_reply {
    enum da_http_failure failure;
    char detail[DA_HTTP_DETAIL_MAX]; /* one line about the failure */
    int status;                      /* 0 with a failure */
    struct da_span headers;          /* raw header block of the last response */
    struct da_span body;
    bool was_sent; /* at least part of the request left this machine */
};

struct da_http {
    /* Starts an exchange; its reply comes through on_done, never from within start. */
    enum da_rc (*start)(struct da_http *h, const struct da_http_request *req, void *tag,
                        struct da_err *err);
    /* Moves data, waiting timeout_ms at most for something to happen, and calls on_done for
     * every exchange that ended. Returns early on a signal. */
    enum da_rc (*wait)(struct da_http *h, unsigned timeout_ms, struct da_err *err);
    void (*free)(struct da_http *h); /* open exchanges are dropped */

    /* Set by the user before the first start. The reply dies when on_done returns. */
    void (*on_done)(void *ctx, void *tag, const struct da_http_reply *reply);
    /* May be NULL; a transport need not call it. The last of the request's body is on its way
     * now; a request without a body is not told of. */
    void (*on_sent)(void *ctx, void *tag);
    void *ctx;
};

struct da_http_opts {
    unsigned max_connections;    /* per host; 0: 256 */
    unsigned connect_timeout_ms; /* 0: 10000 */
    const char *ca_file;         /* certificates to trust instead of the system's; NULL: those */
    unsigned max_streams;        /* HTTP/2 streams per connection; 0: 16 */
};

/* libcurl's transport; DA_EUNSUPPORTED in a build without it. Proxies are left to libcurl. */
enum da_rc da_http_curl_new(struct da_http **ret, const struct da_http_opts *opts,
                            struct da_err *err);
void da_http_free(struct da_http *h); /* NULL allowed */

/* Value of the named header (any case), trimmed; empty when absent. The last one wins. */
struct da_span da_http_header(const struct da_http_reply *r, const char *name);

/*
 * Whether a key may be sent to url: https anywhere, http to loopback only
 * ("localhost", 127.0.0.0/8, [::1]). DA_EUSAGE says why not.
 */
enum da_rc da_http_check_url(const char *url, bool with_key, struct da_err *err);

/* Appends the address that ref (absolute or relative) means on the page base. DA_EFORMAT. */
enum da_rc da_http_join(const char *base, const char *ref, struct da_buf *out, struct da_err *err);
/* Whether two addresses have the same scheme, host and port. */
bool da_http_same_origin(const char *a, const char *b);

/* One exchange, waited for. on_done and ctx of h are used meanwhile. Body and headers are
 * appended to the buffers (headers may be NULL); reply's spans point into them. */
enum da_rc da_http_do(struct da_http *h, const struct da_http_request *req, struct da_buf *headers,
                      struct da_buf *body, struct da_http_reply *reply, struct da_err *err);

#endif
