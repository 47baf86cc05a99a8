#ifndef ENGINE_KERNELS_KERNELS_H
#define ENGINE_KERNELS_KERNELS_H

/*
 * The arithmetic of the engine behind one table per CPU variant.
 *
 * What is computed is fixed to the last bit (DESIGN.md 5.10); body.inc states it
 * once over 16 lanes, and every variant gives the same bytes:
 *   - matrices: a lane is an output row. Weights of 8 bits and fewer meet 8-bit
 *     activations: the integer sum over a group of 32 is exact, then
 *     acc = fma(float(sum), scale_w * scale_a, acc), group after group; k-quants
 *     likewise over blocks of 256 (sum of scale * code * q), and the sum of
 *     minimum * q has an accumulator of its own, taken away at the end. Float
 *     weights: acc = fma(w[k], x[k], acc), k after k; halves meet activations of
 *     11 significant bits;
 *   - sums over a row (norms, softmax): 16 lanes striding through it, folded as
 *     i + (i + 8), i + (i + 4), i + (i + 2), i + (i + 1);
 *   - attention: blocks of 64 keys at absolute positions, merged in block order;
 *   - exp, tanh, erf are polynomials of our own.
 *
 * Rows of floats are padded to whole vectors of 16; weights and inputs hold
 * zeros in the padding of their rows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DA_LANES = 16,  /* output rows of a panel, lanes of a reduction */
    DA_TILE = 8,    /* tokens of an activation tile */
    DA_KBLOCK = 64, /* keys of an attention block, positions of a KV page */
    DA_GROUP = 32,  /* values that share a scale */
    DA_SUPER = 256, /* values of a k-quant's block */
    DA_TILE_GROUP_BYTES = DA_TILE * (DA_GROUP + 4 + 4 + 4),
    DA_SUPER_HEAD = 320 /* bytes before the codes of 16 rows' blocks */
};

enum da_panel_kind {
    DA_PANEL_F32,
    DA_PANEL_F16,
    DA_PANEL_BF16,
    DA_PANEL_Q8,
    DA_PANEL_Q4,
    DA_PANEL_Q5,
    DA_PANEL_Q2K,
    DA_PANEL_Q3K,
    DA_PANEL_Q4K,
    DA_PANEL_Q5K,
    DA_PANEL_Q6K
};

/*
 * A weight matrix [n_rows][n_cols] as panels of 16 rows, one after another:
 *   F32, F16, BF16: [n_cols][16 rows] values;
 *   Q4: [n_groups][16] fp16 scales, padded to 64 bytes; [n_groups][4][16 rows][4]
 *       bytes, byte (g, j, r, i) holds value 4j + i of the group in its low nibble
 *       and value 16 + 4j + i in its high one, both plus 8;
 *   Q8: [n_groups][16] fp16 scales, padded; [n_groups][8][16 rows][4] bytes, value
 *       4j + i plus 128;
 *   Q5: as Q4 with 64 bytes more a group: bit j of byte (r, i) is the fifth bit of
 *       value 4j + i; values are plus 16;
 *   Q2K to Q6K: [n_supers] blocks of
 *       fp16 d[16], fp16 dmin[16] (not Q3K, Q6K: zeros);
 *       256 bytes: Q4K, Q5K: scales [8][16], minima [8][16], one a group;
 *                  Q2K: [16][16], scale | minimum << 4, one for 16 values; Q3K, Q6K: int8 [16][16];
 *       [8 groups] codes of bits * 64 bytes: 4 and 5 bits as Q4 and Q5; 6 bits as Q4 and then
 *       [2][16 rows][4] bytes, whose bits 2f, 2f + 1 in byte (h, r, i) are the upper bits of value
 *       4h + 8f + i; 2 bits: these bytes alone; 3 bits: these and then the third bits as in Q5.
 *       value = d * scale * (code - offset) - dmin * minimum, offset 4 for Q3K, 32 for Q6K.
 * Missing rows of the last panel are zero with scale zero.
 */
