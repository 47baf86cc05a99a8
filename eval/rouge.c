#include "eval/rouge.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"
#include "eval/lcs.h"
#include "eval/porter.h"
#include "eval/sign.h"
#include "text/uclass.h"
#include "text/ulower.h"

enum { STEM_LONGER_THAN = 3 };

const char *da_rouge_name(enum da_rouge_type t)
{
    static const char *const names[] = {"rouge1", "rouge2", "rougeL", "rougeLsum"};
    return names[t];
}

/* Number of the stem of word id, remembered as the word's alias. */
static uint32_t stem_of(struct da_work *w, uint32_t id)
{
    struct da_span word = da_wordnum_word(&w->stems, id);

    if (w->stems.entries[id].alias != DA_WORDNUM_NONE)
        return w->stems.entries[id].alias;
    uint32_t stem = id;
    if (word.len > STEM_LONGER_THAN) {
        char *copy = da_strndup(word.p, word.len);
        size_t len = da_porter_stem(copy, word.len);
        stem = da_wordnum_add(&w->stems, copy, len, copy + len);
        free(copy);
    }
    w->stems.entries[id].alias = stem;
    return stem;
}

static void add_word(const struct da_rouge_opts *o, struct da_work *w, const char *p, size_t len,
                     const char *limit, struct da_numbers *ids)
{
    if (len == 0)
        return;
    uint32_t id = da_wordnum_add(&w->stems, p, len, limit);
    da_numbers_add(ids, o->stem ? stem_of(w, id) : id);
}

/* The letter or digit in lower case; 0 for all else. */
static inline char word_char(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c + 32);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? (char)c : 0;
}

/* Only two characters beyond ASCII have lower case with an ASCII letter in it: the Kelvin sign
 * is k, and capital I with a dot is i and a combining mark, which ends the word. */
static void tokenize_ascii(const struct da_rouge_opts *o, struct da_work *w, struct da_span text,
                           struct da_numbers *ids, struct da_numbers *ends)
{
    const unsigned char *p = (const unsigned char *)text.p, *end = p + text.len;

    da_buf_reset(&w->text);
    char *to = da_buf_reserve(&w->text, text.len + 8);
    const char *limit = to + text.len + 8;
    size_t n = 0;
    for (; p < end; p++) {
        char c = word_char(*p);
        if (c) {
            to[n++] = c;
            continue;
        }
        if (*p == 0xe2 && end - p > 2 && p[1] == 0x84 && p[2] == 0xaa) {
            to[n++] = 'k';
            p += 2;
            continue;
        }
        if (*p == 0xc4 && end - p > 1 && p[1] == 0xb0)
            to[n++] = 'i';
        add_word(o, w, to, n, limit, ids);
        n = 0;
        if (*p == '\n')
            da_numbers_add(ends, (uint32_t)ids->n);
    }
    add_word(o, w, to, n, limit, ids);
    da_numbers_add(ends, (uint32_t)ids->n);
}

/* Scripts written without spaces: each character is a token. */
static bool stands_alone(uint32_t cp)
{
    return (cp >= 0x2e80 && cp <= 0x2fdf) || (cp >= 0x3005 && cp <= 0x3007) ||
           (cp >= 0x3040 && cp <= 0x30ff && cp != 0x30fb) || (cp >= 0x3100 && cp <= 0x312f) ||
           (cp >= 0x31a0 && cp <= 0x31bf) || (cp >= 0x31f0 && cp <= 0x31ff) ||
           (cp >= 0x3400 && cp <= 0x4dbf) || (cp >= 0x4e00 && cp <= 0x9fff) ||
           (cp >= 0xf900 && cp <= 0xfaff) || (cp >= 0x20000 && cp <= 0x3ffff);
}

static void tokenize_unicode(const struct da_rouge_opts *o, struct da_work *w,
                             struct da_span text, struct da_numbers *ids, struct da_numbers *ends)
{
    da_buf_reset(&w->text);
    da_upy_lower(text.p, text.len, &w->text);
    const char *p = w->text.p, *end = p + w->text.len, *from = p;
    while (p < end) {
        uint32_t cp;
        size_t n = da_utf8_decode(p, end, &cp);
        bool alone = stands_alone(cp);
        if (!alone && da_uclass_in(cp, DA_UMASK_L | DA_UMASK_M | DA_UMASK_N)) {
            p += n;
            continue;
        }
        add_word(o, w, from, (size_t)(p - from), end, ids);
        if (alone)
            add_word(o, w, p, n, end, ids);
        if (cp == '\n')
            da_numbers_add(ends, (uint32_t)ids->n);
        p += n;
        from = p;
    }
    add_word(o, w, from, (size_t)(p - from), end, ids);
    da_numbers_add(ends, (uint32_t)ids->n);
}

void da_rouge_tokenize(const struct da_rouge_opts *o, struct da_work *w, struct da_span text,
                       struct da_numbers *ids, struct da_numbers *ends)
{
    ids->n = ends->n = 0;
    if (o->tok == DA_ROUGE_TOK_ASCII)
        tokenize_ascii(o, w, text, ids, ends);
    else
        tokenize_unicode(o, w, text, ids, ends);
}

static struct da_rouge_score score_of(double hits, size_t n_hyp, size_t n_ref)
{
    struct da_rouge_score s;

    s.precision = hits / (double)(n_hyp ? n_hyp : 1);
    s.recall = hits / (double)(n_ref ? n_ref : 1);
    s.fmeasure = 0;
    if (s.precision + s.recall > 0)
        s.fmeasure = 2 * s.precision * s.recall / (s.precision + s.recall);
    return s;
}

