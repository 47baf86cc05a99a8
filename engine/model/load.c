/*
 * Tensors to weights: every shape is checked, matrices are listed and then become
 * panels together, by all threads.
 */
#include "engine/model/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/threads.h"
#include "engine/bigmem.h"
#include "engine/kernels/panels.h"
#include "engine/model/panel_cache.h"

/* --- tensors ------------------------------------------------------------------ */

static enum da_rc missing(const struct da_gguf *g, const char *name, struct da_err *err)
{
    return da_fail(err, DA_EFORMAT, "%s: tensor '%s' is missing", da_gguf_name(g), name);
}

enum da_rc da_load_tensor(const struct da_gguf *g, bool *used, const char *name, uint64_t d0,
                          uint64_t d1, bool needed, const struct da_gguf_tensor **ret,
                          struct da_err *err)
{
    const struct da_gguf_tensor *t = da_gguf_tensor(g, name);
    *ret = NULL;
    if (!t)
        return needed ? missing(g, name, err) : DA_OK;
    used[t - da_gguf_tensor_at(g, 0)] = true;
    if (t->dims[0] != d0 || t->dims[1] != d1 || t->dims[2] != 1 || t->dims[3] != 1)
        return da_fail(err, DA_EFORMAT,
                       "%s: tensor '%s' has shape [%" PRIu64 ", %" PRIu64 "], not [%" PRIu64
                       ", %" PRIu64 "]",
                       da_gguf_name(g), name, t->dims[0], t->dims[1], d0, d1);
    if (!da_qtype_info(t->type)->readable)
        return da_fail(err, DA_EUNSUPPORTED, "%s: tensor '%s' has type %s, which is not read",
                       da_gguf_name(g), name, da_qtype_name(t->type));
    *ret = t;
    return DA_OK;
}

enum da_rc da_load_missing(struct da_loader *ld, const char *name)
{
    return missing(ld->g, name, ld->err);
}

enum da_rc da_load_find(struct da_loader *ld, const char *name, uint64_t d0, uint64_t d1,
                        const struct da_gguf_tensor **ret)
{
    return da_load_tensor(ld->g, ld->used, name, d0, d1, false, ret, ld->err);
}

float *da_load_floats(struct da_model *m, size_t n)
{
    float *block = da_try_alloc_aligned(64, (size_t)da_pad((uint32_t)n, DA_LANES) * sizeof *block);
    if (!block)
        return NULL;
    DA_GROW(m->floats, m->n_floats, m->cap_floats);
    m->floats[m->n_floats++] = block;
    return block;
}

enum da_rc da_load_vector(struct da_loader *ld, const char *name, uint32_t n, bool needed,
                          float **out)
{
    const struct da_gguf_tensor *t;
    enum da_rc rc = da_load_find(ld, name, n, 1, &t);
    *out = NULL;
    if (rc)
        return rc;
    if (!t)
        return needed ? da_load_missing(ld, name) : DA_OK;
    if (!(*out = da_load_floats(ld->m, n)))
        return da_fail(ld->err, DA_ENOMEM, "no memory for tensor '%s'", name);
    da_dequantize((enum da_qtype)t->type, t->data, *out, n);
    return DA_OK;
}

const char *da_load_name(char buf[DA_LOAD_NAME_MAX], int layer, const char *base, const char *what)
{
    if (layer < 0)
        snprintf(buf, DA_LOAD_NAME_MAX, "%s.%s", base, what);
    else
        snprintf(buf, DA_LOAD_NAME_MAX, "blk.%d.%s.%s", layer, base, what);
    return buf;
}

enum da_rc da_load_norm(struct da_loader *ld, int layer, const char *base, uint32_t n,
                        struct da_norm_weight *out)
{
    const struct da_family *f = ld->m->family;
    char name[DA_LOAD_NAME_MAX];
    if (f->norm_unit) {
        if (!(out->w = da_load_floats(ld->m, n)))
            return da_fail(ld->err, DA_ENOMEM, "no memory for a norm of %" PRIu32, n);
        for (uint32_t i = 0; i < n; i++)
            out->w[i] = 1.0f;
        return DA_OK;
    }
    enum da_rc rc = da_load_vector(ld, da_load_name(name, layer, base, "weight"), n, true, &out->w);
    if (rc || f->norm == DA_NORM_RMS)
        return rc;
    return da_load_vector(ld, da_load_name(name, layer, base, "bias"), n, f->biases_needed,
                          &out->b);
}

/* Rows first.. of a tensor become a weight of n_rows rows. */
enum da_rc da_load_plan(struct da_loader *ld, const struct da_gguf_tensor *t, const char *name,
                        uint32_t first, uint32_t n_rows, struct da_weight *out)
{
    enum da_panel_kind kind = da_panel_kind_of((enum da_qtype)t->type);
    if (!da_panels_shape(&out->p, kind, n_rows, t->dims[0]))
        return da_fail(ld->err, DA_ELIMIT, "%s: tensor '%s' is too large", da_gguf_name(ld->g),
                       name);
    DA_GROW(ld->list, ld->n, ld->cap);
    ld->list[ld->n++] = (struct da_load_pending){&out->p, t, first, ld->panel_bytes};
    ld->panel_bytes += da_panels_bytes(&out->p);
    return DA_OK;
}

