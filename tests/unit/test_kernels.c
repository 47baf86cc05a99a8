/*
 * Kernels: plain C against straightforward double arithmetic (libm is the
 * outside truth for exp, tanh and erf), and every other variant this processor
 * has against plain C by memcmp, over awkward sizes and extreme values. AVX-512 is
 * also compared where the processor has none of it (tests/soft).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/panels.h"
#include "tests/soft/soft.h"
#include "tests/tap.h"

static struct da_rng rng;

static float uniform(void)
{
    return (float)(da_rng_double(&rng) * 2.0 - 1.0);
}

static void fill(float *x, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++)
        x[i] = scale * uniform();
}

static void *block(size_t n)
{
    void *p = aligned_alloc(64, (n + 127) / 64 * 64);
    memset(p, 0, (n + 127) / 64 * 64);
    return p;
}

/* --- functions against libm ---------------------------------------------------------- */

static void test_functions(const struct da_kernels *k)
{
    enum { N = 4096 };
    static float x[N], y[N], one[N];
    double worst[4] = {0};
    for (int i = 0; i < N; i++) {
        x[i] = (float)(-12.0 + 24.0 * i / N);
        one[i] = 1.0f;
    }
    k->gelu_erf(x, N, y);
    for (int i = 0; i < N; i++) {
        double w = 0.5 * (double)x[i] * (1.0 + erf((double)x[i] / sqrt(2.0)));
        worst[0] = fmax(worst[0], fabs((double)y[i] - w));
    }
    k->gelu_tanh(x, N, y);
    for (int i = 0; i < N; i++) {
        double v = (double)x[i];
        double w = 0.5 * v * (1.0 + tanh(sqrt(2.0 / acos(-1.0)) * (v + 0.044715 * v * v * v)));
        worst[1] = fmax(worst[1], fabs((double)y[i] - w));
    }
    k->silu_mul(x, one, N, y);
    for (int i = 0; i < N; i++)
        worst[2] = fmax(worst[2], fabs((double)y[i] - (double)x[i] / (1.0 + exp(-(double)x[i]))));
    k->softcap(x, 3.0f, N, y);
    for (int i = 0; i < N; i++)
        worst[3] = fmax(worst[3], fabs((double)y[i] - 3.0 * tanh((double)x[i] / 3.0)));
    tap_ok(worst[0] < 1e-6, "%s: gelu_erf within 1e-6 of erf (%.1e)", k->name, worst[0]);
    tap_ok(worst[1] < 2e-6, "%s: gelu_tanh within 2e-6 of tanh (%.1e)", k->name, worst[1]);
    tap_ok(worst[2] < 2e-6, "%s: silu within 2e-6 of exp (%.1e)", k->name, worst[2]);
    tap_ok(worst[3] < 1e-6, "%s: softcap within 1e-6 of tanh (%.1e)", k->name, worst[3]);
    double sum = 0.0, off = 0.0;
    for (int i = 0; i < 999; i++)
        sum += exp((double)x[i]);
    memcpy(y, x, sizeof y);
    k->softmax(y, 999);
    for (int i = 0; i < 999; i++)
        off = fmax(off, fabs((double)y[i] * sum / exp((double)x[i]) - 1.0));
    tap_ok(off < 2e-6, "%s: softmax within 2e-6 of exp, relative (%.1e)", k->name, off);
    float top = x[k->argmax(x, 999)];
    tap_is_double(k->sum_exp(x, 999, top), sum / exp((double)top), 1e-6, "%s: sum_exp", k->name);
}

/* --- matrices -------------------------------------------------------------------------- */

struct matrix {
    struct da_panels p;
    unsigned char *data;
    float *values; /* [n_rows][n_cols] as the type stores them */
};

