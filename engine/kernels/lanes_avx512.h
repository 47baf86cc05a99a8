#ifndef ENGINE_KERNELS_LANES_AVX512_H
#define ENGINE_KERNELS_LANES_AVX512_H

/* The 16 lanes of body.inc as one AVX-512 register. Meanings: lanes_ref.h. */

#include <immintrin.h>
#include <stdint.h>

typedef __m512 V;
typedef __m512i I;
typedef __mmask16 M;

/* A macro: gcc finds a function of nothing but a hint to be without effect and drops it. */
#define lanes_prefetch(p) _mm_prefetch((const char *)(p), _MM_HINT_T0)
static inline V v_set1(float x)
{
    return _mm512_set1_ps(x);
}
static inline V v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
static inline void v_store(float *p, V a)
{
    _mm512_storeu_ps(p, a);
}
static inline V v_add(V a, V b)
{
    return _mm512_add_ps(a, b);
}
static inline V v_sub(V a, V b)
{
    return _mm512_sub_ps(a, b);
}
static inline V v_mul(V a, V b)
{
    return _mm512_mul_ps(a, b);
}
static inline V v_div(V a, V b)
{
    return _mm512_div_ps(a, b);
}
static inline V v_fma(V a, V b, V c)
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline V v_min(V a, V b)
{
    return _mm512_min_ps(a, b);
}
static inline V v_max(V a, V b)
{
    return _mm512_max_ps(a, b);
}
static inline V v_rint(V a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline V v_neg(V a)
{
    return _mm512_xor_ps(a, _mm512_set1_ps(-0.0f));
}
static inline V v_abs(V a)
{
    return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a);
}
static inline M v_lt(V a, V b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}
static inline V v_select(M m, V a, V b)
{
    return _mm512_mask_blend_ps(m, b, a);
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
    V sign = _mm512_set1_ps(-0.0f);
    return _mm512_or_ps(_mm512_andnot_ps(sign, a), _mm512_and_ps(sign, s));
}
static inline float v_sum(V a)
{
    __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}
static inline float v_hmax(V a)
{
    __m256 h = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
}
static inline float v_first(V a)
{
    return _mm512_cvtss_f32(a);
}

static inline V v_load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
static inline V v_load_bf16(const uint16_t *p)
{
    __m256i h = _mm256_loadu_si256((const __m256i *)(const void *)p);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}

static inline I i_set1(int32_t x)
{
    return _mm512_set1_epi32(x);
}
static inline I i_load(const void *p)
{
    return _mm512_loadu_si512(p);
}
static inline I i_add(I a, I b)
{
    return _mm512_add_epi32(a, b);
}
static inline I i_max(I a, I b)
{
    return _mm512_max_epi32(a, b);
}
static inline int32_t i_hmax(I a)
{
    return _mm512_reduce_max_epi32(a);
}
static inline int32_t i_hsum(I a)
{
    return _mm512_reduce_add_epi32(a);
}
static inline I i_bits(V a)
{
    return _mm512_castps_si512(a);
}
static inline I i_abs_bits(V a)
{
    return _mm512_castps_si512(v_abs(a));
}
static inline V v_from_i(I a)
{
    return _mm512_cvtepi32_ps(a);
}
static inline I i_from_v(V a)
{
    return _mm512_cvttps_epi32(a);
}
static inline V v_scale2(V a, I n)
{
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_slli_epi32(n, 23)));
}
static inline void i_store8(int8_t *p, I a)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(a));
}
static inline void i_store16(int16_t *p, I a)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(a));
}
static inline I i_dot4(I acc, I w, I x)
{
    return _mm512_dpbusd_epi32(acc, w, x);
}
static inline I i_dot2(I acc, I w, I x)
{
    return _mm512_dpwssd_epi32(acc, w, x);
}
#if defined(__AVX512VNNI__)
/* The same by name: where many accumulators live at once, gcc 12 copies them around the intrinsic
 * (attention is a quarter slower). */
static inline I i_dot4_in(I acc, I w, I x)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(w), "v"(x));
    return acc;
}
static inline I i_dot2_in(I acc, I w, I x)
{
    __asm__("vpdpwssd %2, %1, %0" : "+v"(acc) : "v"(w), "v"(x));
    return acc;
}
#else /* the intrinsics are emulated: tests/soft */
#define i_dot4_in i_dot4
#define i_dot2_in i_dot2
#endif
static inline I i_widen8(const int8_t *p)
{
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
static inline I i_low4(I a)
{
    return _mm512_and_si512(a, _mm512_set1_epi8(15));
}
static inline I i_high4(I a)
{
    return _mm512_and_si512(_mm512_srli_epi16(a, 4), _mm512_set1_epi8(15));
}
static inline I i_mul(I a, I b)
{
    return _mm512_mullo_epi32(a, b);
}
static inline I i_sub(I a, I b)
{
    return _mm512_sub_epi32(a, b);
}
static inline I i_from_u8(const unsigned char *p)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline I i_from_s8(const unsigned char *p)
{
    return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline I i_bits_left(I a, int n, uint8_t mask)
{
    return _mm512_and_si512(_mm512_slli_epi32(a, (unsigned)n), _mm512_set1_epi8((char)mask));
}
static inline I i_bits_right(I a, int n, uint8_t mask)
{
    return _mm512_and_si512(_mm512_srli_epi32(a, (unsigned)n), _mm512_set1_epi8((char)mask));
}
static inline I i_or(I a, I b)
{
    return _mm512_or_si512(a, b);
}
static inline void v_add_to_double(double acc[16], V a)
{
    __m512d lo = _mm512_cvtps_pd(_mm512_castps512_ps256(a));
    __m512d hi = _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1));
    _mm512_storeu_pd(acc, _mm512_add_pd(_mm512_loadu_pd(acc), lo));
    _mm512_storeu_pd(acc + 8, _mm512_add_pd(_mm512_loadu_pd(acc + 8), hi));
}

#endif
