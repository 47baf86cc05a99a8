/* SHA-256 (FIPS 180-4) and XXH64 (xxHash specification 0.1.1). */

#include "common/hash.h"

#include <string.h>

#include "common/cpu.h"
#include "common/sha256_x86.h"

enum { SHA_LONG = 4096 }; /* bytes from which on asking the processor is worth it */

static const uint32_t sha_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotr(uint32_t x, unsigned n)
{
    return (x >> n) | (x << (32 - n));
}

static uint32_t load_be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The eight working variables stay in registers: instead of moving them on each round, each of
 * eight rounds names them one place further. */
#define SHA_ROUND(a, b, c, d, e, f, g, h, i)                                                       \
    do {                                                                                           \
        uint32_t t =                                                                               \
            h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (g ^ (e & (f ^ g))) + sha_k[i] + w[i];  \
        d += t;                                                                                    \
        h = t + (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (c & (a ^ b)));              \
    } while (0)

static void sha_block(uint32_t state[8], const unsigned char *p)
{
    uint32_t w[64];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    unsigned i;
    for (i = 0; i < 16; i++)
        w[i] = load_be32(p + 4 * i);
    for (; i < 64; i++) {
        uint32_t s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
        uint32_t s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    for (i = 0; i < 64; i += 8) {
        SHA_ROUND(a, b, c, d, e, f, g, h, i);
        SHA_ROUND(h, a, b, c, d, e, f, g, i + 1);
        SHA_ROUND(g, h, a, b, c, d, e, f, i + 2);
        SHA_ROUND(f, g, h, a, b, c, d, e, i + 3);
        SHA_ROUND(e, f, g, h, a, b, c, d, i + 4);
        SHA_ROUND(d, e, f, g, h, a, b, c, i + 5);
        SHA_ROUND(c, d, e, f, g, h, a, b, i + 6);
        SHA_ROUND(b, c, d, e, f, g, h, a, i + 7);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

void da_sha256_init(struct da_sha256 *h)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(h->state, start, sizeof start);
    h->n_bytes = 0;
    h->fast = 0;
}

static void sha_blocks(struct da_sha256 *h, const unsigned char *p, size_t n)
{
#if defined(__x86_64__)
    if (h->fast > 0) {
        da_sha256_x86(h->state, sha_k, p, n);
        return;
    }
#endif
    for (; n > 0; n--, p += 64)
        sha_block(h->state, p);
}

void da_sha256_add(struct da_sha256 *h, const void *data, size_t len)
{
    const unsigned char *p = data;
    size_t have = (size_t)(h->n_bytes % 64);
    h->n_bytes += len;
    if (len >= SHA_LONG && h->fast == 0)
        h->fast = da_cpu_detect().sha ? 1 : -1;
    if (have) {
        size_t n = 64 - have < len ? 64 - have : len;
        memcpy(h->block + have, p, n);
        p += n;
        len -= n;
        if (have + n < 64)
            return;
        sha_blocks(h, h->block, 1);
    }
    sha_blocks(h, p, len / 64);
    if (len % 64)
        memcpy(h->block, p + len / 64 * 64, len % 64);
}

void da_sha256_end(struct da_sha256 *h, unsigned char out[DA_SHA256_LEN])
{
    static const unsigned char pad[64] = {0x80};
    uint64_t bits = h->n_bytes * 8;
    size_t have = (size_t)(h->n_bytes % 64);
    unsigned char length[8];
    unsigned i;
    for (i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    da_sha256_add(h, pad, (have < 56 ? 56 : 120) - have);
    da_sha256_add(h, length, 8);
    for (i = 0; i < DA_SHA256_LEN; i++)
        out[i] = (unsigned char)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}

void da_hex(const unsigned char *p, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;
    for (i = 0; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * len] = 0;
}

void da_sha256_hex(const void *p, size_t len, char hex[DA_SHA256_HEX_LEN + 1])
{
    struct da_sha256 h;
    unsigned char out[DA_SHA256_LEN];
    da_sha256_init(&h);
    da_sha256_add(&h, p, len);
    da_sha256_end(&h, out);
    da_hex(out, sizeof out, hex);
}

/* --- XXH64 ------------------------------------------------------------------ */

#define P1 0x9e3779b185ebca87u
#define P2 0xc2b2ae3d27d4eb4fu
#define P3 0x165667b19e3779f9u
#define P4 0x85ebca77c2b2ae63u
#define P5 0x27d4eb2f165667c5u

static uint64_t rotl64(uint64_t x, unsigned n)
{
    return (x << n) | (x >> (64 - n));
}

static uint64_t load_le64(const unsigned char *p)
{
    uint64_t v = 0;
    unsigned i;
    for (i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static uint32_t load_le32(const unsigned char *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint64_t xxh_round(uint64_t acc, uint64_t input)
{
    return rotl64(acc + input * P2, 31) * P1;
}

static uint64_t xxh_merge(uint64_t h, uint64_t v)
{
    return (h ^ xxh_round(0, v)) * P1 + P4;
}

static uint64_t xxh_stripes(const unsigned char **p, size_t *len, uint64_t seed)
{
    uint64_t v[4] = {seed + P1 + P2, seed + P2, seed, seed - P1};
    uint64_t h;
    unsigned i;
    for (; *len >= 32; *p += 32, *len -= 32)
        for (i = 0; i < 4; i++)
            v[i] = xxh_round(v[i], load_le64(*p + 8 * i));
    h = rotl64(v[0], 1) + rotl64(v[1], 7) + rotl64(v[2], 12) + rotl64(v[3], 18);
    for (i = 0; i < 4; i++)
        h = xxh_merge(h, v[i]);
    return h;
}

uint64_t da_hash64(const void *data, size_t len, uint64_t seed)
{
    const unsigned char *p = data;
    size_t total = len;
    uint64_t h = len >= 32 ? xxh_stripes(&p, &len, seed) : seed + P5;
    h += total;
    for (; len >= 8; p += 8, len -= 8)
        h = rotl64(h ^ xxh_round(0, load_le64(p)), 27) * P1 + P4;
    if (len >= 4) {
        h = rotl64(h ^ (uint64_t)load_le32(p) * P1, 23) * P2 + P3;
        p += 4;
        len -= 4;
    }
    for (; len; p++, len--)
        h = rotl64(h ^ *p * P5, 11) * P1;
    h = (h ^ (h >> 33)) * P2;
    h = (h ^ (h >> 29)) * P3;
    return h ^ (h >> 32);
}
