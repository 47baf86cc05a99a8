#ifndef API_DOWNLOAD_H
#define API_DOWNLOAD_H

/*
 * Files over HTTP: grown in PATH.part, continued from where they stopped, checked, and renamed
 * when they are whole and what they should be.
 *
 * A token goes to the origin (scheme, host, port) it belongs to and nowhere else: not after a
 * redirect to another host, and never over plain http beyond loopback. A redirect from https to
 * http is refused.
 */

#include <signal.h>
#include <stdint.h>

#include "api/http.h"
#include "common/buf.h"
#include "common/err.h"

struct da_fetch {
    struct da_http *http;
    const char *token;                 /* NULL or empty: none */
    const char *home;                  /* address whose origin the token belongs to */
    const volatile sig_atomic_t *stop; /* NULL allowed */
    unsigned retry_ms;                 /* first pause after a failure, doubled each time; 0: 1000 */
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* NULL allowed */
    void *ctx;
};

/* Small texts: appended to out, at most max_bytes. accept: media types, NULL for any. */
enum da_rc da_fetch_text(const struct da_fetch *f, const char *url, const char *accept,
                         size_t max_bytes, struct da_buf *out, struct da_err *err);

struct da_fetch_file {
    const char *url, *path;
    uint64_t size;      /* 0: unknown */
    uint64_t max_bytes; /* of one whose size is unknown */
    const char *sha256; /* hex, or NULL */
    const char *git;    /* git's SHA-1 of the file as a blob, or NULL */
};

/* A file that stands under its name with the right size was checked when it got the name, and is
 * not fetched again. */
enum da_rc da_fetch_file(const struct da_fetch *f, const struct da_fetch_file *file,
                         struct da_err *err);

#endif
