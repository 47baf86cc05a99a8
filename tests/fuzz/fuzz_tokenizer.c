/*
 * Tokenizing any bytes with every pre-split and kind: a tokenizer made of the
 * input's first byte encodes the rest. Byte-level vocabularies must give it back.
 */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/vocab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct da_vocab *small_vocab(unsigned step)
{
    struct da_vocab *v = da_vocab_new(DA_VOCAB_BPE);
    v->byte_level = true;
    v->split.n = 1;
    v->split.steps[0] = (uint8_t)(step % DA_SPLIT_N_STEPS);
    for (int b = 0; b < 256; b++) {
        char c = (char)b;
        (void)da_vocab_add(v, da_span(&c, 1), 0, DA_TOKEN_NORMAL, 0, NULL);
    }
    static const char *const merged[] = {"  ", "aa", "aaaa", "\xc3\xa9", "\n\n"};
    static const int32_t parts[][2] = {{' ', ' '}, {'a', 'a'}, {257, 257}, {0xc3, 0xa9}, {10, 10}};
    for (int32_t i = 0; i < 5; i++) {
        (void)da_vocab_add(v, da_span_str(merged[i]), 0, DA_TOKEN_NORMAL, 0, NULL);
        (void)da_vocab_add_merge(v, parts[i][0], parts[i][1], 256 + i, NULL);
    }
    (void)da_vocab_add(v, da_span_str("<s>"), 0, DA_TOKEN_CONTROL,
                       DA_TOKEN_LSTRIP | DA_TOKEN_RSTRIP, NULL);
    (void)da_vocab_add(v, da_span_str("aaab"), 0, DA_TOKEN_USER, DA_TOKEN_SINGLE_WORD, NULL);
    return v;
}

static void encode(struct da_tokenizer *t, struct da_tok_scratch *s, struct da_span text,
                   unsigned flags, bool exact)
{
    struct da_ids ids;
    struct da_buf out;
    da_ids_init(&ids);
    da_buf_init(&out, 0);
    if (da_tokenizer_encode(t, s, text, flags, &ids, NULL) == DA_OK) {
        da_tokenizer_decode(t, ids.p, ids.n, 0, &out);
        assert(!exact || (out.len == text.len && memcmp(out.p, text.p, text.len) == 0));
        struct da_tok_stream st;
        da_tok_stream_init(&st);
        for (size_t i = 0; i < ids.n; i++)
            da_tok_stream_add(&st, t, ids.p[i], DA_TOK_DECODE_SPECIAL, &out);
        da_tok_stream_end(&st, &out);
    }
    da_buf_release(&out);
    da_ids_release(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Made once: building one takes longer than using it. */
    static struct da_tokenizer *made[DA_SPLIT_N_STEPS];
    static struct da_tok_scratch *scratch[DA_SPLIT_N_STEPS];
    struct da_tokenizer *t;
    struct da_vocab *v;
    if (size == 0)
        return 0;
    struct da_span text = da_span((const char *)data + 1, size - 1);
    unsigned step = data[0] % DA_SPLIT_N_STEPS;
    if (!scratch[step]) {
        scratch[step] = da_tok_scratch_new();
        if (da_tokenizer_open_vocab(&made[step], small_vocab(step), NULL) != DA_OK)
            return 0;
    }
    encode(made[step], scratch[step], text, 0, true);
    encode(made[step], scratch[step], text, DA_TOK_PARSE_SPECIAL | DA_TOK_ADD_SPECIAL, false);
    enum da_rc rc = data[0] & 64 ? da_vocab_from_sentencepiece(&v, text, NULL)
                                 : da_vocab_from_hf(&v, text, da_span("", 0), NULL);
    if (rc == DA_OK && da_tokenizer_open_vocab(&t, v, NULL) == DA_OK) {
        encode(t, scratch[step], text, DA_TOK_PARSE_SPECIAL, false);
        da_tokenizer_close(t);
    }
    return 0;
}
