/*
 * Tokenizers against what the models' own libraries give. Texts and ids: the
 * .inp/.out pairs of llama.cpp's vocabularies (shared test material), made with
 * Hugging Face's tokenizers and sentencepiece.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io.h"
#include "common/jsonl.h"
#include "common/mem.h"
#include "common/clock.h"
#include "common/rng.h"
#include "common/utf8.h"
#include "engine/gguf_write.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/vocab.h"
#include "tests/tap.h"

static const char SEPARATOR[] = "\n__ggml_vocab_test__\n";

static void add_ids(struct da_buf *out, const struct da_ids *ids)
{
    for (size_t i = 0; i < ids->n; i++)
        da_buf_addf(out, "%s%d", i ? " " : "", (int)ids->p[i]);
}

static struct da_span trimmed_line(struct da_span *rest)
{
    struct da_span line = da_span("", 0);
    (void)da_span_split(rest, '\n', &line);
    return da_span_trim(line);
}

static bool read_shared(const char *name, struct da_buf *out)
{
    struct da_err err;
    const char *path = tap_shared(name);
    return path && da_io_read_file(path, 1 << 24, out, &err) == DA_OK;
}

/* Every text of NAME.gguf.inp gives the ids on its line of NAME.gguf.out. */
static void test_pairs(const char *name)
{
    struct da_err err;
    struct da_tokenizer *t = NULL;
    struct da_buf in, want, got;
    char file[128];
    da_buf_init(&in, 0);
    da_buf_init(&want, 0);
    da_buf_init(&got, 0);
    (void)snprintf(file, sizeof file, "tokenizers/ggml-vocab-%s.gguf.inp", name);
    bool have = read_shared(file, &in);
    (void)snprintf(file, sizeof file, "tokenizers/ggml-vocab-%s.gguf.out", name);
    have = have && read_shared(file, &want);
    (void)snprintf(file, sizeof file, "tokenizers/ggml-vocab-%s.gguf", name);
    const char *path = tap_shared(file);
    if (!have || !path) {
        tap_skip("shared test material is missing", "%s", name);
    } else if (tap_rc(da_tokenizer_open(&t, path, &err), &err, "%s opens", name)) {
        struct da_tok_scratch *s = da_tok_scratch_new();
        struct da_span texts = da_span(in.p, in.len), lines = da_span(want.p, want.len);
        struct da_ids ids;
        da_ids_init(&ids);
        for (int n = 1; texts.len > 0; n++) {
            size_t at = da_span_find(texts, da_span_str(SEPARATOR));
            struct da_span text = da_span(texts.p, at);
            size_t skip = at == texts.len ? at : at + strlen(SEPARATOR);
            texts = da_span(texts.p + skip, texts.len - skip);
            da_ids_reset(&ids);
            da_buf_reset(&got);
            (void)da_tokenizer_encode(t, s, text, DA_TOK_PARSE_SPECIAL, &ids, &err);
            add_ids(&got, &ids);
            struct da_span line = trimmed_line(&lines);
            tap_is_mem(got.p, got.len, line.p, line.len, "%s: text %d", name, n);
        }
        da_ids_release(&ids);
        da_tok_scratch_free(s);
    }
    da_tokenizer_close(t);
    da_buf_release(&in);
    da_buf_release(&want);
    da_buf_release(&got);
}

