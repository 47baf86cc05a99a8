#ifndef ENGINE_KERNELS_LANES_AVX2_H
#define ENGINE_KERNELS_LANES_AVX2_H

/* The 16 lanes of body.inc as two AVX2 registers. Meanings: lanes_ref.h. */

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    __m256 a, b;
} V;
typedef struct {
    __m256i a, b;
} I;
typedef V M; /* all bits of a lane set or clear */

#define V2(x, y) ((V){(x), (y)})
#define I2(x, y) ((I){(x), (y)})

/* A macro: gcc finds a function of nothing but a hint to be without effect and drops it. */
#define lanes_prefetch(p) _mm_prefetch((const char *)(p), _MM_HINT_T0)
static inline V v_set1(float x)
{
    return V2(_mm256_set1_ps(x), _mm256_set1_ps(x));
}
static inline V v_load(const float *p)
{
    return V2(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8));
}
static inline void v_store(float *p, V x)
{
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
static inline V v_add(V x, V y)
{
    return V2(_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b));
}
static inline V v_sub(V x, V y)
{
    return V2(_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b));
}
static inline V v_mul(V x, V y)
{
    return V2(_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b));
}
static inline V v_div(V x, V y)
{
    return V2(_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b));
}
static inline V v_fma(V x, V y, V z)
{
    return V2(_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b));
}
static inline V v_min(V x, V y)
{
    return V2(_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b));
}
static inline V v_max(V x, V y)
{
    return V2(_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b));
}
static inline V v_rint(V x)
{
    enum { HOW = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC };
    return V2(_mm256_round_ps(x.a, HOW), _mm256_round_ps(x.b, HOW));
}
static inline V v_and(V x, V y)
{
    return V2(_mm256_and_ps(x.a, y.a), _mm256_and_ps(x.b, y.b));
}
static inline V v_andnot(V x, V y)
{
    return V2(_mm256_andnot_ps(x.a, y.a), _mm256_andnot_ps(x.b, y.b));
}
static inline V v_neg(V x)
{
    __m256 s = _mm256_set1_ps(-0.0f);
    return V2(_mm256_xor_ps(x.a, s), _mm256_xor_ps(x.b, s));
}
static inline V v_abs(V x)
{
    return v_andnot(v_set1(-0.0f), x);
}
static inline M v_lt(V x, V y)
{
    return V2(_mm256_cmp_ps(x.a, y.a, _CMP_LT_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_LT_OQ));
}
static inline V v_select(M m, V x, V y)
{
    return V2(_mm256_blendv_ps(y.a, x.a, m.a), _mm256_blendv_ps(y.b, x.b, m.b));
}
static inline M m_first(unsigned n)
{
    __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    int k = n > 16 ? 16 : (int)n;
    return V2(_mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(k), lane)),
              _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(k - 8), lane)));
}
static inline M m_andnot(M x, M y)
{
    return v_andnot(y, x);
}
static inline V v_copysign(V x, V s)
{
    V m = v_set1(-0.0f), p = v_andnot(m, x), q = v_and(m, s);
    return V2(_mm256_or_ps(p.a, q.a), _mm256_or_ps(p.b, q.b));
}
static inline float v_sum(V x)
{
    __m256 h = _mm256_add_ps(x.a, x.b);
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}
static inline float v_hmax(V x)
{
    __m256 h = _mm256_max_ps(x.a, x.b);
    __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
}
static inline float v_first(V x)
{
    return _mm256_cvtss_f32(x.a);
}

static inline V v_load_f16(const uint16_t *p)
{
    const __m128i *q = (const __m128i *)(const void *)p;
    return V2(_mm256_cvtph_ps(_mm_loadu_si128(q)), _mm256_cvtph_ps(_mm_loadu_si128(q + 1)));
}
static inline V v_load_bf16(const uint16_t *p)
{
    const __m128i *q = (const __m128i *)(const void *)p;
    __m256i lo = _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(q)), 16);
    __m256i hi = _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(q + 1)), 16);
    return V2(_mm256_castsi256_ps(lo), _mm256_castsi256_ps(hi));
}