enum da_rc da_load_matrix(struct da_loader *ld, int layer, const char *base, uint32_t n_cols,
                          uint32_t n_rows, bool bias_allowed, struct da_weight *out)
{
    char name[DA_LOAD_NAME_MAX];
    const struct da_gguf_tensor *t;
    enum da_rc rc = da_load_find(ld, da_load_name(name, layer, base, "weight"), n_cols, n_rows, &t);
    if (rc)
        return rc;
    if (!t)
        return da_load_missing(ld, name);
    if ((rc = da_load_plan(ld, t, name, 0, n_rows, out)))
        return rc;
    if (bias_allowed)
        rc = da_load_vector(ld, da_load_name(name, layer, base, "bias"), n_rows,
                            ld->m->family->biases_needed && layer >= 0, &out->bias);
    return rc;
}

/* --- panels -------------------------------------------------------------------- */

enum { BUILD_PANELS = 8 }; /* panels of one work item */

struct build {
    struct da_loader *ld;
    size_t *first_item; /* [n + 1] items before each pending matrix */
    float **scratch;    /* [workers] */
};

static void build_item(void *ctx, size_t item, unsigned worker)
{
    struct build *b = ctx;
    size_t lo = 0, hi = b->ld->n;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (b->first_item[mid] <= item)
            lo = mid;
        else
            hi = mid;
    }
    const struct da_load_pending *w = &b->ld->list[lo];
    uint32_t first = (uint32_t)(item - b->first_item[lo]) * BUILD_PANELS;
    uint32_t n = w->p->n_panels - first < BUILD_PANELS ? w->p->n_panels - first : BUILD_PANELS;
    const size_t row = (size_t)(w->t->n_bytes / w->t->dims[1]);
    const unsigned char *src = w->t->data + w->first_src_row * row;
    const size_t top = (size_t)first * DA_LANES, end = top + (size_t)n * DA_LANES;
    da_panels_build(w->p, b->ld->m->panel_block + w->offset, first, n, (enum da_qtype)w->t->type,
                    src, w->p->n_rows, b->scratch[worker]);
    if (da_gguf_is_mapped(b->ld->g))
        da_big_forget(src + top * row, ((end < w->p->n_rows ? end : w->p->n_rows) - top) * row);
}

static enum da_rc build_panels(struct da_loader *ld, unsigned n_threads)
{
    struct build b = {.ld = ld};
    size_t items = 0;
    uint32_t widest = 0;
    enum da_rc rc = DA_OK;
    b.first_item = da_calloc(ld->n + 1, sizeof *b.first_item);
    b.scratch = da_calloc(n_threads, sizeof *b.scratch);
    for (size_t i = 0; i < ld->n; i++) {
        widest = ld->list[i].p->n_cols > widest ? ld->list[i].p->n_cols : widest;
        b.first_item[i] = items;
        items += (ld->list[i].p->n_panels + BUILD_PANELS - 1) / BUILD_PANELS;
    }
    b.first_item[ld->n] = items;
    for (unsigned i = 0; i < n_threads; i++)
        if (!(b.scratch[i] = da_try_alloc(widest, sizeof(float))))
            rc = da_fail(ld->err, DA_ENOMEM, "no memory for a row of %" PRIu32, widest);
    if (!rc)
        da_parallel_for(n_threads, items, build_item, &b);
    for (unsigned i = 0; i < n_threads; i++)
        free(b.scratch[i]);
    free(b.scratch);
    free(b.first_item);
    return rc;
}

static enum da_rc make_panels(struct da_loader *ld, unsigned n_threads)
{
    struct da_model *m = ld->m;
    if (!(m->panel_block = da_big_alloc(ld->panel_bytes)))
        return da_fail(ld->err, DA_ENOMEM, "%s: no memory for %zu bytes of weights",
                       da_gguf_name(ld->g), ld->panel_bytes);
    return build_panels(ld, n_threads);
}

/* From the cache file when there is a right one; otherwise made, and kept there. */
static enum da_rc cached_panels(struct da_loader *ld, unsigned n_threads)
{
    struct da_model *m = ld->m;
    struct da_buf header, path;
    struct da_err ignored;
    enum da_rc rc = DA_OK;
    da_buf_init(&header, 0);
    da_buf_init(&path, 0);
    const bool known = da_panel_cache_header(ld, &header, &ignored) == DA_OK;
    const struct da_span h = da_span(header.p, header.len);
    da_panel_cache_path(&path, da_gguf_name(ld->g), ld->opts->cache_dir);
    m->facts.cached = known && da_panel_cache_map(path.p, h, ld->panel_bytes, &m->panel_map);
    if (!m->facts.cached && !(rc = make_panels(ld, n_threads)) && known)
        da_panel_cache_write(path.p, h, m->panel_block, ld->panel_bytes);
    da_buf_release(&header);
    da_buf_release(&path);
    return rc;
}

enum da_rc da_load_panels(struct da_loader *ld, unsigned n_threads)
{
    enum { CACHE_MIN = 16 << 20 }; /* smaller ones are made faster than found */
    struct da_model *m = ld->m;
    const uint64_t min = ld->opts->cache_min ? ld->opts->cache_min : CACHE_MIN;
    const bool cache = ld->opts->cache && ld->panel_bytes >= min && da_gguf_is_mapped(ld->g);
    m->facts.weight_bytes = ld->panel_bytes;
    enum da_rc rc = cache ? cached_panels(ld, n_threads) : make_panels(ld, n_threads);
    const unsigned char *base =
        m->facts.cached ? m->panel_map.p + (m->panel_map.len - ld->panel_bytes) : m->panel_block;
    for (size_t i = 0; i < ld->n && !rc; i++)
        ld->list[i].p->data = base + ld->list[i].offset;
    return rc;
}
