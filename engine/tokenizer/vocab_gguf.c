/*
 * The vocabulary of a GGUF file (keys tokenizer.*, ggml docs/gguf.md). Defaults
 * are llama.cpp's, whose files these are.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/attr.h"
#include "common/mem.h"
#include "engine/gguf.h"
#include "engine/tokenizer/textmap.h"
#include "engine/tokenizer/vocab.h"

const char *const da_vocab_gguf_id_keys[DA_TOK_N_SPECIAL] = {
    [DA_TOK_BOS] = "tokenizer.ggml.bos_token_id",
    [DA_TOK_EOS] = "tokenizer.ggml.eos_token_id",
    [DA_TOK_EOT] = "tokenizer.ggml.eot_token_id",
    [DA_TOK_EOM] = "tokenizer.ggml.eom_token_id",
    [DA_TOK_UNK] = "tokenizer.ggml.unknown_token_id",
    [DA_TOK_SEP] = "tokenizer.ggml.seperator_token_id", /* the format's spelling */
    [DA_TOK_PAD] = "tokenizer.ggml.padding_token_id",
    [DA_TOK_CLS] = "tokenizer.ggml.cls_token_id",
    [DA_TOK_MASK] = "tokenizer.ggml.mask_token_id",
};

/* Ids that a file may leave out: { bos, eos, eot, eom, unk, sep, pad, cls, mask }. */
static const struct model {
    const char *name;
    enum da_vocab_kind kind;
    int32_t ids[DA_TOK_N_SPECIAL];
} models[] = {
    {"gpt2", DA_VOCAB_BPE, {-1, -1, -1, -1, -1, -1, -1, -1, -1}},
    {"gemma4", DA_VOCAB_BPE, {-1, -1, -1, -1, -1, -1, -1, -1, -1}},
    {"llama", DA_VOCAB_SPM, {1, 2, -1, -1, 0, -1, -1, -1, -1}},
    {"t5", DA_VOCAB_UNIGRAM, {-1, 1, -1, -1, 2, -1, 0, -1, -1}},
    {"bert", DA_VOCAB_WORDPIECE, {-1, -1, -1, -1, 100, 102, 0, 101, 103}},
};

/* Pre-splits whose models look a whole piece up first, and those that begin with BOS. */
static const char *const whole_piece_pres[] = {"llama3",    "llama-v3", "llama-bpe", "falcon3",
                                               "falcon-h1", "pixtral",  "lfm2",      "tekken",
                                               "glm4",      "cl100k_base"};
static const char *const bos_pres[] = {"llama3",    "llama-v3", "llama-bpe", "falcon3",
                                       "falcon-h1", "pixtral",  "lfm2",      "tekken"};

/* What ends a turn, when no key says so. */
static const char *const turn_ends[] = {"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>",
                                        "<|endoftext|>", "<|end_of_text|>", "<EOT>"};

