/* What every transport shares: header look-up, the rule of where a key may go, one exchange. */

#include "api/http.h"

#include <string.h>
#include <strings.h>

void da_http_free(struct da_http *h)
{
    if (h)
        h->free(h);
}

struct da_span da_http_header(const struct da_http_reply *r, const char *name)
{
    struct da_span rest = r->headers, line, found = {"", 0};
    size_t n = strlen(name);
    while (da_span_split(&rest, '\n', &line))
        if (line.len > n && line.p[n] == ':' && strncasecmp(line.p, name, n) == 0)
            found = da_span_trim(da_span(line.p + n + 1, line.len - n - 1));
    return found;
}

/* The host between "://" (or "@") and the port; brackets of an IPv6 address are kept. */
static struct da_span url_host(struct da_span authority)
{
    size_t end = 0;
    if (authority.len && authority.p[0] == '[') {
        while (end < authority.len && authority.p[end] != ']')
            end++;
        return da_span(authority.p, end < authority.len ? end + 1 : end);
    }
    while (end < authority.len && authority.p[end] != ':')
        end++;
    return da_span(authority.p, end);
}

static bool is_loopback(struct da_span host)
{
    if (da_span_is(host, "localhost") || da_span_is(host, "[::1]"))
        return true;
    if (!da_span_starts(host, "127."))
        return false;
    for (size_t i = 0; i < host.len; i++) /* "127.evil.example" is a name, not an address */
        if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
            return false;
    return true;
}

enum da_rc da_http_check_url(const char *url, bool with_key, struct da_err *err)
{
    bool tls = strncasecmp(url, "https://", 8) == 0;
    if (!tls && strncasecmp(url, "http://", 7) != 0)
        return da_fail(err, DA_EUSAGE, "address '%s': only http:// and https:// are spoken", url);
    const char *authority = url + (tls ? 8 : 7);
    size_t len = strcspn(authority, "/?#");
    if (len == 0)
        return da_fail(err, DA_EUSAGE, "address '%s': no host", url);
    if (memchr(authority, '@', len)) /* not repeated: it may hold a password */
        return da_fail(err, DA_EUSAGE,
                       "an address must not hold a user or password; "
                       "use OPENAI_API_KEY or --api-key-file");
    if (with_key && !tls && !is_loopback(url_host(da_span(authority, len))))
        return da_fail(err, DA_EUSAGE,
                       "address '%s': a key is not sent over plain http; "
                       "use https",
                       url);
    return DA_OK;
}

struct one_exchange {
    struct da_buf *headers, *body;
    struct da_http_reply *reply;
    size_t head_at, body_at;
    bool done;
};

static void keep_reply(void *ctx, void *tag, const struct da_http_reply *r)
{
    struct one_exchange *x = ctx;
    (void)tag;
    *x->reply = *r;
    if (x->headers)
        da_buf_add(x->headers, r->headers.p, r->headers.len);
    da_buf_add(x->body, r->body.p, r->body.len);
    x->done = true;
}

enum da_rc da_http_do(struct da_http *h, const struct da_http_request *req, struct da_buf *headers,
                      struct da_buf *body, struct da_http_reply *reply, struct da_err *err)
{
    enum { STEP_MS = 1000 };
    struct one_exchange x = {headers, body, reply, headers ? headers->len : 0, body->len, false};
    h->on_done = keep_reply;
    h->on_sent = NULL;
    h->ctx = &x;
    enum da_rc rc = h->start(h, req, NULL, err);
    while (!rc && !x.done)
        rc = h->wait(h, STEP_MS, err);
    h->on_done = NULL;
    h->ctx = NULL;
    if (rc)
        return rc;
    reply->headers =
        headers ? da_span(headers->p + x.head_at, headers->len - x.head_at) : da_span("", 0);
    reply->body = da_span(body->p + x.body_at, body->len - x.body_at);
    return DA_OK;
}
