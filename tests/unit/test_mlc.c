/* MLC weight folders: every value arrives as it was, damaged and dishonest ones are refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/hash.h"
#include "common/io.h"
#include "common/md5.h"
#include "common/mem.h"
#include "engine/gguf.h"
#include "engine/model/import.h"
#include "engine/model/mlc.h"
#include "tests/tap.h"

enum { DIM = 32, LAYERS = 2, VOCAB = 48, CTX = 16 };

/* RFC 1321, appendix A.5 */
static void test_md5(void)
{
    static const char *const CASES[][2] = {
        {"", "d41d8cd98f00b204e9800998ecf8427e"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "57edf4a22be3c955ac49da2e2107b67a"},
    };
    char hex[DA_MD5_HEX + 1], text[56];
    for (int i = 0; i < 3; i++) {
        da_md5_hex(CASES[i][0], strlen(CASES[i][0]), hex);
        tap_is_str(hex, CASES[i][1], "md5 of %zu bytes", strlen(CASES[i][0]));
    }
    memset(text, 'a', sizeof text); /* the length goes into a second block; md5sum's answer */
    da_md5_hex(text, sizeof text, hex);
    tap_is_str(hex, "3b0c8ac703f828b04c6c197006d17218", "md5 of 56 bytes");
}

/* Every group value is (q - 7) * scale, for all 16 values and both forms of the block. */
static void test_block(void)
{
    bool same = true;
    uint64_t state = 1;
    for (int round = 0; round < 2000; round++) {
        unsigned char packed[16];
        struct da_block_q4_0 b;
        float got[32];
        uint16_t scale = (uint16_t)((state = da_mix64(state)) % 0x7c00);
        for (int i = 0; i < 16; i++) {
            packed[i] = (unsigned char)(state = da_mix64(state));
            if (round % 2) /* without 15, as the quantizer writes */
                packed[i] = (unsigned char)((packed[i] & 15) % 15 | (packed[i] >> 4) % 15 << 4);
        }
        da_mlc_block(packed, scale, &b);
        da_dequantize(DA_Q_Q4_0, &b, got, 32);
        for (int i = 0; i < 32; i++) {
            uint32_t word;
            memcpy(&word, packed + i / 8 * 4, 4);
            float want = (float)((int)(word >> (4 * (i % 8)) & 15) - 7) * da_f16_to_f32(scale);
            same = same && got[i] == want;
        }
    }
    tap_ok(same, "q4f16_1 groups become the same values in Q4_0");
}

/* --- folders ------------------------------------------------------------------------ */

struct folder {
    struct da_buf data, list; /* one shard and its records */
    bool packed;
    uint64_t seed;
};

static void add(struct folder *f, const char *name, const char *dtype, unsigned n_dims, size_t rows,
                size_t cols, size_t width)
{
    size_t from = f->data.len, n = rows * cols * width;
    da_buf_addf(&f->list, "%s{\"name\":\"%s\",\"shape\":[", f->list.len ? "," : "", name);
    if (n_dims == 2)
        da_buf_addf(&f->list, "%zu,", rows);
    da_buf_addf(&f->list,
                "%zu],\"dtype\":\"%s\",\"format\":\"f32-to-bf16\",\"nbytes\":%zu,"
                "\"byteOffset\":%zu}",
                cols, dtype, n, from);
    for (size_t i = 0; i < n; i++) {
        f->seed = da_mix64(f->seed);
        /* the upper byte of a half: no infinities, no values too small */
        unsigned char c = (unsigned char)(width == 2 && i % 2 ? 0x30 + f->seed % 8 : f->seed >> 9);
        da_buf_add(&f->data, &c, 1);
    }
}

static void add_matrix(struct folder *f, const char *stem, size_t rows, size_t cols)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", stem, f->packed ? "q_weight" : "weight");
    if (!f->packed) {
        add(f, name, "float16", 2, rows, cols, 2);
        return;
    }
    add(f, name, "uint32", 2, rows, cols / 8, 4);
    snprintf(name, sizeof name, "%s.q_scale", stem);
    add(f, name, "float16", 2, rows, cols / 32, 2);
}