/* The ids under member key of a file of goldens. */
static void test_goldens_of(const char *file, int n_least, const char *source, const char *key,
                            unsigned flags)
{
    struct da_err err;
    struct da_tokenizer *t = NULL;
    struct da_jsonl *in = NULL;
    if (!source) {
        tap_skip("shared test material is missing", "%s", key);
        return;
    }
    if (!tap_rc(da_tokenizer_open(&t, source, &err), &err, "%s opens", key) ||
        !tap_rc(da_jsonl_open(&in, file, &err), &err, "goldens open"))
        return;
    struct da_tok_scratch *s = da_tok_scratch_new();
    struct da_ids ids;
    struct da_json *row = NULL;
    int n = 0, n_bad = 0;
    da_ids_init(&ids);
    for (; da_jsonl_next(in, &row, &err) == DA_OK && row; da_json_free(row), n++) {
        struct da_span text = {0};
        const struct da_json *want = da_json_first(da_json_get(row, key));
        bool same = da_json_str(da_json_get(row, "text"), &text);
        da_ids_reset(&ids);
        (void)da_tokenizer_encode(t, s, text, flags, &ids, &err);
        for (size_t i = 0; i < ids.n && same; i++, want = da_json_next(want)) {
            int64_t id = -1;
            same = da_json_int(want, &id) && id == ids.p[i];
        }
        if ((!same || want) && n_bad++ < 5)
            tap_diag("%s differs: line %d", key, n + 1);
    }
    tap_ok(n >= n_least && n_bad == 0, "%s: %d texts give the golden ids", key, n);
    da_ids_release(&ids);
    da_tok_scratch_free(s);
    da_jsonl_close(in);
    da_tokenizer_close(t);
}

/* Made by tools/vocab/make_goldens.py. */
static void test_goldens(const char *source, const char *key, unsigned flags)
{
    test_goldens_of("tests/unit/data/tokenizer_goldens.jsonl", 150, source, key, flags);
}

/* Small tokenizers of every kind and pre-split, trained with the real libraries by
 * tools/vocab/train_small.py; goldens by small_goldens.py beside it. */
enum { PATH_ROOM = 128 };

static const char *small_path(char path[PATH_ROOM], const char *name)
{
    (void)snprintf(path, PATH_ROOM, "tests/unit/data/tokenizers/%s", name);
    return path;
}

static void test_small(const char *name)
{
    char path[PATH_ROOM];
    bool model = strstr(name, ".model") != NULL; /* sentencepiece reads control text as text */
    test_goldens_of("tests/unit/data/tokenizers/goldens.jsonl", 40, small_path(path, name), name,
                    model ? 0 : DA_TOK_PARSE_SPECIAL);
}

/* A vocabulary written into a GGUF file and read again gives the same ids. */
static void test_written(const char *name, const char *source)
{
    struct da_err err;
    struct da_tokenizer *t = NULL, *u = NULL;
    struct da_gguf_writer *w = da_gguf_writer_new();
    struct da_buf path, text;
    da_buf_init(&path, 0);
    da_buf_init(&text, 0);
    da_io_join(&path, tap_tmpdir(), "written.gguf");
    if (!source) {
        tap_skip("shared test material is missing", "%s written", name);
    } else if (tap_rc(da_tokenizer_open(&t, source, &err), &err, "%s opens", name) &&
               tap_rc(da_vocab_write_gguf(w, da_tokenizer_vocab(t),
                                          (uint32_t)da_tokenizer_size(t) + 3, &err),
                      &err, "%s is put", name) &&
               tap_rc(da_gguf_writer_begin(w, path.p, &err), &err, "... into a file") &&
               tap_rc(da_gguf_writer_finish(w, &err), &err, "... to its end") &&
               tap_rc(da_tokenizer_open(&u, path.p, &err), &err, "... that opens")) {
        struct da_tok_scratch *s = da_tok_scratch_new();
        struct da_ids a, b;
        da_ids_init(&a);
        da_ids_init(&b);
        struct da_jsonl *in = NULL;
        struct da_json *row = NULL;
        bool same = da_jsonl_open(&in, "tests/unit/data/tokenizer_goldens.jsonl", &err) == DA_OK;
        for (; da_jsonl_next(in, &row, &err) == DA_OK && row; da_json_free(row)) {
            struct da_span x = {0};
            (void)da_json_str(da_json_get(row, "text"), &x);
            da_ids_reset(&a);
            da_ids_reset(&b);
            unsigned flags = DA_TOK_ADD_SPECIAL | DA_TOK_PARSE_SPECIAL;
            (void)da_tokenizer_encode(t, s, x, flags, &a, &err);
            (void)da_tokenizer_encode(u, s, x, flags, &b, &err);
            same = same && a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n * sizeof *a.p) == 0);
        }
        tap_ok(same, "%s: the same ids before and after", name);
        da_jsonl_close(in);
        da_ids_release(&a);
        da_ids_release(&b);
        da_tok_scratch_free(s);
    }
    da_gguf_writer_free(w);
    da_tokenizer_close(t);
    da_tokenizer_close(u);
    da_buf_release(&path);
    da_buf_release(&text);
}