static bool is_listed(const char *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

/* GGUF writes U+2581 before tokens that begin a word and nothing before those that go on one;
 * bracketed ones stay. */
static struct da_span unphantom(const struct da_vocab *v, struct da_span text,
                                struct da_buf *bytes)
{
    if (da_span_starts(text, "\xe2\x96\x81"))
        return da_span(text.p + 3, text.len - 3);
    if (text.len > 2 && text.p[0] == '[' && text.p[text.len - 1] == ']')
        return text;
    da_buf_add_str(bytes, v->word_prefix);
    da_buf_add(bytes, text.p, text.len);
    return da_span(bytes->p, bytes->len);
}

static enum da_rc add_token(struct da_vocab *v, struct da_span text, float score, int32_t type,
                            struct da_buf *bytes, struct da_err *err)
{
    if (type < DA_TOKEN_NORMAL || type > DA_TOKEN_BYTE)
        return da_fail(err, DA_EFORMAT, "key 'tokenizer.ggml.token_type': %d is no token type",
                       (int)type);
    da_buf_reset(bytes);
    if (v->kind == DA_VOCAB_WORDPIECE && type == DA_TOKEN_NORMAL)
        text = unphantom(v, text, bytes);
    if (v->byte_level && type == DA_TOKEN_NORMAL && da_bytes_from_printable(text, bytes))
        text = da_span(bytes->p, bytes->len);
    return da_vocab_add(v, text, score, (enum da_token_type)type, 0, err);
}

static enum da_rc read_tokens(struct da_vocab *v, const struct da_gguf *g, struct da_err *err)
{
    struct da_span *tokens = NULL;
    float *scores = NULL;
    int32_t *types = NULL;
    size_t n = 0, n_scores = 0, n_types = 0;
    struct da_buf bytes;
    da_buf_init(&bytes, 0);
    enum da_rc rc = da_gguf_get_strs(g, "tokenizer.ggml.tokens", &tokens, &n, err);
    if (rc == DA_OK && da_gguf_find(g, "tokenizer.ggml.scores"))
        rc = da_gguf_get_floats(g, "tokenizer.ggml.scores", &scores, &n_scores, err);
    if (rc == DA_OK && da_gguf_find(g, "tokenizer.ggml.token_type"))
        rc = da_gguf_get_ints(g, "tokenizer.ggml.token_type", &types, &n_types, err);
    if (rc == DA_OK && ((scores && n_scores != n) || (types && n_types != n)))
        rc = da_fail(err, DA_EFORMAT, "%s: key 'tokenizer.ggml.%s' has %zu elements for %zu tokens",
                     da_gguf_name(g), types && n_types != n ? "token_type" : "scores",
                     types && n_types != n ? n_types : n_scores, n);
    if (rc == DA_OK && !scores && (v->kind == DA_VOCAB_SPM || v->kind == DA_VOCAB_UNIGRAM))
        rc = da_fail(err, DA_EFORMAT, "%s: key 'tokenizer.ggml.scores' is missing",
                     da_gguf_name(g));
    for (size_t i = 0; i < n && rc == DA_OK; i++)
        rc = add_token(v, tokens[i], scores ? scores[i] : 0, types ? types[i] : DA_TOKEN_NORMAL,
                       &bytes, err);
    da_buf_release(&bytes);
    free(tokens);
    free(scores);
    free(types);
    return rc;
}

/* Each merge is "left right"; the space that parts them is the first after the first byte. */
static enum da_rc read_merges(struct da_vocab *v, const struct da_gguf *g, struct da_err *err)
{
    struct da_span *merges = NULL;
    size_t n = 0;
    struct da_textmap map = {0};
    struct da_buf bytes;
    da_buf_init(&bytes, 0);
    enum da_rc rc = da_gguf_get_strs(g, "tokenizer.ggml.merges", &merges, &n, err);
    if (rc == DA_OK)
        rc = da_textmap_build(&map, v, 1u << DA_TOKEN_NORMAL | 1u << DA_TOKEN_USER |
                                           1u << DA_TOKEN_UNUSED, err);
    for (size_t i = 0; i < n && rc == DA_OK; i++) {
        struct da_span m = merges[i];
        const char *space = m.len > 1 ? memchr(m.p + 1, ' ', m.len - 1) : NULL;
        if (!space) {
            rc = da_fail(err, DA_EFORMAT, "%s: key 'tokenizer.ggml.merges': element %zu is no pair",
                         da_gguf_name(g), i);
            break;
        }
        size_t at = (size_t)(space - m.p);
        rc = da_vocab_add_merge_text(v, &map, da_span(m.p, at),
                                     da_span(m.p + at + 1, m.len - at - 1), &bytes, err);
    }
    da_textmap_release(&map);
    da_buf_release(&bytes);
    free(merges);
    return rc;
}

static enum da_rc read_pre(struct da_vocab *v, const struct da_gguf *g, struct da_err *err)
{
    struct da_span pre;
    bool gemma4 = !v->byte_level;
    enum da_rc rc = da_gguf_opt_str(g, "tokenizer.ggml.pre",
                                    da_span_str(gemma4 ? "gemma4" : "gpt-2"), &pre, err);
    if (rc != DA_OK)
        return rc;
    if (pre.len >= sizeof v->pre || !da_split_by_name(pre, &v->split))
        return da_fail(err, DA_EUNSUPPORTED,
                       "%s: key 'tokenizer.ggml.pre': pre-split '%.*s' is not known",
                       da_gguf_name(g), (int)(pre.len > 40 ? 40 : pre.len), pre.p);
    memcpy(v->pre, pre.p, pre.len);
    v->ignore_merges = is_listed(whole_piece_pres, DA_ARRAY_LEN(whole_piece_pres), v->pre);
    v->add_bos = is_listed(bos_pres, DA_ARRAY_LEN(bos_pres), v->pre);
    return DA_OK;
}

static bool ends_something(const struct da_vocab *v, int32_t id)
{
    struct da_span text = da_vocab_text(v, id);
    for (size_t i = 0; i < DA_ARRAY_LEN(turn_ends); i++)
        if (da_span_is(text, turn_ends[i]))
            return true;
    return da_span_is(text, "</s>") || id == v->special[DA_TOK_BOS] ||
           id == v->special[DA_TOK_EOS] || id == v->special[DA_TOK_EOM];
}

/* A file may call an end token one of the user's (Phi-3's "</s>"). Text must not end anything, so
 * it is a control token all the same, as in llama.cpp. */
static void fix_ends(struct da_vocab *v)
{
    for (size_t i = 0; i < v->n; i++)
        if (v->tokens[i].type == DA_TOKEN_USER && ends_something(v, (int32_t)i))
            v->tokens[i].type = DA_TOKEN_CONTROL;
}

static enum da_rc read_ids(struct da_vocab *v, const struct da_gguf *g, const struct model *m,
                           struct da_err *err)
{
    enum da_rc rc = DA_OK;
    for (int i = 0; i < DA_TOK_N_SPECIAL && rc == DA_OK; i++) {
        uint64_t id;
        v->special[i] = m->ids[i] < (int64_t)v->n ? m->ids[i] : -1;
        if (!da_gguf_find(g, da_vocab_gguf_id_keys[i]))
            continue;
        rc = da_gguf_get_uint(g, da_vocab_gguf_id_keys[i], &id, err);
        if (rc == DA_OK)
            v->special[i] = id < v->n ? (int32_t)id : -1; /* some files point past the end */
    }
    for (size_t i = 0; i < DA_ARRAY_LEN(turn_ends) && v->special[DA_TOK_EOT] < 0; i++)
        for (size_t id = 0; id < v->n && v->special[DA_TOK_EOT] < 0; id++)
            if ((v->tokens[id].type == DA_TOKEN_CONTROL || v->tokens[id].type == DA_TOKEN_USER) &&
                da_span_is(da_vocab_text(v, (int32_t)id), turn_ends[i]))
                v->special[DA_TOK_EOT] = (int32_t)id;
    if (v->kind == DA_VOCAB_WORDPIECE && v->special[DA_TOK_CLS] < 0)
        v->special[DA_TOK_CLS] = v->special[DA_TOK_BOS];
    fix_ends(v);
    return rc;
}

/* What our own files say beyond the standard keys. */
static enum da_rc read_norm(struct da_vocab *v, const struct da_gguf *g, struct da_err *err)
{
    struct da_span *names = NULL;
    size_t n = 0;
    if (!da_gguf_find(g, DA_VOCAB_NORM_KEY))
        return DA_OK;
    enum da_rc rc = da_gguf_get_strs(g, DA_VOCAB_NORM_KEY, &names, &n, err);
    if (rc == DA_OK && n > DA_NORM_MAX_STEPS)
        rc = da_fail(err, DA_ELIMIT, "%s: key '" DA_VOCAB_NORM_KEY "' has %zu elements",
                     da_gguf_name(g), n);
    v->n_norm = 0;
    for (size_t i = 0; i < n && rc == DA_OK; i++) {
        int step = da_norm_by_name(names[i]);
        if (step < 0 || (step == DA_NORM_CHARSMAP && v->charsmap.len == 0))
            rc = da_fail(err, DA_EUNSUPPORTED,
                         "%s: key '" DA_VOCAB_NORM_KEY "': step '%.*s' is not supported",
                         da_gguf_name(g), (int)(names[i].len > 40 ? 40 : names[i].len),
                         names[i].p);
        else
            v->norm[v->n_norm++] = (uint8_t)step;
    }
    free(names);
    return rc;
}

static enum da_rc read_flags(struct da_vocab *v, const struct da_gguf *g, struct da_err *err)
{
    struct {
        const char *key;
        bool *flag;
    } flags[] = {
        {"tokenizer.ggml.add_bos_token", &v->add_bos},
        {"tokenizer.ggml.add_eos_token", &v->add_eos},
        {"tokenizer.ggml.add_sep_token", &v->add_sep},
        {"tokenizer.ggml.add_space_prefix", &v->add_space_prefix},
        {DA_VOCAB_WHOLE_KEY, &v->ignore_merges},
    };
    enum da_rc rc = DA_OK;
    for (size_t i = 0; i < DA_ARRAY_LEN(flags) && rc == DA_OK; i++)
        rc = da_gguf_opt_bool(g, flags[i].key, *flags[i].flag, flags[i].flag, err);
    bool collapse = false;
    if (rc == DA_OK)
        rc = da_gguf_opt_bool(g, "tokenizer.ggml.remove_extra_whitespaces", false, &collapse, err);
    const struct da_gguf_kv *map = da_gguf_find(g, "tokenizer.ggml.precompiled_charsmap");
    if (rc == DA_OK && map && map->is_array &&
        (map->type == DA_GGUF_U8 || map->type == DA_GGUF_I8)) {
        da_buf_add(&v->charsmap, map->p, (size_t)map->len);
        v->norm[v->n_norm++] = DA_NORM_CHARSMAP;
    }
    if (rc == DA_OK && collapse)
        v->norm[v->n_norm++] = DA_NORM_COLLAPSE_SPACES;
    if (rc == DA_OK)
        rc = read_norm(v, g, err);
    struct da_span chat = {0};
    if (rc == DA_OK)
        rc = da_gguf_opt_str(g, "tokenizer.chat_template", da_span("", 0), &chat, err);
    if (rc == DA_OK)
        da_buf_add(&v->chat_template, chat.p, chat.len);
    return rc;
}

static void set_defaults(struct da_vocab *v, struct da_span model)
{
    switch (v->kind) {
    case DA_VOCAB_BPE:
        v->byte_level = v->drop_unk = !da_span_is(model, "gemma4");
        v->escape_spaces = v->byte_fallback = !v->byte_level;
        break;
    case DA_VOCAB_SPM:
        v->add_bos = v->add_space_prefix = v->escape_spaces = v->byte_fallback = true;
        break;
    case DA_VOCAB_UNIGRAM:
        v->add_eos = v->escape_spaces = v->fuse_unk = true;
        break;
    case DA_VOCAB_WORDPIECE:
        da_vocab_set_bert(v, true, true);
        break;
    }
}

enum da_rc da_vocab_from_gguf(struct da_vocab **ret, const struct da_gguf *g, struct da_err *err)
{
    struct da_span name;
    enum da_rc rc = da_gguf_get_str(g, "tokenizer.ggml.model", &name, err);
    if (rc != DA_OK)
        return rc;
    const struct model *m = NULL;
    for (size_t i = 0; i < DA_ARRAY_LEN(models); i++)
        if (da_span_is(name, models[i].name))
            m = &models[i];
    if (!m)
        return da_fail(err, DA_EUNSUPPORTED,
                       "%s: key 'tokenizer.ggml.model': kind '%.*s' is not known",
                       da_gguf_name(g), (int)(name.len > 40 ? 40 : name.len), name.p);
    struct da_vocab *v = da_vocab_new(m->kind);
    set_defaults(v, name);
    if (rc == DA_OK)
        rc = read_tokens(v, g, err);
    if (rc == DA_OK && v->kind == DA_VOCAB_BPE)
        rc = read_merges(v, g, err);
    if (rc == DA_OK && v->kind == DA_VOCAB_BPE)
        rc = read_pre(v, g, err);
    if (rc == DA_OK)
        rc = read_ids(v, g, m, err);
    if (rc == DA_OK)
        rc = read_flags(v, g, err);
    if (rc != DA_OK)
        da_vocab_free(v);
    else
        *ret = v;
    return rc;
}
