#ifndef ENGINE_MODEL_ROPE_H
#define ENGINE_MODEL_ROPE_H

/* Cosines and sines of rotary positions, with every kind of scaling the families have. */

#include <stdint.h>

struct da_rope;

/* cosines, sines: [n_ctx][n_rot / 2]. A sequence may have n_ctx positions: long rope has other
 * divisors when that is more than the context before scaling. */
void da_rope_table(const struct da_rope *r, uint32_t n_rot, uint32_t n_ctx, float *cosines,
                   float *sines);

#endif
