#ifndef ENGINE_TOKENIZER_BYTEMERGE_H
#define ENGINE_TOKENIZER_BYTEMERGE_H

/*
 * Byte-pair encoding of many short pieces of bytes at once. Merging is a chain of
 * look-ups in tables that no near cache holds; many chains side by side wait for
 * memory together.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct da_tokenizer;

/* Two neighbouring bytes p and q of a byte-level vocabulary. */
struct da_byte_pair {
    uint32_t rank;  /* of their merge, or DA_PAIR_NONE */
    uint16_t left;  /* lowest rank of a merge of anything that ends in p with q alone */
    uint16_t right; /* lowest rank of a merge of p alone with anything that begins with q */
};
#define DA_BYTE_PAIR_MAX UINT16_MAX /* left and right: this rank, a higher one, or no merge */

enum { DA_JOB_MAX_LEN = 128 };

struct da_merge_job {
    uint32_t n;                     /* symbols; when merged, ids */
    int32_t id[DA_JOB_MAX_LEN];     /* the first n are the result */
    int32_t key[DA_JOB_MAX_LEN];    /* rank of the pair of a symbol and the next, and its place */
    uint8_t next[DA_JOB_MAX_LEN + 1], prev[DA_JOB_MAX_LEN + 1];
};

/* Fills t->byte_pairs; needs byte_id and pairs. DA_ENOMEM. */
enum da_rc da_byte_pairs_build(struct da_tokenizer *t, struct da_err *err);
/* Whether every byte is a token, so that da_merge_job_set may be used. */
bool da_byte_pairs_cover(const struct da_tokenizer *t);

/* Gives a job its piece of 1..DA_JOB_MAX_LEN bytes. */
void da_merge_job_set(const struct da_tokenizer *t, struct da_merge_job *job, const char *p,
                      size_t len);
/* Merges the pieces of n jobs that were set. */
void da_merge_jobs_run(const struct da_tokenizer *t, struct da_merge_job *jobs, size_t n);

#endif
