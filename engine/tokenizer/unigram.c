/*
 * SentencePiece Unigram (Kudo 2018; unigram_model.cc): of all ways to write the
 * text as tokens the one with the highest sum of scores, found from left to right
 * (Viterbi). A character without a token of its own costs ten more than the worst
 * token. As in bpe.c and spm.c short pieces are remembered.
 *
 * Between equally good ways rounding decides: sentencepiece sums floats over the
 * whole text, Hugging Face's library doubles over each word (float_scores).
 */

#include <float.h>
#include <string.h>

#include "common/utf8.h"
#include "engine/tokenizer/tokenizer_impl.h"
#include "engine/tokenizer/trie.h"

#define UNKNOWN_PENALTY 10.0

static double score_of(const struct da_vocab *v, size_t id)
{
    return v->exact_scores ? v->exact_scores[id] : (double)v->tokens[id].score;
}

enum da_rc da_unigram_open(struct da_tokenizer *t, struct da_err *err)
{
    const struct da_vocab *v = t->v;
    t->unknown_score = DBL_MAX;
    for (size_t i = 0; i < v->n; i++)
        if (v->tokens[i].type == DA_TOKEN_NORMAL && score_of(v, i) < t->unknown_score)
            t->unknown_score = score_of(v, i);
    t->unknown_score -= UNKNOWN_PENALTY;
    if (v->float_scores)
        t->unknown_score = (double)(float)t->unknown_score;
    t->cut_at_spaces = !v->float_scores && da_spm_can_cut(v);
    return da_trie_new(&t->trie, v, 1u << DA_TOKEN_NORMAL, err);
}

void da_unigram_release(struct da_tokenizer *t)
{
    da_trie_free(t->trie);
    t->trie = NULL;
}

/* The best way to each offset: where its last token starts, and which it is (-1: unknown). */
static void search(const struct da_tokenizer *t, struct da_span text, struct da_best_path *best)
{
    const struct da_vocab *v = t->v;
    for (size_t i = 1; i <= text.len; i++)
        best[i] = (struct da_best_path){-DBL_MAX, UINT32_MAX, -1};
    best[0].score = 0;
    for (size_t at = 0; at < text.len;) {
        uint32_t cp;
        size_t char_len = da_utf8_decode(text.p + at, text.p + text.len, &cp);
        bool has_char = false;
        uint32_t node = DA_TRIE_ROOT;
        for (size_t end = at; end < text.len;) {
            node = da_trie_step(t->trie, node, (unsigned char)text.p[end++]);
            if (node == UINT32_MAX)
                break;
            int32_t id = da_trie_token(t->trie, node);
            if (id < 0)
                continue;
            double score = best[at].score + score_of(v, (size_t)id);
            if (v->float_scores)
                score = (double)(float)score;
            if (best[end].start == UINT32_MAX || score > best[end].score)
                best[end] = (struct da_best_path){score, (uint32_t)at, id};
            has_char = has_char || end - at == char_len;
        }
        struct da_best_path *next = &best[at + char_len];
        double score = best[at].score + t->unknown_score;
        if (v->float_scores)
            score = (double)(float)score;
        if (!has_char && (next->start == UINT32_MAX || score > next->score))
            *next = (struct da_best_path){score, (uint32_t)at, -1};
        at += char_len;
    }
}

static enum da_rc encode_piece(const struct da_tokenizer *t, struct da_tok_scratch *s,
                               struct da_span piece, struct da_ids *out, struct da_err *err)
{
    enum da_rc rc = da_tok_reserve_path(s, piece.len, err);
    if (rc != DA_OK)
        return rc;
    struct da_best_path *best = s->path;
    search(t, piece, best);
    /* Turn the links around: from each offset to where its token ends. */
    size_t from = out->n;
    uint32_t next = (uint32_t)piece.len;
    int32_t id = -1;
    for (uint32_t at = next; at > 0;) {
        uint32_t start = best[at].start;
        int32_t token = best[at].id;
        best[at].start = next;
        best[at].id = id;
        next = at;
        id = token;
        at = start;
    }
    for (uint32_t at = 0; at < piece.len;) {
        if (id >= 0)
            da_ids_add(out, id);
        else
            da_tok_add_unknown(t, da_span(piece.p + at, next - at), from, out);
        at = next;
        id = best[at].id;
        next = best[at].start;
    }
    return DA_OK;
}

enum da_rc da_unigram_encode(const struct da_tokenizer *t, struct da_tok_scratch *s,
                             struct da_span text, struct da_ids *out, struct da_err *err)
{
    return da_spm_pieces(t, s, text, encode_piece, out, err);
}
