#ifndef TESTS_SOFT_IMMINTRIN_H
#define TESTS_SOFT_IMMINTRIN_H

/*
 * Stands before the compiler's <immintrin.h> when avx512.c beside it is compiled:
 * AVX-512 as SIMDe (https://github.com/simd-everywhere/simde, MIT) does it with
 * AVX2, and the few conversions that its version 0.7.4 lacks. An intrinsic that is
 * neither there nor here does not compile: its target is not switched on.
 */

#pragma GCC system_header /* for #include_next, and for what SIMDe's macros become */
#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#undef I /* <complex.h> came along */

#include <stdint.h>

union soft {
    __m512 ps;
    __m512d pd;
    __m512i si;
    __m256 ps256[2];
    __m256d pd256[2];
    __m256i si256[2];
    __m128i si128[4];
    int32_t i32[16];
};

#ifndef _mm512_extractf32x8_ps
#define _mm512_extractf32x8_ps(a, i) ((union soft){.ps = (a)}.ps256[i])
#endif
#ifndef _mm512_extracti64x4_epi64
#define _mm512_extracti64x4_epi64(a, i) ((union soft){.si = (a)}.si256[i])
#endif
#ifndef _mm512_extracti32x8_epi32
#define _mm512_extracti32x8_epi32(a, i) ((union soft){.si = (a)}.si256[i])
#endif
#ifndef _mm512_cvtss_f32
#define _mm512_cvtss_f32(a) _mm256_cvtss_f32((union soft){.ps = (a)}.ps256[0])
#endif

static inline __m512 soft_join_ps(__m256 lo, __m256 hi)
{
    return (union soft){.ps256 = {lo, hi}}.ps;
}

static inline __m512i soft_join_si(__m256i lo, __m256i hi)
{
    return (union soft){.si256 = {lo, hi}}.si;
}

#ifndef _mm512_cvtepi32_ps
static inline __m512 soft_cvtepi32_ps(__m512i a)
{
    const union soft u = {.si = a};
    return soft_join_ps(_mm256_cvtepi32_ps(u.si256[0]), _mm256_cvtepi32_ps(u.si256[1]));
}
#define _mm512_cvtepi32_ps soft_cvtepi32_ps
#endif

#ifndef _mm512_cvttps_epi32
static inline __m512i soft_cvttps_epi32(__m512 a)
{
    const union soft u = {.ps = a};
    return soft_join_si(_mm256_cvttps_epi32(u.ps256[0]), _mm256_cvttps_epi32(u.ps256[1]));
}
#define _mm512_cvttps_epi32 soft_cvttps_epi32
#endif

#ifndef _mm512_cvtps_pd
static inline __m512d soft_cvtps_pd(__m256 a)
{
    const __m256d lo = _mm256_cvtps_pd(_mm256_castps256_ps128(a));
    const __m256d hi = _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1));
    return (union soft){.pd256 = {lo, hi}}.pd;
}
#define _mm512_cvtps_pd soft_cvtps_pd
#endif

#ifndef _mm512_cvtph_ps
static inline __m512 soft_cvtph_ps(__m256i a)
{
    return soft_join_ps(_mm256_cvtph_ps(_mm256_castsi256_si128(a)),
                        _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1)));
}
#define _mm512_cvtph_ps soft_cvtph_ps
#endif

#ifndef _mm512_cvtepu16_epi32
static inline __m512i soft_cvtepu16_epi32(__m256i a)
{
    return soft_join_si(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(a)),
                        _mm256_cvtepu16_epi32(_mm256_extracti128_si256(a, 1)));
}
#define _mm512_cvtepu16_epi32 soft_cvtepu16_epi32
#endif

#ifndef _mm512_cvtepi16_epi32
static inline __m512i soft_cvtepi16_epi32(__m256i a)
{
    return soft_join_si(_mm256_cvtepi16_epi32(_mm256_castsi256_si128(a)),
                        _mm256_cvtepi16_epi32(_mm256_extracti128_si256(a, 1)));
}
#define _mm512_cvtepi16_epi32 soft_cvtepi16_epi32
#endif

#ifndef _mm512_cvtepi8_epi32
static inline __m512i soft_cvtepi8_epi32(__m128i a)
{
    return soft_join_si(_mm256_cvtepi8_epi32(a), _mm256_cvtepi8_epi32(_mm_srli_si128(a, 8)));
}
#define _mm512_cvtepi8_epi32 soft_cvtepi8_epi32
#endif

#ifndef _mm512_cvtepu8_epi32
static inline __m512i soft_cvtepu8_epi32(__m128i a)
{
    return soft_join_si(_mm256_cvtepu8_epi32(a), _mm256_cvtepu8_epi32(_mm_srli_si128(a, 8)));
}
#define _mm512_cvtepu8_epi32 soft_cvtepu8_epi32
#endif

#ifndef _mm512_cvtepi32_epi8 /* the low byte of each lane */
static inline __m128i soft_cvtepi32_epi8(__m512i a)
{
    const union soft u = {.si = a};
    int8_t out[16];
    for (int i = 0; i < 16; i++)
        out[i] = (int8_t)(u.i32[i] & 255);
    return _mm_loadu_si128((const __m128i *)(const void *)out);
}
#define _mm512_cvtepi32_epi8 soft_cvtepi32_epi8
#endif

#ifndef _mm512_cvtepi32_epi16
static inline __m256i soft_cvtepi32_epi16(__m512i a)
{
    const union soft u = {.si = a};
    int16_t out[16];
    for (int i = 0; i < 16; i++)
        out[i] = (int16_t)(u.i32[i] & 65535);
    return _mm256_loadu_si256((const __m256i *)(const void *)out);
}
#define _mm512_cvtepi32_epi16 soft_cvtepi32_epi16
#endif

#ifndef _mm512_reduce_add_epi32
static inline int32_t soft_reduce_add_epi32(__m512i a)
{
    const union soft u = {.si = a};
    uint32_t sum = 0;
    for (int i = 0; i < 16; i++)
        sum += (uint32_t)u.i32[i];
    return (int32_t)sum;
}
#define _mm512_reduce_add_epi32 soft_reduce_add_epi32
#endif

#ifndef _mm512_reduce_max_epi32
static inline int32_t soft_reduce_max_epi32(__m512i a)
{
    const union soft u = {.si = a};
    int32_t most = u.i32[0];
    for (int i = 1; i < 16; i++)
        most = u.i32[i] > most ? u.i32[i] : most;
    return most;
}
#define _mm512_reduce_max_epi32 soft_reduce_max_epi32
#endif

#endif
