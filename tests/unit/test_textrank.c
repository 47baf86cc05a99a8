/* TextRank on graphs whose scores can be solved by hand. */

#include "text/textrank.h"

#include <string.h>

#include "tests/tap.h"

/* Scores of the sentences of text, which are separated by '|'. */
static size_t rank_of(const char *text, const double *prior, double *score)
{
    struct da_words w;
    struct da_word_range sent[16];
    size_t n = 0;
    da_words_init(&w);
    da_words_split(&w, text, strlen(text));
    for (const char *p = text; p && n < 16; n++) {
        const char *bar = strchr(p, '|');
        size_t end = bar ? (size_t)(bar - text) : strlen(text);
        size_t a = da_words_at(&w, (size_t)(p - text)), b = da_words_at(&w, end);
        sent[n] = (struct da_word_range){a, b - a};
        p = bar ? bar + 1 : NULL;
    }
    da_textrank(&w, sent, n, prior, score);
    da_words_release(&w);
    return n;
}

static void test_graphs(void)
{
    double s[16];
    rank_of("red fox|red fox|blue whale|blue whale", NULL, s);
    for (int i = 0; i < 4; i++)
        tap_is_double(s[i], 0.25, 1e-9, "two equal pairs: sentence %d", i);
    rank_of("alpha beta gamma|alpha dog cat|beta hen pig|gamma cow ewe", NULL, s);
    tap_ok(s[0] > s[1] && s[0] > s[2] && s[0] > s[3], "the centre of a star is first");
    tap_is_double(s[1], s[2], 1e-9, "its rays are equal");
    tap_is_double(s[0] + s[1] + s[2] + s[3], 1, 1e-9, "scores sum to 1");
    rank_of("the of and|the of and", NULL, s);
    tap_is_double(s[0], 0.5, 1e-12, "function words make no edges");
    double prior[2] = {3, 1};
    rank_of("one thing|another matter", prior, s);
    tap_is_double(s[0], 0.75, 1e-9, "without edges the restart weights remain");
    rank_of("alone", NULL, s);
    tap_is_double(s[0], 1, 1e-12, "one sentence");
}

/* Star of one centre and k rays: centre c = (1-d)/n + d (n-1) r, ray r = (1-d)/n + d c/(n-1). */
static void test_star_values(void)
{
    double s[16], d = 0.85, n = 4;
    double b = (1 - d) / n;
    double c = (b + d * (n - 1) * b) / (1 - d * d);
    rank_of("alpha beta gamma|alpha dog cat|beta hen pig|gamma cow ewe", NULL, s);
    tap_is_double(s[0], c, 1e-8, "the star's centre, solved by hand");
    tap_is_double(s[1], b + d * c / (n - 1), 1e-8, "the star's rays");
}

int main(void)
{
    test_graphs();
    test_star_values();
    return tap_done();
}
