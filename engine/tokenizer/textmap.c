/* Open addressing, at most half full, fixed after building. */

#include "engine/tokenizer/textmap.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"
#include "engine/tokenizer/vocab.h"

static void insert(struct da_textmap *m, const struct da_vocab *v, int32_t id)
{
    struct da_span text = da_vocab_text(v, id);
    uint64_t h = da_mix64(da_textmap_hash(text));
    size_t at = (size_t)(h >> m->shift);
    for (; m->slots[at] != 0; at = (at + 1) & m->mask)
        if (m->slots[at] >> 32 == (h & 0xffffffff) &&
            da_span_eq(da_vocab_text(v, (int32_t)(uint32_t)m->slots[at] - 1), text))
            return;
    m->slots[at] = h << 32 | ((uint32_t)id + 1);
    if (text.len > m->max_len)
        m->max_len = text.len;
}

enum da_rc da_textmap_build(struct da_textmap *m, const struct da_vocab *v, unsigned types,
                            struct da_err *err)
{
    unsigned bits = 6;
    while (((size_t)1 << bits) < 2 * v->n)
        bits++;
    m->slots = da_try_alloc((size_t)1 << bits, sizeof *m->slots);
    if (!m->slots)
        return da_fail(err, DA_ENOMEM, "no memory for %zu tokens", v->n);
    m->shift = 64 - bits;
    m->mask = ((size_t)1 << bits) - 1;
    m->max_len = 0;
    for (size_t i = 0; i < v->n; i++)
        if ((types >> v->tokens[i].type & 1) && v->tokens[i].len > 0)
            insert(m, v, (int32_t)i);
    return DA_OK;
}

void da_textmap_release(struct da_textmap *m)
{
    free(m->slots);
    m->slots = NULL;
}

int32_t da_textmap_find_hashed(const struct da_textmap *m, const struct da_vocab *v,
                               struct da_span text, uint64_t h)
{
    if (text.len > m->max_len || text.len == 0)
        return -1;
    h = da_mix64(h);
    for (size_t at = (size_t)(h >> m->shift); m->slots[at] != 0; at = (at + 1) & m->mask) {
        if (m->slots[at] >> 32 != (h & 0xffffffff))
            continue;
        int32_t id = (int32_t)((uint32_t)m->slots[at] - 1);
        if (da_span_eq(da_vocab_text(v, id), text))
            return id;
    }
    return -1;
}

int32_t da_textmap_find(const struct da_textmap *m, const struct da_vocab *v, struct da_span text)
{
    if (text.len > m->max_len)
        return -1;
    return da_textmap_find_hashed(m, v, text, da_textmap_hash(text));
}
