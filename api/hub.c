#include "api/hub.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io.h"
#include "common/json.h"
#include "common/mem.h"

#define MAX_FILE_BYTES ((uint64_t)1 << 42)

static bool is_name_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-' || c == '_';
}

enum da_rc da_hub_check_repo(const char *repo, struct da_err *err)
{
    size_t slashes = 0, len = strlen(repo);
    bool ok = len > 0 && len < 192 && repo[0] != '.' && repo[0] != '/' && repo[len - 1] != '/';
    for (size_t i = 0; i < len && ok; i++) {
        slashes += repo[i] == '/';
        ok = is_name_char(repo[i]) || (repo[i] == '/' && slashes == 1 && repo[i + 1] != '.');
    }
    return ok ? DA_OK : da_fail(err, DA_EUSAGE, "'%.200s' is no repository (org/name)", repo);
}

/* A path below a folder: no "..", nothing absolute, nothing that a file system reads otherwise. */
static bool is_safe_path(struct da_span path)
{
    struct da_span rest = path, part;
    if (path.len == 0 || path.len > DA_HUB_MAX_PATH || path.p[0] == '/')
        return false;
    for (size_t i = 0; i < path.len; i++)
        if ((unsigned char)path.p[i] < 0x20 || path.p[i] == '\\' || path.p[i] == 0x7f)
            return false;
    while (da_span_split(&rest, '/', &part))
        if (part.len == 0 || part.len > 200 || da_span_is(part, ".") || da_span_is(part, ".."))
            return false;
    return true;
}

/* Appends text with all but unreserved characters percent-encoded; slashes are kept when asked. */
static void add_encoded(struct da_buf *out, const char *text, bool slashes)
{
    for (; *text; text++)
        if (is_name_char(*text) || *text == '~' || (slashes && *text == '/'))
            da_buf_add_char(out, *text);
        else
            da_buf_addf(out, "%%%02X", (unsigned)(unsigned char)*text);
}

static bool copy_hex(char *out, size_t n, struct da_span hex)
{
    out[0] = 0;
    if (hex.len != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isxdigit((unsigned char)hex.p[i]))
            return false;
    memcpy(out, hex.p, n);
    out[n] = 0;
    return true;
}

static enum da_rc add_file(struct da_hub_repo *r, const struct da_json *j, struct da_err *err)
{
    const struct da_json *lfs = da_json_get(j, "lfs");
    struct da_hub_file f = {0};
    struct da_span path, hex;
    int64_t size = 0;
    if (!da_json_str(da_json_get(j, "rfilename"), &path) || !is_safe_path(path))
        return da_fail(err, DA_EFORMAT, "a file of the repository has an impossible name");
    if (r->n == DA_HUB_MAX_FILES)
        return da_fail(err, DA_ELIMIT, "the repository has more than %d files", DA_HUB_MAX_FILES);
    if (da_json_int(da_json_get(j, "size"), &size) && size > 0)
        f.size = (uint64_t)size;
    if (da_json_str(da_json_get(lfs, "sha256"), &hex))
        (void)copy_hex(f.sha256, 64, hex);
    else if (da_json_str(da_json_get(j, "blobId"), &hex))
        (void)copy_hex(f.git, 40, hex);
    f.path = da_strndup(path.p, path.len);
    DA_GROW(r->files, r->n, r->cap);
    r->files[r->n++] = f;
    return DA_OK;
}

static enum da_rc read_list(const struct da_buf *text, struct da_hub_repo *out, struct da_err *err)
{
    struct da_json *root = NULL;
    struct da_span commit;
    enum da_rc rc = da_json_parse(text->p, text->len, &root, err);
    if (rc)
        return rc;
    const struct da_json *list = da_json_get(root, "siblings");
    bool ok = da_json_str(da_json_get(root, "sha"), &commit) && commit.len > 6 &&
              commit.len <= DA_HUB_COMMIT_LEN;
    for (size_t i = 0; ok && i < commit.len; i++)
        ok = isxdigit((unsigned char)commit.p[i]);
    if (!ok || da_json_type(list) != DA_JSON_ARRAY) {
        rc = da_fail(err, DA_EFORMAT, "the hub's answer has no 'sha' or no 'siblings'");
    } else {
        (void)snprintf(out->commit, sizeof out->commit, "%.*s", (int)commit.len, commit.p);
        for (const struct da_json *j = da_json_first(list); j && !rc; j = da_json_next(j))
            rc = add_file(out, j, err);
    }
    da_json_free(root);
    return rc;
}

enum da_rc da_hub_list(const struct da_fetch *f, const char *endpoint, const char *repo,
                       const char *revision, struct da_hub_repo *out, struct da_err *err)
{
    struct da_buf url, text;
    enum da_rc rc;
    memset(out, 0, sizeof *out);
    da_buf_init(&url, 0);
    da_buf_init(&text, DA_HUB_MAX_LIST_BYTES);
    da_buf_addf(&url, "%s/api/models/%s/revision/", endpoint, repo);
    add_encoded(&url, revision, false);
    da_buf_add_str(&url, "?blobs=true");
    rc = da_fetch_text(f, url.p, "application/json", DA_HUB_MAX_LIST_BYTES, &text, err);
    if (!rc && (rc = read_list(&text, out, err)))
        rc = da_err_context(err, rc, "'%s'", url.p);
    da_buf_release(&url);
    da_buf_release(&text);
    if (rc)
        da_hub_repo_release(out);
    return rc;
}

