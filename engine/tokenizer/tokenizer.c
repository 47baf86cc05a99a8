/* Opening, the way of a text through added tokens and normalization, and plain facts. */

#include "engine/tokenizer/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"
#include "engine/tokenizer/charsmap.h"
#include "engine/tokenizer/tokenizer_impl.h"

void da_ids_init(struct da_ids *ids)
{
    *ids = (struct da_ids){0};
}

void da_ids_release(struct da_ids *ids)
{
    free(ids->p);
    da_ids_init(ids);
}

void da_ids_reset(struct da_ids *ids)
{
    ids->n = 0;
}

void da_ids_add(struct da_ids *ids, int32_t id)
{
    *da_ids_reserve(ids, 1) = id;
    ids->n++;
}

struct da_tok_scratch *da_tok_scratch_new(void)
{
    struct da_tok_scratch *s = da_calloc(1, sizeof *s);
    da_buf_init(&s->plain, DA_TOK_MAX_TEXT + 1);
    for (int i = 0; i < 2; i++) {
        da_buf_init(&s->norm[i], 4 * DA_TOK_MAX_TEXT - 1);
        da_buf_init(&s->late[i], 4 * DA_TOK_MAX_TEXT - 1);
    }
    da_piece_cache_init(&s->cache);
    return s;
}

void da_tok_scratch_free(struct da_tok_scratch *s)
{
    if (!s)
        return;
    da_buf_release(&s->plain);
    for (int i = 0; i < 2; i++) {
        da_buf_release(&s->norm[i]);
        da_buf_release(&s->late[i]);
    }
    da_ids_release(&s->ids);
    da_merge_release(&s->merge);
    free(s->path);
    free(s->jobs);
    da_piece_cache_release(&s->cache);
    free(s);
}

enum da_rc da_tok_reserve_path(struct da_tok_scratch *s, size_t len, struct da_err *err)
{
    if (s->path && len <= s->cap_path)
        return DA_OK;
    free(s->path);
    s->cap_path = len < 256 ? 256 : len;
    s->path = da_try_alloc(s->cap_path + 1, sizeof *s->path);
    if (s->path)
        return DA_OK;
    s->cap_path = 0;
    return da_fail(err, DA_ENOMEM, "no memory to tokenize a piece of %zu bytes", len);
}

/* Ids of the "<0x00>".."<0xFF>" tokens. */
static void find_byte_tokens(struct da_tokenizer *t)
{
    for (size_t i = 0; i < t->v->n; i++) {
        struct da_span text = da_vocab_text(t->v, (int32_t)i);
        if (t->v->tokens[i].type != DA_TOKEN_BYTE || text.len != 6 ||
            memcmp(text.p, "<0x", 3) != 0 || text.p[5] != '>')
            continue;
        char hex[3] = {text.p[3], text.p[4], 0};
        char *end;
        unsigned long b = strtoul(hex, &end, 16);
        if (*end == 0 && b < 256)
            t->byte_id[b] = (int32_t)i;
    }
}

static const char *kind_name(enum da_vocab_kind kind)
{
    switch (kind) {
    case DA_VOCAB_BPE:
        return "bpe";
    case DA_VOCAB_SPM:
        return "spm";
    case DA_VOCAB_UNIGRAM:
        return "unigram";
    case DA_VOCAB_WORDPIECE:
        return "wordpiece";
    }
    return "unknown";
}

static void make_name(struct da_tokenizer *t)
{
    const struct da_vocab *v = t->v;
    const char *pre = v->pre[0] ? v->pre : v->split.n ? da_split_name(&v->split) : NULL;
    if (v->name[0])
        (void)snprintf(t->name, sizeof t->name, "%s", v->name);
    else
        (void)snprintf(t->name, sizeof t->name, "%s%s%s", kind_name(v->kind), pre ? "/" : "",
                       pre ? pre : "");
}

/* Two tokenizers with the same key encode pieces alike. */
static uint64_t cache_key(const struct da_vocab *v)
{
    if (v->name[0])
        return da_hash64(v->name, strlen(v->name), 0) | 1;
    uint64_t h = da_hash64(v->text.p, v->text.len, (uint64_t)v->kind);
    h = da_hash64(v->tokens, v->n * sizeof *v->tokens, h);
    h = da_hash64(v->merges, v->n_merges * sizeof *v->merges, h);
    h = da_hash64(v->special, sizeof v->special, h);
    unsigned flags = (unsigned)v->byte_level | (unsigned)v->ignore_merges << 1 |
                     (unsigned)v->byte_fallback << 2 | (unsigned)v->fuse_unk << 3;
    return da_mix64(h + flags) | 1; /* 0 belongs to an unused scratch */
}

