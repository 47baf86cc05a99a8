#ifndef ENGINE_SESSION_H
#define ENGINE_SESSION_H

/*
 * Sequences and logits, one step at a time: what the scheduler (engine.h),
 * perplexity and bench are made of.
 *
 * A session owns threads, buffers and key/value memory for one model. A step
 * takes tokens of any sequences, in any mixture and of any number up to the
 * batch, and gives logits only where they were asked for. What a token's logits
 * are depends on the sequence's tokens alone, to the last bit.
 *
 * An encoder-decoder's prompt is for its encoder, which needs it whole: it ends with
 * the first row that wants logits, and rows before that are kept, not computed.
 *
 * Not thread-safe: one step at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "engine/engine.h"

struct da_session;

struct da_session_opts {
    unsigned n_threads; /* 0: all processors */
    enum da_kv_type kv;
    uint32_t n_ctx;        /* positions of a sequence at most; 0: the model's */
    uint32_t n_seqs;       /* sequences at one time; 0: 1 */
    uint32_t batch;        /* tokens of a step at most; 0: DA_ENGINE_BATCH */
    uint32_t n_logits;     /* rows of logits of a step at most; 0: n_seqs */
    uint32_t n_scores;     /* rows that want_score of a step at most */
    uint64_t kv_max_bytes; /* 0: DA_ENGINE_KV_MAX */
};

enum da_rc da_session_new(struct da_session **ret, const struct da_model *m,
                          const struct da_session_opts *opts, struct da_err *err);
void da_session_free(struct da_session *s); /* NULL allowed */
/* With the choices made. */
const struct da_session_opts *da_session_opts(const struct da_session *s);
const struct da_model *da_session_model(const struct da_session *s);

/* An empty sequence; DA_ELIMIT when n_seqs are open. */
enum da_rc da_seq_open(struct da_session *s, uint32_t *seq, struct da_err *err);
/* A new sequence with the first n_pos positions of src, whose whole pages are shared. */
enum da_rc da_seq_fork(struct da_session *s, uint32_t src, uint32_t n_pos, uint32_t *seq,
                       struct da_err *err);
void da_seq_close(struct da_session *s, uint32_t seq);
uint32_t da_seq_len(const struct da_session *s, uint32_t seq); /* positions computed */
/* Forgets positions from n_pos on (<= length). A shared last page is copied first: may fail for
 * want of a page. */
enum da_rc da_seq_truncate(struct da_session *s, uint32_t seq, uint32_t n_pos, struct da_err *err);

/* Pages that a sequence of so many prompt tokens and new ones needs at most. */
uint32_t da_session_pages_for(const struct da_session *s, uint64_t n_prompt, uint64_t n_new);

/* Pages free and in all; a page holds 64 positions. */
uint32_t da_session_pages_free(const struct da_session *s);
uint32_t da_session_pages(const struct da_session *s);
uint64_t da_session_kv_bytes(const struct da_session *s);

struct da_row {
    uint32_t seq;
    int32_t id;       /* token at the sequence's next position */
    bool want_logits; /* of the token after it */
    bool want_lse;    /* with want_logits: their log(sum(exp)) as well */
    bool want_score;  /* instead of logits: the log-probability of target as the token after it */
    int32_t target;
};

/* Computes the rows; those of one sequence stand in order. DA_ELIMIT when a sequence would pass
 * n_ctx or no page is free (nothing has changed then), DA_EUSAGE for a token outside the
 * vocabulary or too many rows. */
enum da_rc da_session_step(struct da_session *s, const struct da_row *rows, uint32_t n_rows,
                           struct da_err *err);

/* Logits [n_vocab] of the i-th row of the last step that wanted them. */
const float *da_session_logits(const struct da_session *s, uint32_t i);

/* Index of the largest of them (the first of equals). */
int32_t da_session_top(const struct da_session *s, uint32_t i);
/* log(sum(exp)) of them; dear where no row asked for it with want_lse. */
double da_session_lse(const struct da_session *s, uint32_t i);

/* Log-probability (natural logarithm) that the i-th row of the last step with want_score asked for:
 * to the last bit the target's logit less da_session_lse. No logits are kept for it. */
double da_session_score(const struct da_session *s, uint32_t i);

#endif
