/* Everything that can be said about a model file without running it. */
#include "engine/model/verify.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/threads.h"
#include "engine/chat/chat_template.h"
#include "engine/embedder.h"
#include "engine/engine.h"
#include "engine/gguf.h"
#include "engine/tokenizer/tokenizer.h"

struct verifier {
    const char *path;
    const struct da_verify_calls *calls;
    struct da_verify_stats *stats;
    const struct da_gguf *g;
};

/* Says err's message, the path before it unless it is there. */
static void problem(const struct verifier *v, const struct da_err *err)
{
    struct da_err line = *err;
    size_t n = strlen(v->path);
    if (strncmp(err->msg, v->path, n) != 0 || err->msg[n] != ':')
        (void)da_err_context(&line, line.code, "%s", v->path);
    v->stats->n_problems++;
    v->calls->problem(v->calls->ctx, line.msg);
}

/* --- places ----------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct da_gguf_tensor *x = *(const struct da_gguf_tensor *const *)a;
    const struct da_gguf_tensor *y = *(const struct da_gguf_tensor *const *)b;
    return x->data < y->data ? -1 : x->data > y->data ? 1 : 0;
}

static void check_places(const struct verifier *v)
{
    const size_t n = da_gguf_n_tensors(v->g);
    const struct da_gguf_tensor **list = da_calloc(n + 1, sizeof *list);
    for (size_t i = 0; i < n; i++)
        list[i] = da_gguf_tensor_at(v->g, i);
    qsort(list, n, sizeof *list, by_place);
    for (size_t i = 1; i < n; i++) {
        struct da_err err;
        const struct da_gguf_tensor *a = list[i - 1], *b = list[i];
        if (a->data + a->n_bytes <= b->data)
            continue;
        (void)da_fail(&err, DA_EFORMAT, "tensors '%.*s' and '%.*s' share bytes", (int)a->name.len,
                      a->name.p, (int)b->name.len, b->name.p);
        problem(v, &err);
    }
    free(list);
}

/* --- values ----------------------------------------------------------------------- */

enum { SCAN_VALUES = 1 << 14 }; /* of one work item; whole blocks of every type */

struct scan {
    const struct da_gguf_tensor *t;
    const struct da_qtype_info *info;
    uint64_t n_values;
    float *scratch;  /* [threads][SCAN_VALUES] */
    uint64_t *n_bad; /* [items] */
};

static void scan_item(void *ctx, size_t item, unsigned worker)
{
    const struct scan *s = ctx;
    uint64_t first = (uint64_t)item * SCAN_VALUES, left = s->n_values - first;
    size_t n = left < SCAN_VALUES ? (size_t)left : SCAN_VALUES;
    float *x = s->scratch + (size_t)worker * SCAN_VALUES;
    const uint64_t block = first / s->info->block_len;
    da_dequantize((enum da_qtype)s->t->type, s->t->data + block * s->info->block_bytes, x, n);
    for (size_t i = 0; i < n; i++)
        s->n_bad[item] += !isfinite(x[i]);
}

static void check_values(const struct verifier *v, const struct da_gguf_tensor *t,
                         unsigned n_threads, float *scratch)
{
    struct scan s = {.t = t, .info = da_qtype_info(t->type), .scratch = scratch};
    struct da_err err;
    uint64_t n_bad = 0;
    if (t->type == DA_Q_I32)
        return;
    if (!s.info || !s.info->readable) {
        (void)da_fail(&err, DA_EUNSUPPORTED, "tensor '%.*s' has type %s, which is not read",
                      (int)t->name.len, t->name.p, da_qtype_name(t->type));
        problem(v, &err);
        return;
    }
    s.n_values = t->n_bytes / s.info->block_bytes * s.info->block_len;
    const size_t items = (size_t)((s.n_values + SCAN_VALUES - 1) / SCAN_VALUES);
    s.n_bad = da_calloc(items + 1, sizeof *s.n_bad);
    da_parallel_for(n_threads, items, scan_item, &s);
    for (size_t i = 0; i < items; i++)
        n_bad += s.n_bad[i];
    free(s.n_bad);
    if (!n_bad)
        return;
    (void)da_fail(&err, DA_EFORMAT,
                  "tensor '%.*s' (%s): %" PRIu64 " of %" PRIu64 " values are NaN or infinite",
                  (int)t->name.len, t->name.p, da_qtype_name(t->type), n_bad, s.n_values);
    problem(v, &err);
}

/* --- family, tokenizer, template ---------------------------------------------------- */

static void check_model(const struct verifier *v, unsigned n_threads)
{
    struct da_model *m = NULL;
    struct da_embedder *e = NULL;
    struct da_err err;
    if (da_gguf_is_encoder(v->g)) {
        if (da_embedder_open(&e, v->path, &(struct da_embedder_opts){.n_threads = n_threads}, &err))
            problem(v, &err);
        da_embedder_close(e);
        return;
    }
    if (da_model_open(&m, v->path, &(struct da_model_opts){.n_threads = n_threads}, &err))
        problem(v, &err);
    da_model_close(m);
}

static void check_tokenizer(const struct verifier *v)
{
    const struct da_gguf_tensor *embd = da_gguf_tensor(v->g, "token_embd.weight");
    struct da_tokenizer *tok = NULL;
    struct da_chat_template *chat = NULL;
    struct da_err err;
    if (!da_gguf_find(v->g, "tokenizer.ggml.model"))
        return;
    if (da_tokenizer_open_gguf(&tok, v->g, &err)) {
        problem(v, &err);
        return;
    }
    if (embd && da_tokenizer_size(tok) > embd->dims[1]) {
        (void)da_fail(&err, DA_EMISMATCH,
                      "the tokenizer has %zu tokens, the embedding %" PRIu64 " rows",
                      da_tokenizer_size(tok), embd->dims[1]);
        problem(v, &err);
    }
    struct da_span text = da_tokenizer_chat_template(tok);
    if (text.len && da_chat_template_parse(&chat, text, &err)) {
        (void)da_err_context(&err, err.code, "chat template");
        problem(v, &err);
    }
    da_chat_template_free(chat);
    da_tokenizer_close(tok);
}

void da_verify(const char *path, unsigned n_threads, const struct da_verify_calls *calls,
               struct da_verify_stats *stats)
{
    struct verifier v = {.path = path, .calls = calls, .stats = stats};
    struct da_gguf *g = NULL;
    struct da_err err;
    memset(stats, 0, sizeof *stats);
    if (!n_threads)
        n_threads = da_threads_available();
    if (da_gguf_open(&g, path, &err)) {
        problem(&v, &err);
        return;
    }
    v.g = g;
    stats->n_tensors = da_gguf_n_tensors(g);
    check_places(&v);
    float *scratch = da_calloc((size_t)n_threads * SCAN_VALUES, sizeof *scratch);
    for (size_t i = 0; i < stats->n_tensors; i++)
        check_values(&v, da_gguf_tensor_at(g, i), n_threads, scratch);
    free(scratch);
    check_model(&v, n_threads);
    check_tokenizer(&v);
    da_gguf_close(g);
}
