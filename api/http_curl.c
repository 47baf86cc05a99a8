/*
 * The transport over libcurl's multi interface, driven by curl_multi_socket_action and
 * one poll(2): a thousand open exchanges cost one pass over the descriptors, not one
 * pass over curl's handles. The only file that names libcurl. It is loaded when first
 * needed: it and the thirty libraries below it take longer to load than most commands
 * that use no network take to run (docs/decisions/0012).
 *
 * Invariants:
 *   - an exchange is in `open` from start until its on_done; its easy handle then goes
 *     back to `idle` with its connection kept alive;
 *   - bodies are given by a read function without a seek function: libcurl cannot
 *     silently send a request a second time over a fresh connection, because the first
 *     may have been worked on and counted. It reports a loss instead.
 */

#include "api/http.h"

#include <string.h>

#if DA_WITH_CURL

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include "common/attr.h"
#include "common/clock.h"
#include "common/mem.h"

/* libcurl's functions, without their "curl_". Written once, by load_once(). */
static struct curl_api {
    CURLcode (*global_init)(long);
    void (*global_cleanup)(void);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
    const char *(*easy_strerror)(CURLcode);
    void (*easy_cleanup)(CURL *);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_setopt)(CURLM *, CURLMoption, ...);
    CURLMcode (*multi_assign)(CURLM *, curl_socket_t, void *);
    CURLMcode (*multi_add_handle)(CURLM *, CURL *);
    CURLMcode (*multi_remove_handle)(CURLM *, CURL *);
    CURLMcode (*multi_socket_action)(CURLM *, curl_socket_t, int, int *);
    CURLMsg *(*multi_info_read)(CURLM *, int *);
    const char *(*multi_strerror)(CURLMcode);
    CURLMcode (*multi_cleanup)(CURLM *);
    struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
    void (*slist_free_all)(struct curl_slist *);
    CURLU *(*url)(void);
    CURLUcode (*url_get)(const CURLU *, CURLUPart, char **, unsigned);
    CURLUcode (*url_set)(CURLU *, CURLUPart, const char *, unsigned);
    void (*url_cleanup)(CURLU *);
    void (*free)(void *);
    bool is_complete;
} curl;