static inline uint32_t da_panel_bits(enum da_panel_kind kind)
{
    static const uint8_t BITS[] = {32, 16, 16, 8, 4, 5, 2, 3, 4, 5, 6};
    return BITS[kind];
}
/* Bytes of the codes of a group of 16 rows, of all of a block. */
static inline size_t da_panel_group_bytes(enum da_panel_kind kind)
{
    return (size_t)da_panel_bits(kind) * 64;
}
static inline size_t da_panel_super_bytes(enum da_panel_kind kind)
{
    return DA_SUPER_HEAD + 8 * da_panel_group_bytes(kind);
}

struct da_panels {
    enum da_panel_kind kind;
    uint32_t n_rows, n_cols;
    uint32_t n_panels;
    size_t panel_bytes;        /* a multiple of 64 */
    const unsigned char *data; /* aligned to 64 */
};

/*
 * 8-bit activations of up to 8 tokens ("tile"), per group of 32 values:
 *   int8 q[8][32], float d[8], int32 neg8[8] (-8 times the sum of q), int16
 *   sums[8][2] (of the first 16 q and the others).
 * value = d * q. There are two ways to find them (llama.cpp's two, to the bit):
 *   rows:   q = rint(x * (127 / amax)), d = amax / 127 rounded to 11 significant bits;
 *   supers: 256 values share d; with m the first value of the largest magnitude
 *           q = min(127, rint(x * (-127 / m))), d = 1 / (-127 / m).
 * Values without a finite amax of at least 1e-30 are zero (d NaN when it is not finite).
 */
static inline size_t da_tile_bytes(uint32_t n_cols)
{
    return (size_t)n_cols / DA_GROUP * DA_TILE_GROUP_BYTES;
}

/* out[t][row] (+)= panels x activations (+ bias), for whole panels. */
struct da_matmul {
    const struct da_panels *w;
    uint32_t first_panel, n_panels; /* which of w's panels */
    const void *x;                  /* Q4, Q8: tiles; float kinds: float rows */
    size_t x_stride;                /* float kinds: floats from row to row */
    uint32_t n_tok;
    float *out;        /* column 0 is the first row of first_panel; whole panels */
    size_t out_stride; /* floats from token to token */
    const float *bias; /* [n_rows padded] or NULL */
    bool add;          /* adds to what out holds */
};

/* One query row of attention and its running result. */
struct da_attn_row {
    const float *q;   /* float KV: [head_dim], scaled */
    const int8_t *q8; /* 8-bit KV: [head_dim padded to 4] */
    float q8_scale;   /* value = q8_scale * q8, softmax scale included */
    int32_t q8_sum;   /* sum of q8 */
    uint32_t pos;     /* sees keys at positions first..pos */
    uint32_t first;   /* 0 without a window */
    float slope;      /* ALiBi: slope * (key - pos) is added to a score; 0: none */
    const float *bias; /* bias[key] is added to a score, readable for whole blocks; NULL: none */
    float m, l;       /* running maximum (starts at -INFINITY) and sum (0) */
    float *o;         /* [head_dim padded to 16], starts at 0 */
};

/*
 * 64 positions of one layer and head. With P = head_dim padded to 4 and D = padded to 16:
 *   float: K [head_dim][64], V [64][D]
 *   q8: K [P/4][64][4] bytes plus 128, float K scales [64],
 *       V [32][D][2] (positions 2i and 2i + 1 side by side), float V scales [64]
 */
struct da_attn_block {
    uint32_t head_dim;
    uint32_t first_pos; /* absolute position of the first key, a multiple of 64 */
    float softcap;      /* 0: none; else score = softcap * tanh(score / softcap) */
    const void *k, *v;
    const float *k_scale, *v_scale;
    const void *next_k, *next_v; /* of the block that will be asked for next, or NULL: a hint */
};