/* Random blocks of a type that nothing here writes; their scales are small halves. */
static void random_blocks(enum da_qtype type, unsigned char *raw, uint64_t n_bytes)
{
    const uint32_t bytes = da_qtype_info(type)->block_bytes;
    const uint32_t d_at = type == DA_Q_Q2_K ? 80 : type == DA_Q_Q3_K ? 108 : 0;
    for (uint64_t i = 0; i < n_bytes; i++)
        raw[i] = (unsigned char)da_rng_u64(&rng);
    for (uint64_t at = 0; at < n_bytes; at += bytes) {
        for (uint32_t k = 0; k < (type == DA_Q_Q2_K ? 2u : 1u); k++) {
            const uint16_t d = da_f32_to_f16(0.01f * uniform());
            memcpy(raw + at + d_at + 2 * k, &d, 2);
        }
    }
}

static void make_matrix(struct matrix *m, enum da_qtype type, uint32_t n_rows, uint32_t n_cols)
{
    uint64_t row_bytes = 0;
    float *x = block(n_cols * sizeof *x);
    (void)da_qtype_row_bytes(type, n_cols, &row_bytes);
    unsigned char *raw = block((size_t)(row_bytes * n_rows));
    m->values = block((size_t)n_rows * n_cols * sizeof *m->values);
    for (uint32_t r = 0; r < n_rows; r++) {
        fill(x, n_cols, r % 7 == 3 ? 1e-4f : 1.0f);
        if (da_qtype_info(type)->writable)
            da_quantize(type, x, raw + r * row_bytes, n_cols);
        else
            random_blocks(type, raw + r * row_bytes, row_bytes);
        da_dequantize(type, raw + r * row_bytes, m->values + (size_t)r * n_cols, n_cols);
    }
    (void)da_panels_shape(&m->p, da_panel_kind_of(type), n_rows, n_cols);
    m->data = block(da_panels_bytes(&m->p));
    da_panels_build(&m->p, m->data, 0, m->p.n_panels, type, raw, n_rows, x);
    m->p.data = m->data;
    free(raw);
    free(x);
}

static void free_matrix(struct matrix *m)
{
    free(m->data);
    free(m->values);
}

static void run_matmul(const struct da_kernels *k, const struct matrix *m, const float *x,
                       uint32_t x_stride, uint32_t n_tok, const float *bias, bool add, float *out)
{
    const bool quant = da_panels_take_tiles(&m->p);
    unsigned char *tiles = block((n_tok + 7) / 8 * da_tile_bytes(m->p.n_cols) + 64);
    for (uint32_t t = 0; quant && t < n_tok; t++)
        da_panels_input(k, &m->p, x + (size_t)t * x_stride,
                        tiles + t / 8 * da_tile_bytes(m->p.n_cols), t % 8);
    struct da_matmul mm = {.w = &m->p,
                           .first_panel = 0,
                           .n_panels = m->p.n_panels,
                           .x = quant ? (const void *)tiles : x,
                           .x_stride = x_stride,
                           .n_tok = n_tok,
                           .out = out,
                           .out_stride = m->p.n_panels * 16,
                           .bias = bias,
                           .add = add};
    da_matmul_run(k, &mm);
    free(tiles);
}

static double matmul_error(const struct matrix *m, const float *x, uint32_t x_stride,
                           uint32_t n_tok, const float *bias, const float *out)
{
    double worst = 0.0, norm = 1e-9;
    for (uint32_t t = 0; t < n_tok; t++) {
        for (uint32_t r = 0; r < m->p.n_rows; r++) {
            double s = (double)bias[r];
            for (uint32_t c = 0; c < m->p.n_cols; c++)
                s += (double)m->values[(size_t)r * m->p.n_cols + c] *
                     (double)x[(size_t)t * x_stride + c];
            worst = fmax(worst, fabs(s - (double)out[(size_t)t * m->p.n_panels * 16 + r]));
            norm = fmax(norm, fabs(s));
        }
    }
    return worst / norm;
}

