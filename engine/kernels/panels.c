/* Weights rearranged so that 16 output rows lie side by side; layout in kernels.h. */
#include "engine/kernels/panels.h"

#include <assert.h>
#include <string.h>

enum { PANEL_ALIGN = 64 };

enum da_panel_kind da_panel_kind_of(enum da_qtype type)
{
    switch (type) {
    case DA_Q_Q4_0: return DA_PANEL_Q4;
    case DA_Q_Q5_0: return DA_PANEL_Q5;
    case DA_Q_Q8_0:
    case DA_Q_IQ4_NL: return DA_PANEL_Q8;
    case DA_Q_Q2_K: return DA_PANEL_Q2K;
    case DA_Q_Q3_K: return DA_PANEL_Q3K;
    case DA_Q_Q4_K: return DA_PANEL_Q4K;
    case DA_Q_Q5_K: return DA_PANEL_Q5K;
    case DA_Q_Q6_K: return DA_PANEL_Q6K;
    case DA_Q_F16: return DA_PANEL_F16;
    case DA_Q_BF16: return DA_PANEL_BF16;
    default: return DA_PANEL_F32;
    }
}

const char *da_panel_kind_name(enum da_panel_kind k)
{
    static const char *const NAMES[] = {"f32",  "f16",  "bf16", "q8",   "q4",  "q5",
                                        "q2_k", "q3_k", "q4_k", "q5_k", "q6_k"};
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
    if (kind < DA_PANEL_Q8)
        p->panel_bytes = (size_t)n_cols * DA_LANES * (da_panel_bits(kind) / 8);
    else if (da_panels_super(p))
        p->panel_bytes = (size_t)n_cols / DA_SUPER * da_panel_super_bytes(kind);
    else
        p->panel_bytes = scales_bytes(p->n_cols) + groups * da_panel_group_bytes(kind);
    p->panel_bytes = (p->panel_bytes + PANEL_ALIGN - 1) / PANEL_ALIGN * PANEL_ALIGN;
    return p->n_panels <= SIZE_MAX / 2 / p->panel_bytes;
}

/* --- codes ------------------------------------------------------------------------ */

/* Code v of a group in row r, of at most 8 bits; the bytes are zero before. */
static void put_code(uint32_t bits, unsigned char *group, unsigned r, unsigned v, unsigned q)
{
    const unsigned at = r * 4 + v % 4, j = v / 4; /* j: which of 8 vectors */
    const unsigned pair = j % 2 * 64 + at, field = j / 2 * 2;
    if (bits == 8) {
        group[j * 64 + at] = (unsigned char)q;
        return;
    }
    if (bits < 4) {
        group[pair] = (unsigned char)(group[pair] | (q & 3) << field);
        if (bits == 3)
            group[128 + at] = (unsigned char)(group[128 + at] | (q >> 2) << j);
        return;
    }
    unsigned char *low = &group[j % 4 * 64 + at];
    *low = (unsigned char)(*low | (q & 15) << (j / 4 * 4));
    if (bits == 5)
        group[256 + at] = (unsigned char)(group[256 + at] | (q >> 4) << j);
    else if (bits == 6)
        group[256 + pair] = (unsigned char)(group[256 + pair] | (q >> 4) << field);
}

static unsigned get_code(uint32_t bits, const unsigned char *group, unsigned r, unsigned v)
{
    const unsigned at = r * 4 + v % 4, j = v / 4, pair = j % 2 * 64 + at, field = j / 2 * 2;
    if (bits == 8)
        return group[j * 64 + at];
    if (bits < 4)
        return (group[pair] >> field & 3) | (bits == 3 ? (group[128 + at] >> j & 1) << 2 : 0);
    unsigned q = group[j % 4 * 64 + at] >> (j / 4 * 4) & 15;
    if (bits == 5)
        q |= (group[256 + at] >> j & 1) << 4;
    else if (bits == 6)
        q |= (group[256 + pair] >> field & 3) << 4;
    return q;
}

/* --- rows of GGUF to lanes of a panel -------------------------------------------------- */

static void put_q4_row(const struct da_panels *p, unsigned char *panel, unsigned r,
                       const unsigned char *src)
{
    unsigned char *codes = panel + scales_bytes(p->n_cols);
    for (uint32_t g = 0; g < p->n_cols / DA_GROUP; g++, src += sizeof(struct da_block_q4_0)) {
        memcpy(panel + ((size_t)g * DA_LANES + r) * 2, src, 2);
        for (unsigned j = 0; j < 4; j++) /* the block's own byte order is the panel's */
            memcpy(codes + g * da_panel_group_bytes(p->kind) + j * 64 + r * 4, src + 2 + 4 * j, 4);
    }
}

/* The 32 codes of a block that becomes 5 or 8 bits; its scale is its first two bytes. */
static void block_codes(enum da_qtype type, const unsigned char *src, uint8_t q[DA_GROUP])
{
    struct da_block_q5_0 b;
    if (type == DA_Q_Q8_0) {
        for (unsigned i = 0; i < DA_GROUP; i++)
            q[i] = src[2 + i] ^ 0x80;
    } else if (type == DA_Q_Q5_0) {
        memcpy(&b, src, sizeof b);
        for (unsigned i = 0; i < DA_GROUP; i++)
            q[i] =
                (uint8_t)((b.qs[i % 16] >> (i / 16 * 4) & 15) | (b.qh[i / 8] >> (i % 8) & 1) << 4);
    } else {
        for (unsigned i = 0; i < DA_GROUP; i++)
            q[i] = (uint8_t)(da_iq4_levels[src[2 + i % 16] >> (i / 16 * 4) & 15] + 128);
    }
}

