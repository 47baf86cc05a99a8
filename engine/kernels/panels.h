#ifndef ENGINE_KERNELS_PANELS_H
#define ENGINE_KERNELS_PANELS_H

/* From GGUF rows to the panels of kernels.h. Nothing is lost: the codes move, their values stay. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/kernels/kernels.h"
#include "engine/quant.h"

/* The kind a tensor type becomes. iq4_nl becomes 8 bits, q4_1 and q5_1 become f32, the others have
 * one of their own. */
enum da_panel_kind da_panel_kind_of(enum da_qtype type);
const char *da_panel_kind_name(enum da_panel_kind k);

/* Whether such a matrix meets 8-bit activations (tiles) rather than floats. */
static inline bool da_panels_take_tiles(const struct da_panels *p)
{
    return p->kind >= DA_PANEL_Q8;
}

/* Whether its tiles hold supers. */
static inline bool da_panels_super(const struct da_panels *p)
{
    return p->kind >= DA_PANEL_Q2K;
}
/* An input row in the form that p alone would have it. */
static inline void da_panels_input(const struct da_kernels *k, const struct da_panels *p,
                                   const float *x, unsigned char *tile, unsigned slot)
{
    if (da_panels_super(p))
        k->quantize_super(x, p->n_cols, tile, slot);
    else
        k->quantize_row(x, p->n_cols, tile, slot);
}

/* Sets kind and sizes for a matrix [n_rows][n_cols]; false when sizes overflow. */
bool da_panels_shape(struct da_panels *p, enum da_panel_kind kind, uint64_t n_rows,
                     uint64_t n_cols);
static inline size_t da_panels_bytes(const struct da_panels *p)
{
    return p->n_panels * p->panel_bytes;
}

/* Writes panels [first, first + n) of p from the rows of a tensor; out is where panel 0 begins.
 * row0 is the row of p that src begins with (fused matrices are built from several tensors; each
 * but the last must end at a whole panel). scratch: [n_cols] floats. */
void da_panels_build(const struct da_panels *p, unsigned char *out, uint32_t first, uint32_t n,
                     enum da_qtype type, const unsigned char *src, uint32_t n_src_rows,
                     float *scratch);

/* Row r as floats, n_cols of them: the inverse, for embeddings and tests. */
void da_panels_row(const struct da_panels *p, uint32_t row, float *out);

#endif