static void test_matmul(const struct da_kernels *const *all, unsigned n_all)
{
    static const enum da_qtype TYPES[] = {DA_Q_F32,  DA_Q_F16,  DA_Q_BF16,   DA_Q_Q8_0,
                                          DA_Q_Q4_0, DA_Q_Q5_0, DA_Q_IQ4_NL, DA_Q_Q2_K,
                                          DA_Q_Q3_K, DA_Q_Q4_K, DA_Q_Q5_K,   DA_Q_Q6_K};
    static const uint32_t ROWS[] = {1, 15, 16, 17, 47, 131}, COLS[] = {32, 96, 160, 576};
    static const uint32_t TOKENS[] = {1, 2, 3, 5, 8, 9, 13, 16, 31};
    for (size_t ty = 0; ty < DA_ARRAY_LEN(TYPES); ty++) {
        double worst = 0.0;
        unsigned different = 0, runs = 0;
        for (size_t i = 0; i < DA_ARRAY_LEN(ROWS) * DA_ARRAY_LEN(COLS); i++) {
            uint32_t rows = ROWS[i % DA_ARRAY_LEN(ROWS)], cols = COLS[i / DA_ARRAY_LEN(ROWS)];
            if (da_qtype_info(TYPES[ty])->block_len == DA_SUPER) /* 256, 512, 768, 1280 */
                cols = cols < 96 ? 256 : cols < 160 ? 512 : cols < 576 ? 768 : 1280;
            uint32_t n_tok = TOKENS[i % DA_ARRAY_LEN(TOKENS)], stride = cols + 16;
            struct matrix m;
            make_matrix(&m, TYPES[ty], rows, cols);
            size_t n_out = (size_t)n_tok * m.p.n_panels * 16;
            float *x = block((size_t)n_tok * stride * 4), *bias = block((rows + 16) * 4);
            float *want = block(n_out * 4), *got = block(n_out * 4);
            fill(x, (size_t)n_tok * stride, 3.0f);
            x[0] = 0.0f;
            fill(bias, rows, 1.0f);
            run_matmul(all[0], &m, x, stride, n_tok, bias, false, want);
            worst = fmax(worst, matmul_error(&m, x, stride, n_tok, bias, want));
            run_matmul(all[0], &m, x, stride, n_tok, NULL, true, want);
            for (unsigned v = 1; v < n_all; v++, runs++) {
                memset(got, 0xff, n_out * 4);
                run_matmul(all[v], &m, x, stride, n_tok, bias, false, got);
                run_matmul(all[v], &m, x, stride, n_tok, NULL, true, got);
                different += memcmp(want, got, n_out * 4) != 0;
            }
            free(x);
            free(bias);
            free(want);
            free(got);
            free_matrix(&m);
        }
        const char *name = da_qtype_name(TYPES[ty]);
        const bool coarse = da_panel_kind_of(TYPES[ty]) >= DA_PANEL_Q8; /* 8-bit inputs */
        tap_ok(worst < (coarse ? 3e-2 : 5e-6), "%s: plain C agrees with double (%.1e)", name,
               worst);
        tap_ok(different == 0, "%s: %u runs of other variants give the same bytes", name, runs);
    }
}

