/* Round trip and sentence similarity: see the header. */

#include "annotate/check_meaning.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/embedder.h"
#include "eval/squad.h"

#define NO_ANSWER "NOT IN THE DOCUMENT" /* prompts/round_trip/system.txt */

enum {
    MAX_SENTENCES = 512, /* of a document; the paper's have at most 1,000 tokens */
    MAX_DIGITS = 32
};

/* --- the round trip ----------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The next number at or after *at: digits with single marks between them. */
static bool next_number(struct da_span s, size_t *at, struct da_span *number)
{
    size_t i = *at;
    while (i < s.len && !is_digit(s.p[i]))
        i++;
    size_t start = i;
    while (i < s.len && (is_digit(s.p[i]) || ((s.p[i] == '.' || s.p[i] == ',') && i + 1 < s.len &&
                                              is_digit(s.p[i + 1]))))
        i++;
    *at = i;
    *number = da_span(s.p + start, i - start);
    return i > start;
}

/* The digits without marks and zeros that end a fraction: 1,840.00 is 1840, 12.50 is 125. */
static size_t digits_of(struct da_span number, char out[MAX_DIGITS])
{
    size_t end = number.len, mark = number.len, n = 0;
    while (mark > 0 && is_digit(number.p[mark - 1]))
        mark--;
    while (mark > 0 && number.len - mark <= 2 && end > mark && number.p[end - 1] == '0')
        end--;
    for (size_t i = 0; i < end && n < MAX_DIGITS; i++)
        if (is_digit(number.p[i]))
            out[n++] = number.p[i];
    return n;
}

static bool same_number(struct da_span a, struct da_span b)
{
    char x[MAX_DIGITS], y[MAX_DIGITS];
    size_t n = digits_of(a, x);
    return n == digits_of(b, y) && memcmp(x, y, n) == 0;
}

/* Whether both have numbers and none of a's is among b's. */
static bool numbers_differ(struct da_span a, struct da_span b)
{
    struct da_span x, y;
    size_t i = 0, n_a = 0, n_b = 0;
    while (next_number(a, &i, &x)) {
        n_a++;
        n_b = 0;
        for (size_t k = 0; next_number(b, &k, &y); n_b++)
            if (same_number(x, y))
                return false;
    }
    return n_a > 0 && n_b > 0;
}

double da_check_round_trip(struct da_work *work, struct da_span answer, struct da_span again)
{
    struct da_segment seg = {.hyp = again, .refs = &answer, .n_refs = 1, .document = {"", 0}};
    struct da_squad_score score;
    if (da_span_find(again, da_span_str(NO_ANSWER)) < again.len || numbers_differ(answer, again))
        return 0;
    da_work_next(work);
    da_squad_segment(work, &seg, &score);
    return score.f1;
}

/* --- sentence similarity ------------------------------------------------------------- */

static size_t list_sentences(struct da_span text, const struct da_units *units, struct da_span *out,
                             size_t most)
{
    size_t n = 0;
    for (size_t i = 0; i < units->n && n < most; i++) {
        const struct da_unit *u = &units->items[i];
        struct da_span s = da_span_trim(da_span(text.p + u->body, u->body_end - u->body));
        if (s.len)
            out[n++] = s;
    }
    return n;
}

enum da_rc da_check_sts(const struct da_checks_embedder *e, struct da_span document,
                        const struct da_units *doc_units, struct da_span answer,
                        const struct da_units *answer_units, double *sts, bool *known,
                        struct da_err *err)
{
    struct da_span *texts = da_calloc(2 * MAX_SENTENCES, sizeof *texts);
    float *v = NULL;
    double least = 1;
    enum da_rc rc = DA_OK;
    size_t n_doc = list_sentences(document, doc_units, texts, MAX_SENTENCES);
    size_t n_answer = list_sentences(answer, answer_units, texts + n_doc, MAX_SENTENCES);
    *known = n_doc > 0 && n_answer > 0;
    if (!*known)
        goto out;
    v = da_calloc((n_doc + n_answer) * e->dim, sizeof *v);
    rc = e->embed(e->ctx, texts, n_doc + n_answer, v, err);
    for (size_t i = n_doc; !rc && i < n_doc + n_answer; i++) {
        double best = -1;
        for (size_t k = 0; k < n_doc; k++) {
            double c = da_cosine(v + i * e->dim, v + k * e->dim, (uint32_t)e->dim);
            best = c > best ? c : best;
        }
        least = best < least ? best : least;
    }
    if (!rc)
        *sts = least;
out:
    free(v);
    free(texts);
    return rc;
}
