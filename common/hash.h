#ifndef COMMON_HASH_H
#define COMMON_HASH_H

/*
 * SHA-256 (FIPS 180-4) for identity, a fast 64-bit hash (XXH64) for tables and
 * shingles. Both give the same value on every machine.
 */

#include <stddef.h>
#include <stdint.h>

enum { DA_SHA256_LEN = 32, DA_SHA256_HEX_LEN = 64 };

struct da_sha256 {
    uint32_t state[8];
    uint64_t n_bytes;
    unsigned char block[64];
    int fast; /* by the processor's own instructions: 1, -1 no, 0 until the first long piece */
};

void da_sha256_init(struct da_sha256 *h);
void da_sha256_add(struct da_sha256 *h, const void *p, size_t len);
void da_sha256_end(struct da_sha256 *h, unsigned char out[DA_SHA256_LEN]);

/* hex: 64 lower-case digits and a NUL. */
void da_sha256_hex(const void *p, size_t len, char hex[DA_SHA256_HEX_LEN + 1]);
void da_hex(const unsigned char *p, size_t len, char *out /* 2 * len + 1 */);

uint64_t da_hash64(const void *p, size_t len, uint64_t seed);

/* One well-mixed word from another (splitmix64's finalizer). */
static inline uint64_t da_mix64(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

#endif
