/*
 * The vocabulary of a Hugging Face tokenizer.json, with what the
 * tokenizer_config.json beside it adds. Every part of the file is either
 * understood or refused by name: a tokenizer that would give other ids than its
 * own library is not opened. Format: huggingface/tokenizers, serde of Tokenizer.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/attr.h"
#include "common/base64.h"
#include "common/json.h"
#include "common/mem.h"
#include "engine/tokenizer/textmap.h"
#include "engine/tokenizer/vocab.h"

static bool flag(const struct da_json *j, const char *key, bool def)
{
    bool v;
    return da_json_bool(da_json_get(j, key), &v) ? v : def;
}

static struct da_span str(const struct da_json *j, const char *key)
{
    struct da_span s = {0};
    return da_json_str(da_json_get(j, key), &s) ? s : da_span("", 0);
}

static enum da_rc unsupported(const char *part, struct da_span what, struct da_err *err)
{
    return da_fail(err, DA_EUNSUPPORTED, "%s '%.*s' is not supported", part,
                   (int)(what.len > 120 ? 120 : what.len), what.p);
}

/* ---- tokens ---------------------------------------------------------------------------------- */

struct hf_token {
    struct da_span text;
    double score;
    uint8_t type, flags;
};

struct hf_list {
    struct hf_token *tokens; /* by id; text.p NULL where there is none */
    size_t n, cap;
};

/* Puts a token at its id; ids may come in any order and leave gaps. */
static enum da_rc place(struct hf_list *l, int64_t id, struct hf_token token, struct da_err *err)
{
    if (id < 0 || id >= DA_VOCAB_MAX_TOKENS)
        return da_fail(err, DA_EFORMAT, "token '%.*s' has the id %lld",
                       (int)(token.text.len > 40 ? 40 : token.text.len), token.text.p,
                       (long long)id);
    if ((size_t)id >= l->n) {
        DA_GROW_BY(l->tokens, l->n, (size_t)id + 1 - l->n, l->cap);
        memset(l->tokens + l->n, 0, ((size_t)id + 1 - l->n) * sizeof *l->tokens);
        l->n = (size_t)id + 1;
    }
    l->tokens[id] = token;
    return DA_OK;
}

static enum da_rc add_all(struct da_vocab *v, const struct hf_token *list, size_t n,
                          struct da_err *err)
{
    struct da_buf bytes;
    da_buf_init(&bytes, 0);
    enum da_rc rc = DA_OK;
    for (size_t i = 0; i < n && rc == DA_OK; i++) {
        struct da_span text = list[i].text;
        if (!text.p) {
            rc = da_vocab_add(v, da_span("", 0), 0, DA_TOKEN_UNUSED, 0, err);
            continue;
        }
        da_buf_reset(&bytes);
        if (v->byte_level && list[i].type == DA_TOKEN_NORMAL &&
            da_bytes_from_printable(text, &bytes))
            text = da_span(bytes.p, bytes.len);
        rc = da_vocab_add(v, text, (float)list[i].score, (enum da_token_type)list[i].type,
                          list[i].flags, err);
    }
    da_buf_release(&bytes);
    return rc;
}

static bool is_byte_token(struct da_span s)
{
    return s.len == 6 && memcmp(s.p, "<0x", 3) == 0 && s.p[5] == '>';
}

static unsigned added_flags(const struct da_json *t)
{
    return (flag(t, "lstrip", false) ? DA_TOKEN_LSTRIP : 0) |
           (flag(t, "rstrip", false) ? DA_TOKEN_RSTRIP : 0) |
           (flag(t, "single_word", false) ? DA_TOKEN_SINGLE_WORD : 0) |
           (flag(t, "normalized", false) ? DA_TOKEN_NORMALIZED : 0);
}

