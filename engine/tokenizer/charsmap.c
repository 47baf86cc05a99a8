/* Units of the double array are 32 bits: a label in the low byte, an offset in the upper 22 with a
 * scale bit, a flag for a value below (s-yata/darts-clone, darts.h). */

#include "engine/tokenizer/charsmap.h"

#include <stdint.h>
#include <string.h>

#include "common/utf8.h"

enum { SIZE_LEN = 4, UNIT_LEN = 4 };

static uint32_t unit(struct da_span map, size_t i)
{
    const unsigned char *p = (const unsigned char *)map.p + SIZE_LEN + i * UNIT_LEN;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t trie_bytes(struct da_span map)
{
    const unsigned char *p = (const unsigned char *)map.p;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

enum da_rc da_charsmap_check(struct da_span map, struct da_err *err)
{
    if (map.len < SIZE_LEN || trie_bytes(map) % UNIT_LEN != 0 || trie_bytes(map) < UNIT_LEN ||
        trie_bytes(map) >= map.len - SIZE_LEN || map.p[map.len - 1] != 0)
        return da_fail(err, DA_EFORMAT, "'precompiled_charsmap', of %zu bytes, is damaged",
                       map.len);
    return DA_OK;
}

static uint32_t offset(uint32_t u)
{
    return (u >> 10) << ((u & 1u << 9) >> 6);
}

/* Length of the longest mapped sequence that text begins with, or 0; *to is its replacement. */
static size_t longest(struct da_span map, struct da_span text, struct da_span *to)
{
    size_t n_units = trie_bytes(map) / UNIT_LEN, best = 0;
    const char *strings = map.p + SIZE_LEN + trie_bytes(map);
    size_t strings_len = map.len - SIZE_LEN - trie_bytes(map);
    uint32_t at = offset(unit(map, 0));
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        at ^= c;
        if (at >= n_units)
            break;
        uint32_t u = unit(map, at);
        if ((u & (1u << 31 | 0xff)) != c)
            break;
        at ^= offset(u);
        if (at >= n_units)
            break;
        if (!(u >> 8 & 1))
            continue;
        uint32_t value = unit(map, at) & 0x7fffffff;
        if (value < strings_len) {
            best = i + 1;
            *to = da_span_str(strings + value);
        }
    }
    return best;
}

void da_charsmap_apply(struct da_span map, struct da_span text, struct da_buf *out)
{
    for (size_t at = 0; at < text.len;) {
        struct da_span to = {0};
        size_t len = longest(map, da_span(text.p + at, text.len - at), &to);
        if (len > 0) {
            da_buf_add(out, to.p, to.len);
        } else {
            uint32_t cp;
            len = da_utf8_decode(text.p + at, text.p + text.len, &cp);
            da_buf_add_utf8(out, cp);
        }
        at += len;
    }
}
