/*
 * chrF; see the header.
 *
 * Character n-grams of all orders are counted at once: each position of both
 * texts becomes one word of 64 bits that holds its next char_order characters,
 * the words are sorted, and an n-gram is a run of words with the same upper n
 * characters. Texts with too many different characters for 64 bits go through
 * the n-gram table instead.
 */
#include "eval/chrf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"
#include "text/ulower.h"

enum { N_ASCII = 128, RADIX_BITS = 8, RADIX = 1 << RADIX_BITS };

struct da_chrf_scratch {
    struct da_numbers hyp, ref; /* code points */
    struct da_numbers hyp_syms, ref_syms;
    struct da_gramtrie alphabet; /* characters beyond ASCII of this segment */
    uint64_t *keys, *swap;     /* [cap] */
    size_t cap;
};

void da_chrf_scratch_free(struct da_chrf_scratch *s)
{
    if (!s)
        return;
    free(s->hyp.id);
    free(s->ref.id);
    free(s->hyp_syms.id);
    free(s->ref_syms.id);
    da_gramtrie_release(&s->alphabet);
    free(s->keys);
    free(s->swap);
    free(s);
}

static struct da_chrf_scratch *scratch_of(struct da_work *w)
{
    if (!w->chrf) {
        struct da_chrf_scratch *s = da_calloc(1, sizeof *s);
        da_gramtrie_init(&s->alphabet);
        w->chrf = s;
    }
    return w->chrf;
}

void da_chrf_defaults(struct da_chrf_opts *o)
{
    *o = (struct da_chrf_opts){.char_order = 6, .beta = 2};
}

size_t da_chrf_n_stats(const struct da_chrf_opts *o)
{
    return 3 * (size_t)(o->char_order + o->word_order);
}

static void code_points(const struct da_chrf_opts *o, struct da_span text, struct da_numbers *out)
{
    const char *p = text.p, *end = text.p + text.len;

    DA_GROW_BY(out->id, 0, text.len, out->cap);
    out->n = 0;
    while (p < end) {
        uint32_t cp;
        size_t space = o->whitespace ? 0 : da_upy_space_len(p, end);
        if (space) {
            p += space;
            continue;
        }
        if ((unsigned char)*p < 0x80)
            cp = (unsigned char)*p++;
        else
            p += da_utf8_decode(p, end, &cp);
        out->id[out->n++] = cp;
    }
}

/* Symbols 1.. of code points: ASCII as it is (NUL as 128), others in order of appearance.
 * Returns the greatest symbol. */
static uint32_t symbols(struct da_chrf_scratch *s, const struct da_numbers *cps,
                        struct da_numbers *out)
{
    uint32_t greatest = N_ASCII - 1;

    DA_GROW_BY(out->id, 0, cps->n, out->cap);
    out->n = cps->n;
    for (size_t i = 0; i < cps->n; i++) {
        uint32_t cp = cps->id[i];
        if (cp == 0 || cp >= N_ASCII)
            cp = N_ASCII - 1 + da_gram_child(&s->alphabet, 0, cp);
        greatest = cp > greatest ? cp : greatest;
        out->id[i] = cp;
    }
    return greatest;
}

static void sort_keys(struct da_chrf_scratch *s, size_t n, unsigned n_bits)
{
    for (unsigned shift = 0; shift < n_bits; shift += RADIX_BITS) {
        size_t at[RADIX] = {0}, sum = 0;
        for (size_t i = 0; i < n; i++)
            at[(s->keys[i] >> shift) & (RADIX - 1)]++;
        for (unsigned d = 0; d < RADIX; d++) {
            size_t k = at[d];
            at[d] = sum;
            sum += k;
        }
        for (size_t i = 0; i < n; i++)
            s->swap[at[(s->keys[i] >> shift) & (RADIX - 1)]++] = s->keys[i];
        uint64_t *t = s->keys;
        s->keys = s->swap;
        s->swap = t;
    }
}

/* Keys of a text, last position first: its next `order` symbols and the side in bit 0. Places
 * behind the end hold symbol 0. */
static size_t pack(const struct da_numbers *syms, unsigned order, unsigned bits, uint64_t side,
                   uint64_t *keys)
{
    uint64_t key = 0;
    unsigned top = (order - 1) * bits;

    for (size_t i = syms->n; i-- > 0;) {
        key = key >> bits | (uint64_t)syms->id[i] << top;
        keys[syms->n - 1 - i] = key << 1 | side;
    }
    return syms->n;
}

