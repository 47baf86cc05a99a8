/* BLEU; see the header. The order of operations is the reference's, so that doubles agree bit for
 * bit on a libm with correctly rounded log and exp in the range. */
#include "eval/bleu.h"

#include <inttypes.h>
#include <math.h>

/* What the tool takes for log(0). */
static const double LOG_ZERO = -9999999999.0;

void da_bleu_defaults(struct da_bleu_opts *o)
{
    *o = (struct da_bleu_opts){.tokenize = DA_BLEU_TOK_13A, .max_order = 4};
}

size_t da_bleu_n_stats(const struct da_bleu_opts *o)
{
    return 2 + 2 * (size_t)o->max_order;
}

static void tokens_of(const struct da_bleu_opts *o, struct da_work *w, struct da_span text,
                      struct da_numbers *ids)
{
    da_bleu_tokenize(o->tokenize, o->lowercase, text, &w->tokens);
    da_work_number(w, ids);
}

void da_bleu_segment(const struct da_bleu_opts *o, struct da_work *w, const struct da_segment *s,
                     double *stats)
{
    uint64_t matches[DA_BLEU_MAX_ORDER];
    size_t ref_len = 0, diff = 0;

    tokens_of(o, w, s->hyp, &w->hyp);
    da_gramtrie_reset(&w->ngrams);
    for (size_t r = 0; r < s->n_refs; r++) {
        tokens_of(o, w, s->refs[r], &w->ref);
        da_gramtrie_add(&w->ngrams, w->ref.id, w->ref.n, o->max_order);
        size_t d = w->hyp.n > w->ref.n ? w->hyp.n - w->ref.n : w->ref.n - w->hyp.n;
        if (r == 0 || d < diff || (d == diff && w->ref.n < ref_len)) {
            diff = d;
            ref_len = w->ref.n;
        }
    }
    da_gramtrie_match(&w->ngrams, w->hyp.id, w->hyp.n, o->max_order, matches);
    stats[0] = (double)w->hyp.n;
    stats[1] = (double)ref_len;
    for (unsigned i = 0; i < o->max_order; i++) {
        stats[2 + i] = (double)matches[i];
        stats[2 + o->max_order + i] = w->hyp.n > i ? (double)(w->hyp.n - i) : 0;
    }
}

static double smooth_value(const struct da_bleu_opts *o)
{
    if (o->has_smooth_value)
        return o->smooth_value;
    return o->smooth == DA_BLEU_SMOOTH_FLOOR ? 0.1 : 1;
}

/* Precisions of all orders; returns the number of orders that enter the mean. */
static unsigned precisions(const struct da_bleu_opts *o, struct da_bleu_score *b)
{
    double halving = 1;
    unsigned eff_order = o->max_order;

    for (unsigned n = 0; n < o->max_order; n++) {
        if (o->smooth == DA_BLEU_SMOOTH_ADD_K && n > 0) {
            b->counts[n] += smooth_value(o);
            b->totals[n] += smooth_value(o);
        }
        if (b->totals[n] == 0)
            break;
        if (o->effective_order)
            eff_order = n + 1;
        if (b->counts[n] != 0) {
            b->precisions[n] = 100.0 * b->counts[n] / b->totals[n];
        } else if (o->smooth == DA_BLEU_SMOOTH_EXP) {
            halving *= 2;
            b->precisions[n] = 100.0 / (halving * b->totals[n]);
        } else if (o->smooth == DA_BLEU_SMOOTH_FLOOR) {
            b->precisions[n] = 100.0 * smooth_value(o) / b->totals[n];
        }
    }
    return eff_order;
}

void da_bleu_score(const struct da_bleu_opts *o, const double *sum, struct da_bleu_score *ret)
{
    struct da_bleu_score b = {.sys_len = sum[0], .ref_len = sum[1], .bp = 1};
    bool any = false;

    for (unsigned i = 0; i < o->max_order; i++) {
        b.counts[i] = sum[2 + i];
        b.totals[i] = sum[2 + o->max_order + i];
        any = any || b.counts[i] != 0;
    }
    if (b.sys_len < b.ref_len)
        b.bp = b.sys_len > 0 ? exp(1 - b.ref_len / b.sys_len) : 0;
    if (any) {
        unsigned n = precisions(o, &b);
        double logs = 0;
        for (unsigned i = 0; i < n; i++)
            logs += b.precisions[i] == 0 ? LOG_ZERO : log(b.precisions[i]);
        b.score = b.bp * exp(logs / n);
    }
    *ret = b;
}

void da_bleu_signature(const struct da_bleu_opts *o, const struct da_sign *s, bool short_form,
                       struct da_buf *out)
{
    static const char *const smooth[] = {"exp", "floor", "add-k", "none"};

    da_sign_head(out, s, short_form);
    da_sign_add(out, short_form, "case", "c", o->lowercase ? "lc" : "mixed");
    da_sign_add(out, short_form, "eff", "e", o->effective_order ? "yes" : "no");
    da_sign_add(out, short_form, "tok", "tok", da_bleu_tok_name(o->tokenize));
    da_sign_add(out, short_form, "smooth", "s", smooth[o->smooth]);
    if (o->smooth == DA_BLEU_SMOOTH_FLOOR || o->smooth == DA_BLEU_SMOOTH_ADD_K)
        da_buf_addf(out, "[%.2f]", smooth_value(o));
    da_sign_version(out, short_form);
}

void da_bleu_verbose(const struct da_bleu_opts *o, const struct da_bleu_score *b,
                     struct da_buf *out)
{
    for (unsigned i = 0; i < o->max_order; i++)
        da_buf_addf(out, "%s%.1f", i ? "/" : "", b->precisions[i]);
    da_buf_addf(out, " (BP = %.3f ratio = %.3f hyp_len = %.0f ref_len = %.0f)", b->bp,
                b->ref_len > 0 ? b->sys_len / b->ref_len : 0.0, b->sys_len, b->ref_len);
}