/* BPE and WordPiece: an object of ids under texts. */
static enum da_rc place_object(struct da_vocab *v, struct hf_list *l, const struct da_json *vocab,
                               struct da_err *err)
{
    enum da_rc rc = DA_OK;
    if (da_json_type(vocab) != DA_JSON_OBJECT)
        return da_fail(err, DA_EFORMAT, "member 'model.vocab' is no object");
    for (const struct da_json *t = da_json_first(vocab); t && rc == DA_OK; t = da_json_next(t)) {
        struct hf_token token = {da_span_str(da_json_key(t)), 0, DA_TOKEN_NORMAL, 0};
        int64_t id;
        if (v->byte_fallback && is_byte_token(token.text))
            token.type = DA_TOKEN_BYTE;
        if (!da_json_int(t, &id))
            rc = da_fail(err, DA_EFORMAT, "member 'model.vocab': '%.40s' has no id",
                         token.text.p);
        else
            rc = place(l, id, token, err);
    }
    return rc;
}

/*
 * A score as the library reads it, whose JSON parser (serde_json) rounds twice: the digits to a
 * double, then that by a power of ten. It differs from the nearest double in the last bit at most,
 * which decides between ways of the same score.
 */
static double score_as_read(double exact)
{
    enum { MAX_POWER = 22 }; /* of ten, that a double holds */
    struct da_buf text;
    double digits, power = 1;
    uint64_t significand = 0;
    int n_fraction = 0;
    bool fraction = false, plain = true;
    da_buf_init(&text, 0);
    da_buf_add_double(&text, exact);
    for (size_t i = exact < 0 ? 1 : 0; i < text.len && plain; i++) {
        if (text.p[i] == '.' && !fraction) {
            fraction = true;
        } else if (text.p[i] >= '0' && text.p[i] <= '9' && significand < UINT64_MAX / 100) {
            significand = significand * 10 + (uint64_t)(text.p[i] - '0');
            n_fraction += fraction;
        } else {
            plain = false; /* an exponent: no score of any vocabulary */
        }
    }
    da_buf_release(&text);
    if (!plain || n_fraction > MAX_POWER)
        return exact;
    for (int i = 0; i < n_fraction; i++)
        power *= 10;
    digits = (double)significand / power;
    return exact < 0 ? -digits : digits;
}

/* Unigram: an array of [text, score]. */
static enum da_rc place_scores(struct da_vocab *v, struct hf_list *l, const struct da_json *model,
                               struct da_err *err)
{
    enum da_rc rc = DA_OK;
    int64_t id = 0, unk = -1;
    const struct da_json *vocab = da_json_get(model, "vocab");
    if (da_json_type(vocab) != DA_JSON_ARRAY)
        return da_fail(err, DA_EFORMAT, "member 'model.vocab' is no array");
    (void)da_json_int(da_json_get(model, "unk_id"), &unk);
    for (const struct da_json *t = da_json_first(vocab); t && rc == DA_OK;
         t = da_json_next(t), id++) {
        struct hf_token token = {{0}, 0, DA_TOKEN_NORMAL, 0};
        double score;
        if (!da_json_str(da_json_first(t), &token.text) ||
            !da_json_double(da_json_at(t, 1), &score))
            return da_fail(err, DA_EFORMAT, "member 'model.vocab': element %lld is no pair",
                           (long long)id);
        token.score = score_as_read(score);
        if (id == unk)
            token.type = DA_TOKEN_UNKNOWN;
        else if (v->byte_fallback && is_byte_token(token.text))
            token.type = DA_TOKEN_BYTE;
        rc = place(l, id, token, err);
    }
    return rc;
}

static enum da_rc place_added(struct hf_list *l, const struct da_json *added, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    for (const struct da_json *t = da_json_first(added); t && rc == DA_OK; t = da_json_next(t)) {
        struct hf_token token = {str(t, "content"), 0, DA_TOKEN_USER, (uint8_t)added_flags(t)};
        int64_t id;
        if (flag(t, "special", false))
            token.type = DA_TOKEN_CONTROL;
        if (!da_json_int(da_json_get(t, "id"), &id) || token.text.len == 0)
            rc = da_fail(err, DA_EFORMAT, "an element of 'added_tokens' has no id or content");
        else
            rc = place(l, id, token, err);
    }
    return rc;
}

