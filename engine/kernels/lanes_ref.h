#ifndef ENGINE_KERNELS_LANES_REF_H
#define ENGINE_KERNELS_LANES_REF_H

/* The 16 lanes of body.inc as plain C arrays: the definition that the others must match. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engine/quant.h"

typedef struct {
    float v[16];
} V; /* 16 floats */
typedef struct {
    int32_t v[16];
} I;                /* 16 integers, also seen as 64 bytes or 32 shorts */
typedef uint16_t M; /* one bit a lane */

#define EACH(i) for (int i = 0; i < 16; i++)

#define lanes_prefetch(p) ((void)(p))
static inline V v_set1(float x)
{
    V r;
    EACH(i) r.v[i] = x;
    return r;
}
static inline V v_load(const float *p)
{
    V r;
    memcpy(r.v, p, sizeof r.v);
    return r;
}
static inline void v_store(float *p, V a)
{
    memcpy(p, a.v, sizeof a.v);
}
static inline V v_add(V a, V b)
{
    EACH(i) a.v[i] += b.v[i];
    return a;
}
static inline V v_sub(V a, V b)
{
    EACH(i) a.v[i] -= b.v[i];
    return a;
}
static inline V v_mul(V a, V b)
{
    EACH(i) a.v[i] *= b.v[i];
    return a;
}
static inline V v_div(V a, V b)
{
    EACH(i) a.v[i] /= b.v[i];
    return a;
}
static inline V v_fma(V a, V b, V c)
{
    EACH(i) c.v[i] = fmaf(a.v[i], b.v[i], c.v[i]);
    return c;
}
static inline V v_min(V a, V b)
{
    EACH(i) a.v[i] = a.v[i] < b.v[i] ? a.v[i] : b.v[i];
    return a;
}
static inline V v_max(V a, V b)
{
    EACH(i) a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
    return a;
}
static inline V v_rint(V a)
{
    EACH(i) a.v[i] = rintf(a.v[i]);
    return a;
}
static inline V v_neg(V a)
{
    EACH(i) a.v[i] = -a.v[i];
    return a;
}
static inline V v_abs(V a)
{
    EACH(i) a.v[i] = fabsf(a.v[i]);
    return a;
}
static inline M v_lt(V a, V b)
{
    M m = 0;
    EACH(i) m = (M)(m | (a.v[i] < b.v[i]) << i);
    return m;
}
static inline V v_select(M m, V a, V b)
{
    EACH(i) a.v[i] = m >> i & 1 ? a.v[i] : b.v[i];
    return a;
}
static inline M m_first(unsigned n)
{
    return (M)(n >= 16 ? 0xffff : (1u << n) - 1);
}
static inline M m_andnot(M a, M b)
{
    return (M)(a & ~b);
}
static inline V v_copysign(V a, V s)
{
    EACH(i) a.v[i] = copysignf(a.v[i], s.v[i]);
    return a;
}
static inline float v_sum(V a)
{
    for (int s = 8; s; s /= 2)
        for (int i = 0; i < s; i++)
            a.v[i] += a.v[i + s];
    return a.v[0];
}
static inline float v_hmax(V a)
{
    for (int i = 1; i < 16; i++)
        a.v[0] = a.v[i] > a.v[0] ? a.v[i] : a.v[0];
    return a.v[0];
}
static inline float v_first(V a)
{
    return a.v[0];
}

static inline V v_load_f16(const uint16_t *p)
{
    V r;
    EACH(i) r.v[i] = da_f16_to_f32(p[i]);
    return r;
}
static inline V v_load_bf16(const uint16_t *p)
{
    V r;
    EACH(i) r.v[i] = da_bf16_to_f32(p[i]);
    return r;
}

