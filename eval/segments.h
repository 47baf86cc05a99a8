#ifndef EVAL_SEGMENTS_H
#define EVAL_SEGMENTS_H

/* Segments of one system, in blocks: from line-aligned text files, or from JSON Lines with rows
 * {"hyp":"...","refs":["...",null]}, where null is a missing reference. */

#include "common/arena.h"
#include "common/err.h"
#include "eval/work.h"

enum { DA_SEGMENTS_MAX_REFS = 64, DA_SEGMENTS_BLOCK = 1024 };

struct da_segment_files {
    const char *hyp;
    const char *const *refs; /* [n_refs] */
    size_t n_refs;
    const char *jsonl; /* instead of the others; else NULL */
};

struct da_block {
    struct da_segment segs[DA_SEGMENTS_BLOCK]; /* [n] */
    size_t n;
    struct da_arena texts;
};

struct da_segments;

enum da_rc da_segments_open(struct da_segments **ret, const struct da_segment_files *files,
                            struct da_err *err);
void da_segments_close(struct da_segments *s);

void da_block_init(struct da_block *b);
void da_block_release(struct da_block *b);

/* Fills b; b->n is 0 at the end. Files of different length are DA_EMISMATCH with both lengths. */
enum da_rc da_segments_next(struct da_segments *s, struct da_block *b, struct da_err *err);

/* References of every segment so far, or DA_NREFS_VARIABLE. */
int da_segments_n_refs(const struct da_segments *s);
const char *da_segments_name(const struct da_segments *s);

#endif
