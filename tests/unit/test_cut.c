/* Cutting: the invariants of cut.h over texts of many kinds, budgets and both modes. */

#include <string.h>

#include "common/rng.h"
#include "common/utf8.h"
#include "ingest/cut.h"
#include "tests/tap.h"

static const char *const pieces[] = {
    "The quick brown fox jumps over the lazy dog. ",
    "Dr. Smith paid $1,234.56 on 3 May 2021; nobody knew why!\n",
    "\n\n# A heading\n\n",
    "- item one\n- item two\n",
    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe6\x96\x87\xe3\x80\x82",
    "e\xcc\x81\xcc\x81\xcc\x81",
    "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7 ",
    "Donaudampfschifffahrtselektrizit\xc3\xa4tenhauptbetriebswerkbauunterbeamtengesellschaft",
    "\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7 \xd8\xa8\xd9\x83. ",
    "a | b | 12 | 13.5\n",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "==========",
};

static void random_text(struct da_rng *r, struct da_buf *b)
{
    size_t n = 1 + (size_t)da_rng_below(r, 60);
    da_buf_reset(b);
    for (size_t i = 0; i < n; i++)
        da_buf_add_str(b, pieces[da_rng_below(r, DA_ARRAY_LEN(pieces))]);
}

/* One text, one budget: returns what is wrong, or NULL. */
static const char *wrong_cut(struct da_cutter *c, const struct da_buf *b, size_t max, bool hard)
{
    size_t cut, n, again, all;
    struct da_err err;
    if (da_cutter_cut(c, b->p, b->len, max, hard, &cut, &n, &err) != DA_OK)
        return "an error";
    if (da_cutter_count(c, b->p, cut, &again, &err) != DA_OK || again != n)
        return "n_tokens is not what tokenizing again gives";
    if (n > max)
        return "over the budget";
    if (da_utf8_grapheme_floor(b->p, b->len, cut) != cut)
        return "inside a grapheme";
    if (!hard && cut < b->len && cut > 0 && (b->p[cut - 1] == ' ' || b->p[cut - 1] == '\n'))
        return "white space at the cut";
    (void)da_cutter_count(c, b->p, b->len, &all, &err);
    if (all <= max && cut != b->len)
        return "cut although it fits";
    if (all > max && hard && n + 24 < max)
        return "a hard cut that wastes tokens"; /* a family of emoji is about 12 */
    return NULL;
}

static const char *wrong_chunks(struct da_cutter *c, const struct da_buf *b, size_t max)
{
    struct da_cut_chunks ch = {NULL, 0, 0};
    struct da_err err;
    const char *why = NULL;
    size_t at = 0;
    if (da_cutter_chunks(c, b->p, b->len, max, &ch, &err) != DA_OK)
        why = "an error";
    for (size_t i = 0; why == NULL && i < ch.n; i++) {
        size_t n;
        (void)da_cutter_count(c, b->p + ch.items[i].start,
                              ch.items[i].end - ch.items[i].start, &n, &err);
        if (ch.items[i].start != at || ch.items[i].end <= at)
            why = "a gap or an overlap";
        else if (n != ch.items[i].n_tokens || n > max)
            why = "tokens of a chunk";
        at = ch.items[i].end;
    }
    if (why == NULL && at != b->len)
        why = "the end is missing";
    da_cut_chunks_release(&ch);
    return why;
}

static void test_random(struct da_cutter *c)
{
    static const size_t budgets[] = {16, 17, 30, 50, 100, 200, 1000};
    struct da_rng r;
    struct da_buf b;
    size_t n_bad = 0;
    da_rng_init(&r, 3);
    da_buf_init(&b, 0);
    for (int i = 0; i < 700; i++) {
        size_t max = budgets[da_rng_below(&r, DA_ARRAY_LEN(budgets))];
        random_text(&r, &b);
        const char *why = wrong_cut(c, &b, max, i % 2 == 0);
        if (why == NULL)
            why = wrong_chunks(c, &b, max);
        if (why != NULL && n_bad++ < 5)
            tap_diag("text %d, budget %zu: %s", i, max, why);
    }
    tap_is_int((long long)n_bad, 0, "700 random texts keep the rules");
    da_buf_release(&b);
}

static void test_sentences(struct da_cutter *c)
{
    struct da_buf b;
    struct da_err err;
    size_t cut, n, n_bad = 0;
    da_buf_init(&b, 0);
    for (int i = 0; i < 100; i++)
        da_buf_add_str(&b, "The quick brown fox jumps over the lazy dog. ");
    for (size_t max = 100; max < 140; max++) {
        tap_rc(da_cutter_cut(c, b.p, b.len, max, false, &cut, &n, &err), &err, "cut at %zu", max);
        n_bad += b.p[cut - 1] != '.' || n * 10 < max * 9;
    }
    tap_is_int((long long)n_bad, 0, "sentences of ten tokens: cut at an end, 90 %% kept");
    da_buf_reset(&b);
    for (int i = 0; i < 200; i++)
        da_buf_add_str(&b, "word and ");
    tap_rc(da_cutter_cut(c, b.p, b.len, 101, false, &cut, &n, &err), &err, "no sentence end");
    tap_ok(b.p[cut] == ' ' && n == 101, "... at a word, with all of the budget (%zu)", n);
    tap_rc(da_cutter_cut(c, "", 0, 10, false, &cut, &n, &err), &err, "nothing");
    tap_ok(cut == 0 && n == 0, "... stays nothing");
    da_buf_release(&b);
}

int main(void)
{
    struct da_tokenizer *tok = NULL;
    struct da_cutter c;
    struct da_err err;
    const char *spm;
    tap_rc(da_tokenizer_open(&tok, "o200k_base", &err), &err, "o200k_base");
    da_cutter_init(&c, tok);
    test_sentences(&c);
    test_random(&c);
    da_cutter_release(&c);
    da_tokenizer_close(tok);
    spm = tap_shared("tokenizers/ggml-vocab-llama-spm.gguf");
    if (spm == NULL) {
        tap_skip("shared material is not here", "a tokenizer that changes the text");
        return tap_done();
    }
    tap_rc(da_tokenizer_open(&tok, spm, &err), &err, "a tokenizer that changes the text");
    da_cutter_init(&c, tok);
    test_random(&c);
    da_cutter_release(&c);
    da_tokenizer_close(tok);
    return tap_done();
}
