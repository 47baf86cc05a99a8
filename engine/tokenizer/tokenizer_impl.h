#ifndef ENGINE_TOKENIZER_TOKENIZER_IMPL_H
#define ENGINE_TOKENIZER_TOKENIZER_IMPL_H

/* What the files of this folder share; not for others. */

#include <string.h>

#include "common/buf.h"
#include "engine/tokenizer/added.h"
#include "engine/tokenizer/merge.h"
#include "engine/tokenizer/pairs.h"
#include "engine/tokenizer/textmap.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/vocab.h"

struct da_tokenizer {
    struct da_vocab *v; /* owned */
    uint64_t key;       /* hash of the vocabulary: what caches belong to */
    char name[80];
    struct da_added raw;        /* added tokens looked for in the text as it is */
    struct da_added normalized; /* and those looked for after normalization */
    struct da_pairs pairs;      /* BPE */
    struct da_textmap map;      /* all kinds but byte-level BPE without ignore_merges */
    int32_t byte_id[256];       /* byte-level: the byte's token; else "<0x..>"; -1 none */
    bool needs_norm;            /* text is not tokenized as it is */
    bool cut_at_spaces;         /* SPM: no token goes on after a space that follows something else */
};

/* Pieces up to 15 bytes that gave up to 4 ids. */
enum { DA_PIECE_MAX_LEN = 15, DA_PIECE_MAX_IDS = 4, DA_PIECE_CACHE_BITS = 14 };

struct da_piece_entry {
    uint64_t key[2]; /* the bytes, zero-padded; the last one holds the length, 0 for an empty slot */
    int32_t ids[DA_PIECE_MAX_IDS];
};

struct da_tok_scratch {
    uint64_t key;                 /* of the tokenizer the caches belong to */
    struct da_piece_entry *cache; /* [1 << DA_PIECE_CACHE_BITS] */
    uint8_t *cache_n;             /* ids of each entry */
    struct da_merge_list merge;
    struct da_buf norm, norm2;
    struct da_ids ids;
};

/* Tokenizers of one piece of text that needs no further cutting by added tokens. */
enum da_rc da_bpe_open(struct da_tokenizer *t, struct da_err *err);
enum da_rc da_bpe_encode(const struct da_tokenizer *t, struct da_tok_scratch *s,
                         struct da_span text, struct da_ids *out, struct da_err *err);
enum da_rc da_spm_open(struct da_tokenizer *t, struct da_err *err);
enum da_rc da_spm_encode(const struct da_tokenizer *t, struct da_tok_scratch *s,
                         struct da_span text, struct da_ids *out, struct da_err *err);

/* Characters without a token: "<0x..>" for each byte, or the unknown token. */
void da_tok_add_unknown(const struct da_tokenizer *t, struct da_span text, size_t first_id,
                        struct da_ids *out);

/* Applies the vocabulary's normalization to text; the result stands in s->norm. at_start: text is
 * the very beginning of what is tokenized. */
enum da_rc da_norm_apply(const struct da_tokenizer *t, struct da_tok_scratch *s,
                         struct da_span text, bool at_start, struct da_err *err);

/* Makes room for n more ids. */
int32_t *da_ids_reserve(struct da_ids *ids, size_t n);

/* Finds the entry for a piece of 1..DA_PIECE_MAX_LEN bytes; end is the end of readable text. When
 * its key differs from the one given back, the caller fills it. */
static inline struct da_piece_entry *da_piece_slot(struct da_tok_scratch *s, const char *p,
                                                   size_t len, const char *end, uint64_t key[2])
{
    key[0] = key[1] = 0;
    if (end - p >= 16) {
        memcpy(key, p, 16);
        if (len <= 8) {
            key[0] &= UINT64_MAX >> (64 - 8 * len);
            key[1] = 0;
        } else {
            key[1] &= UINT64_MAX >> (128 - 8 * len);
        }
    } else {
        memcpy(key, p, len);
    }
    key[1] |= (uint64_t)len << 56;
    uint64_t h = (key[0] ^ key[1] * 0xd6e8feb86659fd93u) * 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
    h *= 0xbf58476d1ce4e5b9u;
    return &s->cache[h >> (64 - DA_PIECE_CACHE_BITS)];
}

#endif
