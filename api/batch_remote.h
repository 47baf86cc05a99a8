#ifndef API_BATCH_REMOTE_H
#define API_BATCH_REMOTE_H

/* The server's side of batches: one function per call, each repeated until it answers. Private. */

#include "api/http.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"

enum { DA_REMOTE_ID_MAX = 128 };

struct da_remote {
    struct da_http *http;
    const struct da_clock *clock;
    struct da_log *log;
    char *base;  /* URL without a slash at its end; owned */
    char *query; /* "" or "?api-version=..."; owned */
    char *auth;  /* header line or NULL; owned */
    char *key;   /* for blotting out, or NULL; owned */
    unsigned max_tries;
    uint32_t timeout_ms;
};

struct da_endpoint_opts;
enum da_rc da_remote_init(struct da_remote *r, const struct da_endpoint_opts *e,
                          struct da_err *err);
void da_remote_release(struct da_remote *r);

/* The id under key; false, and out "", when there is none that may be part of an address. */
bool da_remote_copy_id(const struct da_json *o, const char *key, char out[DA_REMOTE_ID_MAX]);

/* One exchange that may be repeated safely; the parsed body is the caller's. */
enum da_rc da_remote_get(struct da_remote *r, const char *path, struct da_json **ret,
                         struct da_err *err);
/* The bytes of a file. */
enum da_rc da_remote_download(struct da_remote *r, const char *file_id, struct da_buf *out,
                              struct da_err *err);
/* A file that is gone already is fine. */
enum da_rc da_remote_delete_file(struct da_remote *r, const char *file_id, struct da_err *err);
enum da_rc da_remote_cancel(struct da_remote *r, const char *batch_id, struct da_err *err);

/*
 * These two must not happen twice: a try that may have reached the server is not repeated but
 * looked for. id (size DA_REMOTE_ID_MAX) gets the new or the adopted thing's.
 */
/* body: a whole multipart/form-data body with that boundary. */
enum da_rc da_remote_upload(struct da_remote *r, const char *filename, const char *boundary,
                            struct da_span body, char *id, struct da_err *err);
enum da_rc da_remote_create(struct da_remote *r, const char *file_id, const char *mark, char *id,
                            struct da_err *err);

#endif
