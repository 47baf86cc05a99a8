/* Prompt files and filling in: see the header. */

#include "prompts/prompts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/embed.h"
#include "common/io.h"
#include "common/mem.h"

#define ROOT "prompts/"
#define SUFFIX ".txt"
#define MAX_TEXT_BYTES ((size_t)1 << 20)

struct text {
    char *name; /* "system" */
    char *p;
    size_t len;
};

struct da_prompt_set {
    char *set;
    struct text *texts; /* [n], in order of name */
    size_t n, cap;
    char sha256[DA_SHA256_HEX_LEN + 1];
};

/* Length of "{{name}}" at the start of s and its name, or 0. */
static size_t placeholder(struct da_span s, struct da_span *name)
{
    size_t i = 2;
    if (!da_span_starts(s, "{{"))
        return 0;
    while (i < s.len && ((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '_'))
        i++;
    if (i == 2 || i + 2 > s.len || s.p[i] != '}' || s.p[i + 1] != '}')
        return 0;
    *name = da_span(s.p + 2, i - 2);
    return i + 2;
}

enum da_rc da_prompt_render(struct da_span text, const struct da_prompt_var *vars, size_t n_vars,
                            struct da_buf *out, struct da_err *err)
{
    size_t start = 0;
    for (size_t i = 0; i < text.len;) {
        struct da_span name;
        size_t len = placeholder(da_span(text.p + i, text.len - i), &name);
        if (len == 0) {
            i++;
            continue;
        }
        size_t k = 0;
        while (k < n_vars && !da_span_is(name, vars[k].name))
            k++;
        if (k == n_vars)
            return da_fail(err, DA_EFORMAT, "a prompt asks for '{{%.*s}}', which is not known",
                           (int)name.len, name.p);
        da_buf_add(out, text.p + start, i - start);
        da_buf_add(out, vars[k].value.p, vars[k].value.len);
        i += len;
        start = i;
    }
    da_buf_add(out, text.p + start, text.len - start);
    return da_buf_check(out, "a prompt", err);
}

int da_prompt_uses(struct da_span text, const char *name)
{
    for (size_t i = 0; i < text.len; i++) {
        struct da_span found;
        if (placeholder(da_span(text.p + i, text.len - i), &found) && da_span_is(found, name))
            return 1;
    }
    return 0;
}

/* The NAME of "prompts/SET/NAME.txt", or an empty span. */
static struct da_span name_in_set(const char *path, const char *set)
{
    size_t root = strlen(ROOT), n = strlen(set), len = strlen(path), tail = strlen(SUFFIX);
    if (len <= root + n + 1 + tail || strncmp(path, ROOT, root) != 0 ||
        strncmp(path + root, set, n) != 0 || path[root + n] != '/' ||
        strcmp(path + len - tail, SUFFIX) != 0)
        return da_span("", 0);
    return da_span(path + root + n + 1, len - root - n - 1 - tail);
}

static enum da_rc load_text(struct da_prompt_set *s, const struct da_embedded *built_in,
                            struct da_span name, const char *dir, struct da_err *err)
{
    struct da_buf path, text;
    enum da_rc rc = DA_OK;
    da_buf_init(&path, 0);
    da_buf_init(&text, MAX_TEXT_BYTES);
    if (dir) {
        da_buf_addf(&path, "%s/%s/%.*s" SUFFIX, dir, s->set, (int)name.len, name.p);
        rc = da_io_read_file(path.p, MAX_TEXT_BYTES, &text, err);
    } else {
        da_buf_add(&text, built_in->p, built_in->len);
    }
    if (!rc) {
        if (text.len && text.p[text.len - 1] == '\n')
            da_buf_truncate(&text, text.len - 1);
        DA_GROW(s->texts, s->n, s->cap);
        struct text *t = &s->texts[s->n++];
        t->name = da_strndup(name.p, name.len);
        t->p = da_buf_take(&text, &t->len);
    }
    da_buf_release(&path);
    da_buf_release(&text);
    return rc;
}

static void hash_set(struct da_prompt_set *s)
{
    struct da_sha256 h;
    unsigned char sum[DA_SHA256_LEN];
    da_sha256_init(&h);
    for (size_t i = 0; i < s->n; i++) { /* NUL ends names and texts: neither can hold one */
        da_sha256_add(&h, s->texts[i].name, strlen(s->texts[i].name) + 1);
        da_sha256_add(&h, s->texts[i].p, s->texts[i].len + 1);
    }
    da_sha256_end(&h, sum);
    da_hex(sum, sizeof sum, s->sha256);
}

enum da_rc da_prompt_set_open(struct da_prompt_set **ret, const char *set, const char *dir,
                              struct da_err *err)
{
    struct da_prompt_set *s = da_calloc(1, sizeof *s);
    enum da_rc rc = DA_OK;
    size_t n_files;
    const struct da_embedded *files = da_embed_list(&n_files);
    s->set = da_strdup(set);
    for (size_t i = 0; i < n_files && !rc; i++) {
        struct da_span name = name_in_set(files[i].name, set);
        if (name.len)
            rc = load_text(s, &files[i], name, dir, err);
    }
    if (!rc && s->n == 0)
        rc = da_fail(err, DA_ENOTFOUND, "there is no set of prompts '%s'", set);
    if (rc) {
        da_prompt_set_close(s);
        return rc;
    }
    hash_set(s);
    *ret = s;
    return DA_OK;
}

void da_prompt_set_close(struct da_prompt_set *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++) {
        free(s->texts[i].name);
        free(s->texts[i].p);
    }
    free(s->texts);
    free(s->set);
    free(s);
}

enum da_rc da_prompt_set_get(const struct da_prompt_set *s, const char *name, struct da_span *text,
                             struct da_err *err)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->texts[i].name, name) == 0) {
            *text = da_span(s->texts[i].p, s->texts[i].len);
            return DA_OK;
        }
    return da_fail(err, DA_ENOTFOUND, "there is no prompt '%s/%s'", s->set, name);
}

const char *da_prompt_set_sha256(const struct da_prompt_set *s)
{
    return s->sha256;
}

/* The path of an embedded prompt file below dir, or false for other embedded files. */
static bool export_path(const struct da_embedded *f, const char *dir, struct da_buf *path)
{
    da_buf_reset(path);
    if (strncmp(f->name, ROOT, strlen(ROOT)) != 0)
        return false;
    da_io_join(path, dir, f->name + strlen(ROOT));
    return true;
}

static enum da_rc export_one(const struct da_embedded *f, const char *path, struct da_err *err)
{
    char *folder = da_strdup(path);
    char *slash = strrchr(folder, '/');
    enum da_rc rc = DA_OK;
    if (slash) {
        *slash = 0;
        rc = da_io_make_dirs(folder, err);
    }
    free(folder);
    return rc ? rc : da_io_write_file(path, f->p, f->len, err);
}

enum da_rc da_prompts_export(const char *dir, size_t *n_files, struct da_err *err)
{
    size_t n, done = 0;
    const struct da_embedded *files = da_embed_list(&n);
    struct da_buf path;
    enum da_rc rc = DA_OK;
    da_buf_init(&path, 0);
    for (size_t i = 0; i < n && !rc; i++)
        if (export_path(&files[i], dir, &path) && da_io_exists(path.p))
            rc = da_fail(err, DA_EUSAGE, "'%s' exists already; nothing was written", path.p);
    for (size_t i = 0; i < n && !rc; i++)
        if (export_path(&files[i], dir, &path)) {
            rc = export_one(&files[i], path.p, err);
            done += !rc;
        }
    da_buf_release(&path);
    if (!rc)
        *n_files = done;
    return rc;
}
