#include "eval/sts.h"

#include <math.h>

void da_sts_mean_pool(const double *tokens, const double *mask, size_t n, size_t dim, double *out)
{
    double count = 0;

    for (size_t d = 0; d < dim; d++)
        out[d] = 0;
    for (size_t i = 0; i < n; i++) {
        count += mask[i];
        for (size_t d = 0; d < dim; d++)
            out[d] += tokens[i * dim + d] * mask[i];
    }
    for (size_t d = 0; d < dim; d++)
        out[d] /= fmax(count, 1e-9);
}

double da_sts_cosine(const double *a, const double *b, size_t dim)
{
    double aa = 0, bb = 0, ab = 0;

    for (size_t d = 0; d < dim; d++) {
        aa += a[d] * a[d];
        bb += b[d] * b[d];
    }
    double na = fmax(sqrt(aa), 1e-12), nb = fmax(sqrt(bb), 1e-12);
    for (size_t d = 0; d < dim; d++)
        ab += a[d] / na * (b[d] / nb);
    return ab;
}
