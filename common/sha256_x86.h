#ifndef COMMON_SHA256_X86_H
#define COMMON_SHA256_X86_H

/* Private to hash.c: SHA-256 by the SHA instructions of x86 processors (da_cpu.sha). */

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
/* Takes n_blocks of 64 bytes into state; k: the 64 constants of FIPS 180-4. */
void da_sha256_x86(uint32_t state[8], const uint32_t k[64], const unsigned char *p,
                   size_t n_blocks);
#endif

#endif