void da_hub_repo_release(struct da_hub_repo *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->files[i].path);
    free(r->files);
    memset(r, 0, sizeof *r);
}

enum da_rc da_hub_get(const struct da_fetch *f, const char *endpoint, const char *repo,
                      const struct da_hub_repo *r, const struct da_hub_file *file,
                      const char *folder, struct da_err *err)
{
    struct da_buf url, path;
    enum da_rc rc = DA_OK;
    da_buf_init(&url, 0);
    da_buf_init(&path, 0);
    da_buf_addf(&url, "%s/%s/resolve/%s/", endpoint, repo, r->commit);
    add_encoded(&url, file->path, true);
    da_io_join(&path, folder, file->path);
    char *dir = da_strdup(path.p);
    *strrchr(dir, '/') = 0; /* path has the folder before it */
    rc = da_io_make_dirs(dir, err);
    free(dir);
    const struct da_fetch_file what = {.url = url.p,
                                       .path = path.p,
                                       .size = file->size,
                                       .max_bytes = MAX_FILE_BYTES,
                                       .sha256 = file->sha256[0] ? file->sha256 : NULL,
                                       .git = file->git[0] ? file->git : NULL};
    if (!rc)
        rc = da_fetch_file(f, &what, err);
    da_buf_release(&url);
    da_buf_release(&path);
    return rc;
}

/* --- package index ------------------------------------------------------------------- */

static bool find_in_json(const char *page, const struct da_json *root, const char *filename,
                         struct da_buf *url, char *sha256)
{
    const struct da_json *list = da_json_get(root, "files");
    for (const struct da_json *file = da_json_first(list); file; file = da_json_next(file)) {
        struct da_span name, ref, hex;
        if (!da_json_str(da_json_get(file, "filename"), &name) || !da_span_is(name, filename) ||
            !da_json_str(da_json_get(file, "url"), &ref))
            continue;
        char *s = da_strndup(ref.p, ref.len);
        bool ok = !da_http_join(page, s, url, NULL);
        free(s);
        if (da_json_str(da_json_get(da_json_get(file, "hashes"), "sha256"), &hex))
            (void)copy_hex(sha256, 64, hex);
        return ok;
    }
    return false;
}

/* <a href="URL/FILENAME#sha256=HEX">: the value of the href that names the file. */
static bool find_in_html(const char *page, struct da_span text, const char *filename,
                         struct da_buf *url, char *sha256)
{
    static const char HREF[] = "href=\"", HASH[] = "#sha256=";
    for (;;) {
        size_t at = da_span_find(text, da_span_str(HREF));
        if (at >= text.len)
            return false;
        text = da_span(text.p + at + strlen(HREF), text.len - at - strlen(HREF));
        struct da_span rest = text, ref, path;
        if (!da_span_split(&rest, '"', &ref))
            return false;
        struct da_span whole = ref;
        size_t hash = da_span_find(ref, da_span_str(HASH));
        (void)da_span_split(&whole, '#', &path);
        size_t n = strlen(filename);
        if (path.len <= n || memcmp(path.p + path.len - n, filename, n) != 0 ||
            path.p[path.len - n - 1] != '/')
            continue;
        if (hash < ref.len)
            (void)copy_hex(sha256, 64,
                           da_span(ref.p + hash + strlen(HASH), ref.len - hash - strlen(HASH)));
        char *s = da_strndup(path.p, path.len);
        bool ok = !da_http_join(page, s, url, NULL);
        free(s);
        return ok;
    }
}

enum da_rc da_index_find(const struct da_fetch *f, const char *index, const char *package,
                         const char *filename, struct da_buf *url, char *sha256, struct da_err *err)
{
    struct da_buf page, text;
    struct da_json *root = NULL;
    bool found;
    size_t len = strlen(index);
    sha256[0] = 0;
    da_buf_init(&page, 0);
    da_buf_init(&text, DA_HUB_MAX_LIST_BYTES);
    da_buf_addf(&page, "%s%s%s/", index, len && index[len - 1] == '/' ? "" : "/", package);
    enum da_rc rc = da_fetch_text(f, page.p, "application/vnd.pypi.simple.v1+json, text/html;q=0.5",
                                  DA_HUB_MAX_LIST_BYTES, &text, err);
    if (!rc) {
        if (!da_json_parse(text.p, text.len, &root, NULL))
            found = find_in_json(page.p, root, filename, url, sha256);
        else
            found = find_in_html(page.p, da_span(text.p, text.len), filename, url, sha256);
        if (!found)
            rc = da_fail(err, DA_ENOTFOUND, "'%s' has no file '%s'", page.p, filename);
    }
    da_json_free(root);
    da_buf_release(&page);
    da_buf_release(&text);
    return rc;
}
