#include "eval/suite.h"

#include <math.h>
#include <string.h>

#include "eval/diversity.h"
#include "eval/squad.h"
#include "eval/ter.h"

enum {
    ROUGE_COLUMNS = 4, /* sums of P, R, F; count */
    MEAN_COLUMNS = 2   /* sum, count */
};

static const char *const NAMES[DA_SUITE_N_KINDS] = {
    "bleu", "bleu_hf", "chrf", "chrf++", "ter", "rouge1", "rouge2",
    "rougeL", "rougeLsum", "em", "f1", "contains", "selfbleu", "distinct"};

const char *da_suite_name(enum da_suite_kind kind)
{
    return NAMES[kind];
}

bool da_suite_is_whole(enum da_suite_kind kind)
{
    return kind == DA_SUITE_SELFBLEU || kind == DA_SUITE_DISTINCT;
}

static bool is_rouge(enum da_suite_kind kind)
{
    return kind >= DA_SUITE_ROUGE1 && kind <= DA_SUITE_ROUGELSUM;
}

static enum da_rouge_type rouge_type(enum da_suite_kind kind)
{
    return (enum da_rouge_type)(kind - DA_SUITE_ROUGE1);
}

static struct da_chrf_opts chrf_opts(const struct da_suite *s, enum da_suite_kind kind)
{
    struct da_chrf_opts o = s->opts.chrf;

    if (kind == DA_SUITE_CHRFPP)
        o.word_order = 2;
    return o;
}

static size_t n_columns(const struct da_suite *s, enum da_suite_kind kind)
{
    struct da_chrf_opts c = chrf_opts(s, kind);

    switch (kind) {
    case DA_SUITE_BLEU: return da_bleu_n_stats(&s->opts.bleu);
    case DA_SUITE_BLEU_HF: return 2 + 2 * (size_t)s->opts.bleu_hf.max_order;
    case DA_SUITE_CHRF:
    case DA_SUITE_CHRFPP: return da_chrf_n_stats(&c);
    case DA_SUITE_TER: return DA_TER_N_STATS;
    case DA_SUITE_EM:
    case DA_SUITE_F1:
    case DA_SUITE_CONTAINS: return MEAN_COLUMNS;
    default: return is_rouge(kind) ? ROUGE_COLUMNS : 0;
    }
}

static enum da_rc add(struct da_suite *s, struct da_span name, struct da_err *err)
{
    size_t k = 0;

    while (k < DA_SUITE_N_KINDS && !da_span_is(name, NAMES[k]))
        k++;
    if (k == DA_SUITE_N_KINDS)
        return da_fail(err, DA_EUSAGE, "there is no metric '%.*s'",
                       name.len > 60 ? 60 : (int)name.len, name.p);
    for (size_t i = 0; i < s->n; i++)
        if (s->kinds[i] == (enum da_suite_kind)k)
            return da_fail(err, DA_EUSAGE, "metric '%s' is named twice", NAMES[k]);
    s->kinds[s->n] = (enum da_suite_kind)k;
    s->from[s->n] = s->n_stats;
    s->len[s->n] = n_columns(s, (enum da_suite_kind)k);
    s->n_stats += s->len[s->n++];
    return DA_OK;
}

enum da_rc da_suite_init(struct da_suite *s, const char *list, const struct da_suite_opts *opts,
                         struct da_err *err)
{
    struct da_span rest = da_span_str(list), name;

    *s = (struct da_suite){.opts = *opts};
    while (da_span_split(&rest, ',', &name)) {
        enum da_rc rc = add(s, da_span_trim(name), err);
        if (rc != DA_OK)
            return rc;
    }
    return s->n ? DA_OK : da_fail(err, DA_EUSAGE, "no metric is named");
}

/* --- one segment ------------------------------------------------------------ */

