/*
 * Encoders of the k-quants: 256 values, a half for the scale of the whole
 * (q4_k, q5_k: a second one for the minima), small integers for the parts.
 *
 * First every part is fitted alone. Then the two or one scales of the whole are
 * taken from the largest part, every part looks at the integers around its own
 * value and takes the pair with the smallest error of what will be decoded, and
 * the scales of the whole are refitted to all codes by least squares; the best
 * of a few rounds stays.
 */
#include <math.h>
#include <string.h>

#include "engine/quant.h"
#include "engine/quant_encode.h"

enum { N_PARTS = 8, ROUNDS = 3, SCALE_MAX = 63 };

struct affine_super {
    float d, dmin; /* as stored */
    uint8_t scale[N_PARTS], min[N_PARTS];
    uint8_t q[DA_QSUPER];
    float error;
};

static uint8_t six_bits(float v)
{
    int i = (int)(v + 0.5f);
    return (uint8_t)(v <= 0.0f ? 0 : i > SCALE_MAX ? SCALE_MAX : i);
}

/* Scale and minimum codes of part j around what fits it alone, and its codes. */
static float choose_part(const float *x, int q_max, struct da_quant_affine a,
                         struct affine_super *s, int j)
{
    const int s0 = six_bits(s->d > 0.0f ? a.scale / s->d : 0.0f);
    const int m0 = six_bits(s->dmin > 0.0f ? a.min / s->dmin : 0.0f);
    uint8_t q[DA_QGROUP];
    float best = INFINITY;
    for (int sc = s0 > 0 ? s0 - 1 : 0; sc <= s0 + 1 && sc <= SCALE_MAX; sc++) {
        for (int m = m0 > 0 ? m0 - 1 : 0; m <= m0 + 1 && m <= SCALE_MAX; m++) {
            float e =
                da_quant_codes_affine(x, DA_QGROUP, q_max, s->d * (float)sc, s->dmin * (float)m, q);
            if (e < best) {
                best = e;
                s->scale[j] = (uint8_t)sc;
                s->min[j] = (uint8_t)m;
                memcpy(s->q + j * DA_QGROUP, q, sizeof q);
            }
        }
    }
    return best;
}

/* d and dmin for given codes: x ~ d * scale * q - dmin * min. */
static void refit_super(const float *x, struct affine_super *s)
{
    double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
    for (int i = 0; i < DA_QSUPER; i++) {
        double a = (double)s->scale[i / DA_QGROUP] * s->q[i], b = -(double)s->min[i / DA_QGROUP];
        aa += a * a;
        ab += a * b;
        bb += b * b;
        ax += a * (double)x[i];
        bx += b * (double)x[i];
    }
    double det = aa * bb - ab * ab;
    if (det > 1e-9 * aa * bb) {
        s->d = (float)((ax * bb - bx * ab) / det);
        s->dmin = (float)((bx * aa - ax * ab) / det);
    } else if (aa > 0) {
        s->d = (float)(ax / aa);
        s->dmin = 0.0f;
    }
    s->d = da_quant_round_scale(s->d > 0.0f ? s->d : 0.0f);
    s->dmin = da_quant_round_scale(s->dmin > 0.0f ? s->dmin : 0.0f);
}

static void fit_affine_super(const float *x, int q_max, struct affine_super *best)
{
    struct da_quant_affine part[N_PARTS];
    struct affine_super s = {0};
    float max_scale = 0.0f, max_min = 0.0f;
    for (int j = 0; j < N_PARTS; j++) {
        part[j] = da_quant_fit_affine(x + j * DA_QGROUP, DA_QGROUP, q_max, false);
        max_scale = part[j].scale > max_scale ? part[j].scale : max_scale;
        max_min = part[j].min > max_min ? part[j].min : max_min;
    }
    s.d = da_quant_round_scale(max_scale / SCALE_MAX);
    s.dmin = da_quant_round_scale(max_min / SCALE_MAX);
    *best = s;
    best->error = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        s.error = 0.0f;
        for (int j = 0; j < N_PARTS; j++)
            s.error += choose_part(x + j * DA_QGROUP, q_max, part[j], &s, j);
        if (s.error < best->error)
            *best = s;
        else if (round)
            break;
        refit_super(x, &s);
    }
}

/* Eight scales and minima of six bits in twelve bytes. */
static void pack_scales(const uint8_t sc[N_PARTS], const uint8_t m[N_PARTS], uint8_t out[12])
{
    for (int j = 0; j < 4; j++) {
        out[j] = (uint8_t)(sc[j] | (sc[j + 4] >> 4) << 6);
        out[j + 4] = (uint8_t)(m[j] | (m[j + 4] >> 4) << 6);
        out[j + 8] = (uint8_t)((sc[j + 4] & 15) | (m[j + 4] & 15) << 4);
    }
}

void da_quant_q4_k(const float *x, unsigned char *dst)
{
    struct da_block_q4_k b = {0};
    struct affine_super s;
    fit_affine_super(x, 15, &s);
    b.d = da_f32_to_f16(s.d);
    b.dmin = da_f32_to_f16(s.dmin);
    pack_scales(s.scale, s.min, b.scales);
    for (int i = 0; i < DA_QSUPER / 2; i++) { /* parts 2k and 2k + 1 share bytes */
        const uint8_t *q = s.q + i / 32 * 64 + i % 32;
        b.qs[i] = (uint8_t)(q[0] | q[32] << 4);
    }
    memcpy(dst, &b, sizeof b);
}

