/* Calls to /files and /batches: see the header. */

#include "api/batch_remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/client.h"
#include "api/retry.h"
#include "common/mem.h"

#define MAX_REPLY_BYTES ((size_t)1 << 30) /* of 50,000 results */
#define BACKOFF_BASE_MS 500u
#define BACKOFF_CAP_MS 30000u
#define MAX_WAIT_MS 600000
#define MARK_NAME "docassist" /* the metadata member that tells our batches */
#define MAX_PAGES 1000

static char *text_of(const char *a, const char *b, const char *c)
{
    struct da_buf s;
    da_buf_init(&s, 0);
    da_buf_addf(&s, "%s%s%s", a, b, c);
    return da_buf_take(&s, NULL);
}

enum da_rc da_remote_init(struct da_remote *r, const struct da_endpoint_opts *e, struct da_err *err)
{
    bool has_key = e->key && e->key[0];
    size_t len = strlen(e->base_url);
    enum da_rc rc = da_http_check_url(e->base_url, has_key, err);
    if (rc)
        return rc;
    while (len > 0 && e->base_url[len - 1] == '/')
        len--;
    r->base = da_strndup(e->base_url, len);
    r->query = e->api_version ? text_of("?api-version=", e->api_version, "") : da_strdup("");
    if (has_key) {
        r->key = da_strdup(e->key);
        r->auth = text_of(e->api_version ? "api-key: " : "Authorization: Bearer ", e->key, "");
    }
    return DA_OK;
}

void da_remote_release(struct da_remote *r)
{
    if (r->key)
        memset(r->key, 0, strlen(r->key));
    if (r->auth)
        memset(r->auth, 0, strlen(r->auth));
    free(r->key);
    free(r->auth);
    free(r->base);
    free(r->query);
}

/* --- one exchange -------------------------------------------------------------- */

struct call {
    const char *method, *path, *type; /* type: Content-Type header line, or NULL */
    struct da_span body;
    bool once; /* a try that may have arrived is not repeated */
};

/* What became of a `once` call that may have arrived. */
#define MAYBE_DONE DA_EINTR

static enum da_rc fail_with(const struct da_remote *r, const struct call *c,
                            enum da_try_class class, const struct da_http_reply *reply,
                            const struct da_chat_error *e, struct da_err *err)
{
    enum da_rc code = class == DA_TRY_DENIED                                    ? DA_EAUTH
                      : class == DA_TRY_REJECTED || class == DA_TRY_UNSUPPORTED ? DA_EFORMAT
                                                                                : DA_ESERVICE;
    if (reply->status == 404)
        code = DA_ENOTFOUND;
    if (reply->failure)
        return da_fail(err, code, "%s %s%s: %s", c->method, r->base, c->path, reply->detail);
    return da_fail(err, code, "%s %s%s: %d %s%s%s", c->method, r->base, c->path, reply->status,
                   e->code, e->code[0] && e->message[0] ? ": " : "", e->message);
}

static void wait_before_retry(const struct da_remote *r, const struct da_http_reply *reply,
                              unsigned n)
{
    int64_t asked = da_retry_after_ms(reply, r->clock->unix_ms(r->clock->ctx));
    uint64_t ms = da_retry_delay_ms(0, n, n, BACKOFF_BASE_MS, BACKOFF_CAP_MS);
    if (asked >= 0)
        ms = (uint64_t)(asked < MAX_WAIT_MS ? asked : MAX_WAIT_MS);
    r->clock->sleep_ns(r->clock->ctx, ms * 1000000u);
}

