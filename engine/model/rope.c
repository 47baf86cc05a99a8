/*
 * Rotary positions (arXiv 2104.09864). Frequency i of a head is base^(-2i / n_rot),
 * divided by a factor for all (linear), by one of its own (Llama 3's, LongRoPE,
 * arXiv 2402.13753), or by YaRN's ramp (arXiv 2309.00071, section 3.2): waves that
 * turn often within the old context stay, long ones are stretched, between them it
 * blends.
 */
#include "engine/model/rope.h"

#include <math.h>

#include "common/maths.h"
#include "engine/model/model.h"

/* The frequency's index whose wave turns so often within the old context. */
static double yarn_index(const struct da_rope *r, uint32_t n_rot, double turns)
{
    return n_rot * da_log(r->old_ctx / (turns * 2.0 * DA_PI)) / (2.0 * da_log((double)r->base));
}

/* Share of frequency i that is stretched, 0 to 1. */
static double yarn_share(const struct da_rope *r, uint32_t n_rot, uint32_t i)
{
    double low = floor(yarn_index(r, n_rot, (double)r->beta_fast));
    double high = ceil(yarn_index(r, n_rot, (double)r->beta_slow));
    low = low < 0.0 ? 0.0 : low;
    high = high > n_rot - 1.0 ? n_rot - 1.0 : high;
    double share = (i - low) / (high - low < 0.001 ? 0.001 : high - low);
    return share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;
}

static float frequency(const struct da_rope *r, uint32_t n_rot, uint32_t i, const float *divisors)
{
    double f = 1.0 / da_pow((double)r->base, 2.0 * i / n_rot);
    if (divisors)
        f /= (double)divisors[i];
    if (r->scaling != DA_ROPE_YARN)
        return (float)(f / (double)r->factor);
    double share = yarn_share(r, n_rot, i);
    return (float)(f / (double)r->factor * share + f * (1.0 - share));
}

static float entry(const struct da_rope *r, double v)
{
    if (r->levels)
        v = rint(v * r->levels) / r->levels;
    return (float)v * r->attn_factor;
}

void da_rope_table(const struct da_rope *r, uint32_t n_rot, uint32_t n_ctx, float *cosines,
                   float *sines)
{
    const uint32_t half = n_rot / 2;
    const float *divisors = r->long_ones && n_ctx > r->old_ctx ? r->long_ones : r->divisors;
    for (uint32_t i = 0; i < half; i++) {
        float freq = frequency(r, n_rot, i, divisors);
        for (uint32_t p = 0; p < n_ctx; p++) {
            double angle = (double)((float)p * freq); /* as the reference implementations round */
            cosines[(size_t)p * half + i] = entry(r, da_cos(angle));
            sines[(size_t)p * half + i] = entry(r, da_sin(angle));
        }
    }
}
