#ifndef TEXT_UNORM_H
#define TEXT_UNORM_H

/*
 * Unicode normalization forms (UAX 15) over tables in the tree, Unicode 16.0.0
 * (tools/unicode/gen_unorm.py): tokenizers that normalize must give the same ids
 * whatever library a system has. Linear in the text, long runs of marks included.
 */

#include <stdint.h>

#include "common/buf.h"
#include "common/span.h"

enum da_unorm_form { DA_UNORM_NFC, DA_UNORM_NFD, DA_UNORM_NFKC, DA_UNORM_NFKD };

/* Which characters count: those of 16.0, or only those that Unicode 9.0 had, which is what Hugging
 * Face's tokenizers (up to 0.23 at least) normalize by. */
enum da_unorm_version { DA_UNORM_16, DA_UNORM_9 };

/* Appends text in the form; bytes that are not UTF-8 stay as they are. */
void da_unorm(enum da_unorm_form form, enum da_unorm_version version, struct da_span text,
              struct da_buf *out);

/* The tables. */
enum {
    DA_UNORM_CANONICAL = 1, /* has a canonical decomposition */
    DA_UNORM_COMPAT = 2,    /* has another, compatible one */
    DA_UNORM_SECOND = 4,    /* may join the character before it */
    DA_UNORM_NOT_NFC = 8,   /* never stands in text of that form */
    DA_UNORM_NOT_NFKC = 16,
    DA_UNORM_AFTER_9 = 32   /* newer than Unicode 9.0 */
};
struct da_unorm_record {
    uint8_t ccc;   /* canonical combining class */
    uint8_t flags; /* DA_UNORM_CANONICAL, ... */
};
struct da_unorm_full { /* full decompositions, in da_unorm_pool; an absent one has length 0 */
    uint32_t cp;
    uint16_t canonical, n_canonical, compat, n_compat;
};
struct da_unorm_pair {
    uint32_t first, second, composed;
};
extern const unsigned char da_unorm_index[4352];
extern const unsigned char da_unorm_block[][256];
extern const struct da_unorm_record da_unorm_records[];
extern const struct da_unorm_full da_unorm_full[];
extern const unsigned da_unorm_n_full;
extern const uint32_t da_unorm_pool[];
extern const struct da_unorm_pair da_unorm_pairs[];
extern const unsigned da_unorm_n_pairs;

#endif