/* Matches of each order from the sorted keys. A run of order o began at key from[o], when
 * hyps[o] keys of the hypothesis had been seen. */
static void count_runs(const uint64_t *keys, size_t n, unsigned order, unsigned bits,
                       uint64_t *matches)
{
    size_t from[DA_CHRF_MAX_CHAR_ORDER] = {0}, hyps[DA_CHRF_MAX_CHAR_ORDER] = {0}, seen = 0;
    uint64_t symbol = ((uint64_t)1 << bits) - 1;

    for (size_t i = 1; i <= n; i++) {
        seen += keys[i - 1] & 1;
        uint64_t differ = i < n ? (keys[i] ^ keys[i - 1]) >> 1 : UINT64_MAX;
        if (differ == 0)
            continue;
        for (unsigned o = order; o-- > 0;) {
            unsigned shift = (order - 1 - o) * bits;
            if (differ >> shift == 0)
                break;
            if ((keys[i - 1] >> (shift + 1)) & symbol) {
                size_t h = seen - hyps[o], r = i - from[o] - h;
                matches[o] += h < r ? h : r;
            }
            from[o] = i;
            hyps[o] = seen;
        }
    }
}

/* Clipped matches of character n-grams; false when the symbols do not fit. */
static bool char_matches(struct da_chrf_scratch *s, unsigned order, uint64_t *matches)
{
    unsigned bits = 7;

    da_gramtrie_reset(&s->alphabet);
    uint32_t a = symbols(s, &s->hyp, &s->hyp_syms), b = symbols(s, &s->ref, &s->ref_syms);
    while ((a > b ? a : b) >> bits)
        bits++;
    if (bits * order > 63)
        return false;
    size_t n = s->hyp.n + s->ref.n;
    if (n == 0)
        return true;
    if (n > s->cap) {
        s->cap = da_grow_cap(s->cap, n);
        s->keys = da_realloc_array(s->keys, s->cap, sizeof *s->keys);
        s->swap = da_realloc_array(s->swap, s->cap, sizeof *s->swap);
    }
    size_t k = pack(&s->hyp_syms, order, bits, 1, s->keys);
    (void)pack(&s->ref_syms, order, bits, 0, s->keys + k);
    sort_keys(s, n, bits * order + 1);
    count_runs(s->keys, n, order, bits, matches);
    return true;
}

static bool is_ascii_punct(char c)
{
    unsigned char u = (unsigned char)c;
    return (u >= '!' && u <= '/') || (u >= ':' && u <= '@') || (u >= '[' && u <= '`') ||
           (u >= '{' && u <= '~');
}

/* Words with one punctuation mark split off: the last character, else the first. */
static void word_ids(struct da_work *w, struct da_span text, struct da_numbers *ids)
{
    ids->n = 0;
    w->tokens.n = 0;
    da_split_space(text, &w->tokens);
    const char *limit = text.p + text.len;
    for (size_t i = 0; i < w->tokens.n; i++) {
        struct da_span t = w->tokens.t[i];
        size_t head = t.len;
        if (t.len > 1 && is_ascii_punct(t.p[t.len - 1]))
            head = t.len - 1;
        else if (t.len > 1 && is_ascii_punct(t.p[0]))
            head = 1;
        da_numbers_add(ids, da_wordnum_add(&w->words, t.p, head, limit));
        if (head < t.len)
            da_numbers_add(ids, da_wordnum_add(&w->words, t.p + head, t.len - head, limit));
    }
}

/* A row of one block: hyp counts only where the reference has n-grams of that order. */
static void fill(double *stats, size_t n_hyp, size_t n_ref, unsigned order,
                 const uint64_t *matches)
{
    for (unsigned o = 0; o < order; o++) {
        bool any = n_ref > o;
        stats[3 * o] = any && n_hyp > o ? (double)(n_hyp - o) : 0;
        stats[3 * o + 1] = any ? (double)(n_ref - o) : 0;
        stats[3 * o + 2] = (double)matches[o];
    }
}

