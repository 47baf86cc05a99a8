#include "cli/score_out.h"

#include <string.h>

#include "common/hash.h"
#include "common/io.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static enum da_rc write_log(const struct da_samples *s, const char *path,
                            char hex[DA_SHA256_HEX_LEN + 1], struct da_err *err)
{
    struct da_buf text;

    da_buf_init(&text, 0);
    da_samples_write(s, &text);
    enum da_rc rc = da_buf_check(&text, "the per-sample log", err);
    if (rc == DA_OK)
        rc = da_io_write_file(path, text.p, text.len, err);
    da_sha256_hex(text.p, text.len, hex);
    da_buf_release(&text);
    return rc;
}

enum da_rc da_cli_add_score(const struct da_samples *s, const struct da_record_opts *opts,
                            const char *output, int k, struct da_buf *out, struct da_err *err)
{
    struct da_record_opts r = *opts;
    char hex[DA_SHA256_HEX_LEN + 1];
    struct da_buf path;
    enum da_rc rc = DA_OK;

    da_buf_init(&path, 0);
    if (strcmp(output, "-") != 0) {
        da_buf_add_str(&path, output);
        if (k)
            da_buf_addf(&path, ".%d", k);
        da_buf_add_str(&path, ".samples.jsonl");
        rc = write_log(s, path.p, hex, err);
        r.log_path = da_span_str(base_name(path.p));
        r.log_sha256 = da_span(hex, DA_SHA256_HEX_LEN);
    }
    if (rc == DA_OK)
        da_samples_record(s, &r, out);
    da_buf_release(&path);
    return rc;
}

enum da_rc da_cli_write_scores(const char *output, const struct da_buf *out, struct da_err *err)
{
    if (strcmp(output, "-") != 0)
        return da_io_write_file(output, out->p, out->len, err);
    return da_io_write_all(1, out->p, out->len, "<stdout>", err);
}
