#ifndef ENGINE_KERNELS_LANES_NEON_H
#define ENGINE_KERNELS_LANES_NEON_H

/*
 * The 16 lanes of body.inc as four NEON registers (AArch64). Meanings: lanes_ref.h.
 *
 * Compiled three times: as it is, with dot products (+dotprod) and with 8-bit
 * matrices (+i8mm, which brings products of unsigned and signed bytes). Where x86
 * and NEON disagree at the edges, this follows plain C: the least and largest are
 * compared and chosen, because FMIN and FMAX have their own mind about NaN and -0.
 */

#include <arm_neon.h>
#include <stdint.h>

#include "common/attr.h"

typedef struct {
    float32x4_t a, b, c, d;
} V;
typedef struct {
    int32x4_t a, b, c, d;
} I;
typedef struct {
    uint32x4_t a, b, c, d; /* all bits of a lane set or clear */
} M;

#define MAP1(T, f, x) ((T){f((x).a), f((x).b), f((x).c), f((x).d)})
#define MAP2(T, f, x, y) ((T){f((x).a, (y).a), f((x).b, (y).b), f((x).c, (y).c), f((x).d, (y).d)})
#define MAP3(T, f, x, y, z)                                                                        \
    ((T){f((x).a, (y).a, (z).a), f((x).b, (y).b, (z).b), f((x).c, (y).c, (z).c),                   \
         f((x).d, (y).d, (z).d)})

#define lanes_prefetch(p) DA_PREFETCH(p)
static inline V v_set1(float x)
{
    float32x4_t q = vdupq_n_f32(x);
    return (V){q, q, q, q};
}
static inline V v_load(const float *p)
{
    return (V){vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)};
}
static inline void v_store(float *p, V x)
{
    vst1q_f32(p, x.a);
    vst1q_f32(p + 4, x.b);
    vst1q_f32(p + 8, x.c);
    vst1q_f32(p + 12, x.d);
}
static inline V v_add(V x, V y)
{
    return MAP2(V, vaddq_f32, x, y);
}
static inline V v_sub(V x, V y)
{
    return MAP2(V, vsubq_f32, x, y);
}
static inline V v_mul(V x, V y)
{
    return MAP2(V, vmulq_f32, x, y);
}
static inline V v_div(V x, V y)
{
    return MAP2(V, vdivq_f32, x, y);
}
static inline V v_fma(V x, V y, V z)
{
    return MAP3(V, vfmaq_f32, z, x, y);
}
static inline M v_lt(V x, V y)
{
    return MAP2(M, vcltq_f32, x, y);
}
static inline V v_select(M m, V x, V y)
{
    return MAP3(V, vbslq_f32, m, x, y);
}
static inline V v_min(V x, V y)
{
    return v_select(v_lt(x, y), x, y);
}
static inline V v_max(V x, V y)
{
    return v_select(v_lt(y, x), x, y);
}
static inline V v_rint(V x)
{
    return MAP1(V, vrndnq_f32, x);
}
static inline V v_neg(V x)
{
    return MAP1(V, vnegq_f32, x);
}
static inline V v_abs(V x)
{
    return MAP1(V, vabsq_f32, x);
}
static inline M m_first(unsigned n)
{
    static const uint32_t LANE[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    uint32x4_t end = vdupq_n_u32(n);
    return (M){vcltq_u32(vld1q_u32(LANE), end), vcltq_u32(vld1q_u32(LANE + 4), end),
               vcltq_u32(vld1q_u32(LANE + 8), end), vcltq_u32(vld1q_u32(LANE + 12), end)};
}
static inline M m_andnot(M x, M y)
{
    return MAP2(M, vbicq_u32, x, y);
}
static inline V v_copysign(V x, V s)
{
    uint32x4_t q = vdupq_n_u32(0x80000000u);
    return v_select((M){q, q, q, q}, s, x);
}
static inline float v_sum(V x)
{
    float32x4_t q = vaddq_f32(vaddq_f32(x.a, x.c), vaddq_f32(x.b, x.d));
    return vpadds_f32(vadd_f32(vget_low_f32(q), vget_high_f32(q)));
}
static inline float v_hmax(V x)
{
    return vmaxnmvq_f32(vmaxnmq_f32(vmaxnmq_f32(x.a, x.b), vmaxnmq_f32(x.c, x.d)));
}
static inline float v_first(V x)
{
    return vgetq_lane_f32(x.a, 0);
}

static inline float32x4_t lanes_f16(const uint16_t *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
static inline V v_load_f16(const uint16_t *p)
{
    return (V){lanes_f16(p), lanes_f16(p + 4), lanes_f16(p + 8), lanes_f16(p + 12)};
}
static inline float32x4_t lanes_bf16(const uint16_t *p)
{
    return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(vld1_u16(p)), 16));
}
static inline V v_load_bf16(const uint16_t *p)
{
    return (V){lanes_bf16(p), lanes_bf16(p + 4), lanes_bf16(p + 8), lanes_bf16(p + 12)};
}

