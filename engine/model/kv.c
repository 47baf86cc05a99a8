/* Pages of keys and values. */
#include "engine/model/kv.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/bigmem.h"
#include "engine/model/model.h"
#include "engine/quant.h"

static size_t pad64(size_t n)
{
    return (n + 63) / 64 * 64;
}

static void shape(struct da_kv *kv, enum da_kv_type type, const struct da_hparams *hp)
{
    size_t d16 = da_pad(hp->head_dim, DA_LANES), d4 = da_pad(hp->head_dim, 4);
    size_t width = type == DA_KV_F32 ? 4 : 2;
    kv->type = type;
    kv->n_layers = hp->n_layers;
    kv->n_kv_heads = hp->n_kv_heads;
    kv->head_dim = hp->head_dim;
    if (type == DA_KV_Q8) {
        kv->k_bytes = d4 * DA_KBLOCK;
        kv->v_bytes = d16 * DA_KBLOCK;
        kv->scale_bytes = DA_KBLOCK * sizeof(float);
    } else {
        kv->k_bytes = pad64(hp->head_dim * DA_KBLOCK * width);
        kv->v_bytes = pad64(d16 * DA_KBLOCK * width);
        kv->scale_bytes = 0;
    }
    kv->slice_bytes = kv->k_bytes + kv->v_bytes + 2 * kv->scale_bytes;
    kv->page_bytes = kv->slice_bytes * hp->n_layers * hp->n_kv_heads;
}

size_t da_kv_page_bytes(enum da_kv_type type, const struct da_hparams *hp)
{
    struct da_kv kv = {0};
    shape(&kv, type, hp);
    return kv.page_bytes;
}

enum da_rc da_kv_init(struct da_kv *kv, enum da_kv_type type, const struct da_hparams *hp,
                      uint32_t n_pages, struct da_err *err)
{
    memset(kv, 0, sizeof *kv);
    shape(kv, type, hp);
    if (kv->page_bytes && n_pages > SIZE_MAX / 2 / kv->page_bytes)
        return da_fail(err, DA_ENOMEM, "%u pages of keys and values overflow", n_pages);
    kv->base_bytes = n_pages * kv->page_bytes;
    if (kv->base_bytes == 0) /* pages that only count positions */
        kv->base_bytes = 64;
    kv->base = da_big_alloc(kv->base_bytes);
    kv->free_list = da_try_alloc(n_pages, sizeof *kv->free_list);
    kv->refs = da_try_alloc(n_pages, sizeof *kv->refs);
    if (!kv->base || !kv->free_list || !kv->refs) {
        da_kv_release(kv);
        return da_fail(err, DA_ENOMEM, "no memory for %u pages of %zu bytes of keys and values",
                       n_pages, kv->page_bytes);
    }
    kv->n_pages = kv->n_free = n_pages;
    for (uint32_t i = 0; i < n_pages; i++)
        kv->free_list[i] = n_pages - 1 - i; /* low pages first: touched memory stays small */
    return DA_OK;
}

void da_kv_release(struct da_kv *kv)
{
    da_big_free(kv->base, kv->base_bytes);
    free(kv->free_list);
    free(kv->refs);
    memset(kv, 0, sizeof *kv);
}

bool da_kv_take(struct da_kv *kv, uint32_t *page)
{
    if (kv->n_free == 0)
        return false;
    *page = kv->free_list[--kv->n_free];
    kv->refs[*page] = 1;
    return true;
}

void da_kv_ref(struct da_kv *kv, uint32_t page)
{
    kv->refs[page]++;
}

void da_kv_unref(struct da_kv *kv, uint32_t page)
{
    if (--kv->refs[page] == 0)
        kv->free_list[kv->n_free++] = page;
}

void da_kv_copy(struct da_kv *kv, uint32_t dst, uint32_t src)
{
    memcpy(kv->base + (size_t)dst * kv->page_bytes, kv->base + (size_t)src * kv->page_bytes,
           kv->page_bytes);
}

static void store_q8(const struct da_kv *kv, const struct da_kernels *k, unsigned char *slice,
                     uint32_t slot, const float *key, const float *value)
{
    int8_t q[DA_MODEL_MAX_HEAD_DIM] = {0};
    const uint32_t hd = kv->head_dim;
    const size_t d16 = da_pad(hd, DA_LANES);
    int32_t sum;
    float d;
    k->quantize_head(key, hd, q, &d, &sum);
    for (uint32_t i = hd; i % 4; i++)
        q[i] = 0;
    for (uint32_t i = 0; i < hd; i += 4) {
        unsigned char *at = slice + ((size_t)i * DA_KBLOCK + slot * 4);
        for (uint32_t j = 0; j < 4; j++)
            at[j] = (unsigned char)((unsigned char)q[i + j] ^ 0x80);
    }
    memcpy(slice + kv->k_bytes + slot * sizeof d, &d, sizeof d);
    unsigned char *v = slice + kv->k_bytes + kv->scale_bytes;
    k->quantize_head(value, hd, q, &d, &sum);
    for (uint32_t i = 0; i < hd; i++)
        v[((size_t)(slot / 2) * d16 + i) * 2 + slot % 2] = (unsigned char)q[i];
    memcpy(v + kv->v_bytes + slot * sizeof d, &d, sizeof d);
}

void da_kv_store(const struct da_kv *kv, const struct da_kernels *k, unsigned char *slice,
                 uint32_t slot, const float *key, const float *value)
{
    const uint32_t hd = kv->head_dim;
    const size_t d16 = da_pad(hd, DA_LANES);
    unsigned char *v = slice + kv->k_bytes;
    if (kv->type == DA_KV_Q8) {
        store_q8(kv, k, slice, slot, key, value);
        return;
    }
    if (kv->type == DA_KV_F32) {
        for (uint32_t i = 0; i < hd; i++)
            memcpy(slice + ((size_t)i * DA_KBLOCK + slot) * 4, &key[i], 4);
        memcpy(v + (size_t)slot * d16 * 4, value, hd * sizeof *value);
        return;
    }
    for (uint32_t i = 0; i < hd; i++) {
        uint16_t hk = da_f32_to_f16(key[i]), hv = da_f32_to_f16(value[i]);
        memcpy(slice + ((size_t)i * DA_KBLOCK + slot) * 2, &hk, 2);
        memcpy(v + ((size_t)slot * d16 + i) * 2, &hv, 2);
    }
}
