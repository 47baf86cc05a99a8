#include "common/sha1.h"

#include <stdint.h>
#include <string.h>

#include "common/hash.h"

struct sha1 {
    uint32_t h[5];
    unsigned char block[64];
    uint64_t n_bytes;
};

static uint32_t turn(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static void step(uint32_t h[5], const unsigned char *p)
{
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
               (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999u
                     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1u
                     : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu
                              : (b ^ c ^ d) + 0xca62c1d6u;
        uint32_t t = turn(a, 5) + f + e + w[i];
        e = d;
        d = c;
        c = turn(b, 30);
        b = a;
        a = t;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

static void add(struct sha1 *s, const unsigned char *p, size_t len)
{
    for (; len > 0;) {
        size_t at = (size_t)(s->n_bytes % 64), n = len < 64 - at ? len : 64 - at;
        memcpy(s->block + at, p, n);
        s->n_bytes += n;
        p += n;
        len -= n;
        if (at + n == 64)
            step(s->h, s->block);
    }
}

void da_sha1_hex(const void *head, size_t head_len, const void *p, size_t len,
                 char out[DA_SHA1_HEX + 1])
{
    static const unsigned char PAD[64] = {0x80};
    struct sha1 s = {.h = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u}};
    unsigned char end[8], sum[20];
    add(&s, head, head_len);
    add(&s, p, len);
    uint64_t bits = 8 * s.n_bytes;
    for (int i = 0; i < 8; i++)
        end[i] = (unsigned char)(bits >> (56 - 8 * i));
    add(&s, PAD, 1 + (size_t)((119 - s.n_bytes % 64) % 64));
    add(&s, end, 8);
    for (int i = 0; i < 20; i++)
        sum[i] = (unsigned char)(s.h[i / 4] >> (24 - 8 * (i % 4)));
    da_hex(sum, sizeof sum, out);
}
