/*
 * The kernels for x86 processors with AVX2, FMA and F16C.
 *
 * There is no instruction here that sums four byte products to a lane, so 4- and
 * 8-bit matrices have a form of their own. vpmaddubsw adds two products of a
 * weight's nibble (at most 15) and an activation (at most 127 in magnitude) in 16
 * bits, and 16 products of a group fall into such a lane: 16 * 15 * 127 = 30480
 * fits, so a group costs one multiply and one addition for 32 products until it
 * becomes 32 bits wide, and the sums are the same integers as everywhere. A byte
 * is two nibbles, taken as two such sums, of which one counts 16 times.
 *
 * A stretch of a panel is unpacked once into memory that stays in the first cache
 * and meets all tokens from there, four at a time; both halves of the panel use
 * one broadcast of an activation.
 */
#if defined(__x86_64__)
#include "common/attr.h"
#include "engine/kernels/lanes_avx2.h"

#define BODY_NAME da_kernels_avx2
#define BODY_TEXT "avx2"
#define MM_T 6
#define ATTN_R 4
#define BODY_OWN_QUANT
#define BODY_OWN_SUPER
#define BODY_OWN_ATTN "engine/kernels/avx2_attn.inc"
#include "engine/kernels/body.inc"

enum {
    STRETCH = 16,       /* groups unpacked at one time */
    STRETCH_TOKENS = 64, /* that meet them: their sums lie in memory meanwhile */
    PLANE = 512         /* bytes of a group's 16 x 32 nibbles, one to a byte */
};

