/* Dedup against all pairs: the same components, however little memory it has. */

#include "ingest/dedup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io.h"
#include "common/json.h"
#include "common/jsonl.h"
#include "common/mem.h"
#include "common/rng.h"
#include "tests/tap.h"
#include "text/minhash.h"

enum { N_DOCS = 400, N_WORDS = 60 };

static struct da_minhash sigs[N_DOCS];
static int root[N_DOCS];

static int find(int i)
{
    while (root[i] != i)
        i = root[i];
    return i;
}

/* A corpus in which copies are made of copies, so that near pairs form chains and webs. */
static void make_corpus(const char *path)
{
    struct da_rng rng;
    struct da_buf text[N_DOCS], out;
    struct da_words w;
    struct da_ngrams g;
    struct da_err err;
    da_rng_init(&rng, 11);
    da_buf_init(&out, 0);
    da_words_init(&w);
    da_ngrams_init(&g);
    for (int i = 0; i < N_DOCS; i++) {
        da_buf_init(&text[i], 0);
        int from = i > 40 && da_rng_below(&rng, 10) < 7 ? (int)da_rng_below(&rng, (uint64_t)i) : -1;
        if (from >= 0) { /* a copy with one word changed */
            struct da_span rest = da_span(text[from].p, text[from].len), word;
            uint64_t change = da_rng_below(&rng, N_WORDS);
            for (uint64_t k = 0; da_span_split(&rest, ' ', &word); k++) {
                if (k == change)
                    da_buf_addf(&text[i], "%sv%u", k ? " " : "", (unsigned)da_rng_u32(&rng));
                else
                    da_buf_addf(&text[i], "%s%.*s", k ? " " : "", (int)word.len, word.p);
            }
        }
        for (int k = 0; from < 0 && k < N_WORDS; k++)
            da_buf_addf(&text[i], "%sw%u", k ? " " : "", (unsigned)da_rng_below(&rng, 500));
        da_words_split(&w, text[i].p, text[i].len);
        da_ngrams_make(&g, &w, DA_MINHASH_ORDER, true);
        da_minhash_make(&sigs[i], &g);
        da_buf_addf(&out, "{\"id\":\"%04d\",\"text\":\"%s\"}\n", i, text[i].p);
    }
    tap_rc(da_io_write_file(path, out.p, out.len, &err), &err, "a corpus is written");
    for (int i = 0; i < N_DOCS; i++)
        da_buf_release(&text[i]);
    da_ngrams_release(&g);
    da_words_release(&w);
    da_buf_release(&out);
}

/* Components by the definition: every pair that meets in a band and agrees enough. */
static int join_all_pairs(double threshold)
{
    int n = 0;
    for (int i = 0; i < N_DOCS; i++)
        root[i] = i;
    for (int i = 0; i < N_DOCS; i++) {
        for (int k = 0; k < i; k++) {
            bool meet = false;
            for (unsigned b = 0; b < DA_MINHASH_BANDS; b++)
                meet |= da_minhash_band(&sigs[i], b) == da_minhash_band(&sigs[k], b);
            if (!meet || da_minhash_resemblance(&sigs[i], &sigs[k]) < threshold)
                continue;
            int a = find(i), c = find(k);
            root[a > c ? a : c] = a > c ? c : a; /* the smallest number names the component */
        }
    }
    for (int i = 0; i < N_DOCS; i++)
        n += find(i) != i;
    return n;
}

static void compare(const char *path, double threshold, size_t memory, unsigned threads)
{
    char out[512], work[512];
    struct da_dedup_stats stats;
    struct da_jsonl *in = NULL;
    struct da_json *j = NULL;
    struct da_err err;
    int wrong = 0, n = 0;
    (void)snprintf(out, sizeof out, "%s/out.jsonl", tap_tmpdir());
    (void)snprintf(work, sizeof work, "%s/work", tap_tmpdir());
    struct da_dedup_opts o = {.inputs = &path,
                              .n_inputs = 1,
                              .output = out,
                              .work_path = work,
                              .threshold = threshold,
                              .n_threads = threads,
                              .memory_bytes = memory};
    if (!tap_rc(da_dedup(&o, &stats, &err), &err, "dedup at %.2f", threshold))
        return;
    tap_is_int((long long)stats.n_duplicates, join_all_pairs(threshold), "as many duplicates");
    if (!tap_rc(da_jsonl_open(&in, out, &err), &err, "its output opens"))
        return;
    while (da_jsonl_next(in, &j, &err) == DA_OK && j) {
        struct da_span cluster = {"", 0};
        char want[8];
        (void)da_json_str(da_json_get(j, "cluster_id"), &cluster);
        (void)snprintf(want, sizeof want, "%04d", find(n++));
        wrong += !da_span_is(cluster, want);
        da_json_free(j);
    }
    tap_is_int(n, N_DOCS, "all documents are written");
    tap_is_int(wrong, 0, "each with the smallest id of its component");
    da_jsonl_close(in);
}

int main(void)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/in.jsonl", tap_tmpdir());
    make_corpus(path);
    compare(path, 0.7, 0, 1);
    compare(path, 0.5, 2048, 2);
    compare(path, 0.85, 1, 3);
    compare(path, 0, 0, 1);
    return tap_done();
}