/* POSIX lets a function's address travel through dlsym's void pointer; C has no cast for it. */
#define LOAD(name) \
    do { \
        void *f = dlsym(lib, "curl_" #name); \
        memcpy(&curl.name, &f, sizeof f); \
        all = all && f; \
    } while (0)

static void load_once(void)
{
    static const char *const files[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib"};
    void *lib = NULL;
    bool all = true;
    for (size_t i = 0; i < DA_ARRAY_LEN(files) && !lib; i++)
        lib = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
    if (!lib)
        return;
    LOAD(global_init);
    LOAD(global_cleanup);
    LOAD(easy_init);
    LOAD(easy_setopt);
    LOAD(easy_getinfo);
    LOAD(easy_strerror);
    LOAD(easy_cleanup);
    LOAD(multi_init);
    LOAD(multi_setopt);
    LOAD(multi_assign);
    LOAD(multi_add_handle);
    LOAD(multi_remove_handle);
    LOAD(multi_socket_action);
    LOAD(multi_info_read);
    LOAD(multi_strerror);
    LOAD(multi_cleanup);
    LOAD(slist_append);
    LOAD(slist_free_all);
    LOAD(url);
    LOAD(url_get);
    LOAD(url_set);
    LOAD(url_cleanup);
    LOAD(free);
    curl.is_complete = all;
}

static bool load_curl(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    return pthread_once(&once, load_once) == 0 && curl.is_complete;
}

enum { DEFAULT_CONNECTIONS = 256, DEFAULT_STREAMS = 16, DEFAULT_CONNECT_MS = 10000 };

struct curl_http;

struct exchange {
    struct curl_http *owner;
    CURL *easy;
    struct curl_slist *headers;
    struct da_buf head, body;
    const char *send; /* borrowed */
    size_t send_len, send_pos;
    bool too_large;
    bool (*sink)(void *ctx, int status, struct da_span headers, const char *p, size_t n);
    void *sink_ctx;
    void *tag;
    char error[CURL_ERROR_SIZE];
    struct exchange *prev, *next; /* in open or idle */
};

/* What curl wants to know about one descriptor; its place in fds changes when others leave. */
struct watch {
    size_t at;
};

struct curl_http {
    struct da_http base;
    CURLM *multi;
    struct exchange *open, *idle;
    struct pollfd *fds;     /* [n_fds] */
    struct watch **watches; /* [n_fds], same order */
    size_t n_fds, cap_fds, cap_watches;
    struct pollfd *ready; /* scratch */
    size_t cap_ready;
    bool timer_set;
    uint64_t timer_ns;
    long connect_timeout_ms;
    char *ca_file;
};

static uint64_t now_ns(void)
{
    return da_now_ns(da_clock_system());
}

static void list_push(struct exchange **head, struct exchange *x)
{
    x->prev = NULL;
    x->next = *head;
    if (*head)
        (*head)->prev = x;
    *head = x;
}

static void list_remove(struct exchange **head, struct exchange *x)
{
    if (x->prev)
        x->prev->next = x->next;
    else
        *head = x->next;
    if (x->next)
        x->next->prev = x->prev;
}

/* --- what libcurl calls ------------------------------------------------------ */

static void unwatch(struct curl_http *h, struct watch *w)
{
    size_t at = w->at;
    h->n_fds--;
    h->fds[at] = h->fds[h->n_fds];
    h->watches[at] = h->watches[h->n_fds];
    h->watches[at]->at = at;
    free(w);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *sockp)
{
    struct curl_http *h = ctx;
    struct watch *w = sockp;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            unwatch(h, w);
        curl.multi_assign(h->multi, fd, NULL);
        return 0;
    }
    if (!w) {
        DA_GROW(h->fds, h->n_fds, h->cap_fds);
        DA_GROW(h->watches, h->n_fds, h->cap_watches);
        w = da_malloc(sizeof *w);
        w->at = h->n_fds++;
        h->watches[w->at] = w;
        curl.multi_assign(h->multi, fd, w);
    }
    h->fds[w->at].fd = fd;
    h->fds[w->at].revents = 0;
    h->fds[w->at].events =
        (short)(((what & CURL_POLL_IN) ? POLLIN : 0) | ((what & CURL_POLL_OUT) ? POLLOUT : 0));
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct curl_http *h = ctx;
    (void)multi;
    h->timer_set = timeout_ms >= 0;
    if (h->timer_set)
        h->timer_ns = now_ns() + (uint64_t)timeout_ms * 1000000u;
    return 0;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) /* 100 Continue or a proxy's answer came before */
        da_buf_reset(&x->head);
    da_buf_add(&x->head, p, size * n);
    x->too_large = x->too_large || x->head.overflow;
    return x->head.overflow ? 0 : size * n;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    long status = 0;
    if (x->sink)
        curl.easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200 || status == 206) {
        struct da_span head = da_span(x->head.p, x->head.len);
        return x->sink(x->sink_ctx, (int)status, head, p, size * n) ? size * n : 0;
    }
    da_buf_add(&x->body, p, size * n);
    x->too_large = x->too_large || x->body.overflow;
    return x->body.overflow ? 0 : size * n;
}

static size_t on_read(char *p, size_t size, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    size_t room = size * n, left = x->send_len - x->send_pos;
    size_t k = left < room ? left : room;
    memcpy(p, x->send + x->send_pos, k);
    x->send_pos += k;
    if (k && k == left && x->owner->base.on_sent)
        x->owner->base.on_sent(x->owner->base.ctx, x->tag);
    return k;
}

/* --- exchanges --------------------------------------------------------------- */

static void exchange_free(struct exchange *x)
{
    curl.easy_cleanup(x->easy);
    curl.slist_free_all(x->headers);
    da_buf_release(&x->head);
    da_buf_release(&x->body);
    free(x);
}

