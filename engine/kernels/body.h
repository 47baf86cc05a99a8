/*
 * The kernels, written once over the 16 lanes that the including file provides
 * (lanes_ref.h, lanes_avx2.h, lanes_avx512.h). Not a header of its own: it is
 * the body of ref.c, x86_avx2.c and x86_avx512.c, which define
 *
 *     BODY_NAME      name of the exported table
 *     BODY_TEXT      name of the variant
 *     MM_T           tokens of a float matmul tile (registers allow)
 *     MMQ_T          tokens of an integer matmul tile, divides DA_TILE
 *     ATTN_R         query rows of an 8-bit attention tile, at most 8
 *     BODY_OWN_Q4    set when the file brings its own matmul_q4
 *
 * Every operation below is exact or rounded once, in the order written, so all
 * variants give the same bytes.
 */

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/kernels/kernels.h"

/* --- functions ---------------------------------------------------------------
 * Coefficients: tools/engine/fit_functions.py. */

#define EXP_C0 4.999999404e-01f
#define EXP_C1 1.666651964e-01f
#define EXP_C2 4.166839272e-02f
#define EXP_C3 8.368780836e-03f
#define EXP_C4 1.381446724e-03f
#define TANH_C0 -3.333328366e-01f
#define TANH_C1 1.333149076e-01f
#define TANH_C2 -5.374349654e-02f
#define TANH_C3 2.065058798e-02f
#define TANH_C4 -5.717045162e-03f
#define ERF_C0 1.283791661e-01f
#define ERF_C1 -3.761262596e-01f
#define ERF_C2 1.128360033e-01f
#define ERF_C3 -2.685444430e-02f
#define ERF_C4 5.189536139e-03f
#define ERF_C5 -8.020849782e-04f
#define ERF_C6 7.889145490e-05f
#define ERFC_C0 -5.364941120e+00f
#define ERFC_C1 -4.418160915e+00f
#define ERFC_C2 -9.237509966e-01f
#define ERFC_C3 -1.646581478e-02f
#define ERFC_C4 3.570502391e-03f
#define ERFC_C5 -7.302207523e-04f
#define ERFC_C6 1.377206208e-04f
#define ERFC_C7 -2.168675564e-05f

#define LOG2_E 1.44269504088896341f
#define LN2_HI 0.693359375f /* 9 bits: n * LN2_HI is exact */
#define LN2_LO -2.12194440054690583e-4f
#define SQRT_HALF 0.70710678118654752f
#define SQRT_2_OVER_PI 0.79788456080286536f

/* 0 below -87, exp(88) above 88. */
static inline V v_exp(V x)
{
    V lo = v_set1(-87.0f);
    M under = v_lt(x, lo);
    V t = v_max(v_min(x, v_set1(88.0f)), lo);
    V n = v_rint(v_mul(t, v_set1(LOG2_E)));
    V r = v_fma(n, v_set1(-LN2_LO), v_fma(n, v_set1(-LN2_HI), t));
    V p = v_fma(v_set1(EXP_C4), r, v_set1(EXP_C3));
    p = v_fma(p, r, v_set1(EXP_C2));
    p = v_fma(p, r, v_set1(EXP_C1));
    p = v_fma(p, r, v_set1(EXP_C0));
    p = v_add(v_fma(p, v_mul(r, r), r), v_set1(1.0f));
    return v_select(under, v_set1(0.0f), v_scale2(p, i_from_v(n)));
}

/* For x that is no number above 0: exp(-87) below -87. */
static inline V v_exp_neg(V x)
{
    V t = v_max(x, v_set1(-87.0f));
    V n = v_rint(v_mul(t, v_set1(LOG2_E)));
    V r = v_fma(n, v_set1(-LN2_LO), v_fma(n, v_set1(-LN2_HI), t));
    V p = v_fma(v_set1(EXP_C4), r, v_set1(EXP_C3));
    p = v_fma(p, r, v_set1(EXP_C2));
    p = v_fma(p, r, v_set1(EXP_C1));
    p = v_fma(p, r, v_set1(EXP_C0));
    p = v_add(v_fma(p, v_mul(r, r), r), v_set1(1.0f));
    return v_scale2(p, i_from_v(n));
}

static inline V v_tanh(V x)
{
    V a = v_abs(x), s = v_mul(x, x), one = v_set1(1.0f);
    V p = v_fma(v_set1(TANH_C4), s, v_set1(TANH_C3));
    p = v_fma(p, s, v_set1(TANH_C2));
    p = v_fma(p, s, v_set1(TANH_C1));
    p = v_fma(p, s, v_set1(TANH_C0));
    p = v_fma(v_mul(p, s), a, a);
    V e = v_exp(v_add(a, a));
    V big = v_sub(one, v_div(v_set1(2.0f), v_add(e, one)));
    return v_copysign(v_select(v_lt(a, v_set1(0.625f)), p, big), x);
}