static enum da_rc exchange(struct da_remote *r, const struct call *c, struct da_buf *out,
                           struct da_err *err)
{
    char *url = text_of(r->base, c->path, strchr(c->path, '?') ? "" : r->query);
    struct da_http_request req = {.method = c->method,
                                  .url = url,
                                  .headers = {"Accept: application/json", NULL, NULL},
                                  .body = c->body.p,
                                  .body_len = c->body.len,
                                  .timeout_ms = r->timeout_ms,
                                  .max_reply_bytes = MAX_REPLY_BYTES};
    struct da_buf headers;
    size_t start = out->len, n_headers = 1;
    enum da_rc rc = DA_OK;
    if (c->type)
        req.headers[n_headers++] = c->type;
    req.headers[n_headers] = r->auth;
    da_buf_init(&headers, 0);
    for (unsigned n = 0;; n++) {
        struct da_http_reply reply = {.status = 0};
        struct da_chat_error e = {.message = ""};
        da_buf_truncate(out, start);
        da_buf_reset(&headers);
        rc = da_http_do(r->http, &req, &headers, out, &reply, err);
        if (rc)
            break;
        da_chat_parse_error(reply.body, r->key, &e);
        enum da_try_class class = da_try_classify(&reply, &e, ~0u);
        if (class == DA_TRY_OK)
            break;
        bool may_have_arrived = class == DA_TRY_TRANSIENT;
        bool again =
            class == DA_TRY_TRANSIENT || class == DA_TRY_PACED || class == DA_TRY_UNREACHABLE;
        if (!again || n + 1 >= r->max_tries) {
            rc = fail_with(r, c, class, &reply, &e, err);
            break;
        }
        wait_before_retry(r, &reply, n);
        if (c->once && may_have_arrived) {
            rc = MAYBE_DONE;
            break;
        }
    }
    da_buf_release(&headers);
    free(url);
    return rc;
}

static enum da_rc exchange_json(struct da_remote *r, const struct call *c, struct da_json **ret,
                                struct da_err *err)
{
    struct da_buf body;
    da_buf_init(&body, 0);
    enum da_rc rc = exchange(r, c, &body, err);
    if (!rc) {
        rc = da_json_parse(body.p, body.len, ret, err);
        if (rc)
            rc = da_err_context(err, rc, "%s %s%s", c->method, r->base, c->path);
    }
    da_buf_release(&body);
    return rc;
}

/* --- plain calls ----------------------------------------------------------------- */

enum da_rc da_remote_get(struct da_remote *r, const char *path, struct da_json **ret,
                         struct da_err *err)
{
    struct call c = {"GET", path, NULL, {NULL, 0}, false};
    return exchange_json(r, &c, ret, err);
}

enum da_rc da_remote_download(struct da_remote *r, const char *file_id, struct da_buf *out,
                              struct da_err *err)
{
    char *path = text_of("/files/", file_id, "/content");
    struct call c = {"GET", path, NULL, {NULL, 0}, false};
    enum da_rc rc = exchange(r, &c, out, err);
    free(path);
    return rc;
}

enum da_rc da_remote_delete_file(struct da_remote *r, const char *file_id, struct da_err *err)
{
    char *path = text_of("/files/", file_id, "");
    struct call c = {"DELETE", path, NULL, {NULL, 0}, false};
    struct da_buf body;
    da_buf_init(&body, 0);
    enum da_rc rc = exchange(r, &c, &body, err);
    da_buf_release(&body);
    free(path);
    return rc == DA_ENOTFOUND ? DA_OK : rc;
}

enum da_rc da_remote_cancel(struct da_remote *r, const char *batch_id, struct da_err *err)
{
    char *path = text_of("/batches/", batch_id, "/cancel");
    struct call c = {"POST", path, "Content-Type: application/json", {"{}", 2}, false};
    struct da_json *root = NULL;
    enum da_rc rc = exchange_json(r, &c, &root, err);
    da_json_free(root);
    free(path);
    return rc;
}

/* --- what must not happen twice ----------------------------------------------------- */

