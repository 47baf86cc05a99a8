/*
 * Ready weights from a file: a header that differs in a byte or a length is refused, and whatever
 * bytes stand behind a right one are weights, with which every variant computes without leaving its
 * memory or its integers, and to the same bytes (but for which NaN a NaN is).
 */

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/kernels/panels.h"
#include "engine/model/panel_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLS = 512, ROWS = 20, TOKENS = 5, N_KINDS = DA_PANEL_Q6K + 1 };

/* The first half is the header that a model has, the second the file that was found. */
static void match(const uint8_t *data, size_t size)
{
    const size_t n = size / 2;
    const struct da_span want = {(const char *)data, n}, file = {(const char *)data + n, size - n};
    const struct da_span whole = {(const char *)data, size};
    const bool same = file.len >= n && memcmp(file.p, want.p, n) == 0;
    assert(da_panel_cache_matches(want, size - n - n, file) == same);
    assert(da_panel_cache_matches(want, size - n, whole));
    assert(!da_panel_cache_matches(want, size - n + 1, whole));
    assert(!da_panel_cache_matches(want, UINT64_MAX, whole));
}

static void spread(unsigned char *to, size_t n, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < n; i++)
        to[i] = data[i % size];
}

static void run(const struct da_kernels *k, const struct da_panels *p, const float *x, float *out)
{
    unsigned char *tile = da_try_alloc_aligned(64, da_tile_bytes(COLS));
    assert(tile);
    for (unsigned t = 0; t < TOKENS; t++)
        da_panels_input(k, p, x + (size_t)t * COLS, tile, t);
    const struct da_matmul mm = {
        .w = p,
        .n_panels = p->n_panels,
        .x = da_panels_take_tiles(p) ? (const void *)tile : (const void *)x,
        .x_stride = COLS,
        .n_tok = TOKENS,
        .out = out,
        .out_stride = (size_t)p->n_panels * DA_LANES,
    };
    da_matmul_run(k, &mm);
    free(tile);
}

static void compute(enum da_panel_kind kind, const uint8_t *data, size_t size)
{
    const struct da_kernels *all[4];
    const unsigned n_all = da_kernels_list(all);
    struct da_panels p;
    float row[COLS];
    assert(da_panels_shape(&p, kind, ROWS, COLS));
    const size_t n_out = (size_t)p.n_panels * DA_LANES * TOKENS;
    unsigned char *weights = da_try_alloc_aligned(64, da_panels_bytes(&p));
    float *x = da_calloc((size_t)TOKENS * COLS, sizeof *x), *want = da_calloc(n_out, sizeof *want),
          *got = da_calloc(n_out, sizeof *got);
    assert(weights);
    spread(weights, da_panels_bytes(&p), data, size);
    spread((unsigned char *)x, (size_t)TOKENS * COLS * sizeof *x, data + size / 2, size - size / 2);
    p.data = weights;
    for (uint32_t r = 0; r < ROWS; r++)
        da_panels_row(&p, r, row);
    run(all[0], &p, x, want);
    for (unsigned v = 1; v < n_all; v++) {
        run(all[v], &p, x, got);
        for (size_t i = 0; i < n_out; i++)
            assert(memcmp(&want[i], &got[i], sizeof *got) == 0 ||
                   (isnan(want[i]) && isnan(got[i])));
    }
    free(got);
    free(want);
    free(x);
    free(weights);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    match(data + 1, size - 1);
    compute((enum da_panel_kind)(data[0] % N_KINDS), data + 1, size - 1);
    return 0;
}
