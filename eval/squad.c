#include "eval/squad.h"

#include "common/utf8.h"
#include "text/ulower.h"

static bool is_ascii_punct(uint32_t c)
{
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
           (c >= '{' && c <= '~');
}

static bool is_article(struct da_span word)
{
    return da_span_is(word, "a") || da_span_is(word, "an") || da_span_is(word, "the");
}

/* An article is a whole run of \w, whatever stands beside it; a space takes its place. */
static void end_word(struct da_buf *out, size_t *word)
{
    if (is_article(da_span(out->p + *word, out->len - *word))) {
        da_buf_truncate(out, *word);
        da_buf_add_char(out, ' ');
    }
    *word = out->len;
}

/* Runs of white space become one space, none at the ends; in place. */
static void collapse(struct da_buf *b)
{
    size_t to = 0;
    const char *p = b->p, *end = p + b->len;

    while (p < end) {
        size_t space = da_upy_space_len(p, end);
        if (space) {
            if (to > 0 && b->p[to - 1] != ' ')
                b->p[to++] = ' ';
            p += space;
        } else {
            b->p[to++] = *p++;
        }
    }
    if (to > 0 && b->p[to - 1] == ' ')
        to--;
    da_buf_truncate(b, to);
}

void da_squad_normalize(struct da_span text, struct da_buf *lowered, struct da_buf *out)
{
    da_buf_reset(lowered);
    da_buf_reset(out);
    da_upy_lower(text.p, text.len, lowered);
    const char *p = lowered->p, *end = p + lowered->len;
    size_t word = 0;
    while (p < end) {
        uint32_t cp;
        size_t n = da_utf8_decode(p, end, &cp);
        if (!is_ascii_punct(cp)) {
            bool in_word = (da_upy(cp) & DA_UPY_WORD) != 0;
            if (!in_word)
                end_word(out, &word);
            da_buf_add(out, p, n);
            if (!in_word)
                word = out->len;
        }
        p += n;
    }
    end_word(out, &word);
    collapse(out);
}

static void number_words(struct da_work *w, struct da_span text, struct da_numbers *ids)
{
    w->tokens.n = 0;
    da_split_space(text, &w->tokens);
    w->tokens.limit = text.p + text.len;
    da_work_number(w, ids);
}

static double token_f1(struct da_work *w)
{
    uint64_t same;

    if (w->hyp.n == 0 || w->ref.n == 0)
        return w->hyp.n == w->ref.n;
    da_gramtrie_reset(&w->ngrams);
    da_gramtrie_add(&w->ngrams, w->ref.id, w->ref.n, 1);
    da_gramtrie_match(&w->ngrams, w->hyp.id, w->hyp.n, 1, &same);
    if (same == 0)
        return 0;
    double precision = (double)same / (double)w->hyp.n, recall = (double)same / (double)w->ref.n;
    return 2 * precision * recall / (precision + recall);
}

/* Whether the words of part, of which there are some, stand together in text. */
static bool has_words(struct da_span text, struct da_span part)
{
    for (size_t at = 0; part.len > 0 && at + part.len <= text.len; at++) {
        at += da_span_find(da_span(text.p + at, text.len - at), part);
        size_t end = at + part.len;
        if (end <= text.len && (at == 0 || text.p[at - 1] == ' ') &&
            (end == text.len || text.p[end] == ' '))
            return true;
    }
    return false;
}

void da_squad_segment(struct da_work *w, const struct da_segment *s, struct da_squad_score *ret)
{
    struct da_squad_score best = {0, 0, 0};
    struct da_buf hyp;

    da_buf_init(&hyp, 0);
    da_squad_normalize(s->hyp, &w->text, &hyp);
    number_words(w, da_span(hyp.p, hyp.len), &w->hyp);
    for (size_t r = 0; r < s->n_refs; r++) {
        da_squad_normalize(s->refs[r], &w->text, &w->text2);
        if (da_span_eq(da_span(hyp.p, hyp.len), da_span(w->text2.p, w->text2.len)))
            best.exact = best.contains = 1;
        else if (has_words(da_span(hyp.p, hyp.len), da_span(w->text2.p, w->text2.len)))
            best.contains = 1;
        number_words(w, da_span(w->text2.p, w->text2.len), &w->ref);
        double f = token_f1(w);
        best.f1 = f > best.f1 ? f : best.f1;
    }
    da_buf_release(&hyp);
    *ret = best;
}
