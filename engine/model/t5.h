#ifndef ENGINE_MODEL_T5_H
#define ENGINE_MODEL_T5_H

/*
 * T5 and its kin (arXiv 1910.10683, 2210.11416, 2211.01786): an encoder reads the
 * prompt, every position seeing all, and a decoder that attends to itself and to
 * the encoder's result writes the answer. Distances between positions add a bias
 * to scores, from a table of buckets.
 *
 * In a session the tokens of a sequence up to the first that wants logits are the
 * encoder's; with that one the encoder runs, and the decoder's first position, the
 * start token, gives the logits. What follows are the decoder's tokens. The
 * decoder's pages are the sequence's; others hold keys and values of the encoder's
 * result for each decoder layer.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "engine/model/kv.h"
#include "engine/model/model.h"

struct da_loader;
struct da_row;
struct da_seq;
struct da_session;

struct da_t5_cross {
    struct da_norm_weight norm;
    struct da_weight q, kv[2], wo;
};

struct da_t5 {
    uint32_t n_enc, n_buckets, max_distance;
    int32_t start_token;
    struct da_layer *enc;      /* [n_enc]; the decoder's are the model's */
    struct da_t5_cross *cross; /* [hp.n_layers] */
    struct da_norm_weight enc_norm;
    float *rel_enc, *rel_dec; /* [n_buckets][n_heads] */
};

enum da_rc da_t5_load(struct da_loader *ld);
void da_t5_free(struct da_t5 *t); /* NULL allowed */

/* A session's own. */
struct da_t5_state {
    float *enc_bias, *dec_bias; /* [n_heads][stride], at distance key - query + n_ctx - 1 */
    uint32_t enc_stride, dec_stride;
    struct da_kv enc_kv;      /* of the encoder's layer at hand: page i is block i */
    struct da_row *rows;      /* [batch] of the decoder in the step at hand */
    const struct da_seq *seq; /* being encoded */
};

/* Once the session's other buffers stand. */
enum da_rc da_t5_start(struct da_session *s, struct da_err *err);
void da_t5_stop(struct da_session *s);
/* Takes the caller's rows: collects, encodes, leaves the decoder's in s->rows. All or nothing. */
enum da_rc da_t5_take_rows(struct da_session *s, const struct da_row *rows, uint32_t n_rows,
                           struct da_err *err);
/* Attention to the encoder's result; called by every worker after that of a layer to itself. */
void da_t5_cross_block(struct da_session *s, uint32_t layer);

#endif
