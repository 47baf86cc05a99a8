/* GGUF: what is written is read back; hostile bytes give errors that name the place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/io.h"
#include "common/mem.h"
#include "common/rng.h"
#include "engine/gguf.h"
#include "engine/gguf_write.h"
#include "tests/tap.h"

static char path[512];

static bool write_sample(void)
{
    struct da_gguf_writer *w = da_gguf_writer_new();
    struct da_err err;
    const int32_t ints[3] = {-1, 2, 3};
    const float floats[2] = {0.5f, -2.0f};
    const uint64_t d1[2] = {32, 3}, d2[1] = {5};
    unsigned char q4[3 * 18];
    float x[96], v[5] = {1, 2, 3, 4, 5};
    for (int i = 0; i < 96; i++)
        x[i] = (float)(i % 13) - 6.0f;
    da_quantize(DA_Q_Q4_0, x, q4, 96);
    da_gguf_put_str(w, "general.architecture", da_span_str("test"));
    da_gguf_put_u32(w, "test.number", 42);
    da_gguf_put_f32(w, "test.real", 1.5f);
    da_gguf_put_bool(w, "test.yes", true);
    da_gguf_begin_strs(w, "test.words", 3);
    da_gguf_add_str(w, da_span_str("alpha"));
    da_gguf_add_str(w, da_span_str(""));
    da_gguf_add_str(w, da_span("b\0c", 3));
    da_gguf_put_i32s(w, "test.ints", ints, 3);
    da_gguf_put_f32s(w, "test.floats", floats, 2);
    da_gguf_add_tensor(w, "matrix.weight", DA_Q_Q4_0, 2, d1);
    da_gguf_add_tensor(w, "vector.weight", DA_Q_F32, 1, d2);
    snprintf(path, sizeof path, "%s/sample.gguf", tap_tmpdir());
    enum da_rc rc = da_gguf_writer_begin(w, path, &err);
    if (!rc)
        rc = da_gguf_writer_data(w, q4, sizeof q4, &err);
    if (!rc)
        rc = da_gguf_writer_data(w, v, sizeof v, &err);
    if (!rc)
        rc = da_gguf_writer_finish(w, &err);
    da_gguf_writer_free(w);
    return tap_rc(rc, &err, "a file is written");
}

static void test_read_back(void)
{
    struct da_gguf *g;
    struct da_err err;
    uint64_t u = 0;
    int64_t i = 0;
    double f = 0;
    bool b = false;
    struct da_span s = {0}, *words = NULL;
    float *floats = NULL;
    int32_t *ints = NULL;
    size_t n = 0;
    if (!tap_rc(da_gguf_open(&g, path, &err), &err, "it opens"))
        return;
    tap_is_int(da_gguf_version(g), 3, "version");
    tap_ok(!da_gguf_get_uint(g, "test.number", &u, &err) && u == 42, "unsigned");
    tap_ok(!da_gguf_get_int(g, "test.number", &i, &err) && i == 42, "signed");
    tap_ok(!da_gguf_get_float(g, "test.real", &f, &err) && f == 1.5, "float");
    tap_ok(!da_gguf_get_bool(g, "test.yes", &b, &err) && b, "bool");
    tap_ok(!da_gguf_get_str(g, "general.architecture", &s, &err) && da_span_is(s, "test"),
           "string");
    tap_ok(!da_gguf_get_strs(g, "test.words", &words, &n, &err) && n == 3 &&
               da_span_is(words[0], "alpha") && words[1].len == 0 && words[2].len == 3,
           "strings");
    tap_ok(!da_gguf_get_ints(g, "test.ints", &ints, &n, &err) && n == 3 && ints[0] == -1,
           "integers");
    tap_ok(!da_gguf_get_floats(g, "test.floats", &floats, &n, &err) && floats[1] == -2.0f,
           "floats");
    tap_ok(da_gguf_get_str(g, "test.number", &s, &err) == DA_EFORMAT, "a wrong type is refused");
    tap_ok(strstr(err.msg, "key 'test.number' is u32, not a string") != NULL, "... by name");
    tap_ok(da_gguf_get_uint(g, "nothing", &u, &err) == DA_ENOTFOUND, "a missing key");
    tap_ok(strstr(err.msg, "key 'nothing' is missing") != NULL, "... by name");
    tap_ok(!da_gguf_opt_uint(g, "nothing", 7, &u, &err) && u == 7, "a default");
    const struct da_gguf_tensor *t = da_gguf_tensor(g, "matrix.weight");
    tap_ok(t && t->type == DA_Q_Q4_0 && t->dims[0] == 32 && t->dims[1] == 3 && t->n_bytes == 54,
           "a matrix");
    t = da_gguf_tensor(g, "vector.weight");
    tap_ok(t && t->n_dims == 1 && memcmp(t->data + 16, (float[]){5.0f}, 4) == 0, "a vector");
    free(words);
    free(ints);
    free(floats);
    da_gguf_close(g);
}

/* Every truncation and many flipped bits: an error or a file that is still sound. */
static void test_hostile(void)
{
    struct da_buf b;
    struct da_err err;
    struct da_rng rng;
    unsigned opened = 0, refused = 0, unnamed = 0;
    da_buf_init(&b, 0);
    da_rng_init(&rng, 7);
    if (!tap_rc(da_io_read_file(path, 1 << 20, &b, &err), &err, "read as bytes"))
        return;
    for (size_t len = 0; len < b.len; len++) {
        unsigned char *part = da_malloc(len ? len : 1); /* exact size: a sanitizer sees overruns */
        struct da_gguf *g;
        memcpy(part, b.p, len);
        if (da_gguf_open_memory(&g, part, len, "cut.gguf", &err)) {
            refused++;
            unnamed += strncmp(err.msg, "cut.gguf: ", 10) != 0 ||
                       (len >= 24 && !strstr(err.msg, "key") && !strstr(err.msg, "tensor"));
        } else {
            opened++;
            da_gguf_close(g);
        }
        free(part);
    }
    tap_ok(opened <= 12, "cut files are refused (%u opened: only padding was missing)", opened);
    tap_is_int(unnamed, 0, "%u errors name the file, and the key or the tensor", refused);
    for (int i = 0; i < 20000; i++) {
        unsigned char *bad = da_malloc(b.len);
        struct da_gguf *g;
        memcpy(bad, b.p, b.len);
        for (uint64_t k = 0; k <= da_rng_below(&rng, 3); k++)
            bad[da_rng_below(&rng, b.len)] ^= (unsigned char)(1u << da_rng_below(&rng, 8));
        if (!da_gguf_open_memory(&g, bad, b.len, "bad.gguf", &err)) {
            float row[4096];
            for (size_t t = 0; t < da_gguf_n_tensors(g); t++) {
                const struct da_gguf_tensor *x = da_gguf_tensor_at(g, t);
                if (da_qtype_info(x->type)->readable && x->dims[0] <= 4096)
                    da_dequantize((enum da_qtype)x->type, x->data, row, (size_t)x->dims[0]);
            }
            da_gguf_close(g);
        }
        free(bad);
    }
    tap_ok(true, "20000 damaged files end in an error or a sound reader");
    da_buf_release(&b);
}

