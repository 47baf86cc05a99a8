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

/* What the first slot for a hash speaks of: a token that may be the piece, or -1. */
static inline int32_t first_whole(const struct da_tokenizer *t, uint64_t h)
{
    uint32_t slot = t->wholes[h >> t->whole_shift];
    return slot == WHOLE_EMPTY ? -1 : (int32_t)(slot & 0x3fffff);
}

/* The token that a piece of 1..DA_PIECE_MAX_LEN bytes with hash h is, or -1. */
static int32_t find_whole(const struct da_tokenizer *t, struct da_span piece, uint64_t h)
{
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
    rc = da_byte_pairs_build(t, err);
    t->by_jobs = rc == DA_OK && da_byte_pairs_cover(t);
    return rc == DA_OK && v->all_reachable ? make_wholes(t, err) : rc;
}

static void rank_pair(const void *ctx, struct da_merge_node *a, const struct da_merge_node *b,
                      uint32_t end)
{
    const struct da_tokenizer *t = ctx;
    (void)end;
    a->rank = da_pairs_find(&t->pairs, a->id, b->id);
    a->result = a->rank == DA_PAIR_NONE ? -1 : da_bpe_result(t, a->rank);
}

enum { INDEX_BITS = 7, NO_KEY = INT32_MAX };

/* The rank of a pair with its position below, so that one minimum finds the lowest rank and the
 * leftmost of equals. */
static inline int32_t key_of(uint32_t rank, size_t at)
{
    return rank == DA_PAIR_NONE ? NO_KEY : (int32_t)(rank << INDEX_BITS | (uint32_t)at);
}

/* Merges up to SHORT_MAX symbols in place and returns how many are left; merged-away positions keep
 * an empty key. */
static size_t merge_short(const struct da_tokenizer *t, int32_t *id, size_t n)
{
    int32_t key[SHORT_MAX];
    uint8_t next[SHORT_MAX + 1], prev[SHORT_MAX + 1];
    size_t width = (n + 15) & ~(size_t)15;
    for (size_t i = n ? n - 1 : 0; i < width; i++)
        key[i] = NO_KEY;
    for (size_t i = 0; i + 1 < n; i++)
        key[i] = key_of(da_pairs_find(&t->pairs, id[i], id[i + 1]), i);
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
        id[i] = da_bpe_result(t, (uint32_t)best >> INDEX_BITS);
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
    out->n = from + merge_short(t, out->p + from, out->n - from);
    return DA_OK;
}

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
    return &s->cache.longs[h >> (64 - s->cache.long_bits)];
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

/* Pieces that lie one after another, on their way through the caches. */
struct batch {
    const struct da_tokenizer *t;
    struct da_tok_scratch *s;
    struct da_span piece[DA_BPE_BATCH];
    struct da_piece_key key[DA_BPE_BATCH];
    struct da_piece_set *set[DA_BPE_BATCH]; /* a short one's place in the cache, or NULL */
    struct da_long_entry *le[DA_BPE_BATCH]; /* a long one's, or NULL */
    uint64_t hash[DA_BPE_BATCH];            /* of the key */
    const struct da_piece_entry *entry[DA_BPE_BATCH]; /* where the piece was seen */
    int32_t whole[DA_BPE_BATCH];            /* the token that it is, or -1 */
    struct da_merge_job *job[DA_BPE_BATCH]; /* holds its ids, or NULL */
    uint8_t missed[DA_BPE_BATCH];           /* those that are in no cache, n_missed of them */
    size_t n, n_missed;
};

static inline bool is_long_entry(const struct da_long_entry *e, struct da_span piece)
{
    return e->len == piece.len && memcmp(e->text, piece.p, piece.len) == 0;
}

/* Takes up pieces; their places in the caches are fetched ahead. */
static void begin_batch(struct batch *b, const char *limit, const char *p, const char *base,
                        const uint32_t *ends)
{
    for (size_t i = 0; i < b->n; i++) {
        size_t len = (size_t)(base + ends[i] - p);
        b->piece[i] = da_span(p, len);
        b->set[i] = NULL;
        b->le[i] = NULL;
        if (DA_LIKELY(len <= DA_PIECE_MAX_LEN)) {
            b->key[i] = da_piece_key(p, len, limit);
            b->hash[i] = da_piece_hash(b->key[i]);
            b->set[i] = da_piece_set(b->s, b->hash[i]);
            DA_PREFETCH(b->set[i]);
        } else if (len <= DA_LONG_MAX_LEN) {
            b->le[i] = long_entry(b->s, p, len);
            DA_PREFETCH(b->le[i]);
            DA_PREFETCH(b->le[i]->ids);
        }
        p += len;
    }
}

static void find_missed(struct batch *b)
{
    b->n_missed = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (DA_LIKELY(b->set[i] != NULL)) {
            b->entry[i] = da_piece_way(b->set[i], b->key[i]);
            if (DA_LIKELY(da_piece_is(b->entry[i], b->key[i])))
                continue;
            if (b->t->wholes)
                DA_PREFETCH(&b->t->wholes[b->hash[i] >> b->t->whole_shift]);
        } else if (b->le[i] && is_long_entry(b->le[i], b->piece[i])) {
            continue;
        }
        b->whole[i] = -1;
        b->job[i] = NULL;
        b->missed[b->n_missed++] = (uint8_t)i;
    }
}

