/* Words, n-gram sets and MinHash signatures. */

#include "text/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/rng.h"
#include "tests/tap.h"
#include "text/minhash.h"
#include "text/ngram.h"

static void keys_of(const char *text, struct da_buf *out)
{
    struct da_words w;
    da_words_init(&w);
    da_words_split(&w, text, strlen(text));
    da_buf_reset(out);
    for (size_t i = 0; i < w.n; i++) {
        struct da_span k = da_words_key(&w, i);
        if (i > 0)
            da_buf_add_char(out, '|');
        da_buf_add(out, k.p, k.len);
    }
    da_words_release(&w);
}

static void test_split(void)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {" ... ", ""},
        {"The cat, the CAT.", "the|cat|the|cat"},
        {"don't can\u2019t 'quoted'", "don't|can't|quoted"},
        {"$1,500.25 in 2019.", "1,500.25|in|2019"},
        {"state-of-the-art GPT-4o", "state|of|the|art|gpt|4o"},
        {"\u00c4RZTE \u00e9t\u00e9", "\u00e4rzte|\u00e9t\u00e9"},
        {"\u6771\u4eac\u3067AB", "\u6771|\u4eac|\u3067|ab"},
        {"\ud55c\uad6d\uc5b4 \ub9d0", "\ud55c\uad6d\uc5b4|\ub9d0"},
        {"\u0939\u093f\u0928\u094d\u0926\u0940", "\u0939\u093f\u0928\u094d\u0926\u0940"},
    };
    struct da_buf got;
    da_buf_init(&got, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        keys_of(cases[i].text, &got);
        tap_is_str(got.p, cases[i].want, "words of '%s'", cases[i].text);
    }
    da_buf_release(&got);
}

static void test_flags(void)
{
    static const char text[] = "The NASA budget of 1,200 in Rome \u6771 4o";
    struct da_words w;
    da_words_init(&w);
    da_words_split(&w, text, strlen(text));
    tap_is_int((long long)w.n, 9, "nine words");
    tap_is_int(w.items[0].flags, DA_WORD_CAPITAL | DA_WORD_STOP, "the");
    tap_is_int(w.items[1].flags, DA_WORD_CAPITAL | DA_WORD_CAPS, "NASA");
    tap_is_int(w.items[2].flags, 0, "budget");
    tap_is_int(w.items[4].flags, DA_WORD_DIGITS | DA_WORD_NUMBER, "1,200");
    tap_is_int(w.items[6].flags, DA_WORD_CAPITAL, "Rome");
    tap_is_int(w.items[7].flags, DA_WORD_SOLID, "an ideograph");
    tap_is_int(w.items[8].flags, DA_WORD_DIGITS, "4o");
    tap_is_int((long long)da_words_at(&w, 5), 2, "first word from byte 5 on");
    tap_is_int((long long)da_words_at(&w, 1000), 9, "no word after the end");
    da_words_release(&w);
}

static void set_of(struct da_ngrams *g, const char *text, size_t order, bool shorter)
{
    struct da_words w;
    da_words_init(&w);
    da_words_split(&w, text, strlen(text));
    da_ngrams_make(g, &w, order, shorter);
    da_words_release(&w);
}

static void test_ngrams(void)
{
    struct da_ngrams a, b;
    da_ngrams_init(&a);
    da_ngrams_init(&b);
    set_of(&a, "a b c d", 2, false);
    set_of(&b, "b c d e f", 2, false);
    tap_is_int((long long)a.n, 3, "three pairs");
    tap_is_int((long long)da_ngrams_common(&a, &b), 2, "two in common");
    tap_is_double(da_ngrams_jaccard(&a, &b), 2.0 / 5, 0, "2 of 5");
    tap_is_double(da_ngrams_containment(&a, &b), 2.0 / 3, 1e-15, "2 of 3");
    set_of(&a, "x y x y x y", 2, false);
    tap_is_int((long long)a.n, 2, "repeated pairs count once");
    set_of(&a, "a b", 5, false);
    tap_is_int((long long)a.n, 0, "too short");
    set_of(&a, "a b", 5, true);
    tap_is_int((long long)a.n, 1, "too short, taken whole");
    set_of(&b, "A, b!", 5, true);
    tap_is_double(da_ngrams_jaccard(&a, &b), 1, 0, "case and punctuation do not count");
    set_of(&a, "", 5, true);
    tap_is_double(da_ngrams_jaccard(&a, &a), 0, 0, "empty sets have nothing in common");
    da_ngrams_release(&b);
    da_ngrams_release(&a);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sets with `both` common and `own` further elements each. */
static void random_pair(struct da_rng *rng, size_t both, size_t own, struct da_ngrams *a,
                        struct da_ngrams *b)
{
    a->n = b->n = 0;
    DA_GROW_BY(a->items, a->n, both + own, a->cap);
    DA_GROW_BY(b->items, b->n, both + own, b->cap);
    for (size_t i = 0; i < both + own; i++) {
        a->items[a->n++] = da_rng_u64(rng);
        b->items[b->n++] = i < both ? a->items[i] : da_rng_u64(rng);
    }
    qsort(a->items, a->n, sizeof *a->items, compare);
    qsort(b->items, b->n, sizeof *b->items, compare);
}

/* The estimate is a mean of 112 coin flips of probability s: check its mean over 200 pairs and
 * the share of pairs meeting in a band against 1 - (1 - s^8)^14. */
static void test_minhash(void)
{
    static const struct {
        size_t both, own;
    } cases[] = {{100, 0}, {80, 10}, {60, 20}, {100, 50}};
    enum { PAIRS = 200 };
    struct da_rng rng;
    struct da_ngrams a, b;
    da_rng_init(&rng, 7);
    da_ngrams_init(&a);
    da_ngrams_init(&b);
    for (size_t c = 0; c < DA_ARRAY_LEN(cases); c++) {
        double s = (double)cases[c].both / (double)(cases[c].both + 2 * cases[c].own);
        double sum = 0;
        int met = 0;
        for (int k = 0; k < PAIRS; k++) {
            struct da_minhash x, y;
            bool meets = false;
            random_pair(&rng, cases[c].both, cases[c].own, &a, &b);
            da_minhash_make(&x, &a);
            da_minhash_make(&y, &b);
            sum += da_minhash_resemblance(&x, &y);
            for (unsigned i = 0; i < DA_MINHASH_BANDS; i++)
                meets |= da_minhash_band(&x, i) == da_minhash_band(&y, i);
            met += meets;
        }
        double sigma = sqrt(s * (1 - s) / (DA_MINHASH_LEN * (double)PAIRS));
        tap_ok(fabs(sum / PAIRS - s) <= 4 * sigma + 1e-12, "mean estimate %.4f of %.4f",
               sum / PAIRS, s);
        double p = 1 - pow(1 - pow(s, DA_MINHASH_ROWS), DA_MINHASH_BANDS);
        double sd = sqrt(p * (1 - p) / PAIRS);
        tap_ok(fabs((double)met / PAIRS - p) <= 4 * sd + 1e-12, "share in a band %.3f of %.3f",
               (double)met / PAIRS, p);
    }
    da_ngrams_release(&b);
    da_ngrams_release(&a);
}

int main(void)
{
    test_split();
    test_flags();
    test_ngrams();
    test_minhash();
    return tap_done();
}
