#ifndef ENGINE_MODEL_KV_H
#define ENGINE_MODEL_KV_H

/*
 * Keys and values in pages of 64 positions: a page holds one attention block for
 * every layer and key head, so a shared prefix is a list of shared pages. Pages
 * are counted by reference and written only while one sequence holds them.
 *
 *     page = [layer][kv head] slice, slice = K, K scales, V, V scales
 *
 * with the block layouts of kernels.h. Memory is reserved once; the system gives
 * it when a page is first written.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "engine/engine.h"
#include "engine/kernels/kernels.h"

struct da_hparams;

struct da_kv {
    enum da_kv_type type; /* F32, F16 or Q8 */
    uint32_t n_layers, n_kv_heads, head_dim;
    size_t k_bytes, scale_bytes, v_bytes; /* of a slice; scale_bytes 0 for floats */
    size_t slice_bytes, page_bytes;
    uint32_t n_pages, n_free;
    unsigned char *base; /* owned */
    size_t base_bytes;
    uint32_t *free_list; /* [n_pages], the first n_free are free */
    uint32_t *refs;      /* [n_pages] */
};

/* Bytes of one page. */
size_t da_kv_page_bytes(enum da_kv_type type, const struct da_hparams *hp);

enum da_rc da_kv_init(struct da_kv *kv, enum da_kv_type type, const struct da_hparams *hp,
                      uint32_t n_pages, struct da_err *err);
void da_kv_release(struct da_kv *kv); /* zeroed struct allowed */

bool da_kv_take(struct da_kv *kv, uint32_t *page); /* false when none is free; one reference */
void da_kv_ref(struct da_kv *kv, uint32_t page);
void da_kv_unref(struct da_kv *kv, uint32_t page);
void da_kv_copy(struct da_kv *kv, uint32_t dst, uint32_t src);

static inline unsigned char *da_kv_slice(const struct da_kv *kv, uint32_t page, uint32_t layer,
                                         uint32_t head)
{
    size_t i = (size_t)layer * kv->n_kv_heads + head;
    return kv->base + (size_t)page * kv->page_bytes + i * kv->slice_bytes;
}

/* Stores one position's key and value of a head (head_dim floats each, after rope). */
void da_kv_store(const struct da_kv *kv, const struct da_kernels *k, unsigned char *slice,
                 uint32_t slot, const float *key, const float *value);

/* The block of a slice, as the attention kernels read it. */
static inline void da_kv_block(const struct da_kv *kv, const unsigned char *slice,
                               struct da_attn_block *b)
{
    b->k = slice;
    b->k_scale = (const float *)(const void *)(slice + kv->k_bytes);
    b->v = slice + kv->k_bytes + kv->scale_bytes;
    b->v_scale = (const float *)(const void *)(slice + kv->k_bytes + kv->scale_bytes + kv->v_bytes);
}

#endif