/* Options that stay the same for the life of the handle. */
static void set_constants(struct curl_http *h, struct exchange *x)
{
    CURL *e = x->easy;
#if LIBCURL_VERSION_NUM >= 0x075500
    curl.easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl.easy_setopt(e, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl.easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl.easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl.easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl.easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    curl.easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl.easy_setopt(e, CURLOPT_PIPEWAIT, 1L);
    curl.easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl.easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, h->connect_timeout_ms);
    curl.easy_setopt(e, CURLOPT_USERAGENT, "docassist/" DA_VERSION);
    curl.easy_setopt(e, CURLOPT_ERRORBUFFER, x->error);
    curl.easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl.easy_setopt(e, CURLOPT_HEADERDATA, x);
    curl.easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl.easy_setopt(e, CURLOPT_WRITEDATA, x);
    curl.easy_setopt(e, CURLOPT_READFUNCTION, on_read);
    curl.easy_setopt(e, CURLOPT_READDATA, x);
    curl.easy_setopt(e, CURLOPT_PRIVATE, x);
    if (h->ca_file)
        curl.easy_setopt(e, CURLOPT_CAINFO, h->ca_file);
}

static struct exchange *exchange_get(struct curl_http *h)
{
    struct exchange *x = h->idle;
    if (x) {
        list_remove(&h->idle, x);
        return x;
    }
    x = da_calloc(1, sizeof *x);
    x->easy = curl.easy_init();
    if (!x->easy) {
        free(x);
        return NULL;
    }
    x->owner = h;
    da_buf_init(&x->head, DA_HTTP_MAX_HEADER_BYTES);
    set_constants(h, x);
    return x;
}

static void set_request(struct exchange *x, const struct da_http_request *req)
{
    CURL *e = x->easy;
    curl.slist_free_all(x->headers);
    x->headers = NULL;
    for (size_t i = 0; i < DA_HTTP_MAX_HEADERS && req->headers[i]; i++)
        x->headers = curl.slist_append(x->headers, req->headers[i]);
    x->headers = curl.slist_append(x->headers, "Expect:"); /* no round trip before the body */
    curl.easy_setopt(e, CURLOPT_URL, req->url);
    curl.easy_setopt(e, CURLOPT_HTTPHEADER, x->headers);
    curl.easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
    curl.easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, req->stall_ms ? 1L : 0L);
    curl.easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)((req->stall_ms + 999) / 1000));
    if (strcmp(req->method, "GET") == 0) {
        curl.easy_setopt(e, CURLOPT_CUSTOMREQUEST, NULL);
        curl.easy_setopt(e, CURLOPT_HTTPGET, 1L);
    } else {
        curl.easy_setopt(e, CURLOPT_POST, 1L);
        curl.easy_setopt(e, CURLOPT_POSTFIELDS, NULL);
        curl.easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
        curl.easy_setopt(e, CURLOPT_CUSTOMREQUEST,
                         strcmp(req->method, "POST") == 0 ? NULL : req->method);
    }
}

static enum da_rc transport_start(struct da_http *base, const struct da_http_request *req,
                                  void *tag, struct da_err *err)
{
    struct curl_http *h = (struct curl_http *)base;
    struct exchange *x = exchange_get(h);
    if (!x)
        return da_fail(err, DA_ENOMEM, "libcurl has no memory for a request");
    da_buf_reset(&x->head);
    da_buf_release(&x->body);
    da_buf_init(&x->body, req->max_reply_bytes);
    x->send = req->body;
    x->send_len = req->body_len;
    x->send_pos = 0;
    x->too_large = false;
    x->sink = req->sink;
    x->sink_ctx = req->sink_ctx;
    x->tag = tag;
    x->error[0] = 0;
    set_request(x, req);
    CURLMcode code = curl.multi_add_handle(h->multi, x->easy);
    if (code != CURLM_OK) {
        exchange_free(x);
        return da_fail(err, DA_EIO, "cannot start a request: %s", curl.multi_strerror(code));
    }
    list_push(&h->open, x);
    return DA_OK;
}

static enum da_http_failure classify(const struct exchange *x, CURLcode code)
{
    long sent = 0;
    curl.easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &sent);
    switch (code) {
    case CURLE_OK: return DA_HTTP_OK;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR: return DA_HTTP_UNREACHABLE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE: return DA_HTTP_UNTRUSTED;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT: return DA_HTTP_BAD_URL;
    case CURLE_OPERATION_TIMEDOUT: return sent > 0 ? DA_HTTP_TIMEOUT : DA_HTTP_UNREACHABLE;
    case CURLE_WRITE_ERROR: return x->too_large ? DA_HTTP_TOO_LARGE : DA_HTTP_LOST;
    default: return x->too_large ? DA_HTTP_TOO_LARGE : DA_HTTP_LOST;
    }
}