/* Byte-level tokenizers without a normalizer (SlimLM's has NFC) give back any bytes. */
static void test_round_trip(const char *source, const char *name)
{
    struct da_err err;
    struct da_tokenizer *t = NULL;
    if (!tap_rc(da_tokenizer_open(&t, source, &err), &err, "%s opens", name))
        return;
    struct da_tok_scratch *s = da_tok_scratch_new();
    struct da_rng rng;
    struct da_ids ids;
    struct da_buf out;
    da_rng_init(&rng, 7);
    da_ids_init(&ids);
    da_buf_init(&out, 0);
    bool same = true;
    for (int round = 0; round < 2000; round++) {
        char text[300];
        size_t len = (size_t)da_rng_below(&rng, sizeof text + 1);
        unsigned alphabet = round % 2 ? 256 : 4;
        for (size_t i = 0; i < len; i++)
            text[i] = alphabet == 4 ? " a\n'"[da_rng_below(&rng, 4)]
                                    : (char)da_rng_below(&rng, 256);
        da_ids_reset(&ids);
        da_buf_reset(&out);
        (void)da_tokenizer_encode(t, s, da_span(text, len), 0, &ids, &err);
        da_tokenizer_decode(t, ids.p, ids.n, 0, &out);
        same = same && out.len == len && memcmp(out.p, text, len) == 0;
    }
    tap_ok(same, "%s: decode(encode(x)) is x for 2,000 random byte strings", name);
    da_buf_release(&out);
    da_ids_release(&ids);
    da_tok_scratch_free(s);
    da_tokenizer_close(t);
}

static void test_stream(void)
{
    struct da_err err;
    struct da_tokenizer *t = NULL;
    if (!tap_rc(da_tokenizer_open(&t, "o200k_base", &err), &err, "o200k_base opens"))
        return;
    struct da_tok_scratch *s = da_tok_scratch_new();
    struct da_ids ids;
    struct da_buf out, step;
    da_ids_init(&ids);
    da_buf_init(&out, 0);
    da_buf_init(&step, 0);
    const char text[] = "a \xf0\x9f\xa6\x99\xff\xe4\xbd\xa0 \xe4\xbd";
    (void)da_tokenizer_encode(t, s, da_span_str(text), 0, &ids, &err);
    struct da_tok_stream st;
    da_tok_stream_init(&st);
    bool whole = true;
    for (size_t i = 0; i < ids.n; i++) {
        da_buf_reset(&step);
        da_tok_stream_add(&st, t, ids.p[i], 0, &step);
        whole = whole && da_utf8_valid(step.p, step.len);
        da_buf_add(&out, step.p, step.len);
    }
    da_tok_stream_end(&st, &out);
    tap_ok(whole, "each step of a stream is whole UTF-8");
    tap_is_str(out.p,
               "a \xf0\x9f\xa6\x99\xef\xbf\xbd\xe4\xbd\xa0 \xef\xbf\xbd",
               "bytes that are no character become U+FFFD");
    da_buf_release(&out);
    da_buf_release(&step);
    da_ids_release(&ids);
    da_tok_scratch_free(s);
    da_tokenizer_close(t);
}

/*
 * A million bytes of anything take well under a second of CPU; the limit leaves room for sanitizers
 * and emulated processors.
 */
