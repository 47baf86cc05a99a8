/*
 * Floats to blocks. All encoders look for the smallest squared error of what the
 * block will decode to: a grid of scales is tried, each refitted to its codes by
 * least squares and rounded as it is stored. The k-quants are in quant_k.c.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "common/mem.h"
#include "engine/quant.h"
#include "engine/quant_encode.h"

static const float F16_MAX = 65504.0f;

static void finite_copy(const float *src, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = isfinite(src[i]) ? src[i] : 0.0f;
}

float da_quant_round_scale(float d)
{
    return da_f16_to_f32(da_f32_to_f16(d > F16_MAX ? F16_MAX : d < -F16_MAX ? -F16_MAX : d));
}

/* --- q4_0, q5_0 -------------------------------------------------------------------- */

/* Codes for scale d, zero at code half, and the squared error they leave. */
static float try_even(const float x[DA_QGROUP], float d, int half, uint8_t q[DA_QGROUP])
{
    const float top = (float)(2 * half) - 0.5f, middle = (float)half + 0.5f;
    float id = d != 0.0f ? 1.0f / d : 0.0f, e = 0.0f;
    for (int i = 0; i < DA_QGROUP; i++) {
        float v = x[i] * id + middle;
        v = v < 0.0f ? 0.0f : v > top ? top : v;
        q[i] = (uint8_t)v;
        float r = x[i] - d * (float)((int)q[i] - half);
        e += r * r;
    }
    return e;
}

/* The scale that fits given codes best in least squares. */
static float fit_even(const float x[DA_QGROUP], const uint8_t q[DA_QGROUP], int half)
{
    float xq = 0.0f, qq = 0.0f;
    for (int i = 0; i < DA_QGROUP; i++) {
        float c = (float)((int)q[i] - half);
        xq += x[i] * c;
        qq += c * c;
    }
    return qq > 0.0f ? xq / qq : 0.0f;
}

/*
 * The plain encoder maps the value of largest magnitude to code 0. That choice
 * is the first candidate here; the others shrink or stretch the scale and refit
 * it to the codes, and the smallest error of the rounded scale wins, so a block
 * is never worse than the plain one. Returns the scale.
 */
static float encode_even(const float x[DA_QGROUP], int half, uint8_t best[DA_QGROUP])
{
    static const float STEPS[] = {0.0f, 0.5f, 1.0f, -0.5f, -1.0f};
    float max = 0.0f, best_e = INFINITY, best_d = 0.0f;
    uint8_t q[DA_QGROUP];
    memset(best, 0, DA_QGROUP);
    for (int i = 0; i < DA_QGROUP; i++)
        if (fabsf(x[i]) > fabsf(max))
            max = x[i];
    for (size_t c = 0; c < 2 * DA_ARRAY_LEN(STEPS); c++) {
        float level = (float)-half + STEPS[c / 2];
        float d = da_quant_round_scale(max / (c % 2 ? -level : level));
        for (int pass = 0; pass < 2; pass++) {
            float e = try_even(x, d, half, q);
            if (e < best_e) {
                best_e = e;
                best_d = d;
                memcpy(best, q, DA_QGROUP);
            }
            d = da_quant_round_scale(fit_even(x, q, half));
        }
    }
    return best_d;
}

static void encode_q4_0(const float x[DA_QGROUP], unsigned char *dst)
{
    struct da_block_q4_0 b = {0};
    uint8_t q[DA_QGROUP];
    b.d = da_f32_to_f16(encode_even(x, 8, q));
    for (int i = 0; i < 16; i++)
        b.qs[i] = (uint8_t)(q[i] | q[i + 16] << 4);
    memcpy(dst, &b, sizeof b);
}

/* The low four bits of 32 codes, and the fifth ones. */
static void pack_five(const uint8_t q[DA_QGROUP], uint8_t qs[16], uint8_t qh[4])
{
    memset(qh, 0, 4);
    for (int i = 0; i < 16; i++)
        qs[i] = (uint8_t)((q[i] & 15) | (q[i + 16] & 15) << 4);
    for (int i = 0; i < DA_QGROUP; i++)
        qh[i / 8] = (uint8_t)(qh[i / 8] | (q[i] >> 4) << (i % 8));
}

static void encode_q5_0(const float x[DA_QGROUP], unsigned char *dst)
{
    struct da_block_q5_0 b = {0};
    uint8_t q[DA_QGROUP];
    b.d = da_f32_to_f16(encode_even(x, 16, q));
    pack_five(q, b.qs, b.qh);
    memcpy(dst, &b, sizeof b);
}

/* --- affine groups ------------------------------------------------------------------- */

float da_quant_codes_affine(const float *x, int n, int q_max, float scale, float min, uint8_t *q)
{
    const float id = scale != 0.0f ? 1.0f / scale : 0.0f, top = (float)q_max + 0.5f;
    float e = 0.0f;
    for (int i = 0; i < n; i++) {
        float v = (x[i] + min) * id + 0.5f;
        v = v < 0.0f ? 0.0f : v > top ? top : v;
        int code = (int)v;
        q[i] = (uint8_t)code;
        float r = scale * (float)code - min - x[i];
        e += r * r;
    }
    return e;
}

