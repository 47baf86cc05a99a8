/*
 * Element types. Decoding is checked against blocks written out by hand from the
 * format's description; the encoders against the error of the plain method that
 * ggml's reference uses (its rule is restated here).
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/rng.h"
#include "engine/quant.h"
#include "tests/tap.h"

static void test_halves(void)
{
    /* IEEE 754 binary16 values by definition */
    static const struct {
        uint16_t h;
        float f;
    } PAIRS[] = {
        {0x0000, 0.0f},     {0x3c00, 1.0f},     {0xc000, -2.0f},           {0x7bff, 65504.0f},
        {0x0001, 0x1p-24f}, {0x0400, 0x1p-14f}, {0x3555, 0.333251953125f}, {0x03ff, 0x1.ff8p-15f}};
    bool ok = true;
    unsigned wrong = 0;
    for (size_t i = 0; i < DA_ARRAY_LEN(PAIRS); i++)
        ok = ok && da_f16_to_f32(PAIRS[i].h) == PAIRS[i].f &&
             da_f32_to_f16(PAIRS[i].f) == PAIRS[i].h;
    tap_ok(ok, "known halves");
    for (uint32_t h = 0; h < 0x10000; h++)
        if ((h & 0x7c00) != 0x7c00)
            wrong += da_f32_to_f16(da_f16_to_f32((uint16_t)h)) != h;
    tap_is_int(wrong, 0, "every finite half comes back");
    tap_is_int(da_f32_to_f16(65520.0f), 0x7c00, "65520 rounds to infinity");
    tap_is_int(da_f32_to_f16(1.0f + 0x1p-11f), 0x3c00, "a tie goes to even");
    tap_is_int(da_f32_to_f16(1.0f + 0x3p-11f), 0x3c02, "... in both directions");
    tap_is_int(da_f32_to_bf16(1.0f + 0x1p-8f), 0x3f80, "bf16: a tie goes to even");
    tap_ok(da_bf16_to_f32(0xc020) == -2.5f, "bf16 decodes");
}

/* Blocks with d = 1 (0x3c00), m = 2 (0x4000). */
static void test_blocks(void)
{
    float y[256];
    struct da_block_q4_0 q4 = {.d = 0x3c00};
    struct da_block_q4_1 q41 = {.d = 0x3c00, .m = 0x4000};
    struct da_block_q5_0 q50 = {.d = 0x3c00};
    struct da_block_q8_0 q8 = {.d = 0x4000};
    q4.qs[3] = 0xf1;
    da_dequantize(DA_Q_Q4_0, &q4, y, 32);
    tap_ok(y[3] == -7.0f && y[19] == 7.0f && y[0] == -8.0f, "q4_0");
    q41.qs[3] = 0xf1;
    da_dequantize(DA_Q_Q4_1, &q41, y, 32);
    tap_ok(y[3] == 3.0f && y[19] == 17.0f && y[0] == 2.0f, "q4_1");
    q50.qs[3] = 0xf1;
    q50.qh[2] = 1 << 3; /* value 19 */
    da_dequantize(DA_Q_Q5_0, &q50, y, 32);
    tap_ok(y[3] == -15.0f && y[19] == 15.0f && y[0] == -16.0f, "q5_0");
    q8.qs[31] = -5;
    da_dequantize(DA_Q_Q8_0, &q8, y, 32);
    tap_ok(y[31] == -10.0f && y[0] == 0.0f, "q8_0");
    struct da_block_q6_k q6 = {.d = 0x3c00};
    memset(q6.scales, 1, sizeof q6.scales);
    q6.scales[5] = 2;      /* values 80..95 */
    q6.ql[32 + 20] = 0xa0; /* high nibble: value 96 + 20 */
    q6.qh[20] = 3 << 6;
    da_dequantize(DA_Q_Q6_K, &q6, y, 256);
    tap_ok(y[116] == (float)(0x3a - 32) && y[80] == -64.0f && y[0] == -32.0f, "q6_k");
    struct da_block_q4_k q4k = {.d = 0x3c00, .dmin = 0x3c00};
    q4k.scales[0] = 3;
    q4k.scales[4] = 1; /* minimum of values 0..31 */
    q4k.qs[7] = 0x25;
    da_dequantize(DA_Q_Q4_K, &q4k, y, 256);
    tap_ok(y[7] == 14.0f && y[0] == -1.0f && y[39] == 0.0f, "q4_k");
}

static double rms(const float *x, const float *y, int n)
{
    double e = 0;
    for (int i = 0; i < n; i++)
        e += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    return sqrt(e / n);
}

/* The reference rule: the value of largest magnitude becomes code 0, codes round half up. */
static void plain_q4_0(const float *x, float *y, int n)
{
    for (int b = 0; b < n; b += 32) {
        float max = 0;
        for (int i = 0; i < 32; i++)
            max = fabsf(x[b + i]) > fabsf(max) ? x[b + i] : max;
        float d = max / -8, id = d != 0 ? 1 / d : 0;
        for (int i = 0; i < 32; i++) {
            int q = (int)(x[b + i] * id + 8.5f);
            y[b + i] = da_f16_to_f32(da_f32_to_f16(d)) * (float)((q > 15 ? 15 : q) - 8);
        }
    }
}

