/* Perplexity against the logits that transformers computed; KL divergence against single steps. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/io.h"
#include "engine/model/import.h"
#include "engine/perplexity.h"
#include "engine/session.h"
#include "tests/tap.h"

enum { GOLDEN_HEAD = 8 + 64 * 4 };

struct golden {
    struct da_buf bytes;
    int32_t n, n_vocab, ids[64];
    struct da_model *m;
};

static bool open_golden(struct golden *g, const char *family, const char *kind)
{
    char path[512], out[512];
    struct da_err err;
    struct da_import_opts opts = {.type = DA_Q_F32, .no_tokenizer = true, .n_threads = 1};
    memset(g, 0, sizeof *g);
    da_buf_init(&g->bytes, 0);
    snprintf(path, sizeof path, "tests/golden/engine/%s/golden.bin", family);
    if (!tap_rc(da_io_read_file(path, 1 << 20, &g->bytes, &err), &err, "%s golden", family))
        return false;
    memcpy(&g->n, g->bytes.p, 4);
    memcpy(&g->n_vocab, g->bytes.p + 4, 4);
    memcpy(g->ids, g->bytes.p + 8, sizeof g->ids);
    snprintf(path, sizeof path, "tests/golden/engine/%s", family);
    snprintf(out, sizeof out, "%s/%s.gguf", tap_tmpdir(), kind);
    return tap_rc(da_import(path, out, &opts, NULL, &err), &err, "import %s", family) &&
           tap_rc(da_model_open(&g->m, out, &(struct da_model_opts){.n_threads = 1}, &err), &err,
                  "open %s", family);
}

/* log p of every token at a position, from the golden logits. */
static void log_probs(const struct golden *g, int at, double *out)
{
    double sum = 0;
    for (int i = 0; i < g->n_vocab; i++) {
        float v;
        memcpy(&v, g->bytes.p + GOLDEN_HEAD + ((size_t)at * (size_t)g->n_vocab + (size_t)i) * 4, 4);
        out[i] = (double)v;
        sum += exp(out[i]);
    }
    for (int i = 0; i < g->n_vocab; i++)
        out[i] -= log(sum);
}

/* The same from a model, one token further. */
static void step_probs(const struct da_model *m, struct da_session *s, uint32_t seq, int32_t id,
                       double *out)
{
    struct da_err err;
    const int n = (int)da_model_facts(m)->n_vocab;
    double sum = 0;
    if (da_session_step(s, &(struct da_row){.seq = seq, .id = id, .want_logits = true}, 1, &err))
        tap_diag("%s", err.msg);
    for (int i = 0; i < n; i++)
        sum += exp(out[i] = (double)da_session_logits(s, 0)[i]);
    for (int i = 0; i < n; i++)
        out[i] -= log(sum);
}

int main(void)
{
    struct golden a, b;
    struct da_ppl r, again;
    struct da_err err;
    struct da_ppl_opts opts = {.n_threads = 1, .kv = DA_KV_F32, .bos = -1};
    struct da_session *sb;
    uint32_t seq;
    double p[256], q[256], nll = 0, base_nll = 0, kl = 0;
    if (!open_golden(&a, "slimlm", "a") || !open_golden(&b, "mpt", "b"))
        return tap_done();
    if (!tap_rc(da_session_new(&sb, b.m, &(struct da_session_opts){.n_threads = 1, .kv = DA_KV_F32},
                               &err),
                &err, "session") ||
        !tap_rc(da_seq_open(sb, &seq, &err), &err, "sequence"))
        return tap_done();
    for (int t = 0; t + 1 < a.n; t++) {
        log_probs(&a, t, q);
        step_probs(b.m, sb, seq, a.ids[t], p);
        nll -= q[a.ids[t + 1]] / (a.n - 1);
        base_nll -= p[a.ids[t + 1]] / (a.n - 1);
        for (int i = 0; i < a.n_vocab; i++)
            kl += exp(p[i]) * (p[i] - q[i]) / (a.n - 1);
    }
    if (tap_rc(da_perplexity(a.m, b.m, a.ids, (size_t)a.n, &opts, &r, &err), &err, "run")) {
        tap_is_int((long long)r.n_scored, a.n - 1, "every token but the first");
        tap_is_double(r.nll, nll, 1e-5, "mean negative log-likelihood");
        tap_is_double(r.base_nll, base_nll, 1e-5, "the base's");
        tap_is_double(r.kl, kl, 1e-4, "KL(base || model)");
    }
    if (tap_rc(da_perplexity(a.m, a.m, a.ids, (size_t)a.n, &opts, &again, &err), &err, "itself"))
        tap_ok(again.kl == 0 && again.same_top == 1 && again.nll == r.nll, "no distance to itself");
    if (tap_rc(da_perplexity(a.m, NULL, a.ids, (size_t)a.n, &opts, &again, &err), &err, "alone"))
        tap_ok(again.nll == r.nll, "the same bits whether logits are kept or not");
    opts.window = 17; /* 64 tokens: 3 windows of 17 and one of 13 */
    if (tap_rc(da_perplexity(a.m, NULL, a.ids, (size_t)a.n, &opts, &r, &err), &err, "windows"))
        tap_is_int((long long)r.n_scored, 3 * 16 + 12, "tokens scored in windows");
    opts.bos = 1; /* 16 tokens of the text a window, all scored */
    if (tap_rc(da_perplexity(a.m, NULL, a.ids, (size_t)a.n, &opts, &r, &err), &err, "with BOS"))
        tap_is_int((long long)r.n_scored, 64, "all are scored after BOS");
    opts.bos = -1;
    tap_is_int(da_perplexity(a.m, NULL, a.ids, 1, &opts, &r, NULL), DA_EFORMAT, "one token");
    da_session_free(sb);
    da_model_close(a.m);
    da_model_close(b.m);
    da_buf_release(&a.bytes);
    da_buf_release(&b.bytes);
    return tap_done();
}
