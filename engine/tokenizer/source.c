/* Where a tokenizer comes from: built in, or a file told by its first bytes. */

#include <string.h>

#include "common/attr.h"
#include "common/io.h"
#include "common/json.h"
#include "engine/gguf.h"
#include "engine/tokenizer/ready.h"
#include "engine/tokenizer/tokenizer_impl.h"

#define MAX_JSON ((size_t)256 << 20) /* the largest published tokenizer.json has 33 MB */

static enum da_rc open_gguf(struct da_tokenizer **ret, const char *path, struct da_err *err)
{
    struct da_gguf *g;
    enum da_rc rc = da_gguf_open(&g, path, err);
    if (rc != DA_OK)
        return rc;
    rc = da_tokenizer_open_gguf(ret, g, err);
    da_gguf_close(g);
    return rc;
}

/* path with its last part replaced. */
static void beside(struct da_buf *out, const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    da_buf_reset(out);
    if (slash)
        da_buf_add(out, path, (size_t)(slash - path) + 1);
    da_buf_add_str(out, name);
}

static enum da_rc open_json(struct da_tokenizer **ret, const char *path, struct da_err *err)
{
    struct da_buf json, config, config_path;
    struct da_vocab *v = NULL;
    da_buf_init(&json, MAX_JSON);
    da_buf_init(&config, MAX_JSON);
    da_buf_init(&config_path, 0);
    beside(&config_path, path, "tokenizer_config.json");
    enum da_rc rc = da_io_read_file(path, MAX_JSON, &json, err);
    if (rc == DA_OK && da_io_exists(config_path.p))
        rc = da_io_read_file(config_path.p, MAX_JSON, &config, err);
    if (rc == DA_OK) {
        rc = da_vocab_from_hf(&v, da_span(json.p, json.len), da_span(config.p, config.len), err);
        if (rc == DA_OK)
            rc = da_tokenizer_open_vocab(ret, v, err);
        if (rc != DA_OK)
            (void)da_err_context(err, rc, "%s", path);
    }
    da_buf_release(&json);
    da_buf_release(&config);
    da_buf_release(&config_path);
    return rc;
}

static enum da_rc read_beside(const char *path, const char *name, struct da_buf *out,
                              struct da_err *err)
{
    struct da_buf other;
    da_buf_init(&other, 0);
    beside(&other, path, name);
    enum da_rc rc = da_io_read_file(other.p, MAX_JSON, out, err);
    da_buf_release(&other);
    return rc;
}

enum text_kind { TEXT_SENTENCEPIECE, TEXT_RANKS, TEXT_GPT2, TEXT_BERT };

/* Whether tokenizer_config.json beside a vocab.txt says that case counts. */
static bool keeps_case(struct da_span config)
{
    struct da_json *root;
    bool lower = true;
    if (config.len == 0 || da_json_parse(config.p, config.len, &root, NULL) != DA_OK)
        return false;
    (void)da_json_bool(da_json_get(root, "do_lower_case"), &lower);
    da_json_free(root);
    return !lower;
}

static enum da_rc open_text(struct da_tokenizer **ret, const char *path, enum text_kind kind,
                            struct da_err *err)
{
    struct da_buf text, other;
    struct da_vocab *v = NULL;
    struct da_span s;
    da_buf_init(&text, MAX_JSON);
    da_buf_init(&other, MAX_JSON);
    enum da_rc rc = da_io_read_file(path, MAX_JSON, &text, err);
    if (rc == DA_OK && kind == TEXT_GPT2)
        rc = read_beside(path, "merges.txt", &other, err);
    else if (rc == DA_OK && kind == TEXT_BERT)
        (void)read_beside(path, "tokenizer_config.json", &other, NULL);
    if (rc != DA_OK)
        goto out;
    s = da_span(text.p, text.len);
    switch (kind) {
    case TEXT_SENTENCEPIECE:
        rc = da_vocab_from_sentencepiece(&v, s, err);
        break;
    case TEXT_RANKS:
        rc = da_vocab_from_ranks(&v, s, err);
        break;
    case TEXT_GPT2:
        rc = da_vocab_from_gpt2(&v, s, da_span(other.p, other.len), err);
        break;
    case TEXT_BERT:
        rc = da_vocab_from_bert(&v, s, !keeps_case(da_span(other.p, other.len)), err);
        break;
    }
    if (rc == DA_OK)
        rc = da_tokenizer_open_vocab(ret, v, err);
    if (rc != DA_OK)
        (void)da_err_context(err, rc, "%s", path);
out:
    da_buf_release(&text);
    da_buf_release(&other);
    return rc;
}

