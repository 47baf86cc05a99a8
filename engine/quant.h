#ifndef ENGINE_QUANT_H
#define ENGINE_QUANT_H

/*
 * Tensor element types of GGUF: sizes, block layouts, conversion to and from
 * float. Values of enum da_qtype are the format's own numbers.
 *
 * Layouts: ggml docs/gguf.md and the descriptions of its quantization types. A
 * block is block_len values stored in block_bytes; rows are whole blocks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum da_qtype {
    DA_Q_F32 = 0,
    DA_Q_F16 = 1,
    DA_Q_Q4_0 = 2,
    DA_Q_Q4_1 = 3,
    DA_Q_Q5_0 = 6,
    DA_Q_Q5_1 = 7,
    DA_Q_Q8_0 = 8,
    DA_Q_Q2_K = 10,
    DA_Q_Q3_K = 11,
    DA_Q_Q4_K = 12,
    DA_Q_Q5_K = 13,
    DA_Q_Q6_K = 14,
    DA_Q_IQ4_NL = 20,
    DA_Q_I32 = 26,
    DA_Q_BF16 = 30
};

enum { DA_QGROUP = 32, DA_QSUPER = 256 }; /* values a block: plain formats, k-quants */

struct da_block_q4_0 {
    uint16_t d;     /* fp16 scale; value = d * (nibble - 8) */
    uint8_t qs[16]; /* low nibbles: values 0..15, high nibbles: 16..31 */
};
struct da_block_q4_1 {
    uint16_t d, m; /* value = d * nibble + m */
    uint8_t qs[16];
};
struct da_block_q5_0 {
    uint16_t d;
    uint8_t qh[4]; /* fifth bits, value i in bit i */
    uint8_t qs[16];
};
struct da_block_q5_1 {
    uint16_t d, m;
    uint8_t qh[4];
    uint8_t qs[16];
};
struct da_block_q8_0 {
    uint16_t d;
    int8_t qs[32];
};
struct da_block_q2_k {
    uint8_t scales[16]; /* low nibble scale, high nibble minimum, per 16 values */
    uint8_t qs[64];
    uint16_t d, dmin;
};
struct da_block_q3_k {
    uint8_t hmask[32];
    uint8_t qs[64];
    uint8_t scales[12];
    uint16_t d;
};
struct da_block_q4_k {
    uint16_t d, dmin;
    uint8_t scales[12]; /* eight 6-bit scales and minima */
    uint8_t qs[128];
};
struct da_block_q5_k {
    uint16_t d, dmin;
    uint8_t scales[12];
    uint8_t qh[32];
    uint8_t qs[128];
};
struct da_block_q6_k {
    uint8_t ql[128], qh[64];
    int8_t scales[16];
    uint16_t d;
};

struct da_qtype_info {
    const char *name; /* "q4_0" */
    uint32_t block_len;
    uint32_t block_bytes;
    bool readable; /* da_dequantize knows it */
    bool writable; /* da_quantize knows it */
};

/* NULL for a number that the format does not define. Types without conversion are listed too, so
 * that a reader can check their sizes and name them. */
const struct da_qtype_info *da_qtype_info(uint32_t type);
const char *da_qtype_name(uint32_t type); /* "type 99" never: unknown numbers give "unknown" */
/* The type called name ("q8_0"), in any case; false when there is none. */
bool da_qtype_parse(const char *name, enum da_qtype *out);

/* Bytes of a row of n values; false when n is not whole blocks or the size overflows. */
bool da_qtype_row_bytes(uint32_t type, uint64_t n, uint64_t *out);

/* n values (whole blocks) of a readable type to float. src may be unaligned. */
void da_dequantize(enum da_qtype type, const void *src, float *dst, size_t n);

/*
 * A block of a k-quant taken apart. Value i is d * scales[i / part] * (q[i] - offset) -
 * dmin * mins[i / part], where part is 256 / n_parts.
 */
struct da_super {
    uint16_t d, dmin; /* fp16 */
    uint32_t n_parts; /* 8 or 16 */
    int32_t offset;
    int8_t scales[16];
    uint8_t mins[16];
    uint8_t q[DA_QSUPER];
};
void da_super_unpack(enum da_qtype type, const void *src, struct da_super *out);

/* The levels of iq4_nl by nibble. */
extern const int8_t da_iq4_levels[16];

/* n floats (whole blocks) to a writable type. Values that are not finite become 0. */
void da_quantize(enum da_qtype type, const float *src, void *dst, size_t n);

/* IEEE half and bfloat16; to half and bfloat16 rounds to nearest, ties to even. */
float da_f16_to_f32(uint16_t h);
uint16_t da_f32_to_f16(float f);
float da_bf16_to_f32(uint16_t h);
uint16_t da_f32_to_bf16(float f);

#endif
