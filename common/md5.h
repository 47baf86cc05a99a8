#ifndef COMMON_MD5_H
#define COMMON_MD5_H

/* MD5 (RFC 1321), for manifests that name it. It finds accidents, not attackers. */

#include <stddef.h>

enum { DA_MD5_HEX = 32 };

/* Writes 32 lowercase hexadecimal digits and a NUL. */
void da_md5_hex(const void *p, size_t len, char out[DA_MD5_HEX + 1]);

#endif