static unsigned rouge_columns(const struct da_suite *s, struct da_work *w,
                              const struct da_segment *seg, double *row)
{
    struct da_rouge_opts o = {.stem = s->opts.stem, .tok = s->opts.rouge_tok};
    struct da_rouge_score r[DA_ROUGE_N_TYPES];

    for (size_t i = 0; i < s->n; i++)
        if (is_rouge(s->kinds[i]))
            o.types |= 1u << rouge_type(s->kinds[i]);
    if (o.types == 0)
        return 0;
    unsigned lost = da_rouge_segment(&o, w, seg, r);
    for (size_t i = 0; i < s->n; i++) {
        if (!is_rouge(s->kinds[i]))
            continue;
        const struct da_rouge_score *t = &r[rouge_type(s->kinds[i])];
        double *at = row + s->from[i];
        at[0] = t->precision;
        at[1] = t->recall;
        at[2] = t->fmeasure;
        at[3] = 1;
    }
    return lost;
}

static void squad_columns(const struct da_suite *s, struct da_work *w,
                          const struct da_segment *seg, double *row)
{
    struct da_squad_score q;
    bool done = false;

    for (size_t i = 0; i < s->n; i++) {
        if (s->kinds[i] < DA_SUITE_EM || s->kinds[i] > DA_SUITE_CONTAINS)
            continue;
        if (!done)
            da_squad_segment(w, seg, &q);
        done = true;
        row[s->from[i]] = s->kinds[i] == DA_SUITE_EM   ? q.exact
                          : s->kinds[i] == DA_SUITE_F1 ? q.f1
                                                       : q.contains;
        row[s->from[i] + 1] = 1;
    }
}

unsigned da_suite_segment(const struct da_suite *s, struct da_work *w,
                          const struct da_segment *seg, double *row)
{
    for (size_t i = 0; i < s->n; i++) {
        double *at = row + s->from[i];
        struct da_chrf_opts c = chrf_opts(s, s->kinds[i]);
        switch (s->kinds[i]) {
        case DA_SUITE_BLEU: da_bleu_segment(&s->opts.bleu, w, seg, at); break;
        case DA_SUITE_BLEU_HF: da_bleu_hf_segment(&s->opts.bleu_hf, w, seg, at); break;
        case DA_SUITE_CHRF:
        case DA_SUITE_CHRFPP: da_chrf_segment(&c, w, seg, at); break;
        case DA_SUITE_TER: da_ter_segment(&s->opts.ter, w, seg, at); break;
        default: break;
        }
    }
    squad_columns(s, w, seg, row);
    unsigned lost = rouge_columns(s, w, seg, row);
    da_work_next(w);
    return lost;
}

/* --- scores ----------------------------------------------------------------- */

double da_suite_score(const struct da_suite *s, size_t i, const double *sum, bool single)
{
    struct da_chrf_opts c = chrf_opts(s, s->kinds[i]);
    struct da_bleu_hf_score h;
    struct da_bleu_score b;

    switch (s->kinds[i]) {
    case DA_SUITE_BLEU: da_bleu_score(&s->opts.bleu, sum, &b); return b.score;
    case DA_SUITE_BLEU_HF: da_bleu_hf_score(&s->opts.bleu_hf, sum, &h); return h.score;
    case DA_SUITE_CHRF:
    case DA_SUITE_CHRFPP: return da_chrf_score(&c, sum, single);
    case DA_SUITE_TER: return da_ter_score(sum, single);
    default: break;
    }
    if (is_rouge(s->kinds[i]))
        return sum[3] > 0 ? sum[2] / sum[3] : NAN;
    return sum[1] > 0 ? sum[0] / sum[1] : NAN;
}

static void add_signature(const struct da_suite *s, size_t i, const struct da_suite_extra *x,
                          struct da_buf *out)
{
    struct da_chrf_opts c = chrf_opts(s, s->kinds[i]);
    struct da_rouge_opts r = {.stem = s->opts.stem, .tok = s->opts.rouge_tok};

