/* The kernels for x86 processors with AVX2, FMA and F16C. */
#if defined(__x86_64__)
#include "common/attr.h"
#include "engine/kernels/lanes_avx2.h"

#define BODY_NAME da_kernels_avx2
#define BODY_TEXT "avx2"
#define MM_T 6
#define MMQ_T 2
#define ATTN_R 1
#define BODY_OWN_Q4
#include "engine/kernels/body.h"

enum { Q4_T = 4 }; /* tokens of a tile */

/*
 * 4-bit weights without a dot-product instruction: products of a nibble (at most
 * 15) and a byte (at most 127 in magnitude) are added in 16 bits, 16 of them to a
 * lane, which 16 * 15 * 127 = 30480 fits; the group's sum is exact all the same.
 * Eight rows (half a panel) at a time.
 */
DA_ALWAYS_INLINE void q4_half(const struct da_matmul *mm, int n_t, bool ahead, uint32_t p,
                              unsigned half, uint32_t t0)
{
    const uint32_t n_groups = mm->w->n_cols / DA_GROUP;
    const unsigned slot = t0 % DA_TILE;
    const unsigned char *scales = mm->w->data + p * mm->w->panel_bytes;
    const unsigned char *codes = scales + scales_bytes(n_groups) + 32 * half;
    const unsigned char *tile =
        (const unsigned char *)mm->x + t0 / DA_TILE * da_tile_bytes(mm->w->n_cols);
    const unsigned char *x = tile + slot * DA_GROUP, *xd = tile + DA_TILE * DA_GROUP + 4 * slot;
    const __m256i low = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
    __m256 acc[Q4_T];
    for (int t = 0; t < n_t; t++)
        acc[t] = _mm256_setzero_ps();
    scales += 16 * half;
    for (uint32_t g = 0; g < n_groups; g++) {
        __m256i sum[Q4_T];
        for (int t = 0; t < n_t; t++)
            sum[t] = _mm256_setzero_si256();
        for (int j = 0; j < 4; j++) {
            const __m256i both =
                _mm256_loadu_si256((const __m256i *)(const void *)(codes + 64 * j));
            const __m256i w0 = _mm256_and_si256(both, low);
            const __m256i w1 = _mm256_and_si256(_mm256_srli_epi16(both, 4), low);
            if (ahead)
                lanes_prefetch(codes + PREFETCH_AHEAD + 64 * j);
            for (int t = 0; t < n_t; t++) {
                const unsigned char *xt = x + t * DA_GROUP + 4 * j;
                __m256i a = _mm256_maddubs_epi16(w0, _mm256_set1_epi32(load_i32(xt)));
                __m256i b = _mm256_maddubs_epi16(w1, _mm256_set1_epi32(load_i32(xt + 16)));
                sum[t] = _mm256_add_epi16(sum[t], _mm256_add_epi16(a, b));
            }
        }
        __m256 scale = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)scales));
        for (int t = 0; t < n_t; t++) {
            __m256i s = _mm256_add_epi32(_mm256_madd_epi16(sum[t], ones),
                                         _mm256_set1_epi32(load_i32(xd + DA_TILE * 4 + 4 * t)));
            __m256 d = _mm256_mul_ps(scale, _mm256_set1_ps(load_f32(xd + 4 * t)));
            acc[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(s), d, acc[t]);
        }
        scales += DA_LANES * 2;
        codes += 256;
        x += DA_TILE_GROUP_BYTES;
        xd += DA_TILE_GROUP_BYTES;
    }
    for (int t = 0; t < n_t; t++) {
        float *out = mm->out + (size_t)(t0 + (uint32_t)t) * mm->out_stride +
                     (size_t)(p - mm->first_panel) * DA_LANES + 8 * half;
        __m256 y = acc[t];
        if (mm->bias)
            y = _mm256_add_ps(y, _mm256_loadu_ps(mm->bias + (size_t)p * DA_LANES + 8 * half));
        if (mm->add)
            y = _mm256_add_ps(_mm256_loadu_ps(out), y);
        _mm256_storeu_ps(out, y);
    }
}

DA_ALWAYS_INLINE void q4_some(const struct da_matmul *mm, int n_t, bool ahead, uint32_t p,
                              uint32_t t)
{
    q4_half(mm, n_t, ahead, p, 0, t);
    q4_half(mm, n_t, false, p, 1, t);
}

static void body_matmul_q4(const struct da_matmul *mm)
{
    for (uint32_t p = mm->first_panel; p < mm->first_panel + mm->n_panels; p++) {
        uint32_t t = 0;
        if (mm->n_tok >= Q4_T)
            for (; t + Q4_T <= mm->n_tok; t += Q4_T)
                q4_some(mm, Q4_T, t == 0, p, t);
        for (; t + 2 <= mm->n_tok; t += 2)
            q4_some(mm, 2, t == 0, p, t);
        for (; t < mm->n_tok; t++)
            q4_some(mm, 1, t == 0, p, t);
    }
}
#else
typedef int da_not_x86_avx2; /* a translation unit may not be empty */
#endif
