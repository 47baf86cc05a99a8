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
static_assert(SHORT_MAX == 1 << 7 && DA_VOCAB_MAX_MERGES < 1 << 23,
              "a rank and a position share 31 bits");

static void make_byte_pairs(struct da_tokenizer *t)
{
    const struct da_vocab *v = t->v;
    t->byte_pairs = da_malloc(65536 * sizeof *t->byte_pairs);
    for (size_t i = 0; i < 65536; i++)
        t->byte_pairs[i] = DA_PAIR_NONE;
    for (size_t i = v->n_merges; i-- > 0;) { /* of equal pairs the first counts */
        const struct da_vocab_merge *m = &v->merges[i];
        if (v->tokens[m->left].len != 1 || v->tokens[m->right].len != 1)
            continue;
        unsigned char a = (unsigned char)v->text.p[v->tokens[m->left].at];
        unsigned char b = (unsigned char)v->text.p[v->tokens[m->right].at];
        if (t->byte_id[a] == m->left && t->byte_id[b] == m->right)
            t->byte_pairs[a << 8 | b] = (uint32_t)i;
    }
}

/*
 * A table of the short tokens by their text: a slot has ten bits of the hash over
 * 22 bits of id. A piece that is a token need not be merged when merging could
 * give nothing else.
 */
#define WHOLE_EMPTY UINT32_MAX

static enum da_rc make_wholes(struct da_tokenizer *t, struct da_err *err)
{
    const struct da_vocab *v = t->v;
    unsigned bits = 6;
    while (((size_t)1 << bits) < 2 * v->n)
        bits++;
    size_t mask = ((size_t)1 << bits) - 1;
    t->whole_shift = 64 - bits;
    t->wholes = da_try_alloc(mask + 1, sizeof *t->wholes);
    if (!t->wholes)
        return da_fail(err, DA_ENOMEM, "no memory for %zu tokens", v->n);
    memset(t->wholes, 0xff, (mask + 1) * sizeof *t->wholes);
    const char *end = v->text.p + v->text.len;
    for (size_t i = 0; i < v->n; i++) {
        const struct da_vocab_token *k = &v->tokens[i];
        if (k->len < 2 || k->len > DA_PIECE_MAX_LEN || k->type != DA_TOKEN_NORMAL)
            continue;
        uint64_t h = da_piece_hash(da_piece_key(v->text.p + k->at, k->len, end));
        size_t at = (size_t)(h >> t->whole_shift);
        while (t->wholes[at] != WHOLE_EMPTY)
            at = (at + 1) & mask;
        t->wholes[at] = (uint32_t)(h & 0x3ff) << 22 | (uint32_t)i;
    }
    return DA_OK;
}

/* The token that a piece of 1..DA_PIECE_MAX_LEN bytes is, or -1. */
static int32_t find_whole(const struct da_tokenizer *t, struct da_span piece, const char *end)
{
    uint64_t h = da_piece_hash(da_piece_key(piece.p, piece.len, end));
    size_t mask = ((size_t)1 << (64 - t->whole_shift)) - 1;
    for (size_t at = (size_t)(h >> t->whole_shift); t->wholes[at] != WHOLE_EMPTY;
         at = (at + 1) & mask) {
        int32_t id = (int32_t)(t->wholes[at] & 0x3fffff);
        if (t->wholes[at] >> 22 == (h & 0x3ff) && da_span_eq(da_vocab_text(t->v, id), piece))
            return id;
    }
    return -1;
}

/* Where tokens are numbered by the rank of their merge, one look into memory less. */
static int32_t find_merge_base(const struct da_vocab *v)
{
    int32_t base = v->n_merges > 0 ? v->merges[0].result : -1;
    for (size_t i = 0; i < v->n_merges; i++)
        if (v->merges[i].result - base != (int32_t)i)
            return -1;
    return base;
}

static inline int32_t result_of(const struct da_tokenizer *t, uint32_t rank)
{
    return t->merge_base >= 0 ? t->merge_base + (int32_t)rank : t->v->merges[rank].result;
}

enum da_rc da_bpe_open(struct da_tokenizer *t, struct da_err *err)
{
    const struct da_vocab *v = t->v;
    t->merge_base = find_merge_base(v);
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
    return v->all_reachable ? make_wholes(t, err) : DA_OK;
}

static void rank_pair(const void *ctx, struct da_merge_node *a, const struct da_merge_node *b,
                      uint32_t end)
{
    const struct da_tokenizer *t = ctx;
    (void)end;
    a->rank = da_pairs_find(&t->pairs, a->id, b->id);
    a->result = a->rank == DA_PAIR_NONE ? -1 : result_of(t, a->rank);
}

enum { INDEX_BITS = 7, NO_KEY = INT32_MAX };

/* The rank of a pair with its position below, so that one minimum finds the lowest rank and the
 * leftmost of equals. */
static inline int32_t key_of(uint32_t rank, size_t at)
{
    return rank == DA_PAIR_NONE ? NO_KEY : (int32_t)(rank << INDEX_BITS | (uint32_t)at);
}

/* Merges up to SHORT_MAX symbols in place and returns how many are left; merged-away positions keep
 * an empty key. bytes, when not NULL, are the symbols as bytes. */