static inline __m256i load32(const unsigned char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* What one tile reads: n_groups groups from the first on. */
struct stretch {
    const unsigned char *planes; /* [n_groups][planes][8][64] */
    const unsigned char *scales; /* [n_groups][16] fp16 */
    uint32_t n_groups;
};

/* 32 bytes of codes to the nibbles in their low and high halves. */
DA_ALWAYS_INLINE void nibbles(__m256i both, __m256i *lo, __m256i *hi)
{
    const __m256i mask = _mm256_set1_epi8(15);
    *lo = _mm256_and_si256(both, mask);
    *hi = _mm256_and_si256(_mm256_srli_epi16(both, 4), mask);
}

/* Codes of up to 6 bits, one to a byte. */
DA_ALWAYS_INLINE void unpack_group(enum da_panel_kind kind, const unsigned char *codes,
                                   unsigned char *out)
{
    I w[8];
    load_group(kind, true, codes, w);
    for (int j = 0; j < 8; j++) {
        _mm256_store_si256((__m256i *)(void *)(out + 64 * j), w[j].a);
        _mm256_store_si256((__m256i *)(void *)(out + 64 * j + 32), w[j].b);
    }
}

/* A 4-bit group is one plane: values 0..15 are the low nibbles, 16..31 the high ones. An 8-bit
 * group is two: the low nibbles of all values, then the high ones. */
DA_ALWAYS_INLINE void unpack(enum da_panel_kind kind, const unsigned char *codes, uint32_t n_groups,
                             unsigned char *out)
{
    const unsigned n = kind == DA_PANEL_Q4 ? PLANE / 2 : PLANE;
    for (uint32_t g = 0; kind == DA_PANEL_Q5 && g < n_groups; g++)
        unpack_group(kind, codes + g * da_panel_group_bytes(kind), out + g * PLANE);
    if (kind == DA_PANEL_Q5)
        return;
    for (uint32_t g = 0; g < n_groups; g++, codes += n, out += 2 * n) {
        for (unsigned i = 0; i < n; i += 64) {
            __m256i a, b, c, d;
            lanes_prefetch(codes + PREFETCH_AHEAD + i);
            nibbles(load32(codes + i), &a, &b);
            nibbles(load32(codes + i + 32), &c, &d);
            _mm256_store_si256((__m256i *)(void *)(out + i), a);
            _mm256_store_si256((__m256i *)(void *)(out + i + 32), c);
            _mm256_store_si256((__m256i *)(void *)(out + n + i), b);
            _mm256_store_si256((__m256i *)(void *)(out + n + i + 32), d);
        }
    }
}

/* acc + w * x, by name: gcc would add in another order, for which there are too few registers. */
static inline __m256i add_products(__m256i acc, __m256i w, __m256i x)
{
    __m256i product;
    __asm__("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0"
            : "+x"(acc), "=&x"(product)
            : "x"(w), "x"(x));
    return acc;
}

/* Sums of some steps of a plane's group in 16-bit lanes: sum[token][half of the panel]. */
DA_ALWAYS_INLINE void part_sums(const unsigned char *w, const unsigned char *x, int steps, int n_t,
                                __m256i sum[4][2])
{
    for (int j = 0; j < steps; j++) {
        const __m256i w0 = load32(w + 64 * j), w1 = load32(w + 64 * j + 32);
        for (int t = 0; t < n_t; t++) {
            const __m256i xt = _mm256_set1_epi32(load_i32(x + t * DA_GROUP + 4 * j));
            sum[t][0] = j ? add_products(sum[t][0], w0, xt) : _mm256_maddubs_epi16(w0, xt);
            sum[t][1] = j ? add_products(sum[t][1], w1, xt) : _mm256_maddubs_epi16(w1, xt);
        }
    }
}

/* acc = fma(float(sum), scale * d, acc) for the two halves. */
DA_ALWAYS_INLINE void take_group(__m256i lo, __m256i hi, __m256i start, const __m256 scale[2],
                                 __m256 d, float *acc)
{
    const __m256 s0 = _mm256_cvtepi32_ps(_mm256_add_epi32(lo, start));
    const __m256 s1 = _mm256_cvtepi32_ps(_mm256_add_epi32(hi, start));
    _mm256_store_ps(acc, _mm256_fmadd_ps(s0, _mm256_mul_ps(scale[0], d), _mm256_load_ps(acc)));
    _mm256_store_ps(acc + 8,
                    _mm256_fmadd_ps(s1, _mm256_mul_ps(scale[1], d), _mm256_load_ps(acc + 8)));
}

DA_ALWAYS_INLINE void load_scales(const unsigned char *p, __m256 scale[2])
{
    const __m128i *h = (const __m128i *)(const void *)p;
    scale[0] = _mm256_cvtph_ps(_mm_loadu_si128(h));
    scale[1] = _mm256_cvtph_ps(_mm_loadu_si128(h + 1));
}

/* n_t tokens (x: their bytes, xd: their scales, of the stretch's first group) past a stretch. */
DA_ALWAYS_INLINE void q4_tokens(const struct stretch *s, const unsigned char *x,
                                const unsigned char *xd, int n_t, float *acc)
{
    const __m256i ones = _mm256_set1_epi16(1);
    for (uint32_t g = 0; g < s->n_groups; g++) {
        __m256i sum[4][2];
        __m256 scale[2];
        part_sums(s->planes + g * PLANE, x, 8, n_t, sum);
        load_scales(s->scales + g * DA_LANES * 2, scale);
        for (int t = 0; t < n_t; t++)
            take_group(_mm256_madd_epi16(sum[t][0], ones), _mm256_madd_epi16(sum[t][1], ones),
                       _mm256_set1_epi32(load_i32(xd + DA_TILE * 4 + 4 * t)), scale,
                       _mm256_set1_ps(load_f32(xd + 4 * t)), acc + t * DA_LANES);
        x += DA_TILE_GROUP_BYTES;
        xd += DA_TILE_GROUP_BYTES;
    }
}

/* The same of codes whose products take two sums of 16 bits: an 8-bit group's two planes, of which
 * the second counts 16 times; a 5-bit group's halves (eight products of its codes fit, of sixteen
 * they would not). */
DA_ALWAYS_INLINE void wide_tokens(enum da_panel_kind kind, const struct stretch *s,
                                  const unsigned char *x, const unsigned char *xd, int n_t,
                                  float *acc)
{
    const bool q8 = kind == DA_PANEL_Q8;
    const unsigned half = q8 ? PLANE : PLANE / 2; /* bytes that the first sum takes */
    const int steps = q8 ? 8 : 4;
    const int offset = q8 ? 16 : 2; /* codes are stored plus 128 or 16, neg8 is for 8 */
    const __m256i ones = _mm256_set1_epi16(1), second = _mm256_set1_epi16(q8 ? 16 : 1);
    for (uint32_t g = 0; g < s->n_groups; g++) {
        const unsigned char *w = s->planes + (size_t)2 * g * half;
        __m256i lo[4][2], hi[4][2];
        __m256 scale[2];
        part_sums(w, x, steps, n_t, lo);
        for (int t = 0; t < n_t; t++)
            for (int h = 0; h < 2; h++)
                lo[t][h] = _mm256_madd_epi16(lo[t][h], ones);
        part_sums(w + half, q8 ? x : x + DA_GROUP / 2, steps, n_t, hi);
        load_scales(s->scales + g * DA_LANES * 2, scale);
        for (int t = 0; t < n_t; t++) {
            for (int h = 0; h < 2; h++)
                lo[t][h] = _mm256_add_epi32(lo[t][h], _mm256_madd_epi16(hi[t][h], second));
            take_group(lo[t][0], lo[t][1],
                       _mm256_set1_epi32(offset * load_i32(xd + DA_TILE * 4 + 4 * t)), scale,
                       _mm256_set1_ps(load_f32(xd + 4 * t)), acc + t * DA_LANES);
        }
        x += DA_TILE_GROUP_BYTES;
        xd += DA_TILE_GROUP_BYTES;
    }
}

DA_ALWAYS_INLINE void some_tokens(enum da_panel_kind kind, const struct stretch *s,
                                  const unsigned char *x, const unsigned char *xd, int n_t,
                                  float *acc)
{
    if (kind == DA_PANEL_Q4)
        q4_tokens(s, x, xd, n_t, acc);
    else
        wide_tokens(kind, s, x, xd, n_t, acc);
}

/* Tokens [t0, t0 + n) past a stretch that begins with group g0; t0 is the first of a tile. */
DA_ALWAYS_INLINE void stretch_tokens(const struct da_matmul *mm, enum da_panel_kind kind,
                                     const struct stretch *s, uint32_t g0, uint32_t t0, uint32_t n,
                                     float *acc)
{
    const size_t tile_bytes = da_tile_bytes(mm->w->n_cols);
    uint32_t t = 0;
    while (t < n) {
        const unsigned slot = (t0 + t) % DA_TILE;
        const unsigned char *tile = (const unsigned char *)mm->x + (t0 + t) / DA_TILE * tile_bytes +
                                    (size_t)g0 * DA_TILE_GROUP_BYTES;
        const unsigned char *x = tile + slot * DA_GROUP, *xd = tile + DA_TILE * DA_GROUP + 4 * slot;
        if (n - t >= 4) {
            some_tokens(kind, s, x, xd, 4, acc + t * DA_LANES);
            t += 4;
        } else if (n - t >= 2) {
            some_tokens(kind, s, x, xd, 2, acc + t * DA_LANES);
            t += 2;
        } else {
            some_tokens(kind, s, x, xd, 1, acc + t * DA_LANES);
            t++;
        }
    }
}

DA_ALWAYS_INLINE void stretches(const struct da_matmul *mm, enum da_panel_kind kind)
{
    const uint32_t n_groups = mm->w->n_cols / DA_GROUP;
    const size_t group_bytes = da_panel_group_bytes(kind);
    _Alignas(64) unsigned char planes[STRETCH * PLANE * 2];
    _Alignas(64) float acc[STRETCH_TOKENS * DA_LANES];
    /* tokens outside: their 8-bit forms stay in the second cache while all panels go past */
    for (uint32_t t0 = 0; t0 < mm->n_tok; t0 += STRETCH_TOKENS) {
        const uint32_t left = mm->n_tok - t0, n = left < STRETCH_TOKENS ? left : STRETCH_TOKENS;
        for (uint32_t p = mm->first_panel; p < mm->first_panel + mm->n_panels; p++) {
            const unsigned char *panel = mm->w->data + p * mm->w->panel_bytes;
            const unsigned char *codes = panel + scales_bytes(n_groups);
            memset(acc, 0, n * DA_LANES * sizeof *acc);
            for (uint32_t g = 0; g < n_groups; g += STRETCH) {
                struct stretch s = {planes, panel + (size_t)g * DA_LANES * 2,
                                    n_groups - g < STRETCH ? n_groups - g : STRETCH};
                unpack(kind, codes + g * group_bytes, s.n_groups, planes);
                stretch_tokens(mm, kind, &s, g, t0, n, acc);
            }
            for (uint32_t t = 0; t < n; t++)
                put(mm, p, t0 + t, v_load(acc + t * DA_LANES));
        }
    }
}

/* One or two tokens, for which unpacking into memory does not pay: t0 and the one after it. */
DA_ALWAYS_INLINE void few_tokens(const struct da_matmul *mm, enum da_panel_kind kind, uint32_t p,
                                 uint32_t t0, int n_t)
{
    const uint32_t n_groups = mm->w->n_cols / DA_GROUP;
    const unsigned char *scales = mm->w->data + p * mm->w->panel_bytes;
    const unsigned char *codes = scales + scales_bytes(n_groups);
    const unsigned char *x = (const unsigned char *)mm->x +
                             t0 / DA_TILE * da_tile_bytes(mm->w->n_cols) + t0 % DA_TILE * DA_GROUP;
    const unsigned char *xd = x + (DA_TILE - t0 % DA_TILE) * DA_GROUP + t0 % DA_TILE * 4;
    const __m256i ones = _mm256_set1_epi16(1), sixteens = _mm256_set1_epi16(16);
    const int steps = kind == DA_PANEL_Q4 ? 4 : 8;
    __m256 acc[2][2];
    for (int t = 0; t < n_t; t++)
        acc[t][0] = acc[t][1] = _mm256_setzero_ps();
    for (uint32_t g = 0; g < n_groups; g++) {
        __m256i lo[2][2], hi[2][2];
        __m256 scale[2];
        for (int t = 0; t < n_t; t++)
            lo[t][0] = lo[t][1] = hi[t][0] = hi[t][1] = _mm256_setzero_si256();
        for (int j = 0; j < steps; j++) {
            __m256i w[2][2];
            lanes_prefetch(codes + PREFETCH_AHEAD + 64 * j);
            nibbles(load32(codes + 64 * j), &w[0][0], &w[0][1]);
            nibbles(load32(codes + 64 * j + 32), &w[1][0], &w[1][1]);
            for (int t = 0; t < n_t; t++) {
                const unsigned char *xt = x + t * DA_GROUP + 4 * j;
                const __m256i x0 = _mm256_set1_epi32(load_i32(xt));
                const __m256i x1 =
                    kind == DA_PANEL_Q4 ? _mm256_set1_epi32(load_i32(xt + 16)) : x0;
                for (int h = 0; h < 2; h++) {
                    lo[t][h] = add_products(lo[t][h], w[h][0], x0);
                    hi[t][h] = add_products(hi[t][h], w[h][1], x1);
                }
            }
        }
        load_scales(scales, scale);
        for (int t = 0; t < n_t; t++) {
            const int32_t start = load_i32(xd + DA_TILE * 4 + 4 * t);
            const __m256 d = _mm256_set1_ps(load_f32(xd + 4 * t));
            for (int h = 0; h < 2; h++) {
                __m256i sum;
                if (kind == DA_PANEL_Q4) {
                    sum = _mm256_madd_epi16(_mm256_add_epi16(lo[t][h], hi[t][h]), ones);
                    sum = _mm256_add_epi32(sum, _mm256_set1_epi32(start));
                } else {
                    sum = _mm256_add_epi32(_mm256_madd_epi16(lo[t][h], ones),
                                           _mm256_madd_epi16(hi[t][h], sixteens));
                    sum = _mm256_add_epi32(sum, _mm256_set1_epi32(16 * start));
                }
                acc[t][h] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_mul_ps(scale[h], d),
                                            acc[t][h]);
            }
        }
        scales += DA_LANES * 2;
        codes += 64 * steps;
        x += DA_TILE_GROUP_BYTES;
        xd += DA_TILE_GROUP_BYTES;
    }
    for (int t = 0; t < n_t; t++)
        put(mm, p, t0 + (uint32_t)t, (V){acc[t][0], acc[t][1]});
}

DA_ALWAYS_INLINE void quant_matmul(const struct da_matmul *mm, enum da_panel_kind kind)
{
    if (mm->n_tok > 2 || kind == DA_PANEL_Q5) {
        stretches(mm, kind);
        return;
    }
    for (uint32_t p = mm->first_panel; p < mm->first_panel + mm->n_panels; p++) {
        if (mm->n_tok == 2)
            few_tokens(mm, kind, p, 0, 2);
        else if (mm->n_tok == 1)
            few_tokens(mm, kind, p, 0, 1);
    }
}

static void body_matmul_q4(const struct da_matmul *mm)
{
    quant_matmul(mm, DA_PANEL_Q4);
}

static void body_matmul_q8(const struct da_matmul *mm)
{
    quant_matmul(mm, DA_PANEL_Q8);
}

static void body_matmul_q5(const struct da_matmul *mm)
{
    quant_matmul(mm, DA_PANEL_Q5);
}

#include "engine/kernels/avx2_super.inc"
#else
typedef int da_not_x86_avx2; /* a translation unit may not be empty */
#endif
