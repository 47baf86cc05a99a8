#ifndef ENGINE_MODEL_FORWARD_H
#define ENGINE_MODEL_FORWARD_H

/* The forward pass of one step and the buffers it works in. Private to the engine. */

#include "engine/model/head.h"
#include "engine/model/kv.h"
#include "engine/model/mamba.h"
#include "engine/model/model.h"
#include "engine/model/t5.h"
#include "engine/pool.h"
#include "engine/session.h"

struct da_seq {
    bool open;
    uint32_t n_pos;
    uint32_t n_pages;
    uint32_t *pages; /* [max_pages] */
    /* Mamba: the tokens so far; T5: those of the encoder */
    int32_t *ids; /* owned */
    size_t n_ids, cap_ids;
    float *state;        /* Mamba's, after n_pos positions; in the session's block */
    uint32_t *src_pages; /* [max_pages], T5: of the encoder's result */
    uint32_t n_src_pages;
    bool encoded;                /* T5: rows are the decoder's from now on */
    uint32_t first_row;          /* T5: of the step in which it was encoded */
    uint32_t plan_ids, plan_pos; /* T5: while a step is checked */
    bool plan_encoded;
};

/* Rows of a step whose attention is computed together for each block of keys. */
struct da_attn_job {
    uint32_t first_row, n_rows; /* of the step, consecutive, positions not falling */
    uint32_t n_shared;          /* leading blocks that all rows share */
};

enum { HIDDEN_TOKENS = 64 }; /* tokens of the MLP between its matrices at one time */

/* A worker's own memory. */
struct da_attn_scratch {
    float *gate, *up;         /* [HIDDEN_TOKENS][32, or 256 where a down matrix wants supers] */
    struct da_attn_row *rows; /* [max_attn_rows] */
    float *o;                 /* [max_attn_rows][head_dim padded] */
    float *logits;            /* [HIDDEN_TOKENS][DA_HEAD_BLOCK] where there are scores */
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
    uint32_t n_head_blocks;
    uint32_t q8_stride; /* bytes of a quantized query head */
    uint32_t job_rows;  /* rows a job takes at most */
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
    struct da_head_part *logit_parts, *score_parts; /* [n_logits], [n_scores][n_head_blocks] */
    float *score_logits;                            /* [n_scores], of the targets */
    float *rope_cos[2], *rope_sin[2];                          /* [n_ctx][n_rot / 2] */
    struct da_attn_scratch *scratch;                           /* [n_threads] */
    struct da_t5_state t5;
    float *states; /* Mamba: owned, of all sequences */
    size_t states_bytes;
    unsigned char *arena; /* owned: all of the above */
    size_t arena_bytes;

    /* the step at hand */
    const struct da_row *rows;
    uint32_t n_rows;
    uint32_t *row_pos;    /* [batch] */
    uint32_t *logit_rows; /* [n_logits] */
    uint32_t *score_rows; /* [n_scores] */
    uint32_t n_logits, n_scores;
    bool wants_lse; /* of the rows with logits */
    struct da_attn_job *jobs; /* [batch] */
    uint32_t n_jobs;
};

/* --- phases: every worker calls them with the same arguments; they end at a barrier --------- */

struct da_mm_job {
    const struct da_weight *w;
    float *out; /* of the first panel asked for */
    uint32_t stride;
};

/* What matrices want of the rows they read; flags of several are or-ed. Supers make tiles that
 * other kinds read as well. */
enum {
    DA_WANTS_FLOATS = 1 << 0, /* as they are */
    DA_WANTS_HALVES = 1 << 1, /* of 11 significant bits, where nobody wants them as they are */
    DA_WANTS_TILES = 1 << 2,
    DA_WANTS_SUPERS = 1 << 3 /* tiles whose scales hold for 256 values */
};
unsigned da_wants(const struct da_weight *w); /* 0: there is no such weight */
unsigned da_wants_all(const struct da_weight *w, uint32_t n);
/* Tiles of a row, and its floats rounded in place, as wanted. n is whole groups or supers where
 * tiles are wanted; tile may be NULL where not. */
void da_prepare_row(const struct da_session *s, unsigned wants, float *x, uint32_t n,
                    unsigned char *tile, unsigned slot);
/* No phase: panels [first, first + n) of a job. */
void da_run_panels(const struct da_session *s, const struct da_mm_job *j, const float *x,
                   uint32_t x_stride, const unsigned char *tiles, uint32_t n_tok, uint32_t first,
                   uint32_t n, bool add);

/* Blocks of tokens times rows of panels. */
struct da_mm_cut {
    uint32_t n_blocks, n_rows, step; /* step: panels of a row, a multiple of the least */
};
struct da_mm_cut da_cut_items(const struct da_session *s, uint32_t n_tok, uint32_t n_panels,
                              uint32_t least);

/* All jobs read the same input; their panels are one row of items. */
void da_phase_matmul(struct da_session *s, const struct da_mm_job *jobs, uint32_t n_jobs,
                     const float *x, uint32_t x_stride, const unsigned char *tiles, uint32_t n_tok,
                     bool add);
/* Rows of n floats as wanted; no phase when nothing is. */
void da_phase_prepare(struct da_session *s, unsigned wants, float *x, uint32_t stride, uint32_t n,
                      uint32_t n_rows, unsigned char *tiles);
/* A norm of the stream's rows to out, and to tiles when wanted. */
void da_phase_norm(struct da_session *s, const struct da_norm_weight *w, unsigned wants, float *out,
                   unsigned char *tiles);
/* Embeds the rows of the step into the stream. */
void da_phase_embed(struct da_session *s);
/* norm2 and MLP, added to the stream. */
void da_phase_mlp(struct da_session *s, const struct da_layer *y, unsigned worker);
/* No phase: one row. */
void da_apply_norm(const struct da_session *s, const struct da_norm_weight *w, const float *x,
                   float *y);

/* Biases of query position pos by key. */
static inline const float *da_t5_bias(const struct da_session *s, uint32_t head, uint32_t pos)
{
    return s->t5.dec_bias + (size_t)head * s->t5.dec_stride + (s->opts.n_ctx - 1 - pos);
}

/* Computes the step that is set up in s (rows, positions, pages, jobs). */
void da_forward(struct da_session *s);

#endif
