/* Shards of an evaluation put together: see samples.h. */
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"
#include "eval/samples.h"

void da_samples_dataset_sha256(const struct da_samples *s, char hex[65])
{
    struct da_sha256 h;
    unsigned char sum[DA_SHA256_LEN];

    da_sha256_init(&h);
    for (size_t i = 0; i < s->n; i++)
        da_sha256_add(&h, s->items[i].sha256.p, s->items[i].sha256.len);
    da_sha256_end(&h, sum);
    da_hex(sum, sizeof sum, hex);
}

static bool same_metric(const struct da_samples_metric *a, const struct da_samples_metric *b)
{
    return da_span_eq(a->name, b->name) && a->form == b->form && a->from == b->from &&
           a->n == b->n && a->scale == b->scale && da_span_eq(a->signature, b->signature);
}

/* Takes a shard's metrics of a task, or checks them against those taken before. */
static enum da_rc join_metrics(const struct da_samples *shard, unsigned t, const char *name,
                               struct da_samples *ret, struct da_err *err)
{
    if (shard->n_metrics[t] == 0)
        return DA_OK;
    if (ret->n_metrics[t] == 0) {
        memcpy(ret->metrics[t], shard->metrics[t], sizeof ret->metrics[t]);
        ret->n_metrics[t] = shard->n_metrics[t];
        ret->n_stats[t] = shard->n_stats[t];
        return DA_OK;
    }
    bool same = ret->n_metrics[t] == shard->n_metrics[t];
    for (size_t i = 0; i < shard->n_metrics[t] && same; i++)
        same = same_metric(&ret->metrics[t][i], &shard->metrics[t][i]);
    return same ? DA_OK : da_fail(err, DA_EMISMATCH, "%s: other metrics of %s than the first log's",
                                  name, da_task_name((enum da_task)t));
}

static enum da_rc join_head(const struct da_samples *shard, const char *name, bool same_data,
                            struct da_samples *ret, struct da_err *err)
{
    if (!da_span_eq(shard->model, ret->model))
        return da_fail(err, DA_EMISMATCH, "%s: model '%.*s', but the first log's is '%.*s'", name,
                       (int)shard->model.len, shard->model.p, (int)ret->model.len, ret->model.p);
    if (!da_span_eq(shard->origin, ret->origin))
        return da_fail(err, DA_EMISMATCH, "%s: made in another way (origin) than the first log",
                       name);
    if (!same_data && shard->n != (size_t)shard->dataset_n)
        return da_fail(err, DA_EMISMATCH,
                       "%s: %zu of %lld examples were scored; parts must be whole", name, shard->n,
                       (long long)shard->dataset_n);
    for (unsigned t = 0; t < DA_N_TASKS; t++) {
        enum da_rc rc = join_metrics(shard, t, name, ret, err);
        if (rc != DA_OK)
            return rc;
    }
    for (size_t i = 0; i < shard->n; i++) {
        DA_GROW(ret->items, ret->n, ret->cap);
        ret->items[ret->n++] = shard->items[i];
    }
    return DA_OK;
}

static int by_id(const void *a, const void *b)
{
    const struct da_sample *x = a, *y = b;
    return strcmp(x->id.p, y->id.p);
}

enum da_rc da_samples_merge(const struct da_samples *shards, size_t n, const char *const *names,
                            struct da_samples *ret, struct da_err *err)
{
    bool same_data = true;
    char hex[DA_SHA256_HEX_LEN + 1];

    for (size_t i = 1; i < n; i++)
        same_data = same_data && da_span_eq(shards[i].dataset_sha256, shards[0].dataset_sha256);
    ret->model = shards[0].model;
    ret->origin = shards[0].origin;
    for (size_t i = 0; i < n; i++) {
        enum da_rc rc = join_head(&shards[i], names[i], same_data, ret, err);
        if (rc != DA_OK)
            return rc;
    }
    qsort(ret->items, ret->n, sizeof *ret->items, by_id);
    for (size_t i = 1; i < ret->n; i++)
        if (strcmp(ret->items[i - 1].id.p, ret->items[i].id.p) == 0)
            return da_fail(err, DA_EMISMATCH, "id '%.200s' stands in two logs",
                           ret->items[i].id.p);
    ret->dataset_n = same_data ? shards[0].dataset_n : (int64_t)ret->n;
    da_samples_dataset_sha256(ret, hex);
    ret->dataset_sha256 = same_data ? shards[0].dataset_sha256
                                    : da_span(da_arena_strndup(&ret->arena, hex, DA_SHA256_HEX_LEN),
                                              DA_SHA256_HEX_LEN);
    return DA_OK;
}