static enum da_rc check_norm(const struct da_vocab *v, struct da_err *err)
{
    for (unsigned i = 0; i < v->n_norm; i++)
        if (v->norm[i] == DA_NORM_CHARSMAP)
            return da_charsmap_check(da_span(v->charsmap.p, v->charsmap.len), err);
    return DA_OK;
}

/* Tokens that are looked for in normalized text are normalized themselves. */
static enum da_rc normalize_added(struct da_tokenizer *t, struct da_err *err)
{
    struct da_vocab *v = t->v;
    struct da_tok_scratch *s = NULL;
    enum da_rc rc = DA_OK;
    for (size_t i = 0; i < v->n && rc == DA_OK && t->needs_norm; i++) {
        struct da_vocab_token *token = &v->tokens[i];
        struct da_span text = da_vocab_text(v, (int32_t)i), to;
        bool added = token->type == DA_TOKEN_USER || token->type == DA_TOKEN_CONTROL;
        if (!added || !(token->flags & DA_TOKEN_NORMALIZED))
            continue;
        s = s ? s : da_tok_scratch_new();
        rc = da_norm_apply(t, s, false, text, true, &to, err);
        if (rc == DA_OK && !da_span_eq(text, to)) {
            token->at = (uint32_t)v->text.len;
            token->len = (uint32_t)to.len;
            da_buf_add(&v->text, to.p, to.len);
            rc = da_buf_check(&v->text, "the vocabulary", err);
        }
    }
    da_tok_scratch_free(s);
    return rc;
}

static enum da_rc check_ids(const struct da_vocab *v, struct da_err *err)
{
    static const char *const names[DA_TOK_N_SPECIAL] = {"bos", "eos", "eot", "eom", "unknown",
                                                        "separator", "padding", "cls", "mask"};
    for (int i = 0; i < DA_TOK_N_SPECIAL; i++)
        if (v->special[i] < -1 || v->special[i] >= (int64_t)v->n)
            return da_fail(err, DA_EFORMAT, "the %s token %d is not in the vocabulary of %zu",
                           names[i], (int)v->special[i], v->n);
    for (size_t i = 0; i < v->n_merges; i++) {
        const struct da_vocab_merge *m = &v->merges[i];
        if (m->left < 0 || m->right < 0 || m->result < 0 || (size_t)m->left >= v->n ||
            (size_t)m->right >= v->n || (size_t)m->result >= v->n)
            return da_fail(err, DA_EFORMAT, "merge %zu names a token that does not exist", i);
    }
    return DA_OK;
}

struct da_tokenizer *da_tokenizer_frame(struct da_vocab *v)
{
    struct da_tokenizer *t = da_calloc(1, sizeof *t);
    t->v = v;
    t->merge_base = -1;
    t->key = cache_key(v);
    for (int b = 0; b < 256; b++)
        t->byte_id[b] = -1;
    t->needs_norm = da_norm_needed(v, false);
    t->needs_late = da_norm_needed(v, true);
    make_name(t);
    return t;
}

enum da_rc da_tokenizer_open_vocab(struct da_tokenizer **ret, struct da_vocab *v,
                                   struct da_err *err)
{
    struct da_tokenizer *t = da_tokenizer_frame(v);
    enum da_rc rc = check_ids(v, err);
    if (rc == DA_OK)
        rc = check_norm(v, err);
    if (rc == DA_OK)
        rc = normalize_added(t, err);
    if (rc == DA_OK)
        rc = da_added_build(&t->raw, v, false, err);
    if (rc == DA_OK)
        rc = da_added_build(&t->normalized, v, true, err);
    if (rc == DA_OK && !v->byte_level)
        find_byte_tokens(t);
    if (rc == DA_OK && v->kind == DA_VOCAB_BPE)
        rc = da_bpe_open(t, err);
    else if (rc == DA_OK && v->kind == DA_VOCAB_SPM)
        rc = da_spm_open(t, err);
    else if (rc == DA_OK && v->kind == DA_VOCAB_WORDPIECE)
        rc = da_wordpiece_open(t, err);
    else if (rc == DA_OK)
        rc = da_unigram_open(t, err);
    if (rc != DA_OK)
        da_tokenizer_close(t);
    else
        *ret = t;
    return rc;
}

enum da_rc da_tokenizer_open_gguf(struct da_tokenizer **ret, const struct da_gguf *g,
                                  struct da_err *err)
{
    struct da_vocab *v;
    enum da_rc rc = da_vocab_from_gguf(&v, g, err);
    return rc == DA_OK ? da_tokenizer_open_vocab(ret, v, err) : rc;
}

