/*
 * Vocabularies that come as plain text: tiktoken's ranks (a base64 token and its
 * rank a line), GPT-2's vocab.json with merges.txt, BERT's vocab.txt.
 */

#include <stdlib.h>
#include <string.h>

#include "common/attr.h"
#include "common/base64.h"
#include "common/json.h"
#include "common/mem.h"
#include "engine/tokenizer/textmap.h"
#include "engine/tokenizer/vocab.h"

static struct da_span take_line(struct da_span *rest)
{
    struct da_span line = da_span("", 0);
    (void)da_span_split(rest, '\n', &line);
    if (line.len > 0 && line.p[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* The pre-split is not in the file; the number of ranks tells whose it is. */
static const struct {
    size_t n;
    const char *pre;
} rank_counts[] = {{50256, "gpt-2"},        {50257, "gpt-2"},      {50280, "gpt-2"},
                   {100256, "cl100k_base"}, {128000, "llama-bpe"}, {151643, "qwen2"},
                   {199998, "gpt-4o"}};

enum { MAX_RANK_TOKEN = 512 }; /* bytes; o200k_base has 128 */

/* The two parts before the last merge inside token id, as tools/vocab/pack_ranks.py finds them:
 * false when its bytes never come together. */
static bool last_merge(const struct da_vocab *v, const struct da_textmap *map, int32_t id,
                       int32_t parts[2])
{
    struct da_span text = da_vocab_text(v, id);
    size_t start[MAX_RANK_TOKEN + 1], n = text.len;
    for (size_t i = 0; i <= n; i++)
        start[i] = i;
    while (n > 2) {
        int32_t best = id;
        size_t at = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            int32_t r = da_textmap_find(
                map, v, da_span(text.p + start[i], start[i + 2] - start[i]));
            if (r >= 0 && r < best) {
                best = r;
                at = i;
            }
        }
        if (best == id)
            return false;
        memmove(start + at + 1, start + at + 2, (n - at - 1) * sizeof *start);
        n--;
    }
    if (n != 2)
        return false;
    parts[0] = da_textmap_find(map, v, da_span(text.p, start[1]));
    parts[1] = da_textmap_find(map, v, da_span(text.p + start[1], text.len - start[1]));
    return parts[0] >= 0 && parts[1] >= 0;
}

static enum da_rc add_rank(struct da_vocab *v, struct da_span line, struct da_buf *bytes,
                           struct da_err *err)
{
    const char *space = line.len ? memchr(line.p, ' ', line.len) : NULL;
    int64_t rank = -1;
    da_buf_reset(bytes);
    if (!space || !da_base64_decode(da_span(line.p, (size_t)(space - line.p)), bytes) ||
        !da_parse_int(space + 1, line.len - (size_t)(space + 1 - line.p), &rank))
        return da_fail(err, DA_EFORMAT, "rank %zu: not a base64 token and a number", v->n);
    if (rank < (int64_t)v->n || rank >= DA_VOCAB_MAX_TOKENS || bytes->len == 0 ||
        bytes->len > MAX_RANK_TOKEN)
        return da_fail(err, DA_EFORMAT, "rank %lld: out of order, or no token of 1 to %d bytes",
                       (long long)rank, MAX_RANK_TOKEN);
    enum da_rc rc = DA_OK;
    while (rc == DA_OK && (int64_t)v->n < rank)
        rc = da_vocab_add(v, da_span("", 0), 0, DA_TOKEN_UNUSED, 0, err);
    if (rc == DA_OK)
        rc = da_vocab_add(v, da_span(bytes->p, bytes->len), 0, DA_TOKEN_NORMAL, 0, err);
    return rc;
}

enum da_rc da_vocab_from_ranks(struct da_vocab **ret, struct da_span text, struct da_err *err)
{
    struct da_vocab *v = da_vocab_new(DA_VOCAB_BPE);
    struct da_textmap map = {0};
    struct da_buf bytes;
    enum da_rc rc = DA_OK;
    size_t n = 0;
    da_buf_init(&bytes, 0);
    v->byte_level = v->ignore_merges = true;
    while (text.len > 0 && rc == DA_OK) {
        struct da_span line = take_line(&text);
        if (line.len > 0) {
            rc = add_rank(v, line, &bytes, err);
            n++;
        }
    }
    const char *pre = NULL;
    for (size_t i = 0; i < DA_ARRAY_LEN(rank_counts); i++)
        if (rank_counts[i].n == n)
            pre = rank_counts[i].pre;
    if (rc == DA_OK && (!pre || !da_split_by_name(da_span_str(pre), &v->split)))
        rc = da_fail(err, DA_EUNSUPPORTED,
                     "a file of %zu ranks does not say how text is split, and its size is not "
                     "that of a known vocabulary",
                     n);
    if (rc == DA_OK)
        rc = da_textmap_build(&map, v, 1u << DA_TOKEN_NORMAL, err);
    for (size_t i = 0; i < v->n && rc == DA_OK; i++) {
        int32_t parts[2];
        if (v->tokens[i].len > 1 && last_merge(v, &map, (int32_t)i, parts))
            rc = da_vocab_add_merge(v, parts[0], parts[1], (int32_t)i, err);
    }
    da_textmap_release(&map);
    da_buf_release(&bytes);
    if (rc != DA_OK)
        da_vocab_free(v);
    else
        *ret = v;
    return rc;
}

struct id_text {
    int64_t id;
    struct da_span text;
};

static int by_id(const void *a, const void *b)
{
    const struct id_text *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static enum da_rc add_by_id(struct da_vocab *v, const struct da_json *vocab, struct da_err *err)
{
    size_t n = da_json_len(vocab), i = 0;
    if (n > DA_VOCAB_MAX_TOKENS)
        return da_fail(err, DA_ELIMIT, "vocab.json has more than %d tokens", DA_VOCAB_MAX_TOKENS);
    struct id_text *list = da_malloc((n + 1) * sizeof *list);
    struct da_buf bytes;
    enum da_rc rc = DA_OK;
    da_buf_init(&bytes, 0);
    for (const struct da_json *t = da_json_first(vocab); t && rc == DA_OK; t = da_json_next(t)) {
        list[i].text = da_span_str(da_json_key(t));
        if (!da_json_int(t, &list[i].id) || list[i].id < 0 || list[i].id >= DA_VOCAB_MAX_TOKENS)
            rc = da_fail(err, DA_EFORMAT, "vocab.json: token '%.40s' has no id", da_json_key(t));
        i++;
    }
    if (rc == DA_OK)
        qsort(list, n, sizeof *list, by_id);
    for (i = 0; i < n && rc == DA_OK; i++) {
        while (rc == DA_OK && (int64_t)v->n < list[i].id)
            rc = da_vocab_add(v, da_span("", 0), 0, DA_TOKEN_UNUSED, 0, err);
        if (rc == DA_OK && (int64_t)v->n > list[i].id)
            rc = da_fail(err, DA_EFORMAT, "vocab.json: id %lld stands twice",
                         (long long)list[i].id);
        da_buf_reset(&bytes);
        struct da_span text = list[i].text;
        bool control = da_span_is(text, "<|endoftext|>") || da_span_is(text, "<s>") ||
                       da_span_is(text, "</s>") || da_span_is(text, "<pad>") ||
                       da_span_is(text, "<unk>") || da_span_is(text, "<mask>");
        if (!control && da_bytes_from_printable(text, &bytes))
            text = da_span(bytes.p, bytes.len);
        if (rc == DA_OK)
            rc = da_vocab_add(v, text, 0, control ? DA_TOKEN_CONTROL : DA_TOKEN_NORMAL, 0, err);
    }
    da_buf_release(&bytes);
    free(list);
    return rc;
}

enum da_rc da_vocab_from_gpt2(struct da_vocab **ret, struct da_span vocab, struct da_span merges,
                              struct da_err *err)
{
    struct da_vocab *v = da_vocab_new(DA_VOCAB_BPE);
    struct da_textmap map = {0};
    struct da_json *root = NULL;
    struct da_buf bytes;
    da_buf_init(&bytes, 0);
    v->byte_level = true;
    v->split.n = 1;
    v->split.steps[0] = DA_SPLIT_GPT2;
    enum da_rc rc = da_json_parse(vocab.p, vocab.len, &root, err);
    if (rc == DA_OK && da_json_type(root) != DA_JSON_OBJECT)
        rc = da_fail(err, DA_EFORMAT, "vocab.json is no object");
    if (rc == DA_OK)
        rc = add_by_id(v, root, err);
    if (rc == DA_OK)
        rc = da_textmap_build(&map, v, 1u << DA_TOKEN_NORMAL, err);
    for (bool first = true; merges.len > 0 && rc == DA_OK; first = false) {
        struct da_span line = take_line(&merges);
        if (line.len == 0 || (first && da_span_starts(line, "#version")))
            continue;
        const char *space = memchr(line.p, ' ', line.len);
        if (!space) {
            rc = da_fail(err, DA_EFORMAT, "merges.txt: merge %zu is no pair", v->n_merges);
            break;
        }
        size_t at = (size_t)(space - line.p);
        rc = da_vocab_add_merge_text(v, &map, da_span(line.p, at),
                                     da_span(line.p + at + 1, line.len - at - 1), &bytes, err);
    }
    for (size_t i = 0; i < v->n && rc == DA_OK; i++)
        if (da_span_is(da_vocab_text(v, (int32_t)i), "<|endoftext|>"))
            v->special[DA_TOK_BOS] = v->special[DA_TOK_EOS] = (int32_t)i;
    da_textmap_release(&map);
    da_buf_release(&bytes);
    da_json_free(root);
    if (rc != DA_OK)
        da_vocab_free(v);
    else
        *ret = v;
    return rc;
}

enum da_rc da_vocab_from_bert(struct da_vocab **ret, struct da_span text, bool lowercase,
                              struct da_err *err)
{
    static const struct {
        const char *text;
        enum da_tok_special which;
    } special[] = {{"[CLS]", DA_TOK_CLS}, {"[SEP]", DA_TOK_SEP}, {"[UNK]", DA_TOK_UNK},
                   {"[PAD]", DA_TOK_PAD}, {"[MASK]", DA_TOK_MASK}};
    struct da_vocab *v = da_vocab_new(DA_VOCAB_WORDPIECE);
    enum da_rc rc = DA_OK;
    while (text.len > 0 && rc == DA_OK) {
        struct da_span line = take_line(&text);
        enum da_token_type type = DA_TOKEN_NORMAL;
        for (size_t i = 0; i < DA_ARRAY_LEN(special); i++) {
            if (da_span_is(line, special[i].text)) {
                type = DA_TOKEN_CONTROL;
                v->special[special[i].which] = (int32_t)v->n;
            }
        }
        rc = da_vocab_add(v, line, 0, type, 0, err);
    }
    da_vocab_set_bert(v, lowercase, lowercase);
    if (rc != DA_OK)
        da_vocab_free(v);
    else
        *ret = v;
    return rc;
}