/* Codes and activations at both ends of their ranges: no sum may leave its register. */
static void test_extreme_codes(const struct da_kernels *const *all, unsigned n_all)
{
    enum { ROWS = 32, COLS = 256, TOKENS = 11, N_OUT = TOKENS * ROWS };
    static const enum da_panel_kind KINDS[] = {DA_PANEL_Q4,  DA_PANEL_Q8,  DA_PANEL_Q5,
                                               DA_PANEL_Q2K, DA_PANEL_Q3K, DA_PANEL_Q4K,
                                               DA_PANEL_Q5K, DA_PANEL_Q6K};
    enum { N_KINDS = DA_ARRAY_LEN(KINDS) };
    static float want[N_OUT], got[N_OUT];
    unsigned different = 0, runs = 0;
    unsigned char *tiles = block(2 * da_tile_bytes(COLS));
    for (int i = 0; i < N_KINDS * 3 * 3; i++) {
        /* 0: lowest, 1: highest, 2: either */
        const int codes = i / N_KINDS % 3, values = i / (3 * N_KINDS);
        struct da_panels p;
        (void)da_panels_shape(&p, KINDS[i % N_KINDS], ROWS, COLS);
        unsigned char *data = block(da_panels_bytes(&p));
        for (size_t b = 0; b < da_panels_bytes(&p); b++)
            data[b] = codes == 2 ? (da_rng_u64(&rng) & 1 ? 255 : 0) : codes ? 255 : 0;
        const size_t n_scales = da_panels_super(&p) ? 2 * DA_LANES : COLS / DA_GROUP * DA_LANES;
        for (uint32_t panel = 0; panel < p.n_panels; panel++)
            for (size_t g = 0; g < n_scales; g++)
                memcpy(data + panel * p.panel_bytes + 2 * g, &(uint16_t){0x2c01}, 2);
        p.data = data;
        for (uint32_t t = 0; t < 16; t++) {
            float x[COLS];
            for (int c = 0; c < COLS; c++)
                x[c] = values == 2 ? (da_rng_u64(&rng) & 1 ? 1.0f : -1.0f) : values ? 1.0f : -1.0f;
            da_panels_input(all[0], &p, x, tiles + t / 8 * da_tile_bytes(COLS), t % 8);
        }
        struct da_matmul mm = {.w = &p,
                               .n_panels = p.n_panels,
                               .x = tiles,
                               .n_tok = TOKENS,
                               .out = want,
                               .out_stride = ROWS};
        da_matmul_run(all[0], &mm);
        mm.out = got;
        for (unsigned v = 1; v < n_all; v++, runs++) {
            memset(got, 0, sizeof got);
            da_matmul_run(all[v], &mm);
            different += memcmp(want, got, sizeof want) != 0;
        }
        free(data);
    }
    free(tiles);
    tap_ok(different == 0, "codes at their ends: %u runs of other variants give the same bytes",
           runs);
}

static void test_panel_rows(void)
{
    static const enum da_qtype TYPES[] = {DA_Q_F32,  DA_Q_F16,  DA_Q_BF16,   DA_Q_Q8_0,
                                          DA_Q_Q4_0, DA_Q_Q5_0, DA_Q_IQ4_NL, DA_Q_Q2_K,
                                          DA_Q_Q3_K, DA_Q_Q4_K, DA_Q_Q5_K,   DA_Q_Q6_K};
    for (size_t i = 0; i < DA_ARRAY_LEN(TYPES); i++) {
        const uint32_t n = da_qtype_info(TYPES[i])->block_len == DA_SUPER ? 512 : 96;
        struct matrix m;
        float row[512];
        bool same = true;
        make_matrix(&m, TYPES[i], 37, n);
        for (uint32_t r = 0; r < 37; r++) {
            da_panels_row(&m.p, r, row);
            same = same && memcmp(row, m.values + (size_t)r * n, n * sizeof *row) == 0;
        }
        tap_ok(same, "%s: panels keep every value", da_qtype_name(TYPES[i]));
        free_matrix(&m);
    }
}

/* --- rows -------------------------------------------------------------------------------- */

static void extreme(float *x, uint32_t n, unsigned kind)
{
    fill(x, n, kind == 1 ? 1e30f : kind == 2 ? 1e-35f : 1.0f);
    if (kind == 3)
        memset(x, 0, n * sizeof *x);
    if (kind == 4 && n > 5)
        x[5] = INFINITY;
    if (kind == 5 && n > 2)
        x[2] = NAN;
    if (kind == 6 && n > 1)
        x[1] = -1e4f;
}