static void put_codes_row(const struct da_panels *p, unsigned char *panel, unsigned r,
                          enum da_qtype type, const unsigned char *src)
{
    unsigned char *codes = panel + scales_bytes(p->n_cols);
    const uint32_t bits = da_panel_bits(p->kind), block = da_qtype_info(type)->block_bytes;
    for (uint32_t g = 0; g < p->n_cols / DA_GROUP; g++, src += block) {
        uint8_t q[DA_GROUP];
        memcpy(panel + ((size_t)g * DA_LANES + r) * 2, src, 2);
        block_codes(type, src, q);
        for (unsigned v = 0; v < DA_GROUP; v++)
            put_code(bits, codes + g * da_panel_group_bytes(p->kind), r, v, q[v]);
    }
}

/* Scales and minima of a block in its 256 bytes. */
static void put_super_scales(enum da_panel_kind kind, unsigned char *head, unsigned r,
                             const struct da_super *s)
{
    memcpy(head + 2 * r, &s->d, 2);
    memcpy(head + 32 + 2 * r, &s->dmin, 2);
    for (unsigned i = 0; i < s->n_parts; i++) {
        unsigned char *at = head + 64 + i * DA_LANES + r;
        *at = (unsigned char)s->scales[i];
        if (kind == DA_PANEL_Q2K)
            *at = (unsigned char)(*at | s->mins[i] << 4);
        else if (s->n_parts == 8)
            at[8 * DA_LANES] = s->mins[i];
    }
}

static void put_super_row(const struct da_panels *p, unsigned char *panel, unsigned r,
                          enum da_qtype type, const unsigned char *src)
{
    const uint32_t bits = da_panel_bits(p->kind), block = da_qtype_info(type)->block_bytes;
    for (uint32_t k = 0; k < p->n_cols; k += DA_SUPER, src += block) {
        struct da_super s;
        da_super_unpack(type, src, &s);
        put_super_scales(p->kind, panel, r, &s);
        for (unsigned v = 0; v < DA_SUPER; v++)
            put_code(bits, panel + DA_SUPER_HEAD + v / DA_GROUP * da_panel_group_bytes(p->kind), r,
                     v % DA_GROUP, s.q[v]);
        panel += da_panel_super_bytes(p->kind);
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
            else if (da_panels_super(p))
                put_super_row(p, panel, r, type, row);
            else if (da_panels_take_tiles(p))
                put_codes_row(p, panel, r, type, row);
            else
                put_float_row(p, panel, r, type, row, scratch);
        }
    }
}

/* --- and back --------------------------------------------------------------------- */

static float code_value(const struct da_panels *p, const unsigned char *panel, unsigned r,
                        uint32_t k)
{
    const unsigned char *codes = panel + scales_bytes(p->n_cols);
    const uint32_t g = k / DA_GROUP, bits = da_panel_bits(p->kind);
    unsigned q = get_code(bits, codes + g * da_panel_group_bytes(p->kind), r, k % DA_GROUP);
    uint16_t h;
    memcpy(&h, panel + ((size_t)g * DA_LANES + r) * 2, 2);
    return da_f16_to_f32(h) * (float)((int)q - (1 << (bits - 1)));
}

static float super_value(const struct da_panels *p, const unsigned char *panel, unsigned r,
                         uint32_t k)
{
    const unsigned char *head = panel + k / DA_SUPER * da_panel_super_bytes(p->kind);
    const uint32_t v = k % DA_SUPER, bits = da_panel_bits(p->kind);
    const unsigned char *group =
        head + DA_SUPER_HEAD + v / DA_GROUP * da_panel_group_bytes(p->kind);
    const bool halves = p->kind != DA_PANEL_Q4K && p->kind != DA_PANEL_Q5K;
    const unsigned char *scale = head + 64 + v / (halves ? 16 : 32) * DA_LANES + r;
    const int offset = p->kind == DA_PANEL_Q6K ? 32 : p->kind == DA_PANEL_Q3K ? 4 : 0;
    const int q = (int)get_code(bits, group, r, v % DA_GROUP) - offset;
    uint16_t d, dmin;
    memcpy(&d, head + 2 * r, 2);
    memcpy(&dmin, head + 32 + 2 * r, 2);
    int sc = (int8_t)*scale, min = halves ? 0 : scale[8 * DA_LANES];
    if (p->kind == DA_PANEL_Q2K) {
        sc = *scale & 15;
        min = *scale >> 4;
    }
    return da_f16_to_f32(d) * (float)sc * (float)q - da_f16_to_f32(dmin) * (float)min;
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
        default:
            out[k] = da_panels_super(p) ? super_value(p, panel, r, k) : code_value(p, panel, r, k);
        }
    }
}
