#ifndef ENGINE_MODEL_TORCH_H
#define ENGINE_MODEL_TORCH_H

/*
 * Reader of pytorch_model.bin: a zip archive with stored entries data.pkl (see
 * pickle.h) and data/KEY, as torch.save writes since 1.6. Archives over 4 GB
 * (zip64), packed entries and big-endian data are refused. Every size is
 * checked against the file before use.
 *
 * Tensors of other types than F32, F16 and BF16 are listed with type DA_Q_I32,
 * so that the caller can pass over buffers; their data is not to be read.
 */

#include "common/err.h"
#include "engine/model/safetensors.h"

/* folder/pytorch_model.bin, or the shards of folder/pytorch_model.bin.index.json. */
enum da_rc da_torch_open(struct da_safetensors **ret, const char *folder, struct da_err *err);
/* One file in memory, for tests; p must outlive the reader. */
enum da_rc da_torch_open_memory(struct da_safetensors **ret, const void *p, size_t len,
                                struct da_err *err);

#endif
