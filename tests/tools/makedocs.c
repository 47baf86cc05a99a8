/*
 * makedocs N [DUP_PERCENT [WORDS [SEED]]]: N document records on stdout, for tests of scale.
 *
 * Document i has words drawn from a vocabulary of 20,000, small ones more often, from a generator
 * seeded by i alone. DUP_PERCENT of the documents are near copies: the text of an earlier
 * original with about one word in fifty replaced; their id is that one's with "~" and their
 * number, so that the expected clusters can be read from the ids.
 */

#include <stdio.h>
#include <stdlib.h>

#include "common/hash.h"
#include "common/json.h"
#include "common/rng.h"

enum { VOCABULARY = 20000, REPLACE_ONE_IN = 50 };

static void add_word(struct da_buf *b, struct da_rng *rng)
{
    double x = da_rng_double(rng);
    da_buf_addf(b, "%sw%u", b->len ? " " : "", (unsigned)(x * x * VOCABULARY));
}

static void add_text(struct da_buf *b, uint64_t seed, uint64_t base, uint64_t copy, int n_words)
{
    struct da_rng words, changes;
    da_rng_init(&words, seed * 1000003 + base);
    da_rng_init(&changes, seed * 1000033 + copy);
    for (int k = 0; k < n_words; k++) {
        add_word(b, &words);
        if (copy != base && da_rng_below(&changes, REPLACE_ONE_IN) == 0)
            da_buf_addf(b, "x%u", (unsigned)da_rng_below(&changes, VOCABULARY));
        if (k % 15 == 14)
            da_buf_add_char(b, '.');
    }
}

static bool is_copy(uint64_t i, uint64_t seed, uint64_t percent)
{
    return i > 0 && da_mix64(seed ^ da_mix64(i)) % 100 < percent;
}

/* The original that document i copies, or i. */
static uint64_t base_of(uint64_t i, uint64_t seed, uint64_t percent)
{
    uint64_t base = i;
    if (is_copy(i, seed, percent)) {
        for (uint64_t k = 1; base == i || is_copy(base, seed, percent); k++)
            base = da_mix64(i * 31 + k + seed) % i;
    }
    return base;
}

int main(int argc, char **argv)
{
    uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    uint64_t percent = argc > 2 ? strtoull(argv[2], NULL, 10) : 10;
    int n_words = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 200;
    uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
    struct da_buf text, line, id;
    da_buf_init(&text, 0);
    da_buf_init(&line, 0);
    da_buf_init(&id, 0);
    for (uint64_t i = 0; i < n; i++) {
        struct da_jw w;
        uint64_t base = base_of(i, seed, percent);
        da_buf_reset(&text);
        da_buf_reset(&line);
        da_buf_reset(&id);
        add_text(&text, seed, base, i, n_words);
        da_buf_addf(&id, "%09llu", (unsigned long long)base);
        if (base != i)
            da_buf_addf(&id, "~%09llu", (unsigned long long)i);
        da_jw_init(&w, &line);
        da_jw_object(&w);
        da_jw_kcstr(&w, "schema", "docassist.document/1");
        da_jw_kcstr(&w, "id", id.p);
        da_jw_kcstr(&w, "text", text.p);
        da_jw_end(&w);
        puts(line.p);
    }
    da_buf_release(&id);
    da_buf_release(&line);
    da_buf_release(&text);
    return fflush(stdout) ? 1 : 0;
}