static void finish(struct curl_http *h, struct exchange *x, CURLcode code)
{
    struct da_http_reply reply = {.failure = classify(x, code)};
    long status = 0, sent = 0;
    curl.easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    curl.easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &sent);
    reply.was_sent = sent > 0;
    reply.headers = da_span(x->head.p, x->head.len);
    reply.body = da_span(x->body.p, x->body.len);
    if (reply.failure == DA_HTTP_OK) {
        reply.status = (int)status;
    } else {
        const char *why = x->error[0] ? x->error : curl.easy_strerror(code);
        if (reply.failure == DA_HTTP_TOO_LARGE)
            why = "the reply is larger than allowed";
        size_t len = strcspn(why, "\r\n");
        len = len < sizeof reply.detail - 1 ? len : sizeof reply.detail - 1;
        memcpy(reply.detail, why, len);
        reply.detail[len] = 0;
    }
    curl.multi_remove_handle(h->multi, x->easy);
    list_remove(&h->open, x);
    if (h->base.on_done)
        h->base.on_done(h->base.ctx, x->tag, &reply);
    da_buf_release(&x->body);
    list_push(&h->idle, x);
}

/* --- moving data ------------------------------------------------------------- */

static int poll_budget_ms(const struct curl_http *h, unsigned timeout_ms)
{
    if (h->timer_set) {
        uint64_t now = now_ns();
        uint64_t left = h->timer_ns > now ? (h->timer_ns - now + 999999u) / 1000000u : 0;
        if (left < timeout_ms)
            return (int)left;
    }
    return (int)timeout_ms;
}

static CURLMcode act(struct curl_http *h, size_t n_ready)
{
    int running = 0;
    CURLMcode code = CURLM_OK;
    for (size_t i = 0; i < n_ready && code == CURLM_OK; i++) {
        short ev = h->ready[i].revents;
        int mask = ((ev & POLLIN) ? CURL_CSELECT_IN : 0) | ((ev & POLLOUT) ? CURL_CSELECT_OUT : 0) |
                   ((ev & (POLLERR | POLLHUP | POLLNVAL)) ? CURL_CSELECT_ERR : 0);
        code = curl.multi_socket_action(h->multi, h->ready[i].fd, mask, &running);
    }
    if (code == CURLM_OK && h->timer_set && now_ns() >= h->timer_ns) {
        h->timer_set = false;
        code = curl.multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    return code;
}

static enum da_rc transport_wait(struct da_http *base, unsigned timeout_ms, struct da_err *err)
{
    struct curl_http *h = (struct curl_http *)base;
    int n = poll(h->fds, (nfds_t)h->n_fds, poll_budget_ms(h, timeout_ms));
    if (n < 0 && errno != EINTR)
        return da_fail_errno(err, DA_EIO, errno, "waiting for the network");
    size_t n_ready = 0; /* a copy: acting on one descriptor may remove others */
    for (size_t i = 0; n > 0 && i < h->n_fds; i++)
        if (h->fds[i].revents) {
            DA_GROW(h->ready, n_ready, h->cap_ready);
            h->ready[n_ready++] = h->fds[i];
        }
    CURLMcode code = act(h, n_ready);
    if (code != CURLM_OK)
        return da_fail(err, DA_EIO, "libcurl: %s", curl.multi_strerror(code));
    int left;
    for (CURLMsg *m; (m = curl.multi_info_read(h->multi, &left));)
        if (m->msg == CURLMSG_DONE) {
            struct exchange *x = NULL;
            curl.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
            finish(h, x, m->data.result);
        }
    return DA_OK;
}

static void transport_free(struct da_http *base)
{
    struct curl_http *h = (struct curl_http *)base;
    for (struct exchange *x = h->open, *next; x; x = next) {
        next = x->next;
        curl.multi_remove_handle(h->multi, x->easy);
        exchange_free(x);
    }
    for (struct exchange *x = h->idle, *next; x; x = next) {
        next = x->next;
        exchange_free(x);
    }
    curl.multi_cleanup(h->multi);
    for (size_t i = 0; i < h->n_fds; i++)
        free(h->watches[i]);
    free(h->fds);
    free(h->watches);
    free(h->ready);
    free(h->ca_file);
    free(h);
    curl.global_cleanup();
}

enum da_rc da_http_curl_new(struct da_http **ret, const struct da_http_opts *opts,
                            struct da_err *err)
{
    if (!load_curl())
        return da_fail(err, DA_EUNSUPPORTED, "the network cannot be used: libcurl is missing");
    if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return da_fail(err, DA_EIO, "libcurl cannot be started");
    CURLM *multi = curl.multi_init();
    if (!multi) {
        curl.global_cleanup();
        return da_fail(err, DA_ENOMEM, "libcurl has no memory");
    }
    struct curl_http *h = da_calloc(1, sizeof *h);
    long connections = opts->max_connections ? (long)opts->max_connections : DEFAULT_CONNECTIONS;
    h->multi = multi;
    h->base.start = transport_start;
    h->base.wait = transport_wait;
    h->base.free = transport_free;
    h->connect_timeout_ms =
        opts->connect_timeout_ms ? (long)opts->connect_timeout_ms : DEFAULT_CONNECT_MS;
    h->ca_file = opts->ca_file ? da_strdup(opts->ca_file) : NULL;
    curl.multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl.multi_setopt(multi, CURLMOPT_SOCKETDATA, h);
    curl.multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl.multi_setopt(multi, CURLMOPT_TIMERDATA, h);
    curl.multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl.multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, connections);
    curl.multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections);
    curl.multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS,
                      opts->max_streams ? (long)opts->max_streams : (long)DEFAULT_STREAMS);
    *ret = &h->base;
    return DA_OK;
}

