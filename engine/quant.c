/*
 * Element types: sizes, decoding of all types that files online carry, encoding
 * of those we write. Layouts follow ggml's block formats; each block is copied
 * out by memcpy because a mapped file promises no alignment for our structs.
 */
#include "engine/quant.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "common/attr.h"

static_assert(sizeof(struct da_block_q4_0) == 18, "q4_0 layout");
static_assert(sizeof(struct da_block_q4_1) == 20, "q4_1 layout");
static_assert(sizeof(struct da_block_q5_0) == 22, "q5_0 layout");
static_assert(sizeof(struct da_block_q5_1) == 24, "q5_1 layout");
static_assert(sizeof(struct da_block_q8_0) == 34, "q8_0 layout");
static_assert(sizeof(struct da_block_q2_k) == 84, "q2_k layout");
static_assert(sizeof(struct da_block_q3_k) == 110, "q3_k layout");
static_assert(sizeof(struct da_block_q4_k) == 144, "q4_k layout");
static_assert(sizeof(struct da_block_q5_k) == 176, "q5_k layout");
static_assert(sizeof(struct da_block_q6_k) == 210, "q6_k layout");

/* Indexed by the format's numbers; a NULL name is a number the format dropped or never used. */
static const struct da_qtype_info TYPES[] = {
    [0] = {"f32", 1, 4, true, true},           [1] = {"f16", 1, 2, true, true},
    [2] = {"q4_0", 32, 18, true, true},        [3] = {"q4_1", 32, 20, true, false},
    [6] = {"q5_0", 32, 22, true, true},        [7] = {"q5_1", 32, 24, true, true},
    [8] = {"q8_0", 32, 34, true, true},        [9] = {"q8_1", 32, 36, false, false},
    [10] = {"q2_k", 256, 84, true, false},     [11] = {"q3_k", 256, 110, true, false},
    [12] = {"q4_k", 256, 144, true, true},     [13] = {"q5_k", 256, 176, true, true},
    [14] = {"q6_k", 256, 210, true, true},     [15] = {"q8_k", 256, 292, false, false},
    [16] = {"iq2_xxs", 256, 66, false, false}, [17] = {"iq2_xs", 256, 74, false, false},
    [18] = {"iq3_xxs", 256, 98, false, false}, [19] = {"iq1_s", 256, 50, false, false},
    [20] = {"iq4_nl", 32, 18, true, false},    [21] = {"iq3_s", 256, 110, false, false},
    [22] = {"iq2_s", 256, 82, false, false},   [23] = {"iq4_xs", 256, 136, false, false},
    [24] = {"i8", 1, 1, false, false},         [25] = {"i16", 1, 2, false, false},
    [26] = {"i32", 1, 4, false, false},        [27] = {"i64", 1, 8, false, false},
    [28] = {"f64", 1, 8, false, false},        [29] = {"iq1_m", 256, 56, false, false},
    [30] = {"bf16", 1, 2, true, true},         [34] = {"tq1_0", 256, 54, false, false},
    [35] = {"tq2_0", 256, 66, false, false},   [39] = {"mxfp4", 32, 17, false, false},
};

const struct da_qtype_info *da_qtype_info(uint32_t type)
{
    return type < DA_ARRAY_LEN(TYPES) && TYPES[type].name ? &TYPES[type] : NULL;
}

const char *da_qtype_name(uint32_t type)
{
    const struct da_qtype_info *qi = da_qtype_info(type);
    return qi ? qi->name : "unknown";
}

bool da_qtype_parse(const char *name, enum da_qtype *out)
{
    char low[16];
    size_t n = strlen(name);
    if (n >= sizeof low)
        return false;
    for (size_t i = 0; i <= n; i++)
        low[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    for (uint32_t t = 0; t < DA_ARRAY_LEN(TYPES); t++) {
        if (TYPES[t].name && strcmp(TYPES[t].name, low) == 0) {
            *out = (enum da_qtype)t;
            return true;
        }
    }
    return false;
}

bool da_qtype_row_bytes(uint32_t type, uint64_t n, uint64_t *out)
{
    const struct da_qtype_info *qi = da_qtype_info(type);
    if (!qi || n % qi->block_len || n / qi->block_len > UINT64_MAX / qi->block_bytes)
        return false;
    *out = n / qi->block_len * qi->block_bytes;
    return true;
}

/* --- half and bfloat16 ------------------------------------------------------- */

static uint32_t bits_of(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static float float_of(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

float da_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t exp = (h >> 10) & 0x1fu, man = h & 0x3ffu;
    if (exp == 0x1f)
        return float_of(sign | 0x7f800000u | man << 13);
    if (exp)
        return float_of(sign | (exp + 112) << 23 | man << 13);
    float f = (float)man * 0x1p-24f; /* subnormal, exact */
    return float_of(sign | bits_of(f));
}

uint16_t da_f32_to_f16(float f)
{
    uint32_t u = bits_of(f), sign = (u >> 16) & 0x8000u, a = u & 0x7fffffffu;
    if (a > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u | (a >> 13 & 0x3ffu)); /* NaN stays one */
    if (a >= 0x477ff000u)                                       /* rounds to 65520 or more */
        return (uint16_t)(sign | 0x7c00u);
    if (a < 0x38800000u) { /* below 2^-14: the adder rounds to a multiple of 2^-24 */
        float m = float_of(a) + 0.5f;
        return (uint16_t)(sign | (bits_of(m) - 0x3f000000u));
    }
    uint32_t even = (a >> 13) & 1u;
    return (uint16_t)(sign | ((a - 0x38000000u + 0xfffu + even) >> 13));
}

float da_bf16_to_f32(uint16_t h)
{
    return float_of((uint32_t)h << 16);
}

uint16_t da_f32_to_bf16(float f)
{
    uint32_t u = bits_of(f);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(u >> 16 | 0x40u);
    return (uint16_t)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}

/* --- decoding ---------------------------------------------------------------- */

static void dq_q4_0(const unsigned char *src, float *y)
{
    struct da_block_q4_0 b;
    memcpy(&b, src, sizeof b);
    float d = da_f16_to_f32(b.d);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)((b.qs[i] & 15) - 8);
        y[i + 16] = d * (float)((b.qs[i] >> 4) - 8);
    }
}

