/*
 * Byte-pair encoding of pieces of bytes, by the fast ways of engine/tokenizer, against the
 * algorithm as it is published (Sennrich, Haddow, Birch 2016, algorithm 1): join the pair that
 * comes first in the list of merges, the leftmost of equals, until no pair is in the list.
 * Vocabularies are random, over few letters, so that merges compete: some in the order in which
 * their parts are made, some shuffled, some with a token that several merges make.
 */

#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/vocab.h"
#include "tests/tap.h"

enum { N_MERGES = 300, MAX_LEN = 200, N_PIECES = 300, MANY_PIECES = 3000, N_VOCABS = 9 };
enum kind { ORDERED, SHUFFLED, SHARED, N_KINDS };

static const char *const kind_names[N_KINDS] = {"parts before wholes", "any order",
                                                "several ways to a token"};

static int32_t find_token(const struct da_vocab *v, struct da_span text)
{
    for (size_t i = 0; i < v->n; i++)
        if (da_span_eq(da_vocab_text(v, (int32_t)i), text))
            return (int32_t)i;
    return -1;
}

static struct da_vocab *random_vocab(struct da_rng *r, enum kind kind, const char *letters)
{
    struct da_vocab *v = da_vocab_new(DA_VOCAB_BPE);
    struct da_vocab_merge merges[N_MERGES];
    size_t n_letters = strlen(letters);
    v->byte_level = true;
    for (int b = 0; b < 256; b++) {
        char c = (char)b;
        (void)da_vocab_add(v, da_span(&c, 1), 0, DA_TOKEN_NORMAL, 0, NULL);
    }
    for (size_t i = 0; i < N_MERGES;) {
        char text[64];
        int32_t part[2];
        size_t len = 0;
        for (int k = 0; k < 2; k++) {
            size_t made = v->n - 256, at = da_rng_below(r, made + n_letters);
            part[k] = at < n_letters ? (unsigned char)letters[at] : (int32_t)(256 + at - n_letters);
            struct da_span s = da_vocab_text(v, part[k]);
            if (len + s.len > 12)
                break;
            memcpy(text + len, s.p, s.len);
            len += s.len;
            if (k < 1)
                continue;
            int32_t both = find_token(v, da_span(text, len));
            if (both >= 0 && kind != SHARED)
                break;
            if (both < 0) {
                both = (int32_t)v->n;
                (void)da_vocab_add(v, da_span(text, len), 0, DA_TOKEN_NORMAL, 0, NULL);
            }
            merges[i++] = (struct da_vocab_merge){part[0], part[1], both};
        }
    }
    for (size_t i = N_MERGES; i-- > 1 && kind != ORDERED;) {
        size_t k = da_rng_below(r, i + 1);
        struct da_vocab_merge m = merges[i];
        merges[i] = merges[k];
        merges[k] = m;
    }
    for (size_t i = 0; i < N_MERGES; i++)
        (void)da_vocab_add_merge(v, merges[i].left, merges[i].right, merges[i].result, NULL);
    return v;
}

static size_t published(const struct da_vocab *v, const char *text, size_t n, int32_t *id)
{
    for (size_t i = 0; i < n; i++)
        id[i] = (unsigned char)text[i];
    for (;;) {
        size_t best = v->n_merges, at = 0;
        for (size_t i = 0; i + 1 < n; i++)
            for (size_t m = 0; m < best; m++)
                if (v->merges[m].left == id[i] && v->merges[m].right == id[i + 1]) {
                    best = m;
                    at = i;
                }
        if (best == v->n_merges)
            return n;
        id[at] = v->merges[best].result;
        memmove(id + at + 1, id + at + 2, (n - at - 2) * sizeof *id);
        n--;
    }
}

/* A text of n_pieces between line breaks, which are pieces of their own. */
static bool is_text_right(struct da_rng *r, struct da_tokenizer *t, struct da_tok_scratch *s,
                          const char *letters, int n_pieces)
{
    static int32_t want[MANY_PIECES * (MAX_LEN + 1)];
    struct da_buf text;
    struct da_ids got;
    size_t n = 0;
    da_buf_init(&text, 0);
    da_ids_init(&got);
    for (int k = 0; k < n_pieces; k++) {
        char piece[MAX_LEN];
        size_t len = 1 + da_rng_below(r, k % 32 == 0 ? MAX_LEN : k % 16 == 1 ? 60 : 14);
        for (size_t j = 0; j < len; j++)
            piece[j] = letters[da_rng_below(r, strlen(letters))];
        da_buf_add(&text, piece, len);
        da_buf_add_char(&text, '\n');
        n += published(da_tokenizer_vocab(t), piece, len, want + n);
        want[n++] = '\n';
    }
    bool same =
        da_tokenizer_encode(t, s, da_span(text.p, text.len), 0, &got, NULL) == DA_OK &&
        got.n == n && memcmp(got.p, want, n * sizeof *want) == 0;
    da_ids_release(&got);
    da_buf_release(&text);
    return same;
}

static void test_kind(struct da_rng *r, enum kind kind)
{
    static const char *const letters[] = {"ab", "abcd", "\xd0\xd1\x80\x81\xb0"};
    int n_bad = 0;
    for (int i = 0; i < N_VOCABS; i++) {
        struct da_tok_scratch *s = da_tok_scratch_new();
        struct da_tokenizer *t = NULL;
        struct da_vocab *v = random_vocab(r, kind, letters[i % 3]);
        struct da_err err;
        v->split.steps[v->split.n++] = DA_SPLIT_NEWLINES;
        if (tap_rc(da_tokenizer_open_vocab(&t, v, &err), &err, "a vocabulary of %zu", v->n)) {
            int n_pieces = i == 1 ? MANY_PIECES : N_PIECES; /* many: the cache has to grow */
            n_bad += !is_text_right(r, t, s, letters[i % 3], n_pieces);
            n_bad += !is_text_right(r, t, s, letters[i % 3], n_pieces); /* partly remembered */
        }
        da_tokenizer_close(t);
        da_tok_scratch_free(s);
    }
    tap_ok(n_bad == 0, "%s: pieces as published", kind_names[kind]);
}

int main(void)
{
    struct da_rng r;
    da_rng_init(&r, 5);
    for (int k = 0; k < N_KINDS; k++)
        test_kind(&r, (enum kind)k);
    return tap_done();
}
