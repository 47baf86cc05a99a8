/*
 * See ready.h. A head, then the arrays in the order of enum part, each on a border of 64 bytes.
 * What is read here was written by the same sources at build time; the head is checked all the
 * same, because a wrong file at build time should give a slow program, not a broken one.
 */

#include "engine/tokenizer/ready.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/attr.h"
#include "common/mem.h"
#include "engine/tokenizer/tokenizer_impl.h"

enum { ALIGN = 64 };
enum part { TOKENS, MERGES, TEXT, SLOTS, FILTER, WHOLES, BYTE_PAIRS, BYTE_IDS, N_PARTS };

struct head {
    char magic[8];
    uint32_t order;   /* 0x01020304 as this machine stores it */
    uint32_t n_normal;
    uint32_t shift, filter_shift, whole_shift;
    int32_t merge_base;
    uint64_t count[N_PARTS]; /* elements */
};

static const char magic[8] = {'D', 'A', 'R', 'E', 'A', 'D', 'Y', '2'};
static const size_t width[N_PARTS] = {sizeof(struct da_vocab_token), sizeof(struct da_vocab_merge),
                                      1, sizeof(uint64_t), sizeof(uint64_t), sizeof(uint32_t),
                                      sizeof(struct da_byte_pair), sizeof(int32_t)};
static_assert(sizeof(struct head) % 8 == 0, "no padding at the end");

/* Linked to docassist only; $(O)/ready.S. */
extern const unsigned char da_ready_o200k[] DA_WEAK;
extern const unsigned char da_ready_o200k_end[] DA_WEAK;

static void pad(struct da_buf *out, size_t start)
{
    while ((out->len - start) % ALIGN != 0)
        da_buf_add_char(out, 0);
}

void da_ready_write(const struct da_tokenizer *t, struct da_buf *out)
{
    const struct da_vocab *v = t->v;
    assert(t->wholes && v->byte_level && v->all_reachable);
    struct head h = {.order = 0x01020304,
                     .n_normal = (uint32_t)v->n_normal,
                     .shift = t->pairs.shift,
                     .filter_shift = t->pairs.filter_shift,
                     .whole_shift = t->whole_shift,
                     .merge_base = t->merge_base};
    memcpy(h.magic, magic, sizeof magic);
    h.count[TOKENS] = v->n;
    h.count[MERGES] = v->n_merges;
    h.count[TEXT] = v->text.len;
    h.count[SLOTS] = t->pairs.mask + 1;
    h.count[FILTER] = (size_t)1 << (DA_PAIR_KEY_BITS - t->pairs.filter_shift - 6);
    h.count[WHOLES] = (size_t)1 << (64 - t->whole_shift);
    h.count[BYTE_PAIRS] = 65536;
    h.count[BYTE_IDS] = 256;
    const void *const parts[N_PARTS] = {v->tokens,       v->merges, v->text.p,     t->pairs.slots,
                                        t->pairs.filter, t->wholes, t->byte_pairs, t->byte_id};
    size_t start = out->len;
    da_buf_add(out, &h, sizeof h);
    for (int i = 0; i < N_PARTS; i++) {
        pad(out, start);
        da_buf_add(out, parts[i], h.count[i] * width[i]);
    }
}

/* Where the arrays stand; false when the head is not one of ours or they do not fill len bytes. */
static bool find_parts(const unsigned char *p, size_t len, struct head *h,
                       const void *parts[N_PARTS])
{
    if (len < sizeof *h)
        return false;
    memcpy(h, p, sizeof *h);
    if (memcmp(h->magic, magic, sizeof magic) != 0 || h->order != 0x01020304 ||
        h->count[BYTE_IDS] != 256)
        return false;
    size_t at = sizeof *h;
    for (int i = 0; i < N_PARTS; i++) {
        at = (at + ALIGN - 1) / ALIGN * ALIGN;
        if (at > len || h->count[i] > (len - at) / width[i])
            return false;
        parts[i] = p + at;
        at += h->count[i] * width[i];
    }
    return at == len;
}

enum da_rc da_ready_open(struct da_tokenizer **ret, const char *name)
{
    struct head h;
    const void *parts[N_PARTS];
    if (strcmp(name, "o200k_base") != 0 || !da_ready_o200k ||
        !find_parts(da_ready_o200k, (size_t)(da_ready_o200k_end - da_ready_o200k), &h, parts))
        return DA_ENOTFOUND;
    struct da_vocab *v = da_vocab_builtin_frame(name);
    if (!v)
        return DA_ENOTFOUND;
    /* Nothing writes to a tokenizer's tables once it is open; borrowed keeps them from free(). */
    v->borrowed = true;
    v->tokens = (struct da_vocab_token *)(uintptr_t)parts[TOKENS];
    v->n = v->cap = h.count[TOKENS];
    v->n_normal = h.n_normal;
    v->merges = (struct da_vocab_merge *)(uintptr_t)parts[MERGES];
    v->n_merges = v->cap_merges = h.count[MERGES];
    v->text.p = (char *)(uintptr_t)parts[TEXT];
    v->text.len = v->text.cap = h.count[TEXT];
    struct da_tokenizer *t = da_tokenizer_frame(v);
    t->pairs = (struct da_pairs){.slots = (uint64_t *)(uintptr_t)parts[SLOTS],
                                 .filter = (uint64_t *)(uintptr_t)parts[FILTER],
                                 .shift = h.shift,
                                 .filter_shift = h.filter_shift,
                                 .mask = h.count[SLOTS] - 1};
    t->wholes = (uint32_t *)(uintptr_t)parts[WHOLES];
    t->whole_shift = h.whole_shift;
    t->merge_base = h.merge_base;
    t->byte_pairs = (struct da_byte_pair *)(uintptr_t)parts[BYTE_PAIRS];
    memcpy(t->byte_id, parts[BYTE_IDS], sizeof t->byte_id);
    t->by_jobs = da_byte_pairs_cover(t);
    enum da_rc rc = da_added_build(&t->raw, v, false, NULL);
    if (rc == DA_OK)
        rc = da_added_build(&t->normalized, v, true, NULL);
    if (rc != DA_OK)
        da_tokenizer_close(t);
    else
        *ret = t;
    return rc;
}