static void dq_q4_1(const unsigned char *src, float *y)
{
    struct da_block_q4_1 b;
    memcpy(&b, src, sizeof b);
    float d = da_f16_to_f32(b.d), m = da_f16_to_f32(b.m);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)(b.qs[i] & 15) + m;
        y[i + 16] = d * (float)(b.qs[i] >> 4) + m;
    }
}

static int fifth_bit(const uint8_t qh[4], int i)
{
    return (qh[i / 8] >> (i % 8) & 1) << 4;
}

static void dq_q5_0(const unsigned char *src, float *y)
{
    struct da_block_q5_0 b;
    memcpy(&b, src, sizeof b);
    float d = da_f16_to_f32(b.d);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)(((b.qs[i] & 15) | fifth_bit(b.qh, i)) - 16);
        y[i + 16] = d * (float)(((b.qs[i] >> 4) | fifth_bit(b.qh, i + 16)) - 16);
    }
}

static void dq_q5_1(const unsigned char *src, float *y)
{
    struct da_block_q5_1 b;
    memcpy(&b, src, sizeof b);
    float d = da_f16_to_f32(b.d), m = da_f16_to_f32(b.m);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)((b.qs[i] & 15) | fifth_bit(b.qh, i)) + m;
        y[i + 16] = d * (float)((b.qs[i] >> 4) | fifth_bit(b.qh, i + 16)) + m;
    }
}

static void dq_q8_0(const unsigned char *src, float *y)
{
    struct da_block_q8_0 b;
    memcpy(&b, src, sizeof b);
    float d = da_f16_to_f32(b.d);
    for (int i = 0; i < 32; i++)
        y[i] = d * (float)b.qs[i];
}

const int8_t da_iq4_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                  1,    13,   25,  38,  53,  69,  89,  113};

static void dq_iq4_nl(const unsigned char *src, float *y)
{
    struct da_block_q4_0 b; /* same layout, other levels */
    memcpy(&b, src, sizeof b);
    float d = da_f16_to_f32(b.d);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)da_iq4_levels[b.qs[i] & 15];
        y[i + 16] = d * (float)da_iq4_levels[b.qs[i] >> 4];
    }
}

static void unpack_q2_k(const unsigned char *src, struct da_super *s)
{
    struct da_block_q2_k b;
    memcpy(&b, src, sizeof b);
    s->d = b.d;
    s->dmin = b.dmin;
    s->n_parts = 16;
    for (int i = 0; i < 16; i++) {
        s->scales[i] = (int8_t)(b.scales[i] & 15);
        s->mins[i] = b.scales[i] >> 4;
    }
    for (int i = 0; i < DA_QSUPER; i++) { /* 128 values share 32 bytes, 2 bits each in turn */
        int half = i / 128, plane = i % 128 / 32, at = i % 32;
        s->q[i] = b.qs[half * 32 + at] >> (2 * plane) & 3;
    }
}

static void unpack_q3_k(const unsigned char *src, struct da_super *s)
{
    struct da_block_q3_k b;
    memcpy(&b, src, sizeof b);
    s->d = b.d;
    s->n_parts = 16;
    s->offset = 4;
    for (int i = 0; i < 16; i++) {
        int low = i < 8 ? b.scales[i] & 15 : b.scales[i - 8] >> 4;
        s->scales[i] = (int8_t)((low | (b.scales[8 + i % 4] >> (2 * (i / 4)) & 3) << 4) - 32);
    }
    for (int i = 0; i < DA_QSUPER; i++) {
        int half = i / 128, plane = i % 128 / 32, at = i % 32;
        int high = b.hmask[at] >> (half * 4 + plane) & 1;
        s->q[i] = (uint8_t)((b.qs[half * 32 + at] >> (2 * plane) & 3) | high << 2);
    }
}