/* Looks which of the missed pieces are tokens. What a step reads, the one before has fetched. */
static void find_wholes(struct batch *b)
{
    const struct da_vocab *v = b->t->v;
    for (size_t k = 0; k < b->n_missed; k++) {
        size_t i = b->missed[k];
        b->whole[i] = b->set[i] ? first_whole(b->t, b->hash[i]) : -1;
        if (b->whole[i] >= 0)
            DA_PREFETCH(&v->tokens[b->whole[i]]);
    }
    for (size_t k = 0; k < b->n_missed; k++) {
        size_t i = b->missed[k];
        if (b->whole[i] >= 0)
            DA_PREFETCH(v->text.p + v->tokens[b->whole[i]].at);
    }
    for (size_t k = 0; k < b->n_missed; k++) {
        size_t i = b->missed[k];
        if (b->whole[i] >= 0)
            b->whole[i] = find_whole(b->t, b->piece[i], b->hash[i]);
    }
}

/* Merges what is left, all together. */
static void run_jobs(struct batch *b)
{
    size_t n = 0;
    if (!b->s->jobs)
        b->s->jobs = da_malloc(DA_BPE_BATCH * sizeof *b->s->jobs);
    for (size_t k = 0; k < b->n_missed; k++) {
        size_t i = b->missed[k];
        if (b->whole[i] < 0 && b->t->v->ignore_merges)
            b->whole[i] = da_textmap_find(&b->t->map, b->t->v, b->piece[i]);
        if (b->whole[i] >= 0 || b->piece[i].len > DA_JOB_MAX_LEN)
            continue;
        b->job[i] = &b->s->jobs[n++];
        da_merge_job_set(b->t, b->job[i], b->piece[i].p, b->piece[i].len);
    }
    da_merge_jobs_run(b->t, b->s->jobs, n);
}

/* Appends the ids of a missed piece and remembers them. */
static enum da_rc add_missed(struct batch *b, size_t i, struct da_ids *out, struct da_err *err)
{
    size_t old = out->n;
    enum da_rc rc = DA_OK;
    if (b->whole[i] >= 0) {
        da_ids_add(out, b->whole[i]);
    } else if (b->job[i]) {
        size_t n = b->job[i]->n;
        memcpy(da_ids_reserve(out, n), b->job[i]->id, n * sizeof *out->p);
        out->n += n;
    } else {
        rc = encode_piece(b->t, b->s, b->piece[i], out, err);
    }
    if (b->set[i] && rc == DA_OK)
        da_piece_put(b->set[i], b->key[i], out->p + old, out->n - old);
    if (b->le[i] && rc == DA_OK)
        put_long(b->le[i], b->piece[i], out->p + old, out->n - old);
    return rc;
}

/* Appends the ids of all pieces. Remembering one may drive out another that had been there when
 * the missed ones were found; such a piece starts anew. */
static enum da_rc end_batch(struct batch *b, struct da_ids *out, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    int32_t *to = da_ids_reserve(out, DA_BPE_BATCH * DA_PIECE_MAX_IDS);
    for (size_t i = 0, k = 0; i < b->n && rc == DA_OK; i++) {
        bool missed = k < b->n_missed && b->missed[k] == i;
        k += missed;
        if (DA_LIKELY(b->set[i] && da_piece_is(b->entry[i], b->key[i]))) {
            memcpy(to, b->entry[i]->ids, sizeof b->entry[i]->ids);
            to += b->entry[i]->key.w[1] >> 60;
            continue;
        }
        out->n = (size_t)(to - out->p);
        if (b->le[i] && is_long_entry(b->le[i], b->piece[i])) {
            memcpy(da_ids_reserve(out, DA_LONG_MAX_IDS), b->le[i]->ids, sizeof b->le[i]->ids);
            out->n += b->le[i]->n_ids;
        } else {
            if (!missed) {
                b->whole[i] = -1;
                b->job[i] = NULL;
            }
            rc = add_missed(b, i, out, err);
        }
        to = da_ids_reserve(out, DA_BPE_BATCH * DA_PIECE_MAX_IDS);
    }
    out->n = (size_t)(to - out->p);
    return rc;
}

/* Encodes n pieces that lie one after another from at on. */
static enum da_rc encode_batch(const struct da_tokenizer *t, struct da_tok_scratch *s,
                               struct da_span text, size_t at, const uint32_t *ends, size_t n,
                               struct da_ids *out, struct da_err *err)
{
    struct batch b;
    da_piece_cache_check(&s->cache);
    b.t = t;
    b.s = s;
    b.n = n;
    begin_batch(&b, text.p + text.len, text.p + at, text.p, ends);
    find_missed(&b);
    s->cache.n_put += b.n_missed;
    if (b.n_missed > 0 && t->wholes)
        find_wholes(&b);
    if (b.n_missed > 0 && t->by_jobs)
        run_jobs(&b);
    return end_batch(&b, out, err);
}

/* Cuts text[at, end) by the steps from number step on. */
static enum da_rc encode_steps(const struct da_tokenizer *t, struct da_tok_scratch *s,
                               struct da_span text, size_t at, size_t end, unsigned step,
                               struct da_ids *out, struct da_err *err)
{
    const struct da_split *split = &t->v->split;
    enum da_rc rc = DA_OK;
    uint32_t ends[DA_BPE_BATCH];
    while (at < end && rc == DA_OK) {
        size_t n = 1;
        ends[0] = (uint32_t)end;
        if (step < split->n)
            n = da_split_many((enum da_split_step)split->steps[step], text.p, at, end, ends,
                              DA_BPE_BATCH);
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