static enum da_rc read_tokens(struct da_vocab *v, const struct da_json *root,
                              const struct da_json *model, struct da_err *err)
{
    struct hf_list l = {0};
    enum da_rc rc = v->kind == DA_VOCAB_UNIGRAM
                        ? place_scores(v, &l, model, err)
                        : place_object(v, &l, da_json_get(model, "vocab"), err);
    if (rc == DA_OK)
        rc = place_added(&l, da_json_get(root, "added_tokens"), err);
    if (rc == DA_OK)
        rc = add_all(v, l.tokens, l.n, err);
    if (rc == DA_OK && v->kind == DA_VOCAB_UNIGRAM) {
        v->exact_scores = da_malloc((l.n + 1) * sizeof *v->exact_scores);
        for (size_t i = 0; i < l.n; i++)
            v->exact_scores[i] = l.tokens[i].score;
    }
    free(l.tokens);
    return rc;
}

/* Each merge is "left right" or ["left", "right"]. */
static enum da_rc read_merges(struct da_vocab *v, const struct da_json *model, struct da_err *err)
{
    struct da_textmap map = {0};
    struct da_buf bytes;
    da_buf_init(&bytes, 0);
    size_t i = 0;
    enum da_rc rc = da_textmap_build(&map, v,
                                     1u << DA_TOKEN_NORMAL | 1u << DA_TOKEN_USER |
                                         1u << DA_TOKEN_CONTROL | 1u << DA_TOKEN_UNUSED,
                                     err);
    for (const struct da_json *m = da_json_first(da_json_get(model, "merges")); m && rc == DA_OK;
         m = da_json_next(m), i++) {
        struct da_span left, right;
        if (da_json_str(m, &left)) {
            const char *space = left.len > 1 ? memchr(left.p + 1, ' ', left.len - 1) : NULL;
            right = left;
            if (space) {
                right = da_span(space + 1, left.len - (size_t)(space + 1 - left.p));
                left.len = (size_t)(space - left.p);
            } else {
                rc = da_fail(err, DA_EFORMAT, "member 'model.merges': element %zu is no pair", i);
            }
        } else if (da_json_len(m) != 2 || !da_json_str(da_json_at(m, 0), &left) ||
                   !da_json_str(da_json_at(m, 1), &right)) {
            rc = da_fail(err, DA_EFORMAT, "member 'model.merges': element %zu is no pair", i);
        }
        if (rc == DA_OK)
            rc = da_vocab_add_merge_text(v, &map, left, right, &bytes, err);
    }
    da_textmap_release(&map);
    da_buf_release(&bytes);
    return rc;
}

/* ---- normalizer ------------------------------------------------------------------------------ */

static enum da_rc add_norm(struct da_vocab *v, enum da_norm_step step, struct da_err *err)
{
    if (v->n_norm == DA_NORM_MAX_STEPS)
        return da_fail(err, DA_EUNSUPPORTED, "the normalizer has more than %d steps",
                       DA_NORM_MAX_STEPS);
    v->norm[v->n_norm++] = (uint8_t)step;
    return DA_OK;
}

static const char UNDERSCORE[] = "\xe2\x96\x81"; /* U+2581 */

static enum da_rc read_bert_normalizer(struct da_vocab *v, const struct da_json *j,
                                       struct da_err *err)
{
    bool lowercase = flag(j, "lowercase", true);
    const struct {
        bool on;
        enum da_norm_step step;
    } steps[] = {{flag(j, "clean_text", true), DA_NORM_BERT_CLEAN},
                 {flag(j, "handle_chinese_chars", true), DA_NORM_BERT_CJK},
                 {flag(j, "strip_accents", lowercase), DA_NORM_NFD}, /* null: as lowercase */
                 {flag(j, "strip_accents", lowercase), DA_NORM_STRIP_ACCENTS},
                 {lowercase, DA_NORM_LOWERCASE}};
    enum da_rc rc = DA_OK;
    for (size_t i = 0; i < DA_ARRAY_LEN(steps) && rc == DA_OK; i++)
        if (steps[i].on)
            rc = add_norm(v, steps[i].step, err);
    return rc;
}

