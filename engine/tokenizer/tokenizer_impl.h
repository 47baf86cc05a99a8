#ifndef ENGINE_TOKENIZER_TOKENIZER_IMPL_H
#define ENGINE_TOKENIZER_TOKENIZER_IMPL_H

/* What the files of this folder share; not for others. */

#include <string.h>

#include "common/attr.h"
#include "common/buf.h"
#include "common/mem.h"
#include "engine/tokenizer/added.h"
#include "engine/tokenizer/bytemerge.h"
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
    struct da_byte_pair *byte_pairs; /* [65536], by first * 256 + second; byte-level BPE */
    uint32_t *wholes;           /* tokens of up to 15 bytes, see bpe.c; when all are reachable */
    unsigned whole_shift;
    int32_t merge_base;         /* BPE: merge number i gives token merge_base + i; -1: see merges */
    bool by_jobs;               /* pieces of bytes are merged by bytemerge.h */
    int32_t byte_id[256];       /* byte-level: the byte's token; else "<0x..>"; -1 none */
    struct da_trie *trie;       /* Unigram */
    double unknown_score;       /* Unigram: of a character without a token */
    bool needs_norm, needs_late; /* a part of normalization does something */
    bool cut_at_spaces; /* SPM: no token goes on after a space that follows something else */
};

/* Pieces up to 15 bytes that gave up to 4 ids, two to a cache line. */
enum { DA_PIECE_MAX_LEN = 15, DA_PIECE_MAX_IDS = 4 };

/* The bytes of a piece, zero-padded; the last byte holds the length (low half; 0: empty) and, in
 * an entry, the number of ids (high half). */
struct da_piece_key {
    uint64_t w[2];
};
#define DA_PIECE_KEY_MASK (UINT64_MAX >> 4)

struct da_piece_entry {
    struct da_piece_key key;
    int32_t ids[DA_PIECE_MAX_IDS];
};
struct da_piece_set {
    struct da_piece_entry way[2]; /* the newer one first */
};

/* Longer pieces, such as words of Cyrillic or Devanagari; two cache lines an entry. */
enum { DA_LONG_MAX_LEN = 46, DA_LONG_MAX_IDS = 20 };
struct da_long_entry {
    uint8_t len; /* 0: empty */
    uint8_t n_ids;
    char text[DA_LONG_MAX_LEN];
    int32_t ids[DA_LONG_MAX_IDS];
};

/* What is remembered of pieces: a small table at first, because clearing a large one costs more
 * than a short text, and a large one once much has been put into it. */
struct da_piece_cache {
    struct da_piece_set *sets;    /* [1 << bits], owned */
    struct da_long_entry *longs;  /* [1 << long_bits], in the same block */
    unsigned bits, long_bits;
    size_t n_put;
    void *block;                  /* of the small tables, or NULL */
};

enum { DA_BPE_BATCH = 256 }; /* pieces that are looked at together */

struct da_best_path {
    double score;
    uint32_t start; /* of the last token */
    int32_t id;
};

struct da_tok_scratch {
    uint64_t key;                 /* of the tokenizer the caches belong to */
    struct da_piece_cache cache;
    struct da_merge_job *jobs; /* [DA_BPE_BATCH], owned; NULL until needed */
    struct da_merge_list merge;
    struct da_best_path *path; /* [cap_path + 1] */
    size_t cap_path;
    struct da_buf plain; /* text without marks */
    struct da_buf norm[2], late[2]; /* results of da_norm_apply and working memory */
    struct da_ids ids;
};

/* A tokenizer of a vocabulary, which it takes, still without any table. */
struct da_tokenizer *da_tokenizer_frame(struct da_vocab *v);

/* Tokenizers of one piece of text that needs no further cutting by added tokens. */
enum da_rc da_bpe_open(struct da_tokenizer *t, struct da_err *err);
enum da_rc da_bpe_encode(const struct da_tokenizer *t, struct da_tok_scratch *s,
                         struct da_span text, struct da_ids *out, struct da_err *err);
enum da_rc da_spm_open(struct da_tokenizer *t, struct da_err *err);
enum da_rc da_spm_encode(const struct da_tokenizer *t, struct da_tok_scratch *s,
                         struct da_span text, struct da_ids *out, struct da_err *err);

/* Encodes text piece by piece, cut before spaces where that changes nothing; short pieces are
 * remembered. */
typedef enum da_rc (*da_piece_fn)(const struct da_tokenizer *t, struct da_tok_scratch *s,
                                  struct da_span piece, struct da_ids *out, struct da_err *err);
enum da_rc da_spm_pieces(const struct da_tokenizer *t, struct da_tok_scratch *s,
                         struct da_span text, da_piece_fn encode, struct da_ids *out,
                         struct da_err *err);
/* Whether no token goes on with U+2581 after something else. */
bool da_spm_can_cut(const struct da_vocab *v);
enum da_rc da_wordpiece_open(struct da_tokenizer *t, struct da_err *err);
enum da_rc da_wordpiece_encode(const struct da_tokenizer *t, struct da_tok_scratch *s,
                               struct da_span text, struct da_ids *out, struct da_err *err);
