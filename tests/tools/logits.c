/*
 * logits MODEL.gguf KV: runs 40 fixed tokens through a model with every variant of the kernels that
 * this processor has, and writes the logits [40][vocabulary] as they lie in memory (little-endian
 * floats). Fails when two variants differ. Two machines compare what they write.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/kernels/kernels.h"
#include "engine/model/model.h"
#include "engine/session.h"

enum { N_TOKENS = 40, SPLIT = 23, CONTEXT = 64 };

/* The logits of all positions, in two steps; NULL with err set. */
static float *run(const char *path, const char *cpu, enum da_kv_type kv, size_t *n,
                  struct da_err *err)
{
    struct da_model *m = NULL;
    struct da_session *s = NULL;
    const struct da_session_opts so = {
        .n_threads = 2, .kv = kv, .n_ctx = CONTEXT, .batch = N_TOKENS, .n_logits = N_TOKENS};
    struct da_row rows[N_TOKENS];
    float *out = NULL;
    uint32_t seq;
    if (da_model_open(&m, path, &(struct da_model_opts){.cpu = cpu}, err) ||
        da_session_new(&s, m, &so, err) || da_seq_open(s, &seq, err))
        goto fail;
    const uint32_t n_vocab = m->hp.n_vocab;
    *n = (size_t)N_TOKENS * n_vocab;
    out = da_malloc(*n * sizeof *out);
    for (uint32_t i = 0; i < N_TOKENS; i++)
        rows[i] = (struct da_row){
                .seq = seq, .id = (int32_t)((i * i * 7 + 3) % n_vocab), .want_logits = true};
    for (uint32_t at = 0, k = SPLIT; at < N_TOKENS; at += k, k = N_TOKENS - SPLIT) {
        if (da_session_step(s, rows + at, k, err))
            goto fail;
        for (uint32_t i = 0; i < k; i++)
            memcpy(out + (size_t)(at + i) * n_vocab, da_session_logits(s, i),
                   n_vocab * sizeof *out);
    }
    da_session_free(s);
    da_model_close(m);
    return out;
fail:
    free(out);
    da_session_free(s);
    da_model_close(m);
    return NULL;
}

int main(int argc, char **argv)
{
    const struct da_kernels *all[4];
    const unsigned n_all = da_kernels_list(all);
    struct da_err err;
    float *first = NULL;
    size_t n = 0;
    if (argc != 3) {
        fputs("usage: logits MODEL.gguf f32|f16|q8\n", stderr);
        return 2;
    }
    const enum da_kv_type kv = strcmp(argv[2], "f32") == 0   ? DA_KV_F32
                               : strcmp(argv[2], "f16") == 0 ? DA_KV_F16
                                                             : DA_KV_Q8;
    for (unsigned i = 0; i < n_all; i++) {
        float *got = run(argv[1], all[i]->name, kv, &n, &err);
        if (!got) {
            fprintf(stderr, "logits: %s\n", err.msg);
            return 1;
        }
        if (first && memcmp(first, got, n * sizeof *got) != 0) {
            fprintf(stderr, "logits: %s differs from %s\n", all[i]->name, all[0]->name);
            return 1;
        }
        if (first)
            free(got);
        else
            first = got;
        fprintf(stderr, "%s%s", i ? " " : "", all[i]->name);
    }
    const bool ok = fwrite(first, sizeof *first, n, stdout) == n && fflush(stdout) == 0;
    free(first);
    return ok ? 0 : 1;
}