/* The twelve packed bytes of q4_k and q5_k. */
static void unpack_scales(const uint8_t s[12], struct da_super *out)
{
    out->n_parts = 8;
    for (int j = 0; j < 4; j++) {
        out->scales[j] = (int8_t)(s[j] & 63);
        out->mins[j] = s[j + 4] & 63;
        out->scales[j + 4] = (int8_t)((s[j + 8] & 15) | (s[j] >> 6) << 4);
        out->mins[j + 4] = (uint8_t)(s[j + 8] >> 4 | (s[j + 4] >> 6) << 4);
    }
}

static void unpack_q4_k(const unsigned char *src, struct da_super *s)
{
    struct da_block_q4_k b;
    memcpy(&b, src, sizeof b);
    s->d = b.d;
    s->dmin = b.dmin;
    unpack_scales(b.scales, s);
    for (int i = 0; i < DA_QSUPER; i++)
        s->q[i] = b.qs[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15;
}

static void unpack_q5_k(const unsigned char *src, struct da_super *s)
{
    struct da_block_q5_k b;
    memcpy(&b, src, sizeof b);
    s->d = b.d;
    s->dmin = b.dmin;
    unpack_scales(b.scales, s);
    for (int i = 0; i < DA_QSUPER; i++)
        s->q[i] = (uint8_t)((b.qs[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15) |
                            (b.qh[i % 32] >> (i / 32) & 1) << 4);
}

static void unpack_q6_k(const unsigned char *src, struct da_super *s)
{
    struct da_block_q6_k b;
    memcpy(&b, src, sizeof b);
    s->d = b.d;
    s->n_parts = 16;
    s->offset = 32;
    memcpy(s->scales, b.scales, sizeof b.scales);
    for (int i = 0; i < DA_QSUPER; i++) {
        int half = i / 128, quarter = i % 128 / 32, at = i % 32;
        int low = b.ql[half * 64 + quarter % 2 * 32 + at] >> (quarter / 2 * 4) & 15;
        s->q[i] = (uint8_t)(low | (b.qh[half * 32 + at] >> (2 * quarter) & 3) << 4);
    }
}

void da_super_unpack(enum da_qtype type, const void *src, struct da_super *out)
{
    memset(out, 0, sizeof *out);
    switch (type) {
    case DA_Q_Q2_K: unpack_q2_k(src, out); return;
    case DA_Q_Q3_K: unpack_q3_k(src, out); return;
    case DA_Q_Q4_K: unpack_q4_k(src, out); return;
    case DA_Q_Q5_K: unpack_q5_k(src, out); return;
    default: assert(type == DA_Q_Q6_K); unpack_q6_k(src, out);
    }
}

static void dq_super(enum da_qtype type, const unsigned char *src, float *y)
{
    struct da_super s;
    da_super_unpack(type, src, &s);
    const float d = da_f16_to_f32(s.d), dmin = da_f16_to_f32(s.dmin);
    const uint32_t part = DA_QSUPER / s.n_parts;
    for (uint32_t p = 0; p < s.n_parts; p++) {
        const float scale = d * (float)s.scales[p], min = dmin * (float)s.mins[p];
        for (uint32_t i = p * part; i < (p + 1) * part; i++)
            y[i] = scale * (float)(s.q[i] - s.offset) - min;
    }
}

void da_dequantize(enum da_qtype type, const void *src, float *dst, size_t n)
{
    static void (*const DECODE[])(const unsigned char *, float *) = {
        [DA_Q_Q4_0] = dq_q4_0, [DA_Q_Q4_1] = dq_q4_1,     [DA_Q_Q5_0] = dq_q5_0,
        [DA_Q_Q5_1] = dq_q5_1, [DA_Q_Q8_0] = dq_q8_0,     [DA_Q_IQ4_NL] = dq_iq4_nl,
    };
    const unsigned char *p = src;
    uint16_t h;
    assert(da_qtype_info(type) && TYPES[type].readable && n % TYPES[type].block_len == 0);
    switch (type) {
    case DA_Q_F32: memcpy(dst, src, n * sizeof *dst); return;
    case DA_Q_F16:
    case DA_Q_BF16:
        for (size_t i = 0; i < n; i++) {
            memcpy(&h, p + 2 * i, 2);
            dst[i] = type == DA_Q_F16 ? da_f16_to_f32(h) : da_bf16_to_f32(h);
        }
        return;
    default:
        for (size_t i = 0; i < n; i += TYPES[type].block_len, p += TYPES[type].block_bytes) {
            if (TYPES[type].block_len == DA_QSUPER)
                dq_super(type, p, dst + i);
            else
                DECODE[type](p, dst + i);
        }
    }
}