void da_tokenizer_close(struct da_tokenizer *t)
{
    if (!t)
        return;
    da_added_release(&t->raw);
    da_added_release(&t->normalized);
    if (!t->v->borrowed) {
        da_pairs_release(&t->pairs);
        free(t->byte_pairs);
        free(t->wholes);
    }
    da_unigram_release(t);
    da_textmap_release(&t->map);
    da_vocab_free(t->v);
    free(t);
}

void da_tok_add_unknown(const struct da_tokenizer *t, struct da_span text, size_t first_id,
                        struct da_ids *out)
{
    const struct da_vocab *v = t->v;
    bool all = v->byte_fallback;
    for (size_t i = 0; i < text.len && all; i++)
        all = t->byte_id[(unsigned char)text.p[i]] >= 0;
    if (all) {
        for (size_t i = 0; i < text.len; i++)
            da_ids_add(out, t->byte_id[(unsigned char)text.p[i]]);
        return;
    }
    int32_t unk = v->special[DA_TOK_UNK];
    bool fused = v->fuse_unk && out->n > first_id && out->p[out->n - 1] == unk;
    if (unk >= 0 && !v->drop_unk && !fused)
        da_ids_add(out, unk);
}

/* text is free of added tokens. */
static enum da_rc encode_text(const struct da_tokenizer *t, struct da_tok_scratch *s,
                              struct da_span text, bool at_start, struct da_ids *out,
                              struct da_err *err)
{
    if (text.len == 0)
        return DA_OK;
    if (t->needs_late) {
        enum da_rc rc = da_norm_apply(t, s, true, text, at_start, &text, err);
        if (rc != DA_OK)
            return rc;
    }
    switch (t->v->kind) {
    case DA_VOCAB_BPE:
        return da_bpe_encode(t, s, text, out, err);
    case DA_VOCAB_SPM:
        return da_spm_encode(t, s, text, out, err);
    case DA_VOCAB_WORDPIECE:
        return da_wordpiece_encode(t, s, text, out, err);
    case DA_VOCAB_UNIGRAM:
        return da_unigram_encode(t, s, text, out, err);
    }
    return DA_OK;
}

/* Appends text without its marks; false when there are none. */
static bool drop_marks(struct da_span text, struct da_buf *out)
{
    const struct da_span mark = da_span_str(DA_TOK_MARK);
    size_t at = da_span_find(text, mark);
    if (at == text.len)
        return false;
    for (;; at = da_span_find(text, mark)) {
        da_buf_add(out, text.p, at);
        if (at == text.len)
            return true;
        text = da_span(text.p + at + mark.len, text.len - at - mark.len);
    }
}

void da_tokenizer_mark(const struct da_tokenizer *t, struct da_span text, struct da_buf *out)
{
    struct da_buf plain;
    da_buf_init(&plain, DA_TOK_MAX_TEXT + 1);
    if (drop_marks(text, &plain))
        text = da_span(plain.p, plain.len);
    for (size_t at = 0; at < text.len;) {
        size_t raw = da_added_control(&t->raw, t->v, text, at);
        size_t late = da_added_control(&t->normalized, t->v, text, at);
        size_t found = raw < late ? raw : late, end = found;
        if (found < text.len)
            do /* behind its first character: a mark inside one would make it another text */
                end++;
            while (end < text.len && ((unsigned char)text.p[end] & 0xc0) == 0x80);
        da_buf_add(out, text.p + at, end - at);
        if (found < text.len)
            da_buf_add_str(out, DA_TOK_MARK);
        at = end;
    }
    da_buf_release(&plain);
}

/* text is free of the added tokens that are looked for before normalization. */
static enum da_rc encode_fragment(const struct da_tokenizer *t, struct da_tok_scratch *s,
                                  struct da_span text, bool at_start, unsigned flags,
                                  struct da_ids *out, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    if (text.len == 0)
        return DA_OK;
    da_buf_reset(&s->plain);
    if ((flags & DA_TOK_MARKED) && drop_marks(text, &s->plain)) {
        text = da_span(s->plain.p, s->plain.len);
        flags &= ~(unsigned)DA_TOK_PARSE_SPECIAL; /* of those looked for in normalized text */
    }
    if (t->needs_norm)
        rc = da_norm_apply(t, s, false, text, at_start, &text, err);
    struct da_added_match m;
    size_t at = 0;
    while (rc == DA_OK &&
           da_added_next(&t->normalized, t->v, text, at, flags & DA_TOK_PARSE_SPECIAL, &m)) {
        rc = encode_text(t, s, da_span(text.p + at, m.start - at), at_start && at == 0, out, err);
        da_ids_add(out, m.id);
        at = m.end;
    }
    if (rc == DA_OK)
        rc = encode_text(t, s, da_span(text.p + at, text.len - at), at_start && at == 0, out,
                         err);
    return rc;
}

