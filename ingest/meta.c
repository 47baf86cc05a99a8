/* See meta.h. Rows are kept as text, since most of them are needed once. */

#include "ingest/meta.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/hash.h"
#include "common/jsonl.h"
#include "common/map.h"
#include "common/mem.h"

struct da_meta {
    struct da_map rows;   /* path -> index into lines */
    struct da_arena text;
    struct da_span *lines; /* [n], owned; bytes in text */
    bool *marked;          /* [n], owned */
    size_t n, cap, marked_cap;
    char hash[DA_SHA256_HEX_LEN + 1];
};

static enum da_rc add_row(struct da_meta *m, struct da_jsonl *in, struct da_span line,
                          struct da_err *err)
{
    struct da_json *j = NULL;
    struct da_span path;
    bool is_new = false;
    enum da_rc rc = da_json_parse(line.p, line.len, &j, err);
    if (rc == DA_OK)
        rc = da_json_need_str(j, "path", &path, err);
    if (rc == DA_OK) {
        while (path.len > 2 && memcmp(path.p, "./", 2) == 0)
            path = da_span(path.p + 2, path.len - 2);
        uint64_t *v = da_map_add(&m->rows, path.p, path.len, &is_new);
        *v = m->n;
        if (!is_new)
            rc = da_fail(err, DA_EFORMAT, "path '%.200s' stands in an earlier row already",
                         path.p);
    }
    da_json_free(j);
    if (rc != DA_OK)
        return da_jsonl_fail(in, err);
    DA_GROW(m->marked, m->n, m->marked_cap);
    m->marked[m->n] = false;
    DA_GROW(m->lines, m->n, m->cap);
    m->lines[m->n++] = da_span(da_arena_strndup(&m->text, line.p, line.len), line.len);
    return DA_OK;
}

enum da_rc da_meta_open(struct da_meta **ret, const char *path, struct da_err *err)
{
    struct da_jsonl *in = NULL;
    enum da_rc rc = da_jsonl_open(&in, path, err);
    if (rc != DA_OK)
        return rc;
    struct da_meta *m = da_calloc(1, sizeof *m);
    struct da_sha256 h;
    da_sha256_init(&h);
    da_map_init(&m->rows);
    da_arena_init(&m->text);
    for (;;) {
        struct da_span line;
        rc = da_jsonl_next_line(in, &line, err);
        if (rc != DA_OK || line.len == 0)
            break;
        da_sha256_add(&h, line.p, line.len);
        rc = add_row(m, in, line, err);
        if (rc != DA_OK)
            break;
    }
    unsigned char sum[DA_SHA256_LEN];
    da_sha256_end(&h, sum);
    da_hex(sum, sizeof sum, m->hash);
    da_jsonl_close(in);
    if (rc != DA_OK) {
        da_meta_close(m);
        return rc;
    }
    *ret = m;
    return DA_OK;
}

void da_meta_close(struct da_meta *m)
{
    if (m == NULL)
        return;
    da_map_release(&m->rows);
    da_arena_release(&m->text);
    free(m->lines);
    free(m->marked);
    free(m);
}

struct da_json *da_meta_find(const struct da_meta *m, struct da_span path)
{
    const uint64_t *i = m != NULL ? da_map_get(&m->rows, path.p, path.len) : NULL;
    struct da_json *j = NULL;
    if (i != NULL && da_json_parse(m->lines[*i].p, m->lines[*i].len, &j, NULL) != DA_OK)
        return NULL;
    return j;
}

void da_meta_mark(struct da_meta *m, struct da_span path)
{
    const uint64_t *i = m != NULL ? da_map_get(&m->rows, path.p, path.len) : NULL;
    if (i != NULL)
        m->marked[*i] = true;
}

size_t da_meta_unmarked(const struct da_meta *m, size_t *n_rows, const char **first)
{
    size_t count = 0;
    *n_rows = m->n;
    *first = NULL;
    for (size_t i = 0; i < m->rows.n; i++) {
        if (m->marked[m->rows.entries[i].value])
            continue;
        if (count++ == 0)
            *first = m->rows.entries[i].key.p;
    }
    return count;
}

const char *da_meta_hash(const struct da_meta *m)
{
    return m->hash;
}