static enum da_rc read_normalizer(struct da_vocab *v, const struct da_json *j, struct da_err *err)
{
    static const struct {
        const char *type;
        enum da_norm_step step;
    } simple[] = {{"NFC", DA_NORM_NFC},
                  {"NFD", DA_NORM_NFD},
                  {"NFKC", DA_NORM_NFKC},
                  {"NFKD", DA_NORM_NFKD},
                  {"Lowercase", DA_NORM_LOWERCASE},
                  {"StripAccents", DA_NORM_STRIP_MARKS}};
    if (!j || da_json_type(j) == DA_JSON_NULL)
        return DA_OK;
    struct da_span type = str(j, "type");
    enum da_rc rc = DA_OK;
    for (size_t i = 0; i < DA_ARRAY_LEN(simple); i++)
        if (da_span_is(type, simple[i].type))
            return add_norm(v, simple[i].step, err);
    if (da_span_is(type, "Sequence")) {
        for (const struct da_json *s = da_json_first(da_json_get(j, "normalizers"));
             s && rc == DA_OK; s = da_json_next(s))
            rc = read_normalizer(v, s, err);
        return rc;
    }
    if (da_span_is(type, "BertNormalizer"))
        return read_bert_normalizer(v, j, err);
    if (da_span_is(type, "Precompiled")) {
        if (!da_base64_decode(str(j, "precompiled_charsmap"), &v->charsmap))
            return da_fail(err, DA_EFORMAT, "member 'precompiled_charsmap' is no base64");
        return v->charsmap.len ? add_norm(v, DA_NORM_CHARSMAP, err) : DA_OK;
    }
    if (da_span_is(type, "Strip")) {
        if (flag(j, "strip_left", false))
            rc = add_norm(v, DA_NORM_STRIP_LEFT, err);
        if (rc == DA_OK && flag(j, "strip_right", false))
            rc = add_norm(v, DA_NORM_STRIP_RIGHT, err);
        return rc;
    }
    if (da_span_is(type, "Replace") &&
        da_span_is(str(da_json_get(j, "pattern"), "Regex"), " {2,}") &&
        (da_span_is(str(j, "content"), " ") || da_span_is(str(j, "content"), UNDERSCORE)))
        return add_norm(v, DA_NORM_SQUEEZE_SPACES, err); /* U+2581 is what it becomes anyway */
    if (da_span_is(type, "Prepend") && da_span_is(str(j, "prepend"), UNDERSCORE)) {
        v->add_space_prefix = true;
        return DA_OK;
    }
    if (da_span_is(type, "Replace") && da_span_is(str(j, "content"), UNDERSCORE) &&
        da_span_is(str(da_json_get(j, "pattern"), "String"), " ")) {
        v->escape_spaces = true;
        return DA_OK;
    }
    return unsupported("normalizer", type, err);
}

/* ---- pre-tokenizer --------------------------------------------------------------------------- */

static enum da_rc add_split(struct da_vocab *v, enum da_split_step step, struct da_err *err)
{
    if (v->split.n == DA_SPLIT_MAX_STEPS)
        return da_fail(err, DA_EUNSUPPORTED, "the pre-tokenizer has more than %d steps",
                       DA_SPLIT_MAX_STEPS);
    v->split.steps[v->split.n++] = (uint8_t)step;
    return DA_OK;
}

static enum da_rc read_split(struct da_vocab *v, const struct da_json *j, struct da_err *err)
{
    const struct da_json *pattern = da_json_get(j, "pattern");
    struct da_span regex = str(pattern, "Regex"), behavior = str(j, "behavior");
    enum da_split_step step;
    /* An inverted pattern that covers everything removes nothing. */
    bool keeps = da_span_is(behavior, "Isolated") ||
                 (da_span_is(behavior, "Removed") && flag(j, "invert", false));
    if (!keeps)
        return unsupported("pre-tokenizer 'Split' with behavior", behavior, err);
    if (regex.len == 0 || !da_split_by_regex(regex, &step))
        return unsupported("pre-tokenizer pattern",
                           regex.len ? regex : str(pattern, "String"), err);
    return add_split(v, step, err);
}