static bool is_named(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash ? slash + 1 : path, name) == 0;
}

/* A line of base64, a space and a number. */
static bool looks_like_ranks(struct da_span text)
{
    size_t n = 0;
    while (n < text.len && (text.p[n] == '+' || (text.p[n] >= '/' && text.p[n] <= '9') ||
                            (text.p[n] >= 'A' && text.p[n] <= 'Z') ||
                            (text.p[n] >= 'a' && text.p[n] <= 'z') || text.p[n] == '='))
        n++;
    return n >= 4 && n % 4 == 0 && text.len - n >= 2 && text.p[n] == ' ' &&
           text.p[n + 1] >= '0' && text.p[n + 1] <= '9';
}

static enum da_rc open_file(struct da_tokenizer **ret, const char *path, struct da_err *err)
{
    struct da_mapped m;
    enum da_rc rc = da_io_map(path, &m, err);
    if (rc != DA_OK)
        return rc;
    struct da_span head = da_span((const char *)m.p, m.len < 4096 ? m.len : 4096);
    struct da_span trimmed = da_span_trim(head);
    bool gguf = da_span_starts(head, "GGUF"), json = da_span_starts(trimmed, "{");
    bool ranks = looks_like_ranks(head);
    /* The first member of a ModelProto is a piece: number 1, its text's number 1 inside. */
    bool pieces = head.len > 4 && head.p[0] == 0x0a && head.p[2] == 0x0a;
    da_io_unmap(&m);
    if (gguf)
        return open_gguf(ret, path, err);
    if (json && is_named(path, "vocab.json"))
        return open_text(ret, path, TEXT_GPT2, err);
    if (json)
        return open_json(ret, path, err);
    if (ranks)
        return open_text(ret, path, TEXT_RANKS, err);
    if (pieces)
        return open_text(ret, path, TEXT_SENTENCEPIECE, err);
    if (is_named(path, "vocab.txt"))
        return open_text(ret, path, TEXT_BERT, err);
    return da_fail(err, DA_EUNSUPPORTED,
                   "tokenizer '%s': no kind of file that holds a tokenizer", path);
}

static enum da_rc open_folder(struct da_tokenizer **ret, const char *folder, struct da_err *err)
{
    static const char *const names[] = {"tokenizer.json", "tokenizer.model", "spiece.model",
                                        "vocab.json", "vocab.txt"};
    enum da_rc rc = DA_ENOTFOUND;
    struct da_buf path;
    da_buf_init(&path, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(names) && rc == DA_ENOTFOUND; i++) {
        da_buf_reset(&path);
        da_io_join(&path, folder, names[i]);
        if (da_io_exists(path.p)) {
            rc = open_file(ret, path.p, err);
            break;
        }
        (void)da_fail(err, DA_ENOTFOUND, "folder '%s' holds no tokenizer", folder);
    }
    da_buf_release(&path);
    return rc;
}

enum da_rc da_tokenizer_open(struct da_tokenizer **ret, const char *source, struct da_err *err)
{
    struct da_vocab *v;
    struct da_err why;
    if (da_ready_open(ret, source) == DA_OK)
        return DA_OK;
    enum da_rc rc = da_vocab_builtin(&v, source, &why);
    if (rc == DA_OK)
        return da_tokenizer_open_vocab(ret, v, err);
    if (rc != DA_ENOTFOUND || !da_io_exists(source))
        return da_fail(err, DA_ENOTFOUND,
                       "tokenizer '%s': no such file, and no built-in vocabulary "
                       "(o200k_base, cl100k_base)",
                       source);
    return da_io_is_dir(source) ? open_folder(ret, source, err) : open_file(ret, source, err);
}
