#include "eval/bleu_hf.h"

#include <math.h>

#include "eval/sign.h"

void da_bleu_hf_segment(const struct da_bleu_hf_opts *o, struct da_work *w,
                        const struct da_segment *s, double *stats)
{
    uint64_t matches[DA_GRAM_MAX_ORDER];
    size_t shortest = SIZE_MAX;

    da_gramtrie_reset(&w->ngrams);
    for (size_t r = 0; r < s->n_refs; r++) {
        da_bleu_tokenize(DA_BLEU_TOK_13A, false, s->refs[r], &w->tokens);
        da_work_number(w, &w->ref);
        da_gramtrie_add(&w->ngrams, w->ref.id, w->ref.n, o->max_order);
        shortest = w->ref.n < shortest ? w->ref.n : shortest;
    }
    da_bleu_tokenize(DA_BLEU_TOK_13A, false, s->hyp, &w->tokens);
    da_work_number(w, &w->hyp);
    da_gramtrie_match(&w->ngrams, w->hyp.id, w->hyp.n, o->max_order, matches);
    stats[0] = (double)w->hyp.n;
    stats[1] = (double)shortest;
    for (unsigned i = 0; i < o->max_order; i++) {
        stats[2 + i] = (double)matches[i];
        stats[2 + o->max_order + i] = w->hyp.n > i ? (double)(w->hyp.n - i) : 0;
    }
}

void da_bleu_hf_score(const struct da_bleu_hf_opts *o, const double *sum,
                      struct da_bleu_hf_score *ret)
{
    struct da_bleu_hf_score b = {.hyp_len = sum[0], .ref_len = sum[1]};
    double logs = 0, least = INFINITY;

    for (unsigned i = 0; i < o->max_order; i++) {
        double match = sum[2 + i], possible = sum[2 + o->max_order + i];
        if (o->smooth)
            b.precisions[i] = (match + 1) / (possible + 1);
        else
            b.precisions[i] = possible > 0 ? match / possible : 0;
        least = fmin(least, b.precisions[i]);
    }
    if (least > 0)
        for (unsigned i = 0; i < o->max_order; i++)
            logs += 1.0 / o->max_order * log(b.precisions[i]);
    b.ratio = b.hyp_len / b.ref_len;
    if (b.hyp_len == 0 || b.ref_len == 0) {
        b.ratio = b.bp = b.score = NAN;
    } else {
        b.bp = b.ratio > 1 ? 1 : exp(1 - 1 / b.ratio);
        b.score = least > 0 ? exp(logs) * b.bp : 0;
    }
    *ret = b;
}

void da_bleu_hf_signature(const struct da_bleu_hf_opts *o, int n_refs, struct da_buf *out)
{
    const struct da_sign s = {.n_refs = n_refs};

    da_sign_head(out, &s, false);
    da_buf_addf(out, "|smooth:%s|order:%u|tok:13a|tool:evaluate_bleu|version:a7dd338",
                o->smooth ? "yes" : "no", o->max_order);
}