static enum da_rc read_byte_level(struct da_vocab *v, const struct da_json *j, struct da_err *err)
{
    v->byte_level = true;
    if (flag(j, "add_prefix_space", true)) {
        if (v->split.n > 0)
            return da_fail(err, DA_EUNSUPPORTED,
                           "pre-tokenizer 'ByteLevel' with add_prefix_space behind another");
        v->add_space_prefix = v->prefix_unless_space = v->late_spaces = true;
    }
    return flag(j, "use_regex", true) ? add_split(v, DA_SPLIT_GPT2, err) : DA_OK;
}

static enum da_rc read_metaspace(struct da_vocab *v, const struct da_json *j, struct da_err *err)
{
    struct da_span scheme = str(j, "prepend_scheme");
    if (!da_span_is(str(j, "replacement"), UNDERSCORE))
        return unsupported("pre-tokenizer 'Metaspace' with replacement", str(j, "replacement"),
                           err);
    v->escape_spaces = v->prefix_unless_space = v->late_spaces = true;
    v->prefix_first = da_span_is(scheme, "first");
    v->add_space_prefix = scheme.len ? !da_span_is(scheme, "never")
                                     : flag(j, "add_prefix_space", true);
    if (v->kind == DA_VOCAB_UNIGRAM) /* cut before each word, or nowhere: the same best path */
        return DA_OK;
    return flag(j, "split", true) ? add_split(v, DA_SPLIT_METASPACE, err) : DA_OK;
}

/* Behind ByteLevel the characters are those that stand for bytes. */
static enum da_split_step digits_step(const struct da_vocab *v, bool single)
{
    if (v->byte_level)
        return single ? DA_SPLIT_BYTE_DIGIT : DA_SPLIT_BYTE_DIGITS;
    return single ? DA_SPLIT_DIGITS : DA_SPLIT_DIGIT_RUNS;
}

static enum da_rc read_pre_tokenizer(struct da_vocab *v, const struct da_json *j,
                                     struct da_err *err)
{
    if (!j || da_json_type(j) == DA_JSON_NULL)
        return DA_OK;
    struct da_span type = str(j, "type"), behavior = str(j, "behavior");
    enum da_rc rc = DA_OK;
    if (da_span_is(type, "Sequence")) {
        for (const struct da_json *s = da_json_first(da_json_get(j, "pretokenizers"));
             s && rc == DA_OK; s = da_json_next(s))
            rc = read_pre_tokenizer(v, s, err);
        return rc;
    }
    if (da_span_is(type, "ByteLevel"))
        return read_byte_level(v, j, err);
    if (da_span_is(type, "Split"))
        return read_split(v, j, err);
    if (da_span_is(type, "Digits"))
        return add_split(v, digits_step(v, flag(j, "individual_digits", false)), err);
    if (da_span_is(type, "Punctuation") &&
        (behavior.len == 0 || da_span_is(behavior, "Isolated")))
        return add_split(v, DA_SPLIT_PUNCT, err);
    if (da_span_is(type, "Punctuation") && da_span_is(behavior, "Contiguous"))
        return add_split(v, DA_SPLIT_PUNCT_RUNS, err);
    if (da_span_is(type, "Metaspace"))
        return read_metaspace(v, j, err);
    if (da_span_is(type, "WhitespaceSplit") && v->kind == DA_VOCAB_UNIGRAM && v->split.n == 0) {
        v->n_norm_late++;
        return add_norm(v, DA_NORM_COLLAPSE_WHITE, err);
    }
    if (da_span_is(type, "BertPreTokenizer") && v->kind == DA_VOCAB_WORDPIECE)
        return DA_OK; /* what WordPiece does by itself */
    return unsupported("pre-tokenizer", type, err);
}

/* ---- special tokens -------------------------------------------------------------------------- */

static int32_t find_token(const struct da_vocab *v, struct da_span text)
{
    for (size_t i = 0; i < v->n && text.len > 0; i++)
        if (v->tokens[i].type != DA_TOKEN_NORMAL && da_span_eq(da_vocab_text(v, (int32_t)i), text))
            return (int32_t)i;
    for (size_t i = 0; i < v->n && text.len > 0; i++)
        if (da_span_eq(da_vocab_text(v, (int32_t)i), text))
            return (int32_t)i;
    return -1;
}