void da_quant_q5_k(const float *x, unsigned char *dst)
{
    struct da_block_q5_k b = {0};
    struct affine_super s;
    fit_affine_super(x, 31, &s);
    b.d = da_f32_to_f16(s.d);
    b.dmin = da_f32_to_f16(s.dmin);
    pack_scales(s.scale, s.min, b.scales);
    for (int i = 0; i < DA_QSUPER / 2; i++) {
        const uint8_t *q = s.q + i / 32 * 64 + i % 32;
        b.qs[i] = (uint8_t)((q[0] & 15) | (q[32] & 15) << 4);
    }
    for (int i = 0; i < DA_QSUPER; i++) /* bit j: the fifth bit of part j */
        b.qh[i % 32] = (uint8_t)(b.qh[i % 32] | (s.q[i] >> 4) << (i / 32));
    memcpy(dst, &b, sizeof b);
}

/* --- q6_k ---------------------------------------------------------------------------- */

enum { Q6_PART = 16, Q6_PARTS = 16, Q6_HALF = 32 };

struct even_super {
    float d;
    int8_t scale[Q6_PARTS];
    uint8_t q[DA_QSUPER]; /* plus 32 */
    float error;
};

static float codes_even(const float x[Q6_PART], float scale, uint8_t q[Q6_PART])
{
    const float id = scale != 0.0f ? 1.0f / scale : 0.0f;
    float e = 0.0f;
    for (int i = 0; i < Q6_PART; i++) {
        float v = x[i] * id + (Q6_HALF + 0.5f);
        v = v < 0.0f ? 0.0f : v > 2 * Q6_HALF - 0.5f ? 2 * Q6_HALF - 0.5f : v;
        int code = (int)v;
        q[i] = (uint8_t)code;
        float r = scale * (float)(code - Q6_HALF) - x[i];
        e += r * r;
    }
    return e;
}

static float fit_even(const float x[Q6_PART], const uint8_t q[Q6_PART])
{
    float xq = 0.0f, qq = 0.0f;
    for (int i = 0; i < Q6_PART; i++) {
        float c = (float)(q[i] - Q6_HALF);
        xq += x[i] * c;
        qq += c * c;
    }
    return qq > 0.0f ? xq / qq : 0.0f;
}

/* The scale of a part alone; its sign puts the largest value on the longer side, or not. */
static float fit_part(const float x[Q6_PART])
{
    float max = 0.0f, best_e = INFINITY, best = 0.0f;
    uint8_t q[Q6_PART];
    for (int i = 0; i < Q6_PART; i++)
        if (fabsf(x[i]) > fabsf(max))
            max = x[i];
    for (int step = -4; step <= 8; step++) {
        for (int side = 0; side < 2; side++) {
            float level = (float)Q6_HALF - 0.25f * (float)step;
            float d = max / (side ? level : -level);
            for (int pass = 0; pass < 2 && d != 0.0f; pass++) {
                float e = codes_even(x, d, q);
                if (e < best_e) {
                    best_e = e;
                    best = d;
                }
                d = fit_even(x, q);
            }
        }
    }
    return best;
}

static float choose_even(const float x[Q6_PART], float alone, struct even_super *s, int j)
{
    const float v = s->d != 0.0f ? alone / s->d : 0.0f;
    const int s0 = v <= -128.0f ? -128 : v >= 127.0f ? 127 : (int)lrintf(v);
    uint8_t q[Q6_PART];
    float best = INFINITY;
    for (int sc = s0 > -128 ? s0 - 1 : s0; sc <= s0 + 1 && sc <= 127; sc++) {
        float e = codes_even(x, s->d * (float)sc, q);
        if (e < best) {
            best = e;
            s->scale[j] = (int8_t)sc;
            memcpy(s->q + j * Q6_PART, q, sizeof q);
        }
    }
    return best;
}

static float refit_even(const float *x, const struct even_super *s)
{
    double xq = 0, qq = 0;
    for (int i = 0; i < DA_QSUPER; i++) {
        double c = (double)s->scale[i / Q6_PART] * (s->q[i] - Q6_HALF);
        xq += c * (double)x[i];
        qq += c * c;
    }
    return da_quant_round_scale(qq > 0 ? (float)(xq / qq) : 0.0f);
}

void da_quant_q6_k(const float *x, unsigned char *dst)
{
    struct da_block_q6_k b = {0};
    struct even_super s = {0}, best = {0};
    float part[Q6_PARTS], max = 0.0f;
    for (int j = 0; j < Q6_PARTS; j++) {
        part[j] = fit_part(x + j * Q6_PART);
        if (fabsf(part[j]) > fabsf(max))
            max = part[j];
    }
    best.error = INFINITY;
    s.d = da_quant_round_scale(max / -128.0f);
    for (int round = 0; round < ROUNDS; round++) {
        s.error = 0.0f;
        for (int j = 0; j < Q6_PARTS; j++)
            s.error += choose_even(x + j * Q6_PART, part[j], &s, j);
        if (s.error < best.error)
            best = s;
        else if (round)
            break;
        s.d = refit_even(x, &s);
    }
    b.d = da_f32_to_f16(best.d);
    memcpy(b.scales, best.scale, sizeof b.scales);
    for (int i = 0; i < DA_QSUPER; i++) {
        int half = i / 128, quarter = i % 128 / 32, at = i % 32;
        uint8_t *low = &b.ql[half * 64 + quarter % 2 * 32 + at], *high = &b.qh[half * 32 + at];
        *low = (uint8_t)(*low | (best.q[i] & 15) << (quarter / 2 * 4));
        *high = (uint8_t)(*high | (best.q[i] >> 4) << (2 * quarter));
    }
    memcpy(dst, &b, sizeof b);
}