static inline I i_set1(int32_t x)
{
    I r;
    EACH(i) r.v[i] = x;
    return r;
}
static inline I i_load(const void *p)
{
    I r;
    memcpy(r.v, p, sizeof r.v);
    return r;
}
static inline I i_add(I a, I b)
{
    EACH(i) a.v[i] = (int32_t)((uint32_t)a.v[i] + (uint32_t)b.v[i]);
    return a;
}
static inline I i_max(I a, I b)
{
    EACH(i) a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
    return a;
}
static inline int32_t i_hmax(I a)
{
    for (int i = 1; i < 16; i++)
        a.v[0] = a.v[i] > a.v[0] ? a.v[i] : a.v[0];
    return a.v[0];
}
static inline int32_t i_hsum(I a)
{
    for (int i = 1; i < 16; i++)
        a.v[0] += a.v[i];
    return a.v[0];
}
static inline I i_bits(V a)
{
    I r;
    memcpy(&r, &a, sizeof r);
    return r;
}
static inline I i_abs_bits(V a)
{
    I r;
    EACH(i) a.v[i] = fabsf(a.v[i]);
    memcpy(&r, &a, sizeof r);
    return r;
}
static inline V v_from_i(I a)
{
    V r;
    EACH(i) r.v[i] = (float)a.v[i];
    return r;
}
/* Lanes hold whole numbers within int32. */
static inline I i_from_v(V a)
{
    I r;
    EACH(i) r.v[i] = (int32_t)a.v[i];
    return r;
}
/* a * 2^n */
static inline V v_scale2(V a, I n)
{
    I b;
    memcpy(&b, &a, sizeof b);
    EACH(i) b.v[i] = (int32_t)((uint32_t)b.v[i] + ((uint32_t)n.v[i] << 23));
    memcpy(&a, &b, sizeof a);
    return a;
}
static inline void i_store8(int8_t *p, I a)
{
    EACH(i) p[i] = (int8_t)a.v[i];
}
static inline void i_store16(int16_t *p, I a)
{
    EACH(i) p[i] = (int16_t)a.v[i];
}
/* acc + sum of 4 products: unsigned bytes of w, signed bytes of x. */
static inline I i_dot4(I acc, I w, I x)
{
    uint8_t u[64];
    int8_t s[64];
    memcpy(u, &w, 64);
    memcpy(s, &x, 64);
    EACH(i)
    for (int b = 0; b < 4; b++)
        acc.v[i] += (int32_t)u[4 * i + b] * s[4 * i + b];
    return acc;
}
/* acc + sum of 2 products of signed shorts. */
static inline I i_dot2(I acc, I w, I x)
{
    int16_t a[32], b[32];
    memcpy(a, &w, 64);
    memcpy(b, &x, 64);
    EACH(i) acc.v[i] += (int32_t)a[2 * i] * b[2 * i] + (int32_t)a[2 * i + 1] * b[2 * i + 1];
    return acc;
}
/* 32 signed bytes to shorts. */
static inline I i_widen8(const int8_t *p)
{
    int16_t s[32];
    I r;
    for (int i = 0; i < 32; i++)
        s[i] = p[i];
    memcpy(&r, s, sizeof r);
    return r;
}
static inline I i_low4(I a)
{
    EACH(i) a.v[i] &= 0x0f0f0f0f;
    return a;
}
static inline I i_high4(I a)
{
    EACH(i) a.v[i] = (int32_t)((uint32_t)a.v[i] >> 4 & 0x0f0f0f0f);
    return a;
}
static inline I i_mul(I a, I b)
{
    EACH(i) a.v[i] *= b.v[i];
    return a;
}
static inline I i_sub(I a, I b)
{
    EACH(i) a.v[i] -= b.v[i];
    return a;
}
/* 16 bytes to integers. */
static inline I i_from_u8(const unsigned char *p)
{
    I r;
    EACH(i) r.v[i] = p[i];
    return r;
}
static inline I i_from_s8(const unsigned char *p)
{
    I r;
    EACH(i) r.v[i] = (int8_t)p[i];
    return r;
}
/* Bits of a where every byte's mask has them, a shifted to the left or the right before. */
static inline I i_bits_left(I a, int n, uint8_t mask)
{
    const uint32_t m = mask * 0x01010101u;
    EACH(i) a.v[i] = (int32_t)((uint32_t)a.v[i] << n & m);
    return a;
}
static inline I i_bits_right(I a, int n, uint8_t mask)
{
    const uint32_t m = mask * 0x01010101u;
    EACH(i) a.v[i] = (int32_t)((uint32_t)a.v[i] >> n & m);
    return a;
}
static inline I i_or(I a, I b)
{
    EACH(i) a.v[i] |= b.v[i];
    return a;
}
static inline void v_add_to_double(double acc[16], V a)
{
    EACH(i) acc[i] += (double)a.v[i];
}

#undef EACH
#define i_dot4_in i_dot4
#define i_dot2_in i_dot2

#endif
