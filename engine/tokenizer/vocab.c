/* The vocabulary description and GPT-2's byte alphabet (openai/gpt-2, encoder.py). */

#include "engine/tokenizer/vocab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/attr.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "engine/tokenizer/textmap.h"

static const char *const norm_names[] = {
    [DA_NORM_NFC] = "nfc",
    [DA_NORM_NFD] = "nfd",
    [DA_NORM_NFKC] = "nfkc",
    [DA_NORM_NFKD] = "nfkd",
    [DA_NORM_LOWERCASE] = "lowercase",
    [DA_NORM_STRIP_ACCENTS] = "strip_accents",
    [DA_NORM_STRIP_MARKS] = "strip_marks",
    [DA_NORM_BERT_CLEAN] = "bert_clean",
    [DA_NORM_BERT_CJK] = "bert_cjk",
    [DA_NORM_CHARSMAP] = "charsmap",
    [DA_NORM_COLLAPSE_SPACES] = "collapse_spaces",
    [DA_NORM_COLLAPSE_WHITE] = "collapse_white_space",
    [DA_NORM_SQUEEZE_SPACES] = "squeeze_spaces",
    [DA_NORM_STRIP_LEFT] = "strip_left",
    [DA_NORM_STRIP_RIGHT] = "strip_right",
};

const char *da_norm_name(enum da_norm_step step)
{
    return norm_names[step];
}

int da_norm_by_name(struct da_span name)
{
    for (size_t i = 0; i < DA_ARRAY_LEN(norm_names); i++)
        if (da_span_is(name, norm_names[i]))
            return (int)i;
    return -1;
}

struct da_vocab *da_vocab_new(enum da_vocab_kind kind)
{
    struct da_vocab *v = da_calloc(1, sizeof *v);
    v->kind = kind;
    da_buf_init(&v->text, 0);
    da_buf_init(&v->charsmap, 0);
    da_buf_init(&v->chat_template, 0);
    for (int i = 0; i < DA_TOK_N_SPECIAL; i++)
        v->special[i] = -1;
    return v;
}

void da_vocab_free(struct da_vocab *v)
{
    if (!v)
        return;
    if (!v->borrowed) {
        da_buf_release(&v->text);
        free(v->tokens);
        free(v->merges);
    }
    da_buf_release(&v->charsmap);
    da_buf_release(&v->chat_template);
    free(v->exact_scores);
    free(v);
}

enum da_rc da_vocab_add(struct da_vocab *v, struct da_span text, float score,
                        enum da_token_type type, unsigned flags, struct da_err *err)
{
    assert(!v->borrowed);
    if (v->n >= DA_VOCAB_MAX_TOKENS)
        return da_fail(err, DA_ELIMIT, "the vocabulary has more than %d tokens",
                       DA_VOCAB_MAX_TOKENS);
    if (text.len > DA_VOCAB_MAX_TOKEN_LEN)
        return da_fail(err, DA_ELIMIT, "token %zu is longer than %d bytes", v->n,
                       DA_VOCAB_MAX_TOKEN_LEN);
    DA_GROW(v->tokens, v->n, v->cap);
    struct da_vocab_token *t = &v->tokens[v->n];
    memset(t, 0, sizeof *t); /* padding too: the array is hashed */
    t->at = (uint32_t)v->text.len;
    t->len = (uint32_t)text.len;
    t->score = score;
    t->type = (uint8_t)type;
    t->flags = (uint8_t)flags;
    da_buf_add(&v->text, text.p, text.len);
    if (v->text.overflow)
        return da_buf_check(&v->text, "the vocabulary", err);
    v->n++;
    return DA_OK;
}

enum da_rc da_vocab_add_merge(struct da_vocab *v, int32_t left, int32_t right, int32_t result,
                              struct da_err *err)
{
    assert(!v->borrowed);
    if (v->n_merges >= DA_VOCAB_MAX_MERGES)
        return da_fail(err, DA_ELIMIT, "the vocabulary has more than %d merges",
                       DA_VOCAB_MAX_MERGES);
    DA_GROW(v->merges, v->n_merges, v->cap_merges);
    v->merges[v->n_merges++] = (struct da_vocab_merge){left, right, result};
    return DA_OK;
}

