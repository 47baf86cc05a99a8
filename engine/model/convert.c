/* GGUF to GGUF. */
#include "engine/model/convert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/threads.h"
#include "engine/gguf.h"
#include "engine/gguf_write.h"
#include "engine/model/build.h"

static void put_keys(struct da_gguf_writer *w, const struct da_gguf *g,
                     const struct da_import_opts *opts)
{
    bool named = false;
    for (size_t i = 0; i < da_gguf_n_keys(g); i++) {
        const struct da_gguf_kv *kv = da_gguf_key_at(g, i);
        if (da_span_is(kv->key, "general.file_type"))
            da_gguf_put_u32(w, "general.file_type", da_build_file_type(opts->type));
        else if (da_span_is(kv->key, "general.name") && opts->name)
            da_gguf_put_str(w, "general.name", da_span_str(opts->name));
        else if (!da_span_is(kv->key, "general.alignment") && /* the writer's own */
                 !da_span_starts(kv->key, "split.") &&        /* one file comes out */
                 !(opts->no_tokenizer && da_span_starts(kv->key, "tokenizer.")))
            da_gguf_put_kv(w, kv);
        named = named || da_span_is(kv->key, "general.name");
    }
    if (opts->name && !named)
        da_gguf_put_str(w, "general.name", da_span_str(opts->name));
}

/* Names and sizes; the types come when all are known. */
static enum da_rc list_tensor(const struct da_gguf_tensor *t, struct da_build_tensor *out,
                              struct da_err *err)
{
    uint64_t rows = t->n_bytes;
    memset(out, 0, sizeof *out);
    if (t->name.len >= sizeof out->name || memchr(t->name.p, '\0', t->name.len))
        return da_fail(err, DA_ELIMIT, "tensor '%.*s...' is too long a name", 64, t->name.p);
    snprintf(out->name, sizeof out->name, "%.*s", (int)t->name.len, t->name.p);
    for (unsigned d = 1; t->n_bytes && d < DA_GGUF_MAX_DIMS; d++)
        rows = d == 1 ? t->dims[1] : rows * t->dims[d]; /* no overflow: rows are bytes there */
    if (t->n_bytes == 0 || rows > UINT32_MAX || t->dims[0] > UINT32_MAX / 64)
        return da_fail(err, DA_ELIMIT, "tensor '%s' is empty or too large", out->name);
    out->n_cols = (uint32_t)t->dims[0];
    out->n_rows = (uint32_t)rows;
    out->vector = t->n_dims < 2;
    out->src = t;
    return DA_OK;
}

/* What stays keeps its type, and what has its type already keeps its bytes. */
static enum da_rc plan(struct da_build_tensor *out, struct da_err *err)
{
    const struct da_gguf_tensor *t = out->src;
    const struct da_qtype_info *info = da_qtype_info(t->type);
    if (da_build_stays_f32(out))
        out->type = (enum da_qtype)t->type;
    if ((uint32_t)out->type == t->type)
        out->raw = t->data;
    else if (!info || !info->readable)
        return da_fail(err, DA_EUNSUPPORTED, "tensor '%s' has type %s, which is not read",
                       out->name, da_qtype_name(t->type));
    return DA_OK;
}

static void convert_row(void *ctx, const struct da_build_tensor *t, uint32_t row, float *out)
{
    const struct da_gguf_tensor *src = t->src;
    (void)ctx;
    da_dequantize((enum da_qtype)src->type, src->data + row * (src->n_bytes / t->n_rows), out,
                  t->n_cols);
}

static enum da_rc convert(const struct da_gguf *g, struct da_gguf_writer *w, const char *out,
                          const struct da_import_opts *opts, struct da_build_tensor *list,
                          struct da_import_stats *stats, struct da_err *err)
{
    const size_t n = da_gguf_n_tensors(g);
    unsigned n_threads = opts->n_threads ? opts->n_threads : da_threads_available();
    enum da_rc rc;
    struct da_span arch = {"", 0};
    char arch_name[64];
    put_keys(w, g, opts);
    for (size_t i = 0; i < n; i++)
        if ((rc = list_tensor(da_gguf_tensor_at(g, i), &list[i], err)))
            return da_err_context(err, rc, "%s", da_gguf_name(g));
    (void)da_gguf_get_str(g, "general.architecture", &arch, NULL);
    snprintf(arch_name, sizeof arch_name, "%.*s", (int)(arch.len < 63 ? arch.len : 63), arch.p);
    da_build_types(list, n, opts->type, arch_name, &stats->fallbacks);
    for (size_t i = 0; i < n; i++) {
        const struct da_gguf_tensor *t = list[i].src;
        if ((rc = plan(&list[i], err)))
            return da_err_context(err, rc, "%s", da_gguf_name(g));
        da_gguf_add_tensor(w, list[i].name, list[i].type, t->n_dims, t->dims);
        stats->n_params += (uint64_t)list[i].n_cols * list[i].n_rows;
    }
    stats->n_tensors = (uint32_t)n;
    if ((rc = da_gguf_writer_begin(w, out, err)))
        return rc;
    for (size_t i = 0; i < n; i++)
        if ((rc = da_build_data(w, &list[i], convert_row, NULL, n_threads, err)))
            return rc;
    return da_gguf_writer_finish(w, err);
}

enum da_rc da_convert(const char *in, const char *out, const struct da_import_opts *opts,
                      struct da_import_stats *stats, struct da_err *err)
{
    struct da_import_stats none;
    const struct da_family *family;
    struct da_gguf *g;
    enum da_rc rc = da_gguf_open(&g, in, err);
    stats = stats ? stats : &none;
    memset(stats, 0, sizeof *stats);
    if (rc)
        return rc;
    stats->family = da_family_find(&family, g, NULL) ? "other" : family->name;
    struct da_build_tensor *list = da_calloc(da_gguf_n_tensors(g) + 1, sizeof *list);
    struct da_gguf_writer *w = da_gguf_writer_new();
    rc = convert(g, w, out, opts, list, stats, err);
    da_gguf_writer_free(w);
    free(list);
    da_gguf_close(g);
    return rc;
}
