/*
 * See cut.h. The text is tokenized over a window that is widened until it holds more than the
 * budget; token ends give the hard limit. Since tokens of a prefix may differ from the prefix of
 * the tokens, the number of a cut's tokens is always counted on the cut itself, and the cut moves
 * back in the rare case that it is over the budget.
 */

#include "ingest/cut.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"
#include "ingest/layout.h"

enum { BYTES_A_TOKEN = 5, WINDOW_MIN = 256, SPARE_TOKENS = 16, LOOK_BEYOND = 400 };

/* "at least 90 % of the budget" for a document; a chunk may be half empty. */
static const double DOC_SHARE = 0.9, CHUNK_SHARE = 0.5, WORD_SHARE = 0.6;

void da_cutter_init(struct da_cutter *c, const struct da_tokenizer *tok)
{
    memset(c, 0, sizeof *c);
    c->tok = tok;
    c->scratch = da_tok_scratch_new();
    da_ids_init(&c->ids);
    da_units_init(&c->units);
}

void da_cutter_release(struct da_cutter *c)
{
    da_tok_scratch_free(c->scratch);
    da_ids_release(&c->ids);
    da_units_release(&c->units);
}

enum da_rc da_cutter_count(struct da_cutter *c, const char *p, size_t len, size_t *n,
                           struct da_err *err)
{
    return da_tokenizer_count(c->tok, c->scratch, da_span(p, len), 0, n, err);
}

