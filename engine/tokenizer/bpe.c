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

#include <string.h>

#include "common/attr.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "engine/tokenizer/tokenizer_impl.h"

enum { SHORT_MAX = 96 };

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

static inline void find_pair(const struct da_pairs *pairs, const int32_t *id, size_t i,
                             uint32_t *rank, int32_t *result)
{
    const struct da_pair *p = da_pairs_find(pairs, id[i], id[i + 1]);
    rank[i] = p ? p->rank : DA_MERGE_NONE;
    result[i] = p ? p->result : -1;
}

/* Merges in place; returns how many symbols are left. */
static size_t merge_short(const struct da_pairs *pairs, int32_t *id, size_t n)
{
    uint32_t rank[SHORT_MAX];
    int32_t result[SHORT_MAX];
    for (size_t i = 0; i + 1 < n; i++)
        find_pair(pairs, id, i, rank, result);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (rank[i] < rank[best])
                best = i;
        if (rank[best] == DA_MERGE_NONE)
            break;
        id[best] = result[best];
        n--;
        size_t move = n - best - 1; /* symbols behind the merged one */
        memmove(id + best + 1, id + best + 2, move * sizeof *id);
        memmove(rank + best, rank + best + 1, move * sizeof *rank);
        memmove(result + best, result + best + 1, move * sizeof *result);
        if (best + 1 < n)
            find_pair(pairs, id, best, rank, result);
        if (best > 0)
            find_pair(pairs, id, best - 1, rank, result);
    }
    return n;
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
    out->n = from + merge_short(&t->pairs, out->p + from, out->n - from);
    return DA_OK;
}

static inline enum da_rc encode_cached(const struct da_tokenizer *t, struct da_tok_scratch *s,
                                       struct da_span piece, const char *end, struct da_ids *out,
                                       struct da_err *err)
{
    if (piece.len > DA_PIECE_MAX_LEN)
        return encode_piece(t, s, piece, out, err);
    uint64_t key[2];
    struct da_piece_entry *e = da_piece_slot(s, piece.p, piece.len, end, key);
    uint8_t *n = &s->cache_n[e - s->cache];
    if (DA_LIKELY(e->key[0] == key[0] && e->key[1] == key[1])) {
        memcpy(da_ids_reserve(out, DA_PIECE_MAX_IDS), e->ids, sizeof e->ids);
        out->n += *n;
        return DA_OK;
    }
    size_t from = out->n;
    enum da_rc rc = encode_piece(t, s, piece, out, err);
    if (rc == DA_OK && out->n - from <= DA_PIECE_MAX_IDS) {
        memcpy(e->key, key, sizeof key);
        memcpy(e->ids, out->p + from, (out->n - from) * sizeof *e->ids);
        *n = (uint8_t)(out->n - from);
    }
    return rc;
}

/* Cuts text[at, end) by the steps from number step on. */
static enum da_rc encode_steps(const struct da_tokenizer *t, struct da_tok_scratch *s,
                               struct da_span text, size_t at, size_t end, unsigned step,
                               struct da_ids *out, struct da_err *err)
{
    const struct da_presplit *split = &t->v->split;
    enum da_rc rc = DA_OK;
    while (at < end && rc == DA_OK) {
        size_t e = end;
        if (step < split->n)
            e = da_presplit_next((enum da_presplit_step)split->steps[step], text.p, at, end);
        if (step + 1 < split->n)
            rc = encode_steps(t, s, text, at, e, step + 1, out, err);
        else
            rc = encode_cached(t, s, da_span(text.p + at, e - at), text.p + text.len, out, err);
        at = e;
    }
    return rc;
}

enum da_rc da_bpe_encode(const struct da_tokenizer *t, struct da_tok_scratch *s,
                         struct da_span text, struct da_ids *out, struct da_err *err)
{
    return encode_steps(t, s, text, 0, text.len, 0, out, err);
}
