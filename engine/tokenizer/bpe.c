/*
 * Byte-pair encoding with merges (Sennrich et al. 2016; GPT-2): the piece becomes
 * symbols, then the neighbours whose merge has the lowest rank are joined, the
 * leftmost first, until none is left. Short pieces do it in a plain array, long
 * ones with a heap (merge.h); short results are remembered.
 *
 * A tiktoken vocabulary has no merge list: there two neighbours join when their
 * union is a token. That is the same as this with one merge per token, the last
 * one inside it, because neighbours can only come to span a token's bytes the
 * way they do when that token is encoded alone.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/attr.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "engine/tokenizer/tokenizer_impl.h"

enum { SHORT_MAX = 128 };
static_assert(SHORT_MAX == 1 << 7 && DA_VOCAB_MAX_MERGES <= 1 << 23,
              "a rank and a position share 31 bits");

static void make_byte_pairs(struct da_tokenizer *t)
{
    const struct da_vocab *v = t->v;
    t->byte_pairs = da_malloc(65536 * sizeof *t->byte_pairs);
    for (size_t i = 0; i < 65536; i++)
        t->byte_pairs[i] = (struct da_byte_pair){DA_MERGE_NONE, -1};
    for (size_t i = v->n_merges; i-- > 0;) { /* of equal pairs the first counts */
        const struct da_vocab_merge *m = &v->merges[i];
        if (v->tokens[m->left].len != 1 || v->tokens[m->right].len != 1)
            continue;
        unsigned char a = (unsigned char)v->text.p[v->tokens[m->left].at];
        unsigned char b = (unsigned char)v->text.p[v->tokens[m->right].at];
        if (t->byte_id[a] == m->left && t->byte_id[b] == m->right)
            t->byte_pairs[a << 8 | b] = (struct da_byte_pair){(uint32_t)i, m->result};
    }
}

enum da_rc da_bpe_open(struct da_tokenizer *t, struct da_err *err)
{
    const struct da_vocab *v = t->v;
    enum da_rc rc = da_pairs_build(&t->pairs, v->merges, v->n_merges, err);
    if (rc == DA_OK && (v->ignore_merges || !v->byte_level))
        rc = da_textmap_build(&t->map, v,
                              1u << DA_TOKEN_NORMAL | 1u << DA_TOKEN_USER | 1u << DA_TOKEN_UNUSED,
                              err);
    if (rc != DA_OK || !v->byte_level)
        return rc;
    for (size_t i = v->n; i-- > 0;)
        if (v->tokens[i].len == 1 && v->tokens[i].type == DA_TOKEN_NORMAL)
            t->byte_id[(unsigned char)da_vocab_text(v, (int32_t)i).p[0]] = (int32_t)i;
    make_byte_pairs(t);
    return DA_OK;
}

static void rank_pair(const void *ctx, struct da_merge_node *a, const struct da_merge_node *b,
                      uint32_t end)
{
    (void)end;
    const struct da_pair *p = da_pairs_find(ctx, a->id, b->id);
    a->rank = p ? p->rank : DA_MERGE_NONE;
    a->result = p ? p->result : -1;
}

/*
 * Merges up to SHORT_MAX symbols in place and returns how many are left. A pair's
 * key is its rank with its position below, so one minimum finds the lowest rank
 * and the leftmost of equals; merged-away positions keep an empty key. bytes, when
 * not NULL, are the symbols as bytes.
 */
static size_t merge_short(const struct da_tokenizer *t, int32_t *id, size_t n,
                          const unsigned char *bytes)
{
    enum { INDEX_BITS = 7, NO_KEY = INT32_MAX };
    int32_t key[SHORT_MAX], result[SHORT_MAX];
    uint8_t next[SHORT_MAX + 1], prev[SHORT_MAX + 1];
    size_t width = (n + 15) & ~(size_t)15;
    for (size_t i = 0; i < width; i++)
        key[i] = NO_KEY;
    for (size_t i = 0; i < n; i++) {
        next[i] = (uint8_t)(i + 1);
        prev[i] = (uint8_t)(i - 1);
    }
    for (size_t i = 0; i + 1 < n; i++) {
        if (bytes) {
            const struct da_byte_pair *p = &t->byte_pairs[bytes[i] << 8 | bytes[i + 1]];
            key[i] = p->rank == DA_MERGE_NONE ? NO_KEY : (int32_t)(p->rank << INDEX_BITS | i);
            result[i] = p->result;
        } else {
            const struct da_pair *p = da_pairs_find(&t->pairs, id[i], id[i + 1]);
            key[i] = p ? (int32_t)(p->rank << INDEX_BITS | i) : NO_KEY;
            result[i] = p ? p->result : -1;
        }
    }
    for (;;) {
        int32_t best = NO_KEY;
        for (size_t i = 0; i < width; i++)
            best = key[i] < best ? key[i] : best;
        if (best == NO_KEY)
            break;
        size_t i = (size_t)best & (SHORT_MAX - 1), gone = next[i], after = next[gone];
        id[i] = result[i];
        next[i] = (uint8_t)after;
        prev[after] = (uint8_t)i;
        key[gone] = key[i] = NO_KEY;
        if (after < n) {
            const struct da_pair *p = da_pairs_find(&t->pairs, id[i], id[after]);
            if (p) {
                key[i] = (int32_t)(p->rank << INDEX_BITS | i);
                result[i] = p->result;
            }
        }
        if (i > 0) {
            size_t before = prev[i];
            const struct da_pair *p = da_pairs_find(&t->pairs, id[before], id[i]);
            key[before] = p ? (int32_t)(p->rank << INDEX_BITS | before) : NO_KEY;
            result[before] = p ? p->result : -1;
        }
    }
    size_t left = 0;
    for (size_t i = 0; i < n; i = next[i])
        id[left++] = id[i];
    return left;
}