static void test_linear(const char *source, const char *name)
{
    enum { N = 1000000, MAX_SECONDS = 5 };
    static const struct {
        const char *text, *name; /* NULL: random bytes */
    } fills[] = {{"a", "a"},
                 {" ", "spaces"},
                 {NULL, "random bytes"},
                 {"\n", "newlines"},
                 {"'", "'"},
                 {"A", "A"},
                 {"0", "0"},
                 {"\xcc\x81", "accents"},
                 {"\xe4\xbd\xa0", "ideographs"},
                 {"a ", "a and space"},
                 {"A\xe4\xbd\xa0", "A and ideograph"},
                 {" \n", "white space"},
                 {"/", "/"},
                 {"\xff", "no UTF-8"}};
    struct da_err err;
    struct da_tokenizer *t = NULL;
    if (!tap_rc(da_tokenizer_open(&t, source, &err), &err, "%s opens", name))
        return;
    struct da_tok_scratch *s = da_tok_scratch_new();
    struct da_rng rng;
    struct da_ids ids;
    double seconds[DA_ARRAY_LEN(fills)];
    size_t worst = 0;
    da_rng_init(&rng, 3);
    da_ids_init(&ids);
    char *text = da_malloc(N);
    for (size_t k = 0; k < DA_ARRAY_LEN(fills); k++) {
        size_t len = fills[k].text ? strlen(fills[k].text) : 0;
        for (size_t i = 0; i < N; i++)
            text[i] = len ? fills[k].text[i % len] : (char)da_rng_below(&rng, 256);
        da_ids_reset(&ids);
        uint64_t start = da_cpu_time_ns();
        (void)da_tokenizer_encode(t, s, da_span(text, N), 0, &ids, &err);
        seconds[k] = (double)(da_cpu_time_ns() - start) / 1e9;
        worst = seconds[k] > seconds[worst] ? k : worst;
    }
    tap_ok(seconds[worst] < MAX_SECONDS * tap_patience(), "%s: a million bytes of %zu kinds", name,
           DA_ARRAY_LEN(fills));
    tap_diag("| %s | %.3f | %.3f | %.3f | %.3f (%s) |", name, seconds[0], seconds[1], seconds[2],
             seconds[worst], fills[worst].name);
    free(text);
    da_ids_release(&ids);
    da_tok_scratch_free(s);
    da_tokenizer_close(t);
}

static void test_special(void)
{
    struct da_err err;
    struct da_tokenizer *t = NULL;
    if (!tap_rc(da_tokenizer_open(&t, "cl100k_base", &err), &err, "cl100k_base opens"))
        return;
    struct da_tok_scratch *s = da_tok_scratch_new();
    struct da_span text = da_span_str("a<|endoftext|>b");
    size_t n = 0;
    (void)da_tokenizer_count(t, s, text, 0, &n, &err);
    tap_is_int((long long)n, 9, "special text is plain text");
    struct da_ids ids;
    da_ids_init(&ids);
    (void)da_tokenizer_encode(t, s, text, DA_TOK_PARSE_SPECIAL, &ids, &err);
    tap_ok(ids.n == 3 && ids.p[1] == 100257, "unless asked for");
    tap_is_int(da_tokenizer_find(t, da_span_str("<|endofprompt|>")), 100276, "found by text");
    tap_is_int(da_tokenizer_find(t, da_span_str("endofprompt")), -1, "whole texts only");
    tap_ok(da_tokenizer_is_end(t, 100257) && !da_tokenizer_is_end(t, 0), "ends");
    tap_is_int((long long)da_tokenizer_size(t), 100277, "size");
    da_ids_release(&ids);
    da_tok_scratch_free(s);
    da_tokenizer_close(t);
}

/* What a user writes never becomes a control token, what stands around it does. */
static void test_marks(const char *source, const char *control)
{
    struct da_err err;
    struct da_tokenizer *t = NULL;
    struct da_ids got, want;
    struct da_buf text, user;
    if (!source || !tap_rc(da_tokenizer_open(&t, source, &err), &err, "%s opens", source))
        return;
    struct da_tok_scratch *s = da_tok_scratch_new();
    const int32_t id = da_tokenizer_find(t, da_span_str(control));
    da_ids_init(&got);
    da_ids_init(&want);
    da_buf_init(&text, 0);
    da_buf_init(&user, 0);
    da_buf_addf(&user, "one %s two%s%s \xef\xb7\x90", control, control, control);
    da_buf_add_str(&text, control);
    da_tokenizer_mark(t, da_span(user.p, user.len), &text);
    da_buf_add_str(&text, control);
    tap_rc(da_tokenizer_encode(t, s, da_span(text.p, text.len),
                               DA_TOK_PARSE_SPECIAL | DA_TOK_MARKED, &got, &err),
           &err, "%s: marked text", source);
    da_ids_add(&want, id);
    da_buf_truncate(&user, user.len - 3); /* a mark of the text's own is left out */
    (void)da_tokenizer_encode(t, s, da_span(user.p, user.len), 0, &want, &err);
    da_ids_add(&want, id);
    tap_ok(id >= 0 && got.n == want.n && memcmp(got.p, want.p, got.n * sizeof *got.p) == 0,
           "%s: as the plain text between control tokens", source);
    da_buf_release(&text);
    da_buf_release(&user);
    da_ids_release(&got);
    da_ids_release(&want);
    da_tok_scratch_free(s);
    da_tokenizer_close(t);
}