/* The token a configuration names: a string, or an object with "content". */
static int32_t named_token(const struct da_vocab *v, const struct da_json *config,
                           const char *key)
{
    const struct da_json *j = da_json_get(config, key);
    struct da_span text = {0};
    if (da_json_str(j, &text))
        return find_token(v, text);
    return find_token(v, str(j, "content"));
}

/* TemplateProcessing: what stands before and after the text in "single". */
static enum da_rc read_template(struct da_vocab *v, const struct da_json *j, struct da_err *err)
{
    bool after = false;
    for (const struct da_json *p = da_json_first(da_json_get(j, "single")); p;
         p = da_json_next(p)) {
        const struct da_json *special = da_json_get(p, "SpecialToken");
        if (!special) {
            after = true;
            continue;
        }
        int32_t id = find_token(v, str(special, "id"));
        bool *add = after ? &v->add_eos : &v->add_bos;
        enum da_tok_special which = after ? DA_TOK_EOS : DA_TOK_BOS;
        if (id < 0 || *add)
            return unsupported("post-processor token", str(special, "id"), err);
        *add = true;
        v->special[which] = id;
    }
    return DA_OK;
}

static enum da_rc read_post_processor(struct da_vocab *v, const struct da_json *j,
                                      struct da_err *err)
{
    if (!j || da_json_type(j) == DA_JSON_NULL)
        return DA_OK;
    struct da_span type = str(j, "type");
    enum da_rc rc = DA_OK;
    if (da_span_is(type, "Sequence")) {
        for (const struct da_json *s = da_json_first(da_json_get(j, "processors"));
             s && rc == DA_OK; s = da_json_next(s))
            rc = read_post_processor(v, s, err);
        return rc;
    }
    if (da_span_is(type, "ByteLevel"))
        return DA_OK;
    if (da_span_is(type, "TemplateProcessing"))
        return read_template(v, j, err);
    if (da_span_is(type, "BertProcessing") || da_span_is(type, "RobertaProcessing")) {
        struct da_span text = {0};
        v->add_bos = v->add_eos = true;
        if (da_json_str(da_json_first(da_json_get(j, "cls")), &text))
            v->special[DA_TOK_BOS] = find_token(v, text);
        if (da_json_str(da_json_first(da_json_get(j, "sep")), &text))
            v->special[DA_TOK_EOS] = find_token(v, text);
        return DA_OK;
    }
    return unsupported("post-processor", type, err);
}

static void read_config(struct da_vocab *v, const struct da_json *config)
{
    static const struct {
        const char *key;
        enum da_tok_special which;
    } keys[] = {{"bos_token", DA_TOK_BOS}, {"eos_token", DA_TOK_EOS}, {"unk_token", DA_TOK_UNK},
                {"sep_token", DA_TOK_SEP}, {"pad_token", DA_TOK_PAD}, {"cls_token", DA_TOK_CLS},
                {"mask_token", DA_TOK_MASK}};
    for (size_t i = 0; i < DA_ARRAY_LEN(keys); i++) {
        int32_t id = named_token(v, config, keys[i].key);
        if (id >= 0 && v->special[keys[i].which] < 0)
            v->special[keys[i].which] = id;
    }
    static const char *const turn_ends[] = {"<|eot_id|>", "<|im_end|>", "<|end|>",
                                            "<end_of_turn>"};
    for (size_t i = 0; i < DA_ARRAY_LEN(turn_ends) && v->special[DA_TOK_EOT] < 0; i++)
        v->special[DA_TOK_EOT] = find_token(v, da_span_str(turn_ends[i]));
    /* One template, or a list of named ones of which "default" counts. */
    const struct da_json *chat = da_json_get(config, "chat_template");
    struct da_span text = {0};
    if (!da_json_str(chat, &text))
        for (const struct da_json *t = da_json_first(chat); t; t = da_json_next(t))
            if (da_span_is(str(t, "name"), "default"))
                text = str(t, "template");
    da_buf_add(&v->chat_template, text.p ? text.p : "", text.len);
}

/* ---- the file -------------------------------------------------------------------------------- */

