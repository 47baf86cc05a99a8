#ifndef COMMON_JSON_SCAN_H
#define COMMON_JSON_SCAN_H

/*
 * Strict check of a JSON text (RFC 8259), private to json.c: what passes here is
 * safe to give to cJSON, which itself accepts more and checks no UTF-8.
 */

#include <stddef.h>

#include "common/err.h"

/* An integer that a double cannot hold exactly. */
struct da_json_big {
    size_t at, len; /* its digits in the text */
    size_t ordinal; /* which scalar value of the text it is, from 0 */
};

struct da_json_scan {
    struct da_json_big *big; /* [n_big], owned by the caller after the scan (free()) */
    size_t n_big, cap_big;
};

/* DA_EFORMAT "invalid JSON at byte N: why". */
enum da_rc da_json_scan(const char *p, size_t len, struct da_json_scan *ret,
                        struct da_err *err);

/* How many bytes at p stand in a JSON string as they are: no quote, backslash or control. */
size_t da_json_plain_len(const char *p, size_t len);

#endif
