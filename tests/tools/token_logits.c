/*
 * Logits of a model for given tokens, for comparing with other programs.
 *
 *     token_logits MODEL f32|f16|q8
 *
 * stdin: ids as i32; stdout: u32 vocabulary, then for each id its logits as f32. The word is the
 * type of keys and values.
 */
#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/session.h"

enum { MAX_IDS = 4096, STEP = 50 }; /* positions of a step: no matter, but faster than one */

int main(int argc, char **argv)
{
    static int32_t ids[MAX_IDS];
    struct da_model *m = NULL;
    struct da_session *s = NULL;
    struct da_err err = {0};
    uint32_t seq;
    if (argc != 3)
        return 2;
    struct da_session_opts opts = {.kv = strcmp(argv[2], "f32") == 0   ? DA_KV_F32
                                         : strcmp(argv[2], "f16") == 0 ? DA_KV_F16
                                                                       : DA_KV_Q8,
                                   .batch = STEP,
                                   .n_logits = STEP};
    size_t n = fread(ids, sizeof *ids, MAX_IDS, stdin);
    if (da_model_open(&m, argv[1], NULL, &err) || da_session_new(&s, m, &opts, &err) ||
        da_seq_open(s, &seq, &err))
        goto failed;
    uint32_t n_vocab = da_model_facts(m)->n_vocab;
    (void)fwrite(&n_vocab, sizeof n_vocab, 1, stdout);
    for (size_t at = 0; at < n; at += STEP) {
        struct da_row rows[STEP];
        const uint32_t k = n - at < STEP ? (uint32_t)(n - at) : STEP;
        for (uint32_t i = 0; i < k; i++)
            rows[i] = (struct da_row){.seq = seq, .id = ids[at + i], .want_logits = true};
        if (da_session_step(s, rows, k, &err))
            goto failed;
        for (uint32_t i = 0; i < k; i++)
            (void)fwrite(da_session_logits(s, i), sizeof(float), n_vocab, stdout);
    }
    da_session_free(s);
    da_model_close(m);
    return 0;
failed:
    (void)fprintf(stderr, "%s\n", err.msg);
    return 1;
}
