#ifndef COMMON_ERR_H
#define COMMON_ERR_H

/*
 * Errors: a code for the program, a message for the person.
 *
 * A function that can fail returns enum da_rc and fills a struct da_err given
 * as its last parameter. The caller owns the struct (usually on its stack);
 * NULL means "only the code matters". Nothing here allocates.
 */

#include "common/attr.h"

enum da_rc {
    DA_OK = 0,
    DA_EUSAGE,       /* the caller of the program asked for something impossible */
    DA_EIO,          /* open, read, write, sync or rename failed */
    DA_ENOTFOUND,    /* a named thing does not exist */
    DA_EFORMAT,      /* input bytes are not what their format demands */
    DA_ELIMIT,       /* a named maximum was reached */
    DA_ENOMEM,       /* a size that came from input could not be allocated */
    DA_EUNSUPPORTED, /* understood, but not something this build can do */
    DA_ESERVICE,     /* a service is unavailable; trying again may help */
    DA_EAUTH,        /* a service refused the key */
    DA_EINTR,        /* interrupted by the user */
    DA_EMISMATCH     /* two inputs that must belong together do not */
};

enum { DA_ERR_MSG_MAX = 1024 };

struct da_err {
    enum da_rc code;
    char msg[DA_ERR_MSG_MAX]; /* one line, no trailing newline or full stop */
};

/* Fills err (NULL allowed) and returns code, so that `return da_fail(...)` reads well. */
enum da_rc da_fail(struct da_err *err, enum da_rc code, const char *fmt, ...) DA_PRINTF(3, 4);

/* Puts "context: " before the message of a filled err and returns its code. */
enum da_rc da_err_context(struct da_err *err, enum da_rc code, const char *fmt, ...)
    DA_PRINTF(3, 4);

/* Like da_fail with ": " and the text of errno value errnum after the message. */
enum da_rc da_fail_errno(struct da_err *err, enum da_rc code, int errnum, const char *fmt, ...)
    DA_PRINTF(4, 5);

/* A short static name of a code ("format", "io"), for logs and tests. */
const char *da_rc_name(enum da_rc code);

#endif