    switch (s->kinds[i]) {
    case DA_SUITE_BLEU:
        da_bleu_signature(&s->opts.bleu, &x->sign, x->short_signature, out);
        break;
    case DA_SUITE_CHRF:
    case DA_SUITE_CHRFPP: da_chrf_signature(&c, &x->sign, x->short_signature, out); break;
    case DA_SUITE_TER: da_ter_signature(&s->opts.ter, &x->sign, x->short_signature, out); break;
    case DA_SUITE_BLEU_HF: da_bleu_hf_signature(&s->opts.bleu_hf, x->sign.n_refs, out); break;
    default:
        if (is_rouge(s->kinds[i])) {
            da_rouge_signature(&r, rouge_type(s->kinds[i]), x->sign.n_refs, out);
        } else {
            da_sign_head(out, &(struct da_sign){.n_refs = x->sign.n_refs}, false);
            da_buf_addf(out, "|squad:2.0|%s", NAMES[s->kinds[i]]);
        }
    }
}

static void add_label(const struct da_suite *s, size_t i, struct da_buf *out)
{
    struct da_chrf_opts c = chrf_opts(s, s->kinds[i]);

    switch (s->kinds[i]) {
    case DA_SUITE_BLEU: da_buf_add_str(out, "BLEU"); break;
    case DA_SUITE_BLEU_HF: da_buf_add_str(out, "BLEU_HF"); break;
    case DA_SUITE_CHRF:
    case DA_SUITE_CHRFPP: da_chrf_name(&c, out); break;
    case DA_SUITE_TER: da_buf_add_str(out, "TER"); break;
    default: da_buf_add_str(out, NAMES[s->kinds[i]]);
    }
}

static bool is_percentage(enum da_suite_kind kind)
{
    return kind == DA_SUITE_BLEU || kind == DA_SUITE_CHRF || kind == DA_SUITE_CHRFPP ||
           kind == DA_SUITE_TER;
}

void da_suite_line(const struct da_suite *s, size_t i, const double *sum,
                   const struct da_suite_extra *x, struct da_buf *out)
{
    int width = (int)x->width + (is_percentage(s->kinds[i]) ? 0 : 2);
    struct da_bleu_score b;

    add_label(s, i, out);
    da_buf_add_char(out, '|');
    add_signature(s, i, x, out);
    da_buf_addf(out, " = %.*f", width, da_suite_score(s, i, sum, false));
    if (x->has_ci && x->mean > 0)
        da_buf_addf(out, " (\xce\xbc = %.*f \xc2\xb1 %.*f)", width, x->mean, width, x->half);
    if (x->has_p)
        da_buf_addf(out, " (p = %.4f)", x->p);
    if (s->kinds[i] == DA_SUITE_BLEU) {
        da_bleu_score(&s->opts.bleu, sum, &b);
        da_buf_add_char(out, ' ');
        da_bleu_verbose(&s->opts.bleu, &b, out);
    } else if (is_rouge(s->kinds[i])) {
        double n = sum[3] > 0 ? sum[3] : NAN;
        da_buf_addf(out, " (P = %.*f R = %.*f)", width, sum[0] / n, width, sum[1] / n);
    }
}

static void write_numbers(struct da_jw *w, const char *key, const double *v, size_t n)
{
    da_jw_key(w, key);
    da_jw_array(w);
    for (size_t i = 0; i < n; i++)
        da_jw_double(w, v[i]);
    da_jw_end(w);
}

static void bleu_json(const struct da_suite *s, const double *sum, struct da_jw *w)
{
    struct da_bleu_score b;
    size_t n = s->opts.bleu.max_order;

    da_bleu_score(&s->opts.bleu, sum, &b);
    da_jw_kdouble(w, "score", b.score);
    da_jw_kdouble(w, "bp", b.bp);
    da_jw_kdouble(w, "sys_len", b.sys_len);
    da_jw_kdouble(w, "ref_len", b.ref_len);
    write_numbers(w, "counts", b.counts, n);
    write_numbers(w, "totals", b.totals, n);
    write_numbers(w, "precisions", b.precisions, n);
}

static void bleu_hf_json(const struct da_suite *s, const double *sum, struct da_jw *w)
{
    struct da_bleu_hf_score b;

    da_bleu_hf_score(&s->opts.bleu_hf, sum, &b);
    da_jw_kdouble(w, "score", b.score);
    write_numbers(w, "precisions", b.precisions, s->opts.bleu_hf.max_order);
    da_jw_kdouble(w, "bp", b.bp);
    da_jw_kdouble(w, "ratio", b.ratio);
    da_jw_kdouble(w, "hyp_len", b.hyp_len);
    da_jw_kdouble(w, "ref_len", b.ref_len);
}