enum da_rc da_unigram_open(struct da_tokenizer *t, struct da_err *err);
enum da_rc da_unigram_encode(const struct da_tokenizer *t, struct da_tok_scratch *s,
                             struct da_span text, struct da_ids *out, struct da_err *err);
void da_unigram_release(struct da_tokenizer *t);

/* Characters without a token: "<0x..>" for each byte, or the unknown token. */
void da_tok_add_unknown(const struct da_tokenizer *t, struct da_span text, size_t first_id,
                        struct da_ids *out);

/* Normalization comes in two parts: before added tokens that are looked for in normalized text, and
 * after. in_late: the second. at_start: text is the very beginning of what is tokenized. The result
 * stands in the part's buffer of s until the next call for that part. */
enum da_rc da_norm_apply(const struct da_tokenizer *t, struct da_tok_scratch *s, bool in_late,
                         struct da_span text, bool at_start, struct da_span *out,
                         struct da_err *err);
/* Whether a part does anything. */
bool da_norm_needed(const struct da_vocab *v, bool in_late);

/* Makes room for a path over len bytes; DA_ENOMEM. */
enum da_rc da_tok_reserve_path(struct da_tok_scratch *s, size_t len, struct da_err *err);

/* The token that merge number rank makes. */
static inline int32_t da_bpe_result(const struct da_tokenizer *t, uint32_t rank)
{
    return t->merge_base >= 0 ? t->merge_base + (int32_t)rank : t->v->merges[rank].result;
}

/* Makes room for n more ids. */
static inline int32_t *da_ids_reserve(struct da_ids *ids, size_t n)
{
    if (DA_UNLIKELY(ids->cap - ids->n < n))
        DA_GROW_BY(ids->p, ids->n, n, ids->cap);
    return ids->p + ids->n;
}

/* The key of a piece of 1..DA_PIECE_MAX_LEN bytes; text is readable up to end. */
static inline struct da_piece_key da_piece_key(const char *p, size_t len, const char *end)
{
    struct da_piece_key k = {{0, 0}};
    if (DA_LIKELY(end - p >= 16)) {
        memcpy(k.w, p, 16);
        uint64_t cut = UINT64_MAX >> (-(8 * len) & 63);
        k.w[0] &= len < 8 ? cut : UINT64_MAX;
        k.w[1] &= len <= 8 ? 0 : cut;
    } else {
        memcpy(k.w, p, len);
    }
    k.w[1] |= (uint64_t)len << 56;
    return k;
}

static inline uint64_t da_piece_hash(struct da_piece_key k)
{
    uint64_t h = (k.w[0] ^ k.w[1] * 0xd6e8feb86659fd93u) * 0x9e3779b97f4a7c15u;
    return (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
}

static inline struct da_piece_set *da_piece_set(const struct da_tok_scratch *s,
                                                uint64_t hash)
{
    return &s->cache.sets[hash >> (64 - s->cache.bits)];
}

static inline bool da_piece_is(const struct da_piece_entry *e, struct da_piece_key k)
{
    return !((e->key.w[0] ^ k.w[0]) | ((e->key.w[1] & DA_PIECE_KEY_MASK) ^ k.w[1]));
}

/* The entry that remembers a piece, or another one; chosen without a branch. */
static inline const struct da_piece_entry *da_piece_way(const struct da_piece_set *set,
                                                        struct da_piece_key k)
{
    return set->way + !da_piece_is(set->way, k);
}

/* Appends the ids of a piece when they are remembered. */
static inline bool da_piece_get(const struct da_piece_set *set, struct da_piece_key k,
                                struct da_ids *out)
{
    const struct da_piece_entry *e = da_piece_way(set, k);
    if (!da_piece_is(e, k))
        return false;
    memcpy(da_ids_reserve(out, DA_PIECE_MAX_IDS), e->ids, sizeof e->ids);
    out->n += e->key.w[1] >> 60;
    return true;
}

static inline void da_piece_put(struct da_piece_set *set, struct da_piece_key k,
                                const int32_t *ids, size_t n)
{
    if (n > DA_PIECE_MAX_IDS)
        return;
    set->way[1] = set->way[0];
    set->way[0].key.w[0] = k.w[0];
    set->way[0].key.w[1] = k.w[1] | (uint64_t)n << 60;
    memcpy(set->way[0].ids, ids, n * sizeof *ids);
}

void da_piece_cache_init(struct da_piece_cache *c);
void da_piece_cache_release(struct da_piece_cache *c);
void da_piece_cache_clear(struct da_piece_cache *c);
/* To be called between pieces: pointers into the tables may become invalid. */
void da_piece_cache_grow(struct da_piece_cache *c);

static inline void da_piece_cache_check(struct da_piece_cache *c)
{
    enum { SMALL_IS_FULL = 4096 };
    if (DA_UNLIKELY(c->block != NULL && c->n_put > SMALL_IS_FULL))
        da_piece_cache_grow(c);
}

#endif