static void add_special(const struct da_tokenizer *t, enum da_tok_special which,
                        struct da_ids *out)
{
    if (t->v->special[which] >= 0)
        da_ids_add(out, t->v->special[which]);
}

enum da_rc da_tokenizer_encode(const struct da_tokenizer *t, struct da_tok_scratch *s,
                               struct da_span text, unsigned flags, struct da_ids *out,
                               struct da_err *err)
{
    if (s->key != t->key) {
        if (s->key != 0)
            da_piece_cache_clear(&s->cache);
        s->key = t->key;
    }
    if (text.len > DA_TOK_MAX_TEXT)
        return da_fail(err, DA_ELIMIT, "the text has %zu bytes; at most %zu can be tokenized",
                       text.len, DA_TOK_MAX_TEXT);
    bool bert = t->v->kind == DA_VOCAB_WORDPIECE;
    if ((flags & DA_TOK_ADD_SPECIAL) && t->v->add_bos)
        add_special(t, bert ? DA_TOK_CLS : DA_TOK_BOS, out);
    enum da_rc rc = DA_OK;
    struct da_added_match m;
    size_t at = 0;
    while (rc == DA_OK &&
           da_added_next(&t->raw, t->v, text, at, flags & DA_TOK_PARSE_SPECIAL, &m)) {
        if (m.start == 0 && t->v->lone_prefix && t->v->add_space_prefix)
            rc = encode_text(t, s, da_span_str("\xe2\x96\x81"), true, out, err);
        if (rc == DA_OK)
            rc = encode_fragment(t, s, da_span(text.p + at, m.start - at), at == 0, flags, out,
                                 err);
        da_ids_add(out, m.id);
        at = m.end;
    }
    if (rc == DA_OK)
        rc = encode_fragment(t, s, da_span(text.p + at, text.len - at), at == 0, flags, out, err);
    if (flags & DA_TOK_ADD_SPECIAL) {
        if (t->v->add_eos)
            add_special(t, DA_TOK_EOS, out);
        if (t->v->add_sep)
            add_special(t, DA_TOK_SEP, out);
    }
    return rc;
}

enum da_rc da_tokenizer_count(const struct da_tokenizer *t, struct da_tok_scratch *s,
                              struct da_span text, unsigned flags, size_t *n, struct da_err *err)
{
    da_ids_reset(&s->ids);
    enum da_rc rc = da_tokenizer_encode(t, s, text, flags, &s->ids, err);
    if (rc == DA_OK)
        *n = s->ids.n;
    return rc;
}

const struct da_vocab *da_tokenizer_vocab(const struct da_tokenizer *t)
{
    return t->v;
}

const char *da_tokenizer_name(const struct da_tokenizer *t)
{
    return t->name;
}

size_t da_tokenizer_size(const struct da_tokenizer *t)
{
    return t->v->n;
}

int32_t da_tokenizer_find(const struct da_tokenizer *t, struct da_span text)
{
    int32_t id = da_added_find(&t->raw, t->v, text);
    return id >= 0 ? id : da_added_find(&t->normalized, t->v, text);
}

bool da_tokenizer_is_control(const struct da_tokenizer *t, int32_t id)
{
    return id >= 0 && (size_t)id < t->v->n &&
           (t->v->tokens[id].type == DA_TOKEN_CONTROL ||
            t->v->tokens[id].type == DA_TOKEN_UNKNOWN);
}

bool da_tokenizer_is_end(const struct da_tokenizer *t, int32_t id)
{
    return id >= 0 && (id == t->v->special[DA_TOK_EOS] || id == t->v->special[DA_TOK_EOT] ||
                       id == t->v->special[DA_TOK_EOM]);
}

int32_t da_tokenizer_special(const struct da_tokenizer *t, enum da_tok_special which)
{
    return t->v->special[which];
}

bool da_tokenizer_adds_bos(const struct da_tokenizer *t)
{
    return t->v->add_bos && t->v->special[DA_TOK_BOS] >= 0;
}

struct da_span da_tokenizer_chat_template(const struct da_tokenizer *t)
{
    return da_span(t->v->chat_template.p, t->v->chat_template.len);
}
