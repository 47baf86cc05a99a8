/* Errors: see err.h. */

#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum da_rc da_fail(struct da_err *err, enum da_rc code, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        err->code = code;
        (void)vsnprintf(err->msg, sizeof err->msg, fmt, ap);
        va_end(ap);
    }
    return code;
}

/* Appends ": " and text as far as there is room. */
static void append(struct da_err *err, const char *text)
{
    size_t n = strlen(err->msg);
    (void)snprintf(err->msg + n, sizeof err->msg - n, ": %s", text);
}

enum da_rc da_err_context(struct da_err *err, enum da_rc code, const char *fmt, ...)
{
    if (err) {
        char old[DA_ERR_MSG_MAX];
        va_list ap;
        memcpy(old, err->msg, sizeof old);
        va_start(ap, fmt);
        err->code = code;
        (void)vsnprintf(err->msg, sizeof err->msg, fmt, ap);
        va_end(ap);
        append(err, old);
    }
    return code;
}

enum da_rc da_fail_errno(struct da_err *err, enum da_rc code, int errnum, const char *fmt, ...)
{
    if (err) {
        char text[128];
        va_list ap;
        va_start(ap, fmt);
        err->code = code;
        (void)vsnprintf(err->msg, sizeof err->msg, fmt, ap);
        va_end(ap);
        if (strerror_r(errnum, text, sizeof text) != 0)
            (void)snprintf(text, sizeof text, "error %d", errnum);
        append(err, text);
    }
    return code;
}

const char *da_rc_name(enum da_rc code)
{
    switch (code) {
    case DA_OK: return "ok";
    case DA_EUSAGE: return "usage";
    case DA_EIO: return "io";
    case DA_ENOTFOUND: return "not-found";
    case DA_EFORMAT: return "format";
    case DA_ELIMIT: return "limit";
    case DA_ENOMEM: return "no-memory";
    case DA_EUNSUPPORTED: return "unsupported";
    case DA_ESERVICE: return "service";
    case DA_EAUTH: return "auth";
    case DA_EINTR: return "interrupted";
    case DA_EMISMATCH: return "mismatch";
    }
    return "unknown";
}