static void fill(struct folder *f, bool packed)
{
    static const struct {
        const char *stem;
        size_t rows, cols;
    } MATS[] = {{"attn.c_attn", (size_t)3 * DIM, DIM},
                {"attn.c_proj", DIM, DIM},
                {"ffn.c_fc", (size_t)4 * DIM, DIM},
                {"ffn.c_proj", DIM, (size_t)4 * DIM}};
    char name[96];
    memset(f, 0, sizeof *f);
    da_buf_init(&f->data, 0);
    da_buf_init(&f->list, 0);
    f->packed = packed;
    f->seed = 7;
    add_matrix(f, "transformer.wte", VOCAB, DIM);
    add_matrix(f, "transformer.wpe", CTX, DIM);
    for (int l = 0; l < LAYERS; l++) {
        for (int n = 1; n <= 2; n++) {
            snprintf(name, sizeof name, "transformer.h.%d.ln_%d.weight", l, n);
            add(f, name, "float16", 1, 1, DIM, 2);
            snprintf(name, sizeof name, "transformer.h.%d.ln_%d.bias", l, n);
            add(f, name, "float16", 1, 1, DIM, 2);
        }
        for (int i = 0; i < 4; i++) {
            snprintf(name, sizeof name, "transformer.h.%d.%s", l, MATS[i].stem);
            add_matrix(f, name, MATS[i].rows, MATS[i].cols);
            snprintf(name, sizeof name, "transformer.h.%d.%s.bias", l, MATS[i].stem);
            add(f, name, "float16", 1, 1, MATS[i].rows, 2);
        }
    }
    add(f, "transformer.ln_f.weight", "float16", 1, 1, DIM, 2);
    add(f, "transformer.ln_f.bias", "float16", 1, 1, DIM, 2);
}

static void release(struct folder *f)
{
    da_buf_release(&f->data);
    da_buf_release(&f->list);
}

static void write_in(const char *dir, const char *name, const void *p, size_t len)
{
    struct da_buf path;
    struct da_err err;
    da_buf_init(&path, 0);
    da_io_join(&path, dir, name);
    if (da_io_write_file(path.p, p, len, &err))
        tap_diag("%s", err.msg);
    da_buf_release(&path);
}

/* The manifest, its shard called file and its sum as given (NULL: the right one). */
static void write_folder(const char *dir, const struct folder *f, const char *file, const char *sum)
{
    static const char CONFIG[] =
        "{\"model_type\":\"mpt\",\"model_config\":{\"d_model\":32,\"n_heads\":4,\"n_layers\":2,"
        "\"expansion_ratio\":4,\"context_window_size\":16,\"vocab_size\":48,"
        "\"learned_pos_emb\":true,\"attn_config\":{\"alibi\":false}}}";
    struct da_buf text;
    char right[DA_MD5_HEX + 1];
    struct da_err err;
    if (da_io_make_dirs(dir, &err))
        tap_diag("%s", err.msg);
    da_md5_hex(f->data.p, f->data.len, right);
    da_buf_init(&text, 0);
    da_buf_addf(&text,
                "{\"metadata\":{},\"records\":[{\"dataPath\":\"%s\",\"format\":\"raw-shard\","
                "\"nbytes\":%zu,\"md5sum\":\"%s\",\"records\":[%s]}]}",
                file, f->data.len, sum ? sum : right, f->list.p);
    write_in(dir, DA_MLC_MANIFEST, text.p, text.len);
    write_in(dir, "params_shard_0.bin", f->data.p, f->data.len);
    write_in(dir, "mlc-chat-config.json", CONFIG, strlen(CONFIG));
    da_buf_release(&text);
}

static float *values(enum da_qtype type, const void *p, size_t n)
{
    float *out = da_calloc(n, sizeof *out);
    da_dequantize(type, p, out, n);
    return out;
}

/* MLC's tensor and GGUF's hold the same values. */
static void same_values(const struct da_safetensors *s, const struct da_gguf *g, const char *from,
                        const char *to)
{
    const struct da_st_tensor *a = da_safetensors_find(s, from);
    const struct da_gguf_tensor *b = da_gguf_tensor(g, to);
    if (!tap_ok(a && b, "%s and %s are there", from, to))
        return;
    size_t n = (size_t)(b->dims[0] * b->dims[1]);
    float *x = values(a->type, a->data, n), *y = values((enum da_qtype)b->type, b->data, n);
    bool same = true;
    for (size_t i = 0; i < n; i++)
        same = same && x[i] == y[i];
    tap_ok(same, "%s: the same %zu values as %s, in %s", to, n, a->name, da_qtype_name(b->type));
    free(x);
    free(y);
}