struct da_span da_vocab_text(const struct da_vocab *v, int32_t id)
{
    if (id < 0 || (size_t)id >= v->n)
        return da_span("", 0);
    return da_span(v->text.p + v->tokens[id].at, v->tokens[id].len);
}

/* Printable bytes stand for themselves, the other 68 follow from U+0100. */
static bool is_printable(unsigned b)
{
    return (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
}

static uint32_t printable_of(unsigned char b)
{
    if (is_printable(b))
        return b;
    if (b <= ' ')
        return 0x100u + b;
    return b <= 0xa0 ? 0x100u + 33 + (b - 0x7fu) : 0x143; /* the last is 0xad */
}

static int byte_of(uint32_t cp)
{
    if (cp < 0x100)
        return is_printable((unsigned)cp) ? (int)cp : -1;
    if (cp <= 0x120)
        return (int)(cp - 0x100);
    if (cp <= 0x142)
        return (int)(cp - 0x121 + 0x7f);
    return cp == 0x143 ? 0xad : -1;
}

void da_printable_from_bytes(struct da_span bytes, struct da_buf *out)
{
    for (size_t i = 0; i < bytes.len; i++)
        da_buf_add_utf8(out, printable_of((unsigned char)bytes.p[i]));
}

bool da_bytes_from_printable(struct da_span text, struct da_buf *out)
{
    size_t old = out->len;
    const char *end = text.p + text.len;
    for (const char *p = text.p; p < end;) {
        uint32_t cp;
        p += da_utf8_decode(p, end, &cp);
        int b = byte_of(cp);
        if (b < 0) {
            da_buf_truncate(out, old);
            return false;
        }
        da_buf_add_char(out, (char)b);
    }
    return true;
}

void da_vocab_spelling(const struct da_vocab *v, int32_t id, struct da_buf *out)
{
    struct da_span text = da_vocab_text(v, id);
    bool normal = v->tokens[id].type == DA_TOKEN_NORMAL;
    size_t n = strlen(v->word_prefix);
    if (v->kind == DA_VOCAB_WORDPIECE && normal && da_span_starts(text, v->word_prefix)) {
        da_buf_add(out, text.p + n, text.len - n);
    } else if (v->kind == DA_VOCAB_WORDPIECE && normal &&
               !(text.len > 2 && text.p[0] == '[' && text.p[text.len - 1] == ']')) {
        da_buf_add_str(out, "\xe2\x96\x81");
        da_buf_add(out, text.p, text.len);
    } else if (v->byte_level && normal) {
        da_printable_from_bytes(text, out);
    } else {
        da_buf_add(out, text.p, text.len);
    }
}

static bool to_bytes(const struct da_vocab *v, struct da_span text, struct da_buf *out)
{
    if (v->byte_level)
        return da_bytes_from_printable(text, out);
    da_buf_add(out, text.p, text.len);
    return true;
}

enum da_rc da_vocab_add_merge_text(struct da_vocab *v, const struct da_textmap *map,
                                   struct da_span left, struct da_span right,
                                   struct da_buf *bytes, struct da_err *err)
{
    da_buf_reset(bytes);
    if (!to_bytes(v, left, bytes))
        return DA_OK;
    size_t n = bytes->len;
    if (!to_bytes(v, right, bytes))
        return DA_OK;
    int32_t l = da_textmap_find(map, v, da_span(bytes->p, n));
    int32_t r = da_textmap_find(map, v, da_span(bytes->p + n, bytes->len - n));
    int32_t both = da_textmap_find(map, v, da_span(bytes->p, bytes->len));
    return l < 0 || r < 0 || both < 0 ? DA_OK : da_vocab_add_merge(v, l, r, both, err);
}

void da_vocab_set_bert(struct da_vocab *v, bool strip_accents, bool lowercase)
{
    v->add_bos = v->add_sep = true;
    memcpy(v->word_prefix, "##", 3);
    v->n_norm = 0;
    v->norm[v->n_norm++] = DA_NORM_BERT_CLEAN;
    v->norm[v->n_norm++] = DA_NORM_BERT_CJK;
    if (strip_accents) {
        v->norm[v->n_norm++] = DA_NORM_NFD;
        v->norm[v->n_norm++] = DA_NORM_STRIP_ACCENTS;
    }
    if (lowercase)
        v->norm[v->n_norm++] = DA_NORM_LOWERCASE;
}
