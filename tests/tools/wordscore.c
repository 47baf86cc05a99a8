/*
 * wordscore TRUTH FILE: how well FILE gives the words of TRUTH and their order. Prints two
 * numbers: F1 over the bags of words, and 2 * LCS / (words of both), the order score. A word is
 * a run of letters and digits in lower case; characters of scripts without spaces stand alone.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "ingest/layout.h"
#include "text/uclass.h"

enum { MAX_WORDS = 60000, MAX_BYTES = 8 << 20 };

struct words {
    uint32_t *ids; /* [n] */
    size_t n, cap;
};

static void add(struct words *w, struct da_map *ids, struct da_buf *word)
{
    if (word->len == 0 || w->n == MAX_WORDS)
        return;
    bool is_new;
    uint64_t *v = da_map_add(ids, word->p, word->len, &is_new);
    if (is_new)
        *v = ids->n;
    DA_GROW(w->ids, w->n, w->cap);
    w->ids[w->n++] = (uint32_t)*v;
    da_buf_reset(word);
}

static void split(const char *p, size_t len, struct da_map *ids, struct words *w)
{
    struct da_buf word;
    da_buf_init(&word, 0);
    for (const char *end = p + len; p < end;) {
        uint32_t cp;
        p += da_utf8_decode(p, end, &cp);
        bool solid = da_cp_is_solid(cp);
        bool in = da_uclass_is_letter(cp) || da_uclass_is_number(cp) || da_uclass_is_mark(cp);
        if (!in || solid)
            add(w, ids, &word);
        if (in)
            da_buf_add_utf8(&word, da_uclass_lower(cp));
        if (in && solid)
            add(w, ids, &word);
    }
    add(w, ids, &word);
    da_buf_release(&word);
}

static double bag_f1(const struct words *a, const struct words *b, size_t n_ids)
{
    size_t *count = da_calloc(n_ids + 2, sizeof *count), same = 0;
    for (size_t i = 0; i < a->n; i++)
        count[a->ids[i]]++;
    for (size_t i = 0; i < b->n; i++)
        if (count[b->ids[i]] > 0) {
            count[b->ids[i]]--;
            same++;
        }
    free(count);
    return a->n + b->n > 0 ? 2.0 * (double)same / (double)(a->n + b->n) : 1;
}

/* Length of the longest common subsequence, one row at a time. */
static size_t lcs(const struct words *a, const struct words *b)
{
    uint32_t *row = da_calloc(b->n + 1, sizeof *row);
    for (size_t i = 0; i < a->n; i++) {
        uint32_t diagonal = 0;
        for (size_t j = 1; j <= b->n; j++) {
            uint32_t up = row[j];
            if (a->ids[i] == b->ids[j - 1])
                row[j] = diagonal + 1;
            else if (row[j - 1] > up)
                row[j] = row[j - 1];
            diagonal = up;
        }
    }
    size_t n = row[b->n];
    free(row);
    return n;
}

int main(int argc, char **argv)
{
    struct da_buf t[2];
    struct words w[2] = {{NULL, 0, 0}, {NULL, 0, 0}};
    struct da_map ids;
    struct da_err err;
    if (argc != 3) {
        (void)fprintf(stderr, "usage: wordscore TRUTH FILE\n");
        return 2;
    }
    da_map_init(&ids);
    for (int i = 0; i < 2; i++) {
        struct da_buf raw;
        da_buf_init(&raw, 0);
        da_buf_init(&t[i], 0);
        if (da_io_read_file(argv[i + 1], MAX_BYTES, &raw, &err) != DA_OK) {
            (void)fprintf(stderr, "wordscore: %s\n", err.msg);
            return 1;
        }
        (void)da_utf8_sanitize(raw.p, raw.len, &t[i]);
        split(t[i].p, t[i].len, &ids, &w[i]);
        da_buf_release(&raw);
    }
    size_t n = w[0].n + w[1].n;
    double order = n > 0 ? 2.0 * (double)lcs(&w[0], &w[1]) / (double)n : 1;
    (void)printf("%.4f %.4f\n", bag_f1(&w[0], &w[1], ids.n), order);
    for (int i = 0; i < 2; i++) {
        da_buf_release(&t[i]);
        free(w[i].ids);
    }
    da_map_release(&ids);
    return 0;
}
