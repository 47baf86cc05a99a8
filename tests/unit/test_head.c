/* The output head's reductions, block by block, against plain sums over the whole vocabulary. */
#include <math.h>
#include <stdio.h>

#include "common/rng.h"
#include "engine/kernels/kernels.h"
#include "engine/model/head.h"
#include "engine/model/random.h"
#include "engine/session.h"
#include "tests/tap.h"

enum { MOST = 3000, ROUNDS = 40, SHAPE_VOCAB = 1300, N_ROWS = 90 };

/* Largest value, first of equals; log(sum(exp)) in long double. */
static uint32_t plain_top(const float *x, uint32_t n)
{
    uint32_t top = 0;
    for (uint32_t i = 1; i < n; i++)
        if (x[i] > x[top] || (isnan(x[top]) && !isnan(x[i])))
            top = i;
    return top;
}

static double plain_lse(const float *x, uint32_t n)
{
    long double sum = 0, top = x[plain_top(x, n)];
    for (uint32_t i = 0; i < n; i++)
        sum += expl((long double)x[i] - top);
    return (double)(top + logl(sum));
}

static void test_reduce(const struct da_kernels *k)
{
    static float x[MOST + DA_LANES];
    struct da_head_part parts[MOST / DA_HEAD_BLOCK + 1];
    struct da_rng rng;
    double worst = 0;
    unsigned n_wrong = 0;
    da_rng_init(&rng, 3);
    for (unsigned r = 0; r < ROUNDS; r++) {
        const uint32_t edges[] = {1, 511, 512, 513, 1024, 1300};
        const uint32_t n = r < 6 ? edges[r] : 1 + da_rng_below(&rng, MOST);
        const uint32_t n_blocks = da_head_blocks(n);
        for (uint32_t i = 0; i < n; i++) /* few values, so that many are equal */
            x[i] = (float)((int)da_rng_below(&rng, r % 2 ? 40000 : 40)) / (r % 2 ? 1000.0f : 4.0f);
        for (uint32_t b = 0; b < n_blocks; b++)
            parts[b] = da_head_reduce(k, x + (size_t)b * DA_HEAD_BLOCK, b, n, true);
        n_wrong += da_head_top(parts, n_blocks) != plain_top(x, n);
        worst = fmax(worst, fabs(da_head_lse(parts, n_blocks) - plain_lse(x, n)));
        for (uint32_t i = 0; i < n; i += 1 + da_rng_below(&rng, 3))
            x[i] = NAN;
        for (uint32_t b = 0; b < n_blocks; b++)
            parts[b] = da_head_reduce(k, x + (size_t)b * DA_HEAD_BLOCK, b, n, false);
        n_wrong += da_head_top(parts, n_blocks) != plain_top(x, n);
    }
    tap_is_int(n_wrong, 0, "%s: the first of the largest, NaN never", k->name);
    tap_ok(worst < 1e-6, "%s: log(sum(exp)) of blocks (worst %.1e)", k->name, worst);
}

/* Scores without logits are, to the last bit, what the logits give. */
static void test_scores(void)
{
    static const struct da_build_shape shape = {
        .family = "llama", .name = "head", .n_layers = 2, .dim = 64, .n_heads = 4,
        .n_kv_heads = 2, .head_dim = 16, .ff_dim = 128, .n_vocab = SHAPE_VOCAB, .n_ctx = 128,
        .norm_eps = 1e-5, .rope_base = 10000, .n_rot = 16};
    char path[512];
    struct da_model *m = NULL;
    struct da_session *s[2] = {NULL, NULL};
    struct da_row rows[N_ROWS];
    struct da_rng rng;
    struct da_err err;
    uint32_t seq[2], n_same = 0;
    (void)snprintf(path, sizeof path, "%s/head.gguf", tap_tmpdir());
    da_rng_init(&rng, 5);
    const struct da_session_opts opts[2] = {{.n_threads = 2, .batch = N_ROWS, .n_logits = N_ROWS},
                                            {.n_threads = 3, .batch = N_ROWS, .n_scores = N_ROWS}};
    if (!tap_rc(da_random_write(path, &shape, NULL, 1, DA_Q_Q4_0, 1, &err), &err, "write") ||
        !tap_rc(da_model_open(&m, path, NULL, &err), &err, "open it"))
        return;
    for (int i = 0; i < 2; i++)
        if (!tap_rc(da_session_new(&s[i], m, &opts[i], &err), &err, "session %d", i) ||
            !tap_rc(da_seq_open(s[i], &seq[i], &err), &err, "sequence %d", i))
            goto out;
    for (uint32_t t = 0; t < N_ROWS; t++)
        rows[t] = (struct da_row){.seq = seq[0],
                                  .id = (int32_t)da_rng_below(&rng, SHAPE_VOCAB),
                                  .want_logits = true,
                                  .want_lse = t % 2,
                                  .target = (int32_t)da_rng_below(&rng, SHAPE_VOCAB)};
    tap_rc(da_session_step(s[0], rows, N_ROWS, &err), &err, "logits");
    for (uint32_t t = 0; t < N_ROWS; t++) {
        rows[t].seq = seq[1];
        rows[t].want_logits = rows[t].want_lse = false;
        rows[t].want_score = true;
    }
    tap_rc(da_session_step(s[1], rows, N_ROWS, &err), &err, "scores");
    for (uint32_t t = 0; t < N_ROWS; t++)
        n_same += da_session_score(s[1], t) ==
                  (double)da_session_logits(s[0], t)[rows[t].target] - da_session_lse(s[0], t);
    tap_is_int(n_same, N_ROWS, "scores are the logits' own, to the last bit");
    rows[0].target = SHAPE_VOCAB;
    tap_is_int(da_session_step(s[1], rows, 1, NULL), DA_EUSAGE, "a target outside the vocabulary");
    rows[0].target = 0;
    tap_is_int(da_session_step(s[0], rows, 1, NULL), DA_EUSAGE, "no room for scores");
out:
    da_session_free(s[0]);
    da_session_free(s[1]);
    da_model_close(m);
}

int main(void)
{
    const struct da_kernels *all[4];
    const unsigned n = da_kernels_list(all);
    for (unsigned v = 0; v < n; v++)
        test_reduce(all[v]);
    test_scores();
    return tap_done();
}