static enum da_rc read_model(struct da_vocab *v, const struct da_json *root,
                             const struct da_json *model, struct da_err *err)
{
    bool bpe = v->kind == DA_VOCAB_BPE;
    struct da_span word_prefix = str(model, "continuing_subword_prefix");
    if (str(model, "end_of_word_suffix").len > 0 || (bpe && word_prefix.len > 0) ||
        word_prefix.len >= sizeof v->word_prefix)
        return da_fail(err, DA_EUNSUPPORTED, "model member '%s' is not supported",
                       word_prefix.len ? "continuing_subword_prefix" : "end_of_word_suffix");
    memcpy(v->word_prefix, word_prefix.p, word_prefix.len);
    v->ignore_merges = flag(model, "ignore_merges", false);
    v->byte_fallback = flag(model, "byte_fallback", false);
    v->fuse_unk = v->kind == DA_VOCAB_UNIGRAM || flag(model, "fuse_unk", false);
    enum da_rc rc = read_normalizer(v, da_json_get(root, "normalizer"), err);
    if (rc == DA_OK)
        rc = read_pre_tokenizer(v, da_json_get(root, "pre_tokenizer"), err);
    if (rc == DA_OK)
        rc = read_tokens(v, root, model, err);
    if (rc == DA_OK && bpe)
        rc = read_merges(v, model, err);
    if (rc == DA_OK)
        v->special[DA_TOK_UNK] = find_token(v, str(model, "unk_token"));
    v->drop_unk = bpe && v->special[DA_TOK_UNK] < 0;
    int64_t unk;
    if (rc == DA_OK && v->kind == DA_VOCAB_UNIGRAM &&
        da_json_int(da_json_get(model, "unk_id"), &unk) && unk >= 0 && unk < (int64_t)v->n)
        v->special[DA_TOK_UNK] = (int32_t)unk;
    if (rc == DA_OK)
        rc = read_post_processor(v, da_json_get(root, "post_processor"), err);
    if (v->kind == DA_VOCAB_WORDPIECE) { /* its names for what stands around a text */
        v->special[DA_TOK_CLS] = v->special[DA_TOK_BOS];
        v->special[DA_TOK_SEP] = v->special[DA_TOK_EOS];
        v->special[DA_TOK_BOS] = v->special[DA_TOK_EOS] = -1;
        v->add_sep = v->add_eos;
        v->add_eos = false;
    }
    return rc;
}

static bool find_kind(const struct da_json *model, enum da_vocab_kind *kind)
{
    struct da_span type = str(model, "type");
    bool merges = da_json_get(model, "merges") != NULL;
    if (da_span_is(type, "BPE") || (type.len == 0 && merges))
        *kind = DA_VOCAB_BPE;
    else if (da_span_is(type, "Unigram"))
        *kind = DA_VOCAB_UNIGRAM;
    else if (da_span_is(type, "WordPiece"))
        *kind = DA_VOCAB_WORDPIECE;
    else
        return false;
    return true;
}

enum da_rc da_vocab_from_hf(struct da_vocab **ret, struct da_span json, struct da_span config,
                            struct da_err *err)
{
    struct da_json *root = NULL, *conf = NULL;
    struct da_vocab *v = NULL;
    enum da_rc rc = da_json_parse(json.p, json.len, &root, err);
    if (rc == DA_OK && config.len > 0) {
        rc = da_json_parse(config.p, config.len, &conf, err);
        if (rc != DA_OK)
            (void)da_err_context(err, rc, "tokenizer_config.json");
    }
    if (rc != DA_OK)
        goto out;
    const struct da_json *model = da_json_get(root, "model");
    enum da_vocab_kind kind;
    if (!model) {
        rc = da_fail(err, DA_EFORMAT, "member 'model' is missing");
    } else if (!find_kind(model, &kind)) {
        rc = unsupported("model type", str(model, "type"), err);
    } else {
        v = da_vocab_new(kind);
        rc = read_model(v, root, model, err);
    }
    if (rc == DA_OK)
        read_config(v, conf);
out:
    da_json_free(root);
    da_json_free(conf);
    if (rc != DA_OK)
        da_vocab_free(v);
    else
        *ret = v;
    return rc;
}