static size_t merge_short(const struct da_tokenizer *t, int32_t *id, size_t n,
                          const unsigned char *bytes)
{
    int32_t key[SHORT_MAX];
    uint8_t next[SHORT_MAX + 1], prev[SHORT_MAX + 1];
    size_t width = (n + 15) & ~(size_t)15;
    for (size_t i = n ? n - 1 : 0; i < width; i++)
        key[i] = NO_KEY;
    for (size_t i = 0; i + 1 < n; i++)
        key[i] = key_of(bytes ? t->byte_pairs[bytes[i] << 8 | bytes[i + 1]]
                              : da_pairs_find(&t->pairs, id[i], id[i + 1]),
                        i);
    for (size_t i = 0; i < n; i++) {
        next[i] = (uint8_t)(i + 1);
        prev[i] = (uint8_t)(i - 1);
    }
    for (;;) {
        int32_t best = NO_KEY;
        for (size_t i = 0; i < width; i++)
            best = key[i] < best ? key[i] : best;
        if (best == NO_KEY)
            break;
        size_t i = (size_t)best & (SHORT_MAX - 1), gone = next[i], after = next[gone];
        id[i] = result_of(t, (uint32_t)best >> INDEX_BITS);
        next[i] = (uint8_t)after;
        prev[after] = (uint8_t)i;
        key[gone] = key[i] = NO_KEY;
        if (after < n)
            key[i] = key_of(da_pairs_find(&t->pairs, id[i], id[after]), i);
        if (i > 0) {
            size_t before = prev[i];
            key[before] = key_of(da_pairs_find(&t->pairs, id[before], id[i]), before);
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
    da_merge_run(&s->merge, n, rank_pair, t);
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
        int32_t unk = t->v->drop_unk ? -1 : t->v->special[DA_TOK_UNK];
        for (; p < end; p++) {
            int32_t id = t->byte_id[(unsigned char)*p];
            *ids = id >= 0 ? id : unk;
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

/* The place of a piece of 16 bytes or more in the cache of long ones. */
static struct da_long_entry *long_entry(const struct da_tok_scratch *s, const char *p, size_t len)
{
    uint64_t h = len, w;
    for (size_t i = 0; i + 8 < len; i += 8) {
        memcpy(&w, p + i, 8);
        h = (h ^ w) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    memcpy(&w, p + len - 8, 8);
    h = (h ^ w) * 0xbf58476d1ce4e5b9u;
    return &s->longs[h >> (64 - DA_LONG_CACHE_BITS)];
}

static void put_long(struct da_long_entry *e, struct da_span piece, const int32_t *ids, size_t n)
{
    if (n > DA_LONG_MAX_IDS)
        return;
    e->len = (uint8_t)piece.len;
    e->n_ids = (uint8_t)n;
    memcpy(e->text, piece.p, piece.len);
    memcpy(e->ids, ids, n * sizeof *ids);
}

/* A piece that the first look into its cache did not find; le is its place among the long ones,
 * set among the short ones, at most one of them not NULL. */
static enum da_rc encode_missed(const struct da_tokenizer *t, struct da_tok_scratch *s,
                                struct da_span piece, struct da_piece_set *set,
                                const struct da_piece_key *key, struct da_long_entry *le,
                                const char *limit, struct da_ids *out, struct da_err *err)
{
    size_t old = out->n;
    if (le && le->len == piece.len && memcmp(le->text, piece.p, piece.len) == 0) {
        memcpy(da_ids_reserve(out, DA_LONG_MAX_IDS), le->ids, sizeof le->ids);
        out->n += le->n_ids;
        return DA_OK;
    }
    enum da_rc rc = DA_OK;
    int32_t whole = set && t->wholes ? find_whole(t, piece, limit) : -1;
    if (whole >= 0)
        da_ids_add(out, whole);
    else
        rc = encode_piece(t, s, piece, out, err);
    if (set && rc == DA_OK)
        da_piece_put(set, *key, out->p + old, out->n - old);
    if (le && rc == DA_OK)
        put_long(le, piece, out->p + old, out->n - old);
    return rc;
}

/* Encodes pieces that lie one after another. Their places in the cache are fetched ahead. */
static enum da_rc encode_batch(const struct da_tokenizer *t, struct da_tok_scratch *s,
                               struct da_span text, size_t at, const uint32_t *ends, size_t n,
                               struct da_ids *out, struct da_err *err)
{
    struct da_piece_key key[BATCH];
    struct da_piece_set *set[BATCH];
    struct da_long_entry *le[BATCH];
    const char *limit = text.p + text.len;
    size_t from = at;
    for (size_t i = 0; i < n; from = ends[i++]) {
        set[i] = NULL;
        le[i] = NULL;
        if (ends[i] - from > DA_PIECE_MAX_LEN) {
            if (ends[i] - from <= DA_LONG_MAX_LEN) {
                le[i] = long_entry(s, text.p + from, ends[i] - from);
                DA_PREFETCH(le[i]);
                DA_PREFETCH(le[i]->ids);
            }
            continue;
        }
        key[i] = da_piece_key(text.p + from, ends[i] - from, limit);
        set[i] = da_piece_set(s, key[i]);
        DA_PREFETCH(set[i]);
    }
    for (size_t i = 0; i < n && t->wholes; i++) /* what is not remembered is looked up there */
        if (set[i] && !da_piece_find(set[i], key[i]))
            DA_PREFETCH(&t->wholes[da_piece_hash(key[i]) >> t->whole_shift]);
    enum da_rc rc = DA_OK;
    int32_t *to = da_ids_reserve(out, BATCH * DA_PIECE_MAX_IDS);
    for (size_t i = 0; i < n && rc == DA_OK; at = ends[i++]) {
        const struct da_piece_entry *e = set[i] ? da_piece_find(set[i], key[i]) : NULL;
        if (DA_LIKELY(e != NULL)) {
            memcpy(to, e->ids, sizeof e->ids);
            to += e->key.w[1] >> 60;
            continue;
        }
        out->n = (size_t)(to - out->p);
        rc = encode_missed(t, s, da_span(text.p + at, ends[i] - at), set[i], &key[i], le[i], limit,
                           out, err);
        to = da_ids_reserve(out, BATCH * DA_PIECE_MAX_IDS);
    }
    out->n = (size_t)(to - out->p);
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
