#ifndef ENGINE_MODEL_MLC_H
#define ENGINE_MODEL_MLC_H

/*
 * Reader of MLC-LLM weight folders: ndarray-cache.json lists shards, each a raw
 * file, and the tensors that lie in them. Read are plain float tensors (q0f16,
 * q0f32) and q4f16_1: "X.q_weight" (uint32 [N][K / 8], eight values a word, lowest
 * bits first) and "X.q_scale" (float16 [N][K / 32]) stand for "X.weight" with
 * w = (q - 7) * scale, and are given as Q4_0 blocks of exactly these values.
 * Hostile input: offsets, sizes and MD5 sums are checked before use.
 */

#include "common/err.h"
#include "engine/model/safetensors.h"

#define DA_MLC_MANIFEST "ndarray-cache.json"

enum da_rc da_mlc_open(struct da_safetensors **ret, const char *folder, struct da_err *err);

/* One group of 32: 16 bytes of packed values and the scale's bits, as a Q4_0 block. */
void da_mlc_block(const unsigned char packed[16], uint16_t scale, struct da_block_q4_0 *out);

#endif