static void plain_q8_0(const float *x, float *y, int n)
{
    for (int b = 0; b < n; b += 32) {
        float max = 0;
        for (int i = 0; i < 32; i++)
            max = fabsf(x[b + i]) > max ? fabsf(x[b + i]) : max;
        float d = max / 127, id = d != 0 ? 1 / d : 0;
        for (int i = 0; i < 32; i++)
            y[b + i] = da_f16_to_f32(da_f32_to_f16(d)) * roundf(x[b + i] * id);
    }
}

static void test_encoders(void)
{
    enum { N = 32 * 4096 };
    static float x[N], y[N], z[N];
    static unsigned char q[N * 2];
    struct da_rng r;
    da_rng_init(&r, 3);
    for (int i = 0; i < N; i++)
        x[i] = (float)da_rng_normal(&r) * (i / 32 % 5 == 0 ? 1e-3f : 1.0f);
    da_quantize(DA_Q_Q4_0, x, q, N);
    da_dequantize(DA_Q_Q4_0, q, y, N);
    plain_q4_0(x, z, N);
    tap_ok(rms(x, y, N) <= rms(x, z, N), "q4_0: error %.5f, the plain encoder's %.5f", rms(x, y, N),
           rms(x, z, N));
    unsigned worse = 0;
    for (int b = 0; b < N; b += 32)
        worse += rms(x + b, y + b, 32) > rms(x + b, z + b, 32) * (1 + 1e-6);
    tap_is_int(worse, 0, "q4_0: no block is worse");
    da_quantize(DA_Q_Q8_0, x, q, N);
    da_dequantize(DA_Q_Q8_0, q, y, N);
    plain_q8_0(x, z, N);
    tap_ok(rms(x, y, N) <= rms(x, z, N), "q8_0: error %.6f, the plain encoder's %.6f", rms(x, y, N),
           rms(x, z, N));
    x[0] = INFINITY;
    x[1] = NAN;
    x[40] = 1e38f;
    da_quantize(DA_Q_Q4_0, x, q, 64);
    da_dequantize(DA_Q_Q4_0, q, y, 64);
    bool finite = true;
    for (int i = 0; i < 64; i++)
        finite = finite && isfinite(y[i]);
    tap_ok(finite, "values that are not finite do not spread");
}

/* Errors of llama.cpp v0.5.0's encoders on the same values: tools/engine/quant_goldens.py. */
static void test_beside_llama(void)
{
    static const struct {
        enum da_qtype type;
        double error;
    } THEIRS[] = {
        {DA_Q_Q4_0, 0.0817296061},  {DA_Q_Q5_0, 0.0408153451}, {DA_Q_Q5_1, 0.0292986931},
        {DA_Q_Q8_0, 0.00514315216}, {DA_Q_Q4_K, 0.0564614827}, {DA_Q_Q5_K, 0.0285697048},
        {DA_Q_Q6_K, 0.015489729},
    };
    enum { N = 256 * 256 };
    static float x[N], y[N];
    static unsigned char q[N * 2];
    struct da_rng r;
    da_rng_init(&r, 5);
    for (int i = 0; i < N; i++) {
        double v = da_rng_double(&r);
        for (int k = 0; k < 3; k++)
            v += da_rng_double(&r);
        x[i] = (float)(v - 2.0) * (i % 97 == 0 ? 6.0f : 1.0f);
    }
    for (size_t i = 0; i < DA_ARRAY_LEN(THEIRS); i++) {
        da_quantize(THEIRS[i].type, x, q, N);
        da_dequantize(THEIRS[i].type, q, y, N);
        double e = rms(x, y, N);
        tap_ok(e <= THEIRS[i].error && e > 0.8 * THEIRS[i].error,
               "%s: error %.7f, llama.cpp's %.7f", da_qtype_name(THEIRS[i].type), e,
               THEIRS[i].error);
        for (int k = 0; k < 512; k++)
            y[k] = k % 3 ? (k % 2 ? 1e38f : INFINITY) : 0.0f;
        da_quantize(THEIRS[i].type, y, q, 512);
        da_dequantize(THEIRS[i].type, q, y, 512);
        bool finite = true;
        for (int k = 0; k < 512; k++)
            finite = finite && isfinite(y[k]);
        tap_ok(finite, "%s: huge and infinite values give finite ones",
               da_qtype_name(THEIRS[i].type));
    }
}

int main(void)
{
    enum da_qtype t;
    uint64_t n = 0;
    test_halves();
    test_blocks();
    test_encoders();
    test_beside_llama();
    tap_ok(da_qtype_parse("Q4_0", &t) && t == DA_Q_Q4_0, "names in any case");
    tap_ok(!da_qtype_parse("q4_9", &t), "unknown names");
    tap_ok(da_qtype_row_bytes(DA_Q_Q6_K, 512, &n) && n == 420, "row bytes");
    tap_ok(!da_qtype_row_bytes(DA_Q_Q4_0, 33, &n), "rows are whole blocks");
    return tap_done();
}