struct da_kernels {
    const char *name;
    void (*matmul_f32)(const struct da_matmul *mm);
    void (*matmul_f16)(const struct da_matmul *mm);
    void (*matmul_bf16)(const struct da_matmul *mm);
    void (*matmul_q8)(const struct da_matmul *mm);
    void (*matmul_q4)(const struct da_matmul *mm);
    void (*matmul_q5)(const struct da_matmul *mm);
    void (*matmul_super)(const struct da_matmul *mm); /* Q2K to Q6K */

    /* n a multiple of 32, of 256; slot 0..7 of the tile. */
    void (*quantize_row)(const float *x, uint32_t n, unsigned char *tile, unsigned slot);
    void (*quantize_super)(const float *x, uint32_t n, unsigned char *tile, unsigned slot);
    /* Each to the nearest float of 11 significant bits, ties to even; n padded up to 16. */
    void (*round_half)(float *x, uint32_t n);
    /* One scale for the whole row: d = amax / 127; sum of q. */
    void (*quantize_head)(const float *x, uint32_t n, int8_t *q, float *d, int32_t *sum);

    /* y may be x. w, b padded; b may be NULL. */
    void (*rmsnorm)(const float *x, const float *w, float eps, uint32_t n, float *y);
    void (*layernorm)(const float *x, const float *w, const float *b, float eps, uint32_t n,
                      float *y);
    /* Element by element over n floats (padded up to 16); y may be an input. */
    void (*silu_mul)(const float *gate, const float *up, uint32_t n, float *y);
    void (*gelu_mul)(const float *gate, const float *up, uint32_t n, float *y); /* tanh form */
    void (*gelu_erf)(const float *x, uint32_t n, float *y);
    void (*gelu_tanh)(const float *x, uint32_t n, float *y);
    void (*softcap)(const float *x, float cap, uint32_t n, float *y);
    /* n >= 1 scores become weights that sum to 1, in place; the padding up to 16 becomes 0. */
    void (*softmax)(float *x, uint32_t n);

    /* One step of a channel's recurrence of n states (padded up to 16 with zeros):
     * h = h * exp(dt * a) + dt * x * b; returns the sum of h * c. */
    float (*ssm_step)(float *h, const float *a, const float *b, const float *c, float dt, float x,
                      uint32_t n);

    /* Adds one block of keys to each row; every row sees at least one of its keys. */
    void (*attn_f32)(const struct da_attn_block *b, struct da_attn_row *rows, uint32_t n_rows);
    void (*attn_f16)(const struct da_attn_block *b, struct da_attn_row *rows, uint32_t n_rows);
    void (*attn_q8)(const struct da_attn_block *b, struct da_attn_row *rows, uint32_t n_rows);

    /* Index of the first maximum of n >= 1 values (NaN never wins). */
    uint32_t (*argmax)(const float *x, uint32_t n);
    /* sum(exp(x - top)) of n >= 1 finite values, none above top; summed in double. */
    double (*sum_exp)(const float *x, uint32_t n, float top);
};

extern const struct da_kernels da_kernels_ref;
#if defined(__x86_64__)
extern const struct da_kernels da_kernels_avx2;
extern const struct da_kernels da_kernels_avx512;
#elif defined(__aarch64__)
extern const struct da_kernels da_kernels_neon;
extern const struct da_kernels da_kernels_neon_dot;
extern const struct da_kernels da_kernels_neon_i8mm;
#endif

/* The variant called name, or the best one when name is NULL; NULL when this processor cannot run
 * it or there is none of that name. */
const struct da_kernels *da_kernels_find(const char *name);
/* Names of the variants this processor runs, best last; returns their number (at most 4). */
unsigned da_kernels_list(const struct da_kernels *out[4]);

/* The matmul of w's kind. */
void da_matmul_run(const struct da_kernels *k, const struct da_matmul *mm);

static inline uint32_t da_pad(uint32_t n, uint32_t to)
{
    return (n + to - 1) / to * to;
}

#endif