void da_suite_json(const struct da_suite *s, size_t i, const double *sum,
                   const struct da_suite_extra *x, struct da_jw *w)
{
    struct da_buf sig;

    da_jw_key(w, NAMES[s->kinds[i]]);
    da_jw_object(w);
    if (s->kinds[i] == DA_SUITE_BLEU) {
        bleu_json(s, sum, w);
    } else if (s->kinds[i] == DA_SUITE_BLEU_HF) {
        bleu_hf_json(s, sum, w);
    } else if (is_rouge(s->kinds[i])) {
        double n = sum[3] > 0 ? sum[3] : NAN;
        da_jw_kdouble(w, "precision", sum[0] / n);
        da_jw_kdouble(w, "recall", sum[1] / n);
        da_jw_kdouble(w, "fmeasure", sum[2] / n);
    } else {
        da_jw_kdouble(w, "score", da_suite_score(s, i, sum, false));
        if (s->kinds[i] == DA_SUITE_TER) {
            da_jw_kdouble(w, "num_edits", sum[0]);
            da_jw_kdouble(w, "ref_length", sum[1]);
        }
    }
    if (x->has_ci) {
        da_jw_kdouble(w, "ci", x->half);
        da_jw_kdouble(w, "mean", x->mean);
    }
    if (x->has_p)
        da_jw_kdouble(w, "p", x->p);
    da_buf_init(&sig, 0);
    add_signature(s, i, x, &sig);
    da_jw_kstr(w, "signature", da_span(sig.p, sig.len));
    da_buf_release(&sig);
    da_jw_end(w);
}

/* --- whole files ------------------------------------------------------------ */

#define SELFBLEU_SIGNATURE "tok:13a|smooth:exp|eff:yes|version:2.6.0"

void da_suite_whole_line(enum da_suite_kind kind, struct da_work *w, const struct da_span *texts,
                         size_t n, unsigned width, struct da_buf *out)
{
    double d[DA_SUITE_DISTINCT_ORDER];

    if (kind == DA_SUITE_DISTINCT) {
        da_distinct(w, texts, n, DA_SUITE_DISTINCT_ORDER, d);
        da_buf_addf(out, "distinct|tok:13a = %.*f/%.*f", (int)width + 2, d[0], (int)width + 2,
                    d[1]);
        return;
    }
    da_buf_addf(out, "selfbleu|" SELFBLEU_SIGNATURE " = %.*f", (int)width,
                da_self_bleu(DA_SELF_BLEU_SACRE, 0, w, texts, n, NULL));
    da_buf_addf(out, " (nltk method1 order %d = %.*f)", DA_SELF_BLEU_NLTK_ORDER, (int)width + 2,
                da_self_bleu(DA_SELF_BLEU_NLTK, DA_SELF_BLEU_NLTK_ORDER, w, texts, n, NULL));
}

void da_suite_whole_json(enum da_suite_kind kind, struct da_work *w, const struct da_span *texts,
                         size_t n, struct da_jw *jw)
{
    double d[DA_SUITE_DISTINCT_ORDER];

    da_jw_key(jw, NAMES[kind]);
    da_jw_object(jw);
    if (kind == DA_SUITE_DISTINCT) {
        da_distinct(w, texts, n, DA_SUITE_DISTINCT_ORDER, d);
        da_jw_kdouble(jw, "distinct1", d[0]);
        da_jw_kdouble(jw, "distinct2", d[1]);
        da_jw_kcstr(jw, "signature", "tok:13a");
    } else {
        da_jw_kdouble(jw, "score", da_self_bleu(DA_SELF_BLEU_SACRE, 0, w, texts, n, NULL));
        da_jw_kdouble(jw, "nltk", da_self_bleu(DA_SELF_BLEU_NLTK, DA_SELF_BLEU_NLTK_ORDER, w,
                                               texts, n, NULL));
        da_jw_kcstr(jw, "signature", SELFBLEU_SIGNATURE);
    }
    da_jw_end(jw);
}
