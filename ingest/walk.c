/* See walk.h. A stack of folders; the names of each are read at once and sorted. */

#include "ingest/walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/io.h"
#include "common/mem.h"

enum { MAX_DEPTH = 128 };

struct level {
    struct da_buf names; /* NUL-terminated, one after the other */
    uint32_t *order;     /* [n] offsets into names, sorted */
    size_t n, cap, at;
    size_t path_len; /* length of this folder's path in walk.path */
};

struct da_walk {
    const char *const *paths;
    size_t n_paths, at;
    struct level levels[MAX_DEPTH];
    unsigned depth;
    struct da_buf path;
    size_t root_len; /* bytes of path that belong to the argument and its slash */
};

enum da_rc da_walk_open(struct da_walk **ret, const char *const *paths, size_t n,
                        struct da_err *err)
{
    struct stat st;
    for (size_t i = 0; i < n; i++)
        if (stat(paths[i], &st) != 0)
            return da_fail_errno(err, DA_ENOTFOUND, errno, "'%s'", paths[i]);
    struct da_walk *w = da_calloc(1, sizeof *w);
    w->paths = paths;
    w->n_paths = n;
    da_buf_init(&w->path, 0);
    *ret = w;
    return DA_OK;
}

static void close_level(struct level *l)
{
    da_buf_release(&l->names);
    free(l->order);
    memset(l, 0, sizeof *l);
}

void da_walk_close(struct da_walk *w)
{
    if (w == NULL)
        return;
    while (w->depth > 0)
        close_level(&w->levels[--w->depth]);
    da_buf_release(&w->path);
    free(w);
}

/* Heap sort of offsets by the names they point at: qsort has no context argument in C11. */
static void sift(uint32_t *o, size_t i, size_t n, const char *names)
{
    for (size_t k; (k = 2 * i + 1) < n; i = k) {
        if (k + 1 < n && strcmp(names + o[k + 1], names + o[k]) > 0)
            k++;
        if (strcmp(names + o[i], names + o[k]) >= 0)
            return;
        uint32_t t = o[i];
        o[i] = o[k];
        o[k] = t;
    }
}

static void sort_names(uint32_t *o, size_t n, const char *names)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(o, i, n, names);
    for (size_t i = n; i-- > 1;) {
        uint32_t t = o[0];
        o[0] = o[i];
        o[i] = t;
        sift(o, 0, i, names);
    }
}

/* Opens the folder at w->path; false (with errno) when it cannot be read. */
static bool push(struct da_walk *w)
{
    if (w->depth == MAX_DEPTH) {
        errno = ELOOP;
        return false;
    }
    DIR *d = opendir(w->path.p);
    if (d == NULL)
        return false;
    struct level *l = &w->levels[w->depth];
    memset(l, 0, sizeof *l);
    da_buf_init(&l->names, 0);
    l->path_len = w->path.len;
    const struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        DA_GROW(l->order, l->n, l->cap);
        l->order[l->n++] = (uint32_t)l->names.len; /* below DA_BUF_DEFAULT_MAX */
        da_buf_add(&l->names, e->d_name, strlen(e->d_name) + 1);
    }
    (void)closedir(d);
    sort_names(l->order, l->n, l->names.p);
    w->depth++;
    return true;
}

static void give(const struct da_walk *w, struct da_walk_item *item)
{
    item->path = w->path.p;
    item->rel = w->path.p + w->root_len;
}

/* Starts the next argument; true when it is a file (or a folder that cannot be read). */
static bool next_argument(struct da_walk *w, struct da_walk_item *item)
{
    const char *arg = w->paths[w->at++];
    da_buf_reset(&w->path);
    da_buf_add_str(&w->path, arg);
    while (w->path.len > 1 && w->path.p[w->path.len - 1] == '/')
        da_buf_truncate(&w->path, w->path.len - 1);
    if (da_io_is_dir(w->path.p)) {
        w->root_len = w->path.len + (w->path.p[w->path.len - 1] != '/');
        if (push(w))
            return false;
        w->root_len = 0;
        give(w, item);
        return true;
    }
    const char *slash = strrchr(w->path.p, '/');
    w->root_len = slash != NULL ? (size_t)(slash - w->path.p) + 1 : 0;
    give(w, item);
    return true;
}

bool da_walk_next(struct da_walk *w, struct da_walk_item *item)
{
    for (;;) {
        if (w->depth == 0) {
            if (w->at == w->n_paths)
                return false;
            if (next_argument(w, item))
                return true;
            continue;
        }
        struct level *l = &w->levels[w->depth - 1];
        da_buf_truncate(&w->path, l->path_len);
        if (l->at == l->n) {
            close_level(l);
            w->depth--;
            continue;
        }
        if (w->path.p[w->path.len - 1] != '/')
            da_buf_add_char(&w->path, '/');
        da_buf_add_str(&w->path, l->names.p + l->order[l->at++]);
        struct stat st, link;
        if (lstat(w->path.p, &link) != 0 || stat(w->path.p, &st) != 0) {
            give(w, item);
            return true;
        }
        if (!S_ISDIR(st.st_mode)) {
            give(w, item);
            return true;
        }
        if (!S_ISLNK(link.st_mode) && !push(w)) {
            give(w, item);
            return true;
        }
    }
}
