#ifndef COMMON_RNG_H
#define COMMON_RNG_H

/*
 * The only randomness: numpy's default_rng (SeedSequence + PCG64 XSL-RR), so
 * that resampled statistics equal those of sacrebleu. Never seeded from a clock.
 * Source: M. E. O'Neill, "PCG", 2014; numpy.random documentation.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct da_rng {
    uint64_t state_hi, state_lo;
    uint64_t inc_hi, inc_lo;
    uint32_t half; /* unused upper half of the last 64-bit draw */
    bool has_half;
};

void da_rng_init(struct da_rng *r, uint64_t seed);
uint64_t da_rng_u64(struct da_rng *r);
/* Low half of a 64-bit draw first, then its high half. */
uint32_t da_rng_u32(struct da_rng *r);
/* Uniform in [0, n) as numpy's integers/choice draw it (Lemire); n >= 1, n = 1 draws nothing. */
uint64_t da_rng_below(struct da_rng *r, uint64_t n);
/* out[0..count-1] = da_rng_below(r, n), 1 <= n < 2^32; the same draws, faster. */
void da_rng_fill_below32(struct da_rng *r, uint32_t n, uint32_t *out, size_t count);
double da_rng_double(struct da_rng *r); /* [0, 1), 53 bits */
double da_rng_normal(struct da_rng *r); /* mean 0, variance 1 (polar method; not numpy's) */

#endif