static void against(const struct da_chrf_opts *o, struct da_work *w, struct da_chrf_scratch *s,
                    double *stats)
{
    uint64_t matches[DA_CHRF_MAX_CHAR_ORDER] = {0};

    if (!char_matches(s, o->char_order, matches)) {
        da_gramtrie_reset(&w->ngrams);
        da_gramtrie_add(&w->ngrams, s->ref.id, s->ref.n, o->char_order);
        da_gramtrie_match(&w->ngrams, s->hyp.id, s->hyp.n, o->char_order, matches);
    }
    fill(stats, s->hyp.n, s->ref.n, o->char_order, matches);
    if (o->word_order == 0)
        return;
    da_gramtrie_reset(&w->ngrams);
    da_gramtrie_add(&w->ngrams, w->ref.id, w->ref.n, o->word_order);
    da_gramtrie_match(&w->ngrams, w->hyp.id, w->hyp.n, o->word_order, matches);
    fill(stats + 3 * o->char_order, w->hyp.n, w->ref.n, o->word_order, matches);
}

static struct da_span prepare(const struct da_chrf_opts *o, struct da_span text,
                              struct da_buf *lowered)
{
    if (!o->lowercase)
        return text;
    da_buf_reset(lowered);
    da_upy_lower(text.p, text.len, lowered);
    return da_span(lowered->p, lowered->len);
}

void da_chrf_segment(const struct da_chrf_opts *o, struct da_work *w, const struct da_segment *s,
                     double *stats)
{
    struct da_chrf_scratch *c = scratch_of(w);
    double best = -1, row[DA_CHRF_MAX_STATS];
    size_t n_stats = da_chrf_n_stats(o);

    struct da_span hyp = prepare(o, s->hyp, &w->text);
    code_points(o, hyp, &c->hyp);
    if (o->word_order)
        word_ids(w, hyp, &w->hyp);
    for (size_t r = 0; r < s->n_refs; r++) {
        struct da_span ref = prepare(o, s->refs[r], &w->text2);
        code_points(o, ref, &c->ref);
        if (o->word_order)
            word_ids(w, ref, &w->ref);
        against(o, w, c, row);
        double f = da_chrf_score(o, row, false);
        if (f > best) {
            best = f;
            memcpy(stats, row, n_stats * sizeof *row);
        }
    }
}

static double ratio(double a, double b, bool single)
{
    return single ? (double)((float)a / (float)b) : a / b;
}

double da_chrf_score(const struct da_chrf_opts *o, const double *sum, bool single)
{
    static const double EPS = 1e-16;
    double factor = (double)o->beta * o->beta, eps_score = 0, prec_sum = 0, rec_sum = 0;
    unsigned order = o->char_order + o->word_order, effective = 0;

    for (unsigned i = 0; i < order; i++) {
        double n_hyp = sum[3 * i], n_ref = sum[3 * i + 1], n_match = sum[3 * i + 2];
        double prec = n_hyp > 0 ? ratio(n_match, n_hyp, single) : EPS;
        double rec = n_ref > 0 ? ratio(n_match, n_ref, single) : EPS;
        double denom = factor * prec + rec;
        eps_score += denom > 0 ? (1 + factor) * prec * rec / denom : EPS;
        if (n_hyp > 0 && n_ref > 0) {
            prec_sum += prec;
            rec_sum += rec;
            effective++;
        }
    }
    if (o->eps_smoothing)
        return 100 * eps_score / order;
    if (effective == 0)
        return 0;
    double prec = prec_sum / effective, rec = rec_sum / effective;
    if (prec + rec == 0)
        return 0;
    return 100 * ((1 + factor) * prec * rec / (factor * prec + rec));
}

void da_chrf_name(const struct da_chrf_opts *o, struct da_buf *out)
{
    da_buf_addf(out, "chrF%u", o->beta);
    for (unsigned i = 0; i < o->word_order; i++)
        da_buf_add_char(out, '+');
}

void da_chrf_signature(const struct da_chrf_opts *o, const struct da_sign *s, bool short_form,
                       struct da_buf *out)
{
    char nc[16], nw[16];

    (void)snprintf(nc, sizeof nc, "%u", o->char_order);
    (void)snprintf(nw, sizeof nw, "%u", o->word_order);
    da_sign_head(out, s, short_form);
    da_sign_add(out, short_form, "case", "c", o->lowercase ? "lc" : "mixed");
    da_sign_add(out, short_form, "eff", "e", o->eps_smoothing ? "no" : "yes");
    da_sign_add(out, short_form, "nc", "nc", nc);
    da_sign_add(out, short_form, "nw", "nw", nw);
    da_sign_add(out, short_form, "space", "s", o->whitespace ? "yes" : "no");
    da_sign_version(out, short_form);
}
