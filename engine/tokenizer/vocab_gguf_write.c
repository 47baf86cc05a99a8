/*
 * A vocabulary into the keys of a GGUF file, as llama.cpp expects them. What the
 * format has no key for stands under docassist.tokenizer.*: normalization steps
 * and whether whole pieces are looked up first.
 */

#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "engine/gguf_write.h"
#include "engine/tokenizer/vocab.h"

static void put_specials(struct da_gguf_writer *w, const struct da_vocab *v)
{
    for (int i = 0; i < DA_TOK_N_SPECIAL; i++)
        if (v->special[i] >= 0)
            da_gguf_put_u32(w, da_vocab_gguf_id_keys[i], (uint32_t)v->special[i]);
    da_gguf_put_bool(w, "tokenizer.ggml.add_bos_token", v->add_bos);
    da_gguf_put_bool(w, "tokenizer.ggml.add_eos_token", v->add_eos);
    if (v->kind == DA_VOCAB_WORDPIECE)
        da_gguf_put_bool(w, "tokenizer.ggml.add_sep_token", v->add_sep);
    else
        da_gguf_put_bool(w, "tokenizer.ggml.add_space_prefix", v->add_space_prefix);
    if (v->chat_template.len)
        da_gguf_put_str(w, "tokenizer.chat_template",
                        da_span(v->chat_template.p, v->chat_template.len));
}

static void put_merges(struct da_gguf_writer *w, const struct da_vocab *v)
{
    struct da_buf text;
    da_buf_init(&text, 0);
    da_gguf_begin_strs(w, "tokenizer.ggml.merges", v->n_merges);
    for (size_t i = 0; i < v->n_merges; i++) {
        da_buf_reset(&text);
        da_vocab_spelling(v, v->merges[i].left, &text);
        da_buf_add_char(&text, ' ');
        da_vocab_spelling(v, v->merges[i].right, &text);
        da_gguf_add_str(w, da_span(text.p, text.len));
    }
    da_buf_release(&text);
}

static void put_norm(struct da_gguf_writer *w, const struct da_vocab *v)
{
    bool collapse = false;
    unsigned n = 0;
    for (unsigned i = 0; i < v->n_norm; i++) {
        if (v->norm[i] == DA_NORM_CHARSMAP)
            da_gguf_put_bytes(w, "tokenizer.ggml.precompiled_charsmap", v->charsmap.p,
                              v->charsmap.len);
        collapse = collapse || v->norm[i] == DA_NORM_COLLAPSE_SPACES ||
                   v->norm[i] == DA_NORM_COLLAPSE_WHITE || v->norm[i] == DA_NORM_SQUEEZE_SPACES;
        n++;
    }
    if (v->kind == DA_VOCAB_SPM || v->kind == DA_VOCAB_UNIGRAM)
        da_gguf_put_bool(w, "tokenizer.ggml.remove_extra_whitespaces", collapse);
    if (n > 0) {
        da_gguf_begin_strs(w, DA_VOCAB_NORM_KEY, n);
        for (unsigned i = 0; i < n; i++)
            da_gguf_add_str(w, da_span_str(da_norm_name((enum da_norm_step)v->norm[i])));
    }
}

/*
 * Merges over characters become scores: the token that merges first has the best
 * one. SentencePiece models exported as merges come back exactly; a vocabulary
 * trained with merges of its own may have a token that two merges make at very
 * different ranks, and then its first one counts.
 */
static void scores_from_merges(const struct da_vocab *v, float *scores)
{
    for (size_t i = v->n_merges; i-- > 0;)
        scores[v->merges[i].result] = -(float)i - 1;
}

static void put_tokens(struct da_gguf_writer *w, const struct da_vocab *v, uint32_t n_vocab)
{
    struct da_buf text;
    da_buf_init(&text, 0);
    da_gguf_begin_strs(w, "tokenizer.ggml.tokens", n_vocab);
    for (uint32_t i = 0; i < n_vocab; i++) {
        da_buf_reset(&text);
        if (i < v->n && v->tokens[i].len > 0)
            da_vocab_spelling(v, (int32_t)i, &text);
        else
            da_buf_addf(&text, "[PAD%u]", (unsigned)i);
        da_gguf_add_str(w, da_span(text.p, text.len));
    }
    da_buf_release(&text);
}

enum da_rc da_vocab_write_gguf(struct da_gguf_writer *w, const struct da_vocab *v,
                               uint32_t n_vocab, struct da_err *err)
{
    static const char *const models[] = {[DA_VOCAB_BPE] = "gpt2",
                                         [DA_VOCAB_SPM] = "llama",
                                         [DA_VOCAB_UNIGRAM] = "t5",
                                         [DA_VOCAB_WORDPIECE] = "bert"};
    bool bpe = v->kind == DA_VOCAB_BPE && v->byte_level;
    bool as_spm = v->kind == DA_VOCAB_BPE && !v->byte_level;
    const char *pre = v->pre[0] ? v->pre : da_split_name(&v->split);
    if (v->n > n_vocab)
        return da_fail(err, DA_EMISMATCH, "the tokenizer has %zu tokens, the model %u", v->n,
                       (unsigned)n_vocab);
    if ((bpe && !pre) || (as_spm && !v->escape_spaces))
        return da_fail(err, DA_EUNSUPPORTED, "GGUF has no name for this tokenizer's pre-split");
    float *scores = da_try_alloc((size_t)n_vocab + 1, sizeof *scores);
    int32_t *types = da_try_alloc((size_t)n_vocab + 1, sizeof *types);
    if (!scores || !types) {
        free(scores);
        free(types);
        return da_fail(err, DA_ENOMEM, "no memory for %u tokens", (unsigned)n_vocab);
    }
    for (uint32_t i = 0; i < n_vocab; i++) {
        bool exists = i < v->n && v->tokens[i].len > 0;
        scores[i] = exists ? (as_spm ? -1e9f : v->tokens[i].score) : -1e4f;
        types[i] = exists ? v->tokens[i].type : DA_TOKEN_UNUSED;
    }
    if (as_spm)
        scores_from_merges(v, scores);
    da_gguf_put_str(w, "tokenizer.ggml.model",
                    da_span_str(as_spm ? models[DA_VOCAB_SPM] : models[v->kind]));
    da_gguf_put_str(w, "tokenizer.ggml.pre", da_span_str(bpe ? pre : "default"));
    put_tokens(w, v, n_vocab);
    if (!bpe)
        da_gguf_put_f32s(w, "tokenizer.ggml.scores", scores, n_vocab);
    da_gguf_put_i32s(w, "tokenizer.ggml.token_type", types, n_vocab);
    if (bpe)
        put_merges(w, v);
    if (bpe)
        da_gguf_put_bool(w, DA_VOCAB_WHOLE_KEY, v->ignore_merges);
    put_specials(w, v);
    put_norm(w, v);
    free(scores);
    free(types);
    return DA_OK;
}
