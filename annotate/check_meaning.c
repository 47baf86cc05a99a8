/* Round trip and sentence similarity: see the header. */

#include "annotate/check_meaning.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "eval/squad.h"

#define NO_ANSWER "NOT IN THE DOCUMENT" /* prompts/round_trip/system.txt */

enum { MAX_SENTENCES = 512 }; /* of a document; the paper's have at most 1,000 tokens */

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

/* Whether both have numbers and none of a's is among b's. */
static bool numbers_differ(struct da_span a, struct da_span b)
{
    struct da_span x, y;
    size_t i = 0, n_a = 0, n_b = 0;
    while (next_number(a, &i, &x)) {
        n_a++;
        n_b = 0;
        for (size_t k = 0; next_number(b, &k, &y); n_b++)
            if (da_span_eq(x, y))
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

static double cosine(const float *a, const float *b, size_t dim)
{
    double dot = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < dim; i++) {
        dot += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return aa > 0 && bb > 0 ? dot / sqrt(aa * bb) : 0;
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
            double c = cosine(v + i * e->dim, v + k * e->dim, e->dim);
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
