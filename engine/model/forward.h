#ifndef ENGINE_MODEL_FORWARD_H
#define ENGINE_MODEL_FORWARD_H

/* The forward pass of one step and the buffers it works in. Private to the engine. */

#include "engine/model/kv.h"
#include "engine/model/model.h"
#include "engine/pool.h"
#include "engine/session.h"

struct da_seq {
    bool open;
    uint32_t n_pos;
    uint32_t n_pages;
    uint32_t *pages; /* [max_pages] */
};

/* Rows of a step whose attention is computed together for each block of keys. */
struct da_attn_job {
    uint32_t first_row, n_rows; /* of the step, consecutive, positions not falling */
    uint32_t n_shared;          /* leading blocks that all rows share */
};

enum { HIDDEN_TOKENS = 64 }; /* tokens of the MLP between its matrices at one time */

/* A worker's own memory. */
struct da_attn_scratch {
    float *gate, *up;         /* [HIDDEN_TOKENS][32] */
    struct da_attn_row *rows; /* [max_attn_rows] */
    float *o;                 /* [max_attn_rows][head_dim padded] */
};

struct da_session {
    const struct da_model *model;
    struct da_session_opts opts;
    struct da_pool *pool;
    struct da_kv kv;
    struct da_seq *seqs; /* [n_seqs] */
    uint32_t max_pages;  /* of one sequence */

    /* sizes in floats from row to row */
    uint32_t d_stride, qkv_stride, attn_stride, ff_stride, vocab_stride;
    uint32_t q8_stride;    /* bytes of a quantized query head */
    uint32_t job_rows;     /* rows a job takes at most */
    uint32_t max_attn_rows;

    /* buffers, [batch] rows each unless said */
    float *x;        /* residual stream */
    float *xn, *xn2; /* after a norm; xn2 only for parallel families */
    float *tmp;      /* a block's output that is not simply added to the stream */
    float *qkv, *attn, *gate, *up;
    unsigned char *x_tiles, *x2_tiles, *attn_tiles, *ff_tiles; /* 8-bit forms */
    int8_t *q8;                                                /* [batch][n_heads][q8_stride] */
    float *q8_scale;                                           /* [batch][n_heads] */
    int32_t *q8_sum;                                           /* [batch][n_heads] */
    float *logits;                                             /* [n_logits][vocab_stride] */
    float *rope_cos[2], *rope_sin[2];                          /* [n_ctx][n_rot / 2] */
    struct da_attn_scratch *scratch;                           /* [n_threads] */
    void **blocks;                                             /* owned: all of the above */
    size_t n_blocks, cap_blocks;

    /* the step at hand */
    const struct da_row *rows;
    uint32_t n_rows;
    uint32_t *row_pos;    /* [batch] */
    uint32_t *logit_rows; /* [n_logits] */
    uint32_t n_logits;
    struct da_attn_job *jobs; /* [batch] */
    uint32_t n_jobs;
};

/* Computes the step that is set up in s (rows, positions, pages, jobs). */
void da_forward(struct da_session *s);

#endif