static inline V v_erf(V x)
{
    V a = v_abs(x), s = v_mul(x, x), one = v_set1(1.0f);
    V p = v_fma(v_set1(ERF_C6), s, v_set1(ERF_C5));
    p = v_fma(p, s, v_set1(ERF_C4));
    p = v_fma(p, s, v_set1(ERF_C3));
    p = v_fma(p, s, v_set1(ERF_C2));
    p = v_fma(p, s, v_set1(ERF_C1));
    p = v_fma(p, s, v_set1(ERF_C0));
    p = v_fma(p, a, a);
    V u = v_sub(v_min(a, v_set1(4.0f)), v_set1(2.0f));
    V q = v_fma(v_set1(ERFC_C7), u, v_set1(ERFC_C6));
    q = v_fma(q, u, v_set1(ERFC_C5));
    q = v_fma(q, u, v_set1(ERFC_C4));
    q = v_fma(q, u, v_set1(ERFC_C3));
    q = v_fma(q, u, v_set1(ERFC_C2));
    q = v_fma(q, u, v_set1(ERFC_C1));
    q = v_fma(q, u, v_set1(ERFC_C0));
    V big = v_sub(one, v_exp(q));
    return v_copysign(v_select(v_lt(a, one), p, big), x);
}

static inline V v_silu(V x)
{
    return v_div(x, v_add(v_exp(v_neg(x)), v_set1(1.0f)));
}

static inline V v_gelu_tanh(V x)
{
    V inner = v_mul(v_set1(SQRT_2_OVER_PI), v_fma(v_mul(v_set1(0.044715f), v_mul(x, x)), x, x));
    return v_mul(v_mul(v_set1(0.5f), x), v_add(v_set1(1.0f), v_tanh(inner)));
}

static void body_silu_mul(const float *gate, const float *up, uint32_t n, float *y)
{
    for (uint32_t i = 0; i < n; i += DA_LANES)
        v_store(y + i, v_mul(v_silu(v_load(gate + i)), v_load(up + i)));
}

static void body_gelu_mul(const float *gate, const float *up, uint32_t n, float *y)
{
    for (uint32_t i = 0; i < n; i += DA_LANES)
        v_store(y + i, v_mul(v_gelu_tanh(v_load(gate + i)), v_load(up + i)));
}

static void body_gelu_erf(const float *x, uint32_t n, float *y)
{
    for (uint32_t i = 0; i < n; i += DA_LANES) {
        V v = v_load(x + i), e = v_erf(v_mul(v, v_set1(SQRT_HALF)));
        v_store(y + i, v_mul(v_mul(v_set1(0.5f), v), v_add(v_set1(1.0f), e)));
    }
}

static void body_gelu_tanh(const float *x, uint32_t n, float *y)
{
    for (uint32_t i = 0; i < n; i += DA_LANES)
        v_store(y + i, v_gelu_tanh(v_load(x + i)));
}

static void body_softcap(const float *x, float cap, uint32_t n, float *y)
{
    V c = v_set1(cap);
    for (uint32_t i = 0; i < n; i += DA_LANES)
        v_store(y + i, v_mul(c, v_tanh(v_div(v_load(x + i), c))));
}

/* --- norms --------------------------------------------------------------------- */

static void body_rmsnorm(const float *x, const float *w, float eps, uint32_t n, float *y)
{
    V acc = v_set1(0.0f); /* the padding holds zeros */
    for (uint32_t i = 0; i < n; i += DA_LANES) {
        V v = v_load(x + i);
        acc = v_fma(v, v, acc);
    }
    V r = v_set1(1.0f / sqrtf(v_sum(acc) / (float)n + eps));
    for (uint32_t i = 0; i < n; i += DA_LANES)
        v_store(y + i, v_mul(v_mul(v_load(x + i), r), v_load(w + i)));
}

static void body_layernorm(const float *x, const float *w, const float *b, float eps, uint32_t n,
                           float *y)
{
    V zero = v_set1(0.0f), acc = zero;
    for (uint32_t i = 0; i < n; i += DA_LANES)
        acc = v_add(acc, v_load(x + i));
    V mean = v_set1(v_sum(acc) / (float)n);
    acc = zero;
    for (uint32_t i = 0; i < n; i += DA_LANES) {
        V d = v_select(m_first(n - i), v_sub(v_load(x + i), mean), zero);
        acc = v_fma(d, d, acc);
    }
    V r = v_set1(1.0f / sqrtf(v_sum(acc) / (float)n + eps));
    for (uint32_t i = 0; i < n; i += DA_LANES) {
        V d = v_mul(v_sub(v_load(x + i), mean), r);
        v_store(y + i, v_fma(d, v_load(w + i), b ? v_load(b + i) : zero));
    }
}