static void test_rows(const struct da_kernels *const *all, unsigned n_all)
{
    static const uint32_t SIZES[] = {1, 7, 15, 16, 17, 32, 63, 64, 96, 100, 576, 1021};
    unsigned different = 0, runs = 0;
    enum { MAX = 1056 };
    static float x[MAX], w[MAX], b[MAX], want[7][MAX], got[7][MAX];
    static unsigned char wt[MAX / 32 * DA_TILE_GROUP_BYTES], gt[sizeof wt];
    for (size_t i = 0; i < DA_ARRAY_LEN(SIZES) * 7; i++) {
        uint32_t n = SIZES[i / 7], pad = da_pad(n, 16), whole = n / 32 * 32;
        memset(x, 0, sizeof x);
        extreme(x, n, i % 7);
        memset(w, 0, sizeof w);
        memset(b, 0, sizeof b);
        fill(w, n, 1.0f);
        fill(b, n, 1.0f);
        for (unsigned v = 0; v < n_all; v++) {
            float(*y)[MAX] = v ? got : want;
            unsigned char *tile = v ? gt : wt;
            int8_t q[MAX] = {0}, *qp = q;
            float d = 0;
            int32_t sum = 0;
            memset(y, 0, sizeof want);
            memset(tile, 0, sizeof wt);
            all[v]->rmsnorm(x, w, 1e-5f, n, y[0]);
            all[v]->layernorm(x, w, n % 2 ? b : NULL, 1e-5f, n, y[1]);
            if (i % 7 < 4 || i % 7 == 6) {
                all[v]->silu_mul(x, b, pad, y[2]);
                all[v]->gelu_erf(x, pad, y[3]);
                all[v]->gelu_mul(x, b, pad, y[4]);
                y[5][4] = (float)all[v]->sum_exp(x, n, x[all[v]->argmax(x, n)]);
                memcpy(y[6], x, pad * sizeof *x);
                all[v]->softmax(y[6], n);
            }
            all[v]->quantize_row(x, whole, tile, (unsigned)i % 8);
            all[v]->quantize_super(x, n / 256 * 256, tile, (unsigned)(i + 1) % 8);
            memcpy(y[5] + 600, x, 400 * sizeof *x);
            all[v]->round_half(y[5] + 600, 400);
            all[v]->quantize_head(x, n, qp, &d, &sum);
            memcpy(&y[5][5], q, n < 1024 ? n : 1024);
            y[5][0] = d;
            y[5][1] = (float)sum;
            y[5][2] = (float)all[v]->argmax(x, n);
            if (v == 0)
                continue;
            runs++;
            bool same = memcmp(wt, gt, sizeof wt) == 0;
            for (int r = 0; r < 7; r++) /* NaN may differ in its payload */
                for (uint32_t c = 0; c < MAX; c++)
                    same = same && (memcmp(&want[r][c], &got[r][c], 4) == 0 ||
                                    (r < 2 && isnan(want[r][c]) && isnan(got[r][c])));
            if (!same)
                tap_diag("%s differs for n %u, values %zu", all[v]->name, n, i % 7);
            different += !same;
        }
    }
    tap_ok(different == 0, "rows: %u runs of other variants give the same bytes", runs);
}

/* --- attention ----------------------------------------------------------------------------- */

enum { ROWS_MAX = 9, HD_MAX = 128 };

struct attn_case {
    uint32_t hd, n_rows, first_pos;
    float softcap, slope;
    uint32_t window;
};

