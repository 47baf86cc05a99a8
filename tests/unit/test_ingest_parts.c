/* Small parts of the run: walking, copies, counts, outside facts, measures. */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "ingest/copies.h"
#include "ingest/meta.h"
#include "ingest/quality.h"
#include "ingest/tally.h"
#include "ingest/walk.h"
#include "tests/tap.h"

static char dir[1024];

static const char *in_dir(const char *name)
{
    static char path[1200];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void touch(const char *name)
{
    (void)da_io_write_file(in_dir(name), "x", 1, NULL);
}

static void test_walk(void)
{
    struct da_walk *w = NULL;
    struct da_walk_item item;
    struct da_err err;
    struct da_buf got;
    (void)da_io_make_dirs(in_dir("t/b/deep"), NULL);
    (void)da_io_make_dirs(in_dir("t/empty"), NULL);
    (void)da_io_make_dirs(in_dir("t/.git"), NULL);
    touch("t/c.txt");
    touch("t/B.txt");
    touch("t/b/z");
    touch("t/b/deep/y");
    touch("t/b.a");
    touch("t/.git/x");
    touch("t/.hidden");
    tap_ok(symlink("b", in_dir("t/link")) == 0, "a link to a folder");
    tap_ok(symlink("c.txt", in_dir("t/d-link")) == 0, "a link to a file");
    char root[1300], file[1300];
    (void)snprintf(root, sizeof root, "%s/", in_dir("t"));
    (void)snprintf(file, sizeof file, "%s", in_dir("t/.hidden"));
    const char *paths[] = {root, file};
    da_buf_init(&got, 0);
    tap_rc(da_walk_open(&w, paths, 2, &err), &err, "a folder and a file");
    while (da_walk_next(w, &item))
        da_buf_addf(&got, "%s ", item.rel);
    tap_is_str(got.p, "B.txt b/deep/y b/z b.a c.txt d-link .hidden ",
               "byte order, no hidden names but named ones, no linked folders");
    da_walk_close(w);
    paths[0] = "/nonexistent/x";
    tap_is_int(da_walk_open(&w, paths, 1, &err), DA_ENOTFOUND, "a path that is not there");
    da_buf_release(&got);
}

static void test_copies(void)
{
    struct da_copies c;
    uint64_t first = 0;
    size_t n_wrong = 0;
    da_copies_init(&c);
    for (uint64_t i = 0; i < 50000; i++)
        n_wrong += !da_copies_add(&c, i * 7, i, &first);
    for (uint64_t i = 1; i < 50000; i++)
        n_wrong += da_copies_add(&c, i * 7, 9, &first) || first != i;
    tap_is_int((long long)n_wrong, 0, "50000 texts are new once");
    size_t n_held = 0, n_slots = 0;
    for (size_t i = 0; i < DA_COPIES_TABLES; i++) {
        n_held += c.tables[i].n;
        n_slots += c.tables[i].n_slots;
    }
    tap_is_int((long long)n_held, 50000, "... and counted");
    tap_ok(n_slots * 16 < 50000 * 26, "... in %zu bytes", n_slots * 16);
    da_copies_release(&c);
}

static void test_tally(void)
{
    struct da_tally t;
    struct da_buf b;
    const size_t a = 100, c = 300;
    da_tally_init(&t);
    da_tally_status(&t, DA_ST_OK);
    da_tally_status(&t, DA_ST_OK);
    da_tally_status(&t, DA_ST_CORRUPT);
    da_tally_status(&t, DA_ST_NEEDS_OCR);
    da_tally_doc(&t, &(struct da_tally_doc){&a, 1, 100, true, false, "article"});
    da_tally_doc(&t, &(struct da_tally_doc){&c, 1, 700, false, true, "book"});
    da_buf_init(&b, 0);
    da_tally_failures(&t, &b);
    tap_is_str(b.p, "needs_ocr 1, corrupt 1", "failures in words");
    tap_is_double(t.after.mean, 200, 0, "mean after");
    tap_is_double(t.before.m2 / 1, 180000, 1e-12, "variance before: 2 * 300^2");
    da_buf_reset(&b);
    da_tally_print(&t, true, &b);
    tap_ok(strstr(b.p, "\"tokens_after\":{\"mean\":200,\"sd\":141.4213562373095") != NULL,
           "sample deviation in JSON: %s", b.p);
    da_buf_reset(&b);
    da_tally_print(&t, false, &b);
    tap_ok(strstr(b.p, "~ estimated for 1 documents") != NULL, "estimates are named");
    da_buf_release(&b);
}

static void test_meta(void)
{
    static const char rows[] = "{\"path\":\"a/b\",\"licence\":\"CC0\"}\n{\"path\":\"c\"}\n";
    static const char twice[] = "{\"path\":\"a\"}\n{\"path\":\"a\"}\n";
    struct da_meta *m = NULL;
    struct da_err err;
    struct da_span v;
    (void)da_io_write_file(in_dir("m.jsonl"), rows, sizeof rows - 1, NULL);
    tap_rc(da_meta_open(&m, in_dir("m.jsonl"), &err), &err, "rows by path");
    struct da_json *j = da_meta_find(m, da_span_str("a/b"));
    tap_ok(da_json_str(da_json_get(j, "licence"), &v) && da_span_is(v, "CC0"), "found");
    tap_ok(da_meta_find(m, da_span_str("b")) == NULL, "not there");
    tap_ok(da_meta_find(NULL, da_span_str("b")) == NULL, "no file");
    da_json_free(j);
    da_meta_close(m);
    (void)da_io_write_file(in_dir("m.jsonl"), twice, sizeof twice - 1, NULL);
    tap_is_int(da_meta_open(&m, in_dir("m.jsonl"), &err), DA_EFORMAT, "one path twice");
    tap_ok(strstr(err.msg, "m.jsonl:2:") != NULL, "... the line is named: %s", err.msg);
}

static void measure(const char *text, struct da_quality *q)
{
    da_quality_measure(text, strlen(text), q);
}

static void test_quality(void)
{
    struct da_quality q;
    char why[256];
    measure("The cat | 12\n- and the dog...\nThe cat | 12\n", &q);
    tap_is_int((long long)q.n_words, 10, "words without cell separators, bullets are words");
    tap_is_double(q.alpha_words, 7.0 / 10, 1e-12, "words with letters");
    tap_is_double(q.bullet_lines, 1.0 / 3, 1e-12, "bullet lines");
    tap_is_double(q.ellipsis_lines, 1.0 / 3, 1e-12, "lines that end in an ellipsis");
    tap_is_double(q.dup_lines, 12.0 / 40, 1e-12, "repeated lines, by length");
    tap_is_int((long long)q.stop_words, 2, "the, and");
    measure("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e text", &q);
    tap_is_int((long long)q.n_words, 4, "three Han characters and a word");
    measure("", &q);
    tap_is_double(q.mean_word, 0, 0, "nothing");
    tap_ok(da_quality_filter(&q, true, why, sizeof why) != NULL, "nothing is no prose: %s", why);
    struct da_buf b;
    da_buf_init(&b, 0);
    for (int i = 0; i < 20; i++)
        da_buf_addf(&b, "Sentence number %c of the text that we have to read.\n", 'a' + i);
    da_quality_measure(b.p, b.len, &q);
    tap_ok(da_quality_filter(&q, true, why, sizeof why) == NULL, "plain prose passes");
    da_buf_release(&b);
}

int main(void)
{
    (void)snprintf(dir, sizeof dir, "%s", tap_tmpdir());
    test_walk();
    test_copies();
    test_tally();
    test_meta();
    test_quality();
    return tap_done();
}