/* --- 8-bit values ---------------------------------------------------------------- */

#define QUANT_MIN_AMAX 1e-30f /* below it 127 / amax would leave the floats */

static inline float float_bits(int32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* Scale of values whose largest magnitude has these bits; *id takes them to integers. The bits of
 * magnitudes order as integers, infinities and NaN above all else. */
static inline float quant_scale(int32_t amax_bits, float levels, float *id)
{
    float amax = float_bits(amax_bits);
    *id = 0.0f;
    if (amax_bits >= 0x7f800000)
        return float_bits(0x7fc00000);
    if (amax < QUANT_MIN_AMAX)
        return 0.0f;
    *id = levels / amax;
    return amax / levels;
}

/* x * id rounded; x may be anything when id is 0. */
static inline I quant_round(V x, float id)
{
    return id != 0.0f ? i_from_v(v_rint(v_mul(x, v_set1(id)))) : i_set1(0);
}

static void body_quantize_row(const float *x, uint32_t n, unsigned char *tile, unsigned slot)
{
    for (uint32_t i = 0; i < n; i += DA_GROUP, tile += DA_TILE_GROUP_BYTES) {
        V a = v_load(x + i), b = v_load(x + i + DA_LANES);
        float id, d = quant_scale(i_hmax(i_max(i_abs_bits(a), i_abs_bits(b))), 127.0f, &id);
        I qa = quant_round(a, id), qb = quant_round(b, id);
        int32_t neg8 = -8 * i_hsum(i_add(qa, qb));
        i_store8((int8_t *)tile + slot * DA_GROUP, qa);
        i_store8((int8_t *)tile + slot * DA_GROUP + DA_LANES, qb);
        memcpy(tile + DA_TILE * DA_GROUP + 4 * slot, &d, 4);
        memcpy(tile + DA_TILE * (DA_GROUP + 4) + 4 * slot, &neg8, 4);
    }
}

static void body_quantize_head(const float *x, uint32_t n, int8_t *q, float *d, int32_t *sum)
{
    I most = i_set1(0), total = i_set1(0);
    float id, tail[DA_LANES] = {0};
    uint32_t whole = n / DA_LANES * DA_LANES;
    int8_t last[DA_LANES];
    memcpy(tail, x + whole, (n - whole) * sizeof *x);
    for (uint32_t i = 0; i < whole; i += DA_LANES)
        most = i_max(most, i_abs_bits(v_load(x + i)));
    most = i_max(most, i_abs_bits(v_load(tail)));
    *d = quant_scale(i_hmax(most), 127.0f, &id);
    for (uint32_t i = 0; i < whole; i += DA_LANES) {
        I v = quant_round(v_load(x + i), id);
        total = i_add(total, v);
        i_store8(q + i, v);
    }
    I v = quant_round(v_load(tail), id);
    total = i_add(total, v);
    i_store8(last, v);
    memcpy(q + whole, last, n - whole);
    *sum = i_hsum(total);
}

/* --- matrices ---------------------------------------------------------------------- */

static inline void put(const struct da_matmul *mm, uint32_t panel, uint32_t t, V acc)
{
    float *out =
        mm->out + (size_t)t * mm->out_stride + (size_t)(panel - mm->first_panel) * DA_LANES;
    if (mm->bias)
        acc = v_add(acc, v_load(mm->bias + (size_t)panel * DA_LANES));
    if (mm->add)
        acc = v_add(v_load(out), acc);
    v_store(out, acc);
}

/* Weights of column k for the 16 rows of a panel. */
DA_ALWAYS_INLINE V load_column(enum da_panel_kind kind, const unsigned char *panel, uint32_t k)
{
    size_t at = (size_t)k * DA_LANES;
    if (kind == DA_PANEL_F32)
        return v_load((const float *)(const void *)panel + at);
    if (kind == DA_PANEL_F16)
        return v_load_f16((const uint16_t *)(const void *)panel + at);
    return v_load_bf16((const uint16_t *)(const void *)panel + at);
}

/* T tokens against one panel. */
DA_ALWAYS_INLINE void float_tile(const struct da_matmul *mm, enum da_panel_kind kind, int n_t,
                                 uint32_t p, uint32_t t0)
{
    const unsigned char *w = mm->w->data + p * mm->w->panel_bytes;
    const float *x = (const float *)mm->x + (size_t)t0 * mm->x_stride;
    V acc[MM_T];
    for (int t = 0; t < n_t; t++)
        acc[t] = v_set1(0.0f);
    for (uint32_t k = 0; k < mm->w->n_cols; k++) {
        V row = load_column(kind, w, k);
        for (int t = 0; t < n_t; t++)
            acc[t] = v_fma(row, v_set1(x[(size_t)t * mm->x_stride + k]), acc[t]);
    }
    for (int t = 0; t < n_t; t++)
        put(mm, p, t0 + (uint32_t)t, acc[t]);
}

/* One token against n_p panels at once, so that additions do not wait for each other. */
DA_ALWAYS_INLINE void float_line(const struct da_matmul *mm, enum da_panel_kind kind, int n_p,
                                 uint32_t p, uint32_t t)
{
    const float *x = (const float *)mm->x + (size_t)t * mm->x_stride;
    const unsigned char *w = mm->w->data + p * mm->w->panel_bytes;
    V acc[4];
    for (int i = 0; i < n_p; i++)
        acc[i] = v_set1(0.0f);
    for (uint32_t k = 0; k < mm->w->n_cols; k++) {
        V xk = v_set1(x[k]);
        for (int i = 0; i < n_p; i++)
            acc[i] = v_fma(load_column(kind, w + (size_t)i * mm->w->panel_bytes, k), xk, acc[i]);
    }
    for (int i = 0; i < n_p; i++)
        put(mm, p + (uint32_t)i, t, acc[i]);
}

DA_ALWAYS_INLINE void float_matmul(const struct da_matmul *mm, enum da_panel_kind kind)
{
    uint32_t p = mm->first_panel, end = p + mm->n_panels;
    for (; mm->n_tok == 1 && p + 4 <= end; p += 4)
        float_line(mm, kind, 4, p, 0);
    for (; p < end; p++) {
        uint32_t t = 0;
        for (; t + MM_T <= mm->n_tok; t += MM_T)
            float_tile(mm, kind, MM_T, p, t);
        for (; t + 2 <= mm->n_tok; t += 2)
            float_tile(mm, kind, 2, p, t);
        for (; t < mm->n_tok; t++)
            float_line(mm, kind, 1, p, t);
    }
}

static void body_matmul_f32(const struct da_matmul *mm)
{
    float_matmul(mm, DA_PANEL_F32);
}

static void body_matmul_f16(const struct da_matmul *mm)
{
    float_matmul(mm, DA_PANEL_F16);
}

static void body_matmul_bf16(const struct da_matmul *mm)
{
    float_matmul(mm, DA_PANEL_BF16);
}

static inline int32_t load_i32(const unsigned char *p)
{
    int32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline float load_f32(const unsigned char *p)
{
    float v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Bytes of a panel's scales, before its codes. */
static inline size_t scales_bytes(uint32_t n_groups)
{
    return ((size_t)n_groups * DA_LANES * 2 + 63) / 64 * 64;
}

/* Weights stream through once; the processor's own prefetching does not keep up with them (15 GB/s
 * a core instead of 40 on Zen 5). The address may lie beyond the matrix: a hint cannot fault. */
#ifndef PREFETCH_AHEAD
#define PREFETCH_AHEAD 8192
#endif

/* The eight vectors of a group's weights as unsigned bytes, 4 values a lane. */
DA_ALWAYS_INLINE void load_group(enum da_panel_kind kind, bool ahead, const unsigned char *codes,
                                 I w[8])
{
    for (int j = 0; j < 4; j++) {
        if (ahead)
            lanes_prefetch(codes + PREFETCH_AHEAD + 64 * j);
        if (kind == DA_PANEL_Q4) {
            I both = i_load(codes + 64 * j);
            w[j] = i_low4(both);
            w[j + 4] = i_high4(both);
        } else {
            if (ahead)
                lanes_prefetch(codes + PREFETCH_AHEAD + 64 * (j + 4));
            w[j] = i_load(codes + 64 * j);
            w[j + 4] = i_load(codes + 64 * (j + 4));
        }
    }
}

/* n_t tokens of one activation tile, from slot on, against one panel; ahead when this is the first
 * use of the panel. */
DA_ALWAYS_INLINE void quant_tile(const struct da_matmul *mm, enum da_panel_kind kind, int n_t,
                                 bool ahead, uint32_t p, uint32_t tile, unsigned slot)
{
    const uint32_t n_groups = mm->w->n_cols / DA_GROUP;
    const size_t group_bytes = kind == DA_PANEL_Q4 ? 256 : 512;
    const unsigned char *scales = mm->w->data + p * mm->w->panel_bytes;
    const unsigned char *codes = scales + scales_bytes(n_groups);
    const unsigned char *x =
        (const unsigned char *)mm->x + tile * da_tile_bytes(mm->w->n_cols) + slot * DA_GROUP;
    const unsigned char *xd = x + DA_TILE * DA_GROUP - slot * DA_GROUP + 4 * slot;
    V acc[MMQ_T];
    for (int t = 0; t < n_t; t++)
        acc[t] = v_set1(0.0f);
    for (uint32_t g = 0; g < n_groups; g++) {
        I w[8];
        load_group(kind, ahead, codes, w);
        V scale = v_load_f16((const uint16_t *)(const void *)scales);
        for (int t = 0; t < n_t; t++) {
            int32_t start = load_i32(xd + DA_TILE * 4 + 4 * t); /* takes the offset 8 away */
            I sum = i_set1(kind == DA_PANEL_Q4 ? start : start * 16), half = i_set1(0);
            for (int j = 0; j < 8; j++) {
                I xj = i_set1(load_i32(x + t * DA_GROUP + 4 * j));
                if (n_t < 4 && j >= 4) /* two chains, so that few tokens need not wait */
                    half = i_dot4(half, w[j], xj);
                else
                    sum = i_dot4(sum, w[j], xj);
            }
            if (n_t < 4)
                sum = i_add(sum, half);
            acc[t] = v_fma(v_from_i(sum), v_mul(scale, v_set1(load_f32(xd + 4 * t))), acc[t]);
        }
        scales += DA_LANES * 2;
        codes += group_bytes;
        x += DA_TILE_GROUP_BYTES;
        xd += DA_TILE_GROUP_BYTES;
    }
    for (int t = 0; t < n_t; t++)
        put(mm, p, tile * DA_TILE + slot + (uint32_t)t, acc[t]);
}

/* As many tokens as fit a tile; returns how many were taken. */
DA_ALWAYS_INLINE uint32_t quant_some(const struct da_matmul *mm, enum da_panel_kind kind,
                                     bool ahead, uint32_t p, uint32_t t)
{
    const uint32_t left = mm->n_tok - t, tile = t / DA_TILE;
    const unsigned slot = t % DA_TILE;
    if (left >= MMQ_T) {
        quant_tile(mm, kind, MMQ_T, ahead, p, tile, slot);
        return MMQ_T;
    }
    if (MMQ_T > 4 && left >= 4) {
        quant_tile(mm, kind, MMQ_T < 4 ? MMQ_T : 4, ahead, p, tile, slot);
        return 4;
    }
    if (MMQ_T > 2 && left >= 2) {
        quant_tile(mm, kind, MMQ_T < 2 ? MMQ_T : 2, ahead, p, tile, slot);
        return 2;
    }
    quant_tile(mm, kind, 1, ahead, p, tile, slot);
    return 1;
}

DA_ALWAYS_INLINE void quant_matmul(const struct da_matmul *mm, enum da_panel_kind kind)
{
    for (uint32_t p = mm->first_panel; p < mm->first_panel + mm->n_panels; p++) {
        uint32_t t = quant_some(mm, kind, true, p, 0);
        while (t < mm->n_tok)
            t += quant_some(mm, kind, false, p, t);
    }
}

#ifdef BODY_OWN_Q4
static void body_matmul_q4(const struct da_matmul *mm); /* after this text */
#else
static void body_matmul_q4(const struct da_matmul *mm)
{
    quant_matmul(mm, DA_PANEL_Q4);
}
#endif

static void body_matmul_q8(const struct da_matmul *mm)
{
    quant_matmul(mm, DA_PANEL_Q8);
}

/* --- attention ----------------------------------------------------------------------- */

enum { KV_VECS = DA_KBLOCK / DA_LANES }; /* vectors of a block's scores */

/* Soft cap and ALiBi. */
DA_ALWAYS_INLINE void bend_scores(const struct da_attn_block *b, const struct da_attn_row *r,
                                  V s[KV_VECS])
{
    for (uint32_t i = 0; i < KV_VECS; i++) {
        if (b->softcap != 0.0f) {
            V cap = v_set1(b->softcap);
            s[i] = v_mul(cap, v_tanh(v_div(s[i], cap)));
        }
        if (r->slope != 0.0f) {
            float away[DA_LANES];
            for (uint32_t j = 0; j < DA_LANES; j++)
                away[j] = (float)((int32_t)(b->first_pos + i * DA_LANES + j) - (int32_t)r->pos);
            s[i] = v_fma(v_set1(r->slope), v_load(away), s[i]);
        }
    }
}

/* Whether a row sees all keys of a block. */
DA_ALWAYS_INLINE bool sees_all(const struct da_attn_block *b, const struct da_attn_row *r)
{
    return r->pos - b->first_pos >= DA_KBLOCK - 1 && r->first <= b->first_pos;
}

/* s where the row sees the key, else other. */
DA_ALWAYS_INLINE void hide(const struct da_attn_block *b, const struct da_attn_row *r, V s[KV_VECS],
                           V other)
{
    uint32_t end = r->pos - b->first_pos + 1; /* keys from first to end - 1 of this block */
    uint32_t first = r->first > b->first_pos ? r->first - b->first_pos : 0;
    for (uint32_t i = 0; i < KV_VECS; i++) {
        uint32_t at = i * DA_LANES;
        M seen = m_andnot(m_first(end > at ? end - at : 0), m_first(first > at ? first - at : 0));
        s[i] = v_select(seen, s[i], other);
    }
}

/* The largest score; hidden keys get the lowest. */
DA_ALWAYS_INLINE float block_max(const struct da_attn_block *b, const struct da_attn_row *r,
                                 V s[KV_VECS])
{
    if (b->softcap != 0.0f || r->slope != 0.0f)
        bend_scores(b, r, s);
    if (!sees_all(b, r))
        hide(b, r, s, v_set1(-INFINITY));
    return v_hmax(v_max(v_max(s[0], s[1]), v_max(s[2], s[3])));
}

/* Scores become probabilities relative to max; returns their sum. */
DA_ALWAYS_INLINE float block_exp(const struct da_attn_block *b, const struct da_attn_row *r,
                                 V s[KV_VECS], float max)
{
    for (uint32_t i = 0; i < KV_VECS; i++)
        s[i] = v_exp_neg(v_sub(s[i], v_set1(max)));
    if (!sees_all(b, r))
        hide(b, r, s, v_set1(0.0f));
    return v_sum(v_add(v_add(v_add(s[0], s[1]), s[2]), s[3]));
}

/* Takes a block's maximum and sum into the row; returns the weights of the old and the new part. */
static inline void merge_state(struct da_attn_row *r, float max, float sum, V *old, V *add)
{
    float m = r->m > max ? r->m : max;
    *old = v_exp_neg(v_set1(r->m - m));
    *add = v_exp_neg(v_set1(max - m));
    r->l = fmaf(sum, v_first(*add), r->l * v_first(*old));
    r->m = m;
}

DA_ALWAYS_INLINE void attn_float(const struct da_attn_block *b, struct da_attn_row *r, bool half)
{
    const uint32_t hd = b->head_dim, d16 = da_pad(hd, DA_LANES);
    const float *kf = b->k, *vf = b->v;
    const uint16_t *kh = b->k, *vh = b->v;
    V s[KV_VECS], old, add;
    float p[DA_KBLOCK], max, sum;
    for (int i = 0; i < KV_VECS; i++)
        s[i] = v_set1(0.0f);
    for (uint32_t d = 0; d < hd; d++) {
        V q = v_set1(r->q[d]);
        for (uint32_t i = 0; i < KV_VECS; i++) {
            size_t at = (size_t)d * DA_KBLOCK + i * DA_LANES;
            s[i] = v_fma(q, half ? v_load_f16(kh + at) : v_load(kf + at), s[i]);
        }
    }
    max = block_max(b, r, s);
    sum = block_exp(b, r, s, max);
    for (int i = 0; i < KV_VECS; i++)
        v_store(p + i * DA_LANES, s[i]);
    merge_state(r, max, sum, &old, &add);
    uint32_t end = r->pos - b->first_pos + 1;
    end = end < DA_KBLOCK ? end : DA_KBLOCK;
    for (uint32_t d = 0; d < d16; d += DA_LANES) {
        V o = v_set1(0.0f);
        for (uint32_t j = 0; j < end; j++) {
            size_t at = (size_t)j * d16 + d;
            o = v_fma(v_set1(p[j]), half ? v_load_f16(vh + at) : v_load(vf + at), o);
        }
        v_store(r->o + d, v_fma(o, add, v_mul(v_load(r->o + d), old)));
    }
}

static void body_attn_f32(const struct da_attn_block *b, struct da_attn_row *rows, uint32_t n_rows)
{
    for (uint32_t i = 0; i < n_rows; i++)
        attn_float(b, &rows[i], false);
}

static void body_attn_f16(const struct da_attn_block *b, struct da_attn_row *rows, uint32_t n_rows)
{
    for (uint32_t i = 0; i < n_rows; i++)
        attn_float(b, &rows[i], true);
}

/* Integer scores of n_r rows: s[r][64]. */
DA_ALWAYS_INLINE void q8_scores(const struct da_attn_block *b, const struct da_attn_row *rows,
                                int n_r, bool ahead, V s[ATTN_R][KV_VECS])
{
    const unsigned char *k = b->k;
    I sum[ATTN_R][KV_VECS];
    for (int r = 0; r < n_r; r++)
        for (int i = 0; i < KV_VECS; i++)
            sum[r][i] = i_set1(-128 * rows[r].q8_sum); /* keys are stored plus 128 */
    for (uint32_t d = 0; d < b->head_dim; d += 4) {
        I key[KV_VECS];
        for (int i = 0; i < KV_VECS; i++)
            key[i] = i_load(k + (size_t)d * DA_KBLOCK + 64 * i);
        for (int i = 0; ahead && i < KV_VECS; i++)
            lanes_prefetch((const unsigned char *)b->next_k + (size_t)d * DA_KBLOCK + 64 * i);
        for (int r = 0; r < n_r; r++) {
            I q = i_set1(load_i32((const unsigned char *)rows[r].q8 + d));
            for (int i = 0; i < KV_VECS; i++)
                sum[r][i] = i_dot4_in(sum[r][i], key[i], q);
        }
    }
    for (int i = 0; i < KV_VECS; i++) {
        V ks = v_load(b->k_scale + i * DA_LANES);
        for (int r = 0; r < n_r; r++)
            s[r][i] = v_mul(v_from_i(sum[r][i]), v_mul(ks, v_set1(rows[r].q8_scale)));
    }
}

/* Probabilities times value scales as 15-bit integers; returns the value of one unit. */
DA_ALWAYS_INLINE float q8_weights(const struct da_attn_block *b, V p[KV_VECS],
                                  int16_t out[DA_KBLOCK])
{
    I most = i_set1(0);
    float id;
    for (int i = 0; i < KV_VECS; i++) {
        p[i] = v_mul(p[i], v_load(b->v_scale + i * DA_LANES));
        most = i_max(most, i_bits(p[i])); /* not negative, so their bits order as integers */
    }
    float unit = quant_scale(i_hmax(most), 32767.0f, &id);
    for (int i = 0; i < KV_VECS; i++)
        i_store16(out + i * DA_LANES, quant_round(p[i], id));
    return unit;
}

/* Weighted sums of n_v vectors of values, from column d on, merged into the rows. */
DA_ALWAYS_INLINE void q8_values(const struct da_attn_block *b, struct da_attn_row *rows, int n_r,
                                int n_v, uint32_t d, bool ahead, int16_t p[ATTN_R][DA_KBLOCK],
                                const V old[ATTN_R], const V add[ATTN_R])
{
    const size_t stride = (size_t)da_pad(b->head_dim, DA_LANES) * 2;
    const int8_t *v = (const int8_t *)b->v + (size_t)d * 2;
    I o[ATTN_R][4];
    for (int r = 0; r < n_r; r++)
        for (int i = 0; i < n_v; i++)
            o[r][i] = i_set1(0);
    for (int j = 0; j < DA_KBLOCK / 2; j++, v += stride) {
        I pair[4];
        for (int i = 0; ahead && i < n_v; i += 2)
            lanes_prefetch((const unsigned char *)b->next_v + (v - (const int8_t *)b->v) + 32 * i);
        for (int i = 0; i < n_v; i++)
            pair[i] = i_widen8(v + 2 * DA_LANES * i);
        for (int r = 0; r < n_r; r++) {
            I w = i_set1(load_i32((const unsigned char *)&p[r][2 * j]));
            for (int i = 0; i < n_v; i++)
                o[r][i] = i_dot2_in(o[r][i], pair[i], w);
        }
    }
    for (int r = 0; r < n_r; r++) {
        for (int i = 0; i < n_v; i++) {
            float *out = rows[r].o + d + i * DA_LANES;
            v_store(out, v_fma(v_from_i(o[r][i]), add[r], v_mul(v_load(out), old[r])));
        }
    }
}

/* As merge_state for each row, with one exponential for all; add also holds the unit. */
DA_ALWAYS_INLINE void merge_tile(struct da_attn_row *rows, int n_r, const float max[ATTN_R],
                                 const float sum[ATTN_R], const float unit[ATTN_R], V old[ATTN_R],
                                 V add[ATTN_R])
{
    float e[DA_LANES] = {0};
    for (int r = 0; r < n_r; r++) {
        float m = rows[r].m > max[r] ? rows[r].m : max[r];
        e[2 * r] = rows[r].m - m;
        e[2 * r + 1] = max[r] - m;
        rows[r].m = m;
    }
    v_store(e, v_exp_neg(v_load(e)));
    for (int r = 0; r < n_r; r++) {
        rows[r].l = fmaf(sum[r], e[2 * r + 1], rows[r].l * e[2 * r]);
        old[r] = v_set1(e[2 * r]);
        add[r] = v_set1(e[2 * r + 1] * unit[r]);
    }
}

DA_ALWAYS_INLINE void q8_tile(const struct da_attn_block *b, struct da_attn_row *rows, int n_r,
                              bool ahead)
{
    const uint32_t d16 = da_pad(b->head_dim, DA_LANES);
    V s[ATTN_R][KV_VECS], old[ATTN_R], add[ATTN_R];
    int16_t p[ATTN_R][DA_KBLOCK];
    float max[ATTN_R], sum[ATTN_R], unit[ATTN_R];
    q8_scores(b, rows, n_r, ahead, s);
    /* stage by stage: a row's chain of operations is long, the rows' chains overlap */
    for (int r = 0; r < n_r; r++)
        max[r] = block_max(b, &rows[r], s[r]);
    for (int r = 0; r < n_r; r++)
        sum[r] = block_exp(b, &rows[r], s[r], max[r]);
    for (int r = 0; r < n_r; r++)
        unit[r] = q8_weights(b, s[r], p[r]);
    merge_tile(rows, n_r, max, sum, unit, old, add);
    uint32_t d = 0;
    for (; d + 4 * DA_LANES <= d16; d += 4 * DA_LANES)
        q8_values(b, rows, n_r, 4, d, ahead, p, old, add);
    for (; d < d16; d += DA_LANES)
        q8_values(b, rows, n_r, 1, d, ahead, p, old, add);
}

/* Rows of a call share the block; the first tile fetches what the next call needs. */
DA_ALWAYS_INLINE uint32_t q8_some(const struct da_attn_block *b, struct da_attn_row *rows,
                                  uint32_t left, bool ahead)
{
    if (left >= ATTN_R) {
        q8_tile(b, rows, ATTN_R, ahead);
        return ATTN_R;
    }
    if (ATTN_R > 3 && left == 3) {
        q8_tile(b, rows, ATTN_R < 3 ? ATTN_R : 3, ahead);
        return 3;
    }
    if (ATTN_R > 2 && left == 2) {
        q8_tile(b, rows, ATTN_R < 2 ? ATTN_R : 2, ahead);
        return 2;
    }
    q8_tile(b, rows, 1, ahead);
    return 1;
}

static void body_attn_q8(const struct da_attn_block *b, struct da_attn_row *rows, uint32_t n_rows)
{
    uint32_t i = 0;
    if (b->next_k)
        i = q8_some(b, rows, n_rows, true);
    while (i < n_rows)
        i += q8_some(b, rows + i, n_rows - i, false);
}

/* --- logits --------------------------------------------------------------------------- */

static uint32_t body_argmax(const float *x, uint32_t n)
{
    float top = -INFINITY;
    uint32_t i = 0;
    V m = v_set1(-INFINITY);
    for (; i + DA_LANES <= n; i += DA_LANES)
        m = v_max(v_load(x + i), m); /* a NaN leaves m as it is */
    if (i)
        top = v_hmax(m);
    for (; i < n; i++)
        top = x[i] > top ? x[i] : top;
    for (i = 0; i < n; i++)
        if (x[i] == top)
            return i;
    return 0;
}

static double body_log_sum_exp(const float *x, uint32_t n)
{
    double acc[DA_LANES] = {0};
    float tail[DA_LANES];
    float top = x[body_argmax(x, n)];
    V m = v_set1(top);
    uint32_t i = 0;
    for (; i + DA_LANES <= n; i += DA_LANES)
        v_add_to_double(acc, v_exp(v_sub(v_load(x + i), m)));
    for (uint32_t j = 0; j < DA_LANES; j++)
        tail[j] = i + j < n ? x[i + j] : -INFINITY;
    v_add_to_double(acc, v_exp(v_sub(v_load(tail), m)));
    for (int s = DA_LANES / 2; s; s /= 2)
        for (int j = 0; j < s; j++)
            acc[j] += acc[j + s];
    return (double)top + log(acc[0]);
}

const struct da_kernels BODY_NAME = {
    .name = BODY_TEXT,
    .matmul_f32 = body_matmul_f32,
    .matmul_f16 = body_matmul_f16,
    .matmul_bf16 = body_matmul_bf16,
    .matmul_q8 = body_matmul_q8,
    .matmul_q4 = body_matmul_q4,
    .quantize_row = body_quantize_row,
    .quantize_head = body_quantize_head,
    .rmsnorm = body_rmsnorm,
    .layernorm = body_layernorm,
    .silu_mul = body_silu_mul,
    .gelu_mul = body_gelu_mul,
    .gelu_erf = body_gelu_erf,
    .gelu_tanh = body_gelu_tanh,
    .softcap = body_softcap,
    .attn_f32 = body_attn_f32,
    .attn_f16 = body_attn_f16,
    .attn_q8 = body_attn_q8,
    .argmax = body_argmax,
    .log_sum_exp = body_log_sum_exp,
};
