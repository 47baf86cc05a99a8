#ifndef COMMON_SHA1_H
#define COMMON_SHA1_H

/* SHA-1 (FIPS 180-4), for git's names of files. It finds accidents, not attackers. */

#include <stddef.h>

enum { DA_SHA1_HEX = 40 };

/* Of head, then p; writes 40 lower-case digits and a NUL. */
void da_sha1_hex(const void *head, size_t head_len, const void *p, size_t len,
                 char out[DA_SHA1_HEX + 1]);

#endif