int main(void)
{
    static const char *const pairs[] = {"gpt-2",     "mpt",   "falcon",    "llama-bpe",
                                        "llama-spm", "phi-3", "starcoder", "qwen2",
                                        "bert-bge"};
    for (size_t i = 0; i < DA_ARRAY_LEN(pairs); i++)
        test_pairs(pairs[i]);
    test_goldens("o200k_base", "o200k_base", 0);
    test_goldens("cl100k_base", "cl100k_base", 0);
    test_goldens(tap_shared("slimlm-125m/tokenizer.json"), "slimlm", 0);
    test_goldens(tap_shared("slimlm-125m/tokenizer.json"), "slimlm_special", DA_TOK_PARSE_SPECIAL);
    static const char *const small[] = {"bloom.json",
                                        "bpe-unk.json",
                                        "coder.json",
                                        "deepseek3.json",
                                        "falcon.json",
                                        "llama3.json",
                                        "gpt2-no-alphabet.json",
                                        "gpt2-nfkc-lower.json",
                                        "qwen2.json",
                                        "qwen35.json",
                                        "gpt2-prefix.json",
                                        "metaspace-first.json",
                                        "starcoder.json",
                                        "tekken.json",
                                        "sp-bpe-identity.model",
                                        "sp-unigram-identity.model",
                                        "unigram.json",
                                        "unigram-t5.json",
                                        "unigram-ties.json",
                                        "wordpiece.json"};
    for (size_t i = 0; i < DA_ARRAY_LEN(small); i++)
        test_small(small[i]);
    test_written("slimlm", tap_shared("slimlm-125m/tokenizer.json"));
    test_written("llama-bpe", tap_shared("tokenizers/ggml-vocab-llama-bpe.gguf"));
    test_written("llama-spm", tap_shared("tokenizers/ggml-vocab-llama-spm.gguf"));
    test_written("bert-bge", tap_shared("tokenizers/ggml-vocab-bert-bge.gguf"));
    test_written("o200k_base", "o200k_base");
    static const char *const whole[] = {"bloom.json", "coder.json",     "deepseek3.json",
                                        "falcon.json", "llama3.json",   "qwen2.json",
                                        "qwen35.json", "starcoder.json", "tekken.json"};
    test_round_trip("o200k_base", "o200k_base");
    test_round_trip("cl100k_base", "cl100k_base");
    for (size_t i = 0; i < DA_ARRAY_LEN(whole); i++) {
        char path[PATH_ROOM];
        test_round_trip(small_path(path, whole[i]), whole[i]);
    }
    test_stream();
    test_special();
    tap_diag("| seconds for a million bytes of | a | spaces | random bytes | the worst of 14 |");
    test_linear("o200k_base", "o200k_base");
    test_linear("cl100k_base", "cl100k_base");
    for (size_t i = 0; i < DA_ARRAY_LEN(small); i++) {
        char path[PATH_ROOM];
        test_linear(small_path(path, small[i]), small[i]);
    }
    test_marks("cl100k_base", "<|endoftext|>");
    test_marks(tap_shared("slimlm-125m/tokenizer.json"), "<|endoftext|>");
    test_marks(tap_shared("tokenizers/ggml-vocab-llama-bpe.gguf"), "<|eot_id|>");
    test_marks(tap_shared("tokenizers/ggml-vocab-phi-3.gguf"), "</s>");
    test_marks(tap_shared("tokenizers/ggml-vocab-qwen2.gguf"), "<|im_end|>");
    return tap_done();
}