/* A part as llama.cpp's gguf-split names and marks it; tensors: vectors of one value, called by the
 * letters. */
static bool write_part(const char *name, unsigned no, unsigned count, unsigned total,
                       const char *tensors)
{
    struct da_gguf_writer *w = da_gguf_writer_new();
    struct da_err err;
    const uint64_t one = 1;
    char file[600];
    snprintf(file, sizeof file, "%s/%s", tap_tmpdir(), name);
    if (no == 0)
        da_gguf_put_str(w, "general.architecture", da_span_str("test"));
    da_gguf_put_u32(w, "split.no", no);
    da_gguf_put_u32(w, "split.count", count);
    da_gguf_put_u32(w, "split.tensors.count", total);
    for (const char *t = tensors; *t; t++)
        da_gguf_add_tensor(w, (char[2]){*t, 0}, DA_Q_F32, 1, &one);
    enum da_rc rc = da_gguf_writer_begin(w, file, &err);
    for (const char *t = tensors; *t && !rc; t++)
        rc = da_gguf_writer_data(w, &(float){(float)(*t - 'a')}, sizeof(float), &err);
    if (!rc)
        rc = da_gguf_writer_finish(w, &err);
    da_gguf_writer_free(w);
    return tap_rc(rc, &err, "%s", name);
}