static inline I i_set1(int32_t x)
{
    int32x4_t q = vdupq_n_s32(x);
    return (I){q, q, q, q};
}
static inline int32x4_t lanes_bytes(const uint8_t *p)
{
    return vreinterpretq_s32_u8(vld1q_u8(p));
}
static inline I i_load(const void *p)
{
    const uint8_t *q = p;
    return (I){lanes_bytes(q), lanes_bytes(q + 16), lanes_bytes(q + 32), lanes_bytes(q + 48)};
}
static inline I i_add(I x, I y)
{
    return MAP2(I, vaddq_s32, x, y);
}
static inline I i_max(I x, I y)
{
    return MAP2(I, vmaxq_s32, x, y);
}
static inline int32_t i_hmax(I x)
{
    return vmaxvq_s32(vmaxq_s32(vmaxq_s32(x.a, x.b), vmaxq_s32(x.c, x.d)));
}
static inline int32_t i_hsum(I x)
{
    return vaddvq_s32(vaddq_s32(vaddq_s32(x.a, x.b), vaddq_s32(x.c, x.d)));
}
static inline I i_bits(V x)
{
    return MAP1(I, vreinterpretq_s32_f32, x);
}
static inline I i_abs_bits(V x)
{
    return i_bits(v_abs(x));
}
static inline V v_from_i(I x)
{
    return MAP1(V, vcvtq_f32_s32, x);
}
static inline I i_from_v(V x)
{
    return MAP1(I, vcvtq_s32_f32, x);
}
static inline float32x4_t lanes_scale2(float32x4_t x, int32x4_t n)
{
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(x), vshlq_n_s32(n, 23)));
}
static inline V v_scale2(V x, I n)
{
    return MAP2(V, lanes_scale2, x, n);
}
static inline void i_store16(int16_t *p, I x)
{
    vst1q_s16(p, vmovn_high_s32(vmovn_s32(x.a), x.b));
    vst1q_s16(p + 8, vmovn_high_s32(vmovn_s32(x.c), x.d));
}
static inline void i_store8(int8_t *p, I x)
{
    int16x8_t lo = vmovn_high_s32(vmovn_s32(x.a), x.b), hi = vmovn_high_s32(vmovn_s32(x.c), x.d);
    vst1q_s8(p, vmovn_high_s16(vmovn_s16(lo), hi));
}
static inline int32x4_t lanes_dot4(int32x4_t acc, int32x4_t w, int32x4_t x)
{
#if defined(__ARM_FEATURE_MATMUL_INT8)
    return vusdotq_s32(acc, vreinterpretq_u8_s32(w), vreinterpretq_s8_s32(x));
#else
    /* w = (w - 128) + 128, the first fits a signed byte */
    const int8x16_t s = vreinterpretq_s8_s32(x), low = vdupq_n_s8(-128);
    const int8x16_t v = veorq_s8(vreinterpretq_s8_s32(w), low);
#if defined(__ARM_FEATURE_DOTPROD)
    return vsubq_s32(vdotq_s32(acc, v, s), vdotq_s32(vdupq_n_s32(0), low, s));
#else
    int16x8_t a = vmull_s8(vget_low_s8(v), vget_low_s8(s)), b = vmull_high_s8(v, s);
    int32x4_t pairs = vpaddq_s32(vpaddlq_s16(a), vpaddlq_s16(b));
    return vaddq_s32(acc, vaddq_s32(pairs, vshlq_n_s32(vpaddlq_s16(vpaddlq_s8(s)), 7)));
#endif
#endif
}
static inline I i_dot4(I acc, I w, I x)
{
    return MAP3(I, lanes_dot4, acc, w, x);
}
static inline int32x4_t lanes_dot2(int32x4_t acc, int32x4_t w, int32x4_t x)
{
    int16x8_t a = vreinterpretq_s16_s32(w), b = vreinterpretq_s16_s32(x);
    int32x4_t lo = vmull_s16(vget_low_s16(a), vget_low_s16(b)), hi = vmull_high_s16(a, b);
    return vaddq_s32(acc, vpaddq_s32(lo, hi));
}
static inline I i_dot2(I acc, I w, I x)
{
    return MAP3(I, lanes_dot2, acc, w, x);
}
static inline int32x4_t lanes_widen8(const int8_t *p)
{
    return vreinterpretq_s32_s16(vmovl_s8(vld1_s8(p)));
}
static inline I i_widen8(const int8_t *p)
{
    return (I){lanes_widen8(p), lanes_widen8(p + 8), lanes_widen8(p + 16), lanes_widen8(p + 24)};
}
static inline int32x4_t lanes_low4(int32x4_t x)
{
    return vandq_s32(x, vdupq_n_s32(0x0f0f0f0f));
}
static inline int32x4_t lanes_high4(int32x4_t x)
{
    return vreinterpretq_s32_u8(vshrq_n_u8(vreinterpretq_u8_s32(x), 4));
}
static inline I i_low4(I x)
{
    return MAP1(I, lanes_low4, x);
}
static inline I i_high4(I x)
{
    return MAP1(I, lanes_high4, x);
}
static inline I i_mul(I x, I y)
{
    return MAP2(I, vmulq_s32, x, y);
}
static inline I i_sub(I x, I y)
{
    return MAP2(I, vsubq_s32, x, y);
}
static inline I i_from_u8(const unsigned char *p)
{
    const uint8x16_t q = vld1q_u8(p);
    const uint16x8_t lo = vmovl_u8(vget_low_u8(q)), hi = vmovl_high_u8(q);
    return (I){vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(lo))),
               vreinterpretq_s32_u32(vmovl_high_u16(lo)),
               vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(hi))),
               vreinterpretq_s32_u32(vmovl_high_u16(hi))};
}
static inline I i_from_s8(const unsigned char *p)
{
    const int8x16_t q = vreinterpretq_s8_u8(vld1q_u8(p));
    const int16x8_t lo = vmovl_s8(vget_low_s8(q)), hi = vmovl_high_s8(q);
    return (I){vmovl_s16(vget_low_s16(lo)), vmovl_high_s16(lo), vmovl_s16(vget_low_s16(hi)),
               vmovl_high_s16(hi)};
}
static inline int32x4_t lanes_shift(int32x4_t x, int32_t n, uint8_t mask)
{
    const uint32x4_t s = vshlq_u32(vreinterpretq_u32_s32(x), vdupq_n_s32(n));
    return vreinterpretq_s32_u32(vandq_u32(s, vreinterpretq_u32_u8(vdupq_n_u8(mask))));
}
static inline I i_bits_left(I x, int n, uint8_t mask)
{
    return (I){lanes_shift(x.a, n, mask), lanes_shift(x.b, n, mask), lanes_shift(x.c, n, mask),
               lanes_shift(x.d, n, mask)};
}
static inline I i_bits_right(I x, int n, uint8_t mask)
{
    return i_bits_left(x, -n, mask);
}
static inline I i_or(I x, I y)
{
    return MAP2(I, vorrq_s32, x, y);
}
static inline void lanes_to_double(double *p, float32x4_t x)
{
    vst1q_f64(p, vaddq_f64(vld1q_f64(p), vcvt_f64_f32(vget_low_f32(x))));
    vst1q_f64(p + 2, vaddq_f64(vld1q_f64(p + 2), vcvt_high_f64_f32(x)));
}
static inline void v_add_to_double(double acc[16], V x)
{
    lanes_to_double(acc, x.a);
    lanes_to_double(acc + 4, x.b);
    lanes_to_double(acc + 8, x.c);
    lanes_to_double(acc + 12, x.d);
}

#undef MAP1
#undef MAP2
#undef MAP3
#define i_dot4_in i_dot4
#define i_dot2_in i_dot2

#endif