static enum da_rc merge_long(const struct da_tokenizer *t, struct da_tok_scratch *s,
                             struct da_ids *out, size_t from, struct da_err *err)
{
    size_t n = out->n - from;
    enum da_rc rc = da_merge_reserve(&s->merge, n, err);
    if (rc != DA_OK)
        return rc;
    for (size_t i = 0; i < n; i++)
        s->merge.nodes[i].id = out->p[from + i];
    da_merge_run(&s->merge, n, rank_pair, &t->pairs);
    out->n = from;
    for (size_t i = 0; i < n; i = s->merge.nodes[i].next)
        out->p[out->n++] = s->merge.nodes[i].id;
    return DA_OK;
}

/* Appends the symbols of a piece. */
static void add_symbols(const struct da_tokenizer *t, struct da_span piece, struct da_ids *out)
{
    size_t from = out->n;
    const char *p = piece.p, *end = piece.p + piece.len;
    if (t->v->byte_level) {
        int32_t *ids = da_ids_reserve(out, piece.len);
        for (; p < end; p++) {
            int32_t id = t->byte_id[(unsigned char)*p];
            *ids = id >= 0 ? id : t->v->special[DA_TOK_UNK];
            ids += *ids >= 0;
        }
        out->n = (size_t)(ids - out->p);
        return;
    }
    while (p < end) {
        uint32_t cp;
        struct da_span c = da_span(p, da_utf8_decode(p, end, &cp));
        int32_t id = da_textmap_find(&t->map, t->v, c);
        if (id >= 0)
            da_ids_add(out, id);
        else
            da_tok_add_unknown(t, c, from, out);
        p += c.len;
    }
}

static enum da_rc encode_piece(const struct da_tokenizer *t, struct da_tok_scratch *s,
                               struct da_span piece, struct da_ids *out, struct da_err *err)
{
    if (t->v->ignore_merges) {
        int32_t id = da_textmap_find(&t->map, t->v, piece);
        if (id >= 0) {
            da_ids_add(out, id);
            return DA_OK;
        }
    }
    size_t from = out->n;
    add_symbols(t, piece, out);
    if (out->n - from > SHORT_MAX)
        return merge_long(t, s, out, from, err);
    bool whole = t->v->byte_level && out->n - from == piece.len;
    out->n = from + merge_short(t, out->p + from, out->n - from,
                                whole ? (const unsigned char *)piece.p : NULL);
    return DA_OK;
}

enum { BATCH = 64 };

/* Encodes pieces that lie one after another. Their places in the cache are fetched ahead. */
static enum da_rc encode_batch(const struct da_tokenizer *t, struct da_tok_scratch *s,
                               struct da_span text, size_t at, const uint32_t *ends, size_t n,
                               struct da_ids *out, struct da_err *err)
{
    struct da_piece_key key[BATCH];
    struct da_piece_set *set[BATCH];
    const char *limit = text.p + text.len;
    size_t from = at;
    for (size_t i = 0; i < n; from = ends[i++]) {
        set[i] = NULL;
        if (ends[i] - from > DA_PIECE_MAX_LEN)
            continue;
        key[i] = da_piece_key(text.p + from, ends[i] - from, limit);
        set[i] = da_piece_set(s, key[i]);
        DA_PREFETCH(set[i]);
    }
    enum da_rc rc = DA_OK;
    for (size_t i = 0; i < n && rc == DA_OK; at = ends[i++]) {
        if (DA_LIKELY(set[i] && da_piece_get(set[i], key[i], out)))
            continue;
        size_t old = out->n;
        rc = encode_piece(t, s, da_span(text.p + at, ends[i] - at), out, err);
        if (set[i] && rc == DA_OK)
            da_piece_put(set[i], key[i], out->p + old, out->n - old);
    }
    return rc;
}

/* Cuts text[at, end) by the steps from number step on. */
static enum da_rc encode_steps(const struct da_tokenizer *t, struct da_tok_scratch *s,
                               struct da_span text, size_t at, size_t end, unsigned step,
                               struct da_ids *out, struct da_err *err)
{
    const struct da_split *split = &t->v->split;
    enum da_rc rc = DA_OK;
    uint32_t ends[BATCH];
    while (at < end && rc == DA_OK) {
        size_t n = 1;
        ends[0] = (uint32_t)end;
        if (step < split->n)
            n = da_split_many((enum da_split_step)split->steps[step], text.p, at, end, ends,
                              BATCH);
        if (step + 1 >= split->n)
            rc = encode_batch(t, s, text, at, ends, n, out, err);
        else
            for (size_t i = 0; i < n && rc == DA_OK; at = ends[i++])
                rc = encode_steps(t, s, text, at, ends[i], step + 1, out, err);
        at = ends[n - 1];
    }
    return rc;
}

enum da_rc da_bpe_encode(const struct da_tokenizer *t, struct da_tok_scratch *s,
                         struct da_span text, struct da_ids *out, struct da_err *err)
{
    return encode_steps(t, s, text, 0, text.len, 0, out, err);
}