enum da_rc da_http_join(const char *base, const char *ref, struct da_buf *out, struct da_err *err)
{
    if (!load_curl())
        return da_fail(err, DA_EUNSUPPORTED, "'%.200s' cannot be read without libcurl", ref);
    CURLU *u = curl.url();
    char *text = NULL;
    enum da_rc rc = DA_OK;
    if (!u || curl.url_set(u, CURLUPART_URL, base, 0) || curl.url_set(u, CURLUPART_URL, ref, 0) ||
        curl.url_get(u, CURLUPART_URL, &text, 0))
        rc = da_fail(err, DA_EFORMAT, "'%.200s' is no address", ref);
    else
        da_buf_add_str(out, text);
    curl.free(text);
    curl.url_cleanup(u);
    return rc;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    char *x = NULL, *y = NULL;
    bool same = !curl.url_get(a, part, &x, CURLU_DEFAULT_PORT) &&
                !curl.url_get(b, part, &y, CURLU_DEFAULT_PORT) && strcasecmp(x, y) == 0;
    curl.free(x);
    curl.free(y);
    return same;
}

bool da_http_same_origin(const char *a, const char *b)
{
    if (!load_curl())
        return strcmp(a, b) == 0;
    CURLU *x = curl.url(), *y = curl.url();
    bool same = x && y && !curl.url_set(x, CURLUPART_URL, a, 0) &&
                !curl.url_set(y, CURLUPART_URL, b, 0) && same_part(x, y, CURLUPART_SCHEME) &&
                same_part(x, y, CURLUPART_HOST) && same_part(x, y, CURLUPART_PORT);
    curl.url_cleanup(x);
    curl.url_cleanup(y);
    return same;
}

#else

enum da_rc da_http_join(const char *base, const char *ref, struct da_buf *out, struct da_err *err)
{
    (void)base;
    (void)ref;
    (void)out;
    return da_fail(err, DA_EUNSUPPORTED, "this build was made without libcurl");
}

bool da_http_same_origin(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

enum da_rc da_http_curl_new(struct da_http **ret, const struct da_http_opts *opts,
                            struct da_err *err)
{
    (void)ret;
    (void)opts;
    return da_fail(err, DA_EUNSUPPORTED,
                   "this build cannot use the network: it was made without libcurl");
}

#endif
