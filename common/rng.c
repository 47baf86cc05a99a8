/*
 * numpy's default_rng: SeedSequence hashes the seed into 8 words, PCG64
 * (128-bit LCG, XSL-RR output) makes the stream. Where the compiler has no
 * 128-bit integers the arithmetic is done on two 64-bit halves.
 */

#include "common/rng.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "common/attr.h"
#include "common/maths.h"

struct u128 {
    uint64_t hi, lo;
};

static struct u128 mul64(uint64_t a, uint64_t b)
{
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t ll = al * bl, lh = al * bh, hl = ah * bl;
    uint64_t mid = (ll >> 32) + (uint32_t)lh + (uint32_t)hl;
    struct u128 r = {ah * bh + (lh >> 32) + (hl >> 32) + (mid >> 32),
                     (mid << 32) | (uint32_t)ll};
    return r;
}

#if DA_HAVE_U128
static inline void step(struct da_rng *r)
{
    const da_u128 mul = (da_u128)0x2360ed051fc65da4u << 64 | 0x4385df649fccf645u;
    da_u128 state = (da_u128)r->state_hi << 64 | r->state_lo;
    state = state * mul + ((da_u128)r->inc_hi << 64 | r->inc_lo);
    r->state_hi = (uint64_t)(state >> 64);
    r->state_lo = (uint64_t)state;
}
#else
static void step(struct da_rng *r)
{
    const uint64_t mul_hi = 0x2360ed051fc65da4u, mul_lo = 0x4385df649fccf645u;
    struct u128 p = mul64(r->state_lo, mul_lo);
    uint64_t hi = p.hi + r->state_hi * mul_lo + r->state_lo * mul_hi;
    uint64_t lo = p.lo + r->inc_lo;
    r->state_hi = hi + r->inc_hi + (lo < p.lo);
    r->state_lo = lo;
}
#endif

/* --- SeedSequence (pool of 4 words, no spawn key) --------------------------- */

enum { POOL = 4 };

static uint32_t hash_mix(uint32_t value, uint32_t *hash_const, uint32_t mult)
{
    value ^= *hash_const;
    *hash_const *= mult;
    value *= *hash_const;
    return value ^ (value >> 16);
}

static uint32_t mix(uint32_t x, uint32_t y)
{
    uint32_t r = 0xca01f9ddu * x - 0x4973f715u * y;
    return r ^ (r >> 16);
}

static void seed_pool(uint64_t seed, uint32_t pool[POOL])
{
    uint32_t entropy[POOL] = {(uint32_t)seed, (uint32_t)(seed >> 32), 0, 0};
    uint32_t hash_const = 0x43b0d7e5u;
    unsigned i, j;
    for (i = 0; i < POOL; i++)
        pool[i] = hash_mix(entropy[i], &hash_const, 0x931e8875u);
    for (i = 0; i < POOL; i++)
        for (j = 0; j < POOL; j++)
            if (i != j)
                pool[j] = mix(pool[j], hash_mix(pool[i], &hash_const, 0x931e8875u));
}

static void seed_words(uint64_t seed, uint64_t out[4])
{
    uint32_t pool[POOL], words[8];
    uint32_t hash_const = 0x8b51f9ddu;
    unsigned i;
    seed_pool(seed, pool);
    for (i = 0; i < 8; i++)
        words[i] = hash_mix(pool[i % POOL], &hash_const, 0x58f38dedu);
    for (i = 0; i < 4; i++)
        out[i] = (uint64_t)words[2 * i + 1] << 32 | words[2 * i];
}

void da_rng_init(struct da_rng *r, uint64_t seed)
{
    uint64_t w[4];
    uint64_t lo;
    memset(r, 0, sizeof *r);
    seed_words(seed, w);
    r->inc_hi = w[2] << 1 | w[3] >> 63;
    r->inc_lo = w[3] << 1 | 1;
    step(r);
    lo = r->state_lo + w[1];
    r->state_hi += w[0] + (lo < w[1]);
    r->state_lo = lo;
    step(r);
}

static inline uint64_t next(struct da_rng *r)
{
    uint64_t x;
    unsigned rot;
    step(r);
    x = r->state_hi ^ r->state_lo;
    rot = (unsigned)(r->state_hi >> 58);
    return (x >> rot) | (x << ((64 - rot) & 63));
}

uint64_t da_rng_u64(struct da_rng *r)
{
    return next(r);
}

uint32_t da_rng_u32(struct da_rng *r)
{
    uint64_t x;
    if (r->has_half) {
        r->has_half = false;
        return r->half;
    }
    x = da_rng_u64(r);
    r->half = (uint32_t)(x >> 32);
    r->has_half = true;
    return (uint32_t)x;
}

/* Lemire's multiply-shift with rejection, as numpy draws bounded integers. */
static uint64_t below32(struct da_rng *r, uint32_t n)
{
    uint64_t m = (uint64_t)da_rng_u32(r) * n;
    if ((uint32_t)m < n) {
        uint32_t threshold = (0u - n) % n;
        while ((uint32_t)m < threshold)
            m = (uint64_t)da_rng_u32(r) * n;
    }
    return m >> 32;
}

static uint64_t below64(struct da_rng *r, uint64_t n)
{
    struct u128 m = mul64(da_rng_u64(r), n);
    if (m.lo < n) {
        uint64_t threshold = (0u - n) % n;
        while (m.lo < threshold)
            m = mul64(da_rng_u64(r), n);
    }
    return m.hi;
}

uint64_t da_rng_below(struct da_rng *r, uint64_t n)
{
    assert(n >= 1);
    if (n == 1)
        return 0;
    if (n - 1 == UINT32_MAX)
        return da_rng_u32(r);
    return n - 1 < UINT32_MAX ? below32(r, (uint32_t)n) : below64(r, n);
}

/* One draw for fill: m >> 32 when the low half is not below the threshold. */
static inline bool accept(uint32_t bits, uint32_t n, uint32_t threshold, uint32_t *out)
{
    uint64_t m = (uint64_t)bits * n;
    *out = (uint32_t)(m >> 32);
    return (uint32_t)m >= threshold;
}

void da_rng_fill_below32(struct da_rng *r, uint32_t n, uint32_t *out, size_t count)
{
    struct da_rng local; /* lets the state stay in registers */
    uint32_t threshold;
    size_t i = 0;
    assert(n >= 1);
    threshold = (0u - n) % n;
    if (n == 1) { /* draws nothing */
        memset(out, 0, count * sizeof *out);
        return;
    }
    while (i < count && r->has_half)
        i += accept(da_rng_u32(r), n, threshold, &out[i]);
    local = *r;
    while (i + 1 < count) { /* both halves of a word at once */
        uint64_t x = next(&local);
        i += accept((uint32_t)x, n, threshold, &out[i]);
        i += accept((uint32_t)(x >> 32), n, threshold, &out[i]);
    }
    *r = local;
    while (i < count)
        i += accept(da_rng_u32(r), n, threshold, &out[i]);
}

double da_rng_double(struct da_rng *r)
{
    return (double)(da_rng_u64(r) >> 11) * (1.0 / 9007199254740992.0);
}

double da_rng_normal(struct da_rng *r)
{
    for (;;) {
        double x = 2 * da_rng_double(r) - 1, y = 2 * da_rng_double(r) - 1;
        double s = x * x + y * y;
        if (s > 0 && s < 1)
            return x * sqrt(-2 * da_log(s) / s);
    }
}
