/*
 * llama.cpp as a program that answers on standard output, for comparing.
 *
 *     llama_peer tokens MODEL        stdin: records {u32 length, bytes}; out: {u32 n, n x i32 id}
 *     llama_peer logits MODEL WAY    stdin: ids as i32; out: u32 vocabulary, then for each id its
 *                                    logits as f32. WAY is letters: r weights are repacked (else they
 *                                    stay as the file has them), 1 one token at a time (else all in
 *                                    one batch), f flash attention, - nothing. Of an
 *                                    encoder-decoder the ids are the encoder's, and the logits
 *                                    those of the first token of its answer
 *     llama_peer embed MODEL         stdin: ids as i32; out: u32 width, then the pooled embedding
 *
 * Compiled by the scripts beside it against llama.cpp's headers and library; no part of docassist.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <llama.h>

static void quiet(enum ggml_log_level level, const char *text, void *ctx)
{
    (void)ctx;
    if (level >= GGML_LOG_LEVEL_ERROR && level != GGML_LOG_LEVEL_CONT)
        fputs(text, stderr);
}

static int tokens(const struct llama_vocab *vocab)
{
    enum { MAX_TEXT = 1 << 22 };
    static char text[MAX_TEXT];
    static llama_token ids[MAX_TEXT + 16];
    uint32_t len;
    while (fread(&len, sizeof len, 1, stdin) == 1) {
        if (len > MAX_TEXT || (len && fread(text, 1, len, stdin) != len))
            return 1;
        int32_t n = llama_tokenize(vocab, text, (int32_t)len, ids, (int32_t)len + 16, false, false);
        uint32_t count = n < 0 ? 0 : (uint32_t)n;
        fwrite(&count, sizeof count, 1, stdout);
        fwrite(ids, sizeof *ids, count, stdout);
    }
    return 0;
}

/* ids at positions first, first + 1, ... of one sequence, with an output each. */
static struct llama_batch batch_of(const llama_token *ids, int32_t first, int32_t n)
{
    struct llama_batch b = llama_batch_init(n, 0, 1);
    for (int32_t i = 0; i < n; i++) {
        b.token[i] = ids[i];
        b.pos[i] = first + i;
        b.n_seq_id[i] = 1;
        b.seq_id[i][0] = 0;
        b.logits[i] = 1;
    }
    b.n_tokens = n;
    return b;
}

/* Positions [first, first + n) and their logits. */
static int step(struct llama_context *ctx, uint32_t n_vocab, const llama_token *ids, int32_t first,
                int32_t n)
{
    struct llama_batch b = batch_of(ids + first, first, n);
    const int bad = llama_decode(ctx, b);
    for (int32_t i = 0; !bad && i < n; i++)
        fwrite(llama_get_logits_ith(ctx, i), sizeof(float), n_vocab, stdout);
    llama_batch_free(b);
    return bad;
}

static int embed(struct llama_model *model)
{
    const uint32_t width = (uint32_t)llama_model_n_embd(model);
    llama_token ids[4096];
    int32_t n = (int32_t)fread(ids, sizeof *ids, 4096, stdin);
    struct llama_context_params p = llama_context_default_params();
    p.n_batch = p.n_ubatch = (uint32_t)n;
    p.n_threads = p.n_threads_batch = 2;
    p.embeddings = true;
    p.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    struct llama_context *ctx = llama_init_from_model(model, p);
    if (!ctx || llama_encode(ctx, batch_of(ids, 0, n)) != 0)
        return 1;
    const float *out = llama_get_embeddings_seq(ctx, 0);
    if (!out)
        return 1;
    fwrite(&width, sizeof width, 1, stdout);
    fwrite(out, sizeof *out, width, stdout);
    return 0;
}

/* The first token of an encoder-decoder's answer. */
static int answer(struct llama_model *model, struct llama_context *ctx, const llama_token *ids,
                  int32_t n, uint32_t n_vocab)
{
    llama_token start = llama_model_decoder_start_token(model);
    if (start == LLAMA_TOKEN_NULL)
        start = llama_vocab_bos(llama_model_get_vocab(model));
    if (llama_encode(ctx, batch_of(ids, 0, n)) != 0)
        return 1;
    fwrite(&n_vocab, sizeof n_vocab, 1, stdout);
    return step(ctx, n_vocab, &start, 0, 1);
}

static int logits(struct llama_model *model, const char *way)
{
    const uint32_t n_vocab = (uint32_t)llama_vocab_n_tokens(llama_model_get_vocab(model));
    llama_token ids[4096];
    int32_t n = (int32_t)fread(ids, sizeof *ids, 4096, stdin);
    struct llama_context_params p = llama_context_default_params();
    p.n_ctx = (uint32_t)n + 64;
    p.n_batch = p.n_ubatch = (uint32_t)n;
    p.n_threads = p.n_threads_batch = 1; /* does not change what it computes */
    p.type_k = p.type_v = GGML_TYPE_F32;
    p.flash_attn_type = strchr(way, 'f') ? LLAMA_FLASH_ATTN_TYPE_ENABLED
                                         : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    struct llama_context *ctx = llama_init_from_model(model, p);
    if (!ctx)
        return 1;
    if (llama_model_has_encoder(model))
        return answer(model, ctx, ids, n, n_vocab);
    fwrite(&n_vocab, sizeof n_vocab, 1, stdout);
    const int32_t size = strchr(way, '1') ? 1 : n;
    int bad = 0;
    for (int32_t at = 0; at < n && !bad; at += size)
        bad = step(ctx, n_vocab, ids, at, size);
    llama_free(ctx);
    return bad != 0;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    llama_log_set(quiet, NULL);
    llama_backend_init();
    const bool tok = strcmp(argv[1], "tokens") == 0;
    struct llama_model_params p = llama_model_default_params();
    p.vocab_only = tok;
    p.n_gpu_layers = 0;
    const char *way = argc > 3 ? argv[3] : "-";
    p.use_extra_bufts = strchr(way, 'r') != NULL;
    struct llama_model *model = llama_model_load_from_file(argv[2], p);
    if (!model)
        return 1;
    if (tok)
        return tokens(llama_model_get_vocab(model));
    return strcmp(argv[1], "embed") == 0 ? embed(model) : logits(model, way);
}