static void split_refuses(const char *name, const char *why)
{
    char file[600];
    struct da_gguf *g = NULL;
    struct da_err err = {0};
    snprintf(file, sizeof file, "%s/%s", tap_tmpdir(), name);
    enum da_rc rc = da_gguf_open(&g, file, &err);
    if (!tap_ok(rc && strstr(err.msg, why), "split, refused: %s", why))
        tap_diag("%s", rc ? err.msg : "it opened");
    if (!rc)
        da_gguf_close(g);
}

static void test_split(void)
{
    char file[600];
    struct da_gguf *g;
    struct da_err err;
    struct da_span arch;
    if (!write_part("m-00001-of-00003.gguf", 0, 3, 4, "a") ||
        !write_part("m-00002-of-00003.gguf", 1, 3, 4, "bc") ||
        !write_part("m-00003-of-00003.gguf", 2, 3, 4, "d"))
        return;
    for (int i = 1; i <= 3; i++) { /* any part opens all */
        snprintf(file, sizeof file, "%s/m-0000%d-of-00003.gguf", tap_tmpdir(), i);
        if (!tap_rc(da_gguf_open(&g, file, &err), &err, "a split model opens"))
            return;
        tap_ok(da_gguf_n_files(g) == 3 && da_gguf_n_tensors(g) == 4, "3 files, 4 tensors");
        tap_ok(!da_gguf_get_str(g, "general.architecture", &arch, NULL), "the first part's keys");
        float v = 0.0f;
        const struct da_gguf_tensor *t = da_gguf_tensor(g, "c");
        if (t)
            memcpy(&v, t->data, sizeof v);
        tap_ok(t && v == 2.0f, "a tensor of the second part");
        da_gguf_close(g);
    }
    write_part("n-00001-of-00002.gguf", 0, 2, 2, "a");
    split_refuses("n-00001-of-00002.gguf", "n-00002-of-00002.gguf");
    write_part("n-00002-of-00002.gguf", 1, 2, 2, "a");
    split_refuses("n-00001-of-00002.gguf", "tensor 'a' is in another part, too");
    write_part("n-00002-of-00002.gguf", 1, 3, 2, "b");
    split_refuses("n-00001-of-00002.gguf", "calls itself part 2 of 3, not 2 of 2");
    write_part("n-00002-of-00002.gguf", 1, 2, 2, "bc");
    split_refuses("n-00001-of-00002.gguf", "hold 3 tensors, key 'split.tensors.count' says 2");
    write_part("part.gguf", 0, 2, 2, "a");
    split_refuses("part.gguf", "does not end in -00001-of-00002.gguf");
}

static void refuses(const void *p, size_t len, const char *why)
{
    struct da_gguf *g = NULL;
    struct da_err err = {0};
    enum da_rc rc = da_gguf_open_memory(&g, p, len, "x", &err);
    if (!tap_ok(rc && strstr(err.msg, why), "refused: %s", why))
        tap_diag("%s", err.msg);
    if (!rc)
        da_gguf_close(g);
}

static void test_messages(void)
{
    /* header, one key "k" with an array of u32 that claims 2^60 elements */
    static const unsigned char huge[] = "GGUF\3\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
                                        "\1\0\0\0\0\0\0\0k\11\0\0\0\4\0\0\0\0\0\0\0\0\0\0\20";
    static const unsigned char many[] = "GGUF\3\0\0\0\377\377\377\377\0\0\0\0\1\0\0\0\0\0\0\0";
    refuses("", 0, "not a GGUF file");
    refuses("GGML", 4, "not a GGUF file");
    refuses("GGUF\1\0\0\0", 8, "version 1");
    refuses("GGUF\0\0\0\3", 8, "big-endian");
    refuses("GGUF\3\0\0\0", 8, "ends inside the header");
    refuses(many, sizeof many - 1, "at most");
    refuses(huge, sizeof huge - 1, "key 'k': 1152921504606846976 elements do not fit");
}

int main(void)
{
    if (write_sample()) {
        test_read_back();
        test_hostile();
    }
    test_messages();
    test_split();
    return tap_done();
}
