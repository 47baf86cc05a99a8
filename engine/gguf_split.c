/*
 * Models in several files, as llama.cpp's gguf-split writes them: NAME-00001-of-0000N.gguf,
 * each a GGUF file with the keys split.no (from 0), split.count and
 * split.tensors.count (of all). The first holds the model's keys.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/gguf.h"
#include "engine/gguf_impl.h"

enum { SUFFIX_LEN = 20 }; /* -00001-of-00002.gguf */

/* The part's name for part no (from 1); NULL when path is not called as a part of n. */
static char *part_path(const char *path, uint64_t no, uint64_t n)
{
    char suffix[48];
    size_t len = strlen(path);
    if (len < SUFFIX_LEN)
        return NULL;
    const char *old = path + len - SUFFIX_LEN;
    (void)snprintf(suffix, sizeof suffix, "-of-%05" PRIu64 ".gguf", n);
    if (old[0] != '-' || strspn(old + 1, "0123456789") != 5 || strcmp(old + 6, suffix) != 0)
        return NULL;
    char *out = da_strdup(path);
    (void)snprintf(suffix, sizeof suffix, "%05" PRIu64, no);
    memcpy(out + len - SUFFIX_LEN + 1, suffix, 5);
    return out;
}

static enum da_rc part_numbers(const struct da_gguf *g, uint64_t *no, uint64_t *n,
                               struct da_err *err)
{
    enum da_rc rc = da_gguf_opt_uint(g, "split.count", 1, n, err);
    if (rc || (rc = da_gguf_opt_uint(g, "split.no", 0, no, err)))
        return rc;
    if (*n > DA_GGUF_MAX_FILES || (*n > 1 && *no >= *n))
        return da_fail(err, DA_EFORMAT, "%s: it calls itself part %" PRIu64 " of %" PRIu64, g->name,
                       *no + 1, *n);
    return DA_OK;
}

static enum da_rc open_part(struct da_gguf **ret, const char *like, uint64_t no, uint64_t n,
                            struct da_err *err)
{
    uint64_t its_no, its_n;
    struct da_gguf *g;
    char *path = part_path(like, no + 1, n);
    if (!path)
        return da_fail(err, DA_EFORMAT,
                       "%s: it is part of a model in %" PRIu64
                       " files, but its name does not end in -00001-of-%05" PRIu64 ".gguf",
                       like, n, n);
    enum da_rc rc = da_gguf_open_one(&g, path, err);
    free(path);
    if (rc)
        return rc;
    if (!(rc = part_numbers(g, &its_no, &its_n, err)) && (its_no != no || its_n != n))
        rc = da_fail(err, DA_EMISMATCH,
                     "%s: it calls itself part %" PRIu64 " of %" PRIu64 ", not %" PRIu64
                     " of %" PRIu64,
                     g->name, its_no + 1, its_n, no + 1, n);
    if (rc)
        da_gguf_close(g);
    else
        *ret = g;
    return rc;
}

static enum da_rc take_tensors(struct da_gguf *g, const struct da_gguf *part, struct da_err *err)
{
    char name[DA_GGUF_SHOWN];
    if (part->n_tensors > DA_GGUF_MAX_TENSORS - g->n_tensors)
        return da_fail(err, DA_ELIMIT, "%s: the files have more than %d tensors", g->name,
                       DA_GGUF_MAX_TENSORS);
    for (size_t i = 0; i < part->n_tensors; i++) {
        const struct da_gguf_tensor *t = &part->tensors[i];
        bool is_new;
        *da_map_add(&g->tensor_index, t->name.p, t->name.len, &is_new) = g->n_tensors;
        if (!is_new)
            return da_fail(err, DA_EFORMAT, "%s: tensor '%s' is in another part, too", part->name,
                           da_gguf_shown(t->name, name));
        DA_GROW(g->tensors, g->n_tensors, g->cap_tensors);
        g->tensors[g->n_tensors++] = *t;
    }
    return DA_OK;
}

enum da_rc da_gguf_join(struct da_gguf **gp, struct da_err *err)
{
    struct da_gguf *g = *gp;
    uint64_t no, n, total;
    enum da_rc rc = part_numbers(g, &no, &n, err);
    if (rc || n < 2)
        return rc;
    if (no > 0) {
        struct da_gguf *first;
        if ((rc = open_part(&first, g->name, 0, n, err)))
            return rc;
        da_gguf_close(g);
        *gp = g = first;
    }
    g->more = da_calloc((size_t)n - 1, sizeof *g->more);
    for (uint64_t i = 1; i < n; i++) {
        if ((rc = open_part(&g->more[g->n_more], g->name, i, n, err)))
            return rc;
        g->n_more++;
        if ((rc = take_tensors(g, g->more[i - 1], err)))
            return rc;
    }
    if ((rc = da_gguf_opt_uint(g, "split.tensors.count", g->n_tensors, &total, err)))
        return rc;
    return total == g->n_tensors
               ? DA_OK
               : da_fail(err, DA_EMISMATCH,
                         "%s: the %" PRIu64 " files hold %zu tensors, key 'split.tensors.count' "
                         "says %" PRIu64,
                         g->name, n, g->n_tensors, total);
}