bool da_remote_copy_id(const struct da_json *o, const char *key, char out[DA_REMOTE_ID_MAX])
{
    struct da_span s;
    out[0] = 0;
    if (!da_json_str(da_json_get(o, key), &s) || s.len == 0 || s.len >= DA_REMOTE_ID_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("-_.", s.p[i]) && !(s.p[i] >= '0' && s.p[i] <= '9') &&
            !((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z'))
            return false;
    memcpy(out, s.p, s.len + 1);
    return true;
}

/* Whether an element of a list is the one looked for. */
typedef bool (*match_fn)(const struct da_json *o, const char *what);

static bool has_filename(const struct da_json *o, const char *what)
{
    struct da_span s;
    return da_json_str(da_json_get(o, "filename"), &s) && da_span_is(s, what);
}

static bool has_mark(const struct da_json *o, const char *what)
{
    struct da_span s;
    return da_json_str(da_json_get(da_json_get(o, "metadata"), MARK_NAME), &s) &&
           da_span_is(s, what);
}

/* Looks through the pages of a list; id is "" when nothing matches. */
static enum da_rc find_in_list(struct da_remote *r, const char *list, match_fn match,
                               const char *what, char *id, struct da_err *err)
{
    char last[DA_REMOTE_ID_MAX] = "";
    bool more = true;
    enum da_rc rc = DA_OK;
    id[0] = 0;
    for (int page = 0; more && !rc && !id[0] && page < MAX_PAGES; page++) {
        struct da_json *root = NULL;
        char path[512];
        const char *api = r->query[0] ? r->query + 1 : "";
        (void)snprintf(path, sizeof path, "%s&limit=100%s%s%s%s", list, last[0] ? "&after=" : "",
                       last, api[0] ? "&" : "", api);
        rc = da_remote_get(r, path, &root, err);
        more = false;
        if (!rc)
            (void)da_json_bool(da_json_get(root, "has_more"), &more);
        const struct da_json *o = da_json_first(da_json_get(root, "data"));
        more = more && o;
        for (; o && !id[0]; o = da_json_next(o)) {
            if (!da_remote_copy_id(o, "id", last))
                more = false;
            else if (match(o, what))
                memcpy(id, last, sizeof last);
        }
        da_json_free(root);
    }
    return rc;
}

/* Looks first, does it if it is not there, and looks again if it may have been done. */
static enum da_rc do_once(struct da_remote *r, const char *list, match_fn match, const char *what,
                          const struct call *c, char *id, struct da_err *err)
{
    enum da_rc rc = MAYBE_DONE;
    for (unsigned n = 0; rc == MAYBE_DONE; n++) {
        struct da_json *root = NULL;
        if (n >= r->max_tries)
            return da_fail(err, DA_ESERVICE, "%s %s%s: no answer", c->method, r->base, c->path);
        rc = find_in_list(r, list, match, what, id, err);
        if (rc || id[0])
            return rc;
        rc = exchange_json(r, c, &root, err);
        if (!rc && !da_remote_copy_id(root, "id", id))
            rc = da_fail(err, DA_EFORMAT, "%s %s%s: the reply has no id", c->method, r->base,
                         c->path);
        da_json_free(root);
    }
    return rc;
}

enum da_rc da_remote_upload(struct da_remote *r, const char *filename, const char *boundary,
                            struct da_span body, char *id, struct da_err *err)
{
    char *type = text_of("Content-Type: multipart/form-data; boundary=", boundary, "");
    struct call c = {"POST", "/files", type, body, true};
    enum da_rc rc = do_once(r, "/files?purpose=batch", has_filename, filename, &c, id, err);
    free(type);
    return rc;
}

enum da_rc da_remote_create(struct da_remote *r, const char *file_id, const char *mark, char *id,
                            struct da_err *err)
{
    struct da_buf body;
    struct da_jw w;
    da_buf_init(&body, 0);
    da_jw_init(&w, &body);
    da_jw_object(&w);
    da_jw_kcstr(&w, "input_file_id", file_id);
    da_jw_kcstr(&w, "endpoint", "/v1/chat/completions");
    da_jw_kcstr(&w, "completion_window", "24h");
    da_jw_key(&w, "metadata");
    da_jw_object(&w);
    da_jw_kcstr(&w, MARK_NAME, mark);
    da_jw_end(&w);
    da_jw_end(&w);
    struct call c = {"POST", "/batches", "Content-Type: application/json",
                     da_span(body.p, body.len), true};
    enum da_rc rc = do_once(r, "/batches?order=desc", has_mark, mark, &c, id, err);
    da_buf_release(&body);
    return rc;
}
