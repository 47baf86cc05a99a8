/* Weights rearranged so that 16 output rows lie side by side; layout in kernels.h. */
#include "engine/kernels/panels.h"

#include <assert.h>
#include <string.h>

enum { PANEL_ALIGN = 64, Q4_GROUP_BYTES = 256, Q8_GROUP_BYTES = 512 };

enum da_panel_kind da_panel_kind_of(enum da_qtype type)
{
    switch (type) {
    case DA_Q_Q4_0: return DA_PANEL_Q4;
    case DA_Q_Q8_0: return DA_PANEL_Q8;
    case DA_Q_F16: return DA_PANEL_F16;
    case DA_Q_BF16: return DA_PANEL_BF16;
    default: return DA_PANEL_F32;
    }
}

const char *da_panel_kind_name(enum da_panel_kind k)
{
    static const char *const NAMES[] = {"f32", "f16", "bf16", "q8", "q4"};
    return NAMES[k];
}

static size_t scales_bytes(uint32_t n_cols)
{
    size_t n = (size_t)n_cols / DA_GROUP * DA_LANES * 2;
    return (n + PANEL_ALIGN - 1) / PANEL_ALIGN * PANEL_ALIGN;
}

bool da_panels_shape(struct da_panels *p, enum da_panel_kind kind, uint64_t n_rows, uint64_t n_cols)
{
    if (n_rows == 0 || n_cols == 0 || n_rows > UINT32_MAX - DA_LANES ||
        n_cols > UINT32_MAX / (DA_LANES * 8))
        return false;
    p->kind = kind;
    p->n_rows = (uint32_t)n_rows;
    p->n_cols = (uint32_t)n_cols;
    p->n_panels = (uint32_t)((n_rows + DA_LANES - 1) / DA_LANES);
    p->data = NULL;
    size_t groups = (size_t)n_cols / DA_GROUP;
    switch (kind) {
    case DA_PANEL_F32: p->panel_bytes = (size_t)n_cols * DA_LANES * 4; break;
    case DA_PANEL_F16:
    case DA_PANEL_BF16: p->panel_bytes = (size_t)n_cols * DA_LANES * 2; break;
    case DA_PANEL_Q8: p->panel_bytes = scales_bytes(p->n_cols) + groups * Q8_GROUP_BYTES; break;
    case DA_PANEL_Q4: p->panel_bytes = scales_bytes(p->n_cols) + groups * Q4_GROUP_BYTES; break;
    }
    p->panel_bytes = (p->panel_bytes + PANEL_ALIGN - 1) / PANEL_ALIGN * PANEL_ALIGN;
    return p->n_panels <= SIZE_MAX / 2 / p->panel_bytes;
}

static void put_q4_row(const struct da_panels *p, unsigned char *panel, unsigned r,
                       const unsigned char *src)
{
    unsigned char *codes = panel + scales_bytes(p->n_cols);
    for (uint32_t g = 0; g < p->n_cols / DA_GROUP; g++, src += sizeof(struct da_block_q4_0)) {
        memcpy(panel + ((size_t)g * DA_LANES + r) * 2, src, 2);
        for (unsigned j = 0; j < 4; j++) /* the block's own byte order is the panel's */
            memcpy(codes + (size_t)g * Q4_GROUP_BYTES + j * 64 + r * 4, src + 2 + 4 * j, 4);
    }
}

static void put_q8_row(const struct da_panels *p, unsigned char *panel, unsigned r,
                       const unsigned char *src)
{
    unsigned char *codes = panel + scales_bytes(p->n_cols);
    for (uint32_t g = 0; g < p->n_cols / DA_GROUP; g++, src += sizeof(struct da_block_q8_0)) {
        memcpy(panel + ((size_t)g * DA_LANES + r) * 2, src, 2);
        for (unsigned i = 0; i < DA_GROUP; i++)
            codes[(size_t)g * Q8_GROUP_BYTES + i / 4 * 64 + r * 4 + i % 4] =
                (unsigned char)(src[2 + i] ^ 0x80);
    }
}

static void put_float_row(const struct da_panels *p, unsigned char *panel, unsigned r,
                          enum da_qtype type, const unsigned char *src, float *scratch)
{
    const bool wide = p->kind == DA_PANEL_F32;
    if (wide)
        da_dequantize(type, src, scratch, p->n_cols);
    for (uint32_t k = 0; k < p->n_cols; k++) {
        size_t at = (size_t)k * DA_LANES + r;
        if (wide)
            memcpy(panel + at * 4, &scratch[k], 4);
        else
            memcpy(panel + at * 2, src + (size_t)k * 2, 2);
    }
}

void da_panels_build(const struct da_panels *p, unsigned char *out, uint32_t first, uint32_t n,
                     enum da_qtype type, const unsigned char *src, uint32_t n_src_rows,
                     float *scratch)
{
    uint64_t row_bytes = 0;
    bool ok = da_qtype_row_bytes(type, p->n_cols, &row_bytes);
    assert(ok);
    (void)ok;
    for (uint32_t i = first; i < first + n; i++) {
        unsigned char *panel = out + (size_t)i * p->panel_bytes;
        memset(panel, 0, p->panel_bytes);
        for (unsigned r = 0; r < DA_LANES && i * DA_LANES + r < n_src_rows; r++) {
            const unsigned char *row = src + (size_t)(i * DA_LANES + r) * row_bytes;
            if (p->kind == DA_PANEL_Q4)
                put_q4_row(p, panel, r, row);
            else if (p->kind == DA_PANEL_Q8)
                put_q8_row(p, panel, r, row);
            else
                put_float_row(p, panel, r, type, row, scratch);
        }
    }
}

static float code_value(const struct da_panels *p, const unsigned char *panel, unsigned r,
                        uint32_t k)
{
    const unsigned char *codes = panel + scales_bytes(p->n_cols);
    uint32_t g = k / DA_GROUP, i = k % DA_GROUP;
    uint16_t h;
    memcpy(&h, panel + ((size_t)g * DA_LANES + r) * 2, 2);
    if (p->kind == DA_PANEL_Q8) {
        int q = codes[(size_t)g * Q8_GROUP_BYTES + i / 4 * 64 + r * 4 + i % 4] - 128;
        return da_f16_to_f32(h) * (float)q;
    }
    unsigned b = codes[(size_t)g * Q4_GROUP_BYTES + i % 16 / 4 * 64 + r * 4 + i % 4];
    return da_f16_to_f32(h) * (float)((int)(i < 16 ? b & 15 : b >> 4) - 8);
}

void da_panels_row(const struct da_panels *p, uint32_t row, float *out)
{
    const unsigned char *panel = p->data + (size_t)(row / DA_LANES) * p->panel_bytes;
    unsigned r = row % DA_LANES;
    for (uint32_t k = 0; k < p->n_cols; k++) {
        size_t at = (size_t)k * DA_LANES + r;
        uint16_t h;
        switch (p->kind) {
        case DA_PANEL_F32: memcpy(&out[k], panel + at * 4, 4); break;
        case DA_PANEL_F16:
        case DA_PANEL_BF16:
            memcpy(&h, panel + at * 2, 2);
            out[k] = p->kind == DA_PANEL_F16 ? da_f16_to_f32(h) : da_bf16_to_f32(h);
            break;
        default: out[k] = code_value(p, panel, r, k);
        }
    }
}