/* Start of the character that holds offset at. */
static size_t char_floor(const char *p, size_t at)
{
    while (at > 0 && ((unsigned char)p[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* Where max_tokens tokens end, when the tokens' bytes are the text's bytes. */
static bool limit_by_ids(struct da_cutter *c, size_t len, size_t max_tokens, size_t *limit)
{
    size_t sum = 0;
    *limit = len;
    for (size_t i = 0; i < c->ids.n; i++) {
        sum += da_tokenizer_token(c->tok, c->ids.p[i]).len;
        if (i + 1 == max_tokens)
            *limit = sum;
    }
    return sum == len;
}

/* The same by bisection, for tokenizers that change the text. */
static enum da_rc limit_by_count(struct da_cutter *c, const char *p, size_t len,
                                 size_t max_tokens, size_t *limit, struct da_err *err)
{
    size_t lo = 0, hi = len;
    while (lo < hi) {
        size_t mid = char_floor(p, lo + (hi - lo + 1) / 2), n;
        if (mid <= lo) {
            mid = lo + 1;
            while (mid < len && ((unsigned char)p[mid] & 0xc0) == 0x80)
                mid++;
            if (mid > hi)
                break;
        }
        enum da_rc rc = da_cutter_count(c, p, mid, &n, err);
        if (rc != DA_OK)
            return rc;
        if (n <= max_tokens)
            lo = mid;
        else
            hi = char_floor(p, mid - 1);
    }
    *limit = lo;
    return DA_OK;
}

/* *limit: bytes that max_tokens tokens can take; *all: the whole text fits, in *n tokens. */
static enum da_rc find_limit(struct da_cutter *c, const char *p, size_t len, size_t max_tokens,
                             size_t *limit, bool *all, size_t *n, struct da_err *err)
{
    size_t window = max_tokens * BYTES_A_TOKEN + WINDOW_MIN;
    for (;;) {
        size_t w = window < len ? char_floor(p, window) : len;
        da_ids_reset(&c->ids);
        enum da_rc rc =
            da_tokenizer_encode(c->tok, c->scratch, da_span(p, w), 0, &c->ids, err);
        if (rc != DA_OK)
            return rc;
        *n = c->ids.n;
        *all = w == len && c->ids.n <= max_tokens;
        *limit = len;
        if (*all)
            return DA_OK;
        if (w == len || c->ids.n > max_tokens + SPARE_TOKENS) { /* the window's end cuts a token */
            if (limit_by_ids(c, w, max_tokens, limit))
                return DA_OK;
            return limit_by_count(c, p, w, max_tokens, limit, err);
        }
        window *= 2;
    }
}

static bool is_space(char ch)
{
    return ch == ' ' || ch == '\n' || ch == '\t';
}

/* Last good place in (from, limit]: an end of a unit, else of a word, else of a grapheme. */
static size_t good_place(const struct da_units *units, const char *p, size_t len, size_t from,
                         size_t limit, double share)
{
    size_t best = 0, least = from + (size_t)(share * (double)(limit - from));
    for (size_t i = 0; i < units->n && units->items[i].start < limit; i++) {
        size_t end = units->items[i].end;
        while (end > units->items[i].start && is_space(p[end - 1]))
            end--;
        if (end <= limit && end > from && end >= least)
            best = end;
    }
    if (best > 0)
        return best;
    size_t word = from + (size_t)(WORD_SHARE * (double)(limit - from));
    for (size_t at = limit; at > word; at--) {
        if (at < len && !is_space(p[at])) {
            uint32_t a;
            if (((unsigned char)p[at] & 0xc0) == 0x80)
                continue;
            (void)da_utf8_decode(p + at, p + len, &a);
            if (!da_cp_is_solid(a))
                continue;
        }
        if (da_utf8_grapheme_floor(p, len, at) == at)
            return at;
    }
    size_t g = da_utf8_grapheme_floor(p, len, limit);
    return g > from ? g : char_floor(p, limit);
}

enum da_rc da_cutter_cut(struct da_cutter *c, const char *p, size_t len, size_t max_tokens,
                         bool hard, size_t *cut, size_t *n_tokens, struct da_err *err)
{
    size_t limit, n;
    bool all;
    enum da_rc rc = find_limit(c, p, len, max_tokens, &limit, &all, &n, err);
    if (rc != DA_OK)
        return rc;
    if (all) {
        *cut = len;
        *n_tokens = n;
        return DA_OK;
    }
    if (!hard) {
        size_t window = limit + LOOK_BEYOND < len ? char_floor(p, limit + LOOK_BEYOND) : len;
        da_units_split(&c->units, p, window);
    }
    while (limit > 0) {
        size_t at = hard ? da_utf8_grapheme_floor(p, len, limit)
                         : good_place(&c->units, p, len, 0, limit, DOC_SHARE);
        while (!hard && at > 0 && is_space(p[at - 1]))
            at--; /* hard: it may be the last token that there may be */
        rc = da_cutter_count(c, p, at, &n, err);
        if (rc != DA_OK)
            return rc;
        if (n <= max_tokens) {
            *cut = at;
            *n_tokens = n;
            return DA_OK;
        }
        limit = char_floor(p, limit - 1);
    }
    *cut = 0;
    *n_tokens = 0;
    return DA_OK;
}

/* One chunk from `from`; it carries the white space after it. */
static enum da_rc one_chunk(struct da_cutter *c, const char *p, size_t len, size_t from,
                            size_t max_tokens, struct da_cut_chunk *out, struct da_err *err)
{
    size_t limit, n;
    bool all;
    enum da_rc rc = find_limit(c, p + from, len - from, max_tokens, &limit, &all, &n, err);
    if (rc != DA_OK)
        return rc;
    *out = (struct da_cut_chunk){from, len, n};
    if (all)
        return DA_OK;
    for (limit += from; limit > from; limit = char_floor(p, limit - 1)) {
        size_t at = good_place(&c->units, p, len, from, limit, CHUNK_SHARE), tail = at;
        while (tail < len && is_space(p[tail]))
            tail++;
        for (int k = 0; k < 2; k++, tail = at) {
            rc = da_cutter_count(c, p + from, tail - from, &n, err);
            if (rc != DA_OK)
                return rc;
            if (n <= max_tokens && tail > from) {
                *out = (struct da_cut_chunk){from, tail, n};
                return DA_OK;
            }
        }
    }
    return da_fail(err, DA_ELIMIT, "a single character has more than %zu tokens", max_tokens);
}

enum da_rc da_cutter_chunks(struct da_cutter *c, const char *p, size_t len, size_t max_tokens,
                            struct da_cut_chunks *out, struct da_err *err)
{
    out->n = 0;
    da_units_split(&c->units, p, len);
    for (size_t at = 0; at < len;) {
        struct da_cut_chunk chunk;
        enum da_rc rc = one_chunk(c, p, len, at, max_tokens, &chunk, err);
        if (rc != DA_OK)
            return rc;
        DA_GROW(out->items, out->n, out->cap);
        out->items[out->n++] = chunk;
        at = chunk.end;
    }
    return DA_OK;
}

void da_cut_chunks_release(struct da_cut_chunks *chunks)
{
    free(chunks->items);
    memset(chunks, 0, sizeof *chunks);
}