static void attend(const struct da_kernels *k, const struct attn_case *c, int type,
                   const unsigned char *kv, const float *q, float *out)
{
    uint32_t d16 = da_pad(c->hd, 16), d4 = da_pad(c->hd, 4);
    static int8_t q8[ROWS_MAX][HD_MAX];
    struct da_attn_row rows[ROWS_MAX];
    struct da_attn_block b = {.head_dim = c->hd, .softcap = c->softcap};
    memset(out, 0, ROWS_MAX * (HD_MAX + 2) * sizeof *out);
    memset(q8, 0, sizeof q8);
    for (uint32_t r = 0; r < c->n_rows; r++) {
        rows[r] = (struct da_attn_row){.q = q + r * HD_MAX,
                                       .q8 = q8[r],
                                       .pos = c->first_pos + 64 + r * 7,
                                       .slope = c->slope,
                                       .m = -INFINITY,
                                       .o = out + r * (HD_MAX + 2)};
        rows[r].first = c->window && rows[r].pos > c->window ? rows[r].pos - c->window : 0;
        k->quantize_head(rows[r].q, c->hd, q8[r], &rows[r].q8_scale, &rows[r].q8_sum);
    }
    for (uint32_t blk = 0; blk < 2; blk++) { /* the second one only in part */
        const unsigned char *at = kv + blk * (size_t)HD_MAX * 64 * 8;
        b.first_pos = c->first_pos + blk * 64;
        b.k = at;
        b.v = at + HD_MAX * 64 * 4;
        b.k_scale = (const float *)(const void *)(at + (size_t)d4 * 64);
        b.v_scale = (const float *)(const void *)(at + HD_MAX * 64 * 4 + (size_t)d16 * 64);
        if (type == 0)
            k->attn_f32(&b, rows, c->n_rows);
        else if (type == 1)
            k->attn_f16(&b, rows, c->n_rows);
        else
            k->attn_q8(&b, rows, c->n_rows);
    }
    for (uint32_t r = 0; r < c->n_rows; r++) {
        out[r * (HD_MAX + 2) + HD_MAX] = rows[r].m;
        out[r * (HD_MAX + 2) + HD_MAX + 1] = rows[r].l;
    }
}

/* Softmax attention of row 0 in double, over float keys and values. */
static double attn_error(const struct attn_case *c, const unsigned char *kv, const float *q,
                         const float *out)
{
    uint32_t d16 = da_pad(c->hd, 16), pos = c->first_pos + 64;
    uint32_t first = c->window && pos > c->window ? pos - c->window : 0;
    double sum = 0.0, o[HD_MAX] = {0}, worst = 0.0;
    for (uint32_t j = c->first_pos; j <= pos; j++) {
        const float *k =
            (const float *)(const void *)(kv + (j - c->first_pos) / 64 * HD_MAX * 64 * 8);
        const float *v = k + HD_MAX * 64;
        double s = 0.0;
        if (j < first)
            continue;
        for (uint32_t d = 0; d < c->hd; d++)
            s += (double)q[d] * (double)k[d * 64 + j % 64];
        if (c->softcap != 0.0f)
            s = (double)c->softcap * tanh(s / (double)c->softcap);
        s = exp(s + (double)c->slope * ((double)j - (double)pos));
        sum += s;
        for (uint32_t d = 0; d < c->hd; d++)
            o[d] += s * (double)v[(j % 64) * d16 + d];
    }
    for (uint32_t d = 0; d < c->hd; d++)
        worst = fmax(worst, fabs(o[d] / sum - (double)out[d] / (double)out[HD_MAX + 1]));
    return worst;
}