static inline I i_set1(int32_t x)
{
    return I2(_mm256_set1_epi32(x), _mm256_set1_epi32(x));
}
static inline I i_load(const void *p)
{
    const __m256i *q = p;
    return I2(_mm256_loadu_si256(q), _mm256_loadu_si256(q + 1));
}
static inline I i_add(I x, I y)
{
    return I2(_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b));
}
static inline I i_max(I x, I y)
{
    return I2(_mm256_max_epi32(x.a, y.a), _mm256_max_epi32(x.b, y.b));
}
static inline int32_t i_hmax(I x)
{
    __m256i h = _mm256_max_epi32(x.a, x.b);
    __m128i q = _mm_max_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
    q = _mm_max_epi32(q, _mm_shuffle_epi32(q, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(q, _mm_shuffle_epi32(q, 0xb1)));
}
static inline int32_t i_hsum(I x)
{
    __m256i h = _mm256_add_epi32(x.a, x.b);
    __m128i q = _mm_add_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
    q = _mm_add_epi32(q, _mm_shuffle_epi32(q, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(q, _mm_shuffle_epi32(q, 0xb1)));
}
static inline I i_bits(V a)
{
    return I2(_mm256_castps_si256(a.a), _mm256_castps_si256(a.b));
}
static inline I i_abs_bits(V x)
{
    V y = v_abs(x);
    return I2(_mm256_castps_si256(y.a), _mm256_castps_si256(y.b));
}
static inline V v_from_i(I x)
{
    return V2(_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b));
}
static inline I i_from_v(V x)
{
    return I2(_mm256_cvttps_epi32(x.a), _mm256_cvttps_epi32(x.b));
}
static inline V v_scale2(V x, I n)
{
    __m256i a = _mm256_add_epi32(_mm256_castps_si256(x.a), _mm256_slli_epi32(n.a, 23));
    __m256i b = _mm256_add_epi32(_mm256_castps_si256(x.b), _mm256_slli_epi32(n.b, 23));
    return V2(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b));
}
static inline __m256i i_pack16(I x) /* 16 shorts in order; lanes fit a short */
{
    return _mm256_permute4x64_epi64(_mm256_packs_epi32(x.a, x.b), 0xd8);
}
static inline void i_store16(int16_t *p, I x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, i_pack16(x));
}
static inline void i_store8(int8_t *p, I x)
{
    __m256i s = i_pack16(x);
    __m128i q = _mm_packs_epi16(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    _mm_storeu_si128((__m128i *)(void *)p, q);
}
/* Bytes widened to shorts first: the byte multiply of AVX2 saturates. */
static inline __m256i dot4_half(__m256i acc, __m256i w, __m256i x)
{
    __m256i w0 = _mm256_and_si256(w, _mm256_set1_epi16(255)), w1 = _mm256_srli_epi16(w, 8);
    __m256i x0 = _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8), x1 = _mm256_srai_epi16(x, 8);
    __m256i s = _mm256_add_epi32(_mm256_madd_epi16(w0, x0), _mm256_madd_epi16(w1, x1));
    return _mm256_add_epi32(acc, s);
}
static inline I i_dot4(I acc, I w, I x)
{
    return I2(dot4_half(acc.a, w.a, x.a), dot4_half(acc.b, w.b, x.b));
}
static inline I i_dot2(I acc, I w, I x)
{
    return I2(_mm256_add_epi32(acc.a, _mm256_madd_epi16(w.a, x.a)),
              _mm256_add_epi32(acc.b, _mm256_madd_epi16(w.b, x.b)));
}
static inline I i_widen8(const int8_t *p)
{
    const __m128i *q = (const __m128i *)(const void *)p;
    return I2(_mm256_cvtepi8_epi16(_mm_loadu_si128(q)),
              _mm256_cvtepi8_epi16(_mm_loadu_si128(q + 1)));
}
static inline I i_low4(I x)
{
    __m256i m = _mm256_set1_epi8(15);
    return I2(_mm256_and_si256(x.a, m), _mm256_and_si256(x.b, m));
}
static inline I i_high4(I x)
{
    __m256i m = _mm256_set1_epi8(15);
    return I2(_mm256_and_si256(_mm256_srli_epi16(x.a, 4), m),
              _mm256_and_si256(_mm256_srli_epi16(x.b, 4), m));
}
static inline I i_mul(I x, I y)
{
    return I2(_mm256_mullo_epi32(x.a, y.a), _mm256_mullo_epi32(x.b, y.b));
}
static inline I i_sub(I x, I y)
{
    return I2(_mm256_sub_epi32(x.a, y.a), _mm256_sub_epi32(x.b, y.b));
}
static inline I i_from_u8(const unsigned char *p)
{
    const __m128i q = _mm_loadu_si128((const __m128i *)(const void *)p);
    return I2(_mm256_cvtepu8_epi32(q), _mm256_cvtepu8_epi32(_mm_srli_si128(q, 8)));
}
static inline I i_from_s8(const unsigned char *p)
{
    const __m128i q = _mm_loadu_si128((const __m128i *)(const void *)p);
    return I2(_mm256_cvtepi8_epi32(q), _mm256_cvtepi8_epi32(_mm_srli_si128(q, 8)));
}
static inline I i_bits_left(I x, int n, uint8_t mask)
{
    const __m256i m = _mm256_set1_epi8((char)mask);
    return I2(_mm256_and_si256(_mm256_slli_epi32(x.a, n), m),
              _mm256_and_si256(_mm256_slli_epi32(x.b, n), m));
}
static inline I i_bits_right(I x, int n, uint8_t mask)
{
    const __m256i m = _mm256_set1_epi8((char)mask);
    return I2(_mm256_and_si256(_mm256_srli_epi32(x.a, n), m),
              _mm256_and_si256(_mm256_srli_epi32(x.b, n), m));
}
static inline I i_or(I x, I y)
{
    return I2(_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b));
}
static inline void v_add_to_double(double acc[16], V x)
{
    __m128 h[4] = {_mm256_castps256_ps128(x.a), _mm256_extractf128_ps(x.a, 1),
                   _mm256_castps256_ps128(x.b), _mm256_extractf128_ps(x.b, 1)};
    for (int i = 0; i < 4; i++)
        _mm256_storeu_pd(acc + 4 * i,
                         _mm256_add_pd(_mm256_loadu_pd(acc + 4 * i), _mm256_cvtps_pd(h[i])));
}

#undef V2
#undef I2
#define i_dot4_in i_dot4
#define i_dot2_in i_dot2

#endif