/* Least squares for given codes; min stays at or above 0 unless any_min. */
static struct da_quant_affine fit_codes(const float *x, int n, const uint8_t *q, bool any_min)
{
    float sq = 0.0f, sqq = 0.0f, sx = 0.0f, sqx = 0.0f;
    for (int i = 0; i < n; i++) {
        float c = (float)q[i];
        sq += c;
        sqq += c * c;
        sx += x[i];
        sqx += c * x[i];
    }
    float det = (float)n * sqq - sq * sq;
    struct da_quant_affine a = {0.0f, -sx / (float)n};
    if (det > 0.0f) {
        a.scale = ((float)n * sqx - sq * sx) / det;
        a.min = (a.scale * sq - sx) / (float)n;
    }
    if (a.min < 0.0f && !any_min) {
        a.min = 0.0f;
        a.scale = sqq > 0.0f ? sqx / sqq : 0.0f;
    }
    return a;
}

struct da_quant_affine da_quant_fit_affine(const float *x, int n, int q_max, bool any_min)
{
    enum { HALF_STEPS = 9 };
    float lo = x[0], hi = x[0], best_e = INFINITY;
    uint8_t q[DA_QGROUP];
    for (int i = 1; i < n; i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
    }
    if (lo > 0.0f && !any_min)
        lo = 0.0f;
    struct da_quant_affine best = {0.0f, -lo};
    if (hi <= lo)
        return best;
    for (int step = -HALF_STEPS; step <= HALF_STEPS; step++) {
        struct da_quant_affine a = {(hi - lo) / ((float)q_max + 0.125f * (float)step), -lo};
        for (int pass = 0; pass < 3; pass++) {
            float e = da_quant_codes_affine(x, n, q_max, a.scale, a.min, q);
            if (e < best_e) {
                best_e = e;
                best = a;
            }
            a = fit_codes(x, n, q, any_min);
            if (a.scale <= 0.0f)
                break;
        }
    }
    return best;
}

static void encode_q5_1(const float x[DA_QGROUP], unsigned char *dst)
{
    struct da_block_q5_1 b = {0};
    uint8_t q[DA_QGROUP];
    struct da_quant_affine a = da_quant_fit_affine(x, DA_QGROUP, 31, true);
    b.d = da_f32_to_f16(da_quant_round_scale(a.scale));
    b.m = da_f32_to_f16(da_quant_round_scale(-a.min));
    (void)da_quant_codes_affine(x, DA_QGROUP, 31, da_f16_to_f32(b.d), -da_f16_to_f32(b.m), q);
    pack_five(q, b.qs, b.qh);
    memcpy(dst, &b, sizeof b);
}

/* --- q8_0 ---------------------------------------------------------------------------- */

static void encode_q8_0(const float x[DA_QGROUP], unsigned char *dst)
{
    struct da_block_q8_0 b = {0};
    float amax = 0.0f;
    for (int i = 0; i < DA_QGROUP; i++)
        amax = fabsf(x[i]) > amax ? fabsf(x[i]) : amax;
    float d = da_quant_round_scale(amax / 127.0f), id = d != 0.0f ? 1.0f / d : 0.0f;
    b.d = da_f32_to_f16(d);
    for (int i = 0; i < DA_QGROUP; i++) {
        float v = roundf(x[i] * id);
        b.qs[i] = (int8_t)(v > 127.0f ? 127.0f : v < -127.0f ? -127.0f : v);
    }
    memcpy(dst, &b, sizeof b);
}

void da_quantize(enum da_qtype type, const float *src, void *dst, size_t n)
{
    static void (*const ENCODE[])(const float *, unsigned char *) = {
        [DA_Q_Q4_0] = encode_q4_0,   [DA_Q_Q5_0] = encode_q5_0,   [DA_Q_Q5_1] = encode_q5_1,
        [DA_Q_Q8_0] = encode_q8_0,   [DA_Q_Q4_K] = da_quant_q4_k, [DA_Q_Q5_K] = da_quant_q5_k,
        [DA_Q_Q6_K] = da_quant_q6_k,
    };
    const struct da_qtype_info *info = da_qtype_info(type);
    unsigned char *p = dst;
    float x[DA_QSUPER];
    assert(info && info->writable && n % info->block_len == 0);
    switch (type) {
    case DA_Q_F32: memcpy(dst, src, n * sizeof *src); return;
    case DA_Q_F16:
    case DA_Q_BF16:
        for (size_t i = 0; i < n; i++) {
            uint16_t h = type == DA_Q_F16 ? da_f32_to_f16(src[i]) : da_f32_to_bf16(src[i]);
            memcpy(p + 2 * i, &h, 2);
        }
        return;
    default:
        for (size_t i = 0; i < n; i += info->block_len, p += info->block_bytes) {
            finite_copy(src + i, x, info->block_len);
            ENCODE[type](x, p);
        }
    }
}