static void test_attention(const struct da_kernels *const *all, unsigned n_all)
{
    static const struct attn_case CASES[] = {
        {64, 9, 0, 0.0f, 0.0f, 0},   {64, 4, 128, 0.0f, 0.0f, 0}, {8, 1, 0, 0.0f, 0.0f, 0},
        {96, 3, 64, 0.0f, 0.0f, 0},  {128, 5, 0, 0.0f, 0.0f, 0},  {80, 7, 0, 20.0f, 0.0f, 0},
        {64, 6, 64, 0.0f, 0.25f, 0}, {64, 9, 64, 0.0f, 0.0f, 70}, {20, 2, 0, 5.0f, 0.0f, 40},
    };
    static const char *const NAMES[] = {"f32", "f16", "q8"};
    static float q[ROWS_MAX * HD_MAX], want[ROWS_MAX * (HD_MAX + 2)], got[ROWS_MAX * (HD_MAX + 2)];
    unsigned char *kv = block((size_t)HD_MAX * 64 * 8 * 2);
    for (int type = 0; type < 3; type++) {
        unsigned different = 0, runs = 0;
        double worst = 0.0;
        for (size_t i = 0; i < DA_ARRAY_LEN(CASES); i++) {
            const struct attn_case *c = &CASES[i];
            fill(q, ROWS_MAX * HD_MAX, 0.3f);
            for (size_t b = 0; b < (size_t)HD_MAX * 64 * 4; b++) { /* 4 bytes at a time */
                float f = uniform();
                uint16_t h[2] = {da_f32_to_f16(f), da_f32_to_f16(-f)};
                uint32_t u = (uint32_t)da_rng_u64(&rng);
                memcpy(kv + 4 * b, type == 0 ? (void *)&f : type == 1 ? (void *)h : (void *)&u, 4);
            }
            for (uint32_t blk = 0; type == 2 && blk < 2; blk++) { /* scales: never negative */
                unsigned char *at = kv + blk * (size_t)HD_MAX * 64 * 8;
                for (uint32_t j = 0; j < 64; j++) {
                    float f[2] = {0.01f * fabsf(uniform()), 0.01f * fabsf(uniform())};
                    memcpy(at + (size_t)da_pad(c->hd, 4) * 64 + 4 * j, &f[0], 4);
                    memcpy(at + HD_MAX * 64 * 4 + (size_t)da_pad(c->hd, 16) * 64 + 4 * j, &f[1], 4);
                }
            }
            attend(all[0], c, type, kv, q, want);
            if (type == 0)
                worst = fmax(worst, attn_error(c, kv, q, want));
            for (unsigned v = 1; v < n_all; v++, runs++) {
                attend(all[v], c, type, kv, q, got);
                different += memcmp(want, got, sizeof want) != 0;
            }
        }
        if (type == 0)
            tap_ok(worst < 1e-5, "attention f32 agrees with double (%.1e)", worst);
        tap_ok(different == 0, "attention %s: %u runs of other variants give the same bytes",
               NAMES[type], runs);
    }
    free(kv);
}

/* Says of every variant that was compiled whether it was compared. */
static void report(const struct da_kernels *const *all, unsigned n)
{
#if defined(__x86_64__)
    static const char *const NAMES[] = {"avx2", "avx512"};
#elif defined(__aarch64__)
    static const char *const NAMES[] = {"neon", "neon_dot", "neon_i8mm"};
#else
    static const char *const NAMES[] = {"ref"};
#endif
    for (size_t i = 0; i < DA_ARRAY_LEN(NAMES); i++) {
        unsigned v = 0;
        while (v < n && strcmp(all[v]->name, NAMES[i]) != 0)
            v++;
        if (v < n)
            tap_ok(da_kernels_find(NAMES[i]) == all[v], "%s: found by its name, and compared",
                   NAMES[i]);
        else
            tap_skip("this processor does not run it", "%s", NAMES[i]);
    }
    if (soft_avx512())
        tap_ok(soft_avx512() == all[n], "avx512 by AVX2 instructions (SIMDe): compared");
    else
        tap_skip("needs AVX2 and SIMDe's headers", "avx512 by AVX2 instructions");
}

int main(void)
{
    const struct da_kernels *all[5] = {NULL};
    unsigned n = da_kernels_list(all), n_hard = n;
    if (soft_avx512())
        all[n++] = soft_avx512();
    da_rng_init(&rng, 1);
    report(all, n_hard);
    for (unsigned i = 0; i < n; i++)
        test_functions(all[i]);
    test_panel_rows();
    test_matmul(all, n);
    test_extreme_codes(all, n);
    test_rows(all, n);
    test_attention(all, n);
    tap_ok(da_kernels_find("nonsense") == NULL, "an unknown variant is not found");
    tap_ok(da_kernels_find("ref") == &da_kernels_ref, "plain C is always there");
    return tap_done();
}
