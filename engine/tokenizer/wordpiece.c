/*
 * WordPiece (BERT; google-research/bert, tokenization.py): words are cut at white
 * space and around punctuation, then each is covered from the left by the longest
 * tokens; those that go on a word begin with "##". A word that cannot be covered,
 * or has more than 100 characters, is the unknown token.
 */

#include <string.h>

#include "common/utf8.h"
#include "engine/tokenizer/bert_tables.h"
#include "engine/tokenizer/tokenizer_impl.h"
#include "text/uclass.h"

enum { MAX_WORD_CHARS = 100, MAX_WORD_BYTES = 4 * MAX_WORD_CHARS };

enum da_rc da_wordpiece_open(struct da_tokenizer *t, struct da_err *err)
{
    return da_textmap_build(&t->map, t->v,
                            1u << DA_TOKEN_NORMAL | 1u << DA_TOKEN_CONTROL |
                                1u << DA_TOKEN_USER | 1u << DA_TOKEN_UNKNOWN |
                                1u << DA_TOKEN_UNUSED,
                            err);
}

static void encode_word(const struct da_tokenizer *t, struct da_span word, struct da_ids *out)
{
    const char *prefix = t->v->word_prefix;
    size_t n_prefix = strlen(prefix), from = out->n, at = 0;
    char text[MAX_WORD_BYTES + sizeof t->v->word_prefix];
    if (word.len > MAX_WORD_BYTES || da_utf8_count(word.p, word.len) > MAX_WORD_CHARS)
        goto unknown;
    while (at < word.len) {
        size_t before = at > 0 ? n_prefix : 0, end = word.len;
        int32_t id = -1;
        memcpy(text, prefix, before);
        memcpy(text + before, word.p + at, word.len - at);
        for (; end > at; end--) {
            if (end < word.len && ((unsigned char)word.p[end] & 0xc0) == 0x80)
                continue; /* not between characters */
            id = da_textmap_find(&t->map, t->v, da_span(text, before + end - at));
            if (id >= 0)
                break;
        }
        if (id < 0)
            goto unknown;
        da_ids_add(out, id);
        at = end;
    }
    return;
unknown:
    out->n = from;
    if (t->v->special[DA_TOK_UNK] >= 0)
        da_ids_add(out, t->v->special[DA_TOK_UNK]);
}

static bool is_punct(uint32_t cp)
{
    if (cp < 0x80)
        return (cp >= '!' && cp <= '/') || (cp >= ':' && cp <= '@') || (cp >= '[' && cp <= '`') ||
               (cp >= '{' && cp <= '~');
    return da_bert_in(da_bert_puncts, da_bert_n_puncts, cp);
}

enum da_rc da_wordpiece_encode(const struct da_tokenizer *t, struct da_tok_scratch *s,
                               struct da_span text, struct da_ids *out, struct da_err *err)
{
    const char *p = text.p, *end = text.p + text.len, *word = text.p;
    (void)err;
    while (p <= end) {
        uint32_t cp = ' ';
        size_t len = p < end ? da_utf8_decode(p, end, &cp) : 1;
        bool space = da_uclass_is_space(cp), punct = !space && is_punct(cp);
        if (!space && !punct) {
            p += len;
            continue;
        }
        struct da_span w = da_span(word, (size_t)(p - word));
        if (w.len > 0 && w.len <= DA_PIECE_MAX_LEN) {
            struct da_piece_key k = da_piece_key(w.p, w.len, end);
            da_piece_cache_check(&s->cache);
            struct da_piece_set *set = da_piece_set(s, da_piece_hash(k));
            size_t from = out->n;
            if (!da_piece_get(set, k, out)) {
                encode_word(t, w, out);
                da_piece_put(set, k, out->p + from, out->n - from);
                s->cache.n_put++;
            }
        } else if (w.len > 0) {
            encode_word(t, w, out);
        }
        if (punct)
            encode_word(t, da_span(p, len), out);
        p += len;
        word = p;
    }
    return DA_OK;
}
