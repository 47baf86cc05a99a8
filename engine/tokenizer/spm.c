/*
 * SentencePiece BPE (github.com/google/sentencepiece, bpe_model.cc): neighbours
 * whose union is a token join, the best score first, the leftmost among equals.
 * Spaces are U+2581 by now. When no token of the vocabulary goes on with U+2581
 * after something else, the text can be cut before each run of U+2581 without
 * changing the result; most can, and their pieces are remembered.
 */

#include <string.h>

#include "common/attr.h"
#include "common/utf8.h"
#include "engine/tokenizer/tokenizer_impl.h"

static const char SPACE[] = "\xe2\x96\x81"; /* U+2581 */
enum { SPACE_LEN = 3 };

static bool has_inner_space(struct da_span text)
{
    bool other = false;
    for (size_t i = 0; i < text.len;) {
        if (text.len - i >= SPACE_LEN && memcmp(text.p + i, SPACE, SPACE_LEN) == 0) {
            if (other)
                return true;
            i += SPACE_LEN;
        } else {
            other = true;
            i++;
        }
    }
    return false;
}

bool da_spm_can_cut(const struct da_vocab *v)
{
    for (size_t i = 0; i < v->n; i++)
        if (v->tokens[i].type == DA_TOKEN_NORMAL && has_inner_space(da_vocab_text(v, (int32_t)i)))
            return false;
    return true;
}

enum da_rc da_spm_open(struct da_tokenizer *t, struct da_err *err)
{
    const struct da_vocab *v = t->v;
    enum da_rc rc = da_textmap_build(
        &t->map, v, 1u << DA_TOKEN_NORMAL | 1u << DA_TOKEN_USER | 1u << DA_TOKEN_UNUSED, err);
    t->cut_at_spaces = da_spm_can_cut(v);
    return rc;
}

/* A larger score gives a smaller rank; IEEE 754 bits order like integers once the sign is seen
 * to. */
static uint32_t rank_of_score(float score)
{
    uint32_t bits;
    score += 0.0f; /* -0 and 0 are equal */
    memcpy(&bits, &score, sizeof bits);
    bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return ~bits == DA_MERGE_NONE ? DA_MERGE_NONE - 1 : ~bits;
}

struct spm_text {
    const struct da_tokenizer *t;
    const char *p;
};

static void rank_union(const void *ctx, struct da_merge_node *a, const struct da_merge_node *b,
                       uint32_t end)
{
    const struct spm_text *x = ctx;
    const struct da_vocab *v = x->t->v;
    (void)b;
    a->result = da_textmap_find(&x->t->map, v, da_span(x->p + a->start, end - a->start));
    a->rank = a->result < 0 ? DA_MERGE_NONE : rank_of_score(v->tokens[a->result].score);
}

static enum da_rc encode_piece(const struct da_tokenizer *t, struct da_tok_scratch *s,
                               struct da_span piece, struct da_ids *out, struct da_err *err)
{
    enum da_rc rc = da_merge_reserve(&s->merge, piece.len, err);
    if (rc != DA_OK)
        return rc;
    struct da_merge_node *node = s->merge.nodes;
    const char *end = piece.p + piece.len;
    size_t n = 0;
    for (const char *p = piece.p; p < end; n++) {
        uint32_t cp;
        size_t len = da_utf8_decode(p, end, &cp);
        node[n].start = (uint32_t)(p - piece.p);
        node[n].id = da_textmap_find(&t->map, t->v, da_span(p, len));
        p += len;
    }
    node[n].start = (uint32_t)piece.len;
    struct spm_text x = {t, piece.p};
    da_merge_run(&s->merge, n, rank_union, &x);
    size_t from = out->n;
    for (size_t i = 0; i < n; i = node[i].next) {
        if (node[i].id >= 0)
            da_ids_add(out, node[i].id);
        else
            da_tok_add_unknown(t,
                               da_span(piece.p + node[i].start,
                                       node[node[i].next].start - node[i].start),
                               from, out);
    }
    return DA_OK;
}

/* End of the piece at at: spaces, then everything up to the next space. */
static size_t next_piece(struct da_span text, size_t at)
{
    bool other = false;
    while (at < text.len) {
        if (text.p[at] == SPACE[0] && text.len - at >= SPACE_LEN &&
            memcmp(text.p + at, SPACE, SPACE_LEN) == 0) {
            if (other)
                break;
            at += SPACE_LEN;
        } else {
            other = true;
            at++;
        }
    }
    return at;
}

enum da_rc da_spm_pieces(const struct da_tokenizer *t, struct da_tok_scratch *s,
                         struct da_span text, da_piece_fn encode, struct da_ids *out,
                         struct da_err *err)
{
    if (!t->cut_at_spaces)
        return text.len ? encode(t, s, text, out, err) : DA_OK;
    enum da_rc rc = DA_OK;
    for (size_t at = 0, e; at < text.len && rc == DA_OK; at = e) {
        e = next_piece(text, at);
        struct da_span piece = da_span(text.p + at, e - at);
        if (piece.len > DA_PIECE_MAX_LEN) {
            rc = encode(t, s, piece, out, err);
            continue;
        }
        struct da_piece_key k = da_piece_key(piece.p, piece.len, text.p + text.len);
        da_piece_cache_check(&s->cache);
        struct da_piece_set *set = da_piece_set(s, da_piece_hash(k));
        if (da_piece_get(set, k, out))
            continue;
        size_t from = out->n;
        rc = encode(t, s, piece, out, err);
        if (rc == DA_OK)
            da_piece_put(set, k, out->p + from, out->n - from);
        s->cache.n_put++;
    }
    return rc;
}

enum da_rc da_spm_encode(const struct da_tokenizer *t, struct da_tok_scratch *s,
                         struct da_span text, struct da_ids *out, struct da_err *err)
{
    return da_spm_pieces(t, s, text, encode_piece, out, err);
}
