#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

/* UTF-8 (RFC 3629). The only module that uses utf8proc. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

enum { DA_UTF8_MAX_LEN = 4, DA_UTF8_REPLACEMENT = 0xFFFD };

/* Length of the valid prefix; len when all of it is valid. */
size_t da_utf8_valid_len(const char *p, size_t len);
bool da_utf8_valid(const char *p, size_t len);

/* Decodes one character of [p, end), p < end; returns its bytes. An invalid byte
 * gives U+FFFD and 1. */
size_t da_utf8_decode(const char *p, const char *end, uint32_t *cp);
/* Writes cp (a scalar value; anything else becomes U+FFFD); returns 1..4. */
size_t da_utf8_encode(uint32_t cp, char out[DA_UTF8_MAX_LEN]);
void da_buf_add_utf8(struct da_buf *b, uint32_t cp);

/* Number of code points of valid text. */
size_t da_utf8_count(const char *p, size_t len);

/* Appends text with each maximal invalid part replaced by U+FFFD; returns their number. */
size_t da_utf8_sanitize(const char *p, size_t len, struct da_buf *out);

/* Appends the NFC form of valid text. */
enum da_rc da_utf8_nfc(const char *p, size_t len, struct da_buf *out, struct da_err *err);

/* The compatibility decomposition (NFKD) of one character; 0 when it has none. */
enum { DA_UTF8_COMPAT_MAX = 18 };
size_t da_utf8_compat(uint32_t cp, uint32_t out[DA_UTF8_COMPAT_MAX]);

/* Start of the grapheme cluster (UAX 29) that holds byte offset at; at itself on a boundary. */
size_t da_utf8_grapheme_floor(const char *p, size_t len, size_t at);

/* General category as two letters ("Lu", "Nd", "Cn"), static. */
const char *da_utf8_category(uint32_t cp);
/* Simple lower case of one code point. */
uint32_t da_utf8_tolower(uint32_t cp);

#endif
