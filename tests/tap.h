#ifndef TESTS_TAP_H
#define TESTS_TAP_H

/*
 * TAP for unit tests: one program per module, run under prove.
 *
 *     int main(void) { test_a(); test_b(); return tap_done(); }
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/attr.h"
#include "common/err.h"

/* One test point. Returns ok. */
bool tap_ok(bool ok, const char *fmt, ...) DA_PRINTF(2, 3);
/* Compares and prints both sides as diagnostics when they differ. */
bool tap_is_str(const char *got, const char *want, const char *fmt, ...) DA_PRINTF(3, 4);
bool tap_is_mem(const void *got, size_t got_len, const void *want, size_t want_len,
                const char *fmt, ...) DA_PRINTF(5, 6);
bool tap_is_int(long long got, long long want, const char *fmt, ...) DA_PRINTF(3, 4);
/* |got - want| <= rel * max(|want|, tiny); rel 0 asks for equality. */
bool tap_is_double(double got, double want, double rel, const char *fmt, ...) DA_PRINTF(4, 5);
/* rc is DA_OK; prints err->msg when not. */
bool tap_rc(enum da_rc rc, const struct da_err *err, const char *fmt, ...) DA_PRINTF(3, 4);
/* Counts as passed, but says visibly that it did not run. */
void tap_skip(const char *why, const char *fmt, ...) DA_PRINTF(2, 3);
void tap_diag(const char *fmt, ...) DA_PRINTF(1, 2);

/* How many times longer than usual a step may take: 1, or 20 on an emulated processor
 * and under sanitizers (DOCASSIST_SMALL in the environment). */
double tap_patience(void);

/* Path of a file of shared test material ("tokenizers/x.gguf") below $DOCASSIST_SHARED or
 * ../shared; NULL when it is not there. Valid until the next call. */
const char *tap_shared(const char *name);
/* A fresh temporary directory of this process, removed by tap_done. */
const char *tap_tmpdir(void);

/* Prints the plan, cleans up; 0 when all passed. */
int tap_done(void);

#endif