/* Renumbers the reference 1, 2, ... in order of appearance and the hypothesis alike; words that
 * are not in the reference become 0. Returns the number of different words plus one. */
static uint32_t localize(struct da_work *w)
{
    da_gramtrie_reset(&w->local);
    for (size_t i = 0; i < w->ref.n; i++)
        w->ref.id[i] = da_gram_child(&w->local, 0, w->ref.id[i]);
    for (size_t i = 0; i < w->hyp.n; i++) {
        uint32_t node = da_gram_find(&w->local, 0, w->hyp.id[i]);
        w->hyp.id[i] = node == DA_GRAM_ABSENT ? 0 : node;
    }
    return w->local.n ? w->local.n : 1;
}

/* Common tokens of union subsequences, no token counted more often than either text has it
 * (Lin, 2004, section 3.2, with the count limit of ROUGE 1.5.5). */
static size_t union_hits(struct da_work *w, uint32_t n_tokens)
{
    size_t hits = 0, from = 0;
    unsigned char *hit = da_calloc(w->ref.n, 1);

    DA_GROW_BY(w->counts.id, 0, 2 * (size_t)n_tokens, w->counts.cap);
    uint32_t *in_ref = w->counts.id, *in_hyp = in_ref + n_tokens;
    memset(in_ref, 0, 2 * (size_t)n_tokens * sizeof *in_ref);
    for (size_t i = 0; i < w->ref.n; i++)
        in_ref[w->ref.id[i]]++;
    for (size_t i = 0; i < w->hyp.n; i++)
        in_hyp[w->hyp.id[i]]++;
    for (size_t r = 0; r < w->ref_ends.n; r++) {
        size_t to = w->ref_ends.id[r], h_from = 0;
        if (to > from)
            da_lcs_set_ref(w->lcs, w->ref.id + from, to - from, n_tokens);
        for (size_t h = 0; h < w->hyp_ends.n && to > from; h++) {
            size_t h_to = w->hyp_ends.id[h];
            da_lcs_mark(w->lcs, w->hyp.id + h_from, h_to - h_from, hit + from);
            h_from = h_to;
        }
        for (size_t i = from; i < to; i++) {
            uint32_t t = w->ref.id[i];
            if (hit[i] && in_hyp[t] > 0 && in_ref[t] > 0) {
                hits++;
                in_hyp[t]--;
                in_ref[t]--;
            }
        }
        from = to;
    }
    free(hit);
    return hits;
}

static void score_pair(const struct da_rouge_opts *o, struct da_work *w,
                       struct da_rouge_score ret[DA_ROUGE_N_TYPES])
{
    size_t h = w->hyp.n, r = w->ref.n;

    if (o->types & (1u << DA_ROUGE_1 | 1u << DA_ROUGE_2)) {
        uint64_t m[2];
        unsigned order = o->types & 1u << DA_ROUGE_2 ? 2 : 1;
        da_gramtrie_reset(&w->ngrams);
        da_gramtrie_add(&w->ngrams, w->ref.id, r, order);
        da_gramtrie_match(&w->ngrams, w->hyp.id, h, order, m);
        ret[DA_ROUGE_1] = score_of((double)m[0], h, r);
        if (order == 2)
            ret[DA_ROUGE_2] = score_of((double)m[1], h ? h - 1 : 0, r ? r - 1 : 0);
    }
    if (!(o->types & (1u << DA_ROUGE_L | 1u << DA_ROUGE_LSUM)))
        return;
    if (!w->lcs)
        w->lcs = da_lcs_new();
    uint32_t n_tokens = localize(w);
    if (o->types & 1u << DA_ROUGE_L) {
        da_lcs_set_ref(w->lcs, w->ref.id, r, n_tokens);
        ret[DA_ROUGE_L] = score_of((double)da_lcs_length(w->lcs, w->hyp.id, h), h, r);
    }
    if (o->types & 1u << DA_ROUGE_LSUM)
        ret[DA_ROUGE_LSUM] = score_of(h && r ? (double)union_hits(w, n_tokens) : 0, h, r);
}

static bool lost(struct da_span text, size_t n_tokens)
{
    return n_tokens == 0 && da_upy_strip(text).len > 0;
}

unsigned da_rouge_segment(const struct da_rouge_opts *o, struct da_work *w,
                          const struct da_segment *s,
                          struct da_rouge_score ret[DA_ROUGE_N_TYPES])
{
    struct da_rouge_score now[DA_ROUGE_N_TYPES] = {{0}};
    unsigned n_lost = 0;

    for (size_t r = 0; r < s->n_refs; r++) {
        da_rouge_tokenize(o, w, s->hyp, &w->hyp, &w->hyp_ends);
        da_rouge_tokenize(o, w, s->refs[r], &w->ref, &w->ref_ends);
        n_lost += (r == 0 && lost(s->hyp, w->hyp.n)) + lost(s->refs[r], w->ref.n);
        score_pair(o, w, now);
        for (unsigned t = 0; t < DA_ROUGE_N_TYPES; t++)
            if (o->types >> t & 1 && (r == 0 || now[t].fmeasure > ret[t].fmeasure))
                ret[t] = now[t];
    }
    return n_lost;
}

void da_rouge_signature(const struct da_rouge_opts *o, enum da_rouge_type t, int n_refs,
                        struct da_buf *out)
{
    const struct da_sign s = {.n_refs = n_refs};

    da_sign_head(out, &s, false);
    da_buf_addf(out, "|type:%s|stem:%s|tok:%s|agg:mean|tool:rouge_score|version:0.1.2",
                da_rouge_name(t), o->stem ? "yes" : "no",
                o->tok == DA_ROUGE_TOK_ASCII ? "ascii" : "unicode");
}