static void test_import(const char *tmp, bool packed)
{
    struct folder f;
    char dir[512], out[512];
    struct da_safetensors *s;
    struct da_gguf *g;
    struct da_err err;
    struct da_import_stats stats;
    struct da_import_opts opts = {.type = packed ? DA_Q_Q4_0 : DA_Q_F16, .no_tokenizer = true};
    snprintf(dir, sizeof dir, "%s/%s", tmp, packed ? "q4f16_1" : "q0f16");
    snprintf(out, sizeof out, "%s/%s.gguf", tmp, packed ? "q4f16_1" : "q0f16");
    fill(&f, packed);
    write_folder(dir, &f, "params_shard_0.bin", NULL);
    release(&f);
    opts.n_threads = 1;
    if (!tap_rc(da_import(dir, out, &opts, &stats, &err), &err, "import %s", dir + strlen(tmp)))
        return;
    tap_is_str(stats.family, "slimlm", "it is a SlimLM");
    tap_is_int(stats.n_tensors, 2 + 12 * LAYERS + 2, "all tensors are mapped");
    if (!tap_rc(da_mlc_open(&s, dir, &err), &err, "open the folder"))
        return;
    if (tap_rc(da_gguf_open(&g, out, &err), &err, "open the file")) {
        same_values(s, g, "transformer.wte.weight", "token_embd.weight");
        same_values(s, g, "transformer.wpe.weight", "position_embd.weight");
        same_values(s, g, "transformer.h.1.attn.c_attn.weight", "blk.1.attn_qkv.weight");
        same_values(s, g, "transformer.h.1.ffn.c_proj.weight", "blk.1.ffn_down.weight");
        same_values(s, g, "transformer.h.0.ln_2.bias", "blk.0.ffn_norm.bias");
        da_gguf_close(g);
    }
    da_safetensors_close(s);
}

static void refused(const char *dir, const char *message)
{
    struct da_safetensors *s = NULL;
    struct da_err err = {0};
    bool bad = da_mlc_open(&s, dir, &err) != DA_OK;
    tap_ok(bad && strstr(err.msg, message), "refused: %s", message);
    if (bad)
        tap_diag("%s", err.msg);
    else
        da_safetensors_close(s);
}

static void test_hostile(const char *tmp)
{
    struct folder f;
    char dir[512];
    snprintf(dir, sizeof dir, "%s/bad", tmp);
    fill(&f, true);
    write_folder(dir, &f, "params_shard_0.bin", "00000000000000000000000000000000");
    refused(dir, "MD5 sum");
    write_folder(dir, &f, "../bad/params_shard_0.bin", NULL);
    refused(dir, "names a file outside the folder");
    write_folder(dir, &f, "..", NULL);
    refused(dir, "names a file outside the folder");
    write_folder(dir, &f, "params\\u0000shard", NULL);
    refused(dir, DA_MLC_MANIFEST);
    write_folder(dir, &f, "params_shard_9.bin", NULL);
    refused(dir, "params_shard_9.bin");
    add(&f, "transformer.wte.q_weight", "uint32", 2, 1, 4, 4);
    write_folder(dir, &f, "params_shard_0.bin", NULL);
    refused(dir, "appears twice");
    release(&f);
    fill(&f, true);
    add(&f, "x.q_weight", "uint32", 2, 2, 4, 4);
    write_folder(dir, &f, "params_shard_0.bin", NULL);
    refused(dir, "'x.q_weight' has no scales");
    add(&f, "x.q_scale", "float16", 2, 2, 2, 2);
    write_folder(dir, &f, "params_shard_0.bin", NULL);
    refused(dir, "not packed as q4f16_1");
    release(&f);
    fill(&f, false);
    f.data.len -= 8; /* the last tensor lacks its end */
    write_folder(dir, &f, "params_shard_0.bin", NULL);
    refused(dir, "leaves its shard");
    da_buf_add_str(&f.list,
                   ",{\"name\":\"y\",\"shape\":[4611686018427387904,8],\"dtype\":\"float16\","
                   "\"nbytes\":0,\"byteOffset\":0}");
    f.data.len += 8;
    write_folder(dir, &f, "params_shard_0.bin", NULL);
    refused(dir, "'y' has an impossible shape");
    release(&f);
}

int main(void)
{
    const char *tmp = tap_tmpdir();
    test_md5();
    test_block();
    test_import(tmp, false);
    test_import(tmp, true);
    test_hostile(tmp);
    return tap_done();
}
