/* Where a tokenizer comes from: built in, or a file told by its first bytes. */

#include <string.h>

#include "common/io.h"
#include "engine/gguf.h"
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

enum da_rc da_tokenizer_open(struct da_tokenizer **ret, const char *source, struct da_err *err)
{
    struct da_vocab *v;
    struct da_err why;
    enum da_rc rc = da_vocab_builtin(&v, source, &why);
    if (rc == DA_OK)
        return da_tokenizer_open_vocab(ret, v, err);
    if (rc != DA_ENOTFOUND || !da_io_exists(source))
        return da_fail(err, DA_ENOTFOUND,
                       "tokenizer '%s': no such file, and no built-in vocabulary "
                       "(o200k_base, cl100k_base)",
                       source);
    if (da_io_is_dir(source)) {
        struct da_buf path;
        da_buf_init(&path, 0);
        da_io_join(&path, source, "tokenizer.json");
        if (da_io_exists(path.p))
            rc = open_json(ret, path.p, err);
        else
            rc = da_fail(err, DA_ENOTFOUND, "folder '%s' holds no tokenizer.json", source);
        da_buf_release(&path);
        return rc;
    }
    struct da_mapped m;
    rc = da_io_map(source, &m, err);
    if (rc != DA_OK)
        return rc;
    bool gguf = m.len >= 4 && memcmp(m.p, "GGUF", 4) == 0;
    size_t at = 0;
    while (at < m.len && strchr(" \t\r\n", m.p[at]) && m.p[at])
        at++;
    bool json = at < m.len && m.p[at] == '{';
    da_io_unmap(&m);
    if (gguf)
        return open_gguf(ret, source, err);
    if (json)
        return open_json(ret, source, err);
    return da_fail(err, DA_EUNSUPPORTED, "tokenizer '%s': neither GGUF nor tokenizer.json", source);
}
