/* TAP output: see tap.h. State is the process's, as a test program is one run. */

#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* nftw */
#endif

#include "tests/tap.h"

#include <ftw.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int n_run, n_failed;
static char tmpdir[128];

static bool report(bool ok, const char *fmt, va_list ap)
{
    printf("%sok %d - ", ok ? "" : "not ", ++n_run);
    vprintf(fmt, ap);
    putchar('\n');
    n_failed += !ok;
    fflush(stdout);
    return ok;
}

#define REPORT(ok, fmt)                                                                          \
    va_list ap;                                                                                  \
    va_start(ap, fmt);                                                                           \
    (void)report(ok, fmt, ap);                                                                   \
    va_end(ap)

bool tap_ok(bool ok, const char *fmt, ...)
{
    REPORT(ok, fmt);
    return ok;
}

bool tap_is_str(const char *got, const char *want, const char *fmt, ...)
{
    bool ok = got && want ? strcmp(got, want) == 0 : got == want;
    REPORT(ok, fmt);
    if (!ok)
        tap_diag("got  '%s'\nwant '%s'", got ? got : "(null)", want ? want : "(null)");
    return ok;
}

bool tap_is_mem(const void *got, size_t got_len, const void *want, size_t want_len,
                const char *fmt, ...)
{
    bool ok = got_len == want_len && (want_len == 0 || memcmp(got, want, want_len) == 0);
    REPORT(ok, fmt);
    if (!ok) {
        size_t i = 0;
        while (i < got_len && i < want_len &&
               ((const char *)got)[i] == ((const char *)want)[i])
            i++;
        tap_diag("%zu bytes, want %zu; first difference at byte %zu", got_len, want_len, i);
    }
    return ok;
}

bool tap_is_int(long long got, long long want, const char *fmt, ...)
{
    REPORT(got == want, fmt);
    if (got != want)
        tap_diag("got %lld, want %lld", got, want);
    return got == want;
}

bool tap_is_double(double got, double want, double rel, const char *fmt, ...)
{
    double scale = fmax(fabs(want), 1e-300);
    bool ok = got == want || (isnan(got) && isnan(want)) || fabs(got - want) <= rel * scale;
    REPORT(ok, fmt);
    if (!ok)
        tap_diag("got %.17g, want %.17g", got, want);
    return ok;
}

bool tap_rc(enum da_rc rc, const struct da_err *err, const char *fmt, ...)
{
    REPORT(rc == DA_OK, fmt);
    if (rc != DA_OK)
        tap_diag("%s: %s", da_rc_name(rc), err ? err->msg : "");
    return rc == DA_OK;
}

void tap_skip(const char *why, const char *fmt, ...)
{
    va_list ap;
    printf("ok %d - ", ++n_run);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf(" # SKIP %s\n", why);
}

void tap_diag(const char *fmt, ...)
{
    char text[4096];
    const char *p = text;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    while (*p) {
        size_t n = strcspn(p, "\n");
        printf("# %.*s\n", (int)n, p);
        p += n + (p[n] == '\n');
    }
}

const char *tap_shared(const char *name)
{
    static char path[1024];
    const char *base = getenv("DOCASSIST_SHARED");
    (void)snprintf(path, sizeof path, "%s/%s", base && *base ? base : "../shared", name);
    return access(path, R_OK) == 0 ? path : NULL;
}

const char *tap_tmpdir(void)
{
    if (!tmpdir[0]) {
        const char *base = getenv("TMPDIR");
        (void)snprintf(tmpdir, sizeof tmpdir, "%s/docassist-test-XXXXXX",
                       base && *base ? base : "/tmp");
        if (!mkdtemp(tmpdir)) {
            perror(tmpdir);
            exit(1);
        }
    }
    return tmpdir;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int tap_done(void)
{
    printf("1..%d\n", n_run);
    if (tmpdir[0])
        (void)nftw(tmpdir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return n_failed ? 1 : 0;
}

double tap_patience(void)
{
    return getenv("DOCASSIST_SMALL") ? 20 : 1;
}
